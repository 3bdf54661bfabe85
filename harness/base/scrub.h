/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes what identifies a machine or its owner out of text, always putting the same token for the
 * same value, so that what belonged together still does. Values are learned by name (a serial
 * number, a host name); MAC addresses and UUIDs are recognised wherever they stand, IP addresses
 * and home directories where they are asked for.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum scrub_kind {
	SCRUB_SERIAL,
	SCRUB_WWID,
	SCRUB_HOST,
	SCRUB_MAC,
	SCRUB_UUID,
	SCRUB_ADDRESS,
	SCRUB_HOME,
	SCRUB_MACHINE, /* a digest that stands for this very machine */
	SCRUB_WORD,    /* whatever else the owner names */
	SCRUB_KINDS
};

#define SCRUB_SALT 65

struct scrub_value {
	enum scrub_kind kind;
	char *original, token[96];
	bool replaced; /* somewhere, so far */
};

struct scrub {
	/* "": tokens are numbered in order of appearance. Else they are digests under this text, so
	 * that they are the same in whatever order texts come and tell nothing without it. */
	char salt[SCRUB_SALT];
	bool everything;	   /* IP addresses and home directories, too */
	struct scrub_value *value; /* longest original first */
	size_t n;
	unsigned count[SCRUB_KINDS]; /* distinct values of each kind, replaced or not */
	bool first[256];	     /* some original begins with it */
};

/* A salt that nobody knows: 256 random bits. -EIO. */
int scrub_salt(struct scrub *s);
/* Blank values and those that identify nobody (all zero) are ignored. -ENOMEM. */
int scrub_learn(struct scrub *s, enum scrub_kind kind, const char *value);
/* A scrubbed copy, NUL-terminated, that the caller frees. */
int scrub_text(struct scrub *s, const char *text, size_t len, char **out, size_t *out_len);
/* The kernel's command line, without what is meant for init and without the values of parameters
 * that name disks, hosts and programs; in place. */
void scrub_cmdline(char *line);
/* How many distinct values of the kind were replaced somewhere. */
unsigned scrub_replaced(const struct scrub *s, enum scrub_kind kind);
const char *scrub_kind_name(enum scrub_kind kind); /* "serial numbers" */
void scrub_free(struct scrub *s);
