/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupt routes: what KVM's table holds after each change, and when it is sent. */
#include "vmm/irqchip.h"

#include <errno.h>

#include "tests/fake/fake_kvm.h"
#include "tests/unit/suite.h"

#define MSI_ADDR 0xfee01000

static struct kvm kvm;
static struct irqchip chip;

static void setup(void)
{
	const char *missing;

	fake_kvm_reset();
	ck_assert_int_eq(kvm_open(&kvm, &missing), 0);
	ck_assert_int_eq(irqchip_init(&chip, &kvm), 0);
}

static void teardown(void)
{
	irqchip_exit(&chip);
}

static unsigned times_sent(void)
{
	return fake_kvm.calls[FAKE_KVM_SET_GSI_ROUTING];
}

START_TEST(pins_lead_to_the_ioapic_alone)
{
	ck_assert_uint_eq(fake_kvm.nr_routes, IRQCHIP_PINS);
	for (unsigned i = 0; i < IRQCHIP_PINS; i++) {
		ck_assert_uint_eq(fake_kvm.routes[i].gsi, i);
		ck_assert_uint_eq(fake_kvm.routes[i].type, KVM_IRQ_ROUTING_IRQCHIP);
		ck_assert_uint_eq(fake_kvm.routes[i].u.irqchip.irqchip, KVM_IRQCHIP_IOAPIC);
		ck_assert_uint_eq(fake_kvm.routes[i].u.irqchip.pin, i);
	}
}
END_TEST

START_TEST(pin_follows_its_level)
{
	ck_assert_int_eq(irqchip_set_pin(&chip, 4, true), 0);
	ck_assert(fake_kvm.pins[4]);
	ck_assert_int_eq(irqchip_set_pin(&chip, 4, false), 0);
	ck_assert(!fake_kvm.pins[4]);
	ck_assert_int_eq(irqchip_set_pin(&chip, IRQCHIP_PINS, true), -EINVAL);
}
END_TEST

START_TEST(msi_has_no_route_before_it_has_an_address)
{
	uint32_t gsi, other;

	ck_assert_int_eq(irqchip_msi_alloc(&chip, &gsi), 0);
	ck_assert_uint_ge(gsi, IRQCHIP_PINS);
	ck_assert_ptr_null(fake_kvm_route(gsi));
	ck_assert_uint_eq(times_sent(), 1);
	irqchip_msi_alloc(&chip, &other);
	irqchip_msi_set(&chip, other, MSI_ADDR, 1);
	ck_assert_ptr_null(fake_kvm_route(gsi));
}
END_TEST

START_TEST(msi_goes_where_the_guest_wrote)
{
	const struct kvm_irq_routing_entry *route;
	uint32_t gsi;

	irqchip_msi_alloc(&chip, &gsi);
	ck_assert_int_eq(irqchip_msi_set(&chip, gsi, 0x1200000000 | MSI_ADDR, 0x4021), 0);
	route = fake_kvm_route(gsi);
	ck_assert_ptr_nonnull(route);
	ck_assert_uint_eq(route->type, KVM_IRQ_ROUTING_MSI);
	ck_assert_uint_eq(route->u.msi.address_lo, MSI_ADDR);
	ck_assert_uint_eq(route->u.msi.address_hi, 0x12);
	ck_assert_uint_eq(route->u.msi.data, 0x4021);
	ck_assert_uint_eq(fake_kvm.nr_routes, IRQCHIP_PINS + 1);
}
END_TEST

START_TEST(unchanged_route_is_not_sent_again)
{
	uint32_t gsi;

	irqchip_msi_alloc(&chip, &gsi);
	irqchip_msi_set(&chip, gsi, MSI_ADDR, 0x21);
	ck_assert_uint_eq(times_sent(), 2);
	ck_assert_int_eq(irqchip_msi_set(&chip, gsi, MSI_ADDR, 0x21), 0);
	ck_assert_uint_eq(times_sent(), 2);
	ck_assert_int_eq(irqchip_msi_set(&chip, gsi, MSI_ADDR, 0x22), 0);
	ck_assert_uint_eq(times_sent(), 3);
	ck_assert_uint_eq(fake_kvm_route(gsi)->u.msi.data, 0x22);
}
END_TEST

START_TEST(route_of_zeros_is_a_route)
{
	uint32_t gsi;

	irqchip_msi_alloc(&chip, &gsi);
	ck_assert_int_eq(irqchip_msi_set(&chip, gsi, 0, 0), 0);
	ck_assert_ptr_nonnull(fake_kvm_route(gsi));
}
END_TEST

START_TEST(refused_route_is_tried_again)
{
	uint32_t gsi;

	irqchip_msi_alloc(&chip, &gsi);
	fake_kvm_refuse(FAKE_KVM_SET_GSI_ROUTING, ENOMEM, 0);
	ck_assert_int_eq(irqchip_msi_set(&chip, gsi, MSI_ADDR, 0x21), -ENOMEM);
	fake_kvm_refuse(FAKE_KVM_SET_GSI_ROUTING, 0, 0);
	ck_assert_int_eq(irqchip_msi_set(&chip, gsi, MSI_ADDR, 0x21), 0);
	ck_assert_ptr_nonnull(fake_kvm_route(gsi));
}
END_TEST

