/* SPDX-License-Identifier: BSL-1.0
 * attacks_peer.c - what a peer costs that has the key and means harm: Resend, gaps, key exchanges, ids, counters. */
#include <stdlib.h>
#include <string.h>

#include "cost.h"
#include "manager/manager.h"

static schat__action action_of(schat__action_type type) {
  schat__action action;
  memset(&action, 0, sizeof action);
  action.type = type;
  return action;
}

static attacked ended(target *t, uint64_t inputs) {
  attacked done = {inputs, target_slot(t) == NULL || target_slot(t)->chat.state == SCHAT_STATE_CLOSED};
  return done;
}

/* 500 messages of ours that it does not confirm. */
static void write_five_hundred(target *t) {
  schat_message m;
  for (int i = 0; i < 500; i++) {
    schat_message_init(&m);
    m.text.data = (const uint8_t *)"ours";
    m.text.size = 4;
    if (schat_send(t->m, t->chat_id, &m, NULL, t->now, NULL) != SCHAT_OK) abort();
    target_drain(t);
  }
}

/* Asks for all of them in every message. */
static attacked resend_flood(target *t, uint64_t inputs) {
  uint64_t n;
  t->p->in_raw = target_slot(t)->chat.out_seq;
  write_five_hundred(t);
  schat__action action = action_of(SCHAT__ACTION_RESEND);
  action.start = schat__wire_out(t->p->in_raw, !t->p->originator);
  action.end = schat__wire_out(target_slot(t)->chat.out_seq - 1, !t->p->originator);
  for (n = 0; n < inputs && !ended(t, n).closed; n++) (void)target_act(t, &action);
  return ended(t, n);
}

/* The same for what it has confirmed: the answers are Noops (D-07). */
static attacked resend_flood_of_confirmed(target *t, uint64_t inputs) {
  uint64_t n;
  write_five_hundred(t);
  t->p->in_raw = target_slot(t)->chat.out_seq;
  schat__action action = action_of(SCHAT__ACTION_NOOP);
  (void)target_act(t, &action);
  action = action_of(SCHAT__ACTION_RESEND);
  action.start = schat__wire_out(t->p->in_raw - 100, !t->p->originator);
  action.end = schat__wire_out(t->p->in_raw - 1, !t->p->originator);
  for (n = 0; n < inputs && !ended(t, n).closed; n++) (void)target_act(t, &action);
  return ended(t, n);
}

static attacked a_gap_of_a_billion(target *t, uint64_t inputs) {
  schat_bytes text = puppet_text(t->p, 5, "far away", 0);
  uint64_t n;
  for (n = 0; n < inputs && !ended(t, n).closed; n++) (void)target_say(t, t->p->in_raw, 1000000000 + 2 * (int32_t)n, text);
  for (int i = 0; i < 3000; i++) target_pass(t, 60000);
  return ended(t, n);
}

static attacked gaps_without_end(target *t, uint64_t inputs) {
  schat_bytes text = puppet_text(t->p, 5, "far away", 0);
  uint64_t n;
  for (n = 0; n < inputs && !ended(t, n).closed; n++) (void)target_say(t, t->p->in_raw, t->p->out_raw + 2 + 2 * (int32_t)n, text);
  return ended(t, n);
}

/* Messages as large as they may be behind a gap. */
static attacked a_full_queue(target *t, uint64_t inputs) {
  static uint8_t body[900000];
  schat_bytes object = {body, sizeof body};
  uint64_t n;
  for (n = 0; n < inputs && !ended(t, n).closed; n++) (void)target_say(t, t->p->in_raw, t->p->out_raw + 2 + (int32_t)n, object);
  return ended(t, n);
}

/* Holes that are filled at once, by a peer that confirms nothing. */
static attacked holes_filled_at_once(target *t, uint64_t inputs) {
  uint64_t n;
  for (n = 0; n < inputs && !ended(t, n).closed; n += 2) {
    schat_bytes text = puppet_text(t->p, (int64_t)n + 5, "text", 0);
    (void)target_say(t, t->p->in_raw, t->p->out_raw + 1, text);
    text = puppet_text(t->p, (int64_t)n + 6, "text", 0);
    (void)target_say(t, t->p->in_raw, t->p->out_raw, text);
    t->p->out_raw += 2;
    puppet_forget(t->p);
  }
  return ended(t, n);
}

