/* SPDX-License-Identifier: BSL-1.0
 * test_envelope.c - messages are sealed as the protocol says, and every other one is refused alike. */
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

#define FILL 0xa5

static schat__crypto *crypto;
static uint8_t key[256];
static int64_t fingerprint;

/* A kernel that counts what passes through the real one: how much work an opening did. */
static size_t bytes_decrypted, calls;
static int counting_decrypt(schat__crypto *c, const uint8_t k[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size) {
  bytes_decrypted += size;
  calls++;
  return schat__ige_evp.decrypt(c, k, iv, in, out, size);
}
static schat__ige_kernel counting_kernel;

static int prepare(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof key; i++) key[i] = (uint8_t)(i * 7 + 3);
  if (schat__crypto_new(NULL, NULL, NULL, &crypto) != SCHAT_OK) return -1;
  counting_kernel = schat__ige_evp;
  counting_kernel.decrypt = counting_decrypt;
  crypto->ige = &counting_kernel;
  crypto->sha = NULL; /* which decrypts by itself */
  return schat__key_fingerprint(crypto, key, &fingerprint);
}

static int finish(void **state) {
  (void)state;
  schat__crypto_free(crypto);
  return 0;
}

typedef struct {
  int verdict;
  const uint8_t *object;
  size_t object_size;
  uint8_t *work;
} opening;

static int is_filled(const uint8_t *p, size_t size, int byte) {
  for (size_t i = 0; i < size; i++) {
    if (p[i] != byte) return 0;
  }
  return 1;
}

/* Opens out of and into memory of exactly the lawful size; a refusal must leave nothing. The caller frees work. */
static opening open_message(int mtproto, int originator, const uint8_t *message, size_t size) {
  static const uint8_t nothing[1] = {0};
  size_t work_size = size > SCHAT__ENVELOPE_HEAD ? size - SCHAT__ENVELOPE_HEAD : 0;
  uint8_t *copy = malloc(size > 0 ? size : 1);
  opening o = {0, nothing, 77, malloc(work_size > 0 ? work_size : 1)};
  assert_non_null(copy);
  assert_non_null(o.work);
  memcpy(copy, message, size);
  memset(o.work, FILL, work_size);
  bytes_decrypted = 0;
  calls = 0;
  o.verdict = schat__envelope_open(crypto, key, fingerprint, mtproto, originator, copy, size, o.work, &o.object, &o.object_size);
  if (o.verdict != 1) {
    assert_int_equal(o.verdict, 0);
    assert_ptr_equal(o.object, nothing);
    assert_int_equal(o.object_size, 77);
    assert_true(is_filled(o.work, work_size, calls > 0 ? 0 : FILL));
  }
  free(copy);
  return o;
}

static int verdict_of(int mtproto, int originator, const uint8_t *message, size_t size) {
  opening o = open_message(mtproto, originator, message, size);
  free(o.work);
  return o.verdict;
}

/* An authentic message of version 2 or 1 with any length field and any padding: what only a peer can make. */
static size_t forge(int mtproto, int originator, uint32_t length, size_t padded_size, size_t hashed, uint8_t *message) {
  uint8_t aes_key[32], aes_iv[32], *padded = message + SCHAT__ENVELOPE_HEAD;
  unsigned x = originator ? 0 : 8;
  schat__store64(message, (uint64_t)fingerprint);
  schat__store32(padded, length);
  for (size_t i = 4; i < padded_size; i++) padded[i] = (uint8_t)(i * 31);
  if (mtproto == 2) {
    assert_int_equal(schat__msg_key2(crypto, message + 8, key, x, padded, hashed), SCHAT_OK);
    assert_int_equal(schat__kdf2(crypto, aes_key, aes_iv, key, message + 8, x), SCHAT_OK);
  } else {
    assert_int_equal(schat__msg_key1(crypto, message + 8, padded, hashed), SCHAT_OK);
    assert_int_equal(schat__kdf1(crypto, aes_key, aes_iv, key, message + 8, 0), SCHAT_OK);
  }
  assert_int_equal(schat__ige_encrypt(crypto, aes_key, aes_iv, padded, padded, padded_size), SCHAT_OK);
  return SCHAT__ENVELOPE_HEAD + padded_size;
}

static size_t make_message(int originator, size_t object_size, size_t padded_size, uint8_t *message) {
  uint8_t *padded = message + SCHAT__ENVELOPE_HEAD;
  for (size_t i = 0; i < object_size; i++) padded[4 + i] = (uint8_t)(i + 1);
  assert_int_equal(schat__pad(crypto, padded, object_size, padded_size), SCHAT_OK);
  assert_int_equal(schat__envelope_seal(crypto, key, fingerprint, originator, padded, padded_size, message), SCHAT_OK);
  return SCHAT__ENVELOPE_HEAD + padded_size;
}

