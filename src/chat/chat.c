/* SPDX-License-Identifier: BSL-1.0
 * chat.c - one chat as a whole: its numbers on the wire, what is shown of it, its invariants, and what is due in it. */
#include "chat.h"

#include <string.h>

int schat__is_originator(const schat__chat *chat) { return (chat->flags & SCHAT_CHAT_ORIGINATOR) != 0; }

int32_t schat__wire_out(int32_t raw, int of_originator) { return 2 * raw + (of_originator ? 1 : 0); }

int32_t schat__wire_in(int32_t raw, int of_originator) { return 2 * raw + (of_originator ? 0 : 1); }

int64_t schat__pause(unsigned tries) { return tries >= 6 ? 60000 : (int64_t)1000 << tries; }

const schat__config *schat__config_find(const schat__env *env, int64_t key) {
  size_t i;
  for (i = 0; i < env->config_count; i++) {
    if (env->configs[i].key == key) return &env->configs[i];
  }
  return NULL;
}

void schat__chat_info(const schat__slot *slot, schat_chat_info *info) {
  const schat__chat *chat = &slot->chat;
  size_t size = info->size;
  memset(info, 0, sizeof *info);
  info->size = size;
  info->chat_id = chat->chat_id;
  info->state = chat->state;
  info->close_reason = chat->close_reason;
  info->flags = chat->flags & 0xfffu;
  if (schat__count(slot, SCHAT__WAITING) > 0) info->flags |= SCHAT_CHAT_GAP;
  if (slot->secrets != NULL && slot->secrets->state != SCHAT__REKEY_IDLE) info->flags |= SCHAT_CHAT_REKEYING;
  info->user_id = chat->user_id;
  info->access_hash = chat->access_hash;
  info->folder_id = chat->folder_id;
  info->date = chat->date;
  info->peer_layer = chat->peer_layer;
  info->layer = chat->stated_layer;
  info->ttl = chat->ttl;
  info->last_date = chat->last_date;
  info->read_inbox_date = chat->read_inbox_date;
  info->read_outbox_date = chat->read_outbox_date;
  info->unread_count = chat->unread_count;
  info->unacknowledged = chat->state == SCHAT_STATE_READY ? chat->out_seq - chat->peer_in_seq : 0;
  info->waiting = (int32_t)schat__count(slot, SCHAT__WAITING);
  info->key_fingerprint = chat->key_fingerprint;
  info->key_date = chat->key_since;
  info->close_date = chat->close_at;
  memcpy(info->key_hash, chat->key_hash, sizeof info->key_hash);
}

/* Invariants (1), (3), (6), (7) of the outbox. */
static int outbox_holds(const schat__slot *slot) {
  const schat__chat *chat = &slot->chat;
  size_t i, unconfirmed = schat__count(slot, SCHAT__OUTBOX) - schat__item_lower_bound(slot, SCHAT__OUTBOX, chat->peer_in_seq);
  if (unconfirmed != (size_t)(chat->out_seq - chat->peer_in_seq)) return 0;
  for (i = 0; i < schat__count(slot, SCHAT__OUTBOX); i++) {
    const schat__item *item = schat__item_at(slot, SCHAT__OUTBOX, i);
    if (item->key < 0 || item->key >= chat->out_seq) return 0;
    if (item->key < chat->peer_in_seq && item->u.out.action != SCHAT__ACTION_NOOP) return 0;
    if (i > 0 && schat__item_at(slot, SCHAT__OUTBOX, i - 1)->key >= item->key) return 0;
    if (schat__key_of(slot, item->u.out.key_fingerprint) == NULL) return 0;
  }
  return 1;
}

/* Invariants (4), (5). */
static int queue_holds(const schat__slot *slot) {
  const schat__chat *chat = &slot->chat;
  size_t i, waiting = schat__count(slot, SCHAT__WAITING);
  for (i = 0; i < waiting; i++) {
    int64_t key = schat__item_at(slot, SCHAT__WAITING, i)->key;
    if (key <= chat->in_seq || key > chat->in_highest) return 0;
  }
  return chat->in_highest >= chat->in_seq - 1 && (waiting > 0 || chat->in_highest == chat->in_seq - 1);
}

