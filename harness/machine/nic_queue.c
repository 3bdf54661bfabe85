// SPDX-License-Identifier: Apache-2.0
/*
 * Queues and NAPI instances, and which belongs to which vector. The kernel tells by family "netdev"
 * (Linux 6.8: NAPI_GET, QUEUE_GET), as far as the driver does: virtio_net 6.18 has napi-id of
 * receive queues only and no irq, veth no napi-id of queues. Where it does not, drivers' names for
 * their vectors do.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "machine/nic_private.h"
#include "sys/genl.h"

/* Documentation/netlink/specs/netdev.yaml; younger than the headers we build with. */
enum { QUEUE_GET = 10, QUEUE_ID = 1, QUEUE_IFINDEX = 2, QUEUE_TYPE = 3, QUEUE_NAPI_ID = 4 };
enum { NAPI_GET = 11, NAPI_IFINDEX = 1, NAPI_ID = 2, NAPI_IRQ = 3, NAPI_PID = 4 };
enum { NAPI_DEFER = 5, NAPI_FLUSH = 6, NAPI_SUSPEND = 7, NAPI_THREADED = 8 };

#define SYSFS_QUEUE "/sys/class/net/%s/queues/%s/%s"

static const char by_netlink[] = "netdev netlink", by_name[] = "name", only[] = "only vector",
		  none[] = "no interrupts", not_known[] = "not known";

/* "00000000,0000000f", most significant word first (lib/bitmap.c, %*pb). */
static int parse_mask(const char *text, struct cpulist *cpus)
{
	unsigned base = 0;
	size_t len = strlen(text);
	int err = 0;

	while (!err && len) {
		size_t start = len;
		unsigned long word;

		while (start && text[start - 1] != ',')
			start--;
		word = strtoul(text + start, NULL, 16);
		for (unsigned bit = 0; !err && bit < 32; bit++)
			if (word & 1ul << bit)
				err = cpulist_add(cpus, base + bit);
		base += 32;
		len = start ? start - 1 : 0;
	}
	return err;
}

static int read_mask(struct sys *s, const char *dev, const char *queue, const char *file,
		     struct cpulist *cpus)
{
	char text[4096];

	/* a driver with one queue has no xps_cpus, a kernel without CONFIG_RPS no rps_cpus */
	return sys_readf(s, text, sizeof(text), SYSFS_QUEUE, dev, queue, file)
		       ? 0
		       : parse_mask(text, cpus);
}

static int add_queue(struct sys *s, struct machine_nic *nic, const char *name, bool rx)
{
	struct machine_nic_queue *q = &nic->queues[nic->n_queues];
	int64_t flows;

	*q = (struct machine_nic_queue){.rx = rx,
					.index = (unsigned)strtoul(name + 3, NULL, 10),
					.napi = -1,
					.vector = -1,
					.vector_how = nic->n_vectors ? not_known : none};
	nic->n_queues++;
	if (!rx)
		return read_mask(s, nic->name, name, "xps_cpus", &q->xps_cpus);
	if (!sys_readf_i64(s, &flows, SYSFS_QUEUE, nic->name, name, "rps_flow_cnt") && flows > 0)
		q->rps_flow_cnt = (unsigned)flows;
	return read_mask(s, nic->name, name, "rps_cpus", &q->rps_cpus);
}

static int list_queues(struct sys *s, struct machine_nic *nic)
{
	_free_ char **names = NULL;
	char path[64];
	size_t n = 0;
	int err = 0;

	snprintf(path, sizeof(path), "/sys/class/net/%s/queues", nic->name);
	if (sys_list(s, path, &names))
		return 0;
	while (names[n])
		n++;
	nic->queues = calloc(n ? n : 1, sizeof(*nic->queues));
	if (!nic->queues)
		return -ENOMEM;
	for (int tx = 0; tx < 2; tx++)
		for (size_t i = 0; !err && i < n; i++)
			if (!strncmp(names[i], tx ? "tx-" : "rx-", 3))
				err = add_queue(s, nic, names[i], !tx);
	return err;
}

/* All objects of the interface. 0 also when the kernel has none of that kind. */
static int dump(struct sys *s, uint8_t cmd, uint16_t ifindex_type, unsigned ifindex,
		struct genl_replies *replies, char *words, size_t size)
{
	struct genl_request r;
	int err;

	genl_request_init(&r, "netdev", cmd, GENL_DUMP);
	genl_put_u32(&r, ifindex_type, ifindex);
	err = sys_genl(s, &r, replies, words, size);
	genl_request_free(&r);
	return err;
}

static int64_t number(const struct genl_reply *r, uint16_t type, int64_t otherwise)
{
	uint64_t value;

	return genl_find_uint(r->attrs, r->len, type, &value) ? otherwise : (int64_t)value;
}

static int vector_of_irq(const struct machine_nic *nic, int64_t irq)
{
	for (size_t i = 0; irq >= 0 && i < nic->n_vectors; i++)
		if (nic->vectors[i].irq == irq)
			return (int)i;
	return -1;
}

static int compare_napis(const void *a, const void *b)
{
	unsigned x = ((const struct machine_napi *)a)->id, y = ((const struct machine_napi *)b)->id;

	return (x > y) - (x < y);
}

