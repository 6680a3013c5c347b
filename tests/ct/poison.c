/* SPDX-License-Identifier: BSL-1.0
 * poison.c - secrets, and the way back from them. */
#include "poison.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <valgrind/memcheck.h>

#include "common/poison.h"

void make_secret(const void *p, size_t size) {
  (void)VALGRIND_MAKE_MEM_UNDEFINED(p, size);
}

void make_public(const void *p, size_t size) {
  (void)VALGRIND_MAKE_MEM_DEFINED(p, size);
}

/* The library's own SCHAT__PUBLIC ends here; in the library that ships it is nothing. */
void schat__test_public(const void *p, size_t size);
void schat__test_public(const void *p, size_t size) {
  make_public(p, size);
}

static size_t secret_bytes(const void *p, size_t size) {
  const uint8_t *bytes = p;
  size_t count = 0;
  for (size_t i = 0; i < size; i++) {
    uint8_t unknown = 0;
    NEED(VALGRIND_GET_VBITS(bytes + i, &unknown, 1) == 1);
    count += unknown != 0;
  }
  return count;
}

int is_secret(const void *p, size_t size) {
  return secret_bytes(p, size) == size;
}

int is_public(const void *p, size_t size) {
  return secret_bytes(p, size) == 0;
}

unsigned reports(void) {
  return (unsigned)VALGRIND_COUNT_ERRORS;
}

void fill(void *p, size_t size) {
  static uint64_t state = 20261125;
  uint8_t *out = p;
  for (size_t i = 0; i < size; i++) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    out[i] = (uint8_t)(state >> 56);
  }
}

void fill_secret(void *p, size_t size) {
  fill(p, size);
  make_secret(p, size);
}

int secret_random(void *user_data, uint8_t *out, size_t size) {
  (void)user_data;
  fill_secret(out, size);
  return 0;
}

/* The linker sends every call of RAND_bytes here. */
int __real_RAND_bytes(unsigned char *out, int size);
int __wrap_RAND_bytes(unsigned char *out, int size);
int __wrap_RAND_bytes(unsigned char *out, int size) {
  int good = __real_RAND_bytes(out, size);
  if (good == 1 && size > 0) make_secret(out, (size_t)size);
  return good;
}

void need(int condition, const char *text, const char *file, int line) {
  if (condition) return;
  fprintf(stderr, "%s:%d: not so: %s\n", file, line, text);
  exit(2);
}
