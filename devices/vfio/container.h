/* SPDX-License-Identifier: BSD-3-Clause */
/* The devices of a VM and the IOMMU before them: guest RAM is mapped for DMA here, once for all. */
#ifndef COLDVM_DEVICES_VFIO_CONTAINER_H
#define COLDVM_DEVICES_VFIO_CONTAINER_H

#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/vfio/iommu.h"
#include "devices/vfio/vfio.h"

#define VFIO_MAX_GROUPS 32
#define VFIO_MAX_IOVA	32

struct vfio_container {
	const struct iommu_ops *iommu;
	pthread_mutex_t lock; /* of opening and closing devices, which workers do as well */
	const char *sysfs;    /* HOST_SYSFS, but in tests */
	unsigned nr_devices;  /* that are open */
	struct {	      /* of iommu_type1.c */
		int fd;	      /* /dev/vfio/vfio, -1 until the first group */
		struct {
			int fd;
			int number;
			unsigned users; /* open devices */
		} groups[VFIO_MAX_GROUPS];
		unsigned nr_groups;
	} type1;
	struct {	/* of iommu_iommufd.c */
		int fd; /* not the container's: it is there for all boots of a VM */
		uint32_t ioas;
		unsigned users; /* attached to it; 0: there is none */
	} iommufd;
	struct {
		uint64_t start, last;
	} iova[VFIO_MAX_IOVA]; /* what the IOMMU can translate */
	unsigned nr_iova;
	struct vfio_windows windows;
	struct memory *memory;
	uint64_t bar_bytes; /* of BARs that devices may have in the IOMMU */
	bool mapped;	    /* guest RAM is in the IOMMU */
	bool no_p2p;	    /* BARs stay out of it */
};

/* @iommufd: devices are opened as character devices and mapped there; it stays the caller's and
 * outlives the container. -1: by group, with the type1 IOMMU. */
void vfio_container_init(struct vfio_container *container, struct memory *memory, int iommufd);
/* All devices are closed. */
void vfio_container_exit(struct vfio_container *container);

/* Opens @device and puts it behind the container's IOMMU; its descriptor is given back by
 * vfio_container_close_device(). A group that is not viable is explained in @why: each other device
 * of it, its driver, and the command that rebinds it. -errno. */
int vfio_container_open_device(struct vfio_container *container, const struct iommu_device *device,
			       char *why, size_t why_len);
void vfio_container_close_device(struct vfio_container *container, int group, int *fd);
/* The descriptor of a group that is open, still the container's; -1 if there is none, as with
 * iommufd, where ownership is a matter of the device alone. */
int vfio_container_group_fd(const struct vfio_container *container, int number);

/* Maps all guest RAM at its guest addresses, inside the ranges that the IOMMU reports. Checks
 * RLIMIT_MEMLOCK first; @why then says how much is needed and how to allow it. */
int vfio_container_map_ram(struct vfio_container *container, char *why, size_t why_len);

/* -EINVAL outside of the IOMMU's ranges. */
int vfio_container_dma_map(struct vfio_container *container, uint64_t iova, uint64_t size,
			   void *hva);
int vfio_container_dma_unmap(struct vfio_container *container, uint64_t iova, uint64_t size);

/*
 * What the calls above are made of, for them and for the tests.
 */
/* The capability @id of at least @min bytes in a chain that begins at offset @first of @info (@len
 * bytes, from the kernel), or NULL: bad offsets and loops end the search. */
const struct vfio_info_cap_header *vfio_container_find_cap(const void *info, size_t len,
							   uint32_t first, uint16_t id, size_t min);
/* True if [iova, iova + size) lies within one reported range. */
bool vfio_container_covers(const struct vfio_container *container, uint64_t iova, uint64_t size);
/* -EINVAL, with a line that names the region and what is missing, if RAM is outside the ranges. */
int vfio_container_check_ram(const struct vfio_container *container, char *why, size_t why_len);
/* -ENOMEM, with the number needed and how to allow it, if @limit (RLIMIT_MEMLOCK, bytes) less what
 * is locked already is too little for @ram bytes. @bars is in the number printed. */
int vfio_container_check_memlock(uint64_t limit, uint64_t locked, uint64_t ram, uint64_t bars,
				 char *why, size_t why_len);

#endif
