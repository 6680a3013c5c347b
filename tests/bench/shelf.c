/* SPDX-License-Identifier: BSL-1.0
 * shelf.c - a schat_store in memory: an open hash table of records whose buffers are kept and used again. */
#include "shelf.h"

#include <stdlib.h>
#include <string.h>

#include "measure.h"

#define SLOTS 65536u /* a power of two */

typedef struct {
  uint32_t kind;
  int32_t chat_id;
  int64_t key;
  uint8_t *value;
  size_t size, capacity; /* size 0: no record */
} slot;

struct shelf {
  schat_store store;
  size_t count;
  slot slots[SLOTS];
};

static size_t place_of(uint32_t kind, int32_t chat_id, int64_t key) {
  uint64_t x = ((uint64_t)kind << 56) ^ ((uint64_t)(uint32_t)chat_id << 24) ^ (uint64_t)key;
  x *= UINT64_C(0x9e3779b97f4a7c15);
  return (size_t)(x >> 40) & (SLOTS - 1u);
}

/* Where the record is or would be. */
static size_t find(const shelf *s, const schat_record *r) {
  size_t at = place_of(r->kind, r->chat_id, r->key);
  for (;; at = (at + 1) & (SLOTS - 1u)) {
    const slot *here = &s->slots[at];
    if (here->size == 0 || (here->kind == r->kind && here->chat_id == r->chat_id && here->key == r->key)) return at;
  }
}

/* Those behind the hole that would not be found any more come forward, and the buffer stays with the hole. */
static void take_out(shelf *s, size_t hole) {
  for (size_t at = (hole + 1) & (SLOTS - 1u); s->slots[at].size > 0; at = (at + 1) & (SLOTS - 1u)) {
    const size_t home = place_of(s->slots[at].kind, s->slots[at].chat_id, s->slots[at].key);
    if (((at - home) & (SLOTS - 1u)) < ((at - hole) & (SLOTS - 1u))) continue;
    const slot moved = s->slots[at];
    s->slots[at] = s->slots[hole];
    s->slots[hole] = moved;
    hole = at;
  }
  s->slots[hole].size = 0;
  s->count--;
}

static void put(shelf *s, const schat_record *r) {
  const size_t at = find(s, r);
  slot *here = &s->slots[at];
  if (r->value.size == 0) {
    if (here->size > 0) take_out(s, at);
    return;
  }
  if (here->size == 0) must(++s->count < SLOTS / 2, "room on the shelf");
  if (here->capacity < r->value.size) {
    here->value = realloc(here->value, r->value.size);
    must(here->value != NULL, "memory");
    here->capacity = r->value.size;
  }
  memcpy(here->value, r->value.data, r->value.size);
  here->size = r->value.size;
  here->kind = r->kind;
  here->chat_id = r->chat_id;
  here->key = r->key;
}

static int commit(void *user_data, const schat_batch *batch) {
  for (size_t i = 0; i < batch->record_count; i++) put(user_data, &batch->records[i]);
  return SCHAT_OK;
}

static int scan(void *user_data, schat_record_fn fn, void *arg) {
  const shelf *s = user_data;
  for (size_t i = 0; i < SLOTS; i++) {
    const slot *here = &s->slots[i];
    if (here->size == 0) continue;
    const schat_record record = {here->kind, here->chat_id, here->key, {here->value, here->size}};
    const int status = fn(arg, &record);
    if (status != 0) return status;
  }
  return 0;
}

shelf *shelf_new(const memstore *image) {
  shelf *s = calloc(1, sizeof *s);
  schat_record record;
  must(s != NULL, "memory");
  SCHAT_INIT(s->store);
  s->store.user_data = s;
  s->store.commit = commit;
  s->store.scan = scan;
  for (size_t i = 0; image != NULL && memstore_record(image, i, &record); i++) put(s, &record);
  return s;
}

void shelf_free(shelf *s) {
  for (size_t i = 0; i < SLOTS; i++) free(s->slots[i].value);
  free(s);
}

const schat_store *shelf_store(shelf *s) {
  return &s->store;
}
