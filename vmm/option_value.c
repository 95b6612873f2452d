/* SPDX-License-Identifier: BSD-3-Clause */
/* Each type has one reader of text, which knows the limits; JSON is brought into that text. */
#include "vmm/option_value.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "vmm/bits.h"

struct wish {
	char *text;
	size_t len;
};

static int fail(const struct wish *wish, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(const struct wish *wish, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(wish->text, wish->len, fmt, args);
	va_end(args);
	return -EINVAL;
}

/* --- text ---------------------------------------------------------------------------------------
 */

static int parse_text(const struct option_key *key, const char *text, const char **field,
		      const struct wish *wish)
{
	size_t len = strlen(text);

	if (key->max && (len < key->min || len > key->max))
		return fail(wish, "want %llu to %llu characters", (unsigned long long)key->min,
			    (unsigned long long)key->max);
	if (len < key->min)
		return fail(wish, "want a value");
	*field = text;
	return 0;
}

static int parse_bool(const char *text, bool *field, const struct wish *wish)
{
	bool on = !strcmp(text, "on") || !strcmp(text, "true");

	if (!on && strcmp(text, "off") && strcmp(text, "false"))
		return fail(wish, "say on or off");
	*field = on;
	return 0;
}

/* *ret is the index in words[]. */
static int parse_word(const struct option_key *key, const char *text, unsigned *ret,
		      const struct wish *wish)
{
	char known[96] = "";

	for (unsigned i = 0; key->words[i]; i++) {
		size_t used = strlen(known);

		if (key->type == OPTION_MODE ? !strcasecmp(text, key->words[i])
					     : !strcmp(text, key->words[i])) {
			*ret = i;
			return 0;
		}
		snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "", key->words[i]);
	}
	return fail(wish, "want one of %s", known);
}

/* Digits alone; *end is what follows them. */
static int parse_digits(const char *text, uint64_t *ret, char **end)
{
	errno = 0;
	*ret = strtoull(text, end, 10);
	return text[0] < '0' || text[0] > '9' || errno ? -EINVAL : 0;
}

static int parse_number(const struct option_key *key, const char *text, unsigned *field,
			const struct wish *wish)
{
	uint64_t n;
	char *end;

	if (parse_digits(text, &n, &end) < 0 || *end || n < key->min || n > key->max)
		return fail(wish, "want a number from %llu to %llu", (unsigned long long)key->min,
			    (unsigned long long)key->max);
	if (key->type == OPTION_POWER2 && (n & (n - 1)))
		return fail(wish, "want a power of two");
	*field = (unsigned)n;
	return 0;
}

static int parse_fd(const char *text, int *field, char **end)
{
	uint64_t n;

	if (parse_digits(text, &n, end) < 0 || n > INT_MAX)
		return -EINVAL;
	*field = (int)n;
	return 0;
}

static int parse_size(const struct option_key *key, const char *text, uint64_t *field,
		      const struct wish *wish)
{
	static const char suffixes[] = "KMGT";
	unsigned shift = 0;
	uint64_t n;
	char *end;
	bool ok = parse_digits(text, &n, &end) == 0;

	if (ok && *end) {
		const char *suffix = strchr(suffixes, *end);

		ok = suffix && !end[1];
		if (ok)
			shift = 10 * (unsigned)(suffix - suffixes + 1);
	}
	if (!ok || n > UINT64_MAX >> shift)
		return fail(wish, "want a size such as 512M or 4G");
	n <<= shift;
	if (n < key->min || n % key->max)
		return fail(
			wish, "want a multiple of %llu%s%s",
			(unsigned long long)(key->max >= MIB(1) ? key->max >> 20 : key->max >> 10),
			key->max >= MIB(1) ? "M" : "K", n ? "" : ", more than 0");
	*field = n;
	return 0;
}

