// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "engine.h"

static const char *const rw_choices[] = {"read",      "write", "randread", "randwrite",
					 "readwrite", "rw",    "randrw",   NULL};
static const char *const process_choices[] = {"constant", "poisson", NULL};
static const char *const wait_choices[] = {"auto", "sleep", "spin", NULL};
static const char *const sync_choices[] = {"none", "dsync", NULL};
static const char *const policy_choices[] = {"shared", "split", NULL};

#define AT(field) offsetof(struct options, field)

static const struct opt table[] = {
	{.name = "filename",
	 .type = OPT_STRS,
	 .offset = AT(files),
	 .arg = "PATH",
	 .help = "target: file, block device or /dev/ngXnY; also as plain word, several in turn"},
	{.name = "engine",
	 .alias = "ioengine",
	 .type = OPT_STR,
	 .offset = AT(engine_name),
	 .arg = "NAME",
	 .help = "sync, aio, io_uring, io_uring-passthrough or nop (io_uring)"},
	{.name = "rw",
	 .alias = "readwrite",
	 .type = OPT_CHOICE,
	 .offset = AT(rw),
	 .choices = rw_choices,
	 .arg = "HOW",
	 .help = "read, randread, write, randwrite, rw, randrw (randread)"},
	{.name = "rwmixread",
	 .type = OPT_U64,
	 .offset = AT(rwmixread),
	 .max = 100,
	 .arg = "PERCENT",
	 .help = "reads among rw and randrw (50)"},
	{.name = "bs",
	 .alias = "blocksize",
	 .type = OPT_BYTES,
	 .offset = AT(bs),
	 .min = 512,
	 .max = 1u << 30,
	 .arg = "BYTES",
	 .help = "size of one I/O (4k)"},
	{.name = "iodepth",
	 .type = OPT_U64,
	 .offset = AT(iodepth),
	 .min = 1,
	 .max = 16384,
	 .arg = "N",
	 .help = "I/Os in flight per job (1)"},
	{.name = "iodepth-batch-submit",
	 .alias = "iodepth-batch",
	 .type = OPT_U64,
	 .offset = AT(batch_submit),
	 .min = 1,
	 .max = 16384,
	 .arg = "N",
	 .help = "most I/Os submitted at once (all that are free)"},
	{.name = "iodepth-batch-complete-min",
	 .alias = "iodepth-batch-complete",
	 .type = OPT_U64,
	 .offset = AT(batch_complete_min),
	 .min = 1,
	 .max = 16384,
	 .arg = "N",
	 .help = "completions to wait for when no more can be submitted (1)"},
	{.name = "min-wait",
	 .type = OPT_NS,
	 .offset = AT(min_wait_ns),
	 .min = 1000,
	 .arg = "TIME",
	 .help = "give that batch this long, then take what there is (Linux 6.12)"},
	{.name = "numjobs",
	 .type = OPT_U64,
	 .offset = AT(numjobs),
	 .min = 1,
	 .max = 1024,
	 .arg = "N",
	 .help = "threads, each with its own ring and depth (1)"},
	{.name = "size",
	 .type = OPT_BYTES,
	 .offset = AT(size),
	 .arg = "BYTES",
	 .help = "use only this much of each target (all behind the offset)"},
	{.name = "offset",
	 .type = OPT_BYTES,
	 .offset = AT(offset),
	 .arg = "BYTES",
	 .help = "begin there (0)"},
	{.name = "direct", .type = OPT_BOOL, .offset = AT(direct), .help = "O_DIRECT (1)"},
	{.name = "sync",
	 .type = OPT_CHOICE,
	 .offset = AT(sync),
	 .choices = sync_choices,
	 .arg = "HOW",
	 .help = "dsync: each write is on stable storage when it completes (none)"},
	{.name = "runtime",
	 .type = OPT_NS,
	 .offset = AT(runtime_ns),
	 .arg = "TIME",
	 .help = "length of the measured window; bare numbers are seconds (1s)"},
	{.name = "number-ios",
	 .type = OPT_U64,
	 .offset = AT(number_ios),
	 .arg = "N",
	 .help = "end after so many I/Os per job (0: no bound)"},
	{.name = "ramp-time",
	 .type = OPT_NS,
	 .offset = AT(ramp_ns),
	 .arg = "TIME",
	 .help = "run so long unmeasured first (0)"},
	{.name = "rate-iops",
	 .type = OPT_F64,
	 .offset = AT(rate_iops),
	 .arg = "N",
	 .help = "open loop: start so many a second per job, whatever completes (0: closed loop)"},
	{.name = "rate-process",
	 .type = OPT_CHOICE,
	 .offset = AT(rate_process),
	 .choices = process_choices,
	 .arg = "HOW",
	 .help = "constant or poisson (constant)"},
	{.name = "open-wait",
	 .type = OPT_CHOICE,
	 .offset = AT(open_wait),
	 .choices = wait_choices,
	 .arg = "HOW",
	 .help = "open loop, until the next start: sleep, spin, auto = spin only if polling"},
	{.name = "lat",
	 .type = OPT_BOOL,
	 .offset = AT(lat),
	 .help = "record latencies; 0 takes no time stamps (1)"},
	{.name = "hipri",
	 .alias = "iopoll",
	 .type = OPT_BOOL,
	 .offset = AT(hipri),
	 .help = "IORING_SETUP_IOPOLL; sync: RWF_HIPRI, without effect since Linux 5.19"},
	{.name = "hybrid",
	 .type = OPT_BOOL,
	 .offset = AT(hybrid),
	 .help = "IORING_SETUP_HYBRID_IOPOLL (Linux 6.13, with --hipri)"},
	{.name = "sqthread-poll",
	 .alias = "sqpoll",
	 .type = OPT_BOOL,
	 .offset = AT(sqpoll),
	 .help = "IORING_SETUP_SQPOLL: a kernel thread submits"},
	{.name = "sqthread-poll-cpu",
	 .type = OPT_U64,
	 .offset = AT(sq_cpu),
	 .max = 65535,
	 .arg = "CPU",
	 .help = "IORING_SETUP_SQ_AFF: that thread's CPU"},
	{.name = "sq-thread-idle",
	 .type = OPT_NS,
	 .offset = AT(sq_idle_ns),
	 .min = 1000000,
	 .arg = "TIME",
	 .help = "it sleeps after so long without work (kernel: 1s)"},
	{.name = "fixedbufs",
	 .type = OPT_BOOL,
	 .offset = AT(fixedbufs),
	 .help = "IORING_REGISTER_BUFFERS"},
	{.name = "registerfiles",
	 .type = OPT_BOOL,
	 .offset = AT(registerfiles),
	 .help = "IORING_REGISTER_FILES"},
	{.name = "registerring",
	 .type = OPT_BOOL,
	 .offset = AT(registerring),
	 .help = "IORING_REGISTER_RING_FDS (Linux 5.18)"},
	{.name = "defer-taskrun",
	 .type = OPT_BOOL,
	 .offset = AT(defer_taskrun),
	 .help = "IORING_SETUP_DEFER_TASKRUN with SINGLE_ISSUER (Linux 6.1)"},
	{.name = "single-issuer",
	 .type = OPT_BOOL,
	 .offset = AT(single_issuer),
	 .help = "IORING_SETUP_SINGLE_ISSUER (Linux 6.0)"},
	{.name = "coop-taskrun",
	 .type = OPT_BOOL,
	 .offset = AT(coop_taskrun),
	 .help = "IORING_SETUP_COOP_TASKRUN (Linux 5.19)"},
	{.name = "no-sqarray",
	 .type = OPT_BOOL,
	 .offset = AT(no_sqarray),
	 .help = "IORING_SETUP_NO_SQARRAY (Linux 6.6)"},
	{.name = "cpus-allowed",
	 .type = OPT_STR,
	 .offset = AT(cpus_text),
	 .arg = "LIST",
	 .help = "CPUs of the jobs, as 0-3,8"},
	{.name = "cpus-allowed-policy",
	 .type = OPT_CHOICE,
	 .offset = AT(cpus_policy),
	 .choices = policy_choices,
	 .arg = "HOW",
	 .help = "shared, or split: one CPU of the list for each job in turn (shared)"},
	{.name = "memory-node",
	 .alias = "numa-mem-node",
	 .type = OPT_U64,
	 .offset = AT(memory_node),
	 .max = 1023,
	 .arg = "NODE",
	 .help = "bind buffers and rings to this NUMA node"},
	{.name = "randseed",
	 .type = OPT_U64,
	 .offset = AT(randseed),
	 .arg = "N",
	 .help = "seed of offsets, mix and data (1)"},
	{.name = "write-id",
	 .type = OPT_STR,
	 .offset = AT(write_id),
	 .arg = "ID",
	 .help = "identity of the device that may be overwritten; a refusal tells it"},
	{.name = "layout",
	 .type = OPT_BYTES,
	 .offset = AT(layout),
	 .arg = "BYTES",
	 .help = "make the named files as scratch files of random data, and end"},
	{.name = "test-delay",
	 .type = OPT_NS,
	 .offset = AT(test_delay_ns),
	 .max = 100000000,
	 .arg = "TIME",
	 .help = "burn this much CPU time at each completion: a slowdown for tests; marks the "
		 "report"},
	{.name = "control-fd",
	 .type = OPT_U64,
	 .offset = AT(control_fd),
	 .max = 65535,
	 .arg = "N",
	 .help = "inherited socket on which a harness opens and closes the window"},
	{.name = "check",
	 .alias = "dry-run",
	 .type = OPT_BOOL,
	 .offset = AT(check),
	 .help = "set everything up, make one read (none with writes), report, end"},
};

