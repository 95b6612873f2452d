/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of options, for getopt_long(3), the checks and what is wrong with a value. */
#include "vmm/bench/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/bits.h"

const char bench_help[] =
	"coldvm bench power [options] DEVICE [-- OPTIONS OF coldvm run]\n"
	"coldvm bench compare DIR DIR\n"
	"coldvm bench report DIR\n"
	"\n"
	"Measures what D3cold of a PCI device is worth on this host: how long the ways there and\n"
	"back take, which share of the time a workload leaves the device in it, what that saves,\n"
	"and after how long it pays. DEVICE is an address (01:00.0), bound to vfio-pci. compare\n"
	"puts two runs side by side; report writes report.html again from what was measured.\n"
	"\n"
	"Where:\n"
	"  (nothing)            in a guest of coldvm of the bench's own, or the one behind --\n"
	"  --raw                straight on vfio, without a VM: the limit to compare with\n"
	"  --host               on the bare host, by the runtime PM of the driver that it has\n"
	"  --kernel FILE        the guest's kernel; this host's, if not given\n"
	"  --guest FILE         the guest's initramfs; the bench's, if not given\n"
	"  --device-keys KEYS   more of coldvm run's --device: functions=all,backend=lowpower\n"
	"  --job COMMAND        run in the guest each time that the device is back\n"
	"  --driver none|keep   whether the guest's driver stays bound; none\n"
	"\n"
	"What:\n"
	"  --cycles N           times to D3cold and back; 50; 0: none\n"
	"  --cold-ms N, --awake-ms N   rest in D3cold and after it; 200, 500\n"
	"  --workload WORDS     periodic,period_ms=2000,duty=25; poisson,rate_hz=0.5,busy_ms=200;\n"
	"                       trace,path=FILE; idle; guest (the guest's own); none. All with\n"
	"                       duration_s=60 and seed=1. periodic, if not given\n"
	"  --beside-host on|off the same workload on the bare host afterwards, to compare; on\n"
	"  --runs N             of each measurement; 3 at least where there is a meter\n"
	"  --phase-s N, --settle-s N   a state is measured for so long, after so long; 30, 5\n"
	"\n"
	"Meters (powercap, hwmon, NVML are found by themselves):\n"
	"  --meter COMMAND      a program that prints watts: of a BMC, a smart plug\n"
	"  --no-meters          none but those of --meter\n"
	"  --interval-ms N      between readings\n"
	"  --simulated-meter WORDS   made up, for tests: d0_w=20,d3hot_w=8,d3cold_w=1,...\n"
	"\n"
	"  --out DIR            for result.json, samples.csv, trace.csv, report.html\n"
	"  -v, -vv              the VM says more, in DIR/vm.log\n"
	"\n"
	"Ctrl-C keeps what was measured. Exit status: 0 done, 1 host error, or the device did not\n"
	"come back, or stopped early, 2 usage.\n";

#define MAX_CYCLES 100000
#define MAX_MS	   3600000
#define MAX_S	   86400
#define MAX_RUNS   100
#define WORKLOAD   "periodic"

enum {
	OPT_RAW = 256,
	OPT_HOST,
	OPT_KERNEL,
	OPT_GUEST,
	OPT_KEYS,
	OPT_JOB,
	OPT_DRIVER,
	OPT_CYCLES,
	OPT_COLD,
	OPT_AWAKE,
	OPT_WORKLOAD,
	OPT_BESIDE,
	OPT_RUNS,
	OPT_PHASE,
	OPT_SETTLE,
	OPT_METER,
	OPT_NO_METERS,
	OPT_INTERVAL,
	OPT_SIMULATED,
	OPT_OUT,
	OPT_COLDVM,
};

static const struct option long_options[] = {
	{ "raw", no_argument, NULL, OPT_RAW },
	{ "host", no_argument, NULL, OPT_HOST },
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "guest", required_argument, NULL, OPT_GUEST },
	{ "device-keys", required_argument, NULL, OPT_KEYS },
	{ "job", required_argument, NULL, OPT_JOB },
	{ "driver", required_argument, NULL, OPT_DRIVER },
	{ "cycles", required_argument, NULL, OPT_CYCLES },
	{ "cold-ms", required_argument, NULL, OPT_COLD },
	{ "awake-ms", required_argument, NULL, OPT_AWAKE },
	{ "workload", required_argument, NULL, OPT_WORKLOAD },
	{ "beside-host", required_argument, NULL, OPT_BESIDE },
	{ "runs", required_argument, NULL, OPT_RUNS },
	{ "phase-s", required_argument, NULL, OPT_PHASE },
	{ "settle-s", required_argument, NULL, OPT_SETTLE },
	{ "meter", required_argument, NULL, OPT_METER },
	{ "no-meters", no_argument, NULL, OPT_NO_METERS },
	{ "interval-ms", required_argument, NULL, OPT_INTERVAL },
	{ "simulated-meter", required_argument, NULL, OPT_SIMULATED },
	{ "out", required_argument, NULL, OPT_OUT },
	{ "coldvm", required_argument, NULL, OPT_COLDVM },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* Those whose value is a number. */
