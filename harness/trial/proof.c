// SPDX-License-Identifier: Apache-2.0
#include "trial/proof.h"

#include <string.h>

#include "base/jsonio.h"
#include "evidence/evidence.h"

bool proof_is_pass(const char *pass)
{
	return !strcmp(pass, "proof");
}

/* Is it about another load than this one, by what is known of that? */
static bool is_of_another(const struct expectation *e, const json_t *known)
{
	for (size_t i = 0; i < e->n_when; i++)
		if (json_object_get(known, e->when[i].key) && !condition_holds(&e->when[i], known))
			return true;
	return false;
}

bool proof_is_expected(const struct mode *mode, const char *workload, const json_t *known)
{
	const struct mode_pairs *options = mode_options(mode, workload);

	for (size_t i = 0; i < mode->n_expect; i++)
		if (mode->expect[i].proof && !is_of_another(&mode->expect[i], known))
			return true;
	/* fio does not say with which flags its rings were made in the end; the kernel does */
	for (size_t i = 0; options && !strcmp(workload, "fio") && i < options->n; i++)
		if (!strcmp(options->item[i].name, "ioengine"))
			return !strncmp(options->item[i].value, "io_uring", 8);
	return false;
}

json_t *proof_excerpt(const json_t *record)
{
	const json_t *evidence = json_object_get(record, "evidence");
	const json_t *counters = json_object_get(evidence, "counters");
	const json_t *why = json_object_get(evidence, "absent");
	json_t *found = json_object(), *absent = json_object(), *counts, *j;
	double packets = jsonio_number(counters, "net_rx_packets");
	size_t n;
	const struct evidence_counter *all = evidence_counters(&n);

	for (size_t i = 0; i < n; i++) {
		json_t *value = json_object_get(counters, all[i].name);
		json_t *reason = json_object_get(why, all[i].name);

		if (!all[i].proof)
			continue;
		if (value)
			json_object_set(found, all[i].name, value);
		else if (reason)
			json_object_set(absent, all[i].name, reason);
		else
			json_object_set_new(
				absent, all[i].name,
				json_sprintf("the proof trial failed: %s",
					     jsonio_string(record, "error", "no evidence")));
	}
	counts = json_deep_copy(json_object_get(evidence, "counts")) ?: json_object();
	if (packets >= 0 && !json_object_get(counts, "packet"))
		json_object_set_new(counts, "packet", json_integer((json_int_t)packets));
	j = json_pack("{s:s, s:o, s:o, s:o}", "trial", jsonio_string(record, "trial", "?"),
		      "counters", found, "absent", absent, "counts", counts);
	json_object_set(j, "window_ns", json_object_get(evidence, "window_ns"));
	return j;
}

bool proof_is_lost(const json_t *record)
{
	return !strcmp(jsonio_string(record, "status", ""), "failed") &&
	       strcmp(jsonio_string(record, "verdict.mode", ""), "unsupported") != 0;
}

bool proof_is_short(const json_t *record)
{
	enum { IOS_ENOUGH = 500 }; /* 50 system calls are then 0.1 per I/O */
	double ios = jsonio_number(record, "evidence.counts.io");

	return !strcmp(jsonio_string(record, "verdict.mode", ""), "not_in_force") && ios > 0 &&
	       ios < IOS_ENOUGH;
}

void proof_strip(json_t *record)
{
	json_object_clear(json_object_get(record, "metrics"));
	json_object_del(record, "latency");
	json_object_del(record, "service");
}
