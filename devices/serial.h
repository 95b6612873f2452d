/* SPDX-License-Identifier: BSD-3-Clause */
/* A 16550A UART at COM1. */
#ifndef COLDVM_DEVICES_SERIAL_H
#define COLDVM_DEVICES_SERIAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus;
struct irqchip;

#define SERIAL_QUEUE 256

struct serial {
	struct irqchip *irqchip;
	int out_fd;  /* what the guest sends; -1: dropped */
	int room_fd; /* eventfd: signalled when a full queue has room again */

	pthread_mutex_t lock; /* guards what follows; irqchip's lock is taken under it */
	uint8_t ier, lcr, mcr, scr, fcr;
	uint8_t dll, dlm;
	bool thr_pending; /* "transmitter empty" has not been seen by the guest yet */
	bool line;	  /* the interrupt is raised */
	bool complained;  /* of an interrupt that did not arrive */
	uint8_t queue[SERIAL_QUEUE];
	size_t head, count;
};

/* @out_fd stays the caller's. */
int serial_init(struct serial *serial, struct bus *pio, struct irqchip *irqchip, int out_fd);
void serial_exit(struct serial *serial);

/* Bytes for the guest; returns how many were taken. When fewer than @len, room_fd is signalled
 * as soon as more can be. Any thread. */
size_t serial_receive(struct serial *serial, const uint8_t *data, size_t len);

#endif