int schat__chat_check(const schat__slot *slot) {
  static const uint8_t no_key[SCHAT__DH_SIZE];
  const schat__chat *chat = &slot->chat;
  if (chat->peer_in_seq < 0 || chat->peer_in_seq > chat->out_seq || chat->in_seq < 0) return 0;
  if (chat->state == SCHAT_STATE_READY) return chat->key_since != 0 && outbox_holds(slot) && queue_holds(slot);
  if (chat->state == SCHAT_STATE_INVITED && slot->secrets == NULL) return 0;
  if (schat__count(slot, SCHAT__OUTBOX) + schat__count(slot, SCHAT__WAITING) > 0) return 0;
  if (chat->state != SCHAT_STATE_CLOSED) return schat__count(slot, SCHAT__TIMER) == 0;
  return slot->secrets == NULL && schat__count(slot, SCHAT__EARLY) == 0 && memcmp(chat->key, no_key, sizeof no_key) == 0;
}

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

/* Called after the pump: what is due and has not left waits for an answer, not for a time. */
static int64_t send_deadline(const schat__env *env, const schat__slot *slot) {
  size_t i = schat__item_lower_bound(slot, SCHAT__OUTBOX, slot->chat.pump_from);
  int64_t deadline = SCHAT__NEVER;
  for (; i < schat__count(slot, SCHAT__OUTBOX); i++) {
    const schat__out *out = &schat__item_at(slot, SCHAT__OUTBOX, i)->u.out;
    if (out->token != 0 || out->retry_at <= env->account.clock) continue;
    deadline = earlier(deadline, out->retry_at);
    if (out->state == SCHAT__STORED) break; /* the rest waits for it */
  }
  return deadline;
}

void schat__plan(schat__env *env, schat__slot *slot) {
  const schat__chat *chat = &slot->chat;
  int64_t wake = SCHAT__NEVER;
  if (chat->ask.type != 0 && chat->ask.token == 0) wake = chat->ask.retry_at;
  if (chat->state == SCHAT_STATE_INVITED && (chat->flags & SCHAT__FLAG_LATE_ACCEPT)) wake = earlier(wake, chat->accept_at);
  wake = earlier(wake, schat__timer_deadline(slot));
  if (chat->state == SCHAT_STATE_READY) {
    wake = earlier(wake, send_deadline(env, slot));
    wake = earlier(wake, schat__rekey_deadline(env, slot));
    if (chat->gap_at > 0) wake = earlier(wake, chat->gap_at);
    if (chat->discard_at > 0) wake = earlier(wake, chat->discard_at);
    if ((chat->flags & SCHAT__FLAG_READ_PENDING) && chat->read_token == 0) wake = earlier(wake, chat->read_retry_at);
  }
  slot->wake_at = wake;
}

static int tend_read(schat__env *env, schat__slot *slot) {
  schat__chat *chat = &slot->chat;
  int status;
  if (!(chat->flags & SCHAT__FLAG_READ_PENDING) || chat->read_token != 0 || chat->read_retry_at > env->account.clock) return SCHAT_OK;
  status = schat__edit(env, slot);
  if (status != SCHAT_OK) return status;
  return schat__request(env, chat->chat_id, SCHAT_REQUEST_READ_HISTORY, chat->read_inbox_date, &chat->read_token);
}

static int tend_ready(schat__env *env, schat__slot *slot) {
  int status = schat__timer_expire(env, slot);
  if (status == SCHAT_OK) status = schat__gap_tend(env, slot);
  if (status == SCHAT_OK) status = schat__rekey_tend(env, slot);
  if (status == SCHAT_OK) status = schat__stuck_tend(env, slot);
  if (status == SCHAT_OK) status = tend_read(env, slot);
  if (status == SCHAT_OK && slot->chat.discard_at > 0 && slot->chat.discard_at <= env->account.clock) {
    return schat__discard(env, slot, slot->chat.flags & SCHAT__FLAG_DISCARD_HISTORY ? SCHAT_DISCARD_HISTORY : 0);
  }
  if (status == SCHAT_OK) status = schat__out_pump(env, slot);
  return status;
}

int schat__chat_tend(schat__env *env, schat__slot *slot) {
  schat__chat *chat = &slot->chat;
  int status = SCHAT_OK;
  if (chat->state == SCHAT_STATE_READY) {
    status = tend_ready(env, slot);
  } else if (chat->state == SCHAT_STATE_CLOSED) {
    status = schat__timer_expire(env, slot);
  } else if (chat->state == SCHAT_STATE_INVITED && (chat->flags & SCHAT__FLAG_LATE_ACCEPT) && chat->accept_at <= env->account.clock) {
    status = schat__accept(env, slot);
  }
  if (status >= 0 && chat->ask.type != 0 && chat->ask.token == 0 && chat->ask.retry_at <= env->account.clock) {
    int asked = schat__ask_now(env, slot);
    if (asked < 0) status = asked;
  }
  schat__plan(env, slot);
  return status;
}
