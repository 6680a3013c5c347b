/* SPDX-License-Identifier: BSL-1.0
 * api_bytes.c - target: the bytes of Telegram's API. What is decoded is written back byte for byte, borrows from the input only, and nothing is
 * written for what is refused; what is encoded has the size that was measured, and fits no smaller buffer.
 *
 * Input: which function, then the TL, or the fields of a request. */
#include <string.h>

#include "api_write.h"
#include "fuzz.h"
#include "tl/wire.h"

#define TL_MAX 8192u
#define ENCODERS 32u /* from this number on the input is the fields of a request */

static uint8_t written[TL_MAX + 256], longer[TL_MAX + 4];

static void same_back(const schat__writer *w, schat_bytes tl) {
  FUZZ_MUST(w->size == tl.size && memcmp(written, tl.data, tl.size) == 0);
}

static int is_refusal(int status) {
  return status == SCHAT_E_MALFORMED;
}

/* Decoders ------------------------------------------------------------------------------------------------------------------ */

/* A field that stands although it is zero: lawful, and not what we write. */
static int says_folder_zero(const schat_chat_update *chat, const uint8_t *tl) {
  return chat->type == SCHAT_CHAT_UPDATE_REQUESTED && chat->folder_id == 0 && tl[4] == 1;
}

static int is_empty_file_in_full(const schat_encrypted_file *file, size_t size, size_t least) {
  return file->id == 0 && size > least;
}

static void check_chat(schat_bytes tl, schat__writer *w) {
  schat_chat_update chat;
  SCHAT_INIT(chat);
  const schat_chat_update before = chat;
  int status = schat_api_decode_chat(tl, &chat);
  if (status != SCHAT_OK) {
    FUZZ_MUST(is_refusal(status) && memcmp(&chat, &before, sizeof chat) == 0);
    return;
  }
  FUZZ_MUST(fuzz_within(chat.g_a, tl.data, tl.size));
  if (says_folder_zero(&chat, tl.data)) return;
  api_write_chat(w, &chat);
  same_back(w, tl);
}

static void check_file(schat_bytes tl, schat__writer *w) {
  schat_encrypted_file file, before;
  memset(&file, 0x5a, sizeof file);
  before = file;
  int status = schat_api_decode_file(tl, &file);
  if (status != SCHAT_OK) {
    FUZZ_MUST(is_refusal(status) && memcmp(&file, &before, sizeof file) == 0);
    return;
  }
  if (is_empty_file_in_full(&file, tl.size, 4)) return;
  api_write_file(w, &file);
  same_back(w, tl);
}

static size_t least_message(const schat_encrypted_message *message) {
  return 24 + (message->bytes.size + (message->bytes.size < 254 ? 1 : 4) + 3) / 4 * 4;
}

static void check_message(schat_bytes tl, schat__writer *w) {
  schat_encrypted_message message;
  SCHAT_INIT(message);
  const schat_encrypted_message before = message;
  int status = schat_api_decode_message(tl, &message);
  if (status != SCHAT_OK) {
    FUZZ_MUST(is_refusal(status) && memcmp(&message, &before, sizeof message) == 0);
    return;
  }
  FUZZ_MUST(fuzz_within(message.bytes, tl.data, tl.size));
  if (is_empty_file_in_full(&message.file, tl.size, least_message(&message))) return;
  api_write_message(w, &message);
  same_back(w, tl);
}

static void check_update(schat_bytes tl, schat__writer *w) {
  schat_update update;
  SCHAT_INIT(update);
  const schat_update before = update;
  int status = schat_api_decode_update(tl, &update);
  if (status != SCHAT_OK) {
    FUZZ_MUST((is_refusal(status) || status == SCHAT_IGNORED) && memcmp(&update, &before, sizeof update) == 0);
    return;
  }
  FUZZ_MUST(fuzz_within(update.message.bytes, tl.data, tl.size) && fuzz_within(update.chat.g_a, tl.data, tl.size));
  if (update.type == SCHAT_UPDATE_CHAT && says_folder_zero(&update.chat, tl.data + 4)) return;
  if (update.type == SCHAT_UPDATE_MESSAGE && is_empty_file_in_full(&update.message.file, tl.size - 8, least_message(&update.message)))
    return;
  api_write_update(w, &update);
  same_back(w, tl);
}

