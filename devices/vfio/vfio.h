/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A passthrough device, as the files of this folder share it. Private to devices/vfio/ and to
 * the composition in vmm/machine.c.
 *
 * Locks, outermost first:
 *   device->lock   every access to the device's descriptor that the guest causes (config, BAR
 *                  slow path), the virtual config space, BAR placement, interrupt set-up, and
 *                  the flags `sealed` and `gone`. Never held over a call that takes longer than
 *                  one device access.
 *   memory, bus and irqchip locks are leaves and may be taken under it.
 * The slot's own lock (power.c) is never taken under device->lock.
 */
#ifndef COLDVM_DEVICES_VFIO_VFIO_H
#define COLDVM_DEVICES_VFIO_VFIO_H

#include <linux/vfio.h>
#include <linux/vfio_pci_d3cold.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/pci.h"

struct bus;
struct irqchip;
struct memory;
struct power_slot;
struct vfio_container;
struct vfio_device;

/* What the host did with a power request, and what it is found in afterwards. */
enum host_power {
	HOST_POWER_UNKNOWN,
	HOST_POWER_D0,
	HOST_POWER_D3HOT,
	HOST_POWER_D3COLD,
};

/*
 * The host seam: every call that reaches a device of the host. device.c has the kernel's
 * implementation, tests/fake/fake_vfio.c one in memory that can refuse any of them.
 * All return 0 (or the count named) or -errno. Called with device->lock held unless noted.
 */
struct vfio_ops {
	/* @region: VFIO_PCI_*_REGION_INDEX. Transfers all of @len or fails (-EIO on a short one).
	 */
	int (*region_read)(struct vfio_device *device, unsigned region, uint64_t off, void *buf,
			   size_t len);
	int (*region_write)(struct vfio_device *device, unsigned region, uint64_t off,
			    const void *buf, size_t len);
	/* VFIO_DEVICE_SET_IRQS with eventfds: @fds has @count entries, -1 for "none"; @count 0
	 * with VFIO_IRQ_SET_DATA_NONE | ACTION_TRIGGER switches the index off. */
	int (*set_irq_fds)(struct vfio_device *device, unsigned index, unsigned start,
			   unsigned count, const int *fds, uint32_t action);
	int (*irq_disable)(struct vfio_device *device, unsigned index);
	/* Takes 100 ms and more: the device is sealed, or no vCPU runs yet. With or without lock.
	 */
	int (*reset)(struct vfio_device *device);
	/*
	 * VFIO_DEVICE_PCI_HOT_RESET: resets all that sits below the port of @devices, which are of
	 * one slot and sealed. -EPERM, and nothing is done, if something else would be reset too.
	 * No lock held.
	 */
	int (*hot_reset)(struct vfio_device *const *devices, unsigned nr);
	/* VFIO_DEVICE_FEATURE low power. No lock held: exit takes 100 ms and more. */
	int (*low_power_probe)(struct vfio_device *device);
	int (*low_power_entry)(struct vfio_device *device, int wakeup_fd);
	int (*low_power_exit)(struct vfio_device *device);
	/*
	 * VFIO_DEVICE_FEATURE_PCI_D3COLD, which only a patched host driver has. None of them wakes
	 * the device but exit. *@ret is what the driver said; on an error that left it silent its
	 * states are "unknown". No lock held for enter and exit, which take 10 to 1000 ms.
	 */
	int (*d3cold_probe)(struct vfio_device *device);
	int (*d3cold_enter)(struct vfio_device *device, int wakeup_fd,
			    struct vfio_pci_d3cold_control *ret);
	int (*d3cold_exit)(struct vfio_device *device, struct vfio_pci_d3cold_control *ret);
	int (*d3cold_status)(struct vfio_device *device, struct vfio_pci_d3cold_status *ret);
	/* The host kernel's belief from sysfs, without waking anything. No lock needed. */
	enum host_power (*power_state)(struct vfio_device *device);
	/* The same for the port that switches the device's power (device->power_port),
	 * HOST_POWER_UNKNOWN if there is none. */
	enum host_power (*port_power_state)(struct vfio_device *device);
	/* The same for device->ports[@port]. */
	enum host_power (*upstream_power_state)(struct vfio_device *device, unsigned port);
	/* IOMMU map of a part of a BAR at guest address @iova; @hva as mapped by the device. */
	int (*dma_map)(struct vfio_device *device, uint64_t iova, uint64_t size, void *hva);
	int (*dma_unmap)(struct vfio_device *device, uint64_t iova, uint64_t size);
	/* mmap of a part of a region, at start and at the end. NULL if it cannot be had. */
	void *(*region_map)(struct vfio_device *device, unsigned region, uint64_t off,
			    uint64_t size);
	void (*region_unmap)(struct vfio_device *device, void *hva, uint64_t size);
	/* Gives the device back to the host: unmaps its regions, closes its descriptor. */
	void (*close)(struct vfio_device *device);
};

