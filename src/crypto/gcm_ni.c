/* SPDX-License-Identifier: BSL-1.0
 * gcm_ni.c - AES-256-GCM with AES-NI and PCLMULQDQ, for messages of a few blocks: eight counters at a time, and eight blocks of the hash
 * for one reduction.
 *
 * GHASH is computed as POLYVAL of RFC 8452 (appendix A there): blocks with their bytes reversed, the hash key multiplied by x once, and a
 * product that is reduced from below. No branch and no address depends on more than sizes. */
#include "gcm.h"

#ifdef SCHAT__X86_64

#include <string.h>

#include "../common/mem.h"
#include "ige_x86.h"

#define GCM SCHAT__TARGET("aes,sse4.1,pclmul")
#define WIDTH 8u
#define LAST (SCHAT__ROUND_KEYS - 1)

static SCHAT__INLINE GCM __m128i reversed(__m128i block) {
  return _mm_shuffle_epi8(block, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

/* Up to 16 bytes, and zeros. */
static SCHAT__INLINE GCM __m128i load_some(const uint8_t *p, size_t size) {
  uint8_t block[16] = {0};
  if (size >= 16) return schat__load_block(p);
  memcpy(block, p, size);
  return schat__load_block(block);
}

static SCHAT__INLINE GCM void store_some(uint8_t *p, __m128i v, size_t size) {
  uint8_t block[16];
  if (size >= 16) {
    schat__store_block(p, v);
    return;
  }
  schat__store_block(block, v);
  memcpy(p, block, size);
}

static SCHAT__INLINE GCM __m128i round_key(const schat__gcm_key *key, size_t r) {
  return schat__load_block(key->bytes + 16 * r);
}

/* powers: 1 is the key itself. */
static SCHAT__INLINE GCM __m128i power(const schat__gcm_key *key, size_t n) {
  return schat__load_block(key->bytes + 16 * (SCHAT__ROUND_KEYS + n - 1));
}

/* The hash --------------------------------------------------------------------------------------------------------------------- */

/* A sum of products that waits for its reduction. */
typedef struct {
  __m128i low, middle, high;
} product;

static SCHAT__INLINE GCM void multiply(product *sum, __m128i a, __m128i b) {
  sum->low = _mm_xor_si128(sum->low, _mm_clmulepi64_si128(a, b, 0x00));
  sum->high = _mm_xor_si128(sum->high, _mm_clmulepi64_si128(a, b, 0x11));
  sum->middle = _mm_xor_si128(sum->middle, _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01), _mm_clmulepi64_si128(a, b, 0x10)));
}

/* Divided by x^128 modulo x^128 + x^127 + x^126 + x^121 + 1: the lower half is cancelled, 64 bits at a time. */
static SCHAT__INLINE GCM __m128i reduced(const product *sum) {
  const __m128i pattern = _mm_set_epi32((int)0xc2000000u, 0, (int)0xc2000000u, 0);
  __m128i low = _mm_xor_si128(sum->low, _mm_slli_si128(sum->middle, 8));
  const __m128i high = _mm_xor_si128(sum->high, _mm_srli_si128(sum->middle, 8));
  for (int i = 0; i < 2; i++) low = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4e), _mm_clmulepi64_si128(low, pattern, 0x00));
  return _mm_xor_si128(low, high);
}

static SCHAT__INLINE GCM __m128i times(__m128i a, __m128i b) {
  product one = {_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()};
  multiply(&one, a, b);
  return reduced(&one);
}

/* The hash goes on over data that is filled up with zeros to whole blocks. */
static SCHAT__INLINE GCM __m128i absorb(const schat__gcm_key *key, __m128i hash, const uint8_t *data, size_t size) {
  while (size > 0) {
    const size_t blocks = size > 16u * (SCHAT__GCM_POWERS - 1u) ? SCHAT__GCM_POWERS : (size + 15u) / 16u;
    product sum = {_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()};
    for (size_t i = 0; i < blocks; i++) {
      const size_t here = size < 16 ? size : 16;
      const __m128i block = reversed(load_some(data, here));
      multiply(&sum, i == 0 ? _mm_xor_si128(hash, block) : block, power(key, blocks - i));
      data += here;
      size -= here;
    }
    hash = reduced(&sum);
  }
  return hash;
}

static SCHAT__APART GCM void make_tag(const schat__gcm_key *key, const uint8_t *aad, size_t aad_size, const uint8_t *ciphertext, size_t size,
                                      const uint8_t mask[16], uint8_t tag[16]) {
  const uint64_t aad_bits = (uint64_t)aad_size * 8, bits = (uint64_t)size * 8;
  const __m128i lengths = _mm_set_epi64x((long long)aad_bits, (long long)bits);
  __m128i hash = absorb(key, _mm_setzero_si128(), aad, aad_size);
  hash = absorb(key, hash, ciphertext, size);
  hash = times(_mm_xor_si128(hash, lengths), power(key, 1));
  schat__store_block(tag, _mm_xor_si128(reversed(hash), schat__load_block(mask)));
}

