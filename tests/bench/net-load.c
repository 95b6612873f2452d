/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moves datagrams or a stream between host and guest, and prints what that took. Small and static,
 * so that it fits into a guest's initrd.
 *
 * usage: net-load serve ADDRESS                                   (in the host, for ever)
 *        net-load ask ADDRESS out|in udp|tcp SIZE WINDOW COUNT    (in the guest)
 *
 * out is from guest to host. COUNT datagrams, or writes, of SIZE bytes go one way. Not more than
 * WINDOW datagrams are on their way, and the other side answers each half of a window with one of
 * its own: no rate at which some are lost would be a rate of the VMM alone. A stream has its own
 * window, and WINDOW has no meaning for it.
 *
 * The server prints for each of 5 rounds:
 * load out|in udp|tcp SIZE WINDOW COUNT NANOSECONDS EXITS INTERRUPTS
 * EXITS are those of KVM in the host, INTERRUPTS those of virtio devices in the guest.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	CONTROL_PORT = 5000,
	DATA_PORT = 5001,
	MAX_SIZE = 1 << 20,
	MAX_WINDOW = 128, /* of small datagrams: a socket keeps them all */
	LOST_S = 10,
	ROUNDS = 6, /* the first is not printed: first uses of queues, caches and branches */
};

#define EXITS_FILE "/sys/kernel/debug/kvm/exits"

struct load {
	char direction[4], protocol[4];
	uint32_t size, window, count;
	bool out, udp; /* by the words above */
};

static char buffer[MAX_SIZE];

static void die(const char *what)
{
	fprintf(stderr, "net-load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static bool read_load(struct load *load, const char *text)
{
	if (sscanf(text, "%3s %3s %u %u %u", load->direction, load->protocol, &load->size,
		   &load->window, &load->count) != 5)
		return false;
	load->out = !strcmp(load->direction, "out");
	load->udp = !strcmp(load->protocol, "udp");
	return (load->out || !strcmp(load->direction, "in")) &&
	       (load->udp || !strcmp(load->protocol, "tcp")) && load->size >= sizeof(uint32_t) &&
	       load->size <= MAX_SIZE && load->window && load->window <= MAX_WINDOW && load->count;
}

/* --- sockets ---------------------------------------------------------------------------------- */

static struct sockaddr_in address_of(const char *text, uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (inet_pton(AF_INET, text, &addr.sin_addr) != 1) {
		fprintf(stderr, "net-load: '%s': want an IPv4 address\n", text);
		exit(2);
	}
	return addr;
}

static int open_socket(int type)
{
	struct timeval patience = { .tv_sec = LOST_S };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    (type == SOCK_DGRAM &&
	     setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0))
		die("setsockopt");
	return fd;
}

static int bound(int type, const char *address, uint16_t port)
{
	struct sockaddr_in addr = address_of(address, port);
	int fd = open_socket(type);

	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		die("bind");
	if (type == SOCK_STREAM && listen(fd, 4) < 0)
		die("listen");
	return fd;
}

static int connected(int type, const char *address, uint16_t port)
{
	struct sockaddr_in addr = address_of(address, port);
	int fd = open_socket(type);

	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		die("connect");
	return fd;
}

static void send_all(int fd, const void *data, size_t len)
{
	const char *from = data;

	while (len) {
		ssize_t n = send(fd, from, len, MSG_NOSIGNAL);

		if (n < 0)
			die("send");
		from += n;
		len -= (size_t)n;
	}
}

static void receive_all(int fd, void *data, size_t len)
{
	char *to = data;

	while (len) {
		ssize_t n = recv(fd, to, len, 0);

		if (n == 0)
			errno = EPIPE;
		if (n <= 0)
			die("receive");
		to += n;
		len -= (size_t)n;
	}
}

static void send_datagram(int fd, size_t size)
{
	if (send(fd, buffer, size, 0) != (ssize_t)size)
		die("send");
}

/* --- the two ends of a load ------------------------------------------------------------------- */

static void udp_source(int fd, const struct load *load)
{
	uint32_t sent = 0, taken = 0;

	while (taken < load->count) {
		while (sent < load->count && sent - taken < load->window) {
			send_datagram(fd, load->size);
			sent++;
		}
		if (recv(fd, &taken, sizeof(taken), 0) != (ssize_t)sizeof(taken))
			die("answer");
	}
}

static void udp_sink(int fd, const struct load *load)
{
	uint32_t half = load->window > 1 ? load->window / 2 : 1;

	for (uint32_t taken = 1; taken <= load->count; taken++) {
		if (recv(fd, buffer, sizeof(buffer), 0) != (ssize_t)load->size)
			die("datagram");
		if (taken % half && taken != load->count)
			continue;
		if (send(fd, &taken, sizeof(taken), 0) != (ssize_t)sizeof(taken))
			die("answer");
	}
}

static void tcp_source(int fd, const struct load *load)
{
	char done;

	for (uint32_t i = 0; i < load->count; i++)
		send_all(fd, buffer, load->size);
	receive_all(fd, &done, 1);
}

static void tcp_sink(int fd, const struct load *load)
{
	uint64_t left = (uint64_t)load->count * load->size;

	while (left) {
		ssize_t n = recv(fd, buffer, load->size, 0);

		if (n <= 0)
			die("receive");
		left -= (uint64_t)n;
	}
	send_all(fd, "", 1);
}

static void run(int fd, const struct load *load, bool source)
{
	if (load->udp)
		(source ? udp_source : udp_sink)(fd, load);
	else
		(source ? tcp_source : tcp_sink)(fd, load);
}

/* --- counters --------------------------------------------------------------------------------- */

static uint64_t read_exits(void)
{
	unsigned long long exits;
	FILE *file = fopen(EXITS_FILE, "re");

	if (!file || fscanf(file, "%llu", &exits) != 1)
		die(EXITS_FILE);
	fclose(file);
	return exits;
}

/* The guest has one CPU: the number behind "IRQ:". */
static uint64_t read_interrupts(void)
{
	FILE *file = fopen("/proc/interrupts", "re");
	unsigned long long sum = 0, count;
	char line[512];

	if (!file)
		die("/proc/interrupts");
	while (fgets(line, sizeof(line), file))
		if (strstr(line, "virtio") && sscanf(line, "%*[^:]: %llu", &count) == 1)
			sum += count;
	fclose(file);
	return sum;
}

/* --- the server, in the host ------------------------------------------------------------------ */

/* The guest's first datagram says where it is. */
static void meet(int fd)
{
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);

	if (recvfrom(fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&peer, &len) < 0 ||
	    connect(fd, (struct sockaddr *)&peer, len) < 0)
		die("first datagram");
}