#define VFIO_NR_REGIONS 9 /* VFIO_PCI_BAR0 .. VFIO_PCI_VGA */
#define VFIO_NR_BARS	6
/* A BAR is mapped in pieces where the MSI-X table and PBA are cut out. */
#define VFIO_MAX_PIECES 4

/* What the host's driver says of a region: device.c asks, bars.c and config.c use it. */
struct vfio_region {
	uint64_t size;
	uint64_t offset;   /* in the device's descriptor */
	uint32_t flags;	   /* VFIO_REGION_INFO_FLAG_* */
	unsigned nr_areas; /* not 0: only these parts can be mapped (SPARSE_MMAP capability) */
	struct {
		uint64_t off, size;
	} areas[VFIO_MAX_PIECES];
};

struct vfio_piece {
	uint64_t off;  /* in the BAR, page aligned */
	uint64_t size; /* page aligned */
	uint8_t *hva;  /* mmap of the region's part; NULL if it cannot be mapped */
	bool shown;    /* in a memslot just now */
	uint32_t memslot;
	bool dma; /* in the IOMMU just now */
};

struct vfio_bar {
	struct vfio_device *device;
	unsigned index;
	bool present; /* this is the low half of a BAR that exists */
	bool io;
	bool is64;
	bool prefetchable;
	uint64_t size;
	uint64_t guest_addr; /* as the guest's BAR register says */
	bool on_bus;	     /* decoded at guest_addr now, at bus_addr */
	uint64_t bus_addr;
	unsigned nr_pieces;
	struct vfio_piece pieces[VFIO_MAX_PIECES];
};

/* rom.c: the guest's copy of an expansion ROM. */
struct vfio_rom {
	uint8_t *bytes; /* of `len`; behind them all ones. NULL: the guest finds no ROM */
	uint64_t len;
	uint64_t size; /* of the BAR, a power of two */
	bool on_bus;   /* decoded at bus_addr now */
	uint64_t bus_addr;
};

struct vfio_vector {
	int event_fd; /* -1: not in use */
	uint32_t gsi;
	bool bound;
};

enum vfio_irq_mode {
	VFIO_IRQ_NONE,
	VFIO_IRQ_INTX,
	VFIO_IRQ_MSI,
	VFIO_IRQ_MSIX,
};

struct vfio_irqs {
	enum vfio_irq_mode mode; /* what the host is set to */
	unsigned nr_vectors;	 /* of vectors[], for MSI and MSI-X */
	struct vfio_vector *vectors;
	unsigned host_vectors; /* how many of them the host has an eventfd for */
	uint8_t *msix_table;   /* the guest's table, 16 bytes an entry */
	unsigned msix_entries;
	unsigned msix_bar, pba_bar;
	uint64_t msix_off, pba_off;
	bool msix_resize; /* the host can add vectors while MSI-X is on (Linux 6.5 and later) */
	int intx_fd, intx_resample_fd;
	uint32_t intx_gsi;
	bool intx_bound;    /* intx_fd is bound to intx_gsi in KVM: not while sealed */
	int err_fd, req_fd; /* read by the main loop; -1 if the device has none */
};

#define VFIO_MAX_PORTS 8

struct vfio_port {
	char bdf[16];
	int power_fd; /* sysfs power_state, -1 if absent */
};

struct vfio_device {
	struct pci_function function; /* ops set by config.c */
	const struct vfio_ops *ops;
	struct vfio_container *container;
	struct memory *memory;
	struct bus *pio;
	struct bus *mmio;
	struct irqchip *irqchip;

