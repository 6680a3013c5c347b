/* SPDX-License-Identifier: BSL-1.0
 * ige.h - what a kernel for AES-256-IGE is: the same job for different processors. */
#ifndef SCHAT_CRYPTO_IGE_H
#define SCHAT_CRYPTO_IGE_H

#include <stddef.h>
#include <stdint.h>

struct schat__crypto;

/* `size` is a multiple of 16 and not 0. `iv` is changed on success only. in == out is allowed. */
typedef struct {
  const char *name;
  int (*encrypt)(struct schat__crypto *crypto, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size);
  int (*decrypt)(struct schat__crypto *crypto, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size);
} schat__ige_kernel;

extern const schat__ige_kernel schat__ige_evp; /* portable */

#endif
