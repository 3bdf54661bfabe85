// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "load.h"
#include "wait.h"

static const char *const protocol_choices[] = {"tcp", "udp", NULL};
static const char *const pattern_choices[] = {"pingpong", "rr", "stream", NULL};
static const char *const process_choices[] = {"constant", "poisson", NULL};

#define AT(field) offsetof(struct options, field)

static const struct opt common_rows[] = {
	{.name = "port",
	 .type = OPT_U64,
	 .letter = 'p',
	 .offset = AT(port),
	 .max = 65535,
	 .arg = "N",
	 .help = "TCP port of the control connection, and of the flows in their own protocol "
		 "(42424; serve: 0 lets the kernel choose)"},
	{.name = "wait",
	 .type = OPT_STR,
	 .offset = AT(wait_name),
	 .arg = "HOW",
	 .help = "block, epoll, epoll-spin, spin, io_uring or io_uring-napi (run: block; serve: "
		 "as the client says)"},
	{.name = "busy-poll-usecs",
	 .type = OPT_U64,
	 .offset = AT(busy_poll_usecs),
	 .max = INT32_MAX,
	 .arg = "US",
	 .help = "poll the NAPI instance so long before sleeping: SO_BUSY_POLL (block, spin), "
		 "EPIOCSPARAMS (epoll, Linux 6.9), IORING_REGISTER_NAPI (io_uring-napi)"},
	{.name = "prefer-busy-poll",
	 .type = OPT_BOOL,
	 .offset = AT(prefer_busy_poll),
	 .help = "polling comes before interrupts: SO_PREFER_BUSY_POLL (Linux 5.11), or the same "
		 "of epoll and the ring"},
	{.name = "busy-poll-budget",
	 .type = OPT_U64,
	 .offset = AT(busy_poll_budget),
	 .max = UINT16_MAX,
	 .arg = "N",
	 .help = "packets a poll may take: SO_BUSY_POLL_BUDGET, or the same of epoll (kernel: 8)"},
	{.name = "zerocopy",
	 .type = OPT_BOOL,
	 .offset = AT(zerocopy),
	 .help = "send with MSG_ZEROCOPY, and count the completions that were copies after all"},
	{.name = "numjobs",
	 .type = OPT_U64,
	 .offset = AT(numjobs),
	 .min = 1,
	 .max = 256,
	 .arg = "N",
	 .help = "threads; the flows are dealt out to them (run: 1; serve: as the client)"},
	{.name = "cpus-allowed",
	 .alias = "cpus",
	 .type = OPT_STR,
	 .offset = AT(cpus_text),
	 .arg = "LIST",
	 .help = "CPUs of the threads, one for each in turn, as 0-3,8"},
	{.name = "control-fd",
	 .type = OPT_U64,
	 .offset = AT(control_fd),
	 .max = 65535,
	 .arg = "N",
	 .help = "inherited socket on which a harness opens and closes the window; serve says "
		 "\"ready\" there when it listens, and ends when it closes"},
};

