// SPDX-License-Identifier: Apache-2.0
#include "trial/plan_fio.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "adapter/fio_command.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "trial/fio_probe.h"
#include "trial/mode_argv.h"

/* A scratch file may not be there yet; fio is only asked to read the job. */
static const char *target_path(const struct plan *p)
{
	return *p->target->path ? p->target->path : "iomodes-scratch";
}

int plan_fio_check(const struct plan *p, const struct experiment_load *load, bool trust,
		   struct diag *d)
{
	const struct target *t = p->target;
	struct stat st;
	int err;

	if (!load->fio)
		return 0;
	err = fio_job_check(&load->fio->job, target_path(p), trust, d);
	/* a device is as long as it is, and fio keeps to it */
	if (!err && (t->scratch || (!stat(t->path, &st) && S_ISREG(st.st_mode))))
		err = fio_job_fits(&load->fio->job, t->bytes, d);
	return err;
}

static int refuse(struct plan_cell *c, const struct diag *why, const char *remedy)
{
	c->runs = false;
	snprintf(c->reason, sizeof(c->reason), "%.470s", why->text);
	snprintf(c->remedy, sizeof(c->remedy), "%s", remedy);
	return 0;
}

int plan_fio(const struct plan *p, struct plan_cell *c, struct diag *d)
{
	const struct experiment_load *load = &c->cell->load;
	struct mode_argv options;
	_free_ char *cpus = c->placement.unpinned ? NULL : cpulist_text(&c->placement.workers);
	char version[32];
	struct workload_job job = {
		.program = "fio",
		.target = target_path(p),
		.rw = load->rw,
		.bs = load->bs,
		.iodepth = load->iodepth,
		.numjobs = load->numjobs,
		.rwmixread = load->rwmixread,
		.dsync = load->dsync,
		.rate_iops = load->open_loop ? 1000 : 0, /* not known before calibration */
		.poisson = load->poisson,
		.ramp_ns = p->e->ramp_ns,
		.runtime_ns = p->e->runtime_ns,
		.seed = 1,
		.cpus = cpus,
		.options = options.option,
		.control_fd = -1,
		.fio_job = load->fio ? &load->fio->job : NULL,
	};
	struct diag why = {""};
	json_t *untrusted;
	int err = fio_probe_version(job.program, version, &why);

	if (err)
		return refuse(c, &why, err == -ENOENT ? "apt-get install fio" : "a newer fio");
	err = mode_argv_resolve(c->cell->mode, "fio", &c->placement, p->target, load, &options, d);
	if (err)
		return err;
	job.n_options = options.n;
	job.target = options.filename ? options.filename : job.target;
	if (load->fio) { /* what stands there in its place is no load of ours */
		job.rw = "read";
		job.bs = 4096;
		job.iodepth = job.numjobs = 1;
		job.rate_iops = 0;
	}
	err = fio_probe_job(&job, &why);
	if (err == -EOPNOTSUPP || err == -EPERM)
		return refuse(c, &why, "");
	if (err)
		return diag_set(d, err, "%s", why.text);
	untrusted = load->fio ? fio_job_untrusted(&load->fio->job) : json_array();
	c->fio = json_pack("{s:s, s:o, s:o}", "version", version, "imposed",
			   fio_command_imposed(&job, d), "untrusted", untrusted);
	return 0;
}
