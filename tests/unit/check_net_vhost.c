/* SPDX-License-Identifier: BSD-3-Clause */
/* What vhost-net is told, and in which order: the fake host writes it down. */
#include "devices/virtio/net_vhost.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/net_rig.h"
#include "tests/unit/suite.h"
#include "vmm/bits.h"

#define MRG NET_BIT(VIRTIO_NET_F_MRG_RXBUF)

static struct net_rig rig;

static void setup(void)
{
	net_rig_init(&rig);
	net_rig_taps(&rig, 1);
	rig.config.vhost = NET_VHOST_ON;
}

static void setup_device(void)
{
	setup();
	net_rig_create(&rig);
}

static void teardown(void)
{
	net_rig_exit(&rig);
}

static const struct net_rig_call *call(unsigned long request, unsigned nr)
{
	for (unsigned i = 0; i < net_rig_host.nr; i++)
		if (net_rig_host.calls[i].request == request && nr-- == 0)
			return &net_rig_host.calls[i];
	ck_abort_msg("no such call: 0x%lx", request);
}

static struct vhost_vring_file file_of(unsigned long request, unsigned nr)
{
	struct vhost_vring_file file;

	memcpy(&file, call(request, nr)->bytes, sizeof(file));
	return file;
}

static struct vhost_vring_state state_of(unsigned long request, unsigned nr)
{
	struct vhost_vring_state state;

	memcpy(&state, call(request, nr)->bytes, sizeof(state));
	return state;
}

/* Of the calls to vhost-net alone, without those to the tap. */
static void check_order(const unsigned long *requests, unsigned nr, unsigned first)
{
	unsigned n = 0;

	for (unsigned i = first; i < net_rig_host.nr; i++) {
		unsigned long request = net_rig_host.calls[i].request;

		if (_IOC_TYPE(request) != VHOST_VIRTIO)
			continue;
		ck_assert_uint_lt(n, nr);
		ck_assert_msg(request == requests[n], "call %u is 0x%lx, not 0x%lx", n, request,
			      requests[n]);
		n++;
	}
	ck_assert_uint_eq(n, nr);
}

START_TEST(the_kernel_learns_everything_before_it_serves)
{
	static const unsigned long order[] = {
		VHOST_SET_OWNER,      VHOST_GET_FEATURES,    VHOST_SET_FEATURES,
		VHOST_SET_MEM_TABLE,  VHOST_SET_VRING_NUM,   VHOST_SET_VRING_BASE,
		VHOST_SET_VRING_ADDR, VHOST_SET_VRING_KICK,  VHOST_SET_VRING_CALL,
		VHOST_SET_VRING_ERR,  VHOST_SET_VRING_NUM,   VHOST_SET_VRING_BASE,
		VHOST_SET_VRING_ADDR, VHOST_SET_VRING_KICK,  VHOST_SET_VRING_CALL,
		VHOST_SET_VRING_ERR,  VHOST_NET_SET_BACKEND, VHOST_NET_SET_BACKEND,
	};

	net_rig_start(&rig, MRG, 2);
	check_order(order, ARRAY_SIZE(order), 0);
}
END_TEST

START_TEST(a_reset_takes_the_tap_away_before_it_asks_where_the_rings_are)
{
	static const unsigned long order[] = {
		VHOST_NET_SET_BACKEND,
		VHOST_GET_VRING_BASE,
		VHOST_NET_SET_BACKEND,
		VHOST_GET_VRING_BASE,
	};
	unsigned first;

	net_rig_start(&rig, MRG, 2);
	first = net_rig_host.nr;
	virtio_rig_reset(&rig.guest);
	check_order(order, ARRAY_SIZE(order), first);
	ck_assert_int_eq(file_of(VHOST_NET_SET_BACKEND, 2).fd, -1);
	ck_assert_int_eq(file_of(VHOST_NET_SET_BACKEND, 3).fd, -1);
	ck_assert_uint_eq(file_of(VHOST_NET_SET_BACKEND, 3).index, 1);
}
END_TEST

