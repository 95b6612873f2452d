/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opens and closes a passthrough device, and the kernel's implementation of vfio_ops: every VFIO
 * call on a device's descriptor is in this file.
 *
 * Open:   address -> sysfs checks -> descriptor, IOMMU -> regions, interrupts -> reset -> alive?
 * Close:  sealed for good -> interrupts off -> BARs away, unmapped -> reset -> descriptor, IOMMU.
 *         A descriptor that is closed while a BAR is still mapped is not released
 *         (the mapping holds it), so the order matters.
 */
#include "devices/vfio/vfio.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "devices/vfio/container.h"
#include "devices/vfio/host.h"
#include "devices/vfio/ports.h"
#include "vmm/bits.h"
#include "vmm/log.h"

#define INFO_MAX      KIB(64) /* a sane size of an answer to VFIO_DEVICE_GET_REGION_INFO */
#define HOT_RESET_MAX 8	      /* functions of a slot */
#define FEATURE_MAX   256     /* the largest structure of a VFIO_DEVICE_FEATURE used here */

/* --- vfio_ops of the kernel --------------------------------------------------------------------
 */

static int kernel_region_read(struct vfio_device *device, unsigned region, uint64_t off, void *buf,
			      size_t len)
{
	const struct vfio_region *r = &device->regions[region];
	ssize_t n;

	if (!range_inside(off, len, 0, r->size))
		return -EINVAL;
	do {
		n = pread(device->fd, buf, len, (off_t)(r->offset + off));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

static int kernel_region_write(struct vfio_device *device, unsigned region, uint64_t off,
			       const void *buf, size_t len)
{
	const struct vfio_region *r = &device->regions[region];
	ssize_t n;

	if (!range_inside(off, len, 0, r->size))
		return -EINVAL;
	do {
		n = pwrite(device->fd, buf, len, (off_t)(r->offset + off));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

static int kernel_set_irq_fds(struct vfio_device *device, unsigned index, unsigned start,
			      unsigned count, const int *fds, uint32_t action)
{
	size_t size = sizeof(struct vfio_irq_set) + count * sizeof(int32_t);
	struct vfio_irq_set *set = calloc(1, size);
	int n, err;

	if (!set)
		return -ENOMEM;
	set->argsz = (uint32_t)size;
	set->flags = action | (count ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE);
	set->index = index;
	set->start = start;
	set->count = count;
	if (count)
		memcpy(set->data, fds, count * sizeof(int32_t));
	n = ioctl(device->fd, VFIO_DEVICE_SET_IRQS, set);
	err = n < 0 ? -errno : 0;
	free(set);
	/* A positive number is how many vectors the host could have given (vfio_msi_enable()). */
	return n > 0 ? -ENOSPC : err;
}

static int kernel_irq_disable(struct vfio_device *device, unsigned index)
{
	return kernel_set_irq_fds(device, index, 0, 0, NULL, VFIO_IRQ_SET_ACTION_TRIGGER);
}

static int kernel_reset(struct vfio_device *device)
{
	if (!device->can_reset)
		return -EOPNOTSUPP;
	return ioctl(device->fd, VFIO_DEVICE_RESET) < 0 ? -errno : 0;
}

/* True if the host's device of @info is one of @devices. */
static bool is_among(const struct vfio_pci_dependent_device *info,
		     struct vfio_device *const *devices, unsigned nr)
{
	char bdf[HOST_BDF_LEN];

	snprintf(bdf, sizeof(bdf), "%04x:%02x:%02x.%x", info->segment, info->bus, info->devfn >> 3,
		 info->devfn & 7u);
	for (unsigned i = 0; i < nr; i++)
		if (!strcmp(devices[i]->bdf, bdf))
			return true;
	return false;
}

/* Whether a hot reset of @devices would reset nothing else: vfio itself would also let it reset
 * what another slot of this VM has. */
static int resets_no_other(struct vfio_device *const *devices, unsigned nr)
{
	union {
		struct vfio_pci_hot_reset_info head;
		uint8_t room[sizeof(struct vfio_pci_hot_reset_info) +
			     HOT_RESET_MAX * sizeof(struct vfio_pci_dependent_device)];
	} info = { .head = { .argsz = sizeof(info) } };

	if (ioctl(devices[0]->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info) < 0)
		return errno == ENOSPC ? -EPERM : -errno;
	for (uint32_t i = 0; i < info.head.count; i++)
		if (!is_among(&info.head.devices[i], devices, nr))
			return -EPERM;
	return 0;
}

static int kernel_hot_reset(struct vfio_device *const *devices, unsigned nr)
{
	union {
		struct vfio_pci_hot_reset head;
		uint8_t room[sizeof(struct vfio_pci_hot_reset) + HOT_RESET_MAX * sizeof(int32_t)];
	} reset = { .head = { .argsz = sizeof(reset) } };
	int r = nr > HOT_RESET_MAX ? -E2BIG : resets_no_other(devices, nr);

	for (unsigned i = 0; r == 0 && i < nr; i++) {
		int fd = vfio_container_group_fd(devices[i]->container, devices[i]->group);
		bool again = fd < 0; /* iommufd: no groups, it knows whose the devices are */

		for (uint32_t k = 0; k < reset.head.count; k++)
			again |= reset.head.group_fds[k] == fd;
		if (!again)
			reset.head.group_fds[reset.head.count++] = fd;
	}
	if (r < 0)
		return r;
	return ioctl(devices[0]->fd, VFIO_DEVICE_PCI_HOT_RESET, &reset) < 0 ? -errno : 0;
}

/* @data goes in, and holds afterwards what the driver made of it, if it failed or not. */
static int feature(struct vfio_device *device, uint32_t flags, void *data, size_t len)
{
	union {
		struct vfio_device_feature head;
		uint8_t room[sizeof(struct vfio_device_feature) + FEATURE_MAX];
	} arg = { .head = { .argsz = (uint32_t)(sizeof(arg.head) + len), .flags = flags } };
	int n, err;

	if (len > FEATURE_MAX)
		return -EINVAL;
	if (len)
		memcpy(arg.head.data, data, len);
	n = ioctl(device->fd, VFIO_DEVICE_FEATURE, &arg);
	err = n < 0 ? -errno : n > 0 ? -EIO : 0;
	if (len)
		memcpy(data, arg.head.data, len);
	return err;
}

static int kernel_low_power_probe(struct vfio_device *device)
{
	static const uint32_t features[] = {
		VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
		VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
	};

	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		int err = feature(device,
				  VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET | features[i],
				  NULL, 0);

		if (err)
			return err;
	}
	return 0;
}

static int kernel_low_power_entry(struct vfio_device *device, int wakeup_fd)
{
	struct vfio_device_low_power_entry_with_wakeup wakeup = { .wakeup_eventfd = wakeup_fd };

	if (wakeup_fd < 0)
		return feature(device,
			       VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, NULL,
			       0);
	return feature(device,
		       VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
		       &wakeup, sizeof(wakeup));
}

static int kernel_low_power_exit(struct vfio_device *device)
{
	return feature(device, VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, NULL,
		       0);
}

static int kernel_d3cold_probe(struct vfio_device *device)
{
	return feature(device,
		       VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET |
			       VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_PCI_D3COLD,
		       NULL, 0);
}

static int d3cold_control(struct vfio_device *device, struct vfio_pci_d3cold_control *control)
{
	control->state = VFIO_PCI_D3COLD_STATE_UNKNOWN;
	return feature(device, VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_PCI_D3COLD, control,
		       sizeof(*control));
}

static int kernel_d3cold_enter(struct vfio_device *device, int wakeup_fd,
			       struct vfio_pci_d3cold_control *ret)
{
	*ret = (struct vfio_pci_d3cold_control){
		.op = VFIO_PCI_D3COLD_ENTER,
		.flags = wakeup_fd < 0 ? 0 : VFIO_PCI_D3COLD_WAKEUP,
		.wakeup_eventfd = wakeup_fd,
	};
	return d3cold_control(device, ret);
}

static int kernel_d3cold_exit(struct vfio_device *device, struct vfio_pci_d3cold_control *ret)
{
	*ret = (struct vfio_pci_d3cold_control){ .op = VFIO_PCI_D3COLD_EXIT };
	return d3cold_control(device, ret);
}

static int kernel_d3cold_status(struct vfio_device *device, struct vfio_pci_d3cold_status *ret)
{
	*ret = (struct vfio_pci_d3cold_status){ .state = VFIO_PCI_D3COLD_STATE_UNKNOWN };
	return feature(device, VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_PCI_D3COLD, ret,
		       sizeof(*ret));
}

/* The attribute is answered from the kernel's memory (pci-sysfs.c: power_state_show()). */
static enum host_power read_power_state(int fd)
{
	static const struct {
		const char *name;
		enum host_power state;
	} names[] = {
		{ "D0", HOST_POWER_D0 },
		{ "D3hot", HOST_POWER_D3HOT },
		{ "D3cold", HOST_POWER_D3COLD },
	};
	char text[16];
	ssize_t n;

	n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return HOST_POWER_UNKNOWN;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(text, names[i].name))
			return names[i].state;
	return HOST_POWER_UNKNOWN; /* "unknown", "error", D1, D2 */
}

static enum host_power kernel_power_state(struct vfio_device *device)
{
	return read_power_state(device->power_fd);
}

static enum host_power kernel_upstream_power_state(struct vfio_device *device, unsigned port)
{
	return port < device->nr_ports ? read_power_state(device->ports[port].power_fd)
				       : HOST_POWER_UNKNOWN;
}

static enum host_power kernel_port_power_state(struct vfio_device *device)
{
	return kernel_upstream_power_state(device, device->power_port);
}

static int kernel_dma_map(struct vfio_device *device, uint64_t iova, uint64_t size, void *hva)
{
	return vfio_container_dma_map(device->container, iova, size, hva);
}

static int kernel_dma_unmap(struct vfio_device *device, uint64_t iova, uint64_t size)
{
	return vfio_container_dma_unmap(device->container, iova, size);
}

static void *kernel_region_map(struct vfio_device *device, unsigned region, uint64_t off,
			       uint64_t size)
{
	void *hva = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, device->fd,
			 (off_t)(device->regions[region].offset + off));

	return hva == MAP_FAILED ? NULL : hva;
}

static void kernel_region_unmap(struct vfio_device *device, void *hva, uint64_t size)
{
	(void)device;
	munmap(hva, size);
}

static void kernel_close(struct vfio_device *device)
{
	vfio_container_close_device(device->container, device->group, &device->fd);
	device->group = -1;
}

const struct vfio_ops vfio_kernel_ops = {
	.region_read = kernel_region_read,
	.region_write = kernel_region_write,
	.set_irq_fds = kernel_set_irq_fds,
	.irq_disable = kernel_irq_disable,
	.reset = kernel_reset,
	.hot_reset = kernel_hot_reset,
	.low_power_probe = kernel_low_power_probe,
	.low_power_entry = kernel_low_power_entry,
	.low_power_exit = kernel_low_power_exit,
	.d3cold_probe = kernel_d3cold_probe,
	.d3cold_enter = kernel_d3cold_enter,
	.d3cold_exit = kernel_d3cold_exit,
	.d3cold_status = kernel_d3cold_status,
	.power_state = kernel_power_state,
	.port_power_state = kernel_port_power_state,
	.upstream_power_state = kernel_upstream_power_state,
	.dma_map = kernel_dma_map,
	.dma_unmap = kernel_dma_unmap,
	.region_map = kernel_region_map,
	.region_unmap = kernel_region_unmap,
	.close = kernel_close,
};

/* --- open and close ----------------------------------------------------------------------------
 */

bool vfio_device_first(struct vfio_device *device, enum vfio_warning warning)
{
	bool first = !(device->warned & 1u << warning);

	device->warned |= 1u << warning;
	return first;
}

/* Hexadecimal digits at *@text, at least @min and at most @max of them. */
static int parse_hex(const char **text, unsigned min, unsigned max, unsigned *ret_value)
{
	unsigned value = 0, n = 0;

	for (; n < max && isxdigit((unsigned char)**text); n++, (*text)++) {
		char c = (char)tolower((unsigned char)**text);

		value = value * 16 + (unsigned)(isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10);
	}
	if (n < min)
		return -EINVAL;
	*ret_value = value;
	return 0;
}

static int parse_char(const char **text, char c)
{
	if (**text != c)
		return -EINVAL;
	(*text)++;
	return 0;
}

int vfio_parse_path(const char *path, char *bdf)
{
	unsigned domain = 0, bus, dev, fn;
	const char *text, *end = path + strlen(path);

	while (end > path && end[-1] == '/')
		end--;
	for (text = end; text > path && text[-1] != '/';)
		text--;
	/* With a domain there are two colons. Host bridges of VMD have domains of five digits. */
	if (memchr(text, ':', (size_t)(end - text)) != memrchr(text, ':', (size_t)(end - text))) {
		if (parse_hex(&text, 4, 6, &domain) || parse_char(&text, ':'))
			return -EINVAL;
	}
	if (parse_hex(&text, 2, 2, &bus) || parse_char(&text, ':') ||
	    parse_hex(&text, 2, 2, &dev) || parse_char(&text, '.') || parse_hex(&text, 1, 1, &fn) ||
	    text != end || dev > 31 || fn > 7)
		return -EINVAL;
	snprintf(bdf, HOST_BDF_LEN, "%04x:%02x:%02x.%x", domain & 0xffffff, bus & 0xff, dev, fn);
	return 0;
}

/* Links such as /sys/class/drm/card0/device lead to the device's own directory. */
static int parse_or_resolve(const char *path, char *bdf)
{
	char resolved[PATH_MAX];
	int err = vfio_parse_path(path, bdf);

	if (err && strchr(path, '/') && realpath(path, resolved))
		err = vfio_parse_path(resolved, bdf);
	return err;
}

static int parse_sparse(struct vfio_region *region, const void *info, size_t len, uint32_t first)
{
	const struct vfio_region_info_cap_sparse_mmap *cap;
	size_t room;

	cap = (const void *)vfio_container_find_cap(info, len, first,
						    VFIO_REGION_INFO_CAP_SPARSE_MMAP, sizeof(*cap));
	if (!cap)
		return 0;
	room = (len - (size_t)((const char *)cap - (const char *)info) - sizeof(*cap)) /
	       sizeof(cap->areas[0]);
	for (uint32_t i = 0; i < cap->nr_areas && i < room; i++) {
		if (!range_inside(cap->areas[i].offset, cap->areas[i].size, 0, region->size))
			continue;
		if (region->nr_areas == VFIO_MAX_PIECES)
			break; /* the rest is served by traps */
		region->areas[region->nr_areas].off = cap->areas[i].offset;
		region->areas[region->nr_areas++].size = cap->areas[i].size;
	}
	if (!region->nr_areas)
		region->flags &= ~(uint32_t)VFIO_REGION_INFO_FLAG_MMAP;
	return 0;
}

static int read_region(struct vfio_device *device, unsigned index)
{
	struct vfio_region_info head = { .argsz = sizeof(head), .index = index };
	struct vfio_region *region = &device->regions[index];
	struct vfio_region_info *info;
	int err = 0;

	if (ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, &head) < 0)
		return -errno;
	region->size = head.size;
	region->offset = head.offset;
	region->flags = head.flags;
	if (!(head.flags & VFIO_REGION_INFO_FLAG_CAPS) || head.argsz <= sizeof(head))
		return 0;
	if (head.argsz > INFO_MAX)
		return -E2BIG;
	info = calloc(1, head.argsz);
	if (!info)
		return -ENOMEM;
	info->argsz = head.argsz;
	info->index = index;
	if (ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, info) < 0)
		err = -errno;
	else
		err = parse_sparse(region, info, head.argsz, info->cap_offset);
	free(info);
	return err;
}

