// SPDX-License-Identifier: Apache-2.0
#include "adapter/fio_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/fio_report.h"
#include "base/cleanup.h"
#include "base/diag.h"

/* Debian 12's; older ones were never looked at. */
#define OLDEST_MAJOR 3
#define OLDEST_MINOR 33

static void impose(struct fio_command *c, const char *name, const char *value, const char *why)
{
	if (c->n < FIO_IMPOSED_MAX)
		c->imposed[c->n++] = (struct fio_imposed){name, value, why};
}

static int check_word(const char *what, const char *value, struct diag *d)
{
	if (value[strcspn(value, "\n\r$;#")])
		return diag_set(d, -EINVAL,
				"%s \"%.200s\": fio reads a line end, '$', ';' or '#' in it as "
				"something else",
				what, value);
	return 0;
}

/* fio takes ':' in a file name as the start of another one. */
static int escape_filename(const char *path, char *out, size_t size, struct diag *d)
{
	size_t n = 0;
	int err = check_word("the target's name", path, d);

	for (; !err && *path; path++) {
		if (n + 3 > size)
			return diag_set(d, -ENAMETOOLONG, "the target's name is too long for fio");
		if (*path == ':')
			out[n++] = '\\';
		out[n++] = *path;
	}
	out[n] = '\0';
	return err;
}

/* A mode says how the I/O is made. What names files (opendir would have fio take all of a folder),
 * ends the run or changes the report is another's to say, whoever wrote the mode. */
static const char *mode_refusal(enum fio_option_kind kind)
{
	switch (kind) {
	case FIO_OPTION_TARGET:
		return "is about files: the target's name is the run's to give";
	case FIO_OPTION_TIME:
	case FIO_OPTION_CPU:
	case FIO_OPTION_REPORT:
		return "is not a mode's to say: the run gives time, CPUs and report";
	default:
		return fio_option_refusal(kind);
	}
}

static int impose_mode(const struct workload_job *job, struct fio_command *c, struct diag *d)
{
	for (size_t i = 0; i < job->n_options; i++) {
		const struct workload_option *o = &job->options[i];
		const char *refusal = mode_refusal(fio_option_kind(o->name, o->value));
		int err = check_word(o->name, o->value, d);

		if (err)
			return err;
		if (refusal)
			return diag_set(d, -EPERM, "the mode's fio option %s=%.200s %s", o->name,
					o->value, refusal);
		impose(c, o->name, o->value, "mode");
	}
	return 0;
}

int fio_command_make(const struct workload_job *job, struct fio_command *c, struct diag *d)
{
	int err = escape_filename(job->target, c->filename, sizeof(c->filename), d);

	c->n = 0;
	if (!err)
		err = impose_mode(job, c, d);
	if (err)
		return err;
	snprintf(c->runtime, sizeof(c->runtime), "%lluus",
		 (unsigned long long)job->runtime_ns / 1000);
	impose(c, "filename", c->filename, "target");
	impose(c, "allow_file_create", "0", "target");
	if (job->cpus) {
		impose(c, "cpus_allowed", job->cpus, "placement");
		impose(c, "cpus_allowed_policy", "split", "placement");
	}
	impose(c, "time_based", "1", "time");
	impose(c, "runtime", c->runtime, "time");
	impose(c, "ramp_time", "0", "time");
	impose(c, "lat_percentiles", "1", "report");
	return 0;
}

/* With rate_iops, one value would hold for each direction of a mix. */
static void print_rate(FILE *f, const struct workload_job *job)
{
	double each = job->rate_iops / (double)job->numjobs, reads = (double)job->rwmixread / 100;

	if (!(job->rate_iops > 0))
		return;
	if (!strcmp(job->rw, "rw") || !strcmp(job->rw, "randrw"))
		fprintf(f, "rate_iops=%.0f,%.0f\n", each * reads, each * (1 - reads));
	else
		fprintf(f, "rate_iops=%.0f\n", each);
	fprintf(f, "rate_process=%s\n", job->poisson ? "poisson" : "linear");
}

static bool is_passthrough(const struct workload_job *job)
{
	for (size_t i = 0; i < job->n_options; i++)
		if (!strcmp(job->options[i].name, "ioengine"))
			return !strcmp(job->options[i].value, "io_uring_cmd");
	return false;
}

/*
 * The load as ioloop has it. What warms up is a job of its own before the measured one, not
 * ramp_time: fio forgets what it did in a ramp, but the kernel's counters hold it, and both have to
 * speak of the same I/Os.
 */
static void print_job(FILE *f, const struct workload_job *job, const struct fio_command *c)
{
	fprintf(f, "[global]\nrw=%s\nbs=%llu\niodepth=%llu\nnumjobs=%llu\n", job->rw,
		(unsigned long long)job->bs, (unsigned long long)job->iodepth,
		(unsigned long long)job->numjobs);
	if (!strcmp(job->rw, "rw") || !strcmp(job->rw, "randrw"))
		fprintf(f, "rwmixread=%llu\n", (unsigned long long)job->rwmixread);
	if (!is_passthrough(job)) /* a character device refuses O_DIRECT, and needs none */
		fprintf(f, "direct=1\n");
	if (job->dsync)
		fprintf(f, "sync=dsync\n");
	fprintf(f, "norandommap=1\nrandseed=%llu\ninvalidate=0\ngroup_reporting=1\n",
		(unsigned long long)job->seed);
	print_rate(f, job);
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->imposed[i].name, "runtime"))
			fprintf(f, "%s=%s\n", c->imposed[i].name, c->imposed[i].value);
	if (job->ramp_ns)
		fprintf(f, "[" FIO_RAMP_JOB "]\nruntime=%lluus\n",
			(unsigned long long)job->ramp_ns / 1000);
	fprintf(f, "[iomodes]\n%sruntime=%s\n", job->ramp_ns ? "stonewall\n" : "", c->runtime);
}

int fio_command_text(const struct workload_job *job, char **text, struct diag *d)
{
	_free_ struct fio_command *c = malloc(sizeof(*c));
	size_t size = 0;
	FILE *f;
	int err = c ? fio_command_make(job, c, d) : -ENOMEM;

	*text = NULL;
	if (err)
		return err;
	if (job->fio_job) {
		*text = fio_job_text(job->fio_job, c->imposed, c->n);
		return *text ? 0 : -ENOMEM;
	}
	f = open_memstream(text, &size);
	if (!f)
		return -ENOMEM;
	print_job(f, job, c);
	return fclose(f) ? -ENOMEM : 0;
}

json_t *fio_command_imposed(const struct workload_job *job, struct diag *d)
{
	_free_ struct fio_command *c = malloc(sizeof(*c));

	if (!c || !job->fio_job || fio_command_make(job, c, d))
		return json_array();
	return fio_job_imposed_json(job->fio_job, c->imposed, c->n);
}

int fio_version_check(const char *text, struct diag *d)
{
	unsigned major, minor;

	if (sscanf(text, "fio-%u.%u", &major, &minor) != 2)
		return diag_set(d, -EPROTO, "fio --version says \"%.60s\", which is no version",
				text);
	if (major < OLDEST_MAJOR || (major == OLDEST_MAJOR && minor < OLDEST_MINOR))
		return diag_set(d, -EOPNOTSUPP, "fio %u.%u is too old: %d.%d or newer is needed",
				major, minor, OLDEST_MAJOR, OLDEST_MINOR);
	return 0;
}
