/* SPDX-License-Identifier: BSL-1.0
 * test_sha_kernels.c - the kernel for the hashes of a message makes what libcrypto makes, of every size and in every place, and leaves
 * nothing behind. Where the processor has no such kernel, both are libcrypto and the tests compare it with itself. */
#define _XOPEN_SOURCE 700 /* pthread_attr_setstack */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/bytes.h"
#include "crypto/engine.h"
#include "envelope/envelope.h"

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define CHECKER 1
#endif
#endif

#define MOST 2048u

static schat__crypto *crypto, *portable;

static uint32_t seed = 20261125;
static uint32_t draw(uint32_t below) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % below;
}

static void fill(uint8_t *p, size_t size) {
  for (size_t i = 0; i < size; i++) p[i] = (uint8_t)draw(256);
}

static int prepare(void **state) {
  (void)state;
  if (schat__sha_force("openssl") != SCHAT_OK || schat__ige_force("evp") != SCHAT_OK) return -1;
  if (schat__crypto_new(NULL, NULL, NULL, &portable) != SCHAT_OK) return -1;
  if (schat__sha_force(NULL) != SCHAT_OK || schat__ige_force(NULL) != SCHAT_OK) return -1;
  return schat__crypto_new(NULL, NULL, NULL, &crypto);
}

static int finish(void **state) {
  (void)state;
  schat__crypto_free(crypto);
  schat__crypto_free(portable);
  return 0;
}

/* Memory of exactly that size, so that a memory checker sees every byte too far, `shift` bytes from an aligned address. */
static uint8_t *exactly(size_t shift, const uint8_t *bytes, size_t size, uint8_t **block) {
  *block = malloc(shift + size);
  assert_non_null(*block);
  memcpy(*block + shift, bytes, size);
  return *block + shift;
}

/* R-ENC-05 accept */
static void every_msg_key_is_that_of_libcrypto(void **state) {
  (void)state;
  uint8_t key[256], plaintext[MOST];
  for (size_t size = 0; size <= MOST; size += size < 128 ? 1 : 16) {
    uint8_t made[16], expected[16], *block, x = (uint8_t)(8 * draw(2));
    fill(key, sizeof key);
    fill(plaintext, size);
    const uint8_t *placed = exactly(size % 16 == 0 ? draw(16) : 0, plaintext, size, &block);
    assert_int_equal(schat__msg_key2(portable, expected, key, x, plaintext, size), SCHAT_OK);
    assert_int_equal(schat__msg_key2(crypto, made, key, x, placed, size), SCHAT_OK);
    assert_memory_equal(made, expected, 16);
    free(block);
  }
}

/* R-ENC-05 accept */
static void two_messages_of_one_size_are_hashed_as_each_alone(void **state) {
  (void)state;
  for (size_t size = 16; crypto->sha != NULL && size <= MOST; size += 16) {
    uint8_t key[256], plaintext[2][MOST], made[2][16], expected[16], *blocks[2];
    fill(key, sizeof key);
    const uint8_t *prefix[2] = {key + 88, key + 96}, *placed[2];
    for (unsigned i = 0; i < 2; i++) {
      fill(plaintext[i], size);
      placed[i] = exactly(draw(16), plaintext[i], size, &blocks[i]);
    }
    crypto->sha->msg_key_two((uint8_t *const[2]){made[0], made[1]}, prefix, placed, size);
    for (unsigned i = 0; i < 2; i++) {
      assert_int_equal(schat__msg_key2(portable, expected, key, 8 * i, plaintext[i], size), SCHAT_OK);
      assert_memory_equal(made[i], expected, 16);
      free(blocks[i]);
    }
  }
}

/* R-ENC-06 accept */
static void every_key_and_iv_is_that_of_libcrypto(void **state) {
  (void)state;
  for (unsigned round = 0; round < 2000; round++) {
    uint8_t key[256], msg_key[16], expected[64], made[64];
    unsigned x = 8 * draw(2);
    fill(key, sizeof key);
    fill(msg_key, sizeof msg_key);
    assert_int_equal(schat__kdf2(portable, expected, expected + 32, key, msg_key, x), SCHAT_OK);
    assert_int_equal(schat__kdf2(crypto, made, made + 32, key, msg_key, x), SCHAT_OK);
    assert_memory_equal(made, expected, sizeof made);
  }
}

static void check_opening(size_t size, int in_place) {
  uint8_t aes_key[32], iv[32], expected_iv[32], key[256], in[MOST], expected[MOST], msg_key[16], expected_msg_key[16], *in_block, *out_block;
  unsigned x = 8 * draw(2);
  fill(aes_key, sizeof aes_key);
  fill(iv, sizeof iv);
  fill(key, sizeof key);
  fill(in, size);
  memcpy(expected_iv, iv, sizeof iv);
  uint8_t *from = exactly(draw(16), in, size, &in_block), *to = exactly(draw(16), in, size, &out_block);
  if (in_place) to = from;
  assert_int_equal(schat__ige_open(portable, aes_key, expected_iv, in, expected, size, expected_msg_key, key, x), SCHAT_OK);
  assert_int_equal(schat__ige_open(crypto, aes_key, iv, from, to, size, msg_key, key, x), SCHAT_OK);
  assert_memory_equal(to, expected, size);
  assert_memory_equal(iv, expected_iv, sizeof iv);
  assert_memory_equal(msg_key, expected_msg_key, sizeof msg_key);
  free(in_block);
  free(out_block);
}

/* R-DEC-01 accept: decrypted and hashed at once, as one after the other, in place and not. */
static void opening_is_decrypting_and_hashing(void **state) {
  (void)state;
  for (size_t size = 16; size <= MOST; size += 16) {
    for (int in_place = 0; in_place < 2; in_place++) check_opening(size, in_place);
  }
}

