// SPDX-License-Identifier: Apache-2.0
#include "trial/trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapter/adapter.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "evidence/evidence.h"
#include "trial/host_watch.h"
#include "trial/listen.h"
#include "trial/mode_argv.h"
#include "trial/proof.h"
#include "trial/net_job.h"
#include "trial/trial_place.h"
#include "trial/trial_record.h"
#include "trial/workload_free.h"
#include "trial/workload_run.h"

#define SECOND	  1000000000u
#define PATHS_MAX 16
#define IRQS_MAX  4096
/* Beside ramp and runtime a loop needs milliseconds; past this it hangs. */
#define GRACE_NS (10ull * SECOND)

/* Everything one trial holds, so that one function can let go of it. */
struct trial {
	const struct trial_context *ctx;
	const struct trial_request *r;
	const struct workload_adapter *adapter;
	json_t *record;
	struct workload_run work, spin, server;
	struct workload_free free; /* in the place of `work` when it does not take our word */
	struct workload_free_request free_request;
	struct net_job net;   /* of a network cell */
	char server_name[32]; /* for messages and files of `server` */
	struct evidence_window *window;
	struct host_watch *host;
	json_t *evidence;
	struct trial_napi napi;
	struct cpulist cpus;	     /* measured */
	struct cpulist orchestrator; /* ours */
	const char *disks[PATHS_MAX];
	unsigned irqs[IRQS_MAX];
	size_t n_disks, n_irqs;
	int raw;
	int undone;	  /* a setting did not come back after a whole measurement: what is left */
	struct diag left; /* and where */
	bool refused;	  /* the device does not take a setting: unsupported, not failed */
	uint64_t started_ns, ready_ns, done_ns;
};

static bool is_net(const struct trial *t)
{
	return t->r->cell->cell->load.kind == MODE_NET;
}

/* After the settings are in force: they renumber NAPI instances, and may renumber interrupts. */
static int fill_scope(struct trial *t, struct diag *d)
{
	const struct machine *m = t->ctx->plan->machine;
	struct net_target *net = t->ctx->plan->net;
	const struct machine_disk *paths[PATHS_MAX];
	int err = is_net(t) ? net_target_look(m->sys, net, d) : 0;
	size_t n = is_net(t) ? 0 : machine_paths(m, t->ctx->plan->target->disk, paths, PATHS_MAX);

	for (size_t i = 0; !err && is_net(t) && i < net->n_nics; i++)
		for (size_t j = 0; j < net->nic[i]->n_vectors && t->n_irqs < IRQS_MAX; j++)
			t->irqs[t->n_irqs++] = net->nic[i]->vectors[j].irq;
	for (size_t i = 0; i < n; i++) {
		t->disks[t->n_disks++] = paths[i]->name;
		for (size_t j = 0; j < paths[i]->n_vectors && t->n_irqs < IRQS_MAX; j++)
			t->irqs[t->n_irqs++] = paths[i]->vectors[j].irq;
	}
	return err;
}

static json_t *argv_json(char *const *argv)
{
	json_t *list = json_array();

	for (size_t i = 0; argv[i]; i++)
		json_array_append_new(list, json_string(argv[i]));
	return list;
}

static void block_job(const struct trial *t, struct workload_job *job)
{
	const struct experiment_load *load = &t->r->cell->cell->load;
	const struct target *target = t->ctx->plan->target;

	job->target = target->path;
	job->write_id = *target->write_id ? target->write_id : NULL;
	job->rw = load->rw;
	job->bs = load->bs;
	job->iodepth = load->iodepth;
	job->numjobs = load->numjobs;
	job->rwmixread = load->rwmixread;
	job->dsync = load->dsync;
	job->rate_iops = t->r->rate_per_s;
	job->fio_job = load->fio ? &load->fio->job : NULL;
}

