// SPDX-License-Identifier: Apache-2.0
/*
 * What the host did during the window. On bare metal a limit that is exceeded makes the trial
 * invalid; in a virtual machine, whose neighbours nobody can send away, some are labels only.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/check_rules.h"
#include "base/cleanup.h"
#include "base/jsonio.h"
#include "base/num.h"

/* One thing looked at: its size in the unit of its limit, or why it could not be looked at. */
struct finding {
	double value; /* NAN: not known */
	char text[200];
};

typedef void measure_fn(const json_t *trial, struct finding *f);
static measure_fn steal, foreign_cpu, clock_source, throttled, drive_health, kernel_log, affinity,
	network, stream_drops, partly_polled;

enum {
	STEAL,
	FOREIGN_CPU,
	CLOCK_SOURCE,
	THROTTLED,
	DRIVE,
	KERNEL_LOG,
	AFFINITY,
	LINK,
	STREAM,
	POLLED
};

/* The thresholds of host validity, all of them. */
static const struct limit {
	const char *label;
	double most;
	bool label_in_vm; /* in a virtual machine: a label, not a reason to throw away */
	measure_fn *measure;
} limits[] = {
	[STEAL] = {"steal", 0.01, true, steal}, /* share of the measured CPUs' time */
	[FOREIGN_CPU] = {"foreign_cpu", 0.02, true, foreign_cpu},	   /* the same */
	[CLOCK_SOURCE] = {"clock_source_changed", 0, false, clock_source}, /* changes */
	[THROTTLED] = {"throttled", 0, false, throttled},      /* events of the measured CPUs */
	[DRIVE] = {"drive_throttled", 0, false, drive_health}, /* events, warnings */
	[KERNEL_LOG] = {"kernel_log", 0, true, kernel_log},    /* lines of level warning or worse */
	[AFFINITY] = {"affinity_changed", 0, false, affinity}, /* vectors */
	[LINK] = {"link", 0, false, network}, /* packets dropped by the interface, link changes */
	[STREAM] = {"stream_drops", 0, false, stream_drops}, /* of a stream: a label, no check */
	/* share of the packets that came otherwise, in a mode that polls and is in force: a label
	 */
	[POLLED] = {"partly_polled", 0.05, false, partly_polled},
};

static void unknown(struct finding *f, const char *why)
{
	f->value = NAN;
	snprintf(f->text, sizeof(f->text), "%s", why);
}

/* Time of all measured CPUs in the window of `evidence`, ns; NAN. */
static double cpu_time(const json_t *trial, const json_t *evidence)
{
	struct cpulist cpus = {0};
	const char *text = jsonio_string(trial, "placement.cpus", "");
	double window = jsonio_number(evidence, "window_ns");

	if (cpulist_parse(text, &cpus, NULL))
		return NAN;
	window *= cpus.n ? (double)cpus.n : NAN;
	cpulist_free(&cpus);
	return window;
}

static double tick(const json_t *evidence)
{
	double ns = jsonio_number(evidence, "detail.cpu.resolution_ns");

	return ns > 0 ? ns : 1e7;
}

static void steal(const json_t *trial, struct finding *f)
{
	const json_t *evidence = json_object_get(trial, "evidence");
	double ns = jsonio_number(evidence, "counters.steal_ns");
	double all = cpu_time(trial, evidence);

	if (isnan(ns) || isnan(all)) {
		unknown(f, jsonio_string(trial, "evidence.absent.steal_ns",
					 "steal time was not read"));
		return;
	}
	/* two ticks may be the ends of the window */
	f->value = ns > 2 * tick(evidence) ? ns / all : 0;
	snprintf(f->text, sizeof(f->text), "the hypervisor took %.2g %% of the measured CPUs' time",
		 ns / all * 100);
}

/* Interrupt time counts as nobody's: that of the load itself cannot be told from others'. */
static double interrupt_time(const json_t *evidence)
{
	const json_t *cpu;
	double sum = 0;
	size_t i;

	json_array_foreach (jsonio_at(evidence, "detail.cpu.cpus"), i, cpu) {
		double irq = jsonio_number(cpu, "irq_ns"), soft = jsonio_number(cpu, "softirq_ns");

		sum += (isnan(irq) ? 0 : irq) + (isnan(soft) ? 0 : soft);
	}
	return sum;
}

/* A spinner beside the workload is ours: what it had of the measured CPUs. */
static double spinner_time(const json_t *trial)
{
	struct cpulist cpus = {0};
	const json_t *one;
	double sum = 0;
	size_t i;

	if (cpulist_parse(jsonio_string(trial, "placement.cpus", ""), &cpus, NULL))
		return 0;
	json_array_foreach (jsonio_at(trial, "spinner.per_cpu"), i, one)
		if (cpulist_has(&cpus, (unsigned)fmax(0, jsonio_number(one, "cpu"))))
			sum += jsonio_number(one, "cpu_ns");
	cpulist_free(&cpus);
	return sum;
}

