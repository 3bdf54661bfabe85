// SPDX-License-Identifier: Apache-2.0
/* What the kernel counted must bear out what the workload says. */
#include <math.h>
#include <string.h>

#include "analysis/check_rules.h"
#include "analysis/traffic.h"
#include "base/jsonio.h"
#include "base/num.h"

#define DEVICE_IOS_SEEN	   0.99
#define INTERRUPTS_MOST	   1.05	 /* per request of the device, and … */
#define INTERRUPTS_PER_S   200.0 /* … others that share its vectors (admin queue, balloon) */
#define PACKET_INTERRUPTS  2.0	 /* received here, and sent from here */
#define CPU_TIME_TOLERANCE 0.02
#define PACKETS_SEEN	   0.99

static const struct check_work block_work = {
	.unit = "I/O",
	.units = "I/Os",
	.rate = "metrics.iops",
	.asked_rate = "load.rate_iops",
	.mean = "metrics.latency_mean_ns",
	.depth = "load.iodepth",
	.loops = "load.numjobs",
	.count = "counts.io",
	.window_count = "evidence.counts.io",
	.cpu_per_unit = "metrics.cpu_ns_per_io_task",
};
static const struct check_work net_work = {
	.unit = "transaction",
	.units = "transactions",
	.rate = "metrics.transactions_per_s",
	.asked_rate = "load.rate_per_s",
	.mean = "metrics.rtt_mean_ns",
	.depth = "load.depth",
	.loops = "load.flows",
	.count = "counts.transaction",
	.window_count = "evidence.counts.transaction",
	.cpu_per_unit = "metrics.cpu_ns_per_transaction_task",
};

const struct check_work *check_work_of(const json_t *trial)
{
	return jsonio_at(trial, "load.pattern") ? &net_work : &block_work;
}

static bool is_passthrough(const json_t *trial)
{
	const char *engine = jsonio_string(trial, "load.engine", "");

	return !strcmp(engine, "io_uring-passthrough") || !strcmp(engine, "io_uring_cmd");
}

bool check_bypasses_diskstats(const json_t *trial)
{
	return is_passthrough(trial) && !(jsonio_number(trial, "load.iostats_passthrough") > 0);
}

/* Of the kernel counters' own window, which may hold a warm-up (fio). */
static double workload_ios(const json_t *trial, struct check_outcome *o)
{
	double io = check_number(trial, "evidence.counts.io", o);

	return isnan(io) ? check_number(trial, "counts.io", o) : io;
}

/* Of one direction, I/Os and bytes: those of one that was split make up for no other. */
static bool reached(const struct traffic *t, int i, struct check_outcome *o)
{
	double ios = t->device[i].ios, bytes = t->device[i].bytes;

	if (ios < DEVICE_IOS_SEEN * t->work[i].ios)
		check_decide(o, false,
			     "the device saw %.0f %s%s of the workload's %.0f: the rest came from "
			     "memory or holes",
			     ios, traffic_name(i), t->merges ? " (merged ones included)" : "",
			     t->work[i].ios);
	else if (bytes < DEVICE_IOS_SEEN * t->work[i].bytes)
		check_decide(o, false,
			     "the device moved %.0f bytes in its %.0f %s, of the workload's %.0f: "
			     "the rest came from memory or holes",
			     bytes, ios, traffic_name(i), t->work[i].bytes);
	else
		return true;
	return false;
}

void check_device_ios(const json_t *trial, struct check_outcome *o)
{
	struct traffic t;
	double io = workload_ios(trial, o);
	double seen = check_number(trial, "evidence.counters.device_ios", o);

	check_number(trial, "evidence.counters.device_merges", o);
	check_number(trial, "evidence.counters.device_bytes", o);
	if (check_work_of(trial) == &net_work) {
		check_not_applicable(o, "a network load has no device that does I/Os");
		return;
	}
	if (!strcmp(jsonio_string(trial, "load.engine", ""), "nop")) {
		check_not_applicable(o, "the nop engine does not reach a device");
		return;
	}
	if (check_bypasses_diskstats(trial)) {
		check_not_applicable(o, "the block layer does not count passthrough "
					"(queue/iostats_passthrough)");
		return;
	}
	traffic_of(trial, &t);
	if (isnan(io) || isnan(seen)) {
		check_not_applicable(o, jsonio_string(trial, "evidence.absent.device_ios",
						      "the target's I/Os were not counted"));
		return;
	}
	if (is_passthrough(trial)) /* whose bytes nobody promises to count */
		for (int i = 0; i < TRAFFIC_DIRECTIONS; i++)
			t.device[i].bytes = NAN;
	for (int i = 0; i < TRAFFIC_DIRECTIONS; i++)
		if (!reached(&t, i, o))
			return;
	check_decide(o, true, "the device saw %.0f I/Os%s of the workload's %.0f",
		     t.device[TRAFFIC_ALL].ios, t.merges ? " (merged ones included)" : "", io);
}

