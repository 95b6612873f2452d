// SPDX-License-Identifier: BSD-3-Clause
// Slot power of the emulated host: one power resource per root port, switched by the port's own Power Controller.
//
// QEMU names the port at device D of bus 0 "Sxx", xx = D * 8 in hex. This file is the port at device 1; for
// further ports the lab rewrites S08 and the port's number, and loads one table per port.
//
// Bit 10 of Slot Control (offset 0x6C: QEMU's port has its PCIe capability at 0x54), set alone, takes the power
// from the slot without unplugging it: config space reads ones, BARs vanish, the device is reset.
//
// iasl -D LAB_SWITCH_DOWN: the resource is that of a port of a switch below the root port (QEMU's downstream port has
// its PCIe capability at 0x90, and the firmware's tables do not name it), and switches that port's slot.
//
// Each real switch is one record on the debug console: the port's number, '+' or '-', the HPET's counter (8 bytes, least
// first), a line feed. Nothing is written when a method finds the bit already as wanted, so records count switches,
// not calls. The counter is the machine's own clock, which under instruction counting is the one that means something.

DefinitionBlock ("", "SSDT", 2, "COLDVM", "LABPWR", 0x00000001)
{
	External (\_SB.PCI0.S08, DeviceObj)

	Scope (\_SB.PCI0.S08)
	{
#ifdef LAB_SWITCH_DOWN
	Device (UPST)
	{
	Name (_ADR, Zero)
	Device (DOWN)
	{
	Name (_ADR, Zero)
#endif
		Name (PNUM, 0x31)

#ifdef LAB_SWITCH_DOWN
		OperationRegion (SLOT, PCI_Config, 0xA8, 0x02)
#else
		OperationRegion (SLOT, PCI_Config, 0x6C, 0x02)
#endif
		Field (SLOT, WordAcc, NoLock, Preserve)
		{
			, 10,
			POFF, 1
		}

		OperationRegion (DBGR, SystemIO, 0x0403, 0x01)
		Field (DBGR, ByteAcc, NoLock, Preserve)
		{
			DBGC, 8
		}

		OperationRegion (HPET, SystemMemory, 0xFED000F0, 0x08)
		Field (HPET, DWordAcc, NoLock, Preserve)
		{
			HPLO, 32,
			HPHI, 32
		}

		// The bytes of Arg0. QEMU's DSDT makes integers 32 bits wide.
		Method (BYTS, 1, Serialized)
		{
			Local0 = 0
			While (Local0 < 32)
			{
				DBGC = (Arg0 >> Local0) & 0xFF
				Local0 += 8
			}
		}

		Method (NOTE, 1, Serialized)
		{
			DBGC = PNUM
			DBGC = Arg0
			// The upper half may move on between the two reads.
			Local1 = HPHI
			Local0 = HPLO
			If (HPHI != Local1)
			{
				Local1 = HPHI
				Local0 = HPLO
			}
			BYTS (Local0)
			BYTS (Local1)
			DBGC = 0x0A
		}

		PowerResource (SPWR, 0x00, 0x0000)
		{
			Name (STAT, One)

			Method (_STA, 0, NotSerialized)
			{
				Return (STAT)
			}

			Method (_ON, 0, Serialized)
			{
				If (POFF)
				{
					POFF = Zero
					NOTE (0x2B)
					Sleep (20)
				}
				STAT = One
			}

			Method (_OFF, 0, Serialized)
			{
				If (!POFF)
				{
					POFF = One
					NOTE (0x2D)
				}
				STAT = Zero
			}
		}

		Name (_PR0, Package () { SPWR })
		Name (_PR3, Package () { SPWR })
#ifdef LAB_SWITCH_DOWN
	}
	}
#endif
	}
}
