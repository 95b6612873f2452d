/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host that fails: the guest gets an I/O error for that request, the log one line, and the disk
 * goes on. Each failure here is a real one of the kernel: a full file system, a limit, a seal, a
 * file that somebody made shorter.
 */
#include "devices/virtio/blk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/blk_rig.h"
#include "tests/unit/log_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/event.h"
#include "vmm/rate_limit.h"

#define SECTOR 512u

static struct event_monitor monitor;
static int events_fd; /* what the monitor has written */

static void setup(void)
{
	blk_rig_setup();
	log_rig_begin();
}

static void teardown(void)
{
	log_rig_end();
	blk_rig_teardown();
}

/* Exactly one line of the log so far, and it says @words. */
static void expect_one_line(const char *words)
{
	unsigned nr = log_rig_lines();

	ck_assert_msg(nr == 1 && strstr(log_rig.text, words), "no one line with \"%s\": %s", words,
		      log_rig.text);
}

static void expect_alive(void)
{
	uint8_t data[SECTOR];

	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, 3, data, SECTOR), VIRTIO_BLK_S_OK);
}

START_TEST(a_file_that_became_shorter_is_an_io_error)
{
	uint8_t data[2 * SECTOR];

	blk_rig_start_default();
	ck_assert_int_eq(truncate(blk_rig_path, 100 * SECTOR), 0);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, 100, data, SECTOR), VIRTIO_BLK_S_IOERR);
	/* The first half is there. */
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, 99, data, 2 * SECTOR), VIRTIO_BLK_S_IOERR);
	expect_one_line("read at byte 51200 failed");
	expect_alive();
}
END_TEST

START_TEST(each_kind_of_failure_is_one_line)
{
	uint8_t data[SECTOR];

	blk_rig_start_default();
	ck_assert_int_eq(truncate(blk_rig_path, 100 * SECTOR), 0);
	for (unsigned i = 0; i < 200; i++)
		ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, 200 + i, data, SECTOR),
				 VIRTIO_BLK_S_IOERR);
	expect_one_line("Input/output error");
}
END_TEST

/* --- events -------------------------------------------------------------------------------------
 */

static void setup_events(void)
{
	struct blk_config config = blk_rig_config();
	int ends[2];

	setup();
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	events_fd = ends[0];
	event_monitor_init(&monitor, ends[1]);
	config.events = &monitor;
	config.name = "root";
	blk_rig_start(&config, BLK_RIG_ALL);
	ck_assert_int_eq(truncate(blk_rig_path, 100 * SECTOR), 0);
}

static void teardown_events(void)
{
	teardown();
	event_monitor_exit(&monitor);
	close(events_fd);
}

/* The properties of the next event. NULL: there is none. */
static json_t *next_event(void)
{
	static char text[65536];
	static size_t len;
	ssize_t done = read(events_fd, text + len, sizeof(text) - 1 - len);
	json_t *line, *properties;
	char *end;

	len += done > 0 ? (size_t)done : 0;
	text[len] = '\0';
	end = strchr(text, '\n');
	if (!end)
		return NULL;
	line = json_loadb(text, (size_t)(end - text), 0, NULL);
	len -= (size_t)(end + 1 - text);
	memmove(text, end + 1, len + 1);
	ck_assert_str_eq(json_string_value(json_object_get(line, "event")), "disk-io-error");
	ck_assert_str_eq(json_string_value(json_object_get(line, "source")), "device");
	properties = json_incref(json_object_get(line, "properties"));
	json_decref(line);
	return properties;
}

static void expect_event(const char *operation, int sector, int suppressed)
{
	json_t *properties = next_event(), *expected;

	ck_assert_ptr_nonnull(properties);
	ck_assert_int_eq(json_object_del(properties, "t_ns"), 0);
	expected = json_pack("{s:s, s:s, s:i, s:s, s:i}", "id", "root", "operation", operation,
			     "sector", sector, "errno", "EIO", "suppressed", suppressed);
	ck_assert_msg(json_equal(properties, expected), "%s", json_dumps(properties, 0));
	json_decref(properties);
	json_decref(expected);
}

START_TEST(a_failure_is_an_event_with_its_place)
{
	uint8_t data[2 * SECTOR];

	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, 1000, data, SECTOR), VIRTIO_BLK_S_IOERR);
	expect_event("read", 1000, 0);
	/* Where it failed, not where the request begins. */
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, 99, data, 2 * SECTOR), VIRTIO_BLK_S_IOERR);
	expect_event("read", 100, 0);
	/* What the guest itself does wrong is none. */
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, UINT64_C(1) << 50, data, SECTOR),
			 VIRTIO_BLK_S_IOERR);
	ck_assert_ptr_null(next_event());
}
END_TEST

START_TEST(a_guest_cannot_flood_the_events)
{
	struct blk_counters counters;
	uint64_t begin = now_ns();
	uint8_t data[SECTOR];
	unsigned seen = 0;
	json_t *event;

	for (unsigned i = 0; i < 300; i++)
		ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, 200, data, SECTOR),
				 VIRTIO_BLK_S_IOERR);
	for (; (event = next_event()); seen++)
		json_decref(event);
	ck_assert_uint_ge(seen, RATE_LIMIT_BURST);
	ck_assert_uint_le(seen, RATE_LIMIT_BURST + (now_ns() - begin) / RATE_LIMIT_PERIOD_NS);
	blk_count(blk_rig_blk, &counters);
	ck_assert_uint_eq(counters.io_errors, 300);
}
END_TEST

