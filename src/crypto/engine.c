/* SPDX-License-Identifier: BSL-1.0
 * engine.c - makes and ends a schat__crypto: what is fetched once, so that no message pays for a fetch. */
#include "engine.h"

#include "traces.h"

int schat__digest_open(schat__digest *digest, const char *name) {
  if (digest->md == NULL) digest->md = EVP_MD_fetch(NULL, name, NULL);
  if (digest->ctx == NULL) digest->ctx = EVP_MD_CTX_new();
  if (digest->md == NULL || digest->ctx == NULL) return 0;
  if (!digest->ready) digest->ready = EVP_DigestInit_ex2(digest->ctx, digest->md, NULL) == 1;
  return digest->ready;
}

static void close_digest(schat__digest *digest) {
  EVP_MD_CTX_free(digest->ctx);
  EVP_MD_free(digest->md);
}

static int open_cipher(EVP_CIPHER **cipher, const char *name) {
  *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
  return *cipher != NULL;
}

static int open_contexts(schat__crypto *crypto) {
  static const uint8_t no_key[32] = {0}, no_iv[16] = {0};
  crypto->ige_encrypt = EVP_CIPHER_CTX_new();
  crypto->ige_decrypt = EVP_CIPHER_CTX_new();
  crypto->pool.ctx = EVP_CIPHER_CTX_new();
  if (crypto->ige_encrypt == NULL || crypto->ige_decrypt == NULL || crypto->pool.ctx == NULL) return 0;
  return EVP_EncryptInit_ex2(crypto->ige_encrypt, crypto->cbc, no_key, no_iv, NULL) == 1 &&
         EVP_DecryptInit_ex2(crypto->ige_decrypt, crypto->ecb, no_key, NULL, NULL) == 1 &&
         EVP_CIPHER_CTX_set_padding(crypto->ige_decrypt, 0) == 1 &&
         EVP_EncryptInit_ex2(crypto->pool.ctx, crypto->ctr, no_key, no_iv, NULL) == 1;
}

static int open_all(schat__crypto *crypto) {
  return schat__digest_open(&crypto->sha1, "SHA1") && schat__digest_open(&crypto->sha256, "SHA256") &&
         open_cipher(&crypto->ecb, "AES-256-ECB") && open_cipher(&crypto->cbc, "AES-256-CBC") && open_cipher(&crypto->ctr, "AES-256-CTR") &&
         open_cipher(&crypto->gcm, "AES-256-GCM") && open_contexts(crypto);
}

int schat__crypto_new(const schat_allocator *mem, schat_random_fn random, void *user_data, schat__crypto **out) {
  const schat__ige_kernel *ige = schat__ige_choose();
  if (ige == NULL) return SCHAT_E_INVALID;
  schat__crypto *crypto = schat__alloc(mem, sizeof *crypto);
  if (crypto == NULL) return SCHAT_E_NOMEM;
  crypto->ige = ige;
  crypto->sha = schat__sha_choose();
  if (mem != NULL) {
    crypto->allocator = *mem;
    crypto->mem = &crypto->allocator;
  }
  crypto->random = random;
  crypto->user_data = user_data;
  crypto->pool.at = SCHAT__POOL_SIZE;
  schat__fork_open(&crypto->fork);
  if (!open_all(crypto)) {
    schat__crypto_free(crypto);
    return SCHAT_E_CRYPTO;
  }
  *out = crypto;
  return SCHAT_OK;
}

void schat__crypto_wipe_traces(schat__crypto *crypto) {
  const int native = crypto->sha != NULL && crypto->ige != &schat__ige_evp;
  if (native && !crypto->deep) {
    schat__wipe_shallow_traces();
  } else {
    schat__wipe_traces();
  }
  crypto->deep = 0;
}

void schat__crypto_free(schat__crypto *crypto) {
  if (crypto == NULL) return;
  close_digest(&crypto->sha1);
  close_digest(&crypto->sha256);
  close_digest(&crypto->md5);
  EVP_CIPHER_CTX_free(crypto->ige_encrypt);
  EVP_CIPHER_CTX_free(crypto->ige_decrypt);
  EVP_CIPHER_CTX_free(crypto->pool.ctx);
  EVP_CIPHER_free(crypto->ecb);
  EVP_CIPHER_free(crypto->cbc);
  EVP_CIPHER_free(crypto->ctr);
  EVP_CIPHER_free(crypto->gcm);
  BN_MONT_CTX_free(crypto->dh.mont);
  schat__fork_close(&crypto->fork);
  schat_allocator allocator = crypto->allocator;
  const schat_allocator *mem = crypto->mem != NULL ? &allocator : NULL;
  schat__free(mem, crypto, sizeof *crypto);
}
