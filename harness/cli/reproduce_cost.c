// SPDX-License-Identifier: Apache-2.0
#include "reproduce_cost.h"

#include <errno.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/num.h"
#include "base/opt.h"
#include "setup.h"

int reproduce_cost(int n, char **words, struct reproduce_cost *cost, struct diag *d)
{
	struct setup_options o;
	struct setup s;
	size_t rows;
	const struct opt *table = setup_option_table(&rows);
	int first, err;

	setup_defaults(&o);
	err = opt_parse(table, rows, &o, false, n, words, &first, d);
	if (err)
		return err < 0 ? err : diag_set(d, -EINVAL, "--help repeats nothing");
	err = setup_make(&o, words[first], false, &s, d);
	if (!err)
		*cost = (struct reproduce_cost){
			.seconds = (double)s.plan.seconds_total_ns / 1e9,
			.scratch_bytes = s.plan.target && s.plan.target->scratch
						 ? s.plan.target->scratch_bytes
						 : 0,
		};
	setup_free(&s);
	return err;
}

const char *reproduce_cost_text(const struct reproduce_cost *cost, char *out, size_t size)
{
	unsigned long seconds = (unsigned long)cost->seconds;
	char bytes[32], scratch[64] = "";

	if (cost->scratch_bytes)
		snprintf(scratch, sizeof(scratch), "; a scratch file of %s",
			 num_bytes_text(cost->scratch_bytes, bytes, sizeof(bytes)));
	snprintf(out, size, "about %lu min %02lu s%s", seconds / 60, seconds % 60, scratch);
	return out;
}

int reproduce_affordable(const struct reproduce_cost *cost, bool trust, struct diag *d)
{
	char text[160];

	if (trust ||
	    (cost->seconds <= REPRODUCE_MOST_S && cost->scratch_bytes <= REPRODUCE_SCRATCH_MOST))
		return 0;
	return diag_set(d, -EPERM,
			"the bundle's plan takes %s here; of a stranger's at most %d min and %llu "
			"GiB are taken: give less behind -- (--blocks, --runtime, --max-cells), or "
			"--trust to take this",
			reproduce_cost_text(cost, text, sizeof(text)), REPRODUCE_MOST_S / 60,
			REPRODUCE_SCRATCH_MOST >> 30);
}
