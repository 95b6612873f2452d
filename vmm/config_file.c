/* SPDX-License-Identifier: BSD-3-Clause */
/* The file is read once and for all: jansson's strings are what the options then point to. */
#include "vmm/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/bits.h"
#include "vmm/nearest.h"
#include "vmm/option_keys.h"
#include "vmm/option_value.h"

struct reader {
	struct vm_options *options;
	const char *path;
	char *why;
	size_t why_len;
};

static int fail(const struct reader *reader, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(const struct reader *reader, const char *fmt, ...)
{
	char text[384];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(reader->why, reader->why_len, "%s: %s", reader->path, text);
	return -EINVAL;
}

/* --- the file -----------------------------------------------------------------------------------
 */

static int read_all(int fd, char *text, size_t size, size_t *ret_len)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, text + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return 0;
}

static json_t *parse_text(const struct reader *reader, const char *text, size_t len)
{
	json_error_t error;
	json_t *root;

	if (len > CONFIG_FILE_MAX) {
		fail(reader, "bigger than %u KiB: this is no configuration file",
		     CONFIG_FILE_MAX >> 10);
		return NULL;
	}
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fail(reader, "line %d, column %d: %s", error.line, error.column, error.text);
	return root;
}

/* O_NONBLOCK: a FIFO without a writer is empty, not a wait for ever. */
static json_t *load(const struct reader *reader)
{
	int fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text = malloc(CONFIG_FILE_MAX + 1);
	json_t *root = NULL;
	size_t len = 0;
	int r = fd < 0 ? -errno : text ? 0 : -ENOMEM;

	if (r == 0)
		r = read_all(fd, text, CONFIG_FILE_MAX + 1, &len);
	if (r < 0)
		fail(reader, "cannot be read: %s", strerror(-r));
	else
		root = parse_text(reader, text, len);
	free(text);
	if (fd >= 0)
		close(fd);
	return root;
}

/* --- its objects --------------------------------------------------------------------------------
 */

static const char *json_name(const struct option_key *key)
{
	return key->json ? key->json : key->name;
}

static const struct option_key *find_key(const struct option_group *group, const char *name)
{
	for (unsigned i = 0; i < group->nr_keys; i++)
		if (!strcmp(json_name(&group->keys[i]), name))
			return &group->keys[i];
	return NULL;
}

/* @within: the object that has it; NULL: the file's top. */
static bool is_within(const struct option_group *group, const char *within)
{
	if (!group->json || !group->within != !within)
		return false;
	return !within || !strcmp(group->within, within);
}

static const struct option_group *find_group(const char *within, const char *name)
{
	for (unsigned i = 0; option_groups[i]; i++)
		if (is_within(option_groups[i], within) && !strcmp(option_groups[i]->json, name))
			return option_groups[i];
	return NULL;
}

static int unknown_key(const struct reader *reader, const struct option_group *group,
		       const char *place, const char *name)
{
	char known[256] = "";

	for (unsigned i = 0; i < group->nr_keys; i++) {
		size_t used = strlen(known);

		if (nearest_is_near(name, json_name(&group->keys[i])))
			return fail(reader, "%s.%.64s: unknown key: did you mean '%s'?", place,
				    name, json_name(&group->keys[i]));
		snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
			 json_name(&group->keys[i]));
	}
	return fail(reader, "%s.%.64s: unknown key: known are %s", place, name, known);
}

static int read_key(const struct reader *reader, const struct option_key *key, void *base,
		    const char *place, const json_t *value)
{
	char wish[192], text[64] = "";
	size_t len;

	if (option_set_json(key, base, value, wish, sizeof(wish)) == 0)
		return 0;
	len = json_dumpb(value, text, sizeof(text) - 1, JSON_ENCODE_ANY | JSON_COMPACT);
	text[min_u64(len, sizeof(text) - 1)] = '\0';
	return fail(reader, "%s%s%s: %s%s: %s", place, *place ? "." : "", json_name(key), text,
		    len > sizeof(text) - 1 ? "..." : "", wish);
}

static int read_group(const struct reader *reader, const struct option_group *group, json_t *value);

/* One object, of @group; @place is what a user would call it. */
static int read_item(const struct reader *reader, const struct option_group *group,
		     const char *place, json_t *object)
{
	void *base = option_new_item(group, reader->options);
	char why[256];
	const char *name;
	json_t *value;

	if (!base)
		return fail(reader, "%s: more than %u of them", place, group->max);
	if (!json_is_object(object))
		return fail(reader, "%s: want an object, { ... }", place);
	json_object_foreach(object, name, value)
	{
		const struct option_key *key = find_key(group, name);
		const struct option_group *inner =
			group->json && !key ? find_group(group->json, name) : NULL;
		int r;

		if (key)
			r = read_key(reader, key, base, place, value);
		else if (inner)
			r = read_group(reader, inner, value);
		else
			r = unknown_key(reader, group, place, name);
		if (r < 0)
			return r;
	}
	if (option_finish_item(group, reader->options, base, why, sizeof(why)) < 0)
		return fail(reader, "%s: %s", place, why);
	return 0;
}

