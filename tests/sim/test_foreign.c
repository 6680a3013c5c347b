/* SPDX-License-Identifier: BSL-1.0
 * test_foreign.c - the library with clients of other people: chats made, read, repaired, rekeyed and restarted with each of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "foreign_pair.h"

#define TALK 200
#define DAY INT64_C(86400000)

static void each_profile(void (*fact)(foreign_profile profile)) {
  int profile;
  for (profile = 0; profile < FOREIGN_PROFILES; profile++) fact((foreign_profile)profile);
}

/* Chats --------------------------------------------------------------------------------------------------------------------- */

static void make_both_ways(foreign_profile profile) {
  int by_library;
  for (by_library = 0; by_library <= 1; by_library++) {
    pair *p = pair_new(profile, 1 + (uint64_t)by_library);
    pair_chat(p, by_library);
    pair_say_here(p);
    pair_say_there(p);
    pair_run(p);
    pair_open(p);
    assert_int_equal(pair_read_here(p), 1);
    assert_int_equal(pair_read_there(p), 1);
    pair_free(p);
  }
}
static void a_chat_can_be_asked_for_by_either_side(void **state) {
  (void)state;
  each_profile(make_both_ways);
}

/* `lost` of the pushes, and of the messages for good, go. */
static pair *talk(foreign_profile profile, uint64_t seed, double lost_push, double lost, int64_t pause) {
  pair *p = pair_new(profile, seed);
  relay_faults faults = {0};
  int i;
  pair_chat(p, (int)(seed & 1));
  faults.drop_update = lost_push;
  faults.drop_for_good = lost;
  relay_set_faults(p->w->relay, &faults);
  for (i = 0; i < TALK; i++) {
    pair_say_here(p);
    pair_say_there(p);
    pair_pass(p, pause);
    pair_open(p);
  }
  return p;
}

static void talk_without_loss(foreign_profile profile) {
  pair *p = talk(profile, 3, 0, 0, 500);
  assert_int_equal(pair_read_here(p), TALK);
  assert_int_equal(pair_read_there(p), TALK);
  pair_settle(p, 1);
  if (profile == FOREIGN_IOS) pair_pass(p, 8 * DAY); /* both asked at once, and do not agree who goes on (K2, D-20) */
  pair_settle(p, 2);
  assert_true(world_count(p->w, 0, SCHAT_EVENT_REKEYED) > 0);
  pair_free(p);
}
static void two_hundred_messages_each_way_arrive_in_order(void **state) {
  (void)state;
  each_profile(talk_without_loss);
}

static void talk_with_lost_pushes(foreign_profile profile) {
  static const double lost[] = {0.05, 0.2};
  size_t i;
  for (i = 0; i < 2; i++) {
    pair *p = talk(profile, 4 + i, lost[i], 0, 2000);
    pair_settle(p, 20);
    pair_free(p);
  }
}
static void lost_pushes_are_fetched(void **state) {
  (void)state;
  each_profile(talk_with_lost_pushes);
}

static void talk_with_lost_messages(foreign_profile profile) {
  static const double lost[] = {0.02, 0.05, 0.2};
  size_t i;
  if (profile == FOREIGN_ANDROID) return;
  for (i = 0; i < 3; i++) {
    pair *p = talk(profile, 6 + i, lost[i], lost[i], profile == FOREIGN_IOS ? 10000 : 2000);
    pair_settle(p, 40);
    pair_free(p);
  }
}
static void messages_lost_for_good_are_sent_again(void **state) {
  (void)state;
  each_profile(talk_with_lost_messages);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_chat_can_be_asked_for_by_either_side),
      cmocka_unit_test(two_hundred_messages_each_way_arrive_in_order),
      cmocka_unit_test(lost_pushes_are_fetched),
      cmocka_unit_test(messages_lost_for_good_are_sent_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
