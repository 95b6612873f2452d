/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that does not come back: the ladder of ways, what is told of them, lost configuration.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "acpi/abi.h"
#include "devices/vfio/power_slot.h"
#include "tests/unit/slot_rig.h"
#include "tests/unit/suite.h"

#define DEVCTL (FAKE_VFIO_PCIE + PCI_EXP_DEVCTL)
#define MSIX   (FAKE_VFIO_MSIX + PCI_MSIX_FLAGS)

static unsigned failures, failed_index;

static struct fake_vfio *fn(unsigned i)
{
	return host.functions[i].fake;
}

static void count_failure(void *opaque, unsigned index)
{
	(void)opaque;
	failures++;
	failed_index = index;
}

static void start(unsigned nr, enum power_policy deepest)
{
	failures = 0;
	slot_rig_make(nr);
	slot_rig_start(&(struct power_slot_config){
		.index = 5, .policy = { .deepest = deepest }, .failed = count_failure });
}

static void one_function(void)
{
	start(1, POWER_POLICY_D3COLD);
}

static void two_functions(void)
{
	start(2, POWER_POLICY_D3COLD);
}

static void ask_on(void)
{
	power_slot_command(host.slot, CVM_CMD_ON);
}

/* "exit exit reset" */
static const char *words(json_t *array)
{
	static char text[256];

	text[0] = '\0';
	ck_assert(json_is_array(array));
	for (size_t i = 0; i < json_array_size(array); i++) {
		strcat(text, i ? " " : "");
		strcat(text, json_string_value(json_array_get(array, i)));
	}
	return text;
}

static void check_recovered(const char *by)
{
	ck_assert_str_eq(event_text(wait_event("power-recovered"), "by"), by);
	expect_event("power-alive");
	ck_assert_uint_eq(settle_status(), CVM_STS_ON);
	for (unsigned i = 0; i < host.nr; i++)
		ck_assert(guest_sees(i));
	ck_assert_uint_eq(failures, 0);
}

static void check_failed(const char *tried)
{
	json_t *p = wait_event("power-failed");

	ck_assert_str_eq(words(json_object_get(p, "tried")), tried);
	ck_assert_uint_eq(settle_status(), CVM_STS_FAILED);
	for (unsigned i = 0; i < host.nr; i++)
		ck_assert(guest_sees_nothing(i));
}

/* --- the ladder ---------------------------------------------------------------------------------
 */

START_TEST(another_exit_may_do)
{
	go_cold();
	host.functions[0].dead_exits = 1;
	ask_on();
	check_recovered("exit");
	ck_assert_str_eq(host.order, "e0 x0 x0 ");
}
END_TEST

START_TEST(a_reset_may_do)
{
	go_cold();
	host.functions[0].dead_exits = UINT32_MAX;
	host.functions[0].reset_revives = true;
	ask_on();
	check_recovered("reset");
	ck_assert_str_eq(host.order, "e0 x0 x0 r0 ");
}
END_TEST

START_TEST(a_reset_of_the_slot_may_do)
{
	go_cold();
	host.functions[0].dead_exits = UINT32_MAX;
	host.functions[0].hot_reset_revives = true;
	ask_on();
	check_recovered("hot-reset");
	ck_assert_str_eq(host.order, "e0 x0 x0 r0 h0 ");
}
END_TEST

START_TEST(a_trip_through_d3cold_may_do)
{
	go_cold();
	host.functions[0].dead_exits = 2;
	ask_on();
	check_recovered("power-cycle");
	ck_assert_str_eq(host.order, "e0 x0 x0 r0 h0 e0 x0 ");
	/* And the slot is as good as before. */
	go_cold();
	go_on();
}
END_TEST

START_TEST(a_cycle_after_a_wedged_device_proves_life_as_well)
{
	go_cold();
	host.functions[0].deaf = true;
	ask_on();
	check_failed("exit exit reset hot-reset power-cycle");
}
END_TEST

START_TEST(the_ladder_ends_and_says_what_was_tried)
{
	go_cold();
	host.functions[0].dead_exits = UINT32_MAX;
	ask_on();
	check_failed("exit exit reset hot-reset power-cycle");
	ck_assert_str_eq(host.order, "e0 x0 x0 r0 h0 e0 x0 ");
	ck_assert_uint_eq(failures, 1);
	ck_assert_uint_eq(failed_index, 5);
}
END_TEST

