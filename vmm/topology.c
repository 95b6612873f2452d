/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Slots and BAR placement. There is no firmware, so bridges and BARs are programmed before the
 * guest starts, in the way that firmware would have: within each port's window, the biggest BAR
 * first, each aligned to its own size. Linux then claims what it finds and moves nothing.
 */
#include "vmm/topology.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devices/vfio/cdev.h"
#include "devices/vfio/rom.h"
#include "vmm/bits.h"
#include "vmm/x86/layout.h"

/* Flags in sysfs `resource` (include/linux/ioport.h). */
#define RESOURCE_IO	  0x00000100u
#define RESOURCE_PREFETCH 0x00002000u
#define RESOURCE_MEM_64	  0x00100000u

#define VENDOR_NVIDIA 0x10de
#define CLASS_DISPLAY 0x03

#define NR_DEVICE_NUMBERS 32 /* of a bus */

#define BRIDGE_MEM_ALIGN MIB(1)
#define BRIDGE_IO_ALIGN	 KIB(4)

static int read_hex(const char *sysfs, const char *bdf, const char *name, uint32_t *ret)
{
	char path[320];
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/%s", sysfs, bdf, name);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	n = fscanf(f, "%" SCNx32, ret);
	fclose(f);
	return n == 1 ? 0 : -EIO;
}

/* One line a resource: start, end, flags. The first six are the BARs, then comes the ROM. */
static int read_bars(const char *sysfs, struct topology_function *function)
{
	char path[320];
	FILE *f;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/resource", sysfs, function->bdf);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	for (unsigned i = 0; i < TOPOLOGY_BARS; i++) {
		struct topology_bar *bar = &function->bars[i];
		uint64_t start, end, flags;

		if (fscanf(f, "%" SCNx64 " %" SCNx64 " %" SCNx64, &start, &end, &flags) != 3)
			break;
		if (!flags || end <= start)
			continue;
		if (i == TOPOLOGY_ROM) {
			function->host_rom = end - start + 1;
			continue;
		}
		bar->size = end - start + 1;
		bar->io = flags & RESOURCE_IO;
		bar->prefetchable = flags & RESOURCE_PREFETCH;
		bar->is64 = flags & RESOURCE_MEM_64;
	}
	fclose(f);
	return 0;
}

static int read_function(const char *sysfs, struct topology_function *function, char *why,
			 size_t why_len)
{
	uint32_t vendor = 0;
	int r = read_hex(sysfs, function->bdf, "vendor", &vendor);

	if (r == 0)
		r = read_hex(sysfs, function->bdf, "class", &function->class);
	if (r == 0)
		r = read_bars(sysfs, function);
	if (r < 0)
		snprintf(why, why_len,
			 "--device: %s: no such PCI device on this host (%s): lspci -D lists them",
			 function->bdf, strerror(-r));
	function->vendor = (uint16_t)vendor;
	return r;
}

/* The node of the host that the device is at; -1: none, or unknown. */
static int host_node(const char *sysfs, const char *bdf)
{
	char path[320];
	int node = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/numa_node", sysfs, bdf);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%d", &node) != 1)
		node = -1;
	fclose(f);
	return node;
}

static bool has_file(const char *sysfs, const char *bdf, const char *name)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/%s", sysfs, bdf, name);
	return access(path, F_OK) == 0;
}

/* Bit n: the host has function n in @slot. Virtual functions (SR-IOV) may have numbers in the same
 * slot, but are no part of the card's power domain: their power is that of their parent. */
static uint8_t host_functions(const char *sysfs, const struct topology_slot *slot)
{
	uint8_t found = 0;

	for (unsigned n = 0; n < TOPOLOGY_FUNCTIONS; n++) {
		char bdf[24];

		snprintf(bdf, sizeof(bdf), "%s.%u", slot->host, n);
		if (has_file(sysfs, bdf, "vendor") && !has_file(sysfs, bdf, "physfn"))
			found |= (uint8_t)(1u << n);
	}
	return found;
}

