/* SPDX-License-Identifier: BSL-1.0
 * handshake.c - from the wish for a chat to its key: both roles, with facts and answers in any order (D-17), durable at every step (D-38). */
#include <string.h>

#include "chat.h"

#define ACCOUNT_GONE_PAUSE 3600
#define NEW_ID_MOVES 3u

/* Asking the server ----------------------------------------------------------------------------------------------------------- */

static int32_t needed(const schat__slot *slot) {
  const schat__chat *chat = &slot->chat;
  switch ((schat_state)chat->state) {
    case SCHAT_STATE_REQUESTING:
      return slot->secrets == NULL ? SCHAT_REQUEST_GET_DH_CONFIG : SCHAT_REQUEST_REQUEST_ENCRYPTION;
    case SCHAT_STATE_ACCEPTING:
      if (chat->flags & SCHAT__FLAG_ACCEPT_TAKEN) return 0;
      return chat->key_since == 0 ? SCHAT_REQUEST_GET_DH_CONFIG : SCHAT_REQUEST_ACCEPT_ENCRYPTION;
    case SCHAT_STATE_CLOSED:
      return chat->flags & SCHAT_CHAT_DISCARD_PENDING ? SCHAT_REQUEST_DISCARD_ENCRYPTION : 0;
    case SCHAT_STATE_NONE:
    case SCHAT_STATE_WAITING_PEER:
    case SCHAT_STATE_INVITED:
    case SCHAT_STATE_READY:
      break;
  }
  return 0;
}

int schat__ask_now(schat__env *env, schat__slot *slot) {
  schat__ask *ask = &slot->chat.ask;
  int32_t type = needed(slot);
  int status = schat__edit(env, slot);
  if (status != SCHAT_OK) return status;
  if (type != ask->type) ask->tries = 0;
  ask->type = (uint8_t)type;
  ask->token = 0;
  ask->retry_at = 0;
  return type == 0 ? SCHAT_OK : schat__request(env, slot->chat.chat_id, type, 0, &ask->token);
}

static int ask_later(schat__env *env, schat__slot *slot, int32_t seconds) {
  schat__ask *ask = &slot->chat.ask;
  int64_t pause = schat__pause(ask->tries);
  int status = schat__edit(env, slot);
  if (status != SCHAT_OK) return status;
  if (pause < (int64_t)seconds * 1000) pause = (int64_t)seconds * 1000;
  if (ask->tries < 255) ask->tries++;
  ask->token = 0;
  ask->retry_at = env->account.clock + pause;
  if (ask->type != SCHAT_REQUEST_GET_DH_CONFIG) slot->chat.flags |= SCHAT__FLAG_ASKED; /* it may have been carried out all the same */
  return SCHAT_OK;
}

/* Public values ----------------------------------------------------------------------------------------------------------------- */

static int digest_of(schat__env *env, const uint8_t value[SCHAT__DH_SIZE], int64_t *digest) {
  uint8_t hash[32];
  int status = schat__sha256(env->crypto, hash, value, SCHAT__DH_SIZE, NULL, 0);
  if (status == SCHAT_OK) *digest = schat__int64(schat__load64(hash));
  return status;
}

int schat__dh_seen(schat__env *env, const uint8_t value[SCHAT__DH_SIZE], int64_t *digest, int *seen) {
  const schat__slot *slot;
  size_t at = 0, i;
  int status = digest_of(env, value, digest);
  if (status != SCHAT_OK) return status;
  *seen = 0;
  while ((slot = schat__table_next(&env->table, &at)) != NULL) {
    for (i = 0; i < 4; i++) *seen |= slot->chat.dh_seen[i] == *digest && *digest != 0;
  }
  return SCHAT_OK;
}

/* A fresh exponent in the slot's secrets, its public value noted. */
static int draw(schat__env *env, schat__slot *slot, const schat__config *config, schat_bytes server_random) {
  int seen, status = schat__edit_secrets(env, slot);
  if (status != SCHAT_OK) return status;
  status = schat__dh_generate(env->crypto, config->p, config->g, server_random.data, server_random.size, slot->secrets->exponent,
                              slot->secrets->own);
  if (status != SCHAT_OK) return status;
  slot->secrets->has |= SCHAT__HAS_EXPONENT;
  return schat__dh_seen(env, slot->secrets->own, &slot->chat.dh_seen[0], &seen);
}

