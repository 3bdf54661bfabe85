/* SPDX-License-Identifier: Apache-2.0 */
/* Two instruments of one mode beside each other (analysis/instruments.h), in each form of compare.
 */
#pragma once
#include <jansson.h>

/* Nothing where no mode has two. -ENOMEM. */
int instruments_print_text(const json_t *result);
void instruments_print_csv(const json_t *result);
