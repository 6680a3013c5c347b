/* SPDX-License-Identifier: BSL-1.0
 * ige_aesni8.c - 4 or 8 streams with AES-NI: while one waits for its round, the others have theirs. */
#include "ige_lanes.h"

#ifdef SCHAT__X86_64

#define VECTOR __m128i
#define PER_VECTOR 1u
#define WIDE SCHAT__AESNI

static SCHAT__INLINE WIDE VECTOR load_wide(const uint8_t *const *p, size_t offset) {
  return schat__load_block(*p + offset);
}

static SCHAT__INLINE WIDE void store_wide(uint8_t *const *p, size_t offset, VECTOR v) {
  schat__store_block(*p + offset, v);
}

static SCHAT__INLINE WIDE VECTOR xor_wide(VECTOR a, VECTOR b) {
  return _mm_xor_si128(a, b);
}

static SCHAT__INLINE WIDE VECTOR round_wide(VECTOR s, VECTOR key, int inverse) {
  return inverse ? _mm_aesdec_si128(s, key) : _mm_aesenc_si128(s, key);
}

static SCHAT__INLINE WIDE VECTOR last_wide(VECTOR s, VECTOR key, int inverse) {
  return inverse ? _mm_aesdeclast_si128(s, key) : _mm_aesenclast_si128(s, key);
}

#define STEP step_4_vectors
#define EACH(DO) DO(0) DO(1) DO(2) DO(3)
#include "ige_wide.h"

#define STEP step_8_vectors
#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)
#include "ige_wide.h"

SCHAT__APART WIDE void schat__aesni4_forwards(schat__ige_lanes *lanes, size_t blocks) {
  step_4_vectors(lanes, blocks, 0);
}

SCHAT__APART WIDE void schat__aesni4_backwards(schat__ige_lanes *lanes, size_t blocks) {
  step_4_vectors(lanes, blocks, 1);
}

static SCHAT__APART WIDE void forwards_8(schat__ige_lanes *lanes, size_t blocks) {
  step_8_vectors(lanes, blocks, 0);
}

static SCHAT__APART WIDE void backwards_8(schat__ige_lanes *lanes, size_t blocks) {
  step_8_vectors(lanes, blocks, 1);
}

static const schat__ige_width widths[] = {
    {4, schat__aesni4_forwards, schat__aesni4_backwards},
    {8, forwards_8, backwards_8},
};

static const schat__ige_deck deck = {widths, sizeof widths / sizeof widths[0], NULL, 1};

static void aesni8_encrypt_n(const schat__ige_job *jobs, size_t count) {
  schat__ige_run_lanes(&deck, 0, jobs, count);
}

static void aesni8_decrypt_n(const schat__ige_job *jobs, size_t count) {
  schat__ige_run_lanes(&deck, 1, jobs, count);
}

const schat__ige_kernel schat__ige_aesni8 = {"aesni8", schat__aesni_encrypt, schat__aesni_decrypt, aesni8_encrypt_n, aesni8_decrypt_n};

#else
typedef int schat__nothing_here; /* a translation unit is never empty */
#endif
