/* SPDX-License-Identifier: BSD-3-Clause */
/* Meters: what is found, what is read, and the threads that read it. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sensors/error.h>
#include <sensors/sensors.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/suite.h"
#include "vmm/bench/meter_simulated.h"
#include "vmm/bench/meter_sources.h"
#include "vmm/bench/sampler.h"
#include "vmm/bits.h"

#define MS UINT64_C(1000000)

static struct meter_set set;
static struct meter_search search;
static char root[64];
static char why[256];

static void set_up(void)
{
	strcpy(root, "/tmp/coldvm-meters.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	search = (struct meter_search){ .sysfs = root, .device = "0000:01:00.0" };
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void tear_down(void)
{
	meters_close(&set);
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *path, const char *text)
{
	char full[256];
	FILE *out;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	for (char *at = full + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(full, 0755);
		*at = '/';
	}
	out = fopen(full, "w");
	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	fclose(out);
}

static double read_meter(unsigned i)
{
	double value = -1;

	ck_assert_int_eq(set.meters[i]->read(set.meters[i], &value), 0);
	return value;
}

/* --- libsensors, replaced -----------------------------------------------------------------------
 */

static sensors_chip_name chip;
static sensors_feature features[3];
static sensors_subfeature subfeatures[3];
static unsigned nr_features;
static double sensor_value;
static int sensor_error;

int sensors_init(FILE *input)
{
	(void)input;
	return 0;
}

const sensors_chip_name *sensors_get_detected_chips(const sensors_chip_name *match, int *nr)
{
	(void)match;
	return nr_features && (*nr)++ == 0 ? &chip : NULL;
}

const sensors_feature *sensors_get_features(const sensors_chip_name *name, int *nr)
{
	(void)name;
	return *nr < (int)nr_features ? &features[(*nr)++] : NULL;
}

const sensors_subfeature *sensors_get_subfeature(const sensors_chip_name *name,
						 const sensors_feature *feature,
						 sensors_subfeature_type type)
{
	(void)name;
	for (unsigned i = 0; i < nr_features; i++)
		if (subfeatures[i].mapping == feature->number && subfeatures[i].type == type)
			return &subfeatures[i];
	return NULL;
}

int sensors_get_value(const sensors_chip_name *name, int number, double *value)
{
	(void)name;
	*value = sensor_value + number;
	return sensor_error;
}

char *sensors_get_label(const sensors_chip_name *name, const sensors_feature *feature)
{
	(void)name;
	return strdup(feature->name);
}

int sensors_snprintf_chip_name(char *str, size_t size, const sensors_chip_name *name)
{
	return snprintf(str, size, "%s-pci-0100", name->prefix);
}

const char *sensors_strerror(int error)
{
	return error == -SENSORS_ERR_IO ? "I/O error" : "?";
}

static void add_feature(const char *name, sensors_feature_type type, sensors_subfeature_type sub)
{
	features[nr_features] = (sensors_feature){
		.name = (char *)name,
		.number = (int)nr_features,
		.type = type,
	};
	subfeatures[nr_features] = (sensors_subfeature){
		.number = (int)nr_features * 10,
		.type = sub,
		.mapping = (int)nr_features,
		.flags = SENSORS_MODE_R,
	};
	nr_features++;
}

START_TEST(power_and_energy_of_a_chip_are_meters_and_the_rest_is_not)
{
	chip = (sensors_chip_name){ .prefix = (char *)"amdgpu" };
	add_feature("PPT", SENSORS_FEATURE_POWER, SENSORS_SUBFEATURE_POWER_AVERAGE);
	add_feature("edge", SENSORS_FEATURE_TEMP, SENSORS_SUBFEATURE_TEMP_INPUT);
	add_feature("pkg", SENSORS_FEATURE_ENERGY, SENSORS_SUBFEATURE_ENERGY_INPUT);
	sensor_value = 40;
	ck_assert_int_eq(meters_find_hwmon(&set, &search), 0);
	ck_assert_uint_eq(set.nr, 2);
	ck_assert_str_eq(set.meters[0]->name, "hwmon:amdgpu-pci-0100:PPT");
	ck_assert_int_eq(set.meters[0]->quantity, METER_POWER);
	ck_assert_int_eq(set.meters[1]->quantity, METER_ENERGY);
	ck_assert_double_eq(read_meter(0), 40);
	ck_assert_double_eq(read_meter(1), 60);
	ck_assert(!set.meters[0]->touches_device);
}
END_TEST

