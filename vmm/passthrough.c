/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Slot by slot: port, devices below it, RAM in the IOMMU, power domain. What each part does is in
 * devices/; this is the order in which they come to life and go.
 */
#include "vmm/passthrough.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "devices/vfio/clique.h"
#include "devices/vfio/host.h"
#include "devices/vfio/left_out.h"
#include "devices/vfio/pme.h"
#include "devices/vfio/preflight.h"
#include "devices/vfio/rom.h"
#include "vmm/bits.h"
#include "vmm/event.h"
#include "vmm/log.h"
#include "vmm/slot_policy.h"

/* --- the slot's registers -----------------------------------------------------------------------
 */

static void slot_command(void *opaque, uint32_t command)
{
	struct passthrough_slot *slot = opaque;

	/* The port itself is virtual: its power is back at once. */
	if (command == CVM_CMD_ON)
		rootport_power_on(&slot->port);
	power_slot_command(slot->power, command);
}

/*
 * A guest puts the port into D3hot before it runs _OFF (drivers/pci/pci.c:
 * pci_set_low_power_state()). What has to leave KVM leaves then, as on a real bridge, and _OFF has
 * less to do; the way to D3cold as a whole is no shorter.
 */
static void port_changed(void *opaque)
{
	struct passthrough_slot *slot = opaque;

	/* Of two vCPUs that write PMCSR the last one to get here sees what both have left. */
	pthread_mutex_lock(&slot->port_lock);
	bool asleep = rootport_asleep(&slot->port);
	for (unsigned i = 0; i < slot->nr; i++)
		vfio_device_follow_port(&slot->devices[i].vfio, asleep);
	pthread_mutex_unlock(&slot->port_lock);
}

static uint32_t slot_status(void *opaque)
{
	return power_slot_status(((struct passthrough_slot *)opaque)->power);
}

static uint32_t slot_hint(void *opaque)
{
	return power_slot_hint(((struct passthrough_slot *)opaque)->power);
}

/* The guest asks which functions it has to notify: from here on it has been told. */
static uint32_t slot_take_wakes(void *opaque)
{
	struct passthrough_slot *slot = opaque;
	uint32_t wakes = power_slot_take_wakes(slot->power);

	for (unsigned i = 0; i < slot->nr; i++)
		pme_tell(&slot->devices[i].vfio, wakes);
	return wakes;
}

static const struct pwrctl_ops slot_ops = {
	.command = slot_command,
	.status = slot_status,
	.hint = slot_hint,
	.take_wakes = slot_take_wakes,
};

static void slot_wake(void *opaque, unsigned index)
{
	struct passthrough *p = opaque;

	(void)index;
	ged_raise(p->env.ged, CVM_GED_WAKE);
}

/* on-failure=stop */
static void slot_failed(void *opaque, unsigned index)
{
	struct passthrough *p = opaque;

	log_error("vm", "%s did not come back, and on-failure=stop is set for it: the VM ends",
		  p->slots[index]->devices[0].vfio.id);
	p->env.stop(p->env.opaque);
}

/* --- what the host signals
 * ------------------------------------------------------------------------ */

static void device_error(struct loop_source *source, int revents)
{
	struct passthrough_device *device = source->opaque;
	eventfd_t count;

	(void)revents;
	if (eventfd_read(source->fd, &count) < 0)
		return;
	event_emit(device->slot->all->env.events, "device", "device-error", now_ns(),
		   json_pack("{s:s}", "id", device->vfio.id));
	log_error(device->vfio.id, "the host reports an uncorrectable PCIe error of the device");
}

/* The descriptors of both sources go with the device, so they leave the loop first. */
static void device_request(struct loop_source *source, int revents)
{
	struct passthrough_device *device = source->opaque;
	struct loop *loop = device->slot->all->env.loop;

	(void)revents;
	loop_del(loop, &device->request);
	loop_del(loop, &device->error);
	power_slot_request(device->slot->power, &device->vfio);
}

static int watch(struct passthrough_device *device, struct loop_source *source, int fd,
		 void (*ready)(struct loop_source *, int))
{
	*source = (struct loop_source){
		.fd = fd,
		.events = POLLIN,
		.ready = ready,
		.opaque = device,
	};
	return fd < 0 ? 0 : loop_add(device->slot->all->env.loop, source);
}

/* --- one device, one slot
 * --------------------------------------------------------------------------- */

/* Said before the guest starts, because later nobody asks why a device stays warm. */
static void report_reach(const struct passthrough_device *device)
{
	struct preflight preflight;
	int r = preflight_report(HOST_SYSFS, device->vfio.bdf, &preflight);

	if (r < 0)
		log_warn(device->vfio.id, "cannot tell which power states the host can reach: %s",
			 strerror(-r));
	else
		preflight_log(&preflight, device->vfio.id);
}

/* Functions that nobody named: functions=all asks for those too that the host still uses, and a
 * group that is not viable would hide which. */
