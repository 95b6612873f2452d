/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All vCPUs together. A vCPU that has to leave the guest may be at a device just then, so nobody
 * waits for it: each says that it is out, and the last one wakes the main loop.
 */
#include "vmm/vcpu_set.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vmm/bits.h"
#include "vmm/log.h"

static void parked(void *opaque)
{
	struct vcpu_set *set = opaque;

	if (atomic_fetch_add(&set->parked, 1) + 1 == set->nr)
		eventfd_write(set->out.fd, 1);
}

static void out_ready(struct loop_source *source, int revents)
{
	struct vcpu_set *set = source->opaque;
	eventfd_t count;

	(void)revents;
	if (eventfd_read(source->fd, &count) == 0)
		set->paused(set->opaque);
}

int vcpu_set_init(struct vcpu_set *set, const struct vcpu_env *env, unsigned nr, struct loop *loop,
		  void (*paused)(void *opaque), void *opaque)
{
	int r = vcpu_install_kick();

	set->nr = 0;
	set->env = *env;
	set->env.parked = parked;
	set->env.parked_opaque = set;
	set->loop = loop;
	set->paused = paused;
	set->opaque = opaque;
	set->out = (struct loop_source){
		.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.events = POLLIN,
		.ready = out_ready,
		.opaque = set,
	};
	if (r == 0)
		r = set->out.fd < 0 ? -errno : loop_add(loop, &set->out);
	for (unsigned i = 0; r == 0 && i < nr; i++) {
		r = vcpu_init(&set->list[i], &set->env, i);
		if (r == 0)
			set->nr++;
	}
	return r;
}

void vcpu_set_exit(struct vcpu_set *set)
{
	while (set->nr)
		vcpu_exit(&set->list[--set->nr]);
	loop_del(set->loop, &set->out);
	close_fd(&set->out.fd);
}

int vcpu_set_start(struct vcpu_set *set)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < set->nr; i++)
		r = vcpu_start(&set->list[i]);
	return r;
}

void vcpu_set_stop(struct vcpu_set *set)
{
	for (unsigned i = 0; i < set->nr; i++)
		vcpu_stop(&set->list[i]);
}

void vcpu_set_pause(struct vcpu_set *set)
{
	atomic_store(&set->parked, 0);
	for (unsigned i = 0; i < set->nr; i++)
		vcpu_pause(&set->list[i]);
}

void vcpu_set_resume(struct vcpu_set *set)
{
	int failed = 0;

	for (unsigned i = 0; i < set->nr; i++) {
		int r = vcpu_resume(&set->list[i]);

		failed = failed ? failed : r;
	}
	if (failed)
		log_warn("vm",
			 "the guest may complain of CPUs that stood still: KVM_KVMCLOCK_CTRL: %s",
			 strerror(-failed));
}
