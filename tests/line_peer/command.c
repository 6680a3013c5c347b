/* SPDX-License-Identifier: BSL-1.0
 * command.c - reads a command, calls the library, and prints every effect of the call. */
#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"
#include "text.h"

#define COMMAND_BAD INT32_MIN /* not a status: the line is not lawful */

/* Commands ------------------------------------------------------------------------------------------------------------------ */

static int run_create(peer *p, char *rest) {
  int64_t user_id, access_hash;
  if (!text_int64(text_word(&rest), &user_id) || !text_int64(text_word(&rest), &access_hash)) return COMMAND_BAD;
  int32_t chat_id = 0;
  int status = schat_chat_create(p->manager, user_id, p->now, &chat_id);
  if (status < 0) return status;
  p->user_access_hash = access_hash;
  p->chat_id = chat_id;
  return status;
}

/* An EncryptedChat, or the updateEncryption around it. */
static int run_update_chat(peer *p, char *rest) {
  schat_bytes tl;
  schat_update update;
  if (!text_hex(text_word(&rest), &tl)) return COMMAND_BAD;
  SCHAT_INIT(update);
  SCHAT_INIT(update.chat);
  int status = schat_api_decode_chat(tl, &update.chat);
  if (status == SCHAT_E_MALFORMED) {
    status = schat_api_decode_update(tl, &update);
    if (status == SCHAT_OK && update.type != SCHAT_UPDATE_CHAT) return SCHAT_E_MALFORMED;
  }
  if (status != SCHAT_OK) return status;
  return schat_input_chat(p->manager, &update.chat, p->now);
}

static int run_inbound(peer *p, char *rest) {
  schat_encrypted_message message;
  schat_bytes file;
  SCHAT_INIT(message);
  if (!text_int32(text_word(&rest), &message.date) || !text_hex(text_word(&rest), &message.bytes)) return COMMAND_BAD;
  char *word = text_word(&rest);
  if (word != NULL) {
    if (!text_hex(word, &file)) return COMMAND_BAD;
    int status = schat_api_decode_file(file, &message.file);
    if (status != SCHAT_OK) return status;
  }
  message.chat_id = p->chat_id;
  return schat_input_message(p->manager, &message, 0, p->now);
}

static int run_result(peer *p, char *rest) {
  uint64_t qid;
  int32_t type;
  schat_bytes tl;
  schat_answer answer;
  if (!text_uint64(text_word(&rest), &qid) || !text_hex(text_word(&rest), &tl)) return COMMAND_BAD;
  if (!peer_find_query(p, qid, &type)) return SCHAT_IGNORED;
  SCHAT_INIT(answer);
  int status = schat_api_decode_answer(type, tl, &answer);
  if (status != SCHAT_OK) return status;
  return schat_request_done(p->manager, peer_token(p, qid), &answer, p->now);
}

static int run_error(peer *p, char *rest) {
  uint64_t qid;
  int32_t code;
  if (!text_uint64(text_word(&rest), &qid) || !text_int32(text_word(&rest), &code)) return COMMAND_BAD;
  return schat_request_failed(p->manager, peer_token(p, qid), code, rest, p->now);
}

static int run_send_text(peer *p, char *rest) {
  schat_message message;
  schat_message_init(&message);
  if (!text_int64(text_word(&rest), &message.random_id) || !text_int32(text_word(&rest), &message.ttl)) return COMMAND_BAD;
  char *word = text_word(&rest);
  if (word != NULL && !text_hex(word, &message.text)) return COMMAND_BAD;
  return schat_send(p->manager, p->chat_id, &message, NULL, p->now, NULL);
}

static int run_send_raw(peer *p, char *rest) {
  schat_bytes object;
  if (!text_hex(text_word(&rest), &object)) return COMMAND_BAD;
  return schat_send_object(p->manager, p->chat_id, object, NULL, p->now, NULL);
}

static int run_open(peer *p, char *rest) {
  int64_t random_id;
  if (!text_int64(text_word(&rest), &random_id)) return COMMAND_BAD;
  return schat_messages_opened(p->manager, p->chat_id, &random_id, 1, p->now);
}

static int run_delete(peer *p, char *rest) {
  int64_t *ids = NULL;
  size_t count = 0;
  char *word;
  while ((word = text_word(&rest)) != NULL) {
    ids = text_grow(ids, (count + 1) * sizeof *ids);
    if (!text_int64(word, &ids[count])) break;
    count++;
  }
  int status = word != NULL || count == 0 ? COMMAND_BAD : schat_messages_delete(p->manager, p->chat_id, ids, count, 0, p->now);
  free(ids);
  return status;
}

static int run_flush_history(peer *p, char *rest) {
  (void)rest;
  return schat_history_flush(p->manager, p->chat_id, 0, p->now);
}

static int run_screenshot(peer *p, char *rest) {
  (void)rest;
  return schat_screenshot(p->manager, p->chat_id, NULL, 0, 0, p->now);
}