/* R-ENC-04 accept */
static void every_length_gets_lawful_padding(void **state) {
  (void)state;
  for (size_t size = 4; size <= 4096; size += 4) {
    for (unsigned extra = 0; extra <= 15; extra++) {
      size_t padded = schat__padded_size(size, extra, 0);
      assert_int_equal(padded % 16, 0);
      assert_true(padded - 4 - size >= 12 + 16 * extra && padded - 4 - size < 28 + 16 * extra);
      assert_true(padded - size <= SCHAT__PADDED_EXTRA);
    }
    size_t bucket = schat__padded_size(size, 3, 1);
    assert_int_equal(bucket % 16, 0);
    assert_true(bucket - 4 - size >= 12 && bucket - 4 - size <= 1024);
  }
}

/* D-12 */
static void buckets_are_those_of_tdlib(void **state) {
  (void)state;
  static const size_t buckets[] = {64, 128, 192, 256, 384, 512, 768, 1024, 1280, 1728, 2176, 2624};
  size_t next = 0;
  for (size_t size = 0; size <= 2624 - 16; size += 4) {
    if (size + 16 > buckets[next]) next++;
    assert_int_equal(schat__padded_size(size, 0, 1), buckets[next]);
  }
  assert_int_equal(schat__padded_size(SIZE_MAX, 0, 0), 0);
  assert_int_equal(schat__padded_size(SIZE_MAX - 20, 0, 1), 0);
}

/* R-ENC-03, R-ENC-04: the length before the object, random bytes behind it, other ones each time. */
static void padding_is_random_and_the_object_stays(void **state) {
  (void)state;
  uint8_t a[128] = {0}, b[128] = {0};
  memset(a + 4, 0x42, 40);
  memset(b + 4, 0x42, 40);
  assert_int_equal(schat__pad(crypto, a, 40, 128), SCHAT_OK);
  assert_int_equal(schat__pad(crypto, b, 40, 128), SCHAT_OK);
  assert_int_equal(schat__load32(a), 40);
  assert_memory_equal(a, b, 44);
  assert_memory_not_equal(a + 44, b + 44, 84);
  assert_memory_not_equal(a + 44, a + 86, 42);
}

/* R-ENC-04 reject */
static void unlawful_padding_is_not_made(void **state) {
  (void)state;
  static uint8_t padded[4096];
  static const struct {
    size_t size, padded_size;
  } bad[] = {{40, 48}, {52, 64}, {41, 128}, {42, 128},      {43, 128},         {40, 120},
             {40, 0},  {40, 16}, {4, 1040}, {SIZE_MAX, 64}, {SIZE_MAX - 3, 64}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(schat__pad(crypto, padded, bad[i].size, bad[i].padded_size), SCHAT_E_INVALID);
  }
  assert_int_equal(schat__pad(crypto, padded, 48, 64), SCHAT_OK);   /* 12 */
  assert_int_equal(schat__pad(crypto, padded, 12, 1040), SCHAT_OK); /* 1024 */
  assert_int_equal(schat__envelope_seal(crypto, key, fingerprint, 1, padded, 0, padded), SCHAT_E_INVALID);
  assert_int_equal(schat__envelope_seal(crypto, key, fingerprint, 1, padded, 40, padded), SCHAT_E_INVALID);
}

static int no_random(void *user_data, uint8_t *out, size_t size) {
  (void)user_data, (void)out, (void)size;
  return -5;
}

/* R-ENC-04, X-16: no randomness, no message. */
static void padding_without_randomness_is_a_failure(void **state) {
  (void)state;
  schat__crypto *poor = NULL;
  uint8_t padded[64] = {0};
  assert_int_equal(schat__crypto_new(NULL, no_random, NULL, &poor), SCHAT_OK);
  assert_int_equal(schat__pad(poor, padded, 40, 64), SCHAT_E_RANDOM);
  assert_true(is_filled(padded, sizeof padded, 0));
  schat__crypto_free(poor);
}

/* R-ENC-05, R-ENC-07, R-ENC-08, R-DEC-01 accept: both roles, many sizes; the same input gives the same bytes. */
static void what_is_sealed_opens(void **state) {
  (void)state;
  for (size_t size = 0; size <= 1200; size += 4) {
    static uint8_t message[4096], again[4096];
    int originator = size % 8 == 0;
    size_t padded_size = schat__padded_size(size, (unsigned)(size / 4 % 16), 0);
    size_t total = make_message(originator, size, padded_size, message);
    assert_true(schat__envelope_fingerprint(message) == fingerprint);
    opening o = open_message(2, originator, message, total);
    assert_int_equal(o.verdict, 1);
    assert_ptr_equal(o.object, o.work + 4);
    assert_int_equal(o.object_size, size);
    for (size_t i = 0; i < size; i++) assert_int_equal(o.object[i], (uint8_t)(i + 1));
    assert_int_equal(schat__envelope_seal(crypto, key, fingerprint, originator, o.work, padded_size, again), SCHAT_OK);
    assert_memory_equal(message, again, total);
    free(o.work);
  }
}

