/* SPDX-License-Identifier: BSL-1.0
 * print.c - turns requests and events of the library into lines. */
#include "print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/common/mem.h"
#include "../../src/tl/tl.h"
#include "text.h"

void print_log(void *user_data, int level, const char *text) {
  (void)user_data;
  (void)level;
  printf("log ");
  text_put_plain(text, strlen(text));
  putchar('\n');
}

void print_status(peer *p, int status) {
  if (status == SCHAT_OK || status == SCHAT_PENDING) return;
  if (status == SCHAT_REJECTED) {
    p->owes_reason = 1;
  } else if (status < 0) {
    printf("log error %s\n", schat_status_name(status));
  } else {
    printf("log %s\n", schat_status_name(status));
  }
}

void print_owed_reason(peer *p) {
  if (p->owes_reason) puts("rejected without_reason");
  p->owes_reason = 0;
}

/* Requests ----------------------------------------------------------------------------------------------------------------- */

/* The request's body; the caller frees *out. */
static int encode(const peer *p, const schat_request *request, uint8_t **out, size_t *out_size) {
  size_t size = 0;
  int64_t access_hash = request->type == SCHAT_REQUEST_REQUEST_ENCRYPTION ? p->user_access_hash : 0;
  int status = schat_api_encode_request(request, access_hash, NULL, 0, &size);
  if (status != SCHAT_E_BUFFER) return status == SCHAT_OK ? SCHAT_E_INVALID : status;
  uint8_t *bytes = text_grow(NULL, size);
  status = schat_api_encode_request(request, access_hash, bytes, size, &size);
  if (status != SCHAT_OK) {
    free(bytes);
    return status;
  }
  *out = bytes;
  *out_size = size;
  return SCHAT_OK;
}

void print_request(peer *p, const schat_request *request) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  if (request->type == SCHAT_REQUEST_GET_DIFFERENCE) { /* lines carry no positions in the queue, so nobody could answer it */
    puts("log updates are missing");
    return;
  }
  uint64_t qid = peer_qid(p, request->token);
  peer_remember_query(p, qid, request->type);
  int status = encode(p, request, &bytes, &size);
  if (status != SCHAT_OK) {
    printf("log error %s in a request of type %" PRId32 "\n", schat_status_name(status), request->type);
    return;
  }
  printf("query %" PRIu64 " %s ", qid, schat_api_method_name(request->type));
  text_put_hex((schat_bytes){bytes, size});
  free(bytes);
  if (request->after != 0) printf(" after=%" PRIu64, peer_qid(p, request->after));
  putchar('\n');
}

/* Events ------------------------------------------------------------------------------------------------------------------- */

static const char *reject_word(int32_t reason) {
  static const char *const words[] = {
      "none",  "not_authentic", "unknown_key", "malformed",    "random_bytes", "layer",           "unknown_chat",
      "state", "identity",      "dh_config",   "dh_value",     "dh_reused",    "key_fingerprint", "exchange",
      "limit", "too_large",     "mtproto1",    "dh_not_fresh", "aborted",      "expired",
  };
  if (reason < 0 || (size_t)reason >= sizeof words / sizeof words[0]) return "unknown_reason";
  return words[reason];
}

static const char *state_word(int32_t state) {
  if (state == SCHAT_STATE_READY) return "Active";
  if (state == SCHAT_STATE_CLOSED) return "Closed";
  return "Waiting";
}

static int is_zero(const uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (bytes[i] != 0) return 0;
  }
  return 1;
}

static void print_state(const schat_chat_info *info) {
  schat_bytes hash = {info->key_hash, SCHAT_KEY_HASH_SIZE};
  if (is_zero(hash.data, hash.size)) hash.size = 0;
  printf("state %s layer=%" PRId32 " ttl=%" PRId32 " outbound=%d access_hash=%" PRId64 " key_hash=", state_word(info->state),
         info->peer_layer, info->ttl, (info->flags & SCHAT_CHAT_ORIGINATOR) != 0, info->access_hash);
  text_put_hex(hash);
  putchar('\n');
}

static const char *media_of(const schat__tl_object *message) {
  for (size_t i = 0; i < message->constructor->field_count; i++) {
    const schat__tl_object *media = message->fields[i].object;
    if (strcmp(schat__tl_field_of(message->constructor, i)->name, "media") == 0 && media != NULL) return media->constructor->name;
  }
  return "decryptedMessageMediaEmpty";
}

/* The constructor that stood on the wire, which the public model does not tell. */
static const char *media_name(schat_bytes raw) {
  schat__arena arena;
  schat__tl_object *message = NULL;
  size_t used = 0;
  const char *name = "unreadable";
  schat__arena_init(&arena, NULL, TEXT_LINE_MAX);
  if (schat__tl_decode(&arena, SCHAT__TYPE_DecryptedMessage, raw.data, raw.size, &message, &used) == SCHAT_OK) name = media_of(message);
  schat__arena_free(&arena);
  return name;
}