static void check_answer(int32_t request_type, schat_bytes tl, schat__writer *w) {
  schat_answer answer;
  SCHAT_INIT(answer);
  const schat_answer before = answer;
  int status = schat_api_decode_answer(request_type, tl, &answer);
  if (status != SCHAT_OK) {
    const int no_such = schat_api_method_name(request_type) == NULL || request_type == SCHAT_REQUEST_GET_DIFFERENCE;
    FUZZ_MUST((no_such ? status == SCHAT_E_INVALID : is_refusal(status)) && memcmp(&answer, &before, sizeof answer) == 0);
    return;
  }
  FUZZ_MUST(fuzz_within(answer.p, tl.data, tl.size) && fuzz_within(answer.random, tl.data, tl.size) &&
            fuzz_within(answer.chat.g_a, tl.data, tl.size));
  if (answer.type == SCHAT_ANSWER_DONE || says_folder_zero(&answer.chat, tl.data)) return;
  if (answer.type == SCHAT_ANSWER_SENT_FILE && is_empty_file_in_full(&answer.file, tl.size, 12)) return;
  api_write_answer(w, &answer);
  same_back(w, tl);
}

static void check_state(schat_bytes tl) {
  int32_t state[4] = {11, 12, 13, 14};
  int status = schat_api_decode_state(tl, &state[0], &state[1], &state[2], &state[3]);
  if (status == SCHAT_OK) {
    FUZZ_MUST(tl.size == 24 && memcmp(state, tl.data + 4, sizeof state) == 0);
  } else {
    FUZZ_MUST(is_refusal(status) && state[0] == 11 && state[1] == 12 && state[2] == 13 && state[3] == 14);
  }
}

static void check_file_part(schat_bytes tl) {
  schat_bytes bytes = {NULL, 77};
  int status = schat_api_decode_file_part(tl, &bytes);
  if (status == SCHAT_OK) {
    FUZZ_MUST(fuzz_within(bytes, tl.data, tl.size) && bytes.size + 13 <= tl.size);
  } else {
    FUZZ_MUST(is_refusal(status) && bytes.data == NULL && bytes.size == 77);
  }
}

#define DIFFERENCE_MAX (TL_MAX / 4)
static schat_chat_update chats[DIFFERENCE_MAX];
static schat_encrypted_message messages[DIFFERENCE_MAX];

static void check_difference(schat_bytes tl) {
  schat_difference counted, full;
  int32_t more = 77;
  SCHAT_INIT(counted);
  SCHAT_INIT(full);
  int status = schat_api_decode_difference(tl, NULL, 0, NULL, 0, &counted, &more);
  FUZZ_MUST(status == SCHAT_OK || status == SCHAT_E_BUFFER || status == SCHAT_E_UNSUPPORTED || is_refusal(status));
  if (status != SCHAT_OK && status != SCHAT_E_BUFFER) return;
  FUZZ_MUST((status == SCHAT_OK) == (counted.chat_count == 0 && counted.message_count == 0));
  FUZZ_MUST(counted.chat_count * 12 + counted.message_count * 24 <= tl.size);
  status = schat_api_decode_difference(tl, chats, counted.chat_count, messages, counted.message_count, &full, &more);
  FUZZ_MUST(status == SCHAT_OK && full.chat_count == counted.chat_count && full.message_count == counted.message_count);
  FUZZ_MUST(more >= 0 && more <= 2);
  for (size_t i = 0; i < full.chat_count; i++) FUZZ_MUST(fuzz_within(full.chats[i].g_a, tl.data, tl.size));
  for (size_t i = 0; i < full.message_count; i++) FUZZ_MUST(fuzz_within(full.messages[i].bytes, tl.data, tl.size));
}

