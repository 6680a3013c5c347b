/* SPDX-License-Identifier: BSL-1.0
 * test_fault.c - whatever fails at whatever moment, memory, randomness, the store, the host or the process itself: the call says so and
 * nothing has changed, nothing leaks, nothing is lost or doubled, and going on comes to the same end.
 *
 * A quick walk through each scenario, every seventh failure and every sixth crash; fault_loops walks all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "steps.h"

/* D-35, rule 2, for each scenario. */
static void survive(const char *name) {
  const explore_plan plan = {7, 6, 90, 20, 17, 0, 0, 0}, room = {11, 0, 0, 0, 0, 0, SITE_ROOM, 0};
  const scenario *s = scenario_named(name);
  const explore_result *r;
  assert_non_null(s);
  r = explore(bench_run, (void *)(uintptr_t)s, &plan, NULL);
  if (r->failed > 0) fail_msg("%s: %lu runs failed, the first: %s", name, r->failed, r->first);
  assert_true(r->runs[MODE_ONCE] > 1 && r->runs[MODE_FOR_EVER] > 1 && r->runs[MODE_CRASH_BEFORE] > 0 && r->runs[MODE_CRASH_AFTER] > 0);
  r = explore(bench_run, (void *)(uintptr_t)s, &room, NULL);
  if (r->failed > 0) fail_msg("%s, memory at hand: %lu runs failed, the first: %s", name, r->failed, r->first);
  assert_true(r->runs[MODE_ONCE] > 1 && r->runs[MODE_FOR_EVER] > 1);
}

static void creating_a_chat_survives_every_failure(void **state) {
  (void)state;
  survive("creating_a_chat");
}

static void accepting_a_chat_survives_every_failure(void **state) {
  (void)state;
  survive("accepting_a_chat");
  survive("declining_a_chat");
}

static void sending_and_receiving_survives_every_failure(void **state) {
  (void)state;
  survive("sending_and_receiving");
  survive("files");
}

static void events_in_the_commit_survive_every_failure(void **state) {
  (void)state;
  survive("events_in_the_commit");
}

static void asking_for_a_new_key_survives_every_failure(void **state) {
  (void)state;
  survive("asking_for_a_new_key");
}

static void being_asked_for_a_new_key_survives_every_failure(void **state) {
  (void)state;
  survive("being_asked_for_a_new_key");
}

static void asking_for_a_new_key_at_once_survives_every_failure(void **state) {
  (void)state;
  survive("both_asking_at_once");
}

static void gaps_and_resends_survive_every_failure(void **state) {
  (void)state;
  survive("gaps_and_resends");
  survive("asked_to_resend");
}

static void lives_and_ends_survive_every_failure(void **state) {
  (void)state;
  survive("lives");
  survive("deletion");
  survive("closing");
  survive("closed_by_the_peer");
  survive("close_during_flush");
  survive("logging_out_and_wiping");
}

static void opening_and_catching_up_survives_every_failure(void **state) {
  (void)state;
  survive("opening_and_catching_up");
}

static void batches_survive_every_failure(void **state) {
  (void)state;
  survive("batches");
}

static void commits_on_their_way_survive_every_failure(void **state) {
  (void)state;
  survive("asynchronous_commits");
  survive("asynchronous_new_key");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(creating_a_chat_survives_every_failure),
      cmocka_unit_test(accepting_a_chat_survives_every_failure),
      cmocka_unit_test(sending_and_receiving_survives_every_failure),
      cmocka_unit_test(events_in_the_commit_survive_every_failure),
      cmocka_unit_test(asking_for_a_new_key_survives_every_failure),
      cmocka_unit_test(being_asked_for_a_new_key_survives_every_failure),
      cmocka_unit_test(asking_for_a_new_key_at_once_survives_every_failure),
      cmocka_unit_test(gaps_and_resends_survive_every_failure),
      cmocka_unit_test(lives_and_ends_survive_every_failure),
      cmocka_unit_test(opening_and_catching_up_survives_every_failure),
      cmocka_unit_test(batches_survive_every_failure),
      cmocka_unit_test(commits_on_their_way_survive_every_failure),
  };
  return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
