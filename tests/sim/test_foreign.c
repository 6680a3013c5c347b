/* SPDX-License-Identifier: BSL-1.0
 * test_foreign.c - the library with clients of other people: chats made, read, repaired, rekeyed and restarted with each of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "foreign_schedule.h"

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

/* Repair -------------------------------------------------------------------------------------------------------------------- */

static void lose_next(pair *p, int on) {
  relay_faults faults = {0};
  faults.drop_for_good = on;
  relay_set_faults(p->w->relay, &faults);
}

static void repair_both_ways(foreign_profile profile) {
  pair *p = pair_new(profile, 20);
  pair_chat(p, 1);
  pair_say_here(p);
  pair_say_there(p);
  pair_pass(p, 1000);
  lose_next(p, 1);
  pair_say_here(p);
  pair_say_there(p);
  pair_pass(p, 1000);
  lose_next(p, 0);
  pair_say_here(p);
  pair_say_there(p);
  pair_pass(p, 5000);
  assert_int_equal(pair_read_here(p), 3);
  assert_int_equal(pair_read_there(p), 3);
  assert_true(foreign_count(p->f, FOREIGN_GAP) > 0);
  assert_true(world_count(p->w, 0, SCHAT_EVENT_GAP) > 0);
  pair_settle(p, 1);
  pair_free(p);
}
static void a_gap_on_each_side_is_repaired(void **state) {
  (void)state;
  each_profile(repair_both_ways);
}

/* Keys ---------------------------------------------------------------------------------------------------------------------- */

static pair *rekeying_pair(foreign_profile profile, uint64_t seed, uint32_t after) {
  pair *p = pair_new(profile, seed);
  p->w->peers[0].policy.rekey_messages = after;
  world_restart(p->w, 0, 0);
  pair_chat(p, (int)(seed & 1));
  return p;
}

static void talk_for(pair *p, int turns) {
  while (turns-- > 0) {
    pair_say_here(p);
    pair_say_there(p);
    pair_pass(p, 1000);
  }
}

static void assert_same_key(const pair *p) {
  assert_true(pair_view(p).key_fingerprint == world_info(p->w, 0, p->chat_id).key_fingerprint);
}

static void rekey_by_library(foreign_profile profile) {
  pair *p = rekeying_pair(profile, 22, 10);
  talk_for(p, 30);
  pair_open(p);
  assert_true(world_count(p->w, 0, SCHAT_EVENT_REKEYED) >= 2);
  assert_same_key(p);
  pair_settle(p, 1);
  pair_free(p);
}
static void the_library_changes_keys(void **state) {
  (void)state;
  each_profile(rekey_by_library);
}

static void rekey_by_client(foreign_profile profile) {
  pair *p = rekeying_pair(profile, 23, UINT32_MAX);
  int i;
  for (i = 1; i <= 4; i++) {
    assert_int_equal(foreign_rekey(p->f, p->chat_id, p->w->now), 0);
    pair_run(p);
    talk_for(p, 3);
    pair_open(p);
    assert_int_equal(world_count(p->w, 0, SCHAT_EVENT_REKEYED), i);
    assert_int_equal(foreign_count(p->f, FOREIGN_REKEYED), i);
    assert_same_key(p);
  }
  pair_settle(p, 1);
  pair_free(p);
}
static void the_client_changes_keys(void **state) {
  (void)state;
  each_profile(rekey_by_client);
}

/* Both ask before either has heard of it. iOS follows the smaller number, and agrees to what is asked after a week (D-20). */
static void rekey_by_both(foreign_profile profile) {
  uint64_t seed;
  for (seed = 24; seed < 32; seed++) {
    pair *p = rekeying_pair(profile, seed, 8);
    assert_int_equal(foreign_rekey(p->f, p->chat_id, p->w->now), 0);
    while (!(world_info(p->w, 0, p->chat_id).flags & SCHAT_CHAT_REKEYING)) pair_say_here(p);
    pair_run(p);
    talk_for(p, 3);
    if (profile == FOREIGN_IOS) {
      pair_pass(p, 8 * DAY);
      talk_for(p, 3);
    }
    pair_open(p);
    assert_true(foreign_count(p->f, FOREIGN_REKEYED) > 0);
    pair_settle(p, 2);
    assert_same_key(p);
    pair_free(p);
  }
}
static void both_may_change_keys_at_once(void **state) {
  (void)state;
  each_profile(rekey_by_both);
}

/* Services ------------------------------------------------------------------------------------------------------------------ */

