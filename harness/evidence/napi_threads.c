// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel threads of threaded NAPI (Linux 5.12): who they are by the netdev family (NAPI_GET,
 * pid since 6.8), else by their names, "napi/DEV-ID". They live on this machine, whatever the
 * namespace of the interface.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "evidence/net.h"
#include "evidence/source.h"
#include "sys/genl.h"
#include "sys/sys.h"

/* Documentation/netlink/specs/netdev.yaml; Debian 12 has no <linux/netdev.h>. */
enum { NETDEV_NAPI_GET = 11 };
enum { NAPI_IFINDEX = 1, NAPI_ID = 2, NAPI_PID = 4 };

struct threads_sample {
	size_t n, size;
	struct thread {
		int pid;
		char name[32];
		const char *instance; /* borrowed from the scope */
		uint64_t cpu_ns, wait_ns, switches, migrations;
		bool has_migrations;
		unsigned cpu;
	} * thread;
};

static void threads_free(void *sample)
{
	struct threads_sample *s = sample;

	free(s->thread);
	free(s);
}

/* -ENOENT: it ended meanwhile, or is not ours to see (another PID namespace). */
static int read_thread(struct sys *sys, int pid, struct thread *t)
{
	char text[8192], path[32];
	uint64_t run_wait[2], voluntary, involuntary, start;

	t->pid = pid;
	if (sys_readf(sys, t->name, sizeof(t->name), "/proc/%d/comm", pid) ||
	    strncmp(t->name, "napi/", 5))
		return -ENOENT;
	if (sys_readf(sys, text, sizeof(text), "/proc/%d/schedstat", pid))
		return -ENOENT;
	if (text_numbers(text, run_wait, 2) < 2)
		return -EINVAL;
	t->cpu_ns = run_wait[0];
	t->wait_ns = run_wait[1];
	if (sys_readf(sys, text, sizeof(text), "/proc/%d/stat", pid))
		return -ENOENT;
	if (text_task_stat(text, &start, &t->cpu))
		return -EINVAL;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (sys_read(sys, path, text, sizeof(text)))
		return -ENOENT;
	if (text_field(text, "voluntary_ctxt_switches", &voluntary) ||
	    text_field(text, "nonvoluntary_ctxt_switches", &involuntary))
		return -EINVAL;
	t->switches = voluntary + involuntary;
	snprintf(path, sizeof(path), "/proc/%d/sched", pid);
	t->has_migrations = !sys_read(sys, path, text, sizeof(text)) &&
			    !text_field(text, "se.nr_migrations", &t->migrations);
	return 0;
}

