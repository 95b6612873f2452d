/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * THE power sequence of a slot. Nobody else knows the order.
 *
 *   guest _OFF -> power_slot_command()      seal every function, wake the worker, return
 *      worker:    enter()
 *                   seal first              any access to the descriptor resumes the device
 *                                           (vfio_pci_core.c: vfio_pci_rw, vfio_main.c: ioctl)
 *                   take the BARs away      a vCPU in a zapped BAR makes KVM_RUN fail, and an
 *                                           IOMMU map of it would let peers hit a dead device
 *                   drain the wake eventfd  an old count would look like a wake
 *                   entry, last function first
 *                 D3cold?                   the driver's verdict where it gives one; else
 *                 observe()                 sysfs power_state until D3cold or the deadline
 *   guest _ON  -> power_slot_command()      mark busy, wake the worker, return; the AML polls
 *      worker:    leave()
 *                   exit, function 0 first  the others hang on it (quirks.c, device links)
 *                   prove life              by the driver's verdict; without one the ioctl
 *                                           returns 0 for a dead device too
 *                   drain the eventfds      each exit signals its own
 *                   PMCSR to D0, BARs back, unseal
 *
 * Each slot has a worker of its own: an exit takes 100 ms and more, a dead device a minute, and
 * no other slot may wait for that. Two states that are never one: `ask`, what the guest wants,
 * and `phase` with the host's power_state, what was done and observed.
 *
 * The slot's lock is held for a moment only, never over a call to the host. It may be taken
 * before device->lock, never after it.
 */
#include "devices/vfio/power.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "acpi/abi.h"
#include "devices/vfio/power_d3hot.h"
#include "devices/vfio/power_events.h"
#include "devices/vfio/power_host.h"
#include "devices/vfio/power_slot.h"
#include "devices/vfio/power_verdict.h"
#include "vmm/bits.h"
#include "vmm/log.h"

#define MS(n) ((uint64_t)(n)*1000000u)

/* D3cold comes 14 to 90 ms after the entry or never; after this we report what was reached. */
#define OBSERVE_NS	MS(1000)
#define OBSERVE_FAST_NS MS(200)
/* Nothing in sysfs can be polled for power_state, so it is read: 1 us each, every so often. */
#define OBSERVE_FAST_STEP_MS 2
#define OBSERVE_SLOW_STEP_MS 20

#define EXIT_ATTEMPTS 3

/* The AML sleeps this much less than the last exit took, so that it is not late itself: one
 * timer tick of a guest with HZ=250 and the tick that msleep() adds. */
#define HINT_MARGIN_MS 8
#define HINT_MAX_MS    2000

enum power_backend power_slot_backend(const struct power_slot *slot)
{
	return slot->backend;
}

/* --- the slot as a whole ------------------------------------------------------------ */

static bool slot_gone(const struct power_slot *slot)
{
	for (unsigned i = 0; i < slot->nr; i++)
		if (!slot->functions[i]->gone)
			return false;
	return true;
}

/* How many functions the host has not taken back, and how many of these are in low power as far as
 * we were told. */
static unsigned count_functions(const struct power_slot *slot, unsigned *ret_engaged)
{
	unsigned nr = 0;

	*ret_engaged = 0;
	for (unsigned i = 0; i < slot->nr; i++) {
		if (slot->functions[i]->gone)
			continue;
		nr++;
		*ret_engaged += slot->engaged[i];
	}
	return nr;
}

static void drain(int fd)
{
	eventfd_t count;

	while (eventfd_read(fd, &count) == 0)
		;
}

static void drain_wakes(struct power_slot *slot)
{
	for (unsigned i = 0; i < slot->nr; i++)
		drain(slot->wake_fds[i]);
}

static void kick(struct power_slot *slot)
{
	eventfd_write(slot->kick_fd, 1);
}

/* --- states --------------------------------------------------------------------------------- */

/* What the worker goes by, of one moment. */
struct worker_view {
	enum power_ask ask;
	unsigned command;
	uint64_t asked_ns;
	enum power_phase phase;
	bool settled, stop, requests;
};

