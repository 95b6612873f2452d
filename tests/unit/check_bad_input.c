/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every key of every option with a value that it cannot have: one line that begins with the option,
 * the key and the value, and says what is wanted. A key without a row here fails the suite.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/log_rig.h"
#include "tests/unit/options_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/log.h"
#include "vmm/option_keys.h"

#define ON_OFF	   "say on or off"
#define ID	   "want 1 to 60 characters"
#define PATH	   "want 1 to 4095 characters"
#define SOCKET	   "want 1 to 107 characters"
#define QUEUES	   "want a number from 1 to 16"
#define QUEUE_SIZE "want a number from 2 to 1024"

/* One line of options for each key; what is wrong is `key`=`value`. */
static const struct row {
	const struct option_group *group;
	const char *flag, *before, *key, *value, *wish;
} rows[] = {
	{ &option_payload, "--kernel", "", "kernel", "", PATH },
	{ &option_payload, "--initramfs", "", "initramfs", "", PATH },
	{ &option_cpus, "--cpus", "", "boot", "0", "want a number from 1 to 64" },
	{ &option_cpus, "--cpus", "", "max", "65", "want a number from 1 to 64" },
	{ &option_memory, "--memory", "", "size", "3M", "want a multiple of 2M" },
	{ &option_memory, "--memory", "", "hugepages", "2M", ON_OFF },
	{ &option_memory, "--memory", "", "shared", "yes", ON_OFF },
	{ &option_memory, "--memory", "", "prefault", "1", ON_OFF },
	{ &option_zones, "--memory-zone", "size=2M,", "id", "", ID },
	{ &option_zones, "--memory-zone", "id=a,", "size", "3M", "want a multiple of 2M" },
	{ &option_zones, "--memory-zone", "id=a,", "host_numa_node", "-1",
	  "want a number from 0 to 1023" },
	{ &option_zones, "--memory-zone", "id=a,", "hugepages", "2M", ON_OFF },
	{ &option_zones, "--memory-zone", "id=a,", "shared", "yes", ON_OFF },
	{ &option_zones, "--memory-zone", "id=a,", "prefault", "1", ON_OFF },
	{ &option_nodes, "--numa", "", "guest_numa_id", "x", "want a number from 0 to 31" },
	{ &option_nodes, "--numa", "guest_numa_id=0,", "cpus", "x",
	  "want vCPUs from 0 to 63 such as [0-1,3]" },
	{ &option_nodes, "--numa", "guest_numa_id=0,", "distances", "x",
	  "want nodes and distances such as [1@20,2@30]" },
	{ &option_nodes, "--numa", "guest_numa_id=0,", "memory_zones", "",
	  "want 1 to 32 names such as [a,b]" },
	{ &option_platform, "--platform", "", "chassis", "rack", "want one of desktop, laptop" },
	{ &option_platform, "--platform", "", "vfio_p2p_dma", "1", ON_OFF },
	{ &option_platform, "--platform", "", "iommufd", "yes", "want one of auto, on, off" },
	{ &option_platform, "--platform", "", "iommufd_fd", "-1",
	  "want a number from 0 to 2147483647" },
	{ &option_event_monitor, "--event-monitor", "", "path", "", PATH },
	{ &option_event_monitor, "--event-monitor", "", "fd", "-1",
	  "want a number from 0 to 2147483647" },
	{ &option_api_socket, "--api-socket", "", "path", "", SOCKET },
	{ &option_api_socket, "--api-socket", "", "fd", "x", "want a number from 0 to 2147483647" },
	{ &option_debug, "--debug", "", "blocking-on", "x", ON_OFF },

	{ &option_devices, "--device", "", "fd", "x", "want a number from 0 to 2147483647" },
	{ &option_devices, "--device", "path=a,", "id", "", ID },
	{ &option_devices, "--device", "path=a,", "pr3", "yes",
	  "want one of auto, port, endpoint, both" },
	{ &option_devices, "--device", "path=a,", "power", "off", "want one of d3cold, d3hot, on" },
	{ &option_devices, "--device", "path=a,", "backend", "d3cold",
	  "want one of auto, explicit, lowpower, d3hot" },
	{ &option_devices, "--device", "path=a,", "functions", "2", "want one of one, all" },
	{ &option_devices, "--device", "path=a,", "pme", "yes", "want one of off, on, force" },
	{ &option_devices, "--device", "path=a,", "rom", "", PATH },
	{ &option_devices, "--device", "path=a,", "wake", "x", "want one of notify, rearm" },
	{ &option_devices, "--device", "path=a,", "max-wakes-per-min", "601",
	  "want a number from 0 to 600" },
	{ &option_devices, "--device", "path=a,", "min-off-ms", "1s",
	  "want a number from 0 to 3600000" },
	{ &option_devices, "--device", "path=a,", "on-failure", "x", "want one of continue, stop" },
	{ &option_devices, "--device", "path=a,", "force", "x", ON_OFF },
	{ &option_devices, "--device", "path=a,", "x_nv_gpudirect_clique", "16",
	  "want a number from 0 to 15" },
	{ &option_devices, "--device", "path=a,", "numa_node", "x",
	  "want auto, or a number from 0 to 31" },

	{ &option_disks, "--disk", "", "path", "", PATH },
	{ &option_disks, "--disk", "path=a,", "id", "", ID },
	{ &option_disks, "--disk", "path=a,", "readonly", "ro", ON_OFF },
	{ &option_disks, "--disk", "path=a,", "direct", "x", ON_OFF },
	{ &option_disks, "--disk", "path=a,", "num_queues", "0", QUEUES },
	{ &option_disks, "--disk", "path=a,", "queue_size", "3", "want a power of two" },
	{ &option_disks, "--disk", "path=a,", "serial", "123456789012345678901",
	  "want 1 to 20 characters" },

	{ &option_nets, "--net", "", "tap", "abcdefghijklmnop", "want 1 to 15 characters" },
	{ &option_nets, "--net", "tap=t,", "id", "", ID },
	{ &option_nets, "--net", "", "fd", "[3,x]",
	  "want a descriptor, or 1 to 8 of them such as [3,4]" },
	{ &option_nets, "--net", "tap=t,", "mac", "01:00:00:00:00:00",
	  "want the MAC address of one station, such as 52:54:00:12:34:56" },
	{ &option_nets, "--net", "tap=t,", "num_queues", "3",
	  "want an even number, one each way for every pair" },
	{ &option_nets, "--net", "tap=t,", "queue_size", "4096", QUEUE_SIZE },
	{ &option_nets, "--net", "tap=t,", "mtu", "67", "want a number from 68 to 65535" },
	{ &option_nets, "--net", "tap=t,", "vhost", "yes", "want one of auto, on, off" },
	{ &option_nets, "--net", "", "socket", "", SOCKET },
	{ &option_nets, "--net", "", "passt", "yes", ON_OFF },

	{ &option_fs, "--fs", "socket=s,", "tag", "", "want 1 to 36 characters" },
	{ &option_fs, "--fs", "tag=t,", "socket", "", SOCKET },
	{ &option_fs, "--fs", "tag=t,socket=s,", "id", "", ID },
	{ &option_fs, "--fs", "tag=t,socket=s,", "num_queues", "17", QUEUES },
	{ &option_fs, "--fs", "tag=t,socket=s,", "queue_size", "1", QUEUE_SIZE },

	{ &option_vsock, "--vsock", "socket=s,", "cid", "2", "want a number from 3 to 4294967294" },
	{ &option_vsock, "--vsock", "cid=3,", "socket", "", SOCKET },
	{ &option_vsock, "--vsock", "cid=3,socket=s,", "id", "", ID },
	{ &option_rng, "--rng", "", "src", "", PATH },
	{ &option_balloon, "--balloon", "", "size", "1", "want a multiple of 4K" },
	{ &option_balloon, "--balloon", "size=0,", "deflate_on_oom", "x", ON_OFF },
	{ &option_balloon, "--balloon", "size=0,", "free_page_reporting", "x", ON_OFF },
};

