/* SPDX-License-Identifier: BSL-1.0
 * test_fault_sqlite.c - the SQLite store on a disk that fails, comes to half of its work, or loses what was not synced.
 *
 * A quick walk, every ninth failure and every seventh crash; fault_loops --sqlite walks all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "explore.h"
#include "sqlite_run.h"

static void the_store_survives_every_failure_of_the_disk(void **state) {
  static const explore_plan plan = {9, 7, 70, 9, 40, 0, 0, 0};
  const explore_result *r = explore(sqlite_run, NULL, &plan, NULL);
  (void)state;
  if (r->failed > 0) fail_msg("%lu runs failed, the first: %s", r->failed, r->first);
  assert_true(r->runs[MODE_ONCE] > 9 && r->runs[MODE_SHORT] > 3 && r->runs[MODE_CRASH_BEFORE] > 5 && r->runs[MODE_CRASH_HALF] > 1);
}

/* The loop itself: it finds what it is to find. */
static void planted_defects_are_found(void **state) {
  int plant;
  (void)state;
  for (plant = SQLITE_PLANT_NONE; plant < SQLITE_PLANTS; plant++) assert_non_null(sqlite_finds(plant));
}

static int set_up(void **state) {
  (void)state;
  return sqlite_set_up() ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  sqlite_tear_down();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_store_survives_every_failure_of_the_disk),
      cmocka_unit_test(planted_defects_are_found),
  };
  return cmocka_run_group_tests_name("fault_sqlite", tests, set_up, tear_down);
}
