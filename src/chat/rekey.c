/* SPDX-License-Identifier: BSL-1.0
 * rekey.c - new keys for an open chat (perfect forward secrecy): when, by whom, and which key seals and opens what meanwhile.
 *
 * Three slots (D-23). current seals. next exists on the acceptor's side from the moment AcceptKey is stored: it opens, and becomes current on
 * CommitKey or on the first message under it. previous opens, and repeats what it sealed, until a message under the new key has come
 * and nothing before that is missing; then it is wiped, in the same commit. */
#include <string.h>

#include "chat.h"

#define REKEY_PATIENCE (INT64_C(604800) * 1000) /* D-20 */
#define FAILURE_PAUSE 60000                     /* D-21 */
#define FAILURE_PAUSES 10u
#define ACCEPTS_MAX 16u  /* AcceptKeys that the peer has not confirmed */
#define REQUESTS_MAX 16u /* RequestKeys */

const uint8_t *schat__key_of(const schat__slot *slot, int64_t fingerprint) {
  const schat__secrets *secrets = slot->secrets;
  if (slot->chat.key_since != 0 && fingerprint == slot->chat.key_fingerprint) return slot->chat.key;
  if (secrets == NULL) return NULL;
  if ((secrets->has & SCHAT__HAS_PREVIOUS) && fingerprint == secrets->previous_fingerprint) return secrets->previous;
  if ((secrets->has & SCHAT__HAS_NEXT) && fingerprint == secrets->next_fingerprint) return secrets->next;
  return NULL;
}

static schat__rekey_state state_of(const schat__slot *slot) {
  return slot->secrets == NULL ? SCHAT__REKEY_IDLE : (schat__rekey_state)slot->secrets->state;
}

static int has(const schat__slot *slot, unsigned what) {
  return slot->secrets != NULL && (slot->secrets->has & what) != 0;
}

/* Secrets that hold nothing any more go as a whole. */
static int tidy(schat__env *env, schat__slot *slot) {
  if (slot->secrets == NULL || slot->secrets->state != SCHAT__REKEY_IDLE || slot->secrets->has != 0) return SCHAT_OK;
  return schat__drop_secrets(env, slot);
}

/* Back to IDLE: exponent and next key are wiped, previous key and a request that waits are not touched. */
static int end_exchange(schat__env *env, schat__slot *slot) {
  schat__secrets *s;
  int status = schat__edit_secrets(env, slot);
  if (status != SCHAT_OK) return status;
  s = slot->secrets;
  slot->chat.last_exchange = s->exchange_id;
  s->state = SCHAT__REKEY_IDLE;
  s->has &= (uint8_t)~(SCHAT__HAS_EXPONENT | SCHAT__HAS_NEXT);
  s->exchange_id = 0;
  schat__wipe(s->exponent, sizeof s->exponent);
  schat__wipe(s->own, sizeof s->own);
  schat__wipe(s->next, sizeof s->next);
  return tidy(env, slot);
}

/* Failures ------------------------------------------------------------------------------------------------------------------ */

static int64_t next_pause(schat__chat *chat) {
  int64_t pause = (int64_t)FAILURE_PAUSE << chat->abort_pauses;
  if (chat->abort_pauses < FAILURE_PAUSES) chat->abort_pauses++;
  return pause;
}

static int tell_failure(schat__env *env, const schat__slot *slot, schat_reject reason) {
  schat__event event;
  memset(&event, 0, sizeof event);
  event.type = SCHAT_EVENT_REKEY_FAILED;
  event.chat_id = slot->chat.chat_id;
  event.reason = (int32_t)reason;
  return schat__emit(env, &event);
}

/* At most once a minute, doubling: some peers answer each AbortKey with a new RequestKey at once (D-21). */
static int send_abort(schat__env *env, schat__slot *slot, int64_t exchange_id) {
  schat__action action;
  if (env->account.clock < slot->chat.abort_at) return SCHAT_OK;
  slot->chat.abort_at = env->account.clock + next_pause(&slot->chat);
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_ABORT_KEY;
  action.exchange_id = exchange_id;
  return schat__out_action(env, slot, &action, 0);
}

