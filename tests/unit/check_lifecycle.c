/* SPDX-License-Identifier: BSD-3-Clause */
/* What may follow on what in a VM's life, who is told, and how a guest that only resets is slowed.
 */
#include "vmm/lifecycle.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>

#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/event.h"

static struct loop loop;
static struct event_monitor events;
static struct lifecycle vm;
static char said[512]; /* what was called and emitted, in order */
static char why[128];

static void note(const char *word)
{
	size_t len = strlen(said);

	snprintf(said + len, sizeof(said) - len, "%s ", word);
}

static void pause_vcpus(void *opaque)
{
	ck_assert_ptr_eq(opaque, said);
	note("PAUSE");
}

static void resume_vcpus(void *opaque)
{
	(void)opaque;
	note("RESUME");
}

static void press(void *opaque)
{
	(void)opaque;
	note("PRESS");
}

static void pause_over(void *opaque, const char *error)
{
	(void)opaque;
	note(error ? "REFUSED" : "DONE");
}

static const struct lifecycle_ops ops = {
	.pause = pause_vcpus,
	.resume = resume_vcpus,
	.press = press,
	.pause_over = pause_over,
};

static void line(void *opaque, const char *text, size_t len)
{
	json_t *event = json_loadb(text, len, 0, NULL);

	(void)opaque;
	ck_assert_str_eq(json_string_value(json_object_get(event, "source")), "vm");
	note(json_string_value(json_object_get(event, "event")));
	json_decref(event);
}

static void setup(void)
{
	said[0] = '\0';
	ck_assert_int_eq(loop_init(&loop), 0);
	event_monitor_init(&events, -1);
	event_monitor_listen(&events, line, NULL);
	ck_assert_int_eq(lifecycle_init(&vm, &ops, said, &loop, &events), 0);
	lifecycle_started(&vm);
}

static void teardown(void)
{
	lifecycle_exit(&vm);
	event_monitor_exit(&events);
	loop_exit(&loop);
}

/* What was said since the last time. */
static void expect(const char *words)
{
	ck_assert_str_eq(said, words);
	said[0] = '\0';
}

static int pause_vm(void)
{
	return lifecycle_pause(&vm, why, sizeof(why));
}

static int resume_vm(void)
{
	return lifecycle_resume(&vm, why, sizeof(why));
}

static void pause_now(void)
{
	ck_assert_int_eq(pause_vm(), -EINPROGRESS);
	lifecycle_paused(&vm);
	said[0] = '\0';
}

/* The main loop until the VM ends. */
static enum machine_status run(void)
{
	ck_assert_int_eq(loop_run(&loop), 0);
	return lifecycle_status(&vm);
}

/* --- pauses -------------------------------------------------------------------------------------
 */

START_TEST(a_pause_is_told_when_all_vcpus_are_out)
{
	ck_assert_int_eq(pause_vm(), -EINPROGRESS);
	expect("pausing PAUSE ");
	ck_assert_str_eq(lifecycle_name(&vm), "Running");
	lifecycle_paused(&vm);
	expect("paused DONE ");
	ck_assert_str_eq(lifecycle_name(&vm), "Paused");
	ck_assert_int_eq(resume_vm(), 0);
	expect("resuming RESUME resumed ");
	ck_assert_str_eq(lifecycle_name(&vm), "Running");
}
END_TEST

START_TEST(two_who_pause_at_once_wait_for_the_same)
{
	ck_assert_int_eq(pause_vm(), -EINPROGRESS);
	ck_assert_int_eq(pause_vm(), -EINPROGRESS);
	lifecycle_paused(&vm);
	expect("pausing PAUSE paused DONE ");
}
END_TEST

START_TEST(orders_that_the_state_does_not_allow_do_nothing)
{
	ck_assert_int_eq(resume_vm(), -EINVAL);
	ck_assert_str_eq(why, "the VM is not paused");
	pause_vm();
	said[0] = '\0';
	ck_assert_int_eq(resume_vm(), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "not paused yet"));
	lifecycle_paused(&vm);
	said[0] = '\0';
	ck_assert_int_eq(pause_vm(), -EINVAL);
	ck_assert_str_eq(why, "the VM is paused already");
	expect("");
}
END_TEST

