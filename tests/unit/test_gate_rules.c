// SPDX-License-Identifier: Apache-2.0
/* The gate's rules on recorded machines (a directory tree), and its files on this one. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "gate/gate.h"
#include "sys/sys.h"

static char root[64];
static struct sys *machine;

static void put(const char *path, const char *text)
{
	char full[512], command[1200];
	_file_ FILE *f = NULL;

	snprintf(full, sizeof(full), "%s%s", root, path);
	snprintf(command, sizeof(command), "mkdir -p \"$(dirname '%s')\"", full);
	assert_int_equal(system(command), 0);
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
}

static void link_to(const char *path, const char *target)
{
	char command[1200];

	snprintf(command, sizeof(command), "mkdir -p \"$(dirname '%s%s')\" && ln -sfn '%s' '%s%s'",
		 root, path, target, root, path);
	assert_int_equal(system(command), 0);
}

/* A disk, or a partition of `disk`, as sysfs shows it. */
static void device(const char *name, const char *disk, const char *numbers)
{
	char real[200], path[300], up[300];

	snprintf(real, sizeof(real), "/sys/devices/virtual/block/%s%s%s", disk ? disk : "",
		 disk ? "/" : "", name);
	snprintf(path, sizeof(path), "%s/dev", real);
	put(path, numbers);
	snprintf(up, sizeof(up), "../../%s", real + 5);
	snprintf(path, sizeof(path), "/sys/class/block/%s", name);
	link_to(path, up);
	snprintf(path, sizeof(path), "/sys/dev/block/%s", numbers);
	link_to(path, up);
	if (disk) {
		snprintf(path, sizeof(path), "%s/partition", real);
		put(path, name + strlen(name) - 1);
	} else {
		snprintf(path, sizeof(path), "/sys/block/%s", name);
		snprintf(up, sizeof(up), "../%s", real + 5);
		link_to(path, up);
	}
}

#define BLOCK "/sys/devices/virtual/block/"

static int set_up(void **state)
{
	strcpy(root, "/tmp/test_gate.XXXXXX");
	assert_non_null(mkdtemp(root));
	device("sda", NULL, "8:0");
	device("sda1", "sda", "8:1");
	device("sda2", "sda", "8:2");
	device("dm-0", NULL, "253:0");
	device("nvme0n1", NULL, "259:0");
	put("/proc/swaps", "Filename Type Size Used Priority\n");
	put("/proc/1/mountinfo", "22 1 0:21 / /proc rw - proc proc rw\n");
	link_to("/proc/1/ns/mnt", "mnt:[1]");
	return sys_open(root, &machine);
}

