// SPDX-License-Identifier: Apache-2.0
/*
 * /proc/net/softnet_stat: one line a CPU that is online, the same in every namespace. `processed`
 * counts packets after GRO and again for each stacked interface, so it is for the machine, not for
 * a target. 32 bits wide, hence modulo 2^32.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "evidence/net.h"
#include "evidence/source.h"
#include "sys/sys.h"

#define PATH	"/proc/net/softnet_stat"
#define COLUMNS 13

static const struct {
	const char *counter, *name;
	size_t column;
} columns[] = {
	{"softnet_processed", "processed", 0},
	{"softnet_dropped", "dropped", 1},
	{"softnet_time_squeeze", "time_squeeze", 2},
	{"softnet_received_rps", "received_rps", 9}, /* Linux 2.6.35 */
	{"softnet_flow_limit", "flow_limit", 10},    /* 3.11 */
};
enum { CPU_COLUMN = 12 }; /* 5.14; before, lines are told apart by their order */

struct softnet_sample {
	size_t n, columns;
	struct line {
		unsigned cpu;
		uint32_t column[COLUMNS];
	} line[];
};

static int softnet_sample(const struct evidence_scope *scope, void **sample, struct diag *d)
{
	_free_ struct softnet_sample *s = NULL;
	_free_ char *text = NULL;
	size_t len, lines = 0;
	int err = sys_read_all(scope->sys, PATH, &text, &len);

	if (err)
		return diag_errno(d, err, PATH);
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	s = calloc(1, sizeof(*s) + lines * sizeof(s->line[0]));
	if (!s)
		return diag_errno(d, -ENOMEM, PATH);
	s->columns = COLUMNS;
	for (const char *p = text; s->n < lines; p = strchr(p, '\n') + 1) {
		struct line *line = &s->line[s->n];
		size_t n = text_hex_numbers(p, line->column, COLUMNS);

		if (n < s->columns)
			s->columns = n;
		line->cpu = n > CPU_COLUMN ? line->column[CPU_COLUMN] : (unsigned)s->n;
		s->n++;
	}
	if (!s->n || s->columns < 3)
		return diag_set(d, -EINVAL, PATH ": not the table that is expected there");
	*sample = s;
	s = NULL;
	return 0;
}

static const struct line *line_of(const struct softnet_sample *s, unsigned cpu)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->line[i].cpu == cpu)
			return &s->line[i];
	return NULL;
}

static int softnet_difference(const struct evidence_scope *scope, const void *b, const void *a,
			      json_t *result, struct diag *d)
{
	const struct softnet_sample *before = b, *after = a;
	uint64_t sum[ARRAY_SIZE(columns)] = {0};
	json_t *detail = json_array();

	for (size_t i = 0; i < after->n; i++) {
		const struct line *y = &after->line[i], *x = line_of(before, y->cpu);
		json_t *cpu = json_pack("{s:i}", "cpu", (int)y->cpu);

		for (size_t c = 0; x && c < ARRAY_SIZE(columns); c++) {
			uint32_t n = y->column[columns[c].column] - x->column[columns[c].column];

			if (columns[c].column >= after->columns)
				continue;
			sum[c] += n;
			json_object_set_new(cpu, columns[c].name, json_integer(n));
		}
		json_array_append_new(detail, cpu);
	}
	for (size_t c = 0; c < ARRAY_SIZE(columns); c++) {
		if (columns[c].column < after->columns)
			evidence_put(result, columns[c].counter, sum[c]);
		else
			evidence_absent(result, columns[c].counter,
					PATH " of this kernel has no column for it");
	}
	evidence_detail(result, "softnet", detail);
	return 0;
}

const struct evidence_source evidence_softnet = {
	.name = "softnet",
	.doc = PATH " by CPU",
	.sample = softnet_sample,
	.difference = softnet_difference,
	.free = free,
};
