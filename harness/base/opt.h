/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of options per program or subcommand: parsing, range checks and help come from the same
 * rows. Built on getopt_long(3). In option names '-' and '_' are equal (fio writes both).
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct diag;

enum opt_type {
	OPT_BOOL,   /* bool; "--x", "--x=1", "--x=0" */
	OPT_U64,    /* uint64_t within [min, max] */
	OPT_F64,    /* double */
	OPT_BYTES,  /* uint64_t, num_parse_bytes() */
	OPT_NS,	    /* uint64_t nanoseconds, num_parse_ns() */
	OPT_STR,    /* const char *, points into argv */
	OPT_STRS,   /* struct opt_strs, may be repeated */
	OPT_CHOICE, /* const char *, one of `choices` (points at the row of the table) */
};

#define OPT_STRS_MAX 64
struct opt_strs {
	const char *item[OPT_STRS_MAX];
	size_t n;
};

struct opt {
	const char *name;
	const char *alias; /* second long name, or NULL */
	enum opt_type type;
	char letter;		    /* short option, or 0 */
	size_t offset;		    /* of the value in the destination struct */
	uint64_t min, max;	    /* OPT_U64, OPT_BYTES, OPT_NS; max 0 means no upper bound */
	const char *const *choices; /* OPT_CHOICE, NULL-terminated */
	const char *arg;	    /* how help names the value */
	const char *help;	    /* one sentence, with unit and default */
};

/*
 * Parse argv[1..] into `dest` (pre-filled with defaults). Stops at "--" or, with `stop_early`, at
 * the first word that is no option; `*first` is the index of the first word left over (argv may be
 * permuted otherwise). "--help" and "-h" return 1. Errors: -EINVAL with a sentence that names the
 * option, the bad value and the nearest right word.
 */
int opt_parse(const struct opt *table, size_t n, void *dest, bool stop_early, int argc, char **argv,
	      int *first, struct diag *d);

/* All values as JSON, by name with '_' for '-' and "_ns" behind times. A number equal to `unset`,
 * or a word that was not given and has no default, is absent. New reference. */
json_t *opt_json(const struct opt *table, size_t n, const void *values, uint64_t unset);

/* The option list as help text. */
void opt_help(const struct opt *table, size_t n, FILE *out);
