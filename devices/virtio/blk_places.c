/* SPDX-License-Identifier: BSD-3-Clause */
/* Places for the requests of one queue. */
#include "devices/virtio/blk_places.h"

#include <errno.h>
#include <sys/mman.h>

void *blk_map_pages(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return pages == MAP_FAILED ? NULL : pages;
}

void blk_unmap_pages(void *pages, size_t size)
{
	if (pages)
		munmap(pages, size);
}

int blk_places_init(struct blk_places *places, unsigned nr)
{
	*places = (struct blk_places){ .nr_works = nr };
	places->works = blk_map_pages(nr * sizeof(*places->works));
	places->many = blk_map_pages(BLK_MAX_MANY * sizeof(*places->many));
	if (!places->works || !places->many)
		return -ENOMEM;
	blk_places_reset(places);
	return 0;
}

void blk_places_exit(struct blk_places *places)
{
	blk_unmap_pages(places->works, places->nr_works * sizeof(*places->works));
	blk_unmap_pages(places->many, BLK_MAX_MANY * sizeof(*places->many));
	*places = (struct blk_places){ 0 };
}

void blk_places_reset(struct blk_places *places)
{
	places->free = NULL;
	places->fresh = 0;
	for (unsigned i = 0; i < BLK_MAX_MANY; i++)
		places->free_many[i] = (uint16_t)(BLK_MAX_MANY - 1 - i);
	places->nr_free_many = BLK_MAX_MANY;
}

struct blk_work *blk_places_get(struct blk_places *places)
{
	struct blk_work *work = places->free;

	if (work)
		places->free = work->next;
	else if (places->fresh < places->nr_works)
		work = &places->works[places->fresh++];
	if (work) {
		work->many = NULL;
		work->busy = false;
	}
	return work;
}

bool blk_places_get_many(struct blk_places *places, struct blk_work *work)
{
	if (!places->nr_free_many)
		return false;
	work->many = &places->many[places->free_many[--places->nr_free_many]];
	return true;
}

void blk_places_put(struct blk_places *places, struct blk_work *work)
{
	if (work->many)
		places->free_many[places->nr_free_many++] = (uint16_t)(work->many - places->many);
	work->next = places->free;
	places->free = work;
}

void blk_list_init(struct blk_list *list)
{
	list->head = NULL;
	list->tail = &list->head;
}

void blk_list_add(struct blk_list *list, struct blk_work *work)
{
	work->next = NULL;
	*list->tail = work;
	list->tail = &work->next;
}

struct blk_work *blk_list_take(struct blk_list *list)
{
	struct blk_work *work = list->head;

	if (work) {
		list->head = work->next;
		if (!list->head)
			list->tail = &list->head;
	}
	return work;
}
