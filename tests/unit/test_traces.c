/* SPDX-License-Identifier: BSL-1.0
 * test_traces.c - what functions leave on the stack and in vector registers is gone after schat__wipe_traces. */
#define _XOPEN_SOURCE 700 /* pthread_attr_setstack */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/bn.h>

#include "common/mem.h"
#include "crypto/cpu.h"
#include "crypto/crypto.h"
#include "crypto/traces.h"
#include "desk.h"
#include "residue.h"

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define CHECKER 1
#endif
#endif

/* A sanitizer keeps locals elsewhere, and copies. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#define STACK ((size_t)256 << 10)

static const uint8_t pattern[16] = {0x9d, 0x01, 0x42, 0x77, 0xfe, 0x10, 0x3c, 0x58, 0x61, 0x8b, 0xd4, 0xe6, 0x29, 0xb3, 0x0a, 0xcf};

/* On a stack that can be looked at: runs `work`, then counts 16 bytes of `wanted` on it, at every offset of both. */
static size_t left_by(void *(*work)(void *), void *arg, const uint8_t *wanted, size_t size) {
  pthread_attr_t attributes;
  pthread_t thread;
  size_t found = 0;
  uint8_t *stack = aligned_alloc(4096, STACK);
  assert_non_null(stack);
  memset(stack, 0, STACK);
  assert_int_equal(pthread_attr_init(&attributes), 0);
  assert_int_equal(pthread_attr_setstack(&attributes, stack, STACK), 0);
  assert_int_equal(pthread_create(&thread, &attributes, work, arg), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(pthread_attr_destroy(&attributes), 0);
#ifdef CHECKER
  (void)VALGRIND_MAKE_MEM_DEFINED(stack, STACK);
#endif
  for (size_t at = 0; at + 16 <= STACK; at++) {
    if (stack[at] == 0) continue;
    for (size_t i = 0; i + 16 <= size; i++) found += stack[at] == wanted[i] && memcmp(stack + at, wanted + i, 16) == 0;
  }
  free(stack);
  return found;
}

#ifndef SANITIZED
static void *leave_and_wipe(void *arg) {
  residue_leave_much(pattern);
  if (arg != NULL) schat__wipe_traces();
  return NULL;
}

static void *leave_and_wipe_shallow(void *arg) {
  residue_leave_little(pattern);
  if (arg != NULL) schat__wipe_shallow_traces();
  return NULL;
}

static void *leave_and_wipe_deep(void *arg) {
  residue_leave_very_much(pattern);
  if (arg != NULL) schat__wipe_deep_traces();
  return NULL;
}

/* X-18 accept; the first of each pair shows that the search sees what is there. */
static void the_stack_below_is_empty(void **state) {
  (void)state;
  int yes = 1;
  assert_true(left_by(leave_and_wipe, NULL, pattern, sizeof pattern) > 600);
  assert_int_equal(left_by(leave_and_wipe, &yes, pattern, sizeof pattern), 0);
  assert_true(left_by(leave_and_wipe_shallow, NULL, pattern, sizeof pattern) > 200);
  assert_int_equal(left_by(leave_and_wipe_shallow, &yes, pattern, sizeof pattern), 0);
  assert_true(left_by(leave_and_wipe_deep, NULL, pattern, sizeof pattern) > 1400);
  assert_int_equal(left_by(leave_and_wipe_deep, &yes, pattern, sizeof pattern), 0);
}

static uint8_t value[256], exponent[256], key[256];
static schat__crypto *crypto;

static void *make_key(void *arg) {
  int *status = arg;
  *status = schat__dh_key(crypto, desk_prime(), value, exponent, key);
  return NULL;
}

/* The source gives the exponent that the test knows. */
static int give(void *user_data, uint8_t *out, size_t size) {
  (void)user_data;
  memcpy(out, exponent, size < sizeof exponent ? size : sizeof exponent);
  return 0;
}

static void *accept_key(void *arg) {
  int *status = arg;
  uint8_t own[256];
  *status = schat__dh_accept(crypto, desk_prime(), 3, value, NULL, 0, own, key);
  return NULL;
}

/* Neither as bytes nor as a number of libcrypto, nor as its multiplication has it. */
static void leaves_nothing(void *(*work)(void *), BIGNUM *n, const BIGNUM *p, BN_CTX *ctx) {
  uint8_t shape[256];
  int status = SCHAT_E_CRYPTO;
  for (int montgomery = 0; montgomery < 2; montgomery++) {
    assert_non_null(BN_bin2bn(key, 256, n));
    if (montgomery) assert_true(BN_lshift(n, n, 2048) == 1 && BN_mod(n, n, p, ctx) == 1);
    assert_int_equal(BN_bn2lebinpad(n, shape, 256), 256);
    assert_int_equal(left_by(work, &status, shape, sizeof shape), 0);
    assert_int_equal(status, SCHAT_OK);
  }
  assert_int_equal(left_by(work, &status, key, sizeof key), 0);
  assert_int_equal(left_by(work, &status, exponent, sizeof exponent), 0);
}

/* X-18 accept */
static void an_exponentiation_leaves_no_key_on_the_stack(void **state) {
  (void)state;
  BN_CTX *ctx = BN_CTX_new();
  BIGNUM *p = BN_bin2bn(desk_prime(), 256, NULL), *n = BN_new();
  schat__crypto *drawing = NULL;
  assert_true(ctx != NULL && p != NULL && n != NULL);
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &drawing), SCHAT_OK);
  assert_int_equal(schat__crypto_new(NULL, give, NULL, &crypto), SCHAT_OK);
  for (int round = 0; round < 8; round++) {
    assert_int_equal(schat__dh_generate(drawing, desk_prime(), 3, NULL, 0, exponent, value), SCHAT_OK);
    assert_int_equal(schat__dh_key(crypto, desk_prime(), value, exponent, key), SCHAT_OK);
    leaves_nothing(make_key, n, p, ctx);
    leaves_nothing(accept_key, n, p, ctx);
  }
  schat__crypto_free(drawing);
  schat__crypto_free(crypto);
  BN_free(p);
  BN_free(n);
  BN_CTX_free(ctx);
}
#endif

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
/* X-18 accept: what a copy moved through a register. */
static void vector_registers_are_empty(void **state) {
  (void)state;
  uint8_t low[16], high[16];
  const uint8_t nothing[16] = {0};
  const int wide = (schat__cpu() & SCHAT__CPU_AVX512) != 0;
  memset(high, 0, sizeof high);
  __asm__ volatile("movdqu %0, %%xmm9" ::"m"(pattern) : "xmm9");
  if (wide) __asm__ volatile("vmovdqu32 %0, %%xmm21" ::"m"(pattern) : "memory");
  schat__wipe_traces();
  __asm__ volatile("movdqu %%xmm9, %0" : "=m"(low));
  if (wide) __asm__ volatile("vmovdqu32 %%xmm21, %0" : "=m"(high));
  assert_memory_equal(low, nothing, 16);
  assert_memory_equal(high, nothing, 16);
}
#endif

/* The processor's AES and the registers it has are two questions. */
static void wide_registers_come_with_narrow_ones(void **state) {
  (void)state;
  const unsigned cpu = schat__cpu();
  if ((cpu & SCHAT__CPU_AVX512) != 0) assert_true((cpu & SCHAT__CPU_AVX) != 0);
  if ((cpu & SCHAT__CPU_VAES) != 0) assert_true((cpu & (SCHAT__CPU_AVX | SCHAT__CPU_AES)) == (SCHAT__CPU_AVX | SCHAT__CPU_AES));
}

int main(void) {
  const struct CMUnitTest tests[] = {
#ifndef SANITIZED
    cmocka_unit_test(the_stack_below_is_empty),
    cmocka_unit_test(an_exponentiation_leaves_no_key_on_the_stack),
#endif
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    cmocka_unit_test(vector_registers_are_empty),
#endif
    cmocka_unit_test(wide_registers_come_with_narrow_ones),
  };
  return cmocka_run_group_tests_name("traces", tests, NULL, NULL);
}
