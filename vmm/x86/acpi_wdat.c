/* SPDX-License-Identifier: BSD-3-Clause */
/* A row an action. Each register is a dword of its own, which Linux makes a resource each of. */
#include "vmm/x86/acpi_wdat.h"

#include <string.h>

#include "acpi/abi.h"
#include "vmm/bits.h"
#include "vmm/x86/layout.h"

#define ENABLED 0x01 /* and not "stopped in sleep states": there is none */
#define NO_PCI	0xff

enum wdat_action {
	RESET = 1,
	QUERY_CURRENT_COUNTDOWN = 4,
	QUERY_COUNTDOWN = 5,
	SET_COUNTDOWN = 6,
	QUERY_RUNNING = 8,
	SET_RUNNING = 9,
	QUERY_STOPPED = 10,
	SET_STOPPED = 11,
	QUERY_REBOOT = 16,
	SET_REBOOT = 17,
	QUERY_STATUS = 32,
	SET_STATUS = 33,
};

enum wdat_instruction {
	READ_VALUE = 0, /* is it this value? */
	READ_COUNT = 1,
	WRITE_VALUE = 2,
	WRITE_COUNT = 3,
	PRESERVE = 0x80, /* write back what the mask leaves out */
};

static const struct row {
	uint8_t action, instruction, reg;
	uint32_t value, mask;
} rows[] = {
	{ RESET, WRITE_VALUE, CVM_WDT_LEFT, 1, 1 },
	{ QUERY_CURRENT_COUNTDOWN, READ_COUNT, CVM_WDT_LEFT, 0, UINT32_MAX },
	{ QUERY_COUNTDOWN, READ_COUNT, CVM_WDT_COUNT, 0, UINT32_MAX },
	{ SET_COUNTDOWN, WRITE_COUNT, CVM_WDT_COUNT, 0, UINT32_MAX },
	{ QUERY_RUNNING, READ_VALUE, CVM_WDT_CTL, CVM_WDT_RUN, CVM_WDT_RUN },
	{ SET_RUNNING, WRITE_VALUE | PRESERVE, CVM_WDT_CTL, CVM_WDT_RUN, CVM_WDT_RUN },
	{ QUERY_STOPPED, READ_VALUE, CVM_WDT_CTL, 0, CVM_WDT_RUN },
	{ SET_STOPPED, WRITE_VALUE | PRESERVE, CVM_WDT_CTL, 0, CVM_WDT_RUN },
	{ QUERY_REBOOT, READ_VALUE, CVM_WDT_CTL, CVM_WDT_REBOOT, CVM_WDT_REBOOT },
	{ SET_REBOOT, WRITE_VALUE | PRESERVE, CVM_WDT_CTL, CVM_WDT_REBOOT, CVM_WDT_REBOOT },
	{ QUERY_STATUS, READ_VALUE, CVM_WDT_STS, CVM_WDT_FIRED, CVM_WDT_FIRED },
	{ SET_STATUS, WRITE_VALUE, CVM_WDT_STS, CVM_WDT_FIRED, CVM_WDT_FIRED },
};

_Static_assert(ARRAY_SIZE(rows) == ACPI_WDAT_ENTRIES, "a row for each entry");

void acpi_wdat_fill(struct acpi_wdat *wdat)
{
	memset(wdat, 0, sizeof(*wdat));
	wdat->head = (struct acpi_wdat_header){
		.length = sizeof(wdat->head) - sizeof(wdat->head.header),
		.segment = NO_PCI,
		.bus = NO_PCI,
		.device = NO_PCI,
		.function = NO_PCI,
		.period_ms = CVM_WDT_UNIT_MS,
		.max_count = CVM_WDT_MAX,
		.min_count = 1,
		.flags = ENABLED,
		.nr_entries = ACPI_WDAT_ENTRIES,
	};
	for (unsigned i = 0; i < ACPI_WDAT_ENTRIES; i++) {
		wdat->entries[i] = (struct acpi_wdat_entry){
			.action = rows[i].action,
			.instruction = rows[i].instruction,
			.reg = {
				.space = 1, /* SystemIO */
				.bit_width = 32,
				.access_size = 3, /* dword */
				.address = LAYOUT_PIO_WATCHDOG + rows[i].reg,
			},
			.value = rows[i].value,
			.mask = rows[i].mask,
		};
	}
}
