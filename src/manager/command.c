/* SPDX-License-Identifier: BSL-1.0
 * command.c - what the user does: chats begun and ended, messages sent, read, opened, deleted. */
#include <string.h>

#include "manager.h"

/* A command about one chat ------------------------------------------------------------------------------------------------------- */

typedef struct {
  schat_manager *m;
  schat__env *env;
  schat__slot *slot;
  schat__step step;
} command;

static int begin(schat_manager *m, int32_t chat_id, int64_t now, command *c) {
  int status = schat__step_begin(m, now, &c->step);
  if (status != SCHAT_OK) return status;
  c->m = m;
  c->env = &m->env;
  c->slot = schat__table_find(&m->env.table, chat_id);
  return c->slot == NULL ? schat__step_end(m, &c->step, SCHAT_E_NO_CHAT, NULL) : SCHAT_OK;
}

static int is_open(const command *c) { return c->slot->chat.state == SCHAT_STATE_READY && c->slot->chat.flush_seq < 0; }

/* The same, for what only an open chat can do. */
static int begin_ready(schat_manager *m, int32_t chat_id, int64_t now, command *c) {
  int status = begin(m, chat_id, now, c);
  if (status != SCHAT_OK) return status;
  if (!is_open(c)) return schat__step_end(m, &c->step, SCHAT_E_STATE, NULL);
  status = schat__edit(c->env, c->slot);
  return status == SCHAT_OK ? SCHAT_OK : schat__step_end(m, &c->step, status, NULL);
}

/* For what concerns messages that are still shown: those of a closed chat have clocks, too. */
static int begin_shown(schat_manager *m, int32_t chat_id, int64_t now, command *c) {
  int status = begin(m, chat_id, now, c);
  if (status != SCHAT_OK) return status;
  if (!is_open(c) && c->slot->chat.state != SCHAT_STATE_CLOSED) return schat__step_end(m, &c->step, SCHAT_E_STATE, NULL);
  status = schat__edit(c->env, c->slot);
  return status == SCHAT_OK ? SCHAT_OK : schat__step_end(m, &c->step, status, NULL);
}

static int end(command *c, int status) { return schat__step_end(c->m, &c->step, status, c->slot); }

/* Chats -------------------------------------------------------------------------------------------------------------------------- */

int schat_chat_create(schat_manager *m, int64_t user_id, int64_t now, int32_t *chat_id) {
  schat__step step;
  int32_t id = 0;
  int status;
  if (chat_id == NULL || user_id <= 0) return SCHAT_E_INVALID;
  status = schat__step_begin(m, now, &step);
  if (status != SCHAT_OK) return status;
  status = schat__create(&m->env, user_id, &id);
  status = schat__step_end(m, &step, status, schat__table_find(&m->env.table, id));
  if (status >= 0) *chat_id = id;
  return status;
}

int schat_chat_accept(schat_manager *m, int32_t chat_id, int64_t now) {
  command c;
  int status = begin(m, chat_id, now, &c);
  return status == SCHAT_OK ? end(&c, schat__accept(c.env, c.slot)) : status;
}

int schat_chat_discard(schat_manager *m, int32_t chat_id, uint32_t flags, int64_t now) {
  command c;
  int status = begin(m, chat_id, now, &c);
  if (status != SCHAT_OK) return status;
  status = end(&c, schat__discard(c.env, c.slot, flags));
  return status == SCHAT_CHAT_CLOSED ? SCHAT_OK : status; /* it did what was asked */
}

int schat_discard_all(schat_manager *m, uint32_t flags, int64_t now) {
  schat__step step;
  schat__slot *slot;
  size_t at = 0;
  int status = schat__step_begin(m, now, &step);
  if (status != SCHAT_OK) return status;
  while (status >= 0 && (slot = schat__table_next(&m->env.table, &at)) != NULL) {
    int flushing = slot->chat.flush_seq >= 0 && (flags & SCHAT_DISCARD_FLUSH_FIRST) != 0; /* on its way already */
    if (slot->chat.state != SCHAT_STATE_CLOSED && !flushing) status = schat__discard(&m->env, slot, flags);
    if (status >= 0) status = schat__chat_tend(&m->env, slot);
  }
  return schat__step_end(m, &step, status < 0 ? status : SCHAT_OK, NULL);
}

