/* SPDX-License-Identifier: Apache-2.0 */
/* The result of compare_run() for people and for spreadsheets, on standard output. */
#pragma once
#include <jansson.h>

int compare_print_text(const json_t *result);
int compare_print_csv(const json_t *result);
