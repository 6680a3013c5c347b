/* SPDX-License-Identifier: BSL-1.0
 * trail.c - see trail.h. */
#include "trail.h"

#include <stdlib.h>
#include <string.h>

#include "plant.h"

#define ROWS 256u

typedef struct {
  int32_t type;     /* handshake requests; 0: a message */
  int32_t chat_id;
  int64_t name;     /* a message: its out_seq_no */
  int64_t random_id;
  int64_t fingerprint; /* of the key that seals it */
  uint64_t bytes;   /* FNV-1a of what left */
  uint64_t content; /* of what it says: wrapper and message */
  int erased;       /* it says that it is to be deleted (R-SEQ-21) */
} row;

static row rows[ROWS];
static size_t count;

void trail_clear(void) { count = 0; }

static uint64_t digest(uint64_t hash, schat_bytes bytes) {
  size_t i;
  for (i = 0; i < bytes.size; i++) hash = (hash ^ bytes.data[i]) * UINT64_C(0x100000001b3);
  return hash;
}

static uint64_t digest_of(schat_bytes bytes) { return digest(UINT64_C(0xcbf29ce484222325), bytes); }

/* Opens a message of ours as its receiver would. */
static void read_message(bench *b, const schat_request *request, row *r) {
  const schat__slot *slot = schat__table_find(&b->m->env.table, request->chat_id);
  const int64_t fingerprint = (int64_t)schat__load64(request->data.data);
  const uint8_t *key = slot == NULL ? NULL : schat__key_of(slot, fingerprint), *object;
  uint8_t *work = malloc(request->data.size);
  schat__crypto *crypto = NULL;
  schat__arena arena;
  schat__wrapper wrapper;
  schat__action action;
  schat_message message;
  size_t size;
  MUST(key != NULL, "a message leaves under a key that is not ours");
  if (work == NULL || schat__crypto_new(NULL, NULL, NULL, &crypto) != SCHAT_OK) abort();
  MUST(schat__envelope_open(crypto, key, fingerprint, 2, schat__is_originator(&slot->chat), request->data.data, request->data.size, work,
                            &object, &size) == 1, "a message leaves that does not open");
  MUST(schat__wrapper_decode(object, size, &wrapper) == SCHAT_OK, "a message leaves without a lawful wrapper");
  r->name = wrapper.out_seq_no;
  r->random_id = request->random_id;
  r->fingerprint = fingerprint;
  r->content = digest_of(wrapper.message) ^ (uint64_t)(uint32_t)wrapper.in_seq_no;
  schat__arena_init(&arena, NULL, SIZE_MAX);
  memset(&action, 0, sizeof action);
  SCHAT_INIT(message);
  MUST(schat__message_decode(&arena, wrapper.message, &message, &action) == SCHAT_OK, "a message leaves that cannot be read");
  r->erased = action.type == SCHAT__ACTION_DELETE;
  schat__arena_free(&arena);
  schat__crypto_free(crypto);
  free(work);
}

static row *find(const row *like) {
  size_t i;
  for (i = 0; i < count; i++) {
    if (rows[i].type == like->type && rows[i].chat_id == like->chat_id && rows[i].name == like->name) return &rows[i];
  }
  return NULL;
}

static void compare(const row *old, const row *new) {
  MUST(old->random_id == new->random_id, "number %lld leaves again under another random_id", (long long)new->name);
  if (old->content != new->content) {
    MUST(new->erased && !old->erased, "number %lld carries another content", (long long)new->name);
    return;
  }
  if (old->fingerprint == new->fingerprint) {
    MUST(old->bytes == new->bytes, "request of type %d, number %lld leaves again with other bytes", new->type, (long long)new->name);
  }
}

void trail_note(bench *b, const schat_request *request) {
  row r, *old;
  memset(&r, 0, sizeof r);
  r.chat_id = request->chat_id;
  if (request->type == SCHAT_REQUEST_REQUEST_ENCRYPTION || request->type == SCHAT_REQUEST_ACCEPT_ENCRYPTION) {
    r.type = request->type;
    r.content = digest_of(request->data);
  } else if (request->type >= SCHAT_REQUEST_SEND_ENCRYPTED && request->type <= SCHAT_REQUEST_SEND_SERVICE) {
    read_message(b, request, &r);
  } else {
    return;
  }
  r.bytes = digest_of(request->data);
  if (plant_is(PLANT_OTHER_BYTES) && explore_met()) r.bytes++;
  old = find(&r);
  if (old != NULL) compare(old, &r);
  MUST(old != NULL || count < ROWS, "more messages than the trail holds");
  if (old == NULL) old = &rows[count++];
  *old = r;
}
