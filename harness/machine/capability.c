// SPDX-License-Identifier: Apache-2.0
#include "machine/capability.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/nvme_ioctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "machine/capability_live.h"
#include "machine/capability_net.h"
#include "machine/internal.h"
#include "sys/nvme_status.h"
#include "sys/sys.h"

#define PATHS_MAX 64

void capability_set(struct capability_answer *a, bool yes, const char *remedy, const char *fmt, ...)
{
	va_list ap;

	snprintf(a->value, sizeof(a->value), "%d", yes);
	snprintf(a->remedy, sizeof(a->remedy), "%s", yes || !remedy ? "" : remedy);
	va_start(ap, fmt);
	vsnprintf(a->reason, sizeof(a->reason), fmt, ap);
	va_end(ap);
}

/* What was found by a system call is asked of the recording's live.json. */
bool capability_replay(const struct machine *m, const char *name, struct capability_answer *a)
{
	_json_ json_t *answer = NULL;
	const char *value = NULL, *reason = NULL, *remedy = NULL;

	if (m->sys->live)
		return false;
	answer = recorded_live(m->sys, "capabilities", name);
	if (!answer || json_unpack(answer, "{s:s, s:s, s:s}", "value", &value, "reason", &reason,
				   "remedy", &remedy)) {
		snprintf(a->value, sizeof(a->value), "unknown");
		snprintf(a->reason, sizeof(a->reason),
			 "only the live machine can tell, and this "
			 "recording does not hold its answer");
		a->remedy[0] = '\0';
		return true;
	}
	snprintf(a->value, sizeof(a->value), "%s", value);
	snprintf(a->reason, sizeof(a->reason), "%s", reason);
	snprintf(a->remedy, sizeof(a->remedy), "%s", remedy);
	return true;
}

/* Which module parameter gives a driver poll queues, and how one gets it set. */
static const struct poll_driver {
	const char *driver, *parameter, *remedy;
} poll_drivers[] = {
	{"nvme", "nvme.poll_queues",
	 "allow_rebind: true in the experiment or --allow-rebind, when nothing else uses the "
	 "drive; "
	 "or boot with nvme.poll_queues=N"},
	{"virtio_blk", "virtio_blk.poll_queues",
	 "boot with virtio_blk.poll_queues=N on a device with more than N request queues"},
	{"null_blk", "null_blk.poll_queues", "load the module with null_blk.poll_queues=N"},
};

static void no_poll_queues(const struct machine *m, const struct machine_disk *path,
			   struct capability_answer *a)
{
	if (m->rebind.done) {
		capability_set(a, false, "a controller with more queues",
			       "no poll queues on %s, although it was rebound with "
			       "nvme.poll_queues=%u: it has too few queues",
			       path->name, m->rebind.asked);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(poll_drivers); i++) {
		const struct poll_driver *p = &poll_drivers[i];
		const char *value;

		if (strcmp(path->driver, p->driver))
			continue;
		value = machine_fact(m, p->parameter, NULL);
		if (value && strcmp(value, "0"))
			capability_set(a, false, p->remedy,
				       "no poll queues on %s, although %s=%s: the value counts "
				       "when the driver binds, and at most queues - 1 can poll",
				       path->name, p->parameter, value);
		else
			capability_set(a, false, p->remedy, "no poll queues: %s=%s", p->parameter,
				       value ? value : "0");
		return;
	}
	capability_set(a, false, "a device with poll queues (NVMe)",
		       "driver %s has no poll queues (%s)", path->driver, path->name);
}

static void probe_io_poll(const struct machine *m, const struct machine_subject *subject,
			  struct capability_answer *a)
{
	const struct machine_disk *disk = subject->disk, *paths[PATHS_MAX];
	size_t n, queues = 0;

	if (!disk) {
		capability_set(a, false, NULL, "no block device was given");
		return;
	}
	if (m->rebind.asked && !m->rebind.done && m->rebind.disk == disk) {
		capability_set(a, true, NULL, "%u poll queues once the run has rebound %s",
			       m->rebind.asked, disk->name);
		return;
	}
	n = machine_paths(m, disk, paths, PATHS_MAX);
	for (size_t i = 0; i < n && i < PATHS_MAX; i++) {
		int64_t on;

		if (sys_readf_i64(m->sys, &on, "/sys/block/%s/queue/io_poll", paths[i]->name))
			on = 0;
		for (size_t q = 0; q < paths[i]->n_hctx; q++)
			queues += paths[i]->hctx[q].type == HCTX_POLL;
		if (!on) {
			no_poll_queues(m, paths[i], a);
			return;
		}
	}
	if (queues)
		capability_set(a, true, NULL, "%zu poll queue%s", queues, queues == 1 ? "" : "s");
	else
		capability_set(a, true, NULL, "queue/io_poll is 1");
}

