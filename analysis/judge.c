// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static const char *const words[] = {[JUDGE_BETTER] = "better",
				    [JUDGE_WORSE] = "worse",
				    [JUDGE_EQUIVALENT] = "equivalent",
				    [JUDGE_INCONCLUSIVE] = "inconclusive"};

const char *judge_word_name(enum judge_word word)
{
	return words[word];
}

const char *judge_text(const struct judgement *j, double value, char *out, size_t size)
{
	double percent = expm1(value) * 100;

	if (!j->ratio)
		snprintf(out, size, "%+.3g %s", value, j->metric->unit);
	else if (percent >= 1000)
		snprintf(out, size, "x%.3g", exp(value));
	else
		snprintf(out, size, "%+.*f %%", fabs(percent) < 99.95 ? 1 : 0, percent);
	return out;
}

static const char *change_text(const struct judgement *j, double estimate,
			       const struct stats_interval *i, char *out, size_t size)
{
	char est[32], low[32], high[32];

	judge_text(j, estimate, est, sizeof(est));
	/* one scale: "+827 % [+745 %, x17.6]" would read as if x17.6 were less than 827 */
	if (i->level > 0 && j->ratio && fmax(estimate, i->high) >= log(11))
		snprintf(out, size, "x%.3g [x%.3g, x%.3g]", exp(estimate), exp(i->low),
			 exp(i->high));
	else if (i->level > 0)
		snprintf(out, size, "%s [%s, %s]", est, judge_text(j, i->low, low, sizeof(low)),
			 judge_text(j, i->high, high, sizeof(high)));
	else
		snprintf(out, size, "%s", est);
	return out;
}

const char *judge_change_text(const struct judgement *j, char *out, size_t size)
{
	return change_text(j, j->estimate, &j->i95, out, size);
}

const char *judge_back_text(const struct judgement *j, char *out, size_t size)
{
	struct judgement scale = {.metric = j->metric, .ratio = j->back.ratio};
	size_t n = j->back.left_out;
	char text[128];

	*out = '\0';
	if (n)
		snprintf(out, size, "with the %zu trial%s left out put back in: %s", n,
			 n == 1 ? "" : "s",
			 change_text(&scale, j->back.estimate, &j->back.i95, text, sizeof(text)));
	return out;
}

static int side(const struct stats_interval *i, double margin)
{
	return !(i->level > 0) ? 0 : i->low > margin ? 1 : i->high < -margin ? -1 : 0;
}

int judge_side(const struct judgement *j)
{
	int of = side(&j->i95, j->margin);

	return !j->back.left_out || side(&j->back.i95, j->back.margin) == of ? of : 0;
}

bool judge_same(const struct judgement *j)
{
	return stats_equivalent(&j->i90, j->equivalence) &&
	       (!j->back.left_out || stats_equivalent(&j->back.i90, j->back.equivalence));
}

void judge_put_back(struct judgement *j, const struct judgement *with, size_t left_out)
{
	j->back = (struct judge_back){.left_out = left_out,
				      .n = with->n,
				      .ratio = with->ratio,
				      .estimate = with->estimate,
				      .margin = with->margin,
				      .equivalence = with->equivalence,
				      .i95 = with->i95,
				      .i90 = with->i90,
				      .p = with->p,
				      .adjusted = NAN,
				      .word = JUDGE_INCONCLUSIVE};
}

/* Margins have two sides and so no sign: "1 %". */
static const char *margin_text(const struct judgement *j, double margin, char *out, size_t size)
{
	const char *why = j->noisy && margin == j->margin ? " (this machine's noise floor)" : "";

	if (j->ratio)
		snprintf(out, size, "%.3g %%%s", expm1(margin) * 100, why);
	else
		snprintf(out, size, "%.3g %s%s", margin, j->metric->unit, why);
	return out;
}

/* The difference must exceed the relative and the absolute margin, so the larger one counts. */
static double margin_of(const struct judgement *j)
{
	double absolute = j->metric->margin_absolute, size = fabs(j->baseline);

	if (j->ratio)
		return log1p(fmax(j->metric->margin_relative, absolute / size));
	return fmax(j->metric->margin_relative * size, absolute);
}

