/* SPDX-License-Identifier: BSL-1.0
 * record_load.c - target: the readers of stored records, and the seal around them. What is read is written back byte for byte; what is refused
 * leaves nothing allocated; a sealed value opens as it was made, and in no other form.
 *
 * Input: what (the kind of a record, 9 for sealed bytes, 10 for a seal made wrong; the high bit: the key of an EARLY message), then the record. */
#include <stdlib.h>
#include <string.h>

#include "chat/chat.h"
#include "common/bytes.h"
#include "fuzz.h"

#define RECORD_MAX 8192u
#define EARLY_KEY (INT64_C(1) << 32)

#define CHAT_FLAGS_AT 5u                                                  /* of a CHAT record: the flags, some of which are not stored */
#define KEYS_HAS_AT (1u + 8u + 8u + SCHAT__DH_SIZE + SCHAT_KEY_HASH_SIZE) /* of KEYS: 1 when secrets follow; read as any number but 0 */
#define MD5_END_AT 107u                                                   /* of OUTBOX: the last byte of the checksum, always zero */

static schat__env env;
static size_t blocks;
static uint8_t expected[RECORD_MAX + 64], written[RECORD_MAX + 64];

static void *allocate(void *user_data, size_t size) {
  (void)user_data;
  blocks++;
  return malloc(size);
}

static void release(void *user_data, void *memory) {
  (void)user_data;
  blocks--;
  free(memory);
}

static int is_refusal(int status) {
  return status == SCHAT_E_CORRUPT || status == SCHAT_E_VERSION;
}

/* The record is the only form of what it says. */
static void same_back(const schat__writer *w, size_t size) {
  FUZZ_MUST(w->size == size && memcmp(written, expected, size) == 0);
}

static void check_chat(schat__reader *r, schat__writer *w) {
  schat__chat chat;
  memset(&chat, 0, sizeof chat);
  int status = schat__chat_read(r, &chat);
  if (status != SCHAT_OK) {
    FUZZ_MUST(is_refusal(status));
    return;
  }
  schat__store32(expected + CHAT_FLAGS_AT, schat__load32(expected + CHAT_FLAGS_AT) & ~SCHAT__FLAGS_VOLATILE);
  schat__chat_write(w, &chat);
  same_back(w, r->size);
  FUZZ_MUST(schat__acked_find(&chat, chat.acked_end) == -1);
  for (int32_t i = 0; i < chat.acked_count; i++) FUZZ_MUST(schat__acked_find(&chat, chat.acked_end - chat.acked_count + i) >= 0);
}

static void check_keys(schat__reader *r, schat__writer *w) {
  schat__slot slot;
  memset(&slot, 0, sizeof slot);
  int status = schat__keys_read(&env, r, &slot);
  FUZZ_MUST(status == SCHAT_OK || is_refusal(status));
  if (status == SCHAT_OK) {
    if (expected[KEYS_HAS_AT] != 0) expected[KEYS_HAS_AT] = 1;
    schat__keys_write(w, &slot);
    same_back(w, r->size);
  }
  schat__free(env.mem, slot.secrets, sizeof *slot.secrets);
}

static void check_item(schat__reader *r, schat__writer *w, uint32_t kind, int64_t key) {
  schat__item *item = NULL;
  int64_t key_back = 0;
  int status = schat__item_read(&env, r, kind, key, &item);
  if (status != SCHAT_OK) {
    FUZZ_MUST(is_refusal(status) && item == NULL);
    return;
  }
  FUZZ_MUST(schat__item_record(item, &key_back) == kind && key_back == key);
  if (kind == SCHAT_RECORD_OUTBOX) expected[MD5_END_AT] = 0;
  schat__item_write(w, item);
  same_back(w, r->size);
  schat__item_free(&env, item);
}

static void write_event(schat__writer *w, const schat__event *e) {
  const int32_t numbers[] = {e->type, e->chat_id, e->reason, e->date, e->value, e->old_chat_id, e->place, e->error_code, e->notify};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) schat__write32(w, (uint32_t)numbers[i]);
  schat__write64(w, (uint64_t)e->random_id);
  schat__write64(w, (uint64_t)e->file.id);
  schat__write64(w, (uint64_t)e->file.access_hash);
  schat__write64(w, (uint64_t)e->file.size);
  schat__write32(w, (uint32_t)e->file.dc_id);
  schat__write32(w, (uint32_t)e->file.key_fingerprint);
  schat__write32(w, (uint32_t)e->random_id_count);
  for (size_t i = 0; i < e->random_id_count; i++) schat__write64(w, (uint64_t)e->random_ids[i]);
  schat__write_blob(w, e->object.data, e->object.size);
  schat__write_blob(w, e->error_text.data, e->error_text.size);
}

static void check_event(const schat__reader *r, schat__writer *w) {
  const uint8_t *data = NULL;
  size_t size = 0;
  schat__event event;
  int status = schat__event_read(r->data, r->size, &data, &size);
  if (status == SCHAT_OK) status = schat__event_decode(&env.arena, data, size, &event);
  FUZZ_MUST(status == SCHAT_OK || is_refusal(status));
  if (status == SCHAT_OK) {
    FUZZ_MUST(env.arena.taken <= r->size + 16 && fuzz_within(event.object, r->data, r->size) &&
              fuzz_within(event.error_text, r->data, r->size));
    schat__write8(w, SCHAT__RECORD_VERSION);
    write_event(w, &event);
    same_back(w, r->size);
  }
  schat__arena_reset(&env.arena);
}

