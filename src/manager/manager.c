/* SPDX-License-Identifier: BSL-1.0
 * manager.c - the life of a manager: opened from a store, closed, wiped. */
#include "manager.h"

#include <string.h>

#define FIRST_DATE 1 /* the least a server takes: 0 is DATE_EMPTY */

/* Structs of the host may be older than ours: what they lack is zero. */
static int copy_struct(void *to, size_t to_size, const void *from, size_t least) {
  size_t size;
  memset(to, 0, to_size);
  if (from == NULL) return SCHAT_OK;
  size = *(const size_t *)from;
  if (size < least || size > to_size) return SCHAT_E_ABI;
  memcpy(to, from, size);
  return SCHAT_OK;
}

static void set_default(uint32_t *value, uint32_t usual) {
  if (*value == 0) *value = usual;
}

static void complete_policy(schat_policy *p) {
  if (!(p->flags & SCHAT_POLICY_KEEP_ACKED)) set_default(&p->keep_acked, SCHAT__KEEP_ACKED_MAX);
  if (p->keep_acked > SCHAT__KEEP_ACKED_MAX) p->keep_acked = SCHAT__KEEP_ACKED_MAX;
  set_default(&p->max_waiting_messages, 1000);
  set_default(&p->max_waiting_bytes, 4u << 20);
  set_default(&p->max_resend_span, 1000);
  set_default(&p->max_message_bytes, 1u << 20);
  set_default(&p->max_invited_chats, 1000);
  set_default(&p->rekey_messages, 100);
  if (p->rekey_messages < 2) p->rekey_messages = 2; /* the Noops of one exchange must not begin the next */
  set_default(&p->rekey_seconds, 604800);
}

/* Memory of one input: the message, what it decodes into, and what answers it. Decoded objects are small multiples of their bytes. */
static size_t arena_limit(const schat_policy *p) { size_t most = SIZE_MAX / 16 - (1u << 16);
  return (p->max_message_bytes < most ? (size_t)p->max_message_bytes : most) * 16 + (1u << 16); }

static int set_up(schat_manager *m, const schat_config *config) {
  schat__env *env = &m->env;
  int status = copy_struct(&m->store, sizeof m->store, config->store, sizeof m->store);
  if (status == SCHAT_OK) status = copy_struct(&env->host, sizeof env->host, config->host, sizeof env->host);
  if (status == SCHAT_OK) status = copy_struct(&env->policy, sizeof env->policy, config->policy, sizeof env->policy);
  if (status != SCHAT_OK) return status;
  if (m->store.commit == NULL || m->store.scan == NULL) return SCHAT_E_INVALID;
  if ((env->host.request == NULL) != (env->host.event == NULL)) return SCHAT_E_INVALID;
  complete_policy(&env->policy);
  env->own_id = config->user_id;
  schat__arena_init(&env->arena, env->mem, arena_limit(&env->policy));
  schat__arena_init(&env->ahead_arena, env->mem, SIZE_MAX);
  schat__arena_init(&env->journal_arena, env->mem, SIZE_MAX);
  schat__arena_init(&m->commit_arena, env->mem, SIZE_MAX);
  schat__arena_init(&m->out_arena, env->mem, arena_limit(&env->policy));
  status = schat__crypto_new(env->mem, env->host.random, env->host.user_data, &env->crypto);
  return status == SCHAT_OK ? schat__sealer_new(env->mem, env->crypto, config->storage_key, &m->sealer) : status;
}

/* Everything but the handle itself. */
static void tear_down(schat_manager *m) {
  schat__env *env = &m->env;
  size_t at = 0;
  schat__slot *slot;
  while (env->first_effect != NULL) {
    schat__effect *next = env->first_effect->next;
    schat__effect_free(env, env->first_effect);
    env->first_effect = next;
  }
  env->last_effect = NULL;
  while ((slot = schat__table_next(&env->table, &at)) != NULL) schat__slot_free(env, slot);
  schat__effects_forget_spares(env);
  schat__lists_forget_spare(env);
  schat__free(env->mem, env->table.at, env->table.capacity * sizeof *env->table.at);
  schat__free(env->mem, env->configs, env->config_capacity * sizeof *env->configs);
  schat__free(env->mem, env->flights, env->flight_capacity * sizeof *env->flights);
  schat__free(env->mem, env->handed, env->handed_capacity * sizeof *env->handed);
  schat__free(env->mem, env->journal, env->journal_capacity * sizeof *env->journal);
  schat__free(env->mem, m->pending, m->pending_capacity * sizeof *m->pending);
  schat__arena_free(&env->arena);
  schat__arena_free(&env->ahead_arena);
  schat__arena_free(&env->journal_arena);
  schat__arena_free(&m->commit_arena);
  schat__arena_free(&m->out_arena);
  schat__sealer_free(m->sealer);
  schat__crypto_free(env->crypto);
}

