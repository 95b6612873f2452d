/* SPDX-License-Identifier: BSD-3-Clause */
/* report.html: its parts, from top to bottom. */
#include "vmm/bench/report.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/bench/finding.h"
#include "vmm/bench/html.h"
#include "vmm/bench/plots.h"
#include "vmm/bench/value_text.h"
#include "vmm/bench/ways.h"
#include "vmm/bits.h"

#define PATH_TEXT 128

struct page {
	FILE *out;
	const char *dir;
	const json_t *result;
	int no_plots; /* why: -ENOENT for want of gnuplot; 0: they are drawn */
};

static const char style[] =
	":root{color-scheme:light}"
	"body{font:16px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;margin:0 auto;"
	"max-width:60rem;padding:1rem}"
	"h1{font-size:1.15rem;color:#555;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}"
	".finding{font-size:1.4rem;line-height:1.35;font-weight:600;margin:.5rem 0 1rem}"
	".banner{background:#b91c1c;color:#fff;padding:.6rem .8rem;border-radius:.4rem;"
	"font-weight:600;margin:.6rem 0}"
	".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;"
	"font-variant-numeric:tabular-nums}"
	"th,td{text-align:left;padding:.35rem .6rem .35rem 0;border-bottom:1px solid #e4e4e4;"
	"vertical-align:top}"
	"th{font-weight:500;color:#555}td small{color:#555;display:block;white-space:nowrap}"
	"figure{margin:1rem 0}figcaption{color:#555;font-size:.9rem}"
	"svg{width:100%;min-width:34rem;height:auto;display:block}"
	"td span{white-space:nowrap}.name{overflow-wrap:anywhere;min-width:8rem}"
	"th:first-child{min-width:7rem}h3{font-size:1rem;overflow-wrap:anywhere}"
	"code{overflow-wrap:anywhere;font-size:.9em}p{overflow-wrap:anywhere}";

static const char *mark(const struct page *page)
{
	return json_is_true(json_at(page->result, "simulated")) ? " (simulated)" : "";
}

static void heading(const struct page *page, const char *text, const char *more)
{
	fprintf(page->out, "<h2>%s%s</h2>\n", text, more);
}

static void row_text(const struct page *page, const char *label, const char *text)
{
	fprintf(page->out, "<tr><th>%s</th><td class=\"name\">", label);
	html_text(page->out, text);
	fputs("</td></tr>\n", page->out);
}

/* --- head ---------------------------------------------------------------------------------------
 */

static void put_banners(const struct page *page)
{
	const json_t *result = page->result;

	if (json_is_true(json_at(result, "simulated")))
		fputs("<p class=\"banner\">Simulated: a meter of this run is made up. No figure in "
		      "watts or joules is real.</p>\n",
		      page->out);
	if (json_is_true(json_at(result, "complete")))
		return;
	fputs("<p class=\"banner\">Stopped early: ", page->out);
	html_text(page->out, json_text(result, "stopped_by", "?"));
	if (json_is_object(json_at(result, "transitions"))) {
		fputs(". Cycles: ", page->out);
		fprintf(page->out, "%.0f of %.0f", json_number_at(result, "transitions.cycles", 0),
			json_number_at(result, "transitions.asked", 0));
	}
	fputs(".</p>\n", page->out);
}

static void put_head(const struct page *page)
{
	char finding[FINDING_TEXT];

	finding_text(page->result, finding);
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	      "<title>What D3cold is worth: ",
	      page->out);
	html_text(page->out, json_text(page->result, "device.bdf", "?"));
	fprintf(page->out,
		"</title>\n<style>%s</style></head><body>\n<h1>What D3cold is worth: ", style);
	html_text(page->out, json_text(page->result, "device.bdf", "?"));
	fputs("</h1>\n<p class=\"finding\">", page->out);
	html_text(page->out, finding);
	fputs("</p>\n", page->out);
	put_banners(page);
}

static const char *target_words(const char *target)
{
	return !strcmp(target, "vm")	? "a guest of coldvm"
	       : !strcmp(target, "raw") ? "straight on vfio, no VM"
					: "the bare host, by its own runtime PM";
}

