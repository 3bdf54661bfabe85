// SPDX-License-Identifier: Apache-2.0
/* What a reader must know of a noise floor: of which A/A run it is, and whether that still holds.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "analysis/cells.h"
#include "analysis/kind.h"
#include "analysis/machine_key.h"
#include "analysis/noise.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jsonio.h"
#include "record/metric.h"
#include "record/record.h"

struct note {
	const json_t *run;
	const struct cells *cells;
	const json_t *configuration; /* digest of that part of this run's machine key */
	json_t *metrics, *warnings;
	char sentence[1200];
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void say(struct note *n, const char *fmt, ...)
{
	va_list ap;
	int len;

	if (n->used >= sizeof(n->sentence))
		return;
	va_start(ap, fmt);
	len = vsnprintf(n->sentence + n->used, sizeof(n->sentence) - n->used, fmt, ap);
	va_end(ap);
	n->used += len > 0 ? (size_t)len : 0;
}

__attribute__((format(printf, 3, 4))) static void warn(struct note *n, const char *labels,
						       const char *fmt, ...)
{
	char text[700], why[500];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	snprintf(text, sizeof(text), "the noise floor of %s %s", labels, why);
	json_array_append_new(n->warnings, json_string(text));
}

/* "IOPS, p50": the metrics that one A/A run gave, each with its floor in the sentence. */
static void add_metrics(struct note *n, const char *const *name, size_t count, const char *aa,
			char *labels, size_t size)
{
	size_t used = 0;

	*labels = '\0';
	for (size_t i = 0; i < count; i++) {
		const json_t *of = json_object_get(n->metrics, name[i]);
		const char *label = metric_find(name[i])->label;

		if (!of || strcmp(jsonio_string(of, "run", ""), aa))
			continue;
		say(n, "%s%s %.3g %% (margin %.3g %%)", used ? ", " : "", label,
		    jsonio_number(of, "floor") * 100, metric_find(name[i])->margin_relative * 100);
		if (used < size)
			used += (size_t)snprintf(labels + used, size - used, "%s%s",
						 used ? ", " : "", label);
	}
}

static void add_source(struct note *n, const json_t *of)
{
	const char *kernel = jsonio_string(of, "kernel", NULL);
	const json_t *target;
	double pairs = jsonio_number(of, "series"), blocks = jsonio_number(of, "blocks");
	size_t i;

	if (pairs > 0)
		say(n, ", from %.0f pair%s of identical arms", pairs, pairs == 1 ? "" : "s");
	if (blocks > 0)
		say(n, " in %.0f blocks", blocks);
	json_array_foreach (json_object_get(of, "targets"), i, target)
		say(n, "%s%.120s", i ? ", " : " on ", json_string_value(target) ?: "?");
	if (kernel)
		say(n, ", Linux %.80s", kernel);
	say(n, ", %.10s (%.120s)", jsonio_string(of, "made", "at a time that is not recorded"),
	    jsonio_string(of, "run", "no A/A run is named"));
}

/* What this run measured by the metric, and its floor was not. */
static const char *other_target(const struct note *n, const char *metric, const json_t *of)
{
	const json_t *targets = json_object_get(of, "targets"), *one;
	size_t i;

	for (size_t c = 0; json_is_array(targets) && c < n->cells->n; c++) {
		const struct cell *cell = &n->cells->cell[c];
		const struct kind *k = cell->kind;
		const char *target = jsonio_string(cell->spec, "target", "?");
		bool known =
			!cell->used || (strcmp(k->rate, metric) && strcmp(k->latency, metric) &&
					strcmp(k->tail, metric) && strcmp(k->cpu, metric));

		json_array_foreach (targets, i, one)
			known |= !strcmp(json_string_value(one) ?: "", target);
		if (!known)
			return target;
	}
	return NULL;
}

static void add_warnings(struct note *n, const char *metric, const json_t *of, const char *labels)
{
	double made = clock_from_iso(jsonio_string(of, "made", ""));
	double days = (clock_from_iso(jsonio_string(n->run, "started", "")) - made) / 86400;
	const json_t *facts = jsonio_at(n->run, "machine.facts");
	const char *now = jsonio_string(json_object_get(facts, "kernel.release"), "value", NULL);
	const char *kernel = jsonio_string(of, "kernel", NULL);
	const json_t *configuration = json_object_get(of, "configuration");
	const char *other = other_target(n, metric, of);

	if (!(made > 0))
		warn(n, labels, "does not say when it was found");
	else if (days > NOISE_OLD_DAYS)
		warn(n, labels, "was found %.0f days before this run", days);
	if (kernel && now && strcmp(kernel, now))
		warn(n, labels, "was found under Linux %.80s, this run is of Linux %.80s", kernel,
		     now);
	else if (json_is_string(configuration) && json_is_string(n->configuration) &&
		 !json_equal(configuration, n->configuration))
		warn(n, labels,
		     "was found in another configuration of this machine (settings, firmware or "
		     "drivers: 'iomodes compare' of that run and this one names it)");
	if (other)
		warn(n, labels, "was not found on %.200s", other);
	if (jsonio_number(of, "series") == 1)
		warn(n, labels, "rests on one pair of arms");
}

/* The metrics of each A/A run together, in the order of the run's kinds. */
static void add_sources(struct note *n, const char *const *name, size_t count)
{
	_json_ json_t *done = json_object();

	for (size_t i = 0; i < count; i++) {
		const json_t *of = json_object_get(n->metrics, name[i]);
		const char *aa = jsonio_string(of, "run", "");
		char labels[200];

		if (!of || json_object_get(done, aa))
			continue;
		say(n, "%s",
		    json_object_size(done) ? "; " : "the larger of floor and margin decides: ");
		json_object_set_new(done, aa, json_true());
		add_metrics(n, name, count, aa, labels, sizeof(labels));
		add_source(n, of);
		add_warnings(n, name[i], of, labels);
	}
}

json_t *noise_note(const struct cells *cells)
{
	const json_t *run = cells->run->run;
	_json_ json_t *key = machine_key(run);
	struct note n = {.run = run,
			 .cells = cells,
			 .configuration = jsonio_at(key, "digest.configuration"),
			 .metrics = json_object(),
			 .warnings = json_array()};
	const char *name[NOISE_METRICS];
	size_t count = noise_metrics(cells, name);

	for (size_t i = 0; i < count; i++)
		if (noise_floor(run, name[i]) > 0)
			json_object_set(
				n.metrics, name[i],
				json_object_get(jsonio_at(run, "noise_floor.metrics"), name[i]));
	if (json_is_true(jsonio_at(run, "command.aa")))
		say(&n, "none is applied: this is an A/A run");
	else if (!json_object_size(n.metrics))
		say(&n,
		    "none was measured on this machine for these metrics: how far identical arms "
		    "differ here is not known; 'iomodes aa' tells");
	else
		add_sources(&n, name, count);
	return json_pack("{s:s, s:o, s:o}", "sentence", n.sentence, "warnings", n.warnings,
			 "metrics", n.metrics);
}
