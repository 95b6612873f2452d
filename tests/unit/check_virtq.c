/* SPDX-License-Identifier: BSD-3-Clause */
/* Split virtqueues: requests, notifications both ways, and rings that make no sense. */
#include "devices/virtio/queue.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "tests/fake/fake_kvm.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/kvm.h"
#include "vmm/memory.h"

#define RAM	 MIB(16)
#define SIZE	 8
#define DESC	 0x10000
#define AVAIL	 0x20000
#define USED	 0x30000
#define INDIRECT 0x40000
#define DATA	 0x100000

#define EVENT_IDX (UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX)
#define TABLES	  (UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC)

static struct kvm kvm;
static struct memory memory;
static struct virtq queue;
static struct virtq_chain chain;

/* For long loops: Check notes each assertion that holds in a file. */
static void must(bool holds)
{
	if (!holds)
		ck_abort();
}

static void *at(uint64_t gpa)
{
	void *hva = memory_at(&memory, gpa, 1);

	must(hva);
	return hva;
}

static struct vring_desc *desc(unsigned n)
{
	return (struct vring_desc *)at(DESC) + n;
}

static struct vring_desc *indirect(unsigned n)
{
	return (struct vring_desc *)at(INDIRECT) + n;
}

static struct vring_avail *avail(void)
{
	return at(AVAIL);
}

static struct vring_used *used(void)
{
	return at(USED);
}

static uint16_t *used_event(void)
{
	return &avail()->ring[SIZE];
}

static uint16_t avail_event(void)
{
	uint16_t event;

	memcpy(&event, &used()->ring[SIZE], sizeof(event));
	return event;
}

static void start(uint64_t features)
{
	virtq_stop(&queue);
	memset(at(DESC), 0, KIB(4));
	memset(at(AVAIL), 0, KIB(4));
	memset(at(USED), 0, KIB(4));
	must(!virtq_start(&queue, &memory, features));
}

static void setup(void)
{
	const struct memory_config config = { .size = RAM, .low_limit = GIB(3) };
	const char *missing;

	fake_kvm_reset();
	ck_assert_int_eq(kvm_open(&kvm, &missing), 0);
	ck_assert_int_eq(memory_init(&memory, &kvm, &config), 0);
	queue = (struct virtq){
		.size_max = VIRTQ_SIZE_MAX,
		.size = SIZE,
		.desc = DESC,
		.avail = AVAIL,
		.used = USED,
		.kick_fd = -1,
		.call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	ck_assert_int_ge(queue.call_fd, 0);
	start(0);
}

static void teardown(void)
{
	virtq_stop(&queue);
	close_fd(&queue.call_fd);
	memory_exit(&memory);
	kvm_close(&kvm);
}

static void put(unsigned n, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	*desc(n) = (struct vring_desc){ addr, len, flags, next };
}

static void offer(uint16_t head)
{
	avail()->ring[avail()->idx % SIZE] = head;
	avail()->idx++;
}

/* One readable buffer of 4 bytes in descriptor @n. */
static void offer_simple(uint16_t n)
{
	put(n, DATA + n * 16u, 4, 0, 0);
	offer(n);
}

static bool interrupted(void)
{
	uint64_t count;

	return read(queue.call_fd, &count, sizeof(count)) == sizeof(count);
}

static void expect_broken(const char *why)
{
	ck_assert_int_eq(virtq_pop(&queue, &chain), -EPROTO);
	ck_assert(queue.broken);
	ck_assert_str_eq(queue.why, why);
}

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

/* --- malformed -------------------------------------------------------------------------------- */

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

static void add_malformed(Suite *suite)
{
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
}

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
	add_malformed(suite);
	return suite_run(suite);
}
