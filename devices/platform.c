/* SPDX-License-Identifier: BSD-3-Clause */
/* ACPI's sleep and reset registers (ACPI 6.4, 4.8.3.6 to 4.8.3.8) and the keyboard controller's
 * reset line, which Linux pulls when ACPI's did not help (arch/x86/kernel/reboot.c). */
#include "devices/platform.h"

#include "acpi/abi.h"
#include "vmm/bits.h"
#include "vmm/bus.h"

#define SLP_TYP(value) (((value) >> 2) & 7)
#define SLP_EN	       0x20

#define PORT_I8042	  0x64
#define I8042_PULSE_RESET 0xfe

static uint64_t pm_read(void *dev, uint64_t off, unsigned size)
{
	(void)dev;
	(void)off;
	(void)size;
	return 0; /* sleep status: nothing woke; control and reset are write-only */
}

static void pm_write(void *dev, uint64_t off, uint64_t value, unsigned size)
{
	struct platform *p = dev;

	if (size != 1)
		return;
	if (off == CVM_SLEEP_CTL - CVM_PM_BASE && (value & SLP_EN) && SLP_TYP(value) == CVM_S5_TYPE)
		p->power_off(p->opaque);
	else if (off == CVM_RESET_PORT - CVM_PM_BASE && value == CVM_RESET_VALUE)
		p->reset(p->opaque);
}

static uint64_t abi_read(void *dev, uint64_t off, unsigned size)
{
	(void)dev;
	return off == 0 && size == 4 ? CVM_ABI_VERSION : ones(size);
}

static void abi_write(void *dev, uint64_t off, uint64_t value, unsigned size)
{
	(void)dev;
	(void)off;
	(void)value;
	(void)size;
}

/* There is no keyboard controller: all ones, which Linux takes as "not there". */
static uint64_t i8042_read(void *dev, uint64_t off, unsigned size)
{
	(void)dev;
	(void)off;
	return ones(size);
}

static void i8042_write(void *dev, uint64_t off, uint64_t value, unsigned size)
{
	struct platform *p = dev;

	(void)off;
	if (size == 1 && value == I8042_PULSE_RESET)
		p->reset(p->opaque);
}

static const struct bus_ops pm_ops = { .read = pm_read, .write = pm_write };
static const struct bus_ops abi_ops = { .read = abi_read, .write = abi_write };
static const struct bus_ops i8042_ops = { .read = i8042_read, .write = i8042_write };

int platform_init(struct platform *platform, struct bus *pio)
{
	int r = bus_add(pio, CVM_PM_BASE, CVM_GED_EVENTS - CVM_PM_BASE, &pm_ops, platform);

	if (r == 0)
		r = bus_add(pio, CVM_ABI_PORT, 4, &abi_ops, platform);
	if (r == 0)
		r = bus_add(pio, PORT_I8042, 1, &i8042_ops, platform);
	return r;
}
