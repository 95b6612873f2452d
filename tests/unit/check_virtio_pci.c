/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtio over PCI, driven as Linux does it (drivers/virtio/virtio_pci_modern_dev.c). */
#include "devices/virtio/pci.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_pci.h>

#include "devices/virtio/device.h"
#include "tests/fake/fake_kvm.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/bus.h"
#include "vmm/irqchip.h"
#include "vmm/kvm.h"
#include "vmm/memory.h"

#define RAM	  MIB(16)
#define BAR	  UINT64_C(0xe0008000)
#define MOVED	  UINT64_C(0x4200010000)
#define DEVFN	  PCI_DEVFN_OF(3, 0)
#define NR_QUEUES 2
#define MSI_ADDR  0xfee01000
#define NOTIFY	  0x3000
#define TABLE	  0x4000

static struct kvm kvm;
static struct memory memory;
static struct irqchip chip;
static struct bus mmio;
static struct pci_bus root;
static struct virtio_device device;
static struct virtio_pci pci;
static uint8_t settings[12];
static unsigned starts, stops;
static bool stop_result;

static void read_settings(struct virtio_device *dev, unsigned off, void *data, unsigned size)
{
	(void)dev;
	ck_assert_uint_le(off + size, sizeof(settings));
	memcpy(data, settings + off, size);
}

static void write_settings(struct virtio_device *dev, unsigned off, const void *data, unsigned size)
{
	(void)dev;
	ck_assert_uint_le(off + size, sizeof(settings));
	memcpy(settings + off, data, size);
}

static int start(struct virtio_device *dev)
{
	(void)dev;
	starts++;
	return 0;
}

static bool stop(struct virtio_device *dev)
{
	(void)dev;
	stops++;
	return stop_result;
}

static const struct virtio_ops ops = {
	.config_read = read_settings,
	.config_write = write_settings,
	.start = start,
	.stop = stop,
};

static int make(unsigned config_size, uint64_t bar)
{
	const struct virtio_pci_env env = {
		.kvm = &kvm,
		.irqchip = &chip,
		.mmio = &mmio,
		.root = &root,
	};

	device = (struct virtio_device){
		.ops = &ops,
		.name = "test0",
		.type = VIRTIO_ID_BLOCK,
		.pci_class = 0x018000,
		.config_size = config_size,
		.memory = &memory,
	};
	ck_assert_int_eq(virtio_device_init(&device, NR_QUEUES, 256), 0);
	return virtio_pci_init(&pci, &env, &device, DEVFN, bar);
}

static void setup(void)
{
	const struct memory_config config = { .size = RAM, .low_limit = GIB(3) };
	const char *missing;

	fake_kvm_reset();
	ck_assert_int_eq(kvm_open(&kvm, &missing), 0);
	ck_assert_int_eq(memory_init(&memory, &kvm, &config), 0);
	ck_assert_int_eq(irqchip_init(&chip, &kvm), 0);
	bus_init(&mmio);
	starts = stops = 0;
	stop_result = true;
	for (unsigned i = 0; i < sizeof(settings); i++)
		settings[i] = (uint8_t)(0xa0 + i);
	ck_assert_int_eq(make(sizeof(settings), BAR), 0);
}

static void teardown(void)
{
	virtio_pci_exit(&pci);
	virtio_device_exit(&device);
	ck_assert_uint_eq(mmio.nr, 0);
	ck_assert_uint_eq(fake_kvm.nr_ioeventfds, 0);
	ck_assert_uint_eq(fake_kvm.nr_irqfds, 0);
	bus_exit(&mmio);
	irqchip_exit(&chip);
	memory_exit(&memory);
}

static uint32_t cfg_read(unsigned off, unsigned size)
{
	struct pci_function *f = pci_bus_find(&root, 0, DEVFN);

	return f->ops->config_read(f, off, size);
}

static void cfg_write(unsigned off, uint32_t value, unsigned size)
{
	struct pci_function *f = pci_bus_find(&root, 0, DEVFN);

	f->ops->config_write(f, off, value, size);
}