static int read_napis(struct sys *s, struct machine_nic *nic)
{
	struct genl_replies replies;
	char words[80];
	int err = dump(s, NAPI_GET, NAPI_IFINDEX, nic->ifindex, &replies, words, sizeof(words));

	nic->napis_told = !err;
	if (err)
		snprintf(nic->napis_why, sizeof(nic->napis_why), "%s",
			 err == -ENOENT || err == -EOPNOTSUPP
				 ? "the kernel tells no NAPI instances before Linux 6.8"
			 : *words ? words
				  : strerror(-err));
	else
		nic->napis = calloc(replies.n ? replies.n : 1, sizeof(*nic->napis));
	for (size_t i = 0; nic->napis && i < replies.n; i++) {
		const struct genl_reply *r = &replies.reply[i];

		nic->napis[nic->n_napis++] = (struct machine_napi){
			.id = (unsigned)number(r, NAPI_ID, 0),
			.vector = vector_of_irq(nic, number(r, NAPI_IRQ, -1)),
			.pid = (int)number(r, NAPI_PID, 0),
			.defer_hard_irqs = number(r, NAPI_DEFER, -1),
			.gro_flush_timeout_ns = number(r, NAPI_FLUSH, -1),
			.irq_suspend_timeout_ns = number(r, NAPI_SUSPEND, -1),
			.threaded = (int)number(r, NAPI_THREADED, -1),
		};
	}
	if (nic->n_napis)
		qsort(nic->napis, nic->n_napis, sizeof(*nic->napis), compare_napis);
	for (size_t i = 0; i < nic->n_napis; i++)
		nic->napis[i].index = (unsigned)i;
	if (!err && !nic->n_napis)
		snprintf(nic->napis_why, sizeof(nic->napis_why), "%s",
			 nic->up ? "the driver has no NAPI instance now" : "the interface is down");
	genl_replies_free(&replies);
	return err == -ENOMEM || (!err && !nic->napis) ? -ENOMEM : 0;
}

static int napi_of_id(const struct machine_nic *nic, int64_t id)
{
	for (size_t i = 0; i < nic->n_napis; i++)
		if (nic->napis[i].id == id)
			return (int)i;
	return -1;
}

static int match_napis(struct sys *s, struct machine_nic *nic)
{
	struct genl_replies replies;
	char words[80];
	int err = dump(s, QUEUE_GET, QUEUE_IFINDEX, nic->ifindex, &replies, words, sizeof(words));

	for (size_t i = 0; !err && i < replies.n; i++) {
		const struct genl_reply *r = &replies.reply[i];
		bool rx = number(r, QUEUE_TYPE, 0) == 0;

		for (size_t k = 0; k < nic->n_queues; k++) {
			struct machine_nic_queue *q = &nic->queues[k];

			if (q->rx == rx && q->index == number(r, QUEUE_ID, -1))
				q->napi = napi_of_id(nic, number(r, QUEUE_NAPI_ID, -1));
		}
	}
	genl_replies_free(&replies);
	return err == -ENOMEM ? err : 0;
}

/* The number in the name of vector `v`, if it serves queues of this direction. */
static bool vector_serves(const struct machine_vector *v, bool rx, unsigned *number_of)
{
	for (const char *p = v->name; p; p = strstr(p, ", "), p = p ? p + 2 : NULL) {
		bool for_rx, for_tx;

		if (nic_parse_action(p, &for_rx, &for_tx, number_of) && (rx ? for_rx : for_tx))
			return true;
	}
	return false;
}

/* Some drivers count from 1. */
static unsigned first_number(const struct machine_nic *nic, bool rx)
{
	unsigned lowest = 2, n;

	for (size_t i = 0; i < nic->n_vectors; i++)
		if (vector_serves(&nic->vectors[i], rx, &n) && n < lowest)
			lowest = n;
	return lowest == 1;
}

/* The one vector that could serve packets, and whose name says nothing of queues. */
static int only_vector(const struct machine_nic *nic)
{
	int found = -1;
	unsigned n;

	for (size_t i = 0; i < nic->n_vectors; i++) {
		const char *name = nic->vectors[i].name;

		if (!*name || nic_is_event_action(name))
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found >= 0 && !vector_serves(&nic->vectors[found], true, &n) &&
			       !vector_serves(&nic->vectors[found], false, &n)
		       ? found
		       : -1;
}

static void match_by_name(const struct machine_nic *nic, struct machine_nic_queue *q)
{
	unsigned base = first_number(nic, q->rx), n;

	for (size_t i = 0; i < nic->n_vectors; i++)
		if (vector_serves(&nic->vectors[i], q->rx, &n) && n - base == q->index) {
			q->vector = (int)i;
			q->vector_how = by_name;
			return;
		}
	q->vector = only_vector(nic);
	if (q->vector >= 0)
		q->vector_how = only;
}

int nic_read_queues(struct sys *s, struct machine_nic *nic)
{
	int err = list_queues(s, nic);

	if (!err)
		err = read_napis(s, nic);
	if (!err && nic->n_napis)
		err = match_napis(s, nic);
	for (size_t i = 0; !err && i < nic->n_queues; i++) {
		struct machine_nic_queue *q = &nic->queues[i];

		if (q->napi >= 0 && nic->napis[q->napi].vector >= 0) {
			q->vector = nic->napis[q->napi].vector;
			q->vector_how = by_netlink;
		} else {
			match_by_name(nic, q);
		}
	}
	/* a NAPI without irq has the vector of its queue */
	for (size_t i = 0; !err && i < nic->n_queues; i++) {
		const struct machine_nic_queue *q = &nic->queues[i];

		if (q->napi >= 0 && nic->napis[q->napi].vector < 0)
			nic->napis[q->napi].vector = q->vector;
	}
	return err;
}
