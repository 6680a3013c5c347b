/* SPDX-License-Identifier: BSL-1.0
 * step.c - one input is one step, and one or several steps are one commit: nothing is shown before it is durable, nothing stays of what failed. */
#include <string.h>

#if defined(SCHAT_DEBUG_CHECKS)
#include <assert.h>
#endif

#include "manager.h"

int schat__enter(const schat_manager *m) {
  if (m == NULL) return SCHAT_E_INVALID;
  if (m->in_store) return SCHAT_E_REENTRANT;
  return m->poisoned ? SCHAT_E_POISONED : SCHAT_OK;
}

/* Time as it passes for us: forwards only, so that a clock set back never lengthens a life (R-TTL-08). */
static void pass_time(schat__env *env, int64_t now) {
  schat__account *account = &env->account;
  if (now < account->wall - 1000) env->account_dirty = 1; /* the store would count on from the later time */
  if (now > account->wall) {
    account->clock += now - account->wall;
    if (account->clock > SCHAT__NOW_MAX) account->clock = SCHAT__NOW_MAX; /* a clock that goes to and fro for ever overflows nothing */
  }
  account->wall = now;
}

int schat__step_begin(schat_manager *m, int64_t now, schat__step *step) {
  int status = schat__enter(m);
  if (status != SCHAT_OK) return status;
  if (now <= 0 || now > SCHAT__NOW_MAX) return SCHAT_E_INVALID;
  if (m->depth == 0) schat__mark_set(&m->env, &m->group);
  schat__mark_set(&m->env, &step->mark);
  schat__arena_reset(&m->env.arena);
  pass_time(&m->env, now);
  return SCHAT_OK;
}

static int tend(schat_manager *m, int status, schat__slot *slot) {
  int tended;
  if (status < 0 || slot == NULL || schat__table_find(&m->env.table, slot->chat.chat_id) != slot) return status;
  tended = schat__chat_tend(&m->env, slot);
#if defined(SCHAT_DEBUG_CHECKS)
  assert(tended < 0 || schat__chat_check(slot));
#endif
  if (tended < 0 || tended == SCHAT_CHAT_CLOSED) return tended;
  return status;
}

int schat__step_end(schat_manager *m, const schat__step *step, int status, schat__slot *slot) {
  status = tend(m, status, slot);
  schat__arena_reset(&m->env.arena);
  if (status < 0) {
    schat__mark_undo(&m->env, &step->mark);
  } else if (m->depth == 0) {
    int committed = schat__commit(m);
    if (committed < 0 || (committed == SCHAT_PENDING && status == SCHAT_OK)) status = committed;
    if (status >= 0) schat__dispatch(m); /* no callback runs in a call that fails */
  }
  if (m->depth == 0) schat__crypto_wipe_traces(m->env.crypto);
  return status;
}

/* Committing ------------------------------------------------------------------------------------------------------------------ */

/* Effects of a group that needed no commit may leave with the last one that did. */
static void release_effects(schat_manager *m) {
  schat__effect *effect = m->group.last_effect == NULL ? m->env.first_effect : m->group.last_effect->next;
  for (; effect != NULL; effect = effect->next) {
    if (effect->ticket == m->env.group) effect->ticket = m->env.group - 1;
  }
}

int schat__reserve_pending(schat_manager *m) {
  size_t capacity;
  schat__pending *grown;
  if (m->pending_count < m->pending_capacity) return SCHAT_OK;
  capacity = m->pending_capacity == 0 ? 4 : m->pending_capacity * 2;
  grown = schat__alloc(m->env.mem, capacity * sizeof *grown);
  if (grown == NULL) return SCHAT_E_NOMEM;
  if (m->pending_count > 0) memcpy(grown, m->pending, m->pending_count * sizeof *grown);
  schat__free(m->env.mem, m->pending, m->pending_capacity * sizeof *grown);
  m->pending = grown;
  m->pending_capacity = capacity;
  return SCHAT_OK;
}

/* The oldest pending commits that are known to be durable free their effects. */
static void advance(schat_manager *m) {
  size_t done = 0;
  while (done < m->pending_count && m->pending[done].done) done++;
  if (done == 0) return;
  m->env.durable = m->pending[done - 1].ticket;
  m->durable_qts = m->pending[done - 1].qts;
  m->durable_date = m->pending[done - 1].date;
  m->pending_count -= done;
  memmove(m->pending, m->pending + done, m->pending_count * sizeof *m->pending);
}

