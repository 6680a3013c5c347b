/* SPDX-License-Identifier: BSL-1.0
 * corpus.c - copies inputs, and writes them as the server would. */
#include "corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *memory) {
  if (memory != NULL) return memory;
  fputs("failed: memory\n", stderr);
  exit(1);
}

static schat_bytes keep(schat_bytes from) {
  schat_bytes copy = {NULL, from.size};
  uint8_t *data = must(malloc(from.size + 1));
  if (from.size > 0) memcpy(data, from.data, from.size);
  copy.data = data;
  return copy;
}

static void forget(schat_bytes bytes) {
  union {
    const uint8_t *kept;
    void *memory;
  } u;
  u.kept = bytes.data;
  free(u.memory);
}

/* Room for one more; lists grow by doubling. */
static void *grown(void *list, size_t count, size_t size) {
  if (count != 0 && (count & (count - 1)) != 0) return list;
  return must(realloc(list, (count == 0 ? 1 : 2 * count) * size));
}

/* Typed --------------------------------------------------------------------------------------------------------------------- */

static void add_message(corpus *c, const schat_encrypted_message *message, int32_t qts) {
  c->messages = grown(c->messages, c->message_count, sizeof *c->messages);
  corpus_message *added = &c->messages[c->message_count++];
  added->message = *message;
  added->message.bytes = keep(message->bytes);
  added->qts = qts;
}

static void add_chat(corpus *c, const schat_chat_update *chat) {
  c->chats = grown(c->chats, c->chat_count, sizeof *c->chats);
  schat_chat_update *added = &c->chats[c->chat_count++];
  *added = *chat;
  added->g_a = keep(chat->g_a);
}

static void add_answer(corpus *c, const relay_item *item) {
  c->answers = grown(c->answers, c->answer_count, sizeof *c->answers);
  corpus_answer *added = &c->answers[c->answer_count++];
  added->token = item->token;
  added->type = item->request_type;
  added->answer = item->answer;
  added->answer.p = keep(item->answer.p);
  added->answer.random = keep(item->answer.random);
  added->answer.chat.g_a = keep(item->answer.chat.g_a);
}

void corpus_add(void *user_data, const relay_item *item) {
  corpus *c = user_data;
  if (item->kind == RELAY_MESSAGE) add_message(c, &item->message, item->qts);
  if (item->kind == RELAY_CHAT) add_chat(c, &item->chat);
  if (item->kind == RELAY_ANSWER) add_answer(c, item);
  if (item->kind == RELAY_ANSWER && item->answer.type == SCHAT_ANSWER_CHAT) add_chat(c, &item->answer.chat);
  if (item->kind != RELAY_DIFFERENCE) return;
  for (size_t i = 0; i < item->difference.message_count; i++) add_message(c, &item->difference.messages[i], 0);
  for (size_t i = 0; i < item->difference.chat_count; i++) add_chat(c, &item->difference.chats[i]);
}

/* TL ------------------------------------------------------------------------------------------------------------------------ */

typedef struct {
  uint8_t *at;
  size_t size, capacity;
} writer;

static void put(writer *w, const void *data, size_t size) {
  while (w->capacity - w->size < size) {
    w->capacity = w->capacity == 0 ? 4096 : 2 * w->capacity;
    w->at = must(realloc(w->at, w->capacity));
  }
  if (size > 0) memcpy(w->at + w->size, data, size);
  w->size += size;
}

static void put_little(writer *w, uint64_t value, size_t size) {
  uint8_t bytes[8];
  for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(value >> 8 * i);
  put(w, bytes, size);
}

static void put32(writer *w, uint32_t value) {
  put_little(w, value, 4);
}
static void put_int(writer *w, int32_t value) {
  put32(w, (uint32_t)value);
}
static void put_long(writer *w, int64_t value) {
  put_little(w, (uint64_t)value, 8);
}

static void put_bytes(writer *w, schat_bytes bytes) {
  if (bytes.size < 254) {
    put_little(w, bytes.size, 1);
  } else {
    put_little(w, 254, 1);
    put_little(w, bytes.size, 3);
  }
  put(w, bytes.data, bytes.size);
  while (w->size % 4 != 0) put_little(w, 0, 1);
}

static void put_file(writer *w, const schat_encrypted_file *file) {
  if (file->id == 0) {
    put32(w, 0xc21f497e);
    return;
  }
  put32(w, 0xa8008cd8);
  put_long(w, file->id);
  put_long(w, file->access_hash);
  put_long(w, file->size);
  put_int(w, file->dc_id);
  put_int(w, file->key_fingerprint);
}

static void put_message(writer *w, const schat_encrypted_message *message) {
  put32(w, message->service ? 0x23734b06 : 0xed18c118);
  put_long(w, message->random_id);
  put_int(w, message->chat_id);
  put_int(w, message->date);
  put_bytes(w, message->bytes);
  if (!message->service) put_file(w, &message->file);
}

static void put_discarded(writer *w, const schat_chat_update *chat) {
  put32(w, 0x1e1c7c45);
  put32(w, chat->history_deleted ? 1 : 0);
  put_int(w, chat->chat_id);
}

