/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command line, in cloud-hypervisor's grammar: --flag key=value,key=value. Two tables say
 * everything: the flags, and for each the keys of its value. An option given twice is an error,
 * because the one who wrote it meant both.
 */
#include "vmm/options.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/bits.h"

struct parse {
	struct vm_options *options;
	struct device_options *device; /* the --device being parsed */
	const char *flag;
	char *why;
	size_t why_len;
};

struct key {
	const char *name;
	int (*set)(struct parse *parse, const char *name, char *value);
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

/* --- values ----------------------------------------------------------------------------------- */

static int parse_bool(struct parse *parse, const char *name, const char *value, bool *ret)
{
	bool on = !strcmp(value, "on") || !strcmp(value, "true");

	if (!on && strcmp(value, "off") && strcmp(value, "false"))
		return fail(parse, "%s: %s=%s: say on or off", parse->flag, name, value);
	*ret = on;
	return 0;
}

static int parse_number(struct parse *parse, const char *name, const char *value, uint64_t min,
			uint64_t max, uint64_t *ret)
{
	char *end;

	errno = 0;
	uint64_t n = strtoull(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || errno || n < min || n > max)
		return fail(parse, "%s: %s=%s: want a number from %llu to %llu", parse->flag, name,
			    value, (unsigned long long)min, (unsigned long long)max);
	*ret = n;
	return 0;
}

static int parse_size(struct parse *parse, const char *name, const char *value, uint64_t *ret)
{
	static const char suffixes[] = "KMGT";
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || errno)
		goto bad;
	if (*end) {
		const char *suffix = strchr(suffixes, *end);
		unsigned shift;

		if (!suffix || end[1])
			goto bad;
		shift = 10 * (unsigned)(suffix - suffixes + 1);
		if (n > UINT64_MAX >> shift)
			goto bad;
		n <<= shift;
	}
	*ret = n;
	return 0;
bad:
	return fail(parse, "%s: %s=%s: want a size such as 512M or 4G", parse->flag, name, value);
}

/* One of @names (NULL ends it); *ret is its index. */
static int parse_word(struct parse *parse, const char *name, const char *value,
		      const char *const *names, int *ret)
{
	char known[64] = "";

	for (int i = 0; names[i]; i++) {
		if (!strcmp(value, names[i])) {
			*ret = i;
			return 0;
		}
		size_t used = strlen(known);
		snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "", names[i]);
	}
	return fail(parse, "%s: %s=%s: want one of %s", parse->flag, name, value, known);
}

/* --- keys ---------------------------------------------------------------------------------------
 */

static int set_boot(struct parse *p, const char *name, char *value)
{
	uint64_t n;
	int r = parse_number(p, name, value, 1, OPTIONS_MAX_CPUS, &n);

	if (r == 0)
		p->options->cpus = (unsigned)n;
	return r;
}

static int set_size(struct parse *p, const char *name, char *value)
{
	uint64_t granule = MIB(2);
	int r = parse_size(p, name, value, &p->options->memory);

	if (r < 0)
		return r;
	if (p->options->memory == 0 || p->options->memory % granule)
		return fail(p, "%s: %s=%s: want a multiple of 2M", p->flag, name, value);
	return 0;
}

static int set_hugepages(struct parse *p, const char *name, char *value)
{
	return parse_bool(p, name, value, &p->options->hugepages);
}

static int set_shared(struct parse *p, const char *name, char *value)
{
	return parse_bool(p, name, value, &p->options->shared);
}

static int set_path(struct parse *p, const char *name, char *value)
{
	(void)name;
	p->device->path = value;
	return 0;
}

static int set_id(struct parse *p, const char *name, char *value)
{
	if (!*value || strlen(value) > 60)
		return fail(p, "%s: %s=%s: want 1 to 60 characters", p->flag, name, value);
	for (unsigned i = 0; i + 1 < p->options->nr_devices; i++)
		if (p->options->devices[i].id && !strcmp(p->options->devices[i].id, value))
			return fail(p, "%s: %s=%s: another device has this id", p->flag, name,
				    value);
	p->device->id = value;
	return 0;
}

