DefinitionBlock ("", "DSDT", 2, "COLDVM", "COLDVM  ", 0x00000001)
{
    External (_SB_.PCI0.SL00.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL01.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL02.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL03.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL04.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL05.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL06.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL07.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL08.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL09.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL0A.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL0B.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL0C.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL0D.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL0E.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL0F.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL10.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL11.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL12.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL13.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL14.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL15.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL16.WAKE, MethodObj)    // 0 Arguments
    External (_SB_.PCI0.SL17.WAKE, MethodObj)    // 0 Arguments

    Name (_S5, Package (0x04)  // _S5_: S5 System State
    {
        0x05, 
        Zero, 
        Zero, 
        Zero
    })
    Scope (_SB)
    {
        Method (_OSC, 4, Serialized)  // _OSC: Operating System Capabilities
        {
            Local0 = Zero
            If ((ObjectType (Arg3) == 0x03))
            {
                Local0 = SizeOf (Arg3)
            }

            If ((Local0 < 0x08))
            {
                Return (Buffer (0x04)
                {
                     0x02, 0x00, 0x00, 0x00                           // ....
                })
            }

            CreateDWordField (Arg3, Zero, STAT)
            CreateDWordField (Arg3, 0x04, CAPS)
            STAT &= One
            Local0 = Zero
            If ((ObjectType (Arg0) == 0x03))
            {
                Local0 = (Arg0 == ToUUID ("0811b06e-4a27-44f9-8d60-3cbbc22e7b48") /* Platform-wide Capabilities */)
            }

            Local1 = Zero
            If ((ObjectType (Arg1) == One))
            {
                Local1 = (Arg1 == One)
            }

            If (!Local0)
            {
                STAT |= 0x04
            }
            ElseIf (!Local1)
            {
                STAT |= 0x08
            }
            Else
            {
                Local0 = (CAPS & 0x0804)
                If ((Local0 != CAPS))
                {
                    STAT |= 0x10
                }

                CAPS = Local0
            }

            Return (Arg3)
        }
    }

    Device (_SB.PCI0)
    {
        Name (_HID, EisaId ("PNP0A08") /* PCI Express Bus */)  // _HID: Hardware ID
        Name (_CID, EisaId ("PNP0A03") /* PCI Bus */)  // _CID: Compatible ID
        Name (_UID, Zero)  // _UID: Unique ID
        Name (_SEG, Zero)  // _SEG: PCI Segment
        Name (_BBN, Zero)  // _BBN: BIOS Bus Number
        Name (_CRS, ResourceTemplate ()  // _CRS: Current Resource Settings
        {
            WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                0x0000,             // Granularity
                0x0000,             // Range Minimum
                0x0001,             // Range Maximum
                0x0000,             // Translation Offset
                0x0002,             // Length
                ,, )
            IO (Decode16,
                0x0CF8,             // Range Minimum
                0x0CF8,             // Range Maximum
                0x01,               // Alignment
                0x08,               // Length
                )
            WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                0x0000,             // Granularity
                0x1000,             // Range Minimum
                0xFFFF,             // Range Maximum
                0x0000,             // Translation Offset
                0xF000,             // Length
                ,, , TypeStatic, DenseTranslation)
            DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                0x00000000,         // Granularity
                0xC0000000,         // Range Minimum
                0xDFFFFFFF,         // Range Maximum
                0x00000000,         // Translation Offset
                0x20000000,         // Length
                ,, , AddressRangeMemory, TypeStatic)
            QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                0x0000000000000000, // Granularity
                0x0000008000000000, // Range Minimum
                0x000000BFFFFFFFFF, // Range Maximum
                0x0000000000000000, // Translation Offset
                0x0000004000000000, // Length
                ,, , AddressRangeMemory, TypeStatic)
        })
        Method (_OSC, 4, Serialized)  // _OSC: Operating System Capabilities
        {
            Local0 = Zero
            If ((ObjectType (Arg3) == 0x03))
            {
                Local0 = SizeOf (Arg3)
            }

            If ((Local0 < 0x0C))
            {
                Return (Buffer (0x04)
                {
                     0x02, 0x00, 0x00, 0x00                           // ....
                })
            }

            CreateDWordField (Arg3, Zero, STAT)
            CreateDWordField (Arg3, 0x08, CAPS)
            STAT &= One
            Local0 = Zero
            If ((ObjectType (Arg0) == 0x03))
            {
                Local0 = (Arg0 == ToUUID ("33db4d5b-1ff7-401c-9657-7441c03dd766") /* PCI Host Bridge Device */)
            }

            Local1 = Zero
            If ((ObjectType (Arg1) == One))
            {
                Local1 = (Arg1 == One)
            }

            If (!Local0)
            {
                STAT |= 0x04
            }
            ElseIf (!Local1)
            {
                STAT |= 0x08
            }
            Else
            {
                Local0 = (CAPS & 0x15)
                If ((Local0 != CAPS))
                {
                    STAT |= 0x10
                }

                CAPS = Local0
            }

            Return (Arg3)
        }

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
                         0x01, 0x01                                       // ..
                    })
                }

                If (((Arg1 >= 0x03) && (Arg2 == 0x08)))
                {
                    Return (One)
                }
            }

            Return (Buffer (One)
            {
                 0x00                                             // .
            })
        }

        Method (_PRT, 0, Serialized)  // _PRT: PCI Routing Table
        {
            Local0 = Package (0x80) {}
            Local1 = Zero
            While ((Local1 < 0x80))
            {
                Local2 = (Local1 >> 0x02)
                Local3 = (Local1 & 0x03)
                Local4 = Package (0x04)
                    {
                        Zero, 
                        Zero, 
                        Zero, 
                        Zero
                    }
                Local4 [Zero] = ((Local2 << 0x10) | 0xFFFF)
                Local4 [One] = Local3
                Local4 [0x03] = (((Local2 + Local3) % 0x08) + 
                    0x10)
                Local0 [Local1] = Local4
                Local1++
            }

            Return (Local0)
        }
    }

    Device (_SB.PWRB)
    {
        Name (_HID, EisaId ("PNP0C0C") /* Power Button Device */)  // _HID: Hardware ID
        Name (_UID, Zero)  // _UID: Unique ID
    }

    Device (_SB.GED0)
    {
        Name (_HID, "ACPI0013" /* Generic Event Device */)  // _HID: Hardware ID
        Name (_UID, Zero)  // _UID: Unique ID
        Name (_CRS, ResourceTemplate ()  // _CRS: Current Resource Settings
        {
            Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive, ,, )
            {
                0x00000005,
            }
        })
        OperationRegion (EREG, SystemIO, 0x0610, 0x04)
        Field (EREG, DWordAcc, NoLock, WriteAsZeros)
        {
            EVTS,   32
        }

        Method (_EVT, 1, Serialized)  // _EVT: Event
        {
            Local0 = EVTS /* \_SB_.GED0.EVTS */
            If ((Local0 & One))
            {
                Notify (PWRB, 0x80) // Status Change
            }

            If ((Local0 & 0x02))
            {
                WAKE ()
            }
        }

        Method (WAKE, 0, Serialized)
        {
            If (CondRefOf (\_SB.PCI0.SL00.WAKE))
            {
                ^^PCI0.SL00.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL01.WAKE))
            {
                ^^PCI0.SL01.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL02.WAKE))
            {
                ^^PCI0.SL02.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL03.WAKE))
            {
                ^^PCI0.SL03.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL04.WAKE))
            {
                ^^PCI0.SL04.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL05.WAKE))
            {
                ^^PCI0.SL05.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL06.WAKE))
            {
                ^^PCI0.SL06.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL07.WAKE))
            {
                ^^PCI0.SL07.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL08.WAKE))
            {
                ^^PCI0.SL08.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL09.WAKE))
            {
                ^^PCI0.SL09.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL0A.WAKE))
            {
                ^^PCI0.SL0A.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL0B.WAKE))
            {
                ^^PCI0.SL0B.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL0C.WAKE))
            {
                ^^PCI0.SL0C.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL0D.WAKE))
            {
                ^^PCI0.SL0D.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL0E.WAKE))
            {
                ^^PCI0.SL0E.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL0F.WAKE))
            {
                ^^PCI0.SL0F.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL10.WAKE))
            {
                ^^PCI0.SL10.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL11.WAKE))
            {
                ^^PCI0.SL11.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL12.WAKE))
            {
                ^^PCI0.SL12.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL13.WAKE))
            {
                ^^PCI0.SL13.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL14.WAKE))
            {
                ^^PCI0.SL14.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL15.WAKE))
            {
                ^^PCI0.SL15.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL16.WAKE))
            {
                ^^PCI0.SL16.WAKE ()
            }

            If (CondRefOf (\_SB.PCI0.SL17.WAKE))
            {
                ^^PCI0.SL17.WAKE ()
            }
        }
    }

    Device (_SB.RTC0)
    {
        Name (_HID, EisaId ("PNP0B00") /* AT Real-Time Clock */)  // _HID: Hardware ID
        Name (_CRS, ResourceTemplate ()  // _CRS: Current Resource Settings
        {
            IO (Decode16,
                0x0070,             // Range Minimum
                0x0070,             // Range Maximum
                0x01,               // Alignment
                0x02,               // Length
                )
        })
    }

    Device (_SB.MBRD)
    {
        Name (_HID, EisaId ("PNP0C02") /* PNP Motherboard Resources */)  // _HID: Hardware ID
        Name (_UID, Zero)  // _UID: Unique ID
        Name (_CRS, ResourceTemplate ()  // _CRS: Current Resource Settings
        {
            IO (Decode16,
                0x0600,             // Range Minimum
                0x0600,             // Range Maximum
                0x01,               // Alignment
                0x20,               // Length
                )
            WordIO (ResourceConsumer, MinFixed, MaxFixed, PosDecode, EntireRange,
                0x0000,             // Granularity
                0x0700,             // Range Minimum
                0x087F,             // Range Maximum
                0x0000,             // Translation Offset
                0x0180,             // Length
                ,, , TypeStatic, DenseTranslation)
            Memory32Fixed (ReadWrite,
                0xE0000000,         // Address Base
                0x02000000,         // Address Length
                )
        })
    }
}

