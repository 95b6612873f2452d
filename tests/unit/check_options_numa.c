/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory zones and NUMA nodes on the command line: every key, every complaint. */
#include "vmm/options.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/options_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/option_rules.h"

#define ZONES "--memory-zone id=a,size=64M id=b,size=32M "
#define TWO                                                                          \
	"--cpus boot=2 " ZONES "--numa guest_numa_id=0,cpus=[0],memory_zones=[a]%s " \
	"guest_numa_id=1,cpus=[1],memory_zones=[b]%s"

/* --- zones --------------------------------------------------------------------------------------
 */

START_TEST(a_zone_has_defaults)
{
	ok("--memory-zone id=a,size=64M");
	ck_assert_uint_eq(options.nr_zones, 1);
	ck_assert_str_eq(options.zones[0].id, "a");
	ck_assert_uint_eq(options.zones[0].size, MIB(64));
	ck_assert(!options.zones[0].has_host_node);
	ck_assert(!options.zones[0].hugepages);
	ck_assert(!options.zones[0].shared);
	ck_assert(!options.zones[0].prefault);
}
END_TEST

START_TEST(a_zone_takes_its_keys)
{
	ok("--memory-zone id=a,size=2M "
	   "id=b,size=1G,host_numa_node=3,hugepages=on,shared=on,prefault=on");
	const struct zone_options *zone = &options.zones[1];

	ck_assert_uint_eq(options.nr_zones, 2);
	ck_assert_str_eq(zone->id, "b");
	ck_assert_uint_eq(zone->size, GIB(1));
	ck_assert(zone->has_host_node);
	ck_assert_uint_eq(zone->host_node, 3);
	ck_assert(zone->hugepages);
	ck_assert(zone->shared);
	ck_assert(zone->prefault);
}
END_TEST

START_TEST(host_node_0_is_not_any_node)
{
	ok("--memory-zone id=a,size=2M,host_numa_node=0");
	ck_assert(options.zones[0].has_host_node);
	ck_assert_uint_eq(options.zones[0].host_node, 0);
}
END_TEST

START_TEST(zones_are_the_guests_memory)
{
	ok(ZONES);
	ck_assert_uint_eq(options.memory, 0);
	ck_assert_uint_eq(options_ram(&options), MIB(96));
	ok("--memory size=0 " ZONES);
	ck_assert_uint_eq(options_ram(&options), MIB(96));
	ok(ZONES "--memory size=0");
	ck_assert_uint_eq(options_ram(&options), MIB(96));
	ok("--memory size=96M");
	ck_assert_uint_eq(options_ram(&options), MIB(96));
	ok(ZONES "--balloon size=96M");
	bad(ZONES "--balloon size=98M", "--balloon: size=98M: the guest has 96M");
}
END_TEST

START_TEST(zones_are_32_at_most)
{
	char zone[32];

	start();
	add_line("--kernel k");
	for (unsigned i = 0; i <= OPTIONS_MAX_ZONES; i++) {
		snprintf(zone, sizeof(zone), "--memory-zone id=z%u,size=2M", i);
		add_line(zone);
	}
	ck_assert_int_eq(parse_args(false), OPTIONS_ERROR);
	ck_assert_str_eq(why, "--memory-zone: more than 32 of them");
}
END_TEST

static const struct {
	const char *line, *complaint;
} bad_zones[] = {
	{ "--memory-zone size=2M",
	  "--memory-zone: id= is missing: say by which name --numa knows it" },
	{ "--memory-zone id=a",
	  "--memory-zone: size= is missing: say how much memory it has, such as size=1G" },
	{ "--memory-zone id=a,size=0",
	  "--memory-zone: size=0: want a multiple of 2M, more than 0" },
	{ "--memory-zone id=a,size=3M", "--memory-zone: size=3M: want a multiple of 2M" },
	{ "--memory-zone id=,size=2M", "--memory-zone: id=: want 1 to 60 characters" },
	{ "--memory-zone id=a,size=2M,host_numa_node=-1",
	  "--memory-zone: host_numa_node=-1: want a number from 0 to 1023" },
	{ "--memory-zone id=a,size=2M,host_numa_node=1024",
	  "--memory-zone: host_numa_node=1024: want a number from 0 to 1023" },
	{ "--memory-zone id=a,size=2M id=a,size=2M",
	  "--memory-zone: id=a: another zone has this id" },
	{ "--memory-zone id=a,size=2M,mergeable=on",
	  "--memory-zone: unknown key 'mergeable': known are id, "
	  "size, host_numa_node, hugepages, shared, "
	  "prefault" },
	{ "--memory size=96M " ZONES, "--memory: size=96M: with --memory-zone the zones are the "
				      "guest's memory: give size=0, or "
				      "leave it out" },
	{ "--memory hugepages=on " ZONES,
	  "--memory: hugepages=on: with --memory-zone each zone says so for itself" },
	{ "--memory size=0,shared=on " ZONES,
	  "--memory: shared=on: with --memory-zone each zone says so for itself" },
	{ "--memory prefault=on " ZONES,
	  "--memory: prefault=on: with --memory-zone each zone says so for itself" },
	{ "--memory size=0", "--memory: size=0: want a multiple of 2M, or give --memory-zone" },
	{ "--memory-zone id=a,size=2M,shared=on id=b,size=2M --fs tag=t,socket=s",
	  "--fs: virtiofsd has to reach the guest's memory: give --memory-zone id=b shared=on" },
	{ "--memory-zone id=a,size=2M id=b,size=2M,hugepages=on --balloon size=0",
	  "--balloon: with hugepages=on of zone b pages that went back might not be there when the "
	  "guest wants them again: leave one of them out" },
};

