/* SPDX-License-Identifier: BSL-1.0
 * ige_vaes512.c - 16 streams with VAES, four in each register of AVX-512. */
#include "ige_lanes.h"

#ifdef SCHAT__X86_VAES

#define VECTOR __m512i
#define PER_VECTOR ((size_t)4)
#define WIDE SCHAT__TARGET("aes,avx2,vaes,avx512f,avx512bw")

static SCHAT__INLINE WIDE __m256i load_half(const uint8_t *const *p, size_t offset) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(schat__load_block(p[0] + offset)), schat__load_block(p[1] + offset), 1);
}

static SCHAT__INLINE WIDE VECTOR load_wide(const uint8_t *const *p, size_t offset) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(load_half(p, offset)), load_half(p + 2, offset), 1);
}

static SCHAT__INLINE WIDE void store_half(uint8_t *const *p, size_t offset, __m256i v) {
  schat__store_block(p[0] + offset, _mm256_castsi256_si128(v));
  schat__store_block(p[1] + offset, _mm256_extracti128_si256(v, 1));
}

static SCHAT__INLINE WIDE void store_wide(uint8_t *const *p, size_t offset, VECTOR v) {
  store_half(p, offset, _mm512_castsi512_si256(v));
  store_half(p + 2, offset, _mm512_extracti64x4_epi64(v, 1));
}

/* a ^ b ^ c in one instruction. */
static SCHAT__INLINE WIDE VECTOR xor_three(VECTOR a, VECTOR b, VECTOR c) {
  return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

static SCHAT__INLINE WIDE VECTOR round_wide(VECTOR s, VECTOR key, int inverse) {
  return inverse ? _mm512_aesdec_epi128(s, key) : _mm512_aesenc_epi128(s, key);
}

static SCHAT__INLINE WIDE VECTOR last_wide(VECTOR s, VECTOR key, int inverse) {
  return inverse ? _mm512_aesdeclast_epi128(s, key) : _mm512_aesenclast_epi128(s, key);
}

static SCHAT__INLINE WIDE VECTOR xor_wide(VECTOR a, VECTOR b) {
  return _mm512_xor_si512(a, b);
}

static SCHAT__INLINE WIDE VECTOR words_wide(int word) {
  return _mm512_set1_epi32(word);
}

static SCHAT__INLINE WIDE VECTOR turn_wide(VECTOR v, VECTOR order) {
  return _mm512_shuffle_epi8(v, order);
}

/* As in ige_vaes16.c. */
static SCHAT__INLINE WIDE VECTOR mix_wide(VECTOR v) {
  return _mm512_aesdec_epi128(_mm512_aesenclast_epi128(v, _mm512_setzero_si512()), _mm512_setzero_si512());
}

#define SLIDE_WIDE(v, bytes) _mm512_bslli_epi128(v, bytes)
#define EXPAND expand
#include "ige_expand.h"

static SCHAT__APART WIDE void expand_4(const schat__ige_job *const *jobs, __m128i *keys, size_t stride, int inverse) {
  const uint8_t *const key[PER_VECTOR] = {jobs[0]->key, jobs[1]->key, jobs[2]->key, jobs[3]->key};
  if (inverse) {
    expand(load_wide(key, 0), load_wide(key, 16), (VECTOR *)(void *)keys, stride / PER_VECTOR, 1);
  } else {
    expand(load_wide(key, 0), load_wide(key, 16), (VECTOR *)(void *)keys, stride / PER_VECTOR, 0);
  }
}

#if defined(__clang__)
#define UNROLLED _Pragma("unroll")
#elif defined(__GNUC__)
#define UNROLLED _Pragma("GCC unroll 11")
#else
#define UNROLLED
#endif

#define VECTORS ((size_t)4)
#define LAST ((SCHAT__ROUND_KEYS - 1) * VECTORS)
#define EACH(DO) DO(0); DO(1); DO(2); DO(3)
#define BEGIN(j)                                                                         \
  VECTOR before##j = in_last[j], now##j = load_wide(l->in + (j)*PER_VECTOR, 0), next##j; \
  const VECTOR white##j = keys[j], folded##j = xor_wide(keys[j], keys[LAST + (j)]);      \
  const VECTOR first##j = keys[VECTORS + (j)], second##j = keys[2 * VECTORS + (j)];      \
  VECTOR s##j = xor_three(now##j, white##j, out_last[j])
#define FIRST(j) s##j = round_wide(s##j, first##j, inverse)
#define SECOND(j) s##j = round_wide(s##j, second##j, inverse)
#define ROUND(j) s##j = round_wide(s##j, key[j], inverse)
#define TURN(j)                                                                \
  next##j = load_wide(l->in + (j)*PER_VECTOR, at + 16);                        \
  s##j = last_wide(s##j, xor_three(before##j, next##j, folded##j), inverse);   \
  store_wide(l->out + (j)*PER_VECTOR, at, xor_three(s##j, next##j, white##j)); \
  before##j = now##j;                                                          \
  now##j = next##j
#define END(j)                                                            \
  s##j = last_wide(s##j, xor_wide(before##j, keys[LAST + (j)]), inverse); \
  store_wide(l->out + (j)*PER_VECTOR, at, s##j);                          \
  out_last[j] = s##j;                                                     \
  in_last[j] = now##j

/* As ige_wide.h, where there are registers enough for the input blocks and the round keys of two rounds, and a sum of three is one
 * instruction. What is left to wait for is the loading of the other keys, so a compiler should not add a loop to that. */
static SCHAT__INLINE WIDE void step(schat__ige_lanes *l, size_t blocks, int inverse) {
  const VECTOR *keys = (const VECTOR *)(const void *)l->keys;
  VECTOR *in_last = (VECTOR *)(void *)l->in_last, *out_last = (VECTOR *)(void *)l->out_last;
  const size_t end = (blocks - 1) * 16;
  size_t at = 0;
  EACH(BEGIN);
  for (;; at += 16) {
    EACH(FIRST);
    EACH(SECOND);
    UNROLLED
    for (const VECTOR *key = keys + 3 * VECTORS; key != keys + LAST; key += VECTORS) {
      EACH(ROUND);
    }
    if (at == end) break;
    EACH(TURN);
  }
  EACH(END);
}

static SCHAT__APART WIDE void forwards_16(schat__ige_lanes *lanes, size_t blocks) {
  step(lanes, blocks, 0);
}

static SCHAT__APART WIDE void backwards_16(schat__ige_lanes *lanes, size_t blocks) {
  step(lanes, blocks, 1);
}

static const schat__ige_width widths[] = {
    {4, schat__aesni4_forwards, schat__aesni4_backwards},
    {8, schat__vaes8_forwards, schat__vaes8_backwards},
    {16, forwards_16, backwards_16},
};

static const schat__ige_deck deck = {widths, sizeof widths / sizeof widths[0], expand_4, PER_VECTOR};

static void vaes512_encrypt_n(const schat__ige_job *jobs, size_t count) {
  schat__ige_run_lanes(&deck, 0, jobs, count);
}

static void vaes512_decrypt_n(const schat__ige_job *jobs, size_t count) {
  schat__ige_run_lanes(&deck, 1, jobs, count);
}

const schat__ige_kernel schat__ige_vaes512 = {"vaes512", schat__aesni_encrypt, schat__aesni_decrypt, vaes512_encrypt_n, vaes512_decrypt_n};

#else
typedef int schat__nothing_here; /* a translation unit is never empty */
#endif
