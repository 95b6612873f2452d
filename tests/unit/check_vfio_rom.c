/* SPDX-License-Identifier: BSD-3-Clause */
/* The expansion ROM that the guest finds: from a file, from the device, and never from a cold one.
 */
#include "devices/vfio/rom.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "devices/vfio/power.h"
#include "tests/fake/fake_vfio.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

#define ROM_ADDR 0xc8000000u
#define ROM_LEN	 5000 /* in a BAR of 8 KiB */

static struct fake_vfio *fake;
static char directory[64], path[96], why[512];

/* Byte @i of the image. */
static uint8_t image(size_t i)
{
	return i == 0 ? 0x55 : i == 1 ? 0xaa : (uint8_t)(i * 7 + i / 256);
}

/* A file of @len bytes, zeros from the 16 KiB on that no test looks at. */
static void write_file(size_t len)
{
	FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	for (size_t i = 0; i < len && i < KIB(16); i++)
		ck_assert_int_ne(fputc(image(i), f), EOF);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(truncate(path, (off_t)len), 0);
}

static void set_up(void)
{
	snprintf(directory, sizeof(directory), "/tmp/coldvm-rom-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/rom", directory);
	why[0] = '\0';
	fake = fake_vfio_new("fake0");
	fake->device.regions[VFIO_PCI_ROM_REGION_INDEX].size = KIB(8);
	fake_vfio_start(fake);
	for (size_t i = 0; i < KIB(8); i++)
		fake->bars[VFIO_PCI_ROM_REGION_INDEX][i] = image(i);
}

static void tear_down(void)
{
	fake_vfio_free(fake);
	unlink(path);
	ck_assert_int_eq(rmdir(directory), 0);
}

static void decode(uint16_t bits)
{
	fake_vfio_config_write(fake, PCI_COMMAND, bits, 2);
}

static void enable(uint32_t addr)
{
	fake_vfio_config_write(fake, PCI_ROM_ADDRESS, addr | PCI_ROM_ADDRESS_ENABLE, 4);
}

/* ROM_LEN bytes from a file, which the guest has not enabled yet. */
static void give_file(void)
{
	write_file(ROM_LEN);
	ck_assert_int_eq(rom_from_file(&fake->device, path, KIB(8), why, sizeof(why)), 0);
	vfio_config_place_rom(&fake->device, ROM_ADDR);
	fake_vfio_clear(fake);
}

static void show_file(void)
{
	give_file();
	decode(PCI_COMMAND_MEMORY);
	enable(ROM_ADDR);
}

static uint32_t signature(void)
{
	return (uint32_t)bus_read(&fake->mmio, ROM_ADDR, 2);
}

/* --- the register --------------------------------------------------------------------------------
 */

static const struct {
	size_t len;
	uint32_t sized;
} sizes[] = {
	{ 512, 0xfffff801 },	 { 2048, 0xfffff801 },	{ 2049, 0xfffff001 },
	{ 5000, 0xffffe001 },	 { 65536, 0xffff0001 }, { MIB(1) + 1, 0xffe00001 },
	{ MIB(16), 0xff000001 },
};

START_TEST(rom_bar_has_the_next_power_of_two)
{
	uint64_t size = 0;

	write_file(sizes[_i].len);
	ck_assert_int_eq(rom_file_bar_size(path, &size, why, sizeof(why)), 0);
	ck_assert_int_eq(rom_from_file(&fake->device, path, size, why, sizeof(why)), 0);
	vfio_config_place_rom(&fake->device, ROM_ADDR);
	fake_vfio_config_write(fake, PCI_ROM_ADDRESS, 0xffffffff, 4);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_ROM_ADDRESS, 4), sizes[_i].sized);
	ck_assert_uint_eq(fake_vfio_count(fake, "region_write"), 0);
}
END_TEST

START_TEST(rom_begins_placed_and_not_enabled)
{
	give_file();
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_ROM_ADDRESS, 4), ROM_ADDR);
	decode(PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(signature(), 0xffff);
}
END_TEST

START_TEST(without_a_rom_there_is_no_register)
{
	vfio_config_place_rom(&fake->device, ROM_ADDR);
	decode(PCI_COMMAND_MEMORY);
	enable(ROM_ADDR);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_ROM_ADDRESS, 4), 0);
	ck_assert_uint_eq(signature(), 0xffff);
}
END_TEST