static int read_info(struct vfio_device *device, bool rom)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int err;

	if (ioctl(device->fd, VFIO_DEVICE_GET_INFO, &info) < 0)
		return -errno;
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI))
		return -ENODEV;
	device->can_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;
	for (unsigned i = 0; i <= VFIO_PCI_CONFIG_REGION_INDEX; i++) {
		/* Asking about the ROM makes the kernel map it. */
		if ((i == VFIO_PCI_ROM_REGION_INDEX && !rom) || i >= info.num_regions)
			continue;
		err = read_region(device, i);
		if (err && i != VFIO_PCI_ROM_REGION_INDEX)
			return err;
		if (err) /* then its size is 0, which rom_from_device() finds */
			log_info(device->id, "the host does not tell the ROM's size: %s",
				 strerror(-err));
	}
	for (unsigned i = 0; i < VFIO_PCI_NUM_IRQS && i < info.num_irqs; i++) {
		struct vfio_irq_info irq = { .argsz = sizeof(irq), .index = i };

		/* Conventional devices have no ERR interrupt: -EINVAL. */
		if (ioctl(device->fd, VFIO_DEVICE_GET_IRQ_INFO, &irq) < 0)
			continue;
		device->irq_counts[i] = irq.count;
		device->irq_flags[i] = irq.flags;
	}
	return 0;
}