static void release(schat_manager *m) {
  schat_allocator allocator = m->env.allocator;
  const schat_allocator *mem = m->env.mem == NULL ? NULL : &allocator;
  schat__journal_settle(&m->env);
  tear_down(m);
  schat__free(mem, m, sizeof *m);
}

/* A store without records is a new account: its time begins now. Where the server's updates begin it cannot know: with a clock that is ahead,
 * or a store that lost its first commits, some would be missed. So the first difference is asked for from the beginning. */
static void begin_account(schat_manager *m, int64_t now) {
  if (m->env.account.wall != 0) return;
  m->env.account.clock = now;
  m->env.account.wall = now;
  m->env.account.date = FIRST_DATE;
}

static int start(schat_manager *m, int64_t now) {
  schat__step step;
  int status = schat__load(m);
  if (status != SCHAT_OK) return status;
  m->env.group = 1; /* items of the store were made before any commit of ours */
  begin_account(m, now);
  m->stored_clock = m->env.account.clock;
  m->durable_qts = m->env.account.qts;
  m->durable_date = m->env.account.date;
  m->dispatching = 1; /* nothing is handed over yet */
  status = schat__step_begin(m, now, &step);
  if (status == SCHAT_OK) status = schat__step_end(m, &step, schat__resume(m), NULL);
  m->dispatching = 0;
  return status;
}

int schat_open(const schat_config *config, int64_t now, schat_manager **manager) {
  const schat_allocator *allocator;
  schat_manager *m;
  int status;
  if (config == NULL || manager == NULL || now <= 0 || now > SCHAT__NOW_MAX) return SCHAT_E_INVALID;
  if (config->size != sizeof *config) return SCHAT_E_ABI;
  if (config->store == NULL || config->storage_key == NULL) return SCHAT_E_INVALID;
  allocator = config->allocator;
  if (allocator != NULL && (allocator->allocate == NULL || allocator->release == NULL)) return SCHAT_E_INVALID;
  m = schat__alloc(allocator, sizeof *m);
  if (m == NULL) return SCHAT_E_NOMEM;
  if (allocator != NULL) {
    m->env.allocator = *allocator;
    m->env.mem = &m->env.allocator;
  }
  status = set_up(m, config);
  if (status == SCHAT_OK) status = start(m, now);
  if (status < 0) {
    release(m);
  } else {
    *manager = m;
  }
  schat__wipe_traces();
  return status;
}

void schat_close(schat_manager *m) {
  if (m == NULL || m->dispatching || m->in_store) return;
  if (m->depth > 0) schat__mark_undo(&m->env, &m->group);
  m->depth = 0;
  m->dispatching = 1; /* no callback runs any more */
  if (!m->poisoned && (m->env.handed_count > 0 || schat__clock_counts(m, 1))) {
    schat__mark_set(&m->env, &m->group);
    m->env.account_dirty = 1;
    (void)schat__commit(m); /* what it would have removed is handed over again, marked, at worst */
  }
  release(m);
  schat__wipe_traces();
}

/* The manager as it is over an empty store; generations go on, so that no old image of the store passes for a new one. */
static void forget_everything(schat_manager *m, int64_t now) {
  schat__env *env = &m->env;
  uint64_t generation = env->account.generation + 1;
  schat__effect *effect;
  schat__slot *slot;
  size_t at = 0;
  while ((effect = env->first_effect) != NULL) {
    env->first_effect = effect->next;
    schat__effect_free(env, effect);
  }
  env->last_effect = NULL;
  while ((slot = schat__table_next(&env->table, &at)) != NULL) schat__slot_free(env, slot);
  if (env->table.capacity > 0) memset(env->table.at, 0, env->table.capacity * sizeof *env->table.at);
  env->table.count = 0;
  env->config_count = 0;
  env->flight_count = 0;
  env->handed_count = 0;
  env->stored_events = 0;
  memset(&env->account, 0, sizeof env->account);
  env->account.generation = generation;
  begin_account(m, now);
  memset(&env->queue, 0, sizeof env->queue);
}

int schat_wipe(schat_manager *m, int64_t now) {
  schat_batch batch;
  int status = schat__enter(m);
  if (status != SCHAT_OK) return status;
  if (now <= 0 || now > SCHAT__NOW_MAX) return SCHAT_E_INVALID;
  if (m->depth > 0 || m->pending_count > 0 || m->dispatching) return SCHAT_E_STATE;
  status = schat__reserve_pending(m);
  if (status == SCHAT_OK) status = schat__batch_wipe(m, &batch);
  if (status == SCHAT_OK) status = schat__store_commit(m, &batch);
  schat__arena_reset(&m->commit_arena);
  if (status < 0) return status;
  m->showing = 0;
  forget_everything(m, now);
  schat__settle(m, 0, status == SCHAT_OK);
  schat__wipe_traces();
  return status;
}
