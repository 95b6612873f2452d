/* SPDX-License-Identifier: BSD-3-Clause */
/* The front end of vhost-user, against a daemon that does as it should and one that does not. */
#include "devices/virtio/vhost_user.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "devices/virtio/queue.h"
#include "tests/unit/daemon_rig.h"
#include "tests/unit/suite.h"
#include "tests/unit/virtio_rig.h"
#include "vmm/bits.h"

#define PATIENT_MS   60000
#define IMPATIENT_MS 100
#define FEATURES     (UINT64_C(1) << VIRTIO_F_VERSION_1)

static struct daemon_rig daemon_rig;
static struct vhost_user user;
static struct virtio_rig rig;
static struct virtq queues[3];

static void setup(void)
{
	virtio_rig_init(&rig, true);
	daemon_rig_init(&daemon_rig);
	memset(&user, 0, sizeof(user));
	user.fd = -1;
	for (unsigned i = 0; i < ARRAY_SIZE(queues); i++) {
		queues[i] = (struct virtq){
			.index = (uint16_t)i,
			.size = 64,
			.size_max = 64,
			.enabled = i != 1,
			.kick_fd = eventfd(0, EFD_CLOEXEC),
			.call_fd = i ? eventfd(0, EFD_CLOEXEC) : -1,
			.desc = virtio_rig_alloc(&rig, 4096, 4096),
			.avail = virtio_rig_alloc(&rig, 4096, 4096),
			.used = virtio_rig_alloc(&rig, 4096, 4096),
		};
		ck_assert_int_eq(virtq_start(&queues[i], &rig.memory, FEATURES), 0);
	}
}

static void teardown(void)
{
	vhost_user_exit(&user);
	daemon_rig_exit(&daemon_rig);
	for (unsigned i = 0; i < ARRAY_SIZE(queues); i++) {
		close_fd(&queues[i].kick_fd);
		close_fd(&queues[i].call_fd);
	}
	virtio_rig_exit(&rig);
}

static int connect_it(unsigned timeout_ms)
{
	daemon_rig_start(&daemon_rig);
	return vhost_user_init(&user, daemon_rig.path, timeout_ms);
}

static int start(void)
{
	return vhost_user_start(&user, &rig.memory, FEATURES, queues, ARRAY_SIZE(queues));
}

static int stop(void)
{
	return vhost_user_stop(&user, queues, ARRAY_SIZE(queues));
}

START_TEST(features_are_agreed_on)
{
	ck_assert_int_eq(connect_it(PATIENT_MS), 0);
	ck_assert_uint_eq(user.features, daemon_rig.features);
	ck_assert_uint_eq(user.nr_queues, 3);
	/* MQ and REPLY_ACK, and none that nobody here knows. */
	ck_assert_uint_eq(user.protocol, 9);
	ck_assert_uint_eq(daemon_rig_count(&daemon_rig, VHOST_USER_SET_OWNER, NULL), 1);
}
END_TEST

START_TEST(daemon_without_protocol_features_is_not_asked_for_any)
{
	daemon_rig.features = FEATURES;
	ck_assert_int_eq(connect_it(PATIENT_MS), 0);
	ck_assert_int_eq(start(), 0);
	ck_assert_int_eq(stop(), 0);
	ck_assert_uint_eq(daemon_rig_count(&daemon_rig, VHOST_USER_GET_PROTOCOL_FEATURES, NULL), 0);
	ck_assert_uint_eq(daemon_rig_count(&daemon_rig, VHOST_USER_GET_QUEUE_NUM, NULL), 0);
	ck_assert_uint_eq(daemon_rig_count(&daemon_rig, VHOST_USER_SET_VRING_ENABLE, NULL), 0);
	ck_assert_uint_eq(user.nr_queues, UINT64_MAX);
}
END_TEST

