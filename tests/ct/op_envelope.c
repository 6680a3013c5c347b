/* SPDX-License-Identifier: BSL-1.0
 * op_envelope.c - sealing and opening: the chat key, what is derived from it, and the plaintext until the verdict are secret. The verdict
 * becomes public inside schat__envelope_open, and with a good one the plaintext does. */
#include "envelope/envelope.h"

#include <string.h>

#include "common/bytes.h"
#include "operations.h"

#define OBJECT 200u
#define PADDED 240u
#define TOTAL (SCHAT__ENVELOPE_HEAD + PADDED)
#define FINGERPRINT INT64_C(0x0123456789abcdef)

static uint8_t key[256], padded[PADDED], message[TOTAL], work[PADDED];

static void take_key(void) {
  fill_secret(key, sizeof key);
}

static void pad_and_seal(schat__crypto *crypto) {
  for (int originator = 0; originator < 2; originator++) {
    take_key();
    fill_secret(padded + 4, OBJECT);
    NEED(schat__pad(crypto, padded, OBJECT, PADDED) == SCHAT_OK);
    make_secret(padded, sizeof padded);
    NEED(schat__envelope_seal(crypto, key, FINGERPRINT, originator, padded, PADDED, message) == SCHAT_OK);
    NEED(is_secret(message + 8, TOTAL - 8));
  }
}

/* An authentic message with any length field, made with public values; then it is what came over the wire, and the key is secret. */
static void forge(schat__crypto *crypto, int mtproto, int originator, uint32_t length, size_t hashed) {
  uint8_t aes_key[32], aes_iv[32], *text = message + SCHAT__ENVELOPE_HEAD;
  unsigned x = originator ? 0 : 8;
  fill(key, sizeof key);
  make_public(key, sizeof key);
  fill(text, PADDED);
  schat__store64(message, (uint64_t)FINGERPRINT);
  schat__store32(text, length);
  if (mtproto == 2) {
    NEED(schat__msg_key2(crypto, message + 8, key, x, text, hashed) == SCHAT_OK);
    NEED(schat__kdf2(crypto, aes_key, aes_iv, key, message + 8, x) == SCHAT_OK);
  } else {
    NEED(schat__msg_key1(crypto, message + 8, text, hashed) == SCHAT_OK);
    NEED(schat__kdf1(crypto, aes_key, aes_iv, key, message + 8, 0) == SCHAT_OK);
  }
  NEED(schat__ige_encrypt(crypto, aes_key, aes_iv, text, text, PADDED) == SCHAT_OK);
  make_public(message, sizeof message);
  make_secret(key, sizeof key);
  make_secret(work, sizeof work);
}

static void expect(schat__crypto *crypto, int mtproto, int originator, int verdict) {
  const uint8_t *object = NULL;
  size_t size = 0;
  NEED(schat__envelope_open(crypto, key, FINGERPRINT, mtproto, originator, message, TOTAL, work, &object, &size) == verdict);
  if (verdict == 1) {
    NEED(is_public(work, PADDED)); /* from the verdict on */
    NEED(object == work + 4 && size % 4 == 0);
  } else {
    NEED(is_public(work, PADDED) && object == NULL);
  }
}

/* Every length field is met: below, at and above each limit, odd ones, those with the sign bit. */
static void open_lengths(schat__crypto *crypto, int mtproto, const uint32_t *lengths, size_t count, int verdict) {
  for (size_t i = 0; i < count; i++) {
    for (int originator = 0; originator < 2; originator++) {
      size_t hashed = mtproto == 1 && lengths[i] <= PADDED - 4 ? 4 + lengths[i] : PADDED;
      forge(crypto, mtproto, originator, lengths[i], hashed);
      expect(crypto, mtproto, originator, verdict);
    }
  }
}
#define LENGTHS(mtproto, verdict, ...)                                                   \
  do {                                                                                   \
    const uint32_t lengths[] = {__VA_ARGS__};                                            \
    open_lengths(crypto, mtproto, lengths, sizeof lengths / sizeof lengths[0], verdict); \
  } while (0)

static void open_good2(schat__crypto *crypto) {
  LENGTHS(2, 1, OBJECT, PADDED - 4 - SCHAT__PADDING_MIN, 0, 4);
}

static void open_good1(schat__crypto *crypto) {
  LENGTHS(1, 1, PADDED - 4, PADDED - 8, PADDED - 12, PADDED - 16);
}