static void decode(unsigned which, schat_bytes tl) {
  schat__writer w = {written, sizeof written, 0};
  switch (which) {
    case 0:
      check_chat(tl, &w);
      break;
    case 1:
      check_file(tl, &w);
      break;
    case 2:
      check_message(tl, &w);
      break;
    case 3:
      check_update(tl, &w);
      break;
    case 4:
      check_state(tl);
      break;
    case 5:
      check_file_part(tl);
      break;
    case 6:
      check_difference(tl);
      break;
    default:
      check_answer((int32_t)which - 7, tl, &w); /* 0 to 24: there are twelve */
  }
}

/* Nothing may follow an object. */
static void decode_longer(unsigned which, schat_bytes tl) {
  schat_chat_update chat;
  schat_encrypted_message message;
  schat_bytes more = {longer, tl.size + 4};
  SCHAT_INIT(chat);
  SCHAT_INIT(message);
  memcpy(longer, tl.data, tl.size);
  memset(longer + tl.size, 0, 4);
  if (which == 0 && schat_api_decode_chat(tl, &chat) == SCHAT_OK) FUZZ_MUST(schat_api_decode_chat(more, &chat) == SCHAT_E_MALFORMED);
  if (which == 2 && schat_api_decode_message(tl, &message) == SCHAT_OK) {
    FUZZ_MUST(schat_api_decode_message(more, &message) == SCHAT_E_MALFORMED);
  }
}

/* Encoders ------------------------------------------------------------------------------------------------------------------ */

static void take_file(fuzz_input *in, schat_input_file *file) {
  const schat_bytes md5 = fuzz_bytes(in, sizeof file->md5_checksum);
  memset(file, 0, sizeof *file);
  file->type = fuzz_int(in);
  file->parts = fuzz_int(in);
  file->id = fuzz_long(in);
  file->access_hash = fuzz_long(in);
  file->key_fingerprint = fuzz_int(in);
  if (md5.size > 0) memcpy(file->md5_checksum, md5.data, md5.size);
}

static schat_request take_request(fuzz_input *in, int32_t type) {
  schat_request q;
  SCHAT_INIT(q);
  q.type = type;
  q.chat_id = fuzz_int(in);
  q.access_hash = fuzz_long(in);
  q.version = fuzz_int(in);
  q.random_length = fuzz_int(in);
  q.user_id = fuzz_long(in);
  q.random_id = fuzz_long(in);
  q.key_fingerprint = fuzz_long(in);
  q.silent = fuzz_int(in);
  q.typing = fuzz_int(in);
  q.max_date = fuzz_int(in);
  q.qts = fuzz_int(in);
  q.date = fuzz_int(in);
  take_file(in, &q.file);
  q.data = fuzz_rest(in, 4096);
  return q;
}

/* What a message was put into, taken apart again. */
static void check_send(const schat_request *q, size_t size) {
  schat__reader r = {written, size, 0, 0};
  const uint32_t id = schat__read32(&r);
  if (q->type != SCHAT_REQUEST_SEND_SERVICE) FUZZ_MUST(schat__read32(&r) == (q->silent != 0));
  FUZZ_MUST(id != 0 && schat__read32(&r) == 0xf141b5e1u && schat__read32(&r) == (uint32_t)q->chat_id);
  FUZZ_MUST(schat__read64(&r) == (uint64_t)q->access_hash && schat__read64(&r) == (uint64_t)q->random_id);
  const schat_bytes data = schat__tl_read_string(&r);
  FUZZ_MUST(!r.failed && data.size == q->data.size && memcmp(data.data, q->data.data, data.size) == 0);
  FUZZ_MUST(q->type == SCHAT_REQUEST_SEND_ENCRYPTED_FILE || r.at == r.size);
}

