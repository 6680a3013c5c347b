/* SPDX-License-Identifier: BSL-1.0
 * steps.c - see steps.h. */
#include "steps.h"

#include <string.h>

#include "applog.h"

int64_t id_of(const char *name) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (; *name != '\0'; name++) hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
  return (int64_t)(hash | 1u);
}

int32_t date_now(const bench *b) { return (int32_t)(b->w->now / 1000); }

static int named(const bench *b, const char *name) {
  size_t i;
  for (i = 0; i < b->name_count; i++) {
    if (strcmp(b->names[i].text, name) == 0) return 1;
  }
  return 0;
}

/* An application that begins again looks into its log first: a random_id serves until the peer has confirmed the message. */
int was_sent(bench *b, const char *name) {
  bench_name(b, id_of(name), name);
  return b->redo && applog_knows_end(name);
}

/* The account -------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  const char *name;
  int32_t number;
  uint32_t flags;
} order;

int status_say(bench *b, const char *name, int32_t ttl) {
  schat_message message;
  schat_message_init(&message);
  message.text.data = (const uint8_t *)name;
  message.text.size = strlen(name);
  message.ttl = ttl;
  message.random_id = id_of(name);
  bench_name(b, message.random_id, name);
  return schat_send(b->m, b->chat, &message, NULL, b->w->now, NULL);
}

static int call_say(bench *b, void *arg) {
  const order *o = arg;
  return status_say(b, o->name, o->number);
}

void we_say(bench *b, const char *name, int32_t ttl) {
  order o = {name, ttl, 0};
  if (!was_sent(b, name)) attempt(b, call_say, &o);
}

static int call_set_timer(bench *b, void *arg) {
  const order *o = arg;
  return schat_chat_set_ttl(b->m, b->chat, o->number, id_of(o->name), b->w->now);
}

void we_set_timer(bench *b, int32_t ttl, const char *name) {
  order o = {name, ttl, 0};
  if (!was_sent(b, name)) attempt(b, call_set_timer, &o);
}

static int call_read(bench *b, void *arg) {
  const order *o = arg;
  return schat_messages_read(b->m, b->chat, o->number, b->w->now);
}

void we_read(bench *b, int32_t date) {
  order o = {NULL, date, 0};
  attempt(b, call_read, &o);
}

static int64_t id_named(const bench *b, const char *name) {
  size_t i;
  for (i = 0; i < b->name_count; i++) {
    if (strcmp(b->names[i].text, name) == 0) return b->names[i].random_id;
  }
  explore_lost("no message %s", name);
}

static int call_open_message(bench *b, void *arg) {
  int64_t id = id_named(b, arg);
  return schat_messages_opened(b->m, b->chat, &id, 1, b->w->now);
}

void we_open(bench *b, const char *name) { attempt(b, call_open_message, (void *)(uintptr_t)name); }

static int call_close_message(bench *b, void *arg) {
  int64_t id = id_named(b, arg);
  return schat_messages_closed(b->m, b->chat, &id, 1, b->w->now);
}

void we_close(bench *b, const char *name) { attempt(b, call_close_message, (void *)(uintptr_t)name); }

static int call_delete(bench *b, void *arg) {
  const char *const *names = arg;
  int64_t id = id_named(b, names[0]);
  return schat_messages_delete(b->m, b->chat, &id, 1, id_of(names[1]), b->w->now);
}

void we_delete(bench *b, const char *name) {
  char deletion[48];
  const char *names[2];
  snprintf(deletion, sizeof deletion, "no more %s", name);
  names[0] = name;
  names[1] = deletion;
  if (!was_sent(b, deletion)) attempt(b, call_delete, names);
}

static int call_flush(bench *b, void *arg) {
  (void)arg;
  return schat_history_flush(b->m, b->chat, id_of("flush"), b->w->now);
}

void we_flush(bench *b) {
  if (!was_sent(b, "flush")) attempt(b, call_flush, NULL);
}

static int call_screenshot(bench *b, void *arg) {
  int64_t id = id_named(b, arg);
  return schat_screenshot(b->m, b->chat, &id, 1, id_of("screenshot"), b->w->now);
}

void we_shoot(bench *b, const char *name) {
  if (!was_sent(b, "screenshot")) attempt(b, call_screenshot, (void *)(uintptr_t)name);
}

static int call_discard(bench *b, void *arg) {
  const order *o = arg;
  return schat_chat_discard(b->m, b->chat, o->flags, b->w->now);
}

void we_discard(bench *b, uint32_t flags) {
  order o = {NULL, 0, flags};
  attempt(b, call_discard, &o);
}

/* The peer ----------------------------------------------------------------------------------------------------------------------- */

