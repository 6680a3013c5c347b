/* SPDX-License-Identifier: BSL-1.0
 * open_ni.c - decrypts a message and hashes what comes out, the hash hidden behind the cipher: while the chain of AES waits for each of
 * its rounds, the rounds of SHA-256 over the blocks before have theirs. */
#include "sha_x86.h"

#ifdef SCHAT__X86_64

#include <string.h>

#include "../common/mem.h"

#define LAST (SCHAT__ROUND_KEYS - 1)
#define PREFIX SCHAT__SHA_PREFIX

/* Keeps the two apart works as close together as they are written; a compiler would put one behind the other. */
#if defined(__GNUC__) || defined(__clang__)
#define TOGETHER(s, lane) __asm__ volatile("" : "+x"(s), "+x"((lane).abef), "+x"((lane).cdgh))
#else
#define TOGETHER(s, lane) (void)0
#endif

/* ige_aesni.c tells how the chain is folded. */
typedef struct {
  __m128i s, before, now;
} chain;

static SCHAT__INLINE SCHAT__SHANI void turn(chain *c, const __m128i *keys, __m128i next, uint8_t *out) {
  __m128i white = _mm_xor_si128(next, keys[0]);
  c->s = _mm_aesdeclast_si128(c->s, _mm_xor_si128(_mm_xor_si128(c->before, keys[LAST]), white));
  schat__store_block(out, _mm_xor_si128(c->s, white));
  c->before = c->now;
  c->now = next;
}

#define ROUND(r) c->s = _mm_aesdec_si128(c->s, keys[r])

/* One block that is not the last: `next` is the one after it. */
static SCHAT__INLINE SCHAT__SHANI void block(chain *c, const __m128i *keys, __m128i next, uint8_t *out) {
  for (unsigned r = 1; r < LAST; r++) ROUND(r);
  turn(c, keys, next, out);
}

static SCHAT__INLINE SCHAT__SHANI void last_block(chain *c, const __m128i *keys, uint8_t *out) {
  for (unsigned r = 1; r < LAST; r++) ROUND(r);
  c->s = _mm_aesdeclast_si128(c->s, _mm_xor_si128(c->before, keys[LAST]));
  schat__store_block(out, c->s);
}

#define BESIDE(r)                  \
  ROUND(r);                        \
  TOGETHER(c->s, *lane)
#define GROUP(g)                   \
  schat__sha_group(lane, g);       \
  TOGETHER(c->s, *lane)

/* The same beside four groups of the hash. */
static SCHAT__INLINE SCHAT__SHANI void block_beside(chain *c, const __m128i *keys, __m128i next, uint8_t *out, schat__sha_lane *lane, size_t g) {
  BESIDE(1);
  BESIDE(2);
  BESIDE(3);
  GROUP(g);
  BESIDE(4);
  BESIDE(5);
  BESIDE(6);
  GROUP(g + 1);
  BESIDE(7);
  BESIDE(8);
  BESIDE(9);
  GROUP(g + 2);
  BESIDE(10);
  BESIDE(11);
  BESIDE(12);
  GROUP(g + 3);
  ROUND(13);
  turn(c, keys, next, out);
}

/* Decrypts everything, and hashes prefix ‖ plaintext as far as it is known four blocks before the end. Returns how much of the plaintext
 * was hashed. */
static SCHAT__APART SCHAT__SHANI size_t run(const __m128i *keys, uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size,
                                            const uint8_t *prefix, schat__sha_state *state) {
  const size_t end = size - 16;
  schat__sha_lane lane;
  chain c = {schat__load_block(iv + 16), schat__load_block(iv), schat__load_block(in)};
  size_t at = 0, hashed = 0;
  c.s = _mm_xor_si128(_mm_xor_si128(c.now, keys[0]), c.s);
  for (; at != end && at < SCHAT__SHA_BLOCK - PREFIX; at += 16) block(&c, keys, schat__load_block(in + at + 16), out + at);
  for (; end - at >= SCHAT__SHA_BLOCK; at += SCHAT__SHA_BLOCK) {
    if (hashed == 0) {
      schat__sha_load(&lane, state, prefix, out);
    } else {
      schat__sha_load(&lane, state, out + hashed, out + hashed + 32);
    }
    block_beside(&c, keys, schat__load_block(in + at + 16), out + at, &lane, 0);
    block_beside(&c, keys, schat__load_block(in + at + 32), out + at + 16, &lane, 4);
    block_beside(&c, keys, schat__load_block(in + at + 48), out + at + 32, &lane, 8);
    block_beside(&c, keys, schat__load_block(in + at + 64), out + at + 48, &lane, 12);
    schat__sha_add(state, &lane);
    hashed = at;
  }
  for (; at != end; at += 16) block(&c, keys, schat__load_block(in + at + 16), out + at);
  last_block(&c, keys, out + end);
  schat__store_block(iv, c.now);
  schat__store_block(iv + 16, c.s);
  return hashed;
}

SCHAT__APART SCHAT__SHANI void schat__open_ni(const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size,
                                              const uint8_t prefix[PREFIX], uint8_t msg_key[16]) {
  struct {
    __m128i keys[SCHAT__ROUND_KEYS];
    schat__sha_state state;
  } s;
  schat__aesni_expand_inverse(key, s.keys, 1);
  schat__sha_begin(&s.state);
  size_t hashed = run(s.keys, iv, in, out, size, prefix, &s.state);
  if (hashed > 0) {
    schat__sha_end(&s.state, out + hashed, size - hashed, size + PREFIX, msg_key);
  } else {
    schat__sha_ni.msg_key(msg_key, prefix, out, size);
  }
  schat__wipe(&s, sizeof s);
}

#else
typedef int schat__nothing_here; /* a translation unit is never empty */
#endif
