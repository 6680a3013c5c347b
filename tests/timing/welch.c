/* SPDX-License-Identifier: BSL-1.0
 * welch.c - running means and variances of two classes, and their t. */
#include "welch.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#define ENOUGH 500.0

/* Newton's way from above: each step halves the distance or better, until nothing changes. */
static double square_root(double x) {
  double root = x > 1 ? x : 1, next = (root + x / root) / 2;
  while (next < root) {
    root = next;
    next = (root + x / root) / 2;
  }
  return root;
}

static int compare(const void *a, const void *b) {
  const uint64_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

void welch_open(welch *w, uint64_t *sample, size_t count) {
  memset(w, 0, sizeof *w);
  qsort(sample, count, sizeof *sample, compare);
  w->limit[0] = UINT64_MAX;
  double above = 1; /* part of the times beyond a limit: from three quarters down to one in a thousand */
  for (unsigned i = 1; i < WELCH_CROPS; i++) {
    above *= 0.75;
    size_t at = count - (size_t)(above * (double)count);
    w->limit[i] = count > 0 ? sample[at < count ? at : count - 1] : UINT64_MAX;
  }
}

static void add(welch_class *c, double value) {
  double off = value - c->mean;
  c->count += 1;
  c->mean += off / c->count;
  c->squares += off * (value - c->mean);
}

void welch_add(welch *w, int which, uint64_t time) {
  for (unsigned i = 0; i < WELCH_CROPS; i++) {
    if (time <= w->limit[i]) add(&w->of[i][which], (double)time);
  }
}

static double t_of(const welch_class c[2]) {
  if (c[0].count < ENOUGH || c[1].count < ENOUGH) return 0;
  double error = c[0].squares / (c[0].count - 1) / c[0].count + c[1].squares / (c[1].count - 1) / c[1].count;
  double apart = c[0].mean - c[1].mean;
  if (apart < 0) apart = -apart;
  if (error > 0) return apart / square_root(error);
  return apart > 0 ? DBL_MAX : 0;
}

double welch_t(const welch *w) {
  double most = 0;
  for (unsigned i = 0; i < WELCH_CROPS; i++) {
    double t = t_of(w->of[i]);
    if (t > most) most = t;
  }
  return most;
}
