/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All work is on the main loop. Output goes from the guest's queue to a buffer and from there to
 * out_fd; input goes through a small buffer, which is empty whenever more is read. A request of
 * the guest that does not fit the buffer is taken piece by piece: it is put back, and tx_off is how
 * much of it has been taken.
 */
#include "devices/virtio/console.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <linux/virtio_ids.h>

#include "vmm/bits.h"
#include "vmm/log.h"
#include "vmm/loop.h"

#define F_SIZE		   0 /* Virtio 1.2, 5.3.3 */
#define PCI_CLASS_COMM	   0x078000
#define QUEUE_SIZE	   128
#define OUTPUT_MAX	   KIB(64)
#define INPUT_MAX	   1024
#define REQUESTS_PER_ROUND 64

enum { QUEUE_RX, QUEUE_TX, NR_QUEUES };

/* 5.3.4. Of these only the size is there, for the other features are not offered. */
struct console_space {
	uint16_t cols, rows;
	uint32_t max_nr_ports;
	uint32_t emergency;
};

struct virtio_console {
	struct virtio_device device;
	struct virtio_console_config config;
	struct loop *loop;
	struct loop_source rx_kick, tx_kick, input, output, stall;
	bool input_over;
	bool said_lost, said_dropped;

	pthread_mutex_t lock; /* guards running, with it the queues, and what follows */
	bool running;
	bool stalled; /* the reader takes nothing */
	uint16_t cols, rows;
	uint64_t tx_off; /* bytes of the next request that have been taken */
	size_t in_len, out_len;
	uint8_t in[INPUT_MAX], out[OUTPUT_MAX];
	struct virtq_chain chain; /* too large for the stack */
};

static struct virtio_console *console_of(struct virtio_device *device)
{
	return container_of(device, struct virtio_console, device);
}

/* Pops into console->chain. False if there is none. */
static bool next_request(struct virtio_console *console, unsigned index)
{
	struct virtq *queue = &console->device.queues[index];
	int r = virtq_pop(queue, &console->chain);

	if (r < 0)
		virtio_device_break(&console->device, queue, queue->why);
	return r > 0;
}

static void look_again(struct virtio_console *console, unsigned index)
{
	eventfd_write(console->device.queues[index].kick_fd, 1);
}

/* --- output; lock held ------------------------------------------------------------------------ */

static void set_stall_timer(struct virtio_console *console, unsigned ms)
{
	const struct itimerspec when = {
		.it_value = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 },
	};

	if (timerfd_settime(console->stall.fd, 0, &when, NULL) < 0)
		log_error(console->device.name, "no timer, so the guest waits for its reader: %s",
			  strerror(errno));
}

/* The reader has taken nothing, or @some. */
static void wait_for_reader(struct virtio_console *console, bool some)
{
	int r;

	if (some || !console->output.active)
		set_stall_timer(console, console->config.stall_ms);
	if (console->output.active)
		return;
	r = loop_add(console->loop, &console->output);
	if (r < 0)
		log_error(console->device.name, "no more output: %s", strerror(-r));
}

static void output_lost(struct virtio_console *console, int error)
{
	if (!console->said_lost)
		log_warn(console->device.name, "output of the guest is lost: %s", strerror(error));
	console->said_lost = true;
	console->out_len = 0;
}

/* Hands on what the reader takes just now. */
static void flush(struct virtio_console *console)
{
	size_t done = 0;

	while (done < console->out_len) {
		ssize_t n =
			write(console->config.out_fd, console->out + done, console->out_len - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno == EAGAIN)
			break;
		else if (errno != EINTR)
			output_lost(console, errno);
	}
	if (done)
		console->stalled = false;
	console->out_len -= min_u64(done, console->out_len);
	memmove(console->out, console->out + done, console->out_len);
	if (console->out_len) {
		wait_for_reader(console, done);
		return;
	}
	if (console->output.active)
		set_stall_timer(console, 0);
	loop_del(console->loop, &console->output);
}

static void output_dropped(struct virtio_console *console)
{
	if (!console->said_dropped)
		log_warn(console->device.name,
			 "nobody reads the console, so what the guest writes meanwhile is lost");
	console->said_dropped = true;
}

/* Takes the next request, or what there is room for. False if none could be taken whole. */
static bool take_output(struct virtio_console *console)
{
	struct virtq *queue = &console->device.queues[QUEUE_TX];
	size_t n;

	if (!next_request(console, QUEUE_TX))
		return false;
	n = virtq_chain_read(&console->chain, console->tx_off, console->out + console->out_len,
			     OUTPUT_MAX - console->out_len);
	console->out_len += n;
	console->tx_off += n;
	if (console->tx_off < console->chain.out_len && !console->stalled) {
		virtq_unpop(queue);
		return false;
	}
	if (console->tx_off < console->chain.out_len)
		output_dropped(console);
	console->tx_off = 0;
	virtq_push(queue, console->chain.head, 0);
	return true;
}

