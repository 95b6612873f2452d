/* SPDX-License-Identifier: BSD-3-Clause */
/* Prometheus' text: values, escaped labels, a VM without devices. The format as a whole is held by
 * the lab. */
#include "vmm/metrics.h"

#include <string.h>

#include "tests/unit/suite.h"

static char *text;

static void teardown(void)
{
	free(text);
	text = NULL;
}

static void format_all(const char *slots, const char *counters)
{
	json_t *info = json_pack("{s:{s:{s:i}, s:{s:I}}, s:I, s:s}", "config", "cpus", "boot_vcpus",
				 2, "memory", "size", (json_int_t)1 << 30, "uptime_ns",
				 (json_int_t)2500000000, "version", "1.2.3");
	json_t *array = json_loads(slots, 0, NULL);
	json_t *devices = json_loads(counters, 0, NULL);

	ck_assert_ptr_nonnull(array);
	text = metrics_format(info, array, devices);
	ck_assert_ptr_nonnull(text);
	json_decref(info);
	json_decref(array);
	json_decref(devices);
}

static void format(const char *slots)
{
	format_all(slots, "{}");
}

static void expect(const char *line)
{
	ck_assert_msg(strstr(text, line), "no '%s' in\n%s", line, text);
}

START_TEST(vm_without_devices_has_its_own_figures)
{
	format("[]");
	ck_assert_str_eq(text, "# HELP coldvm_info 1, with the version.\n"
			       "# TYPE coldvm_info gauge\n"
			       "coldvm_info{version=\"1.2.3\"} 1\n"
			       "# HELP coldvm_uptime_seconds Time since the process started.\n"
			       "# TYPE coldvm_uptime_seconds gauge\n"
			       "coldvm_uptime_seconds 2.5\n"
			       "# HELP coldvm_memory_bytes RAM of the guest.\n"
			       "# TYPE coldvm_memory_bytes gauge\n"
			       "coldvm_memory_bytes 1073741824\n"
			       "# HELP coldvm_vcpus vCPUs of the guest.\n"
			       "# TYPE coldvm_vcpus gauge\n"
			       "coldvm_vcpus 2\n");
}
END_TEST

static const char two_slots[] =
	"[{\"slot\":0,\"id\":\"gpu\",\"guest_state\":\"off\",\"host_state\":\"D3cold\","
	"\"time_ns\":{\"on\":1500000000,\"d3cold\":500000000},"
	"\"counts\":{\"entries\":3,\"on_asked\":2,\"host_wakes\":1,\"host_wakes_untold\":4,"
	"\"failures\":0},"
	"\"latency\":{\"on_to_alive\":{\"count\":2,\"sum_ns\":300000000,\"p50_ns\":100000000,"
	"\"p95_ns\":200000000,\"p99_ns\":250000000}}},"
	"{\"slot\":1,\"id\":\"nic\",\"guest_state\":\"on\",\"host_state\":\"D0\"}]";

START_TEST(slots_have_states_times_counts_and_latencies)
{
	format(two_slots);
	expect("\ncoldvm_slot_guest_on{slot=\"0\",id=\"gpu\"} 0\n"
	       "coldvm_slot_guest_on{slot=\"1\",id=\"nic\"} 1\n");
	expect("coldvm_slot_host_state{slot=\"0\",id=\"gpu\",state=\"D3cold\"} 1\n");
	expect("coldvm_slot_host_state{slot=\"0\",id=\"gpu\",state=\"D0\"} 0\n");
	expect("coldvm_slot_host_state{slot=\"1\",id=\"nic\",state=\"D0\"} 1\n");
	expect("coldvm_slot_state_seconds_total{slot=\"0\",id=\"gpu\",state=\"d3cold\"} 0.5\n");
	expect("coldvm_slot_entries_total{slot=\"0\",id=\"gpu\"} 3\n");
	expect("coldvm_slot_wakes_total{slot=\"0\",id=\"gpu\",cause=\"guest\"} 2\n");
	expect("coldvm_slot_wakes_total{slot=\"0\",id=\"gpu\",cause=\"host\"} 1\n");
	expect("coldvm_slot_host_wakes_untold_total{slot=\"0\",id=\"gpu\"} 4\n");
	expect("coldvm_slot_on_to_alive_seconds{slot=\"0\",id=\"gpu\",quantile=\"0.5\"} "
	       "0.10000000000000001\n");
	expect("coldvm_slot_on_to_alive_seconds_sum{slot=\"0\",id=\"gpu\"} 0.29999999999999999\n");
	expect("coldvm_slot_on_to_alive_seconds_count{slot=\"0\",id=\"gpu\"} 2\n");
}
END_TEST

START_TEST(disks_and_cards_have_their_counters)
{
	format_all("[]", "{\"gpu\":{\"entries\":3},\"disk0\":{\"read_bytes\":512,\"io_errors\":0},"
			 "\"net0\":{\"rx_frames\":7},\"net1\":{\"rx_frames\":8}}");
	expect("# TYPE coldvm_disk_read_bytes_total counter\n"
	       "coldvm_disk_read_bytes_total{id=\"disk0\"} 512\n#");
	expect("\ncoldvm_disk_io_errors_total{id=\"disk0\"} 0\n");
	expect("# TYPE coldvm_net_rx_frames_total counter\n"
	       "coldvm_net_rx_frames_total{id=\"net0\"} 7\n"
	       "coldvm_net_rx_frames_total{id=\"net1\"} 8\n");
	/* A metric without a line is not named, and a slot has its own. */
	ck_assert_ptr_null(strstr(text, "coldvm_net_tx_bytes_total"));
	ck_assert_ptr_null(strstr(text, "gpu"));
}
END_TEST

START_TEST(label_with_special_characters_is_escaped)
{
	format("[{\"slot\":0,\"id\":\"a\\\"b\\\\c\\nd\",\"guest_state\":\"on\"}]");
	expect("coldvm_slot_guest_on{slot=\"0\",id=\"a\\\"b\\\\c\\nd\"} 1\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics");
	TCase *tcase = suite_case(suite, "metrics", NULL, teardown);

	tcase_add_test(tcase, vm_without_devices_has_its_own_figures);
	tcase_add_test(tcase, slots_have_states_times_counts_and_latencies);
	tcase_add_test(tcase, disks_and_cards_have_their_counters);
	tcase_add_test(tcase, label_with_special_characters_is_escaped);
	return suite_run(suite);
}