static void open_power_files(struct vfio_device *device)
{
	char path[sizeof(device->sysfs) + 16];

	snprintf(path, sizeof(path), "%s/power_state", device->sysfs);
	device->power_fd = open(path, O_RDONLY | O_CLOEXEC);
	ports_open(device, device->sysfs);
}

/* STATUS, not the ids: vfio answers those from memory even when the device is dead. */
static bool answers(struct vfio_device *device)
{
	uint16_t status;

	return device->ops->region_read(device, VFIO_PCI_CONFIG_REGION_INDEX, PCI_STATUS, &status,
					sizeof(status)) == 0 &&
	       status != 0xffff;
}

static void set_up(struct vfio_device *device, struct vfio_container *container,
		   const struct vfio_open_args *args)
{
	memset(device, 0, sizeof(*device));
	pthread_mutex_init(&device->lock, NULL);
	device->ops = &vfio_kernel_ops;
	device->container = container;
	device->memory = args->memory;
	device->pio = args->pio;
	device->mmio = args->mmio;
	device->irqchip = args->irqchip;
	device->fd = device->group = -1;
	device->given_fd = args->has_fd ? args->fd : -1;
	device->power_fd = -1;
	device->irqs.intx_fd = device->irqs.intx_resample_fd = -1;
	device->irqs.err_fd = device->irqs.req_fd = -1;
}

