// SPDX-License-Identifier: Apache-2.0
/* What the curves over an axis say together: a sentence a person can act on, made of the findings
 * of crossover.c alone. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/compare_groups.h"
#include "analysis/kind.h"
#include "analysis/text.h"
#include "base/cleanup.h"
#include "base/jsonio.h"
#include "record/metric.h"

const char *crossover_range(const char *axis, size_t n, const char *low, const char *high,
			    char *out, size_t size)
{
	size_t len = strlen(axis);
	bool own = len && axis[len - 1] == 's'; /* "jobs" and "flows" are several by themselves */

	if (n == 2)
		snprintf(out, size, "both measured %s%s (%s and %s)", axis, own ? "" : "s", low,
			 high);
	else
		snprintf(out, size, "all %zu measured %s%s from %s to %s", n, axis, own ? "" : "s",
			 low, high);
	return out;
}

static void join(const json_t *list, const json_t *one, const char *word, char *out, size_t size)
{
	const json_t *other;
	size_t i, n = 0;

	*out = '\0';
	json_array_foreach (list, i, other) {
		if (strcmp(jsonio_string(other, "finding", ""), "throughout") ||
		    strcmp(jsonio_string(other, "word", ""), word) ||
		    strcmp(jsonio_string(other, "title", ""), jsonio_string(one, "title", "")) ||
		    strcmp(jsonio_string(other, "mode", ""), jsonio_string(one, "mode", "")) ||
		    strcmp(jsonio_string(other, "range", ""), jsonio_string(one, "range", "")))
			continue;
		if (n < size)
			n += (size_t)snprintf(
				out + n, size - n, "%s%s", n ? ", " : "",
				metric_find(jsonio_string(other, "metric", "iops"))->label);
	}
}

json_t *crossover_throughout(const json_t *list)
{
	json_t *out = json_array();
	_json_ json_t *done = json_object();
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		_free_ char *key = NULL;
		char better[200], worse[200], text[800];

		if (strcmp(jsonio_string(one, "finding", ""), "throughout") ||
		    asprintf(&key, "%s|%s|%s", jsonio_string(one, "title", ""),
			     jsonio_string(one, "mode", ""), jsonio_string(one, "range", "")) < 0 ||
		    json_object_get(done, key))
			continue;
		json_object_set_new(done, key, json_true());
		join(list, one, "better", better, sizeof(better));
		join(list, one, "worse", worse, sizeof(worse));
		snprintf(text, sizeof(text), "at %s %s is %s%s%s%s%s than %s",
			 jsonio_string(one, "range", "?"), jsonio_string(one, "mode", "?"),
			 *better ? "better in " : "", better, *better && *worse ? " and " : "",
			 *worse ? "worse in " : "", worse, jsonio_string(one, "baseline", "?"));
		json_array_append_new(out, json_pack("{s:s, s:s}", "title",
						     jsonio_string(one, "title", "?"), "sentence",
						     text));
	}
	return out;
}

static int side_at(const json_t *series, size_t i)
{
	return (int)json_integer_value(
		json_object_get(json_array_get(json_object_get(series, "levels"), i), "side"));
}

static double level_at(const json_t *series, size_t i, const char *what)
{
	return jsonio_number(json_array_get(json_object_get(series, "levels"), i), what);
}

/* "IOPS +10.2 %", "p50 -2.1 us (-12.0 %)", over several levels "p50 -12.0 % to -8.1 %". */
static void change_text(const json_t *series, size_t from, size_t to, char *out, size_t size)
{
	const struct metric *m = metric_find(jsonio_string(series, "metric", "iops"));
	struct judgement j = {.ratio = true, .metric = m};
	double least = INFINITY, most = 0, away;
	char low[32], high[32], value[32];

	for (size_t i = from; i <= to; i++) {
		least = fmin(least, level_at(series, i, "estimate"));
		most = fmax(most, level_at(series, i, "estimate"));
	}
	judge_text(&j, log(least), low, sizeof(low));
	judge_text(&j, log(most), high, sizeof(high));
	away = level_at(series, from, "mode") - level_at(series, from, "baseline");
	if (from < to && strcmp(low, high))
		snprintf(out, size, "%s %s to %s", m->label, low, high);
	else if (from == to && !strncmp(m->unit, "ns", 2))
		snprintf(out, size, "%s %c%s (%s)", m->label, away < 0 ? '-' : '+',
			 text_value(m, fabs(away), value, sizeof(value)), low);
	else
		snprintf(out, size, "%s %s", m->label, low);
}

