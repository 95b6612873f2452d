/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtio file system: what the guest sees of it, and a daemon that goes. */
#include "devices/virtio/fs.h"

#include <errno.h>
#include <linux/virtio_fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "devices/virtio/vhost_user.h"
#include "tests/unit/daemon_rig.h"
#include "tests/unit/suite.h"
#include "tests/unit/virtio_rig.h"
#include "vmm/bits.h"
#include "vmm/event.h"
#include "vmm/loop.h"

#define WAIT_MS 20000

static struct daemon_rig daemon_rig;
static struct virtio_rig rig;
static struct loop loop;
static struct event_monitor events;
static int events_fd;
static struct fs *fs;
static char why[200];
static struct fs_config config;
static struct vhost_user kept;

static void make_rigs(bool shared)
{
	virtio_rig_init(&rig, shared);
	daemon_rig_init(&daemon_rig);
	ck_assert_int_eq(loop_init(&loop), 0);
	events_fd = memfd_create("events", MFD_CLOEXEC);
	event_monitor_init(&events, dup(events_fd));
	fs = NULL;
	kept = (struct vhost_user){ .fd = -1 };
	config = (struct fs_config){
		.name = "fs0",
		.tag = "home",
		.socket = daemon_rig.path,
		.nr_queues = 2,
		.queue_size = 64,
	};
}

static void setup(void)
{
	make_rigs(true);
}

static void setup_private(void)
{
	make_rigs(false);
}

static void teardown(void)
{
	fs_destroy(fs);
	vhost_user_exit(&kept);
	daemon_rig_exit(&daemon_rig);
	event_monitor_exit(&events);
	close(events_fd);
	loop_exit(&loop);
	virtio_rig_exit(&rig);
}

static int create(void)
{
	daemon_rig_start(&daemon_rig);
	return fs_create(&config, &rig.memory, &loop, &events, &fs, why, sizeof(why));
}

/* As a reboot does: the device is gone, and made again. */
static int create_again(void)
{
	fs_destroy(fs);
	fs = NULL;
	return fs_create(&config, &rig.memory, &loop, &events, &fs, why, sizeof(why));
}

/* Lines of the event monitor with @text in them. */
static unsigned count_events(const char *text)
{
	static char all[1 << 16];
	ssize_t len = pread(events_fd, all, sizeof(all) - 1, 0);
	unsigned count = 0;

	ck_assert_int_ge(len, 0);
	all[len] = 0;
	for (char *at = all; (at = strstr(at, text)); at++)
		count++;
	return count;
}

START_TEST(guest_reads_tag_and_queues)
{
	struct virtio_fs_config seen;

	ck_assert_int_eq(create(), 0);
	ck_assert_uint_eq(fs_device(fs)->config_size, sizeof(seen));
	fs_device(fs)->ops->config_read(fs_device(fs), 0, &seen, sizeof(seen));
	ck_assert_mem_eq(seen.tag, "home\0\0\0", 7);
	ck_assert_uint_eq(seen.num_request_queues, 2);
	fs_device(fs)->ops->config_read(fs_device(fs), 36, &seen, 4);
	ck_assert_uint_eq(*(uint32_t *)(void *)&seen, 2);
}
END_TEST

START_TEST(features_are_those_of_the_daemon_that_are_known)
{
	uint64_t features;

	ck_assert_int_eq(create(), 0);
	features = virtio_device_features(fs_device(fs));
	ck_assert_uint_eq(features, UINT64_C(1) << VIRTIO_F_VERSION_1 |
					    UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX);
}
END_TEST

START_TEST(driver_starts_the_daemons_queues)
{
	const struct daemon_message *in = NULL;

	ck_assert_int_eq(create(), 0);
	virtio_rig_start(&rig, fs_device(fs), UINT64_MAX, 3);
	ck_assert_uint_eq(daemon_rig_count(&daemon_rig, VHOST_USER_SET_VRING_ENABLE, &in), 3);
	virtio_rig_reset(&rig);
	ck_assert_uint_eq(daemon_rig_count(&daemon_rig, VHOST_USER_GET_VRING_BASE, NULL), 3);
	virtio_rig_start(&rig, fs_device(fs), UINT64_MAX, 3);
	ck_assert_uint_eq(daemon_rig_count(&daemon_rig, VHOST_USER_SET_VRING_ENABLE, NULL), 6);
	ck_assert_uint_eq(count_events("fs-backend-lost"), 0);
}
END_TEST

