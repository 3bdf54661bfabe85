/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON report out of a stream that also carries notes and errors: fio writes them to the same
 * stream (even with --output), iperf3 may let text trail. Nothing of it is dropped: what is not the
 * report comes back as lines. Internal to adapter/.
 */
#pragma once
#include <jansson.h>
#include <stddef.h>

struct diag;

enum {
	EXTRACT_REPORT_MAX =
		16 << 20,	/* bytes of JSON: as a tree it takes up to 20 times as much */
	EXTRACT_NOTES_MAX = 40, /* lines; how many more there were is the last one */
	EXTRACT_NOTE_CHARS = 400,
};

/*
 * The report starts at a line that is "{" alone and ends at the matching brace. Of several
 * (fio --status-interval), the last: they are cumulative. *report is a new reference; `notes`, an
 * array, is appended to in every case. -EPROTO: none, cut short, or no JSON (the diag has the line
 * and column in the stream); -EFBIG.
 */
int extract_report(const char *program, const char *text, size_t len, json_t **report,
		   json_t *notes, struct diag *d);
/* The same with the record's "diagnostics", made where it has none, as notes. */
int extract_foreign(const char *program, const char *text, size_t len, json_t *record,
		    json_t **report, struct diag *d);

/*
 * The report of a loop of ours: all of its output, and nothing but JSON. `parse` fills the record
 * from it; then it stands in "workload_report", without what the record itself holds. -EPROTO.
 */
typedef int extract_fn(const json_t *report, json_t *record, json_t *evidence, struct diag *d);
int extract_own(const char *program, const char *text, size_t len, extract_fn *parse,
		json_t *record, json_t *evidence, struct diag *d);
