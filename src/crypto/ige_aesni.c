/* SPDX-License-Identifier: BSL-1.0
 * ige_aesni.c - one stream at the speed of its chain: 13 aesenc and 1 aesenclast a block, and nothing else that waits for them.
 *
 * Both directions are out[i] = A(in[i] ^ out[i-1]) ^ in[i-1], A being AES forwards or backwards. What one block adds after A and the
 * next before it goes into the last round key of the one: s' = A'(s) ^ (k14 ^ in[i-1]) ^ (in[i+1] ^ k0) enters the rounds of the next
 * block as it is, and out[i] = s' ^ (in[i+1] ^ k0) is found beside the chain. */
#include "ige_x86.h"

#ifdef SCHAT__X86

#include "../common/mem.h"

#define LAST (SCHAT__ROUND_KEYS - 1)

#define VECTOR __m128i
#define WIDE SCHAT__AESNI
#define SLIDE_WIDE(v, bytes) _mm_slli_si128(v, bytes)

static SCHAT__INLINE WIDE VECTOR xor_wide(VECTOR a, VECTOR b) {
  return _mm_xor_si128(a, b);
}

static SCHAT__INLINE WIDE VECTOR words_wide(int word) {
  return _mm_set1_epi32(word);
}

static SCHAT__INLINE WIDE VECTOR turn_wide(VECTOR v, VECTOR order) {
  return _mm_shuffle_epi8(v, order);
}

static SCHAT__INLINE WIDE VECTOR mix_wide(VECTOR v) {
  return _mm_aesimc_si128(v);
}

static SCHAT__INLINE WIDE VECTOR last_wide(VECTOR s, VECTOR key, int inverse) {
  return inverse ? _mm_aesdeclast_si128(s, key) : _mm_aesenclast_si128(s, key);
}

#define EXPAND expand
#include "ige_expand.h"

SCHAT__APART SCHAT__AESNI void schat__aesni_expand(const uint8_t key[32], __m128i *keys, size_t stride) {
  expand(schat__load_block(key), schat__load_block(key + 16), keys, stride, 0);
}

SCHAT__APART SCHAT__AESNI void schat__aesni_expand_inverse(const uint8_t key[32], __m128i *keys, size_t stride) {
  expand(schat__load_block(key), schat__load_block(key + 16), keys, stride, 1);
}

/* The round keys stand in memory that is wiped, and what computes with them is a function of its own, which reads each key where it
 * stands because `out` might be there too. Within one function a compiler keeps copies on the stack that nobody wipes. */

#define ROUND(r) s = inverse ? _mm_aesdec_si128(s, keys[r]) : _mm_aesenc_si128(s, keys[r])

static SCHAT__INLINE SCHAT__AESNI __m128i middle_rounds(__m128i s, const __m128i *keys, int inverse) {
  ROUND(1);
  ROUND(2);
  ROUND(3);
  ROUND(4);
  ROUND(5);
  ROUND(6);
  ROUND(7);
  ROUND(8);
  ROUND(9);
  ROUND(10);
  ROUND(11);
  ROUND(12);
  ROUND(13);
  return s;
}

/* in_last and out_last: the blocks before, at first and then for the next call. */
static SCHAT__INLINE SCHAT__AESNI void run(const __m128i *keys, uint8_t *in_last, uint8_t *out_last, const uint8_t *in, uint8_t *out,
                                           size_t size, int inverse) {
  const __m128i first = keys[0], last = keys[LAST];
  __m128i before = schat__load_block(in_last), now = schat__load_block(in);
  __m128i s = _mm_xor_si128(_mm_xor_si128(now, first), schat__load_block(out_last));
  const size_t end = size - 16;
  for (size_t at = 0; at != end; at += 16) {
    __m128i next = schat__load_block(in + at + 16), white = _mm_xor_si128(next, first);
    __m128i folded = _mm_xor_si128(_mm_xor_si128(before, last), white);
    s = last_wide(middle_rounds(s, keys, inverse), folded, inverse);
    schat__store_block(out + at, _mm_xor_si128(s, white));
    before = now;
    now = next;
  }
  s = last_wide(middle_rounds(s, keys, inverse), _mm_xor_si128(before, last), inverse);
  schat__store_block(out + end, s);
  schat__store_block(in_last, now);
  schat__store_block(out_last, s);
}

static SCHAT__APART SCHAT__AESNI void run_forwards(const __m128i *keys, uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size) {
  run(keys, iv + 16, iv, in, out, size, 0);
}

static SCHAT__APART SCHAT__AESNI void run_backwards(const __m128i *keys, uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size) {
  run(keys, iv, iv + 16, in, out, size, 1);
}

SCHAT__AESNI int schat__aesni_encrypt(schat__crypto *crypto, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out,
                                      size_t size) {
  (void)crypto;
  __m128i keys[SCHAT__ROUND_KEYS];
  schat__aesni_expand(key, keys, 1);
  run_forwards(keys, iv, in, out, size);
  schat__wipe(keys, sizeof keys);
  return SCHAT_OK;
}

SCHAT__AESNI int schat__aesni_decrypt(schat__crypto *crypto, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out,
                                      size_t size) {
  (void)crypto;
  __m128i keys[SCHAT__ROUND_KEYS];
  schat__aesni_expand_inverse(key, keys, 1);
  run_backwards(keys, iv, in, out, size);
  schat__wipe(keys, sizeof keys);
  return SCHAT_OK;
}

const schat__ige_kernel schat__ige_aesni = {"aesni", schat__aesni_encrypt, schat__aesni_decrypt, NULL, NULL};

#else
typedef int schat__nothing_here; /* a translation unit is never empty */
#endif