/* --- what the guest reads ------------------------------------------------------------------------
 */

START_TEST(guest_reads_the_image_in_every_size)
{
	show_file();
	for (unsigned size = 1; size <= 8; size *= 2)
		for (size_t off = 0; off < ROM_LEN; off += size) {
			uint64_t value = bus_read(&fake->mmio, ROM_ADDR + off, size);

			for (unsigned i = 0; i < size; i++)
				ck_assert_uint_eq(value >> (8 * i) & 0xff, image(off + i));
		}
}
END_TEST

START_TEST(bytes_behind_the_image_are_all_ones)
{
	show_file();
	ck_assert_uint_eq(bus_read(&fake->mmio, ROM_ADDR + ROM_LEN - 2, 4),
			  0xffff0000u | (uint32_t)image(ROM_LEN - 1) << 8 | image(ROM_LEN - 2));
	ck_assert_uint_eq(bus_read(&fake->mmio, ROM_ADDR + ROM_LEN, 8), UINT64_MAX);
	ck_assert_uint_eq(bus_read(&fake->mmio, ROM_ADDR + KIB(8) - 8, 8), UINT64_MAX);
}
END_TEST

START_TEST(guest_cannot_write_it)
{
	show_file();
	fake_vfio_clear(fake);
	bus_write(&fake->mmio, ROM_ADDR, 0, 8);
	ck_assert_uint_eq(signature(), 0xaa55);
	ck_assert_uint_eq(fake_vfio_count(fake, NULL), 0);
}
END_TEST

