/* SPDX-License-Identifier: BSD-3-Clause */
/* Zones against a made-up host: which nodes it has, what they have, and what people are told. */
#include "vmm/ram_plan.h"

#include <errno.h>
#include <string.h>

#include "tests/fake/fake_sysfs.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/host_nodes.h"

static struct fake_sysfs sysfs;
static struct vm_options options;
static char why[512];

static void set_up(void)
{
	fake_sysfs_make(&sysfs);
	fake_sysfs_file(&sysfs, "0,2\n", "sys/devices/system/node/has_memory");
	fake_sysfs_file(&sysfs,
			"Node 2 MemTotal:        1048576 kB\n"
			"Node 2 MemFree:          102400 kB\n"
			"Node 2 MemUsed:          900000 kB\n"
			"Node 2 Active(file):      51200 kB\n"
			"Node 2 Inactive(file):    25600 kB\n"
			"Node 2 Active(anon):     700000 kB\n"
			"Node 2 SReclaimable:      25600 kB\n",
			"sys/devices/system/node/node2/meminfo");
	options = (struct vm_options){ .cpus = 1 };
	why[0] = '\0';
}

static void tear_down(void)
{
	fake_sysfs_remove(&sysfs);
}

static struct zone_options *add_zone(const char *id, uint64_t size, unsigned node)
{
	struct zone_options *zone = &options.zones[options.nr_zones++];

	*zone = (struct zone_options){
		.id = id, .size = size, .has_host_node = true, .host_node = node
	};
	return zone;
}

static int check(void)
{
	return ram_plan_check(&options, sysfs.root, why, sizeof(why));
}

START_TEST(a_list_of_nodes_has_numbers_and_ranges)
{
	ck_assert(host_nodes_contain("0", 0));
	ck_assert(!host_nodes_contain("0", 1));
	ck_assert(host_nodes_contain("0-3,8,10-11", 2));
	ck_assert(host_nodes_contain("0-3,8,10-11", 8));
	ck_assert(host_nodes_contain("0-3,8,10-11", 11));
	ck_assert(!host_nodes_contain("0-3,8,10-11", 9));
	ck_assert(!host_nodes_contain("", 0));
	ck_assert(!host_nodes_contain("x", 0));
}
END_TEST

START_TEST(free_memory_counts_what_can_be_dropped)
{
	struct host_node_memory memory;

	ck_assert_int_eq(host_node_memory(sysfs.root, 2, &memory), 0);
	ck_assert_uint_eq(memory.total, GIB(1));
	ck_assert_uint_eq(memory.free, MIB(200));
	ck_assert_int_eq(host_node_memory(sysfs.root, 1, &memory), -ENOENT);
}
END_TEST

START_TEST(without_zones_memory_is_one)
{
	struct memory_zone zones[MEMORY_MAX_ZONES];

	options.memory = MIB(64);
	options.hugepages = true;
	ck_assert_uint_eq(ram_plan(&options, zones), 1);
	ck_assert_uint_eq(zones[0].size, MIB(64));
	ck_assert(zones[0].hugepages);
	ck_assert(!zones[0].shared);
	ck_assert(!zones[0].bound);
	ck_assert_int_eq(check(), 0);
}
END_TEST

START_TEST(zones_are_planned_as_they_are_asked_for)
{
	struct memory_zone zones[MEMORY_MAX_ZONES];

	add_zone("a", MIB(4), 2)->shared = true;
	add_zone("b", MIB(8), 0)->prefault = true;
	options.zones[1].has_host_node = false;
	ck_assert_uint_eq(ram_plan(&options, zones), 2);
	ck_assert(zones[0].bound);
	ck_assert_uint_eq(zones[0].host_node, 2);
	ck_assert(zones[0].shared);
	ck_assert(!zones[1].bound);
	ck_assert(zones[1].prefault);
	ck_assert_uint_eq(zones[1].size, MIB(8));
}
END_TEST

START_TEST(a_node_that_the_host_has_not_is_refused_with_those_that_it_has)
{
	add_zone("a", MIB(4), 1);
	ck_assert_int_eq(check(), -ENODEV);
	ck_assert_str_eq(
		why, "--memory-zone: a: host_numa_node=1: this host's nodes with memory are 0,2");
}
END_TEST

