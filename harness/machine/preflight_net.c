// SPDX-License-Identifier: Apache-2.0
/* How the network interfaces are set. Modes that name a setting make it themselves; what is found
 * here holds for all the others. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "machine/machine.h"
#include "machine/nic.h"
#include "machine/preflight_private.h"
#include "sys/sys.h"

/* With interrupts of its own: what a veth does is set when a run makes it. */
static bool measurable(const struct machine_nic *nic)
{
	return !nic->kind[0];
}

PREFLIGHT_CHECK(preflight_busy_sysctl)
{
	static const char *const names[] = {"busy_read", "busy_poll"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char mend[64];
		int64_t us;
		int err;

		if (sys_readf_i64(m->sys, &us, "/proc/sys/net/core/%s", names[i]) || !us)
			continue;
		snprintf(mend, sizeof(mend), "sysctl net.core.%s=0", names[i]);
		err = preflight_add(found, self, SEVERITY_HIGH,
				    i ? "every poll, select and epoll_wait polls the device first: "
					"rows that wait for interrupts do not"
				      : "every socket is born busy-polling: rows that wait for "
					"interrupts do not",
				    mend, "net.core.%s is %lld us", names[i], (long long)us);
		if (err)
			return err;
	}
	return 0;
}

PREFLIGHT_CHECK(preflight_steering)
{
	for (size_t i = 0; i < m->n_nics; i++) {
		const struct machine_nic *nic = m->nics[i];

		for (size_t k = 0; measurable(nic) && k < nic->n_queues; k++) {
			const struct machine_nic_queue *q = &nic->queues[k];
			_free_ char *cpus = cpulist_text(&q->rps_cpus);
			char mend[160];
			int err;

			if (!q->rx || !q->rps_cpus.n)
				continue;
			snprintf(mend, sizeof(mend),
				 "for f in /sys/class/net/%s/queues/rx-*/rps_cpus; do echo 0 > $f; "
				 "done",
				 nic->name);
			err = preflight_add(
				found, self, SEVERITY_MEDIUM,
				"packets are handed on from the CPU of the interrupt to "
				"another one: the wake-up between them is measured, "
				"and polling never sees them; network modes switch it off on "
				"their own interfaces",
				mend, "%s hands packets of rx-%u to CPUs %s (RPS)", nic->name,
				q->index, cpus ? cpus : "?");
			if (err)
				return err;
			break; /* one line an interface */
		}
	}
	return 0;
}

PREFLIGHT_CHECK(preflight_adaptive)
{
	for (size_t i = 0; i < m->n_nics; i++) {
		const struct machine_nic *nic = m->nics[i];
		char mend[96];
		int rx = 0, tx = 0, err;

		if (!measurable(nic) || !nic->coalescing)
			continue;
		json_unpack(nic->coalescing, "{s?i, s?i}", "use-adaptive-rx", &rx,
			    "use-adaptive-tx", &tx);
		if (!rx && !tx)
			continue;
		snprintf(mend, sizeof(mend), "ethtool -C %s adaptive-rx off adaptive-tx off",
			 nic->name);
		err = preflight_add(
			found, self, SEVERITY_MEDIUM,
			"the driver changes its interrupt rate with the load: trials of "
			"one mode differ by what ran before",
			mend, "%s adapts its interrupt rate (%s%s%s)", nic->name, rx ? "rx" : "",
			rx && tx ? ", " : "", tx ? "tx" : "");
		if (err)
			return err;
	}
	return 0;
}

/* Deferral or threads that somebody left behind: the base row would not be one. */
PREFLIGHT_CHECK(preflight_napi)
{
	for (size_t i = 0; i < m->n_nics; i++) {
		const struct machine_nic *nic = m->nics[i];

		for (size_t k = 0; measurable(nic) && k < nic->n_napis; k++) {
			const struct machine_napi *n = &nic->napis[k];
			char what[96], mend[240];
			int err;

			if (n->threaded > 0)
				snprintf(what, sizeof(what), "runs in a kernel thread");
			else if (n->defer_hard_irqs > 0)
				snprintf(what, sizeof(what), "has defer-hard-irqs %lld",
					 (long long)n->defer_hard_irqs);
			else
				continue;
			snprintf(mend, sizeof(mend),
				 "echo 0 | tee /sys/class/net/%s/{threaded,napi_defer_hard_irqs,"
				 "gro_flush_timeout}",
				 nic->name);
			err = preflight_add(found, self, SEVERITY_LOW,
					    "rows that do not name this setting run with it", mend,
					    "NAPI instance %s#%u %s", nic->name, n->index, what);
			if (err)
				return err;
			break;
		}
	}
	return 0;
}
