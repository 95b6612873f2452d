/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration file: what flags can say it can say, and each complaint names its place. */
#include "vmm/config_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/option_keys.h"

#define MAX_ARGS 64

static char directory[] = "/tmp/coldvm-config-XXXXXX";
static char path[64];
static char text[8192]; /* the arguments: options_parse() cuts them */
static struct vm_options options;
static char why[512];

static void set_up(void)
{
	strcpy(directory + sizeof(directory) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/vm.json", directory);
}

static void tear_down(void)
{
	options_free(&options);
	unlink(path);
	rmdir(directory);
}

static void write_bytes(const char *bytes, size_t len)
{
	FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

/* @line is cut at blanks; '~' in it stands for a blank. */
static enum options_result parse(const char *line)
{
	char *args[MAX_ARGS], *rest = text;
	int n = 0;

	options_free(&options);
	why[0] = '\0';
	ck_assert_uint_lt(strlen(line), sizeof(text));
	strcpy(text, line);
	for (char *arg; (arg = strsep(&rest, " "));)
		if (*arg) {
			for (char *c = arg; *c; c++)
				*c = *c == '~' ? ' ' : *c;
			ck_assert_int_lt(n, MAX_ARGS);
			args[n++] = arg;
		}
	return options_parse(&options, n, args, false, why, sizeof(why));
}

static void ok(const char *line)
{
	enum options_result result = parse(line);

	ck_assert_msg(result == OPTIONS_RUN, "'%s' gives %d: %s", line, result, why);
}

/* Parses a file of @json, ' for ", and what follows it on the command line. */
static enum options_result parse_file(const char *json, const char *flags)
{
	char line[512], bytes[4096];

	ck_assert_uint_lt(strlen(json), sizeof(bytes));
	strcpy(bytes, json);
	for (char *c = bytes; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	write_bytes(bytes, strlen(bytes));
	snprintf(line, sizeof(line), "--config %s %s", path, flags);
	return parse(line);
}

static void file_ok(const char *json, const char *flags)
{
	enum options_result result = parse_file(json, flags);

	ck_assert_msg(result == OPTIONS_RUN, "'%s' gives %d: %s", json, result, why);
}

static void file_bad(const char *json, const char *complaint)
{
	char expected[640];

	ck_assert_int_eq(parse_file(json, ""), OPTIONS_ERROR);
	snprintf(expected, sizeof(expected), "%s: %s", path, complaint);
	ck_assert_str_eq(why, expected);
}

#define KERNEL "'payload':{'kernel':'k'}"

/* --- round trip ---------------------------------------------------------------------------------
 */

/* Together they have every key of the tables, each with a value that is not what it is without. */
static const char *const lines[] = {
	"--kernel k --initramfs i --cmdline console=ttyS0~quiet,\"x\"",
	"--kernel k --cpus boot=3,max=3 --memory size=64M,hugepages=on,shared=on,prefault=on",
	"--kernel k --cpus boot=4 --memory size=0 --memory-zone id=a,size=64M "
	"id=b,size=2M,host_numa_node=1,hugepages=on,shared=on,prefault=on --numa "
	"guest_numa_id=0,cpus=[0-1,3],memory_zones=[b] "
	"guest_numa_id=3,cpus=2,memory_zones=[a],distances=[0@31] --device path=c,numa_node=3",
	"--kernel k --disk path=a path=/b,id=x,readonly=on,direct=on,num_queues=4,queue_size=2,"
	"serial=S",
	"--kernel k --net tap=t,id=n,mac=52:54:00:ab:cd:ef,num_queues=4,queue_size=64,mtu=9000,"
	"vhost=off",
	"--kernel k --net fd=[3,4] fd=5 socket=s passt=on,passt_args=-4~--mtu~1500",
	"--kernel k --memory shared=on --fs tag=t,socket=s,id=f,num_queues=2,queue_size=128",
	"--kernel k --vsock cid=7,socket=s,id=v --rng src=/dev/urandom",
	"--kernel k --balloon size=64M,deflate_on_oom=on,free_page_reporting=on",
	"--kernel k --console pty --watchdog --no-reboot",
	"--kernel k --console file=/c --serial file=/s",
	"--kernel k --platform chassis=laptop,vfio_p2p_dma=off --debug blocking-on=on",
	"--kernel k --platform chassis=laptop,iommufd=on,iommufd_fd=9 --debug blocking-on=on",
	"--kernel k --device fd=7 path=02:00.0,fd=8",
	"--kernel k --event-monitor path=e --api-socket path=a",
	"--kernel k --event-monitor fd=7 --api-socket fd=8",
	"--kernel k --device path=01:00.0,id=g,pr3=both,power=d3hot,backend=lowpower,functions=all,"
	"pme=force,rom=/r,wake=rearm,max-wakes-per-min=0,min-off-ms=5,on-failure=stop,force=on,"
	"x_nv_gpudirect_clique=0",
};

static json_t *config(void)
{
	const char *left_out = NULL;
	json_t *json = config_file_json(&options, &left_out);

	ck_assert_ptr_nonnull(json);
	ck_assert_ptr_null(left_out);
	return json;
}

START_TEST(flags_become_a_file_that_makes_the_same_vm)
{
	char line[128];
	json_t *from_flags, *from_file;

	ok(lines[_i]);
	from_flags = config();
	ck_assert_int_eq(json_dump_file(from_flags, path, 0), 0);
	snprintf(line, sizeof(line), "--config %s", path);
	ok(line);
	from_file = config();
	ck_assert_msg(json_equal(from_flags, from_file), "%s\n%s", json_dumps(from_flags, 0),
		      json_dumps(from_file, 0));
	json_decref(from_flags);
	json_decref(from_file);
}
END_TEST

/* The value of @key in any of the items that @json has of @group; NULL if none has it. */
static const json_t *find(const json_t *json, const struct option_group *group,
			  const struct option_key *key)
{
	const char *name = key->json ? key->json : key->name;
	const json_t *parent = group->within ? json_object_get(json, group->within) : json;
	const json_t *object = group->json ? json_object_get(parent, group->json) : parent;
	const json_t *item;
	size_t i;

	if (!json_is_array(object))
		return json_object_get(object, name);
	json_array_foreach(object, i, item) if (json_object_get(item, name)) object = item;
	return json_object_get(object, name);
}

/* True if one line gives @key a value that a VM without flags does not have. */
static bool is_tried(const struct option_group *group, const struct option_key *key,
		     const json_t *without)
{
	bool tried = false;

	for (unsigned i = 0; i < ARRAY_SIZE(lines) && !tried; i++) {
		ok(lines[i]);
		json_t *json = config();
		const json_t *value = find(json, group, key);

		tried = value && !json_equal(value, find(without, group, key));
		json_decref(json);
	}
	return tried;
}

START_TEST(every_key_of_the_tables_makes_that_trip)
{
	ok("--kernel other");
	json_t *without = config();

	for (unsigned g = 0; option_groups[g]; g++)
		for (unsigned k = 0; k < option_groups[g]->nr_keys; k++)
			ck_assert_msg(
				is_tried(option_groups[g], &option_groups[g]->keys[k], without),
				"no line has %s of %s", option_groups[g]->keys[k].name,
				option_groups[g]->json ? option_groups[g]->json : "the top");
	json_decref(without);
}
END_TEST

/* The same VM in another process: by what is in its structs, not only in JSON. */
START_TEST(values_arrive_where_flags_put_them)
{
	file_ok("{" KERNEL ",'cpus':{'boot_vcpus':2},'memory':{'size':1073741824},"
		"'disks':[{'path':'a'},{'path':'b','readonly':true}],"
		"'net':[{'fds':[3,4],'mac':'52:54:00:00:00:01'}],"
		"'serial':{'mode':'Null'},'console':{'mode':'File','file':'c'},'watchdog':true}",
		"");
	ck_assert_str_eq(options.kernel, "k");
	ck_assert_uint_eq(options.cpus, 2);
	ck_assert_uint_eq(options.memory, GIB(1));
	ck_assert_uint_eq(options.nr_disks, 2);
	ck_assert(!options.disks[0].readonly);
	ck_assert(options.disks[1].readonly);
	ck_assert_uint_eq(options.disks[1].queue_size, 512);
	ck_assert_uint_eq(options.nets[0].nr_fds, 2);
	ck_assert_int_eq(options.nets[0].fds[1], 4);
	ck_assert_uint_eq(options.nets[0].num_queues, 4);
	ck_assert_uint_eq(options.nets[0].mac[5], 1);
	ck_assert_int_eq(options.serial, SERIAL_NULL);
	ck_assert_int_eq(options.console, CONSOLE_FILE);
	ck_assert_str_eq(options.console_file, "c");
	ck_assert(options.watchdog);
}
END_TEST

START_TEST(zones_are_in_memory_and_nodes_name_them)
{
	file_ok("{" KERNEL ",'cpus':{'boot_vcpus':3},'memory':{'size':0,'zones':["
		"{'id':'a','size':67108864,'host_numa_node':1},{'id':'b','size':'2M'}]},"
		"'numa':[{'guest_numa_id':0,'cpus':[0,2],'memory_zones':['b']},"
		"{'guest_numa_id':1,'cpus':[1],'memory_zones':['a'],"
		"'distances':[{'destination':0,'distance':31}]}],"
		"'devices':[{'path':'c','numa_node':'auto'},{'path':'d','numa_node':1}]}",
		"");
	ck_assert_uint_eq(options_ram(&options), MIB(66));
	ck_assert_uint_eq(options.nr_zones, 2);
	ck_assert_uint_eq(options.zones[0].host_node, 1);
	ck_assert(!options.zones[1].has_host_node);
	ck_assert_uint_eq(options.nodes[0].cpus, 5);
	ck_assert_ptr_eq(options_zone(&options, &options.nodes[1].zones[0]), &options.zones[0]);
	ck_assert_uint_eq(options_distance(&options.nodes[0], &options.nodes[1]), 31);
	ck_assert(!options.devices[0].has_numa_node);
	ck_assert_uint_eq(options.devices[1].numa_node, 1);
}
END_TEST

START_TEST(null_is_not_given)
{
	file_ok("{'payload':{'kernel':'k','initramfs':null},'rng':null,'disks':null,"
		"'serial':{'mode':'Tty','file':null},'watchdog':null}",
		"");
	ck_assert_ptr_null(options.initramfs);
	ck_assert_ptr_null(options.rng.src);
	ck_assert_uint_eq(options.nr_disks, 0);
	ck_assert(!options.watchdog);
}
END_TEST

START_TEST(a_size_is_a_number_or_has_a_suffix)
{
	file_ok("{" KERNEL ",'memory':{'size':'4G'}}", "");
	ck_assert_uint_eq(options.memory, GIB(4));
}
END_TEST

START_TEST(a_word_that_may_be_on_may_be_a_boolean)
{
	file_ok("{" KERNEL ",'platform':{'iommufd':true},'devices':[{'fd':5}]}", "");
	ck_assert_int_eq(options.iommufd, IOMMUFD_ON);
	ck_assert(options.devices[0].has_fd);
	file_ok("{" KERNEL ",'platform':{'iommufd':false}}", "");
	ck_assert_int_eq(options.iommufd, IOMMUFD_OFF);
	file_bad("{" KERNEL ",'devices':[{'path':'a','pr3':true}]}",
		 "devices[0].pr3: true: want a string");
}
END_TEST

START_TEST(text_that_is_no_utf_8_is_left_out_by_name)
{
	const char *left_out = NULL;
	json_t *json;

	ok("--kernel \xff");
	json = config_file_json(&options, &left_out);
	ck_assert_str_eq(left_out, "kernel");
	json_decref(json);
}
END_TEST

/* --- with flags ---------------------------------------------------------------------------------
 */

START_TEST(flags_behind_it_override_single_values)
{
	file_ok("{" KERNEL ",'cpus':{'boot_vcpus':2},'memory':{'size':'1G','shared':true},"
		"'serial':{'mode':'File','file':'s'}}",
		"--kernel other --memory size=2G --serial null");
	ck_assert_str_eq(options.kernel, "other");
	ck_assert_uint_eq(options.cpus, 2);
	ck_assert_uint_eq(options.memory, GIB(2));
	ck_assert(options.shared);
	ck_assert_int_eq(options.serial, SERIAL_NULL);
	ck_assert_ptr_null(options.serial_file);
}
END_TEST

START_TEST(flags_behind_it_add_to_lists)
{
	file_ok("{" KERNEL ",'memory':{'zones':[{'id':'a','size':'2M'}]}}",
		"--memory-zone id=b,size=4M");
	ck_assert_uint_eq(options_ram(&options), MIB(6));
	file_ok("{" KERNEL ",'disks':[{'path':'a'}]}", "--disk path=b --net tap=t");
	ck_assert_uint_eq(options.nr_disks, 2);
	ck_assert_str_eq(options.disks[1].path, "b");
	ck_assert_uint_eq(options.nr_nets, 1);
}
END_TEST

START_TEST(flags_before_it_are_refused)
{
	char line[128];

	write_bytes("{}", 2);
	snprintf(line, sizeof(line), "--kernel k --config %s", path);
	ck_assert_int_eq(parse(line), OPTIONS_ERROR);
	ck_assert_str_eq(why, "--config: put it before the other options, which then add to the "
			      "file or override it");
}
END_TEST

START_TEST(rules_between_values_hold_for_both_together)
{
	ck_assert_int_eq(parse_file("{" KERNEL ",'balloon':{'size':0}}", "--device path=a"),
			 OPTIONS_ERROR);
	ck_assert_msg(!strncmp(why, "--balloon: with --device", 24), "%s", why);
	ck_assert_int_eq(parse_file("{}", ""), OPTIONS_ERROR);
	ck_assert_str_eq(why, "--kernel is missing: say which kernel to boot");
}
END_TEST

/* --- complaints ---------------------------------------------------------------------------------
 */

static const struct {
	const char *json, *complaint;
} mistakes[] = {
	{ "{'disks':[{'path':'a','readonli':true}]}",
	  "disks[0].readonli: unknown key: did you mean 'readonly'?" },
	{ "{'disks':[{'path':'a'},{'path':'b','rate_limiter_config':1}]}",
	  "disks[1].rate_limiter_config: unknown key: known are path, id, readonly, direct, "
	  "num_queues, queue_size, serial" },
	{ "{'disk':[]}", "disk: unknown: did you mean 'disks'?" },
	{ "{'watchdg':true}", "watchdg: unknown: did you mean 'watchdog'?" },
	{ "{'sgx_epc':[]}", "sgx_epc: unknown: coldvm(1) has what there is" },
	{ "{'disks':[{'readonly':true}]}",
	  "disks[0]: path= is missing: say which image or block device" },
	{ "{'disks':[{'path':1}]}", "disks[0].path: 1: want a string" },
	{ "{'disks':[{'path':''}]}", "disks[0].path: \"\": want 1 to 4095 characters" },
	{ "{'disks':[{'path':'a','readonly':'on'}]}",
	  "disks[0].readonly: \"on\": want true or false" },
	{ "{'disks':[{'path':'a','num_queues':1.5}]}",
	  "disks[0].num_queues: 1.5: want a whole number" },
	{ "{'disks':[{'path':'a','num_queues':-1}]}",
	  "disks[0].num_queues: -1: want a number from 1 to 16" },
	{ "{'disks':[{'path':'a','queue_size':100}]}",
	  "disks[0].queue_size: 100: want a power of two" },
	{ "{'disks':{'path':'a'}}", "disks: want a list, [ ... ]" },
	{ "{'disks':['a']}", "disks[0]: want an object, { ... }" },
	{ "{'memory':[]}", "memory: want an object, { ... }" },
	{ "{'memory':{'size':3145728}}", "memory.size: 3145728: want a multiple of 2M" },
	{ "{'memory':{'size':-2097152}}", "memory.size: -2097152: want a size such as 512M or 4G" },
	{ "{'memory':{'size':true}}",
	  "memory.size: true: want a number of bytes, or a size such as \"4G\"" },
	{ "{'cpus':{'boot_vcpus':65}}", "cpus.boot_vcpus: 65: want a number from 1 to 64" },
	{ "{'memory':{'zones':{}}}", "memory.zones: want a list, [ ... ]" },
	{ "{'memory':{'zones':[{'id':'a','siz':1}]}}",
	  "memory.zones[0].siz: unknown key: did you mean 'size'?" },
	{ "{'memory':{'zones':[{'id':'a','size':2097152},{'id':'a','size':'2M'}]}}",
	  "memory.zones[1]: id=a: another zone has this id" },
	{ "{'zones':[]}", "zones: unknown: coldvm(1) has what there is" },
	{ "{'numa':[{'guest_numa_id':0,'cpus':'0'}]}",
	  "numa[0].cpus: \"0\": want a list of vCPUs" },
	{ "{'numa':[{'guest_numa_id':0,'cpus':[0,64]}]}",
	  "numa[0].cpus: [0,64]: want vCPUs from 0 to 63 such as [0-1,3]" },
	{ "{'numa':[{'guest_numa_id':0,'memory_zones':['a',1]}]}",
	  "numa[0].memory_zones: [\"a\",1]: want a list of names" },
	{ "{'numa':[{'guest_numa_id':0,'memory_zones':[]}]}",
	  "numa[0].memory_zones: []: want 1 to 32 names" },
	{ "{'numa':[{'guest_numa_id':0,'distances':[{'destination':1}]}]}",
	  "numa[0].distances: [{\"destination\":1}]: want a list such as "
	  "[{\"destination\":1,\"distance\":20}]" },
	{ "{'numa':[{'guest_numa_id':0,'distances':[{'destination':1,'distance':5}]}]}",
	  "numa[0].distances: [{\"destination\":1,\"distance\":5}]: 5: a distance is from 11 to "
	  "255, "
	  "and that to itself 10" },
	{ "{'numa':[{'guest_numa_id':0,'distances':[]}]}",
	  "numa[0].distances: []: want nodes and distances such as [1@20,2@30]" },
	{ "{'devices':[{'path':'a','numa_node':true}]}",
	  "devices[0].numa_node: true: want a whole number, or \"auto\"" },
	{ "{'serial':{'mode':'Pty'}}", "serial.mode: \"Pty\": want one of tty, null, file" },
	{ "{'serial':{'mode':'File'}}", "serial: file is missing: say which file" },
	{ "{'watchdog':1}", "watchdog: 1: want true or false" },
	{ "{'net':[{'tap':'t'},{'tap':'u','fds':[3]}]}",
	  "net[1]: tap=, fd=, socket= and passt=on exclude each other" },
	{ "{'net':[{'fds':[3,'x']}]}",
	  "net[0].fds: [3,\"x\"]: want a descriptor, or 1 to 8 of them such as [3,4]" },
	{ "{'net':[{'fds':3}]}", "net[0].fds: 3: want a list of descriptors" },
	{ "{'disks':[{'path':'a','id':'x'}],'net':[{'tap':'t','id':'x'}]}",
	  "net[0]: id=x: another device has this id" },
	{ "[]", "want an object, { ... }" },
	{ "{'memory':{'size':'2M','size':'4M'}}",
	  "line 1, column 29: duplicate object key near '\"size\"'" },
	{ "{'memory':\n  {'size' 1}}", "line 2, column 11: ':' expected near '1'" },
	{ "{} {}", "line 1, column 4: end of file expected near '{'" },
	{ "", "line 1, column 0: '[' or '{' expected near end of file" },
	{ "{'payload':{'kernel':'a\\u0000b'}}",
	  "line 1, column 31: \\u0000 is not allowed without JSON_ALLOW_NUL near "
	  "'\"a\\u0000b\"'" },
};

START_TEST(a_mistake_is_told_with_its_place)
{
	file_bad(mistakes[_i].json, mistakes[_i].complaint);
}
END_TEST

START_TEST(a_long_value_is_told_in_part)
{
	char json[400];

	snprintf(json, sizeof(json), "{'disks':[{'path':'a','num_queues':'%0300d'}]}", 0);
	ck_assert_int_eq(parse_file(json, ""), OPTIONS_ERROR);
	ck_assert_ptr_nonnull(strstr(why, "...: want a whole number"));
	ck_assert_uint_lt(strlen(why), 200);
}
END_TEST

START_TEST(a_list_has_an_end)
{
	char json[2048] = "{'disks':[{'path':'a'}";

	for (unsigned i = 0; i < OPTIONS_MAX_DISKS; i++)
		strcat(json, ",{'path':'a'}");
	strcat(json, "]}");
	file_bad(json, "disks[16]: more than 16 of them");
}
END_TEST

START_TEST(a_file_with_nul_bytes_is_refused)
{
	write_bytes("{\0}", 3);
	char line[128];

	snprintf(line, sizeof(line), "--config %s", path);
	ck_assert_int_eq(parse(line), OPTIONS_ERROR);
	ck_assert_ptr_nonnull(strstr(why, "line 1, column"));
}
END_TEST

START_TEST(a_file_above_1_mib_is_refused)
{
	char *bytes = malloc(CONFIG_FILE_MAX + 1), line[128];

	memset(bytes, ' ', CONFIG_FILE_MAX + 1);
	memcpy(bytes,
	       "{"
	       "\"payload\":{\"kernel\":\"k\"}}",
	       26);
	snprintf(line, sizeof(line), "--config %s", path);
	write_bytes(bytes, CONFIG_FILE_MAX);
	ok(line);
	write_bytes(bytes, CONFIG_FILE_MAX + 1);
	ck_assert_int_eq(parse(line), OPTIONS_ERROR);
	ck_assert_ptr_nonnull(strstr(why, "bigger than 1024 KiB"));
	free(bytes);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_said_so)
{
	char line[128], expected[160];

	snprintf(line, sizeof(line), "--config %s", path);
	ck_assert_int_eq(parse(line), OPTIONS_ERROR);
	snprintf(expected, sizeof(expected), "%s: cannot be read: No such file or directory", path);
	ck_assert_str_eq(why, expected);

	snprintf(line, sizeof(line), "--config %s", directory);
	ck_assert_int_eq(parse(line), OPTIONS_ERROR);
	snprintf(expected, sizeof(expected), "%s: cannot be read: Is a directory", directory);
	ck_assert_str_eq(why, expected);
}
END_TEST

START_TEST(a_pipe_without_a_writer_is_no_wait)
{
	char line[128];

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	snprintf(line, sizeof(line), "--config %s", path);
	ck_assert_int_eq(parse(line), OPTIONS_ERROR);
	ck_assert_ptr_nonnull(strstr(why, "end of file"));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("configuration file");
	TCase *t = suite_case(s, "round trip", set_up, tear_down);

	tcase_add_loop_test(t, flags_become_a_file_that_makes_the_same_vm, 0, ARRAY_SIZE(lines));
	tcase_add_test(t, every_key_of_the_tables_makes_that_trip);
	tcase_add_test(t, values_arrive_where_flags_put_them);
	tcase_add_test(t, zones_are_in_memory_and_nodes_name_them);
	tcase_add_test(t, null_is_not_given);
	tcase_add_test(t, a_size_is_a_number_or_has_a_suffix);
	tcase_add_test(t, a_word_that_may_be_on_may_be_a_boolean);
	tcase_add_test(t, text_that_is_no_utf_8_is_left_out_by_name);

	t = suite_case(s, "with flags", set_up, tear_down);
	tcase_add_test(t, flags_behind_it_override_single_values);
	tcase_add_test(t, flags_behind_it_add_to_lists);
	tcase_add_test(t, flags_before_it_are_refused);
	tcase_add_test(t, rules_between_values_hold_for_both_together);

	t = suite_case(s, "complaints", set_up, tear_down);
	tcase_add_loop_test(t, a_mistake_is_told_with_its_place, 0, ARRAY_SIZE(mistakes));
	tcase_add_test(t, a_long_value_is_told_in_part);
	tcase_add_test(t, a_list_has_an_end);
	tcase_add_test(t, a_file_with_nul_bytes_is_refused);
	tcase_add_test(t, a_file_above_1_mib_is_refused);
	tcase_add_test(t, a_file_that_cannot_be_read_is_said_so);
	tcase_add_test(t, a_pipe_without_a_writer_is_no_wait);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