int vfio_device_open(struct vfio_device *device, struct vfio_container *container,
		     const struct vfio_open_args *args, char *why, size_t why_len)
{
	struct iommu_device wanted = { .bdf = device->bdf };
	int fd, err;

	set_up(device, container, args);
	wanted.fd = device->given_fd;
	err = parse_or_resolve(args->path, device->bdf);
	if (err) {
		snprintf(why, why_len, "'%s' is no PCI address (0000:01:00.0) or sysfs path",
			 args->path);
		return err;
	}
	if (args->id)
		snprintf(device->id, sizeof(device->id), "%s", args->id);
	else
		snprintf(device->id, sizeof(device->id), "vfio-%s", device->bdf);
	err = host_check_device(HOST_SYSFS, device->bdf, &wanted.group, why, why_len);
	if (err)
		return err;
	err = host_device_path(HOST_SYSFS, device->bdf, device->sysfs, sizeof(device->sysfs));
	if (err) {
		snprintf(why, why_len, "%s: no such device in sysfs", device->bdf);
		return err;
	}
	fd = vfio_container_open_device(container, &wanted, why, why_len);
	if (fd < 0)
		return fd;
	device->fd = fd;
	device->group = wanted.group;
	err = read_info(device, args->rom);
	if (err) {
		snprintf(why, why_len, "%s: vfio-pci does not describe it: %s", device->bdf,
			 strerror(-err));
		goto close;
	}
	open_power_files(device);
	err = device->can_reset ? device->ops->reset(device) : 0;
	if (err)
		log_warn(device->id, "reset at start failed: %s", strerror(-err));
	if (!answers(device)) {
		snprintf(why, why_len,
			 "%s does not answer (config space reads all ones): it did not come back "
			 "from a power state or a reset; power the host off and on",
			 device->bdf);
		err = -EIO;
		goto close;
	}
	return 0;

close:
	vfio_device_close(device);
	return err;
}

