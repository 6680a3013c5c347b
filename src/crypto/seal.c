/* SPDX-License-Identifier: BSL-1.0
 * seal.c - seals the records of the store: version | salt | counter | ciphertext | tag. */
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "../common/bytes.h"
#include "engine.h"

#define VERSION 1u
#define SALT_SIZE 16u
#define COUNTER_AT (1u + SALT_SIZE)
#define HEAD_SIZE SCHAT__SEAL_HEAD
#define TAG_SIZE 16u
#define KEPT_KEYS 8u

typedef struct {
  uint8_t salt[SALT_SIZE];
  EVP_CIPHER_CTX *ctx; /* NULL: unused */
} kept_key;

struct schat__sealer {
  schat_allocator allocator;
  const schat_allocator *mem; /* &allocator, or NULL */
  schat__crypto *crypto;
  uint8_t storage_key[32];
  EVP_KDF *hkdf;
  EVP_CIPHER_CTX *ctx; /* seals under `salt` */
  uint8_t salt[SALT_SIZE];
  uint64_t counter;         /* of the next record; a counter that was given out never comes again, even if sealing failed */
  int64_t generation;       /* of schat__fork: whose counter this is */
  kept_key keys[KEPT_KEYS]; /* open records, of any opening */
  unsigned next_key;
};

/* The info names the format, so that another format has other keys. */
static int derive_params(EVP_KDF_CTX *ctx, const uint8_t storage_key[32], const uint8_t salt[SALT_SIZE], uint8_t key[32]) {
  char digest[] = "SHA256", info[] = "libsecretchat record 1";
  struct {
    uint8_t storage_key[32], salt[SALT_SIZE];
  } s;
  memcpy(s.storage_key, storage_key, sizeof s.storage_key);
  memcpy(s.salt, salt, sizeof s.salt);
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, s.storage_key, sizeof s.storage_key),
                               OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, s.salt, sizeof s.salt),
                               OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof info - 1), OSSL_PARAM_construct_end()};
  int good = EVP_KDF_derive(ctx, key, 32, params) == 1;
  schat__wipe(&s, sizeof s);
  return good;
}

/* The context is of this derivation only: it holds the storage key. */
static int derive_key(const schat__sealer *sealer, const uint8_t salt[SALT_SIZE], uint8_t key[32]) {
  EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(sealer->hkdf);
  int good = ctx != NULL && derive_params(ctx, sealer->storage_key, salt, key);
  EVP_KDF_CTX_free(ctx);
  return good;
}

/* A context under the key of a salt, for one direction (1 seals, 0 opens), or NULL. */
static EVP_CIPHER_CTX *open_context(const schat__sealer *sealer, const uint8_t salt[SALT_SIZE], int sealing) {
  uint8_t key[32];
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
  sealer->crypto->deep = 1;
  int good = ctx != NULL && derive_key(sealer, salt, key) &&
             EVP_CipherInit_ex2(ctx, sealer->crypto->gcm, key, NULL, sealing, NULL) == 1;
  schat__wipe(key, sizeof key);
  if (good) return ctx;
  EVP_CIPHER_CTX_free(ctx);
  return NULL;
}

/* A fresh salt, whose counter begins at 0. Also in the child of a fork, where the parent's nonces would be used twice. */
static int renew_salt(schat__sealer *sealer) {
  uint8_t salt[SALT_SIZE];
  int status = schat__random(sealer->crypto, salt, sizeof salt);
  if (status != SCHAT_OK) return status;
  EVP_CIPHER_CTX *ctx = open_context(sealer, salt, 1);
  if (ctx == NULL) return SCHAT_E_CRYPTO;
  EVP_CIPHER_CTX_free(sealer->ctx);
  sealer->ctx = ctx;
  memcpy(sealer->salt, salt, sizeof salt);
  sealer->counter = 0;
  sealer->generation = schat__fork_generation(&sealer->crypto->fork);
  return SCHAT_OK;
}

int schat__sealer_new(const schat_allocator *mem, schat__crypto *crypto, const uint8_t storage_key[32], schat__sealer **out) {
  schat__sealer *sealer = schat__alloc(mem, sizeof *sealer);
  if (sealer == NULL) return SCHAT_E_NOMEM;
  if (mem != NULL) {
    sealer->allocator = *mem;
    sealer->mem = &sealer->allocator;
  }
  sealer->crypto = crypto;
  memcpy(sealer->storage_key, storage_key, sizeof sealer->storage_key);
  sealer->hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
  int status = sealer->hkdf != NULL ? renew_salt(sealer) : SCHAT_E_CRYPTO;
  if (status != SCHAT_OK) {
    schat__sealer_free(sealer);
    return status;
  }
  *out = sealer;
  return SCHAT_OK;
}

