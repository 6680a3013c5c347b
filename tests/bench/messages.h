/* SPDX-License-Identifier: BSL-1.0
 * messages.h - one encrypted message sealed and opened, and sixteen together. */
#ifndef TESTS_BENCH_MESSAGES_H
#define TESTS_BENCH_MESSAGES_H

#include "measure.h"

void bench_messages(const effort *how);

#endif
