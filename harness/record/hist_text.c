// SPDX-License-Identifier: Apache-2.0
/* The canonical text of a histogram added to another, without making its JSON values. */
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "record/hist.h"
#include "record/view.h"

struct cursor {
	const char *p, *end;
};

static bool literal(struct cursor *c, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(c->end - c->p) < len || memcmp(c->p, text, len))
		return false;
	c->p += len;
	return true;
}

static bool whole(struct cursor *c, uint64_t *value)
{
	const char *from = c->p;

	*value = 0;
	while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
		*value = *value * 10 + (uint64_t)(*c->p++ - '0');
	return c->p > from && c->p - from < 19;
}

/* {"123":4,…} */
static bool read_bins(struct cursor *c, struct hist_text *t)
{
	uint64_t mid, n;
	unsigned index;

	if (literal(c, "{}"))
		return true;
	if (!literal(c, "{"))
		return false;
	do {
		if (t->n == HIST_BUCKETS || !literal(c, "\"") || !whole(c, &mid) ||
		    !literal(c, "\":") || !whole(c, &n))
			return false;
		index = hist_index(mid);
		t->used[t->n++] = (uint16_t)index;
		t->hist.bucket[index] += n;
		t->hist.count += n;
		if (hist_mid(index) != mid)
			return false;
	} while (literal(c, ","));
	return literal(c, "}");
}

static bool read_canonical(struct span text, struct hist_text *t)
{
	struct cursor c = {text.at, text.at + text.len};
	struct hist *sums = &t->hist;
	uint64_t bits, count;

	return literal(&c, "{\"bins\":") && read_bins(&c, t) && literal(&c, ",\"bits\":") &&
	       whole(&c, &bits) && bits == HIST_BITS && literal(&c, ",\"count\":") &&
	       whole(&c, &count) && count == sums->count && literal(&c, ",\"max_ns\":") &&
	       whole(&c, &sums->max_ns) && literal(&c, ",\"min_ns\":") &&
	       whole(&c, &sums->min_ns) && literal(&c, ",\"sum_ns\":") &&
	       whole(&c, &sums->sum_ns) && literal(&c, "}") && c.p == c.end;
}

static void clear(struct hist_text *t)
{
	for (size_t i = 0; i < t->n; i++)
		t->hist.bucket[t->used[i]] = 0;
	t->n = 0;
	t->hist.count = t->hist.sum_ns = t->hist.max_ns = 0;
	t->hist.min_ns = UINT64_MAX;
}

int hist_read_text(struct span text, struct hist_text *t, struct diag *d)
{
	_json_ json_t *j = NULL;
	int err;

	clear(t);
	if (!text.at || read_canonical(text, t))
		return 0;
	clear(t);
	j = span_json(text);
	if (!json_is_object(j))
		return 0;
	err = hist_from_json(j, &t->hist, d);
	if (err)
		hist_init(&t->hist);
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		if (t->hist.bucket[i])
			t->used[t->n++] = (uint16_t)i;
	return err;
}

void hist_merge_text(struct hist *into, const struct hist_text *from)
{
	if (!from->hist.count)
		return;
	for (size_t i = 0; i < from->n; i++)
		into->bucket[from->used[i]] += from->hist.bucket[from->used[i]];
	into->count += from->hist.count;
	into->sum_ns += from->hist.sum_ns;
	if (from->hist.min_ns < into->min_ns)
		into->min_ns = from->hist.min_ns;
	if (from->hist.max_ns > into->max_ns)
		into->max_ns = from->hist.max_ns;
}
