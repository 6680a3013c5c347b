/* SPDX-License-Identifier: BSL-1.0
 * test_queue_mutants.c - how long a request about the server's queue waits after the server has refused it: small changes to the account's
 * own requests that no other test would notice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "desk.h"
#include "manager/manager.h"

static desk *d;

/* A chat that is open, and the place in the queue behind its first message. */
static int set_up(void **state) {
  (void)state;
  d = desk_new(811);
  desk_begin(d, 1, SCHAT_STATE_READY);
  world_forget(d->w);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  desk_free(d);
  return 0;
}

static void feed(int32_t raw, int32_t qts) {
  size_t size;
  uint8_t *bytes = desk_text(d, raw, "text", &size);
  assert_true(desk_message(d, bytes, size, qts) >= 0);
  free(bytes);
}

/* The next moment at which something is due, from now. */
static int64_t due_in(void) {
  int64_t deadline = 0;
  assert_int_equal(schat_next_deadline(desk_manager(d), &deadline), SCHAT_OK);
  return deadline - d->w->now;
}

static void expect_the_pause(int32_t request, const char *error, int64_t pause) {
  const size_t before = world_requests(d->w, 0, request);
  assert_true(desk_fail(d, request, 420, error) >= 0);
  assert_true(due_in() <= pause);
  world_pass(d->w, pause - 1);
  assert_int_equal(world_requests(d->w, 0, request), before);
  world_pass(d->w, 1);
  assert_int_equal(world_requests(d->w, 0, request), before + 1);
}

/* Never sooner than five seconds, and not before the time that the server names. */
static void a_refused_difference_is_asked_for_after_its_pause(void **state) {
  (void)state;
  feed(0, 10);
  feed(1, 13); /* a hole */
  assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_GET_DIFFERENCE), 1);
  expect_the_pause(SCHAT_REQUEST_GET_DIFFERENCE, "FLOOD_WAIT_1", 5000);
  expect_the_pause(SCHAT_REQUEST_GET_DIFFERENCE, "FLOOD_WAIT_5", 5000);
  expect_the_pause(SCHAT_REQUEST_GET_DIFFERENCE, "FLOOD_WAIT_6", 6000);
  expect_the_pause(SCHAT_REQUEST_GET_DIFFERENCE, "FLOOD_WAIT_60", 60000);
}

static void a_refused_confirmation_of_the_queue_is_repeated_after_its_pause(void **state) {
  (void)state;
  feed(0, 10);
  assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_RECEIVED_QUEUE), 1);
  expect_the_pause(SCHAT_REQUEST_RECEIVED_QUEUE, "FLOOD_WAIT_1", 5000);
  expect_the_pause(SCHAT_REQUEST_RECEIVED_QUEUE, "FLOOD_WAIT_5", 5000);
  expect_the_pause(SCHAT_REQUEST_RECEIVED_QUEUE, "FLOOD_WAIT_6", 6000);
  expect_the_pause(SCHAT_REQUEST_RECEIVED_QUEUE, "FLOOD_WAIT_60", 60000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_refused_difference_is_asked_for_after_its_pause, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_refused_confirmation_of_the_queue_is_repeated_after_its_pause, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("queue-mutants", tests, NULL, NULL);
}
