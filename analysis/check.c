// SPDX-License-Identifier: Apache-2.0
#include "analysis/check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "analysis/stats.h"
#include "base/cleanup.h"
#include "base/jsonio.h"
#include "base/num.h"
#include "record/metric.h"

/* Thresholds; each a fraction unless its name says otherwise. */
#define LITTLE_TOLERANCE   0.05
#define RUNTIME_TOLERANCE  0.05
#define OPEN_LOOP_REACHED  0.97 /* of the intended rate, else the loop is closed in truth */
#define DEVICE_IOS_SEEN	   0.99
#define INTERRUPTS_MOST	   1.05	 /* per request of the device, and … */
#define INTERRUPTS_PER_S   200.0 /* … others that share its vectors (admin queue, balloon) */
#define CPU_TIME_TOLERANCE 0.02

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static double number(const json_t *trial, const char *path, struct check_outcome *o)
{
	const char *name = strrchr(path, '.');
	double value = jsonio_number(trial, path);

	if (!isnan(value))
		json_object_set_new(o->numbers, name ? name + 1 : path, json_real(value));
	return value;
}

static void not_applicable(struct check_outcome *o, const char *why)
{
	o->result = CHECK_NOT_APPLICABLE;
	snprintf(o->sentence, sizeof(o->sentence), "%s", why);
}

__attribute__((format(printf, 3, 4))) static void decide(struct check_outcome *o, bool pass,
							 const char *fmt, ...)
{
	va_list ap;

	o->result = pass ? CHECK_PASS : CHECK_FAIL;
	va_start(ap, fmt);
	vsnprintf(o->sentence, sizeof(o->sentence), fmt, ap);
	va_end(ap);
}

static bool is_open_loop(const json_t *trial)
{
	return json_is_true(jsonio_at(trial, "load.open_loop"));
}

static void littles_law(const json_t *trial, struct check_outcome *o)
{
	bool open = is_open_loop(trial);
	double rate = number(trial, "metrics.iops", o), mean, in_flight, ratio;

	if (open) {
		in_flight = number(trial, "metrics.in_flight_mean", o);
		mean = number(trial, "metrics.service_mean_ns", o);
	} else {
		in_flight = number(trial, "load.iodepth", o) * number(trial, "load.numjobs", o);
		mean = number(trial, "metrics.latency_mean_ns", o);
	}
	if (!strcmp(jsonio_string(trial, "load.engine", ""), "nop")) {
		not_applicable(o, "nothing stays in flight with the nop engine");
		return;
	}
	ratio = stats_littles_law(in_flight, rate, mean);
	if (isnan(ratio)) {
		not_applicable(o, open ? "no rate, service time or in-flight counter"
				       : "no rate, latency or depth");
		return;
	}
	json_object_set_new(o->numbers, "ratio", json_real(ratio));
	decide(o, fabs(ratio - 1) <= LITTLE_TOLERANCE,
	       "%.6g I/Os per second for %.6g ns each are %.4g in flight; %s %.4g (%+.1f %%, at "
	       "most %.0f %%)",
	       rate, mean, rate * mean / 1e9, open ? "counted were" : "the depth is", in_flight,
	       (ratio - 1) * 100, LITTLE_TOLERANCE * 100);
}

static void bytes_match(const json_t *trial, struct check_outcome *o)
{
	double io = number(trial, "counts.io", o), bytes = number(trial, "counts.bytes", o);
	double bs = number(trial, "load.bs", o);

	if (isnan(io) || isnan(bytes) || isnan(bs))
		not_applicable(o, "no count of I/Os, bytes or block size");
	else
		decide(o, bytes == io * bs,
		       "%.0f I/Os of %.0f bytes are %.0f bytes; counted were %.0f", io, bs, io * bs,
		       bytes);
}

static void histogram_count(const json_t *trial, struct check_outcome *o)
{
	double io = NAN, n = number(trial, "latency.count", o);

	/* at open loop those that came after the window are recorded too */
	if (is_open_loop(trial))
		io = number(trial, "evidence.counts.io", o);
	if (isnan(io))
		io = number(trial, "counts.io", o);
	if (isnan(io) || isnan(n))
		not_applicable(o, "no histogram or no count of I/Os");
	else
		decide(o, io == n, "%.0f latencies for %.0f I/Os", n, io);
}

