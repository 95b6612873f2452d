/* SPDX-License-Identifier: BSD-3-Clause */
/* argv -> subcommand -> machine. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/bits.h"
#include "vmm/config_file.h"
#include "vmm/ctl.h"
#include "vmm/doctor.h"
#include "vmm/help.h"
#include "vmm/log.h"
#include "vmm/machine.h"
#include "vmm/options.h"
#include "vmm/park.h"
#include "vmm/tables.h"
#include "vmm/top.h"

#define STACK_SIZE KIB(256)

struct command {
	const char *name;
	bool tables; /* grammar, see options_parse() */
	enum machine_status (*run)(const struct vm_options *options);
	const char *help;
};

static const struct command commands[] = {
	{ "run", false, machine_run, help_run },
	{ "tables", true, tables_write, help_tables },
};

static int doctor(int argc, char **argv)
{
	return (int)doctor_main(argc, argv);
}

static int park(int argc, char **argv)
{
	return park_main(argc, argv);
}

/* A program of its own, so that no VM carries its libraries. It lies beside this one. */
static int bench(int argc, char **argv)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("-bench"));

	(void)argc;
	path[n > 0 ? n : 0] = '\0';
	strcat(path, "-bench");
	/* argv is part of main()'s, which ends with NULL and has room for a name in front. */
	execv(path, argv - 1);
	log_complain("bench: %s cannot be run: %s", path, strerror(errno));
	return MACHINE_HOST_ERROR;
}

/* They start no VM, and so have none of its options. */
static const struct {
	const char *name;
	int (*main)(int argc, char **argv);
} tools[] = {
	{ "doctor", doctor }, { "ctl", ctl_main }, { "top", top_main },
	{ "park", park },     { "bench", bench },
};

static int print(const char *text)
{
	return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? MACHINE_HOST_ERROR : 0;
}

static int usage(const char *why)
{
	log_complain("%s", why);
	return MACHINE_USAGE;
}

static int print_config(const struct vm_options *options)
{
	const char *left_out = NULL;
	json_t *config = config_file_json(options, &left_out);
	char why[128];
	int r;

	if (left_out) {
		snprintf(why, sizeof(why), "--print-config: %s is not UTF-8, as JSON has to be",
			 left_out);
		json_decref(config);
		return usage(why);
	}
	r = config ? json_dumpf(config, stdout, JSON_INDENT(2)) : -1;
	json_decref(config);
	return r < 0 ? MACHINE_HOST_ERROR : print("\n");
}

static int run(const struct command *command, const struct vm_options *options)
{
	log_set_level(options->verbose == 0   ? LOG_WARN
		      : options->verbose == 1 ? LOG_INFO
					      : LOG_DEBUG);
	/* A reader of the console or of the events that goes away must not end the VM. */
	signal(SIGPIPE, SIG_IGN);
	return command->run(options);
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct vm_options options;
	char why[512];
	int status = 0;

	switch (options_parse(&options, argc, argv, command->tables, why, sizeof(why))) {
	case OPTIONS_HELP:
		status = print(command->help);
		break;
	case OPTIONS_VERSION:
		status = print(help_version);
		break;
	case OPTIONS_ERROR:
		status = usage(why);
		break;
	case OPTIONS_RUN:
		status = options.print_config ? print_config(&options) : run(command, &options);
		break;
	}
	options_free(&options);
	return status;
}

/*
 * No thread goes deep. With the usual 8 MiB a stack can end where the guest's RAM begins, at a
 * multiple of 2 MiB, and its first page is then a huge one: 2 MiB of memory, and the time to fill
 * them with zeros.
 */
static void limit_stacks(void)
{
	pthread_attr_t attr;

	if (pthread_attr_init(&attr))
		return;
	/* Advice: without it threads have more room than they need. */
	if (pthread_attr_setstacksize(&attr, STACK_SIZE) == 0)
		pthread_setattr_default_np(&attr);
	pthread_attr_destroy(&attr);
}

int main(int argc, char **argv)
{
	char why[256];

	limit_stacks();
	if (argc < 2)
		return usage("say what to do: coldvm run, coldvm tables, coldvm doctor, "
			     "coldvm park, coldvm ctl, coldvm top, coldvm bench, coldvm --help");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return print(help_coldvm);
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		return print(help_version);
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return run_command(&commands[i], argc - 2, argv + 2);
	for (unsigned i = 0; i < ARRAY_SIZE(tools); i++)
		if (!strcmp(argv[1], tools[i].name))
			return tools[i].main(argc - 2, argv + 2);
	snprintf(why, sizeof(why),
		 "unknown command '%s': known are run, tables, doctor, park, ctl, top and bench",
		 argv[1]);
	return usage(why);
}
