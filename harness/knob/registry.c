// SPDX-License-Identifier: Apache-2.0
/* Every family of knobs, once. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "knob/family.h"

static const struct knob_family *const families[] = {
	&knob_family_block,	   &knob_family_irq,
	&knob_family_irqbalance,   &knob_family_cpu,
	&knob_family_sysctl,	   &knob_family_nvme,
	&knob_family_memory,	   &knob_family_poll_queues,
	&knob_family_net_coalesce, &knob_family_net_channels,
	&knob_family_net_features, &knob_family_net_napi,
	&knob_family_net_queue,	   &knob_family_net_rss,
	&knob_family_net_rule,	   &knob_family_net_napi_thread,
};

#define KNOBS_MAX 192
static struct knob rows[KNOBS_MAX];
static const struct knob *sorted[KNOBS_MAX];
static size_t count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int compare(const void *a, const void *b)
{
	return strcmp((*(const struct knob *const *)a)->name,
		      (*(const struct knob *const *)b)->name);
}

static void fill(void)
{
	for (size_t f = 0; f < ARRAY_SIZE(families); f++)
		for (size_t i = 0; i < families[f]->n && count < KNOBS_MAX; i++) {
			struct knob *k = &rows[count];

			*k = families[f]->rows[i];
			if (!k->get)
				k->get = knob_get_path;
			if (!k->set)
				k->set = knob_set_path;
			if (!k->same)
				k->same = knob_same_text;
			if (!k->unit)
				k->unit = "";
			if (!k->since)
				k->since = "";
			sorted[count++] = k;
		}
	qsort(sorted, count, sizeof(sorted[0]), compare);
}

const struct knob *const *knob_all(size_t *n)
{
	pthread_once(&once, fill);
	*n = count;
	return sorted;
}

const struct knob *knob_find(const char *name)
{
	size_t n;
	const struct knob *const *all = knob_all(&n);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	return NULL;
}
