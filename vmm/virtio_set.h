/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The emulated devices of bus 0 that the options ask for: each virtio device with its transport.
 * Device numbers follow those of the root ports; BARs have a place of their own
 * (LAYOUT_VIRTIO_BARS), indexed by device number.
 */
#ifndef COLDVM_VMM_VIRTIO_SET_H
#define COLDVM_VMM_VIRTIO_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "devices/virtio/net.h"
#include "devices/virtio/vhost_user.h"
#include "vmm/options.h"

struct bus;
struct console_end;
struct event_monitor;
struct irqchip;
struct kvm;
struct loop;
struct memory;
struct pci_bus;
struct virtio_set;

/* What devices keep over reboots. */
struct virtio_links {
	struct net_link nets[OPTIONS_MAX_NETS];
	struct vhost_user fs[OPTIONS_MAX_FS];
};

void virtio_links_init(struct virtio_links *links);
/* After the last set that was made with them. */
void virtio_links_exit(struct virtio_links *links);

struct virtio_set_env {
	struct kvm *kvm;
	struct memory *memory;
	struct irqchip *irqchip;
	struct bus *mmio;
	struct pci_bus *root;
	struct loop *loop;
	struct event_monitor *events;
	struct console_end *console; /* the user's end of --console; open, unless that is off */
	struct virtio_links *links;  /* NULL: nothing is kept */
	unsigned first_device;	     /* device number on bus 0 */
};

/* Makes all devices, in the order disks, nets, fs, console, vsock, rng, balloon, each kind in the
 * order of the options. On failure what there was is gone, and @why has one line that begins with
 * the flag and names the device. Main thread, before vCPUs run. */
int virtio_set_create(const struct virtio_set_env *env, const struct vm_options *options,
		      struct virtio_set **ret, char *why, size_t why_len);
/* After the last vCPU. NULL is fine. */
void virtio_set_destroy(struct virtio_set *set);

/* All of these take NULL: nothing is there. */
/* For vm.resize: bytes that the balloon shall take. -ENODEV if there is none. */
int virtio_set_balloon(struct virtio_set *set, uint64_t size);
/* Bytes that it has taken; 0 if there is none. */
uint64_t virtio_set_balloon_actual(const struct virtio_set *set);
/* The terminal of the console has another size. */
void virtio_set_resized(struct virtio_set *set);
/* Device by device for vm.info's device_tree: {"disk0":{"id":...,"pci_bdf":"0000:00:03.0"},...}.
 * A new reference. */
json_t *virtio_set_info(const struct virtio_set *set);
/* For vm.counters: adds to the object @counters one of each disk and network card, by its name. A
 * card whose frames nobody has counted is left out. Waits for no device longer than for a batch of
 * frames. */
void virtio_set_counters(const struct virtio_set *set, json_t *counters);

#endif
