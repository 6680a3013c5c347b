/* SPDX-License-Identifier: BSL-1.0
 * outbound.c - our messages from the moment they get their numbers until the peer has confirmed them. */
#include <string.h>

#include "chat.h"

/* Numbers and padding ------------------------------------------------------------------------------------------------------- */

typedef struct {
  schat__wrapper wrapper;
  uint8_t random_bytes[SCHAT__RANDOM_BYTES];
  size_t object_size, padded_size;
} layout;

/* Decides how a message will stand on the wire; its random bytes and the amount of padding are drawn here (R-ENC-02, R-ENC-04). */
static int lay_out(schat__env *env, const schat__slot *slot, int32_t layer, int32_t out_seq, int32_t in_seq, size_t message_size,
                   layout *l) {
  int originator = schat__is_originator(&slot->chat);
  uint8_t extra = 0;
  size_t at;
  int status = schat__random(env->crypto, l->random_bytes, sizeof l->random_bytes);
  if (status == SCHAT_OK) status = schat__random(env->crypto, &extra, 1);
  if (status != SCHAT_OK) return status;
  memset(&l->wrapper, 0, sizeof l->wrapper);
  l->wrapper.random_bytes.data = l->random_bytes;
  l->wrapper.random_bytes.size = sizeof l->random_bytes;
  l->wrapper.layer = layer;
  l->wrapper.in_seq_no = schat__wire_in(in_seq, originator);
  l->wrapper.out_seq_no = schat__wire_out(out_seq, originator);
  if (message_size > env->policy.max_message_bytes) return SCHAT_E_TOO_LARGE;
  l->object_size = schat__wrapper_encode(&l->wrapper, message_size, NULL, &at);
  l->padded_size = schat__padded_size(l->object_size, extra & 15u, (env->policy.flags & SCHAT_POLICY_PAD_BUCKETS) != 0);
  if (l->padded_size + SCHAT__ENVELOPE_HEAD > env->policy.max_message_bytes) return SCHAT_E_TOO_LARGE;
  return SCHAT_OK;
}

static int fill(schat__env *env, const layout *l, schat_bytes message, uint8_t *padded) {
  size_t at = 0;
  schat__wrapper_encode(&l->wrapper, message.size, padded + 4, &at);
  memcpy(padded + 4 + at, message.data, message.size);
  return schat__pad(env->crypto, padded, l->object_size, l->padded_size);
}

int schat__random_id_taken(const schat__slot *slot, int64_t random_id) {
  return schat__out_by_random_id(slot, random_id) != NULL || schat__item_find(slot, SCHAT__TIMER, random_id) != NULL;
}

int schat__random_id(schat__env *env, const schat__slot *slot, int64_t *random_id) {
  uint8_t bytes[8];
  int draws;
  for (draws = 0; draws < SCHAT__DRAWS; draws++) {
    int status = schat__random(env->crypto, bytes, sizeof bytes);
    if (status != SCHAT_OK) return status;
    *random_id = schat__int64(schat__load64(bytes));
    if (*random_id != 0 && !schat__random_id_taken(slot, *random_id)) return SCHAT_OK;
  }
  return SCHAT_E_RANDOM;
}

size_t schat__out_unconfirmed(const schat__slot *slot, schat__action_type action, size_t enough) {
  size_t i, count = 0;
  for (i = schat__item_lower_bound(slot, SCHAT__OUTBOX, slot->chat.peer_in_seq); count < enough && i < schat__count(slot, SCHAT__OUTBOX); i++) {
    count += schat__item_at(slot, SCHAT__OUTBOX, i)->u.out.action == (uint8_t)action;
  }
  return count;
}

schat__item *schat__out_by_random_id(const schat__slot *slot, int64_t random_id) {
  size_t i;
  for (i = schat__count(slot, SCHAT__OUTBOX); i-- > 0;) {
    schat__item *item = schat__item_at(slot, SCHAT__OUTBOX, i);
    if (item->u.out.random_id == random_id) return item;
  }
  return NULL;
}

