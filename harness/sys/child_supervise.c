// SPDX-License-Identifier: Apache-2.0
/*
 * The supervisor: forked by child_start(), never execs, sleeps in one poll(2) until its parent, the
 * workload or the workload's output has something to say. It is single-threaded, so the workload's
 * parent-death signal (which follows the forking thread) means this process.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sys/child_private.h"

/* One output stream: the pipe's end here, the file behind it, how much still fits. */
struct stream {
	int pipe, file;
	uint64_t room;
};

struct supervisor {
	const struct child_plan *plan;
	struct stream out[2];
	int signals; /* signalfd, SIGCHLD */
	pid_t pid;   /* the workload */
	bool ended;
	int status;
	bool in_cgroup, cut;
};

/* What the workload says between fork and exec, over a close-on-exec pipe. */
struct setup_message {
	bool no_cgroup; /* could not enter, goes on without */
	enum child_step step;
	int err;
};

static void report(const struct child_plan *plan, const struct child_report *r)
{
	/* A parent that is gone cannot read it, and SIGPIPE is blocked: nothing to be done. */
	if (write(plan->channel, r, sizeof(*r)) < 0)
		return;
}

_Noreturn static void setup_failed(int fd, enum child_step step)
{
	struct setup_message m = {.step = step, .err = errno};

	if (write(fd, &m, sizeof(m)) < 0)
		_exit(126);
	_exit(127);
}

/*
 * Descriptors 0, 1, 2 and control_as, nothing else. All are first moved above every target, since a
 * source may have the number of a target; the close-on-exec mark on the rest (close_range(2),
 * CLOSE_RANGE_CLOEXEC, Linux 5.11) keeps `setup` usable until exec. Returns its new number.
 */
static int place_descriptors(const struct child_plan *plan, const int output[2], int setup)
{
	int from[] = {setup, plan->stdin_fd, output[0], output[1], plan->control_fd};
	const int to[] = {-1, 0, 1, 2, plan->control_as};
	int above = (plan->control_as > 2 ? plan->control_as : 2) + 1;

	for (int i = 0; i < 5; i++) {
		if (from[i] < 0)
			continue;
		from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, above);
		if (from[i] < 0)
			setup_failed(setup, CHILD_STEP_DESCRIPTORS);
	}
	for (int i = 1; i < 5; i++) {
		if (from[i] >= 0 && dup2(from[i], to[i]) < 0)
			setup_failed(from[0], CHILD_STEP_DESCRIPTORS);
	}
	if (syscall(SYS_close_range, 3u, ~0u, 1u << 2 /* CLOSE_RANGE_CLOEXEC */))
		setup_failed(from[0], CHILD_STEP_DESCRIPTORS);
	if (plan->control_fd >= 0 && fcntl(plan->control_as, F_SETFD, 0))
		setup_failed(from[0], CHILD_STEP_DESCRIPTORS);
	return from[0];
}

