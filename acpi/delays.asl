// SPDX-License-Identifier: BSD-3-Clause
//
// _DSM of a port and of each function below it, included by slot.asl and function.asl.
//
// Function 9 (PCI Firmware 3.3, 4.6.9) gives times in microseconds: after reset, after the link is
// up, after a function level reset, from D3hot to D0, after VF enable. None is needed, because
// the host has waited. Linux reads elements 0 and 3 (drivers/pci/pci-acpi.c:
// pci_acpi_optimize_delay()).

#define DSM_MASK 0x01, 0x02
#define DSM_FUNCTION 9
#define DSM_VALUE Package (5) { 0, 0, 0, 0, 0 }
#include "dsm.asl"
