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
 *                 power_observe()           D3cold? The driver's verdict where it gives one; else
 *                                           sysfs power_state until D3cold or the deadline
 *                 enter_again()             after a wake that the guest is not told of, and when
 *                                           min_off_ms, which holds an entry back, is over
 *   guest _ON  -> power_slot_command()      mark busy, wake the worker, return; the AML polls
 *      worker:    leave()
 *                   exit, function 0 first  the others hang on it (quirks.c, device links)
 *                   prove life              by the driver's verdict; without one the ioctl
 *                                           returns 0 for a dead device too
 *                   power_revive()          if it is not there: exit again, resets, D3cold
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
#include <limits.h>
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
#include "devices/vfio/power_observe.h"
#include "devices/vfio/power_policy.h"
#include "devices/vfio/power_revive.h"
#include "devices/vfio/power_round.h"
#include "devices/vfio/power_slot.h"
#include "devices/vfio/power_verdict.h"
#include "devices/vfio/power_wake.h"
#include "vmm/bits.h"
#include "vmm/log.h"

#define MS(n) ((uint64_t)(n)*1000000u)

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

unsigned power_slot_count(const struct power_slot *slot, unsigned *ret_engaged)
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

static void drain_kicks(struct power_slot *slot)
{
	eventfd_t count;

	(void)eventfd_read(slot->kick_fd, &count);
}

void power_slot_kick(struct power_slot *slot)
{
	eventfd_write(slot->kick_fd, 1);
}

/* --- states --------------------------------------------------------------------------------- */

