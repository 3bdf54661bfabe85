// SPDX-License-Identifier: Apache-2.0
#include "analysis/bundle/claims.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/machine_key.h"
#include "base/cleanup.h"
#include "base/jsonio.h"
#include "base/scrub.h"

/* What a machine is made of, as far as a result of a mode depends on it. */
static const char *const decisive[] = {
	"cpu.model",   "host.vendor",  "host.product", "host.board",   "host.hypervisor",
	"kernel.arch", "memory.total", "CPUs cores",   "CPUs sockets", "CPUs smt"};
/* Of the device that was measured. */
static const char *const of_disk[] = {"driver", "model", "bytes", "transport"};
static const char *const of_nic[] = {"driver", "model", "speed_mbit", "virtual"};
/* Of a mode: what it sets up. What it expects decides only whether it was in force. */
static const char *const of_mode[] = {"requires", "set", "ioloop", "netloop", "fio", "iperf3"};

/* --- what is claimed ----------------------------------------------------------------------------
 */

static const char *word_of(const char *state)
{
	if (!strcmp(state, "measured"))
		return "in_force";
	return !strcmp(state, "not_in_force") || !strcmp(state, "unproven") ? state : NULL;
}

static json_t *mode_claim(const json_t *row)
{
	const char *cell = jsonio_string(row, "cell", "?"),
		   *word = word_of(jsonio_string(row, "state", ""));
	char id[500];

	if (!word)
		return NULL;
	snprintf(id, sizeof(id), "%.400s: %s", cell, word);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:O?}", "id", id, "kind", "mode", "cell",
			 cell, "mode", jsonio_string(row, "mode", "?"), "word", word, "grade",
			 jsonio_string(row, "grade", "?"), "trials",
			 json_object_get(row, "trials"));
}

static json_t *comparison_claim(const json_t *row, const json_t *pair, const char *baseline)
{
	static const char *const members[] = {"metric", "scale",  "estimate", "low", "high",
					      "level",	"margin", "n",	      "text"};
	const char *cell = jsonio_string(row, "cell", "?"),
		   *word = jsonio_string(pair, "verdict", "inconclusive");
	json_t *claim;
	char id[700];

	if (!strcmp(word, "inconclusive"))
		return NULL;
	snprintf(id, sizeof(id), "%.400s: %.60s %s against %.100s", cell,
		 jsonio_string(pair, "metric", "?"), word, baseline);
	claim = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "id", id, "kind", "comparison", "cell",
			  cell, "mode", jsonio_string(row, "mode", "?"), "baseline", baseline,
			  "word", word);
	for (size_t i = 0; claim && i < ARRAY_SIZE(members); i++)
		if (json_object_get(pair, members[i]))
			json_object_set(claim, members[i], json_object_get(pair, members[i]));
	return claim;
}

json_t *claims_of(const json_t *comparison)
{
	json_t *claims = json_array(), *group, *row, *pair, *claim;
	size_t g, r, p;

	json_array_foreach (json_object_get(comparison, "groups"), g, group)
		json_array_foreach (json_object_get(group, "rows"), r, row) {
			claim = mode_claim(row);
			if (claim)
				json_array_append_new(claims, claim);
			json_array_foreach (json_object_get(row, "comparisons"), p, pair) {
				claim = comparison_claim(row, pair,
							 jsonio_string(group, "baseline", "?"));
				if (claim)
					json_array_append_new(claims, claim);
			}
		}
	return claims;
}

/* --- is it the same thing that was measured? ----------------------------------------------------
 */

static void say(json_t *list, const char *what, const char *published, const char *here)
{
	json_array_append_new(list,
			      json_sprintf("%s: published %s, here %s", what, published, here));
}

static char *text_of(const json_t *value)
{
	if (json_is_string(value))
		return strdup(json_string_value(value));
	return value && !json_is_null(value)
		       ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS)
		       : strdup("nothing");
}

