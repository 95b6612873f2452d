/* SPDX-License-Identifier: BSD-3-Clause */
/* Taps of the real kernel, in a network namespace of the test's own. Where there is no right to one
 * (user namespaces switched off, no access to /dev/net/tun), each test says so and passes. */
#include "devices/virtio/net_tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/net_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

#define RX 0
#define TX 1

#define MRG NET_BIT(VIRTIO_NET_F_MRG_RXBUF)

static struct net_rig rig;
static bool possible;

/* Root needs no user namespace, and none is tried first: the tap's file may be root's alone. */
static bool own_network(void)
{
	int fd;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static void setup(void)
{
	net_rig_init(&rig);
	rig.config.host = NULL;
	rig.config.tap = "cvtap0";
	possible = own_network();
	if (!possible)
		printf("skipped: no network namespace, or no access to /dev/net/tun\n");
}

static void teardown(void)
{
	net_rig_exit(&rig);
}

static int if_ioctl(unsigned long request, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret;

	ck_assert_int_ge(fd, 0);
	strcpy(ifr->ifr_name, "cvtap0");
	ret = ioctl(fd, request, ifr) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* A tap of somebody else; closing the descriptor removes it. */
static int other_tap(short flags)
{
	struct ifreq ifr = { .ifr_flags = flags };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	strcpy(ifr.ifr_name, "cvtap0");
	ck_assert_int_eq(ioctl(fd, TUNSETIFF, &ifr), 0);
	return fd;
}

/* And up it is: for a descriptor that is handed over somebody else sees to that. */
static void set_address(void)
{
	struct ifreq ifr = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)&ifr.ifr_addr;

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = inet_addr("10.11.12.1");
	ck_assert_int_eq(if_ioctl(SIOCSIFADDR, &ifr), 0);
	memset(&ifr, 0, sizeof(ifr));
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = inet_addr("255.255.255.0");
	ck_assert_int_eq(if_ioctl(SIOCSIFNETMASK, &ifr), 0);
	ifr.ifr_flags = IFF_UP;
	ck_assert_int_eq(if_ioctl(SIOCSIFFLAGS, &ifr), 0);
}

static void ask_arp(struct ether_arp *arp)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };

	*arp = (struct ether_arp){ 0 };
	arp->arp_hrd = htons(ARPHRD_ETHER);
	arp->arp_pro = htons(ETHERTYPE_IP);
	arp->arp_hln = 6;
	arp->arp_pln = 4;
	arp->arp_op = htons(ARPOP_REQUEST);
	memcpy(arp->arp_sha, mac, 6);
	ck_assert_int_eq(inet_pton(AF_INET, "10.11.12.2", arp->arp_spa), 1);
	ck_assert_int_eq(inet_pton(AF_INET, "10.11.12.1", arp->arp_tpa), 1);
}

/* The host's kernel answers who has its address: a frame each way. */
static void exchange_arp(void)
{
	uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 8, 6 };
	struct ether_arp arp;
	bool answered = false;
	uint64_t gpas[32];

	ask_arp(&arp);
	memcpy(frame + ETH_HLEN, &arp, sizeof(arp));
	for (unsigned i = 0; i < 32; i++)
		gpas[i] = net_rig_offer(&rig, RX, 2048);
	virtio_rig_kick(&rig.guest, RX);
	net_rig_send(&rig, TX, frame, sizeof(frame));
	/* Others talk on a new interface too. */
	for (unsigned i = 0; i < 32 && !answered; i++) {
		const uint8_t *got = virtio_rig_at(&rig.guest, gpas[i], 2048);

		ck_assert(virtio_rig_used(&rig.guest, RX, NET_WAIT_MS, NULL, NULL));
		memcpy(&arp, got + NET_HDR_LEN + ETH_HLEN, sizeof(arp));
		answered = got[NET_HDR_LEN + 12] == 8 && got[NET_HDR_LEN + 13] == 6 &&
			   arp.arp_op == htons(ARPOP_REPLY);
	}
	ck_assert(answered);
}

START_TEST(a_tap_that_is_missing_is_made_and_brought_up)
{
	struct ifreq ifr = { 0 };

	if (!possible)
		return;
	net_rig_create(&rig);
	ck_assert_int_eq(if_ioctl(SIOCGIFFLAGS, &ifr), 0);
	ck_assert(ifr.ifr_flags & IFF_UP);
}
END_TEST