struct power_view power_slot_look(struct power_slot *slot)
{
	pthread_mutex_lock(&slot->lock);
	struct power_view view = {
		.ask = slot->ask,
		.command = slot->command,
		.asked_ns = slot->asked_ns,
		.phase = slot->phase,
		.settled = slot->settled,
		.stop = slot->stop,
		.requests = slot->requests != 0,
		.repolicy = slot->repolicy,
		.policy = slot->policy,
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

/* One round of entries, and how deep they lead. For a command, settles it as soon as they are
 * made. */
static void ask_host(struct power_slot *slot, const unsigned *command)
{
	struct power_call calls[POWER_MAX_FUNCTIONS] = { 0 };
	struct power_entry_round round = { .started = now_ns() };
	bool failed = !power_round_enter(slot, calls);

	slot->held_back = false;
	slot->enter_ns = 0;
	round.issued = now_ns();
	/* The guest's view does not depend on the host's luck: its device is off either way, and
	 * what the host did is in the event. */
	if (command)
		settle(slot, *command, POWER_COLD);
	power_event_calls(slot, "power-entry-issued", round.issued, round.issued - round.started,
			  calls);
	power_observe(slot, calls, &round, failed);
}

/* The guest wants a slot back for command number @command whose host was not asked for anything. */
static void cancel_entry(struct power_slot *slot, unsigned command)
{
	slot->held_back = false;
	slot->enter_ns = 0;
	power_d3hot_undo(slot);
	give_back(slot, command);
	power_event_plain(slot, "power-entry-cancelled", NULL, now_ns());
	settle(slot, command, POWER_ON);
}

static void enter(struct power_slot *slot, unsigned command)
{
	unsigned engaged, nr = power_slot_count(slot, &engaged);
	struct power_view now;
	uint64_t earliest;

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
	now = power_slot_look(slot);
	if (now.ask == POWER_ASK_ON && !engaged) {
		cancel_entry(slot, now.command);
		return;
	}
	earliest = power_policy_earliest(slot, now.policy.min_off_ms);
	if (!engaged && now.policy.min_off_ms && earliest > now_ns()) {
		/* Off for the guest, and the host hears of it later. */
		slot->held_back = true;
		slot->enter_ns = earliest;
		settle(slot, command, POWER_COLD);
		power_event_held_back(slot, now_ns(), earliest);
		return;
	}
	ask_host(slot, &command);
}

/* What a wake that was not told, or min_off_ms, has put off is due. */
static void enter_again(struct power_slot *slot)
{
	unsigned engaged, nr = power_slot_count(slot, &engaged);

	/* The moment was chosen so that there is one left, whatever the limit says now. */
	if (!slot->held_back)
		power_budget_take(&slot->reentered, 0, now_ns());
	slot->enter_ns = 0;
	if (engaged < nr)
		ask_host(slot, NULL);
}

/* --- up ------------------------------------------------------------------------------------- */

static void set_hint(struct power_slot *slot)
{
	uint64_t ms = slot->last_exit_ns / 1000000;

	pthread_mutex_lock(&slot->lock);
	slot->hint_ms =
		ms <= HINT_MARGIN_MS ? 0 : (uint32_t)min_u64(ms - HINT_MARGIN_MS, HINT_MAX_MS);
	pthread_mutex_unlock(&slot->lock);
}

static void leave_failed(struct power_slot *slot, const struct power_view *asked, const char *event,
			 const char *what)
{
	struct power_depth depth;

	settle(slot, asked->command, POWER_FAILED);
	/* The end of a slot that the host has taken back is no failure. */
	if (asked->stop && slot_gone(slot))
		return;
	power_read_depth(slot, &depth);
	power_event_failed(slot, event, now_ns(), now_ns() - asked->asked_ns, &depth);
	power_notes_log(&slot->notes, LOG_ERROR, slot->functions[0]->id, "%s (device %s, port %s)",
			what, power_state_name(depth.device), power_state_name(depth.port));
	if (slot->config.failed && !slot_gone(slot) && !asked->stop)
		slot->config.failed(slot->config.opaque, slot->config.index);
}

/* All that there is to bring the slot back. */
static bool bring_back(struct power_slot *slot, const struct power_view *asked, uint64_t until)
{
	struct power_call calls[POWER_MAX_FUNCTIONS] = { 0 };

	if (slot_gone(slot))
		return false;
	slot->tried[slot->nr_tried++] = "exit";
	if (power_round_leave(slot, calls))
		return true;
	if (!power_revive(slot, until))
		return false;
	power_event_recovered(slot, now_ns(), now_ns() - asked->asked_ns);
	power_notes_log(&slot->notes, LOG_WARN, slot->functions[0]->id,
			"the device came back by another way than its exit: %s",
			slot->tried[slot->nr_tried - 1]);
	return true;
}

static void leave(struct power_slot *slot, const struct power_view *asked)
{
	uint64_t bound = slot->config.bound_ns ? slot->config.bound_ns : MS(CVM_ON_BOUND_MS);
	bool alive;

	if (slot->held_back) {
		cancel_entry(slot, asked->command);
		return;
	}
	set_phase(slot, POWER_EXITING);
	/* Only after commands in a row is anything shown here. */
	take_away(slot);
	slot->enter_ns = 0;
	slot->nr_tried = 0;
	alive = bring_back(slot, asked, asked->asked_ns + bound);
	power_round_drain(slot);

	if (!alive) {
		leave_failed(slot, asked, "power-failed",
			     "the device did not come back; "
			     "the guest sees an empty slot");
		return;
	}
	slot->back_ns = now_ns();
	memset(slot->saved, 0, sizeof(slot->saved));
	if (slot->back_ns - asked->asked_ns > bound) {
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
		vfio_device_give_back(device);
		power_event_plain(slot, "device-released", device, now_ns());
	}
	if (slot_gone(slot)) {
		power_notes_gone(&slot->notes);
		pthread_mutex_lock(&slot->lock);
		slot->given_back = true;
		slot->phase = POWER_FAILED;
		slot->settled = true;
		pthread_cond_broadcast(&slot->changed);
		pthread_mutex_unlock(&slot->lock);
	}
}

/* Milliseconds until @ns, rounded up; -1 if that is 0, for never. */
static int until_ms(uint64_t ns)
{
	uint64_t now = now_ns();

	if (!ns)
		return -1;
	return ns <= now ? 0 : (int)min_u64((ns - now + 999999) / 1000000, INT_MAX);
}

/* Sleeps until the guest, the host or a timer wants something; handles wakes. */
static void wait_for_work(struct power_slot *slot, const struct power_view *v)
{
	struct pollfd fds[1 + POWER_MAX_FUNCTIONS] = { { .fd = slot->kick_fd, .events = POLLIN } };
	int timeout = -1;

	if (v->phase == POWER_ON)
		timeout = power_d3hot_forward(slot);
	else if (v->phase == POWER_COLD)
		timeout = until_ms(slot->enter_ns);
	for (unsigned i = 0; i < slot->nr; i++) {
		/* poll(2) skips negative descriptors: wakes count in COLD alone. */
		int fd = v->phase == POWER_COLD ? slot->wake_fds[i] : -1;

		fds[1 + i] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	if (poll(fds, 1 + slot->nr, timeout) <= 0)
		return;
	if (fds[0].revents)
		drain_kicks(slot);
	for (unsigned i = 0; i < slot->nr; i++)
		if (fds[1 + i].revents & POLLIN)
			power_wake_handle(slot, i, &v->policy);
}

static void apply_policy(struct power_slot *slot)
{
	if (power_policy_apply(slot))
		ask_host(slot, NULL);
}

static void *worker(void *opaque)
{
	struct power_slot *slot = opaque;

	for (;;) {
		struct power_view v = power_slot_look(slot);

		if (v.requests)
			handle_request(slot);
		else if (power_policy_can_apply(&v))
			apply_policy(slot);
		else if (!v.settled && v.ask == POWER_ASK_OFF)
			enter(slot, v.command);
		else if (!v.settled && v.ask == POWER_ASK_ON)
			leave(slot, &v);
		else if (v.stop)
			return NULL;
		else if (v.phase == POWER_COLD && slot->enter_ns && slot->enter_ns <= now_ns())
			enter_again(slot);
		else
			wait_for_work(slot, &v);
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
		power_slot_kick(slot);
	}
	pthread_mutex_unlock(&slot->lock);
}

static void command_on(struct power_slot *slot)
{
	pthread_mutex_lock(&slot->lock);
	if (ask_is_new(slot, POWER_ASK_ON)) {
		set_ask(slot, POWER_ASK_ON);
		power_event_plain(slot, "power-on-asked", NULL, slot->asked_ns);
		power_slot_kick(slot);
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
	power_slot_kick(slot);
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
	enum power_backend backend;
	int r;

	if (nr == 0 || nr > POWER_MAX_FUNCTIONS || power_policy_check(&config->policy))
		return -EINVAL;
	slot = calloc(1, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	slot->config = *config;
	slot->policy = config->policy;
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
	r = power_host_choose(functions, nr, config->policy.deepest, config->backend, &backend,
			      reason, sizeof(reason));
	if (r < 0) {
		snprintf(why, why_len, "%s", reason);
		goto free_slot;
	}
	slot->backend = backend;
	if (config->policy.deepest == POWER_POLICY_D3COLD)
		slot->cold_backend = backend;
	log_info(functions[0]->id, "power back end %s: %s", power_backend_name(backend), reason);
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
	power_slot_kick(slot);
	pthread_join(slot->thread, NULL);
	power_verdict_log_counters(slot);
	for (unsigned i = 0; i < slot->nr; i++)
		slot->functions[i]->slot = NULL;
	free_slot(slot);
}
