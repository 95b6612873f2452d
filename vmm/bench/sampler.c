/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread a meter, on an absolute clock. */
#include "vmm/bench/sampler.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/bits.h"

#define MAX_SAMPLES   10000000
#define FIRST_ROOM    1024
#define GAP_INTERVALS 4
#define NS_OF_S	      UINT64_C(1000000000)

struct readings {
	struct sampler *sampler;
	struct meter *meter;
	pthread_t thread;
	bool has_thread;
	struct energy_sample *samples;
	size_t nr, room;
	char failure[192];
};

struct sampler {
	enum bench_state (*state)(void *opaque);
	bool (*may_touch)(void *opaque);
	void *opaque;
	int stop_fd; /* readable from the end on */
	uint64_t begun_ns;
	struct readings all[METERS_MAX];
	unsigned nr;
};

/* False if it is time to end. */
static bool wait_until(const struct sampler *sampler, uint64_t t_ns)
{
	struct pollfd stop = { .fd = sampler->stop_fd, .events = POLLIN };
	uint64_t now = now_ns();
	const struct timespec left = { .tv_sec = t_ns > now ? (time_t)((t_ns - now) / NS_OF_S) : 0,
				       .tv_nsec = t_ns > now ? (long)((t_ns - now) % NS_OF_S) : 0 };

	return ppoll(&stop, 1, &left, NULL) <= 0;
}

static int keep(struct readings *readings, const struct energy_sample *sample)
{
	if (readings->nr == MAX_SAMPLES)
		return -E2BIG;
	if (readings->nr == readings->room) {
		size_t room = readings->room ? 2 * readings->room : FIRST_ROOM;
		struct energy_sample *samples =
			reallocarray(readings->samples, room, sizeof(*samples));

		if (!samples)
			return -ENOMEM;
		readings->samples = samples;
		readings->room = room;
	}
	readings->samples[readings->nr++] = *sample;
	return 0;
}

/* One reading, kept with the moment of its middle. */
static int read_once(struct readings *readings)
{
	struct sampler *sampler = readings->sampler;
	struct meter *meter = readings->meter;
	struct energy_sample sample = { .state = sampler->state(sampler->opaque) };
	uint64_t begun;
	int r;

	if (meter->touches_device && !sampler->may_touch(sampler->opaque))
		return 0;
	begun = now_ns();
	r = meter->read(meter, &sample.value);
	sample.t_ns = begun + (now_ns() - begun) / 2;
	if (r == -EAGAIN)
		return 0;
	return r < 0 ? r : keep(readings, &sample);
}

static void *run(void *opaque)
{
	struct readings *readings = opaque;
	struct sampler *sampler = readings->sampler;
	uint64_t interval = readings->meter->interval_ns, next = sampler->begun_ns;
	int r = 0;

	while (wait_until(sampler, next)) {
		uint64_t now;

		r = read_once(readings);
		if (r < 0)
			break;
		now = now_ns();
		/* Those that a long reading has missed are left out. */
		next += (now > next ? (now - next) / interval : 0) * interval + interval;
	}
	if (r < 0 && r != -ECANCELED && !readings->failure[0])
		snprintf(readings->failure, sizeof(readings->failure), "%s",
			 readings->meter->failure[0] ? readings->meter->failure : strerror(-r));
	return NULL;
}

int sampler_start(struct sampler **ret, struct meter_set *set,
		  enum bench_state (*state)(void *opaque), bool (*may_touch)(void *opaque),
		  void *opaque)
{
	struct sampler *sampler = calloc(1, sizeof(*sampler));
	int r = 0;

	if (!sampler)
		return -ENOMEM;
	sampler->state = state;
	sampler->may_touch = may_touch;
	sampler->opaque = opaque;
	sampler->begun_ns = now_ns();
	sampler->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (sampler->stop_fd < 0)
		r = -errno;
	for (unsigned i = 0; r == 0 && i < set->nr; i++) {
		struct readings *readings = &sampler->all[sampler->nr++];

		readings->sampler = sampler;
		readings->meter = set->meters[i];
		readings->meter->stop_fd = sampler->stop_fd;
		r = -pthread_create(&readings->thread, NULL, run, readings);
		readings->has_thread = r == 0;
	}
	if (r < 0) {
		sampler_free(sampler);
		return r;
	}
	*ret = sampler;
	return 0;
}

void sampler_stop(struct sampler *sampler)
{
	eventfd_write(sampler->stop_fd, 1);
	for (unsigned i = 0; i < sampler->nr; i++) {
		if (sampler->all[i].has_thread)
			pthread_join(sampler->all[i].thread, NULL);
		sampler->all[i].has_thread = false;
	}
}

void sampler_free(struct sampler *sampler)
{
	if (!sampler)
		return;
	if (sampler->stop_fd >= 0)
		sampler_stop(sampler);
	for (unsigned i = 0; i < sampler->nr; i++)
		free(sampler->all[i].samples);
	close_fd(&sampler->stop_fd);
	free(sampler);
}

void sampler_trace(const struct sampler *sampler, unsigned i, struct energy_trace *ret)
{
	const struct readings *readings = &sampler->all[i];

	*ret = (struct energy_trace){
		.quantity = readings->meter->quantity,
		.range_j = readings->meter->range_j,
		.max_gap_ns = GAP_INTERVALS * readings->meter->interval_ns,
		.samples = readings->samples,
		.nr = readings->nr,
	};
}

const char *sampler_failure(const struct sampler *sampler, unsigned i)
{
	return sampler->all[i].failure[0] ? sampler->all[i].failure : NULL;
}

/* A name that has one of CSV's own characters is quoted (RFC 4180). */
static void write_name(const char *name, FILE *out)
{
	if (!strpbrk(name, ",\"\r\n")) {
		fputs(name, out);
		return;
	}
	fputc('"', out);
	for (; *name; name++) {
		if (*name == '"')
			fputc('"', out);
		fputc(*name, out);
	}
	fputc('"', out);
}

int sampler_write_csv(const struct sampler *sampler, FILE *out)
{
	for (unsigned i = 0; i < sampler->nr; i++) {
		const struct readings *readings = &sampler->all[i];
		const char *unit = readings->meter->quantity == METER_ENERGY ? "J" : "W";

		for (size_t s = 0; s < readings->nr; s++) {
			const struct energy_sample *sample = &readings->samples[s];

			fprintf(out, "%" PRIu64 ",", sample->t_ns);
			write_name(readings->meter->name, out);
			fprintf(out, ",%s,%.15g,%s\n", unit, sample->value,
				bench_state_name(sample->state));
		}
	}
	return ferror(out) ? -EIO : 0;
}
