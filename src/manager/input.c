/* SPDX-License-Identifier: BSL-1.0
 * input.c - facts from the server: chats, messages, what was read, and whole differences. */
#include <string.h>

#include "manager.h"

static int is_span(const schat_bytes *bytes) { return bytes->size == 0 || bytes->data != NULL; }

/* Chats ----------------------------------------------------------------------------------------------------------------------- */

static int take_chat(schat_manager *m, const schat_chat_update *update, schat__slot **slot) {
  schat__env *env = &m->env;
  *slot = schat__table_find(&env->table, update->chat_id);
  if (*slot != NULL) return schat__chat_update(env, *slot, update);
  if (update->type != SCHAT_CHAT_UPDATE_REQUESTED) return SCHAT_IGNORED; /* of another device, or long forgotten (D-17) */
  if (env->own_id != 0 && update->participant_id != env->own_id) return schat__emit_rejected(env, update->chat_id, SCHAT_REJECT_IDENTITY);
  return schat__invited(env, update);
}

static int check_chat(const schat_chat_update *update) {
  if (update == NULL || !is_span(&update->g_a)) return SCHAT_E_INVALID;
  if (update->size != sizeof *update) return SCHAT_E_ABI;
  if (update->type < SCHAT_CHAT_UPDATE_EMPTY || update->type > SCHAT_CHAT_UPDATE_DISCARDED) return SCHAT_E_INVALID;
  return SCHAT_OK;
}

int schat_input_chat(schat_manager *m, const schat_chat_update *update, int64_t now) {
  schat__slot *slot = NULL;
  schat__step step;
  int status = check_chat(update);
  if (status == SCHAT_OK) status = schat__step_begin(m, now, &step);
  if (status != SCHAT_OK) return status;
  status = take_chat(m, update, &slot);
  if (slot == NULL && status >= 0) slot = schat__table_find(&m->env.table, update->chat_id);
  return schat__step_end(m, &step, status, slot);
}

/* Messages ---------------------------------------------------------------------------------------------------------------------- */

static int take_message(schat_manager *m, const schat_encrypted_message *message, schat__slot **slot) {
  int status;
  *slot = schat__table_find(&m->env.table, message->chat_id);
  if (*slot == NULL) {
    m->env.stats.received++;
    return schat__emit_rejected(&m->env, message->chat_id, SCHAT_REJECT_UNKNOWN_CHAT);
  }
  status = schat__in_message(&m->env, *slot, message);
  /* A message before the chat is ready means that an update was lost. */
  if (status == SCHAT_WAITING && (*slot)->chat.state != SCHAT_STATE_READY && schat__difference_ask(m) < 0) return SCHAT_E_NOMEM;
  return status;
}

/* Where we stand in the server's queue. What would leave a hole is not noted: acknowledging it would lose what is missing (R-Q-02). */
static int note_qts(schat_manager *m, int32_t qts, int status) {
  schat__account *account = &m->env.account;
  int asked;
  if (qts <= account->qts) return status;
  if (account->qts == 0 || qts == account->qts + 1) {
    account->qts = qts;
    m->env.account_dirty = 1;
    return status;
  }
  asked = schat__difference_ask(m);
  if (asked < 0) return asked;
  return status == SCHAT_CHAT_CLOSED || status == SCHAT_REJECTED ? status : SCHAT_NEED_DIFFERENCE;
}

static int check_message(const schat_encrypted_message *message) {
  if (message == NULL || !is_span(&message->bytes)) return SCHAT_E_INVALID;
  return message->size == sizeof *message ? SCHAT_OK : SCHAT_E_ABI;
}

int schat_input_message(schat_manager *m, const schat_encrypted_message *message, int32_t qts, int64_t now) {
  schat__slot *slot = NULL;
  schat__step step;
  int status = check_message(message);
  if (status == SCHAT_OK) status = schat__step_begin(m, now, &step);
  if (status != SCHAT_OK) return status;
  status = take_message(m, message, &slot);
  if (status >= 0) status = note_qts(m, qts, status);
  return schat__step_end(m, &step, status, slot);
}

/* A difference ------------------------------------------------------------------------------------------------------------------ */

static int check_difference(const schat_difference *d) {
  size_t i;
  int status = SCHAT_OK;
  if (d == NULL || (d->chat_count > 0 && d->chats == NULL) || (d->message_count > 0 && d->messages == NULL)) return SCHAT_E_INVALID;
  if (d->size != sizeof *d) return SCHAT_E_ABI;
  for (i = 0; status == SCHAT_OK && i < d->chat_count; i++) status = check_chat(&d->chats[i]);
  for (i = 0; status == SCHAT_OK && i < d->message_count; i++) status = check_message(&d->messages[i]);
  return status;
}

