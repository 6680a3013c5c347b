/* SPDX-License-Identifier: BSL-1.0
 * measure.h - times of candidates that take turns in one process, so that what the machine does meanwhile meets all of them alike. */
#ifndef TESTS_BENCH_MEASURE_H
#define TESTS_BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#define CANDIDATES_MOST 16u

/* Does its work `times` times; each time needs the result of the one before where that can be. */
typedef void candidate_fn(void *arg, size_t times);

/* The same for work of which only some counts: returns the nanoseconds that it took. */
typedef double timed_fn(void *arg, size_t times);

typedef struct {
  candidate_fn *run; /* NULL: `timed` */
  void *arg;
  double parts;    /* what one time consists of, for example 16 messages; times are told per part. 0: 1 */
  size_t times;    /* of one sample; found by `measure` */
  double *samples; /* nanoseconds per part, one for each round */
  double median;
  timed_fn *timed;
} candidate;

typedef struct {
  double median, low, high; /* low and high: the quarters */
} spread;

/* Ends the program with a word of what is wrong. */
void must(int good, const char *what);

double nanoseconds(void);

/* How long a sample lasts, and of how many rounds the median is taken. */
typedef struct {
  unsigned rounds;
  double sample_ns;
} effort;

/* Lets all candidates take turns; samples are the caller's to free with measure_end. */
void measure(candidate *candidates, size_t count, const effort *how);
void measure_end(candidate *candidates, size_t count);
/* time of `a` / time of `b`, round by round; without `b` the time of `a`. */
spread measure_ratio(const candidate *a, const candidate *b, const effort *how);
/* Median and quarters; sorts the values. */
spread spread_of(double *values, size_t count);

#endif
