/* SPDX-License-Identifier: BSD-3-Clause */
/* The CMOS clock: the host's UTC in BCD and 24 hours, and RAM elsewhere. */
#include "devices/rtc.h"

#include <time.h>

#include "tests/unit/suite.h"
#include "vmm/bus.h"

static struct bus pio;
static struct rtc rtc;

static void setup(void)
{
	bus_init(&pio);
	ck_assert_int_eq(rtc_init(&rtc, &pio), 0);
}

static void teardown(void)
{
	rtc_exit(&rtc);
	bus_exit(&pio);
}

static uint8_t get(uint8_t index)
{
	bus_write(&pio, 0x70, index, 1);
	return (uint8_t)bus_read(&pio, 0x71, 1);
}

static void put(uint8_t index, uint8_t value)
{
	bus_write(&pio, 0x70, index, 1);
	bus_write(&pio, 0x71, value, 1);
}

static int from_bcd(uint8_t value)
{
	ck_assert_uint_le(value & 0x0f, 9);
	ck_assert_uint_le(value >> 4, 9);
	return (value >> 4) * 10 + (value & 0x0f);
}

/* All registers of one second, as a driver reads them: again if the second changed meanwhile. */
static struct tm read_clock(void)
{
	struct tm tm;

	do {
		tm = (struct tm){
			.tm_sec = from_bcd(get(0)),
			.tm_min = from_bcd(get(2)),
			.tm_hour = from_bcd(get(4)),
			.tm_wday = from_bcd(get(6)) - 1,
			.tm_mday = from_bcd(get(7)),
			.tm_mon = from_bcd(get(8)) - 1,
			.tm_year = from_bcd(get(0x32)) * 100 + from_bcd(get(9)) - 1900,
		};
	} while (from_bcd(get(0)) != tm.tm_sec);
	return tm;
}

START_TEST(it_shows_the_hosts_time_in_utc)
{
	time_t before = time(NULL);
	struct tm tm = read_clock();
	int wday = tm.tm_wday;
	time_t shown = timegm(&tm);

	ck_assert_int_ge(shown, before);
	ck_assert_int_le(shown, time(NULL));
	ck_assert_int_eq(tm.tm_wday, wday);
}
END_TEST

START_TEST(it_does_not_follow_the_hosts_time_zone)
{
	setenv("TZ", "Asia/Kathmandu", 1);
	tzset();
	time_t before = time(NULL);
	struct tm tm = read_clock();

	ck_assert_int_ge(timegm(&tm), before);
	ck_assert_int_le(timegm(&tm), time(NULL));
}
END_TEST

START_TEST(its_status_says_valid_bcd_24_hours_and_no_update)
{
	ck_assert_uint_eq(get(0x0a) & 0x80, 0);
	ck_assert_uint_eq(get(0x0b) & 0x06, 0x02);
	ck_assert_uint_eq(get(0x0c), 0);
	ck_assert_uint_eq(get(0x0d), 0x80);
}
END_TEST

START_TEST(the_time_cannot_be_set)
{
	time_t before = time(NULL);

	for (uint8_t index = 0; index <= 0x0d; index++)
		if (index % 2 == 0 || index >= 7)
			put(index, 0x11);
	put(0x32, 0x11);
	struct tm tm = read_clock();
	ck_assert_int_ge(timegm(&tm), before);
	ck_assert_uint_eq(get(0x0b), 0x02);
}
END_TEST

START_TEST(other_registers_keep_what_is_written)
{
	ck_assert_uint_eq(get(0x0f), 0);
	put(0x0f, 0x0a);
	put(0x7f, 0x55);
	ck_assert_uint_eq(get(0x0f), 0x0a);
	ck_assert_uint_eq(get(0x7f), 0x55);
}
END_TEST

START_TEST(the_nmi_bit_is_no_part_of_the_index)
{
	put(0x40, 0x12);
	ck_assert_uint_eq(get(0x80 | 0x40), 0x12);
}
END_TEST

START_TEST(the_index_cannot_be_read)
{
	bus_write(&pio, 0x70, 0x40, 1);
	ck_assert_uint_eq(bus_read(&pio, 0x70, 1), 0xff);
}
END_TEST

START_TEST(accesses_of_another_width_reach_nothing)
{
	put(0x40, 0x12);
	bus_write(&pio, 0x70, 0x3440, 2);
	ck_assert_uint_eq(get(0x40), 0x12);
	ck_assert_uint_eq(bus_read(&pio, 0x70, 2), 0xffff);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("rtc");
	TCase *t = suite_case(s, "clock", setup, teardown);

	tcase_add_test(t, it_shows_the_hosts_time_in_utc);
	tcase_add_test(t, it_does_not_follow_the_hosts_time_zone);
	tcase_add_test(t, its_status_says_valid_bcd_24_hours_and_no_update);
	tcase_add_test(t, the_time_cannot_be_set);
	tcase_add_test(t, other_registers_keep_what_is_written);
	tcase_add_test(t, the_nmi_bit_is_no_part_of_the_index);
	tcase_add_test(t, the_index_cannot_be_read);
	tcase_add_test(t, accesses_of_another_width_reach_nothing);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
