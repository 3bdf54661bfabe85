// SPDX-License-Identifier: Apache-2.0
#include "adapter/extract.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "adapter/adapter.h"
#include "base/cleanup.h"
#include "base/diag.h"

/* The character behind a backslash may be behind the end. A build with the planted bug reads it all
 * the same: tests/fuzz has to find that. */
#ifdef IOMODES_PLANTED_BUG
#define CAN_SKIP(text, end) ((text)[1] != '\0')
#else
#define CAN_SKIP(text, end) ((text) + 1 < (end))
#endif

/* One line without its end; jansson takes only UTF-8, so what is no printable ASCII becomes '?'. */
static void add_note(json_t *notes, const char *line, size_t len)
{
	size_t lines = json_array_size(notes), n = 0;
	char text[EXTRACT_NOTE_CHARS + 1];

	while (len && isspace((unsigned char)*line)) {
		line++;
		len--;
	}
	while (len && isspace((unsigned char)line[len - 1]))
		len--;
	if (!len)
		return;
	if (lines > EXTRACT_NOTES_MAX)
		return;
	if (lines == EXTRACT_NOTES_MAX) {
		json_array_append_new(notes, json_string("(more lines are in the raw output)"));
		return;
	}
	for (; n < len && n < EXTRACT_NOTE_CHARS; n++)
		text[n] = isprint((unsigned char)line[n]) ? line[n] : '?';
	text[n] = '\0';
	json_array_append_new(notes, json_string(text));
}

void workload_notes(const char *text, size_t len, json_t *notes)
{
	const char *end = text + len;

	while (text < end && json_array_size(notes) <= EXTRACT_NOTES_MAX) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		stop = stop ? stop : end;
		add_note(notes, text, (size_t)(stop - text));
		text = stop + 1;
	}
}

/* A line that is an opening brace and nothing else, from `text` on, which starts a line. */
static const char *find_open(const char *text, const char *end)
{
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		const char *c = text + 1;

		stop = stop ? stop : end;
		while (c < stop && isspace((unsigned char)*c))
			c++;
		if (*text == '{' && c >= stop)
			return text;
		text = stop + 1;
	}
	return NULL;
}

/* Behind the brace that closes the one at `text`, or NULL when the stream ends before. */
static const char *find_close(const char *text, const char *end)
{
	bool in_string = false;
	size_t depth = 0;

	for (; text < end; text++) {
		if (in_string) {
			if (*text == '\\' && CAN_SKIP(text, end))
				text++;
			else if (*text == '"')
				in_string = false;
		} else if (*text == '"') {
			in_string = true;
		} else if (*text == '{') {
			depth++;
		} else if (*text == '}' && !--depth) {
			return text + 1;
		}
	}
	return NULL;
}

static unsigned lines_before(const char *text, const char *at)
{
	unsigned n = 0;

	for (; text < at; text++)
		n += *text == '\n';
	return n;
}

int extract_report(const char *program, const char *text, size_t len, json_t **report,
		   json_t *notes, struct diag *d)
{
	const char *end = text + len, *from = text, *open, *close = NULL, *last = NULL;
	size_t size = 0;
	json_error_t error;

	*report = NULL;
	while ((open = find_open(from, end))) {
		workload_notes(from, (size_t)(open - from), notes);
		last = open;
		close = find_close(open, end);
		from = close ? close : end;
		size = (size_t)(from - open);
	}
	workload_notes(from, (size_t)(end - from), notes);
	if (!last)
		return diag_set(d, -EPROTO, "%s printed no JSON report%s%s", program,
				workload_reason(notes) ? ": " : "", workload_reason(notes) ?: "");
	if (!close)
		return diag_set(d, -EPROTO, "%s: its JSON report, from line %u on, has no end",
				program, lines_before(text, last) + 1);
	if (size > EXTRACT_REPORT_MAX)
		return diag_set(d, -EFBIG,
				"%s: its JSON report has %zu bytes, more than the %d that are read",
				program, size, EXTRACT_REPORT_MAX);
	/* keys may be there twice: fio repeats options in "job options" */
	*report = json_loadb(last, size, 0, &error);
	if (!*report)
		return diag_set(d, -EPROTO, "%s: its output is not JSON: %u:%d: %s", program,
				lines_before(text, last) + (unsigned)error.line, error.column,
				error.text);
	return 0;
}

int extract_foreign(const char *program, const char *text, size_t len, json_t *record,
		    json_t **report, struct diag *d)
{
	json_t *notes = json_object_get(record, "diagnostics");

	if (!notes) {
		notes = json_array();
		json_object_set_new(record, "diagnostics", notes);
	}
	return extract_report(program, text, len, report, notes, d);
}

int extract_own(const char *program, const char *text, size_t len, extract_fn *parse,
		json_t *record, json_t *evidence, struct diag *d)
{
	static const char *const held[] = {"latency", "service", "intervals"};
	json_error_t error;
	json_t *report = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	int err;

	if (!report)
		return diag_set(d, -EPROTO, "%s: its output is not JSON: %d:%d: %s", program,
				error.line, error.column, error.text);
	err = parse(report, record, evidence, d);
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		json_object_del(report, held[i]);
	json_object_set_new(record, "workload_report", report);
	return err;
}

/* "note: …" explains, and fio's guess of a zoned device comes before the error itself. */
static bool is_remark(const char *line)
{
	return !strncmp(line, "note:", 5) || strstr(line, "zoned block device");
}

const char *workload_reason(const json_t *notes)
{
	const char *first = NULL;
	const json_t *note;
	size_t i;

	json_array_foreach (notes, i, note) {
		const char *line = json_string_value(note);

		if (!line || is_remark(line))
			continue;
		if (strcasestr(line, "error") || strcasestr(line, "unrecognized") ||
		    strcasestr(line, "bad option") || strcasestr(line, "not loadable"))
			return line;
		first = first ? first : line;
	}
	return first;
}
