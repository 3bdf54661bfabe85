/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stddef.h>

/* The positive status that sys_ops.nvme_admin returns, in the words of the NVM Express base
 * specification 2.0 (figure "Status Code"), with its number: "Invalid Field in Command (0x002)". */
const char *nvme_status_text(int status, char *out, size_t size);
