/* SPDX-License-Identifier: BSL-1.0
 * test_envelope_many.c - messages sealed and opened together give what they give one by one: of any lengths, bad ones among good ones, with
 * every kernel. */
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

#define MOST 40u
#define ROOM 2048u
#define KEYS 5u

static schat__crypto *crypto;
static uint8_t chat_keys[KEYS][256];
static uint8_t padded[MOST][ROOM], alone[MOST][ROOM + SCHAT__ENVELOPE_HEAD], together[MOST][ROOM + SCHAT__ENVELOPE_HEAD], work[MOST][ROOM],
    expected[ROOM];
static schat__seal_job seals[MOST];
static schat__open_job opens[MOST];

static uint32_t seed = 20261127;
static uint32_t draw(uint32_t below) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % below;
}

static void fill(uint8_t *p, size_t size) {
  for (size_t i = 0; i < size; i++) p[i] = (uint8_t)draw(256);
}

/* Lengths of TDLib's buckets, or any; a message is lawful but where a test makes it otherwise. */
static size_t make_padded(uint8_t *p, int any) {
  static const size_t buckets[] = {64, 128, 192, 256};
  const size_t size = any ? 16 + 16 * draw(ROOM / 16 - 1) : buckets[draw(4)];
  fill(p, size);
  schat__store32(p, size < 32 ? 0 : (uint32_t)(size - 4 - SCHAT__PADDING_MIN - 16 * draw((uint32_t)(size / 32 < 60 ? size / 32 : 60))));
  return size;
}

static void make_jobs(size_t count, int any) {
  memset(seals, 0, sizeof seals);
  for (size_t i = 0; i < count; i++) {
    schat__seal_job *job = &seals[i];
    job->key = chat_keys[draw(KEYS)];
    job->key_fingerprint = (int64_t)draw(1000) - 500;
    job->sender_is_originator = (int)draw(2);
    job->padded = padded[i];
    job->padded_size = make_padded(padded[i], any);
    job->out = together[i];
    if (draw(4) == 0) { /* in place */
      memcpy(together[i] + SCHAT__ENVELOPE_HEAD, padded[i], job->padded_size);
      job->padded = together[i] + SCHAT__ENVELOPE_HEAD;
    }
  }
}

static void seal_one_by_one(size_t count) {
  for (size_t i = 0; i < count; i++) {
    const schat__seal_job *job = &seals[i];
    assert_int_equal(schat__envelope_seal(crypto, job->key, job->key_fingerprint, job->sender_is_originator, padded[i], job->padded_size,
                                          alone[i]),
                     SCHAT_OK);
  }
}

static void seal_both_ways(size_t count, int any) {
  make_jobs(count, any);
  seal_one_by_one(count);
  assert_int_equal(schat__envelope_seal_n(crypto, seals, count), SCHAT_OK);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(seals[i].status, SCHAT_OK);
    assert_memory_equal(together[i], alone[i], seals[i].padded_size + SCHAT__ENVELOPE_HEAD);
  }
}

/* Some of the sealed ones damaged: a bit of anything, another key, a length that cannot be, none at all. */
static void damage(size_t i) {
  schat__open_job *job = &opens[i];
  switch (draw(8)) {
    case 0:
      together[i][draw((uint32_t)job->size)] ^= (uint8_t)(1u << draw(8));
      break;
    case 1:
      job->key = chat_keys[draw(KEYS)];
      break;
    case 2:
      job->sender_is_originator = !job->sender_is_originator;
      break;
    case 3:
      job->size -= 1 + draw(30);
      break;
    case 4:
      job->size = draw(SCHAT__ENVELOPE_HEAD + 20);
      break;
    case 5:
      job->key_fingerprint++;
      break;
    default:
      break;
  }
}

