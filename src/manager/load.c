/* SPDX-License-Identifier: BSL-1.0
 * load.c - a store back into memory, every record suspected; then what a restart resumes. */
#include <stdlib.h>
#include <string.h>

#include "../common/poison.h"
#include "manager.h"

typedef struct {
  schat_manager *m;
  size_t opened, refused;
  int status;      /* the first failure of our own */
  int has_account;
} loader;

/* Records come in any order, so a chat begins with whichever of its records comes first. */
static int slot_for(schat__env *env, int32_t chat_id, schat__slot **slot) {
  *slot = schat__table_find(&env->table, chat_id);
  if (*slot != NULL) return SCHAT_OK;
  if (schat__table_reserve(env) != SCHAT_OK) return SCHAT_E_NOMEM;
  *slot = schat__alloc(env->mem, sizeof **slot);
  if (*slot == NULL) return SCHAT_E_NOMEM;
  (*slot)->chat.chat_id = chat_id;
  (*slot)->wake_at = SCHAT__NEVER;
  schat__table_put(&env->table, *slot);
  return SCHAT_OK;
}

static int load_item(schat__env *env, schat__slot *slot, const schat_record *record, schat__reader *r) {
  schat__item *item = NULL;
  int status = schat__item_read(env, r, record->kind, record->key, &item);
  if (status != SCHAT_OK) return status;
  status = schat__item_load(env, slot, item);
  if (status != SCHAT_OK) schat__item_free(env, item);
  return status == SCHAT_E_EXISTS ? SCHAT_E_CORRUPT : status;
}

static int load_config(schat__env *env, const schat_record *record, schat__reader *r) {
  schat__config config, *grown;
  int status;
  memset(&config, 0, sizeof config);
  status = schat__config_read(r, &config);
  if (status != SCHAT_OK) return status;
  grown = schat__alloc(env->mem, (env->config_count + 1) * sizeof *grown);
  if (grown == NULL) return SCHAT_E_NOMEM;
  if (env->config_count > 0) memcpy(grown, env->configs, env->config_count * sizeof *grown);
  schat__free(env->mem, env->configs, env->config_capacity * sizeof *grown);
  config.key = record->key;
  grown[env->config_count++] = config;
  env->configs = grown;
  env->config_capacity = env->config_count;
  return SCHAT_OK;
}

/* Lawful, before it is queued: nothing that is handed over later may turn out not to be. */
static int check_event(schat__env *env, const uint8_t *data, size_t size) {
  schat__event event;
  schat__action action;
  schat_message message;
  int status = schat__event_decode(&env->arena, data, size, &event);
  if (status == SCHAT_OK && !schat__event_is_stored(event.type)) status = SCHAT_E_CORRUPT;
  if (status == SCHAT_OK && event.type == SCHAT_EVENT_MESSAGE) {
    status = schat__message_decode(&env->arena, event.object, &message, &action);
    if (status == SCHAT_E_MALFORMED) status = SCHAT_E_CORRUPT;
  }
  schat__arena_reset(&env->arena);
  return status;
}

static int load_event(schat__env *env, const schat_record *record, const uint8_t *data, size_t size) {
  int status = schat__event_read(data, size, &data, &size);
  if (status == SCHAT_OK) status = check_event(env, data, size);
  return status == SCHAT_OK ? schat__effect_load(env, (uint64_t)record->key, data, size) : status;
}

static int load_opened(loader *l, const schat_record *record, const uint8_t *data, size_t size) {
  schat__env *env = &l->m->env;
  schat__reader r = {data, size, 0, 0};
  schat__slot *slot = NULL;
  int status;
  switch (record->kind) {
    case SCHAT_RECORD_ACCOUNT:
      l->has_account = 1;
      return schat__account_read(&r, &env->account);
    case SCHAT_RECORD_DH_CONFIG:
      return load_config(env, record, &r);
    case SCHAT_RECORD_EVENT:
      return load_event(env, record, data, size);
    default:
      break;
  }
  status = slot_for(env, record->chat_id, &slot);
  if (status != SCHAT_OK) return status;
  switch (record->kind) {
    case SCHAT_RECORD_CHAT:
      return schat__chat_read(&r, &slot->chat);
    case SCHAT_RECORD_KEYS:
      return schat__keys_read(env, &r, slot);
    case SCHAT_RECORD_OUTBOX:
    case SCHAT_RECORD_GAP:
    case SCHAT_RECORD_TIMER:
      return load_item(env, slot, record, &r);
    default:
      return SCHAT_E_VERSION; /* a kind that a later version has added */
  }
}

static int load_record(void *arg, const schat_record *record) {
  loader *l = arg;
  uint8_t aad[SCHAT__AAD_SIZE], *plain;
  size_t size = record->value.size;
  int verdict;
  if (size < SCHAT__SEAL_OVERHEAD || record->value.data == NULL) {
    l->refused++;
    return 0;
  }
  plain = schat__alloc(l->m->env.mem, size - SCHAT__SEAL_OVERHEAD);
  if (plain == NULL) return l->status = SCHAT_E_NOMEM;
  schat__record_aad(aad, record->kind, record->chat_id, record->key);
  verdict = schat__unseal(l->m->sealer, aad, sizeof aad, record->value.data, size, plain);
  if (verdict == 0) l->refused++;
  if (verdict < 0) l->status = verdict;
  if (verdict == 1) {
    SCHAT__PUBLIC(plain, size - SCHAT__SEAL_OVERHEAD); /* authentic: it may be looked at */
    l->opened++;
    l->status = load_opened(l, record, plain, size - SCHAT__SEAL_OVERHEAD);
  }
  schat__free(l->m->env.mem, plain, size - SCHAT__SEAL_OVERHEAD);
  return l->status;
}

