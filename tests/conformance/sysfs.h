/* SPDX-License-Identifier: BSD-3-Clause */
/* The second witness: what the host's sysfs says of a PCI function. A function is named by its
 * address, "0000:01:00.0". Nothing here wakes a device, but host_config_read() and writes. */
#ifndef CONFORMANCE_SYSFS_H
#define CONFORMANCE_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BDF_SIZE 16

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t clock_now(void);
void clock_sleep_ms(unsigned int ms);

/* Reads or writes a small file; text comes without its line feed. Length or 0, or -errno. */
int text_read(const char *path, char *text, size_t size);
int text_write(const char *path, const char *text);

/* An attribute below the function's directory, "power/control". As text_read(). */
int sysfs_read(const char *bdf, const char *name, char *text, size_t size);
int sysfs_write(const char *bdf, const char *name, const char *text);
/* A decimal attribute, or -errno. */
int64_t sysfs_number(const char *bdf, const char *name);

/* power_state as a VFIO_PCI_D3COLD_STATE_*, or -errno. */
int power_state(const char *bdf);
const char *power_state_name(unsigned int state);
/* power/runtime_status is "suspended". */
bool is_suspended(const char *bdf);
/* Waits up to ms milliseconds until power_state() is the state; whether it came. */
bool power_state_wait(const char *bdf, int state, unsigned int ms);
bool suspended_wait(const char *bdf, unsigned int ms);

/* The port above a function or a port, false above a root port. */
bool port_above(const char *bdf, char port[BDF_SIZE]);
/* An address as struct vfio_pci_d3cold_port has it; 0 for what is no address. */
uint32_t bdf_number(const char *bdf);
/* Waits until each other function of the same slot is suspended, up to 10 s; whether all are. */
bool siblings_settle(const char *bdf);

/* A dword of the real config space, which wakes the device if it sleeps. 0 or -errno. */
int host_config_read(const char *bdf, unsigned int offset, uint32_t *value);

#endif
