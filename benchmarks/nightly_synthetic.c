// SPDX-License-Identifier: Apache-2.0
/*
 * The synthetic histories that the tests judge, one JSON object a line, with what `nightly` says of
 * them: for a comparison with another judge. Built and run by benchmarks/nightly_otava.sh. "flag",
 * "step", "alert": [night, position] of the first flag of any rule, of the change point rule alone,
 * and of the first flag that a confirmation run upholds; null: none.
 */
#include <stdio.h>

#include "../tests/unit/nightly_fixture.h"

struct first {
	size_t night, at;
};

static void print_first(const char *name, const struct first *f)
{
	if (f->night == NIGHTS)
		printf(", \"%s\": null", name);
	else
		printf(", \"%s\": [%zu, %zu]", name, f->night, f->at);
}

static void print_numbers(const char *name, const double *x, size_t n)
{
	printf(", \"%s\": [", name);
	for (size_t i = 0; i < n; i++)
		printf("%s%.9g", i ? ", " : "", x[i]);
	putchar(']');
}

static void one(const char *class, struct generator g)
{
	const struct metric *m = metric_find("iops");
	struct first flag = {NIGHTS, 0}, step = {NIGHTS, 0}, alert = {NIGHTS, 0};
	struct nightly_point p[NIGHTS];
	double value[NIGHTS], floor[NIGHTS];
	struct generator again = g;
	struct nightly_verdict v;
	size_t flags;

	for (size_t night = 0; night < NIGHTS; night++) {
		draw(&g, night, &p[night]);
		nightly_judge(m, p, night + 1, 0, &v);
		value[night] = p[night].value;
		floor[night] = night ? nightly_floor(m, p, night) : 0;
		if (v.state == NIGHTLY_FLAGGED && flag.night == NIGHTS)
			flag = (struct first){night, v.at};
		if (v.rules & NIGHTLY_STEP && step.night == NIGHTS)
			step = (struct first){night, v.at};
	}
	alert.night = live(&again, &alert.at, &flags);
	printf("{\"class\": \"%s\", \"step_at\": %zu, \"spike_at\": %zu", class, g.step_at,
	       g.spike_at);
	print_first("flag", &flag);
	print_first("step", &step);
	print_first("alert", &alert);
	print_numbers("floors", floor, NIGHTS);
	print_numbers("values", value, NIGHTS);
	puts("}");
}

int main(void)
{
	static const double percent[] = {2.5, 4, 6, 8, 10};

	for (size_t s = 0; s < 1000; s++) {
		struct generator spike = generator(5000 + s), wide = generator(6000 + s);

		one("clean", generator(1000 + s));
		one("step", stepped(10000 + 1000 * (s / 200) + s % 200, percent[s / 200], s % 200));
		spike.spike_at = 12 + s % 25;
		wide.wide_at = 20;
		if (s >= 500)
			continue;
		one("spike", spike);
		one("wide", wide);
	}
	return 0;
}