static void describe(schat__out *out, const schat__outgoing *outgoing) {
  out->random_id = outgoing->random_id;
  out->method = (uint8_t)(outgoing->method == 0 ? SCHAT_REQUEST_SEND_SERVICE : outgoing->method);
  out->content = outgoing->content != 0;
  out->report = outgoing->report != 0;
  out->silent = outgoing->silent != 0;
  out->action = (uint8_t)outgoing->action;
  if (outgoing->file != NULL) out->file = *outgoing->file;
}

static int add_under(schat__env *env, schat__slot *slot, const schat__outgoing *outgoing, int32_t out_seq, int32_t in_seq) {
  layout l;
  schat__item *item = NULL;
  int status = lay_out(env, slot, slot->chat.stated_layer, out_seq, in_seq, outgoing->object.size, &l);
  if (status == SCHAT_OK) status = schat__item_new(env, slot, SCHAT__OUTBOX, out_seq, l.padded_size, &item);
  if (status == SCHAT_OK) status = fill(env, &l, outgoing->object, item->data);
  if (status != SCHAT_OK) return status;
  describe(&item->u.out, outgoing);
  item->u.out.in_seq = in_seq;
  item->u.out.key_fingerprint = slot->chat.key_fingerprint;
  slot->chat.key_sealed++;
  if (slot->chat.pump_from > out_seq) slot->chat.pump_from = out_seq;
  return SCHAT_OK;
}

static int report_failed(schat__env *env, const schat__slot *slot, int64_t random_id, int32_t code, const char *text) {
  schat__event event;
  memset(&event, 0, sizeof event);
  event.type = SCHAT_EVENT_SEND_FAILED;
  event.chat_id = slot->chat.chat_id;
  event.random_id = random_id;
  event.error_code = code;
  event.error_text.data = (const uint8_t *)text;
  event.error_text.size = strlen(text);
  return schat__emit(env, &event);
}

/* R-SEQ-23: the message that has no number any more is told like those that close.c finds unsent. */
static int exhausted(schat__env *env, schat__slot *slot, const schat__outgoing *outgoing) {
  int status = outgoing->report ? report_failed(env, slot, outgoing->random_id, 0, "CHAT_CLOSED") : SCHAT_OK;
  return status == SCHAT_OK ? schat__close_for(env, slot, SCHAT_CLOSE_COUNTER_EXHAUSTED) : status;
}

int schat__out_add(schat__env *env, schat__slot *slot, const schat__outgoing *outgoing) {
  int status = schat__edit(env, slot);
  if (status != SCHAT_OK) return status;
  if (slot->chat.out_seq > SCHAT__SEQ_MAX) return exhausted(env, slot, outgoing);
  status = add_under(env, slot, outgoing, slot->chat.out_seq, slot->chat.in_seq);
  if (status != SCHAT_OK) return status;
  slot->chat.out_seq++;
  slot->chat.flags |= SCHAT__FLAG_KEY_SHOWN;
  env->stats.sent++;
  return SCHAT_OK;
}

static int encode_action(schat__arena *arena, const schat__action *action, schat_bytes *object) {
  size_t capacity = 1024 + 8 * action->random_id_count, size = 0;
  uint8_t *out = schat__arena_take(arena, capacity);
  int status;
  if (out == NULL) return SCHAT_E_NOMEM;
  status = schat__action_encode(arena, action, out, capacity, &size);
  object->data = out;
  object->size = size;
  return status;
}

int schat__out_action(schat__env *env, schat__slot *slot, schat__action *action, int report) {
  schat__outgoing outgoing;
  int status = SCHAT_OK;
  memset(&outgoing, 0, sizeof outgoing);
  if (action->random_id == 0) {
    status = schat__random_id(env, slot, &action->random_id);
  } else if (schat__random_id_taken(slot, action->random_id)) {
    status = SCHAT_E_EXISTS;
  }
  if (status == SCHAT_OK) status = encode_action(&env->arena, action, &outgoing.object);
  if (status != SCHAT_OK) return status;
  outgoing.random_id = action->random_id;
  outgoing.action = action->type;
  outgoing.report = report;
  return schat__out_add(env, slot, &outgoing);
}

