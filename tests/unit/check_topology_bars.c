/* SPDX-License-Identifier: BSD-3-Clause */
/* Where BARs and ROMs go, and what ACPI says of it. */
#include "vmm/topology.h"

#include "tests/unit/topology_rig.h"

/* --- BARs ---------------------------------------------------------------------------------------
 */

static const struct topology_bar *bar(unsigned slot, unsigned function, unsigned index)
{
	return &topology.slots[slot].functions[function].bars[index];
}

/* Every BAR: aligned to its size, inside the window of its port that its kind has to use, pages of
 * its own for memory, and apart from every other. */
static void check_placement(void)
{
	const struct topology_bar *all[CVM_SLOT_MAX * TOPOLOGY_FUNCTIONS * TOPOLOGY_BARS];
	unsigned nr = 0;

	for (unsigned s = 0; s < topology.nr; s++)
		for (unsigned f = 0; f < topology.slots[s].nr; f++)
			for (unsigned b = 0; b < TOPOLOGY_BARS; b++) {
				const struct rootport_windows *w = &topology.slots[s].windows;
				const struct topology_bar *p = bar(s, f, b);

				if (!p->size)
					continue;
				ck_assert_uint_eq(p->addr % p->size, 0);
				ck_assert(p->io || p->addr % KIB(4) == 0);
				if (p->io)
					ck_assert(
						range_inside(p->addr, p->size, w->io, w->io_size));
				else if (p->is64 && p->prefetchable)
					ck_assert(range_inside(p->addr, p->size, w->pref,
							       w->pref_size));
				else
					ck_assert(range_inside(p->addr, p->size, w->mem,
							       w->mem_size));
				all[nr++] = p;
			}
	for (unsigned i = 0; i < nr; i++)
		for (unsigned j = 0; j < i; j++)
			ck_assert(all[i]->io != all[j]->io ||
				  !ranges_overlap(all[i]->addr, all[i]->size, all[j]->addr,
						  all[j]->size));
}

/* Windows of ports: of a bridge's granularity, inside those of the host bridge, and apart. */
static void check_windows(void)
{
	const struct vfio_windows *h = &topology.windows;

	for (unsigned i = 0; i < topology.nr; i++) {
		const struct rootport_windows *a = &topology.slots[i].windows;

		ck_assert_uint_eq((a->mem | a->mem_size | a->pref | a->pref_size) % MIB(1), 0);
		ck_assert_uint_eq((a->io | a->io_size) % KIB(4), 0);
		ck_assert(!a->mem_size ||
			  range_inside(a->mem, a->mem_size, h->mmio32, h->mmio32_size));
		ck_assert(!a->pref_size ||
			  range_inside(a->pref, a->pref_size, h->mmio64, h->mmio64_size));
		ck_assert(!a->io_size || range_inside(a->io, a->io_size, h->pio, h->pio_size));
		for (unsigned j = 0; j < i; j++) {
			const struct rootport_windows *b = &topology.slots[j].windows;

			ck_assert(!ranges_overlap(a->mem, a->mem_size, b->mem, b->mem_size));
			ck_assert(!ranges_overlap(a->pref, a->pref_size, b->pref, b->pref_size));
			ck_assert(!ranges_overlap(a->io, a->io_size, b->io, b->io_size));
		}
	}
}

static const struct bar gpu_bars[] = {
	{ 0, MIB(16), MEM32 },
	{ 1, GIB(16), MEM64_PREF },
	{ 3, MIB(32), MEM64_PREF },
	{ 5, 128, IO },
};

START_TEST(sizes_and_kinds_are_what_sysfs_says)
{
	host_device("0000:01:00.0", NVIDIA, "0x030000", gpu_bars, ARRAY_SIZE(gpu_bars));
	give("0000:01:00.0");
	build();
	ck_assert_uint_eq(bar(0, 0, 0)->size, MIB(16));
	ck_assert(!bar(0, 0, 0)->is64 && !bar(0, 0, 0)->prefetchable && !bar(0, 0, 0)->io);
	ck_assert_uint_eq(bar(0, 0, 1)->size, GIB(16));
	ck_assert(bar(0, 0, 1)->is64 && bar(0, 0, 1)->prefetchable);
	ck_assert_uint_eq(bar(0, 0, 2)->size, 0);
	ck_assert_uint_eq(bar(0, 0, 5)->size, 128);
	ck_assert(bar(0, 0, 5)->io);
	ck_assert_uint_eq(topology.slots[0].functions[0].vendor, 0x10de);
	ck_assert_uint_eq(topology.slots[0].functions[0].class, 0x030000);
}
END_TEST