/* The capability of @type, found by the list as a driver finds it; 0 if there is none. */
static unsigned find_cap(uint8_t type)
{
	unsigned at = cfg_read(PCI_CAPABILITY_LIST, 1);

	for (unsigned n = 0; at && n < 48; n++, at = cfg_read(at + 1, 1))
		if (cfg_read(at, 1) == PCI_CAP_ID_VNDR &&
		    cfg_read(at + VIRTIO_PCI_CAP_CFG_TYPE, 1) == type)
			return at;
	return 0;
}

static unsigned msix_cap(void)
{
	unsigned at = cfg_read(PCI_CAPABILITY_LIST, 1);

	while (at && cfg_read(at, 1) != PCI_CAP_ID_MSIX)
		at = cfg_read(at + 1, 1);
	ck_assert_uint_ne(at, 0);
	return at;
}

/* Where the BAR's part of @type is in guest memory. */
static uint64_t part(uint8_t type)
{
	unsigned cap = find_cap(type);

	ck_assert_uint_ne(cap, 0);
	ck_assert_uint_eq(cfg_read(cap + VIRTIO_PCI_CAP_BAR, 1), VIRTIO_PCI_BAR);
	return BAR + cfg_read(cap + VIRTIO_PCI_CAP_OFFSET, 4);
}

static uint64_t get(unsigned field, unsigned size)
{
	return bus_read(&mmio, part(VIRTIO_PCI_CAP_COMMON_CFG) + field, size);
}

static void set(unsigned field, uint64_t value, unsigned size)
{
	bus_write(&mmio, part(VIRTIO_PCI_CAP_COMMON_CFG) + field, value, size);
}

static void set_entry(unsigned i, uint32_t data)
{
	bus_write(&mmio, BAR + TABLE + i * 16, MSI_ADDR, 4);
	bus_write(&mmio, BAR + TABLE + i * 16 + 4, 0, 4);
	bus_write(&mmio, BAR + TABLE + i * 16 + 8, data, 4);
	bus_write(&mmio, BAR + TABLE + i * 16 + 12, 0, 4);
}

static void enable_msix(void)
{
	cfg_write(msix_cap() + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	for (unsigned i = 0; i < NR_QUEUES + 1; i++)
		set_entry(i, 0x40 + i);
}

static void negotiate(void)
{
	set(VIRTIO_PCI_COMMON_STATUS, 0, 1);
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_STATUS, 1), 0);
	set(VIRTIO_PCI_COMMON_STATUS, 1, 1);
	set(VIRTIO_PCI_COMMON_STATUS, 3, 1);
	for (unsigned word = 0; word < 2; word++) {
		set(VIRTIO_PCI_COMMON_DFSELECT, word, 4);
		set(VIRTIO_PCI_COMMON_GFSELECT, word, 4);
		set(VIRTIO_PCI_COMMON_GF, get(VIRTIO_PCI_COMMON_DF, 4), 4);
	}
	set(VIRTIO_PCI_COMMON_STATUS, 11, 1);
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_STATUS, 1), 11);
}

static void make_queue(unsigned i, uint16_t vector)
{
	uint32_t base = 0x10000 * (i + 1);

	set(VIRTIO_PCI_COMMON_Q_SELECT, i, 2);
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_Q_SIZE, 2), 256);
	set(VIRTIO_PCI_COMMON_Q_SIZE, 64, 2);
	set(VIRTIO_PCI_COMMON_Q_DESCLO, base, 4);
	set(VIRTIO_PCI_COMMON_Q_DESCHI, 0, 4);
	set(VIRTIO_PCI_COMMON_Q_AVAILLO, base + 0x1000, 4);
	set(VIRTIO_PCI_COMMON_Q_AVAILHI, 0, 4);
	set(VIRTIO_PCI_COMMON_Q_USEDLO, base + 0x2000, 4);
	set(VIRTIO_PCI_COMMON_Q_USEDHI, 0, 4);
	set(VIRTIO_PCI_COMMON_Q_MSIX, vector, 2);
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_Q_MSIX, 2), vector);
	set(VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
}

/* All that a driver does until DRIVER_OK. */
static void bring_up(void)
{
	enable_msix();
	negotiate();
	set(VIRTIO_PCI_COMMON_MSIX, 0, 2);
	for (unsigned i = 0; i < NR_QUEUES; i++)
		make_queue(i, (uint16_t)(i + 1));
	set(VIRTIO_PCI_COMMON_STATUS, 15, 1);
}

static bool taken(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count);
}

