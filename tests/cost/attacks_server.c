/* SPDX-License-Identifier: BSL-1.0
 * attacks_server.c - what a hostile server costs: chats that nobody asked for, configurations without end, differences of any size. */
#include <stdlib.h>
#include <string.h>

#include "cost.h"
#include "manager/manager.h"
#include "desk.h"

#define KIB ((uint64_t)1024)

static schat_chat_update update_of(int32_t type, int32_t chat_id, const uint8_t *g_a) {
  schat_chat_update u;
  SCHAT_INIT(u);
  u.type = type;
  u.chat_id = chat_id;
  if (type == SCHAT_CHAT_UPDATE_DISCARDED) return u;
  u.access_hash = chat_id;
  u.date = 5;
  u.admin_id = 1000 + chat_id;
  u.participant_id = 77;
  u.g_a.data = g_a;
  u.g_a.size = 256;
  return u;
}

static void number_value(uint8_t value[256], uint64_t n) {
  memset(value, 0x55, 256);
  memcpy(value + 8, &n, sizeof n);
}

static attacked requested_chats(target *t, uint64_t inputs) {
  uint8_t value[256];
  attacked done = {0, 0};
  for (; done.inputs < inputs; done.inputs++) {
    number_value(value, done.inputs);
    schat_chat_update u = update_of(SCHAT_CHAT_UPDATE_REQUESTED, (int32_t)done.inputs + 10, value);
    if (target_chat(t, &u) < 0) abort();
  }
  return done;
}

/* Each is taken back at once, so that there is room for the next. */
static attacked requested_and_discarded_chats(target *t, uint64_t inputs) {
  uint8_t value[256];
  attacked done = {0, 0};
  for (; done.inputs < inputs; done.inputs += 2) {
    number_value(value, done.inputs);
    schat_chat_update u = update_of(SCHAT_CHAT_UPDATE_REQUESTED, (int32_t)done.inputs + 10, value);
    if (target_chat(t, &u) != SCHAT_OK) abort();
    u = update_of(SCHAT_CHAT_UPDATE_DISCARDED, (int32_t)done.inputs + 10, value);
    if (target_chat(t, &u) < 0) abort();
  }
  return done;
}

static attacked updates_of_unknown_chats(target *t, uint64_t inputs) {
  uint8_t value[256];
  attacked done = {0, 0};
  number_value(value, 1);
  for (; done.inputs < inputs; done.inputs++) {
    static const int32_t types[] = {SCHAT_CHAT_UPDATE_CHAT, SCHAT_CHAT_UPDATE_WAITING, SCHAT_CHAT_UPDATE_DISCARDED,
                                    SCHAT_CHAT_UPDATE_EMPTY};
    schat_chat_update u = update_of(types[done.inputs % 4], (int32_t)done.inputs + 10, value);
    if (target_chat(t, &u) < 0) abort();
  }
  return done;
}

/* The chat itself, in every state the server can say. */
static attacked updates_of_the_chat(target *t, uint64_t inputs) {
  uint8_t value[256];
  attacked done = {0, 0};
  number_value(value, 1);
  for (; done.inputs < inputs; done.inputs++) {
    static const int32_t types[] = {SCHAT_CHAT_UPDATE_CHAT, SCHAT_CHAT_UPDATE_WAITING, SCHAT_CHAT_UPDATE_REQUESTED};
    schat_chat_update u = update_of(types[done.inputs % 3], t->chat_id, value);
    if (target_chat(t, &u) < 0) abort();
  }
  return done;
}

static attacked reading(target *t, uint64_t inputs) {
  attacked done = {0, 0};
  for (; done.inputs < inputs; done.inputs++) (void)target_read(t, (int32_t)done.inputs + 1);
  return done;
}

static attacked a_large_difference(target *t, uint64_t inputs) {
  schat_encrypted_message *messages = calloc(inputs, sizeof *messages);
  uint8_t bytes[88];
  schat_difference d;
  attacked done = {inputs, 0};
  if (messages == NULL) abort();
  memset(bytes, 0x33, sizeof bytes);
  memcpy(bytes, &t->p->key_fingerprint, 8);
  for (uint64_t i = 0; i < inputs; i++) {
    SCHAT_INIT(messages[i]);
    messages[i].chat_id = i % 2 ? t->chat_id : (int32_t)i;
    messages[i].bytes.data = bytes;
    messages[i].bytes.size = sizeof bytes;
  }
  SCHAT_INIT(d);
  d.messages = messages;
  d.message_count = (size_t)inputs;
  d.qts = (int32_t)inputs;
  d.date = 5;
  if (target_difference(t, &d) < 0) abort();
  free(messages);
  return done;
}

/* For a chat that we have asked for and whose key is not known yet. */
static attacked messages_before_the_key(target *t, uint64_t inputs) {
  uint8_t bytes[2048];
  int32_t id = 0;
  attacked done = {0, 0};
  if (schat_chat_create(t->m, 4712, t->now, &id) != SCHAT_OK) abort();
  target_drain(t);
  memset(bytes, 0x33, sizeof bytes);
  for (; done.inputs < inputs; done.inputs++) {
    memcpy(bytes + 30, &done.inputs, sizeof done.inputs);
    (void)target_message(t, id, bytes, 88 + 16 * (done.inputs % 100), 0);
  }
  return done;
}

/* Holes in the server's own numbers: each asks for the difference, and no answer ever comes. */
static attacked holes_in_qts(target *t, uint64_t inputs) {
  uint8_t bytes[88];
  attacked done = {0, 0};
  memset(bytes, 0x33, sizeof bytes);
  for (; done.inputs < inputs; done.inputs++) (void)target_message(t, t->chat_id, bytes, sizeof bytes, 10 + 2 * (int32_t)done.inputs);
  return done;
}

