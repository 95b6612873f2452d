/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of the devices that coldvm itself makes: every key, every complaint. */
#include "vmm/options.h"

#include <stdio.h>

#include "tests/unit/options_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

START_TEST(a_disk_has_defaults)
{
	ok("--disk path=a");
	ck_assert_uint_eq(options.nr_disks, 1);
	ck_assert_str_eq(options.disks[0].path, "a");
	ck_assert_ptr_null(options.disks[0].id);
	ck_assert(!options.disks[0].readonly);
	ck_assert(!options.disks[0].direct);
	ck_assert_uint_eq(options.disks[0].num_queues, 1);
	ck_assert_uint_eq(options.disks[0].queue_size, 512);
	ck_assert_ptr_null(options.disks[0].serial);
}
END_TEST

START_TEST(a_disk_takes_its_keys)
{
	ok("--disk path=a path=b,readonly=on,direct=on,num_queues=4,queue_size=256,serial=S,id=x");
	const struct disk_options *disk = &options.disks[1];

	ck_assert_uint_eq(options.nr_disks, 2);
	ck_assert_str_eq(disk->path, "b");
	ck_assert(disk->readonly);
	ck_assert(disk->direct);
	ck_assert_uint_eq(disk->num_queues, 4);
	ck_assert_uint_eq(disk->queue_size, 256);
	ck_assert_str_eq(disk->serial, "S");
	ck_assert_str_eq(disk->id, "x");
}
END_TEST

START_TEST(a_disk_has_limits)
{
	bad("--disk readonly=on", "--disk: path= is missing: say which image or block device");
	bad("--disk path=a,queue_size=100", "--disk: queue_size=100: want a power of two");
	bad("--disk path=a,queue_size=2048",
	    "--disk: queue_size=2048: want a number from 2 to 1024");
	bad("--disk path=a,num_queues=17", "--disk: num_queues=17: want a number from 1 to 16");
	bad("--disk path=a,serial=123456789012345678901",
	    "--disk: serial=123456789012345678901: want 1 to 20 characters");
}
END_TEST

START_TEST(disks_are_16_at_most)
{
	start();
	add_line("--kernel k");
	for (unsigned i = 0; i <= OPTIONS_MAX_DISKS; i++)
		add_line("--disk path=a");
	ck_assert_int_eq(parse_args(false), OPTIONS_ERROR);
	ck_assert_str_eq(why, "--disk: more than 16 of them");
}
END_TEST

START_TEST(an_id_is_unique_among_all_devices)
{
	bad("--disk path=a,id=x --net tap=t,id=x", "--net: id=x: another device has this id");
	bad("--device path=a,id=x --vsock cid=3,socket=s,id=x",
	    "--vsock: id=x: another device has this id");
	bad("--disk path=a path=b,id=disk0", "--disk: id=disk0: another device has this id");
}
END_TEST

START_TEST(a_net_takes_its_keys)
{
	ok("--net tap=t,mac=52:54:00:aB:cD:ef,num_queues=4,queue_size=512,mtu=9000,vhost=on,id=n");
	static const uint8_t mac[] = { 0x52, 0x54, 0x00, 0xab, 0xcd, 0xef };
	const struct net_options *net = &options.nets[0];

	ck_assert_uint_eq(options.nr_nets, 1);
	ck_assert_str_eq(net->tap, "t");
	ck_assert(net->has_mac);
	ck_assert_mem_eq(net->mac, mac, sizeof(mac));
	ck_assert_uint_eq(net->num_queues, 4);
	ck_assert_uint_eq(net->queue_size, 512);
	ck_assert_uint_eq(net->mtu, 9000);
	ck_assert_int_eq(net->vhost, NET_VHOST_MODE_ON);
	ck_assert_str_eq(net->id, "n");
}
END_TEST

START_TEST(a_net_has_defaults)
{
	ok("--net passt=on");
	ck_assert(options.nets[0].passt);
	ck_assert(!options.nets[0].has_mac);
	ck_assert_uint_eq(options.nets[0].num_queues, 2);
	ck_assert_uint_eq(options.nets[0].queue_size, 256);
	ck_assert_uint_eq(options.nets[0].mtu, 0);
	ck_assert_int_eq(options.nets[0].vhost, NET_VHOST_MODE_AUTO);
}
END_TEST

