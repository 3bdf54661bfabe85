// SPDX-License-Identifier: Apache-2.0
/*
 * /proc/PID/fdinfo of the workload's rings: SqThread, SqThreadCpu (Linux 5.9), SqTotalTime and
 * SqWorkTime (6.9, in microseconds; this is the SQ thread's account of itself).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "evidence/source.h"
#include "sys/sys.h"

#define RINGS_MAX 64

struct uring_sample {
	size_t n;
	struct {
		uint64_t thread, cpu, total_us, work_us;
		bool times;
	} ring[RINGS_MAX]; /* one an SQ thread: rings that share one say the same */
};

static bool has_thread(const struct uring_sample *s, uint64_t thread)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->ring[i].thread == thread)
			return true;
	}
	return false;
}

static int read_ring(const struct evidence_scope *scope, const char *fd, struct uring_sample *s)
{
	char path[300], link[64];
	_free_ char *text = NULL;
	uint64_t thread;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/fd/%s", scope->pid, fd);
	if (sys_readlink(scope->sys, path, link, sizeof(link)) ||
	    strcmp(link, "anon_inode:[io_uring]"))
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", scope->pid, fd);
	if (sys_read_all(scope->sys, path, &text, &len))
		return 0; /* closed meanwhile */
	/* "-1" without one, which is no number to text_field() */
	if (text_field(text, "SqThread", &thread) || has_thread(s, thread))
		return 0;
	if (s->n == RINGS_MAX)
		return -E2BIG;
	s->ring[s->n].thread = thread;
	text_field(text, "SqThreadCpu", &s->ring[s->n].cpu);
	s->ring[s->n].times = !text_field(text, "SqTotalTime", &s->ring[s->n].total_us) &&
			      !text_field(text, "SqWorkTime", &s->ring[s->n].work_us);
	s->n++;
	return 0;
}

static int uring_sample(const struct evidence_scope *scope, void **sample, struct diag *d)
{
	_free_ struct uring_sample *s = calloc(1, sizeof(*s));
	_free_ char **names = NULL;
	char path[64];
	int err;

	if (!s)
		return diag_errno(d, -ENOMEM, "rings");
	if (scope->pid <= 0)
		return diag_set(d, -ENODATA, "no workload to look at");
	snprintf(path, sizeof(path), "/proc/%d/fd", scope->pid);
	err = sys_list(scope->sys, path, &names);
	if (err)
		return diag_errno(d, err, "%s", path);
	for (char **p = names; *p && !err; p++)
		err = read_ring(scope, *p, s);
	if (err)
		return diag_errno(d, err, "more than %d SQ threads", RINGS_MAX);
	if (!s->n)
		return diag_set(d, -ENODATA, "the workload has no ring with an SQ thread");
	*sample = s;
	s = NULL;
	return 0;
}

static int uring_difference(const struct evidence_scope *scope, const void *b, const void *a,
			    json_t *result, struct diag *d)
{
	const struct uring_sample *before = b, *after = a;
	uint64_t total_us = 0, work_us = 0;
	json_t *rings = json_array();
	bool times = true;

	for (size_t i = 0; i < after->n; i++) {
		uint64_t total = after->ring[i].total_us, work = after->ring[i].work_us;

		for (size_t j = 0; j < before->n; j++) {
			if (before->ring[j].thread != after->ring[i].thread)
				continue;
			total = evidence_delta(before->ring[j].total_us, total);
			work = evidence_delta(before->ring[j].work_us, work);
		}
		times &= after->ring[i].times;
		total_us += total;
		work_us += work;
		json_array_append_new(rings, json_pack("{s:I, s:I}", "sq_thread",
						       (json_int_t)after->ring[i].thread, "cpu",
						       (json_int_t)after->ring[i].cpu));
	}
	evidence_detail(result, "io_uring", rings);
	if (!times)
		return diag_set(d, -ENODATA, "fdinfo has no SqTotalTime (Linux 6.9)");
	evidence_put(result, "sq_total_ns", total_us * 1000);
	evidence_put(result, "sq_work_ns", work_us * 1000);
	return 0;
}

const struct evidence_source evidence_uring = {
	.name = "io_uring",
	.doc = "what the workload's rings say about their SQ threads",
	.sample = uring_sample,
	.difference = uring_difference,
	.free = free,
};
