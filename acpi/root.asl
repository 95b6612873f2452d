// SPDX-License-Identifier: BSD-3-Clause
//
// A further host bridge, which has the slots of one NUMA node. Linux on x86 takes a device's node from its
// host bridge alone (arch/x86/pci/acpi.c: pci_acpi_root_get_node()), so each node with slots needs one.
//
// Filled in by vmm/x86/acpi_tables.c: the name PBXX, _UID, _BBN, _PXM, and buses and windows of _CRS.

#include "layout.h"

DefinitionBlock ("", "SSDT", 2, "COLDVM", "PBXX    ", 0x00000001)
{
	Device (\_SB.PBXX)
	{
		Name (_HID, EisaId ("PNP0A08"))
		Name (_CID, EisaId ("PNP0A03"))
		Name (_UID, 0xA5)
		Name (_SEG, 0)
		Name (_BBN, 0xA5)
		Name (_PXM, 0xA5)

		Name (_CRS, ResourceTemplate ()
		{
			WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
				0x0000, 0x00A5, 0x00A6, 0x0000, 0x0002)
			WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
				0x0000, 0xA000, 0xAFFF, 0x0000, 0x1000)
			DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
				NonCacheable, ReadWrite,
				0x00000000, 0xA5A50000, 0xA5A5FFFF, 0x00000000, 0x00010000)
			QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
				NonCacheable, ReadWrite,
				0x0000000000000000, 0x00005A5A00000000, 0x00005A5AFFFFFFFF,
				0x0000000000000000, 0x0000000100000000)
		})

#include "bridge.asl"
	}
}