static attacked act_again_and_again(target *t, uint64_t inputs, const schat__action *action) {
  uint64_t n;
  for (n = 0; n < inputs && !ended(t, n).closed; n++) {
    if (target_act(t, action) < 0) abort();
  }
  return ended(t, n);
}

static attacked ids(target *t, uint64_t inputs, schat__action_type type) {
  const size_t count = 100000;
  int64_t *list = malloc(count * sizeof *list);
  schat__action action = action_of(type);
  if (list == NULL) abort();
  for (size_t i = 0; i < count; i++) list[i] = (int64_t)(i * 7919) + 1;
  action.random_ids = list;
  action.random_id_count = count;
  attacked done = act_again_and_again(t, inputs, &action);
  free(list);
  return done;
}

static attacked deletes(target *t, uint64_t inputs) {
  return ids(t, inputs, SCHAT__ACTION_DELETE);
}
static attacked reads(target *t, uint64_t inputs) {
  return ids(t, inputs, SCHAT__ACTION_READ);
}
static attacked screenshots(target *t, uint64_t inputs) {
  return ids(t, inputs, SCHAT__ACTION_SCREENSHOT);
}

static attacked texts(target *t, uint64_t inputs, int32_t ttl) {
  uint64_t n;
  for (n = 0; n < inputs && !ended(t, n).closed; n++) {
    (void)target_say(t, t->p->in_raw, t->p->out_raw++, puppet_text(t->p, (int64_t)n + 1, "one more", ttl));
    puppet_forget(t->p);
  }
  return ended(t, n);
}

static attacked new_ids(target *t, uint64_t inputs) {
  return texts(t, inputs, 0);
}
static attacked new_ids_with_a_ttl(target *t, uint64_t inputs) {
  return texts(t, inputs, 3600);
}

static attacked in_band_typing(target *t, uint64_t inputs) {
  schat__action action = action_of(SCHAT__ACTION_TYPING);
  action.typing = 1;
  return act_again_and_again(t, inputs, &action);
}

static attacked notify_layers(target *t, uint64_t inputs) {
  schat__action action = action_of(SCHAT__ACTION_NOTIFY_LAYER);
  uint64_t n;
  for (n = 0; n < inputs; n++) {
    action.layer = 46 + (int32_t)(n % 200);
    (void)target_act(t, &action);
  }
  return ended(t, n);
}

static attacked timers(target *t, uint64_t inputs) {
  schat__action action = action_of(SCHAT__ACTION_SET_TTL);
  uint64_t n;
  for (n = 0; n < inputs; n++) {
    action.ttl = (int32_t)n;
    (void)target_act(t, &action);
  }
  return ended(t, n);
}

static attacked unknown_constructors(target *t, uint64_t inputs) {
  static const uint8_t body[64] = {1, 2, 3, 4};
  schat_bytes object = {body, sizeof body};
  uint64_t n;
  for (n = 0; n < inputs && !ended(t, n).closed; n++) (void)target_say(t, t->p->in_raw, t->p->out_raw++, object);
  return ended(t, n);
}

/* Key exchanges ------------------------------------------------------------------------------------------------------------------- */

static const schat__config *group_of(const target *t) {
  return schat__config_find(&t->m->env, target_slot(t)->chat.config);
}

static void draw(target *t, uint8_t value[256]) {
  const schat__config *c = group_of(t);
  uint8_t exponent[256];
  if (schat__dh_generate(t->p->crypto, c->p, c->g, NULL, 0, exponent, value) != SCHAT_OK) abort();
}

static attacked bad_request_keys(target *t, uint64_t inputs) {
  static const uint8_t one[] = {1};
  schat__action action = action_of(SCHAT__ACTION_REQUEST_KEY);
  uint64_t n;
  action.g.data = one;
  action.g.size = 1;
  for (n = 0; n < inputs; n++) {
    action.exchange_id = (int64_t)n + 1;
    (void)target_act(t, &action);
  }
  return ended(t, n);
}

