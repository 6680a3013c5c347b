/* SPDX-License-Identifier: BSL-1.0
 * store.c - see store.h. */
#define _GNU_SOURCE /* memmem */
#include "store.h"

#include <stdlib.h>
#include <string.h>

static void *must(void *p) {
  if (p == NULL) abort();
  return p;
}

static int compare(const store_record *a, uint32_t kind, int32_t chat_id, int64_t key) {
  if (a->kind != kind) return a->kind < kind ? -1 : 1;
  if (a->chat_id != chat_id) return a->chat_id < chat_id ? -1 : 1;
  if (a->key != key) return a->key < key ? -1 : 1;
  return 0;
}

static size_t place_of(const store *s, uint32_t kind, int32_t chat_id, int64_t key, int *found) {
  size_t low = 0, high = s->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (compare(&s->records[middle], kind, chat_id, key) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  *found = low < s->count && compare(&s->records[low], kind, chat_id, key) == 0;
  return low;
}

/* Salt, counter and tag make every sealed value another one: its name and its tag are enough. */
static uint64_t digest_of(const store_record *r) {
  uint64_t h = UINT64_C(0x9e3779b97f4a7c15) ^ r->kind, tag = 0;
  if (r->kind == SCHAT_RECORD_ACCOUNT || r->kind == SCHAT_RECORD_EVENT) return 0;
  if (r->size >= 8) memcpy(&tag, r->value + r->size - 8, 8);
  h = (h ^ (uint32_t)r->chat_id) * UINT64_C(0xbf58476d1ce4e5b9);
  h = (h ^ (h >> 29) ^ (uint64_t)r->key) * UINT64_C(0x94d049bb133111eb);
  h = (h ^ (h >> 31) ^ tag) * UINT64_C(0xff51afd7ed558ccd);
  return h ^ (h >> 32);
}

static void set_value(store_record *r, const uint8_t *data, size_t size) {
  if (r->capacity < size) {
    r->capacity = size + size / 4 + 32;
    free(r->value);
    r->value = must(malloc(r->capacity));
  }
  r->size = size;
  if (size > 0) memcpy(r->value, data, size);
}

static void keep_spare(store *s, const store_record *r) {
  if (s->spare_count == s->spare_capacity) {
    s->spare_capacity = s->spare_capacity * 2 + 16;
    s->spare = must(realloc(s->spare, s->spare_capacity * sizeof *s->spare));
  }
  s->spare[s->spare_count++] = *r;
}

static store_record fresh(store *s) {
  store_record r;
  memset(&r, 0, sizeof r);
  if (s->spare_count > 0) r = s->spare[--s->spare_count];
  return r;
}

static void count_in(store *s, const store_record *r, int sign) {
  s->digest ^= digest_of(r);
  if (r->kind < STORE_KINDS) s->count_of[r->kind] += (size_t)sign;
  s->bytes += (size_t)sign * r->size;
}

static void remove_at(store *s, size_t at) {
  count_in(s, &s->records[at], -1);
  keep_spare(s, &s->records[at]);
  s->count--;
  memmove(&s->records[at], &s->records[at + 1], (s->count - at) * sizeof *s->records);
}

static void insert_at(store *s, size_t at, uint32_t kind, int32_t chat_id, int64_t key) {
  store_record r = fresh(s);
  if (s->count == s->capacity) {
    s->capacity = s->capacity * 2 + 64;
    s->records = must(realloc(s->records, s->capacity * sizeof *s->records));
  }
  memmove(&s->records[at + 1], &s->records[at], (s->count - at) * sizeof *s->records);
  s->count++;
  r.kind = kind;
  r.chat_id = chat_id;
  r.key = key;
  r.size = 0;
  s->records[at] = r;
}

static void apply_one(store *s, uint32_t kind, int32_t chat_id, int64_t key, const uint8_t *data, size_t size) {
  int found;
  size_t at = place_of(s, kind, chat_id, key, &found);
  if (size == 0) {
    if (found) remove_at(s, at);
    return;
  }
  if (found) count_in(s, &s->records[at], -1);
  if (!found) insert_at(s, at, kind, chat_id, key);
  set_value(&s->records[at], data, size);
  count_in(s, &s->records[at], 1);
}

void store_apply(store *s, const schat_record *records, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const schat_record *r = &records[i];
    apply_one(s, r->kind, r->chat_id, r->key, r->value.data, r->value.size);
  }
}

