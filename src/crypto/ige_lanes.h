/* SPDX-License-Identifier: BSL-1.0
 * ige_lanes.h - many independent streams on a processor that advances several of them at the price of one. */
#ifndef SCHAT_CRYPTO_IGE_LANES_H
#define SCHAT_CRYPTO_IGE_LANES_H

#include "ige_x86.h"

#ifdef SCHAT__X86_64

#define SCHAT__LANES_MOST 16u

/* Lanes 0 to busy - 1 have jobs. All that a step covers advance together, so each of those must be a whole stream: one without a job
 * mirrors lane 0. It reads the same, and writes the same to the same place, for nothing. */
typedef struct {
  const schat__ige_job *job[SCHAT__LANES_MOST];
  size_t left[SCHAT__LANES_MOST]; /* blocks */
  const uint8_t *in[SCHAT__LANES_MOST];
  uint8_t *out[SCHAT__LANES_MOST];
  unsigned busy;
  unsigned width; /* lanes that are ever used here */
  int inverse;
  _Alignas(64) __m128i out_last[SCHAT__LANES_MOST];    /* the last output block of each lane */
  __m128i in_last[SCHAT__LANES_MOST];                  /* the last input block */
  __m128i in_now[SCHAT__LANES_MOST];                   /* a step's own */
  __m128i keys[SCHAT__ROUND_KEYS * SCHAT__LANES_MOST]; /* of round r and lane j: keys[r * width + j] */
} schat__ige_lanes;

/* Advances the first lanes by as many blocks, at least 1; `in` and `out` stay where they are. */
typedef void schat__ige_step(schat__ige_lanes *lanes, size_t blocks);

/* Steps for so many lanes: 4, 8 or 16. */
typedef struct {
  unsigned lanes;
  schat__ige_step *forwards, *backwards;
} schat__ige_width;

/* Expands the keys of adjacent lanes, as schat__aesni_expand and schat__aesni_expand_inverse do for one. `keys`: of the first of them. */
typedef void schat__ige_expand(const schat__ige_job *const *jobs, __m128i *keys, size_t stride, int inverse);

typedef struct {
  const schat__ige_width *widths; /* narrow ones first */
  size_t width_count;
  schat__ige_expand *expand_wide; /* for `expand_lanes` lanes, of which the first is a multiple of that; NULL: one by one */
  unsigned expand_lanes;
} schat__ige_deck;

/* Does all jobs, as many at a time as the widest step takes; a lane whose job is done takes the next one, whatever the sizes, and when
 * there are no more, narrower steps do. The last one left goes alone. */
void schat__ige_run_lanes(const schat__ige_deck *deck, int inverse, const schat__ige_job *jobs, size_t count);

/* ige_aesni8.c: 4 lanes. ige_vaes16.c: 8. */
schat__ige_step schat__aesni4_forwards, schat__aesni4_backwards;
#ifdef SCHAT__X86_VAES
schat__ige_step schat__vaes8_forwards, schat__vaes8_backwards;
#endif

#endif
#endif
