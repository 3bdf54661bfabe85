// SPDX-License-Identifier: Apache-2.0
/* OpenMetrics 1.0 text: gauges of the last night, for a textfile collector, which takes no
 * timestamps; write it to a temporary file and rename it. */
#include "analysis/export/export.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/jsonio.h"

static void label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			putc('\\', out);
		if (*value == '\n')
			fputs("\\n", out);
		else
			putc(*value, out);
	}
	putc('"', out);
}

static void labels(FILE *out, const json_t *report, const json_t *one)
{
	putc('{', out);
	label(out, "experiment", jsonio_string(report, "experiment", "?"));
	if (one) {
		putc(',', out);
		label(out, "cell", jsonio_string(one, "cell", "?"));
		putc(',', out);
		label(out, "metric", jsonio_string(one, "metric", "?"));
	}
	fputs("} ", out);
}

static void family(FILE *out, const json_t *report, const char *name, const char *member,
		   const char *help)
{
	const json_t *one;
	size_t i;

	fprintf(out, "# TYPE iomodes_%s gauge\n# HELP iomodes_%s %s\n", name, name, help);
	json_array_foreach (json_object_get(report, "series"), i, one) {
		if (!json_object_get(one, member))
			continue;
		fprintf(out, "iomodes_%s", name);
		labels(out, report, one);
		export_number(out, jsonio_number(one, member));
		putc('\n', out);
	}
}

int export_openmetrics(FILE *out, const json_t *report, struct diag *d)
{
	static const struct {
		const char *member, *help;
	} counts[] = {{"judged", "Series judged."},
		      {"skipped", "Series that could not be judged."},
		      {"flagged", "Series that left their prediction."},
		      {"alerts", "Confirmed alerts."},
		      {"unconfirmed", "Alerts that could not be confirmed."},
		      {"errors", "What makes the night invalid."}};
	const char *status = jsonio_string(report, "status", "?");

	family(out, report, "nightly_value", "value",
	       "Median of the last night, in the unit that the metric's name ends with.");
	family(out, report, "nightly_expected", "expected", "What the versions before predict.");
	family(out, report, "nightly_floor_ratio", "floor",
	       "Noise floor of the series, as a share of its value.");
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		fprintf(out, "# TYPE iomodes_nightly_%s gauge\n# HELP iomodes_nightly_%s %s\n",
			counts[i].member, counts[i].member, counts[i].help);
		fprintf(out, "iomodes_nightly_%s", counts[i].member);
		labels(out, report, NULL);
		export_number(out,
			      jsonio_number(json_object_get(report, "counts"), counts[i].member));
		putc('\n', out);
	}
	fputs("# TYPE iomodes_nightly_ok gauge\n# HELP iomodes_nightly_ok 1 when the last night "
	      "was "
	      "measured, judged and green.\niomodes_nightly_ok",
	      out);
	labels(out, report, NULL);
	fprintf(out, "%d\n# EOF\n", !strcmp(status, "ok"));
	return 0;
}
