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
#define HOME  "/home/"

int scrub_salt(struct scrub *s)
{
	unsigned char random[32];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(s->salt + 2 * i, 3, "%02x", random[i]);
	return 0;
}

/* Letters of either case are the same value: tools print a MAC address in both. */
static void digest_of(const struct scrub *s, const char *value, unsigned again,
		      char hex[static DIGEST_TEXT])
{
	char text[600];

	snprintf(text, sizeof(text), "%u %s", again, value);
	for (char *p = text; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (digest_hmac(s->salt, text, hex, NULL))
		memset(hex, '0', DIGEST_TEXT - 1), hex[DIGEST_TEXT - 1] = '\0';
}

static void salted_token(struct scrub_value *v, const char *h)
{
	unsigned b[4];
	size_t prefix;

	sscanf(h, "%2x%2x%2x%2x", &b[0], &b[1], &b[2], &b[3]);
	switch (v->kind) {
	case SCRUB_MAC: /* locally administered */
		snprintf(v->token, sizeof(v->token), "02:%.2s:%.2s:%.2s:%.2s:%.2s", h, h + 2, h + 4,
			 h + 6, h + 8);
		break;
	case SCRUB_UUID:
		snprintf(v->token, sizeof(v->token), "00000000-%.4s-4000-8000-%.12s", h, h + 4);
		break;
	case SCRUB_WWID: /* "eui.", "uuid.", "nvme." and "naa." say which kind it is */
		prefix = strcspn(v->original, ".");
		prefix = v->original[prefix] && prefix < 6 ? prefix + 1 : 0;
		snprintf(v->token, sizeof(v->token), "%.*sWWID-%.12s", (int)prefix, v->original, h);
		break;
	case SCRUB_SERIAL:
		snprintf(v->token, sizeof(v->token), "SERIAL-%.12s", h);
		break;
	case SCRUB_ADDRESS: /* set aside for benchmarks and documentation: RFC 2544, RFC 3849 */
		if (strchr(v->original, ':'))
			snprintf(v->token, sizeof(v->token), "2001:db8::%.4s:%.4s:%.4s", h, h + 4,
				 h + 8);
		else
			snprintf(v->token, sizeof(v->token), "198.19.%u.%u", b[0], b[1]);
		break;
	case SCRUB_HOME:
		snprintf(v->token, sizeof(v->token), HOME "user-%.8s", h);
		break;
	case SCRUB_MACHINE: /* as long as what it stands for */
		snprintf(v->token, sizeof(v->token), "%.64s", h);
		break;
	case SCRUB_WORD:
		snprintf(v->token, sizeof(v->token), "word-%.8s", h);
		break;
	default:
		snprintf(v->token, sizeof(v->token), "host-%.8s", h);
	}
}

/* Two values that get the same token would be joined: then the next digest. */
static bool is_taken(const struct scrub *s, const struct scrub_value *v)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->value[i].token, v->token) &&
		    strcasecmp(s->value[i].original, v->original))
			return true;
	return false;
}

static void numbered_token(struct scrub *s, struct scrub_value *v)
{
	unsigned n = s->count[v->kind];
	size_t prefix;

	switch (v->kind) {
	case SCRUB_MAC: /* locally administered */
		snprintf(v->token, sizeof(v->token), "02:00:00:00:%02x:%02x", n >> 8 & 0xff,
			 n & 0xff);
		break;
	case SCRUB_UUID:
		snprintf(v->token, sizeof(v->token), "00000000-0000-4000-8000-%012x", n);
		break;
	case SCRUB_WWID: /* "eui.", "uuid.", "nvme." and "naa." say which kind it is */
		prefix = strcspn(v->original, ".");
		prefix = v->original[prefix] && prefix < 6 ? prefix + 1 : 0;
		snprintf(v->token, sizeof(v->token), "%.*sWWID%u", (int)prefix, v->original, n);
		break;
	case SCRUB_SERIAL:
		snprintf(v->token, sizeof(v->token), "SERIAL%u", n);
		break;
	case SCRUB_ADDRESS:
		snprintf(v->token, sizeof(v->token),
			 strchr(v->original, ':') ? "2001:db8::%x" : "198.19.0.%u", n);
		break;
	case SCRUB_HOME:
		snprintf(v->token, sizeof(v->token), HOME "user%u", n);
		break;
	case SCRUB_MACHINE:
	case SCRUB_WORD:
		snprintf(v->token, sizeof(v->token), "word%u", n);
		break;
	default:
		snprintf(v->token, sizeof(v->token), "host%u", n);
	}
}