static bool has_ioeventfd(unsigned queue, uint64_t addr)
{
	for (unsigned i = 0; i < fake_kvm.nr_ioeventfds; i++)
		if (fake_kvm.ioeventfds[i].addr == addr && !fake_kvm.ioeventfds[i].size &&
		    !fake_kvm.ioeventfds[i].pio &&
		    fake_kvm.ioeventfds[i].fd == device.queues[queue].kick_fd)
			return true;
	return false;
}

/* --- what the driver finds -------------------------------------------------------------------- */

START_TEST(the_function_is_a_modern_virtio_device)
{
	ck_assert_uint_eq(cfg_read(PCI_VENDOR_ID, 2), 0x1af4);
	ck_assert_uint_eq(cfg_read(PCI_DEVICE_ID, 2), 0x1042);
	ck_assert_uint_eq(cfg_read(PCI_REVISION_ID, 1), 1);
	ck_assert_uint_eq(cfg_read(PCI_CLASS_REVISION, 4) >> 8, 0x018000);
	ck_assert_uint_ge(cfg_read(PCI_SUBSYSTEM_ID, 2), 0x40);
	ck_assert_uint_eq(cfg_read(PCI_INTERRUPT_PIN, 1), 0);
}
END_TEST

START_TEST(every_part_has_its_capability)
{
	unsigned notify = find_cap(VIRTIO_PCI_CAP_NOTIFY_CFG);

	ck_assert_uint_eq(cfg_read(find_cap(VIRTIO_PCI_CAP_COMMON_CFG) + VIRTIO_PCI_CAP_LENGTH, 4),
			  sizeof(struct virtio_pci_common_cfg));
	ck_assert_uint_ne(find_cap(VIRTIO_PCI_CAP_ISR_CFG), 0);
	ck_assert_uint_eq(cfg_read(find_cap(VIRTIO_PCI_CAP_DEVICE_CFG) + VIRTIO_PCI_CAP_LENGTH, 4),
			  sizeof(settings));
	ck_assert_uint_eq(cfg_read(notify + VIRTIO_PCI_NOTIFY_CAP_MULT, 4), 4);
	ck_assert_uint_eq(cfg_read(notify + VIRTIO_PCI_CAP_LENGTH, 4), 4 * NR_QUEUES);
	ck_assert_uint_ne(find_cap(VIRTIO_PCI_CAP_PCI_CFG), 0);
	ck_assert_uint_eq(cfg_read(msix_cap() + PCI_MSIX_FLAGS, 2), NR_QUEUES);
}
END_TEST

START_TEST(a_device_without_configuration_has_no_capability_for_it)
{
	virtio_pci_exit(&pci);
	virtio_device_exit(&device);
	ck_assert_int_eq(make(0, BAR), 0);
	ck_assert_uint_eq(find_cap(VIRTIO_PCI_CAP_DEVICE_CFG), 0);
	ck_assert_uint_eq(cfg_read(find_cap(VIRTIO_PCI_CAP_PCI_CFG) + 1, 1), 0);
	ck_assert_uint_eq(bus_read(&mmio, BAR + 0x2000, 4), 0xffffffff);
}
END_TEST

START_TEST(a_driver_brings_the_device_up)
{
	bring_up();
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_STATUS, 1), 15);
	ck_assert_uint_eq(starts, 1);
	ck_assert_uint_eq(device.queues[1].size, 64);
	ck_assert_uint_eq(device.queues[1].desc, 0x20000);
	ck_assert_uint_eq(device.queues[1].avail, 0x21000);
	ck_assert_uint_eq(device.queues[1].used, 0x22000);
	ck_assert_ptr_eq(device.queues[1].memory, &memory);
	ck_assert_uint_eq(device.accepted, virtio_device_features(&device));
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_NUMQ, 2), NR_QUEUES);
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_Q_NOFF, 2), 1);
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
}
END_TEST

START_TEST(both_halves_of_an_address_are_kept)
{
	set(VIRTIO_PCI_COMMON_Q_USEDHI, 0x12, 4);
	set(VIRTIO_PCI_COMMON_Q_USEDLO, 0x34560000, 4);
	ck_assert_uint_eq(device.queues[0].used, UINT64_C(0x1234560000));
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_Q_USEDHI, 4), 0x12);
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_Q_USEDLO, 4), 0x34560000);
}
END_TEST

