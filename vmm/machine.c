/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The composition. stages[] is the architecture, from top to bottom, and it is executed: when a
 * row fails, its own exit and those above it run in reverse. A stage is a call, never a body. When
 * the guest resets, all rows but those marked `once` are undone and executed again.
 */
#include "vmm/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/vfio/host.h"
#include "vmm/bits.h"
#include "vmm/log.h"
#include "vmm/machine_parts.h"
#include "vmm/monitor_file.h"
#include "vmm/option_rules.h"
#include "vmm/ram_plan.h"
#include "vmm/virtio_set.h"
#include "vmm/x86/boot.h"
#include "vmm/x86/cpu.h"
#include "vmm/x86/firmware.h"
#include "vmm/x86/layout.h"
#include "vmm/x86/smbios.h"

/* --- the end, and pauses ------------------------------------------------------------------------
 */

static void guest_power_off(void *opaque)
{
	lifecycle_end(&((struct machine *)opaque)->lifecycle, MACHINE_POWERED_OFF);
}

static void guest_reset(void *opaque)
{
	lifecycle_end(&((struct machine *)opaque)->lifecycle, MACHINE_RESET);
}

static void user_stop(void *opaque)
{
	lifecycle_end(&((struct machine *)opaque)->lifecycle, MACHINE_STOPPED);
}

static void host_failed(void *opaque)
{
	lifecycle_end(&((struct machine *)opaque)->lifecycle, MACHINE_HOST_ERROR);
}

static void ask_guest_to_end(void *opaque)
{
	lifecycle_press(&((struct machine *)opaque)->lifecycle);
}

static void vcpu_ended(void *opaque, enum vcpu_end reason, const char *detail)
{
	static const enum machine_status statuses[] = {
		[VCPU_END_RESET] = MACHINE_RESET,
		[VCPU_END_SHUTDOWN] = MACHINE_POWERED_OFF,
		[VCPU_END_CRASH] = MACHINE_CRASHED,
		[VCPU_END_ERROR] = MACHINE_HOST_ERROR,
	};
	struct machine *m = opaque;

	if (reason == VCPU_END_CRASH || reason == VCPU_END_ERROR)
		log_error("vm", "%s", detail);
	lifecycle_end(&m->lifecycle, statuses[reason]);
}

static void watchdog_ran_out(void *opaque)
{
	struct machine *m = opaque;

	log_warn("watchdog", "the guest has not pinged it in time: resetting the guest");
	event_emit(&m->events, "vm", "watchdog-expired", now_ns(), NULL);
	guest_reset(m);
}

static void pause_guest(void *opaque)
{
	struct machine *m = opaque;

	if (m->watchdog)
		watchdog_pause(m->watchdog, true);
	vcpu_set_pause(&m->vcpus);
}

static void resume_guest(void *opaque)
{
	struct machine *m = opaque;

	vcpu_set_resume(&m->vcpus);
	if (m->watchdog)
		watchdog_pause(m->watchdog, false);
}

static void guest_paused(void *opaque)
{
	lifecycle_paused(&((struct machine *)opaque)->lifecycle);
}

static void pause_over(void *opaque, const char *error)
{
	struct machine *m = opaque;

	api_answer(m->api, API_PATH_PAUSE, error ? 405 : 204, error);
}

static void raise_power_button(void *opaque)
{
	struct machine *m = opaque;

	log_info("vm", "power button pressed");
	ged_raise(&m->ged, CVM_GED_POWER);
}

static const struct lifecycle_ops lifecycle_ops = {
	.pause = pause_guest,
	.resume = resume_guest,
	.press = raise_power_button,
	.pause_over = pause_over,
};

static bool vcpu_fault(void *opaque)
{
	struct machine *m = opaque;

	return passthrough_fault(&m->passthrough);
}

/* --- stages
 * ----------------------------------------------------------------------------------------- */

static int topology_stage(struct machine *m)
{
	int r = topology_build(&m->topology, m->options, HOST_SYSFS, m->why, sizeof(m->why));

	m->usage = r == -EINVAL;
	return r;
}

static int iommu_stage(struct machine *m)
{
	int r = host_iommu_choose(&m->topology, m->options, &m->iommu, m->why, sizeof(m->why));

	m->usage = r == -EINVAL;
	return r;
}

