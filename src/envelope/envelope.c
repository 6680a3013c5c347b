/* SPDX-License-Identifier: BSL-1.0
 * envelope.c - pads, seals and opens messages; opening follows the fixed order of X-01. */
#include "envelope.h"

#include <string.h>

#include "../common/bytes.h"
#include "../common/mem.h"
#include "../common/poison.h"
#include "../crypto/traces.h"

#define BLOCK 16u
#define MESSAGE_MIN (SCHAT__ENVELOPE_HEAD + BLOCK)
#define OBJECT_MAX ((size_t)INT32_MAX)
#define PADDING_MAX1 15u /* MTProto 1 */

/* D-12: so that an observer learns less about the length. */
static size_t bucket_of(size_t least) {
  static const uint16_t buckets[] = {64, 128, 192, 256, 384, 512, 768, 1024, 1280};
  const size_t count = sizeof buckets / sizeof buckets[0];
  for (size_t i = 0; i < count; i++) {
    if (least <= buckets[i]) return buckets[i];
  }
  const size_t last = buckets[count - 1], step = 448;
  return last + (least - last + step - 1) / step * step;
}

size_t schat__padded_size(size_t size, unsigned extra_blocks, int buckets) {
  if (size > OBJECT_MAX - SCHAT__PADDED_EXTRA) return 0; /* schat__pad refuses it */
  size_t least = 4u + size + SCHAT__PADDING_MIN;
  if (buckets) return bucket_of(least);
  size_t blocks = extra_blocks < 15u ? extra_blocks : 15u;
  return (least + BLOCK - 1) / BLOCK * BLOCK + blocks * BLOCK;
}

int schat__pad(schat__crypto *crypto, uint8_t *padded, size_t size, size_t padded_size) {
  if (size > OBJECT_MAX || size % 4 != 0 || padded_size % BLOCK != 0 || padded_size < 4u + size + SCHAT__PADDING_MIN ||
      padded_size > 4u + size + SCHAT__PADDING_MAX) {
    return SCHAT_E_INVALID;
  }
  int status = schat__random(crypto, padded + 4 + size, padded_size - 4 - size);
  if (status == SCHAT_OK) schat__store32(padded, (uint32_t)size);
  return status;
}

typedef struct {
  uint8_t aes_key[32], aes_iv[32];
  uint8_t msg_key[16];
} message_keys;

int schat__envelope_seal(schat__crypto *crypto, const uint8_t key[256], int64_t key_fingerprint, int sender_is_originator,
                         const uint8_t *padded, size_t padded_size, uint8_t *out) {
  if (padded_size == 0 || padded_size % BLOCK != 0) return SCHAT_E_INVALID;
  const unsigned x = sender_is_originator ? 0 : 8; /* R-ENC-07 */
  message_keys k;
  int status = schat__msg_key2(crypto, k.msg_key, key, x, padded, padded_size);
  if (status == SCHAT_OK) status = schat__kdf2(crypto, k.aes_key, k.aes_iv, key, k.msg_key, x);
  if (status == SCHAT_OK) status = schat__ige_encrypt(crypto, k.aes_key, k.aes_iv, padded, out + SCHAT__ENVELOPE_HEAD, padded_size);
  if (status == SCHAT_OK) {
    schat__store64(out, (uint64_t)key_fingerprint);
    memcpy(out + 8, k.msg_key, sizeof k.msg_key);
  }
  schat__wipe(&k, sizeof k);
  schat__wipe_near_traces();
  return status;
}

int64_t schat__envelope_fingerprint(const uint8_t *message) {
  return schat__int64(schat__load64(message));
}

/* 1 when a <= b, for numbers below 2^63, without a branch. */
static uint64_t not_above(uint64_t a, uint64_t b) {
  return 1u ^ ((b - a) >> 63);
}

/* 1 when the length field is lawful for that padding (R-DEC-04, R-DEC-05); no branch looks at it. */
static uint64_t length_is_lawful(uint64_t length, uint64_t room, uint64_t padding_min, uint64_t padding_max) {
  return not_above(length + padding_min, room) & not_above(room, length + padding_max) & (1u ^ (length & 1u)) & (1u ^ ((length >> 1) & 1u));
}

