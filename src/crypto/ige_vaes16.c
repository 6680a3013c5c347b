/* SPDX-License-Identifier: BSL-1.0
 * ige_vaes16.c - 8 or 16 streams with VAES, two in each register of AVX2. */
#include "ige_lanes.h"

#ifdef SCHAT__X86_VAES

#define VECTOR __m256i
#define PER_VECTOR 2u
#define WIDE SCHAT__TARGET("aes,avx2,vaes")

static SCHAT__INLINE WIDE VECTOR load_wide(const uint8_t *const *p, size_t offset) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(schat__load_block(p[0] + offset)), schat__load_block(p[1] + offset), 1);
}

static SCHAT__INLINE WIDE void store_wide(uint8_t *const *p, size_t offset, VECTOR v) {
  schat__store_block(p[0] + offset, _mm256_castsi256_si128(v));
  schat__store_block(p[1] + offset, _mm256_extracti128_si256(v, 1));
}

static SCHAT__INLINE WIDE VECTOR xor_wide(VECTOR a, VECTOR b) {
  return _mm256_xor_si256(a, b);
}

static SCHAT__INLINE WIDE VECTOR round_wide(VECTOR s, VECTOR key, int inverse) {
  return inverse ? _mm256_aesdec_epi128(s, key) : _mm256_aesenc_epi128(s, key);
}

static SCHAT__INLINE WIDE VECTOR last_wide(VECTOR s, VECTOR key, int inverse) {
  return inverse ? _mm256_aesdeclast_epi128(s, key) : _mm256_aesenclast_epi128(s, key);
}

static SCHAT__INLINE WIDE VECTOR words_wide(int word) {
  return _mm256_set1_epi32(word);
}

static SCHAT__INLINE WIDE VECTOR turn_wide(VECTOR v, VECTOR order) {
  return _mm256_shuffle_epi8(v, order);
}

/* There is no such instruction for several lanes: a last round without a key, and a round back without one, leave the mixing. */
static SCHAT__INLINE WIDE VECTOR mix_wide(VECTOR v) {
  return _mm256_aesdec_epi128(_mm256_aesenclast_epi128(v, _mm256_setzero_si256()), _mm256_setzero_si256());
}

#define SLIDE_WIDE(v, bytes) _mm256_bslli_epi128(v, bytes)
#define EXPAND expand
#include "ige_expand.h"

static SCHAT__APART WIDE void expand_2(const schat__ige_job *const *jobs, __m128i *keys, size_t stride, int inverse) {
  const uint8_t *const key[PER_VECTOR] = {jobs[0]->key, jobs[1]->key};
  if (inverse) {
    expand(load_wide(key, 0), load_wide(key, 16), (VECTOR *)(void *)keys, stride / PER_VECTOR, 1);
  } else {
    expand(load_wide(key, 0), load_wide(key, 16), (VECTOR *)(void *)keys, stride / PER_VECTOR, 0);
  }
}

#define STEP step_4_vectors
#define EACH(DO) DO(0) DO(1) DO(2) DO(3)
#include "ige_wide.h"

#define STEP step_8_vectors
#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)
#include "ige_wide.h"

SCHAT__APART WIDE void schat__vaes8_forwards(schat__ige_lanes *lanes, size_t blocks) {
  step_4_vectors(lanes, blocks, 0);
}

SCHAT__APART WIDE void schat__vaes8_backwards(schat__ige_lanes *lanes, size_t blocks) {
  step_4_vectors(lanes, blocks, 1);
}

static SCHAT__APART WIDE void forwards_16(schat__ige_lanes *lanes, size_t blocks) {
  step_8_vectors(lanes, blocks, 0);
}

static SCHAT__APART WIDE void backwards_16(schat__ige_lanes *lanes, size_t blocks) {
  step_8_vectors(lanes, blocks, 1);
}

static const schat__ige_width widths[] = {
    {4, schat__aesni4_forwards, schat__aesni4_backwards},
    {8, schat__vaes8_forwards, schat__vaes8_backwards},
    {16, forwards_16, backwards_16},
};

static const schat__ige_deck deck = {widths, sizeof widths / sizeof widths[0], expand_2, PER_VECTOR};

static void vaes16_encrypt_n(const schat__ige_job *jobs, size_t count) {
  schat__ige_run_lanes(&deck, 0, jobs, count);
}

static void vaes16_decrypt_n(const schat__ige_job *jobs, size_t count) {
  schat__ige_run_lanes(&deck, 1, jobs, count);
}

const schat__ige_kernel schat__ige_vaes16 = {"vaes16", schat__aesni_encrypt, schat__aesni_decrypt, vaes16_encrypt_n, vaes16_decrypt_n};

#else
typedef int schat__nothing_here; /* a translation unit is never empty */
#endif