START_TEST(a_zone_that_cannot_be_is_refused)
{
	bad(bad_zones[_i].line, bad_zones[_i].complaint);
}
END_TEST

START_TEST(a_file_system_takes_zones_that_are_all_shared)
{
	ok("--memory-zone id=a,size=2M,shared=on id=b,size=2M,shared=on --fs tag=t,socket=s");
}
END_TEST

/* --- nodes --------------------------------------------------------------------------------------
 */

static void two_ok(const char *first, const char *second)
{
	char line[512];

	snprintf(line, sizeof(line), TWO, first, second);
	ok(line);
}

START_TEST(a_node_takes_its_keys)
{
	ok("--cpus boot=8 --memory-zone id=a,size=2M id=b,size=2M id=c,size=2M "
	   "--numa guest_numa_id=4,cpus=[0-2,5,7],memory_zones=[a,c],distances=[1@15] "
	   "guest_numa_id=1,cpus=[3,4,6],memory_zones=b");
	const struct numa_options *node = &options.nodes[0];

	ck_assert_uint_eq(options.nr_nodes, 2);
	ck_assert_uint_eq(node->id, 4);
	ck_assert_uint_eq(node->cpus, 0xa7);
	ck_assert_uint_eq(node->nr_zones, 2);
	ck_assert_ptr_eq(options_zone(&options, &node->zones[0]), &options.zones[0]);
	ck_assert_ptr_eq(options_zone(&options, &node->zones[1]), &options.zones[2]);
	ck_assert_uint_eq(node->nr_distances, 1);
	ck_assert_uint_eq(node->distances[0].destination, 1);
	ck_assert_uint_eq(node->distances[0].distance, 15);
	ck_assert_uint_eq(options.nodes[1].cpus, 0x58);
	ck_assert_ptr_eq(options_node_of_cpu(&options, 5), node);
	ck_assert_ptr_eq(options_node_of_zone(&options, &options.zones[1]), &options.nodes[1]);
}
END_TEST

START_TEST(nodes_may_stand_before_their_zones_and_cpus)
{
	ok("--numa guest_numa_id=0,cpus=0-1,memory_zones=[a,b] " ZONES "--cpus boot=2");
}
END_TEST

START_TEST(a_node_may_have_memory_alone_or_vcpus_alone)
{
	ok(ZONES "--numa guest_numa_id=0,cpus=0,memory_zones=[a] guest_numa_id=1,memory_zones=[b]");
	ok(ZONES "--numa guest_numa_id=0,memory_zones=[a,b] guest_numa_id=1,cpus=[0]");
}
END_TEST

static unsigned distance(unsigned from, unsigned to)
{
	return options_distance(&options.nodes[from], &options.nodes[to]);
}

START_TEST(a_distance_is_what_one_of_the_two_says_or_20)
{
	two_ok("", "");
	ck_assert_uint_eq(distance(0, 0), 10);
	ck_assert_uint_eq(distance(0, 1), 20);
	two_ok(",distances=[1@31]", "");
	ck_assert_uint_eq(distance(0, 1), 31);
	ck_assert_uint_eq(distance(1, 0), 31);
	ck_assert_uint_eq(distance(1, 1), 10);
	two_ok(",distances=1@31", ",distances=0@41");
	ck_assert_uint_eq(distance(0, 1), 31);
	ck_assert_uint_eq(distance(1, 0), 41);
	two_ok(",distances=[1@255]", ",distances=[0@11]");
	ck_assert_uint_eq(distance(0, 1), 255);
	ck_assert_uint_eq(distance(1, 0), 11);
}
END_TEST

#define NODE(keys) ZONES "--numa guest_numa_id=0," keys