static void open_both_ways(size_t count, int any) {
  seal_both_ways(count, any);
  memset(opens, 0, sizeof opens);
  for (size_t i = 0; i < count; i++) {
    schat__open_job *job = &opens[i];
    job->key = seals[i].key;
    job->key_fingerprint = seals[i].key_fingerprint;
    job->sender_is_originator = seals[i].sender_is_originator;
    job->message = together[i];
    job->size = seals[i].padded_size + SCHAT__ENVELOPE_HEAD;
    job->work = work[i];
    memset(work[i], 7, ROOM);
    damage(i);
  }
  schat__envelope_open_n(crypto, opens, count);
  for (size_t i = 0; i < count; i++) {
    const schat__open_job *job = &opens[i];
    const uint8_t *object = NULL;
    size_t size = 0;
    memset(expected, 7, ROOM);
    const int verdict = schat__envelope_open(crypto, job->key, job->key_fingerprint, 2, job->sender_is_originator, job->message, job->size,
                                             expected, &object, &size);
    assert_int_equal(job->verdict, verdict);
    assert_memory_equal(work[i], expected, ROOM); /* what is refused is wiped in both */
    if (verdict != 1) continue;
    assert_int_equal(job->object_size, size);
    assert_ptr_equal(job->object, work[i] + (object - expected));
  }
}

static void with_every_kernel(void (*check)(size_t count, int any)) {
  static const char *const ciphers[] = {"vaes512", "vaes16", "aesni8", "aesni", "evp"}, *const hashes[] = {"sha-ni", "openssl"};
  size_t tried = 0;
  for (size_t c = 0; c < 5; c++) {
    for (size_t h = 0; h < 2; h++) {
      if (schat__ige_force(ciphers[c]) != SCHAT_OK || schat__sha_force(hashes[h]) != SCHAT_OK) continue; /* not on this processor */
      assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &crypto), SCHAT_OK);
      for (size_t count = 0; count <= MOST; count += count < 18 ? 1 : 11) {
        check(count, 0);
        check(count, 1);
      }
      schat__crypto_free(crypto);
      tried++;
    }
  }
  assert_true(tried > 0);
  assert_int_equal(schat__ige_force(NULL), SCHAT_OK);
  assert_int_equal(schat__sha_force(NULL), SCHAT_OK);
}

/* R-ENC-05 to R-ENC-07 */
static void many_are_sealed_as_one_by_one(void **state) {
  (void)state;
  for (size_t i = 0; i < KEYS; i++) fill(chat_keys[i], sizeof chat_keys[i]);
  with_every_kernel(seal_both_ways);
}

/* X-01, R-DEC-01: and each by itself; a bad one harms no other. */
static void many_are_opened_as_one_by_one(void **state) {
  (void)state;
  for (size_t i = 0; i < KEYS; i++) fill(chat_keys[i], sizeof chat_keys[i]);
  with_every_kernel(open_both_ways);
}

static void a_size_that_cannot_be_sealed_is_refused_alone(void **state) {
  (void)state;
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &crypto), SCHAT_OK);
  make_jobs(6, 0);
  seal_one_by_one(6);
  seals[2].padded_size = 100;
  seals[4].padded_size = 0;
  assert_int_equal(schat__envelope_seal_n(crypto, seals, 6), SCHAT_E_INVALID);
  for (size_t i = 0; i < 6; i++) {
    assert_int_equal(seals[i].status, i == 2 || i == 4 ? SCHAT_E_INVALID : SCHAT_OK);
    if (seals[i].status == SCHAT_OK) assert_memory_equal(together[i], alone[i], seals[i].padded_size + SCHAT__ENVELOPE_HEAD);
  }
  schat__crypto_free(crypto);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(many_are_sealed_as_one_by_one),
      cmocka_unit_test(many_are_opened_as_one_by_one),
      cmocka_unit_test(a_size_that_cannot_be_sealed_is_refused_alone),
  };
  return cmocka_run_group_tests_name("envelope_many", tests, NULL, NULL);
}
