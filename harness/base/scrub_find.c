// SPDX-License-Identifier: Apache-2.0
/* What has a form by which it is known: addresses, UUIDs, users, control groups. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/scrub.h"

#define PAIRS_MOST 24

struct text {
	const char *begin, *end;
};

static char at(const struct text *t, const char *p)
{
	return p >= t->begin && p < t->end ? *p : '\0';
}

static bool is_hex(char c)
{
	return isxdigit((unsigned char)c) != 0;
}

static bool is_alnum(char c)
{
	return isalnum((unsigned char)c) != 0;
}

static int learn(struct scrub *s, enum scrub_kind kind, const char *p, size_t n)
{
	_free_ char *value = n ? strndup(p, n) : NULL;

	return value ? scrub_learn(s, kind, value) : 0;
}

/* --- MAC addresses, GUIDs, UUIDs ----------------------------------------------------------------
 */

/* Does a pair of hex digits and `separator` end right before p? */
static bool goes_on(const struct text *t, const char *p)
{
	char separator = at(t, p - 1);

	return (separator == ':' || separator == '-') && is_hex(at(t, p - 2)) &&
	       is_hex(at(t, p - 3)) && !is_alnum(at(t, p - 4));
}

/* Pairs of hex digits from p on with one and the same separator between them. */
static size_t count_pairs(const struct text *t, const char *p)
{
	char separator = at(t, p + 2);
	size_t n = 0;

	if ((separator != ':' && separator != '-') || is_alnum(at(t, p - 1)) || goes_on(t, p))
		return 0;
	while (is_hex(at(t, p)) && is_hex(at(t, p + 1)) && !is_alnum(at(t, p + 2))) {
		n++;
		if (at(t, p + 2) != separator)
			break;
		p += 3;
	}
	return n;
}

/* Six pairs; seven as PXE writes them, behind the type of the hardware; fourteen as netfilter logs
 * them: both addresses and the type of the frame. Eight are an EUI-64, twenty an InfiniBand one. */
static int find_mac(struct scrub *s, const struct text *t, const char *p)
{
	size_t n = count_pairs(t, p), at_pair = 0, each = n;
	int err = 0;

	if (n < 6 || n > PAIRS_MOST)
		return 0;
	if (n == 7 && !strncmp(p, "01", 2))
		at_pair = 1, each = 6;
	else if (n == 14)
		each = 6;
	for (; !err && at_pair + each <= n; at_pair += each)
		err = learn(s, SCRUB_MAC, p + 3 * at_pair, 3 * each - 1);
	return err;
}

/* Length of a value of the form "xx-x:" (x: hex digit, others literal) at p, else 0. */
static size_t match(const char *pattern, const struct text *t, const char *p)
{
	size_t n = 0;

	for (; pattern[n]; n++)
		if (pattern[n] == 'x' ? !is_hex(at(t, p + n)) : at(t, p + n) != pattern[n])
			return 0;
	return n;
}

static int find_identifier(struct scrub *s, const struct text *t, const char *p)
{
	static const char *const uuids[] = {"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
					    "xxxxxxxx_xxxx_xxxx_xxxx_xxxxxxxxxxxx"};
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(uuids); i++)
		if ((n = match(uuids[i], t, p)) && !is_hex(at(t, p + n)))
			return learn(s, SCRUB_UUID, p, n);
	/* a GUID as RDMA devices have them; eight groups are an IP address */
	n = match("xxxx:xxxx:xxxx:xxxx", t, p);
	if (n && at(t, p - 1) != ':' && at(t, p + n) != ':' && !is_alnum(at(t, p - 1)) &&
	    !is_alnum(at(t, p + n)))
		return learn(s, SCRUB_WWID, p, n);
	return find_mac(s, t, p);
}

/* --- IP addresses -------------------------------------------------------------------------------
 */

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

static bool is_address(const char *p, size_t n, bool six)
{
	char value[INET6_ADDRSTRLEN + 1];
	unsigned char a[16];

	snprintf(value, sizeof(value), "%.*s", (int)n, p);
	return n >= 4 && inet_pton(six ? AF_INET6 : AF_INET, value, a) == 1 && !is_nobody(a, six);
}

