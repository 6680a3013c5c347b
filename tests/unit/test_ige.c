/* SPDX-License-Identifier: BSL-1.0
 * test_ige.c - AES-256-IGE of the portable kernel against its definition, in every size, place and cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "crypto/engine.h"

#define MOST 6160u

static schat__crypto *crypto;
static uint8_t key[32], iv[32], plain[MOST], sealed[MOST];

static uint32_t seed = 12345;
static void fill(uint8_t *p, size_t size) {
  for (size_t i = 0; i < size; i++) {
    seed = seed * 1664525u + 1013904223u;
    p[i] = (uint8_t)(seed >> 24);
  }
}

static void one_block(int enc, const uint8_t *k, const uint8_t in[16], uint8_t out[16]) {
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
  int done = 0;
  assert_non_null(ctx);
  assert_int_equal(EVP_CipherInit_ex2(ctx, crypto->ecb, k, NULL, enc, NULL), 1);
  assert_int_equal(EVP_CIPHER_CTX_set_padding(ctx, 0), 1);
  assert_int_equal(EVP_CipherUpdate(ctx, out, &done, in, 16), 1);
  EVP_CIPHER_CTX_free(ctx);
}

/* The definition: c[i] = E(p[i] ^ c[i-1]) ^ p[i-1]. */
static void define(size_t size) {
  uint8_t block[16];
  for (size_t i = 0; i < size; i += 16) {
    const uint8_t *c = i > 0 ? sealed + i - 16 : iv, *p = i > 0 ? plain + i - 16 : iv + 16;
    for (size_t j = 0; j < 16; j++) block[j] = plain[i + j] ^ c[j];
    one_block(1, key, block, block);
    for (size_t j = 0; j < 16; j++) sealed[i + j] = block[j] ^ p[j];
  }
}

static int prepare(void **state) {
  (void)state;
  if (schat__crypto_new(NULL, NULL, NULL, &crypto) != SCHAT_OK) return -1;
  crypto->ige = &schat__ige_evp;
  fill(key, sizeof key);
  fill(iv, sizeof iv);
  fill(plain, sizeof plain);
  define(MOST);
  return 0;
}

static int finish(void **state) {
  (void)state;
  schat__crypto_free(crypto);
  return 0;
}

/* R-ENC-08: what continues a stream is the last pair of blocks. */
static void check_iv_after(const uint8_t running[32], size_t size) {
  if (size == 0) {
    assert_memory_equal(running, iv, 32);
    return;
  }
  assert_memory_equal(running, sealed + size - 16, 16);
  assert_memory_equal(running + 16, plain + size - 16, 16);
}

/* R-ENC-08 */
static void every_size_agrees_with_the_definition_in_both_directions(void **state) {
  (void)state;
  for (size_t size = 0; size <= MOST; size += 16) {
    uint8_t *out = malloc(size + 1), running[32];
    assert_non_null(out);
    memcpy(running, iv, 32);
    assert_int_equal(schat__ige_encrypt(crypto, key, running, plain, out, size), SCHAT_OK);
    assert_memory_equal(out, sealed, size);
    check_iv_after(running, size);
    memcpy(running, iv, 32);
    assert_int_equal(schat__ige_decrypt(crypto, key, running, sealed, out, size), SCHAT_OK);
    assert_memory_equal(out, plain, size);
    check_iv_after(running, size);
    free(out);
  }
}

/* R-ENC-08, R-FILE-01 */
static void in_place_gives_the_same(void **state) {
  (void)state;
  static uint8_t bytes[MOST];
  for (size_t size = 16; size <= MOST; size += 16) {
    uint8_t running[32];
    memcpy(bytes, plain, size);
    memcpy(running, iv, 32);
    assert_int_equal(schat__ige_encrypt(crypto, key, running, bytes, bytes, size), SCHAT_OK);
    assert_memory_equal(bytes, sealed, size);
    memcpy(running, iv, 32);
    assert_int_equal(schat__ige_decrypt(crypto, key, running, bytes, bytes, size), SCHAT_OK);
    assert_memory_equal(bytes, plain, size);
  }
}

