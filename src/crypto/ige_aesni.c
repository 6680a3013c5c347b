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

/* Every word and all the words before it, added up. */
static SCHAT__INLINE SCHAT__AESNI __m128i word_sums(__m128i words) {
  words = _mm_xor_si128(words, _mm_slli_si128(words, 4));
  return _mm_xor_si128(words, _mm_slli_si128(words, 8));
}

/* The equivalent inverse cipher uses the keys backwards, and mixed but for the first and the last. */
static SCHAT__INLINE SCHAT__AESNI void put_middle(__m128i *keys, size_t stride, size_t r, __m128i key, int inverse) {
  if (inverse) {
    keys[(LAST - r) * stride] = _mm_aesimc_si128(key);
  } else {
    keys[r * stride] = key;
  }
}

/* SubWord is aesenclast on a block of four equal words, which ShiftRows leaves alone; its key operand adds the rest, so a shuffle and
 * one round is all that a round key waits for. */
#define EVEN(r, rcon)                        \
  put_middle(keys, stride, r, odd, inverse); \
  even = _mm_aesenclast_si128(_mm_shuffle_epi8(odd, turned), _mm_xor_si128(word_sums(even), _mm_set1_epi32(rcon)))
#define ODD(r)                                \
  put_middle(keys, stride, r, even, inverse); \
  odd = _mm_aesenclast_si128(_mm_shuffle_epi8(even, straight), word_sums(odd))

static SCHAT__INLINE SCHAT__AESNI void expand(const uint8_t key[32], __m128i *keys, size_t stride, int inverse) {
  const __m128i turned = _mm_set1_epi32(0x0c0f0e0d), straight = _mm_set1_epi32(0x0f0e0d0c); /* four times the last word */
  __m128i even = schat__load_block(key), odd = schat__load_block(key + 16);
  keys[inverse ? LAST * stride : 0] = even;
  EVEN(1, 0x01);
  ODD(2);
  EVEN(3, 0x02);
  ODD(4);
  EVEN(5, 0x04);
  ODD(6);
  EVEN(7, 0x08);
  ODD(8);
  EVEN(9, 0x10);
  ODD(10);
  EVEN(11, 0x20);
  ODD(12);
  EVEN(13, 0x40);
  keys[inverse ? 0 : LAST * stride] = even;
}

SCHAT__APART SCHAT__AESNI void schat__aesni_expand(const uint8_t key[32], __m128i *keys, size_t stride) {
  expand(key, keys, stride, 0);
}

SCHAT__APART SCHAT__AESNI void schat__aesni_expand_inverse(const uint8_t key[32], __m128i *keys, size_t stride) {
  expand(key, keys, stride, 1);
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

static SCHAT__INLINE SCHAT__AESNI __m128i last_round(__m128i s, __m128i key, int inverse) {
  return inverse ? _mm_aesdeclast_si128(s, key) : _mm_aesenclast_si128(s, key);
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
    s = last_round(middle_rounds(s, keys, inverse), folded, inverse);
    schat__store_block(out + at, _mm_xor_si128(s, white));
    before = now;
    now = next;
  }
  s = last_round(middle_rounds(s, keys, inverse), _mm_xor_si128(before, last), inverse);
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
