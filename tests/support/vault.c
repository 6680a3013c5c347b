/* SPDX-License-Identifier: BSL-1.0
 * vault.c - see vault.h. */
#include "vault.h"

#include <stdlib.h>
#include <string.h>

#include "chat/chat.h"
#include "world.h"

static schat__crypto *crypto;
static schat__sealer *sealer;

static void must(int condition) {
  if (!condition) abort();
}

static void need_sealer(void) {
  if (sealer != NULL) return;
  must(schat__crypto_new(NULL, NULL, NULL, &crypto) == SCHAT_OK);
  must(schat__sealer_new(NULL, crypto, world_storage_key(), &sealer) == SCHAT_OK);
}

void vault_close(void) {
  schat__sealer_free(sealer);
  schat__crypto_free(crypto);
  sealer = NULL;
  crypto = NULL;
}

uint8_t *vault_open(const schat_record *record, size_t *size) {
  uint8_t aad[SCHAT__AAD_SIZE], *plain;
  need_sealer();
  if (record->value.size < SCHAT__SEAL_OVERHEAD) return NULL;
  *size = record->value.size - SCHAT__SEAL_OVERHEAD;
  plain = malloc(*size + 1);
  must(plain != NULL);
  schat__record_aad(aad, record->kind, record->chat_id, record->key);
  if (schat__unseal(sealer, aad, sizeof aad, record->value.data, record->value.size, plain) == 1) return plain;
  free(plain);
  return NULL;
}

uint8_t *vault_get(const memstore *m, uint32_t kind, int32_t chat_id, int64_t key, size_t *size) {
  schat_record record;
  return memstore_get(m, kind, chat_id, key, &record) ? vault_open(&record, size) : NULL;
}

void vault_put(memstore *m, uint32_t kind, int32_t chat_id, int64_t key, const void *plain, size_t size) {
  uint8_t aad[SCHAT__AAD_SIZE], *sealed = malloc(size + SCHAT__SEAL_OVERHEAD);
  schat_record record;
  must(sealed != NULL);
  need_sealer();
  schat__record_aad(aad, kind, chat_id, key);
  must(schat__seal(sealer, aad, sizeof aad, plain, size, sealed) == SCHAT_OK);
  record.kind = kind;
  record.chat_id = chat_id;
  record.key = key;
  record.value.data = sealed;
  record.value.size = size + SCHAT__SEAL_OVERHEAD;
  memstore_put(m, &record);
  free(sealed);
}

size_t vault_find(const memstore *m, const void *needle, size_t size) {
  schat_record record;
  size_t i, at, n = 0;
  for (i = 0; memstore_record(m, i, &record); i++) {
    size_t plain_size = 0;
    uint8_t *plain = vault_open(&record, &plain_size);
    must(plain != NULL);
    for (at = 0; at + size <= plain_size; at++) n += memcmp(plain + at, needle, size) == 0;
    free(plain);
  }
  return n;
}

size_t vault_find_text(const memstore *m, const char *text) {
  return vault_find(m, text, strlen(text));
}
