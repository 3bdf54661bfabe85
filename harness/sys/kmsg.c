// SPDX-License-Identifier: Apache-2.0
#include "sys/kmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RECORD_MAX 8192 /* read(2) fails with EINVAL on a record that does not fit */

int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	if (lseek(fd, 0, SEEK_END) >= 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int kmsg_parse(const char *text, struct kmsg_line *line)
{
	unsigned priority;
	uint64_t sequence;
	const char *body = strchr(text, ';');

	*line = (struct kmsg_line){0};
	if (!body ||
	    sscanf(text, "%u,%" SCNu64 ",%" SCNu64 ",", &priority, &sequence, &line->time_us) != 3)
		return -EINVAL;
	body++;
	line->level = priority & 7;
	line->user = priority >> 3 != 0; /* facility 0 is the kernel's */
	snprintf(line->text, sizeof(line->text), "%.*s", (int)strcspn(body, "\n"), body);
	return 0;
}

int kmsg_next(int fd, struct kmsg_line *line)
{
	char record[RECORD_MAX + 1];
	ssize_t n;

	do
		n = read(fd, record, RECORD_MAX);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	record[n] = '\0';
	return kmsg_parse(record, line) ?: 1;
}
