/* SPDX-License-Identifier: BSD-3-Clause */
/* Which functions share a slot, and what their options mean for it. */
#include "vmm/topology.h"

#include "tests/unit/topology_rig.h"

/* --- slots ------------------------------------------------------------------------------------ */

START_TEST(without_devices_there_are_no_slots)
{
	build();
	ck_assert_uint_eq(topology.nr, 0);
}
END_TEST

START_TEST(functions_of_one_host_slot_share_a_slot)
{
	plain_device("0000:01:00.0");
	plain_device("0000:01:00.1");
	plain_device("0000:02:00.0");
	give("0000:01:00.0");
	give("0000:02:00.0");
	give("0000:01:00.1");
	build();
	ck_assert_uint_eq(topology.nr, 2);
	ck_assert_str_eq(topology.slots[0].host, "0000:01:00");
	ck_assert_uint_eq(topology.slots[0].nr, 2);
	ck_assert_str_eq(topology.slots[0].functions[0].bdf, "0000:01:00.0");
	ck_assert_str_eq(topology.slots[0].functions[1].bdf, "0000:01:00.1");
	ck_assert_str_eq(topology.slots[1].host, "0000:02:00");
	ck_assert_uint_eq(topology.slots[1].nr, 1);
}
END_TEST

START_TEST(one_device_number_on_two_buses_or_domains_is_not_one_slot)
{
	plain_device("0000:01:00.0");
	plain_device("0001:01:00.0");
	plain_device("0000:01:01.0");
	give("0000:01:00.0");
	give("0001:01:00.0");
	give("0000:01:01.0");
	build();
	ck_assert_uint_eq(topology.nr, 3);
}
END_TEST

START_TEST(function_numbers_are_the_hosts_in_ascending_order)
{
	plain_device("0000:01:00.0");
	plain_device("0000:01:00.2");
	plain_device("0000:01:00.7");
	give("0000:01:00.7");
	give("0000:01:00.0");
	give("0000:01:00.2");
	build();
	ck_assert_uint_eq(topology.slots[0].functions[0].number, 0);
	ck_assert_uint_eq(topology.slots[0].functions[1].number, 2);
	ck_assert_uint_eq(topology.slots[0].functions[2].number, 7);
	ck_assert_ptr_eq(topology.slots[0].functions[2].options, &options.devices[0]);
}
END_TEST

START_TEST(without_function_0_the_lowest_becomes_it)
{
	plain_device("0000:01:00.2");
	plain_device("0000:01:00.3");
	give("0000:01:00.3");
	give("0000:01:00.2");
	build();
	ck_assert_uint_eq(topology.slots[0].functions[0].number, 0);
	ck_assert_str_eq(topology.slots[0].functions[0].bdf, "0000:01:00.2");
	ck_assert_uint_eq(topology.slots[0].functions[1].number, 3);
}
END_TEST

START_TEST(a_device_may_be_named_by_short_address_or_path)
{
	plain_device("0000:01:00.0");
	plain_device("0000:02:00.0");
	give("01:00.0");
	give("/sys/bus/pci/devices/0000:02:00.0/");
	build();
	ck_assert_str_eq(topology.slots[0].functions[0].bdf, "0000:01:00.0");
	ck_assert_str_eq(topology.slots[1].functions[0].bdf, "0000:02:00.0");
}
END_TEST

START_TEST(a_device_given_twice_is_refused)
{
	plain_device("0000:01:00.0");
	give("0000:01:00.0");
	give("01:00.0");
	build_fails(-EINVAL, "--device: 0000:01:00.0 is given twice");
}
END_TEST

static void three_functions(void)
{
	plain_device("0000:01:00.0");
	plain_device("0000:01:00.1");
	plain_device("0000:01:00.3");
	plain_device("0000:02:00.0");
}

/* --- cliques ------------------------------------------------------------------------------------
 */

static void nvidia_card(void)
{
	host_device("0000:01:00.0", NVIDIA, "0x030000", NULL, 0);
	host_device("0000:01:00.1", NVIDIA, "0x040300", NULL, 0);
}

static struct device_options *give_clique(const char *path, unsigned clique)
{
	struct device_options *device = give(path);

	device->has_clique = true;
	device->clique = clique;
	return device;
}

START_TEST(a_clique_is_that_of_the_named_function_alone)
{
	nvidia_card();
	give_clique("0000:01:00.0", 0)->all_functions = true;
	build();
	ck_assert_uint_eq(topology.slots[0].nr, 2);
	ck_assert_int_eq(topology.slots[0].functions[0].clique, 0);
	ck_assert_int_eq(topology.slots[0].functions[1].clique, -1);
}
END_TEST

