/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding, making and setting up tap devices. */
#include "devices/virtio/net_tap.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/virtio_net.h>

#include "devices/virtio/net.h"
#include "devices/virtio/net_host.h"
#include "vmm/bits.h"
#include "vmm/log.h"

#define TUN_PATH "/dev/net/tun"

/* Somebody's words for the user, and what went wrong. */
struct reason {
	char *why;
	size_t len;
};

#define GIVE_REASON(reason, ...) snprintf((reason)->why, (reason)->len, __VA_ARGS__)

/* The interface's own settings go by a socket. */
static int if_ioctl(const struct net_host *host, unsigned long request, struct ifreq *ifr)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	ret = host->ioctl(fd, request, ifr);
	close(fd);
	return ret;
}

static void name_ifr(struct ifreq *ifr, const char *name)
{
	memset(ifr, 0, sizeof(*ifr));
	memcpy(ifr->ifr_name, name, strnlen(name, IFNAMSIZ - 1));
}

/* What there is of that name: "tap", "tun", or "" for an interface of another kind. By ethtool and
 * not by sysfs, which may show another network namespace. */
static void find_kind(const struct net_host *host, const char *name, char kind[ETHTOOL_BUSINFO_LEN])
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq ifr;

	name_ifr(&ifr, name);
	ifr.ifr_data = (void *)&info;
	*kind = '\0';
	if (if_ioctl(host, SIOCETHTOOL, &ifr) >= 0 && !strcmp(info.driver, "tun"))
		snprintf(kind, ETHTOOL_BUSINFO_LEN, "%s", info.bus_info);
}

/* EINVAL of TUNSETIFF says all of these (drivers/net/tun.c: tun_set_iff()). */
static void say_refused(const struct net_host *host, struct reason *reason, const char *name,
			unsigned nr)
{
	char kind[ETHTOOL_BUSINFO_LEN];

	find_kind(host, name, kind);
	if (!*kind)
		GIVE_REASON(reason,
			    "%s is a network interface, but not a tap device: choose another name",
			    name);
	else if (strcmp(kind, "tap"))
		GIVE_REASON(reason, "%s is a tun device, which has no Ethernet frames: make a tap",
			    name);
	else if (nr > 1)
		GIVE_REASON(reason,
			    "tap %s has one queue only: make it with 'ip tuntap add %s mode tap "
			    "multi_queue', or leave num_queues at 2",
			    name, name);
	else
		GIVE_REASON(reason, "tap %s cannot be attached to: %s", name, strerror(EINVAL));
}

static void say_not_attached(const struct net_host *host, struct reason *reason, const char *name,
			     unsigned nr, int err)
{
	switch (-err) {
	case EPERM:
		GIVE_REASON(reason,
			    "no right to use tap %s: it needs CAP_NET_ADMIN, or a tap made by 'ip "
			    "tuntap "
			    "add %s mode tap user $USER'",
			    name, name);
		break;
	case EBUSY:
		GIVE_REASON(reason, "tap %s is in use by another program", name);
		break;
	case E2BIG:
		GIVE_REASON(reason, "tap %s has no more queues left", name);
		break;
	case EINVAL:
		say_refused(host, reason, name, nr);
		break;
	default:
		GIVE_REASON(reason, "cannot attach to tap %s: %s", name, strerror(-err));
	}
}

static void say_not_opened(struct reason *reason, int err)
{
	if (err == -EACCES || err == -EPERM)
		GIVE_REASON(reason, "no right to open " TUN_PATH ": give the user access to it, or "
				    "use passt=on, which needs none");
	else if (err == -ENOENT || err == -ENODEV || err == -ENXIO)
		GIVE_REASON(reason, "there is no " TUN_PATH ": load the module ('modprobe tun')");
	else
		GIVE_REASON(reason, "cannot open " TUN_PATH ": %s", strerror(-err));
}

/* A tap that was made for several queues is to be opened so even for one. */
static int set_interface(const struct net_host *host, int fd, const char *name, unsigned nr)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	short one_queue = ifr.ifr_flags;
	int ret;

	memcpy(ifr.ifr_name, name, strlen(name));
	if (nr > 1)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	ret = host->ioctl(fd, TUNSETIFF, &ifr);
	if (ret != -EINVAL || nr > 1)
		return ret;
	ifr.ifr_flags = (short)(one_queue | IFF_MULTI_QUEUE);
	return host->ioctl(fd, TUNSETIFF, &ifr);
}

