/* SPDX-License-Identifier: BSL-1.0
 * answer.c - what the server said to our requests. */
#include <string.h>

#include "../chat/journal.h"
#include "manager.h"

#define RETRY_ACCOUNT 3600

static schat__item *item_of(const schat__slot *slot, const schat__flight *flight) {
  schat__item *item = slot == NULL ? NULL : schat__item_find(slot, SCHAT__OUTBOX, flight->ref);
  return item != NULL && item->u.out.token == flight->token ? item : NULL;
}

static int is_send(uint32_t type) {
  return type == SCHAT_REQUEST_SEND_ENCRYPTED || type == SCHAT_REQUEST_SEND_ENCRYPTED_FILE || type == SCHAT_REQUEST_SEND_SERVICE;
}

static int is_ask(uint32_t type) { return type <= SCHAT_REQUEST_DISCARD_ENCRYPTION; }

/* The DH configuration ------------------------------------------------------------------------------------------------------------ */

static int config_key(schat__env *env, const schat_answer *answer, int64_t *key) {
  uint8_t g[4], hash[32];
  int status;
  schat__store32(g, (uint32_t)answer->g);
  status = schat__sha256(env->crypto, hash, answer->p.data, answer->p.size, g, sizeof g);
  if (status == SCHAT_OK) *key = schat__int64(schat__load64(hash));
  return status;
}

static int append_config(schat__env *env, const schat__config *config) {
  schat__undo *undo;
  schat__config *grown = schat__alloc(env->mem, (env->config_count + 1) * sizeof *grown);
  if (grown == NULL) return SCHAT_E_NOMEM;
  undo = schat__journal_add(env, SCHAT__UNDO_CONFIG_NEW, NULL);
  if (undo == NULL) {
    schat__free(env->mem, grown, (env->config_count + 1) * sizeof *grown);
    return SCHAT_E_NOMEM;
  }
  if (env->config_count > 0) memcpy(grown, env->configs, env->config_count * sizeof *grown);
  schat__free(env->mem, env->configs, env->config_capacity * sizeof *grown);
  undo->u.config.index = env->config_count;
  grown[env->config_count++] = *config;
  env->configs = grown;
  env->config_capacity = env->config_count;
  return SCHAT_OK;
}

/* A prime that is held has been tested before, with whatever g (R-DH-06): by today's rules, or it is tested once more. */
static int judge(schat__env *env, const schat_answer *answer) {
  size_t i;
  for (i = 0; i < env->config_count; i++) {
    const schat__config *held = &env->configs[i];
    if (held->rules != SCHAT__DH_RULES || memcmp(held->p, answer->p.data, SCHAT__DH_SIZE) != 0) continue;
    schat__dh_trust(env->crypto, held->p);
    break;
  }
  return schat__dh_check_config(env->crypto, answer->p.data, answer->g);
}

/* The configuration of that key has passed. */
static int note_verdict(schat__env *env, int64_t key) {
  schat__undo *undo;
  size_t i = 0;
  while (env->configs[i].key != key) i++;
  if (env->configs[i].rules == SCHAT__DH_RULES) return SCHAT_OK;
  undo = schat__journal_add(env, SCHAT__UNDO_CONFIG_RULES, NULL);
  if (undo == NULL) return SCHAT_E_NOMEM;
  undo->u.config.index = i;
  undo->u.config.rules = env->configs[i].rules;
  env->configs[i].rules = SCHAT__DH_RULES;
  return SCHAT_OK;
}

/* SCHAT_OK with the configuration among env's, SCHAT_REJECTED, or a failure. */
int schat__add_config(schat__env *env, const schat_answer *answer, const schat__config **config) {
  schat__config made;
  int status, verdict;
  if (answer->p.size != SCHAT__DH_SIZE || answer->p.data == NULL) return SCHAT_REJECTED;
  memset(&made, 0, sizeof made);
  status = config_key(env, answer, &made.key);
  if (status != SCHAT_OK) return status;
  verdict = judge(env, answer);
  if (verdict != 1) return verdict == 0 ? SCHAT_REJECTED : verdict;
  if (schat__config_find(env, made.key) == NULL) {
    made.rules = SCHAT__DH_RULES;
    made.version = answer->version;
    made.g = answer->g;
    memcpy(made.p, answer->p.data, sizeof made.p);
    status = append_config(env, &made);
  } else {
    status = note_verdict(env, made.key);
  }
  if (status != SCHAT_OK) return status;
  *config = schat__config_find(env, made.key);
  env->account.current_config = made.key;
  env->account_dirty = 1;
  return SCHAT_OK;
}

const schat__config *schat__current_config(const schat__env *env) {
  const schat__config *held = schat__config_find(env, env->account.current_config);
  return held != NULL && held->rules == SCHAT__DH_RULES ? held : NULL;
}

