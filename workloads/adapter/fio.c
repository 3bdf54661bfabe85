// SPDX-License-Identifier: Apache-2.0
/* fio, as installed: a job file on its standard input, json+ on its standard output. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/args.h"
#include "adapter/extract.h"
#include "adapter/fio_command.h"
#include "adapter/fio_report.h"
#include "adapter/metrics.h"
#include "adapter/registry.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"

static int fio_argv(const struct workload_job *job, char ***argv, struct diag *d)
{
	bool reads = !strcmp(job->rw, "read") || !strcmp(job->rw, "randread");
	struct fio_job_load load;
	struct args a;
	int err = job->fio_job ? fio_job_load_of(job->fio_job, &load, d) : 0;

	if (!err)
		err = args_init(&a);
	if (err)
		return err;
	if (job->fio_job)
		reads = !load.writes;
	args_add(&a, "%s", job->program);
	args_add(&a, "--output-format=json+");
	args_add(&a, "--eta=never");
	/* even a job that reads writes: fio fills a file that is shorter than the job's size */
	if (reads)
		args_add(&a, "--readonly");
	args_add(&a, "-");
	return args_end(&a, "fio", argv, d);
}

/* Mean, bounds and the usual percentiles: not a latency of ours, so not under its name. */
static void put_part(json_t *record, const char *member, const struct hist *h)
{
	json_t *metrics = json_object_get(record, "metrics"), *part;
	char name[32];

	if (!h->count)
		return;
	part = json_pack("{s:I, s:f, s:I, s:I, s:f, s:f}", "count", (json_int_t)h->count, "mean_ns",
			 hist_mean(h), "min_ns", (json_int_t)h->min_ns, "max_ns",
			 (json_int_t)h->max_ns, "p50_ns", hist_quantile(h, 0.5), "p99_ns",
			 hist_quantile(h, 0.99));
	if (part)
		json_object_set_new(record, member, part);
	snprintf(name, sizeof(name), "%s_mean_ns", member);
	metrics_put(metrics, name, hist_mean(h));
}

/* What an expectation or a check may ask for and the window around fio's life cannot give. */
static void put_counter(json_t *evidence, const char *name, double value)
{
	if (!isfinite(value))
		return;
	metrics_put(json_object_get(evidence, "counters"), name, value);
	json_object_del(json_object_get(evidence, "absent"), name);
}

/*
 * fio counts switches of both kinds together; the share of the voluntary ones is that of its tasks
 * in the steady part, which the harness looked at. The SQ thread is the kernel's, so that fio's own
 * CPU time does not hold it; its share of a CPU is known from there, too.
 */
static void put_tasks(const struct fio_report *r, double ios, double window_ns, json_t *metrics,
		      json_t *evidence)
{
	double switches = jsonio_number(evidence, "steady.counters.context_switches");
	double voluntary = jsonio_number(evidence, "steady.counters.voluntary_context_switches");
	double sq = jsonio_number(evidence, "counters.sq_thread_cpu_share") * window_ns;

	put_counter(evidence, "context_switches", (double)r->context_switches_all);
	put_counter(evidence, "task_cpu_ns", r->cpu_ns_all);
	if (switches > 0)
		put_counter(evidence, "voluntary_context_switches",
			    (double)r->context_switches_all * voluntary / switches);
	if (!(ios > 0))
		return;
	metrics_put(metrics, "cpu_ns_per_io_task", (r->cpu_ns + (isnan(sq) ? 0 : sq)) / ios);
	metrics_put(metrics, "cpu_ns_per_io_sq_thread", sq / ios);
}

struct totals {
	uint64_t ios, bytes, runtime_ms;
	struct hist lat, clat, slat;
};

