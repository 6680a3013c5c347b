/* SPDX-License-Identifier: BSL-1.0
 * query.c - what can be asked without changing anything. */
#include <stdlib.h>
#include <string.h>

#include "manager.h"

int schat_chat_get_info(const schat_manager *m, int32_t chat_id, schat_chat_info *info) {
  const schat__slot *slot;
  int status = schat__enter(m);
  if (status != SCHAT_OK) return status;
  if (info == NULL) return SCHAT_E_INVALID;
  if (info->size != sizeof *info) return SCHAT_E_ABI;
  slot = schat__table_find(&m->env.table, chat_id);
  if (slot == NULL) return SCHAT_E_NO_CHAT;
  schat__chat_info(slot, info);
  return SCHAT_OK;
}

static int compare_ids(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

int schat_chat_list(const schat_manager *m, int32_t *chat_ids, size_t capacity, size_t *count) {
  const schat__slot *slot;
  size_t at = 0, written = 0;
  int status = schat__enter(m);
  if (status != SCHAT_OK) return status;
  if (count == NULL || (chat_ids == NULL && capacity > 0)) return SCHAT_E_INVALID;
  *count = m->env.table.count;
  if (capacity < m->env.table.count) capacity = 0; /* too small: only the count is of use */
  while (capacity > 0 && (slot = schat__table_next(&m->env.table, &at)) != NULL) chat_ids[written++] = slot->chat.chat_id;
  if (written > 1) qsort(chat_ids, written, sizeof *chat_ids, compare_ids);
  return SCHAT_OK;
}

int schat_chat_supports(const schat_manager *m, int32_t chat_id, int32_t feature) {
  const schat__slot *slot;
  int status = schat__enter(m);
  if (status != SCHAT_OK) return status;
  slot = schat__table_find(&m->env.table, chat_id);
  if (slot == NULL) return SCHAT_E_NO_CHAT;
  switch ((schat_feature)feature) {
    case SCHAT_FEATURE_MESSAGES:
    case SCHAT_FEATURE_ALBUMS:
      return 1; /* layer 73 is what every peer is spoken to in */
    case SCHAT_FEATURE_NEW_ENTITIES:
      return slot->chat.stated_layer >= 101;
    case SCHAT_FEATURE_BIG_FILES:
    case SCHAT_FEATURE_SPOILERS:
      return slot->chat.stated_layer >= 144;
  }
  return SCHAT_E_INVALID;
}

static uint64_t memory_of(const schat__slot *slot) {
  uint64_t bytes = sizeof *slot;
  int kind;
  size_t i;
  if (slot->secrets != NULL) bytes += sizeof *slot->secrets;
  if (slot->lists == NULL) return bytes;
  bytes += sizeof *slot->lists;
  for (kind = 0; kind < SCHAT__ITEM_KINDS; kind++) {
    const schat__list *list = &slot->lists->of[kind];
    if (list->at != slot->lists->first) bytes += list->capacity * sizeof(schat__item *);
    for (i = 0; i < list->count; i++) bytes += schat__item_memory(list->at[i]);
  }
  return bytes;
}

int schat_get_stats(const schat_manager *m, schat_stats *stats) {
  const schat__slot *slot;
  size_t at = 0;
  int status = schat__enter(m);
  if (status != SCHAT_OK) return status;
  if (stats == NULL) return SCHAT_E_INVALID;
  if (stats->size != sizeof *stats) return SCHAT_E_ABI;
  *stats = m->env.stats;
  stats->size = sizeof *stats;
  stats->memory = m->env.table.capacity * sizeof(schat__slot *);
  while ((slot = schat__table_next(&m->env.table, &at)) != NULL) stats->memory += memory_of(slot);
  return SCHAT_OK;
}
