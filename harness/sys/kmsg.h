/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's log, record by record, from /dev/kmsg (Linux 3.5; Documentation/ABI/testing/
 * dev-kmsg). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kmsg_line {
	unsigned level; /* 0 emergency … 4 warning, 5 notice, 6 info, 7 debug */
	bool user;	/* written by a program, not by the kernel */
	uint64_t time_us;
	char text[240]; /* cut short where it is longer */
};

/* A descriptor behind the newest record, to be closed by the caller; -EPERM for an ordinary user
 * where kernel.dmesg_restrict is set. */
int kmsg_open(void);
/* The next record. 1: *line is one; 0: there is none yet; -EPIPE: records were overwritten before
 * they were read, the next call goes on behind them; else -errno. */
int kmsg_next(int fd, struct kmsg_line *line);
/* One record as read(2) gives it: "4,812,5140900,-;text\n KEY=value\n". -EINVAL. */
int kmsg_parse(const char *text, struct kmsg_line *line);