START_TEST(memory_is_the_guests_own)
{
	const struct daemon_message *in = NULL;
	const char *word;

	ck_assert_int_eq(connect_it(PATIENT_MS), 0);
	strcpy(virtio_rig_at(&rig, 0x5000, 16), "seen by both");
	ck_assert_int_eq(start(), 0);
	ck_assert_uint_eq(daemon_rig_count(&daemon_rig, VHOST_USER_SET_MEM_TABLE, &in), 1);
	ck_assert_uint_eq(in->message.payload.memory.nr, rig.memory.nr_ram);
	ck_assert_uint_eq(in->nr_fds, rig.memory.nr_ram);
	ck_assert_uint_eq(in->message.size, 8 + rig.memory.nr_ram * 32);
	ck_assert_uint_eq(in->message.payload.memory.regions[0].guest_addr, 0);
	ck_assert_uint_eq(in->message.payload.memory.regions[0].size, VIRTIO_RIG_RAM);
	ck_assert_uint_eq(in->message.payload.memory.regions[0].mmap_offset, 0);
	word = mmap(NULL, VIRTIO_RIG_RAM, PROT_READ, MAP_SHARED, in->fds[0], 0);
	ck_assert_ptr_ne(word, MAP_FAILED);
	ck_assert_str_eq(word + 0x5000, "seen by both");
	munmap((void *)word, VIRTIO_RIG_RAM);
}
END_TEST

START_TEST(memory_above_4g_is_a_region_of_its_own)
{
	struct memory two = rig.memory;
	const struct daemon_message *in = NULL;
	uint64_t half = VIRTIO_RIG_RAM / 2;

	/* As vmm/memory.c lays it out: one zone, cut in two. */
	two.nr_ram = 2;
	two.ram[0].size = half;
	two.ram[1] = (struct memory_region){
		.gpa = GIB(4),
		.size = half,
		.hva = two.ram[0].hva + half,
		.fd = two.ram[0].fd,
		.fd_at = half,
	};
	ck_assert_int_eq(connect_it(PATIENT_MS), 0);
	ck_assert_int_eq(vhost_user_start(&user, &two, FEATURES, queues, 3), 0);
	daemon_rig_count(&daemon_rig, VHOST_USER_SET_MEM_TABLE, &in);
	ck_assert_ptr_nonnull(in);
	ck_assert_uint_eq(in->nr_fds, 2);
	ck_assert_uint_eq(in->message.payload.memory.regions[1].guest_addr, GIB(4));
	ck_assert_uint_eq(in->message.payload.memory.regions[1].mmap_offset, half);
	ck_assert_uint_eq(in->message.payload.memory.regions[1].user_addr,
			  VHOST_USER_RAM + two.ram[1].gpa);
}
END_TEST

START_TEST(a_ring_in_two_regions_is_refused)
{
	struct memory two = rig.memory;

	/* The avail ring of queue 0 is the first to go on in the second one. */
	two.nr_ram = 2;
	two.ram[1] = two.ram[0];
	two.ram[0].size = queues[0].avail + 2;
	two.ram[1].gpa = two.ram[0].size;
	two.ram[1].hva += two.ram[0].size;
	two.ram[1].size -= two.ram[0].size;
	ck_assert_int_eq(connect_it(PATIENT_MS), 0);
	ck_assert_int_eq(vhost_user_start(&user, &two, FEATURES, queues, 3), -EFAULT);
	ck_assert_uint_eq(daemon_rig_count(&daemon_rig, VHOST_USER_SET_MEM_TABLE, NULL), 0);
}
END_TEST

START_TEST(more_regions_than_the_table_has_are_refused)
{
	struct memory many = rig.memory;

	for (unsigned i = 1; i <= VHOST_USER_MAX_REGIONS; i++)
		many.ram[i] = many.ram[0];
	many.nr_ram = VHOST_USER_MAX_REGIONS + 1;
	ck_assert_int_eq(connect_it(PATIENT_MS), 0);
	ck_assert_int_eq(vhost_user_start(&user, &many, FEATURES, queues, 3), -ENOSPC);
}
END_TEST

START_TEST(private_memory_is_not_supported)
{
	struct memory private = rig.memory;

	private.ram[0].fd = -1;
	ck_assert_int_eq(connect_it(PATIENT_MS), 0);
	ck_assert_int_eq(vhost_user_start(&user, &private, FEATURES, queues, 3), -ENOTSUP);
}
END_TEST

