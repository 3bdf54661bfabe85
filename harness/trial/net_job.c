// SPDX-License-Identifier: Apache-2.0
#include "trial/net_job.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "trial/plan_place.h"

/* One in (queues of the client x queues of the server) fits both; a rule fits with the first. */
#define SOURCE_PORTS 2048

static const char *const ends[] = {[PEER_CLIENT] = "client", [PEER_SERVER] = "server"};

static int draw_token(struct net_job *job, struct diag *d)
{
	unsigned char random[16];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return diag_set(d, -EIO, "no random numbers");
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(job->token + 2 * i, 3, "%02x", random[i]);
	snprintf(job->token_line, sizeof(job->token_line), "%s\n", job->token);
	return 0;
}

int net_job_make(const struct net_target *target, const struct trial_request *r,
		 const char *server_cpus, struct net_job *out, struct diag *d)
{
	const struct experiment_load *load = &r->cell->cell->load;
	int queue = plan_place_queue(r->cell);

	*out = (struct net_job){
		.job =
			{
				.protocol = load->protocol,
				.pattern = load->pattern,
				.request_bytes = load->request_bytes,
				.response_bytes = load->response_bytes,
				.depth = load->depth,
				.flows = load->flows,
				.rate_per_s = r->rate_per_s,
				.address = peer_end(target->peer, PEER_SERVER)->address,
				.port = NET_JOB_PORT,
				.token = out->token,
				.server_cpus = server_cpus,
				.server_control_fd = -1,
			},
	};
	for (int i = 0; i < 2; i++) {
		const struct peer_end *end = peer_end(target->peer, (enum peer_side)i);

		out->end[i].netns_fd = end->netns_fd;
		out->devs[i] = end->instance;
	}
	if (queue >= 0 && !strcmp(r->cell->cell->workload, "netloop")) {
		unsigned id[2];
		int err = net_target_queue(target, queue, id, d);

		if (err)
			return err;
		out->job.napi_id = id[PEER_CLIENT];
		out->job.server_napi_id = id[PEER_SERVER];
		out->job.source_ports = load->by_rule ? 1 : SOURCE_PORTS;
	}
	return draw_token(out, d);
}

static bool has_napi(const struct machine_nic *nic, json_int_t id)
{
	for (size_t i = 0; i < nic->n_napis; i++)
		if (nic->napis[i].id == id)
			return true;
	return false;
}

size_t net_job_napis(const struct machine_subject *subject)
{
	size_t n = 0;

	for (size_t i = 0; i < subject->n_nics; i++)
		n += subject->nics[i]->n_napis;
	return n;
}

/* A timer that polls an instance every X us raises at most 1e6/X soft interrupts a second there. */
void net_job_per_napi(size_t n, json_t *evidence)
{
	json_t *counters = json_object_get(evidence, "counters");
	double softirqs = jsonio_number(counters, "net_rx_softirqs");
	json_t *absent = json_object_get(evidence, "absent");

	json_object_del(absent, "net_rx_softirqs_per_napi");
	if (n && isfinite(softirqs))
		json_object_set_new(counters, "net_rx_softirqs_per_napi",
				    json_real(softirqs / (double)n));
	else
		json_object_set_new(absent, "net_rx_softirqs_per_napi",
				    json_string(n ? "soft interrupts were not counted"
						  : "the target has no NAPI instance"));
}

/* What is not known to send only may receive. */
static bool sends_only(const struct machine_nic *nic, json_int_t irq)
{
	bool sends = false;

	for (size_t i = 0; i < nic->n_queues; i++) {
		const struct machine_nic_queue *q = &nic->queues[i];

		if (q->vector < 0 || nic->vectors[q->vector].irq != irq)
			continue;
		if (q->rx)
			return false;
		sends = true;
	}
	return sends;
}

void net_job_receiving(const struct machine_subject *subject, json_t *evidence)
{
	const json_t *vectors = jsonio_at(evidence, "detail.interrupts.vectors"), *one;
	json_t *counters = json_object_get(evidence, "counters");
	json_t *absent = json_object_get(evidence, "absent");
	const json_t *all = json_object_get(counters, "device_interrupts");
	json_int_t n = json_integer_value(all);
	size_t i;

	if (!all) {
		json_object_set_new(absent, "receive_interrupts",
				    json_string(jsonio_string(absent, "device_interrupts",
							      "interrupts were not counted")));
		return;
	}
	json_array_foreach (vectors, i, one) {
		json_int_t irq = json_integer_value(json_object_get(one, "irq"));
		bool sends = false;

		for (size_t k = 0; k < subject->n_nics; k++)
			sends |= sends_only(subject->nics[k], irq);
		if (sends)
			n -= json_integer_value(json_object_get(one, "count"));
	}
	json_object_del(absent, "receive_interrupts");
	json_object_set_new(counters, "receive_interrupts", json_integer(n));
}

/* The id under which an end of a flow received before: flows share instances. */
static bool seen_before(const json_t *flows, size_t before, const char *end, json_int_t id)
{
	for (size_t i = 0; i < before; i++) {
		const json_t *one = json_object_get(json_array_get(flows, i), end);

		if (json_integer_value(json_object_get(one, "napi_id")) == id)
			return true;
	}
	return false;
}

/*
 * The instances that had something to do. On a veth those that flows end on, one an end at least:
 * the others would only loosen a bound per instance. A card has instances for what it sends, too,
 * so all of its count.
 */
static size_t used_napis(const struct net_target *target, const json_t *flows)
{
	const struct machine_subject subject = net_target_subject(target);
	size_t all = net_job_napis(&subject), n = 0;

	if (net_target_has_interrupts(target) || !json_array_size(flows))
		return all;
	for (size_t e = 0; e < ARRAY_SIZE(ends); e++) {
		size_t here = 0;

		for (size_t i = 0; i < json_array_size(flows); i++) {
			const json_t *one = json_object_get(json_array_get(flows, i), ends[e]);
			json_int_t id = json_integer_value(json_object_get(one, "napi_id"));

			here += id && has_napi(target->nic[e], id) &&
				!seen_before(flows, i, ends[e], id);
		}
		n += here ? here : 1;
	}
	return n < all ? n : all;
}

void net_job_judge(const struct net_target *target, const json_t *record, json_t *evidence)
{
	static const char *const names[] = {"flow_ends_without_napi", "flow_ends_on_other_napi"};
	const json_t *flows = jsonio_at(record, "workload_report.flows"), *flow;
	const struct machine_subject subject = net_target_subject(target);
	json_int_t count[2] = {0};
	bool known = json_array_size(flows) > 0;
	size_t i;

	net_job_per_napi(used_napis(target, flows), evidence);
	net_job_receiving(&subject, evidence);
	json_array_foreach (flows, i, flow) {
		for (size_t e = 0; e < ARRAY_SIZE(ends); e++) {
			const json_t *id =
				json_object_get(json_object_get(flow, ends[e]), "napi_id");
			json_int_t n = json_integer_value(id);

			known &= json_is_integer(id);
			count[0] += !n;
			count[1] += n && !has_napi(target->nic[e], n);
		}
	}
	for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
		if (known)
			json_object_set_new(json_object_get(evidence, "counters"), names[k],
					    json_integer(count[k]));
		else
			json_object_set_new(
				json_object_get(evidence, "absent"), names[k],
				json_string("the workload does not report on which NAPI "
					    "instances its sockets receive"));
	}
}