START_TEST(a_vm_that_ends_takes_no_more_orders)
{
	lifecycle_end(&vm, MACHINE_POWERED_OFF);
	ck_assert_str_eq(lifecycle_name(&vm), "Shutdown");
	ck_assert_int_eq(pause_vm(), -EINVAL);
	ck_assert_int_eq(resume_vm(), -EINVAL);
	ck_assert_int_eq(lifecycle_reset(&vm, why, sizeof(why)), -EINVAL);
	lifecycle_button(&vm);
	expect("");
	ck_assert_int_eq(run(), MACHINE_POWERED_OFF);
}
END_TEST

START_TEST(who_waits_for_a_pause_is_told_of_the_end)
{
	pause_vm();
	said[0] = '\0';
	lifecycle_end(&vm, MACHINE_CRASHED);
	ck_assert_int_eq(run(), MACHINE_CRASHED);
	expect("REFUSED ");
	/* The vCPUs may come out after that. */
	lifecycle_paused(&vm);
	expect("");
}
END_TEST

START_TEST(a_shutdown_ends_a_pause_first)
{
	pause_now();
	lifecycle_press(&vm);
	expect("resuming RESUME resumed PRESS ");
}
END_TEST

START_TEST(a_shutdown_waits_for_a_pause_that_has_begun)
{
	pause_vm();
	said[0] = '\0';
	lifecycle_press(&vm);
	expect("");
	lifecycle_paused(&vm);
	expect("paused DONE resuming RESUME resumed PRESS ");
	pause_now();
	expect("");
}
END_TEST

START_TEST(the_button_alone_leaves_a_pause)
{
	pause_now();
	lifecycle_button(&vm);
	expect("PRESS ");
	ck_assert_str_eq(lifecycle_name(&vm), "Paused");
}
END_TEST

/* --- the end, and what comes after it -----------------------------------------------------------
 */

START_TEST(the_first_reason_of_an_end_counts)
{
	lifecycle_end(&vm, MACHINE_STOPPED);
	lifecycle_end(&vm, MACHINE_CRASHED);
	ck_assert_int_eq(run(), MACHINE_STOPPED);
}
END_TEST

START_TEST(a_reset_is_another_life_unless_that_is_not_wanted)
{
	lifecycle_end(&vm, MACHINE_RESET);
	ck_assert_int_eq(run(), MACHINE_RESET);
	ck_assert(lifecycle_wants_again(&vm, false));
	ck_assert(!lifecycle_wants_again(&vm, true));
	ck_assert(lifecycle_again(&vm));
	ck_assert_str_eq(lifecycle_name(&vm), "Created");
	lifecycle_started(&vm);
	ck_assert_str_eq(lifecycle_name(&vm), "Running");
	lifecycle_end(&vm, MACHINE_POWERED_OFF);
	ck_assert_int_eq(run(), MACHINE_POWERED_OFF);
	ck_assert(!lifecycle_wants_again(&vm, false));
}
END_TEST

START_TEST(the_users_reboot_is_one_whatever_the_guest_may)
{
	pause_now();
	ck_assert_int_eq(lifecycle_reset(&vm, why, sizeof(why)), -EINPROGRESS);
	ck_assert_int_eq(run(), MACHINE_RESET);
	ck_assert(lifecycle_wants_again(&vm, true));
	ck_assert(lifecycle_again(&vm));
	lifecycle_started(&vm);
	/* It was one order, and for one boot. */
	lifecycle_end(&vm, MACHINE_RESET);
	ck_assert_int_eq(run(), MACHINE_RESET);
	ck_assert(!lifecycle_wants_again(&vm, true));
}
END_TEST

