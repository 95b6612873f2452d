/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The VFIO container (type1 IOMMU): groups come and go, guest RAM and BARs are mapped for DMA.
 * The uAPI is Documentation/driver-api/vfio.rst; the limits are those of vfio_iommu_type1.c.
 */
#include "devices/vfio/container.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "devices/vfio/host.h"
#include "vmm/bits.h"
#include "vmm/log.h"
#include "vmm/memory.h"

#define INFO_MAX	 KIB(64) /* a sane size of an answer to VFIO_IOMMU_GET_INFO */
#define CAP_IPC_LOCK_BIT 14	 /* linux/capability.h */

void vfio_container_init(struct vfio_container *container, struct memory *memory)
{
	memset(container, 0, sizeof(*container));
	container->fd = -1;
	container->memory = memory;
}

void vfio_container_exit(struct vfio_container *container)
{
	/* The mappings go with the last group and the container's descriptor. */
	for (unsigned i = 0; i < container->nr_groups; i++)
		close_fd(&container->groups[i].fd);
	container->nr_groups = 0;
	container->mapped = false;
	close_fd(&container->fd);
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

void vfio_container_parse_info(struct vfio_container *container, const void *info, size_t len)
{
	const struct vfio_iommu_type1_info_cap_iova_range *cap = NULL;
	const struct vfio_iommu_type1_info *head = info;
	size_t room;

	container->nr_iova = 0;
	if (len >= sizeof(*head) && head->flags & VFIO_IOMMU_INFO_CAPS)
		cap = (const void *)vfio_container_find_cap(info, len, head->cap_offset,
							    VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
							    sizeof(*cap));
	if (!cap) {
		container->iova[0].start = 0;
		container->iova[0].last = UINT64_MAX;
		container->nr_iova = 1;
		return;
	}
	room = (len - (size_t)((const char *)cap - (const char *)info) - sizeof(*cap)) /
	       sizeof(cap->iova_ranges[0]);
	for (uint32_t i = 0; i < cap->nr_iovas && i < room; i++) {
		if (container->nr_iova == VFIO_MAX_IOVA)
			break;
		container->iova[container->nr_iova].start = cap->iova_ranges[i].start;
		container->iova[container->nr_iova++].last = cap->iova_ranges[i].end;
	}
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
	 * but iommufd counts them, so the number that people are told has them in it. */
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

	if (privileged && status_number("CapEff:", 16) & UINT64_C(1) << CAP_IPC_LOCK_BIT)
		return 0;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return -errno;
	if (limit.rlim_cur == RLIM_INFINITY)
		return 0;
	return vfio_container_check_memlock(limit.rlim_cur, status_number("VmLck:", 10) * KIB(1),
					    ram_size(container->memory), container->bar_bytes, why,
					    why_len);
}

static int map(struct vfio_container *container, uint64_t iova, uint64_t size, void *hva)
{
	struct vfio_iommu_type1_dma_map args = {
		.argsz = sizeof(args),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)hva,
		.iova = iova,
		.size = size,
	};

	return ioctl(container->fd, VFIO_IOMMU_MAP_DMA, &args) < 0 ? -errno : 0;
}

int vfio_container_dma_map(struct vfio_container *container, uint64_t iova, uint64_t size,
			   void *hva)
{
	if (!vfio_container_covers(container, iova, size))
		return -EINVAL;
	return map(container, iova, size, hva);
}

int vfio_container_dma_unmap(struct vfio_container *container, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap args = {
		.argsz = sizeof(args),
		.iova = iova,
		.size = size,
	};

	if (ioctl(container->fd, VFIO_IOMMU_UNMAP_DMA, &args) < 0)
		return -errno;
	return args.size == size ? 0 : -ENOENT;
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

		err = map(container, ram->gpa, ram->size, ram->hva);
		if (err)
			goto unmap;
	}
	container->mapped = true;
	return 0;

unmap:
	snprintf(why, why_len, "mapping guest memory 0x%" PRIx64 " for DMA failed: %s",
		 memory->ram[done].gpa, strerror(-err));
	/* A capability of a user namespace only: the kernel does not count it. */
	if (err == -ENOMEM)
		(void)check_memlock(container, false, why, why_len);
	while (done--)
		(void)vfio_container_dma_unmap(container, memory->ram[done].gpa,
					       memory->ram[done].size);
	return err;
}

/* The IOMMU's ranges shrink when a group with reserved regions of its own is attached. */
static int read_ranges(struct vfio_container *container)
{
	struct vfio_iommu_type1_info head = { .argsz = sizeof(head) };
	struct vfio_iommu_type1_info *info;
	int err = 0;

	if (ioctl(container->fd, VFIO_IOMMU_GET_INFO, &head) < 0)
		return -errno;
	if (head.argsz > INFO_MAX)
		return -E2BIG;
	if (head.argsz < sizeof(head))
		head.argsz = sizeof(head);
	info = calloc(1, head.argsz);
	if (!info)
		return -ENOMEM;
	info->argsz = head.argsz;
	if (ioctl(container->fd, VFIO_IOMMU_GET_INFO, info) < 0)
		err = -errno;
	else
		vfio_container_parse_info(container, info, head.argsz);
	free(info);
	return err;
}