void check_interrupts(const json_t *trial, struct check_outcome *o)
{
	bool net = check_work_of(trial) == &net_work;
	double irqs = check_number(trial, "evidence.counters.device_interrupts", o), most;
	double work = check_number(
		trial, net ? "evidence.counts.packet" : "evidence.counters.device_ios", o);
	double window = jsonio_number(trial, "evidence.window_ns") / 1e9;
	double other = jsonio_number(trial, "evidence.counters.device_other_ios");

	if (!net && (isnan(work) || check_bypasses_diskstats(trial)))
		work = workload_ios(trial, o);
	if (!net && !isnan(other)) /* flushes and discards of others interrupt, too */
		work += other;
	if (isnan(irqs) || isnan(work) || isnan(window)) {
		check_not_applicable(o, net ? "no count of interrupts or packets"
					    : "no count of interrupts or I/Os");
		return;
	}
	most = INTERRUPTS_MOST * (net ? PACKET_INTERRUPTS : 1) * work + INTERRUPTS_PER_S * window;
	check_decide(o, irqs <= most, "%.0f interrupts for %.0f %s, at most %.0f can be theirs",
		     irqs, work, net ? "packets" : "I/Os", most);
}

/* The counters, and what the workload or its adapter made of them: neither may exceed the wall. */
void check_cpu_time(const json_t *trial, struct check_outcome *o)
{
	const struct check_work *work = check_work_of(trial);
	const char *text = jsonio_string(trial, "placement.cpus", NULL);
	double cpu = check_number(trial, "evidence.counters.task_cpu_ns", o);
	double sq = check_number(trial, "evidence.counters.sq_thread_cpu_ns", o);
	double stated =
		jsonio_number(trial, work->cpu_per_unit) * jsonio_number(trial, work->window_count);
	double window = jsonio_number(trial, "evidence.window_ns"), most;
	struct cpulist cpus = {0};

	cpu += isnan(sq) ? 0 : sq;
	cpu = fmax(cpu, stated); /* of one number and NAN: the number */
	if (!text || isnan(cpu) || isnan(window) || cpulist_parse(text, &cpus, NULL) || !cpus.n) {
		check_not_applicable(o, "no CPU time of the tasks or no list of their CPUs");
		return;
	}
	most = (double)cpus.n * window * (1 + CPU_TIME_TOLERANCE);
	json_object_set_new(o->numbers, "cpus", json_integer((json_int_t)cpus.n));
	check_decide(o, cpu <= most, "%.4g s of CPU time in %.4g s on %zu CPUs", cpu / 1e9,
		     window / 1e9, cpus.n);
	cpulist_free(&cpus);
}

/* A request and a response are a packet each; what a segment may hold several of is not bounded. */
void check_packets(const json_t *trial, struct check_outcome *o)
{
	double packets = check_number(trial, "evidence.counts.packet", o);
	double done = check_number(trial, "evidence.counts.transaction", o);
	double deep = jsonio_number(trial, "load.depth");
	bool datagrams = !strcmp(jsonio_string(trial, "load.protocol", ""), "udp");

	if (isnan(packets) || !(done > 0)) {
		check_not_applicable(o, jsonio_string(trial, "evidence.absent.packet",
						      "no transactions or packets were counted"));
		return;
	}
	if (!datagrams && !(deep <= 1)) {
		check_not_applicable(o, "a TCP segment may hold several requests of a deeper load");
		return;
	}
	check_decide(o, packets >= PACKETS_SEEN * 2 * done,
		     "%.0f packets were received for %.0f transactions, two each are needed%s",
		     packets, done,
		     packets >= PACKETS_SEEN * 2 * done
			     ? ""
			     : ": the rest did not pass the interfaces under test");
}

void check_lost(const json_t *trial, struct check_outcome *o)
{
	double sent = check_number(trial, "counts.sent", o);
	double done = check_number(trial, "counts.transaction", o);
	double lost = check_number(trial, "counts.lost", o);
	double open = check_number(trial, "counts.unanswered", o);

	if (isnan(sent) || isnan(done) || isnan(lost)) {
		check_not_applicable(o, "requests sent or lost were not counted");
		return;
	}
	done += lost + (isnan(open) ? 0 : open);
	check_decide(o, sent == done,
		     "%.0f requests were sent; answered, lost or under way at the end were %.0f",
		     sent, done);
}
