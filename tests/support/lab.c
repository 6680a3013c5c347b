/* SPDX-License-Identifier: BSL-1.0
 * lab.c - see lab.h. */
#include "lab.h"

#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "manager/manager.h"

static void must(int condition) {
  if (!condition) abort();
}

static void *grow(void *p, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return p;
  *capacity = *capacity == 0 ? 64 : *capacity * 2;
  p = realloc(p, *capacity * size);
  must(p != NULL);
  return p;
}

/* Looking --------------------------------------------------------------------------------------------------------------------- */

schat_manager *lab_manager(const lab *l) {
  return l->w->peers[0].manager;
}
schat__slot *lab_slot(const lab *l) {
  return puppet_slot(lab_manager(l), l->chat_id);
}
const schat__chat *lab_chat(const lab *l) {
  return &lab_slot(l)->chat;
}

schat__rekey_state lab_state(const lab *l) {
  const schat__secrets *s = lab_slot(l)->secrets;
  return s == NULL ? SCHAT__REKEY_IDLE : (schat__rekey_state)s->state;
}

int lab_has(const lab *l, unsigned what) {
  return lab_slot(l)->secrets != NULL && (lab_slot(l)->secrets->has & what) != 0;
}

const schat__config *lab_config(const lab *l) {
  const schat__config *config = schat__config_find(&lab_manager(l)->env, lab_chat(l)->config);
  must(config != NULL);
  return config;
}

size_t lab_count(const lab *l, schat__action_type action) {
  size_t i, count = 0;
  for (i = 0; i < l->sent_count; i++) count += l->sent[i].action == action;
  return count;
}

const lab_sent *lab_last(const lab *l, schat__action_type action) {
  size_t i;
  for (i = l->sent_count; i-- > 0;) {
    if (l->sent[i].action == action) return &l->sent[i];
  }
  return NULL;
}

size_t lab_events(const lab *l, int32_t type) {
  size_t i, count = 0;
  for (i = 0; i < l->event_count; i++) count += l->events[i].type == type;
  return count;
}

const lab_event *lab_last_event(const lab *l, int32_t type) {
  size_t i;
  for (i = l->event_count; i-- > 0;) {
    if (l->events[i].type == type) return &l->events[i];
  }
  return NULL;
}

/* Taking what leaves ------------------------------------------------------------------------------------------------------------ */

static void know_key(lab *l, const uint8_t key[256]) {
  if (l->key_count == LAB_KEYS) memmove(l->keys[0], l->keys[1], --l->key_count * 256);
  memcpy(l->keys[l->key_count++], key, 256);
}

/* Opens it under whichever known key it names. */
static int open_any(lab *l, schat_bytes data, puppet_seen *seen) {
  uint8_t key[256];
  size_t i;
  int found = 0;
  memcpy(key, l->p->key, sizeof key);
  for (i = l->key_count; !found && i-- > 0;) {
    puppet_use_key(l->p, l->keys[i]);
    found = l->p->key_fingerprint == schat__int64(schat__load64(data.data)) && puppet_read(l->p, data, seen);
  }
  puppet_use_key(l->p, key);
  return found;
}

static void copy_text(char into[64], schat_bytes text) {
  size_t size = text.size < 63 ? text.size : 63;
  if (size > 0) memcpy(into, text.data, size);
  into[size] = 0;
}

static void note_sent(lab *l, const schat_request *request) {
  puppet_seen seen;
  lab_sent *s;
  l->sent = grow(l->sent, l->sent_count, &l->sent_capacity, sizeof *l->sent);
  s = &l->sent[l->sent_count++];
  memset(s, 0, sizeof *s);
  must(open_any(l, request->data, &seen)); /* nothing is ever sealed under a key that is not known here */
  s->fingerprint = schat__int64(schat__load64(request->data.data));
  s->random_id = request->random_id;
  s->action = seen.action.type;
  s->out_raw = seen.out_raw;
  s->in_raw = seen.in_raw;
  s->exchange_id = seen.action.exchange_id;
  s->key_fingerprint = seen.action.key_fingerprint;
  s->start = seen.action.start;
  s->end = seen.action.end;
  if (seen.action.type == SCHAT__ACTION_REQUEST_KEY || seen.action.type == SCHAT__ACTION_ACCEPT_KEY) {
    must(seen.action.g.size == 256);
    memcpy(s->g, seen.action.g.data, 256);
  }
  copy_text(s->text, seen.message.text);
}