START_TEST(a_chip_of_the_measured_device_is_marked)
{
	char path[128], target[128];

	put("class/hwmon/hwmon0/name", "amdgpu");
	put("devices/0000:01:00.1/x", "");
	snprintf(path, sizeof(path), "%s/class/hwmon/hwmon0/device", root);
	snprintf(target, sizeof(target), "%s/devices/0000:01:00.1", root);
	ck_assert_int_eq(symlink(target, path), 0);
	snprintf(path, sizeof(path), "%s/class/hwmon/hwmon0", root);
	chip = (sensors_chip_name){ .prefix = (char *)"amdgpu", .path = path };
	add_feature("PPT", SENSORS_FEATURE_POWER, SENSORS_SUBFEATURE_POWER_INPUT);
	ck_assert_int_eq(meters_find_hwmon(&set, &search), 0);
	ck_assert(set.meters[0]->touches_device);
	chip.path = NULL;
}
END_TEST

START_TEST(a_chip_that_fails_says_so)
{
	double value;

	chip = (sensors_chip_name){ .prefix = (char *)"ina219" };
	add_feature("power1", SENSORS_FEATURE_POWER, SENSORS_SUBFEATURE_POWER_INPUT);
	sensor_error = -SENSORS_ERR_IO;
	ck_assert_int_eq(meters_find_hwmon(&set, &search), 0);
	ck_assert_int_eq(set.meters[0]->read(set.meters[0], &value), -EIO);
	ck_assert_str_eq(set.meters[0]->failure, "libsensors: I/O error");
}
END_TEST

/* --- powercap -----------------------------------------------------------------------------------
 */

START_TEST(each_zone_of_powercap_is_a_counter_with_its_range)
{
	put("class/powercap/intel-rapl/enabled", "1\n");
	put("class/powercap/intel-rapl:0/name", "package-0\n");
	put("class/powercap/intel-rapl:0/energy_uj", "12500000\n");
	put("class/powercap/intel-rapl:0/max_energy_range_uj", "262143328850\n");
	put("class/powercap/intel-rapl:0:0/name", "core\n");
	put("class/powercap/intel-rapl:0:0/energy_uj", "7\n");
	ck_assert_int_eq(meters_find_powercap(&set, &search), 0);
	ck_assert_uint_eq(set.nr, 2);
	ck_assert_str_eq(set.meters[0]->name, "powercap:package-0:intel-rapl:0");
	ck_assert_double_eq_tol(set.meters[0]->range_j, 262143.32885, 1e-9);
	ck_assert_double_eq_tol(read_meter(0), 12.5, 1e-12);
	ck_assert_int_eq(set.meters[0]->quantity, METER_ENERGY);
	ck_assert_int_eq(set.meters[0]->kind, METER_SOFTWARE);
	ck_assert_double_eq(set.meters[1]->range_j, 0);
}
END_TEST

START_TEST(a_host_without_powercap_has_no_such_meter)
{
	ck_assert_int_eq(meters_find_powercap(&set, &search), 0);
	ck_assert_uint_eq(set.nr, 0);
	ck_assert_uint_eq(set.nr_notes, 0);
}
END_TEST

START_TEST(a_counter_that_makes_no_sense_is_no_meter)
{
	put("class/powercap/intel-rapl:0/energy_uj", "none\n");
	ck_assert_int_eq(meters_find_powercap(&set, &search), 0);
	ck_assert_uint_eq(set.nr, 0);
}
END_TEST

/* Root may read everything, so this one is for other users alone. */
START_TEST(counters_that_only_root_can_read_are_named_with_what_to_do)
{
	char path[128];

	if (geteuid() == 0)
		return;
	put("class/powercap/intel-rapl:0/energy_uj", "1\n");
	snprintf(path, sizeof(path), "%s/class/powercap/intel-rapl:0/energy_uj", root);
	chmod(path, 0);
	ck_assert_int_eq(meters_find_powercap(&set, &search), 0);
	ck_assert_uint_eq(set.nr, 0);
	ck_assert_str_eq(set.notes[0],
			 "powercap: 1 counters can be read by root alone: run as root");
}
END_TEST

/* --- commands -----------------------------------------------------------------------------------
 */

