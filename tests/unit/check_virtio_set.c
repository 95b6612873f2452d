/* SPDX-License-Identifier: BSD-3-Clause */
/* From options to devices on bus 0, on a made-up KVM. */
#include "vmm/virtio_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "devices/pci.h"
#include "tests/fake/fake_kvm.h"
#include "tests/unit/options_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/bus.h"
#include "vmm/console_end.h"
#include "vmm/event.h"
#include "vmm/irqchip.h"
#include "vmm/kvm.h"
#include "vmm/loop.h"
#include "vmm/memory.h"
#include "vmm/x86/layout.h"

#define FIRST 3 /* device number: two ports come before */

static char directory[] = "/tmp/coldvm-virtio-XXXXXX";
static char image[64], other[64], socket_path[64];
static struct kvm kvm;
static struct memory memory;
static struct irqchip chip;
static struct bus mmio;
static struct pci_bus root;
static struct loop loop;
static struct event_monitor events;
static struct console_end console_end;
static struct virtio_set *set;
static char complaint[1024];

static void make_image(char *path, size_t size, const char *name)
{
	int fd;

	snprintf(path, size, "%s/%s", directory, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, MIB(1)), 0);
	close(fd);
}

static void set_up(void)
{
	const struct memory_config config = { .size = MIB(16), .low_limit = GIB(3) };
	const char *missing;

	strcpy(directory + sizeof(directory) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	make_image(image, sizeof(image), "a.img");
	make_image(other, sizeof(other), "b.img");
	snprintf(socket_path, sizeof(socket_path), "%s/vsock", directory);
	fake_kvm_reset();
	ck_assert_int_eq(kvm_open(&kvm, &missing), 0);
	ck_assert_int_eq(memory_init(&memory, &kvm, &config), 0);
	ck_assert_int_eq(irqchip_init(&chip, &kvm), 0);
	bus_init(&mmio);
	memset(&root, 0, sizeof(root));
	ck_assert_int_eq(loop_init(&loop), 0);
	event_monitor_init(&events, -1);
	set = NULL;
}

static void tear_down(void)
{
	virtio_set_destroy(set);
	console_end_exit(&console_end);
	event_monitor_exit(&events);
	loop_exit(&loop);
	bus_exit(&mmio);
	irqchip_exit(&chip);
	memory_exit(&memory);
	kvm_close(&kvm);
	unlink(image);
	unlink(other);
	ck_assert_int_eq(rmdir(directory), 0);
}

/* The options of @line, whose paths are those of set_up(). */
static int create(const char *line)
{
	const struct virtio_set_env env = {
		.kvm = &kvm,
		.memory = &memory,
		.irqchip = &chip,
		.mmio = &mmio,
		.root = &root,
		.loop = &loop,
		.events = &events,
		.console = &console_end,
		.first_device = FIRST,
	};

	ok(line);
	ck_assert_int_eq(
		console_end_init(&console_end, &options, &loop, complaint, sizeof(complaint)), 0);
	complaint[0] = '\0';
	return virtio_set_create(&env, &options, &set, complaint, sizeof(complaint));
}

static void create_ok(const char *line)
{
	int r = create(line);

	ck_assert_msg(r == 0, "%s: %s", line, complaint);
}

static uint32_t config_of(unsigned number, unsigned off, unsigned size)
{
	struct pci_function *function = root.functions[PCI_DEVFN_OF(number, 0)];

	ck_assert_ptr_nonnull(function);
	return function->ops->config_read(function, off, size);
}

static void check_is(unsigned number, unsigned type)
{
	ck_assert_uint_eq(config_of(number, PCI_DEVICE_ID, 2), 0x1040 + type);
	ck_assert_uint_eq(config_of(number, PCI_BASE_ADDRESS_0, 4) & ~0xfu,
			  LAYOUT_VIRTIO_BARS + number * 0x8000);
}

START_TEST(without_options_there_are_no_devices)
{
	json_t *info;

	create_ok("");
	for (unsigned i = 0; i < 256; i++)
		ck_assert_ptr_null(root.functions[i]);
	info = virtio_set_info(set);
	ck_assert_uint_eq(json_object_size(info), 0);
	json_decref(info);
}
END_TEST

START_TEST(devices_follow_the_ports_in_a_fixed_order)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "--balloon size=0 --rng src=/dev/urandom --vsock cid=3,socket=%s --console null "
		 "--disk path=%s path=%s,readonly=on",
		 socket_path, image, other);
	create_ok(line);
	check_is(FIRST, 2);
	check_is(FIRST + 1, 2);
	check_is(FIRST + 2, 3);
	check_is(FIRST + 3, 19);
	check_is(FIRST + 4, 4);
	check_is(FIRST + 5, 5);
	ck_assert_ptr_null(root.functions[PCI_DEVFN_OF(FIRST + 6, 0)]);
	ck_assert_ptr_null(root.functions[PCI_DEVFN_OF(FIRST - 1, 0)]);
}
END_TEST