static const struct options defaults = {
	.engine_name = "io_uring",
	.rw = "randread",
	.rate_process = "constant",
	.open_wait = "auto",
	.sync = "none",
	.cpus_policy = "shared",
	.bs = 4096,
	.iodepth = 1,
	.numjobs = 1,
	.rwmixread = 50,
	.randseed = 1,
	.runtime_ns = OPTION_UNSET,
	.batch_complete_min = 1,
	.direct = true,
	.lat = true,
	.sq_cpu = OPTION_UNSET,
	.memory_node = OPTION_UNSET,
	.control_fd = OPTION_UNSET,
};

/* An option that an engine would ignore is refused: nothing is dropped silently. */
static const struct {
	const char *name;
	size_t offset;
	unsigned uses; /* struct engine_ops.uses */
} engine_options[] = {
	{"hipri", AT(hipri), ENGINE_HIPRI},
	{"hybrid", AT(hybrid), ENGINE_IOPOLL},
	{"sqthread-poll", AT(sqpoll), ENGINE_RING},
	{"fixedbufs", AT(fixedbufs), ENGINE_IOPOLL},
	{"registerfiles", AT(registerfiles), ENGINE_IOPOLL},
	{"registerring", AT(registerring), ENGINE_RING},
	{"defer-taskrun", AT(defer_taskrun), ENGINE_RING},
	{"single-issuer", AT(single_issuer), ENGINE_RING},
	{"coop-taskrun", AT(coop_taskrun), ENGINE_RING},
	{"no-sqarray", AT(no_sqarray), ENGINE_RING},
};

