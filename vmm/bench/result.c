/* SPDX-License-Identifier: BSD-3-Clause */
/* result.json, whose fields docs/bench.md explains. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "devices/vfio/host.h"
#include "vmm/bench/figures.h"
#include "vmm/bench/session.h"
#include "vmm/bits.h"

#define FORMAT	       "coldvm-bench-power"
#define FORMAT_VERSION 1
#define METHOD_VERSION 1
#define MAX_FUNCTIONS  8

/* --- host and device ----------------------------------------------------------------------------
 */

static void read_cpu(char *ret, size_t len)
{
	FILE *in = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(ret, len, "unknown");
	while (in && fgets(line, sizeof(line), in)) {
		char *value = strchr(line, ':');

		if (strncmp(line, "model name", 10) || !value)
			continue;
		value[strcspn(value, "\n")] = '\0';
		snprintf(ret, len, "%s", value[1] == ' ' ? value + 2 : value + 1);
		break;
	}
	if (in)
		fclose(in);
}

static json_t *host_json(void)
{
	char cpu[128], vendor[64] = "", product[64] = "", dmi[160];
	struct utsname uts;

	uname(&uts);
	read_cpu(cpu, sizeof(cpu));
	host_read(vendor, sizeof(vendor), HOST_SYSFS "/class/dmi/id/sys_vendor");
	host_read(product, sizeof(product), HOST_SYSFS "/class/dmi/id/product_name");
	snprintf(dmi, sizeof(dmi), "%s %s", vendor, product);
	return json_pack("{s:s, s:s, s:s?}", "kernel", uts.release, "cpu", cpu, "dmi",
			 vendor[0] || product[0] ? dmi : NULL);
}

static json_t *functions_json(const char *bdf)
{
	json_t *functions = json_array();
	char name[HOST_BDF_LEN];

	for (unsigned f = 0; f < MAX_FUNCTIONS; f++) {
		snprintf(name, sizeof(name), "%.11s%u", bdf, f);
		if (host_exists(HOST_SYSFS "/bus/pci/devices/%s", name))
			json_array_append_new(functions, json_string(name));
	}
	return functions;
}

static json_t *ports_json(const char *bdf)
{
	char path[PATH_MAX], port[HOST_BDF_LEN];
	json_t *ports = json_array();

	if (host_device_path(HOST_SYSFS, bdf, path, sizeof(path)))
		return ports;
	while (!host_parent(path, port, path, sizeof(path)))
		json_array_append_new(ports, json_string(port));
	return ports;
}

static json_t *device_json(const char *bdf)
{
	static const char *const names[] = { "vendor", "device", "class" };
	json_t *device = json_pack("{s:s}", "bdf", bdf);
	char text[64];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!host_read(text, sizeof(text), HOST_SYSFS "/bus/pci/devices/%s/%s", bdf,
			       names[i]))
			json_object_set_new(device, names[i], json_string(text));
	json_object_set_new(
		device, "driver",
		host_link(text, sizeof(text), HOST_SYSFS "/bus/pci/devices/%s/driver", bdf)
			? json_null()
			: json_string(text));
	json_object_set_new(device, "functions", functions_json(bdf));
	json_object_set_new(device, "ports", ports_json(bdf));
	return device;
}

/* --- what was measured --------------------------------------------------------------------------
 */

static json_t *meters_json(const struct session *session)
{
	json_t *meters = json_array();

	for (unsigned i = 0; session->sampler && i < session->meters.nr; i++) {
		const char *failure = sampler_failure(session->sampler, i);
		json_t *meter = meter_json(session->meters.meters[i]);
		struct energy_trace trace;

		sampler_trace(session->sampler, i, &trace);
		json_object_set_new(meter, "samples", json_integer((json_int_t)trace.nr));
		json_object_set_new(meter, "failure", failure ? json_string(failure) : json_null());
		json_array_append_new(meters, meter);
	}
	return meters;
}

static bool is_simulated(const struct session *session)
{
	for (unsigned i = 0; i < session->meters.nr; i++)
		if (session->meters.meters[i]->kind == METER_SIMULATED)
			return true;
	return false;
}

static double share_of(const struct residency_run *run, enum bench_state state)
{
	return run->end_ns > run->begin_ns
		       ? (double)run->ns[state] / (double)(run->end_ns - run->begin_ns)
		       : 0;
}

