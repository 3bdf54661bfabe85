// SPDX-License-Identifier: Apache-2.0
#include "trial/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/steady.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/rng.h"
#include "gate/gate.h"
#include "trial/workload_run.h"

#define CHUNK		  (128u << 10)
#define POOL		  (16u << 20)
#define PAGE		  4096u
#define PASSES_PTS	  2
#define ROUND_DEPTH	  "32"
#define REPORT_NS	  500000000u
#define SECOND		  1000000000ull
#define GRACE_NS	  (30 * SECOND)
#define NVME_NS_PER_BYTE  1
#define OTHER_NS_PER_BYTE 4

static const char *const names[] = {
	[EXPERIMENT_PREPARE_NONE] = "none",
	[EXPERIMENT_PREPARE_FILL] = "fill",
	[EXPERIMENT_PREPARE_PTS] = "pts",
};

const char *prepare_name(enum experiment_prepare level)
{
	return names[level];
}

/* A scratch file is written whole when it is made. */
static unsigned passes(const struct target *t, enum experiment_prepare level)
{
	if (level == EXPERIMENT_PREPARE_PTS)
		return PASSES_PTS;
	return level == EXPERIMENT_PREPARE_FILL && !t->scratch;
}

uint64_t prepare_forecast_ns(const struct target *t, enum experiment_prepare level,
			     uint64_t round_ns)
{
	bool nvme = t->disk && !strncmp(t->disk->controller, "nvme", 4);
	uint64_t ns = passes(t, level) * t->bytes * (nvme ? NVME_NS_PER_BYTE : OTHER_NS_PER_BYTE);

	return ns + (level == EXPERIMENT_PREPARE_PTS ? STEADY_WINDOW * round_ns : 0);
}

static bool signalled(const struct prepare_options *o)
{
	struct pollfd fd = {.fd = o->signal_fd, .events = POLLIN};

	return poll(&fd, 1, 0) > 0;
}

/* One write of the whole target in order. */
struct pass {
	const struct prepare_options *o;
	struct gate_target *target;
	uint8_t *pool; /* of random bytes; a chunk is a stretch of it, each page of it stamped */
	struct rng rng;
	unsigned number, of;
	uint64_t begun_ns, written;
};

/* What a drive can neither compress nor find again: random, and each page with its place in it. */
static const uint8_t *next_chunk(struct pass *p, uint64_t at)
{
	uint8_t *chunk = p->pool + rng_below(&p->rng, (POOL - CHUNK) / PAGE) * PAGE;

	for (uint32_t i = 0; i < CHUNK; i += PAGE) {
		const uint64_t stamp[2] = {at + i, p->number ^ p->begun_ns};

		memcpy(chunk + i, stamp, sizeof(stamp));
	}
	return chunk;
}

static void report_pass(struct pass *p, uint64_t now)
{
	uint64_t total = p->of * p->target->size_bytes;
	double speed = (double)p->written / (double)(now - p->begun_ns);
	char phase[80], done[32], all[32];

	if (!p->o->progress || !(speed > 0))
		return;
	snprintf(phase, sizeof(phase), "preparing: %s of %s written",
		 num_bytes_text(p->written, done, sizeof(done)),
		 num_bytes_text(total, all, sizeof(all)));
	p->o->progress(p->o->context, phase, (uint64_t)((double)(total - p->written) / speed));
}

static int write_pass(struct pass *p, struct diag *d)
{
	uint64_t block = p->target->block_bytes ? p->target->block_bytes : 512;
	uint64_t size = p->target->size_bytes / block * block, told = clock_ns();
	const char *path = p->o->target->path;

	for (uint64_t at = 0; at < size;) {
		size_t want = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
		ssize_t n;

		if (signalled(p->o))
			return diag_set(d, -EINTR,
					"%s: interrupted by a signal while it was prepared; it is "
					"partly overwritten",
					path);
		n = pwrite(p->target->fd, next_chunk(p, at), want, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || (uint64_t)n % block)
			return diag_errno(d, n < 0 ? -errno : -EIO,
					  "%s: preparing: write at byte %llu", path,
					  (unsigned long long)at);
		at += (uint64_t)n;
		p->written += (uint64_t)n;
		if (clock_ns() - told < REPORT_NS)
			continue;
		told = clock_ns();
		report_pass(p, told);
	}
	return fsync(p->target->fd) ? diag_errno(d, -errno, "%s: fsync", path) : 0;
}

static int write_all(const struct prepare_options *o, json_t *result, struct diag *d)
{
	struct gate_request request = {
		.path = o->target->path,
		.write = true,
		.write_id = *o->target->write_id ? o->target->write_id : NULL,
		.flags = O_DIRECT,
	};
	struct gate_target target;
	struct pass p = {.o = o, .target = &target, .of = passes(o->target, o->level)};
	int err = gate_open(NULL, &request, &target, d);

	if (err)
		return err;
	p.begun_ns = clock_ns();
	rng_seed(&p.rng, p.begun_ns);
	p.pool = aligned_alloc(PAGE, POOL);
	if (!p.pool)
		err = -ENOMEM;
	for (size_t i = 0; !err && i < POOL / sizeof(uint64_t); i++)
		((uint64_t *)p.pool)[i] = rng_next(&p.rng);
	for (p.number = 0; !err && p.number < p.of; p.number++)
		err = write_pass(&p, d);
	free(p.pool);
	gate_close(&target);
	json_object_set_new(result, "bytes_written", json_integer((json_int_t)p.written));
	return err;
}