static struct worker_view look(struct power_slot *slot)
{
	pthread_mutex_lock(&slot->lock);
	struct worker_view view = {
		.ask = slot->ask,
		.command = slot->command,
		.asked_ns = slot->asked_ns,
		.phase = slot->phase,
		.settled = slot->settled,
		.stop = slot->stop,
		.requests = slot->requests != 0,
	};
	pthread_mutex_unlock(&slot->lock);
	return view;
}

static void set_phase(struct power_slot *slot, enum power_phase phase)
{
	pthread_mutex_lock(&slot->lock);
	slot->phase = phase;
	pthread_mutex_unlock(&slot->lock);
}

/* The worker has brought the slot to @phase for command number @command. If the guest has changed
 * its mind since, and be it to come back to the same, the slot stays busy and the worker goes on:
 * what was shown may be sealed again. True if it is settled. */
static bool settle(struct power_slot *slot, unsigned command, enum power_phase phase)
{
	pthread_mutex_lock(&slot->lock);
	bool settled = slot->command == command;
	slot->phase = phase;
	if (settled) {
		slot->settled = true;
		pthread_cond_broadcast(&slot->changed);
	}
	pthread_mutex_unlock(&slot->lock);
	return settled;
}

/* --- down ----------------------------------------------------------------------------------- */

static void take_away(struct power_slot *slot)
{
	for (unsigned i = 0; i < slot->nr; i++) {
		struct vfio_device *device = slot->functions[i];

		if (device->gone)
			continue;
		vfio_device_seal(device);
		pthread_mutex_lock(&device->lock);
		vfio_bars_hide(device);
		pthread_mutex_unlock(&device->lock);
	}
}

/*
 * Shows the slot to the guest for command number @command; stops when that is not the last one any
 * more. The slot's lock is handed over to the device's: an _OFF that comes now seals the device
 * after it was shown, not before. True if all of it is shown.
 */
static bool give_back(struct power_slot *slot, unsigned command)
{
	for (unsigned i = 0; i < slot->nr; i++) {
		struct vfio_device *device = slot->functions[i];

		pthread_mutex_lock(&slot->lock);
		if (slot->command != command) {
			pthread_mutex_unlock(&slot->lock);
			return false;
		}
		slot->d3hot_forwarded[i] = false;
		slot->d3hot_due[i] = 0;
		pthread_mutex_lock(&device->lock);
		pthread_mutex_unlock(&slot->lock);
		if (!device->gone) {
			vfio_config_pmcsr_d0(device);
			vfio_device_unseal(device);
		}
		pthread_mutex_unlock(&device->lock);
	}
	return true;
}

/* A wake makes the observation void (the worker's loop handles it); a kick does if there is
 * something else to do. */
static bool observation_ends(struct power_slot *slot, const struct pollfd *fds)
{
	for (unsigned i = 0; i < slot->nr; i++)
		if (fds[1 + i].revents)
			return true;
	drain(slot->kick_fd);
	struct worker_view v = look(slot);

	return !v.settled || v.stop || v.requests;
}

/* When the first and the last entry of a round were made, and why it is not deeper yet, if known.
 */
struct entry_round {
	uint64_t started, issued;
	char why[128];
};

/* Watches how deep the host gets. Ends early when the guest or the host wants something. */
static void observe(struct power_slot *slot, const struct entry_round *round)
{
	struct pollfd fds[1 + POWER_MAX_FUNCTIONS] = { { .fd = slot->kick_fd, .events = POLLIN } };

	for (unsigned i = 0; i < slot->nr; i++)
		fds[1 + i] = (struct pollfd){ .fd = slot->wake_fds[i], .events = POLLIN };
	for (;;) {
		uint64_t now = now_ns();
		struct power_depth depth;

		power_read_depth(slot, &depth);
		if (depth.device == HOST_POWER_D3COLD) {
			power_event_depth(slot, "power-d3cold", now, now - round->started, &depth);
			return;
		}
		if (now - round->issued >= OBSERVE_NS) {
			power_event_depth(slot, "power-deadline", now, now - round->started,
					  &depth);
			log_warn(slot->functions[0]->id,
				 "D3cold was not reached within %u ms: device %s, port %s%s%s",
				 (unsigned)(OBSERVE_NS / 1000000), power_state_name(depth.device),
				 power_state_name(depth.port), round->why[0] ? "; " : "",
				 round->why);
			return;
		}
		int step = now - round->issued < OBSERVE_FAST_NS ? OBSERVE_FAST_STEP_MS
								 : OBSERVE_SLOW_STEP_MS;
		if (poll(fds, 1 + slot->nr, step) > 0 && observation_ends(slot, fds))
			return;
	}
}