static int run_set_ttl(peer *p, char *rest) {
  int32_t ttl;
  int64_t random_id;
  if (!text_int32(text_word(&rest), &ttl) || !text_int64(text_word(&rest), &random_id)) return COMMAND_BAD;
  return schat_chat_set_ttl(p->manager, p->chat_id, ttl, random_id, p->now);
}

static int run_read_history(peer *p, char *rest) {
  int32_t date;
  if (!text_int32(text_word(&rest), &date)) return COMMAND_BAD;
  return schat_messages_read(p->manager, p->chat_id, date, p->now);
}

static int run_close(peer *p, char *rest) {
  int32_t history;
  if (!text_int32(text_word(&rest), &history) || history < 0 || history > 1) return COMMAND_BAD;
  return schat_chat_discard(p->manager, p->chat_id, history ? SCHAT_DISCARD_HISTORY : 0, p->now);
}

static int run_accept(peer *p, char *rest) {
  (void)rest;
  return schat_chat_accept(p->manager, p->chat_id, p->now);
}

static int run_tick(peer *p, char *rest) {
  int64_t passed;
  if (!text_int64(text_word(&rest), &passed) || passed < 0 || passed > PEER_TIME_MAX - p->now) return COMMAND_BAD;
  p->now += passed;
  return schat_tick(p->manager, p->now);
}

static int run_restart(peer *p, char *rest) {
  (void)rest;
  return peer_restart(p);
}

/* Effects ------------------------------------------------------------------------------------------------------------------- */

/* What the peer itself remembers of an event. 1 when an invitation is to be accepted. */
static int follow(peer *p, const schat_event *event) {
  if (event->type == SCHAT_EVENT_INVITED) p->chat_id = event->chat_id;
  if (event->type == SCHAT_EVENT_CHAT_MOVED && event->old_chat_id == p->chat_id) p->chat_id = event->chat_id;
  return event->type == SCHAT_EVENT_INVITED && p->accept_at_once;
}

/* Events of a chat that a newer one has replaced would be taken for that one's. */
static int is_shown(peer *p, const schat_event *event) {
  if (event->id != 0 && !peer_note_event(p, event->id) && event->repeated) return 0;
  return event->chat_id == 0 || event->chat_id == p->chat_id || event->type == SCHAT_EVENT_REJECTED;
}

static void accept_invitation(peer *p, int32_t chat_id) {
  print_status(p, schat_chat_accept(p->manager, chat_id, p->now));
}

static int hand_over_one(peer *p) {
  schat_effect effect;
  int32_t accepted = 0;
  SCHAT_INIT(effect);
  int status = schat_peek(p->manager, &effect);
  if (status != SCHAT_OK) return status;
  if (effect.request != NULL) print_request(p, effect.request);
  if (effect.event != NULL) {
    if (follow(p, effect.event)) accepted = effect.event->chat_id;
    if (is_shown(p, effect.event)) print_event(p, effect.event);
  }
  status = schat_pop(p->manager);
  if (accepted != 0) accept_invitation(p, accepted);
  return status;
}

static void hand_over(peer *p) {
  int status = SCHAT_OK;
  while (p->manager != NULL && status == SCHAT_OK) status = hand_over_one(p);
  if (status != SCHAT_EMPTY) print_status(p, status);
  print_owed_reason(p);
}

/* Lines --------------------------------------------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  int (*run)(peer *p, char *rest);
} commands[] = {
    {"create", run_create},
    {"update_chat", run_update_chat},
    {"inbound", run_inbound},
    {"result", run_result},
    {"error", run_error},
    {"send_text", run_send_text},
    {"send_raw", run_send_raw},
    {"open", run_open},
    {"delete", run_delete},
    {"flush_history", run_flush_history},
    {"screenshot", run_screenshot},
    {"set_ttl", run_set_ttl},
    {"read_history", run_read_history},
    {"close", run_close},
    {"accept", run_accept},
    {"tick", run_tick},
    {"restart", run_restart},
};

static int run(peer *p, const char *name, char *rest) {
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    if (strcmp(commands[i].name, name) != 0) continue;
    if (p->manager == NULL && commands[i].run != run_restart) return SCHAT_E_STORE;
    return commands[i].run(p, rest);
  }
  return COMMAND_BAD;
}

static void print_bad(const char *name) {
  size_t length = strlen(name);
  printf("log bad command ");
  text_put_plain(name, length < 40 ? length : 40);
  putchar('\n');
}

int command_run(peer *p, char *line) {
  char *rest = line, *name = text_word(&rest);
  if (name == NULL) name = rest;
  if (strcmp(name, "quit") == 0) return 0;
  int status = run(p, name, rest);
  if (status == COMMAND_BAD) {
    print_bad(name);
  } else {
    print_status(p, status);
  }
  hand_over(p);
  peer_tidy(p);
  return 1;
}