static void iommu_stage_exit(struct machine *m)
{
	iommu_choice_end(&m->iommu);
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

static int lifecycle_stage(struct machine *m)
{
	return lifecycle_init(&m->lifecycle, &lifecycle_ops, m, &m->loop, &m->events);
}

static void lifecycle_stage_exit(struct machine *m)
{
	lifecycle_exit(&m->lifecycle);
}

static int signals_init(struct machine *m)
{
	m->signals.press = ask_guest_to_end;
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

	m->api_machine = machine_verbs(m);
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
	struct memory_zone zones[MEMORY_MAX_ZONES];
	unsigned failed, nr = ram_plan(m->options, zones);
	int r = ram_plan_check(m->options, HOST_SYSFS, m->why, sizeof(m->why));

	if (r < 0)
		return r;
	r = memory_init_zones(&m->memory, &m->kvm, zones, nr, LAYOUT_RAM_LOW_LIMIT, &failed);
	if (r < 0)
		ram_plan_explain(m->options, failed, r, m->why, sizeof(m->why));
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

static int watchdog_stage(struct machine *m)
{
	const struct watchdog_config config = {
		.loop = &m->loop,
		.pio = &m->pio,
		.fired = m->watchdog_fired,
		.expired = watchdog_ran_out,
		.opaque = m,
	};

	return m->options->watchdog ? watchdog_create(&config, &m->watchdog) : 0;
}

static void watchdog_stage_exit(struct machine *m)
{
	m->watchdog_fired = m->watchdog && watchdog_fired(m->watchdog);
	watchdog_destroy(m->watchdog);
	m->watchdog = NULL;
}

static int output_stage(struct machine *m)
{
	return console_open(&m->console, m->options, m->why, sizeof(m->why));
}

static void output_stage_exit(struct machine *m)
{
	console_close(&m->console);
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
		 "--memory: RAM and 64-bit BARs end at 0x%llx, beyond the %u physical address bits "
		 "of this CPU: want less of it",
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
		.iommufd = m->iommu.iommufd,
		.blocking_on = m->options->blocking_on,
		.p2p_dma = m->options->p2p_dma,
		.stop = host_failed,
		.opaque = m,
	};

	return passthrough_init(&m->passthrough, &env, &m->topology, m->why, sizeof(m->why));
}

/* After a reboot the user's orders hold on. */
static int policies_stage(struct machine *m)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < m->passthrough.nr; i++)
		if (m->orders[i].given)
			r = power_slot_set_policy(m->passthrough.slots[i]->power,
						  &m->orders[i].policy);
	return r;
}

static void passthrough_stage_exit(struct machine *m)
{
	passthrough_exit(&m->passthrough);
}

static void console_resized(void *opaque)
{
	struct machine *m = opaque;

	virtio_set_resized(m->virtio);
}

static int console_end_stage(struct machine *m)
{
	m->console_end.quit = user_stop;
	m->console_end.resized = console_resized;
	m->console_end.opaque = m;
	return console_end_init(&m->console_end, m->options, &m->loop, m->why, sizeof(m->why));
}

static void console_end_stage_exit(struct machine *m)
{
	console_end_exit(&m->console_end);
}

static int links_stage(struct machine *m)
{
	virtio_links_init(&m->links);
	return 0;
}

static void links_stage_exit(struct machine *m)
{
	virtio_links_exit(&m->links);
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
		.console = &m->console_end,
		.links = &m->links,
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
		.memory = options_ram(m->options),
		.nr_cpus = m->options->cpus,
	};
	struct acpi_config acpi;

	topology_acpi(&m->topology, m->options, &acpi);
	return firmware_load(&m->memory, &acpi, &smbios, &m->rsdp);
}

static int vcpus_init(struct machine *m)
{
	const struct vcpu_env env = {
		.kvm = &m->kvm,
		.apic_ids = m->cpus.apic_id,
		.pio = &m->pio,
		.mmio = &m->mmio,
		.end = vcpu_ended,
		.fault = vcpu_fault,
		.opaque = m,
	};
	int r = option_cpu_topology(m->options, &m->cpus);

	if (r == 0)
		r = vcpu_set_init(&m->vcpus, &env, m->options->cpus, &m->loop, guest_paused, m);
	for (unsigned i = 0; r == 0 && i < m->vcpus.nr; i++)
		r = cpu_setup(&m->vcpus.list[i], &m->kvm, m->cpus.cores);
	return r;
}

static void vcpus_exit(struct machine *m)
{
	vcpu_set_exit(&m->vcpus);
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

	return r < 0 ? r : cpu_set_entry(&m->vcpus.list[0], &m->memory, &entry);
}

static int start_vcpus(struct machine *m)
{
	int r;

	event_emit(&m->events, "vm", "booting", now_ns(), NULL);
	r = vcpu_set_start(&m->vcpus);
	if (r < 0)
		return r;
	event_emit(&m->events, "vm", "booted", now_ns(), NULL);
	lifecycle_started(&m->lifecycle);
	return 0;
}

static void stop_vcpus(struct machine *m)
{
	vcpu_set_stop(&m->vcpus);
}

#define ONCE true /* for all boots: holds nothing of the guest's */

