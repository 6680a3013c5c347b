/* SPDX-License-Identifier: BSL-1.0
 * limit.h - what no cipher in a chain can be faster than on this processor. */
#ifndef TESTS_BENCH_LIMIT_H
#define TESTS_BENCH_LIMIT_H

#include <stddef.h>

/* 1 where the processor has AES instructions; otherwise there is no chain to measure. */
int limit_known(void);
/* As many dependent instructions as AES-256 has rounds, for each 16 of `size` bytes: no keys, no data, nothing else. */
void limit_chain(size_t size);
/* Clock rate in cycles per nanosecond, from a chain of additions. */
double limit_clock(void);

#endif
