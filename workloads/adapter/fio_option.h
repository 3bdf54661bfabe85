/* SPDX-License-Identifier: Apache-2.0 */
/* Which of fio's options a job from somebody else may carry. Internal to adapter/. */
#pragma once

enum fio_option_kind {
	FIO_OPTION_UNKNOWN, /* not on the list: refused, with the nearest word that is */
	FIO_OPTION_LOAD,    /* what the job does: passed on */
	FIO_OPTION_MODE,    /* how the I/O is made: the mode decides, it replaces them all */
	FIO_OPTION_TIME,    /* how long: the experiment decides */
	FIO_OPTION_CPU,	    /* where: the placement decides */
	FIO_OPTION_TARGET,  /* a file or device: has to be the target */
	FIO_OPTION_REPORT,  /* of the report: ours is needed to read it */
	FIO_OPTION_RUNS,    /* runs commands or loads code: refused without trust */
	FIO_OPTION_FILES,   /* reads or writes other files: refused without trust */
	FIO_OPTION_ORDER, /* delays jobs against one another: refused, trust or not; left out of one
			   */
	FIO_OPTION_HOST,  /* changes the machine, and nobody restores it: refused, trust or not */
};

struct fio_option {
	const char *name, *alias;
	enum fio_option_kind kind;
};

/* By name or alias; NULL for one that is not in the table. */
const struct fio_option *fio_option_find(const char *name);
/* Of the option with this value (NULL: none): an engine that is a library's path loads code. */
enum fio_option_kind fio_option_kind(const char *name, const char *value);
/* Why a kind is refused without trust, or NULL when it is not. */
const char *fio_option_refusal(enum fio_option_kind kind);
/* The nearest known word as in base/suggest.h. Returns `out`. */
const char *fio_option_hint(const char *name, char *out, unsigned size);
