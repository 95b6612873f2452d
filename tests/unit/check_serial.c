/* SPDX-License-Identifier: BSD-3-Clause */
/* The UART: what Linux's 8250 driver probes, bytes both ways, and the interrupt line. */
#include "devices/serial.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/serial_reg.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "tests/fake/fake_kvm.h"
#include "tests/unit/log_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"
#include "vmm/bus.h"
#include "vmm/irqchip.h"
#include "vmm/kvm.h"
#include "vmm/x86/layout.h"

static struct bus pio;
static struct kvm kvm;
static struct irqchip irqchip;
static struct serial serial;
static int out[2]; /* what the guest sends can be read from out[0] */

static void setup(void)
{
	const char *missing;

	fake_kvm_reset();
	ck_assert_int_eq(kvm_open(&kvm, &missing), 0);
	ck_assert_int_eq(irqchip_init(&irqchip, &kvm), 0);
	bus_init(&pio);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(serial_init(&serial, &pio, &irqchip, out[1]), 0);
}

static void teardown(void)
{
	serial_exit(&serial);
	close_fd(&out[0]);
	close_fd(&out[1]);
	bus_exit(&pio);
	irqchip_exit(&irqchip);
	kvm_close(&kvm);
}

static uint8_t get(unsigned reg)
{
	return (uint8_t)bus_read(&pio, LAYOUT_PIO_SERIAL + reg, 1);
}

static void put(unsigned reg, uint8_t value)
{
	bus_write(&pio, LAYOUT_PIO_SERIAL + reg, value, 1);
}

static bool line(void)
{
	return fake_kvm.pins[LAYOUT_GSI_SERIAL];
}

/* As the 8250 driver has it while the port is open. */
static void open_port(uint8_t ier)
{
	put(UART_MCR, UART_MCR_OUT2 | UART_MCR_DTR | UART_MCR_RTS);
	put(UART_IER, ier);
}

static void receive(const char *text)
{
	ck_assert_uint_eq(serial_receive(&serial, (const uint8_t *)text, strlen(text)),
			  strlen(text));
}

static void check_sent(const char *text)
{
	char buf[64];
	ssize_t n = read(out[0], buf, sizeof(buf));

	if (n < 0)
		n = 0;
	ck_assert_int_eq(n, (ssize_t)strlen(text));
	ck_assert_mem_eq(buf, text, (size_t)n);
}

static bool has_room(void)
{
	struct pollfd fd = { .fd = serial.room_fd, .events = POLLIN };
	uint64_t count;

	if (poll(&fd, 1, 0) != 1)
		return false;
	return read(serial.room_fd, &count, sizeof(count)) == sizeof(count);
}

/* --- what autoconfig() of the 8250 driver looks at ---------------------------------------------
 */

START_TEST(interrupt_enable_keeps_four_bits)
{
	put(UART_IER, 0);
	ck_assert_uint_eq(get(UART_IER), 0);
	put(UART_IER, 0xff);
	ck_assert_uint_eq(get(UART_IER), 0x0f);
}
END_TEST

