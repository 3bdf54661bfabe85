// SPDX-License-Identifier: Apache-2.0
#include "experiment/group_fio.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/yaml.h"
#include "experiment/axis.h"

bool group_fio_is(const struct yaml_node *group)
{
	return yaml_get(group, "fio_job") || yaml_get(group, "fio_section");
}

/* What the job file says cannot be said by the group as well. */
static int check_group(const struct yaml_node *group, struct diag *d)
{
	const struct yaml_node *file = yaml_get(group, "fio_job");
	const struct yaml_node *workloads = yaml_get(group, "workloads");
	size_t n;
	const struct load_axis *axes = load_axes(&n);

	if (!file)
		return yaml_error(yaml_get(group, "fio_section"), d, -EINVAL,
				  "fio_section names a section of fio_job, which is not given");
	for (size_t i = 0; i < n; i++)
		if (yaml_get(group, axes[i].key))
			return yaml_error(yaml_get(group, axes[i].key), d, -EINVAL,
					  "the job file says %s; leave it out", axes[i].key);
	for (size_t i = 0; workloads && i < workloads->n; i++)
		if (strcmp(workloads->item[i]->text, "fio"))
			return yaml_error(workloads->item[i], d, -EINVAL,
					  "a fio_job is run by fio alone");
	return yaml_expect(file, YAML_SCALAR, d);
}

static char *beside(const char *experiment, const char *path)
{
	const char *slash = strrchr(experiment, '/');
	char *out;

	if (*path == '/' || !slash)
		return strdup(path);
	return asprintf(&out, "%.*s/%s", (int)(slash - experiment), experiment, path) < 0 ? NULL
											  : out;
}

static int read_file(const char *path, char **text, size_t *len, struct diag *d)
{
	_file_ FILE *f = fopen(path, "re");

	*text = malloc(FIO_JOB_BYTES_MAX + 1);
	if (!f)
		return diag_errno(d, -errno, "%.400s", path);
	if (!*text)
		return -ENOMEM;
	*len = fread(*text, 1, FIO_JOB_BYTES_MAX + 1, f);
	return ferror(f) ? diag_errno(d, -errno, "%.400s", path) : 0;
}

static int load_file(const char *path, struct experiment_fio *fio, struct diag *d)
{
	_free_ char *text = NULL;
	size_t len = 0;
	int err = read_file(path, &text, &len, d);

	if (!err)
		err = digest_bytes(text, len, fio->digest, d);
	if (!err)
		err = fio_job_parse(path, text, len, &fio->job, d);
	if (!err && fio->section)
		err = fio_job_select(&fio->job, fio->section, d);
	return err ? err : fio_job_load_of(&fio->job, &fio->load, d);
}

static int keep(struct experiment *e, struct experiment_fio *fio)
{
	struct experiment_fio **grown =
		fio ? reallocarray(e->fio, e->n_fio + 1, sizeof(*grown)) : NULL;

	if (!grown)
		return -ENOMEM;
	e->fio = grown;
	grown[e->n_fio++] = fio;
	return 0;
}

/* Some direction runs as fast as it goes: then the sum of the rates is not the rate of all. */
static bool is_partly_open(const struct fio_job_load *load)
{
	return load->unrated[FIO_JOB_READS] || load->unrated[FIO_JOB_WRITES];
}

int group_fio_load(const struct yaml_node *group, struct experiment *e,
		   struct experiment_load *load, struct diag *d)
{
	const struct yaml_node *file = yaml_get(group, "fio_job");
	const struct yaml_node *section = yaml_get(group, "fio_section");
	struct experiment_fio *fio;
	_free_ char *path = NULL;
	int err = check_group(group, d);

	if (!err && section)
		err = yaml_expect(section, YAML_SCALAR, d);
	if (err)
		return err;
	fio = calloc(1, sizeof(*fio));
	err = keep(e, fio);
	if (err) {
		free(fio);
		return err;
	}
	fio->file = strdup(file->text);
	fio->section = section ? strdup(section->text) : NULL;
	path = beside(e->file, file->text);
	if (!fio->file || !path || (section && !fio->section))
		return -ENOMEM;
	err = load_file(path, fio, d);
	if (err)
		return err;
	memcpy(load->rw, fio->load.rw, sizeof(load->rw));
	load->bs = fio->load.bs;
	load->iodepth = fio->load.iodepth;
	load->numjobs = fio->load.jobs;
	load->rwmixread = fio->load.rwmixread;
	load->open_loop = fio->load.open_loop;
	load->poisson = fio->load.poisson;
	/* of both directions, where it is known of both */
	load->rate_per_s =
		fio_job_rate(&fio->load, FIO_JOB_READS) + fio_job_rate(&fio->load, FIO_JOB_WRITES);
	if (!(load->rate_per_s > 0) || is_partly_open(&fio->load))
		load->rate_per_s = 0;
	load->fio = fio;
	return 0;
}

char *group_fio_id(const struct experiment_cell *c)
{
	const struct experiment_fio *f = c->load.fio;
	const char *slash = strrchr(f->file, '/');
	char *id;

	return asprintf(&id, "%s/%s%s%s/fio", c->mode->name, slash ? slash + 1 : f->file,
			f->section ? ":" : "", f->section ? f->section : "") < 0
		       ? NULL
		       : id;
}

void group_fio_free(struct experiment_fio *fio)
{
	if (!fio)
		return;
	fio_job_free(&fio->job);
	free(fio->file);
	free(fio->section);
	free(fio);
}