static void print_message(const schat_event *event) {
  printf("message random_id=%" PRId64 " text=", event->message->random_id);
  text_put_hex(event->message->text);
  printf(" ttl=%" PRId32 " media=%s dump=", event->message->ttl, media_name(event->raw));
  text_put_hex(event->raw);
  putchar('\n');
}

static void print_id_list(const char *word, const schat_event *event) {
  printf("%s", word);
  for (size_t i = 0; i < event->random_id_count; i++) printf(" %" PRId64, event->random_ids[i]);
  if (event->random_id_count == 0) printf(" %" PRId64, event->random_id);
  putchar('\n');
}

static void print_each_id(const char *word, const schat_event *event) {
  for (size_t i = 0; i < event->random_id_count; i++) printf("%s %" PRId64 "\n", word, event->random_ids[i]);
}

static void print_send_error(const schat_event *event) {
  printf("send_error %" PRId64 " %" PRId32 " ", event->random_id, event->error_code);
  text_put_plain((const char *)event->error_text.data, event->error_text.size);
  putchar('\n');
}

/* The timer is part of the state. */
static void print_ttl(const peer *p, const schat_event *event) {
  schat_chat_info info;
  SCHAT_INIT(info);
  printf("set_ttl %" PRId32 " %" PRId64 "\n", event->value, event->random_id);
  if (schat_chat_get_info(p->manager, event->chat_id, &info) == SCHAT_OK) print_state(&info);
}

static void print_rejected(peer *p, const schat_event *event) {
  printf("rejected %s\n", reject_word(event->reason));
  p->owes_reason = 0;
}

/* Events that are told, but for which the lines have no word. */
static void print_remark(const schat_event *event) {
  switch (event->type) {
    case SCHAT_EVENT_UNSUPPORTED:
      puts("log unsupported message");
      break;
    case SCHAT_EVENT_CHAT_MOVED:
      puts("log chat moved");
      break;
    case SCHAT_EVENT_DELIVERED:
      puts("log delivered");
      break;
    case SCHAT_EVENT_READ:
      printf("log read up to %" PRId32 "\n", event->date);
      break;
    case SCHAT_EVENT_TYPING:
      printf("log typing %" PRId32 "\n", event->value);
      break;
    case SCHAT_EVENT_REKEYED:
      puts("log rekeyed");
      break;
    case SCHAT_EVENT_REKEY_FAILED:
      printf("log rekeying failed: %s\n", reject_word(event->reason));
      break;
    case SCHAT_EVENT_GAP:
      printf("log gap %" PRId32 "\n", event->value);
      break;
    case SCHAT_EVENT_GAP_STUCK:
      puts("log gap stuck");
      break;
    case SCHAT_EVENT_PEER_STUCK:
      puts("log peer stuck");
      break;
    case SCHAT_EVENT_PEER_NEWER_LAYER:
      printf("log peer has layer %" PRId32 "\n", event->value);
      break;
    case SCHAT_EVENT_PEER_TOO_OLD:
      puts("log peer too old");
      break;
    case SCHAT_EVENT_IN_SEQ_NO_REPAIRED:
      puts("log in_seq_no repaired");
      break;
    case SCHAT_EVENT_ACCOUNT_GONE:
      puts("log account gone");
      break;
    default:
      printf("log event %" PRId32 "\n", event->type);
      break;
  }
}

void print_event(peer *p, const schat_event *event) {
  switch (event->type) {
    case SCHAT_EVENT_CHAT:
    case SCHAT_EVENT_INVITED:
    case SCHAT_EVENT_CLOSED:
      print_state(event->info);
      break;
    case SCHAT_EVENT_MESSAGE:
      print_message(event);
      break;
    case SCHAT_EVENT_SENT:
      printf("sent %" PRId64 " %" PRId32 "\n", event->random_id, event->date);
      break;
    case SCHAT_EVENT_SEND_FAILED:
      print_send_error(event);
      break;
    case SCHAT_EVENT_DELETED:
    case SCHAT_EVENT_EXPIRED:
      print_id_list("deleted", event);
      break;
    case SCHAT_EVENT_HISTORY_FLUSHED:
      puts("flush");
      break;
    case SCHAT_EVENT_OPENED:
      print_each_id("read", event);
      break;
    case SCHAT_EVENT_SCREENSHOT:
      print_id_list("screenshot", event);
      break;
    case SCHAT_EVENT_TTL:
      print_ttl(p, event);
      break;
    case SCHAT_EVENT_REJECTED:
      print_rejected(p, event);
      break;
    default:
      print_remark(event);
      break;
  }
}
