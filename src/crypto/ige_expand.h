/* SPDX-License-Identifier: BSL-1.0
 * ige_expand.h - the key schedule of AES-256 over several lanes, included once for each width.
 *
 * Whoever includes this defines EXPAND, its name; VECTOR and WIDE as ige_wide.h tells; and the functions last_wide(s, key, inverse),
 * xor_wide, words_wide(word), turn_wide(v, order), which orders the bytes of each lane, mix_wide, the inverse MixColumns, and the macro
 * SLIDE_WIDE(v, bytes), which moves each lane up. EXPAND is undefined in the end. */

#ifndef EXPAND_EVEN
/* SubWord is the last round on a block of four equal words, which ShiftRows leaves alone; its key operand adds the rest, so an ordering
 * and one round is all that a round key waits for. */
#define EXPAND_EVEN(r, rcon) \
  PUT_MIDDLE(r, odd);        \
  even = last_wide(turn_wide(odd, turned), xor_wide(WORD_SUMS(even), words_wide(rcon)), 0)
#define EXPAND_ODD(r)   \
  PUT_MIDDLE(r, even);  \
  odd = last_wide(turn_wide(even, straight), WORD_SUMS(odd), 0)
/* Every word and all the words before it, added up. */
#define WORD_SUMS(v) xor_wide(PAIR_SUMS(v), SLIDE_WIDE(PAIR_SUMS(v), 8))
#define PAIR_SUMS(v) xor_wide(v, SLIDE_WIDE(v, 4))
#define PUT_MIDDLE(r, key) at[(r)*pace] = inverse ? mix_wide(key) : (key)
#endif

/* even, odd: the two halves of each lane's key; the r-th round keys go to keys[r * stride]. The equivalent inverse cipher uses the keys
 * backwards, and mixed but for the first and the last. */
static SCHAT__INLINE WIDE void EXPAND(VECTOR even, VECTOR odd, VECTOR *keys, size_t stride, int inverse) {
  const VECTOR turned = words_wide(0x0c0f0e0d), straight = words_wide(0x0f0e0d0c); /* four times the last word */
  VECTOR *at = inverse ? keys + (SCHAT__ROUND_KEYS - 1) * stride : keys;
  const ptrdiff_t pace = inverse ? -(ptrdiff_t)stride : (ptrdiff_t)stride;
  at[0] = even;
  EXPAND_EVEN(1, 0x01);
  EXPAND_ODD(2);
  EXPAND_EVEN(3, 0x02);
  EXPAND_ODD(4);
  EXPAND_EVEN(5, 0x04);
  EXPAND_ODD(6);
  EXPAND_EVEN(7, 0x08);
  EXPAND_ODD(8);
  EXPAND_EVEN(9, 0x10);
  EXPAND_ODD(10);
  EXPAND_EVEN(11, 0x20);
  EXPAND_ODD(12);
  EXPAND_EVEN(13, 0x40);
  at[(ptrdiff_t)(SCHAT__ROUND_KEYS - 1) * pace] = even;
}

#undef EXPAND
