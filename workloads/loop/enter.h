/* SPDX-License-Identifier: Apache-2.0 */
/* io_uring_enter(2), Linux 5.1. In line where that is easy: the C library's syscall(3) shuffles
 * seven arguments, which shows at ten million no-ops a second. Returns the kernel's value. */
#pragma once
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline long ring_enter(int fd, unsigned to_submit, unsigned min_complete, unsigned flags,
			      const void *arg, size_t size)
{
#ifdef __x86_64__
	register long r10 __asm__("r10") = (long)flags;
	register long r8 __asm__("r8") = (long)arg;
	register long r9 __asm__("r9") = (long)size;
	long ret = __NR_io_uring_enter;

	__asm__ volatile("syscall"
			 : "+a"(ret)
			 : "D"((long)fd), "S"((long)to_submit), "d"((long)min_complete), "r"(r10),
			   "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
#else
	long ret = syscall(__NR_io_uring_enter, fd, to_submit, min_complete, flags, arg, size);

	return ret < 0 ? -errno : ret;
#endif
}
