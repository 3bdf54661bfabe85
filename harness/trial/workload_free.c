// SPDX-License-Identifier: Apache-2.0
#include "trial/workload_free.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapter/adapter.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "sys/child.h"
#include "sys/sys.h"
#include "trial/trial_pages.h"

#define SECOND_NS  1000000000ull
#define OUTPUT_MAX (32u << 20)
/* Until its jobs are there, looked for in these steps: nothing is measured yet. */
#define LOOK_NS	       (10000000ull)
#define JOB_START_NS   100000000ull
#define LINE_MAX_BYTES 600

static int keep_input(const struct workload_free_request *r, struct diag *d)
{
	char name[32];
	_fd_ int fd = -1;
	int err;

	if (!r->input)
		return 0;
	snprintf(name, sizeof(name), "%.20s.stdin", r->name);
	fd = openat(r->raw, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	err = fd < 0 ? -errno : jsonio_write_all(fd, r->input, strlen(r->input));
	return err ? diag_errno(d, err, "raw/%s/%s", r->trial, name) : 0;
}

static int claim(struct workload_free *w, struct diag *d)
{
	struct gate_request g = {
		.path = w->r->writes_to, .write = true, .write_id = w->r->write_id};
	int err;

	if (!g.path)
		return 0;
	err = gate_open(w->r->scope.sys, &g, &w->claim, d);
	w->claimed = !err;
	return err;
}

int workload_free_start(struct workload_free *w, const struct workload_free_request *r,
			struct diag *d)
{
	struct child_options o = {
		.argv = (const char *const *)r->argv,
		.cpus = r->cpus,
		.memory_node = r->memory_node ? *r->memory_node : -1,
		.output_dir = r->raw,
		.stdout_name = w->stdout_name,
		.stderr_name = w->stderr_name,
		.output_max = OUTPUT_MAX,
		.control_fd = -1,
		.stdin_text = r->input,
		.netns_fd = r->netns_fd,
	};
	int err;

	*w = (struct workload_free){.r = r};
	snprintf(w->stdout_name, sizeof(w->stdout_name), "%.20s.stdout", r->name);
	snprintf(w->stderr_name, sizeof(w->stderr_name), "%.20s.stderr", r->name);
	err = keep_input(r, d);
	if (!err)
		err = claim(w, d);
	if (!err)
		err = evidence_begin(&r->scope, &w->window, d);
	w->started_ns = clock_ns();
	if (!err)
		err = child_start(&o, &w->child, d);
	return err;
}

/* Sleep in one poll(2) until it has ended (1), the time has come (0), or a signal (-EINTR). */
static int sleep_until(struct workload_free *w, uint64_t when_ns, struct diag *d)
{
	struct pollfd fds[] = {
		{.fd = child_fd(w->child), .events = POLLIN},
		{.fd = w->r->signal_fd, .events = POLLIN},
	};

	for (;;) {
		struct timespec ts = clock_left(when_ns);
		int n = ppoll(fds, 2, &ts, NULL);

		if (n < 0 && errno != EINTR)
			return diag_errno(d, -errno, "poll");
		if (n > 0 && fds[1].revents)
			return diag_set(d, -EINTR, "interrupted by a signal");
		if (n >= 0)
			return n > 0;
	}
}

#define PIDS_MAX 512

/* The processes that the main one has started: " 31 32 ", or "" without any. */
static void read_children(struct workload_free *w, char text[static PIDS_MAX])
{
	char path[64];
	int pid = child_pid(w->child);

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	text[0] = ' ';
	if (sys_read(w->r->scope.sys, path, text + 1, PIDS_MAX - 1) || !strpbrk(text, "0123456789"))
		text[0] = '\0';
}

/* fio's jobs are processes, or with "thread" tasks beside the main one and its helper. */
static bool has_jobs(struct workload_free *w, const char *others)
{
	_free_ char **tids = NULL;
	char path[64], text[PIDS_MAX];
	size_t n = 0;

	read_children(w, text);
	if (*text) { /* the first, " 31 ", is not of the warm-up */
		text[strcspn(text + 1, " ") + 2] = '\0';
		return !strstr(others, text);
	}
	snprintf(path, sizeof(path), "/proc/%d/task", child_pid(w->child));
	if (*others || sys_list(w->r->scope.sys, path, &tids))
		return false;
	while (tids[n])
		n++;
	return n > 2;
}

static int await_jobs(struct workload_free *w, const char *others, uint64_t deadline_ns,
		      struct diag *d)
{
	int ended = 0;

	while (!ended && clock_ns() < deadline_ns && !has_jobs(w, others))
		ended = sleep_until(w, clock_ns() + LOOK_NS, d);
	return ended;
}

/* The measured jobs are there. Those that warm up are others, and fio takes its time between. */
static int await_measured(struct workload_free *w, uint64_t deadline_ns, struct diag *d)
{
	char warming[PIDS_MAX];
	int err = w->r->starts_jobs ? await_jobs(w, "", deadline_ns, d) : 0;

	if (err || !w->r->ramp_ns)
		return err;
	err = sleep_until(w, clock_ns() + w->r->ramp_ns / 2, d);
	if (err)
		return err;
	read_children(w, warming);
	return *warming ? await_jobs(w, warming, deadline_ns, d) : 0;
}

/* The tasks over half of the measured part, about its middle: a job of fio is there some 0.1 s
 * before it starts. *steady stays NULL when it ended before. */
static int look_inside(struct workload_free *w, uint64_t deadline_ns, json_t **steady,
		       struct diag *d)
{
	struct evidence_scope scope = w->r->scope;
	struct evidence_window *window = NULL;
	int err = await_measured(w, deadline_ns, d);

	if (!err)
		err = sleep_until(w, clock_ns() + JOB_START_NS / 2 + w->r->runtime_ns / 4, d);
	if (err)
		return err;
	scope.pid = child_pid(w->child);
	scope.n_irqs = scope.n_disks = scope.n_net_devs = 0;
	err = evidence_begin(&scope, &window, d);
	if (!err)
		err = sleep_until(w, clock_ns() + w->r->runtime_ns / 2, d);
	if (!err)
		err = evidence_end(window, steady, d);
	if (!err)
		json_object_set_new(*steady, "memory", trial_pages(scope.sys, scope.pid));
	if (!err && scope.server_pid)
		json_object_set_new(*steady, "server_memory",
				    trial_pages(scope.sys, scope.server_pid));
	evidence_free(window);
	return err;
}

/* What its output says, the best line of it, and a limit: what it printed may be anything. */
static void read_notes(struct workload_free *w, const char *name, json_t *notes)
{
	_free_ char *text = NULL;
	size_t len;

	if (!rundir_read_raw(w->r->dir, w->r->trial, name, &text, &len, NULL))
		workload_notes(text, len, notes);
}

static int judge(struct workload_free *w, int status, const json_t *notes, struct diag *d)
{
	_json_ json_t *printed = json_array();
	const char *name = w->r->name, *line = workload_reason(notes);

	if (WIFEXITED(status) && !WEXITSTATUS(status) && !child_output_cut(w->child))
		return 0;
	if (!line) {
		read_notes(w, w->stdout_name, printed);
		line = workload_reason(printed);
	}
	if (child_output_cut(w->child))
		return diag_set(d, -EFBIG, "%s printed more than %u MiB, beginning with: %.*s",
				name, OUTPUT_MAX >> 20, LINE_MAX_BYTES, line ? line : "(no text)");
	if (WIFSIGNALED(status))
		return diag_set(d, -EPIPE, "%s was killed by signal %d (%s)%s%.*s", name,
				WTERMSIG(status), strsignal(WTERMSIG(status)), line ? ": " : "",
				LINE_MAX_BYTES, line ? line : "");
	return diag_set(d, -EPIPE, "%s ended with exit status %d%s%.*s", name, WEXITSTATUS(status),
			line ? ": " : " and no message", LINE_MAX_BYTES, line ? line : "");
}

/* Counters that hold for the steady part alone, and those that the whole life cannot give. */
static void put_steady(json_t *evidence, json_t *steady)
{
	static const char *const shares[] = {"sq_thread_cpu_share", "sq_thread_runnable_share",
					     "task_cpu_share"};
	static const char *const spoiled[] = {"cpu_busy_ns", "cpu_idle_ns", "energy_uj",
					      "cpu_cycles", "cpu_instructions"};
	json_t *counters = json_object_get(evidence, "counters");
	json_t *absent = json_object_get(evidence, "absent");

	for (size_t i = 0; i < ARRAY_SIZE(spoiled); i++) {
		if (json_object_del(counters, spoiled[i]))
			continue;
		json_object_set_new(absent, spoiled[i],
				    json_string("the window holds the workload's start, too"));
	}
	for (size_t i = 0; steady && i < ARRAY_SIZE(shares); i++) {
		json_t *share = jsonio_at(json_object_get(steady, "counters"), shares[i]);
		json_t *why = jsonio_at(json_object_get(steady, "absent"), shares[i]);

		if (share) {
			json_object_set(counters, shares[i], share);
			json_object_del(absent, shares[i]);
		} else if (why) {
			json_object_set(absent, shares[i], why);
		}
	}
	json_object_set_new(evidence, "steady", steady ? json_incref(steady) : json_null());
}

int workload_free_await(struct workload_free *w, json_t **evidence, json_t *notes, struct diag *d)
{
	uint64_t deadline = w->started_ns + w->r->ramp_ns + w->r->runtime_ns + w->r->grace_ns;
	_json_ json_t *steady = NULL;
	int status = 0, late, err = look_inside(w, deadline, &steady, d);

	if (err < 0)
		return err;
	if (!err)
		err = sleep_until(w, deadline, d);
	if (err < 0)
		return err;
	late = child_wait(w->child, clock_ns() + (err ? 5 * SECOND_NS : 0), &status);
	w->ended_ns = clock_ns();
	if (late == -ETIMEDOUT)
		child_kill(w->child);
	else if (late)
		return diag_errno(d, late, "%s", w->r->name);
	read_notes(w, w->stderr_name, notes);
	if (late)
		return diag_set(d, -ETIMEDOUT,
				"%s had not ended %.0f s after it should have: it hangs, and was "
				"ended%s%.*s",
				w->r->name, (double)w->r->grace_ns / 1e9,
				workload_reason(notes) ? ": " : "", LINE_MAX_BYTES,
				workload_reason(notes) ?: "");
	err = judge(w, status, notes, d);
	if (!err)
		err = evidence_end(w->window, evidence, d);
	if (!err)
		put_steady(*evidence, steady);
	return err;
}

void workload_free_end(struct workload_free *w)
{
	child_free(w->child);
	w->child = NULL;
	evidence_free(w->window);
	w->window = NULL;
	if (w->claimed)
		gate_close(&w->claim);
	w->claimed = false;
}
