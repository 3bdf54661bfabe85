/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers into a record's "metrics". Internal to adapter/. */
#pragma once
#include <jansson.h>

struct hist;

/* A finite value under `name`; what is not finite is left out, not made 0. */
void metrics_put(json_t *object, const char *name, double value);
/* Mean, maximum and every percentile metric of the family `prefix` ("latency_", "rtt_") that the
 * sample supports, up to quantile `most`. Nothing of an empty histogram. */
void metrics_put_hist(json_t *metrics, const char *prefix, const struct hist *h, double most);
