/* SPDX-License-Identifier: BSL-1.0
 * store_open.c - target: a store whose records are authentic and say anything: opening refuses it with a status that fits and keeps nothing, or
 * gives an account whose chats keep their invariants through what follows.
 *
 * Input: changes to the image, then steps. */
#include <stdlib.h>
#include <string.h>

#include "bench/ops.h"
#include "fuzz.h"
#include "vault.h"

#define CHANGES_MAX 6u
#define STEPS_MAX 10u
#define PLAIN_MAX 4096u

/* Bytes written over the plaintext from some place on, its end cut or grown. */
static size_t spoil(uint8_t *plain, size_t size, fuzz_input *in) {
  const unsigned how = fuzz_take8(in);
  size_t at = how & 1 ? fuzz_take8(in) : fuzz_below(in, (uint32_t)size + 1);
  const schat_bytes bytes = fuzz_bytes(in, 64);
  if (at > size) at = size;
  if (how < 32) return at;
  if (at + bytes.size > PLAIN_MAX) return size;
  if (bytes.size > 0) memcpy(plain + at, bytes.data, bytes.size);
  return how >= 224 || at + bytes.size > size ? at + bytes.size : size;
}

static void change(bench *b, fuzz_input *in) {
  static uint8_t plain[PLAIN_MAX];
  schat_record record;
  const unsigned how = fuzz_take8(in);
  const size_t count = memstore_count(b->store, 0), which = count == 0 ? 0 : fuzz_below(in, (uint32_t)count);
  size_t size = 0;
  if (!memstore_record(b->store, which, &record)) return;
  uint8_t *opened = vault_open(&record, &size);
  if (opened == NULL) return;
  if (size > PLAIN_MAX) size = PLAIN_MAX;
  memcpy(plain, opened, size);
  free(opened);
  uint32_t kind = record.kind;
  int32_t chat_id = record.chat_id;
  int64_t key = record.key;
  if (how < 16) {
    memstore_flip_bit(b->store, which, fuzz_take32(in) % (record.value.size * 8));
    return;
  }
  if (how < 32) {
    memstore_truncate(b->store, which, fuzz_take32(in) % record.value.size);
    return;
  }
  if (how < 200) size = spoil(plain, size, in);
  if (how >= 190 && how < 200) kind = 1 + fuzz_below(in, 9);
  if (how >= 200 && how < 220) chat_id = how < 210 ? bench_chat_ids()[fuzz_take8(in) % BENCH_CHATS] : fuzz_int(in);
  if (how >= 220 && how < 240) key = fuzz_long(in);
  if (how >= 240) {
    record.value.size = 0;
    memstore_put(b->store, &record);
    return;
  }
  vault_put(b->store, kind, chat_id, key, plain, size);
}

static void live(bench *b, fuzz_input *in) {
  FUZZ_MUST(schat_tick(b->manager, b->now) >= 0);
  for (unsigned i = 0; i < STEPS_MAX && in->size > 0; i++) {
    const unsigned what = fuzz_take8(in);
    if (what < 80) op_peer(b, in, 0);
    if (what >= 80 && what < 120) op_fact(b, in);
    if (what >= 120 && what < 160) op_command(b, in);
    if (what >= 160) bench_drain(b);
    b->now += INT64_C(1) << (what % 32);
    FUZZ_MUST(schat_tick(b->manager, b->now) >= 0);
  }
  bench_drain(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static bench b;
  fuzz_input in = {data, size};
  const unsigned flags = fuzz_take8(&in), changes = 1 + fuzz_take8(&in) % CHANGES_MAX;
  bench_prepare(&b, fuzz_digest(data, size), 0, flags);
  b.hostile_store = 1;
  for (unsigned i = 0; i < changes; i++) change(&b, &in);
  int status = bench_open(&b);
  FUZZ_MUST(status == SCHAT_OK || status == SCHAT_E_CORRUPT || status == SCHAT_E_VERSION || status == SCHAT_E_KEY);
  if (status == SCHAT_OK) live(&b, &in);
  bench_end(&b);
  return 0;
}
