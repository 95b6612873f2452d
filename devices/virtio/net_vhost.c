/* SPDX-License-Identifier: BSD-3-Clause */
/* The host kernel serves a queue pair: what it is told, and in which order. */
#include "devices/virtio/net_vhost.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

#include "devices/virtio/net_host.h"
#include "devices/virtio/queue.h"
#include "vmm/memory.h"

#define VHOST_PATH "/dev/vhost-net"

#define BIT(n) (UINT64_C(1) << (n))

/* What the guest is offered and the kernel has to know of; the rest is between guest and tap. */
#define RING_FEATURES                                             \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_EVENT_IDX) | \
	 BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_NET_F_MRG_RXBUF))

int net_vhost_open(const struct net_host *host, char *why, size_t why_len)
{
	uint64_t features = 0;
	int fd = host->open(VHOST_PATH);
	int ret;

	if (fd < 0) {
		snprintf(why, why_len, "cannot open " VHOST_PATH ": %s%s", strerror(-fd),
			 fd == -ENOENT ? " ('modprobe vhost_net')" : "");
		return fd;
	}
	ret = host->ioctl(fd, VHOST_SET_OWNER, NULL);
	if (ret >= 0)
		ret = host->ioctl(fd, VHOST_GET_FEATURES, &features);
	if (ret < 0) {
		snprintf(why, why_len, VHOST_PATH " refuses: %s", strerror(-ret));
		close(fd);
		return ret;
	}
	if ((features & RING_FEATURES) != RING_FEATURES) {
		snprintf(why, why_len, VHOST_PATH " lacks features (0x%llx): the kernel is too old",
			 (unsigned long long)(RING_FEATURES & ~features));
		close(fd);
		return -EOPNOTSUPP;
	}
	return fd;
}

static int set_memory(const struct net_host *host, int fd, const struct memory *memory)
{
	_Alignas(struct vhost_memory)
		uint8_t space[sizeof(struct vhost_memory) +
			      MEMORY_MAX_RAM * sizeof(struct vhost_memory_region)] = { 0 };
	struct vhost_memory *table = (void *)space;

	table->nregions = memory->nr_ram;
	for (unsigned i = 0; i < memory->nr_ram; i++) {
		const struct memory_region *ram = &memory->ram[i];

		table->regions[i].guest_phys_addr = ram->gpa;
		table->regions[i].memory_size = ram->size;
		table->regions[i].userspace_addr = (uintptr_t)ram->hva;
	}
	return host->ioctl(fd, VHOST_SET_MEM_TABLE, table);
}

static int set_fd(const struct net_host *host, int fd, unsigned long request, unsigned index,
		  int value)
{
	struct vhost_vring_file file = { .index = index, .fd = value };

	return host->ioctl(fd, request, &file);
}

static int set_state(const struct net_host *host, int fd, unsigned long request, unsigned index,
		     unsigned value)
{
	struct vhost_vring_state state = { .index = index, .num = value };

	return host->ioctl(fd, request, &state);
}

/* The addresses are ours; those inside the rings are the guest's. */
static int set_addresses(const struct net_host *host, int fd, unsigned index,
			 const struct virtq *queue)
{
	struct vhost_vring_addr addr = {
		.index = index,
		.desc_user_addr = (uintptr_t)queue->ring_desc,
		.avail_user_addr = (uintptr_t)queue->ring_avail,
		.used_user_addr = (uintptr_t)queue->ring_used,
		.log_guest_addr = queue->used,
	};

	return host->ioctl(fd, VHOST_SET_VRING_ADDR, &addr);
}

static int set_vring(const struct net_host *host, int fd, unsigned index, const struct virtq *queue,
		     int error_fd)
{
	int call_fd = __atomic_load_n(&queue->call_fd, __ATOMIC_ACQUIRE);
	int ret;

	ret = set_state(host, fd, VHOST_SET_VRING_NUM, index, queue->size);
	if (ret >= 0)
		ret = set_state(host, fd, VHOST_SET_VRING_BASE, index, queue->next_avail);
	if (ret >= 0)
		ret = set_addresses(host, fd, index, queue);
	if (ret >= 0)
		ret = set_fd(host, fd, VHOST_SET_VRING_KICK, index, queue->kick_fd);
	if (ret >= 0)
		ret = set_fd(host, fd, VHOST_SET_VRING_CALL, index, call_fd);
	if (ret >= 0)
		ret = set_fd(host, fd, VHOST_SET_VRING_ERR, index, error_fd);
	return ret;
}

int net_vhost_start(const struct net_host *host, int fd, const struct memory *memory,
		    uint64_t features, struct virtq *rx, struct virtq *tx, int tap_fd,
		    const int error_fds[2])
{
	const struct virtq *queues[2] = { rx, tx };
	uint64_t accepted = features & RING_FEATURES;
	int ret;

	ret = host->ioctl(fd, VHOST_SET_FEATURES, &accepted);
	if (ret >= 0)
		ret = set_memory(host, fd, memory);
	for (unsigned i = 0; ret >= 0 && i < 2; i++)
		ret = set_vring(host, fd, i, queues[i], error_fds[i]);
	for (unsigned i = 0; ret >= 0 && i < 2; i++)
		ret = set_fd(host, fd, VHOST_NET_SET_BACKEND, i, tap_fd);
	if (ret >= 0)
		return 0;
	/* What was served already is not any more; there may be nothing to end. */
	for (unsigned i = 0; i < 2; i++)
		set_fd(host, fd, VHOST_NET_SET_BACKEND, i, -1);
	return ret;
}

int net_vhost_stop(const struct net_host *host, int fd, struct virtq *rx, struct virtq *tx)
{
	struct virtq *queues[2] = { rx, tx };
	int first_error = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct vhost_vring_state state = { .index = i };
		int ret = set_fd(host, fd, VHOST_NET_SET_BACKEND, i, -1);

		if (ret >= 0)
			ret = host->ioctl(fd, VHOST_GET_VRING_BASE, &state);
		if (ret >= 0)
			queues[i]->next_avail = (uint16_t)state.num;
		else if (!first_error)
			first_error = ret;
	}
	return first_error;
}