void vfio_device_close(struct vfio_device *device)
{
	enum host_power power;
	int err = 0;

	if (!device->ops)
		return; /* never opened */
	vfio_device_seal(device);
	pthread_mutex_lock(&device->lock);
	device->gone = true;
	if (device->fd < 0 && device->group < 0) {
		pthread_mutex_unlock(&device->lock);
		return;
	}
	vfio_irqs_exit(device);
	vfio_bars_exit(device);
	pthread_mutex_unlock(&device->lock);

	/* Nobody else reaches the descriptor now. A device without power cannot be reset, and the
	 * attempt may last a minute (pci.c: pci_dev_wait()). */
	power = device->ops->power_state(device);
	if (device->can_reset && (power == HOST_POWER_D0 || power == HOST_POWER_UNKNOWN))
		err = device->ops->reset(device);
	if (err)
		log_info(device->id, "reset at stop failed: %s", strerror(-err));
	device->ops->close(device);
	close_fd(&device->power_fd);
	ports_close(device);
}

void vfio_device_give_back(struct vfio_device *device)
{
	int null;

	vfio_device_close(device);
	if (device->given_fd < 0)
		return;
	/* The host waits until the last copy is closed. The number stays taken, so that it cannot
	 * become something else before the VM starts again. */
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup3(null, device->given_fd, O_CLOEXEC) < 0)
		log_error(device->id, "the descriptor %d that was passed in stays open: %s",
			  device->given_fd, strerror(errno));
	close_fd(&null);
	device->given_fd = -1;
}
