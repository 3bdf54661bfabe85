/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same mode, load, target and placement by two instruments (ioloop and fio): do they agree, and
 * where they do not, which check explains it? Paired by block and judged as any comparison, in a
 * family of its own: what fio says beside ioloop is no verdict on a mode.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "analysis/compare_groups.h"

struct view;

/* What the rules need of a trial beyond its metrics, into `facts` of its cell (made when NULL).
 * `failed`: its checks when one of them failed, else NULL. */
void instruments_note(json_t **facts, const struct view *trial, const json_t *failed);

/*
 * [{"title", "mode", "kind", "target", "placement", "load", "instruments": [first, second],
 *   "cells": [id, id], "reason"?: why nothing is compared,
 *   "comparisons": [the members of compare.h's, second against first, + "agreement": "agree |
 *     disagree | undecided", "explanations": [{"rule", "sentence"}], "why": those as one text,
 *     "unexplained", or "" where they do not disagree}],
 *   "cpu"?: {"metric", "first", "second", "estimate", "low", "high"}, "missing": [{"metric",
 *   "sentence"}]}]
 * Our own loop is the first of the two. New reference; empty without a mode that two instruments
 * measured.
 */
json_t *instruments_all(const struct comparison *cmp);

/* Inside: the two cells of one mode and load, our own loop first. */
struct instruments {
	const struct comparison *cmp;
	const struct cell *cell[2];
	const char *name[2];
	struct judgement cpu; /* of the instruments' own tasks, SQ threads apart; n is 0 without */
};

/* instruments_why.c: every rule that holds for a metric on which the two disagree, in the order of
 * its table. */
void instruments_explain(const struct instruments *both, const struct judgement *j, json_t *list);
/* The first check that keeps this metric out of trials of cell `which`, as a sentence. false: none
 * does. */
bool instruments_spoiled(const struct instruments *both, int which, const char *metric, char *out,
			 size_t size);