static void make_token(struct scrub *s, struct scrub_value *v)
{
	char hex[DIGEST_TEXT];

	s->count[v->kind]++;
	if (!*s->salt) {
		numbered_token(s, v);
		return;
	}
	for (unsigned again = 0; !again || (again < 1000 && is_taken(s, v)); again++) {
		digest_of(s, v->original, again, hex);
		salted_token(v, hex);
	}
}

int scrub_learn(struct scrub *s, enum scrub_kind kind, const char *value)
{
	struct scrub_value v = {.kind = kind}, *grown;
	size_t at;

	if (!value[strspn(value, "0:- ")] || !strcmp(value, "localhost") || strlen(value) > 512)
		return 0;
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->value[i].original, value))
			return 0;
	grown = reallocarray(s->value, s->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->value = grown;
	v.original = strdup(value);
	if (!v.original)
		return -ENOMEM;
	make_token(s, &v);
	for (at = s->n++; at && strlen(grown[at - 1].original) < strlen(value); at--)
		grown[at] = grown[at - 1];
	grown[at] = v;
	s->first[(unsigned char)*value] = true;
	return 0;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* "nvme-Maker_SSD_S64HNX0T": names below /dev/disk/by-id are glued with underscores. */
static bool is_part(char c, size_t len)
{
	return len >= LONG ? isalnum((unsigned char)c) != 0 : is_word(c);
}

/* Does the value stand here as a whole word, or, when it is short, alone on its line or quoted? */
static bool stands_here(const char *value, const char *text, const char *at, const char *end)
{
	size_t len = strlen(value);
	char before = at > text ? at[-1] : '\n', after;

	if ((size_t)(end - at) < len || memcmp(at, value, len))
		return false;
	after = at + len < end ? at[len] : '\n';
	if (len < SHORT)
		return (before == '\n' && after == '\n') || (before == '"' && after == '"');
	return !is_part(before, len) && !is_part(after, len);
}

/* Length of a value of the form "xx-x:" (x: hex digit, others literal) at `at`, else 0. */
static size_t match_pattern(const char *pattern, const char *text, const char *at, const char *end)
{
	size_t len = strlen(pattern);

	if ((size_t)(end - at) < len || (at > text && (is_word(at[-1]) || at[-1] == ':')))
		return 0;
	for (size_t i = 0; i < len; i++)
		if (pattern[i] == 'x' ? !isxdigit((unsigned char)at[i]) : at[i] != pattern[i])
			return 0;
	return at + len < end && (is_word(at[len]) || at[len] == ':') ? 0 : len;
}

/* Addresses that stand for no machine, and those of our own namespaces (RFC 2544). */
static bool is_nobody(const unsigned char *a, bool six)
{
	static const unsigned char loopback[16] = {[15] = 1};

	if (six)
		return !memcmp(a, loopback, 15) ||
		       (a[0] == 0x20 && a[1] == 1 && a[2] == 0xd && a[3] == 0xb8);
	return a[0] == 0 || a[0] == 127 || a[0] == 255 ||
	       (a[0] == 198 && (a[1] == 18 || a[1] == 19));
}

/* An IP address at `at`: digits and points, or hex digits and colons that inet_pton(3) takes. */
static size_t match_address(const char *text, const char *at, const char *end)
{
	char value[INET6_ADDRSTRLEN + 1];
	unsigned char a[16];
	size_t n = 0;
	bool six = false;

	if (at > text && (is_word(at[-1]) || strchr(".:-+", at[-1])))
		return 0;
	while (at + n < end && n < INET6_ADDRSTRLEN &&
	       (isxdigit((unsigned char)at[n]) || at[n] == ':' || at[n] == '.'))
		six |= at[n++] == ':';
	if (at + n < end && (is_word(at[n]) || at[n] == '-' || at[n] == '+'))
		return 0;
	while (n && (at[n - 1] == '.' || (at[n - 1] == ':' && n > 1 && at[n - 2] != ':')))
		n--; /* the end of a sentence */
	/* "198.51.100.7:5201" */
	if (six && memchr(at, '.', n) && !memchr(at, ':', strcspn(at, ".")))
		n = strcspn(at, ":"), six = false;
	if (n < 4)
		return 0;
	snprintf(value, sizeof(value), "%.*s", (int)n, at);
	return inet_pton(six ? AF_INET6 : AF_INET, value, a) == 1 && !is_nobody(a, six) ? n : 0;
}

static size_t match_home(const char *at, const char *end)
{
	size_t n = strlen(HOME);

	if ((size_t)(end - at) <= n || memcmp(at, HOME, n))
		return 0;
	while (at + n < end && (is_word(at[n]) || strchr(".-", at[n])))
		n++;
	return n > strlen(HOME) ? n : 0;
}

static int learn_here(struct scrub *s, enum scrub_kind kind, const char *at, size_t n)
{
	char value[256];

	snprintf(value, sizeof(value), "%.*s", (int)n, at);
	return n ? scrub_learn(s, kind, value) : 0;
}

static int learn_more(struct scrub *s, const char *text, size_t len)
{
	const char *end = text + len;
	int err = 0;

	for (const char *p = text; !err && p < end; p++) {
		if (*p == '/')
			err = learn_here(s, SCRUB_HOME, p, match_home(p, end));
		else if (isxdigit((unsigned char)*p) || *p == ':')
			err = learn_here(s, SCRUB_ADDRESS, p, match_address(text, p, end));
	}
	return err;
}

static int learn_patterns(struct scrub *s, const char *text, size_t len)
{
	static const struct {
		enum scrub_kind kind;
		const char *pattern;
	} patterns[] = {
		{SCRUB_MAC, "xx:xx:xx:xx:xx:xx"},
		{SCRUB_UUID, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"},
	};

	for (const char *p = text; p < text + len; p++) {
		if (!isxdigit((unsigned char)*p) || (p > text && is_word(p[-1])))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
			char value[64];
			size_t n = match_pattern(patterns[i].pattern, text, p, text + len);

			if (!n)
				continue;
			snprintf(value, sizeof(value), "%.*s", (int)n, p);
			if (scrub_learn(s, patterns[i].kind, value))
				return -ENOMEM;
		}
	}
	return s->everything ? learn_more(s, text, len) : 0;
}

int scrub_text(struct scrub *s, const char *text, size_t len, char **out, size_t *out_len)
{
	const char *end = text + len;
	FILE *f;

	if (learn_patterns(s, text, len))
		return -ENOMEM;
	*out = NULL;
	f = open_memstream(out, out_len);
	if (!f)
		return -ENOMEM;
	for (const char *p = text; p < end;) {
		size_t i = s->first[(unsigned char)*p] ? 0 : s->n;

		while (i < s->n && !stands_here(s->value[i].original, text, p, end))
			i++;
		if (i < s->n) {
			fputs(s->value[i].token, f);
			s->value[i].replaced = true;
			p += strlen(s->value[i].original);
		} else {
			putc(*p++, f);
		}
	}
	return fclose(f) ? -ENOMEM : 0;
}

static bool names_something(const char *word)
{
	static const char *const parameters[] = {
		"root=",       "rootfstype=", "init=",	  "rdinit=", "initrd=",
		"BOOT_IMAGE=", "ip=",	      "nfsroot=", "rd.",     "cryptdevice=",
		"resume=",     "netconsole=", "systemd.", "ds=",     "nfsaddrs=",
	};

	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++)
		if (!strncmp(word, parameters[i], strlen(parameters[i])))
			return true;
	return false;
}

