/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine in memory, for tests: files with kernel-like habits, NVMe features, an irqbalance
 * socket, held descriptors; and any call can be made to fail. Freed by sys_close().
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sys;
struct genl_request;
struct genl_replies;

struct sys *sys_memory_new(void);

/* A file, replaced when it is there. A file whose mode has no write bit answers writes with
 * -EACCES. Directories are what the paths of files and links imply. */
void sys_memory_file(struct sys *s, const char *path, mode_t mode, const char *content);
void sys_memory_link(struct sys *s, const char *path, const char *target);
void sys_memory_remove(struct sys *s, const char *path);
/* As it stands now, borrowed; NULL when there is no such file. */
const char *sys_memory_content(struct sys *s, const char *path);

/* What a write does instead of replacing the content: 0 or -errno. It may change other files. */
typedef int memory_write(struct sys *s, const char *path, const char *value);
void sys_memory_on_write(struct sys *s, const char *path, memory_write *fn);
/* The usual one for "a [b] c" files: moves the brackets, -EINVAL for an unknown word. */
int sys_memory_choose(struct sys *s, const char *path, const char *value);

/* The value of an NVMe feature by its identifier and, for 09h, vector index; `writable` false makes
 * Set Features answer "feature not changeable" (10Eh). */
void sys_memory_nvme(struct sys *s, const char *path, uint8_t feature, uint16_t index,
		     uint32_t value, bool writable);
uint32_t sys_memory_nvme_value(struct sys *s, const char *path, uint8_t feature, uint16_t index);
/* True when a Set Features ever carried the save bit. */
bool sys_memory_nvme_saved(struct sys *s);

/* An irqbalance daemon: its process, its socket, its list of banned interrupts ("29 30"). */
void sys_memory_irqbalance(struct sys *s, int pid, const char *banned);
const char *sys_memory_banned(struct sys *s);

/*
 * What generic netlink and SIOCETHTOOL answer; without one, as a kernel that has neither (-ENOENT,
 * -EOPNOTSUPP). An answer is built with genl_replies_add() from a stream made by genl_put_*(), a
 * change is remembered by the test itself. Counted as one call each, a change as a write. `s` is
 * the system that was asked: the namespace's own.
 */
typedef int memory_genl(struct sys *s, const struct genl_request *r, struct genl_replies *replies,
			char *words, size_t words_size);
typedef int memory_ethtool(struct sys *s, const char *dev, void *cmd, size_t size);
void sys_memory_on_genl(struct sys *s, memory_genl *fn);
void sys_memory_on_ethtool(struct sys *s, memory_ethtool *fn);
/* A network namespace: a machine of its own, whose calls count as calls of `s`. It goes with
 * sys_netns_drop() or with `s`. */
struct sys *sys_memory_netns(struct sys *s, const char *label);

/* How many handles of hold() are open. */
unsigned sys_memory_held(struct sys *s);

enum memory_fault {
	FAULT_ONCE,   /* call N fails without effect */
	FAULT_AFTER,  /* call N has its effect and fails all the same */
	FAULT_DEAD,   /* call N and every later one fails: the process or the machine is gone */
	FAULT_WRITES, /* from call N on every write to the machine fails; reads work */
};

/* Call `n` (from 1) fails with `err`; n 0: healthy. The count starts anew. */
void sys_memory_fail(struct sys *s, unsigned long n, int err, enum memory_fault kind);
/* Calls since then. */
unsigned long sys_memory_calls(struct sys *s);
/* Count one call of something else (a journal) and say what it has to return. *after: do it, then
 * fail. */
int sys_memory_step(struct sys *s, bool is_write, bool *after);
