/* SPDX-License-Identifier: BSL-1.0
 * selftest.c - see selftest.h. */
#include "selftest.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sqlite_run.h"
#include "steps.h"

static const struct {
  const char *what, *scenario, *says;
} plants[PLANTS] = {
    {"nothing", "sending_and_receiving", NULL},
    {"memory that is not rolled back", "sending_and_receiving", "has changed"},
    {"a commit that fails and is stored", "sending_and_receiving", "has changed the store"},
    {"a leak", "sending_and_receiving", "not given back"},
    {"a block given back unwiped", "sending_and_receiving", "unwiped"},
    {"an event lost in a restart", "sending_and_receiving", "came to another end"},
    {"a repeated event without its mark", "sending_and_receiving", "without the mark"},
    {"other bytes under the same number", "sending_and_receiving", "with other bytes"},
    {"a refusal asked again without end", "sending_and_receiving", "without end"},
    {"a request lost in a restart", "sending_and_receiving", "stuck"},
};

int selftest_finds(plant p) {
  const explore_plan plan = {7, 1, 0, 0, 0, 0, 0, 0};
  const explore_result *r;
  planted = p;
  r = explore(bench_run, (void *)(uintptr_t)scenario_named(plants[p].scenario), &plan, NULL);
  planted = PLANT_NONE;
  if (plants[p].says == NULL) return r->failed == 0;
  printf("%s: %lu runs say so, the first: %s\n", plants[p].what, r->failed, r->first);
  fflush(stdout);
  return r->failed > 0 && strstr(r->first, plants[p].says) != NULL;
}

int selftest(void) {
  int p, found = 0;
  if (!sqlite_set_up()) return 2;
  for (p = PLANT_NONE + 1; p < PLANTS; p++) found += selftest_finds((plant)p);
  for (p = SQLITE_PLANT_NONE + 1; p < SQLITE_PLANTS; p++) {
    const char *says = sqlite_finds(p);
    printf("sqlite: %s\n", says == NULL ? "not found" : says);
    found += says != NULL;
  }
  sqlite_tear_down();
  printf("figure fault-self-test: %d planted defects, %d found\n", PLANTS + SQLITE_PLANTS - 2, found);
  return found != PLANTS + SQLITE_PLANTS - 2;
}
