
[000h 0000   4]                    Signature : "SLIT"    [System Locality Information Table]
[004h 0004   4]                 Table Length : 00000035
[008h 0008   1]                     Revision : 01
[009h 0009   1]                     Checksum : E8
[00Ah 0010   6]                       Oem ID : "COLDVM"
[010h 0016   8]                 Oem Table ID : "COLDVM  "
[018h 0024   4]                 Oem Revision : 00000001
[01Ch 0028   4]              Asl Compiler ID : "CLDV"
[020h 0032   4]        Asl Compiler Revision : 00000001

[024h 0036   8]                   Localities : 0000000000000003
[02Ch 0044   3]                 Locality   0 : 0A 14 1F
[02Fh 0047   3]                 Locality   1 : 14 0A 15
[032h 0050   3]                 Locality   2 : 1F 15 0A

Raw Table Data: Length 53 (0x35)

    0000: 53 4C 49 54 35 00 00 00 01 E8 43 4F 4C 44 56 4D  // SLIT5.....COLDVM
    0010: 43 4F 4C 44 56 4D 20 20 01 00 00 00 43 4C 44 56  // COLDVM  ....CLDV
    0020: 01 00 00 00 03 00 00 00 00 00 00 00 0A 14 1F 14  // ................
    0030: 0A 15 1F 15 0A                                   // .....
