/* SPDX-License-Identifier: BSD-3-Clause */
/* vCPUs with a KVM in memory: leaving the guest, for a pause and for good, loses nothing. */
#include "vmm/vcpu_set.h"

#include <errno.h>
#include <semaphore.h>
#include <string.h>

#include "tests/fake/fake_kvm.h"
#include "tests/unit/suite.h"
#include "vmm/bus.h"
#include "vmm/kvm.h"

#define CPUS 4
#define PORT 0x100

static struct kvm kvm;
static struct bus pio, mmio;
static struct loop loop;
static struct vcpu_set set;
static atomic_uint ends;
static unsigned pauses;
static sem_t at_device, go_on, computes;
static atomic_bool read_port, slowly, reset;

/* --- the guest, the machine ---------------------------------------------------------------------
 */

static void wait_for(sem_t *sem, unsigned count)
{
	while (count)
		count -= sem_wait(sem) == 0;
}

/* Each vCPU computes, but vCPU 0 first does what the test wants of it. */
static bool guest(unsigned id, struct kvm_run *run)
{
	if (id == 0 && atomic_exchange(&read_port, false)) {
		if (slowly) {
			sem_post(&at_device);
			wait_for(&go_on, 1);
		}
		run->exit_reason = KVM_EXIT_IO;
		run->io.direction = KVM_EXIT_IO_IN;
		run->io.size = 1;
		run->io.port = PORT;
		run->io.count = 1;
		run->io.data_offset = 2048;
		return false;
	}
	if (id == 0 && atomic_exchange(&reset, false)) {
		run->exit_reason = KVM_EXIT_SYSTEM_EVENT;
		run->system_event.type = KVM_SYSTEM_EVENT_RESET;
		return false;
	}
	sem_post(&computes);
	return true;
}

/* A device that keeps the vCPU until the test lets it go. */
static uint64_t device_read(void *dev, uint64_t off, unsigned size)
{
	(void)dev;
	(void)off;
	(void)size;
	sem_post(&at_device);
	wait_for(&go_on, 1);
	return 0x5a;
}

static const struct bus_ops device = { .read = device_read };

static void ended(void *opaque, enum vcpu_end reason, const char *detail)
{
	(void)opaque;
	(void)detail;
	ck_assert_int_eq(reason, VCPU_END_RESET);
	ends++;
	sem_post(&at_device);
}

static bool no_fault(void *opaque)
{
	(void)opaque;
	return false;
}

static void paused(void *opaque)
{
	ck_assert_ptr_eq(opaque, &pauses);
	for (unsigned i = 0; i < set.nr; i++)
		ck_assert(!fake_kvm.vcpu[i].unfinished);
	pauses++;
	loop_quit(&loop);
}

static const uint8_t *apic_ids; /* NULL: the numbers of the vCPUs */

static int init(unsigned nr)
{
	const struct vcpu_env env = {
		.kvm = &kvm,
		.apic_ids = apic_ids,
		.pio = &pio,
		.mmio = &mmio,
		.end = ended,
		.fault = no_fault,
	};

	return vcpu_set_init(&set, &env, nr, &loop, paused, &pauses);
}

static void setup(void)
{
	const char *missing;

	fake_kvm_reset();
	fake_kvm.guest = guest;
	ends = pauses = 0;
	read_port = slowly = reset = false;
	sem_init(&at_device, 0, 0);
	sem_init(&go_on, 0, 0);
	sem_init(&computes, 0, 0);
	ck_assert_int_eq(kvm_open(&kvm, &missing), 0);
	bus_init(&pio);
	bus_init(&mmio);
	ck_assert_int_eq(bus_add(&pio, PORT, 1, &device, NULL), 0);
	ck_assert_int_eq(loop_init(&loop), 0);
}

static void teardown(void)
{
	vcpu_set_stop(&set);
	vcpu_set_exit(&set);
	loop_exit(&loop);
	bus_exit(&pio);
	bus_exit(&mmio);
	fake_kvm_reset();
}

static void start(unsigned nr)
{
	ck_assert_int_eq(init(nr), 0);
	ck_assert_int_eq(vcpu_set_start(&set), 0);
}

static void pause_all(void)
{
	unsigned before = pauses;

	vcpu_set_pause(&set);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_eq(pauses, before + 1);
}

/* --- rules --------------------------------------------------------------------------------------
 */

START_TEST(a_pause_brings_every_vcpu_out_of_the_guest)
{
	unsigned entered[CPUS];

	start(CPUS);
	wait_for(&computes, CPUS);
	pause_all();
	for (unsigned i = 0; i < CPUS; i++)
		entered[i] = fake_kvm.vcpu[i].entered;
	/* A signal from elsewhere gets none of them back in. */
	for (unsigned i = 0; i < CPUS; i++)
		pthread_kill(set.list[i].thread, SIGRTMIN);
	for (unsigned i = 0; i < CPUS; i++)
		ck_assert_uint_eq(fake_kvm.vcpu[i].entered, entered[i]);
	vcpu_set_resume(&set);
	wait_for(&computes, CPUS);
	for (unsigned i = 0; i < CPUS; i++)
		ck_assert_uint_eq(fake_kvm.vcpu[i].entered, entered[i] + 1);
}
END_TEST