START_TEST(rom_is_there_only_while_memory_is_decoded)
{
	show_file();
	ck_assert_uint_eq(signature(), 0xaa55);
	decode(PCI_COMMAND_IO);
	ck_assert_uint_eq(signature(), 0xffff);
	decode(PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(signature(), 0xaa55);
	fake_vfio_config_write(fake, PCI_ROM_ADDRESS, ROM_ADDR, 4);
	ck_assert_uint_eq(signature(), 0xffff);
}
END_TEST

START_TEST(moved_rom_is_at_its_new_place_alone)
{
	show_file();
	enable(ROM_ADDR + KIB(8));
	ck_assert_uint_eq(bus_read(&fake->mmio, ROM_ADDR + KIB(8), 2), 0xaa55);
	ck_assert_uint_eq(signature(), 0xffff);
}
END_TEST

START_TEST(rom_outside_of_the_window_is_not_decoded)
{
	unsigned before;

	give_file();
	decode(PCI_COMMAND_MEMORY);
	before = fake->mmio.nr;
	enable(0x1000000);
	enable(0xe0000000);
	enable(0);
	ck_assert_uint_eq(fake->mmio.nr, before);
	enable(ROM_ADDR);
	ck_assert_uint_eq(fake->mmio.nr, before + 1);
}
END_TEST

START_TEST(rom_over_a_bar_does_not_take_its_place)
{
	show_file();
	fake->bars[2][0] = 0x42;
	enable(FAKE_VFIO_BAR2);
	ck_assert_uint_eq(bus_read(&fake->mmio, FAKE_VFIO_BAR2, 1), 0x42);
}
END_TEST

/* --- power ---------------------------------------------------------------------------------------
 */

START_TEST(sealed_rom_reads_all_ones_without_a_call)
{
	show_file();
	vfio_device_seal(&fake->device);
	fake_vfio_clear(fake);
	ck_assert_uint_eq(bus_read(&fake->mmio, ROM_ADDR, 8), UINT64_MAX);
	bus_write(&fake->mmio, ROM_ADDR, 0, 4);
	ck_assert_uint_eq(fake_vfio_count(fake, NULL), 0);
	fake_vfio_unseal(fake);
	ck_assert_uint_eq(signature(), 0xaa55);
}
END_TEST

START_TEST(rom_is_away_while_pmcsr_says_d3hot)
{
	show_file();
	fake_vfio_config_write(fake, FAKE_VFIO_PM + PCI_PM_CTRL, 3, 2);
	ck_assert_uint_eq(signature(), 0xffff);
	fake_vfio_config_write(fake, FAKE_VFIO_PM + PCI_PM_CTRL, 0, 2);
	ck_assert_uint_eq(signature(), 0xaa55);
}
END_TEST

START_TEST(closed_device_leaves_no_rom_behind)
{
	show_file();
	vfio_device_close(&fake->device);
	ck_assert_uint_eq(fake->mmio.nr, 0);
	ck_assert_ptr_null(fake->device.rom.bytes);
	ck_assert_uint_eq(signature(), 0xffff);
}
END_TEST

/* --- the device's own ----------------------------------------------------------------------------
 */

START_TEST(devices_rom_is_read_once_and_never_again)
{
	ck_assert_int_eq(rom_from_device(&fake->device, KIB(8)), 0);
	vfio_config_place_rom(&fake->device, ROM_ADDR);
	ck_assert_uint_eq(fake_vfio_count(fake, "region_read"), 1);
	decode(PCI_COMMAND_MEMORY);
	enable(ROM_ADDR);
	fake_vfio_clear(fake);
	for (size_t off = 0; off < KIB(8); off++)
		ck_assert_uint_eq(bus_read(&fake->mmio, ROM_ADDR + off, 1), image(off));
	ck_assert_uint_eq(fake_vfio_count(fake, NULL), 0);
}
END_TEST

START_TEST(reading_the_devices_rom_leaves_memory_switched_off)
{
	ck_assert_int_eq(rom_from_device(&fake->device, KIB(8)), 0);
	ck_assert_uint_eq(fake_vfio_get(fake, PCI_COMMAND, 2), 0);
	fake_vfio_refuse(fake, "region_read", EIO, 1);
	ck_assert_int_eq(rom_from_device(&fake->device, KIB(8)), -EIO);
	ck_assert_uint_eq(fake_vfio_get(fake, PCI_COMMAND, 2), 0);
}
END_TEST

static void check_no_rom(int expected)
{
	ck_assert_int_eq(rom_from_device(&fake->device, KIB(8)), expected);
	vfio_config_place_rom(&fake->device, ROM_ADDR);
	fake_vfio_config_write(fake, PCI_ROM_ADDRESS, 0xffffffff, 4);
	ck_assert_uint_eq(fake_vfio_config_read(fake, PCI_ROM_ADDRESS, 4), 0);
	ck_assert_ptr_null(fake->device.rom.bytes);
}

START_TEST(rom_that_cannot_be_read_is_none)
{
	fake_vfio_refuse(fake, "region_read", EIO, 1);
	check_no_rom(-EIO);
	fake_vfio_refuse(fake, "region_write", EPERM, 1);
	check_no_rom(-EPERM);
}
END_TEST

START_TEST(rom_without_an_image_is_none)
{
	fake->bars[VFIO_PCI_ROM_REGION_INDEX][1] = 0xab;
	check_no_rom(-ENODATA);
}
END_TEST

START_TEST(device_without_a_rom_is_not_asked)
{
	fake->device.regions[VFIO_PCI_ROM_REGION_INDEX].size = 0;
	check_no_rom(-ENODATA);
	ck_assert_uint_eq(fake_vfio_count(fake, NULL), 0);
}
END_TEST

START_TEST(rom_that_outgrows_its_bar_is_none)
{
	fake->device.regions[VFIO_PCI_ROM_REGION_INDEX].size = KIB(16);
	check_no_rom(-EFBIG);
}
END_TEST

/* --- files ---------------------------------------------------------------------------------------
 */

static void check_refused(int expected, const char *complaint)
{
	char line[512];
	uint64_t size;

	snprintf(line, sizeof(line), "rom=%s: %s", path, complaint);
	ck_assert_int_eq(rom_file_bar_size(path, &size, why, sizeof(why)), expected);
	ck_assert_str_eq(why, line);
	why[0] = '\0';
	ck_assert_int_eq(rom_from_file(&fake->device, path, ROM_MAX, why, sizeof(why)), expected);
	ck_assert_str_eq(why, line);
	ck_assert_ptr_null(fake->device.rom.bytes);
}

START_TEST(file_that_is_not_there_is_refused)
{
	check_refused(-ENOENT, "cannot be opened: No such file or directory");
}
END_TEST

START_TEST(fifo_is_refused_at_once)
{
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	check_refused(-EINVAL, "this is no regular file: want an image, or rom=device");
}
END_TEST

START_TEST(file_too_small_is_refused)
{
	write_file(511);
	check_refused(-EINVAL, "511 bytes are no ROM image: want 512 bytes to 16 MiB");
}
END_TEST

START_TEST(file_too_big_is_refused)
{
	write_file(512);
	ck_assert_int_eq(truncate(path, (off_t)ROM_MAX + 1), 0);
	check_refused(-EINVAL, "16777217 bytes are no ROM image: want 512 bytes to 16 MiB");
}
END_TEST

START_TEST(file_that_is_no_image_is_refused)
{
	FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fputs("#!", f) < 0, 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(truncate(path, 4096), 0);
	check_refused(-EINVAL, "begins with 23 21: want a ROM image, which begins with 55 aa");
}
END_TEST

START_TEST(file_that_has_outgrown_its_bar_is_refused)
{
	write_file(8193);
	ck_assert_int_eq(rom_from_file(&fake->device, path, KIB(8), why, sizeof(why)), -EFBIG);
	ck_assert_ptr_nonnull(strstr(why, path));
	ck_assert_ptr_null(fake->device.rom.bytes);
}
END_TEST

/* --- everything at once --------------------------------------------------------------------------
 */

START_TEST(random_accesses_are_harmless)
{
	unsigned seed = 1;

	show_file();
	for (unsigned i = 0; i < 20000; i++) {
		unsigned size = 1u << rand_r(&seed) % 4;
		uint64_t addr = ROM_ADDR - 8 + (uint64_t)rand_r(&seed) % (KIB(8) + 16);

		bus_write(&fake->mmio, addr, (uint64_t)rand_r(&seed), size);
		ck_assert_uint_le(bus_read(&fake->mmio, addr, size), ones(size));
		if (i % 64 == 0)
			enable((uint32_t)rand_r(&seed));
		if (i % 64 == 32)
			enable(ROM_ADDR);
	}
	enable(ROM_ADDR);
	ck_assert_uint_eq(signature(), 0xaa55);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("vfio_rom");
	TCase *t = tcase_create("rom");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, rom_bar_has_the_next_power_of_two, 0, ARRAY_SIZE(sizes));
	tcase_add_test(t, rom_begins_placed_and_not_enabled);
	tcase_add_test(t, without_a_rom_there_is_no_register);
	tcase_add_test(t, guest_reads_the_image_in_every_size);
	tcase_add_test(t, bytes_behind_the_image_are_all_ones);
	tcase_add_test(t, guest_cannot_write_it);
	tcase_add_test(t, rom_is_there_only_while_memory_is_decoded);
	tcase_add_test(t, moved_rom_is_at_its_new_place_alone);
	tcase_add_test(t, rom_outside_of_the_window_is_not_decoded);
	tcase_add_test(t, rom_over_a_bar_does_not_take_its_place);
	tcase_add_test(t, sealed_rom_reads_all_ones_without_a_call);
	tcase_add_test(t, rom_is_away_while_pmcsr_says_d3hot);
	tcase_add_test(t, closed_device_leaves_no_rom_behind);
	tcase_add_test(t, devices_rom_is_read_once_and_never_again);
	tcase_add_test(t, reading_the_devices_rom_leaves_memory_switched_off);
	tcase_add_test(t, rom_that_cannot_be_read_is_none);
	tcase_add_test(t, rom_without_an_image_is_none);
	tcase_add_test(t, device_without_a_rom_is_not_asked);
	tcase_add_test(t, rom_that_outgrows_its_bar_is_none);
	tcase_add_test(t, file_that_is_not_there_is_refused);
	tcase_add_test(t, fifo_is_refused_at_once);
	tcase_add_test(t, file_too_small_is_refused);
	tcase_add_test(t, file_too_big_is_refused);
	tcase_add_test(t, file_that_is_no_image_is_refused);
	tcase_add_test(t, file_that_has_outgrown_its_bar_is_refused);
	tcase_add_test(t, random_accesses_are_harmless);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