/* D-22: the chat goes on with the old key, unless the policy is strict (R-PFS-18). */
static int refuse(schat__env *env, schat__slot *slot, int64_t exchange_id, schat_reject reason) {
  int status;
  if (env->policy.flags & SCHAT_POLICY_STRICT_REKEY) return schat__close_for(env, slot, SCHAT_CLOSE_REKEY_REFUSED);
  status = send_abort(env, slot, exchange_id);
  return status == SCHAT_OK ? tell_failure(env, slot, reason) : status;
}

/* A key message that names no open exchange (D-22). What is over is over; what we accepted is not ours to abort (R-PFS-17). */
static int wrong_exchange(schat__env *env, schat__slot *slot, int64_t exchange_id) {
  int open = state_of(slot) != SCHAT__REKEY_IDLE && slot->secrets->exchange_id == exchange_id, status;
  if (!open && exchange_id != slot->chat.last_exchange) return refuse(env, slot, exchange_id, SCHAT_REJECT_EXCHANGE);
  status = schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_EXCHANGE);
  return status < 0 ? status : SCHAT_OK;
}

static int give_up(schat__env *env, schat__slot *slot, schat_reject reason) {
  int status = end_exchange(env, slot);
  slot->chat.rekey_at = env->account.clock + next_pause(&slot->chat);
  return status == SCHAT_OK ? tell_failure(env, slot, reason) : status;
}

/* What was given up is asked for, or answered, no more, not even by a message that has not come through in all that time: the peer would act on it
 * (D-37). It still counts among those that are not confirmed. */
static int take_back(schat__env *env, schat__slot *slot) {
  size_t i, first = schat__item_lower_bound(slot, SCHAT__OUTBOX, slot->chat.peer_in_seq);
  for (i = schat__count(slot, SCHAT__OUTBOX); i-- > first;) {
    schat__item *item = schat__item_at(slot, SCHAT__OUTBOX, i);
    const uint8_t action = item->u.out.action;
    int status;
    if (action != SCHAT__ACTION_REQUEST_KEY && action != SCHAT__ACTION_ACCEPT_KEY) continue;
    status = schat__out_erase(env, slot, item);
    if (status == SCHAT_OK) item->u.out.action = action;
    return status;
  }
  return SCHAT_OK;
}

static int expire(schat__env *env, schat__slot *slot) {
  int status = take_back(env, slot);
  return status == SCHAT_OK ? give_up(env, slot, SCHAT_REJECT_EXPIRED) : status;
}

/* Values of the exchange ------------------------------------------------------------------------------------------------------ */

static const schat__config *config_of(const schat__env *env, const schat__slot *slot) {
  return schat__config_find(env, slot->chat.config); /* that of the first exchange (R-PFS-07) */
}

/* Verdict on the peer's public value: *reason is NONE when it is good. */
static int judge(schat__env *env, const schat__slot *slot, const uint8_t *own, schat_bytes value, uint8_t padded[SCHAT__DH_SIZE],
                 int64_t *digest, schat_reject *reason) {
  const schat__config *config = config_of(env, slot);
  int seen = 0, status;
  if (config == NULL) return SCHAT_E_CORRUPT;
  status = schat__dh_check_public(env->crypto, config->p, own, value.data, value.size, padded);
  if (status < 0) return status;
  *reason = status == 1 ? SCHAT_REJECT_NONE : SCHAT_REJECT_DH_VALUE;
  if (status == 0) return SCHAT_OK;
  status = schat__dh_seen(env, padded, digest, &seen);
  if (status == SCHAT_OK && seen) *reason = SCHAT_REJECT_DH_REUSED;
  return status;
}

/* Notes the own value in the slot's secrets. */
static int note_own(schat__env *env, schat__slot *slot) {
  int seen;
  return schat__dh_seen(env, slot->secrets->own, &slot->chat.dh_seen[2], &seen);
}

/* The initiator's: fills exponent and own value of the slot's secrets (already a copy); R-PFS-05, X-12. */
static int draw(schat__env *env, schat__slot *slot) {
  const schat__config *config = config_of(env, slot);
  int status;
  if (config == NULL) return SCHAT_E_CORRUPT;
  status = schat__dh_generate(env->crypto, config->p, config->g, NULL, 0, slot->secrets->exponent, slot->secrets->own);
  return status == SCHAT_OK ? note_own(env, slot) : status;
}

