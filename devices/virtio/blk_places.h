/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Places for the requests of one queue: made once, and used last in, first out, so that only as
 * many pages are ever touched as the guest has had requests at once. Used by one thread.
 */
#ifndef COLDVM_DEVICES_VIRTIO_BLK_PLACES_H
#define COLDVM_DEVICES_VIRTIO_BLK_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/virtio/blk_work.h"

#define BLK_MAX_WORKS 256u
#define BLK_MAX_MANY  32u

struct blk_places {
	struct blk_work *works, *free;
	unsigned nr_works, fresh; /* works[fresh] and above were never used */
	union blk_many *many;
	uint16_t free_many[BLK_MAX_MANY];
	unsigned nr_free_many;
};

/* First in, first out, by blk_work.next. */
struct blk_list {
	struct blk_work *head;
	struct blk_work **tail;
};

/* For @nr requests, at most BLK_MAX_WORKS. -ENOMEM; blk_places_exit() either way. */
int blk_places_init(struct blk_places *places, unsigned nr);
void blk_places_exit(struct blk_places *places);
/* All places are free. */
void blk_places_reset(struct blk_places *places);

/* NULL: none is free. */
struct blk_work *blk_places_get(struct blk_places *places);
/* Room for many buffers or ranges; false: none is free. */
bool blk_places_get_many(struct blk_places *places, struct blk_work *work);
/* With its many. */
void blk_places_put(struct blk_places *places, struct blk_work *work);

void blk_list_init(struct blk_list *list);
void blk_list_add(struct blk_list *list, struct blk_work *work);
/* NULL: it is empty. */
struct blk_work *blk_list_take(struct blk_list *list);

/* Zeroed pages that cost nothing until they are used; NULL if there are none. */
void *blk_map_pages(size_t size);
/* NULL is fine. */
void blk_unmap_pages(void *pages, size_t size);

#endif