/* "3", or "[3,4]" as cloud-hypervisor has it. */
static int parse_fd_list(const struct option_key *key, const char *text, int *fds, unsigned *nr,
			 const struct wish *wish)
{
	bool list = *text == '[';
	unsigned n = 0;
	char *at = (char *)text + list;

	do {
		if (n == key->max || parse_fd(n ? at + 1 : at, &fds[n], &at) < 0)
			goto bad;
		for (unsigned i = 0; i < n; i++)
			if (fds[i] == fds[n])
				return fail(wish, "descriptor %d is given twice", fds[n]);
		n++;
	} while (list && *at == ',');
	if (strcmp(at, list ? "]" : ""))
		goto bad;
	*nr = n;
	return 0;
bad:
	return fail(wish, "want a descriptor, or 1 to %llu of them such as [3,4]",
		    (unsigned long long)key->max);
}

/* --- lists --------------------------------------------------------------------------------------
 *
 * "a", or "[a,b]" as cloud-hypervisor has it.
 */

/* Cuts nothing: the next item is *ret of @len bytes. *at: NULL at first, then where to go on.
 * Returns 0 at the end, -EINVAL for what is no list. */
static int next_item(const char *text, const char **at, const char **ret, size_t *len)
{
	bool list = *text == '[';

	if (!*at)
		*at = text + list;
	else if (**at == ',' && list)
		(*at)++;
	else
		return strcmp(*at, list ? "]" : "") ? -EINVAL : 0;
	*ret = *at;
	*len = strcspn(*at, list ? ",]" : "");
	*at += *len;
	return *len ? 1 : -EINVAL;
}

/* A number from 0 to @max, which ends where @end says. */
static int parse_part(const char *text, const char *end, uint64_t max, unsigned *ret)
{
	uint64_t n;
	char *stop;

	if (parse_digits(text, &n, &stop) < 0 || stop != end || n > max)
		return -EINVAL;
	*ret = (unsigned)n;
	return 0;
}

/* "3", or "1-3". */
static int parse_cpu_range(const char *text, size_t len, unsigned max, unsigned *first,
			   unsigned *last)
{
	const char *dash = memchr(text, '-', len), *end = text + len;

	if (parse_part(text, dash ? dash : end, max - 1, first) < 0)
		return -EINVAL;
	*last = *first;
	if (dash && parse_part(dash + 1, end, max - 1, last) < 0)
		return -EINVAL;
	return *first <= *last ? 0 : -EINVAL;
}

static int parse_cpus(const struct option_key *key, const char *text, uint64_t *field,
		      const struct wish *wish)
{
	const char *at = NULL, *item;
	unsigned first, last;
	uint64_t cpus = 0;
	size_t len;
	int r;

	while ((r = next_item(text, &at, &item, &len)) > 0) {
		r = parse_cpu_range(item, len, (unsigned)key->max, &first, &last);
		if (r < 0)
			break;
		for (unsigned cpu = first; cpu <= last; cpu++) {
			if (cpus & UINT64_C(1) << cpu)
				return fail(wish, "vCPU %u is given twice", cpu);
			cpus |= UINT64_C(1) << cpu;
		}
	}
	if (r)
		return fail(wish, "want vCPUs from 0 to %llu such as [0-1,3]",
			    (unsigned long long)key->max - 1);
	*field = cpus;
	return 0;
}

/* "1@20": to node 1. */
static int parse_distance(const struct option_key *key, const char *text, size_t len,
			  struct numa_distance *ret)
{
	const char *at = memchr(text, '@', len);

	if (!at || parse_part(text, at, key->max - 1, &ret->destination) < 0)
		return -EINVAL;
	return parse_part(at + 1, text + len, UINT32_MAX, &ret->distance);
}

static int parse_distances(const struct option_key *key, const char *text,
			   struct numa_distance *list, unsigned *nr, const struct wish *wish)
{
	const char *at = NULL, *item;
	unsigned n = 0;
	size_t len;
	int r;

	while ((r = next_item(text, &at, &item, &len)) > 0) {
		if (n == key->max || parse_distance(key, item, len, &list[n]) < 0) {
			r = -EINVAL;
			break;
		}
		if (list[n].distance <= NUMA_DISTANCE_LOCAL || list[n].distance > 255)
			return fail(wish, "%u: a distance is from %u to 255, and that to itself %u",
				    list[n].distance, NUMA_DISTANCE_LOCAL + 1, NUMA_DISTANCE_LOCAL);
		for (unsigned i = 0; i < n; i++)
			if (list[i].destination == list[n].destination)
				return fail(wish, "node %u is given twice", list[n].destination);
		n++;
	}
	if (r)
		return fail(wish, "want nodes and distances such as [1@20,2@30]");
	*nr = n;
	return 0;
}

