// SPDX-License-Identifier: Apache-2.0
/* Our own loop: options are fio's words, the report is one JSON object (workloads/ioloop/report.c).
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/adapter.h"
#include "adapter/args.h"
#include "adapter/extract.h"
#include "adapter/metrics.h"
#include "adapter/registry.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "record/hist.h"

/* The nop engine touches no target, and refuses one. */
static bool has_target(const struct workload_job *job)
{
	for (size_t i = 0; i < job->n_options; i++)
		if (!strcmp(job->options[i].name, "engine") &&
		    !strcmp(job->options[i].value, "nop"))
			return false;
	return true;
}

static void add_load(struct args *a, const struct workload_job *job)
{
	if (has_target(job))
		args_add(a, "--filename=%s", job->target);
	if (job->write_id)
		args_add(a, "--write-id=%s", job->write_id);
	args_add(a, "--rw=%s", job->rw);
	args_add(a, "--bs=%llu", (unsigned long long)job->bs);
	args_add(a, "--iodepth=%llu", (unsigned long long)job->iodepth);
	args_add(a, "--numjobs=%llu", (unsigned long long)job->numjobs);
	if (!strcmp(job->rw, "rw") || !strcmp(job->rw, "randrw"))
		args_add(a, "--rwmixread=%llu", (unsigned long long)job->rwmixread);
	if (job->dsync)
		args_add(a, "--sync=dsync");
	args_add(a, "--ramp-time=%lluns", (unsigned long long)job->ramp_ns);
	args_add(a, "--runtime=%lluns", (unsigned long long)job->runtime_ns);
	if (job->rate_iops > 0) {
		/* ioloop's rate is that of one job, as fio's */
		args_add(a, "--rate-iops=%.0f", job->rate_iops / (double)job->numjobs);
		args_add(a, "--rate-process=%s", job->poisson ? "poisson" : "constant");
	}
	args_add(a, "--randseed=%llu", (unsigned long long)job->seed);
	if (job->cpus) {
		args_add(a, "--cpus-allowed=%s", job->cpus);
		args_add(a, "--cpus-allowed-policy=split");
	}
	if (job->control_fd >= 0)
		args_add(a, "--control-fd=%d", job->control_fd);
}

static int ioloop_argv(const struct workload_job *job, char ***argv, struct diag *d)
{
	struct args a;
	int err = args_init(&a);

	if (err)
		return err;
	args_add(&a, "%s", job->program);
	add_load(&a, job);
	for (size_t i = 0; i < job->n_options; i++)
		args_add(&a, "--%s=%s", job->options[i].name, job->options[i].value);
	return args_end(&a, "ioloop", argv, d);
}

static int put_histogram(const json_t *report, const char *member, double most, json_t *metrics,
			 struct diag *d)
{
	_free_ struct hist *h = malloc(sizeof(*h));
	char prefix[32];
	int err;

	if (!h)
		return -ENOMEM;
	err = hist_from_json(json_object_get(report, member), h, d);
	if (err)
		return err;
	snprintf(prefix, sizeof(prefix), "%s_", member);
	metrics_put_hist(metrics, prefix, h, most);
	return 0;
}

static void put_tasks(const json_t *report, double ios_total, json_t *metrics)
{
	double all = 0, sq = 0;
	size_t i;
	json_t *task, *tasks = json_object_get(report, "tasks");

	if (!json_array_size(tasks) || !(ios_total > 0))
		return;
	json_array_foreach (tasks, i, task) {
		double ns = jsonio_number(task, "cpu_ns");

		if (!isfinite(ns))
			return;
		all += ns;
		if (!strcmp(jsonio_string(task, "role", ""), "sq"))
			sq += ns;
	}
	metrics_put(metrics, "cpu_ns_per_io_task", all / ios_total);
	if (sq > 0)
		metrics_put(metrics, "cpu_ns_per_io_sq_thread", sq / ios_total);
}

/* The share of the arrivals that were started: what never was would stand above that quantile. */
static double started_share(const json_t *report)
{
	double arrivals = jsonio_number(report, "open_loop.arrivals");
	double never = jsonio_number(report, "open_loop.never_started");

	return arrivals > 0 && never > 0 ? 1 - never / arrivals : 1;
}

static void put_arrivals(const json_t *report, json_t *counts)
{
	static const char *const names[] = {"arrivals", "never_started"};
	const json_t *open = json_object_get(report, "open_loop");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		json_t *value = json_object_get(open, names[i]);

		if (json_is_integer(value))
			json_object_set(counts, names[i], value);
	}
}

static void copy_parts(const json_t *report, json_t *record)
{
	static const char *const copied[] = {"latency", "service", "intervals"};
	json_t *delay = json_object_get(report, "test_delay_ns");

	for (size_t i = 0; i < ARRAY_SIZE(copied); i++) {
		json_t *part = json_object_get(report, copied[i]);

		if (json_is_object(part))
			json_object_set(record, copied[i], part);
	}
	if (delay) /* the loop was slowed down on purpose: every reader is to see it */
		json_object_set(record, "test_delay_ns", delay);
}

static int parse_report(const json_t *report, json_t *record, json_t *evidence, struct diag *d)
{
	json_t *metrics = json_object_get(record, "metrics");
	json_t *counters = json_object_get(evidence, "counters");
	double window = jsonio_number(report, "window_ns"), ios = jsonio_number(report, "ios");
	double total = jsonio_number(report, "ios_total"), bytes = jsonio_number(report, "bytes");
	double calls = jsonio_number(report, "system_calls.total"), enters;
	int err = 0;

	if (!(window > 0) || !(ios >= 0) || !(total >= 0) || !(bytes >= 0))
		return diag_set(d, -EPROTO,
				"ioloop: the report lacks window_ns, ios, ios_total or bytes");
	metrics_put(metrics, "iops", ios * 1e9 / window);
	metrics_put(metrics, "throughput_bytes_per_s", bytes * 1e9 / window);
	metrics_put(metrics, "in_flight_mean", jsonio_number(report, "in_flight.mean"));
	if (json_is_object(json_object_get(report, "latency")))
		err = put_histogram(report, "latency", started_share(report), metrics, d);
	if (!err && json_is_object(json_object_get(report, "service")))
		err = put_histogram(report, "service", 1, metrics, d);
	put_tasks(report, total, metrics);
	if (total > 0)
		metrics_put(metrics, "system_calls_per_io", calls / total);
	metrics_put(counters, "system_calls", calls);
	/* A call that was never made is not in the list: that is a count of 0, the one SQPOLL
	 * wants. */
	enters = jsonio_number(report, "system_calls.io_uring_enter");
	metrics_put(counters, "io_uring_enter_calls",
		    isnan(enters) && isfinite(calls) ? 0 : enters);
	copy_parts(report, record);
	json_object_set_new(
		record, "counts",
		json_pack("{s:I, s:I}", "io", (json_int_t)ios, "bytes", (json_int_t)bytes));
	put_arrivals(report, json_object_get(record, "counts"));
	json_object_set_new(evidence, "counts", json_pack("{s:I}", "io", (json_int_t)total));
	return err;
}

static int ioloop_parse(const char *text, size_t len, json_t *record, json_t *evidence,
			struct diag *d)
{
	return extract_own("ioloop", text, len, parse_report, record, evidence, d);
}

const struct workload_adapter ioloop_adapter = {
	.name = "ioloop",
	.program = "ioloop",
	.controlled = true,
	.argv = ioloop_argv,
	.parse = ioloop_parse,
};