START_TEST(between_two_lives_there_is_nobody_to_ask)
{
	lifecycle_end(&vm, MACHINE_RESET);
	run();
	ck_assert(lifecycle_again(&vm));
	ck_assert_int_eq(pause_vm(), -EINVAL);
	lifecycle_button(&vm);
	lifecycle_press(&vm);
	expect("");
	ck_assert_int_eq(run(), MACHINE_STOPPED);
}
END_TEST

/* As many as may come at once. */
static void reset_often(void)
{
	for (unsigned i = 0; i < LIFECYCLE_RESETS; i++)
		ck_assert(lifecycle_again(&vm));
	ck_assert(!vm.said_busy);
}

START_TEST(one_reset_more_waits_with_the_main_loop_running)
{
	uint64_t before = now_ns();

	reset_often();
	ck_assert(lifecycle_again(&vm));
	ck_assert(vm.said_busy);
	ck_assert_uint_ge(now_ns() - before, LIFECYCLE_HOLD_NS);
}
END_TEST

START_TEST(resets_that_take_their_time_do_not_wait)
{
	struct itimerspec left;

	reset_often();
	for (unsigned i = 0; i < LIFECYCLE_RESETS; i++)
		vm.resets[i] -= LIFECYCLE_WINDOW_NS;
	reset_often();
	ck_assert_int_eq(timerfd_gettime(vm.hold.fd, &left), 0);
	ck_assert(!left.it_value.tv_sec && !left.it_value.tv_nsec);
}
END_TEST

START_TEST(the_users_reboots_are_not_counted)
{
	for (unsigned i = 0; i < LIFECYCLE_RESETS; i++) {
		lifecycle_started(&vm);
		ck_assert_int_eq(lifecycle_reset(&vm, why, sizeof(why)), -EINPROGRESS);
		ck_assert_int_eq(run(), MACHINE_RESET);
		ck_assert(lifecycle_again(&vm));
	}
	reset_often();
}
END_TEST

static void stop_ready(struct loop_source *source, int revents)
{
	(void)revents;
	loop_del(&loop, source);
	lifecycle_end(&vm, MACHINE_STOPPED);
}

START_TEST(a_vm_that_waits_can_be_stopped)
{
	/* Ready as soon as the loop runs. */
	struct loop_source stop = { .fd = vm.end.fd, .events = POLLOUT, .ready = stop_ready };

	reset_often();
	ck_assert_int_eq(loop_add(&loop, &stop), 0);
	ck_assert(!lifecycle_again(&vm));
	ck_assert_int_eq(lifecycle_status(&vm), MACHINE_STOPPED);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("lifecycle");
	TCase *pauses = suite_case(s, "pauses", setup, teardown);
	TCase *lives = suite_case(s, "lives", setup, teardown);

	tcase_add_test(pauses, a_pause_is_told_when_all_vcpus_are_out);
	tcase_add_test(pauses, two_who_pause_at_once_wait_for_the_same);
	tcase_add_test(pauses, orders_that_the_state_does_not_allow_do_nothing);
	tcase_add_test(pauses, a_vm_that_ends_takes_no_more_orders);
	tcase_add_test(pauses, who_waits_for_a_pause_is_told_of_the_end);
	tcase_add_test(pauses, a_shutdown_ends_a_pause_first);
	tcase_add_test(pauses, a_shutdown_waits_for_a_pause_that_has_begun);
	tcase_add_test(pauses, the_button_alone_leaves_a_pause);
	tcase_add_test(lives, the_first_reason_of_an_end_counts);
	tcase_add_test(lives, a_reset_is_another_life_unless_that_is_not_wanted);
	tcase_add_test(lives, the_users_reboot_is_one_whatever_the_guest_may);
	tcase_add_test(lives, between_two_lives_there_is_nobody_to_ask);
	tcase_add_test(lives, one_reset_more_waits_with_the_main_loop_running);
	tcase_add_test(lives, resets_that_take_their_time_do_not_wait);
	tcase_add_test(lives, the_users_reboots_are_not_counted);
	tcase_add_test(lives, a_vm_that_waits_can_be_stopped);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
