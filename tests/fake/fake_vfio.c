/* SPDX-License-Identifier: BSD-3-Clause */
/* A passthrough device in memory: vfio_ops that write down their calls and can refuse them. */
#include "tests/fake/fake_vfio.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/fake_kvm.h"
#include "vmm/bits.h"

static struct fake_vfio *fake_of(struct vfio_device *device)
{
	return (struct fake_vfio *)device;
}

/* --- the log and refusals ------------------------------------------------------------------------
 */

/* Writes the call down; 0, or the refusal that is due. */
static int call(struct vfio_device *device, const char *op, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int call(struct vfio_device *device, const char *op, const char *fmt, ...)
{
	struct fake_vfio *fake = fake_of(device);
	struct fake_vfio_log *log = &fake->host->log;
	int error = 0;
	va_list args;

	pthread_mutex_lock(&log->lock);
	if (log->nr < FAKE_VFIO_MAX_CALLS) {
		struct fake_vfio_call *c = &log->calls[log->nr++];
		int n;

		c->device = device;
		snprintf(c->op, sizeof(c->op), "%s", op);
		n = snprintf(c->text, sizeof(c->text), "%s", op);
		va_start(args, fmt);
		vsnprintf(c->text + n, sizeof(c->text) - (size_t)n, fmt, args);
		va_end(args);
	} else {
		log->lost++;
	}
	for (size_t i = 0; i < ARRAY_SIZE(fake->refusals); i++) {
		if (!fake->refusals[i].times || strcmp(fake->refusals[i].op, op))
			continue;
		error = fake->refusals[i].error;
		if (fake->refusals[i].times != UINT_MAX)
			fake->refusals[i].times--;
	}
	pthread_mutex_unlock(&log->lock);
	return -error;
}

void fake_vfio_refuse(struct fake_vfio *fake, const char *op, int error, unsigned times)
{
	size_t free_at = ARRAY_SIZE(fake->refusals);

	pthread_mutex_lock(&fake->host->log.lock);
	for (size_t i = ARRAY_SIZE(fake->refusals); i-- > 0;) {
		if (!strcmp(fake->refusals[i].op, op))
			fake->refusals[i].times = 0;
		if (!fake->refusals[i].times)
			free_at = i;
	}
	assert(free_at < ARRAY_SIZE(fake->refusals));
	snprintf(fake->refusals[free_at].op, sizeof(fake->refusals[free_at].op), "%s", op);
	fake->refusals[free_at].error = error;
	fake->refusals[free_at].times = !error ? 0 : times ? times : UINT_MAX;
	pthread_mutex_unlock(&fake->host->log.lock);
}

unsigned fake_vfio_count(struct fake_vfio *fake, const char *op)
{
	struct fake_vfio_log *log = &fake->host->log;
	unsigned n = 0;

	pthread_mutex_lock(&log->lock);
	for (unsigned i = 0; i < log->nr; i++) {
		const struct fake_vfio_call *c = &log->calls[i];

		if (c->device == &fake->device &&
		    (op ? !strcmp(c->op, op) : !strstr(c->op, "power_state")))
			n++;
	}
	pthread_mutex_unlock(&log->lock);
	return n;
}

const char *fake_vfio_call(struct fake_vfio *fake, unsigned n)
{
	return n < fake->host->log.nr ? fake->host->log.calls[n].text : "";
}

int fake_vfio_find(struct fake_vfio *fake, const char *text, unsigned from)
{
	for (unsigned i = from; i < fake->host->log.nr; i++)
		if (!strncmp(fake->host->log.calls[i].text, text, strlen(text)))
			return (int)i;
	return -1;
}

void fake_vfio_clear(struct fake_vfio *fake)
{
	pthread_mutex_lock(&fake->host->log.lock);
	fake->host->log.nr = fake->host->log.lost = 0;
	pthread_mutex_unlock(&fake->host->log.lock);
}

/* --- the ops -------------------------------------------------------------------------------------
 */

static uint8_t *region_at(struct vfio_device *device, unsigned region, uint64_t off, size_t len)
{
	struct fake_vfio *fake = fake_of(device);

	if (region >= VFIO_NR_REGIONS || !range_inside(off, len, 0, device->regions[region].size))
		return NULL;
	if (region == VFIO_PCI_CONFIG_REGION_INDEX)
		return fake->config + off;
	return region < ARRAY_SIZE(fake->bars) && fake->bars[region] ? fake->bars[region] + off
								     : NULL;
}

static int fake_region_read(struct vfio_device *device, unsigned region, uint64_t off, void *buf,
			    size_t len)
{
	int err =
		call(device, "region_read", " %u 0x%llx+%zu", region, (unsigned long long)off, len);
	uint8_t *at = region_at(device, region, off, len);

	if (err || !at)
		return err ? err : -EINVAL;
	if (region == VFIO_PCI_ROM_REGION_INDEX &&
	    !(fake_of(device)->config[PCI_COMMAND] & PCI_COMMAND_MEMORY))
		return -EIO;
	memcpy(buf, at, len);
	return 0;
}

static int fake_region_write(struct vfio_device *device, unsigned region, uint64_t off,
			     const void *buf, size_t len)
{
	uint8_t *at = region_at(device, region, off, len);
	uint64_t value = 0;
	int err;

	memcpy(&value, buf, len < sizeof(value) ? len : sizeof(value));
	err = call(device, "region_write", " %u 0x%llx+%zu 0x%llx", region, (unsigned long long)off,
		   len, (unsigned long long)le64toh(value));
	if (err || !at)
		return err ? err : -EINVAL;
	memcpy(at, buf, len);
	return 0;
}

static int fake_set_irq_fds(struct vfio_device *device, unsigned index, unsigned start,
			    unsigned count, const int *fds, uint32_t action)
{
	bool unmask = action & VFIO_IRQ_SET_ACTION_UNMASK;
	struct fake_vfio *fake = fake_of(device);
	int err = call(device, "set_irq_fds", " %u %u+%u%s", index, start, count,
		       unmask ? " unmask" : "");

	if (err)
		return err;
	if (index >= VFIO_PCI_NUM_IRQS || !count || start + count > device->irq_counts[index])
		return -EINVAL;
	if (unmask) {
		fake->unmask_fd = fds[0];
		return 0;
	}
	/* One of INTx, MSI and MSI-X at a time, and a set that is on grows only if it may. */
	for (unsigned i = 0; i <= VFIO_PCI_MSIX_IRQ_INDEX; i++)
		if (i != index && index <= VFIO_PCI_MSIX_IRQ_INDEX && fake->irq_nr[i])
			return -EINVAL;
	if (fake->irq_nr[index] && start + count > fake->irq_nr[index] &&
	    device->irq_flags[index] & VFIO_IRQ_INFO_NORESIZE)
		return -EINVAL;
	for (unsigned i = 0; i < count; i++)
		fake->irq_fds[index][start + i] = fds[i];
	if (start + count > fake->irq_nr[index])
		fake->irq_nr[index] = start + count;
	return 0;
}

static void irq_clear(struct fake_vfio *fake, unsigned index)
{
	for (unsigned i = 0; i < FAKE_VFIO_VECTORS; i++)
		fake->irq_fds[index][i] = -1;
	fake->irq_nr[index] = 0;
	if (index == VFIO_PCI_INTX_IRQ_INDEX)
		fake->unmask_fd = -1;
}

static int fake_irq_disable(struct vfio_device *device, unsigned index)
{
	int err = call(device, "irq_disable", " %u", index);

	if (err)
		return err;
	if (index >= VFIO_PCI_NUM_IRQS || !fake_of(device)->irq_nr[index])
		return -EINVAL;
	irq_clear(fake_of(device), index);
	return 0;
}

static int fake_reset(struct vfio_device *device)
{
	return call(device, "reset", "%s", "");
}

static int fake_hot_reset(struct vfio_device *const *devices, unsigned nr)
{
	return call(devices[0], "hot_reset", " %u", nr);
}

static int fake_low_power_probe(struct vfio_device *device)
{
	return call(device, "low_power_probe", "%s", "");
}

static int fake_low_power_entry(struct vfio_device *device, int wakeup_fd)
{
	fake_of(device)->wakeup_fd = wakeup_fd;
	return call(device, "low_power_entry", "%s", "");
}

static int fake_low_power_exit(struct vfio_device *device)
{
	return call(device, "low_power_exit", "%s", "");
}

static int fake_d3cold_probe(struct vfio_device *device)
{
	int err = call(device, "d3cold_probe", "%s", "");

	return err || fake_of(device)->d3cold ? err : -ENOTTY;
}

static int fake_d3cold_enter(struct vfio_device *device, int wakeup_fd,
			     struct vfio_pci_d3cold_control *ret)
{
	fake_of(device)->wakeup_fd = wakeup_fd;
	*ret = fake_of(device)->enter_says;
	return call(device, "d3cold_enter", "%s", "");
}

static int fake_d3cold_exit(struct vfio_device *device, struct vfio_pci_d3cold_control *ret)
{
	*ret = fake_of(device)->exit_says;
	return call(device, "d3cold_exit", "%s", "");
}

static int fake_d3cold_status(struct vfio_device *device, struct vfio_pci_d3cold_status *ret)
{
	*ret = fake_of(device)->status_says;
	return call(device, "d3cold_status", "%s", "");
}

static enum host_power next_power(struct fake_vfio *fake, const enum host_power *script,
				  unsigned nr, unsigned *at)
{
	enum host_power state = HOST_POWER_UNKNOWN;

	pthread_mutex_lock(&fake->host->log.lock);
	if (nr)
		state = script[*at < nr ? *at : nr - 1];
	if (*at < nr)
		(*at)++;
	pthread_mutex_unlock(&fake->host->log.lock);
	return state;
}

static enum host_power fake_power_state(struct vfio_device *device)
{
	struct fake_vfio *fake = fake_of(device);

	(void)call(device, "power_state", "%s", "");
	return next_power(fake, fake->power_script, fake->power_nr, &fake->power_at);
}

static enum host_power fake_port_power_state(struct vfio_device *device)
{
	struct fake_vfio *fake = fake_of(device);

	(void)call(device, "port_power_state", "%s", "");
	return next_power(fake, fake->port_script, fake->port_nr, &fake->port_at);
}

static enum host_power fake_upstream_power_state(struct vfio_device *device, unsigned port)
{
	struct fake_vfio *fake = fake_of(device);

	(void)call(device, "upstream_power_state", " %u", port);
	return fake->upstream[port];
}

static int fake_dma_map(struct vfio_device *device, uint64_t iova, uint64_t size, void *hva)
{
	(void)hva;
	return call(device, "dma_map", " 0x%llx+0x%llx", (unsigned long long)iova,
		    (unsigned long long)size);
}

static int fake_dma_unmap(struct vfio_device *device, uint64_t iova, uint64_t size)
{
	return call(device, "dma_unmap", " 0x%llx+0x%llx", (unsigned long long)iova,
		    (unsigned long long)size);
}

static void *fake_region_map(struct vfio_device *device, unsigned region, uint64_t off,
			     uint64_t size)
{
	if (call(device, "region_map", " %u 0x%llx+0x%llx", region, (unsigned long long)off,
		 (unsigned long long)size))
		return NULL;
	return region_at(device, region, off, size);
}

static void fake_region_unmap(struct vfio_device *device, void *hva, uint64_t size)
{
	(void)hva;
	(void)call(device, "region_unmap", " 0x%llx", (unsigned long long)size);
}

static void fake_close(struct vfio_device *device)
{
	(void)call(device, "close", "%s", "");
	device->fd = device->group = -1;
}

static const struct vfio_ops fake_ops = {
	.region_read = fake_region_read,
	.region_write = fake_region_write,
	.set_irq_fds = fake_set_irq_fds,
	.irq_disable = fake_irq_disable,
	.reset = fake_reset,
	.hot_reset = fake_hot_reset,
	.low_power_probe = fake_low_power_probe,
	.low_power_entry = fake_low_power_entry,
	.low_power_exit = fake_low_power_exit,
	.d3cold_probe = fake_d3cold_probe,
	.d3cold_enter = fake_d3cold_enter,
	.d3cold_exit = fake_d3cold_exit,
	.d3cold_status = fake_d3cold_status,
	.power_state = fake_power_state,
	.port_power_state = fake_port_power_state,
	.upstream_power_state = fake_upstream_power_state,
	.dma_map = fake_dma_map,
	.dma_unmap = fake_dma_unmap,
	.region_map = fake_region_map,
	.region_unmap = fake_region_unmap,
	.close = fake_close,
};

/* --- the device ----------------------------------------------------------------------------------
 */

void fake_vfio_put(struct fake_vfio *fake, unsigned off, uint32_t value, unsigned size)
{
	value = htole32(value);
	memcpy(fake->config + off, &value, size);
}

uint32_t fake_vfio_get(const struct fake_vfio *fake, unsigned off, unsigned size)
{
	uint32_t value = 0;

	memcpy(&value, fake->config + off, size);
	return le32toh(value);
}

/* Registers of the default device, in order of address. */
static void fill_config(struct fake_vfio *fake)
{
	static const struct {
		uint16_t off;
		uint8_t size;
		uint32_t value;
	} regs[] = {
		{ PCI_VENDOR_ID, 4, 0x00101b36 },
		{ PCI_STATUS, 2, PCI_STATUS_CAP_LIST },
		{ PCI_CLASS_REVISION, 4, 0x01080200 },
		{ PCI_HEADER_TYPE, 1, PCI_HEADER_TYPE_NORMAL },
		{ PCI_BASE_ADDRESS_0, 4, PCI_BASE_ADDRESS_MEM_TYPE_64 | 0xfe000000 },
		{ PCI_BASE_ADDRESS_2, 4, PCI_BASE_ADDRESS_MEM_PREFETCH | 0xfd000000 },
		{ PCI_BASE_ADDRESS_4, 4, PCI_BASE_ADDRESS_SPACE_IO | 0xe000 },
		{ PCI_ROM_ADDRESS, 4, 0xfc000000 },
		{ PCI_CAPABILITY_LIST, 1, FAKE_VFIO_PM },
		{ PCI_INTERRUPT_PIN, 1, 1 },
		{ FAKE_VFIO_PM, 4, 0x00030001 | FAKE_VFIO_MSI << 8 },
		{ FAKE_VFIO_PM + PCI_PM_CTRL, 2, PCI_PM_CTRL_NO_SOFT_RESET },
		/* 8 vectors, 64 bit, maskable */
		{ FAKE_VFIO_MSI, 4, 0x01860005 | FAKE_VFIO_MSIX << 8 },
		{ FAKE_VFIO_MSIX, 4,
		  (FAKE_VFIO_MSIX_ENTRIES - 1) << 16 | 0x0011 | FAKE_VFIO_PCIE << 8 },
		{ FAKE_VFIO_MSIX + PCI_MSIX_TABLE, 4, FAKE_VFIO_MSIX_TABLE },
		{ FAKE_VFIO_MSIX + PCI_MSIX_PBA, 4, FAKE_VFIO_MSIX_PBA },
		{ FAKE_VFIO_PCIE, 4, 0x00020010 },
		{ FAKE_VFIO_PCIE + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_FLR },
		{ FAKE_VFIO_AER, 4, 0x00020001 | (uint32_t)FAKE_VFIO_SRIOV << 20 },
		{ FAKE_VFIO_SRIOV, 4, 0x00010010 | (uint32_t)FAKE_VFIO_DSN << 20 },
		{ FAKE_VFIO_SRIOV + 0x0c, 4, 0x00080008 },
		{ FAKE_VFIO_DSN, 4, 0x00010003 | (uint32_t)FAKE_VFIO_REBAR << 20 },
		{ FAKE_VFIO_REBAR, 4, 0x00010015 | (uint32_t)FAKE_VFIO_LTR << 20 },
		{ FAKE_VFIO_REBAR + PCI_REBAR_CTRL, 4, 1 << 5 },
		{ FAKE_VFIO_LTR, 4, 0x00010018 },
		{ FAKE_VFIO_LTR + 4, 4, 0x10031003 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(regs); i++)
		fake_vfio_put(fake, regs[i].off, regs[i].value, regs[i].size);
}

static void fill_regions(struct fake_vfio *fake)
{
	const uint32_t rw = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	struct vfio_region *regions = fake->device.regions;

	regions[0] = (struct vfio_region){ .size = FAKE_VFIO_BAR0_SIZE,
					   .flags = rw | VFIO_REGION_INFO_FLAG_MMAP };
	regions[2] =
		(struct vfio_region){ .size = 0x2000, .flags = rw | VFIO_REGION_INFO_FLAG_MMAP };
	regions[4] = (struct vfio_region){ .size = 32, .flags = rw };
	regions[VFIO_PCI_CONFIG_REGION_INDEX] =
		(struct vfio_region){ .size = PCI_CONFIG_SIZE, .flags = rw };
}

/* RAM, buses and interrupts of a machine, around its first device. */
static void make_machine(struct fake_vfio *fake)
{
	const struct memory_config ram = { .size = MIB(2), .low_limit = 0xc0000000 };
	const char *missing;
	int err;

	fake_kvm_reset();
	err = kvm_open(&fake->kvm, &missing);
	assert(!err);
	err = memory_init(&fake->memory, &fake->kvm, &ram);
	assert(!err);
	err = irqchip_init(&fake->irqchip, &fake->kvm);
	assert(!err);
	(void)err; /* with NDEBUG */
	bus_init(&fake->pio);
	bus_init(&fake->mmio);
	vfio_container_init(&fake->container, &fake->memory, -1);
	vfio_bars_set_windows(&fake->container, &(struct vfio_windows){ .mmio32 = 0xc0000000,
									.mmio32_size = 0x20000000,
									.mmio64 = 0x8000000000,
									.mmio64_size = 0x8000000000,
									.pio = 0x1000,
									.pio_size = 0xf000 });
	pthread_mutex_init(&fake->log.lock, NULL);
}

static void make_device(struct fake_vfio *fake, const char *id)
{
	struct fake_vfio *host = fake->host;

	fake->device.given_fd = -1;
	fake->power_script[0] = fake->port_script[0] = HOST_POWER_D0;
	fake->power_nr = fake->port_nr = 1;
	for (unsigned i = 0; i < VFIO_PCI_NUM_IRQS; i++)
		irq_clear(fake, i);
	fake->wakeup_fd = -1;
	fake->enter_says.state = VFIO_PCI_D3COLD_STATE_D3COLD;
	fake->exit_says.state = fake->status_says.state = VFIO_PCI_D3COLD_STATE_D0;
	fake->device = (struct vfio_device){
		.ops = &fake_ops,
		.container = &host->container,
		.memory = &host->memory,
		.pio = &host->pio,
		.mmio = &host->mmio,
		.irqchip = &host->irqchip,
		.fd = -1,
		.group = 1,
		.power_fd = -1,
		.can_reset = true,
		.irq_counts = { 1, 8, FAKE_VFIO_MSIX_ENTRIES, 1, 1 },
		.irq_flags = { 0, VFIO_IRQ_INFO_NORESIZE, 0, 0, 0 },
		.irqs = { .intx_fd = -1, .intx_resample_fd = -1, .err_fd = -1, .req_fd = -1 },
	};
	snprintf(fake->device.bdf, sizeof(fake->device.bdf), "0000:01:00.%u", host->nr_devices++);
	snprintf(fake->device.id, sizeof(fake->device.id), "%s", id);
	pthread_mutex_init(&fake->device.lock, NULL);
	fill_config(fake);
	fill_regions(fake);
}

struct fake_vfio *fake_vfio_new(const char *id)
{
	struct fake_vfio *fake = calloc(1, sizeof(*fake));

	assert(fake);
	fake->host = fake;
	make_machine(fake);
	make_device(fake, id);
	return fake;
}

struct fake_vfio *fake_vfio_new_beside(struct fake_vfio *other, const char *id)
{
	struct fake_vfio *fake = calloc(1, sizeof(*fake));

	assert(fake);
	fake->host = other->host;
	make_device(fake, id);
	return fake;
}

void fake_vfio_unseal(struct fake_vfio *fake)
{
	pthread_mutex_lock(&fake->device.lock);
	vfio_device_unseal(&fake->device);
	pthread_mutex_unlock(&fake->device.lock);
}

void fake_vfio_start(struct fake_vfio *fake)
{
	unsigned n = (unsigned)(strchr(fake->device.bdf, '.')[1] - '0');
	int err;

	for (unsigned i = 0; i < ARRAY_SIZE(fake->bars); i++) {
		if (!fake->device.regions[i].size)
			continue;
		fake->bars[i] = aligned_alloc(4096, align_up(fake->device.regions[i].size, 4096));
		assert(fake->bars[i]);
		memset(fake->bars[i], 0, align_up(fake->device.regions[i].size, 4096));
	}
	err = vfio_config_init(&fake->device, false);
	assert(!err);
	err = vfio_irqs_init(&fake->device);
	assert(!err);
	err = vfio_bars_init(&fake->device);
	assert(!err);
	(void)err; /* with NDEBUG */
	vfio_config_place_bar(&fake->device, 0, FAKE_VFIO_BAR0 + n * MIB(1));
	vfio_config_place_bar(&fake->device, 2, FAKE_VFIO_BAR2 + n * MIB(1));
	vfio_config_place_bar(&fake->device, 4, FAKE_VFIO_BAR4 + n * KIB(1));
	fake_vfio_clear(fake);
}

void fake_vfio_free(struct fake_vfio *fake)
{
	if (!fake)
		return;
	vfio_device_close(&fake->device);
	for (unsigned i = 0; i < ARRAY_SIZE(fake->bars); i++)
		free(fake->bars[i]);
	if (fake->host == fake) {
		irqchip_exit(&fake->irqchip);
		bus_exit(&fake->mmio);
		bus_exit(&fake->pio);
		memory_exit(&fake->memory);
		kvm_close(&fake->kvm);
	}
	free(fake);
}

void fake_vfio_script_power(struct fake_vfio *fake, const enum host_power *states, unsigned nr)
{
	pthread_mutex_lock(&fake->host->log.lock);
	fake->power_nr = (unsigned)min_u64(nr, ARRAY_SIZE(fake->power_script));
	fake->power_at = 0;
	memcpy(fake->power_script, states, fake->power_nr * sizeof(*states));
	pthread_mutex_unlock(&fake->host->log.lock);
}

void fake_vfio_script_port(struct fake_vfio *fake, const enum host_power *states, unsigned nr)
{
	pthread_mutex_lock(&fake->host->log.lock);
	fake->port_nr = (unsigned)min_u64(nr, ARRAY_SIZE(fake->port_script));
	fake->port_at = 0;
	memcpy(fake->port_script, states, fake->port_nr * sizeof(*states));
	pthread_mutex_unlock(&fake->host->log.lock);
}

uint32_t fake_vfio_config_read(struct fake_vfio *fake, unsigned off, unsigned size)
{
	struct pci_function *function = &fake->device.function;

	return function->ops->config_read(function, off, size);
}

void fake_vfio_config_write(struct fake_vfio *fake, unsigned off, uint32_t value, unsigned size)
{
	struct pci_function *function = &fake->device.function;

	function->ops->config_write(function, off, value, size);
}