static int tear_down(void **state)
{
	char command[128];

	sys_close(machine);
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

static void assert_busy(const char *name, const char *words)
{
	struct diag d = {""};

	assert_int_equal(gate_in_use(machine, name, &d), -EBUSY);
	if (!strstr(d.text, words))
		fail_msg("\"%s\" lacks \"%s\"", d.text, words);
}

static void assert_unused(const char *name)
{
	struct diag d = {""};

	if (gate_in_use(machine, name, &d))
		fail_msg("%s", d.text);
}

static void test_unused(void **state)
{
	assert_unused("sda");
	assert_unused("sda1");
	assert_unused("dm-0");
}

static void test_mounted_in_another_namespace(void **state)
{
	put("/proc/77/mountinfo", "30 1 8:1 / /mnt/with\\040blank rw shared:1 - ext4 /dev/x rw\n");
	link_to("/proc/77/ns/mnt", "mnt:[2]");
	assert_busy("sda1", "sda1 is mounted on /mnt/with blank");
	assert_busy("sda", "sda1 is mounted on"); /* through its partition */
	assert_unused("sda2");			  /* a sibling is not touched */
}

static void test_whole_disk_mounted(void **state)
{
	put("/proc/1/mountinfo", "30 1 8:0 / /mnt rw - ext4 /dev/sda rw\n");
	assert_busy("sda2", "sda is mounted on");
}

static void test_anonymous_device_number(void **state)
{
	put("/proc/1/mountinfo", "30 1 0:44 / /data rw - btrfs /dev/sda2 rw\n");
	assert_busy("sda2", "sda2 is mounted on /data");
	assert_unused("sda1");
}

static void test_swap(void **state)
{
	put("/proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n");
	assert_busy("sda2", "sda2 is swap");
	assert_busy("sda", "sda2 is swap");
	assert_unused("sda1");
}

static void test_holders_and_slaves(void **state)
{
	put(BLOCK "sda/sda1/holders/dm-0", "");
	link_to(BLOCK "dm-0/slaves/sda1", "../../sda/sda1");
	assert_busy("sda1", "sda1 is held by dm-0");
	assert_busy("sda", "sda1 is held by dm-0");
	assert_unused("dm-0"); /* it is the holder itself */
	put("/proc/1/mountinfo", "30 1 8:1 / /below rw - ext4 /dev/sda1 rw\n");
	assert_busy("dm-0", "sda1 is mounted on /below");
	put("/proc/1/mountinfo", "");
	put(BLOCK "sda/sda1/holders/md7", "");
	assert_busy("dm-0", "sda1 is held by md7");
}

static void test_loop_on_a_device(void **state)
{
	device("loop3", NULL, "7:3");
	put(BLOCK "loop3/loop/backing_file", "/dev/sda2\n");
	assert_busy("sda2", "sda2 is what loop3 stands on");
	assert_busy("sda", "stands on");
	assert_unused("sda1");
	assert_unused("loop3");
	put("/proc/1/mountinfo", "30 1 8:2 / /below rw - ext4 /dev/sda2 rw\n");
	assert_busy("loop3", "sda2 is mounted on /below");
}

static void test_unreadable_is_busy(void **state)
{
	device("loop4", NULL, "7:4");
	put(BLOCK "loop4/loop/backing_file", "/somewhere/else\n");
	assert_busy("sda", "cannot see what loop4 stands on");
}

static void test_identity(void **state)
{
	char id[4][GATE_ID];
	size_t n;

	assert_int_equal(gate_identity(machine, "sda", id, 4, &n), -ENODATA);
	put(BLOCK "nvme0n1/eui", "00 00 00 00 00 00 00 00\n");
	put(BLOCK "nvme0n1/device/serial", "S1 23  \n");
	put(BLOCK "nvme0n1/nsid", "2\n");
	assert_int_equal(gate_identity(machine, "nvme0n1", id, 4, &n), 0);
	assert_int_equal(n, 1); /* zeros name nothing */
	assert_string_equal(id[0], "S123-ns2");
	put(BLOCK "nvme0n1/wwid", "eui.0025385b71b0aa10\n");
	assert_int_equal(gate_identity(machine, "nvme0n1", id, 4, &n), 0);
	assert_string_equal(id[0], "eui.0025385b71b0aa10");
	put(BLOCK "sda/device/wwid", "naa.5000\n");
	assert_int_equal(gate_identity(machine, "sda2", id, 4, &n), 0);
	assert_string_equal(id[0], "naa.5000-part2");
}

static int try_open(const char *path, bool write, struct diag *d)
{
	struct gate_request r = {.path = path, .write = write};
	struct gate_target t;
	int err = gate_open(NULL, &r, &t, d);

	if (!err)
		gate_close(&t);
	assert_int_equal(t.fd, -1);
	return err;
}

/* On the file system that the test runs on. */
static void test_scratch(void **state)
{
	char name[64], link[80];
	struct gate_place place;
	struct diag d = {""};
	struct stat st;
	int err;

	snprintf(name, sizeof(name), "test_gate_scratch.%d", (int)getpid());
	err = gate_scratch_create(NULL, name, 3000001, 1, -1, &d);
	if (err == -EMEDIUMTYPE || err == -EOPNOTSUPP) {
		print_message("skipped: %s\n", d.text);
		skip();
	}
	assert_int_equal(err, 0);
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_size, 3000001);
	assert_true(st.st_blocks * 512 >= st.st_size);
	assert_int_equal(gate_resolve(NULL, name, &place, &d), 0);
	assert_false(place.is_device);
	assert_true(place.n_leaves > 0);
	assert_int_equal(gate_scratch_create(NULL, name, 4096, 1, -1, &d), -EEXIST);
	assert_int_equal(try_open(name, true, &d), 0);
	snprintf(link, sizeof(link), "%s.link", name);
	assert_int_equal(symlink(name, link), 0);
	assert_int_equal(try_open(link, true, &d), -EPERM);
	assert_int_equal(try_open(link, false, &d), 0);
	unlink(link);
	/* with the mark of another inode, or none, it is not ours; reading stays allowed */
	assert_int_equal(setxattr(name, GATE_MARKER, "inode 1", 7, 0), 0);
	assert_int_equal(try_open(name, true, &d), -EPERM);
	assert_int_equal(removexattr(name, GATE_MARKER), 0);
	assert_int_equal(try_open(name, true, &d), -EPERM);
	assert_int_equal(try_open(name, false, &d), 0);
	unlink(name);
}