static int open_container(struct vfio_container *container, char *why, size_t why_len)
{
	int fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	int err = fd < 0 ? -errno : 0;

	if (err) {
		snprintf(why, why_len, "cannot open /dev/vfio/vfio: %s%s", strerror(-err),
			 err == -ENOENT ? " (modprobe vfio-pci)" : "");
		return err;
	}
	if (ioctl(fd, VFIO_GET_API_VERSION) != VFIO_API_VERSION ||
	    (ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) != 1 &&
	     ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU) != 1)) {
		snprintf(why, why_len,
			 "/dev/vfio/vfio has no type1 IOMMU (modprobe vfio_iommu_type1)");
		close_fd(&fd);
		return -EOPNOTSUPP;
	}
	container->fd = fd;
	return 0;
}

static int set_iommu(struct vfio_container *container)
{
	static const int types[] = { VFIO_TYPE1v2_IOMMU, VFIO_TYPE1_IOMMU };
	int err = -EOPNOTSUPP;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (ioctl(container->fd, VFIO_CHECK_EXTENSION, types[i]) != 1)
			continue;
		if (ioctl(container->fd, VFIO_SET_IOMMU, types[i]) == 0)
			return 0;
		err = -errno;
	}
	return err;
}

static int open_group(int number, char *why, size_t why_len)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[64];
	int fd, err;

	snprintf(path, sizeof(path), "/dev/vfio/%d", number);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		snprintf(why, why_len, "cannot open %s: %s%s", path, strerror(-err),
			 err == -EBUSY			   ? " (another VM or program has it)"
			 : err == -EACCES || err == -EPERM ? " (give yourself access by chown or a "
							     "udev rule, or run as root)"
			 : err == -ENOENT		   ? " (modprobe vfio-pci)"
							   : "");
		return err;
	}
	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status) < 0) {
		err = -errno;
		snprintf(why, why_len, "%s: cannot read its state: %s", path, strerror(-err));
		goto close;
	}
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
		host_explain_group(HOST_SYSFS, number, why, why_len);
		err = -EPERM;
		goto close;
	}
	return fd;

close:
	close_fd(&fd);
	return err;
}

int vfio_container_get_group(struct vfio_container *container, int number, char *why,
			     size_t why_len)
{
	unsigned n = container->nr_groups;
	int fd, err;

	for (unsigned i = 0; i < n; i++) {
		if (container->groups[i].number == number) {
			container->groups[i].users++;
			return container->groups[i].fd;
		}
	}
	if (n == VFIO_MAX_GROUPS) {
		snprintf(why, why_len, "more than %d IOMMU groups in one VM", VFIO_MAX_GROUPS);
		return -ENOSPC;
	}
	fd = open_group(number, why, why_len);
	if (fd < 0)
		return fd;
	if (container->fd < 0) {
		err = open_container(container, why, why_len);
		if (err)
			goto close_group;
	}
	if (ioctl(fd, VFIO_GROUP_SET_CONTAINER, &container->fd) < 0) {
		err = -errno;
		snprintf(why, why_len, "IOMMU group %d cannot join the container: %s", number,
			 strerror(-err));
		goto close_group;
	}
	err = n ? 0 : set_iommu(container);
	if (!err)
		err = read_ranges(container);
	if (err) {
		snprintf(why, why_len,
			 "IOMMU group %d: the IOMMU cannot be set up: %s (is interrupt remapping "
			 "on? see vfio_iommu_type1 allow_unsafe_interrupts)",
			 number, strerror(-err));
		goto unset;
	}
	container->groups[n].fd = fd;
	container->groups[n].number = number;
	container->groups[n].users = 1;
	container->nr_groups++;
	return fd;

unset:
	ioctl(fd, VFIO_GROUP_UNSET_CONTAINER);
close_group:
	close_fd(&fd);
	return err;
}

int vfio_container_group_fd(const struct vfio_container *container, int number)
{
	for (unsigned i = 0; i < container->nr_groups; i++)
		if (container->groups[i].number == number)
			return container->groups[i].fd;
	return -1;
}

void vfio_container_put_group(struct vfio_container *container, int number)
{
	for (unsigned i = 0; i < container->nr_groups; i++) {
		if (container->groups[i].number != number)
			continue;
		if (--container->groups[i].users)
			return;
		/* Closing the group's descriptor takes it out of the container, too. */
		close_fd(&container->groups[i].fd);
		container->groups[i] = container->groups[--container->nr_groups];
		break;
	}
	/* With the last group the kernel forgets type and mappings of the container. */
	if (!container->nr_groups)
		container->mapped = false;
}