static int add_thread(struct sys *sys, int pid, const char *instance, struct threads_sample *s)
{
	int err;

	if (s->n == s->size) {
		size_t size = s->size ? 2 * s->size : 16;
		struct thread *grown = reallocarray(s->thread, size, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		s->thread = grown;
		s->size = size;
	}
	s->thread[s->n] = (struct thread){.instance = instance};
	err = read_thread(sys, pid, &s->thread[s->n]);
	s->n += !err;
	return err == -ENOENT ? 0 : err;
}

/* 0, or an error when this kernel does not tell. */
static int ask_netdev(struct sys *sys, const struct net_end *e, struct threads_sample *s)
{
	struct genl_replies replies = {0};
	struct genl_request r;
	int64_t ifindex;
	char words[256];
	int err = sys_readf_i64(e->inside, &ifindex, "/sys/class/net/%s/ifindex", e->dev);

	if (err)
		return err;
	genl_request_init(&r, "netdev", NETDEV_NAPI_GET, GENL_DUMP);
	genl_put_u32(&r, NAPI_IFINDEX, (uint32_t)ifindex);
	err = sys_genl(e->inside, &r, &replies, words, sizeof(words));
	for (size_t i = 0; !err && i < replies.n; i++) {
		uint64_t pid;

		if (!genl_find_uint(replies.reply[i].attrs, replies.reply[i].len, NAPI_PID, &pid))
			err = add_thread(sys, (int)pid, e->instance, s);
	}
	genl_replies_free(&replies);
	genl_request_free(&r);
	return err;
}

/* By name; an interface of the same name in another namespace cannot be told apart here. */
static int search_names(struct sys *sys, const struct net_end *e, struct threads_sample *s)
{
	_free_ char **names = NULL;
	char prefix[32];
	int err = sys_list(sys, "/proc", &names), len;

	len = snprintf(prefix, sizeof(prefix), "napi/%s-", e->dev);
	for (char **p = names; !err && *p; p++) {
		char name[32];
		int pid = atoi(*p);

		if (pid > 0 && !sys_readf(sys, name, sizeof(name), "/proc/%d/comm", pid) &&
		    !strncmp(name, prefix, (size_t)len))
			err = add_thread(sys, pid, e->instance, s);
	}
	return err;
}

static int find_threads(struct sys *sys, const struct net_end *e, struct threads_sample *s)
{
	size_t first = s->n;

	if (!ask_netdev(sys, e, s))
		return 0;
	s->n = first;
	return search_names(sys, e, s);
}

int evidence_napi_threads_of(struct sys *sys, const char *dev, int *pids, size_t max,
			     struct diag *d)
{
	const struct evidence_scope scope = {.sys = sys, .net_devs = &dev, .n_net_devs = 1};
	_free_ struct net_end *end = NULL;
	struct threads_sample s = {0};
	size_t n = 0;
	int err = net_ends(&scope, &end, &n, d);

	if (!err && n)
		err = find_threads(sys, end, &s);
	for (size_t i = 0; !err && i < s.n && i < max; i++)
		pids[i] = s.thread[i].pid;
	free(s.thread);
	return err ? err : (int)(s.n < max ? s.n : max);
}

static int threads_sample(const struct evidence_scope *scope, void **sample, struct diag *d)
{
	struct threads_sample *s;
	_free_ struct net_end *ends = NULL;
	size_t n = 0;
	int err = net_ends(scope, &ends, &n, d);

	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s)
		return diag_errno(d, -ENOMEM, "NAPI threads");
	for (size_t i = 0; !err && i < n; i++)
		err = find_threads(scope->sys, &ends[i], s);
	if (err) {
		threads_free(s);
		return diag_errno(d, err, "NAPI threads");
	}
	*sample = s;
	return 0;
}

static const struct thread *find_thread(const struct threads_sample *s, int pid)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->thread[i].pid == pid)
			return &s->thread[i];
	return NULL;
}

static int threads_difference(const struct evidence_scope *scope, const void *b, const void *a,
			      json_t *result, struct diag *d)
{
	static const struct thread nothing;
	const struct threads_sample *before = b, *after = a;
	uint64_t cpu_ns = 0, switches = 0, least = UINT64_MAX;
	json_t *detail = json_array();

	for (size_t i = 0; i < after->n; i++) {
		const struct thread *y = &after->thread[i], *x = find_thread(before, y->pid);
		uint64_t ns, wait, n;
		json_t *one;

		x = x ? x : &nothing;
		ns = evidence_delta(x->cpu_ns, y->cpu_ns);
		n = evidence_delta(x->switches, y->switches);
		wait = evidence_delta(x->wait_ns, y->wait_ns);
		cpu_ns += ns;
		least = ns + wait < least ? ns + wait : least;
		switches += n;
		one = json_pack("{s:i, s:s, s:s, s:i, s:I, s:I, s:I}", "pid", y->pid, "name",
				y->name, "interface", y->instance, "cpu", (int)y->cpu, "cpu_ns",
				(json_int_t)ns, "wait_ns", (json_int_t)wait, "context_switches",
				(json_int_t)n);
		if (one && y->has_migrations)
			json_object_set_new(one, "migrations",
					    json_integer((json_int_t)evidence_delta(
						    x->migrations, y->migrations)));
		json_array_append_new(detail, one);
	}
	evidence_put(result, "napi_threads", after->n);
	evidence_put(result, "napi_thread_cpu_ns", cpu_ns);
	evidence_put(result, "napi_thread_context_switches", switches);
	if (after->n)
		evidence_put(result, "napi_thread_least_runnable_ns", least);
	else
		evidence_absent(result, "napi_thread_least_runnable_ns", "no NAPI thread");
	evidence_detail(result, "napi_threads", detail);
	return 0;
}

const struct evidence_source evidence_napi_threads = {
	.name = "napi_threads",
	.doc = "kernel threads of threaded NAPI of the target's interfaces",
	.sample = threads_sample,
	.difference = threads_difference,
	.free = threads_free,
};
