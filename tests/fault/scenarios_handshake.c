/* SPDX-License-Identifier: BSL-1.0
 * scenarios_handshake.c - chats begin: we ask, or are asked. */
#include "applog.h"
#include "steps.h"

/* We ask ------------------------------------------------------------------------------------------------------------------------- */

static int call_create(bench *b, void *arg) {
  (void)arg;
  return schat_chat_create(b->m, b->w->peers[1].user_id, b->w->now, &b->chat);
}

static void we_ask(bench *b) {
  size_t count = 0;
  schat_chat_list(b->m, NULL, 0, &count);
  if (count == 0) attempt(b, call_create, NULL); /* the application looks what there is before it asks again */
  bench_settle(b);
}

static int peer_is_asked(bench *b) {
  take_chat(b);
  return bench_peer_slot(b) != NULL;
}

static void peer_accepts(bench *b) {
  bench_await(b, peer_is_asked, "invitation");
  if (bench_once(b, 0)) schat_chat_accept(b->w->peers[1].manager, b->chat, b->w->now);
  bench_await(b, is_ready, "chat");
}

static int call_verify(bench *b, void *arg) {
  (void)arg;
  return schat_chat_set_verified(b->m, b->chat, 1, b->w->now);
}

static void we_verify(bench *b) {
  attempt(b, call_verify, NULL);
  bench_settle(b);
}

static void both_talk(bench *b) {
  we_say(b, "the first", 0);
  await_heard(b, "the first");
  peer_says(b, "the second", 0);
  await_message(b, "the second");
}

/* We are asked ------------------------------------------------------------------------------------------------------------------- */

static void peer_asks(bench *b) {
  if (bench_once(b, 0)) {
    MUST(schat_chat_create(b->w->peers[1].manager, b->w->peers[0].user_id, b->w->now, &b->chat) >= 0, "the peer cannot ask");
  }
  bench_settle(b);
}

static int is_invited(bench *b) {
  take_chat(b);
  return bench_slot(b) != NULL && applog_count(SCHAT_EVENT_INVITED) > 0;
}

static int call_accept(bench *b, void *arg) {
  (void)arg;
  return schat_chat_accept(b->m, b->chat, b->w->now);
}

static void we_accept(bench *b) {
  bench_await(b, is_invited, "invitation");
  attempt(b, call_accept, NULL);
  bench_await(b, is_ready, "chat");
}

/* We decline --------------------------------------------------------------------------------------------------------------------- */

static int call_report(bench *b, void *arg) {
  (void)arg;
  return schat_chat_report_spam(b->m, b->chat, b->w->now);
}

static void we_decline(bench *b) {
  bench_await(b, is_invited, "invitation");
  attempt(b, call_report, NULL);
  we_discard(b, 0);
  bench_settle(b);
}

static void open_new(bench *b) { bench_begin(b); }

const scenario scenarios_handshake[] = {
    {"creating_a_chat", open_new, {we_ask, peer_accepts, we_verify, both_talk}},
    {"accepting_a_chat", open_new, {peer_asks, we_accept, we_verify, both_talk}},
    {"declining_a_chat", open_new, {peer_asks, we_decline}},
    {NULL, NULL, {NULL}},
};