static void note_event(lab *l, const schat_event *event) {
  lab_event *e;
  l->events = grow(l->events, l->event_count, &l->event_capacity, sizeof *l->events);
  e = &l->events[l->event_count++];
  memset(e, 0, sizeof *e);
  e->type = event->type;
  e->reason = event->reason;
  e->value = event->value;
  if (event->message != NULL) copy_text(e->text, event->message->text);
}

static int is_send(int32_t type) {
  return type == SCHAT_REQUEST_SEND_ENCRYPTED || type == SCHAT_REQUEST_SEND_ENCRYPTED_FILE || type == SCHAT_REQUEST_SEND_SERVICE;
}

static void confirm(lab *l, uint64_t token) {
  schat_answer answer;
  SCHAT_INIT(answer);
  answer.type = SCHAT_ANSWER_SENT;
  answer.date = (int32_t)(l->w->now / 1000);
  (void)schat_request_done(lab_manager(l), token, &answer, l->w->now); /* a store that fails is part of some tests */
}

void lab_drain(lab *l) {
  schat_effect effect;
  SCHAT_INIT(effect);
  while (schat_peek(lab_manager(l), &effect) == SCHAT_OK) {
    uint64_t token = 0;
    if (effect.event != NULL) note_event(l, effect.event);
    if (effect.request != NULL && is_send(effect.request->type) && effect.request->chat_id == l->chat_id) {
      note_sent(l, effect.request);
      token = effect.request->token;
    }
    schat_pop(lab_manager(l));
    if (token != 0 && !l->mute) confirm(l, token);
  }
  puppet_forget(l->p);
}

void lab_forget(lab *l) {
  l->sent_count = l->event_count = 0;
}

void lab_tick(lab *l, int64_t milliseconds) {
  l->w->now += milliseconds;
  must(schat_tick(lab_manager(l), l->w->now) >= 0);
  lab_drain(l);
}

void lab_restart(lab *l, int crash) {
  world_restart(l->w, 0, crash);
  must(schat_tick(lab_manager(l), l->w->now) >= 0);
  lab_drain(l);
}

void lab_rewind(lab *l, const memstore *image) {
  world_peer *peer = &l->w->peers[0];
  memstore *old = peer->store; /* the open manager writes to it while it closes */
  peer->store = memstore_clone(image);
  lab_restart(l, 1);
  memstore_free(old);
}

/* Building up ------------------------------------------------------------------------------------------------------------------- */

lab *lab_new(uint64_t seed, int originator, const schat_policy *policy) {
  lab *l = calloc(1, sizeof *l);
  must(l != NULL);
  l->w = world_new(seed, 2);
  if (policy != NULL) {
    l->w->peers[0].policy = *policy;
    world_restart(l->w, 0, 0);
    world_run(l->w);
  }
  l->chat_id = originator ? world_chat(l->w, 0, 1) : world_chat(l->w, 1, 0);
  must(world_info(l->w, 0, l->chat_id).state == SCHAT_STATE_READY);
  l->p = puppet_new(lab_manager(l), l->chat_id);
  know_key(l, l->p->key);
  return l;
}

void lab_free(lab *l) {
  puppet_free(l->p);
  world_free(l->w);
  free(l->sent);
  free(l->events);
  free(l);
}

/* Talking ----------------------------------------------------------------------------------------------------------------------- */

int lab_text(lab *l, const char *text) {
  int status = world_text(l->w, 0, l->chat_id, text, NULL);
  lab_drain(l);
  return status;
}

static void acknowledge(lab *l) {
  if (!l->lag) l->p->in_raw = lab_chat(l)->out_seq;
}

static int64_t next_random_id(void) {
  static int64_t id = 1000;
  return ++id;
}

static int send(lab *l, schat_bytes object) {
  int status;
  acknowledge(l);
  status = puppet_send(l->p, lab_manager(l), object, l->w->now);
  lab_drain(l);
  return status;
}

int lab_say(lab *l, const char *text) {
  return send(l, puppet_text(l->p, next_random_id(), text, 0));
}

int lab_act(lab *l, const schat__action *action) {
  return send(l, puppet_action(l->p, action));
}

int lab_noop(lab *l) {
  schat__action noop;
  memset(&noop, 0, sizeof noop);
  noop.type = SCHAT__ACTION_NOOP;
  return lab_act(l, &noop);
}