START_TEST(daemon_that_dies_is_one_event)
{
	ck_assert_int_eq(create(), 0);
	virtio_rig_start(&rig, fs_device(fs), UINT64_MAX, 3);
	daemon_rig_die(&daemon_rig);
	for (unsigned ms = 0; ms < WAIT_MS && !count_events("fs-backend-lost"); ms++)
		virtio_rig_loop_run(&loop, 1);
	ck_assert(virtio_rig_needs_reset(&rig, 0));
	/* The driver tries again, and the end comes. */
	virtio_rig_reset(&rig);
	virtio_rig_start(&rig, fs_device(fs), UINT64_MAX, 3);
	ck_assert(virtio_rig_needs_reset(&rig, 0));
	virtio_rig_loop_run(&loop, 1);
	ck_assert_uint_eq(count_events("fs-backend-lost"), 1);
	ck_assert_uint_eq(count_events("\"id\":\"fs0\",\"reason\":\"has gone\""), 1);
}
END_TEST

START_TEST(daemon_that_lies_is_lost)
{
	daemon_rig.lie = DAEMON_WRONG_SIZE;
	daemon_rig.lie_at = VHOST_USER_SET_MEM_TABLE;
	ck_assert_int_eq(create(), 0);
	virtio_rig_start(&rig, fs_device(fs), UINT64_MAX, 3);
	ck_assert(virtio_rig_needs_reset(&rig, 0));
	ck_assert_uint_eq(count_events("\"reason\":\"answers nonsense\""), 1);
	/* Its socket, which was closed for that, is no second event. */
	for (unsigned i = 0; i < 5; i++)
		virtio_rig_loop_run(&loop, 1);
	ck_assert_uint_eq(count_events("fs-backend-lost"), 1);
}
END_TEST

START_TEST(daemon_that_lies_about_the_stop_does_not_hold_the_reset)
{
	daemon_rig.lie = DAEMON_WRONG_INDEX;
	daemon_rig.lie_at = VHOST_USER_GET_VRING_BASE;
	ck_assert_int_eq(create(), 0);
	virtio_rig_start(&rig, fs_device(fs), UINT64_MAX, 3);
	virtio_rig_reset(&rig);
	ck_assert_uint_eq(count_events("fs-backend-lost"), 1);
}
END_TEST

/* It would not take a second connection. */
START_TEST(daemon_serves_another_boot_on_the_same_connection)
{
	config.link = &kept;
	ck_assert_int_eq(create(), 0);
	virtio_rig_start(&rig, fs_device(fs), UINT64_MAX, 3);
	virtio_rig_reset(&rig);
	ck_assert_int_eq(create_again(), 0);
	virtio_rig_start(&rig, fs_device(fs), UINT64_MAX, 3);
	ck_assert(!virtio_rig_needs_reset(&rig, 0));
	ck_assert_uint_eq(daemon_rig_count(&daemon_rig, VHOST_USER_SET_OWNER, NULL), 1);
	ck_assert_uint_eq(daemon_rig_count(&daemon_rig, VHOST_USER_SET_MEM_TABLE, NULL), 2);
	ck_assert_uint_eq(daemon_rig_count(&daemon_rig, VHOST_USER_SET_VRING_ENABLE, NULL), 6);
	ck_assert_uint_eq(count_events("fs-backend-lost"), 0);
	/* It is watched as before. */
	daemon_rig_die(&daemon_rig);
	for (unsigned ms = 0; ms < WAIT_MS && !count_events("fs-backend-lost"); ms++)
		virtio_rig_loop_run(&loop, 1);
	ck_assert_uint_eq(count_events("fs-backend-lost"), 1);
}
END_TEST

START_TEST(daemon_that_is_gone_at_a_reboot_is_one_event_and_no_failure)
{
	uint64_t features;

	config.link = &kept;
	ck_assert_int_eq(create(), 0);
	features = virtio_device_features(fs_device(fs));
	daemon_rig_die(&daemon_rig);
	config.socket = "/tmp/no/such/socket";
	ck_assert_int_eq(create_again(), 0);
	ck_assert_uint_eq(count_events("\"id\":\"fs0\",\"reason\":\"has gone\""), 1);
	ck_assert_uint_eq(virtio_device_features(fs_device(fs)), features);
	virtio_rig_start(&rig, fs_device(fs), UINT64_MAX, 3);
	ck_assert(virtio_rig_needs_reset(&rig, 0));
	virtio_rig_loop_run(&loop, 1);
	ck_assert_uint_eq(count_events("fs-backend-lost"), 1);
}
END_TEST