void scrub_cmdline(char *line)
{
	_free_ char *copy = strdup(line);
	char *save, *out = line;
	bool newline = strchr(line, '\n') != NULL; /* it may not become longer */

	if (!copy) {
		*line = '\0'; /* rather nothing than too much */
		return;
	}
	for (char *word = strtok_r(copy, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
		char *value = strchr(word, '=');

		if (!strcmp(word, "--"))
			break;
		if (names_something(word) && value)
			value[1] = '\0'; /* "root=": that it was given is kept */
		out += sprintf(out, "%s%s", out == line ? "" : " ", word);
	}
	strcpy(out, newline ? "\n" : "");
}

unsigned scrub_replaced(const struct scrub *s, enum scrub_kind kind)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->value[i].kind == kind && s->value[i].replaced;
	return n;
}

const char *scrub_kind_name(enum scrub_kind kind)
{
	static const char *const names[SCRUB_KINDS] = {
		[SCRUB_SERIAL] = "serial numbers",
		[SCRUB_WWID] = "drive identifiers (wwid)",
		[SCRUB_HOST] = "host names",
		[SCRUB_MAC] = "MAC addresses",
		[SCRUB_UUID] = "UUIDs",
		[SCRUB_ADDRESS] = "IP addresses",
		[SCRUB_HOME] = "home directories",
		[SCRUB_MACHINE] = "machine identities",
		[SCRUB_WORD] = "named words",
	};

	return names[kind];
}

void scrub_free(struct scrub *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->value[i].original);
	free(s->value);
	*s = (struct scrub){0};
}
