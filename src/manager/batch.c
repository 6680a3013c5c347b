/* SPDX-License-Identifier: BSL-1.0
 * batch.c - from the journal to the records of one commit: each thing that changed once, sealed; each thing that is gone, as a deletion. */
#include <string.h>

#include "manager.h"

typedef struct {
  schat_manager *m;
  schat_record *records;
  size_t count, capacity;
} builder;

typedef void (*writing)(schat__writer *w, const void *object);

static int remove_record(builder *b, uint32_t kind, int32_t chat_id, int64_t key) {
  schat_record *record = &b->records[b->count++];
  memset(record, 0, sizeof *record);
  record->kind = kind;
  record->chat_id = chat_id;
  record->key = key;
  return SCHAT_OK;
}

/* Written where it is to stand sealed, and sealed in place: `most` bounds what the writer writes. */
static int add_record(builder *b, uint32_t kind, int32_t chat_id, int64_t key, size_t most, writing write, const void *object) {
  uint8_t aad[SCHAT__AAD_SIZE], *sealed = schat__arena_take(&b->m->commit_arena, most + SCHAT__SEAL_OVERHEAD);
  schat__writer w = {NULL, most, 0};
  int status;
  if (sealed == NULL) return SCHAT_E_NOMEM;
  w.data = sealed + SCHAT__SEAL_HEAD;
  write(&w, object);
  if (!schat__writer_fits(&w)) return SCHAT_E_TOO_LARGE;
  schat__record_aad(aad, kind, chat_id, key);
  status = schat__seal(b->m->sealer, aad, sizeof aad, w.data, w.size, sealed);
  if (status != SCHAT_OK) return status;
  remove_record(b, kind, chat_id, key);
  b->records[b->count - 1].value.data = sealed;
  b->records[b->count - 1].value.size = w.size + SCHAT__SEAL_OVERHEAD;
  return SCHAT_OK;
}

static void write_chat(schat__writer *w, const void *object) { schat__chat_write(w, &((const schat__slot *)object)->chat); }
static void write_keys(schat__writer *w, const void *object) { schat__keys_write(w, object); }
static void write_item(schat__writer *w, const void *object) { schat__item_write(w, object); }
static void write_account(schat__writer *w, const void *object) { schat__account_write(w, object); }
static void write_config(schat__writer *w, const void *object) { schat__config_write(w, object); }
static void write_event(schat__writer *w, const void *object) {
  const schat__effect *effect = object;
  schat__event_write(w, effect->data, effect->size);
}

/* Chats ----------------------------------------------------------------------------------------------------------------------- */

static int is_alive(const schat_manager *m, const schat__slot *slot) {
  return schat__table_find(&m->env.table, slot->chat.chat_id) == slot;
}

static int put_chat(builder *b, schat__slot *slot) {
  if (slot->written == b->m->env.group) return SCHAT_OK;
  slot->written = b->m->env.group;
  return add_record(b, SCHAT_RECORD_CHAT, slot->chat.chat_id, 0, SCHAT__CHAT_RECORD_MOST, write_chat, slot);
}

static int put_keys(builder *b, schat__slot *slot) {
  if (slot->keys_written == b->m->env.group) return SCHAT_OK;
  slot->keys_written = b->m->env.group;
  return add_record(b, SCHAT_RECORD_KEYS, slot->chat.chat_id, 0, SCHAT__KEYS_RECORD_MOST, write_keys, slot);
}

/* A key never comes or goes without these two. */
static int keys_differ(const schat__chat *a, const schat__chat *b) {
  return a->key_since != b->key_since || a->key_fingerprint != b->key_fingerprint;
}

static int chat_changed(builder *b, schat__slot *slot, const schat__chat *before) {
  int status = SCHAT_OK;
  if (!is_alive(b->m, slot)) return SCHAT_OK;
  if (slot->written != b->m->env.group && schat__chat_differs(before, &slot->chat)) status = put_chat(b, slot);
  if (status == SCHAT_OK && keys_differ(before, &slot->chat)) status = put_keys(b, slot);
  return status;
}

static int slot_gone(builder *b, const schat__slot *slot) {
  if (slot->born == b->m->env.group) return SCHAT_OK;
  remove_record(b, SCHAT_RECORD_CHAT, slot->chat.chat_id, 0);
  return remove_record(b, SCHAT_RECORD_KEYS, slot->chat.chat_id, 0);
}

static int slot_new(builder *b, schat__slot *slot) {
  int status;
  if (!is_alive(b->m, slot)) return SCHAT_OK;
  status = put_chat(b, slot);
  return status == SCHAT_OK ? put_keys(b, slot) : status;
}

/* Items ----------------------------------------------------------------------------------------------------------------------- */

