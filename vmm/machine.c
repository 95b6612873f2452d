/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The composition. stages[] is the architecture, from top to bottom, and it is executed: when a
 * row fails, its own exit and those above it run in reverse. A stage is a call, never a body.
 */
#include "vmm/machine.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "devices/ged.h"
#include "devices/pci_host.h"
#include "devices/platform.h"
#include "devices/pwrctl.h"
#include "devices/rtc.h"
#include "devices/vfio/host.h"
#include "devices/vfio/power_report.h"
#include "vmm/api.h"
#include "vmm/api_socket.h"
#include "vmm/api_verbs.h"
#include "vmm/bits.h"
#include "vmm/bus.h"
#include "vmm/console.h"
#include "vmm/event.h"
#include "vmm/irqchip.h"
#include "vmm/kvm.h"
#include "vmm/log.h"
#include "vmm/loop.h"
#include "vmm/memory.h"
#include "vmm/monitor_file.h"
#include "vmm/options.h"
#include "vmm/passthrough.h"
#include "vmm/policy_order.h"
#include "vmm/stop_signals.h"
#include "vmm/topology.h"
#include "vmm/vcpu.h"
#include "vmm/virtio_set.h"
#include "vmm/vm_info.h"
#include "vmm/x86/boot.h"
#include "vmm/x86/cpu.h"
#include "vmm/x86/firmware.h"
#include "vmm/x86/layout.h"
#include "vmm/x86/smbios.h"

#define WHY_SIZE VFIO_WHY_SIZE

struct machine {
	const struct vm_options *options;
	struct topology topology;
	struct event_monitor events;
	struct loop loop;
	struct api_socket api_socket;
	struct api_machine api_machine;
	struct api *api;
	struct kvm kvm;
	struct memory memory;
	struct bus pio, mmio;
	struct irqchip irqchip;
	struct pci_host host;
	struct platform platform;
	struct ged ged;
	struct rtc rtc;
	struct pwrctl pwrctl;
	struct console console;
	struct passthrough passthrough;
	struct virtio_set *virtio;
	struct stop_signals signals;
	struct vcpu_env vcpu_env;
	struct vcpu vcpus[OPTIONS_MAX_CPUS];
	unsigned nr_vcpus;
	uint64_t rsdp;

	/* The end: the first reason counts. Set on any thread, read by the main one. */
	struct loop_source end;
	atomic_int status; /* enum machine_status, or RUNNING */

	char why[WHY_SIZE]; /* one line about a stage that failed */
	bool usage;	    /* and it is the command line's fault */
};

#define RUNNING (-1)

/* --- the end ------------------------------------------------------------------------------------
 */

static void end(struct machine *m, enum machine_status status)
{
	int running = RUNNING;

	if (atomic_compare_exchange_strong(&m->status, &running, (int)status))
		eventfd_write(m->end.fd, 1);
}

static void end_ready(struct loop_source *source, int revents)
{
	struct machine *m = source->opaque;

	(void)revents;
	loop_quit(&m->loop);
}

static void guest_power_off(void *opaque)
{
	end(opaque, MACHINE_POWERED_OFF);
}

static void guest_reset(void *opaque)
{
	end(opaque, MACHINE_RESET);
}

static void user_stop(void *opaque)
{
	end(opaque, MACHINE_STOPPED);
}

static void host_failed(void *opaque)
{
	end(opaque, MACHINE_HOST_ERROR);
}

static void press_power_button(void *opaque)
{
	struct machine *m = opaque;

	log_info("vm", "power button pressed");
	ged_raise(&m->ged, CVM_GED_POWER);
}

static void vcpu_ended(void *opaque, enum vcpu_end reason, const char *detail)
{
	static const enum machine_status statuses[] = {
		[VCPU_END_RESET] = MACHINE_RESET,
		[VCPU_END_SHUTDOWN] = MACHINE_POWERED_OFF,
		[VCPU_END_CRASH] = MACHINE_CRASHED,
		[VCPU_END_ERROR] = MACHINE_HOST_ERROR,
	};

	if (reason == VCPU_END_CRASH || reason == VCPU_END_ERROR)
		log_error("vm", "%s", detail);
	end(opaque, statuses[reason]);
}

