/* SPDX-License-Identifier: BSL-1.0
 * world.c - see world.h. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t storage_key[32] = {7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
                                        27, 28, 29, 30, 31};

const uint8_t *world_storage_key(void) { return storage_key; }

static void *grow(void *p, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return p;
  *capacity = *capacity == 0 ? 64 : *capacity * 2;
  p = realloc(p, *capacity * size);
  if (p == NULL) abort();
  return p;
}

static uint64_t next_random(uint64_t *state) {
  uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static int seeded_random(void *user_data, uint8_t *out, size_t size) {
  world_peer *peer = user_data;
  size_t i;
  if (peer->random_fails) return -1;
  for (i = 0; i < size; i++) out[i] = (uint8_t)(next_random(&peer->random_state) >> 24);
  return 0;
}

static void open_peer(world *w, size_t p) {
  world_peer *peer = &w->peers[p];
  schat_host host;
  schat_config config;
  int status;
  SCHAT_INIT(host);
  host.user_data = peer;
  host.random = seeded_random;
  SCHAT_INIT(config);
  config.store = memstore_store(peer->store);
  config.host = &host;
  config.policy = &peer->policy;
  config.storage_key = storage_key;
  config.user_id = peer->user_id;
  status = schat_open(&config, w->now, &peer->manager);
  if (status < 0) {
    fprintf(stderr, "world: open: %s\n", schat_status_name(status));
    abort();
  }
}

static void add_peer(world *w, int64_t user_id) {
  world_peer *peer = &w->peers[w->peer_count];
  memset(peer, 0, sizeof *peer);
  peer->world = w;
  peer->user_id = user_id;
  peer->device = relay_add_device(w->relay, user_id);
  peer->random_state = w->seed * 1000 + w->peer_count;
  peer->store = memstore_new();
  SCHAT_INIT(peer->policy);
  peer->policy.flags = SCHAT_POLICY_CHAIN_SENDS;
  w->peer_count++;
  open_peer(w, w->peer_count - 1);
}

world *world_new(uint64_t seed, size_t peers) {
  world *w = calloc(1, sizeof *w);
  size_t i;
  if (w == NULL) abort();
  w->seed = seed;
  w->now = WORLD_START;
  w->relay = relay_new(seed);
  for (i = 0; i < peers; i++) add_peer(w, relay_add_user(w->relay));
  return w;
}

size_t world_add_device(world *w, size_t of) {
  add_peer(w, w->peers[of].user_id);
  return w->peer_count - 1;
}

void world_free(world *w) {
  size_t i;
  for (i = 0; i < w->peer_count; i++) {
    schat_close(w->peers[i].manager);
    memstore_free(w->peers[i].store);
    free(w->peers[i].events);
    free(w->peers[i].requests);
  }
  relay_free(w->relay);
  free(w);
}

static void note_event(world_peer *peer, const schat_event *event) {
  world_event *e;
  size_t i;
  peer->events = grow(peer->events, peer->event_count, &peer->event_capacity, sizeof *e);
  e = &peer->events[peer->event_count++];
  memset(e, 0, sizeof *e);
  e->type = event->type;
  e->chat_id = event->chat_id;
  e->id = event->id;
  e->repeated = event->repeated;
  e->notify = event->notify;
  e->reason = event->reason;
  e->date = event->date;
  e->value = event->value;
  e->place = event->place;
  e->old_chat_id = event->old_chat_id;
  e->error_code = event->error_code;
  e->random_id = event->random_id;
  e->random_id_count = event->random_id_count < 16 ? event->random_id_count : 16;
  for (i = 0; i < e->random_id_count; i++) e->random_ids[i] = event->random_ids[i];
  e->file = event->file;
  if (event->message == NULL) return;
  e->ttl = event->message->ttl;
  e->media = event->message->media.type;
  e->text_size = event->message->text.size;
  if (e->text_size > 0) memcpy(e->text, event->message->text.data, e->text_size < 255 ? e->text_size : 255);
}

static void note_request(world_peer *peer, const schat_request *request) {
  world_request *r;
  size_t i;
  peer->requests = grow(peer->requests, peer->request_count, &peer->request_capacity, sizeof *r);
  r = &peer->requests[peer->request_count++];
  memset(r, 0, sizeof *r);
  r->type = request->type;
  r->chat_id = request->chat_id;
  r->token = request->token;
  r->after = request->after;
  r->qts = request->qts;
  r->max_date = request->max_date;
  r->file_type = request->file.type;
  r->random_id = request->random_id;
  r->key_fingerprint = request->key_fingerprint;
  r->size = request->data.size;
  r->digest = UINT64_C(0xcbf29ce484222325);
  for (i = 0; i < request->data.size; i++) r->digest = (r->digest ^ request->data.data[i]) * UINT64_C(0x100000001b3);
}

void world_drain(world *w, size_t p) {
  world_peer *peer = &w->peers[p];
  schat_effect effect;
  SCHAT_INIT(effect);
  while (schat_peek(peer->manager, &effect) == SCHAT_OK) {
    if (effect.event != NULL) note_event(peer, effect.event);
    if (effect.request != NULL) {
      note_request(peer, effect.request);
      if (!peer->hold) relay_request(w->relay, peer->device, effect.request, w->now);
    }
    schat_pop(peer->manager);
  }
}

static int feed(world *w, world_peer *peer, const relay_item *item) {
  if (peer->deaf && item->kind >= RELAY_MESSAGE) return SCHAT_OK;
  switch ((relay_kind)item->kind) {
    case RELAY_ANSWER:
      return schat_request_done(peer->manager, item->token, &item->answer, w->now);
    case RELAY_ERROR:
      return schat_request_failed(peer->manager, item->token, item->code, item->text, w->now);
    case RELAY_DIFFERENCE:
      return schat_input_difference(peer->manager, &item->difference, w->now);
    case RELAY_MESSAGE:
      return schat_input_message(peer->manager, &item->message, item->qts, w->now);
    case RELAY_CHAT:
      return schat_input_chat(peer->manager, &item->chat, w->now);
    case RELAY_READ:
      return schat_input_read(peer->manager, item->chat_id, item->max_date, item->date, w->now);
    case RELAY_TYPING:
      return schat_input_typing(peer->manager, item->chat_id, w->now);
  }
  return SCHAT_OK;
}

void world_deliver(world *w, size_t p) {
  world_peer *peer = &w->peers[p];
  const relay_item *item;
  world_drain(w, p);
  while (relay_poll(w->relay, peer->device, w->now, &item)) {
    peer->last_status = feed(w, peer, item);
    world_drain(w, p);
  }
}

void world_run(world *w) {
  size_t p;
  do {
    for (p = 0; p < w->peer_count; p++) world_deliver(w, p);
  } while (relay_next(w->relay) <= w->now);
}

static int64_t next_deadline(world *w) {
  int64_t next = relay_next(w->relay), deadline;
  size_t p;
  for (p = 0; p < w->peer_count; p++) {
    if (schat_next_deadline(w->peers[p].manager, &deadline) == SCHAT_OK && deadline < next) next = deadline;
  }
  return next;
}

void world_pass(world *w, int64_t milliseconds) {
  int64_t until = w->now + milliseconds;
  size_t p;
  while (w->now < until) {
    int64_t next = next_deadline(w);
    if (next <= w->now) next = w->now + 1;
    w->now = next < until ? next : until;
    for (p = 0; p < w->peer_count; p++) schat_tick(w->peers[p].manager, w->now);
    world_run(w);
  }
}

void world_restart(world *w, size_t p, int crash) {
  world_peer *peer = &w->peers[p];
  const relay_item *nothing;
  if (crash) {
    memstore *image = memstore_clone(peer->store);
    schat_close(peer->manager);
    memstore_free(peer->store);
    peer->store = image;
  } else {
    schat_close(peer->manager);
  }
  relay_disconnect(w->relay, peer->device);
  relay_poll(w->relay, peer->device, w->now, &nothing); /* connected again: what comes from now on is pushed */
  open_peer(w, p);
}

