/* SPDX-License-Identifier: BSD-3-Clause */
/* Split virtqueues, the device's side (Virtio 1.2, 2.7). */
#include "devices/virtio/queue.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "vmm/bits.h"
#include "vmm/log.h"
#include "vmm/memory.h"

/* What the rings hold belongs to the guest, which may write it at any time: every field is read
 * once, so that what was checked is what is used. */
#define ring_load(ptr)	       __atomic_load_n(ptr, __ATOMIC_RELAXED)
#define ring_store(ptr, value) __atomic_store_n(ptr, value, __ATOMIC_RELAXED)

/* Where descriptors are read from: the ring's own table, or an indirect one. */
struct table {
	const char *start; /* an indirect table may begin at any byte */
	unsigned nr;
	bool indirect;
};

/* With VIRTIO_RING_F_EVENT_IDX the ring's flags give way to an index behind either ring. */
static uint16_t *used_event(const struct virtq *queue)
{
	return &queue->ring_avail->ring[queue->size];
}

static uint16_t *avail_event(const struct virtq *queue)
{
	return (uint16_t *)(void *)&queue->ring_used->ring[queue->size];
}

static bool size_ok(const struct virtq *queue)
{
	return queue->size && queue->size <= queue->size_max && queue->size <= VIRTQ_SIZE_MAX &&
	       !(queue->size & (queue->size - 1));
}

/* Virtio 1.2, 2.7: the alignment and the bytes of each part. */
static int map_rings(struct virtq *queue, const struct memory *memory)
{
	uint64_t n = queue->size;

	if (queue->desc % 16 || queue->avail % 2 || queue->used % 4)
		return -EFAULT;
	queue->ring_desc = memory_at(memory, queue->desc, n * sizeof(struct vring_desc));
	queue->ring_avail = memory_at(memory, queue->avail, 6 + 2 * n);
	queue->ring_used = memory_at(memory, queue->used, 6 + n * sizeof(struct vring_used_elem));
	return queue->ring_desc && queue->ring_avail && queue->ring_used ? 0 : -EFAULT;
}

int virtq_start(struct virtq *queue, const struct memory *memory, uint64_t features)
{
	int err;

	if (!size_ok(queue))
		return -EINVAL;
	err = map_rings(queue, memory);
	if (err) {
		virtq_stop(queue);
		return err;
	}
	queue->event_idx = features & (UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX);
	queue->indirect = features & (UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC);
	queue->broken = false;
	queue->why = NULL;
	queue->quiet = false;
	queue->next_avail = 0;
	queue->next_used = 0;
	queue->signalled = 0;
	queue->signalled_valid = true;
	queue->memory = memory;
	return 0;
}

void virtq_stop(struct virtq *queue)
{
	queue->memory = NULL;
	queue->ring_desc = NULL;
	queue->ring_avail = NULL;
	queue->ring_used = NULL;
}

static int spoil(struct virtq *queue, const char *why)
{
	queue->broken = true;
	queue->why = why;
	return -EPROTO;
}

static struct vring_desc read_desc(const struct table *table, unsigned at)
{
	struct vring_desc desc;

