// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "evidence/source.h"

#define SOURCES_MAX 16

struct evidence_window {
	struct evidence_scope scope;
	void *before[SOURCES_MAX], *after[SOURCES_MAX];
	struct diag reason[SOURCES_MAX]; /* why there is no sample */
	uint64_t begin_ns;
};

void evidence_put(json_t *result, const char *counter, uint64_t value)
{
	json_object_set_new(json_object_get(result, "counters"), counter,
			    json_integer((json_int_t)value));
}

void evidence_absent(json_t *result, const char *counter, const char *fmt, ...)
{
	char reason[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	json_object_set_new(json_object_get(result, "absent"), counter, json_string(reason));
}

void evidence_detail(json_t *result, const char *source, json_t *detail)
{
	json_object_set_new(json_object_get(result, "detail"), source, detail);
}

int evidence_begin(const struct evidence_scope *scope, struct evidence_window **w, struct diag *d)
{
	struct evidence_window *new = calloc(1, sizeof(*new));
	size_t n;
	const struct evidence_source *const *source = evidence_sources(&n);

	if (!new || n > SOURCES_MAX) {
		free(new);
		return diag_errno(d, new ? -E2BIG : -ENOMEM, "evidence");
	}
	new->scope = *scope;
	for (size_t i = 0; i < n; i++) {
		int err = source[i]->sample(scope, &new->before[i], &new->reason[i]);

		if (err && !*new->reason[i].text)
			diag_errno(&new->reason[i], err, "%s", source[i]->name);
	}
	*w = new;
	new->begin_ns = clock_ns();
	return 0;
}

/* The keys of a source that gave nothing, or of one that forgot a key. */
static void mark_absent(json_t *result, const char *source, const char *reason)
{
	const json_t *counters = json_object_get(result, "counters");
	const json_t *absent = json_object_get(result, "absent");
	size_t n;
	const struct evidence_counter *c = evidence_counters(&n);

	for (size_t i = 0; i < n; i++) {
		if (c[i].source && !strcmp(c[i].source, source) &&
		    !json_object_get(counters, c[i].name) && !json_object_get(absent, c[i].name))
			evidence_absent(result, c[i].name, "%s", reason);
	}
}

/* The sum of up to two time counters (the second may be NULL) as a share of the window. */
static void put_share(json_t *result, const char *share, const char *first, const char *second,
		      uint64_t window_ns)
{
	const json_t *counters = json_object_get(result, "counters");
	const json_t *a = json_object_get(counters, first);
	const json_t *b = second ? json_object_get(counters, second) : NULL;
	const json_t *reason = json_object_get(json_object_get(result, "absent"), first);

	if (a && window_ns)
		json_object_set_new(
			json_object_get(result, "counters"), share,
			json_real((double)(json_integer_value(a) + json_integer_value(b)) /
				  (double)window_ns));
	else
		evidence_absent(result, share, "%s",
				reason ? json_string_value(reason) : "the window is empty");
}

/* A counter as a share of another one. */
static void put_quotient(json_t *result, const char *share, const char *part, const char *whole)
{
	const json_t *counters = json_object_get(result, "counters");
	const json_t *absent = json_object_get(result, "absent");
	const json_t *a = json_object_get(counters, part), *b = json_object_get(counters, whole);
	const json_t *reason = json_object_get(absent, a ? whole : part);

	if (a && b && json_number_value(b) > 0)
		json_object_set_new(json_object_get(result, "counters"), share,
				    json_real(json_number_value(a) / json_number_value(b)));
	else
		evidence_absent(result, share, "%s",
				reason ? json_string_value(reason) : "there were none of all");
}

int evidence_end(struct evidence_window *w, json_t **result, struct diag *d)
{
	uint64_t window_ns = clock_ns() - w->begin_ns;
	size_t n;
	const struct evidence_source *const *source = evidence_sources(&n);
	json_t *r;

	for (size_t i = n; i-- > 0;) {
		int err = 0;

		if (!w->before[i])
			continue;
		if (source[i]->resample)
			err = source[i]->resample(&w->scope, w->before[i], &w->after[i],
						  &w->reason[i]);
		else
			err = source[i]->sample(&w->scope, &w->after[i], &w->reason[i]);
		if (err && !*w->reason[i].text)
			diag_errno(&w->reason[i], err, "%s", source[i]->name);
	}
	r = json_pack("{s:{}, s:{}, s:{}, s:I}", "counters", "absent", "detail", "window_ns",
		      (json_int_t)window_ns);
	if (!r)
		return diag_errno(d, -ENOMEM, "evidence");
	for (size_t i = 0; i < n; i++) {
		struct diag *reason = &w->reason[i];

		if (w->before[i] && w->after[i] &&
		    !source[i]->difference(&w->scope, w->before[i], w->after[i], r, reason))
			diag_set(reason, 0, "source %s did not give it", source[i]->name);
		mark_absent(r, source[i]->name, reason->text);
	}
	put_share(r, "task_cpu_share", "task_cpu_ns", NULL, window_ns);
	put_share(r, "sq_thread_cpu_share", "sq_thread_cpu_ns", NULL, window_ns);
	put_share(r, "sq_thread_runnable_share", "sq_thread_cpu_ns", "sq_thread_wait_ns",
		  window_ns);
	put_share(r, "napi_thread_cpu_share", "napi_thread_cpu_ns", NULL, window_ns);
	put_share(r, "napi_thread_least_runnable_share", "napi_thread_least_runnable_ns", NULL,
		  window_ns);
	put_quotient(r, "busy_poll_share", "busy_poll_rx_packets", "net_rx_packets");
	put_quotient(r, "client_busy_poll_share", "client_busy_poll_rx_packets",
		     "client_net_rx_packets");
	put_quotient(r, "server_busy_poll_share", "server_busy_poll_rx_packets",
		     "server_net_rx_packets");
	put_quotient(r, "napi_empty_poll_share", "napi_empty_polls", "napi_polls");
	/* Only who knows the target's NAPI instances and queues can tell (trial/net_job.c). */
	evidence_absent(r, "receive_interrupts", "the target's queues are not known");
	evidence_absent(r, "net_rx_softirqs_per_napi", "the target's NAPI instances are not known");
	*result = r;
	return 0;
}

void evidence_free(struct evidence_window *w)
{
	size_t n;
	const struct evidence_source *const *source = evidence_sources(&n);

	for (size_t i = 0; w && i < n; i++) {
		if (w->after[i])
			source[i]->free(w->after[i]);
		if (w->before[i])
			source[i]->free(w->before[i]);
	}
	free(w);
}
