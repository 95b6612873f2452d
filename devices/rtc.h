/* SPDX-License-Identifier: BSD-3-Clause */
/* The CMOS clock (MC146818): the host's UTC, for the guest's first look at the time. */
#ifndef COLDVM_DEVICES_RTC_H
#define COLDVM_DEVICES_RTC_H

#include <pthread.h>
#include <stdint.h>

struct bus;

struct rtc {
	pthread_mutex_t lock; /* guards what follows; leaf lock */
	uint8_t index;
	uint8_t ram[128]; /* what the guest wrote where no clock register is */
};

int rtc_init(struct rtc *rtc, struct bus *pio);
void rtc_exit(struct rtc *rtc);

#endif