START_TEST(features_beyond_64_bits_are_none)
{
	set(VIRTIO_PCI_COMMON_DFSELECT, 2, 4);
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_DF, 4), 0);
	set(VIRTIO_PCI_COMMON_GFSELECT, UINT32_MAX, 4);
	set(VIRTIO_PCI_COMMON_GF, UINT32_MAX, 4);
	ck_assert_uint_eq(device.accepted, 0);
}
END_TEST

START_TEST(a_queue_that_does_not_exist_has_no_size)
{
	set(VIRTIO_PCI_COMMON_Q_SELECT, NR_QUEUES, 2);
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_MSI_NO_VECTOR);
	set(VIRTIO_PCI_COMMON_Q_SELECT, 0xffff, 2);
	set(VIRTIO_PCI_COMMON_Q_SIZE, 16, 2);
	set(VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
	set(VIRTIO_PCI_COMMON_Q_MSIX, 0, 2);
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
}
END_TEST

START_TEST(a_size_that_is_none_is_ignored)
{
	static const uint16_t sizes[] = { 0, 3, 512, 0xffff };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		set(VIRTIO_PCI_COMMON_Q_SIZE, sizes[i], 2);
		ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_Q_SIZE, 2), 256);
	}
}
END_TEST

START_TEST(an_enabled_queue_stays_as_it_is)
{
	negotiate();
	make_queue(0, VIRTIO_MSI_NO_VECTOR);
	set(VIRTIO_PCI_COMMON_Q_SIZE, 16, 2);
	set(VIRTIO_PCI_COMMON_Q_DESCLO, 0x70000, 4);
	set(VIRTIO_PCI_COMMON_Q_ENABLE, 0, 2);
	ck_assert_uint_eq(device.queues[0].size, 64);
	ck_assert_uint_eq(device.queues[0].desc, 0x10000);
	ck_assert(device.queues[0].enabled);
}
END_TEST

START_TEST(a_running_device_is_not_configured)
{
	int fd;

	bring_up();
	fd = device.queues[1].call_fd;
	set(VIRTIO_PCI_COMMON_Q_MSIX, 0, 2);
	ck_assert_int_eq(device.queues[1].call_fd, fd);
	set(VIRTIO_PCI_COMMON_GFSELECT, 0, 4);
	set(VIRTIO_PCI_COMMON_GF, 0, 4);
	ck_assert_uint_eq(device.accepted, virtio_device_features(&device));
}
END_TEST

START_TEST(accesses_of_an_unnatural_width_find_nothing)
{
	static const struct {
		unsigned field, size;
	} shapes[] = {
		{ VIRTIO_PCI_COMMON_STATUS, 2 },
		{ VIRTIO_PCI_COMMON_STATUS, 4 },
		{ VIRTIO_PCI_COMMON_MSIX, 1 },
		{ VIRTIO_PCI_COMMON_MSIX, 4 },
		{ VIRTIO_PCI_COMMON_DF, 2 },
		{ VIRTIO_PCI_COMMON_DF + 2, 4 },
		{ VIRTIO_PCI_COMMON_Q_DESCLO, 8 },
		{ VIRTIO_PCI_COMMON_Q_SIZE + 1, 2 },
		{ sizeof(struct virtio_pci_common_cfg), 4 },
		{ 0xffe, 4 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(shapes); i++) {
		uint64_t addr = part(VIRTIO_PCI_CAP_COMMON_CFG) + shapes[i].field;

		bus_write(&mmio, addr, 1, shapes[i].size);
		ck_assert_uint_eq(bus_read(&mmio, addr, shapes[i].size), ones(shapes[i].size));
	}
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_STATUS, 1), 0);
	ck_assert_uint_eq(device.queues[0].desc, 0);
}
END_TEST

START_TEST(the_configuration_is_the_devices)
{
	uint64_t at = part(VIRTIO_PCI_CAP_DEVICE_CFG);

	ck_assert_uint_eq(bus_read(&mmio, at + 1, 1), 0xa1);
	ck_assert_uint_eq(bus_read(&mmio, at + 4, 8), UINT64_C(0xabaaa9a8a7a6a5a4));
	bus_write(&mmio, at + 2, 0x1234, 2);
	ck_assert_uint_eq(settings[2] | settings[3] << 8, 0x1234);
}
END_TEST

