/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the flows of a run and placing them, client's and server's half. */
#pragma once
#include "flow.h"
#include "wire.h"

/* Where the flows are wanted: 0 and -1: anywhere. */
struct wanted {
	uint32_t napi_id, server_napi_id;
	int cpu, server_cpu;
};

/* Connect to the server's control port: a descriptor, or -errno. */
int place_connect(const struct address *server, const struct stops *s, struct diag *d);
/* Client: open flow `f` (its index is set), try source ports until it arrives where it is wanted,
 * else say what was seen. f->placed, *theirs: where it arrives at either end. */
int place_flow(struct wire *w, const struct stops *s, const struct options *o,
	       const struct address *server, struct flow *f, struct placement *theirs,
	       struct diag *d);
struct wanted place_wanted(const struct options *o);
bool place_fits(const struct wanted *want, const struct placement *client,
		const struct placement *server);
struct placement placement_from_json(const json_t *j);

/* Server: answer {"cmd": "flow"}: make the socket, let the client's data come, tell where it came
 * in. `listener` takes TCP connections; `address` is the one served. */
int place_accept(struct wire *w, const struct stops *s, const struct load *l, int listener,
		 const struct address *address, const json_t *asked, struct flow *f,
		 struct diag *d);
