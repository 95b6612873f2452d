/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What both ways to the IOMMU have in common: devices come and go, guest RAM and BARs are mapped
 * for DMA inside of the ranges that the IOMMU offers, and locked memory has a limit.
 */
#include "devices/vfio/container.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "devices/vfio/host.h"
#include "vmm/bits.h"
#include "vmm/log.h"
#include "vmm/memory.h"

#define CAP_IPC_LOCK_BIT 14 /* linux/capability.h */

void vfio_container_init(struct vfio_container *container, struct memory *memory, int iommufd)
{
	memset(container, 0, sizeof(*container));
	pthread_mutex_init(&container->lock, NULL);
	container->iommu = iommufd < 0 ? &iommu_type1 : &iommu_iommufd;
	container->sysfs = HOST_SYSFS;
	container->memory = memory;
	container->type1.fd = -1;
	container->iommufd.fd = iommufd;
}

void vfio_container_exit(struct vfio_container *container)
{
	/* The mappings have gone with the last device. */
	container->mapped = false;
	close_fd(&container->type1.fd);
	pthread_mutex_destroy(&container->lock);
}

int vfio_container_open_device(struct vfio_container *container, const struct iommu_device *device,
			       char *why, size_t why_len)
{
	int fd;

	pthread_mutex_lock(&container->lock);
	fd = container->iommu->open(container, device, why, why_len);
	if (fd >= 0)
		container->nr_devices++;
	pthread_mutex_unlock(&container->lock);
	return fd;
}

void vfio_container_close_device(struct vfio_container *container, int group, int *fd)
{
	pthread_mutex_lock(&container->lock);
	container->iommu->close(container, group, *fd);
	*fd = -1;
	if (--container->nr_devices == 0)
		container->mapped = false;
	pthread_mutex_unlock(&container->lock);
}

const struct vfio_info_cap_header *vfio_container_find_cap(const void *info, size_t len,
							   uint32_t first, uint16_t id, size_t min)
{
	const struct vfio_info_cap_header *cap;
	uint32_t off = first, last = 0;

	/* The kernel appends capabilities, so offsets only grow: a chain that does not is broken.
	 */
	while (off > last && range_inside(off, sizeof(*cap), 0, len) && off % 4 == 0) {
		cap = (const void *)((const char *)info + off);
		if (cap->id == id)
			return range_inside(off, min, 0, len) ? cap : NULL;
		last = off;
		off = cap->next;
	}
	return NULL;
}

bool vfio_container_covers(const struct vfio_container *container, uint64_t iova, uint64_t size)
{
	if (!size || iova + (size - 1) < iova)
		return false;
	/* Within one: the kernel asks for the same (vfio_iommu_iova_dma_valid()). */
	for (unsigned i = 0; i < container->nr_iova; i++)
		if (iova >= container->iova[i].start &&
		    iova + (size - 1) <= container->iova[i].last)
			return true;
	return false;
}

int vfio_container_check_ram(const struct vfio_container *container, char *why, size_t why_len)
{
	const struct memory *memory = container->memory;
	int n;

	for (unsigned i = 0; i < memory->nr_ram; i++) {
		const struct memory_region *ram = &memory->ram[i];

		if (vfio_container_covers(container, ram->gpa, ram->size))
			continue;
		n = snprintf(why, why_len,
			     "the host's IOMMU cannot map guest memory 0x%" PRIx64 "-0x%" PRIx64
			     "; it offers",
			     ram->gpa, ram->gpa + ram->size - 1);
		for (unsigned k = 0; k < container->nr_iova && n > 0 && (size_t)n < why_len; k++)
			n += snprintf(why + n, why_len - (size_t)n, "%s 0x%" PRIx64 "-0x%" PRIx64,
				      k ? "," : "", container->iova[k].start,
				      container->iova[k].last);
		return -EINVAL;
	}
	return 0;
}