START_TEST(the_configuration_ends_where_it_ends)
{
	uint64_t at = part(VIRTIO_PCI_CAP_DEVICE_CFG);

	ck_assert_uint_eq(bus_read(&mmio, at + 11, 2), 0xffff);
	ck_assert_uint_eq(bus_read(&mmio, at + 8, 8), UINT64_MAX);
	bus_write(&mmio, at + 11, 0, 2);
	ck_assert_uint_eq(settings[11], 0xab);
	ck_assert_uint_eq(bus_read(&mmio, at + 0xff8, 8), UINT64_MAX);
}
END_TEST

/* --- interrupts ------------------------------------------------------------------------------- */

START_TEST(a_queue_interrupts_by_its_vector)
{
	const struct fake_kvm_irqfd *irqfd;

	bring_up();
	irqfd = fake_kvm_irqfd(device.queues[1].call_fd);
	ck_assert_ptr_nonnull(irqfd);
	ck_assert_uint_eq(fake_kvm_route(irqfd->gsi)->u.msi.data, 0x42);
	ck_assert_int_ne(device.queues[0].call_fd, device.queues[1].call_fd);
}
END_TEST

START_TEST(a_vector_that_does_not_exist_reads_back_as_none)
{
	set(VIRTIO_PCI_COMMON_Q_MSIX, NR_QUEUES + 1, 2);
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_MSI_NO_VECTOR);
	ck_assert_int_eq(device.queues[0].call_fd, -1);
	set(VIRTIO_PCI_COMMON_MSIX, 0x1234, 2);
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_MSIX, 2), VIRTIO_MSI_NO_VECTOR);
}
END_TEST

START_TEST(a_driver_without_vectors_is_served)
{
	negotiate();
	make_queue(0, VIRTIO_MSI_NO_VECTOR);
	set(VIRTIO_PCI_COMMON_STATUS, 15, 1);
	ck_assert_uint_eq(starts, 1);
	ck_assert_int_eq(device.queues[0].call_fd, -1);
	virtio_device_config_changed(&device);
	ck_assert_uint_eq(bus_read(&mmio, part(VIRTIO_PCI_CAP_ISR_CFG), 1), 2);
}
END_TEST

START_TEST(a_new_configuration_interrupts_by_its_vector)
{
	uint64_t generation, isr = part(VIRTIO_PCI_CAP_ISR_CFG);

	bring_up();
	generation = get(VIRTIO_PCI_COMMON_CFGGENERATION, 1);
	ck_assert(!taken(msix_fd(&pci.msix, 0)));
	virtio_device_config_changed(&device);
	ck_assert(taken(msix_fd(&pci.msix, 0)));
	ck_assert_uint_ne(get(VIRTIO_PCI_COMMON_CFGGENERATION, 1), generation);
	ck_assert_uint_eq(bus_read(&mmio, isr, 1), 2);
	ck_assert_uint_eq(bus_read(&mmio, isr, 1), 0);
}
END_TEST

START_TEST(a_broken_queue_is_told_by_the_configuration_vector)
{
	bring_up();
	virtio_device_break(&device, &device.queues[0], "nonsense");
	ck_assert(taken(msix_fd(&pci.msix, 0)));
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_STATUS, 1), 15 | VIRTIO_CONFIG_S_NEEDS_RESET);
}
END_TEST

/* --- notifications ---------------------------------------------------------------------------- */

START_TEST(notifications_are_ioeventfds)
{
	ck_assert_uint_eq(fake_kvm.nr_ioeventfds, NR_QUEUES);
	for (unsigned i = 0; i < NR_QUEUES; i++)
		ck_assert(has_ioeventfd(i, BAR + NOTIFY + 4 * i));
}
END_TEST

START_TEST(a_notification_that_kvm_left_out_kicks_too)
{
	bus_write(&mmio, BAR + NOTIFY + 4, 1, 2);
	ck_assert(!taken(device.queues[0].kick_fd));
	ck_assert(taken(device.queues[1].kick_fd));
	bus_write(&mmio, BAR + NOTIFY + 4 * NR_QUEUES, 0, 2);
	bus_write(&mmio, BAR + NOTIFY + 2, 0, 2);
	ck_assert(!taken(device.queues[0].kick_fd));
	ck_assert_uint_eq(bus_read(&mmio, BAR + NOTIFY, 2), 0xffff);
}
END_TEST