/* R-DEC-01, R-DEC-07 reject: every bit of a message of 256 bytes. */
static void a_flipped_bit_anywhere_is_refused(void **state) {
  (void)state;
  uint8_t message[264];
  size_t total = make_message(1, 200, 240, message);
  assert_int_equal(verdict_of(2, 1, message, total), 1);
  for (size_t bit = 0; bit < total * 8; bit++) {
    message[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_int_equal(verdict_of(2, 1, message, total), 0);
    assert_int_equal(bytes_decrypted, 240);
    message[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  assert_int_equal(verdict_of(2, 1, message, total), 1);
}

/* R-ENC-07 reject, R-ENC-09: the other direction, the other version. */
static void the_other_role_and_the_other_version_do_not_open(void **state) {
  (void)state;
  uint8_t message[152];
  for (int originator = 0; originator < 2; originator++) {
    size_t total = make_message(originator, 100, 128, message);
    assert_int_equal(verdict_of(2, originator, message, total), 1);
    assert_int_equal(verdict_of(2, !originator, message, total), 0);
    assert_int_equal(verdict_of(1, originator, message, total), 0);
  }
  assert_int_equal(schat__envelope_open(crypto, key, fingerprint, 3, 1, message, 152, message, NULL, NULL), SCHAT_E_INVALID);
}

/* R-DEC-04 accept and reject, R-DEC-05: 1,200 bytes inside, every length field around the bounds, all of them with a good msg_key. */
static void only_lawful_lengths_open(void **state) {
  (void)state;
  static uint8_t message[1300];
  for (uint32_t length = 0; length <= 1300; length++) {
    size_t total = forge(2, 1, length, 1200, 1200, message);
    int64_t padding = 1200 - 4 - (int64_t)length;
    assert_int_equal(verdict_of(2, 1, message, total), padding >= 12 && padding <= 1024 && length % 4 == 0);
  }
}

/* R-DEC-04, R-DEC-05 reject */
static void lengths_beyond_the_message_are_refused(void **state) {
  (void)state;
  static const uint32_t lengths[] = {0xffffffffu, 0xfffffffcu, 0x80000000u, 0x7fffffffu, 0x7ffffffcu, 0xfffffff0u,
                                     0xffffffe0u, 260,         256,         252,         248,         244};
  uint8_t message[400];
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    for (int mtproto = 1; mtproto <= 2; mtproto++) {
      size_t total = forge(mtproto, 0, lengths[i], 256, 256, message);
      int lawful = mtproto == 1 ? lengths[i] <= 252 && lengths[i] >= 240 && 4 + lengths[i] == 256 : lengths[i] <= 240;
      assert_int_equal(verdict_of(mtproto, 0, message, total), lawful);
    }
  }
}

/* R-DEC-02, R-DEC-03: what is wrong cannot be told from the answer or the amount of work. */
static void every_refusal_is_the_same_after_the_same_work(void **state) {
  (void)state;
  uint8_t good[280], bad_length[280], both[280], message[280];
  size_t total = forge(2, 1, 220, 256, 256, good);
  forge(2, 1, 0xfffffff0u, 256, 256, bad_length);
  memcpy(both, bad_length, total);
  both[9] ^= 4;
  const uint8_t *cases[] = {bad_length, both};
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(verdict_of(2, 1, cases[i], total), 0);
    assert_int_equal(bytes_decrypted, 256);
    assert_int_equal(calls, 1);
  }
  memcpy(message, good, total);
  message[0] ^= 1; /* another key's fingerprint: refused after the same work too */
  assert_int_equal(verdict_of(2, 1, message, total), 0);
  assert_int_equal(bytes_decrypted, 256);
  assert_int_equal(verdict_of(2, 1, good, total), 1);
}

/* R-DEC-06, X-02: any bytes of any short size, in memory of exactly that size. */
static void short_and_uneven_messages_are_refused_unread(void **state) {
  (void)state;
  uint8_t message[300];
  size_t total = make_message(1, 200, 240, message);
  for (size_t size = 0; size < total; size++) {
    assert_int_equal(verdict_of(2, 1, message, size), 0);
    assert_int_equal(verdict_of(1, 1, message, size), 0);
    int looked_at = size >= 40 && (size - 24) % 16 == 0;
    assert_int_equal(calls, looked_at);
  }
  for (size_t junk = 1; junk < 16; junk++) assert_int_equal(verdict_of(2, 1, message, total + junk), 0);
}

/* D-01, R-DEC-10: version 1 as its senders make it, padding 0 to 15, one direction constant for both. */
static void version_1_opens_with_its_own_padding(void **state) {
  (void)state;
  uint8_t message[200];
  for (uint32_t length = 64; length <= 140; length++) {
    size_t hashed = 4u + (length <= 124 ? length : 124);
    size_t total = forge(1, 0, length, 128, hashed, message);
    int lawful = length <= 124 && length >= 109 && length % 4 == 0;
    for (int originator = 0; originator < 2; originator++) {
      opening o = open_message(1, originator, message, total);
      assert_int_equal(o.verdict, lawful);
      if (lawful) assert_int_equal(o.object_size, length);
      free(o.work);
    }
  }
}

/* R-DEC-02: version 1 with an unlawful length and a hash that fits it, or fits everything, is refused all the same. */
static void version_1_refuses_unlawful_lengths_with_fitting_hashes(void **state) {
  (void)state;
  uint8_t message[200];
  const uint32_t lengths[] = {0, 4, 104, 108, 113, 114, 115, 128, 0x80000000u, 0xffffffffu};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    size_t total = forge(1, 0, lengths[i], 128, 128, message);
    assert_int_equal(verdict_of(1, 0, message, total), 0);
    assert_int_equal(bytes_decrypted, 128);
    if (lengths[i] > 124) continue;
    total = forge(1, 0, lengths[i], 128, 4 + lengths[i], message);
    assert_int_equal(verdict_of(1, 0, message, total), 0);
  }
}