/* Verdict on the peer's value. SCHAT_OK, SCHAT_REJECTED (told) or a failure. */
static int judge(schat__env *env, schat__slot *slot, const schat__config *config, schat_bytes value, uint8_t padded[SCHAT__DH_SIZE]) {
  const uint8_t *own = slot->secrets->has & SCHAT__HAS_EXPONENT ? slot->secrets->own : NULL;
  int64_t digest = 0, noted = slot->chat.dh_seen[1];
  int seen = 0, status = schat__dh_check_public(env->crypto, config->p, own, value.data, value.size, padded);
  if (status < 0) return status;
  if (status == 0) return schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_DH_VALUE);
  slot->chat.dh_seen[1] = 0; /* an invitation's own value was noted when it came */
  status = schat__dh_seen(env, padded, &digest, &seen);
  slot->chat.dh_seen[1] = seen ? noted : digest;
  return status == SCHAT_OK && seen ? schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_DH_REUSED) : status;
}

/* What comes with the chat's key, once and for all (R-DH-12, R-DH-16, R-DH-17). */
static int take_key(schat__env *env, schat__chat *chat) {
  int status = schat__key_fingerprint(env->crypto, chat->key, &chat->key_fingerprint);
  if (status == SCHAT_OK) status = schat__key_hash(env->crypto, chat->key, chat->key_hash);
  chat->key_since = env->account.clock == 0 ? 1 : env->account.clock;
  chat->new_key_seen = -1;
  return status;
}

/* The initiator's: from the exponent in secrets, which is wiped. */
static int make_key(schat__env *env, schat__slot *slot, const schat__config *config, const uint8_t g_b[SCHAT__DH_SIZE]) {
  int status = schat__dh_key(env->crypto, config->p, g_b, slot->secrets->exponent, slot->chat.key);
  schat__wipe(slot->secrets->exponent, sizeof slot->secrets->exponent);
  slot->secrets->has &= (uint8_t)~SCHAT__HAS_EXPONENT;
  return status == SCHAT_OK ? take_key(env, &slot->chat) : status;
}

/* The acceptor's: with the public value, which is noted; the exponent was never ours to keep. */
static int draw_key(schat__env *env, schat__slot *slot, const schat__config *config, const uint8_t g_a[SCHAT__DH_SIZE],
                    schat_bytes server_random) {
  int seen, status = schat__edit_secrets(env, slot);
  if (status != SCHAT_OK) return status;
  status = schat__dh_accept(env->crypto, config->p, config->g, g_a, server_random.data, server_random.size, slot->secrets->own, slot->chat.key);
  if (status == SCHAT_OK) status = schat__dh_seen(env, slot->secrets->own, &slot->chat.dh_seen[0], &seen);
  return status == SCHAT_OK ? take_key(env, &slot->chat) : status;
}

/* Both roles ---------------------------------------------------------------------------------------------------------------------- */

static void new_chat(schat__slot *slot, int64_t user_id) {
  schat__chat *chat = &slot->chat;
  chat->user_id = user_id;
  chat->peer_layer = 46; /* R-LAY-01 */
  chat->stated_layer = SCHAT_LAYER_DEFAULT;
  chat->in_highest = -1;
  chat->asked_up_to = -1;
  chat->flush_seq = -1;
  chat->new_key_seen = -1;
}

static int become_ready(schat__env *env, schat__slot *slot) {
  schat__chat *chat = &slot->chat;
  int status = schat__edit(env, slot);
  if (status == SCHAT_OK) status = schat__drop_secrets(env, slot);
  if (status != SCHAT_OK) return status;
  chat->state = SCHAT_STATE_READY;
  chat->flags &= ~(SCHAT__FLAG_ACCEPT_TAKEN | SCHAT__FLAG_ASKED | SCHAT__FLAG_REOPENED);
  memset(&chat->ask, 0, sizeof chat->ask);
  status = schat__emit_chat(env, slot);
  if (status == SCHAT_OK) status = schat__notify_layer(env, slot); /* R-LAY-03: the first message of each side */
  return status == SCHAT_OK ? schat__in_early(env, slot) : status;
}

