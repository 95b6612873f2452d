// SPDX-License-Identifier: BSD-3-Clause
//
// The serial port, in the tables only of a machine that has one.

#include "layout.h"

DefinitionBlock ("", "SSDT", 2, "COLDVM", "COM1    ", 0x00000001)
{
	Device (\_SB.COM1)
	{
		Name (_HID, EisaId ("PNP0501"))
		Name (_UID, 1)
		Name (_CRS, ResourceTemplate ()
		{
			IO (Decode16, LAYOUT_PIO_SERIAL, LAYOUT_PIO_SERIAL, 0x01, 0x08)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive)
			{
				LAYOUT_GSI_SERIAL
			}
		})
	}
}
