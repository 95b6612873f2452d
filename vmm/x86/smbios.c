/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SMBIOS 3.4: the entry point, and the structures that the standard demands of every machine (6.2)
 * as far as a machine without sockets, slots and firmware has them. Section numbers are DSP0134's.
 *
 * Linux without EFI looks for the entry point in 0xf0000 to 0xfffff
 * (drivers/firmware/dmi_scan.c: dmi_scan_machine()).
 */
#include "vmm/x86/smbios.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/bits.h"
#include "vmm/x86/layout.h"

#ifndef COLDVM_VERSION
#error "COLDVM_VERSION comes from the build"
#endif

/* pci_bridge_d3_possible() wants 2015 or later: the date of this release. */
#define BIOS_DATE "11/22/2026"

#define ENTRY_ALIGN 16
#define TABLE_OFF   32 /* the entry point, rounded up */

/* One handle for each structure, which others refer to. */
enum handle {
	HANDLE_BIOS,
	HANDLE_SYSTEM,
	HANDLE_CHASSIS,
	HANDLE_CPU,
	HANDLE_ARRAY,
	HANDLE_MEMORY,
	HANDLE_RANGE_LOW,
	HANDLE_RANGE_HIGH,
	HANDLE_BOOT,
	HANDLE_END,
};

#define NO_HANDLE 0xfffe /* "not provided" of memory structures (7.17.5, 7.18) */
#define UNKNOWN	  2	 /* in most of the enumerations */

struct smbios_entry { /* 5.2.2 */
	char anchor[5];
	uint8_t checksum;
	uint8_t length;
	uint8_t major, minor, docrev;
	uint8_t revision;
	uint8_t reserved;
	uint32_t max_size;
	uint64_t table;
} __attribute__((packed));

struct smbios_header { /* 6.1.2 */
	uint8_t type, length;
	uint16_t handle;
} __attribute__((packed));

struct smbios_bios { /* 7.1 */
	struct smbios_header header;
	uint8_t vendor, version;
	uint16_t start_segment;
	uint8_t date;
	uint8_t rom_size;
	uint64_t features;
	uint8_t features_ext[2];
	uint8_t major, minor, ec_major, ec_minor;
	uint16_t rom_size_ext;
} __attribute__((packed));

struct smbios_system { /* 7.2 */
	struct smbios_header header;
	uint8_t manufacturer, product, version, serial;
	uint8_t uuid[16];
	uint8_t wakeup;
	uint8_t sku, family;
} __attribute__((packed));

struct smbios_chassis { /* 7.4 */
	struct smbios_header header;
	uint8_t manufacturer, type, version, serial, asset;
	uint8_t boot_state, power_state, thermal_state, security;
	uint32_t oem;
	uint8_t height, cords;
	uint8_t nr_elements, element_size;
	uint8_t sku;
} __attribute__((packed));

struct smbios_cpu { /* 7.5 */
	struct smbios_header header;
	uint8_t socket, type, family, manufacturer;
	uint64_t id;
	uint8_t version, voltage;
	uint16_t clock, max_speed, speed;
	uint8_t status, upgrade;
	uint16_t l1, l2, l3;
	uint8_t serial, asset, part;
	uint8_t cores, cores_enabled, threads;
	uint16_t features, family2;
	uint16_t cores2, cores_enabled2, threads2;
} __attribute__((packed));

struct smbios_array { /* 7.17 */
	struct smbios_header header;
	uint8_t location, use, ecc;
	uint32_t capacity_kib;
	uint16_t error_handle;
	uint16_t nr_devices;
	uint64_t capacity_ext;
} __attribute__((packed));

struct smbios_memory { /* 7.18, as far as version 2.8 */
	struct smbios_header header;
	uint16_t array, error_handle;
	uint16_t total_width, data_width;
	uint16_t size_mib;
	uint8_t form_factor, set, locator, bank, type;
	uint16_t detail, speed;
	uint8_t manufacturer, serial, asset, part, attributes;
	uint32_t size_ext_mib;
	uint16_t configured_speed;
	uint16_t min_voltage, max_voltage, voltage;
} __attribute__((packed));