int vfio_container_check_memlock(uint64_t limit, uint64_t locked, uint64_t ram, uint64_t bars,
				 char *why, size_t why_len)
{
	uint64_t need = align_up(ram + bars + locked, MIB(1));

	/* Type 1 counts RAM (vfio_pin_pages_remote()); BARs are reserved pages and free of charge,
	 * but an iommufd that can map them counts them, so the number that people are told has them
	 * in it. */
	if (limit >= locked && limit - locked >= ram)
		return 0;
	snprintf(why, why_len,
		 "the device needs %" PRIu64 " MiB of locked memory and the limit is %" PRIu64
		 " KiB: run 'ulimit -l %" PRIu64 "' (as root) before coldvm, or set "
		 "LimitMEMLOCK=%" PRIu64 "M in its systemd unit",
		 need / MIB(1), limit / KIB(1), need / KIB(1), need / MIB(1));
	return -ENOMEM;
}

/* A number from a line of /proc/self/status, 0 if there is none. */
static uint64_t status_number(const char *key, int base)
{
	FILE *file = fopen("/proc/self/status", "re");
	size_t key_len = strlen(key);
	uint64_t value = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, key_len))
			value = strtoull(line + key_len, NULL, base);
	if (file)
		fclose(file);
	return value;
}

static uint64_t ram_size(const struct memory *memory)
{
	uint64_t size = 0;

	for (unsigned i = 0; i < memory->nr_ram; i++)
		size += memory->ram[i].size;
	return size;
}

static int check_memlock(const struct vfio_container *container, bool privileged, char *why,
			 size_t why_len)
{
	struct rlimit limit;
	uint64_t locked;

	if (privileged && status_number("CapEff:", 16) & UINT64_C(1) << CAP_IPC_LOCK_BIT)
		return 0;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return -errno;
	if (limit.rlim_cur == RLIM_INFINITY)
		return 0;
	/* What the user's other processes have pinned is nowhere to be read. */
	locked = container->iommu->memlock_of_user ? 0 : status_number("VmLck:", 10) * KIB(1);
	return vfio_container_check_memlock(limit.rlim_cur, locked, ram_size(container->memory),
					    container->bar_bytes, why, why_len);
}

int vfio_container_dma_map(struct vfio_container *container, uint64_t iova, uint64_t size,
			   void *hva)
{
	if (!vfio_container_covers(container, iova, size))
		return -EINVAL;
	return container->iommu->map(container, iova, size, hva);
}

int vfio_container_dma_unmap(struct vfio_container *container, uint64_t iova, uint64_t size)
{
	return container->iommu->unmap(container, iova, size);
}

/* Why there is no memory to lock, behind what @why says already. */
static void explain_memlock(const struct vfio_container *container, char *why, size_t why_len)
{
	size_t len = strlen(why);

	/* A capability of a user namespace only: the kernel does not count it. */
	if (check_memlock(container, false, why, why_len) || !container->iommu->memlock_of_user)
		return;
	snprintf(why + len, why_len - len,
		 " (the limit on locked memory, 'ulimit -l', has to hold the memory of all VMs of "
		 "this user that use iommufd)");
}

int vfio_container_map_ram(struct vfio_container *container, char *why, size_t why_len)
{
	const struct memory *memory = container->memory;
	unsigned done = 0;
	int err;

	if (container->mapped)
		return 0;
	err = vfio_container_check_ram(container, why, why_len);
	if (err)
		return err;
	err = check_memlock(container, true, why, why_len);
	if (err)
		return err;
	for (; done < memory->nr_ram; done++) {
		const struct memory_region *ram = &memory->ram[done];

		err = container->iommu->map(container, ram->gpa, ram->size, ram->hva);
		if (err)
			goto unmap;
	}
	container->mapped = true;
	return 0;

unmap:
	snprintf(why, why_len, "mapping guest memory 0x%" PRIx64 " for DMA failed: %s",
		 memory->ram[done].gpa, strerror(-err));
	if (err == -ENOMEM)
		explain_memlock(container, why, why_len);
	while (done--)
		(void)vfio_container_dma_unmap(container, memory->ram[done].gpa,
					       memory->ram[done].size);
	return err;
}