/* Our key is too old, and each request of ours is ended: by a larger one that is no good, or by one of the same number. */
static attacked end_our_requests(target *t, uint64_t inputs, int same) {
  static const uint8_t one[] = {1};
  schat__action action = action_of(SCHAT__ACTION_REQUEST_KEY);
  uint64_t n;
  action.g.data = one;
  action.g.size = 1;
  target_pass(t, INT64_C(700000000));
  for (n = 0; n < inputs; n++) {
    const schat__secrets *s = target_slot(t)->secrets;
    action.exchange_id = same && s != NULL ? s->exchange_id : INT64_MAX - (int64_t)n;
    (void)target_act(t, &action);
  }
  target_pass(t, 0);
  return ended(t, n);
}

static attacked requests_ended_by_larger_ones(target *t, uint64_t inputs) {
  return end_our_requests(t, inputs, 0);
}
static attacked requests_ended_by_equal_ones(target *t, uint64_t inputs) {
  return end_our_requests(t, inputs, 1);
}

static attacked accept_and_commit_keys(target *t, uint64_t inputs) {
  static const uint8_t one[] = {1};
  uint64_t n;
  for (n = 0; n < inputs; n++) {
    schat__action action = action_of(n % 2 ? SCHAT__ACTION_ACCEPT_KEY : SCHAT__ACTION_COMMIT_KEY);
    action.exchange_id = (int64_t)n + 1;
    action.g.data = one;
    action.g.size = 1;
    (void)target_act(t, &action);
  }
  return ended(t, n);
}

/* A lawful request, and its end, again and again; the peer confirms what it gets, or does not. */
static attacked chase(target *t, uint64_t inputs, int confirms) {
  uint8_t value[256];
  uint64_t n;
  for (n = 0; n < inputs && !ended(t, n).closed; n += 2) {
    schat__action request = action_of(SCHAT__ACTION_REQUEST_KEY), abort_key = action_of(SCHAT__ACTION_ABORT_KEY);
    draw(t, value);
    request.exchange_id = abort_key.exchange_id = (int64_t)n + 1;
    request.g.data = value;
    request.g.size = sizeof value;
    if (confirms) t->p->in_raw = target_slot(t)->chat.out_seq;
    (void)target_act(t, &request);
    (void)target_act(t, &abort_key);
    if (n % 64 == 0) target_pass(t, 1000);
  }
  return ended(t, n);
}

static attacked chases(target *t, uint64_t inputs) {
  return chase(t, inputs, 1);
}
static attacked chases_unconfirmed(target *t, uint64_t inputs) {
  return chase(t, inputs, 0);
}

#define KIB ((uint64_t)1024)