int schat__config_arrived(schat__env *env, schat__slot *slot, const schat__config *config, schat_bytes server_random) {
  uint8_t g_a[SCHAT__DH_SIZE];
  schat_bytes value = {NULL, SCHAT__DH_SIZE};
  int status = schat__edit(env, slot);
  if (status != SCHAT_OK) return status;
  slot->chat.config = config->key;
  if (slot->chat.state == SCHAT_STATE_REQUESTING) {
    status = draw(env, slot, config, server_random);
    return status == SCHAT_OK ? schat__ask_now(env, slot) : status;
  }
  if (slot->chat.state != SCHAT_STATE_ACCEPTING || slot->secrets == NULL) return SCHAT_IGNORED;
  value.data = slot->secrets->peer;
  status = judge(env, slot, config, value, g_a);
  if (status == SCHAT_REJECTED) { /* the invitation is no good; what to do with it is the user's choice */
    slot->chat.state = SCHAT_STATE_INVITED;
    slot->chat.flags &= ~SCHAT__FLAG_LATE_ACCEPT;
    memset(&slot->chat.ask, 0, sizeof slot->chat.ask);
    return schat__emit_chat(env, slot) == SCHAT_OK ? SCHAT_REJECTED : SCHAT_E_NOMEM;
  }
  if (status == SCHAT_OK) status = draw_key(env, slot, config, g_a, server_random);
  return status == SCHAT_OK ? schat__ask_now(env, slot) : status;
}

/* Initiator ----------------------------------------------------------------------------------------------------------------------- */

static int choose_chat_id(schat__env *env, int32_t *chat_id) {
  uint8_t bytes[4];
  int draws;
  for (draws = 0; draws < SCHAT__DRAWS; draws++) {
    int status = schat__random(env->crypto, bytes, sizeof bytes);
    if (status != SCHAT_OK) return status;
    *chat_id = schat__int32(schat__load32(bytes));
    if (*chat_id != 0 && schat__table_find(&env->table, *chat_id) == NULL) return SCHAT_OK;
  }
  return SCHAT_E_RANDOM;
}

int schat__create(schat__env *env, int64_t user_id, int32_t *chat_id) {
  schat__slot *slot = NULL;
  int32_t id = 0;
  int status = choose_chat_id(env, &id);
  if (status == SCHAT_OK) status = schat__slot_new(env, id, &slot);
  if (status != SCHAT_OK) return status;
  new_chat(slot, user_id);
  slot->chat.state = SCHAT_STATE_REQUESTING;
  slot->chat.flags = SCHAT_CHAT_ORIGINATOR;
  *chat_id = id;
  status = schat__emit_chat(env, slot);
  return status == SCHAT_OK ? schat__ask_now(env, slot) : status; /* R-DH-01: the configuration first */
}

/* The server wants another id: the chat moves to a new one and begins again (RANDOM_ID_DUPLICATE, DH_G_A_INVALID). */
static int move(schat__env *env, schat__slot *slot) {
  schat__event event;
  schat__slot *moved = NULL;
  int32_t id = 0;
  int status = choose_chat_id(env, &id);
  if (status == SCHAT_OK) status = schat__slot_new(env, id, &moved);
  if (status != SCHAT_OK) return status;
  new_chat(moved, slot->chat.user_id);
  moved->chat.state = SCHAT_STATE_REQUESTING;
  moved->chat.flags = SCHAT_CHAT_ORIGINATOR;
  memset(&event, 0, sizeof event);
  event.type = SCHAT_EVENT_CHAT_MOVED;
  event.chat_id = id;
  event.old_chat_id = slot->chat.chat_id;
  status = schat__emit(env, &event);
  if (status == SCHAT_OK) status = schat__remove_items(env, slot, 1);
  if (status != SCHAT_OK) return status;
  moved->chat.moves = (uint8_t)(slot->chat.moves + 1);
  moved->chat.ask.type = SCHAT_REQUEST_GET_DH_CONFIG; /* after a pause: a server that refuses every id is not to be hurried */
  moved->chat.ask.retry_at = env->account.clock + schat__pause(moved->chat.moves);
  schat__plan(env, moved);
  return schat__slot_remove(env, slot);
}

/* What the server says first of a chat we began: later updates must agree, and the date stays. */
static void learn(schat__slot *slot, const schat_chat_update *update) {
  if (slot->chat.own_id == 0) slot->chat.own_id = update->admin_id;
  if (slot->chat.date == 0) slot->chat.date = update->date;
  slot->chat.access_hash = update->access_hash;
}

