/* SPDX-License-Identifier: BSL-1.0
 * foreign.c - see foreign.h: the client as a whole, its queue of updates, its orders and its events. */
#include "foreign_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MS 15000 /* without an answer: again */
#define IDLE_MS 900000  /* without an update: getDifference */
#define NO_DATE 1       /* getDifference wants a date above 0 */

void foreign_must(int condition) {
  if (!condition) abort();
}

/* splitmix64 */
uint64_t foreign_draw(foreign *f) {
  uint64_t z = f->random += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

int64_t foreign_draw_id(foreign *f) {
  int64_t id = schat__int64(foreign_draw(f));
  return id != 0 ? id : 1;
}

static int fill(void *user_data, uint8_t *out, size_t size) {
  foreign *f = user_data;
  size_t i;
  for (i = 0; i < size; i++) out[i] = (uint8_t)(foreign_draw(f) >> 16);
  return 0;
}

void *foreign_copy(const void *data, size_t size) {
  void *p = malloc(size != 0 ? size : 1);
  foreign_must(p != NULL);
  if (size != 0) memcpy(p, data, size);
  return p;
}

void *foreign_grown(void *items, size_t count, size_t item_size) {
  if (count != 0 && (count & (count - 1)) != 0) return items; /* room is a power of two */
  items = realloc(items, (count == 0 ? 1 : 2 * count) * item_size);
  foreign_must(items != NULL);
  return items;
}

/* Life ---------------------------------------------------------------------------------------------------------------------- */

static void send_to_relay(void *arg, const schat_request *request, int64_t now) {
  foreign *f = arg;
  relay_request(f->relay, f->device, request, now);
}

foreign *foreign_new(relay *r, int device, int64_t user_id, foreign_profile profile, uint64_t seed) {
  foreign *f = calloc(1, sizeof *f);
  foreign_must(f != NULL);
  f->relay = r;
  f->device = device;
  f->user_id = user_id;
  f->profile = profile;
  f->traits = foreign_traits_of(profile);
  f->random = seed ^ UINT64_C(0x5eed0f0f04e16e);
  f->output = send_to_relay;
  f->output_arg = f;
  f->qts = relay_qts(r, device);
  f->date = NO_DATE;
  f->idle_at = INT64_MAX;
  foreign_must(schat__crypto_new(NULL, fill, f, &f->crypto) == SCHAT_OK);
  schat__arena_init(&f->arena, NULL, SIZE_MAX);
  return f;
}

static void free_chat(foreign_chat *c) {
  size_t i;
  for (i = 0; i < (size_t)c->out_count; i++) {
    free(c->out[i].object);
    free(c->out[i].sealed);
  }
  foreign_forget_out(c);
  foreign_forget_held(c);
  for (i = 0; i < c->kept_count; i++) free(c->kept[i].bytes);
  strict_free(c->strict);
  free(c->sends);
  free(c->out);
  free(c->held);
  free(c->kept);
  free(c->asked);
  free(c->keys);
  free(c);
}

void foreign_free(foreign *f) {
  size_t i;
  if (f == NULL) return;
  for (i = 0; i < f->chat_count; i++) free_chat(f->chats[i]);
  free(f->chats);
  free(f->events);
  schat__arena_free(&f->arena);
  schat__crypto_free(f->crypto);
  free(f);
}

void foreign_set_output(foreign *f, foreign_request_fn fn, void *arg) {
  f->output = fn;
  f->output_arg = arg;
}

void foreign_fillers(foreign *f, int on) {
  f->fillers = on;
}

void foreign_short_values(foreign *f, int on) {
  f->short_values = on;
}

foreign_chat *foreign_find(const foreign *f, int32_t chat_id) {
  size_t i;
  for (i = 0; i < f->chat_count; i++) {
    if (f->chats[i]->chat_id == chat_id) return f->chats[i];
  }
  return NULL;
}

foreign_chat *foreign_chat_new(foreign *f, int32_t chat_id, int originator) {
  foreign_chat *c = calloc(1, sizeof *c);
  foreign_must(c != NULL);
  c->chat_id = chat_id;
  c->originator = originator;
  c->current = c->other = c->next = -1;
  c->pending_first = c->resend_end = -1;
  c->layer = f->traits->first_layer;
  c->peer_layer = 46; /* R-LAY-01 */
  f->chats = foreign_grown(f->chats, f->chat_count, sizeof *f->chats);
  f->chats[f->chat_count++] = c;
  return c;
}

int foreign_add_key(foreign *f, foreign_chat *c, const uint8_t key[256]) {
  key_slot *k;
  c->keys = foreign_grown(c->keys, c->key_count, sizeof *c->keys);
  k = &c->keys[c->key_count];
  memcpy(k->key, key, sizeof k->key);
  foreign_must(schat__key_fingerprint(f->crypto, key, &k->fingerprint) == SCHAT_OK);
  k->usable = 1;
  return (int)c->key_count++;
}

void foreign_end(foreign *f, foreign_chat *c, const char *why, int by_us) {
  if (c->state == CHAT_CLOSED) return;
  c->state = CHAT_CLOSED;
  foreign_log(f, c, FOREIGN_CLOSED, why)->by_us = by_us;
  foreign_forget_out(c);
  foreign_forget_held(c);
  c->send_token = c->token = 0;
  c->discard_due = by_us;
  foreign_chat_ask(f, c);
}

void foreign_close(foreign *f, foreign_chat *c, const char *why) {
  foreign_end(f, c, why, 1);
}

/* Requests and what comes back ------------------------------------------------------------------------------------------------ */

uint64_t foreign_ask_relay(foreign *f, schat_request *request) {
  request->token = ++f->next_token;
  f->output(f->output_arg, request, f->now);
  return request->token;
}

void foreign_request_difference(foreign *f) {
  schat_request q;
  if (f->difference_token != 0) return;
  SCHAT_INIT(q);
  q.type = SCHAT_REQUEST_GET_DIFFERENCE;
  q.qts = f->qts;
  q.date = f->date;
  f->difference_at = f->now + ANSWER_MS;
  f->difference_token = foreign_ask_relay(f, &q);
}

static void acknowledge_queue(foreign *f) {
  schat_request q;
  SCHAT_INIT(q);
  q.type = SCHAT_REQUEST_RECEIVED_QUEUE;
  q.qts = f->qts;
  foreign_ask_relay(f, &q);
}

static void take_message(foreign *f, const schat_encrypted_message *m) {
  foreign_chat *c = foreign_find(f, m->chat_id);
  if (c == NULL || c->state == CHAT_CLOSED || c->current < 0) {
    foreign_log(f, c, FOREIGN_DROPPED, c == NULL ? "unknown chat" : c->current < 0 ? "no key yet" : "closed")->chat_id = m->chat_id;
    return;
  }
  foreign_receive(f, c, m->bytes, m->random_id);
  schat__arena_reset(&f->arena);
}

static void take_pushed(foreign *f, const relay_item *item) {
  const foreign_chat *c = foreign_find(f, item->message.chat_id);
  if (item->qts != 0 && item->qts <= f->qts) return;
  if ((item->qts != 0 && item->qts != f->qts + 1) || c == NULL || c->current < 0) {
    foreign_request_difference(f); /* something before it has not come */
    return;
  }
  if (item->qts != 0) f->qts = item->qts;
  take_message(f, &item->message);
  acknowledge_queue(f);
}

static void take_difference(foreign *f, const relay_item *item) {
  size_t i;
  f->difference_token = 0;
  for (i = 0; i < item->difference.chat_count; i++) foreign_chat_update(f, &item->difference.chats[i]);
  if (item->difference.qts > f->qts) { /* otherwise another one was faster */
    for (i = 0; i < item->difference.message_count; i++) take_message(f, &item->difference.messages[i]);
    f->qts = item->difference.qts;
    acknowledge_queue(f);
  }
  if (item->difference.date > f->date) f->date = item->difference.date;
  if (item->more) foreign_request_difference(f);
}

static void take_answer(foreign *f, const relay_item *item) {
  size_t i;
  if (item->token == f->difference_token) {
    f->difference_token = 0;
    f->difference_at = f->now + 1000;
    f->idle_at = f->difference_at;
    return;
  }
  for (i = 0; i < f->chat_count; i++) {
    foreign_chat *c = f->chats[i];
    if (item->token == c->token) {
      foreign_chat_answer(f, c, item);
      return;
    }
    if (item->token == c->send_token) {
      foreign_send_answer(f, c, item);
      return;
    }
  }
}

static void take_read(foreign *f, const relay_item *item) {
  const foreign_chat *c = foreign_find(f, item->chat_id);
  if (c != NULL) foreign_log(f, c, FOREIGN_READ, "")->value = item->max_date;
}

void foreign_input(foreign *f, const relay_item *item, int64_t now) {
  if (now > f->now) f->now = now;
  if (item->kind >= RELAY_DIFFERENCE) f->idle_at = f->now + IDLE_MS;
  switch ((relay_kind)item->kind) {
    case RELAY_ANSWER:
    case RELAY_ERROR:
      take_answer(f, item);
      break;
    case RELAY_DIFFERENCE:
      if (item->token == f->difference_token) take_difference(f, item);
      break;
    case RELAY_MESSAGE:
      take_pushed(f, item);
      break;
    case RELAY_CHAT:
      foreign_chat_update(f, &item->chat);
      break;
    case RELAY_READ:
      take_read(f, item);
      break;
    case RELAY_TYPING:
      break;
  }
}

int foreign_run(foreign *f, int64_t now) {
  const relay_item *item;
  int any = 0;
  foreign_tick(f, now);
  while (relay_poll(f->relay, f->device, now, &item)) {
    foreign_input(f, item, now);
    any = 1;
  }
  return any;
}

/* Time ---------------------------------------------------------------------------------------------------------------------- */

static void tick_chat(foreign *f, foreign_chat *c) {
  if (c->token != 0 && f->now >= c->ask_at) c->token = 0;
  if (c->token == 0 && f->now >= c->ask_at) foreign_chat_ask(f, c);
  if (c->state != CHAT_READY) return;
  if (c->pending_first >= 0 && f->now >= c->pending_at) foreign_send_pending_resend(f, c);
  foreign_rekey_tend(f, c);
  if (c->send_token != 0 && f->now >= c->send_at) c->send_token = 0;
  foreign_pump(f, c);
}

void foreign_tick(foreign *f, int64_t now) {
  size_t i;
  if (now > f->now) f->now = now;
  if (f->idle_at == INT64_MAX) f->idle_at = f->now + IDLE_MS;
  if (f->difference_token != 0 && f->now >= f->difference_at) {
    f->difference_token = 0;
    foreign_request_difference(f);
  }
  if (f->now >= f->idle_at) {
    f->idle_at = f->now + IDLE_MS;
    foreign_request_difference(f);
  }
  for (i = 0; i < f->chat_count; i++) tick_chat(f, f->chats[i]);
}

static void sooner(int64_t *deadline, int64_t at) {
  if (at < *deadline) *deadline = at;
}

static int64_t chat_deadline(const foreign_chat *c) {
  int64_t at = INT64_MAX;
  if (c->state == CHAT_CREATING || c->state == CHAT_ACCEPTING || (c->state == CHAT_CLOSED && c->discard_due)) sooner(&at, c->ask_at);
  if (c->state != CHAT_READY) return at;
  if (c->pending_first >= 0) sooner(&at, c->pending_at);
  if (c->send_count != 0) sooner(&at, c->send_at);
  return at;
}

int64_t foreign_deadline(const foreign *f) {
  int64_t at = f->idle_at;
  size_t i;
  if (f->difference_token != 0) sooner(&at, f->difference_at);
  for (i = 0; i < f->chat_count; i++) sooner(&at, chat_deadline(f->chats[i]));
  return at;
}

/* What was only in memory is gone; requests on their way are asked anew. */
static void restart_chat(foreign *f, foreign_chat *c) {
  c->token = c->send_token = 0;
  c->ask_at = c->send_at = f->now;
  if (f->traits->holders_in_memory) foreign_forget_held(c);
  c->asked_count = 0;
  if (f->traits->ask == ASK_ONE_GAP) c->resend_end = -1;
  if (f->traits->resend_can_be_lost) c->pending_first = -1;
}

void foreign_restart(foreign *f, int64_t now) {
  const relay_item *nothing;
  size_t i;
  if (now > f->now) f->now = now;
  relay_disconnect(f->relay, f->device);
  (void)relay_poll(f->relay, f->device, f->now, &nothing);
  f->difference_token = 0;
  for (i = 0; i < f->chat_count; i++) restart_chat(f, f->chats[i]);
  foreign_request_difference(f);
  foreign_tick(f, now);
}

int foreign_catch_up(foreign *f, int64_t now) {
  if (now > f->now) f->now = now;
  foreign_request_difference(f);
  return 0;
}

/* Events -------------------------------------------------------------------------------------------------------------------- */

foreign_event *foreign_log(foreign *f, const foreign_chat *c, foreign_event_type type, const char *text) {
  foreign_event *e;
  f->events = foreign_grown(f->events, f->event_count, sizeof *f->events);
  e = &f->events[f->event_count++];
  memset(e, 0, sizeof *e);
  e->type = type;
  e->chat_id = c == NULL ? 0 : c->chat_id;
  (void)snprintf(e->text, sizeof e->text, "%s", text);
  return e;
}

const foreign_event *foreign_events(const foreign *f, size_t *count) {
  *count = f->event_count;
  return f->events;
}

size_t foreign_count(const foreign *f, foreign_event_type type) {
  size_t i, n = 0;
  for (i = 0; i < f->event_count; i++) n += f->events[i].type == type;
  return n;
}

const foreign_event *foreign_last(const foreign *f, foreign_event_type type) {
  size_t i;
  for (i = f->event_count; i-- > 0;) {
    if (f->events[i].type == type) return &f->events[i];
  }
  return NULL;
}

int foreign_view(const foreign *f, int32_t chat_id, foreign_chat_view *v) {
  const foreign_chat *c = foreign_find(f, chat_id);
  int32_t i;
  memset(v, 0, sizeof *v);
  if (c == NULL) return -1;
  v->chat_id = c->chat_id;
  v->sent = c->out_count;
  v->received = c->in_seq;
  v->acknowledged = c->acked;
  v->ready = c->state == CHAT_READY;
  v->closed = c->state == CHAT_CLOSED;
  v->gap = c->held_count != 0;
  v->exchange_open = c->exchange != EXCHANGE_NONE;
  v->originator = c->originator;
  v->waiting = c->held_count;
  for (i = 0; i < c->out_count; i++) v->unsent += !c->out[i].answered;
  v->key_fingerprint = c->current < 0 ? 0 : c->keys[c->current].fingerprint;
  v->layer = c->layer;
  v->peer_layer = c->peer_layer;
  return 0;
}

/* With one key: the version that opens it, or 0. */
static int try_key(const foreign *f, const key_slot *k, int of_originator, schat_bytes bytes, uint8_t *work, schat_bytes *object) {
  int version;
  for (version = 2; version >= 1; version--) {
    if (schat__envelope_open(f->crypto, k->key, k->fingerprint, version, of_originator, bytes.data, bytes.size, work, &object->data,
                             &object->size) == 1) {
      return version;
    }
  }
  return 0;
}

int foreign_open_bytes(const foreign *f, int32_t chat_id, int from_us, schat_bytes bytes, uint8_t **object, size_t *size, size_t *padding,
                       int *mtproto) {
  const foreign_chat *c = foreign_find(f, chat_id);
  int version = 0;
  schat_bytes o = {NULL, 0};
  uint8_t *work;
  size_t i;
  if (c == NULL || bytes.size < SCHAT__ENVELOPE_HEAD) return -1;
  work = malloc(bytes.size);
  foreign_must(work != NULL);
  for (i = 0; i < c->key_count && version == 0; i++) {
    if (c->keys[i].fingerprint != schat__envelope_fingerprint(bytes.data)) continue;
    version = try_key(f, &c->keys[i], from_us == c->originator, bytes, work, &o);
  }
  if (version != 0) {
    *object = foreign_copy(o.data, o.size);
    *size = o.size;
    *padding = bytes.size - SCHAT__ENVELOPE_HEAD - 4 - o.size;
    *mtproto = version;
  }
  free(work);
  return version == 0 ? -1 : 0;
}
