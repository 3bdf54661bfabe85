// SPDX-License-Identifier: Apache-2.0
/* Why two instruments disagree: one table of what can be seen in their records. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/check.h"
#include "analysis/instruments.h"
#include "analysis/kind.h"
#include "analysis/text.h"
#include "base/cleanup.h"
#include "base/jsonio.h"

/* CPU time must make up at least so much of the time that an I/O takes longer. */
#define CPU_EXPLAINS 0.5
/* A loop that is on the CPU for so much of the time and sees no interrupt polls: its CPU time is
 * the time, and explains nothing. */
#define POLLS_BUSY 0.9
#define POLLS_IRQ  0.01

static double median_of(const struct cell *c, const char *metric)
{
	_free_ double *value = calloc(c->n_samples + 1, sizeof(double));

	if (!value)
		abort();
	return stats_median(value, group_collect(c, group_metric(metric), NULL, value));
}

static double load_number(const struct instruments *b, const char *key, double otherwise)
{
	double value = jsonio_number(json_object_get(b->cell[0]->spec, "load"), key);

	return value > 0 ? value : otherwise;
}

bool instruments_spoiled(const struct instruments *b, int which, const char *metric, char *out,
			 size_t size)
{
	const json_t *facts = b->cell[which]->facts, *seen;
	const char *id;

	json_object_foreach (json_object_get(facts, "failing"), id, seen) {
		_json_ json_t *one = json_pack("[O]", json_object_get(seen, "check"));

		if (!check_spoiled(one, metric))
			continue;
		snprintf(out, size, "%s fails in %.0f of %.0f trials of %s: %.200s", id,
			 jsonio_number(seen, "trials"), jsonio_number(facts, "trials"),
			 b->name[which], jsonio_string(seen, "check.sentence", ""));
		return true;
	}
	return false;
}

static bool check_fails(const struct instruments *b, const struct judgement *j, char *out,
			size_t size)
{
	char other[8];

	for (int i = 0; i < 2; i++)
		if (!instruments_spoiled(b, 1 - i, j->metric->name, other, sizeof(other)) &&
		    instruments_spoiled(b, i, j->metric->name, out, size))
			return true;
	return false;
}

static bool asks_defer(const json_t *setup)
{
	const json_t *flag;
	size_t i;

	json_array_foreach (setup, i, flag)
		if (!strcmp(json_string_value(flag) ?: "", "IORING_SETUP_DEFER_TASKRUN"))
			return true;
	return false;
}

/* fio asks for DEFER_TASKRUN by itself and drops it without a word where the kernel refuses. */
static bool ring_flags(const struct instruments *b, const struct judgement *j, char *out,
		       size_t size)
{
	const json_t *own = b->cell[0]->facts, *other = b->cell[1]->facts;
	const json_t *setup = json_object_get(own, "setup");
	double rings = jsonio_number(other, "rings");
	double defer = jsonio_number(other, "rings_defer_taskrun");
	bool asked = asks_defer(setup);

	(void)j;
	if (!setup || !(rings > 0) || isnan(defer) || (asked ? defer >= rings : defer == 0))
		return false;
	if (asked)
		snprintf(out, size,
			 "%s's ring has DEFER_TASKRUN, %.0f of %s's %.0f have: it drops the flag "
			 "without a word where the kernel refuses it",
			 b->name[0], defer, b->name[1], rings);
	else
		snprintf(out, size,
			 "%.0f of %s's %.0f rings have DEFER_TASKRUN, for which it asks by itself; "
			 "%s's has not",
			 defer, b->name[1], rings, b->name[0]);
	return true;
}

static bool slat_missing(const struct instruments *b, const struct judgement *j, char *out,
			 size_t size)
{
	const struct cell *fio = b->cell[1];

	if (j->metric->quantile <= 0 || strcmp(b->name[1], "fio") ||
	    !json_is_true(json_object_get(fio->facts, "sqpoll")) ||
	    !isnan(median_of(fio, "slat_mean_ns")))
		return false;
	snprintf(out, size,
		 "with SQPOLL fio counts no submission latency (slat): how long an I/O waits for "
		 "the SQ thread is in its latency and cannot be told from the device's time");
	return true;
}

