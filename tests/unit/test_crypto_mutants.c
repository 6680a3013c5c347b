/* SPDX-License-Identifier: BSL-1.0
 * test_crypto_mutants.c - libcrypto gets back what it gave, whichever of its allocations fails: small changes to the cryptography that no
 * other test would notice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "crypto/engine.h"
#include "desk.h"
#include "failing_openssl.h"

static schat__crypto *crypto;
static uint8_t key[256], text[64], out[512], exponent[256], value[256];

static int prepare(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof key; i++) key[i] = (uint8_t)(i * 13 + 5);
  if (schat__crypto_new(NULL, NULL, NULL, &crypto) != SCHAT_OK) return -1;
  return schat__dh_generate(crypto, desk_prime(), 3, NULL, 0, exponent, value);
}

static int finish(void **state) {
  (void)state;
  schat__crypto_free(crypto);
  return 0;
}

/* Each makes what it can, gives everything back, and returns a failure or something else. */

static int make_an_engine(void) {
  schat__crypto *made = NULL;
  int status = schat__crypto_new(NULL, NULL, NULL, &made);
  if (status == SCHAT_OK) schat__crypto_free(made);
  return status;
}

static int seal_and_open_a_record(void) {
  schat__sealer *sealer = NULL;
  int status = schat__sealer_new(NULL, crypto, key, &sealer);
  if (status != SCHAT_OK) return status;
  status = schat__seal(sealer, key, 16, text, sizeof text, out);
  if (status == SCHAT_OK) status = schat__unseal(sealer, key, 16, out, sizeof text + SCHAT__SEAL_OVERHEAD, out + 256);
  schat__sealer_free(sealer);
  return status;
}

/* More salts than keys are kept. */
static int open_records_of_many_openings(void) {
  schat__sealer *sealer = NULL, *other = NULL;
  int status = schat__sealer_new(NULL, crypto, key, &sealer);
  for (int i = 0; i < 10 && status >= 0; i++) {
    status = schat__sealer_new(NULL, crypto, key, &other);
    if (status == SCHAT_OK) status = schat__seal(other, NULL, 0, text, sizeof text, out);
    if (status == SCHAT_OK) status = schat__unseal(sealer, NULL, 0, out, sizeof text + SCHAT__SEAL_OVERHEAD, out + 256);
    schat__sealer_free(other);
    other = NULL;
  }
  schat__sealer_free(sealer);
  return status;
}

static int judge_a_public_value(void) {
  return schat__dh_check_public(crypto, desk_prime(), NULL, value, sizeof value, out);
}

static int judge_a_modulus(void) {
  uint8_t p[256];
  memcpy(p, desk_prime(), sizeof p);
  p[100] ^= 1; /* not a prime; what is asked of its remainders stays as it may */
  return schat__dh_check_config(crypto, p, 4);
}

static int make_a_key(void) {
  return schat__dh_key(crypto, desk_prime(), value, exponent, out);
}

static int make_a_key_under_another_modulus(void) {
  uint8_t p[256];
  memcpy(p, desk_prime(), sizeof p);
  int status = schat__dh_key(crypto, p, value, exponent, out);
  p[100] ^= 1;
  return status == SCHAT_OK ? schat__dh_key(crypto, p, value, exponent, out) : status;
}

static int hash_every_end(void) {
  uint8_t ends[SCHAT__ENDS][20];
  return schat__sha1_ends(crypto, ends, key, sizeof key);
}

static int tell_a_file_by_its_key(void) {
  int32_t fingerprint;
  return schat_file_fingerprint(key, key + 32, &fingerprint);
}

static int seal_and_open_a_file(void) {
  schat_file *file = NULL;
  schat_encrypted_file said;
  size_t done;
  SCHAT_INIT(said);
  said.size = 48;
  int status = schat_file_fingerprint(key, key + 32, &said.key_fingerprint);
  if (status == SCHAT_OK) status = schat_file_encrypt_begin(NULL, key, key + 32, 43, NULL, NULL, &file);
  if (status == SCHAT_OK) status = schat_file_update(file, text, 43, out, &done);
  schat_file_free(file);
  file = NULL;
  if (status == SCHAT_OK) status = schat_file_decrypt_begin(NULL, key, key + 32, 43, &said, &file);
  if (status == SCHAT_OK) status = schat_file_update(file, out, 48, out + 256, &done);
  schat_file_free(file);
  return status;
}

/* Once for what libcrypto and the engine keep; then nothing may be missing when all is well again after a failure. */
static void expect_nothing_lost(int (*work)(void)) {
  int failed = 1;
  assert_true(work() >= 0);
  for (long n = 0; failed; n++) {
    const long before = openssl_live;
    assert_true(n < 2000);
    openssl_fail_after(n);
    int status = work();
    openssl_recover();
    failed = openssl_failed;
    assert_true(status >= 0 || failed);
    assert_true(work() >= 0);
    assert_int_equal(openssl_live, before);
  }
}

/* */
static void whatever_fails_libcrypto_gets_everything_back(void **state) {
  (void)state;
  static int (*const works[])(void) = {
      make_an_engine,
      seal_and_open_a_record,
      open_records_of_many_openings,
      judge_a_public_value,
      judge_a_modulus,
      make_a_key,
      make_a_key_under_another_modulus,
      hash_every_end,
      tell_a_file_by_its_key,
      seal_and_open_a_file,
  };
  for (size_t i = 0; i < sizeof works / sizeof works[0]; i++) expect_nothing_lost(works[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whatever_fails_libcrypto_gets_everything_back),
  };
  if (!openssl_install()) return 99;
  return cmocka_run_group_tests_name("crypto-mutants", tests, prepare, finish);
}
