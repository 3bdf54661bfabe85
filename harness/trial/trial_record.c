// SPDX-License-Identifier: Apache-2.0
#include "trial/trial_record.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/check.h"
#include "analysis/steady.h"
#include "analysis/traffic.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "record/record.h"
#include "record/verdict.h"
#include "sys/sys.h"
#include "trial/trial_place.h"

/* /proc/stat counts in ticks of 10 ms: below 3 s its resolution spoils a cost per I/O. */
#define SYSTEM_WINDOW_MIN_NS 3e9

/* The workload's engine as the mode names it; NULL when it leaves the choice to the workload. */
static const char *engine(const struct experiment_cell *cell)
{
	const struct mode_pairs *options = mode_options(cell->mode, cell->workload);

	for (size_t i = 0; options && i < options->n; i++)
		if (!strcmp(options->item[i].name, "engine") ||
		    !strcmp(options->item[i].name, "ioengine"))
			return options->item[i].value;
	return NULL;
}

static json_t *load_json(const struct trial_context *ctx, const struct trial_request *r)
{
	const struct experiment_load *asked = &r->cell->cell->load;
	json_t *load = experiment_load_json(asked);
	const char *name = engine(r->cell->cell);
	char text[8];

	if (name)
		json_object_set_new(load, "engine", json_string(name));
	json_object_set_new(load, "workload", json_string(r->cell->cell->workload));
	json_object_set_new(load, "runtime_ns", json_integer((json_int_t)r->runtime_ns));
	json_object_set_new(load, experiment_rate_key(asked->kind),
			    r->rate_per_s > 0 ? json_real(r->rate_per_s) : json_null());
	if (asked->kind == MODE_NET) { /* decides whether device_interrupts can show anything */
		json_object_set_new(load, "has_interrupts",
				    json_integer(net_target_has_interrupts(ctx->plan->net)));
		return load;
	}
	/* Decides whether diskstats can see passthrough; "absent" on kernels without it counts as
	 * 0. */
	if (sys_readf(ctx->plan->machine->sys, text, sizeof(text),
		      "/sys/block/%s/queue/iostats_passthrough", ctx->plan->target->disk->name))
		snprintf(text, sizeof(text), "0");
	json_object_set_new(load, "iostats_passthrough", json_integer(text[0] == '1'));
	return load;
}

static json_t *placement(const struct trial_context *ctx, const struct trial_request *r)
{
	json_t *j = placement_json(&r->cell->placement, ctx->plan->machine);
	struct cpulist cpus = {0};

	if (!placement_measured(&r->cell->placement, &cpus)) {
		_free_ char *text = cpulist_text(&cpus);

		json_object_set_new(j, "cpus", json_string(text ? text : ""));
	}
	cpulist_free(&cpus);
	return j;
}

json_t *trial_record_new(const struct trial_context *ctx, const struct trial_request *r)
{
	const struct experiment_cell *cell = r->cell->cell;
	json_t *record, *labels = json_array();
	char id[256], started[32];

	snprintf(id, sizeof(id), "%.190s/%s", ctx->run_id, r->id);
	if (r->cell->placement.orchestrator_shares)
		json_array_append_new(labels, json_string("orchestrator_shares_cpu"));
	record = json_pack("{s:i, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:s}", "schema",
			   RECORD_SCHEMA, "trial", id, "run", ctx->run_id, "pass", r->pass, "block",
			   (json_int_t)r->block, "order", (json_int_t)r->order, "cell", cell->id,
			   "target", plan_target_label(ctx->plan, r->cell), "mode",
			   cell->mode->name, "workload", cell->workload);
	if (!record)
		return NULL;
	json_object_set_new(record, "placement", placement(ctx, r));
	json_object_set_new(record, "load", load_json(ctx, r));
	json_object_set_new(record, "started", json_string(clock_iso(started)));
	json_object_set_new(record, "status", json_string("failed"));
	json_object_set_new(record, "error", json_null());
	json_object_set_new(record, "checks", json_array());
	json_object_set_new(record, "counts", json_object());
	json_object_set_new(record, "metrics", json_object());
	json_object_set_new(record, "evidence", json_pack("{s:{}, s:{}}", "counters", "absent"));
	json_object_set_new(record, "knobs", json_array());
	json_object_set_new(record, "labels", labels);
	if (r->cell->fio)
		json_object_set(record, "fio", r->cell->fio);
	return record;
}

struct ratio {
	const char *counter, *metric;
};

static void put_ratios(const struct ratio *ratios, size_t n, const json_t *counters, double by,
		       json_t *metrics)
{
	for (size_t i = 0; by > 0 && i < n; i++) {
		double value = jsonio_number(counters, ratios[i].counter);

		if (isfinite(value))
			json_object_set_new(metrics, ratios[i].metric, json_real(value / by));
	}
}

static void block_metrics(const json_t *evidence, const json_t *counters, json_t *metrics)
{
	static const struct ratio per_io[] = {
		{"device_interrupts", "interrupts_per_io"},
		{"context_switches", "context_switches_per_io"},
		{"block_softirqs", "block_softirqs_per_io"},
		{"migrations", "migrations_per_io"},
	};
	double ios = jsonio_number(evidence, "counts.io");
	double window = jsonio_number(evidence, "window_ns"), value;

	put_ratios(per_io, ARRAY_SIZE(per_io), counters, ios, metrics);
	value = jsonio_number(counters, "cpu_busy_ns");
	if (ios > 0 && isfinite(value) && window >= SYSTEM_WINDOW_MIN_NS)
		json_object_set_new(metrics, "cpu_ns_per_io_system", json_real(value / ios));
	value = jsonio_number(counters, "energy_uj");
	if (ios > 0 && isfinite(value))
		json_object_set_new(metrics, "energy_nj_per_io", json_real(value * 1e3 / ios));
}