static const struct stage {
	const char *name;
	int (*init)(struct machine *m);
	void (*exit)(struct machine *m); /* takes what a failed init left; may be NULL */
	bool once;
} stages[] = {
	{ "topology", topology_stage, NULL, ONCE },
	/* Holds what descriptors that were passed in are bound to, which is for good. */
	{ "IOMMU", iommu_stage, iommu_stage_exit, ONCE },
	{ "event monitor", events_init, events_exit, ONCE },
	{ "event loop", loop_stage, loop_stage_exit, ONCE },
	{ "lifecycle", lifecycle_stage, lifecycle_stage_exit, ONCE },
	/* Early, because its last events are those of the devices; served when the loop runs. */
	{ "control socket", api_init, api_exit, ONCE },
	{ "KVM", kvm_init, kvm_exit, false },
	{ "address space", phys_bits_stage, NULL, false },
	{ "memory", memory_stage, memory_stage_exit, false },
	{ "interrupts", irq_init, irq_exit, false },
	{ "buses", buses_init, buses_exit, false },
	{ "PCI host bridge", host_init, host_exit, false },
	{ "platform", platform_stage, NULL, false },
	{ "event device", ged_stage, NULL, false },
	{ "clock", rtc_stage, rtc_stage_exit, false },
	{ "power registers", pwrctl_stage, NULL, false },
	{ "watchdog", watchdog_stage, watchdog_stage_exit, false },
	{ "signals", signals_init, signals_exit, ONCE },
	{ "virtio console", console_end_stage, console_end_stage_exit, ONCE },
	{ "connections", links_stage, links_stage_exit, ONCE },
	{ "virtio devices", virtio_stage, virtio_stage_exit, false },
	{ "firmware tables", firmware_stage, NULL, false },
	{ "vCPUs", vcpus_init, vcpus_exit, false },
	{ "kernel", boot_stage, NULL, false },
	{ "passthrough", passthrough_stage, passthrough_stage_exit, false },
	{ "power policies", policies_stage, NULL, false },
	{ "serial output", output_stage, output_stage_exit, ONCE },
	{ "serial port", console_stage, console_stage_exit, false },
	{ "start", start_vcpus, stop_vcpus, false },
};

_Static_assert(ARRAY_SIZE(stages) <= MACHINE_MAX_STAGES, "struct machine notes each stage");

/* All that is not there yet. */
static int init_stages(struct machine *m)
{
	m->why[0] = '\0';
	for (unsigned i = 0; i < ARRAY_SIZE(stages); i++) {
		int r;

		if (m->up[i])
			continue;
		m->up[i] = true;
		r = stages[i].init(m);
		if (r < 0 && !m->why[0])
			snprintf(m->why, sizeof(m->why), "%s: %s", stages[i].name, strerror(-r));
		if (r < 0)
			return r;
	}
	return 0;
}

/* @keep_once: the VM comes back. */
static void exit_stages(struct machine *m, bool keep_once)
{
	for (unsigned i = ARRAY_SIZE(stages); i-- > 0;) {
		if (!m->up[i] || (keep_once && stages[i].once))
			continue;
		m->up[i] = false;
		if (stages[i].exit)
			stages[i].exit(m);
	}
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

/* Runs the VM that was built until it ends or resets. */
static enum machine_status run_once(struct machine *m)
{
	int r = loop_run(&m->loop);

	if (r == 0)
		return lifecycle_status(&m->lifecycle);
	log_error("vm", "the event loop failed: %s", strerror(-r));
	return MACHINE_HOST_ERROR;
}

/* Whether the VM shall come back after its end with @status. A reset in answer to a shutdown that
 * the user has asked for is an end. */
static bool wants_again(const struct machine *m, enum machine_status status)
{
	return status == MACHINE_RESET && !m->signals.pressed &&
	       lifecycle_wants_again(&m->lifecycle, m->options->no_reboot);
}

/* Takes the VM apart and builds it again. -ECANCELED: its end was asked for meanwhile. */
static int reboot(struct machine *m)
{
	int r;

	log_info("vm", "reboots");
	event_emit(&m->events, "vm", "rebooting", now_ns(), NULL);
	exit_stages(m, true);
	if (!lifecycle_again(&m->lifecycle))
		return -ECANCELED;
	r = init_stages(m);
	if (r < 0)
		return r;
	event_emit(&m->events, "vm", "rebooted", now_ns(), NULL);
	api_answer(m->api, API_PATH_REBOOT, 204, NULL);
	return 0;
}

static enum machine_status failed(struct machine *m)
{
	log_error("vm", "%s", m->why);
	api_answer(m->api, API_PATH_REBOOT, 500, m->why);
	return m->usage ? MACHINE_USAGE : MACHINE_HOST_ERROR;
}

/* From the first boot to the last. */
static enum machine_status run(struct machine *m)
{
	enum machine_status status;
	int r = init_stages(m);

	if (r < 0)
		return failed(m);
	status = run_once(m);
	while (wants_again(m, status)) {
		r = reboot(m);
		if (r == -ECANCELED)
			status = lifecycle_status(&m->lifecycle);
		else
			status = r < 0 ? failed(m) : run_once(m);
	}
	report_end(m, status);
	return status;
}

enum machine_status machine_run(const struct vm_options *options)
{
	struct machine *m = calloc(1, sizeof(*m));
	enum machine_status status;

	if (!m) {
		log_error("vm", "out of memory");
		return MACHINE_HOST_ERROR;
	}
	m->options = options;
	status = run(m);
	exit_stages(m, false);
	free(m);
	return status;
}