/* Little endian 12-byte headers, and nothing unfinished until the guest has said what it takes. */
static int set_headers(const struct net_host *host, int fd)
{
	int len = NET_HDR_LEN, little = 1;
	int ret;

	ret = host->ioctl(fd, TUNSETVNETHDRSZ, &len);
	if (ret >= 0)
		ret = host->ioctl(fd, TUNSETVNETLE, &little);
	if (ret >= 0)
		ret = net_tap_offload(host, fd, 0);
	return ret < 0 ? ret : 0;
}

static int set_mtu(const struct net_host *host, const char *name, uint16_t mtu,
		   struct reason *reason)
{
	struct ifreq ifr;
	int ret;

	name_ifr(&ifr, name);
	ret = if_ioctl(host, SIOCGIFMTU, &ifr);
	if (ret >= 0 && ifr.ifr_mtu == mtu)
		return 0;
	name_ifr(&ifr, name);
	ifr.ifr_mtu = mtu;
	ret = if_ioctl(host, SIOCSIFMTU, &ifr);
	if (ret < 0)
		GIVE_REASON(reason, "cannot set mtu=%u of tap %s: %s ('ip link set %s mtu %u')",
			    mtu, name, strerror(-ret), name, mtu);
	return ret < 0 ? ret : 0;
}

/* Without the right the user has done it, or will. */
static void bring_up(const struct net_host *host, const char *name)
{
	struct ifreq ifr;
	int ret;

	name_ifr(&ifr, name);
	ret = if_ioctl(host, SIOCGIFFLAGS, &ifr);
	if (ret >= 0 && (ifr.ifr_flags & IFF_UP))
		return;
	ifr.ifr_flags |= IFF_UP;
	if (ret >= 0)
		ret = if_ioctl(host, SIOCSIFFLAGS, &ifr);
	if (ret < 0)
		log_info("net", "tap %s is down, and stays so (%s): 'ip link set %s up'", name,
			 strerror(-ret), name);
}

static int open_queue(const struct net_host *host, const char *name, unsigned nr, int *ret_fd,
		      struct reason *reason)
{
	int fd = host->open(TUN_PATH);
	int ret;

	if (fd < 0) {
		say_not_opened(reason, fd);
		return fd;
	}
	ret = set_interface(host, fd, name, nr);
	if (ret < 0) {
		say_not_attached(host, reason, name, nr, ret);
		goto close;
	}
	ret = set_headers(host, fd);
	if (ret < 0) {
		GIVE_REASON(reason, "cannot set up tap %s: %s", name, strerror(-ret));
		goto close;
	}
	*ret_fd = fd;
	return 0;

close:
	close(fd);
	return ret;
}

int net_tap_open(const struct net_host *host, const char *name, unsigned nr, uint16_t mtu,
		 int *ret_fds, char *why, size_t why_len)
{
	struct reason reason = { .why = why, .len = why_len };
	unsigned done = 0;
	int ret = 0;

	if (!*name || strlen(name) >= IFNAMSIZ || strpbrk(name, "/%: ")) {
		GIVE_REASON(&reason,
			    "'%s' is no name for a tap: 1 to %d characters, none of '/%%: '", name,
			    IFNAMSIZ - 1);
		return -EINVAL;
	}
	while (!ret && done < nr) {
		ret = open_queue(host, name, nr, &ret_fds[done], &reason);
		if (!ret)
			done++;
	}
	if (!ret && mtu)
		ret = set_mtu(host, name, mtu, &reason);
	if (!ret) {
		bring_up(host, name);
		return 0;
	}
	while (done--)
		close_fd(&ret_fds[done]);
	return ret;
}

