/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A ROM BAR is a range on the mmio bus and no memslot: a driver reads it once, and what has no
 * mapping needs no unmapping when the device loses its power.
 */
#include "devices/vfio/rom.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "devices/vfio/container.h"
#include "vmm/bus.h"
#include "vmm/log.h"

uint64_t rom_bar_size(uint64_t len)
{
	uint64_t size = ROM_BAR_MIN;

	while (size < len && size < ROM_MAX)
		size *= 2;
	return size;
}

/* What every image begins with (PCI Firmware 3.3, 5.1). */
static bool has_magic(const uint8_t *bytes)
{
	return bytes[0] == 0x55 && bytes[1] == 0xaa;
}

/* --- from a file --------------------------------------------------------------------------------
 */

static int read_bytes(int fd, uint8_t *buf, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, buf + done, len - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA; /* the file has become shorter */
		done += (size_t)n;
	}
	return 0;
}

static int check_file(int fd, const char *path, uint64_t *ret_len, char *why, size_t why_len)
{
	uint8_t head[2];
	struct stat st;
	int err;

	if (fstat(fd, &st) < 0) {
		err = -errno;
		snprintf(why, why_len, "rom=%s: %s", path, strerror(-err));
		return err;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(why, why_len,
			 "rom=%s: this is no regular file: want an image, or rom=device", path);
		return -EINVAL;
	}
	if (st.st_size < ROM_FILE_MIN || (uint64_t)st.st_size > ROM_MAX) {
		snprintf(why, why_len,
			 "rom=%s: %lld bytes are no ROM image: want %d bytes to %" PRIu64 " MiB",
			 path, (long long)st.st_size, ROM_FILE_MIN, ROM_MAX >> 20);
		return -EINVAL;
	}
	err = read_bytes(fd, head, sizeof(head));
	if (err) {
		snprintf(why, why_len, "rom=%s: cannot be read: %s", path, strerror(-err));
		return err;
	}
	if (!has_magic(head)) {
		snprintf(why, why_len,
			 "rom=%s: begins with %02x %02x: want a ROM image, which begins with 55 aa",
			 path, head[0], head[1]);
		return -EINVAL;
	}
	*ret_len = (uint64_t)st.st_size;
	return 0;
}

