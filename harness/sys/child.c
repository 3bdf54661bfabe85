// SPDX-License-Identifier: Apache-2.0
/* Our side of a supervised child: plan, fork, listen. The supervisor is child_supervise.c. */
#include "sys/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "sys/child_private.h"

#define OUTPUT_MAX (1ull << 30)

struct child {
	pid_t supervisor, pid;
	int channel;
	struct child_cgroup cgroup;
	bool ended, left, cut;
	int status;
};

static int input_open(const char *text, int *fd, struct diag *d)
{
	size_t len = text ? strlen(text) : 0;

	*fd = text ? memfd_create("stdin", MFD_CLOEXEC) : open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		return diag_errno(d, -errno, "standard input of the workload");
	if (len && (write(*fd, text, len) != (ssize_t)len || lseek(*fd, 0, SEEK_SET)))
		return diag_errno(d, errno ? -errno : -EIO, "standard input of the workload");
	return 0;
}

static int output_open(int dir, const char *name, int *fd, struct diag *d)
{
	*fd = -1;
	if (dir < 0 || !name)
		return 0;
	*fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	return *fd < 0 ? diag_errno(d, -errno, "%s", name) : 0;
}

static int cpus_set(const struct cpulist *list, struct child_plan *plan)
{
	unsigned n;

	if (!list || !list->n)
		return 0;
	n = list->cpu[list->n - 1] + 1;
	plan->cpus = CPU_ALLOC(n);
	if (!plan->cpus)
		return -ENOMEM;
	plan->cpus_size = CPU_ALLOC_SIZE(n);
	CPU_ZERO_S(plan->cpus_size, plan->cpus);
	for (size_t i = 0; i < list->n; i++)
		CPU_SET_S(list->cpu[i], plan->cpus_size, plan->cpus);
	return 0;
}

static int start_failed(const struct child_options *o, const struct child_report *r, struct diag *d)
{
	_free_ char *cpus = NULL;

	switch (r->step) {
	case CHILD_STEP_AFFINITY:
		cpus = cpulist_text(o->cpus);
		return diag_errno(d, -r->err, "%s: cannot be pinned to CPUs %s", o->argv[0],
				  cpus ? cpus : "?");
	case CHILD_STEP_MEMORY:
		return diag_errno(d, -r->err, "%s: cannot bind memory to node %d", o->argv[0],
				  o->memory_node);
	case CHILD_STEP_NETNS:
		return diag_errno(d, -r->err, "%s: cannot enter its network namespace", o->argv[0]);
	case CHILD_STEP_EXEC:
		return diag_errno(d, -r->err, "%s", o->argv[0]);
	case CHILD_STEP_DESCRIPTORS:
		return diag_errno(d, -r->err, "%s: descriptors of the child", o->argv[0]);
	case CHILD_STEP_SUPERVISOR:
		break;
	}
	return diag_errno(d, -r->err, "%s: supervisor", o->argv[0]);
}

/* Receive the next report. 0 when the supervisor is gone. */
static ssize_t next_report(const struct child *c, struct child_report *r)
{
	ssize_t n;

	do {
		n = recv(c->channel, r, sizeof(*r), 0);
	} while (n < 0 && errno == EINTR);
	return n == sizeof(*r) ? n : 0;
}

static void reap_supervisor(struct child *c)
{
	while (c->supervisor > 0 && waitpid(c->supervisor, NULL, 0) < 0 && errno == EINTR)
		;
	c->supervisor = 0;
}

/* The leaf of a killed process empties a moment after the kill. */
static void remove_cgroup(struct child *c)
{
	for (int i = 0; i < 100 && child_cgroup_remove(&c->cgroup) == -EBUSY; i++)
		poll(NULL, 0, 1);
	if (c->cgroup.fd >= 0)
		close(c->cgroup.fd);
	c->cgroup.fd = -1;
	c->cgroup.path[0] = '\0';
}

static int launch(struct child *c, const struct child_options *o, struct child_plan *plan,
		  struct diag *d)
{
	struct child_report r;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return diag_errno(d, -errno, "socket to the supervisor");
	plan->channel = pair[1];
	c->channel = pair[0];
	c->supervisor = fork();
	if (c->supervisor == 0)
		child_supervise(plan);
	close(pair[1]);
	if (c->supervisor < 0)
		return diag_errno(d, -errno, "fork");
	if (!next_report(c, &r))
		return diag_set(d, -EPIPE, "%s: its supervisor died before it started", o->argv[0]);
	if (r.kind == CHILD_FAILED)
		return start_failed(o, &r, d);
	c->pid = r.pid;
	if (!r.in_cgroup)
		remove_cgroup(c);
	return 0;
}