/*
 * Two accounts, and both must show it. /proc/stat is sampled by the tick on most kernels, so its
 * estimate scatters as a binomial share of the ticks does. The scheduler's own (run_time_ns, from
 * /proc/schedstat) is exact, but books a task that runs through only when it leaves the CPU. Of a
 * workload whose window is its whole life it is looked at in the steady part, by the same sources.
 */
static void foreign_cpu(const json_t *trial, struct finding *f)
{
	const json_t *steady = jsonio_at(trial, "evidence.steady");
	const json_t *evidence = steady ? steady : json_object_get(trial, "evidence");
	const json_t *counters = json_object_get(evidence, "counters");
	double all = cpu_time(trial, evidence), own = jsonio_number(counters, "task_cpu_ns");
	double sq = jsonio_number(counters, "sq_thread_cpu_ns");
	double busy = jsonio_number(counters, "cpu_busy_ns") - interrupt_time(evidence);
	double run = jsonio_number(counters, "run_time_ns"), foreign, noise, share;

	own += (isnan(sq) ? 0 : sq) + spinner_time(trial);
	foreign = busy - own;
	if (json_is_null(steady)) {
		unknown(f, "the window holds the workload's start, and it ended before its steady "
			   "part was looked at");
		return;
	}
	if (isnan(foreign) || isnan(all)) {
		unknown(f, "the CPU time of the measured CPUs or of the workload was not read");
		return;
	}
	share = fmin(fmax(busy / all, 0), 1);
	noise = fmax(2, 3 * sqrt(all / tick(evidence) * share * (1 - share))) * tick(evidence);
	if (!isnan(run)) {
		foreign = fmin(foreign, run - own);
		noise = 0;
	}
	f->value = fmax(foreign - noise, 0) / all;
	snprintf(f->text, sizeof(f->text),
		 "tasks of others had %.2g %% of the measured CPUs' time%s%s",
		 fmax(foreign, 0) / all * 100, steady ? " in its steady part" : "",
		 foreign > 0 && noise >= foreign ? ", which /proc/stat cannot tell from none" : "");
}

static void clock_source(const json_t *trial, struct finding *f)
{
	const char *before = jsonio_string(trial, "host.clock_source.before", NULL);
	const char *after = jsonio_string(trial, "host.clock_source.after", NULL);

	if (!before || !after) {
		unknown(f, jsonio_string(trial, "host.absent.clock_source",
					 "the clock source was not read"));
		return;
	}
	f->value = strcmp(before, after) != 0;
	snprintf(f->text, sizeof(f->text), "the clock source was %.40s, then %.40s", before, after);
}

static void throttled(const json_t *trial, struct finding *f)
{
	f->value = jsonio_number(trial, "host.throttle_events");
	if (isnan(f->value))
		unknown(f, jsonio_string(trial, "host.absent.throttle_events",
					 "thermal throttling was not read"));
	else
		snprintf(f->text, sizeof(f->text), "the measured CPUs were throttled %.0f times",
			 f->value);
}

static double grown(const json_t *drive, const char *name)
{
	char before[64], after[64];
	double n;

	snprintf(before, sizeof(before), "before.%s", name);
	snprintf(after, sizeof(after), "after.%s", name);
	n = jsonio_number(drive, after) - jsonio_number(drive, before);
	return n > 0 ? n : 0;
}

static void drive_health(const json_t *trial, struct finding *f)
{
	static const char *const counts[] = {"warning_temperature_min", "critical_temperature_min",
					     "thermal_1_transitions", "thermal_2_transitions"};
	const json_t *drives = jsonio_at(trial, "host.smart"), *drive;
	double hottest = NAN;
	const char *name;

	if (!json_object_size(drives)) {
		unknown(f, jsonio_string(trial, "host.absent.smart",
					 "the drive's health was not read"));
		return;
	}
	f->value = 0;
	json_object_foreach ((json_t *)drives, name, drive) {
		for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
			f->value += grown(drive, counts[i]);
		f->value += jsonio_number(drive, "after.critical_warning") > 0;
		hottest = fmax(hottest, jsonio_number(drive, "after.temperature_c"));
	}
	snprintf(f->text, sizeof(f->text),
		 "%.0f thermal transitions, minutes above the limit or warnings of the drive, at "
		 "%.0f degrees Celsius",
		 f->value, hottest);
}

static void kernel_log(const json_t *trial, struct finding *f)
{
	double lost = jsonio_number(trial, "host.kernel_log.lost");
	double more = jsonio_number(trial, "host.kernel_log.more_warnings");
	const json_t *line;
	const char *first = NULL;
	size_t i;

	if (!jsonio_at(trial, "host.kernel_log")) {
		unknown(f, jsonio_string(trial, "host.absent.kernel_log",
					 "the kernel's log was not read"));
		return;
	}
	f->value = 0;
	json_array_foreach (jsonio_at(trial, "host.kernel_log.lines"), i, line) {
		if (jsonio_number(line, "level") > 4) /* notice and below: in the record only */
			continue;
		f->value++;
		first = first ?: jsonio_string(line, "text", "");
	}
	f->value += more > 0 ? more : 0;
	snprintf(f->text, sizeof(f->text), "the kernel logged %.0f warnings%s%.110s", f->value,
		 first ? ": " : "", first ?: "");
	if (!(lost > 0))
		return;
	/* what they said is not known, so that nobody can say it was nothing */
	snprintf(f->text, sizeof(f->text),
		 "the kernel's messages were overwritten before they were read, %.0f times; %.0f "
		 "warnings were%s%.60s",
		 lost, f->value, first ? ": " : "", first ?: "");
	f->value += lost;
}