/* R-DEC-01 reject */
static void an_uneven_size_is_opened_by_nobody(void **state) {
  (void)state;
  uint8_t key[256] = {0}, iv[32] = {0}, in[32] = {0}, out[32], msg_key[16];
  for (size_t size = 1; size < 32; size++) {
    if (size != 16) assert_int_equal(schat__ige_open(crypto, key, iv, in, out, size, msg_key, key, 0), SCHAT_E_INVALID);
  }
}

static void nothing_is_opened_as_nothing(void **state) {
  (void)state;
  uint8_t key[256] = {0}, iv[32] = {0}, none[1] = {0}, made[16], expected[16];
  assert_int_equal(schat__ige_open(crypto, key, iv, none, none, 0, made, key, 8), SCHAT_OK);
  assert_int_equal(schat__msg_key2(portable, expected, key, 8, none, 0), SCHAT_OK);
  assert_memory_equal(made, expected, 16);
}

static void the_kernel_can_be_forced_by_its_name(void **state) {
  (void)state;
  schat__crypto *other = NULL;
  assert_int_equal(schat__sha_force("no such"), SCHAT_E_INVALID);
  assert_int_equal(schat__sha_force("openssl"), SCHAT_OK);
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &other), SCHAT_OK);
  assert_null(other->sha);
  schat__crypto_free(other);
  assert_int_equal(schat__sha_force(crypto->sha != NULL ? crypto->sha->name : NULL), SCHAT_OK);
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &other), SCHAT_OK);
  assert_ptr_equal(other->sha, crypto->sha);
  schat__crypto_free(other);
  assert_int_equal(schat__sha_force(NULL), SCHAT_OK);
}

/* What stays on the stack ------------------------------------------------------------------------------------------------------- */

/* Without optimisation a compiler keeps every value on the stack for a moment; a sanitizer moves and copies what is there. */
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define STACK_IS_SEEN 1
#endif
#endif

#ifdef STACK_IS_SEEN
#define STACK ((size_t)256 << 10)

static struct {
  uint8_t key[256], text[1024], message[1048], work[1024];
} c;

static void *seal_and_open(void *arg) {
  const uint8_t *object;
  size_t size;
  (void)arg;
  if (schat__envelope_seal(crypto, c.key, 1, 1, c.text, sizeof c.text, c.message) != SCHAT_OK) return NULL;
  return schat__envelope_open(crypto, c.key, 1, 2, 1, c.message, sizeof c.message, c.work, &object, &size) == 1 ? c.work : NULL;
}

static int stands_in(const uint8_t *stack, size_t unused, const uint8_t *bytes) {
  uint8_t swapped[16]; /* as the words of the hash */
  for (size_t i = 0; i < 16; i++) swapped[i] = bytes[i ^ 3u];
  for (size_t i = unused; i + 16 <= STACK; i++) {
    if (memcmp(stack + i, bytes, 16) == 0 || memcmp(stack + i, swapped, 16) == 0) return 1;
  }
  return 0;
}

/* X-18 accept */
static void no_text_and_no_key_stays_on_the_stack(void **state) {
  (void)state;
  pthread_attr_t attributes;
  pthread_t thread;
  void *good = NULL;
  uint8_t keys[64], msg_key[16], *stack = aligned_alloc(4096, STACK);
  size_t unused = 0;
  assert_non_null(stack);
  memset(stack, 0, STACK);
  fill(c.key, sizeof c.key);
  fill(c.text, sizeof c.text);
  schat__store32(c.text, sizeof c.text - 4 - 12);
  assert_int_equal(pthread_attr_init(&attributes), 0);
  assert_int_equal(pthread_attr_setstack(&attributes, stack, STACK), 0);
  assert_int_equal(pthread_create(&thread, &attributes, seal_and_open, NULL), 0);
  assert_int_equal(pthread_join(thread, &good), 0);
  assert_int_equal(pthread_attr_destroy(&attributes), 0);
  assert_non_null(good);
#ifdef CHECKER
  (void)VALGRIND_MAKE_MEM_DEFINED(stack, STACK);
#endif
  while (unused < STACK && stack[unused] == 0) unused++;
  assert_true(unused < STACK);
  assert_int_equal(schat__msg_key2(portable, msg_key, c.key, 0, c.text, sizeof c.text), SCHAT_OK);
  assert_int_equal(schat__kdf2(portable, keys, keys + 32, c.key, msg_key, 0), SCHAT_OK);
  for (size_t at = 0; at < sizeof c.text; at += 16) assert_false(stands_in(stack, unused, c.text + at));
  for (size_t at = 0; at + 16 <= sizeof c.key; at += 4) assert_false(stands_in(stack, unused, c.key + at));
  for (size_t at = 0; at < sizeof keys; at += 16) assert_false(stands_in(stack, unused, keys + at));
  free(stack);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_msg_key_is_that_of_libcrypto),
      cmocka_unit_test(two_messages_of_one_size_are_hashed_as_each_alone),
      cmocka_unit_test(every_key_and_iv_is_that_of_libcrypto),
      cmocka_unit_test(opening_is_decrypting_and_hashing),
      cmocka_unit_test(an_uneven_size_is_opened_by_nobody),
      cmocka_unit_test(nothing_is_opened_as_nothing),
      cmocka_unit_test(the_kernel_can_be_forced_by_its_name),
#ifdef STACK_IS_SEEN
      cmocka_unit_test(no_text_and_no_key_stays_on_the_stack),
#endif
  };
  return cmocka_run_group_tests_name("sha kernels", tests, prepare, finish);
}