static int parse_names(const struct option_key *key, const char *text, struct option_name *list,
		       unsigned *nr, const struct wish *wish)
{
	const char *at = NULL;
	unsigned n = 0;
	int r = 0;

	while (n < key->max && (r = next_item(text, &at, &list[n].text, &list[n].len)) > 0)
		n++;
	if (r)
		return fail(wish, "want 1 to %llu names such as [a,b]",
			    (unsigned long long)key->max);
	*nr = n;
	return 0;
}

/* --- any of them --------------------------------------------------------------------------------
 */

static int parse_auto(const struct option_key *key, char *base, const char *text,
		      const struct wish *wish)
{
	bool *has = (bool *)(base + key->has);

	*has = strcmp(text, "auto");
	if (!*has)
		return 0;
	if (parse_part(text, text + strlen(text), key->max, (unsigned *)(base + key->offset)) < 0)
		return fail(wish, "want auto, or a number from %llu to %llu",
			    (unsigned long long)key->min, (unsigned long long)key->max);
	return 0;
}

static int parse_mac(const char *text, uint8_t *mac, const struct wish *wish)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	bool ok = strlen(text) == 17;

	for (unsigned i = 0; ok && i < 17; i++) {
		const char *digit = strchr(digits, text[i]);

		if (i % 3 == 2)
			ok = text[i] == ':';
		else if (!digit)
			ok = false;
		else
			mac[i / 3] = (uint8_t)(mac[i / 3] << 4 | ((digit - digits) & 15));
	}
	/* Bit 0 of the first byte: a group of stations. */
	if (!ok || mac[0] & 1)
		return fail(wish, "want the MAC address of one station, such as 52:54:00:12:34:56");
	return 0;
}

static int parse(const struct option_key *key, char *base, const char *text,
		 const struct wish *wish)
{
	void *field = base + key->offset;
	unsigned word = 0;
	char *end;
	int r;

	switch (key->type) {
	case OPTION_TEXT:
		return parse_text(key, text, field, wish);
	case OPTION_BOOL:
		return parse_bool(text, field, wish);
	case OPTION_CHOICE:
	case OPTION_WORD:
	case OPTION_MODE:
		r = parse_word(key, text, &word, wish);
		if (r == 0 && key->type == OPTION_CHOICE)
			*(bool *)field = word;
		else if (r == 0)
			*(unsigned *)field = (unsigned)key->min + word;
		return r;
	case OPTION_NUMBER:
	case OPTION_POWER2:
		return parse_number(key, text, field, wish);
	case OPTION_SIZE:
		return parse_size(key, text, field, wish);
	case OPTION_FD:
		if (parse_fd(text, field, &end) < 0 || *end)
			return fail(wish, "want a number from 0 to %d", INT_MAX);
		return 0;
	case OPTION_FD_LIST:
		return parse_fd_list(key, text, field, (unsigned *)(base + key->has), wish);
	case OPTION_MAC:
		return parse_mac(text, field, wish);
	case OPTION_AUTO:
		return parse_auto(key, base, text, wish);
	case OPTION_CPUS:
		return parse_cpus(key, text, field, wish);
	case OPTION_NAMES:
		return parse_names(key, text, field, (unsigned *)(base + key->has), wish);
	case OPTION_DISTANCES:
		return parse_distances(key, text, field, (unsigned *)(base + key->has), wish);
	}
	return -EINVAL;
}

/* What @has of such a key is the offset of: the number of items. */
static bool is_list(const struct option_key *key)
{
	return key->type == OPTION_FD_LIST || key->type == OPTION_NAMES ||
	       key->type == OPTION_DISTANCES;
}