/* The cipher ------------------------------------------------------------------------------------------------------------------- */

/* E of eight counter blocks that begin with `counter`. */
static SCHAT__INLINE GCM void stream(const schat__gcm_key *key, __m128i base, uint32_t counter, __m128i s[WIDTH]) {
  const __m128i first = round_key(key, 0), last = round_key(key, LAST);
  const __m128i order = _mm_set_epi8(12, 13, 14, 15, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0); /* counters stand highest byte first */
  for (uint32_t i = 0; i < WIDTH; i++) {
    s[i] = _mm_xor_si128(_mm_shuffle_epi8(_mm_insert_epi32(base, (int)(counter + i), 3), order), first);
  }
  for (size_t r = 1; r < LAST; r++) {
    const __m128i k = round_key(key, r);
    for (size_t i = 0; i < WIDTH; i++) s[i] = _mm_aesenc_si128(s[i], k);
  }
  for (size_t i = 0; i < WIDTH; i++) s[i] = _mm_aesenclast_si128(s[i], last);
}

/* Counter 1 makes the mask of the tag, those after it the stream. */
static SCHAT__APART GCM void crypt(const schat__gcm_key *key, const uint8_t nonce[12], const uint8_t *in, size_t size, uint8_t *out,
                                   uint8_t mask[16]) {
  __m128i s[WIDTH];
  const __m128i base = load_some(nonce, 12);
  size_t next = 1;
  stream(key, base, 1, s);
  schat__store_block(mask, s[0]);
  for (uint32_t counter = 1; size > 0;) {
    for (; next < WIDTH && size > 0; next++) {
      const size_t here = size < 16 ? size : 16;
      store_some(out, _mm_xor_si128(load_some(in, here), s[next]), here);
      in += here;
      out += here;
      size -= here;
    }
    if (size == 0) break;
    counter += WIDTH;
    stream(key, base, counter, s);
    next = 0;
  }
}

/* The kernel ------------------------------------------------------------------------------------------------------------------- */

/* Multiplied by x, in POLYVAL's order of bits. */
static SCHAT__INLINE GCM __m128i doubled(__m128i h) {
  const __m128i carried = _mm_srai_epi32(_mm_shuffle_epi32(h, 0xff), 31);
  const __m128i wraps = _mm_and_si128(carried, _mm_set_epi32((int)0xc2000000u, 0, 0, 1));
  const __m128i shifted = _mm_or_si128(_mm_slli_epi64(h, 1), _mm_slli_si128(_mm_srli_epi64(h, 63), 8));
  return _mm_xor_si128(shifted, wraps);
}

static GCM void prepare(schat__gcm_key *ready, const uint8_t key[32]) {
  __m128i keys[SCHAT__ROUND_KEYS], h;
  schat__aesni_expand(key, keys, 1);
  memcpy(ready->bytes, keys, sizeof keys); /* which may stand anywhere */
  schat__wipe(keys, sizeof keys);
  h = round_key(ready, 0);
  for (size_t r = 1; r < LAST; r++) h = _mm_aesenc_si128(h, round_key(ready, r));
  h = doubled(reversed(_mm_aesenclast_si128(h, round_key(ready, LAST))));
  for (size_t n = 0; n < SCHAT__GCM_POWERS; n++) {
    schat__store_block(ready->bytes + 16 * (SCHAT__ROUND_KEYS + n), n == 0 ? h : times(power(ready, n), h));
  }
}

static GCM void seal(const schat__gcm_key *key, const uint8_t nonce[12], const uint8_t *aad, size_t aad_size, const uint8_t *in, size_t size,
                     uint8_t *out, uint8_t tag[16]) {
  uint8_t mask[16];
  crypt(key, nonce, in, size, out, mask);
  make_tag(key, aad, aad_size, out, size, mask, tag);
}

static GCM void open(const schat__gcm_key *key, const uint8_t nonce[12], const uint8_t *aad, size_t aad_size, const uint8_t *in, size_t size,
                     uint8_t *out, uint8_t tag[16]) {
  uint8_t mask[16];
  const uint8_t none[16] = {0};
  make_tag(key, aad, aad_size, in, size, none, tag); /* before out, which may be in, is written */
  crypt(key, nonce, in, size, out, mask);
  schat__store_block(tag, _mm_xor_si128(schat__load_block(tag), schat__load_block(mask)));
}

const schat__gcm_kernel schat__gcm_ni = {"gcm-ni", prepare, seal, open};

#else
typedef int schat__nothing_here; /* a translation unit is never empty */
#endif