static const struct opt run_rows[] = {
	{.name = "server",
	 .type = OPT_STR,
	 .letter = 's',
	 .offset = AT(server),
	 .arg = "ADDRESS",
	 .help = "numeric address that netloop serve was bound to"},
	{.name = "protocol",
	 .type = OPT_CHOICE,
	 .offset = AT(protocol),
	 .choices = protocol_choices,
	 .arg = "NAME",
	 .help = "tcp or udp (tcp)"},
	{.name = "pattern",
	 .type = OPT_CHOICE,
	 .offset = AT(pattern),
	 .choices = pattern_choices,
	 .arg = "NAME",
	 .help = "pingpong: one request at a time; rr: --depth of them; stream: one way "
		 "(pingpong)"},
	{.name = "size",
	 .alias = "request-size",
	 .type = OPT_BYTES,
	 .offset = AT(size),
	 .min = 1,
	 .max = 1u << 24,
	 .arg = "BYTES",
	 .help = "payload of a request or of one send of a stream (16; stream: 16k, UDP 1400)"},
	{.name = "response-size",
	 .type = OPT_BYTES,
	 .offset = AT(response_size),
	 .min = 1,
	 .max = 1u << 24,
	 .arg = "BYTES",
	 .help = "payload of a response (as --size)"},
	{.name = "depth",
	 .alias = "iodepth",
	 .type = OPT_U64,
	 .offset = AT(depth),
	 .min = 1,
	 .max = DEPTH_MAX,
	 .arg = "N",
	 .help = "requests in flight per flow (1)"},
	{.name = "flows",
	 .type = OPT_U64,
	 .offset = AT(flows),
	 .min = 1,
	 .max = FLOWS_MAX,
	 .arg = "N",
	 .help = "connections or UDP socket pairs, over all threads (one per thread)"},
	{.name = "rate",
	 .type = OPT_F64,
	 .offset = AT(rate),
	 .arg = "N",
	 .help = "open loop: so many requests a second over all flows, whatever is answered (0: "
		 "closed loop)"},
	{.name = "rate-process",
	 .type = OPT_CHOICE,
	 .offset = AT(rate_process),
	 .choices = process_choices,
	 .arg = "HOW",
	 .help = "constant or poisson (constant)"},
	{.name = "runtime",
	 .type = OPT_NS,
	 .offset = AT(runtime_ns),
	 .arg = "TIME",
	 .help = "length of the measured window; bare numbers are seconds (1s)"},
	{.name = "ramp-time",
	 .alias = "ramp",
	 .type = OPT_NS,
	 .offset = AT(ramp_ns),
	 .arg = "TIME",
	 .help = "run so long unmeasured first (0)"},
	{.name = "number",
	 .type = OPT_U64,
	 .offset = AT(number),
	 .arg = "N",
	 .help = "end after so many requests per thread (0: no bound)"},
	{.name = "timeout",
	 .type = OPT_NS,
	 .offset = AT(timeout_ns),
	 .min = 1000000,
	 .max = 10000000000,
	 .arg = "TIME",
	 .help = "UDP: a request without response for so long is counted as lost and not sent "
		 "again (200ms)"},
	{.name = "dead-after",
	 .type = OPT_NS,
	 .offset = AT(dead_ns),
	 .min = 100000000,
	 .arg = "TIME",
	 .help = "give up when the server answers nothing at all for so long (3s)"},
	{.name = "napi-id",
	 .type = OPT_U64,
	 .offset = AT(napi_id),
	 .min = 1,
	 .max = UINT32_MAX,
	 .arg = "ID",
	 .help = "place every flow on this NAPI instance of the client's side, by trying source "
		 "ports until SO_INCOMING_NAPI_ID says so"},
	{.name = "server-napi-id",
	 .type = OPT_U64,
	 .offset = AT(server_napi_id),
	 .min = 1,
	 .max = UINT32_MAX,
	 .arg = "ID",
	 .help = "the same of the server's side"},
	{.name = "incoming-cpu",
	 .type = OPT_U64,
	 .offset = AT(incoming_cpu),
	 .max = 65535,
	 .arg = "CPU",
	 .help = "the same by SO_INCOMING_CPU: the CPU that takes the client's packets in"},
	{.name = "server-incoming-cpu",
	 .type = OPT_U64,
	 .offset = AT(server_incoming_cpu),
	 .max = 65535,
	 .arg = "CPU",
	 .help = "the same of the server's side"},
	{.name = "source-port",
	 .type = OPT_U64,
	 .offset = AT(source_port),
	 .min = 1,
	 .max = 65535,
	 .arg = "N",
	 .help = "source port of the first flow, the others follow (the kernel's choice); a flow "
		 "rule may rely on it"},
	{.name = "source-ports",
	 .type = OPT_U64,
	 .offset = AT(source_ports),
	 .min = 1,
	 .max = 4096,
	 .arg = "N",
	 .help = "source ports to try for a flow that must be placed (256; 1 with --source-port)"},
	{.name = "randseed",
	 .type = OPT_U64,
	 .offset = AT(randseed),
	 .arg = "N",
	 .help = "seed of arrivals and payload (1)"},
};