static int config_done(schat__env *env, schat__slot *slot, const schat_answer *answer) {
  const schat__config *held = schat__current_config(env);
  schat_reject reason = SCHAT_REJECT_DH_CONFIG;
  int status = SCHAT_REJECTED;
  if (answer->type == SCHAT_ANSWER_DH_CONFIG) {
    status = schat__add_config(env, answer, &held);
  } else if (held == NULL) {
    reason = SCHAT_REJECT_DH_NOT_FRESH; /* R-DH-01 */
  } else {
    status = SCHAT_OK;
  }
  if (status == SCHAT_OK) return schat__config_arrived(env, slot, held, answer->random);
  if (status < 0) return status;
  status = schat__ask_failed(env, slot, 500, ""); /* the server may say something better later */
  if (status >= 0) status = schat__emit_rejected(env, slot->chat.chat_id, reason);
  return status;
}

/* Answers ------------------------------------------------------------------------------------------------------------------------- */

static int chat_done(schat__env *env, schat__slot *slot, const schat__flight *flight, const schat_answer *answer) {
  int status;
  if (answer->chat.chat_id != slot->chat.chat_id) return schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_IDENTITY);
  status = schat__chat_update(env, slot, &answer->chat);
  if ((status == SCHAT_IGNORED || status == SCHAT_REJECTED) && slot->chat.ask.token == flight->token) {
    int later = schat__ask_failed(env, slot, 500, ""); /* it has settled nothing */
    if (later < 0) return later;
  }
  /* A fact that was faster has done all this. */
  return status == SCHAT_DUPLICATE ? SCHAT_OK : status;
}

static int ask_done(schat__env *env, schat__slot *slot, const schat__flight *flight, const schat_answer *answer) {
  if (slot == NULL || slot->chat.ask.token != flight->token) return SCHAT_OK;
  switch ((schat_request_type)flight->type) {
    case SCHAT_REQUEST_GET_DH_CONFIG:
      return config_done(env, slot, answer);
    case SCHAT_REQUEST_REQUEST_ENCRYPTION:
    case SCHAT_REQUEST_ACCEPT_ENCRYPTION:
      return chat_done(env, slot, flight, answer);
    default:
      return schat__discard_done(env, slot);
  }
}

static int read_done(schat__env *env, schat__slot *slot, const schat__flight *flight) {
  int status;
  if (slot == NULL || slot->chat.read_token != flight->token) return SCHAT_OK;
  status = schat__edit(env, slot);
  if (status != SCHAT_OK) return status;
  slot->chat.read_token = 0;
  slot->chat.read_tries = 0;
  if (flight->ref >= slot->chat.read_inbox_date) slot->chat.flags &= ~SCHAT__FLAG_READ_PENDING;
  return SCHAT_OK;
}

static int fits(uint32_t type, const schat_answer *answer) {
  switch ((schat_request_type)type) {
    case SCHAT_REQUEST_GET_DH_CONFIG:
      return answer->type == SCHAT_ANSWER_DH_CONFIG || answer->type == SCHAT_ANSWER_DH_NOT_MODIFIED;
    case SCHAT_REQUEST_REQUEST_ENCRYPTION:
    case SCHAT_REQUEST_ACCEPT_ENCRYPTION:
      return answer->type == SCHAT_ANSWER_CHAT && answer->chat.type >= SCHAT_CHAT_UPDATE_EMPTY &&
             answer->chat.type <= SCHAT_CHAT_UPDATE_DISCARDED && answer->chat.type != SCHAT_CHAT_UPDATE_REQUESTED;
    case SCHAT_REQUEST_SEND_ENCRYPTED:
    case SCHAT_REQUEST_SEND_ENCRYPTED_FILE:
    case SCHAT_REQUEST_SEND_SERVICE:
      return answer->type == SCHAT_ANSWER_SENT || answer->type == SCHAT_ANSWER_SENT_FILE;
    default:
      return answer->type == SCHAT_ANSWER_DONE;
  }
}

static int done(schat_manager *m, schat__slot *slot, const schat__flight *flight, const schat_answer *answer) {
  if (is_ask(flight->type)) return ask_done(&m->env, slot, flight, answer);
  if (is_send(flight->type)) {
    schat__item *item = item_of(slot, flight);
    return item == NULL ? SCHAT_OK
                        : schat__out_sent(&m->env, slot, item, answer->date, answer->type == SCHAT_ANSWER_SENT_FILE ? &answer->file : NULL);
  }
  if (flight->type == SCHAT_REQUEST_READ_HISTORY) return read_done(&m->env, slot, flight);
  return SCHAT_OK;
}

/* A rejected answer leaves its request open, unless the question was put off or given up because of it. */
static int is_over(int status, const schat__slot *slot, const schat__flight *flight) {
  return status != SCHAT_REJECTED || (is_ask(flight->type) && slot != NULL && slot->chat.ask.token != flight->token);
}