/* The other end, which listens before the client starts. */
static int start_server(struct trial *t, const struct workload_job *job, struct diag *d)
{
	_free_ char **argv = NULL;
	struct workload_start start = {
		.name = t->server_name,
		.cpus = &t->r->cell->placement.server,
		.memory_node = trial_place_memory(&t->r->cell->placement, PLACEMENT_SERVER),
		.raw = t->raw,
		.controlled = t->adapter->controlled,
		.stdin_text = t->adapter->token_on_stdin ? t->net.token_line : NULL,
		.netns_fd = t->net.end[PEER_SERVER].netns_fd,
	};
	int err = t->adapter->server_argv(job, &argv, d);

	if (err)
		return err;
	snprintf(t->server_name, sizeof(t->server_name), "%.13s-server", t->adapter->name);
	json_object_set_new(t->record, "server_argv", argv_json(argv));
	start.argv = argv;
	err = workload_run_start(&t->server, &start, d);
	if (!err && t->adapter->controlled)
		err = workload_run_await(&t->server, CONTROL_READY, clock_ns() + GRACE_NS,
					 t->ctx->signal_fd, d);
	else if (!err)
		err = listen_await(&t->server, job->net->port, clock_ns() + GRACE_NS,
				   t->ctx->signal_fd, d);
	t->work.partner = &t->server;
	return err;
}

static struct evidence_scope scope(const struct trial *t)
{
	return (struct evidence_scope){
		.sys = t->ctx->plan->machine->sys,
		.irqs = t->irqs,
		.n_irqs = t->n_irqs,
		.disks = t->disks,
		.n_disks = t->n_disks,
		.net_devs = t->net.devs,
		.n_net_devs = is_net(t) ? 2 : 0,
		.cpus = t->cpus,
		.pid = t->work.child ? child_pid(t->work.child) : 0,
		.server_pid = t->server.child ? child_pid(t->server.child) : 0,
		.proof = proof_is_pass(t->r->pass),
	};
}

/* One that does not take our word: its evidence window starts before it does. */
static int start_free(struct trial *t, const struct workload_job *job, char **argv, struct diag *d)
{
	_free_ char *input = NULL;
	const struct placement *p = &t->r->cell->placement;
	bool net = is_net(t), writes = !net && experiment_load_writes(&t->r->cell->cell->load);
	int err = t->adapter->input ? t->adapter->input(job, &input, d) : 0;

	t->free_request = (struct workload_free_request){
		.name = t->adapter->name,
		.argv = argv,
		.input = input,
		.cpus = net || p->unpinned ? &p->workers : &t->orchestrator,
		.memory_node = trial_place_memory(p, PLACEMENT_CLIENT),
		.netns_fd = net ? t->net.end[PEER_CLIENT].netns_fd : 0,
		.starts_jobs = t->adapter->starts_jobs,
		.scope = scope(t),
		.dir = t->ctx->dir,
		.trial = t->r->id,
		.raw = t->raw,
		.signal_fd = t->ctx->signal_fd,
		/* only a job by options has a warm-up: a user's file and iperf3 have none */
		.ramp_ns = t->adapter->starts_jobs && !job->fio_job ? t->r->ramp_ns : 0,
		.runtime_ns = t->r->runtime_ns,
		.grace_ns = GRACE_NS,
		.writes_to = writes ? job->target : NULL,
		.write_id = job->write_id,
	};
	if (!err)
		err = workload_free_start(&t->free, &t->free_request, d);
	t->free_request.argv = NULL;
	t->free_request.input = NULL;
	return err;
}

static int start_client(struct trial *t, const struct workload_job *job, struct diag *d)
{
	struct workload_run *partner = t->server.child ? &t->server : NULL;
	_free_ char **argv = NULL;
	struct workload_start start = {
		.name = t->adapter->name,
		.cpus = &t->r->cell->placement.workers,
		.memory_node = trial_place_memory(&t->r->cell->placement, PLACEMENT_CLIENT),
		.raw = t->raw,
		.controlled = t->adapter->controlled,
		.stdin_text = is_net(t) && t->adapter->token_on_stdin ? t->net.token_line : NULL,
		.netns_fd = is_net(t) ? t->net.end[PEER_CLIENT].netns_fd : 0,
	};
	int err = t->adapter->argv(job, &argv, d);

	if (err)
		return err;
	json_object_set_new(t->record, "argv", argv_json(argv));
	if (!t->adapter->controlled)
		return start_free(t, job, argv, d);
	start.argv = argv;
	err = workload_run_start(&t->work, &start, d);
	t->work.partner = partner;
	return err;
}