START_TEST(a_hot_reset_that_would_hit_others_is_no_end)
{
	go_cold();
	host.functions[0].dead_exits = 2;
	host.functions[0].hot_reset_revives = true;
	fake_vfio_refuse(fn(0), "hot_reset", EPERM, 0);
	ask_on();
	check_recovered("power-cycle");
}
END_TEST

START_TEST(a_refused_cycle_is_no_success)
{
	go_cold();
	host.functions[0].dead_exits = UINT32_MAX;
	fake_vfio_refuse(fn(0), "low_power_entry", EBUSY, 0);
	ask_on();
	check_failed("exit exit reset hot-reset power-cycle");
}
END_TEST

START_TEST(d3hot_alone_has_no_trip_through_d3cold)
{
	start(1, POWER_POLICY_D3HOT);
	power_slot_command(host.slot, CVM_CMD_OFF);
	wait_event("power-reached");
	fake_vfio_refuse(fn(0), "region_write", EIO, 0);
	ask_on();
	check_failed("exit exit reset hot-reset");
	fake_vfio_refuse(fn(0), "region_write", 0, 0);
}
END_TEST

START_TEST(only_the_dead_function_is_reset_and_both_by_the_hot_reset)
{
	go_cold();
	host.functions[1].dead_exits = UINT32_MAX;
	host.functions[1].hot_reset_revives = true;
	ask_on();
	check_recovered("hot-reset");
	ck_assert_str_eq(host.order, "e1 e0 x0 x1 x0 x1 r1 h0 ");
	ck_assert_int_ge(fake_vfio_find(fn(0), "hot_reset 2", 0), 0);
}
END_TEST

START_TEST(a_function_that_was_given_back_is_not_hot_reset)
{
	power_slot_request(host.slot, &fn(1)->device);
	wait_event("device-released");
	go_cold();
	host.functions[0].dead_exits = UINT32_MAX;
	host.functions[0].hot_reset_revives = true;
	ask_on();
	wait_event("power-recovered");
	ck_assert_int_ge(fake_vfio_find(fn(0), "hot_reset 1", 0), 0);
}
END_TEST

START_TEST(a_good_exit_is_no_recovery)
{
	go_cold();
	ask_on();
	expect_event("power-on-asked");
	expect_event("power-exit-returned");
	expect_event("power-alive");
	expect_no_event();
}
END_TEST

START_TEST(a_failure_at_the_end_of_the_vm_is_told_to_nobody)
{
	go_cold();
	host.functions[0].dead_exits = UINT32_MAX;
	power_slot_destroy(host.slot);
	host.slot = NULL;
	ck_assert_uint_eq(failures, 0);
}
END_TEST

START_TEST(the_end_of_a_slot_that_was_given_back_is_no_failure)
{
	go_cold();
	power_slot_request(host.slot, &fn(0)->device);
	wait_event("device-released");
	wait_phase(POWER_FAILED);
	power_slot_destroy(host.slot);
	host.slot = NULL;
	expect_no_event();
}
END_TEST

START_TEST(an_error_interrupt_while_leaving_changes_nothing)
{
	go_cold();
	hold(&host.hold_exit);
	ask_on();
	wait_held();
	eventfd_write(fn(0)->irq_fds[VFIO_PCI_ERR_IRQ_INDEX][0], 1);
	release();
	wait_event("power-alive");
	ck_assert(guest_sees(0));
	/* It is the main loop's to read. */
	eventfd_t count;
	ck_assert_int_eq(eventfd_read(fn(0)->device.irqs.err_fd, &count), 0);
}
END_TEST

/* --- configuration ------------------------------------------------------------------------------
 */

static json_t *expect_lost(const char *registers, bool repaired)
{
	json_t *p = wait_event("power-config-lost");

	ck_assert_str_eq(words(json_object_get(p, "registers")), registers);
	ck_assert_int_eq(json_is_true(json_object_get(p, "repaired")), repaired);
	return p;
}

START_TEST(a_lost_command_register_is_written_again)
{
	const uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	go_cold();
	ck_assert_uint_eq(fake_vfio_get(fn(0), PCI_COMMAND, 2), command);
	fake_vfio_put(fn(0), PCI_COMMAND, 0, 2);
	ask_on();
	ck_assert_str_eq(event_text(expect_lost("command", true), "id"), "fn0");
	expect_event("power-alive");
	ck_assert_uint_eq(fake_vfio_get(fn(0), PCI_COMMAND, 2), command);
	ck_assert(guest_sees(0));
	ck_assert_str_eq(host.order, "e0 x0 ");
}
END_TEST

