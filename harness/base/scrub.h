/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes what identifies a machine or its owner out of text, always putting the same token for the
 * same value, so that what belonged together still does. Values are learned by name (a serial
 * number, a host name) and found in either case and in every form that tools write them in; MAC
 * addresses, GUIDs and UUIDs are recognised wherever they stand, IP addresses, user names and
 * cgroups where they are asked for.
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
	SCRUB_USER,
	SCRUB_CGROUP,
	SCRUB_MACHINE, /* a digest that stands for this very machine */
	SCRUB_WORD,    /* whatever else the owner names */
	SCRUB_KINDS
};

#define SCRUB_SALT 65
#define SCRUB_MOST 4096 /* bytes of a value */

/* One form of a value: a MAC address has one with colons, one with hyphens and one of digits. */
struct scrub_value {
	enum scrub_kind kind;
	char *original, token[160];
	unsigned id;   /* the same for all forms of a value */
	bool glued;    /* no word by chance: found inside others, too */
	bool replaced; /* somewhere, so far */
};

struct scrub {
	/* "": tokens are numbered in order of appearance. Else they are digests under this text, so
	 * that they are the same in whatever order texts come and tell nothing without it. */
	char salt[SCRUB_SALT];
	bool everything;	   /* IP addresses, users and cgroups, too */
	struct scrub_value *value; /* longest original first */
	size_t n;
	unsigned count[SCRUB_KINDS]; /* distinct values of each kind, replaced or not */
	unsigned char first[8192];   /* bits: some original begins with these two bytes */
};

/* A salt that nobody knows: 256 random bits. -EIO. */
int scrub_salt(struct scrub *s);
/* Blank values and those that identify nobody (all zero) are ignored. -ENOMEM. */
int scrub_learn(struct scrub *s, enum scrub_kind kind, const char *value);
/* Learn what has a known form wherever it stands. scrub_text() does that, too, but a name that a
 * later text tells is to be taken out of an earlier one: `people_only` for a first look. -ENOMEM.
 */
int scrub_find(struct scrub *s, const char *text, size_t len, bool people_only);
/* A scrubbed copy, NUL-terminated, that the caller frees. */
int scrub_text(struct scrub *s, const char *text, size_t len, char **out, size_t *out_len);
/* The kernel's command line, without what is meant for init and without the values of parameters
 * that are not known to be free of names; in place. */
void scrub_cmdline(char *line);
/* How many distinct values of the kind were replaced somewhere. */
unsigned scrub_replaced(const struct scrub *s, enum scrub_kind kind);
const char *scrub_kind_name(enum scrub_kind kind); /* "serial numbers" */
void scrub_free(struct scrub *s);