/* --- slots ------------------------------------------------------------------------------------ */

static struct topology_slot *slot_of(struct topology *topology, const char *host)
{
	for (unsigned i = 0; i < topology->nr; i++)
		if (!strcmp(topology->slots[i].host, host))
			return &topology->slots[i];
	if (topology->nr == CVM_SLOT_MAX)
		return NULL;
	struct topology_slot *slot = &topology->slots[topology->nr++];

	snprintf(slot->host, sizeof(slot->host), "%s", host);
	slot->pr3 = PR3_AUTO;
	slot->power = DEVICE_POWER_D3COLD;
	return slot;
}

/* Keeps functions[] in the order of their numbers. NULL if @number is taken. */
static struct topology_function *insert_function(struct topology_slot *slot, uint8_t number)
{
	unsigned at = 0;

	while (at < slot->nr && slot->functions[at].number < number)
		at++;
	if (slot->nr == TOPOLOGY_FUNCTIONS ||
	    (at < slot->nr && slot->functions[at].number == number))
		return NULL;
	memmove(&slot->functions[at + 1], &slot->functions[at],
		(slot->nr - at) * sizeof(slot->functions[0]));
	slot->nr++;
	memset(&slot->functions[at], 0, sizeof(slot->functions[0]));
	slot->functions[at].number = number;
	slot->functions[at].fd = -1;
	return &slot->functions[at];
}

static struct topology_function *find_function(struct topology_slot *slot, uint8_t number)
{
	for (unsigned i = 0; i < slot->nr; i++)
		if (slot->functions[i].number == number)
			return &slot->functions[i];
	return NULL;
}

/* What the keys of one --device mean for the slot as a whole. */
static int merge_options(struct topology_slot *slot, const struct device_options *options,
			 const char *bdf, char *why, size_t why_len)
{
	/* One power domain a slot: the shallowest limit of its functions holds for all. */
	if (options->power > slot->power)
		slot->power = options->power;
	if (options->pr3 != PR3_AUTO && slot->pr3 != PR3_AUTO && options->pr3 != slot->pr3) {
		snprintf(why, why_len, "--device: %s: pr3 differs between functions of one slot",
			 bdf);
		return -EINVAL;
	}
	if (options->pr3 != PR3_AUTO)
		slot->pr3 = options->pr3;
	if (options->backend != DEVICE_BACKEND_AUTO && slot->backend != DEVICE_BACKEND_AUTO &&
	    options->backend != slot->backend) {
		snprintf(why, why_len,
			 "--device: %s: backend differs between functions of one slot", bdf);
		return -EINVAL;
	}
	if (options->backend != DEVICE_BACKEND_AUTO)
		slot->backend = options->backend;
	if (options->has_numa_node && slot->has_node && options->numa_node != slot->node) {
		snprintf(why, why_len,
			 "--device: %s: numa_node differs between functions of one slot", bdf);
		return -EINVAL;
	}
	if (options->has_numa_node) {
		slot->has_node = true;
		slot->node = options->numa_node;
	}
	return 0;
}

static int add_function(struct topology_slot *slot, const struct device_options *options,
			uint8_t number, const char *sysfs, char *why, size_t why_len)
{
	struct topology_function *function = insert_function(slot, number);
	char host[sizeof(slot->host)]; /* the function is a part of the slot: gcc fears overlap */

	if (!function) {
		snprintf(why, why_len, "--device: %s.%u is given twice", slot->host, number);
		return -EINVAL;
	}
	function->options = options;
	function->clique = -1;
	memcpy(host, slot->host, sizeof(host));
	snprintf(function->bdf, sizeof(function->bdf), "%.13s.%u", host, number & 7);
	return read_function(sysfs, function, why, why_len);
}

