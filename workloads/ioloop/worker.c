// SPDX-License-Identifier: Apache-2.0
/* What a worker needs before it runs. */
#include "worker.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PAGE 4096u

static int pin(const struct worker *w, struct diag *d)
{
	const struct cpulist *list = &w->o->cpus;
	bool split = !strcmp(w->o->cpus_policy, "split");
	cpu_set_t set;

	if (!list->n)
		return 0;
	CPU_ZERO(&set);
	for (size_t i = 0; i < list->n; i++) {
		if (list->cpu[i] >= CPU_SETSIZE)
			return diag_set(d, -EINVAL, "--cpus-allowed: CPU %u is above %d",
					list->cpu[i], CPU_SETSIZE - 1);
		if (!split || i == w->index % list->n)
			CPU_SET(list->cpu[i], &set);
	}
	if (sched_setaffinity(0, sizeof(set), &set))
		return diag_errno(d, -errno, "--cpus-allowed %s", w->o->cpus_text);
	return 0;
}

/* set_mempolicy(2), Linux 2.6.7; holds for the buffers and for what the kernel allocates for us. */
static int bind_memory(const struct worker *w, struct diag *d)
{
	unsigned long mask[1024 / (8 * sizeof(long))] = {0};
	uint64_t node = w->o->memory_node;

	if (node == OPTION_UNSET)
		return 0;
	mask[node / (8 * sizeof(long))] |= 1ul << node % (8 * sizeof(long));
	if (syscall(SYS_set_mempolicy, MPOL_BIND, mask, 1024 + 1))
		return diag_errno(d, -errno, "--memory-node %llu", (unsigned long long)node);
	return 0;
}

/* Random data, so that no device or file system can make it smaller or drop it. */
static void touch(struct worker *w)
{
	struct rng rng;
	uint64_t *word = (uint64_t *)w->arena;

	rng_seed(&rng, w->o->randseed * 1000003 + w->index + 1);
	for (size_t i = 0; i < w->arena_bytes / sizeof(*word); i++)
		word[i] = rng_next(&rng);
}

static int alloc_buffers(struct worker *w, struct diag *d)
{
	size_t each = ((size_t)w->bs + PAGE - 1) / PAGE * PAGE;

	w->arena_bytes = each * w->depth;
	w->arena = mmap(NULL, w->arena_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	if (w->arena == MAP_FAILED) {
		w->arena = NULL;
		return diag_errno(d, -errno, "no %zu bytes for buffers", w->arena_bytes);
	}
	touch(w);
	for (uint32_t i = 0; i < w->depth; i++) {
		w->io[i].buf = w->arena + i * each;
		w->io[i].dir = w->o->reads ? DIR_READ : DIR_WRITE;
		w->free[w->depth - 1 - i] = i;
	}
	w->n_free = w->depth;
	return 0;
}

int worker_alloc(struct worker *w, struct diag *d)
{
	int err = pin(w, d);

	if (!err)
		err = bind_memory(w, d);
	if (err)
		return err;
	w->io = calloc(w->depth, sizeof(*w->io));
	w->free = calloc(w->depth, sizeof(*w->free));
	w->batch = calloc(w->depth, sizeof(*w->batch));
	w->done = calloc(2 * w->depth, sizeof(*w->done));
	w->interval = calloc(INTERVALS_MAX, sizeof(*w->interval));
	w->next_block = calloc(w->n_targets, sizeof(*w->next_block));
	if (!w->io || !w->free || !w->batch || !w->done || !w->interval || !w->next_block)
		return diag_set(d, -ENOMEM, "out of memory");
	rng_seed(&w->rng, w->o->randseed + w->index * 0x9e3779b97f4a7c15u);
	/* jobs that read in sequence begin at even distances, each in a stretch of its own */
	for (uint32_t i = 0; i < w->n_targets; i++)
		w->next_block[i] = w->target[i].blocks * w->index / w->o->numjobs;
	return alloc_buffers(w, d);
}

void worker_free(struct worker *w)
{
	if (w->arena)
		munmap(w->arena, w->arena_bytes);
	free(w->io);
	free(w->free);
	free(w->batch);
	free(w->done);
	free(w->interval);
	free(w->next_block);
}
