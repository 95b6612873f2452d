/* SPDX-License-Identifier: BSD-3-Clause */
/* Split virtqueues: requests, and notifications both ways. */
#include "devices/virtio/queue.h"

#include "tests/unit/ring_rig.h"

/* --- start ------------------------------------------------------------------------------------ */

START_TEST(a_ring_outside_ram_does_not_start)
{
	virtq_stop(&queue);
	queue.desc = RAM - 16;
	ck_assert_int_eq(virtq_start(&queue, &memory, 0), -EFAULT);
	queue.desc = DESC;
	queue.avail = UINT64_MAX - 1;
	ck_assert_int_eq(virtq_start(&queue, &memory, 0), -EFAULT);
	queue.avail = AVAIL;
	queue.used = GIB(1);
	ck_assert_int_eq(virtq_start(&queue, &memory, 0), -EFAULT);
	ck_assert_ptr_null(queue.memory);
}
END_TEST

START_TEST(a_ring_may_end_with_the_ram)
{
	virtq_stop(&queue);
	queue.used = RAM - (6 + 8 * SIZE) - 2;
	ck_assert_int_eq(virtq_start(&queue, &memory, 0), 0);
	virtq_stop(&queue);
	queue.used += 4;
	ck_assert_int_eq(virtq_start(&queue, &memory, 0), -EFAULT);
}
END_TEST

START_TEST(a_misaligned_ring_does_not_start)
{
	virtq_stop(&queue);
	queue.desc = DESC + 8;
	ck_assert_int_eq(virtq_start(&queue, &memory, 0), -EFAULT);
	queue.desc = DESC;
	queue.avail = AVAIL + 1;
	ck_assert_int_eq(virtq_start(&queue, &memory, 0), -EFAULT);
	queue.avail = AVAIL;
	queue.used = USED + 2;
	ck_assert_int_eq(virtq_start(&queue, &memory, 0), -EFAULT);
}
END_TEST

START_TEST(a_size_that_is_no_power_of_two_does_not_start)
{
	static const uint16_t sizes[] = { 0, 3, 24, 2 * VIRTQ_SIZE_MAX, 0x8000 };

	virtq_stop(&queue);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		queue.size = sizes[i];
		ck_assert_int_eq(virtq_start(&queue, &memory, 0), -EINVAL);
	}
}
END_TEST

START_TEST(a_stopped_queue_holds_nothing_and_takes_nothing)
{
	offer_simple(0);
	virtq_stop(&queue);
	ck_assert_int_eq(virtq_pop(&queue, &chain), 0);
	ck_assert(!virtq_pending(&queue));
	ck_assert(!virtq_want_kicks(&queue, true));
	virtq_push(&queue, 0, 4);
	virtq_signal(&queue);
	ck_assert_uint_eq(used()->idx, 0);
	ck_assert(!interrupted());
}
END_TEST

/* --- requests --------------------------------------------------------------------------------- */

START_TEST(a_chain_comes_as_readable_then_writable_buffers)
{
	put(2, DATA, 4, VRING_DESC_F_NEXT, 5);
	put(5, DATA + 16, 8, VRING_DESC_F_NEXT, 1);
	put(1, DATA + 32, 512, VRING_DESC_F_WRITE, 0);
	offer(2);
	ck_assert(virtq_pending(&queue));
	ck_assert_int_eq(virtq_pop(&queue, &chain), 1);
	ck_assert_uint_eq(chain.head, 2);
	ck_assert_uint_eq(chain.nr_out, 2);
	ck_assert_uint_eq(chain.nr_in, 1);
	ck_assert_uint_eq(chain.out_len, 12);
	ck_assert_uint_eq(chain.in_len, 512);
	ck_assert_ptr_eq(chain.iov[1].iov_base, at(DATA + 16));
	ck_assert_ptr_eq(virtq_chain_in(&chain)->iov_base, at(DATA + 32));
	ck_assert_uint_eq(virtq_chain_in(&chain)->iov_len, 512);
	ck_assert_int_eq(virtq_pop(&queue, &chain), 0);
	ck_assert(!virtq_pending(&queue));
}
END_TEST

