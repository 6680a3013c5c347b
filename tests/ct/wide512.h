/* SPDX-License-Identifier: BSL-1.0
 * wide512.h - included before ige_vaes512.c where the checker is to follow it: its vectors of 512 bits are pairs of 256 here, and each AES
 * instruction four on 128 bits, for the checker knows no AVX-512. So its source is checked, and not the code that a compiler makes of it: of
 * that tests/ct/instructions.py looks at each instruction. */
#ifndef TESTS_CT_WIDE512_H
#define TESTS_CT_WIDE512_H

#include "crypto/ige_x86.h"

#undef SCHAT__TARGET
#define SCHAT__TARGET(features) __attribute__((target("aes,avx2")))
#define WIDE512 static inline __attribute__((always_inline, target("aes,avx2")))

typedef struct {
  __m256i low, high;
} ct_m512i;

WIDE512 ct_m512i ct_pair(__m256i low, __m256i high) {
  ct_m512i v = {low, high};
  return v;
}

#define CT_AES(name, instruction)                                                                                                     \
  WIDE512 __m256i ct_half_##name(__m256i v, __m256i key) {                                                                             \
    __m128i low = instruction(_mm256_castsi256_si128(v), _mm256_castsi256_si128(key));                                                 \
    __m128i high = instruction(_mm256_extracti128_si256(v, 1), _mm256_extracti128_si256(key, 1));                                      \
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);                                                              \
  }                                                                                                                                    \
  WIDE512 ct_m512i ct_##name(ct_m512i v, ct_m512i key) {                                                                               \
    return ct_pair(ct_half_##name(v.low, key.low), ct_half_##name(v.high, key.high));                                                  \
  }
CT_AES(aesenc, _mm_aesenc_si128)
CT_AES(aesenclast, _mm_aesenclast_si128)
CT_AES(aesdec, _mm_aesdec_si128)
CT_AES(aesdeclast, _mm_aesdeclast_si128)

WIDE512 ct_m512i ct_xor(ct_m512i a, ct_m512i b) {
  return ct_pair(_mm256_xor_si256(a.low, b.low), _mm256_xor_si256(a.high, b.high));
}

/* Some compilers have these as macros. */
#undef _mm512_castsi256_si512
#undef _mm512_castsi512_si256
#undef _mm512_inserti64x4
#undef _mm512_extracti64x4_epi64
#undef _mm512_ternarylogic_epi64
#undef _mm512_xor_si512
#undef _mm512_aesenc_epi128
#undef _mm512_aesenclast_epi128
#undef _mm512_aesdec_epi128
#undef _mm512_aesdeclast_epi128
#undef _mm512_set1_epi32
#undef _mm512_setzero_si512
#undef _mm512_shuffle_epi8
#undef _mm512_bslli_epi128

#define __m512i ct_m512i
#define _mm512_castsi256_si512(v) ct_pair(v, _mm256_setzero_si256())
#define _mm512_castsi512_si256(v) ((v).low)
#define _mm512_inserti64x4(v, half, at) ct_pair((v).low, half) /* at is 1 */
#define _mm512_extracti64x4_epi64(v, at) ((v).high)            /* at is 1 */
#define _mm512_ternarylogic_epi64(a, b, c, table) ct_xor(ct_xor(a, b), c) /* table is 0x96 */
#define _mm512_xor_si512(a, b) ct_xor(a, b)
#define _mm512_aesenc_epi128(v, key) ct_aesenc(v, key)
#define _mm512_aesenclast_epi128(v, key) ct_aesenclast(v, key)
#define _mm512_aesdec_epi128(v, key) ct_aesdec(v, key)
#define _mm512_aesdeclast_epi128(v, key) ct_aesdeclast(v, key)
#define _mm512_set1_epi32(word) ct_pair(_mm256_set1_epi32(word), _mm256_set1_epi32(word))
#define _mm512_setzero_si512() ct_pair(_mm256_setzero_si256(), _mm256_setzero_si256())
#define _mm512_shuffle_epi8(v, order) ct_pair(_mm256_shuffle_epi8((v).low, (order).low), _mm256_shuffle_epi8((v).high, (order).high))
#define _mm512_bslli_epi128(v, bytes) ct_pair(_mm256_bslli_epi128((v).low, bytes), _mm256_bslli_epi128((v).high, bytes))

#endif