START_TEST(bars_are_aligned_apart_and_in_their_windows)
{
	static const struct bar nvme[] = { { 0, KIB(16), MEM64 }, { 4, 256, MEM32 } };
	static const struct bar audio[] = { { 0, KIB(16), MEM32 }, { 2, 64, IO }, { 3, 8, IO } };
	static const struct bar xhci[] = { { 0, KIB(256), MEM64_PREF }, { 2, 512, MEM32_PREF } };

	host_device("0000:01:00.0", NVIDIA, "0x030000", gpu_bars, ARRAY_SIZE(gpu_bars));
	host_device("0000:01:00.1", NVIDIA, "0x040300", audio, ARRAY_SIZE(audio));
	host_device("0000:01:00.2", NVIDIA, "0x0c0330", xhci, ARRAY_SIZE(xhci));
	host_device("0000:02:00.0", AMD, "0x010802", nvme, ARRAY_SIZE(nvme));
	host_device("0000:03:00.0", AMD, "0x030000", gpu_bars, ARRAY_SIZE(gpu_bars));
	give("0000:02:00.0");
	give("0000:01:00.2");
	give("0000:01:00.1");
	give("0000:01:00.0");
	give("0000:03:00.0");
	build();
	check_placement();
	check_windows();
}
END_TEST

START_TEST(a_64_bit_prefetchable_bar_is_above_4_gib)
{
	host_device("0000:01:00.0", NVIDIA, "0x030000", gpu_bars, ARRAY_SIZE(gpu_bars));
	give("0000:01:00.0");
	build();
	ck_assert_uint_ge(bar(0, 0, 1)->addr, GIB(4));
	ck_assert_uint_ge(bar(0, 0, 3)->addr, GIB(4));
	ck_assert_uint_lt(bar(0, 0, 0)->addr, GIB(4));
}
END_TEST

START_TEST(a_64_bit_bar_that_is_not_prefetchable_is_below_4_gib)
{
	static const struct bar bars[] = { { 0, KIB(16), MEM64 } };

	host_device("0000:01:00.0", AMD, "0x010802", bars, 1);
	give("0000:01:00.0");
	build();
	ck_assert(range_inside(bar(0, 0, 0)->addr, KIB(16), LAYOUT_MMIO32, LAYOUT_MMIO32_SIZE));
}
END_TEST

START_TEST(the_64_bit_window_is_above_the_guests_ram)
{
	options.memory = GIB(64) + MIB(2);
	host_device("0000:01:00.0", NVIDIA, "0x030000", gpu_bars, ARRAY_SIZE(gpu_bars));
	give("0000:01:00.0");
	build();
	ck_assert_uint_ge(topology.windows.mmio64,
			  LAYOUT_RAM_HIGH + options.memory - LAYOUT_RAM_LOW_LIMIT);
	check_placement();
	check_windows();
}
END_TEST

START_TEST(the_64_bit_window_has_room_to_move_the_biggest_bar)
{
	host_device("0000:01:00.0", NVIDIA, "0x030000", gpu_bars, ARRAY_SIZE(gpu_bars));
	give("0000:01:00.0");
	build();
	const struct rootport_windows *w = &topology.slots[0].windows;
	ck_assert_uint_ge(topology.windows.mmio64_size, w->pref_size + GIB(16));
}
END_TEST

START_TEST(without_devices_there_is_a_64_bit_window_all_the_same)
{
	build();
	ck_assert_uint_ge(topology.windows.mmio64, GIB(4));
	ck_assert_uint_ge(topology.windows.mmio64_size, GIB(1));
	ck_assert_uint_eq(topology.windows.mmio32, LAYOUT_MMIO32);
}
END_TEST

START_TEST(a_port_opens_only_the_windows_it_needs)
{
	static const struct bar bars[] = { { 0, KIB(16), MEM64 } };

	host_device("0000:01:00.0", AMD, "0x010802", bars, 1);
	give("0000:01:00.0");
	build();
	ck_assert_uint_eq(topology.slots[0].windows.mem_size, MIB(1));
	ck_assert_uint_eq(topology.slots[0].windows.pref_size, 0);
	ck_assert_uint_eq(topology.slots[0].windows.io_size, 0);
}
END_TEST

