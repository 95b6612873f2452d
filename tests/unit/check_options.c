/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line: every option, every complaint by its text. */
#include "vmm/options.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/options_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/help.h"

/* --- what each option sets ---------------------------------------------------------------------
 */

START_TEST(without_options_there_are_defaults)
{
	run_ok("--kernel bzImage");
	ck_assert_str_eq(options.kernel, "bzImage");
	ck_assert_ptr_null(options.initramfs);
	ck_assert_str_eq(options.cmdline, "");
	ck_assert_uint_eq(options.cpus, 1);
	ck_assert_uint_eq(options.memory, MIB(512));
	ck_assert(!options.hugepages);
	ck_assert(!options.shared);
	ck_assert_uint_eq(options.nr_devices, 0);
	ck_assert_int_eq(options.serial, SERIAL_TTY);
	ck_assert_ptr_null(options.serial_file);
	ck_assert(!options.laptop);
	ck_assert_ptr_null(options.event_path);
	ck_assert_int_eq(options.event_fd, -1);
	ck_assert_uint_eq(options.verbose, 0);
	ck_assert(!options.blocking_on);
	ck_assert_ptr_null(options.directory);
}
END_TEST

START_TEST(a_value_may_follow_an_equals_sign)
{
	run_ok("--kernel=k --memory=size=1G --initramfs=a=b");
	ck_assert_str_eq(options.kernel, "k");
	ck_assert_uint_eq(options.memory, GIB(1));
	ck_assert_str_eq(options.initramfs, "a=b");
}
END_TEST

START_TEST(initramfs_and_cmdline_are_taken_as_they_are)
{
	start();
	add_line("--kernel k --initramfs i,j --cmdline");
	add_arg("console=ttyS0,115200 quiet");
	ck_assert_int_eq(parse_args(false), OPTIONS_RUN);
	ck_assert_str_eq(options.initramfs, "i,j");
	ck_assert_str_eq(options.cmdline, "console=ttyS0,115200 quiet");
}
END_TEST

START_TEST(a_value_may_begin_with_a_dash)
{
	start();
	add_line("--kernel k --cmdline");
	add_arg("-- single");
	ck_assert_int_eq(parse_args(false), OPTIONS_RUN);
	ck_assert_str_eq(options.cmdline, "-- single");
}
END_TEST

START_TEST(cpus_are_1_to_64)
{
	ok("--cpus boot=1");
	ck_assert_uint_eq(options.cpus, 1);
	ok("--cpus boot=64");
	ck_assert_uint_eq(options.cpus, 64);
	bad("--cpus boot=0", "--cpus: boot=0: want a number from 1 to 64");
	bad("--cpus boot=65", "--cpus: boot=65: want a number from 1 to 64");
}
END_TEST

static const struct {
	const char *text;
	uint64_t size;
} sizes[] = {
	{ "2097152", MIB(2) }, { "2048K", MIB(2) }, { "256M", MIB(256) },
	{ "6G", GIB(6) },      { "1T", GIB(1024) }, { "16777215T", UINT64_C(0xffffff) << 40 },
	{ "0002M", MIB(2) },
};

START_TEST(a_size_has_a_suffix_of_1024)
{
	char line[64];

	snprintf(line, sizeof(line), "--memory size=%s", sizes[_i].text);
	ok(line);
	ck_assert_uint_eq(options.memory, sizes[_i].size);
}
END_TEST

static const char *const bad_sizes[] = {
	"",
	"M",
	"-1",
	"+1M",
	"1m",
	"1MB",
	"1.5G",
	"0x200000",
	" 1M",
	"1 M",
	"16777216T",
	"18446744073709551616",
	"18014398509481984K",
	"99999999999999999999G",
};

START_TEST(a_size_that_is_none_or_overflows_is_refused)
{
	char arg[64], complaint[128];

	start();
	add_line("--kernel k --memory");
	snprintf(arg, sizeof(arg), "size=%s", bad_sizes[_i]);
	add_arg(arg);
	snprintf(complaint, sizeof(complaint), "--memory: size=%s: want a size such as 512M or 4G",
		 bad_sizes[_i]);
	ck_assert_int_eq(parse_args(false), OPTIONS_ERROR);
	ck_assert_str_eq(why, complaint);
}
END_TEST

