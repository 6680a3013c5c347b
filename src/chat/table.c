/* SPDX-License-Identifier: BSL-1.0
 * table.c - the chats of an account by id: open addressing with linear probing, never more than half full. */
#include <string.h>

#include "chat.h"

static size_t home_of(const schat__table *table, int32_t chat_id) {
  /* Ids are chosen by peers and the server: mix them, so that no choice of theirs makes long runs cheap to find. */
  uint64_t h = (uint64_t)(uint32_t)chat_id * UINT64_C(0x9e3779b97f4a7c15);
  h ^= h >> 29;
  h *= UINT64_C(0xbf58476d1ce4e5b9);
  return (size_t)(h >> 32) & (table->capacity - 1);
}

schat__slot *schat__table_find(const schat__table *table, int32_t chat_id) {
  size_t i;
  if (table->capacity == 0) return NULL;
  for (i = home_of(table, chat_id); table->at[i] != NULL; i = (i + 1) & (table->capacity - 1)) {
    if (table->at[i]->chat.chat_id == chat_id) return table->at[i];
  }
  return NULL;
}

void schat__table_put(schat__table *table, schat__slot *slot) {
  size_t i = home_of(table, slot->chat.chat_id);
  while (table->at[i] != NULL) i = (i + 1) & (table->capacity - 1);
  table->at[i] = slot;
  table->count++;
}

int schat__table_reserve(schat__env *env) {
  schat__table *table = &env->table, grown = {NULL, 0, 0};
  size_t i;
  if ((table->count + 1) * 2 <= table->capacity) return SCHAT_OK;
  grown.capacity = table->capacity == 0 ? 16 : table->capacity * 2;
  grown.at = schat__alloc(env->mem, grown.capacity * sizeof *grown.at);
  if (grown.at == NULL) return SCHAT_E_NOMEM;
  for (i = 0; i < table->capacity; i++) {
    if (table->at[i] != NULL) schat__table_put(&grown, table->at[i]);
  }
  schat__free(env->mem, table->at, table->capacity * sizeof *table->at);
  *table = grown;
  return SCHAT_OK;
}

void schat__table_remove(schat__table *table, schat__slot *slot) {
  size_t mask = table->capacity - 1, hole = home_of(table, slot->chat.chat_id), i;
  while (table->at[hole] != slot) hole = (hole + 1) & mask;
  table->at[hole] = NULL;
  table->count--;
  /* Whoever stood behind the hole may have wanted to stand before it. */
  for (i = (hole + 1) & mask; table->at[i] != NULL; i = (i + 1) & mask) {
    schat__slot *moved = table->at[i];
    table->at[i] = NULL;
    table->count--;
    schat__table_put(table, moved);
  }
}

schat__slot *schat__table_next(const schat__table *table, size_t *at) {
  while (*at < table->capacity) {
    schat__slot *slot = table->at[(*at)++];
    if (slot != NULL) return slot;
  }
  return NULL;
}
