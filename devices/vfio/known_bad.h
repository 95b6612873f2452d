/* SPDX-License-Identifier: BSD-3-Clause */
/* Cards that are known not to come back: the list share/known-bad.txt, which is compiled in. */
#ifndef COLDVM_DEVICES_VFIO_KNOWN_BAD_H
#define COLDVM_DEVICES_VFIO_KNOWN_BAD_H

#include <stdint.h>

#define KNOWN_BAD_FIELD 192

struct known_bad {
	uint16_t vendor, device;
	char card[64];
	char seen[KNOWN_BAD_FIELD];   /* what happened to others */
	char advice[KNOWN_BAD_FIELD]; /* what to do */
	char source[KNOWN_BAD_FIELD]; /* address of the report */
};

/* The text of the list, NUL at its end (made by cmake/text.cmake). */
extern const char known_bad_text[];

/*
 * Reads one entry from *@text and moves *@text behind its line; comments and empty lines are
 * skipped. 1: @ret is filled, 0: end of the text, -EINVAL: the line is not of the form that
 * share/known-bad.txt describes, or a field is too long; *@text is behind that line, too.
 */
int known_bad_next(const char **text, struct known_bad *ret);
/* The entry of @text for a card: 1 and @ret, or 0. Lines that cannot be read are skipped. */
int known_bad_find(const char *text, uint16_t vendor, uint16_t device, struct known_bad *ret);

#endif