/* The acceptor's: own value and next key; no exponent is kept. */
static int draw_next(schat__env *env, schat__slot *slot, const uint8_t g_a[SCHAT__DH_SIZE]) {
  const schat__config *config = config_of(env, slot);
  schat__secrets *s = slot->secrets;
  int status;
  if (config == NULL) return SCHAT_E_CORRUPT;
  status = schat__dh_accept(env->crypto, config->p, config->g, g_a, NULL, 0, s->own, s->next);
  return status == SCHAT_OK ? note_own(env, slot) : status;
}

static int send_key_action(schat__env *env, schat__slot *slot, schat__action_type type, int64_t fingerprint) {
  schat__action action;
  memset(&action, 0, sizeof action);
  action.type = type;
  action.exchange_id = slot->secrets->exchange_id;
  action.key_fingerprint = fingerprint;
  action.g.data = slot->secrets->own;
  action.g.size = SCHAT__DH_SIZE;
  return schat__out_action(env, slot, &action, 0);
}

/* Switching ------------------------------------------------------------------------------------------------------------------- */

/* current becomes previous, `key` becomes current. */
static int switch_to(schat__env *env, schat__slot *slot, const uint8_t key[SCHAT__DH_SIZE], int64_t fingerprint) {
  schat__chat *chat = &slot->chat;
  uint8_t next[SCHAT__DH_SIZE];
  int status;
  memcpy(next, key, sizeof next); /* it stands in secrets, which are about to change */
  status = end_exchange(env, slot);
  if (status == SCHAT_OK) status = schat__edit_secrets(env, slot);
  if (status == SCHAT_OK) {
    memcpy(slot->secrets->previous, chat->key, sizeof slot->secrets->previous);
    slot->secrets->previous_fingerprint = chat->key_fingerprint;
    slot->secrets->has |= SCHAT__HAS_PREVIOUS;
    memcpy(chat->key, next, sizeof chat->key);
    chat->key_fingerprint = fingerprint;
    chat->key_since = env->account.clock;
    chat->key_sealed = 0;
    chat->key_opened = 0;
    chat->new_key_seen = -1;
    chat->abort_pauses = 0;
    chat->flags &= ~(SCHAT__FLAG_UNANSWERED | SCHAT__FLAG_KEY_SHOWN);
    status = schat__emit_simple(env, slot, SCHAT_EVENT_REKEYED, 0);
  }
  schat__wipe(next, sizeof next);
  return status;
}

static int send_noop(schat__env *env, schat__slot *slot) {
  schat__action noop;
  memset(&noop, 0, sizeof noop);
  noop.type = SCHAT__ACTION_NOOP;
  return schat__out_action(env, slot, &noop, 0);
}

/* The acceptor's switch; a Noop shows it to the peer: whatever waits has been sealed with the old key (R-PFS-20, D-24). */
static int switch_accepted(schat__env *env, schat__slot *slot) {
  int status = switch_to(env, slot, slot->secrets->next, slot->secrets->next_fingerprint);
  return status == SCHAT_OK ? send_noop(env, slot) : status;
}

/* Made after the peer had our last key message, on which it switches. Once that is confirmed, what has no smaller in_seq_no is. */
static int is_made_after_switch(const schat__slot *slot, int32_t in_raw) {
  size_t i, first = schat__item_lower_bound(slot, SCHAT__OUTBOX, slot->chat.peer_in_seq);
  for (i = schat__count(slot, SCHAT__OUTBOX); i-- > first;) {
    const schat__item *item = schat__item_at(slot, SCHAT__OUTBOX, i);
    if (item->u.out.action == SCHAT__ACTION_ACCEPT_KEY || item->u.out.action == SCHAT__ACTION_COMMIT_KEY) return in_raw > item->key;
  }
  return in_raw >= slot->chat.peer_in_seq;
}

/* What fills a gap may have been sealed anew, while others of before the switch are still under way: its key says nothing of its place. A peer that
 * learned of the new key before our CommitKey has no more to show than a message above all others. */
