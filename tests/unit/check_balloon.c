/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtio balloon: which pages go back to the host, and which requests of a guest are none. */
#include "devices/virtio/balloon.h"

#include <errno.h>
#include <semaphore.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/virtio_balloon.h>

#include "tests/unit/suite.h"
#include "tests/unit/virtio_rig.h"
#include "vmm/bits.h"

#define WAIT_MS	  20000
#define PAGE	  4096u
#define INFLATE	  0
#define DEFLATE	  1
#define REPORTING 2

/* Pages of the tests; rings and buffers are allocated from the start of RAM. */
#define FIRST_PAGE MIB(4)
#define ALL_PAGES  ((VIRTIO_RIG_RAM - FIRST_PAGE) / PAGE)

static struct virtio_rig rig;
static struct balloon *balloon;

/* While @gate is set, pages go when the test says so. */
static bool gate;
static sem_t entered, leave;

/* In place of the one in libc. */
int madvise(void *start, size_t len, int advice)
{
	if (gate && advice == MADV_DONTNEED) {
		sem_post(&entered);
		sem_wait(&leave);
	}
	return (int)syscall(SYS_madvise, start, len, advice);
}

static void create(bool shared, bool reporting)
{
	const struct balloon_config config = {
		.name = "balloon0",
		.size = MIB(64),
		.free_page_reporting = reporting,
	};
	uint8_t *ram;

	gate = false;
	ck_assert_int_eq(sem_init(&entered, 0, 0), 0);
	ck_assert_int_eq(sem_init(&leave, 0, 0), 0);
	virtio_rig_init(&rig, shared);
	ck_assert_int_eq(balloon_create(&config, &rig.memory, &balloon), 0);
	ram = virtio_rig_at(&rig, 0, VIRTIO_RIG_RAM);
	/* Or a page comes and goes with 2 MiB around it. */
	ck_assert_int_eq(madvise(ram, VIRTIO_RIG_RAM, MADV_NOHUGEPAGE), 0);
	memset(ram + FIRST_PAGE, 0x5a, VIRTIO_RIG_RAM - FIRST_PAGE);
	virtio_rig_start(&rig, balloon_device(balloon), UINT64_C(1) << VIRTIO_BALLOON_F_REPORTING,
			 reporting ? 3 : 2);
}

static void setup(void)
{
	create(false, true);
}

static void teardown(void)
{
	balloon_destroy(balloon);
	virtio_rig_exit(&rig);
}

static uint64_t page_at(unsigned n)
{
	return FIRST_PAGE + (uint64_t)n * PAGE;
}

static bool resident(unsigned n)
{
	unsigned char in_core;

	ck_assert_int_eq(mincore(virtio_rig_at(&rig, page_at(n), PAGE), PAGE, &in_core), 0);
	return in_core & 1;
}

static unsigned nr_resident(unsigned from, unsigned to)
{
	unsigned n = 0;

	for (; from < to; from++)
		n += resident(from);
	return n;
}

/* A request of @nr pages by their numbers, from page_at(0) on. */
static void add_pages(unsigned queue, const unsigned *pages, unsigned nr)
{
	const struct virtio_rig_buffer buffer = {
		.gpa = virtio_rig_alloc(&rig, nr * 4, 4),
		.len = nr * 4,
	};
	uint32_t *pfns = virtio_rig_at(&rig, buffer.gpa, buffer.len);

	for (unsigned i = 0; i < nr; i++)
		pfns[i] = (uint32_t)(page_at(pages[i]) / PAGE);
	virtio_rig_add(&rig, queue, &buffer, 1);
}

static void served(unsigned queue)
{
	uint32_t len;

	virtio_rig_kick(&rig, queue);
	ck_assert(virtio_rig_used(&rig, queue, WAIT_MS, NULL, &len));
	ck_assert_uint_eq(len, 0);
}

static uint32_t config_at(unsigned off)
{
	struct virtio_device *device = balloon_device(balloon);
	uint32_t value;

	device->ops->config_read(device, off, &value, sizeof(value));
	return value;
}

static void write_config(unsigned off, const void *data, unsigned size)
{
	struct virtio_device *device = balloon_device(balloon);

	device->ops->config_write(device, off, data, size);
}

