// SPDX-License-Identifier: Apache-2.0
/* /sys/block/DISK/stat (Documentation/block/stat.rst). A disk whose iostats are off shows numbers
 * that stand still: that is absent, not 0. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "evidence/source.h"
#include "sys/sys.h"

enum {
	READS,
	READ_MERGES,
	READ_SECTORS,
	READ_MS,
	WRITES,
	WRITE_MERGES,
	WRITE_SECTORS,
	WRITE_MS,
	IN_FLIGHT,
	IO_MS,
	QUEUE_MS,
	DISCARDS, /* Linux 4.18; they interrupt like any other request */
	DISCARD_MERGES,
	DISCARD_SECTORS,
	DISCARD_MS,
	FLUSHES, /* Linux 5.5 */
	FLUSH_MS,
	FIELDS
};

static const char *const field_names[FIELDS] = {
	[READS] = "reads",
	[READ_MERGES] = "read_merges",
	[READ_SECTORS] = "read_sectors",
	[READ_MS] = "read_ms",
	[WRITES] = "writes",
	[WRITE_MERGES] = "write_merges",
	[WRITE_SECTORS] = "write_sectors",
	[WRITE_MS] = "write_ms",
	[IN_FLIGHT] = "in_flight",
	[IO_MS] = "io_ms",
	[QUEUE_MS] = "queue_ms",
	[DISCARDS] = "discards",
	[DISCARD_MERGES] = "discard_merges",
	[DISCARD_SECTORS] = "discard_sectors",
	[DISCARD_MS] = "discard_ms",
	[FLUSHES] = "flushes",
	[FLUSH_MS] = "flush_ms",
};

struct disks_sample {
	size_t n;
	uint64_t field[][FIELDS]; /* in the order of scope->disks */
};

static int disks_sample(const struct evidence_scope *scope, void **sample, struct diag *d)
{
	_free_ struct disks_sample *s =
		calloc(1, sizeof(*s) + scope->n_disks * sizeof(s->field[0]));

	if (!s)
		return diag_errno(d, -ENOMEM, "disks");
	if (!scope->n_disks)
		return diag_set(d, -ENODATA, "the target has no disk");
	for (s->n = 0; s->n < scope->n_disks; s->n++) {
		const char *disk = scope->disks[s->n];
		char text[512];
		int64_t on;
		int err;

		if (!sys_readf_i64(scope->sys, &on, "/sys/block/%s/queue/iostats", disk) && !on)
			return diag_set(d, -ENODATA, "%s does not count: queue/iostats is 0", disk);
		err = sys_readf(scope->sys, text, sizeof(text), "/sys/block/%s/stat", disk);
		if (err)
			return diag_errno(d, err, "/sys/block/%s/stat", disk);
		if (text_numbers(text, s->field[s->n], FIELDS) < FIELDS)
			return diag_set(d, -ENODATA, "/sys/block/%s/stat: not its format", disk);
	}
	*sample = s;
	s = NULL;
	return 0;
}

static int disks_difference(const struct evidence_scope *scope, const void *b, const void *a,
			    json_t *result, struct diag *d)
{
	const struct disks_sample *before = b, *after = a;
	uint64_t reads = 0, writes = 0, sectors = 0, other = 0, merges = 0;
	json_t *detail = json_object();

	for (size_t i = 0; i < after->n; i++) {
		const uint64_t *x = before->field[i], *y = after->field[i];
		json_t *disk = json_object();

		for (int f = 0; f < FIELDS; f++) {
			uint64_t v = f == IN_FLIGHT ? y[f] : evidence_delta(x[f], y[f]);

			json_object_set_new(disk, field_names[f], json_integer((json_int_t)v));
		}
		json_object_set_new(disk, "in_flight_before",
				    json_integer((json_int_t)x[IN_FLIGHT]));
		json_object_set_new(detail, scope->disks[i], disk);
		reads += evidence_delta(x[READS], y[READS]);
		other += evidence_delta(x[DISCARDS], y[DISCARDS]) +
			 evidence_delta(x[FLUSHES], y[FLUSHES]);
		writes += evidence_delta(x[WRITES], y[WRITES]);
		merges += evidence_delta(x[READ_MERGES], y[READ_MERGES]) +
			  evidence_delta(x[WRITE_MERGES], y[WRITE_MERGES]);
		sectors += evidence_delta(x[READ_SECTORS], y[READ_SECTORS]) +
			   evidence_delta(x[WRITE_SECTORS], y[WRITE_SECTORS]);
	}
	evidence_put(result, "device_reads", reads);
	evidence_put(result, "device_writes", writes);
	evidence_put(result, "device_ios", reads + writes);
	evidence_put(result, "device_merges", merges);
	evidence_put(result, "device_bytes", sectors * 512); /* whatever the logical block size */
	evidence_put(result, "device_other_ios", other);
	evidence_detail(result, "disks", detail);
	return 0;
}

const struct evidence_source evidence_disks = {
	.name = "disks",
	.doc = "/sys/block/DISK/stat of the target's disks",
	.sample = disks_sample,
	.difference = disks_difference,
	.free = free,
};
