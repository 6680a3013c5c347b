/* SPDX-License-Identifier: BSL-1.0
 * api_encode.c - writes the bodies of the API methods around secret chats. */
#include "api.h"

/* One body is written twice: over no memory to measure it, then for good, so that a buffer that is too small stays untouched. */
typedef struct {
  const schat_request *request;
  int64_t user_access_hash;
  int64_t id, offset;
  int64_t access_hash;
  int32_t chat_id, part, parts, limit;
  int flag;
  schat_bytes bytes;
  const schat_input_file *file;
} arguments;

typedef void (*body_fn)(schat__writer *w, const arguments *a);

static int emit(body_fn body, const arguments *a, uint8_t *out, size_t capacity, size_t *size) {
  schat__writer w = {NULL, 0, 0};
  if (size == NULL) return SCHAT_E_INVALID;
  body(&w, a);
  *size = w.size;
  if (out == NULL || w.size > capacity) return SCHAT_E_BUFFER;
  w.data = out;
  w.capacity = capacity;
  w.size = 0;
  body(&w, a);
  return SCHAT_OK;
}

static void write_id(schat__writer *w, uint32_t id) {
  schat__write32(w, id);
}

static void write_int(schat__writer *w, int32_t v) {
  schat__write32(w, (uint32_t)v);
}

static void write_long(schat__writer *w, int64_t v) {
  schat__write64(w, (uint64_t)v);
}

static void write_bool(schat__writer *w, int v) {
  write_id(w, v ? SCHAT__API_TRUE : SCHAT__API_FALSE);
}

static void write_bytes(schat__writer *w, const void *data, size_t size) {
  size_t written = size + (size < 254 ? 1 : 4);
  if (size < 254) {
    schat__write8(w, (uint8_t)size);
  } else {
    schat__write32(w, 254u | (uint32_t)size << 8);
  }
  if (size != 0) schat__write_raw(w, data, size);
  for (; written % 4 != 0; written++) schat__write8(w, 0);
}

/* inputEncryptedChat */
static void write_peer(schat__writer *w, int32_t chat_id, int64_t access_hash) {
  write_id(w, 0xf141b5e1u);
  write_int(w, chat_id);
  write_long(w, access_hash);
}

static size_t md5_length(const schat_input_file *file) {
  size_t n = 0;
  while (n < sizeof file->md5_checksum && file->md5_checksum[n] != 0) n++;
  return n;
}

/* InputEncryptedFile, of a kind that may be sent. */
static void write_file(schat__writer *w, const schat_input_file *file) {
  if (file->type == SCHAT_INPUT_FILE_EXISTING) {
    write_id(w, 0x5a17b5e5u);
    write_long(w, file->id);
    write_long(w, file->access_hash);
    return;
  }
  write_id(w, file->type == SCHAT_INPUT_FILE_BIG ? 0x2dc173c8u : 0x64bd0306u);
  write_long(w, file->id);
  write_int(w, file->parts);
  if (file->type == SCHAT_INPUT_FILE_UPLOADED) write_bytes(w, file->md5_checksum, md5_length(file));
  write_int(w, file->key_fingerprint);
}

static int is_file(const schat_input_file *file) {
  switch (file->type) {
    case SCHAT_INPUT_FILE_UPLOADED:
      return file->id != 0 && file->parts > 0 && md5_length(file) < sizeof file->md5_checksum;
    case SCHAT_INPUT_FILE_BIG:
      return file->id != 0 && file->parts > 0;
    case SCHAT_INPUT_FILE_EXISTING:
      return file->id != 0;
    default:
      return 0;
  }
}

static int is_data(schat_bytes bytes) {
  return bytes.data != NULL && bytes.size != 0 && bytes.size <= SCHAT__API_STRING_MAX;
}

/* Requests ----------------------------------------------------------------------------------------------------------------- */

static void write_get_dh_config(schat__writer *w, const arguments *a) {
  write_id(w, 0x26cf8950u);
  write_int(w, a->request->version);
  write_int(w, a->request->random_length);
}

static void write_request_encryption(schat__writer *w, const arguments *a) {
  write_id(w, 0xf64daf43u);
  write_id(w, 0xf21158c6u); /* inputUser */
  write_long(w, a->request->user_id);
  write_long(w, a->user_access_hash);
  write_int(w, (int32_t)a->request->random_id);
  write_bytes(w, a->request->data.data, a->request->data.size);
}

static void write_accept_encryption(schat__writer *w, const arguments *a) {
  write_id(w, 0x3dbc0415u);
  write_peer(w, a->request->chat_id, a->request->access_hash);
  write_bytes(w, a->request->data.data, a->request->data.size);
  write_long(w, a->request->key_fingerprint);
}

