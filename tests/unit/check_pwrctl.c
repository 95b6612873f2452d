/* SPDX-License-Identifier: BSD-3-Clause */
/* The slots' power registers: each bank reaches its slot, by aligned accesses of 32 bits alone. */
#include "devices/pwrctl.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/bus.h"

struct slot {
	unsigned commands, statuses, hints, wakes;
	uint32_t last;
};

static struct bus pio;
static struct pwrctl pwrctl;
static struct slot slots[2];

static void command(void *opaque, uint32_t value)
{
	struct slot *slot = opaque;

	slot->commands++;
	slot->last = value;
}

static uint32_t status(void *opaque)
{
	((struct slot *)opaque)->statuses++;
	return CVM_STS_ON | CVM_STS_BUSY;
}

static uint32_t hint(void *opaque)
{
	((struct slot *)opaque)->hints++;
	return 77;
}

static uint32_t take_wakes(void *opaque)
{
	((struct slot *)opaque)->wakes++;
	return 0x5;
}

static const struct pwrctl_ops ops = {
	.command = command,
	.status = status,
	.hint = hint,
	.take_wakes = take_wakes,
};

static void setup(void)
{
	memset(slots, 0, sizeof(slots));
	bus_init(&pio);
	ck_assert_int_eq(pwrctl_init(&pwrctl, &pio), 0);
	ck_assert_int_eq(pwrctl_set_bank(&pwrctl, 0, &ops, &slots[0]), 0);
	ck_assert_int_eq(pwrctl_set_bank(&pwrctl, CVM_SLOT_MAX - 1, &ops, &slots[1]), 0);
}

static void teardown(void)
{
	bus_exit(&pio);
}

static uint64_t reg(unsigned bank, unsigned off)
{
	return CVM_SLOT_BASE + bank * CVM_SLOT_SIZE + off;
}

static unsigned calls(const struct slot *slot)
{
	return slot->commands + slot->statuses + slot->hints + slot->wakes;
}

START_TEST(each_register_asks_its_question)
{
	ck_assert_uint_eq(bus_read(&pio, reg(0, CVM_SLOT_STS), 4), CVM_STS_ON | CVM_STS_BUSY);
	ck_assert_uint_eq(bus_read(&pio, reg(0, CVM_SLOT_HINT), 4), 77);
	ck_assert_uint_eq(bus_read(&pio, reg(0, CVM_SLOT_WAKE), 4), 0x5);
	ck_assert_uint_eq(slots[0].statuses, 1);
	ck_assert_uint_eq(slots[0].hints, 1);
	ck_assert_uint_eq(slots[0].wakes, 1);
	ck_assert_uint_eq(slots[0].commands, 0);
}
END_TEST

START_TEST(the_command_register_reads_0_and_does_nothing)
{
	ck_assert_uint_eq(bus_read(&pio, reg(0, CVM_SLOT_CMD), 4), 0);
	ck_assert_uint_eq(calls(&slots[0]), 0);
}
END_TEST

START_TEST(on_and_off_reach_the_slot)
{
	bus_write(&pio, reg(0, CVM_SLOT_CMD), CVM_CMD_OFF, 4);
	ck_assert_uint_eq(slots[0].last, CVM_CMD_OFF);
	bus_write(&pio, reg(0, CVM_SLOT_CMD), CVM_CMD_ON, 4);
	ck_assert_uint_eq(slots[0].last, CVM_CMD_ON);
	ck_assert_uint_eq(slots[0].commands, 2);
}
END_TEST

START_TEST(other_commands_are_dropped)
{
	bus_write(&pio, reg(0, CVM_SLOT_CMD), 0, 4);
	bus_write(&pio, reg(0, CVM_SLOT_CMD), 3, 4);
	bus_write(&pio, reg(0, CVM_SLOT_CMD), 0x80000001, 4);
	ck_assert_uint_eq(calls(&slots[0]), 0);
}
END_TEST