START_TEST(without_ioeventfds_the_device_still_works)
{
	unsigned given_back;

	virtio_pci_exit(&pci);
	virtio_device_exit(&device);
	fake_kvm_refuse(FAKE_KVM_IOEVENTFD_ASSIGN, ENOSPC, 1);
	ck_assert_int_eq(make(sizeof(settings), BAR), 0);
	ck_assert_uint_eq(fake_kvm.nr_ioeventfds, 1);
	bus_write(&mmio, BAR + NOTIFY + 4, 1, 2);
	ck_assert(taken(device.queues[1].kick_fd));
	/* KVM is asked to give back no more than it took. */
	given_back = fake_kvm.calls[FAKE_KVM_IOEVENTFD_DEASSIGN];
	cfg_write(PCI_COMMAND, 0, 2);
	ck_assert_uint_eq(fake_kvm.calls[FAKE_KVM_IOEVENTFD_DEASSIGN], given_back + 1);
}
END_TEST

/* --- the BAR ---------------------------------------------------------------------------------- */

static void place(uint64_t bar)
{
	cfg_write(PCI_BASE_ADDRESS_0, (uint32_t)bar, 4);
	cfg_write(PCI_BASE_ADDRESS_1, (uint32_t)(bar >> 32), 4);
}

START_TEST(the_bar_tells_its_size)
{
	cfg_write(PCI_COMMAND, 0, 2);
	ck_assert_uint_eq(cfg_read(PCI_BASE_ADDRESS_0, 4), BAR | PCI_BASE_ADDRESS_MEM_TYPE_64);
	place(UINT64_MAX);
	ck_assert_uint_eq(cfg_read(PCI_BASE_ADDRESS_0, 4),
			  ~(VIRTIO_PCI_BAR_SIZE - 1) | PCI_BASE_ADDRESS_MEM_TYPE_64);
	ck_assert_uint_eq(cfg_read(PCI_BASE_ADDRESS_1, 4), 0xffffffff);
	for (unsigned bar = 2; bar < 6; bar++) {
		cfg_write(PCI_BASE_ADDRESS_0 + 4 * bar, 0xffffffff, 4);
		ck_assert_uint_eq(cfg_read(PCI_BASE_ADDRESS_0 + 4 * bar, 4), 0);
	}
	place(BAR);
	cfg_write(PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	ck_assert(has_ioeventfd(0, BAR + NOTIFY));
}
END_TEST

START_TEST(the_bar_answers_only_while_memory_is_decoded)
{
	cfg_write(PCI_COMMAND, 0, 1);
	ck_assert_uint_eq(mmio.nr, 0);
	ck_assert_uint_eq(fake_kvm.nr_ioeventfds, 0);
	cfg_write(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	ck_assert_uint_eq(mmio.nr, 1);
	ck_assert_uint_eq(fake_kvm.nr_ioeventfds, NR_QUEUES);
}
END_TEST

START_TEST(everything_follows_the_bar)
{
	place(MOVED);
	ck_assert_uint_eq(mmio.nr, 1);
	ck_assert_uint_eq(fake_kvm.nr_ioeventfds, NR_QUEUES);
	ck_assert(has_ioeventfd(1, MOVED + NOTIFY + 4));
	ck_assert_uint_eq(bus_read(&mmio, BAR + 0x2000, 4), 0xffffffff);
	ck_assert_uint_eq(bus_read(&mmio, MOVED + 0x2000, 1), 0xa0);
}
END_TEST

START_TEST(a_bar_over_another_device_answers_nowhere_until_it_is_moved)
{
	static const struct bus_ops none;

	ck_assert_int_eq(bus_add(&mmio, MOVED, 0x1000, &none, &root), 0);
	place(MOVED);
	ck_assert_uint_eq(mmio.nr, 1);
	ck_assert_uint_eq(fake_kvm.nr_ioeventfds, 0);
	place(BAR);
	ck_assert_uint_eq(fake_kvm.nr_ioeventfds, NR_QUEUES);
	ck_assert_int_eq(bus_del(&mmio, MOVED, &root), 0);
}
END_TEST

START_TEST(a_function_that_cannot_be_made_leaves_nothing)
{
	virtio_pci_exit(&pci);
	virtio_device_exit(&device);
	ck_assert_int_eq(make(sizeof(settings), BAR + 0x1000), -EINVAL);
	virtio_pci_exit(&pci);
	virtio_device_exit(&device);
	ck_assert_ptr_null(pci_bus_find(&root, 0, DEVFN));
	ck_assert_int_eq(make(sizeof(settings), BAR), 0);
}
END_TEST

/* --- the window in config space --------------------------------------------------------------- */

static void aim(uint8_t bar, uint32_t off, uint32_t size)
{
	unsigned cap = find_cap(VIRTIO_PCI_CAP_PCI_CFG);

	cfg_write(cap + VIRTIO_PCI_CAP_BAR, bar, 1);
	cfg_write(cap + VIRTIO_PCI_CAP_OFFSET, off, 4);
	cfg_write(cap + VIRTIO_PCI_CAP_LENGTH, size, 4);
}

START_TEST(the_window_reads_and_writes_the_bar)
{
	unsigned data = find_cap(VIRTIO_PCI_CAP_PCI_CFG) + sizeof(struct virtio_pci_cap);

	aim(0, VIRTIO_PCI_COMMON_NUMQ, 2);
	ck_assert_uint_eq(cfg_read(data, 2), NR_QUEUES);
	aim(0, VIRTIO_PCI_COMMON_STATUS, 1);
	cfg_write(data, 1, 1);
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_STATUS, 1), 1);
	aim(0, NOTIFY, 2);
	cfg_write(data, 0, 2);
	ck_assert(taken(device.queues[0].kick_fd));
	/* It works without memory decoding: that is what it is for. */
	cfg_write(PCI_COMMAND, 0, 2);
	aim(0, 0x2004, 4);
	ck_assert_uint_eq(cfg_read(data, 4), 0xa7a6a5a4);
}
END_TEST

