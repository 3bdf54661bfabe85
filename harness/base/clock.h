/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* CLOCK_MONOTONIC in nanoseconds. */
static inline uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* For ppoll(2), clock_nanosleep(2) and their like. */
static inline struct timespec clock_timespec(uint64_t ns)
{
	return (struct timespec){(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
}

/* From now until the deadline; 0 when it has passed. */
static inline struct timespec clock_left(uint64_t deadline_ns)
{
	uint64_t now = clock_ns();

	return clock_timespec(deadline_ns > now ? deadline_ns - now : 0);
}

/* Seconds since the epoch of what clock_iso() writes; 0 when it is no such date. */
static inline double clock_from_iso(const char *iso)
{
	struct tm tm = {0};
	double fraction = 0;
	const char *rest = strptime(iso, "%Y-%m-%dT%H:%M:%S", &tm);

	if (!rest)
		return 0;
	if (*rest == '.')
		fraction = strtod(rest, NULL);
	return (double)timegm(&tm) + fraction;
}

/* Wall clock as "2026-01-31T12:34:56.789Z" (ISO 8601, UTC). Returns `out`. */
static inline const char *clock_iso(char out[static 32])
{
	struct timespec ts;
	struct tm tm;
	char date[24];

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, 32, "%s.%03dZ", date, (int)(ts.tv_nsec / 1000000));
	return out;
}
