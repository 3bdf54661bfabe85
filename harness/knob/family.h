/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the families share; not for users of the layer. */
#pragma once
#include <stddef.h>
#include "base/diag.h"
#include "knob/knob.h"
#include "sys/sys.h"

struct knob_family {
	const struct knob *rows;
	size_t n;
};

extern const struct knob_family knob_family_block, knob_family_irq, knob_family_irqbalance,
	knob_family_cpu, knob_family_sysctl, knob_family_nvme, knob_family_memory,
	knob_family_poll_queues, knob_family_net_coalesce, knob_family_net_channels,
	knob_family_net_features, knob_family_net_napi, knob_family_net_napi_thread,
	knob_family_net_queue, knob_family_net_rss, knob_family_net_rule;

/* The generic get and set of rows with a path, and the variant for files that show every choice and
 * put the one in force in brackets. */
int knob_get_path(struct sys *s, const struct knob *k, const char *instance, char *value,
		  struct diag *d);
int knob_set_path(struct sys *s, const struct knob *k, const char *instance, const char *value,
		  struct diag *d);
int knob_get_bracket(struct sys *s, const struct knob *k, const char *instance, char *value,
		     struct diag *d);
bool knob_same_text(const char *want, const char *got);
/* Is each word of `want` in `got`? A partial list is a wish for those alone. */
bool knob_same_words(const char *want, const char *got);

/* "block.scheduler of vda" for messages; returns `out`. */
#define KNOB_LABEL_MAX (64 + KNOB_INSTANCE_MAX)
const char *knob_label(const struct knob *k, const char *instance, char *out);

/* A growing list of names, turned into the one allocation that callers get. */
struct names {
	char **item;
	size_t n;
	int err; /* -ENOMEM once an addition failed */
};
void names_add(struct names *names, const char *name);
/* Frees the list; *out is NULL-terminated, one allocation. */
int names_finish(struct names *names, char ***out);
