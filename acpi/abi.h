/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registers that coldvm's AML and coldvm share.
 *
 * Read by the C compiler and by iasl: plain #defines with literal values only, because iasl's
 * preprocessor expands neither macros with arguments nor a macro inside a macro.
 *
 * All registers are in SystemIO space (a PIO exit is the cheapest trap and takes no lock in the
 * guest beyond the interpreter's). Each is 32 bits wide and is accessed as a whole, except the
 * sleep and reset registers, which ACPI defines as bytes.
 *
 * CVM_ABI_VERSION changes whenever a register moves or changes its meaning. Both ends are built
 * from this file and shipped as one program, so a mismatch can only come from a guest that kept
 * tables of an earlier process: CVM_ABI_PORT lets such a guest find out.
 */
#ifndef COLDVM_ACPI_ABI_H
#define COLDVM_ACPI_ABI_H

#define CVM_ABI_VERSION 1

/* Fixed platform registers (ACPI 6.4, 4.8.3.6 and 4.8.3.7: sleep control and status, reset). */
#define CVM_PM_BASE	0x600
#define CVM_PM_SIZE	0x20
#define CVM_SLEEP_CTL	0x600	/* byte: SLP_TYP in bits 2-4, SLP_EN bit 5 */
#define CVM_SLEEP_STS	0x601	/* byte: WAK_STS bit 7, never set: no sleep state but S5 */
#define CVM_RESET_PORT	0x602	/* byte: CVM_RESET_VALUE resets the machine */
#define CVM_RESET_VALUE 0x01
#define CVM_S5_TYPE	0x05	/* SLP_TYP of S5, in the _S5 package */

/* Generic event device: read and clear. A bit stays pending until it was read. */
#define CVM_GED_EVENTS	0x610
#define CVM_GED_POWER	0x1	/* power button pressed */
#define CVM_GED_WAKE	0x2	/* some slot has bits in its CVM_SLOT_WAKE register */
#define CVM_GED_GSI	0x5	/* IOAPIC input of the GED: edge, active high */

#define CVM_ABI_PORT	0x61C	/* reads CVM_ABI_VERSION */

/* One bank of registers per slot (power domain), at CVM_SLOT_BASE + index * CVM_SLOT_SIZE. */
#define CVM_SLOT_BASE	0x700
#define CVM_SLOT_SIZE	0x10
#define CVM_SLOT_MAX	24
#define CVM_SLOT_SPAN	0x180	/* CVM_SLOT_MAX * CVM_SLOT_SIZE */

#define CVM_SLOT_CMD	0x0	/* write: CVM_CMD_ON or CVM_CMD_OFF; reads 0 */
#define CVM_SLOT_STS	0x4	/* read: CVM_STS_ bits, the host's truth */
#define CVM_SLOT_HINT	0x8	/* read: milliseconds that _ON may sleep before its first poll */
#define CVM_SLOT_WAKE	0xC	/* read and clear: bit n asks for Notify(function n, 2) */

#define CVM_CMD_ON	0x1
#define CVM_CMD_OFF	0x2

#define CVM_STS_ON	0x1	/* the slot is usable: _STA */
#define CVM_STS_BUSY	0x2	/* a transition asked for by CVM_SLOT_CMD has not ended */
#define CVM_STS_FAILED	0x4	/* the last _ON did not bring the slot back */

/* The watchdog, at LAYOUT_PIO_WATCHDOG. No AML: the table WDAT says what to read and write. */
#define CVM_WDT_COUNT	0x0	/* the countdown in units; a write begins it anew */
#define CVM_WDT_LEFT	0x4	/* read: units left; write: begin anew (ping) */
#define CVM_WDT_CTL	0x8	/* CVM_WDT_RUN can be written */
#define CVM_WDT_STS	0xC	/* write CVM_WDT_FIRED to clear it */
#define CVM_WDT_SIZE	0x10

#define CVM_WDT_RUN	0x1
#define CVM_WDT_REBOOT	0x2	/* always set: it resets, and does nothing else */
#define CVM_WDT_FIRED	0x1	/* the last reset was the watchdog's */

#define CVM_WDT_UNIT_MS 100
#define CVM_WDT_MAX	36000	/* units: an hour */

/* _ON gives up after this time; so does coldvm (see devices/vfio/power.c). */
#define CVM_ON_BOUND_MS	   15000
#define CVM_ON_BOUND_100NS 150000000	/* the same in the unit of Timer */

#endif