static void write_discard_encryption(schat__writer *w, const arguments *a) {
  write_id(w, 0xf393aea0u);
  write_int(w, a->request->delete_history != 0);
  write_int(w, a->request->chat_id);
}

/* What the two methods for messages of users begin with. */
static void write_send_head(schat__writer *w, const schat_request *request) {
  write_int(w, request->silent != 0);
  write_peer(w, request->chat_id, request->access_hash);
  write_long(w, request->random_id);
  write_bytes(w, request->data.data, request->data.size);
}

static void write_send_encrypted(schat__writer *w, const arguments *a) {
  write_id(w, 0x44fa7a15u);
  write_send_head(w, a->request);
}

static void write_send_file(schat__writer *w, const arguments *a) {
  write_id(w, 0x5559481du);
  write_send_head(w, a->request);
  write_file(w, &a->request->file);
}

static void write_send_service(schat__writer *w, const arguments *a) {
  write_id(w, 0x32d439a4u);
  write_peer(w, a->request->chat_id, a->request->access_hash);
  write_long(w, a->request->random_id);
  write_bytes(w, a->request->data.data, a->request->data.size);
}

static void write_set_typing(schat__writer *w, const arguments *a) {
  write_id(w, 0x791451edu);
  write_peer(w, a->request->chat_id, a->request->access_hash);
  write_bool(w, a->request->typing);
}

static void write_read_history(schat__writer *w, const arguments *a) {
  write_id(w, 0x7f4b690au);
  write_peer(w, a->request->chat_id, a->request->access_hash);
  write_int(w, a->request->max_date);
}

static void write_received_queue(schat__writer *w, const arguments *a) {
  write_id(w, 0x55a5bb66u);
  write_int(w, a->request->qts);
}

static void write_report_spam(schat__writer *w, const arguments *a) {
  write_id(w, 0x4b0c8c0fu);
  write_peer(w, a->request->chat_id, a->request->access_hash);
}

/* pts is of the host's own cloud: it comes in the place of the user's access hash. */
static void write_get_difference(schat__writer *w, const arguments *a) {
  write_id(w, 0x19c2f763u);
  write_int(w, 0);
  write_int(w, a->user_access_hash == 0 ? 1 : (int32_t)a->user_access_hash);
  write_int(w, a->request->date);
  write_int(w, a->request->qts);
}

static const struct {
  const char *name;
  body_fn body;
} methods[] = {{NULL, NULL},
               {"messages.getDhConfig", write_get_dh_config},
               {"messages.requestEncryption", write_request_encryption},
               {"messages.acceptEncryption", write_accept_encryption},
               {"messages.discardEncryption", write_discard_encryption},
               {"messages.sendEncrypted", write_send_encrypted},
               {"messages.sendEncryptedFile", write_send_file},
               {"messages.sendEncryptedService", write_send_service},
               {"messages.setEncryptedTyping", write_set_typing},
               {"messages.readEncryptedHistory", write_read_history},
               {"messages.receivedQueue", write_received_queue},
               {"messages.reportEncryptedSpam", write_report_spam},
               {"updates.getDifference", write_get_difference}};

const char *schat_api_method_name(int32_t request_type) {
  if (request_type < SCHAT_REQUEST_GET_DH_CONFIG || request_type > SCHAT_REQUEST_GET_DIFFERENCE) return NULL;
  return methods[request_type].name;
}

static int is_send(const schat_request *request) {
  return request->chat_id != 0 && request->random_id != 0 && is_data(request->data);
}

/* Whether the fields that the method cannot do without are there. */
static int is_complete(const schat_request *q, int64_t user_access_hash) {
  switch (q->type) {
    case SCHAT_REQUEST_GET_DH_CONFIG:
      return q->version >= 0 && q->random_length >= 0;
    case SCHAT_REQUEST_REQUEST_ENCRYPTION:
      return q->user_id != 0 && q->random_id != 0 && q->random_id >= INT32_MIN && q->random_id <= INT32_MAX && is_data(q->data);
    case SCHAT_REQUEST_ACCEPT_ENCRYPTION:
      return q->chat_id != 0 && is_data(q->data);
    case SCHAT_REQUEST_SEND_ENCRYPTED:
    case SCHAT_REQUEST_SEND_SERVICE:
      return is_send(q);
    case SCHAT_REQUEST_SEND_ENCRYPTED_FILE:
      return is_send(q) && is_file(&q->file);
    case SCHAT_REQUEST_RECEIVED_QUEUE:
      return q->qts >= 0;
    case SCHAT_REQUEST_GET_DIFFERENCE:
      return q->qts >= 0 && q->date >= 0 && user_access_hash >= 0 && user_access_hash <= INT32_MAX;
    default: /* DISCARD_ENCRYPTION, SET_TYPING, READ_HISTORY, REPORT_SPAM */
      return q->chat_id != 0;
  }
}

