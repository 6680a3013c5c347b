/* SPDX-License-Identifier: BSL-1.0
 * work.h - what the library does between two moments, counted: blocks, hashes, powers, allocations, records, requests. Never by a clock. */
#ifndef SCHAT_TESTS_COST_WORK_H
#define SCHAT_TESTS_COST_WORK_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/engine.h"

typedef struct {
  uint64_t aes_blocks, hashes, hash_bytes, powers, prime_tests, symbols;
  uint64_t allocations, commits, records, store_bytes, requests, events;
  uint64_t peak; /* bytes held at most; not a difference */
} work;

/* Counts from now on (1), or not (0): only calls of the library are to be counted, not what an attack costs its attacker. */
void work_count(int on);
work work_now(void);
work work_since(const work *before);
/* Puts the counting kernel before the one that a schat__crypto uses. */
void work_watch(schat__crypto *crypto);
/* Where the others add what they see. */
work *work_sum(void);

/* Memory: every byte asked for and not given back, with 16 for each block. */
const schat_allocator *work_allocator(void);
uint64_t work_held(void);
/* The highest of held since the last call of this. */
void work_peak_reset(void);

#endif
