/* SPDX-License-Identifier: BSL-1.0
 * test_seal.c - records are sealed under a nonce that never comes twice, and open only where they belong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/err.h>

#include "../support/failing_openssl.h"
#include "common/bytes.h"
#include "crypto/engine.h"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/wait.h>
#include <unistd.h>
#define HAVE_FORK 1
#else
#define HAVE_FORK 0
#endif

#define HEAD 25u /* version, salt, counter */

static schat__crypto *crypto;
static const uint8_t storage_key[32] = {1, 2, 3, 4, 5};
static const uint8_t aad[5] = {9, 8, 7, 6, 5};

static schat__sealer *make_sealer(const uint8_t key[32]) {
  schat__sealer *sealer = NULL;
  assert_int_equal(schat__sealer_new(NULL, crypto, key, &sealer), SCHAT_OK);
  return sealer;
}

static int prepare(void **state) {
  (void)state;
  return schat__crypto_new(NULL, NULL, NULL, &crypto);
}

static int finish(void **state) {
  (void)state;
  schat__crypto_free(crypto);
  return 0;
}

static int is_zero(const uint8_t *p, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (p[i] != 0) return 0;
  }
  return 1;
}

/* what was stored is what is read, in any size, by this opening and by any later one with the same key. */
static void records_open_in_this_opening_and_in_later_ones(void **state) {
  (void)state;
  static uint8_t plain[5000], sealed[5041], back[5000];
  schat__sealer *first = make_sealer(storage_key), *later = make_sealer(storage_key);
  memset(plain, 0x3a, sizeof plain);
  const size_t sizes[] = {0, 1, 15, 16, 17, 100, 4096, 5000};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    size_t size = sizes[i], aad_size = i % 2 == 0 ? sizeof aad : 0;
    assert_int_equal(schat__seal(first, aad, aad_size, plain, size, sealed), SCHAT_OK);
    assert_int_equal(sealed[0], 1);
    memset(back, 0, sizeof back);
    assert_int_equal(schat__unseal(first, aad, aad_size, sealed, size + SCHAT__SEAL_OVERHEAD, back), 1);
    assert_memory_equal(back, plain, size);
    memset(back, 0, sizeof back);
    assert_int_equal(schat__unseal(later, aad, aad_size, sealed, size + SCHAT__SEAL_OVERHEAD, back), 1);
    assert_memory_equal(back, plain, size);
  }
  schat__sealer_free(first);
  schat__sealer_free(later);
}

/* The form is kept for ever (records of every version stay readable): computed from HKDF and AES-GCM by other code. */
static void the_format_is_the_one_that_was_written_down(void **state) {
  (void)state;
  static const uint8_t record[] = {0x01, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f,
                                   0x70, 0x71, 0x72, 0x73, 0x05, 0x04, 0x03, 0x02, 0x01, 0x00, 0x00, 0x00, 0xd8,
                                   0xc2, 0xc5, 0x75, 0x71, 0xb6, 0x2f, 0x7c, 0x28, 0xdc, 0xbb, 0xbc, 0x4a, 0x3e,
                                   0x07, 0x86, 0xc2, 0xe7, 0xa7, 0x63, 0x1b, 0xc8, 0x85, 0x92, 0xfc, 0x1c, 0xc7};
  uint8_t key[32], back[11];
  for (unsigned i = 0; i < 32; i++) key[i] = (uint8_t)i;
  schat__sealer *sealer = make_sealer(key);
  assert_int_equal(schat__unseal(sealer, (const uint8_t *)"where", 5, record, sizeof record, back), 1);
  assert_memory_equal(back, "hello world", 11);
  schat__sealer_free(sealer);
}

/* D-34, X-18: neither text nor key stands in the value. */
static void the_value_shows_nothing_of_the_text(void **state) {
  (void)state;
  uint8_t plain[64], sealed[64 + SCHAT__SEAL_OVERHEAD], again[64 + SCHAT__SEAL_OVERHEAD];
  schat__sealer *sealer = make_sealer(storage_key);
  memset(plain, 'x', sizeof plain);
  assert_int_equal(schat__seal(sealer, aad, sizeof aad, plain, sizeof plain, sealed), SCHAT_OK);
  assert_int_equal(schat__seal(sealer, aad, sizeof aad, plain, sizeof plain, again), SCHAT_OK);
  for (size_t i = 0; i + 8 <= sizeof sealed; i++) assert_memory_not_equal(sealed + i, plain, 8);
  assert_memory_not_equal(sealed + HEAD, again + HEAD, sizeof plain);
  schat__sealer_free(sealer);
}

