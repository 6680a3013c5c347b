/* SPDX-License-Identifier: BSL-1.0
 * many.c - a store of many idle chats, each a copy of one with a past. */
#include "many.h"

#include <stdlib.h>
#include <time.h>

#include "../../src/chat/chat.h"

static double milliseconds(void) {
  struct timespec now;
  pair_must(timespec_get(&now, TIME_UTC) == TIME_UTC, "timespec_get");
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Chats with a past, in which everything has been confirmed to the first side. */
void make_real_chats(pair *p, int32_t ids[REAL_CHATS]) {
  for (size_t i = 0; i < REAL_CHATS; i++) {
    ids[i] = pair_chat(p, (int)(i % 2));
    for (size_t j = 0; j < 4; j++) {
      pair_say(p, 0, ids[i], 10 + i);
      pair_say(p, 1, ids[i], 20 + i);
    }
  }
}

typedef struct {
  schat__crypto *crypto;
  schat__sealer *sealer;
} cloner;

static void cloner_begin(cloner *c) {
  pair_must(schat__crypto_new(NULL, NULL, NULL, &c->crypto) == SCHAT_OK, "crypto");
  pair_must(schat__sealer_new(NULL, c->crypto, pair_storage_key, &c->sealer) == SCHAT_OK, "sealer");
}

static void cloner_end(cloner *c) {
  schat__sealer_free(c->sealer);
  schat__crypto_free(c->crypto);
}

/* Puts a record of one chat into a store as one of another. */
static void clone_record(cloner *c, const schat_record *from, memstore *to, int32_t chat_id) {
  uint8_t aad[SCHAT__AAD_SIZE], *plain = malloc(from->value.size), *sealed = malloc(from->value.size);
  schat_record record = *from;
  pair_must(plain != NULL && sealed != NULL && from->value.size > SCHAT__SEAL_OVERHEAD, "memory");
  schat__record_aad(aad, from->kind, from->chat_id, from->key);
  pair_must(schat__unseal(c->sealer, aad, sizeof aad, from->value.data, from->value.size, plain) == 1, "unseal");
  schat__record_aad(aad, from->kind, chat_id, from->key);
  pair_must(schat__seal(c->sealer, aad, sizeof aad, plain, from->value.size - SCHAT__SEAL_OVERHEAD, sealed) == SCHAT_OK, "seal");
  record.chat_id = chat_id;
  record.value.data = sealed;
  memstore_put(to, &record);
  free(plain);
  free(sealed);
}

/* The records of the account, without events that have been seen. */
memstore *account_of(const memstore *store) {
  memstore *account = memstore_new();
  schat_record record;
  for (size_t i = 0; memstore_record(store, i, &record); i++) {
    if (record.kind == SCHAT_RECORD_ACCOUNT || record.kind == SCHAT_RECORD_DH_CONFIG) memstore_put(account, &record);
  }
  return account;
}

memstore *many_chats(const memstore *store, const int32_t ids[REAL_CHATS], size_t count) {
  memstore *many = account_of(store);
  schat_record record;
  cloner c;
  cloner_begin(&c);
  for (size_t n = 0; n < count; n++) {
    for (size_t i = 0; memstore_record(store, i, &record); i++) {
      if (record.kind != SCHAT_RECORD_EVENT && record.chat_id == ids[n % REAL_CHATS]) clone_record(&c, &record, many, (int32_t)n + 1);
    }
  }
  cloner_end(&c);
  return many;
}

/* Every chat is there, ready, and the last one can send. */
static void check_chats(schat_manager *manager, size_t count) {
  size_t listed = 0;
  schat_chat_info info;
  schat_message message;
  pair_must(schat_chat_list(manager, NULL, 0, &listed) == SCHAT_OK && listed == count, "all chats");
  SCHAT_INIT(info);
  for (size_t i = 0; i < count; i++) {
    pair_must(schat_chat_get_info(manager, (int32_t)i + 1, &info) == SCHAT_OK, "schat_chat_get_info");
    pair_must(info.state == SCHAT_STATE_READY && info.unacknowledged == 0, "an idle chat");
  }
  schat_message_init(&message);
  message.text.data = (const uint8_t *)"x";
  message.text.size = 1;
  pair_must(schat_send(manager, (int32_t)count, &message, NULL, PAIR_NOW, NULL) == SCHAT_OK, "schat_send");
}

/* Bytes held for a store once it is open. */
size_t measure_chats(memstore *store, size_t chats, double *took) {
  pair_heap heap = {0};
  double begin = milliseconds();
  schat_manager *manager = pair_open(store, &heap, pair_storage_key);
  *took = milliseconds() - begin;
  size_t bytes = heap.bytes;
  if (chats > 0) check_chats(manager, chats);
  schat_close(manager);
  pair_must(heap.bytes == 0, "all memory given back");
  return bytes;
}