static bool vcpu_fault(void *opaque)
{
	struct machine *m = opaque;

	return passthrough_fault(&m->passthrough);
}

/* --- what the control socket asks
 * ------------------------------------------------------------------------------------------- */

static json_t *info(void *opaque)
{
	struct machine *m = opaque;
	bool running = atomic_load(&m->status) == RUNNING;

	return vm_info(m->options, running ? "Running" : "Shutdown", now_ns() - m->events.start_ns);
}

static json_t *device_power(void *opaque)
{
	struct machine *m = opaque;
	json_t *list = json_array();

	for (unsigned i = 0; i < m->passthrough.nr; i++)
		json_array_append_new(list,
				      power_report(m->passthrough.slots[i]->power, HOST_SYSFS));
	return list;
}

static json_t *counters(void *opaque)
{
	struct machine *m = opaque;
	json_t *object = json_object();

	for (unsigned i = 0; i < m->passthrough.nr; i++) {
		struct power_slot *slot = m->passthrough.slots[i]->power;

		json_object_set_new(object, power_report_id(slot), power_report_counters(slot));
	}
	return object;
}

/* The slot with a device of that name; NULL if there is none. */
static struct power_slot *find_slot(struct machine *m, const char *id)
{
	for (unsigned s = 0; s < m->passthrough.nr; s++)
		for (unsigned i = 0; i < m->passthrough.slots[s]->nr; i++)
			if (!strcmp(m->passthrough.slots[s]->devices[i].vfio.id, id))
				return m->passthrough.slots[s]->power;
	return NULL;
}

static int set_policy(void *opaque, const json_t *order, char *why, size_t why_len)
{
	const char *id = policy_order_id(order);
	struct power_slot *slot = id ? find_slot(opaque, id) : NULL;
	struct power_policy_config policy = { 0 };
	int r;

	if (slot)
		power_slot_get_policy(slot, &policy);
	r = policy_order_read(order, &policy, why, why_len);
	if (r < 0)
		return r;
	if (slot)
		r = power_slot_set_policy(slot, &policy);
	if (slot && r == 0)
		return 0;
	snprintf(why, why_len, "there is no device '%.64s'%s", id, slot ? " any more" : "");
	return -ENOENT;
}

static void ask_shutdown(void *opaque)
{
	struct machine *m = opaque;

	stop_signals_ask(&m->signals);
}

/* --- stages
 * ----------------------------------------------------------------------------------------- */

static int topology_stage(struct machine *m)
{
	int r = topology_build(&m->topology, m->options, HOST_SYSFS, m->why, sizeof(m->why));

	m->usage = r == -EINVAL;
	return r;
}

static int events_init(struct machine *m)
{
	int fd, r = monitor_file_open(m->options, &fd, m->why, sizeof(m->why));

	event_monitor_init(&m->events, r < 0 ? -1 : fd);
	return r;
}

static void events_exit(struct machine *m)
{
	event_monitor_exit(&m->events);
}

static int loop_stage(struct machine *m)
{
	int r = loop_init(&m->loop);

	if (r < 0)
		snprintf(
			m->why, sizeof(m->why),
			"io_uring cannot be used (%s): sysctl kernel.io_uring_disabled=0 allows it",
			strerror(-r));
	return r;
}

static void loop_stage_exit(struct machine *m)
{
	loop_exit(&m->loop);
}

static int end_init(struct machine *m)
{
	m->end = (struct loop_source){
		.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.events = POLLIN,
		.ready = end_ready,
		.opaque = m,
	};
	return m->end.fd < 0 ? -errno : loop_add(&m->loop, &m->end);
}

static void end_exit(struct machine *m)
{
	loop_del(&m->loop, &m->end);
	close_fd(&m->end.fd);
}

static int signals_init(struct machine *m)
{
	m->signals.press = press_power_button;
	m->signals.stop = user_stop;
	m->signals.opaque = m;
	return stop_signals_init(&m->signals, &m->loop);
}

