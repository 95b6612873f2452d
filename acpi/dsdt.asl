// SPDX-License-Identifier: BSD-3-Clause
//
// The DSDT: the host bridge, the event device, the power button, the clock. What only some
// machines have is in tables of its own: com1.asl, slot.asl and function.asl.
//
// The windows of the host bridge are filled in by vmm/x86/acpi_tables.c, which looks for the
// values given here. With CVM_MMIO64 (iasl -D) there is a window above 4 GiB. Last addresses are
// written out: iasl computes nothing within a descriptor, but it refuses a length that is wrong.
//
// There are no processor objects: the MADT is enough for Linux to start all CPUs, and ACPI0007
// would only add an idle driver that knows no state but HLT.
//
// No object has _EJ0 (Linux never puts such a device into D3, drivers/pci/pci-acpi.c:
// acpi_pci_set_power_state()) or _PRW (hardware-reduced ACPI has no GPEs, ACPI 6.4, 4.1).

#include "abi.h"
#include "layout.h"

DefinitionBlock ("", "DSDT", 2, "COLDVM", "COLDVM  ", 0x00000001)
{
	// Each is in the table of its slot, and only slots that exist have one.
	External (\_SB.PCI0.SL00.WAKE, MethodObj)
	External (\_SB.PCI0.SL01.WAKE, MethodObj)
	External (\_SB.PCI0.SL02.WAKE, MethodObj)
	External (\_SB.PCI0.SL03.WAKE, MethodObj)
	External (\_SB.PCI0.SL04.WAKE, MethodObj)
	External (\_SB.PCI0.SL05.WAKE, MethodObj)
	External (\_SB.PCI0.SL06.WAKE, MethodObj)
	External (\_SB.PCI0.SL07.WAKE, MethodObj)
	External (\_SB.PCI0.SL08.WAKE, MethodObj)
	External (\_SB.PCI0.SL09.WAKE, MethodObj)
	External (\_SB.PCI0.SL0A.WAKE, MethodObj)
	External (\_SB.PCI0.SL0B.WAKE, MethodObj)
	External (\_SB.PCI0.SL0C.WAKE, MethodObj)
	External (\_SB.PCI0.SL0D.WAKE, MethodObj)
	External (\_SB.PCI0.SL0E.WAKE, MethodObj)
	External (\_SB.PCI0.SL0F.WAKE, MethodObj)
	External (\_SB.PCI0.SL10.WAKE, MethodObj)
	External (\_SB.PCI0.SL11.WAKE, MethodObj)
	External (\_SB.PCI0.SL12.WAKE, MethodObj)
	External (\_SB.PCI0.SL13.WAKE, MethodObj)
	External (\_SB.PCI0.SL14.WAKE, MethodObj)
	External (\_SB.PCI0.SL15.WAKE, MethodObj)
	External (\_SB.PCI0.SL16.WAKE, MethodObj)
	External (\_SB.PCI0.SL17.WAKE, MethodObj)

	// S5 alone: no system sleep (ACPI 6.4, 7.4.2). The first element goes to CVM_SLEEP_CTL.
	Name (\_S5, Package (4) { CVM_S5_TYPE, 0, 0, 0 })

	Scope (\_SB)
	{
		// Platform-wide (ACPI 6.4, 6.2.11.2): bit 2, _PR3, without which Windows offers no
		// D3cold, and bit 11, the event device.
#define OSC_UUID "0811B06E-4A27-44F9-8D60-3CBBC22E7B48"
#define OSC_SIZE 8
#define OSC_OFFSET 4
#define OSC_GRANTED 0x0804
#include "osc.asl"
#undef OSC_UUID
#undef OSC_SIZE
#undef OSC_OFFSET
#undef OSC_GRANTED
	}

	Device (\_SB.PCI0)
	{
		Name (_HID, EisaId ("PNP0A08"))
		Name (_CID, EisaId ("PNP0A03"))
		Name (_UID, 0)
		Name (_SEG, 0)
		Name (_BBN, 0)

		// No _CBA: the MCFG has it for a bridge there at boot (PCI Firmware 3.3, 4.1.3).
		Name (_CRS, ResourceTemplate ()
		{
			// A bus for each port is filled in: Linux looks for a device at each place of
			// each bus that this names.
			WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
				0x0000, 0x0000, 0x001F, 0x0000, 0x0020)
			IO (Decode16, 0x0CF8, 0x0CF8, 0x01, 0x08)
			WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
				0x0000, LAYOUT_PIO_WINDOW, 0xFFFF, 0x0000, LAYOUT_PIO_SIZE)
			DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
				NonCacheable, ReadWrite,
				0x00000000, 0xA5A50000, 0xA5A5FFFF, 0x00000000, 0x00010000)
#ifdef CVM_MMIO64
			QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
				NonCacheable, ReadWrite,
				0x0000000000000000, 0x00005A5A00000000, 0x00005A5AFFFFFFFF,
				0x0000000000000000, 0x0000000100000000)
