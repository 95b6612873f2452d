/* SPDX-License-Identifier: BSD-3-Clause */
/* Vectors of MSI and MSI-X: eventfds between the host's driver and KVM. */
#include "devices/vfio/vectors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/bits.h"
#include "vmm/irqchip.h"
#include "vmm/log.h"

int vectors_init(struct vfio_device *device, unsigned nr)
{
	struct vfio_irqs *irqs = &device->irqs;

	irqs->vectors = calloc(nr ? nr : 1, sizeof(*irqs->vectors));
	if (!irqs->vectors)
		return -ENOMEM;
	irqs->nr_vectors = nr;
	for (unsigned i = 0; i < nr; i++)
		irqs->vectors[i].event_fd = -1;
	return 0;
}

void vectors_exit(struct vfio_device *device)
{
	vectors_close_all(device);
	free(device->irqs.vectors);
	device->irqs.vectors = NULL;
	device->irqs.nr_vectors = 0;
}

int vectors_open(struct vfio_device *device, unsigned i)
{
	struct vfio_vector *vector = &device->irqs.vectors[i];
	int fd, err;

	if (vector->event_fd >= 0)
		return 0;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	err = irqchip_msi_alloc(device->irqchip, &vector->gsi);
	if (err) {
		close_fd(&fd);
		return err;
	}
	vector->event_fd = fd;
	return 0;
}

static int unbind(struct vfio_device *device, struct vfio_vector *vector)
{
	int err = 0;

	if (vector->bound)
		err = irqchip_unbind(device->irqchip, vector->gsi, vector->event_fd);
	vector->bound = false;
	return err;
}

static void close_vector(struct vfio_device *device, struct vfio_vector *vector)
{
	int err;

	if (vector->event_fd < 0)
		return;
	err = unbind(device, vector);
	if (err)
		log_debug(device->id, "vector out of KVM: %s", strerror(-err));
	irqchip_msi_free(device->irqchip, vector->gsi);
	close_fd(&vector->event_fd);
}

void vectors_close_all(struct vfio_device *device)
{
	for (unsigned i = 0; i < device->irqs.nr_vectors; i++)
		close_vector(device, &device->irqs.vectors[i]);
}

int vectors_route(struct vfio_device *device, unsigned i, uint64_t addr, uint32_t data, bool masked)
{
	struct vfio_vector *vector = &device->irqs.vectors[i];
	int err;

	if (masked)
		return unbind(device, vector);
	err = irqchip_msi_set(device->irqchip, vector->gsi, addr, data);
	if (err || vector->bound)
		return err;
	err = irqchip_bind(device->irqchip, vector->gsi, vector->event_fd, -1);
	vector->bound = !err;
	return err;
}

int vectors_host_enable(struct vfio_device *device, unsigned index, unsigned nr)
{
	struct vfio_irqs *irqs = &device->irqs;
	int *fds = calloc(nr, sizeof(*fds));
	int err;

	if (!fds)
		return -ENOMEM;
	for (unsigned i = 0; i < nr; i++)
		fds[i] = irqs->vectors[i].event_fd;
	err = device->ops->set_irq_fds(device, index, 0, nr, fds, VFIO_IRQ_SET_ACTION_TRIGGER);
	free(fds);
	irqs->host_vectors = err ? 0 : nr;
	return err;
}

void vectors_host_disable(struct vfio_device *device, unsigned index)
{
	int err = device->ops->irq_disable(device, index);

	if (err)
		log_debug(device->id, "interrupt %u off: %s", index, strerror(-err));
	device->irqs.host_vectors = 0;
}

/* Hosts before 6.5 take a new number of vectors only by switching off and on. Doubling keeps that
 * rare while a driver unmasks one vector after the other. A message sent in the gap is lost, so
 * every vector is signalled once: drivers bear a spurious interrupt, but not a missing one. */
static int regrow(struct vfio_device *device, unsigned index, unsigned need)
{
	struct vfio_irqs *irqs = &device->irqs;
	unsigned old = irqs->host_vectors;
	const unsigned tries[] = {
		(unsigned)min_u64(max_u64(need, 2 * (uint64_t)old), irqs->nr_vectors),
		need,
		old,
	};
	int first_err = 0, err = 0;
	uint64_t one = 1;

	vectors_host_disable(device, index);
	for (size_t t = 0; t < ARRAY_SIZE(tries); t++) {
		err = tries[t] ? vectors_host_enable(device, index, tries[t]) : first_err;
		if (!err)
			break;
		first_err = err;
	}
	for (unsigned i = 0; i < irqs->host_vectors; i++)
		if (irqs->vectors[i].event_fd >= 0 &&
		    write(irqs->vectors[i].event_fd, &one, sizeof(one)) < 0)
			err = -errno;
	if (!err && irqs->host_vectors < need)
		err = first_err;
	return err;
}

int vectors_host_add(struct vfio_device *device, unsigned index, unsigned i)
{
	struct vfio_irqs *irqs = &device->irqs;
	int err;

	err = vectors_open(device, i);
	if (err)
		return err;
	if (i >= irqs->host_vectors && !irqs->msix_resize) {
		err = regrow(device, index, i + 1);
	} else {
		err = device->ops->set_irq_fds(device, index, i, 1, &irqs->vectors[i].event_fd,
					       VFIO_IRQ_SET_ACTION_TRIGGER);
		if (!err && i >= irqs->host_vectors)
			irqs->host_vectors = i + 1;
	}
	if (err)
		close_vector(device, &irqs->vectors[i]);
	return err;
}
