/* SPDX-License-Identifier: BSL-1.0
 * test_hash.c - digests give the published answers again and again, and an engine is made wholly or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../support/failing_openssl.h"
#include "crypto/engine.h"

static schat__crypto *crypto;

static void check_all(const char *a, const char *b, const uint8_t *sha1, const uint8_t *sha256, const uint8_t *md5) {
  uint8_t out[32];
  const uint8_t *first = (const uint8_t *)a, *second = (const uint8_t *)b;
  size_t first_size = strlen(a), second_size = b != NULL ? strlen(b) : 0;
  assert_int_equal(schat__sha1(crypto, out, first, first_size, second, second_size), SCHAT_OK);
  assert_memory_equal(out, sha1, 20);
  assert_int_equal(schat__sha256(crypto, out, first, first_size, second, second_size), SCHAT_OK);
  assert_memory_equal(out, sha256, 32);
  assert_int_equal(schat__md5(crypto, out, first, first_size, second, second_size), SCHAT_OK);
  assert_memory_equal(out, md5, 16);
}

static const uint8_t abc_sha1[] = {0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
                                   0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d};
static const uint8_t abc_sha256[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                     0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
static const uint8_t abc_md5[] = {0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0, 0xd6, 0x96, 0x3f, 0x7d, 0x28, 0xe1, 0x7f, 0x72};

/* R-ENC-05, R-DH-12, R-FILE-02 rest on these. */
static void digests_give_the_published_answers_however_the_input_is_cut(void **state) {
  (void)state;
  for (int again = 0; again < 3; again++) {
    check_all("abc", NULL, abc_sha1, abc_sha256, abc_md5);
    check_all("a", "bc", abc_sha1, abc_sha256, abc_md5);
    check_all("", "abc", abc_sha1, abc_sha256, abc_md5);
  }
}

static void a_digest_of_nothing_is_the_published_one(void **state) {
  (void)state;
  uint8_t out[32];
  static const uint8_t head[] = {0xe3, 0xb0, 0xc4, 0x42};
  assert_int_equal(schat__sha256(crypto, out, NULL, 0, NULL, 0), SCHAT_OK);
  assert_memory_equal(out, head, 4);
}

/* A context that failed once must start afresh, not go on in the middle. */
static void a_digest_works_again_after_it_was_not_ready(void **state) {
  (void)state;
  uint8_t out[20];
  crypto->sha1.ready = 0;
  assert_int_equal(schat__sha1(crypto, out, (const uint8_t *)"abc", 3, NULL, 0), SCHAT_OK);
  assert_memory_equal(out, abc_sha1, 20);
}

static void bytes_are_equal_when_no_bit_differs(void **state) {
  (void)state;
  uint8_t a[33], b[33];
  memset(a, 0x3c, sizeof a);
  memcpy(b, a, sizeof b);
  assert_int_equal(schat__equal(a, b, sizeof a), 1);
  assert_int_equal(schat__equal(a, b, 0), 1);
  for (size_t i = 0; i < 8 * sizeof a; i++) {
    b[i / 8] ^= (uint8_t)(1u << i % 8);
    assert_int_equal(schat__equal(a, b, sizeof a), 0);
    b[i / 8] ^= (uint8_t)(1u << i % 8);
  }
}

static void *count_allocate(void *user_data, size_t size) {
  long *left = user_data;
  if (*left == 0) return NULL;
  (*left)--;
  return malloc(size);
}

static void count_release(void *user_data, void *memory) {
  (void)user_data;
  free(memory);
}

/* what could not be made leaves nothing behind (a leak checker sees to that). */
static void an_engine_is_made_wholly_or_not_at_all(void **state) {
  (void)state;
  long left = 0;
  const schat_allocator mem = {&left, count_allocate, count_release};
  schat__crypto *made = NULL;
  assert_int_equal(schat__crypto_new(&mem, NULL, NULL, &made), SCHAT_E_NOMEM);
  assert_null(made);
  int status = SCHAT_E_CRYPTO;
  for (long n = 0; status != SCHAT_OK; n++) {
    assert_true(n < 1000);
    openssl_fail_after(n);
    status = schat__crypto_new(NULL, NULL, NULL, &made);
    openssl_recover();
    assert_true(status == SCHAT_E_CRYPTO || (status == SCHAT_OK && !openssl_failed));
    assert_true((made != NULL) == (status == SCHAT_OK));
  }
  schat__crypto_free(made);
  schat__crypto_free(NULL);
}

/* The digest of files is fetched when first wanted; a failure then is a failure of that call only. */
static void md5_fails_alone_and_comes_back(void **state) {
  (void)state;
  schat__crypto *made = NULL;
  uint8_t out[16] = {0};
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &made), SCHAT_OK);
  openssl_fail_after(0);
  assert_int_equal(schat__md5(made, out, (const uint8_t *)"abc", 3, NULL, 0), SCHAT_E_CRYPTO);
  openssl_recover();
  assert_int_equal(out[0], 0);
  assert_int_equal(schat__md5(made, out, (const uint8_t *)"abc", 3, NULL, 0), SCHAT_OK);
  assert_memory_equal(out, abc_md5, 16);
  schat__crypto_free(made);
}

static int make_engine(void **state) {
  (void)state;
  return schat__crypto_new(NULL, NULL, NULL, &crypto);
}

static int end_engine(void **state) {
  (void)state;
  schat__crypto_free(crypto);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(digests_give_the_published_answers_however_the_input_is_cut),
      cmocka_unit_test(a_digest_of_nothing_is_the_published_one),
      cmocka_unit_test(a_digest_works_again_after_it_was_not_ready),
      cmocka_unit_test(bytes_are_equal_when_no_bit_differs),
      cmocka_unit_test(an_engine_is_made_wholly_or_not_at_all),
      cmocka_unit_test(md5_fails_alone_and_comes_back),
  };
  if (!openssl_install()) return 99;
  return cmocka_run_group_tests_name("hash", tests, make_engine, end_engine);
}