int schat__out_noop(schat__env *env, schat__slot *slot, int32_t out_seq, int32_t in_seq, int64_t earliest) {
  schat__item *item;
  schat__outgoing outgoing;
  schat__action action;
  int status = schat__edit(env, slot);
  memset(&outgoing, 0, sizeof outgoing);
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_NOOP;
  if (status == SCHAT_OK) status = schat__random_id(env, slot, &action.random_id);
  if (status == SCHAT_OK) status = encode_action(&env->arena, &action, &outgoing.object);
  if (status != SCHAT_OK) return status;
  outgoing.random_id = action.random_id;
  outgoing.action = SCHAT__ACTION_NOOP;
  status = add_under(env, slot, &outgoing, out_seq, in_seq);
  if (status != SCHAT_OK || earliest == 0) return status;
  item = schat__item_find(slot, SCHAT__OUTBOX, out_seq);
  item->u.out.state = SCHAT__SENT; /* its number was, once: new messages need not wait for it */
  item->u.out.again = 1;
  item->u.out.retry_at = earliest;
  return SCHAT_OK;
}

/* The layer a message states: those after it may state no more, and peers take none that is lower than the one before (D-37). */
static int32_t layer_of(const schat__item *item, const schat__slot *slot) {
  schat__wrapper wrapper;
  int status = schat__wrapper_decode(item->data + 4, schat__load32(item->data), &wrapper);
  return status == SCHAT_OK ? wrapper.layer : slot->chat.stated_layer;
}

/* A peer that has used the new key may have dropped the old one already, gap or not (D-06). */
static int is_outdated(const schat__slot *slot, const schat__item *item) {
  return slot->chat.key_opened > 0 && item->u.out.key_fingerprint != slot->chat.key_fingerprint;
}

/* DeleteMessages of one id, in scratch memory of its own: thousands may be erased in one step. */
static int delete_itself(schat__env *env, schat__slot *slot, schat__item *item, schat__arena *scratch) {
  schat__action action;
  schat_bytes object;
  layout l;
  int64_t own = item->u.out.random_id;
  int status;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_DELETE;
  action.random_id = own;
  action.random_ids = &own;
  action.random_id_count = 1;
  status = encode_action(scratch, &action, &object);
  if (status == SCHAT_OK) status = lay_out(env, slot, layer_of(item, slot), (int32_t)item->key, item->u.out.in_seq, object.size, &l);
  if (status == SCHAT_OK) status = schat__item_replace(env, slot, item, l.padded_size);
  return status == SCHAT_OK ? fill(env, &l, object, item->data) : status;
}

int schat__out_erase(schat__env *env, schat__slot *slot, schat__item *item) {
  schat__arena scratch;
  int status = schat__edit(env, slot);
  if (status != SCHAT_OK || item->u.out.erased) return status;
  schat__arena_init(&scratch, env->mem, 4096);
  status = delete_itself(env, slot, item, &scratch);
  schat__arena_free(&scratch);
  if (status != SCHAT_OK) return status;
  memset(&item->u.out.file, 0, sizeof item->u.out.file);
  item->u.out.method = SCHAT_REQUEST_SEND_SERVICE;
  item->u.out.action = SCHAT__ACTION_DELETE;
  item->u.out.content = 0;
  item->u.out.erased = 1;
  /* Its place may lie before a switch of keys, which the new one must not be seen to come before (D-23). */
  if (is_outdated(slot, item)) item->u.out.key_fingerprint = slot->chat.key_fingerprint;
  if (item->u.out.key_fingerprint == slot->chat.key_fingerprint) slot->chat.key_sealed++;
  return SCHAT_OK;
}