START_TEST(memory_is_a_multiple_of_2_mib_and_not_0)
{
	bad("--memory size=3M", "--memory: size=3M: want a multiple of 2M");
	bad("--memory size=0", "--memory: size=0: want a multiple of 2M, or give --memory-zone");
	bad("--memory size=4097K", "--memory: size=4097K: want a multiple of 2M");
}
END_TEST

START_TEST(memory_takes_hugepages_and_shared)
{
	ok("--memory hugepages=on,size=2M,shared=true");
	ck_assert_uint_eq(options.memory, MIB(2));
	ck_assert(options.hugepages);
	ck_assert(options.shared);
	ok("--memory hugepages=off,shared=false");
	ck_assert(!options.hugepages);
	ck_assert(!options.shared);
	ck_assert_uint_eq(options.memory, MIB(512));
}
END_TEST

START_TEST(a_switch_is_on_or_off)
{
	bad("--memory hugepages=1", "--memory: hugepages=1: say on or off");
	bad("--memory shared=", "--memory: shared=: say on or off");
	bad("--debug blocking-on=yes", "--debug: blocking-on=yes: say on or off");
}
END_TEST

START_TEST(a_device_has_defaults)
{
	ok("--device path=0000:01:00.0");
	ck_assert_uint_eq(options.nr_devices, 1);
	ck_assert_str_eq(options.devices[0].path, "0000:01:00.0");
	ck_assert_ptr_null(options.devices[0].id);
	ck_assert_int_eq(options.devices[0].pr3, PR3_AUTO);
	ck_assert_int_eq(options.devices[0].power, DEVICE_POWER_D3COLD);
	ck_assert_int_eq(options.devices[0].backend, DEVICE_BACKEND_AUTO);
	ck_assert_int_eq(options.devices[0].pme, DEVICE_PME_OFF);
	ck_assert_ptr_null(options.devices[0].rom);
	ck_assert(!options.devices[0].all_functions);
}
END_TEST

START_TEST(a_device_takes_id_pr3_and_power)
{
	ok("--device power=d3hot,pr3=both,id=gpu,path=/sys/bus/pci/devices/0000:01:00.0/");
	ck_assert_str_eq(options.devices[0].path, "/sys/bus/pci/devices/0000:01:00.0/");
	ck_assert_str_eq(options.devices[0].id, "gpu");
	ck_assert_int_eq(options.devices[0].pr3, PR3_BOTH);
	ck_assert_int_eq(options.devices[0].power, DEVICE_POWER_D3HOT);
}
END_TEST

static const char *const pr3_words[] = { "auto", "port", "endpoint", "both" };
static const char *const power_words[] = { "d3cold", "d3hot", "on" };
static const char *const pme_words[] = { "off", "on", "force" };
static const char *const backend_words[] = { "auto", "explicit", "lowpower", "d3hot" };

START_TEST(each_word_for_pr3_has_its_value)
{
	char line[64];

	snprintf(line, sizeof(line), "--device path=a,pr3=%s", pr3_words[_i]);
	ok(line);
	ck_assert_int_eq((int)options.devices[0].pr3, _i);
}
END_TEST

START_TEST(each_word_for_backend_has_its_value)
{
	char line[64];

	snprintf(line, sizeof(line), "--device path=a,backend=%s", backend_words[_i]);
	ok(line);
	ck_assert_int_eq((int)options.devices[0].backend, _i);
}
END_TEST

START_TEST(each_word_for_pme_has_its_value)
{
	char line[64];

	snprintf(line, sizeof(line), "--device path=a,pme=%s", pme_words[_i]);
	ok(line);
	ck_assert_int_eq((int)options.devices[0].pme, _i);
}
END_TEST

START_TEST(functions_are_one_or_all)
{
	ok("--device path=a,functions=all path=b,functions=one path=c");
	ck_assert(options.devices[0].all_functions);
	ck_assert(!options.devices[1].all_functions);
	ck_assert(!options.devices[2].all_functions);
}
END_TEST

START_TEST(each_word_for_power_has_its_value)
{
	char line[64];

	snprintf(line, sizeof(line), "--device path=a,power=%s", power_words[_i]);
	ok(line);
	ck_assert_int_eq((int)options.devices[0].power, _i);
}
END_TEST

