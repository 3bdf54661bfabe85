// SPDX-License-Identifier: Apache-2.0
#include "sys/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "sys/detached.h"
#include "sys/sys_private.h"

/* One known namespace of a machine. */
struct sys_namespace {
	char label[NETNS_LABEL_MAX];
	struct sys *inside;
	struct sys_namespace *next;
};

static int own_namespace(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* A thread that is left in a foreign namespace would write to other devices of the same names:
 * better none at all. */
static void go_back(int own)
{
	if (setns(own, CLONE_NEWNET))
		abort();
}

int netns_call(int fd, int (*fn)(void *arg), void *arg)
{
	_fd_ int own = own_namespace();
	int result;

	if (own < 0)
		return own;
	if (setns(fd, CLONE_NEWNET))
		return -errno;
	result = fn(arg);
	go_back(own);
	return result;
}

int netns_create(int *fd, struct diag *d)
{
	_fd_ int own = own_namespace();

	*fd = -1;
	if (own < 0)
		return diag_errno(d, own, "/proc/thread-self/ns/net");
	if (unshare(CLONE_NEWNET)) {
		int err = -errno;

		return diag_errno(d, err, "a network namespace cannot be made%s",
				  err == -EPERM ? " without root (CAP_SYS_ADMIN)" : "");
	}
	*fd = own_namespace();
	go_back(own);
	return *fd < 0 ? diag_errno(d, *fd, "the new network namespace") : 0;
}

/* sysfs shows the network devices of the namespace in which its mount was made. */
static int mount_sysfs(void *arg)
{
	return detached_open("sysfs", false);
}

/* A system inside a namespace: every call enters it, asks `real`, and comes back. */
struct inside {
	struct sys sys;
	struct sys *real;
	int fd; /* borrowed */
};

/* /proc/net is a link to "self", which is the process's first thread and not this one. */
static const char *thread_path(const char *path, char *buf, size_t size)
{
	static const char net[] = "/proc/net/";

	if (strncmp(path, net, strlen(net)))
		return path;
	snprintf(buf, size, "/proc/thread-self/net/%s", path + strlen(net));
	return buf;
}

/* Statements around a call into `real`; `own` is where the thread came from. */
#define ENTER(s)                                  \
	struct inside *in = (struct inside *)(s); \
	_fd_ int own = own_namespace();           \
	int result;                               \
                                                  \
	if (own < 0)                              \
		return own;                       \
	if (setns(in->fd, CLONE_NEWNET))          \
		return -errno;
#define LEAVE()       \
	go_back(own); \
	return result

static int inside_read(struct sys *s, const char *path, char *buf, size_t size, size_t *len)
{
	char thread[512];

	ENTER(s);
	result = in->real->ops->read(in->real, thread_path(path, thread, sizeof(thread)), buf, size,
				     len);
	LEAVE();
}

static int inside_write(struct sys *s, const char *path, const char *buf, size_t len)
{
	ENTER(s);
	result = in->real->ops->write(in->real, path, buf, len);
	LEAVE();
}

static int inside_list(struct sys *s, const char *path, char ***names)
{
	char thread[512];

	ENTER(s);
	result = in->real->ops->list(in->real, thread_path(path, thread, sizeof(thread)), names);
	LEAVE();
}

static int inside_readlink(struct sys *s, const char *path, char *buf, size_t size)
{
	ENTER(s);
	result = in->real->ops->readlink(in->real, path, buf, size);
	LEAVE();
}

static int inside_mode(struct sys *s, const char *path, mode_t *mode)
{
	char thread[512];

	ENTER(s);
	result = in->real->ops->mode(in->real, thread_path(path, thread, sizeof(thread)), mode);
	LEAVE();
}

static int inside_genl(struct sys *s, const struct genl_request *r, struct genl_replies *replies,
		       char *words, size_t words_size)
{
	ENTER(s);
	result = in->real->ops->genl(in->real, r, replies, words, words_size);
	LEAVE();
}

static int inside_ethtool(struct sys *s, const char *dev, void *cmd, size_t size)
{
	ENTER(s);
	result = in->real->ops->ethtool(in->real, dev, cmd, size);
	LEAVE();
}

/* What has nothing to do with the network goes through. */
static int inside_nvme_admin(struct sys *s, const char *path, struct nvme_passthru_cmd64 *cmd)
{
	struct sys *real = ((struct inside *)s)->real;

	return real->ops->nvme_admin(real, path, cmd);
}

static int inside_hold(struct sys *s, const char *path, const void *buf, size_t len, int *handle)
{
	struct sys *real = ((struct inside *)s)->real;

	return real->ops->hold(real, path, buf, len, handle);
}

static int inside_release(struct sys *s, int handle)
{
	struct sys *real = ((struct inside *)s)->real;

	return real->ops->release(real, handle);
}

static int inside_request(struct sys *s, const char *socket_path, const char *text, char *reply,
			  size_t size)
{
	struct sys *real = ((struct inside *)s)->real;

	return real->ops->request(real, socket_path, text, reply, size);
}

static int inside_signal(struct sys *s, pid_t pid, int number)
{
	struct sys *real = ((struct inside *)s)->real;

	return real->ops->signal(real, pid, number);
}

static int inside_affinity(struct sys *s, pid_t pid, const struct cpulist *cpus)
{
	struct sys *real = ((struct inside *)s)->real;

	return real->ops->affinity(real, pid, cpus);
}

static void inside_close(struct sys *s)
{
	sys_close(((struct inside *)s)->real);
	free(s);
}

static const struct sys_ops inside_ops = {
	.read = inside_read,
	.write = inside_write,
	.list = inside_list,
	.readlink = inside_readlink,
	.mode = inside_mode,
	.nvme_admin = inside_nvme_admin,
	.hold = inside_hold,
	.release = inside_release,
	.request = inside_request,
	.signal = inside_signal,
	.affinity = inside_affinity,
	.genl = inside_genl,
	.ethtool = inside_ethtool,
	.close = inside_close,
};

int sys_netns_attach(struct sys *s, const char *label, struct sys *inside)
{
	struct sys_namespace *new;

	if (!*label || strlen(label) >= sizeof(new->label) || strpbrk(label, "@#:/"))
		return -EINVAL;
	if (sys_netns(s, label))
		return -EEXIST;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	strcpy(new->label, label);
	new->inside = inside;
	new->next = s->namespaces;
	s->namespaces = new;
	return 0;
}

int sys_netns_add(struct sys *s, const char *label, int fd, struct diag *d)
{
	struct inside *in;
	int sysfs, err;

	if (!s->live)
		return diag_set(d, -EROFS, "a recorded machine has no other namespaces");
	in = calloc(1, sizeof(*in));
	if (!in)
		return diag_errno(d, -ENOMEM, "namespace \"%s\"", label);
	in->sys = (struct sys){.ops = &inside_ops, .live = true};
	in->fd = fd;
	sysfs = netns_call(fd, mount_sysfs, NULL);
	err = sysfs < 0 ? sysfs : sys_open_with_sysfs(sysfs, &in->real);
	if (!err)
		err = sys_netns_attach(s, label, &in->sys);
	if (err) {
		sys_close(in->real);
		free(in);
		return diag_errno(d, err, "namespace \"%s\"", label);
	}
	return 0;
}

void sys_netns_drop(struct sys *s, const char *label)
{
	for (struct sys_namespace **at = &s->namespaces; *at; at = &(*at)->next) {
		struct sys_namespace *gone = *at;

		if (strcmp(gone->label, label))
			continue;
		*at = gone->next;
		sys_close(gone->inside);
		free(gone);
		return;
	}
}

void sys_netns_drop_all(struct sys *s)
{
	while (s->namespaces)
		sys_netns_drop(s, s->namespaces->label);
}

struct sys *sys_netns(struct sys *s, const char *label)
{
	for (struct sys_namespace *n = s->namespaces; n; n = n->next)
		if (!strcmp(n->label, label))
			return n->inside;
	return NULL;
}

int sys_netns_each(struct sys *s, int (*fn)(void *arg, const char *label, int fd), void *arg)
{
	int result = 0;

	for (struct sys_namespace *n = s->namespaces; !result && n; n = n->next)
		result = fn(arg, n->label,
			    n->inside->ops == &inside_ops ? ((struct inside *)n->inside)->fd : -1);
	return result;
}

int sys_netns_split(struct sys *s, const char *instance, char *dev, size_t size,
		    struct sys **inside)
{
	size_t len = strcspn(instance, "@#:/");
	const char *at = instance + len;
	char label[NETNS_LABEL_MAX];

	if (!len || len >= size)
		return -EINVAL;
	memcpy(dev, instance, len);
	dev[len] = '\0';
	*inside = s;
	if (*at != '@')
		return 0;
	len = strcspn(++at, "@#:/");
	if (!len || len >= sizeof(label) || at[len] == '@')
		return -EINVAL;
	memcpy(label, at, len);
	label[len] = '\0';
	*inside = sys_netns(s, label);
	return *inside ? 0 : -ENODEV;
}
