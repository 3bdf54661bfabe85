/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations and conditions out of YAML. Internal to mode/. */
#pragma once
#include <stddef.h>
#include "record/expectation.h"
#include "mode/mode.h"
#include "record/verdict.h"

struct diag;
struct yaml_node;

/* {iodepth: 1, rate: {at_least: 4}} into at most EXPECTATION_CONDITIONS conditions. Keys are those
 * of a load of the mode's kind: one that no load has would never hold, and nobody would know. */
int condition_load(const struct yaml_node *map, enum mode_target target,
		   struct condition *conditions, size_t *n, struct diag *d);
/* {evidence: NAME, per: io, at_most: X, at_least: Y, when: {...}} */
int expectation_load(const struct yaml_node *map, enum mode_target target, struct expectation *e,
		     struct diag *d);
int grade_load(const struct yaml_node *node, enum verdict_grade *grade, struct diag *d);