#endif
		})

#include "bridge.asl"
	}

	Device (\_SB.PWRB)
	{
		Name (_HID, EisaId ("PNP0C0C"))
		Name (_UID, 0)
	}

	// ACPI 6.4, 5.6.9. Linux calls _EVT from a threaded interrupt, for there is no _E05
	// (drivers/acpi/evged.c).
	Device (\_SB.GED0)
	{
		Name (_HID, "ACPI0013")
		Name (_UID, 0)
		Name (_CRS, ResourceTemplate ()
		{
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { CVM_GED_GSI }
		})

		OperationRegion (EREG, SystemIO, CVM_GED_EVENTS, 0x04)
		Field (EREG, DWordAcc, NoLock, WriteAsZeros)
		{
			EVTS, 32
		}

		Method (_EVT, 1, Serialized)
		{
			// Reading clears: once, and before the slots' own registers, so that a slot
			// that comes meanwhile raises the interrupt again.
			Local0 = EVTS
			If (Local0 & CVM_GED_POWER)
			{
				Notify (\_SB.PWRB, 0x80)
			}
			If (Local0 & CVM_GED_WAKE)
			{
				WAKE ()
			}
		}

		Method (WAKE, 0, Serialized)
		{
			If (CondRefOf (\_SB.PCI0.SL00.WAKE)) { \_SB.PCI0.SL00.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL01.WAKE)) { \_SB.PCI0.SL01.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL02.WAKE)) { \_SB.PCI0.SL02.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL03.WAKE)) { \_SB.PCI0.SL03.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL04.WAKE)) { \_SB.PCI0.SL04.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL05.WAKE)) { \_SB.PCI0.SL05.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL06.WAKE)) { \_SB.PCI0.SL06.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL07.WAKE)) { \_SB.PCI0.SL07.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL08.WAKE)) { \_SB.PCI0.SL08.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL09.WAKE)) { \_SB.PCI0.SL09.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL0A.WAKE)) { \_SB.PCI0.SL0A.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL0B.WAKE)) { \_SB.PCI0.SL0B.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL0C.WAKE)) { \_SB.PCI0.SL0C.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL0D.WAKE)) { \_SB.PCI0.SL0D.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL0E.WAKE)) { \_SB.PCI0.SL0E.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL0F.WAKE)) { \_SB.PCI0.SL0F.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL10.WAKE)) { \_SB.PCI0.SL10.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL11.WAKE)) { \_SB.PCI0.SL11.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL12.WAKE)) { \_SB.PCI0.SL12.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL13.WAKE)) { \_SB.PCI0.SL13.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL14.WAKE)) { \_SB.PCI0.SL14.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL15.WAKE)) { \_SB.PCI0.SL15.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL16.WAKE)) { \_SB.PCI0.SL16.WAKE () }
			If (CondRefOf (\_SB.PCI0.SL17.WAKE)) { \_SB.PCI0.SL17.WAKE () }
		}
	}

	// The clock behind ports 0x70 and 0x71. It has no alarm, hence no interrupt.
	Device (\_SB.RTC0)
	{
		Name (_HID, EisaId ("PNP0B00"))
		Name (_CRS, ResourceTemplate ()
		{
			IO (Decode16, 0x0070, 0x0070, 0x01, 0x02)
		})
	}

	// What is taken: the registers of abi.h, and the ECAM, which Linux uses only if a
	// motherboard device claims it (arch/x86/pci/mmconfig-shared.c: is_acpi_reserved()).
	Device (\_SB.MBRD)
	{
		Name (_HID, EisaId ("PNP0C02"))
		Name (_UID, 0)
		Name (_CRS, ResourceTemplate ()
		{
			IO (Decode16, CVM_PM_BASE, CVM_PM_BASE, 0x01, CVM_PM_SIZE)
			WordIO (ResourceConsumer, MinFixed, MaxFixed, PosDecode, EntireRange,
				0x0000, CVM_SLOT_BASE, 0x087F, 0x0000, CVM_SLOT_SPAN)
			Memory32Fixed (ReadWrite, LAYOUT_ECAM, LAYOUT_ECAM_SIZE)
		})
	}
}
