// SPDX-License-Identifier: BSD-3-Clause
//
// The NUMA node of a slot's root port, or (iasl -D CVM_BRIDGE) of the host bridge, in machines that have
// nodes. Appended to the table that has the device.
//
// Filled in by vmm/x86/acpi_tables.c: the name SLXX, and the node.

DefinitionBlock ("", "SSDT", 2, "COLDVM", "PXM     ", 0x00000001)
{
#ifdef CVM_BRIDGE
	External (\_SB.PCI0, DeviceObj)

	Scope (\_SB.PCI0)
#else
	External (\_SB.PCI0.SLXX, DeviceObj)

	Scope (\_SB.PCI0.SLXX)
#endif
	{
		Name (_PXM, 0xA5)
	}
}
