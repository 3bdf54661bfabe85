/* SPDX-License-Identifier: Apache-2.0 */
/* In which order settings are written, by what the tables say of who changes whom. */
#pragma once
#include "knob/knob.h"

typedef const struct knob *knob_find_fn(const char *name);

/* What others change comes after them; else in the order given. `order` has room for n. */
void order_settings(knob_find_fn *find, const struct knob_setting *w, size_t n,
		    const struct knob_setting **order);
/* May `wanted` come to be by a write of one of these, which makes part of a device anew? */
bool order_is_made(knob_find_fn *find, const struct knob_setting *w, size_t n,
		   const struct knob *wanted);