START_TEST(a_clique_is_for_nvidias_displays_alone)
{
	nvidia_card();
	host_device("0000:02:00.0", AMD, "0x030000", NULL, 0);
	give_clique("0000:02:00.0", 3);
	build_fails(-EINVAL, "--device: 0000:02:00.0: x_nv_gpudirect_clique=3: this is no display "
			     "controller of NVIDIA: leave it out");
	options.devices[0].path = "0000:01:00.1";
	build_fails(-EINVAL, "--device: 0000:01:00.1: x_nv_gpudirect_clique=3: this is no display "
			     "controller of NVIDIA: leave it out");
	/* A data-centre GPU has no connectors: 3D controller. */
	host_device("0000:02:00.0", NVIDIA, "0x030200", NULL, 0);
	options.devices[0].path = "0000:02:00.0";
	build();
	ck_assert_int_eq(topology.slots[0].functions[0].clique, 3);
}
END_TEST

START_TEST(functions_all_takes_every_function_of_that_slot)
{
	three_functions();
	give("0000:01:00.1")->all_functions = true;
	options.devices[0].id = "audio";
	options.devices[0].pme = DEVICE_PME_FORCE;
	build();
	ck_assert_uint_eq(topology.nr, 1);
	ck_assert_uint_eq(topology.slots[0].nr, 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct topology_function *f = &topology.slots[0].functions[i];

		ck_assert_uint_eq(f->number, i == 2 ? 3 : i);
		ck_assert_int_eq(f->options->pme, DEVICE_PME_FORCE);
		ck_assert_uint_eq(f->vendor, 0x1002);
	}
	ck_assert_str_eq(topology.slots[0].functions[2].bdf, "0000:01:00.3");
	ck_assert_uint_eq(topology.slots[0].left_out, 0);
	ck_assert_str_eq(topology.slots[0].all, "0000:01:00.1");
}
END_TEST

START_TEST(an_id_is_that_of_the_named_function_alone)
{
	three_functions();
	give("0000:01:00.1")->all_functions = true;
	options.devices[0].id = "audio";
	build();
	ck_assert_ptr_null(topology.slots[0].functions[0].id);
	ck_assert_str_eq(topology.slots[0].functions[1].id, "audio");
	ck_assert_ptr_null(topology.slots[0].functions[2].id);
}
END_TEST

START_TEST(virtual_functions_are_no_functions_of_the_slot)
{
	three_functions();
	fake_sysfs_link(&sysfs, "../0000:01:00.0", "sys/bus/pci/devices/0000:01:00.3/physfn");
	give("0000:01:00.0")->all_functions = true;
	build();
	ck_assert_uint_eq(topology.slots[0].nr, 2);
	ck_assert_uint_eq(topology.slots[0].left_out, 0);
}
END_TEST

START_TEST(a_function_that_functions_all_has_is_given_twice_in_either_order)
{
	three_functions();
	give(_i ? "0000:01:00.0" : "01:00.3")->all_functions = _i;
	give(_i ? "01:00.3" : "0000:01:00.0")->all_functions = !_i;
	build_fails(-EINVAL, "--device: 0000:01:00.3 is given twice: functions=all of 0000:01:00.0 "
			     "has it already");
}
END_TEST

START_TEST(functions_that_the_guest_does_not_get_are_known)
{
	three_functions();
	give("0000:01:00.1");
	give("0000:02:00.0");
	build();
	ck_assert_uint_eq(topology.slots[0].left_out, 1 << 0 | 1 << 3);
	ck_assert_uint_eq(topology.slots[0].functions[0].number, 0);
	ck_assert_uint_eq(topology.slots[1].left_out, 0);
}
END_TEST

START_TEST(a_device_that_is_not_there_is_refused)
{
	give("0000:05:00.0");
	build_fails(-ENOENT,
		    "--device: 0000:05:00.0: no such PCI device on this host (No such file or "
		    "directory): lspci -D lists them");
}
END_TEST

START_TEST(text_that_is_no_address_is_refused)
{
	give("nvme0");
	build_fails(-EINVAL, "--device: 'nvme0' is no PCI address and no sysfs path of one: want "
			     "something like 0000:01:00.0");
}
END_TEST

