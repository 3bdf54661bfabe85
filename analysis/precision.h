/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a run knows enough. Its design says from how many blocks on it may end and how many it may
 * have; at fixed numbers between (the looks) the width of the 95 % interval of every declared
 * comparison is held against what was asked. Never whether a difference is significant: stopping on
 * that finds differences that are not there (docs/METHOD.md).
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct diag;
struct judgement;
struct comparison;

/* At most this many numbers of blocks at which a run looks. */
#define PRECISION_LOOKS 6

/* The looks of a design: its fewest and most blocks, and 10, 15, 20 and 30 between them. Returns
 * how many. */
size_t precision_looks(size_t fewest, size_t most, size_t look[static PRECISION_LOOKS]);

/* What is known of one declared metric in one row: half the width of the 95 % interval of its
 * change, or of its own median where the load has no baseline to compare with. */
struct precision_series {
	const char *cell, *metric; /* borrowed */
	size_t n;		   /* blocks that it rests on */
	bool ratio;	   /* widths are relative (0.02: ±2 %), else in the metric's unit */
	double half_width; /* NAN: no 95 % interval exists yet */
	double target;
};

/* `asked` is the design's own width, relative; 0: the metric's margin, also where the noise floor
 * of this machine is larger. */
void precision_of_judgement(struct precision_series *s, const struct judgement *j, double asked);
/* The row by itself: n values, one a block. */
void precision_of_values(struct precision_series *s, const char *metric, const double *value,
			 size_t n, double asked);
/* Blocks after which all would be as narrow as asked, widths shrinking with the root of their
 * number; 0: not to be said, a series has no interval yet. */
size_t precision_forecast(const struct precision_series *s, size_t n);
/* {"blocks", "series", "within", "met", "forecast"?, "widest"?: {"cell", "metric", "n", "scale",
 * "half_width", "target"}, "sentence"}; met only if there is a series at all. The sentence does not
 * say that a width was asked for where it was not (`is_asked`). New reference. */
json_t *precision_json(const struct precision_series *s, size_t n, size_t blocks, bool is_asked);

/* The declared comparisons of a run; see precision_json(). New reference. */
json_t *precision_of(const struct comparison *cmp);
/* The same from the first `blocks` blocks of a run directory alone, as they were when the last of
 * them had ended: nothing that was tried again later counts. */
int precision_look(const char *dir, size_t blocks, json_t **look, struct diag *d);

/* The same in words: of a comparison's "precision" member, how the run ended with it. Returns
 * `out`. */
const char *precision_text(const json_t *precision, char *out, size_t size);

/* What run.json says of its looks and of its end (FORMAT.md, "precision"), made again from the
 * records; appends {"trial", "what", "recorded", "again"} for what is otherwise, a run that ended
 * early without its precision among it. */
int precision_again(const char *dir, const json_t *run, json_t *differences, struct diag *d);