START_TEST(descriptors_of_a_net_are_one_or_a_list)
{
	ok("--net fd=3 fd=[4,5],mac=52:54:00:00:00:01");
	ck_assert_uint_eq(options.nets[0].nr_fds, 1);
	ck_assert_int_eq(options.nets[0].fds[0], 3);
	ck_assert_uint_eq(options.nets[1].nr_fds, 2);
	ck_assert_int_eq(options.nets[1].fds[0], 4);
	ck_assert_int_eq(options.nets[1].fds[1], 5);
	ck_assert_uint_eq(options.nets[1].num_queues, 4);
	ck_assert(options.nets[1].has_mac);
}
END_TEST

static const char *const bad_fds[] = {
	"",    "[]",	"[3",	"3]", "[3,]",  "[,3]",
	"3,4", "[3 4]", "[-1]", "a",  "[[3]]", "[0,1,2,3,4,5,6,7,8]",
};

START_TEST(a_list_of_descriptors_that_is_none_is_refused)
{
	char line[64];

	snprintf(line, sizeof(line), "--net=fd=%s", bad_fds[_i]);
	start();
	add_line("--kernel k");
	add_arg(line);
	ck_assert_int_eq(parse_args(false), OPTIONS_ERROR);
	bad("--net fd=[3,3]", "--net: fd=[3,3]: descriptor 3 is given twice");
}
END_TEST

static const char *const bad_macs[] = {
	"",
	"52:54:00:00:00",
	"52:54:00:00:00:0",
	"52-54-00-00-00-00",
	"52:54:00:00:00:0g",
	"53:54:00:00:00:00",
	"52:54:00:00:00:00:",
};

START_TEST(a_mac_that_is_none_or_of_a_group_is_refused)
{
	char line[64], complaint[160];

	snprintf(line, sizeof(line), "--net tap=t,mac=%s", bad_macs[_i]);
	snprintf(complaint, sizeof(complaint),
		 "--net: mac=%s: want the MAC address of one station, such as 52:54:00:12:34:56",
		 bad_macs[_i]);
	bad(line, complaint);
}
END_TEST

START_TEST(a_net_has_one_way_out)
{
	bad("--net mtu=1500", "--net: tap= is missing: say how it reaches the outside: tap=NAME, "
			      "fd=N, socket=PATH or passt=on");
	bad("--net tap=t,passt=on", "--net: tap=, fd=, socket= and passt=on exclude each other");
	bad("--net socket=s,vhost=on", "--net: vhost=on: vhost needs a tap, by tap= or fd=");
	bad("--net tap=t,passt_args=-4", "--net: passt_args=: needs passt=on");
	bad("--net passt=on,num_queues=4", "--net: num_queues=4: passt has one pair, 2 queues");
}
END_TEST

START_TEST(a_net_has_queues_in_pairs)
{
	bad("--net tap=t,num_queues=3",
	    "--net: num_queues=3: want an even number, one each way for every pair");
	bad("--net fd=[3,4],num_queues=2", "--net: num_queues=2: 2 descriptors are 4 queues");
	ok("--net fd=[3,4],num_queues=4");
}
END_TEST

START_TEST(a_file_system_needs_tag_socket_and_shared_memory)
{
	ok("--memory shared=on --fs tag=t,socket=s,num_queues=2,queue_size=64,id=f");
	ck_assert_str_eq(options.fs[0].tag, "t");
	ck_assert_str_eq(options.fs[0].socket, "s");
	ck_assert_uint_eq(options.fs[0].num_queues, 2);
	ck_assert_uint_eq(options.fs[0].queue_size, 64);
	bad("--fs socket=s", "--fs: tag= is missing: say by which name the guest mounts it");
	bad("--fs tag=t", "--fs: socket= is missing: say where virtiofsd listens");
	bad("--memory shared=on --fs tag=t,socket=s tag=t,socket=u",
	    "--fs: tag=t: another file system has this tag");
	bad("--fs tag=t,socket=s",
	    "--fs: virtiofsd has to reach the guest's memory: give --memory shared=on");
}
END_TEST

START_TEST(a_vsock_needs_cid_and_socket)
{
	ok("--vsock cid=4294967294,socket=s");
	ck_assert_uint_eq(options.vsock.cid, UINT32_MAX - 1);
	ck_assert_str_eq(options.vsock.socket, "s");
	bad("--vsock cid=2,socket=s", "--vsock: cid=2: want a number from 3 to 4294967294");
	bad("--vsock socket=s", "--vsock: cid= is missing: say the guest's context ID, 3 or more");
	bad("--vsock cid=3", "--vsock: socket= is missing: say which Unix socket to make");
}
END_TEST

