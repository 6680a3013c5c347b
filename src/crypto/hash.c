/* SPDX-License-Identifier: BSL-1.0
 * hash.c - SHA-1, SHA-256 and MD5 over two parts, and comparison in constant time. */
#include <openssl/crypto.h>

#include "engine.h"

/* No branch depends on a size: a part of nothing is passed on as such, for MTProto 1 hashes a secret length (R-DEC-03). */
static int hash_parts(schat__digest *digest, uint8_t *out, const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size) {
  if (!digest->ready) digest->ready = EVP_DigestInit_ex2(digest->ctx, digest->md, NULL) == 1;
  if (!digest->ready) return SCHAT_E_CRYPTO;
  uint8_t value[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  int good = EVP_DigestUpdate(digest->ctx, a, a_size) == 1 && EVP_DigestUpdate(digest->ctx, b, b_size) == 1 &&
             EVP_DigestFinal_ex(digest->ctx, value, &size) == 1;
  digest->ready = EVP_DigestInit_ex2(digest->ctx, NULL, NULL) == 1; /* ready for the next, and rid of this one */
  if (good) {
    for (unsigned i = 0; i < size; i++) out[i] = value[i];
  }
  schat__wipe(value, sizeof value);
  return good ? SCHAT_OK : SCHAT_E_CRYPTO;
}

int schat__sha1(schat__crypto *crypto, uint8_t out[20], const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size) {
  return hash_parts(&crypto->sha1, out, a, a_size, b, b_size);
}

int schat__sha256(schat__crypto *crypto, uint8_t out[32], const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size) {
  return hash_parts(&crypto->sha256, out, a, a_size, b, b_size);
}

int schat__md5(schat__crypto *crypto, uint8_t out[16], const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size) {
  if (!schat__digest_open(&crypto->md5, "MD5")) return SCHAT_E_CRYPTO;
  return hash_parts(&crypto->md5, out, a, a_size, b, b_size);
}

int schat__equal(const uint8_t *a, const uint8_t *b, size_t size) {
  return CRYPTO_memcmp(a, b, size) == 0;
}
