// SPDX-License-Identifier: Apache-2.0
#include "base/scrub.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/digest.h"

#define SHORT 4 /* a value this short is a word by chance: replaced only where it stands alone */
#define LONG  6 /* one this long is none by chance: found behind an underscore, too */
#define GLUED 8 /* this long, of letters and digits: found inside of other words, too */

/* What stands for a value of each kind: a word and a number, or `word` digits of one. */
static const struct {
	const char *name, *word;
	int digits;
} kinds[SCRUB_KINDS] = {
	[SCRUB_SERIAL] = {"serial numbers", "SERIAL", 12},
	[SCRUB_WWID] = {"drive identifiers (wwid)", "WWID", 12},
	[SCRUB_HOST] = {"host names", "host", 8},
	[SCRUB_MAC] = {"MAC addresses", NULL, 10},
	[SCRUB_UUID] = {"UUIDs", NULL, 16},
	[SCRUB_ADDRESS] = {"IP addresses", NULL, 12},
	[SCRUB_HOME] = {"home directories", "user", 8},
	[SCRUB_USER] = {"user names", "user", 8},
	[SCRUB_CGROUP] = {"control groups", "/cgroup", 8},
	[SCRUB_MACHINE] = {"machine identities", NULL, 64},
	[SCRUB_WORD] = {"named words", "word", 8},
};

/* What firmware and systems say instead of a name. */
static const char *const nobody[] = {
	"localhost",
	"localdomain",
	"none",
	"null",
	"n/a",
	"unknown",
	"default",
	"empty",
	"invalid",
	"virtual",
	"not specified",
	"not provided",
	"default string",
	"to be filled by o.e.m.",
	"system serial number",
	"chassis serial number",
	"base board serial number",
	"asset tag",
	"no asset tag",
	"no asset information",
};

/* Users that every system may have: no words to take out of texts. */
static const char *const anybody[] = {
	"root",	  "user",   "users",  "admin", "guest",	  "nobody", "debian", "ubuntu",	 "fedora",
	"centos", "ec2",    "cloud",  "build", "builder", "runner", "docker", "vagrant", "bench",
	"test",	  "public", "shared", "data",  "work",	  "home",   "group",  "system",	 "local",
};

static bool is_one_of(const char *value, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(value, list[i]))
			return true;
	return false;
}

int scrub_salt(struct scrub *s)
{
	unsigned char random[32];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(s->salt + 2 * i, 3, "%02x", random[i]);
	return 0;
}

/* --- tokens -------------------------------------------------------------------------------------
 */

/* The hex digits of `value`, in lower case. */
static void digits_of(const char *value, char *out, size_t size)
{
	size_t n = 0;

	for (; *value && n + 1 < size; value++)
		if (isxdigit((unsigned char)*value))
			out[n++] = (char)tolower((unsigned char)*value);
	out[n] = '\0';
}

/* "eui.", "uuid.", "nvme." and "naa." say which kind of identifier it is: their length, or 0. */
static size_t wwid_prefix(const char *value)
{
	size_t n = strcspn(value, ".");

	return value[n] && n < 6 ? n + 1 : 0;
}

/* What all forms of a value have in common: letters of either case, digits however separated. */
static void normal_form(enum scrub_kind kind, const char *value, char out[static SCRUB_MOST + 1])
{
	unsigned char a[16];
	const char *slash = strrchr(value, '/');

	if (kind == SCRUB_MAC || kind == SCRUB_UUID)
		digits_of(value, out, SCRUB_MOST);
	else if (kind == SCRUB_ADDRESS && inet_pton(AF_INET6, value, a) == 1)
		inet_ntop(AF_INET6, a, out, SCRUB_MOST);
	else
		snprintf(out, SCRUB_MOST + 1, "%s",
			 kind == SCRUB_WWID	       ? value + wwid_prefix(value)
			 : kind == SCRUB_HOME && slash ? slash + 1
						       : value);
	for (char *p = out; *p; p++)
		*p = (char)tolower((unsigned char)*p);
}

/* Digits that stand for the value: of a digest under the salt, or of its number. */
static void make_digits(struct scrub *s, enum scrub_kind kind, const char *normal, unsigned again,
			char h[static DIGEST_TEXT])
{
	char text[SCRUB_MOST + 16];
	enum scrub_kind counted = kind == SCRUB_HOME ? SCRUB_USER : kind; /* people, both */

	if (!*s->salt) {
		snprintf(h, DIGEST_TEXT, "%0*x", kinds[kind].digits, s->count[counted]);
		return;
	}
	snprintf(text, sizeof(text), "%u %s", again, normal);
	if (digest_hmac(s->salt, text, h, NULL))
		memset(h, '0', DIGEST_TEXT - 1), h[DIGEST_TEXT - 1] = '\0';
}

