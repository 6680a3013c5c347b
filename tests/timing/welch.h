/* SPDX-License-Identifier: BSL-1.0
 * welch.h - whether two sets of times have the same mean: Welch's t, of all times and of those below each of many limits, as the long tail
 * of interrupts hides what the short times show. */
#ifndef TESTS_TIMING_WELCH_H
#define TESTS_TIMING_WELCH_H

#include <stddef.h>
#include <stdint.h>

#define WELCH_CROPS 24u

typedef struct {
  double count, mean, squares;
} welch_class;

typedef struct {
  uint64_t limit[WELCH_CROPS]; /* UINT64_MAX: none */
  welch_class of[WELCH_CROPS][2];
} welch;

/* Takes the limits from a sample of both classes together, which it sorts: most lie where most times do. */
void welch_open(welch *w, uint64_t *sample, size_t count);
void welch_add(welch *w, int which, uint64_t time);
/* The largest |t| of all crops that hold enough times. */
double welch_t(const welch *w);

#endif
