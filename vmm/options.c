/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command line, in cloud-hypervisor's grammar: --flag key=value,key=value. Which keys there are
 * is in option_keys.c. An option given twice is an error, because the one who wrote it meant both.
 */
#include "vmm/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vmm/bits.h"
#include "vmm/config_file.h"
#include "vmm/nearest.h"
#include "vmm/option_keys.h"
#include "vmm/option_rules.h"
#include "vmm/option_value.h"

#define VALUE_SHOWN 100

struct parse {
	struct vm_options *options;
	const char *flag;
	unsigned seen; /* bit n: flags[n] was there */
	char *why;
	size_t why_len;
};

enum flag_form {
	FLAG_KEYS,	   /* key=value,key=value */
	FLAG_PATH_OR_KEYS, /* the same, or the value of path alone: Kata and others do so */
	FLAG_TEXT,	   /* one value, of .key, as it is */
	FLAG_MODE,	   /* a word, or file=PATH */
	FLAG_SWITCH,	   /* no value: .key is on */
	FLAG_CONFIG,	   /* the configuration file */
	FLAG_PRINT,
};

static const struct flag {
	const char *name;
	enum flag_form form;
	const struct option_group *group;
	const char *key;
} flags[] = {
	{ "--config", FLAG_CONFIG, NULL, NULL },
	{ "--print-config", FLAG_PRINT, NULL, NULL },
	{ "--kernel", FLAG_TEXT, &option_payload, "kernel" },
	{ "--initramfs", FLAG_TEXT, &option_payload, "initramfs" },
	{ "--cmdline", FLAG_TEXT, &option_payload, "cmdline" },
	{ "--cpus", FLAG_KEYS, &option_cpus, NULL },
	{ "--memory", FLAG_KEYS, &option_memory, NULL },
	{ "--memory-zone", FLAG_KEYS, &option_zones, NULL },
	{ "--numa", FLAG_KEYS, &option_nodes, NULL },
	{ "--disk", FLAG_KEYS, &option_disks, NULL },
	{ "--net", FLAG_KEYS, &option_nets, NULL },
	{ "--fs", FLAG_KEYS, &option_fs, NULL },
	{ "--vsock", FLAG_KEYS, &option_vsock, NULL },
	{ "--rng", FLAG_KEYS, &option_rng, NULL },
	{ "--balloon", FLAG_KEYS, &option_balloon, NULL },
	{ "--console", FLAG_MODE, &option_console, NULL },
	{ "--watchdog", FLAG_SWITCH, &option_top, "watchdog" },
	{ "--no-reboot", FLAG_SWITCH, &option_top, "no_reboot" },
	{ "--device", FLAG_KEYS, &option_devices, NULL },
	{ "--serial", FLAG_MODE, &option_serial, NULL },
	{ "--platform", FLAG_KEYS, &option_platform, NULL },
	{ "--event-monitor", FLAG_KEYS, &option_event_monitor, NULL },
	{ "--api-socket", FLAG_PATH_OR_KEYS, &option_api_socket, NULL },
	{ "--debug", FLAG_KEYS, &option_debug, NULL },
};

static int fail(struct parse *parse, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(struct parse *parse, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(parse->why, parse->why_len, fmt, args);
	va_end(args);
	return -EINVAL;
}

/* --- key=value,key=value ------------------------------------------------------------------------
 */

static int unknown_key(struct parse *parse, const struct option_group *group, const char *name)
{
	char known[256] = "";

	for (unsigned i = 0; i < group->nr_keys; i++) {
		size_t used = strlen(known);

		if (nearest_is_near(name, group->keys[i].name))
			return fail(parse, "%s: unknown key '%.64s': did you mean '%s'?",
				    parse->flag, name, group->keys[i].name);
		snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
			 group->keys[i].name);
	}
	return fail(parse, "%s: unknown key '%.64s': known are %s", parse->flag, name, known);
}

/* Cuts *@rest at the next comma that is not inside of brackets. */
static char *next_part(char **rest)
{
	char *part = *rest;
	unsigned depth = 0;

	for (char *c = part; *c; c++) {
		if (*c == '[')
			depth++;
		else if (*c == ']' && depth)
			depth--;
		else if (*c == ',' && !depth) {
			*c = '\0';
			*rest = c + 1;
			return part;
		}
	}
	*rest = NULL;
	return part;
}