static int read_group(const struct reader *reader, const struct option_group *group, json_t *value)
{
	char list[32], place[64];
	json_t *item;
	size_t i;
	int r = 0;

	if (json_is_null(value))
		return 0;
	if (!group->count)
		return read_item(reader, group, group->json, value);
	snprintf(list, sizeof(list), "%s%s%s", group->within ? group->within : "",
		 group->within ? "." : "", group->json);
	if (!json_is_array(value))
		return fail(reader, "%s: want a list, [ ... ]", list);
	json_array_foreach(value, i, item)
	{
		snprintf(place, sizeof(place), "%s[%zu]", list, i);
		r = read_item(reader, group, place, item);
		if (r < 0)
			break;
	}
	return r;
}

static int unknown_group(const struct reader *reader, const char *name)
{
	for (unsigned i = 0; option_groups[i]; i++)
		if (is_within(option_groups[i], NULL) &&
		    nearest_is_near(name, option_groups[i]->json))
			return fail(reader, "%.64s: unknown: did you mean '%s'?", name,
				    option_groups[i]->json);
	for (unsigned i = 0; i < option_top.nr_keys; i++)
		if (nearest_is_near(name, option_top.keys[i].name))
			return fail(reader, "%.64s: unknown: did you mean '%s'?", name,
				    option_top.keys[i].name);
	return fail(reader, "%.64s: unknown: coldvm(1) has what there is", name);
}

static int read_root(const struct reader *reader, json_t *root)
{
	const char *name;
	json_t *value;
	int r;

	if (!json_is_object(root))
		return fail(reader, "want an object, { ... }");
	json_object_foreach(root, name, value)
	{
		const struct option_group *group = find_group(NULL, name);
		const struct option_key *key = find_key(&option_top, name);

		if (group)
			r = read_group(reader, group, value);
		else if (key)
			r = read_key(reader, key, reader->options, "", value);
		else
			r = unknown_group(reader, name);
		if (r < 0)
			return r;
	}
	return 0;
}

int config_file_load(struct vm_options *options, const char *path, char *why, size_t why_len)
{
	const struct reader reader = { options, path, why, why_len };

	options->file = load(&reader);
	return options->file ? read_root(&reader, options->file) : -EINVAL;
}

/* --- to JSON ------------------------------------------------------------------------------------
 */

static int write_item(const struct option_group *group, const void *base, json_t *object,
		      const char **ret_left_out)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < group->nr_keys; i++) {
		const struct option_key *key = &group->keys[i];
		json_t *value = option_get_json(key, base);

		if (value)
			r = json_object_set_new(object, json_name(key), value);
		else if (option_is_set(key, base))
			*ret_left_out = json_name(key);
	}
	return r;
}

/* Where @group's member goes: @root, or an object of it, which is made if it is not there. */
static json_t *parent_of(const struct option_group *group, json_t *root)
{
	json_t *parent = group->within ? json_object_get(root, group->within) : root;

	if (!parent && json_object_set_new(root, group->within, json_object()) == 0)
		parent = json_object_get(root, group->within);
	return parent;
}

/* Of a list an array, if there is any; else an object, if there is something in it. */
static int write_group(const struct option_group *group, const struct vm_options *options,
		       json_t *root, const char **ret_left_out)
{
	json_t *list = group->count ? json_array() : NULL;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < option_count(group, options); i++) {
		json_t *object = json_object();

		r = write_item(group, option_item(group, options, i), object, ret_left_out);
		if (r < 0)
			json_decref(object);
		else if (list)
			r = json_array_append_new(list, object);
		else if (json_object_size(object))
			r = json_object_set_new(root, group->json, object);
		else
			json_decref(object);
	}
	if (r == 0 && json_array_size(list))
		r = json_object_set(parent_of(group, root), group->json, list);
	json_decref(list);
	return r;
}

json_t *config_file_json(const struct vm_options *options, const char **ret_left_out)
{
	json_t *root = json_object();
	int r = root ? 0 : -ENOMEM;

	for (unsigned i = 0; r == 0 && option_groups[i]; i++) {
		const struct option_group *group = option_groups[i];

		r = group->json ? write_group(group, options, root, ret_left_out)
				: write_item(group, options, root, ret_left_out);
	}
	if (r == 0)
		return root;
	json_decref(root);
	return NULL;
}
