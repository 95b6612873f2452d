/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/doctor_report.h"

#include <string.h>

#define COLUMNS	    80
#define TEXT_COLUMN 19 /* behind mark and link */
#define FIX_COLUMN  8

/* --- verdict -------------------------------------------------------------------------------------
 */

enum doctor_status doctor_judge(const struct preflight *report, const struct doctor_try *trial)
{
	if (report->blocked)
		return DOCTOR_BLOCKED;
	if (trial && !trial->alive)
		return DOCTOR_ERROR;
	if (trial)
		return trial->reached.device == HOST_POWER_D3COLD ? DOCTOR_ALL_COLD
								  : DOCTOR_LIMITED;
	return report->deepest == HOST_POWER_D3COLD ? DOCTOR_ALL_COLD : DOCTOR_LIMITED;
}

/* One line; a reason follows it, from preflight_reason(). */
static const char *verdict(const struct preflight *report, const struct doctor_try *trial)
{
	if (report->blocked)
		return "cannot be passed through";
	if (trial && !trial->alive)
		return "did not come back: switch the host off and on";
	if (trial && trial->reached.device == HOST_POWER_D3COLD)
		return "reached D3cold and came back";
	if (trial)
		return "did not reach D3cold";
	return report->deepest == HOST_POWER_D3COLD  ? "reaches D3cold"
	       : report->deepest == HOST_POWER_D3HOT ? "D3hot only"
						     : "D0 only";
}

static const char *reason(const struct preflight *report, const struct doctor_try *trial)
{
	const struct preflight_item *item = preflight_reason(report);

	if (doctor_judge(report, trial) == DOCTOR_ALL_COLD || (trial && !trial->alive))
		return NULL;
	return item ? item->text : "the links above do not say why";
}

/* --- text ----------------------------------------------------------------------------------------
 */

/* @text from @column, where the line stands, wrapped at words. Each further line begins at @indent
 * with @prefix. */
