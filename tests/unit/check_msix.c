/* SPDX-License-Identifier: BSD-3-Clause */
/* MSI-X of an emulated function: when a vector reaches KVM, and where to. */
#include "devices/msix.h"

#include <errno.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "devices/pci.h"
#include "tests/fake/fake_kvm.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/irqchip.h"

#define NR	 70
#define CAP	 0x40
#define MSI_ADDR 0xfee01000

static struct kvm kvm;
static struct irqchip chip;
static struct pci_config config;
static struct msix msix;

static void setup(void)
{
	const char *missing;

	fake_kvm_reset();
	ck_assert_int_eq(kvm_open(&kvm, &missing), 0);
	ck_assert_int_eq(irqchip_init(&chip, &kvm), 0);
	config = (struct pci_config){ 0 };
	ck_assert_int_eq(msix_init(&msix, &chip, &config, CAP, 0x60, NR, 2, 0x4000, 0x5000), 0);
}

static void teardown(void)
{
	msix_exit(&msix);
	irqchip_exit(&chip);
}

static void set_entry(unsigned i, uint32_t addr, uint32_t data, uint32_t control)
{
	msix_table_write(&msix, i * 16, addr, 4);
	msix_table_write(&msix, i * 16 + 4, 0, 4);
	msix_table_write(&msix, i * 16 + 8, data, 4);
	msix_table_write(&msix, i * 16 + 12, control, 4);
}

static const struct fake_kvm_irqfd *irqfd(unsigned i)
{
	return fake_kvm_irqfd(msix_fd(&msix, i));
}

static void raise_vector(unsigned i)
{
	uint64_t one = 1;

	ck_assert_int_eq(write(msix_fd(&msix, i), &one, sizeof(one)), sizeof(one));
}

START_TEST(the_capability_says_where_the_vectors_are)
{
	ck_assert_uint_eq(pci_config_read(&config, CAP, 2), 0x6000 | PCI_CAP_ID_MSIX);
	ck_assert_uint_eq(pci_config_read(&config, CAP + PCI_MSIX_FLAGS, 2), NR - 1);
	ck_assert_uint_eq(pci_config_read(&config, CAP + PCI_MSIX_TABLE, 4), 0x4002);
	ck_assert_uint_eq(pci_config_read(&config, CAP + PCI_MSIX_PBA, 4), 0x5002);
	pci_config_write(&config, CAP + PCI_MSIX_FLAGS, 0xffff, 2);
	ck_assert_uint_eq(pci_config_read(&config, CAP + PCI_MSIX_FLAGS, 2), 0xc000 | (NR - 1));
}
END_TEST

START_TEST(a_vector_reaches_kvm_once_it_is_enabled_and_unmasked)
{
	const struct kvm_irq_routing_entry *route;

	set_entry(3, MSI_ADDR, 0x4021, 0);
	ck_assert_ptr_null(irqfd(3));
	msix_control(&msix, PCI_MSIX_FLAGS_ENABLE);
	ck_assert_ptr_nonnull(irqfd(3));
	route = fake_kvm_route(irqfd(3)->gsi);
	ck_assert_uint_eq(route->u.msi.address_lo, MSI_ADDR);
	ck_assert_uint_eq(route->u.msi.data, 0x4021);
	ck_assert_uint_eq(fake_kvm.nr_irqfds, 1);
}
END_TEST

START_TEST(a_masked_vector_is_taken_out_of_kvm)
{
	msix_control(&msix, PCI_MSIX_FLAGS_ENABLE);
	set_entry(0, MSI_ADDR, 1, 0);
	ck_assert_ptr_nonnull(irqfd(0));
	msix_table_write(&msix, 12, PCI_MSIX_ENTRY_CTRL_MASKBIT, 4);
	ck_assert_ptr_null(irqfd(0));
	msix_table_write(&msix, 12, 0, 4);
	ck_assert_ptr_nonnull(irqfd(0));
}
END_TEST

