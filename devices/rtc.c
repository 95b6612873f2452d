/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The CMOS clock. The time cannot be set and no alarm fires: a guest that keeps time does so by
 * kvm-clock; this is where it starts from.
 */
#include "devices/rtc.h"

#include <string.h>
#include <time.h>

#include "vmm/bits.h"
#include "vmm/bus.h"

#define PORT_INDEX 0x70
#define CENTURY	   0x32
#define REG_A	   0x0a
#define REG_B	   0x0b
#define REG_C	   0x0c
#define REG_D	   0x0d
#define A_32KHZ	   0x26
#define B_24H	   0x02
#define D_VALID	   0x80

static uint8_t bcd(int value)
{
	return (uint8_t)(((value / 10 % 10) << 4) | (value % 10));
}

/* True and *ret_value for the registers that show the time. */
static bool clock_register(uint8_t index, uint8_t *ret_value)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	switch (index) {
	case 0:
		*ret_value = bcd(tm.tm_sec);
		return true;
	case 2:
		*ret_value = bcd(tm.tm_min);
		return true;
	case 4:
		*ret_value = bcd(tm.tm_hour);
		return true;
	case 6:
		*ret_value = bcd(tm.tm_wday + 1);
		return true;
	case 7:
		*ret_value = bcd(tm.tm_mday);
		return true;
	case 8:
		*ret_value = bcd(tm.tm_mon + 1);
		return true;
	case 9:
		*ret_value = bcd(tm.tm_year % 100);
		return true;
	case CENTURY:
		*ret_value = bcd(tm.tm_year / 100 + 19);
		return true;
	case REG_A:
		*ret_value = A_32KHZ; /* never "update in progress" */
		return true;
	case REG_B:
		*ret_value = B_24H;
		return true;
	case REG_C:
		*ret_value = 0;
		return true;
	case REG_D:
		*ret_value = D_VALID;
		return true;
	default:
		return false;
	}
}

static uint64_t rtc_read(void *dev, uint64_t off, unsigned size)
{
	struct rtc *rtc = dev;
	uint8_t value;

	if (off != 1 || size != 1)
		return ones(size);
	pthread_mutex_lock(&rtc->lock);
	if (!clock_register(rtc->index, &value))
		value = rtc->ram[rtc->index];
	pthread_mutex_unlock(&rtc->lock);
	return value;
}

static void rtc_write(void *dev, uint64_t off, uint64_t value, unsigned size)
{
	struct rtc *rtc = dev;
	uint8_t ignored;

	if (size != 1)
		return;
	pthread_mutex_lock(&rtc->lock);
	if (off == 0)
		rtc->index = value & 0x7f;
	else if (!clock_register(rtc->index, &ignored))
		rtc->ram[rtc->index] = (uint8_t)value;
	pthread_mutex_unlock(&rtc->lock);
}

static const struct bus_ops rtc_ops = { .read = rtc_read, .write = rtc_write };

int rtc_init(struct rtc *rtc, struct bus *pio)
{
	memset(rtc, 0, sizeof(*rtc));
	pthread_mutex_init(&rtc->lock, NULL);
	return bus_add(pio, PORT_INDEX, 2, &rtc_ops, rtc);
}

void rtc_exit(struct rtc *rtc)
{
	pthread_mutex_destroy(&rtc->lock);
}
