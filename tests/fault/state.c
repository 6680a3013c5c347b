/* SPDX-License-Identifier: BSL-1.0
 * state.c - see state.h. */
#include "state.h"

#include <stdlib.h>
#include <string.h>

struct state {
  uint8_t *data;
  size_t size;
  memstore *image;
  size_t pending;
  schat_chat_info info;
};

static void write_slot(schat__writer *writer, const schat__slot *slot) {
  int kind;
  size_t i;
  schat__chat_write(writer, &slot->chat);
  schat__keys_write(writer, slot);
  schat__write64(writer, slot->chat.ask.token);
  schat__write64(writer, (uint64_t)slot->chat.ask.retry_at);
  schat__write8(writer, slot->chat.ask.type);
  schat__write8(writer, slot->chat.ask.tries);
  schat__write64(writer, slot->chat.read_token);
  schat__write64(writer, slot->chat.last_send);
  schat__write32(writer, (uint32_t)slot->chat.pump_from);
  for (kind = 0; kind < SCHAT__ITEM_KINDS; kind++) {
    for (i = 0; i < schat__count(slot, (schat__item_kind)kind); i++) {
      const schat__item *item = schat__item_at(slot, (schat__item_kind)kind, i);
      schat__write64(writer, (uint64_t)item->key);
      schat__item_write(writer, item);
      if (kind == SCHAT__OUTBOX) schat__write64(writer, item->u.out.token);
      if (kind == SCHAT__OUTBOX) schat__write8(writer, item->u.out.tries);
    }
  }
}

static void write_all(schat__writer *writer, const schat_manager *m) {
  const schat__env *env = &m->env;
  const schat__effect *effect;
  const schat__slot *slot;
  size_t at = 0, i;
  schat__account_write(writer, &env->account);
  schat__write64(writer, env->stored_events);
  schat__write32(writer, (uint32_t)m->env.queue.acked_qts);
  for (i = 0; i < env->config_count; i++) schat__config_write(writer, &env->configs[i]);
  for (i = 0; i < env->flight_count; i++) schat__write64(writer, env->flights[i].token);
  for (effect = env->first_effect; effect != NULL; effect = effect->next) {
    schat__write64(writer, effect->token ^ effect->event_id << 32);
    schat__write32(writer, effect->type);
    schat__write64(writer, effect->dropped);
    schat__write_raw(writer, effect->data, effect->size);
  }
  schat__write_raw(writer, &env->stats, sizeof env->stats);
  while ((slot = schat__table_next(&env->table, &at)) != NULL) write_slot(writer, slot);
}

state *state_look(const bench *b) {
  state *s = calloc(1, sizeof *s);
  schat__writer writer = {NULL, 0, 0};
  if (s == NULL) abort();
  s->image = memstore_clone(b->store);
  s->pending = memstore_pending(b->store);
  if (b->m == NULL) return s;
  write_all(&writer, b->m);
  s->size = writer.capacity = writer.size;
  s->data = writer.data = malloc(s->size);
  if (s->data == NULL) abort();
  writer.size = 0;
  write_all(&writer, b->m);
  SCHAT_INIT(s->info);
  schat_chat_get_info(b->m, b->chat, &s->info);
  return s;
}

void state_free(state *s) {
  if (s == NULL) return;
  free(s->data);
  memstore_free(s->image);
  free(s);
}

const char *state_differs(const state *a, const state *b) {
  if (a->size != b->size || (a->size > 0 && memcmp(a->data, b->data, a->size) != 0)) return "memory";
  if (memcmp(&a->info, &b->info, sizeof a->info) != 0) return "what is told of the chat";
  if (a->pending != b->pending) return "the commits on their way";
  return memstore_equal(a->image, b->image) ? NULL : "the store";
}
