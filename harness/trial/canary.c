// SPDX-License-Identifier: Apache-2.0
#include "trial/canary.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "trial/workload_run.h"

#define GRACE_NS 2000000000ull /* they take tenths of a second */

/* Run one program to its end and read the JSON it prints. */
static int run_one(const struct rundir *dir, const char *id, const char *name, char *const *argv,
		   const struct cpulist *cpus, json_t **out, struct diag *d)
{
	_fd_ int raw = rundir_raw(dir, id, d);
	_free_ char *text = NULL;
	struct workload_run w = {.control = -1};
	struct workload_start start = {.name = name, .argv = argv, .cpus = cpus, .raw = raw};
	size_t len = 0;
	int err = raw;

	if (raw >= 0)
		err = workload_run_start(&w, &start, d);
	if (!err)
		err = workload_run_finish(&w, clock_ns() + GRACE_NS, d);
	workload_run_free(&w);
	if (!err)
		err = rundir_read_raw(dir, id, w.stdout_name, &text, &len, d);
	if (err)
		return err;
	*out = json_loadb(text, len, 0, NULL);
	return *out ? 0 : diag_set(d, -EPROTO, "%s: its output is not JSON", name);
}

static void put(json_t *sample, const char *name, double value)
{
	if (isfinite(value))
		json_object_set_new(sample, name, json_real(value));
}

static int spin(const char *bin_dir, const struct rundir *dir, const char *id,
		const struct cpulist *cpus, json_t *sample, struct diag *d)
{
	_free_ char *list = cpulist_text(cpus);
	char program[4200], where[4096];
	char calibrate[] = "--calibrate=20ms", wakeups[] = "--wakeups=50", normal[] = "--normal";
	char *argv[] = {program, where, calibrate, wakeups, normal, NULL};
	_json_ json_t *out = NULL;
	double least = NAN, latest = NAN, window;
	const json_t *one;
	size_t i;
	int err;

	snprintf(program, sizeof(program), "%.4000s/spinner", bin_dir);
	snprintf(where, sizeof(where), "--cpus=%.4000s", list ? list : "");
	err = run_one(dir, id, "spinner", argv, cpus, &out, d);
	if (err)
		return err;
	window = jsonio_number(out, "window_ns") / 1e9;
	json_array_foreach (json_object_get(out, "per_cpu"), i, one) {
		least = fmin(least, jsonio_number(one, "work") / window);
		latest = fmax(latest, jsonio_number(one, "wakeup_p50_ns"));
	}
	put(sample, "spin_per_s", least);
	put(sample, "wakeup_p50_ns", latest);
	return 0;
}

/* The ring and its system calls, with no device behind them. */
static int null_loop(const char *bin_dir, const struct rundir *dir, const char *id,
		     const struct cpulist *cpus, json_t *sample, struct diag *d)
{
	char program[4200], where[32];
	char engine[] = "--engine=nop", depth[] = "--iodepth=16", ramp[] = "--ramp-time=5ms";
	char runtime[] = "--runtime=40ms";
	char *argv[] = {program, engine, depth, ramp, runtime, where, NULL};
	_json_ json_t *out = NULL;
	int err;

	snprintf(program, sizeof(program), "%.4000s/ioloop", bin_dir);
	snprintf(where, sizeof(where), "--cpus-allowed=%u", cpus->cpu[0]);
	err = run_one(dir, id, "ioloop", argv, cpus, &out, d);
	if (!err)
		put(sample, "nop_per_s",
		    jsonio_number(out, "ios") * 1e9 / jsonio_number(out, "window_ns"));
	return err;
}

int canary_sample(const char *bin_dir, const struct rundir *dir, const char *id,
		  const struct cpulist *cpus, unsigned *broken, json_t **sample, struct diag *d)
{
	typedef int part_fn(const char *, const struct rundir *, const char *,
			    const struct cpulist *, json_t *, struct diag *);
	static part_fn *const parts[] = {spin, null_loop};
	json_t *out = json_object();
	uint64_t begun = clock_ns();

	for (size_t i = 0; out && i < ARRAY_SIZE(parts); i++) {
		struct diag why = {""};
		int err;

		if (*broken & 1u << i)
			continue;
		err = parts[i](bin_dir, dir, id, cpus, out, &why);
		if (err == -ENOMEM || err == -ENOSPC) {
			json_decref(out);
			*d = why;
			return err;
		}
		if (!err)
			continue;
		/* a kernel without io_uring has no null loop; the rest stands */
		*broken |= 1u << i;
		json_object_set_new(out, "error", json_string(why.text));
	}
	json_object_set_new(out, "took_ns", json_integer((json_int_t)(clock_ns() - begun)));
	*sample = out;
	return out ? 0 : -ENOMEM;
}