static const struct {
	const char *line, *complaint;
} bad_nodes[] = {
	{ ZONES "--numa cpus=0,memory_zones=[a,b]",
	  "--numa: guest_numa_id= is missing: say which number the guest knows the node by" },
	{ ZONES "--numa guest_numa_id=32,cpus=0",
	  "--numa: guest_numa_id=32: want a number from 0 to 31" },
	{ NODE("memory_zones=[a,b] --numa guest_numa_id=0,cpus=0"),
	  "--numa: guest_numa_id=0: another node has this number" },
	{ ZONES "--numa guest_numa_id=2",
	  "--numa: guest_numa_id=2: a node has vCPUs or memory: give cpus= or memory_zones=" },
	{ NODE("cpus=0,memory_zones=[a,bb]"),
	  "--numa: guest_numa_id=0: there is no zone 'bb': did you mean 'b'?" },
	{ NODE("cpus=0,memory_zones=[a,somewhere]"),
	  "--numa: guest_numa_id=0: there is no zone 'somewhere': --memory-zone id=somewhere makes "
	  "one" },
	{ NODE("cpus=0,memory_zones=[a,b] guest_numa_id=1,memory_zones=[a]"),
	  "--numa: zone a is in node 0 and in node 1: it can be in one" },
	{ NODE("cpus=0,memory_zones=[a,b,a]"), "--numa: guest_numa_id=0: zone a is given twice" },
	{ NODE("cpus=0,memory_zones=[a]"),
	  "--numa: zone b is in no node: name it in memory_zones= of one" },
	{ NODE("cpus=[0-1],memory_zones=[a,b]"),
	  "--numa: guest_numa_id=0: there is no vCPU 1: --cpus boot=1 makes 0 to 0" },
	{ "--cpus boot=2 " NODE("cpus=[0],memory_zones=[a,b]"),
	  "--numa: vCPU 1 is in no node: name it in cpus= of one" },
	{ "--cpus boot=3 " NODE("cpus=[0-1],memory_zones=[a,b] guest_numa_id=1,cpus=[1-2]"),
	  "--numa: vCPU 1 is in node 0 and in node 1: it can be in one" },
	{ NODE("cpus=[0,0],memory_zones=[a,b]"), "--numa: cpus=[0,0]: vCPU 0 is given twice" },
	{ NODE("cpus=[2-0]"), "--numa: cpus=[2-0]: want vCPUs from 0 to 63 such as [0-1,3]" },
	{ NODE("cpus=[64]"), "--numa: cpus=[64]: want vCPUs from 0 to 63 such as [0-1,3]" },
	{ NODE("cpus=[]"), "--numa: cpus=[]: want vCPUs from 0 to 63 such as [0-1,3]" },
	{ NODE("cpus=[0"), "--numa: cpus=[0: want vCPUs from 0 to 63 such as [0-1,3]" },
	{ NODE("cpus=[0,]"), "--numa: cpus=[0,]: want vCPUs from 0 to 63 such as [0-1,3]" },
	{ NODE("cpus=[0]1"), "--numa: cpus=[0]1: want vCPUs from 0 to 63 such as [0-1,3]" },
	{ NODE("cpus=[0-]"), "--numa: cpus=[0-]: want vCPUs from 0 to 63 such as [0-1,3]" },
	{ NODE("cpus=0:1"), "--numa: cpus=0:1: want vCPUs from 0 to 63 such as [0-1,3]" },
	{ NODE("memory_zones=[]"), "--numa: memory_zones=[]: want 1 to 32 names such as [a,b]" },
	{ NODE("memory_zones=[a,,b]"),
	  "--numa: memory_zones=[a,,b]: want 1 to 32 names such as [a,b]" },
	{ NODE("distances=[1]"),
	  "--numa: distances=[1]: want nodes and distances such as [1@20,2@30]" },
	{ NODE("distances=[1@20@30]"),
	  "--numa: distances=[1@20@30]: want nodes and distances such as [1@20,2@30]" },
	{ NODE("distances=[32@20]"),
	  "--numa: distances=[32@20]: want nodes and distances such as [1@20,2@30]" },
	{ NODE("distances=[1@9]"),
	  "--numa: distances=[1@9]: 9: a distance is from 11 to 255, and that to itself 10" },
	{ NODE("distances=[1@10]"),
	  "--numa: distances=[1@10]: 10: a distance is from 11 to 255, and that to itself 10" },
	{ NODE("distances=[1@256]"),
	  "--numa: distances=[1@256]: 256: a distance is from 11 to 255, and that to itself 10" },
	{ NODE("distances=[1@20,1@30]"), "--numa: distances=[1@20,1@30]: node 1 is given twice" },
	{ NODE("cpus=0,distances=[0@20]"),
	  "--numa: distances: 0@20: the distance of a node to itself is 10: leave it out" },
	{ NODE("cpus=0,memory_zones=[a,b],distances=[1@20]"),
	  "--numa: guest_numa_id=0: distances: 1@20: there is no node 1" },
	{ "--numa guest_numa_id=0,cpus=0",
	  "--numa: no node has memory: give it in --memory-zone, and name that in memory_zones=" },
};