static void delete_and_time(foreign_profile profile) {
  pair *p = pair_new(profile, 40);
  int64_t id;
  pair_chat(p, 0);
  talk_for(p, 3);
  pair_delete_here(p, 1);
  pair_delete_there(p, 1);
  pair_run(p);
  assert_true(foreign_last(p->f, FOREIGN_DELETED)->random_id == p->here[1].random_id);
  assert_true(world_last(p->w, 0, SCHAT_EVENT_DELETED)->random_ids[0] == p->there[1].random_id);
  assert_true(schat_chat_set_ttl(p->w->peers[0].manager, p->chat_id, 30, 0, p->w->now) >= 0);
  pair_run(p);
  assert_int_equal(foreign_last(p->f, FOREIGN_TTL)->value, 30);
  assert_int_equal(foreign_set_ttl(p->f, p->chat_id, 60, p->w->now), 0);
  pair_run(p);
  assert_int_equal(world_info(p->w, 0, p->chat_id).ttl, 60);
  assert_int_equal(foreign_text(p->f, p->chat_id, "there 3", 5, p->w->now, &id), 0);
  pair_run(p);
  assert_int_equal(world_last(p->w, 0, SCHAT_EVENT_MESSAGE)->ttl, 5);
  assert_true(schat_messages_opened(p->w->peers[0].manager, p->chat_id, &id, 1, p->w->now) >= 0);
  assert_true(schat_messages_read(p->w->peers[0].manager, p->chat_id, relay_date(p->w->now), p->w->now) >= 0);
  pair_pass(p, 6000);
  assert_true(foreign_last(p->f, FOREIGN_OPENED)->random_id == id);
  assert_int_equal(world_count(p->w, 0, SCHAT_EVENT_EXPIRED), 1);
  assert_int_equal(foreign_flush(p->f, p->chat_id, p->w->now), 0);
  pair_run(p);
  assert_int_equal(world_count(p->w, 0, SCHAT_EVENT_HISTORY_FLUSHED), 1);
  pair_open(p);
  pair_free(p);
}
static void deletions_and_timers_are_understood(void **state) {
  (void)state;
  each_profile(delete_and_time);
}

static void discard_ends_the_chat(foreign_profile profile) {
  pair *p = pair_new(profile, 41);
  pair_chat(p, 1);
  assert_int_equal(foreign_discard(p->f, p->chat_id, p->w->now), 0);
  pair_run(p);
  assert_int_equal(world_info(p->w, 0, p->chat_id).close_reason, SCHAT_CLOSE_BY_PEER);
  pair_free(p);
}
static void the_client_ends_the_chat(void **state) {
  (void)state;
  each_profile(discard_ends_the_chat);
}

/* Everything at once ---------------------------------------------------------------------------------------------------------- */

static void play_schedules(foreign_profile profile) {
  schedule_plan plan;
  schedule_outcome outcome;
  uint64_t seed;
  memset(&plan, 0, sizeof plan);
  plan.steps = 120;
  plan.pause = 3000;
  plan.restarts = plan.deletes = plan.rekeys = 1;
  for (seed = 1; seed <= 4; seed++) {
    plan.faults.drop_update = 0.05 * (double)seed;
    plan.faults.drop_for_good = profile == FOREIGN_ANDROID ? 0 : 0.05 * (double)seed;
    plan.faults.duplicate = plan.faults.reorder = seed % 2 ? 0.1 : 0;
    plan.faults.delay_ms_max = seed % 2 ? 300 : 0;
    schedule_play(profile, seed, &plan, &outcome);
    assert_false(outcome.ended);
    assert_true(outcome.texts > 60 && outcome.looked_at > 60);
  }
}
static void losses_restarts_deletions_and_keys_go_together(void **state) {
  (void)state;
  each_profile(play_schedules);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_chat_can_be_asked_for_by_either_side),
      cmocka_unit_test(two_hundred_messages_each_way_arrive_in_order),
      cmocka_unit_test(lost_pushes_are_fetched),
      cmocka_unit_test(messages_lost_for_good_are_sent_again),
      cmocka_unit_test(a_gap_on_each_side_is_repaired),
      cmocka_unit_test(the_library_changes_keys),
      cmocka_unit_test(the_client_changes_keys),
      cmocka_unit_test(both_may_change_keys_at_once),
      cmocka_unit_test(deletions_and_timers_are_understood),
      cmocka_unit_test(the_client_ends_the_chat),
      cmocka_unit_test(losses_restarts_deletions_and_keys_go_together),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