static int set_pr3(struct parse *p, const char *name, char *value)
{
	static const char *const names[] = { "auto", "port", "endpoint", "both", NULL };
	int i;
	int r = parse_word(p, name, value, names, &i);

	if (r == 0)
		p->device->pr3 = (enum pr3_place)i;
	return r;
}

static int set_power(struct parse *p, const char *name, char *value)
{
	static const char *const names[] = { "d3cold", "d3hot", "on", NULL };
	int i;
	int r = parse_word(p, name, value, names, &i);

	if (r == 0)
		p->device->power = (enum device_power)i;
	return r;
}

static int set_backend(struct parse *p, const char *name, char *value)
{
	static const char *const names[] = { "auto", "explicit", "lowpower", "d3hot", NULL };
	int i;
	int r = parse_word(p, name, value, names, &i);

	if (r == 0)
		p->device->backend = (enum device_backend)i;
	return r;
}

static int set_pme(struct parse *p, const char *name, char *value)
{
	static const char *const names[] = { "off", "on", "force", NULL };
	int i;
	int r = parse_word(p, name, value, names, &i);

	if (r == 0)
		p->device->pme = (enum device_pme)i;
	return r;
}

static int set_functions(struct parse *p, const char *name, char *value)
{
	static const char *const names[] = { "one", "all", NULL };
	int i;
	int r = parse_word(p, name, value, names, &i);

	if (r == 0)
		p->device->all_functions = i == 1;
	return r;
}

static int set_wake(struct parse *p, const char *name, char *value)
{
	static const char *const names[] = { "notify", "rearm", NULL };
	int i;
	int r = parse_word(p, name, value, names, &i);

	if (r == 0)
		p->device->wake = i ? DEVICE_WAKE_REARM : DEVICE_WAKE_NOTIFY;
	return r;
}

static int set_max_wakes(struct parse *p, const char *name, char *value)
{
	uint64_t n;
	int r = parse_number(p, name, value, 0, OPTIONS_MAX_WAKES_PER_MIN, &n);

	if (r == 0) {
		p->device->has_max_wakes = true;
		p->device->max_wakes_per_min = (unsigned)n;
	}
	return r;
}

static int set_min_off(struct parse *p, const char *name, char *value)
{
	uint64_t n;
	int r = parse_number(p, name, value, 0, OPTIONS_MAX_MIN_OFF_MS, &n);

	if (r == 0)
		p->device->min_off_ms = (unsigned)n;
	return r;
}

static int set_on_failure(struct parse *p, const char *name, char *value)
{
	static const char *const names[] = { "continue", "stop", NULL };
	int i;
	int r = parse_word(p, name, value, names, &i);

	if (r == 0)
		p->device->stop_on_failure = i == 1;
	return r;
}

static int set_force(struct parse *p, const char *name, char *value)
{
	return parse_bool(p, name, value, &p->device->force);
}

static int set_chassis(struct parse *p, const char *name, char *value)
{
	static const char *const names[] = { "desktop", "laptop", NULL };
	int i;
	int r = parse_word(p, name, value, names, &i);

	if (r == 0)
		p->options->laptop = i == 1;
	return r;
}

static int set_event_path(struct parse *p, const char *name, char *value)
{
	(void)name;
	p->options->event_path = value;
	return 0;
}

static int set_event_fd(struct parse *p, const char *name, char *value)
{
	uint64_t n;
	int r = parse_number(p, name, value, 0, INT_MAX, &n);

	if (r == 0)
		p->options->event_fd = (int)n;
	return r;
}

static int set_api_path(struct parse *p, const char *name, char *value)
{
	if (!*value)
		return fail(p, "%s: %s= is empty: say which socket to make", p->flag, name);
	p->options->api_path = value;
	return 0;
}

static int set_api_fd(struct parse *p, const char *name, char *value)
{
	uint64_t n;
	int r = parse_number(p, name, value, 0, INT_MAX, &n);

	if (r == 0)
		p->options->api_fd = (int)n;
	return r;
}

