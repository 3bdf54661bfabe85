// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "experiment/experiment.h"

/* What the job file asks of each direction; null where it is not known. */
static json_t *fio_rates(const struct fio_job_load *load)
{
	static const char *const names[FIO_JOB_DIRECTIONS] = {"read", "write"};
	json_t *rates = json_object();

	for (size_t i = 0; i < FIO_JOB_DIRECTIONS; i++) {
		double rate = fio_job_rate(load, i);

		if (rate != 0)
			json_object_set_new(rates, names[i],
					    isnan(rate) ? json_null() : json_real(rate));
	}
	return rates;
}

/* A job file may hold several kinds of job: what differs between them is left out. */
static json_t *fio_json(const struct experiment_load *load)
{
	const struct experiment_fio *f = load->fio;
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {{"bs", load->bs}, {"iodepth", load->iodepth}};
	json_t *j =
		json_pack("{s:s, s:I, s:b, s:b, s:{s:s, s:s?, s:s}}", "rw", load->rw, "numjobs",
			  (json_int_t)load->numjobs, "dsync", false, "open_loop", load->open_loop,
			  "fio_job", "file", f->file, "section", f->section, "sha256", f->digest);

	for (size_t i = 0; j && i < ARRAY_SIZE(numbers); i++)
		if (numbers[i].value)
			json_object_set_new(j, numbers[i].name,
					    json_integer((json_int_t)numbers[i].value));
	if (j && load->open_loop)
		json_object_set_new(j, "rates", fio_rates(&f->load));
	if (j && f->load.depth_bound)
		json_object_set_new(j, "depth_bound", json_string(f->load.depth_bound));
	return j;
}

bool experiment_load_writes(const struct experiment_load *load)
{
	if (load->kind == MODE_NET)
		return false;
	if (load->fio)
		return load->fio->load.writes;
	return strcmp(load->rw, "read") && strcmp(load->rw, "randread");
}

static json_t *block_json(const struct experiment_load *load)
{
	json_t *j = json_pack("{s:s, s:I, s:I, s:I, s:b, s:b}", "rw", load->rw, "bs",
			      (json_int_t)load->bs, "iodepth", (json_int_t)load->iodepth, "numjobs",
			      (json_int_t)load->numjobs, "dsync", load->dsync, "open_loop",
			      load->open_loop);

	if (j && (!strcmp(load->rw, "rw") || !strcmp(load->rw, "randrw")))
		json_object_set_new(j, "rwmixread", json_integer((json_int_t)load->rwmixread));
	return j;
}

static json_t *net_json(const struct experiment_load *load)
{
	json_t *j = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:b}", "pattern", load->pattern,
			      "protocol", load->protocol, "request_bytes",
			      (json_int_t)load->request_bytes, "response_bytes",
			      (json_int_t)load->response_bytes, "depth", (json_int_t)load->depth,
			      "flows", (json_int_t)load->flows, "open_loop", load->open_loop);

	if (j && load->queue >= 0)
		json_object_set_new(j, "queue", json_integer(load->queue));
	if (j && load->by_rule)
		json_object_set_new(j, "steer", json_string("rule"));
	return j;
}

const char *experiment_rate_key(enum mode_target kind)
{
	return kind == MODE_NET ? "rate_per_s" : "rate_iops";
}

json_t *experiment_load_json(const struct experiment_load *load)
{
	json_t *j = load->kind == MODE_NET ? net_json(load)
		    : load->fio		   ? fio_json(load)
					   : block_json(load);

	if (!j)
		return NULL;
	if (load->open_loop) {
		json_object_set_new(j, "rate_process",
				    json_string(load->poisson ? "poisson" : "constant"));
		if (load->rate_share > 0)
			json_object_set_new(j, "rate_share", json_real(load->rate_share));
	}
	json_object_set_new(j, experiment_rate_key(load->kind),
			    load->rate_per_s > 0 ? json_real(load->rate_per_s) : json_null());
	return j;
}

/* Does the condition hold for the load? One on a key that it has not does not. */
static bool holds(const struct condition *c, const json_t *load)
{
	const json_t *at = json_object_get(load, c->key);
	double value;

	if (json_is_string(at))
		return !strcmp(json_string_value(at), c->text);
	if (!json_is_number(at) && !json_is_boolean(at))
		return false;
	value = json_is_boolean(at) ? json_is_true(at) : json_number_value(at);
	return c->op == CONDITION_EQUAL	     ? value == c->number
	       : c->op == CONDITION_AT_LEAST ? value >= c->number
					     : value <= c->number;
}

bool experiment_cell_makes_sense(const struct experiment_cell *cell, char *reason, size_t size)
{
	_json_ json_t *load = experiment_load_json(&cell->load);
	const struct mode *m = cell->mode;

	for (size_t i = 0; i < m->n_only; i++) {
		const struct condition *c = &m->only[i];

		if (holds(c, load))
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