START_TEST(enabled_queues_are_started_and_no_others)
{
	const struct daemon_message *in = NULL;

	ck_assert_int_eq(connect_it(PATIENT_MS), 0);
	ck_assert_int_eq(start(), 0);
	ck_assert_uint_eq(daemon_rig_count(&daemon_rig, VHOST_USER_SET_FEATURES, &in), 1);
	ck_assert_uint_eq(in->message.payload.number,
			  FEATURES | UINT64_C(1) << VHOST_USER_F_PROTOCOL_FEATURES);
	ck_assert_uint_eq(daemon_rig_count(&daemon_rig, VHOST_USER_SET_VRING_NUM, &in), 2);
	ck_assert_uint_eq(in->message.payload.state.num, 64);
	ck_assert_uint_eq(daemon_rig_count(&daemon_rig, VHOST_USER_SET_VRING_BASE, &in), 2);
	ck_assert_uint_eq(in->message.payload.state.num, 0);
	ck_assert_uint_eq(daemon_rig_count(&daemon_rig, VHOST_USER_SET_VRING_ADDR, &in), 2);
	ck_assert_uint_eq(in->message.payload.addr.index, 2);
	ck_assert_uint_eq(in->message.payload.addr.desc_user_addr, VHOST_USER_RAM + queues[2].desc);
	ck_assert_uint_eq(in->message.payload.addr.avail_user_addr,
			  VHOST_USER_RAM + queues[2].avail);
	ck_assert_uint_eq(in->message.payload.addr.used_user_addr, VHOST_USER_RAM + queues[2].used);
	ck_assert_uint_eq(daemon_rig_count(&daemon_rig, VHOST_USER_SET_VRING_ENABLE, &in), 2);
	ck_assert_uint_eq(in->message.payload.state.index, 2);
	ck_assert_uint_eq(in->message.payload.state.num, 1);
}
END_TEST

START_TEST(daemon_gets_the_queues_eventfds)
{
	const struct daemon_message *in = NULL;
	eventfd_t value = 0;

	ck_assert_int_eq(connect_it(PATIENT_MS), 0);
	ck_assert_int_eq(start(), 0);
	daemon_rig_count(&daemon_rig, VHOST_USER_SET_VRING_KICK, &in);
	ck_assert_ptr_nonnull(in);
	ck_assert_uint_eq(in->nr_fds, 1);
	ck_assert_uint_eq(in->message.payload.number, 2);
	ck_assert_int_eq(eventfd_write(queues[2].kick_fd, 5), 0);
	ck_assert_int_eq(eventfd_read(in->fds[0], &value), 0);
	ck_assert_uint_eq(value, 5);
	daemon_rig_count(&daemon_rig, VHOST_USER_SET_VRING_CALL, &in);
	ck_assert_int_eq(eventfd_write(in->fds[0], 7), 0);
	ck_assert_int_eq(eventfd_read(queues[2].call_fd, &value), 0);
	ck_assert_uint_eq(value, 7);
}
END_TEST

START_TEST(queue_without_vector_gets_no_eventfd)
{
	bool seen = false;

	ck_assert_int_eq(connect_it(PATIENT_MS), 0);
	ck_assert_int_eq(start(), 0);
	for (unsigned i = 0; i < daemon_rig.nr; i++) {
		const struct daemon_message *in = &daemon_rig.messages[i];

		if (in->message.request == VHOST_USER_SET_VRING_CALL &&
		    in->message.payload.number == VHOST_USER_VRING_NO_FD)
			seen = in->nr_fds == 0;
	}
	ck_assert(seen);
}
END_TEST

START_TEST(stop_waits_for_the_daemons_word)
{
	ck_assert_int_eq(connect_it(PATIENT_MS), 0);
	ck_assert_int_eq(start(), 0);
	ck_assert_int_eq(stop(), 0);
	ck_assert_uint_eq(daemon_rig_count(&daemon_rig, VHOST_USER_GET_VRING_BASE, NULL), 2);
	ck_assert_int_eq(start(), 0);
}
END_TEST

/* What an answer that is wrong comes to. The first of these is asked first of all. */
static const struct {
	enum daemon_lie lie;
	int err;
} lies[] = {
	{ DAEMON_SILENT, -ETIMEDOUT },	      { DAEMON_ENDS, -ECONNRESET },
	{ DAEMON_ENDS_HALFWAY, -ECONNRESET }, { DAEMON_WRONG_REQUEST, -EPROTO },
	{ DAEMON_WRONG_SIZE, -EPROTO },	      { DAEMON_HUGE_SIZE, -EPROTO },
	{ DAEMON_NO_REPLY_FLAG, -EPROTO },    { DAEMON_WRONG_VERSION, -EPROTO },
};

