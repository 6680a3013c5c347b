/* SPDX-License-Identifier: BSL-1.0
 * scenarios.h - what the observed process does before it is looked at. */
#ifndef TESTS_REMANENCE_SCENARIOS_H
#define TESTS_REMANENCE_SCENARIOS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  const char *name;
  void (*run)(uint64_t seed, const char *directory);
} scenario;

/* Each ends with a NULL name. */
extern const scenario scenarios[];
extern const scenario leaky_scenarios[]; /* wrong on purpose: each must be found */

const scenario *scenario_find(const char *name);

#endif
