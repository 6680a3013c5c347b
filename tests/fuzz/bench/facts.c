/* SPDX-License-Identifier: BSL-1.0
 * facts.c - a server that says true things, nearly true ones and lies; see ops.h. */
#include <stdlib.h>
#include <string.h>

#include "desk.h"
#include "ops.h"

static const uint8_t server_random[SCHAT__DH_SIZE] = {9, 9, 9};

/* Chats --------------------------------------------------------------------------------------------------------------------- */

static int64_t fingerprint_of(const schat__slot *slot, unsigned pair) {
  uint8_t key[SCHAT__DH_SIZE];
  int64_t fingerprint = 0;
  schat__crypto *crypto = fuzz_crypto(77);
  if (slot == NULL || slot->secrets == NULL || (slot->secrets->has & SCHAT__HAS_EXPONENT) == 0) return 0;
  FUZZ_MUST(schat__dh_key(crypto, desk_prime(), slot->secrets->own, bench_exponent(pair), key) == SCHAT_OK);
  FUZZ_MUST(schat__key_fingerprint(crypto, key, &fingerprint) == SCHAT_OK);
  return fingerprint;
}

/* As an honest server says it, then made wrong in what the input chooses. */
static schat_chat_update make_chat(const bench *b, fuzz_input *in) {
  schat_chat_update u;
  const unsigned pair = fuzz_take8(in), wrong = fuzz_take8(in);
  SCHAT_INIT(u);
  u.chat_id = op_chat_id(b, in);
  const schat__slot *slot = schat__table_find(&b->manager->env.table, u.chat_id);
  const int ours = slot != NULL && schat__is_originator(&slot->chat);
  u.type = SCHAT_CHAT_UPDATE_EMPTY + (int32_t)fuzz_below(in, 5);
  u.access_hash = slot != NULL && slot->chat.access_hash != 0 ? slot->chat.access_hash : 4321;
  u.date = (int32_t)(b->now / 1000);
  u.admin_id = ours ? bench_user_id() : bench_peer_id();
  u.participant_id = ours ? bench_peer_id() : bench_user_id();
  u.g_a.data = bench_value(pair);
  u.g_a.size = SCHAT__DH_SIZE;
  if (u.type == SCHAT_CHAT_UPDATE_CHAT)
    u.key_fingerprint = ours ? fingerprint_of(slot, pair) : slot != NULL ? slot->chat.key_fingerprint : 0;
  if (wrong < 128) return u;
  if (wrong & 1) u.access_hash = fuzz_long(in);
  if (wrong & 2) u.date = fuzz_int(in);
  if (wrong & 4) u.admin_id = fuzz_long(in);
  if (wrong & 8) u.participant_id = fuzz_long(in);
  if (wrong & 16) u.g_a = fuzz_bytes(in, 300);
  if (wrong & 32) u.key_fingerprint = fuzz_long(in);
  u.folder_id = fuzz_int(in);
  u.history_deleted = wrong & 64;
  return u;
}

static void tell_chat(bench *b, fuzz_input *in) {
  const schat_chat_update update = make_chat(b, in);
  op_must_be_taken(b, BENCH_CALL(b, schat_input_chat(b->manager, &update, b->now)));
}

/* Answers ------------------------------------------------------------------------------------------------------------------- */

/* A request that is in flight, or any number. */
static uint64_t choose_token(const bench *b, fuzz_input *in, int32_t *type) {
  const schat__env *env = &b->manager->env;
  const unsigned how = fuzz_take8(in);
  *type = 1 + (int32_t)(how % 12);
  if (how >= 240 || env->flight_count == 0) return (uint64_t)fuzz_long(in);
  const schat__flight *flight = &env->flights[fuzz_below(in, (uint32_t)env->flight_count)];
  *type = (int32_t)flight->type;
  return flight->token;
}

static int32_t lawful_answer(int32_t request_type) {
  switch (request_type) {
    case SCHAT_REQUEST_GET_DH_CONFIG:
      return SCHAT_ANSWER_DH_CONFIG;
    case SCHAT_REQUEST_REQUEST_ENCRYPTION:
    case SCHAT_REQUEST_ACCEPT_ENCRYPTION:
      return SCHAT_ANSWER_CHAT;
    case SCHAT_REQUEST_SEND_ENCRYPTED:
    case SCHAT_REQUEST_SEND_SERVICE:
      return SCHAT_ANSWER_SENT;
    case SCHAT_REQUEST_SEND_ENCRYPTED_FILE:
      return SCHAT_ANSWER_SENT_FILE;
    default:
      return SCHAT_ANSWER_DONE;
  }
}

static void fill_config(schat_answer *answer, fuzz_input *in) {
  const unsigned how = fuzz_take8(in);
  answer->g = how < 240 ? 3 : fuzz_int(in);
  answer->version = how < 200 ? 7 : fuzz_int(in);
  answer->p.data = desk_prime();
  answer->p.size = how == 250 ? 255 : SCHAT__DH_SIZE;
  answer->random.data = server_random;
  answer->random.size = how == 251 ? 16 : SCHAT__DH_SIZE;
}

