/* SPDX-License-Identifier: BSL-1.0
 * sha.h - what a kernel for SHA-256 is: the hashes that every message needs, for processors with instructions for them. All others are
 * libcrypto's, and these too where there is no kernel. */
#ifndef SCHAT_CRYPTO_SHA_H
#define SCHAT_CRYPTO_SHA_H

#include <stddef.h>
#include <stdint.h>

#include "cpu.h"

/* Nothing here can fail. `prefix`: 32 bytes of the chat's key; `size`: a multiple of 16, not 0. */
typedef struct {
  const char *name;
  /* R-ENC-05: of prefix ‖ plaintext. */
  void (*msg_key)(uint8_t msg_key[16], const uint8_t prefix[32], const uint8_t *plaintext, size_t size);
  /* The same of two messages of one size. */
  void (*msg_key_two)(uint8_t *const msg_key[2], const uint8_t *const prefix[2], const uint8_t *const plaintext[2], size_t size);
  /* R-ENC-06: `part` is the chat's key from x on. */
  void (*kdf)(uint8_t aes_key[32], uint8_t aes_iv[32], const uint8_t *part, const uint8_t msg_key[16]);
  /* Decrypts as schat__ige_decrypt does, and makes the msg_key of what comes out. */
  void (*open)(const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size, const uint8_t prefix[32],
               uint8_t msg_key[16]);
} schat__sha_kernel;

#ifdef SCHAT__X86_64
extern const schat__sha_kernel schat__sha_ni;
#endif

/* The kernel for a new schat__crypto; NULL: libcrypto hashes. */
const schat__sha_kernel *schat__sha_choose(void);
/* For tests, as schat__ige_force: "openssl" or "sha-ni"; NULL: the best again. */
int schat__sha_force(const char *name);

#endif
