// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "analysis/export/export.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/suggest.h"

static const struct exporter exporters[] = {
	{"junit", "JUnit XML of a night's report: a test case a series", EXPORT_REPORT,
	 export_junit},
	{"openmetrics", "OpenMetrics text of a night's report, for a textfile collector",
	 EXPORT_REPORT, export_openmetrics},
	{"go", "Go benchmark format of runs: a line a trial, for benchstat", EXPORT_TRIALS,
	 export_gobench},
	{"csv", "CSV of runs: a line a trial and metric", EXPORT_TRIALS, export_csv},
	{"otava", "CSV of the history: a line a version, for Apache Otava", EXPORT_HISTORY,
	 export_otava},
};

const struct exporter *export_all(size_t *n)
{
	*n = ARRAY_SIZE(exporters);
	return exporters;
}

int export_find(const char *name, const struct exporter **out, struct diag *d)
{
	const char *names[ARRAY_SIZE(exporters)];
	char hint[64];

	for (size_t i = 0; i < ARRAY_SIZE(exporters); i++) {
		names[i] = exporters[i].name;
		if (!strcmp(name, names[i])) {
			*out = &exporters[i];
			return 0;
		}
	}
	return diag_set(d, -EINVAL, "unknown format \"%s\"%s", name,
			suggest_text(name, names, ARRAY_SIZE(names), hint, sizeof(hint)));
}

void export_number(FILE *out, double value)
{
	fprintf(out, "%.15g", value);
}

void export_csv_field(FILE *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}
