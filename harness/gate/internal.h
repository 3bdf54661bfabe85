/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the gate only. */
#pragma once
#include "gate/gate.h"

/* `*s` when given, else this machine in *own, which the caller closes. */
int gate_sys(struct sys **s, struct sys **own);
/* Numbers of block device `name`. */
int gate_dev_of(struct sys *s, const char *name, unsigned *major, unsigned *minor);
/* Numbers of the block device a path like "/dev/sda1" names; -ENOTBLK when it is none. */
int gate_dev_of_path(struct sys *s, const char *path, unsigned *major, unsigned *minor);
/* What loop device `name` stands on: device number and inode of the file, and the number of the
 * block device if the "file" is one (both 0 otherwise). -ENODEV when it is not bound. */
struct gate_backing {
	unsigned major, minor; /* of the file system that holds the file */
	uint64_t inode;
	unsigned rmajor, rminor; /* of the file itself, when it is a block device */
};
int gate_backing_of(struct sys *s, const char *loop, struct gate_backing *b);
/* Refuse a regular file that a loop device stands on. */
int gate_file_in_use(struct sys *s, unsigned major, unsigned minor, uint64_t inode, struct diag *d);