START_TEST(a_balloon_takes_its_keys_and_neither_passthrough_nor_huge_pages)
{
	ok("");
	ck_assert(!options.balloon.present);
	ok("--balloon size=64M,deflate_on_oom=on,free_page_reporting=on");
	ck_assert(options.balloon.present);
	ck_assert_uint_eq(options.balloon.size, MIB(64));
	ck_assert(options.balloon.deflate_on_oom);
	ck_assert(options.balloon.free_page_reporting);
	bad("--balloon size=4097", "--balloon: size=4097: want a multiple of 4K");
	bad("--balloon size=1G", "--balloon: size=1024M: the guest has 512M");
	bad("--memory size=512M,hugepages=on --balloon size=0",
	    "--balloon: with --memory hugepages=on pages that went back might not be there when "
	    "the guest wants them again: leave one of them out");
	bad("--device path=a --balloon size=0",
	    "--balloon: with --device the guest's memory is locked for DMA, and none of it can be "
	    "given back: leave one of them out");
}
END_TEST

START_TEST(a_console_goes_where_the_serial_port_does_not)
{
	ok("");
	ck_assert_int_eq(options.console, CONSOLE_OFF);
	ok("--console pty");
	ck_assert_int_eq(options.console, CONSOLE_PTY);
	ok("--console file=/a=b,c");
	ck_assert_int_eq(options.console, CONSOLE_FILE);
	ck_assert_str_eq(options.console_file, "/a=b,c");
	ok("--console tty --serial null");
	ck_assert_int_eq(options.console, CONSOLE_TTY);
	bad("--console tty", "--console: tty: the serial port has the terminal: give --serial null "
			     "or file=PATH");
	bad("--console file", "--console: 'file': want off, null, tty, pty or file=PATH");
	bad("--console socket=a", "--console: 'socket=a': want off, null, tty, pty or file=PATH");
}
END_TEST

START_TEST(switches_take_no_value)
{
	ok("");
	ck_assert(!options.watchdog && !options.no_reboot && !options.print_config);
	ok("--watchdog --no-reboot --print-config");
	ck_assert(options.watchdog && options.no_reboot && options.print_config);
	bad("--watchdog=on", "--watchdog takes no value");
}
END_TEST

START_TEST(memory_can_be_filled_before_the_guest_starts)
{
	ok("--memory size=2M,prefault=on");
	ck_assert(options.prefault);
}
END_TEST

START_TEST(more_vcpus_than_at_boot_are_refused)
{
	ok("--cpus boot=2,max=2");
	ck_assert_uint_eq(options.cpus, 2);
	bad("--cpus boot=1,max=2",
	    "--cpus: max=2: there is no hot-plug of vCPUs: want boot's 1, or "
	    "leave it out");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("options of virtio devices");
	TCase *t = suite_case(s, "virtio", NULL, NULL);

	tcase_add_test(t, a_disk_has_defaults);
	tcase_add_test(t, a_disk_takes_its_keys);
	tcase_add_test(t, a_disk_has_limits);
	tcase_add_test(t, disks_are_16_at_most);
	tcase_add_test(t, an_id_is_unique_among_all_devices);
	tcase_add_test(t, a_net_takes_its_keys);
	tcase_add_test(t, a_net_has_defaults);
	tcase_add_test(t, descriptors_of_a_net_are_one_or_a_list);
	tcase_add_loop_test(t, a_list_of_descriptors_that_is_none_is_refused, 0,
			    ARRAY_SIZE(bad_fds));
	tcase_add_loop_test(t, a_mac_that_is_none_or_of_a_group_is_refused, 0,
			    ARRAY_SIZE(bad_macs));
	tcase_add_test(t, a_net_has_one_way_out);
	tcase_add_test(t, a_net_has_queues_in_pairs);
	tcase_add_test(t, a_file_system_needs_tag_socket_and_shared_memory);
	tcase_add_test(t, a_vsock_needs_cid_and_socket);
	tcase_add_test(t, a_balloon_takes_its_keys_and_neither_passthrough_nor_huge_pages);
	tcase_add_test(t, a_console_goes_where_the_serial_port_does_not);
	tcase_add_test(t, switches_take_no_value);
	tcase_add_test(t, memory_can_be_filled_before_the_guest_starts);
	tcase_add_test(t, more_vcpus_than_at_boot_are_refused);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