int schat__rekey_evidence(schat__env *env, schat__slot *slot, int64_t fingerprint, int32_t raw, int32_t in_raw, int sealed_later) {
  schat__chat *chat = &slot->chat;
  int status = SCHAT_OK;
  if (has(slot, SCHAT__HAS_NEXT) && fingerprint == slot->secrets->next_fingerprint) status = switch_accepted(env, slot); /* R-PFS-15 */
  if (status != SCHAT_OK || !has(slot, SCHAT__HAS_PREVIOUS) || fingerprint != chat->key_fingerprint) return status;
  if (!is_made_after_switch(slot, in_raw) && (sealed_later || raw <= chat->in_highest)) return SCHAT_OK;
  if (chat->new_key_seen < 0 || raw < chat->new_key_seen) chat->new_key_seen = raw;
  return SCHAT_OK;
}

/* R-PFS-16, R-PFS-19, D-23. */
static int drop_previous(schat__env *env, schat__slot *slot) {
  int64_t old;
  int silent =
      !(slot->chat.flags & SCHAT__FLAG_KEY_SHOWN) && !has(slot, SCHAT__HAS_PEER); /* a request that waits is answered under the new key */
  int status;
  if (!has(slot, SCHAT__HAS_PREVIOUS) || slot->chat.new_key_seen < 0 || slot->chat.in_seq < slot->chat.new_key_seen) return SCHAT_OK;
  old = slot->secrets->previous_fingerprint;
  status = schat__edit(env, slot);
  if (status == SCHAT_OK) status = schat__out_rekey(env, slot, old);
  if (status == SCHAT_OK) status = schat__edit_secrets(env, slot);
  if (status != SCHAT_OK) return status;
  slot->secrets->has &= (uint8_t)~SCHAT__HAS_PREVIOUS;
  slot->secrets->previous_fingerprint = 0;
  schat__wipe(slot->secrets->previous, sizeof slot->secrets->previous);
  slot->chat.new_key_seen = -1;
  status = tidy(env, slot);
  /* The initiator who says nothing would keep the acceptor waiting, with the old key, and with every other exchange, for ever. */
  return status == SCHAT_OK && silent ? send_noop(env, slot) : status;
}

/* The initiator --------------------------------------------------------------------------------------------------------------- */

static int choose_exchange_id(schat__env *env, const schat__slot *slot, int64_t *id) {
  uint8_t bytes[8];
  int draws;
  for (draws = 0; draws < SCHAT__DRAWS; draws++) {
    int status = schat__random(env->crypto, bytes, sizeof bytes);
    if (status != SCHAT_OK) return status;
    *id = schat__int64(schat__load64(bytes));
    /* A peer of the reversed rule still waits for an answer to its own: only a smaller one makes it yield (D-20). */
    if (slot->chat.flags & SCHAT__FLAG_UNANSWERED) *id = INT64_MIN + (*id & INT64_C(0xffffffffffff));
    if (*id != 0 && *id != slot->chat.last_exchange) return SCHAT_OK;
  }
  return SCHAT_E_RANDOM;
}

static int begin(schat__env *env, schat__slot *slot) {
  int64_t id = 0;
  int status = schat__edit(env, slot);
  if (status == SCHAT_OK) status = choose_exchange_id(env, slot, &id);
  if (status == SCHAT_OK) status = schat__edit_secrets(env, slot);
  if (status == SCHAT_OK) status = draw(env, slot);
  if (status != SCHAT_OK) return status;
  slot->secrets->state = SCHAT__REKEY_REQUESTED;
  slot->secrets->has |= SCHAT__HAS_EXPONENT;
  slot->secrets->exchange_id = id;
  slot->secrets->since = env->account.clock;
  return send_key_action(env, slot, SCHAT__ACTION_REQUEST_KEY, 0);
}

/* The request that waits is answered no more. */
static int forget_request(schat__env *env, schat__slot *slot) {
  int status;
  if (!has(slot, SCHAT__HAS_PEER)) return SCHAT_OK;
  status = schat__edit_secrets(env, slot);
  if (status != SCHAT_OK) return status;
  slot->secrets->has &= (uint8_t)~SCHAT__HAS_PEER;
  return tidy(env, slot);
}