int schat__envelope_genuine(const uint8_t made[16], const uint8_t *message, const uint8_t *work, size_t work_size) {
  int genuine = schat__equal(made, message + 8, 16);
  return genuine & (int)length_is_lawful(schat__load32(work), work_size - 4, SCHAT__PADDING_MIN, SCHAT__PADDING_MAX);
}

/* MTProto 2: the hash covers everything, so that the length needs no look before it is known to be good (R-DEC-01). */
static int open2(schat__crypto *crypto, message_keys *k, const uint8_t key[256], unsigned x, const uint8_t *message, size_t size,
                 uint8_t *work) {
  const uint8_t *msg_key = message + 8;
  int status = schat__kdf2(crypto, k->aes_key, k->aes_iv, key, msg_key, x);
  if (status == SCHAT_OK) {
    status = schat__ige_open(crypto, k->aes_key, k->aes_iv, message + SCHAT__ENVELOPE_HEAD, work, size, k->msg_key, key, x);
  }
  return status == SCHAT_OK ? schat__envelope_genuine(k->msg_key, message, work, size) : status;
}

/* MTProto 1: the hash ends where the length says, which is a secret until then. So it is made for every lawful end (R-DEC-02, R-DEC-03). */
static int judge1(schat__crypto *crypto, message_keys *k, const uint8_t *msg_key, const uint8_t *work, size_t size) {
  uint64_t length = schat__load32(work), room = size - 4;
  uint64_t lawful = length_is_lawful(length, room, 0, PADDING_MAX1);
  int status = schat__msg_key1_before(crypto, k->msg_key, work, size, room - length);
  if (status != SCHAT_OK) return status;
  return schat__equal(k->msg_key, msg_key, sizeof k->msg_key) & (int)lawful;
}

static int open1(schat__crypto *crypto, message_keys *k, const uint8_t key[256], const uint8_t *message, size_t size, uint8_t *work) {
  const uint8_t *msg_key = message + 8;
  int status = schat__kdf1(crypto, k->aes_key, k->aes_iv, key, msg_key, 0);
  if (status == SCHAT_OK) status = schat__ige_decrypt(crypto, k->aes_key, k->aes_iv, message + SCHAT__ENVELOPE_HEAD, work, size);
  return status == SCHAT_OK ? judge1(crypto, k, msg_key, work, size) : status;
}

static int decrypt_and_judge(schat__crypto *crypto, const uint8_t key[256], int mtproto, unsigned x, const uint8_t *message, size_t size,
                             uint8_t *work) {
  message_keys k;
  int status = mtproto == 1 ? open1(crypto, &k, key, message, size, work) : open2(crypto, &k, key, x, message, size, work);
  schat__wipe(&k, sizeof k);
  schat__wipe_near_traces();
  return status;
}

int schat__envelope_give(int verdict, int64_t key_fingerprint, const uint8_t *message, size_t size, uint8_t *work, const uint8_t **object,
                         size_t *object_size) {
  const size_t work_size = size - SCHAT__ENVELOPE_HEAD;
  SCHAT__PUBLIC(&verdict, sizeof verdict); /* one bit, of all checks together */
  if (verdict == 1 && schat__envelope_fingerprint(message) != key_fingerprint) verdict = 0;
  if (verdict == 1) {
    SCHAT__PUBLIC(work, work_size); /* authentic: it may be looked at */
    *object = work + 4;
    *object_size = schat__load32(work);
  } else {
    schat__wipe(work, work_size);
  }
  return verdict;
}

int schat__envelope_open(schat__crypto *crypto, const uint8_t key[256], int64_t key_fingerprint, int mtproto, int sender_is_originator,
                         const uint8_t *message, size_t size, uint8_t *work, const uint8_t **object, size_t *object_size) {
  if (mtproto != 1 && mtproto != 2) return SCHAT_E_INVALID;
  if (size < MESSAGE_MIN || (size - SCHAT__ENVELOPE_HEAD) % BLOCK != 0) return 0; /* X-02; nothing secret was looked at */
  const size_t work_size = size - SCHAT__ENVELOPE_HEAD;
  int verdict = decrypt_and_judge(crypto, key, mtproto, sender_is_originator ? 0 : 8, message, work_size, work);
  return schat__envelope_give(verdict, key_fingerprint, message, size, work, object, object_size);
}
