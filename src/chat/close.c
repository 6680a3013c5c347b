/* SPDX-License-Identifier: BSL-1.0
 * close.c - the end of a chat, by whomever: its secrets go in the commit that ends it, and the server is told until it has heard. */
#include <string.h>

#include "chat.h"

/* What the user sent and nobody will receive. */
static int tell_unsent(schat__env *env, const schat__slot *slot) {
  static const char text[] = "CHAT_CLOSED";
  size_t i;
  int status = SCHAT_OK;
  for (i = 0; status == SCHAT_OK && i < schat__count(slot, SCHAT__OUTBOX); i++) {
    const schat__item *item = schat__item_at(slot, SCHAT__OUTBOX, i);
    schat__event event;
    if (!item->u.out.report) continue;
    memset(&event, 0, sizeof event);
    event.type = SCHAT_EVENT_SEND_FAILED;
    event.chat_id = slot->chat.chat_id;
    event.random_id = item->u.out.random_id;
    event.error_text.data = (const uint8_t *)text;
    event.error_text.size = sizeof text - 1;
    status = schat__emit(env, &event);
  }
  return status;
}

int schat__remove_items(schat__env *env, schat__slot *slot, int timers_too) {
  int kind, status = SCHAT_OK;
  for (kind = 0; kind < SCHAT__ITEM_KINDS; kind++) {
    size_t count;
    if (kind == SCHAT__TIMER && !timers_too) continue;
    while (status == SCHAT_OK && (count = schat__count(slot, (schat__item_kind)kind)) > 0) {
      status = schat__item_remove(env, slot, schat__item_at(slot, (schat__item_kind)kind, count - 1));
    }
  }
  return status;
}

static void wipe_chat(schat__env *env, schat__chat *chat) {
  schat__wipe(chat->key, sizeof chat->key);
  memset(chat->dh_seen, 0, sizeof chat->dh_seen);
  memset(&chat->ask, 0, sizeof chat->ask);
  chat->key_since = 0;
  chat->gap_at = 0;
  chat->discard_at = 0;
  chat->read_token = 0;
  chat->last_send = 0;
  chat->in_highest = chat->in_seq - 1;
  chat->acked_count = 0;
  chat->close_at = env->account.wall;
  chat->flags &= ~(SCHAT_CHAT_GAP_STUCK | SCHAT_CHAT_PEER_STUCK | SCHAT__FLAG_GAP_TOLD | SCHAT__FLAG_READ_PENDING | SCHAT__FLAG_LATE_ACCEPT);
}

static int tell_closed(schat__env *env, const schat__slot *slot, const schat__closing *closing) {
  schat__event event;
  memset(&event, 0, sizeof event);
  event.type = SCHAT_EVENT_CLOSED;
  event.chat_id = slot->chat.chat_id;
  event.reason = (int32_t)closing->reason;
  event.value = closing->history_deleted;
  event.error_code = closing->error_code;
  event.error_text = closing->error_text;
  return schat__emit(env, &event);
}

int schat__close(schat__env *env, schat__slot *slot, const schat__closing *closing) {
  schat__chat *chat = &slot->chat;
  int status = schat__edit(env, slot);
  if (status == SCHAT_OK) status = tell_unsent(env, slot);
  if (status == SCHAT_OK) status = schat__remove_items(env, slot, closing->history_deleted);
  if (status == SCHAT_OK) status = schat__drop_secrets(env, slot);
  if (status == SCHAT_OK && closing->history_deleted) status = schat__events_forget_chat(env, chat->chat_id);
  if (status != SCHAT_OK) return status;
  wipe_chat(env, chat);
  chat->state = SCHAT_STATE_CLOSED;
  chat->close_reason = (uint8_t)closing->reason;
  if (closing->history_deleted) chat->flags |= SCHAT_CHAT_HISTORY_DELETED;
  if (closing->delete_history) chat->flags |= SCHAT__FLAG_DISCARD_HISTORY;
  status = tell_closed(env, slot, closing);
  if (status == SCHAT_OK && closing->tell_server) {
    chat->flags |= SCHAT_CHAT_DISCARD_PENDING;
    status = schat__ask_now(env, slot);
  }
  return status == SCHAT_OK ? SCHAT_CHAT_CLOSED : status;
}

int schat__history_deleted(schat__env *env, schat__slot *slot) {
  schat__closing closing;
  int status = schat__edit(env, slot);
  if (status == SCHAT_OK) status = schat__remove_items(env, slot, 1);
  if (status == SCHAT_OK) status = schat__events_forget_chat(env, slot->chat.chat_id);
  if (status != SCHAT_OK) return status;
  slot->chat.flags |= SCHAT_CHAT_HISTORY_DELETED;
  memset(&closing, 0, sizeof closing);
  closing.reason = (schat_close_reason)slot->chat.close_reason;
  closing.history_deleted = 1;
  return tell_closed(env, slot, &closing);
}

int schat__close_for(schat__env *env, schat__slot *slot, schat_close_reason reason) {
  schat__closing closing;
  memset(&closing, 0, sizeof closing);
  closing.reason = reason;
  closing.tell_server = 1;
  return schat__close(env, slot, &closing);
}

/* A chat the server has never been asked for needs no discard. */
static int server_knows(const schat__slot *slot) { return slot->chat.state != SCHAT_STATE_REQUESTING || slot->secrets != NULL; }

static int flush_first(schat__env *env, schat__slot *slot, uint32_t flags) {
  schat__action action;
  int status = schat__edit(env, slot);
  if (status == SCHAT_OK) status = schat__forget_all_messages(env, slot, 1);
  if (status != SCHAT_OK) return status;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_FLUSH;
  slot->chat.flush_seq = slot->chat.out_seq;
  if (flags & SCHAT_DISCARD_HISTORY) slot->chat.flags |= SCHAT__FLAG_DISCARD_HISTORY;
  return schat__out_action(env, slot, &action, 0);
}

int schat__discard(schat__env *env, schat__slot *slot, uint32_t flags) {
  schat__closing closing;
  if (slot->chat.state == SCHAT_STATE_CLOSED) return SCHAT_E_STATE;
  if ((flags & SCHAT_DISCARD_FLUSH_FIRST) && slot->chat.state == SCHAT_STATE_READY) {
    return slot->chat.flush_seq >= 0 ? SCHAT_E_STATE : flush_first(env, slot, flags);
  }
  memset(&closing, 0, sizeof closing);
  closing.reason = SCHAT_CLOSE_BY_US;
  closing.tell_server = server_knows(slot);
  closing.delete_history = (flags & SCHAT_DISCARD_HISTORY) != 0;
  return schat__close(env, slot, &closing);
}

int schat__discard_done(schat__env *env, schat__slot *slot) {
  int status = schat__edit(env, slot);
  if (status != SCHAT_OK) return status;
  slot->chat.flags &= ~SCHAT_CHAT_DISCARD_PENDING;
  memset(&slot->chat.ask, 0, sizeof slot->chat.ask);
  return schat__emit_chat(env, slot);
}
