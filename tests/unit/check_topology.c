/* SPDX-License-Identifier: BSD-3-Clause */
/* Which functions share a slot, and what their options mean for it. */
#include "vmm/topology.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

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

/* /dev/null stands for the character device of @bdf. */
static int descriptor_of(const char *bdf)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	char target[64];
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	snprintf(target, sizeof(target), "../../bus/pci/devices/%s/vfio-dev/vfio0", bdf);
	fake_sysfs_file(&sysfs, "1:3", "sys/bus/pci/devices/%s/vfio-dev/vfio0/dev", bdf);
	fake_sysfs_link(&sysfs, target, "sys/dev/char/%u:%u", major(st.st_rdev), minor(st.st_rdev));
	return fd;
}

static struct device_options *give_fd(const char *path, int fd)
{
	struct device_options *device = give(path);

	device->has_fd = true;
	device->fd = fd;
	return device;
}

START_TEST(a_device_may_be_named_by_its_descriptor)
{
	plain_device("0000:01:00.0");
	plain_device("0000:02:00.1");
	int fd = descriptor_of("0000:02:00.1");

	give("0000:01:00.0");
	give_fd(NULL, fd);
	build();
	ck_assert_uint_eq(topology.nr, 2);
	ck_assert_int_eq(topology.slots[0].functions[0].fd, -1);
	ck_assert_str_eq(topology.slots[1].functions[0].bdf, "0000:02:00.1");
	ck_assert_int_eq(topology.slots[1].functions[0].fd, fd);
	options.devices[1].path = "02:00.1";
	build();
	close(fd);
}
END_TEST

START_TEST(a_descriptor_of_another_device_is_refused)
{
	char line[160];

	plain_device("0000:01:00.0");
	plain_device("0000:02:00.1");
	int fd = descriptor_of("0000:02:00.1");

	give_fd("01:00.0", fd);
	snprintf(line, sizeof(line),
		 "--device: fd=%d is 0000:02:00.1, but path=01:00.0 is another device", fd);
	build_fails(-EINVAL, line);
	close(fd);
	snprintf(line, sizeof(line), "--device: fd=%d is not open: want one of /dev/vfio/devices/",
		 fd);
	build_fails(-EINVAL, line);
}
END_TEST

START_TEST(a_descriptor_of_something_else_is_refused)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	char line[160];

	give_fd(NULL, fd);
	snprintf(line, sizeof(line),
		 "--device: fd=%d is no character device of VFIO: want one of /dev/vfio/devices/",
		 fd);
	build_fails(-EINVAL, line);
	close(fd);
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

/* --- NUMA ---------------------------------------------------------------------------------------
 */

static const struct option_name name_a = { "a", 1 }, name_b = { "b", 1 };

/* Node 1 with zone a on the host's node 0, node 5 with zone b on the host's node 12. */
static void two_nodes(void)
{
	options.memory = 0;
	options.nr_zones = options.nr_nodes = 2;
	options.zones[0] = (struct zone_options){
		.id = "a", .size = MIB(64), .has_host_node = true, .host_node = 0
	};
	options.zones[1] = (struct zone_options){
		.id = "b", .size = GIB(4), .has_host_node = true, .host_node = 12
	};
	options.nodes[0] =
		(struct numa_options){ .id = 1, .has_id = true, .cpus = 2, .nr_zones = 1 };
	options.nodes[0].zones[0] = name_a;
	options.nodes[1] =
		(struct numa_options){ .id = 5, .has_id = true, .cpus = 1, .nr_zones = 1 };
	options.nodes[1].zones[0] = name_b;
}

static void device_at(const char *bdf, const char *node)
{
	plain_device(bdf);
	fake_sysfs_file(&sysfs, node, "sys/bus/pci/devices/%s/numa_node", bdf);
}

START_TEST(a_slot_is_in_the_node_with_memory_of_the_hosts_node)
{
	static const struct {
		const char *host;
		int node;
	} cases[] = { { "0\n", 1 }, { "12\n", 5 }, { "1\n", -1 }, { "-1\n", -1 } };

	two_nodes();
	device_at("0000:01:00.0", cases[_i].host);
	give("0000:01:00.0");
	build();
	ck_assert_int_eq(topology.slots[0].has_node, cases[_i].node >= 0);
	if (cases[_i].node >= 0)
		ck_assert_int_eq((int)topology.slots[0].node, cases[_i].node);
}
END_TEST