/* Configurations ------------------------------------------------------------------------------------------------------------------ */

static uint64_t last_token(target *t, int32_t type) {
  uint64_t token = 0;
  for (size_t i = 0; i < t->m->env.flight_count; i++) {
    if ((int32_t)t->m->env.flights[i].type == type) token = t->m->env.flights[i].token;
  }
  return token;
}

static void answer_config(target *t, uint64_t n) {
  uint8_t p[256];
  schat_answer a;
  SCHAT_INIT(a);
  memcpy(p, desk_prime(), sizeof p);
  memcpy(p + 100, &n, sizeof n);
  a.type = SCHAT_ANSWER_DH_CONFIG;
  a.g = 4;
  a.p.data = p;
  a.p.size = sizeof p;
  a.version = (int32_t)n;
  work_count(1);
  (void)schat_request_done(t->m, last_token(t, SCHAT_REQUEST_GET_DH_CONFIG), &a, t->now);
  work_count(0);
  target_drain(t);
}

/* A new number for every question, and more answers than questions. */
static attacked configurations(target *t, uint64_t inputs) {
  attacked done = {0, 0};
  int32_t id = 0;
  if (schat_chat_create(t->m, 4711, t->now, &id) != SCHAT_OK) abort();
  target_drain(t);
  for (; done.inputs < inputs; done.inputs++) {
    answer_config(t, done.inputs);
    if (done.inputs % 10 == 9) target_pass(t, 61000);
  }
  return done;
}

/* Answers to questions that nobody asked. */
static attacked answers_to_nothing(target *t, uint64_t inputs) {
  attacked done = {0, 0};
  schat_answer a;
  SCHAT_INIT(a);
  a.type = SCHAT_ANSWER_SENT;
  for (; done.inputs < inputs; done.inputs++) {
    work_count(1);
    if (schat_request_done(t->m, done.inputs + 100000, &a, t->now) != SCHAT_IGNORED) abort();
    work_count(0);
  }
  return done;
}

/* Our own message is refused each time it is sent. */
static attacked refusals(target *t, uint64_t inputs) {
  attacked done = {0, 0};
  schat_message m;
  schat_message_init(&m);
  m.text.data = (const uint8_t *)"ours";
  m.text.size = 4;
  if (schat_send(t->m, t->chat_id, &m, NULL, t->now, NULL) != SCHAT_OK) abort();
  for (; done.inputs < inputs; done.inputs++) {
    uint64_t token = last_token(t, SCHAT_REQUEST_SEND_ENCRYPTED);
    work_count(1);
    (void)schat_request_failed(t->m, token, 500, "INTERNAL", t->now);
    work_count(0);
    if (token == 0) target_pass(t, 60000);
    schat_effect effect;
    SCHAT_INIT(effect);
    while (schat_peek(t->m, &effect) == SCHAT_OK) {
      work_sum()->requests += effect.request != NULL;
      (void)schat_pop(t->m);
    }
  }
  return done;
}

const attack server_attacks[] = {
    {"100,000 chats that nobody asked for",
     requested_chats,
     100000,
     {0, 512, 0, 0, 3, 20, 0},
     {0, 0, 0, 0, 20000, 2500000, 10},
     2500 * KIB,
     3000 * KIB},
    {"100,000 of them taken back at once",
     requested_and_discarded_chats,
     100000,
     {0, 512, 0, 0, 24, 1536, 0},
     {0, 0, 0, 0, 20000, 2000000, 10},
     1500 * KIB,
     2000 * KIB},
    {"updates of chats that are not ours",
     updates_of_unknown_chats,
     100000,
     {0, 0, 0, 0, 3, 0, 0},
     {0, 0, 0, 0, 100, 1000, 1},
     16 * KIB,
     64 * KIB},
    {"updates of a chat in every state",
     updates_of_the_chat,
     100000,
     {0, 512, 0, 0, 6, 0, 0},
     {0, 0, 0, 0, 100, 1000, 1},
     16 * KIB,
     64 * KIB},
    {"updates of reading", reading, 20000, {0, 0, 0, 0, 30, 1024, 0}, {0, 0, 0, 0, 100, 1000, 1}, 16 * KIB, 64 * KIB},
    {"a difference of 100,000 messages",
     a_large_difference,
     100000,
     {4, 512, 0, 0, 2, 0, 0},
     {0, 0, 0, 0, 100, 1000, 4},
     16 * KIB,
     512 * KIB},
    {"messages before there is a key",
     messages_before_the_key,
     20000,
     {0, 0, 0, 0, 3, 0, 0},
     {0, 0, 0, 0, 1000, 300000, 4},
     300 * KIB,
     320 * KIB},
    {"holes in the numbers of the queue", holes_in_qts, 100000, {0, 0, 0, 0, 4, 0, 0.001}, {0, 0, 0, 0, 200, 1000, 4}, 16 * KIB, 64 * KIB},
    {"configurations without end", configurations, 1000, {0, 600, 0, 0.11, 20, 200, 0.2}, {0, 0, 0, 4, 100, 4000, 4}, 64 * KIB, 64 * KIB},
    {"answers to nothing", answers_to_nothing, 1000000, {0, 0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 100, 1000, 1}, 16 * KIB, 16 * KIB},
    {"a send refused for ever", refusals, 20000, {20, 1024, 0, 0, 40, 1024, 1}, {0, 0, 4, 0, 100, 10000, 4}, 64 * KIB, 64 * KIB},
};
const size_t server_attack_count = sizeof server_attacks / sizeof server_attacks[0];