/* Medians, estimate and margin; x becomes the paired values on the scale of the estimate. */
static void estimate(struct judgement *j, const struct metric *metric, const double *baseline,
		     const double *mode, size_t n, double *x)
{
	*j = (struct judgement){.metric = metric,
				.n = n,
				.ratio = true,
				.p = NAN,
				.adjusted = NAN,
				.detectable = NAN,
				.baseline = stats_median(baseline, n),
				.mode = stats_median(mode, n)};
	for (size_t i = 0; i < n; i++)
		j->ratio = j->ratio && baseline[i] > 0 && mode[i] > 0;
	for (size_t i = 0; i < n; i++)
		x[i] = j->ratio ? log(mode[i] / baseline[i]) : mode[i] - baseline[i];
	j->estimate = stats_hodges_lehmann(x, n);
	j->margin = j->equivalence = margin_of(j);
}

void judge_interval(struct judgement *j, const struct metric *metric, const double *baseline,
		    const double *mode, size_t n)
{
	_free_ double *x = stats_array(n);

	estimate(j, metric, baseline, mode, n, x);
	j->i95 = stats_signed_rank_interval(x, n, 0.95);
	j->i90 = stats_signed_rank_interval(x, n, 0.90);
}

void judge_estimate(struct judgement *j, const struct metric *metric, const double *baseline,
		    const double *mode, size_t n, uint64_t seed)
{
	_free_ double *x = stats_array(n);
	struct stats_interval both[2];

	estimate(j, metric, baseline, mode, n, x);
	stats_hl_intervals(x, n, (const double[]){0.95, 0.90}, 2, seed, both);
	j->i95 = both[0];
	j->i90 = both[1];
	j->sd = stats_sd(x, n);
	j->spread = stats_spread(&j->i95, n);
	if (n >= JUDGE_BLOCKS_MIN)
		j->p = stats_sign_flip(x, n, seed + 1);
}

void judge_unpaired(struct judgement *j, const struct metric *metric, const double *first, size_t n,
		    const double *second, size_t m)
{
	_free_ double *x = stats_array(n);
	_free_ double *y = stats_array(m);

	*j = (struct judgement){.metric = metric,
				.unpaired = true,
				.n = n < m ? n : m,
				.ratio = true,
				.p = NAN,
				.adjusted = NAN,
				.detectable = NAN,
				.baseline = stats_median(first, n),
				.mode = stats_median(second, m)};
	for (size_t i = 0; i < n; i++)
		j->ratio = j->ratio && first[i] > 0;
	for (size_t i = 0; i < m; i++)
		j->ratio = j->ratio && second[i] > 0;
	for (size_t i = 0; i < n; i++)
		x[i] = j->ratio ? log(first[i]) : first[i];
	for (size_t i = 0; i < m; i++)
		y[i] = j->ratio ? log(second[i]) : second[i];
	j->estimate = stats_shift(x, n, y, m);
	j->i95 = stats_shift_interval(x, n, y, m, 0.95);
	j->i90 = stats_shift_interval(x, n, y, m, 0.90);
	j->sd = NAN;
	j->spread = stats_spread(&j->i95, j->n);
	j->margin = j->equivalence = margin_of(j);
	if (j->n >= JUDGE_BLOCKS_MIN)
		j->p = stats_rank_sum(x, n, y, m);
}

void judge_raise_margin(struct judgement *j, double floor)
{
	double margin = j->ratio ? log1p(floor) : floor * fabs(j->baseline);

	if (!(margin > j->margin))
		return;
	j->margin = margin;
	j->noisy = true;
}

static size_t blocks_for(double scatter, double distance)
{
	return stats_blocks_needed(scatter, distance, JUDGE_ALPHA, JUDGE_POWER, JUDGE_BLOCKS_MOST);
}

/* As many as both conditions of "better" need; what is nearer to none must shrink into its own
 * margin. */
static size_t blocks_to_settle(const struct judgement *j)
{
	double away = fabs(j->estimate);
	size_t interval, p;

	if (!(away > j->margin))
		return blocks_for(j->spread, fabs(away - j->equivalence));
	interval = blocks_for(j->spread, away - j->margin);
	p = isnan(j->sd) ? interval : blocks_for(j->sd, away);
	return !interval || !p ? 0 : interval > p ? interval : p;
}