START_TEST(small_bars_have_pages_of_their_own)
{
	static const struct bar bars[] = { { 0, 256, MEM32 }, { 1, 128, MEM32 }, { 2, 64, MEM32 } };

	host_device("0000:01:00.0", AMD, "0x010802", bars, ARRAY_SIZE(bars));
	give("0000:01:00.0");
	build();
	check_placement();
	ck_assert_uint_ge(bar(0, 0, 1)->addr - bar(0, 0, 0)->addr, KIB(4));
	ck_assert_uint_ge(bar(0, 0, 2)->addr - bar(0, 0, 1)->addr, KIB(4));
}
END_TEST

START_TEST(the_biggest_bar_comes_first_so_that_no_room_is_lost)
{
	static const struct bar bars[] = { { 0, KIB(4), MEM32 }, { 1, MIB(16), MEM32 } };

	host_device("0000:01:00.0", AMD, "0x010802", bars, ARRAY_SIZE(bars));
	give("0000:01:00.0");
	build();
	check_placement();
	ck_assert_uint_eq(topology.slots[0].windows.mem_size, MIB(17));
}
END_TEST

START_TEST(a_bar_too_big_for_its_window_is_refused_with_the_numbers)
{
	static const struct bar bars[] = { { 0, GIB(1), MEM32 } };

	host_device("0000:01:00.0", AMD, "0x010802", bars, 1);
	give("0000:01:00.0");
	build_fails(-ENOSPC, "0000:01:00.0: its BARs need 1048576 KiB of the 32-bit MMIO window, "
			     "where 523264 KiB are left");
}
END_TEST

START_TEST(a_window_that_others_have_filled_is_refused_with_the_rest)
{
	static const struct bar bars[] = { { 0, MIB(256), MEM32 } };
	static const struct bar small[] = { { 0, MIB(1), MEM32 } };

	host_device("0000:01:00.0", AMD, "0x030000", bars, 1);
	host_device("0000:02:00.0", AMD, "0x010802", small, 1);
	host_device("0000:03:00.0", AMD, "0x030000", bars, 1);
	give("0000:01:00.0");
	give("0000:02:00.0");
	give("0000:03:00.0");
	build_fails(-ENOSPC, "0000:03:00.0: its BARs need 262144 KiB of the 32-bit MMIO window, "
			     "where 260096 KiB are left");
}
END_TEST

START_TEST(io_ports_that_do_not_fit_are_refused)
{
	static const struct bar bars[] = { { 0, KIB(64), IO } };

	host_device("0000:01:00.0", AMD, "0x010802", bars, 1);
	give("0000:01:00.0");
	build_fails(-ENOSPC, "0000:01:00.0: its BARs need 64 KiB of the I/O window, where 60 KiB "
			     "are left");
}
END_TEST

START_TEST(bars_that_only_their_alignment_makes_too_big_are_refused)
{
	static const struct bar bars[] = { { 0, MIB(256), MEM32 }, { 1, MIB(256), MEM32 } };
	static const struct bar small[] = { { 0, MIB(1), MEM32 } };

	host_device("0000:01:00.0", AMD, "0x010802", small, 1);
	host_device("0000:02:00.0", AMD, "0x030000", bars, 2);
	give("0000:01:00.0");
	give("0000:02:00.0");
	ck_assert_int_eq(topology_build(&topology, &options, sysfs.root, why, sizeof(why)),
			 -ENOSPC);
}
END_TEST

/* --- the ACPI view ------------------------------------------------------------------------------
 */

/* --- ROM ----------------------------------------------------------------------------------------
 */

/* Functions 0 and 1, with ROMs of 512 and 64 KiB; --device for function 0, with @rom. */
static struct device_options *give_rom(const char *rom)
{
	static const struct bar first[] = { { 0, KIB(16), MEM64 },
					    { TOPOLOGY_ROM, KIB(512), ROM } },
				second[] = { { TOPOLOGY_ROM, KIB(64), ROM } };
	struct device_options *device = give("0000:01:00.0");

	host_device("0000:01:00.0", AMD, "0x030000", first, ARRAY_SIZE(first));
	host_device("0000:01:00.1", AMD, "0x040300", second, ARRAY_SIZE(second));
	device->rom = rom;
	return device;
}

static const char *const no_rom[] = { NULL, "off" };

