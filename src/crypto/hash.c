/* SPDX-License-Identifier: BSL-1.0
 * hash.c - SHA-1, SHA-256 and MD5 over two parts, and comparison in constant time. */
#include <openssl/crypto.h>

#include "engine.h"

static int hash_parts(schat__crypto *crypto, schat__digest *digest, uint8_t *out, const uint8_t *a, size_t a_size, const uint8_t *b,
                      size_t b_size) {
  crypto->deep = 1;
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
  return hash_parts(crypto, &crypto->sha1, out, a, a_size, b, b_size);
}

int schat__sha256(schat__crypto *crypto, uint8_t out[32], const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size) {
  return hash_parts(crypto, &crypto->sha256, out, a, a_size, b, b_size);
}

static int hash_ends(EVP_MD_CTX *ctx, EVP_MD_CTX *copy, uint8_t out[SCHAT__ENDS][20], const uint8_t *data, size_t size) {
  const size_t step = 4, shared = size - (SCHAT__ENDS - 1) * step;
  int good = EVP_DigestUpdate(ctx, data, shared) == 1;
  for (size_t i = SCHAT__ENDS; i-- > 0 && good;) {
    good = EVP_MD_CTX_copy_ex(copy, ctx) == 1 && EVP_DigestFinal_ex(copy, out[i], NULL) == 1;
    if (good && i > 0) good = EVP_DigestUpdate(ctx, data + size - i * step, step) == 1;
  }
  return good;
}

int schat__sha1_ends(schat__crypto *crypto, uint8_t out[SCHAT__ENDS][20], const uint8_t *data, size_t size) {
  schat__digest *digest = &crypto->sha1;
  crypto->deep = 1;
  if (!digest->ready) digest->ready = EVP_DigestInit_ex2(digest->ctx, digest->md, NULL) == 1;
  EVP_MD_CTX *copy = digest->ready ? EVP_MD_CTX_new() : NULL;
  if (copy == NULL) return SCHAT_E_CRYPTO;
  int good = hash_ends(digest->ctx, copy, out, data, size);
  EVP_MD_CTX_free(copy);
  digest->ready = EVP_DigestInit_ex2(digest->ctx, NULL, NULL) == 1;
  if (!good) schat__wipe(out, (size_t)SCHAT__ENDS * 20);
  return good ? SCHAT_OK : SCHAT_E_CRYPTO;
}

int schat__md5(schat__crypto *crypto, uint8_t out[16], const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size) {
  if (!schat__digest_open(&crypto->md5, "MD5")) return SCHAT_E_CRYPTO;
  return hash_parts(crypto, &crypto->md5, out, a, a_size, b, b_size);
}

int schat__equal(const uint8_t *a, const uint8_t *b, size_t size) {
  return CRYPTO_memcmp(a, b, size) == 0;
}
