/* SPDX-License-Identifier: BSD-3-Clause */
/* The way to the passthrough devices of a topology, for run and park. */
#ifndef COLDVM_VMM_HOST_IOMMU_H
#define COLDVM_VMM_HOST_IOMMU_H

#include "devices/vfio/iommu_choice.h"
#include "vmm/options.h"
#include "vmm/topology.h"

/* iommu_choose() for every function of @topology, by what @options say; logs what it is. Without
 * devices nothing is opened. -EINVAL: the options are at fault. */
int host_iommu_choose(const struct topology *topology, const struct vm_options *options,
		      struct iommu_choice *ret, char *why, size_t why_len);
/* "iommufd" or "type1", NULL without devices. */
const char *host_iommu_name(const struct topology *topology, const struct iommu_choice *choice);

#endif