int schat_chat_forget(schat_manager *m, int32_t chat_id, int64_t now) {
  command c;
  int status = begin(m, chat_id, now, &c);
  if (status != SCHAT_OK) return status;
  if (c.slot->chat.state != SCHAT_STATE_CLOSED || (c.slot->chat.flags & SCHAT_CHAT_DISCARD_PENDING)) return end(&c, SCHAT_E_STATE);
  status = schat__events_forget_chat(c.env, chat_id);
  if (status == SCHAT_OK) status = schat__remove_items(c.env, c.slot, 1);
  if (status == SCHAT_OK) status = schat__slot_remove(c.env, c.slot);
  return schat__step_end(m, &c.step, status, NULL);
}

int schat_chat_report_spam(schat_manager *m, int32_t chat_id, int64_t now) {
  command c;
  uint64_t token;
  int status = begin(m, chat_id, now, &c);
  if (status != SCHAT_OK) return status;
  if (c.slot->chat.access_hash == 0) return end(&c, SCHAT_E_STATE);
  return end(&c, schat__request(c.env, chat_id, SCHAT_REQUEST_REPORT_SPAM, 0, &token));
}

int schat_chat_set_verified(schat_manager *m, int32_t chat_id, int verified, int64_t now) {
  command c;
  int status = begin(m, chat_id, now, &c);
  if (status != SCHAT_OK) return status;
  if (c.slot->chat.state != SCHAT_STATE_READY) return end(&c, SCHAT_E_STATE);
  status = schat__edit(c.env, c.slot);
  if (status != SCHAT_OK) return end(&c, status);
  c.slot->chat.flags = verified ? c.slot->chat.flags | SCHAT_CHAT_VERIFIED : c.slot->chat.flags & ~SCHAT_CHAT_VERIFIED;
  return end(&c, schat__emit_chat(c.env, c.slot));
}

/* Service messages ------------------------------------------------------------------------------------------------------------------ */

static int send_action(command *c, schat__action_type type, int64_t random_id, const int64_t *random_ids, size_t count, int32_t ttl,
                       int report) {
  schat__action action;
  memset(&action, 0, sizeof action);
  action.type = type;
  action.random_id = random_id;
  action.random_ids = random_ids;
  action.random_id_count = count;
  action.ttl = ttl;
  return schat__out_action(c->env, c->slot, &action, report);
}

/* One receipt a message: some peers look at lists of one only (M5). */
static int send_receipts(command *c, const int64_t *random_ids, size_t count) {
  size_t i;
  int status = SCHAT_OK;
  for (i = 0; status == SCHAT_OK && i < count; i++) status = send_action(c, SCHAT__ACTION_READ, 0, &random_ids[i], 1, 0, 0);
  return status;
}

int schat_chat_set_ttl(schat_manager *m, int32_t chat_id, int32_t ttl, int64_t random_id, int64_t now) {
  command c;
  int status;
  if (ttl < 0) return SCHAT_E_INVALID;
  status = begin_ready(m, chat_id, now, &c);
  if (status != SCHAT_OK) return status;
  c.slot->chat.ttl = ttl; /* for messages from now on (R-TTL-04) */
  status = send_action(&c, SCHAT__ACTION_SET_TTL, random_id, NULL, 0, ttl, 1);
  return end(&c, status == SCHAT_OK ? schat__emit_chat(c.env, c.slot) : status);
}

int schat_messages_read(schat_manager *m, int32_t chat_id, int32_t max_date, int64_t now) {
  command c;
  int64_t *started;
  size_t count;
  int status = begin_shown(m, chat_id, now, &c);
  if (status != SCHAT_OK) return status;
  status = schat__timer_read(c.env, c.slot, 0, max_date, &started, &count);
  if (status == SCHAT_OK && is_open(&c)) status = send_receipts(&c, started, count);
  if (status != SCHAT_OK) return end(&c, status);
  if (max_date >= c.slot->chat.last_date) c.slot->chat.unread_count = 0;
  if (max_date <= c.slot->chat.read_inbox_date) return end(&c, count > 0 ? SCHAT_OK : SCHAT_IGNORED);
  c.slot->chat.read_inbox_date = max_date;
  if (!is_open(&c)) return end(&c, SCHAT_OK);
  c.slot->chat.flags |= SCHAT__FLAG_READ_PENDING;
  c.slot->chat.read_token = 0; /* an earlier one still under way says less */
  c.slot->chat.read_retry_at = 0;
  return end(&c, schat__emit_chat(c.env, c.slot));
}

