/* SPDX-License-Identifier: BSL-1.0
 * ciphers.h - AES-IGE: one stream against the chain it cannot beat and against OpenSSL's, and many at once. */
#ifndef TESTS_BENCH_CIPHERS_H
#define TESTS_BENCH_CIPHERS_H

#include "measure.h"

void bench_ciphers(const effort *how);
/* Time of a bare encryption of `size` bytes with its key set up, as one of a group: `arg` of ciphers_run. */
void *ciphers_bare(size_t size, int decrypt);
void ciphers_bare_end(void *bare);
void ciphers_run(void *bare, size_t times);

/* One curve of the picture: cycles per byte over size. */
#define CURVE_POINTS 15u /* 16 bytes to 256 KiB */

typedef struct {
  char name[64];
  unsigned streams; /* 0: the limit */
  double cycles_per_byte[CURVE_POINTS];
} curve;

/* Curves of all kernels here, the limit first; returns how many. */
size_t ciphers_curves(curve *curves, size_t capacity, const effort *how);
size_t curve_size(size_t point);

#endif