void store_wait(store *s, const schat_batch *batch, sim_batch_note *note) {
  store_batch *b;
  if (s->pending_count == s->pending_capacity) {
    s->pending_capacity = s->pending_capacity * 2 + 8;
    s->pending = must(realloc(s->pending, s->pending_capacity * sizeof *s->pending));
  }
  b = &s->pending[s->pending_count++];
  b->ticket = batch->ticket;
  b->count = batch->record_count;
  b->note = note;
  b->generation = batch->generation;
  b->records = must(calloc(b->count + 1, sizeof *b->records));
  for (size_t i = 0; i < b->count; i++) {
    const schat_record *r = &batch->records[i];
    b->records[i].kind = r->kind;
    b->records[i].chat_id = r->chat_id;
    b->records[i].key = r->key;
    set_value(&b->records[i], r->value.data, r->value.size);
  }
}

uint64_t store_settle(store *s, int durable, sim_batch_note **note) {
  store_batch b;
  if (s->pending_count == 0) return 0;
  b = s->pending[0];
  s->pending_count--;
  memmove(s->pending, s->pending + 1, s->pending_count * sizeof b);
  for (size_t i = 0; i < b.count; i++) {
    store_record *r = &b.records[i];
    if (durable) apply_one(s, r->kind, r->chat_id, r->key, r->value, r->size);
    free(r->value);
  }
  if (durable) s->generation = b.generation;
  free(b.records);
  *note = b.note;
  return b.ticket;
}

int store_scan(const store *s, int reverse, schat_record_fn fn, void *arg) {
  int status = 0;
  for (size_t i = 0; status == 0 && i < s->count; i++) {
    const store_record *r = &s->records[reverse ? s->count - 1 - i : i];
    schat_record record = {r->kind, r->chat_id, r->key, {r->value, r->size}};
    status = fn(arg, &record);
  }
  return status;
}

const store_record *store_get(const store *s, uint32_t kind, int32_t chat_id, int64_t key) {
  int found;
  size_t at = place_of(s, kind, chat_id, key, &found);
  return found ? &s->records[at] : NULL;
}

size_t store_find(const store *s, int32_t chat_id, const void *needle, size_t size) {
  size_t n = 0;
  for (size_t i = 0; i < s->count; i++) {
    const store_record *r = &s->records[i];
    if (chat_id != 0 && r->chat_id != 0 && r->chat_id != chat_id) continue;
    n += memmem(r->value, r->size, needle, size) != NULL;
  }
  return n;
}

void store_close(store *s) {
  sim_batch_note *note;
  while (s->pending_count > 0) (void)store_settle(s, 0, &note);
  for (size_t i = 0; i < s->count; i++) free(s->records[i].value);
  for (size_t i = 0; i < s->spare_count; i++) free(s->spare[i].value);
  free(s->records);
  free(s->spare);
  free(s->pending);
  memset(s, 0, sizeof *s);
}

void store_clear(store *s) {
  sim_batch_note *note;
  while (s->pending_count > 0) (void)store_settle(s, 0, &note);
  while (s->count > 0) remove_at(s, s->count - 1);
  s->generation = 0;
}

void store_copy(store *s, const store *from) {
  store_clear(s);
  for (size_t i = 0; i < from->count; i++) {
    const store_record *r = &from->records[i];
    apply_one(s, r->kind, r->chat_id, r->key, r->value, r->size);
  }
  s->generation = from->generation;
}
