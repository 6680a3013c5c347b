/* SPDX-License-Identifier: BSL-1.0
 * commands.c - a host that calls everything with anything; see ops.h. */
#include <string.h>

#include "ops.h"

#define IDS_MAX 6u

typedef struct {
  int32_t chat_id;
  int64_t ids[IDS_MAX];
  size_t count;
} target;

static target take_target(const bench *b, fuzz_input *in) {
  target t;
  memset(&t, 0, sizeof t);
  t.chat_id = op_chat_id(b, in);
  t.count = fuzz_below(in, IDS_MAX + 1);
  for (size_t i = 0; i < t.count; i++) t.ids[i] = op_random_id(b, t.chat_id, in);
  return t;
}

/* Messages ------------------------------------------------------------------------------------------------------------------ */

static void fill_media(schat_media *media, fuzz_input *in) {
  static const uint8_t secret[32] = {1, 2, 3};
  const unsigned how = fuzz_take8(in);
  media->type = how < 240 ? (int32_t)(how % 15) : fuzz_int(in);
  media->size = fuzz_long(in);
  media->duration = fuzz_int(in);
  media->width = fuzz_int(in);
  media->mime_type = fuzz_bytes(in, 40);
  media->caption = fuzz_bytes(in, 40);
  if (how % 4 == 3) return;
  media->key.data = media->iv.data = secret;
  media->key.size = media->iv.size = 32;
}

static int send_message(bench *b, fuzz_input *in) {
  schat_message message;
  schat_entity entities[3];
  schat_input_file file;
  int64_t random_id = 0;
  const unsigned how = fuzz_take8(in);
  const int32_t chat_id = op_chat_id(b, in);
  schat_message_init(&message);
  memset(&file, 0, sizeof file);
  memset(entities, 0, sizeof entities);
  message.text = fuzz_bytes(in, 300);
  if (how & 1) message.random_id = op_random_id(b, chat_id, in);
  if (how & 2) message.ttl = fuzz_int(in);
  if (how & 4) fill_media(&message.media, in);
  if (how & 8) message.reply_to_random_id = op_random_id(b, chat_id, in);
  if (how & 16) {
    message.entities = entities;
    message.entity_count = 3;
    for (size_t i = 0; i < 3; i++) {
      entities[i].type = fuzz_int(in);
      entities[i].offset = fuzz_int(in);
      entities[i].length = fuzz_int(in);
    }
  }
  if (how & 32) message.grouped_id = fuzz_long(in);
  file.type = (int32_t)fuzz_below(in, 5);
  file.parts = fuzz_int(in);
  file.id = fuzz_long(in);
  message.flags = how >> 6;
  bench_call_begin(b, "schat_send");
  return schat_send(b->manager, chat_id, &message, (how & 4) ? &file : NULL, b->now, (how & 64) ? NULL : &random_id);
}

static int send_object(bench *b, fuzz_input *in) {
  int64_t random_id = 0;
  const int32_t chat_id = op_chat_id(b, in);
  const schat_bytes object = fuzz_bytes(in, 600);
  bench_call_begin(b, "schat_send_object");
  return schat_send_object(b->manager, chat_id, object, NULL, b->now, &random_id);
}

static const char *const about_messages_names[] = {"opened", "closed", "delete", "screenshot", "flush", "read", "ttl", "typing"};

static int about_messages(bench *b, fuzz_input *in, unsigned which) {
  const target t = take_target(b, in);
  const int64_t random_id = (which & 64) != 0 ? op_random_id(b, t.chat_id, in) : 0;
  const int32_t number = fuzz_int(in);
  bench_call_begin(b, about_messages_names[which % 8]);
  switch (which % 8) {
    case 0:
      return schat_messages_opened(b->manager, t.chat_id, t.ids, t.count, b->now);
    case 1:
      return schat_messages_closed(b->manager, t.chat_id, t.ids, t.count, b->now);
    case 2:
      return schat_messages_delete(b->manager, t.chat_id, t.ids, t.count, random_id, b->now);
    case 3:
      return schat_screenshot(b->manager, t.chat_id, t.ids, t.count, random_id, b->now);
    case 4:
      return schat_history_flush(b->manager, t.chat_id, random_id, b->now);
    case 5:
      return schat_messages_read(b->manager, t.chat_id, number, b->now);
    case 6:
      return schat_chat_set_ttl(b->manager, t.chat_id, number, random_id, b->now);
    default:
      return schat_typing(b->manager, t.chat_id, number & 1, b->now);
  }
}

/* Chats --------------------------------------------------------------------------------------------------------------------- */

static const char *const about_chats_names[] = {"create",   "create",   "accept",   "accept",  "accept",      "discard",
                                                "discard",  "forget",   "forget",   "spam",    "discard all", "wipe or verified",
                                                "verified", "verified", "verified", "verified"};

static int about_chats(bench *b, fuzz_input *in, unsigned which) {
  int32_t made = 0;
  const int32_t chat_id = op_chat_id(b, in);
  const unsigned flags = fuzz_take8(in);
  const int64_t user = flags < 200 ? bench_peer_id() : fuzz_long(in);
  bench_call_begin(b, about_chats_names[which % 16]);
  switch (which % 16) {
    case 0:
    case 1:
      return schat_chat_create(b->manager, user, b->now, &made);
    case 2:
    case 3:
    case 4:
      return schat_chat_accept(b->manager, chat_id, b->now);
    case 5:
    case 6:
      return schat_chat_discard(b->manager, chat_id, flags & 3, b->now);
    case 7:
    case 8:
      return schat_chat_forget(b->manager, chat_id, b->now);
    case 9:
      return schat_chat_report_spam(b->manager, chat_id, b->now);
    case 10:
      return schat_discard_all(b->manager, flags & 3, b->now);
    case 11:
      return flags == 77 ? schat_wipe(b->manager, b->now) : schat_chat_set_verified(b->manager, chat_id, (int)flags & 1, b->now);
    default:
      return schat_chat_set_verified(b->manager, chat_id, (int)flags & 1, b->now);
  }
}

/* Queries change nothing, whatever they are asked. */
static void ask(bench *b, fuzz_input *in) {
  schat_chat_info info;
  schat_stats stats;
  int32_t ids[64], qts = 0, date = 0;
  size_t count = 0;
  int64_t deadline = 0;
  const int32_t chat_id = op_chat_id(b, in);
  SCHAT_INIT(info);
  SCHAT_INIT(stats);
  bench_call_begin(b, "queries");
  (void)schat_chat_get_info(b->manager, chat_id, &info);
  (void)schat_chat_list(b->manager, ids, sizeof ids / sizeof ids[0], &count);
  (void)schat_chat_supports(b->manager, chat_id, fuzz_int(in));
  (void)schat_get_stats(b->manager, &stats);
  (void)schat_checkpoint(b->manager, &qts, &date);
  (void)schat_next_deadline(b->manager, &deadline);
  FUZZ_MUST(bench_digest(b->manager) == b->before);
}

void op_command(bench *b, fuzz_input *in) {
  const unsigned which = fuzz_take8(in);
  int status = SCHAT_OK;
  if (which < 64) {
    status = send_message(b, in);
  } else if (which < 80) {
    status = send_object(b, in);
  } else if (which < 160) {
    status = about_messages(b, in, which);
  } else if (which < 240) {
    status = about_chats(b, in, which);
  } else {
    ask(b, in);
    return;
  }
  (void)bench_call_end(b, status);
}
