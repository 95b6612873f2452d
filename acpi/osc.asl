// SPDX-License-Identifier: BSD-3-Clause
//
// The body shared by the two _OSC methods (ACPI 6.4, 6.2.11), included once for each. Defined by
// who includes it: OSC_UUID, OSC_SIZE in bytes of the buffer it needs, OSC_OFFSET of the DWORD
// that is granted or masked, OSC_GRANTED bits of it.
//
// Whatever the arguments are, the answer is a buffer with a status and never an error: a type is
// looked at before the value, for comparing a Package is an error.

Method (_OSC, 4, Serialized)
{
	// No room for its DWORDs: the request has failed (bit 1 of the first).
	Local0 = 0
	If (ObjectType (Arg3) == 3)
	{
		Local0 = SizeOf (Arg3)
	}
	If (Local0 < OSC_SIZE)
	{
		Return (Buffer (4) { 0x02, 0x00, 0x00, 0x00 })
	}

	CreateDWordField (Arg3, 0, STAT)
	CreateDWordField (Arg3, OSC_OFFSET, CAPS)
	STAT &= 1 // the query flag is all that the OS may set here

	Local0 = 0
	If (ObjectType (Arg0) == 3)
	{
		Local0 = (Arg0 == ToUUID (OSC_UUID))
	}
	Local1 = 0
	If (ObjectType (Arg1) == 1)
	{
		Local1 = (Arg1 == 1)
	}
	If (!Local0)
	{
		STAT |= 0x04 // unknown UUID
	}
	ElseIf (!Local1)
	{
		STAT |= 0x08 // unknown revision
	}
	Else
	{
		Local0 = (CAPS & OSC_GRANTED)
		If (Local0 != CAPS)
		{
			STAT |= 0x10 // some were masked
		}
		CAPS = Local0
	}
	Return (Arg3)
}