/* We have dropped this for that request, and the peer that request for this: without a word from us it would wait for a CommitKey (R-PFS-17). */
static int call_off(schat__env *env, schat__slot *slot, int64_t exchange_id) {
  int status = send_abort(env, slot, exchange_id);
  slot->chat.rekey_at = env->account.clock + FAILURE_PAUSE;
  return status == SCHAT_OK ? tell_failure(env, slot, SCHAT_REJECT_EXCHANGE) : status;
}

/* The peer has one exchange at a time: by accepting this one it has given up what it asked for before, whether that waits or is accepted. */
int schat__rekey_accept(schat__env *env, schat__slot *slot, int64_t exchange_id, schat_bytes g_b, int64_t fingerprint) {
  uint8_t value[SCHAT__DH_SIZE], key[SCHAT__DH_SIZE];
  schat_reject reason = SCHAT_REJECT_NONE;
  int64_t digest = 0, own_fingerprint = 0;
  int asked = has(slot, SCHAT__HAS_PEER), status = forget_request(env, slot);
  if (status != SCHAT_OK) return status;
  /* Nor will it commit what we accepted, if that is another: each would wait for the other's CommitKey for ever. */
  if (state_of(slot) == SCHAT__REKEY_ACCEPTED && slot->secrets->exchange_id != exchange_id) {
    return give_up(env, slot, SCHAT_REJECT_EXCHANGE);
  }
  if (state_of(slot) != SCHAT__REKEY_REQUESTED || slot->secrets->exchange_id != exchange_id) {
    return asked ? call_off(env, slot, exchange_id) : wrong_exchange(env, slot, exchange_id);
  }
  memset(key, 0, sizeof key);
  status = judge(env, slot, slot->secrets->own, g_b, value, &digest, &reason);
  if (status == SCHAT_OK && reason == SCHAT_REJECT_NONE) {
    status = schat__dh_key(env->crypto, config_of(env, slot)->p, value, slot->secrets->exponent, key);
    if (status == SCHAT_OK) status = schat__key_fingerprint(env->crypto, key, &own_fingerprint);
    if (status == SCHAT_OK && own_fingerprint != fingerprint) reason = SCHAT_REJECT_KEY_FINGERPRINT;
    if (status == SCHAT_OK && schat__key_of(slot, own_fingerprint) != NULL) reason = SCHAT_REJECT_KEY_FINGERPRINT;
  }
  if (status == SCHAT_OK && reason != SCHAT_REJECT_NONE) {
    status = end_exchange(env, slot);
    slot->chat.rekey_at = env->account.clock + FAILURE_PAUSE;
    if (status == SCHAT_OK) status = refuse(env, slot, exchange_id, reason);
  } else if (status == SCHAT_OK) {
    slot->chat.dh_seen[3] = digest;
    status = send_key_action(env, slot, SCHAT__ACTION_COMMIT_KEY, fingerprint); /* still under the old key (K6) */
    if (status == SCHAT_OK) status = switch_to(env, slot, key, fingerprint);    /* R-PFS-13 */
  }
  schat__wipe(key, sizeof key);
  return status;
}

/* The acceptor ---------------------------------------------------------------------------------------------------------------- */

static int accept_now(schat__env *env, schat__slot *slot, int64_t exchange_id, schat_bytes g_a) {
  uint8_t value[SCHAT__DH_SIZE];
  schat_reject reason = SCHAT_REJECT_NONE;
  int64_t digest = 0, fingerprint = 0;
  schat__secrets *s;
  int status = judge(env, slot, NULL, g_a, value, &digest, &reason);
  if (status != SCHAT_OK) return status;
  if (reason != SCHAT_REJECT_NONE) return refuse(env, slot, exchange_id, reason);
  status = schat__edit_secrets(env, slot);
  if (status == SCHAT_OK) status = draw_next(env, slot, value);
  if (status != SCHAT_OK) return status;
  s = slot->secrets;
  status = schat__key_fingerprint(env->crypto, s->next, &fingerprint);
  if (status != SCHAT_OK) return status;
  if (schat__key_of(slot, fingerprint) != NULL) {
    schat__wipe(s->next, sizeof s->next);
    status = tidy(env, slot);
    return status == SCHAT_OK ? refuse(env, slot, exchange_id, SCHAT_REJECT_KEY_FINGERPRINT) : status;
  }
  s->state = SCHAT__REKEY_ACCEPTED;
  s->has |= SCHAT__HAS_NEXT;
  s->next_fingerprint = fingerprint;
  s->exchange_id = exchange_id;
  s->since = env->account.clock;
  slot->chat.dh_seen[3] = digest;
  return send_key_action(env, slot, SCHAT__ACTION_ACCEPT_KEY, fingerprint); /* R-PFS-10: next is in the same commit */
}

