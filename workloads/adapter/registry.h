/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of registry.c. Internal to adapter/. */
#pragma once
#include "adapter/adapter.h"

extern const struct workload_adapter ioloop_adapter;
extern const struct workload_adapter fio_adapter;
extern const struct workload_adapter iperf3_adapter;
extern const struct workload_adapter netloop_adapter;