/* The peer has accepted. */
static int complete(schat__env *env, schat__slot *slot, const schat_chat_update *update) {
  const schat__config *config = schat__config_find(env, slot->chat.config);
  uint8_t g_b[SCHAT__DH_SIZE];
  int status;
  if (slot->secrets == NULL || config == NULL) return schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_STATE);
  status = schat__edit(env, slot);
  if (status == SCHAT_OK) status = judge(env, slot, config, update->g_a, g_b);
  if (status == SCHAT_OK) status = schat__edit_secrets(env, slot);
  if (status == SCHAT_OK) status = make_key(env, slot, config, g_b);
  if (status != SCHAT_OK) return status;
  learn(slot, update);
  if (slot->chat.key_fingerprint != update->key_fingerprint) return schat__close_for(env, slot, SCHAT_CLOSE_KEY_MISMATCH); /* R-DH-13 */
  return become_ready(env, slot);
}

static int waiting(schat__env *env, schat__slot *slot, const schat_chat_update *update) {
  int status;
  if (slot->chat.state == SCHAT_STATE_WAITING_PEER && slot->chat.access_hash != 0) return SCHAT_DUPLICATE;
  if (slot->chat.state != SCHAT_STATE_REQUESTING && slot->chat.state != SCHAT_STATE_WAITING_PEER) return SCHAT_IGNORED;
  status = schat__edit(env, slot);
  if (status != SCHAT_OK) return status;
  slot->chat.state = SCHAT_STATE_WAITING_PEER;
  learn(slot, update);
  memset(&slot->chat.ask, 0, sizeof slot->chat.ask);
  return schat__emit_chat(env, slot);
}

/* Acceptor ------------------------------------------------------------------------------------------------------------------------ */

static size_t invitations(const schat__env *env) {
  const schat__slot *slot;
  size_t at = 0, count = 0;
  while ((slot = schat__table_next(&env->table, &at)) != NULL) count += slot->chat.state == SCHAT_STATE_INVITED;
  return count;
}

/* An invitation that ended unanswered leaves a chat to be shown. As many of those are kept as may wait; then the oldest goes. */
static int forget_old_invitation(schat__env *env) {
  static const uint8_t none[SCHAT_KEY_HASH_SIZE];
  schat__slot *slot, *oldest = NULL;
  size_t at = 0, count = 0;
  while ((slot = schat__table_next(&env->table, &at)) != NULL) {
    const schat__chat *chat = &slot->chat;
    if (chat->state != SCHAT_STATE_CLOSED || schat__is_originator(chat) || (chat->flags & SCHAT_CHAT_DISCARD_PENDING)) continue;
    if (memcmp(chat->key_hash, none, sizeof none) != 0) continue;
    count++;
    if (oldest == NULL || chat->close_at < oldest->chat.close_at) oldest = slot;
  }
  return count < env->policy.max_invited_chats ? SCHAT_OK : schat__slot_remove(env, oldest);
}

/* As 256 bytes; 0 when it cannot be a value at all (D-14). What it is worth is judged when the configuration is there. */
static int pad_value(schat_bytes value, uint8_t padded[SCHAT__DH_SIZE]) {
  if (value.size == 257 && value.data[0] == 0) {
    value.data++;
    value.size--;
  }
  if (value.size == 0 || value.size > SCHAT__DH_SIZE) return 0;
  memset(padded, 0, SCHAT__DH_SIZE);
  memcpy(padded + SCHAT__DH_SIZE - value.size, value.data, value.size);
  return 1;
}

int schat__invited(schat__env *env, const schat_chat_update *update) {
  uint8_t g_a[SCHAT__DH_SIZE];
  schat__event event;
  schat__slot *slot = NULL;
  int64_t digest;
  int seen, status;
  if (update->chat_id == 0) return schat__emit_rejected(env, update->chat_id, SCHAT_REJECT_IDENTITY);
  if (!pad_value(update->g_a, g_a)) return schat__emit_rejected(env, update->chat_id, SCHAT_REJECT_DH_VALUE);
  if (invitations(env) >= env->policy.max_invited_chats) return schat__emit_rejected(env, update->chat_id, SCHAT_REJECT_LIMIT);
  status = schat__dh_seen(env, g_a, &digest, &seen);
  if (status != SCHAT_OK) return status;
  if (seen) return schat__emit_rejected(env, update->chat_id, SCHAT_REJECT_DH_REUSED);
  status = forget_old_invitation(env);
  if (status == SCHAT_OK) status = schat__slot_new(env, update->chat_id, &slot);
  if (status != SCHAT_OK) return status;
  new_chat(slot, update->admin_id);
  slot->chat.dh_seen[1] = digest; /* */
  status = schat__edit_secrets(env, slot);
  if (status != SCHAT_OK) return status;
  slot->secrets->has = SCHAT__HAS_PEER;
  memcpy(slot->secrets->peer, g_a, sizeof g_a);
  slot->chat.state = SCHAT_STATE_INVITED;
  slot->chat.own_id = update->participant_id;
  slot->chat.access_hash = update->access_hash;
  slot->chat.date = update->date;
  slot->chat.folder_id = update->folder_id;
  if (env->policy.flags & SCHAT_POLICY_ACCEPT_AFTER) {
    slot->chat.flags |= SCHAT__FLAG_LATE_ACCEPT;
    slot->chat.accept_at = env->account.clock + env->policy.accept_after_ms;
  }
  memset(&event, 0, sizeof event);
  event.type = SCHAT_EVENT_INVITED;
  event.chat_id = update->chat_id;
  event.date = update->date;
  return schat__emit(env, &event);
}

