/* SPDX-License-Identifier: BSD-3-Clause */
/* data-path and data-value let a program read what the page says. */
#include "vmm/bench/html.h"

#include "vmm/bench/value_text.h"

void html_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

void html_value(FILE *out, const json_t *result, const char *path, const char *unit)
{
	const json_t *value = json_at(result, path);
	char text[VALUE_TEXT];

	if (!json_is_number(value))
		return;
	value_text(json_number_value(value), unit, text);
	fprintf(out, "<span data-path=\"%s\" data-value=\"%.17g\">", path,
		json_number_value(value));
	html_text(out, text);
	fputs("</span>", out);
}

void html_spread(FILE *out, const json_t *result, const char *path, const char *unit)
{
	char part[160];

	if (!json_is_object(json_at(result, path)))
		return;
	snprintf(part, sizeof(part), "%s.median", path);
	html_value(out, result, part, unit);
	fputs(" <small>", out);
	snprintf(part, sizeof(part), "%s.min", path);
	html_value(out, result, part, unit);
	fputs(" to ", out);
	snprintf(part, sizeof(part), "%s.max", path);
	html_value(out, result, part, unit);
	fputs("</small>", out);
}
