/* SPDX-License-Identifier: BSD-3-Clause */
/* What sysfs says about the host's NUMA nodes. */
#include "vmm/host_nodes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/bits.h"

int host_nodes_list(const char *root, char *buf, size_t len)
{
	char path[256];
	FILE *f;
	int r = 0;

	snprintf(path, sizeof(path), "%s/devices/system/node/has_memory", root);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (fgets(buf, (int)len, f))
		buf[strcspn(buf, "\n")] = '\0';
	else
		r = -EIO;
	fclose(f);
	return r;
}

bool host_nodes_contain(const char *list, unsigned node)
{
	while (*list) {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (end == list)
			return false;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (node >= first && node <= last)
			return true;
		list = *end == ',' ? end + 1 : end;
	}
	return false;
}

int host_node_memory(const char *root, unsigned node, struct host_node_memory *ret)
{
	static const char *const droppable[] = { "MemFree", "Active(file)", "Inactive(file)",
						 "SReclaimable" };
	char path[256], line[160], key[32];
	uint64_t kib;
	FILE *f;

	snprintf(path, sizeof(path), "%s/devices/system/node/node%u/meminfo", root, node);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	*ret = (struct host_node_memory){ 0 };
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Node %*u %31[^:]: %" SCNu64, key, &kib) != 2)
			continue;
		if (!strcmp(key, "MemTotal"))
			ret->total = kib << 10;
		for (unsigned i = 0; i < ARRAY_SIZE(droppable); i++)
			if (!strcmp(key, droppable[i]))
				ret->free += kib << 10;
	}
	fclose(f);
	return ret->total ? 0 : -EIO;
}