static void signals_exit(struct machine *m)
{
	stop_signals_exit(&m->signals);
}

static int api_init(struct machine *m)
{
	const struct vm_options *o = m->options;
	struct api_config config = {
		.verbs = api_verbs,
		.nr_verbs = api_nr_verbs,
		.opaque = &m->api_machine,
		.loop = &m->loop,
		.events = &m->events,
	};
	int r = api_socket_open(&m->api_socket, o->api_path, o->api_fd, m->why, sizeof(m->why));

	m->api_machine = (struct api_machine){
		.info = info,
		.device_power = device_power,
		.counters = counters,
		.set_policy = set_policy,
		.shutdown = ask_shutdown,
		.power_button = press_power_button,
		.stop = user_stop,
		.opaque = m,
	};
	config.fd = m->api_socket.fd;
	return r < 0 || config.fd < 0 ? r : api_create(&config, &m->api);
}

static void api_exit(struct machine *m)
{
	api_destroy(m->api);
	api_socket_close(&m->api_socket);
}

static int kvm_init(struct machine *m)
{
	const char *missing = "KVM";
	int r = kvm_open(&m->kvm, &missing);

	if (r < 0)
		snprintf(m->why, sizeof(m->why), "%s: %s%s", missing, strerror(-r),
			 r == -EACCES ? ": add yourself to the group kvm"
			 : r == -ENOENT
				 ? ": load kvm-intel or kvm-amd, and enable virtualisation in "
				   "the firmware set-up"
				 : "");
	return r;
}

static void kvm_exit(struct machine *m)
{
	kvm_close(&m->kvm);
}

static int memory_stage(struct machine *m)
{
	const struct memory_config config = {
		.size = m->options->memory,
		.hugepages = m->options->hugepages,
		.shared = m->options->shared,
		.prefault = m->options->prefault,
		.low_limit = LAYOUT_RAM_LOW_LIMIT,
	};
	int r = memory_init(&m->memory, &m->kvm, &config);

	if (r < 0)
		snprintf(m->why, sizeof(m->why), "--memory: %llu MiB%s cannot be had: %s%s",
			 (unsigned long long)(config.size >> 20),
			 config.hugepages ? " in 2 MiB huge pages" : "", strerror(-r),
			 config.hugepages ? ": write their number to /proc/sys/vm/nr_hugepages"
					  : "");
	return r;
}

static void memory_stage_exit(struct machine *m)
{
	memory_exit(&m->memory);
}

static int irq_init(struct machine *m)
{
	int r = cpu_prepare_vm(&m->kvm);

	return r < 0 ? r : irqchip_init(&m->irqchip, &m->kvm);
}

static void irq_exit(struct machine *m)
{
	irqchip_exit(&m->irqchip);
}

static int buses_init(struct machine *m)
{
	bus_init(&m->pio);
	bus_init(&m->mmio);
	return 0;
}

static void buses_exit(struct machine *m)
{
	bus_exit(&m->pio);
	bus_exit(&m->mmio);
}

static int host_init(struct machine *m)
{
	return pci_host_init(&m->host, &m->pio, &m->mmio);
}

static void host_exit(struct machine *m)
{
	pci_host_exit(&m->host);
}

static int platform_stage(struct machine *m)
{
	m->platform = (struct platform){
		.power_off = guest_power_off,
		.reset = guest_reset,
		.opaque = m,
	};
	return platform_init(&m->platform, &m->pio);
}

static int ged_stage(struct machine *m)
{
	return ged_init(&m->ged, &m->pio, &m->irqchip);
}

static int rtc_stage(struct machine *m)
{
	return rtc_init(&m->rtc, &m->pio);
}

static void rtc_stage_exit(struct machine *m)
{
	rtc_exit(&m->rtc);
}

static int pwrctl_stage(struct machine *m)
{
	return pwrctl_init(&m->pwrctl, &m->pio);
}

