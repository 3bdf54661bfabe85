// SPDX-License-Identifier: Apache-2.0
/* What a job file would do, found out before anything is changed. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/fio_job.h"
#include "adapter/fio_report.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/num.h"

#define JOBS_MAX 1024

static const char *value_of(const struct fio_line *o)
{
	return o->value ? o->value : "1";
}

__attribute__((format(printf, 5, 6))) static int
at(const struct fio_job *j, const struct fio_line *o, int err, struct diag *d, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return diag_set(d, err, "%.200s:%u:%u: %s%s%.100s: %s", j->file, o->line, o->col, o->name,
			o->value ? "=" : "", o->value ? o->value : "", text);
}

static bool is_value(const struct fio_line *o, const char *value)
{
	return !strcmp(value_of(o), value);
}

static bool is_one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

/* Files beside the target, and what may make or remove one. */
static int check_target(const struct fio_job *j, const struct fio_line *o, const char *target,
			struct diag *d)
{
	static const char *const harmless[] = {"create_on_open", "create_serialize", "create_fsync",
					       "fallocate", "file_service_type"};

	if (!strcmp(o->name, "filename")) {
		if (!target || !strcmp(value_of(o), target))
			return 0;
		return at(j, o, -EINVAL, d,
			  "is not the target, %.200s: leave the line out, or give this file as "
			  "target",
			  target);
	}
	if (!strcmp(o->name, "nrfiles") || !strcmp(o->name, "openfiles")) {
		if (is_value(o, "1"))
			return 0;
		return at(j, o, -EINVAL, d, "names other files than the target");
	}
	if (!strcmp(o->name, "unlink") || !strcmp(o->name, "create_only") ||
	    !strcmp(o->name, "fill_device") || !strcmp(o->name, "allow_mounted_write") ||
	    !strcmp(o->name, "allow_file_create")) {
		if (is_value(o, "0"))
			return 0;
		return at(j, o, -EINVAL, d, "may make, fill or remove files: leave the line out");
	}
	if (is_one_of(o->name, harmless, ARRAY_SIZE(harmless)))
		return 0;
	return at(j, o, -EINVAL, d, "names other files than the target");
}

/* One job has nothing to wait for: what orders jobs is then left out like its times. */
static bool is_alone(const struct fio_job *j)
{
	size_t n = 0;

	for (size_t i = 0; i < j->n; i++)
		n += !j->section[i].global;
	return n == 1;
}

static int check_option(const struct fio_job *j, const struct fio_line *o, const char *target,
			bool trust, struct diag *d)
{
	/* what is undone by nobody is no question of trust */
	bool beyond_trust = o->kind == FIO_OPTION_ORDER || o->kind == FIO_OPTION_HOST;
	const char *refusal = fio_option_refusal(o->kind);
	char hint[160] = "";

	if (!strcmp(o->name, "name") && is_value(o, FIO_RAMP_JOB))
		return at(j, o, -EINVAL, d, "is a name that iomodes uses");
	if (o->kind == FIO_OPTION_TARGET)
		return check_target(j, o, target, d);
	if (!refusal || (trust && !beyond_trust) || (o->kind == FIO_OPTION_ORDER && is_alone(j)))
		return 0;
	if (o->kind == FIO_OPTION_UNKNOWN)
		fio_option_hint(o->name, hint, sizeof(hint));
	return at(j, o, -EPERM, d, "%s%s%s", refusal, hint,
		  beyond_trust ? "" : "; --trust allows it, after showing it");
}

int fio_job_check(const struct fio_job *j, const char *target, bool trust, struct diag *d)
{
	int err = 0;

	for (size_t i = 0; !err && i < j->n; i++) {
		const struct fio_section *s = &j->section[i];

		if (!strcmp(s->name, FIO_RAMP_JOB))
			return diag_set(d, -EINVAL, "%.200s:%u:1: [%s] is a name that iomodes uses",
					j->file, s->line, s->name);
		for (size_t k = 0; !err && k < s->n; k++)
			err = check_option(j, &s->option[k], target, trust, d);
	}
	return err;
}

