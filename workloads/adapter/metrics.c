// SPDX-License-Identifier: Apache-2.0
#include "adapter/metrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "record/hist.h"
#include "record/metric.h"

void metrics_put(json_t *object, const char *name, double value)
{
	if (isfinite(value))
		json_object_set_new(object, name, json_real(value));
}

void metrics_put_hist(json_t *metrics, const char *prefix, const struct hist *h, double most)
{
	char name[64];
	size_t n;
	const struct metric *all = metric_all(&n);

	if (!h->count)
		return;
	for (size_t i = 0; i < n; i++)
		if (!strncmp(all[i].name, prefix, strlen(prefix)) && all[i].quantile > 0 &&
		    all[i].quantile <= most && hist_supports(h->count, all[i].quantile))
			metrics_put(metrics, all[i].name, hist_quantile(h, all[i].quantile));
	snprintf(name, sizeof(name), "%smean_ns", prefix);
	metrics_put(metrics, name, hist_mean(h));
	snprintf(name, sizeof(name), "%smax_ns", prefix);
	if (metric_find(name))
		metrics_put(metrics, name, (double)h->max_ns);
}
