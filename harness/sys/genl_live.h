/* SPDX-License-Identifier: Apache-2.0 */
/* The live machine's side of sys/genl.h, in the network namespace of the calling thread. */
#pragma once
#include "sys/genl.h"

/* Family numbers are the kernel's, the same in every namespace, and stay until it is gone. */
struct genl_families {
	struct {
		char name[16];
		uint16_t id;
	} family[4];
	size_t n;
};

int genl_live(struct genl_families *families, const struct genl_request *r,
	      struct genl_replies *replies, char *words, size_t words_size);
int ethtool_live(const char *dev, void *cmd);
