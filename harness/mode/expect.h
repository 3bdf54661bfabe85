/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations and conditions out of YAML. Internal to mode/. */
#pragma once
#include <stddef.h>
#include "record/expectation.h"
#include "record/verdict.h"

struct diag;
struct yaml_node;

/* {iodepth: 1, rate: {at_least: 4}} into at most EXPECTATION_CONDITIONS conditions. */
int condition_load(const struct yaml_node *map, struct condition *conditions, size_t *n,
		   struct diag *d);
/* {evidence: NAME, per: io, at_most: X, at_least: Y, when: {...}} */
int expectation_load(const struct yaml_node *map, struct expectation *e, struct diag *d);
int grade_load(const struct yaml_node *node, enum verdict_grade *grade, struct diag *d);
