/* SPDX-License-Identifier: BSL-1.0
 * ige_armv8.c - one stream with ARM's AES instructions, at the speed of their chain.
 *
 * AESE adds its key before the bytes are exchanged, where x86 adds it afterwards. So what a block adds at its end, what the next adds at
 * its beginning and the next's first round key are one operand: with t = AESE(s, k13), out[i] = t ^ k14 ^ in[i-1], and the next block
 * begins with AESE(t, k0 ^ k14 ^ in[i-1] ^ in[i+1]). Nothing but 14 pairs of instructions a block waits for anything. */
#include "ige.h"

#ifdef SCHAT__ARMV8

#include <arm_neon.h>

#include "../common/mem.h"

#define ROUND_KEYS 15u
#define LAST (ROUND_KEYS - 1)

#if defined(__GNUC__) && !defined(__clang__)
#define ARMV8 __attribute__((target("+crypto")))
#elif defined(__clang__)
#define ARMV8 __attribute__((target("aes")))
#else
#define ARMV8
#endif
#if defined(__GNUC__) || defined(__clang__)
#define INLINE inline __attribute__((always_inline))
#define APART __attribute__((noinline))
#else
#define INLINE __forceinline
#define APART __declspec(noinline)
#endif

/* SubWord: one round exchanges the bytes and moves rows, which four equal words do not notice. */
static INLINE ARMV8 uint8x16_t exchange(uint8x16_t word_of_all) {
  return vaeseq_u8(word_of_all, vdupq_n_u8(0));
}

/* Every word and all the words before it, added up. */
static INLINE ARMV8 uint8x16_t word_sums(uint8x16_t v) {
  const uint8x16_t zero = vdupq_n_u8(0);
  v = veorq_u8(v, vextq_u8(zero, v, 12));
  return veorq_u8(v, vextq_u8(zero, v, 8));
}

static INLINE ARMV8 uint8x16_t last_word(uint8x16_t v) {
  return vreinterpretq_u8_u32(vdupq_laneq_u32(vreinterpretq_u32_u8(v), 3));
}

/* Each byte of a word comes to the place of the one before it. */
static INLINE ARMV8 uint8x16_t turned(uint8x16_t v) {
  const uint32x4_t words = vreinterpretq_u32_u8(v);
  return vreinterpretq_u8_u32(vsriq_n_u32(vshlq_n_u32(words, 24), words, 8));
}

/* The round keys of AES-256, or of its equivalent inverse, in the order of use. */
static APART ARMV8 void expand(const uint8_t key[32], uint8x16_t keys[ROUND_KEYS], int inverse) {
  uint8x16_t even = vld1q_u8(key), odd = vld1q_u8(key + 16);
  uint32_t rcon = 1;
  keys[inverse ? LAST : 0] = even;
  for (unsigned r = 1; r < ROUND_KEYS; r++) {
    keys[inverse ? LAST - r : r] = r % 2 != 0 ? odd : even;
    if (r % 2 == 0) {
      odd = veorq_u8(word_sums(odd), exchange(last_word(even)));
      continue;
    }
    even = veorq_u8(word_sums(even), veorq_u8(turned(exchange(last_word(odd))), vreinterpretq_u8_u32(vdupq_n_u32(rcon))));
    rcon <<= 1;
  }
  if (!inverse) return;
  for (unsigned r = 1; r < LAST; r++) keys[r] = vaesimcq_u8(keys[r]);
}

static INLINE ARMV8 uint8x16_t round_of(uint8x16_t s, uint8x16_t key, int inverse) {
  return inverse ? vaesimcq_u8(vaesdq_u8(s, key)) : vaesmcq_u8(vaeseq_u8(s, key));
}

/* From the second round to the exchange of the last; what is added then is the caller's. */
static INLINE ARMV8 uint8x16_t rounds(uint8x16_t s, const uint8x16_t *keys, int inverse) {
  s = round_of(s, keys[1], inverse);
  s = round_of(s, keys[2], inverse);
  s = round_of(s, keys[3], inverse);
  s = round_of(s, keys[4], inverse);
  s = round_of(s, keys[5], inverse);
  s = round_of(s, keys[6], inverse);
  s = round_of(s, keys[7], inverse);
  s = round_of(s, keys[8], inverse);
  s = round_of(s, keys[9], inverse);
  s = round_of(s, keys[10], inverse);
  s = round_of(s, keys[11], inverse);
  s = round_of(s, keys[12], inverse);
  return inverse ? vaesdq_u8(s, keys[13]) : vaeseq_u8(s, keys[13]);
}

/* in_last and out_last: the blocks before, at first and then for the next call. `out` may be where `in` is. */
static INLINE ARMV8 void run(const uint8x16_t *keys, uint8_t *in_last, uint8_t *out_last, const uint8_t *in, uint8_t *out, size_t size,
                             int inverse) {
  const uint8x16_t last = keys[LAST], both = veorq_u8(keys[0], last);
  uint8x16_t before = vld1q_u8(in_last), now = vld1q_u8(in);
  uint8x16_t t = rounds(round_of(veorq_u8(now, vld1q_u8(out_last)), keys[0], inverse), keys, inverse);
  const size_t end = size - 16;
  for (size_t at = 0; at != end; at += 16) {
    const uint8x16_t next = vld1q_u8(in + at + 16), folded = veorq_u8(veorq_u8(before, next), both);
    vst1q_u8(out + at, veorq_u8(t, veorq_u8(before, last)));
    before = now;
    now = next;
    t = rounds(round_of(t, folded, inverse), keys, inverse);
  }
  t = veorq_u8(t, veorq_u8(before, last));
  vst1q_u8(out + end, t);
  vst1q_u8(in_last, now);
  vst1q_u8(out_last, t);
}

static APART ARMV8 void run_forwards(const uint8x16_t *keys, uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size) {
  run(keys, iv + 16, iv, in, out, size, 0);
}

static APART ARMV8 void run_backwards(const uint8x16_t *keys, uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size) {
  run(keys, iv, iv + 16, in, out, size, 1);
}

static int armv8_encrypt(schat__crypto *crypto, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size) {
  uint8x16_t keys[ROUND_KEYS];
  (void)crypto;
  expand(key, keys, 0);
  run_forwards(keys, iv, in, out, size);
  schat__wipe(keys, sizeof keys);
  return SCHAT_OK;
}

static int armv8_decrypt(schat__crypto *crypto, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size) {
  uint8x16_t keys[ROUND_KEYS];
  (void)crypto;
  expand(key, keys, 1);
  run_backwards(keys, iv, in, out, size);
  schat__wipe(keys, sizeof keys);
  return SCHAT_OK;
}

const schat__ige_kernel schat__ige_armv8 = {"armv8", armv8_encrypt, armv8_decrypt, NULL, NULL};

#else
typedef int schat__nothing_here; /* a translation unit is never empty */
#endif
