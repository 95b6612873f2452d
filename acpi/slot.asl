// SPDX-License-Identifier: BSD-3-Clause
//
// One slot: its root port, its power resource, its wake. The functions below the port follow in the
// same table, each made from function.asl.
//
// Filled in by vmm/x86/acpi_tables.c: the name SLXX, _ADR, and the base of the register bank.
// iasl -D CVM_RESOURCE: with the power resource. CVM_PORT_PR: and the port refers to it.
//
// One resource for the slot and not one per function, because that is what the hardware has: the
// power goes when the port and every function that refers to it have let go.

#include "abi.h"

DefinitionBlock ("", "SSDT", 2, "COLDVM", "SLXX    ", 0x00000001)
{
	External (\_SB.PCI0, DeviceObj)
	External (\_SB.PCI0.SLXX.FN00, DeviceObj)
	External (\_SB.PCI0.SLXX.FN01, DeviceObj)
	External (\_SB.PCI0.SLXX.FN02, DeviceObj)
	External (\_SB.PCI0.SLXX.FN03, DeviceObj)
	External (\_SB.PCI0.SLXX.FN04, DeviceObj)
	External (\_SB.PCI0.SLXX.FN05, DeviceObj)
	External (\_SB.PCI0.SLXX.FN06, DeviceObj)
	External (\_SB.PCI0.SLXX.FN07, DeviceObj)

	Device (\_SB.PCI0.SLXX)
	{
		Name (_ADR, 0xA5A50000)

		// Whole 32-bit registers, so that no access is a read followed by a write.
		OperationRegion (SREG, SystemIO, 0xA5A5, CVM_SLOT_SIZE)
		Field (SREG, DWordAcc, NoLock, WriteAsZeros)
		{
			CMD_, 32,
			STS_, 32,
			HINT, 32,
			WPND, 32
		}

#ifdef CVM_RESOURCE
		PowerResource (PWRR, 0, 0)
		{
			Method (_STA, 0, Serialized)
			{
				Return (STS_ & CVM_STS_ON)
			}

			// Starts the wake, then polls: a device takes 100 to 1000 ms, in which no
			// vCPU may stand still. Sleep releases the interpreter.
			//
			// Ends without an error whatever the device does: Linux never calls _ON
			// again after one (drivers/acpi/power.c: __acpi_power_on()). Hence a bound
			// of its own, below the 30 s after which ACPICA aborts a loop; by the
			// clock, for Sleep (1) takes from 1 to 10 ms. The difference of two Timers
			// is right even if it wraps.
			Method (_ON, 0, Serialized)
			{
				CMD_ = CVM_CMD_ON
				Local0 = Timer
				If (STS_ & CVM_STS_BUSY)
				{
					Local1 = HINT
					If (Local1 > 2000) // ACPI_MAX_SLEEP of ACPICA
					{
						Local1 = 2000
					}
					If (Local1)
					{
						Sleep (Local1)
					}
					While (STS_ & CVM_STS_BUSY)
					{
						If ((Timer - Local0) >= CVM_ON_BOUND_100NS)
						{
							Break
						}
						Sleep (1)
					}
				}
			}

			Method (_OFF, 0, Serialized)
			{
				CMD_ = CVM_CMD_OFF
			}
		}
#endif

#ifdef CVM_PORT_PR
		// Linux takes D3cold for possible if _PR0 and _PR3 are there (drivers/acpi/scan.c:
		// acpi_bus_init_power_state()). Windows wants _PR2 and _S0W as well.
		Name (_PR0, Package (1) { PWRR })
		Name (_PR2, Package (1) { PWRR })
		Name (_PR3, Package (1) { PWRR })
		Name (_S0W, 4)
#endif

#include "delays.asl"

		// Called by the event device. Linux resumes a function that is notified, with no
		// _PRW (drivers/pci/pci-acpi.c: pci_acpi_wake_dev()).
		Method (WAKE, 0, Serialized)
		{
			Local0 = WPND
			If ((Local0 & 0x01) && CondRefOf (FN00)) { Notify (FN00, 0x02) }
			If ((Local0 & 0x02) && CondRefOf (FN01)) { Notify (FN01, 0x02) }
			If ((Local0 & 0x04) && CondRefOf (FN02)) { Notify (FN02, 0x02) }
			If ((Local0 & 0x08) && CondRefOf (FN03)) { Notify (FN03, 0x02) }
			If ((Local0 & 0x10) && CondRefOf (FN04)) { Notify (FN04, 0x02) }
			If ((Local0 & 0x20) && CondRefOf (FN05)) { Notify (FN05, 0x02) }
			If ((Local0 & 0x40) && CondRefOf (FN06)) { Notify (FN06, 0x02) }
			If ((Local0 & 0x80) && CondRefOf (FN07)) { Notify (FN07, 0x02) }
		}
	}
}
