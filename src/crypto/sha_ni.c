/* SPDX-License-Identifier: BSL-1.0
 * sha_ni.c - the hashes of a message with SHA-NI: one at the latency of its rounds, two in little more time than one. All of it is meant for
 * registers; the envelope wipes what a compiler keeps on the stack (traces.h). */
#include "sha_x86.h"

#ifdef SCHAT__X86_64


const uint32_t schat__sha256_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

#define GROUPS(DO) \
  DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)

static SCHAT__INLINE SCHAT__SHANI void rounds(schat__sha_state *state, schat__sha_lane *lane) {
#define ONE(g) schat__sha_group(lane, g);
  GROUPS(ONE)
  schat__sha_add(state, lane);
}

static SCHAT__INLINE SCHAT__SHANI void rounds_of_two(schat__sha_state *states, schat__sha_lane *lanes) {
#define TWO(g)                     \
  schat__sha_group(&lanes[0], g); \
  schat__sha_group(&lanes[1], g);
  GROUPS(TWO)
  schat__sha_add(&states[0], &lanes[0]);
  schat__sha_add(&states[1], &lanes[1]);
}

/* The last block: what is left of the data, one bit, and the length. */
static SCHAT__INLINE SCHAT__SHANI void load_end(schat__sha_lane *lane, const schat__sha_state *state, const uint8_t *data, size_t left,
                                                size_t total) {
  const uint64_t bits = (uint64_t)total * 8;
  const __m128i one_bit = _mm_set_epi32(0, 0, 0, INT32_MIN), none = _mm_setzero_si128();
  lane->abef = state->abef;
  lane->cdgh = state->cdgh;
  lane->m[0] = left > 0 ? schat__sha_words(schat__load_block(data)) : one_bit;
  lane->m[1] = left > 16 ? schat__sha_words(schat__load_block(data + 16)) : left == 16 ? one_bit : none;
  lane->m[2] = left > 32 ? schat__sha_words(schat__load_block(data + 32)) : left == 32 ? one_bit : none;
  lane->m[3] = _mm_or_si128(left == 48 ? one_bit : none, _mm_set_epi32((int)(uint32_t)bits, (int)(uint32_t)(bits >> 32), 0, 0));
}

/* Words c to f, highest byte first. */
static SCHAT__INLINE SCHAT__SHANI void give(const schat__sha_state *state, uint8_t msg_key[16]) {
  __m128i cd_ef = _mm_unpackhi_epi64(state->cdgh, _mm_slli_si128(state->abef, 8)); /* lowest: d c f e */
  schat__store_block(msg_key, schat__sha_words(_mm_shuffle_epi32(cd_ef, 0xb1)));
}

SCHAT__APART SCHAT__SHANI void schat__sha_end(const schat__sha_state *state, const uint8_t *data, size_t size, size_t total,
                                              uint8_t msg_key[16]) {
  schat__sha_lane lane;
  schat__sha_state s = *state;
  for (; size >= SCHAT__SHA_BLOCK; data += SCHAT__SHA_BLOCK, size -= SCHAT__SHA_BLOCK) {
    schat__sha_load(&lane, &s, data, data + 32);
    rounds(&s, &lane);
  }
  load_end(&lane, &s, data, size, total);
  rounds(&s, &lane);
  give(&s, msg_key);
}

/* A plaintext of one block has no second half for the first block of the hash. */
static SCHAT__APART SCHAT__SHANI void msg_key_of_one_block(uint8_t msg_key[16], const uint8_t *prefix, const uint8_t *plaintext) {
  const __m128i length = _mm_set_epi32(48 * 8, 0, 0, INT32_MIN);
  schat__sha_state s;
  schat__sha_lane lane;
  schat__sha_begin(&s);
  schat__sha_load(&lane, &s, prefix, prefix);
  lane.m[2] = schat__sha_words(schat__load_block(plaintext));
  lane.m[3] = length;
  rounds(&s, &lane);
  give(&s, msg_key);
}

