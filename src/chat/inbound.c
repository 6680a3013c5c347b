/* SPDX-License-Identifier: BSL-1.0
 * inbound.c - a message of the peer from its bytes to its place in the conversation: opened, checked in the order of X-01, then applied,
 * kept behind a gap, or dropped. */
#include <string.h>

#include "chat.h"

#define EARLY_MESSAGES 100
#define EARLY_BYTES (1u << 20)
#define NOTIFY_WITHIN 300 /* seconds: older messages come from a backlog and ring no bell */

/* A message as it stands after its envelope and wrapper have been read. */
typedef struct {
  const schat_encrypted_message *wire;
  schat__wrapper wrapper;
  int64_t fingerprint;
  int32_t raw, in_raw;
  int mtproto;
} opened;

/* The envelope -------------------------------------------------------------------------------------------------------------- */

/* MTProto 1 is opened until the peer has shown that it knows better (D-01, R-DEC-10). */
static int open_old(schat__env *env, schat__slot *slot, const uint8_t *key, opened *o, uint8_t *work, schat_bytes *object) {
  int status;
  if (slot->chat.flags & SCHAT__FLAG_SEEN_V2) return 0;
  status = schat__envelope_open(env->crypto, key, o->fingerprint, 1, !schat__is_originator(&slot->chat), o->wire->bytes.data,
                                o->wire->bytes.size, work, &object->data, &object->size);
  if (status == 1) o->mtproto = 1;
  return status;
}

static int refuse_old(schat__env *env, schat__slot *slot) {
  int status = schat__edit(env, slot);
  if (status == SCHAT_OK && !(slot->chat.flags & SCHAT__FLAG_SAID_TOO_OLD)) {
    slot->chat.flags |= SCHAT__FLAG_SAID_TOO_OLD;
    status = schat__emit_simple(env, slot, SCHAT_EVENT_PEER_TOO_OLD, 0);
  }
  return status == SCHAT_OK ? schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_MTPROTO1) : status;
}

/* MTProto 2 first, then 1. A verdict. */
static int open_under(schat__env *env, schat__slot *slot, const uint8_t *key, opened *o, schat_bytes *object) {
  const schat_bytes *bytes = &o->wire->bytes;
  int from_originator = !schat__is_originator(&slot->chat), verdict = 0;
  uint8_t *work;
  o->mtproto = 2;
  if (schat__ahead_find(env, o->wire, key, o->fingerprint, from_originator, object, &verdict)) {
    if (verdict == 1 || (slot->chat.flags & SCHAT__FLAG_SEEN_V2)) return verdict; /* open_old would refuse it too */
  }
  work = schat__arena_take(&env->arena, bytes->size - SCHAT__ENVELOPE_HEAD);
  if (work == NULL) return SCHAT_E_NOMEM;
  verdict = schat__envelope_open(env->crypto, key, o->fingerprint, 2, from_originator, bytes->data, bytes->size, work, &object->data,
                                 &object->size);
  return verdict == 0 ? open_old(env, slot, key, o, work, object) : verdict;
}

/* SCHAT_OK with the object, SCHAT_REJECTED, or a failure. */
static int open_envelope(schat__env *env, schat__slot *slot, opened *o, schat_bytes *object) {
  const schat_bytes *bytes = &o->wire->bytes;
  const uint8_t *key;
  int verdict;
  if (bytes->size > env->policy.max_message_bytes) return schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_TOO_LARGE);
  if (bytes->size < SCHAT__MESSAGE_MIN || (bytes->size - SCHAT__ENVELOPE_HEAD) % 16 != 0) {
    return schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_NOT_AUTHENTIC); /* */
  }
  o->fingerprint = schat__envelope_fingerprint(bytes->data);
  key = schat__key_of(slot, o->fingerprint);
  if (key == NULL) return schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_UNKNOWN_KEY);
  verdict = open_under(env, slot, key, o, object);
  if (verdict < 0) return verdict;
  if (verdict == 0) return schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_NOT_AUTHENTIC);
  if (o->mtproto == 1 && (env->policy.flags & SCHAT_POLICY_REFUSE_MTPROTO1)) return refuse_old(env, slot);
  return SCHAT_OK;
}

/* The wrapper --------------------------------------------------------------------------------------------------------------- */

