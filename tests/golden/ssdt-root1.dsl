DefinitionBlock ("", "SSDT", 2, "COLDVM", "PB01    ", 0x00000001)
{
    Device (\_SB.PB01)
    {
        Name (_HID, EisaId ("PNP0A08") /* PCI Express Bus */)  // _HID: Hardware ID
        Name (_CID, EisaId ("PNP0A03") /* PCI Bus */)  // _CID: Compatible ID
        Name (_UID, 0x01)  // _UID: Unique ID
        Name (_SEG, Zero)  // _SEG: PCI Segment
        Name (_BBN, 0x02)  // _BBN: BIOS Bus Number
        Name (_PXM, 0x01)  // _PXM: Device Proximity
        Name (_CRS, ResourceTemplate ()  // _CRS: Current Resource Settings
        {
            WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                0x0000,             // Granularity
                0x0002,             // Range Minimum
                0x0003,             // Range Maximum
                0x0000,             // Translation Offset
                0x0002,             // Length
                ,, )
            WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                0x0000,             // Granularity
                0x1000,             // Range Minimum
                0x1FFF,             // Range Maximum
                0x0000,             // Translation Offset
                0x1000,             // Length
                ,, , TypeStatic, DenseTranslation)
            DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                0x00000000,         // Granularity
                0xC0000000,         // Range Minimum
                0xC00FFFFF,         // Range Maximum
                0x00000000,         // Translation Offset
                0x00100000,         // Length
                ,, , AddressRangeMemory, TypeStatic)
            QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                0x0000000000000000, // Granularity
                0x0000004000000000, // Range Minimum
                0x000000403FFFFFFF, // Range Maximum
                0x0000000000000000, // Translation Offset
                0x0000000040000000, // Length
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
}