	char id[64];	 /* name in events and log lines */
	char bdf[16];	 /* host address, "0000:01:00.0" */
	char sysfs[256]; /* /sys/bus/pci/devices/BDF, resolved */
	int fd;
	int given_fd; /* passed in, and fd a copy of it; -1: fd is our own */
	int power_fd; /* sysfs power_state, -1 if absent */
	/* Ports of the host above the device, the nearest first, up to the one that switches its
	 * power: ports.h. */
	unsigned nr_ports, power_port;
	struct vfio_port ports[VFIO_MAX_PORTS];
	int group;	/* number of its IOMMU group, -1 before it is known */
	bool can_reset; /* VFIO_DEVICE_FLAGS_RESET */
	uint32_t irq_counts[VFIO_PCI_NUM_IRQS];
	uint32_t irq_flags[VFIO_PCI_NUM_IRQS]; /* VFIO_IRQ_INFO_* */

	pthread_mutex_t lock;
	bool sealed;  /* all ones for the guest, no access to the descriptor */
	bool cut_off; /* by its port, which is in D3hot: BARs read all ones */
	bool gone;    /* given back to the host for good; implies sealed */

	uint8_t shadow[PCI_CONFIG_SIZE]; /* the virtual config space (config.c) */
	uint8_t virt[PCI_CONFIG_SIZE];	 /* bits served from shadow, not from the device */
	uint8_t wmask[PCI_CONFIG_SIZE];	 /* bits of shadow that the guest may write */
	unsigned pm_cap, msi_cap, msix_cap, pcie_cap; /* offsets, 0 if absent */
	uint16_t pme_support; /* that the guest is offered: pme.h; set before vfio_config_init() */
	unsigned config_size;

	struct vfio_region regions[VFIO_NR_REGIONS];
	struct vfio_bar bars[VFIO_NR_BARS];
	struct vfio_rom rom;
	struct vfio_irqs irqs;
	unsigned warned;	 /* bit n: enum vfio_warning n was logged */
	struct power_slot *slot; /* told about PMCSR writes; may be NULL in tests */
};

/* Room for a line that says what is wrong on the host and which commands put it right. */
#define VFIO_WHY_SIZE 2048

/* Things that a guest can cause again and again: each is logged once for a device. */
enum vfio_warning {
	VFIO_WARN_CONFIG,  /* config access failed */
	VFIO_WARN_REGION,  /* BAR access failed */
	VFIO_WARN_MEMSLOT, /* BAR served by traps: no memslot */
	VFIO_WARN_DMA,	   /* BAR not reachable by DMA of other devices */
	VFIO_WARN_BUS,	   /* BAR not decoded: no place on the bus */
	VFIO_WARN_UNMAP,   /* memslot or IOMMU map did not go away */
	VFIO_WARN_IRQ,	   /* interrupt set-up failed */
};
/* True the first time that @warning is asked for. device->lock held. */
bool vfio_device_first(struct vfio_device *device, enum vfio_warning warning);

/* device.c */
extern const struct vfio_ops vfio_kernel_ops;

/*
 * Opens the device by the container, fills regions, irq counts and sysfs descriptors, resets it.
 * On failure writes one line for people, saying what to do, to @why (VFIO_WHY_SIZE).
 * After it, in this order: vfio_config_init(), then vfio_irqs_init() and vfio_bars_init().
 */
struct vfio_open_args {
	const char *path; /* "0000:01:00.0", "01:00.0" or a sysfs path, trailing slash allowed */
	const char *id;	  /* NULL: "vfio-" and the address */
	struct memory *memory;
	struct bus *pio, *mmio;
	struct irqchip *irqchip;
	bool rom; /* rom_from_device() will be called: the host is asked for the ROM as well */
	bool has_fd;
	int fd; /* if has_fd: the open character device of @path, which stays the caller's */
};
int vfio_device_open(struct vfio_device *device, struct vfio_container *container,
		     const struct vfio_open_args *args, char *why, size_t why_len);
/* Seals for good, stops interrupts, unmaps, resets if it can, closes. Takes half-open devices and
 * closed ones; vCPUs may still run, they find an empty slot. device->lock not held. */
void vfio_device_close(struct vfio_device *device);
/* The same for a device that the host wants back for itself: what was passed in is closed, too. */
void vfio_device_give_back(struct vfio_device *device);
/* Canonical address from what the user wrote; -EINVAL. @bdf has room for 16 bytes. */
int vfio_parse_path(const char *path, char *bdf);

/* config.c */
/* Reads the device's config space and builds the shadow and its tables. @multifunction: other
 * functions of the slot are given to the guest too. The device is on. */