/* The one object that may come without a wrapper: NotifyLayer in its oldest form (R-DEC-11, D-05). It has no place in the order. */
static int unwrapped(schat__env *env, schat__slot *slot, schat_bytes object, int mtproto) {
  schat_message message;
  schat__action action;
  uint32_t id = object.size >= 4 ? schat__load32(object.data) : 0;
  int status;
  if (id != schat__tl_constructor_at(SCHAT__TL_decryptedMessageService8)->id) {
    return schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_MALFORMED);
  }
  status = schat__message_decode(&env->arena, object, &message, &action);
  if (status == SCHAT_E_NOMEM) return status;
  if (status != SCHAT_OK || action.type != SCHAT__ACTION_NOTIFY_LAYER) {
    return schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_MALFORMED);
  }
  status = schat__edit(env, slot);
  if (status != SCHAT_OK) return status;
  if (mtproto == 2) slot->chat.flags |= SCHAT__FLAG_SEEN_V2; /* D-01 */
  return schat__service(env, slot, &action, 0, 0);
}

/* Reads and checks what does not depend on the order of messages. */
static int read_wrapper(schat__env *env, schat__slot *slot, opened *o) {
  int peer_originator = !schat__is_originator(&slot->chat);
  uint32_t out_parity = peer_originator ? 1 : 0;
  if (o->wrapper.random_bytes.size < SCHAT__RANDOM_BYTES_MIN) {
    return schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_RANDOM_BYTES);
  }
  if (o->wrapper.layer < 8) return schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_LAYER);
  if (((uint32_t)o->wrapper.out_seq_no & 1) != out_parity || ((uint32_t)o->wrapper.in_seq_no & 1) == out_parity) {
    return schat__close_for(env, slot, SCHAT_CLOSE_BAD_PARITY); /* R-SEQ-05 */
  }
  /* Exact: the parity has just been checked, and the smallest wire number is even or has its own parity taken off. */
  o->raw = (int32_t)(((int64_t)o->wrapper.out_seq_no - schat__wire_out(0, peer_originator)) / 2);
  o->in_raw = (int32_t)(((int64_t)o->wrapper.in_seq_no - schat__wire_in(0, peer_originator)) / 2);
  return SCHAT_OK;
}

/* Content ------------------------------------------------------------------------------------------------------------------- */

/* One message in its place. */
typedef struct {
  schat_bytes object;
  schat_encrypted_file file;
  int32_t raw, in_raw, date;
  int handled;
} placed;

static int emit_content(schat__env *env, schat__slot *slot, int32_t type, const placed *p, int64_t random_id, int silent) {
  schat__event event;
  memset(&event, 0, sizeof event);
  event.type = type;
  event.chat_id = slot->chat.chat_id;
  event.random_id = random_id;
  event.object = p->object;
  event.file = p->file;
  event.date = p->date;
  event.place = p->in_raw < 0 ? 0 : p->in_raw;
  event.notify = !silent && env->account.wall / 1000 - p->date < NOTIFY_WITHIN;
  return schat__emit(env, &event);
}

/* D-03: its number counts, its bytes go to the application, and the peer is told once what we can read. */
static int unsupported(schat__env *env, schat__slot *slot, const placed *p, int tell_layer) {
  int status = emit_content(env, slot, SCHAT_EVENT_UNSUPPORTED, p, 0, 0);
  if (status == SCHAT_OK && tell_layer && !(slot->chat.flags & SCHAT__FLAG_SAID_UNSUPPORTED)) {
    slot->chat.flags |= SCHAT__FLAG_SAID_UNSUPPORTED;
    status = schat__notify_layer(env, slot);
  }
  return status == SCHAT_OK ? SCHAT_UNSUPPORTED_MESSAGE : status;
}

static int deliver(schat__env *env, schat__slot *slot, const placed *p, const schat_message *message) {
  int32_t ttl = schat__message_ttl(message);
  int status = emit_content(env, slot, SCHAT_EVENT_MESSAGE, p, message->random_id, (message->flags & SCHAT_MESSAGE_SILENT) != 0);
  if (status == SCHAT_OK && ttl > 0) {
    status = schat__timer_add(env, slot, message->random_id, ttl, schat__message_starts_on_open(message), p->date, -1);
  }
  if (status == SCHAT_OK) slot->chat.unread_count++;
  return status;
}