START_TEST(a_rom_that_nobody_asked_for_has_no_place)
{
	give_rom(no_rom[_i]);
	build();
	ck_assert_uint_eq(bar(0, 0, TOPOLOGY_ROM)->size, 0);
	ck_assert(!topology.slots[0].functions[0].rom_device);
	ck_assert_ptr_null(topology.slots[0].functions[0].rom_file);
}
END_TEST

START_TEST(the_devices_rom_has_the_hosts_size_in_the_32_bit_window)
{
	give_rom("device");
	build();
	ck_assert(topology.slots[0].functions[0].rom_device);
	ck_assert_uint_eq(bar(0, 0, TOPOLOGY_ROM)->size, KIB(512));
	ck_assert_uint_lt(bar(0, 0, TOPOLOGY_ROM)->addr, GIB(4));
	check_placement();
	check_windows();
}
END_TEST

START_TEST(a_device_without_a_rom_gets_no_place_for_one)
{
	host_device("0000:01:00.0", AMD, "0x010802", NULL, 0);
	give("0000:01:00.0")->rom = "device";
	build();
	ck_assert(topology.slots[0].functions[0].rom_device);
	ck_assert_uint_eq(bar(0, 0, TOPOLOGY_ROM)->size, 0);
}
END_TEST

START_TEST(a_rom_is_that_of_the_named_function_alone)
{
	give_rom("device")->all_functions = true;
	build();
	ck_assert_uint_eq(topology.slots[0].nr, 2);
	ck_assert_uint_eq(bar(0, 1, TOPOLOGY_ROM)->size, 0);
	ck_assert(!topology.slots[0].functions[1].rom_device);
}
END_TEST

START_TEST(a_rom_file_has_a_place_of_its_own_size)
{
	static char image[3000] = { 0x55, (char)0xaa };
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/rom", sysfs.root);
	f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(image, sizeof(image), 1, f), 1);
	ck_assert_int_eq(fclose(f), 0);
	give_rom(path);
	build();
	ck_assert_uint_eq(bar(0, 0, TOPOLOGY_ROM)->size, KIB(4));
	ck_assert_str_eq(topology.slots[0].functions[0].rom_file, path);
	check_placement();
	check_windows();
}
END_TEST

START_TEST(a_rom_file_that_is_not_there_is_refused)
{
	give_rom("/nowhere/rom");
	build_fails(-ENOENT, "--device: 0000:01:00.0: rom=/nowhere/rom: cannot be opened: No such "
			     "file or directory");
}
END_TEST

START_TEST(acpi_sees_the_same_slots_functions_and_windows)
{
	static struct acpi_config acpi;

	host_device("0000:01:00.0", NVIDIA, "0x030000", gpu_bars, ARRAY_SIZE(gpu_bars));
	plain_device("0000:01:00.3");
	plain_device("0000:02:00.0");
	plain_device("0000:03:00.1");
	give("0000:01:00.0");
	give("0000:01:00.3");
	give("0000:02:00.0");
	give("0000:03:00.1")->pr3 = PR3_ENDPOINT;
	options.serial = SERIAL_NULL;
	build();
	topology_acpi(&topology, &options, &acpi);
	ck_assert_uint_eq(acpi.nr_cpus, 2);
	ck_assert(!acpi.serial);
	ck_assert_uint_eq(acpi.nr_slots, 3);
	ck_assert_uint_eq(acpi.slots[0].functions, 1 << 0 | 1 << 3);
	ck_assert(acpi.slots[0].port_pr && acpi.slots[0].function0_pr);
	ck_assert_uint_eq(acpi.slots[1].index, 1);
	ck_assert_uint_eq(acpi.slots[1].port_dev, 2);
	ck_assert(acpi.slots[1].port_pr && !acpi.slots[1].function0_pr);
	ck_assert_uint_eq(acpi.slots[2].functions, 1 << 0);
	ck_assert(!acpi.slots[2].port_pr && acpi.slots[2].function0_pr);
	ck_assert_uint_eq(acpi.mmio32, topology.windows.mmio32);
	ck_assert_uint_eq(acpi.mmio32_size, topology.windows.mmio32_size);
	ck_assert_uint_eq(acpi.mmio64, topology.windows.mmio64);
	ck_assert_uint_eq(acpi.mmio64_size, topology.windows.mmio64_size);
}
END_TEST

