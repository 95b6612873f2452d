/* SPDX-License-Identifier: BSD-3-Clause */
/* The verbs of the control socket: paths and methods as cloud-hypervisor has them where it has
 * them. A verb is a row of the table at the end, and a call. */
#include "vmm/api_verbs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "vmm/bits.h"
#include "vmm/metrics.h"

static void vmm_ping(void *opaque, const json_t *body, struct api_reply *reply)
{
	(void)opaque;
	(void)body;
	api_reply_json(reply, json_pack("{s:s, s:s, s:i, s:[s]}", "build_version",
					"coldvm " COLDVM_VERSION, "version", COLDVM_VERSION, "pid",
					(int)getpid(), "features", "device-power"));
}

static void vm_info(void *opaque, const json_t *body, struct api_reply *reply)
{
	const struct api_machine *machine = opaque;

	(void)body;
	api_reply_json(reply, machine->info(machine->opaque));
}

static void vm_device_power(void *opaque, const json_t *body, struct api_reply *reply)
{
	const struct api_machine *machine = opaque;

	(void)body;
	api_reply_json(reply, json_pack("{s:o}", "slots", machine->device_power(machine->opaque)));
}

static void vm_device_power_policy(void *opaque, const json_t *body, struct api_reply *reply)
{
	const struct api_machine *machine = opaque;
	char why[256] = "";
	int r = machine->set_policy(machine->opaque, body, why, sizeof(why));

	if (r < 0)
		api_reply_error(reply, r == -ENOENT ? 404 : 400, "%s", why);
}

/* -EINVAL: @body is no order for a balloon, with one line in @why. */
static int read_resize(const json_t *body, uint64_t *ret_balloon, char *why, size_t why_len)
{
	static const char *const fixed[] = { "desired_vcpus", "desired_ram" };
	const json_t *balloon = json_object_get(body, "desired_balloon");

	for (unsigned i = 0; i < ARRAY_SIZE(fixed); i++) {
		const json_t *value = json_object_get(body, fixed[i]);

		if (value && !json_is_null(value)) {
			snprintf(why, why_len, "%s: vCPUs and RAM stay as they are", fixed[i]);
			return -EINVAL;
		}
	}
	if (!json_is_integer(balloon) || json_integer_value(balloon) < 0) {
		snprintf(why, why_len, "desired_balloon: want a number of bytes");
		return -EINVAL;
	}
	*ret_balloon = (uint64_t)json_integer_value(balloon);
	return 0;
}

static void vm_resize(void *opaque, const json_t *body, struct api_reply *reply)
{
	const struct api_machine *machine = opaque;
	uint64_t balloon = 0;
	char why[256] = "";
	int r = read_resize(body, &balloon, why, sizeof(why));

	if (r == 0)
		r = machine->resize(machine->opaque, balloon, why, sizeof(why));
	if (r < 0)
		api_reply_error(reply, 400, "%s", why);
}

static void vm_counters(void *opaque, const json_t *body, struct api_reply *reply)
{
	const struct api_machine *machine = opaque;

	(void)body;
	api_reply_json(reply, machine->counters(machine->opaque));
}

/* 405 is cloud-hypervisor's word for an order that the VM's state does not allow. */
static void change_state(int (*change)(void *opaque, char *why, size_t why_len), void *opaque,
			 struct api_reply *reply)
{
	char why[128] = "";
	int r = change(opaque, why, sizeof(why));

	if (r == -EINPROGRESS)
		reply->later = true;
	else if (r < 0)
		api_reply_error(reply, 405, "%s", why);
}

static void vm_pause(void *opaque, const json_t *body, struct api_reply *reply)
{
	const struct api_machine *machine = opaque;

	(void)body;
	change_state(machine->pause, machine->opaque, reply);
}

static void vm_resume(void *opaque, const json_t *body, struct api_reply *reply)
{
	const struct api_machine *machine = opaque;

	(void)body;
	change_state(machine->resume, machine->opaque, reply);
}

