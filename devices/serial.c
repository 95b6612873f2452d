/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A 16550A UART. Registers as in the National PC16550D data sheet; what Linux's 8250 driver
 * checks at probe is drivers/tty/serial/8250/8250_port.c: autoconfig(). The line has no speed: a
 * byte is out when the guest has written it.
 */
#include "devices/serial.h"

#include <errno.h>
#include <linux/serial_reg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/bits.h"
#include "vmm/bus.h"
#include "vmm/irqchip.h"
#include "vmm/log.h"
#include "vmm/x86/layout.h"

#define IER_MASK 0x0f

/* Lock held. */
static uint8_t pending_iir(const struct serial *s)
{
	if ((s->ier & UART_IER_RDI) && s->count)
		return UART_IIR_RDI;
	if ((s->ier & UART_IER_THRI) && s->thr_pending)
		return UART_IIR_THRI;
	return UART_IIR_NO_INT;
}

/* Brings the interrupt line to what the registers say. Lock held. OUT2 gates the line on PCs. */
static void update_line(struct serial *s)
{
	bool want = pending_iir(s) != UART_IIR_NO_INT && (s->mcr & UART_MCR_OUT2);

	if (want == s->line)
		return;
	int r = irqchip_set_pin(s->irqchip, LAYOUT_GSI_SERIAL, want);
	if (r < 0 && !s->complained)
		log_warn("serial", "interrupt not delivered: %s (said once)", strerror(-r));
	s->complained |= r < 0;
	s->line = want;
}

/* Lock held. */
static void push(struct serial *s, uint8_t byte)
{
	s->queue[(s->head + s->count) % SERIAL_QUEUE] = byte;
	s->count++;
}

/* Lock held. Tells the feeder when a full queue has drained to half. */
static uint8_t pop(struct serial *s)
{
	uint8_t byte;

	if (!s->count)
		return 0;
	byte = s->queue[s->head];
	s->head = (s->head + 1) % SERIAL_QUEUE;
	s->count--;
	if (s->count == SERIAL_QUEUE / 2)
		eventfd_write(s->room_fd, 1);
	return byte;
}

/* Without the lock: a reader that is slow to take the output delays this vCPU alone. EINTR means
 * that the VM is being stopped, so the byte may go. */
static void transmit(const struct serial *s, uint8_t byte)
{
	if (s->out_fd >= 0 && write(s->out_fd, &byte, 1) < 0 && errno != EINTR)
		log_debug("serial", "output lost: %s", strerror(errno));
}

static uint8_t modem_status(const struct serial *s)
{
	uint8_t msr = UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;

	if (!(s->mcr & UART_MCR_LOOP))
		return msr;
	/* Loopback: the four outputs come back as the four inputs. */
	msr = 0;
	msr |= s->mcr & UART_MCR_RTS ? UART_MSR_CTS : 0;
	msr |= s->mcr & UART_MCR_DTR ? UART_MSR_DSR : 0;
	msr |= s->mcr & UART_MCR_OUT1 ? UART_MSR_RI : 0;
	msr |= s->mcr & UART_MCR_OUT2 ? UART_MSR_DCD : 0;
	return msr;
}

/* Lock held. Reading "transmitter empty" from IIR acknowledges it. */
static uint8_t read_iir(struct serial *s)
{
	uint8_t iir = pending_iir(s);

	if (iir == UART_IIR_THRI)
		s->thr_pending = false;
	return iir | (s->fcr & UART_FCR_ENABLE_FIFO ? 0xc0 : 0);
}

/* Lock held. */
static uint8_t read_register(struct serial *s, unsigned reg)
{
	bool dlab = s->lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_RX:
		return dlab ? s->dll : pop(s);
	case UART_IER:
		return dlab ? s->dlm : s->ier;
	case UART_IIR:
		return read_iir(s);
	case UART_LCR:
		return s->lcr;
	case UART_MCR:
		return s->mcr;
	case UART_LSR:
		return UART_LSR_THRE | UART_LSR_TEMT | (s->count ? UART_LSR_DR : 0);
	case UART_MSR:
		return modem_status(s);
	default:
		return s->scr;
	}
}

static uint64_t serial_read(void *dev, uint64_t off, unsigned size)
{
	struct serial *s = dev;

	if (size != 1)
		return ones(size);
	pthread_mutex_lock(&s->lock);
	uint8_t value = read_register(s, (unsigned)off);
	update_line(s);
	pthread_mutex_unlock(&s->lock);
	return value;
}

/* Lock held. Returns true if @value is a byte to send. */
static bool write_thr(struct serial *s, uint8_t value)
{
	if (s->lcr & UART_LCR_DLAB) {
		s->dll = value;
		return false;
	}
	s->thr_pending = true;
	if (s->mcr & UART_MCR_LOOP) {
		if (s->count < SERIAL_QUEUE)
			push(s, value);
		return false;
	}
	return true;
}

/* Lock held. */
static void write_ier(struct serial *s, uint8_t value)
{
	if (s->lcr & UART_LCR_DLAB) {
		s->dlm = value;
		return;
	}
	/* Switching THRI on while the transmitter is empty interrupts at once. */
	if ((value & UART_IER_THRI) && !(s->ier & UART_IER_THRI))
		s->thr_pending = true;
	s->ier = value & IER_MASK;
}

/* Lock held. Returns true if @value is a byte to send. */
static bool write_register(struct serial *s, unsigned reg, uint8_t value)
{
	switch (reg) {
	case UART_TX:
		return write_thr(s, value);
	case UART_IER:
		write_ier(s, value);
		break;
	case UART_FCR:
		s->fcr = value;
		if (value & UART_FCR_CLEAR_RCVR) {
			s->count = 0;
			eventfd_write(s->room_fd, 1);
		}
		break;
	case UART_LCR:
		s->lcr = value;
		break;
	case UART_MCR:
		s->mcr = value & 0x1f;
		break;
	case UART_SCR:
		s->scr = value;
		break;
	default:
		break; /* LSR and MSR are read-only */
	}
	return false;
}

static void serial_write(void *dev, uint64_t off, uint64_t value, unsigned size)
{
	struct serial *s = dev;
	bool send;

	if (size != 1)
		return;
	pthread_mutex_lock(&s->lock);
	send = write_register(s, (unsigned)off, (uint8_t)value);
	update_line(s);
	pthread_mutex_unlock(&s->lock);
	if (send)
		transmit(s, (uint8_t)value);
}

static const struct bus_ops serial_ops = { .read = serial_read, .write = serial_write };

int serial_init(struct serial *serial, struct bus *pio, struct irqchip *irqchip, int out_fd)
{
	int r;

	*serial = (struct serial){
		.irqchip = irqchip,
		.out_fd = out_fd,
		.thr_pending = false,
	};
	serial->room_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (serial->room_fd < 0)
		return -errno;
	pthread_mutex_init(&serial->lock, NULL);
	r = bus_add(pio, LAYOUT_PIO_SERIAL, 8, &serial_ops, serial);
	if (r < 0)
		serial_exit(serial);
	return r;
}

void serial_exit(struct serial *serial)
{
	close_fd(&serial->room_fd);
	pthread_mutex_destroy(&serial->lock);
}

size_t serial_receive(struct serial *serial, const uint8_t *data, size_t len)
{
	size_t n = 0;

	pthread_mutex_lock(&serial->lock);
	for (; n < len && serial->count < SERIAL_QUEUE; n++)
		push(serial, data[n]);
	update_line(serial);
	pthread_mutex_unlock(&serial->lock);
	return n;
}
