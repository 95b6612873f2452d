/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The NUMA nodes of the host, as sysfs has them (Documentation/ABI/stable/sysfs-devices-node).
 * @root is "/sys", or a made-up tree in tests.
 */
#ifndef COLDVM_VMM_HOST_NODES_H
#define COLDVM_VMM_HOST_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The nodes that have memory, as Linux writes a list: "0-1,3". -errno: -ENOENT from a kernel
 * without NUMA. */
int host_nodes_list(const char *root, char *buf, size_t len);
/* True if @node is in such a list. */
bool host_nodes_contain(const char *list, unsigned node);

/* Bytes of @node that a program could get at most: in all, and now, with what of the page cache and
 * the slab caches can be dropped. -errno. */
struct host_node_memory {
	uint64_t total, free;
};
int host_node_memory(const char *root, unsigned node, struct host_node_memory *ret);

#endif
