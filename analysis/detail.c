// SPDX-License-Identifier: Apache-2.0
#include "analysis/detail.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jsonio.h"
#include "record/view.h"

static const char *const parts[CPU_PARTS] = {
	[CPU_USER] = "user", [CPU_SYSTEM] = "system",	[CPU_SQ_THREAD] = "SQ thread",
	[CPU_IRQ] = "irq",   [CPU_SOFTIRQ] = "softirq", [CPU_IDLE_POLL] = "idle poll",
};

const char *cpu_part_name(enum cpu_part part)
{
	return parts[part];
}

double detail_cpu(const struct detail *detail, enum cpu_part part)
{
	double ns = detail->cpu_ns[part];

	if (part == CPU_SYSTEM)
		ns = fmax(0, ns - detail->cpu_ns[CPU_SQ_THREAD]);
	return detail->events > 0 ? ns / detail->events : NAN;
}

static double or_zero(double value)
{
	return isnan(value) ? 0 : value;
}

static void count(json_t *counts, const char *key, double n)
{
	double before = or_zero(json_number_value(json_object_get(counts, key)));

	json_object_set_new(counts, key, json_real(before + n));
}

struct detail *detail_new(void)
{
	struct detail *detail = calloc(1, sizeof(*detail));

	if (!detail)
		return NULL;
	detail->irq_by_cpu = json_object();
	detail->vectors = json_object();
	detail->knobs = json_object();
	detail->labels = json_object();
	return detail;
}

void detail_free(struct detail *detail)
{
	if (!detail)
		return;
	json_decref(detail->irq_by_cpu);
	json_decref(detail->vectors);
	json_decref(detail->knobs);
	json_decref(detail->labels);
	free(detail);
}

/* The kernel's own division of the measured CPUs' time. The SQ thread is a kernel task, so its time
 * is in "system", too; detail_cpu() takes it out (ticks are coarse, so never below nothing). */
static void add_cpu(struct detail *detail, const json_t *evidence)
{
	static const struct {
		enum cpu_part part;
		const char *key;
	} rows[] = {{CPU_USER, "user_ns"},
		    {CPU_USER, "nice_ns"},
		    {CPU_SYSTEM, "system_ns"},
		    {CPU_IRQ, "irq_ns"},
		    {CPU_SOFTIRQ, "softirq_ns"}};
	const json_t *cpus = jsonio_at(evidence, "detail.cpu.cpus"), *cpu;
	double sq = or_zero(jsonio_number(evidence, "counters.sq_thread_cpu_ns"));
	double poll = jsonio_number(evidence, "counters.idle_poll_ns");
	size_t i;

	if (!json_array_size(cpus))
		return;
	json_array_foreach (cpus, i, cpu)
		for (size_t r = 0; r < ARRAY_SIZE(rows); r++)
			detail->cpu_ns[rows[r].part] += or_zero(jsonio_number(cpu, rows[r].key));
	detail->cpu_ns[CPU_SQ_THREAD] += sq;
	detail->with_cpu++;
	detail->resolution_ns = fmax(detail->resolution_ns,
				     or_zero(jsonio_number(evidence, "detail.cpu.resolution_ns")));
	if (isnan(poll))
		return;
	detail->cpu_ns[CPU_IDLE_POLL] += poll;
	detail->with_idle_poll++;
}

static void add_interrupts(struct detail *detail, const json_t *evidence)
{
	const json_t *vectors = jsonio_at(evidence, "detail.interrupts.vectors"), *vector;
	const char *cpu;
	json_t *n;
	size_t i;

	json_array_foreach (vectors, i, vector) {
		const char *name = jsonio_string(vector, "name", "?");
		json_t *of = json_object_get(detail->vectors, name);

		if (!of) {
			of = json_object();
			json_object_set_new(detail->vectors, name, of);
		}
		json_object_foreach (json_object_get(vector, "cpu"), cpu, n) {
			count(of, cpu, json_number_value(n));
			count(detail->irq_by_cpu, cpu, json_number_value(n));
		}
	}
}

int detail_add_knobs(struct detail *detail, const struct view *trial)
{
	_json_ json_t *knobs = view_json(trial, "knobs");
	json_t *one;
	size_t i;

	json_array_foreach (knobs, i, one) {
		_free_ char *text = jsonio_line(one);

		if (!text)
			return -ENOMEM;
		count(detail->knobs, text, 1);
	}
	return 0;
}

int detail_add(struct detail *detail, const struct view *trial, const char *event)
{
	_json_ json_t *evidence = view_json(trial, "evidence");
	_json_ json_t *counts = view_json(trial, "counts");
	_json_ json_t *labels = view_json(trial, "labels");
	double events = jsonio_number(json_object_get(evidence, "counts"), event);
	json_t *one;
	size_t i;

	if (isnan(events))
		events = jsonio_number(counts, event);
	detail->trials++;
	detail->events += or_zero(events);
	detail->window_ns += or_zero(jsonio_number(evidence, "window_ns"));
	detail->task_cpu_ns += or_zero(jsonio_number(evidence, "counters.task_cpu_ns"));
	add_cpu(detail, evidence);
	add_interrupts(detail, evidence);
	json_array_foreach (labels, i, one)
		count(detail->labels,
		      json_is_string(one) ? json_string_value(one) : jsonio_string(one, "id", "?"),
		      1);
	return detail_add_knobs(detail, trial);
}

json_t *ledger_new(void)
{
	return json_pack("{s:{}, s:[]}", "checks", "trials");
}

void ledger_add(json_t *ledger, const struct view *trial, const char *status,
		enum verdict_mode mode)
{
	_json_ json_t *checks = view_json(trial, "checks");
	_json_ json_t *verdict = view_json(trial, "verdict");
	_json_ json_t *error = view_json(trial, "error");
	json_t *by_id = json_object_get(ledger, "checks"), *one, *why = json_array(), *row;
	char id[80], cell[320];
	size_t i;

	json_array_foreach (checks, i, one) {
		const char *name = jsonio_string(one, "id", "?");
		const char *result = jsonio_string(one, "result", "?");
		json_t *of = json_object_get(by_id, name);

		if (!of) {
			of = json_object();
			json_object_set_new(by_id, name, of);
		}
		count(of, result, 1);
		if (!strcmp(result, "fail"))
			json_array_append(why, json_object_get(one, "sentence"));
	}
	if (json_is_string(error))
		json_array_append(why, error);
	if (mode != VERDICT_IN_FORCE)
		json_array_extend(why, json_object_get(verdict, "reasons"));
	if (!strcmp(status, "valid") && mode == VERDICT_IN_FORCE && !json_array_size(why)) {
		json_decref(why);
		return;
	}
	row = json_pack("{s:s, s:s, s:o, s:s, s:s, s:o}", "trial",
			view_word(trial, "trial", id, sizeof(id), "?"), "cell",
			view_word(trial, "cell", cell, sizeof(cell), "?"), "block",
			json_integer((json_int_t)or_zero(view_number(trial, "block"))), "status",
			status, "mode", verdict_mode_name(mode), "why", why);
	json_array_append_new(json_object_get(ledger, "trials"), row);
}