START_TEST(a_window_to_nowhere_shows_nothing)
{
	static const struct {
		uint8_t bar;
		uint32_t off, size;
	} bad[] = {
		{ 1, VIRTIO_PCI_COMMON_STATUS, 1 },
		{ 0, VIRTIO_PCI_COMMON_STATUS, 0 },
		{ 0, VIRTIO_PCI_COMMON_CFGGENERATION, 3 },
		{ 0, VIRTIO_PCI_COMMON_STATUS, UINT32_MAX },
		{ 0, VIRTIO_PCI_BAR_SIZE, 4 },
		{ 0, UINT32_MAX - 3, 4 },
		{ 0, VIRTIO_PCI_COMMON_STATUS + 1, 2 },
	};
	unsigned data = find_cap(VIRTIO_PCI_CAP_PCI_CFG) + sizeof(struct virtio_pci_cap);

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		aim(bad[i].bar, bad[i].off, bad[i].size);
		cfg_write(data, 1, 4);
		ck_assert_uint_eq(cfg_read(data, 4), 1);
	}
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_STATUS, 1), 0);
}
END_TEST

/* --- reset ------------------------------------------------------------------------------------ */

START_TEST(a_reset_clears_vectors_and_selectors)
{
	bring_up();
	set(VIRTIO_PCI_COMMON_STATUS, 0, 1);
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_STATUS, 1), 0);
	ck_assert_uint_eq(stops, 1);
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_MSIX, 2), VIRTIO_MSI_NO_VECTOR);
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_Q_SELECT, 2), 0);
	for (unsigned i = 0; i < NR_QUEUES; i++) {
		set(VIRTIO_PCI_COMMON_Q_SELECT, i, 2);
		ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_MSI_NO_VECTOR);
		ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
		ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_Q_SIZE, 2), 256);
	}
	bring_up();
	ck_assert_uint_eq(starts, 2);
}
END_TEST

START_TEST(queues_wait_for_the_end_of_a_reset)
{
	bring_up();
	stop_result = false;
	set(VIRTIO_PCI_COMMON_STATUS, 0, 1);
	ck_assert_uint_ne(get(VIRTIO_PCI_COMMON_STATUS, 1), 0);
	set(VIRTIO_PCI_COMMON_Q_MSIX, 0, 2);
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_MSI_NO_VECTOR);
	virtio_device_stopped(&device);
	ck_assert_uint_eq(get(VIRTIO_PCI_COMMON_STATUS, 1), 0);
	ck_assert_int_eq(device.queues[0].call_fd, -1);
}
END_TEST