/* A peer that asks and asks and confirms none of our answers would fill our memory with them. */
static int has_enough_answers(const schat__slot *slot) {
  return schat__out_unconfirmed(slot, SCHAT__ACTION_ACCEPT_KEY, ACCEPTS_MAX) >= ACCEPTS_MAX;
}

/* D-21: while the previous key may not be dropped or a gap is open. */
static int must_wait(const schat__slot *slot) {
  return has(slot, SCHAT__HAS_PREVIOUS) || schat__count(slot, SCHAT__WAITING) > 0 || has_enough_answers(slot);
}

static int keep_request(schat__env *env, schat__slot *slot, int64_t exchange_id, schat_bytes g_a) {
  const schat__config *config = config_of(env, slot);
  uint8_t value[SCHAT__DH_SIZE];
  int status;
  if (config == NULL) return SCHAT_E_CORRUPT;
  status = schat__dh_check_public(env->crypto, config->p, NULL, g_a.data, g_a.size, value);
  if (status < 0) return status;
  if (status == 0) return refuse(env, slot, exchange_id, SCHAT_REJECT_DH_VALUE);
  status = schat__edit_secrets(env, slot);
  if (status != SCHAT_OK) return status;
  slot->secrets->has |= SCHAT__HAS_PEER;
  slot->secrets->peer_exchange_id = exchange_id;
  memcpy(slot->secrets->peer, value, sizeof value);
  return SCHAT_OK;
}

/* Both sides have asked (D-20): the larger signed id goes on. Returns 1 when theirs may go on. */
static int yield_to(schat__env *env, schat__slot *slot, int64_t exchange_id, int *theirs) {
  int64_t own = slot->secrets->exchange_id;
  *theirs = own < exchange_id;
  if (own > exchange_id) return SCHAT_OK; /* R-PFS-21: theirs is ignored, silently */
  return end_exchange(env, slot);         /* R-PFS-22, R-PFS-23 */
}

int schat__rekey_request(schat__env *env, schat__slot *slot, int64_t exchange_id, schat_bytes g_a) {
  int status = SCHAT_OK, theirs = 1;
  if (exchange_id != 0 && exchange_id == slot->chat.last_exchange) return SCHAT_OK; /* */
  if (has(slot, SCHAT__HAS_PEER) && slot->secrets->peer_exchange_id == exchange_id) return SCHAT_OK;
  if (state_of(slot) == SCHAT__REKEY_ACCEPTED) {
    if (slot->secrets->exchange_id == exchange_id) return SCHAT_OK;
    /* A peer that asks anew a week later has given up the old exchange, or it would have committed before. */
    if (env->account.clock - slot->secrets->since <= REKEY_PATIENCE) return send_abort(env, slot, exchange_id);
    status = expire(env, slot);
  } else if (state_of(slot) == SCHAT__REKEY_REQUESTED) {
    status = yield_to(env, slot, exchange_id, &theirs);
  }
  if (status != SCHAT_OK || !theirs) return status;
  return must_wait(slot) ? keep_request(env, slot, exchange_id, g_a) : accept_now(env, slot, exchange_id, g_a);
}

int schat__rekey_commit(schat__env *env, schat__slot *slot, int64_t exchange_id, int64_t fingerprint) {
  int status;
  if (state_of(slot) != SCHAT__REKEY_ACCEPTED || slot->secrets->exchange_id != exchange_id) {
    if (exchange_id == slot->chat.last_exchange) return SCHAT_OK; /* a message under the new key was faster */
    return wrong_exchange(env, slot, exchange_id);
  }
  if (slot->secrets->next_fingerprint == fingerprint) return switch_accepted(env, slot);
  status = end_exchange(env, slot);
  return status == SCHAT_OK ? refuse(env, slot, exchange_id, SCHAT_REJECT_KEY_FINGERPRINT) : status;
}

