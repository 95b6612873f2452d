/* SPDX-License-Identifier: BSD-3-Clause */
/* The made-up host: ops around those of the fake that keep a state per function. */
#include "tests/unit/slot_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "acpi/abi.h"
#include "devices/vfio/power_slot.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

/* For a busy machine under sanitizers; nothing but a failure takes so long. */
#define PATIENCE_MS 30000

struct slot_rig host;
static const struct vfio_ops *fake_ops;

static struct power_function *function_of(struct vfio_device *device)
{
	for (unsigned i = 0; i < host.nr; i++)
		if (&host.functions[i].fake->device == device)
			return &host.functions[i];
	abort();
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* --- the host's side ----------------------------------------------------------------------------
 */

/* Lock held. device->lock is taken outside of it, if at all. */
static void broke(const struct vfio_device *device, const char *rule)
{
	if (!host.broken[0])
		snprintf(host.broken, sizeof(host.broken), "%s: %s", device->id, rule);
}

/* The call of @op comes to the host now. */
static void arrive(struct vfio_device *device, char op)
{
	size_t len;

	pthread_mutex_lock(&host.lock);
	len = strlen(host.order);
	snprintf(host.order + len, sizeof(host.order) - len, "%c%u ", op,
		 (unsigned)(function_of(device) - host.functions));
	pthread_mutex_unlock(&host.lock);
}

static void wait_at(bool *held)
{
	pthread_mutex_lock(&host.lock);
	host.waiting++;
	pthread_cond_broadcast(&host.changed);
	while (*held)
		pthread_cond_wait(&host.changed, &host.lock);
	host.waiting--;
	pthread_mutex_unlock(&host.lock);
}

/* device->lock held. */
static bool any_bar_shown(struct vfio_device *device)
{
	for (unsigned i = 0; i < VFIO_NR_BARS; i++)
		for (unsigned k = 0; k < device->bars[i].nr_pieces; k++)
			if (device->bars[i].pieces[k].shown || device->bars[i].pieces[k].dma)
				return true;
	return false;
}

/* The rules of an entry, whichever call it is. */
static void check_entry(struct vfio_device *device, int wakeup_fd)
{
	bool sealed = true, shown = false;

	for (unsigned i = 0; i < host.nr; i++) {
		struct vfio_device *d = &host.functions[i].fake->device;

		pthread_mutex_lock(&d->lock);
		sealed &= d->sealed;
		shown |= any_bar_shown(d);
		pthread_mutex_unlock(&d->lock);
	}
	pthread_mutex_lock(&host.lock);
	if (!sealed)
		broke(device, "a function of the slot is not sealed at the entry");
	if (shown)
		broke(device, "a BAR of the slot is shown at the entry");
	if (readable(wakeup_fd))
		broke(device, "the wake eventfd is not drained at the entry");
	if (function_of(device)->engaged)
		broke(device, "entered twice");
	pthread_mutex_unlock(&host.lock);
}

static int host_entry(struct vfio_device *device, int wakeup_fd)
{
	struct power_function *f = function_of(device);
	int r;

	wait_at(&host.hold_entry);
	arrive(device, 'e');
	r = fake_ops->low_power_entry(device, wakeup_fd);
	check_entry(device, wakeup_fd);
	pthread_mutex_lock(&host.lock);
	f->wakeup_fd = wakeup_fd;
	if (r == 0) {
		f->engaged = !f->wakes_at_entry;
		f->state = f->wakes_at_entry ? HOST_POWER_D0 : f->sleeps;
		if (f->wakes_at_entry)
			eventfd_write(wakeup_fd, 1);
		f->wakes_at_entry = false;
	}
	pthread_mutex_unlock(&host.lock);
	return r;
}

static int host_exit(struct vfio_device *device)
{
	struct power_function *f = function_of(device);
	int r;

	wait_at(&host.hold_exit);
	arrive(device, 'x');
	r = fake_ops->low_power_exit(device);
	if (r < 0)
		return r;
	pthread_mutex_lock(&host.lock);
	if (f->engaged)
		eventfd_write(f->wakeup_fd, 1);
	f->engaged = false;
	if (f->dead_exits)
		f->dead_exits--;
	else
		f->state = HOST_POWER_D0;
	pthread_mutex_unlock(&host.lock);
	return 0;
}

/* --- the driver with D3cold on request ----------------------------------------------------------
 */

#define PORT_BDF VFIO_PCI_D3COLD_BDF(0, 0, 1 << 3)

static uint32_t driver_state(enum host_power state)
{
	static const uint32_t states[] = {
		[HOST_POWER_UNKNOWN] = VFIO_PCI_D3COLD_STATE_UNKNOWN,
		[HOST_POWER_D0] = VFIO_PCI_D3COLD_STATE_D0,
		[HOST_POWER_D3HOT] = VFIO_PCI_D3COLD_STATE_D3HOT,
		[HOST_POWER_D3COLD] = VFIO_PCI_D3COLD_STATE_D3COLD,
	};

	return states[state];
}

/* Lock held: what it says of itself. */
static uint32_t said_state(const struct power_function *f)
{
	return driver_state(f->driver ? f->driver : f->state);
}

/* Lock held. */
static void set_state(struct power_function *f, enum host_power state)
{
	f->before = f->state;
	f->lagging = f->sysfs_lags;
	f->state = state;
}

/* Lock held: whether all functions but @f are in low power. */
static bool others_engaged(const struct power_function *f)
{
	for (unsigned i = 0; i < host.nr; i++)
		if (&host.functions[i] != f && !host.functions[i].engaged &&
		    !host.functions[i].fake->device.gone)
			return false;
	return true;
}

/* Lock held. @f is in low power now: it waits in D3hot for the others, the last takes all along. */
static void suspend(struct power_function *f, struct vfio_pci_d3cold_control *said)
{
	bool last = others_engaged(f);

	f->engaged = true;
	if (!last) {
		set_state(f, HOST_POWER_D3HOT);
		said->rc = -EBUSY;
		said->rc_bdf = PORT_BDF;
		return;
	}
	host.port = f->sleeps == HOST_POWER_D3COLD ? HOST_POWER_D3COLD : HOST_POWER_D0;
	for (unsigned i = 0; i < host.nr; i++)
		set_state(&host.functions[i], host.functions[i].sleeps);
	said->rc = f->limit_rc;
	said->rc_bdf = f->limit_rc == -EBUSY ? PORT_BDF : VFIO_PCI_D3COLD_BDF(0, 1, 0);
}

/* Lock held. */
static void say(const struct power_function *f, struct vfio_pci_d3cold_control *said)
{
	unsigned top = f->fake->device.power_port;

	said->state = said_state(f);
	/* Ports of a switch below the one that switches the power stay in D0. */
	for (unsigned i = 0; i < top; i++)
		said->ports[i].state = VFIO_PCI_D3COLD_STATE_D0;
	said->nr_ports = top + 1;
	said->ports[top].bdf = PORT_BDF;
	said->ports[top].state = driver_state(host.port);
	said->elapsed_ns = 14000000;
}

static int host_d3cold_enter(struct vfio_device *device, int wakeup_fd,
			     struct vfio_pci_d3cold_control *ret)
{
	struct power_function *f = function_of(device);
	int r;

