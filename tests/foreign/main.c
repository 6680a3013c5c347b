/* SPDX-License-Identifier: BSL-1.0
 * main.c - plays schedules between the library and each foreign client: foreign_clients [SCHEDULES [FIRST_SEED]].
 *
 * A schedule that fails ends the run with its message; its seed and client are the last ones named before it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int main(int argc, char **argv) {
  uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 50, first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1, seed;
  totals t = {0, 0, 0, 0, 0};
  for (seed = first; seed < first + count; seed++) {
    int profile;
    for (profile = 0; profile < FOREIGN_PROFILES; profile++) play((foreign_profile)profile, seed, &t);
  }
  (void)fputs("\n", stderr);
  (void)printf("figure foreign-clients: %" PRIu64 " schedules with Android, iOS, TDLib and MadelineProto: %" PRIu64
               " texts in order, %" PRIu64 " new keys, %" PRIu64 " messages looked at as TDLib does, 0 refused; %" PRIu64
               " ended by Android's bound of four\n",
               t.schedules, t.texts, t.keys, t.looked_at, t.ended);
  return t.schedules != 0 && t.keys != 0 && t.looked_at > t.schedules ? 0 : 1;
}