static void wrap(FILE *out, int column, int indent, const char *prefix, const char *text)
{
	int start = indent + (int)strlen(prefix);
	bool begun = false;

	while (*text) {
		int len = (int)strcspn(text, " ");

		/* A word that fits no line (an address) stays where it is. */
		if (begun && column + 1 + len > COLUMNS && start + len <= COLUMNS) {
			fprintf(out, "\n%*s%s", indent, "", prefix);
			column = start;
		} else if (begun) {
			fputc(' ', out);
			column++;
		}
		begun = true;
		fprintf(out, "%.*s", len, text);
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

/* All of it can be pasted into a shell: commands stay whole, advice is a comment. */
static void print_fix(FILE *out, const char *fix)
{
	while (*fix) {
		char line[PREFLIGHT_FIX];
		size_t len = strcspn(fix, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)len, fix);
		if (!strncmp(line, "# ", 2)) {
			fprintf(out, "%*s", FIX_COLUMN, "");
			wrap(out, FIX_COLUMN, FIX_COLUMN, "# ", line);
		} else {
			fprintf(out, "%*s%s\n", FIX_COLUMN, "", line);
		}
		fix += len + (fix[len] == '\n');
	}
}

static void print_item(FILE *out, const struct preflight_item *item)
{
	fprintf(out, "  %-7s%-10s", preflight_status_name(item->status),
		preflight_link_name(item->link));
	wrap(out, TEXT_COLUMN, TEXT_COLUMN, "", item->text);
	print_fix(out, item->fix);
}

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static void print_power(FILE *out, const char *what, struct doctor_power power, const char *more)
{
	fprintf(out, "  %-17s%s", what, preflight_power_name(power.device));
	if (power.port != HOST_POWER_UNKNOWN)
		fprintf(out, ", port %s", preflight_power_name(power.port));
	fprintf(out, "%s\n", more);
}

static void print_trial(FILE *out, const struct doctor_try *trial)
{
	char more[64];

	fprintf(out, "  %-17s%s\n", "tried back end", power_backend_name(trial->backend));
	print_power(out, "before", trial->before, "");
	if (trial->entry_rc)
		fprintf(out, "  %-17sfailed: %s\n", "entry", strerror(-trial->entry_rc));
	snprintf(more, sizeof(more), " after %.1f ms (the call took %.1f ms)",
		 ms(trial->reached_ns), ms(trial->entry_ns));
	print_power(out, "reached", trial->reached, more);
	fprintf(out, "  %-17s%s after %.1f ms", "exit",
		trial->alive ? "the device answers" : "the device does not answer",
		ms(trial->exit_ns));
	if (trial->exit_rc)
		fprintf(out, " (%s)", strerror(-trial->exit_rc));
	fputc('\n', out);
	print_power(out, "afterwards", trial->after, trial->restored ? ", as before" : "");
}

void doctor_print(FILE *out, const struct preflight *report, const struct doctor_try *trial)
{
	const char *why = reason(report, trial);
	char line[PREFLIGHT_LINE + 64];

	fprintf(out, "%s  %04x:%04x  class %06x  %s\n", report->bdf, report->vendor, report->device,
		report->class, report->driver[0] ? report->driver : "no driver");
	for (unsigned i = 0; i < report->nr; i++)
		print_item(out, &report->items[i]);
	if (trial)
		print_trial(out, trial);
	snprintf(line, sizeof(line), "%s%s%s", verdict(report, trial), why ? ": " : "",
		 why ? why : "");
	fputs("  => ", out);
	wrap(out, 5, 5, "", line);
}

/* --- JSON ----------------------------------------------------------------------------------------
 */

static json_t *fix_json(const char *fix)
{
	json_t *lines = json_array();

	while (*fix) {
		size_t len = strcspn(fix, "\n");

		json_array_append_new(lines, json_stringn(fix, len));
		fix += len + (fix[len] == '\n');
	}
	return lines;
}

static json_t *item_json(const struct preflight_item *item)
{
	json_t *object = json_pack("{s:s, s:s, s:s, s:o}", "link", preflight_link_name(item->link),
				   "status", preflight_status_name(item->status), "text",
				   item->text, "fix", fix_json(item->fix));

	if (item->status == PREFLIGHT_LIMITS)
		json_object_set_new(object, "limit",
				    json_string(preflight_power_name(item->limit)));
	return object;
}

static json_t *power_json(struct doctor_power power)
{
	return json_pack("{s:s, s:s?}", "device", preflight_power_name(power.device), "port",
			 power.port == HOST_POWER_UNKNOWN ? NULL
							  : preflight_power_name(power.port));
}

static json_t *trial_json(const struct doctor_try *trial)
{
	return json_pack("{s:s, s:o, s:i, s:I, s:o, s:I, s:i, s:I, s:b, s:o, s:b}", "backend",
			 power_backend_name(trial->backend), "before", power_json(trial->before),
			 "entry_rc", trial->entry_rc, "entry_ns", (json_int_t)trial->entry_ns,
			 "reached", power_json(trial->reached), "reached_ns",
			 (json_int_t)trial->reached_ns, "exit_rc", trial->exit_rc, "exit_ns",
			 (json_int_t)trial->exit_ns, "alive", trial->alive, "after",
			 power_json(trial->after), "restored", trial->restored);
}

json_t *doctor_json(const struct preflight *report, const struct doctor_try *trial)
{
	json_t *links = json_array(), *object;
	char id[16];

	for (unsigned i = 0; i < report->nr; i++)
		json_array_append_new(links, item_json(&report->items[i]));
	snprintf(id, sizeof(id), "%04x:%04x", report->vendor, report->device);
	object = json_pack("{s:s, s:s, s:s?, s:s, s:s?, s:s, s:b, s:i, s:o}", "device", report->bdf,
			   "id", id, "driver", report->driver[0] ? report->driver : NULL, "verdict",
			   verdict(report, trial), "reason", reason(report, trial), "deepest",
			   preflight_power_name(report->deepest), "blocked", report->blocked,
			   "status", doctor_judge(report, trial), "links", links);
	if (object && trial)
		json_object_set_new(object, "try", trial_json(trial));
	return object;
}