START_TEST(loopback_turns_modem_outputs_into_inputs)
{
	put(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	ck_assert_uint_eq(get(UART_MSR) & 0xf0, UART_MSR_DCD | UART_MSR_CTS);
	put(UART_MCR, UART_MCR_LOOP | UART_MCR_DTR | UART_MCR_OUT1);
	ck_assert_uint_eq(get(UART_MSR) & 0xf0, UART_MSR_DSR | UART_MSR_RI);
	put(UART_MCR, 0);
	ck_assert_uint_eq(get(UART_MSR) & 0xf0, UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS);
}
END_TEST

START_TEST(it_is_a_16550a_with_working_fifos)
{
	put(UART_FCR, UART_FCR_ENABLE_FIFO);
	ck_assert_uint_eq(get(UART_IIR) & 0xc0, 0xc0);
	put(UART_FCR, 0);
	ck_assert_uint_eq(get(UART_IIR) & 0xc0, 0);
}
END_TEST

START_TEST(the_scratch_register_keeps_a_byte)
{
	put(UART_SCR, 0xa5);
	ck_assert_uint_eq(get(UART_SCR), 0xa5);
}
END_TEST

START_TEST(the_divisor_hides_data_and_interrupt_enable)
{
	put(UART_IER, UART_IER_RDI);
	put(UART_LCR, UART_LCR_DLAB | UART_LCR_WLEN8);
	put(UART_DLL, 0x01);
	put(UART_DLM, 0x80);
	ck_assert_uint_eq(get(UART_DLL), 0x01);
	ck_assert_uint_eq(get(UART_DLM), 0x80);
	ck_assert_uint_eq(get(UART_LCR), UART_LCR_DLAB | UART_LCR_WLEN8);
	put(UART_LCR, UART_LCR_WLEN8);
	ck_assert_uint_eq(get(UART_IER), UART_IER_RDI);
	check_sent("");
}
END_TEST

START_TEST(status_registers_cannot_be_written)
{
	put(UART_LSR, 0);
	put(UART_MSR, 0);
	ck_assert_uint_eq(get(UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
	ck_assert_uint_ne(get(UART_MSR), 0);
}
END_TEST

/* --- bytes --------------------------------------------------------------------------------------
 */

START_TEST(a_byte_that_the_guest_sends_comes_out)
{
	put(UART_TX, 'a');
	put(UART_TX, 'b');
	check_sent("ab");
	ck_assert_uint_eq(get(UART_LSR) & UART_LSR_THRE, UART_LSR_THRE);
}
END_TEST

START_TEST(output_that_nobody_takes_does_not_stop_the_guest)
{
	char buf[4096];

	memset(buf, 'x', sizeof(buf));
	while (write(out[1], buf, sizeof(buf)) > 0 || write(out[1], buf, 1) > 0)
		;
	put(UART_TX, 'a');
	ck_assert_uint_eq(get(UART_LSR) & UART_LSR_THRE, UART_LSR_THRE);
}
END_TEST

START_TEST(received_bytes_are_read_in_order)
{
	receive("xyz");
	ck_assert_uint_eq(get(UART_LSR) & UART_LSR_DR, UART_LSR_DR);
	ck_assert_uint_eq(get(UART_RX), 'x');
	ck_assert_uint_eq(get(UART_RX), 'y');
	ck_assert_uint_eq(get(UART_RX), 'z');
	ck_assert_uint_eq(get(UART_LSR) & UART_LSR_DR, 0);
	ck_assert_uint_eq(get(UART_RX), 0);
}
END_TEST

START_TEST(in_loopback_the_guest_hears_itself_and_nobody_else_does)
{
	put(UART_MCR, UART_MCR_LOOP);
	put(UART_TX, 'q');
	check_sent("");
	ck_assert_uint_eq(get(UART_RX), 'q');
}
END_TEST

START_TEST(a_full_queue_takes_no_more_in_loopback_either)
{
	put(UART_MCR, UART_MCR_LOOP);
	for (unsigned i = 0; i < SERIAL_QUEUE + 10; i++)
		put(UART_TX, (uint8_t)i);
	for (unsigned i = 0; i < SERIAL_QUEUE; i++)
		ck_assert_uint_eq(get(UART_RX), (uint8_t)i);
	ck_assert_uint_eq(get(UART_LSR) & UART_LSR_DR, 0);
}
END_TEST

START_TEST(a_full_queue_takes_a_part_and_says_when_there_is_room)
{
	uint8_t data[SERIAL_QUEUE + 44];

	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	ck_assert_uint_eq(serial_receive(&serial, data, sizeof(data)), SERIAL_QUEUE);
	ck_assert_uint_eq(serial_receive(&serial, data, 1), 0);
	ck_assert(!has_room());
	for (unsigned i = 0; i < SERIAL_QUEUE / 2 - 1; i++)
		ck_assert_uint_eq(get(UART_RX), (uint8_t)i);
	ck_assert(!has_room());
	(void)get(UART_RX);
	ck_assert(has_room());
	/* The rest goes in and comes out behind the others, round the end of the ring. */
	ck_assert_uint_eq(serial_receive(&serial, data + SERIAL_QUEUE, 44), 44);
	for (unsigned i = SERIAL_QUEUE / 2; i < sizeof(data); i++)
		ck_assert_uint_eq(get(UART_RX), (uint8_t)i);
}
END_TEST

START_TEST(clearing_the_receiver_drops_what_is_there)
{
	receive("abc");
	put(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	ck_assert_uint_eq(get(UART_LSR) & UART_LSR_DR, 0);
	ck_assert(has_room());
}
END_TEST

START_TEST(accesses_of_another_width_reach_nothing)
{
	receive("a");
	ck_assert_uint_eq(bus_read(&pio, LAYOUT_PIO_SERIAL, 2), 0xffff);
	bus_write(&pio, LAYOUT_PIO_SERIAL, 'x', 4);
	check_sent("");
	ck_assert_uint_eq(get(UART_RX), 'a');
}
END_TEST

/* --- the interrupt ------------------------------------------------------------------------------
 */

START_TEST(a_received_byte_interrupts_until_it_is_read)
{
	open_port(UART_IER_RDI);
	ck_assert(!line());
	receive("a");
	ck_assert(line());
	ck_assert_uint_eq(get(UART_IIR) & 0x0f, UART_IIR_RDI);
	ck_assert(line());
	(void)get(UART_RX);
	ck_assert(!line());
	ck_assert_uint_eq(get(UART_IIR) & 0x0f, UART_IIR_NO_INT);
}
END_TEST

START_TEST(a_byte_that_waits_interrupts_when_the_guest_asks_for_it)
{
	receive("a");
	ck_assert(!line());
	open_port(UART_IER_RDI);
	ck_assert(line());
}
END_TEST

START_TEST(an_empty_transmitter_interrupts_when_it_is_asked_for)
{
	open_port(UART_IER_THRI);
	ck_assert(line());
	ck_assert_uint_eq(get(UART_IIR) & 0x0f, UART_IIR_THRI);
	ck_assert(!line());
}
END_TEST

START_TEST(a_sent_byte_interrupts_again)
{
	open_port(UART_IER_THRI);
	(void)get(UART_IIR);
	put(UART_TX, 'a');
	ck_assert(line());
	(void)get(UART_IIR);
	ck_assert(!line());
}
END_TEST

START_TEST(received_data_comes_before_an_empty_transmitter)
{
	open_port(UART_IER_RDI | UART_IER_THRI);
	receive("a");
	ck_assert_uint_eq(get(UART_IIR) & 0x0f, UART_IIR_RDI);
	(void)get(UART_RX);
	ck_assert(line());
	ck_assert_uint_eq(get(UART_IIR) & 0x0f, UART_IIR_THRI);
}
END_TEST

START_TEST(out2_gates_the_line)
{
	put(UART_MCR, 0);
	put(UART_IER, UART_IER_RDI);
	receive("a");
	ck_assert(!line());
	put(UART_MCR, UART_MCR_OUT2);
	ck_assert(line());
	put(UART_MCR, 0);
	ck_assert(!line());
}
END_TEST

START_TEST(an_unchanged_line_is_not_set_again)
{
	open_port(UART_IER_RDI);
	receive("a");
	unsigned before = fake_kvm.calls[FAKE_KVM_IRQ_LINE];
	receive("b");
	(void)get(UART_RX);
	(void)get(UART_LSR);
	ck_assert_uint_eq(fake_kvm.calls[FAKE_KVM_IRQ_LINE], before);
}
END_TEST

START_TEST(an_interrupt_that_does_not_arrive_is_one_line)
{
	open_port(UART_IER_RDI);
	fake_kvm_refuse(FAKE_KVM_IRQ_LINE, EIO, 0);
	log_rig_begin();
	for (unsigned i = 0; i < 20; i++) {
		receive("a");
		(void)get(UART_RX);
	}
	ck_assert_uint_eq(log_rig_lines(), 1);
	log_rig_end();
	fake_kvm_refuse(FAKE_KVM_IRQ_LINE, 0, 0);
}
END_TEST

/* --- life ---------------------------------------------------------------------------------------
 */

START_TEST(ports_that_are_taken_are_an_error)
{
	struct serial other;

	ck_assert_int_eq(serial_init(&other, &pio, &irqchip, -1), -EEXIST);
}
END_TEST

START_TEST(without_an_output_bytes_are_dropped)
{
	serial.out_fd = -1;
	put(UART_TX, 'a');
	check_sent("");
	ck_assert_uint_eq(get(UART_LSR) & UART_LSR_THRE, UART_LSR_THRE);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("serial");
	TCase *t = suite_case(s, "probe", setup, teardown);

	tcase_add_test(t, interrupt_enable_keeps_four_bits);
	tcase_add_test(t, loopback_turns_modem_outputs_into_inputs);
	tcase_add_test(t, it_is_a_16550a_with_working_fifos);
	tcase_add_test(t, the_scratch_register_keeps_a_byte);
	tcase_add_test(t, the_divisor_hides_data_and_interrupt_enable);
	tcase_add_test(t, status_registers_cannot_be_written);

	t = suite_case(s, "bytes", setup, teardown);
	tcase_add_test(t, a_byte_that_the_guest_sends_comes_out);
	tcase_add_test(t, output_that_nobody_takes_does_not_stop_the_guest);
	tcase_add_test(t, received_bytes_are_read_in_order);
	tcase_add_test(t, in_loopback_the_guest_hears_itself_and_nobody_else_does);
	tcase_add_test(t, a_full_queue_takes_no_more_in_loopback_either);
	tcase_add_test(t, a_full_queue_takes_a_part_and_says_when_there_is_room);
	tcase_add_test(t, clearing_the_receiver_drops_what_is_there);
	tcase_add_test(t, accesses_of_another_width_reach_nothing);

	t = suite_case(s, "interrupt", setup, teardown);
	tcase_add_test(t, a_received_byte_interrupts_until_it_is_read);
	tcase_add_test(t, a_byte_that_waits_interrupts_when_the_guest_asks_for_it);
	tcase_add_test(t, an_empty_transmitter_interrupts_when_it_is_asked_for);
	tcase_add_test(t, a_sent_byte_interrupts_again);
	tcase_add_test(t, received_data_comes_before_an_empty_transmitter);
	tcase_add_test(t, out2_gates_the_line);
	tcase_add_test(t, an_unchanged_line_is_not_set_again);
	tcase_add_test(t, an_interrupt_that_does_not_arrive_is_one_line);

	t = suite_case(s, "life", setup, teardown);
	tcase_add_test(t, ports_that_are_taken_are_an_error);
	tcase_add_test(t, without_an_output_bytes_are_dropped);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
