/* SPDX-License-Identifier: BSL-1.0
 * buf.c - blobs: what of writers and readers is more than a field. */
#include "buf.h"

void schat__write_blob(schat__writer *w, const void *data, size_t size) {
  if (size > UINT32_MAX) {
    w->size = SIZE_MAX; /* no length field can say it: the writer never fits again */
    return;
  }
  schat__write32(w, (uint32_t)size);
  schat__write_raw(w, data, size);
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