int schat_messages_opened(schat_manager *m, int32_t chat_id, const int64_t *random_ids, size_t count, int64_t now) {
  command c;
  size_t i;
  int status;
  if (count == 0 || random_ids == NULL) return SCHAT_E_INVALID;
  status = begin_shown(m, chat_id, now, &c);
  if (status != SCHAT_OK) return status;
  for (i = 0; status == SCHAT_OK && i < count; i++) status = schat__timer_open(c.env, c.slot, random_ids[i], 0);
  if (status == SCHAT_OK && is_open(&c)) status = send_receipts(&c, random_ids, count);
  return end(&c, status);
}

int schat_messages_closed(schat_manager *m, int32_t chat_id, const int64_t *random_ids, size_t count, int64_t now) {
  command c;
  size_t i;
  int status;
  if (count == 0 || random_ids == NULL) return SCHAT_E_INVALID;
  status = begin_shown(m, chat_id, now, &c);
  if (status != SCHAT_OK) return status;
  for (i = 0; status == SCHAT_OK && i < count; i++) {
    schat__item *timer = schat__item_find(c.slot, SCHAT__TIMER, random_ids[i]);
    if (timer == NULL || timer->u.timer.state != SCHAT__OPEN) continue;
    status = schat__item_edit(c.env, c.slot, timer);
    if (status == SCHAT_OK) timer->u.timer.state = SCHAT__RUNNING; /* its deadline has passed */
  }
  return end(&c, status);
}

int schat_messages_delete(schat_manager *m, int32_t chat_id, const int64_t *random_ids, size_t count, int64_t random_id, int64_t now) {
  command c;
  int status;
  if (count == 0 || random_ids == NULL) return SCHAT_E_INVALID;
  status = begin_ready(m, chat_id, now, &c);
  if (status != SCHAT_OK) return status;
  status = schat__forget_messages(c.env, c.slot, random_ids, count); /* R-SEQ-21, D-09 */
  if (status == SCHAT_OK) status = send_action(&c, SCHAT__ACTION_DELETE, random_id, random_ids, count, 0, random_id != 0);
  return end(&c, status);
}

int schat_history_flush(schat_manager *m, int32_t chat_id, int64_t random_id, int64_t now) {
  command c;
  int status = begin_ready(m, chat_id, now, &c);
  if (status != SCHAT_OK) return status;
  status = schat__forget_all_messages(c.env, c.slot, 1);
  c.slot->chat.unread_count = 0;
  if (status == SCHAT_OK) status = send_action(&c, SCHAT__ACTION_FLUSH, random_id, NULL, 0, 0, random_id != 0);
  return end(&c, status);
}

int schat_screenshot(schat_manager *m, int32_t chat_id, const int64_t *random_ids, size_t count, int64_t random_id, int64_t now) {
  command c;
  int status;
  if (count > 0 && random_ids == NULL) return SCHAT_E_INVALID;
  status = begin_ready(m, chat_id, now, &c);
  if (status != SCHAT_OK) return status;
  return end(&c, send_action(&c, SCHAT__ACTION_SCREENSHOT, random_id, random_ids, count, 0, 1));
}

int schat_typing(schat_manager *m, int32_t chat_id, int typing, int64_t now) {
  command c;
  uint64_t token;
  int status = begin_ready(m, chat_id, now, &c);
  if (status != SCHAT_OK) return status;
  if (c.slot->chat.typing_at != 0 && c.env->account.clock - c.slot->chat.typing_at < 5000) return end(&c, SCHAT_IGNORED); /* D-27 */
  c.slot->chat.typing_at = c.env->account.clock;
  return end(&c, schat__request(c.env, chat_id, SCHAT_REQUEST_SET_TYPING, typing != 0, &token));
}

/* Messages -------------------------------------------------------------------------------------------------------------------------- */