static int start_workload(struct trial *t, struct diag *d)
{
	const struct plan_cell *c = t->r->cell;
	struct mode_argv options;
	_free_ char *cpus = trial_place_cpus(&c->placement, &c->placement.workers);
	_free_ char *server_cpus = trial_place_cpus(&c->placement, &c->placement.server);
	char program[4200];
	struct workload_job job = {
		.program = program,
		.ramp_ns = t->r->ramp_ns,
		.runtime_ns = t->r->runtime_ns,
		.poisson = c->cell->load.poisson,
		.seed = t->r->seed,
		.cpus = cpus,
		.options = options.option,
		.control_fd = t->adapter->controlled ? WORKLOAD_CONTROL_FD : -1,
	};
	int err;

	/* Our own programs lie beside iomodes; a foreign one is found in PATH. */
	if (t->adapter->controlled)
		snprintf(program, sizeof(program), "%.4000s/%s", t->ctx->bin_dir,
			 t->adapter->program);
	else
		snprintf(program, sizeof(program), "%s", t->adapter->program);
	err = mode_argv_resolve(c->cell->mode, c->cell->workload, &c->placement,
				t->ctx->plan->target, &c->cell->load, &options, d);
	job.n_options = options.n;
	if (!err && is_net(t))
		err = net_job_make(t->ctx->plan->net, t->r, server_cpus, &t->net, d);
	if (err)
		return err;
	if (is_net(t)) {
		t->net.job.server_control_fd = job.control_fd;
		job.net = &t->net.job;
	} else {
		block_job(t, &job);
		job.target = options.filename ? options.filename : job.target;
	}
	if (is_net(t) && t->adapter->server_argv)
		err = start_server(t, &job, d);
	return err ? err : start_client(t, &job, d);
}

static int start_spinner(struct trial *t, struct diag *d)
{
	_free_ char *cpus = cpulist_text(t->r->spin_on);
	char program[4200], cpus_arg[4096], fd_arg[32], normal[] = "--normal";
	char *argv[] = {program, cpus_arg, fd_arg, t->r->corunner ? normal : NULL, NULL};
	struct workload_start start = {
		.name = "spinner",
		.argv = argv,
		.cpus = t->r->spin_on,
		.raw = t->raw,
		.controlled = true,
	};
	int err;

	snprintf(program, sizeof(program), "%.4000s/spinner", t->ctx->bin_dir);
	snprintf(cpus_arg, sizeof(cpus_arg), "--cpus=%.4000s", cpus ? cpus : "");
	snprintf(fd_arg, sizeof(fd_arg), "--control-fd=%d", WORKLOAD_CONTROL_FD);
	err = workload_run_start(&t->spin, &start, d);
	if (!err)
		err = workload_run_await(&t->spin, CONTROL_READY, clock_ns() + GRACE_NS,
					 t->ctx->signal_fd, d);
	return err ? err : workload_run_say(&t->spin, CONTROL_GO, d);
}

static int measure_free(struct trial *t, struct diag *d)
{
	json_t *notes = json_array();
	struct diag why = {""};
	int err;

	json_object_set_new(t->record, "diagnostics", notes);
	err = workload_free_await(&t->free, &t->evidence, notes, d);
	t->ready_ns = t->free.started_ns + t->free_request.ramp_ns;
	t->done_ns = t->free.ended_ns;
	/* The client's report judges: a server that nobody came to waits for ever. */
	if (!err && t->server.child &&
	    workload_run_finish(&t->server, clock_ns() + 2ull * SECOND, &why))
		json_array_append_new(notes, json_string(why.text));
	return err;
}