/* A value that is longer than VALUE_SHOWN is cut, so that what is wrong with it has room. */
static int set_key(struct parse *parse, const struct option_key *key, void *base, const char *value)
{
	char wish[192];

	if (option_set(key, base, value, wish, sizeof(wish)) < 0)
		return fail(parse, "%s: %s=%.*s%s: %s", parse->flag, key->name, VALUE_SHOWN, value,
			    strlen(value) > VALUE_SHOWN ? "..." : "", wish);
	return 0;
}

static int parse_keys(struct parse *parse, const struct option_group *group, void *base, char *text)
{
	unsigned seen = 0;

	for (char *rest = text; rest;) {
		char *part = next_part(&rest);
		char *value = strchr(part, '=');
		const struct option_key *key;

		if (!value)
			return fail(parse, "%s: '%.100s' is not of the form key=value", parse->flag,
				    part);
		*value++ = '\0';
		key = option_find_key(group, part);
		if (!key)
			return unknown_key(parse, group, part);
		if (seen & (1u << (key - group->keys)))
			return fail(parse, "%s: %s is given twice", parse->flag, part);
		seen |= 1u << (key - group->keys);
		if (set_key(parse, key, base, value) < 0)
			return -EINVAL;
	}
	return 0;
}

/* --- flags --------------------------------------------------------------------------------------
 */

/* tty, null, ..., file=PATH. The group's keys are mode and file. */
static int parse_mode(struct parse *parse, const struct option_group *group, const char *value)
{
	const struct option_key *mode = &group->keys[0], *file = &group->keys[1];
	bool is_file = !strncmp(value, "file=", 5) && value[5];
	char known[64] = "", wish[192];

	if (is_file)
		return set_key(parse, file, parse->options, value + 5) < 0
			       ? -EINVAL
			       : set_key(parse, mode, parse->options, "file");
	*(const char **)((char *)parse->options + file->offset) = NULL;
	if (strcmp(value, "file") &&
	    option_set(mode, parse->options, value, wish, sizeof(wish)) == 0)
		return 0;
	for (unsigned i = 0; mode->words[i + 1]; i++) {
		size_t used = strlen(known);

		snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "", mode->words[i]);
	}
	return fail(parse, "%s: '%.100s': want %s or file=PATH", parse->flag, value, known);
}

static int parse_group(struct parse *parse, const struct flag *flag, char *value)
{
	const struct option_group *group = flag->group;
	void *base = option_new_item(group, parse->options);
	char why[256];
	int r;

	if (!base)
		return fail(parse, "%s: more than %u of them", parse->flag, group->max);
	if (flag->form == FLAG_MODE)
		r = parse_mode(parse, group, value);
	else if (flag->form == FLAG_PATH_OR_KEYS && !strchr(value, '='))
		r = set_key(parse, option_find_key(group, "path"), base, value);
	else
		r = parse_keys(parse, group, base, value);
	if (r == 0 && option_finish_item(group, parse->options, base, why, sizeof(why)) < 0)
		r = fail(parse, "%s: %s", parse->flag, why);
	return r;
}

/* What the file says is there before what flags say, so that they can add to it. */
static int parse_config(struct parse *parse, const char *path)
{
	if (parse->seen & (parse->seen - 1))
		return fail(parse, "--config: put it before the other options, which then add to "
				   "the file or override it");
	return config_file_load(parse->options, path, parse->why, parse->why_len);
}

static int take_value(struct parse *parse, const struct flag *flag, char *value)
{
	if (flag->form == FLAG_CONFIG)
		return parse_config(parse, value);
	if (flag->form == FLAG_TEXT)
		return set_key(parse, option_find_key(flag->group, flag->key),
			       option_item(flag->group, parse->options, 0), value);
	return parse_group(parse, flag, value);
}

static int take_switch(struct parse *parse, const struct flag *flag, const char *value)
{
	if (value)
		return fail(parse, "%s takes no value", parse->flag);
	if (flag->form == FLAG_PRINT)
		parse->options->print_config = true;
	else
		return set_key(parse, option_find_key(flag->group, flag->key), parse->options,
			       "on");
	return 0;
}