static int has_file(const schat_message *message) {
  return message->media.type >= SCHAT_MEDIA_PHOTO && message->media.type <= SCHAT_MEDIA_ANIMATION;
}

/* A copy with what the library decides: random_id, ttl (R-TTL-02, D-28). */
static int settle(command *c, const schat_message *given, schat_message *message) {
  int status = SCHAT_OK;
  *message = *given;
  if (message->random_id == 0) {
    status = schat__random_id(c->env, c->slot, &message->random_id);
  } else if (schat__random_id_taken(c->slot, message->random_id)) {
    status = SCHAT_E_EXISTS;
  }
  if (message->ttl == SCHAT_TTL_OF_CHAT) message->ttl = c->slot->chat.ttl;
  if (status == SCHAT_OK && message->ttl < 0) status = SCHAT_E_INVALID;
  message->ttl = schat__message_ttl(message);
  return status;
}

#define AROUND_TEXT 256u /* what most messages are beside their text */

/* Into a guess first: a text needs no measuring. SCHAT_E_BUFFER: it needs more. */
static int encode_usual(command *c, const schat_message *message, schat_bytes *object) {
  size_t room = AROUND_TEXT + message->text.size, size = 0;
  uint8_t *out;
  int status;
  if (message->text.size > c->env->policy.max_message_bytes || (out = schat__arena_take(&c->env->arena, room)) == NULL) return SCHAT_E_BUFFER;
  status = schat__message_encode(&c->env->arena, message, c->slot->chat.stated_layer, out, room, &size);
  object->data = out;
  object->size = size;
  return status;
}

static int encode(command *c, const schat_message *message, schat_bytes *object) {
  uint8_t *out;
  size_t size = 0;
  int status = encode_usual(c, message, object);
  if (status != SCHAT_E_BUFFER) return status;
  status = schat__message_encode(&c->env->arena, message, c->slot->chat.stated_layer, NULL, 0, &size);
  if (status != SCHAT_OK) return status;
  out = schat__arena_take(&c->env->arena, size);
  if (out == NULL) return size > c->env->policy.max_message_bytes ? SCHAT_E_TOO_LARGE : SCHAT_E_NOMEM;
  status = schat__message_encode(&c->env->arena, message, c->slot->chat.stated_layer, out, size, &size);
  object->data = out;
  object->size = size;
  return status;
}

static int send_encoded(command *c, const schat_message *message, schat_bytes object, const schat_input_file *file) {
  schat__outgoing outgoing;
  int32_t raw = c->slot->chat.out_seq;
  int status;
  memset(&outgoing, 0, sizeof outgoing);
  outgoing.random_id = message->random_id;
  outgoing.object = object;
  outgoing.method = file != NULL ? SCHAT_REQUEST_SEND_ENCRYPTED_FILE : SCHAT_REQUEST_SEND_ENCRYPTED; /* D-25 */
  outgoing.content = 1;
  outgoing.report = 1;
  outgoing.silent = (message->flags & SCHAT_MESSAGE_SILENT) != 0;
  outgoing.file = file;
  status = schat__out_add(c->env, c->slot, &outgoing);
  if (status != SCHAT_OK || message->ttl <= 0) return status;
  return schat__timer_add(c->env, c->slot, message->random_id, message->ttl, schat__message_starts_on_open(message), 0, raw);
}

static int is_file(const schat_input_file *file) {
  return file->type >= SCHAT_INPUT_FILE_UPLOADED && file->type <= SCHAT_INPUT_FILE_EXISTING;
}

static int check_file(const schat_message *message, const schat_input_file *file) {
  if (file != NULL && !is_file(file)) return SCHAT_E_INVALID;
  return has_file(message) == (file != NULL) ? SCHAT_OK : SCHAT_E_INVALID;
}

int schat_send(schat_manager *m, int32_t chat_id, const schat_message *message, const schat_input_file *file, int64_t now,
               int64_t *random_id) {
  command c;
  schat_message settled;
  schat_bytes object = {NULL, 0};
  int status;
  if (message == NULL) return SCHAT_E_INVALID;
  if (message->size != sizeof *message) return SCHAT_E_ABI;
  status = check_file(message, file);
  if (status == SCHAT_OK) status = begin_ready(m, chat_id, now, &c);
  if (status != SCHAT_OK) return status;
  status = settle(&c, message, &settled);
  if (status == SCHAT_OK) status = encode(&c, &settled, &object);
  if (status == SCHAT_OK) status = send_encoded(&c, &settled, object, file);
  status = end(&c, status);
  if (status >= 0 && random_id != NULL) *random_id = settled.random_id;
  return status;
}