START_TEST(what_the_guest_reads_and_writes_is_counted)
{
	struct blk_counters counters;
	uint8_t data[4 * SECTOR] = { 1 };

	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, 0, data, 4 * SECTOR), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, 7, data, SECTOR), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 7, data, 2 * SECTOR), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_FLUSH, 0, NULL, 0), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_GET_ID, 0, data, 20), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_IN, 1000, data, SECTOR), VIRTIO_BLK_S_IOERR);
	blk_count(blk_rig_blk, &counters);
	ck_assert_uint_eq(counters.read_ops, 2);
	ck_assert_uint_eq(counters.read_bytes, 5 * SECTOR);
	ck_assert_uint_eq(counters.write_ops, 1);
	ck_assert_uint_eq(counters.write_bytes, 2 * SECTOR);
	ck_assert_uint_eq(counters.io_errors, 1);
}
END_TEST

START_TEST(a_write_to_a_readonly_disk_does_not_reach_the_host)
{
	struct blk_config config = blk_rig_config();
	uint8_t data[SECTOR] = { 0 };

	config.readonly = true;
	blk_rig_start(&config, BLK_RIG_ALL);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 0, data, SECTOR), VIRTIO_BLK_S_IOERR);
	/* The host would have refused, in a line. */
	ck_assert_uint_eq(log_rig_lines(), 0);
}
END_TEST

START_TEST(a_file_size_limit_is_an_io_error)
{
	struct rlimit before, low;
	uint8_t data[SECTOR] = { 1 };

	blk_rig_start_default();
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	low = before;
	low.rlim_cur = MIB(1);
	/* Who goes over the limit gets the signal too. */
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &low), 0);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 4096, data, SECTOR), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 0, data, SECTOR), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	expect_one_line("File too large");
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 4096, data, SECTOR), VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(a_host_that_forbids_writing_is_an_io_error)
{
	struct blk_config config = blk_rig_config();
	uint8_t data[SECTOR] = { 1 };
	char path[64];
	int fd = memfd_create("disk", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, MIB(1)), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	config.path = path;
	blk_rig_start(&config, BLK_RIG_ALL);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 0, data, SECTOR), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 0, data, SECTOR), VIRTIO_BLK_S_IOERR);
	expect_one_line("Operation not permitted");
	expect_alive();
	close(fd);
}
END_TEST

/* A small file system of the test's own, over its directory. False where this user may not. */
static bool mount_small(void)
{
	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return false;
	/* Nothing of it may be seen outside. */
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	return mount("small", blk_rig_dir, "tmpfs", 0, "size=256k") == 0;
}

START_TEST(a_full_file_system_is_an_io_error_and_room_makes_it_work_again)
{
	char filler[160];
	uint8_t *data;
	int fd;

	if (!mount_small()) {
		printf("not tried: no mount here: %s\n", strerror(errno));
		return;
	}
	fd = open(blk_rig_path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, MIB(1)), 0); /* sparse, and more than there is */
	close(fd);
	data = virtio_rig_at(&blk_rig, MIB(8), 65536);
	memset(data, 0x77, 65536);
	snprintf(filler, sizeof(filler), "%s/filler", blk_rig_dir);
	fd = open(filler, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, data, 65536), 65536);
	close(fd);

	blk_rig_start_default();
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, i * 128, data, 57344),
				 VIRTIO_BLK_S_OK);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 512, data, 65536), VIRTIO_BLK_S_IOERR);
	expect_one_line("No space left on device");
	expect_alive();
	ck_assert_int_eq(unlink(filler), 0);
	ck_assert_int_eq(blk_rig_do(VIRTIO_BLK_T_OUT, 512, data, 65536), VIRTIO_BLK_S_OK);
	blk_destroy(blk_rig_blk);
	blk_rig_blk = NULL;
	ck_assert_int_eq(umount2(blk_rig_dir, MNT_DETACH), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("blk_failure");
	TCase *tcase;

	tcase = suite_case(suite, "host", setup, teardown);
	tcase_add_test(tcase, a_file_that_became_shorter_is_an_io_error);
	tcase_add_test(tcase, each_kind_of_failure_is_one_line);
	tcase_add_test(tcase, a_write_to_a_readonly_disk_does_not_reach_the_host);
	tcase_add_test(tcase, a_file_size_limit_is_an_io_error);
	tcase_add_test(tcase, a_host_that_forbids_writing_is_an_io_error);
	tcase_add_test(tcase, a_full_file_system_is_an_io_error_and_room_makes_it_work_again);

	tcase = suite_case(suite, "events", setup_events, teardown_events);
	tcase_add_test(tcase, a_failure_is_an_event_with_its_place);
	tcase_add_test(tcase, a_guest_cannot_flood_the_events);
	tcase_add_test(tcase, what_the_guest_reads_and_writes_is_counted);
	return blk_rig_run(suite);
}
