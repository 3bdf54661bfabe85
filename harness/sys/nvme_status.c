// SPDX-License-Identifier: Apache-2.0
#include "sys/nvme_status.h"

#include <stdio.h>

#include "base/cleanup.h"

/* Type in bits 10:8, code in bits 7:0; "more" and "do not retry" above them say nothing about what
 * went wrong. */
static const struct {
	int status;
	const char *text;
} words[] = {
	{0x000, "Successful Completion"},
	{0x001, "Invalid Command Opcode"},
	{0x002, "Invalid Field in Command"},
	{0x004, "Data Transfer Error"},
	{0x005, "Commands Aborted due to Power Loss Notification"},
	{0x006, "Internal Error"},
	{0x007, "Command Abort Requested"},
	{0x00b, "Invalid Namespace or Format"},
	{0x00c, "Command Sequence Error"},
	{0x015, "Operation Denied"},
	{0x01d, "Sanitize In Progress"},
	{0x020, "Namespace is Write Protected"},
	{0x021, "Command Interrupted"},
	{0x080, "LBA Out of Range"},
	{0x082, "Namespace Not Ready"},
	{0x108, "Invalid Interrupt Vector"},
	{0x10d, "Feature Identifier Not Saveable"},
	{0x10e, "Feature Not Changeable"},
	{0x10f, "Feature Not Namespace Specific"},
	{0x370, "Host Path Error"},
	{0x371, "Command Aborted by Host"},
};

const char *nvme_status_text(int status, char *out, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (words[i].status != (status & 0x7ff))
			continue;
		snprintf(out, size, "%s (0x%03x)", words[i].text, (unsigned)words[i].status);
		return out;
	}
	snprintf(out, size, "NVMe status 0x%03x", (unsigned)status & 0x7ff);
	return out;
}