static int content(schat__env *env, schat__slot *slot, const placed *p) {
  schat_message message;
  schat__action action;
  int status;
  status = schat__message_decode(&env->arena, p->object, &message, &action);
  if (status == SCHAT_E_MALFORMED) return unsupported(env, slot, p, 1);
  if (status != SCHAT_OK) return status;
  if (action.type != SCHAT__ACTION_NONE) return schat__service(env, slot, &action, p->date, p->handled);
  if (message.random_id == 0) return unsupported(env, slot, p, 0); /* nothing could ever name it (D-26) */
  return deliver(env, slot, p, &message);
}

/* Order --------------------------------------------------------------------------------------------------------------------- */

static int bad_in_seq_no(schat__env *env, schat__slot *slot) {
  return schat__close_for(env, slot,
                          slot->chat.flags & SCHAT__FLAG_REOPENED ? SCHAT_CLOSE_STORAGE_ROLLED_BACK : SCHAT_CLOSE_BAD_IN_SEQ_NO);
}

/* R-SEQ-17..19. *in_raw is repaired where the policy tolerates it. */
static int check_in_seq_no(schat__env *env, schat__slot *slot, int32_t *in_raw) {
  if (*in_raw > slot->chat.out_seq) return bad_in_seq_no(env, slot); /* X-15 when our storage went back */
  if (*in_raw >= slot->chat.peer_in_seq) return SCHAT_OK;
  if (!(env->policy.flags & SCHAT_POLICY_TOLERATE_IN_SEQ_NO)) return schat__close_for(env, slot, SCHAT_CLOSE_BAD_IN_SEQ_NO);
  *in_raw = slot->chat.peer_in_seq;
  return schat__emit_simple(env, slot, SCHAT_EVENT_IN_SEQ_NO_REPAIRED, *in_raw);
}

/* The message with the number we wait for. */
static int apply(schat__env *env, schat__slot *slot, placed *p) {
  schat__chat *chat = &slot->chat;
  int status = schat__edit(env, slot);
  if (status != SCHAT_OK) return status;
  if (p->raw >= SCHAT__SEQ_MAX) return schat__close_for(env, slot, SCHAT_CLOSE_COUNTER_EXHAUSTED); /* R-SEQ-23 */
  status = check_in_seq_no(env, slot, &p->in_raw);
  if (status != SCHAT_OK) return status;
  status = schat__out_acknowledge(env, slot, p->in_raw, p->date);
  if (status != SCHAT_OK) return status;
  chat->in_seq = p->raw + 1;
  if (chat->in_highest < p->raw) chat->in_highest = p->raw;
  if (chat->last_date < p->date) chat->last_date = p->date;
  chat->flags &= ~SCHAT__FLAG_REOPENED;
  schat__gap_progress(env, slot);
  env->stats.applied++;
  return content(env, slot, p);
}

static int goes_on(int status) { return status == SCHAT_OK || status == SCHAT_UNSUPPORTED_MESSAGE; }

/* First the missing ones in order, then what waited (R-SEQ-12). */
static int drain(schat__env *env, schat__slot *slot) {
  int status = SCHAT_OK;
  while (goes_on(status) && schat__count(slot, SCHAT__WAITING) > 0) {
    schat__item *item = schat__item_at(slot, SCHAT__WAITING, 0);
    placed p;
    if (item->key != slot->chat.in_seq) break;
    schat__arena_reset(&env->arena); /* one message at a time: nothing of the one before is needed any more */
    p.object.data = item->data;
    p.object.size = item->size;
    p.file = item->u.held.file;
    p.raw = (int32_t)item->key;
    p.in_raw = item->u.held.in_seq;
    p.date = item->u.held.date;
    p.handled = item->u.held.handled;
    status = schat__item_remove(env, slot, item); /* its memory stays until the commit */
    if (status == SCHAT_OK) status = apply(env, slot, &p);
  }
  return status;
}

static int queue_is_full(const schat__env *env, const schat__slot *slot, size_t size) {
  size_t i, bytes = size, count = schat__count(slot, SCHAT__WAITING);
  if (count >= env->policy.max_waiting_messages) return 1;
  for (i = 0; i < count; i++) bytes += schat__item_at(slot, SCHAT__WAITING, i)->size;
  return bytes > env->policy.max_waiting_bytes;
}