int option_set(const struct option_key *key, void *base, const char *text, char *wish,
	       size_t wish_len)
{
	const struct wish to = { wish, wish_len };
	int r = parse(key, base, text, &to);

	if (r == 0 && key->has && !is_list(key) && key->type != OPTION_AUTO)
		*(bool *)((char *)base + key->has) = true;
	return r;
}

/* --- JSON ---------------------------------------------------------------------------------------
 */

/* cloud-hypervisor has some of these as booleans. */
static bool has_on(const struct option_key *key)
{
	for (unsigned i = 0; key->words && key->words[i]; i++)
		if (!strcmp(key->words[i], "on"))
			return true;
	return false;
}

/* What kind of JSON value each type is. NULL: @value is of that kind. */
static const char *wrong_kind(const struct option_key *key, const json_t *value)
{
	switch (key->type) {
	case OPTION_WORD:
		if (json_is_boolean(value) && has_on(key))
			return NULL;
		/* fall through */
	case OPTION_TEXT:
	case OPTION_CHOICE:
	case OPTION_MODE:
	case OPTION_MAC:
		return json_is_string(value) ? NULL : "want a string";
	case OPTION_BOOL:
		return json_is_boolean(value) ? NULL : "want true or false";
	case OPTION_NUMBER:
	case OPTION_POWER2:
	case OPTION_FD:
		return json_is_integer(value) ? NULL : "want a whole number";
	case OPTION_SIZE:
		return json_is_integer(value) || json_is_string(value)
			       ? NULL
			       : "want a number of bytes, or a size such as \"4G\"";
	case OPTION_FD_LIST:
		return json_is_array(value) ? NULL : "want a list of descriptors";
	case OPTION_AUTO:
		return json_is_integer(value) || json_is_string(value)
			       ? NULL
			       : "want a whole number, or \"auto\"";
	case OPTION_CPUS:
		return json_is_array(value) ? NULL : "want a list of vCPUs";
	case OPTION_NAMES:
		return json_is_array(value) ? NULL : "want a list of names";
	case OPTION_DISTANCES:
		return json_is_array(value) ? NULL : "want a list of nodes and distances";
	}
	return "want something else";
}

/* Names point into @value, so they do not go by a text. */
static int names_from_json(const struct option_key *key, char *base, const json_t *value,
			   const struct wish *wish)
{
	struct option_name *list = (void *)(base + key->offset);
	const json_t *item;
	size_t i;

	if (!json_array_size(value) || json_array_size(value) > key->max)
		return fail(wish, "want 1 to %llu names", (unsigned long long)key->max);
	json_array_foreach(value, i, item)
	{
		if (!json_string_length(item))
			return fail(wish, "want a list of names");
		list[i] = (struct option_name){ json_string_value(item), json_string_length(item) };
	}
	*(unsigned *)(base + key->has) = (unsigned)json_array_size(value);
	return 0;
}

/* [{"destination":1,"distance":20}] as "[1@20]". */
static int distances_text(const json_t *value, char *text, size_t size, const struct wish *wish)
{
	size_t i, len = 0;
	json_t *item;

	json_array_foreach(value, i, item)
	{
		json_int_t to, distance;

		if (json_unpack(item, "{s:I, s:I!}", "destination", &to, "distance", &distance) < 0)
			return fail(wish,
				    "want a list such as [{\"destination\":1,\"distance\":20}]");
		len += (size_t)snprintf(text + len, size - len, "%c%lld@%lld", i ? ',' : '[',
					(long long)to, (long long)distance);
		if (len >= size)
			return fail(wish, "want less of it");
	}
	len += (size_t)snprintf(text + len, size - len, "%s", len ? "]" : "[]");
	return len < size ? 0 : fail(wish, "want less of it");
}

