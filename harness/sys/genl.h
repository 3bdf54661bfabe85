/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generic netlink and the ethtool ioctls without a netlink form, through a `struct sys`, so that a
 * recorded machine answers what it answered when it was recorded and an in-memory one can fail at
 * call N. Families: "ethtool" (Linux 5.6), "netdev" (6.3, queues and NAPI 6.8). Live: libmnl, one
 * socket a call, in the network namespace of the `struct sys`.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "sys/sys.h"

/* In the place of a family: rtnetlink, `cmd` RTM_GETROUTE and no attributes; dumps the routes of
 * all families and tables. A reply is a whole message: struct rtmsg, then its attributes. */
#define GENL_ROUTE "route"

enum { GENL_DUMP = 1 << 0 }; /* NLM_F_DUMP; else one request with NLM_F_ACK */

/* A request: command and attributes, built with the functions below. At most 64 KiB (RSS tables).
 */
struct genl_request {
	const char *family;
	uint8_t cmd;
	unsigned flags;
	char *attrs; /* nlattr stream */
	size_t len, room;
	int err; /* -ENOMEM, or -EMSGSIZE once something did not fit; reported by sys_genl() */
};

/* The answers: nlattr streams one after the other (a dump has one for each object). */
struct genl_replies {
	struct genl_reply {
		char *attrs;
		size_t len;
	} * reply;
	size_t n;
};

void genl_request_init(struct genl_request *r, const char *family, uint8_t cmd, unsigned flags);
void genl_request_free(struct genl_request *r);
void genl_put_u8(struct genl_request *r, uint16_t type, uint8_t value);
void genl_put_u32(struct genl_request *r, uint16_t type, uint32_t value);
void genl_put_u64(struct genl_request *r, uint16_t type, uint64_t value);
void genl_put_str(struct genl_request *r, uint16_t type, const char *text);
void genl_put_flag(struct genl_request *r, uint16_t type); /* an attribute without payload */
void genl_put_bin(struct genl_request *r, uint16_t type, const void *data, size_t len);
/* Nested attributes: the returned offset goes to genl_nest_end(). */
size_t genl_nest_begin(struct genl_request *r, uint16_t type);
void genl_nest_end(struct genl_request *r, size_t nest);

/*
 * One exchange. 0, or -errno with the kernel's own words (extended ack: message, the attribute it
 * points at and what would be allowed there) in `words` ("" when the kernel gave none).
 * -EOPNOTSUPP: the driver has no such operation; -ENOENT: no such family in this kernel; -ENODATA:
 * a recorded machine that was not asked this; -EROFS: a recorded machine asked to change something.
 * Replies are freed by genl_replies_free() in every case.
 */
int sys_genl(struct sys *s, const struct genl_request *r, struct genl_replies *replies, char *words,
	     size_t words_size);
/* For who answers: append a copy. -ENOMEM. */
int genl_replies_add(struct genl_replies *replies, const char *attrs, size_t len);
void genl_replies_free(struct genl_replies *replies);
/* Does it only ask? What is not known to only ask counts as a change. */
bool genl_only_asks(const struct genl_request *r);

/* Reading a stream. Lengths are checked against it; numbers of any width are widened. */
struct genl_attr {
	uint16_t type; /* without flags */
	const char *data;
	size_t len;
};
/* Walk: start with *offset 0; 1 with the next attribute in *a, 0 at the end. */
int genl_next(const char *attrs, size_t len, size_t *offset, struct genl_attr *a);
/* The number in an attribute of 1, 2, 4 or 8 bytes; -EINVAL for another length. */
int genl_uint(const struct genl_attr *a, uint64_t *value);
/* The attribute of a type: 0 or -ENOENT. */
int genl_find(const char *attrs, size_t len, uint16_t type, struct genl_attr *a);
int genl_find_uint(const char *attrs, size_t len, uint16_t type, uint64_t *value);
int genl_find_str(const char *attrs, size_t len, uint16_t type, char *text, size_t size);

/* SIOCETHTOOL on a device; `cmd` starts with the ETHTOOL_* command word. For what netlink lacks:
 * GDRVINFO, PERQUEUE, SRXFHINDIR/SRSSH, SRXCLSRL*. 0 or -errno; -ENODATA and -EROFS as above. */
int sys_ethtool(struct sys *s, const char *dev, void *cmd, size_t size);
bool ethtool_only_asks(const void *cmd, size_t size);
