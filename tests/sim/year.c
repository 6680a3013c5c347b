/* SPDX-License-Identifier: BSL-1.0
 * year.c - two people who write now and then for a year, on devices that start anew every day (G25): how old a key gets, and how much it seals. */
#include "sim.h"

#define WEEK_SECONDS 604800

static int32_t open_chat(sim *s) {
  sim_device *a = &s->devices[0], *b = &s->devices[1];
  int32_t chat_id = 0;
  sim_begin(a, 0);
  (void)sim_done(a, schat_chat_create(a->m, b->user_id, sim_clock(a), &chat_id), 0);
  for (int tries = 0; tries < 50 && !s->result->failed; tries++) {
    const schat__slot *slot = sim_slot(b, chat_id);
    if (slot != NULL && slot->chat.state == SCHAT_STATE_INVITED) {
      sim_begin(b, 0);
      (void)sim_done(b, schat_chat_accept(b->m, chat_id, sim_clock(b)), 0);
    }
    sim_pass_quietly(s, 60000);
    sim_catch_up(a);
    sim_catch_up(b);
    slot = sim_slot(a, chat_id);
    if (slot != NULL && slot->chat.state == SCHAT_STATE_READY) break;
  }
  return chat_id;
}

static void one_day(sim *s, int32_t chat_id, uint64_t most, dice *x) {
  int64_t day = s->now - s->now % SIM_DAY + SIM_DAY;
  for (int i = 0; i < s->device_count && !s->result->failed; i++) {
    if (sim_has(s, SIM_RESTART)) sim_restart(&s->devices[i], dice_one_in(x, 4));
  }
  sim_run_quiet(s);
  for (uint64_t n = dice_below(x, most + 1); n > 0 && !s->result->failed; n--) {
    sim_device *d = &s->devices[dice_below(x, 2)];
    if (sim_slot(d, chat_id) != NULL) (void)sim_say(d, chat_id, x);
    if (dice_one_in(x, 2)) sim_pass_quietly(s, dice_between(x, 1, 600000));
  }
  if (dice_one_in(x, 3)) sim_catch_up(&s->devices[dice_below(x, 2)]);
  sim_pass_quietly(s, day > s->now ? day - s->now : 1);
}

/* No older than a week and the messages of an exchange, each of which may wait for the next day where updates are lost; used for no more
 * than 101 messages and what was in flight. */
static void check_keys(sim *s, int64_t in_flight) {
  const sim_result *r = s->result;
  if (r->key_age > INT64_C(1000) * WEEK_SECONDS + (sim_has(s, SIM_LOSS) ? 4 : 1) * SIM_DAY) {
    sim_fail(s, "G25", "a key of %.2f days seals a message", (double)r->key_age / (double)SIM_DAY);
  }
  if (r->key_uses > 101 + in_flight) sim_fail(s, "G25", "a key is used for %lld messages", (long long)r->key_uses);
}

void sim_year(sim *s) {
  dice x = sim_dice(s, 7);
  uint64_t most = dice_one_in(&x, 3) ? 1 : dice_one_in(&x, 2) ? 8 : 60;
  int32_t chat_id = open_chat(s);
  for (s->step = 1; s->step <= s->steps && !s->result->failed; s->step++) one_day(s, chat_id, most, &x);
  if (!s->result->failed) check_keys(s, 60);
}