static void undecided(struct judgement *j, const char *low, const char *high, const char *margin)
{
	char found[32], more[96] = "";

	j->blocks_needed = blocks_to_settle(j);
	if (j->blocks_needed && j->blocks_needed <= j->n)
		j->blocks_needed = j->n + 1; /* the forecast is a mean: this draw was unlucky */
	if (j->blocks_needed)
		snprintf(more, sizeof(more), "; about %zu blocks would settle it",
			 j->blocks_needed);
	else
		snprintf(more, sizeof(more),
			 "; more than the %d blocks of a run would be needed to "
			 "settle it",
			 JUDGE_BLOCKS_MOST);
	judge_text(j, j->detectable, found, sizeof(found)); /* either way */
	snprintf(j->sentence, sizeof(j->sentence),
		 "the interval %s to %s crosses the margin of %s; %zu blocks find a change of %s "
		 "four times in five%s",
		 low, high, margin, j->n, found, more);
}

/* With how many blocks the least p there can be survives the family: 2^(1-n) of sign flips, of two
 * runs of n blocks the rank sum's 2 / (2n choose n). */
static size_t least_blocks(const struct judgement *j)
{
	double p = 1, most = JUDGE_ALPHA / (double)j->family;
	size_t n = 1;

	for (; p > most; n++)
		p = j->unpaired ? 2 * exp(2 * lgamma((double)n + 2) - lgamma(2 * (double)n + 3))
				: ldexp(1, -(int)n);
	return n;
}

static void find_word(struct judgement *j)
{
	bool higher = j->metric->better == METRIC_HIGHER, beyond, up;
	char low[32], high[32], margin[64];

	j->word = JUDGE_INCONCLUSIVE;
	if (j->n < JUDGE_BLOCKS_MIN) {
		j->blocks_needed = JUDGE_BLOCKS_MIN;
		snprintf(j->sentence, sizeof(j->sentence),
			 "too few blocks: %zu %s; no interval exists below %d", j->n,
			 j->unpaired ? "blocks in the shorter run" : "paired blocks",
			 JUDGE_BLOCKS_MIN);
		return;
	}
	judge_text(j, j->i95.low, low, sizeof(low));
	judge_text(j, j->i95.high, high, sizeof(high));
	margin_text(j, j->margin, margin, sizeof(margin));
	j->detectable =
		fmax(j->margin + stats_detectable(j->spread, j->n, JUDGE_ALPHA, JUDGE_POWER),
		     stats_detectable(j->sd, j->n, JUDGE_ALPHA, JUDGE_POWER));
	up = j->i95.low > j->margin;
	beyond = up || j->i95.high < -j->margin;
	if (j->metric->better == METRIC_NEITHER) {
		snprintf(j->sentence, sizeof(j->sentence), "neither direction of %s is better",
			 j->metric->name);
	} else if (beyond && j->adjusted <= JUDGE_ALPHA) {
		j->word = up == higher ? JUDGE_BETTER : JUDGE_WORSE;
		snprintf(j->sentence, sizeof(j->sentence),
			 "the interval lies beyond the margin of %s; p %.2g, corrected for %zu "
			 "comparison%s",
			 margin, j->adjusted, j->family, j->family == 1 ? "" : "s");
	} else if (beyond) {
		j->blocks_needed = least_blocks(j);
		if (j->blocks_needed <= j->n)
			j->blocks_needed = j->n + 1;
		snprintf(
			j->sentence, sizeof(j->sentence),
			"the interval lies beyond the margin of %s, but p is %.2g after correction "
			"for %zu comparisons; about %zu blocks would settle it",
			margin, j->adjusted, j->family, j->blocks_needed);
	} else if (stats_equivalent(&j->i90, j->equivalence)) {
		j->word = JUDGE_EQUIVALENT;
		snprintf(j->sentence, sizeof(j->sentence),
			 "the 90 %% interval lies inside the margin of %s",
			 margin_text(j, j->equivalence, margin, sizeof(margin)));
	} else if (j->noisy && stats_equivalent(&j->i95, j->margin)) {
		snprintf(j->sentence, sizeof(j->sentence),
			 "the interval %s to %s lies within %s, which identical arms reach here "
			 "too: "
			 "no number of blocks settles it",
			 low, high, margin);
	} else {
		undecided(j, low, high, margin);
	}
}

