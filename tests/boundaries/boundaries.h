/* SPDX-License-Identifier: BSL-1.0
 * boundaries.h - numbers of the protocol, each tried one step before, at and after the place where the answer changes. */
#ifndef SCHAT_TESTS_BOUNDARIES_H
#define SCHAT_TESTS_BOUNDARIES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/engine.h"

#define RULES 64u

typedef struct {
  const char *name;
  uint64_t cases, wrong;
} rule_count;

typedef struct {
  schat__crypto *crypto;
  int64_t shift; /* a test of this program moves every boundary by so many steps */
  rule_count rules[RULES];
  size_t rule_count;
} book;

/* One case: `value` of `what` must give `expected`. */
void judged(book *b, const char *rule, const char *what, int64_t value, int64_t expected, int64_t got);
/* A boundary, moved when the program itself is tested; `step` is how far its values lie apart. */
int64_t edge(const book *b, int64_t number, int64_t step);

void try_envelopes(book *b); /* R-ENC-04, R-DEC-04..06, X-02, D-12 */
void try_values(book *b);    /* R-DH-02..08, R-DH-11, D-14 */
void try_strings(book *b);   /* X-03, R-FILE, layers, lives */
void try_chats(book *b);     /* R-DEC-08, R-SEQ, X-13, R-LAY */
void try_keys(book *b);      /* R-PFS, D-20, D-21, D-10, D-27 */

#endif