/* R-FILE-01: one stream over the whole file, whatever the pieces. */
static void pieces_of_any_size_make_one_stream(void **state) {
  (void)state;
  static uint8_t out[MOST], back[MOST];
  for (unsigned round = 0; round < 200; round++) {
    uint8_t there[32], here[32];
    memcpy(there, iv, 32);
    memcpy(here, iv, 32);
    for (size_t at = 0; at < MOST;) {
      uint8_t draw[2];
      fill(draw, sizeof draw);
      size_t piece = (size_t)(draw[0] % (round < 100 ? 4 : 200)) * 16;
      if (piece > MOST - at) piece = MOST - at;
      assert_int_equal(schat__ige_encrypt(crypto, key, there, plain + at, out + at, piece), SCHAT_OK);
      assert_int_equal(schat__ige_decrypt(crypto, key, here, out + at, back + at, piece), SCHAT_OK);
      at += piece;
    }
    assert_memory_equal(out, sealed, MOST);
    assert_memory_equal(back, plain, MOST);
  }
}

static void a_size_that_is_no_multiple_of_16_is_refused_and_changes_nothing(void **state) {
  (void)state;
  for (size_t size = 1; size < 100; size++) {
    uint8_t running[32], out[100];
    if (size % 16 == 0) continue;
    memcpy(running, iv, 32);
    memset(out, 0xee, sizeof out);
    assert_int_equal(schat__ige_encrypt(crypto, key, running, plain, out, size), SCHAT_E_INVALID);
    assert_int_equal(schat__ige_decrypt(crypto, key, running, plain, out, size), SCHAT_E_INVALID);
    assert_memory_equal(running, iv, 32);
    for (size_t i = 0; i < sizeof out; i++) assert_int_equal(out[i], 0xee);
  }
}

/* the kept contexts work under a key of zeros between calls. */
static void no_key_stays_in_the_engine(void **state) {
  (void)state;
  static const uint8_t none[32] = {0};
  uint8_t running[32], out[64], expected[16], got[16];
  int done = 0;
  memcpy(running, iv, 32);
  assert_int_equal(schat__ige_encrypt(crypto, key, running, plain, out, 64), SCHAT_OK);
  assert_int_equal(EVP_EncryptUpdate(crypto->ige_encrypt, got, &done, none, 16), 1);
  one_block(1, none, none, expected);
  assert_memory_equal(got, expected, 16);
  memcpy(running, iv, 32);
  assert_int_equal(schat__ige_decrypt(crypto, key, running, sealed, out, 64), SCHAT_OK);
  assert_int_equal(EVP_DecryptUpdate(crypto->ige_decrypt, got, &done, none, 16), 1);
  one_block(0, none, none, expected);
  assert_memory_equal(got, expected, 16);
}

/* a context that libcrypto has lost is a clear failure, and no half of a text comes out. */
static void a_failing_cipher_is_a_failure_and_gives_nothing(void **state) {
  (void)state;
  schat__crypto *broken = NULL;
  uint8_t running[32], out[64];
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &broken), SCHAT_OK);
  broken->ige = &schat__ige_evp;
  EVP_CIPHER_CTX_reset(broken->ige_encrypt);
  EVP_CIPHER_CTX_reset(broken->ige_decrypt);
  memcpy(running, iv, 32);
  memset(out, 0xee, sizeof out);
  assert_int_equal(schat__ige_encrypt(broken, key, running, plain, out, 64), SCHAT_E_CRYPTO);
  for (size_t i = 0; i < sizeof out; i++) assert_int_equal(out[i], 0);
  memset(out, 0xee, sizeof out);
  assert_int_equal(schat__ige_decrypt(broken, key, running, sealed, out, 64), SCHAT_E_CRYPTO);
  for (size_t i = 0; i < sizeof out; i++) assert_int_equal(out[i], 0);
  assert_memory_equal(running, iv, 32);
  schat__crypto_free(broken);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_size_agrees_with_the_definition_in_both_directions),
      cmocka_unit_test(in_place_gives_the_same),
      cmocka_unit_test(pieces_of_any_size_make_one_stream),
      cmocka_unit_test(a_size_that_is_no_multiple_of_16_is_refused_and_changes_nothing),
      cmocka_unit_test(no_key_stays_in_the_engine),
      cmocka_unit_test(a_failing_cipher_is_a_failure_and_gives_nothing),
  };
  return cmocka_run_group_tests_name("ige", tests, prepare, finish);
}