static void command(const char *text, enum meter_quantity quantity, double value)
{
	ck_assert_msg(meters_add_command(&set, text, 0, why, sizeof(why)) == 0, "%s", why);
	ck_assert_int_eq(set.meters[set.nr - 1]->quantity, quantity);
	ck_assert_double_eq_tol(read_meter(set.nr - 1), value, 1e-9);
	ck_assert_int_eq(set.meters[set.nr - 1]->kind, METER_EXTERNAL);
}

START_TEST(a_command_prints_watts_or_joules)
{
	command("echo 42.5", METER_POWER, 42.5);
	command("echo 'Instantaneous power reading:  215 Watts'", METER_POWER, 215);
	command("echo power=1500mW", METER_POWER, 1.5);
	command("echo 12 J", METER_ENERGY, 12);
	command("echo 2kWh", METER_ENERGY, 7.2e6);
	command("printf '\\n    Instantaneous power reading:   220 Watts\\n    Minimum: 9 "
		"Watts\\n'",
		METER_POWER, 220);
}
END_TEST

START_TEST(what_only_begins_with_a_number_is_none)
{
	command("echo 2026-11-26T10:00 42 W", METER_POWER, 42);
	command("echo 10:20:30 42", METER_POWER, 42);
	command("echo 230V 12W", METER_POWER, 12);
	command("echo 0x1F 7 W", METER_POWER, 7);
	command("echo 1e999 7", METER_POWER, 7);
	command("echo +5 W", METER_POWER, 5);
}
END_TEST