START_TEST(only_the_command_register_can_be_written)
{
	bus_write(&pio, reg(0, CVM_SLOT_STS), CVM_CMD_OFF, 4);
	bus_write(&pio, reg(0, CVM_SLOT_HINT), CVM_CMD_OFF, 4);
	bus_write(&pio, reg(0, CVM_SLOT_WAKE), CVM_CMD_OFF, 4);
	ck_assert_uint_eq(calls(&slots[0]), 0);
}
END_TEST

START_TEST(the_last_bank_is_the_last_slot)
{
	bus_write(&pio, reg(CVM_SLOT_MAX - 1, CVM_SLOT_CMD), CVM_CMD_OFF, 4);
	ck_assert_uint_eq(slots[1].commands, 1);
	ck_assert_uint_eq(calls(&slots[0]), 0);
	ck_assert_uint_eq(bus_read(&pio, reg(CVM_SLOT_MAX, CVM_SLOT_STS), 4), 0xffffffff);
}
END_TEST

START_TEST(a_bank_without_slot_reads_all_ones)
{
	ck_assert_uint_eq(bus_read(&pio, reg(1, CVM_SLOT_STS), 4), 0xffffffff);
	bus_write(&pio, reg(1, CVM_SLOT_CMD), CVM_CMD_OFF, 4);
	ck_assert_uint_eq(calls(&slots[0]) + calls(&slots[1]), 0);
}
END_TEST

START_TEST(accesses_of_another_shape_are_refused)
{
	ck_assert_uint_eq(bus_read(&pio, reg(0, CVM_SLOT_STS), 1), 0xff);
	ck_assert_uint_eq(bus_read(&pio, reg(0, CVM_SLOT_STS), 2), 0xffff);
	ck_assert_uint_eq(bus_read(&pio, reg(0, CVM_SLOT_STS) + 2, 4), 0xffffffff);
	ck_assert_uint_eq(bus_read(&pio, reg(0, CVM_SLOT_WAKE), 1), 0xff);
	bus_write(&pio, reg(0, CVM_SLOT_CMD), CVM_CMD_OFF, 1);
	bus_write(&pio, reg(0, CVM_SLOT_CMD), CVM_CMD_OFF, 2);
	bus_write(&pio, reg(0, CVM_SLOT_CMD), CVM_CMD_OFF, 8);
	bus_write(&pio, reg(0, CVM_SLOT_CMD) + 1, CVM_CMD_OFF, 4);
	ck_assert_uint_eq(calls(&slots[0]), 0);
}
END_TEST

START_TEST(a_bank_has_one_slot_and_there_are_24)
{
	ck_assert_int_eq(pwrctl_set_bank(&pwrctl, 0, &ops, &slots[1]), -EEXIST);
	ck_assert_int_eq(pwrctl_set_bank(&pwrctl, CVM_SLOT_MAX, &ops, &slots[1]), -EINVAL);
	ck_assert_uint_eq(CVM_SLOT_MAX, 24);
	bus_write(&pio, reg(0, CVM_SLOT_CMD), CVM_CMD_ON, 4);
	ck_assert_uint_eq(slots[0].commands, 1);
}
END_TEST

START_TEST(the_banks_end_before_the_ports_of_pci)
{
	ck_assert_uint_le(CVM_SLOT_BASE + CVM_SLOT_SPAN, 0xcf8);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("pwrctl");
	TCase *t = suite_case(s, "registers", setup, teardown);

	tcase_add_test(t, each_register_asks_its_question);
	tcase_add_test(t, the_command_register_reads_0_and_does_nothing);
	tcase_add_test(t, on_and_off_reach_the_slot);
	tcase_add_test(t, other_commands_are_dropped);
	tcase_add_test(t, only_the_command_register_can_be_written);
	tcase_add_test(t, the_last_bank_is_the_last_slot);
	tcase_add_test(t, a_bank_without_slot_reads_all_ones);
	tcase_add_test(t, accesses_of_another_shape_are_refused);
	tcase_add_test(t, a_bank_has_one_slot_and_there_are_24);
	tcase_add_test(t, the_banks_end_before_the_ports_of_pci);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
