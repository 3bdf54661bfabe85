// SPDX-License-Identifier: Apache-2.0
#include "machine/recorder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "sys/genl.h"
#include "sys/genl_recorded.h"

#define PATH_SIZE 1024
#define REST_SIZE (2 * PATH_SIZE)
#define LINKS_MAX 40

static struct recorded *find(struct recorder *r, const char *path)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->entry[i].path, path))
			return &r->entry[i];
	return NULL;
}

/* A file or link beats a mere name; the first reading of a file stays. */
static struct recorded *remember(struct recorder *r, const char *path, enum recorded_kind kind,
				 const char *text, size_t len)
{
	struct recorded *e = find(r, path);

	if (!e) {
		struct recorded *grown = reallocarray(r->entry, r->n + 1, sizeof(*grown));
		char *copy = strdup(path);

		if (grown)
			r->entry = grown;
		if (!grown || !copy) {
			free(copy);
			r->err = -ENOMEM;
			return NULL;
		}
		e = &r->entry[r->n++];
		*e = (struct recorded){.path = copy, .kind = RECORDED_NAME};
	}
	if (e->kind != RECORDED_NAME || kind == RECORDED_NAME)
		return e;
	e->text = malloc(len + 1);
	if (!e->text) {
		r->err = -ENOMEM;
		return NULL;
	}
	memcpy(e->text, text, len);
	e->text[len] = '\0';
	e->len = len;
	e->kind = kind;
	return e;
}

/* A file, as it is; NULL: there was no memory for its text. */
static void remember_text(struct recorder *r, const char *path, const char *text)
{
	if (text)
		remember(r, path, RECORDED_FILE, text, strlen(text));
	else
		r->err = -ENOMEM;
}

/* Remove the last component of "/a/b". */
static void cut(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
}

/* rest = target followed by `tail`, which is a part of `rest`. */
static int splice(char rest[REST_SIZE], const char *target, const char *tail)
{
	size_t head_len = strlen(target), tail_len = strlen(tail);

	if (head_len + tail_len >= REST_SIZE)
		return -ENAMETOOLONG;
	memmove(rest + head_len, tail, tail_len + 1);
	memcpy(rest, target, head_len);
	return 0;
}

/*
 * `path` with its links resolved, each of them remembered: a recording is a tree, and what was read
 * through /sys/block/vda belongs where that link points. The last component is left alone with
 * `keep_last`.
 */
static int resolve(struct recorder *r, const char *path, bool keep_last, char out[PATH_SIZE])
{
	char rest[REST_SIZE], target[PATH_SIZE];
	int links = 0;

	snprintf(rest, sizeof(rest), "%s", path);
	out[0] = '\0';
	for (char *p = rest; *p;) {
		size_t n, used = strlen(out);
		char *next;

		p += strspn(p, "/");
		n = strcspn(p, "/");
		next = p + n;
		if (!n)
			break;
		if (n == 2 && !memcmp(p, "..", 2)) {
			cut(out);
			p = next;
			continue;
		}
		if (used + n + 2 > PATH_SIZE)
			return -ENAMETOOLONG;
		snprintf(out + used, PATH_SIZE - used, "/%.*s", (int)n, p);
		p = next;
		if ((keep_last && !next[strspn(next, "/")]) ||
		    r->inner->ops->readlink(r->inner, out, target, sizeof(target)))
			continue;
		if (++links > LINKS_MAX)
			return -ELOOP;
		remember(r, out, RECORDED_LINK, target, strlen(target));
		if (target[0] == '/')
			out[0] = '\0';
		else
			cut(out);
		if (splice(rest, target, next))
			return -ENAMETOOLONG;
		p = rest;
	}
	return 0;
}

static int recorder_read(struct sys *s, const char *path, char *buf, size_t size, size_t *len)
{
	struct recorder *r = (struct recorder *)s;
	char real[PATH_SIZE];
	int err = r->inner->ops->read(r->inner, path, buf, size, len);

	if (!err && !resolve(r, path, false, real))
		remember(r, real, RECORDED_FILE, buf, *len);
	return err;
}

static int recorder_list(struct sys *s, const char *path, char ***names)
{
	struct recorder *r = (struct recorder *)s;
	char real[PATH_SIZE], child[2 * PATH_SIZE];
	int err = r->inner->ops->list(r->inner, path, names);

	/* names in /proc are other people's processes */
	if (err || !strcmp(path, "/proc") || resolve(r, path, false, real))
		return err;
	for (size_t i = 0; (*names)[i]; i++) {
		char target[PATH_SIZE];

		snprintf(child, sizeof(child), "%s/%s", real, (*names)[i]);
		if (!r->inner->ops->readlink(r->inner, child, target, sizeof(target)))
			remember(r, child, RECORDED_LINK, target, strlen(target));
		else
			remember(r, child, RECORDED_NAME, NULL, 0);
	}
	return 0;
}