static const struct number_option {
	int opt;
	const char *name;
	size_t offset;
	unsigned long min, max;
} numbers[] = {
	{ OPT_CYCLES, "cycles", offsetof(struct bench_options, cycles), 0, MAX_CYCLES },
	{ OPT_COLD, "cold-ms", offsetof(struct bench_options, cold_ms), 0, MAX_MS },
	{ OPT_AWAKE, "awake-ms", offsetof(struct bench_options, awake_ms), 0, MAX_MS },
	{ OPT_RUNS, "runs", offsetof(struct bench_options, runs), 1, MAX_RUNS },
	{ OPT_PHASE, "phase-s", offsetof(struct bench_options, phase_s), 1, MAX_S },
	{ OPT_SETTLE, "settle-s", offsetof(struct bench_options, settle_s), 0, MAX_S },
	{ OPT_INTERVAL, "interval-ms", offsetof(struct bench_options, interval_ms), 1, MAX_MS },
};

/* Those whose value is kept as it is. */
static const struct {
	int opt;
	size_t offset;
} texts[] = {
	{ OPT_KERNEL, offsetof(struct bench_options, kernel) },
	{ OPT_GUEST, offsetof(struct bench_options, guest) },
	{ OPT_KEYS, offsetof(struct bench_options, device_keys) },
	{ OPT_JOB, offsetof(struct bench_options, job) },
	{ OPT_OUT, offsetof(struct bench_options, out) },
	{ OPT_COLDVM, offsetof(struct bench_options, coldvm) },
};

static int take_number(struct bench_options *options, const struct number_option *number,
		       const char *text, char *why, size_t why_len)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value < number->min ||
	    value > number->max) {
		snprintf(why, why_len, "--%s '%s': want a number from %lu to %lu", number->name,
			 text, number->min, number->max);
		return -EINVAL;
	}
	*(unsigned *)((char *)options + number->offset) = (unsigned)value;
	return 0;
}

static int take_one_of(const char *name, const char *text, const char *no, const char *yes,
		       bool *ret, char *why, size_t why_len)
{
	*ret = !strcmp(text, yes);
	if (*ret || !strcmp(text, no))
		return 0;
	snprintf(why, why_len, "--%s '%s': want %s or %s", name, text, no, yes);
	return -EINVAL;
}

static int take_target(struct bench_options *options, enum bench_target_kind kind, char *why,
		       size_t why_len)
{
	if (options->target != BENCH_VM && options->target != kind) {
		snprintf(why, why_len, "--raw and --host exclude each other: choose one");
		return -EINVAL;
	}
	options->target = kind;
	return 0;
}

static int take_workload(struct bench_options *options, const char *text, char *why, size_t why_len)
{
	workload_free(&options->workload);
	options->has_workload = strcmp(text, "none") != 0;
	return options->has_workload ? workload_parse(&options->workload, text, why, why_len) : 0;
}

static int add_to(const char **list, unsigned *nr, const char *name, const char *text, char *why,
		  size_t why_len)
{
	if (*nr == BENCH_MAX_COMMANDS) {
		snprintf(why, why_len, "--%s: %u of them at most", name, BENCH_MAX_COMMANDS);
		return -EINVAL;
	}
	list[(*nr)++] = text;
	return 0;
}