json_t *fio_job_untrusted(const struct fio_job *j)
{
	json_t *list = json_array();

	for (size_t i = 0; i < j->n; i++) {
		for (size_t k = 0; k < j->section[i].n; k++) {
			const struct fio_line *o = &j->section[i].option[k];

			/* order is no question of trust: refused, or of one job and left out */
			if (o->kind == FIO_OPTION_TARGET || o->kind == FIO_OPTION_ORDER ||
			    !fio_option_refusal(o->kind))
				continue;
			/* whole: the end of a long command is the part that matters */
			json_array_append_new(list,
					      json_sprintf("%s:%u:%u: %s%s%s: %s", j->file, o->line,
							   o->col, o->name, o->value ? "=" : "",
							   o->value ? o->value : "",
							   fio_option_refusal(o->kind)));
		}
	}
	return list;
}

const struct fio_line *fio_job_effective(const struct fio_job *j, size_t section, const char *name)
{
	const struct fio_option *wanted = fio_option_find(name), *known;
	const struct fio_line *found = NULL;

	for (size_t i = 0; i <= section; i++) {
		const struct fio_section *s = &j->section[i];

		if (i != section && !s->global)
			continue;
		for (size_t k = 0; k < s->n; k++) {
			known = fio_option_find(s->option[k].name);
			if (known && known == wanted)
				found = &s->option[k];
		}
	}
	return found;
}

/* "randread" of "randread:8"; the words that fio knows. */
static int read_rw(const struct fio_job *j, const struct fio_line *o, char rw[static 16],
		   struct diag *d)
{
	static const char *const words[] = {"read", "write",	 "randread", "randwrite",
					    "rw",   "readwrite", "randrw"};
	const char *value = o ? value_of(o) : "read";

	snprintf(rw, 16, "%.*s", (int)strcspn(value, ":"), value);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(rw, words[i])) {
			if (!strcmp(rw, "readwrite"))
				strcpy(rw, "rw");
			return 0;
		}
	return at(j, o, -EINVAL, d, "is no kind of I/O that is measured here (%s)",
		  "read, write, randread, randwrite, rw, randrw");
}

/* A plain number or size; 0 for a range, a list or a split. */
static uint64_t read_size(const struct fio_line *o, uint64_t otherwise)
{
	uint64_t value;

	if (!o)
		return otherwise;
	return num_parse_bytes(value_of(o), &value, NULL) ? 0 : value;
}

/* Percent of reads; fio takes whichever of the two comes last. */
static uint64_t read_mix(const struct fio_job *j, size_t section)
{
	const struct fio_line *reads = fio_job_effective(j, section, "rwmixread");
	const struct fio_line *writes = fio_job_effective(j, section, "rwmixwrite");
	uint64_t share;

	if (!writes || (reads && reads->line > writes->line))
		return read_size(reads, 50);
	share = read_size(writes, 50);
	return share <= 100 ? 100 - share : 0;
}

static void same_or_zero(uint64_t *sum, uint64_t value, bool first)
{
	*sum = first || *sum == value ? value : 0;
}

/* The option that lets a job wait, or wait for several, with less than its depth in flight. */
static const char *depth_bound(const struct fio_job *j, size_t section)
{
	static const char *const names[] = {
		"thinktime",	  "iodepth_low",
		"iodepth_batch",  "iodepth_batch_complete_min",
		"latency_target", "serialize_overlap",
		"fsync",	  "fdatasync",
		"number_ios",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct fio_line *o = fio_job_effective(j, section, names[i]);

		if (o && strcmp(value_of(o), "0"))
			return names[i];
	}
	return NULL;
}

static int add_job(const struct fio_job *j, size_t i, struct fio_job_load *load, bool first,
		   struct diag *d)
{
	static const char *const sizes[] = {"bsrange", "bssplit", "bs_unaligned"};
	const struct fio_line *o = fio_job_effective(j, i, "rw"),
			      *clones = fio_job_effective(j, i, "numjobs");
	uint64_t jobs = read_size(clones, 1), bs = read_size(fio_job_effective(j, i, "bs"), 4096);
	char rw[16];
	int err = read_rw(j, o, rw, d);