static int check_engine(const struct options *o, struct diag *d)
{
	const struct engine_ops *e = o->engine;

	for (size_t i = 0; i < ARRAY_SIZE(engine_options); i++)
		if (*(const bool *)((const char *)o + engine_options[i].offset) &&
		    !(e->uses & engine_options[i].uses))
			return diag_set(d, -EINVAL, "--%s means nothing to engine %s",
					engine_options[i].name, e->name);
	if (!(e->uses & ENGINE_RING) &&
	    (o->sq_cpu != OPTION_UNSET || o->sq_idle_ns || o->min_wait_ns))
		return diag_set(d, -EINVAL,
				"--sqthread-poll-cpu, --sq-thread-idle and --min-wait mean nothing "
				"to engine %s",
				e->name);
	if ((o->sq_cpu != OPTION_UNSET || o->sq_idle_ns) && !o->sqpoll)
		return diag_set(d, -EINVAL,
				"--sqthread-poll-cpu and --sq-thread-idle need --sqthread-poll");
	if (o->iodepth > 1 && (e->uses & ENGINE_DEPTH_ONE))
		return diag_set(d, -EINVAL, "engine %s has depth 1 (use --numjobs)", e->name);
	if (o->files.n && (e->uses & ENGINE_NO_FILE))
		return diag_set(d, -EINVAL, "engine %s has no target, but '%s' was given", e->name,
				o->files.item[0]);
	if (!o->files.n && !(e->uses & ENGINE_NO_FILE))
		return diag_set(d, -EINVAL, "no target: give a file, a block device or /dev/ngXnY");
	return 0;
}

