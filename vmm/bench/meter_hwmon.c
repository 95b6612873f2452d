/* SPDX-License-Identifier: BSD-3-Clause */
/* Chips that libsensors knows: amdgpu, xe, INA2xx, power supplies. */
#include <errno.h>
#include <pthread.h>
#include <sensors/error.h>
#include <sensors/sensors.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/vfio/host.h"
#include "vmm/bench/meter_sources.h"

#define INTERVAL_NS UINT64_C(200000000)
#define MAX_W	    5000

struct sensor {
	const sensors_chip_name *chip;
	int number;
};

/* libsensors promises nothing about threads. It is set up once and stays. */
static pthread_mutex_t sensors_lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_set_up;

static int read_sensor(struct meter *meter, double *ret)
{
	const struct sensor *sensor = meter->opaque;
	int err;

	pthread_mutex_lock(&sensors_lock);
	err = sensors_get_value(sensor->chip, sensor->number, ret);
	pthread_mutex_unlock(&sensors_lock);
	if (!err)
		return 0;
	snprintf(meter->failure, sizeof(meter->failure), "libsensors: %s", sensors_strerror(err));
	return -EIO;
}

static void close_sensor(struct meter *meter)
{
	free(meter->opaque);
}

/* "0000:01:00.0" of the chip's device; empty if it is on no PCI bus. */
static void chip_device(const sensors_chip_name *chip, char *ret, size_t len)
{
	ret[0] = '\0';
	if (chip->path && !host_link(ret, len, "%s/device", chip->path) && !host_is_bdf(ret))
		ret[0] = '\0';
}

/* The first of @kinds that the feature has. */
static const sensors_subfeature *first_of(const sensors_chip_name *chip,
					  const sensors_feature *feature,
					  const sensors_subfeature_type *kinds, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		const sensors_subfeature *found = sensors_get_subfeature(chip, feature, kinds[i]);

		if (found && found->flags & SENSORS_MODE_R)
			return found;
	}
	return NULL;
}

static const sensors_subfeature *reading_of(const sensors_chip_name *chip,
					    const sensors_feature *feature,
					    enum meter_quantity *ret)
{
	static const sensors_subfeature_type power[] = { SENSORS_SUBFEATURE_POWER_AVERAGE,
							 SENSORS_SUBFEATURE_POWER_INPUT };
	static const sensors_subfeature_type energy[] = { SENSORS_SUBFEATURE_ENERGY_INPUT };

	*ret = feature->type == SENSORS_FEATURE_ENERGY ? METER_ENERGY : METER_POWER;
	if (feature->type == SENSORS_FEATURE_POWER)
		return first_of(chip, feature, power, 2);
	if (feature->type == SENSORS_FEATURE_ENERGY)
		return first_of(chip, feature, energy, 1);
	return NULL;
}

static int add_sensor(struct meter_set *set, const struct meter_search *search,
		      const sensors_chip_name *chip, const sensors_feature *feature)
{
	enum meter_quantity quantity;
	const sensors_subfeature *reading = reading_of(chip, feature, &quantity);
	struct meter *meter;
	struct sensor *sensor;
	char chip_name[48] = "chip", device[HOST_BDF_LEN * 4];
	char *label;

	if (!reading)
		return 0;
	meter = calloc(1, sizeof(*meter));
	sensor = calloc(1, sizeof(*sensor));
	if (!meter || !sensor) {
		free(meter);
		free(sensor);
		return -ENOMEM;
	}
	*sensor = (struct sensor){ chip, reading->number };
	chip_device(chip, device, sizeof(device));
	*meter = (struct meter){
		.kind = METER_SOFTWARE,
		.quantity = quantity,
		.max_w = MAX_W,
		.interval_ns = search->interval_ns ? search->interval_ns : INTERVAL_NS,
		.touches_device = !strncmp(device, search->device, strlen("0000:00:00.")),
		.read = read_sensor,
		.close = close_sensor,
		.opaque = sensor,
	};
	sensors_snprintf_chip_name(chip_name, sizeof(chip_name), chip);
	label = sensors_get_label(chip, feature);
	snprintf(meter->name, sizeof(meter->name), "hwmon:%s:%.32s", chip_name,
		 label ? label : feature->name);
	free(label);
	return meters_add(set, meter);
}

int meters_find_hwmon(struct meter_set *set, const struct meter_search *search)
{
	const sensors_chip_name *chip;
	int number = 0, r = 0;

	if (!is_set_up && sensors_init(NULL)) {
		meters_note(set, "hwmon: libsensors cannot read its configuration");
		return 0;
	}
	is_set_up = true;
	while (r == 0 && (chip = sensors_get_detected_chips(NULL, &number))) {
		const sensors_feature *feature;
		int next = 0;

		while (r == 0 && (feature = sensors_get_features(chip, &next)))
			r = add_sensor(set, search, chip, feature);
	}
	return r;
}