/* Keys whose flag has another form, or that take any text. */
static const struct special {
	const struct option_group *group;
	const char *key, *line, *complaint;
} specials[] = {
	{ &option_payload, "cmdline", "--cmdline", "--cmdline wants a value" },
	{ &option_top, "watchdog", "--watchdog=on", "--watchdog takes no value" },
	{ &option_top, "no_reboot", "--no-reboot=1", "--no-reboot takes no value" },
	{ &option_serial, "mode", "--serial pty", "--serial: 'pty': want tty, null or file=PATH" },
	{ &option_serial, "file",
	  "--serial file=", "--serial: 'file=': want tty, null or file=PATH" },
	{ &option_console, "mode", "--console x",
	  "--console: 'x': want off, null, tty, pty or file=PATH" },
	{ &option_console, "file", "--console file",
	  "--console: 'file': want off, null, tty, pty or file=PATH" },
	/* What path has to be is the topology's to say: it is looked up on the host. */
	{ &option_devices, "path", "--device id=x",
	  "--device: path= is missing: say which device, such as path=0000:01:00.0, or fd=N for "
	  "its open character device" },
	{ &option_nets, "passt_args", "--net tap=t,passt_args=x",
	  "--net: passt_args=: needs passt=on" },
};

START_TEST(a_bad_value_is_one_line_that_names_it)
{
	const struct row *row = &rows[_i];
	char line[256], complaint[512];

	start();
	if (strcmp(row->key, "kernel"))
		add_line("--kernel k");
	add_arg(row->flag);
	snprintf(line, sizeof(line), "%s%s=%s", row->before, row->key, row->value);
	/* The flag of a text is its key. */
	add_arg(row->group == &option_payload ? row->value : line);
	ck_assert_int_eq(parse_args(false), OPTIONS_ERROR);
	snprintf(complaint, sizeof(complaint), "%s: %s=%s: %s", row->flag, row->key, row->value,
		 row->wish);
	ck_assert_str_eq(why, complaint);
}
END_TEST

