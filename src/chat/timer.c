/* SPDX-License-Identifier: BSL-1.0
 * timer.c - messages that destroy themselves: when their clocks start, when their time is over, and that nothing of them stays. */
#include <stdlib.h>
#include <string.h>

#include "chat.h"

int schat__timer_add(schat__env *env, schat__slot *slot, int64_t random_id, int32_t ttl, int on_open, int32_t date, int32_t out_seq) {
  schat__item *item;
  int status;
  if (ttl <= 0) return SCHAT_OK;
  status = schat__item_new(env, slot, SCHAT__TIMER, random_id, 0, &item);
  if (status == SCHAT_E_EXISTS) return SCHAT_OK; /* a second message of the same name ends with the first */
  if (status != SCHAT_OK) return status;
  item->u.timer.ttl = ttl;
  item->u.timer.on_open = on_open != 0;
  item->u.timer.date = date;
  item->u.timer.out_seq = out_seq;
  item->u.timer.outgoing = out_seq >= 0;
  return SCHAT_OK;
}

static int start(schat__env *env, schat__slot *slot, schat__item *item) {
  int status = schat__item_edit(env, slot, item);
  if (status != SCHAT_OK) return status;
  item->u.timer.state = SCHAT__RUNNING;
  item->u.timer.deadline = env->account.clock + (int64_t)item->u.timer.ttl * 1000;
  return SCHAT_OK;
}

int schat__timer_read(schat__env *env, schat__slot *slot, int outgoing, int32_t max_date, int64_t **started, size_t *started_count) {
  size_t i, count = schat__count(slot, SCHAT__TIMER);
  int status = SCHAT_OK;
  *started_count = 0;
  *started = NULL;
  if (count == 0) return SCHAT_OK;
  *started = schat__arena_take(&env->arena, count * sizeof **started);
  if (*started == NULL) return SCHAT_E_NOMEM;
  for (i = 0; status == SCHAT_OK && i < count; i++) {
    schat__item *item = schat__item_at(slot, SCHAT__TIMER, i);
    const schat__timer *timer = &item->u.timer;
    if (timer->outgoing != outgoing || timer->state != SCHAT__UNREAD || timer->on_open || timer->date == 0 || timer->date > max_date) {
      continue;
    }
    (*started)[(*started_count)++] = item->key;
    status = start(env, slot, item);
  }
  return status;
}

int schat__timer_open(schat__env *env, schat__slot *slot, int64_t random_id, int outgoing) {
  schat__item *item = schat__item_find(slot, SCHAT__TIMER, random_id);
  int status;
  if (item == NULL || item->u.timer.outgoing != outgoing || item->u.timer.state != SCHAT__UNREAD) return SCHAT_OK;
  if (item->u.timer.ttl != SCHAT_TTL_AT_ONCE) return start(env, slot, item);
  status = schat__item_edit(env, slot, item);
  if (status != SCHAT_OK) return status;
  /* Ours goes now; the peer's when its content is closed (D-28). */
  item->u.timer.state = outgoing ? SCHAT__RUNNING : SCHAT__OPEN;
  item->u.timer.deadline = env->account.clock;
  return SCHAT_OK;
}

int64_t schat__timer_deadline(const schat__slot *slot) {
  size_t i;
  int64_t deadline = SCHAT__NEVER;
  for (i = 0; i < schat__count(slot, SCHAT__TIMER); i++) {
    const schat__timer *timer = &schat__item_at(slot, SCHAT__TIMER, i)->u.timer;
    if (timer->state == SCHAT__RUNNING && timer->deadline < deadline) deadline = timer->deadline;
  }
  return deadline;
}

/* What we keep of one message: its timer, its event if nobody has seen it, its text if the peer has not confirmed it. */
static int forget_message(schat__env *env, schat__slot *slot, int64_t random_id) {
  schat__item *timer = schat__item_find(slot, SCHAT__TIMER, random_id), *out = schat__out_by_random_id(slot, random_id);
  int status = SCHAT_OK;
  if (timer != NULL) status = schat__item_remove(env, slot, timer);
  if (status == SCHAT_OK && out != NULL && out->u.out.content) status = schat__out_erase(env, slot, out);
  return status == SCHAT_OK ? schat__events_forget(env, slot->chat.chat_id, random_id) : status;
}

