/* SPDX-License-Identifier: BSL-1.0
 * steady.h - what sealing, opening, encoding and decoding allocate once they have been used before. */
#ifndef TESTS_BENCH_STEADY_H
#define TESTS_BENCH_STEADY_H

void bench_steady(void);

#endif