static int check_wait(const struct options *o, struct diag *d)
{
	if (o->min_wait_ns && (o->batch_complete_min < 2 || o->sqpoll || o->hipri || o->spin))
		return diag_set(d, -EINVAL,
				"--min-wait waits for a batch: it needs "
				"--iodepth-batch-complete-min of 2 or more, and has no effect with "
				"--sqthread-poll, --hipri or spinning");
	if (o->batch_complete_min > o->iodepth)
		return diag_set(
			d, -EINVAL, "--iodepth-batch-complete-min %llu is above --iodepth %llu",
			(unsigned long long)o->batch_complete_min, (unsigned long long)o->iodepth);
	if (o->rate_iops < 0)
		return diag_set(d, -EINVAL, "--rate-iops %g is below 0", o->rate_iops);
	if (o->rate_iops && !o->lat)
		return diag_set(d, -EINVAL,
				"an open loop is there for its latencies: --lat=0 does "
				"not go with --rate-iops");
	if (!o->rate_iops && strcmp(o->open_wait, "auto"))
		return diag_set(d, -EINVAL, "--open-wait needs --rate-iops");
	return 0;
}

static int resolve(struct options *o, struct diag *d)
{
	int err;

	o->engine = engine_find(o->engine_name, d);
	if (!o->engine)
		return -EINVAL;
	o->engine_name = o->engine->name;
	o->random = !strncmp(o->rw, "rand", 4);
	o->writes = strstr(o->rw, "w") != NULL;
	o->reads = strstr(o->rw, "read") != NULL || strstr(o->rw, "rw") != NULL;
	if (!o->batch_submit)
		o->batch_submit = o->iodepth;
	if (o->defer_taskrun)
		o->single_issuer = true;
	if (o->runtime_ns == OPTION_UNSET)
		o->runtime_ns = o->number_ios ? 0 : 1000000000u;
	if (!o->runtime_ns && !o->number_ios)
		return diag_set(d, -EINVAL, "--runtime 0 needs --number-ios");
	if (o->hipri && !o->direct)
		return diag_set(d, -EINVAL, "--hipri needs --direct");
	o->spin = o->rate_iops && (!strcmp(o->open_wait, "spin") ||
				   (!strcmp(o->open_wait, "auto") && (o->hipri || o->sqpoll)));
	if (o->rate_iops && !o->spin && o->hipri && (o->engine->uses & ENGINE_RING))
		return diag_set(d, -EINVAL,
				"--open-wait sleep does not go with --hipri: nothing "
				"wakes a sleeper when a polled I/O is done");
	err = check_engine(o, d);
	if (!err)
		err = check_wait(o, d);
	if (!err && o->cpus_text && (err = cpulist_parse(o->cpus_text, &o->cpus, d)))
		diag_prefix(d, err, "--cpus-allowed");
	if (!err && o->cpus_text && !o->cpus.n)
		err = diag_set(d, -EINVAL, "--cpus-allowed: the list is empty");
	return err;
}

int options_parse(int argc, char **argv, struct options *o, struct diag *d)
{
	int first, err;

	*o = defaults;
	err = opt_parse(table, ARRAY_SIZE(table), o, false, argc, argv, &first, d);
	if (err == 1) {
		fputs("Usage: ioloop [OPTIONS] TARGET...\n\n"
		      "A tight I/O loop: one mode, measured for a while, reported as one JSON "
		      "object "
		      "on standard\noutput. Reads unless told otherwise. '-' and '_' are equal in "
		      "option names.\n\nOptions (default):\n",
		      stdout);
		opt_help(table, ARRAY_SIZE(table), stdout);
		return 1;
	}
	if (err)
		return err;
	for (; first < argc; first++) {
		if (o->files.n == OPT_STRS_MAX)
			return diag_set(d, -E2BIG, "more than %d targets", OPT_STRS_MAX);
		o->files.item[o->files.n++] = argv[first];
	}
	return resolve(o, d);
}

json_t *options_json(const struct options *o)
{
	return opt_json(table, ARRAY_SIZE(table), o, OPTION_UNSET);
}