/* --- noise ------------------------------------------------------------------------------------ */

static uint32_t random_state = 0x9e3779b9;

static uint32_t random_bits(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

START_TEST(any_access_of_any_width_anywhere_is_safe)
{
	stop_result = true;
	for (unsigned i = 0; i < 200000; i++) {
		unsigned size = 1u << random_bits() % 3;
		unsigned off = random_bits() % PCI_CONFIG_SIZE;
		uint64_t addr = BAR + random_bits() % VIRTIO_PCI_BAR_SIZE;

		if (random_bits() % 2)
			off %= 256;
		cfg_read(off, size);
		cfg_write(off, random_bits(), size);
		if (random_bits() % 64 == 0) {
			place(BAR);
			cfg_write(PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
		}
		size = 1u << random_bits() % 4;
		bus_read(&mmio, addr, size);
		bus_write(&mmio, random_bits() % 2 ? addr : BAR + random_bits() % 64,
			  random_bits() % 4 ? random_bits() : random_bits() % 16, size);
	}
}
END_TEST

static void add_setup(Suite *suite)
{
	TCase *tcase = suite_case(suite, "set-up", setup, teardown);

	tcase_add_test(tcase, the_function_is_a_modern_virtio_device);
	tcase_add_test(tcase, every_part_has_its_capability);
	tcase_add_test(tcase, a_device_without_configuration_has_no_capability_for_it);
	tcase_add_test(tcase, a_driver_brings_the_device_up);
	tcase_add_test(tcase, both_halves_of_an_address_are_kept);
	tcase_add_test(tcase, features_beyond_64_bits_are_none);
	tcase_add_test(tcase, a_queue_that_does_not_exist_has_no_size);
	tcase_add_test(tcase, a_size_that_is_none_is_ignored);
	tcase_add_test(tcase, an_enabled_queue_stays_as_it_is);
	tcase_add_test(tcase, a_running_device_is_not_configured);
	tcase_add_test(tcase, accesses_of_an_unnatural_width_find_nothing);
	tcase_add_test(tcase, the_configuration_is_the_devices);
	tcase_add_test(tcase, the_configuration_ends_where_it_ends);
}

static void add_notices(Suite *suite)
{
	TCase *tcase = suite_case(suite, "interrupts", setup, teardown);

	tcase_add_test(tcase, a_queue_interrupts_by_its_vector);
	tcase_add_test(tcase, a_vector_that_does_not_exist_reads_back_as_none);
	tcase_add_test(tcase, a_driver_without_vectors_is_served);
	tcase_add_test(tcase, a_new_configuration_interrupts_by_its_vector);
	tcase_add_test(tcase, a_broken_queue_is_told_by_the_configuration_vector);
	tcase = suite_case(suite, "notifications", setup, teardown);
	tcase_add_test(tcase, notifications_are_ioeventfds);
	tcase_add_test(tcase, a_notification_that_kvm_left_out_kicks_too);
	tcase_add_test(tcase, without_ioeventfds_the_device_still_works);
}

int main(void)
{
	Suite *suite = suite_create("virtio_pci");
	TCase *tcase;

	add_setup(suite);
	add_notices(suite);
	tcase = suite_case(suite, "bar", setup, teardown);
	tcase_add_test(tcase, the_bar_tells_its_size);
	tcase_add_test(tcase, the_bar_answers_only_while_memory_is_decoded);
	tcase_add_test(tcase, everything_follows_the_bar);
	tcase_add_test(tcase, a_bar_over_another_device_answers_nowhere_until_it_is_moved);
	tcase_add_test(tcase, a_function_that_cannot_be_made_leaves_nothing);
	tcase = suite_case(suite, "window", setup, teardown);
	tcase_add_test(tcase, the_window_reads_and_writes_the_bar);
	tcase_add_test(tcase, a_window_to_nowhere_shows_nothing);
	tcase = suite_case(suite, "reset", setup, teardown);
	tcase_add_test(tcase, a_reset_clears_vectors_and_selectors);
	tcase_add_test(tcase, queues_wait_for_the_end_of_a_reset);
	tcase = suite_case(suite, "noise", setup, teardown);
	tcase_add_test(tcase, any_access_of_any_width_anywhere_is_safe);
	return suite_run(suite);
}
