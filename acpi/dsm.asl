// SPDX-License-Identifier: BSD-3-Clause
//
// The body shared by every _DSM (PCI Firmware 3.3, 4.6; ACPI 6.4, 9.1.1), included once for each.
// Defined by who includes it: the one function DSM_FUNCTION, what it returns, and DSM_MASK, the
// bytes that function 0 returns.
//
// Both functions came with revision 3. Anything else gets the answer "nothing is supported" and
// never an error: a type is looked at before the value, for comparing a Package is an error.

Method (_DSM, 4, Serialized)
{
	Local0 = 0
	If (ObjectType (Arg0) == 3)
	{
		Local0 = (Arg0 == ToUUID ("E5C937D0-3553-4D7A-9117-EA4D19C3434D"))
	}
	If ((ObjectType (Arg1) != 1) || (ObjectType (Arg2) != 1))
	{
		Local0 = 0
	}
	If (Local0)
	{
		If ((Arg1 >= 3) && (Arg2 == 0))
		{
			Return (Buffer (2) { DSM_MASK })
		}
		If ((Arg1 >= 3) && (Arg2 == DSM_FUNCTION))
		{
			Return (DSM_VALUE)
		}
	}
	Return (Buffer (1) { 0x00 })
}