schat__action lab_key_action(schat__action_type type, int64_t exchange_id, const uint8_t *g, size_t g_size, int64_t fingerprint) {
  schat__action action;
  memset(&action, 0, sizeof action);
  action.type = type;
  action.exchange_id = exchange_id;
  action.key_fingerprint = fingerprint;
  action.g.data = g;
  action.g.size = g_size;
  return action;
}

int lab_send_key(lab *l, schat__action_type type, int64_t exchange_id, const uint8_t *g, size_t g_size, int64_t fingerprint) {
  schat__action action = lab_key_action(type, exchange_id, g, g_size, fingerprint);
  return lab_act(l, &action);
}

static uint8_t *hold(lab *l, schat_bytes object, size_t *size) {
  int32_t raw = l->p->out_raw++;
  acknowledge(l);
  return puppet_seal(l->p, schat__wire_in(l->p->in_raw, l->p->originator), schat__wire_out(raw, l->p->originator), object, size);
}

uint8_t *lab_hold(lab *l, const schat__action *action, size_t *size) {
  return hold(l, puppet_action(l->p, action), size);
}

uint8_t *lab_hold_text(lab *l, const char *text, size_t *size) {
  return hold(l, puppet_text(l->p, next_random_id(), text, 0), size);
}

int lab_feed(lab *l, const uint8_t *bytes, size_t size) {
  int status = puppet_feed(lab_manager(l), l->chat_id, bytes, size, l->w->now);
  lab_drain(l);
  return status;
}

/* The puppet's side of an exchange ------------------------------------------------------------------------------------------------ */

void lab_draw(lab *l) {
  const schat__config *c = lab_config(l);
  must(schat__dh_generate(l->p->crypto, c->p, c->g, NULL, 0, l->exponent, l->own) == SCHAT_OK);
}

void lab_derive(lab *l, const uint8_t g[256]) {
  must(schat__dh_key(l->p->crypto, lab_config(l)->p, g, l->exponent, l->next) == SCHAT_OK);
  must(schat__key_fingerprint(l->p->crypto, l->next, &l->next_fingerprint) == SCHAT_OK);
  know_key(l, l->next);
}

int lab_request(lab *l, int64_t exchange_id) {
  lab_draw(l);
  l->exchange_id = exchange_id;
  return lab_send_key(l, SCHAT__ACTION_REQUEST_KEY, exchange_id, l->own, 256, 0);
}

int lab_answer(lab *l) {
  const lab_sent *request = lab_last(l, SCHAT__ACTION_REQUEST_KEY);
  must(request != NULL);
  l->exchange_id = request->exchange_id;
  lab_draw(l);
  lab_derive(l, request->g);
  return lab_send_key(l, SCHAT__ACTION_ACCEPT_KEY, l->exchange_id, l->own, 256, l->next_fingerprint);
}

int lab_commit(lab *l) {
  const lab_sent *accept = lab_last(l, SCHAT__ACTION_ACCEPT_KEY);
  schat__action action;
  uint8_t *bytes;
  size_t size;
  int status;
  must(accept != NULL && accept->exchange_id == l->exchange_id);
  lab_derive(l, accept->g);
  action = lab_key_action(SCHAT__ACTION_COMMIT_KEY, l->exchange_id, NULL, 0, l->next_fingerprint);
  bytes = lab_hold(l, &action, &size);
  lab_take_next(l);
  status = lab_feed(l, bytes, size);
  free(bytes);
  return status;
}

void lab_take_next(lab *l) {
  puppet_use_key(l->p, l->next);
}

void lab_make_request(lab *l) {
  size_t before = lab_count(l, SCHAT__ACTION_REQUEST_KEY);
  if (lab_chat(l)->key_sealed == 0) must(lab_text(l, "the first under this key") == SCHAT_OK);
  lab_tick(l, LAB_WEEK + 1);
  must(lab_count(l, SCHAT__ACTION_REQUEST_KEY) == before + 1 && lab_state(l) == SCHAT__REKEY_REQUESTED);
}

void lab_exchange(lab *l, int by_library, int64_t exchange_id) {
  if (by_library) {
    lab_make_request(l);
    must(lab_answer(l) == SCHAT_OK);
    lab_take_next(l);
  } else {
    must(lab_request(l, exchange_id) == SCHAT_OK);
    must(lab_commit(l) == SCHAT_OK);
  }
  must(lab_noop(l) == SCHAT_OK);
  must(lab_slot(l)->secrets == NULL && lab_chat(l)->key_fingerprint == l->next_fingerprint);
}