/* In order, so nothing of this exchange can follow: not even a CommitKey when we have accepted (R-PFS-17). */
int schat__rekey_abort(schat__env *env, schat__slot *slot, int64_t exchange_id) {
  if (has(slot, SCHAT__HAS_PEER) && slot->secrets->peer_exchange_id == exchange_id) return forget_request(env, slot);
  if (state_of(slot) == SCHAT__REKEY_IDLE || slot->secrets->exchange_id != exchange_id) return SCHAT_OK; /* not ours any more (D-20) */
  return give_up(env, slot, SCHAT_REJECT_ABORTED);
}

/* What is due ----------------------------------------------------------------------------------------------------------------- */

static int may_begin(const schat__slot *slot) {
  return slot->secrets == NULL && slot->chat.key_sealed > 0 && schat__count(slot, SCHAT__WAITING) == 0;
}

static int64_t too_old_at(const schat__env *env, const schat__chat *chat) {
  int64_t at = chat->key_since + (int64_t)env->policy.rekey_seconds * 1000 + 1;
  return at < chat->rekey_at ? chat->rekey_at : at;
}

/* When the key has sealed and opened enough, or is old enough (R-PFS-02). */
static int64_t begin_at(const schat__env *env, const schat__chat *chat) {
  if ((uint64_t)chat->key_sealed + chat->key_opened > env->policy.rekey_messages) return chat->rekey_at;
  return too_old_at(env, chat);
}

/* The same of our own requests, which a peer can end as fast as we make them. */
static int has_enough_requests(const schat__slot *slot) {
  return schat__out_unconfirmed(slot, SCHAT__ACTION_REQUEST_KEY, REQUESTS_MAX) >= REQUESTS_MAX;
}

/* R-PFS-02, R-PFS-04, D-19. */
static int must_begin(const schat__env *env, const schat__slot *slot) {
  const schat__chat *chat = &slot->chat;
  if (!may_begin(slot) || env->account.clock < begin_at(env, chat)) return 0;
  return !has_enough_requests(slot);
}

int64_t schat__rekey_deadline(const schat__env *env, const schat__slot *slot) {
  const schat__chat *chat = &slot->chat;
  int64_t at;
  if (state_of(slot) == SCHAT__REKEY_REQUESTED) return slot->secrets->since + REKEY_PATIENCE + 1;
  if (!may_begin(slot)) return SCHAT__NEVER;
  at = begin_at(env, chat);
  return at <= env->account.clock && has_enough_requests(slot) ? SCHAT__NEVER : at; /* what confirms them is an input */
}

static int take_kept_request(schat__env *env, schat__slot *slot) {
  uint8_t value[SCHAT__DH_SIZE];
  schat_bytes g_a = {value, sizeof value};
  int64_t id = slot->secrets->peer_exchange_id;
  int status = schat__edit(env, slot);
  if (status == SCHAT_OK) status = schat__edit_secrets(env, slot);
  if (status != SCHAT_OK) return status;
  memcpy(value, slot->secrets->peer, sizeof value);
  slot->secrets->has &= (uint8_t)~SCHAT__HAS_PEER;
  memset(slot->secrets->peer, 0, sizeof slot->secrets->peer);
  status = accept_now(env, slot, id, g_a);
  return status == SCHAT_OK && slot->chat.state == SCHAT_STATE_READY ? tidy(env, slot) : status;
}

int schat__rekey_tend(schat__env *env, schat__slot *slot) {
  int status = drop_previous(env, slot);
  if (status == SCHAT_OK && state_of(slot) == SCHAT__REKEY_REQUESTED && env->account.clock - slot->secrets->since > REKEY_PATIENCE) {
    status = schat__edit(env, slot);
    if (status == SCHAT_OK) status = expire(env, slot);
    if (status == SCHAT_OK) slot->chat.flags |= SCHAT__FLAG_UNANSWERED;
  }
  if (status == SCHAT_OK && has(slot, SCHAT__HAS_PEER) && state_of(slot) == SCHAT__REKEY_IDLE && !must_wait(slot)) {
    status = take_kept_request(env, slot);
  }
  if (status == SCHAT_OK && slot->chat.state == SCHAT_STATE_READY && must_begin(env, slot)) status = begin(env, slot);
  return status;
}