int schat_request_done(schat_manager *m, uint64_t token, const schat_answer *answer, int64_t now) {
  schat__step step;
  schat__flight flight, *found;
  schat__slot *slot;
  int status;
  if (answer == NULL) return SCHAT_E_INVALID;
  if (answer->size != sizeof *answer) return SCHAT_E_ABI;
  status = schat__step_begin(m, now, &step);
  if (status != SCHAT_OK) return status;
  found = schat__flight_find(&m->env, token);
  if (found == NULL) return schat__step_end(m, &step, SCHAT_IGNORED, NULL);
  flight = *found;
  slot = schat__table_find(&m->env.table, flight.chat_id);
  if (!fits(flight.type, answer)) {
    return schat__step_end(m, &step, schat__emit_rejected(&m->env, flight.chat_id, SCHAT_REJECT_STATE), NULL);
  }
  status = done(m, slot, &flight, answer);
  if (status >= 0 && is_over(status, slot, &flight)) {
    int removed = schat__flight_remove(&m->env, token);
    if (removed < 0) status = removed;
  }
  return schat__step_end(m, &step, status, slot);
}

/* Errors -------------------------------------------------------------------------------------------------------------------------- */

static int read_failed(schat__env *env, schat__slot *slot, const schat__flight *flight, int error_class, int32_t seconds) {
  int64_t pause;
  int status;
  if (error_class == SCHAT_ERROR_IGNORE || error_class == SCHAT_ERROR_DONE) return read_done(env, slot, flight);
  if (slot == NULL || slot->chat.read_token != flight->token) return SCHAT_OK;
  status = schat__edit(env, slot);
  if (status != SCHAT_OK) return status;
  pause = schat__pause(slot->chat.read_tries);
  if (pause < (int64_t)seconds * 1000) pause = (int64_t)seconds * 1000;
  if (slot->chat.read_tries < 255) slot->chat.read_tries++;
  slot->chat.read_token = 0;
  slot->chat.read_retry_at = env->account.clock + pause;
  return SCHAT_OK;
}

static int queue_failed(schat_manager *m, int error_class, int32_t seconds) {
  m->env.queue.queue_retry_at = m->env.account.clock + (seconds > 5 ? (int64_t)seconds : 5) * 1000;
  m->env.queue.acked_qts = 0;
  if (error_class != SCHAT_ERROR_STATE) return SCHAT_OK;
  m->env.queue.adopt_qts = 1; /* the server counts differently now (MAX_QTS_INVALID) */
  m->env.queue.difference_retry_at = 0;
  return schat__difference_ask(m);
}

static int difference_failed(schat_manager *m, int32_t seconds) {
  m->env.queue.difference_token = 0;
  m->env.queue.difference_retry_at = m->env.account.clock + (seconds > 5 ? (int64_t)seconds : 5) * 1000;
  return SCHAT_OK;
}

static int failed(schat_manager *m, schat__slot *slot, const schat__flight *flight, int32_t code, const char *text) {
  schat__env *env = &m->env;
  schat__item *item;
  int32_t seconds = 0;
  int error_class = schat_error_classify((int32_t)flight->type, code, text, &seconds), status = SCHAT_OK;
  if (is_ask(flight->type)) {
    if (slot == NULL || slot->chat.ask.token != flight->token) return SCHAT_OK;
    return schat__ask_failed(env, slot, code, text);
  }
  if (error_class == SCHAT_ERROR_ACCOUNT && slot != NULL) {
    status = schat__emit_simple(env, slot, SCHAT_EVENT_ACCOUNT_GONE, 0);
    seconds = RETRY_ACCOUNT;
    error_class = SCHAT_ERROR_RETRY_AFTER;
  }
  if (status != SCHAT_OK) return status;
  if (flight->type == SCHAT_REQUEST_READ_HISTORY) return read_failed(env, slot, flight, error_class, seconds);
  if (flight->type == SCHAT_REQUEST_RECEIVED_QUEUE) return queue_failed(m, error_class, seconds);
  if (flight->type == SCHAT_REQUEST_GET_DIFFERENCE) return difference_failed(m, seconds);
  if (!is_send(flight->type)) return SCHAT_OK; /* typing and reports are not worth a second try */
  item = item_of(slot, flight);
  return item == NULL ? SCHAT_OK : schat__out_failed(env, slot, item, error_class, seconds, code, text);
}

int schat_request_failed(schat_manager *m, uint64_t token, int32_t code, const char *text, int64_t now) {
  schat__step step;
  schat__flight flight, *found;
  schat__slot *slot;
  int status = schat__step_begin(m, now, &step);
  if (status != SCHAT_OK) return status;
  found = schat__flight_find(&m->env, token);
  if (found == NULL) return schat__step_end(m, &step, SCHAT_IGNORED, NULL);
  flight = *found;
  slot = schat__table_find(&m->env.table, flight.chat_id);
  status = failed(m, slot, &flight, code, text == NULL ? "" : text);
  if (status >= 0) {
    int removed = schat__flight_remove(&m->env, token);
    if (removed < 0) status = removed;
  }
  return schat__step_end(m, &step, status, slot);
}