/* The answer covers everything up to its qts and date, so both may be taken as they are. */
static int close_difference(schat_manager *m, const schat_difference *d) {
  schat__account *account = &m->env.account;
  if (m->env.queue.adopt_qts && d->qts > 0) {
    account->qts = d->qts;
    m->env.queue.acked_qts = 0;
  }
  if (d->qts > account->qts) account->qts = d->qts;
  if (d->date > 0) account->date = d->date; /* also where it is less than ours: nobody else knows it */
  m->env.account_dirty = 1;
  return m->env.queue.difference_token == 0 ? SCHAT_OK : schat__flight_remove(&m->env, m->env.queue.difference_token);
}

/* Each part is a step of its own inside one group. */
static int feed(schat_manager *m, const schat_difference *d, int64_t now) {
  size_t i, opened = 0;
  int status = SCHAT_OK;
  for (i = 0; status >= 0 && i < d->chat_count; i++) status = schat_input_chat(m, &d->chats[i], now);
  for (i = 0; status >= 0 && i < d->message_count; i++) {
    if (i == opened) opened += schat__ahead_open(&m->env, &d->messages[i], d->message_count - i);
    status = schat_input_message(m, &d->messages[i], 0, now);
  }
  schat__ahead_end(&m->env);
  return status < 0 ? status : SCHAT_OK;
}

int schat_input_difference(schat_manager *m, const schat_difference *difference, int64_t now) {
  schat__step step;
  int status = check_difference(difference);
  if (status == SCHAT_OK) status = schat__group_open(m);
  if (status != SCHAT_OK) return status;
  status = schat__step_begin(m, now, &step);
  if (status == SCHAT_OK) {
    status = feed(m, difference, now);
    if (status == SCHAT_OK) status = close_difference(m, difference);
    m->env.queue.difference_token = 0; /* before effects leave: what their answers ask for is another difference */
    m->env.queue.difference_wanted = 0;
    m->env.queue.adopt_qts = 0;
    status = schat__step_end(m, &step, status, NULL);
  }
  return schat__group_close(m, status);
}

int schat_checkpoint(const schat_manager *m, int32_t *qts, int32_t *date) {
  int status = schat__enter(m);
  if (status != SCHAT_OK) return status;
  if (qts == NULL || date == NULL) return SCHAT_E_INVALID;
  *qts = m->durable_qts;
  *date = m->durable_date;
  return SCHAT_OK;
}

/* Read and typing --------------------------------------------------------------------------------------------------------------- */

static int take_read(schat__env *env, schat__slot *slot, int32_t max_date, int32_t date) {
  schat__event event;
  int64_t *started;
  size_t count = 0;
  int status;
  if (slot->chat.state != SCHAT_STATE_READY) return SCHAT_IGNORED;
  status = schat__edit(env, slot);
  /* Peers that show a text do not always send ReadMessages for it: this is all they say. */
  if (status == SCHAT_OK) status = schat__timer_read(env, slot, 1, max_date, &started, &count);
  if (status != SCHAT_OK) return status;
  if (max_date <= slot->chat.read_outbox_date) return count > 0 ? SCHAT_OK : SCHAT_IGNORED;
  slot->chat.read_outbox_date = max_date;
  memset(&event, 0, sizeof event);
  event.type = SCHAT_EVENT_READ;
  event.chat_id = slot->chat.chat_id;
  event.date = max_date;
  event.value = date;
  return schat__emit(env, &event);
}

int schat_input_read(schat_manager *m, int32_t chat_id, int32_t max_date, int32_t date, int64_t now) {
  schat__slot *slot;
  schat__step step;
  int status = schat__step_begin(m, now, &step);
  if (status != SCHAT_OK) return status;
  slot = schat__table_find(&m->env.table, chat_id);
  status = slot == NULL ? SCHAT_IGNORED : take_read(&m->env, slot, max_date, date);
  return schat__step_end(m, &step, status, slot);
}

int schat_input_typing(schat_manager *m, int32_t chat_id, int64_t now) {
  schat__slot *slot;
  schat__step step;
  int status = schat__step_begin(m, now, &step);
  if (status != SCHAT_OK) return status;
  slot = schat__table_find(&m->env.table, chat_id);
  status = SCHAT_IGNORED;
  if (slot != NULL && slot->chat.state == SCHAT_STATE_READY) status = schat__emit_simple(&m->env, slot, SCHAT_EVENT_TYPING, 1);
  return schat__step_end(m, &step, status, NULL);
}
