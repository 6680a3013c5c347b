/* SPDX-License-Identifier: BSL-1.0
 * journal.c - the step's way back: whatever an input changes in memory is noted here first, and undone when it, or its commit, fails. */
#include "journal.h"

#include <string.h>

#define JOURNAL_KEPT 64u /* entries */

schat__undo *schat__journal_add(schat__env *env, schat__undo_kind kind, schat__slot *slot) {
  schat__undo *undo;
  if (env->journal_count == env->journal_capacity) {
    size_t capacity = env->journal_capacity == 0 ? 32 : env->journal_capacity * 2;
    schat__undo *grown = schat__alloc(env->mem, capacity * sizeof *grown);
    if (grown == NULL) return NULL;
    if (env->journal_count > 0) memcpy(grown, env->journal, env->journal_count * sizeof *grown);
    schat__free(env->mem, env->journal, env->journal_capacity * sizeof *grown);
    env->journal = grown;
    env->journal_capacity = capacity;
  }
  undo = &env->journal[env->journal_count++];
  memset(undo, 0, sizeof *undo);
  undo->kind = (uint8_t)kind;
  undo->slot = slot;
  return undo;
}

void schat__mark_set(schat__env *env, schat__mark *mark) {
  mark->journal_count = env->journal_count;
  schat__arena_note(&env->journal_arena, &mark->copies);
  mark->last_effect = env->last_effect;
  mark->account = env->account;
  mark->queue = env->queue;
  mark->next_token = env->next_token;
  mark->stored_events = env->stored_events;
  mark->account_dirty = env->account_dirty;
  mark->stats = env->stats;
  env->savepoint++;
}

static void undo_one(schat__env *env, schat__undo *undo) {
  schat__slot *slot = undo->slot;
  if (slot != NULL) { /* no record of this group was stored, and what was due still is */
    slot->written = 0;
    slot->keys_written = 0;
    slot->wake_at = env->account.clock;
  }
  switch ((schat__undo_kind)undo->kind) {
    case SCHAT__UNDO_CHAT:
      slot->chat = *undo->u.chat;
      slot->saved = 0;
      break;
    case SCHAT__UNDO_SECRETS:
      schat__free(env->mem, slot->secrets, sizeof *slot->secrets);
      slot->secrets = undo->u.secrets;
      break;
    case SCHAT__UNDO_ITEM_NEW:
      schat__list_remove(slot, undo->u.item.item);
      schat__item_free(env, undo->u.item.item);
      break;
    case SCHAT__UNDO_ITEM_EDIT:
      if (undo->replaced) schat__item_free_data(env, undo->u.item.item);
      *undo->u.item.item = *undo->u.item.before;
      break;
    case SCHAT__UNDO_ITEM_GONE:
      schat__list_insert(slot, undo->u.item.item);
      break;
    case SCHAT__UNDO_SLOT_NEW:
      schat__table_remove(&env->table, slot);
      schat__slot_free(env, slot);
      break;
    case SCHAT__UNDO_SLOT_GONE:
      schat__table_put(&env->table, slot);
      break;
    case SCHAT__UNDO_EFFECT_DROPPED:
      undo->u.effect->dropped = 0;
      break;
    case SCHAT__UNDO_CONFIG_NEW:
      env->config_count--;
      break;
    case SCHAT__UNDO_CONFIG_RULES:
      env->configs[undo->u.config.index].rules = undo->u.config.rules;
      break;
    case SCHAT__UNDO_FLIGHT_GONE:
      schat__flight_insert(env, &undo->u.flight);
      break;
  }
}

/* Effects added after `last` leave the queue. */
static void drop_effects_after(schat__env *env, schat__effect *last) {
  schat__effect *effect = last == NULL ? env->first_effect : last->next;
  if (last == NULL) {
    env->first_effect = NULL;
  } else {
    last->next = NULL;
  }
  env->last_effect = last;
  while (effect != NULL) {
    schat__effect *next = effect->next;
    schat__effect_free(env, effect);
    effect = next;
  }
}

void schat__mark_undo(schat__env *env, const schat__mark *mark) {
  /* First the new requests, in whose places answered ones may have to stand again. */
  while (env->flight_count > 0 && env->flights[env->flight_count - 1].token > mark->next_token) env->flight_count--;
  while (env->journal_count > mark->journal_count) undo_one(env, &env->journal[--env->journal_count]);
  schat__arena_rewind(&env->journal_arena, &mark->copies);
  drop_effects_after(env, mark->last_effect);
  env->account = mark->account; /* next_token goes on: what outlives this step may still hold a token of it */
  env->queue = mark->queue;
  env->stored_events = mark->stored_events;
  env->account_dirty = mark->account_dirty;
  env->stats = mark->stats;
}