START_TEST(a_command_leaves_nothing_running)
{
	char text[256], path[128];

	snprintf(path, sizeof(path), "%s/late", root);
	snprintf(text, sizeof(text), "(sleep 0.3; : >%s) >/dev/null 2>&1 & echo 5", path);
	command(text, METER_POWER, 5);
	usleep(600000);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

static void bad_command(const char *text, const char *complaint)
{
	ck_assert_int_lt(meters_add_command(&set, text, 0, why, sizeof(why)), 0);
	ck_assert_str_eq(why, complaint);
}

START_TEST(a_command_that_is_no_meter_says_why)
{
	bad_command("echo no number here",
		    "--meter 'echo no number here': the command prints no number but 'no number "
		    "here'");
	bad_command("exit 3", "--meter 'exit 3': the command ended with status 3");
	bad_command("kill -9 $$", "--meter 'kill -9 $$': the command was ended by signal 9");
	ck_assert_uint_eq(set.nr, 0);
}
END_TEST

/* --- made up ------------------------------------------------------------------------------------
 */

#define WATTS "d0_w=20,d3hot_w=8,d3cold_w=1"

static void simulate(const char *words)
{
	ck_assert_msg(meter_simulated_add(&set, words, why, sizeof(why)) == 0, "%s", why);
}

START_TEST(a_simulated_counter_is_exact)
{
	uint64_t begin = now_ns() - 10000 * MS;
	double j;

	simulate(WATTS ",entry_j=0.5,exit_j=0.7");
	meter_simulated_change(&set, begin, BENCH_D0);
	meter_simulated_change(&set, begin + 1000 * MS, BENCH_D3COLD);
	meter_simulated_change(&set, begin + 5000 * MS, BENCH_D0);
	j = read_meter(0) - 20.0 * (double)(now_ns() - begin - 5000 * MS) / 1e9;
	ck_assert_double_eq_tol(j, 20 + 0.5 + 4 + 0.7, 0.1);
}
END_TEST

START_TEST(a_change_that_comes_late_is_put_into_order)
{
	uint64_t begin = now_ns() - 10000 * MS;

	simulate(WATTS);
	meter_simulated_change(&set, begin, BENCH_D0);
	meter_simulated_change(&set, begin, BENCH_D3COLD);
	ck_assert_double_eq_tol(read_meter(0), 10, 1);
}
END_TEST

START_TEST(a_simulated_counter_never_falls)
{
	uint64_t begin = now_ns() - 10000 * MS;
	double before;

	simulate(WATTS);
	meter_simulated_change(&set, begin, BENCH_D0);
	before = read_meter(0);
	meter_simulated_change(&set, begin + 9000 * MS, BENCH_D3COLD);
	ck_assert_double_ge(read_meter(0), before);
}
END_TEST

START_TEST(a_name_that_is_not_utf8_is_a_meter_all_the_same)
{
	json_t *json;

	command("echo 5 # \xc3", METER_POWER, 5);
	json = meter_json(set.meters[0]);
	ck_assert_ptr_nonnull(json);
	ck_assert_str_eq(set.meters[0]->name, "command:echo 5 # ?");
	json_decref(json);
}
END_TEST

START_TEST(a_simulated_counter_wraps)
{
	simulate(WATTS ",range_j=3");
	meter_simulated_change(&set, now_ns() - 10000 * MS, BENCH_D0);
	ck_assert_double_lt(read_meter(0), 3);
	ck_assert_double_eq(set.meters[0]->range_j, 3);
}
END_TEST

START_TEST(simulated_power_is_that_of_the_state_within_its_noise)
{
	simulate(WATTS ",quantity=power,noise=0.1");
	meter_simulated_change(&set, now_ns() - MS, BENCH_D3HOT);
	for (unsigned i = 0; i < 100; i++) {
		ck_assert_double_ge(read_meter(0), 7.2);
		ck_assert_double_le(read_meter(0), 8.8);
	}
	ck_assert_double_ne(read_meter(0), read_meter(0));
}
END_TEST

START_TEST(simulated_words_are_checked)
{
	static const struct {
		const char *words, *complaint;
	} rows[] = {
		{ "d0_w=20", "--simulated-meter: say d3hot_w=WATTS" },
		{ "d0_w=x", "--simulated-meter d0_w='x': want a number from 0 to 1000000" },
		{ "d0_v=2", "--simulated-meter has no 'd0_v': do you mean d0_w?" },
		{ "d0_w", "--simulated-meter 'd0_w': want KEY=VALUE" },
		{ WATTS ",quantity=heat",
		  "--simulated-meter quantity='heat': want energy or power" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_int_eq(meter_simulated_add(&set, rows[i].words, why, sizeof(why)),
				 -EINVAL);
		ck_assert_str_eq(why, rows[i].complaint);
	}
	ck_assert_uint_eq(set.nr, 0);
}
END_TEST

START_TEST(what_is_made_up_says_so)
{
	json_t *json;

	simulate(WATTS);
	json = meter_json(set.meters[0]);
	ck_assert_str_eq(json_string_value(json_object_get(json, "kind")), "simulated");
	ck_assert_int_eq(strncmp(set.meters[0]->name, "simulated", 9), 0);
	json_decref(json);
}
END_TEST

/* --- the sampler --------------------------------------------------------------------------------
 */

static atomic_int state = BENCH_D0;
static atomic_uint reads;

static enum bench_state tell_state(void *opaque)
{
	(void)opaque;
	return (enum bench_state)atomic_load(&state);
}

static atomic_bool in_use = true;

static bool tell_use(void *opaque)
{
	(void)opaque;
	return atomic_load(&in_use);
}

static int count_read(struct meter *meter, double *ret)
{
	int r = *(int *)meter->opaque;

	*ret = atomic_fetch_add(&reads, 1);
	return r;
}

static struct meter *add_counting(int *result)
{
	struct meter *meter = calloc(1, sizeof(*meter));

	ck_assert_ptr_nonnull(meter);
	*meter = (struct meter){ .interval_ns = MS, .read = count_read, .opaque = result };
	strcpy(meter->name, "a,\"b\"");
	ck_assert_int_eq(meters_add(&set, meter), 0);
	return meter;
}

static void wait_reads(unsigned nr)
{
	while (atomic_load(&reads) < nr)
		usleep(500);
}

START_TEST(readings_are_kept_in_the_order_of_time)
{
	struct energy_trace trace;
	struct sampler *sampler;
	int result = 0;

	add_counting(&result);
	ck_assert_int_eq(sampler_start(&sampler, &set, tell_state, tell_use, NULL), 0);
	wait_reads(20);
	sampler_stop(sampler);
	sampler_trace(sampler, 0, &trace);
	ck_assert_uint_ge(trace.nr, 20);
	ck_assert_uint_eq(trace.max_gap_ns, 4 * MS);
	for (size_t i = 0; i < trace.nr; i++) {
		ck_assert_double_eq(trace.samples[i].value, (double)i);
		ck_assert_int_eq(trace.samples[i].state, BENCH_D0);
		if (i)
			ck_assert_uint_gt(trace.samples[i].t_ns, trace.samples[i - 1].t_ns);
	}
	ck_assert_ptr_null(sampler_failure(sampler, 0));
	sampler_free(sampler);
}
END_TEST

START_TEST(a_meter_of_the_device_is_read_only_while_that_is_in_use)
{
	struct sampler *sampler;
	int result = 0;
	unsigned before;

	add_counting(&result)->touches_device = true;
	ck_assert_int_eq(sampler_start(&sampler, &set, tell_state, tell_use, NULL), 0);
	wait_reads(3);
	atomic_store(&in_use, false);
	usleep(20000);
	before = atomic_load(&reads);
	usleep(30000);
	ck_assert_uint_eq(atomic_load(&reads), before);
	atomic_store(&in_use, true);
	wait_reads(before + 3);
	sampler_free(sampler);
}
END_TEST

START_TEST(a_reading_that_is_not_there_is_a_gap_and_no_end)
{
	struct energy_trace trace;
	struct sampler *sampler;
	int result = -EAGAIN;

	add_counting(&result);
	ck_assert_int_eq(sampler_start(&sampler, &set, tell_state, tell_use, NULL), 0);
	wait_reads(5);
	sampler_stop(sampler);
	sampler_trace(sampler, 0, &trace);
	ck_assert_uint_eq(trace.nr, 0);
	ck_assert_ptr_null(sampler_failure(sampler, 0));
	sampler_free(sampler);
}
END_TEST

START_TEST(a_meter_that_fails_ends_alone_and_says_why)
{
	struct sampler *sampler;
	int bad = -EIO, good = 0;

	strcpy(add_counting(&bad)->failure, "it is broken");
	add_counting(&good);
	ck_assert_int_eq(sampler_start(&sampler, &set, tell_state, tell_use, NULL), 0);
	wait_reads(20);
	sampler_stop(sampler);
	ck_assert_str_eq(sampler_failure(sampler, 0), "it is broken");
	ck_assert_ptr_null(sampler_failure(sampler, 1));
	sampler_free(sampler);
}
END_TEST

START_TEST(readings_are_lines_of_csv)
{
	char text[4096] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	struct sampler *sampler;
	int result = 0;

	add_counting(&result)->interval_ns = 50 * MS;
	ck_assert_int_eq(sampler_start(&sampler, &set, tell_state, tell_use, NULL), 0);
	wait_reads(2);
	sampler_stop(sampler);
	ck_assert_int_eq(sampler_write_csv(sampler, out), 0);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, ",\"a,\"\"b\"\"\",J,0,d0\n"));
	ck_assert_ptr_nonnull(strstr(text, ",\"a,\"\"b\"\"\",J,1,d0\n"));
	sampler_free(sampler);
}
END_TEST

