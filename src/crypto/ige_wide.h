/* SPDX-License-Identifier: BSL-1.0
 * ige_wide.h - the body of a step over several lanes, included once for each width. Folded as ige_aesni.c tells.
 *
 * Whoever includes this defines STEP, its name; EACH(DO), which does DO(j) for every vector j; VECTOR, of PER_VECTOR lanes; WIDE, the
 * target; and the functions load_wide(pointers, offset), store_wide(pointers, offset, vector), xor_wide, round_wide(s, key, inverse) and
 * last_wide(s, key, inverse). STEP and EACH are undefined in the end. */

#ifndef WIDE_BEGIN
/* Input blocks are kept because `out` may be `in`. Of two rows that of block i holds i-1 at first and i+1 in the end. */
#define WIDE_BEGIN(j)                                 \
  VECTOR s##j = load_wide(l->in + (j)*PER_VECTOR, 0); \
  now[j] = s##j;                                      \
  s##j = xor_wide(xor_wide(s##j, first[j]), out_last[j]);
#define WIDE_ROUND(j) s##j = round_wide(s##j, key[j], inverse);
#define WIDE_TURN(j)                                                           \
  next = load_wide(l->in + (j)*PER_VECTOR, at + 16);                           \
  white = xor_wide(next, first[j]);                                            \
  s##j = last_wide(s##j, xor_wide(xor_wide(row[j], last[j]), white), inverse); \
  row[j] = next;                                                               \
  store_wide(l->out + (j)*PER_VECTOR, at, xor_wide(s##j, white));
#define WIDE_END(j)                                           \
  s##j = last_wide(s##j, xor_wide(row[j], last[j]), inverse); \
  store_wide(l->out + (j)*PER_VECTOR, at, s##j);              \
  out_last[j] = s##j;                                         \
  before[j] = other[j];
#endif

static SCHAT__INLINE WIDE void STEP(schat__ige_lanes *l, size_t blocks, int inverse) {
  const size_t stride = l->width / PER_VECTOR, end = (blocks - 1) * 16;
  const VECTOR *first = (const VECTOR *)(const void *)l->keys, *last = first + (SCHAT__ROUND_KEYS - 1) * stride;
  VECTOR *before = (VECTOR *)(void *)l->in_last, *now = (VECTOR *)(void *)l->in_now, *out_last = (VECTOR *)(void *)l->out_last;
  VECTOR *row = before, *other = now, next, white;
  size_t at = 0;
  EACH(WIDE_BEGIN)
  for (;; at += 16) {
    for (const VECTOR *key = first + stride; key != last; key += stride) {
      EACH(WIDE_ROUND)
    }
    if (at == end) break;
    EACH(WIDE_TURN)
    VECTOR *swap = row;
    row = other;
    other = swap;
  }
  EACH(WIDE_END)
}

#undef STEP
#undef EACH
