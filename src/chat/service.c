/* SPDX-License-Identifier: BSL-1.0
 * service.c - what the peer's service messages do, one handler an action. */
#include <string.h>

#include "chat.h"

static int tell_ids(schat__env *env, const schat__slot *slot, int32_t type, const schat__action *action, int32_t date) {
  schat__event event;
  memset(&event, 0, sizeof event);
  event.type = type;
  event.chat_id = slot->chat.chat_id;
  event.random_id = action->random_id;
  event.random_ids = action->random_ids;
  event.random_id_count = action->random_id_count;
  event.date = date;
  return schat__emit(env, &event);
}

static int set_ttl(schat__env *env, schat__slot *slot, const schat__action *action, int32_t date) {
  schat__event event;
  slot->chat.ttl = action->ttl < 0 ? 0 : action->ttl; /* R-TTL-07 */
  memset(&event, 0, sizeof event);
  event.type = SCHAT_EVENT_TTL;
  event.chat_id = slot->chat.chat_id;
  event.random_id = action->random_id;
  event.value = slot->chat.ttl;
  event.date = date;
  return schat__emit(env, &event);
}

/* The peer has opened messages of ours: their clocks start (R-TTL-03). */
static int opened(schat__env *env, schat__slot *slot, const schat__action *action, int32_t date) {
  size_t i;
  int status = SCHAT_OK;
  for (i = 0; status == SCHAT_OK && i < action->random_id_count; i++) status = schat__timer_open(env, slot, action->random_ids[i], 1);
  return status == SCHAT_OK ? tell_ids(env, slot, SCHAT_EVENT_OPENED, action, date) : status;
}

static int deleted(schat__env *env, schat__slot *slot, const schat__action *action, int32_t date) {
  int status = schat__forget_messages(env, slot, action->random_ids, action->random_id_count);
  return status == SCHAT_OK ? tell_ids(env, slot, SCHAT_EVENT_DELETED, action, date) : status;
}

static int flushed(schat__env *env, schat__slot *slot, const schat__action *action, int32_t date) {
  int status = schat__forget_all_messages(env, slot, 0);
  slot->chat.unread_count = 0;
  return status == SCHAT_OK ? tell_ids(env, slot, SCHAT_EVENT_HISTORY_FLUSHED, action, date) : status;
}

int schat__layer_seen(schat__env *env, schat__slot *slot, int32_t layer) {
  schat__chat *chat = &slot->chat;
  int status;
  if (layer <= chat->peer_layer) return SCHAT_OK; /* never down (L5) */
  status = schat__edit(env, slot);
  if (status != SCHAT_OK) return status;
  chat->peer_layer = layer;
  if (chat->stated_layer < schat__layer_for(layer)) chat->stated_layer = schat__layer_for(layer);
  if (layer > SCHAT_LAYER && !(chat->flags & SCHAT_CHAT_PEER_NEWER)) {
    chat->flags |= SCHAT_CHAT_PEER_NEWER;
    status = schat__emit_simple(env, slot, SCHAT_EVENT_PEER_NEWER_LAYER, layer);
  }
  return status == SCHAT_OK ? schat__emit_chat(env, slot) : status;
}

int schat__notify_layer(schat__env *env, schat__slot *slot) {
  schat__action action;
  int status = schat__edit(env, slot);
  if (status != SCHAT_OK) return status;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_NOTIFY_LAYER;
  action.layer = SCHAT_LAYER;
  slot->chat.notified_layer = SCHAT_LAYER;
  return schat__out_action(env, slot, &action, 0);
}

int schat__service(schat__env *env, schat__slot *slot, const schat__action *action, int32_t date, int resend_handled) {
  int status = schat__edit(env, slot);
  if (status != SCHAT_OK) return status;
  switch (action->type) {
    case SCHAT__ACTION_SET_TTL:
      return set_ttl(env, slot, action, date);
    case SCHAT__ACTION_READ:
      return opened(env, slot, action, date);
    case SCHAT__ACTION_DELETE:
      return deleted(env, slot, action, date);
    case SCHAT__ACTION_SCREENSHOT:
      return tell_ids(env, slot, SCHAT_EVENT_SCREENSHOT, action, date);
    case SCHAT__ACTION_FLUSH:
      return flushed(env, slot, action, date);
    case SCHAT__ACTION_RESEND:
      return resend_handled ? SCHAT_OK : schat__resend_answer(env, slot, action->start, action->end); /* once only (R-SEQ-16) */
    case SCHAT__ACTION_NOTIFY_LAYER:
      return action->layer < 17 ? SCHAT_OK : schat__layer_seen(env, slot, action->layer); /* R-LAY-05 */
    case SCHAT__ACTION_TYPING:
      return schat__emit_simple(env, slot, SCHAT_EVENT_TYPING, action->typing);
    case SCHAT__ACTION_REQUEST_KEY:
      return schat__rekey_request(env, slot, action->exchange_id, action->g);
    case SCHAT__ACTION_ACCEPT_KEY:
      return schat__rekey_accept(env, slot, action->exchange_id, action->g, action->key_fingerprint);
    case SCHAT__ACTION_ABORT_KEY:
      return schat__rekey_abort(env, slot, action->exchange_id);
    case SCHAT__ACTION_COMMIT_KEY:
      return schat__rekey_commit(env, slot, action->exchange_id, action->key_fingerprint);
    case SCHAT__ACTION_NONE:
    case SCHAT__ACTION_NOOP:
      break;
  }
  return SCHAT_OK;
}