/* An IP address at p: digits and points, or hex digits and colons that inet_pton(3) takes. */
static size_t match_address(const struct text *t, const char *p)
{
	size_t n = 0, point;
	char c = at(t, p - 1);
	bool six = false;

	if (is_alnum(c) || (c && strchr("_.:-+", c)))
		return 0;
	while (n < INET6_ADDRSTRLEN &&
	       (is_hex(at(t, p + n)) || at(t, p + n) == ':' || at(t, p + n) == '.'))
		six |= p[n++] == ':';
	c = at(t, p + n);
	if (is_alnum(c) || (c && strchr("_-+", c)))
		return 0;
	while (n && (p[n - 1] == '.' || (p[n - 1] == ':' && n > 1 && p[n - 2] != ':')))
		n--; /* the end of a sentence */
	point = n;
	for (size_t i = n; i-- > 0;)
		if (p[i] == '.')
			point = i;
	/* "198.51.100.7:5201" */
	if (six && point < n && !memchr(p, ':', point))
		n = (size_t)((const char *)memchr(p, ':', n) - p), six = false;
	if (is_address(p, n, six))
		return n;
	return six && is_address(p, point, six) ? point : 0; /* "fe80::1.5201" */
}

/* --- people and control groups ------------------------------------------------------------------
 */

static bool ends_name(char c)
{
	return (unsigned char)c <= ' ' || strchr("/\"'`:,;()[]{}<>|&\\", c);
}

static size_t match_home(const struct text *t, const char *p)
{
	static const char *const above[] = {"/home/", "/Users/", "/media/"};

	for (size_t i = 0; i < ARRAY_SIZE(above); i++) {
		size_t from = strlen(above[i]), n = from;

		if ((size_t)(t->end - p) <= n || memcmp(p, above[i], n))
			continue;
		while (p + n < t->end && !ends_name(p[n]) && n < 200)
			n++;
		while (n > from && p[n - 1] == '.')
			n--;
		return n > from ? n : 0;
	}
	return 0;
}

/* user=ann, acct="ann": where a name begins, and its length. */
static size_t match_user(const struct text *t, const char *p, const char **name)
{
	static const char *const keys[] = {
		"user=", "username=", "logname=", "acct=", "auid=", "uid=", "login="};
	size_t n = 0;

	if (is_alnum(at(t, p - 1)) || at(t, p - 1) == '_')
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		size_t len = strlen(keys[i]);

		if ((size_t)(t->end - p) <= len || strncasecmp(p, keys[i], len))
			continue;
		*name = p + len + (p[len] == '"' || p[len] == '\'');
		if (!isalpha((unsigned char)at(t, *name)))
			return 0;
		while (is_alnum(at(t, *name + n)) ||
		       (at(t, *name + n) && n < 64 && strchr("_-.", at(t, *name + n))))
			n++;
		return n;
	}
	return 0;
}

/* A path with a slice or scope of systemd's, or below what container managers make. */
static size_t match_cgroup(const struct text *t, const char *p)
{
	static const char *const above[] = {"/docker/",	 "/lxc/",    "/lxc.payload",
					    "/kubepods", "/garden/", "/machine/"};
	static const char *const within[] = {".slice", ".scope"};
	size_t n = 0;
	bool is = false;

	if (is_alnum(at(t, p - 1)) || at(t, p - 1) == '/')
		return 0;
	while (p + n < t->end && n < SCRUB_MOST &&
	       (p[n] == ':' || p[n] == '\\' || p[n] == '/' || !ends_name(p[n])))
		n++;
	for (size_t i = 0; i < ARRAY_SIZE(above); i++)
		is |= n > strlen(above[i]) && !memcmp(p, above[i], strlen(above[i]));
	for (size_t i = 0; i < ARRAY_SIZE(within); i++)
		is |= memmem(p, n, within[i], strlen(within[i])) != NULL;
	return is ? n : 0;
}

static int find_people(struct scrub *s, const struct text *t, const char *p)
{
	const char *name = NULL;
	size_t n;

	if (*p == '/')
		return learn(s, SCRUB_HOME, p, match_home(t, p));
	if (!strchr("uUlLaA", *p))
		return 0;
	n = match_user(t, p, &name);
	return n >= 3 ? learn(s, SCRUB_USER, name, n) : 0;
}

int scrub_find(struct scrub *s, const char *text, size_t len, bool people_only)
{
	const struct text t = {text, text + len};
	int err = 0;

	for (const char *p = text; !err && p < t.end; p++) {
		if (!*p)
			continue;
		if (s->everything)
			err = find_people(s, &t, p);
		if (err || people_only)
			continue;
		if (is_hex(*p))
			err = find_identifier(s, &t, p);
		if (!err && s->everything && (is_hex(*p) || *p == ':'))
			err = learn(s, SCRUB_ADDRESS, p, match_address(&t, p));
		if (!err && s->everything && *p == '/')
			err = learn(s, SCRUB_CGROUP, p, match_cgroup(&t, p));
	}
	return err;
}