START_TEST(without_nodes_or_the_hosts_word_a_slot_is_in_none)
{
	plain_device("0000:01:00.0");
	device_at("0000:02:00.0", "0\n");
	give("0000:01:00.0");
	build();
	ck_assert(!topology.slots[0].has_node);
	two_nodes();
	build();
	ck_assert(!topology.slots[0].has_node);
	options.nr_nodes = options.nr_devices = 0;
	give("0000:02:00.0");
	build();
	ck_assert(!topology.slots[0].has_node);
}
END_TEST

START_TEST(a_node_that_is_given_holds_for_the_slot)
{
	struct device_options *device;

	two_nodes();
	device_at("0000:01:00.0", "0\n");
	device_at("0000:01:00.1", "0\n");
	give("0000:01:00.0");
	device = give("0000:01:00.1");
	device->has_numa_node = true;
	device->numa_node = 5;
	build();
	ck_assert(topology.slots[0].has_node);
	ck_assert_uint_eq(topology.slots[0].node, 5);
	options.devices[0].has_numa_node = true;
	options.devices[0].numa_node = 1;
	build_fails(-EINVAL,
		    "--device: 0000:01:00.1: numa_node differs between functions of one slot");
}
END_TEST

/* A card in each node, and one in none; the emulated devices are in vCPU 0's, which is 5. */
static void three_cards(void)
{
	two_nodes();
	device_at("0000:01:00.0", "12\n");
	device_at("0000:02:00.0", "-1\n");
	device_at("0000:03:00.0", "0\n");
	device_at("0000:04:00.0", "12\n");
	give("0000:01:00.0");
	give("0000:02:00.0");
	give("0000:03:00.0");
	give("0000:04:00.0");
}

START_TEST(each_node_with_slots_has_a_host_bridge)
{
	static const struct {
		unsigned bridge;
		uint8_t dev, bus;
	} wanted[] = { { 1, 1, 3 }, { 0, 1, 1 }, { 2, 1, 6 }, { 1, 2, 4 } };

	three_cards();
	build();
	ck_assert_uint_eq(topology.nr_bridges, 3);
	for (unsigned s = 0; s < 4; s++) {
		ck_assert_uint_eq(topology.slots[s].bridge, wanted[s].bridge);
		ck_assert_uint_eq(topology.slots[s].port_dev, wanted[s].dev);
		ck_assert_uint_eq(topology.slots[s].bus, wanted[s].bus);
	}
	ck_assert_uint_eq(topology.bridges[0].bus, 0);
	ck_assert_uint_eq(topology.bridges[0].last_bus, 1);
	ck_assert_uint_eq(topology.bridges[1].bus, 2);
	ck_assert_uint_eq(topology.bridges[1].last_bus, 4);
	ck_assert_uint_eq(topology.bridges[1].node, 5);
	ck_assert_uint_eq(topology.bridges[2].bus, 5);
	ck_assert_uint_eq(topology.bridges[2].node, 1);
	ck_assert_uint_eq(topology_first_virtio(&topology), 2);
}
END_TEST

START_TEST(the_first_bridge_has_vcpu_0s_node_unless_a_slot_is_in_none)
{
	three_cards();
	build();
	ck_assert(!topology.bridges[0].has_node);
	options.nr_devices = 1;
	build();
	ck_assert(topology.bridges[0].has_node);
	ck_assert_uint_eq(topology.bridges[0].node, 5);
	options.nr_nodes = 0;
	build();
	ck_assert_uint_eq(topology.nr_bridges, 1);
	ck_assert(!topology.bridges[0].has_node);
}
END_TEST

START_TEST(more_nodes_with_slots_than_bridges_are_refused)
{
	char bdf[9][16];

	for (unsigned i = 0; i < 8; i++) {
		snprintf(bdf[i], sizeof(bdf[i]), "0000:%02x:00.0", i + 1);
		plain_device(bdf[i]);
		options.nodes[i] = (struct numa_options){ .id = i, .has_id = true };
		options.nr_nodes++;
		give(bdf[i])->has_numa_node = true;
		options.devices[i].numa_node = i;
		if (i < 7)
			build();
	}
	build_fails(-EINVAL,
		    "--device: 8 host slots in so many NUMA nodes do not fit: there is place "
		    "for 7 nodes with devices, and for 31 of slots and such nodes together");
}
END_TEST