static void check_account(schat__reader *r, schat__writer *w) {
  schat__account account;
  memset(&account, 0, sizeof account);
  int status = schat__account_read(r, &account);
  FUZZ_MUST(status == SCHAT_OK || is_refusal(status));
  if (status != SCHAT_OK) return;
  schat__account_write(w, &account);
  same_back(w, r->size);
}

static void check_config(schat__reader *r, schat__writer *w) {
  schat__config config;
  memset(&config, 0, sizeof config);
  int status = schat__config_read(r, &config);
  FUZZ_MUST(status == SCHAT_OK || is_refusal(status));
  if (status != SCHAT_OK) return;
  schat__config_write(w, &config);
  same_back(w, r->size);
}

/* The seal ------------------------------------------------------------------------------------------------------------------ */

static schat__sealer *sealer(void) {
  static const uint8_t storage_key[SCHAT_STORAGE_KEY_SIZE] = {3, 1, 4, 1, 5};
  static schat__sealer *made;
  if (made == NULL) FUZZ_MUST(schat__sealer_new(NULL, fuzz_crypto(1), storage_key, &made) == SCHAT_OK);
  return made;
}

/* Nothing that was not sealed opens. Salts of the input's own choice cost a key each. */
static void check_sealed(const uint8_t *data, size_t size) {
  uint8_t aad[SCHAT__AAD_SIZE];
  schat__record_aad(aad, 1, 2, 3);
  memset(written, 0x77, sizeof written);
  FUZZ_MUST(schat__unseal(sealer(), aad, sizeof aad, data, size, written) == 0);
  for (size_t i = 0; size >= SCHAT__SEAL_OVERHEAD && i < size - SCHAT__SEAL_OVERHEAD; i++) FUZZ_MUST(written[i] == 0);
  FUZZ_MUST(written[size > SCHAT__SEAL_OVERHEAD ? size - SCHAT__SEAL_OVERHEAD : 0] == 0x77);
}

/* A true seal opens; with one bit, its length or its place changed it does not. */
static void check_seal_made_wrong(const uint8_t *data, size_t size) {
  uint8_t aad[SCHAT__AAD_SIZE];
  fuzz_input in = {data, size};
  const uint32_t where = fuzz_take32(&in);
  const schat_bytes plain = fuzz_rest(&in, RECORD_MAX - SCHAT__SEAL_OVERHEAD);
  const size_t sealed_size = plain.size + SCHAT__SEAL_OVERHEAD;
  schat__record_aad(aad, where & 7, 2, 3);
  FUZZ_MUST(schat__seal(sealer(), aad, sizeof aad, plain.data, plain.size, expected) == SCHAT_OK);
  FUZZ_MUST(schat__unseal(sealer(), aad, sizeof aad, expected, sealed_size, written) == 1);
  FUZZ_MUST(fuzz_same(written, plain.data, plain.size));
  if ((where & 8) != 0) {
    aad[where % sizeof aad] ^= (uint8_t)(1u << (where >> 8) % 8);
  } else if ((where & 16) != 0) {
    const size_t shorter = where % sealed_size;
    FUZZ_MUST(schat__unseal(sealer(), aad, sizeof aad, expected, shorter, written) == 0);
    return;
  } else {
    expected[(where >> 5) % sealed_size] ^= (uint8_t)(1u << (where >> 2) % 8);
  }
  FUZZ_MUST(schat__unseal(sealer(), aad, sizeof aad, expected, sealed_size, written) == 0);
}

/* --------------------------------------------------------------------------------------------------------------------------- */

static void check_record(unsigned what, const uint8_t *data, size_t size) {
  schat__reader r = {data, size, 0, 0};
  schat__writer w = {written, sizeof written, 0};
  const int64_t key = (what & 0x80) != 0 ? EARLY_KEY + 5 : 5;
  if (size > 0) memcpy(expected, data, size);
  switch (what & 0x0f) {
    case SCHAT_RECORD_ACCOUNT:
      check_account(&r, &w);
      break;
    case SCHAT_RECORD_CHAT:
      check_chat(&r, &w);
      break;
    case SCHAT_RECORD_KEYS:
      check_keys(&r, &w);
      break;
    case SCHAT_RECORD_DH_CONFIG:
      check_config(&r, &w);
      break;
    case SCHAT_RECORD_OUTBOX:
    case SCHAT_RECORD_GAP:
    case SCHAT_RECORD_TIMER:
      check_item(&r, &w, what & 0x0f, key);
      break;
    case SCHAT_RECORD_EVENT:
      check_event(&r, &w);
      break;
    case 9:
      check_sealed(data, size);
      break;
    case 10:
      check_seal_made_wrong(data, size);
      break;
    default:
      break;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1 || size > RECORD_MAX) return 0;
  if (env.mem == NULL) {
    env.allocator.allocate = allocate;
    env.allocator.release = release;
    env.mem = &env.allocator;
    schat__arena_init(&env.arena, NULL, 1 << 20);
  }
  const size_t before = blocks;
  check_record(data[0], data + 1, size - 1);
  FUZZ_MUST(blocks == before);
  return 0;
}