void world_catch_up(world *w, size_t p) {
  world_peer *peer = &w->peers[p];
  int32_t qts, date;
  const relay_item *item;
  schat_checkpoint(peer->manager, &qts, &date);
  item = relay_difference(w->relay, peer->device, qts, date, w->now);
  if (item != NULL) peer->last_status = schat_input_difference(peer->manager, &item->difference, w->now);
  world_drain(w, p);
}

int32_t world_chat(world *w, size_t a, size_t b) {
  int32_t chat_id = 0;
  if (schat_chat_create(w->peers[a].manager, w->peers[b].user_id, w->now, &chat_id) < 0) abort();
  world_run(w);
  if (schat_chat_accept(w->peers[b].manager, chat_id, w->now) < 0) abort();
  world_run(w);
  return chat_id;
}

int world_text_ttl(world *w, size_t p, int32_t chat_id, const char *text, int32_t ttl, int64_t *random_id) {
  schat_message message;
  schat_message_init(&message);
  message.text.data = (const uint8_t *)text;
  message.text.size = strlen(text);
  message.ttl = ttl;
  return schat_send(w->peers[p].manager, chat_id, &message, NULL, w->now, random_id);
}

int world_text(world *w, size_t p, int32_t chat_id, const char *text, int64_t *random_id) {
  return world_text_ttl(w, p, chat_id, text, SCHAT_TTL_OF_CHAT, random_id);
}

schat_chat_info world_info(world *w, size_t p, int32_t chat_id) {
  schat_chat_info info;
  SCHAT_INIT(info);
  if (schat_chat_get_info(w->peers[p].manager, chat_id, &info) != SCHAT_OK) info.state = SCHAT_STATE_NONE;
  return info;
}

size_t world_count(const world *w, size_t p, int32_t type) {
  size_t i, count = 0;
  for (i = 0; i < w->peers[p].event_count; i++) count += w->peers[p].events[i].type == type;
  return count;
}

const world_event *world_nth(const world *w, size_t p, int32_t type, size_t n) {
  size_t i;
  for (i = 0; i < w->peers[p].event_count; i++) {
    if (w->peers[p].events[i].type == type && n-- == 0) return &w->peers[p].events[i];
  }
  return NULL;
}

const world_event *world_last(const world *w, size_t p, int32_t type) {
  size_t i;
  for (i = w->peers[p].event_count; i-- > 0;) {
    if (w->peers[p].events[i].type == type) return &w->peers[p].events[i];
  }
  return NULL;
}

void world_forget(world *w) {
  size_t p;
  for (p = 0; p < w->peer_count; p++) w->peers[p].event_count = w->peers[p].request_count = 0;
}

size_t world_requests(const world *w, size_t p, int32_t type) {
  size_t i, count = 0;
  for (i = 0; i < w->peers[p].request_count; i++) count += w->peers[p].requests[i].type == type;
  return count;
}

const world_request *world_last_request(const world *w, size_t p, int32_t type) {
  size_t i;
  for (i = w->peers[p].request_count; i-- > 0;) {
    if (w->peers[p].requests[i].type == type) return &w->peers[p].requests[i];
  }
  return NULL;
}

memstore *world_image(const world *w, size_t p) { return memstore_clone(w->peers[p].store); }