START_TEST(the_words_are_what_the_enums_say)
{
	ck_assert_int_eq(PR3_AUTO, 0);
	ck_assert_int_eq(PR3_PORT, 1);
	ck_assert_int_eq(PR3_ENDPOINT, 2);
	ck_assert_int_eq(PR3_BOTH, 3);
	ck_assert_int_eq(DEVICE_POWER_D3COLD, 0);
	ck_assert_int_eq(DEVICE_POWER_D3HOT, 1);
	ck_assert_int_eq(DEVICE_POWER_ON, 2);
	ck_assert_int_eq(DEVICE_PME_OFF, 0);
	ck_assert_int_eq(DEVICE_PME_ON, 1);
	ck_assert_int_eq(DEVICE_PME_FORCE, 2);
}
END_TEST

START_TEST(an_unknown_word_is_refused_with_the_known_ones)
{
	bad("--device path=a,pr3=yes", "--device: pr3=yes: want one of auto, port, endpoint, both");
	bad("--device path=a,power=off", "--device: power=off: want one of d3cold, d3hot, on");
	bad("--device path=a,backend=d3cold",
	    "--device: backend=d3cold: want one of auto, explicit, lowpower, d3hot");
	bad("--device path=a,pme=yes", "--device: pme=yes: want one of off, on, force");
	bad("--device path=a,functions=2", "--device: functions=2: want one of one, all");
	bad("--platform chassis=rack", "--platform: chassis=rack: want one of desktop, laptop");
}
END_TEST

START_TEST(devices_come_as_repeated_flags_or_as_a_list)
{
	ok("--device path=a path=b --device path=c -v --device=path=d");
	ck_assert_uint_eq(options.nr_devices, 4);
	ck_assert_str_eq(options.devices[0].path, "a");
	ck_assert_str_eq(options.devices[1].path, "b");
	ck_assert_str_eq(options.devices[2].path, "c");
	ck_assert_str_eq(options.devices[3].path, "d");
}
END_TEST

START_TEST(devices_are_64_at_most)
{
	start();
	add_line("--kernel k");
	for (unsigned i = 0; i < OPTIONS_MAX_DEVICES; i++)
		add_line("--device path=a");
	ck_assert_int_eq(parse_args(false), OPTIONS_RUN);
	ck_assert_uint_eq(options.nr_devices, OPTIONS_MAX_DEVICES);

	start();
	add_line("--kernel k");
	for (unsigned i = 0; i <= OPTIONS_MAX_DEVICES; i++)
		add_line("--device path=a");
	ck_assert_int_eq(parse_args(false), OPTIONS_ERROR);
	ck_assert_str_eq(why, "--device: more than 64 of them");
}
END_TEST

START_TEST(a_device_takes_wakes_and_failures)
{
	ok("--device path=a path=b,wake=rearm,max-wakes-per-min=0,min-off-ms=3600000,"
	   "on-failure=stop,force=on");
	const struct device_options *a = &options.devices[0], *b = &options.devices[1];

	ck_assert_int_eq(a->wake, DEVICE_WAKE_DEFAULT);
	ck_assert(!a->has_max_wakes);
	ck_assert_uint_eq(a->min_off_ms, 0);
	ck_assert(!a->stop_on_failure);
	ck_assert(!a->force);
	ck_assert_int_eq(b->wake, DEVICE_WAKE_REARM);
	ck_assert(b->has_max_wakes);
	ck_assert_uint_eq(b->max_wakes_per_min, 0);
	ck_assert_uint_eq(b->min_off_ms, 3600000);
	ck_assert(b->stop_on_failure);
	ck_assert(b->force);
	ok("--device path=a,wake=notify,max-wakes-per-min=600,on-failure=continue,force=off");
	ck_assert_int_eq(options.devices[0].wake, DEVICE_WAKE_NOTIFY);
	ck_assert_uint_eq(options.devices[0].max_wakes_per_min, 600);
	ck_assert(!options.devices[0].stop_on_failure);
	ck_assert(!options.devices[0].force);
}
END_TEST

START_TEST(wakes_and_failures_have_limits)
{
	bad("--device path=a,wake=off", "--device: wake=off: want one of notify, rearm");
	bad("--device path=a,max-wakes-per-min=601",
	    "--device: max-wakes-per-min=601: want a number from 0 to 600");
	bad("--device path=a,max-wakes-per-min=-1",
	    "--device: max-wakes-per-min=-1: want a number from 0 to 600");
	bad("--device path=a,min-off-ms=1s",
	    "--device: min-off-ms=1s: want a number from 0 to 3600000");
	bad("--device path=a,on-failure=ignore",
	    "--device: on-failure=ignore: want one of continue, stop");
	bad("--device path=a,force=1", "--device: force=1: say on or off");
	bad("--device path=a,wake=rearm,wake=rearm", "--device: wake is given twice");
}
END_TEST

