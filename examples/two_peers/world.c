/* SPDX-License-Identifier: BSL-1.0
 * world.c - the simulated clock and the network between two devices. */
#include "two_peers.h"

#include <string.h>

#define BEGINNING INT64_C(1767258000000) /* 2026-01-01 09:00 UTC */
#define CATCH_UP_EVERY (30 * SECOND)

peer *world_other(peer *p) {
  return p == &p->world->alice ? &p->world->bob : &p->world->alice;
}

/* The server tells of every message it accepts: what it did not push, it lost. */
static void on_sent(void *user_data, const relay_sent *sent) {
  world *w = (world *)user_data;
  peer *to = sent->to == w->alice.device ? &w->alice : &w->bob;
  if (!sent->repeated) to->accepted++;
}

static void register_device(world *w, peer *p) {
  p->user_id = relay_add_user(w->relay);
  p->device = relay_add_device(w->relay, p->user_id);
}

void world_open(world *w, const settings *s) {
  memset(w, 0, sizeof *w);
  w->settings = *s;
  w->random = s->seed;
  w->start = w->now = BEGINNING;
  screen_clock(w->now);
  w->relay = relay_new(random_next(&w->random));
  relay_tap(w->relay, on_sent, w);
  peer_setup(&w->alice, w, "Alice", "Bob", 0);
  peer_setup(&w->bob, w, "Bob", "Alice", 1);
  register_device(w, &w->alice);
  register_device(w, &w->bob);
  peer_erase(&w->alice); /* what an earlier run left: the story begins anew */
  peer_erase(&w->bob);
  peer_start(&w->alice);
  peer_start(&w->bob);
}

void world_close(world *w) {
  peer_stop(&w->alice);
  peer_stop(&w->bob);
  relay_free(w->relay);
}

void world_faults(world *w, double drop_update, double drop_for_good) {
  relay_faults faults;
  memset(&faults, 0, sizeof faults);
  faults.drop_update = drop_update;
  faults.drop_for_good = drop_for_good;
  faults.delay_ms_max = 200;
  relay_set_faults(w->relay, &faults);
}

static int64_t earlier(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* Both work until neither has anything to do at this moment. */
static void work(world *w) {
  do {
    peer_work(&w->alice);
    peer_work(&w->bob);
  } while (relay_next(w->relay) <= w->now);
}

static void do_what_is_due(world *w, peer *p) {
  if (peer_deadline(p) <= w->now) peer_tick(p);
  peer_recover(p);
  if (p->next_difference <= w->now) {
    p->next_difference = w->now + CATCH_UP_EVERY;
    peer_catch_up(p);
  }
  peer_recover(p);
}

/* When something happens next, and at least a millisecond from now: a deadline that stays in the past must not stop the clock. */
static int64_t next_moment(world *w) {
  int64_t next = relay_next(w->relay);
  next = earlier(next, earlier(peer_deadline(&w->alice), peer_deadline(&w->bob)));
  next = earlier(next, earlier(w->alice.next_difference, w->bob.next_difference));
  return next > w->now ? next : w->now + 1;
}

void world_run(world *w, int64_t milliseconds) {
  const int64_t until = w->now + milliseconds;
  for (;;) {
    int64_t next;
    work(w);
    next = next_moment(w);
    if (next > until) break;
    w->now = next;
    screen_clock(w->now);
    do_what_is_due(w, &w->alice);
    do_what_is_due(w, &w->bob);
  }
  w->now = until;
  screen_clock(w->now);
}