static void put_chat(writer *w, const schat_chat_update *chat) {
  if (chat->type == SCHAT_CHAT_UPDATE_DISCARDED) {
    put_discarded(w, chat);
    return;
  }
  put32(w, chat->type == SCHAT_CHAT_UPDATE_REQUESTED ? 0x48f1d94c : chat->type == SCHAT_CHAT_UPDATE_WAITING ? 0x66b25953 : 0x61f0d4c7);
  if (chat->type == SCHAT_CHAT_UPDATE_REQUESTED) put32(w, 0);
  put_int(w, chat->chat_id);
  put_long(w, chat->access_hash);
  put_int(w, chat->date);
  put_long(w, chat->admin_id);
  put_long(w, chat->participant_id);
  if (chat->type != SCHAT_CHAT_UPDATE_WAITING) put_bytes(w, chat->g_a);
  if (chat->type == SCHAT_CHAT_UPDATE_CHAT) put_long(w, chat->key_fingerprint);
}

static void put_answer(writer *w, const schat_answer *answer) {
  switch ((schat_answer_type)answer->type) {
    case SCHAT_ANSWER_DH_CONFIG:
      put32(w, 0x2c221edd);
      put_int(w, answer->g);
      put_bytes(w, answer->p);
      put_int(w, answer->version);
      put_bytes(w, answer->random);
      break;
    case SCHAT_ANSWER_DH_NOT_MODIFIED:
      put32(w, 0xc0e24635);
      put_bytes(w, answer->random);
      break;
    case SCHAT_ANSWER_CHAT:
      put_chat(w, &answer->chat);
      break;
    case SCHAT_ANSWER_SENT:
      put32(w, 0x560f8935);
      put_int(w, answer->date);
      break;
    case SCHAT_ANSWER_SENT_FILE:
      put32(w, 0x9493ff32);
      put_int(w, answer->date);
      put_file(w, &answer->file);
      break;
    case SCHAT_ANSWER_DONE:
      put32(w, 0x997275b5);
      break;
  }
}

static void put_state(writer *w, int32_t qts) {
  put32(w, 0xa56c2a3e);
  put_int(w, 1);
  put_int(w, qts);
  put_int(w, 1800000000);
  put_int(w, 0);
  put_int(w, 0);
}

static void put_empty_vector(writer *w) {
  put32(w, 0x1cb5c415);
  put_int(w, 0);
}

static void put_difference(writer *w, const corpus *c, uint32_t id) {
  size_t messages = c->message_count < 4 ? c->message_count : 4;
  put32(w, id);
  put_empty_vector(w);
  put32(w, 0x1cb5c415);
  put_int(w, (int32_t)messages);
  for (size_t i = 0; i < messages; i++) put_message(w, &c->messages[i].message);
  put32(w, 0x1cb5c415);
  put_int(w, 1);
  put32(w, 0xb4a2e88d);
  put_chat(w, &c->chats[0]);
  put_int(w, 1800000000);
  put_empty_vector(w);
  put_empty_vector(w);
  put_state(w, 0);
}

/* What was written becomes one piece of the corpus. */
static void finish(corpus *c, writer *w) {
  schat_bytes written = {w->at, w->size};
  c->tl = grown(c->tl, c->tl_count, sizeof *c->tl);
  c->tl[c->tl_count++] = keep(written);
  w->size = 0;
}

static void write_updates(corpus *c, writer *w) {
  for (size_t i = 0; i < c->message_count; i++) {
    put32(w, 0x12bcbd9a);
    put_message(w, &c->messages[i].message);
    put_int(w, c->messages[i].qts);
    finish(c, w);
  }
  for (size_t i = 0; i < c->chat_count; i++) {
    put32(w, 0xb4a2e88d);
    put_chat(w, &c->chats[i]);
    put_int(w, c->chats[i].date);
    finish(c, w);
  }
  for (size_t i = 0; i < c->chat_count; i++) {
    put32(w, 0x38fe25b7);
    put_int(w, c->chats[i].chat_id);
    put_int(w, 5);
    put_int(w, 1800000000);
    finish(c, w);
    put32(w, 0x1710f156);
    put_int(w, c->chats[i].chat_id);
    finish(c, w);
  }
}

static void write_rest(corpus *c, writer *w) {
  put_difference(w, c, 0x00f49ca0);
  finish(c, w);
  put_difference(w, c, 0xa8fb1981);
  finish(c, w);
  put32(w, 0x5d75a138);
  put_long(w, 0);
  finish(c, w);
  put32(w, 0x4afe8f6d);
  put_int(w, 1);
  finish(c, w);
  put_state(w, 1);
  finish(c, w);
  put32(w, 0x1cb5c415);
  put_int(w, 1);
  put_long(w, 1);
  finish(c, w);
}

void corpus_write_tl(corpus *c) {
  writer w = {NULL, 0, 0};
  write_updates(c, &w);
  for (size_t i = 0; i < c->answer_count; i++) {
    put_answer(&w, &c->answers[i].answer);
    finish(c, &w);
  }
  write_rest(c, &w);
  free(w.at);
}

void corpus_free(corpus *c) {
  for (size_t i = 0; i < c->message_count; i++) forget(c->messages[i].message.bytes);
  for (size_t i = 0; i < c->chat_count; i++) forget(c->chats[i].g_a);
  for (size_t i = 0; i < c->answer_count; i++) {
    forget(c->answers[i].answer.p);
    forget(c->answers[i].answer.random);
    forget(c->answers[i].answer.chat.g_a);
  }
  for (size_t i = 0; i < c->tl_count; i++) forget(c->tl[i]);
  free(c->messages);
  free(c->chats);
  free(c->answers);
  free(c->tl);
}
