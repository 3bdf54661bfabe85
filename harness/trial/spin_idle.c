// SPDX-License-Identifier: Apache-2.0
#include "trial/spin_idle.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/num.h"
#include "trial/workload_run.h"

#define GRACE_NS     10000000000ull
#define IDLE_SHARE   0.95
#define NORMAL_SHARE 0.5
#define TRIES	     5

static int drive(struct workload_run *w, uint64_t runtime_ns, int signal_fd, struct diag *d)
{
	struct pollfd fd = {.fd = signal_fd, .events = POLLIN};
	int err = workload_run_await(w, CONTROL_READY, clock_ns() + GRACE_NS, signal_fd, d);

	if (!err)
		err = workload_run_say(w, CONTROL_GO, d);
	if (!err && poll(&fd, 1, (int)(runtime_ns / 1000000)) > 0)
		return diag_set(d, -EINTR, "interrupted by a signal");
	if (!err)
		err = workload_run_say(w, CONTROL_STOP, d);
	if (!err)
		err = workload_run_await(w, CONTROL_DONE, clock_ns() + GRACE_NS, signal_fd, d);
	if (!err)
		err = workload_run_say(w, CONTROL_EXIT, d);
	if (!err)
		err = workload_run_finish(w, clock_ns() + GRACE_NS, d);
	return err;
}

static int spin_once(const char *bin_dir, const struct rundir *dir, const struct cpulist *cpus,
		     uint64_t runtime_ns, bool normal, int signal_fd, json_t **result,
		     struct diag *d)
{
	const char *id = normal ? "corunner-alone" : "spinner-idle";
	_free_ char *list = cpulist_text(cpus), *text = NULL;
	_fd_ int raw = rundir_raw(dir, id, d);
	char program[4200], cpus_arg[4096], fd_arg[32], priority[] = "--normal";
	char *argv[] = {program, cpus_arg, fd_arg, normal ? priority : NULL, NULL};
	struct workload_run w = {.control = -1};
	struct workload_start start = {
		.name = "spinner",
		.argv = argv,
		.cpus = cpus,
		.raw = raw,
		.controlled = true,
	};
	size_t len = 0;
	int err;

	if (raw < 0)
		return raw;
	snprintf(program, sizeof(program), "%.4000s/spinner", bin_dir);
	snprintf(cpus_arg, sizeof(cpus_arg), "--cpus=%.4000s", list ? list : "");
	snprintf(fd_arg, sizeof(fd_arg), "--control-fd=%d", WORKLOAD_CONTROL_FD);
	err = workload_run_start(&w, &start, d);
	if (!err)
		err = drive(&w, runtime_ns, signal_fd, d);
	workload_run_free(&w);
	if (!err)
		err = rundir_read_raw(dir, id, "spinner.stdout", &text, &len, d);
	if (err)
		return err;
	*result = json_loadb(text, len, 0, NULL);
	return *result ? 0 : diag_set(d, -EPROTO, "spinner: its output is not JSON");
}

/* The smallest share of a CPU that the spinner got. */
static double least_share(const json_t *report)
{
	double least = 1, window = jsonio_number(report, "window_ns");
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(report, "per_cpu"), i, one) {
		double share = jsonio_number(one, "cpu_ns") / window;

		if (!(share >= least)) /* NAN, too */
			least = isnan(share) ? 0 : share;
	}
	return least;
}

int spin_idle(const char *bin_dir, const struct rundir *dir, const struct cpulist *cpus,
	      uint64_t runtime_ns, bool normal, int signal_fd, json_t **result, struct diag *d)
{
	double share = 0;

	for (int i = 0; i < TRIES; i++) {
		int err = spin_once(bin_dir, dir, cpus, runtime_ns, normal, signal_fd, result, d);

		if (err)
			return err;
		share = least_share(*result);
		if (share >= (normal ? NORMAL_SHARE : IDLE_SHARE))
			return 0;
		json_decref(*result);
		*result = NULL;
	}
	return diag_set(d, -EBUSY,
			"other work had the measured CPUs: the spinner alone got %.0f %% of one of "
			"them, %d times",
			share * 100, TRIES);
}
