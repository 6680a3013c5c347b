/* SPDX-License-Identifier: BSL-1.0
 * failing_openssl.h - makes the n-th allocation inside libcrypto fail: install before anything else uses the library. */
#ifndef SCHAT_TESTS_FAILING_OPENSSL_H
#define SCHAT_TESTS_FAILING_OPENSSL_H

#include <openssl/crypto.h>
#include <stdlib.h>

static long openssl_left = -1; /* allocations that still succeed; -1: all do */
static int openssl_failed;     /* whether one has failed since openssl_fail_after */

static int openssl_may_allocate(void) {
  if (openssl_left < 0) return 1;
  if (openssl_left-- > 0) return 1;
  openssl_left = 0; /* and all that follow */
  openssl_failed = 1;
  return 0;
}

static void *openssl_malloc(size_t size, const char *file, int line) {
  (void)file, (void)line;
  return openssl_may_allocate() ? malloc(size) : NULL;
}

static void *openssl_realloc(void *p, size_t size, const char *file, int line) {
  (void)file, (void)line;
  return openssl_may_allocate() ? realloc(p, size) : NULL;
}

static void openssl_free(void *p, const char *file, int line) {
  (void)file, (void)line;
  free(p);
}

/* 1 when libcrypto takes its memory from here. */
static int openssl_install(void) {
  return CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1;
}

static void openssl_fail_after(long successes) {
  openssl_failed = 0;
  openssl_left = successes;
}

static void openssl_recover(void) {
  openssl_left = -1;
}

#endif
