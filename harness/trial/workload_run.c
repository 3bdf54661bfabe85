// SPDX-License-Identifier: Apache-2.0
#include "trial/workload_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"

#define OUTPUT_MAX (64u << 20)

int workload_run_start(struct workload_run *w, const struct workload_start *start, struct diag *d)
{
	int pair[2] = {-1, -1}, err;
	struct child_options o = {
		.argv = (const char *const *)start->argv,
		.cpus = start->cpus,
		.memory_node = start->memory_node ? *start->memory_node : -1,
		.output_dir = start->raw,
		.stdout_name = w->stdout_name,
		.stderr_name = w->stderr_name,
		.output_max = OUTPUT_MAX,
		.control_fd = -1,
		.control_as = WORKLOAD_CONTROL_FD,
		.stdin_text = start->stdin_text,
		.netns_fd = start->netns_fd,
	};

	*w = (struct workload_run){.control = -1, .name = start->name, .raw = start->raw};
	snprintf(w->stdout_name, sizeof(w->stdout_name), "%.20s.stdout", start->name);
	snprintf(w->stderr_name, sizeof(w->stderr_name), "%.20s.stderr", start->name);
	err = start->controlled ? control_pair(&pair[0], &pair[1], d) : 0;
	if (err)
		return diag_prefix(d, err, "%s", start->name);
	o.control_fd = pair[1];
	err = child_start(&o, &w->child, d);
	if (pair[1] >= 0)
		close(pair[1]);
	if (err && pair[0] >= 0)
		close(pair[0]);
	else
		w->control = pair[0];
	return err;
}

/* The first line a program left on standard error: mostly the reason it died of. */
static void first_line(const struct workload_run *w, char *line, size_t size)
{
	_fd_ int fd = openat(w->raw, w->stderr_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, line, size - 1);

	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
}

static int judge(const struct workload_run *w, int status, struct diag *d)
{
	char line[600];

	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	first_line(w, line, sizeof(line));
	if (WIFSIGNALED(status))
		return diag_set(d, -EPIPE, "%s was killed by signal %d (%s)%s%s", w->name,
				WTERMSIG(status), strsignal(WTERMSIG(status)), *line ? ": " : "",
				line);
	if (*line)
		return diag_set(d, -EPIPE, "%s", line);
	return diag_set(d, -EPIPE, "%s ended with exit status %d and no message", w->name,
			WEXITSTATUS(status));
}

int workload_run_finish(struct workload_run *w, uint64_t deadline_ns, struct diag *d)
{
	int status, err = child_wait(w->child, deadline_ns, &status);

	if (err == -ETIMEDOUT)
		return diag_set(d, err, "%s did not end in time and was killed", w->name);
	return err ? diag_errno(d, err, "%s", w->name) : judge(w, status, d);
}

/* It hung up or ended before it said the word. */
static int ended(struct workload_run *w, enum control_word word, struct diag *d)
{
	int err = workload_run_finish(w, clock_ns() + 2000000000u, d);

	return err ? err
		   : diag_set(d, -EPIPE, "%s ended before it was %s", w->name,
			      control_word_text(word));
}

int workload_run_await(struct workload_run *w, enum control_word word, uint64_t deadline_ns,
		       int signal_fd, struct diag *d)
{
	int partner_fd = w->partner ? child_fd(w->partner->child) : -1;
	int err = control_await(w->control, word, deadline_ns, signal_fd, partner_fd, d);

	switch (err) {
	case 0:
		return 0;
	case -ETIMEDOUT:
		return diag_set(d, err, "%s was not %s at its deadline: it hangs, and was ended",
				w->name, control_word_text(word));
	case -EINTR:
		return diag_set(d, err, "interrupted by a signal");
	case -EPIPE:
		return ended(w, word, d);
	case -ECHILD:
		return ended(w->partner, word, d);
	default:
		return diag_prefix(d, err, "%s", w->name);
	}
}

int workload_run_say(struct workload_run *w, enum control_word word, struct diag *d)
{
	int err = control_send(w->control, word, d);

	return err ? diag_prefix(d, err, "%s", w->name) : 0;
}

void workload_run_free(struct workload_run *w)
{
	if (w->control >= 0)
		close(w->control);
	w->control = -1;
	child_free(w->child);
	w->child = NULL;
}