static const struct opt serve_rows[] = {
	{.name = "bind",
	 .type = OPT_STR,
	 .offset = AT(bind),
	 .arg = "ADDRESS",
	 .help = "numeric address to listen on; required, and no wildcard"},
	{.name = "idle-timeout",
	 .type = OPT_NS,
	 .offset = AT(idle_ns),
	 .arg = "TIME",
	 .help = "give up when no client comes, or it says nothing, for so long (60s; 0: never)"},
};

#define TABLE_ROWS (ARRAY_SIZE(common_rows) + ARRAY_SIZE(run_rows))

static const struct options defaults = {
	.port = 42424,
	.protocol = "tcp",
	.pattern = "pingpong",
	.rate_process = "constant",
	.depth = 1,
	.runtime_ns = OPTION_UNSET,
	.timeout_ns = 200000000,
	.dead_ns = 3000000000,
	.randseed = 1,
	.incoming_cpu = OPTION_UNSET,
	.server_incoming_cpu = OPTION_UNSET,
	.control_fd = OPTION_UNSET,
	.idle_ns = 60000000000,
};

static size_t make_table(bool serve, struct opt *table)
{
	const struct opt *more = serve ? serve_rows : run_rows;
	size_t n = serve ? ARRAY_SIZE(serve_rows) : ARRAY_SIZE(run_rows);

	memcpy(table, more, n * sizeof(*table));
	memcpy(table + n, common_rows, sizeof(common_rows));
	return n + ARRAY_SIZE(common_rows);
}

static enum pattern pattern_of(const char *name)
{
	return name[0] == 'p' ? PATTERN_PINGPONG : name[0] == 'r' ? PATTERN_RR : PATTERN_STREAM;
}

static void fill_in(struct options *o)
{
	bool stream = o->pattern[0] == 's';

	if (!o->wait_name)
		o->wait_name = "block";
	if (!o->numjobs)
		o->numjobs = 1;
	if (!o->flows)
		o->flows = o->numjobs;
	if (!o->size)
		o->size = !stream ? 16 : o->protocol[0] == 'u' ? 1400 : 16384;
	if (stream)
		o->response_size = 0;
	else if (!o->response_size)
		o->response_size = o->size;
	if (o->runtime_ns == OPTION_UNSET)
		o->runtime_ns = o->number ? 0 : 1000000000;
	if (!o->source_ports)
		o->source_ports = o->source_port ? 1 : 256;
}

static int check_run(const struct options *o, struct diag *d)
{
	if (!o->server)
		return diag_set(d, -EINVAL,
				"--server is missing: the address netloop serve was "
				"bound to");
	if (!o->runtime_ns && !o->number)
		return diag_set(d, -EINVAL, "--runtime 0 needs --number");
	if (o->rate < 0)
		return diag_set(d, -EINVAL, "--rate %g is below 0", o->rate);
	if (o->number && o->pattern[0] == 's' && o->rate > 0)
		return diag_set(d, -EINVAL, "--number does not go with a stream of a given rate");
	if (o->source_port && o->source_port + (o->flows - 1) + (o->source_ports - 1) > 65535)
		return diag_set(d, -EINVAL,
				"--source-port %llu: %llu flows and %llu tries go beyond 65535",
				(unsigned long long)o->source_port, (unsigned long long)o->flows,
				(unsigned long long)o->source_ports);
	return 0;
}

