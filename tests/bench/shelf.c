/* SPDX-License-Identifier: BSL-1.0
 * shelf.c - a schat_store in memory: an open hash table of records whose buffers are kept and used again. */
#include "shelf.h"

#include <stdlib.h>
#include <string.h>

#include "measure.h"

#define SLOTS_FIRST 256u /* a power of two; more when half of them are taken */
#define SMALLEST 64u
#define CLASSES 20u

typedef struct buffer {
  struct buffer *next;
} buffer;

typedef struct {
  uint32_t kind;
  int32_t chat_id;
  int64_t key;
  uint8_t *value;
  size_t size; /* 0: no record */
  unsigned class;
} slot;

struct shelf {
  schat_store store;
  size_t count, slots_count;
  slot *slots;
  buffer *spare[CLASSES]; /* of SMALLEST << class bytes: the last one given back is the next one taken */
};

static unsigned class_of(size_t size) {
  unsigned class = 0;
  while (((size_t)SMALLEST << class) < size) class++;
  must(class < CLASSES, "a record of that size");
  return class;
}

static uint8_t *take_buffer(shelf *s, unsigned class) {
  buffer *b = s->spare[class];
  if (b == NULL) {
    b = malloc((size_t)SMALLEST << class);
    must(b != NULL, "memory");
  } else {
    s->spare[class] = b->next;
  }
  return (uint8_t *)b;
}

static void give_buffer(shelf *s, unsigned class, uint8_t *value) {
  buffer *b = (buffer *)(void *)value;
  b->next = s->spare[class];
  s->spare[class] = b;
}

static size_t place_of(const shelf *s, uint32_t kind, int32_t chat_id, int64_t key) {
  uint64_t x = ((uint64_t)kind << 56) ^ ((uint64_t)(uint32_t)chat_id << 24) ^ (uint64_t)key;
  x *= UINT64_C(0x9e3779b97f4a7c15);
  return (size_t)(x >> 40) & (s->slots_count - 1u);
}

/* Where the record is or would be. */
static size_t find(const shelf *s, uint32_t kind, int32_t chat_id, int64_t key) {
  for (size_t at = place_of(s, kind, chat_id, key);; at = (at + 1) & (s->slots_count - 1u)) {
    const slot *here = &s->slots[at];
    if (here->size == 0 || (here->kind == kind && here->chat_id == chat_id && here->key == key)) return at;
  }
}

/* Those behind the hole that would not be found any more come forward. */
static void take_out(shelf *s, size_t hole) {
  const size_t mask = s->slots_count - 1u;
  give_buffer(s, s->slots[hole].class, s->slots[hole].value);
  for (size_t at = (hole + 1) & mask; s->slots[at].size > 0; at = (at + 1) & mask) {
    const size_t home = place_of(s, s->slots[at].kind, s->slots[at].chat_id, s->slots[at].key);
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    s->slots[hole] = s->slots[at];
    hole = at;
  }
  s->slots[hole].size = 0;
  s->count--;
}

static void grow(shelf *s) {
  slot *old = s->slots;
  const size_t count = s->slots_count;
  s->slots_count = count == 0 ? SLOTS_FIRST : count * 2;
  s->slots = calloc(s->slots_count, sizeof *s->slots);
  must(s->slots != NULL, "memory");
  for (size_t i = 0; i < count; i++) {
    if (old[i].size > 0) s->slots[find(s, old[i].kind, old[i].chat_id, old[i].key)] = old[i];
  }
  free(old);
}

static void put(shelf *s, const schat_record *r) {
  const size_t at = find(s, r->kind, r->chat_id, r->key);
  slot *here = &s->slots[at];
  if (r->value.size == 0) {
    if (here->size > 0) take_out(s, at);
    return;
  }
  const unsigned class = class_of(r->value.size);
  if (here->size == 0) s->count++;
  if (here->size > 0 && here->class != class) give_buffer(s, here->class, here->value);
  if (here->size == 0 || here->class != class) here->value = take_buffer(s, class);
  memcpy(here->value, r->value.data, r->value.size);
  here->size = r->value.size;
  here->class = class;
  here->kind = r->kind;
  here->chat_id = r->chat_id;
  here->key = r->key;
  if (s->count * 2 > s->slots_count) grow(s);
}

static int commit(void *user_data, const schat_batch *batch) {
  for (size_t i = 0; i < batch->record_count; i++) put(user_data, &batch->records[i]);
  return SCHAT_OK;
}

static int scan(void *user_data, schat_record_fn fn, void *arg) {
  const shelf *s = user_data;
  for (size_t i = 0; i < s->slots_count; i++) {
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
  grow(s);
  SCHAT_INIT(s->store);
  s->store.user_data = s;
  s->store.commit = commit;
  s->store.scan = scan;
  for (size_t i = 0; image != NULL && memstore_record(image, i, &record); i++) put(s, &record);
  return s;
}

void shelf_free(shelf *s) {
  for (size_t i = 0; i < s->slots_count; i++) {
    if (s->slots[i].size > 0) free(s->slots[i].value);
  }
  for (unsigned class = 0; class < CLASSES; class++) {
    while (s->spare[class] != NULL) {
      buffer *b = s->spare[class];
      s->spare[class] = b->next;
      free(b);
    }
  }
  free(s->slots);
  free(s);
}

const schat_store *shelf_store(shelf *s) {
  return &s->store;
}