START_TEST(a_node_that_cannot_be_is_refused)
{
	bad(bad_nodes[_i].line, bad_nodes[_i].complaint);
}
END_TEST

/* --- what follows -------------------------------------------------------------------------------
 */

START_TEST(a_device_may_be_told_its_node)
{
	two_ok("", " --device path=x,numa_node=1 path=y,numa_node=auto path=z");
	ck_assert(options.devices[0].has_numa_node);
	ck_assert_uint_eq(options.devices[0].numa_node, 1);
	ck_assert(!options.devices[1].has_numa_node);
	ck_assert(!options.devices[2].has_numa_node);
	ok("--device path=x,numa_node=auto");
	bad("--device path=x,numa_node=0",
	    "--device: x: numa_node=0: no --numa has guest_numa_id=0");
	bad("--device path=x,numa_node=any",
	    "--device: numa_node=any: want auto, or a number from 0 to 31");
	bad("--device path=x,numa_node=32",
	    "--device: numa_node=32: want auto, or a number from 0 to 31");
}
END_TEST

START_TEST(each_node_with_vcpus_is_a_package)
{
	struct cpu_topology cpus;

	ok("--cpus boot=4 " ZONES "--numa guest_numa_id=0,cpus=[1,2],memory_zones=[a,b] "
	   "guest_numa_id=1,cpus=[0,3]");
	ck_assert_int_eq(option_cpu_topology(&options, &cpus), 0);
	ck_assert_uint_eq(cpus.cores, 2);
	ck_assert_uint_eq(cpus.apic_id[0], 0);
	ck_assert_uint_eq(cpus.apic_id[1], 2);
	ck_assert_uint_eq(cpus.apic_id[2], 3);
	ck_assert_uint_eq(cpus.apic_id[3], 1);
	ok("--cpus boot=4");
	ck_assert_int_eq(option_cpu_topology(&options, &cpus), 0);
	ck_assert_uint_eq(cpus.cores, 4);
	ck_assert_uint_eq(cpus.apic_id[3], 3);
}
END_TEST

START_TEST(vcpus_that_are_too_unevenly_divided_are_refused)
{
	char line[2048];
	size_t len = 0;

	len = (size_t)snprintf(line, sizeof(line),
			       "--kernel k --cpus boot=64 " ZONES
			       "--numa guest_numa_id=0,cpus=[0-32],memory_zones=[a,b]");
	for (unsigned i = 33; i < 64; i++)
		len += (size_t)snprintf(line + len, sizeof(line) - len,
					" --numa guest_numa_id=%u,cpus=%u", i - 32, i);
	start();
	add_line(line);
	ck_assert_int_eq(parse_args(false), OPTIONS_ERROR);
	ck_assert_str_eq(why,
			 "--numa: a node has 33 vCPUs, and in so many nodes with places for that "
			 "APIC identifiers do not fit: divide the vCPUs more evenly");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("options of NUMA");
	TCase *t = suite_case(s, "zones", NULL, NULL);

	tcase_add_test(t, a_zone_has_defaults);
	tcase_add_test(t, a_zone_takes_its_keys);
	tcase_add_test(t, host_node_0_is_not_any_node);
	tcase_add_test(t, zones_are_the_guests_memory);
	tcase_add_test(t, zones_are_32_at_most);
	tcase_add_loop_test(t, a_zone_that_cannot_be_is_refused, 0, ARRAY_SIZE(bad_zones));
	tcase_add_test(t, a_file_system_takes_zones_that_are_all_shared);

	t = suite_case(s, "nodes", NULL, NULL);
	tcase_add_test(t, a_node_takes_its_keys);
	tcase_add_test(t, nodes_may_stand_before_their_zones_and_cpus);
	tcase_add_test(t, a_node_may_have_memory_alone_or_vcpus_alone);
	tcase_add_test(t, a_distance_is_what_one_of_the_two_says_or_20);
	tcase_add_loop_test(t, a_node_that_cannot_be_is_refused, 0, ARRAY_SIZE(bad_nodes));

	t = suite_case(s, "what follows", NULL, NULL);
	tcase_add_test(t, a_device_may_be_told_its_node);
	tcase_add_test(t, each_node_with_vcpus_is_a_package);
	tcase_add_test(t, vcpus_that_are_too_unevenly_divided_are_refused);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