static int compare_ids(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static int is_among(const schat__ids *ids, int64_t random_id) {
  return bsearch(&random_id, ids->at, ids->count, sizeof *ids->at, compare_ids) != NULL;
}

/* A peer may name a hundred thousand messages at once: sorted, so that outbox and events are walked once and not once for each. */
static int forget_many(schat__env *env, schat__slot *slot, const int64_t *random_ids, size_t count) {
  schat__ids ids;
  size_t i;
  int status = SCHAT_OK;
  ids.at = schat__arena_take(&env->arena, count * sizeof *ids.at);
  ids.count = count;
  ids.has = is_among;
  if (ids.at == NULL) return SCHAT_E_NOMEM;
  memcpy(ids.at, random_ids, count * sizeof *ids.at);
  qsort(ids.at, count, sizeof *ids.at, compare_ids);
  for (i = schat__count(slot, SCHAT__TIMER); status == SCHAT_OK && i-- > 0;) {
    schat__item *timer = schat__item_at(slot, SCHAT__TIMER, i);
    if (is_among(&ids, timer->key)) status = schat__item_remove(env, slot, timer);
  }
  for (i = 0; status == SCHAT_OK && i < schat__count(slot, SCHAT__OUTBOX); i++) {
    schat__item *out = schat__item_at(slot, SCHAT__OUTBOX, i);
    if (out->u.out.content && is_among(&ids, out->u.out.random_id)) status = schat__out_erase(env, slot, out);
  }
  return status == SCHAT_OK ? schat__events_forget_many(env, slot->chat.chat_id, &ids) : status;
}

int schat__forget_messages(schat__env *env, schat__slot *slot, const int64_t *random_ids, size_t count) {
  size_t i;
  int status = SCHAT_OK;
  if (count > 8) return forget_many(env, slot, random_ids, count);
  for (i = 0; status == SCHAT_OK && i < count; i++) status = forget_message(env, slot, random_ids[i]);
  return status;
}

/* The peer's flush reaches what it had; messages of ours that are still on their way stay alive. */
static int is_under_way(const schat__slot *slot, const schat__item *timer) {
  return timer->u.timer.outgoing && schat__item_find(slot, SCHAT__OUTBOX, timer->u.timer.out_seq) != NULL;
}

int schat__forget_all_messages(schat__env *env, schat__slot *slot, int ours_too) {
  size_t i;
  int status = SCHAT_OK;
  for (i = schat__count(slot, SCHAT__TIMER); status == SCHAT_OK && i-- > 0;) {
    schat__item *timer = schat__item_at(slot, SCHAT__TIMER, i);
    if (ours_too || !is_under_way(slot, timer)) status = schat__item_remove(env, slot, timer);
  }
  for (i = 0; status == SCHAT_OK && ours_too && i < schat__count(slot, SCHAT__OUTBOX); i++) {
    schat__item *item = schat__item_at(slot, SCHAT__OUTBOX, i);
    if (item->u.out.content) status = schat__out_erase(env, slot, item);
  }
  return status == SCHAT_OK ? schat__events_forget_chat(env, slot->chat.chat_id) : status;
}

static size_t expired(const schat__env *env, const schat__slot *slot, int64_t *ids) {
  size_t i, count = 0;
  for (i = 0; i < schat__count(slot, SCHAT__TIMER); i++) {
    const schat__item *item = schat__item_at(slot, SCHAT__TIMER, i);
    if (item->u.timer.state != SCHAT__RUNNING || item->u.timer.deadline > env->account.clock) continue;
    if (ids != NULL) ids[count] = item->key;
    count++;
  }
  return count;
}

int schat__timer_expire(schat__env *env, schat__slot *slot) {
  schat__event event;
  int64_t *ids;
  size_t count = expired(env, slot, NULL);
  int status;
  if (count == 0) return SCHAT_OK;
  ids = schat__arena_take(&env->arena, count * sizeof *ids);
  if (ids == NULL) return SCHAT_E_NOMEM;
  expired(env, slot, ids);
  status = schat__edit(env, slot);
  if (status == SCHAT_OK) status = schat__forget_messages(env, slot, ids, count);
  if (status != SCHAT_OK) return status;
  memset(&event, 0, sizeof event);
  event.type = SCHAT_EVENT_EXPIRED;
  event.chat_id = slot->chat.chat_id;
  event.random_ids = ids;
  event.random_id_count = count;
  return schat__emit(env, &event);
}