int schat__out_seal(schat__env *env, const schat__slot *slot, const schat__item *item, uint8_t *out) {
  const uint8_t *key = schat__key_of(slot, item->u.out.key_fingerprint);
  if (key == NULL) return SCHAT_E_STATE;
  return schat__envelope_seal(env->crypto, key, item->u.out.key_fingerprint, schat__is_originator(&slot->chat), item->data, item->size,
                              out);
}

/* On their way ---------------------------------------------------------------------------------------------------------------- */

/* What a first send has to follow: that of the message before it, as long as the server has not taken it (R-SEQ-07). */
static uint64_t predecessor(const schat__slot *slot, size_t i) {
  const schat__out *before = i == 0 ? NULL : &schat__item_at(slot, SCHAT__OUTBOX, i - 1)->u.out;
  return before != NULL && before->state == SCHAT__STORED ? before->token : 0;
}

static int emit_send(schat__env *env, schat__slot *slot, schat__item *item, uint64_t after) {
  int status = schat__item_edit(env, slot, item);
  if (status == SCHAT_OK) status = schat__request(env, slot->chat.chat_id, item->u.out.method, item->key, &item->u.out.token);
  if (status != SCHAT_OK) return status;
  if (item->u.out.state == SCHAT__SENT) env->stats.resent++;
  env->last_effect->after = env->policy.flags & SCHAT_POLICY_CHAIN_SENDS ? after : 0;
  item->u.out.retry_at = 0;
  item->u.out.asked = env->account.clock;
  slot->chat.last_send = item->u.out.token;
  return SCHAT_OK;
}

/* Under way, or sent and asked for by nobody. */
static int is_at_rest(const schat__out *out) {
  return out->token != 0 || (out->state == SCHAT__SENT && !out->again);
}

int schat__out_pump(schat__env *env, schat__slot *slot) {
  int chained = (env->policy.flags & SCHAT_POLICY_CHAIN_SENDS) != 0, status, blocked = 0;
  size_t i = schat__item_lower_bound(slot, SCHAT__OUTBOX, slot->chat.pump_from), count = schat__count(slot, SCHAT__OUTBOX);
  if (i == count || slot->chat.state != SCHAT_STATE_READY) return SCHAT_OK;
  status = schat__edit(env, slot);
  for (; status == SCHAT_OK && i < count; i++) {
    schat__item *item = schat__item_at(slot, SCHAT__OUTBOX, i);
    schat__out *out = &item->u.out;
    int due = out->retry_at <= env->account.clock;
    uint64_t after;
    if (is_at_rest(out)) {
      if (!blocked) slot->chat.pump_from = (int32_t)item->key + 1;
      continue;
    }
    if (!due && out->state == SCHAT__STORED) break; /* what follows it may not overtake it (R-SEQ-07) */
    if (!due) {
      blocked = 1;
      continue;
    }
    if (!chained && slot->chat.last_send != 0) break;
    after = out->state == SCHAT__STORED ? predecessor(slot, i) : slot->chat.last_send;
    if (out->state == SCHAT__STORED && out->tries > 0 && after != 0) break; /* what has failed once waits for that answer */
    status = emit_send(env, slot, item, after);
    if (status == SCHAT_OK && !blocked) slot->chat.pump_from = (int32_t)item->key + 1;
  }
  return status;
}

int schat__out_again(schat__env *env, schat__slot *slot, schat__item *item, int64_t retry_at) {
  int status = schat__edit(env, slot);
  if (status == SCHAT_OK) status = schat__item_edit(env, slot, item);
  if (status != SCHAT_OK) return status;
  if (is_outdated(slot, item)) {
    item->u.out.key_fingerprint = slot->chat.key_fingerprint;
    slot->chat.key_sealed++;
  }
  item->u.out.again = item->u.out.state == SCHAT__SENT;
  if (item->u.out.token != 0 && slot->chat.last_send == item->u.out.token) slot->chat.last_send = 0; /* its answer will find nobody */
  item->u.out.token = 0;
  item->u.out.retry_at = retry_at;
  if (slot->chat.pump_from > item->key) slot->chat.pump_from = (int32_t)item->key;
  return SCHAT_OK;
}