/* R-DEC-01 reject, for version 1: its padding is outside the hash (that is why it is not sent, D-01); all else is inside. */
static void version_1_refuses_flipped_bits_outside_the_padding(void **state) {
  (void)state;
  uint8_t message[152];
  size_t total = forge(1, 1, 124, 128, 128, message);
  assert_int_equal(verdict_of(1, 1, message, total), 1);
  for (size_t bit = 0; bit < total * 8; bit++) {
    message[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_int_equal(verdict_of(1, 1, message, total), 0);
    message[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
}

/* a failure inside is a failure, and no plaintext stays. */
static void a_failing_cipher_is_reported_and_leaves_no_plaintext(void **state) {
  (void)state;
  schat__crypto *broken = NULL;
  const uint8_t *object = NULL;
  size_t object_size = 0;
  uint8_t message[152], work[128], out[152];
  size_t total = make_message(1, 100, 128, message);
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &broken), SCHAT_OK);
  broken->ige = &schat__ige_evp; /* the ones that can fail */
  broken->sha = NULL;
  EVP_CIPHER_CTX_reset(broken->ige_encrypt);
  EVP_CIPHER_CTX_reset(broken->ige_decrypt);
  memset(work, FILL, sizeof work);
  assert_int_equal(schat__envelope_open(broken, key, fingerprint, 2, 1, message, total, work, &object, &object_size), SCHAT_E_CRYPTO);
  assert_true(is_filled(work, sizeof work, 0));
  assert_null(object);
  assert_int_equal(schat__envelope_seal(broken, key, fingerprint, 1, work, 128, out), SCHAT_E_CRYPTO);
  schat__crypto_free(broken);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_length_gets_lawful_padding),
      cmocka_unit_test(buckets_are_those_of_tdlib),
      cmocka_unit_test(padding_is_random_and_the_object_stays),
      cmocka_unit_test(unlawful_padding_is_not_made),
      cmocka_unit_test(padding_without_randomness_is_a_failure),
      cmocka_unit_test(what_is_sealed_opens),
      cmocka_unit_test(a_flipped_bit_anywhere_is_refused),
      cmocka_unit_test(the_other_role_and_the_other_version_do_not_open),
      cmocka_unit_test(only_lawful_lengths_open),
      cmocka_unit_test(lengths_beyond_the_message_are_refused),
      cmocka_unit_test(every_refusal_is_the_same_after_the_same_work),
      cmocka_unit_test(short_and_uneven_messages_are_refused_unread),
      cmocka_unit_test(version_1_opens_with_its_own_padding),
      cmocka_unit_test(version_1_refuses_unlawful_lengths_with_fitting_hashes),
      cmocka_unit_test(version_1_refuses_flipped_bits_outside_the_padding),
      cmocka_unit_test(a_failing_cipher_is_reported_and_leaves_no_plaintext),
  };
  return cmocka_run_group_tests_name("envelope", tests, prepare, finish);
}