static void open_bad_length2(schat__crypto *crypto) {
  LENGTHS(2, 0, OBJECT + 1, OBJECT + 2, OBJECT + 3, PADDED, PADDED + 4, 0x7ffffffc, 0x80000000, 0xfffffffc, 0xffffffff);
}

static void open_bad_length1(schat__crypto *crypto) {
  LENGTHS(1, 0, PADDED - 5, PADDED - 6, PADDED - 7, PADDED, PADDED + 4, 0x7ffffffc, 0x80000000, 0xfffffffc, 0xffffffff);
}

static void open_bad_padding2(schat__crypto *crypto) {
  LENGTHS(2, 0, PADDED - 4, PADDED - 8, PADDED - 4 - SCHAT__PADDING_MIN + 4);
}

static void open_bad_padding1(schat__crypto *crypto) {
  LENGTHS(1, 0, PADDED - 4 - 16, PADDED - 4 - 20, 0, 4);
}

/* One flipped bit: of the msg_key, of the first block, of the last. */
static void open_flipped(schat__crypto *crypto, int mtproto) {
  static const size_t places[] = {8, 23, SCHAT__ENVELOPE_HEAD, TOTAL - 1};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    forge(crypto, mtproto, 1, mtproto == 2 ? OBJECT : PADDED - 4, PADDED);
    message[places[i]] ^= 0x10;
    expect(crypto, mtproto, 1, 0);
  }
}

static void open_bad_msg_key2(schat__crypto *crypto) {
  open_flipped(crypto, 2);
}

static void open_bad_msg_key1(schat__crypto *crypto) {
  open_flipped(crypto, 1);
}

/* Nothing of it is authentic. */
static void open_garbage(schat__crypto *crypto) {
  for (int mtproto = 1; mtproto <= 2; mtproto++) {
    take_key();
    fill(message, sizeof message);
    expect(crypto, mtproto, 0, 0);
  }
}

/* Together: of two sizes, one of them damaged, so that pairs, lanes and who stands alone are met. */
#define MANY 7u

static void seal_and_open_many(schat__crypto *crypto) {
  static uint8_t keys[MANY][256], texts[MANY][PADDED], sealed[MANY][TOTAL], works[MANY][PADDED];
  schat__seal_job seals[MANY];
  schat__open_job opens[MANY];
  for (size_t i = 0; i < MANY; i++) {
    const size_t size = i % 3 == 0 ? PADDED - 16 : PADDED;
    const schat__seal_job seal = {keys[i], FINGERPRINT, (int)(i % 2), texts[i], size, sealed[i], 0};
    const schat__open_job open = {keys[i], FINGERPRINT, (int)(i % 2), sealed[i], SCHAT__ENVELOPE_HEAD + size, works[i], NULL, 0, 0};
    fill_secret(keys[i], sizeof keys[i]);
    fill_secret(texts[i] + 4, sizeof texts[i] - 4);
    schat__store32(texts[i], OBJECT);
    make_secret(texts[i], sizeof texts[i]);
    make_secret(works[i], sizeof works[i]);
    seals[i] = seal;
    opens[i] = open;
  }
  NEED(schat__envelope_seal_n(crypto, seals, MANY) == SCHAT_OK);
  for (size_t i = 0; i < MANY; i++) NEED(is_secret(sealed[i] + 8, seals[i].padded_size));
  make_public(sealed, sizeof sealed);
  sealed[4][40] ^= 1;
  schat__envelope_open_n(crypto, opens, MANY);
  for (size_t i = 0; i < MANY; i++) {
    NEED(opens[i].verdict == (i != 4));
    NEED(is_public(works[i], seals[i].padded_size));
  }
}

/* Authentic, under a key that is named wrongly. */
static void open_other_fingerprint(schat__crypto *crypto) {
  forge(crypto, 2, 1, OBJECT, PADDED);
  message[0] ^= 1;
  expect(crypto, 2, 1, 0);
}

const operation envelope_operations[] = {
    {"pad_and_seal", pad_and_seal},
    {"open2_good", open_good2},
    {"open2_bad_msg_key", open_bad_msg_key2},
    {"open2_bad_length", open_bad_length2},
    {"open2_bad_padding", open_bad_padding2},
    {"open1_good", open_good1},
    {"open1_bad_msg_key", open_bad_msg_key1},
    {"open1_bad_length", open_bad_length1},
    {"open1_bad_padding", open_bad_padding1},
    {"seal_and_open_many", seal_and_open_many},
    {"open_garbage", open_garbage},
    {"open_other_fingerprint", open_other_fingerprint},
    {NULL, NULL},
};
