/* SPDX-License-Identifier: BSD-3-Clause */
/* coldvm-bench: a program of its own, so that no VM carries what it needs. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "devices/vfio/host.h"
#include "vmm/bench/report.h"
#include "vmm/bench/run_files.h"
#include "vmm/bench/session.h"
#include "vmm/bits.h"
#include "vmm/log.h"

#define MIN_COLUMNS 60
#define MAX_COLUMNS 100

enum { STATUS_OK, STATUS_ERROR, STATUS_USAGE };

static struct session session;

static int complain(int status, const char *why)
{
	log_complain("bench: %s", why);
	return status;
}

static unsigned columns(void)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return 80;
	return size.ws_col < MIN_COLUMNS   ? MIN_COLUMNS
	       : size.ws_col > MAX_COLUMNS ? MAX_COLUMNS
					   : size.ws_col;
}

static bool has_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

/* --- power --------------------------------------------------------------------------------------
 */

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
	watch_stop(&session.watch);
}

static void catch_signals(void)
{
	const struct sigaction stop = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* "01:00.0", "0000:01:00.0" or a sysfs path. */
static int find_device(const char *name, char *ret, size_t len, char *why, size_t why_len)
{
	const char *base = strrchr(name, '/');
	char full[64];

	base = base ? base + 1 : name;
	snprintf(full, sizeof(full), "%s%s", strlen(base) == strlen("01:00.0") ? "0000:" : "",
		 base);
	if (!host_is_bdf(full) || strlen(full) >= len) {
		snprintf(why, why_len, "'%s' is no PCI address: want 01:00.0", name);
		return -EINVAL;
	}
	if (!host_exists(HOST_SYSFS "/bus/pci/devices/%s", full)) {
		snprintf(why, why_len, "%s: no such PCI device", full);
		return -ENODEV;
	}
	strcpy(ret, full);
	return 0;
}

static void name_start(void)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(session.started, sizeof(session.started), "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static int make_directory(const struct bench_options *options, char *why, size_t why_len)
{
	char name[64];
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(name, sizeof(name), "coldvm-bench-%Y%m%d-%H%M%S", &tm);
	return run_files_make(options->out ? options->out : name, session.dir, sizeof(session.dir),
			      why, why_len);
}

/* Everything is told, also of a run that was cut short. */
static int finish(char **argv, int argc, int measured)
{
	char why[TARGET_WHY] = "";
	json_t *result;
	int r;

	if (measured == -ECANCELED)
		snprintf(session.stopped, sizeof(session.stopped), "SIG%s", sigabbrev_np(caught));
	result = result_json(&session);
	if (!result)
		return complain(STATUS_ERROR, "out of memory");
	run_files_add_command(result, argc, argv);
	r = run_files_write(&session, result, why, sizeof(why));
	if (r == 0)
		r = report_write(session.dir, why, sizeof(why));
	summary_print(stdout, result, columns(), has_utf8());
	json_decref(result);
	if (why[0])
		complain(0, why);
	printf("%s/report.html\n", session.dir);
	if (measured < 0 && measured != -ECANCELED)
		complain(0, session.stopped);
	return r < 0 || measured < 0 || fflush(stdout) ? STATUS_ERROR : STATUS_OK;
}

static int prepare(const struct bench_options *options, char *why, size_t why_len)
{
	int r = find_device(options->device, session.bdf, sizeof(session.bdf), why, why_len);

	if (r == 0 && session.workload)
		r = workload_plan(session.workload, why, why_len);
	if (r == 0)
		r = make_directory(options, why, why_len);
	if (r == 0) {
		r = watch_init(&session.watch);
		if (r < 0)
			snprintf(why, why_len, "no pipe: %s", strerror(-r));
	}
	return r;
}

/* coldvm lies beside this program. */
static const char *find_coldvm(void)
{
	static char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 8);
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return "coldvm";
	strcpy(slash + 1, "coldvm");
	return access(path, X_OK) == 0 ? path : "coldvm";
}

static int power(int argc, char **argv)
{
	static struct bench_options options;
	char why[TARGET_WHY] = "";
	int r;

	switch (bench_options_parse(&options, argc, argv, why, sizeof(why))) {
	case BENCH_OPTIONS_HELP:
		return fputs(bench_help, stdout) < 0 || fflush(stdout) ? STATUS_ERROR : STATUS_OK;
	case BENCH_OPTIONS_ERROR:
		return complain(STATUS_USAGE, why);
	default:
		break;
	}
	log_set_level(options.verbose ? LOG_INFO : LOG_WARN);
	if (!options.coldvm)
		options.coldvm = find_coldvm();
	session.options = &options;
	session.workload = options.has_workload ? &options.workload : NULL;
	name_start();
	r = prepare(&options, why, sizeof(why));
	if (r < 0)
		return complain(r == -EINVAL ? STATUS_USAGE : STATUS_ERROR, why);
	catch_signals();
	r = finish(argv, argc, session_run(&session));
	session_free(&session);
	bench_options_free(&options);
	return r;
}

/* --- what was measured before -------------------------------------------------------------------
 */

static int compare(int argc, char **argv)
{
	char why[TARGET_WHY];

	if (argc != 3)
		return complain(STATUS_USAGE, "want two runs: coldvm bench compare DIR DIR");
	if (compare_print(stdout, argv[1], argv[2], why, sizeof(why)) < 0)
		return complain(STATUS_ERROR, why);
	return fflush(stdout) ? STATUS_ERROR : STATUS_OK;
}

static int report(int argc, char **argv)
{
	char why[TARGET_WHY] = "";
	json_t *result;
	int r;

	if (argc != 2)
		return complain(STATUS_USAGE, "want a run: coldvm bench report DIR");
	r = report_load(argv[1], &result, why, sizeof(why));
	if (r == 0) {
		summary_print(stdout, result, columns(), has_utf8());
		json_decref(result);
		r = report_write(argv[1], why, sizeof(why));
	}
	if (why[0])
		complain(0, why);
	return r < 0 || fflush(stdout) ? STATUS_ERROR : STATUS_OK;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{ "power", power },
	{ "compare", compare },
	{ "report", report },
};

int main(int argc, char **argv)
{
	char why[256];

	if (argc < 2)
		return complain(
			STATUS_USAGE,
			"say what to do: power, compare or report; see coldvm bench --help");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return fputs(bench_help, stdout) < 0 || fflush(stdout) ? STATUS_ERROR : STATUS_OK;
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].run(argc - 1, argv + 1);
	snprintf(why, sizeof(why), "unknown '%s': known are power, compare and report", argv[1]);
	return complain(STATUS_USAGE, why);
}