/* A descriptor, or -errno. */
static int open_file(const char *path, uint64_t *ret_len, char *why, size_t why_len)
{
	/* A FIFO must not keep the start waiting. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err;

	if (fd < 0) {
		err = -errno;
		snprintf(why, why_len, "rom=%s: cannot be opened: %s", path, strerror(-err));
		return err;
	}
	err = check_file(fd, path, ret_len, why, why_len);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int rom_file_bar_size(const char *path, uint64_t *ret_size, char *why, size_t why_len)
{
	uint64_t len = 0;
	int fd = open_file(path, &len, why, why_len);

	if (fd < 0)
		return fd;
	close(fd);
	*ret_size = rom_bar_size(len);
	return 0;
}

static void forget(struct vfio_rom *rom)
{
	free(rom->bytes);
	*rom = (struct vfio_rom){ 0 };
}

static int allocate(struct vfio_rom *rom, uint64_t len, uint64_t size)
{
	forget(rom);
	if (len > size)
		return -EFBIG;
	rom->bytes = malloc(len);
	if (!rom->bytes)
		return -ENOMEM;
	rom->len = len;
	rom->size = size;
	return 0;
}

int rom_from_file(struct vfio_device *device, const char *path, uint64_t size, char *why,
		  size_t why_len)
{
	struct vfio_rom *rom = &device->rom;
	uint64_t len = 0;
	int fd = open_file(path, &len, why, why_len), err;

	if (fd < 0)
		return fd;
	err = allocate(rom, len, size);
	if (!err)
		err = read_bytes(fd, rom->bytes, len);
	close(fd);
	if (err) {
		forget(rom);
		snprintf(why, why_len, "rom=%s: cannot be read: %s", path, strerror(-err));
	}
	return err;
}

/* --- from the device ----------------------------------------------------------------------------
 */

static int set_command(struct vfio_device *device, uint16_t command)
{
	command = htole16(command);
	return device->ops->region_write(device, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND,
					 &command, sizeof(command));
}

/* vfio refuses to read a ROM while memory is not decoded. */
static int read_device(struct vfio_device *device)
{
	struct vfio_rom *rom = &device->rom;
	int err = set_command(device, PCI_COMMAND_MEMORY), restored;

	if (err)
		return err;
	err = device->ops->region_read(device, VFIO_PCI_ROM_REGION_INDEX, 0, rom->bytes, rom->len);
	restored = set_command(device, 0);
	if (err || restored)
		return err ? err : restored;
	return has_magic(rom->bytes) ? 0 : -ENODATA;
}

int rom_from_device(struct vfio_device *device, uint64_t size)
{
	uint64_t len = device->regions[VFIO_PCI_ROM_REGION_INDEX].size;
	int err;

	if (len < ROM_FILE_MIN)
		return -ENODATA;
	err = allocate(&device->rom, len, size);
	if (!err)
		err = read_device(device);
	if (err)
		forget(&device->rom);
	return err;
}

/* --- the guest's accesses -----------------------------------------------------------------------
 */

static uint64_t rom_read(void *opaque, uint64_t off, unsigned size)
{
	struct vfio_device *device = opaque;
	const struct vfio_rom *rom = &device->rom;
	uint64_t value = ones(size);

	pthread_mutex_lock(&device->lock);
	for (unsigned i = 0; !device->sealed && !device->gone && i < size; i++)
		if (off + i < rom->len) {
			value &= ~(UINT64_C(0xff) << (8 * i));
			value |= (uint64_t)rom->bytes[off + i] << (8 * i);
		}
	pthread_mutex_unlock(&device->lock);
	return value;
}

/* Read-only memory. */
static void rom_write(void *opaque, uint64_t off, uint64_t value, unsigned size)
{
	(void)opaque;
	(void)off;
	(void)value;
	(void)size;
}

static const struct bus_ops rom_ops = {
	.read = rom_read,
	.write = rom_write,
};

/* --- on the bus: device->lock held --------------------------------------------------------------
 */

static uint32_t rom_register(const struct vfio_device *device)
{
	uint32_t value;

	memcpy(&value, device->shadow + PCI_ROM_ADDRESS, sizeof(value));
	return le32toh(value);
}

static bool decoded(const struct vfio_device *device, uint64_t *ret_addr)
{
	const struct vfio_windows *w = &device->container->windows;
	uint32_t reg = rom_register(device);

	*ret_addr = reg & (uint32_t)PCI_ROM_ADDRESS_MASK;
	return device->rom.bytes && !device->gone && reg & PCI_ROM_ADDRESS_ENABLE &&
	       device->shadow[PCI_COMMAND] & PCI_COMMAND_MEMORY && vfio_config_pmcsr(device) == 0 &&
	       range_inside(*ret_addr, device->rom.size, w->mmio32, w->mmio32_size);
}

static void leave_bus(struct vfio_device *device)
{
	int err = bus_del(device->mmio, device->rom.bus_addr, device);

	if (err && vfio_device_first(device, VFIO_WARN_UNMAP))
		log_error(device->id, "the ROM stays on the bus: %s", strerror(-err));
	device->rom.on_bus = false;
}

void rom_retreat(struct vfio_device *device)
{
	uint64_t addr;

	if (device->rom.on_bus && (!decoded(device, &addr) || addr != device->rom.bus_addr))
		leave_bus(device);
}

void rom_update(struct vfio_device *device)
{
	struct vfio_rom *rom = &device->rom;
	uint64_t addr;
	int err;

	if (rom->on_bus || !decoded(device, &addr))
		return;
	/* -EEXIST while the guest moves it over a BAR: the first one wins, as between BARs. */
	err = bus_add(device->mmio, addr, rom->size, &rom_ops, device);
	if (!err) {
		rom->bus_addr = addr;
		rom->on_bus = true;
	} else if (err != -EEXIST && vfio_device_first(device, VFIO_WARN_BUS)) {
		log_warn(device->id, "the ROM at 0x%" PRIx64 " is not decoded: %s", addr,
			 strerror(-err));
	}
}

void rom_exit(struct vfio_device *device)
{
	if (device->rom.on_bus)
		leave_bus(device);
	forget(&device->rom);
}
