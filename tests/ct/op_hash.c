/* SPDX-License-Identifier: BSL-1.0
 * op_hash.c - hashes, comparison, msg_key and the keys of one message, of secrets. */
#include <string.h>

#include "crypto/engine.h"
#include "operations.h"

static uint8_t key[256], text[1024], msg_key[16], aes_key[32], aes_iv[32];

static void take(void) {
  fill_secret(key, sizeof key);
  fill_secret(text, sizeof text);
  fill_secret(msg_key, sizeof msg_key);
}

static void digests(schat__crypto *crypto) {
  uint8_t out[32];
  take();
  for (size_t size = 0; size <= 130; size += 13) {
    NEED(schat__sha1(crypto, out, key, 36, text, size) == SCHAT_OK && is_secret(out, 20));
    NEED(schat__sha256(crypto, out, key, 36, text, size) == SCHAT_OK && is_secret(out, 32));
    NEED(schat__md5(crypto, out, key, 36, text, size) == SCHAT_OK && is_secret(out, 16));
  }
}

static void equal(schat__crypto *crypto) {
  (void)crypto;
  for (size_t at = 0; at <= 16; at++) {
    uint8_t a[16], b[16];
    fill(a, sizeof a);
    memcpy(b, a, sizeof b);
    if (at < 16) b[at] ^= 1;
    make_secret(a, sizeof a);
    make_secret(b, sizeof b);
    int same = schat__equal(a, b, sizeof a);
    NEED(!is_public(&same, sizeof same));
    make_public(&same, sizeof same);
    NEED(same == (at == 16));
  }
}

static void msg_keys(schat__crypto *crypto) {
  for (size_t size = 16; size <= sizeof text; size += 336) {
    take();
    NEED(schat__msg_key2(crypto, msg_key, key, size % 32 ? 0 : 8, text, size) == SCHAT_OK && is_secret(msg_key, sizeof msg_key));
    NEED(schat__msg_key1(crypto, msg_key, text, size) == SCHAT_OK && is_secret(msg_key, sizeof msg_key));
  }
}

/* The padding is a secret here: it is what the length field of a message leaves over. */
static void msg_key_before(schat__crypto *crypto) {
  static const uint64_t paddings[] = {0, 4, 8, 12, 1, 16, UINT64_MAX};
  for (size_t i = 0; i < sizeof paddings / sizeof paddings[0]; i++) {
    uint64_t padding = paddings[i];
    take();
    make_secret(&padding, sizeof padding);
    NEED(schat__msg_key1_before(crypto, msg_key, text, 64, padding) == SCHAT_OK);
    NEED(is_secret(msg_key, sizeof msg_key));
  }
}

static void kdf(schat__crypto *crypto) {
  for (unsigned x = 0; x <= 8; x += 8) {
    take();
    NEED(schat__kdf2(crypto, aes_key, aes_iv, key, msg_key, x) == SCHAT_OK && is_secret(aes_key, 32) && is_secret(aes_iv, 32));
    NEED(schat__kdf1(crypto, aes_key, aes_iv, key, msg_key, x) == SCHAT_OK && is_secret(aes_key, 32) && is_secret(aes_iv, 32));
  }
}

/* What a kernel for hashes computes is what libcrypto does. */
static void kernel_agrees(schat__crypto *crypto) {
  const schat__sha_kernel *sha = crypto->sha;
  if (sha == NULL) return;
  for (size_t size = 16; size <= 496; size += 48) {
    uint8_t out[2][16], aes_keys[2][64], *const two[2] = {out[0], out[1]};
    const uint8_t *const prefixes[2] = {key + 88, key + 96}, *const texts[2] = {text, text + 16};
    take();
    sha->msg_key_two(two, prefixes, texts, size);
    sha->kdf(aes_keys[0], aes_keys[0] + 32, key + 8, msg_key);
    NEED(is_secret(out, sizeof out) && is_secret(aes_keys[0], 64));
    crypto->sha = NULL;
    for (unsigned i = 0; i < 2; i++) {
      uint8_t expected[16];
      NEED(schat__msg_key2(crypto, expected, key, 8 * i, texts[i], size) == SCHAT_OK);
      make_public(expected, sizeof expected);
      make_public(out, sizeof out);
      NEED(memcmp(expected, out[i], sizeof expected) == 0);
    }
    NEED(schat__kdf2(crypto, aes_keys[1], aes_keys[1] + 32, key, msg_key, 8) == SCHAT_OK);
    crypto->sha = sha;
    make_public(aes_keys, sizeof aes_keys);
    NEED(memcmp(aes_keys[0], aes_keys[1], 64) == 0);
  }
}

const operation hash_operations[] = {{"sha1_sha256_md5", digests},
                                     {"equal", equal},
                                     {"msg_key", msg_keys},
                                     {"msg_key1_secret_end", msg_key_before},
                                     {"kdf1_kdf2", kdf},
                                     {"sha_kernel_agrees", kernel_agrees},
                                     {NULL, NULL}};
