// SPDX-License-Identifier: BSD-3-Clause
//
// The host's side of slot 0's registers, for acpiexec: it keeps what is written to a port, and a
// read gives it back. POKE (n, value) sets register n; a method under test finds it there.

DefinitionBlock ("", "SSDT", 2, "COLDVM", "POKE    ", 0x00000001)
{
	OperationRegion (PREG, SystemIO, 0x0700, 0x10)
	Field (PREG, DWordAcc, NoLock, WriteAsZeros)
	{
		P0, 32,
		P1, 32,
		P2, 32,
		P3, 32
	}
	OperationRegion (PGED, SystemIO, 0x0610, 0x04)
	Field (PGED, DWordAcc, NoLock, WriteAsZeros)
	{
		P4, 32
	}
	Method (POKE, 2, Serialized)
	{
		Switch (ToInteger (Arg0))
		{
			Case (0x0) { P0 = Arg1 }
			Case (0x4) { P1 = Arg1 }
			Case (0x8) { P2 = Arg1 }
			Case (0xC) { P3 = Arg1 }
			Default { P4 = Arg1 }
		}
	}
	Method (LATE, 0, Serialized)
	{
		P4 = 0 // to be seen: it has begun
		Sleep (3000)
		P1 = 1
	}
}
