/* SPDX-License-Identifier: BSL-1.0
 * test_fault_selftest.c - the loop of failures finds what it is there to find: defects committed by the harness in the library's name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "selftest.h"

static void planted_defects_are_found(void **state) {
  int p;
  (void)state;
  for (p = PLANT_NONE; p < PLANTS; p++) assert_true(selftest_finds((plant)p));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(planted_defects_are_found),
  };
  return cmocka_run_group_tests_name("fault_selftest", tests, NULL, NULL);
}
