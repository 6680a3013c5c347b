/* SPDX-License-Identifier: BSL-1.0
 * api_decode.c - reads answers, updates and the objects in them from the bytes of Telegram's API; only the canonical form. */
#include "api.h"

#include "../common/bytes.h"

#define ID_CHAT_EMPTY 0xab7ec0a0u
#define ID_CHAT_WAITING 0x66b25953u
#define ID_CHAT_REQUESTED 0x48f1d94cu
#define ID_CHAT 0x61f0d4c7u
#define ID_CHAT_DISCARDED 0x1e1c7c45u
#define ID_MESSAGE 0xed18c118u
#define ID_MESSAGE_SERVICE 0x23734b06u
#define ID_FILE_EMPTY 0xc21f497eu
#define ID_FILE 0xa8008cd8u
#define ID_SENT_MESSAGE 0x560f8935u
#define ID_SENT_FILE 0x9493ff32u
#define ID_DH_NOT_MODIFIED 0xc0e24635u
#define ID_DH_CONFIG 0x2c221eddu
#define ID_UPDATE_MESSAGE 0x12bcbd9au
#define ID_UPDATE_TYPING 0x1710f156u
#define ID_UPDATE_CHAT 0xb4a2e88du
#define ID_UPDATE_READ 0x38fe25b7u
#define ID_STATE 0xa56c2a3eu
#define ID_UPLOAD_FILE 0x096a18d5u

int schat__api_begin(schat__reader *r, schat_bytes tl) {
  r->data = tl.data;
  r->size = tl.size;
  r->at = 0;
  r->failed = tl.data == NULL || tl.size == 0 || tl.size % 4 != 0;
  return !r->failed;
}

int32_t schat__api_int(schat__reader *r) {
  return schat__int32(schat__read32(r));
}

int64_t schat__api_long(schat__reader *r) {
  return schat__int64(schat__read64(r));
}

/* Length of a string: one byte below 254, or 254 and three bytes for what does not fit one. */
static size_t read_length(schat__reader *r) {
  size_t size = schat__read8(r);
  if (size < 254) return size;
  if (size == 255) r->failed = 1;
  size = schat__read8(r);
  size |= (size_t)schat__read8(r) << 8;
  size |= (size_t)schat__read8(r) << 16;
  if (size < 254) r->failed = 1;
  return size;
}

schat_bytes schat__api_bytes(schat__reader *r) {
  schat_bytes bytes = {NULL, 0};
  size_t size = read_length(r);
  const uint8_t *data;
  if (r->failed) return bytes;
  data = schat__read_span(r, size);
  while (!r->failed && r->at % 4 != 0) {
    if (schat__read8(r) != 0) r->failed = 1;
  }
  if (r->failed) return bytes;
  bytes.data = data;
  bytes.size = size;
  return bytes;
}

size_t schat__api_vector(schat__reader *r, size_t item_size) {
  size_t count;
  if (schat__read32(r) != SCHAT__API_VECTOR) r->failed = 1;
  count = schat__read32(r);
  if (r->failed || count > (r->size - r->at) / item_size) {
    r->failed = 1;
    return 0;
  }
  return count;
}

/* A flags field of which only the bits of `known` may be set: any other would stand for a field that cannot be read. */
static uint32_t read_flags(schat__reader *r, uint32_t known) {
  uint32_t flags = schat__read32(r);
  if ((flags & ~known) != 0) r->failed = 1;
  return flags;
}

/* What waiting, requested and open chats have in common. */
static void read_chat_common(schat__reader *r, schat_chat_update *chat) {
  chat->chat_id = schat__api_int(r);
  chat->access_hash = schat__api_long(r);
  chat->date = schat__api_int(r);
  chat->admin_id = schat__api_long(r);
  chat->participant_id = schat__api_long(r);
}

static void read_chat_requested(schat__reader *r, schat_chat_update *chat) {
  chat->type = SCHAT_CHAT_UPDATE_REQUESTED;
  if (read_flags(r, 1) != 0) chat->folder_id = schat__api_int(r);
  read_chat_common(r, chat);
  chat->g_a = schat__api_bytes(r);
}

static void read_chat_open(schat__reader *r, schat_chat_update *chat) {
  chat->type = SCHAT_CHAT_UPDATE_CHAT;
  read_chat_common(r, chat);
  chat->g_a = schat__api_bytes(r);
  chat->key_fingerprint = schat__api_long(r);
}

void schat__api_chat(schat__reader *r, schat_chat_update *chat) {
  schat__init(chat, sizeof *chat);
  switch (schat__read32(r)) {
    case ID_CHAT_EMPTY:
      chat->type = SCHAT_CHAT_UPDATE_EMPTY;
      chat->chat_id = schat__api_int(r);
      break;
    case ID_CHAT_WAITING:
      chat->type = SCHAT_CHAT_UPDATE_WAITING;
      read_chat_common(r, chat);
      break;
    case ID_CHAT_REQUESTED:
      read_chat_requested(r, chat);
      break;
    case ID_CHAT:
      read_chat_open(r, chat);
      break;
    case ID_CHAT_DISCARDED:
      chat->type = SCHAT_CHAT_UPDATE_DISCARDED;
      chat->history_deleted = (int32_t)read_flags(r, 1);
      chat->chat_id = schat__api_int(r);
      break;
    default:
      r->failed = 1;
  }
}

