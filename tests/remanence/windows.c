/* SPDX-License-Identifier: BSL-1.0
 * windows.c - an open hash table behind a bitmap that turns nearly every offset away at once. */
#include "windows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BITS 24u
#define DIFFERENT 7u

typedef struct {
  uint8_t bytes[WINDOW];
  uint32_t source; /* plus one; 0: empty */
} entry;

struct windows {
  uint64_t *seen; /* of the first eight bytes */
  entry *table;
  size_t count, capacity; /* a power of two */
};

static void *must(void *p) {
  if (p != NULL) return p;
  fputs("windows: no memory\n", stderr);
  exit(2);
}

static uint64_t first_eight(const uint8_t *p) {
  uint64_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

static uint64_t mix(uint64_t v) {
  return v * UINT64_C(0x9e3779b97f4a7c15);
}

windows *windows_new(void) {
  windows *w = must(calloc(1, sizeof *w));
  w->seen = must(calloc(1, (size_t)1 << (BITS - 3u)));
  w->capacity = 1u << 16;
  w->table = must(calloc(w->capacity, sizeof *w->table));
  return w;
}

void windows_free(windows *w) {
  if (w == NULL) return;
  free(w->seen);
  free(w->table);
  free(w);
}

void windows_clear(windows *w) {
  memset(w->seen, 0, (size_t)1 << (BITS - 3u));
  memset(w->table, 0, w->capacity * sizeof *w->table);
  w->count = 0;
}

size_t windows_count(const windows *w) {
  return w->count;
}

static entry *place_of(const windows *w, const uint8_t *bytes) {
  size_t i = (size_t)(mix(first_eight(bytes)) ^ mix(first_eight(bytes + 8)) >> 7) & (w->capacity - 1);
  while (w->table[i].source != 0 && memcmp(w->table[i].bytes, bytes, WINDOW) != 0) i = (i + 1) & (w->capacity - 1);
  return &w->table[i];
}

static void grow(windows *w) {
  entry *old = w->table;
  size_t capacity = w->capacity;
  w->capacity *= 2;
  w->table = must(calloc(w->capacity, sizeof *w->table));
  for (size_t i = 0; i < capacity; i++) {
    if (old[i].source != 0) *place_of(w, old[i].bytes) = old[i];
  }
  free(old);
}

static int tells_little(const uint8_t *bytes) {
  uint64_t seen[4] = {0, 0, 0, 0};
  unsigned different = 0;
  for (size_t i = 0; i < WINDOW; i++) {
    uint64_t bit = UINT64_C(1) << (bytes[i] & 63u);
    different += (seen[bytes[i] >> 6] & bit) == 0;
    seen[bytes[i] >> 6] |= bit;
  }
  return different < DIFFERENT;
}

static void add_one(windows *w, const windows *except, const uint8_t *bytes, uint32_t source) {
  if (tells_little(bytes) || (except != NULL && place_of(except, bytes)->source != 0)) return;
  if (2 * w->count >= w->capacity) grow(w);
  entry *e = place_of(w, bytes);
  if (e->source != 0) return;
  memcpy(e->bytes, bytes, WINDOW);
  e->source = source + 1;
  w->count++;
  uint64_t bit = mix(first_eight(bytes)) >> (64u - BITS);
  w->seen[bit / 64] |= UINT64_C(1) << bit % 64;
}

void windows_add(windows *w, const windows *except, const void *bytes, size_t size, uint32_t source) {
  const uint8_t *p = bytes;
  for (size_t i = 0; i + WINDOW <= size; i++) add_one(w, except, p + i, source);
}

size_t windows_search(const windows *w, const void *bytes, size_t size, windows_fn fn, void *arg) {
  const uint8_t *p = bytes;
  size_t found = 0;
  for (size_t i = 0; i + WINDOW <= size; i++) {
    uint64_t first = first_eight(p + i), bit;
    if (first == 0) continue;
    bit = mix(first) >> (64u - BITS);
    if ((w->seen[bit / 64] >> bit % 64 & 1u) == 0) continue;
    const entry *e = place_of(w, p + i);
    if (e->source == 0) continue;
    found++;
    if (fn != NULL) fn(arg, i, e->source - 1);
  }
  return found;
}
