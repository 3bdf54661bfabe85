// SPDX-License-Identifier: Apache-2.0
/* The rates that a job file asks for, per direction, as fio takes them: rate_iops in I/Os and rate
 * in bytes a second, "reads,writes", one value for both; each clone has its own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/fio_job.h"
#include "base/cleanup.h"
#include "base/num.h"

static const char *value_of(const struct fio_line *o)
{
	return o->value ? o->value : "1";
}

/* The value of one direction; 0: none, NAN: one that is not read here. */
static double rate_value(const struct fio_line *o, size_t direction)
{
	_free_ char *copy = strdup(value_of(o));
	char *at = copy, *part = NULL;
	uint64_t value;
	size_t n = 0;

	if (!copy)
		abort();
	if (!strchr(copy, ',')) /* holds for both */
		direction = 0;
	while (n++ <= direction)
		part = strsep(&at, ",");
	if (!part || !*part)
		return 0;
	return num_parse_bytes(part, &value, NULL) ? NAN : (double)value;
}

/* Of one clone of a job; `bs` 0: sizes differ, so that bytes are no I/Os. */
static double rate_of(const struct fio_job *j, size_t section, size_t direction, uint64_t bs)
{
	const struct fio_line *ios = fio_job_effective(j, section, "rate_iops");
	const struct fio_line *bytes = fio_job_effective(j, section, "rate");
	double rate = ios ? rate_value(ios, direction) : 0;

	if (rate > 0 || isnan(rate) || !bytes)
		return rate;
	rate = rate_value(bytes, direction);
	return rate > 0 && !bs ? NAN : rate > 0 ? rate / (double)bs : rate;
}

void fio_job_add_rates(const struct fio_job *j, size_t section, const char *rw, uint64_t bs,
		       uint64_t clones, struct fio_job_load *load)
{
	const struct fio_line *process = fio_job_effective(j, section, "rate_process");
	bool does[FIO_JOB_DIRECTIONS] = {
		[FIO_JOB_READS] = strcmp(rw, "write") && strcmp(rw, "randwrite"),
		[FIO_JOB_WRITES] = strcmp(rw, "read") && strcmp(rw, "randread"),
	};

	for (size_t i = 0; i < FIO_JOB_DIRECTIONS; i++) {
		double rate = does[i] ? rate_of(j, section, i, bs) : 0;

		if (!does[i])
			continue;
		if (rate == 0) { /* as fast as it goes */
			load->unrated[i] = true;
			continue;
		}
		load->rate_per_s[i] += rate * (double)clones; /* NAN stays */
		load->open_loop = true;
		load->poisson |= process && !strcmp(value_of(process), "poisson");
	}
}

double fio_job_rate(const struct fio_job_load *load, size_t direction)
{
	double rate = load->rate_per_s[direction];

	return load->unrated[direction] && rate != 0 ? NAN : rate;
}
