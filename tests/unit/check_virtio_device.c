/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtio device's status: the driver's steps, resets that take their time, and rings that break.
 */
#include "devices/virtio/device.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#include "tests/unit/suite.h"
#include "tests/unit/virtio_rig.h"
#include "vmm/bits.h"
#include "vmm/loop.h"

#define ACKNOWLEDGE VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVER	    VIRTIO_CONFIG_S_DRIVER
#define FEATURES_OK VIRTIO_CONFIG_S_FEATURES_OK
#define DRIVER_OK   VIRTIO_CONFIG_S_DRIVER_OK
#define NEEDS_RESET VIRTIO_CONFIG_S_NEEDS_RESET
#define FAILED	    VIRTIO_CONFIG_S_FAILED
#define EVENT_IDX   (UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX)
#define VERSION_1   (UINT64_C(1) << VIRTIO_F_VERSION_1)
#define OWN_FEATURE 5

static struct virtio_rig rig;
static struct virtio_device device;
static unsigned starts, stops;
static int start_result;
static bool stop_result;

static void config_read(struct virtio_device *dev, unsigned off, void *data, unsigned size)
{
	(void)dev;
	(void)off;
	memset(data, 0, size);
}

static int start(struct virtio_device *dev)
{
	(void)dev;
	starts++;
	return start_result;
}

static bool stop(struct virtio_device *dev)
{
	(void)dev;
	stops++;
	return stop_result;
}

static const struct virtio_ops ops = {
	.config_read = config_read,
	.start = start,
	.stop = stop,
};

static void make(bool bare_rings)
{
	device = (struct virtio_device){
		.ops = &ops,
		.name = "test0",
		.type = VIRTIO_ID_RNG,
		.offered = UINT64_C(1) << OWN_FEATURE,
		.bare_rings = bare_rings,
		.memory = &rig.memory,
	};
	ck_assert_int_eq(virtio_device_init(&device, 2, 64), 0);
}

static void setup(void)
{
	starts = stops = 0;
	start_result = 0;
	stop_result = true;
	virtio_rig_init(&rig, false);
	make(false);
}

static void teardown(void)
{
	virtio_device_exit(&device);
	virtio_rig_exit(&rig);
}

static void expect_status(uint8_t written, uint8_t read)
{
	virtio_device_set_status(&device, written);
	ck_assert_uint_eq(virtio_device_status(&device), read);
}

/* --- the driver's steps ----------------------------------------------------------------------- */