	memcpy(&desc, table->start + at * sizeof(desc), sizeof(desc));
	/* The compiler may not go back to the guest's copy for a second look. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return desc;
}

/* One buffer of the guest at the end of @chain; NULL, or what is wrong with it. */
static const char *add_buffer(const struct virtq *queue, struct virtq_chain *chain,
			      const struct vring_desc *desc)
{
	unsigned nr = chain->nr_out + chain->nr_in;
	bool in = desc->flags & VRING_DESC_F_WRITE;
	void *hva;

	if (!desc->len)
		return "a buffer of no length";
	if (nr == VIRTQ_IOV_MAX)
		return "too many buffers in a request";
	if (!in && chain->nr_in)
		return "a readable buffer behind a writable one";
	if (desc->len > UINT32_MAX - (chain->out_len + chain->in_len))
		return "a request above 4 GiB";
	hva = memory_at(queue->memory, desc->addr, desc->len);
	if (!hva)
		return "a buffer that is not in RAM";
	chain->iov[nr] = (struct iovec){ .iov_base = hva, .iov_len = desc->len };
	if (in) {
		chain->nr_in++;
		chain->in_len += desc->len;
	} else {
		chain->nr_out++;
		chain->out_len += desc->len;
	}
	return NULL;
}

/* Virtio 1.2, 2.7.5.3: an indirect table ends its chain, and holds no other one. The write flag of
 * the descriptor that refers to it has no meaning. */
static const char *enter_table(const struct virtq *queue, struct table *table,
			       const struct vring_desc *desc)
{
	if (!queue->indirect)
		return "an indirect table that was not negotiated";
	if (table->indirect)
		return "an indirect table in another one";
	if (desc->flags & VRING_DESC_F_NEXT)
		return "a chain that goes on behind an indirect table";
	if (!desc->len || desc->len % sizeof(*desc) || desc->len > VIRTQ_SIZE_MAX * sizeof(*desc))
		return "an indirect table of a wrong length";
	table->start = memory_at(queue->memory, desc->addr, desc->len);
	if (!table->start)
		return "an indirect table that is not in RAM";
	table->nr = desc->len / sizeof(*desc);
	table->indirect = true;
	return NULL;
}

/* Follows the chain from @at. Each table is walked for as many steps as it has entries, more is a
 * loop. NULL, or what is wrong. */
static const char *walk(const struct virtq *queue, struct virtq_chain *chain, unsigned at)
{
	struct table table = { .start = (const char *)queue->ring_desc, .nr = queue->size };
	const char *why;

	for (unsigned steps = 0; steps < table.nr;) {
		struct vring_desc desc;

		if (at >= table.nr)
			return "a descriptor beyond the table";
		desc = read_desc(&table, at);
		if (desc.flags & VRING_DESC_F_INDIRECT) {
			why = enter_table(queue, &table, &desc);
			at = 0;
			steps = 0;
		} else {
			why = add_buffer(queue, chain, &desc);
			if (!why && !(desc.flags & VRING_DESC_F_NEXT))
				return NULL;
			at = desc.next;
			steps++;
		}
		if (why)
			return why;
	}
	return "a chain that is a loop";
}

/* Acquire: what the guest wrote into the ring before it raised the index is seen behind it. */
static uint16_t avail_idx(const struct virtq *queue)
{
	return __atomic_load_n(&queue->ring_avail->idx, __ATOMIC_ACQUIRE);
}

bool virtq_pending(const struct virtq *queue)
{
	return queue->memory && !queue->broken && avail_idx(queue) != queue->next_avail;
}

/* Requests that nobody took yet. A queue found empty asks for the next notification before it says
 * so, else a guest that heard "not needed" a moment ago would wait for ever. */
static uint16_t nr_pending(struct virtq *queue)
{
	uint16_t nr = (uint16_t)(avail_idx(queue) - queue->next_avail);

	if (!nr && queue->event_idx && !queue->quiet && virtq_want_kicks(queue, true))
		nr = (uint16_t)(avail_idx(queue) - queue->next_avail);
	return nr;
}

int virtq_pop(struct virtq *queue, struct virtq_chain *chain)
{
	const char *why;
	uint16_t nr;

	if (!queue->memory || queue->broken)
		return 0;
	nr = nr_pending(queue);
	if (!nr)
		return 0;
	if (nr > queue->size)
		return spoil(queue, "more requests than the ring holds");

	chain->head = ring_load(&queue->ring_avail->ring[queue->next_avail % queue->size]);
	chain->nr_out = 0;
	chain->nr_in = 0;
	chain->out_len = 0;
	chain->in_len = 0;
	why = walk(queue, chain, chain->head);
	if (why)
		return spoil(queue, why);
	queue->next_avail++;
	return 1;
}

void virtq_unpop(struct virtq *queue)
{
	queue->next_avail--;
}

void virtq_push_together(struct virtq *queue, const struct vring_used_elem *used, unsigned nr)
{
	uint16_t signalled = (uint16_t)(queue->signalled - queue->next_used);

	if (!queue->memory)
		return;
	for (unsigned i = 0; i < nr; i++) {
		struct vring_used_elem *elem;

		elem = &queue->ring_used->ring[(uint16_t)(queue->next_used + i) % queue->size];
		ring_store(&elem->id, used[i].id);
		ring_store(&elem->len, used[i].len);
	}
	queue->next_used = (uint16_t)(queue->next_used + nr);
	/* Release: the entries, and what was written to the buffers, are there before the index. */
	__atomic_store_n(&queue->ring_used->idx, queue->next_used, __ATOMIC_RELEASE);
	/* 65536 pushes without a signal look like none. */
	if (signalled && signalled <= nr)
		queue->signalled_valid = false;
}

void virtq_push(struct virtq *queue, uint16_t head, uint32_t written)
{
	const struct vring_used_elem used = { .id = head, .len = written };

	virtq_push_together(queue, &used, 1);
}

/* Virtio 1.2, 2.7.7. @old: the used index when the guest was last considered. */
static bool guest_wants_signal(const struct virtq *queue, uint16_t old, bool old_valid)
{
	/* The guest may be about to sleep: it writes its wish, then looks at the used index. Here
	 * the index was written; the wish may be read only after that. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!queue->event_idx)
		return !(ring_load(&queue->ring_avail->flags) & VRING_AVAIL_F_NO_INTERRUPT);
	return !old_valid || vring_need_event(ring_load(used_event(queue)), queue->next_used, old);
}

/* EAGAIN: the eventfd is full of interrupts that nobody has taken, so one more changes nothing. */
static void interrupt(struct virtq *queue)
{
	uint64_t one = 1;
	int fd = queue->call_fd;

	if (fd < 0 || write(fd, &one, sizeof(one)) == sizeof(one) || errno == EAGAIN)
		return;
	if (!queue->call_failed)
		log_error("virtio", "queue %u cannot interrupt the guest: %s", queue->index,
			  strerror(errno));
	queue->call_failed = true;
}

void virtq_signal(struct virtq *queue)
{
	uint16_t old = queue->signalled;
	bool old_valid = queue->signalled_valid;

	if (!queue->memory || (old_valid && old == queue->next_used))
		return;
	queue->signalled = queue->next_used;
	queue->signalled_valid = true;
	if (guest_wants_signal(queue, old, old_valid))
		interrupt(queue);
}

bool virtq_want_kicks(struct virtq *queue, bool want)
{
	queue->quiet = !want;
	if (!queue->memory)
		return false;
	/* The index stays where it is when no kicks are wanted: the guest has passed it, so it
	 * notifies again only after 65536 more requests. */
	if (queue->event_idx && want)
		ring_store(avail_event(queue), queue->next_avail);
	else if (!queue->event_idx)
		ring_store(&queue->ring_used->flags, want ? 0 : VRING_USED_F_NO_NOTIFY);
	if (!want)
		return false;
	/* The wish is out before the index is read, or a request between the two has no kick. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return virtq_pending(queue);
}

/* The part of @iov behind @off bytes; @off becomes what is left of it for the next one. */
static struct iovec behind(struct iovec iov, size_t *off)
{
	size_t skip = min_u64(*off, iov.iov_len);

	*off -= skip;
	return (struct iovec){
		.iov_base = (char *)iov.iov_base + skip,
		.iov_len = iov.iov_len - skip,
	};
}

size_t virtq_chain_read(const struct virtq_chain *chain, size_t off, void *data, size_t len)
{
	size_t done = 0;

	for (unsigned i = 0; i < chain->nr_out && done < len; i++) {
		struct iovec part = behind(chain->iov[i], &off);
		size_t n = min_u64(part.iov_len, len - done);

		memcpy((char *)data + done, part.iov_base, n);
		done += n;
	}
	return done;
}

size_t virtq_chain_write(struct virtq_chain *chain, size_t off, const void *data, size_t len)
{
	size_t done = 0;

	for (unsigned i = 0; i < chain->nr_in && done < len; i++) {
		struct iovec part = behind(virtq_chain_in(chain)[i], &off);
		size_t n = min_u64(part.iov_len, len - done);

		memcpy(part.iov_base, (const char *)data + done, n);
		done += n;
	}
	return done;
}