int schat__accept(schat__env *env, schat__slot *slot) {
  int status;
  if (slot->chat.state != SCHAT_STATE_INVITED) return SCHAT_E_STATE;
  status = schat__edit(env, slot);
  if (status != SCHAT_OK) return status;
  slot->chat.state = SCHAT_STATE_ACCEPTING;
  slot->chat.flags &= ~SCHAT__FLAG_LATE_ACCEPT;
  status = schat__emit_chat(env, slot);
  return status == SCHAT_OK ? schat__ask_now(env, slot) : status;
}

int schat__accepted(schat__env *env, schat__slot *slot) { return become_ready(env, slot); }

/* encryptedChat while we accept: ours, or, with another fingerprint, that of a device we know nothing of. */
static int confirmed(schat__env *env, schat__slot *slot, const schat_chat_update *update) {
  if (slot->chat.key_since == 0) return SCHAT_IGNORED;
  if (update->key_fingerprint != slot->chat.key_fingerprint) {
    return schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_KEY_FINGERPRINT);
  }
  return become_ready(env, slot);
}

/* Updates and answers ----------------------------------------------------------------------------------------------------------- */

/* what a server says of a chat must agree with what it said before. */
static int is_that_chat(const schat__env *env, const schat__chat *chat, const schat_chat_update *update) {
  int64_t peer = schat__is_originator(chat) ? update->participant_id : update->admin_id;
  int64_t own = schat__is_originator(chat) ? update->admin_id : update->participant_id;
  if (peer != chat->user_id || (env->own_id != 0 && own != env->own_id)) return 0;
  if (chat->own_id != 0 && own != chat->own_id) return 0;
  return chat->access_hash == 0 || update->access_hash == chat->access_hash;
}

static schat_close_reason discard_reason(const schat__chat *chat) {
  if (chat->flags & SCHAT__FLAG_ACCEPT_TAKEN) return SCHAT_CLOSE_TAKEN_ELSEWHERE;
  return chat->state == SCHAT_STATE_READY ? SCHAT_CLOSE_BY_PEER : SCHAT_CLOSE_DECLINED;
}

static int discarded(schat__env *env, schat__slot *slot, const schat_chat_update *update) {
  schat__closing closing;
  if (slot->chat.state == SCHAT_STATE_CLOSED) {
    int status = SCHAT_DUPLICATE;
    if (update->history_deleted && !(slot->chat.flags & SCHAT_CHAT_HISTORY_DELETED)) status = schat__history_deleted(env, slot);
    if (status >= 0 && (slot->chat.flags & SCHAT_CHAT_DISCARD_PENDING)) status = schat__discard_done(env, slot);
    return status;
  }
  memset(&closing, 0, sizeof closing);
  closing.reason = discard_reason(&slot->chat);
  closing.history_deleted = update->history_deleted;
  return schat__close(env, slot, &closing);
}