START_TEST(only_accepted_features_of_the_rings_are_passed_on)
{
	uint64_t features;

	net_rig_start(&rig, MRG | NET_BIT(VIRTIO_NET_F_GUEST_CSUM) | NET_BIT(VIRTIO_NET_F_MAC), 2);
	memcpy(&features, call(VHOST_SET_FEATURES, 0)->bytes, sizeof(features));
	ck_assert_uint_eq(features, MRG | NET_BIT(VIRTIO_F_VERSION_1));
}
END_TEST

START_TEST(the_kernel_sees_all_of_the_guests_memory_and_no_more)
{
	struct vhost_memory head;
	struct vhost_memory_region region;
	const struct net_rig_call *table;

	net_rig_start(&rig, MRG, 2);
	table = call(VHOST_SET_MEM_TABLE, 0);
	memcpy(&head, table->bytes, sizeof(head));
	memcpy(&region, table->bytes + sizeof(head), sizeof(region));
	ck_assert_uint_eq(head.nregions, 1);
	ck_assert_uint_eq(region.guest_phys_addr, 0);
	ck_assert_uint_eq(region.memory_size, VIRTIO_RIG_RAM);
	ck_assert_uint_eq(region.userspace_addr, (uintptr_t)rig.guest.memory.ram[0].hva);
}
END_TEST

START_TEST(kicks_and_interrupts_do_not_pass_coldvm)
{
	net_rig_start(&rig, MRG, 2);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_uint_eq(file_of(VHOST_SET_VRING_KICK, i).index, i);
		ck_assert_int_eq(file_of(VHOST_SET_VRING_KICK, i).fd,
				 rig.device->queues[i].kick_fd);
		ck_assert_int_eq(file_of(VHOST_SET_VRING_CALL, i).fd, rig.guest.queues[i].call_fd);
		ck_assert_int_eq(file_of(VHOST_NET_SET_BACKEND, i).fd, rig.config.fds[0]);
		ck_assert_uint_eq(state_of(VHOST_SET_VRING_NUM, i).num, 64);
		ck_assert_uint_eq(state_of(VHOST_SET_VRING_BASE, i).num, 0);
	}
}
END_TEST

START_TEST(the_rings_are_told_by_their_host_addresses)
{
	struct vhost_vring_addr addr;

	net_rig_start(&rig, MRG, 2);
	memcpy(&addr, call(VHOST_SET_VRING_ADDR, 1)->bytes, sizeof(addr));
	ck_assert_uint_eq(addr.index, 1);
	ck_assert_uint_eq(addr.desc_user_addr, (uintptr_t)virtio_rig_desc(&rig.guest, 1, 0));
	ck_assert_uint_eq(addr.avail_user_addr, (uintptr_t)virtio_rig_avail(&rig.guest, 1));
	ck_assert_uint_eq(addr.used_user_addr, (uintptr_t)virtio_rig_used_ring(&rig.guest, 1));
}
END_TEST

START_TEST(no_frame_passes_the_thread)
{
	uint8_t byte[60] = { 0 };

	net_rig_start(&rig, MRG, 2);
	net_rig_offer(&rig, 0, 2000);
	virtio_rig_kick(&rig.guest, 0);
	net_rig_host_write(rig.outside[0], byte, sizeof(byte));
	ck_assert(!virtio_rig_used(&rig.guest, 0, 50, NULL, NULL));
}
END_TEST

START_TEST(frames_are_counted_by_the_kernel_since_the_device_was_made)
{
	struct net_counters counters;

	net_rig_host.statistics = (struct net_rig_statistics){ 10, 1000, 1, 20, 2000, 2 };
	net_rig_create(&rig);
	ck_assert_int_eq(net_count(rig.net, &counters), 0);
	ck_assert_uint_eq(counters.rx_frames + counters.tx_bytes, 0);
	net_rig_host.statistics = (struct net_rig_statistics){ 13, 1300, 5, 27, 2900, 13 };
	ck_assert_int_eq(net_count(rig.net, &counters), 0);
	/* What the tap receives the guest has sent. */
	ck_assert_uint_eq(counters.tx_frames, 3);
	ck_assert_uint_eq(counters.tx_bytes, 300);
	ck_assert_uint_eq(counters.tx_dropped, 4);
	ck_assert_uint_eq(counters.rx_frames, 7);
	ck_assert_uint_eq(counters.rx_bytes, 900);
	ck_assert_uint_eq(counters.rx_dropped, 11);
}
END_TEST

