// SPDX-License-Identifier: Apache-2.0
#include "analysis/check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "analysis/check_rules.h"
#include "base/cleanup.h"
#include "base/jsonio.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define LATENCIES LIST("latency_*", "service_*", "rtt_*")
#define ALL	  LIST("*")

double check_number(const json_t *trial, const char *path, struct check_outcome *o)
{
	const char *name = strrchr(path, '.');
	double value = jsonio_number(trial, path);

	if (!isnan(value))
		json_object_set_new(o->numbers, name ? name + 1 : path, json_real(value));
	return value;
}

void check_not_applicable(struct check_outcome *o, const char *why)
{
	o->result = CHECK_NOT_APPLICABLE;
	snprintf(o->sentence, sizeof(o->sentence), "%s", why);
}

void check_decide(struct check_outcome *o, bool pass, const char *fmt, ...)
{
	va_list ap;

	o->result = pass ? CHECK_PASS : CHECK_FAIL;
	va_start(ap, fmt);
	vsnprintf(o->sentence, sizeof(o->sentence), fmt, ap);
	va_end(ap);
}

static const struct check checks[] = {
	{"littles_law", "rate, latency and depth must belong together, else one of them is wrong",
	 LATENCIES, check_littles_law},
	{"bytes_match",
	 "bytes must be I/Os times block size, else short I/Os were counted as whole", ALL,
	 check_bytes_match},
	{"rate_matches", "a rate is a count over a time; another number is from another window",
	 LIST("iops", "transactions_per_s", "throughput_bytes_per_s"), check_rate_matches},
	{"histogram_count", "each I/O must be in the histogram, else its tail may be missing",
	 LATENCIES, check_histogram_count},
	{"percentile_order", "percentiles must rise and hold the mean", LATENCIES,
	 check_percentile_order},
	{"clat_above_lat", "a part of a latency cannot be longer than the whole",
	 LIST("clat*", "slat*"), check_clat_above_lat},
	{"interrupts_bounded",
	 "a device raises at most one interrupt for a request of its own, or for a packet each way",
	 LIST("interrupts_per_io", "interrupts_per_packet"), check_interrupts},
	{"cpu_time_bounded", "tasks cannot use more CPU time than their CPUs had",
	 LIST("cpu_ns_per_*", "server_cpu_ns_per_*"), check_cpu_time},
	{"runtime_as_asked", "a window of another length is another experiment", ALL,
	 check_runtime},
	{"open_loop_rate",
	 "an open loop that does not reach its rate measures the length of its run", LATENCIES,
	 check_open_loop_rate},
	{"open_loop_complete",
	 "an arrival that was never started is the slowest of all and has no latency",
	 LIST("latency_*", "rtt_*"), check_open_loop_complete},
	{"starts_on_time",
	 "requests that the generator itself sends late show its delay, not the mode's",
	 LIST("latency_*", "rtt_*"), check_starts_on_time},
	{"device_ios", "I/Os that never reached the device say nothing about its modes", ALL,
	 check_device_ios},
	{"packets_accounted",
	 "transactions that no packet carried say nothing about the interface's modes", ALL,
	 check_packets},
	{"lost_accounted", "requests that are neither answered nor lost were counted wrongly", ALL,
	 check_lost},
	{"clock_stable", "times taken by two clocks cannot be compared", ALL, check_clock_source},
	{"host_steal", "time that the hypervisor took is in every latency and rate", ALL,
	 check_steal},
	{"host_foreign_cpu", "others ran on the measured CPUs", ALL, check_foreign_cpu},
	{"host_throttled", "a throttled CPU is another machine", ALL, check_throttled},
	{"drive_health", "a hot or failing drive is another drive", ALL, check_drive_health},
	{"host_kernel_log", "the kernel reported trouble during the window", ALL, check_kernel_log},
	{"host_affinity", "interrupts moved to other CPUs during the window", ALL, check_affinity},
	{"host_link", "packets of requests were dropped, or the link changed, during the window",
	 ALL, check_link},
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
