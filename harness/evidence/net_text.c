// SPDX-License-Identifier: Apache-2.0
/* Text of the kernel's network statistics: pure functions. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "evidence/net.h"

/* The next line at or after `line` that starts with "SECTION:"; behind the colon. */
static const char *section_line(const char *line, const char *section)
{
	size_t len = strlen(section);

	while (line && *line) {
		if (!strncmp(line, section, len) && line[len] == ':')
			return line + len + 1;
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return NULL;
}

static const char *next_word(const char *p, size_t *len)
{
	p += strspn(p, " \t");
	*len = strcspn(p, " \t\n");
	return *len ? p : NULL;
}

int text_protocol_field(const char *text, const char *section, const char *key, uint64_t *value)
{
	const char *keys = section_line(text, section), *values;
	size_t key_len, value_len;

	values = keys ? section_line(keys, section) : NULL;
	if (!values)
		return -ENOENT;
	while ((keys = next_word(keys, &key_len))) {
		char *end;

		values = next_word(values, &value_len);
		if (!values)
			return -EINVAL;
		if (key_len == strlen(key) && !strncmp(keys, key, key_len)) {
			*value = strtoull(values, &end, 10);
			/* Tcp MaxConn is -1; what is asked for here are counters */
			return isdigit((unsigned char)*values) && end == values + value_len
				       ? 0
				       : -EINVAL;
		}
		keys += key_len;
		values += value_len;
	}
	return -ENOENT;
}

size_t text_hex_numbers(const char *line, uint32_t *value, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		char *end;

		line += strspn(line, " \t");
		if (!isxdigit((unsigned char)*line))
			break;
		value[i] = (uint32_t)strtoul(line, &end, 16);
		line = end;
	}
	return i;
}

int queue_statistic_parse(const char *name, bool *rx, unsigned *queue)
{
	static const char *const forms[] = {
		"%cx_queue_%u_packets%n", /* igb, ixgbe, ice, virtio_net */
		"%cx%u_packets%n",	  /* mlx5, newer virtio_net */
		"%cx-%u.packets%n",	  /* i40e, iavf */
	};
	char way;
	int used;

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		used = 0;
		if (sscanf(name, forms[i], &way, queue, &used) == 2 && used && !name[used] &&
		    (way == 'r' || way == 't')) {
			*rx = way == 'r';
			return 0;
		}
	}
	used = 0;
	if (sscanf(name, "queue_%u_%cx_cnt%n", queue, &way, &used) == 2 && used && !name[used] &&
	    (way == 'r' || way == 't')) { /* ena */
		*rx = way == 'r';
		return 0;
	}
	return -ENOENT;
}

int queue_ring_parse(const char *name, unsigned *queue)
{
	int used = 0;

	return sscanf(name, "rx_queue_%u_xdp_packets%n", queue, &used) == 1 && used && !name[used]
		       ? 0
		       : -ENOENT;
}