static int report_sent(schat__env *env, const schat__slot *slot, const schat__item *item, int32_t date, const schat_encrypted_file *file) {
  schat__event event;
  memset(&event, 0, sizeof event);
  event.type = SCHAT_EVENT_SENT;
  event.chat_id = slot->chat.chat_id;
  event.random_id = item->u.out.random_id;
  event.date = date;
  if (file != NULL) event.file = *file;
  return schat__emit(env, &event);
}

/* The server has a FlushHistory that a discard waits for: two seconds more, so that the peer applies it first (H11b). */
static void flush_is_out(schat__env *env, schat__chat *chat, int64_t key) {
  if (chat->flush_seq == key && chat->discard_at == 0) chat->discard_at = env->account.clock + 2000;
}

static void keep_file(schat__out *out, const schat_encrypted_file *file) {
  if (file == NULL || file->id == 0) return;
  out->file.type = SCHAT_INPUT_FILE_EXISTING; /* a resend names what the server has (F7) */
  out->file.id = file->id;
  out->file.access_hash = file->access_hash;
  out->file.key_fingerprint = file->key_fingerprint;
  out->file.parts = 0;
  out->file.md5_checksum[0] = 0;
}

int schat__out_sent(schat__env *env, schat__slot *slot, schat__item *item, int32_t date, const schat_encrypted_file *file) {
  schat__item *timer = schat__item_find(slot, SCHAT__TIMER, item->u.out.random_id);
  int status = schat__edit(env, slot);
  if (status == SCHAT_OK) status = schat__item_edit(env, slot, item);
  if (status == SCHAT_OK && timer != NULL) status = schat__item_edit(env, slot, timer);
  if (status == SCHAT_OK && item->u.out.report) status = report_sent(env, slot, item, date, file);
  if (status != SCHAT_OK) return status;
  if (timer != NULL && timer->u.timer.outgoing) timer->u.timer.date = date;
  if (slot->chat.last_send == item->u.out.token) slot->chat.last_send = 0;
  item->u.out.state = SCHAT__SENT;
  item->u.out.token = 0;
  item->u.out.again = 0;
  item->u.out.tries = 0;
  item->u.out.report = 0;
  item->u.out.confirmed = env->account.clock;
  keep_file(&item->u.out, file);
  flush_is_out(env, &slot->chat, item->key);
  return item->key < slot->chat.peer_in_seq ? schat__item_remove(env, slot, item) : SCHAT_OK;
}

/* A send the server refuses for good: the number is not lost, its content is (D-08). */
static int give_up(schat__env *env, schat__slot *slot, schat__item *item, int32_t code, const char *text) {
  int status = SCHAT_OK;
  schat__item *timer = schat__item_find(slot, SCHAT__TIMER, item->u.out.random_id);
  if (item->u.out.report) status = report_failed(env, slot, item->u.out.random_id, code, text);
  if (status == SCHAT_OK && timer != NULL) status = schat__item_remove(env, slot, timer);
  if (status == SCHAT_OK) status = schat__out_erase(env, slot, item);
  if (status == SCHAT_OK) status = schat__item_edit(env, slot, item);
  if (status == SCHAT_OK) item->u.out.report = 0;
  return status;
}

