// SPDX-License-Identifier: Apache-2.0
/* /proc/stat of the measured CPUs, in units of USER_HZ: far too coarse for a short window, and the
 * detail says how coarse. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "evidence/source.h"
#include "sys/sys.h"

enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, FIELDS };

static const char *const field_names[FIELDS] = {
	"user_ns",   "nice_ns", "system_ns",  "idle_ns",
	"iowait_ns", "irq_ns",	"softirq_ns", "steal_ns",
};

struct cpu_sample {
	size_t n;
	uint64_t tick[][FIELDS]; /* in the order of scope->cpus */
};

static int cpu_sample(const struct evidence_scope *scope, void **sample, struct diag *d)
{
	_free_ struct cpu_sample *s = calloc(1, sizeof(*s) + scope->cpus.n * sizeof(s->tick[0]));
	_free_ char *text = NULL;
	const char *line;
	size_t len;
	int err;

	if (!s)
		return diag_errno(d, -ENOMEM, "/proc/stat");
	if (!scope->cpus.n)
		return diag_set(d, -ENODATA, "no CPUs are measured");
	err = sys_read_all(scope->sys, "/proc/stat", &text, &len);
	if (err)
		return diag_errno(d, err, "/proc/stat");
	line = text;
	for (s->n = 0; s->n < scope->cpus.n; s->n++) {
		char key[24];

		snprintf(key, sizeof(key), "\ncpu%u ", scope->cpus.cpu[s->n]);
		line = strstr(line, key); /* both are sorted */
		if (!line || text_numbers(line + strlen(key), s->tick[s->n], FIELDS) < FIELDS)
			return diag_set(d, -ENODATA, "CPU %u is not in /proc/stat",
					scope->cpus.cpu[s->n]);
	}
	*sample = s;
	s = NULL;
	return 0;
}

/* Without it, interrupt time is seen only by the tick: it hides in what it interrupted. */
static const char *irq_accounting(struct sys *sys)
{
	char release[128], path[192];
	_free_ char *text = NULL;
	size_t len;

	if (sys_readf(sys, release, sizeof(release), "/proc/sys/kernel/osrelease"))
		return "unknown";
	snprintf(path, sizeof(path), "/boot/config-%s", release);
	if (sys_read_all(sys, path, &text, &len))
		return "unknown";
	return strstr(text, "\nCONFIG_IRQ_TIME_ACCOUNTING=y") ? "yes" : "no";
}

static int cpu_difference(const struct evidence_scope *scope, const void *b, const void *a,
			  json_t *result, struct diag *d)
{
	const struct cpu_sample *before = b, *after = a;
	uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK), total[FIELDS] = {0};
	json_t *list = json_array();

	for (size_t i = 0; i < after->n; i++) {
		json_t *cpu = json_pack("{s:i}", "cpu", (int)scope->cpus.cpu[i]);

		for (int f = 0; f < FIELDS; f++) { /* iowait may run backwards (proc(5)) */
			uint64_t ns =
				tick_ns * evidence_delta(before->tick[i][f], after->tick[i][f]);

			total[f] += ns;
			json_object_set_new(cpu, field_names[f], json_integer((json_int_t)ns));
		}
		json_array_append_new(list, cpu);
	}
	evidence_put(result, "cpu_busy_ns",
		     total[USER] + total[NICE] + total[SYSTEM] + total[IRQ] + total[SOFTIRQ]);
	evidence_put(result, "cpu_idle_ns", total[IDLE] + total[IOWAIT]);
	evidence_put(result, "steal_ns", total[STEAL]);
	evidence_detail(result, "cpu",
			json_pack("{s:o, s:I, s:s}", "cpus", list, "resolution_ns",
				  (json_int_t)tick_ns, "irq_time_accounting",
				  irq_accounting(scope->sys)));
	return 0;
}

const struct evidence_source evidence_cpu = {
	.name = "cpu",
	.doc = "/proc/stat of the measured CPUs",
	.sample = cpu_sample,
	.difference = cpu_difference,
	.free = free,
};
