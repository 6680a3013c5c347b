/* SPDX-License-Identifier: BSL-1.0
 * sha_x86.h - SHA-256 with the SHA instructions of x86, in pieces that can be laid beside other work. */
#ifndef SCHAT_CRYPTO_SHA_X86_H
#define SCHAT_CRYPTO_SHA_X86_H

#include "ige_x86.h"
#include "sha.h"

#ifdef SCHAT__X86_64

#define SCHAT__SHANI SCHAT__TARGET("aes,sse4.1,sha")
#define SCHAT__SHA_BLOCK 64u
#define SCHAT__SHA_PREFIX 32u

/* The eight words, in the order the instructions want them: highest first. */
typedef struct {
  __m128i abef, cdgh;
} schat__sha_state;

/* A block on its way: the running words, and the sixteen words of the message that the next rounds need. */
typedef struct {
  __m128i abef, cdgh, m[4];
} schat__sha_lane;

extern const uint32_t schat__sha256_constants[64];

/* sha_ni.c: the whole blocks that `size` bytes of data hold, and the one that ends a hash of `total` bytes, with the 0, 16, 32 or 48 that
 * are left. Gives the msg_key: bytes 8 to 23 of the digest. */
void schat__sha_end(const schat__sha_state *state, const uint8_t *data, size_t size, size_t total, uint8_t msg_key[16]);
/* open_ni.c: as schat__sha_kernel.open tells. */
void schat__open_ni(const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size, const uint8_t prefix[32],
                    uint8_t msg_key[16]);

static SCHAT__INLINE SCHAT__SHANI void schat__sha_begin(schat__sha_state *state) {
  state->abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85u, 0x510e527f, (int)0x9b05688cu);
  state->cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53au, 0x1f83d9ab, 0x5be0cd19);
}

/* Bytes of the message as words. */
static SCHAT__INLINE SCHAT__SHANI __m128i schat__sha_words(__m128i bytes) {
  return _mm_shuffle_epi8(bytes, _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
}

/* Four times four words, from two places: a block may stand in two parts. */
static SCHAT__INLINE SCHAT__SHANI void schat__sha_load(schat__sha_lane *lane, const schat__sha_state *state, const uint8_t *first,
                                                       const uint8_t *second) {
  lane->abef = state->abef;
  lane->cdgh = state->cdgh;
  lane->m[0] = schat__sha_words(schat__load_block(first));
  lane->m[1] = schat__sha_words(schat__load_block(first + 16));
  lane->m[2] = schat__sha_words(schat__load_block(second));
  lane->m[3] = schat__sha_words(schat__load_block(second + 16));
}

/* Four rounds, and as much of the message schedule as later rounds need from here. `g`, 0 to 15, is a constant wherever this stands. */
static SCHAT__INLINE SCHAT__SHANI void schat__sha_group(schat__sha_lane *lane, size_t g) {
  __m128i k = _mm_add_epi32(lane->m[g & 3], schat__load_block((const uint8_t *)&schat__sha256_constants[4 * g]));
  if (g >= 3 && g < 15) {
    __m128i carried = _mm_alignr_epi8(lane->m[g & 3], lane->m[(g - 1) & 3], 4);
    lane->m[(g + 1) & 3] = _mm_sha256msg2_epu32(_mm_add_epi32(lane->m[(g + 1) & 3], carried), lane->m[g & 3]);
  }
  lane->cdgh = _mm_sha256rnds2_epu32(lane->cdgh, lane->abef, k);
  if (g >= 1 && g < 13) lane->m[(g - 1) & 3] = _mm_sha256msg1_epu32(lane->m[(g - 1) & 3], lane->m[g & 3]);
  lane->abef = _mm_sha256rnds2_epu32(lane->abef, lane->cdgh, _mm_shuffle_epi32(k, 0x0e));
}

static SCHAT__INLINE SCHAT__SHANI void schat__sha_add(schat__sha_state *state, const schat__sha_lane *lane) {
  state->abef = _mm_add_epi32(state->abef, lane->abef);
  state->cdgh = _mm_add_epi32(state->cdgh, lane->cdgh);
}

#endif
#endif