START_TEST(a_device_needs_a_path_or_a_descriptor)
{
	bad("--device id=a",
	    "--device: path= is missing: say which device, such as path=0000:01:00.0, or fd=N for "
	    "its open character device");
	ok("--device fd=0 path=a path=b,fd=4");
	ck_assert(options.devices[0].has_fd && !options.devices[0].path);
	ck_assert_int_eq(options.devices[0].fd, 0);
	ck_assert(!options.devices[1].has_fd);
	ck_assert_int_eq(options.devices[2].fd, 4);
	ck_assert_str_eq(options.devices[2].path, "b");
	bad("--device fd=x", "--device: fd=x: want a number from 0 to 2147483647");
	bad("--device fd=3 fd=3", "--device: fd=3 is given twice");
	bad("--device fd=3,functions=all",
	    "--device: functions=all: fd=3 is one function: give a --device fd=N of each");
}
END_TEST

START_TEST(platform_says_how_devices_are_reached)
{
	ok("");
	ck_assert_int_eq(options.iommufd, IOMMUFD_AUTO);
	ck_assert_int_eq(options.iommufd_fd, -1);
	ok("--platform iommufd=on,iommufd_fd=5");
	ck_assert_int_eq(options.iommufd, IOMMUFD_ON);
	ck_assert_int_eq(options.iommufd_fd, 5);
	ok("--platform iommufd=off");
	ck_assert_int_eq(options.iommufd, IOMMUFD_OFF);
	bad("--platform iommufd=yes", "--platform: iommufd=yes: want one of auto, on, off");
	bad("--platform iommufd_fd=5,iommufd=off",
	    "--platform: iommufd_fd=5: with iommufd=off it is of no use");
	bad("--platform iommufd=off --device path=a fd=3",
	    "--device: fd=3: descriptors of devices need iommufd: leave out --platform "
	    "iommufd=off");
}
END_TEST

START_TEST(an_id_is_unique_and_1_to_60_characters)
{
	char line[128];

	ok("--device path=a,id=x path=b,id=y");
	bad("--device path=a,id=x --device path=b,id=x",
	    "--device: id=x: another device has this id");
	bad("--device path=a,id=", "--device: id=: want 1 to 60 characters");
	snprintf(line, sizeof(line), "--device path=a,id=%060d", 0);
	ok(line);
	snprintf(line, sizeof(line), "--device path=a,id=%061d", 0);
	start();
	add_line("--kernel k");
	add_line(line);
	ck_assert_int_eq(parse_args(false), OPTIONS_ERROR);
}
END_TEST

START_TEST(serial_is_tty_null_or_a_file)
{
	ok("--serial tty");
	ck_assert_int_eq(options.serial, SERIAL_TTY);
	ok("--serial null");
	ck_assert_int_eq(options.serial, SERIAL_NULL);
	ok("--serial file=/tmp/a,b=c");
	ck_assert_int_eq(options.serial, SERIAL_FILE);
	ck_assert_str_eq(options.serial_file, "/tmp/a,b=c");
	bad("--serial file=", "--serial: 'file=': want tty, null or file=PATH");
	bad("--serial pty", "--serial: 'pty': want tty, null or file=PATH");
}
END_TEST

START_TEST(devices_reach_each_other_unless_that_is_off)
{
	ok("");
	ck_assert(options.p2p_dma);
	ok("--platform vfio_p2p_dma=off");
	ck_assert(!options.p2p_dma);
}
END_TEST

START_TEST(clique_is_a_number_to_15)
{
	ok("--device path=01:00.0 path=02:00.0,x_nv_gpudirect_clique=0");
	ck_assert(!options.devices[0].has_clique);
	ck_assert(options.devices[1].has_clique);
	bad("--device path=01:00.0,x_nv_gpudirect_clique=16",
	    "--device: x_nv_gpudirect_clique=16: want a number from 0 to 15");
}
END_TEST

START_TEST(platform_sets_the_chassis)
{
	ok("--platform chassis=laptop");
	ck_assert(options.laptop);
	ok("--platform chassis=desktop");
	ck_assert(!options.laptop);
}
END_TEST

