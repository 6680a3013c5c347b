/* SPDX-License-Identifier: BSL-1.0
 * scenarios_gaps.c - messages that the server loses, ours and theirs, and how they come back. */
#include <string.h>

#include "steps.h"

/* From now on an accepted message reaches nobody; and all does again. */
static void losing(bench *b, int on) {
  relay_faults faults;
  memset(&faults, 0, sizeof faults);
  faults.drop_for_good = on ? 1.0 : 0.0;
  relay_set_faults(b->w->relay, &faults);
}

static void lose_theirs(bench *b) {
  if (bench_once(b, 0)) {
    losing(b, 1);
    peer_says(b, "lost 1", 0);
    peer_says(b, "lost 2", 0);
    world_deliver(b->w, 1);
    losing(b, 0);
    peer_says(b, "behind the gap", 0);
    world_deliver(b->w, 1);
  }
  await_message(b, "behind the gap");
}

static void lose_ours(bench *b) {
  if (!b->redo) losing(b, 1);
  we_say(b, "ours is lost", 0);
  bench_settle(b);
  losing(b, 0);
}

static void say_more(bench *b) {
  losing(b, 0);
  we_say(b, "ours behind it", 0);
  await_heard(b, "ours behind it");
}

static void in_order_again(bench *b) {
  peer_says(b, "all is well", 0);
  await_message(b, "all is well");
}

/* Both at once: nobody hears anything for a while. */
static void lose_both(bench *b) {
  if (!b->redo) losing(b, 1);
  peer_says(b, "lost 3", 0);
  world_deliver(b->w, 1);
  we_say(b, "lost 4", 0);
  bench_settle(b);
  losing(b, 0);
}

static void all_come_back(bench *b) {
  losing(b, 0);
  we_say(b, "found", 0);
  peer_says(b, "found too", 0);
  await_heard(b, "found");
  await_message(b, "found too");
}

const scenario scenarios_gaps[] = {
    {"gaps_and_resends", prepare_chat, {lose_theirs, in_order_again}},
    {"asked_to_resend", prepare_chat_of_peer, {lose_ours, say_more, in_order_again, lose_both, all_come_back}},
    {NULL, NULL, {NULL}},
};
