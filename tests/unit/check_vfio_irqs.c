/* SPDX-License-Identifier: BSD-3-Clause */
/* INTx, MSI and MSI-X between the host's driver and KVM. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "devices/vfio/power.h"
#include "tests/fake/fake_kvm.h"
#include "tests/fake/fake_vfio.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

static struct fake_vfio *fake;
static struct vfio_irqs *irqs;

static void set_up(void)
{
	fake = fake_vfio_new("fake0");
	irqs = &fake->device.irqs;
}

static void set_up_started(void)
{
	set_up();
	fake_vfio_start(fake);
}

static void tear_down(void)
{
	fake_vfio_free(fake);
}

static void decode(uint16_t bits)
{
	fake_vfio_config_write(fake, PCI_COMMAND, bits, 2);
}

/* MSI with 2^@order vectors; @order -1: off. */
static void msi_set(int order)
{
	uint32_t flags = order < 0 ? 0 : PCI_MSI_FLAGS_ENABLE | (uint32_t)order << 4;

	fake_vfio_config_write(fake, FAKE_VFIO_MSI + PCI_MSI_FLAGS, flags, 2);
}

static void msix_set(uint32_t flags)
{
	fake_vfio_config_write(fake, FAKE_VFIO_MSIX + PCI_MSIX_FLAGS, flags, 2);
}

#define TABLE (FAKE_VFIO_BAR0 + FAKE_VFIO_MSIX_TABLE)

static void entry_set(unsigned entry, uint64_t addr, uint32_t data, bool masked)
{
	bus_write(&fake->mmio, TABLE + entry * 16, addr, 8);
	bus_write(&fake->mmio, TABLE + entry * 16 + 8, data, 4);
	bus_write(&fake->mmio, TABLE + entry * 16 + 12, masked, 4);
}

