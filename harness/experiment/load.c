// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "experiment/experiment.h"

json_t *experiment_load_json(const struct experiment_load *load)
{
	json_t *j = json_pack("{s:s, s:I, s:I, s:I, s:b, s:b}", "rw", load->rw, "bs",
			      (json_int_t)load->bs, "iodepth", (json_int_t)load->iodepth, "numjobs",
			      (json_int_t)load->numjobs, "dsync", load->dsync, "open_loop",
			      load->open_loop);

	if (!j)
		return NULL;
	if (!strcmp(load->rw, "rw") || !strcmp(load->rw, "randrw"))
		json_object_set_new(j, "rwmixread", json_integer((json_int_t)load->rwmixread));
	if (load->open_loop) {
		json_object_set_new(j, "rate_process",
				    json_string(load->poisson ? "poisson" : "constant"));
		if (load->rate_share > 0)
			json_object_set_new(j, "rate_share", json_real(load->rate_share));
	}
	json_object_set_new(j, "rate_iops",
			    load->rate_iops > 0 ? json_real(load->rate_iops) : json_null());
	return j;
}

static double load_number(const struct experiment_load *load, const char *key, bool *known)
{
	const struct {
		const char *key;
		double value;
	} numbers[] = {
		{"iodepth", (double)load->iodepth},
		{"bs", (double)load->bs},
		{"numjobs", (double)load->numjobs},
		{"open_loop", load->open_loop},
		{"dsync", load->dsync},
	};

	*known = true;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (!strcmp(numbers[i].key, key))
			return numbers[i].value;
	*known = false;
	return 0;
}

bool experiment_cell_makes_sense(const struct experiment_cell *cell, char *reason, size_t size)
{
	const struct mode *m = cell->mode;

	for (size_t i = 0; i < m->n_only; i++) {
		const struct condition *c = &m->only[i];
		bool known, ok;
		double value = load_number(&cell->load, c->key, &known);

		if (!known)
			ok = strcmp(c->key, "rw") || !strcmp(c->text, cell->load.rw);
		else
			ok = c->op == CONDITION_EQUAL	   ? value == c->number
			     : c->op == CONDITION_AT_LEAST ? value >= c->number
							   : value <= c->number;
		if (ok)
			continue;
		snprintf(reason, size, "%s exists only with %s %s%s", m->name, c->key,
			 c->op == CONDITION_EQUAL      ? ""
			 : c->op == CONDITION_AT_LEAST ? "at least "
						       : "at most ",
			 c->text);
		return false;
	}
	return true;
}
