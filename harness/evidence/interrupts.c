// SPDX-License-Identifier: Apache-2.0
/*
 * /proc/interrupts: by vector and CPU. The kernel's counters are 32 bits wide and wrap (two weeks
 * of 3,500 interrupts a second), so differences are taken modulo 2^32.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "evidence/source.h"
#include "sys/sys.h"

static int table_sample(const struct evidence_scope *scope, const char *path, void **sample,
			struct diag *d)
{
	_free_ char *text = NULL;
	struct cpu_table *t;
	size_t len;
	int err = sys_read_all(scope->sys, path, &text, &len);

	if (err)
		return diag_errno(d, err, "%s", path);
	t = calloc(1, sizeof(*t));
	if (!t)
		return diag_errno(d, -ENOMEM, "%s", path);
	err = cpu_table_parse(text, len, t);
	if (err) {
		cpu_table_free(t);
		free(t);
		return diag_set(d, err, "%s: not the table that is expected there", path);
	}
	*sample = t;
	return 0;
}

static void table_free(void *sample)
{
	cpu_table_free(sample);
	free(sample);
}

/* Of one row: the sum over all CPUs; a CPU's own into `by_cpu` (may be NULL) when not 0. A CPU that
 * came online counts from 0, since its column shows what it had before. */
static uint64_t row_difference(const struct cpu_table *before, const struct cpu_table *after,
			       const struct cpu_table_row *row, const struct cpulist *only,
			       json_t *by_cpu)
{
	const struct cpu_table_row *was = cpu_table_row(before, row->label);
	uint64_t sum = 0;

	for (size_t i = 0; i < row->n; i++) {
		uint32_t n = row->count[i] - cpu_table_count(before, was, after->cpu[i]);
		char cpu[16];

		if (only && !cpulist_has(only, after->cpu[i]))
			continue;
		sum += n;
		snprintf(cpu, sizeof(cpu), "%u", after->cpu[i]);
		if (by_cpu && n)
			json_object_set_new(by_cpu, cpu, json_integer(n));
	}
	return sum;
}

static int interrupts_sample(const struct evidence_scope *scope, void **sample, struct diag *d)
{
	return table_sample(scope, "/proc/interrupts", sample, d);
}

static void device_difference(const struct evidence_scope *scope, const struct cpu_table *before,
			      const struct cpu_table *after, json_t *result, json_t *vectors)
{
	const struct cpu_table_row *row;
	uint64_t sum = 0;
	char label[16];

	for (size_t i = 0; i < scope->n_irqs; i++) {
		json_t *by_cpu = json_object();
		uint64_t n;

		snprintf(label, sizeof(label), "%u", scope->irqs[i]);
		row = cpu_table_row(after, label);
		if (!row || !cpu_table_row(before, label)) {
			evidence_absent(result, "device_interrupts",
					"vector %s is not in /proc/interrupts", label);
			json_decref(by_cpu);
			return;
		}
		n = row_difference(before, after, row, NULL, by_cpu);
		sum += n;
		json_array_append_new(vectors, json_pack("{s:i, s:s, s:I, s:o}", "irq",
							 (int)scope->irqs[i], "name", row->name,
							 "count", (json_int_t)n, "cpu", by_cpu));
	}
	if (scope->n_irqs)
		evidence_put(result, "device_interrupts", sum);
	else
		evidence_absent(result, "device_interrupts", "the target has no interrupt vectors");
}

static int interrupts_difference(const struct evidence_scope *scope, const void *b, const void *a,
				 json_t *result, struct diag *d)
{
	const struct cpu_table *before = b, *after = a;
	json_t *vectors = json_array(), *others = json_object();
	uint64_t all = 0;

	device_difference(scope, before, after, result, vectors);
	for (size_t i = 0; i < after->n_rows; i++) {
		const struct cpu_table_row *row = &after->row[i];
		uint64_t n;

		if (row->n < after->n_cpus) /* ERR, MIS: of no CPU */
			continue;
		n = row_difference(before, after, row, &scope->cpus, NULL);
		all += n;
		if (n)
			json_object_set_new(others, row->label, json_integer((json_int_t)n));
	}
	if (scope->cpus.n)
		evidence_put(result, "all_interrupts_measured_cpus", all);
	else
		evidence_absent(result, "all_interrupts_measured_cpus", "no CPUs are measured");
	evidence_detail(result, "interrupts",
			json_pack("{s:o, s:o}", "vectors", vectors, "measured_cpus", others));
	return 0;
}

const struct evidence_source evidence_interrupts = {
	.name = "interrupts",
	.doc = "/proc/interrupts by vector and CPU",
	.sample = interrupts_sample,
	.difference = interrupts_difference,
	.free = table_free,
};

static int softirqs_sample(const struct evidence_scope *scope, void **sample, struct diag *d)
{
	return table_sample(scope, "/proc/softirqs", sample, d);
}

/* The kinds that are counters; every kind is in the detail. */
static const struct {
	const char *row, *counter;
} softirq_counters[] = {
	{"BLOCK", "block_softirqs"},
	{"NET_RX", "net_rx_softirqs"},
	{"NET_TX", "net_tx_softirqs"},
};

static void put_softirqs(const struct evidence_scope *scope, const struct cpu_table *before,
			 const struct cpu_table *after, json_t *result)
{
	for (size_t i = 0; i < ARRAY_SIZE(softirq_counters); i++) {
		const char *name = softirq_counters[i].counter;
		const struct cpu_table_row *row = cpu_table_row(after, softirq_counters[i].row);
		char measured[64];

		snprintf(measured, sizeof(measured), "%s_measured_cpus", name);
		if (!row) {
			evidence_absent(result, name, "/proc/softirqs has no %s row",
					softirq_counters[i].row);
			evidence_absent(result, measured, "/proc/softirqs has no %s row",
					softirq_counters[i].row);
			continue;
		}
		evidence_put(result, name, row_difference(before, after, row, NULL, NULL));
		if (scope->cpus.n)
			evidence_put(result, measured,
				     row_difference(before, after, row, &scope->cpus, NULL));
		else
			evidence_absent(result, measured, "no CPUs are measured");
	}
}

static int softirqs_difference(const struct evidence_scope *scope, const void *b, const void *a,
			       json_t *result, struct diag *d)
{
	const struct cpu_table *before = b, *after = a;
	json_t *all = json_object(), *measured = json_object(), *by_cpu = json_object();

	for (size_t i = 0; i < after->n_rows; i++) {
		const struct cpu_table_row *row = &after->row[i];
		json_t *cpus = json_object();
		uint64_t sum = row_difference(before, after, row, NULL, cpus);

		json_object_set_new(all, row->label, json_integer((json_int_t)sum));
		json_object_set_new(by_cpu, row->label, cpus);
		json_object_set_new(measured, row->label,
				    json_integer((json_int_t)row_difference(before, after, row,
									    &scope->cpus, NULL)));
	}
	evidence_detail(result, "softirqs",
			json_pack("{s:o, s:o, s:o}", "all_cpus", all, "measured_cpus", measured,
				  "by_cpu", by_cpu));
	put_softirqs(scope, before, after, result);
	return 0;
}

const struct evidence_source evidence_softirqs = {
	.name = "softirqs",
	.doc = "/proc/softirqs by kind and CPU",
	.sample = softirqs_sample,
	.difference = softirqs_difference,
	.free = table_free,
};