static void lie(unsigned n, uint32_t at)
{
	daemon_rig.lie = lies[n].lie;
	daemon_rig.lie_at = at;
}

static unsigned patience(unsigned n)
{
	return lies[n].lie == DAEMON_SILENT ? IMPATIENT_MS : PATIENT_MS;
}

START_TEST(lie_at_the_start_is_refused)
{
	lie((unsigned)_i, VHOST_USER_GET_FEATURES);
	ck_assert_int_eq(connect_it(patience((unsigned)_i)), lies[_i].err);
	ck_assert(user.lost);
}
END_TEST

START_TEST(lie_about_a_setting_ends_it)
{
	lie((unsigned)_i, VHOST_USER_SET_MEM_TABLE);
	ck_assert_int_eq(connect_it(PATIENT_MS), 0);
	user.timeout_ms = patience((unsigned)_i);
	ck_assert_int_eq(start(), lies[_i].err);
	/* For good. */
	ck_assert_int_eq(start(), -ENOTCONN);
	ck_assert_int_eq(stop(), -ENOTCONN);
	ck_assert_uint_eq(daemon_rig_count(&daemon_rig, VHOST_USER_SET_MEM_TABLE, NULL), 1);
}
END_TEST

START_TEST(lie_about_a_stop_ends_it)
{
	lie((unsigned)_i, VHOST_USER_GET_VRING_BASE);
	ck_assert_int_eq(connect_it(PATIENT_MS), 0);
	ck_assert_int_eq(start(), 0);
	user.timeout_ms = patience((unsigned)_i);
	ck_assert_int_eq(stop(), lies[_i].err);
	ck_assert_int_eq(start(), -ENOTCONN);
}
END_TEST

START_TEST(refusal_is_heard)
{
	daemon_rig.lie = DAEMON_REFUSES;
	daemon_rig.lie_at = VHOST_USER_SET_VRING_ADDR;
	ck_assert_int_eq(connect_it(PATIENT_MS), 0);
	ck_assert_int_eq(start(), -EREMOTEIO);
}
END_TEST

START_TEST(answer_about_another_queue_is_none)
{
	daemon_rig.lie = DAEMON_WRONG_INDEX;
	daemon_rig.lie_at = VHOST_USER_GET_VRING_BASE;
	ck_assert_int_eq(connect_it(PATIENT_MS), 0);
	ck_assert_int_eq(start(), 0);
	ck_assert_int_eq(stop(), -EPROTO);
}
END_TEST

START_TEST(nobody_there_is_an_error)
{
	daemon_rig_start(&daemon_rig);
	ck_assert_int_eq(vhost_user_init(&user, "/tmp/no/such/socket", PATIENT_MS), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vhost-user");
	TCase *honest = suite_case(suite, "honest", setup, teardown);
	TCase *liar = suite_case(suite, "liar", setup, teardown);

	tcase_add_test(honest, features_are_agreed_on);
	tcase_add_test(honest, daemon_without_protocol_features_is_not_asked_for_any);
	tcase_add_test(honest, memory_is_the_guests_own);
	tcase_add_test(honest, memory_above_4g_is_a_region_of_its_own);
	tcase_add_test(honest, private_memory_is_not_supported);
	tcase_add_test(honest, a_ring_in_two_regions_is_refused);
	tcase_add_test(honest, more_regions_than_the_table_has_are_refused);
	tcase_add_test(honest, enabled_queues_are_started_and_no_others);
	tcase_add_test(honest, daemon_gets_the_queues_eventfds);
	tcase_add_test(honest, queue_without_vector_gets_no_eventfd);
	tcase_add_test(honest, stop_waits_for_the_daemons_word);
	tcase_add_loop_test(liar, lie_at_the_start_is_refused, 0, ARRAY_SIZE(lies));
	tcase_add_loop_test(liar, lie_about_a_setting_ends_it, 0, ARRAY_SIZE(lies));
	tcase_add_loop_test(liar, lie_about_a_stop_ends_it, 0, ARRAY_SIZE(lies));
	tcase_add_test(liar, refusal_is_heard);
	tcase_add_test(liar, answer_about_another_queue_is_none);
	tcase_add_test(liar, nobody_there_is_an_error);
	return suite_run(suite);
}