static json_t *runs_json(const struct residency *residency)
{
	json_t *runs = json_array();

	for (unsigned i = 0; i < residency->nr; i++) {
		const struct residency_run *run = &residency->runs[i];
		json_t *one =
			json_pack("{s:I, s:I, s:I, s:I}", "begin_ns", (json_int_t)run->begin_ns,
				  "end_ns", (json_int_t)run->end_ns, "jobs", (json_int_t)run->jobs,
				  "late_max_ns", (json_int_t)run->late_max_ns);

		for (unsigned s = 0; s < BENCH_NR_STATES; s++) {
			char key[32];

			snprintf(key, sizeof(key), "%s_ns", bench_state_name(s));
			json_object_set_new(one, key, json_integer((json_int_t)run->ns[s]));
		}
		json_array_append_new(runs, one);
	}
	return runs;
}

static json_t *shares_json(const struct residency *residency)
{
	json_t *shares = json_object();

	for (unsigned s = 0; s < BENCH_NR_STATES; s++) {
		double values[SESSION_MAX_RUNS];
		struct spread spread;

		for (unsigned i = 0; i < residency->nr; i++)
			values[i] = share_of(&residency->runs[i], s);
		spread_of(values, residency->nr, &spread);
		json_object_set_new(shares, bench_state_name(s), spread_json(&spread, "1"));
	}
	return shares;
}

/* Run by run: the host's runs are in the order of the VM's. */
static json_t *score_json(const struct residency *residency, const struct residency *host)
{
	double values[SESSION_MAX_RUNS];
	struct spread spread;
	size_t nr = 0;

	for (unsigned i = 0; i < residency->nr && i < host->nr; i++) {
		double limit = share_of(&host->runs[i], BENCH_D3COLD);

		if (limit > 0)
			values[nr++] = share_of(&residency->runs[i], BENCH_D3COLD) / limit;
	}
	spread_of(values, nr, &spread);
	return spread_json(&spread, "1");
}

static json_t *residency_json(const struct session *session)
{
	const struct residency *residency = &session->residency;
	const struct residency *host = &session->host_residency;

	if (!residency->nr)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "workload", workload_json(session->workload),
			 "runs", runs_json(residency), "share", shares_json(residency), "host",
			 host->nr ? json_pack("{s:o, s:o}", "share", shares_json(host), "runs",
					      runs_json(host))
				  : json_null(),
			 "score", score_json(residency, host));
}

/* Of the last run through the workload, or of all there is. */
static json_t *timeline_json(const struct session *session)
{
	const struct timeline *timeline = &session->watch.timeline;
	json_t *changes = json_array();
	uint64_t begin = timeline->nr ? timeline->changes[0].t_ns : 0;
	uint64_t end = timeline->nr ? timeline->changes[timeline->nr - 1].t_ns : 0;

	if (session->residency.nr) {
		begin = session->residency.runs[session->residency.nr - 1].begin_ns;
		end = session->residency.runs[session->residency.nr - 1].end_ns;
	}
	if (timeline->nr)
		json_array_append_new(changes,
				      json_pack("[I, s]", (json_int_t)begin,
						bench_state_name(timeline_at(timeline, begin))));
	for (size_t i = 0; i < timeline->nr; i++) {
		const struct timeline_change *change = &timeline->changes[i];

		if (change->t_ns > begin && change->t_ns < end)
			json_array_append_new(changes, json_pack("[I, s]", (json_int_t)change->t_ns,
								 bench_state_name(change->state)));
	}
	return json_pack("{s:I, s:I, s:o}", "begin_ns", (json_int_t)begin, "end_ns",
			 (json_int_t)end, "changes", changes);
}

json_t *result_json(const struct session *session)
{
	json_t *result = json_pack(
		"{s:s, s:i, s:i, s:s, s:s, s:b, s:s?, s:b}", "format", FORMAT, "format_version",
		FORMAT_VERSION, "method_version", METHOD_VERSION, "coldvm", COLDVM_VERSION,
		"started", session->started, "complete", !session->stopped[0], "stopped_by",
		session->stopped[0] ? session->stopped : NULL, "simulated", is_simulated(session));

	if (!result)
		return NULL;
	json_object_set_new(result, "host", host_json());
	json_object_set_new(result, "device", device_json(session->bdf));
	json_object_set_new(result, "target", json_string(session->target_name));
	json_object_set_new(result, "backend", json_string(session->backend));
	json_object_set_new(result, "guest",
			    session->guest ? json_incref(session->guest) : json_null());
	json_object_set_new(result, "meters", meters_json(session));
	json_object_set_new(result, "transitions",
			    session->cycles.asked ? cycles_json(&session->cycles) : json_null());
	json_object_set_new(result, "residency", residency_json(session));
	json_object_set_new(result, "energy", energy_json(session));
	json_object_set_new(result, "timeline", timeline_json(session));
	return result;
}
