// SPDX-License-Identifier: Apache-2.0
/* Rate, latency, counts and time must belong together, whatever the workload. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/check_rules.h"
#include "analysis/stats.h"
#include "base/cleanup.h"
#include "base/jsonio.h"

/* Thresholds; each a fraction unless its name says otherwise. */
#define LITTLE_TOLERANCE 0.05
#define LITTLE_FOREIGN_LOW                                                      \
	0.5 /* a foreign loop is busy with itself between two I/Os, at most … \
	     */
#define RUNTIME_TOLERANCE 0.05
#define RATE_TOLERANCE	  0.02
#define OPEN_LOOP_REACHED 0.97 /* of the intended rate, else the loop is closed in truth */
#define OPEN_LOOP_MOST	  1.03 /* above it, nobody kept to it */
#define SIGMAS		  3.0
/* Of the median: a generator that sleeps until the next start is due has 0.25 to 0.3 here. */
#define START_DELAY_MOST 0.5
#define SLOTS_BUSY	 0.25 /* of the arrivals; from here on the delay is that of a queue */
#define CLAT_TOLERANCE	 0.01 /* means of the same I/Os, rounded apart */

bool check_is_open_loop(const json_t *trial)
{
	const json_t *open = jsonio_at(trial, "load.open_loop");

	return json_is_true(open) || json_integer_value(open) > 0;
}

/* Our own loops take the time of the next start as soon as they see a completion. */
static bool is_own_loop(const json_t *trial)
{
	const char *workload = jsonio_string(trial, "workload", "ioloop");

	return !strcmp(workload, "ioloop") || !strcmp(workload, "netloop");
}

static double depth(const json_t *trial, struct check_outcome *o)
{
	const struct check_work *work = check_work_of(trial);
	double deep = check_number(trial, work->depth, o);
	double many = check_number(trial, work->loops, o);

	return deep * (isnan(many) ? 1 : many);
}

void check_littles_law(const json_t *trial, struct check_outcome *o)
{
	const struct check_work *work = check_work_of(trial);
	bool open = check_is_open_loop(trial);
	double rate = check_number(trial, work->rate, o), mean, in_flight, ratio, low;
	/* the option of a user's job file that keeps it below its depth */
	const char *bound = jsonio_string(trial, "load.depth_bound", NULL);

	if (open) {
		in_flight = check_number(trial, "metrics.in_flight_mean", o);
		mean = check_number(trial, "metrics.service_mean_ns", o);
	} else {
		in_flight = depth(trial, o);
		mean = check_number(trial, work->mean, o);
	}
	if (!strcmp(jsonio_string(trial, "load.engine", ""), "nop")) {
		check_not_applicable(o, "nothing stays in flight with the nop engine");
		return;
	}
	ratio = stats_littles_law(in_flight, rate, mean);
	if (isnan(ratio)) {
		check_not_applicable(o, open ? "no rate, service time or in-flight counter"
					     : "no rate, latency or depth");
		return;
	}
	low = is_own_loop(trial) ? 1 - LITTLE_TOLERANCE : bound ? 0 : LITTLE_FOREIGN_LOW;
	json_object_set_new(o->numbers, "ratio", json_real(ratio));
	check_decide(o, ratio >= low && ratio <= 1 + LITTLE_TOLERANCE,
		     "%.6g %s per second for %.6g ns each are %.4g in flight; %s %.4g (%+.1f %%, "
		     "%+.0f to %+.0f %% is allowed%s%s)",
		     rate, work->units, mean, rate * mean / 1e9,
		     open ? "counted were" : "the depth is", in_flight, (ratio - 1) * 100,
		     (low - 1) * 100, LITTLE_TOLERANCE * 100,
		     bound ? ": an upper bound only, by the job file's " : "", bound ? bound : "");
}

void check_bytes_match(const json_t *trial, struct check_outcome *o)
{
	double io = check_number(trial, "counts.io", o);
	double bytes = check_number(trial, "counts.bytes", o);
	double bs = check_number(trial, "load.bs", o);

	if (isnan(io) || isnan(bytes) || isnan(bs))
		check_not_applicable(o, "no count of I/Os, bytes or block size");
	else
		check_decide(o, bytes == io * bs,
			     "%.0f I/Os of %.0f bytes are %.0f bytes; counted were %.0f", io, bs,
			     io * bs, bytes);
}

/* A foreign tool states all three by itself. */
void check_rate_matches(const json_t *trial, struct check_outcome *o)
{
	const struct check_work *work = check_work_of(trial);
	double count = check_number(trial, work->count, o);
	double rate = check_number(trial, work->rate, o);
	double seconds = check_number(trial, "timing.measured_ns", o) / 1e9;
	double made;

	if (isnan(count) && isnan(rate)) { /* a stream */
		count = check_number(trial, "counts.byte", o);
		rate = check_number(trial, "metrics.throughput_bytes_per_s", o);
	}
	made = count / seconds;
	if (!isfinite(made) || isnan(rate))
		check_not_applicable(o, "no rate, count or measured time");
	else
		check_decide(o, fabs(rate - made) <= RATE_TOLERANCE * made,
			     "%.0f in %.4g s are %.6g per second; stated is %.6g", count, seconds,
			     made, rate);
}