static int item_put(builder *b, const schat__slot *slot, schat__item *item) {
  int64_t key;
  uint32_t kind = schat__item_record(item, &key);
  if (!is_alive(b->m, slot) || schat__item_find(slot, (schat__item_kind)item->kind, item->key) != item) return SCHAT_OK;
  if (item->written == b->m->env.group) return SCHAT_OK;
  item->written = b->m->env.group;
  return add_record(b, kind, slot->chat.chat_id, key, SCHAT__ITEM_HEAD_MOST + (size_t)item->size, write_item, item);
}

static int item_gone(builder *b, const schat__slot *slot, const schat__item *item) {
  int64_t key;
  uint32_t kind = schat__item_record(item, &key);
  return item->born == b->m->env.group ? SCHAT_OK : remove_record(b, kind, slot->chat.chat_id, key);
}

static int item_changed(builder *b, const schat__slot *slot, const schat__undo *undo) {
  uint8_t first[SCHAT__ITEM_HEAD_MOST], second[SCHAT__ITEM_HEAD_MOST];
  schat__writer v = {first, sizeof first, 0}, w = {second, sizeof second, 0};
  if (undo->u.item.item->written == b->m->env.group) return SCHAT_OK;
  if (!undo->replaced) {
    schat__item_head_write(&v, undo->u.item.before);
    schat__item_head_write(&w, undo->u.item.item);
    if (v.size == w.size && memcmp(first, second, v.size) == 0) return SCHAT_OK;
  }
  return item_put(b, slot, undo->u.item.item);
}

static int put_config(builder *b, const schat__config *config) {
  return add_record(b, SCHAT_RECORD_DH_CONFIG, 0, config->key, SCHAT__CONFIG_RECORD_MOST, write_config, config);
}

/* The journal ------------------------------------------------------------------------------------------------------------------- */

static int from_undo(builder *b, const schat__undo *undo) {
  schat__env *env = &b->m->env;
  switch ((schat__undo_kind)undo->kind) {
    case SCHAT__UNDO_CHAT:
      return chat_changed(b, undo->slot, undo->u.chat);
    case SCHAT__UNDO_SECRETS:
      return is_alive(b->m, undo->slot) ? put_keys(b, undo->slot) : SCHAT_OK;
    case SCHAT__UNDO_ITEM_NEW:
      return item_put(b, undo->slot, undo->u.item.item);
    case SCHAT__UNDO_ITEM_EDIT:
      return item_changed(b, undo->slot, undo);
    case SCHAT__UNDO_ITEM_GONE:
      return item_gone(b, undo->slot, undo->u.item.item);
    case SCHAT__UNDO_SLOT_NEW:
      return slot_new(b, undo->slot);
    case SCHAT__UNDO_SLOT_GONE:
      return slot_gone(b, undo->slot);
    case SCHAT__UNDO_EFFECT_DROPPED:
      if (undo->u.effect->event_id == 0 || undo->u.effect->ticket == env->group) return SCHAT_OK;
      return remove_record(b, SCHAT_RECORD_EVENT, 0, (int64_t)undo->u.effect->event_id);
    case SCHAT__UNDO_CONFIG_NEW:
    case SCHAT__UNDO_CONFIG_RULES:
      return put_config(b, &env->configs[undo->u.config.index]);
    case SCHAT__UNDO_FLIGHT_GONE:
      break;
  }
  return SCHAT_OK;
}

static schat__effect *first_of_group(const schat_manager *m) {
  return m->group.last_effect == NULL ? m->env.first_effect : m->group.last_effect->next;
}

static int stored_by_host(const schat_manager *m) { return (m->env.policy.flags & SCHAT_POLICY_EVENTS_IN_COMMIT) != 0; }

static int add_events(builder *b) {
  const schat__effect *effect;
  int status = SCHAT_OK;
  if (stored_by_host(b->m)) return SCHAT_OK;
  for (effect = first_of_group(b->m); status == SCHAT_OK && effect != NULL; effect = effect->next) {
    if (effect->event_id == 0 || effect->dropped) continue;
    status = add_record(b, SCHAT_RECORD_EVENT, 0, (int64_t)effect->event_id, (size_t)effect->size + 1, write_event, effect);
  }
  return status;
}

/* EVENT records belong to the account, not to a chat: an id is all that is left of an event that was handed over. */
static void remove_handed(builder *b) {
  size_t i;
  for (i = 0; i < b->m->env.handed_count; i++) {
    remove_record(b, SCHAT_RECORD_EVENT, 0, (int64_t)b->m->env.handed[i]);
  }
}