int schat_api_encode_request(const schat_request *request, int64_t user_access_hash, uint8_t *out, size_t capacity, size_t *size) {
  arguments a = {0};
  if (request == NULL) return SCHAT_E_INVALID;
  if (request->size != sizeof *request) return SCHAT_E_ABI;
  if (schat_api_method_name(request->type) == NULL || !is_complete(request, user_access_hash)) return SCHAT_E_INVALID;
  a.request = request;
  a.user_access_hash = user_access_hash;
  return emit(methods[request->type].body, &a, out, capacity, size);
}

/* Files -------------------------------------------------------------------------------------------------------------------- */

#define PART_MAX 524288u  /* bytes of one part that the server takes */
#define LIMIT_MAX 1048576 /* and of one that it gives */

static void write_save_file_part(schat__writer *w, const arguments *a) {
  write_id(w, a->flag ? 0xde7b673du : 0xb304a621u);
  write_long(w, a->id);
  write_int(w, a->part);
  if (a->flag) write_int(w, a->parts);
  write_bytes(w, a->bytes.data, a->bytes.size);
}

int schat_api_encode_save_file_part(int64_t file_id, int32_t part, int32_t total_parts, int big, schat_bytes bytes, uint8_t *out,
                                    size_t capacity, size_t *size) {
  arguments a = {0};
  if (file_id == 0 || part < 0 || !is_data(bytes) || bytes.size > PART_MAX) return SCHAT_E_INVALID;
  if (big && part >= total_parts) return SCHAT_E_INVALID;
  a.id = file_id;
  a.part = part;
  a.parts = total_parts;
  a.flag = big != 0;
  a.bytes = bytes;
  return emit(write_save_file_part, &a, out, capacity, size);
}

static void write_upload_encrypted_file(schat__writer *w, const arguments *a) {
  write_id(w, 0x5057c497u);
  write_peer(w, a->chat_id, a->access_hash);
  write_file(w, a->file);
}

int schat_api_encode_upload_encrypted_file(int32_t chat_id, int64_t access_hash, const schat_input_file *file, uint8_t *out,
                                           size_t capacity, size_t *size) {
  arguments a = {0};
  if (chat_id == 0 || file == NULL || !is_file(file)) return SCHAT_E_INVALID;
  a.chat_id = chat_id;
  a.access_hash = access_hash;
  a.file = file;
  return emit(write_upload_encrypted_file, &a, out, capacity, size);
}

static void write_get_file(schat__writer *w, const arguments *a) {
  write_id(w, 0xbe5335beu);
  write_int(w, 0);
  write_id(w, 0xf5235d55u); /* inputEncryptedFileLocation */
  write_long(w, a->id);
  write_long(w, a->access_hash);
  write_long(w, a->offset);
  write_int(w, a->limit);
}

int schat_api_encode_get_file(const schat_encrypted_file *file, int64_t offset, int32_t limit, uint8_t *out, size_t capacity,
                              size_t *size) {
  arguments a = {0};
  if (file == NULL || file->id == 0 || offset < 0 || limit <= 0 || limit > LIMIT_MAX) return SCHAT_E_INVALID;
  a.id = file->id;
  a.access_hash = file->access_hash;
  a.offset = offset;
  a.limit = limit;
  return emit(write_get_file, &a, out, capacity, size);
}

/* State and account -------------------------------------------------------------------------------------------------------- */

static void write_get_state(schat__writer *w, const arguments *a) {
  (void)a;
  write_id(w, 0xedd4882au);
}

int schat_api_encode_get_state(uint8_t *out, size_t capacity, size_t *size) {
  arguments a = {0};
  return emit(write_get_state, &a, out, capacity, size);
}

/* Only encrypted_requests_disabled, bit 0, is stated. */
static void write_accept_requests(schat__writer *w, const arguments *a) {
  write_id(w, 0x40f48462u);
  write_int(w, 1);
  write_long(w, a->id);
  write_bool(w, !a->flag);
}

int schat_api_encode_accept_requests(int64_t session_hash, int accept, uint8_t *out, size_t capacity, size_t *size) {
  arguments a = {0};
  a.id = session_hash;
  a.flag = accept != 0;
  return emit(write_accept_requests, &a, out, capacity, size);
}