START_TEST(events_go_to_a_path_or_a_descriptor)
{
	ok("--event-monitor path=/tmp/e");
	ck_assert_str_eq(options.event_path, "/tmp/e");
	ck_assert_int_eq(options.event_fd, -1);
	ok("--event-monitor fd=0");
	ck_assert_ptr_null(options.event_path);
	ck_assert_int_eq(options.event_fd, 0);
	bad("--event-monitor fd=3,path=e", "--event-monitor: path and fd exclude each other");
}
END_TEST

START_TEST(control_socket_is_a_path_or_a_descriptor)
{
	ok("");
	ck_assert_ptr_null(options.api_path);
	ck_assert_int_eq(options.api_fd, -1);
	ok("--api-socket path=/run/vm.api");
	ck_assert_str_eq(options.api_path, "/run/vm.api");
	ck_assert_int_eq(options.api_fd, -1);
	ok("--api-socket /run/vm.api");
	ck_assert_str_eq(options.api_path, "/run/vm.api");
	ok("--api-socket fd=3");
	ck_assert_ptr_null(options.api_path);
	ck_assert_int_eq(options.api_fd, 3);
	bad("--api-socket fd=3,path=a", "--api-socket: path and fd exclude each other");
	bad("--api-socket path=", "--api-socket: path=: want 1 to 107 characters");
	bad("--api-socket port=1", "--api-socket: unknown key 'port': known are path, fd");
}
END_TEST

START_TEST(a_number_that_is_none_or_too_big_is_refused)
{
	bad("--event-monitor fd=-1", "--event-monitor: fd=-1: want a number from 0 to 2147483647");
	bad("--event-monitor fd=2147483648",
	    "--event-monitor: fd=2147483648: want a number from 0 to 2147483647");
	bad("--cpus boot=18446744073709551617",
	    "--cpus: boot=18446744073709551617: want a number from 1 to 64");
	bad("--cpus boot=2x", "--cpus: boot=2x: want a number from 1 to 64");
	bad("--cpus boot=", "--cpus: boot=: want a number from 1 to 64");
	bad("--cpus boot=0x2", "--cpus: boot=0x2: want a number from 1 to 64");
}
END_TEST

START_TEST(debug_asks_for_the_blocking_on)
{
	ok("--debug blocking-on=on");
	ck_assert(options.blocking_on);
}
END_TEST

START_TEST(verbosity_adds_up)
{
	ok("-v -vv -v");
	ck_assert_uint_eq(options.verbose, 4);
	bad("-vx", "unknown option -vx: see coldvm run --help");
	bad("-", "unknown option -: see coldvm run --help");
}
END_TEST

/* --- complaints about the form ------------------------------------------------------------------
 */

START_TEST(the_kernel_is_required)
{
	run_bad("", "--kernel is missing: say which kernel to boot");
	run_bad("--cpus boot=2", "--kernel is missing: say which kernel to boot");
}
END_TEST

START_TEST(the_nearest_known_name_is_told)
{
	bad("--disks path=a", "unknown option --disks: did you mean --disk?");
	bad("--memroy size=2M", "unknown option --memroy: did you mean --memory?");
	bad("--disk path=a,readonli=on",
	    "--disk: unknown key 'readonli': did you mean 'readonly'?");
	bad("--memory zize=2M", "--memory: unknown key 'zize': did you mean 'size'?");
}
END_TEST

static const char *const once[] = {
	"--kernel a --kernel b",
	"--initramfs a --initramfs b",
	"--cmdline a --cmdline b",
	"--cpus boot=1 --cpus boot=1",
	"--memory size=2M --memory shared=on",
	"--serial tty --serial=tty",
	"--platform chassis=laptop --platform chassis=laptop",
	"--event-monitor fd=1 --event-monitor fd=1",
	"--debug blocking-on=on --debug blocking-on=on",
	"--vsock cid=3,socket=s --vsock cid=4,socket=t",
	"--rng src=a --rng src=a",
	"--balloon size=0 --balloon size=0",
	"--console null --console off",
	"--watchdog --watchdog",
	"--no-reboot --no-reboot",
	"--print-config --print-config",
};

START_TEST(an_option_given_twice_is_refused)
{
	char complaint[64];

	snprintf(complaint, sizeof(complaint), "%.*s is given twice", (int)strcspn(once[_i], " ="),
		 once[_i]);
	run_bad(once[_i], complaint);
}
END_TEST