START_TEST(requests_come_in_order_beyond_the_wrap_of_the_index)
{
	for (unsigned i = 0; i < 70000; i++) {
		offer_simple((uint16_t)(i % SIZE));
		must(virtq_pop(&queue, &chain) == 1);
		must(chain.head == i % SIZE);
		virtq_push(&queue, chain.head, i);
		must(used()->idx == (uint16_t)(i + 1));
		must(used()->ring[i % SIZE].id == i % SIZE);
		must(used()->ring[i % SIZE].len == i);
	}
}
END_TEST

START_TEST(a_request_put_back_comes_again)
{
	offer_simple(3);
	offer_simple(4);
	ck_assert_int_eq(virtq_pop(&queue, &chain), 1);
	virtq_unpop(&queue);
	ck_assert(virtq_pending(&queue));
	ck_assert_int_eq(virtq_pop(&queue, &chain), 1);
	ck_assert_uint_eq(chain.head, 3);
	ck_assert_int_eq(virtq_pop(&queue, &chain), 1);
	ck_assert_uint_eq(chain.head, 4);
}
END_TEST

START_TEST(a_full_ring_is_no_error)
{
	for (uint16_t i = 0; i < SIZE; i++)
		offer_simple(i);
	for (unsigned i = 0; i < SIZE; i++)
		ck_assert_int_eq(virtq_pop(&queue, &chain), 1);
	ck_assert_int_eq(virtq_pop(&queue, &chain), 0);
}
END_TEST

START_TEST(an_indirect_table_is_a_chain)
{
	start(TABLES);
	put(0, DATA, 4, VRING_DESC_F_NEXT, 1);
	/* The write flag of the descriptor that refers to a table means nothing. */
	put(1, INDIRECT, 32, VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE, 0);
	*indirect(0) = (struct vring_desc){ DATA + 64, 8, VRING_DESC_F_NEXT, 1 };
	*indirect(1) = (struct vring_desc){ DATA + 128, 16, VRING_DESC_F_WRITE, 0 };
	offer(0);
	ck_assert_int_eq(virtq_pop(&queue, &chain), 1);
	ck_assert_uint_eq(chain.nr_out, 2);
	ck_assert_uint_eq(chain.nr_in, 1);
	ck_assert_ptr_eq(chain.iov[1].iov_base, at(DATA + 64));
}
END_TEST

START_TEST(an_indirect_table_may_be_longer_than_its_queue_and_lie_anywhere)
{
	struct vring_desc entry = { DATA, 4, VRING_DESC_F_NEXT, 0 };
	unsigned nr = 4 * SIZE;

	start(TABLES);
	put(0, INDIRECT + 3, nr * 16, VRING_DESC_F_INDIRECT, 0);
	for (unsigned i = 0; i < nr; i++) {
		entry.next = (uint16_t)(i + 1);
		entry.flags = i + 1 < nr ? VRING_DESC_F_NEXT : 0;
		memcpy((char *)at(INDIRECT + 3) + 16 * i, &entry, sizeof(entry));
	}
	offer(0);
	ck_assert_int_eq(virtq_pop(&queue, &chain), 1);
	ck_assert_uint_eq(chain.nr_out, nr);
}
END_TEST