static void default_signals(void)
{
	struct sigaction sa = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		sigaction(i, &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int bind_memory(int node)
{
	enum { BITS = 8 * sizeof(unsigned long) };
	unsigned long mask[1024 / BITS] = {0};

	if (node >= 1024) {
		errno = EINVAL;
		return -1;
	}
	mask[node / BITS] = 1ul << (node % BITS);
	/* maxnode counts one more than it uses, since ever (set_mempolicy(2), BUGS). */
	return (int)syscall(SYS_set_mempolicy, MPOL_BIND, mask, 1024ul + 1);
}

_Noreturn static void become_workload(const struct child_plan *plan, const int output[2], int setup,
				      pid_t supervisor)
{
	const struct rlimit no_core = {0, 0};
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != supervisor)
		_exit(127);
	setsid();
	setrlimit(RLIMIT_CORE, &no_core);
	if (plan->cgroup->fd >= 0 && (err = child_cgroup_enter(plan->cgroup->fd))) {
		struct setup_message m = {.no_cgroup = true, .err = -err};

		if (write(setup, &m, sizeof(m)) < 0)
			_exit(126);
	}
	if (plan->cpus && sched_setaffinity(0, plan->cpus_size, plan->cpus))
		setup_failed(setup, CHILD_STEP_AFFINITY);
	if (plan->memory_node >= 0 && bind_memory(plan->memory_node))
		setup_failed(setup, CHILD_STEP_MEMORY);
	if (plan->netns_fd >= 0 && setns(plan->netns_fd, CLONE_NEWNET))
		setup_failed(setup, CHILD_STEP_NETNS);
	setup = place_descriptors(plan, output, setup);
	default_signals();
	execvp(plan->argv[0], plan->argv);
	setup_failed(setup, CHILD_STEP_EXEC);
}

static int compare_ints(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* The parent's other descriptors are not ours: a lock or a pipe of it must not outlive it here. */
static void close_others(const struct child_plan *plan)
{
	int keep[] = {plan->stdin_fd,	plan->output[0], plan->output[1], plan->control_fd,
		      plan->cgroup->fd, plan->channel,	 plan->parent,	  plan->netns_fd};
	const int n = (int)(sizeof(keep) / sizeof(keep[0]));
	int from = 0;

	qsort(keep, (size_t)n, sizeof(keep[0]), compare_ints);
	for (int i = 0; i < n; i++) {
		if (keep[i] < 0)
			continue;
		if (keep[i] > from)
			syscall(SYS_close_range, (unsigned)from, (unsigned)keep[i] - 1, 0u);
		from = keep[i] + 1;
	}
	syscall(SYS_close_range, (unsigned)from, ~0u, 0u);
}

/* The OOM killer takes the workload, not what ends it. Needs root; without, it is as it is. */
static void protect(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "-1000", 5) < 0)
		errno = 0;
	close(fd);
}

/* Copy one buffer of what is there. -EAGAIN when there is nothing now, -EPIPE at the end. */
static int copy_output(struct supervisor *s, struct stream *out)
{
	static char buf[65536];
	ssize_t n = read(out->pipe, buf, sizeof(buf)), done = 0, take, w;

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? -EAGAIN : -EPIPE;
	take = (uint64_t)n < out->room ? n : (ssize_t)out->room;
	while (done < take) {
		w = write(out->file, buf + done, (size_t)(take - done));
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) { /* disk full: what is there is cut, and said so */
			out->room = 0;
			s->cut = true;
			return 0;
		}
		done += w;
	}
	out->room -= (uint64_t)take;
	if (take < n)
		s->cut = true;
	return 0;
}

/* Returns whether something was copied. */
static bool copy_streams(struct supervisor *s)
{
	bool copied = false;

	for (int i = 0; i < 2; i++) {
		struct stream *out = &s->out[i];
		int err = out->pipe < 0 ? -EAGAIN : copy_output(s, out);

		if (err == -EPIPE) {
			close(out->pipe);
			out->pipe = -1;
		}
		copied |= !err;
	}
	return copied;
}

/* Reap all that has ended. Returns false when no child is left. */
static bool reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
		if (pid != s->pid)
			continue;
		s->ended = true;
		s->status = status;
	}
	return pid == 0;
}

/* SIGKILL to our direct children: all whose parent in /proc/PID/stat we are. Their orphans become
 * our children in turn, so that repeating this reaches every descendant. */
static void kill_children(void)
{
	DIR *dir = opendir("/proc");
	char path[300], text[512], *close_paren;
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		ssize_t n = -1;
		int fd, parent;

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0) {
			n = read(fd, text, sizeof(text) - 1);
			close(fd);
		}
		if (n <= 0)
			continue;
		text[n] = '\0';
		close_paren = strrchr(text, ')'); /* the name may contain anything */
		if (close_paren && sscanf(close_paren + 1, " %*c %d", &parent) == 1 &&
		    parent == getpid())
			kill(atoi(e->d_name), SIGKILL);
	}
	if (dir)
		closedir(dir);
}

/* All of it, repeated until no child is left. Returns whether that worked in time. */
static bool end_all(struct supervisor *s)
{
	uint64_t deadline = clock_ns() + CHILD_END_NS;
	bool left = reap(s);

	if (!left && !s->in_cgroup)
		return true;
	do {
		struct pollfd wait = {.fd = s->signals, .events = POLLIN};
		struct signalfd_siginfo info;

		if (s->in_cgroup)
			child_cgroup_kill(s->plan->cgroup->fd);
		if (left)
			kill_children();
		copy_streams(s);
		if (left)
			poll(&wait, 1, 10);
		while (read(s->signals, &info, sizeof(info)) > 0)
			;
		left = reap(s);
	} while (left && clock_ns() < deadline);
	return !left;
}