/* Whatever ends a layout, nothing has its name, and the next one is whole. */
static void test_layout_cut_short(void **state)
{
	char name[64];
	struct diag d = {""};
	int fd, err, cancel[2], status;
	pid_t pid;

	snprintf(name, sizeof(name), "test_gate_cut.%d", (int)getpid());
	assert_int_equal(pipe(cancel), 0);
	assert_int_equal(write(cancel[1], "x", 1), 1);
	err = gate_scratch_create(NULL, name, 1 << 20, 1, cancel[0], &d);
	if (err == -EMEDIUMTYPE || err == -EOPNOTSUPP) {
		print_message("skipped: %s\n", d.text);
		skip();
	}
	assert_int_equal(err, -EINTR);
	assert_int_equal(access(name, F_OK), -1);
	close(cancel[0]);
	close(cancel[1]);

	pid = fork();
	if (!pid) {
		gate_scratch_create(NULL, name, 1ull << 30, 1, -1, NULL);
		_exit(0);
	}
	usleep(20000);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status)); /* 1 GiB takes longer */
	assert_int_equal(access(name, F_OK), -1);

	assert_int_equal(gate_scratch_create(NULL, name, 1 << 20, 1, -1, &d), 0);
	fd = open(name, O_RDWR);
	assert_int_equal(gate_scratch_verify(fd, name, 1 << 20, &d), 0);
	/* as a layout of old left it: of full size, not written */
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	assert_int_equal(gate_scratch_verify(fd, name, 1 << 20, &d), -EIO);
	assert_int_equal(posix_fallocate(fd, 0, 1 << 20), 0);
	assert_int_equal(gate_scratch_verify(fd, name, 1 << 20, &d), -EIO);
	close(fd);
	unlink(name);
}

/* Root makes nothing where another user could turn it elsewhere. */
static void test_directories(void **state)
{
	char dir[] = "test_gate_dir.XXXXXX", link[64];
	struct diag d = {""};
	int fd;

	if (geteuid()) {
		print_message("skipped: a rule for root\n");
		skip();
	}
	assert_non_null(mkdtemp(dir));
	fd = gate_open_dir(dir, &d);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(gate_open_dir(dir, &d), -EPERM);
	assert_non_null(strstr(d.text, "chmod go-w"));
	assert_int_equal(chmod(dir, 01777), 0);
	fd = gate_open_dir(dir, &d);
	assert_true(fd >= 0);
	close(fd);
	snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(symlink("/", link), 0);
	fd = gate_open_dir(link, &d);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(lchown(link, 65534, 65534), 0);
	assert_int_equal(gate_open_dir(link, &d), -EPERM);
	assert_non_null(strstr(d.text, "symbolic link of user 65534"));
	assert_int_equal(chown(dir, 65534, 65534), 0);
	assert_int_equal(gate_open_dir(dir, &d), -EPERM);
	assert_non_null(strstr(d.text, "chown root"));
	unlink(link);
	rmdir(dir);
}

static void test_kinds(void **state)
{
	struct gate_place place;
	struct diag d = {""};

	assert_int_equal(try_open("/dev/null", false, &d), -EMEDIUMTYPE);
	assert_int_equal(try_open("/", false, &d), -EMEDIUMTYPE);
	assert_int_equal(gate_resolve(NULL, "/proc", &place, &d), -EMEDIUMTYPE);
}

#define RECORDED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RECORDED(test_unused),
		RECORDED(test_mounted_in_another_namespace),
		RECORDED(test_whole_disk_mounted),
		RECORDED(test_anonymous_device_number),
		RECORDED(test_swap),
		RECORDED(test_holders_and_slaves),
		RECORDED(test_loop_on_a_device),
		RECORDED(test_unreadable_is_busy),
		RECORDED(test_identity),
		cmocka_unit_test(test_scratch),
		cmocka_unit_test(test_layout_cut_short),
		cmocka_unit_test(test_directories),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