START_TEST(slots_are_24_at_most)
{
	static char paths[CVM_SLOT_MAX + 1][16];

	for (unsigned i = 0; i <= CVM_SLOT_MAX; i++) {
		snprintf(paths[i], sizeof(paths[i]), "0000:%02x:00.0", i + 1);
		plain_device(paths[i]);
		give(paths[i]);
	}
	build_fails(-EINVAL, "--device: more than 24 slots");
	options.nr_devices--;
	build();
	ck_assert_uint_eq(topology.nr, CVM_SLOT_MAX);
	/* One more function of a slot that is there is no more slots. */
	plain_device("0000:01:00.1");
	options.nr_devices = CVM_SLOT_MAX;
	give("0000:01:00.1");
	build();
	ck_assert_uint_eq(topology.nr, CVM_SLOT_MAX);
}
END_TEST

START_TEST(ports_and_virtio_devices_share_bus_0)
{
	plain_device("0000:01:00.0");
	give("0000:01:00.0");
	options.nr_disks = 16;
	options.nr_nets = 14;
	build();
	ck_assert_uint_eq(topology_first_virtio(&topology), 2);
	options.rng.src = "/dev/urandom";
	build_fails(-EINVAL,
		    "1 host slots and 31 virtio devices do not fit: bus 0 has place for 31 in all");
}
END_TEST

/* --- policy -----------------------------------------------------------------------------------
 */

static enum pr3_place pr3_of(const char *vendor, const char *class, enum pr3_place asked)
{
	host_device("0000:01:00.0", vendor, class, NULL, 0);
	options.nr_devices = 0;
	memset(options.devices, 0, sizeof(options.devices));
	give("0000:01:00.0")->pr3 = asked;
	build();
	return topology.slots[0].pr3;
}

START_TEST(pr3_is_on_both_for_a_display_of_nvidia)
{
	ck_assert_int_eq(pr3_of(NVIDIA, "0x030000", PR3_AUTO), PR3_BOTH);
	ck_assert_int_eq(pr3_of(NVIDIA, "0x030200", PR3_AUTO), PR3_BOTH);
}
END_TEST

START_TEST(pr3_is_on_the_port_for_everything_else)
{
	ck_assert_int_eq(pr3_of(NVIDIA, "0x040300", PR3_AUTO), PR3_PORT);
	ck_assert_int_eq(pr3_of(AMD, "0x030000", PR3_AUTO), PR3_PORT);
	ck_assert_int_eq(pr3_of("0x8086", "0x010802", PR3_AUTO), PR3_PORT);
}
END_TEST

START_TEST(function_0_decides_where_pr3_is)
{
	host_device("0000:01:00.0", NVIDIA, "0x030000", NULL, 0);
	host_device("0000:01:00.1", NVIDIA, "0x040300", NULL, 0);
	give("0000:01:00.1");
	build();
	ck_assert_int_eq(topology.slots[0].pr3, PR3_PORT);
	give("0000:01:00.0");
	build();
	ck_assert_int_eq(topology.slots[0].pr3, PR3_BOTH);
}
END_TEST

START_TEST(an_explicit_pr3_wins)
{
	ck_assert_int_eq(pr3_of(NVIDIA, "0x030000", PR3_PORT), PR3_PORT);
	ck_assert_int_eq(pr3_of(NVIDIA, "0x030000", PR3_ENDPOINT), PR3_ENDPOINT);
	ck_assert_int_eq(pr3_of(AMD, "0x030000", PR3_BOTH), PR3_BOTH);
}
END_TEST

START_TEST(pr3_of_any_function_is_the_slots)
{
	plain_device("0000:01:00.0");
	plain_device("0000:01:00.1");
	give("0000:01:00.0");
	give("0000:01:00.1")->pr3 = PR3_ENDPOINT;
	build();
	ck_assert_int_eq(topology.slots[0].pr3, PR3_ENDPOINT);
}
END_TEST

START_TEST(functions_that_differ_in_pr3_are_refused)
{
	plain_device("0000:01:00.0");
	plain_device("0000:01:00.1");
	give("0000:01:00.0")->pr3 = PR3_PORT;
	give("0000:01:00.1")->pr3 = PR3_BOTH;
	build_fails(-EINVAL, "--device: 0000:01:00.1: pr3 differs between functions of one slot");
}
END_TEST

START_TEST(backend_of_any_function_is_the_slots)
{
	plain_device("0000:01:00.0");
	plain_device("0000:01:00.1");
	give("0000:01:00.0");
	give("0000:01:00.1")->backend = DEVICE_BACKEND_LOWPOWER;
	build();
	ck_assert_int_eq(topology.slots[0].backend, DEVICE_BACKEND_LOWPOWER);
}
END_TEST

START_TEST(functions_that_differ_in_backend_are_refused)
{
	plain_device("0000:01:00.0");
	plain_device("0000:01:00.1");
	give("0000:01:00.0")->backend = DEVICE_BACKEND_EXPLICIT;
	give("0000:01:00.1")->backend = DEVICE_BACKEND_LOWPOWER;
	build_fails(-EINVAL,
		    "--device: 0000:01:00.1: backend differs between functions of one slot");
}
END_TEST

