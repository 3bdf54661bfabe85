// SPDX-License-Identifier: Apache-2.0
#include "adapter/fio_report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"

#define RUNTIME_MS_MAX (100ull * 86400 * 1000)

/* "mixed" is there instead of the others with unified_rw_reporting=1, beside them with =both. */
static const char *const names[] = {
	[FIO_READ] = "read", [FIO_WRITE] = "write", [FIO_TRIM] = "trim", [FIO_MIXED] = "mixed"};

const char *fio_direction_name(enum fio_direction direction)
{
	return names[direction];
}

/* A whole number that a sum of many can hold; fio writes unsigned 64-bit ones. */
static int read_count(const json_t *j, const char *name, uint64_t *value, struct diag *d)
{
	const json_t *at = json_object_get(j, name);
	json_int_t n = json_integer_value(at);

	if (!json_is_integer(at) || n < 0 || n > INT64_MAX / 4096)
		return diag_set(d, -EPROTO, "fio: \"%s\" is missing or no count", name);
	*value = (uint64_t)n;
	return 0;
}

/* One of slat_ns, clat_ns, lat_ns; not there, or without bins, when fio was told so (disable_lat,
 * SQPOLL has no slat). */
static int merge_latency(const json_t *side, const char *name, struct hist *into, json_t *detail,
			 struct diag *d)
{
	_free_ struct hist *h = malloc(sizeof(*h));
	const json_t *source = json_object_get(side, name);
	double n = jsonio_number(source, "N");
	int err;

	if (!h)
		return -ENOMEM;
	if (!json_is_object(source) || !(n > 0))
		return 0;
	json_object_set_new(detail, name,
			    json_pack("{s:f, s:f, s:f, s:f}", "mean",
				      fmax(jsonio_number(source, "mean"), 0), "min",
				      fmax(jsonio_number(source, "min"), 0), "max",
				      fmax(jsonio_number(source, "max"), 0), "N", n));
	if (!json_is_object(json_object_get(source, "bins"))) /* its percentiles are off */
		return 0;
	err = hist_from_json(source, h, d);
	if (err)
		return diag_prefix(d, -EPROTO, "fio: %s", name);
	if (h->count > INT64_MAX / 4096 - into->count || h->sum_ns > INT64_MAX / 8 ||
	    into->sum_ns > INT64_MAX / 8)
		return diag_set(d, -EPROTO, "fio: %s counts more than can be", name);
	hist_merge(into, h);
	return 0;
}

static int read_direction(const json_t *job, enum fio_direction direction, bool ramp,
			  struct fio_report *r, struct diag *d)
{
	const json_t *side = json_object_get(job, names[direction]);
	struct fio_sums *sums = &r->direction[direction];
	uint64_t ios, bytes, runtime_ms;
	json_t *detail;
	int err = read_count(side, "total_ios", &ios, d);

	if (!err)
		err = read_count(side, "io_bytes", &bytes, d);
	if (!err)
		err = read_count(side, "runtime", &runtime_ms, d);
	if (!err && runtime_ms > RUNTIME_MS_MAX)
		err = diag_set(d, -EPROTO, "fio: a runtime of more than 100 days");
	if (err)
		return diag_prefix(d, err, "job %s, %s",
				   jsonio_string(job, "jobname", "without name"), names[direction]);
	if (r->ios_all > INT64_MAX / 2 || sums->bytes > INT64_MAX / 2)
		return diag_set(d, -EPROTO, "fio: more I/O than can be");
	r->ios_all += ios;
	if (ramp || !ios)
		return 0;
	sums->ios += ios;
	sums->bytes += bytes;
	if (runtime_ms > sums->runtime_ms)
		sums->runtime_ms = runtime_ms;
	detail = json_pack("{s:s, s:s, s:I, s:I, s:I}", "job", jsonio_string(job, "jobname", ""),
			   "direction", names[direction], "ios", (json_int_t)ios, "bytes",
			   (json_int_t)bytes, "runtime_ms", (json_int_t)runtime_ms);
	err = merge_latency(side, "lat_ns", &sums->lat, detail, d);
	if (!err)
		err = merge_latency(side, "clat_ns", &sums->clat, detail, d);
	if (!err)
		err = merge_latency(side, "slat_ns", &sums->slat, detail, d);
	json_array_append_new(r->detail, detail);
	return err;
}