static void net_metrics(const json_t *evidence, const json_t *counters, json_t *metrics)
{
	static const struct ratio per_packet[] = {
		{"device_interrupts", "interrupts_per_packet"},
		{"net_rx_softirqs_measured_cpus", "net_rx_softirqs_per_packet"},
	};
	static const struct ratio per_transaction[] = {
		{"context_switches", "context_switches_per_transaction"},
		{"cpu_cycles", "cycles_per_transaction"},
	};
	double share = jsonio_number(counters, "busy_poll_share");

	put_ratios(per_packet, ARRAY_SIZE(per_packet), counters,
		   jsonio_number(evidence, "counts.packet"), metrics);
	put_ratios(per_transaction, ARRAY_SIZE(per_transaction), counters,
		   jsonio_number(evidence, "counts.transaction"), metrics);
	if (isfinite(share))
		json_object_set_new(metrics, "busy_poll_share", json_real(share));
}

void trial_record_metrics(json_t *record, enum mode_target kind)
{
	const json_t *evidence = json_object_get(record, "evidence");
	const json_t *counters = json_object_get(evidence, "counters");
	json_t *metrics = json_object_get(record, "metrics");

	if (kind == MODE_NET)
		net_metrics(evidence, counters, metrics);
	else
		block_metrics(evidence, counters, metrics);
}

void trial_record_spinner(json_t *record, const json_t *spinner, const json_t *idle, bool corunner)
{
	json_t *metrics = json_object_get(record, "metrics"), *one, *alone;
	double ios = jsonio_number(record, "evidence.counts.io"), left_ns = 0, alone_ns = 0;
	double transactions = jsonio_number(record, "evidence.counts.transaction");
	size_t i;

	json_array_foreach (json_object_get(spinner, "per_cpu"), i, one) {
		double work = jsonio_number(one, "work");

		alone = json_array_get(json_object_get(idle, "per_cpu"), i);
		/* Work done beside the load, in the CPU time it took alone. */
		left_ns += work / (jsonio_number(alone, "work") / jsonio_number(alone, "cpu_ns"));
		/* What it would have got of this window alone, others of the host beside it. */
		alone_ns += jsonio_number(spinner, "window_ns") * jsonio_number(alone, "cpu_ns") /
			    jsonio_number(idle, "window_ns");
	}
	json_object_set(record, "spinner", (json_t *)spinner);
	if (!isfinite(left_ns))
		return;
	if (corunner) {
		double lost_ns = fmax(alone_ns - left_ns, 0);

		if (!(alone_ns > 0))
			return;
		json_object_set_new(metrics, "corunner_lost_share", json_real(lost_ns / alone_ns));
		if (ios > 0)
			json_object_set_new(metrics, "corunner_lost_per_io",
					    json_real(lost_ns / ios));
	} else if (ios > 0) {
		json_object_set_new(metrics, "cpu_left_per_io", json_real(left_ns / ios));
	} else if (transactions > 0) {
		json_object_set_new(metrics, "cpu_left_per_transaction",
				    json_real(left_ns / transactions));
	}
}

/* Labels spoil nothing by themselves: what the host did beyond its limits, and whose I/O it was. */
static void label(json_t *record)
{
	json_t *labels = json_object_get(record, "labels");

	json_object_set_new(record, "steady", steady_of_trial(record));
	if (json_is_false(jsonio_at(record, "steady.reached")))
		json_array_append_new(labels, json_string("non_steady"));
	check_labels(record, labels);
	if (traffic_is_foreign(record))
		json_array_append_new(labels, json_string("foreign_io"));
}

int trial_record_judge(json_t *record, const struct trial_request *r)
{
	const struct mode *mode = r->cell->cell->mode;
	const json_t *evidence = json_object_get(record, "evidence");
	_free_ struct expectation *expect =
		calloc(mode->n_expect + TRIAL_PLACE_EXPECTATIONS, sizeof(*expect));
	struct denominators over;
	json_t *verdict, *checks;
	size_t n = mode->n_expect;

	if (!expect)
		return -ENOMEM;
	if (n)
		memcpy(expect, mode->expect, n * sizeof(*expect));
	n += trial_place_expect(&r->cell->placement, expect + n);
	denominators_read(record, &over);
	verdict = verdict_evaluate(expect, n, mode->grade, evidence, &over,
				   json_object_get(record, "load"), NULL);

	if (!verdict)
		return -ENOMEM;
	json_object_set_new(record, "verdict", verdict);
	label(record);
	/* A failed trial has no numbers to check; this one has. */
	json_object_set_new(record, "status", json_string("valid"));
	checks = check_trial(record);
	if (!checks)
		return -ENOMEM;
	json_object_set_new(record, "checks", checks);
	json_object_set_new(record, "status", json_string(check_status(checks)));
	return 0;
}

void trial_record_failed(json_t *record, const struct trial_request *r, bool refused,
			 const struct diag *d)
{
	enum verdict_grade grade = r->cell->cell->mode->grade;

	json_object_set_new(record, "verdict",
			    refused ? verdict_unsupported(grade, d->text)
				    : json_pack("{s:s, s:s, s:[s], s:[]}", "mode", "unproven",
						"grade", verdict_grade_name(grade), "reasons",
						"the trial failed: nothing was measured",
						"expectations"));
	json_object_set_new(record, "status", json_string("failed"));
	json_object_set_new(record, "error", json_string(d->text));
}
