/* SPDX-License-Identifier: BSL-1.0
 * mutate.h - numbers that follow from a seed, and bytes that are made wrong with them. */
#ifndef SCHAT_TESTS_HOSTILE_MUTATE_H
#define SCHAT_TESTS_HOSTILE_MUTATE_H

#include <stddef.h>
#include <stdint.h>

#include "secretchat/secretchat.h"

#define MUTATE_MAX ((size_t)1 << 16) /* bytes of a result */

typedef struct {
  uint64_t state;
} prng;

uint64_t prng_next(prng *r); /* splitmix64 */
uint64_t prng_below(prng *r, uint64_t bound);
/* An int32 of every kind: small, around zero, at the ends, anything. */
int32_t prng_int32(prng *r);

/* A wrong form of `in` at out, which takes MUTATE_MAX bytes: bits flipped, cut short, made longer, partly or wholly replaced, or joined
 * with `other`. Returns the size. */
size_t mutate(prng *r, schat_bytes in, schat_bytes other, uint8_t *out);

#endif