/* MSI-X as Linux begins: on, every entry masked. */
static void msix_begin(void)
{
	decode(PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
	msix_set(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	msix_set(PCI_MSIX_FLAGS_ENABLE);
}

static void no_resize(void)
{
	fake->device.irq_flags[VFIO_PCI_MSIX_IRQ_INDEX] = VFIO_IRQ_INFO_NORESIZE;
}

static uint64_t count_of(int fd)
{
	eventfd_t count = 0;

	return eventfd_read(fd, &count) ? 0 : count;
}

/* --- INTx ----------------------------------------------------------------------------------------
 */

START_TEST(intx_is_set_up_when_the_guest_uses_the_device)
{
	ck_assert_int_eq(irqs->mode, VFIO_IRQ_NONE);
	decode(PCI_COMMAND_MEMORY);
	ck_assert_int_eq(irqs->mode, VFIO_IRQ_INTX);
	ck_assert(irqs->intx_bound);
	ck_assert_uint_eq(irqs->intx_gsi, 16);
	ck_assert_int_eq(fake->irq_fds[VFIO_PCI_INTX_IRQ_INDEX][0], irqs->intx_fd);
	ck_assert_int_eq(fake->unmask_fd, irqs->intx_resample_fd);
	ck_assert_uint_eq(fake_kvm_irqfd(irqs->intx_fd)->gsi, 16);
	ck_assert_int_eq(fake_kvm_irqfd(irqs->intx_fd)->resample_fd, irqs->intx_resample_fd);
	decode(0);
	ck_assert_int_eq(irqs->mode, VFIO_IRQ_NONE);
	ck_assert_int_eq(fake->irq_fds[VFIO_PCI_INTX_IRQ_INDEX][0], -1);
}
END_TEST

START_TEST(toggling_intx_disable_sets_nothing_up_again)
{
	decode(PCI_COMMAND_MEMORY);
	fake_vfio_clear(fake);
	decode(PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
	decode(PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(fake_vfio_count(fake, "set_irq_fds"), 0);
	ck_assert_uint_eq(fake_vfio_count(fake, "irq_disable"), 0);
}
END_TEST

START_TEST(device_without_a_pin_gets_no_intx)
{
	fake_vfio_put(fake, PCI_INTERRUPT_PIN, 0, 1);
	fake_vfio_start(fake);
	decode(PCI_COMMAND_MEMORY);
	ck_assert_int_eq(irqs->mode, VFIO_IRQ_NONE);
}
END_TEST

/* vfio's unmask handler touches config space without waking the device first. */
START_TEST(sealing_takes_intx_out_of_kvm_without_a_call)
{
	decode(PCI_COMMAND_MEMORY);
	fake_vfio_clear(fake);
	vfio_device_seal(&fake->device);
	ck_assert(!irqs->intx_bound);
	ck_assert_ptr_null(fake_kvm_irqfd(irqs->intx_fd));
	ck_assert_uint_eq(count_of(irqs->intx_resample_fd), 0);
	ck_assert_uint_eq(fake_vfio_count(fake, NULL), 0);
}
END_TEST

START_TEST(intx_is_out_of_kvm_while_the_port_sleeps)
{
	decode(PCI_COMMAND_MEMORY);
	ck_assert(irqs->intx_bound);
	vfio_device_follow_port(&fake->device, true);
	ck_assert(!irqs->intx_bound);
	vfio_device_seal(&fake->device);
	vfio_device_follow_port(&fake->device, false);
	ck_assert(!irqs->intx_bound);
	fake_vfio_unseal(fake);
	ck_assert(irqs->intx_bound);
	vfio_device_follow_port(&fake->device, true);
	vfio_device_follow_port(&fake->device, false);
	ck_assert(irqs->intx_bound);
}
END_TEST

START_TEST(unsealing_binds_intx_and_resamples_once)
{
	decode(PCI_COMMAND_MEMORY);
	vfio_device_seal(&fake->device);
	vfio_device_seal(&fake->device);
	fake_vfio_unseal(fake);
	ck_assert(irqs->intx_bound);
	ck_assert_uint_eq(count_of(irqs->intx_resample_fd), 1);
}
END_TEST

START_TEST(refused_intx_leaves_nothing_behind)
{
	fake_vfio_refuse(fake, "set_irq_fds", EBUSY, 1);
	decode(PCI_COMMAND_MEMORY);
	ck_assert_int_eq(irqs->mode, VFIO_IRQ_NONE);
	ck_assert_int_eq(irqs->intx_fd, -1);
	ck_assert_int_eq(irqs->intx_resample_fd, -1);
	ck_assert(!irqs->intx_bound);
}
END_TEST

/* --- MSI -----------------------------------------------------------------------------------------
 */

START_TEST(msi_replaces_intx)
{
	decode(PCI_COMMAND_MEMORY);
	msi_set(0);
	ck_assert_int_eq(irqs->mode, VFIO_IRQ_MSI);
	ck_assert_uint_eq(fake->irq_nr[VFIO_PCI_INTX_IRQ_INDEX], 0);
	ck_assert_uint_eq(fake->irq_nr[VFIO_PCI_MSI_IRQ_INDEX], 1);
	msi_set(-1);
	ck_assert_int_eq(irqs->mode, VFIO_IRQ_INTX);
}
END_TEST

START_TEST(msi_vectors_carry_their_number_in_the_data)
{
	fake_vfio_config_write(fake, FAKE_VFIO_MSI + PCI_MSI_ADDRESS_LO, 0xfee01000, 4);
	fake_vfio_config_write(fake, FAKE_VFIO_MSI + PCI_MSI_ADDRESS_HI, 0x1, 4);
	fake_vfio_config_write(fake, FAKE_VFIO_MSI + PCI_MSI_DATA_64, 0x4043, 2);
	msi_set(2);
	ck_assert_uint_eq(fake->irq_nr[VFIO_PCI_MSI_IRQ_INDEX], 4);
	for (unsigned i = 0; i < 4; i++) {
		const struct irqchip_route *route = &fake->irqchip.msi[irqs->vectors[i].gsi];

		ck_assert(irqs->vectors[i].bound);
		ck_assert_uint_eq(route->addr, 0x1fee01000);
		ck_assert_uint_eq(route->data, 0x4040 + i);
		ck_assert_int_eq(fake->irq_fds[VFIO_PCI_MSI_IRQ_INDEX][i],
				 irqs->vectors[i].event_fd);
	}
}
END_TEST

START_TEST(msi_has_no_more_vectors_than_the_device)
{
	fake->device.irq_counts[VFIO_PCI_MSI_IRQ_INDEX] = 32;
	msi_set(5); /* 32, the capability says 8 */
	ck_assert_uint_eq(fake->irq_nr[VFIO_PCI_MSI_IRQ_INDEX], 8);
	msi_set(7);
	ck_assert_uint_eq(fake->irq_nr[VFIO_PCI_MSI_IRQ_INDEX], 8);
}
END_TEST

START_TEST(another_number_of_msi_vectors_is_set_up_anew)
{
	msi_set(0);
	msi_set(3);
	ck_assert_uint_eq(fake->irq_nr[VFIO_PCI_MSI_IRQ_INDEX], 8);
	ck_assert(irqs->vectors[7].bound);
	msi_set(1);
	ck_assert_uint_eq(fake->irq_nr[VFIO_PCI_MSI_IRQ_INDEX], 2);
	ck_assert_int_eq(irqs->vectors[2].event_fd, -1);
}
END_TEST

START_TEST(masked_msi_vector_stays_in_its_eventfd)
{
	msi_set(1);
	fake_vfio_config_write(fake, FAKE_VFIO_MSI + PCI_MSI_MASK_64, 0x2, 4);
	ck_assert(irqs->vectors[0].bound);
	ck_assert(!irqs->vectors[1].bound);
	ck_assert_int_ge(irqs->vectors[1].event_fd, 0);
	ck_assert_ptr_null(fake_kvm_irqfd(irqs->vectors[1].event_fd));
	fake_vfio_config_write(fake, FAKE_VFIO_MSI + PCI_MSI_MASK_64, 0, 4);
	ck_assert(irqs->vectors[1].bound);
}
END_TEST

START_TEST(refused_msi_is_tried_again_at_the_next_write)
{
	fake_vfio_refuse(fake, "set_irq_fds", ENOSPC, 1);
	msi_set(1);
	ck_assert_int_eq(irqs->mode, VFIO_IRQ_NONE);
	ck_assert_int_eq(irqs->vectors[0].event_fd, -1);
	msi_set(1);
	ck_assert_int_eq(irqs->mode, VFIO_IRQ_MSI);
}
END_TEST

/* --- MSI-X ---------------------------------------------------------------------------------------
 */

START_TEST(msix_begins_with_one_vector)
{
	msix_begin();
	ck_assert_int_eq(irqs->mode, VFIO_IRQ_MSIX);
	ck_assert_uint_eq(fake->irq_nr[VFIO_PCI_MSIX_IRQ_INDEX], 1);
	ck_assert_int_eq(fake->irq_fds[VFIO_PCI_MSIX_IRQ_INDEX][0], -1);
}
END_TEST

START_TEST(msix_enabled_late_takes_what_is_unmasked)
{
	decode(PCI_COMMAND_MEMORY);
	entry_set(5, 0xfee00000, 0x31, false);
	msix_set(PCI_MSIX_FLAGS_ENABLE);
	ck_assert_uint_eq(fake->irq_nr[VFIO_PCI_MSIX_IRQ_INDEX], 6);
	ck_assert(irqs->vectors[5].bound);
	ck_assert_int_eq(irqs->vectors[4].event_fd, -1);
}
END_TEST

START_TEST(unmasked_vector_is_routed)
{
	msix_begin();
	entry_set(0, 0x1fee02000, 0x4055, false);
	ck_assert(irqs->vectors[0].bound);
	ck_assert_uint_eq(fake->irqchip.msi[irqs->vectors[0].gsi].addr, 0x1fee02000);
	ck_assert_uint_eq(fake->irqchip.msi[irqs->vectors[0].gsi].data, 0x4055);
	ck_assert_int_eq(fake->irq_fds[VFIO_PCI_MSIX_IRQ_INDEX][0], irqs->vectors[0].event_fd);
}
END_TEST

START_TEST(vector_that_kvm_refuses_is_tried_again)
{
	msix_begin();
	fake_kvm_refuse(FAKE_KVM_IRQFD_ASSIGN, EINVAL, 0);
	entry_set(0, 0xfee00000, 0x33, false);
	ck_assert(!irqs->vectors[0].bound);
	fake_kvm_refuse(FAKE_KVM_IRQFD_ASSIGN, 0, 0);
	entry_set(0, 0xfee00000, 0x33, false);
	ck_assert(irqs->vectors[0].bound);
}
END_TEST

START_TEST(masked_vector_costs_no_eventfd)
{
	msix_begin();
	fake_vfio_clear(fake);
	for (unsigned i = 0; i < FAKE_VFIO_MSIX_ENTRIES; i++)
		entry_set(i, 0xfee00000, i, true);
	ck_assert_uint_eq(fake_vfio_count(fake, NULL), 0);
	for (unsigned i = 0; i < FAKE_VFIO_MSIX_ENTRIES; i++)
		ck_assert_int_eq(irqs->vectors[i].event_fd, -1);
}
END_TEST

START_TEST(vector_masked_again_keeps_its_eventfd)
{
	int fd;

	msix_begin();
	entry_set(3, 0xfee00000, 0x33, false);
	fd = irqs->vectors[3].event_fd;
	bus_write(&fake->mmio, TABLE + 3 * 16 + 12, 1, 4);
	ck_assert(!irqs->vectors[3].bound);
	ck_assert_int_eq(irqs->vectors[3].event_fd, fd);
	fake_vfio_clear(fake);
	bus_write(&fake->mmio, TABLE + 3 * 16 + 12, 0, 4);
	ck_assert(irqs->vectors[3].bound);
	ck_assert_uint_eq(fake_vfio_count(fake, NULL), 0);
}
END_TEST

START_TEST(masked_function_delivers_nothing)
{
	msix_begin();
	entry_set(0, 0xfee00000, 0x33, false);
	entry_set(1, 0xfee00000, 0x34, false);
	msix_set(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	ck_assert(!irqs->vectors[0].bound);
	ck_assert(!irqs->vectors[1].bound);
	msix_set(PCI_MSIX_FLAGS_ENABLE);
	ck_assert(irqs->vectors[0].bound);
	ck_assert(irqs->vectors[1].bound);
}
END_TEST

START_TEST(refused_msix_leaves_nothing_behind)
{
	decode(PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
	entry_set(2, 0xfee00000, 0x31, false);
	fake_vfio_refuse(fake, "set_irq_fds", ENOSPC, 1);
	msix_set(PCI_MSIX_FLAGS_ENABLE);
	ck_assert_int_eq(irqs->mode, VFIO_IRQ_NONE);
	ck_assert_int_eq(irqs->vectors[2].event_fd, -1);
}
END_TEST

START_TEST(new_vector_is_added_while_the_others_work)
{
	msix_begin();
	entry_set(0, 0xfee00000, 0x33, false);
	fake_vfio_clear(fake);
	entry_set(9, 0xfee00000, 0x34, false);
	ck_assert_uint_eq(fake_vfio_count(fake, "irq_disable"), 0);
	ck_assert_int_ge(fake_vfio_find(fake, "set_irq_fds 2 9+1", 0), 0);
	ck_assert(irqs->vectors[9].bound);
}
END_TEST

START_TEST(host_that_cannot_add_is_switched_off_and_on)
{
	int fd;

	no_resize();
	fake_vfio_start(fake);
	msix_begin();
	entry_set(0, 0xfee00000, 0x33, false);
	fd = irqs->vectors[0].event_fd;
	fake_vfio_clear(fake);
	entry_set(9, 0xfee00000, 0x34, false);
	ck_assert_uint_eq(fake_vfio_count(fake, "irq_disable"), 1);
	ck_assert_uint_ge(fake->irq_nr[VFIO_PCI_MSIX_IRQ_INDEX], 10);
	ck_assert_int_eq(fake->irq_fds[VFIO_PCI_MSIX_IRQ_INDEX][0], fd);
	ck_assert_int_eq(fake->irq_fds[VFIO_PCI_MSIX_IRQ_INDEX][9], irqs->vectors[9].event_fd);
	ck_assert(irqs->vectors[9].bound);
	/* What arrived in the gap is lost: everybody looks. */
	ck_assert_uint_ge(count_of(fd), 1);
}
END_TEST

START_TEST(one_vector_after_the_other_does_not_switch_each_time)
{
	no_resize();
	fake_vfio_start(fake);
	msix_begin();
	fake_vfio_clear(fake);
	for (unsigned i = 0; i < FAKE_VFIO_MSIX_ENTRIES; i++)
		entry_set(i, 0xfee00000, i, false);
	ck_assert_uint_le(fake_vfio_count(fake, "irq_disable"), 4);
	for (unsigned i = 0; i < FAKE_VFIO_MSIX_ENTRIES; i++)
		ck_assert(irqs->vectors[i].bound);
}
END_TEST

START_TEST(host_short_of_vectors_keeps_the_old_ones)
{
	no_resize();
	fake_vfio_start(fake);
	msix_begin();
	entry_set(0, 0xfee00000, 0x33, false);
	fake_vfio_refuse(fake, "set_irq_fds", ENOSPC, 2);
	entry_set(4, 0xfee00000, 0x34, false);
	ck_assert_int_eq(irqs->vectors[4].event_fd, -1);
	ck_assert(irqs->vectors[0].bound);
	ck_assert_uint_eq(fake->irq_nr[VFIO_PCI_MSIX_IRQ_INDEX], 1);
	ck_assert_int_eq(fake->irq_fds[VFIO_PCI_MSIX_IRQ_INDEX][0], irqs->vectors[0].event_fd);
}
END_TEST

START_TEST(vector_that_the_host_refuses_is_dead_and_nothing_else)
{
	msix_begin();
	entry_set(0, 0xfee00000, 0x33, false);
	fake_vfio_refuse(fake, "set_irq_fds", ENOSPC, 0);
	entry_set(1, 0xfee00000, 0x34, false);
	ck_assert_int_eq(irqs->vectors[1].event_fd, -1);
	ck_assert(irqs->vectors[0].bound);
}
END_TEST

START_TEST(disabled_msix_gives_everything_back)
{
	unsigned used = 0;

	msix_begin();
	entry_set(0, 0xfee00000, 0x33, false);
	entry_set(5, 0xfee00000, 0x34, false);
	msix_set(0);
	ck_assert_uint_eq(fake->irq_nr[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	for (unsigned i = 0; i < irqs->nr_vectors; i++)
		ck_assert_int_eq(irqs->vectors[i].event_fd, -1);
	for (unsigned i = 0; i < IRQCHIP_GSIS; i++)
		used += fake->irqchip.msi[i].used;
	ck_assert_uint_eq(used, 0);
}
END_TEST

START_TEST(vectors_beyond_the_hosts_count_are_dead)
{
	fake->device.irq_counts[VFIO_PCI_MSIX_IRQ_INDEX] = 4;
	fake->device.irq_counts[VFIO_PCI_MSI_IRQ_INDEX] = 0;
	fake_vfio_put(fake, FAKE_VFIO_PM + 1, FAKE_VFIO_MSIX, 1); /* no MSI */
	fake_vfio_start(fake);
	msix_begin();
	entry_set(3, 0xfee00000, 0x33, false);
	entry_set(4, 0xfee00000, 0x34, false);
	entry_set(15, 0xfee00000, 0x34, false);
	ck_assert(irqs->vectors[3].bound);
	ck_assert_uint_eq(irqs->nr_vectors, 4);
}
END_TEST

START_TEST(interrupts_of_a_sealed_device_survive)
{
	msix_begin();
	entry_set(0, 0xfee00000, 0x33, false);
	fake_vfio_clear(fake);
	vfio_device_seal(&fake->device);
	ck_assert(irqs->vectors[0].bound);
	fake_vfio_unseal(fake);
	ck_assert(irqs->vectors[0].bound);
	ck_assert_uint_eq(fake_vfio_count(fake, "set_irq_fds"), 0);
}
END_TEST

/* --- the table in the BAR ------------------------------------------------------------------------
 */

START_TEST(table_is_masked_at_first_and_reads_what_was_written)
{
	decode(PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bus_read(&fake->mmio, TABLE + 15 * 16 + 12, 4), 1);
	fake_vfio_clear(fake);
	bus_write(&fake->mmio, TABLE + 16, 0x1122334455667788, 8);
	ck_assert_uint_eq(bus_read(&fake->mmio, TABLE + 16, 4), 0x55667788);
	ck_assert_uint_eq(bus_read(&fake->mmio, TABLE + 20, 4), 0x11223344);
	ck_assert_uint_eq(fake_vfio_count(fake, NULL), 0);
	ck_assert_uint_eq(fake->bars[0][FAKE_VFIO_MSIX_TABLE + 16], 0);
}
END_TEST

START_TEST(pending_bits_read_zero_and_cannot_be_written)
{
	const uint64_t pba = FAKE_VFIO_BAR0 + FAKE_VFIO_MSIX_PBA;

	decode(PCI_COMMAND_MEMORY);
	fake->bars[0][FAKE_VFIO_MSIX_PBA] = 0xff;
	ck_assert_uint_eq(bus_read(&fake->mmio, pba, 8), 0);
	bus_write(&fake->mmio, pba, 0, 8);
	ck_assert_uint_eq(fake->bars[0][FAKE_VFIO_MSIX_PBA], 0xff);
}
END_TEST

START_TEST(registers_beside_the_table_are_the_devices)
{
	decode(PCI_COMMAND_MEMORY);
	fake->bars[0][FAKE_VFIO_MSIX_TABLE + 256] = 0x42;
	ck_assert_uint_eq(bus_read(&fake->mmio, TABLE + 256, 1), 0x42);
}
END_TEST

START_TEST(access_half_in_the_table_is_dropped)
{
	decode(PCI_COMMAND_MEMORY);
	fake_vfio_clear(fake);
	ck_assert_uint_eq(bus_read(&fake->mmio, TABLE + 252, 8), UINT64_MAX);
	bus_write(&fake->mmio, TABLE - 4, 0, 8);
	ck_assert_uint_eq(bus_read(&fake->mmio, TABLE + 12, 4), 1);
	ck_assert_uint_eq(fake_vfio_count(fake, NULL), 0);
}
END_TEST

START_TEST(random_writes_are_harmless)
{
	unsigned seed = 1;

	msix_begin();
	for (unsigned i = 0; i < 3000; i++) {
		uint64_t off = (uint64_t)rand_r(&seed) % 0x140;

		bus_write(&fake->mmio, TABLE + off, (uint64_t)rand_r(&seed) << 8,
			  1u << rand_r(&seed) % 4);
		if (i % 64 == 0)
			msix_set((uint32_t)rand_r(&seed));
		if (i % 64 == 32)
			msi_set(rand_r(&seed) % 9 - 1);
	}
}
END_TEST

/* --- ERR and REQ ---------------------------------------------------------------------------------
 */

START_TEST(error_and_request_are_asked_for)
{
	ck_assert_int_ge(irqs->err_fd, 0);
	ck_assert_int_eq(fake->irq_fds[VFIO_PCI_ERR_IRQ_INDEX][0], irqs->err_fd);
	ck_assert_int_ge(irqs->req_fd, 0);
	ck_assert_int_eq(fake->irq_fds[VFIO_PCI_REQ_IRQ_INDEX][0], irqs->req_fd);
}
END_TEST

START_TEST(device_without_error_interrupt_works)
{
	fake->device.irq_counts[VFIO_PCI_ERR_IRQ_INDEX] = 0;
	fake_vfio_refuse(fake, "set_irq_fds", EINVAL, 1);
	fake_vfio_start(fake);
	ck_assert_int_eq(irqs->err_fd, -1);
	ck_assert_int_eq(irqs->req_fd, -1);
	msix_begin();
	ck_assert_int_eq(irqs->mode, VFIO_IRQ_MSIX);
}
END_TEST

START_TEST(closed_device_has_no_interrupt_left)
{
	msix_begin();
	entry_set(0, 0xfee00000, 0x33, false);
	vfio_device_close(&fake->device);
	for (unsigned i = 0; i < VFIO_PCI_NUM_IRQS; i++)
		ck_assert_uint_eq(fake->irq_nr[i], 0);
	ck_assert_int_eq(irqs->req_fd, -1);
	ck_assert_ptr_null(irqs->vectors);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("vfio_irqs");
	TCase *raw = tcase_create("before start"), *up = tcase_create("started");

	tcase_add_checked_fixture(raw, set_up, tear_down);
	tcase_add_test(raw, device_without_a_pin_gets_no_intx);
	tcase_add_test(raw, host_that_cannot_add_is_switched_off_and_on);
	tcase_add_test(raw, one_vector_after_the_other_does_not_switch_each_time);
	tcase_add_test(raw, host_short_of_vectors_keeps_the_old_ones);
	tcase_add_test(raw, vectors_beyond_the_hosts_count_are_dead);
	tcase_add_test(raw, device_without_error_interrupt_works);
	suite_add_tcase(s, raw);

	tcase_add_checked_fixture(up, set_up_started, tear_down);
	tcase_add_test(up, intx_is_set_up_when_the_guest_uses_the_device);
	tcase_add_test(up, toggling_intx_disable_sets_nothing_up_again);
	tcase_add_test(up, sealing_takes_intx_out_of_kvm_without_a_call);
	tcase_add_test(up, intx_is_out_of_kvm_while_the_port_sleeps);
	tcase_add_test(up, unsealing_binds_intx_and_resamples_once);
	tcase_add_test(up, refused_intx_leaves_nothing_behind);
	tcase_add_test(up, msi_replaces_intx);
	tcase_add_test(up, msi_vectors_carry_their_number_in_the_data);
	tcase_add_test(up, msi_has_no_more_vectors_than_the_device);
	tcase_add_test(up, another_number_of_msi_vectors_is_set_up_anew);
	tcase_add_test(up, masked_msi_vector_stays_in_its_eventfd);
	tcase_add_test(up, refused_msi_is_tried_again_at_the_next_write);
	tcase_add_test(up, msix_begins_with_one_vector);
	tcase_add_test(up, msix_enabled_late_takes_what_is_unmasked);
	tcase_add_test(up, unmasked_vector_is_routed);
	tcase_add_test(up, vector_that_kvm_refuses_is_tried_again);
	tcase_add_test(up, masked_vector_costs_no_eventfd);
	tcase_add_test(up, vector_masked_again_keeps_its_eventfd);
	tcase_add_test(up, masked_function_delivers_nothing);
	tcase_add_test(up, refused_msix_leaves_nothing_behind);
	tcase_add_test(up, new_vector_is_added_while_the_others_work);
	tcase_add_test(up, vector_that_the_host_refuses_is_dead_and_nothing_else);
	tcase_add_test(up, disabled_msix_gives_everything_back);
	tcase_add_test(up, interrupts_of_a_sealed_device_survive);
	tcase_add_test(up, table_is_masked_at_first_and_reads_what_was_written);
	tcase_add_test(up, pending_bits_read_zero_and_cannot_be_written);
	tcase_add_test(up, registers_beside_the_table_are_the_devices);
	tcase_add_test(up, access_half_in_the_table_is_dropped);
	tcase_add_test(up, random_writes_are_harmless);
	tcase_add_test(up, error_and_request_are_asked_for);
	tcase_add_test(up, closed_device_has_no_interrupt_left);
	suite_add_tcase(s, up);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
