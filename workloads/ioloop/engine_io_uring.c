// SPDX-License-Identifier: Apache-2.0
/* Reads and writes of files and block devices, and no-ops: the same code, another opcode. */
#include <string.h>

#include "ring.h"

static int open_rw(struct worker *w, struct diag *d)
{
	int err = ring_open(w, 0, d);
	struct ring *r = w->state;

	if (err)
		return err;
	r->opcode[DIR_READ] = w->o->fixedbufs ? IORING_OP_READ_FIXED : IORING_OP_READ;
	r->opcode[DIR_WRITE] = w->o->fixedbufs ? IORING_OP_WRITE_FIXED : IORING_OP_WRITE;
	return 0;
}

static int open_nop(struct worker *w, struct diag *d)
{
	int err = ring_open(w, 0, d);
	struct ring *r = w->state;

	if (err)
		return err;
	r->opcode[DIR_READ] = r->opcode[DIR_WRITE] = IORING_OP_NOP;
	w->expect = 0; /* what a no-op returns */
	return 0;
}

static int exchange(struct worker *w, unsigned n, unsigned min, uint64_t timeout_ns)
{
	struct ring *r = w->state;
	uint8_t flags = r->sqe_flags;
	bool fixed_file = flags & IOSQE_FIXED_FILE;
	const struct target *target = w->target;
	const uint32_t *batch = w->batch;
	const struct io *ios = w->io;
	uint32_t tail = r->u.sq_tail, bs = w->bs;

	for (unsigned i = 0; i < n; i++) {
		const struct io *io = &ios[batch[i]];
		struct io_uring_sqe *sqe = uring_sqe(&r->u, tail + i);

		*sqe = (struct io_uring_sqe){
			.opcode = r->opcode[io->dir],
			.flags = flags,
			.fd = fixed_file ? (int)io->file : target[io->file].gate.fd,
			.off = io->offset,
			.addr = (uint64_t)(uintptr_t)io->buf,
			.len = bs,
			.buf_index = (uint16_t)batch[i],
			.user_data = batch[i],
		};
	}
	r->u.sq_tail = tail + n;
	return ring_exchange(w, n, min, timeout_ns);
}

const struct engine_ops engine_io_uring = {
	.name = "io_uring",
	.uses = ENGINE_RING | ENGINE_IOPOLL | ENGINE_HIPRI,
	.open = open_rw,
	.exchange = exchange,
	.close = ring_close,
	.report = ring_report,
};

const struct engine_ops engine_nop = {
	.name = "nop",
	.uses = ENGINE_RING | ENGINE_NO_FILE,
	.open = open_nop,
	.exchange = exchange,
	.close = ring_close,
	.report = ring_report,
};
