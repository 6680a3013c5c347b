/* SPDX-License-Identifier: BSL-1.0
 * ige.c - AES-256-IGE: what is true of every kernel stands here. */
#include "ige.h"

#include "engine.h"

int schat__ige_encrypt(schat__crypto *crypto, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size) {
  if (size % 16 != 0) return SCHAT_E_INVALID;
  if (size == 0) return SCHAT_OK;
  return crypto->ige->encrypt(crypto, key, iv, in, out, size);
}

int schat__ige_decrypt(schat__crypto *crypto, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size) {
  if (size % 16 != 0) return SCHAT_E_INVALID;
  if (size == 0) return SCHAT_OK;
  return crypto->ige->decrypt(crypto, key, iv, in, out, size);
}