/* Says how deep the slot got: at once if the driver has said it or there is nothing to wait for. */
static void find_depth(struct power_slot *slot, const struct power_call *calls,
		       struct entry_round *round, bool failed)
{
	struct power_depth depth;

	if (failed ||
	    (slot->backend != POWER_BACKEND_EXPLICIT && slot->backend != POWER_BACKEND_LOWPOWER)) {
		power_read_depth(slot, &depth);
		power_event_depth(slot, "power-reached", now_ns(), now_ns() - round->started,
				  &depth);
		return;
	}
	if (slot->backend == POWER_BACKEND_EXPLICIT) {
		if (power_verdict_cold(slot, calls, &depth, round->why, sizeof(round->why))) {
			power_event_depth(slot, "power-d3cold", round->issued,
					  round->issued - round->started, &depth);
			return;
		}
		log_info(slot->functions[0]->id, "no D3cold yet: device %s, port %s; %s",
			 power_state_name(depth.device), power_state_name(depth.port), round->why);
	}
	observe(slot, round);
}

/* False if the host refuses. */
static bool enter_function(struct power_slot *slot, unsigned i, struct power_call *call)
{
	struct vfio_device *device = slot->functions[i];

	if (device->gone)
		call->rc = -ENODEV;
	/* A second entry would be refused (-EINVAL, -EBUSY). */
	if (device->gone || slot->engaged[i])
		return true;
	drain(slot->wake_fds[i]);
	power_host_enter(device, slot->backend, slot->wake_fds[i], call);
	slot->engaged[i] = call->rc == 0;
	if (call->rc < 0)
		log_warn(device->id, "the host refused low power (%s): the device stays powered",
			 strerror(-call->rc));
	return call->rc == 0;
}

static void enter(struct power_slot *slot, unsigned command)
{
	struct power_call calls[POWER_MAX_FUNCTIONS] = { 0 };
	struct entry_round round = { 0 };
	unsigned engaged, nr = count_functions(slot, &engaged);
	struct worker_view now;
	bool failed = false;

	if (!nr) {
		settle(slot, command, POWER_COLD);
		return;
	}
	/* _ON and _OFF in a row: nothing has to be done, unless the host woke a function. */
	if (engaged == nr) {
		power_event_plain(slot, "power-exit-cancelled", NULL, now_ns());
		settle(slot, command, POWER_COLD);
		return;
	}
	set_phase(slot, POWER_ENTERING);
	take_away(slot);
	now = look(slot);
	if (now.ask == POWER_ASK_ON && !engaged) {
		give_back(slot, now.command);
		power_event_plain(slot, "power-entry-cancelled", NULL, now_ns());
		settle(slot, now.command, POWER_ON);
		return;
	}

	round.started = now_ns();
	for (unsigned i = slot->nr; i-- > 0;)
		failed |= !enter_function(slot, i, &calls[i]);
	round.issued = now_ns();
	/* The guest's view does not depend on the host's luck: its device is off either way, and
	 * what the host did is in the event. */
	settle(slot, command, POWER_COLD);
	power_event_calls(slot, "power-entry-issued", round.issued, round.issued - round.started,
			  calls);
	find_depth(slot, calls, &round, failed);
}

/* --- up ------------------------------------------------------------------------------------- */

static void leave_function(struct power_slot *slot, unsigned i, struct power_call *call)
{
	struct vfio_device *device = slot->functions[i];

	if (device->gone) {
		call->rc = -ENODEV;
		return;
	}
	power_host_leave(device, slot->backend, call);
	slot->engaged[i] = power_host_still_engaged(slot->backend, call);
}