static int console_stage(struct machine *m)
{
	m->console.quit = user_stop;
	m->console.opaque = m;
	return console_init(&m->console, m->options, &m->loop, &m->pio, &m->irqchip, m->why,
			    sizeof(m->why));
}

static void console_stage_exit(struct machine *m)
{
	console_exit(&m->console);
}

static int phys_bits_stage(struct machine *m)
{
	unsigned bits = cpu_phys_bits(&m->kvm);
	const struct vfio_windows *w = &m->topology.windows;
	uint64_t end_address = w->mmio64 + w->mmio64_size;

	if (bits >= 64 || end_address <= UINT64_C(1) << bits)
		return 0;
	snprintf(m->why, sizeof(m->why),
		 "RAM and 64-bit BARs end at 0x%llx, beyond the %u physical address bits of this "
		 "CPU",
		 (unsigned long long)end_address, bits);
	return -ENOSPC;
}

static int passthrough_stage(struct machine *m)
{
	const struct passthrough_env env = {
		.memory = &m->memory,
		.pio = &m->pio,
		.mmio = &m->mmio,
		.irqchip = &m->irqchip,
		.host = &m->host,
		.pwrctl = &m->pwrctl,
		.ged = &m->ged,
		.loop = &m->loop,
		.events = &m->events,
		.blocking_on = m->options->blocking_on,
		.stop = host_failed,
		.opaque = m,
	};

	return passthrough_init(&m->passthrough, &env, &m->topology, m->why, sizeof(m->why));
}

static void passthrough_stage_exit(struct machine *m)
{
	passthrough_exit(&m->passthrough);
}

static int virtio_stage(struct machine *m)
{
	const struct virtio_set_env env = {
		.kvm = &m->kvm,
		.memory = &m->memory,
		.irqchip = &m->irqchip,
		.mmio = &m->mmio,
		.root = &m->host.root,
		.loop = &m->loop,
		.events = &m->events,
		.first_device = topology_first_virtio(&m->topology),
	};

	return virtio_set_create(&env, m->options, &m->virtio, m->why, sizeof(m->why));
}

static void virtio_stage_exit(struct machine *m)
{
	virtio_set_destroy(m->virtio);
	m->virtio = NULL;
}

static int firmware_stage(struct machine *m)
{
	const struct smbios_config smbios = {
		.laptop = m->options->laptop,
		.memory = m->options->memory,
		.nr_cpus = m->options->cpus,
	};
	struct acpi_config acpi;

	topology_acpi(&m->topology, m->options, &acpi);
	return firmware_load(&m->memory, &acpi, &smbios, &m->rsdp);
}

static int vcpus_init(struct machine *m)
{
	int r = vcpu_install_kick();

	m->vcpu_env = (struct vcpu_env){
		.kvm = &m->kvm,
		.pio = &m->pio,
		.mmio = &m->mmio,
		.end = vcpu_ended,
		.fault = vcpu_fault,
		.opaque = m,
	};
	for (unsigned i = 0; r == 0 && i < m->options->cpus; i++) {
		r = vcpu_init(&m->vcpus[i], &m->vcpu_env, i);
		if (r < 0)
			break;
		m->nr_vcpus++;
		r = cpu_setup(&m->vcpus[i], &m->kvm, m->options->cpus);
	}
	return r;
}

static void vcpus_exit(struct machine *m)
{
	while (m->nr_vcpus)
		vcpu_exit(&m->vcpus[--m->nr_vcpus]);
}

static int boot_stage(struct machine *m)
{
	const struct boot_config config = {
		.kernel = m->options->kernel,
		.initramfs = m->options->initramfs,
		.cmdline = m->options->cmdline,
		.acpi_rsdp = m->rsdp,
	};
	struct boot_entry entry;
	int r = boot_load(&m->memory, &config, &entry, m->why, sizeof(m->why));

	return r < 0 ? r : cpu_set_entry(&m->vcpus[0], &m->memory, &entry);
}

