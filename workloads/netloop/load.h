/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "options.h"

/* Can this be done at all, and does every option mean something? The same at both ends. */
int load_check(const struct load *l, struct diag *d);
