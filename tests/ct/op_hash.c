/* SPDX-License-Identifier: BSL-1.0
 * op_hash.c - hashes, comparison, msg_key and the keys of one message, of secrets. */
#include <string.h>

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

const operation hash_operations[] = {{"sha1_sha256_md5", digests}, {"equal", equal},
                                     {"msg_key", msg_keys},        {"msg_key1_secret_end", msg_key_before},
                                     {"kdf1_kdf2", kdf},           {NULL, NULL}};