void schat__settle(schat_manager *m, size_t handed, int durable) {
  schat__env *env = &m->env;
  schat__journal_settle(env);
  env->handed_count -= handed;
  if (env->handed_count > 0) memmove(env->handed, env->handed + handed, env->handed_count * sizeof *env->handed);
  env->account_dirty = 0;
  m->stored_clock = env->account.clock;
  m->pending[m->pending_count].qts = env->account.qts;
  m->pending[m->pending_count].date = env->account.date;
  m->pending[m->pending_count].ticket = env->group++;
  m->pending[m->pending_count++].done = durable;
  advance(m);
}

int schat__store_commit(schat_manager *m, const schat_batch *batch) {
  int status;
  m->in_store = 1;
  status = m->store.commit(m->store.user_data, batch);
  m->in_store = 0;
  if (status > 0 && status != SCHAT_PENDING) status = SCHAT_E_STORE;
  return status;
}

static int nothing_changed(const schat_manager *m) {
  return m->env.journal_count == 0 && !m->env.account_dirty && m->env.account.qts <= m->env.queue.acked_qts;
}

int schat__commit(schat_manager *m) {
  schat__env *env = &m->env;
  schat_batch batch = {0};
  int status;
  size_t handed = env->handed_count;
  if (nothing_changed(m)) {
    release_effects(m);
    return SCHAT_OK;
  }
  status = schat__queue_ask(m);
  if (status == SCHAT_OK) status = schat__reserve_pending(m);
  if (status == SCHAT_OK) status = schat__batch_build(m, &batch);
  if (status == SCHAT_OK && batch.record_count == 0) { /* only what is not stored has changed */
    schat__journal_settle(env);
    release_effects(m);
    schat__arena_reset(&m->commit_arena);
    return SCHAT_OK;
  }
  if (status == SCHAT_OK) status = schat__store_commit(m, &batch);
  if (status == SCHAT_OK || status == SCHAT_PENDING) {
    env->account.generation = batch.generation;
    env->stats.commits++;
    env->stats.records += batch.record_count;
    schat__settle(m, handed, status == SCHAT_OK);
  } else {
    schat__mark_undo(env, &m->group);
  }
  schat__arena_reset(&m->commit_arena);
  return status;
}

int schat_commit_done(schat_manager *m, uint64_t ticket, int status) {
  int entered = schat__enter(m);
  if (entered != SCHAT_OK) return entered;
  if (m->pending_count == 0 || m->pending[0].ticket != ticket) return SCHAT_E_INVALID;
  if (status != SCHAT_OK) {
    m->poisoned = 1; /* memory is ahead of the disk: nothing may be done with it any more */
    return SCHAT_E_POISONED;
  }
  m->pending[0].done = 1;
  advance(m);
  schat__dispatch(m);
  schat__crypto_wipe_traces(m->env.crypto);
  return SCHAT_OK;
}

/* Groups ---------------------------------------------------------------------------------------------------------------------- */

int schat__group_open(schat_manager *m) {
  int status = schat__enter(m);
  if (status != SCHAT_OK) return status;
  if (m->depth++ == 0) schat__mark_set(&m->env, &m->group);
  return SCHAT_OK;
}

int schat__group_close(schat_manager *m, int status) {
  if (--m->depth > 0) return status;
  if (status < 0) {
    schat__mark_undo(&m->env, &m->group);
  } else {
    int committed = schat__commit(m);
    if (committed < 0 || (committed == SCHAT_PENDING && status == SCHAT_OK)) status = committed;
  }
  if (status >= 0) schat__dispatch(m);
  schat__crypto_wipe_traces(m->env.crypto);
  return status;
}

int schat_begin(schat_manager *m) { return schat__group_open(m); }

int schat_end(schat_manager *m, int64_t now) {
  int status = schat__enter(m);
  if (status != SCHAT_OK) return status;
  if (m->depth == 0 || now <= 0 || now > SCHAT__NOW_MAX) return SCHAT_E_INVALID;
  pass_time(&m->env, now);
  return schat__group_close(m, SCHAT_OK);
}