int schat__chat_update(schat__env *env, schat__slot *slot, const schat_chat_update *update) {
  if (update->type == SCHAT_CHAT_UPDATE_EMPTY) return SCHAT_IGNORED;
  if (update->type == SCHAT_CHAT_UPDATE_DISCARDED) return discarded(env, slot, update);
  if (slot->chat.state == SCHAT_STATE_CLOSED) return SCHAT_IGNORED;
  if (!is_that_chat(env, &slot->chat, update)) return schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_IDENTITY);
  if (update->type == SCHAT_CHAT_UPDATE_REQUESTED) {
    return schat__is_originator(&slot->chat) ? schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_STATE) : SCHAT_DUPLICATE;
  }
  if (update->type == SCHAT_CHAT_UPDATE_WAITING) return waiting(env, slot, update);
  switch ((schat_state)slot->chat.state) {
    case SCHAT_STATE_REQUESTING:
    case SCHAT_STATE_WAITING_PEER:
      return complete(env, slot, update);
    case SCHAT_STATE_ACCEPTING:
      return confirmed(env, slot, update);
    case SCHAT_STATE_READY:
      return SCHAT_DUPLICATE;
    case SCHAT_STATE_NONE:
    case SCHAT_STATE_INVITED:
    case SCHAT_STATE_CLOSED:
      break;
  }
  return SCHAT_IGNORED;
}

/* Errors -------------------------------------------------------------------------------------------------------------------------- */

static int fail(schat__env *env, schat__slot *slot, schat_close_reason reason, int32_t code, const char *text) {
  schat__closing closing;
  memset(&closing, 0, sizeof closing);
  closing.reason = reason;
  closing.error_code = code;
  closing.error_text.data = (const uint8_t *)text;
  closing.error_text.size = strlen(text);
  return schat__close(env, slot, &closing);
}

/* An id that we may have used ourselves before an answer was lost: then the chat exists, and its update will come. */
static int id_is_taken(schat__env *env, schat__slot *slot, int32_t code, const char *text) {
  if ((slot->chat.flags & SCHAT__FLAG_ASKED) && strcmp(text, "RANDOM_ID_DUPLICATE") == 0) {
    int status = schat__edit(env, slot);
    if (status != SCHAT_OK) return status;
    slot->chat.state = SCHAT_STATE_WAITING_PEER;
    memset(&slot->chat.ask, 0, sizeof slot->chat.ask);
    return schat__emit_chat(env, slot);
  }
  if (slot->chat.moves >= NEW_ID_MOVES) return fail(env, slot, SCHAT_CLOSE_REQUEST_FAILED, code, text);
  return move(env, slot);
}

/* By another device; or by ourselves, when we asked before and did not hear the answer. */
static int already_accepted(schat__env *env, schat__slot *slot, int32_t code, const char *text) {
  int status;
  if (!(slot->chat.flags & SCHAT__FLAG_ASKED)) return fail(env, slot, SCHAT_CLOSE_TAKEN_ELSEWHERE, code, text);
  status = schat__edit(env, slot);
  if (status != SCHAT_OK) return status;
  slot->chat.flags |= SCHAT__FLAG_ACCEPT_TAKEN;
  memset(&slot->chat.ask, 0, sizeof slot->chat.ask);
  return SCHAT_OK;
}

static int account_gone(schat__env *env, schat__slot *slot) {
  int status = schat__emit_simple(env, slot, SCHAT_EVENT_ACCOUNT_GONE, 0);
  return status == SCHAT_OK ? ask_later(env, slot, ACCOUNT_GONE_PAUSE) : status;
}

int schat__ask_failed(schat__env *env, schat__slot *slot, int32_t code, const char *text) {
  int32_t seconds = 0;
  const int kind = schat_error_classify(slot->chat.ask.type, code, text, &seconds);
  switch ((schat_error_class)kind) {
    case SCHAT_ERROR_NEW_ID:
      return id_is_taken(env, slot, code, text);
    case SCHAT_ERROR_ALREADY_ACCEPTED:
      return already_accepted(env, slot, code, text);
    case SCHAT_ERROR_CHAT_CLOSED:
      return fail(env, slot, SCHAT_CLOSE_DECLINED, code, text);
    case SCHAT_ERROR_CHAT_FAILED:
      return fail(env, slot, SCHAT_CLOSE_REQUEST_FAILED, code, text);
    case SCHAT_ERROR_DONE: /* of a discard: nothing is left to close */
      return schat__discard_done(env, slot);
    case SCHAT_ERROR_ACCOUNT:
      return account_gone(env, slot);
    case SCHAT_ERROR_RETRY:
    case SCHAT_ERROR_RETRY_AFTER:
    case SCHAT_ERROR_RETRY_UNCHAINED:
    case SCHAT_ERROR_MESSAGE:
    case SCHAT_ERROR_STATE:
    case SCHAT_ERROR_IGNORE:
      break;
  }
  return ask_later(env, slot, seconds);
}
