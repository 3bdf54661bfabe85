/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <jansson.h>

#include "side.h"

/* What the client knows beside its own side. */
struct outcome {
	const json_t *server;	  /* the server's report */
	uint64_t control_packets; /* of the control connection, both ways, within the window */
};

/* The result, one object. New reference; NULL on lack of memory. */
json_t *report_result(const struct side *s, const struct outcome *o);
