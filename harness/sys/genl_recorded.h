/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of generic netlink and of SIOCETHTOOL as files of a recorded machine. A file is found by
 * what was asked: /machine/genl/FAMILY/COMMAND[-dump][-ATTRIBUTES] and
 * /machine/ethtool/DEVICE/REQUEST, bytes in hexadecimal, zeros at the end of an ioctl's request
 * left out. Its first line is the result ("0", or "-95 words of the kernel"), each further line an
 * answer in hexadecimal.
 */
#pragma once
#include "sys/genl.h"

#define RECORDED_GENL	 "/machine/genl"
#define RECORDED_ETHTOOL "/machine/ethtool"

/* -ENAMETOOLONG for a request that no discovery makes. */
int genl_recorded_path(const struct genl_request *r, char *path, size_t size);
int ethtool_recorded_path(const char *dev, const void *cmd, size_t cmd_size, char *path,
			  size_t size);
/* The file's text, which the caller frees; NULL: no memory. */
char *genl_recorded_text(int result, const char *words, const struct genl_replies *replies);
/* The reverse. -EBADMSG for a file that is not of this form. */
int genl_recorded_parse(const char *text, int *result, char *words, size_t words_size,
			struct genl_replies *replies);