static void percentile_order(const json_t *trial, struct check_outcome *o)
{
	static const char *const ladder[] = {"metrics.latency_p50_ns",	 "metrics.latency_p90_ns",
					     "metrics.latency_p99_ns",	 "metrics.latency_p999_ns",
					     "metrics.latency_p9999_ns", "metrics.latency_max_ns"};
	double mean = jsonio_number(trial, "metrics.latency_mean_ns"), last = NAN, value = NAN;
	size_t seen = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ladder); i++) {
		value = number(trial, ladder[i], o);
		if (isnan(value))
			continue;
		seen++;
		if (value < last) {
			decide(o, false, "%s is %.6g, the percentile below it %.6g", ladder[i] + 8,
			       value, last);
			return;
		}
		last = value;
	}
	if (seen < 2)
		not_applicable(o, "fewer than two percentiles");
	else
		decide(o, !(mean > value), "%zu percentiles rise; the mean %.6g is %s the largest",
		       seen, mean, mean > value ? "above" : "within");
}

/* NVMe commands straight to the driver (ioloop's engine and fio's) are not in diskstats, unless
 * queue/iostats_passthrough says so. */
static bool bypasses_diskstats(const json_t *trial)
{
	const char *engine = jsonio_string(trial, "load.engine", "");

	return (!strcmp(engine, "io_uring-passthrough") || !strcmp(engine, "io_uring_cmd")) &&
	       !(jsonio_number(trial, "load.iostats_passthrough") > 0);
}

static void interrupts_bounded(const json_t *trial, struct check_outcome *o)
{
	double irqs = number(trial, "evidence.counters.device_interrupts", o), most;
	double ios = number(trial, "evidence.counters.device_ios", o);
	double window = jsonio_number(trial, "evidence.window_ns") / 1e9;
	double other = jsonio_number(trial, "evidence.counters.device_other_ios");

	if (isnan(ios) || bypasses_diskstats(trial))
		ios = number(trial, "counts.io", o);
	if (!isnan(other)) /* flushes and discards of others interrupt, too */
		ios += other;
	if (isnan(irqs) || isnan(ios) || isnan(window)) {
		not_applicable(o, "no count of interrupts or I/Os");
		return;
	}
	most = INTERRUPTS_MOST * ios + INTERRUPTS_PER_S * window;
	decide(o, irqs <= most, "%.0f interrupts for %.0f I/Os, at most %.0f can be theirs", irqs,
	       ios, most);
}

static void cpu_time_bounded(const json_t *trial, struct check_outcome *o)
{
	const char *text = jsonio_string(trial, "placement.cpus", NULL);
	double cpu = number(trial, "evidence.counters.task_cpu_ns", o);
	double window = jsonio_number(trial, "evidence.window_ns"), most;
	struct cpulist cpus = {0};

	if (!text || isnan(cpu) || isnan(window) || cpulist_parse(text, &cpus, NULL) || !cpus.n) {
		not_applicable(o, "no CPU time of the tasks or no list of their CPUs");
		return;
	}
	most = (double)cpus.n * window * (1 + CPU_TIME_TOLERANCE);
	json_object_set_new(o->numbers, "cpus", json_integer((json_int_t)cpus.n));
	decide(o, cpu <= most, "%.4g s of CPU time in %.4g s on %zu CPUs", cpu / 1e9, window / 1e9,
	       cpus.n);
	cpulist_free(&cpus);
}

static void runtime_as_asked(const json_t *trial, struct check_outcome *o)
{
	double asked = number(trial, "load.runtime_ns", o);
	double got = number(trial, "timing.measured_ns", o);

	if (!(asked > 0))
		not_applicable(o, "the load ends by count, not by time");
	else
		decide(o, fabs(got / asked - 1) <= RUNTIME_TOLERANCE,
		       "measured for %.4g s, asked were %.4g s", got / 1e9, asked / 1e9);
}

static void open_loop_rate(const json_t *trial, struct check_outcome *o)
{
	double asked = number(trial, "load.rate_iops", o), got = number(trial, "metrics.iops", o);

	if (!is_open_loop(trial) || !(asked > 0) || isnan(got))
		not_applicable(o, "closed loop");
	else
		decide(o, got >= OPEN_LOOP_REACHED * asked,
		       "%.6g of %.6g intended I/Os per second%s", got, asked,
		       got >= OPEN_LOOP_REACHED * asked
			       ? ""
			       : ": saturated, latency is that of a growing queue");
}

/* Those never started would have waited longest. Merged histograms cannot tell how many lack in
 * which trial, so all latencies of the trial go. */
static void open_loop_complete(const json_t *trial, struct check_outcome *o)
{
	double never = number(trial, "counts.never_started", o);
	double arrivals = number(trial, "counts.arrivals", o);

	if (!is_open_loop(trial) || isnan(never) || isnan(arrivals))
		not_applicable(o, "closed loop, or arrivals were not counted");
	else
		decide(o, never == 0, "%.0f of %.0f arrivals were never started%s", never, arrivals,
		       never == 0 ? "" : ": no slot was free in time");
}