/* Sleep until the workload has ended or the parent wants it to end. */
static void watch(struct supervisor *s)
{
	while (!s->ended) {
		struct pollfd p[] = {
			{.fd = s->plan->channel, .events = POLLIN},
			{.fd = s->plan->parent, .events = POLLIN},
			{.fd = s->signals, .events = POLLIN},
			{.fd = s->out[0].pipe, .events = POLLIN},
			{.fd = s->out[1].pipe, .events = POLLIN},
		};
		struct signalfd_siginfo info;

		if (poll(p, 5, -1) < 0)
			continue;
		if (p[0].revents || p[1].revents)
			return;
		while (read(s->signals, &info, sizeof(info)) > 0)
			;
		copy_streams(s);
		reap(s);
	}
}

/* Fork the workload and hear from it until exec closes the pipe. Fails by reporting. */
static int start_workload(struct supervisor *s)
{
	struct child_report r = {.kind = CHILD_FAILED, .step = CHILD_STEP_SUPERVISOR};
	int output[2] = {-1, -1}, setup[2], null = -1;
	pid_t self = getpid();
	struct setup_message m;

	s->in_cgroup = s->plan->cgroup->fd >= 0;
	for (int i = 0; i < 2; i++) {
		int ends[2];

		if (s->plan->output[i] < 0) {
			if (null < 0)
				null = open("/dev/null", O_WRONLY | O_CLOEXEC);
			output[i] = null;
		} else if (!pipe2(ends, O_CLOEXEC)) {
			s->out[i].pipe = ends[0];
			output[i] = ends[1];
			/* only our end: the workload's writes shall block, not fail */
			fcntl(ends[0], F_SETFL, O_NONBLOCK);
		}
		if (output[i] < 0)
			goto failed;
	}
	if (pipe2(setup, O_CLOEXEC))
		goto failed;
	s->pid = fork();
	if (s->pid < 0)
		goto failed;
	if (s->pid == 0)
		become_workload(s->plan, output, setup[1], self);
	close(setup[1]);
	close(output[0]);
	if (output[1] != output[0])
		close(output[1]);
	if (s->plan->control_fd >= 0)
		close(s->plan->control_fd);
	close(s->plan->stdin_fd);
	while (read(setup[0], &m, sizeof(m)) == sizeof(m)) {
		if (m.no_cgroup) {
			s->in_cgroup = false;
			continue;
		}
		r.step = m.step;
		r.err = m.err;
		report(s->plan, &r);
		return -m.err;
	}
	close(setup[0]);
	return 0;
failed:
	r.err = errno;
	report(s->plan, &r);
	return -r.err;
}

_Noreturn void child_supervise(const struct child_plan *plan)
{
	struct supervisor s = {
		.plan = plan,
		.out = {{.pipe = -1, .file = plan->output[0], .room = plan->output_max},
			{.pipe = -1, .file = plan->output[1], .room = plan->output_max}},
	};
	struct child_report r = {.kind = CHILD_STARTED};
	struct sigaction by_default = {.sa_handler = SIG_DFL};
	sigset_t all, child;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigaction(SIGCHLD, &by_default, NULL); /* an inherited SIG_IGN would reap behind us */
	setsid();
	prctl(PR_SET_NAME, "iomodes-child");
	prctl(PR_SET_PDEATHSIG, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	close_others(plan);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	s.signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (start_workload(&s)) {
		end_all(&s);
		_exit(1);
	}
	protect(); /* only now: the workload shall not inherit it */
	r.pid = s.pid;
	r.in_cgroup = s.in_cgroup;
	report(plan, &r);
	watch(&s);
	r = (struct child_report){.kind = CHILD_ENDED};
	r.left = !end_all(&s);
	while (copy_streams(&s)) /* what still stands in the pipes; all writers are gone */
		;
	/* The leaf empties a moment after its last member was reaped. */
	for (int i = 0; s.in_cgroup && i < 100 && child_cgroup_remove(plan->cgroup) == -EBUSY; i++)
		poll(NULL, 0, 1);
	r.status = s.ended ? s.status : SIGKILL;
	r.cut = s.cut;
	report(plan, &r);
	_exit(0);
}
