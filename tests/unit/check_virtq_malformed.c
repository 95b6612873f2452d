/* SPDX-License-Identifier: BSD-3-Clause */
/* Split virtqueues whose rings make no sense. */
#include "devices/virtio/queue.h"

#include "tests/unit/ring_rig.h"

START_TEST(a_broken_queue_finds_nothing_any_more)
{
	offer(SIZE);
	expect_broken("a descriptor beyond the table");
	offer_simple(0);
	ck_assert_int_eq(virtq_pop(&queue, &chain), 0);
	ck_assert(!virtq_pending(&queue));
	start(0);
	ck_assert(!queue.broken);
	offer_simple(0);
	ck_assert_int_eq(virtq_pop(&queue, &chain), 1);
}
END_TEST

START_TEST(an_index_that_jumps_breaks_the_queue)
{
	avail()->idx = SIZE + 1;
	expect_broken("more requests than the ring holds");
}
END_TEST

START_TEST(an_index_that_goes_back_breaks_the_queue)
{
	offer_simple(0);
	ck_assert_int_eq(virtq_pop(&queue, &chain), 1);
	avail()->idx = 0;
	expect_broken("more requests than the ring holds");
}
END_TEST

START_TEST(a_next_out_of_range_breaks_the_queue)
{
	put(0, DATA, 4, VRING_DESC_F_NEXT, SIZE);
	offer(0);
	expect_broken("a descriptor beyond the table");
}
END_TEST

START_TEST(a_loop_breaks_the_queue)
{
	put(0, DATA, 4, VRING_DESC_F_NEXT, 1);
	put(1, DATA, 4, VRING_DESC_F_NEXT, 0);
	offer(0);
	expect_broken("a chain that is a loop");
}
END_TEST

START_TEST(a_loop_in_an_indirect_table_breaks_the_queue)
{
	start(TABLES);
	put(0, INDIRECT, 16, VRING_DESC_F_INDIRECT, 0);
	*indirect(0) = (struct vring_desc){ DATA, 4, VRING_DESC_F_NEXT, 0 };
	offer(0);
	expect_broken("a chain that is a loop");
}
END_TEST

START_TEST(a_buffer_of_no_length_breaks_the_queue)
{
	put(0, DATA, 0, 0, 0);
	offer(0);
	expect_broken("a buffer of no length");
}
END_TEST

START_TEST(a_buffer_that_is_not_ram_breaks_the_queue)
{
	/* The last one wraps. */
	static const uint64_t addrs[] = { RAM - 2, GIB(2), UINT64_MAX - 1 };

	for (unsigned i = 0; i < ARRAY_SIZE(addrs); i++) {
		start(0);
		put(0, addrs[i], 4, i % 2 ? VRING_DESC_F_WRITE : 0, 0);
		offer(0);
		expect_broken("a buffer that is not in RAM");
	}
}
END_TEST

START_TEST(writable_before_readable_breaks_the_queue)
{
	put(0, DATA, 4, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 1);
	put(1, DATA, 4, 0, 0);
	offer(0);
	expect_broken("a readable buffer behind a writable one");
}
END_TEST

/* One buffer, @nr times in an indirect table. */
static void offer_many(unsigned nr, uint32_t len)
{
	for (unsigned i = 0; i < nr; i++)
		*indirect(i) = (struct vring_desc){ 0, len, i + 1 < nr ? VRING_DESC_F_NEXT : 0,
						    (uint16_t)(i + 1) };
	put(0, INDIRECT, nr * 16, VRING_DESC_F_INDIRECT, 0);
	offer(0);
}

START_TEST(more_buffers_than_a_request_may_have_break_the_queue)
{
	start(TABLES);
	offer_many(VIRTQ_IOV_MAX, 16);
	ck_assert_int_eq(virtq_pop(&queue, &chain), 1);
	ck_assert_uint_eq(chain.nr_out, VIRTQ_IOV_MAX);
	offer_many(VIRTQ_IOV_MAX + 1, 16);
	expect_broken("too many buffers in a request");
}
END_TEST

START_TEST(a_request_above_4_gib_breaks_the_queue)
{
	start(TABLES);
	offer_many(255, RAM);
	ck_assert_int_eq(virtq_pop(&queue, &chain), 1);
	ck_assert_uint_eq(chain.out_len, 255 * RAM);
	offer_many(256, RAM);
	expect_broken("a request above 4 GiB");
}
END_TEST

START_TEST(an_indirect_table_of_a_wrong_length_breaks_the_queue)
{
	static const uint32_t lengths[] = { 0, 8, 24, 16 * (VIRTQ_SIZE_MAX + 1), UINT32_MAX };

	for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
		start(TABLES);
		put(0, INDIRECT, lengths[i], VRING_DESC_F_INDIRECT, 0);
		offer(0);
		expect_broken("an indirect table of a wrong length");
	}
}
END_TEST

START_TEST(an_indirect_table_that_is_not_ram_breaks_the_queue)
{
	start(TABLES);
	put(0, RAM - 16, 32, VRING_DESC_F_INDIRECT, 0);
	offer(0);
	expect_broken("an indirect table that is not in RAM");
}
END_TEST

START_TEST(an_indirect_table_in_another_breaks_the_queue)
{
	start(TABLES);
	put(0, INDIRECT, 16, VRING_DESC_F_INDIRECT, 0);
	*indirect(0) = (struct vring_desc){ INDIRECT, 16, VRING_DESC_F_INDIRECT, 0 };
	offer(0);
	expect_broken("an indirect table in another one");
}
END_TEST