void check_histogram_count(const json_t *trial, struct check_outcome *o)
{
	const struct check_work *work = check_work_of(trial);
	double count = NAN, n = jsonio_number(trial, "latency.count");
	bool of_service = isnan(n); /* fio at open loop has no other, and knows of no window */

	n = check_number(trial, of_service ? "service.count" : "latency.count", o);
	/* at open loop those that came after the window are recorded too */
	if (check_is_open_loop(trial) && !of_service)
		count = check_number(trial, work->window_count, o);
	if (isnan(count))
		count = check_number(trial, work->count, o);
	if (isnan(count) || isnan(n))
		check_not_applicable(o, "no histogram or no count of what it holds");
	else
		check_decide(o, count == n, "%.0f latencies for %.0f %s", n, count, work->units);
}

/* One family of latencies: the number of values seen, or -1 when they do not rise (decided then).
 */
static int ladder(const json_t *trial, const char *family, struct check_outcome *o)
{
	static const char *const rungs[] = {"min", "p50", "p90", "p99", "p999", "p9999", "max"};
	char path[64];
	double last = NAN, value = NAN, mean, least = NAN;
	int seen = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rungs); i++) {
		snprintf(path, sizeof(path), "metrics.%s_%s_ns", family, rungs[i]);
		value = check_number(trial, path, o);
		if (isnan(value))
			continue;
		seen++;
		if (!i)
			least = value;
		if (value < last) {
			check_decide(o, false, "%s is %.6g, the value below it %.6g", path + 8,
				     value, last);
			return -1;
		}
		last = value;
	}
	snprintf(path, sizeof(path), "metrics.%s_mean_ns", family);
	mean = jsonio_number(trial, path);
	/* `value` is the maximum, or NAN */
	if (seen < 2 || !(mean > value || mean < least))
		return seen;
	check_decide(o, false, "%s is %.6g, which is %s", path + 8, mean,
		     mean > value ? "above the maximum" : "below the minimum");
	return -1;
}

void check_percentile_order(const json_t *trial, struct check_outcome *o)
{
	static const char *const families[] = {"latency", "service", "rtt"};
	int seen = 0;

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		int n = ladder(trial, families[i], o);

		if (n < 0)
			return;
		seen += n > 1 ? n : 0;
	}
	if (!seen)
		check_not_applicable(o, "fewer than two percentiles");
	else
		check_decide(o, true, "%d values rise, and each mean lies within", seen);
}

void check_runtime(const json_t *trial, struct check_outcome *o)
{
	double asked = check_number(trial, "load.runtime_ns", o);
	double got = check_number(trial, "timing.measured_ns", o);

	if (!(asked > 0))
		check_not_applicable(o, "the load ends by count, not by time");
	else
		check_decide(o, fabs(got / asked - 1) <= RUNTIME_TOLERANCE,
			     "measured for %.4g s, asked were %.4g s", got / 1e9, asked / 1e9);
}

/* Reached, or why not. Poisson arrivals scatter by the root of their number, and those in flight
 * at the end may have come early. */
static const char *rate_verdict(const json_t *trial, double got, double asked)
{
	double seconds = jsonio_number(trial, "timing.measured_ns") / 1e9;
	bool poisson = !strcmp(jsonio_string(trial, "load.rate_process", ""), "poisson");
	/* one may lie across the end of the window */
	double scatter = seconds > 0 ? 1 / seconds : 0;
	double early = jsonio_number(trial, check_work_of(trial)->depth) / seconds;

	if (poisson && seconds > 0)
		scatter += SIGMAS * sqrt(asked / seconds);
	if (got < OPEN_LOOP_REACHED * asked - scatter)
		return ": saturated, latency is that of a growing queue";
	if (got > OPEN_LOOP_MOST * asked + scatter + (isfinite(early) ? early : 0))
		return ": more than was asked for, so it was no loop at that rate";
	return NULL;
}

/* A user's job file has a rate for each direction, or for one of them. false: none is known. */
static bool check_rates(const json_t *trial, const json_t *rates, struct check_outcome *o)
{
	const json_t *asked;
	const char *name;
	size_t known = 0;

	json_object_foreach ((json_t *)rates, name, asked) {
		char path[64];
		const char *wrong;
		double got;

		snprintf(path, sizeof(path), "workload_report.directions.%.20s.iops", name);
		got = jsonio_number(trial, path);
		if (!json_is_number(asked) || isnan(got))
			continue;
		json_object_set_new(o->numbers, name, json_real(got));
		wrong = rate_verdict(trial, got, json_number_value(asked));
		known++;
		check_decide(o, !wrong, "%s: %.6g of %.6g intended I/Os per second%s", name, got,
			     json_number_value(asked), wrong ? wrong : "");
		if (wrong)
			break;
	}
	return known > 0;
}

