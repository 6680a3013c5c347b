/* SPDX-License-Identifier: BSL-1.0
 * tick.c - what time brings: per chat what is due, for the account the acknowledgement of the queue and the difference that is missing. */
#include "manager.h"

#define RETRY 5000

int schat__queue_ask(schat_manager *m) {
  int32_t qts = m->env.account.qts;
  uint64_t token;
  int status;
  if (qts <= m->env.queue.acked_qts || m->env.account.clock < m->env.queue.queue_retry_at) return SCHAT_OK;
  status = schat__request(&m->env, 0, SCHAT_REQUEST_RECEIVED_QUEUE, qts, &token);
  if (status == SCHAT_OK) m->env.queue.acked_qts = qts;
  return status;
}

int schat__difference_ask(schat_manager *m) {
  int status;
  m->env.queue.difference_wanted = 1;
  if (m->env.queue.difference_token != 0 || m->env.account.clock < m->env.queue.difference_retry_at) return SCHAT_OK;
  status = schat__request(&m->env, 0, SCHAT_REQUEST_GET_DIFFERENCE, 0, &m->env.queue.difference_token);
  /* Hosts answer through schat_input_difference; one that does not is asked again after a while. */
  if (status == SCHAT_OK) m->env.queue.difference_retry_at = m->env.account.clock + RETRY;
  return status;
}

static int tend_due(schat_manager *m) {
  schat__env *env = &m->env;
  schat__slot *slot;
  size_t at = 0;
  int status = SCHAT_OK;
  while (status >= 0 && (slot = schat__table_next(&env->table, &at)) != NULL) {
    if (slot->wake_at <= env->account.clock) status = schat__chat_tend(env, slot);
    schat__arena_reset(&env->arena);
  }
  return status < 0 ? status : SCHAT_OK;
}

static int64_t first_end(const schat__env *env) {
  const schat__slot *slot;
  size_t at = 0;
  int64_t end = SCHAT__NEVER;
  while ((slot = schat__table_next(&env->table, &at)) != NULL) {
    int64_t deadline = schat__timer_deadline(slot);
    if (deadline < end) end = deadline;
  }
  return end;
}

int schat__clock_counts(const schat_manager *m, int closing) {
  const schat__account *account = &m->env.account;
  int64_t passed = account->clock - m->stored_clock, end;
  if (passed < (closing ? 1 : 1000)) return 0;
  end = first_end(&m->env);
  return end != SCHAT__NEVER && (closing || passed >= (end - account->clock) / 4);
}

int schat_tick(schat_manager *m, int64_t now) {
  schat__step step;
  int status = schat__step_begin(m, now, &step);
  if (status != SCHAT_OK) return status;
  status = tend_due(m);
  if (status == SCHAT_OK && m->env.queue.difference_wanted && m->env.account.clock >= m->env.queue.difference_retry_at) {
    if (m->env.queue.difference_token != 0) status = schat__flight_remove(&m->env, m->env.queue.difference_token);
    m->env.queue.difference_token = 0;
    if (status == SCHAT_OK) status = schat__difference_ask(m);
  }
  if (m->env.handed_count > 0 || schat__clock_counts(m, 0)) m->env.account_dirty = 1; /* seen events go, seen time counts */
  return schat__step_end(m, &step, status, NULL);
}

int schat_next_deadline(const schat_manager *m, int64_t *deadline) {
  const schat__slot *slot;
  size_t at = 0;
  int64_t wake = SCHAT__NEVER;
  int status = schat__enter(m);
  if (status != SCHAT_OK) return status;
  if (deadline == NULL) return SCHAT_E_INVALID;
  while ((slot = schat__table_next(&m->env.table, &at)) != NULL) {
    if (slot->wake_at < wake) wake = slot->wake_at;
  }
  if (m->env.queue.difference_wanted && m->env.queue.difference_retry_at < wake) wake = m->env.queue.difference_retry_at;
  if (m->env.account.qts > m->env.queue.acked_qts && m->env.queue.queue_retry_at < wake) wake = m->env.queue.queue_retry_at;
  /* From our time to the host's clock, which may have been set back. */
  *deadline = wake == SCHAT__NEVER ? INT64_MAX : wake - m->env.account.clock + m->env.account.wall;
  return SCHAT_OK;
}