/* A byte each way puts both sides at the start of a round. */
static void serve_load(int control, int data, const struct load *load)
{
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t exits, interrupts[2];
		int64_t took;

		receive_all(control, &interrupts[0], sizeof(interrupts[0]));
		exits = read_exits();
		send_all(control, "", 1);
		took = now_ns();
		run(data, load, !load->out);
		took = now_ns() - took;
		exits = read_exits() - exits;
		receive_all(control, &interrupts[1], sizeof(interrupts[1]));
		if (i == 0)
			continue;
		printf("load %s %s %u %u %u %lld %llu %llu\n", load->direction, load->protocol,
		       load->size, load->window, load->count, (long long)took,
		       (unsigned long long)exits,
		       (unsigned long long)(interrupts[1] - interrupts[0]));
		fflush(stdout);
	}
}

static void serve(const char *address)
{
	int control_port = bound(SOCK_STREAM, address, CONTROL_PORT);
	int data_port = bound(SOCK_STREAM, address, DATA_PORT);

	for (;;) {
		int control = accept(control_port, NULL, NULL);
		char text[64] = "";
		struct load load;
		int data;

		if (control < 0)
			die("accept");
		receive_all(control, text, sizeof(text) - 1);
		if (!read_load(&load, text)) {
			errno = EINVAL;
			die(text);
		}
		data = load.udp ? bound(SOCK_DGRAM, address, DATA_PORT) : -1;
		send_all(control, "", 1);
		if (load.udp)
			meet(data);
		else
			data = accept(data_port, NULL, NULL);
		if (data < 0)
			die("accept");
		serve_load(control, data, &load);
		close(data);
		close(control);
	}
}

/* --- the guest -------------------------------------------------------------------------------- */

static void ask(const char *address, char **words)
{
	int control = connected(SOCK_STREAM, address, CONTROL_PORT);
	char text[64] = "", go;
	struct load load;
	int data;

	snprintf(text, sizeof(text), "%s %s %s %s %s", words[0], words[1], words[2], words[3],
		 words[4]);
	if (!read_load(&load, text)) {
		fprintf(stderr, "net-load: '%s': no such load\n", text);
		exit(2);
	}
	send_all(control, text, sizeof(text) - 1);
	receive_all(control, &go, 1);
	data = connected(load.udp ? SOCK_DGRAM : SOCK_STREAM, address, DATA_PORT);
	if (load.udp)
		send_datagram(data, 1);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t interrupts = read_interrupts();

		send_all(control, &interrupts, sizeof(interrupts));
		receive_all(control, &go, 1);
		run(data, &load, load.out);
		interrupts = read_interrupts();
		send_all(control, &interrupts, sizeof(interrupts));
	}
	close(data);
	close(control);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(argv[2]);
	else if (argc == 8 && !strcmp(argv[1], "ask"))
		ask(argv[2], argv + 3);
	else
		fprintf(stderr, "usage: net-load serve ADDRESS | ask ADDRESS out|in udp|tcp SIZE "
				"WINDOW COUNT\n");
	return argc == 8 ? 0 : 2;
}
