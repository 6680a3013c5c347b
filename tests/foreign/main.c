/* SPDX-License-Identifier: BSL-1.0
 * main.c - plays schedules between the library and each foreign client: foreign_clients [SCHEDULES [FIRST_SEED]].
 *
 * A schedule that fails ends the run with its message; its client and seed are the last ones named on stderr. PAIR_DUMP in the environment
 * shows what had happened by then. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "foreign_schedule.h"

typedef struct {
  uint64_t schedules, texts, keys, looked_at, ended;
} totals;

/* What goes wrong grows with the seed's last digits; Android ends a chat when messages are lost for good faster than they are repaired. */
static schedule_plan plan_of(foreign_profile profile, uint64_t seed) {
  schedule_plan plan;
  double loss = (double)(seed % 5) * 0.05;
  memset(&plan, 0, sizeof plan);
  plan.steps = 150;
  plan.pause = seed % 3 == 0 ? 500 : 3000;
  plan.restarts = seed % 2 == 0;
  plan.deletes = seed % 4 < 2;
  plan.rekeys = seed % 8 != 7;
  plan.faults.drop_update = loss;
  plan.faults.drop_for_good = profile == FOREIGN_ANDROID ? loss / 10 : loss;
  if (seed % 6 < 2) return plan;
  plan.faults.duplicate = plan.faults.reorder = 0.1;
  plan.faults.delay_ms_max = 300;
  plan.faults.difference_messages = 3;
  if (seed % 6 < 4) return plan;
  plan.faults.lost_request = plan.faults.lost_answer = 0.03;
  plan.faults.error_420 = plan.faults.error_500 = plan.faults.error_after_effect = 0.02;
  plan.faults.duplicate_error = 0.5;
  return plan;
}

static void play(foreign_profile profile, uint64_t seed, totals *t) {
  schedule_plan plan = plan_of(profile, seed);
  schedule_outcome outcome;
  (void)fprintf(stderr, "\r%s, seed %" PRIu64 "   ", foreign_name(profile), seed);
  schedule_play(profile, seed, &plan, &outcome);
  t->schedules++;
  t->texts += (uint64_t)outcome.texts;
  t->keys += (uint64_t)outcome.keys;
  t->looked_at += outcome.looked_at;
  t->ended += outcome.ended != 0;
}

static uint64_t count = 50, first = 1;

static void schedules(void **state) {
  totals *t = *state;
  uint64_t seed;
  int profile;
  for (seed = first; seed < first + count; seed++) {
    for (profile = 0; profile < FOREIGN_PROFILES; profile++) play((foreign_profile)profile, seed, t);
  }
}

int main(int argc, char **argv) {
  totals t = {0, 0, 0, 0, 0};
  const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(schedules, &t)};
  if (argc > 1) count = strtoull(argv[1], NULL, 10);
  if (argc > 2) first = strtoull(argv[2], NULL, 10);
  if (cmocka_run_group_tests(tests, NULL, NULL) != 0) return 1;
  (void)printf("figure foreign-clients: %" PRIu64 " schedules with Android, iOS, TDLib and MadelineProto: %" PRIu64
               " texts in order, %" PRIu64 " new keys, %" PRIu64 " messages looked at as TDLib does, 0 refused; %" PRIu64
               " ended by Android's bound of four\n",
               t.schedules, t.texts, t.keys, t.looked_at, t.ended);
  return t.schedules != 0 && t.keys != 0 && t.looked_at > t.schedules ? 0 : 1;
}
