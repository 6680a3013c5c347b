/* SPDX-License-Identifier: BSL-1.0
 * op_store.c - sealing of records under a secret storage key, and the pool of random bytes, whose seed is secret. */
#include <string.h>

#include "operations.h"

#define SIZE 300u
#define SEALED (SIZE + SCHAT__SEAL_OVERHEAD)

static const uint8_t aad[16] = "kind chat key";
static uint8_t storage_key[32], plain[SIZE], sealed[SEALED], again[SIZE];

/* A record is on the disk: whoever has that may read all of it. Its salt and counter are public from the start. */
static schat__sealer *seal_one(schat__crypto *crypto) {
  schat__sealer *sealer = NULL;
  fill_secret(storage_key, sizeof storage_key);
  fill_secret(plain, sizeof plain);
  NEED(schat__sealer_new(NULL, crypto, storage_key, &sealer) == SCHAT_OK);
  NEED(schat__seal(sealer, aad, sizeof aad, plain, SIZE, sealed) == SCHAT_OK);
  NEED(is_secret(sealed + 25, SEALED - 25));
  return sealer;
}

static void seal(schat__crypto *crypto) {
  schat__sealer_free(seal_one(crypto));
}

static void unseal(schat__crypto *crypto) {
  schat__sealer *sealer = seal_one(crypto);
  make_public(sealed, sizeof sealed);
  NEED(schat__unseal(sealer, aad, sizeof aad, sealed, SEALED, again) == 1);
  NEED(is_secret(again, sizeof again));
  make_public(again, sizeof again);
  make_public(plain, sizeof plain);
  NEED(memcmp(again, plain, SIZE) == 0);
  schat__sealer_free(sealer);
}

/* Damage to the tag, the text, the salt. */
static void unseal_damaged(schat__crypto *crypto) {
  static const size_t places[] = {SEALED - 1, 100, 5};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    schat__sealer *sealer = seal_one(crypto);
    make_public(sealed, sizeof sealed);
    sealed[places[i]] ^= 1;
    NEED(schat__unseal(sealer, aad, sizeof aad, sealed, SEALED, again) == 0);
    schat__sealer_free(sealer);
  }
}

static void pool(schat__crypto *crypto) {
  (void)crypto;
  static uint8_t out[3000]; /* more than two refills */
  schat__crypto *own = NULL;
  NEED(schat__crypto_new(NULL, NULL, NULL, &own) == SCHAT_OK);
  for (size_t at = 0, piece = 1; at + piece <= sizeof out; at += piece, piece = piece * 3 % 257) {
    NEED(schat__random(own, out + at, piece) == SCHAT_OK);
    NEED(is_secret(out + at, piece));
  }
  schat__crypto_free(own);
}

const operation store_operations[] = {
    {"seal", seal}, {"unseal", unseal}, {"unseal_damaged", unseal_damaged}, {"random_pool", pool}, {NULL, NULL}};
