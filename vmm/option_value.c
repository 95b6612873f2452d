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
	}
	return -EINVAL;
}

int option_set(const struct option_key *key, void *base, const char *text, char *wish,
	       size_t wish_len)
{
	const struct wish to = { wish, wish_len };
	int r = parse(key, base, text, &to);

	if (r == 0 && key->has && key->type != OPTION_FD_LIST)
		*(bool *)((char *)base + key->has) = true;
	return r;
}

/* --- JSON ---------------------------------------------------------------------------------------
 */

/* What kind of JSON value each type is. NULL: @value is of that kind. */
static const char *wrong_kind(const struct option_key *key, const json_t *value)
{
	switch (key->type) {
	case OPTION_TEXT:
	case OPTION_CHOICE:
	case OPTION_WORD:
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
	}
	return "want something else";
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

	if (key->type == OPTION_FD_LIST)
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