START_TEST(a_slow_command_does_not_hold_up_the_end_and_leaves_nothing)
{
	struct sampler *sampler;
	uint64_t begun;
	char text[256];

	/* Quick when it is tried, and never done afterwards. */
	snprintf(text, sizeof(text),
		 "echo 1; [ -e %s/tried ] && exec sleep 1000 >/dev/null; : >%s/tried", root, root);
	ck_assert_msg(meters_add_command(&set, text, MS, why, sizeof(why)) == 0, "%s", why);
	ck_assert_int_eq(sampler_start(&sampler, &set, tell_state, tell_use, NULL), 0);
	usleep(50000);
	begun = now_ns();
	sampler_stop(sampler);
	ck_assert_uint_lt(now_ns() - begun, 5000 * MS);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_ptr_null(sampler_failure(sampler, 0));
	sampler_free(sampler);
}
END_TEST

/* --- NVML ---------------------------------------------------------------------------------------
 */

START_TEST(without_the_library_there_is_no_nvidia_meter)
{
	ck_assert_int_eq(meters_find_nvml(&set, &search, "libnone-such.so.1"), 0);
	ck_assert_uint_eq(set.nr, 0);
	ck_assert_uint_eq(set.nr_notes, 0);
}
END_TEST

START_TEST(a_library_that_is_not_nvidias_is_noted)
{
	ck_assert_int_eq(meters_find_nvml(&set, &search, "libc.so.6"), 0);
	ck_assert_uint_eq(set.nr, 0);
	ck_assert_str_eq(set.notes[0], "NVML: libc.so.6 is too old");
}
END_TEST

