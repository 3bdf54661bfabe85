// SPDX-License-Identifier: Apache-2.0
#include "experiment/axis.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/suggest.h"
#include "base/yaml.h"

#define BLOCK (1u << MODE_BLOCK)
#define NET   (1u << MODE_NET)

#define UDP_PAYLOAD_MAX	  65507
#define RESPONSE_AS_ASKED UINT64_MAX /* until load_finish() */

/* One of `words` into `out`. */
static int set_word(const struct yaml_node *node, const char *what, const char *const *words,
		    size_t n, char *out, size_t size, struct diag *d)
{
	char hint[160];

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(node->text, words[i])) {
			snprintf(out, size, "%s", words[i]);
			return 0;
		}
	}
	return yaml_error(node, d, -EINVAL, "unknown %s \"%s\"%s", what, node->text,
			  suggest_text(node->text, words, n, hint, sizeof(hint)));
}

static int set_positive(const struct yaml_node *node, uint64_t *value, uint64_t max, struct diag *d)
{
	int err = yaml_u64(node, value, d);

	if (!err && (!*value || *value > max))
		err = yaml_error(node, d, -ERANGE, "must be 1 to %llu", (unsigned long long)max);
	return err;
}

static int set_rw(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	static const char *const words[] = {"read",	 "write", "randread",
					    "randwrite", "rw",	  "randrw"};

	return set_word(node, "rw", words, ARRAY_SIZE(words), load->rw, sizeof(load->rw), d);
}

static int set_bs(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	int err = yaml_bytes(node, &load->bs, d);

	if (!err && (load->bs < 512 || load->bs % 512 || load->bs > 64u << 20))
		err = yaml_error(node, d, -ERANGE, "bs must be a multiple of 512, at most 64M");
	return err;
}

static int set_iodepth(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	return set_positive(node, &load->iodepth, 4096, d);
}

static int set_numjobs(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	return set_positive(node, &load->numjobs, 1024, d);
}

static int set_rwmixread(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	return set_positive(node, &load->rwmixread, 100, d);
}

static int set_dsync(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	return yaml_bool(node, &load->dsync, d);
}

static int set_pattern(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	static const char *const words[] = {"pingpong", "rr", "stream"};

	return set_word(node, "pattern", words, ARRAY_SIZE(words), load->pattern,
			sizeof(load->pattern), d);
}

static int set_protocol(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	static const char *const words[] = {"udp", "tcp"};

	return set_word(node, "protocol", words, ARRAY_SIZE(words), load->protocol,
			sizeof(load->protocol), d);
}

static int set_message(const struct yaml_node *node, uint64_t min, uint64_t *bytes, struct diag *d)
{
	int err = yaml_bytes(node, bytes, d);

	if (!err && (*bytes < min || *bytes > 16u << 20))
		err = yaml_error(node, d, -ERANGE, "a message has %llu byte to 16M",
				 (unsigned long long)min);
	return err;
}

static int set_size(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	return set_message(node, 1, &load->request_bytes, d);
}

static int set_response(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	return set_message(node, 0, &load->response_bytes, d);
}

static int set_depth(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	return set_positive(node, &load->depth, 1024, d);
}

static int set_flows(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	return set_positive(node, &load->flows, 1024, d);
}

/* The receive queue that every flow's packets are to arrive on, at both ends. */
static int set_queue(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	uint64_t queue;
	int err = yaml_u64(node, &queue, d);

	if (!err && queue > EXPERIMENT_QUEUE_MAX)
		err = yaml_error(node, d, -ERANGE, "must be 0 to %d: receive queues count from 0",
				 EXPERIMENT_QUEUE_MAX);
	load->queue = (int)queue;
	return err;
}

/* How flows get there. */
static int set_steer(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	static const char *const words[] = {"ports", "rule"};
	char word[8];
	int err = set_word(node, "steer", words, ARRAY_SIZE(words), word, sizeof(word), d);

	load->by_rule = !err && !strcmp(word, "rule");
	return err;
}