int child_start(const struct child_options *o, struct child **child, struct diag *d)
{
	struct child_plan plan = {
		.argv = (char *const *)o->argv, /* execvp(3) takes it so, and writes nothing */
		.memory_node = o->memory_node,
		.netns_fd = o->netns_fd > 0 ? o->netns_fd : -1,
		.output_max = o->output_max ? o->output_max : OUTPUT_MAX,
		.control_fd = o->control_fd,
		.control_as = o->control_fd < 0 ? -1 : o->control_as,
	};
	_fd_ int in = -1, out = -1, err = -1, parent = -1;
	struct child *c = calloc(1, sizeof(*c));
	int e;

	if (!c)
		return diag_errno(d, -ENOMEM, "%s", o->argv[0]);
	c->channel = c->cgroup.fd = -1;
	e = input_open(o->stdin_text, &in, d);
	if (!e)
		e = output_open(o->output_dir, o->stdout_name, &out, d);
	if (!e)
		e = output_open(o->output_dir, o->stderr_name, &err, d);
	if (!e && (e = cpus_set(o->cpus, &plan)))
		diag_errno(d, e, "%s", o->argv[0]);
	if (!e && o->control_fd >= 0 && o->control_as < 3)
		e = diag_set(d, -EINVAL, "control_as is %d, must be above 2", o->control_as);
	if (!e) {
		parent = (int)syscall(SYS_pidfd_open, getpid(), 0);
		if (parent < 0)
			e = diag_errno(d, -errno, "pidfd_open (Linux 5.3)");
	}
	if (!e) {
		if (!o->no_cgroup)
			child_cgroup_make(&c->cgroup); /* without one: the subreaper alone */
		plan.stdin_fd = in;
		plan.output[0] = out;
		plan.output[1] = err;
		plan.parent = parent;
		plan.cgroup = &c->cgroup;
		e = launch(c, o, &plan, d);
	}
	CPU_FREE(plan.cpus);
	if (e) {
		c->ended = true;
		child_free(c);
		return e;
	}
	*child = c;
	return 0;
}

pid_t child_pid(const struct child *c)
{
	return c->pid;
}

const char *child_cgroup(const struct child *c)
{
	return c->cgroup.path;
}

int child_fd(const struct child *c)
{
	return c->channel;
}

bool child_output_cut(const struct child *c)
{
	return c->cut;
}

/*
 * A supervisor that is gone without its last word was killed. The workload's main process died with
 * it (parent-death signal); the cgroup ends the rest. Its status is unknown, but SIGKILL is what it
 * got.
 */
static void take_end(struct child *c)
{
	struct child_report r;

	if (next_report(c, &r) && r.kind == CHILD_ENDED) {
		c->status = r.status;
		c->left = r.left;
		c->cut = r.cut;
	} else {
		if (c->cgroup.fd >= 0)
			child_cgroup_kill(c->cgroup.fd);
		c->status = SIGKILL;
	}
	c->ended = true;
	reap_supervisor(c);
	remove_cgroup(c);
}

int child_wait(struct child *c, uint64_t deadline_ns, int *status)
{
	while (!c->ended) {
		struct pollfd p = {.fd = c->channel, .events = POLLIN};
		struct timespec ts = clock_left(deadline_ns);
		int n = ppoll(&p, 1, deadline_ns == UINT64_MAX ? NULL : &ts, NULL);

		if (n > 0)
			take_end(c);
		else if (n == 0)
			return -ETIMEDOUT;
		else if (errno != EINTR)
			return -errno;
	}
	if (status)
		*status = c->status;
	return 0;
}

int child_kill(struct child *c)
{
	int err;

	if (!c->ended)
		shutdown(c->channel, SHUT_WR);
	/* the supervisor gives up after CHILD_END_NS and says so; a second for it to be scheduled
	 */
	err = child_wait(c, clock_ns() + CHILD_END_NS + 1000000000u, NULL);
	return err || c->left ? -EBUSY : 0;
}

void child_free(struct child *c)
{
	if (!c)
		return;
	if (!c->ended)
		child_kill(c);
	if (c->channel >= 0)
		close(c->channel); /* a supervisor that waits for us ends now */
	if (c->supervisor > 0 && c->ended)
		reap_supervisor(c);
	remove_cgroup(c);
	free(c);
}