struct smbios_range { /* 7.20 */
	struct smbios_header header;
	uint32_t start_kib, end_kib;
	uint16_t array;
	uint8_t width;
	uint64_t start, end;
} __attribute__((packed));

struct smbios_boot { /* 7.33 */
	struct smbios_header header;
	uint8_t reserved[6];
	uint8_t status;
} __attribute__((packed));

_Static_assert(sizeof(struct smbios_entry) == 0x18, "5.2.2");
_Static_assert(sizeof(struct smbios_bios) == 0x1a, "7.1");
_Static_assert(sizeof(struct smbios_system) == 0x1b, "7.2");
_Static_assert(sizeof(struct smbios_chassis) == 0x16, "7.4");
_Static_assert(sizeof(struct smbios_cpu) == 0x30, "7.5");
_Static_assert(sizeof(struct smbios_array) == 0x17, "7.17");
_Static_assert(sizeof(struct smbios_memory) == 0x28, "7.18");
_Static_assert(sizeof(struct smbios_range) == 0x1f, "7.20");

struct builder {
	uint8_t *buf;
	size_t len, size;
	int error;
};

static void append(struct builder *b, const void *data, size_t size)
{
	if (size > b->len - b->size && !b->error)
		b->error = -ENOSPC;
	if (b->error)
		return;
	memcpy(b->buf + b->size, data, size);
	b->size += size;
}

/* A structure and its strings, separated by NULs: the literal's own end is the last one's, and one
 * more ends the set (6.1.3). Without strings both NULs have to be written. */
static void add(struct builder *b, const void *data, const char *strings, size_t strings_size)
{
	const struct smbios_header *header = data;

	append(b, data, header->length);
	append(b, strings, strings_size);
	append(b, "", 1);
}

#define HEADER(n, object, h)                                         \
	{                                                            \
		.type = (n), .length = sizeof(object), .handle = (h) \
	}
#define STRINGS(literal) literal, sizeof(literal)

static void add_machine(struct builder *b, const struct smbios_config *config)
{
	const struct smbios_bios bios = {
		.header = HEADER(0, bios, HANDLE_BIOS),
		.vendor = 1,
		.version = 2,
		.date = 3,
		.features = 1 << 3, /* characteristics not supported (7.1.1) */
		/* A virtual machine; content distribution is what Windows asks for (7.1.2.2). */
		.features_ext = { 0, 1 << 4 | 1 << 2 },
		.major = 0xff,
		.minor = 0xff,
		.ec_major = 0xff,
		.ec_minor = 0xff,
	};
	const struct smbios_system system = {
		.header = HEADER(1, system, HANDLE_SYSTEM),
		.manufacturer = 1,
		.product = 2,
		.version = 3,
		.wakeup = 6, /* power switch; the UUID of zeros says that there is none (7.2.1) */
	};
	const struct smbios_chassis chassis = {
		.header = HEADER(3, chassis, HANDLE_CHASSIS),
		.manufacturer = 1,
		.type = config->laptop ? 10 : 3, /* 7.4.1: notebook, desktop */
		.boot_state = 3,		 /* safe */
		.power_state = 3,
		.thermal_state = 3,
		.security = UNKNOWN,
	};

	add(b, &bios, STRINGS("coldvm\0" COLDVM_VERSION "\0" BIOS_DATE));
	add(b, &system, STRINGS("coldvm\0coldvm\0" COLDVM_VERSION));
	add(b, &chassis, STRINGS("coldvm"));
}

static void add_cpu(struct builder *b, const struct smbios_config *config)
{
	/* A count that a byte cannot hold is 255 there, and in the second field (7.5.9). */
	const uint8_t count = (uint8_t)min_u64(config->nr_cpus, 255);
	const struct smbios_cpu cpu = {
		.header = HEADER(4, cpu, HANDLE_CPU),
		.socket = 1,
		.type = 3, /* central processor */
		.family = UNKNOWN,
		.manufacturer = 2,
		.status = 0x41, /* populated, enabled */
		.upgrade = 6,	/* none */
		.l1 = 0xffff,	/* no cache structures */
		.l2 = 0xffff,
		.l3 = 0xffff,
		.cores = count,
		.cores_enabled = count,
		.threads = count,
		.features = 1 << 2, /* 64-bit capable */
		.family2 = UNKNOWN,
		.cores2 = (uint16_t)config->nr_cpus,
		.cores_enabled2 = (uint16_t)config->nr_cpus,
		.threads2 = (uint16_t)config->nr_cpus,
	};

	add(b, &cpu, STRINGS("CPU 0\0coldvm"));
}