START_TEST(a_next_beyond_the_indirect_table_breaks_the_queue)
{
	start(TABLES);
	put(0, INDIRECT, 32, VRING_DESC_F_INDIRECT, 0);
	*indirect(0) = (struct vring_desc){ DATA, 4, VRING_DESC_F_NEXT, 2 };
	offer(0);
	expect_broken("a descriptor beyond the table");
}
END_TEST

START_TEST(a_chain_behind_an_indirect_table_breaks_the_queue)
{
	start(TABLES);
	put(0, INDIRECT, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 1);
	offer(0);
	expect_broken("a chain that goes on behind an indirect table");
}
END_TEST

START_TEST(an_indirect_table_that_was_not_negotiated_breaks_the_queue)
{
	put(0, INDIRECT, 16, VRING_DESC_F_INDIRECT, 0);
	*indirect(0) = (struct vring_desc){ DATA, 4, 0, 0 };
	offer(0);
	expect_broken("an indirect table that was not negotiated");
}
END_TEST

/* xorshift32: the same bytes in each run. */
static uint32_t random_state = 0x2545f491;

static uint32_t random_bits(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

/* Fields that are often nearly right get deeper than plain noise. */
static struct vring_desc random_desc(void)
{
	struct vring_desc d = {
		.addr = random_bits() % 4 ? random_bits() % RAM : random_bits(),
		.len = random_bits() % 4 ? random_bits() % 0x40 * 16 : random_bits(),
		.flags = random_bits() % 8 ? random_bits() % 8 : (uint16_t)random_bits(),
		.next = random_bits() % 8 ? random_bits() % SIZE : (uint16_t)random_bits(),
	};

	if (d.flags & VRING_DESC_F_INDIRECT && random_bits() % 4)
		d.addr = INDIRECT;
	return d;
}

static void spoil_rings(void)
{
	*desc(random_bits() % SIZE) = random_desc();
	*indirect(random_bits() % 64) = random_desc();
	avail()->ring[random_bits() % SIZE] =
		random_bits() % 8 ? random_bits() % SIZE : (uint16_t)random_bits();
	avail()->idx = (uint16_t)(queue.next_avail +
				  (random_bits() % 16 ? random_bits() % SIZE : random_bits()));
	*used_event() = (uint16_t)random_bits();
}

/* Every byte that a request names has to be RAM, or the sanitizer and this sum say so. */
static void check_chain(void)
{
	uint64_t sum = 0;

	must(chain.nr_out + chain.nr_in <= VIRTQ_IOV_MAX);
	for (unsigned i = 0; i < chain.nr_out + chain.nr_in; i++) {
		const uint8_t *base = chain.iov[i].iov_base, *ram = at(0);

		must(base >= ram && base + chain.iov[i].iov_len <= ram + RAM);
		sum += chain.iov[i].iov_len;
	}
	must(sum == chain.out_len + chain.in_len);
	must(sum <= UINT32_MAX);
}

START_TEST(noise_in_the_rings_breaks_queues_and_nothing_else)
{
	unsigned good = 0, broken = 0;

	for (unsigned i = 0; i < 100000; i++) {
		int ret;

		if (!queue.memory || queue.broken)
			start((random_bits() % 2 ? EVENT_IDX : 0) |
			      (random_bits() % 4 ? TABLES : 0));
		spoil_rings();
		ret = virtq_pop(&queue, &chain);
		must(ret == 0 || ret == 1 || ret == -EPROTO);
		broken += ret == -EPROTO;
		if (ret != 1)
			continue;
		good++;
		check_chain();
		virtq_push(&queue, chain.head, (uint32_t)chain.in_len);
		virtq_signal(&queue);
	}
	/* Both ways were walked, or the noise is the wrong noise. */
	ck_assert_uint_gt(good, 1000);
	ck_assert_uint_gt(broken, 1000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("virtq_malformed");
	TCase *tcase = suite_case(suite, "malformed", setup, teardown);

	tcase_add_test(tcase, a_broken_queue_finds_nothing_any_more);
	tcase_add_test(tcase, an_index_that_jumps_breaks_the_queue);
	tcase_add_test(tcase, an_index_that_goes_back_breaks_the_queue);
	tcase_add_test(tcase, a_next_out_of_range_breaks_the_queue);
	tcase_add_test(tcase, a_loop_breaks_the_queue);
	tcase_add_test(tcase, a_loop_in_an_indirect_table_breaks_the_queue);
	tcase_add_test(tcase, a_buffer_of_no_length_breaks_the_queue);
	tcase_add_test(tcase, a_buffer_that_is_not_ram_breaks_the_queue);
	tcase_add_test(tcase, writable_before_readable_breaks_the_queue);
	tcase_add_test(tcase, more_buffers_than_a_request_may_have_break_the_queue);
	tcase_add_test(tcase, a_request_above_4_gib_breaks_the_queue);
	tcase_add_test(tcase, an_indirect_table_of_a_wrong_length_breaks_the_queue);
	tcase_add_test(tcase, an_indirect_table_that_is_not_ram_breaks_the_queue);
	tcase_add_test(tcase, an_indirect_table_in_another_breaks_the_queue);
	tcase_add_test(tcase, a_next_beyond_the_indirect_table_breaks_the_queue);
	tcase_add_test(tcase, a_chain_behind_an_indirect_table_breaks_the_queue);
	tcase_add_test(tcase, an_indirect_table_that_was_not_negotiated_breaks_the_queue);
	tcase_add_test(tcase, noise_in_the_rings_breaks_queues_and_nothing_else);
	return suite_run(suite);
}
