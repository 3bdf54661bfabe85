// SPDX-License-Identifier: Apache-2.0
/*
 * What the interfaces counted: /sys/class/net/DEV/statistics (rtnl_link_stats64), and for the
 * detail each queue, where the driver tells (net_queue.c). Packets are those of the driver, before
 * GRO joins them and after segmentation, so they divide interrupts and polls.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "evidence/net.h"
#include "evidence/net_queue.h"
#include "evidence/source.h"
#include "sys/sys.h"

enum {
	RX_PACKETS,
	TX_PACKETS,
	RX_BYTES,
	TX_BYTES,
	RX_DROPPED,
	TX_DROPPED,
	RX_MISSED,
	RX_ERRORS,
	TX_ERRORS,
	LINK_CHANGES,
	FIELDS
};

static const char *const field_names[FIELDS] = {
	[RX_PACKETS] = "rx_packets",	  [TX_PACKETS] = "tx_packets",
	[RX_BYTES] = "rx_bytes",	  [TX_BYTES] = "tx_bytes",
	[RX_DROPPED] = "rx_dropped",	  [TX_DROPPED] = "tx_dropped",
	[RX_MISSED] = "rx_missed_errors", [RX_ERRORS] = "rx_errors",
	[TX_ERRORS] = "tx_errors",	  [LINK_CHANGES] = "carrier_changes",
};

struct devices_sample {
	struct net_end *ends;
	size_t n;
	struct device {
		uint64_t field[FIELDS];
		struct queue_counts *queues; /* NULL: `why` */
		struct diag why;
	} device[];
};

static void devices_free(void *sample)
{
	struct devices_sample *s = sample;

	for (size_t i = 0; s && i < s->n; i++)
		queue_counts_free(s->device[i].queues);
	if (s)
		free(s->ends);
	free(s);
}

static int read_device(const struct net_end *e, struct device *dev, struct diag *d)
{
	for (int f = 0; f < FIELDS; f++) {
		int64_t value;
		/* Linux 3.15 */
		const char *dir = f == LINK_CHANGES ? "" : "statistics/";
		int err = sys_readf_i64(e->inside, &value, "/sys/class/net/%s/%s%s", e->dev, dir,
					field_names[f]);

		if (err)
			return diag_errno(d, err, "%s: %s%s", e->instance, dir, field_names[f]);
		dev->field[f] = (uint64_t)value;
	}
	queue_counts_read(e, &dev->queues, &dev->why);
	return 0;
}

static int devices_sample(const struct evidence_scope *scope, void **sample, struct diag *d)
{
	struct net_end *ends = NULL;
	struct devices_sample *s;
	size_t n = 0;
	int err = net_ends(scope, &ends, &n, d);

	if (err)
		return err;
	s = calloc(1, sizeof(*s) + n * sizeof(s->device[0]));
	if (!s) {
		free(ends);
		return diag_errno(d, -ENOMEM, "interfaces");
	}
	s->ends = ends;
	s->n = n;
	for (size_t i = 0; !err && i < n; i++)
		err = read_device(&ends[i], &s->device[i], d);
	if (err)
		devices_free(s);
	else
		*sample = s;
	return err;
}

static void put_sum(json_t *result, const char *name, const struct devices_sample *before,
		    const struct devices_sample *after, const int *fields, size_t n_fields,
		    bool by_side)
{
	_free_ uint64_t *value = calloc(after->n, sizeof(*value));

	for (size_t i = 0; value && i < after->n; i++)
		for (size_t f = 0; f < n_fields; f++)
			value[i] += evidence_delta(before->device[i].field[fields[f]],
						   after->device[i].field[fields[f]]);
	if (value)
		net_put(result, name, after->ends, after->n, value, by_side);
}

static json_t *device_json(const struct device *x, const struct device *y)
{
	json_t *j = json_object();

	for (int f = 0; f < FIELDS; f++)
		json_object_set_new(
			j, field_names[f],
			json_integer((json_int_t)evidence_delta(x->field[f], y->field[f])));
	if (x->queues && y->queues)
		json_object_set_new(j, "queues", queue_counts_json(x->queues, y->queues));
	else
		json_object_set_new(j, "queues_absent",
				    json_string(x->queues ? y->why.text : x->why.text));
	return j;
}

static int devices_difference(const struct evidence_scope *scope, const void *b, const void *a,
			      json_t *result, struct diag *d)
{
	static const struct {
		const char *name;
		bool by_side;
		size_t n;
		int field[3];
	} sums[] = {
		{"net_rx_packets", true, 1, {RX_PACKETS}},
		{"net_tx_packets", false, 1, {TX_PACKETS}},
		{"net_rx_bytes", false, 1, {RX_BYTES}},
		{"net_drops", false, 3, {RX_DROPPED, TX_DROPPED, RX_MISSED}},
		{"net_errors", false, 2, {RX_ERRORS, TX_ERRORS}},
		{"net_link_changes", false, 1, {LINK_CHANGES}},
	};
	const struct devices_sample *before = b, *after = a;
	json_t *detail = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(sums); i++)
		put_sum(result, sums[i].name, before, after, sums[i].field, sums[i].n,
			sums[i].by_side);
	for (size_t i = 0; i < after->n; i++)
		json_object_set_new(detail, after->ends[i].instance,
				    device_json(&before->device[i], &after->device[i]));
	evidence_detail(result, "net_devices", detail);
	return 0;
}

const struct evidence_source evidence_net_devices = {
	.name = "net_devices",
	.doc = "/sys/class/net/DEV/statistics of the target's interfaces, and of their queues",
	.sample = devices_sample,
	.difference = devices_difference,
	.free = devices_free,
};
