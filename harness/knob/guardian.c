// SPDX-License-Identifier: Apache-2.0
#include "knob/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "knob/restore.h"
#include "sys/netns.h"
#include "sys/sys.h"

#define CGROUP_ROOT    "/sys/fs/cgroup/"
#define CGROUP_PATH    4096 /* PATH_MAX */
#define END_WAIT_MS    5000
#define NAMESPACES_MAX 16

enum {
	SAY_READY = 'r',
	SAY_WORKLOAD = 'w',
	SAY_FORGET = 'f',    /* the namespaces so far */
	SAY_NAMESPACE = 'n', /* one, with its label and descriptor */
	SAY_BYE = 'b',
};

struct message {
	char kind;
	char cgroup[CGROUP_PATH]; /* SAY_WORKLOAD; a pidfd may come along. Or the label. */
};

static int say(int fd, const struct message *m, int passed)
{
	struct iovec iov = {.iov_base = (void *)m, .iov_len = sizeof(*m)};
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (passed >= 0) {
		struct cmsghdr *c;

		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &passed, sizeof(int));
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* 0 at the end of the conversation; *passed is -1 when no descriptor came along. */
static ssize_t hear(int fd, struct message *m, int *passed)
{
	struct iovec iov = {.iov_base = m, .iov_len = sizeof(*m)};
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	*passed = -1;
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(passed, CMSG_DATA(c), sizeof(int));
	return n;
}

struct workload {
	char cgroup[CGROUP_PATH];
	int pidfd;
};

struct namespaces {
	struct {
		char label[NETNS_LABEL_MAX];
		int fd;
	} one[NAMESPACES_MAX];
	size_t n;
};

/* What the guardian answers for. */
struct charge {
	struct workload w;
	struct namespaces ns;
};

static bool cgroup_empty(const char *cgroup)
{
	char path[CGROUP_PATH + 32], text[256] = "";
	_fd_ int fd = -1;

	snprintf(path, sizeof(path), "%s/cgroup.events", cgroup);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || strstr(text, "populated 0");
}

/* The cgroup first (Linux 5.14): nothing escapes from it, not even with setsid(2). */
static void end_workload(const struct workload *w)
{
	const struct timespec nap = {.tv_nsec = 5000000};
	uint64_t deadline = clock_ns() + END_WAIT_MS * 1000000ull;
	char path[CGROUP_PATH + 32];

	if (!strncmp(w->cgroup, CGROUP_ROOT, strlen(CGROUP_ROOT)) && !strstr(w->cgroup, "..")) {
		_fd_ int fd = -1;

		snprintf(path, sizeof(path), "%s/cgroup.kill", w->cgroup);
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0 && write(fd, "1", 1) == 1)
			while (!cgroup_empty(w->cgroup) && clock_ns() < deadline)
				nanosleep(&nap, NULL);
		rmdir(w->cgroup); /* its owner is gone */
	}
	if (w->pidfd >= 0) {
		struct pollfd p = {.fd = w->pidfd, .events = POLLIN};

		syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL, 0);
		while (poll(&p, 1, END_WAIT_MS) < 0 && errno == EINTR)
			;
	}
}

static void take_namespace(struct namespaces *ns, const struct message *m, int fd)
{
	if (m->kind == SAY_FORGET)
		while (ns->n)
			close(ns->one[--ns->n].fd);
	if (m->kind != SAY_NAMESPACE || fd < 0 || ns->n == NAMESPACES_MAX)
		return;
	snprintf(ns->one[ns->n].label, NETNS_LABEL_MAX, "%.*s", NETNS_LABEL_MAX - 1, m->cgroup);
	ns->one[ns->n++].fd = fd;
}

static void take_workload(struct workload *w, const struct message *m, int pidfd)
{
	if (w->pidfd >= 0)
		close(w->pidfd);
	w->pidfd = pidfd;
	memcpy(w->cgroup, m->cgroup, sizeof(w->cgroup));
	w->cgroup[sizeof(w->cgroup) - 1] = '\0';
}

/* Everything that was said, until the end or until nothing more is there. False: goodbye. */
static bool listen_all(int fd, struct charge *c, bool *ended)
{
	struct message m;
	int passed;
	ssize_t n;

	while ((n = hear(fd, &m, &passed)) > 0) {
		if (m.kind == SAY_BYE)
			return false;
		if (m.kind == SAY_WORKLOAD)
			take_workload(&c->w, &m, passed);
		else
			take_namespace(&c->ns, &m, passed);
	}
	*ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
	return true;
}

static int restore_all(struct state_dir *dir, const struct namespaces *ns)
{
	char boot[BOOT_MAX];
	struct journal j = {.store = &dir->store, .find = knob_find, .copy_fd = -1, .boot = boot};
	struct sys *s;
	int err = sys_open(NULL, &s);

	if (err)
		return err;
	/* one that cannot be had is one whose knobs are found missing */
	for (size_t i = 0; i < ns->n; i++)
		sys_netns_add(s, ns->one[i].label, ns->one[i].fd, NULL);
	err = restore_boot_id(s, boot, NULL);
	if (!err)
		err = journal_load(&j, NULL);
	if (!err && j.exists)
		err = restore_journal(s, &j, RESTORE_COMPARE, NULL, NULL);
	journal_clear(&j);
	sys_close(s);
	return err;
}

