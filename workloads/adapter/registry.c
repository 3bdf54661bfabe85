// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "adapter/adapter.h"
#include "adapter/registry.h"

static const struct workload_adapter *const adapters[] = {
	&ioloop_adapter,
	&fio_adapter,
	&iperf3_adapter,
	&netloop_adapter,
};

const struct workload_adapter *workload_find(const char *name)
{
	for (size_t i = 0; i < sizeof(adapters) / sizeof(adapters[0]); i++)
		if (!strcmp(adapters[i]->name, name))
			return adapters[i];
	return NULL;
}
