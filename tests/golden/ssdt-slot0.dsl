DefinitionBlock ("", "SSDT", 2, "COLDVM", "SL00    ", 0x00000001)
{
    External (_SB_.PCI0, DeviceObj)
    External (_SB_.PCI0.SL00.FN00, DeviceObj)
    External (_SB_.PCI0.SL00.FN01, DeviceObj)
    External (_SB_.PCI0.SL00.FN02, DeviceObj)
    External (_SB_.PCI0.SL00.FN03, DeviceObj)
    External (_SB_.PCI0.SL00.FN04, DeviceObj)
    External (_SB_.PCI0.SL00.FN05, DeviceObj)
    External (_SB_.PCI0.SL00.FN06, DeviceObj)
    External (_SB_.PCI0.SL00.FN07, DeviceObj)

    Device (\_SB.PCI0.SL00)
    {
        Name (_ADR, 0x00010000)  // _ADR: Address
        OperationRegion (SREG, SystemIO, 0x0700, 0x10)
        Field (SREG, DWordAcc, NoLock, WriteAsZeros)
        {
            CMD,    32, 
            STS,    32, 
            HINT,   32, 
            WPND,   32
        }

        PowerResource (PWRR, 0x00, 0x0000)
        {
            Method (_STA, 0, Serialized)  // _STA: Status
            {
                Return ((STS & One))
            }

            Method (_ON, 0, Serialized)  // _ON_: Power On
            {
                CMD = One
                Local0 = Timer
                If ((STS & 0x02))
                {
                    Local1 = HINT /* \_SB_.PCI0.SL00.HINT */
                    If ((Local1 > 0x07D0))
                    {
                        Local1 = 0x07D0
                    }

                    If (Local1)
                    {
                        Sleep (Local1)
                    }

                    While ((STS & 0x02))
                    {
                        If (((Timer - Local0) >= 0x08F0D180))
                        {
                            Break
                        }

                        Sleep (One)
                    }
                }
            }

            Method (_OFF, 0, Serialized)  // _OFF: Power Off
            {
                CMD = 0x02
            }
        }

        Name (_PR0, Package (0x01)  // _PR0: Power Resources for D0
        {
            PWRR
        })
        Name (_PR2, Package (0x01)  // _PR2: Power Resources for D2
        {
            PWRR
        })
        Name (_PR3, Package (0x01)  // _PR3: Power Resources for D3hot
        {
            PWRR
        })
        Name (_S0W, 0x04)  // _S0W: S0 Device Wake State
        Method (_DSM, 4, Serialized)  // _DSM: Device-Specific Method
        {
            Local0 = Zero
            If ((ObjectType (Arg0) == 0x03))
            {
                Local0 = (Arg0 == ToUUID ("e5c937d0-3553-4d7a-9117-ea4d19c3434d") /* Device Labeling Interface */)
            }

            If (((ObjectType (Arg1) != One) || (ObjectType (Arg2) != One)))
            {
                Local0 = Zero
            }

            If (Local0)
            {
                If (((Arg1 >= 0x03) && (Arg2 == Zero)))
                {
                    Return (Buffer (0x02)
                    {
                         0x01, 0x02                                       // ..
                    })
                }

                If (((Arg1 >= 0x03) && (Arg2 == 0x09)))
                {
                    Return (Package (0x05)
                    {
                        Zero, 
                        Zero, 
                        Zero, 
                        Zero, 
                        Zero
                    })
                }
            }

            Return (Buffer (One)
            {
                 0x00                                             // .
            })
        }

        Method (WAKE, 0, Serialized)
        {
            Local0 = WPND /* \_SB_.PCI0.SL00.WPND */
            If (((Local0 & One) && CondRefOf (FN00)))
            {
                Notify (FN00, 0x02) // Device Wake
            }

            If (((Local0 & 0x02) && CondRefOf (FN01)))
            {
                Notify (FN01, 0x02) // Device Wake
            }

            If (((Local0 & 0x04) && CondRefOf (FN02)))
            {
                Notify (FN02, 0x02) // Device Wake
            }

            If (((Local0 & 0x08) && CondRefOf (FN03)))
            {
                Notify (FN03, 0x02) // Device Wake
            }

            If (((Local0 & 0x10) && CondRefOf (FN04)))
            {
                Notify (FN04, 0x02) // Device Wake
            }

            If (((Local0 & 0x20) && CondRefOf (FN05)))
            {
                Notify (FN05, 0x02) // Device Wake
            }

            If (((Local0 & 0x40) && CondRefOf (FN06)))
            {
                Notify (FN06, 0x02) // Device Wake
            }

            If (((Local0 & 0x80) && CondRefOf (FN07)))
            {
                Notify (FN07, 0x02) // Device Wake
            }
        }
    }

    Device (\_SB.PCI0.SL00.FN00)
    {
        Name (_ADR, 0x00)  // _ADR: Address
        Name (_PR0, Package (0x01)  // _PR0: Power Resources for D0
        {
            ^PWRR
        })
        Name (_PR3, Package (0x01)  // _PR3: Power Resources for D3hot
        {
            ^PWRR
        })
        Method (_DSM, 4, Serialized)  // _DSM: Device-Specific Method
        {
            Local0 = Zero
            If ((ObjectType (Arg0) == 0x03))
            {
                Local0 = (Arg0 == ToUUID ("e5c937d0-3553-4d7a-9117-ea4d19c3434d") /* Device Labeling Interface */)
            }

            If (((ObjectType (Arg1) != One) || (ObjectType (Arg2) != One)))
            {
                Local0 = Zero
            }

            If (Local0)
            {
                If (((Arg1 >= 0x03) && (Arg2 == Zero)))
                {
                    Return (Buffer (0x02)
                    {
                         0x01, 0x02                                       // ..
                    })
                }

                If (((Arg1 >= 0x03) && (Arg2 == 0x09)))
                {
                    Return (Package (0x05)
                    {
                        Zero, 
                        Zero, 
                        Zero, 
                        Zero, 
                        Zero
                    })
                }
            }

            Return (Buffer (One)
            {
                 0x00                                             // .
            })
        }
    }

    Device (\_SB.PCI0.SL00.FN01)
    {
        Name (_ADR, 0x01)  // _ADR: Address
        Method (_DSM, 4, Serialized)  // _DSM: Device-Specific Method
        {
            Local0 = Zero
            If ((ObjectType (Arg0) == 0x03))
            {
                Local0 = (Arg0 == ToUUID ("e5c937d0-3553-4d7a-9117-ea4d19c3434d") /* Device Labeling Interface */)
            }

            If (((ObjectType (Arg1) != One) || (ObjectType (Arg2) != One)))
            {
                Local0 = Zero
            }

            If (Local0)
            {
                If (((Arg1 >= 0x03) && (Arg2 == Zero)))
                {
                    Return (Buffer (0x02)
                    {
                         0x01, 0x02                                       // ..
                    })
                }

                If (((Arg1 >= 0x03) && (Arg2 == 0x09)))
                {
                    Return (Package (0x05)
                    {
                        Zero, 
                        Zero, 
                        Zero, 
                        Zero, 
                        Zero
                    })
                }
            }

            Return (Buffer (One)
            {
                 0x00                                             // .
            })
        }
    }
}