START_TEST(copies_cross_the_buffers)
{
	char text[16] = { 0 };

	put(0, DATA, 4, VRING_DESC_F_NEXT, 1);
	put(1, DATA + 0x100, 4, VRING_DESC_F_NEXT, 2);
	put(2, DATA + 0x200, 3, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 3);
	put(3, DATA + 0x300, 3, VRING_DESC_F_WRITE, 0);
	memcpy(at(DATA), "abcd", 4);
	memcpy(at(DATA + 0x100), "efgh", 4);
	offer(0);
	ck_assert_int_eq(virtq_pop(&queue, &chain), 1);
	ck_assert_uint_eq(virtq_chain_read(&chain, 2, text, 4), 4);
	ck_assert_str_eq(text, "cdef");
	ck_assert_uint_eq(virtq_chain_read(&chain, 5, text, sizeof(text)), 3);
	ck_assert_mem_eq(text, "fgh", 3);
	ck_assert_uint_eq(virtq_chain_read(&chain, 8, text, 1), 0);
	ck_assert_uint_eq(virtq_chain_read(&chain, SIZE_MAX, text, 1), 0);
	ck_assert_uint_eq(virtq_chain_write(&chain, 2, "123456789", 9), 4);
	ck_assert_mem_eq(at(DATA + 0x200),
			 "\0\0"
			 "1\0",
			 4);
	ck_assert_mem_eq(at(DATA + 0x300), "234\0", 4);
	ck_assert_uint_eq(virtq_chain_write(&chain, 6, "x", 1), 0);
}
END_TEST

/* --- interrupts ------------------------------------------------------------------------------- */

START_TEST(a_signal_without_a_push_is_silent)
{
	virtq_signal(&queue);
	ck_assert(!interrupted());
	virtq_push(&queue, 0, 0);
	virtq_signal(&queue);
	ck_assert(interrupted());
	virtq_signal(&queue);
	ck_assert(!interrupted());
}
END_TEST

START_TEST(a_guest_that_polls_is_not_interrupted)
{
	avail()->flags = VRING_AVAIL_F_NO_INTERRUPT;
	virtq_push(&queue, 0, 0);
	virtq_signal(&queue);
	ck_assert(!interrupted());
	avail()->flags = 0;
	virtq_push(&queue, 0, 0);
	virtq_signal(&queue);
	ck_assert(interrupted());
}
END_TEST

START_TEST(event_idx_interrupts_at_the_entry_that_the_guest_named)
{
	start(EVENT_IDX);
	avail()->flags = VRING_AVAIL_F_NO_INTERRUPT; /* has no meaning now */
	*used_event() = 2;
	for (unsigned i = 0; i < 5; i++) {
		virtq_push(&queue, 0, 0);
		virtq_signal(&queue);
		ck_assert_int_eq(interrupted(), i == 2);
	}
	*used_event() = 6;
	virtq_push(&queue, 0, 0);
	virtq_push(&queue, 0, 0);
	virtq_push(&queue, 0, 0);
	virtq_signal(&queue);
	ck_assert(interrupted());
}
END_TEST

START_TEST(as_many_pushes_as_the_index_counts_are_not_none)
{
	start(EVENT_IDX);
	*used_event() = 0x8000;
	for (unsigned i = 0; i < 0x10000; i++)
		virtq_push(&queue, 0, 0);
	virtq_signal(&queue);
	ck_assert(interrupted());
}
END_TEST

START_TEST(a_queue_without_a_vector_interrupts_nobody)
{
	int fd = queue.call_fd;

	queue.call_fd = -1;
	virtq_push(&queue, 0, 0);
	virtq_signal(&queue);
	queue.call_fd = fd;
	ck_assert(!interrupted());
}
END_TEST

START_TEST(a_vector_full_of_interrupts_does_not_wait)
{
	uint64_t full = UINT64_MAX - 1;

	ck_assert_int_eq(write(queue.call_fd, &full, sizeof(full)), sizeof(full));
	virtq_push(&queue, 0, 0);
	virtq_signal(&queue);
	ck_assert(!queue.call_failed);
	ck_assert(interrupted());
}
END_TEST

/* --- notifications ---------------------------------------------------------------------------- */

START_TEST(the_guest_is_asked_by_flag_not_to_notify)
{
	ck_assert(!virtq_want_kicks(&queue, false));
	ck_assert_uint_eq(used()->flags, VRING_USED_F_NO_NOTIFY);
	ck_assert(!virtq_want_kicks(&queue, true));
	ck_assert_uint_eq(used()->flags, 0);
}
END_TEST

