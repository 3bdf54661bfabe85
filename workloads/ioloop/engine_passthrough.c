// SPDX-License-Identifier: Apache-2.0
/* NVMe reads and writes on a namespace's generic device (/dev/ngXnY): IORING_OP_URING_CMD, Linux
 * 5.19; with registered buffers and IOPOLL since 6.1. No block layer, hence no block statistics. */
#include <errno.h>
#include <linux/nvme_ioctl.h>
#include <string.h>

#include "ring.h"

enum { NVME_WRITE = 0x01, NVME_READ = 0x02 };
#define NVME_RW_FUA (1u << 30) /* command dword 12: on stable storage when complete */

static int check_targets(const struct worker *w, struct diag *d)
{
	for (uint32_t i = 0; i < w->n_targets; i++) {
		const struct gate_target *g = &w->target[i].gate;

		if (g->kind != GATE_NVME_GENERIC)
			return diag_set(d, -EMEDIUMTYPE,
					"%s: engine io_uring-passthrough needs a namespace's "
					"generic device (/dev/ngXnY)",
					w->target[i].path);
		if (w->bs % g->block_bytes || w->target[i].base % g->block_bytes ||
		    w->bs / g->block_bytes > 65536)
			return diag_set(d, -EINVAL,
					"%s: --bs and --offset must be multiples of its block of "
					"%u bytes",
					w->target[i].path, g->block_bytes);
	}
	return 0;
}

static int open_passthrough(struct worker *w, struct diag *d)
{
	int err = check_targets(w, d);
	struct ring *r;

	if (!err)
		err = ring_open(w, IORING_SETUP_SQE128 | IORING_SETUP_CQE32, d);
	if (err)
		return err;
	r = w->state;
	r->opcode[DIR_READ] = NVME_READ;
	r->opcode[DIR_WRITE] = NVME_WRITE;
	w->expect = 0; /* NVMe status: success */
	return 0;
}

static int exchange(struct worker *w, unsigned n, unsigned min, uint64_t timeout_ns)
{
	struct ring *r = w->state;
	bool fixed_file = r->sqe_flags & IOSQE_FIXED_FILE;
	uint32_t fua = w->o->sync[0] == 'd' ? NVME_RW_FUA : 0;

	for (unsigned i = 0; i < n; i++) {
		uint32_t slot = w->batch[i];
		const struct io *io = &w->io[slot];
		const struct gate_target *g = &w->target[io->file].gate;
		struct io_uring_sqe *sqe = uring_sqe(&r->u, r->u.sq_tail++);
		struct nvme_uring_cmd *cmd = (void *)sqe->cmd;
		uint64_t lba = io->offset / g->block_bytes;

		memset(sqe, 0, 128);
		sqe->opcode = IORING_OP_URING_CMD;
		sqe->flags = r->sqe_flags;
		sqe->fd = fixed_file ? (int)io->file : g->fd;
		sqe->cmd_op = NVME_URING_CMD_IO;
		sqe->user_data = slot;
		if (w->o->fixedbufs) {
			sqe->rw_flags = IORING_URING_CMD_FIXED; /* uring_cmd_flags */
			sqe->buf_index = (uint16_t)slot;
		}
		cmd->opcode = r->opcode[io->dir];
		cmd->nsid = g->nsid;
		cmd->addr = (uint64_t)(uintptr_t)io->buf;
		cmd->data_len = w->bs;
		cmd->cdw10 = (uint32_t)lba;
		cmd->cdw11 = (uint32_t)(lba >> 32);
		cmd->cdw12 = (w->bs / g->block_bytes - 1) | (io->dir == DIR_WRITE ? fua : 0);
	}
	return ring_exchange(w, n, min, timeout_ns);
}

const struct engine_ops engine_passthrough = {
	.name = "io_uring-passthrough",
	.uses = ENGINE_RING | ENGINE_IOPOLL | ENGINE_HIPRI,
	.open = open_passthrough,
	.exchange = exchange,
	.close = ring_close,
	.report = ring_report,
};