START_TEST(frames_that_nobody_counts_are_not_said_to_be_none)
{
	struct net_counters counters;

	net_rig_create(&rig);
	net_rig_host.refuse = TUNGETIFF;
	net_rig_host.refuse_err = -EBADFD;
	ck_assert_int_eq(net_count(rig.net, &counters), -EBADFD);
	net_destroy(rig.net);
	/* Without a beginning a later number means nothing. */
	net_rig_host.refuse = 0;
	net_rig_host.statistics_err = -ENOENT;
	net_rig_taps(&rig, 1);
	net_rig_create(&rig);
	net_rig_host.statistics_err = 0;
	ck_assert_int_eq(net_count(rig.net, &counters), -ENOENT);
}
END_TEST

START_TEST(a_ring_that_the_kernel_cannot_use_asks_for_a_reset)
{
	uint64_t one = 1;

	net_rig_start(&rig, MRG, 2);
	ck_assert_int_eq(write(file_of(VHOST_SET_VRING_ERR, 1).fd, &one, sizeof(one)), 8);
	ck_assert(virtio_rig_needs_reset(&rig.guest, NET_WAIT_MS));
}
END_TEST

START_TEST(a_tap_that_goes_away_takes_the_link_down)
{
	net_rig_start(&rig, MRG, 2);
	close_fd(&rig.outside[0]);
	ck_assert(net_rig_wait_down(&rig));
}
END_TEST

/* Whatever fails, the device says so and serves nothing. */
START_TEST(a_call_that_fails_is_a_device_that_needs_a_reset)
{
	static const unsigned long requests[] = {
		VHOST_SET_FEATURES,   VHOST_SET_MEM_TABLE,  VHOST_SET_VRING_NUM,
		VHOST_SET_VRING_BASE, VHOST_SET_VRING_ADDR, VHOST_SET_VRING_KICK,
		VHOST_SET_VRING_CALL, VHOST_SET_VRING_ERR,
	};

	net_rig_host.refuse = requests[_i];
	net_rig_host.refuse_err = -EFAULT;
	net_rig_start(&rig, MRG, 2);
	ck_assert(virtio_rig_needs_reset(&rig.guest, 0));
	net_rig_host.refuse = 0;
	virtio_rig_reset(&rig.guest);
	net_rig_start(&rig, MRG, 2);
	ck_assert(!virtio_rig_needs_reset(&rig.guest, 0));
}
END_TEST

/* The guest's memory may be written as long as the kernel holds on to it: so the descriptor goes.
 */
START_TEST(a_stop_that_fails_closes_the_kernels_side)
{
	int fd;

	net_rig_start(&rig, MRG, 2);
	fd = net_rig_last_call(VHOST_SET_MEM_TABLE)->fd;
	net_rig_host.refuse = VHOST_GET_VRING_BASE;
	net_rig_host.refuse_err = -EIO;
	virtio_rig_reset(&rig.guest);
	ck_assert_int_eq(write(fd, "", 0), -1);
	ck_assert_int_eq(errno, EBADF);
	net_rig_start(&rig, MRG, 2);
	ck_assert(virtio_rig_needs_reset(&rig.guest, 0));
}
END_TEST

START_TEST(vhost_on_fails_where_it_cannot_be_had)
{
	net_rig_host.open_err = -ENOENT;
	net_rig_refused(&rig, -ENOENT, "modprobe vhost_net");
}
END_TEST

START_TEST(vhost_on_fails_on_a_kernel_without_its_features)
{
	net_rig_host.vhost_features = 0;
	net_rig_refused(&rig, -EOPNOTSUPP, "too old");
}
END_TEST