static void compare_members(const json_t *a, const json_t *b, const char *of,
			    const char *const *members, size_t n, json_t *list)
{
	for (size_t i = 0; i < n; i++) {
		const json_t *x = json_object_get(a, members[i]),
			     *y = json_object_get(b, members[i]);
		_free_ char *one = text_of(x), *two = text_of(y);
		char what[300];

		if (!one || !two || !strcmp(one, two))
			continue;
		snprintf(what, sizeof(what), "%.200s %s", of, members[i]);
		say(list, what, one, two);
	}
}

/* A kernel keeps a little more or less for itself. */
static bool same_memory(const char *a, const char *b)
{
	double x = strtod(a, NULL), y = strtod(b, NULL);

	return x > 0 && y > 0 && fabs(x - y) <= 0.05 * fmax(x, y);
}

static void compare_machines(const json_t *environment, json_t *list)
{
	const json_t *one;
	size_t i;

	json_array_foreach (environment, i, one) {
		const char *what = jsonio_string(one, "what", "?"),
			   *a = jsonio_string(one, "first", "?"),
			   *b = jsonio_string(one, "second", "?");

		for (size_t k = 0; k < ARRAY_SIZE(decisive); k++)
			if (!strcmp(what, decisive[k]) &&
			    (strcmp(what, "memory.total") || !same_memory(a, b)))
				say(list, what, a, b);
	}
}

/* The disk that the target's label names: "64.0 MiB scratch file on vda (ext4)". */
static const json_t *disk_of(const json_t *run, const json_t *cell)
{
	const char *label = jsonio_string(cell, "target", "");
	const json_t *disk, *found = NULL;
	size_t i, longest = 0;

	json_array_foreach (jsonio_at(run, "machine.disks"), i, disk) {
		const char *name = jsonio_string(disk, "name", "?"), *at = strstr(label, name);
		size_t len = strlen(name);

		if (at && (at == label || !isalnum((unsigned char)at[-1])) && len > longest) {
			found = disk;
			longest = len;
		}
	}
	return found;
}

static void compare_targets(const json_t *published, const json_t *here, const json_t *cell,
			    const json_t *other, json_t *list)
{
	if (jsonio_at(cell, "load.pattern")) {
		compare_members(jsonio_at(published, "net.client"), jsonio_at(here, "net.client"),
				"network target's", of_nic, ARRAY_SIZE(of_nic), list);
		return;
	}
	compare_members(disk_of(published, cell), disk_of(here, other), "target's", of_disk,
			ARRAY_SIZE(of_disk), list);
}

static const json_t *mode_of(const json_t *run, const json_t *cell, const char *mode)
{
	const char *kind =
		jsonio_at(cell, "load.pattern") ? "experiment.net_modes" : "experiment.modes";

	return json_object_get(jsonio_at(run, kind), mode);
}

static void compare_mode(const json_t *published, const json_t *here, const json_t *cell,
			 const char *mode, bool expectations, json_t *list)
{
	static const char *const expect[] = {"expect"};
	const json_t *a = mode_of(published, cell, mode), *b = mode_of(here, cell, mode);
	char of[160];

	snprintf(of, sizeof(of), "mode %.100s:", mode);
	if (!a || !b) {
		say(list, of, a ? "defined" : "not recorded", b ? "defined" : "not known");
		return;
	}
	compare_members(a, b, of, of_mode, ARRAY_SIZE(of_mode), list);
	if (expectations)
		compare_members(a, b, of, expect, 1, list);
}

