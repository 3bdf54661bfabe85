// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "machine/interrupts.h"

static struct interrupt *parse(const char *text, size_t *n)
{
	struct interrupt *list;

	assert_int_equal(interrupts_parse(text, strlen(text), &list, n), 0);
	return list;
}

static void lines_of_x86(void **state)
{
	size_t n;
	struct interrupt *list = parse(
		"           CPU0       CPU1       \n"
		"  9:          0          1  IR-IO-APIC   9-fasteoi   acpi, my driver\n"
		" 36:          0      40364 PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0\n"
		"NMI:          0          0   Non-maskable interrupts\n"
		"ERR:          0\n",
		&n);

	assert_int_equal(n, 2);
	assert_int_equal(list[0].irq, 9);
	assert_string_equal(list[0].chip, "IR-IO-APIC");
	assert_string_equal(list[0].name, "acpi, my driver");
	assert_int_equal(list[1].irq, 36);
	assert_string_equal(list[1].chip, "PCI-MSIX-0000:00:02.0");
	assert_string_equal(list[1].name, "virtio1-req.0");
	free(list);
}

static void lines_of_other_machines(void **state)
{
	size_t n;
	struct interrupt *list =
		parse("           CPU0       CPU2       CPU3\n"
		      " 11:     1234     0     1     GICv3  27 Level     arch_timer\n"
		      " 50:        0     9     0   ITS-MSI 524288 Edge      nvme0q1\n"
		      " 99:        1     0     0  xen-dyn    -event     eth0-q0-tx\n"
		      " 60:        0     0     0   PCI-MSI 4194304-edge      \n",
		      &n);

	assert_int_equal(n, 4);
	assert_string_equal(list[0].name, "arch_timer");
	assert_string_equal(list[1].chip, "ITS-MSI");
	assert_string_equal(list[1].name, "nvme0q1");
	assert_string_equal(list[2].name, "eth0-q0-tx");
	assert_string_equal(list[3].name, ""); /* no action: nobody has requested it */
	free(list);
}

/* 512 CPUs make lines longer than any fixed buffer one would think of. */
static void wide_lines(void **state)
{
	enum { CPUS = 512 };
	char *text = calloc(1, CPUS * 40), *p = text;
	struct interrupt *list;
	size_t n;

	for (int i = 0; i < CPUS; i++)
		p += sprintf(p, "      CPU%d", i);
	p += sprintf(p, "\n 700:");
	for (int i = 0; i < CPUS; i++)
		p += sprintf(p, " %10u", 4294967295u);
	sprintf(p, "  IR-PCI-MSIX-0000:e1:00.0  31-edge      nvme12q31\n");
	list = parse(text, &n);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].irq, 700);
	assert_string_equal(list[0].name, "nvme12q31");
	free(list);
	free(text);
}

static void refuses_what_is_no_table(void **state)
{
	struct interrupt *list;
	size_t n;

	assert_true(interrupts_parse("", 0, &list, &n) < 0);
	assert_true(interrupts_parse("hello\n", 6, &list, &n) < 0);
	/* a line with fewer counts than CPUs, and one cut off in the middle of a count */
	list = parse("  CPU0  CPU1\n  1:  5  IO-APIC 1-edge i8042\n  2:  5", &n);
	assert_int_equal(n, 0);
	free(list);
}

/* The parser is given a length and believes it: no byte behind it is touched (ASan watches). */
static void any_cut(void **state)
{
	static const char text[] =
		"  CPU0  CPU1\n 36:  0 404 PCI-MSIX-0000:00:02.0 1-edge virtio1\n";

	for (size_t len = 0; len < sizeof(text); len++) {
		char *copy = malloc(len ? len : 1);
		struct interrupt *list;
		size_t n;

		memcpy(copy, text, len);
		if (!interrupts_parse(copy, len, &list, &n))
			free(list);
		interrupt_debug_managed(copy, len);
		free(copy);
	}
}

static void shared_lines(void **state)
{
	struct interrupt line = {.name = "nvme0q0, nvme0q1"};

	assert_true(interrupt_has_action(&line, "nvme0q1"));
	assert_true(interrupt_has_action(&line, "nvme0q0"));
	assert_false(interrupt_has_action(&line, "nvme0q"));
	assert_false(interrupt_has_action(&line, "q1"));
	assert_false(interrupt_has_action(&line, ""));
}

static void debugfs_flags(void **state)
{
	static const char managed[] = "handler:  handle_edge_irq\n"
				      "dstate:   0x3740a200\n"
				      "            IRQD_ACTIVATED\n"
				      "            IRQD_AFFINITY_MANAGED\n";
	static const char movable[] = "handler:  handle_edge_irq\n"
				      "dstate:   0x37400200\n"
				      "            IRQD_ACTIVATED\n";
	static const char other[] = "dstate:   0x1\n            IRQD_MANAGED_SHUTDOWN\n";

	assert_int_equal(interrupt_debug_managed(managed, strlen(managed)), 1);
	assert_int_equal(interrupt_debug_managed(movable, strlen(movable)), 0);
	assert_int_equal(interrupt_debug_managed(other, strlen(other)), 0);
	assert_true(interrupt_debug_managed("", 0) < 0);
	assert_true(interrupt_debug_managed("nonsense", 8) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_x86),	 cmocka_unit_test(lines_of_other_machines),
		cmocka_unit_test(wide_lines),	 cmocka_unit_test(refuses_what_is_no_table),
		cmocka_unit_test(any_cut),	 cmocka_unit_test(shared_lines),
		cmocka_unit_test(debugfs_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
