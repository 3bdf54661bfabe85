/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proof trial: tracepoints are counted under the set-up of a cell, which costs time, so it is
 * never timed. What it counted goes, as an excerpt, into every trial of the cell: its verdict rests
 * on it, and can be made again from the record alone. Internal to trial/.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include "mode/mode.h"

bool proof_is_pass(const char *pass);
/* Does the mode expect something of counters that only a proof trial has, of this workload and of
 * such a load? `known`: what is known of the load before it ran; a condition on another key may
 * hold. fio's io_uring rows always have one: which flags its rings got is known to the kernel
 * alone. */
bool proof_is_expected(const struct mode *mode, const char *workload, const json_t *known);
/* {"trial", "counters", "absent", "counts", "window_ns"} of a proof trial's record, proof counters
 * only; a failed trial gives its error as the reason of all. New reference. */
json_t *proof_excerpt(const json_t *record);
/* It failed by accident: another try may count. What is unsupported stays so. */
bool proof_is_lost(const json_t *record);
/* It is not in force on so few I/Os that what its start and end did is a part of each: a longer one
 * can tell. */
bool proof_is_short(const json_t *record);
/* A proof trial's record carries no times. */
void proof_strip(json_t *record);