/* The ROM's BAR is 32 bits wide and not prefetchable: its size is all there is to say. */
static int choose_rom(struct topology_function *function, const char *rom, char *why,
		      size_t why_len)
{
	struct topology_bar *bar = &function->bars[TOPOLOGY_ROM];
	char reason[512];
	int r;

	if (!rom || !strcmp(rom, "off"))
		return 0;
	if (!strcmp(rom, "device")) {
		function->rom_device = true;
		if (function->host_rom && function->host_rom <= ROM_MAX)
			bar->size = rom_bar_size(function->host_rom);
		return 0;
	}
	function->rom_file = rom;
	r = rom_file_bar_size(rom, &bar->size, reason, sizeof(reason));
	if (r < 0)
		snprintf(why, why_len, "--device: %s: %s", function->bdf, reason);
	/* What is wrong with the file is not wrong with the command line. */
	return r == -EINVAL ? -ENOEXEC : r;
}

static bool is_nvidia_display(const struct topology_function *function)
{
	return function->vendor == VENDOR_NVIDIA && function->class >> 16 == CLASS_DISPLAY;
}

static int choose_clique(struct topology_function *function, const struct device_options *options,
			 char *why, size_t why_len)
{
	if (!options->has_clique)
		return 0;
	if (!is_nvidia_display(function)) {
		snprintf(why, why_len,
			 "--device: %s: x_nv_gpudirect_clique=%u: this is no display controller of "
			 "NVIDIA: leave it out",
			 function->bdf, options->clique);
		return -EINVAL;
	}
	function->clique = (int)options->clique;
	return 0;
}

/* The functions beside those that were named, with the keys of @options. A second --device of the
 * slot would give one of them twice, so it is refused, whichever comes first. */