static int recorder_readlink(struct sys *s, const char *path, char *buf, size_t size)
{
	struct recorder *r = (struct recorder *)s;
	char real[PATH_SIZE];
	int err = r->inner->ops->readlink(r->inner, path, buf, size);

	if (!err && !resolve(r, path, true, real))
		remember(r, real, RECORDED_LINK, buf, strlen(buf));
	return err;
}

static int recorder_mode(struct sys *s, const char *path, mode_t *mode)
{
	struct recorder *r = (struct recorder *)s;
	struct recorded *e;
	char real[PATH_SIZE];
	int err = r->inner->ops->mode(r->inner, path, mode);

	if (err || resolve(r, path, false, real))
		return err;
	e = remember(r, real, RECORDED_NAME, NULL, 0);
	if (e && S_ISREG(*mode)) {
		e->has_mode = true;
		e->mode = *mode & 07777;
	}
	return 0;
}

static int recorder_nvme_admin(struct sys *s, const char *path, struct nvme_passthru_cmd64 *cmd)
{
	struct sys *inner = ((struct recorder *)s)->inner;

	return inner->ops->nvme_admin(inner, path, cmd);
}

/* The hash key of RSS is what keeps a stranger from filling one queue: it stays at home. */
static void forget_key(const struct genl_request *q, struct genl_replies *replies)
{
	enum { RSS_GET = 38, RSS_HKEY = 5 };
	struct genl_attr key;

	for (size_t i = 0; q->cmd == RSS_GET && !strcmp(q->family, "ethtool") && i < replies->n;
	     i++) {
		struct genl_reply *r = &replies->reply[i];

		if (!genl_find(r->attrs, r->len, RSS_HKEY, &key))
			memset(r->attrs + (key.data - r->attrs), 0, key.len);
	}
}

/* An answer is a file, too (sys/genl_recorded.h); what would change something is refused. */
static int recorder_genl(struct sys *s, const struct genl_request *q, struct genl_replies *replies,
			 char *words, size_t words_size)
{
	struct recorder *r = (struct recorder *)s;
	_free_ char *text = NULL;
	char path[PATH_SIZE], told[256] = "";
	int err;

	if (!genl_only_asks(q))
		return -EROFS;
	err = r->inner->ops->genl(r->inner, q, replies, told, sizeof(told));
	if (words_size)
		snprintf(words, words_size, "%s", told);
	if (err == -ENODATA || genl_recorded_path(q, path, sizeof(path)))
		return err;
	forget_key(q, replies);
	text = genl_recorded_text(err, told, replies);
	remember_text(r, path, text);
	return err;
}

static int recorder_ethtool(struct sys *s, const char *dev, void *cmd, size_t size)
{
	struct recorder *r = (struct recorder *)s;
	struct genl_replies answer = {0};
	_free_ char *text = NULL;
	char path[PATH_SIZE];
	int err, named;

	if (!ethtool_only_asks(cmd, size))
		return -EROFS;
	named = ethtool_recorded_path(dev, cmd, size, path, sizeof(path));
	err = r->inner->ops->ethtool(r->inner, dev, cmd, size);
	if (err == -ENODATA || named)
		return err;
	if (err || !genl_replies_add(&answer, cmd, size))
		text = genl_recorded_text(err, "", &answer);
	genl_replies_free(&answer);
	remember_text(r, path, text);
	return err;
}

static int refuse_write(struct sys *s, const char *path, const char *buf, size_t len)
{
	return -EROFS;
}

static int refuse_hold(struct sys *s, const char *path, const void *buf, size_t len, int *handle)
{
	return -EROFS;
}

static int refuse_release(struct sys *s, int handle)
{
	return -EBADF;
}

static int refuse_request(struct sys *s, const char *socket_path, const char *text, char *reply,
			  size_t size)
{
	return -EROFS;
}

static int refuse_signal(struct sys *s, pid_t pid, int number)
{
	return -EROFS;
}

static int refuse_affinity(struct sys *s, pid_t pid, const struct cpulist *cpus)
{
	return -EROFS;
}

static void recorder_close(struct sys *s)
{
	recorder_free((struct recorder *)s);
}

static const struct sys_ops recorder_ops = {
	.read = recorder_read,
	.write = refuse_write,
	.list = recorder_list,
	.readlink = recorder_readlink,
	.mode = recorder_mode,
	.nvme_admin = recorder_nvme_admin,
	.hold = refuse_hold,
	.release = refuse_release,
	.request = refuse_request,
	.signal = refuse_signal,
	.affinity = refuse_affinity,
	.genl = recorder_genl,
	.ethtool = recorder_ethtool,
	.close = recorder_close,
};

void recorder_init(struct recorder *r, struct sys *inner)
{
	*r = (struct recorder){
		.sys = {.ops = &recorder_ops, .live = inner->live},
		.inner = inner,
	};
}

void recorder_free(struct recorder *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->entry[i].path);
		free(r->entry[i].text);
	}
	free(r->entry);
	r->entry = NULL;
	r->n = 0;
}