static void check_request(fuzz_input *in, int32_t type) {
  const int64_t hash = fuzz_long(in);
  const schat_request q = take_request(in, type);
  size_t size = 0, again = 0;
  int status = schat_api_encode_request(&q, hash, NULL, 0, &size);
  FUZZ_MUST(status == SCHAT_E_BUFFER || status == SCHAT_E_INVALID);
  if (status != SCHAT_E_BUFFER) return;
  FUZZ_MUST(size % 4 == 0 && size >= 4 && size <= sizeof written - 1);
  memset(written, 0x5a, size + 1);
  FUZZ_MUST(schat_api_encode_request(&q, hash, written, size - 1, &again) == SCHAT_E_BUFFER && again == size);
  for (size_t i = 0; i < size; i++) FUZZ_MUST(written[i] == 0x5a);
  FUZZ_MUST(schat_api_encode_request(&q, hash, written, size, &again) == SCHAT_OK && again == size && written[size] == 0x5a);
  if (type >= SCHAT_REQUEST_SEND_ENCRYPTED && type <= SCHAT_REQUEST_SEND_SERVICE) check_send(&q, size);
}

static void check_classify(fuzz_input *in) {
  char text[64] = {0};
  int32_t seconds = -7;
  const int32_t type = fuzz_int(in), code = fuzz_int(in);
  const schat_bytes words = fuzz_rest(in, sizeof text - 1);
  memcpy(text, words.data, words.size);
  const int found = schat_error_classify(type, code, text, &seconds);
  if (schat_api_method_name(type) == NULL) {
    FUZZ_MUST(found == SCHAT_E_INVALID && seconds == -7);
    return;
  }
  FUZZ_MUST(found >= SCHAT_ERROR_RETRY && found <= SCHAT_ERROR_ACCOUNT);
  FUZZ_MUST(found != SCHAT_ERROR_RETRY_AFTER || seconds >= 0);
  FUZZ_MUST(schat_error_classify(type, code, text, NULL) == found);
}

static int encode_other(fuzz_input *in, unsigned which, size_t capacity, size_t *size) {
  const int64_t id = fuzz_long(in), hash = fuzz_long(in);
  const int32_t a = fuzz_int(in), b = fuzz_int(in);
  schat_encrypted_file file = {id, hash, hash, a, b};
  schat_input_file input;
  take_file(in, &input);
  switch (which % 4) {
    case 0:
      return schat_api_encode_save_file_part(id, a, b, (int)(hash & 1), fuzz_rest(in, 4096), written, capacity, size);
    case 1:
      return schat_api_encode_upload_encrypted_file(a, hash, &input, written, capacity, size);
    case 2:
      return schat_api_encode_get_file(&file, hash, a, written, capacity, size);
    default:
      return schat_api_encode_accept_requests(id, a, written, capacity, size);
  }
}

static void check_other(fuzz_input *in, unsigned which) {
  fuzz_input same = *in, once_more = *in;
  size_t size = 0, again = 0;
  memset(written, 0x5a, 8);
  int status = encode_other(in, which, 0, &size);
  FUZZ_MUST(status == SCHAT_E_BUFFER || status == SCHAT_E_INVALID);
  if (status != SCHAT_E_BUFFER) return;
  FUZZ_MUST(size % 4 == 0 && size < sizeof written && written[0] == 0x5a);
  FUZZ_MUST(encode_other(&same, which, size - 1, &again) == SCHAT_E_BUFFER && written[0] == 0x5a);
  written[size] = 0x5a;
  FUZZ_MUST(encode_other(&once_more, which, size, &again) == SCHAT_OK && again == size && written[size] == 0x5a);
}

/* --------------------------------------------------------------------------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_input in = {data, size};
  const unsigned which = fuzz_take8(&in) % 64;
  if (size < 2 || in.size > TL_MAX) return 0;
  if (which < ENCODERS) {
    const schat_bytes tl = {in.data, in.size};
    decode(which, tl);
    decode_longer(which, tl);
  } else if (which < ENCODERS + 16) {
    check_request(&in, (int32_t)(which - ENCODERS));
  } else if (which < ENCODERS + 24) {
    check_classify(&in);
  } else {
    check_other(&in, which);
  }
  return 0;
}