/* R-SEQ-15: a Resend is answered when it comes, wherever it stands. */
static int answer_at_once(schat__env *env, schat__slot *slot, schat__item *item) {
  schat_message message;
  schat__action action;
  schat_bytes object = {item->data, item->size};
  int status;
  status = schat__message_decode(&env->arena, object, &message, &action);
  if (status == SCHAT_E_MALFORMED) return SCHAT_OK; /* its turn will come */
  if (status != SCHAT_OK || action.type != SCHAT__ACTION_RESEND) return status;
  item->u.held.handled = 1;
  return schat__resend_answer(env, slot, action.start, action.end);
}

/* Behind a gap (R-SEQ-09..11). */
static int keep_waiting(schat__env *env, schat__slot *slot, const opened *o) {
  schat__item *item;
  int status;
  if (queue_is_full(env, slot, o->wrapper.message.size)) return schat__close_for(env, slot, SCHAT_CLOSE_QUEUE_OVERFLOW);
  status = schat__item_new(env, slot, SCHAT__WAITING, o->raw, o->wrapper.message.size, &item);
  if (status != SCHAT_OK) return status;
  if (item->size > 0) memcpy(item->data, o->wrapper.message.data, item->size); /* nothing at all counts too (D-03) */
  item->u.held.file = o->wire->file;
  item->u.held.date = o->wire->date;
  item->u.held.in_seq = o->in_raw;
  item->u.held.service = o->wire->service != 0;
  if (slot->chat.in_highest < o->raw) slot->chat.in_highest = o->raw;
  status = answer_at_once(env, slot, item);
  return status == SCHAT_OK ? SCHAT_WAITING : status;
}

static int place(schat__env *env, schat__slot *slot, const opened *o) {
  placed p;
  int status;
  if (o->in_raw > slot->chat.out_seq) return bad_in_seq_no(env, slot); /* R-SEQ-18 holds wherever it stands */
  if (o->raw > slot->chat.in_seq) return keep_waiting(env, slot, o);
  p.object = o->wrapper.message;
  p.file = o->wire->file;
  p.raw = o->raw;
  p.in_raw = o->in_raw;
  p.date = o->wire->date;
  p.handled = 0;
  status = apply(env, slot, &p);
  if (goes_on(status) && slot->chat.state == SCHAT_STATE_READY) {
    int drained = drain(env, slot);
    if (drained != SCHAT_OK) status = drained;
  }
  return status;
}

static int is_known(const schat__slot *slot, const opened *o) {
  return o->raw < slot->chat.in_seq || schat__item_find(slot, SCHAT__WAITING, o->raw) != NULL;
}

/* DeleteMessages of itself stands where a message stood that the peer has deleted since, and was sealed when that happened: under the new key
 * perhaps, while what stands behind it still comes under the old one (S15). */
static int is_sealed_later(const schat_bytes *message) {
  const uint8_t *p = message->data; /* constructor, random_id, action, vector, count, random_id */
  return message->size == 32 && schat__load32(p) == schat__tl_constructor_at(SCHAT__TL_decryptedMessageService)->id &&
         schat__load32(p + 12) == schat__tl_constructor_at(SCHAT__TL_decryptedMessageActionDeleteMessages)->id &&
         schat__load32(p + 20) == 1 && schat__load64(p + 4) == schat__load64(p + 24);
}

/* An authentic message that is not a repeat: what it proves, whatever it says. */
static int take_note(schat__env *env, schat__slot *slot, const opened *o) {
  schat__chat *chat = &slot->chat;
  int status = schat__edit(env, slot);
  if (status == SCHAT_OK) status = schat__rekey_evidence(env, slot, o->fingerprint, o->raw, o->in_raw, is_sealed_later(&o->wrapper.message));
  if (status == SCHAT_OK) status = schat__layer_seen(env, slot, o->wrapper.layer);
  if (status != SCHAT_OK) return status;
  if (o->fingerprint == chat->key_fingerprint) chat->key_opened++;
  if (o->mtproto == 2 || o->wrapper.layer >= SCHAT_LAYER_DEFAULT) chat->flags |= SCHAT__FLAG_SEEN_V2;
  chat->peer_heard = env->account.clock;
  return SCHAT_OK;
}

