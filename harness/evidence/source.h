/* SPDX-License-Identifier: Apache-2.0 */
/* What the sources share: parsers of recorded text (pure), and the way into the result. */
#pragma once
#include "evidence/evidence.h"
#include <stdint.h>

extern const struct evidence_source evidence_interrupts, evidence_softirqs, evidence_cpu,
	evidence_sched, evidence_perf, evidence_uring, evidence_disks, evidence_energy,
	evidence_tasks, evidence_net_devices, evidence_net_protocols, evidence_softnet,
	evidence_napi_threads, evidence_tracepoints;

void evidence_put(json_t *result, const char *counter, uint64_t value);
__attribute__((format(printf, 3, 4))) void evidence_absent(json_t *result, const char *counter,
							   const char *fmt, ...);
/* Takes the reference. */
void evidence_detail(json_t *result, const char *source, json_t *detail);
/* after - before, 0 when a counter that may run backwards did. */
static inline uint64_t evidence_delta(uint64_t before, uint64_t after)
{
	return after > before ? after - before : 0;
}

/* A table of /proc/interrupts or /proc/softirqs: a column a CPU that is online, a row a vector. */
struct cpu_table_row {
	char label[16]; /* "36", "LOC", "BLOCK" */
	char name[48];	/* last word of the row: "virtio1-req.0"; "" when there is none */
	size_t n;	/* columns it has: ERR and MIS have one, not one a CPU */
	uint32_t *count;
};

struct cpu_table {
	unsigned *cpu; /* number of each column */
	size_t n_cpus;
	struct cpu_table_row *row;
	size_t n_rows;
	uint32_t *counts;
};

/* -EINVAL when it is no such table, -ENOMEM. Freed by cpu_table_free() in every case. */
int cpu_table_parse(const char *text, size_t len, struct cpu_table *t);
void cpu_table_free(struct cpu_table *t);
const struct cpu_table_row *cpu_table_row(const struct cpu_table *t, const char *label);
/* Count of a row on CPU number `cpu`; 0 when it has no column. */
uint32_t cpu_table_count(const struct cpu_table *t, const struct cpu_table_row *row, unsigned cpu);

/* The number behind "KEY:" or "KEY   :" at the start of a line. -ENOENT, -EINVAL. */
int text_field(const char *text, const char *key, uint64_t *value);
/* Numbers separated by white space; how many there were (at most n). */
size_t text_numbers(const char *text, uint64_t *value, size_t n);
/* /proc/PID/stat: start time in ticks (field 22) and last CPU (field 39). -EINVAL. */
int text_task_stat(const char *text, uint64_t *start, unsigned *cpu);