static void deafen(void)
{
	static const int ignored[] = {SIGHUP,  SIGINT,	SIGQUIT, SIGPIPE, SIGTERM, SIGUSR1,
				      SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU, SIGALRM};
	sigset_t none;

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void shelter(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	/* each is a wish: an ordinary user is not granted them */
	if (fd >= 0) {
		if (write(fd, "-1000", 5) < 0)
			(void)errno;
		close(fd);
	}
	mlockall(MCL_CURRENT | MCL_FUTURE);
	prctl(PR_SET_NAME, "iomodes-guard");
	if (chdir("/"))
		(void)errno;
}

static int compare_int(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Close all but the given ones, so that no pipe of the parent stays open on our account. */
static void close_others(int *keep, size_t n)
{
	int null = open("/dev/null", O_RDWR), from = 3;

	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	qsort(keep, n, sizeof(*keep), compare_int);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < 3)
			continue;
		if (keep[i] > from)
			syscall(SYS_close_range, from, keep[i] - 1, 0);
		from = keep[i] + 1;
	}
	syscall(SYS_close_range, from, ~0u, 0);
}

_Noreturn static void guard(int fd, int parent, struct state_dir *dir)
{
	struct charge c = {.w = {.pidfd = -1}};
	const struct message ready = {.kind = SAY_READY};
	int keep[] = {fd, parent, dir->fd, dir->lock};
	bool ended = false;

	setsid();
	deafen();
	close_others(keep, ARRAY_SIZE(keep));
	shelter();
	if (say(fd, &ready, -1))
		ended = true;
	while (!ended) {
		struct pollfd p[] = {{.fd = fd, .events = POLLIN},
				     {.fd = parent, .events = POLLIN}};

		/* the socket may be held open by a child of the parent: its pidfd tells the truth
		 */
		if (poll(p, ARRAY_SIZE(p), -1) < 0)
			continue;
		if (!listen_all(fd, &c, &ended))
			_exit(0);
		ended |= p[1].revents != 0;
	}
	end_workload(&c.w);
	if (restore_all(dir, &c.ns))
		_exit(EXIT_FAILURE);
	state_unlock(dir);
	_exit(0);
}

/* A descriptor number that stands clear of the standard ones. */
static int clear_of_stdio(int fd)
{
	int high = fd < 0 || fd > 2 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (high != fd)
		close(fd);
	return high;
}

int guardian_start(struct guardian *g, const struct state_dir *dir, struct diag *d)
{
	struct state_dir copy = *dir;
	struct pollfd p = {.events = POLLIN};
	int pair[2], parent, passed;
	struct message m;
	sigset_t all, old;

	*g = (struct guardian){.socket = -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return diag_errno(d, -errno, "guardian");
	pair[0] = clear_of_stdio(pair[0]);
	pair[1] = clear_of_stdio(pair[1]);
	/* pidfd_open(2), Linux 5.3; without it the end of the socket has to do */
	parent = clear_of_stdio((int)syscall(SYS_pidfd_open, getpid(), 0));
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	g->pid = fork();
	if (!g->pid)
		guard(pair[1], parent, &copy);
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(pair[1]);
	if (parent >= 0)
		close(parent);
	g->socket = pair[0];
	if (g->pid < 0) {
		int err = -errno;

		close(g->socket);
		*g = (struct guardian){.socket = -1};
		return diag_errno(d, err, "guardian");
	}
	p.fd = g->socket;
	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
	if (hear(g->socket, &m, &passed) > 0 && m.kind == SAY_READY)
		return 0;
	guardian_stop(g);
	return diag_set(d, -ECHILD, "the guardian died as it started");
}

bool guardian_alive(struct guardian *g)
{
	struct pollfd p = {.fd = g->socket, .events = POLLIN};

	return g->pid > 0 && poll(&p, 1, 0) == 0;
}

int guardian_set_workload(struct guardian *g, const char *cgroup, pid_t pid)
{
	struct message m = {.kind = SAY_WORKLOAD};
	/* opened here, by the parent, while the process cannot have been reaped */
	_fd_ int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

	if (pid > 0 && pidfd < 0)
		return -errno;
	if (strlen(cgroup) >= sizeof(m.cgroup))
		return -ENAMETOOLONG;
	strcpy(m.cgroup, cgroup);
	return say(g->socket, &m, pidfd);
}

static int say_namespace(void *arg, const char *label, int fd)
{
	struct guardian *g = arg;
	struct message m = {.kind = SAY_NAMESPACE};

	if (fd < 0)
		return 0;
	g->has_namespaces = true;
	snprintf(m.cgroup, sizeof(m.cgroup), "%s", label);
	return say(g->socket, &m, fd);
}

int guardian_set_namespaces(struct guardian *g, struct sys *s)
{
	const struct message forget = {.kind = SAY_FORGET};
	int err = 0;

	if (g->pid <= 0)
		return 0;
	if (g->has_namespaces)
		err = say(g->socket, &forget, -1);
	g->has_namespaces = false;
	return err ? err : sys_netns_each(s, say_namespace, g);
}

void guardian_stop(struct guardian *g)
{
	const struct message bye = {.kind = SAY_BYE};

	if (g->pid <= 0)
		return;
	say(g->socket, &bye, -1);
	close(g->socket);
	while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*g = (struct guardian){.socket = -1};
}