static void answer_request(bench *b, fuzz_input *in) {
  schat_answer answer;
  int32_t type;
  SCHAT_INIT(answer);
  const uint64_t token = choose_token(b, in, &type);
  const unsigned how = fuzz_take8(in);
  answer.type = how < 230 ? lawful_answer(type) : 1 + (int32_t)fuzz_below(in, 6);
  answer.chat = make_chat(b, in);
  const schat__flight *flight = schat__flight_find(&b->manager->env, token);
  if (flight != NULL && how < 220) answer.chat.chat_id = flight->chat_id;
  if (how < 200) answer.chat.type = type == SCHAT_REQUEST_REQUEST_ENCRYPTION ? SCHAT_CHAT_UPDATE_WAITING : SCHAT_CHAT_UPDATE_CHAT;
  answer.date = how < 200 ? (int32_t)(b->now / 1000) : fuzz_int(in);
  answer.file.id = how;
  if (answer.type == SCHAT_ANSWER_DH_CONFIG || answer.type == SCHAT_ANSWER_DH_NOT_MODIFIED) fill_config(&answer, in);
  op_must_be_taken(b, BENCH_CALL(b, schat_request_done(b->manager, token, &answer, b->now)));
}

static void fail_request(bench *b, fuzz_input *in) {
  static const struct {
    int32_t code;
    const char *text;
  } errors[] = {{420, "FLOOD_WAIT_17"},
                {500, "INTERNAL"},
                {400, "ENCRYPTION_DECLINED"},
                {400, "CHAT_ID_INVALID"},
                {400, "MSG_WAIT_FAILED"},
                {400, "RANDOM_ID_DUPLICATE"},
                {400, "DATA_INVALID"},
                {403, "USER_IS_BLOCKED"},
                {401, "AUTH_KEY_UNREGISTERED"},
                {400, "MAX_QTS_INVALID"},
                {400, "ENCRYPTION_ALREADY_ACCEPTED"},
                {400, "ENCRYPTION_ALREADY_DECLINED"},
                {400, "RANDOM_ID_INVALID"},
                {-503, "Timeout"},
                {400, "FILE_EMTPY"},
                {400, "ENCRYPTION_ID_INVALID"}};
  char text[41] = {0};
  int32_t type;
  const uint64_t token = choose_token(b, in, &type);
  const unsigned which = fuzz_take8(in);
  int32_t code = errors[which % 16].code;
  const schat_bytes words = which < 240 ? (schat_bytes){NULL, 0} : fuzz_bytes(in, sizeof text - 1);
  if (words.size > 0) memcpy(text, words.data, words.size);
  if (which >= 240) code = fuzz_int(in);
  op_must_be_taken(b, BENCH_CALL(b, schat_request_failed(b->manager, token, code, which < 240 ? errors[which % 16].text : text, b->now)));
}

/* Messages that are not authentic, differences ------------------------------------------------------------------------------ */

static void tell_garbage(bench *b, fuzz_input *in) {
  schat_encrypted_message message;
  SCHAT_INIT(message);
  message.chat_id = op_chat_id(b, in);
  message.date = fuzz_int(in);
  message.random_id = fuzz_long(in);
  message.service = fuzz_take8(in) & 1;
  const int32_t qts = fuzz_int(in);
  message.bytes = fuzz_bytes(in, 1000);
  op_must_be_taken(b, BENCH_CALL(b, schat_input_message(b->manager, &message, qts, b->now)));
}

#define PARTS_MAX 4u

static void tell_difference(bench *b, fuzz_input *in) {
  schat_difference d;
  schat_chat_update chats[PARTS_MAX];
  schat_encrypted_message messages[PARTS_MAX];
  uint8_t *copies[PARTS_MAX] = {NULL};
  SCHAT_INIT(d);
  d.chats = chats;
  d.messages = messages;
  d.chat_count = fuzz_below(in, PARTS_MAX + 1);
  d.message_count = fuzz_below(in, PARTS_MAX + 1);
  for (size_t i = 0; i < d.chat_count; i++) chats[i] = make_chat(b, in);
  for (size_t i = 0; i < d.message_count; i++) {
    SCHAT_INIT(messages[i]);
    messages[i].chat_id = op_chat_id(b, in);
    messages[i].date = (int32_t)(b->now / 1000);
    const schat_bytes sealed = op_seal(b, messages[i].chat_id, in, 0);
    copies[i] = malloc(sealed.size + 1);
    FUZZ_MUST(copies[i] != NULL);
    if (sealed.size > 0) memcpy(copies[i], sealed.data, sealed.size);
    messages[i].bytes.data = copies[i];
    messages[i].bytes.size = sealed.size;
  }
  d.qts = fuzz_take8(in) < 128 ? op_qts(b, (uint32_t)d.message_count) : fuzz_int(in);
  d.date = fuzz_int(in);
  op_must_be_taken(b, BENCH_CALL(b, schat_input_difference(b->manager, &d, b->now)));
  for (size_t i = 0; i < PARTS_MAX; i++) free(copies[i]);
}

static void tell_little(bench *b, fuzz_input *in) {
  const int32_t id = op_chat_id(b, in), max_date = fuzz_int(in), date = fuzz_int(in);
  const unsigned which = fuzz_take8(in) % 3;
  const schat_bytes tl = which == 2 ? fuzz_bytes(in, 600) : (schat_bytes){NULL, 0};
  bench_call_begin(b, "read, typing or bytes of an update");
  int status = which == 0   ? schat_input_read(b->manager, id, max_date, date, b->now)
               : which == 1 ? schat_input_typing(b->manager, id, b->now)
                            : schat_api_input_update(b->manager, tl, b->now);
  status = bench_call_end(b, status);
  if (status != SCHAT_E_MALFORMED) op_must_be_taken(b, status);
}

void op_fact(bench *b, fuzz_input *in) {
  switch (fuzz_take8(in) % 8) {
    case 0:
    case 1:
      tell_chat(b, in);
      break;
    case 2:
    case 3:
      answer_request(b, in);
      break;
    case 4:
      fail_request(b, in);
      break;
    case 5:
      tell_garbage(b, in);
      break;
    case 6:
      tell_difference(b, in);
      break;
    default:
      tell_little(b, in);
  }
}
