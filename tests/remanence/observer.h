/* SPDX-License-Identifier: BSL-1.0
 * observer.h - runs one scenario in a process of its own and looks for everything that should be gone. */
#ifndef TESTS_REMANENCE_OBSERVER_H
#define TESTS_REMANENCE_OBSERVER_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  size_t runs, looks, windows, commits, texts; /* texts: delivered, and known */
  size_t memory_found, store_found;
  size_t broken; /* runs that did not end as they should */
} findings;

/* `directory`: for databases; NULL: stores in memory. Findings are printed, `quiet` or not. */
void observe(const char *program, const char *scenario_name, uint64_t seed, const char *directory, int quiet, findings *all);

#endif