static int set_blocking_on(struct parse *p, const char *name, char *value)
{
	return parse_bool(p, name, value, &p->options->blocking_on);
}

static const struct key cpus_keys[] = { { "boot", set_boot }, { NULL, NULL } };
static const struct key memory_keys[] = {
	{ "size", set_size },
	{ "hugepages", set_hugepages },
	{ "shared", set_shared },
	{ NULL, NULL },
};
static const struct key device_keys[] = {
	{ "path", set_path },
	{ "id", set_id },
	{ "pr3", set_pr3 },
	{ "power", set_power },
	{ "backend", set_backend },
	{ "functions", set_functions },
	{ "pme", set_pme },
	{ "wake", set_wake },
	{ "max-wakes-per-min", set_max_wakes },
	{ "min-off-ms", set_min_off },
	{ "on-failure", set_on_failure },
	{ "force", set_force },
	{ NULL, NULL },
};
static const struct key platform_keys[] = { { "chassis", set_chassis }, { NULL, NULL } };
static const struct key event_keys[] = {
	{ "path", set_event_path },
	{ "fd", set_event_fd },
	{ NULL, NULL },
};
static const struct key api_keys[] = {
	{ "path", set_api_path },
	{ "fd", set_api_fd },
	{ NULL, NULL },
};
static const struct key debug_keys[] = { { "blocking-on", set_blocking_on }, { NULL, NULL } };

static int unknown_key(struct parse *parse, const struct key *keys, const char *name)
{
	char known[160] = "";

	for (const struct key *k = keys; k->name; k++) {
		size_t used = strlen(known);

		snprintf(known + used, sizeof(known) - used, "%s%s", k == keys ? "" : ", ",
			 k->name);
	}
	return fail(parse, "%s: unknown key '%s': known are %s", parse->flag, name, known);
}

