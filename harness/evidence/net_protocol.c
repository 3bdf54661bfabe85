// SPDX-License-Identifier: Apache-2.0
/*
 * /proc/net/netstat and /proc/net/snmp of the namespace of each interface. BusyPollRxPackets stands
 * in TcpExt, but counts what busy polling fetched for any protocol and by whatever door
 * (SO_BUSY_POLL, epoll, io_uring; Linux 3.11).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "evidence/net.h"
#include "evidence/source.h"
#include "sys/sys.h"

static const struct field {
	const char *counter, *file, *section, *key;
	bool by_side;
} fields[] = {
	{"busy_poll_rx_packets", "/proc/net/netstat", "TcpExt", "BusyPollRxPackets", true},
	{"tcp_retransmitted_segments", "/proc/net/snmp", "Tcp", "RetransSegs", false},
	{"tcp_timeouts", "/proc/net/netstat", "TcpExt", "TCPTimeouts", false},
	{"udp_rcvbuf_errors", "/proc/net/snmp", "Udp", "RcvbufErrors", false},
	{"udp_sndbuf_errors", "/proc/net/snmp", "Udp", "SndbufErrors", false},
	{"udp_in_errors", "/proc/net/snmp", "Udp", "InErrors", false},
};

struct protocols_sample {
	struct net_end *ends;
	size_t n;
	struct {
		uint64_t value[ARRAY_SIZE(fields)];
		bool has[ARRAY_SIZE(fields)];
	} end[];
};

static void protocols_free(void *sample)
{
	struct protocols_sample *s = sample;

	free(s->ends);
	free(s);
}

static int read_end(struct protocols_sample *s, size_t i, struct diag *d)
{
	static const char *const files[] = {"/proc/net/netstat", "/proc/net/snmp"};
	struct net_end *e = &s->ends[i];

	for (size_t f = 0; f < ARRAY_SIZE(files); f++) {
		_free_ char *text = NULL;
		size_t len;
		int err = sys_read_all(e->inside, files[f], &text, &len);

		if (err)
			return diag_errno(d, err, "%s of %s", files[f], e->instance);
		for (size_t k = 0; k < ARRAY_SIZE(fields); k++)
			if (!strcmp(fields[k].file, files[f]))
				s->end[i].has[k] =
					!text_protocol_field(text, fields[k].section, fields[k].key,
							     &s->end[i].value[k]);
	}
	return 0;
}

static int protocols_sample(const struct evidence_scope *scope, void **sample, struct diag *d)
{
	struct net_end *ends = NULL;
	struct protocols_sample *s;
	size_t n = 0;
	int err = net_ends(scope, &ends, &n, d);

	if (err)
		return err;
	s = calloc(1, sizeof(*s) + n * sizeof(s->end[0]));
	if (!s) {
		free(ends);
		return diag_errno(d, -ENOMEM, "protocol counters");
	}
	s->ends = ends;
	s->n = n;
	for (size_t i = 0; !err && i < n; i++)
		err = read_end(s, i, d);
	if (err)
		protocols_free(s);
	else
		*sample = s;
	return err;
}

static int protocols_difference(const struct evidence_scope *scope, const void *b, const void *a,
				json_t *result, struct diag *d)
{
	const struct protocols_sample *before = b, *after = a;
	_free_ uint64_t *value = calloc(after->n, sizeof(*value));

	if (!value)
		return diag_errno(d, -ENOMEM, "protocol counters");
	for (size_t k = 0; k < ARRAY_SIZE(fields); k++) {
		bool has = true;

		for (size_t i = 0; i < after->n; i++) {
			has &= before->end[i].has[k] && after->end[i].has[k];
			value[i] = evidence_delta(before->end[i].value[k], after->end[i].value[k]);
		}
		if (has)
			net_put(result, fields[k].counter, after->ends, after->n, value,
				fields[k].by_side);
		else
			net_absent(result, fields[k].counter, fields[k].by_side,
				   "%s of this kernel has no %s %s", fields[k].file,
				   fields[k].section, fields[k].key);
	}
	return 0;
}

const struct evidence_source evidence_net_protocols = {
	.name = "net_protocols",
	.doc = "TcpExt, Tcp and Udp counters of the namespaces of the target's interfaces",
	.sample = protocols_sample,
	.difference = protocols_difference,
	.free = protocols_free,
};
