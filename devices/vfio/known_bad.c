/* SPDX-License-Identifier: BSD-3-Clause */
/* The parser of share/known-bad.txt. */
#include "devices/vfio/known_bad.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *at;
	size_t len;
};

static struct span trim(struct span s)
{
	while (s.len && isspace((unsigned char)*s.at))
		s.at++, s.len--;
	while (s.len && isspace((unsigned char)s.at[s.len - 1]))
		s.len--;
	return s;
}

/* Cuts the field in front of the next '|' off @rest, or all of it. False if nothing is left. */
static bool take_field(struct span *rest, struct span *ret)
{
	const char *bar;

	if (!rest->at)
		return false;
	bar = memchr(rest->at, '|', rest->len);
	ret->at = rest->at;
	ret->len = bar ? (size_t)(bar - rest->at) : rest->len;
	if (bar) {
		rest->len -= ret->len + 1;
		rest->at = bar + 1;
	} else {
		rest->at = NULL;
	}
	*ret = trim(*ret);
	return true;
}

static int take_text(struct span *rest, char *buf, size_t size)
{
	struct span field;

	if (!take_field(rest, &field) || !field.len || field.len >= size)
		return -EINVAL;
	memcpy(buf, field.at, field.len);
	buf[field.len] = '\0';
	return 0;
}

/* Four lower-case hexadecimal digits. */
static int parse_id(const char *text, uint16_t *ret)
{
	static const char digits[] = "0123456789abcdef";
	unsigned value = 0;

	for (unsigned i = 0; i < 4; i++) {
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;

		if (!digit)
			return -EINVAL;
		value = value << 4 | (unsigned)(digit - digits);
	}
	*ret = (uint16_t)(value & 0xffff);
	return 0;
}

static int parse_line(struct span line, struct known_bad *ret)
{
	struct known_bad entry;
	char ids[10];

	if (take_text(&line, ids, sizeof(ids)) || strlen(ids) != 9 || ids[4] != ':' ||
	    parse_id(ids, &entry.vendor) || parse_id(ids + 5, &entry.device) ||
	    take_text(&line, entry.card, sizeof(entry.card)) ||
	    take_text(&line, entry.seen, sizeof(entry.seen)) ||
	    take_text(&line, entry.advice, sizeof(entry.advice)) ||
	    take_text(&line, entry.source, sizeof(entry.source)) || line.at)
		return -EINVAL;
	*ret = entry;
	return 0;
}

int known_bad_next(const char **text, struct known_bad *ret)
{
	while (**text) {
		struct span line = { *text, strcspn(*text, "\n") };

		*text += line.len + ((*text)[line.len] == '\n');
		line = trim(line);
		if (line.len && *line.at != '#')
			return parse_line(line, ret) ? -EINVAL : 1;
	}
	return 0;
}

int known_bad_find(const char *text, uint16_t vendor, uint16_t device, struct known_bad *ret)
{
	struct known_bad entry;
	int r;

	while ((r = known_bad_next(&text, &entry))) {
		if (r < 0 || entry.vendor != vendor || entry.device != device)
			continue;
		*ret = entry;
		return 1;
	}
	return 0;
}
