/* SPDX-License-Identifier: BSL-1.0
 * scenarios_commits.c - several inputs in one commit, and commits that become durable later. */
#include "steps.h"

/* Batches ------------------------------------------------------------------------------------------------------------------------ */

static int call_one(bench *b, void *arg) { return status_say(b, arg, 0); }

/* All of it or nothing: what fails within is made again within. */
static int call_batch(bench *b, void *arg) {
  const char *const *names = arg;
  int status = schat_begin(b->m);
  for (; status >= 0 && *names != NULL; names++) {
    status = schat_begin(b->m);
    if (!was_sent(b, *names)) attempt(b, call_one, (void *)(uintptr_t)*names);
    status = schat_end(b->m, b->w->now);
    MUST(status == SCHAT_OK, "an inner batch ends with %s", schat_status_name(status));
  }
  return schat_end(b->m, b->w->now);
}

static void three_at_once(bench *b) {
  static const char *const names[] = {"batch 1", "batch 2", "batch 3", NULL};
  attempt(b, call_batch, (void *)(uintptr_t)names);
  await_heard(b, "batch 3");
}

/* What was missed and what is said to it, in one. */
static int call_mixed(bench *b, void *arg) {
  int status = schat_begin(b->m);
  (void)arg;
  if (status < 0) return status;
  bench_catch_up(b);
  if (!was_sent(b, "said with it")) attempt(b, call_one, (void *)(uintptr_t) "said with it");
  return schat_end(b->m, b->w->now);
}

static void mixed(bench *b) {
  if (bench_once(b, 0)) {
    peer_says(b, "missed 1", 0);
    peer_says(b, "missed 2", 0);
    world_deliver(b->w, 1);
  }
  attempt(b, call_mixed, NULL);
  await_heard(b, "said with it");
  await_message(b, "missed 2");
}

/* Later ones --------------------------------------------------------------------------------------------------------------------- */

static void many_on_their_way(bench *b) {
  we_say(b, "way 1", 0);
  we_say(b, "way 2", 60000);
  we_say(b, "way 3", 0);
  bench_settle(b);
  await_heard(b, "way 3");
}

static void they_come_too(bench *b) {
  peer_says(b, "come 1", 0);
  peer_says(b, "come 2", 60000);
  peer_says(b, "come 3", 0);
  await_message(b, "come 3");
  we_read(b, date_now(b));
  we_delete(b, "come 2");
  bench_settle(b);
}

static void last_words(bench *b) {
  we_say(b, "our last", 0);
  await_heard(b, "our last");
}

#define WEEK (INT64_C(604800) * 1000)

static void new_key(bench *b) {
  if (bench_once(b, 0)) b->w->now += WEEK;
  bench_settle(b);
  we_say(b, "the key is old", 0);
  peer_says(b, "it is", 0);
  bench_await(b, key_is_new, "new key");
  await_message(b, "it is");
  await_heard(b, "the key is old");
}

static void prepare_later(bench *b) {
  b->pending = 1;
  prepare_chat(b);
}

static void prepare_later_rekey(bench *b) {
  b->policy.rekey_seconds = 4 * 604800;
  prepare_later(b);
}

const scenario scenarios_commits[] = {
    {"batches", prepare_chat, {three_at_once, mixed, last_words}},
    {"asynchronous_commits", prepare_later, {many_on_their_way, they_come_too, last_words}},
    {"asynchronous_new_key", prepare_later_rekey, {new_key, last_words}},
    {NULL, NULL, {NULL}},
};
