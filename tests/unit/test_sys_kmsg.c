// SPDX-License-Identifier: Apache-2.0
/* Records of /dev/kmsg and the health page of an NVMe drive, as bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sys/kmsg.h"
#include "sys/nvme_smart.h"

static void test_parse(void **state)
{
	struct kmsg_line line;
	char lengthy[600] = "3,1,2,-;";

	assert_int_equal(kmsg_parse("4,812,5140900,-;nvme nvme0: I/O 12 QID 1 timeout\n"
				    " SUBSYSTEM=nvme\n DEVICE=c241:0\n",
				    &line),
			 0);
	assert_int_equal(line.level, 4);
	assert_false(line.user);
	assert_int_equal(line.time_us, 5140900);
	assert_string_equal(line.text, "nvme nvme0: I/O 12 QID 1 timeout");
	assert_int_equal(kmsg_parse("30,9,1,-,caller=T1;systemd[1]: Started x; y.\n", &line), 0);
	assert_true(line.user); /* facility 3 (daemon), level 6 */
	assert_int_equal(line.level, 6);
	assert_string_equal(line.text, "systemd[1]: Started x; y.");
	memset(lengthy + strlen(lengthy), 'x', 500);
	assert_int_equal(kmsg_parse(lengthy, &line), 0);
	assert_int_equal(strlen(line.text), sizeof(line.text) - 1);
	assert_int_equal(kmsg_parse("", &line), -EINVAL);
	assert_int_equal(kmsg_parse("4,812,-;text", &line), -EINVAL);
	assert_int_equal(kmsg_parse("no record\n", &line), -EINVAL);
}

/* The open descriptor stands behind what was there before. */
static void test_live(void **state)
{
	struct kmsg_line line;
	int fd = kmsg_open(), n = 1;

	if (fd == -EPERM || fd == -EACCES || fd == -ENOENT) {
		print_message("not looked at: /dev/kmsg cannot be read here\n");
		return;
	}
	assert_true(fd >= 0);
	for (int i = 0; i < 100000 && n > 0; i++)
		n = kmsg_next(fd, &line);
	assert_int_equal(n, 0);
	close(fd);
}

static void test_smart(void **state)
{
	uint8_t log[NVME_SMART_BYTES] = {0};
	struct nvme_smart s;

	log[0] = 0x02;
	log[1] = 0x3b; /* 315 K */
	log[2] = 0x01;
	log[3] = 100;
	log[5] = 7;
	log[192] = 1;
	log[197] = 2;
	log[216] = 5;
	log[221] = 1;
	log[224] = 9;
	log[231] = 1;
	nvme_smart_decode(log, &s);
	assert_int_equal(s.critical_warning, 2);
	assert_int_equal(s.temperature_c, 42);
	assert_int_equal(s.available_spare, 100);
	assert_int_equal(s.percentage_used, 7);
	assert_int_equal(s.warning_minutes, 1);
	assert_int_equal(s.critical_minutes, 512);
	assert_int_equal(s.thermal_transitions[0], 5);
	assert_int_equal(s.thermal_transitions[1], 256);
	assert_int_equal(s.thermal_seconds[0], 9);
	assert_int_equal(s.thermal_seconds[1], 1 << 24);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_smart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