START_TEST(turning_notifications_on_tells_of_what_came_before)
{
	virtq_want_kicks(&queue, false);
	offer_simple(0);
	ck_assert(virtq_want_kicks(&queue, true));
}
END_TEST

START_TEST(event_idx_asks_for_the_next_request)
{
	start(EVENT_IDX);
	for (uint16_t i = 0; i < 3; i++)
		offer_simple(i);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(virtq_pop(&queue, &chain), 1);
	ck_assert(!virtq_want_kicks(&queue, true));
	ck_assert_uint_eq(avail_event(), 3);
	ck_assert_uint_eq(used()->flags, 0);
}
END_TEST

START_TEST(an_empty_queue_asks_for_a_notification_by_itself)
{
	start(EVENT_IDX);
	offer_simple(0);
	ck_assert_int_eq(virtq_pop(&queue, &chain), 1);
	ck_assert_uint_eq(avail_event(), 0);
	ck_assert_int_eq(virtq_pop(&queue, &chain), 0);
	ck_assert_uint_eq(avail_event(), 1);
}
END_TEST

START_TEST(a_queue_that_wants_no_notification_asks_for_none)
{
	start(EVENT_IDX);
	virtq_want_kicks(&queue, false);
	offer_simple(0);
	ck_assert_int_eq(virtq_pop(&queue, &chain), 1);
	ck_assert_int_eq(virtq_pop(&queue, &chain), 0);
	ck_assert_uint_eq(avail_event(), 0);
}
END_TEST

static void add_notices(Suite *suite)
{
	TCase *tcase = suite_case(suite, "interrupts", setup, teardown);

	tcase_add_test(tcase, a_signal_without_a_push_is_silent);
	tcase_add_test(tcase, a_guest_that_polls_is_not_interrupted);
	tcase_add_test(tcase, event_idx_interrupts_at_the_entry_that_the_guest_named);
	tcase_add_test(tcase, as_many_pushes_as_the_index_counts_are_not_none);
	tcase_add_test(tcase, a_queue_without_a_vector_interrupts_nobody);
	tcase_add_test(tcase, a_vector_full_of_interrupts_does_not_wait);
	tcase = suite_case(suite, "notifications", setup, teardown);
	tcase_add_test(tcase, the_guest_is_asked_by_flag_not_to_notify);
	tcase_add_test(tcase, turning_notifications_on_tells_of_what_came_before);
	tcase_add_test(tcase, event_idx_asks_for_the_next_request);
	tcase_add_test(tcase, an_empty_queue_asks_for_a_notification_by_itself);
	tcase_add_test(tcase, a_queue_that_wants_no_notification_asks_for_none);
}

int main(void)
{
	Suite *suite = suite_create("virtq");
	TCase *tcase = suite_case(suite, "start", setup, teardown);

	tcase_add_test(tcase, a_ring_outside_ram_does_not_start);
	tcase_add_test(tcase, a_ring_may_end_with_the_ram);
	tcase_add_test(tcase, a_misaligned_ring_does_not_start);
	tcase_add_test(tcase, a_size_that_is_no_power_of_two_does_not_start);
	tcase_add_test(tcase, a_stopped_queue_holds_nothing_and_takes_nothing);
	tcase = suite_case(suite, "requests", setup, teardown);
	tcase_add_test(tcase, a_chain_comes_as_readable_then_writable_buffers);
	tcase_add_test(tcase, requests_come_in_order_beyond_the_wrap_of_the_index);
	tcase_add_test(tcase, a_request_put_back_comes_again);
	tcase_add_test(tcase, a_full_ring_is_no_error);
	tcase_add_test(tcase, an_indirect_table_is_a_chain);
	tcase_add_test(tcase, an_indirect_table_may_be_longer_than_its_queue_and_lie_anywhere);
	tcase_add_test(tcase, copies_cross_the_buffers);
	add_notices(suite);
	return suite_run(suite);
}
