/* SPDX-License-Identifier: BSL-1.0
 * test_kdf.c - msg_key and the keys of a message, by the formulas of both versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "crypto/crypto.h"

static schat__crypto *crypto;
static uint8_t key[256], msg_key[16];

static int nibble(char c) {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

static void expect(const uint8_t *bytes, const char *hex) {
  for (size_t i = 0; hex[2 * i] != 0; i++) assert_int_equal(bytes[i], nibble(hex[2 * i]) * 16 + nibble(hex[2 * i + 1]));
}

static int prepare(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof key; i++) key[i] = (uint8_t)i;
  for (size_t i = 0; i < sizeof msg_key; i++) msg_key[i] = (uint8_t)i;
  return schat__crypto_new(NULL, NULL, NULL, &crypto);
}

static int finish(void **state) {
  (void)state;
  schat__crypto_free(crypto);
  return 0;
}

/* R-ENC-06, R-ENC-07 accept: the known answers of the requirements. */
static void version_2_derives_the_published_keys(void **state) {
  (void)state;
  uint8_t aes_key[32], aes_iv[32];
  assert_int_equal(schat__kdf2(crypto, aes_key, aes_iv, key, msg_key, 0), SCHAT_OK);
  expect(aes_key, "704ed09c8b41668ae8f99d244738f71dbddc44469b6bbd4aa8573dd042bd059e");
  expect(aes_iv, "4d266000a550edabbf4c7ce40fd0043cc92230184cd317a5cc9c2482fd3b9318");
  assert_int_equal(schat__kdf2(crypto, aes_key, aes_iv, key, msg_key, 8), SCHAT_OK);
  expect(aes_key, "217725799b245806458174a1fcfbc883906807b15033fdd0ea2b4d69cf9c364e");
  expect(aes_iv, "669a6538917a4fa56ca32360a431c9160be4ad887140980dab91ce7bdc47ffbc");
}

/* R-DEC-10, D-01: the older version must be opened, so it must be right; computed from its formulas. */
static void version_1_derives_the_keys_of_its_formulas(void **state) {
  (void)state;
  uint8_t aes_key[32], aes_iv[32];
  assert_int_equal(schat__kdf1(crypto, aes_key, aes_iv, key, msg_key, 0), SCHAT_OK);
  expect(aes_key, "17d7295ca9213d1ab656acdb1ad48b2ea7f3a8f7095098d5508b900bbd5fccfc");
  expect(aes_iv, "2d7d16a65a84108e9805656caa474501cc580aa2edc33abfd0bfad785464d1c6");
  assert_int_equal(schat__kdf1(crypto, aes_key, aes_iv, key, msg_key, 8), SCHAT_OK);
  expect(aes_key, "bb17b07eb91110647098b069bd1a9b6fe5c4bcc3c31f8e67e831d07a61085f68");
  expect(aes_iv, "5197fc1e25b41fe36f18b5a3a8b2b36cb2cb061f1f157b3514fe42e74fb58359");
}

/* R-ENC-05 accept */
static void msg_key_is_the_middle_of_the_hash(void **state) {
  (void)state;
  uint8_t plain[48] = {0x14}, out[16];
  for (size_t i = 0; i < 24; i++) plain[24 + i] = (uint8_t)i;
  assert_int_equal(schat__msg_key2(crypto, out, key, 0, plain, sizeof plain), SCHAT_OK);
  expect(out, "961ea842389dbad32334ec86f4dbdaec");
  assert_int_equal(schat__msg_key2(crypto, out, key, 8, plain, sizeof plain), SCHAT_OK);
  expect(out, "e2226c5781153a476372a6c304aaf670");
  assert_int_equal(schat__msg_key1(crypto, out, plain, 24), SCHAT_OK);
  expect(out, "b01abe0191ae97aca5ae88cfcb1da9a3");
}

/* R-DEC-02, R-DEC-03 accept: the end that is not told is hashed as the one that is; of an end that cannot be, nothing comes. */
static void a_secret_end_of_the_hash_is_an_end_like_others(void **state) {
  (void)state;
  uint8_t plain[16 + 3 * 64], expected[16], out[16];
  const uint8_t nothing[16] = {0};
  for (size_t i = 0; i < sizeof plain; i++) plain[i] = (uint8_t)(i * 5 + 1);
  for (size_t size = 16; size <= sizeof plain; size += 16) {
    for (uint64_t padding = 0; padding <= 16; padding++) {
      memset(out, 0xa5, sizeof out);
      assert_int_equal(schat__msg_key1_before(crypto, out, plain, size, padding), SCHAT_OK);
      if (padding <= 12 && padding % 4 == 0) {
        assert_int_equal(schat__msg_key1(crypto, expected, plain, size - (size_t)padding), SCHAT_OK);
        assert_memory_equal(out, expected, sizeof out);
      } else {
        assert_memory_equal(out, nothing, sizeof out);
      }
    }
    assert_int_equal(schat__msg_key1_before(crypto, out, plain, size, UINT64_MAX - 3), SCHAT_OK); /* a length past the end */
    assert_memory_equal(out, nothing, sizeof out);
  }
}

/* R-ENC-05, R-ENC-06 reject: no other byte of the key enters, and every named one does. */
static void exactly_the_named_bytes_of_the_key_matter(void **state) {
  (void)state;
  const unsigned xs[] = {0, 8};
  for (size_t n = 0; n < 2; n++) {
    const unsigned x = xs[n];
    uint8_t keys[64], other[64], hash[16], other_hash[16];
    assert_int_equal(schat__kdf2(crypto, keys, keys + 32, key, msg_key, x), SCHAT_OK);
    assert_int_equal(schat__msg_key2(crypto, hash, key, x, msg_key, 16), SCHAT_OK);
    for (unsigned i = 0; i < 256; i++) {
      int in_kdf = i >= x && i < 76 + x && !(i >= 36 + x && i < 40 + x);
      int in_hash = i >= 88 + x && i < 120 + x;
      key[i] ^= 1;
      assert_int_equal(schat__kdf2(crypto, other, other + 32, key, msg_key, x), SCHAT_OK);
      assert_int_equal(schat__msg_key2(crypto, other_hash, key, x, msg_key, 16), SCHAT_OK);
      key[i] ^= 1;
      assert_int_equal(memcmp(keys, other, sizeof keys) != 0, in_kdf);
      assert_int_equal(memcmp(hash, other_hash, sizeof hash) != 0, in_hash);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(version_2_derives_the_published_keys),
      cmocka_unit_test(version_1_derives_the_keys_of_its_formulas),
      cmocka_unit_test(msg_key_is_the_middle_of_the_hash),
      cmocka_unit_test(a_secret_end_of_the_hash_is_an_end_like_others),
      cmocka_unit_test(exactly_the_named_bytes_of_the_key_matter),
  };
  return cmocka_run_group_tests_name("kdf", tests, prepare, finish);
}