static const struct flag *find_flag(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++)
		if (!strcmp(flags[i].name, name))
			return &flags[i];
	return NULL;
}

static int unknown_flag(struct parse *parse, const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++)
		if (nearest_is_near(name, flags[i].name))
			return fail(parse, "unknown option %.64s: did you mean %s?", name,
				    flags[i].name);
	return fail(parse, "unknown option %.64s: see coldvm run --help", name);
}

/* A flag and its value, as two arguments or as --flag=value; a repeatable flag takes every value
 * up to the next flag, as cloud-hypervisor's do. Returns how many arguments it took. */
static int parse_flag(struct parse *parse, int argc, char **argv)
{
	char *equals = strchr(argv[0], '=');
	int taken = 1;

	if (equals)
		*equals = '\0';
	const struct flag *flag = find_flag(argv[0]);

	parse->flag = argv[0];
	if (!flag)
		return unknown_flag(parse, argv[0]);
	bool repeatable = flag->group && flag->group->count;

	if (!repeatable && (parse->seen & (1u << (flag - flags))))
		return fail(parse, "%s is given twice", argv[0]);
	parse->seen |= 1u << (flag - flags);
	if (flag->form == FLAG_SWITCH || flag->form == FLAG_PRINT)
		return take_switch(parse, flag, equals ? equals + 1 : NULL) < 0 ? -EINVAL : 1;
	if (equals)
		return take_value(parse, flag, equals + 1) < 0 ? -EINVAL : 1;
	if (argc < 2)
		return fail(parse, "%s wants a value", argv[0]);
	do {
		if (take_value(parse, flag, argv[taken]) < 0)
			return -EINVAL;
		taken++;
	} while (repeatable && taken < argc && argv[taken][0] != '-');
	return taken;
}

/* -v, -vv, ... Returns 0 if @arg is something else. */
static unsigned count_verbose(const char *arg)
{
	size_t n = arg[0] == '-' ? strspn(arg + 1, "v") : 0;

	return n && !arg[n + 1] ? (unsigned)n : 0;
}

static int check_complete(struct parse *parse, bool tables)
{
	if (tables && !parse->options->directory)
		return fail(parse, "tables: say in which directory: coldvm tables DIR [options]");
	if (!tables && !parse->options->kernel)
		return fail(parse, "--kernel is missing: say which kernel to boot");
	/* The zones are the guest's memory. */
	if (parse->options->nr_zones && !parse->options->has_memory)
		parse->options->memory = 0;
	parse->options->has_memory = true;
	return option_rules_check(parse->options, parse->why, parse->why_len);
}

static const struct vm_options defaults = {
	.cmdline = "",
	.cpus = 1,
	.memory = MIB(512),
	.serial = SERIAL_TTY,
	.p2p_dma = true,
	.event_fd = -1,
	.api_fd = -1,
	.iommufd_fd = -1,
};

enum options_result options_parse(struct vm_options *options, int argc, char **argv, bool tables,
				  char *why, size_t why_len)
{
	struct parse parse = { .options = options, .why = why, .why_len = why_len };

	*options = defaults;
	for (int i = 0; i < argc;) {
		unsigned verbose = count_verbose(argv[i]);
		int taken = 1;

		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return OPTIONS_HELP;
		if (!strcmp(argv[i], "--version") || !strcmp(argv[i], "-V"))
			return OPTIONS_VERSION;
		if (verbose)
			options->verbose += verbose;
		else if (argv[i][0] == '-')
			taken = parse_flag(&parse, argc - i, argv + i);
		else if (tables && !options->directory)
			options->directory = argv[i];
		else
			taken = fail(&parse, "'%.100s' is not an option: see coldvm --help",
				     argv[i]);
		if (taken < 0)
			return OPTIONS_ERROR;
		i += taken;
	}
	return check_complete(&parse, tables) < 0 ? OPTIONS_ERROR : OPTIONS_RUN;
}

void options_free(struct vm_options *options)
{
	json_decref(options->file);
	options->file = NULL;
}
