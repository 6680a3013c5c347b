/* SPDX-License-Identifier: BSL-1.0
 * action.c - service messages to and from one struct. */
#include "convert.h"

#define SLOT(word, how, member) SCHAT__SLOT(word, how, schat__action, member)

/* The service message itself, and what it says. */
static const schat__slot action_slots[SCHAT__WORD_COUNT] = {
    SLOT(random_id, LONG, random_id),
    SLOT(ttl_seconds, COUNT, ttl),
    SLOT(layer, INT, layer),
    SLOT(start_seq_no, INT, start),
    SLOT(end_seq_no, INT, end),
    SLOT(exchange_id, LONG, exchange_id),
    SLOT(key_fingerprint, LONG, key_fingerprint),
    SLOT(g_a, BYTES, g),
    SLOT(g_b, BYTES, g),
};

static const uint8_t constructors[SCHAT__ACTION_NOOP + 1] = {
    [SCHAT__ACTION_SET_TTL] = SCHAT__TL_decryptedMessageActionSetMessageTTL,
    [SCHAT__ACTION_READ] = SCHAT__TL_decryptedMessageActionReadMessages,
    [SCHAT__ACTION_DELETE] = SCHAT__TL_decryptedMessageActionDeleteMessages,
    [SCHAT__ACTION_SCREENSHOT] = SCHAT__TL_decryptedMessageActionScreenshotMessages,
    [SCHAT__ACTION_FLUSH] = SCHAT__TL_decryptedMessageActionFlushHistory,
    [SCHAT__ACTION_RESEND] = SCHAT__TL_decryptedMessageActionResend,
    [SCHAT__ACTION_NOTIFY_LAYER] = SCHAT__TL_decryptedMessageActionNotifyLayer,
    [SCHAT__ACTION_TYPING] = SCHAT__TL_decryptedMessageActionTyping,
    [SCHAT__ACTION_REQUEST_KEY] = SCHAT__TL_decryptedMessageActionRequestKey,
    [SCHAT__ACTION_ACCEPT_KEY] = SCHAT__TL_decryptedMessageActionAcceptKey,
    [SCHAT__ACTION_ABORT_KEY] = SCHAT__TL_decryptedMessageActionAbortKey,
    [SCHAT__ACTION_COMMIT_KEY] = SCHAT__TL_decryptedMessageActionCommitKey,
    [SCHAT__ACTION_NOOP] = SCHAT__TL_decryptedMessageActionNoop,
};

static schat__action_type type_of(const schat__tl_object *object) {
  unsigned type = SCHAT__ACTION_SET_TTL;
  while (type < SCHAT__ACTION_NOOP && constructors[type] != schat__tl_index(object)) type++;
  return (schat__action_type)type;
}

static int take_random_ids(schat__arena *arena, const schat__tl_value *ids, schat__action *action) {
  if (ids == NULL) return SCHAT_OK;
  int64_t *copy = schat__arena_take(arena, ids->vector.count * sizeof *copy);
  if (copy == NULL) return SCHAT_E_NOMEM;
  for (size_t i = 0; i < ids->vector.count; i++) copy[i] = ids->vector.items[i].l;
  action->random_ids = copy;
  action->random_id_count = ids->vector.count;
  return SCHAT_OK;
}

int schat__action_take(schat__arena *arena, const schat__tl_object *service, schat__action *action) {
  const schat__tl_object *inner = schat__tl_get(service, SCHAT__WORD_action)->object;
  action->type = type_of(inner);
  schat__slots_take(action_slots, service, action);
  schat__slots_take(action_slots, inner, action);
  const schat__tl_value *typing = schat__tl_get(inner, SCHAT__WORD_action);
  if (typing != NULL) action->typing = schat__tl_index(typing->object) != SCHAT__TL_sendMessageCancelAction;
  return take_random_ids(arena, schat__tl_get(inner, SCHAT__WORD_random_ids), action);
}

static int give_random_ids(schat__arena *arena, const schat__action *action, schat__tl_value *ids) {
  if (action->random_id_count > 0 && action->random_ids == NULL) return SCHAT_E_INVALID;
  if (action->random_id_count > SIZE_MAX / sizeof(schat__tl_value)) return SCHAT_E_TOO_LARGE;
  ids->vector.items = schat__arena_take(arena, action->random_id_count * sizeof(schat__tl_value));
  if (ids->vector.items == NULL) return SCHAT_E_NOMEM;
  ids->vector.count = action->random_id_count;
  for (size_t i = 0; i < action->random_id_count; i++) ids->vector.items[i].l = action->random_ids[i];
  return SCHAT_OK;
}

static int give_typing(schat__arena *arena, const schat__action *action, schat__tl_value *typing) {
  typing->object = schat__tl_new(arena, action->typing != 0 ? SCHAT__TL_sendMessageTypingAction : SCHAT__TL_sendMessageCancelAction);
  return typing->object != NULL ? SCHAT_OK : SCHAT_E_NOMEM;
}

static int give_inner(schat__arena *arena, const schat__action *action, schat__tl_object *inner) {
  const int status = schat__slots_give(action_slots, action, inner);
  if (status != SCHAT_OK) return status;
  schat__tl_value *ids = schat__tl_get(inner, SCHAT__WORD_random_ids);
  if (ids != NULL) return give_random_ids(arena, action, ids);
  schat__tl_value *typing = schat__tl_get(inner, SCHAT__WORD_action);
  return typing != NULL ? give_typing(arena, action, typing) : SCHAT_OK;
}

int schat__action_encode(schat__arena *arena, const schat__action *action, uint8_t *out, size_t capacity, size_t *size) {
  if ((unsigned)action->type - 1u >= SCHAT__ACTION_NOOP || action->random_id == 0) return SCHAT_E_INVALID;
  schat__tl_object *service = schat__tl_new(arena, SCHAT__TL_decryptedMessageService);
  schat__tl_object *inner = schat__tl_new(arena, constructors[action->type]);
  if (service == NULL || inner == NULL) return SCHAT_E_NOMEM;
  schat__tl_get(service, SCHAT__WORD_random_id)->l = action->random_id;
  schat__tl_get(service, SCHAT__WORD_action)->object = inner;
  const int status = give_inner(arena, action, inner);
  return status == SCHAT_OK ? schat__object_write(service, out, capacity, size) : status;
}