static int take(schat__env *env, schat__slot *slot, const schat_encrypted_message *wire) {
  opened o;
  schat_bytes object = {NULL, 0};
  int status;
  memset(&o, 0, sizeof o);
  o.wire = wire;
  status = open_envelope(env, slot, &o, &object);
  if (status != SCHAT_OK) return status;
  if (slot->chat.state == SCHAT_STATE_ACCEPTING) {
    status = schat__accepted(env, slot);
    if (status != SCHAT_OK) return status;
  }
  if (schat__wrapper_decode(object.data, object.size, &o.wrapper) != SCHAT_OK) return unwrapped(env, slot, object, o.mtproto);
  status = read_wrapper(env, slot, &o);
  if (status != SCHAT_OK) return status;
  if (is_known(slot, &o)) {
    env->stats.duplicates++;
    return SCHAT_DUPLICATE; /* R-SEQ-08: the content is not looked at */
  }
  status = take_note(env, slot, &o);
  return status == SCHAT_OK ? place(env, slot, &o) : status;
}

/* Early ----------------------------------------------------------------------------------------------------------------------- */

/* encryptedChat carries no place in the queue and may be lost or late, so messages can come before the key is known: they are kept as
 * they are, within bounds, until it is. */
static int keep_early(schat__env *env, schat__slot *slot, const schat_encrypted_message *wire) {
  size_t i, count = schat__count(slot, SCHAT__EARLY), bytes = wire->bytes.size;
  int64_t key = count == 0 ? 0 : schat__item_at(slot, SCHAT__EARLY, count - 1)->key + 1;
  schat__item *item;
  int status;
  for (i = 0; i < count; i++) {
    const schat__item *kept = schat__item_at(slot, SCHAT__EARLY, i);
    bytes += kept->size;
    if (kept->size == wire->bytes.size && memcmp(kept->data, wire->bytes.data, kept->size) == 0) return SCHAT_DUPLICATE;
  }
  if (wire->bytes.size < SCHAT__MESSAGE_MIN) return schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_NOT_AUTHENTIC);
  if (count >= EARLY_MESSAGES || bytes > EARLY_BYTES) return schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_LIMIT);
  status = schat__item_new(env, slot, SCHAT__EARLY, key, wire->bytes.size, &item);
  if (status != SCHAT_OK) return status;
  memcpy(item->data, wire->bytes.data, wire->bytes.size);
  item->u.held.file = wire->file;
  item->u.held.date = wire->date;
  item->u.held.service = wire->service != 0;
  return SCHAT_WAITING;
}

int schat__in_early(schat__env *env, schat__slot *slot) {
  int status = SCHAT_OK;
  while (status >= 0 && slot->chat.state == SCHAT_STATE_READY && schat__count(slot, SCHAT__EARLY) > 0) {
    schat__item *item = schat__item_at(slot, SCHAT__EARLY, 0);
    schat_encrypted_message wire;
    SCHAT_INIT(wire);
    wire.chat_id = slot->chat.chat_id;
    wire.date = item->u.held.date;
    wire.file = item->u.held.file;
    wire.service = item->u.held.service;
    wire.bytes.data = item->data;
    wire.bytes.size = item->size;
    status = schat__item_remove(env, slot, item);
    if (status == SCHAT_OK) status = take(env, slot, &wire);
  }
  return status < 0 || status == SCHAT_CHAT_CLOSED ? status : SCHAT_OK;
}

int schat__in_message(schat__env *env, schat__slot *slot, const schat_encrypted_message *message) {
  env->stats.received++;
  switch ((schat_state)slot->chat.state) {
    case SCHAT_STATE_READY:
    case SCHAT_STATE_ACCEPTING:
      return take(env, slot, message);
    case SCHAT_STATE_REQUESTING:
    case SCHAT_STATE_WAITING_PEER:
      return keep_early(env, slot, message);
    case SCHAT_STATE_INVITED:
      return schat__emit_rejected(env, slot->chat.chat_id, SCHAT_REJECT_STATE);
    case SCHAT_STATE_NONE:
    case SCHAT_STATE_CLOSED:
      break;
  }
  return SCHAT_IGNORED; /* messages on their way when a chat ends are no news */
}