/* The word of those with the trials left out, and what is said where it is another one. */
static void find_word_back(struct judgement *j)
{
	struct judge_back *b = &j->back;
	int of = side(&b->i95, b->margin);
	size_t len = strlen(j->sentence);
	char text[192];

	if (of && b->adjusted <= JUDGE_ALPHA)
		b->word = (of > 0) == (j->metric->better == METRIC_HIGHER) ? JUDGE_BETTER
									   : JUDGE_WORSE;
	else if (!of && stats_equivalent(&b->i90, b->equivalence))
		b->word = JUDGE_EQUIVALENT;
	if (j->word == JUDGE_INCONCLUSIVE || j->word == b->word)
		return;
	j->word = JUDGE_INCONCLUSIVE;
	snprintf(j->sentence + len, sizeof(j->sentence) - len, ", but %s",
		 judge_back_text(j, text, sizeof(text)));
	len = strlen(j->sentence);
	if (of && b->adjusted > JUDGE_ALPHA)
		snprintf(j->sentence + len, sizeof(j->sentence) - len, ", p %.2g", b->adjusted);
}

static json_t *number_json(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *back_json(const struct judgement *j)
{
	const struct judge_back *b = &j->back;
	char text[192];

#define SCALED(v) number_json(b->ratio ? exp(v) : (v))
	return json_pack("{s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:s}", "left_out",
			 (json_int_t)b->left_out, "n", (json_int_t)b->n, "scale",
			 b->ratio ? "ratio" : "difference", "estimate", SCALED(b->estimate), "low",
			 SCALED(b->i95.low), "high", SCALED(b->i95.high), "p", number_json(b->p),
			 "p_adjusted", number_json(b->adjusted), "verdict",
			 judge_word_name(b->word), "sentence",
			 judge_back_text(j, text, sizeof(text)));
#undef SCALED
}

json_t *judge_json(const struct judgement *j, bool declared)
{
	char text[128] = "-";
	json_t *out;

	if (j->n)
		judge_change_text(j, text, sizeof(text));
#define SCALED(v) number_json(j->ratio ? exp(v) : (v))
	out = json_pack("{s:s, s:b, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, "
			"s:o, s:o, s:s, s:s, s:s}",
			"metric", j->metric->name, "declared", declared, "n", (json_int_t)j->n,
			"scale", j->ratio ? "ratio" : "difference", "baseline",
			number_json(j->baseline), "mode", number_json(j->mode), "estimate",
			SCALED(j->estimate), "low", SCALED(j->i95.low), "high", SCALED(j->i95.high),
			"level", number_json(j->i95.level), "p", number_json(j->p), "p_adjusted",
			number_json(j->adjusted), "family", (json_int_t)j->family, "margin",
			SCALED(j->margin), "detectable", SCALED(j->detectable), "blocks_needed",
			j->blocks_needed ? json_integer((json_int_t)j->blocks_needed) : json_null(),
			"verdict", judge_word_name(j->word), "sentence", j->sentence, "text", text);
#undef SCALED
	if (j->back.left_out)
		json_object_set_new(out, "put_back", back_json(j));
	return out;
}

/* The same family once more, each with the trials that were left out of it. */
static void judge_family_back(struct judgement *const *j, size_t n)
{
	_free_ double *p = stats_array(n);
	_free_ double *adjusted = stats_array(n);

	for (size_t i = 0; i < n; i++)
		p[i] = j[i]->back.left_out ? j[i]->back.p : j[i]->p;
	stats_benjamini_hochberg(p, n, adjusted);
	for (size_t i = 0; i < n; i++) {
		if (!j[i]->back.left_out)
			continue;
		j[i]->back.adjusted = adjusted[i];
		find_word_back(j[i]);
	}
}

void judge_family(struct judgement *const *j, size_t n)
{
	_free_ double *p = stats_array(n);
	_free_ double *adjusted = stats_array(n);
	size_t family = 0;

	for (size_t i = 0; i < n; i++) {
		p[i] = j[i]->p;
		family += !isnan(p[i]);
	}
	stats_benjamini_hochberg(p, n, adjusted);
	for (size_t i = 0; i < n; i++) {
		j[i]->adjusted = adjusted[i];
		j[i]->family = family;
		find_word(j[i]);
	}
	judge_family_back(j, n);
}