/* The digits `d` in groups of `group`, or, of a UUID (0), as it is written. */
static void separate(const char *d, size_t group, char separator, char *out)
{
	static const size_t uuid[] = {8, 12, 16, 20};

	for (size_t i = 0, k = 0; d[i]; i++) {
		bool here = group ? i && i % group == 0 : k < ARRAY_SIZE(uuid) && i == uuid[k];

		k += here && !group;
		if (here && separator)
			*out++ = separator;
		*out++ = d[i];
	}
	*out = '\0';
}

static void named_token(const struct scrub *s, const struct scrub_value *v, const char *h,
			char *out, size_t size)
{
	const char *prefix = v->original, *slash = strrchr(v->original, '/');
	size_t n = v->kind == SCRUB_WWID	    ? wwid_prefix(v->original)
		   : v->kind == SCRUB_HOME && slash ? (size_t)(slash + 1 - prefix)
						    : 0;

	if (*s->salt)
		snprintf(out, size, "%.*s%s-%.*s", (int)n, prefix, kinds[v->kind].word,
			 kinds[v->kind].digits, h);
	else
		snprintf(out, size, "%.*s%s%lu", (int)n, prefix, kinds[v->kind].word,
			 strtoul(h, NULL, 16));
}

static void make_token(const struct scrub *s, struct scrub_value *v, const char *h)
{
	unsigned b[2] = {0};

	if (kinds[v->kind].word) {
		named_token(s, v, h, v->token, sizeof(v->token));
	} else if (v->kind == SCRUB_MACHINE) {
		snprintf(v->token, sizeof(v->token), "%.64s", h);
	} else if (strchr(v->original, ':')) { /* set aside for documentation: RFC 3849 */
		snprintf(v->token, sizeof(v->token), "2001:db8::%.4s:%.4s:%.4s", h, h + 4, h + 8);
	} else { /* for benchmarks: RFC 2544 */
		sscanf(h + (*s->salt ? 0 : 8), "%2x%2x", &b[0], &b[1]);
		snprintf(v->token, sizeof(v->token), "198.19.%u.%u", b[0], b[1]);
	}
}

/* --- learning -----------------------------------------------------------------------------------
 */

static bool is_known(const struct scrub *s, const char *value)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcasecmp(s->value[i].original, value))
			return true;
	return false;
}

static unsigned two(char a, char b)
{
	return (unsigned)tolower((unsigned char)a) << 8 | (unsigned)tolower((unsigned char)b);
}

static void note_beginning(struct scrub *s, const char *value)
{
	for (unsigned next = 0; next < 256; next++) {
		unsigned bit = two(value[0], value[1] ? value[1] : (char)next);

		s->first[bit / 8] |= (unsigned char)(1 << bit % 8);
	}
}

static bool has_letters_and_digits(const char *value)
{
	bool letter = false, digit = false;

	for (; *value; value++) {
		letter |= isalpha((unsigned char)*value) != 0;
		digit |= isdigit((unsigned char)*value) != 0;
	}
	return letter && digit;
}

