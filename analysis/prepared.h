/* SPDX-License-Identifier: Apache-2.0 */
/* What was done to the target before anything was measured (run.json's "prepared"), in one line. */
#pragma once
#include <jansson.h>
#include <stddef.h>

/* "pts, 48.0 MiB written, NOT steady after 25 rounds: …"; "" without a preparation. */
const char *prepared_text(const json_t *prepared, char *out, size_t size);