START_TEST(a_masked_function_masks_every_vector)
{
	msix_control(&msix, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	set_entry(0, MSI_ADDR, 1, 0);
	set_entry(1, MSI_ADDR, 2, 0);
	ck_assert_uint_eq(fake_kvm.nr_irqfds, 0);
	msix_control(&msix, PCI_MSIX_FLAGS_ENABLE);
	ck_assert_uint_eq(fake_kvm.nr_irqfds, 2);
	msix_control(&msix, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	ck_assert_uint_eq(fake_kvm.nr_irqfds, 0);
}
END_TEST

START_TEST(a_new_address_of_an_open_vector_counts_at_once)
{
	msix_control(&msix, PCI_MSIX_FLAGS_ENABLE);
	set_entry(0, MSI_ADDR, 1, 0);
	msix_table_write(&msix, 8, 0x55, 4);
	ck_assert_uint_eq(fake_kvm_route(irqfd(0)->gsi)->u.msi.data, 0x55);
	ck_assert_uint_eq(fake_kvm.nr_irqfds, 1);
}
END_TEST

START_TEST(what_comes_while_masked_is_pending)
{
	msix_control(&msix, PCI_MSIX_FLAGS_ENABLE);
	set_entry(65, MSI_ADDR, 1, PCI_MSIX_ENTRY_CTRL_MASKBIT);
	ck_assert_uint_eq(msix_pba_read(&msix, 8, 8), 0);
	raise_vector(65);
	raise_vector(2);
	ck_assert_uint_eq(msix_pba_read(&msix, 8, 8), 2);
	ck_assert_uint_eq(msix_pba_read(&msix, 0, 4), 4);
	ck_assert_uint_eq(msix_pba_read(&msix, 4, 4), 0);
	/* Bound, the eventfd is KVM's, which injects what it finds. */
	msix_table_write(&msix, 65 * 16 + 12, 0, 4);
	ck_assert_uint_eq(msix_pba_read(&msix, 8, 8), 0);
}
END_TEST

START_TEST(what_came_before_msix_was_on_is_forgotten)
{
	raise_vector(0);
	ck_assert_uint_eq(msix_pba_read(&msix, 0, 8), 0);
	msix_control(&msix, PCI_MSIX_FLAGS_ENABLE);
	ck_assert_uint_eq(msix_pba_read(&msix, 0, 8), 0);
}
END_TEST

START_TEST(switching_off_gives_everything_back)
{
	unsigned routes = fake_kvm.nr_routes;

	msix_control(&msix, PCI_MSIX_FLAGS_ENABLE);
	set_entry(0, MSI_ADDR, 1, 0);
	set_entry(1, MSI_ADDR, 2, 0);
	msix_control(&msix, 0);
	ck_assert_uint_eq(fake_kvm.nr_irqfds, 0);
	ck_assert_uint_eq(fake_kvm.nr_routes, routes);
	/* The table stays as it was written. */
	msix_control(&msix, PCI_MSIX_FLAGS_ENABLE);
	ck_assert_uint_eq(fake_kvm.nr_irqfds, 2);
}
END_TEST

START_TEST(the_table_keeps_what_may_be_written)
{
	ck_assert_uint_eq(msix_table_read(&msix, 12, 4), PCI_MSIX_ENTRY_CTRL_MASKBIT);
	msix_table_write(&msix, 0, UINT64_MAX, 8);
	ck_assert_uint_eq(msix_table_read(&msix, 0, 8), 0xfffffffffffffffc);
	msix_table_write(&msix, 8, UINT64_C(0xfffffffe12345678), 8);
	ck_assert_uint_eq(msix_table_read(&msix, 8, 4), 0x12345678);
	ck_assert_uint_eq(msix_table_read(&msix, 12, 4), 0);
}
END_TEST

START_TEST(accesses_of_a_wrong_shape_find_nothing)
{
	static const struct {
		uint64_t off;
		unsigned size;
	} shapes[] = {
		{ 0, 1 }, { 0, 2 },	  { 2, 4 },	{ 4, 8 },
		{ 1, 4 }, { NR * 16, 4 }, { 0xffc, 4 }, { UINT64_MAX - 3, 4 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(shapes); i++) {
		msix_table_write(&msix, shapes[i].off, 0, shapes[i].size);
		ck_assert_uint_eq(msix_table_read(&msix, shapes[i].off, shapes[i].size),
				  ones(shapes[i].size));
	}
	for (unsigned i = 0; i < NR; i++)
		ck_assert_uint_eq(msix_table_read(&msix, i * 16 + 12, 4),
				  PCI_MSIX_ENTRY_CTRL_MASKBIT);
	ck_assert_uint_eq(msix_pba_read(&msix, 16, 8), UINT64_MAX);
	ck_assert_uint_eq(msix_pba_read(&msix, 0, 1), 0xff);
}
END_TEST

START_TEST(a_vector_that_kvm_refused_is_tried_again)
{
	msix_control(&msix, PCI_MSIX_FLAGS_ENABLE);
	fake_kvm_refuse(FAKE_KVM_IRQFD_ASSIGN, ENOMEM, 0);
	set_entry(0, MSI_ADDR, 1, 0);
	ck_assert_ptr_null(irqfd(0));
	fake_kvm_refuse(FAKE_KVM_IRQFD_ASSIGN, 0, 0);
	msix_table_write(&msix, 12, 0, 4);
	ck_assert_ptr_nonnull(irqfd(0));
}
END_TEST

START_TEST(vectors_that_do_not_exist_have_no_eventfd)
{
	ck_assert_int_ge(msix_fd(&msix, NR - 1), 0);
	ck_assert_int_eq(msix_fd(&msix, NR), -1);
	ck_assert_int_eq(msix_fd(&msix, 0xffff), -1);
}
END_TEST

START_TEST(impossible_tables_are_refused)
{
	struct msix other;

	ck_assert_int_eq(msix_init(&other, &chip, &config, CAP, 0, 0, 0, 0, 0x800), -EINVAL);
	ck_assert_int_eq(
		msix_init(&other, &chip, &config, CAP, 0, MSIX_MAX_VECTORS + 1, 0, 0, 0x800),
		-EINVAL);
	ck_assert_int_eq(msix_init(&other, &chip, &config, CAP, 0, 1, 0, 4, 0x800), -EINVAL);
	ck_assert_int_eq(msix_init(&other, &chip, &config, CAP, 0, 1, 6, 0, 0x800), -EINVAL);
	msix_exit(&other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("msix");
	TCase *tcase = suite_case(suite, "msix", setup, teardown);

	tcase_add_test(tcase, the_capability_says_where_the_vectors_are);
	tcase_add_test(tcase, a_vector_reaches_kvm_once_it_is_enabled_and_unmasked);
	tcase_add_test(tcase, a_masked_vector_is_taken_out_of_kvm);
	tcase_add_test(tcase, a_masked_function_masks_every_vector);
	tcase_add_test(tcase, a_new_address_of_an_open_vector_counts_at_once);
	tcase_add_test(tcase, what_comes_while_masked_is_pending);
	tcase_add_test(tcase, what_came_before_msix_was_on_is_forgotten);
	tcase_add_test(tcase, switching_off_gives_everything_back);
	tcase_add_test(tcase, the_table_keeps_what_may_be_written);
	tcase_add_test(tcase, accesses_of_a_wrong_shape_find_nothing);
	tcase_add_test(tcase, a_vector_that_kvm_refused_is_tried_again);
	tcase_add_test(tcase, vectors_that_do_not_exist_have_no_eventfd);
	tcase_add_test(tcase, impossible_tables_are_refused);
	return suite_run(suite);
}
