/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only way to the kernel's files: every read and write of procfs, sysfs and devices goes
 * through a `struct sys`, so that the same code runs on this machine ("/"), on a recorded one (a
 * directory) and on an in-memory one that fails at call N (sys_memory.h).
 *
 * Paths are absolute ("/sys/block/vda/queue/scheduler"). All functions return 0 or -errno and touch
 * no diag: the caller knows what the path meant. Model: util-linux lib/path.c.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cpulist;
struct sys;
struct nvme_passthru_cmd64;
struct genl_request;
struct genl_replies;
struct sys_namespace;

struct sys_ops {
	/* Whole file into `buf`, NUL-terminated, at most size - 1 bytes; *len without the NUL.
	 * -EFBIG when it does not fit. */
	int (*read)(struct sys *s, const char *path, char *buf, size_t size, size_t *len);
	/* One write(2) of an existing file (O_WRONLY | O_NOFOLLOW, never created, never truncated).
	 */
	int (*write)(struct sys *s, const char *path, const char *buf, size_t len);
	/* Names in a directory, sorted, without "." and ".."; *names is NULL-terminated, one
	 * allocation that the caller frees with free(). */
	int (*list)(struct sys *s, const char *path, char ***names);
	int (*readlink)(struct sys *s, const char *path, char *buf, size_t size);
	/* Mode bits of the file itself, links followed. -ENOENT when it is not there. */
	int (*mode)(struct sys *s, const char *path, mode_t *mode);
	/* NVMe admin command on a controller or namespace node (NVME_IOCTL_ADMIN64_CMD). Returns 0,
	 * -errno, or the positive NVMe status code. */
	int (*nvme_admin)(struct sys *s, const char *path, struct nvme_passthru_cmd64 *cmd);
	/* Open `path` for writing, write `buf`, keep it open: state that the kernel undoes by
	 * itself when the descriptor closes (/dev/cpu_dma_latency). *handle >= 0 on success. */
	int (*hold)(struct sys *s, const char *path, const void *buf, size_t len, int *handle);
	int (*release)(struct sys *s, int handle);
	/* One request over a stream socket; the answer until its end, NUL-terminated, into `reply`.
	 * Waits for it for 65 s at most. */
	int (*request)(struct sys *s, const char *socket_path, const char *text, char *reply,
		       size_t size);
	/* kill(2); only SIGSTOP and SIGCONT of a daemon that would undo a setting. */
	int (*signal)(struct sys *s, pid_t pid, int signal);
	/* sched_setaffinity(2) of one thread; only of kernel threads that a knob is about. */
	int (*affinity)(struct sys *s, pid_t pid, const struct cpulist *cpus);
	/* Generic netlink and SIOCETHTOOL (sys/genl.h). */
	int (*genl)(struct sys *s, const struct genl_request *r, struct genl_replies *replies,
		    char *words, size_t words_size);
	int (*ethtool)(struct sys *s, const char *dev, void *cmd, size_t size);
	void (*close)(struct sys *s);
};

struct sys {
	const struct sys_ops *ops;
	bool live; /* this machine itself: ioctl, perf and probing system calls make sense */
	struct sys_namespace *namespaces; /* netns.c; see sys/netns.h */
};

/* On a recorded machine, lines of "0444 /path": the mode bits that sys_mode() reports. */
#define RECORDED_MODES "/machine/modes"

/* This machine (`root` NULL or "/"), or a recorded one under directory `root`, read-only (writes
 * give -EROFS). -errno when `root` cannot be opened. Freed by sys_close(). */
int sys_open(const char *root, struct sys **s);
void sys_close(struct sys *s);

int sys_read(struct sys *s, const char *path, char *buf, size_t size);
int sys_write(struct sys *s, const char *path, const char *value);
int sys_list(struct sys *s, const char *path, char ***names);
int sys_readlink(struct sys *s, const char *path, char *buf, size_t size);
int sys_mode(struct sys *s, const char *path, mode_t *mode);
bool sys_exists(struct sys *s, const char *path);

/* First line of the file that the format names, white space at its end removed. */
__attribute__((format(printf, 4, 5))) int sys_readf(struct sys *s, char *buf, size_t size,
						    const char *fmt, ...);
/* The same as a number. -EINVAL when it is none. */
__attribute__((format(printf, 3, 4))) int sys_readf_i64(struct sys *s, int64_t *value,
							const char *fmt, ...);
/* A whole file of unknown size (at most 16 MiB); the caller frees *text. */
int sys_read_all(struct sys *s, const char *path, char **text, size_t *len);
/* Last component of a link's target ("driver" -> "nvme"). */
__attribute__((format(printf, 4, 5))) int sys_linkf_name(struct sys *s, char *buf, size_t size,
							 const char *fmt, ...);