/* Objects the host encoded ------------------------------------------------------------------------------------------------------------ */

/* A service object is one of the commands above. */
static int send_service_object(schat_manager *m, int32_t chat_id, const schat__action *a, int64_t now) {
  switch (a->type) {
    case SCHAT__ACTION_SET_TTL:
      return schat_chat_set_ttl(m, chat_id, a->ttl, a->random_id, now);
    case SCHAT__ACTION_READ:
      return schat_messages_opened(m, chat_id, a->random_ids, a->random_id_count, now);
    case SCHAT__ACTION_DELETE:
      return schat_messages_delete(m, chat_id, a->random_ids, a->random_id_count, a->random_id, now);
    case SCHAT__ACTION_SCREENSHOT:
      return schat_screenshot(m, chat_id, a->random_ids, a->random_id_count, a->random_id, now);
    case SCHAT__ACTION_FLUSH:
      return schat_history_flush(m, chat_id, a->random_id, now);
    case SCHAT__ACTION_TYPING:
      return schat_typing(m, chat_id, a->typing, now);
    case SCHAT__ACTION_NONE:
    case SCHAT__ACTION_RESEND:
    case SCHAT__ACTION_NOTIFY_LAYER:
    case SCHAT__ACTION_REQUEST_KEY:
    case SCHAT__ACTION_ACCEPT_KEY:
    case SCHAT__ACTION_ABORT_KEY:
    case SCHAT__ACTION_COMMIT_KEY:
    case SCHAT__ACTION_NOOP:
      break;
  }
  return SCHAT_E_INVALID; /* the protocol's own messages are not the host's to send */
}

/* Its bytes as they are where every reader of our layer knows them all; otherwise encoded anew. */
static int send_content_object(command *c, const schat_message *message, schat_bytes bytes, const schat_input_file *file) {
  schat__tl_object *object;
  schat_bytes encoded = bytes;
  size_t used;
  int status = schat__tl_decode(&c->env->arena, SCHAT__TYPE_DecryptedMessage, bytes.data, bytes.size, &object, &used);
  if (status != SCHAT_OK) return status;
  if (schat__random_id_taken(c->slot, message->random_id)) return SCHAT_E_EXISTS;
  if (!schat__layer_allows(object, c->slot->chat.stated_layer)) status = encode(c, message, &encoded);
  return status == SCHAT_OK ? send_encoded(c, message, encoded, file) : status;
}

int schat_send_object(schat_manager *m, int32_t chat_id, schat_bytes object, const schat_input_file *file, int64_t now,
                      int64_t *random_id) {
  schat_message message;
  schat__action action;
  schat__arena arena;
  command c;
  int status = schat__enter(m);
  if (status != SCHAT_OK) return status;
  if (object.data == NULL || object.size == 0 || (file != NULL && !is_file(file))) return SCHAT_E_INVALID;
  if (object.size > m->env.policy.max_message_bytes) return SCHAT_E_TOO_LARGE;
  SCHAT_INIT(message);
  schat__arena_init(&arena, m->env.mem, m->env.arena.limit); /* outlives the command it may turn into */
  status = schat__message_decode(&arena, object, &message, &action);
  if (status == SCHAT_OK && action.type == SCHAT__ACTION_NONE && message.random_id == 0) status = SCHAT_E_INVALID;
  if (status == SCHAT_OK && action.type != SCHAT__ACTION_NONE) {
    status = send_service_object(m, chat_id, &action, now);
    if (status >= 0 && random_id != NULL) *random_id = action.random_id;
  } else if (status == SCHAT_OK && (status = begin_ready(m, chat_id, now, &c)) == SCHAT_OK) {
    status = end(&c, send_content_object(&c, &message, object, file));
    if (status >= 0 && random_id != NULL) *random_id = message.random_id;
  }
  schat__arena_free(&arena);
  return status;
}