/* D-35: what a host with tables of its own writes in the same transaction. */
static int show_events(schat_manager *m, schat_batch *batch) {
  const schat__effect *effect;
  schat_event *events;
  size_t count = 0;
  for (effect = first_of_group(m); effect != NULL; effect = effect->next) count += effect->event_id != 0 && !effect->dropped;
  if (count == 0 || !stored_by_host(m)) return SCHAT_OK;
  events = schat__arena_take(&m->commit_arena, count * sizeof *events);
  if (events == NULL) return SCHAT_E_NOMEM;
  batch->events = events;
  for (effect = first_of_group(m); effect != NULL; effect = effect->next) {
    schat_message *message;
    schat_chat_info *info;
    int status;
    if (effect->event_id == 0 || effect->dropped) continue;
    message = schat__arena_take(&m->commit_arena, sizeof *message);
    info = schat__arena_take(&m->commit_arena, sizeof *info);
    if (message == NULL || info == NULL) return SCHAT_E_NOMEM;
    status = schat__event_show(&m->env, &m->commit_arena, effect, &events[batch->event_count], message, info);
    if (status < 0) return status;
    batch->event_count++;
  }
  return SCHAT_OK;
}

static int open_builder(schat_manager *m, builder *b, size_t capacity) {
  b->m = m;
  b->count = 0;
  b->capacity = capacity;
  b->records = schat__arena_take(&m->commit_arena, capacity * sizeof *b->records);
  return b->records == NULL ? SCHAT_E_NOMEM : SCHAT_OK;
}

static void finish(schat_manager *m, const builder *b, schat_batch *batch) {
  batch->ticket = m->env.group;
  batch->generation = m->env.account.generation + 1;
  batch->records = b->records;
  batch->record_count = b->count;
}

int schat__batch_build(schat_manager *m, schat_batch *batch) {
  schat__env *env = &m->env;
  const schat__effect *effect;
  builder b;
  size_t i, events = 0;
  int status;
  SCHAT_INIT(*batch);
  for (effect = first_of_group(m); effect != NULL; effect = effect->next) events++;
  status = open_builder(m, &b, 2 * env->journal_count + events + env->handed_count + 1);
  for (i = 0; status == SCHAT_OK && i < env->journal_count; i++) status = from_undo(&b, &env->journal[i]);
  if (status == SCHAT_OK) status = add_events(&b);
  if (status == SCHAT_OK && (b.count > 0 || env->account_dirty)) {
    schat__account account = env->account;
    remove_handed(&b);
    account.generation++;
    status = add_record(&b, SCHAT_RECORD_ACCOUNT, 0, 0, SCHAT__ACCOUNT_RECORD_MOST, write_account, &account);
    if (status == SCHAT_OK) status = show_events(m, batch);
  }
  if (status == SCHAT_OK) finish(m, &b, batch);
  return status;
}

/* Everything there is, as deletions. */
int schat__batch_wipe(schat_manager *m, schat_batch *batch) {
  schat__env *env = &m->env;
  const schat__effect *effect;
  schat__slot *slot;
  builder b;
  size_t at = 0, i, count = env->config_count + env->handed_count + 1;
  int kind;
  SCHAT_INIT(*batch);
  while ((slot = schat__table_next(&env->table, &at)) != NULL) {
    count += 2;
    for (kind = 0; kind < SCHAT__ITEM_KINDS; kind++) count += schat__count(slot, (schat__item_kind)kind);
  }
  for (effect = env->first_effect; effect != NULL; effect = effect->next) count++;
  if (open_builder(m, &b, count) != SCHAT_OK) return SCHAT_E_NOMEM;
  for (at = 0; (slot = schat__table_next(&env->table, &at)) != NULL;) {
    remove_record(&b, SCHAT_RECORD_CHAT, slot->chat.chat_id, 0);
    remove_record(&b, SCHAT_RECORD_KEYS, slot->chat.chat_id, 0);
    for (kind = 0; kind < SCHAT__ITEM_KINDS; kind++) {
      for (i = 0; i < schat__count(slot, (schat__item_kind)kind); i++) {
        int64_t key;
        uint32_t record = schat__item_record(schat__item_at(slot, (schat__item_kind)kind, i), &key);
        remove_record(&b, record, slot->chat.chat_id, key);
      }
    }
  }
  for (effect = env->first_effect; effect != NULL; effect = effect->next) {
    if (effect->event_id != 0 && !effect->dropped) remove_record(&b, SCHAT_RECORD_EVENT, 0, (int64_t)effect->event_id);
  }
  remove_handed(&b);
  for (i = 0; i < env->config_count; i++) remove_record(&b, SCHAT_RECORD_DH_CONFIG, 0, env->configs[i].key);
  remove_record(&b, SCHAT_RECORD_ACCOUNT, 0, 0);
  finish(m, &b, batch);
  return SCHAT_OK;
}
