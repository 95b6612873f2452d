// SPDX-License-Identifier: BSD-3-Clause
//
// The methods of each host bridge, included by dsdt.asl and root.asl.

// PCI Firmware 3.3, 4.5.1: native PME (bit 2) and the PCIe capability (bit 4), and
// native hot-plug (bit 0) although no port has it, because Windows takes these
// three together or none. Not AER, DPC and LTR, for the real link is the host's.
#define OSC_UUID "33DB4D5B-1FF7-401C-9657-7441C03DD766"
#define OSC_SIZE 12
#define OSC_OFFSET 8
#define OSC_GRANTED 0x15
#include "osc.asl"
#undef OSC_UUID
#undef OSC_SIZE
#undef OSC_OFFSET
#undef OSC_GRANTED

// Function 8 (PCI Firmware 3.3, 4.6.8): no delay after reset or power-on anywhere
// below, for the host has waited before _ON ends. Linux wants an Integer
// (drivers/pci/pci-acpi.c: acpi_pci_add_bus()).
#define DSM_MASK 0x01, 0x01
#define DSM_FUNCTION 8
#define DSM_VALUE 1
#include "dsm.asl"
#undef DSM_MASK
#undef DSM_FUNCTION
#undef DSM_VALUE

// INTx of device d, pin p (0 is INTA), is GSI
//     LAYOUT_GSI_INTX + (d + p) % LAYOUT_NR_INTX
// as in pci_intx_pin_gsi() of devices/pci.h. A loop, for it would be 128 lines.
Method (_PRT, 0, Serialized)
{
	Local0 = Package (128) {}
	Local1 = 0
	While (Local1 < 128)
	{
		Local2 = Local1 >> 2 // d
		Local3 = Local1 & 3  // p
		Local4 = Package (4) { 0, 0, 0, 0 }
		Local4 [0] = (Local2 << 16) | 0xFFFF
		Local4 [1] = Local3
		Local4 [3] = ((Local2 + Local3) % LAYOUT_NR_INTX) + LAYOUT_GSI_INTX
		Local0 [Local1] = Local4
		Local1++
	}
	Return (Local0)
}