int vfio_config_init(struct vfio_device *device, bool multifunction);
/* Takes device->lock. From when it returns reads give all ones, writes are dropped and the guest
 * cannot cause an access to the descriptor, in config space as in BARs. */
void vfio_device_seal(struct vfio_device *device);
/* Shows the device again, BARs and all, unless it is gone. device->lock held. */
void vfio_device_unseal(struct vfio_device *device);
/* The virtual port above has gone to D3hot (@asleep), where no access and no interrupt gets
 * through: BARs and INTx leave KVM, which takes its kernel up to 13 ms that would else be part of
 * the way from _OFF to the host's low power. Or it is back, and so are they, unless the device is
 * sealed. Takes device->lock. */
void vfio_device_follow_port(struct vfio_device *device, bool asleep);
/* The guest's PMCSR says D0 (called before unsealing; contract: no second delay). While sealed
 * nobody else looks at the shadow: any thread, with or without the lock. */
void vfio_config_pmcsr_d0(struct vfio_device *device);
/* The guest is told of a wake: sets PME_Status in its PMCSR, where it stays until the guest clears
 * it, on or off; nothing if the guest is offered no PME. device->lock not held. */
void vfio_config_set_pme_status(struct vfio_device *device);
/* PowerState field of the guest's PMCSR, 0 to 3. device->lock held. */
unsigned vfio_config_pmcsr(const struct vfio_device *device);
/* Sets the BAR registers in the shadow to a placement chosen by the VMM. */
void vfio_config_place_bar(struct vfio_device *device, unsigned bar, uint64_t addr);
/* The same for the ROM that rom.c has copied: makes its register. Without it there is none. */
void vfio_config_place_rom(struct vfio_device *device, uint64_t addr);

/* bars.c */
/* Maps what can be mapped of the memory BARs. After vfio_config_init(), which has found the BARs
 * and the MSI-X table. */
int vfio_bars_init(struct vfio_device *device);
/* Makes what the guest sees follow command register, BAR registers, power state of the shadow
 * and the seal: the one function that adds and removes bus ranges, memslots and IOMMU maps of
 * BARs. device->lock held. */
void vfio_bars_update(struct vfio_device *device);
/* The first half of it: takes away what must not be seen any more and shows nothing new. Before a
 * write that makes the host stop decoding a BAR. */
void vfio_bars_retreat(struct vfio_device *device);
/* All memslots and IOMMU maps away, accesses still trap (sealed: all ones). Lock held. */
void vfio_bars_hide(struct vfio_device *device);
/* Off the buses as well, and unmapped: nothing of the BARs is left. Lock held. */
void vfio_bars_exit(struct vfio_device *device);
/* For KVM_RUN failing with EFAULT, which says that a memslot's memory is gone but not which: takes
 * all memslots of @device away, accesses trap until the next vfio_bars_update(). True if there
 * was any. Takes device->lock. */
bool vfio_bars_demote(struct vfio_device *device);
/* The page ranges of BARs where the guest may put one: set once by the machine. */
struct vfio_windows {
	uint64_t mmio32, mmio32_size, mmio64, mmio64_size, pio, pio_size;
};
void vfio_bars_set_windows(struct vfio_container *container, const struct vfio_windows *windows);

/* irqs.c */
/* After vfio_config_init(). Makes the table of MSI-X and asks for the ERR and REQ interrupts. */
int vfio_irqs_init(struct vfio_device *device);
void vfio_irqs_exit(struct vfio_device *device);
/* Brings the host's interrupt mode in line with the guest's MSI, MSI-X and INTx settings in the
 * shadow. device->lock held; not while sealed. */
void vfio_irqs_update(struct vfio_device *device);
/* Parts of seal and unseal, device->lock held: while the device is sealed the guest's EOI of an
 * INTx must not reach vfio's unmask handler, which touches config space. */
void vfio_irqs_seal(struct vfio_device *device);
void vfio_irqs_unseal(struct vfio_device *device);
/* The trapped part of the BAR that holds MSI-X table or PBA. True if @off was theirs. */
bool vfio_irqs_msix_read(struct vfio_device *device, unsigned bar, uint64_t off, unsigned size,
			 uint64_t *ret_value);
bool vfio_irqs_msix_write(struct vfio_device *device, unsigned bar, uint64_t off, unsigned size,
			  uint64_t value);

#endif