START_TEST(devices_are_told_by_id_or_kind_and_number)
{
	json_t *info, *expected;
	char line[256];

	snprintf(line, sizeof(line), "--disk path=%s,id=root path=%s --rng src=/dev/urandom", image,
		 other);
	create_ok(line);
	info = virtio_set_info(set);
	expected = json_pack("{s:{s:s, s:s}, s:{s:s, s:s}, s:{s:s, s:s}}", "root", "id", "root",
			     "pci_bdf", "0000:00:03.0", "disk1", "id", "disk1", "pci_bdf",
			     "0000:00:04.0", "rng0", "id", "rng0", "pci_bdf", "0000:00:05.0");
	ck_assert(json_equal(info, expected));
	json_decref(info);
	json_decref(expected);
}
END_TEST

START_TEST(one_that_cannot_be_made_is_named_and_leaves_nothing)
{
	char line[256], expected[256];
	struct stat st;

	snprintf(line, sizeof(line), "--vsock cid=3,socket=%s --rng src=/nowhere", socket_path);
	ck_assert_int_lt(create(line), 0);
	ck_assert_ptr_null(set);
	snprintf(expected, sizeof(expected), "--rng: rng0: ");
	ck_assert_msg(!strncmp(complaint, expected, strlen(expected)), "%s", complaint);
	ck_assert_ptr_nonnull(strstr(complaint, "/nowhere"));
	ck_assert_int_lt(stat(socket_path, &st), 0);

	memset(&root, 0, sizeof(root));
	snprintf(line, sizeof(line), "--disk path=%s/none", directory);
	ck_assert_int_lt(create(line), 0);
	ck_assert_msg(!strncmp(complaint, "--disk: disk0: ", 15), "%s", complaint);
}
END_TEST

/* %1$s: the test's directory. */
static const struct {
	const char *line, *complaint;
} failures[] = {
	{ "--disk path=%1$s/none",
	  "--disk: disk0: %1$s/none: No such file or directory: make one with truncate -s SIZE" },
	{ "--disk path=%1$s,id=root", "--disk: root: %1$s is a directory" },
	{ "--disk path=/dev/zero",
	  "--disk: disk0: /dev/zero is neither a file nor a block device" },
	{ "--disk path=%1$s/a.img path=%1$s/a.img",
	  "--disk: disk1: %1$s/a.img is in use by this VM, as another disk; only readonly=on disks "
	  "can share an image" },
	{ "--net socket=%1$s/none,id=wan", "--net: wan: " },
	{ "--net passt=on", "--net: net0: " },
	{ "--net tap=a/b", "--net: net0: 'a/b' is no name for a tap" },
	{ "--net fd=977", "--net: net0: descriptor 977: Bad file descriptor" },
	{ "--net fd=2", "--net: net0: fd=2 is no tap device" },
	{ "--memory shared=on --fs tag=t,socket=%1$s/none", "--fs: fs0: " },
	{ "--vsock cid=3,socket=%1$s/none/x", "--vsock: vsock0: " },
	{ "--vsock cid=3,socket=%1$s/a.img", "--vsock: vsock0: " },
	{ "--rng src=%1$s/none", "--rng: rng0: " },
	{ "--rng src=%1$s", "--rng: rng0: " },
};

/* A path that nobody types, but a tool may make. */
START_TEST(a_long_path_leaves_room_for_what_is_wrong)
{
	char line[700] = "--disk path=/";

	memset(line + strlen(line), 'x', 250);
	strcat(line, "/");
	memset(line + strlen(line), 'y', 250);
	ck_assert_int_lt(create(line), 0);
	ck_assert_ptr_nonnull(strstr(complaint, "y: No such file or directory"));
}
END_TEST

START_TEST(what_the_host_lacks_is_one_line_that_names_the_device)
{
	char line[256], expected[300];

	ck_assert_int_eq(setenv("PATH", "/nowhere", 1), 0);
	snprintf(line, sizeof(line), failures[_i].line, directory);
	snprintf(expected, sizeof(expected), failures[_i].complaint, directory);
	ck_assert_int_lt(create(line), 0);
	ck_assert_msg(!strncmp(complaint, expected, strlen(expected)), "'%s', not '%s'", complaint,
		      expected);
	ck_assert_ptr_null(strchr(complaint, '\n'));
	ck_assert_ptr_null(set);
}
END_TEST