/* One round: what is left when there is room again comes at the loop's next turn. */
static void serve_output(struct virtio_console *console)
{
	struct virtq *queue = &console->device.queues[QUEUE_TX];
	unsigned n = 0;

	if (!console->running)
		return;
	while (n < REQUESTS_PER_ROUND && take_output(console))
		n++;
	flush(console);
	if (n)
		virtq_signal(queue);
	if (virtq_pending(queue) && (console->out_len < OUTPUT_MAX || console->stalled))
		look_again(console, QUEUE_TX);
}

/* --- input; lock held ------------------------------------------------------------------------- */

/* Gives the guest what waits in the buffer. */
static void feed(struct virtio_console *console)
{
	struct virtq *queue = &console->device.queues[QUEUE_RX];
	unsigned n = 0;

	while (console->in_len && n < REQUESTS_PER_ROUND && next_request(console, QUEUE_RX)) {
		size_t len = virtq_chain_write(&console->chain, 0, console->in, console->in_len);

		virtq_push(queue, console->chain.head, (uint32_t)len);
		console->in_len -= len;
		memmove(console->in, console->in + len, console->in_len);
		n++;
	}
	if (n)
		virtq_signal(queue);
	if (n == REQUESTS_PER_ROUND)
		look_again(console, QUEUE_RX);
}

static bool has_room(struct virtio_console *console)
{
	struct virtq *queue = &console->device.queues[QUEUE_RX];

	if (!console->running || console->in_len)
		return false;
	return virtq_pending(queue) || virtq_want_kicks(queue, true);
}

/* Listens to the input while the guest has room, so that the terminal keeps the rest. */
static void listen_to_input(struct virtio_console *console)
{
	int r;

	if (console->input_over || !has_room(console)) {
		loop_del(console->loop, &console->input);
		return;
	}
	if (console->input.active)
		return;
	r = loop_add(console->loop, &console->input);
	if (r < 0)
		log_error(console->device.name, "no more input: %s", strerror(-r));
}

/* --- the loop calls ----------------------------------------------------------------------------
 */

static void rx_kicked(struct loop_source *source, int revents)
{
	struct virtio_console *console = source->opaque;
	eventfd_t count;

	(void)revents;
	if (eventfd_read(source->fd, &count) < 0)
		return;
	pthread_mutex_lock(&console->lock);
	if (console->running)
		feed(console);
	listen_to_input(console);
	pthread_mutex_unlock(&console->lock);
}

static void tx_kicked(struct loop_source *source, int revents)
{
	struct virtio_console *console = source->opaque;
	eventfd_t count;

	(void)revents;
	if (eventfd_read(source->fd, &count) < 0)
		return;
	pthread_mutex_lock(&console->lock);
	serve_output(console);
	pthread_mutex_unlock(&console->lock);
}

static void output_ready(struct loop_source *source, int revents)
{
	struct virtio_console *console = source->opaque;

	(void)revents;
	pthread_mutex_lock(&console->lock);
	flush(console);
	serve_output(console);
	pthread_mutex_unlock(&console->lock);
}

static void stall_over(struct loop_source *source, int revents)
{
	struct virtio_console *console = source->opaque;
	uint64_t count;

	(void)revents;
	if (read(source->fd, &count, sizeof(count)) != sizeof(count))
		return;
	pthread_mutex_lock(&console->lock);
	console->stalled = true;
	serve_output(console);
	pthread_mutex_unlock(&console->lock);
}

/* More than the guest has room for may be read, up to the buffer's half: the filter may double it.
 */
static ssize_t read_input(struct virtio_console *console)
{
	ssize_t n = read(console->config.in_fd, console->in, sizeof(console->in) / 2);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		console->input_over = true;
		return 0;
	}
	if (console->config.typed)
		n = (ssize_t)console->config.typed(console->config.opaque, console->in, (size_t)n);
	return n;
}

static void input_ready(struct loop_source *source, int revents)
{
	struct virtio_console *console = source->opaque;

	(void)revents;
	pthread_mutex_lock(&console->lock);
	if (has_room(console)) {
		console->in_len = (size_t)read_input(console);
		feed(console);
	}
	listen_to_input(console);
	pthread_mutex_unlock(&console->lock);
}

/* --- the device --------------------------------------------------------------------------------
 */

static void read_config(struct virtio_device *device, unsigned off, void *data, unsigned size)
{
	struct virtio_console *console = console_of(device);
	struct console_space space = { 0 };

	pthread_mutex_lock(&console->lock);
	space.cols = console->cols;
	space.rows = console->rows;
	pthread_mutex_unlock(&console->lock);
	memcpy(data, (const uint8_t *)&space + off, size);
}