/* From "ready" to "done": the only stretch that is measured. */
static int measure(struct trial *t, struct diag *d)
{
	struct evidence_scope look = scope(t);
	int err = workload_run_await(&t->work, CONTROL_READY, clock_ns() + t->r->ramp_ns + GRACE_NS,
				     t->ctx->signal_fd, d);

	if (err)
		return err;
	if (t->r->spin_on) { /* the spinner's window holds the measured one and both samplings, a
				few ms */
		err = start_spinner(t, d);
		if (err)
			return err;
	}
	err = evidence_begin(&look, &t->window, d);
	if (!err)
		err = workload_run_say(&t->work, CONTROL_GO, d);
	t->ready_ns = clock_ns();
	if (!err)
		err = workload_run_await(&t->work, CONTROL_DONE,
					 t->ready_ns + t->r->runtime_ns + GRACE_NS,
					 t->ctx->signal_fd, d);
	t->done_ns = clock_ns();
	if (!err)
		err = evidence_end(t->window, &t->evidence, d);
	if (!err && t->r->spin_on) {
		err = workload_run_say(&t->spin, CONTROL_STOP, d);
		if (!err)
			err = workload_run_await(&t->spin, CONTROL_DONE, clock_ns() + GRACE_NS,
						 t->ctx->signal_fd, d);
		if (!err)
			err = workload_run_say(&t->spin, CONTROL_EXIT, d);
		if (!err)
			err = workload_run_finish(&t->spin, clock_ns() + GRACE_NS, d);
	}
	if (!err)
		err = workload_run_say(&t->work, CONTROL_EXIT, d);
	if (!err)
		err = workload_run_finish(&t->work, clock_ns() + GRACE_NS, d);
	if (!err && t->server.child)
		err = workload_run_finish(&t->server, clock_ns() + GRACE_NS, d);
	return err;
}

static int read_spinner(struct trial *t, struct diag *d)
{
	_free_ char *text = NULL;
	_json_ json_t *spinner = NULL;
	size_t len = 0;
	int err = rundir_read_raw(t->ctx->dir, t->r->id, "spinner.stdout", &text, &len, d);

	if (err)
		return err;
	spinner = json_loadb(text, len, 0, NULL);
	if (!spinner)
		return diag_set(d, -EPROTO, "spinner: its output is not JSON");
	trial_record_spinner(t->record, spinner, t->r->spin_idle, t->r->corunner);
	return 0;
}

static int read_output(struct trial *t, struct diag *d)
{
	_free_ char *text = NULL;
	size_t len = 0;
	const char *name = t->adapter->controlled ? t->work.stdout_name : t->free.stdout_name;
	int err = rundir_read_raw(t->ctx->dir, t->r->id, name, &text, &len, d);

	if (!err)
		err = t->adapter->parse(text, len, t->record, t->evidence, d);
	if (err)
		return err;
	if (is_net(t))
		net_job_judge(t->ctx->plan->net, t->record, t->evidence);
	trial_place_evidence(t->ctx->plan, t->r->cell, &t->napi, t->record, t->evidence);
	json_object_set(t->record, "evidence", t->evidence);
	if (t->r->proof)
		json_object_set(t->evidence, "proof", t->r->proof);
	trial_record_metrics(t->record, t->r->cell->cell->load.kind);
	if (proof_is_pass(t->r->pass))
		proof_strip(t->record);
	return t->r->spin_on ? read_spinner(t, d) : 0;
}

/* Between apply and restore. */
static int run_applied(struct trial *t, struct diag *d)
{
	const struct plan_cell *c = t->r->cell;
	struct machine_subject subject;
	const struct child *child;
	int err;

	trial_place_self(&c->placement);
	err = fill_scope(t, d);
	if (!err && is_net(t))
		err = trial_napi_pin(t->ctx->session, t->ctx->plan->machine->sys, t->ctx->plan->net,
				     &c->placement, &t->napi, d);
	if (!err) {
		subject = plan_subject(t->ctx->plan, c->cell->load.kind);
		t->host = host_watch_begin(t->ctx->plan->machine, &subject, &t->cpus);
		err = t->host ? start_workload(t, d) : -ENOMEM;
	}
	child = t->adapter->controlled ? t->work.child : t->free.child;
	if (!err && t->ctx->session)
		err = session_set_workload(t->ctx->session, child_cgroup(child), child_pid(child));
	if (err == -ESRCH) /* it has ended already; why is found out where it is waited for */
		err = 0;
	if (!err)
		err = t->adapter->controlled ? measure(t, d) : measure_free(t, d);
	workload_free_end(&t->free);
	workload_run_free(&t->spin);
	workload_run_free(&t->work);
	workload_run_free(&t->server);
	trial_napi_look(t->ctx->plan->machine->sys, &t->napi);
	if (t->ctx->session)
		session_set_workload(t->ctx->session, "", 0);
	if (t->host)
		json_object_set_new(t->record, "host", host_watch_end(t->host));
	return err ? err : read_output(t, d);
}

