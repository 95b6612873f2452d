/* SPDX-License-Identifier: BSD-3-Clause */
/* What `coldvm ctl` prints: durations, a slot in 80 columns, fields that are missing. */
#include "vmm/status_text.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/suite.h"
#include "vmm/bits.h"

static char *text;

static void teardown(void)
{
	free(text);
	text = NULL;
}

static void print(void (*what)(FILE *out, const json_t *object), const char *json)
{
	json_t *object = json_loads(json, 0, NULL);
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(object);
	what(out, object);
	fclose(out);
	json_decref(object);
}

static void expect_columns(void)
{
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");

		ck_assert_msg(len <= STATUS_COLUMNS, "%zu columns: %.*s", len, (int)len, line);
		ck_assert_msg(len == 0 || line[len - 1] != ' ', "ends in a space: %.*s", (int)len,
			      line);
		line += len + (line[len] == '\n');
	}
}

static const struct {
	uint64_t ns;
	const char *text;
} times[] = {
	{ 0, "0 ns" },
	{ 999, "999 ns" },
	{ 1000, "1.00 us" },
	{ 12345, "12.3 us" },
	{ 999999, "1000 us" },
	{ 1234567, "1.23 ms" },
	{ 99960000, "100 ms" },
	{ 121000000, "121 ms" },
	{ 9999000000, "10.0 s" },
	{ UINT64_C(60000000000), "1 min 00 s" },
	{ UINT64_C(3725000000000), "1 h 02 min" },
	{ UINT64_C(187200000000000), "2 d 04 h" },
};

START_TEST(durations_have_three_digits)
{
	char got[STATUS_TIME];

	status_time(times[_i].ns, got);
	ck_assert_str_eq(got, times[_i].text);
}
END_TEST

static const char slot[] =
	"{\"slot\":0,\"id\":\"gpu\",\"guest_state\":\"off\",\"host_state\":\"D3hot\","
	"\"state\":\"warm\",\"busy\":false,\"policy\":\"d3cold\",\"backend\":\"lowpower\","
	"\"since_ns\":12300000000,\"total_ns\":20000000000,"
	"\"devices\":[{\"id\":\"gpu\",\"bdf\":\"0000:01:00.0\",\"host_state\":\"D3hot\"},"
	"{\"id\":\"audio\",\"bdf\":\"0000:01:00.1\",\"host_state\":\"D3hot\"}],"
	"\"ports\":[{\"bdf\":\"0000:00:01.0\",\"state\":\"D0\"}],"
	"\"reason\":{\"cause\":\"siblings\",\"text\":\"0000:01:00.2 (xhci_hcd) shares the power "
	"and is active, and this goes on until it does not fit into one line\",\"fix\":\"echo auto "
	"> /a\\necho b\"},"
	"\"time_ns\":{\"on\":5000000000,\"warm\":15000000000,\"failed\":0},"
	"\"counts\":{\"entries\":3,\"d3cold\":2,\"exits\":2,\"on_asked\":2,\"host_wakes\":1},"
	"\"latency\":{\"off_to_entry\":{\"count\":3,\"last_ns\":300000,\"p50_ns\":250000,"
	"\"p95_ns\":300000,\"p99_ns\":300000,\"max_ns\":310000}}}";

START_TEST(slot_is_a_block_of_80_columns)
{
	print(status_slot, slot);
	expect_columns();
	ck_assert_str_eq(
		text,
		"slot 0: gpu\n"
		"  guest asked   off\n"
		"  host          0000:01:00.0 gpu: D3hot\n"
		"                0000:01:00.1 audio: D3hot\n"
		"  ports         0000:00:01.0: D0\n"
		"  state         warm for 12.3 s\n"
		"  not D3cold    0000:01:00.2 (xhci_hcd) shares the power and is active, and this\n"
		"                goes on until it does not fit into one line\n"
		"  to change it  echo auto > /a\n"
		"                echo b\n"
		"  back end      lowpower, power=d3cold\n"
		"  time          on              5.00 s  25.00 %\n"
		"                warm            15.0 s  75.00 %\n"
		"  counts        3 entries (2 to D3cold, 0 refused, 0 cancelled), 2 exits (0\n"
		"                cancelled), 0 failures, 0 late\n"
		"  wakes         2 by the guest, 1 by the host\n"
		"                  COUNT       LAST        P50        P95        P99        MAX\n"
		"  _OFF to entry       3     300 us     250 us     300 us     300 us     310 us\n"
		"  to D3cold           0          -          -          -          -          -\n"
		"  _ON to alive        0          -          -          -          -          -\n"
		"  host exit           0          -          -          -          -          -\n");
}
END_TEST

/* Words of every length come close to column 80 from both sides. */
START_TEST(text_is_wrapped_at_80_columns)
{
	char json[512], word[101];

	for (unsigned len = 1; len < 64; len++) {
		memset(word, 'w', len);
		word[len] = '\0';
		snprintf(json, sizeof(json),
			 "{\"reason\":{\"text\":\"%s abc de f %s %s abc de f %s\"}}", word, word,
			 word, word);
		print(status_slot, json);
		expect_columns();
		teardown();
	}
}
END_TEST

START_TEST(slots_are_a_line_a_device)
{
	char list[sizeof(slot) + 2];

	snprintf(list, sizeof(list), "[%s]", slot);
	print(status_slots, list);
	expect_columns();
	ck_assert_str_eq(text,
			 "SLOT DEVICE           ADDRESS      ASKED HOST    STATE    FOR\n"
			 "0    gpu              0000:01:00.0 off   D3hot   warm     12.3 s\n"
			 "     audio            0000:01:00.1 off   D3hot   warm     12.3 s\n");
}
END_TEST

START_TEST(missing_fields_are_dashes)
{
	print(status_slot, "{}");
	ck_assert_ptr_nonnull(strstr(text, "slot 0: -\n  guest asked   -\n"));
	teardown();
	print(status_slot, "{\"slot\":\"x\",\"devices\":7,\"counts\":[],\"latency\":null}");
	ck_assert_ptr_nonnull(strstr(text, "0 entries"));
	teardown();
	print(status_slot, "{\"counts\":{\"entries\":-1}}");
	ck_assert_ptr_nonnull(strstr(text, " 0 entries"));
	teardown();
	print(status_info, "{}");
	ck_assert_ptr_nonnull(strstr(text, "kernel     -\n"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("status text");
	TCase *tcase = suite_case(suite, "text", NULL, teardown);

	tcase_add_loop_test(tcase, durations_have_three_digits, 0, ARRAY_SIZE(times));
	tcase_add_test(tcase, slot_is_a_block_of_80_columns);
	tcase_add_test(tcase, text_is_wrapped_at_80_columns);
	tcase_add_test(tcase, slots_are_a_line_a_device);
	tcase_add_test(tcase, missing_fields_are_dashes);
	return suite_run(suite);
}