/* "20%": share of the best rate seen in calibration; "5000": arrivals a second. */
static int set_rate(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	size_t len = strlen(node->text);
	char *end;
	double value = strtod(node->text, &end);
	bool share = end > node->text && !strcmp(end, "%");

	load->open_loop = true;
	if (end == node->text || (*end && !share) || !(value > 0) || value > 1e9 ||
	    (share && value > 100) || !len)
		return yaml_error(
			node, d, -EINVAL,
			"rate \"%s\" is neither arrivals a second (5000) nor a share of the best "
			"measured rate (20%%)",
			node->text);
	load->rate_share = share ? value / 100 : 0;
	load->rate_per_s = share ? 0 : value;
	return 0;
}

static int set_process(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	load->poisson = !strcmp(node->text, "poisson");
	if (!load->poisson && strcmp(node->text, "constant"))
		return yaml_error(node, d, -EINVAL,
				  "rate_process is constant or poisson, not \"%s\"", node->text);
	return 0;
}

static const struct load_axis axes[] = {
	{"rw", BLOCK, set_rw},
	{"bs", BLOCK, set_bs},
	{"numjobs", BLOCK, set_numjobs},
	{"rwmixread", BLOCK, set_rwmixread},
	{"dsync", BLOCK, set_dsync},
	{"pattern", NET, set_pattern},
	{"protocol", NET, set_protocol},
	{"size", NET, set_size},
	{"response_size", NET, set_response},
	{"flows", NET, set_flows},
	{"queue", NET, set_queue},
	{"steer", NET, set_steer},
	{"rate_process", BLOCK | NET, set_process},
	{"iodepth", BLOCK, set_iodepth},
	{"depth", NET, set_depth},
	{"rate", BLOCK | NET, set_rate},
};

const struct load_axis *load_axes(size_t *n)
{
	*n = ARRAY_SIZE(axes);
	return axes;
}

bool load_axis_of(const char *key, enum mode_target kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(axes); i++)
		if (!strcmp(axes[i].key, key))
			return axes[i].kinds & (1u << kind);
	return false;
}

void load_start(enum mode_target kind, struct experiment_load *load)
{
	*load = (struct experiment_load){
		.kind = kind,
		.rw = "randread",
		.bs = 4096,
		.iodepth = 1,
		.numjobs = 1,
		.rwmixread = 50,
		.pattern = "pingpong",
		.protocol = "udp",
		.request_bytes = 16,
		.response_bytes = RESPONSE_AS_ASKED,
		.depth = 1,
		.flows = 1,
		.queue = -1,
		.poisson = true,
	};
}

int load_finish(struct experiment_load *load, const struct yaml_node *at, struct diag *d)
{
	bool stream = !strcmp(load->pattern, "stream");

	if (load->kind != MODE_NET)
		return 0;
	if (load->response_bytes == RESPONSE_AS_ASKED)
		load->response_bytes = stream ? 0 : load->request_bytes;
	if (load->by_rule && load->queue < 0)
		return yaml_error(at, d, -EINVAL, "steer: rule: to which queue? queue: N says it");
	if (!stream && !load->response_bytes)
		return yaml_error(at, d, -EINVAL,
				  "response_size 0: only pattern: stream has no response");
	if (stream && load->response_bytes)
		return yaml_error(at, d, -EINVAL,
				  "response_size: pattern stream has no response; pattern: rr has");
	if (load->depth > 1 && strcmp(load->pattern, "rr"))
		return yaml_error(at, d, -EINVAL,
				  "depth %llu: pattern %s has one message under way; pattern: rr "
				  "has a depth",
				  (unsigned long long)load->depth, load->pattern);
	if (load->open_loop && stream)
		return yaml_error(at, d, -EINVAL,
				  "rate: arrivals of a stream have no latency; pattern: rr has");
	if (!strcmp(load->protocol, "udp") &&
	    (load->request_bytes > UDP_PAYLOAD_MAX || load->response_bytes > UDP_PAYLOAD_MAX))
		return yaml_error(at, d, -ERANGE, "a UDP message has at most %d bytes",
				  UDP_PAYLOAD_MAX);
	return 0;
}
