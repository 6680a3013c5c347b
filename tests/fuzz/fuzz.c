/* SPDX-License-Identifier: BSL-1.0
 * fuzz.c - see fuzz.h. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"

void fuzz_fail(const char *what, const char *file, int line) {
  fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
  abort();
}

/* The input ----------------------------------------------------------------------------------------------------------------- */

static void take(fuzz_input *in, uint8_t *out, size_t size) {
  size_t there = size < in->size ? size : in->size;
  memset(out, 0, size);
  if (there == 0) return;
  memcpy(out, in->data, there);
  in->data += there;
  in->size -= there;
}

uint8_t fuzz_take8(fuzz_input *in) {
  uint8_t byte;
  take(in, &byte, 1);
  return byte;
}

uint32_t fuzz_take32(fuzz_input *in) {
  uint8_t bytes[4];
  take(in, bytes, sizeof bytes);
  return schat__load32(bytes);
}

uint64_t fuzz_take64(fuzz_input *in) {
  uint8_t bytes[8];
  take(in, bytes, sizeof bytes);
  return schat__load64(bytes);
}

int32_t fuzz_int(fuzz_input *in) {
  uint8_t how = fuzz_take8(in);
  if (how < 0xc0) return (int32_t)how - 16;
  if (how < 0xd0) return INT32_MAX - (how & 15);
  if (how < 0xe0) return INT32_MIN + (how & 15);
  return schat__int32(fuzz_take32(in));
}

int64_t fuzz_long(fuzz_input *in) {
  uint8_t how = fuzz_take8(in);
  if (how < 0xc0) return (int64_t)how - 16;
  if (how < 0xd0) return INT64_MAX - (how & 15);
  if (how < 0xe0) return INT64_MIN + (how & 15);
  return schat__int64(fuzz_take64(in));
}

uint32_t fuzz_below(fuzz_input *in, uint32_t bound) {
  if (bound < 2) return 0;
  return (bound <= 256 ? fuzz_take8(in) : fuzz_take32(in)) % bound;
}

schat_bytes fuzz_rest(fuzz_input *in, size_t most) {
  static const uint8_t none[1];
  schat_bytes bytes = {in->size > 0 ? in->data : none, in->size < most ? in->size : most};
  if (bytes.size > 0) in->data += bytes.size;
  in->size -= bytes.size;
  return bytes;
}

schat_bytes fuzz_bytes(fuzz_input *in, size_t most) {
  size_t size = fuzz_take8(in);
  if (size >= 0xf0) size = (size & 15) << 8 | fuzz_take8(in);
  return fuzz_rest(in, size < most ? size : most);
}

/* Randomness ---------------------------------------------------------------------------------------------------------------- */

uint64_t fuzz_next(fuzz_seed *seed) {
  uint64_t z = (seed->state += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

int fuzz_random(void *user_data, uint8_t *out, size_t size) {
  fuzz_seed *seed = user_data;
  for (size_t i = 0; i < size; i += 8) {
    uint8_t bytes[8];
    schat__store64(bytes, fuzz_next(seed));
    memcpy(out + i, bytes, size - i < 8 ? size - i : 8);
  }
  return 0;
}

uint64_t fuzz_digest(const void *data, size_t size) {
  const uint8_t *bytes = data;
  uint64_t digest = UINT64_C(0xcbf29ce484222325) ^ size;
  size_t i = 0;
  for (; i + 8 <= size; i += 8) digest = (digest ^ schat__load64(bytes + i)) * UINT64_C(0x9e3779b97f4a7c15) + (digest >> 29);
  for (; i < size; i++) digest = (digest ^ bytes[i]) * UINT64_C(0x100000001b3);
  return digest;
}

schat__crypto *fuzz_crypto(uint64_t seed) {
  static schat__crypto *crypto;
  static fuzz_seed source;
  if (crypto == NULL) FUZZ_MUST(schat__crypto_new(NULL, fuzz_random, &source, &crypto) == SCHAT_OK);
  source.state = seed;
  return crypto;
}

/* ----------------------------------------------------------------------------------------------------------------------------- */

int fuzz_same(const void *a, const void *b, size_t size) {
  return size == 0 || memcmp(a, b, size) == 0;
}

int fuzz_within(schat_bytes part, const void *whole, size_t size) {
  uintptr_t begin = (uintptr_t)whole, at = (uintptr_t)part.data;
  if (part.size == 0) return 1;
  return at >= begin && part.size <= size && at - begin <= size - part.size;
}
