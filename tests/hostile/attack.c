/* SPDX-License-Identifier: BSL-1.0
 * attack.c - every kind of input there is, made wrong. What only a server may truly say (that a chat is over, that somebody asks for a new
 * one, that messages were read) is left out: it is obeyed, and rightly so. */
#include "attack.h"

#include <string.h>

static int is_one_of(const attacker *a, int32_t chat_id) {
  for (size_t i = 0; i < a->chat_count; i++) {
    if (a->chat_ids[i] == chat_id) return 1;
  }
  return 0;
}

static int below_zero(int status) {
  return status < 0 ? status : 0;
}

/* Of functions on bytes alone, which say so when they cannot be read. */
static int unless_unreadable(int status) {
  if (status == SCHAT_E_MALFORMED || status == SCHAT_E_UNSUPPORTED || status == SCHAT_E_BUFFER) return 0;
  return below_zero(status);
}

static int one_in(attacker *a, uint64_t n) {
  return prng_below(&a->random, n) == 0;
}

static int32_t some_chat_id(attacker *a) {
  if (one_in(a, 4)) return prng_int32(&a->random);
  return a->chat_ids[prng_below(&a->random, a->chat_count)];
}

static schat_bytes wrong(attacker *a, schat_bytes in, schat_bytes other) {
  schat_bytes out = {a->buffer, mutate(&a->random, in, other, a->buffer)};
  return out;
}

/* Messages ------------------------------------------------------------------------------------------------------------------ */

static const corpus_message *some_message(attacker *a) {
  return &a->corpus->messages[prng_below(&a->random, a->corpus->message_count)];
}

static void wrong_file(attacker *a, schat_encrypted_file *file) {
  file->id = (int64_t)(prng_next(&a->random) >> 1);
  file->size = prng_int32(&a->random);
  file->dc_id = prng_int32(&a->random);
}

static schat_encrypted_message wrong_message(attacker *a) {
  schat_encrypted_message message = some_message(a)->message;
  if (!one_in(a, 8)) message.bytes = wrong(a, message.bytes, some_message(a)->message.bytes);
  if (one_in(a, 8)) message.chat_id = some_chat_id(a);
  if (one_in(a, 8)) message.date = prng_int32(&a->random);
  if (one_in(a, 8)) message.random_id = (int64_t)(prng_next(&a->random) >> 1);
  if (one_in(a, 8)) wrong_file(a, &message.file);
  if (one_in(a, 8)) message.service = !message.service;
  return message;
}

static int attack_message(attacker *a) {
  schat_encrypted_message message = wrong_message(a);
  int32_t qts = one_in(a, 8) ? some_message(a)->qts : one_in(a, 256) ? prng_int32(&a->random) : 0;
  return below_zero(schat_input_message(a->manager, &message, qts, a->now));
}

static int replay_message(attacker *a) {
  const corpus_message *m = some_message(a);
  return below_zero(schat_input_message(a->manager, &m->message, one_in(a, 2) ? m->qts : 0, a->now));
}

static int attack_with_size(attacker *a) {
  static uint8_t zeros[((size_t)1 << 20) + 64];
  schat_encrypted_message message = some_message(a)->message;
  if (!one_in(a, 64)) return attack_message(a);
  message.bytes.data = zeros;
  message.bytes.size = sizeof zeros - (size_t)prng_below(&a->random, 128);
  return below_zero(schat_input_message(a->manager, &message, 0, a->now));
}

/* Chats --------------------------------------------------------------------------------------------------------------------- */

/* What a server may truly say. */
static int chat_is_news(const attacker *a, const schat_chat_update *chat) {
  if (chat->type == SCHAT_CHAT_UPDATE_REQUESTED) return !is_one_of(a, chat->chat_id);
  return chat->type == SCHAT_CHAT_UPDATE_DISCARDED && is_one_of(a, chat->chat_id);
}

static const schat_chat_update *some_chat(attacker *a) {
  return &a->corpus->chats[prng_below(&a->random, a->corpus->chat_count)];
}