static int check_functions(const struct topology_slot *planned, char *why, size_t why_len)
{
	for (unsigned i = 0; planned->all && i < planned->nr; i++) {
		char reason[VFIO_WHY_SIZE];
		int group;
		int r = host_check_device(HOST_SYSFS, planned->functions[i].bdf, &group, reason,
					  sizeof(reason));

		if (r < 0) {
			snprintf(why, why_len, "functions=all of %s: %s", planned->all, reason);
			return r;
		}
	}
	return 0;
}

/* While nothing but coldvm uses the device, which is on. */
static void offer_pme(struct vfio_device *device, enum device_pme wanted)
{
	static const enum pme_policy policies[] = {
		[DEVICE_PME_OFF] = PME_POLICY_OFF,
		[DEVICE_PME_ON] = PME_POLICY_ON,
		[DEVICE_PME_FORCE] = PME_POLICY_FORCE,
	};
	char text[256];
	bool warn;

	device->pme_support =
		pme_choose(HOST_SYSFS, device->bdf, policies[wanted], &warn, text, sizeof(text));
	if (wanted != DEVICE_PME_OFF)
		log_line(warn ? LOG_WARN : LOG_INFO, device->id, "%s", text);
}

/* A device whose ROM cannot be read is worth having without one; a file was asked for by name. */
static int offer_rom(struct vfio_device *device, const struct topology_function *function,
		     char *why, size_t why_len)
{
	const struct topology_bar *bar = &function->bars[TOPOLOGY_ROM];
	char reason[VFIO_WHY_SIZE / 2];
	int r;

	if (function->rom_file) {
		r = rom_from_file(device, function->rom_file, bar->size, reason, sizeof(reason));
		if (r < 0) {
			snprintf(why, why_len, "--device: %s: %s", device->bdf, reason);
			return r;
		}
	} else if (function->rom_device) {
		r = bar->size ? rom_from_device(device, bar->size) : -ENODATA;
		if (r < 0)
			log_warn(device->id,
				 "rom=device: no ROM image can be read from the device (%s): the "
				 "guest finds none; rom=FILE gives it one",
				 strerror(-r));
	}
	vfio_config_place_rom(device, bar->addr);
	return 0;
}

static int offer_clique(struct vfio_device *device, int clique, char *why, size_t why_len)
{
	int r = clique < 0 ? 0 : clique_add(device, (unsigned)clique);

	if (r == -ENOSPC)
		snprintf(why, why_len,
			 "--device: %s: x_nv_gpudirect_clique=%d: its config space has no room for "
			 "the capability: leave it out",
			 device->bdf, clique);
	else if (r < 0)
		snprintf(why, why_len, "--device: %s: x_nv_gpudirect_clique=%d: %s", device->bdf,
			 clique, strerror(-r));
	return r;
}

static int open_device(struct passthrough_slot *slot, const struct topology_slot *planned,
		       unsigned i, char *why, size_t why_len)
{
	const struct topology_function *function = &planned->functions[i];
	const struct passthrough_env *env = &slot->all->env;
	struct passthrough_device *device = &slot->devices[i];
	const struct vfio_open_args args = {
		.path = function->bdf,
		.id = function->id,
		.memory = env->memory,
		.pio = env->pio,
		.mmio = env->mmio,
		.irqchip = env->irqchip,
		.rom = function->rom_device,
		.has_fd = function->fd >= 0,
		.fd = function->fd,
	};
	int r = vfio_device_open(&device->vfio, &slot->all->container, &args, why, why_len);

	if (r < 0)
		return r;
	device->slot = slot;
	device->error.fd = device->request.fd = -1;
	slot->nr++;
	offer_pme(&device->vfio, function->options->pme);
	r = pci_bus_attach(&slot->port.secondary, &device->vfio.function,
			   PCI_DEVFN_OF(0, function->number));
	if (r == 0)
		r = vfio_config_init(&device->vfio, planned->nr > 1);
	if (r == 0)
		r = vfio_irqs_init(&device->vfio);
	if (r == 0)
		r = vfio_bars_init(&device->vfio);
	if (r < 0) {
		snprintf(why, why_len, "%s: cannot be set up: %s", device->vfio.bdf, strerror(-r));
		return r;
	}
	for (unsigned b = 0; b < VFIO_NR_BARS; b++)
		if (function->bars[b].size)
			vfio_config_place_bar(&device->vfio, b, function->bars[b].addr);
	r = offer_clique(&device->vfio, function->clique, why, why_len);
	return r < 0 ? r : offer_rom(&device->vfio, function, why, why_len);
}

