// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "machine/preflight_private.h"

static const struct preflight_check checks[] = {
	{"busy", "CPU time that other programs and the hypervisor take", preflight_busy},
	{"iomodes", "another iomodes on this host", preflight_iomodes},
	{"cpus", "a CPU for the orchestrator besides the measured ones", preflight_cpus},
	{"privilege", "what an ordinary user cannot set", preflight_privilege},
	{"io_uring", "io_uring switched off by sysctl", preflight_io_uring},
	{"hypervisor", "a virtual machine under us", preflight_hypervisor},
	{"governor", "CPU frequency policy", preflight_governor},
	{"turbo", "opportunistic CPU frequencies", preflight_turbo},
	{"idle", "idle states with a long way back", preflight_idle},
	{"clock", "the kernel's clock source", preflight_clock},
	{"smt", "sibling threads that share a core", preflight_smt},
	{"irqbalance", "a daemon that moves interrupts", preflight_irqbalance},
	{"services", "maintenance that starts by itself", preflight_services},
	{"throttling", "CPUs throttled for heat", preflight_throttling},
	{"swap", "pages swapped out", preflight_swap},
	{"space", "room for scratch files and results", preflight_space},
	{"scheduler", "I/O schedulers", preflight_scheduler},
	{"rq_affinity", "which CPU completes a request", preflight_rq_affinity},
	{"iostats", "per-I/O accounting of block devices", preflight_iostats},
	{"poll_queues", "drives that could poll but have no poll queue", preflight_poll_queues},
	{"link", "PCIe links below their width or speed", preflight_link},
	{"apst", "NVMe power states entered on their own", preflight_apst},
	{"busy_poll", "sockets that poll by default", preflight_busy_sysctl},
	{"steering", "packets handed on to another CPU", preflight_steering},
	{"adaptive", "interrupt rates that a NIC's driver changes by itself", preflight_adaptive},
	{"napi", "deferral and threads that a NIC was left with", preflight_napi},
	{"nmi_watchdog", "a hardware counter and a periodic NMI in use", preflight_nmi_watchdog},
	{"numa_balancing", "pages unmapped to see who uses them", preflight_numa_balancing},
	{"thp", "huge pages at the kernel's discretion", preflight_thp},
	{"irq_time", "how CPU time in interrupts is accounted", preflight_irq_time},
	{"mitigations", "CPU vulnerabilities mitigated in every system call",
	 preflight_mitigations},
};

const struct preflight_check *preflight_checks(size_t *n)
{
	*n = ARRAY_SIZE(checks);
	return checks;
}

int preflight_add(struct preflight *found, const struct preflight_check *self,
		  enum severity severity, const char *effect, const char *mend, const char *what,
		  ...)
{
	struct preflight_finding *grown =
					 reallocarray(found->finding, found->n + 1, sizeof(*grown)),
				 *f;
	va_list ap;

	if (!grown)
		return -ENOMEM;
	found->finding = grown;
	f = &grown[found->n++];
	*f = (struct preflight_finding){.check = self->name, .severity = severity};
	snprintf(f->effect, sizeof(f->effect), "%s", effect);
	snprintf(f->mend, sizeof(f->mend), "%s", mend);
	va_start(ap, what);
	vsnprintf(f->what, sizeof(f->what), what, ap);
	va_end(ap);
	return 0;
}

/* Worst first, otherwise in the order of the checks: insertion keeps equals where they are. */
static void sort(struct preflight *found)
{
	for (size_t i = 1; i < found->n; i++) {
		struct preflight_finding f = found->finding[i];
		size_t at = i;

		for (; at && found->finding[at - 1].severity < f.severity; at--)
			found->finding[at] = found->finding[at - 1];
		found->finding[at] = f;
	}
}

int preflight_run(const struct machine *m, struct preflight *found, struct diag *d)
{
	*found = (struct preflight){0};
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		int err = checks[i].run(m, &checks[i], found);

		if (err) {
			preflight_free(found);
			return diag_errno(d, err, "check %s", checks[i].name);
		}
	}
	sort(found);
	return 0;
}

void preflight_free(struct preflight *found)
{
	free(found->finding);
	*found = (struct preflight){0};
}

const char *severity_name(enum severity severity)
{
	static const char *const names[] = {
		[SEVERITY_INFO] = "info",
		[SEVERITY_LOW] = "low",
		[SEVERITY_MEDIUM] = "medium",
		[SEVERITY_HIGH] = "high",
	};

	return names[severity];
}

json_t *preflight_json(const struct preflight *found)
{
	json_t *all = json_array();

	for (size_t i = 0; i < found->n; i++) {
		const struct preflight_finding *f = &found->finding[i];

		json_array_append_new(all,
				      json_pack("{s:s, s:s, s:s, s:s, s:s}", "check", f->check,
						"severity", severity_name(f->severity), "what",
						f->what, "effect", f->effect, "mend", f->mend));
	}
	return json_pack("{s:o}", "findings", all);
}