START_TEST(a_kernel_without_nodes_is_said_so)
{
	fake_sysfs_delete(&sysfs, "sys/devices/system/node/has_memory");
	add_zone("a", MIB(4), 0);
	ck_assert_int_eq(check(), -ENOENT);
	ck_assert_str_eq(why,
			 "--memory-zone: a: host_numa_node=0: this host's kernel has no NUMA nodes "
			 "(No such file or directory)");
}
END_TEST

START_TEST(zones_that_a_node_can_never_hold_are_refused)
{
	add_zone("a", MIB(512), 2);
	ck_assert_int_eq(check(), 0);
	add_zone("b", MIB(514), 2);
	ck_assert_int_eq(check(), -ENOMEM);
	ck_assert_str_eq(why,
			 "--memory-zone: a: zones on host node 2 want 1026 MiB, and the node has "
			 "1024 MiB");
}
END_TEST

START_TEST(zones_that_are_filled_at_once_need_free_memory)
{
	add_zone("a", MIB(200), 2)->prefault = true;
	add_zone("b", MIB(512), 2);
	ck_assert_int_eq(check(), 0);
	options.zones[0].size += MIB(2);
	ck_assert_int_eq(check(), -ENOMEM);
	ck_assert_str_eq(why,
			 "--memory-zone: a: zones on host node 2 want 202 MiB at once, and the "
			 "node has 200 MiB to give");
}
END_TEST

START_TEST(a_device_has_every_zone_filled)
{
	add_zone("a", MIB(202), 2);
	ck_assert_int_eq(check(), 0);
	options.nr_devices = 1;
	ck_assert_int_eq(check(), -ENOMEM);
}
END_TEST

/* Which of them are free is known when they are taken. */
START_TEST(huge_pages_are_none_of_a_nodes_free_memory)
{
	struct zone_options *zone = add_zone("a", GIB(2), 2);

	zone->hugepages = true;
	zone->prefault = true;
	ck_assert_int_eq(check(), 0);
}
END_TEST

START_TEST(a_zone_that_fails_is_explained)
{
	add_zone("a", MIB(4), 0);
	add_zone("b", MIB(8), 2)->hugepages = true;
	ram_plan_explain(&options, 1, -ENOMEM, why, sizeof(why));
	ck_assert_str_eq(
		why, "--memory-zone: b: 8 MiB in 2 MiB huge pages on host node 2 cannot be had: "
		     "Cannot allocate memory: write their number to "
		     "/sys/devices/system/node/node2/hugepages/hugepages-2048kB/nr_hugepages");
	ram_plan_explain(&options, 0, -ENOMEM, why, sizeof(why));
	ck_assert_str_eq(why,
			 "--memory-zone: a: 4 MiB on host node 0 cannot be had: Cannot allocate "
			 "memory");
	ram_plan_explain(&options, 0, -EINVAL, why, sizeof(why));
	ck_assert_str_eq(
		why, "--memory-zone: a: host_numa_node=0: not among the nodes that this process "
		     "may use: Mems_allowed_list in /proc/self/status has them");
	ram_plan_explain(&options, 2, -ENOMEM, why, sizeof(why));
	ck_assert_str_eq(why, "--memory-zone: 12 MiB in all cannot be had: Cannot allocate memory");
	options = (struct vm_options){ .memory = MIB(64), .hugepages = true };
	ram_plan_explain(&options, 0, -ENOMEM, why, sizeof(why));
	ck_assert_str_eq(why, "--memory: 64 MiB in 2 MiB huge pages cannot be had: Cannot allocate "
			      "memory: write their number to /proc/sys/vm/nr_hugepages");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ram plan");
	TCase *t = suite_case(suite, "plan", set_up, tear_down);

	tcase_add_test(t, a_list_of_nodes_has_numbers_and_ranges);
	tcase_add_test(t, free_memory_counts_what_can_be_dropped);
	tcase_add_test(t, without_zones_memory_is_one);
	tcase_add_test(t, zones_are_planned_as_they_are_asked_for);
	tcase_add_test(t, a_node_that_the_host_has_not_is_refused_with_those_that_it_has);
	tcase_add_test(t, a_kernel_without_nodes_is_said_so);
	tcase_add_test(t, zones_that_a_node_can_never_hold_are_refused);
	tcase_add_test(t, zones_that_are_filled_at_once_need_free_memory);
	tcase_add_test(t, a_device_has_every_zone_filled);
	tcase_add_test(t, huge_pages_are_none_of_a_nodes_free_memory);
	tcase_add_test(t, a_zone_that_fails_is_explained);
	return suite_run(suite);
}