/* Until it has ended or a signal comes. */
static int await_end(const struct prepare_options *o, struct workload_run *w, struct diag *d)
{
	struct pollfd fds[] = {
		{.fd = child_fd(w->child), .events = POLLIN},
		{.fd = o->signal_fd, .events = POLLIN},
	};
	int n = poll(fds, 2, (int)((o->round_ns + GRACE_NS) / 1000000));

	if (n > 0 && fds[1].revents)
		return diag_set(d, -EINTR, "%s: interrupted by a signal while it was prepared",
				o->target->path);
	return workload_run_finish(w, clock_ns() + SECOND, d);
}

/* 4 KiB random writes, 32 in flight, for one round. */
static int one_round(const struct prepare_options *o, unsigned number, double *iops, struct diag *d)
{
	char id[32], program[4200], file[4200], identity[300], runtime[40], cpu[32];
	char engine[] = "--engine=aio", rw[] = "--rw=randwrite", bs[] = "--bs=4k";
	char depth[] = "--iodepth=" ROUND_DEPTH;
	char *argv[] = {program, file, engine, rw, bs, depth, runtime, cpu, NULL, NULL};
	struct workload_run w = {.control = -1};
	struct workload_start start = {.name = "ioloop", .argv = argv, .cpus = o->cpus};
	_free_ char *text = NULL;
	_json_ json_t *out = NULL;
	_fd_ int raw = -1;
	size_t len = 0;
	int err;

	snprintf(id, sizeof(id), "prepare-%02u", number);
	snprintf(program, sizeof(program), "%.4000s/ioloop", o->bin_dir);
	snprintf(file, sizeof(file), "--filename=%.4000s", o->target->path);
	snprintf(runtime, sizeof(runtime), "--runtime=%lluns", (unsigned long long)o->round_ns);
	snprintf(cpu, sizeof(cpu), "--cpus-allowed=%u", o->cpus->cpu[0]);
	if (*o->target->write_id) {
		snprintf(identity, sizeof(identity), "--write-id=%s", o->target->write_id);
		argv[ARRAY_SIZE(argv) - 2] = identity;
	}
	raw = rundir_raw(o->dir, id, d);
	start.raw = raw;
	err = raw < 0 ? raw : workload_run_start(&w, &start, d);
	if (!err)
		err = await_end(o, &w, d);
	workload_run_free(&w);
	if (!err)
		err = rundir_read_raw(o->dir, id, w.stdout_name, &text, &len, d);
	if (err)
		return diag_prefix(d, err, "preparing, round %u", number);
	out = json_loadb(text, len, 0, NULL);
	*iops = jsonio_number(out, "ios") * 1e9 / jsonio_number(out, "window_ns");
	return isfinite(*iops) ? 0 : diag_set(d, -EPROTO, "preparing, round %u: no rate", number);
}

static int rounds(const struct prepare_options *o, json_t *result, struct diag *d)
{
	double y[STEADY_ROUNDS_MAX];
	json_t *list = json_array();
	struct steady s = {0};
	size_t n = 0;
	int err = 0;

	while (!err && !s.reached && n < STEADY_ROUNDS_MAX) {
		size_t most = STEADY_ROUNDS_MAX - n; /* nobody knows how many it takes */
		char phase[96];

		snprintf(phase, sizeof(phase),
			 "preparing: round %zu, until five are steady (at most %zu rounds)", n + 1,
			 most);
		if (o->progress)
			o->progress(o->context, phase, most * o->round_ns);
		err = one_round(o, (unsigned)n + 1, &y[n], d);
		if (err)
			break;
		json_array_append_new(list, json_real(y[n]));
		steady_judge(y, ++n, &s);
	}
	json_object_set_new(result, "round_ns", json_integer((json_int_t)o->round_ns));
	json_object_set_new(result, "rounds", list);
	json_object_set_new(result, "steady", steady_json(y, n));
	return err;
}

int prepare_target(const struct prepare_options *o, json_t **result, struct diag *d)
{
	uint64_t begun = clock_ns();
	json_t *out = json_pack("{s:s, s:i}", "level", names[o->level], "bytes_written", 0);
	int err = out ? 0 : -ENOMEM;

	if (!err && passes(o->target, o->level))
		err = write_all(o, out, d);
	else if (!err && o->level == EXPERIMENT_PREPARE_FILL)
		json_object_set_new(out, "note",
				    json_string("a scratch file is written whole when it is made"));
	if (!err && o->level == EXPERIMENT_PREPARE_PTS)
		err = rounds(o, out, d);
	if (err) {
		json_decref(out);
		return err;
	}
	json_object_set_new(out, "seconds", json_real((double)(clock_ns() - begun) / 1e9));
	*result = out;
	return 0;
}
