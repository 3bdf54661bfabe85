// SPDX-License-Identifier: Apache-2.0
/*
 * Hardware counters of the measured CPUs, all tasks and the kernel (perf_event_open(2)). They run
 * from the first sample on; the descriptors are held by it until the window is freed.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/diag.h"
#include "evidence/source.h"
#include "sys/sys.h"

enum { CYCLES, INSTRUCTIONS, EVENTS };

static const struct {
	const char *counter;
	uint64_t config;
} events[EVENTS] = {
	[CYCLES] = {"cpu_cycles", PERF_COUNT_HW_CPU_CYCLES},
	[INSTRUCTIONS] = {"cpu_instructions", PERF_COUNT_HW_INSTRUCTIONS},
};

struct reading { /* PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING */
	uint64_t value, enabled_ns, running_ns;
};

struct perf_sample {
	size_t n; /* CPUs */
	struct {
		int fd[EVENTS];
		struct reading reading[EVENTS];
	} cpu[];
};

static void perf_free(void *sample)
{
	struct perf_sample *s = sample;

	for (size_t i = 0; s && i < s->n; i++) {
		for (int e = 0; e < EVENTS; e++) {
			if (s->cpu[i].fd[e] >= 0)
				close(s->cpu[i].fd[e]);
		}
	}
	free(s);
}

static struct perf_sample *sample_new(size_t n)
{
	struct perf_sample *s = calloc(1, sizeof(*s) + n * sizeof(s->cpu[0]));

	if (!s)
		return NULL;
	s->n = n;
	for (size_t i = 0; i < n; i++)
		s->cpu[i].fd[CYCLES] = s->cpu[i].fd[INSTRUCTIONS] = -1;
	return s;
}

static int open_failed(int err, unsigned cpu, struct diag *d)
{
	if (err == -ENOENT || err == -EOPNOTSUPP || err == -ENODEV)
		return diag_set(d, -ENODATA,
				"no hardware counters (a virtual machine without PMU?)");
	if (err == -EACCES || err == -EPERM)
		return diag_set(d, -ENODATA,
				"hardware counters of a CPU need CAP_PERFMON or "
				"kernel.perf_event_paranoid <= 0");
	return diag_errno(d, err, "perf_event_open on CPU %u", cpu);
}

static int perf_sample(const struct evidence_scope *scope, void **sample, struct diag *d)
{
	struct perf_sample *s;

	if (!scope->sys->live)
		return diag_set(d, -ENODATA, "a recorded machine has no hardware counters");
	if (!scope->cpus.n)
		return diag_set(d, -ENODATA, "no CPUs are measured");
	s = sample_new(scope->cpus.n);
	if (!s)
		return diag_errno(d, -ENOMEM, "perf");
	for (size_t i = 0; i < s->n; i++) {
		for (int e = 0; e < EVENTS; e++) {
			struct perf_event_attr attr = {
				.type = PERF_TYPE_HARDWARE,
				.size = sizeof(attr),
				.config = events[e].config,
				.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED |
					       PERF_FORMAT_TOTAL_TIME_RUNNING,
			};
			int fd = (int)syscall(SYS_perf_event_open, &attr, -1,
					      (int)scope->cpus.cpu[i], -1, PERF_FLAG_FD_CLOEXEC);

			if (fd < 0) {
				int err = -errno;

				perf_free(s);
				return open_failed(err, scope->cpus.cpu[i], d);
			}
			s->cpu[i].fd[e] = fd;
		}
	}
	for (size_t i = 0; i < s->n; i++) {
		for (int e = 0; e < EVENTS; e++) {
			if (read(s->cpu[i].fd[e], &s->cpu[i].reading[e], sizeof(struct reading)) !=
			    sizeof(struct reading)) {
				perf_free(s);
				return diag_set(d, -EIO, "hardware counters cannot be read");
			}
		}
	}
	*sample = s;
	return 0;
}

static int perf_resample(const struct evidence_scope *scope, void *b, void **after, struct diag *d)
{
	struct perf_sample *before = b, *s = sample_new(before->n);

	if (!s)
		return diag_errno(d, -ENOMEM, "perf");
	for (size_t i = 0; i < s->n; i++) {
		for (int e = 0; e < EVENTS; e++) {
			if (read(before->cpu[i].fd[e], &s->cpu[i].reading[e],
				 sizeof(struct reading)) != sizeof(struct reading)) {
				perf_free(s);
				return diag_set(d, -EIO, "hardware counters cannot be read");
			}
		}
	}
	*after = s;
	return 0;
}

static int perf_difference(const struct evidence_scope *scope, const void *b, const void *a,
			   json_t *result, struct diag *d)
{
	const struct perf_sample *before = b, *after = a;
	double share_min = 1;

	for (int e = 0; e < EVENTS; e++) {
		double sum = 0;

		for (size_t i = 0; i < after->n; i++) {
			const struct reading *x = &before->cpu[i].reading[e];
			const struct reading *y = &after->cpu[i].reading[e];
			double enabled = (double)(y->enabled_ns - x->enabled_ns);
			double running = (double)(y->running_ns - x->running_ns);

			if (running <= 0)
				return diag_set(d, -ENODATA,
						"hardware counters were in use by others all the "
						"time on CPU %u",
						scope->cpus.cpu[i]);
			if (running / enabled < share_min)
				share_min = running / enabled;
			sum += (double)(y->value - x->value) * enabled / running;
		}
		evidence_put(result, events[e].counter, (uint64_t)sum);
	}
	/* below 1 the numbers are extrapolated: the counters were shared with another user */
	evidence_detail(result, "perf", json_pack("{s:f}", "counted_share_min", share_min));
	return 0;
}

const struct evidence_source evidence_perf = {
	.name = "perf",
	.doc = "hardware counters of the measured CPUs",
	.sample = perf_sample,
	.resample = perf_resample,
	.difference = perf_difference,
	.free = perf_free,
};
