/* SPDX-License-Identifier: BSL-1.0
 * limit.c - the bare dependent chain of AES instructions, and the processor's clock. */
#include "limit.h"

#include "crypto/ige_x86.h"
#include "measure.h"

#define ADDITIONS 200000u

#ifdef SCHAT__X86

int limit_known(void) {
  return (schat__cpu() & SCHAT__CPU_AES) != 0;
}

static __m128i chain; /* of one call into the next */

SCHAT__AESNI void limit_chain(size_t size) {
  __m128i s = chain;
  const __m128i k = _mm_set1_epi32(0x5a5a5a5a);
  for (size_t at = 0; at < size; at += 16) {
    s = _mm_aesenc_si128(s, k);
    s = _mm_aesenc_si128(s, k);
    s = _mm_aesenc_si128(s, k);
    s = _mm_aesenc_si128(s, k);
    s = _mm_aesenc_si128(s, k);
    s = _mm_aesenc_si128(s, k);
    s = _mm_aesenc_si128(s, k);
    s = _mm_aesenc_si128(s, k);
    s = _mm_aesenc_si128(s, k);
    s = _mm_aesenc_si128(s, k);
    s = _mm_aesenc_si128(s, k);
    s = _mm_aesenc_si128(s, k);
    s = _mm_aesenc_si128(s, k);
    s = _mm_aesenclast_si128(s, k);
  }
  chain = s;
}

#else

int limit_known(void) {
  return 0;
}

void limit_chain(size_t size) {
  (void)size;
}

#endif

/* Each addition waits for the one before and takes one cycle; a compiler may not add them up. */
static size_t add_up(size_t x, size_t times) {
  for (size_t i = 0; i < times; i += 8) {
#if defined(__GNUC__) || defined(__clang__)
#define STEP                      \
  __asm__ volatile("" : "+r"(x)); \
  x += i
#else
#define STEP x = (x + i) ^ 1u
#endif
    STEP;
    STEP;
    STEP;
    STEP;
    STEP;
    STEP;
    STEP;
    STEP;
#undef STEP
  }
  return x;
}

double limit_clock(void) {
  static volatile size_t kept;
  double best = 0;
  for (int i = 0; i < 50; i++) {
    const double begin = nanoseconds();
    kept = add_up(kept, ADDITIONS);
    const double rate = ADDITIONS / (nanoseconds() - begin);
    if (rate > best) best = rate;
  }
  return best;
}