static void put_timing(struct trial *t)
{
	uint64_t total = clock_ns() - t->started_ns, knobs = 0;
	uint64_t window = t->done_ns > t->ready_ns ? t->done_ns - t->ready_ns : 0, used;
	double measured = jsonio_number(t->record, "workload_report.window_ns");
	uint64_t ramp = t->free_request.name ? t->free_request.ramp_ns : t->r->ramp_ns;

	if (t->ctx->session)
		knobs = session_take_write_ns(t->ctx->session);
	used = ramp + window + knobs;
	json_object_set_new(t->record, "timing",
			    json_pack("{s:I, s:I, s:I, s:I}", "ramp_ns", (json_int_t)ramp,
				      "measured_ns", (json_int_t)measured, "knob_write_ns",
				      (json_int_t)knobs, "overhead_ns",
				      (json_int_t)(total > used ? total - used : 0)));
}

static void let_go(struct trial *t)
{
	evidence_free(t->window);
	host_watch_free(t->host);
	json_decref(t->evidence);
	cpulist_free(&t->cpus);
	cpulist_free(&t->orchestrator);
	if (t->raw >= 0)
		close(t->raw);
}

/* A failed trial is a result; these are not: the run cannot go on. */
static bool is_fatal(int err)
{
	return err == -EINTR || err == -ENOMEM || err == -ENOSPC || err == -EUCLEAN;
}

static int run_restored(struct trial *t, struct diag *d)
{
	const struct plan_cell *c = t->r->cell;
	struct knob_session *session = t->ctx->session;
	struct diag restore = {""};
	int err = 0, undone = 0;

	if (session)
		err = session_apply(session, c->settings, c->n_settings, d);
	t->refused = err == -EOPNOTSUPP;
	if (!err)
		err = run_applied(t, d);
	if (session) {
		undone = session_restore(session, &restore);
		json_object_set_new(t->record, "knobs", session_take_log(session));
	}
	if (undone && !err) { /* what was measured is still worth a record, then the run ends */
		t->undone = undone;
		t->left = restore;
		return 0;
	}
	if (undone) {
		*d = restore;
		return undone;
	}
	return err;
}

int trial_run(const struct trial_context *ctx, const struct trial_request *r, json_t **record,
	      struct diag *d)
{
	struct trial t = {
		.ctx = ctx,
		.r = r,
		.adapter = workload_find(r->cell->cell->workload),
		.work.control = -1,
		.spin.control = -1,
		.server.control = -1,
		.raw = -1,
		.started_ns = clock_ns(),
	};
	int err = 0;

	*record = NULL;
	d->text[0] = '\0'; /* what was said before is no reason of this trial */
	t.record = trial_record_new(ctx, r);
	if (!t.record)
		return -ENOMEM;
	if (ctx->session) /* what a session did before belongs to no trial */
		session_take_write_ns(ctx->session);
	err = placement_measured(&r->cell->placement, &t.cpus);
	if (!err)
		err = cpulist_add(&t.orchestrator, r->cell->placement.orchestrator_cpu);
	if (!err && !t.adapter)
		err = diag_set(d, -EINVAL, "unknown workload \"%s\"", r->cell->cell->workload);
	if (!err) {
		t.raw = rundir_raw(ctx->dir, r->id, d);
		err = t.raw < 0 ? t.raw : 0;
	}
	if (!err)
		err = run_restored(&t, d);
	put_timing(&t);
	if (err && !*d->text)
		diag_set(d, err, "%s", strerror(-err));
	if (err && !is_fatal(err)) {
		trial_record_failed(t.record, r, t.refused, d);
		err = 0;
	} else if (!err) {
		err = trial_record_judge(t.record, r);
	}
	let_go(&t);
	if (err)
		json_decref(t.record);
	else
		*record = t.record;
	if (!err && t.undone) {
		*d = t.left;
		return t.undone;
	}
	return err;
}
