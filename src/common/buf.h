/* SPDX-License-Identifier: BSL-1.0
 * buf.h - bounded writing and reading of flat little-endian fields; errors stick, so that one check at the end is enough. */
#ifndef SCHAT_COMMON_BUF_H
#define SCHAT_COMMON_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bytes.h"

/* Writes into memory of the caller. Past its end nothing is written, but `size` goes on counting: a first pass over no memory
 * at all measures what a second one needs. */
typedef struct {
  uint8_t *data; /* may be NULL when capacity is 0 */
  size_t capacity;
  size_t size;
} schat__writer;

static inline int schat__writer_fits(const schat__writer *w) { return w->size <= w->capacity; }

/* Room for `size` bytes, or NULL past the end. The count never wraps: once it is at SIZE_MAX it stays there. */
static inline uint8_t *schat__write_room(schat__writer *w, size_t size) {
  const size_t at = w->size;
  w->size = size > SIZE_MAX - at ? SIZE_MAX : at + size;
  return size > 0 && w->size <= w->capacity ? w->data + at : NULL;
}

/* Here and not in buf.c: a record is dozens of fields, each of them a few instructions. */
static inline void schat__write8(schat__writer *w, uint8_t v) {
  uint8_t *p = schat__write_room(w, 1);
  if (p != NULL) *p = v;
}

static inline void schat__write32(schat__writer *w, uint32_t v) {
  uint8_t *p = schat__write_room(w, 4);
  if (p != NULL) schat__store32(p, v);
}

static inline void schat__write64(schat__writer *w, uint64_t v) {
  uint8_t *p = schat__write_room(w, 8);
  if (p != NULL) schat__store64(p, v);
}

static inline void schat__write_raw(schat__writer *w, const void *data, size_t size) {
  uint8_t *p = schat__write_room(w, size);
  if (p != NULL) memcpy(p, data, size);
}

/* Fields in a row, where room for all of them has been taken at once: what comes after is returned. */
static inline uint8_t *schat__put8(uint8_t *p, uint8_t v) {
  *p = v;
  return p + 1;
}

static inline uint8_t *schat__put32(uint8_t *p, uint32_t v) {
  schat__store32(p, v);
  return p + 4;
}

static inline uint8_t *schat__put64(uint8_t *p, uint64_t v) {
  schat__store64(p, v);
  return p + 8;
}

void schat__write_blob(schat__writer *w, const void *data, size_t size); /* 32-bit length, then the bytes */

/* Reads from memory of the caller. After the first read past the end `failed` is set and every read gives zero. */
typedef struct {
  const uint8_t *data;
  size_t size;
  size_t at;
  int failed;
} schat__reader;

/* NULL when it is not there; an empty span is there, even in no memory. */
static inline const uint8_t *schat__read_span(schat__reader *r, size_t size) {
  static const uint8_t nothing[1] = {0};
  const uint8_t *p;
  if (r->failed || size > r->size - r->at || (r->data == NULL && size > 0)) {
    r->failed = 1;
    return NULL;
  }
  p = r->data != NULL ? r->data + r->at : nothing;
  r->at += size;
  return p;
}

static inline uint8_t schat__read8(schat__reader *r) {
  const uint8_t *p = schat__read_span(r, 1);
  return p != NULL ? *p : 0;
}

static inline uint32_t schat__read32(schat__reader *r) {
  const uint8_t *p = schat__read_span(r, 4);
  return p != NULL ? schat__load32(p) : 0;
}

static inline uint64_t schat__read64(schat__reader *r) {
  const uint8_t *p = schat__read_span(r, 8);
  return p != NULL ? schat__load64(p) : 0;
}

void schat__read_raw(schat__reader *r, void *out, size_t size);
const uint8_t *schat__read_blob(schat__reader *r, size_t *size);      /* 32-bit length, then the bytes */
static inline int schat__reader_done(const schat__reader *r) { return !r->failed && r->at == r->size; }

#endif