/* What a reboot does. */
START_TEST(they_can_be_made_again)
{
	char line[256];

	snprintf(line, sizeof(line), "--disk path=%s --vsock cid=3,socket=%s", image, socket_path);
	create_ok(line);
	virtio_set_destroy(set);
	set = NULL;
	memset(&root, 0, sizeof(root));
	console_end_exit(&console_end);
	create_ok(line);
	check_is(FIRST, 2);
}
END_TEST

START_TEST(only_a_balloon_can_be_resized)
{
	create_ok("--balloon size=1M");
	ck_assert_int_eq(virtio_set_balloon(set, MIB(4)), 0);
	ck_assert_uint_eq(virtio_set_balloon_actual(set), 0); /* no guest has given anything */
	virtio_set_destroy(set);
	set = NULL;
	memset(&root, 0, sizeof(root));
	create_ok("--rng src=/dev/urandom");
	ck_assert_int_eq(virtio_set_balloon(set, MIB(4)), -ENODEV);
	ck_assert_int_eq(virtio_set_balloon(NULL, MIB(4)), -ENODEV);
}
END_TEST

START_TEST(disks_have_counters_and_others_none)
{
	json_t *counters = json_pack("{s:{s:i}}", "gpu", "entries", 1), *expected;
	char line[256];

	snprintf(line, sizeof(line), "--disk path=%s,id=root --rng src=/dev/urandom", image);
	create_ok(line);
	virtio_set_counters(set, counters);
	virtio_set_counters(NULL, counters);
	expected = json_pack("{s:{s:i}, s:{s:i, s:i, s:i, s:i, s:i}}", "gpu", "entries", 1, "root",
			     "read_bytes", 0, "read_ops", 0, "write_bytes", 0, "write_ops", 0,
			     "io_errors", 0);
	ck_assert(json_equal(counters, expected));
	json_decref(counters);
	json_decref(expected);
}
END_TEST

START_TEST(a_card_has_counters)
{
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	json_t *counters = json_object(), *card;
	char line[160];
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/passt", directory);
	ck_assert_int_eq(bind(server, (void *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(server, 1), 0);
	snprintf(line, sizeof(line), "--net socket=%s", address.sun_path);
	create_ok(line);
	virtio_set_counters(set, counters);
	card = json_object_get(counters, "net0");
	ck_assert_uint_eq(json_object_size(card), 6);
	ck_assert_int_eq(json_integer_value(json_object_get(card, "rx_frames")), 0);
	ck_assert(json_is_integer(json_object_get(card, "tx_bytes")));
	json_decref(counters);
	close(server);
	unlink(address.sun_path);
}
END_TEST

/* The descriptors are tried, and stay those of whoever passed them in. */
START_TEST(a_descriptor_that_is_no_tap_is_refused_and_not_closed)
{
	int fd = open("/dev/null", O_RDWR);
	char line[64];

	snprintf(line, sizeof(line), "--net fd=%d", fd);
	ck_assert_int_lt(create(line), 0);
	ck_assert_msg(!strncmp(complaint, "--net: net0: ", 13), "%s", complaint);
	ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
	close(fd);
	ck_assert_int_lt(create(line), 0);
	ck_assert_ptr_nonnull(strstr(complaint, "Bad file descriptor"));
}
END_TEST

START_TEST(a_pseudo_terminal_has_a_path)
{
	int fd;

	create_ok("--console pty");
	check_is(FIRST, 3);
	ck_assert_msg(!strncmp(console_end.path, "/dev/pts/", 9), "%s", console_end.path);
	fd = open(console_end.path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	close(fd);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("virtio set");
	TCase *t = suite_case(s, "virtio set", set_up, tear_down);

	tcase_add_test(t, without_options_there_are_no_devices);
	tcase_add_test(t, devices_follow_the_ports_in_a_fixed_order);
	tcase_add_test(t, devices_are_told_by_id_or_kind_and_number);
	tcase_add_test(t, one_that_cannot_be_made_is_named_and_leaves_nothing);
	tcase_add_loop_test(t, what_the_host_lacks_is_one_line_that_names_the_device, 0,
			    ARRAY_SIZE(failures));
	tcase_add_test(t, a_long_path_leaves_room_for_what_is_wrong);
	tcase_add_test(t, they_can_be_made_again);
	tcase_add_test(t, only_a_balloon_can_be_resized);
	tcase_add_test(t, disks_have_counters_and_others_none);
	tcase_add_test(t, a_card_has_counters);
	tcase_add_test(t, a_descriptor_that_is_no_tap_is_refused_and_not_closed);
	tcase_add_test(t, a_pseudo_terminal_has_a_path);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
