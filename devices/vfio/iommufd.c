/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/vfio/iommufd.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "vmm/bits.h"

static int call(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

int iommufd_ioas_alloc(int iommufd, uint32_t *ret_ioas)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int err = call(iommufd, IOMMU_IOAS_ALLOC, &alloc);

	*ret_ioas = alloc.out_ioas_id;
	return err;
}

int iommufd_ioas_destroy(int iommufd, uint32_t ioas)
{
	struct iommu_destroy destroy = { .size = sizeof(destroy), .id = ioas };

	return call(iommufd, IOMMU_DESTROY, &destroy);
}

int iommufd_ioas_ranges(int iommufd, uint32_t ioas, struct iommu_iova_range *ranges, unsigned room,
			unsigned *ret_nr)
{
	struct iommu_ioas_iova_ranges query = {
		.size = sizeof(query),
		.ioas_id = ioas,
		.num_iovas = room,
		.allowed_iovas = (uintptr_t)ranges,
	};
	int err = call(iommufd, IOMMU_IOAS_IOVA_RANGES, &query);

	/* There are more than fit: the first ones are there. */
	if (err == -EMSGSIZE)
		err = 0;
	*ret_nr = err ? 0 : (unsigned)min_u64(query.num_iovas, room);
	return err;
}

int iommufd_ioas_map(int iommufd, uint32_t ioas, uint64_t iova, uint64_t size, void *hva)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)hva,
		.length = size,
		.iova = iova,
	};

	return call(iommufd, IOMMU_IOAS_MAP, &map);
}

int iommufd_ioas_unmap(int iommufd, uint32_t ioas, uint64_t iova, uint64_t size)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = ioas,
		.iova = iova,
		.length = size,
	};
	int err = call(iommufd, IOMMU_IOAS_UNMAP, &unmap);

	return err ? err : unmap.length == size ? 0 : -ENOENT;
}

int iommufd_bind(int cdev, int iommufd)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind), .iommufd = iommufd };

	return call(cdev, VFIO_DEVICE_BIND_IOMMUFD, &bind);
}

/* Until then every other call is refused (vfio_main.c: vfio_device_fops_unl_ioctl()). */
bool iommufd_is_bound(int cdev)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	return call(cdev, VFIO_DEVICE_GET_INFO, &info) == 0;
}

int iommufd_attach(int cdev, uint32_t ioas)
{
	struct vfio_device_attach_iommufd_pt attach = { .argsz = sizeof(attach), .pt_id = ioas };

	return call(cdev, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach);
}

int iommufd_detach(int cdev)
{
	struct vfio_device_detach_iommufd_pt detach = { .argsz = sizeof(detach) };

	return call(cdev, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach);
}
