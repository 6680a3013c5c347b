/* SPDX-License-Identifier: BSL-1.0
 * test_status.c - statuses have texts, and the version is the header's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "secretchat/secretchat.h"

#define COUNT_ONE(name, number, text) +1
#define NUMBER_OF(name, number, text) number,

static const int numbers[] = {SCHAT_STATUS_MAP(NUMBER_OF)};
#define COUNT (0 SCHAT_STATUS_MAP(COUNT_ONE))

/* every failure is a number that can be told from the others. */
static void every_status_has_its_own_number_name_and_text(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT; i++) {
    assert_string_not_equal(schat_status_text(numbers[i]), "unknown status");
    assert_memory_equal(schat_status_name(numbers[i]), "SCHAT_", 6);
    for (size_t j = 0; j < i; j++) {
      assert_int_not_equal(numbers[i], numbers[j]);
      assert_string_not_equal(schat_status_text(numbers[i]), schat_status_text(numbers[j]));
      assert_string_not_equal(schat_status_name(numbers[i]), schat_status_name(numbers[j]));
    }
  }
  assert_string_equal(schat_status_name(SCHAT_E_STORE), "SCHAT_E_STORE");
  assert_string_equal(schat_status_text(SCHAT_OK), "success");
}

static void a_number_that_is_no_status_has_a_text_too(void **state) {
  (void)state;
  const int strangers[] = {10, 1000, -24, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
    assert_string_equal(schat_status_text(strangers[i]), "unknown status");
    assert_string_equal(schat_status_name(strangers[i]), "SCHAT_UNKNOWN");
  }
}

static void the_version_is_that_of_the_header(void **state) {
  (void)state;
  assert_string_equal(schat_version(), SCHAT_VERSION_STRING);
  assert_int_equal(schat_version_number(), SCHAT_VERSION_NUMBER);
  assert_int_equal(schat_version_number(), SCHAT_VERSION_MAJOR << 16 | SCHAT_VERSION_MINOR << 8 | SCHAT_VERSION_PATCH);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_status_has_its_own_number_name_and_text),
      cmocka_unit_test(a_number_that_is_no_status_has_a_text_too),
      cmocka_unit_test(the_version_is_that_of_the_header),
  };
  return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