START_TEST(a_driver_goes_its_steps_and_the_device_starts_once)
{
	virtio_rig_start(&rig, &device, EVENT_IDX, 2);
	ck_assert_uint_eq(virtio_device_status(&device),
			  ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
	ck_assert_uint_eq(starts, 1);
	ck_assert_ptr_nonnull(device.queues[0].memory);
	ck_assert(device.queues[1].event_idx);
	expect_status(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK,
		      ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
	ck_assert_uint_eq(starts, 1);
}
END_TEST

START_TEST(no_step_is_taken_before_those_in_front_of_it)
{
	expect_status(DRIVER, 0);
	expect_status(DRIVER_OK, 0);
	expect_status(ACKNOWLEDGE, ACKNOWLEDGE);
	expect_status(ACKNOWLEDGE | FEATURES_OK, ACKNOWLEDGE);
	expect_status(ACKNOWLEDGE | DRIVER | DRIVER_OK, ACKNOWLEDGE);
	ck_assert_uint_eq(starts, 0);
}
END_TEST

START_TEST(unknown_bits_and_steps_back_are_ignored)
{
	expect_status(ACKNOWLEDGE | DRIVER, ACKNOWLEDGE | DRIVER);
	expect_status(ACKNOWLEDGE, ACKNOWLEDGE | DRIVER);
	expect_status(ACKNOWLEDGE | DRIVER | 0x10, ACKNOWLEDGE | DRIVER);
	expect_status(ACKNOWLEDGE | DRIVER | NEEDS_RESET, ACKNOWLEDGE | DRIVER);
}
END_TEST

START_TEST(a_driver_may_give_up)
{
	expect_status(ACKNOWLEDGE | FAILED, ACKNOWLEDGE | FAILED);
	expect_status(0, 0);
}
END_TEST

START_TEST(features_that_were_not_offered_are_refused)
{
	expect_status(ACKNOWLEDGE | DRIVER, ACKNOWLEDGE | DRIVER);
	virtio_device_accept(&device, 0, 1u << (OWN_FEATURE + 1));
	virtio_device_accept(&device, 1, VERSION_1 >> 32);
	expect_status(ACKNOWLEDGE | DRIVER | FEATURES_OK, ACKNOWLEDGE | DRIVER);
	/* Nor does a driver that does not look get further. */
	expect_status(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK, ACKNOWLEDGE | DRIVER);
	ck_assert_uint_eq(starts, 0);
}
END_TEST

START_TEST(a_legacy_driver_is_refused)
{
	expect_status(ACKNOWLEDGE | DRIVER, ACKNOWLEDGE | DRIVER);
	virtio_device_accept(&device, 0, 1u << OWN_FEATURE);
	expect_status(ACKNOWLEDGE | DRIVER | FEATURES_OK, ACKNOWLEDGE | DRIVER);
}
END_TEST

START_TEST(features_are_settled_with_features_ok)
{
	virtio_rig_negotiate(&rig, &device, UINT64_C(1) << OWN_FEATURE);
	ck_assert(virtio_device_has(&device, OWN_FEATURE));
	virtio_device_accept(&device, 0, 0);
	virtio_device_accept(&device, 7, 0xffffffff);
	ck_assert(virtio_device_has(&device, OWN_FEATURE));
	ck_assert_uint_eq(virtio_device_accepted(&device, 0), 1u << OWN_FEATURE);
	ck_assert_uint_eq(virtio_device_accepted(&device, 1), VERSION_1 >> 32);
	ck_assert_uint_eq(virtio_device_accepted(&device, 7), 0);
}
END_TEST

START_TEST(bare_rings_offer_no_ring_features)
{
	uint64_t rings = EVENT_IDX | (UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC);

	ck_assert_uint_eq(virtio_device_features(&device) & rings, rings);
	virtio_device_exit(&device);
	make(true);
	ck_assert_uint_eq(virtio_device_features(&device),
			  VERSION_1 | (UINT64_C(1) << OWN_FEATURE));
}
END_TEST

START_TEST(queues_that_were_not_enabled_stay_stopped)
{
	virtio_rig_start(&rig, &device, 0, 1);
	ck_assert_ptr_nonnull(device.queues[0].memory);
	ck_assert_ptr_null(device.queues[1].memory);
}
END_TEST

START_TEST(rings_outside_ram_start_nothing)
{
	virtio_rig_negotiate(&rig, &device, 0);
	virtio_rig_queue(&rig, 0, 64);
	virtio_rig_queue(&rig, 1, 64);
	device.queues[1].used = VIRTIO_RIG_RAM;
	virtio_rig_ready(&rig);
	ck_assert(virtio_rig_needs_reset(&rig, 0));
	ck_assert_uint_eq(starts, 0);
	ck_assert_ptr_null(device.queues[0].memory);
	virtio_rig_reset(&rig);
	ck_assert_uint_eq(stops, 0);
}
END_TEST

START_TEST(a_device_that_cannot_start_says_so_and_is_not_stopped)
{
	start_result = -EIO;
	virtio_rig_start(&rig, &device, 0, 2);
	ck_assert(virtio_rig_needs_reset(&rig, 0));
	ck_assert_ptr_null(device.queues[0].memory);
	virtio_rig_reset(&rig);
	ck_assert_uint_eq(stops, 0);
	start_result = 0;
	virtio_rig_start(&rig, &device, 0, 2);
	ck_assert(!virtio_rig_needs_reset(&rig, 0));
}
END_TEST

START_TEST(sizes_that_cannot_be_offered_are_refused)
{
	struct virtio_device other = { .ops = &ops, .name = "other" };

	ck_assert_int_eq(virtio_device_init(&other, 0, 64), -EINVAL);
	ck_assert_int_eq(virtio_device_init(&other, VIRTIO_MAX_QUEUES + 1, 64), -EINVAL);
	ck_assert_int_eq(virtio_device_init(&other, 1, 0), -EINVAL);
	ck_assert_int_eq(virtio_device_init(&other, 1, 48), -EINVAL);
	ck_assert_int_eq(virtio_device_init(&other, 1, 2 * VIRTQ_SIZE_MAX), -EINVAL);
	virtio_device_exit(&other);
}
END_TEST

/* --- reset ------------------------------------------------------------------------------------ */

START_TEST(a_reset_forgets_everything)
{
	virtio_rig_start(&rig, &device, UINT64_C(1) << OWN_FEATURE, 2);
	virtio_rig_reset(&rig);
	ck_assert_uint_eq(stops, 1);
	ck_assert_uint_eq(device.accepted, 0);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_ptr_null(device.queues[i].memory);
		ck_assert(!device.queues[i].enabled);
		ck_assert_uint_eq(device.queues[i].size, 64);
		ck_assert_uint_eq(device.queues[i].desc, 0);
		ck_assert_int_eq(device.queues[i].call_fd, -1);
		ck_assert_int_ge(device.queues[i].kick_fd, 0);
	}
	virtio_rig_start(&rig, &device, 0, 2);
	ck_assert_uint_eq(starts, 2);
}
END_TEST

START_TEST(a_reset_is_not_complete_before_the_device_is_idle)
{
	virtio_rig_start(&rig, &device, 0, 2);
	stop_result = false;
	virtio_device_set_status(&device, 0);
	ck_assert_uint_ne(virtio_device_status(&device), 0);
	/* What is at work still finds its rings. */
	ck_assert_ptr_nonnull(device.queues[0].memory);
	ck_assert(!virtio_device_configurable(&device));
	/* Nothing gets in before. */
	virtio_device_set_status(&device, ACKNOWLEDGE | FAILED);
	ck_assert_uint_eq(virtio_device_status(&device) & FAILED, 0);
	virtio_device_set_status(&device, 0);
	ck_assert_uint_ne(virtio_device_status(&device), 0);
	ck_assert_uint_eq(stops, 1);
	virtio_device_stopped(&device);
	ck_assert_uint_eq(virtio_device_status(&device), 0);
	ck_assert_ptr_null(device.queues[0].memory);
	ck_assert(virtio_device_configurable(&device));
}
END_TEST

static void *finish_later(void *opaque)
{
	virtio_device_stopped(opaque);
	return NULL;
}

/* The thread may win or lose the race: the reset must wait in the one case, and not in the other.
 */
START_TEST(the_end_waits_for_requests_at_work)
{
	pthread_t thread;

	virtio_rig_start(&rig, &device, 0, 2);
	stop_result = false;
	virtio_device_set_status(&device, 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, finish_later, &device), 0);
	virtio_device_reset(&device);
	ck_assert_uint_eq(virtio_device_status(&device), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

START_TEST(an_end_without_a_reset_stops_nothing)
{
	virtio_device_stopped(&device);
	virtio_rig_start(&rig, &device, 0, 2);
	virtio_device_stopped(&device);
	ck_assert_uint_eq(virtio_device_status(&device) & DRIVER_OK, DRIVER_OK);
}
END_TEST

/* --- what the device says --------------------------------------------------------------------- */

START_TEST(a_broken_queue_needs_a_reset_and_tells_the_driver_once)
{
	virtio_rig_start(&rig, &device, 0, 2);
	virtio_device_break(&device, &device.queues[1], "nonsense");
	virtio_device_break(&device, &device.queues[1], "nonsense");
	ck_assert(virtio_rig_needs_reset(&rig, 0));
	ck_assert_uint_eq(virtio_rig_config_changes(&rig), 1);
	/* The driver writes back what it reads. */
	virtio_device_set_status(&device, virtio_device_status(&device));
	ck_assert(virtio_rig_needs_reset(&rig, 0));
	virtio_rig_reset(&rig);
	ck_assert(!virtio_rig_needs_reset(&rig, 0));
}
END_TEST

/* Lines on standard error that @nr guests' breaks cause. */
static unsigned lines_of_breaks(unsigned nr)
{
	char text[16384] = { 0 };
	int pipe_fds[2], saved = dup(STDERR_FILENO);
	unsigned lines = 0;

	ck_assert_int_eq(pipe(pipe_fds), 0);
	ck_assert_int_ge(dup2(pipe_fds[1], STDERR_FILENO), 0);
	close(pipe_fds[1]);
	for (unsigned i = 0; i < nr; i++) {
		virtio_rig_start(&rig, &device, 0, 1);
		virtio_device_break(&device, &device.queues[0], "nonsense");
		virtio_rig_reset(&rig);
	}
	ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
	close(saved);
	ck_assert_int_ge(read(pipe_fds[0], text, sizeof(text) - 1), 0);
	close(pipe_fds[0]);
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	return lines;
}

START_TEST(a_guest_that_breaks_its_queues_again_and_again_fills_no_log)
{
	unsigned lines = lines_of_breaks(60);

	ck_assert_uint_ge(lines, 1);
	ck_assert_uint_le(lines, 8);
}
END_TEST

START_TEST(a_new_configuration_is_a_new_generation_and_an_interrupt)
{
	uint8_t old;

	virtio_rig_start(&rig, &device, 0, 1);
	old = device.generation;
	virtio_device_config_changed(&device);
	ck_assert_uint_ne(device.generation, old);
	ck_assert_uint_eq(virtio_rig_config_changes(&rig), 1);
}
END_TEST

/* --- the rig itself --------------------------------------------------------------------------- */

/* A device that sends back what it gets, on a loop. */
static void serve(struct loop_source *source, int revents)
{
	struct virtq *queue = source->opaque;
	struct virtq_chain chain;
	uint64_t count;

	(void)revents;
	ck_assert_int_eq(read(source->fd, &count, sizeof(count)), sizeof(count));
	while (virtq_pop(queue, &chain) == 1)
		virtq_push(queue, chain.head, 7);
	virtq_signal(queue);
}

START_TEST(a_request_goes_there_and_back)
{
	static struct loop loop;
	const uint64_t features[] = { 0, EVENT_IDX };

	for (unsigned f = 0; f < ARRAY_SIZE(features); f++) {
		struct loop_source source = {
			.fd = device.queues[0].kick_fd,
			.events = POLLIN,
			.ready = serve,
			.opaque = &device.queues[0],
		};
		const struct virtio_rig_buffer buffer = { virtio_rig_alloc(&rig, 16, 16), 16,
							  true };

		ck_assert_int_eq(loop_init(&loop), 0);
		ck_assert_int_eq(loop_add(&loop, &source), 0);
		virtio_rig_start(&rig, &device, features[f], 1);
		for (unsigned i = 0; i < 200; i++) {
			uint16_t sent = virtio_rig_add(&rig, 0, &buffer, 1), head;
			uint32_t len;

			virtio_rig_kick(&rig, 0);
			ck_assert(virtio_rig_loop_used(&rig, &loop, 0, 5000, &head, &len));
			ck_assert_uint_eq(head, sent);
			ck_assert_uint_eq(len, 7);
		}
		ck_assert(!virtio_rig_used(&rig, 0, 0, NULL, NULL));
		virtio_rig_reset(&rig);
		loop_del(&loop, &source);
		loop_exit(&loop);
	}
}
END_TEST

START_TEST(a_missing_interrupt_is_found)
{
	const struct virtio_rig_buffer buffer = { virtio_rig_alloc(&rig, 16, 16), 16, true };
	struct virtq_chain chain;

	virtio_rig_start(&rig, &device, 0, 1);
	virtio_rig_add(&rig, 0, &buffer, 1);
	ck_assert(!virtio_rig_used(&rig, 0, 1, NULL, NULL));
	ck_assert_int_eq(virtq_pop(&device.queues[0], &chain), 1);
	virtq_push(&device.queues[0], chain.head, 0);
	ck_assert(!virtio_rig_interrupted(&rig, 0));
	virtq_signal(&device.queues[0]);
	ck_assert(virtio_rig_used(&rig, 0, 0, NULL, NULL));
	ck_assert(virtio_rig_interrupted(&rig, 0));
	ck_assert(!virtio_rig_interrupted(&rig, 0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("virtio_device");
	TCase *tcase = suite_case(suite, "steps", setup, teardown);

	tcase_add_test(tcase, a_driver_goes_its_steps_and_the_device_starts_once);
	tcase_add_test(tcase, no_step_is_taken_before_those_in_front_of_it);
	tcase_add_test(tcase, unknown_bits_and_steps_back_are_ignored);
	tcase_add_test(tcase, a_driver_may_give_up);
	tcase_add_test(tcase, features_that_were_not_offered_are_refused);
	tcase_add_test(tcase, a_legacy_driver_is_refused);
	tcase_add_test(tcase, features_are_settled_with_features_ok);
	tcase_add_test(tcase, bare_rings_offer_no_ring_features);
	tcase_add_test(tcase, queues_that_were_not_enabled_stay_stopped);
	tcase_add_test(tcase, rings_outside_ram_start_nothing);
	tcase_add_test(tcase, a_device_that_cannot_start_says_so_and_is_not_stopped);
	tcase_add_test(tcase, sizes_that_cannot_be_offered_are_refused);
	tcase = suite_case(suite, "reset", setup, teardown);
	tcase_add_test(tcase, a_reset_forgets_everything);
	tcase_add_test(tcase, a_reset_is_not_complete_before_the_device_is_idle);
	tcase_add_test(tcase, the_end_waits_for_requests_at_work);
	tcase_add_test(tcase, an_end_without_a_reset_stops_nothing);
	tcase = suite_case(suite, "notices", setup, teardown);
	tcase_add_test(tcase, a_broken_queue_needs_a_reset_and_tells_the_driver_once);
	tcase_add_test(tcase, a_guest_that_breaks_its_queues_again_and_again_fills_no_log);
	tcase_add_test(tcase, a_new_configuration_is_a_new_generation_and_an_interrupt);
	tcase = suite_case(suite, "rig", setup, teardown);
	tcase_add_test(tcase, a_request_goes_there_and_back);
	tcase_add_test(tcase, a_missing_interrupt_is_found);
	return suite_run(suite);
}