static void settle_one(schat__env *env, schat__undo *undo) {
  switch ((schat__undo_kind)undo->kind) {
    case SCHAT__UNDO_SECRETS:
      schat__free(env->mem, undo->u.secrets, sizeof *undo->u.secrets);
      break;
    case SCHAT__UNDO_ITEM_EDIT:
      if (undo->replaced) schat__item_drop_data(env, undo->u.item.item, undo->u.item.before);
      break;
    case SCHAT__UNDO_ITEM_GONE:
      schat__lists_trim(env, undo->slot);
      break;
    case SCHAT__UNDO_CHAT:
    case SCHAT__UNDO_ITEM_NEW:
    case SCHAT__UNDO_SLOT_NEW:
    case SCHAT__UNDO_SLOT_GONE:
    case SCHAT__UNDO_EFFECT_DROPPED:
    case SCHAT__UNDO_CONFIG_NEW:
    case SCHAT__UNDO_CONFIG_RULES:
    case SCHAT__UNDO_FLIGHT_GONE:
      break;
  }
}

/* What was removed is freed last: other entries may still name it. */
void schat__journal_settle(schat__env *env) {
  size_t i;
  for (i = 0; i < env->journal_count; i++) settle_one(env, &env->journal[i]);
  for (i = 0; i < env->journal_count; i++) {
    schat__undo *undo = &env->journal[i];
    if (undo->kind == SCHAT__UNDO_ITEM_GONE) schat__item_free(env, undo->u.item.item);
    if (undo->kind == SCHAT__UNDO_SLOT_GONE) schat__slot_free(env, undo->slot);
  }
  schat__wipe(env->journal, env->journal_count * sizeof *env->journal);
  env->journal_count = 0;
  schat__arena_reset(&env->journal_arena);
  if (env->journal_capacity > JOURNAL_KEPT) { /* one large commit, as opening is, must not cost its size for ever */
    schat__free(env->mem, env->journal, env->journal_capacity * sizeof *env->journal);
    env->journal = NULL;
    env->journal_capacity = 0;
  }
}

int schat__edit(schat__env *env, schat__slot *slot) {
  schat__undo *undo;
  schat__chat *copy;
  if (slot->saved == env->savepoint) return SCHAT_OK;
  copy = schat__arena_take(&env->journal_arena, sizeof *copy);
  undo = copy == NULL ? NULL : schat__journal_add(env, SCHAT__UNDO_CHAT, slot);
  if (undo == NULL) return SCHAT_E_NOMEM;
  memcpy(copy, &slot->chat, sizeof *copy); /* padding too: copies are compared as bytes */
  undo->u.chat = copy;
  slot->saved = env->savepoint;
  return SCHAT_OK;
}

static int put_secrets(schat__env *env, schat__slot *slot, schat__secrets *secrets) {
  schat__undo *undo = schat__journal_add(env, SCHAT__UNDO_SECRETS, slot);
  if (undo == NULL) {
    schat__free(env->mem, secrets, sizeof *secrets);
    return SCHAT_E_NOMEM;
  }
  undo->u.secrets = slot->secrets;
  slot->secrets = secrets;
  return SCHAT_OK;
}

int schat__edit_secrets(schat__env *env, schat__slot *slot) {
  schat__secrets *copy = schat__alloc(env->mem, sizeof *copy);
  if (copy == NULL) return SCHAT_E_NOMEM;
  if (slot->secrets != NULL) *copy = *slot->secrets;
  return put_secrets(env, slot, copy);
}

int schat__drop_secrets(schat__env *env, schat__slot *slot) { return slot->secrets == NULL ? SCHAT_OK : put_secrets(env, slot, NULL); }

int schat__slot_new(schat__env *env, int32_t chat_id, schat__slot **slot) {
  schat__slot *made;
  int status = schat__table_reserve(env);
  if (status != SCHAT_OK) return status;
  made = schat__alloc(env->mem, sizeof *made);
  if (made == NULL) return SCHAT_E_NOMEM;
  if (schat__journal_add(env, SCHAT__UNDO_SLOT_NEW, made) == NULL) {
    schat__free(env->mem, made, sizeof *made);
    return SCHAT_E_NOMEM;
  }
  made->chat.chat_id = chat_id;
  made->wake_at = SCHAT__NEVER;
  made->saved = env->savepoint;
  made->born = env->group;
  schat__table_put(&env->table, made);
  *slot = made;
  return SCHAT_OK;
}

int schat__slot_remove(schat__env *env, schat__slot *slot) {
  if (schat__journal_add(env, SCHAT__UNDO_SLOT_GONE, slot) == NULL) return SCHAT_E_NOMEM;
  schat__table_remove(&env->table, slot);
  return SCHAT_OK;
}

void schat__slot_free(schat__env *env, schat__slot *slot) {
  size_t kind, i;
  for (kind = 0; slot->lists != NULL && kind < SCHAT__ITEM_KINDS; kind++) {
    for (i = 0; i < slot->lists->of[kind].count; i++) schat__item_free(env, slot->lists->of[kind].at[i]);
    slot->lists->of[kind].count = 0;
  }
  schat__lists_trim(env, slot);
  schat__free(env->mem, slot->secrets, sizeof *slot->secrets);
  schat__free(env->mem, slot, sizeof *slot);
}