static const struct {
	enum device_power power;
	enum device_backend backend;
	const char *said; /* NULL: they go together */
} wishes[] = {
	{ DEVICE_POWER_D3HOT, DEVICE_BACKEND_EXPLICIT, "d3hot" },
	{ DEVICE_POWER_D3HOT, DEVICE_BACKEND_LOWPOWER, "d3hot" },
	{ DEVICE_POWER_ON, DEVICE_BACKEND_EXPLICIT, "on" },
	{ DEVICE_POWER_ON, DEVICE_BACKEND_D3HOT, "on" },
	{ DEVICE_POWER_D3HOT, DEVICE_BACKEND_D3HOT, NULL },
	{ DEVICE_POWER_D3COLD, DEVICE_BACKEND_D3HOT, NULL },
	{ DEVICE_POWER_ON, DEVICE_BACKEND_AUTO, NULL },
};

START_TEST(a_backend_that_power_does_not_allow_is_refused)
{
	struct device_options *device;
	char line[160];

	plain_device("0000:01:00.0");
	device = give("0000:01:00.0");
	device->power = wishes[_i].power;
	device->backend = wishes[_i].backend;
	if (!wishes[_i].said) {
		build();
		return;
	}
	snprintf(line, sizeof(line),
		 "--device: 0000:01:00: power=%s does not allow what this backend= is for: leave "
		 "one of them out",
		 wishes[_i].said);
	build_fails(-EINVAL, line);
}
END_TEST

START_TEST(the_shallowest_power_holds_for_the_slot)
{
	plain_device("0000:01:00.0");
	plain_device("0000:01:00.1");
	plain_device("0000:02:00.0");
	give("0000:01:00.0")->power = DEVICE_POWER_ON;
	give("0000:01:00.1")->power = DEVICE_POWER_D3HOT;
	give("0000:02:00.0");
	build();
	ck_assert_int_eq(topology.slots[0].power, DEVICE_POWER_ON);
	ck_assert_int_eq(topology.slots[1].power, DEVICE_POWER_D3COLD);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("topology");
	TCase *t = suite_case(s, "slots", setup, teardown);

	tcase_add_test(t, without_devices_there_are_no_slots);
	tcase_add_test(t, functions_of_one_host_slot_share_a_slot);
	tcase_add_test(t, one_device_number_on_two_buses_or_domains_is_not_one_slot);
	tcase_add_test(t, function_numbers_are_the_hosts_in_ascending_order);
	tcase_add_test(t, without_function_0_the_lowest_becomes_it);
	tcase_add_test(t, a_device_may_be_named_by_short_address_or_path);
	tcase_add_test(t, a_device_given_twice_is_refused);
	tcase_add_test(t, functions_all_takes_every_function_of_that_slot);
	tcase_add_test(t, a_clique_is_that_of_the_named_function_alone);
	tcase_add_test(t, a_clique_is_for_nvidias_displays_alone);
	tcase_add_test(t, an_id_is_that_of_the_named_function_alone);
	tcase_add_test(t, virtual_functions_are_no_functions_of_the_slot);
	tcase_add_loop_test(t, a_function_that_functions_all_has_is_given_twice_in_either_order, 0,
			    2);
	tcase_add_test(t, functions_that_the_guest_does_not_get_are_known);
	tcase_add_test(t, a_device_that_is_not_there_is_refused);
	tcase_add_test(t, text_that_is_no_address_is_refused);
	tcase_add_test(t, slots_are_24_at_most);
	tcase_add_test(t, ports_and_virtio_devices_share_bus_0);

	t = suite_case(s, "policy", setup, teardown);
	tcase_add_test(t, pr3_is_on_both_for_a_display_of_nvidia);
	tcase_add_test(t, pr3_is_on_the_port_for_everything_else);
	tcase_add_test(t, function_0_decides_where_pr3_is);
	tcase_add_test(t, an_explicit_pr3_wins);
	tcase_add_test(t, pr3_of_any_function_is_the_slots);
	tcase_add_test(t, functions_that_differ_in_pr3_are_refused);
	tcase_add_test(t, the_shallowest_power_holds_for_the_slot);
	tcase_add_test(t, backend_of_any_function_is_the_slots);
	tcase_add_test(t, functions_that_differ_in_backend_are_refused);
	tcase_add_loop_test(t, a_backend_that_power_does_not_allow_is_refused, 0,
			    ARRAY_SIZE(wishes));
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
