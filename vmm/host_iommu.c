/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/host_iommu.h"

#include "devices/vfio/host.h"
#include "vmm/log.h"

const char *host_iommu_name(const struct topology *topology, const struct iommu_choice *choice)
{
	if (!topology->nr)
		return NULL;
	return choice->iommufd < 0 ? iommu_type1.name : iommu_iommufd.name;
}

int host_iommu_choose(const struct topology *topology, const struct vm_options *options,
		      struct iommu_choice *ret, char *why, size_t why_len)
{
	static const enum iommu_wish wishes[] = {
		[IOMMUFD_AUTO] = IOMMU_WISH_AUTO,
		[IOMMUFD_ON] = IOMMU_WISH_IOMMUFD,
		[IOMMUFD_OFF] = IOMMU_WISH_GROUPS,
	};
	struct iommu_device devices[CVM_SLOT_MAX * TOPOLOGY_FUNCTIONS];
	struct iommu_request request = {
		.wish = wishes[options->iommufd],
		.iommufd = options->iommufd_fd,
		.devices = devices,
	};
	int r;

	ret->iommufd = -1;
	if (!topology->nr)
		return 0;
	for (unsigned s = 0; s < topology->nr; s++)
		for (unsigned i = 0; i < topology->slots[s].nr; i++)
			devices[request.nr++] = (struct iommu_device){
				.bdf = topology->slots[s].functions[i].bdf,
				.fd = topology->slots[s].functions[i].fd,
			};
	r = iommu_choose(HOST_SYSFS, &request, ret, why, why_len);
	if (r == 0)
		log_info("vm", "devices are reached through %s: %s",
			 ret->iommufd < 0 ? "their groups" : "iommufd", ret->reason);
	return r;
}