void schat__sealer_free(schat__sealer *sealer) {
  if (sealer == NULL) return;
  for (unsigned i = 0; i < KEPT_KEYS; i++) EVP_CIPHER_CTX_free(sealer->keys[i].ctx);
  EVP_CIPHER_CTX_free(sealer->ctx);
  EVP_KDF_free(sealer->hkdf);
  schat_allocator allocator = sealer->allocator;
  const schat_allocator *mem = sealer->mem != NULL ? &allocator : NULL;
  schat__free(mem, sealer, sizeof *sealer);
}

/* Four zero bytes, then the counter as it stands in the value. */
static void make_nonce(uint8_t nonce[12], const uint8_t counter[8]) {
  memset(nonce, 0, 4);
  memcpy(nonce + 4, counter, 8);
}

/* Nonce, aad and data of one record, in the direction of the context. */
static int run_gcm(EVP_CIPHER_CTX *ctx, const uint8_t counter[8], const uint8_t *aad, size_t aad_size, const uint8_t *in, size_t size,
                   uint8_t *out) {
  uint8_t nonce[12];
  int done = 0;
  make_nonce(nonce, counter);
  if (EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, -1, NULL) != 1) return 0;
  if (aad_size > 0 && EVP_CipherUpdate(ctx, NULL, &done, aad, (int)aad_size) != 1) return 0;
  if (size == 0) return 1;
  return EVP_CipherUpdate(ctx, out, &done, in, (int)size) == 1 && (size_t)done == size;
}

int schat__seal(schat__sealer *sealer, const uint8_t *aad, size_t aad_size, const uint8_t *in, size_t size, uint8_t *out) {
  if (aad_size > INT_MAX || size > INT_MAX - SCHAT__SEAL_OVERHEAD) return SCHAT_E_TOO_LARGE;
  if (sealer->generation != schat__fork_generation(&sealer->crypto->fork) || sealer->counter == UINT64_MAX) {
    int status = renew_salt(sealer);
    if (status != SCHAT_OK) return status;
  }
  int done = 0;
  uint8_t end[16], *tag = out + HEAD_SIZE + size;
  out[0] = VERSION;
  memcpy(out + 1, sealer->salt, SALT_SIZE);
  schat__store64(out + COUNTER_AT, sealer->counter++);
  sealer->crypto->deep = 1;
  int good = run_gcm(sealer->ctx, out + COUNTER_AT, aad, aad_size, in, size, out + HEAD_SIZE) &&
             EVP_CipherFinal_ex(sealer->ctx, end, &done) == 1 &&
             EVP_CIPHER_CTX_ctrl(sealer->ctx, EVP_CTRL_AEAD_GET_TAG, (int)TAG_SIZE, tag) == 1;
  if (good) return SCHAT_OK;
  schat__wipe(out, size + SCHAT__SEAL_OVERHEAD);
  return SCHAT_E_CRYPTO;
}

/* The opening context of a salt: a kept one, or a new one in the place of the oldest. */
static EVP_CIPHER_CTX *find_key(schat__sealer *sealer, const uint8_t salt[SALT_SIZE]) {
  for (unsigned i = 0; i < KEPT_KEYS; i++) {
    if (sealer->keys[i].ctx != NULL && memcmp(sealer->keys[i].salt, salt, SALT_SIZE) == 0) return sealer->keys[i].ctx;
  }
  EVP_CIPHER_CTX *ctx = open_context(sealer, salt, 0);
  if (ctx == NULL) return NULL;
  kept_key *kept = &sealer->keys[sealer->next_key];
  sealer->next_key = (sealer->next_key + 1u) % KEPT_KEYS;
  EVP_CIPHER_CTX_free(kept->ctx);
  kept->ctx = ctx;
  memcpy(kept->salt, salt, SALT_SIZE);
  return ctx;
}

int schat__unseal(schat__sealer *sealer, const uint8_t *aad, size_t aad_size, const uint8_t *in, size_t size, uint8_t *out) {
  if (size < SCHAT__SEAL_OVERHEAD) return 0;
  if (aad_size > INT_MAX || size > INT_MAX) return SCHAT_E_TOO_LARGE;
  size_t plain_size = size - SCHAT__SEAL_OVERHEAD;
  int done = 0, verdict = 0;
  uint8_t tag[TAG_SIZE];
  memcpy(tag, in + HEAD_SIZE + plain_size, TAG_SIZE);
  if (in[0] == VERSION) {
    uint8_t end[16];
    EVP_CIPHER_CTX *ctx = find_key(sealer, in + 1);
    sealer->crypto->deep = 1;
    int ran = ctx != NULL && run_gcm(ctx, in + COUNTER_AT, aad, aad_size, in + HEAD_SIZE, plain_size, out) &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)TAG_SIZE, tag) == 1;
    verdict = ran ? EVP_CipherFinal_ex(ctx, end, &done) == 1 : SCHAT_E_CRYPTO;
  }
  if (verdict != 1) schat__wipe(out, plain_size);
  return verdict;
}