START_TEST(freed_msi_loses_its_route)
{
	uint32_t gsi, other, again;

	irqchip_msi_alloc(&chip, &gsi);
	irqchip_msi_alloc(&chip, &other);
	irqchip_msi_set(&chip, gsi, MSI_ADDR, 1);
	irqchip_msi_set(&chip, other, MSI_ADDR, 2);
	irqchip_msi_free(&chip, gsi);
	ck_assert_ptr_null(fake_kvm_route(gsi));
	ck_assert_uint_eq(fake_kvm_route(other)->u.msi.data, 2);
	ck_assert_int_eq(irqchip_msi_set(&chip, gsi, MSI_ADDR, 1), -EINVAL);
	ck_assert_int_eq(irqchip_msi_alloc(&chip, &again), 0);
	ck_assert_uint_eq(again, gsi);
	ck_assert_ptr_null(fake_kvm_route(again));
}
END_TEST

START_TEST(msis_run_out)
{
	uint32_t gsi = 0, last;

	for (unsigned i = IRQCHIP_PINS; i < IRQCHIP_GSIS; i++) {
		ck_assert_int_eq(irqchip_msi_alloc(&chip, &gsi), 0);
		ck_assert_int_eq(irqchip_msi_set(&chip, gsi, MSI_ADDR, i), 0);
	}
	last = gsi;
	ck_assert_int_eq(irqchip_msi_alloc(&chip, &gsi), -ENOSPC);
	ck_assert_uint_eq(gsi, last);
	ck_assert_uint_eq(fake_kvm.nr_routes, IRQCHIP_GSIS);
}
END_TEST

START_TEST(gsi_that_is_no_msi_is_refused)
{
	ck_assert_int_eq(irqchip_msi_set(&chip, 4, MSI_ADDR, 1), -EINVAL);
	ck_assert_int_eq(irqchip_msi_set(&chip, IRQCHIP_GSIS, MSI_ADDR, 1), -EINVAL);
	ck_assert_int_eq(irqchip_msi_set(&chip, 100, MSI_ADDR, 1), -EINVAL);
	irqchip_msi_free(&chip, 4);
	irqchip_msi_free(&chip, IRQCHIP_GSIS);
	ck_assert_uint_eq(times_sent(), 1);
}
END_TEST

START_TEST(eventfd_is_bound_until_it_is_unbound)
{
	uint32_t gsi;

	irqchip_msi_alloc(&chip, &gsi);
	ck_assert_int_eq(irqchip_bind(&chip, gsi, 50, -1), 0);
	ck_assert_uint_eq(fake_kvm_irqfd(50)->gsi, gsi);
	ck_assert_int_eq(fake_kvm_irqfd(50)->resample_fd, -1);
	ck_assert_int_eq(irqchip_bind(&chip, 16, 51, 52), 0);
	ck_assert_int_eq(fake_kvm_irqfd(51)->resample_fd, 52);
	ck_assert_int_eq(irqchip_unbind(&chip, gsi, 50), 0);
	ck_assert_ptr_null(fake_kvm_irqfd(50));
	ck_assert_ptr_nonnull(fake_kvm_irqfd(51));
}
END_TEST

START_TEST(refusal_at_start_leaves_nothing_behind)
{
	struct irqchip other;

	fake_kvm_reset();
	fake_kvm_refuse(FAKE_KVM_CREATE_IRQCHIP, ENXIO, 0);
	ck_assert_int_eq(irqchip_init(&other, &kvm), -ENXIO);
	irqchip_exit(&other);
	fake_kvm_reset();
	fake_kvm_refuse(FAKE_KVM_SET_GSI_ROUTING, EINVAL, 0);
	ck_assert_int_eq(irqchip_init(&other, &kvm), -EINVAL);
	irqchip_exit(&other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("irqchip");
	TCase *tcase = suite_case(suite, "irqchip", setup, teardown);

	tcase_add_test(tcase, pins_lead_to_the_ioapic_alone);
	tcase_add_test(tcase, pin_follows_its_level);
	tcase_add_test(tcase, msi_has_no_route_before_it_has_an_address);
	tcase_add_test(tcase, msi_goes_where_the_guest_wrote);
	tcase_add_test(tcase, unchanged_route_is_not_sent_again);
	tcase_add_test(tcase, route_of_zeros_is_a_route);
	tcase_add_test(tcase, refused_route_is_tried_again);
	tcase_add_test(tcase, freed_msi_loses_its_route);
	tcase_add_test(tcase, msis_run_out);
	tcase_add_test(tcase, gsi_that_is_no_msi_is_refused);
	tcase_add_test(tcase, eventfd_is_bound_until_it_is_unbound);
	tcase_add_test(tcase, refusal_at_start_leaves_nothing_behind);
	return suite_run(suite);
}
