/* SPDX-License-Identifier: BSL-1.0
 * ending.h - where a run has come to: at rest, nothing open, the same on both sides, and the same as if nothing had failed. */
#ifndef TESTS_FAULT_ENDING_H
#define TESTS_FAULT_ENDING_H

#include "bench.h"

/* A step: waits until nothing is open any more. */
void ending_rest(bench *b);
/* Compares the end with that of the undisturbed run; then closes, and opens once more. */
void ending_check(bench *b);

#endif