/* One try. True if every function that the host has not taken back is alive. */
static bool try_exit(struct power_slot *slot, unsigned attempt)
{
	struct power_call calls[POWER_MAX_FUNCTIONS] = { 0 };
	uint64_t started = now_ns(), returned;
	bool alive = true;

	for (unsigned i = 0; i < slot->nr; i++)
		leave_function(slot, i, &calls[i]);
	returned = now_ns();
	slot->last_exit_ns = returned - started;
	power_event_calls(slot, "power-exit-returned", returned, returned - started, calls);
	if (slot->backend == POWER_BACKEND_EXPLICIT)
		power_verdict_agrees(slot, calls);

	for (unsigned i = 0; i < slot->nr; i++) {
		struct vfio_device *device = slot->functions[i];

		if (device->gone || power_host_alive(device, slot->backend, &calls[i]))
			continue;
		/* From the second try on the device gets a reset too: it may be up but wedged. */
		alive &= attempt > 0 && power_host_revive(device, slot->backend);
	}
	return alive;
}

static void set_hint(struct power_slot *slot)
{
	uint64_t ms = slot->last_exit_ns / 1000000;

	pthread_mutex_lock(&slot->lock);
	slot->hint_ms =
		ms <= HINT_MARGIN_MS ? 0 : (uint32_t)min_u64(ms - HINT_MARGIN_MS, HINT_MAX_MS);
	pthread_mutex_unlock(&slot->lock);
}

static void leave_failed(struct power_slot *slot, const struct worker_view *asked,
			 const char *event, const char *what)
{
	struct power_depth depth;

	power_read_depth(slot, &depth);
	settle(slot, asked->command, POWER_FAILED);
	power_event_depth(slot, event, now_ns(), now_ns() - asked->asked_ns, &depth);
	log_error(slot->functions[0]->id, "%s (device %s, port %s)", what,
		  power_state_name(depth.device), power_state_name(depth.port));
}

static void leave(struct power_slot *slot, const struct worker_view *asked)
{
	uint64_t bound = slot->config.bound_ns ? slot->config.bound_ns : MS(CVM_ON_BOUND_MS);
	bool alive = false;

	set_phase(slot, POWER_EXITING);
	/* Only after commands in a row is anything shown here. */
	take_away(slot);
	for (unsigned attempt = 0; !alive && attempt < EXIT_ATTEMPTS; attempt++) {
		if (slot_gone(slot) ||
		    (attempt && (look(slot).requests || now_ns() - asked->asked_ns > bound)))
			break;
		alive = try_exit(slot, attempt);
	}
	drain_wakes(slot);

	if (!alive) {
		leave_failed(slot, asked, "power-failed",
			     "the device did not come back; "
			     "the guest sees an empty slot");
		return;
	}
	if (now_ns() - asked->asked_ns > bound) {
		leave_failed(slot, asked, "power-late",
			     "the device came back after the guest had given up; "
			     "it stays sealed until the guest's next _ON");
		return;
	}
	set_hint(slot);
	/* When _OFF has returned the device stays off for the guest; the worker's next step takes
	 * back what it was shown if _OFF came while it was shown. */
	if (give_back(slot, asked->command) && settle(slot, asked->command, POWER_ON)) {
		power_event_alive(slot, now_ns(), now_ns() - asked->asked_ns);
		return;
	}
	power_event_plain(slot, "power-exit-cancelled", NULL, now_ns());
}

/* --- what else the worker is told ------------------------------------------------------------ */

/* Signals outside of COLD are our own doing and are drained before COLD is entered again. */
static void handle_wake(struct power_slot *slot, unsigned i)
{
	drain(slot->wake_fds[i]);
	/* The driver has left low power by itself (linux/vfio.h: LOW_POWER_ENTRY_WITH_WAKEUP). */
	slot->engaged[i] = false;
	power_event_wake(slot, slot->functions[i], now_ns());
	pthread_mutex_lock(&slot->lock);
	slot->wakes |= 1u << PCI_FN_OF(slot->functions[i]->function.devfn);
	pthread_mutex_unlock(&slot->lock);
	slot->config.wake(slot->config.opaque, slot->config.index);
}

