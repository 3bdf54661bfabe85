// SPDX-License-Identifier: Apache-2.0
/* Both sides of the control channel. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/diag.h"
#include "control/control.h"

static void test_conversation(void **state)
{
	struct diag d = {""};
	int ours, theirs;

	assert_int_equal(control_pair(&ours, &theirs, &d), 0);
	/* two words at once: the second one stays for the next wait */
	assert_int_equal(control_send(theirs, CONTROL_READY, &d), 0);
	assert_int_equal(control_send(theirs, CONTROL_DONE, &d), 0);
	assert_int_equal(control_await(ours, CONTROL_READY, UINT64_MAX, -1, -1, &d), 0);
	assert_int_equal(control_await(ours, CONTROL_DONE, UINT64_MAX, -1, -1, &d), 0);
	assert_int_equal(control_send(ours, CONTROL_GO, &d), 0);
	assert_int_equal(control_await(theirs, CONTROL_EXIT, UINT64_MAX, -1, -1, &d), -EPROTO);
	assert_string_equal(d.text, "control: \"go\" came where \"exit\" was due");
	close(ours);
	close(theirs);
}

static void test_ends(void **state)
{
	struct diag d = {""};
	int ours, theirs, other[2];

	assert_int_equal(control_pair(&ours, &theirs, &d), 0);
	assert_int_equal(control_await(ours, CONTROL_READY, clock_ns() + 1000000, -1, -1, &d),
			 -ETIMEDOUT);
	assert_int_equal(pipe(other), 0);
	assert_int_equal(write(other[1], "x", 1), 1);
	assert_int_equal(control_await(ours, CONTROL_READY, UINT64_MAX, other[0], -1, &d), -EINTR);
	assert_int_equal(control_await(ours, CONTROL_READY, UINT64_MAX, -1, other[0], &d), -ECHILD);
	assert_int_equal(send(theirs, "rea", 3, 0), 3); /* dies within a word */
	close(theirs);
	assert_int_equal(control_await(ours, CONTROL_READY, UINT64_MAX, -1, -1, &d), -EPIPE);
	assert_int_equal(control_send(ours, CONTROL_GO, &d), -EPIPE);
	close(ours);
	close(other[0]);
	close(other[1]);
}

/* A word that nobody has read any more makes the socket say "reset". */
static void test_closed_unread(void **state)
{
	struct diag d = {""};
	int ours, theirs;

	assert_int_equal(control_pair(&ours, &theirs, &d), 0);
	assert_int_equal(control_send(ours, CONTROL_GO, &d), 0);
	close(theirs);
	assert_int_equal(control_await(ours, CONTROL_DONE, UINT64_MAX, -1, -1, &d), -EPIPE);
	close(ours);
}

static void test_either(void **state)
{
	struct diag d = {""};
	int ours, theirs;

	assert_int_equal(control_pair(&ours, &theirs, &d), 0);
	assert_int_equal(control_send(ours, CONTROL_STOP, &d), 0);
	assert_int_equal(control_send(ours, CONTROL_EXIT, &d), 0);
	assert_int_equal(control_send(ours, CONTROL_GO, &d), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(control_await_either(theirs, CONTROL_STOP, CONTROL_EXIT,
						      UINT64_MAX, -1, -1, &d),
				 i);
	assert_int_equal(
		control_await_either(theirs, CONTROL_STOP, CONTROL_EXIT, UINT64_MAX, -1, -1, &d),
		-EPROTO);
	close(ours);
	close(theirs);
}

static void test_endless_word(void **state)
{
	struct diag d = {""};
	int ours, theirs;

	assert_int_equal(control_pair(&ours, &theirs, &d), 0);
	assert_int_equal(send(theirs, "aaaaaaaaaaaaaaaaaaaaaaaa", 24, 0), 24);
	assert_int_equal(control_await(ours, CONTROL_READY, UINT64_MAX, -1, -1, &d), -EPROTO);
	close(ours);
	close(theirs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversation),  cmocka_unit_test(test_ends),
		cmocka_unit_test(test_closed_unread), cmocka_unit_test(test_either),
		cmocka_unit_test(test_endless_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