START_TEST(bars_are_in_the_windows_of_their_slots_bridge)
{
	static const struct zone_options zones[] = {
		{ .id = "a", .size = GIB(4), .has_host_node = true, .host_node = 0 },
		{ .id = "b", .size = GIB(4), .has_host_node = true, .host_node = 1 },
	};
	static const char *const at[] = { "0\n", "1\n", "0\n" };

	options.memory = 0;
	memcpy(options.zones, zones, sizeof(zones));
	options.nr_zones = options.nr_nodes = 2;
	for (unsigned i = 0; i < 2; i++) {
		options.nodes[i] = (struct numa_options){
			.id = i, .has_id = true, .cpus = 1u << i, .nr_zones = 1
		};
		options.nodes[i].zones[0] = (struct option_name){ zones[i].id, 1 };
	}
	host_device("0000:01:00.0", AMD, "0x030000", gpu_bars, ARRAY_SIZE(gpu_bars));
	host_device("0000:02:00.0", AMD, "0x030000", gpu_bars, ARRAY_SIZE(gpu_bars));
	host_device("0000:03:00.0", AMD, "0x030000", gpu_bars, ARRAY_SIZE(gpu_bars));
	give("0000:01:00.0");
	give("0000:02:00.0");
	give("0000:03:00.0");
	for (unsigned i = 0; i < 3; i++)
		fake_sysfs_file(&sysfs, at[i], "sys/bus/pci/devices/%s/numa_node",
				options.devices[i].path);
	build();
	check_windows();
	ck_assert_uint_eq(topology.nr_bridges, 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct rootport_windows *port = &topology.slots[i].windows;
		const struct rootport_windows *bridge =
			&topology.bridges[topology.slots[i].bridge].windows;

		ck_assert(range_inside(port->mem, port->mem_size, bridge->mem, bridge->mem_size));
		ck_assert(
			range_inside(port->pref, port->pref_size, bridge->pref, bridge->pref_size));
		ck_assert(!port->io_size ||
			  range_inside(port->io, port->io_size, bridge->io, bridge->io_size));
	}
	ck_assert(!ranges_overlap(
		topology.bridges[1].windows.pref, topology.bridges[1].windows.pref_size,
		topology.bridges[2].windows.pref, topology.bridges[2].windows.pref_size));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("topology_bars");
	TCase *t = suite_case(s, "BARs", setup, teardown);

	tcase_add_test(t, sizes_and_kinds_are_what_sysfs_says);
	tcase_add_test(t, bars_are_aligned_apart_and_in_their_windows);
	tcase_add_test(t, a_64_bit_prefetchable_bar_is_above_4_gib);
	tcase_add_test(t, a_64_bit_bar_that_is_not_prefetchable_is_below_4_gib);
	tcase_add_test(t, the_64_bit_window_is_above_the_guests_ram);
	tcase_add_test(t, the_64_bit_window_has_room_to_move_the_biggest_bar);
	tcase_add_test(t, without_devices_there_is_a_64_bit_window_all_the_same);
	tcase_add_test(t, a_port_opens_only_the_windows_it_needs);
	tcase_add_test(t, small_bars_have_pages_of_their_own);
	tcase_add_test(t, the_biggest_bar_comes_first_so_that_no_room_is_lost);
	tcase_add_test(t, a_bar_too_big_for_its_window_is_refused_with_the_numbers);
	tcase_add_test(t, a_window_that_others_have_filled_is_refused_with_the_rest);
	tcase_add_test(t, io_ports_that_do_not_fit_are_refused);
	tcase_add_test(t, bars_that_only_their_alignment_makes_too_big_are_refused);

	t = suite_case(s, "ROM", setup, teardown);
	tcase_add_loop_test(t, a_rom_that_nobody_asked_for_has_no_place, 0, ARRAY_SIZE(no_rom));
	tcase_add_test(t, the_devices_rom_has_the_hosts_size_in_the_32_bit_window);
	tcase_add_test(t, a_device_without_a_rom_gets_no_place_for_one);
	tcase_add_test(t, a_rom_is_that_of_the_named_function_alone);
	tcase_add_test(t, a_rom_file_has_a_place_of_its_own_size);
	tcase_add_test(t, a_rom_file_that_is_not_there_is_refused);

	t = suite_case(s, "ACPI", setup, teardown);
	tcase_add_test(t, acpi_sees_the_same_slots_functions_and_windows);
	tcase_add_test(t, bars_are_in_the_windows_of_their_slots_bridge);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