static void sum_up(const struct fio_report *r, struct totals *t, json_t *directions)
{
	hist_init(&t->lat);
	hist_init(&t->clat);
	hist_init(&t->slat);
	for (int i = 0; i < FIO_DIRECTIONS; i++) {
		const struct fio_sums *s = &r->direction[i];
		double seconds = (double)s->runtime_ms / 1e3;
		json_t *one;

		if (!s->ios)
			continue;
		t->ios += s->ios;
		t->bytes += s->bytes;
		if (s->runtime_ms > t->runtime_ms)
			t->runtime_ms = s->runtime_ms;
		hist_merge(&t->lat, &s->lat);
		hist_merge(&t->clat, &s->clat);
		hist_merge(&t->slat, &s->slat);
		one = json_pack("{s:I, s:I}", "ios", (json_int_t)s->ios, "bytes",
				(json_int_t)s->bytes);
		if (seconds > 0)
			metrics_put(one, "iops", (double)s->ios / seconds);
		metrics_put_hist(one, "latency_", &s->lat, 1);
		json_object_set_new(directions, fio_direction_name((enum fio_direction)i), one);
	}
}

/* The measured jobs run side by side, so that the longest of them is the window. */
static void put_record(const struct fio_report *r, struct totals *t, json_t *record,
		       json_t *evidence)
{
	/* fio's lat starts when it gets to an I/O: at open loop that is no latency of ours, which
	 * starts when it was due */
	bool open_loop = json_is_true(jsonio_at(record, "load.open_loop"));
	const char *member = open_loop ? "service" : "latency";
	json_t *metrics = json_object_get(record, "metrics"), *directions = json_object();
	double window_ns;

	sum_up(r, t, directions);
	window_ns = (double)t->runtime_ms * 1e6;
	if (window_ns > 0) {
		metrics_put(metrics, "iops", (double)t->ios * 1e9 / window_ns);
		metrics_put(metrics, "throughput_bytes_per_s", (double)t->bytes * 1e9 / window_ns);
	}
	if (t->lat.count) {
		json_object_set_new(record, member, hist_json(&t->lat));
		metrics_put_hist(metrics, open_loop ? "service_" : "latency_", &t->lat, 1);
	}
	put_part(record, "clat", &t->clat);
	put_part(record, "slat", &t->slat);
	put_tasks(r, (double)t->ios, window_ns, metrics, evidence);
	json_object_set_new(
		record, "counts",
		json_pack("{s:I, s:I}", "io", (json_int_t)t->ios, "bytes", (json_int_t)t->bytes));
	json_object_set_new(evidence, "counts", json_pack("{s:I}", "io", (json_int_t)r->ios_all));
	json_object_set_new(record, "workload_report",
			    json_pack("{s:I, s:I, s:o, s:O}", "window_ns", (json_int_t)window_ns,
				      "jobs", (json_int_t)r->jobs, "directions", directions,
				      "parts", r->detail));
}

/* fio's numbers are only good when no job has an error. */
static int parse_report(const json_t *report, json_t *record, json_t *evidence, struct diag *d)
{
	_free_ struct fio_report *r = calloc(1, sizeof(*r));
	_free_ struct totals *t = calloc(1, sizeof(*t));
	int err = r && t ? fio_report_read(report, r, d) : -ENOMEM;

	if (!err) {
		put_record(r, t, record, evidence);
		json_object_set_new(json_object_get(record, "workload_report"), "version",
				    json_string(jsonio_string(report, "fio version", "?")));
	}
	if (r)
		fio_report_clear(r);
	return err;
}

static int fio_parse(const char *text, size_t len, json_t *record, json_t *evidence, struct diag *d)
{
	_json_ json_t *report = NULL;
	int err = extract_foreign("fio", text, len, record, &report, d);
	const json_t *notes = json_object_get(record, "diagnostics");

	if (!err)
		err = parse_report(report, record, evidence, d);
	if (err == -EIO && workload_reason(notes))
		diag_set(d, err, "%.300s; %.600s", strdupa(d ? d->text : ""),
			 workload_reason(notes));
	return err;
}

const struct workload_adapter fio_adapter = {
	.name = "fio",
	.program = "fio",
	.controlled = false,
	.starts_jobs = true,
	.argv = fio_argv,
	.input = fio_command_text,
	.parse = fio_parse,
};
