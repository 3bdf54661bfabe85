// SPDX-License-Identifier: Apache-2.0
/* ioloop: open the targets, set up the jobs, ramp, measure, report. The loop itself: loop.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "control/control.h"
#include "loop/program.h"
#include "loop/tasks.h"
#include "threads.h"

/* A no-op has no target; the pattern runs over this many blocks all the same. */
#define NOP_BLOCKS (1u << 18)

static int fit(const struct options *o, struct target *t, struct diag *d)
{
	uint64_t end = t->gate.size_bytes;

	if (o->size && o->size <= UINT64_MAX - o->offset && o->offset + o->size < end)
		end = o->offset + o->size;
	t->base = o->offset;
	t->blocks = end > o->offset ? (end - o->offset) / o->bs : 0;
	if (!t->blocks)
		return diag_set(d, -EINVAL,
				"%s: has %llu bytes, no room for one I/O of %llu at offset %llu",
				t->path, (unsigned long long)t->gate.size_bytes,
				(unsigned long long)o->bs, (unsigned long long)o->offset);
	return 0;
}

static void warn_of_holes(const struct target *t)
{
	off_t hole = t->gate.kind == GATE_FILE ? lseek(t->gate.fd, 0, SEEK_HOLE) : -1;

	if (hole >= 0 && (uint64_t)hole < t->gate.size_bytes)
		fprintf(stderr,
			"ioloop: warning: %s has a hole at byte %lld: reads there never reach the "
			"device\n",
			t->path, (long long)hole);
}

static int open_targets(const struct options *o, struct target *target, uint32_t *n, struct diag *d)
{
	int flags = (o->direct ? O_DIRECT : 0) | (o->sync[0] == 'd' ? O_DSYNC : 0);

	if (!o->files.n) {
		target[0] = (struct target){
			.gate = {.fd = -1, .claim_fd = -1}, .path = "nop", .blocks = NOP_BLOCKS};
		*n = 1;
		return 0;
	}
	for (*n = 0; *n < o->files.n; ++*n) {
		struct target *t = &target[*n];
		struct gate_request r = {.path = o->files.item[*n],
					 .write = o->writes,
					 .write_id = o->write_id,
					 .flags = flags};
		int err = gate_open(NULL, &r, &t->gate, d);

		t->path = r.path;
		if (!err)
			err = fit(o, t, d);
		if (err)
			return err;
		if (o->reads)
			warn_of_holes(t);
	}
	return 0;
}

/* No signal is caught here: what ends the process leaves nothing of a file that is not whole. */
static int make_files(const struct options *o, struct diag *d)
{
	int err = 0;

	for (size_t i = 0; i < o->files.n && !err; i++)
		err = gate_scratch_create(NULL, o->files.item[i], o->layout, o->randseed, -1, d);
	return err;
}

static void init_workers(const struct options *o, struct threads *t, const struct target *target,
			 uint32_t n_targets)
{
	for (uint32_t i = 0; i < t->n; i++) {
		struct worker *w = &t->worker[i];

		w->o = o;
		w->engine = o->engine;
		w->target = target;
		w->n_targets = n_targets;
		w->index = i;
		w->depth = (uint32_t)o->iodepth;
		w->batch_submit = (uint32_t)o->batch_submit;
		w->complete_min = (uint32_t)o->batch_complete_min;
		w->expect = (int32_t)o->bs;
		w->bs = (uint32_t)o->bs;
		w->threads = t;
	}
}

static json_t *sample(const struct threads *t)
{
	_free_ pid_t *tid = calloc(t->n, sizeof(*tid));

	for (uint32_t i = 0; tid && i < t->n; i++)
		tid[i] = t->worker[i].tid;
	return tasks_sample(tid, tid ? t->n : 0);
}

static int measure(struct threads *t, struct diag *d)
{
	_json_ json_t *before = NULL, *after = NULL, *tasks = NULL;
	int err = 0;

	if (t->o->ramp_ns)
		err = threads_step(t, STEP_RAMP, d);
	if (!err)
		err = control_exchange(t->control_fd, CONTROL_READY, CONTROL_GO, t->signal_fd, d);
	if (err)
		return err;
	before = sample(t);
	err = threads_step(t, STEP_MEASURE, d);
	if (err)
		return err;
	after = sample(t);
	tasks = tasks_difference(before, after);
	err = control_exchange(t->control_fd, CONTROL_DONE, CONTROL_EXIT, t->signal_fd, d);
	return err ? err : program_print(report_result(t, tasks), d);
}

static int check(struct threads *t, struct diag *d)
{
	int err = t->o->writes ? 0 : threads_step(t, STEP_MEASURE, d);

	return err ? err : program_print(report_check(t), d);
}

static int run(const struct options *o, struct diag *d)
{
	/* not on the stack: after an error the threads still look at them while main tells why */
	static struct target target[OPT_STRS_MAX];
	static struct threads t;
	uint32_t n_targets = 0;
	int err = open_targets(o, target, &n_targets, d);

	if (err)
		return err;
	t.o = o;
	t.n = (uint32_t)o->numjobs;
	t.control_fd = -1;
	/* hist and ring pointers of two workers must not share a cache line */
	t.worker = aligned_alloc(64, t.n * sizeof(struct worker));
	if (!t.worker)
		return diag_set(d, -ENOMEM, "out of memory");
	memset(t.worker, 0, t.n * sizeof(struct worker));
	if (o->control_fd != OPTION_UNSET) {
		t.control_fd = (int)o->control_fd;
		if (fcntl(t.control_fd, F_SETFD, FD_CLOEXEC))
			return diag_errno(d, -errno, "--control-fd %d", t.control_fd);
	}
	init_workers(o, &t, target, n_targets);
	err = program_signals(&t.signal_fd, d);
	t.parked_fd = err ? -1 : eventfd(0, EFD_CLOEXEC);
	if (!err && t.parked_fd < 0)
		err = diag_errno(d, -errno, "eventfd");
	if (!err)
		err = threads_start(&t, d);
	if (!err)
		err = o->check ? check(&t, d) : measure(&t, d);
	if (err)
		return err; /* threads may hang in a device: the process ends without them */
	threads_end(&t);
	for (uint32_t i = 0; i < n_targets; i++)
		gate_close(&target[i].gate);
	close(t.signal_fd);
	close(t.parked_fd);
	free(t.worker);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o;
	struct diag d = {""};
	int err = options_parse(argc, argv, &o, &d);

	if (err == 1)
		return 0;
	if (!err && o.hipri && o.engine == &engine_sync)
		fputs("ioloop: warning: --hipri with engine sync (RWF_HIPRI) has no effect since "
		      "Linux 5.19; only io_uring polls\n",
		      stderr);
	if (!err)
		err = o.layout ? make_files(&o, &d) : run(&o, &d);
	if (!err) {
		cpulist_free(&o.cpus);
		return 0;
	}
	fprintf(stderr, "ioloop: %s\n", d.text);
	fflush(NULL);
	_exit(1);
}
