/* SPDX-License-Identifier: BSL-1.0
 * measure.c - times of candidates that take turns. */
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 199309L /* clock_gettime */
#endif

#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CALIBRATIONS 5

void must(int good, const char *what) {
  if (good) return;
  fprintf(stderr, "bench: failed: %s\n", what);
  exit(2);
}

double nanoseconds(void) {
  struct timespec t;
  must(clock_gettime(CLOCK_MONOTONIC, &t) == 0, "clock_gettime");
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double time_of(const candidate *c, size_t times) {
  if (c->run == NULL) return c->timed(c->arg, times);
  const double begin = nanoseconds();
  c->run(c->arg, times);
  return nanoseconds() - begin;
}

/* As many times as fill a sample, by the fastest of some tries: those before the last are warming up. */
static void calibrate(candidate *c, double sample_ns) {
  size_t times = 1;
  double took = 0;
  for (;;) {
    took = time_of(c, times);
    for (int i = 1; i < CALIBRATIONS; i++) {
      const double again = time_of(c, times);
      if (again < took) took = again;
    }
    if (took * 4 >= sample_ns || took >= 1e6) break;
    times *= 2;
  }
  const double wanted = (double)times * sample_ns / (took > 1 ? took : 1);
  c->times = wanted < 1 ? 1 : (size_t)wanted;
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

spread spread_of(double *values, size_t count) {
  qsort(values, count, sizeof *values, by_value);
  const spread s = {values[count / 2], values[count / 4], values[count - 1 - count / 4]};
  return s;
}

static double *copy_of(const double *values, size_t count) {
  double *copy = malloc(count * sizeof *copy);
  must(copy != NULL, "memory");
  for (size_t i = 0; i < count; i++) copy[i] = values[i];
  return copy;
}

void measure(candidate *candidates, size_t count, const effort *how) {
  must(count > 0 && count <= CANDIDATES_MOST && how->rounds > 0, "a group of candidates");
  for (size_t i = 0; i < count; i++) {
    candidates[i].samples = malloc(how->rounds * sizeof(double));
    must(candidates[i].samples != NULL, "memory");
    if (candidates[i].parts == 0) candidates[i].parts = 1;
    calibrate(&candidates[i], how->sample_ns);
  }
  for (unsigned round = 0; round < how->rounds; round++) {
    for (size_t j = 0; j < count; j++) {
      candidate *c = &candidates[(j + round) % count]; /* nobody always comes after the same one */
      c->samples[round] = time_of(c, c->times) / (double)c->times / c->parts;
    }
  }
  for (size_t i = 0; i < count; i++) {
    double *sorted = copy_of(candidates[i].samples, how->rounds);
    candidates[i].median = spread_of(sorted, how->rounds).median;
    free(sorted);
  }
}

void measure_end(candidate *candidates, size_t count) {
  for (size_t i = 0; i < count; i++) free(candidates[i].samples);
}

spread measure_ratio(const candidate *a, const candidate *b, const effort *how) {
  double *ratios = malloc(how->rounds * sizeof *ratios);
  must(ratios != NULL, "memory");
  for (unsigned i = 0; i < how->rounds; i++) ratios[i] = a->samples[i] / (b != NULL ? b->samples[i] : 1);
  const spread s = spread_of(ratios, how->rounds);
  free(ratios);
  return s;
}
