/* SPDX-License-Identifier: BSL-1.0
 * cost.h - one attack, what it may cost, and how its cost is told. */
#ifndef SCHAT_TESTS_COST_COST_H
#define SCHAT_TESTS_COST_COST_H

#include "target.h"

/* What one input may cost at most; `once` is added to it for the attack as a whole. */
typedef struct {
  double aes_blocks, hash_bytes, powers, prime_tests, allocations, store_bytes, requests;
} bound;

typedef struct {
  uint64_t inputs; /* that were given */
  int closed;      /* the chat has ended, which ends the attack */
} attacked;

typedef struct {
  const char *name;
  attacked (*run)(target *t, uint64_t inputs);
  uint64_t inputs;
  bound each, once;
  uint64_t stays; /* bytes more than before that may still be held at its end */
  uint64_t peak;  /* bytes more than before that may be held at any time */
} attack;

extern const attack message_attacks[], peer_attacks[], server_attacks[];
extern const size_t message_attack_count, peer_attack_count, server_attack_count;

#endif