void check_open_loop_rate(const json_t *trial, struct check_outcome *o)
{
	const struct check_work *work = check_work_of(trial);
	const json_t *rates = jsonio_at(trial, "load.rates");
	double asked = check_number(trial, work->asked_rate, o);
	double got = check_number(trial, work->rate, o);
	const char *wrong = rate_verdict(trial, got, asked);

	if (!check_is_open_loop(trial))
		check_not_applicable(o, "closed loop");
	else if (check_rates(trial, rates, o))
		return;
	else if (!(asked > 0) || isnan(got))
		check_not_applicable(o, rates ? "the job file's rates are none of a direction that "
						"its report tells apart"
					      : "the rate asked for, or the one reached, is not "
						"known");
	else
		check_decide(o, !wrong, "%.6g of %.6g intended %s per second%s", got, asked,
			     work->units, wrong ? wrong : "");
}

/* Those never started would have waited longest. Merged histograms cannot tell how many lack in
 * which trial, so all latencies of the trial go. */
void check_open_loop_complete(const json_t *trial, struct check_outcome *o)
{
	double never = check_number(trial, "counts.never_started", o);
	double arrivals = check_number(trial, "counts.arrivals", o);

	if (!check_is_open_loop(trial) || isnan(never) || isnan(arrivals))
		check_not_applicable(o, "closed loop, or arrivals were not counted");
	else
		check_decide(o, never == 0, "%.0f of %.0f arrivals were never started%s", never,
			     arrivals, never == 0 ? "" : ": no slot was free in time");
}

/*
 * How late the usual request left: the median from when it was due against the median from when it
 * was sent. Not the mean, which one pause of the host moves above any median. What was due while
 * every slot was busy waited for the target, and belongs to the latency.
 */
void check_starts_on_time(const json_t *trial, struct check_outcome *o)
{
	double due = check_number(trial, "metrics.rtt_p50_ns", o), sent, share, busy;

	if (isnan(due))
		due = check_number(trial, "metrics.latency_p50_ns", o);
	sent = check_number(trial, "metrics.service_p50_ns", o);
	busy = check_number(trial, "workload_report.open_loop.late_starts", o) /
	       jsonio_number(trial, "counts.arrivals");
	share = (due - sent) / due;
	if (!check_is_open_loop(trial) || !isfinite(share) || !isfinite(busy)) {
		check_not_applicable(o, "closed loop, or the starts were not timed");
		return;
	}
	json_object_set_new(o->numbers, "share", json_real(share));
	check_decide(o, share <= START_DELAY_MOST || busy >= SLOTS_BUSY,
		     "median %.6g ns from when a request was due, %.6g ns from when it was sent; "
		     "every slot was busy for %.3g %% of the arrivals%s",
		     due, sent, busy * 100,
		     share <= START_DELAY_MOST ? ""
		     : busy >= SLOTS_BUSY      ? ", which waited for them"
					       : ": the generator itself was late");
}

static double mean_of(const json_t *trial, const char *member)
{
	char sum[32], count[32], metric[48];
	double mean;

	snprintf(sum, sizeof(sum), "%s.sum_ns", member);
	snprintf(count, sizeof(count), "%s.count", member);
	snprintf(metric, sizeof(metric), "metrics.%s_mean_ns", member);
	mean = jsonio_number(trial, sum) / jsonio_number(trial, count);
	return isnan(mean) ? jsonio_number(trial, metric) : mean;
}

/* fio's parts of a latency; with SQPOLL fio 3.33 starts clat's clock at 0. */
void check_clat_above_lat(const json_t *trial, struct check_outcome *o)
{
	double clat = check_number(trial, "clat.mean_ns", o), slat, lat;

	slat = jsonio_number(trial, "slat.mean_ns");
	lat = mean_of(trial, "latency");
	if (isnan(lat)) /* at open loop, from the submission as they are */
		lat = mean_of(trial, "service");
	if (isnan(clat) || isnan(lat)) {
		check_not_applicable(o, "the workload gives no completion latency of its own");
		return;
	}
	clat += isnan(slat) ? 0 : slat;
	json_object_set_new(o->numbers, "latency_mean_ns", json_real(lat));
	check_decide(o, clat <= lat * (1 + CLAT_TOLERANCE),
		     "mean completion latency%s %.6g ns, whole latency %.6g ns",
		     isnan(slat) ? "" : " and submission", clat, lat);
}