START_TEST(a_gpu_that_counts_is_read_in_joules_while_it_is_on)
{
	ck_assert_int_eq(meters_find_nvml(&set, &search, FAKE_NVML), 0);
	ck_assert_uint_eq(set.nr, 1);
	ck_assert_str_eq(set.meters[0]->name, "nvml:0000:01:00.0");
	ck_assert_int_eq(set.meters[0]->quantity, METER_ENERGY);
	ck_assert_double_eq_tol(read_meter(0), 12.345, 1e-9);
	ck_assert(set.meters[0]->touches_device);
}
END_TEST

START_TEST(a_gpu_that_does_not_count_is_read_in_watts)
{
	search.device = "0000:02:00.0";
	ck_assert_int_eq(meters_find_nvml(&set, &search, FAKE_NVML), 0);
	ck_assert_int_eq(set.meters[0]->quantity, METER_POWER);
	ck_assert_double_eq_tol(read_meter(0), 31.5, 1e-9);
}
END_TEST

START_TEST(a_gpu_that_nvml_does_not_know_is_noted)
{
	search.device = "0000:03:00.0";
	ck_assert_int_eq(meters_find_nvml(&set, &search, FAKE_NVML), 0);
	ck_assert_uint_eq(set.nr, 0);
	ck_assert_str_eq(set.notes[0], "NVML does not know 0000:03:00.0: Not Found");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("bench_meters");
	TCase *t = suite_case(s, "hwmon", set_up, tear_down);

	tcase_add_test(t, power_and_energy_of_a_chip_are_meters_and_the_rest_is_not);
	tcase_add_test(t, a_chip_of_the_measured_device_is_marked);
	tcase_add_test(t, a_chip_that_fails_says_so);

	t = suite_case(s, "powercap", set_up, tear_down);
	tcase_add_test(t, each_zone_of_powercap_is_a_counter_with_its_range);
	tcase_add_test(t, a_host_without_powercap_has_no_such_meter);
	tcase_add_test(t, a_counter_that_makes_no_sense_is_no_meter);
	tcase_add_test(t, counters_that_only_root_can_read_are_named_with_what_to_do);

	t = suite_case(s, "commands", set_up, tear_down);
	tcase_add_test(t, a_command_prints_watts_or_joules);
	tcase_add_test(t, what_only_begins_with_a_number_is_none);
	tcase_add_test(t, a_command_leaves_nothing_running);
	tcase_add_test(t, a_command_that_is_no_meter_says_why);

	t = suite_case(s, "made up", set_up, tear_down);
	tcase_add_test(t, a_simulated_counter_is_exact);
	tcase_add_test(t, a_change_that_comes_late_is_put_into_order);
	tcase_add_test(t, a_simulated_counter_never_falls);
	tcase_add_test(t, a_name_that_is_not_utf8_is_a_meter_all_the_same);
	tcase_add_test(t, a_simulated_counter_wraps);
	tcase_add_test(t, simulated_power_is_that_of_the_state_within_its_noise);
	tcase_add_test(t, simulated_words_are_checked);
	tcase_add_test(t, what_is_made_up_says_so);

	t = suite_case(s, "sampler", set_up, tear_down);
	tcase_add_test(t, readings_are_kept_in_the_order_of_time);
	tcase_add_test(t, a_meter_of_the_device_is_read_only_while_that_is_in_use);
	tcase_add_test(t, a_reading_that_is_not_there_is_a_gap_and_no_end);
	tcase_add_test(t, a_meter_that_fails_ends_alone_and_says_why);
	tcase_add_test(t, readings_are_lines_of_csv);
	tcase_add_test(t, a_slow_command_does_not_hold_up_the_end_and_leaves_nothing);

	t = suite_case(s, "nvml", set_up, tear_down);
	tcase_add_test(t, without_the_library_there_is_no_nvidia_meter);
	tcase_add_test(t, a_library_that_is_not_nvidias_is_noted);
	tcase_add_test(t, a_gpu_that_counts_is_read_in_joules_while_it_is_on);
	tcase_add_test(t, a_gpu_that_does_not_count_is_read_in_watts);
	tcase_add_test(t, a_gpu_that_nvml_does_not_know_is_noted);
	return s;
}

int main(void)
{
	return suite_run(make_suite());
}
