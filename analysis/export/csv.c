// SPDX-License-Identifier: Apache-2.0
/* RFC 4180, a line a trial and metric: the long form, which every database and data frame takes. */
#include "analysis/export/export.h"

#include "base/cleanup.h"
#include "base/jsonio.h"
#include "record/metric.h"

static const char *const columns[] = {"run",  "started", "experiment", "target", "workload",
				      "mode", "cell",	 "placement",  "trial"};

int export_csv(FILE *out, const json_t *trials, struct diag *d)
{
	const json_t *row;
	size_t i;

	for (size_t k = 0; k < ARRAY_SIZE(columns); k++)
		fprintf(out, "%s,", columns[k]);
	fputs("block,metric,unit,value\n", out);
	json_array_foreach (trials, i, row) {
		json_t *metrics = json_object_get(row, "metrics"), *value;
		const char *name;

		json_object_foreach (metrics, name, value) {
			const struct metric *m = metric_find(name);

			for (size_t k = 0; k < ARRAY_SIZE(columns); k++) {
				export_csv_field(out, jsonio_string(row, columns[k], ""));
				putc(',', out);
			}
			fprintf(out, "%.0f,%s,", jsonio_number(row, "block"), name);
			export_csv_field(out, m ? m->unit : "");
			putc(',', out);
			export_number(out, json_number_value(value));
			putc('\n', out);
		}
	}
	return 0;
}