static void add_range(struct builder *b, enum handle handle, uint64_t start, uint64_t size)
{
	/* Addresses that 32 bits of KiB cannot hold are in the second pair (7.20). */
	const bool ext = (start + size - 1) >> 42;
	const struct smbios_range range = {
		.header = HEADER(19, range, handle),
		.start_kib = ext ? UINT32_MAX : (uint32_t)(start >> 10),
		.end_kib = ext ? UINT32_MAX : (uint32_t)((start + size - 1) >> 10),
		.array = HANDLE_ARRAY,
		.width = 1,
		.start = ext ? start : 0,
		.end = ext ? start + size - 1 : 0,
	};

	add(b, &range, STRINGS(""));
}

static void add_memory(struct builder *b, const struct smbios_config *config)
{
	const uint64_t low = min_u64(config->memory, LAYOUT_RAM_LOW_LIMIT);
	const uint64_t mib = config->memory >> 20;
	const struct smbios_array array = {
		.header = HEADER(16, array, HANDLE_ARRAY),
		.location = 1, /* other */
		.use = 3,      /* system memory */
		.ecc = 3,      /* none */
		/* From 2 TiB on the second field has it, in bytes (7.17). */
		.capacity_kib =
			config->memory >> 41 ? 0x80000000 : (uint32_t)(config->memory >> 10),
		.error_handle = NO_HANDLE,
		.nr_devices = 1,
		.capacity_ext = config->memory >> 41 ? config->memory : 0,
	};
	const struct smbios_memory memory = {
		.header = HEADER(17, memory, HANDLE_MEMORY),
		.array = HANDLE_ARRAY,
		.error_handle = NO_HANDLE,
		.total_width = 0xffff,
		.data_width = 0xffff,
		/* From 32 GiB - 1 MiB on the second field has it (7.18.5). */
		.size_mib = mib < 0x7fff ? (uint16_t)mib : 0x7fff,
		.form_factor = 9, /* DIMM */
		.locator = 1,
		.type = 7, /* RAM */
		.detail = 1 << 1,
		.size_ext_mib = mib < 0x7fff ? 0 : (uint32_t)mib,
	};

	add(b, &array, STRINGS(""));
	add(b, &memory, STRINGS("RAM 0"));
	add_range(b, HANDLE_RANGE_LOW, 0, low);
	if (config->memory > low)
		add_range(b, HANDLE_RANGE_HIGH, LAYOUT_RAM_HIGH, config->memory - low);
}

int smbios_build(const struct smbios_config *config, uint64_t base, uint8_t *buf, size_t len)
{
	const struct smbios_boot boot = { .header = HEADER(32, boot, HANDLE_BOOT) };
	const struct smbios_header end = HEADER(127, end, HANDLE_END);
	struct builder b = { .buf = buf, .len = len, .size = TABLE_OFF };
	struct smbios_entry entry = {
		.anchor = { '_', 'S', 'M', '3', '_' },
		.length = sizeof(entry),
		.major = 3,
		.minor = 4,
		.revision = 1,
		.table = base + TABLE_OFF,
	};
	uint8_t sum = 0;

	if (base % ENTRY_ALIGN || !config->memory || !config->nr_cpus)
		return -EINVAL;
	if (len < TABLE_OFF)
		return -ENOSPC;

	add_machine(&b, config);
	add_cpu(&b, config);
	add_memory(&b, config);
	add(&b, &boot, STRINGS(""));
	add(&b, &end, STRINGS(""));
	if (b.error)
		return b.error;

	entry.max_size = (uint32_t)(b.size - TABLE_OFF);
	for (size_t i = 0; i < sizeof(entry); i++)
		sum = (uint8_t)(sum + ((const uint8_t *)&entry)[i]);
	entry.checksum = (uint8_t)-sum;
	memset(buf, 0, TABLE_OFF);
	memcpy(buf, &entry, sizeof(entry));
	return (int)b.size;
}