static int start_vcpus(struct machine *m)
{
	int r = 0;

	event_emit(&m->events, "vm", "booting", now_ns(), NULL);
	for (unsigned i = 0; r == 0 && i < m->nr_vcpus; i++)
		r = vcpu_start(&m->vcpus[i]);
	if (r == 0)
		event_emit(&m->events, "vm", "booted", now_ns(), NULL);
	return r;
}

static void stop_vcpus(struct machine *m)
{
	for (unsigned i = 0; i < m->nr_vcpus; i++)
		vcpu_stop(&m->vcpus[i]);
}

static const struct stage {
	const char *name;
	int (*init)(struct machine *m);
	void (*exit)(struct machine *m); /* takes what a failed init left; may be NULL */
} stages[] = {
	{ "topology", topology_stage, NULL },
	{ "event monitor", events_init, events_exit },
	{ "event loop", loop_stage, loop_stage_exit },
	{ "end", end_init, end_exit },
	/* Early, because its last events are those of the devices; served when the loop runs. */
	{ "control socket", api_init, api_exit },
	{ "KVM", kvm_init, kvm_exit },
	{ "address space", phys_bits_stage, NULL },
	{ "memory", memory_stage, memory_stage_exit },
	{ "interrupts", irq_init, irq_exit },
	{ "buses", buses_init, buses_exit },
	{ "PCI host bridge", host_init, host_exit },
	{ "platform", platform_stage, NULL },
	{ "event device", ged_stage, NULL },
	{ "clock", rtc_stage, rtc_stage_exit },
	{ "power registers", pwrctl_stage, NULL },
	{ "signals", signals_init, signals_exit },
	{ "virtio devices", virtio_stage, virtio_stage_exit },
	{ "firmware tables", firmware_stage, NULL },
	{ "vCPUs", vcpus_init, vcpus_exit },
	{ "kernel", boot_stage, NULL },
	{ "passthrough", passthrough_stage, passthrough_stage_exit },
	{ "serial port", console_stage, console_stage_exit },
	{ "start", start_vcpus, stop_vcpus },
};

static int init_stages(struct machine *m, unsigned *ret_done)
{
	for (unsigned i = 0; i < ARRAY_SIZE(stages); i++) {
		int r = stages[i].init(m);

		*ret_done = i + 1;
		if (r < 0) {
			if (!m->why[0])
				snprintf(m->why, sizeof(m->why), "%s: %s", stages[i].name,
					 strerror(-r));
			return r;
		}
	}
	return 0;
}

static void exit_stages(struct machine *m, unsigned done)
{
	while (done--)
		if (stages[done].exit)
			stages[done].exit(m);
}

static void report_end(struct machine *m, enum machine_status status)
{
	static const char *const reasons[] = {
		[MACHINE_POWERED_OFF] = "power-off", [MACHINE_HOST_ERROR] = "host-error",
		[MACHINE_USAGE] = "usage",	     [MACHINE_RESET] = "reset",
		[MACHINE_CRASHED] = "crash",	     [MACHINE_STOPPED] = "stopped",
	};

	log_info("vm", "ended: %s", reasons[status]);
	event_emit(&m->events, "vm", "shutdown", now_ns(),
		   json_pack("{s:s, s:i}", "reason", reasons[status], "status", (int)status));
}

enum machine_status machine_run(const struct vm_options *options)
{
	struct machine *m = calloc(1, sizeof(*m));
	enum machine_status status = MACHINE_HOST_ERROR;
	unsigned done = 0;
	int r;

	if (!m) {
		log_error("vm", "out of memory");
		return MACHINE_HOST_ERROR;
	}
	m->options = options;
	atomic_init(&m->status, RUNNING);

	r = init_stages(m, &done);
	if (r < 0) {
		log_error("vm", "%s", m->why);
		status = m->usage ? MACHINE_USAGE : MACHINE_HOST_ERROR;
	} else {
		r = loop_run(&m->loop);
		if (r < 0)
			log_error("vm", "the event loop failed: %s", strerror(-r));
		else
			status = (enum machine_status)atomic_load(&m->status);
		report_end(m, status);
	}
	exit_stages(m, done);
	free(m);
	return status;
}
