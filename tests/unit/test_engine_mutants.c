/* SPDX-License-Identifier: BSL-1.0
 * test_engine_mutants.c - what a schat__crypto does with what it keeps: traces are wiped as deep as was gone, two msg_keys come as each alone
 * with and without a kernel, and the Montgomery form of a prime is made once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "crypto/engine.h"
#include "desk.h"
#include "residue.h"

static schat__crypto *crypto;

static int prepare(void **state) {
  (void)state;
  return schat__crypto_new(NULL, NULL, NULL, &crypto);
}

static int finish(void **state) {
  (void)state;
  schat__crypto_free(crypto);
  return 0;
}

/* Bytes that stand nowhere else. */
static void fill(uint8_t *p, size_t size, uint32_t seed) {
  for (size_t i = 0; i < size; i++) {
    seed = seed * 1664525u + 1013904223u;
    p[i] = (uint8_t)(seed >> 24);
  }
}

/* Traces ------------------------------------------------------------------------------------------------------------------------ */

static uint8_t pattern[16];

static int status;

static void libcrypto_hashes(void *arg) {
  uint8_t hash[32];
  status = schat__sha256(crypto, hash, arg, 16, NULL, 0);
  residue_leave_much(pattern);
  schat__crypto_wipe_traces(crypto);
}

static void a_kernel_encrypts(void (*leave)(const uint8_t[16])) {
  static const uint8_t key[32] = {7}, in[32] = {8};
  uint8_t iv[32] = {9}, out[32];
  status = schat__ige_encrypt(crypto, key, iv, in, out, sizeof in);
  leave(pattern);
  schat__crypto_wipe_traces(crypto);
}

static void a_kernel_encrypts_and_goes_deep(void *arg) {
  (void)arg;
  a_kernel_encrypts(residue_leave_much);
}

static void a_kernel_encrypts_near_by(void *arg) {
  (void)arg;
  a_kernel_encrypts(residue_leave_little);
}

static void expect(void (*work)(void *), int left) {
  residue r = residue_of(work, pattern);
  assert_int_equal(status, SCHAT_OK);
  if (residue_is_seen()) assert_int_equal(residue_has(&r, pattern, sizeof pattern), left);
  residue_free(&r);
}

/* as deep as libcrypto goes once it has computed; what the kernels alone have done is not paid for so dearly, each time anew. */
static void traces_are_wiped_as_deep_as_was_gone(void **state) {
  (void)state;
  const int native = crypto->sha != NULL && crypto->ige != &schat__ige_evp;
  fill(pattern, sizeof pattern, 3);
  for (int round = 0; round < 2; round++) {
    expect(libcrypto_hashes, 0);
    expect(a_kernel_encrypts_near_by, 0);
    expect(a_kernel_encrypts_and_goes_deep, native);
  }
}

static void where_libcrypto_does_a_part_every_trace_is_deep(void **state) {
  (void)state;
  const schat__sha_kernel *sha = crypto->sha;
  const schat__ige_kernel *ige = crypto->ige;
  fill(pattern, sizeof pattern, 4);
  crypto->sha = NULL;
  expect(a_kernel_encrypts_and_goes_deep, 0);
  crypto->sha = sha;
  crypto->ige = &schat__ige_evp;
  expect(a_kernel_encrypts_and_goes_deep, 0);
  crypto->ige = ige;
}

/* Two msg_keys ------------------------------------------------------------------------------------------------------------------ */

static void expect_two(size_t size) {
  uint8_t keys[2][256], texts[2][160], made[2][16], each[2][16];
  fill(keys[0], sizeof keys, 21);
  fill(texts[0], sizeof texts, 22);
  for (unsigned xs = 0; xs < 4; xs++) {
    const unsigned x[2] = {xs & 1 ? 8 : 0, xs & 2 ? 8 : 0};
    uint8_t *const out[2] = {made[0], made[1]};
    const uint8_t *const key[2] = {keys[0], keys[1]}, *const text[2] = {texts[0], texts[1]};
    assert_int_equal(schat__msg_key2_two(crypto, out, key, x, text, size), SCHAT_OK);
    for (size_t i = 0; i < 2; i++) {
      uint8_t hash[32];
      assert_int_equal(schat__sha256(crypto, hash, keys[i] + 88 + x[i], 32, texts[i], size), SCHAT_OK);
      memcpy(each[i], hash + 8, sizeof each[i]);
    }
    assert_memory_equal(made, each, sizeof made);
  }
}

/* R-ENC-05 */
static void two_msg_keys_are_those_of_each_alone(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 8, 16, 24, 112, 160};
  const schat__sha_kernel *sha = crypto->sha;
  for (int kernel = 0; kernel < 2; kernel++) {
    crypto->sha = kernel ? sha : NULL;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) expect_two(sizes[i]);
  }
}

/* Primes ------------------------------------------------------------------------------------------------------------------------ */

static void raise_two(schat__crypto *by, const uint8_t p[256], uint8_t key[256]) {
  uint8_t exponent[256] = {0}, two[256] = {0};
  exponent[0] = 0x80;
  exponent[255] = 1;
  two[255] = 2;
  assert_int_equal(schat__dh_key(by, p, two, exponent, key), SCHAT_OK);
}

/* Kept for one prime: the same serves again, and never another. */
static void the_montgomery_form_of_a_prime_is_made_once(void **state) {
  (void)state;
  uint8_t other[256], first[256], second[256], between[256];
  schat__crypto *fresh = NULL;
  fill(other, sizeof other, 31);
  other[0] |= 0x80;
  other[255] |= 1;
  raise_two(crypto, desk_prime(), first);
  const BN_MONT_CTX *kept = crypto->dh.mont;
  assert_non_null(kept);
  raise_two(crypto, desk_prime(), second);
  assert_ptr_equal(crypto->dh.mont, kept);
  assert_memory_equal(first, second, sizeof first);
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &fresh), SCHAT_OK);
  raise_two(fresh, other, between);
  schat__crypto_free(fresh);
  raise_two(crypto, other, second);
  assert_memory_equal(between, second, sizeof between);
  kept = crypto->dh.mont;
  raise_two(crypto, other, second);
  assert_ptr_equal(crypto->dh.mont, kept);
  assert_memory_equal(between, second, sizeof between);
  raise_two(crypto, desk_prime(), second);
  assert_memory_equal(first, second, sizeof first);
}

int main(int argc, char *argv[]) {
  (void)argc;
  if (residue_is_seen()) residue_bind_now(argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(traces_are_wiped_as_deep_as_was_gone),
      cmocka_unit_test(where_libcrypto_does_a_part_every_trace_is_deep),
      cmocka_unit_test(two_msg_keys_are_those_of_each_alone),
      cmocka_unit_test(the_montgomery_form_of_a_prime_is_made_once),
  };
  return cmocka_run_group_tests_name("engine-mutants", tests, prepare, finish);
}