START_TEST(a_key_given_twice_is_refused)
{
	bad("--memory size=2M,size=2M", "--memory: size is given twice");
	bad("--device path=a,id=x,path=b", "--device: path is given twice");
}
END_TEST

static const struct {
	const char *line, *complaint;
} unknown_keys[] = {
	{ "--cpus topology=2", "--cpus: unknown key 'topology': known are boot, max" },
	{ "--memory mergeable=on",
	  "--memory: unknown key 'mergeable': known are size, hugepages, shared, prefault" },
	{ "--device path=a,iommu=on",
	  "--device: unknown key 'iommu': known are path, fd, id, pr3, power, backend, "
	  "functions, pme, rom, wake, max-wakes-per-min, min-off-ms, on-failure, force, "
	  "x_nv_gpudirect_clique, numa_node" },
	{ "--platform x=y", "--platform: unknown key 'x': known are chassis, "
			    "vfio_p2p_dma, iommufd, iommufd_fd" },
	{ "--event-monitor file=a", "--event-monitor: unknown key 'file': known are path, fd" },
	{ "--debug x=y", "--debug: unknown key 'x': known are blocking-on" },
	{ "--cpus =2", "--cpus: unknown key '': known are boot, max" },
};

START_TEST(an_unknown_key_is_refused_with_the_known_ones)
{
	bad(unknown_keys[_i].line, unknown_keys[_i].complaint);
}
END_TEST

START_TEST(a_part_without_equals_sign_is_refused)
{
	bad("--memory 2M", "--memory: '2M' is not of the form key=value");
	bad("--memory size=2M,", "--memory: '' is not of the form key=value");
	bad("--device path=a,,id=b", "--device: '' is not of the form key=value");
	bad("--cpus=", "--cpus: '' is not of the form key=value");
}
END_TEST

START_TEST(an_unknown_option_is_refused)
{
	bad("--pvpanic path=a", "unknown option --pvpanic: see coldvm run --help");
	bad("--pvpanic=path=a", "unknown option --pvpanic: see coldvm run --help");
}
END_TEST

START_TEST(an_option_without_its_value_is_refused)
{
	bad("--memory", "--memory wants a value");
	bad("--device", "--device wants a value");
}
END_TEST

START_TEST(a_stray_word_is_refused)
{
	bad("disk.img", "'disk.img' is not an option: see coldvm --help");
	bad("--memory size=2M size=4M", "'size=4M' is not an option: see coldvm --help");
}
END_TEST

/* --- help, version, tables ----------------------------------------------------------------------
 */

START_TEST(help_and_version_need_no_kernel)
{
	static const struct {
		const char *line;
		enum options_result result;
	} cases[] = {
		{ "--help", OPTIONS_HELP },	  { "-h", OPTIONS_HELP },
		{ "--version", OPTIONS_VERSION }, { "-V", OPTIONS_VERSION },
		{ "-v --help", OPTIONS_HELP },	  { "--cpus boot=2 --version", OPTIONS_VERSION },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		start();
		add_line(cases[i].line);
		ck_assert_int_eq(parse_args(false), cases[i].result);
	}
}
END_TEST

START_TEST(a_mistake_before_help_is_still_a_mistake)
{
	run_bad("--cpus boot=0 --help", "--cpus: boot=0: want a number from 1 to 64");
}
END_TEST

