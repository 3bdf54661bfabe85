/* SPDX-License-Identifier: Apache-2.0 */
/* What a report shows of trials beyond their metrics: where CPU time went, which CPU took the
 * interrupts, what the knobs were, what was not used and why. */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include "record/verdict.h"

struct view;

enum cpu_part {
	CPU_USER,
	CPU_SYSTEM,
	CPU_SQ_THREAD,
	CPU_IRQ,
	CPU_SOFTIRQ,
	CPU_IDLE_POLL,
	CPU_PARTS
};

struct detail {
	/* Sums over the trials that the row stands on. */
	double cpu_ns[CPU_PARTS], task_cpu_ns, events, window_ns, resolution_ns;
	size_t trials, with_cpu, with_idle_poll;
	json_t *irq_by_cpu; /* "3" -> interrupts of the device's vectors on CPU 3 */
	json_t *vectors;    /* name -> {"3": n} */
	json_t *knobs;	    /* canonical text of one setting without `status` -> trials */
	json_t *labels;	    /* label -> trials */
};

struct detail *detail_new(void);
void detail_free(struct detail *detail);
/* One valid trial; `count` is the member of evidence.counts that ratios divide by. -ENOMEM. */
int detail_add(struct detail *detail, const struct view *trial, const char *count);
/* The knobs alone: of trials that count for nothing else, too. */
int detail_add_knobs(struct detail *detail, const struct view *trial);
/* {"checks": {id: {"pass": n, "fail": n, "not_applicable": n}}, "trials": [{"trial", "cell",
 * "block", "status", "mode", "why": []}]}: every trial that is not valid and in force, or that
 * failed a check. New reference. */
json_t *ledger_new(void);
void ledger_add(json_t *ledger, const struct view *trial, const char *status,
		enum verdict_mode mode);
const char *cpu_part_name(enum cpu_part part);
/* ns of it an event; "system" without what is known to be the SQ thread's. */
double detail_cpu(const struct detail *detail, enum cpu_part part);