/* Everything in which this claim's measurement is not the same thing here. */
static json_t *what_differs(const json_t *claim, const json_t *published,
			    const struct claims_other *other, const json_t *machines)
{
	static const char *const design[] = {"ramp_ns", "runtime_ns", "corunner"};
	static const char *const of_cell[] = {"workload", "load", "placement_asked"};
	const char *id = jsonio_string(claim, "cell", "?"), *why;
	const json_t *cell = jsonio_find(json_object_get(published, "cells"), "id", id),
		     *mine = jsonio_find(json_object_get(other->run, "cells"), "id", id);
	bool is_mode = !strcmp(jsonio_string(claim, "kind", ""), "mode");
	json_t *list = json_array();

	if (!other->any_machine)
		json_array_extend(list, (json_t *)machines);
	if (!cell || !mine) {
		say(list, "cell", cell ? "measured" : "not in its run",
		    mine ? "measured" : "not part of the run");
		return list;
	}
	if (!json_is_true(json_object_get(mine, "supported"))) {
		why = jsonio_string(mine, "reason", "");
		say(list, "mode", "supported", *why ? why : "left out");
	}
	if (!other->any_machine)
		compare_targets(published, other->run, cell, mine, list);
	compare_members(cell, mine, "cell's", of_cell, ARRAY_SIZE(of_cell), list);
	compare_members(json_object_get(published, "experiment"),
			json_object_get(other->run, "experiment"), "design:", design,
			ARRAY_SIZE(design), list);
	compare_mode(published, other->run, cell, jsonio_string(claim, "mode", "?"), is_mode, list);
	if (!is_mode &&
	    strcmp(jsonio_string(claim, "mode", "?"), jsonio_string(claim, "baseline", "?")))
		compare_mode(published, other->run, cell, jsonio_string(claim, "baseline", "?"),
			     false, list);
	if (jsonio_number(other->comparison, "test_delay_ns") > 0)
		say(list, "loop", "as it is", "slowed down on purpose");
	return list;
}

/* --- is it borne out? ---------------------------------------------------------------------------
 */

static const json_t *row_here(const json_t *comparison, const char *cell, const json_t **group)
{
	const json_t *row;
	size_t g, r;

	json_array_foreach (json_object_get(comparison, "groups"), g, *group)
		json_array_foreach (json_object_get(*group, "rows"), r, row)
			if (!strcmp(jsonio_string(row, "cell", ""), cell))
				return row;
	return NULL;
}

static bool intervals_meet(const json_t *claim, const json_t *pair)
{
	double low = jsonio_number(claim, "low"), high = jsonio_number(claim, "high"),
	       low2 = jsonio_number(pair, "low"), high2 = jsonio_number(pair, "high"),
	       margin = fmax(jsonio_number(claim, "margin"), jsonio_number(pair, "margin"));

	if (!strcmp(jsonio_string(claim, "scale", ""), "ratio"))
		return low <= high2 * margin && low2 <= high * margin;
	return low <= high2 + margin && low2 <= high + margin;
}

struct verdict {
	const char *word;
	char reason[700];
};

static void judge_mode(const json_t *claim, const json_t *row, struct verdict *v)
{
	const char *state = jsonio_string(row, "state", "not_run"), *word = word_of(state),
		   *claimed = jsonio_string(claim, "word", "?");

	if (!word) {
		v->word = "not_comparable";
		snprintf(v->reason, sizeof(v->reason), "here nothing was measured: %s", state);
		return;
	}
	v->word = strcmp(word, claimed) ? "not_reproduced" : "reproduced";
	snprintf(v->reason, sizeof(v->reason), "published %s, here %s", claimed, word);
}

static void judge_comparison(const json_t *claim, const json_t *row, struct verdict *v)
{
	const json_t *pair = jsonio_find(json_object_get(row, "comparisons"), "metric",
					 jsonio_string(claim, "metric", "?"));
	const char *word = jsonio_string(pair, "verdict", "inconclusive"),
		   *claimed = jsonio_string(claim, "word", "?");
	bool same = !strcmp(word, claimed), open = !strcmp(word, "inconclusive"), meet;

	v->word = "not_comparable";
	if (!pair || !isfinite(jsonio_number(pair, "low"))) {
		snprintf(v->reason, sizeof(v->reason), "here there is no interval: %.400s",
			 jsonio_string(pair, "sentence", "nothing was measured"));
		return;
	}
	if (strcmp(jsonio_string(pair, "scale", ""), jsonio_string(claim, "scale", ""))) {
		snprintf(v->reason, sizeof(v->reason),
			 "one of the two is a ratio and the other a difference, as a value was 0");
		return;
	}
	meet = intervals_meet(claim, pair);
	if (open && meet) {
		snprintf(v->reason, sizeof(v->reason), "cannot be told here: %.500s",
			 jsonio_string(pair, "sentence", "inconclusive"));
		return;
	}
	v->word = same && meet ? "reproduced" : "not_reproduced";
	snprintf(v->reason, sizeof(v->reason), "published %s %.120s, here %s %.120s%s", claimed,
		 jsonio_string(claim, "text", ""), word, jsonio_string(pair, "text", ""),
		 same && !meet ? ": the same direction, another size" : "");
}