static int add_other_functions(struct topology_slot *slot, const struct device_options *options,
			       uint8_t named, const char *sysfs, char *why, size_t why_len)
{
	uint8_t found = host_functions(sysfs, slot);

	for (uint8_t n = 0; n < TOPOLOGY_FUNCTIONS; n++) {
		int r;

		if (!(found & (1u << n)) || n == named)
			continue;
		if (find_function(slot, n)) {
			snprintf(why, why_len,
				 "--device: %s.%u is given twice: functions=all of %s.%u has it "
				 "already",
				 slot->host, n, slot->host, named);
			return -EINVAL;
		}
		r = add_function(slot, options, n, sysfs, why, why_len);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The address that @options mean, by path or by descriptor; both have to agree. */
static int find_address(const struct device_options *options, const char *sysfs, char bdf[16],
			char *why, size_t why_len)
{
	char named[16];
	int r;

	if (options->path && vfio_parse_path(options->path, bdf) < 0) {
		snprintf(why, why_len,
			 "--device: '%.100s' is no PCI address and no sysfs path of one: want "
			 "something like 0000:01:00.0",
			 options->path);
		return -EINVAL;
	}
	if (!options->has_fd)
		return 0;
	r = cdev_address(sysfs, options->fd, named);
	if (r < 0) {
		snprintf(why, why_len, "--device: fd=%d is %s: want one of /dev/vfio/devices/",
			 options->fd, r == -EBADF ? "not open" : "no character device of VFIO");
		return -EINVAL;
	}
	if (options->path && strcmp(named, bdf)) {
		snprintf(why, why_len, "--device: fd=%d is %s, but path=%s is another device",
			 options->fd, named, options->path);
		return -EINVAL;
	}
	strcpy(bdf, named);
	return 0;
}

static int add_device(struct topology *topology, const struct device_options *options,
		      const char *sysfs, char *why, size_t why_len)
{
	struct topology_function *function;
	struct topology_slot *slot;
	char bdf[16], host[16];
	uint8_t number;
	int r;

	r = find_address(options, sysfs, bdf, why, why_len);
	if (r < 0)
		return r;
	snprintf(host, sizeof(host), "%.*s", (int)(strrchr(bdf, '.') - bdf), bdf);
	slot = slot_of(topology, host);
	if (!slot) {
		snprintf(why, why_len, "--device: more than %d slots", CVM_SLOT_MAX);
		return -EINVAL;
	}
	number = (uint8_t)(strrchr(bdf, '.')[1] - '0');
	if (slot->all && find_function(slot, number)) {
		snprintf(why, why_len,
			 "--device: %s is given twice: functions=all of %s has it already", bdf,
			 slot->all);
		return -EINVAL;
	}
	r = add_function(slot, options, number, sysfs, why, why_len);
	if (r < 0)
		return r;
	function = find_function(slot, number);
	function->id = options->id;
	if (options->has_fd)
		function->fd = options->fd;
	r = choose_rom(function, options->rom, why, why_len);
	if (r == 0)
		r = choose_clique(function, options, why, why_len);
	if (r == 0)
		r = merge_options(slot, options, bdf, why, why_len);
	if (r < 0 || !options->all_functions)
		return r;
	slot->all = options->path;
	return add_other_functions(slot, options, number, sysfs, why, why_len);
}

/* A back end that goes deeper than power= allows is two wishes that exclude each other. */
static int check_backend(const struct topology_slot *slot, char *why, size_t why_len)
{
	static const char *const powers[] = { "d3cold", "d3hot", "on" };
	enum device_power deepest =
		slot->backend == DEVICE_BACKEND_D3HOT ? DEVICE_POWER_D3HOT : DEVICE_POWER_D3COLD;

	if (slot->backend == DEVICE_BACKEND_AUTO || slot->power <= deepest)
		return 0;
	snprintf(why, why_len,
		 "--device: %s: power=%s does not allow what this backend= is for: leave one of "
		 "them out",
		 slot->host, powers[slot->power]);
	return -EINVAL;
}

/* Where nobody has said: the first node of the guest with memory of the host's node that the device
 * is at. */
static void find_node(struct topology_slot *slot, const struct vm_options *options,
		      const char *sysfs)
{
	int node = slot->has_node ? -1 : host_node(sysfs, slot->functions[0].bdf);

	for (unsigned i = 0; node >= 0 && !slot->has_node && i < options->nr_nodes; i++)
		for (unsigned z = 0; z < options->nodes[i].nr_zones; z++) {
			const struct zone_options *zone =
				options_zone(options, &options->nodes[i].zones[z]);

			if (!zone->has_host_node || zone->host_node != (unsigned)node)
				continue;
			slot->has_node = true;
			slot->node = options->nodes[i].id;
			break;
		}
}

static void finish_slot(struct topology_slot *slot, const char *sysfs)
{
	const struct topology_function *first = &slot->functions[0];

	slot->left_out = host_functions(sysfs, slot);
	for (unsigned i = 0; i < slot->nr; i++)
		slot->left_out &= (uint8_t) ~(1u << slot->functions[i].number);

	/* A guest looks for other functions only where function 0 answers. */
	slot->functions[0].number = 0;

	/* NVIDIA's driver, under a hypervisor, looks for _PR3 on the GPU itself; all others look
	 * at the port, and a function whose driver has no runtime PM would hold the slot. */
	if (slot->pr3 == PR3_AUTO)
		slot->pr3 = is_nvidia_display(first) ? PR3_BOTH : PR3_PORT;
}

/* --- BARs ---------------------------------------------------------------------------------------
 */

/* Bridges have three windows; which of them a BAR has to go through. A 64-bit BAR that is not
 * prefetchable may only use the 32-bit window (PCI-to-PCI Bridge Architecture 1.2, 3.2.5.8). */
enum window {
	WINDOW_MEM,
	WINDOW_PREF,
	WINDOW_IO,
	WINDOW_NR,
};

struct space {
	const char *name;
	uint64_t next, end;
	uint64_t align; /* of a bridge's window */
};

static enum window window_of(const struct topology_bar *bar)
{
	if (bar->io)
		return WINDOW_IO;
	return bar->is64 && bar->prefetchable ? WINDOW_PREF : WINDOW_MEM;
}

static int by_size(const void *a, const void *b)
{
	const struct topology_bar *const *x = a, *const *y = b;

	return (*x)->size < (*y)->size ? 1 : (*x)->size > (*y)->size ? -1 : 0;
}

/* Places all BARs of @slot that go through @window. *ret_base and *ret_size are the port's. */
static int place_window(struct topology_slot *slot, enum window window, struct space *space,
			uint64_t *ret_base, uint64_t *ret_size, char *why, size_t why_len)
{
	struct topology_bar *bars[TOPOLOGY_FUNCTIONS * TOPOLOGY_BARS];
	uint64_t base, at, total = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < slot->nr; i++)
		for (unsigned b = 0; b < TOPOLOGY_BARS; b++) {
			struct topology_bar *bar = &slot->functions[i].bars[b];

			if (bar->size && window_of(bar) == window) {
				bars[n++] = bar;
				total += bar->size;
			}
		}
	*ret_size = 0;
	if (n == 0)
		return 0;
	qsort(bars, n, sizeof(bars[0]), by_size);
	base = at = align_up(space->next, max_u64(bars[0]->size, space->align));
	if (base < space->next || base > space->end || total > space->end - base)
		goto full;
	for (unsigned i = 0; i < n; i++) {
		/* Page alignment lets small BARs be mapped into the guest at all. */
		uint64_t align =
			window == WINDOW_IO ? bars[i]->size : max_u64(bars[i]->size, KIB(4));

		at = align_up(at, align);
		bars[i]->addr = at;
		at += bars[i]->size;
	}
	at = align_up(at, space->align);
	if (at > space->end)
		goto full;
	space->next = at;
	*ret_base = base;
	*ret_size = at - base;
	return 0;

full:
	snprintf(why, why_len,
		 "%s: its BARs need %" PRIu64 " KiB of the %s, where %" PRIu64 " KiB are left",
		 slot->functions[0].bdf, total >> 10, space->name,
		 (space->end - min_u64(space->next, space->end)) >> 10);
	return -ENOSPC;
}

static uint64_t biggest_bar(const struct topology *topology)
{
	uint64_t biggest = 0;

	for (unsigned s = 0; s < topology->nr; s++)
		for (unsigned i = 0; i < topology->slots[s].nr; i++)
			for (unsigned b = 0; b < VFIO_NR_BARS; b++)
				biggest = max_u64(biggest,
						  topology->slots[s].functions[i].bars[b].size);
	return biggest;
}

static int place_slot(struct topology_slot *slot, struct space spaces[WINDOW_NR], char *why,
		      size_t why_len)
{
	struct rootport_windows *w = &slot->windows;
	int r = place_window(slot, WINDOW_MEM, &spaces[WINDOW_MEM], &w->mem, &w->mem_size, why,
			     why_len);

	if (r == 0)
		r = place_window(slot, WINDOW_PREF, &spaces[WINDOW_PREF], &w->pref, &w->pref_size,
				 why, why_len);
	if (r == 0)
		r = place_window(slot, WINDOW_IO, &spaces[WINDOW_IO], &w->io, &w->io_size, why,
				 why_len);
	return r;
}

static int place_slots(struct topology *topology, unsigned bridge, struct space spaces[WINDOW_NR],
		       char *why, size_t why_len)
{
	int r = 0;

	for (unsigned s = 0; r == 0 && s < topology->nr; s++)
		if (topology->slots[s].bridge == bridge)
			r = place_slot(&topology->slots[s], spaces, why, why_len);
	return r;
}

/* What a bridge has of @space: from @start to where its slots end, but never nothing, for its _CRS
 * names a window of each kind. */
static int close_window(struct space *space, uint64_t start, uint64_t *ret_base, uint64_t *ret_size,
			char *why, size_t why_len)
{
	if (space->next == start)
		space->next += space->align;
	if (space->next > space->end) {
		snprintf(why, why_len, "the %s has no room for a host bridge of each NUMA node",
			 space->name);
		return -ENOSPC;
	}
	*ret_base = start;
	*ret_size = space->next - start;
	return 0;
}

/* Each bridge but the first takes its part from the bottom. */
static int place_bridge(struct topology *topology, unsigned bridge, struct space spaces[WINDOW_NR],
			char *why, size_t why_len)
{
	struct rootport_windows *w = &topology->bridges[bridge].windows;
	uint64_t start[WINDOW_NR];
	int r;

	for (unsigned i = 0; i < WINDOW_NR; i++)
		start[i] = spaces[i].next = align_up(spaces[i].next, spaces[i].align);
	r = place_slots(topology, bridge, spaces, why, why_len);
	if (r == 0)
		r = close_window(&spaces[WINDOW_MEM], start[WINDOW_MEM], &w->mem, &w->mem_size, why,
				 why_len);
	if (r == 0)
		r = close_window(&spaces[WINDOW_PREF], start[WINDOW_PREF], &w->pref, &w->pref_size,
				 why, why_len);
	if (r == 0)
		r = close_window(&spaces[WINDOW_IO], start[WINDOW_IO], &w->io, &w->io_size, why,
				 why_len);
	return r;
}

static int place_bars(struct topology *topology, uint64_t memory, char *why, size_t why_len)
{
	uint64_t high = LAYOUT_RAM_HIGH;
	int r = 0;

	if (memory > LAYOUT_RAM_LOW_LIMIT)
		high += memory - LAYOUT_RAM_LOW_LIMIT;
	high = align_up(high, max_u64(GIB(1), biggest_bar(topology)));

	struct space spaces[WINDOW_NR] = {
		[WINDOW_MEM] = { "32-bit MMIO window", LAYOUT_MMIO32, LAYOUT_VIRTIO_BARS,
				 BRIDGE_MEM_ALIGN },
		[WINDOW_PREF] = { "64-bit MMIO window", high, UINT64_C(1) << 52, BRIDGE_MEM_ALIGN },
		[WINDOW_IO] = { "I/O window", LAYOUT_PIO_WINDOW,
				LAYOUT_PIO_WINDOW + LAYOUT_PIO_SIZE, BRIDGE_IO_ALIGN },
	};

	for (unsigned b = 1; r == 0 && b < topology->nr_bridges; b++)
		r = place_bridge(topology, b, spaces, why, why_len);
	if (r == 0)
		r = place_slots(topology, 0, spaces, why, why_len);
	if (r < 0)
		return r;
	topology->windows = (struct vfio_windows){
		.mmio32 = LAYOUT_MMIO32,
		.mmio32_size = LAYOUT_MMIO32_SIZE,
		.mmio64 = high,
		/* Room to move the biggest BAR once, and never nothing. */
		.mmio64_size = align_up(spaces[WINDOW_PREF].next - high, GIB(1)) +
			       max_u64(GIB(1), biggest_bar(topology)),
		.pio = LAYOUT_PIO_WINDOW,
		.pio_size = LAYOUT_PIO_SIZE,
	};
	return 0;
}

/* --- host bridges -------------------------------------------------------------------------------
 */

/* The bridge of @node, which is made if there is none. TOPOLOGY_MAX_BRIDGES: no place. */
static unsigned bridge_of(struct topology *topology, unsigned node)
{
	unsigned i = 1;

	while (i < topology->nr_bridges && topology->bridges[i].node != node)
		i++;
	if (i == topology->nr_bridges && i < TOPOLOGY_MAX_BRIDGES)
		topology->bridges[topology->nr_bridges++] =
			(struct topology_bridge){ .has_node = true, .node = node };
	return i;
}

/* Bus numbers: those of the first bridge, then of the next. Ports are devices 1 and up, for device
 * 0 of bus 0 is the host bridge itself. */
static void number_buses(struct topology *topology)
{
	uint8_t bus = 0;

	for (unsigned b = 0; b < topology->nr_bridges; b++) {
		struct topology_bridge *bridge = &topology->bridges[b];
		uint8_t dev = 1;

		bridge->bus = bus++;
		for (unsigned s = 0; s < topology->nr; s++) {
			struct topology_slot *slot = &topology->slots[s];

			if (slot->bridge != b)
				continue;
			slot->port_dev = dev++;
			slot->bus = bus++;
		}
		bridge->last_bus = (uint8_t)(bus - 1);
	}
}

static int assign_bridges(struct topology *topology, const struct vm_options *options, char *why,
			  size_t why_len)
{
	struct topology_bridge *first = &topology->bridges[0];
	const struct numa_options *boot_node = options_node_of_cpu(options, 0);

	topology->nr_bridges = 1;
	/* Where the emulated devices are is for us to say, but not where a slot is of which nobody
	 * knows. */
	if (boot_node) {
		first->has_node = true;
		first->node = boot_node->id;
	}
	for (unsigned s = 0; s < topology->nr; s++) {
		struct topology_slot *slot = &topology->slots[s];

		slot->bridge = slot->has_node ? bridge_of(topology, slot->node) : 0;
		if (!slot->bridge)
			first->has_node = false;
		if (slot->bridge == TOPOLOGY_MAX_BRIDGES)
			goto full;
	}
	if (topology->nr + topology->nr_bridges > TOPOLOGY_MAX_BUSES)
		goto full;
	number_buses(topology);
	return 0;

full:
	snprintf(why, why_len,
		 "--device: %u host slots in so many NUMA nodes do not fit: there is place for %u "
		 "nodes with devices, and for %u of slots and such nodes together",
		 topology->nr, TOPOLOGY_MAX_BRIDGES - 1, TOPOLOGY_MAX_BUSES - 1);
	return -EINVAL;
}

/* How many ports are on bus 0. */
static unsigned nr_ports(const struct topology *topology)
{
	return topology->bridges[0].last_bus;
}

unsigned topology_first_virtio(const struct topology *topology)
{
	return nr_ports(topology) + 1;
}

/* Device number 0 of bus 0 is the host bridge; the ports come next, then virtio devices. */
static int check_numbers(const struct topology *topology, const struct vm_options *options,
			 char *why, size_t why_len)
{
	unsigned nr_virtio = options_nr_virtio(options);

	if (nr_ports(topology) + nr_virtio < NR_DEVICE_NUMBERS)
		return 0;
	snprintf(why, why_len,
		 "%u host slots and %u virtio devices do not fit: bus 0 has place for %d in all",
		 nr_ports(topology), nr_virtio, NR_DEVICE_NUMBERS - 1);
	return -EINVAL;
}

int topology_build(struct topology *topology, const struct vm_options *options, const char *sysfs,
		   char *why, size_t why_len)
{
	memset(topology, 0, sizeof(*topology));
	for (unsigned i = 0; i < options->nr_devices; i++) {
		int r = add_device(topology, &options->devices[i], sysfs, why, why_len);

		if (r < 0)
			return r;
	}
	for (unsigned s = 0; s < topology->nr; s++) {
		int r = check_backend(&topology->slots[s], why, why_len);

		if (r < 0)
			return r;
		finish_slot(&topology->slots[s], sysfs);
		find_node(&topology->slots[s], options, sysfs);
	}
	if (assign_bridges(topology, options, why, why_len) < 0 ||
	    check_numbers(topology, options, why, why_len) < 0)
		return -EINVAL;
	return place_bars(topology, options_ram(options), why, why_len);
}