START_TEST(daemon_that_was_started_again_serves_the_next_boot)
{
	struct daemon_rig second;

	daemon_rig_init(&second);
	config.link = &kept;
	ck_assert_int_eq(create(), 0);
	daemon_rig_die(&daemon_rig);
	config.socket = second.path;
	daemon_rig_start(&second);
	ck_assert_int_eq(create_again(), 0);
	virtio_rig_start(&rig, fs_device(fs), UINT64_MAX, 3);
	ck_assert_uint_eq(daemon_rig_count(&second, VHOST_USER_SET_VRING_ENABLE, NULL), 3);
	ck_assert_uint_eq(count_events("fs-backend-lost"), 0);
	virtio_rig_reset(&rig);
	fs_destroy(fs);
	fs = NULL;
	vhost_user_exit(&kept);
	daemon_rig_exit(&second);
}
END_TEST

START_TEST(daemon_that_was_never_there_is_a_failure_with_a_link_too)
{
	config.link = &kept;
	config.socket = "/tmp/no/such/socket";
	ck_assert_int_eq(create(), -ENOENT);
	ck_assert_int_eq(create_again(), -ENOENT);
}
END_TEST

START_TEST(private_memory_is_refused)
{
	ck_assert_int_eq(create(), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(why, "--memory shared=on"));
}
END_TEST

START_TEST(daemon_that_is_not_there_is_named)
{
	config.socket = "/tmp/no/such/socket";
	ck_assert_int_eq(create(), -ENOENT);
	ck_assert_str_eq(why, "nobody listens on /tmp/no/such/socket (No such file or directory): "
			      "start virtiofsd before");
}
END_TEST

START_TEST(more_queues_than_the_daemon_has_are_refused)
{
	config.nr_queues = 3;
	ck_assert_int_eq(create(), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "num_queues=3"));
	ck_assert_ptr_nonnull(strstr(why, "serves 2 at most"));
}
END_TEST

START_TEST(legacy_daemon_is_refused)
{
	daemon_rig.features &= ~(UINT64_C(1) << VIRTIO_F_VERSION_1);
	ck_assert_int_eq(create(), -EPROTO);
	ck_assert_ptr_nonnull(strstr(why, "does not speak Virtio 1"));
}
END_TEST

START_TEST(tag_has_a_length)
{
	config.tag = _i ? "0123456789012345678901234567890123456" : "";
	ck_assert_int_eq(create(), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "want 1 to 36 bytes"));
}
END_TEST

START_TEST(queue_numbers_have_a_limit)
{
	config.nr_queues = _i ? VIRTIO_MAX_QUEUES : 0;
	ck_assert_int_eq(create(), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "want 1 to 63"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fs");
	TCase *guest = suite_case(suite, "guest", setup, teardown);
	TCase *user = suite_case(suite, "user", setup, teardown);
	TCase *memory = suite_case(suite, "memory", setup_private, teardown);

	tcase_add_test(guest, guest_reads_tag_and_queues);
	tcase_add_test(guest, features_are_those_of_the_daemon_that_are_known);
	tcase_add_test(guest, driver_starts_the_daemons_queues);
	tcase_add_test(guest, daemon_that_dies_is_one_event);
	tcase_add_test(guest, daemon_that_lies_is_lost);
	tcase_add_test(guest, daemon_that_lies_about_the_stop_does_not_hold_the_reset);
	tcase_add_test(guest, daemon_serves_another_boot_on_the_same_connection);
	tcase_add_test(guest, daemon_that_is_gone_at_a_reboot_is_one_event_and_no_failure);
	tcase_add_test(guest, daemon_that_was_started_again_serves_the_next_boot);
	tcase_add_test(guest, daemon_that_was_never_there_is_a_failure_with_a_link_too);
	tcase_add_test(memory, private_memory_is_refused);
	tcase_add_test(user, daemon_that_is_not_there_is_named);
	tcase_add_test(user, more_queues_than_the_daemon_has_are_refused);
	tcase_add_test(user, legacy_daemon_is_refused);
	tcase_add_loop_test(user, tag_has_a_length, 0, 2);
	tcase_add_loop_test(user, queue_numbers_have_a_limit, 0, 2);
	return suite_run(suite);
}