/* @name: of the first descriptor, filled in by it. */
static int adopt_one(const struct net_host *host, int fd, int told, unsigned nr,
		     char name[IFNAMSIZ], struct reason *reason)
{
	struct ifreq ifr = { .ifr_flags = 0 };
	int flags, ret;

	ret = host->ioctl(fd, TUNGETIFF, &ifr);
	if (ret < 0) {
		GIVE_REASON(reason, ret == -EBADF ? "fd=%d is not open" : "fd=%d is no tap device",
			    told);
		return ret == -EBADF ? ret : -EINVAL;
	}
	ifr.ifr_name[IFNAMSIZ - 1] = '\0';
	if ((ifr.ifr_flags & TUN_TYPE_MASK) != IFF_TAP || !(ifr.ifr_flags & IFF_NO_PI) ||
	    !(ifr.ifr_flags & IFF_VNET_HDR)) {
		GIVE_REASON(reason,
			    "fd=%d (%s) is to be opened with IFF_TAP, IFF_NO_PI and IFF_VNET_HDR",
			    told, ifr.ifr_name);
		return -EINVAL;
	}
	if (*name && strcmp(name, ifr.ifr_name)) {
		GIVE_REASON(reason, "fd=%d is of tap %s, and the one before of tap %s", told,
			    ifr.ifr_name, name);
		return -EINVAL;
	}
	if (nr > 1 && !(ifr.ifr_flags & IFF_MULTI_QUEUE)) {
		GIVE_REASON(reason, "fd=%d (%s) is to be opened with IFF_MULTI_QUEUE", told,
			    ifr.ifr_name);
		return -EINVAL;
	}
	memcpy(name, ifr.ifr_name, IFNAMSIZ);
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		ret = -errno;
	else if (ifr.ifr_flags & IFF_DETACH_QUEUE)
		ret = net_tap_attach(host, fd, true);
	if (ret >= 0)
		ret = set_headers(host, fd);
	if (ret < 0)
		GIVE_REASON(reason, "cannot set up fd=%d (tap %s): %s", told, name, strerror(-ret));
	return ret;
}

int net_tap_adopt(const struct net_host *host, const int *fds, const int *told, unsigned nr,
		  uint16_t mtu, char *why, size_t why_len)
{
	struct reason reason = { .why = why, .len = why_len };
	char name[IFNAMSIZ] = "";
	int ret = 0;

	for (unsigned i = 0; !ret && i < nr; i++)
		ret = adopt_one(host, fds[i], told[i], nr, name, &reason);
	if (!ret && mtu)
		ret = set_mtu(host, name, mtu, &reason);
	return ret;
}

int net_tap_offload(const struct net_host *host, int fd, uint64_t features)
{
	static const struct {
		unsigned feature;
		unsigned long offload;
	} segments[] = {
		{ VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4 },
		{ VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6 },
	};
	unsigned long offload = 0;
	int ret;

	/* The kernel refuses segments without checksums. */
	if (features & (UINT64_C(1) << VIRTIO_NET_F_GUEST_CSUM)) {
		offload = TUN_F_CSUM;
		for (unsigned i = 0; i < ARRAY_SIZE(segments); i++)
			if (features & (UINT64_C(1) << segments[i].feature))
				offload |= segments[i].offload;
	}
	ret = host->ioctl(fd, TUNSETOFFLOAD, (void *)(uintptr_t)offload);
	return ret < 0 ? ret : 0;
}

int net_tap_attach(const struct net_host *host, int fd, bool attach)
{
	struct ifreq ifr = { .ifr_flags = attach ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE };
	int ret = host->ioctl(fd, TUNSETQUEUE, &ifr);

	return ret < 0 ? ret : 0;
}

int net_tap_hear_of_links(void)
{
	const struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int err;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* --- counters --------------------------------------------------------------------------------- */

int net_tap_count(const struct net_host *host, int fd, struct net_counters *ret)
{
	const struct {
		const char *counter;
		uint64_t *to;
	} rows[] = {
		{ "tx_packets", &ret->rx_frames },  { "tx_bytes", &ret->rx_bytes },
		{ "tx_dropped", &ret->rx_dropped }, { "rx_packets", &ret->tx_frames },
		{ "rx_bytes", &ret->tx_bytes },	    { "rx_dropped", &ret->tx_dropped },
	};
	struct ifreq ifr = { .ifr_flags = 0 };
	int err = host->ioctl(fd, TUNGETIFF, &ifr);

	if (err < 0)
		return err;
	ifr.ifr_name[IFNAMSIZ - 1] = '\0';
	err = 0;
	for (size_t i = 0; !err && i < ARRAY_SIZE(rows); i++)
		err = host->statistic(ifr.ifr_name, rows[i].counter, rows[i].to);
	return err;
}
