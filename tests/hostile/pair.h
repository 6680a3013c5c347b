/* SPDX-License-Identifier: BSL-1.0
 * pair.h - two accounts, the simulated server between them, and a count of every byte the library holds. For tools: a failure ends them. */
#ifndef SCHAT_TESTS_HOSTILE_PAIR_H
#define SCHAT_TESTS_HOSTILE_PAIR_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/memstore.h"
#include "../support/relay.h"
#include "secretchat/secretchat.h"

#define PAIR_NOW INT64_C(1800000000000)
#define PAIR_BLOCK_COST 16u /* what an allocator adds to a block; also where its size stands */

static inline void pair_must(int good, const char *what) {
  if (good) return;
  fprintf(stderr, "failed: %s\n", what);
  exit(1);
}

/* Memory -------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  size_t bytes; /* asked for and not given back, with PAIR_BLOCK_COST for every block */
} pair_heap;

static inline void *pair_allocate(void *user_data, size_t size) {
  pair_heap *heap = user_data;
  unsigned char *block = malloc(size + PAIR_BLOCK_COST);
  if (block == NULL) return NULL;
  memcpy(block, &size, sizeof size);
  heap->bytes += size + PAIR_BLOCK_COST;
  return block + PAIR_BLOCK_COST;
}

static inline void pair_release(void *user_data, void *memory) {
  pair_heap *heap = user_data;
  unsigned char *block = (unsigned char *)memory - PAIR_BLOCK_COST;
  size_t size;
  memcpy(&size, block, sizeof size);
  heap->bytes -= size + PAIR_BLOCK_COST;
  free(block);
}

/* A manager without callbacks over a store, its memory counted. */
static inline schat_manager *pair_open(memstore *store, pair_heap *heap, const uint8_t *storage_key) {
  schat_config config;
  schat_allocator allocator;
  schat_manager *manager = NULL;
  allocator.user_data = heap;
  allocator.allocate = pair_allocate;
  allocator.release = pair_release;
  SCHAT_INIT(config);
  config.store = memstore_store(store);
  config.allocator = &allocator;
  config.storage_key = storage_key;
  pair_must(schat_open(&config, PAIR_NOW, &manager) == SCHAT_OK, "schat_open");
  return manager;
}

/* Two accounts -------------------------------------------------------------------------------------------------------------- */

typedef struct {
  schat_manager *manager;
  memstore *store;
  pair_heap heap;
  int64_t user_id;
  int device;
} pair_side;

typedef struct {
  relay *server;
  pair_side sides[2];
  /* Told of everything that reaches the first side. */
  void (*tap)(void *arg, const relay_item *item);
  void *tap_arg;
} pair;

static const uint8_t pair_storage_key[SCHAT_STORAGE_KEY_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8};

static inline void pair_begin(pair *p, uint64_t seed) {
  int i;
  memset(p, 0, sizeof *p);
  p->server = relay_new(seed);
  for (i = 0; i < 2; i++) {
    pair_side *side = &p->sides[i];
    side->user_id = relay_add_user(p->server);
    side->device = relay_add_device(p->server, side->user_id);
    side->store = memstore_new();
    side->manager = pair_open(side->store, &side->heap, pair_storage_key);
  }
}

static inline void pair_end(pair *p) {
  int i;
  for (i = 0; i < 2; i++) {
    schat_close(p->sides[i].manager);
    memstore_free(p->sides[i].store);
  }
  relay_free(p->server);
}

/* Hands over what waits; with a server, requests go there and invitations are accepted. How many effects there were. */
static inline size_t pair_hand_over(pair *p, pair_side *side, int carry_out) {
  size_t count = 0;
  schat_effect effect;
  SCHAT_INIT(effect);
  while (schat_peek(side->manager, &effect) == SCHAT_OK) {
    int32_t invited = 0;
    if (carry_out && effect.request != NULL) relay_request(p->server, side->device, effect.request, PAIR_NOW);
    if (carry_out && effect.event != NULL && effect.event->type == SCHAT_EVENT_INVITED) invited = effect.event->chat_id;
    pair_must(schat_pop(side->manager) == SCHAT_OK, "schat_pop");
    if (invited != 0) pair_must(schat_chat_accept(side->manager, invited, PAIR_NOW) == SCHAT_OK, "schat_chat_accept");
    count++;
  }
  return count;
}

static inline int pair_feed(schat_manager *m, const relay_item *item) {
  switch ((relay_kind)item->kind) {
    case RELAY_ANSWER:
      return schat_request_done(m, item->token, &item->answer, PAIR_NOW);
    case RELAY_ERROR:
      return schat_request_failed(m, item->token, item->code, item->text, PAIR_NOW);
    case RELAY_DIFFERENCE:
      return schat_input_difference(m, &item->difference, PAIR_NOW);
    case RELAY_MESSAGE:
      return schat_input_message(m, &item->message, item->qts, PAIR_NOW);
    case RELAY_CHAT:
      return schat_input_chat(m, &item->chat, PAIR_NOW);
    case RELAY_READ:
      return schat_input_read(m, item->chat_id, item->max_date, item->date, PAIR_NOW);
    case RELAY_TYPING:
      return schat_input_typing(m, item->chat_id, PAIR_NOW);
  }
  return SCHAT_E_INVALID;
}

static inline size_t pair_receive(pair *p, int side) {
  size_t count = 0;
  const relay_item *item;
  while (relay_poll(p->server, p->sides[side].device, PAIR_NOW, &item)) {
    if (side == 0 && p->tap != NULL) p->tap(p->tap_arg, item);
    pair_must(pair_feed(p->sides[side].manager, item) >= 0, "an input");
    count++;
  }
  return count;
}

/* Until nothing moves any more. */
static inline void pair_settle(pair *p) {
  size_t moved;
  do {
    moved = pair_hand_over(p, &p->sides[0], 1) + pair_hand_over(p, &p->sides[1], 1);
    moved += pair_receive(p, 0) + pair_receive(p, 1);
  } while (moved > 0);
}

/* A chat that `from` asks for, ready on both sides. */
static inline int32_t pair_chat(pair *p, int from) {
  int32_t id = 0;
  schat_chat_info info;
  pair_must(schat_chat_create(p->sides[from].manager, p->sides[1 - from].user_id, PAIR_NOW, &id) == SCHAT_OK, "schat_chat_create");
  pair_settle(p);
  SCHAT_INIT(info);
  pair_must(schat_chat_get_info(p->sides[0].manager, id, &info) == SCHAT_OK && info.state == SCHAT_STATE_READY, "a ready chat");
  return id;
}

static inline void pair_say(pair *p, int from, int32_t chat_id, size_t size) {
  static const uint8_t text[4096];
  schat_message message;
  schat_message_init(&message);
  message.text.data = text;
  message.text.size = size;
  pair_must(schat_send(p->sides[from].manager, chat_id, &message, NULL, PAIR_NOW, NULL) == SCHAT_OK, "schat_send");
  pair_settle(p);
}

#endif