START_TEST(frames_pass_both_ways)
{
	if (!possible)
		return;
	net_rig_create(&rig);
	set_address();
	net_rig_start(&rig,
		      MRG | NET_BIT(VIRTIO_NET_F_GUEST_CSUM) | NET_BIT(VIRTIO_NET_F_GUEST_TSO4) |
			      NET_BIT(VIRTIO_NET_F_GUEST_TSO6) | NET_BIT(VIRTIO_NET_F_CSUM),
		      2);
	exchange_arp();
	virtio_rig_reset(&rig.guest);
	net_rig_start(&rig, 0, 2);
	exchange_arp();
}
END_TEST

START_TEST(a_tap_by_descriptor_works_alike)
{
	if (!possible)
		return;
	rig.config.tap = NULL;
	rig.config.fds[0] = other_tap(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	rig.config.nr_fds = 1;
	net_rig_create(&rig);
	set_address();
	net_rig_start(&rig, MRG, 2);
	exchange_arp();
}
END_TEST

START_TEST(pairs_are_attached_and_detached)
{
	if (!possible)
		return;
	rig.config.nr_pairs = 2;
	net_rig_create(&rig);
	set_address();
	net_rig_start(&rig, MRG | NET_BIT(VIRTIO_NET_F_MQ) | NET_BIT(VIRTIO_NET_F_CTRL_VQ), 5);
	exchange_arp();
	for (uint16_t nr = 2; nr; nr--) {
		uint64_t gpa = virtio_rig_alloc(&rig.guest, 64, 16);
		const struct virtio_rig_buffer buffers[] = {
			{ .gpa = gpa, .len = 4 },
			{ .gpa = gpa + 32, .len = 1, .write = true },
		};
		uint8_t *data = virtio_rig_at(&rig.guest, gpa, 64);

		data[0] = VIRTIO_NET_CTRL_MQ;
		data[2] = (uint8_t)nr;
		data[32] = 0xaa;
		virtio_rig_add(&rig.guest, 4, buffers, 2);
		virtio_rig_kick(&rig.guest, 4);
		ck_assert(virtio_rig_used(&rig.guest, 4, NET_WAIT_MS, NULL, NULL));
		ck_assert_uint_eq(data[32], VIRTIO_NET_OK);
	}
}
END_TEST

START_TEST(an_mtu_is_set)
{
	struct ifreq ifr = { 0 };

	if (!possible)
		return;
	rig.config.mtu = 4000;
	net_rig_create(&rig);
	ck_assert_int_eq(if_ioctl(SIOCGIFMTU, &ifr), 0);
	ck_assert_int_eq(ifr.ifr_mtu, 4000);
}
END_TEST

START_TEST(a_tap_that_cannot_be_set_up_is_not_left_behind)
{
	struct ifreq ifr = { 0 };

	if (!possible)
		return;
	rig.config.mtu = 65535;
	net_rig_refused(&rig, -EINVAL, "mtu=65535");
	ck_assert_int_eq(if_ioctl(SIOCGIFFLAGS, &ifr), -ENODEV);
}
END_TEST

/* As when a VM reboots: whoever passed the descriptors in holds them open. */
START_TEST(descriptors_serve_one_device_after_the_other)
{
	int kept[2];

	if (!possible)
		return;
	for (unsigned i = 0; i < 2; i++)
		kept[i] = other_tap(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE);
	for (unsigned life = 0; life < 3; life++) {
		rig.config.tap = NULL;
		rig.config.nr_pairs = rig.config.nr_fds = 2;
		for (unsigned i = 0; i < 2; i++)
			rig.config.fds[i] = dup(kept[i]);
		net_rig_create(&rig);
		set_address();
		net_rig_start(&rig, MRG, 2);
		exchange_arp();
		net_destroy(rig.net);
		rig.net = NULL;
		rig.guest.queues[RX] = rig.guest.queues[TX] = (struct virtio_rig_queue){
			.call_fd = -1,
		};
	}
	close(kept[0]);
	close(kept[1]);
}
END_TEST

START_TEST(an_interface_that_is_removed_takes_the_link_down)
{
	int fd;

	if (!possible)
		return;
	/* Made to last, so that it can be removed while it is in use. */
	fd = other_tap(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	ck_assert_int_eq(ioctl(fd, TUNSETPERSIST, 1), 0);
	close(fd);
	net_rig_create(&rig);
	net_rig_start(&rig, MRG, 2);
	ck_assert_int_eq(system("ip link delete cvtap0"), 0);
	ck_assert(net_rig_wait_down(&rig));
	virtio_rig_reset(&rig.guest);
}
END_TEST

START_TEST(a_tap_in_use_is_said)
{
	int fd;

	if (!possible)
		return;
	fd = other_tap(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	net_rig_refused(&rig, -EBUSY, "tap cvtap0 is in use");
	close(fd);
}
END_TEST

START_TEST(a_tun_device_is_no_tap)
{
	int fd;

	if (!possible)
		return;
	fd = other_tap(IFF_TUN | IFF_NO_PI);
	net_rig_refused(&rig, -EINVAL, "is a tun device");
	close(fd);
}
END_TEST

START_TEST(another_interface_is_no_tap)
{
	if (!possible)
		return;
	rig.config.tap = "lo";
	net_rig_refused(&rig, -EINVAL, "not a tap device");
}
END_TEST

START_TEST(a_tap_of_one_queue_is_not_enough_for_two_pairs)
{
	int fd;

	if (!possible)
		return;
	fd = other_tap(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	ck_assert_int_eq(ioctl(fd, TUNSETPERSIST, 1), 0);
	close(fd);
	rig.config.nr_pairs = 2;
	net_rig_refused(&rig, -EINVAL, "multi_queue");
}
END_TEST

START_TEST(a_tap_of_many_queues_does_for_one_pair)
{
	int fd;

	if (!possible)
		return;
	fd = other_tap(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE);
	ck_assert_int_eq(ioctl(fd, TUNSETPERSIST, 1), 0);
	close(fd);
	net_rig_create(&rig);
	set_address();
	net_rig_start(&rig, MRG, 2);
	exchange_arp();
}
END_TEST

START_TEST(names_that_no_interface_has_are_refused)
{
	static const char *const names[] = { "", "a-name-too-long-for-it", "a/b", "a b", "tap%d" };

	rig.config.tap = names[_i];
	net_rig_refused(&rig, -EINVAL, "is no name for a tap");
}
END_TEST

START_TEST(a_file_that_is_no_tap_is_refused)
{
	rig.config.tap = NULL;
	rig.config.fds[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	rig.config.nr_fds = 1;
	net_rig_refused(&rig, -EINVAL, "is no tap device");
}
END_TEST

START_TEST(a_descriptor_that_is_not_open_is_refused)
{
	rig.config.tap = NULL;
	rig.config.fds[0] = 900;
	rig.config.nr_fds = 1;
	net_rig_refused(&rig, -EBADF, "fd=900 is not open");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net_tap");
	TCase *tcase = suite_case(suite, "kernel", setup, teardown);

	tcase_add_test(tcase, a_tap_that_is_missing_is_made_and_brought_up);
	tcase_add_test(tcase, frames_pass_both_ways);
	tcase_add_test(tcase, a_tap_by_descriptor_works_alike);
	tcase_add_test(tcase, pairs_are_attached_and_detached);
	tcase_add_test(tcase, an_mtu_is_set);
	tcase_add_test(tcase, a_tap_that_cannot_be_set_up_is_not_left_behind);
	tcase_add_test(tcase, descriptors_serve_one_device_after_the_other);
	tcase_add_test(tcase, an_interface_that_is_removed_takes_the_link_down);
	tcase_add_test(tcase, a_tap_in_use_is_said);
	tcase_add_test(tcase, a_tun_device_is_no_tap);
	tcase_add_test(tcase, another_interface_is_no_tap);
	tcase_add_test(tcase, a_tap_of_one_queue_is_not_enough_for_two_pairs);
	tcase_add_test(tcase, a_tap_of_many_queues_does_for_one_pair);

	tcase = suite_case(suite, "names", setup, teardown);
	tcase_add_loop_test(tcase, names_that_no_interface_has_are_refused, 0, 5);
	tcase_add_test(tcase, a_file_that_is_no_tap_is_refused);
	tcase_add_test(tcase, a_descriptor_that_is_not_open_is_refused);
	return suite_run(suite);
}
