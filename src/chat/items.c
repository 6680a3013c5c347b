/* SPDX-License-Identifier: BSL-1.0
 * items.c - the sorted lists of a chat: outbox, waiting messages, timers. Reading them, and changing them under the journal. */
#include <string.h>

#include "journal.h"

size_t schat__count(const schat__slot *slot, schat__item_kind kind) { return slot->lists == NULL ? 0 : slot->lists->of[kind].count; }

schat__item *schat__item_at(const schat__slot *slot, schat__item_kind kind, size_t index) { return slot->lists->of[kind].at[index]; }

size_t schat__item_lower_bound(const schat__slot *slot, schat__item_kind kind, int64_t key) {
  size_t low = 0, high = schat__count(slot, kind);
  if (high > 0 && slot->lists->of[kind].at[high - 1]->key < key) return high; /* most keys are new and the highest */
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (slot->lists->of[kind].at[middle]->key < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

schat__item *schat__item_find(const schat__slot *slot, schat__item_kind kind, int64_t key) {
  size_t i = schat__item_lower_bound(slot, kind, key);
  if (i >= schat__count(slot, kind) || slot->lists->of[kind].at[i]->key != key) return NULL;
  return slot->lists->of[kind].at[i];
}

/* Where the data stand that came with the head. */
static const uint8_t *own_data(const schat__item *item) { return (const uint8_t *)(item + 1); }

/* Head and data in one block. */
schat__item *schat__item_alloc(schat__env *env, schat__item_kind kind, int64_t key, size_t size) {
  schat__item *item;
  if (size > UINT32_MAX - sizeof *item) return NULL;
  item = schat__alloc(env->mem, sizeof *item + size);
  if (item == NULL) return NULL;
  item->data = size > 0 ? (uint8_t *)(item + 1) : NULL;
  item->kind = (uint8_t)kind;
  item->key = key;
  item->size = (uint32_t)size;
  item->room = (uint32_t)size;
  item->born = env->group;
  return item;
}

void schat__item_free_data(schat__env *env, schat__item *item) {
  if (item->data != own_data(item)) schat__free(env->mem, item->data, item->size);
}

void schat__item_drop_data(schat__env *env, const schat__item *item, const schat__item *before) {
  if (before->data == own_data(item)) {
    schat__wipe(before->data, before->size);
  } else {
    schat__free(env->mem, before->data, before->size);
  }
}

size_t schat__item_memory(const schat__item *item) {
  return sizeof *item + item->room + (item->data == own_data(item) ? 0 : item->size);
}

void schat__item_free(schat__env *env, schat__item *item) {
  if (item == NULL) return;
  schat__item_free_data(env, item);
  schat__free(env->mem, item, sizeof *item + item->room);
}

static void free_places(schat__env *env, schat__lists *lists, schat__list *list) {
  if (list->at != lists->first) schat__free(env->mem, list->at, list->capacity * sizeof(schat__item *));
  memset(list, 0, sizeof *list);
}

static schat__lists *new_lists(schat__env *env) {
  schat__lists *lists = env->spare_lists;
  if (lists == NULL) return schat__alloc(env->mem, sizeof *lists);
  env->spare_lists = NULL;
  return lists;
}

static int first_is_free(const schat__lists *lists) {
  int kind;
  for (kind = 0; kind < SCHAT__ITEM_KINDS; kind++) {
    if (lists->of[kind].at == lists->first) return 0;
  }
  return 1;
}

static int make_room(schat__env *env, schat__slot *slot, schat__item_kind kind) {
  schat__list *list, grown;
  if (slot->lists == NULL) slot->lists = new_lists(env);
  if (slot->lists == NULL) return SCHAT_E_NOMEM;
  list = &slot->lists->of[kind];
  if (list->count < list->capacity) return SCHAT_OK;
  if (list->capacity == 0 && first_is_free(slot->lists)) {
    list->at = slot->lists->first;
    list->capacity = SCHAT__LIST_FIRST;
    return SCHAT_OK;
  }
  grown.count = list->count;
  grown.capacity = list->capacity == 0 ? SCHAT__LIST_FIRST : list->capacity * 2;
  grown.at = schat__alloc(env->mem, grown.capacity * sizeof(schat__item *));
  if (grown.at == NULL) return SCHAT_E_NOMEM;
  if (list->count > 0) memcpy(grown.at, list->at, list->count * sizeof(schat__item *));
  free_places(env, slot->lists, list);
  *list = grown;
  return SCHAT_OK;
}

void schat__list_insert(schat__slot *slot, schat__item *item) {
  schat__list *list = &slot->lists->of[item->kind];
  size_t i = schat__item_lower_bound(slot, (schat__item_kind)item->kind, item->key);
  memmove(&list->at[i + 1], &list->at[i], (list->count - i) * sizeof(schat__item *));
  list->at[i] = item;
  list->count++;
}

void schat__list_remove(schat__slot *slot, schat__item *item) {
  schat__list *list = &slot->lists->of[item->kind];
  size_t i = schat__item_lower_bound(slot, (schat__item_kind)item->kind, item->key);
  list->count--;
  memmove(&list->at[i], &list->at[i + 1], (list->count - i) * sizeof(schat__item *));
}

void schat__lists_trim(schat__env *env, schat__slot *slot) {
  size_t kind;
  if (slot->lists == NULL) return;
  for (kind = 0; kind < SCHAT__ITEM_KINDS; kind++) {
    if (slot->lists->of[kind].count > 0) return;
  }
  for (kind = 0; kind < SCHAT__ITEM_KINDS; kind++) free_places(env, slot->lists, &slot->lists->of[kind]);
  memset(slot->lists->first, 0, sizeof slot->lists->first);
  if (env->spare_lists == NULL) {
    env->spare_lists = slot->lists;
  } else {
    schat__free(env->mem, slot->lists, sizeof *slot->lists);
  }
  slot->lists = NULL;
}

void schat__lists_forget_spare(schat__env *env) {
  schat__free(env->mem, env->spare_lists, sizeof *env->spare_lists);
  env->spare_lists = NULL;
}

int schat__item_load(schat__env *env, schat__slot *slot, schat__item *item) {
  int status = make_room(env, slot, (schat__item_kind)item->kind);
  if (status != SCHAT_OK) return status;
  if (schat__item_find(slot, (schat__item_kind)item->kind, item->key) != NULL) return SCHAT_E_EXISTS;
  schat__list_insert(slot, item);
  return SCHAT_OK;
}

int schat__item_new(schat__env *env, schat__slot *slot, schat__item_kind kind, int64_t key, size_t size, schat__item **item) {
  schat__undo *undo;
  schat__item *made;
  if (schat__item_find(slot, kind, key) != NULL) return SCHAT_E_EXISTS;
  if (make_room(env, slot, kind) != SCHAT_OK || (made = schat__item_alloc(env, kind, key, size)) == NULL) return SCHAT_E_NOMEM;
  undo = schat__journal_add(env, SCHAT__UNDO_ITEM_NEW, slot);
  if (undo == NULL) {
    schat__item_free(env, made);
    return SCHAT_E_NOMEM;
  }
  undo->u.item.item = made;
  made->saved = env->savepoint; /* undone as a whole */
  schat__list_insert(slot, made);
  *item = made;
  return SCHAT_OK;
}

static int note_edit(schat__env *env, schat__slot *slot, schat__item *item) {
  schat__item *before = schat__arena_take(&env->journal_arena, sizeof *before);
  schat__undo *undo = before == NULL ? NULL : schat__journal_add(env, SCHAT__UNDO_ITEM_EDIT, slot);
  if (undo == NULL) return SCHAT_E_NOMEM;
  *before = *item;
  undo->u.item.item = item;
  undo->u.item.before = before;
  item->saved = env->savepoint;
  return SCHAT_OK;
}

int schat__item_edit(schat__env *env, schat__slot *slot, schat__item *item) {
  return item->saved == env->savepoint ? SCHAT_OK : note_edit(env, slot, item);
}

int schat__item_replace(schat__env *env, schat__slot *slot, schat__item *item, size_t size) {
  int status;
  uint8_t *data;
  if (size == 0 || size > UINT32_MAX) return SCHAT_E_TOO_LARGE;
  data = schat__alloc(env->mem, size);
  if (data == NULL) return SCHAT_E_NOMEM;
  status = note_edit(env, slot, item);
  if (status != SCHAT_OK) {
    schat__free(env->mem, data, size);
    return status;
  }
  env->journal[env->journal_count - 1].replaced = 1; /* the journal owns the old data now */
  item->data = data;
  item->size = (uint32_t)size;
  return SCHAT_OK;
}

int schat__item_remove(schat__env *env, schat__slot *slot, schat__item *item) {
  schat__undo *undo = schat__journal_add(env, SCHAT__UNDO_ITEM_GONE, slot);
  if (undo == NULL) return SCHAT_E_NOMEM;
  undo->u.item.item = item;
  schat__list_remove(slot, item);
  return SCHAT_OK;
}