/* One form; `token` NULL: made of the digits `h`. */
static int add(struct scrub *s, enum scrub_kind kind, const char *value, const char *token,
	       const char *h, unsigned id)
{
	struct scrub_value v = {.kind = kind, .id = id}, *grown;
	bool names_device = kind == SCRUB_SERIAL || kind == SCRUB_WWID || kind == SCRUB_MAC ||
			    kind == SCRUB_UUID;
	size_t at;

	if (is_known(s, value))
		return 0;
	grown = reallocarray(s->value, s->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->value = grown;
	v.original = strdup(value);
	if (!v.original)
		return -ENOMEM;
	if (token)
		snprintf(v.token, sizeof(v.token), "%s", token);
	else
		make_token(s, &v, h);
	v.glued = names_device && strlen(value) >= GLUED && has_letters_and_digits(value);
	for (at = s->n++; at && strlen(grown[at - 1].original) < strlen(value); at--)
		grown[at] = grown[at - 1];
	grown[at] = v;
	note_beginning(s, value);
	return 0;
}

/* The digits in all the ways in which a MAC address or a UUID is written. */
static int add_digits(struct scrub *s, enum scrub_kind kind, const char *normal, const char *h,
		      unsigned id)
{
	static const struct {
		size_t group;
		char separator;
	} mac[] = {{2, ':'}, {2, '-'}, {4, '.'}, {2, 0}}, uuid[] = {{0, '-'}, {0, '_'}, {0, 0}};
	bool is_mac = kind == SCRUB_MAC;
	size_t n = strlen(normal), pad;
	char digits[80], value[80], token[80];
	int err = 0;

	if (n < 12 || n > 48 || (!is_mac && n != 32)) /* no form that we know */
		return -EINVAL;
	pad = *s->salt ? 0 : n - 12; /* a number has the digits of six bytes */
	if (is_mac)		     /* locally administered */
		snprintf(digits, sizeof(digits), "02%.*s%.*s", (int)pad,
			 "000000000000000000000000000000000000", (int)(n - 2 - pad), h);
	else
		snprintf(digits, sizeof(digits), "00000000%.4s40008000%.12s", h, h + 4);
	for (size_t i = 0; !err && i < (is_mac ? ARRAY_SIZE(mac) : ARRAY_SIZE(uuid)); i++) {
		size_t group = is_mac ? mac[i].group : 0;
		char separator = is_mac ? mac[i].separator : uuid[i].separator;

		separate(normal, group, separator, value);
		separate(digits, group, separator, token);
		err = add(s, kind, value, token, NULL, id);
	}
	return err;
}

/* A host is also called without its domain, and others are in that, too. */
static int add_host(struct scrub *s, const char *value, const char *h, unsigned id)
{
	const char *domain = strchr(value, '.');
	_free_ char *label = domain ? strndup(value, (size_t)(domain - value)) : NULL;
	int err = add(s, SCRUB_HOST, value, NULL, h, id);

	if (!err && label && !is_one_of(label, nobody, ARRAY_SIZE(nobody)))
		err = add(s, SCRUB_HOST, label, NULL, h, id);
	if (!err && domain && strchr(domain + 1, '.'))
		err = scrub_learn(s, SCRUB_HOST, domain + 1);
	return err;
}

static int add_home(struct scrub *s, const char *value, const char *h, unsigned id)
{
	const char *user = strrchr(value, '/') + 1;
	bool is_word = strlen(user) < 3 || is_one_of(user, anybody, ARRAY_SIZE(anybody));
	int err = add(s, SCRUB_HOME, value, NULL, h, id);

	return err || is_word ? err : add(s, SCRUB_USER, user, NULL, h, id);
}

static int add_forms(struct scrub *s, enum scrub_kind kind, const char *value, const char *normal,
		     const char *h)
{
	unsigned id = (unsigned)s->n + 1;
	int err = -EINVAL;

	if (kind == SCRUB_MAC || kind == SCRUB_UUID)
		err = add_digits(s, kind, normal, h, id);
	else if (kind == SCRUB_HOST)
		return add_host(s, value, h, id);
	else if (kind == SCRUB_HOME && strchr(value, '/'))
		return add_home(s, value, h, id);
	if (err != -EINVAL)
		return err;
	/* what is no address of a known form is a name like any other */
	if (kind == SCRUB_MAC || kind == SCRUB_UUID)
		kind = SCRUB_WWID;
	err = add(s, kind, value, NULL, h, id);
	if (!err && kind == SCRUB_WWID && strlen(normal) >= GLUED)
		err = add(s, kind, value + wwid_prefix(value), NULL, h, id);
	return err;
}

/* Two values that get the same token would be joined. */
static bool is_taken(const struct scrub *s, enum scrub_kind kind, const char *value, const char *h)
{
	struct scrub_value v = {.kind = kind, .original = (char *)value};

	if (kind == SCRUB_MAC || kind == SCRUB_UUID)
		return false; /* of 40 bits and more: not by chance */
	make_token(s, &v, h);
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->value[i].token, v.token))
			return true;
	return false;
}

int scrub_learn(struct scrub *s, enum scrub_kind kind, const char *value)
{
	char normal[SCRUB_MOST + 1], h[DIGEST_TEXT];
	unsigned char a[16];

	if (!value[strspn(value, "0:- ")] || strlen(value) > SCRUB_MOST ||
	    is_one_of(value, nobody, ARRAY_SIZE(nobody)) || is_known(s, value) ||
	    (kind == SCRUB_USER && is_one_of(value, anybody, ARRAY_SIZE(anybody))))
		return 0;
	if (kind == SCRUB_HOST &&
	    (inet_pton(AF_INET, value, a) == 1 || inet_pton(AF_INET6, value, a) == 1))
		kind = SCRUB_ADDRESS;
	normal_form(kind, value, normal);
	s->count[kind == SCRUB_HOME ? SCRUB_USER : kind]++;
	make_digits(s, kind, normal, 0, h);
	for (unsigned again = 1; *s->salt && again < 1000 && is_taken(s, kind, value, h); again++) {
		if (kind == SCRUB_ADDRESS && strchr(value, ':'))
			break; /* another way to write one that is there */
		make_digits(s, kind, normal, again, h);
	}
	return add_forms(s, kind, value, normal, h);
}

