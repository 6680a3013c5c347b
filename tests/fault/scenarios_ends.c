/* SPDX-License-Identifier: BSL-1.0
 * scenarios_ends.c - chats end: by us, by the peer, after a flush, and everything at once. */
#include "applog.h"
#include "steps.h"

static int ours_is_sent(bench *b) {
  (void)b;
  return applog_knows_end("left behind");
}

static void leave_something(bench *b) {
  we_say(b, "left behind", 60000);
  peer_says(b, "left there", 60000);
  await_heard(b, "left behind");
  await_message(b, "left there");
  bench_await(b, ours_is_sent, "answer of the server"); /* without it, a chat that ends reports the message as failed */
}

static int is_closed(bench *b) { return bench_slot(b) == NULL || bench_slot(b)->chat.state == SCHAT_STATE_CLOSED; }

static void we_end_it(bench *b) {
  if (!is_closed(b)) we_discard(b, SCHAT_DISCARD_HISTORY);
  bench_await(b, is_closed, "end");
}

static int end_is_known(bench *b) {
  return bench_slot(b) == NULL || !(bench_slot(b)->chat.flags & SCHAT_CHAT_DISCARD_PENDING);
}

static int call_forget(bench *b, void *arg) {
  (void)arg;
  return schat_chat_forget(b->m, b->chat, b->w->now);
}

static void we_forget(bench *b) {
  bench_await(b, end_is_known, "confirmation of the end");
  attempt(b, call_forget, NULL);
}

static void peer_ends_it(bench *b) {
  if (bench_once(b, 0)) schat_chat_discard(b->w->peers[1].manager, b->chat, SCHAT_DISCARD_HISTORY, b->w->now);
  bench_await(b, is_closed, "end");
}

/* The process ends, cleanly, while the flush waits. */
static void flush_first(bench *b) {
  if (!is_closed(b)) we_discard(b, SCHAT_DISCARD_FLUSH_FIRST);
  if (bench_once(b, 0)) bench_reopen(b);
  bench_await(b, is_closed, "end");
}

static int call_wipe(bench *b, void *arg) {
  (void)arg;
  return schat_wipe(b->m, b->w->now);
}

static void we_wipe(bench *b) {
  attempt(b, call_wipe, NULL);
  MUST(memstore_count(b->store, 0) == 0, "something is left after the wipe");
}

static int call_discard_all(bench *b, void *arg) {
  (void)arg;
  return schat_discard_all(b->m, 0, b->w->now);
}

static void we_log_out(bench *b) {
  attempt(b, call_discard_all, NULL);
  bench_await(b, end_is_known, "confirmation of the end");
}

const scenario scenarios_ends[] = {
    {"closing", prepare_chat, {leave_something, we_end_it, we_forget}},
    {"closed_by_the_peer", prepare_chat_of_peer, {leave_something, peer_ends_it}},
    {"close_during_flush", prepare_chat, {leave_something, flush_first}},
    {"logging_out_and_wiping", prepare_chat, {leave_something, we_log_out, we_wipe}},
    {NULL, NULL, {NULL}},
};
