// SPDX-License-Identifier: Apache-2.0
#include "loop/arrivals.h"

#define CATCH_UP_NS 1000000000u

uint64_t arrivals_grace_end(const struct arrivals *a, uint64_t begin_ns, uint64_t end_ns)
{
	uint64_t length = a->end_ns - begin_ns;

	return end_ns + (length < CATCH_UP_NS ? length : CATCH_UP_NS);
}

void starts_give_up(struct starts *s, struct arrivals *a, uint64_t *remaining)
{
	for (; arrivals_left(a, *remaining); --*remaining, a->due += arrivals_gap(a))
		s->never++;
}

void starts_sum(struct starts *sum, const struct starts *one)
{
	sum->n += one->n;
	sum->n_window += one->n_window;
	sum->late += one->late;
	sum->never += one->never;
	sum->delay_sum_ns += one->delay_sum_ns;
	if (one->delay_max_ns > sum->delay_max_ns)
		sum->delay_max_ns = one->delay_max_ns;
}

json_t *starts_json(const struct starts *s, double asked_per_s, const char *process, uint64_t done,
		    double seconds)
{
	return json_pack("{s:f, s:f, s:f, s:I, s:I, s:s, s:I, s:{s:f, s:I}}", "asked_per_s",
			 asked_per_s, "started_per_s", (double)s->n_window / seconds,
			 "achieved_per_s", (double)done / seconds, "arrivals",
			 (json_int_t)(s->n + s->never), "never_started", (json_int_t)s->never,
			 "process", process, "late_starts", (json_int_t)s->late, "start_delay",
			 "mean_ns", s->n ? (double)s->delay_sum_ns / (double)s->n : 0.0, "max_ns",
			 (json_int_t)s->delay_max_ns);
}