static void probe_null_blk(const struct machine *m, const struct machine_subject *subject,
			   struct capability_answer *a)
{
	const struct machine_disk *disk = subject->disk;

	if (disk && !strncmp(disk->name, "nullb", 5))
		capability_set(a, true, NULL, "%s", disk->name);
	else
		capability_set(a, false,
			       "modprobe null_blk queue_mode=2 irqmode=0 submit_queues=$(nproc) "
			       "poll_queues=1, and --target /dev/nullb0",
			       "%s is not a null_blk device", disk ? disk->name : "the target");
}

static void probe_char_device(const struct machine *m, const struct machine_subject *subject,
			      struct capability_answer *a)
{
	const struct machine_disk *disk = subject->disk;

	if (disk && disk->char_device[0])
		capability_set(a, true, NULL, "%s", disk->char_device);
	else if (disk && !strcmp(disk->driver, "nvme"))
		capability_set(a, false, "Linux 5.13 or later", "%s has no /dev/ngXnY", disk->name);
	else
		capability_set(a, false, "a target that is one: --target /dev/nvme0n1", "%s is not an NVMe namespace",
			       disk ? disk->name : "the target");
}

/* Get Features, identifier 08h, of every controller behind the namespace. */
static void probe_coalescing(const struct machine *m, const struct machine_subject *subject,
			     struct capability_answer *a)
{
	enum { GET_FEATURES = 0x0a, INTERRUPT_COALESCING = 0x08 };
	const struct machine_disk *disk = subject->disk, *paths[PATHS_MAX];
	char key[96];
	size_t n;

	if (!disk || strcmp(disk->driver, "nvme")) {
		capability_set(a, false, "a target that is one: --target /dev/nvme0n1", "%s is not an NVMe namespace",
			       disk ? disk->name : "the target");
		return;
	}
	snprintf(key, sizeof(key), "nvme.interrupt_coalescing/%s", disk->name);
	if (capability_replay(m, key, a))
		return;
	n = machine_paths(m, disk, paths, PATHS_MAX);
	for (size_t i = 0; i < n && i < PATHS_MAX; i++) {
		struct nvme_passthru_cmd64 cmd = {.opcode = GET_FEATURES,
						  .cdw10 = INTERRUPT_COALESCING};
		char node[80], text[96];
		int status;

		snprintf(node, sizeof(node), "/dev/%s", paths[i]->controller);
		status = m->sys->ops->nvme_admin(m->sys, node, &cmd);
		if (status) {
			capability_set(a, false, status == -EACCES ? "run as root" : NULL,
				       "%s refuses Get Features 08h: %s", paths[i]->controller,
				       status < 0 ? strerror(-status)
						  : nvme_status_text(status, text, sizeof(text)));
			return;
		}
	}
	capability_set(a, true, NULL, "Get Features 08h succeeds");
}

static void probe_two_cpus(const struct machine *m, const struct machine_subject *subject,
			   struct capability_answer *a)
{
	capability_set(a, m->allowed.n >= 2, "run with at least two CPUs allowed",
		       "%zu CPU%s may be used", m->allowed.n, m->allowed.n == 1 ? "" : "s");
}

static void probe_smt(const struct machine *m, const struct machine_subject *subject,
		      struct capability_answer *a)
{
	if (!m->topology)
		capability_set(a, false, NULL, "CPU topology is not known");
	else
		capability_set(a, m->smt,
			       "switch SMT on in the firmware or with "
			       "/sys/devices/system/cpu/smt/control",
			       m->smt ? "cores have more than one thread"
				      : "every core has one thread");
}

static void probe_root(const struct machine *m, const struct machine_subject *subject,
		       struct capability_answer *a)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};
	bool admin;

	if (capability_replay(m, "root", a))
		return;
	admin = !syscall(SYS_capget, &header, data) && data[0].effective & (1u << CAP_SYS_ADMIN);
	capability_set(a, !geteuid() && admin, "run as root", "effective uid %u, %s CAP_SYS_ADMIN",
		       geteuid(), admin ? "with" : "without");
}

