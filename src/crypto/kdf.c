/* SPDX-License-Identifier: BSL-1.0
 * kdf.c - msg_key, and the AES key and IV of one message, in MTProto 2 and 1. */
#include <string.h>

#include "engine.h"

/* R-ENC-05 */
int schat__msg_key2(schat__crypto *crypto, uint8_t msg_key[16], const uint8_t key[256], unsigned x, const uint8_t *plaintext, size_t size) {
  if (crypto->sha != NULL && size > 0 && size % 16 == 0) {
    crypto->sha->msg_key(msg_key, key + 88 + x, plaintext, size);
    return SCHAT_OK;
  }
  uint8_t large[32];
  int status = schat__sha256(crypto, large, key + 88 + x, 32, plaintext, size);
  if (status == SCHAT_OK) memcpy(msg_key, large + 8, 16);
  schat__wipe(large, sizeof large);
  return status;
}

int schat__msg_key2_two(schat__crypto *crypto, uint8_t *const msg_key[2], const uint8_t *const key[2], const unsigned x[2],
                        const uint8_t *const plaintext[2], size_t size) {
  if (crypto->sha != NULL && size > 0 && size % 16 == 0) {
    const uint8_t *const prefix[2] = {key[0] + 88 + x[0], key[1] + 88 + x[1]};
    crypto->sha->msg_key_two(msg_key, prefix, plaintext, size);
    return SCHAT_OK;
  }
  int status = schat__msg_key2(crypto, msg_key[0], key[0], x[0], plaintext[0], size);
  return status == SCHAT_OK ? schat__msg_key2(crypto, msg_key[1], key[1], x[1], plaintext[1], size) : status;
}

int schat__ige_open(schat__crypto *crypto, const uint8_t aes_key[32], uint8_t aes_iv[32], const uint8_t *in, uint8_t *out, size_t size,
                    uint8_t msg_key[16], const uint8_t key[256], unsigned x) {
  if (crypto->sha != NULL && size > 0 && size % 16 == 0) {
    crypto->sha->open(aes_key, aes_iv, in, out, size, key + 88 + x, msg_key);
    return SCHAT_OK;
  }
  int status = schat__ige_decrypt(crypto, aes_key, aes_iv, in, out, size);
  return status == SCHAT_OK ? schat__msg_key2(crypto, msg_key, key, x, out, size) : status;
}

int schat__msg_key1(schat__crypto *crypto, uint8_t msg_key[16], const uint8_t *plaintext, size_t size) {
  uint8_t hash[20];
  int status = schat__sha1(crypto, hash, plaintext, size, NULL, 0);
  if (status == SCHAT_OK) memcpy(msg_key, hash + 4, 16);
  schat__wipe(hash, sizeof hash);
  return status;
}

/* All ones when a == b, otherwise 0, without a branch. */
static uint8_t mask_of_equal(uint64_t a, uint64_t b) {
  uint64_t different = a ^ b;
  return (uint8_t)(((different | (0 - different)) >> 63) - 1u);
}

int schat__msg_key1_before(schat__crypto *crypto, uint8_t msg_key[16], const uint8_t *plaintext, size_t size, uint64_t padding) {
  uint8_t hashes[SCHAT__ENDS][20];
  int status = schat__sha1_ends(crypto, hashes, plaintext, size);
  if (status == SCHAT_OK) {
    memset(msg_key, 0, 16);
    for (unsigned end = 0; end < SCHAT__ENDS; end++) {
      const uint8_t mask = mask_of_equal(padding, (uint64_t)4 * end);
      for (unsigned i = 0; i < 16; i++) msg_key[i] = (uint8_t)(msg_key[i] | (hashes[end][4 + i] & mask));
    }
  }
  schat__wipe(hashes, sizeof hashes);
  return status;
}

/* R-ENC-06 */
int schat__kdf2(schat__crypto *crypto, uint8_t aes_key[32], uint8_t aes_iv[32], const uint8_t key[256], const uint8_t msg_key[16],
                unsigned x) {
  if (crypto->sha != NULL) {
    crypto->sha->kdf(aes_key, aes_iv, key + x, msg_key);
    return SCHAT_OK;
  }
  struct {
    uint8_t a[32], b[32];
  } s;
  int status = schat__sha256(crypto, s.a, msg_key, 16, key + x, 36);
  if (status == SCHAT_OK) status = schat__sha256(crypto, s.b, key + 40 + x, 36, msg_key, 16);
  if (status == SCHAT_OK) {
    memcpy(aes_key, s.a, 8);
    memcpy(aes_key + 8, s.b + 8, 16);
    memcpy(aes_key + 24, s.a + 24, 8);
    memcpy(aes_iv, s.b, 8);
    memcpy(aes_iv + 8, s.a + 8, 16);
    memcpy(aes_iv + 24, s.b + 24, 8);
  }
  schat__wipe(&s, sizeof s);
  return status;
}

typedef struct {
  uint8_t a[20], b[20], c[20], d[20];
  uint8_t framed[32]; /* msg_key ‖ key[48+x..64+x), the second part of b */
} kdf1_hashes;

static int hash_kdf1(schat__crypto *crypto, kdf1_hashes *s, const uint8_t *key, const uint8_t msg_key[16]) {
  memcpy(s->framed, msg_key, 16);
  memcpy(s->framed + 16, key + 48, 16);
  int status = schat__sha1(crypto, s->a, msg_key, 16, key, 32);
  if (status == SCHAT_OK) status = schat__sha1(crypto, s->b, key + 32, 16, s->framed, 32);
  if (status == SCHAT_OK) status = schat__sha1(crypto, s->c, key + 64, 32, msg_key, 16);
  if (status == SCHAT_OK) status = schat__sha1(crypto, s->d, msg_key, 16, key + 96, 32);
  return status;
}

int schat__kdf1(schat__crypto *crypto, uint8_t aes_key[32], uint8_t aes_iv[32], const uint8_t key[256], const uint8_t msg_key[16],
                unsigned x) {
  kdf1_hashes s;
  int status = hash_kdf1(crypto, &s, key + x, msg_key);
  if (status == SCHAT_OK) {
    memcpy(aes_key, s.a, 8);
    memcpy(aes_key + 8, s.b + 8, 12);
    memcpy(aes_key + 20, s.c + 4, 12);
    memcpy(aes_iv, s.a + 8, 12);
    memcpy(aes_iv + 12, s.b, 8);
    memcpy(aes_iv + 20, s.c + 16, 4);
    memcpy(aes_iv + 24, s.d, 8);
  }
  schat__wipe(&s, sizeof s);
  return status;
}