	wait_at(&host.hold_entry);
	arrive(device, 'E');
	r = fake_ops->d3cold_enter(device, wakeup_fd, ret);
	check_entry(device, wakeup_fd);
	pthread_mutex_lock(&host.lock);
	f->wakeup_fd = wakeup_fd;
	ret->rc = 0;
	ret->state = VFIO_PCI_D3COLD_STATE_UNKNOWN;
	if (r == 0) {
		suspend(f, ret);
		say(f, ret);
	}
	pthread_mutex_unlock(&host.lock);
	return r;
}

static int host_d3cold_exit(struct vfio_device *device, struct vfio_pci_d3cold_control *ret)
{
	struct power_function *f = function_of(device);
	int r;

	wait_at(&host.hold_exit);
	arrive(device, 'X');
	r = fake_ops->d3cold_exit(device, ret);
	pthread_mutex_lock(&host.lock);
	if (r == 0 || r == -EIO || r == -ENODEV)
		f->engaged = false;
	if (r == 0 && f->dead_exits) {
		f->dead_exits--;
		r = -EIO;
	} else if (r == 0) {
		host.port = HOST_POWER_D0;
		set_state(f, HOST_POWER_D0);
		r = f->deaf ? -ENODEV : 0;
	}
	say(f, ret);
	pthread_mutex_unlock(&host.lock);
	return r;
}

static int host_d3cold_status(struct vfio_device *device, struct vfio_pci_d3cold_status *ret)
{
	struct power_function *f = function_of(device);
	int r = fake_ops->d3cold_status(device, ret);

	pthread_mutex_lock(&host.lock);
	ret->state = said_state(f);
	pthread_mutex_unlock(&host.lock);
	return r;
}

/* --- what the host says -------------------------------------------------------------------------
 */

static enum host_power host_power_state(struct vfio_device *device)
{
	struct power_function *f = function_of(device);

