/* SPDX-License-Identifier: BSL-1.0
 * dispatch.c - effects on their way to the host: built from live state at the last moment, in order, once what they rest on is durable. */
#include <string.h>

#include "../chat/journal.h"
#include "manager.h"

/* Requests -------------------------------------------------------------------------------------------------------------------- */

#define OBSOLETE 0
#define BUILT 1
#define EARLY 2

static int build_send(schat_manager *m, const schat__effect *effect, const schat__slot *slot, schat_request *request) {
  schat__item *item = schat__item_find(slot, SCHAT__OUTBOX, effect->ref);
  size_t size;
  uint8_t *out;
  int status;
  if (item == NULL || item->u.out.token != effect->token) return OBSOLETE;
  if (item->written > m->env.durable) return EARLY; /* it was replaced since (R-SEQ-21), and what it says now may yet be lost */
  size = (size_t)item->size + SCHAT__ENVELOPE_HEAD;
  out = schat__arena_take(&m->out_arena, size);
  if (out == NULL) return SCHAT_E_NOMEM;
  status = schat__out_seal(&m->env, slot, item, out);
  if (status != SCHAT_OK) return status;
  request->type = item->u.out.method; /* it may have been replaced meanwhile (R-SEQ-21) */
  request->after = effect->after != 0 && schat__flight_find(&m->env, effect->after) != NULL ? effect->after : 0;
  request->random_id = item->u.out.random_id;
  request->data.data = out;
  request->data.size = size;
  request->silent = item->u.out.silent;
  request->file = item->u.out.file;
  return BUILT;
}

static int build_ask(schat_manager *m, const schat__effect *effect, const schat__slot *slot, schat_request *request) {
  const schat__chat *chat = &slot->chat;
  const schat__config *config = schat__current_config(&m->env);
  uint8_t *own;
  if (chat->ask.token != effect->token) return OBSOLETE;
  request->version = config == NULL ? 0 : config->version;
  request->random_length = 256;
  request->user_id = chat->user_id;
  request->random_id = chat->chat_id;
  request->key_fingerprint = chat->key_fingerprint;
  request->delete_history = (chat->flags & SCHAT__FLAG_DISCARD_HISTORY) != 0;
  if (slot->secrets == NULL) return BUILT;
  own = schat__arena_take(&m->out_arena, SCHAT__DH_SIZE); /* the answer, inside the callback, may be the end of the secrets */
  if (own == NULL) return SCHAT_E_NOMEM;
  memcpy(own, slot->secrets->own, SCHAT__DH_SIZE);
  request->data.data = own;
  request->data.size = SCHAT__DH_SIZE;
  return BUILT;
}

static int build_for_chat(schat_manager *m, const schat__effect *effect, schat_request *request) {
  const schat__slot *slot = schat__table_find(&m->env.table, effect->chat_id);
  if (slot == NULL) return OBSOLETE;
  request->access_hash = slot->chat.access_hash;
  switch ((schat_request_type)effect->type) {
    case SCHAT_REQUEST_SEND_ENCRYPTED:
    case SCHAT_REQUEST_SEND_ENCRYPTED_FILE:
    case SCHAT_REQUEST_SEND_SERVICE:
      return build_send(m, effect, slot, request);
    case SCHAT_REQUEST_READ_HISTORY:
      request->max_date = (int32_t)effect->ref;
      return slot->chat.read_token == effect->token ? BUILT : OBSOLETE;
    case SCHAT_REQUEST_SET_TYPING:
      request->typing = effect->ref != 0;
      return slot->chat.state == SCHAT_STATE_READY ? BUILT : OBSOLETE;
    case SCHAT_REQUEST_REPORT_SPAM:
      return BUILT;
    case SCHAT_REQUEST_GET_DH_CONFIG:
    case SCHAT_REQUEST_REQUEST_ENCRYPTION:
    case SCHAT_REQUEST_ACCEPT_ENCRYPTION:
    case SCHAT_REQUEST_DISCARD_ENCRYPTION:
    case SCHAT_REQUEST_RECEIVED_QUEUE:
    case SCHAT_REQUEST_GET_DIFFERENCE:
      break;
  }
  return build_ask(m, effect, slot, request);
}

static int build_request(schat_manager *m, const schat__effect *effect, schat_request *request) {
  SCHAT_INIT(*request);
  if (schat__flight_find(&m->env, effect->token) == NULL) return OBSOLETE;
  request->type = (int32_t)effect->type;
  request->chat_id = effect->chat_id;
  request->token = effect->token;
  if (effect->type == SCHAT_REQUEST_RECEIVED_QUEUE) {
    request->qts = (int32_t)effect->ref;
    return BUILT;
  }
  if (effect->type == SCHAT_REQUEST_GET_DIFFERENCE) {
    request->qts = m->durable_qts; /* asking from there acknowledges what came before (R-Q-01) */
    request->date = m->durable_date;
    return BUILT;
  }
  return build_for_chat(m, effect, request);
}

/* Events ---------------------------------------------------------------------------------------------------------------------- */

static int show_content(schat__arena *arena, const schat__event *e, schat_event *event, schat_message *message) {
  schat__action action;
  int status;
  event->raw = e->object;
  if (e->type != SCHAT_EVENT_MESSAGE) return BUILT;
  SCHAT_INIT(*message);
  status = schat__message_decode(arena, e->object, message, &action);
  if (status == SCHAT_E_MALFORMED) status = SCHAT_E_CORRUPT; /* it was read once before it was stored */
  event->message = message;
  return status == SCHAT_OK ? BUILT : status;
}

