/* SPDX-License-Identifier: BSL-1.0
 * test_sim.c - the simulator itself: a seed decides everything, every checker can fail, and seeds that failed once are run again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim.h"

static sim_result run(uint64_t seed, int profile, int steps, uint32_t off) {
  sim_options o;
  sim_result r;
  memset(&o, 0, sizeof o);
  o.seed = seed;
  o.profile = profile;
  o.steps = steps;
  o.off = off;
  sim_run(&o, &r);
  return r;
}

/* I9 */
static void a_seed_decides_everything(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 60; seed++) {
    sim_result first = run(seed, -1, 0, 0), second = run(seed, -1, 0, 0);
    assert_true(first.digest == second.digest && first.events == second.events);
    assert_true(first.digest != run(seed + 1, -1, 0, 0).digest);
  }
}

static void a_shorter_schedule_is_the_beginning_of_a_longer_one(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 10; seed++) {
    sim_result half = run(seed, SIM_LOSSY, 40, 0), whole = run(seed, SIM_LOSSY, 80, 0);
    assert_true(half.midway == whole.midway && half.midway != 0);
  }
}

static void schedules_of_every_profile_hold(void **state) {
  (void)state;
  for (int profile = 0; profile < SIM_YEAR; profile++) {
    for (uint64_t seed = 1; seed <= 40; seed++) {
      sim_result r = run(seed, profile, 0, 0);
      if (r.failed) fail_msg("%s, seed %" PRIu64 ": %s", sim_profile_name(profile), seed, r.what);
      assert_int_equal(r.profile, profile);
    }
  }
}

/* What a checker finds when the bug it is there for has been planted; NULL: nothing within so many schedules. */
static const char *found(sim_plant plant, int profile, const char *invariant) {
  static char what[sizeof(((sim_result *)0)->what)];
  for (uint64_t seed = 1; seed <= 400; seed++) {
    sim_options o;
    sim_result r;
    memset(&o, 0, sizeof o);
    o.seed = seed;
    o.profile = profile;
    o.plant = plant;
    sim_run(&o, &r);
    if (!r.failed) continue;
    memcpy(what, r.what, sizeof what);
    if (strncmp(what, invariant, strlen(invariant)) == 0) return what;
  }
  return NULL;
}

static void every_checker_finds_the_bug_it_is_there_for(void **state) {
  static const struct {
    sim_plant plant;
    int profile;
    const char *invariant;
  } rows[] = {
      {SIM_PLANT_OTHER_CIPHERTEXT, SIM_LOSSY, "I1"},  {SIM_PLANT_DOUBLE_EVENT, SIM_LOSSY, "I2"},      {SIM_PLANT_LOST_EVENT, SIM_LOSSY, "I3"},
      {SIM_PLANT_EARLY_SEND, SIM_FAULTS, "I3"},       {SIM_PLANT_DEAF, SIM_LOSSY, "I4"},              {SIM_PLANT_OLD_KEY, SIM_STORM, "I5"},
      {SIM_PLANT_OLD_KEY_MEMORY, SIM_STORM, "I5"},    {SIM_PLANT_ABORT, SIM_LOSSY, "I6"},             {SIM_PLANT_KEPT_TEXT, SIM_TIMED, "I7"},
      {SIM_PLANT_ORPHAN, SIM_LOSSY, "I8"},            {SIM_PLANT_REJECT_WRITES, SIM_HOSTILE, "I10"},  {SIM_PLANT_NO_EXPIRY, SIM_TIMED, "G14"},
      {SIM_PLANT_EARLY_EXPIRY, SIM_TIMED, "G14"},    {SIM_PLANT_OLD_KEY_USED, SIM_YEAR, "G25"},    {SIM_PLANT_WORN_KEY, SIM_YEAR, "G25"},
      {SIM_PLANT_GUEST_LOST, SIM_LOSSY, "I3"},
      {SIM_PLANT_UNRULY, SIM_LOSSY, "D-37"},         {SIM_PLANT_ROLLED_BACK, SIM_FAULTS, "X-15"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (found(rows[i].plant, rows[i].profile, rows[i].invariant) == NULL) fail_msg("planted bug %d is not found as %s", (int)rows[i].plant, rows[i].invariant);
  }
}

/* I9, reject: what the seed does not decide shows in the digest. */
static void what_the_seed_does_not_decide_shows(void **state) {
  sim_options o;
  sim_result first, second;
  (void)state;
  memset(&o, 0, sizeof o);
  o.seed = 3;
  o.profile = -1;
  o.plant = SIM_PLANT_DICE;
  sim_run(&o, &first);
  sim_run(&o, &second);
  assert_true(first.digest != second.digest);
}

static void seeds_that_failed_once_hold(void **state) {
  char line[256];
  FILE *f = fopen(SIM_SEEDS, "r");
  size_t count = 0;
  (void)state;
  assert_non_null(f);
  while (fgets(line, sizeof line, f) != NULL) {
    uint64_t seed;
    uint32_t off;
    int steps;
    sim_result r;
    if (line[0] == '#' || sscanf(line, "%" SCNu64 " %d %" SCNu32, &seed, &steps, &off) != 3) continue;
    count++;
    r = run(seed, -1, steps, off);
    if (r.failed) fail_msg("%s%s", line, r.what);
  }
  fclose(f);
  assert_true(count > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_seed_decides_everything),
      cmocka_unit_test(a_shorter_schedule_is_the_beginning_of_a_longer_one),
      cmocka_unit_test(schedules_of_every_profile_hold),
      cmocka_unit_test(every_checker_finds_the_bug_it_is_there_for),
      cmocka_unit_test(what_the_seed_does_not_decide_shows),
      cmocka_unit_test(seeds_that_failed_once_hold),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