static void put_device(const struct page *page)
{
	const json_t *result = page->result;
	char text[256];

	heading(page, "What was measured", "");
	fputs("<table>\n", page->out);
	snprintf(text, sizeof(text), "%s, %s:%s, class %s", json_text(result, "device.bdf", "?"),
		 json_text(result, "device.vendor", "?"), json_text(result, "device.device", "?"),
		 json_text(result, "device.class", "?"));
	row_text(page, "Device", text);
	row_text(page, "Where", target_words(json_text(result, "target", "")));
	row_text(page, "Back end", json_text(result, "backend", "?"));
	snprintf(text, sizeof(text), "%s, Linux %s, %s", json_text(result, "host.dmi", "unknown"),
		 json_text(result, "host.kernel", "?"), json_text(result, "host.cpu", "?"));
	row_text(page, "Host", text);
	row_text(page, "When", json_text(result, "started", "?"));
	fputs("</table>\n", page->out);
}

/* --- plots --------------------------------------------------------------------------------------
 */

struct plot_words {
	const char *caption;
	const char *what;   /* is seen, for who does not see it */
	const char *absent; /* sentence without its full stop: there is no data */
	bool power;	    /* of meters, which may be made up */
};

static void put_plot(struct page *page, const struct plot_words *words, int r, char *svg)
{
	const char *made_up = words->power ? mark(page) : "";

	if (r == -ENODATA) {
		fprintf(page->out, "<p>%s.</p>\n", words->absent);
		return;
	}
	if (r < 0) {
		page->no_plots = r;
		fprintf(page->out, "<p>%s: not drawn, %s.</p>\n", words->caption,
			r == -ENOENT ? "for want of gnuplot" : "since gnuplot has failed");
		return;
	}
	fprintf(page->out, "<figure><div class=\"scroll\" role=\"img\" aria-label=\"%s%s\">",
		words->what, made_up);
	fputs(svg, page->out);
	fprintf(page->out, "</div><figcaption>%s%s</figcaption></figure>\n", words->caption,
		made_up);
	free(svg);
}

/* --- residency ----------------------------------------------------------------------------------
 */

static void put_shares(const struct page *page, const char *label, const char *path)
{
	static const char *const states[] = { "d3cold", "d3hot", "d0" };
	char full[PATH_TEXT];

	fprintf(page->out, "<tr><th>%s</th>", label);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		fputs("<td>", page->out);
		snprintf(full, sizeof(full), "%s.%s", path, states[i]);
		html_spread(page->out, page->result, full, "1");
		fputs("</td>", page->out);
	}
	fputs("</tr>\n", page->out);
}

static void put_residency(struct page *page)
{
	struct plot_words words = {
		.caption = "States over the run, and the power of each meter",
		.what = "Timeline of the device's states with power over it",
		.absent = "No timeline: no state of the device was seen",
		.power = true,
	};
	const json_t *result = page->result;
	char *svg = NULL;
	int r;

	heading(page, "Share of time in each state", "");
	if (!json_is_object(json_at(result, "residency"))) {
		fputs("<p>No workload was measured.</p>\n", page->out);
	} else {
		fputs("<p>Workload: ", page->out);
		html_text(page->out, json_text(result, "residency.workload.name", "?"));
		fputs(".</p>\n<div class=\"scroll\"><table>\n<tr><th></th><th>D3cold</th>"
		      "<th>D3hot</th><th>D0</th></tr>\n",
		      page->out);
		put_shares(page, "measured", "residency.share");
		if (json_is_object(json_at(result, "residency.host")))
			put_shares(page, "bare host", "residency.host.share");
		fputs("</table></div>\n", page->out);
	}
	if (json_is_object(json_at(result, "residency.score"))) {
		fputs("<p>Score, the ratio of the two shares of D3cold: ", page->out);
		html_spread(page->out, result, "residency.score", "");
		fputs("</p>\n", page->out);
	}
	r = plot_timeline(page->dir, result, &svg);
	if (json_is_object(json_at(result, "residency")))
		words.caption =
			"States over the last run of the workload, and the power of each meter";
	put_plot(page, &words, r, svg);
}

/* --- transitions --------------------------------------------------------------------------------
 */