void schat__api_file(schat__reader *r, schat_encrypted_file *file) {
  static const schat_encrypted_file none = {0};
  uint32_t id = schat__read32(r);
  *file = none;
  if (id == ID_FILE_EMPTY) return;
  if (id != ID_FILE) r->failed = 1;
  file->id = schat__api_long(r);
  file->access_hash = schat__api_long(r);
  file->size = schat__api_long(r);
  file->dc_id = schat__api_int(r);
  file->key_fingerprint = schat__api_int(r);
}

void schat__api_message(schat__reader *r, schat_encrypted_message *message) {
  uint32_t id = schat__read32(r);
  schat__init(message, sizeof *message);
  if (id != ID_MESSAGE && id != ID_MESSAGE_SERVICE) r->failed = 1;
  message->random_id = schat__api_long(r);
  message->chat_id = schat__api_int(r);
  message->date = schat__api_int(r);
  message->bytes = schat__api_bytes(r);
  message->service = id == ID_MESSAGE_SERVICE;
  if (id == ID_MESSAGE) schat__api_file(r, &message->file);
}

static void read_update_read(schat__reader *r, schat_update *update) {
  update->type = SCHAT_UPDATE_READ;
  update->chat_id = schat__api_int(r);
  update->max_date = schat__api_int(r);
  update->date = schat__api_int(r);
}

int schat__api_update(schat__reader *r, schat_update *update) {
  schat__init(update, sizeof *update);
  switch (schat__read32(r)) {
    case ID_UPDATE_MESSAGE:
      update->type = SCHAT_UPDATE_MESSAGE;
      schat__api_message(r, &update->message);
      update->qts = schat__api_int(r);
      update->chat_id = update->message.chat_id;
      return 1;
    case ID_UPDATE_CHAT:
      update->type = SCHAT_UPDATE_CHAT;
      schat__api_chat(r, &update->chat);
      update->date = schat__api_int(r);
      update->chat_id = update->chat.chat_id;
      return 1;
    case ID_UPDATE_READ:
      read_update_read(r, update);
      return 1;
    case ID_UPDATE_TYPING:
      update->type = SCHAT_UPDATE_TYPING;
      update->chat_id = schat__api_int(r);
      return 1;
    default:
      return 0;
  }
}

static void read_dh_config(schat__reader *r, schat_answer *answer) {
  uint32_t id = schat__read32(r);
  answer->type = id == ID_DH_CONFIG ? SCHAT_ANSWER_DH_CONFIG : SCHAT_ANSWER_DH_NOT_MODIFIED;
  if (id == ID_DH_CONFIG) {
    answer->g = schat__api_int(r);
    answer->p = schat__api_bytes(r);
    answer->version = schat__api_int(r);
  } else if (id != ID_DH_NOT_MODIFIED) {
    r->failed = 1;
  }
  answer->random = schat__api_bytes(r);
}

static void read_sent(schat__reader *r, schat_answer *answer) {
  uint32_t id = schat__read32(r);
  if (id != ID_SENT_MESSAGE && id != ID_SENT_FILE) r->failed = 1;
  answer->type = id == ID_SENT_FILE ? SCHAT_ANSWER_SENT_FILE : SCHAT_ANSWER_SENT;
  answer->date = schat__api_int(r);
  if (id == ID_SENT_FILE) schat__api_file(r, &answer->file);
}

/* Both values of Bool mean that the server has done what it will. */
static void read_bool(schat__reader *r, schat_answer *answer) {
  uint32_t id = schat__read32(r);
  if (id != SCHAT__API_TRUE && id != SCHAT__API_FALSE) r->failed = 1;
  answer->type = SCHAT_ANSWER_DONE;
}

static void read_random_ids(schat__reader *r, schat_answer *answer) {
  size_t count = schat__api_vector(r, 8);
  if (!r->failed) (void)schat__read_span(r, count * 8);
  answer->type = SCHAT_ANSWER_DONE;
}

/* 0: the request has no answer that is read here. */
static int read_answer(schat__reader *r, int32_t request_type, schat_answer *answer) {
  switch (request_type) {
    case SCHAT_REQUEST_GET_DH_CONFIG:
      read_dh_config(r, answer);
      return 1;
    case SCHAT_REQUEST_REQUEST_ENCRYPTION:
    case SCHAT_REQUEST_ACCEPT_ENCRYPTION:
      answer->type = SCHAT_ANSWER_CHAT;
      schat__api_chat(r, &answer->chat);
      return 1;
    case SCHAT_REQUEST_SEND_ENCRYPTED:
    case SCHAT_REQUEST_SEND_ENCRYPTED_FILE:
    case SCHAT_REQUEST_SEND_SERVICE:
      read_sent(r, answer);
      return 1;
    case SCHAT_REQUEST_DISCARD_ENCRYPTION:
    case SCHAT_REQUEST_SET_TYPING:
    case SCHAT_REQUEST_READ_HISTORY:
    case SCHAT_REQUEST_REPORT_SPAM:
      read_bool(r, answer);
      return 1;
    case SCHAT_REQUEST_RECEIVED_QUEUE:
      read_random_ids(r, answer);
      return 1;
    default:
      return 0;
  }
}