static const struct capability rows[] = {
	{"aio.available", "Linux AIO: io_setup(2) works", OF_HOST, capability_aio},
	{"block.io_poll", "the device, or every path to it, has poll queues", OF_DISK,
	 probe_io_poll},
	{"cpus.smt", "cores have sibling threads", OF_HOST, probe_smt},
	{"cpus.two", "at least two CPUs may be used, so that a submission thread has its own",
	 OF_HOST, probe_two_cpus},
	{"io_uring.available", "io_uring_setup(2) works for this user", OF_HOST, capability_ring},
	{"io_uring.coop_taskrun", "IORING_SETUP_COOP_TASKRUN (Linux 5.19)", OF_HOST,
	 capability_ring_coop_taskrun},
	{"io_uring.defer_taskrun", "IORING_SETUP_DEFER_TASKRUN (Linux 6.1)", OF_HOST,
	 capability_ring_defer_taskrun},
	{"io_uring.hybrid_iopoll", "IORING_SETUP_HYBRID_IOPOLL (Linux 6.13)", OF_HOST,
	 capability_ring_hybrid_iopoll},
	{"io_uring.iopoll", "IORING_SETUP_IOPOLL (Linux 5.1)", OF_HOST, capability_ring_iopoll},
	{"io_uring.min_wait", "minimum-wait batching, IORING_FEAT_MIN_TIMEOUT (Linux 6.12)",
	 OF_HOST, capability_ring_min_wait},
	{"io_uring.passthrough", "IORING_OP_URING_CMD (Linux 5.19)", OF_HOST,
	 capability_ring_passthrough},
	{"io_uring.sqpoll", "IORING_SETUP_SQPOLL (Linux 5.1, unprivileged 5.13)", OF_HOST,
	 capability_ring_sqpoll},
	{"io_uring.napi", "IORING_REGISTER_NAPI (Linux 6.9)", OF_HOST, capability_ring_napi},
	{"net.adaptive", "the driver adapts its interrupt rate (use-adaptive-rx)", OF_NIC,
	 capability_net_adaptive},
	{"net.busy_poll", "SO_BUSY_POLL (Linux 3.11) may be set", OF_HOST,
	 capability_net_busy_poll},
	{"net.coalescing", "the driver can delay interrupts (rx-usecs)", OF_NIC,
	 capability_net_coalescing},
	{"net.defer", "napi_defer_hard_irqs (Linux 5.8), and NAPI that it could defer", OF_NIC,
	 capability_net_defer},
	{"net.epoll_params", "busy poll parameters of an epoll instance (Linux 6.9)", OF_HOST,
	 capability_net_epoll_params},
	{"net.interrupts", "the interface has interrupts of its own (a veth has none)", OF_NIC,
	 capability_net_interrupts},
	{"net.irq_suspend", "irq-suspend-timeout of each NAPI instance (Linux 6.13)", OF_NIC,
	 capability_net_irq_suspend},
	{"net.namespaces", "a network namespace can be made, for the other end", OF_HOST,
	 capability_net_namespaces},
	{"net.napi", "packets come by NAPI: SO_INCOMING_NAPI_ID can be other than 0", OF_NIC,
	 capability_net_napi},
	{"net.per_napi_defer", "defer-hard-irqs of each NAPI instance (Linux 6.13)", OF_NIC,
	 capability_net_per_napi_defer},
	{"net.prefer_busy_poll", "SO_PREFER_BUSY_POLL (Linux 5.11) may be set", OF_HOST,
	 capability_net_prefer_busy_poll},
	{"net.threaded", "NAPI in kernel threads (Linux 5.12)", OF_NIC, capability_net_threaded},
	{"net.threaded_busy_poll", "NAPI threads that poll without pause (Linux 6.19)", OF_NIC,
	 capability_net_threaded_busy_poll},
	{"net.zerocopy", "SO_ZEROCOPY (Linux 4.14)", OF_HOST, capability_net_zerocopy},
	{"nvme.char_device", "the namespace's character device /dev/ngXnY (Linux 5.13)", OF_DISK,
	 probe_char_device},
	{"block.null_blk", "the target is a null_blk device", OF_DISK, probe_null_blk},
	{"nvme.interrupt_coalescing", "the controller has feature 08h", OF_DISK, probe_coalescing},
	{"root", "effective uid 0 with CAP_SYS_ADMIN", OF_HOST, probe_root},
};

const struct capability *capability_all(size_t *n)
{
	*n = ARRAY_SIZE(rows);
	return rows;
}

const struct capability *capability_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

bool capability_applies(const struct capability *c, const struct machine_subject *subject)
{
	switch (c->of) {
	case OF_DISK:
		return subject->disk;
	case OF_NIC:
		return subject->n_nics;
	case OF_HOST:
		break;
	}
	return !subject->disk && !subject->n_nics;
}

json_t *capability_json(const struct capability_answer *answer)
{
	return json_pack("{s:s, s:s, s:s}", "value", answer->value, "reason", answer->reason,
			 "remedy", answer->remedy);
}
