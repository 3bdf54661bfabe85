// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <math.h>
#include <string.h>

#include "analysis/cells.h"
#include "analysis/compare_groups.h"
#include "analysis/export/export.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "record/metric.h"
#include "record/record.h"

static json_t *metrics_of(const struct sample *s)
{
	json_t *metrics = json_object();
	const struct metric *all;
	size_t n;

	all = metric_all(&n);
	for (size_t i = 0; i < n; i++)
		if (isfinite(s->value[i]))
			json_object_set_new(metrics, all[i].name, json_real(s->value[i]));
	return metrics;
}

static int add_cell(const json_t *run, const struct cell *c, json_t *list)
{
	json_t *load = json_object_get(c->spec, "load");

	for (size_t i = 0; i < c->n_samples; i++) {
		const struct sample *s = &c->sample[i];
		json_t *row;

		if (!s->in_force)
			continue;
		row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:O, s:I, s:o}",
				"run", jsonio_string(run, "run", "?"), "trial", s->trial, "started",
				jsonio_string(run, "started", "?"), "experiment",
				jsonio_string(run, "experiment.name", "unnamed"), "cell",
				jsonio_string(c->spec, "id", "?"), "mode", c->mode, "target",
				jsonio_string(c->spec, "target", "?"), "workload",
				jsonio_string(c->spec, "workload", "?"), "placement",
				group_placement(c), "load", load, "block", (json_int_t)s->block,
				"metrics", metrics_of(s));
		if (!row || json_array_append_new(list, row))
			return -ENOMEM;
	}
	return 0;
}

int export_trials(const char *const *dirs, size_t n, json_t **out, struct diag *d)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; !err && i < n; i++) {
		struct cells *cells = NULL;

		err = cells_read(dirs[i], NULL, &cells, d);
		if (!err && cells->test_delay_ns > 0)
			err = diag_set(
				d, -EINVAL,
				"%s was slowed down on purpose (--test-delay): it is a test of the "
				"judging and no result to hand on",
				dirs[i]);
		if (!err && *cells->altered)
			err = diag_set(d, -EBADMSG, "%s", cells->altered);
		for (size_t c = 0; !err && c < cells->n; c++)
			err = add_cell(cells->run->run, &cells->cell[c], list);
		cells_free(cells);
	}
	if (err)
		json_decref(list);
	else
		*out = list;
	return err;
}