static json_t *judge(const json_t *claim, const struct claims_other *other, json_t *differs)
{
	const json_t *group = NULL,
		     *row = row_here(other->comparison, jsonio_string(claim, "cell", "?"), &group),
		     *pair = jsonio_find(json_object_get(row, "comparisons"), "metric",
					 jsonio_string(claim, "metric", "?"));
	bool is_mode = !strcmp(jsonio_string(claim, "kind", ""), "mode");
	struct verdict v = {"open", ""};
	json_t *out;

	if (json_array_size(differs)) {
		v.word = "not_comparable";
		snprintf(v.reason, sizeof(v.reason), "%s",
			 json_string_value(json_array_get(differs, 0)));
	} else if (other->comparison && !row) {
		v.word = "not_comparable";
		snprintf(v.reason, sizeof(v.reason), "here it was not measured");
	} else if (other->comparison && !is_mode &&
		   strcmp(jsonio_string(group, "baseline", "?"),
			  jsonio_string(claim, "baseline", "?"))) {
		v.word = "not_comparable";
		snprintf(v.reason, sizeof(v.reason), "here the baseline is %s",
			 jsonio_string(group, "baseline", "none"));
	} else if (other->comparison && is_mode) {
		judge_mode(claim, row, &v);
	} else if (other->comparison) {
		judge_comparison(claim, row, &v);
	}
	out = json_pack("{s:O, s:s, s:s, s:o, s:O}", "id", json_object_get(claim, "id"), "verdict",
			v.word, "reason", v.reason, "differs", differs, "published", claim);
	if (pair && !is_mode)
		json_object_set(out, "here", (json_t *)pair);
	else if (row)
		json_object_set_new(out, "here",
				    json_pack("{s:O?, s:O?}", "state",
					      json_object_get(row, "state"), "trials",
					      json_object_get(row, "trials")));
	return out;
}

/* What redaction took out is no difference: identity, and the ends of the command line. */
static void without_identity(json_t *key)
{
	static const char name[] = "kernel.cmdline";
	json_t *configuration = json_object_get(key, "configuration");
	const char *line = json_string_value(json_object_get(configuration, name));
	_free_ char *clean = line ? strdup(line) : NULL;

	json_object_clear(json_object_get(key, "identity"));
	if (!clean)
		return;
	scrub_cmdline(clean);
	json_object_set_new(configuration, name, json_string(clean));
}

json_t *claims_judge(const json_t *claims, const json_t *published_run,
		     const struct claims_other *other)
{
	_json_ json_t *first = machine_key(published_run), *second = machine_key(other->run);
	json_t *environment, *list = json_array(), *words = json_object();
	_json_ json_t *machines = json_array();
	const json_t *claim;
	size_t i;

	if (other->redacted) {
		without_identity(first);
		without_identity(second);
	}
	environment = machine_key_difference(first, second);
	compare_machines(environment, machines);
	json_array_foreach (claims, i, claim) {
		json_t *one =
			judge(claim, other, what_differs(claim, published_run, other, machines));
		const char *word = jsonio_string(one, "verdict", "?");

		json_object_set_new(
			words, word,
			json_integer(json_integer_value(json_object_get(words, word)) + 1));
		json_array_append_new(list, one);
	}
	return json_pack("{s:s, s:o, s:o, s:o}", "relation", machine_key_relation(first, second),
			 "environment", environment, "claims", list, "words", words);
}