static void device_ios(const json_t *trial, struct check_outcome *o)
{
	double io = number(trial, "counts.io", o);
	double seen = number(trial, "evidence.counters.device_ios", o);
	double merged = number(trial, "evidence.counters.device_merges", o);

	if (!strcmp(jsonio_string(trial, "load.engine", ""), "nop")) {
		not_applicable(o, "the nop engine does not reach a device");
		return;
	}
	if (bypasses_diskstats(trial)) {
		not_applicable(o, "the block layer does not count passthrough "
				  "(queue/iostats_passthrough)");
		return;
	}
	if (isnan(io) || isnan(seen)) {
		not_applicable(o, jsonio_string(trial, "evidence.absent.device_ios",
						"the target's I/Os were not counted"));
		return;
	}
	if (!isnan(merged))
		seen += merged;
	decide(o, seen >= DEVICE_IOS_SEEN * io,
	       "the device saw %.0f I/Os (merged ones included) of the workload's %.0f%s", seen, io,
	       seen >= DEVICE_IOS_SEEN * io ? "" : ": the rest came from memory or holes");
}

static const struct check checks[] = {
	{"littles_law", "rate, latency and depth must belong together, else one of them is wrong",
	 LIST("latency_*", "service_*"), littles_law},
	{"bytes_match",
	 "bytes must be I/Os times block size, else short I/Os were counted as whole", LIST("*"),
	 bytes_match},
	{"histogram_count", "each I/O must be in the histogram, else its tail may be missing",
	 LIST("latency_*"), histogram_count},
	{"percentile_order", "percentiles must rise and hold the mean", LIST("latency_*"),
	 percentile_order},
	{"interrupts_bounded", "a device raises at most one interrupt for a request of its own",
	 LIST("interrupts_per_io"), interrupts_bounded},
	{"cpu_time_bounded", "tasks cannot use more CPU time than their CPUs had",
	 LIST("cpu_ns_per_io_task", "cpu_ns_per_io_sq_thread"), cpu_time_bounded},
	{"runtime_as_asked", "a window of another length is another experiment", LIST("*"),
	 runtime_as_asked},
	{"open_loop_rate",
	 "an open loop that does not reach its rate measures the length of its run",
	 LIST("latency_*", "service_*"), open_loop_rate},
	{"open_loop_complete",
	 "an arrival that was never started is the slowest of all and has no latency",
	 LIST("latency_*"), open_loop_complete},
	{"device_ios", "I/Os that never reached the device say nothing about its modes", LIST("*"),
	 device_ios},
};

static const char *const result_names[] = {
	[CHECK_PASS] = "pass", [CHECK_FAIL] = "fail", [CHECK_NOT_APPLICABLE] = "not_applicable"};

const struct check *check_all(size_t *n)
{
	*n = ARRAY_SIZE(checks);
	return checks;
}

const char *check_result_name(enum check_result result)
{
	return result_names[result];
}

json_t *check_trial(const json_t *trial)
{
	json_t *out = json_array();

	if (!strcmp(jsonio_string(trial, "status", ""), "failed"))
		return out;
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		struct check_outcome o = {.numbers = json_object()};
		json_t *spoils = json_array();

		checks[i].run(trial, &o);
		for (const char *const *s = checks[i].spoils; *s; s++)
			json_array_append_new(spoils, json_string(*s));
		json_array_append_new(out,
				      json_pack("{s:s, s:s, s:o, s:o, s:s}", "id", checks[i].id,
						"result", result_names[o.result], "spoils", spoils,
						"numbers", o.numbers, "sentence", o.sentence));
	}
	return out;
}

static bool covers(const char *pattern, const char *metric)
{
	size_t len = strlen(pattern);

	if (len && pattern[len - 1] == '*')
		return !strncmp(pattern, metric, len - 1);
	return !strcmp(pattern, metric);
}

const char *check_spoiled(const json_t *list, const char *metric)
{
	const json_t *one, *pattern;
	size_t i, k;

	json_array_foreach (list, i, one) {
		if (strcmp(jsonio_string(one, "result", ""), "fail"))
			continue;
		json_array_foreach (json_object_get(one, "spoils"), k, pattern)
			if (covers(json_string_value(pattern) ?: "", metric))
				return jsonio_string(one, "id", "?");
	}
	return NULL;
}

const char *check_status(const json_t *list)
{
	/* only "*" covers the empty name */
	return check_spoiled(list, "") ? "invalid" : "valid";
}
