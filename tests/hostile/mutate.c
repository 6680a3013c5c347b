/* SPDX-License-Identifier: BSL-1.0
 * mutate.c - makes wrong bytes from right ones. */
#include "mutate.h"

#include <string.h>

uint64_t prng_next(prng *r) {
  uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

uint64_t prng_below(prng *r, uint64_t bound) {
  return bound == 0 ? 0 : prng_next(r) % bound;
}

int32_t prng_int32(prng *r) {
  switch (prng_below(r, 4)) {
    case 0:
      return (int32_t)prng_below(r, 16) - 8;
    case 1:
      return INT32_MAX - (int32_t)prng_below(r, 4);
    case 2:
      return INT32_MIN + (int32_t)prng_below(r, 4);
    default:
      return (int32_t)((int64_t)prng_below(r, UINT64_C(1) << 32) + INT32_MIN);
  }
}

static void fill(prng *r, uint8_t *out, size_t size) {
  for (size_t i = 0; i < size; i++) out[i] = (uint8_t)prng_next(r);
}

static size_t flip_bits(prng *r, uint8_t *out, size_t size) {
  uint64_t count = 1 + (prng_below(r, 2) != 0 ? 0 : prng_below(r, 8));
  while (size > 0 && count-- > 0) {
    uint64_t bit = prng_below(r, (uint64_t)size * 8);
    out[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  return size;
}

/* By any number of bytes, or by whole blocks, so that the length alone does not give it away. */
static size_t change_of(prng *r, size_t size) {
  size_t change = 1 + (size_t)prng_below(r, size);
  return prng_below(r, 2) != 0 ? change : 4 * (change / 4 + 1);
}

static size_t cut(prng *r, size_t size) {
  size_t change = change_of(r, size);
  return change >= size ? 0 : size - change;
}

static size_t extend(prng *r, uint8_t *out, size_t size) {
  size_t change = change_of(r, 64);
  if (change > MUTATE_MAX - size) return size;
  fill(r, out + size, change);
  return size + change;
}

static size_t overwrite(prng *r, uint8_t *out, size_t size) {
  size_t at = (size_t)prng_below(r, size), length = (size_t)prng_below(r, 24);
  if (length > size - at) length = size - at;
  if (prng_below(r, 2) != 0) {
    fill(r, out + at, length);
  } else {
    memset(out + at, prng_below(r, 2) != 0 ? 0xff : 0, length);
  }
  return size;
}

static size_t join(prng *r, schat_bytes other, uint8_t *out, size_t size) {
  size_t at = (size_t)prng_below(r, size + 1);
  if (at > other.size) return size;
  if (other.size > at) memcpy(out + at, other.data + at, other.size - at);
  return other.size;
}

static size_t anything(prng *r, uint8_t *out, size_t kept) {
  size_t size = (size_t)prng_below(r, prng_below(r, 64) == 0 ? 8192 : 512);
  if (kept > size) kept = size;
  fill(r, out + kept, size - kept);
  return size;
}

size_t mutate(prng *r, schat_bytes in, schat_bytes other, uint8_t *out) {
  size_t size = in.size < MUTATE_MAX ? in.size : MUTATE_MAX;
  if (other.size > MUTATE_MAX) other.size = MUTATE_MAX;
  if (size > 0) memcpy(out, in.data, size);
  switch (prng_below(r, 8)) {
    case 0:
      return cut(r, size);
    case 1:
      return extend(r, out, size);
    case 2:
      return overwrite(r, out, size);
    case 3:
      return join(r, other, out, size);
    case 4:
      return anything(r, out, 0);
    case 5:
      return anything(r, out, size < 24 ? size : 24); /* the head of a message, or a constructor, is right */
    default:
      return flip_bits(r, out, size);
  }
}
