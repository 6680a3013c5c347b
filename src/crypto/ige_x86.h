/* SPDX-License-Identifier: BSL-1.0
 * ige_x86.h - what the kernels for x86 share. */
#ifndef SCHAT_CRYPTO_IGE_X86_H
#define SCHAT_CRYPTO_IGE_X86_H

#include "ige.h"

#ifdef SCHAT__X86

#include <immintrin.h>

/* These functions may use instructions that the rest of the library does not: they are called where schat__cpu has found them. */
#if defined(__GNUC__) || defined(__clang__)
#define SCHAT__TARGET(features) __attribute__((target(features)))
#define SCHAT__INLINE inline __attribute__((always_inline))
#define SCHAT__APART __attribute__((noinline))
#else
#define SCHAT__TARGET(features)
#define SCHAT__INLINE __forceinline
#define SCHAT__APART __declspec(noinline)
#endif
#define SCHAT__AESNI SCHAT__TARGET("aes,sse4.1")

#define SCHAT__ROUND_KEYS 15u

/* ige_aesni.c: the round keys of AES-256, or of its equivalent inverse, in the order of use; the r-th is keys[r * stride]. */
void schat__aesni_expand(const uint8_t key[32], __m128i *keys, size_t stride);
void schat__aesni_expand_inverse(const uint8_t key[32], __m128i *keys, size_t stride);
/* ige_aesni.c: one stream, as every kernel of this family does it. Always SCHAT_OK. */
int schat__aesni_encrypt(schat__crypto *crypto, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size);
int schat__aesni_decrypt(schat__crypto *crypto, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size);

static SCHAT__INLINE SCHAT__AESNI __m128i schat__load_block(const uint8_t *p) {
  return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static SCHAT__INLINE SCHAT__AESNI void schat__store_block(uint8_t *p, __m128i block) {
  _mm_storeu_si128((__m128i *)(void *)p, block);
}

#endif
#endif