/* Events leave in the order they were made in. */
static int compare_effects(const void *a, const void *b) {
  uint64_t x = (*(schat__effect *const *)a)->event_id, y = (*(schat__effect *const *)b)->event_id;
  return (x > y) - (x < y);
}

static int sort_events(schat__env *env) {
  schat__effect **all, *effect;
  size_t count = 0, i;
  for (effect = env->first_effect; effect != NULL; effect = effect->next) count++;
  if (count < 2) return SCHAT_OK;
  all = schat__alloc(env->mem, count * sizeof *all);
  if (all == NULL) return SCHAT_E_NOMEM;
  for (i = 0, effect = env->first_effect; effect != NULL; effect = effect->next) all[i++] = effect;
  qsort(all, count, sizeof *all, compare_effects);
  for (i = 0; i + 1 < count; i++) all[i]->next = all[i + 1];
  all[count - 1]->next = NULL;
  env->first_effect = all[0];
  env->last_effect = all[count - 1];
  schat__free(env->mem, all, count * sizeof *all);
  return SCHAT_OK;
}

/* What no record says alone, but all of them together must. */
static int check_chats(const schat__env *env) {
  const schat__slot *slot;
  size_t at = 0;
  while ((slot = schat__table_next(&env->table, &at)) != NULL) {
    if (slot->chat.state == SCHAT_STATE_NONE || !schat__chat_check(slot)) return SCHAT_E_CORRUPT;
    if (slot->chat.config != 0 && slot->chat.state != SCHAT_STATE_CLOSED && schat__config_find(env, slot->chat.config) == NULL) {
      return SCHAT_E_CORRUPT;
    }
  }
  return SCHAT_OK;
}

static int check_account(schat_manager *m, const loader *l) {
  uint64_t seen = m->store.generation == NULL ? 0 : m->store.generation(m->store.user_data);
  if (l->opened == 0) { /* new or wiped: nothing is there to be used twice, and what comes is newer than all that was seen */
    m->env.account.generation = seen;
    return SCHAT_OK;
  }
  if (!l->has_account) return SCHAT_E_CORRUPT;
  return m->env.account.generation < seen ? SCHAT_E_ROLLED_BACK : SCHAT_OK; /* */
}

int schat__load(schat_manager *m) {
  loader l;
  int status;
  memset(&l, 0, sizeof l);
  l.m = m;
  m->in_store = 1;
  status = m->store.scan(m->store.user_data, load_record, &l);
  m->in_store = 0;
  if (l.status != SCHAT_OK) return l.status;
  if (status != SCHAT_OK) return status < 0 ? status : SCHAT_E_STORE;
  if (l.refused > 0) return l.opened == 0 ? SCHAT_E_KEY : SCHAT_E_CORRUPT;
  status = check_account(m, &l);
  if (status == SCHAT_OK) status = check_chats(&m->env);
  return status == SCHAT_OK ? sort_events(&m->env) : status;
}

/* Resuming ---------------------------------------------------------------------------------------------------------------------- */

/* What was shown once is closed by a restart; sends that were under way are made again, with the same bytes. */
static int resume_items(schat__env *env, schat__slot *slot) {
  size_t i;
  int status = SCHAT_OK;
  for (i = 0; status == SCHAT_OK && i < schat__count(slot, SCHAT__TIMER); i++) {
    schat__item *timer = schat__item_at(slot, SCHAT__TIMER, i);
    if (timer->u.timer.state != SCHAT__OPEN) continue;
    status = schat__item_edit(env, slot, timer);
    if (status == SCHAT_OK) timer->u.timer.state = SCHAT__RUNNING;
  }
  for (i = 0; i < schat__count(slot, SCHAT__OUTBOX); i++) schat__item_at(slot, SCHAT__OUTBOX, i)->u.out.retry_at = 0;
  return status;
}

static int resume_chat(schat__env *env, schat__slot *slot) {
  schat__chat *chat = &slot->chat;
  int status = schat__edit(env, slot);
  if (status == SCHAT_OK) status = resume_items(env, slot);
  if (status != SCHAT_OK) return status;
  chat->flags |= SCHAT__FLAG_REOPENED;
  if (!(env->policy.flags & SCHAT_POLICY_ACCEPT_AFTER)) chat->flags &= ~SCHAT__FLAG_LATE_ACCEPT; /* a policy taken back binds nobody (D-16) */
  if ((chat->state == SCHAT_STATE_REQUESTING && slot->secrets != NULL) || (chat->state == SCHAT_STATE_ACCEPTING && chat->key_since != 0)) {
    chat->flags |= SCHAT__FLAG_ASKED;
  }
  status = schat__gap_resume(env, slot); /* D-10 */
  if (status == SCHAT_OK) status = schat__ask_now(env, slot);
  if (status == SCHAT_OK && chat->state == SCHAT_STATE_READY && chat->notified_layer < SCHAT_LAYER) {
    chat->flags &= ~SCHAT__FLAG_SAID_UNSUPPORTED;
    status = schat__notify_layer(env, slot); /* R-LAY-04 */
  }
  return status == SCHAT_OK ? schat__chat_tend(env, slot) : status;
}

int schat__resume(schat_manager *m) {
  schat__env *env = &m->env;
  schat__slot *slot;
  size_t at = 0;
  int status = schat__queue_ask(m);
  while (status >= 0 && (slot = schat__table_next(&env->table, &at)) != NULL) {
    status = resume_chat(env, slot);
    schat__arena_reset(&env->arena);
  }
  return status < 0 ? status : SCHAT_OK;
}