static int take(struct bench_options *options, int opt, const char *text, char *why, size_t why_len)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i].opt == opt)
			return take_number(options, &numbers[i], text, why, why_len);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].opt == opt) {
			*(const char **)((char *)options + texts[i].offset) = text;
			return 0;
		}
	switch (opt) {
	case OPT_RAW:
		return take_target(options, BENCH_RAW, why, why_len);
	case OPT_HOST:
		return take_target(options, BENCH_HOST, why, why_len);
	case OPT_DRIVER:
		return take_one_of("driver", text, "none", "keep", &options->keep_driver, why,
				   why_len);
	case OPT_BESIDE:
		return take_one_of("beside-host", text, "off", "on", &options->beside_host, why,
				   why_len);
	case OPT_WORKLOAD:
		return take_workload(options, text, why, why_len);
	case OPT_METER:
		return add_to(options->commands, &options->nr_commands, "meter", text, why,
			      why_len);
	case OPT_SIMULATED:
		return add_to(options->simulated, &options->nr_simulated, "simulated-meter", text,
			      why, why_len);
	case OPT_NO_METERS:
		options->no_meters = true;
		return 0;
	default: /* 'v' */
		options->verbose++;
		return 0;
	}
}

bool bench_options_own_guest(const struct bench_options *options)
{
	for (int i = 0; i < options->run_argc; i++)
		if (!strncmp(options->run_argv[i], "--kernel", 8) ||
		    !strncmp(options->run_argv[i], "--config", 8))
			return true;
	return false;
}

bool bench_options_only_watch(const struct bench_options *options)
{
	return options->target == BENCH_VM && bench_options_own_guest(options) &&
	       options->has_workload && options->workload.kind == WORKLOAD_GUEST &&
	       !options->cycles;
}

/* What must hold between options. */
static int check(const struct bench_options *options, char *why, size_t why_len)
{
	const char *vm_only = options->kernel	     ? "--kernel"
			      : options->guest	     ? "--guest"
			      : options->job	     ? "--job"
			      : options->keep_driver ? "--driver keep"
			      : options->run_argc    ? "--"
						     : NULL;

	why[0] = '\0';
	if (!options->device)
		snprintf(why, why_len, "say which device: coldvm bench power [options] 01:00.0");
	else if (options->target != BENCH_VM && vm_only)
		snprintf(why, why_len, "%s is about a guest: --raw and --host have none", vm_only);
	else if (options->target == BENCH_HOST && options->device_keys[0])
		snprintf(why, why_len, "--device-keys '%s' is about vfio: --host uses none",
			 options->device_keys);
	else if (options->target != BENCH_VM && options->has_workload &&
		 options->workload.kind == WORKLOAD_GUEST)
		snprintf(why, why_len, "--workload guest: --raw and --host have no guest");
	else if ((options->nr_commands || options->nr_simulated) && options->runs < METER_RUNS)
		snprintf(why, why_len, "--runs %u: want %u or more, to know how far they lie apart",
			 options->runs, METER_RUNS);
	return why[0] ? -EINVAL : 0;
}

static enum bench_options_result parse(struct bench_options *options, int argc, char **argv,
				       char *why, size_t why_len)
{
	int opt, at;

	optind = 1;
	opterr = 0;
	/* What is not an option ends them, so that "--" is seen by us. */
	while ((opt = getopt_long(argc, argv, "-:hv", long_options, NULL)) != -1) {
		const char *word = argv[optind - 1];

		if (opt == 'h')
			return BENCH_OPTIONS_HELP;
		if (opt == '?' || opt == ':') {
			snprintf(why, why_len,
				 opt == '?' ? "unknown option '%s': see coldvm bench --help"
					    : "%s: want a value behind it",
				 word);
			return BENCH_OPTIONS_ERROR;
		}
		if (opt == 1 && options->device) {
			snprintf(why, why_len, "'%s': one device at a time; %s is the first",
				 optarg, options->device);
			return BENCH_OPTIONS_ERROR;
		}
		if (opt == 1)
			options->device = optarg;
		else if (take(options, opt, optarg, why, why_len) < 0)
			return BENCH_OPTIONS_ERROR;
	}
	at = optind;
	options->run_argv = argv + at;
	options->run_argc = argc - at;
	return check(options, why, why_len) < 0 ? BENCH_OPTIONS_ERROR : BENCH_OPTIONS_RUN;
}

enum bench_options_result bench_options_parse(struct bench_options *options, int argc, char **argv,
					      char *why, size_t why_len)
{
	*options = (struct bench_options){
		.device_keys = "",
		.cycles = 50,
		.warmup = 1,
		.cold_ms = 200,
		.awake_ms = 500,
		.beside_host = true,
		.runs = METER_RUNS,
		.phase_s = 30,
		.settle_s = 5,
	};
	if (take_workload(options, WORKLOAD, why, why_len) < 0)
		return BENCH_OPTIONS_ERROR;
	return parse(options, argc, argv, why, why_len);
}

void bench_options_free(struct bench_options *options)
{
	workload_free(&options->workload);
}