START_TEST(help_names_every_option)
{
	static const char *const names[] = {
		"--kernel",	  "--initramfs",  "--cmdline",	   "--cpus",	      "--memory",
		"--device",	  "--serial",	  "--platform",	   "--event-monitor", "-v",
		"--disk",	  "--net",	  "--fs",	   "--vsock",	      "--rng",
		"--balloon",	  "--console",	  "--watchdog",	   "--no-reboot",     "--config",
		"--print-config", "--api-socket", "--memory-zone", "--numa",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		ck_assert_msg(strstr(help_run, names[i]), "%s is not in the help", names[i]);
}
END_TEST

START_TEST(tables_need_a_directory_and_no_kernel)
{
	tables_ok("out --device path=a,pr3=both --cpus boot=4");
	ck_assert_str_eq(options.directory, "out");
	ck_assert_uint_eq(options.nr_devices, 1);
	tables_ok("--cpus boot=4 out");
	ck_assert_str_eq(options.directory, "out");

	start();
	add_line("--cpus boot=4");
	ck_assert_int_eq(parse_args(true), OPTIONS_ERROR);
	ck_assert_str_eq(why, "tables: say in which directory: coldvm tables DIR [options]");
	start();
	add_line("a b");
	ck_assert_int_eq(parse_args(true), OPTIONS_ERROR);
	ck_assert_str_eq(why, "'b' is not an option: see coldvm --help");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("options");
	TCase *t = suite_case(s, "values", NULL, NULL);

	tcase_add_test(t, without_options_there_are_defaults);
	tcase_add_test(t, a_value_may_follow_an_equals_sign);
	tcase_add_test(t, initramfs_and_cmdline_are_taken_as_they_are);
	tcase_add_test(t, a_value_may_begin_with_a_dash);
	tcase_add_test(t, cpus_are_1_to_64);
	tcase_add_loop_test(t, a_size_has_a_suffix_of_1024, 0, ARRAY_SIZE(sizes));
	tcase_add_loop_test(t, a_size_that_is_none_or_overflows_is_refused, 0,
			    ARRAY_SIZE(bad_sizes));
	tcase_add_test(t, memory_is_a_multiple_of_2_mib_and_not_0);
	tcase_add_test(t, memory_takes_hugepages_and_shared);
	tcase_add_test(t, a_switch_is_on_or_off);
	tcase_add_test(t, a_device_has_defaults);
	tcase_add_test(t, a_device_takes_id_pr3_and_power);
	tcase_add_loop_test(t, each_word_for_pr3_has_its_value, 0, ARRAY_SIZE(pr3_words));
	tcase_add_loop_test(t, each_word_for_pme_has_its_value, 0, ARRAY_SIZE(pme_words));
	tcase_add_test(t, functions_are_one_or_all);
	tcase_add_loop_test(t, each_word_for_power_has_its_value, 0, ARRAY_SIZE(power_words));
	tcase_add_loop_test(t, each_word_for_backend_has_its_value, 0, ARRAY_SIZE(backend_words));
	tcase_add_test(t, the_words_are_what_the_enums_say);
	tcase_add_test(t, an_unknown_word_is_refused_with_the_known_ones);
	tcase_add_test(t, devices_come_as_repeated_flags_or_as_a_list);
	tcase_add_test(t, devices_are_64_at_most);
	tcase_add_test(t, a_device_takes_wakes_and_failures);
	tcase_add_test(t, wakes_and_failures_have_limits);
	tcase_add_test(t, a_device_needs_a_path_or_a_descriptor);
	tcase_add_test(t, an_id_is_unique_and_1_to_60_characters);
	tcase_add_test(t, serial_is_tty_null_or_a_file);
	tcase_add_test(t, platform_sets_the_chassis);
	tcase_add_test(t, devices_reach_each_other_unless_that_is_off);
	tcase_add_test(t, clique_is_a_number_to_15);
	tcase_add_test(t, platform_says_how_devices_are_reached);
	tcase_add_test(t, events_go_to_a_path_or_a_descriptor);
	tcase_add_test(t, control_socket_is_a_path_or_a_descriptor);
	tcase_add_test(t, a_number_that_is_none_or_too_big_is_refused);
	tcase_add_test(t, debug_asks_for_the_blocking_on);
	tcase_add_test(t, verbosity_adds_up);

	t = suite_case(s, "form", NULL, NULL);
	tcase_add_test(t, the_nearest_known_name_is_told);
	tcase_add_test(t, the_kernel_is_required);
	tcase_add_loop_test(t, an_option_given_twice_is_refused, 0, ARRAY_SIZE(once));
	tcase_add_test(t, a_key_given_twice_is_refused);
	tcase_add_loop_test(t, an_unknown_key_is_refused_with_the_known_ones, 0,
			    ARRAY_SIZE(unknown_keys));
	tcase_add_test(t, a_part_without_equals_sign_is_refused);
	tcase_add_test(t, an_unknown_option_is_refused);
	tcase_add_test(t, an_option_without_its_value_is_refused);
	tcase_add_test(t, a_stray_word_is_refused);

	t = suite_case(s, "help and tables", NULL, NULL);
	tcase_add_test(t, help_and_version_need_no_kernel);
	tcase_add_test(t, a_mistake_before_help_is_still_a_mistake);
	tcase_add_test(t, help_names_every_option);
	tcase_add_test(t, tables_need_a_directory_and_no_kernel);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