static void put_latency(const struct page *page, size_t i)
{
	static const char *const points[] = { "p50", "p95", "p99", "max" };
	char path[PATH_TEXT];

	snprintf(path, sizeof(path), "transitions.figures.%s", ways[i].key);
	if (!json_is_object(json_at(page->result, path)))
		return;
	fprintf(page->out, "<tr><th>%s</th>", ways[i].words);
	for (size_t p = 0; p < ARRAY_SIZE(points); p++) {
		fputs("<td>", page->out);
		snprintf(path, sizeof(path), "transitions.figures.%s.%s", ways[i].key, points[p]);
		html_value(page->out, page->result, path, "ns");
		fputs("</td>", page->out);
	}
	fputs("</tr>\n", page->out);
}

static void put_transitions(struct page *page)
{
	static const struct plot_words words = {
		.caption = "How many cycles took no longer than so much",
		.what = "Cumulative distributions of the times of entry and wake",
		.absent = "No plot of latencies: no cycle has both ends of a way",
	};
	char *svg = NULL;
	int r;

	heading(page, "To D3cold and back", "");
	if (!json_is_object(json_at(page->result, "transitions"))) {
		fputs("<p>Transitions were not measured.</p>\n", page->out);
		return;
	}
	fprintf(page->out, "<p>%.0f cycles of %.0f, %.0f failed.</p>\n",
		json_number_at(page->result, "transitions.cycles", 0),
		json_number_at(page->result, "transitions.asked", 0),
		json_number_at(page->result, "transitions.failed", 0));
	fputs("<div class=\"scroll\"><table>\n<tr><th></th><th>p50</th><th>p95</th><th>p99</th>"
	      "<th>max</th></tr>\n",
	      page->out);
	for (size_t i = 0; i < NR_WAYS; i++)
		put_latency(page, i);
	fputs("</table></div>\n", page->out);
	r = plot_latencies(page->result, &svg);
	put_plot(page, &words, r, svg);
}

/* --- energy -------------------------------------------------------------------------------------
 */

static const struct {
	const char *key, *words, *unit;
} powers[] = {
	{ "on_w", "on, without work", "W" },
	{ "forbidden_w", "idle, D3cold forbidden", "W" },
	{ "d3cold_w", "idle, in D3cold", "W" },
	{ "saving_w", "D3cold saves", "W" },
	{ "transition_j", "entry and exit together", "J" },
	{ "break_even.seconds", "pays after", "s" },
	{ "workload_w", "the workload", "W" },
};

static void put_meter(const struct page *page, size_t i, const json_t *meter)
{
	char path[PATH_TEXT];

	fputs("<h3>", page->out);
	html_text(page->out, json_text(meter, "name", "?"));
	fputs(": ", page->out);
	html_text(page->out, json_text(meter, "kind", "?"));
	fputs("</h3>\n<table>\n", page->out);
	for (size_t p = 0; p < ARRAY_SIZE(powers); p++) {
		snprintf(path, sizeof(path), "energy.meters.%zu.%s", i, powers[p].key);
		if (!json_is_object(json_at(page->result, path)))
			continue;
		/* Seconds that cannot be told from none are no figure. */
		if (powers[p].unit[0] == 's' &&
		    strcmp(json_text(meter, "break_even.verdict", ""), "pays"))
			continue;
		fprintf(page->out, "<tr><th>%s</th><td>", powers[p].words);
		html_spread(page->out, page->result, path, powers[p].unit);
		fputs("</td></tr>\n", page->out);
	}
	if (!strcmp(json_text(meter, "break_even.verdict", ""), "never"))
		row_text(page, "pays after", "never");
	if (!strcmp(json_text(meter, "break_even.verdict", ""), "unresolved"))
		row_text(page, "verdict", "not to be told: the runs differ by more than that");
	fputs("</table>\n", page->out);
}

static void put_energy(struct page *page)
{
	static const struct plot_words words = {
		.caption = "Energy in an hour against the share of time with work",
		.what = "Energy per hour with and without D3cold, against the duty cycle",
		.absent = "No plot of energy: what the ways there and back take is unknown",
		.power = true,
	};
	const json_t *result = page->result, *meter;
	char *svg = NULL;
	size_t i;
	int r;

	heading(page, "Energy", mark(page));
	if (!json_is_true(json_at(result, "energy.known"))) {
		fputs("<p>Unknown: ", page->out);
		html_text(page->out, json_text(result, "energy.why", "it was not measured"));
		fputs(".</p>\n", page->out);
	} else {
		fputs("<p>State of the negative control, with D3cold forbidden: ", page->out);
		html_text(page->out, json_text(result, "energy.control", "?"));
		fputs(".</p>\n", page->out);
	}
	json_array_foreach((json_t *)json_at(result, "energy.meters"), i, meter)
		put_meter(page, i, meter);
	r = plot_energy(result, &svg);
	put_plot(page, &words, r, svg);
}

