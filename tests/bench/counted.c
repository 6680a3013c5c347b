/* SPDX-License-Identifier: BSL-1.0
 * counted.c - every allocation of libcrypto in this process, counted. */
#include "counted.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "measure.h"

static size_t count;

static void *allocate(size_t size, const char *file, int line) {
  (void)file;
  (void)line;
  count++;
  return malloc(size);
}

static void *change(void *memory, size_t size, const char *file, int line) {
  (void)file;
  (void)line;
  count++;
  return realloc(memory, size);
}

static void release(void *memory, const char *file, int line) {
  (void)file;
  (void)line;
  free(memory);
}

void counted_begin(void) {
  must(CRYPTO_set_mem_functions(allocate, change, release) == 1, "libcrypto's allocations are counted");
}

size_t counted_libcrypto(void) {
  return count;
}