void peer_says(bench *b, const char *name, int32_t ttl) {
  int64_t id = 0;
  if (named(b, name)) return;
  MUST(world_text_ttl(b->w, 1, b->chat, name, ttl, &id) >= 0, "the peer cannot say %s", name);
  bench_name(b, id, name);
}

void peer_deletes(bench *b, const char *name) {
  int64_t id = id_named(b, name);
  MUST(schat_messages_delete(b->w->peers[1].manager, b->chat, &id, 1, 0, b->w->now) >= 0, "the peer cannot delete %s", name);
}

/* Conditions --------------------------------------------------------------------------------------------------------------------- */

int is_ready(bench *b) {
  const schat__slot *ours, *theirs;
  take_chat(b);
  ours = bench_slot(b);
  theirs = bench_peer_slot(b);
  return ours != NULL && theirs != NULL && ours->chat.state == SCHAT_STATE_READY && theirs->chat.state == SCHAT_STATE_READY;
}

int key_is_new(bench *b) {
  const schat__slot *ours = bench_slot(b), *theirs = bench_peer_slot(b);
  return ours->chat.key_fingerprint == theirs->chat.key_fingerprint && ours->chat.key_fingerprint != b->first_key &&
         !((ours->chat.flags | theirs->chat.flags) & SCHAT_CHAT_REKEYING);
}

static const char *awaited;

static int has_message(bench *b) { return applog_has(b, SCHAT_EVENT_MESSAGE, awaited); }

static int peer_has_message(bench *b) {
  size_t i;
  for (i = 0; i < b->w->peers[1].event_count; i++) {
    const world_event *e = &b->w->peers[1].events[i];
    if (e->type == SCHAT_EVENT_MESSAGE && strcmp(e->text, awaited) == 0) return 1;
  }
  return 0;
}

void await_message(bench *b, const char *name) {
  awaited = name;
  bench_await(b, has_message, name);
}

void await_heard(bench *b, const char *name) {
  awaited = name;
  bench_await(b, peer_has_message, name);
}

void take_chat(bench *b) {
  int32_t ids[4];
  size_t count = 0;
  if (schat_chat_list(b->m, ids, 4, &count) == SCHAT_OK && count == 1) b->chat = ids[0];
}

/* Preparations ------------------------------------------------------------------------------------------------------------------- */

static int call_create(bench *b, void *arg) {
  (void)arg;
  return schat_chat_create(b->m, b->w->peers[1].user_id, b->w->now, &b->chat);
}

static int call_accept(bench *b, void *arg) {
  (void)arg;
  return schat_chat_accept(b->m, b->chat, b->w->now);
}

/* Both have said something, so that all is confirmed. */
static void talk(bench *b) {
  we_say(b, "prepared", 0);
  bench_settle(b);
  peer_says(b, "prepared too", 0);
  bench_settle(b);
  we_say(b, "prepared at last", 0);
  bench_settle(b);
  b->first_key = bench_slot(b)->chat.key_fingerprint;
}

void prepare_chat(bench *b) {
  bench_begin(b);
  attempt(b, call_create, NULL);
  bench_settle(b);
  MUST(schat_chat_accept(b->w->peers[1].manager, b->chat, b->w->now) >= 0, "the peer cannot accept");
  bench_settle(b);
  MUST(is_ready(b), "no chat");
  talk(b);
}

void prepare_chat_of_peer(bench *b) {
  bench_begin(b);
  MUST(schat_chat_create(b->w->peers[1].manager, b->w->peers[0].user_id, b->w->now, &b->chat) >= 0, "the peer cannot ask");
  bench_settle(b);
  take_chat(b);
  attempt(b, call_accept, NULL);
  bench_settle(b);
  MUST(is_ready(b), "no chat");
  talk(b);
}

/* The table ---------------------------------------------------------------------------------------------------------------------- */

const scenario *scenario_at(size_t i) {
  static const scenario *const tables[] = {scenarios_handshake, scenarios_messages, scenarios_rekey,   scenarios_gaps,
                                           scenarios_lives,     scenarios_ends,     scenarios_opening, scenarios_commits};
  size_t t;
  for (t = 0; t < sizeof tables / sizeof *tables; t++) {
    const scenario *s;
    for (s = tables[t]; s->name != NULL; s++) {
      if (i-- == 0) return s;
    }
  }
  return NULL;
}

const scenario *scenario_named(const char *name) {
  size_t i;
  const scenario *s;
  for (i = 0; (s = scenario_at(i)) != NULL && strcmp(s->name, name) != 0; i++) continue;
  return s;
}