static void affinity(const json_t *trial, struct finding *f)
{
	const json_t *changed = jsonio_at(trial, "host.affinity.changed");
	const json_t *first = json_array_get(changed, 0);

	if (!json_is_array(changed)) {
		unknown(f, jsonio_string(trial, "host.absent.affinity",
					 "the target has no vectors whose affinity could change"));
		return;
	}
	f->value = (double)json_array_size(changed);
	snprintf(f->text, sizeof(f->text), "%.0f of %.0f vectors were moved%s%.40s%s%.40s%s%.40s",
		 f->value, jsonio_number(trial, "host.affinity.vectors"), first ? ": IRQ " : "",
		 jsonio_string(first, "irq", ""), first ? " from " : "",
		 jsonio_string(first, "before", ""), first ? " to " : "",
		 jsonio_string(first, "after", ""));
}

static bool is_stream(const json_t *trial)
{
	return !strcmp(jsonio_string(trial, "load.pattern", ""), "stream");
}

/* A sender that nothing holds back fills whatever queue is slowest: what a stream loses is of its
 * own making, and the receiver's rate says how much arrived. Requests that wait for answers cannot.
 */
static void stream_drops(const json_t *trial, struct finding *f)
{
	double drops = jsonio_number(trial, "evidence.counters.net_drops");

	f->value = is_stream(trial) ? drops : NAN;
}

/* The bound under load leaves room for what the kernel does not count; how much it took is said. */
static void partly_polled(const json_t *trial, struct finding *f)
{
	const json_t *one;
	size_t i;

	f->value = NAN;
	if (strcmp(jsonio_string(trial, "verdict.mode", ""), "in_force"))
		return;
	json_array_foreach (jsonio_at(trial, "verdict.expectations"), i, one) {
		if (strcmp(jsonio_string(one, "evidence", ""), "busy_poll_rx_packets") ||
		    strcmp(jsonio_string(one, "result", ""), "passed") ||
		    !json_object_get(one, "at_least"))
			continue;
		f->value = 1 - jsonio_number(one, "measured");
	}
}

static void network(const json_t *trial, struct finding *f)
{
	double drops = jsonio_number(trial, "evidence.counters.net_drops");
	double flaps = jsonio_number(trial, "evidence.counters.net_link_changes");

	if (isnan(drops) && isnan(flaps)) {
		unknown(f, jsonio_string(trial, "evidence.absent.net_drops",
					 "no network interface is measured"));
		return;
	}
	drops = isnan(drops) ? 0 : drops;
	flaps = isnan(flaps) ? 0 : flaps;
	f->value = (is_stream(trial) ? 0 : drops) + flaps;
	snprintf(f->text, sizeof(f->text), "%.0f packets dropped%s, %.0f changes of the link",
		 drops,
		 is_stream(trial) && drops > 0 ? " (a stream overflows a queue by itself)" : "",
		 flaps);
}

static void judge(const json_t *trial, int which, struct check_outcome *o)
{
	const struct limit *limit = &limits[which];
	const char *hypervisor = jsonio_string(trial, "host.hypervisor", NULL);
	struct finding f = {0};
	char text[256];

	limit->measure(trial, &f);
	if (isnan(f.value)) {
		check_not_applicable(o, f.text);
		return;
	}
	json_object_set_new(o->numbers, limit->label, json_real(f.value));
	json_object_set_new(o->numbers, "most", json_real(limit->most));
	if (f.value > limit->most && limit->label_in_vm && hypervisor) {
		snprintf(text, sizeof(text), "%.180s; a label only, under %.40s", f.text,
			 hypervisor);
		check_not_applicable(o, text);
		return;
	}
	if (f.value > limit->most && limit->most > 0)
		check_decide(o, false, "%s, at most %.0f %%", f.text, limit->most * 100);
	else
		check_decide(o, f.value <= limit->most, "%s", f.text);
}

#define RULE(name, which)                                       \
	void name(const json_t *trial, struct check_outcome *o) \
	{                                                       \
		judge(trial, which, o);                         \
	}
RULE(check_steal, STEAL)
RULE(check_foreign_cpu, FOREIGN_CPU)
RULE(check_clock_source, CLOCK_SOURCE)
RULE(check_throttled, THROTTLED)
RULE(check_drive_health, DRIVE)
RULE(check_kernel_log, KERNEL_LOG)
RULE(check_affinity, AFFINITY)
RULE(check_link, LINK)

void check_labels(const json_t *trial, json_t *labels)
{
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct finding f = {0};

		limits[i].measure(trial, &f);
		if (f.value > limits[i].most)
			json_array_append_new(labels, json_string(limits[i].label));
	}
}
