/* SPDX-License-Identifier: BSD-3-Clause */
/* Each is written under another name first: a file that is there is whole. */
#include "vmm/bench/run_files.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/bits.h"

static bool is_empty(const char *name)
{
	DIR *dir = opendir(name);
	struct dirent *entry;
	bool empty = dir != NULL;

	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			empty = false;
	if (dir)
		closedir(dir);
	return empty;
}

int run_files_make(const char *name, char *ret, size_t len, char *why, size_t why_len)
{
	char path[PATH_MAX];
	int r = mkdir(name, 0777) < 0 ? -errno : 0;

	if (r == -EEXIST && is_empty(name))
		r = 0;
	if (r < 0) {
		snprintf(why, why_len, "--out %s: %s", name,
			 r == -EEXIST ? "there is something in it; say another" : strerror(-r));
		return r;
	}
	if (!realpath(name, path) || strlen(path) >= len) {
		snprintf(why, why_len, "--out %s: %s", name, strerror(errno));
		return -errno;
	}
	strcpy(ret, path);
	return 0;
}

void run_files_add_command(json_t *result, int argc, char **argv)
{
	json_t *command = json_pack("[s, s]", "coldvm", "bench");

	for (int i = 0; i < argc; i++) {
		json_t *word = json_string(argv[i]);

		/* A file name need not be UTF-8, as JSON is. */
		json_array_append_new(command, word ? word : json_string("?"));
	}
	json_object_set_new(result, "command", command);
}

/* --- contents -----------------------------------------------------------------------------------
 */

static int write_result(const struct session *session, const json_t *result, FILE *out)
{
	(void)session;
	return json_dumpf(result, out, JSON_INDENT(2)) < 0 || fputc('\n', out) < 0 ? -EIO : 0;
}

static int write_samples(const struct session *session, const json_t *result, FILE *out)
{
	const struct timeline *timeline = &session->watch.timeline;

	(void)result;
	fputs("t_ns,source,unit,value,state\n", out);
	for (size_t i = 0; i < timeline->nr; i++)
		fprintf(out, "%" PRIu64 ",device,state,,%s\n", timeline->changes[i].t_ns,
			bench_state_name(timeline->changes[i].state));
	return session->sampler ? sampler_write_csv(session->sampler, out) : 0;
}

/* When the device was on, in the last run of a workload that nobody has planned. */
static int write_observed(const struct session *session, FILE *out)
{
	const struct timeline *timeline = &session->watch.timeline;
	const struct residency_run *run = &session->residency.runs[session->residency.nr - 1];
	struct workload_busy *busy = calloc(timeline->nr + 1, sizeof(*busy));
	uint64_t since = 0;
	bool on = false;
	size_t nr = 0;
	int r;

	if (!busy)
		return -ENOMEM;
	for (size_t i = 0; i <= timeline->nr; i++) {
		const struct timeline_change *change = &timeline->changes[i];
		uint64_t t = i == timeline->nr ? run->end_ns : change->t_ns;
		bool is_on = i < timeline->nr && change->state == BENCH_D0;

		t = t < run->begin_ns ? run->begin_ns : min_u64(t, run->end_ns);
		if (on && !is_on && t > since)
			busy[nr++] = (struct workload_busy){ since - run->begin_ns, t - since };
		if (is_on && !on)
			since = t;
		on = is_on;
	}
	r = workload_write_trace(busy, nr, out);
	free(busy);
	return r;
}

static int write_trace(const struct session *session, const json_t *result, FILE *out)
{
	const struct workload *workload = session->workload;

	(void)result;
	if (workload->kind == WORKLOAD_GUEST && session->residency.nr)
		return write_observed(session, out);
	return workload_write_trace(workload->busy, workload->nr, out);
}

static int write_file(const struct session *session, const json_t *result, const char *name,
		      int (*write)(const struct session *session, const json_t *result, FILE *out),
		      char *why, size_t why_len)
{
	char path[PATH_MAX + 32], part[PATH_MAX + 48];
	FILE *out;
	int r;

	snprintf(path, sizeof(path), "%s/%s", session->dir, name);
	snprintf(part, sizeof(part), "%s.part", path);
	out = fopen(part, "we");
	r = out ? write(session, result, out) : -errno;
	if (out && fclose(out) && r == 0)
		r = -errno;
	if (r == 0 && rename(part, path) < 0)
		r = -errno;
	if (r < 0)
		snprintf(why, why_len, "%s: %s", path, strerror(-r));
	return r;
}

int run_files_write(const struct session *session, const json_t *result, char *why, size_t why_len)
{
	int r = write_file(session, result, "result.json", write_result, why, why_len);

	if (r == 0)
		r = write_file(session, result, "samples.csv", write_samples, why, why_len);
	if (r == 0 && session->workload)
		r = write_file(session, result, "trace.csv", write_trace, why, why_len);
	return r;
}
