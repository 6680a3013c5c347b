/* SPDX-License-Identifier: BSL-1.0
 * shared_engine.c - src/crypto/engine.c for the simulator, whose thousands of openings share what libcrypto would fetch anew for each. */
#include <openssl/evp.h>
#include <string.h>

#define KEPT 8

static EVP_MD *shared_md(OSSL_LIB_CTX *ctx, const char *name, const char *properties) {
  static struct {
    const char *name;
    EVP_MD *md;
  } kept[KEPT];
  int i = 0;
  while (i < KEPT - 1 && kept[i].name != NULL && strcmp(kept[i].name, name) != 0) i++;
  if (kept[i].md == NULL) {
    kept[i].name = name;
    kept[i].md = EVP_MD_fetch(ctx, name, properties);
  }
  return kept[i].md != NULL && EVP_MD_up_ref(kept[i].md) == 1 ? kept[i].md : NULL;
}

static EVP_CIPHER *shared_cipher(OSSL_LIB_CTX *ctx, const char *name, const char *properties) {
  static struct {
    const char *name;
    EVP_CIPHER *cipher;
  } kept[KEPT];
  int i = 0;
  while (i < KEPT - 1 && kept[i].name != NULL && strcmp(kept[i].name, name) != 0) i++;
  if (kept[i].cipher == NULL) {
    kept[i].name = name;
    kept[i].cipher = EVP_CIPHER_fetch(ctx, name, properties);
  }
  return kept[i].cipher != NULL && EVP_CIPHER_up_ref(kept[i].cipher) == 1 ? kept[i].cipher : NULL;
}

#define EVP_MD_fetch(ctx, name, properties) shared_md(ctx, name, properties)
#define EVP_CIPHER_fetch(ctx, name, properties) shared_cipher(ctx, name, properties)
#include "../../src/crypto/engine.c"
