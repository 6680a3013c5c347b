/* SPDX-License-Identifier: BSL-1.0
 * scenarios_rekey.c - new keys: we ask, the peer asks, both ask at once. */
#include "steps.h"

#define WEEK (INT64_C(604800) * 1000)

static void a_week_passes(bench *b) {
  if (bench_once(b, 0)) b->w->now += WEEK;
  bench_settle(b);
}

static void both_talk(bench *b) {
  we_say(b, "when the key is old", 0);
  peer_says(b, "and so are we", 0);
  bench_await(b, key_is_new, "new key");
  await_heard(b, "when the key is old");
  await_message(b, "and so are we");
}

static void under_the_new_key(bench *b) {
  we_say(b, "under the new key", 0);
  await_heard(b, "under the new key");
  peer_says(b, "heard under it", 0);
  await_message(b, "heard under it");
  we_say(b, "and the old one is gone", 0);
  await_heard(b, "and the old one is gone");
  peer_says(b, "for us too", 0);
  await_message(b, "for us too");
}

/* Both have noticed before either has heard of the other. */
static void both_ask(bench *b) {
  if (bench_once(b, 0)) {
    b->w->now += WEEK;
    schat_tick(b->w->peers[1].manager, b->w->now);
    world_drain(b->w, 1);
  }
  bench_settle(b);
}

/* Who does not ask waits a month for it. */
static void prepare_ours(bench *b) {
  schat_close(b->w->peers[1].manager);
  b->w->peers[1].manager = NULL;
  b->w->peers[1].policy.rekey_seconds = 4 * 604800;
  world_restart(b->w, 1, 0);
  prepare_chat(b);
}

static void prepare_theirs(bench *b) {
  b->policy.rekey_seconds = 4 * 604800;
  prepare_chat(b);
}

const scenario scenarios_rekey[] = {
    {"asking_for_a_new_key", prepare_ours, {a_week_passes, both_talk, under_the_new_key}},
    {"being_asked_for_a_new_key", prepare_theirs, {a_week_passes, both_talk, under_the_new_key}},
    {"both_asking_at_once", prepare_chat, {both_ask, both_talk, under_the_new_key}},
    {NULL, NULL, {NULL}},
};
