/* SPDX-License-Identifier: BSL-1.0
 * buf.c - bounded writers and readers of little-endian fields. */
#include "buf.h"

#include <string.h>

#include "bytes.h"

/* Room for `size` bytes, or NULL past the end. The count never wraps: once it is at SIZE_MAX it stays there. */
static uint8_t *reserve(schat__writer *w, size_t size) {
  size_t at = w->size;
  w->size = size > SIZE_MAX - at ? SIZE_MAX : at + size;
  return size > 0 && w->size <= w->capacity ? w->data + at : NULL;
}

void schat__write8(schat__writer *w, uint8_t v) {
  uint8_t *p = reserve(w, 1);
  if (p != NULL) *p = v;
}

void schat__write32(schat__writer *w, uint32_t v) {
  uint8_t *p = reserve(w, 4);
  if (p != NULL) schat__store32(p, v);
}

void schat__write64(schat__writer *w, uint64_t v) {
  uint8_t *p = reserve(w, 8);
  if (p != NULL) schat__store64(p, v);
}

void schat__write_raw(schat__writer *w, const void *data, size_t size) {
  uint8_t *p = reserve(w, size);
  if (p != NULL) memcpy(p, data, size);
}

void schat__write_blob(schat__writer *w, const void *data, size_t size) {
  if (size > UINT32_MAX) {
    w->size = SIZE_MAX; /* no length field can say it: the writer never fits again */
    return;
  }
  schat__write32(w, (uint32_t)size);
  schat__write_raw(w, data, size);
}

const uint8_t *schat__read_span(schat__reader *r, size_t size) {
  if (r->failed || size > r->size - r->at || (r->data == NULL && size > 0)) {
    r->failed = 1;
    return NULL;
  }
  static const uint8_t nothing[1] = {0};
  const uint8_t *p = r->data != NULL ? r->data + r->at : nothing; /* an empty span is there, even in no memory */
  r->at += size;
  return p;
}

uint8_t schat__read8(schat__reader *r) {
  const uint8_t *p = schat__read_span(r, 1);
  return p != NULL ? *p : 0;
}

uint32_t schat__read32(schat__reader *r) {
  const uint8_t *p = schat__read_span(r, 4);
  return p != NULL ? schat__load32(p) : 0;
}

uint64_t schat__read64(schat__reader *r) {
  const uint8_t *p = schat__read_span(r, 8);
  return p != NULL ? schat__load64(p) : 0;
}

void schat__read_raw(schat__reader *r, void *out, size_t size) {
  if (size == 0) return;
  const uint8_t *p = schat__read_span(r, size);
  if (p != NULL) {
    memcpy(out, p, size);
  } else {
    memset(out, 0, size);
  }
}

const uint8_t *schat__read_blob(schat__reader *r, size_t *size) {
  uint32_t length = schat__read32(r);
  const uint8_t *p = schat__read_span(r, length);
  *size = p != NULL ? length : 0;
  return p;
}
