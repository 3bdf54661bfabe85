// SPDX-License-Identifier: Apache-2.0
/* Apache Otava's CSV: a line a version with its time and a column a series. What a version lacks is
 * left empty. */
#include "analysis/export/export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/jsonio.h"

static int by_time(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	int order = strcmp(jsonio_string(x, "started", ""), jsonio_string(y, "started", ""));

	return order ? order : strcmp(jsonio_string(x, "run", ""), jsonio_string(y, "run", ""));
}

/* The points of every run, each run once, in order of time. */
static json_t **runs_of(const json_t *series, size_t *n)
{
	json_t *seen = json_object(), *one, *point, **list;
	size_t i, k, count = 0;

	json_array_foreach (series, i, one)
		json_array_foreach (json_object_get(one, "points"), k, point)
			json_object_set(seen, jsonio_string(point, "run", "?"), point);
	list = calloc(json_object_size(seen) + 1, sizeof(*list));
	if (list) {
		const char *key;

		json_object_foreach (seen, key, point)
			list[count++] = point; /* borrowed from the series */
		qsort(list, count, sizeof(*list), by_time);
	}
	json_decref(seen);
	*n = count;
	return list;
}

int export_otava(FILE *out, const json_t *series, struct diag *d)
{
	json_t **run, *one, *point;
	size_t *next = calloc(json_array_size(series) + 1, sizeof(*next));
	size_t n, i;

	run = runs_of(series, &n);
	if (!run || !next) {
		free(run);
		free(next);
		return diag_errno(d, -ENOMEM, "otava");
	}
	fputs("time,version,run", out);
	json_array_foreach (series, i, one) {
		char name[420];

		snprintf(name, sizeof(name), "%s:%s", jsonio_string(one, "cell", "?"),
			 jsonio_string(one, "metric", "?"));
		putc(',', out);
		export_csv_field(out, name);
	}
	putc('\n', out);
	for (size_t r = 0; r < n; r++) {
		fprintf(out, "%s,", jsonio_string(run[r], "started", ""));
		export_csv_field(out, jsonio_string(run[r], "version", ""));
		putc(',', out);
		export_csv_field(out, jsonio_string(run[r], "run", ""));
		/* points are in order of time, too, so each series is walked once */
		json_array_foreach (series, i, one) {
			point = json_array_get(json_object_get(one, "points"), next[i]);
			putc(',', out);
			if (!point || strcmp(jsonio_string(point, "run", ""),
					     jsonio_string(run[r], "run", "?")))
				continue;
			export_number(out, jsonio_number(point, "value"));
			next[i]++;
		}
		putc('\n', out);
	}
	free(run);
	free(next);
	return 0;
}