/* --- replacing ----------------------------------------------------------------------------------
 */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* "nvme-Maker_SSD_S64HNX0T": names below /dev/disk/by-id are glued with underscores. */
static bool is_part(char c, size_t len)
{
	return len >= LONG ? isalnum((unsigned char)c) != 0 : is_word(c);
}

/* A short name in running text: between blanks, quotes and brackets, or with a user before it. A
 * short value of another kind is one only where nothing else is. */
static bool stands_alone(const struct scrub_value *v, char before, char after)
{
	bool name = v->kind == SCRUB_HOST || v->kind == SCRUB_WORD || v->kind == SCRUB_USER;

	if (name && v->original[1])
		return strchr("\n\t \"'@([<=", before) && strchr("\n\t \"':,;)]>", after);
	return (before == '\n' && after == '\n') || (before == '"' && after == '"');
}

/* ".corp.example" behind the name of a host: how much of it is its domain. */
static size_t domain_here(const char *at, const char *end)
{
	static const char *const single[] = {"local", "lan",   "localdomain", "internal",
					     "corp",  "intra", "home"};
	size_t n = 0, labels = 0, label = 0;
	char last[64] = "";

	while (at + n < end && at[n] == '.' && at + n + 1 < end &&
	       isalnum((unsigned char)at[n + 1])) {
		for (label = 1; at + n + label < end &&
				(isalnum((unsigned char)at[n + label]) || at[n + label] == '-');
		     label++)
			;
		snprintf(last, sizeof(last), "%.*s", (int)label - 1, at + n + 1);
		n += label;
		labels++;
	}
	return labels > 1 || is_one_of(last, single, ARRAY_SIZE(single)) ? n : 0;
}

/* Does the value stand here? A short one must stand alone, one that is no word by chance need not
 * even be a word of its own. */
static bool stands_here(const struct scrub_value *v, const char *text, const char *at,
			const char *end)
{
	size_t len = strlen(v->original);
	char before = at > text ? at[-1] : '\n', after;

	if ((size_t)(end - at) < len || strncasecmp(at, v->original, len))
		return false;
	after = at + len < end ? at[len] : '\n';
	if (v->glued)
		return true;
	if (!before || !after)
		return true;
	if (len < SHORT && v->kind == SCRUB_HOST && domain_here(at + len, end))
		after = ' ';
	if (len < SHORT)
		return stands_alone(v, before, after);
	return !is_part(before, len) && !is_part(after, len);
}

static struct scrub_value *value_here(struct scrub *s, const char *text, const char *p,
				      const char *end)
{
	unsigned bit = two(*p, p + 1 < end ? p[1] : '\0');

	if (!(s->first[bit / 8] >> bit % 8 & 1))
		return NULL;
	for (size_t i = 0; i < s->n; i++)
		if (stands_here(&s->value[i], text, p, end))
			return &s->value[i];
	return NULL;
}

int scrub_text(struct scrub *s, const char *text, size_t len, char **out, size_t *out_len)
{
	const char *end = text + len;
	FILE *f;

	if (scrub_find(s, text, len, false))
		return -ENOMEM;
	*out = NULL;
	f = open_memstream(out, out_len);
	if (!f)
		return -ENOMEM;
	for (const char *p = text; p < end;) {
		struct scrub_value *v = value_here(s, text, p, end);

		if (!v) {
			putc(*p++, f);
			continue;
		}
		fputs(v->token, f);
		v->replaced = true;
		p += strlen(v->original);
		if (v->kind == SCRUB_HOST)
			p += domain_here(p, end);
	}
	return fclose(f) ? -ENOMEM : 0;
}

unsigned scrub_replaced(const struct scrub *s, enum scrub_kind kind)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->n; i++) {
		bool counted = s->value[i].kind != kind || !s->value[i].replaced;

		for (size_t k = 0; !counted && k < i; k++) /* in another form */
			counted = s->value[k].id == s->value[i].id && s->value[k].replaced &&
				  s->value[k].kind == kind;
		n += !counted;
	}
	return n;
}

const char *scrub_kind_name(enum scrub_kind kind)
{
	return kinds[kind].name;
}

void scrub_free(struct scrub *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->value[i].original);
	free(s->value);
	*s = (struct scrub){0};
}
