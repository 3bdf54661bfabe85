// SPDX-License-Identifier: Apache-2.0
#include "sys/genl_recorded.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum { NAME_HEX_MAX = 200 }; /* a file's name has at most 255 bytes */

static int put_hex(char *out, size_t size, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	if (2 * len > NAME_HEX_MAX || 2 * len + 1 > size)
		return -ENAMETOOLONG;
	for (size_t i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	out[2 * len] = '\0';
	return 0;
}

int genl_recorded_path(const struct genl_request *r, char *path, size_t size)
{
	int n = snprintf(path, size, RECORDED_GENL "/%s/%u%s%s", r->family, r->cmd,
			 r->flags & GENL_DUMP ? "-dump" : "", r->len ? "-" : "");

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG
					  : put_hex(path + n, size - (size_t)n, r->attrs, r->len);
}

int ethtool_recorded_path(const char *dev, const void *cmd, size_t cmd_size, char *path,
			  size_t size)
{
	const char *bytes = cmd;
	int n = snprintf(path, size, RECORDED_ETHTOOL "/%s/", dev);

	while (cmd_size > 1 && !bytes[cmd_size - 1])
		cmd_size--;
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG
					  : put_hex(path + n, size - (size_t)n, cmd, cmd_size);
}

char *genl_recorded_text(int result, const char *words, const struct genl_replies *replies)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fprintf(f, "%d%s%s\n", result, *words ? " " : "", words);
	for (size_t i = 0; i < replies->n; i++) {
		for (size_t k = 0; k < replies->reply[i].len; k++)
			fprintf(f, "%02x", (unsigned char)replies->reply[i].attrs[k]);
		putc('\n', f);
	}
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_reply(const char *line, size_t len, struct genl_replies *replies)
{
	_free_ char *bytes = malloc(len / 2 + 1);

	if (!bytes)
		return -ENOMEM;
	if (len % 2)
		return -EBADMSG;
	for (size_t i = 0; i < len / 2; i++) {
		int high = digit(line[2 * i]), low = digit(line[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EBADMSG;
		bytes[i] = (char)(high << 4 | low);
	}
	return genl_replies_add(replies, bytes, len / 2);
}

int genl_recorded_parse(const char *text, int *result, char *words, size_t words_size,
			struct genl_replies *replies)
{
	size_t len = strcspn(text, "\n");
	char *end;
	long value = strtol(text, &end, 10);
	int err = 0;

	if (end == text || value > 0 || value < -4095 || (*end != ' ' && end != text + len))
		return -EBADMSG;
	*result = (int)value;
	if (words_size)
		snprintf(words, words_size, "%.*s", (int)(text + len - end), end);
	if (words_size && *words == ' ')
		memmove(words, words + 1, strlen(words));
	for (text += len; !err && *text == '\n' && text[1]; text += len) {
		text++;
		len = strcspn(text, "\n");
		err = parse_reply(text, len, replies);
	}
	return err;
}