static schat_chat_update wrong_chat(attacker *a) {
  schat_chat_update chat = *some_chat(a);
  if (one_in(a, 2)) chat.type = 1 + (int32_t)prng_below(&a->random, 5);
  if (one_in(a, 2)) chat.g_a = wrong(a, chat.g_a, some_chat(a)->g_a);
  if (one_in(a, 4)) chat.chat_id = some_chat_id(a);
  if (one_in(a, 4)) chat.access_hash ^= (int64_t)1 << prng_below(&a->random, 63);
  if (one_in(a, 4)) chat.key_fingerprint ^= (int64_t)1 << prng_below(&a->random, 63);
  if (one_in(a, 4)) chat.admin_id = prng_int32(&a->random);
  if (one_in(a, 4)) chat.participant_id = prng_int32(&a->random);
  if (one_in(a, 4)) chat.date = prng_int32(&a->random);
  return chat;
}

static int attack_chat(attacker *a) {
  schat_chat_update chat = wrong_chat(a);
  if (chat_is_news(a, &chat)) chat.type = SCHAT_CHAT_UPDATE_CHAT;
  return below_zero(schat_input_chat(a->manager, &chat, a->now));
}

/* Answers ------------------------------------------------------------------------------------------------------------------- */

static uint64_t some_token(attacker *a) {
  if (one_in(a, 4)) return prng_next(&a->random);
  if (one_in(a, 4)) return prng_below(&a->random, 4096);
  return a->corpus->answers[prng_below(&a->random, a->corpus->answer_count)].token;
}

static int attack_answer(attacker *a) {
  corpus_answer wrong_answer = a->corpus->answers[prng_below(&a->random, a->corpus->answer_count)];
  schat_answer *answer = &wrong_answer.answer;
  if (one_in(a, 4)) answer->type = 1 + (int32_t)prng_below(&a->random, 6);
  if (one_in(a, 4)) answer->g = prng_int32(&a->random);
  if (one_in(a, 4)) answer->p = wrong(a, answer->p, answer->random);
  if (one_in(a, 4)) answer->chat = wrong_chat(a);
  if (one_in(a, 4)) answer->date = prng_int32(&a->random);
  return below_zero(schat_request_done(a->manager, some_token(a), answer, a->now));
}

static int attack_error(attacker *a) {
  static const char *const texts[] = {"FLOOD_WAIT_17",
                                      "ENCRYPTION_DECLINED",
                                      "CHAT_ID_INVALID",
                                      "USER_IS_BLOCKED",
                                      "MSG_WAIT_FAILED",
                                      "DATA_INVALID",
                                      "",
                                      "FLOOD_WAIT_99999999999999999999",
                                      "MAX_QTS_INVALID",
                                      "RANDOM_ID_DUPLICATE",
                                      "FLOOD_WAIT_-1",
                                      "AUTH_KEY_UNREGISTERED"};
  static const int32_t codes[] = {400, 401, 403, 420, 500, -503, 0, INT32_MAX, INT32_MIN};
  char text[32];
  size_t i;
  for (i = 0; i + 1 < sizeof text; i++) text[i] = (char)(1 + prng_below(&a->random, 126));
  text[i] = '\0';
  return below_zero(schat_request_failed(a->manager, some_token(a), codes[prng_below(&a->random, sizeof codes / sizeof codes[0])],
                                         one_in(a, 4) ? text : texts[prng_below(&a->random, sizeof texts / sizeof texts[0])], a->now));
}

/* The rest ------------------------------------------------------------------------------------------------------------------ */

static int32_t read_date(attacker *a, int32_t chat_id) {
  return is_one_of(a, chat_id) ? -(int32_t)prng_below(&a->random, 1000) : prng_int32(&a->random);
}

static int attack_read(attacker *a) {
  int32_t chat_id = some_chat_id(a);
  return below_zero(schat_input_read(a->manager, chat_id, read_date(a, chat_id), prng_int32(&a->random), a->now));
}