/* 0 and 1: RAM that is not shared, and that is. */
START_TEST(inflated_pages_go_to_the_host)
{
	const unsigned pages[] = { 9, 8, 3, 7, 5, 3, 20 }; /* in any order, and twice */
	const uint8_t *ram;

	create(_i, false);
	add_pages(INFLATE, pages, ARRAY_SIZE(pages));
	served(INFLATE);
	ck_assert_uint_eq(nr_resident(0, 32), 32 - 6);
	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
		ck_assert(!resident(pages[i]));
	ram = virtio_rig_at(&rig, page_at(0), 32 * PAGE);
	ck_assert_uint_eq(ram[7 * PAGE - 1], 0x5a);
	ck_assert_uint_eq(ram[7 * PAGE], 0);
	ck_assert_uint_eq(ram[10 * PAGE - 1], 0);
	ck_assert_uint_eq(ram[10 * PAGE], 0x5a);
	teardown();
}
END_TEST

START_TEST(request_of_any_length_is_served)
{
	unsigned pages[ALL_PAGES];

	for (unsigned i = 0; i < ALL_PAGES; i++)
		pages[i] = i;
	add_pages(INFLATE, pages, ALL_PAGES);
	served(INFLATE);
	ck_assert_uint_eq(nr_resident(0, ALL_PAGES), 0);
}
END_TEST

START_TEST(page_outside_ram_breaks_the_queue)
{
	const unsigned pages[] = { 1, 2, ALL_PAGES, 3 };

	add_pages(INFLATE, pages, ARRAY_SIZE(pages));
	virtio_rig_kick(&rig, INFLATE);
	ck_assert(virtio_rig_needs_reset(&rig, WAIT_MS));
	ck_assert_uint_eq(nr_resident(0, 8), 8);
	ck_assert(!virtio_rig_used(&rig, INFLATE, 0, NULL, NULL));
}
END_TEST

START_TEST(request_of_half_a_number_takes_nothing)
{
	const struct virtio_rig_buffer buffer = { .gpa = page_at(5), .len = 3 };

	virtio_rig_add(&rig, INFLATE, &buffer, 1);
	served(INFLATE);
	ck_assert_uint_eq(nr_resident(0, ALL_PAGES), ALL_PAGES);
}
END_TEST

START_TEST(deflated_pages_stay_as_they_are)
{
	const unsigned pages[] = { 1, 2, 3 };

	add_pages(DEFLATE, pages, ARRAY_SIZE(pages));
	served(DEFLATE);
	ck_assert_uint_eq(nr_resident(0, 8), 8);
}
END_TEST

START_TEST(reported_ranges_go_to_the_host)
{
	const struct virtio_rig_buffer ranges[] = {
		{ .gpa = page_at(2), .len = 2 * PAGE, .write = true },
		{ .gpa = page_at(10), .len = 512 * PAGE, .write = true },
	};

	virtio_rig_add(&rig, REPORTING, ranges, 2);
	served(REPORTING);
	ck_assert_uint_eq(nr_resident(0, 600), 600 - 2 - 512);
	ck_assert(!resident(2) && !resident(3) && !resident(10) && !resident(521));
}
END_TEST

START_TEST(reported_range_loses_whole_pages_only)
{
	const struct virtio_rig_buffer range = {
		.gpa = page_at(2) + 1,
		.len = 3 * PAGE,
		.write = true,
	};
	const uint8_t *ram = virtio_rig_at(&rig, page_at(0), 8 * PAGE);

	virtio_rig_add(&rig, REPORTING, &range, 1);
	served(REPORTING);
	ck_assert_uint_eq(nr_resident(0, 8), 6);
	ck_assert_uint_eq(ram[3 * PAGE - 1], 0x5a);
	ck_assert_uint_eq(ram[3 * PAGE], 0);
	ck_assert_uint_eq(ram[5 * PAGE], 0x5a);
}
END_TEST

START_TEST(reporting_is_offered_where_it_is_wanted)
{
	const uint64_t bit = UINT64_C(1) << VIRTIO_BALLOON_F_REPORTING;

	create(false, _i);
	ck_assert_uint_eq(!!(virtio_device_features(balloon_device(balloon)) & bit), _i);
	ck_assert_uint_eq(balloon_device(balloon)->nr_queues, 2u + (unsigned)_i);
	teardown();
}
END_TEST

/* Hugepages themselves are a matter of the host's settings, so it is told that it has them. */
START_TEST(with_hugepages_only_whole_2_mib_go)
{
	unsigned pages[1000];

	rig.memory.page = MIB(2);
	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
		pages[i] = 100 + i;
	add_pages(INFLATE, pages, ARRAY_SIZE(pages));
	served(INFLATE);
	/* 2 MiB from page 512 on; what is before and after them is no whole hugepage. */
	ck_assert_uint_eq(nr_resident(0, 512), 512);
	ck_assert_uint_eq(nr_resident(512, 1024), 0);
	ck_assert_uint_eq(nr_resident(1024, ALL_PAGES), ALL_PAGES - 1024);
}
END_TEST