static int start_power(struct passthrough_slot *slot, const struct topology_slot *planned,
		       unsigned index, char *why, size_t why_len)
{
	const struct passthrough_env *env = &slot->all->env;
	struct slot_policy policy;
	int r = slot_policy(planned, HOST_SYSFS, &policy, why, why_len);

	if (r < 0)
		return r;
	const struct power_slot_config config = {
		.index = index,
		.policy = policy.power,
		.backend = policy.backend,
		.blocking_on = env->blocking_on,
		.events = env->events,
		.wake = slot_wake,
		.failed = policy.stop_on_failure ? slot_failed : NULL,
		.opaque = slot->all,
	};
	struct vfio_device *functions[TOPOLOGY_FUNCTIONS];

	for (unsigned i = 0; i < slot->nr; i++)
		functions[i] = &slot->devices[i].vfio;
	r = power_slot_create(&config, functions, slot->nr, &slot->power, why, why_len);
	if (r < 0)
		return r;
	log_info(functions[0]->id, "%s is slot %u of the guest", functions[0]->bdf, index);
	return pwrctl_set_bank(env->pwrctl, index, &slot_ops, slot);
}

static int init_slot(struct passthrough *p, const struct topology_slot *planned, unsigned index,
		     char *why, size_t why_len)
{
	struct passthrough_slot *slot = calloc(1, sizeof(*slot));
	int r;

	if (!slot)
		return -ENOMEM;
	p->slots[p->nr++] = slot;
	slot->all = p;
	pthread_mutex_init(&slot->port_lock, NULL);
	r = rootport_init_at(&slot->port, p->roots[planned->bridge], index, planned->port_dev,
			     planned->bus);
	if (r < 0)
		return r;
	slot->port_ready = true;
	slot->port.power_changed = port_changed;
	slot->port.opaque = slot;
	rootport_set_windows(&slot->port, &planned->windows);
	r = check_functions(planned, why, why_len);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < planned->nr; i++) {
		r = open_device(slot, planned, i, why, why_len);
		if (r < 0)
			return r;
	}
	r = start_power(slot, planned, index, why, why_len);
	for (unsigned i = 0; r == 0 && i < slot->nr; i++) {
		struct passthrough_device *device = &slot->devices[i];

		r = watch(device, &device->error, device->vfio.irqs.err_fd, device_error);
		if (r == 0)
			r = watch(device, &device->request, device->vfio.irqs.req_fd,
				  device_request);
		if (planned->power == DEVICE_POWER_D3COLD)
			report_reach(device);
	}
	if (r == 0)
		left_out_log(HOST_SYSFS, planned->host, planned->left_out,
			     slot->devices[0].vfio.id);
	return r;
}

/* The parts that a slot is made of know no options, and some do. */
static void name_option(char *why, size_t why_len)
{
	static const char option[] = "--device: ";
	size_t len = sizeof(option) - 1;

	if (!strncmp(why, "--", 2))
		return;
	memmove(why + len, why, min_u64(strlen(why) + 1, why_len - len));
	memcpy(why, option, len);
	why[why_len - 1] = '\0';
}

static int add_roots(struct passthrough *p, const struct topology *topology)
{
	p->roots[0] = &p->env.host->root;
	for (unsigned b = 1; b < topology->nr_bridges; b++) {
		p->roots[b] = pci_host_add_root(p->env.host, topology->bridges[b].bus);
		if (!p->roots[b])
			return -ENOSPC;
	}
	return 0;
}

int passthrough_init(struct passthrough *p, const struct passthrough_env *env,
		     const struct topology *topology, char *why, size_t why_len)
{
	int r;

	memset(p, 0, sizeof(*p));
	p->env = *env;
	vfio_container_init(&p->container, env->memory, env->iommufd);
	p->container.no_p2p = !env->p2p_dma;
	vfio_bars_set_windows(&p->container, &topology->windows);
	r = add_roots(p, topology);
	if (r < 0)
		return r;
	for (unsigned s = 0; s < topology->nr; s++) {
		why[0] = '\0';
		r = init_slot(p, &topology->slots[s], s, why, why_len);
		if (r < 0) {
			if (!why[0])
				snprintf(why, why_len, "%s: %s", topology->slots[s].host,
					 strerror(-r));
			name_option(why, why_len);
			return r;
		}
	}
	return topology->nr ? vfio_container_map_ram(&p->container, why, why_len) : 0;
}

static void exit_slot(struct passthrough *p, struct passthrough_slot *slot)
{
	power_slot_destroy(slot->power);
	for (unsigned i = slot->nr; i-- > 0;) {
		struct passthrough_device *device = &slot->devices[i];

		loop_del(p->env.loop, &device->error);
		loop_del(p->env.loop, &device->request);
		vfio_device_close(&device->vfio);
	}
	if (slot->port_ready)
		rootport_exit(&slot->port);
	pthread_mutex_destroy(&slot->port_lock);
	free(slot);
}

void passthrough_exit(struct passthrough *p)
{
	while (p->nr)
		exit_slot(p, p->slots[--p->nr]);
	vfio_container_exit(&p->container);
}

bool passthrough_fault(struct passthrough *p)
{
	bool changed = false;

	for (unsigned s = 0; s < p->nr; s++)
		for (unsigned i = 0; i < p->slots[s]->nr; i++)
			changed |= vfio_bars_demote(&p->slots[s]->devices[i].vfio);
	return changed;
}