/* fake_kvm tells of an access that was served and not completed; paused() looks at it. */
START_TEST(an_access_to_a_device_is_complete_before_the_pause)
{
	read_port = true;
	start(1);
	wait_for(&at_device, 1);
	vcpu_set_pause(&set);
	sem_post(&go_on);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_eq(pauses, 1);
	ck_assert_uint_eq(fake_kvm.vcpu[0].entered, 1);
	ck_assert_uint_eq(((uint8_t *)fake_kvm.vcpu[0].run)[2048], 0x5a);
	vcpu_set_resume(&set);
	wait_for(&computes, 1);
}
END_TEST

START_TEST(an_exit_that_meets_the_pause_is_served)
{
	read_port = slowly = true;
	start(1);
	wait_for(&at_device, 1);
	vcpu_set_pause(&set);
	sem_post(&go_on);
	sem_post(&go_on);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_uint_eq(((uint8_t *)fake_kvm.vcpu[0].run)[2048], 0x5a);
}
END_TEST

START_TEST(pauses_may_follow_on_each_other_at_once)
{
	start(CPUS);
	for (unsigned i = 0; i < 200; i++) {
		pause_all();
		vcpu_set_resume(&set);
	}
	ck_assert_uint_eq(pauses, 200);
}
END_TEST

START_TEST(each_vcpu_is_forgiven_its_pause)
{
	start(CPUS);
	pause_all();
	ck_assert_uint_eq(fake_kvm.calls[FAKE_KVM_FORGIVE_PAUSE], 0);
	vcpu_set_resume(&set);
	ck_assert_uint_eq(fake_kvm.calls[FAKE_KVM_FORGIVE_PAUSE], CPUS);
}
END_TEST

START_TEST(a_guest_that_has_no_such_clock_goes_on_too)
{
	start(1);
	pause_all();
	fake_kvm_refuse(FAKE_KVM_FORGIVE_PAUSE, EINVAL, 0);
	ck_assert_int_eq(vcpu_resume(&set.list[0]), 0);
	pause_all();
	fake_kvm_refuse(FAKE_KVM_FORGIVE_PAUSE, EIO, 0);
	ck_assert_int_eq(vcpu_resume(&set.list[0]), -EIO);
	pause_all();
}
END_TEST

START_TEST(paused_vcpus_stop)
{
	start(CPUS);
	pause_all();
	vcpu_set_stop(&set);
	for (unsigned i = 0; i < CPUS; i++)
		ck_assert(!set.list[i].started);
}
END_TEST

START_TEST(a_vcpu_that_has_ended_the_vm_counts_as_paused)
{
	reset = true;
	start(2);
	wait_for(&at_device, 1);
	ck_assert_uint_eq(ends, 1);
	pause_all();
	vcpu_set_resume(&set);
	pause_all();
	ck_assert_uint_eq(ends, 1);
}
END_TEST

START_TEST(vcpus_are_made_anew_after_their_end)
{
	start(CPUS);
	pause_all();
	vcpu_set_stop(&set);
	vcpu_set_exit(&set);
	start(2);
	pause_all();
	ck_assert_uint_eq(set.nr, 2);
}
END_TEST

START_TEST(kvm_knows_a_vcpu_by_its_apic_identifier)
{
	static const uint8_t ids[] = { 0, 4, 1 };

	apic_ids = ids;
	ck_assert_int_eq(init(3), 0);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(set.list[i].id, i);
		ck_assert_uint_eq(set.list[i].apic_id, ids[i]);
		ck_assert_int_eq(fake_kvm.vcpu[ids[i]].fd, set.list[i].fd);
	}
	vcpu_set_exit(&set);
	apic_ids = NULL;
}
END_TEST

START_TEST(what_was_made_goes_when_one_cannot_be_made)
{
	fake_kvm_refuse(FAKE_KVM_CREATE_VCPU, ENOMEM, 2);
	ck_assert_int_eq(init(CPUS), -ENOMEM);
	ck_assert_uint_eq(set.nr, 2);
	vcpu_set_exit(&set);
	ck_assert_uint_eq(set.nr, 0);
	ck_assert_int_eq(set.out.fd, -1);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("vcpu");
	TCase *t = suite_case(s, "pause", setup, teardown);

	tcase_add_test(t, a_pause_brings_every_vcpu_out_of_the_guest);
	tcase_add_test(t, an_access_to_a_device_is_complete_before_the_pause);
	tcase_add_test(t, an_exit_that_meets_the_pause_is_served);
	tcase_add_test(t, pauses_may_follow_on_each_other_at_once);
	tcase_add_test(t, each_vcpu_is_forgiven_its_pause);
	tcase_add_test(t, a_guest_that_has_no_such_clock_goes_on_too);
	tcase_add_test(t, paused_vcpus_stop);
	tcase_add_test(t, a_vcpu_that_has_ended_the_vm_counts_as_paused);
	tcase_add_test(t, vcpus_are_made_anew_after_their_end);
	tcase_add_test(t, what_was_made_goes_when_one_cannot_be_made);
	tcase_add_test(t, kvm_knows_a_vcpu_by_its_apic_identifier);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