static void vm_reboot(void *opaque, const json_t *body, struct api_reply *reply)
{
	const struct api_machine *machine = opaque;

	(void)body;
	change_state(machine->reboot, machine->opaque, reply);
}

static void vm_shutdown(void *opaque, const json_t *body, struct api_reply *reply)
{
	const struct api_machine *machine = opaque;

	(void)body;
	(void)reply;
	machine->shutdown(machine->opaque);
}

static void vm_power_button(void *opaque, const json_t *body, struct api_reply *reply)
{
	const struct api_machine *machine = opaque;

	(void)body;
	(void)reply;
	machine->power_button(machine->opaque);
}

static void vmm_shutdown(void *opaque, const json_t *body, struct api_reply *reply)
{
	const struct api_machine *machine = opaque;

	(void)body;
	(void)reply;
	machine->stop(machine->opaque);
}

static void events(void *opaque, const json_t *body, struct api_reply *reply)
{
	(void)opaque;
	(void)body;
	reply->status = 200;
	reply->type = "application/x-ndjson";
	reply->events = true;
}

static void metrics(void *opaque, const json_t *body, struct api_reply *reply)
{
	const struct api_machine *machine = opaque;
	json_t *info = machine->info(machine->opaque);
	json_t *power = machine->device_power(machine->opaque);
	json_t *counters = machine->counters(machine->opaque);

	(void)body;
	reply->body = info && power && counters ? metrics_format(info, power, counters) : NULL;
	reply->status = reply->body ? 200 : 500;
	reply->type = reply->body ? METRICS_TYPE : NULL;
	reply->body_len = reply->body ? strlen(reply->body) : 0;
	json_decref(info);
	json_decref(power);
	json_decref(counters);
}

static void help(void *opaque, const json_t *body, struct api_reply *reply)
{
	json_t *list = json_array();

	(void)opaque;
	(void)body;
	for (unsigned i = 0; i < api_nr_verbs; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s}", "method", api_verbs[i].method, "path",
					api_verbs[i].path, "help", api_verbs[i].help));
	api_reply_json(reply, json_pack("{s:o}", "verbs", list));
}

const struct api_verb api_verbs[] = {
	{ "GET", "/api/v1", help, "this list" },
	{ "GET", "/api/v1/vmm.ping", vmm_ping, "version and process of the VMM" },
	{ "PUT", "/api/v1/vmm.shutdown", vmm_shutdown, "stops the VM at once" },
	{ "GET", "/api/v1/vm.info", vm_info, "configuration and state of the VM" },
	{ "GET", "/api/v1/vm.device-power", vm_device_power,
	  "power of each slot: asked, observed, why they differ, how long, how often" },
	{ "PUT", "/api/v1/vm.device-power-policy", vm_device_power_policy,
	  "changes the policy of a slot: id, power, wake, max_wakes_per_min, min_off_ms" },
	{ "GET", "/api/v1/vm.counters", vm_counters, "counts of each slot, disk and network card" },
	{ "PUT", API_PATH_PAUSE, vm_pause, "stops the vCPUs until vm.resume" },
	{ "PUT", "/api/v1/vm.resume", vm_resume, "lets a paused VM go on" },
	{ "PUT", API_PATH_REBOOT, vm_reboot,
	  "resets the VM, without asking the guest, and starts it again" },
	{ "PUT", "/api/v1/vm.shutdown", vm_shutdown,
	  "presses the power button; a second one, or 10 s, stop the VM" },
	{ "PUT", "/api/v1/vm.power-button", vm_power_button, "presses the power button" },
	{ "PUT", "/api/v1/vm.resize", vm_resize, "changes the balloon: desired_balloon, in bytes" },
	{ "GET", "/api/v1/events", events, "events from now on, one JSON object a line" },
	{ "GET", "/metrics", metrics, "figures for Prometheus" },
};
const unsigned api_nr_verbs = ARRAY_SIZE(api_verbs);