START_TEST(guest_is_told_of_a_new_size)
{
	ck_assert_uint_eq(config_at(0), MIB(64) / PAGE);
	virtio_rig_config_changes(&rig);
	balloon_resize(balloon, MIB(3) + 5000);
	ck_assert_uint_eq(config_at(0), MIB(3) / PAGE + 1);
	ck_assert_uint_eq(virtio_rig_config_changes(&rig), 1);
	balloon_resize(balloon, MIB(3) + 5000);
	ck_assert_uint_eq(virtio_rig_config_changes(&rig), 0);
	balloon_resize(balloon, UINT64_MAX);
	ck_assert_uint_eq(config_at(0), UINT32_MAX);
}
END_TEST

START_TEST(actual_size_is_the_guests_word)
{
	const uint32_t actual = 0x12345;

	write_config(4, &actual, sizeof(actual));
	ck_assert_uint_eq(balloon_actual(balloon), UINT64_C(0x12345) * PAGE);
	ck_assert_uint_eq(config_at(4), 0x12345);
}
END_TEST

START_TEST(guest_cannot_write_the_wanted_size)
{
	const uint64_t both = UINT64_MAX;

	write_config(0, &both, 4);
	write_config(0, &both, 8);
	write_config(2, &both, 4);
	write_config(7, &both, 1);
	ck_assert_uint_eq(config_at(0), MIB(64) / PAGE);
	ck_assert_uint_eq(balloon_actual(balloon), 0);
}
END_TEST

START_TEST(guest_that_starts_anew_has_given_up_nothing)
{
	const uint32_t actual = 100;

	write_config(4, &actual, sizeof(actual));
	virtio_rig_reset(&rig);
	ck_assert_uint_eq(balloon_actual(balloon), 0);
}
END_TEST

START_TEST(reset_is_complete_when_no_page_goes_any_more)
{
	const struct virtio_rig_buffer range = { .gpa = page_at(0), .len = PAGE, .write = true };
	struct virtio_device *device = balloon_device(balloon);

	virtio_rig_add(&rig, REPORTING, &range, 1);
	gate = true;
	virtio_rig_kick(&rig, REPORTING);
	ck_assert_int_eq(sem_wait(&entered), 0);
	virtio_device_set_status(device, 0);
	ck_assert_uint_ne(virtio_device_status(device), 0);
	ck_assert_int_eq(sem_post(&leave), 0);
	virtio_device_reset(device); /* waits for it */
	ck_assert_uint_eq(virtio_device_status(device), 0);
	ck_assert(!resident(0));
}
END_TEST

START_TEST(size_that_no_register_holds_is_refused)
{
	struct balloon_config config = { .name = "balloon0", .size = GIB(4) * PAGE };
	struct balloon *other = NULL;

	ck_assert_int_eq(balloon_create(&config, &rig.memory, &other), -EINVAL);
	ck_assert_ptr_null(other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("balloon");
	TCase *pages = suite_case(suite, "pages", setup, teardown);
	TCase *config = suite_case(suite, "config", setup, teardown);
	TCase *kinds = suite_case(suite, "kinds", NULL, NULL);

	tcase_add_loop_test(kinds, inflated_pages_go_to_the_host, 0, 2);
	tcase_add_loop_test(kinds, reporting_is_offered_where_it_is_wanted, 0, 2);
	tcase_add_test(pages, request_of_any_length_is_served);
	tcase_add_test(pages, page_outside_ram_breaks_the_queue);
	tcase_add_test(pages, request_of_half_a_number_takes_nothing);
	tcase_add_test(pages, deflated_pages_stay_as_they_are);
	tcase_add_test(pages, reported_ranges_go_to_the_host);
	tcase_add_test(pages, reported_range_loses_whole_pages_only);
	tcase_add_test(pages, with_hugepages_only_whole_2_mib_go);
	tcase_add_test(pages, reset_is_complete_when_no_page_goes_any_more);
	tcase_add_test(config, guest_is_told_of_a_new_size);
	tcase_add_test(config, actual_size_is_the_guests_word);
	tcase_add_test(config, guest_cannot_write_the_wanted_size);
	tcase_add_test(config, guest_that_starts_anew_has_given_up_nothing);
	tcase_add_test(config, size_that_no_register_holds_is_refused);
	return suite_run(suite);
}
