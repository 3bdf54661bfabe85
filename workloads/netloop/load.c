// SPDX-License-Identifier: Apache-2.0
/* The load both ends agree on: checked, sent, taken. */
#include "load.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "flow.h"
#include "wait.h"

#define UDP_MAX 65507

static const char *const patterns[] = {
	[PATTERN_PINGPONG] = "pingpong",
	[PATTERN_RR] = "rr",
	[PATTERN_STREAM] = "stream",
};

static int check_sizes(const struct load *l, struct diag *d)
{
	const struct {
		const char *name;
		uint32_t bytes;
	} sizes[] = {{"--size", l->size}, {"--response-size", l->response_size}};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint32_t bytes = sizes[i].bytes;

		if (!bytes || l->tcp)
			continue;
		if (bytes < sizeof(struct message))
			return diag_set(d, -EINVAL,
					"%s %u: a UDP message carries a number of %zu bytes that "
					"tells lost and late ones",
					sizes[i].name, bytes, sizeof(struct message));
		if (bytes > UDP_MAX)
			return diag_set(d, -EINVAL, "%s %u: a UDP datagram holds at most %d",
					sizes[i].name, bytes, UDP_MAX);
	}
	return 0;
}

static int check_wait(const struct load *l, struct diag *d)
{
	unsigned uses = l->wait->uses;
	bool polls = l->busy_poll_usecs || l->busy_poll_budget || l->prefer_busy_poll;

	if ((uses & WAIT_BLOCKS) && l->flows > l->jobs)
		return diag_set(
			d, -EINVAL,
			"--wait=%s serves one flow a thread: %u flows need --numjobs %u, or "
			"--wait=epoll",
			l->wait->name, l->flows, l->flows);
	if (polls && !(uses & WAIT_BUSY_POLLS))
		return diag_set(d, -EINVAL,
				"--busy-poll-usecs, --prefer-busy-poll and --busy-poll-budget mean "
				"nothing to --wait=%s (io_uring-napi)",
				l->wait->name);
	if ((uses & WAIT_RING) && l->busy_poll_budget)
		return diag_set(d, -EINVAL, "--busy-poll-budget: a ring has no such setting");
	if ((uses & WAIT_RING) && (uses & WAIT_BUSY_POLLS) && !l->busy_poll_usecs)
		return diag_set(d, -EINVAL, "--wait=%s needs --busy-poll-usecs", l->wait->name);
	if ((uses & WAIT_RING) && l->zerocopy)
		return diag_set(d, -EINVAL,
				"--zerocopy is MSG_ZEROCOPY of send(2); it does not go with "
				"--wait=%s",
				l->wait->name);
	return 0;
}

int load_check(const struct load *l, struct diag *d)
{
	int err = check_sizes(l, d);

	if (!err)
		err = check_wait(l, d);
	if (err)
		return err;
	if (l->pattern != PATTERN_RR && l->depth != 1)
		return diag_set(d, -EINVAL, "--depth %u needs --pattern=rr", l->depth);
	if (l->flows < l->jobs)
		return diag_set(d, -EINVAL,
				"%u threads (--numjobs) have nothing to do with %u flows",
				l->jobs - l->flows, l->flows);
	return 0;
}

json_t *load_json(const struct load *l)
{
	return json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:I, s:I, s:b, s:b}", "tcp",
			 l->tcp, "pattern", patterns[l->pattern], "size", (json_int_t)l->size,
			 "response_size", (json_int_t)l->response_size, "depth",
			 (json_int_t)l->depth, "flows", (json_int_t)l->flows, "jobs",
			 (json_int_t)l->jobs, "timeout_ns", (json_int_t)l->timeout_ns, "wait",
			 l->wait->name, "busy_poll_usecs", (json_int_t)l->busy_poll_usecs,
			 "busy_poll_budget", (json_int_t)l->busy_poll_budget, "prefer_busy_poll",
			 l->prefer_busy_poll, "zerocopy", l->zerocopy);
}

static uint64_t number(const json_t *j, const char *name, uint64_t max, bool *bad)
{
	json_t *value = json_object_get(j, name);
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0 || (uint64_t)n > max)
		*bad = true;
	return (uint64_t)n;
}

static void take_own(const struct options *o, struct load *l, struct diag *d)
{
	if (o->numjobs)
		l->jobs = (uint32_t)o->numjobs;
	if (!o->wait_name)
		return;
	l->wait = wait_find(o->wait_name, d);
	l->busy_poll_usecs = (uint32_t)o->busy_poll_usecs;
	l->busy_poll_budget = (uint16_t)o->busy_poll_budget;
	l->prefer_busy_poll = o->prefer_busy_poll;
	l->zerocopy = o->zerocopy;
}

int load_from_json(const json_t *j, const struct options *o, struct load *l, struct diag *d)
{
	const char *pattern = jsonio_string(j, "pattern", "");
	bool bad = false;

	*l = (struct load){
		.tcp = json_is_true(json_object_get(j, "tcp")),
		.pattern = PATTERN_STREAM + 1,
		.size = (uint32_t)number(j, "size", 1u << 24, &bad),
		.response_size = (uint32_t)number(j, "response_size", 1u << 24, &bad),
		.depth = (uint32_t)number(j, "depth", DEPTH_MAX, &bad),
		.flows = (uint32_t)number(j, "flows", FLOWS_MAX, &bad),
		.jobs = (uint32_t)number(j, "jobs", 256, &bad),
		.timeout_ns = number(j, "timeout_ns", 10000000000, &bad),
		.wait = wait_find(jsonio_string(j, "wait", ""), d),
		.busy_poll_usecs = (uint32_t)number(j, "busy_poll_usecs", INT32_MAX, &bad),
		.busy_poll_budget = (uint16_t)number(j, "busy_poll_budget", UINT16_MAX, &bad),
		.prefer_busy_poll = json_is_true(json_object_get(j, "prefer_busy_poll")),
		.zerocopy = json_is_true(json_object_get(j, "zerocopy")),
	};
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		if (!strcmp(pattern, patterns[i]))
			l->pattern = (enum pattern)i;
	bad |= l->pattern > PATTERN_STREAM || !l->size || !l->depth || !l->flows || !l->jobs ||
	       !l->response_size != (l->pattern == PATTERN_STREAM);
	if (bad)
		return diag_set(d, -EPROTO, "the client's load is malformed");
	take_own(o, l, d);
	if (!l->wait)
		return -EINVAL;
	return load_check(l, d);
}
