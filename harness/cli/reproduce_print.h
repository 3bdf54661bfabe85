/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <jansson.h>

/* The judgement of claims.h in words: every claim with its verdict, both intervals and what
 * differs; then in what machines and programs differ. `here`: the run that was made, or NULL. */
void reproduce_print(const json_t *judgement, const char *published, const char *here);