static int attack_typing(attacker *a) {
  return below_zero(schat_input_typing(a->manager, some_chat_id(a), a->now));
}

static int attack_difference(attacker *a) {
  schat_difference difference;
  schat_encrypted_message messages[2];
  schat_chat_update chat = wrong_chat(a);
  if (chat_is_news(a, &chat)) chat.type = SCHAT_CHAT_UPDATE_WAITING;
  messages[0] = some_message(a)->message;
  messages[1] = wrong_message(a);
  SCHAT_INIT(difference);
  difference.messages = messages;
  difference.message_count = 2;
  difference.chats = &chat;
  difference.chat_count = one_in(a, 2) ? 1 : 0;
  int status = schat_checkpoint(a->manager, &difference.qts, &difference.date);
  if (status != SCHAT_OK) return status;
  return below_zero(schat_input_difference(a->manager, &difference, a->now));
}

/* Bytes of Telegram's API --------------------------------------------------------------------------------------------------- */

static schat_bytes some_tl(attacker *a) {
  return a->corpus->tl[prng_below(&a->random, a->corpus->tl_count)];
}

static int update_is_news(const attacker *a, schat_bytes tl) {
  schat_update update;
  SCHAT_INIT(update);
  if (schat_api_decode_update(tl, &update) != SCHAT_OK) return 0;
  if (update.type == SCHAT_UPDATE_CHAT) return chat_is_news(a, &update.chat);
  return update.type == SCHAT_UPDATE_READ && update.max_date > 0 && is_one_of(a, update.chat_id);
}

static int attack_update(attacker *a) {
  schat_bytes tl = wrong(a, some_tl(a), some_tl(a));
  if (update_is_news(a, tl)) return 0;
  return unless_unreadable(schat_api_input_update(a->manager, tl, a->now));
}

static int decode_plain(schat_bytes tl) {
  schat_chat_update chat;
  schat_encrypted_file file;
  schat_encrypted_message message;
  schat_bytes part;
  int32_t pts, qts, date, seq;
  SCHAT_INIT(chat);
  SCHAT_INIT(message);
  int status = unless_unreadable(schat_api_decode_chat(tl, &chat));
  if (status == 0) status = unless_unreadable(schat_api_decode_file(tl, &file));
  if (status == 0) status = unless_unreadable(schat_api_decode_message(tl, &message));
  if (status == 0) status = unless_unreadable(schat_api_decode_file_part(tl, &part));
  if (status == 0) status = unless_unreadable(schat_api_decode_state(tl, &pts, &qts, &date, &seq));
  return status;
}

static int attack_decoders(attacker *a) {
  schat_bytes tl = wrong(a, some_tl(a), some_tl(a));
  schat_answer answer;
  schat_chat_update chats[2];
  schat_encrypted_message messages[4];
  schat_difference difference;
  int32_t more;
  int status = decode_plain(tl);
  for (int32_t type = SCHAT_REQUEST_GET_DH_CONFIG; status == 0 && type < SCHAT_REQUEST_GET_DIFFERENCE; type++) {
    SCHAT_INIT(answer);
    status = unless_unreadable(schat_api_decode_answer(type, tl, &answer));
  }
  SCHAT_INIT(difference);
  if (status == 0) status = unless_unreadable(schat_api_decode_difference(tl, chats, 2, messages, 4, &difference, &more));
  return status;
}

int attack(attacker *a) {
  static int (*const attacks[])(attacker *) = {
      attack_message, attack_message, attack_message,    attack_message, attack_message, replay_message, attack_with_size, attack_chat,
      attack_chat,    attack_answer,  attack_difference, attack_update,  attack_update,  attack_read,    attack_decoders,  attack_error,
  };
  if (one_in(a, 64)) return attack_typing(a);
  return attacks[prng_below(&a->random, sizeof attacks / sizeof attacks[0])](a);
}