static int start(struct virtio_device *device)
{
	struct virtio_console *console = console_of(device);

	pthread_mutex_lock(&console->lock);
	console->running = true;
	console->tx_off = 0;
	pthread_mutex_unlock(&console->lock);
	look_again(console, QUEUE_RX);
	look_again(console, QUEUE_TX);
	return 0;
}

static bool stop(struct virtio_device *device)
{
	struct virtio_console *console = console_of(device);

	pthread_mutex_lock(&console->lock);
	console->running = false;
	pthread_mutex_unlock(&console->lock);
	return true;
}

static const struct virtio_ops console_ops = {
	.config_read = read_config,
	.start = start,
	.stop = stop,
};

/* False if out_fd has no size. */
static bool terminal_size(const struct virtio_console *console, struct winsize *ret)
{
	return ioctl(console->config.out_fd, TIOCGWINSZ, ret) == 0;
}

static void set_up_device(struct virtio_console *console, const struct memory *memory)
{
	struct virtio_device *device = &console->device;
	struct winsize size;

	device->ops = &console_ops;
	device->name = console->config.name;
	device->type = VIRTIO_ID_CONSOLE;
	device->pci_class = PCI_CLASS_COMM;
	device->config_size = sizeof(struct console_space);
	device->memory = memory;
	if (!console->config.size || !terminal_size(console, &size))
		return;
	device->offered = UINT64_C(1) << F_SIZE;
	console->cols = size.ws_col;
	console->rows = size.ws_row;
}

static void set_source(struct virtio_console *console, struct loop_source *source, int fd,
		       short events, void (*ready)(struct loop_source *source, int revents))
{
	*source = (struct loop_source){
		.fd = fd,
		.events = events,
		.ready = ready,
		.opaque = console,
	};
}

/* input and output join the loop when there is something to do. */
static int start_sources(struct virtio_console *console)
{
	const struct virtq *queues = console->device.queues;
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int r = timer < 0 ? -errno : 0;

	set_source(console, &console->stall, timer, POLLIN, stall_over);
	set_source(console, &console->rx_kick, queues[QUEUE_RX].kick_fd, POLLIN, rx_kicked);
	set_source(console, &console->tx_kick, queues[QUEUE_TX].kick_fd, POLLIN, tx_kicked);
	set_source(console, &console->input, console->config.in_fd, POLLIN, input_ready);
	set_source(console, &console->output, console->config.out_fd, POLLOUT, output_ready);
	console->input_over = console->config.in_fd < 0;
	if (r == 0)
		r = loop_add(console->loop, &console->stall);
	if (r == 0)
		r = loop_add(console->loop, &console->rx_kick);
	if (r == 0)
		r = loop_add(console->loop, &console->tx_kick);
	return r;
}

int virtio_console_create(const struct virtio_console_config *config, const struct memory *memory,
			  struct loop *loop, struct virtio_console **ret)
{
	struct virtio_console *console = calloc(1, sizeof(*console));
	int r;

	if (!console)
		return -ENOMEM;
	console->config = *config;
	if (!config->stall_ms)
		console->config.stall_ms = VIRTIO_CONSOLE_STALL_MS;
	console->loop = loop;
	console->stall.fd = -1;
	pthread_mutex_init(&console->lock, NULL);
	set_up_device(console, memory);
	r = virtio_device_init(&console->device, NR_QUEUES, QUEUE_SIZE);
	if (r == 0)
		r = start_sources(console);
	if (r < 0) {
		virtio_console_destroy(console);
		return r;
	}
	*ret = console;
	return 0;
}

struct virtio_device *virtio_console_device(struct virtio_console *console)
{
	return &console->device;
}

void virtio_console_resized(struct virtio_console *console)
{
	struct winsize size;
	bool changed;

	if (!(console->device.offered & (UINT64_C(1) << F_SIZE)) || !terminal_size(console, &size))
		return;
	pthread_mutex_lock(&console->lock);
	changed = size.ws_col != console->cols || size.ws_row != console->rows;
	console->cols = size.ws_col;
	console->rows = size.ws_row;
	pthread_mutex_unlock(&console->lock);
	if (changed)
		virtio_device_config_changed(&console->device);
}

void virtio_console_destroy(struct virtio_console *console)
{
	if (!console)
		return;
	virtio_device_exit(&console->device);
	if (console->out_len)
		flush(console);
	loop_del(console->loop, &console->rx_kick);
	loop_del(console->loop, &console->tx_kick);
	loop_del(console->loop, &console->input);
	loop_del(console->loop, &console->output);
	loop_del(console->loop, &console->stall);
	close_fd(&console->stall.fd);
	pthread_mutex_destroy(&console->lock);
	free(console);
}