static SCHAT__SHANI void make_msg_key(uint8_t msg_key[16], const uint8_t prefix[32], const uint8_t *plaintext, size_t size) {
  schat__sha_state s;
  schat__sha_lane lane;
  if (size == 16) {
    msg_key_of_one_block(msg_key, prefix, plaintext);
    return;
  }
  schat__sha_begin(&s);
  schat__sha_load(&lane, &s, prefix, plaintext);
  rounds(&s, &lane);
  schat__sha_end(&s, plaintext + 32, size - 32, size + SCHAT__SHA_PREFIX, msg_key);
}

static SCHAT__SHANI void make_two_msg_keys(uint8_t *const msg_key[2], const uint8_t *const prefix[2], const uint8_t *const plaintext[2],
                                           size_t size) {
  schat__sha_state s[2];
  schat__sha_lane lanes[2];
  if (size == 16) {
    for (int i = 0; i < 2; i++) msg_key_of_one_block(msg_key[i], prefix[i], plaintext[i]);
    return;
  }
  for (int i = 0; i < 2; i++) {
    schat__sha_begin(&s[i]);
    schat__sha_load(&lanes[i], &s[i], prefix[i], plaintext[i]);
  }
  rounds_of_two(s, lanes);
  size_t at = 32;
  for (; size - at >= SCHAT__SHA_BLOCK; at += SCHAT__SHA_BLOCK) {
    for (int i = 0; i < 2; i++) schat__sha_load(&lanes[i], &s[i], plaintext[i] + at, plaintext[i] + at + 32);
    rounds_of_two(s, lanes);
  }
  for (int i = 0; i < 2; i++) load_end(&lanes[i], &s[i], plaintext[i] + at, size - at, size + SCHAT__SHA_PREFIX);
  rounds_of_two(s, lanes);
  for (int i = 0; i < 2; i++) give(&s[i], msg_key[i]);
}

/* Both hashes are of 52 bytes: one block each, laid out in registers. */
#define KDF_END _mm_set_epi32(52 * 8, 0, INT32_MIN, 0)

static SCHAT__INLINE SCHAT__SHANI __m128i load_word(const uint8_t *p) {
  return _mm_cvtsi32_si128((int)((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]));
}

static SCHAT__SHANI void make_kdf(uint8_t aes_key[32], uint8_t aes_iv[32], const uint8_t *part, const uint8_t msg_key[16]) {
  const __m128i msg = schat__sha_words(schat__load_block(msg_key));
  const uint8_t *other = part + 40;
  schat__sha_state s[2];
  schat__sha_lane lanes[2];
  schat__sha_begin(&s[0]);
  schat__sha_begin(&s[1]);
  schat__sha_load(&lanes[0], &s[0], part, part);
  lanes[0].m[2] = schat__sha_words(schat__load_block(part + 16));
  lanes[0].m[1] = lanes[0].m[0];
  lanes[0].m[0] = msg;
  lanes[0].m[3] = _mm_or_si128(load_word(part + 32), KDF_END);
  schat__sha_load(&lanes[1], &s[1], other, other);
  lanes[1].m[2] = _mm_or_si128(load_word(other + 32), _mm_slli_si128(msg, 4));
  lanes[1].m[3] = _mm_or_si128(_mm_srli_si128(msg, 12), KDF_END);
  rounds_of_two(s, lanes);
  /* a0 … b7: words of the digests; pairs stand highest first. */
  __m128i a01_45 = _mm_shuffle_epi32(s[0].abef, 0xb1), a23_67 = _mm_shuffle_epi32(s[0].cdgh, 0xb1);
  __m128i b01_45 = _mm_shuffle_epi32(s[1].abef, 0xb1), b23_67 = _mm_shuffle_epi32(s[1].cdgh, 0xb1);
  schat__store_block(aes_key, schat__sha_words(_mm_unpackhi_epi64(a01_45, b23_67)));
  schat__store_block(aes_key + 16, schat__sha_words(_mm_unpacklo_epi64(b01_45, a23_67)));
  schat__store_block(aes_iv, schat__sha_words(_mm_unpackhi_epi64(b01_45, a23_67)));
  schat__store_block(aes_iv + 16, schat__sha_words(_mm_unpacklo_epi64(a01_45, b23_67)));
}

const schat__sha_kernel schat__sha_ni = {"sha-ni", make_msg_key, make_two_msg_keys, make_kdf, schat__open_ni};

#else
typedef int schat__nothing_here; /* a translation unit is never empty */
#endif
