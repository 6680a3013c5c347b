/* SPDX-License-Identifier: BSL-1.0
 * scenarios_opening.c - a store with something of everything is opened, and what was missed comes by difference. */
#include <string.h>

#include "steps.h"

static void prepare_away(bench *b) {
  relay_faults faults;
  memset(&faults, 0, sizeof faults);
  faults.difference_messages = 2; /* the rest as slices */
  b->old_counter = 1;
  prepare_chat(b);
  relay_set_faults(b->w->relay, &faults);
  peer_says(b, "alive still", 90000);
  bench_settle(b);
  we_read(b, date_now(b) + 1);
  bench_settle(b);
}

static void away(bench *b) {
  we_say(b, "said before leaving", 0);
  bench_close(b);
  if (bench_once(b, 0)) {
    peer_says(b, "missed 1", 0);
    peer_says(b, "missed 2", 70000);
    peer_says(b, "missed 3", 0);
    peer_says(b, "missed 4", 0);
    peer_says(b, "missed 5", 0);
    world_deliver(b->w, 1);
  }
  bench_begin(b);
  await_message(b, "missed 5");
}

static void back(bench *b) {
  we_say(b, "back", 0);
  await_heard(b, "back");
  peer_says(b, "welcome", 0);
  await_message(b, "welcome");
}

static void and_again(bench *b) {
  bench_reopen(b);
  bench_reopen(b);
  await_message(b, "welcome");
}

const scenario scenarios_opening[] = {
    {"opening_and_catching_up", prepare_away, {away, back, and_again}},
    {NULL, NULL, {NULL}},
};