/* Reject: any bit, any other place, any other key, any other size; nothing comes out and libcrypto's error queue stays empty. */
static void a_record_that_is_damaged_foreign_or_moved_is_refused(void **state) {
  (void)state;
  uint8_t plain[20], sealed[61], back[20], other_key[32], other_aad[5];
  schat__sealer *sealer = make_sealer(storage_key);
  memset(plain, 0x3a, sizeof plain);
  assert_int_equal(schat__seal(sealer, aad, sizeof aad, plain, sizeof plain, sealed), SCHAT_OK);
  ERR_clear_error();
  for (size_t bit = 0; bit < sizeof sealed * 8; bit++) {
    sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    memset(back, 0x77, sizeof back);
    assert_int_equal(schat__unseal(sealer, aad, sizeof aad, sealed, sizeof sealed, back), 0);
    assert_true(is_zero(back, sizeof back));
    sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  memcpy(other_aad, aad, sizeof aad);
  other_aad[2] ^= 1;
  assert_int_equal(schat__unseal(sealer, other_aad, sizeof other_aad, sealed, sizeof sealed, back), 0);
  assert_int_equal(schat__unseal(sealer, aad, sizeof aad - 1, sealed, sizeof sealed, back), 0);
  for (size_t size = 0; size < sizeof sealed; size++) assert_int_equal(schat__unseal(sealer, aad, sizeof aad, sealed, size, back), 0);
  memcpy(other_key, storage_key, sizeof other_key);
  other_key[31] ^= 1;
  schat__sealer *stranger = make_sealer(other_key);
  assert_int_equal(schat__unseal(stranger, aad, sizeof aad, sealed, sizeof sealed, back), 0);
  assert_int_equal(schat__unseal(sealer, aad, sizeof aad, sealed, sizeof sealed, back), 1);
  assert_true(ERR_peek_error() == 0);
  schat__sealer_free(stranger);
  schat__sealer_free(sealer);
}

/* The counter grows under one salt, and every opening has a salt of its own. */
static void no_nonce_comes_twice(void **state) {
  (void)state;
  uint8_t sealed[SCHAT__SEAL_OVERHEAD], salts[20][16];
  for (size_t i = 0; i < 20; i++) {
    schat__sealer *sealer = make_sealer(storage_key);
    for (uint64_t n = 0; n < 300; n++) {
      assert_int_equal(schat__seal(sealer, NULL, 0, NULL, 0, sealed), SCHAT_OK);
      assert_true(schat__load64(sealed + 17) == n);
      if (n == 0) memcpy(salts[i], sealed + 1, 16);
      assert_memory_equal(salts[i], sealed + 1, 16);
    }
    for (size_t j = 0; j < i; j++) assert_memory_not_equal(salts[i], salts[j], 16);
    schat__sealer_free(sealer);
  }
}

/* More salts than are kept: each record still opens, in any order. */
static void records_of_many_openings_open(void **state) {
  (void)state;
  enum { COUNT = 20 };
  uint8_t sealed[COUNT][4 + SCHAT__SEAL_OVERHEAD], back[4];
  for (uint8_t i = 0; i < COUNT; i++) {
    schat__sealer *sealer = make_sealer(storage_key);
    uint8_t plain[4] = {i, i, i, i};
    assert_int_equal(schat__seal(sealer, aad, sizeof aad, plain, sizeof plain, sealed[i]), SCHAT_OK);
    schat__sealer_free(sealer);
  }
  schat__sealer *reader = make_sealer(storage_key);
  for (size_t n = 0; n < 200; n++) {
    size_t i = n * 7 % COUNT;
    assert_int_equal(schat__unseal(reader, aad, sizeof aad, sealed[i], sizeof sealed[i], back), 1);
    assert_int_equal(back[3], i);
  }
  schat__sealer_free(reader);
}

static int no_random(void *user_data, uint8_t *out, size_t size) {
  (void)user_data, (void)out, (void)size;
  return -1;
}

/* */
static void without_randomness_or_memory_there_is_no_sealer(void **state) {
  (void)state;
  schat__crypto *poor = NULL;
  schat__sealer *sealer = NULL;
  assert_int_equal(schat__crypto_new(NULL, no_random, NULL, &poor), SCHAT_OK);
  assert_int_equal(schat__sealer_new(NULL, poor, storage_key, &sealer), SCHAT_E_RANDOM);
  assert_null(sealer);
  schat__crypto_free(poor);
  int status = SCHAT_E_CRYPTO;
  for (long n = 0; status != SCHAT_OK; n++) {
    assert_true(n < 1000);
    openssl_fail_after(n);
    status = schat__sealer_new(NULL, crypto, storage_key, &sealer);
    openssl_recover();
    assert_true(status == SCHAT_OK || status == SCHAT_E_CRYPTO || status == SCHAT_E_RANDOM);
    assert_true((sealer != NULL) == (status == SCHAT_OK));
  }
  schat__sealer_free(sealer);
  schat__sealer_free(NULL);
}

/* no memory for an older opening's key is a failure, not a verdict on the record; the next try succeeds. */
static void a_failure_while_opening_is_no_verdict(void **state) {
  (void)state;
  uint8_t sealed[4 + SCHAT__SEAL_OVERHEAD], back[4];
  schat__sealer *writer = make_sealer(storage_key), *reader = make_sealer(storage_key);
  assert_int_equal(schat__seal(writer, aad, sizeof aad, (const uint8_t *)"text", 4, sealed), SCHAT_OK);
  int verdict = 0;
  for (long n = 0; verdict != 1; n++) {
    assert_true(n < 1000);
    openssl_fail_after(n);
    verdict = schat__unseal(reader, aad, sizeof aad, sealed, sizeof sealed, back);
    openssl_recover();
    assert_true(verdict == 1 || verdict == SCHAT_E_CRYPTO);
    if (verdict != 1) assert_true(is_zero(back, sizeof back));
  }
  assert_memory_equal(back, "text", 4);
  schat__sealer_free(writer);
  schat__sealer_free(reader);
}

#if HAVE_FORK
/* parent and child would use the same nonces; the child takes another salt. */
static void a_fork_does_not_share_nonces(void **state) {
  (void)state;
  schat__sealer *sealer = make_sealer(storage_key);
  uint8_t mine[SCHAT__SEAL_OVERHEAD], theirs[SCHAT__SEAL_OVERHEAD];
  int ends[2], status = 1;
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    int sealed = schat__seal(sealer, NULL, 0, NULL, 0, theirs);
    ssize_t done = write(ends[1], theirs, sizeof theirs);
    schat__sealer_free(sealer); /* a leak checker looks at the child too */
    _exit(sealed == SCHAT_OK && done == (ssize_t)sizeof theirs ? 0 : 1);
  }
  assert_int_equal(schat__seal(sealer, NULL, 0, NULL, 0, mine), SCHAT_OK);
  assert_int_equal(read(ends[0], theirs, sizeof theirs), (ssize_t)sizeof theirs);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_memory_not_equal(mine + 1, theirs + 1, 16);
  assert_int_equal(schat__unseal(sealer, NULL, 0, theirs, sizeof theirs, NULL), 1);
  close(ends[0]);
  close(ends[1]);
  schat__sealer_free(sealer);
}
#endif

