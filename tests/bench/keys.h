/* SPDX-License-Identifier: BSL-1.0
 * keys.h - what a key costs: Diffie-Hellman's steps, and a whole exchange of keys. */
#ifndef TESTS_BENCH_KEYS_H
#define TESTS_BENCH_KEYS_H

#include "measure.h"

void bench_keys(const effort *how);

#endif
