/* SPDX-License-Identifier: BSL-1.0
 * foreign_schedule.c - see foreign_schedule.h. */
#include "foreign_schedule.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SETTLE_ROUNDS 60

/* splitmix64 */
static uint64_t draw(uint64_t *state, uint64_t bound) {
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return (z ^ z >> 31) % bound;
}

/* One of the last ten, or -1. */
static int recent(uint64_t *dice, int count) {
  int back = (int)draw(dice, 10);
  return back < count ? count - 1 - back : -1;
}

static void erase(pair *p, uint64_t *dice) {
  int here = recent(dice, p->said_here), there = recent(dice, p->said_there);
  switch (draw(dice, 5)) {
    case 0:
    case 1:
      if (here >= 0 && !p->here[here].gone) pair_delete_here(p, here);
      break;
    case 2:
    case 3:
      if (there >= 0 && !p->there[there].gone) pair_delete_there(p, there);
      break;
    default:
      if (draw(dice, 4) == 0)
        pair_flush_here(p);
      else
        pair_flush_there(p);
  }
}

static void receipts(pair *p, uint64_t *dice) {
  int there = recent(dice, p->said_there), here = recent(dice, p->said_here);
  switch (draw(dice, 5)) {
    case 0:
      assert_true(schat_chat_set_ttl(p->w->peers[0].manager, p->chat_id, (int32_t)draw(dice, 3) * 86400, 0, p->w->now) >= 0);
      break;
    case 1:
      (void)foreign_set_ttl(p->f, p->chat_id, (int32_t)draw(dice, 3) * 86400, p->w->now);
      break;
    case 2:
      if (there >= 0) (void)schat_messages_opened(p->w->peers[0].manager, p->chat_id, &p->there[there].random_id, 1, p->w->now);
      break;
    case 3:
      if (here >= 0) (void)foreign_open_message(p->f, p->chat_id, p->here[here].random_id, p->w->now);
      break;
    default:
      (void)schat_messages_read(p->w->peers[0].manager, p->chat_id, relay_date(p->w->now), p->w->now);
      (void)foreign_read(p->f, p->chat_id, relay_date(p->w->now), p->w->now);
  }
}

static void stop_and_go(pair *p, uint64_t *dice) {
  if (draw(dice, 2) == 0) {
    pair_restart_here(p, (int)draw(dice, 2));
  } else {
    foreign_restart(p->f, p->w->now);
  }
}

static void step(pair *p, const schedule_plan *plan, uint64_t *dice) {
  uint64_t what = draw(dice, 100);
  if (what < 38) {
    pair_say_here(p);
  } else if (what < 76) {
    pair_say_there(p);
  } else if (what < 82 && plan->deletes) {
    erase(p, dice);
  } else if (what < 88) {
    receipts(p, dice);
  } else if (what < 92 && plan->restarts) {
    stop_and_go(p, dice);
  } else if (what < 96 && plan->rekeys) {
    (void)foreign_rekey(p->f, p->chat_id, p->w->now);
  } else {
    (void)foreign_ask_again(p->f, p->chat_id, p->w->now);
  }
  pair_pass(p, (int64_t)draw(dice, (uint64_t)plan->pause) * (draw(dice, 20) == 0 ? 30 : 1));
}

static int play(pair *p, uint64_t *dice, const schedule_plan *plan) {
  relay_faults none = {0};
  int i;
  relay_set_faults(p->w->relay, &plan->faults);
  for (i = 0; i < plan->steps; i++) {
    step(p, plan, dice);
    if (pair_ended_by_habit(p)) break;
    pair_open(p);
  }
  relay_set_faults(p->w->relay, &none);
  if (plan->faults.lost_request > 0 || plan->faults.lost_answer > 0) pair_restart_here(p, 1); /* this host has no patience of its own */
  if (!pair_ended_by_habit(p) && pair_settle(p, SETTLE_ROUNDS)) return 1;
  pair_pass(p, 1000000);
  world_catch_up(p->w, 0); /* the push that says so may have been lost */
  assert_int_equal(world_info(p->w, 0, p->chat_id).state, SCHAT_STATE_CLOSED);
  return 0;
}

void schedule_play(foreign_profile profile, uint64_t seed, const schedule_plan *plan, schedule_outcome *outcome) {
  uint64_t dice = seed * 4 + (uint64_t)profile;
  pair *p = pair_new(profile, seed);
  if (plan->rekeys) {
    p->w->peers[0].policy.rekey_messages = 5 + (uint32_t)draw(&dice, 60);
    world_restart(p->w, 0, 0);
  }
  pair_chat(p, (int)draw(&dice, 2));
  outcome->ended = !play(p, &dice, plan);
  outcome->texts = p->said_here + p->said_there;
  outcome->keys = (int)world_count(p->w, 0, SCHAT_EVENT_REKEYED);
  (void)strict_watch_rule(p->watch, &outcome->looked_at);
  pair_free(p);
}