START_TEST(a_lost_device_control_register_is_written_again)
{
	const uint16_t ours = PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN;

	fake_vfio_put(fn(0), DEVCTL, ours, 2);
	go_cold();
	fake_vfio_put(fn(0), DEVCTL, PCI_EXP_DEVCTL_READRQ, 2);
	ask_on();
	expect_lost("device-control", true);
	expect_event("power-alive");
	/* What is not compared is left as it was found. */
	ck_assert_uint_eq(fake_vfio_get(fn(0), DEVCTL, 2), ours | PCI_EXP_DEVCTL_READRQ);
}
END_TEST

START_TEST(a_device_whose_configuration_cannot_be_written_is_not_back)
{
	go_cold();
	fake_vfio_put(fn(0), PCI_COMMAND, 0, 2);
	fake_vfio_refuse(fn(0), "region_write", EIO, 0);
	ask_on();
	expect_lost("command", false);
	check_failed("exit exit reset hot-reset power-cycle");
	fake_vfio_refuse(fn(0), "region_write", 0, 0);
}
END_TEST

START_TEST(lost_msix_cannot_be_written_and_is_not_back)
{
	fake_vfio_put(fn(0), MSIX, fake_vfio_get(fn(0), MSIX, 2) | PCI_MSIX_FLAGS_ENABLE, 2);
	go_cold();
	fake_vfio_put(fn(0), MSIX, fake_vfio_get(fn(0), MSIX, 2) & ~PCI_MSIX_FLAGS_ENABLE, 2);
	ask_on();
	expect_lost("msix", false);
	check_failed("exit exit reset hot-reset power-cycle");
}
END_TEST

START_TEST(what_the_guest_changes_while_on_is_not_lost)
{
	go_cold();
	go_on();
	fake_vfio_config_write(fn(0), PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	fake_vfio_put(fn(0), DEVCTL, PCI_EXP_DEVCTL_CERE, 2);
	go_cold();
	ask_on();
	expect_event("power-on-asked");
	expect_event("power-exit-returned");
	expect_event("power-alive");
}
END_TEST

START_TEST(a_wake_in_between_does_not_hide_a_loss)
{
	go_cold();
	foreign_wake(0);
	wait_wake();
	fake_vfio_put(fn(0), PCI_COMMAND, 0, 2);
	ask_on();
	expect_lost("command", true);
	wait_event("power-alive");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("power: failure");
	TCase *t = suite_case(s, "ladder", one_function, slot_rig_free);

	tcase_add_test(t, another_exit_may_do);
	tcase_add_test(t, a_reset_may_do);
	tcase_add_test(t, a_reset_of_the_slot_may_do);
	tcase_add_test(t, a_trip_through_d3cold_may_do);
	tcase_add_test(t, a_cycle_after_a_wedged_device_proves_life_as_well);
	tcase_add_test(t, the_ladder_ends_and_says_what_was_tried);
	tcase_add_test(t, a_hot_reset_that_would_hit_others_is_no_end);
	tcase_add_test(t, a_refused_cycle_is_no_success);
	tcase_add_test(t, a_good_exit_is_no_recovery);
	tcase_add_test(t, a_failure_at_the_end_of_the_vm_is_told_to_nobody);
	tcase_add_test(t, the_end_of_a_slot_that_was_given_back_is_no_failure);
	tcase_add_test(t, an_error_interrupt_while_leaving_changes_nothing);

	t = suite_case(s, "two functions", two_functions, slot_rig_free);
	tcase_add_test(t, only_the_dead_function_is_reset_and_both_by_the_hot_reset);
	tcase_add_test(t, a_function_that_was_given_back_is_not_hot_reset);

	t = suite_case(s, "another back end", NULL, slot_rig_free);
	tcase_add_test(t, d3hot_alone_has_no_trip_through_d3cold);

	t = suite_case(s, "configuration", one_function, slot_rig_free);
	tcase_add_test(t, a_lost_command_register_is_written_again);
	tcase_add_test(t, a_lost_device_control_register_is_written_again);
	tcase_add_test(t, a_device_whose_configuration_cannot_be_written_is_not_back);
	tcase_add_test(t, lost_msix_cannot_be_written_and_is_not_back);
	tcase_add_test(t, what_the_guest_changes_while_on_is_not_lost);
	tcase_add_test(t, a_wake_in_between_does_not_hide_a_loss);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