	if (err)
		return err;
	if (clones && (!jobs || jobs > JOBS_MAX))
		return at(j, clones, -EINVAL, d, "1 to %d jobs", JOBS_MAX);
	if (load->jobs + jobs > JOBS_MAX)
		return diag_set(d, -EINVAL, "%.200s:%u:1: [%.80s]: more than %d jobs in all",
				j->file, j->section[i].line, j->section[i].name, JOBS_MAX);
	load->jobs += jobs;
	for (size_t k = 0; k < ARRAY_SIZE(sizes); k++)
		if (fio_job_effective(j, i, sizes[k]))
			bs = 0;
	same_or_zero(&load->bs, bs, first);
	same_or_zero(&load->iodepth, read_size(fio_job_effective(j, i, "iodepth"), 1), first);
	same_or_zero(&load->rwmixread, read_mix(j, i), first);
	if (first)
		memcpy(load->rw, rw, sizeof(rw));
	else if (strcmp(load->rw, rw))
		strcpy(load->rw, "various");
	if (!load->depth_bound)
		load->depth_bound = depth_bound(j, i);
	fio_job_add_rates(j, i, rw, bs, jobs, load);
	if (strcmp(rw, "read") && strcmp(rw, "randread") && !load->writes) {
		load->writes = true;
		snprintf(load->write_at, sizeof(load->write_at), "%.200s:%u:%u: %s=%s", j->file,
			 o->line, o->col, o->name, rw);
	}
	return 0;
}

int fio_job_load_of(const struct fio_job *j, struct fio_job_load *load, struct diag *d)
{
	bool first = true;
	int err = 0;

	*load = (struct fio_job_load){0};
	for (size_t i = 0; !err && i < j->n; i++) {
		const struct fio_section *s = &j->section[i];

		/* what it holds is not known here: it may write */
		for (size_t k = 0; k < s->n; k++) {
			if (strcmp(s->option[k].name, "include") || load->writes)
				continue;
			load->writes = true;
			load->depth_bound = "include";
			snprintf(load->write_at, sizeof(load->write_at), "%.200s:%u:%u: include",
				 j->file, s->option[k].line, s->option[k].col);
		}
		if (s->global)
			continue;
		err = add_job(j, i, load, first, d);
		first = false;
	}
	return err;
}

/* In bytes; 0 for a share of the file, and UINT64_MAX for what fio alone can read. */
static uint64_t read_extent(const struct fio_line *o)
{
	uint64_t value, share;
	size_t len;

	if (!o || !num_parse_bytes(value_of(o), &value, NULL))
		return o ? value : 0;
	len = strlen(value_of(o));
	if (len && value_of(o)[len - 1] == '%') {
		_free_ char *number = strndup(value_of(o), len - 1);

		if (number && !num_parse_u64(number, &share, NULL) && share <= 100)
			return 0;
	}
	return UINT64_MAX;
}

/* The byte behind the last one of all clones of a job; UINT64_MAX when no file is as long. */
static uint64_t reach_of(const struct fio_job *j, size_t section)
{
	uint64_t each = read_extent(fio_job_effective(j, section, "offset_increment"));
	uint64_t clones = read_size(fio_job_effective(j, section, "numjobs"), 1), reach;

	reach = read_extent(fio_job_effective(j, section, "size"));
	if (__builtin_mul_overflow(each, clones ? clones - 1 : 0, &each) ||
	    __builtin_add_overflow(reach, each, &reach) ||
	    __builtin_add_overflow(reach, read_extent(fio_job_effective(j, section, "offset")),
				   &reach))
		return UINT64_MAX;
	return reach;
}

int fio_job_fits(const struct fio_job *j, uint64_t bytes, struct diag *d)
{
	for (size_t i = 0; i < j->n; i++) {
		const struct fio_line *o = fio_job_effective(j, i, "size");

		if (j->section[i].global || !o || reach_of(j, i) <= bytes)
			continue;
		return at(
			j, o, -EINVAL, d,
			"is not seen to stay within the target's %llu bytes, and fio would remove "
			"the file to lay it out anew: leave the line out, or give a larger target",
			(unsigned long long)bytes);
	}
	return 0;
}