const attack peer_attacks[] = {
    {"a Resend of 500 in every message",
     resend_flood,
     5000,
     {80, 4096, 0, 0, 60, 1024, 0.01},
     {60000, 1000000, 0, 0, 20000, 2000000, 1100},
     600 * KIB,
     1100 * KIB},
    {"a Resend of confirmed ones",
     resend_flood_of_confirmed,
     5000,
     {80, 4096, 0, 0, 60, 1024, 0.01},
     {60000, 1000000, 0, 0, 20000, 2000000, 1100},
     600 * KIB,
     900 * KIB},
    {"a gap of a billion", a_gap_of_a_billion, 1, {0, 0, 0, 0, 0, 0, 0}, {4000, 400000, 0, 0, 10000, 2000000, 40}, 64 * KIB, 128 * KIB},
    {"gaps without end",
     gaps_without_end,
     100000,
     {80, 8192, 0, 0, 60, 4096, 2},
     {10000, 100000, 0, 0, 4000, 2000000, 1100},
     128 * KIB,
     2000 * KIB},
    {"holes filled at once, and nothing confirmed",
     holes_filled_at_once,
     4000,
     {60, 4096, 0, 0, 60, 3072, 0.1},
     {10000, 100000, 4, 0, 4000, 500000, 300},
     300 * KIB,
     400 * KIB},
    {"a queue as large as it may be",
     a_full_queue,
     10,
     {900000 / 16 + 400, 1000000, 0, 0, 80, 1000000, 2},
     {10000, 100000, 0, 0, 400, 100000, 10},
     5000 * KIB,
     12000 * KIB},
    {"DeleteMessages of 100,000 ids",
     deletes,
     10,
     {60000, 900000, 0, 0, 60, 1000000, 1},
     {10, 10, 0, 0, 100, 100000, 4},
     64 * KIB,
     8000 * KIB},
    {"ReadMessages of 100,000 ids", reads, 10, {60000, 900000, 0, 0, 60, 1000000, 1}, {10, 10, 0, 0, 100, 100000, 4}, 64 * KIB, 8000 * KIB},
    {"ScreenshotMessages of 100,000 ids",
     screenshots,
     10,
     {60000, 900000, 0, 0, 60, 1000000, 1},
     {10, 10, 0, 0, 100, 100000, 4},
     64 * KIB,
     8000 * KIB},
    {"new ids without end", new_ids, 20000, {20, 2048, 0.01, 0, 60, 2048, 0.1}, {100, 1000, 4, 0, 200, 10000, 10}, 64 * KIB, 128 * KIB},
    {"new ids that live an hour",
     new_ids_with_a_ttl,
     20000,
     {20, 2048, 0.01, 0, 60, 2048, 0.1},
     {100, 1000, 4, 0, 200, 10000, 10},
     20000 * 224 + 64 * KIB,
     20000 * 244 + 64 * KIB},
    {"typing inside messages",
     in_band_typing,
     20000,
     {20, 2048, 0, 0, 60, 1024, 0.01},
     {100, 1000, 4, 0, 200, 10000, 10},
     64 * KIB,
     128 * KIB},
    {"layers up and down", notify_layers, 20000, {20, 2048, 0, 0, 60, 1024, 0.01}, {100, 1000, 4, 0, 200, 10000, 10}, 64 * KIB, 128 * KIB},
    {"the chat's timer set without end",
     timers,
     20000,
     {20, 2048, 0, 0, 60, 2048, 0.01},
     {100, 1000, 4, 0, 200, 10000, 10},
     64 * KIB,
     128 * KIB},
    {"constructors that nobody knows",
     unknown_constructors,
     20000,
     {20, 2048, 0, 0, 60, 2048, 0.01},
     {100, 1000, 4, 0, 200, 10000, 10},
     64 * KIB,
     128 * KIB},
    {"bad RequestKeys",
     bad_request_keys,
     20000,
     {20, 2048, 0, 0, 60, 1024, 0.001},
     {200, 10000, 24, 0, 200, 10000, 10},
     64 * KIB,
     128 * KIB},
    {"our RequestKeys ended by larger ones",
     requests_ended_by_larger_ones,
     4000,
     {20, 2048, 0, 0, 60, 1024, 0.001},
     {2000, 100000, 24, 0, 1000, 100000, 30},
     64 * KIB,
     128 * KIB},
    {"our RequestKeys ended by equal ones",
     requests_ended_by_equal_ones,
     4000,
     {20, 2048, 0, 0, 60, 1024, 0.001},
     {2000, 100000, 24, 0, 1000, 100000, 30},
     64 * KIB,
     128 * KIB},
    {"AcceptKeys and CommitKeys out of nothing",
     accept_and_commit_keys,
     20000,
     {20, 2048, 0, 0, 60, 1024, 0.001},
     {200, 10000, 4, 0, 200, 10000, 10},
     64 * KIB,
     128 * KIB},
    {"RequestKey and AbortKey by turns",
     chases,
     2000,
     {60, 4096, 1, 0, 60, 2560, 0.5},
     {200, 10000, 4, 0, 400, 10000, 10},
     64 * KIB,
     128 * KIB},
    {"the same from a peer that confirms nothing",
     chases_unconfirmed,
     2000,
     {60, 4096, 1, 0, 60, 2560, 0.5},
     {200, 10000, 4, 0, 400, 10000, 10},
     64 * KIB,
     128 * KIB},
};
const size_t peer_attack_count = sizeof peer_attacks / sizeof peer_attacks[0];