static int resolve_run(struct options *o, struct diag *d)
{
	int err;

	if (o->pattern[0] == 's' && o->response_size)
		return diag_set(d, -EINVAL, "--response-size: a stream has no responses");
	fill_in(o);
	err = check_run(o, d);
	if (err)
		return err;
	o->load = (struct load){
		.tcp = o->protocol[0] == 't',
		.pattern = pattern_of(o->pattern),
		.size = (uint32_t)o->size,
		.response_size = (uint32_t)o->response_size,
		.depth = (uint32_t)o->depth,
		.flows = (uint32_t)o->flows,
		.jobs = (uint32_t)o->numjobs,
		.timeout_ns = o->timeout_ns,
		.wait = wait_find(o->wait_name, d),
		.busy_poll_usecs = (uint32_t)o->busy_poll_usecs,
		.busy_poll_budget = (uint16_t)o->busy_poll_budget,
		.prefer_busy_poll = o->prefer_busy_poll,
		.zerocopy = o->zerocopy,
	};
	if (!o->load.wait)
		return -EINVAL;
	err = load_check(&o->load, d);
	if (!err && o->rate > 0 && o->depth > 1 && (o->load.wait->uses & WAIT_BLOCKS))
		err = diag_set(d, -EINVAL,
			       "--wait=%s holds one request a flow at open loop, as it cannot send "
			       "while it waits (--depth 1, or --wait=epoll)",
			       o->wait_name);
	return err;
}

static int resolve_serve(struct options *o, struct diag *d)
{
	if (!o->bind)
		return diag_set(d, -EINVAL, "--bind is missing: the address to listen on");
	if (!o->wait_name &&
	    (o->busy_poll_usecs || o->busy_poll_budget || o->prefer_busy_poll || o->zerocopy))
		return diag_set(d, -EINVAL,
				"the server waits as the client says; options of waiting need "
				"--wait, and then all of them hold instead of the client's");
	if (o->wait_name && !wait_find(o->wait_name, d))
		return -EINVAL;
	return 0;
}

static void print_help(const struct opt *table, size_t n, bool serve)
{
	if (serve)
		fputs("Usage: netloop serve --bind ADDRESS [OPTIONS] < TOKEN\n\n"
		      "The other end of one netloop run: it serves the client that holds the same "
		      "token (one line on\nstandard input), then ends. ",
		      stdout);
	else
		fputs("Usage: netloop run --server ADDRESS [OPTIONS] < TOKEN\n\n"
		      "Round trips or a stream to a netloop serve: one mode of waiting, measured "
		      "for a while, reported\nas one JSON object on standard output. The token of "
		      "the run is one line on standard input. ",
		      stdout);
	fputs("'-' and '_' are\nequal in option names.\n\nOptions (default):\n", stdout);
	opt_help(table, n, stdout);
}

int options_parse(int argc, char **argv, struct options *o, struct diag *d)
{
	struct opt table[TABLE_ROWS];
	bool serve = !strcmp(argv[0], "serve");
	size_t n = make_table(serve, table);
	int first, err;

	*o = defaults;
	o->serve = serve;
	err = opt_parse(table, n, o, false, argc, argv, &first, d);
	if (err == 1)
		print_help(table, n, serve);
	if (err)
		return err;
	if (first < argc)
		return diag_set(d, -EINVAL, "'%s' is no option; netloop %s takes no words",
				argv[first], argv[0]);
	err = serve ? resolve_serve(o, d) : resolve_run(o, d);
	if (!err && o->cpus_text && (err = cpulist_parse(o->cpus_text, &o->cpus, d)))
		diag_prefix(d, err, "--cpus-allowed");
	if (!err && o->cpus_text && !o->cpus.n)
		err = diag_set(d, -EINVAL, "--cpus-allowed: the list is empty");
	return err;
}

json_t *options_json(const struct options *o)
{
	struct opt table[TABLE_ROWS];
	size_t n = make_table(o->serve, table);

	return opt_json(table, n, o, OPTION_UNSET);
}
