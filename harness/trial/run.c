// SPDX-License-Identifier: Apache-2.0
#include "trial/run.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "adapter/adapter.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "knob/transaction.h"
#include "record/record.h"
#include "trial/proof.h"
#include "trial/resume.h"
#include "trial/run_json.h"
#include "trial/run_private.h"
#include "trial/rundir.h"
#include "trial/spin_idle.h"

static void report_most(struct run *run, const char *phase, const char *cell, uint64_t left_ns,
			uint64_t most_ns)
{
	struct run_progress p = {phase, cell, run->done, run->total, left_ns, most_ns};

	if (run->o->progress)
		run->o->progress(run->o->context, &p);
}

void run_report(struct run *run, const char *phase, const char *cell, uint64_t left_ns)
{
	report_most(run, phase, cell, left_ns, left_ns);
}

/* SIGINT, SIGTERM and SIGHUP (terminal gone) become readable; the trial at hand ends in order. */
static int open_signals(struct diag *d)
{
	struct sigaction hangup;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	/* nohup(1) ignores it, so that the run outlives the terminal: a blocked signal would not be
	 * ignored. */
	if (sigaction(SIGHUP, NULL, &hangup) || hangup.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? diag_errno(d, -errno, "signalfd") : fd;
}

static int pending_signal(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : 0;
}

/* The cpu_left pass runs beside a spinner: it is no measurement of the cell. */
static void note_trial(struct run *run, const json_t *record, size_t cell)
{
	const char *pass = jsonio_string(record, "pass", "measure");
	bool measure = !strcmp(pass, "measure") || !strcmp(pass, "retry");
	bool valid = !strcmp(jsonio_string(record, "status", ""), "valid");
	const char *mode = jsonio_string(record, "verdict.mode", "");

	run->result->trials++;
	if (!strcmp(mode, "unsupported")) { /* an answer: the device refused a setting */
		run->measured[cell] = true;
		return;
	}
	if (!strcmp(jsonio_string(record, "status", ""), "failed"))
		run->result->failed++;
	if (measure && valid && !strcmp(mode, "in_force"))
		run->measured[cell] = true;
}

/* `again`: the trial that this one repeats, or NULL. */
int run_trial(struct run *run, const char *pass, uint64_t block, uint64_t order, size_t cell,
	      const struct retry_entry *again, struct diag *d)
{
	struct plan_cell *c = &run->plan->cells[cell];
	bool calibration = !strcmp(pass, "calibration"), left = !strcmp(pass, "cpu_left");
	bool proof = proof_is_pass(pass);
	char id[64], resumed[16] = "", of[400];
	_json_ json_t *record = NULL;
	struct trial_request r = {
		.cell = c,
		.cell_index = cell,
		.id = id,
		.pass = pass,
		.block = block,
		.order = order,
		.ramp_ns = run->plan->e->ramp_ns,
		.runtime_ns =
			calibration ? (uint64_t)PLAN_CALIBRATION_RUN_NS : run->plan->e->runtime_ns,
		.rate_per_s = c->rate_per_s,
		.seed = run->plan->seed + block + 1,
		.spin_on = left ? &run->plan->measured : NULL,
		.spin_idle = run->spin_idle,
		.proof = proof ? NULL : json_object_get(run->proof, c->cell->id),
	};
	struct diag ignored;
	int err, undone;

	if (run->attempt)
		snprintf(resumed, sizeof(resumed), "-r%u", run->attempt);
	if (proof)
		r.runtime_ns = (uint64_t)PLAN_PROOF_RUN_NS * (block ? PLAN_PROOF_LONG_TIMES : 1);
	r.corunner = run->corunner_alone && !left && !proof && !calibration;
	if (r.corunner) {
		r.spin_on = &run->plan->corunner;
		r.spin_idle = run->corunner_alone;
	}
	if (calibration || left || proof)
		snprintf(id, sizeof(id), "%s-c%02zu%s%s", pass, cell, proof && block ? "-t2" : "",
			 resumed);
	else if (again)
		snprintf(id, sizeof(id), "%.40s-t%u%s", again->id, again->tries + 1, resumed);
	else
		snprintf(id, sizeof(id), "b%02llu-o%02llu%s", (unsigned long long)block,
			 (unsigned long long)order, resumed);
	undone = trial_run(&run->ctx, &r, &record, d);
	if (!record)
		return undone;
	if (again) {
		snprintf(of, sizeof(of), "%s/%s", run->id, again->id);
		json_object_set_new(record, "retry_of", json_string(of));
	}
	if (calibration)
		run->best_per_s[cell] = jsonio_number(record, c->cell->load.kind == MODE_NET
								      ? "metrics.transactions_per_s"
								      : "metrics.iops");
	else
		note_trial(run, record, cell);
	if (proof) {
		json_object_set_new(run->proof, c->cell->id, proof_excerpt(record));
		run->proof_failed = proof_is_lost(record) || proof_is_short(record);
	}
	run->done++;
	err = retry_note(&run->retries, record, cell);
	if (!err)
		err = record_append_trial(run->dir.trials, record, undone ? &ignored : d);
	return undone ? undone : err;
}

static const char *const best_names[MODE_TARGETS] = {
	[MODE_BLOCK] = "best_iops",
	[MODE_NET] = "best_transactions_per_s",
};

/* Open loops whose rate is a share get it from the best of their kind. */
static void set_rates(struct run *run, const double best[MODE_TARGETS])
{
	for (size_t i = 0; i < run->plan->n_run; i++) {
		struct plan_cell *c = &run->plan->cells[run->plan->run[i]];

		if (c->cell->load.rate_share > 0)
			c->rate_per_s = round(best[c->cell->load.kind] * c->cell->load.rate_share);
	}
}

/* Closed loops once, short: the best of them gives the open loops' rate. It also shows at once
 * whether a mode runs at all. */
static int calibrate(struct run *run, struct diag *d)
{
	const struct plan *p = run->plan;
	double best[MODE_TARGETS] = {0};
	_json_ json_t *found = json_object();
	int err = 0;

	for (size_t i = 0; !err && i < p->n_run; i++) {
		const struct plan_cell *c = &p->cells[p->run[i]];
		double *most = &best[c->cell->load.kind];

		if (!plan_calibrated(p, c))
			continue;
		report_most(run, "calibration", c->cell->id, p->seconds_least_ns,
			    p->seconds_total_ns);
		err = run_trial(run, "calibration", 0, i, p->run[i], NULL, d);
		if (!err && run->best_per_s[p->run[i]] > *most)
			*most = run->best_per_s[p->run[i]];
	}
	for (int kind = 0; !err && kind < MODE_TARGETS; kind++) {
		if (!p->calibrates[kind])
			continue;
		if (!(best[kind] > 0))
			return diag_set(d, -ENODATA,
					"calibration measured nothing, so no open-loop rate can be "
					"set; see %s/raw",
					run->dir.path);
		json_object_set_new(found, best_names[kind], json_real(best[kind]));
	}
	if (err || !json_object_size(found))
		return err;
	set_rates(run, best);
	json_object_set(run->json, "calibration", found);
	return record_write_run(run->dir.dir, run->json, d);
}

/* A resumed run keeps the rates of its start. */
static int restore_rates(struct run *run, struct diag *d)
{
	const json_t *found = json_object_get(run->json, "calibration");
	double best[MODE_TARGETS];

	for (int kind = 0; kind < MODE_TARGETS; kind++) {
		best[kind] = jsonio_number(found, best_names[kind]);
		if (run->plan->calibrates[kind] && !(best[kind] > 0))
			return calibrate(run, d);
	}
	set_rates(run, best);
	return 0;
}

/*
 * Before the blocks, so that every trial's verdict can rest on it: a set-up of each mode that
 * expects something of tracepoints. A resumed run has those of its start.
 */
static int proof_pass(struct run *run, struct diag *d)
{
	const struct plan *p = run->plan;
	int err = 0;

	for (size_t i = 0; !err && i < p->n_run; i++) {
		const struct plan_cell *c = &p->cells[p->run[i]];

		if (!c->proof || json_object_get(run->proof, c->cell->id))
			continue;
		report_most(run, "proof", c->cell->id, p->e->blocks_min * plan_block_ns(p),
			    p->e->blocks * plan_block_ns(p));
		err = run_trial(run, "proof", 0, i, p->run[i], NULL, d);
		if (!err && run->proof_failed) /* all trials of the cell rest on it: once more */
			err = run_trial(run, "proof", 1, i, p->run[i], NULL, d);
	}
	return err;
}

static int all_blocks(struct run *run, struct diag *d)
{
	const struct plan *p = run->plan;
	char phase[64];
	int err = looks_begin(run) ? -ENOMEM : 0;

	if (!err) /* a run may have been cut short after the last of its blocks */
		err = looks_take(run, run->first_block, d);
	for (uint64_t b = run->first_block; !err && b < run->blocks; b++) {
		err = run_canary(run, b, false, d);
		for (uint64_t i = 0; !err && i < p->n_run; i++) {
			size_t cell = p->order[b * p->n_run + i];
			uint64_t left, most;

			snprintf(phase, sizeof(phase), "block %llu/%llu", (unsigned long long)b + 1,
				 (unsigned long long)p->e->blocks);
			looks_left(run, b, i, &left, &most);
			report_most(run, phase, p->cells[cell].cell->id, left, most);
			err = run_trial(run, "measure", b, i, cell, NULL, d);
		}
		if (!err)
			err = looks_take(run, b + 1, d);
	}
	run->total -= (p->e->blocks - run->blocks) * p->n_run;
	return err;
}

static int cpu_left_pass(struct run *run, struct diag *d)
{
	const struct plan *p = run->plan;
	uint64_t block_ns = plan_block_ns(p);
	int err = 0;

	if (!p->e->cpu_left)
		return 0;
	run_report(run, "CPU left", "spinner alone", block_ns);
	err = spin_idle(run->o->bin_dir, &run->dir, &p->measured, PLAN_SPINNER_IDLE_NS, false,
			run->ctx.signal_fd, &run->spin_idle, d);
	if (err == -EBUSY) { /* no figure is better than an inflated one */
		json_object_set_new(run->json, "cpu_left_absent", json_string(d->text));
		run->done += p->n_run;
		return 0;
	}
	for (size_t i = 0; !err && i < p->n_run; i++) {
		/* a spinner beside fio would have fio's start to itself */
		if (!workload_find(p->cells[p->run[i]].cell->workload)->controlled) {
			run->done++;
			continue;
		}
		run_report(run, "CPU left", p->cells[p->run[i]].cell->id,
			   block_ns - i * (block_ns / p->n_run));
		err = run_trial(run, "cpu_left", run->blocks, i, p->run[i], NULL, d);
	}
	return err;
}

static int run_id(char id[static 300], const char *dir, struct diag *d)
{
	const char *leaf = strrchr(dir, '/');
	uint32_t salt;

	if (getrandom(&salt, sizeof(salt), 0) != sizeof(salt))
		return diag_set(d, -EIO, "no random numbers");
	snprintf(id, 300, "%.280s-%08x", leaf ? leaf + 1 : dir, salt);
	return 0;
}

static int write_text(const struct rundir *dir, const char *name, const char *text, struct diag *d)
{
	_fd_ int fd =
		openat(dir->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	ssize_t len = (ssize_t)strlen(text);

	if (fd < 0 || write(fd, text, (size_t)len) != len || fsync(fd))
		return diag_errno(d, -errno, "%s/%s", dir->path, name);
	return 0;
}

static int open_dir(struct run *run, struct diag *d)
{
	const struct run_options *o = run->o;

	return o->resume ? rundir_open(o->resume, &run->dir, d)
			 : rundir_create(o->results_dir, run->plan->e->name, &run->dir, d);
}

/* What the run measured before it was cut short. */
static int note_kept(void *context, json_t *trial, struct diag *d)
{
	struct run *run = context;
	const char *cell = jsonio_string(trial, "cell", "");
	int err = 0;

	run->done++;
	if (!strcmp(jsonio_string(trial, "pass", "measure"), "calibration"))
		return 0;
	for (size_t i = 0; !err && i < run->plan->n_cells; i++) {
		if (strcmp(run->plan->cells[i].cell->id, cell))
			continue;
		note_trial(run, trial, i);
		if (proof_is_pass(jsonio_string(trial, "pass", "measure")))
			json_object_set_new(run->proof, cell, proof_excerpt(trial));
		err = retry_note(&run->retries, trial, i);
	}
	return err;
}

static int go_on(struct run *run, struct diag *d)
{
	struct run_data *data = NULL;
	int err =
		resume_load(&run->dir, run->plan, &run->json, &run->first_block, &run->attempt, d);

	if (err)
		return err;
	snprintf(run->id, sizeof(run->id), "%s", jsonio_string(run->json, "run", "?"));
	err = record_read_run(run->dir.path, note_kept, run, &data, d);
	record_free_run(data);
	return err;
}

/* run.json, before the first trial. The host lock is held by now: a directory that another iomodes
 * is filling is not touched. */
static int describe(struct run *run, struct diag *d)
{
	const struct run_options *o = run->o;
	int err;

	if (o->resume)
		return go_on(run, d);
	err = run_id(run->id, run->dir.path, d);
	if (!err)
		err = write_text(&run->dir, "experiment.yaml", o->experiment_text, d);
	if (err)
		return err;
	run->json = run_json_new(run->plan, run->id, o, &run->dir);
	if (!run->json)
		return -ENOMEM;
	return record_write_run(run->dir.dir, run->json, d);
}

/* Everything between a held host lock and the last restore. */
static int execute(struct run *run, struct diag *d)
{
	int err = run_json_machine(&run->dir, run->plan->machine, "before", d);

	if (!err && run->target && run->target->prepare_ns)
		run_report(run, "laying out the scratch file", "", run->plan->seconds_total_ns);
	if (!err && run->target)
		err = target_prepare(run->target, run->ctx.signal_fd, d);
	if (!err)
		err = run_prepare(run, d);
	if (!err && run->o->resume)
		err = restore_rates(run, d);
	else if (!err)
		err = calibrate(run, d);
	if (!err)
		err = proof_pass(run, d);
	if (!err)
		err = run_corunner_alone(run, d);
	if (!err)
		err = all_blocks(run, d);
	if (!err)
		err = run_retries(run, d);
	if (!err)
		err = cpu_left_pass(run, d);
	return err;
}

static uint64_t count_trials(const struct plan *p)
{
	uint64_t n = (p->e->blocks + (p->e->cpu_left ? 1 : 0)) * p->n_run + p->n_proof;

	for (size_t i = 0; i < p->n_run; i++)
		n += plan_calibrated(p, &p->cells[p->run[i]]);
	return n;
}

/* The last words of run.json; what is wrong by now is said, never hidden by this. */
static int finish(struct run *run, int err, const struct diag *why, struct diag *d)
{
	char now[32];
	double before = jsonio_number(run->json, "actual_seconds");
	int failed;

	run->result->actual_seconds =
		(double)(clock_ns() - run->started_ns) / 1e9 + (isfinite(before) ? before : 0);
	json_object_set_new(run->json, "ended", json_string(clock_iso(now)));
	json_object_set_new(run->json, "actual_seconds", json_real(run->result->actual_seconds));
	json_object_set_new(run->json, "complete", json_boolean(!err));
	json_object_set_new(run->json, "error", err ? json_string(why->text) : json_null());
	json_decref(run->result->precision);
	run->result->precision = json_incref(json_object_get(run->json, "precision"));
	failed = record_write_run(run->dir.dir, run->json, d);
	if (!failed)
		failed = run_json_machine(&run->dir, run->plan->machine, "after", d);
	if (!failed)
		failed = rundir_seal(&run->dir, d);
	return failed;
}

/* The host's session: opened here, or already there because the run stands on a rebound controller.
 */
static int start_session(struct run *run, struct diag *d)
{
	char what[600];
	struct session_options so = {
		.what = what,
		.copy_fd = run->dir.journal,
		.guardian = true,
	};

	if (run->ctx.session)
		return session_copy_to(run->ctx.session, run->dir.journal, d);
	snprintf(what, sizeof(what), "run %.500s", run->plan->e->file);
	return session_open(run->plan->machine->sys, &so, &run->ctx.session, d);
}

/* Down to the machine as it was; what held for the whole run goes into run.json. */
static int end_session(struct run *run, struct diag *d)
{
	struct knob_session *session = run->ctx.session;
	int err, closed;

	session_keep(session, false);
	err = session_restore(session, d);
	if (run->o->session && run->json)
		json_object_set_new(run->json, "knobs_of_run", session_take_log(session));
	closed = session_close(session, err ? NULL : d);
	run->ctx.session = NULL;
	return err ? err : closed;
}

static int with_session(struct run *run, struct diag *d)
{
	struct diag close = {""}, sealed = {""};
	int err = start_session(run, d), closed, unsealed;

	if (!run->ctx.session) {
		if (!run->o->resume)
			rundir_discard(&run->dir);
		return err;
	}
	if (!err)
		err = describe(run, d);
	if (!err)
		err = execute(run, d);
	if (err == -EINTR)
		run->result->signal = pending_signal(run->ctx.signal_fd);
	closed = end_session(run, &close);
	if (closed) {
		run->result->residue = true;
		*d = close;
		err = closed;
	}
	unsealed = run->json ? finish(run, err, d, &sealed) : 0;
	if (!err && unsealed)
		*d = sealed;
	return err ? err : unsealed;
}

int run_plan(struct plan *plan, struct target *target, const struct run_options *o,
	     struct run_result *r, struct diag *d)
{
	struct run run = {
		.plan = plan,
		.target = target,
		.o = o,
		.result = r,
		.dir = {.dir = -1, .trials = -1, .journal = -1, .raw = -1},
		.total = count_trials(plan),
		.started_ns = clock_ns(),
	};
	int err;

	*r = (struct run_result){0};
	run.best_per_s = calloc(plan->n_cells, sizeof(*run.best_per_s));
	run.measured = calloc(plan->n_cells, sizeof(*run.measured));
	run.proof = json_object();
	if (!run.best_per_s || !run.measured || !run.proof)
		err = -ENOMEM;
	else
		err = open_dir(&run, d);
	run.ctx = (struct trial_context){
		.plan = plan,
		.run_id = run.id,
		.bin_dir = o->bin_dir,
		.dir = &run.dir,
		.session = o->session,
		.signal_fd = -1,
	};
	if (!err) {
		run.ctx.signal_fd = open_signals(d);
		err = run.ctx.signal_fd < 0 ? run.ctx.signal_fd : with_session(&run, d);
	}
	if (run.ctx.session) { /* the run never began */
		struct diag close = {""};

		r->residue = session_close(run.ctx.session, &close) != 0;
		if (r->residue)
			*d = close;
	}
	snprintf(r->dir, sizeof(r->dir), "%s", run.dir.path);
	for (size_t i = 0; run.measured && i < plan->n_run; i++)
		r->cells_unmeasured += !run.measured[plan->run[i]];
	if (run.ctx.signal_fd >= 0)
		close(run.ctx.signal_fd);
	rundir_close(&run.dir);
	json_decref(run.json);
	json_decref(run.spin_idle);
	json_decref(run.corunner_alone);
	json_decref(run.proof);
	free(run.best_per_s);
	free(run.measured);
	retry_free(&run.retries);
	return err;
}