	wait_at(&host.hold_state);
	(void)fake_ops->power_state(device);
	pthread_mutex_lock(&host.lock);
	enum host_power state = f->lagging || f->sysfs_stuck ? f->before : f->state;
	f->lagging = false;
	pthread_mutex_unlock(&host.lock);
	return state;
}

static enum host_power host_port_power_state(struct vfio_device *device)
{
	(void)fake_ops->port_power_state(device);
	pthread_mutex_lock(&host.lock);
	enum host_power state = host.port;
	pthread_mutex_unlock(&host.lock);
	return state;
}

static int host_reset(struct vfio_device *device)
{
	struct power_function *f = function_of(device);
	int r;

	arrive(device, 'r');
	r = fake_ops->reset(device);
	pthread_mutex_lock(&host.lock);
	if (r == 0 && f->reset_revives) {
		f->deaf = false;
		f->dead_exits = 0;
		f->state = HOST_POWER_D0;
	}
	pthread_mutex_unlock(&host.lock);
	return r;
}

/* Of the whole slot. */
static int host_hot_reset(struct vfio_device *const *devices, unsigned nr)
{
	int r;

	arrive(devices[0], 'h');
	r = fake_ops->hot_reset(devices, nr);
	pthread_mutex_lock(&host.lock);
	for (unsigned i = 0; r == 0 && i < nr; i++) {
		struct power_function *f = function_of(devices[i]);

		if (!f->hot_reset_revives)
			continue;
		f->deaf = false;
		f->dead_exits = 0;
		f->state = HOST_POWER_D0;
	}
	pthread_mutex_unlock(&host.lock);
	return r;
}

static int host_region_read(struct vfio_device *device, unsigned region, uint64_t off, void *buf,
			    size_t len)
{
	struct power_function *f = function_of(device);
	int r = fake_ops->region_read(device, region, off, buf, len);

	pthread_mutex_lock(&host.lock);
	if (f->engaged)
		broke(device, "its descriptor is read in low power");
	/* What a device that is gone reads there: the upper half is the device's own. */
	if (f->deaf && region == VFIO_PCI_CONFIG_REGION_INDEX && off == PCI_COMMAND && len == 4)
		memcpy(buf, "\xff\xfb\xff\xff", 4);
	pthread_mutex_unlock(&host.lock);
	return r;
}

static int host_region_write(struct vfio_device *device, unsigned region, uint64_t off,
			     const void *buf, size_t len)
{
	struct power_function *f = function_of(device);
	bool pmcsr = region == VFIO_PCI_CONFIG_REGION_INDEX && off == FAKE_VFIO_PM + PCI_PM_CTRL;
	bool d3hot = (*(const uint8_t *)buf & 3) == 3;
	int r;

	if (pmcsr)
		arrive(device, d3hot ? '3' : '0');
	r = fake_ops->region_write(device, region, off, buf, len);
	pthread_mutex_lock(&host.lock);
	if (f->engaged)
		broke(device, "its descriptor is written in low power");
	if (r == 0 && pmcsr)
		f->state = d3hot ? HOST_POWER_D3HOT : HOST_POWER_D0;
	pthread_mutex_unlock(&host.lock);
	return r;
}

static int host_dma_unmap(struct vfio_device *device, uint64_t iova, uint64_t size)
{
	/* Called with device->lock held: the flag can be read. */
	bool sealed = device->sealed;

	wait_at(&host.hold_hide);
	pthread_mutex_lock(&host.lock);
	if (!sealed && !host.guest_hides)
		broke(device, "its BARs are hidden before it is sealed");
	pthread_mutex_unlock(&host.lock);
	return fake_ops->dma_unmap(device, iova, size);
}

static int host_dma_map(struct vfio_device *device, uint64_t iova, uint64_t size, void *hva)
{
	wait_at(&host.hold_show);
	return fake_ops->dma_map(device, iova, size, hva);
}

static void count_wake(void *opaque, unsigned index)
{
	(void)opaque;
	wait_at(&host.hold_wake);
	pthread_mutex_lock(&host.lock);
	host.wakes++;
	host.wake_index = index;
	pthread_cond_broadcast(&host.changed);
	pthread_mutex_unlock(&host.lock);
}

/* --- life ---------------------------------------------------------------------------------------
 */

static void start_function(unsigned i)
{
	static const char *const names[] = { "fn0", "fn1" };
	struct power_function *f = &host.functions[i];

	f->fake = i ? fake_vfio_new_beside(host.functions[0].fake, names[i])
		    : fake_vfio_new(names[i]);
	f->sleeps = HOST_POWER_D3COLD;
	f->state = HOST_POWER_D0;
	f->wakeup_fd = -1;
	f->fake->device.function.devfn = PCI_DEVFN_OF(0, i ? 3 : 0);
	fake_vfio_start(f->fake);
	vfio_config_place_bar(&f->fake->device, 0, FAKE_VFIO_BAR0 + i * MIB(1));
	vfio_config_place_bar(&f->fake->device, 2, FAKE_VFIO_BAR2 + i * MIB(1));
	vfio_config_place_bar(&f->fake->device, 4, FAKE_VFIO_BAR4 + i * KIB(1));
	memcpy(f->fake->bars[0], &(uint32_t){ SLOT_RIG_BAR0_WORD }, 4);
	fake_ops = f->fake->device.ops;
	host.ops = *fake_ops;
	host.ops.low_power_entry = host_entry;
	host.ops.low_power_exit = host_exit;
	host.ops.d3cold_enter = host_d3cold_enter;
	host.ops.d3cold_exit = host_d3cold_exit;
	host.ops.d3cold_status = host_d3cold_status;
	host.ops.power_state = host_power_state;
	host.ops.port_power_state = host_port_power_state;
	host.ops.reset = host_reset;
	host.ops.hot_reset = host_hot_reset;
	host.ops.region_read = host_region_read;
	host.ops.region_write = host_region_write;
	host.ops.dma_unmap = host_dma_unmap;
	host.ops.dma_map = host_dma_map;
}

void slot_rig_make(unsigned nr)
{
	int fds[2];

	host = (struct slot_rig){ .nr = nr, .port = HOST_POWER_D0 };
	pthread_mutex_init(&host.lock, NULL);
	pthread_cond_init(&host.changed, NULL);
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	host.events_fd = fds[0];
	event_monitor_init(&host.monitor, fds[1]);
	for (unsigned i = 0; i < nr; i++)
		start_function(i);
	for (unsigned i = 0; i < nr; i++) {
		host.functions[i].fake->device.ops = &host.ops;
		fake_vfio_config_write(host.functions[i].fake, PCI_COMMAND,
				       PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	}
	fake_vfio_clear(host.functions[0].fake);
	host.order[0] = '\0';
}

void slot_rig_start(const struct power_slot_config *config)
{
	struct power_slot_config full = *config;
	struct vfio_device *functions[SLOT_RIG_FUNCTIONS];

	full.events = &host.monitor;
	full.wake = count_wake;
	for (unsigned i = 0; i < host.nr; i++)
		functions[i] = &host.functions[i].fake->device;
	char why[256] = "";

	ck_assert_msg(power_slot_create(&full, functions, host.nr, &host.slot, why, sizeof(why)) ==
			      0,
		      "%s", why);
}

void slot_rig_start_default(unsigned nr)
{
	slot_rig_make(nr);
	slot_rig_start(&(struct power_slot_config){ .policy = { .deepest = POWER_POLICY_D3COLD } });
}

void slot_rig_explicit(void)
{
	for (unsigned i = 0; i < host.nr; i++)
		host.functions[i].fake->d3cold = true;
}

void slot_rig_start_explicit(unsigned nr)
{
	slot_rig_make(nr);
	slot_rig_explicit();
	slot_rig_start(&(struct power_slot_config){ .policy = { .deepest = POWER_POLICY_D3COLD } });
}

void slot_rig_free(void)
{
	release();
	power_slot_destroy(host.slot);
	ck_assert_str_eq(host.broken, "");
	for (unsigned i = host.nr; i-- > 0;) {
		/* Closing looks at the device: by the fake's own ops, which keep no rules. */
		host.functions[i].fake->device.ops = fake_ops;
		fake_vfio_free(host.functions[i].fake);
	}
	event_monitor_exit(&host.monitor);
	json_decref(host.event);
	close(host.events_fd);
	pthread_cond_destroy(&host.changed);
	pthread_mutex_destroy(&host.lock);
}

/* --- what tests do ------------------------------------------------------------------------------
 */

void hold(bool *what)
{
	pthread_mutex_lock(&host.lock);
	*what = true;
	pthread_mutex_unlock(&host.lock);
}

static void wait_count(const unsigned *count)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_MS / 1000;
	pthread_mutex_lock(&host.lock);
	while (!*count)
		if (pthread_cond_timedwait(&host.changed, &host.lock, &until) == ETIMEDOUT)
			break;
	bool there = *count;
	pthread_mutex_unlock(&host.lock);
	ck_assert_msg(there, "nothing came to the host");
}

void wait_held(void)
{
	wait_count(&host.waiting);
}

void wait_wake(void)
{
	wait_count(&host.wakes);
}

void release(void)
{
	pthread_mutex_lock(&host.lock);
	host.hold_entry = host.hold_exit = host.hold_hide = false;
	host.hold_show = host.hold_state = host.hold_wake = false;
	pthread_cond_broadcast(&host.changed);
	pthread_mutex_unlock(&host.lock);
}

void foreign_wake(unsigned i)
{
	pthread_mutex_lock(&host.lock);
	host.functions[i].state = host.port = HOST_POWER_D0;
	host.functions[i].engaged = false;
	eventfd_write(host.functions[i].wakeup_fd, 1);
	pthread_mutex_unlock(&host.lock);
}

/* One line of the monitor. */
static void read_event(void)
{
	struct pollfd p = { .fd = host.events_fd, .events = POLLIN };
	char line[1024];
	size_t len = 0;
	json_error_t error;

	do {
		ck_assert_msg(poll(&p, 1, PATIENCE_MS) == 1, "no event came");
		ck_assert_int_eq(read(host.events_fd, line + len, 1), 1);
		ck_assert_uint_lt(++len, sizeof(line));
	} while (line[len - 1] != '\n');
	json_decref(host.event);
	host.event = json_loadb(line, len, 0, &error);
	ck_assert_msg(host.event, "%.*s: %s", (int)len, line, error.text);
	ck_assert_str_eq(event_text(host.event, "source"), "device");
}

json_t *expect_event(const char *name)
{
	read_event();
	ck_assert_str_eq(event_text(host.event, "event"), name);
	return json_object_get(host.event, "properties");
}

json_t *wait_event(const char *name)
{
	do
		read_event();
	while (strcmp(event_text(host.event, "event"), name));
	return json_object_get(host.event, "properties");
}

void expect_no_event(void)
{
	ck_assert(!readable(host.events_fd));
}

const char *event_text(json_t *properties, const char *key)
{
	const char *text = json_string_value(json_object_get(properties, key));

	ck_assert_msg(text, "the event has no text %s", key);
	return text;
}

void wait_phase(enum power_phase phase)
{
	for (unsigned ms = 0; ms < PATIENCE_MS; ms++) {
		pthread_mutex_lock(&host.slot->lock);
		bool there = host.slot->phase == phase;
		pthread_mutex_unlock(&host.slot->lock);
		if (there)
			return;
		usleep(1000);
	}
	ck_abort_msg("the slot does not get to phase %d", (int)phase);
}

void wait_state(unsigned i, enum host_power state)
{
	for (unsigned ms = 0; ms < PATIENCE_MS; ms++) {
		pthread_mutex_lock(&host.lock);
		bool there = host.functions[i].state == state;
		pthread_mutex_unlock(&host.lock);
		if (there)
			return;
		usleep(1000);
	}
	ck_abort_msg("the host does not get to power state %d", (int)state);
}

uint32_t settle_status(void)
{
	for (unsigned ms = 0; ms < PATIENCE_MS; ms++) {
		uint32_t status = power_slot_status(host.slot);

		if (!(status & CVM_STS_BUSY))
			return status;
		usleep(1000);
	}
	ck_abort_msg("the slot stays busy");
}

void go_cold(void)
{
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_event("power-d3cold");
	ck_assert_uint_eq(settle_status(), 0);
}

void go_on(void)
{
	power_slot_command(host.slot, CVM_CMD_ON);
	wait_event("power-alive");
	ck_assert_uint_eq(settle_status(), CVM_STS_ON);
}

static uint32_t guest_bar0(unsigned i)
{
	struct vfio_device *device = &host.functions[i].fake->device;

	return (uint32_t)bus_read(device->mmio, device->bars[0].guest_addr, 4);
}

bool guest_sees(unsigned i)
{
	struct power_function *f = &host.functions[i];

	return fake_vfio_config_read(f->fake, PCI_VENDOR_ID, 4) == 0x00101b36 &&
	       guest_bar0(i) == SLOT_RIG_BAR0_WORD;
}

bool guest_sees_nothing(unsigned i)
{
	struct fake_vfio *fake = host.functions[i].fake;

	for (unsigned off = 0; off < PCI_CONFIG_SIZE; off += 4)
		if (fake_vfio_config_read(fake, off, 4) != 0xffffffff)
			return false;
	pthread_mutex_lock(&fake->device.lock);
	bool shown = any_bar_shown(&fake->device);
	pthread_mutex_unlock(&fake->device.lock);
	return guest_bar0(i) == 0xffffffff && !shown;
}
