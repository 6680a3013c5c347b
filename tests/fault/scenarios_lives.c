/* SPDX-License-Identifier: BSL-1.0
 * scenarios_lives.c - messages with a life, and deletion. */
#include "applog.h"
#include "steps.h"

static void they_come(bench *b) {
  peer_says(b, "five seconds", 5);
  peer_says(b, "to be deleted", 50000);
  peer_says(b, "never seen", 50000);
  peer_says(b, "to be looked at", SCHAT_TTL_AT_ONCE);
  await_message(b, "to be looked at");
}

static void we_read_them(bench *b) {
  we_read(b, date_now(b) + 1);
  bench_settle(b);
}

static void we_look(bench *b) {
  we_open(b, "to be looked at");
  bench_settle(b);
}

static void we_look_away(bench *b) {
  if (applog_has(b, SCHAT_EVENT_EXPIRED, "to be looked at")) return; /* what was open when the process ended is over (D-28) */
  we_close(b, "to be looked at");
  bench_settle(b);
}

static int five_is_over(bench *b) { return applog_has(b, SCHAT_EVENT_EXPIRED, "five seconds"); }

static void five_seconds_pass(bench *b) {
  bench_await(b, five_is_over, "end of a life");
}

static void we_delete_theirs(bench *b) {
  we_delete(b, "to be deleted");
  we_delete(b, "never seen");
  bench_settle(b);
}

static void ours_lives(bench *b) {
  we_say(b, "ours for a day", 86400);
  we_say(b, "ours, deleted by them", 50000);
  await_heard(b, "ours, deleted by them");
}

static void they_read_and_delete(bench *b) {
  if (bench_once(b, 0)) {
    schat_messages_read(b->w->peers[1].manager, b->chat, date_now(b) + 1, b->w->now);
    peer_deletes(b, "ours, deleted by them");
  }
  bench_settle(b);
}

static void we_flush_all(bench *b) {
  peer_says(b, "flushed", 50000);
  await_message(b, "flushed");
  we_flush(b);
  bench_settle(b);
}

static void they_flush(bench *b) {
  if (bench_once(b, 1)) schat_history_flush(b->w->peers[1].manager, b->chat, 0, b->w->now);
  bench_settle(b);
}

const scenario scenarios_lives[] = {
    {"lives", prepare_chat, {they_come, we_read_them, we_look, we_look_away, five_seconds_pass}},
    {"deletion", prepare_chat, {they_come, we_delete_theirs, ours_lives, they_read_and_delete, we_flush_all, they_flush}},
    {NULL, NULL, {NULL}},
};