int schat_api_decode_answer(int32_t request_type, schat_bytes tl, schat_answer *answer) {
  schat__reader r;
  schat_answer found;
  if (answer == NULL) return SCHAT_E_INVALID;
  if (answer->size != sizeof *answer) return SCHAT_E_ABI;
  SCHAT_INIT(found);
  SCHAT_INIT(found.chat);
  (void)schat__api_begin(&r, tl);
  if (!read_answer(&r, request_type, &found)) return SCHAT_E_INVALID;
  if (!schat__reader_done(&r)) return SCHAT_E_MALFORMED;
  *answer = found;
  return SCHAT_OK;
}

int schat_api_decode_chat(schat_bytes tl, schat_chat_update *chat) {
  schat__reader r;
  schat_chat_update found;
  if (chat == NULL) return SCHAT_E_INVALID;
  if (chat->size != sizeof *chat) return SCHAT_E_ABI;
  if (!schat__api_begin(&r, tl)) return SCHAT_E_MALFORMED;
  schat__api_chat(&r, &found);
  if (!schat__reader_done(&r)) return SCHAT_E_MALFORMED;
  *chat = found;
  return SCHAT_OK;
}

int schat_api_decode_file(schat_bytes tl, schat_encrypted_file *file) {
  schat__reader r;
  schat_encrypted_file found;
  if (file == NULL) return SCHAT_E_INVALID;
  if (!schat__api_begin(&r, tl)) return SCHAT_E_MALFORMED;
  schat__api_file(&r, &found);
  if (!schat__reader_done(&r)) return SCHAT_E_MALFORMED;
  *file = found;
  return SCHAT_OK;
}

int schat_api_decode_message(schat_bytes tl, schat_encrypted_message *message) {
  schat__reader r;
  schat_encrypted_message found;
  if (message == NULL) return SCHAT_E_INVALID;
  if (message->size != sizeof *message) return SCHAT_E_ABI;
  if (!schat__api_begin(&r, tl)) return SCHAT_E_MALFORMED;
  schat__api_message(&r, &found);
  if (!schat__reader_done(&r)) return SCHAT_E_MALFORMED;
  *message = found;
  return SCHAT_OK;
}

int schat_api_decode_update(schat_bytes tl, schat_update *update) {
  schat__reader r;
  schat_update found;
  if (update == NULL) return SCHAT_E_INVALID;
  if (update->size != sizeof *update) return SCHAT_E_ABI;
  if (!schat__api_begin(&r, tl)) return SCHAT_E_MALFORMED;
  if (!schat__api_update(&r, &found)) return SCHAT_IGNORED;
  if (!schat__reader_done(&r)) return SCHAT_E_MALFORMED;
  *update = found;
  return SCHAT_OK;
}

int schat_api_decode_state(schat_bytes tl, int32_t *pts, int32_t *qts, int32_t *date, int32_t *seq) {
  schat__reader r;
  int32_t found[5];
  size_t i;
  if (pts == NULL || qts == NULL || date == NULL || seq == NULL) return SCHAT_E_INVALID;
  if (!schat__api_begin(&r, tl) || schat__read32(&r) != ID_STATE) return SCHAT_E_MALFORMED;
  for (i = 0; i < 5; i++) found[i] = schat__api_int(&r);
  if (!schat__reader_done(&r)) return SCHAT_E_MALFORMED;
  *pts = found[0];
  *qts = found[1];
  *date = found[2];
  *seq = found[3];
  return SCHAT_OK;
}

/* storage.FileType: unknown, partial, jpeg, gif, png, pdf, mp3, mov, mp4, webp; all without fields. */
static int is_file_type(uint32_t id) {
  static const uint32_t ids[] = {0xaa963b05u, 0x40bc6f52u, 0x007efe0eu, 0xcae1aadfu, 0x0a4f63c0u,
                                 0xae1e508du, 0x528a0677u, 0x4b09ebbcu, 0xb3cea0e4u, 0x1081464cu};
  size_t i;
  for (i = 0; i < sizeof ids / sizeof ids[0]; i++) {
    if (ids[i] == id) return 1;
  }
  return 0;
}

int schat_api_decode_file_part(schat_bytes tl, schat_bytes *bytes) {
  schat__reader r;
  schat_bytes found;
  if (bytes == NULL) return SCHAT_E_INVALID;
  if (!schat__api_begin(&r, tl) || schat__read32(&r) != ID_UPLOAD_FILE) return SCHAT_E_MALFORMED;
  if (!is_file_type(schat__read32(&r))) return SCHAT_E_MALFORMED;
  (void)schat__api_int(&r); /* mtime */
  found = schat__api_bytes(&r);
  if (!schat__reader_done(&r)) return SCHAT_E_MALFORMED;
  *bytes = found;
  return SCHAT_OK;
}
