/* SPDX-License-Identifier: BSL-1.0
 * gcm.h - what a kernel for AES-256-GCM is: records are short, and libcrypto spends more on setting out than on sealing them. Where there
 * is no kernel, libcrypto seals. */
#ifndef SCHAT_CRYPTO_GCM_H
#define SCHAT_CRYPTO_GCM_H

#include <stddef.h>
#include <stdint.h>

#include "cpu.h"

#define SCHAT__GCM_POWERS 8u /* of the hash key: so many blocks are hashed with one reduction */

/* A key made ready: 15 round keys, then the powers. */
typedef struct {
  uint8_t bytes[(15u + SCHAT__GCM_POWERS) * 16u];
} schat__gcm_key;

/* Nothing here can fail. `out` may be `in`. */
typedef struct {
  const char *name;
  void (*prepare)(schat__gcm_key *ready, const uint8_t key[32]);
  void (*seal)(const schat__gcm_key *key, const uint8_t nonce[12], const uint8_t *aad, size_t aad_size, const uint8_t *in, size_t size,
               uint8_t *out, uint8_t tag[16]);
  /* Decrypts, and makes the tag that the ciphertext should have. */
  void (*open)(const schat__gcm_key *key, const uint8_t nonce[12], const uint8_t *aad, size_t aad_size, const uint8_t *in, size_t size,
               uint8_t *out, uint8_t tag[16]);
} schat__gcm_kernel;

#ifdef SCHAT__X86_64
extern const schat__gcm_kernel schat__gcm_ni; /* for SCHAT__CPU_CLMUL */
#endif

#endif