START_TEST(bridges_of_the_tables_share_the_windows_without_a_gap)
{
	struct acpi_config acpi;
	uint64_t mmio32 = LAYOUT_MMIO32, mmio64, pio = LAYOUT_PIO_WINDOW;

	three_cards();
	build();
	topology_acpi(&topology, &options, &acpi);
	mmio64 = topology.windows.mmio64;
	ck_assert_uint_eq(acpi.nr_roots, 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct acpi_root *root = &acpi.roots[i];

		ck_assert_uint_eq(root->mmio32, mmio32);
		ck_assert_uint_eq(root->mmio64, mmio64);
		ck_assert_uint_eq(root->pio, pio);
		ck_assert(root->mmio32_size && root->mmio64_size && root->pio_size);
		mmio32 += root->mmio32_size;
		mmio64 += root->mmio64_size;
		pio += root->pio_size;
	}
	ck_assert_uint_eq(acpi.mmio32, mmio32);
	ck_assert_uint_eq(acpi.mmio32 + acpi.mmio32_size, LAYOUT_MMIO32 + LAYOUT_MMIO32_SIZE);
	ck_assert_uint_eq(acpi.mmio64, mmio64);
	ck_assert_uint_eq(acpi.mmio64 + acpi.mmio64_size,
			  topology.windows.mmio64 + topology.windows.mmio64_size);
	ck_assert_uint_eq(acpi.pio_taken, pio - LAYOUT_PIO_WINDOW);
	ck_assert_uint_eq(acpi.slots[2].root, 2);
	ck_assert_uint_eq(acpi.slots[3].port_dev, 2);
}
END_TEST

START_TEST(tables_have_the_nodes_of_the_options)
{
	struct acpi_config acpi;

	two_nodes();
	options.nodes[1].distances[0] = (struct numa_distance){ .destination = 1, .distance = 31 };
	options.nodes[1].nr_distances = 1;
	device_at("0000:01:00.0", "12\n");
	give("0000:01:00.0");
	build();
	topology_acpi(&topology, &options, &acpi);
	ck_assert(acpi.slots[0].has_node);
	ck_assert_uint_eq(acpi.slots[0].node, 5);
	ck_assert_uint_eq(acpi.numa.nr, 6);
	ck_assert_uint_eq(acpi.numa.cpu_node[0], 5);
	ck_assert_uint_eq(acpi.numa.cpu_node[1], 1);
	ck_assert_uint_eq(acpi.numa.apic_id[1], 1);
	ck_assert_uint_eq(acpi.numa.nr_memory, 3);
	ck_assert_uint_eq(acpi.numa.memory[0].size, MIB(64));
	ck_assert_uint_eq(acpi.numa.memory[0].node, 1);
	ck_assert_uint_eq(acpi.numa.memory[1].base, MIB(64));
	ck_assert_uint_eq(acpi.numa.memory[1].node, 5);
	ck_assert_uint_eq(acpi.numa.memory[2].base, LAYOUT_RAM_HIGH);
	ck_assert_uint_eq(acpi.numa.memory[2].size, GIB(4) + MIB(64) - LAYOUT_RAM_LOW_LIMIT);
	ck_assert_uint_eq(acpi.numa.memory[2].node, 5);
	ck_assert_uint_eq(acpi.numa.distance[1][1], 10);
	ck_assert_uint_eq(acpi.numa.distance[1][5], 31);
	ck_assert_uint_eq(acpi.numa.distance[5][1], 31);
	ck_assert_uint_eq(acpi.numa.distance[1][2], 0);
	/* BARs go behind all of it. */
	ck_assert_uint_ge(topology.windows.mmio64, LAYOUT_RAM_HIGH + acpi.numa.memory[2].size);
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
	tcase_add_test(t, a_device_may_be_named_by_its_descriptor);
	tcase_add_test(t, a_descriptor_of_another_device_is_refused);
	tcase_add_test(t, a_descriptor_of_something_else_is_refused);
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
	tcase_add_loop_test(t, a_slot_is_in_the_node_with_memory_of_the_hosts_node, 0, 4);
	tcase_add_test(t, without_nodes_or_the_hosts_word_a_slot_is_in_none);
	tcase_add_test(t, a_node_that_is_given_holds_for_the_slot);
	tcase_add_test(t, each_node_with_slots_has_a_host_bridge);
	tcase_add_test(t, the_first_bridge_has_vcpu_0s_node_unless_a_slot_is_in_none);
	tcase_add_test(t, more_nodes_with_slots_than_bridges_are_refused);
	tcase_add_test(t, bridges_of_the_tables_share_the_windows_without_a_gap);
	tcase_add_test(t, tables_have_the_nodes_of_the_options);
	tcase_add_loop_test(t, a_backend_that_power_does_not_allow_is_refused, 0,
			    ARRAY_SIZE(wishes));
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