/* Cuts @text at commas and sets each key=value. */
static int parse_keys(struct parse *parse, const struct key *keys, char *text)
{
	unsigned seen = 0;

	for (char *next = text; next;) {
		char *item = strsep(&next, ",");
		char *value = strchr(item, '=');
		const struct key *k = keys;

		if (!value)
			return fail(parse, "%s: '%s' is not of the form key=value", parse->flag,
				    item);
		*value++ = '\0';
		while (k->name && strcmp(k->name, item))
			k++;
		if (!k->name)
			return unknown_key(parse, keys, item);
		if (seen & (1u << (k - keys)))
			return fail(parse, "%s: %s is given twice", parse->flag, item);
		seen |= 1u << (k - keys);

		int r = k->set(parse, item, value);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- flags --------------------------------------------------------------------------------------
 */

static int flag_kernel(struct parse *p, char *value)
{
	p->options->kernel = value;
	return 0;
}

static int flag_initramfs(struct parse *p, char *value)
{
	p->options->initramfs = value;
	return 0;
}

static int flag_cmdline(struct parse *p, char *value)
{
	p->options->cmdline = value;
	return 0;
}

static int flag_cpus(struct parse *p, char *value)
{
	return parse_keys(p, cpus_keys, value);
}

static int flag_memory(struct parse *p, char *value)
{
	return parse_keys(p, memory_keys, value);
}

static int flag_device(struct parse *p, char *value)
{
	int r;

	if (p->options->nr_devices == OPTIONS_MAX_DEVICES)
		return fail(p, "%s: more than %d devices", p->flag, OPTIONS_MAX_DEVICES);
	p->device = &p->options->devices[p->options->nr_devices++];
	r = parse_keys(p, device_keys, value);
	if (r == 0 && !p->device->path)
		return fail(p, "%s: path= is missing: say which device, such as path=0000:01:00.0",
			    p->flag);
	return r;
}

static int flag_serial(struct parse *p, char *value)
{
	if (!strcmp(value, "tty")) {
		p->options->serial = SERIAL_TTY;
	} else if (!strcmp(value, "null")) {
		p->options->serial = SERIAL_NULL;
	} else if (!strncmp(value, "file=", 5) && value[5]) {
		p->options->serial = SERIAL_FILE;
		p->options->serial_file = value + 5;
	} else {
		return fail(p, "%s: '%s': want tty, null or file=PATH", p->flag, value);
	}
	return 0;
}

static int flag_platform(struct parse *p, char *value)
{
	return parse_keys(p, platform_keys, value);
}

static int flag_event_monitor(struct parse *p, char *value)
{
	int r = parse_keys(p, event_keys, value);

	if (r == 0 && p->options->event_path && p->options->event_fd >= 0)
		return fail(p, "%s: path and fd exclude each other", p->flag);
	return r;
}

/* Kata and others give the path alone. */
static int flag_api_socket(struct parse *p, char *value)
{
	int r = 0;

	if (strchr(value, '='))
		r = parse_keys(p, api_keys, value);
	else
		r = set_api_path(p, "path", value);
	if (r == 0 && p->options->api_path && p->options->api_fd >= 0)
		return fail(p, "%s: path and fd exclude each other", p->flag);
	return r;
}

static int flag_debug(struct parse *p, char *value)
{
	return parse_keys(p, debug_keys, value);
}

static const struct flag {
	const char *name;
	bool repeatable;
	int (*set)(struct parse *parse, char *value);
} flags[] = {
	{ "--kernel", false, flag_kernel },
	{ "--initramfs", false, flag_initramfs },
	{ "--cmdline", false, flag_cmdline },
	{ "--cpus", false, flag_cpus },
	{ "--memory", false, flag_memory },
	{ "--device", true, flag_device },
	{ "--serial", false, flag_serial },
	{ "--platform", false, flag_platform },
	{ "--event-monitor", false, flag_event_monitor },
	{ "--api-socket", false, flag_api_socket },
	{ "--debug", false, flag_debug },
};

static const struct flag *find_flag(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++)
		if (!strcmp(flags[i].name, name))
			return &flags[i];
	return NULL;
}

/* A flag and its value, as two arguments or as --flag=value; a repeatable flag takes every value
 * up to the next flag, as cloud-hypervisor's do. Returns how many arguments it took. */
static int parse_flag(struct parse *parse, int argc, char **argv, unsigned *seen)
{
	char *equals = strchr(argv[0], '=');
	int taken = 1;

	if (equals)
		*equals = '\0';
	const struct flag *flag = find_flag(argv[0]);

	parse->flag = argv[0];
	if (!flag)
		return fail(parse, "unknown option %s: see coldvm run --help", argv[0]);
	if (!flag->repeatable && (*seen & (1u << (flag - flags))))
		return fail(parse, "%s is given twice", argv[0]);
	*seen |= 1u << (flag - flags);
	if (equals)
		return flag->set(parse, equals + 1) < 0 ? -EINVAL : 1;
	if (argc < 2)
		return fail(parse, "%s wants a value", argv[0]);
	do {
		if (flag->set(parse, argv[taken]) < 0)
			return -EINVAL;
		taken++;
	} while (flag->repeatable && taken < argc && argv[taken][0] != '-');
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
	return 0;
}

static const struct vm_options defaults = {
	.cmdline = "",
	.cpus = 1,
	.memory = MIB(512),
	.serial = SERIAL_TTY,
	.event_fd = -1,
	.api_fd = -1,
};

enum options_result options_parse(struct vm_options *options, int argc, char **argv, bool tables,
				  char *why, size_t why_len)
{
	struct parse parse = { .options = options, .why = why, .why_len = why_len };
	unsigned seen = 0;

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
			taken = parse_flag(&parse, argc - i, argv + i, &seen);
		else if (tables && !options->directory)
			options->directory = argv[i];
		else
			taken = fail(&parse, "'%s' is not an option: see coldvm --help", argv[i]);
		if (taken < 0)
			return OPTIONS_ERROR;
		i += taken;
	}
	return check_complete(&parse, tables) < 0 ? OPTIONS_ERROR : OPTIONS_RUN;
}