/* Sizes that libcrypto cannot take are refused before a byte is looked at. */
static void sizes_beyond_libcryptos_are_refused(void **state) {
  (void)state;
  schat__crypto *own = NULL;
  schat__sealer *sealer = NULL;
  static const uint8_t key[32] = {1};
  uint8_t out[64] = {0};
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &own), SCHAT_OK);
  assert_int_equal(schat__sealer_new(NULL, own, key, &sealer), SCHAT_OK);
  const size_t most = INT32_MAX;
  assert_int_equal(schat__seal(sealer, key, most + 1, key, 16, out), SCHAT_E_TOO_LARGE);
  assert_int_equal(schat__seal(sealer, key, 16, key, most - SCHAT__SEAL_OVERHEAD + 1, out), SCHAT_E_TOO_LARGE);
  assert_int_equal(schat__unseal(sealer, key, most + 1, key, SCHAT__SEAL_OVERHEAD + 1, out), SCHAT_E_TOO_LARGE);
  assert_int_equal(schat__unseal(sealer, key, 16, key, most + 1, out), SCHAT_E_TOO_LARGE);
  schat__sealer_free(sealer);
  schat__crypto_free(own);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sizes_beyond_libcryptos_are_refused),
    cmocka_unit_test(records_open_in_this_opening_and_in_later_ones),
    cmocka_unit_test(the_format_is_the_one_that_was_written_down),
    cmocka_unit_test(the_value_shows_nothing_of_the_text),
    cmocka_unit_test(a_record_that_is_damaged_foreign_or_moved_is_refused),
    cmocka_unit_test(no_nonce_comes_twice),
    cmocka_unit_test(records_of_many_openings_open),
    cmocka_unit_test(without_randomness_or_memory_there_is_no_sealer),
    cmocka_unit_test(a_failure_while_opening_is_no_verdict),
#if HAVE_FORK
    cmocka_unit_test(a_fork_does_not_share_nonces),
#endif
  };
  if (!openssl_install()) return 99;
  return cmocka_run_group_tests_name("seal", tests, prepare, finish);
}
