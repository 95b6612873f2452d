// SPDX-License-Identifier: BSD-3-Clause
//
// One function below a slot's root port. Each function that exists has one, for the delays: Linux
// takes the longest of the bus, and 100 ms for a function without an object. A function that does
// not exist must have none, for an object alone would hold the power resource for ever.
//
// Filled in by vmm/x86/acpi_tables.c: the names SLXX and FNXX, and _ADR.
// iasl -D CVM_FUNCTION_PR: it refers to the power resource of the slot.

DefinitionBlock ("", "SSDT", 2, "COLDVM", "FNXX    ", 0x00000001)
{
	External (\_SB.PCI0.SLXX, DeviceObj)
	External (\_SB.PCI0.SLXX.PWRR, PowerResObj)

	Device (\_SB.PCI0.SLXX.FNXX)
	{
		Name (_ADR, 0xA5)

#ifdef CVM_FUNCTION_PR
		Name (_PR0, Package (1) { ^PWRR })
		Name (_PR3, Package (1) { ^PWRR })
#endif

#include "delays.asl"
	}
}