/* The host wants the device back: no access of the guest may be left when the descriptor goes. */
static void handle_request(struct power_slot *slot)
{
	for (unsigned i = 0; i < slot->nr; i++) {
		struct vfio_device *device = slot->functions[i];
		bool wanted;

		pthread_mutex_lock(&slot->lock);
		wanted = slot->requests & (1u << i);
		slot->requests &= ~(1u << i);
		pthread_mutex_unlock(&slot->lock);
		if (!wanted || device->gone)
			continue;
		log_warn(device->id, "the host asks for the device back: giving it up");
		vfio_device_seal(device);
		vfio_device_close(device);
		power_event_plain(slot, "device-released", device, now_ns());
	}
	if (slot_gone(slot)) {
		power_notes_gone(&slot->notes);
		pthread_mutex_lock(&slot->lock);
		slot->phase = POWER_FAILED;
		slot->settled = true;
		pthread_cond_broadcast(&slot->changed);
		pthread_mutex_unlock(&slot->lock);
	}
}

/* Sleeps until the guest, the host or a timer wants something; handles wakes. */
static void wait_for_work(struct power_slot *slot, enum power_phase phase)
{
	struct pollfd fds[1 + POWER_MAX_FUNCTIONS] = { { .fd = slot->kick_fd, .events = POLLIN } };
	int timeout = phase == POWER_ON ? power_d3hot_forward(slot) : -1;

	for (unsigned i = 0; i < slot->nr; i++) {
		/* poll(2) skips negative descriptors: wakes count in COLD alone. */
		int fd = phase == POWER_COLD ? slot->wake_fds[i] : -1;

		fds[1 + i] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	if (poll(fds, 1 + slot->nr, timeout) <= 0)
		return;
	if (fds[0].revents)
		drain(slot->kick_fd);
	for (unsigned i = 0; i < slot->nr; i++)
		if (fds[1 + i].revents & POLLIN)
			handle_wake(slot, i);
}

static void *worker(void *opaque)
{
	struct power_slot *slot = opaque;

	for (;;) {
		struct worker_view v = look(slot);

		if (v.requests)
			handle_request(slot);
		else if (!v.settled && v.ask == POWER_ASK_OFF)
			enter(slot, v.command);
		else if (!v.settled && v.ask == POWER_ASK_ON)
			leave(slot, &v);
		else if (v.stop)
			return NULL;
		else
			wait_for_work(slot, v.phase);
	}
}

/* --- the guest's side --------------------------------------------------------------------------
 */

/* Lock held. What a new ask means in the phase it meets: nothing if the slot is there already. */
static bool ask_is_new(const struct power_slot *slot, enum power_ask ask)
{
	if (slot->ask != ask)
		return true;
	/* _ON once more after a failure is another try; everything else is a repetition. */
	return ask == POWER_ASK_ON && slot->phase == POWER_FAILED && slot->settled;
}

/* Lock held. */
static void set_ask(struct power_slot *slot, enum power_ask ask)
{
	slot->ask = ask;
	slot->command++;
	slot->settled = false;
	slot->asked_ns = now_ns();
}

static void command_off(struct power_slot *slot)
{
	pthread_mutex_lock(&slot->lock);
	if (ask_is_new(slot, POWER_ASK_OFF)) {
		set_ask(slot, POWER_ASK_OFF);
		for (unsigned i = 0; i < slot->nr; i++)
			slot->d3hot_due[i] = 0;
		power_event_plain(slot, "power-off-asked", NULL, slot->asked_ns);
		/* Here and not in the worker: when _OFF returns the device is off for the guest. */
		for (unsigned i = 0; i < slot->nr; i++)
			vfio_device_seal(slot->functions[i]);
		kick(slot);
	}
	pthread_mutex_unlock(&slot->lock);
}

static void command_on(struct power_slot *slot)
{
	pthread_mutex_lock(&slot->lock);
	if (ask_is_new(slot, POWER_ASK_ON)) {
		set_ask(slot, POWER_ASK_ON);
		power_event_plain(slot, "power-on-asked", NULL, slot->asked_ns);
		kick(slot);
	}
	while (slot->config.blocking_on && !slot->settled)
		pthread_cond_wait(&slot->changed, &slot->lock);
	pthread_mutex_unlock(&slot->lock);
}

void power_slot_command(struct power_slot *slot, uint32_t command)
{
	if (command == CVM_CMD_OFF)
		command_off(slot);
	else if (command == CVM_CMD_ON)
		command_on(slot);
}

uint32_t power_slot_status(struct power_slot *slot)
{
	uint32_t status = 0;

	pthread_mutex_lock(&slot->lock);
	/* On until the entry is issued; off until life is proven. */
	if (slot->phase == POWER_ON || slot->phase == POWER_ENTERING)
		status |= CVM_STS_ON;
	if (!slot->settled)
		status |= CVM_STS_BUSY;
	if (slot->phase == POWER_FAILED)
		status |= CVM_STS_FAILED;
	pthread_mutex_unlock(&slot->lock);
	return status;
}

uint32_t power_slot_hint(struct power_slot *slot)
{
	pthread_mutex_lock(&slot->lock);
	uint32_t hint = slot->hint_ms;
	pthread_mutex_unlock(&slot->lock);
	return hint;
}

uint32_t power_slot_take_wakes(struct power_slot *slot)
{
	pthread_mutex_lock(&slot->lock);
	uint32_t wakes = slot->wakes;
	slot->wakes = 0;
	pthread_mutex_unlock(&slot->lock);
	return wakes;
}

unsigned power_slot_index(const struct power_slot *slot, const struct vfio_device *device)
{
	for (unsigned i = 0; i < slot->nr; i++)
		if (slot->functions[i] == device)
			return i;
	return 0;
}

void power_slot_request(struct power_slot *slot, struct vfio_device *device)
{
	power_event_plain(slot, "device-request", device, now_ns());
	pthread_mutex_lock(&slot->lock);
	slot->requests |= 1u << power_slot_index(slot, device);
	pthread_mutex_unlock(&slot->lock);
	kick(slot);
}

/* --- life of a slot ------------------------------------------------------------------------------
 */

static void free_slot(struct power_slot *slot)
{
	for (unsigned i = 0; i < slot->nr; i++)
		close_fd(&slot->wake_fds[i]);
	close_fd(&slot->kick_fd);
	power_notes_exit(&slot->notes);
	pthread_cond_destroy(&slot->changed);
	pthread_mutex_destroy(&slot->lock);
	free(slot);
}

int power_slot_create(const struct power_slot_config *config, struct vfio_device *const *functions,
		      unsigned nr, struct power_slot **ret_slot, char *why, size_t why_len)
{
	struct power_slot *slot;
	char name[16], reason[512];
	int r;

	if (nr == 0 || nr > POWER_MAX_FUNCTIONS)
		return -EINVAL;
	slot = calloc(1, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	slot->config = *config;
	slot->settled = true;
	slot->nr = nr;
	pthread_mutex_init(&slot->lock, NULL);
	pthread_cond_init(&slot->changed, NULL);
	power_notes_init(&slot->notes);
	for (unsigned i = 0; i < nr; i++)
		slot->wake_fds[i] = -1;
	slot->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = -errno;
	if (slot->kick_fd < 0)
		goto free_slot;
	for (unsigned i = 0; i < nr; i++) {
		slot->functions[i] = functions[i];
		slot->wake_fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		r = -errno;
		if (slot->wake_fds[i] < 0)
			goto free_slot;
	}
	r = power_host_choose(functions, nr, config->policy, config->backend, &slot->backend,
			      reason, sizeof(reason));
	if (r < 0) {
		snprintf(why, why_len, "%s", reason);
		goto free_slot;
	}
	log_info(functions[0]->id, "power back end %s: %s", power_backend_name(slot->backend),
		 reason);
	r = -pthread_create(&slot->thread, NULL, worker, slot);
	if (r < 0)
		goto free_slot;
	snprintf(name, sizeof(name), "power%u", config->index);
	pthread_setname_np(slot->thread, name);
	for (unsigned i = 0; i < nr; i++)
		functions[i]->slot = slot;
	*ret_slot = slot;
	return 0;

free_slot:
	free_slot(slot);
	return r;
}

void power_slot_destroy(struct power_slot *slot)
{
	if (!slot)
		return;
	pthread_mutex_lock(&slot->lock);
	if (slot->ask == POWER_ASK_OFF)
		set_ask(slot, POWER_ASK_ON);
	slot->stop = true;
	pthread_mutex_unlock(&slot->lock);
	kick(slot);
	pthread_join(slot->thread, NULL);
	power_verdict_log_counters(slot);
	for (unsigned i = 0; i < slot->nr; i++)
		slot->functions[i]->slot = NULL;
	free_slot(slot);
}
