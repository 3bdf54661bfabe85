/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct plan;

/* The plan as people read it, on standard output; returns the exit status. */
int plan_print(const struct plan *p);