int option_set_json(const struct option_key *key, void *base, const json_t *value, char *wish,
		    size_t wish_len)
{
	const struct wish to = { wish, wish_len };
	char number[256];
	const char *wrong;
	size_t len;

	if (json_is_null(value))
		return 0;
	wrong = wrong_kind(key, value);
	if (wrong)
		return fail(&to, "%s", wrong);
	if (json_is_string(value))
		return option_set(key, base, json_string_value(value), wish, wish_len);
	if (json_is_boolean(value))
		return option_set(key, base, json_is_true(value) ? "on" : "off", wish, wish_len);
	if (key->type == OPTION_NAMES)
		return names_from_json(key, base, value, &to);
	if (key->type == OPTION_DISTANCES)
		return distances_text(value, number, sizeof(number), &to) < 0
			       ? -EINVAL
			       : option_set(key, base, number, wish, wish_len);
	len = json_dumpb(value, number, sizeof(number) - 1, JSON_ENCODE_ANY | JSON_COMPACT);
	if (!len || len >= sizeof(number))
		return fail(&to, "want less of it");
	number[len] = '\0';
	return option_set(key, base, number, wish, wish_len);
}

bool option_is_set(const struct option_key *key, const void *base)
{
	const char *at = base;
	const void *field = at + key->offset;

	if (is_list(key))
		return *(const unsigned *)(at + key->has);
	if (key->has)
		return *(const bool *)(at + key->has);
	switch (key->type) {
	case OPTION_TEXT:
		return *(const char *const *)field;
	case OPTION_WORD:
	case OPTION_MODE:
	case OPTION_NUMBER:
	case OPTION_POWER2:
		return *(const unsigned *)field >= key->min;
	case OPTION_FD:
		return *(const int *)field >= 0;
	case OPTION_CPUS:
		return *(const uint64_t *)field;
	default:
		return true;
	}
}

static json_t *mode_json(const char *word)
{
	char text[16];

	snprintf(text, sizeof(text), "%s", word);
	if (text[0] >= 'a' && text[0] <= 'z')
		text[0] = (char)(text[0] - 'a' + 'A');
	return json_string(text);
}

static json_t *fd_list_json(const int *fds, unsigned nr)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < nr; i++)
		json_array_append_new(list, json_integer(fds[i]));
	return list;
}

static json_t *cpus_json(uint64_t cpus)
{
	json_t *list = json_array();

	for (int i = 0; i < 64; i++)
		if (cpus & UINT64_C(1) << i)
			json_array_append_new(list, json_integer(i));
	return list;
}

static json_t *names_json(const struct option_name *names, unsigned nr)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < nr; i++)
		if (json_array_append_new(list, json_stringn(names[i].text, names[i].len)) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *distances_json(const struct numa_distance *distances, unsigned nr)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < nr; i++)
		json_array_append_new(list, json_pack("{s:i, s:i}", "destination",
						      (int)distances[i].destination, "distance",
						      (int)distances[i].distance));
	return list;
}

json_t *option_get_json(const struct option_key *key, const void *base)
{
	const char *at = base;
	const void *field = at + key->offset;
	const uint8_t *mac = field;
	char text[18];

	if (!option_is_set(key, base))
		return NULL;
	switch (key->type) {
	case OPTION_TEXT:
		return json_string(*(const char *const *)field);
	case OPTION_BOOL:
		return json_boolean(*(const bool *)field);
	case OPTION_CHOICE:
		return json_string(key->words[*(const bool *)field]);
	case OPTION_WORD:
		return json_string(key->words[*(const unsigned *)field - key->min]);
	case OPTION_MODE:
		return mode_json(key->words[*(const unsigned *)field - key->min]);
	case OPTION_NUMBER:
	case OPTION_POWER2:
		return json_integer(*(const unsigned *)field);
	case OPTION_SIZE:
		return json_integer((json_int_t) * (const uint64_t *)field);
	case OPTION_AUTO:
		return json_integer(*(const unsigned *)field);
	case OPTION_CPUS:
		return cpus_json(*(const uint64_t *)field);
	case OPTION_NAMES:
		return names_json(field, *(const unsigned *)(at + key->has));
	case OPTION_DISTANCES:
		return distances_json(field, *(const unsigned *)(at + key->has));
	case OPTION_FD:
		return json_integer(*(const int *)field);
	case OPTION_FD_LIST:
		return fd_list_json(field, *(const unsigned *)(at + key->has));
	case OPTION_MAC:
		snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
			 mac[2], mac[3], mac[4], mac[5]);
		return json_string(text);
	}
	return NULL;
}