START_TEST(another_form_is_one_line_too)
{
	bad(specials[_i].line, specials[_i].complaint);
}
END_TEST

static bool has_row(const struct option_group *group, const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].group == group && !strcmp(rows[i].key, key))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(specials); i++)
		if (specials[i].group == group && !strcmp(specials[i].key, key))
			return true;
	return false;
}

START_TEST(every_key_has_a_row)
{
	for (unsigned g = 0; option_groups[g]; g++)
		for (unsigned k = 0; k < option_groups[g]->nr_keys; k++)
			ck_assert_msg(has_row(option_groups[g], option_groups[g]->keys[k].name),
				      "no row has a bad value for %s of %s",
				      option_groups[g]->keys[k].name,
				      option_groups[g]->json ? option_groups[g]->json : "the top");
}
END_TEST

/* --- in a file ----------------------------------------------------------------------------------
 */

static char path[64];

static void set_up_file(void)
{
	int fd;

	strcpy(path, "/tmp/coldvm-bad-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void tear_down_file(void)
{
	unlink(path);
}

/* No key has an object for a value. */
START_TEST(a_value_of_another_type_is_named_by_its_place)
{
	for (unsigned g = 0; option_groups[g]; g++) {
		const struct option_group *group = option_groups[g];

		for (unsigned k = 0; k < group->nr_keys; k++) {
			const struct option_key *key = &group->keys[k];
			const char *name = key->json ? key->json : key->name;
			char line[128], place[256];
			FILE *file = fopen(path, "we");

			ck_assert_ptr_nonnull(file);
			if (!group->json)
				fprintf(file, "{\"%s\":{}}", name);
			else if (group->within)
				fprintf(file, "{\"%s\":{\"%s\":[{\"%s\":{}}]}}", group->within,
					group->json, name);
			else if (group->count)
				fprintf(file, "{\"%s\":[{\"%s\":{}}]}", group->json, name);
			else
				fprintf(file, "{\"%s\":{\"%s\":{}}}", group->json, name);
			fclose(file);
			snprintf(line, sizeof(line), "--config %s", path);
			start();
			add_line(line);
			ck_assert_int_eq(parse_args(false), OPTIONS_ERROR);
			options_free(&options);
			snprintf(place, sizeof(place), "%s: %s%s%s%s%s%s: {}: want ", path,
				 group->within ? group->within : "", group->within ? "." : "",
				 group->json ? group->json : "", group->count ? "[0]" : "",
				 group->json ? "." : "", name);
			ck_assert_msg(!strncmp(why, place, strlen(place)), "'%s', not '%s'", why,
				      place);
		}
	}
}
END_TEST

/* --- what belongs to two ------------------------------------------------------------------------
 */

static const struct {
	const char *line, *complaint;
} conflicts[] = {
	{ "--disk path=a,id=x --net tap=t,id=x", "--net: id=x: another device has this id" },
	/* Names that are made are as good as given ones, whichever comes first. */
	{ "--disk path=a,id=net0 --net tap=t",
	  "--disk: id=net0: a device without an id is called so: want another" },
	{ "--device path=a,id=disk1 --disk path=a path=b",
	  "--device: id=disk1: a device without an id is called so: want another" },
	{ "--vsock cid=3,socket=s,id=rng0 --rng src=a",
	  "--vsock: id=rng0: a device without an id is called so: want another" },
	{ "--net tap=t,id=console0 --console null",
	  "--net: id=console0: a device without an id is called so: want another" },
	{ "--memory shared=on --fs tag=t,socket=s,id=balloon0 --balloon size=0",
	  "--fs: id=balloon0: a device without an id is called so: want another" },
	{ "--net fd=[3,3]", "--net: fd=[3,3]: descriptor 3 is given twice" },
	{ "--net fd=3 fd=3", "--net: fd=3: another option has this descriptor" },
	{ "--net fd=3 fd=[4,5] --api-socket fd=5",
	  "--net: fd=5: another option has this descriptor" },
	{ "--event-monitor fd=7 --api-socket fd=7",
	  "--event-monitor: fd=7: --api-socket has this descriptor" },
};

START_TEST(what_two_want_is_refused)
{
	bad(conflicts[_i].line, conflicts[_i].complaint);
}
END_TEST

/* An id may be what the device itself would be called. */
START_TEST(an_id_that_nobody_else_has_is_fine)
{
	ok("--disk path=a,id=disk0 path=b --disk path=c,id=disk7 --net fd=3 fd=4 --api-socket fd=5 "
	   "--event-monitor fd=6 --rng src=a --console null");
}
END_TEST

/* --- long and odd values ------------------------------------------------------------------------
 */

START_TEST(a_long_value_leaves_room_for_what_is_wrong)
{
	char value[5000];

	memset(value, 'x', sizeof(value));
	memcpy(value, "size=", 5);
	value[sizeof(value) - 1] = '\0';
	start();
	add_line("--kernel k --memory");
	add_arg(value);
	ck_assert_int_eq(parse_args(false), OPTIONS_ERROR);
	ck_assert_ptr_nonnull(strstr(why, "xxx...: want a size such as 512M or 4G"));
	memset(value, 'x', 5);
	start();
	add_line("--kernel k --memory");
	add_arg(value);
	ck_assert_int_eq(parse_args(false), OPTIONS_ERROR);
	ck_assert_ptr_nonnull(strstr(why, "x' is not of the form key=value"));
}
END_TEST

START_TEST(a_complaint_is_one_line_whatever_is_in_it)
{
	log_rig_begin();
	log_complain("%s: %d", "a\nb\x1b[2J\tc", 7);
	ck_assert_uint_eq(log_rig_lines(), 1);
	log_rig_end();
	ck_assert_str_eq(log_rig.text, "coldvm: a b [2J c: 7\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bad input");
	TCase *tcase = suite_case(suite, "flags", NULL, NULL);

	tcase_add_loop_test(tcase, a_bad_value_is_one_line_that_names_it, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(tcase, another_form_is_one_line_too, 0, ARRAY_SIZE(specials));
	tcase_add_test(tcase, every_key_has_a_row);
	tcase_add_loop_test(tcase, what_two_want_is_refused, 0, ARRAY_SIZE(conflicts));
	tcase_add_test(tcase, an_id_that_nobody_else_has_is_fine);
	tcase_add_test(tcase, a_long_value_leaves_room_for_what_is_wrong);
	tcase_add_test(tcase, a_complaint_is_one_line_whatever_is_in_it);

	tcase = suite_case(suite, "file", set_up_file, tear_down_file);
	tcase_add_test(tcase, a_value_of_another_type_is_named_by_its_place);
	return suite_run(suite);
}
