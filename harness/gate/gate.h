/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The write gate: the one place that decides whether a path may be measured and whether it may be
 * written (DESIGN §3.10). iomodes, ioloop and the adapters all open their targets here.
 *
 * Reading is the default and allowed on every regular file and block device the caller can open.
 * Writing is allowed on
 *  - a regular file that gate_scratch_create() made: its marker, the extended attribute
 *    GATE_MARKER, names its own inode, so that a copy of it is not taken for it;
 *  - a block device, or the namespace behind an NVMe generic device (/dev/ngXnY), that nothing
 *    uses and whose identity the caller has given.
 * A device in use is refused whatever is given: there is no override. In use means: it, its disk,
 * one of its partitions or a device below it is mounted in any mount namespace that /proc shows, is
 * swap, has a holder (dm, md, bcache …) or a loop device on it, or the kernel refuses O_EXCL. The
 * exclusive open is held as long as the target is, so nothing can come to use it meanwhile.
 * A device that shows none of these is not thereby "empty"; hence the identity.
 *
 * Identity, the first that exists (gate_identity() lists all): wwid, nguid, eui, uuid of a
 * namespace; wwid or serial of a SCSI or virtio disk; an NVMe serial with "-nsN"; dm/uuid. A loop
 * device has none of its own and gets that of its backing file: "loop-MAJOR:MINOR-INODE". A
 * partition's is its disk's with "-partN". A device without identity is never written.
 *
 * `s` is the system to look at, NULL for this machine. Functions return 0 or -errno with the reason
 * in `d`: -EPERM refused by rule, -EBUSY in use, -EMEDIUMTYPE the wrong kind of thing.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct diag;
struct sys;

#define GATE_MARKER "user.iomodes.scratch"
#define GATE_NAME   64
#define GATE_ID	    160

enum gate_kind { GATE_FILE, GATE_BLOCK, GATE_NVME_GENERIC };

struct gate_request {
	const char *path;
	bool write;
	const char *write_id; /* identity the caller claims, NULL: none */
	int flags;	      /* added to open(2)'s: O_DIRECT, O_DSYNC */
};

struct gate_target {
	int fd;
	int claim_fd; /* the exclusively opened block device behind a generic device, or -1 */
	enum gate_kind kind;
	bool writable;
	char device[GATE_NAME]; /* block device below /sys/class/block; "" for a file */
	char id[GATE_ID];	/* its first identity; "" when it has none, or for a file */
	uint64_t size_bytes;
	uint32_t block_bytes; /* logical block of a device; 0 for a file */
	uint32_t nsid;	      /* NVMe generic device */
};

/* Open `r->path`, checked on the opened descriptor. On success the caller owns *t: gate_close(). */
int gate_open(struct sys *s, const struct gate_request *r, struct gate_target *t, struct diag *d);
void gate_close(struct gate_target *t);

/* Make a scratch file of `size` bytes of random data at `path`, which must not exist, in a
 * directory that gate_open_dir() takes. It is laid out without a name (O_TMPFILE, Linux 3.11),
 * fsynced, verified, and only then given its name: neither a failure nor kill -9 nor a crash leaves
 * anything behind. -EINTR when `cancel_fd` (-1: none; it is polled, not read) becomes readable. */
int gate_scratch_create(struct sys *s, const char *path, uint64_t size, uint64_t seed,
			int cancel_fd, struct diag *d);
/* 0 when each of the `size` bytes lies in a written extent of the device (SEEK_HOLE, FIEMAP), -EIO
 * when not: reading the rest would measure the page cache's zeros. */
int gate_scratch_verify(int fd, const char *path, uint64_t size, struct diag *d);

/* Open a directory to make files in; the caller closes. -EPERM, with what to do, when we are root
 * and another user could turn what is put there elsewhere: he owns the directory or a symbolic link
 * on the way, or the directory is writable by others without the sticky bit. */
int gate_open_dir(const char *path, struct diag *d);

/* Where the data of a path lives. */
#define GATE_LEAVES_MAX 16
struct gate_place {
	bool is_device;			       /* the path is a block device itself */
	char fs[32];			       /* "ext4"; "" for a device */
	char device[GATE_NAME];		       /* the device that holds it: "vda1", "dm-0" */
	char disk[GATE_NAME];		       /* the whole disk that is part of: "vda", "dm-0" */
	char leaf[GATE_LEAVES_MAX][GATE_NAME]; /* disks at the bottom, below dm, md and loop */
	size_t n_leaves;
};

/* `path` is a file, a directory or a device node. -EMEDIUMTYPE with the reason for file systems
 * whose I/O cannot be told apart on one block device (tmpfs, overlay, network, btrfs, zfs …). */
int gate_resolve(struct sys *s, const char *path, struct gate_place *p, struct diag *d);

/* -EBUSY with the reason when block device `name` (below /sys/class/block) is in use, else 0. */
int gate_in_use(struct sys *s, const char *name, struct diag *d);
/*
 * May the devices be taken away from everybody, as a driver rebind does? The first `n_disks` of
 * `devices` are block devices: none may be in use as above, nor refuse O_EXCL; neither they nor the
 * rest (character devices below /dev) may be open in any process. Waits up to 2 s for a passing
 * user (udev). -EBUSY with the reason.
 */
int gate_idle(struct sys *s, const char *const *devices, size_t n, size_t n_disks, struct diag *d);
/* Identities of `name`, best first; *n of at most `max`. -ENODATA when it has none. */
int gate_identity(struct sys *s, const char *name, char id[][GATE_ID], size_t max, size_t *n);
/* Name of block device major:minor ("vda1"), and of the disk `name` is part of. */
int gate_name_of(struct sys *s, unsigned major, unsigned minor, char name[static GATE_NAME]);
int gate_disk_of(struct sys *s, const char *name, char disk[static GATE_NAME]);
