/* SPDX-License-Identifier: BSL-1.0
 * counted.h - every allocation of libcrypto in this process, counted. */
#ifndef TESTS_BENCH_COUNTED_H
#define TESTS_BENCH_COUNTED_H

#include <stddef.h>

/* Before libcrypto is used. */
void counted_begin(void);
size_t counted_libcrypto(void);

#endif