START_TEST(vhost_auto_does_without_it)
{
	uint8_t frame[60] = { 0 }, out[200];

	rig.config.vhost = NET_VHOST_AUTO;
	net_rig_host.open_err = -EACCES;
	net_rig_create(&rig);
	net_rig_start(&rig, MRG, 2);
	net_rig_send(&rig, 1, frame, sizeof(frame));
	ck_assert_uint_eq(net_rig_host_read(rig.outside[0], out, sizeof(out)),
			  sizeof(frame) + NET_HDR_LEN);
	ck_assert_uint_eq(net_rig_calls(VHOST_SET_MEM_TABLE), 0);
}
END_TEST

START_TEST(vhost_serves_all_pairs_or_none)
{
	uint8_t frame[60] = { 0 }, out[200];

	net_rig_taps(&rig, 2);
	rig.config.vhost = NET_VHOST_AUTO;
	net_rig_host.open_err = -EMFILE;
	net_rig_host.open_ok = 1;
	net_rig_create(&rig);
	net_rig_start(&rig, MRG, 2);
	ck_assert_uint_eq(net_rig_calls(VHOST_SET_OWNER), 1);
	net_rig_send(&rig, 1, frame, sizeof(frame));
	ck_assert_uint_eq(net_rig_host_read(rig.outside[0], out, sizeof(out)),
			  sizeof(frame) + NET_HDR_LEN);
}
END_TEST

START_TEST(vhost_auto_uses_it_for_each_pair)
{
	net_rig_taps(&rig, 2);
	rig.config.vhost = NET_VHOST_AUTO;
	net_rig_create(&rig);
	net_rig_start(&rig, MRG | NET_BIT(VIRTIO_NET_F_MQ) | NET_BIT(VIRTIO_NET_F_CTRL_VQ), 5);
	ck_assert_uint_eq(net_rig_calls(VHOST_SET_MEM_TABLE), 2);
	ck_assert_uint_eq(net_rig_calls(VHOST_NET_SET_BACKEND), 4);
	ck_assert_int_eq(file_of(VHOST_NET_SET_BACKEND, 3).fd, rig.config.fds[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net_vhost");
	TCase *tcase = suite_case(suite, "device", setup_device, teardown);

	tcase_add_test(tcase, the_kernel_learns_everything_before_it_serves);
	tcase_add_test(tcase, a_reset_takes_the_tap_away_before_it_asks_where_the_rings_are);
	tcase_add_test(tcase, only_accepted_features_of_the_rings_are_passed_on);
	tcase_add_test(tcase, the_kernel_sees_all_of_the_guests_memory_and_no_more);
	tcase_add_test(tcase, kicks_and_interrupts_do_not_pass_coldvm);
	tcase_add_test(tcase, the_rings_are_told_by_their_host_addresses);
	tcase_add_test(tcase, no_frame_passes_the_thread);
	tcase_add_test(tcase, a_ring_that_the_kernel_cannot_use_asks_for_a_reset);
	tcase_add_test(tcase, a_tap_that_goes_away_takes_the_link_down);
	tcase_add_loop_test(tcase, a_call_that_fails_is_a_device_that_needs_a_reset, 0, 8);
	tcase_add_test(tcase, a_stop_that_fails_closes_the_kernels_side);

	tcase = suite_case(suite, "choice", setup, teardown);
	tcase_add_test(tcase, vhost_on_fails_where_it_cannot_be_had);
	tcase_add_test(tcase, frames_are_counted_by_the_kernel_since_the_device_was_made);
	tcase_add_test(tcase, frames_that_nobody_counts_are_not_said_to_be_none);
	tcase_add_test(tcase, vhost_on_fails_on_a_kernel_without_its_features);
	tcase_add_test(tcase, vhost_auto_does_without_it);
	tcase_add_test(tcase, vhost_serves_all_pairs_or_none);
	tcase_add_test(tcase, vhost_auto_uses_it_for_each_pair);
	return suite_run(suite);
}