int schat__event_show(schat__env *env, schat__arena *arena, const schat__effect *effect, schat_event *event, schat_message *message,
                      schat_chat_info *info) {
  const schat__slot *slot = schat__table_find(&env->table, effect->chat_id);
  schat__event e;
  int status = schat__event_decode(arena, effect->data, effect->size, &e);
  if (status != SCHAT_OK) return status;
  SCHAT_INIT(*event);
  event->type = e.type;
  event->chat_id = e.chat_id;
  event->id = effect->event_id;
  event->repeated = effect->repeated;
  event->reason = e.reason;
  event->date = e.date;
  event->value = e.value;
  event->old_chat_id = e.old_chat_id;
  event->place = e.place;
  event->random_id = e.random_id;
  event->random_ids = e.random_ids;
  event->random_id_count = e.random_id_count;
  event->file = e.file;
  event->error_code = e.error_code;
  event->error_text = e.error_text;
  event->notify = e.notify;
  if (e.type == SCHAT_EVENT_CHAT || e.type == SCHAT_EVENT_INVITED || e.type == SCHAT_EVENT_CLOSED) {
    if (slot == NULL && e.type != SCHAT_EVENT_CLOSED) return OBSOLETE;
    SCHAT_INIT(*info);
    if (slot != NULL) schat__chat_info(slot, info);
    event->info = slot == NULL ? NULL : info;
  }
  if (e.type == SCHAT_EVENT_MESSAGE || e.type == SCHAT_EVENT_UNSUPPORTED) return show_content(arena, &e, event, message);
  return BUILT;
}

/* The queue ------------------------------------------------------------------------------------------------------------------- */

static schat__effect *unlink_first(schat__env *env) {
  schat__effect *effect = env->first_effect;
  env->first_effect = effect->next;
  if (env->first_effect == NULL) env->last_effect = NULL;
  return effect;
}

/* The record of a stored event goes with the next commit: until then a crash repeats it (D-35). */
static void was_handed(schat__env *env, const schat__effect *effect) {
  if (effect->event_id == 0) return;
  env->stored_events--;
  env->handed[env->handed_count++] = effect->event_id;
}

static void skip_first(schat__env *env) {
  schat__effect *effect = unlink_first(env);
  if (effect->is_request) schat__flight_forget(env, effect->token); /* no answer will come, and nothing may be told to follow it */
  if (effect->event_id != 0 && effect->dropped) {
    env->stored_events--; /* its record went with the commit that dropped it */
  } else {
    was_handed(env, effect);
  }
  schat__effect_free(env, effect);
}

/* The first effect that may leave, built; NULL when none may, or *status says why not. */
static schat__effect *next_effect(schat_manager *m, int *status) {
  schat__env *env = &m->env;
  schat__effect *effect;
  *status = SCHAT_EMPTY;
  while ((effect = env->first_effect) != NULL && effect->ticket <= env->durable) {
    int built = OBSOLETE;
    schat__arena_reset(&m->out_arena);
    if (effect->dropped > env->durable) return NULL; /* were that lost, it would come after those that follow, with a lower id (D-35) */
    if (!effect->dropped) {
      built = effect->is_request ? build_request(m, effect, &m->request)
                                 : schat__event_show(env, &m->out_arena, effect, &m->event, &m->message, &m->info);
    }
    if (built == BUILT) {
      *status = SCHAT_OK;
      return effect;
    }
    if (built == EARLY) return NULL;
    if (built < 0) {
      *status = built;
      return NULL;
    }
    skip_first(env);
  }
  return NULL;
}

void schat__dispatch(schat_manager *m) {
  schat__env *env = &m->env;
  schat__effect *effect;
  int status;
  if (env->host.request == NULL || m->dispatching || m->depth > 0 || m->poisoned) return;
  m->dispatching = 1;
  while (!m->poisoned && m->depth == 0 && (effect = next_effect(m, &status)) != NULL) {
    unlink_first(env);
    if (effect->is_request) {
      env->host.request(env->host.user_data, &m->request);
    } else {
      env->host.event(env->host.user_data, &m->event);
    }
    was_handed(env, effect); /* only now: a crash inside the callback repeats it */
    schat__effect_free(env, effect);
  }
  schat__arena_reset(&m->out_arena);
  m->dispatching = 0;
}

int schat_peek(schat_manager *m, schat_effect *effect) {
  const schat__effect *next;
  int status = schat__enter(m);
  if (status != SCHAT_OK) return status;
  if (effect == NULL) return SCHAT_E_INVALID;
  if (effect->size != sizeof *effect) return SCHAT_E_ABI;
  if (m->env.host.request != NULL) return SCHAT_E_STATE;
  if (m->depth > 0) return SCHAT_EMPTY;
  next = next_effect(m, &status);
  m->showing = next != NULL;
  if (next == NULL) return status;
  effect->request = next->is_request ? &m->request : NULL;
  effect->event = next->is_request ? NULL : &m->event;
  return SCHAT_OK;
}

int schat_pop(schat_manager *m) {
  schat__effect *effect;
  int status = schat__enter(m);
  if (status != SCHAT_OK) return status;
  if (!m->showing || m->depth > 0 || m->env.first_effect == NULL) return SCHAT_EMPTY;
  m->showing = 0;
  effect = unlink_first(&m->env);
  was_handed(&m->env, effect);
  schat__effect_free(&m->env, effect);
  schat__arena_reset(&m->out_arena);
  schat__crypto_wipe_traces(m->env.crypto);
  return SCHAT_OK;
}