static void put_meters(const struct page *page)
{
	const json_t *meter, *meters = json_at(page->result, "meters");
	size_t i;

	heading(page, "Meters", "");
	if (!json_array_size(meters)) {
		fputs("<p>None.</p>\n", page->out);
		return;
	}
	fputs("<div class=\"scroll\"><table>\n<tr><th>Name</th><th>Kind</th><th>Readings</th>"
	      "<th>Every</th></tr>\n",
	      page->out);
	json_array_foreach((json_t *)meters, i, meter)
	{
		const char *failure = json_text(meter, "failure", NULL);
		char every[VALUE_TEXT];

		fputs("<tr><td class=\"name\">", page->out);
		html_text(page->out, json_text(meter, "name", "?"));
		if (failure) {
			fputs("<small>ended: ", page->out);
			html_text(page->out, failure);
			fputs("</small>", page->out);
		}
		fputs("</td><td>", page->out);
		html_text(page->out, json_text(meter, "kind", "?"));
		value_text(json_number_at(meter, "interval_ns", 0), "ns", every);
		fprintf(page->out, "</td><td>%.0f</td><td>%s</td></tr>\n",
			json_number_at(meter, "samples", 0), every);
	}
	fputs("</table></div>\n", page->out);
}

static void put_foot(const struct page *page)
{
	const json_t *word;
	size_t i;

	heading(page, "How", "");
	fputs("<p><code>", page->out);
	json_array_foreach((json_t *)json_at(page->result, "command"), i, word)
	{
		html_text(page->out, i ? " " : "");
		html_text(page->out, json_string_value(word) ? json_string_value(word) : "?");
	}
	fprintf(page->out, "</code></p>\n<p>coldvm ");
	html_text(page->out, json_text(page->result, "coldvm", "?"));
	fprintf(page->out, ", method %.0f. Figures: result.json; readings: samples.csv.</p>\n",
		json_number_at(page->result, "method_version", 0));
	fputs("</body></html>\n", page->out);
}

/* Whether all of it is on the disk: fclose() alone forgets what failed before. */
static int finish(FILE *out)
{
	bool failed = ferror(out);

	if (fclose(out))
		return -1;
	errno = EIO;
	return failed ? -1 : 0;
}

static void say_no_plots(const char *dir, int r, char *why, size_t why_len)
{
	if (r == -ENOENT)
		snprintf(why, why_len,
			 "report.html has no plots, for want of gnuplot (package gnuplot-nox); "
			 "with it, coldvm bench report %.200s draws them",
			 dir);
	else
		snprintf(why, why_len,
			 "report.html lacks plots, since gnuplot has failed (%s); "
			 "coldvm bench report %.200s tries again",
			 strerror(-r), dir);
}

int report_write(const char *dir, char *why, size_t why_len)
{
	struct page page = { .dir = dir };
	char path[PATH_MAX], part[PATH_MAX + 8];
	json_t *result;
	int r = report_load(dir, &result, why, why_len);

	if (r < 0)
		return r;
	page.result = result;
	snprintf(path, sizeof(path), "%s/report.html", dir);
	snprintf(part, sizeof(part), "%s.part", path);
	page.out = fopen(part, "we");
	if (page.out) {
		put_head(&page);
		put_energy(&page);
		put_residency(&page);
		put_transitions(&page);
		put_meters(&page);
		put_device(&page);
		put_foot(&page);
	}
	json_decref(result);
	if (!page.out || finish(page.out) < 0 || rename(part, path) < 0) {
		r = -errno;
		snprintf(why, why_len, "%.400s: %s", path, strerror(-r));
		unlink(part);
		return r;
	}
	if (page.no_plots)
		say_no_plots(dir, page.no_plots, why, why_len);
	return page.no_plots ? 1 : 0;
}