/* Percent of the thread's own time; of a group, of the sum of its threads'. */
static int read_cpu(const json_t *job, bool ramp, struct fio_report *r, struct diag *d)
{
	double percent = jsonio_number(job, "usr_cpu") + jsonio_number(job, "sys_cpu");
	uint64_t ms, switches;
	int err = read_count(job, "job_runtime", &ms, d);

	if (!err)
		err = read_count(job, "ctx", &switches, d);
	if (!err && !(percent >= 0))
		err = diag_set(d, -EPROTO, "fio: no usr_cpu or sys_cpu");
	if (err)
		return diag_prefix(d, err, "job %s", jsonio_string(job, "jobname", ""));
	r->cpu_ns_all += percent / 100 * (double)ms * 1e6;
	r->context_switches_all += switches;
	if (!ramp) {
		r->cpu_ns += percent / 100 * (double)ms * 1e6;
		r->context_switches += switches;
		r->jobs++;
	}
	return 0;
}

static int read_job(const json_t *job, struct fio_report *r, struct diag *d)
{
	const char *name = jsonio_string(job, "jobname", "without name");
	bool ramp = !strcmp(name, FIO_RAMP_JOB), any = false;
	const json_t *error = json_object_get(job, "error");
	const json_t *passed_over = json_object_get(job, "total_err");
	int err = 0;

	if (!json_is_integer(error))
		return diag_set(d, -EPROTO, "fio: job %.80s has no \"error\"", name);
	if (json_integer_value(error)) {
		int code = (int)json_integer_value(error);

		return diag_set(d, -EIO, "fio: job %.80s ended with error %d (%s)", name, code,
				code > 0 && code < 4096 ? strerror(code) : "no errno");
	}
	/* with continue_on_error "error" stays 0, and what failed is as fast as an I/O can be */
	if (json_integer_value(passed_over)) {
		int code = (int)json_integer_value(json_object_get(job, "first_error"));

		return diag_set(
			d, -EIO,
			"fio: job %.80s went on over %lld failed I/Os, the first with %d (%s)",
			name, (long long)json_integer_value(passed_over), code,
			code > 0 && code < 4096 ? strerror(code) : "no errno");
	}
	for (int i = 0; !err && i < FIO_DIRECTIONS; i++) {
		if (!json_is_object(json_object_get(job, names[i])) || (i == FIO_MIXED && any))
			continue;
		any = true;
		err = read_direction(job, (enum fio_direction)i, ramp, r, d);
	}
	if (!err && !any)
		err = diag_set(d, -EPROTO, "fio: job %.80s has no direction", name);
	return err ? err : read_cpu(job, ramp, r, d);
}

int fio_report_read(const json_t *report, struct fio_report *r, struct diag *d)
{
	const json_t *jobs = json_object_get(report, "jobs"), *job;
	size_t i;

	memset(r, 0, sizeof(*r));
	for (i = 0; i < FIO_DIRECTIONS; i++) {
		hist_init(&r->direction[i].lat);
		hist_init(&r->direction[i].clat);
		hist_init(&r->direction[i].slat);
	}
	r->detail = json_array();
	if (!json_is_array(jobs) || !json_array_size(jobs))
		return diag_set(d, -EPROTO, "fio: the report has no \"jobs\"");
	json_array_foreach (jobs, i, job) {
		int err = read_job(job, r, d);

		if (err)
			return err;
	}
	return r->jobs ? 0 : diag_set(d, -EPROTO, "fio: the report has no measured job");
}

void fio_report_clear(struct fio_report *r)
{
	json_decref(r->detail);
	r->detail = NULL;
}
