/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest's physical addresses on x86-64. */
#ifndef COLDVM_VMM_X86_LAYOUT_H
#define COLDVM_VMM_X86_LAYOUT_H

/* Boot structures, below 640 KiB; the kernel has copied them before it reuses the memory. */
#define LAYOUT_GDT	    0x00000500
#define LAYOUT_ZERO_PAGE    0x00007000 /* struct boot_params, or the PVH start info */
#define LAYOUT_BOOT_STACK   0x00008ff0
#define LAYOUT_PAGE_TABLES  0x00009000 /* PML4, PDPT, 4 page directories: 6 pages */
#define LAYOUT_CMDLINE	    0x00020000
#define LAYOUT_CMDLINE_SIZE 0x00010000
#define LAYOUT_LOW_RAM_END  0x0009fc00 /* what a BIOS would leave for its EBDA */

/* Firmware tables, where an operating system without EFI looks for them. */
#define LAYOUT_ACPI	   0x000e0000
#define LAYOUT_ACPI_SIZE   0x00010000
#define LAYOUT_SMBIOS	   0x000f0000
#define LAYOUT_SMBIOS_SIZE 0x0000fff0

/* The code at F000:FFF0, 16 bytes: resets the machine. */
#define LAYOUT_RESET_VECTOR 0x000ffff0

#define LAYOUT_HIGH_RAM 0x00100000 /* the kernel */

/* RAM below 4 GiB ends here; the rest goes above 4 GiB. */
#define LAYOUT_RAM_LOW_LIMIT 0xc0000000
#define LAYOUT_RAM_HIGH	     0x100000000

/*
 * 32-bit window for BARs, then ECAM: one segment of 32 buses of 1 MiB, enough for a port per slot.
 * The guest is told of those alone that there are (acpi_tables.c), because Linux looks for a device
 * at every place of every bus that MCFG names, two exits each (arch/x86/pci/legacy.c:
 * pcibios_fixup_peer_bridges()).
 */
#define LAYOUT_MMIO32	   0xc0000000
#define LAYOUT_MMIO32_SIZE 0x20000000
/* The end of that window: 32 KiB for each device number of bus 0, for emulated devices. */
#define LAYOUT_VIRTIO_BARS 0xdff00000
#define LAYOUT_ECAM	   0xe0000000
#define LAYOUT_ECAM_SIZE   0x02000000
#define LAYOUT_IOAPIC	   0xfec00000
#define LAYOUT_LAPIC	   0xfee00000
#define LAYOUT_KVM_TSS	   0xfffbd000 /* 3 pages for KVM on Intel, then its identity map */
#define LAYOUT_KVM_IDENT   0xfffbc000

/* Ports. What PCI may use for I/O BARs starts above everything fixed. */
#define LAYOUT_PIO_SERIAL   0x3f8
#define LAYOUT_PIO_WATCHDOG 0x0680 /* 16 ports */
#define LAYOUT_PIO_WINDOW   0x1000
#define LAYOUT_PIO_SIZE	    0xf000

/* IOAPIC inputs. */
#define LAYOUT_GSI_SERIAL 4
#define LAYOUT_GSI_INTX	  16 /* 16 to 23: INTx of PCI slots */
#define LAYOUT_NR_INTX	  8

#endif
