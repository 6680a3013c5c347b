/* SPDX-License-Identifier: BSL-1.0
 * op_key.c - exponents and the keys that come of them: what Diffie-Hellman computes, the fingerprint, the picture. */
#include <string.h>

#include "operations.h"
#include "vectors.h"

static uint8_t exponent[256], own[256], key[256];

static void dh_generate(schat__crypto *crypto) {
  uint8_t server_random[256];
  fill(server_random, sizeof server_random);
  for (int32_t g = 2; g <= 7; g++) {
    NEED(schat__dh_generate(crypto, telegram_prime, g, server_random, g % 2 ? sizeof server_random : 0, exponent, own) == SCHAT_OK);
    NEED(is_secret(exponent, sizeof exponent) && is_public(own, sizeof own));
  }
}

static void dh_key(schat__crypto *crypto) {
  NEED(schat__dh_generate(crypto, telegram_prime, 3, NULL, 0, exponent, own) == SCHAT_OK);
  for (int round = 0; round < 3; round++) {
    do fill(exponent, sizeof exponent);
    while (exponent[0] == 0); /* as every one that schat__dh_generate draws */
    make_secret(exponent, sizeof exponent);
    NEED(schat__dh_key(crypto, telegram_prime, own, exponent, key) == SCHAT_OK);
    NEED(is_secret(key, sizeof key));
  }
}

static void dh_accept(schat__crypto *crypto) {
  uint8_t peer[256], server_random[256];
  NEED(schat__dh_generate(crypto, telegram_prime, 3, NULL, 0, exponent, peer) == SCHAT_OK);
  fill(server_random, sizeof server_random);
  for (int32_t g = 2; g <= 7; g++) {
    NEED(schat__dh_accept(crypto, telegram_prime, g, peer, server_random, g % 2 ? sizeof server_random : 0, own, key) == SCHAT_OK);
    NEED(is_secret(key, sizeof key) && is_public(own, sizeof own));
  }
}

static void fingerprint(schat__crypto *crypto) {
  int64_t value = 0;
  fill_secret(key, sizeof key);
  NEED(schat__key_fingerprint(crypto, key, &value) == SCHAT_OK);
  NEED(is_public(&value, sizeof value));
}

static void picture(schat__crypto *crypto) {
  uint8_t hash[SCHAT_KEY_HASH_SIZE], cells[SCHAT_PICTURE_SIDE * SCHAT_PICTURE_SIDE];
  fill_secret(key, sizeof key);
  NEED(schat__key_hash(crypto, key, hash) == SCHAT_OK);
  NEED(is_secret(hash, sizeof hash));
  schat_key_picture(hash, cells);
  NEED(is_secret(cells, sizeof cells));
}

const operation key_operations[] = {
    {"dh_generate", dh_generate}, {"dh_key", dh_key}, {"dh_accept", dh_accept}, {"key_fingerprint", fingerprint}, {"key_picture", picture}, {NULL, NULL}};