int schat__out_failed(schat__env *env, schat__slot *slot, schat__item *item, int error_class, int32_t seconds, int32_t code,
                      const char *text) {
  int64_t pause = schat__pause(item->u.out.tries);
  int status = schat__edit(env, slot);
  if (status != SCHAT_OK) return status;
  if (error_class == SCHAT_ERROR_DONE) return schat__out_sent(env, slot, item, (int32_t)(env->account.wall / 1000), NULL);
  if (error_class == SCHAT_ERROR_CHAT_CLOSED) {
    schat__closing closing;
    memset(&closing, 0, sizeof closing);
    closing.reason = SCHAT_CLOSE_BY_PEER;
    closing.error_code = code;
    closing.error_text.data = (const uint8_t *)text;
    closing.error_text.size = strlen(text);
    return schat__close(env, slot, &closing);
  }
  if (slot->chat.last_send == item->u.out.token) slot->chat.last_send = 0;
  if (error_class == SCHAT_ERROR_MESSAGE && !item->u.out.erased) {
    status = give_up(env, slot, item, code, text);
    pause = 0;
  }
  if (error_class == SCHAT_ERROR_RETRY_AFTER && pause < (int64_t)seconds * 1000) pause = (int64_t)seconds * 1000;
  if (error_class == SCHAT_ERROR_RETRY_UNCHAINED && item->u.out.tries == 0) pause = 0;
  if (status == SCHAT_OK) status = schat__out_again(env, slot, item, pause == 0 ? 0 : env->account.clock + pause);
  if (status == SCHAT_OK && item->u.out.tries < 255) item->u.out.tries++;
  return status;
}

/* Confirmed ------------------------------------------------------------------------------------------------------------------- */

static int emit_delivered(schat__env *env, const schat__slot *slot, const schat__item *item) {
  schat__event event;
  memset(&event, 0, sizeof event);
  event.type = SCHAT_EVENT_DELIVERED;
  event.chat_id = slot->chat.chat_id;
  event.random_id = item->u.out.random_id;
  return schat__emit(env, &event);
}

static int confirm(schat__env *env, schat__slot *slot, schat__item *item, int32_t date) {
  schat__chat *chat = &slot->chat;
  schat__item *timer = schat__item_find(slot, SCHAT__TIMER, item->u.out.random_id);
  int status = SCHAT_OK;
  /* The peer's confirmation may overtake the server's answer (D-38). */
  if (item->u.out.report) status = report_sent(env, slot, item, date, NULL);
  if (status == SCHAT_OK && timer != NULL && timer->u.timer.outgoing && timer->u.timer.date == 0) {
    status = schat__item_edit(env, slot, timer);
    if (status == SCHAT_OK) timer->u.timer.date = date;
  }
  if (status == SCHAT_OK && item->u.out.content) status = emit_delivered(env, slot, item);
  if (status == SCHAT_OK) status = schat__item_remove(env, slot, item);
  if (status != SCHAT_OK) return status;
  if (item->u.out.token != 0 && chat->last_send == item->u.out.token) chat->last_send = 0;
  flush_is_out(env, chat, item->key);
  schat__acked_add(chat, (int32_t)item->key, item->u.out.in_seq, env->policy.keep_acked);
  return SCHAT_OK;
}

int schat__out_acknowledge(schat__env *env, schat__slot *slot, int32_t in_seq, int32_t date) {
  size_t first;
  int status = SCHAT_OK;
  if (in_seq <= slot->chat.peer_in_seq) return SCHAT_OK;
  status = schat__edit(env, slot);
  first = schat__item_lower_bound(slot, SCHAT__OUTBOX, slot->chat.peer_in_seq);
  while (status == SCHAT_OK && first < schat__count(slot, SCHAT__OUTBOX)) {
    schat__item *item = schat__item_at(slot, SCHAT__OUTBOX, first);
    if (item->key >= in_seq) break;
    status = confirm(env, slot, item, date);
  }
  if (status != SCHAT_OK) return status;
  slot->chat.peer_in_seq = in_seq;
  slot->chat.flags &= ~SCHAT_CHAT_PEER_STUCK;
  return SCHAT_OK;
}

int schat__out_rekey(schat__env *env, schat__slot *slot, int64_t old_fingerprint) {
  size_t i;
  int status = SCHAT_OK;
  for (i = 0; status == SCHAT_OK && i < schat__count(slot, SCHAT__OUTBOX); i++) {
    schat__item *item = schat__item_at(slot, SCHAT__OUTBOX, i);
    if (item->u.out.key_fingerprint != old_fingerprint) continue;
    status = schat__item_edit(env, slot, item);
    if (status != SCHAT_OK) break;
    item->u.out.key_fingerprint = slot->chat.key_fingerprint;
    slot->chat.key_sealed++;
  }
  return status;
}
