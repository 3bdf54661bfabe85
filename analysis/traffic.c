// SPDX-License-Identifier: Apache-2.0
#include "analysis/traffic.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/jsonio.h"

#define SECTOR_BYTES  512 /* of /sys/block/DISK/stat, whatever the logical block size */
#define FOREIGN_SHARE 1.02
#define FOREIGN_IOS   2 /* a handful in a short window is nobody's load */

static const char *const members[] = {[TRAFFIC_READ] = "read", [TRAFFIC_WRITE] = "write"};

const char *traffic_name(int direction)
{
	static const char *const names[] = {"reads", "writes", "I/Os"};

	return names[direction];
}

static double or_zero(double value)
{
	return isnan(value) ? 0 : value;
}

/* Where ioloop's report has it, else where fio's has. */
static double reported(const json_t *trial, const char *direction, const char *what)
{
	char path[64];
	double value;

	snprintf(path, sizeof(path), "workload_report.%s.%s", direction, what);
	value = jsonio_number(trial, path);
	if (!isnan(value))
		return value;
	snprintf(path, sizeof(path), "workload_report.directions.%s.%s", direction, what);
	return jsonio_number(trial, path);
}

static void read_work(const json_t *trial, struct traffic *t)
{
	double io = jsonio_number(trial, "counts.io");
	double size = jsonio_number(trial, "counts.bytes") / io;
	const char *rw = jsonio_string(trial, "load.rw", "");

	t->work[TRAFFIC_ALL].ios = jsonio_number(trial, "evidence.counts.io");
	if (isnan(t->work[TRAFFIC_ALL].ios))
		t->work[TRAFFIC_ALL].ios = io;
	/* a warm-up of fio's is of the same size; a user's job file has none */
	t->work[TRAFFIC_ALL].bytes = t->work[TRAFFIC_ALL].ios * size;
	for (int i = 0; i < TRAFFIC_ALL; i++) {
		t->work[i].ios = reported(trial, members[i], "ios");
		t->work[i].bytes = reported(trial, members[i], "bytes");
		if (!strcmp(rw, members[i]) ||
		    (!strncmp(rw, "rand", 4) && !strcmp(rw + 4, members[i])))
			t->work[i] = t->work[TRAFFIC_ALL];
	}
}

static double disks_sum(const json_t *disks, const char *direction, const char *what)
{
	const char *name;
	json_t *disk;
	double sum = json_object_size(disks) ? 0 : NAN;
	char member[32];

	snprintf(member, sizeof(member), "%s%s", direction, what);
	json_object_foreach ((json_t *)disks, name, disk)
		sum += jsonio_number(disk, member);
	return sum;
}

static void read_device(const json_t *trial, struct traffic *t)
{
	const json_t *disks = jsonio_at(trial, "evidence.detail.disks");
	double merged = jsonio_number(trial, "evidence.counters.device_merges");

	t->merges = !isnan(merged);
	t->device[TRAFFIC_ALL].ios =
		jsonio_number(trial, "evidence.counters.device_ios") + or_zero(merged);
	t->device[TRAFFIC_ALL].bytes = jsonio_number(trial, "evidence.counters.device_bytes");
	for (int i = 0; i < TRAFFIC_ALL; i++) {
		t->device[i].ios = disks_sum(disks, members[i], "s") +
				   or_zero(disks_sum(disks, members[i], "_merges"));
		t->device[i].bytes = disks_sum(disks, members[i], "_sectors") * SECTOR_BYTES;
	}
}

void traffic_of(const json_t *trial, struct traffic *t)
{
	read_work(trial, t);
	read_device(trial, t);
}

bool traffic_is_foreign(const json_t *trial)
{
	struct traffic t;
	double few;

	traffic_of(trial, &t);
	few = FOREIGN_IOS * t.work[TRAFFIC_ALL].bytes / t.work[TRAFFIC_ALL].ios;
	if (isfinite(t.device[TRAFFIC_ALL].bytes) && isfinite(few))
		return t.device[TRAFFIC_ALL].bytes >
		       FOREIGN_SHARE * t.work[TRAFFIC_ALL].bytes + few;
	return t.device[TRAFFIC_ALL].ios > FOREIGN_SHARE * t.work[TRAFFIC_ALL].ios + FOREIGN_IOS;
}