/* "2.3 times [2.2, 2.4] the CPU", "1/9.1 of the CPU", "31 to 40 % more CPU". */
static void price_text(const json_t *cpu, size_t from, size_t to, char *out, size_t size)
{
	double least = INFINITY, most = 0, low = INFINITY, high = 0, a, b;
	bool some;

	for (size_t i = from; i <= to; i++) {
		least = fmin(least, level_at(cpu, i, "estimate"));
		most = fmax(most, level_at(cpu, i, "estimate"));
		low = fmin(low, level_at(cpu, i, "low"));
		high = fmax(high, level_at(cpu, i, "high"));
	}
	some = most > least * 1.02;
	if (least >= 2 && some)
		snprintf(out, size, "%.1f to %.1f times [%.1f, %.1f] the CPU", least, most, low,
			 high);
	else if (least >= 2)
		snprintf(out, size, "%.1f times [%.1f, %.1f] the CPU", (least + most) / 2, low,
			 high);
	else if (most <= 0.5 && some)
		snprintf(out, size, "1/%.2g to 1/%.2g of the CPU", 1 / least, 1 / most);
	else if (most <= 0.5)
		snprintf(out, size, "1/%.2g of the CPU", 1 / least);
	else if (least < 1 && most > 1)
		change_text(cpu, from, to, out, size);
	else {
		a = fmin(fabs(least - 1), fabs(most - 1)) * 100;
		b = fmax(fabs(least - 1), fabs(most - 1)) * 100;
		if (some)
			snprintf(out, size, "%.3g to %.3g %% %s CPU", a, b,
				 least > 1 ? "more" : "less");
		else
			snprintf(out, size, "%.3g %% %s CPU", b, least > 1 ? "more" : "less");
	}
}

/* One stretch of levels on which speed and CPU lie on the same sides. */
static void stretch_text(const json_t *speed, const json_t *cpu, size_t from, size_t to, char *out,
			 size_t size)
{
	int s = side_at(speed, from), c = side_at(cpu, from);
	const char *mode = jsonio_string(speed, "mode", "?");
	const char *base = jsonio_string(speed, "baseline", "?");
	const char *speed_name = metric_find(jsonio_string(speed, "metric", "iops"))->label;
	const char *cpu_name = metric_find(jsonio_string(cpu, "metric", "iops"))->label;
	char change[96], price[96];

	change_text(speed, from, to, change, sizeof(change));
	price_text(cpu, from, to, price, sizeof(price));
	if (s && s == c)
		snprintf(out, size, "%s wins both (%s: %s, %s)", s > 0 ? mode : base, mode, change,
			 price);
	else if (s > 0 && c)
		snprintf(out, size, "%s has %s for %s", mode, change, price);
	else if (s && c)
		snprintf(out, size, "%s costs %s for %s", mode, price, change);
	else if (s)
		snprintf(out, size, "%s has %s, and no difference in %s is shown", mode, change,
			 cpu_name);
	else if (c)
		snprintf(out, size, "%s costs %s, and no difference in %s is shown", mode, price,
			 speed_name);
	else
		snprintf(out, size, "no difference in %s or %s is shown", speed_name, cpu_name);
}

/* The series with those of its levels alone that the other has, too: a block more may be missing in
 * one metric than in the other. New reference. */
static json_t *common_levels(const json_t *series, const json_t *other)
{
	json_t *out = json_copy((json_t *)series), *levels = json_array(), *one, *two;
	size_t i, k;

	json_array_foreach (json_object_get(series, "levels"), i, one)
		json_array_foreach (json_object_get(other, "levels"), k, two)
			if (jsonio_number(one, "level") == jsonio_number(two, "level"))
				json_array_append(levels, one);
	json_object_set_new(out, "levels", levels);
	return out;
}