/* Time that one I/O takes longer in the second, ns: of one job, as the others run beside it. */
static double longer_ns(const struct instruments *b, const struct judgement *j)
{
	bool open = kind_open_loop(json_object_get(b->cell[0]->spec, "load"));

	if (j->metric->quantile > 0) /* those in flight beside it wait as well */
		return (j->mode - j->baseline) / (open ? 1 : load_number(b, "iodepth", 1));
	return load_number(b, "numjobs", 1) * (1e9 / j->mode - 1e9 / j->baseline);
}

static bool only_polls(const struct instruments *b)
{
	for (int i = 0; i < 2; i++) {
		double cpu = i ? b->cpu.mode : b->cpu.baseline;
		double wall = load_number(b, "numjobs", 1) * 1e9 /
			      median_of(b->cell[i], b->cell[i]->kind->rate);
		double irqs = median_of(b->cell[i], b->cell[i]->kind->interrupts);

		if (!(cpu >= POLLS_BUSY * wall) || !(irqs < POLLS_IRQ))
			return false;
	}
	return true;
}

static bool cpu_per_io(const struct instruments *b, const struct judgement *j, char *out,
		       size_t size)
{
	double more = b->cpu.mode - b->cpu.baseline, longer = longer_ns(b, j);
	const struct metric *m = b->cpu.metric;
	char text[32], slow[32], change[32];
	bool second = more > 0;

	if (strcmp(b->cell[0]->kind->name, "block") || !b->cpu.n || !b->cpu.ratio ||
	    !(b->cpu.i95.level > 0) || !isfinite(longer) || only_polls(b))
		return false;
	if (!(b->cpu.i95.low > b->cpu.margin || b->cpu.i95.high < -b->cpu.margin))
		return false;
	/* whoever uses more must be the slower one, and by that */
	if (more * longer <= 0 || fabs(more) < CPU_EXPLAINS * fabs(longer))
		return false;
	snprintf(
		out, size,
		"%s spends %s more CPU time of its own on an I/O (%s against the other); one takes "
		"%s longer with it",
		b->name[second], text_value(m, fabs(more), text, sizeof(text)),
		judge_text(&b->cpu, second ? b->cpu.estimate : -b->cpu.estimate, change,
			   sizeof(change)),
		text_value(m, fabs(longer), slow, sizeof(slow)));
	return true;
}

/* Events per I/O whose 95 % interval lies beyond their margin: the device was driven in another
 * way. */
static bool events_differ(const struct instruments *b, const char *metric, const char *words,
			  char *out, size_t size)
{
	struct group_pairs p _group_pairs_ =
		group_pairs(b->cell[1], b->cell[0], group_metric(metric));
	struct judgement j;

	if (!p.n)
		return false;
	judge_interval(&j, metric_find(metric), p.base, p.mode, p.n);
	if (!(j.i95.level > 0) || !(j.i95.low > j.margin || j.i95.high < -j.margin))
		return false;
	snprintf(out, size, "%.3g %s an I/O with %s, %.3g with %s", j.mode, words, b->name[1],
		 j.baseline, b->name[0]);
	return true;
}

static bool interrupts_differ(const struct instruments *b, const struct judgement *j, char *out,
			      size_t size)
{
	(void)j;
	return events_differ(b, b->cell[0]->kind->interrupts, "interrupts", out, size);
}

static bool switches_differ(const struct instruments *b, const struct judgement *j, char *out,
			    size_t size)
{
	(void)j;
	return !strcmp(b->cell[0]->kind->name, "block") &&
	       events_differ(b, "context_switches_per_io", "context switches", out, size);
}

/* To add one: a row, and what it looks at. The first that holds is named first. */
static const struct rule {
	const char *id;
	bool (*holds)(const struct instruments *b, const struct judgement *j, char *out,
		      size_t size);
} rules[] = {
	{"check_failed", check_fails},
	{"ring_flags", ring_flags},
	{"cpu_per_io", cpu_per_io},
	{"slat_missing", slat_missing},
	{"interrupts_per_io", interrupts_differ},
	{"context_switches_per_io", switches_differ},
};

void instruments_explain(const struct instruments *b, const struct judgement *j, json_t *list)
{
	char text[400];

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].holds(b, j, text, sizeof(text)))
			json_array_append_new(list, json_pack("{s:s, s:s}", "rule", rules[i].id,
							      "sentence", text));
}