static const char *level_text(const json_t *series, size_t i)
{
	return jsonio_string(json_array_get(json_object_get(series, "levels"), i), "text", "?");
}

static void add_crossing(const json_t *series, char *out, size_t size)
{
	const char *sentence = jsonio_string(series, "sentence", ""), *at;
	size_t len = strlen(out);

	if (strcmp(jsonio_string(series, "finding", ""), "crossing"))
		return;
	at = strstr(sentence, "they cross at about ");
	snprintf(out + len, size - len, "; in %s %s",
		 metric_find(jsonio_string(series, "metric", "iops"))->label, at ?: sentence);
}

static json_t *tradeoff(const json_t *speed, const json_t *cpu)
{
	size_t n = json_array_size(json_object_get(speed, "levels"));
	const char *axis = jsonio_string(speed, "axis_label", "?");
	char text[1400], words[320], range[128];
	bool told = false;
	int len;

	if (n < 2)
		return NULL;
	len = snprintf(text, sizeof(text), "%s against %s", jsonio_string(speed, "mode", "?"),
		       jsonio_string(speed, "baseline", "?"));

	for (size_t from = 0, to; from < n; from = to + 1) {
		for (to = from; to + 1 < n && side_at(speed, to + 1) == side_at(speed, from) &&
				side_at(cpu, to + 1) == side_at(cpu, from);
		     to++)
			;
		told |= side_at(speed, from) || side_at(cpu, from);
		stretch_text(speed, cpu, from, to, words, sizeof(words));
		if ((size_t)len >= sizeof(text))
			break;
		if (from == to)
			len += snprintf(text + len, sizeof(text) - (size_t)len,
					"%s at a %s of %s %s", from ? ";" : ":", axis,
					level_text(speed, from), words);
		else
			len += snprintf(
				text + len, sizeof(text) - (size_t)len, "%s at %s %s",
				from ? ";" : ":",
				crossover_range(axis, to - from + 1, level_text(speed, from),
						level_text(speed, to), range, sizeof(range)),
				words);
	}
	if (!told)
		return NULL;
	add_crossing(speed, text, sizeof(text));
	add_crossing(cpu, text, sizeof(text));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "title",
			 jsonio_string(speed, "title", "?"), "axis",
			 jsonio_string(speed, "axis", "?"), "mode",
			 jsonio_string(speed, "mode", "?"), "speed_metric",
			 jsonio_string(speed, "metric", "?"), "cpu_metric",
			 jsonio_string(cpu, "metric", "?"), "sentence", text);
}

static bool same_curve(const json_t *a, const json_t *b)
{
	static const char *const of[] = {"title", "axis", "mode"};
	bool same = true;

	for (size_t i = 0; i < ARRAY_SIZE(of); i++)
		same &= !strcmp(jsonio_string(a, of[i], ""), jsonio_string(b, of[i], ""));
	return same;
}

json_t *crossover_tradeoffs(const json_t *list)
{
	json_t *out = json_array();
	const json_t *speed, *cpu, *before = NULL;
	size_t i, k;

	json_array_foreach (list, i,
			    speed) { /* of a curve the first: the rate, or at open loop p50 */
		const struct kind *kind = kind_find(jsonio_string(speed, "kind", "block"));
		bool first = !before || !same_curve(before, speed);

		before = speed;
		if (!first || !strcmp(jsonio_string(speed, "metric", ""), kind->cpu))
			continue;
		for (k = i + 1; k < json_array_size(list); k++) {
			_json_ json_t *a = NULL, *b = NULL;
			json_t *one;

			cpu = json_array_get(list, k);
			if (!same_curve(speed, cpu))
				break;
			if (strcmp(jsonio_string(cpu, "metric", ""), kind->cpu))
				continue;
			a = common_levels(speed, cpu);
			b = common_levels(cpu, speed);
			one = tradeoff(a, b);
			if (one)
				json_array_append_new(out, one);
		}
	}
	return out;
}
