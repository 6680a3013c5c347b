/* SPDX-License-Identifier: BSL-1.0
 * wire.h - TL strings, on top of the flat reader and writer. */
#ifndef SCHAT_TL_WIRE_H
#define SCHAT_TL_WIRE_H

#include "../common/buf.h"
#include "secretchat/secretchat.h"

#define SCHAT__TL_STRING_MAX 0xffffffu
#define SCHAT__TL_VECTOR_ID 0x1cb5c415u

/* Reads a string in its one canonical form: the shorter length, zeros up to the next multiple of 4. Anything else fails the
 * reader. The bytes are borrowed; data is not NULL, even when empty. */
static inline schat_bytes schat__tl_read_string(schat__reader *r) {
  schat_bytes s = {NULL, 0};
  const uint8_t *head = schat__read_span(r, 4);
  if (head == NULL) return s;
  const size_t head_size = head[0] == 254 ? 4 : 1;
  const size_t size = head[0] == 254 ? (size_t)head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16 : head[0];
  const size_t padded = (head_size + size + 3) / 4 * 4;
  if (head[0] == 255 || (head_size == 4 && size < 254) || schat__read_span(r, padded - 4) == NULL) {
    r->failed = 1;
    return s;
  }
  for (size_t i = head_size + size; i < padded; i++) {
    if (head[i] != 0) r->failed = 1;
  }
  s.data = head + head_size;
  s.size = size;
  return s;
}

/* Writes a string of at most SCHAT__TL_STRING_MAX bytes. */
static inline void schat__tl_write_string(schat__writer *w, schat_bytes s) {
  static const uint8_t zeros[3] = {0, 0, 0};
  const size_t head_size = s.size < 254 ? 1 : 4;
  if (s.size < 254) {
    schat__write8(w, (uint8_t)s.size);
  } else {
    schat__write32(w, 254u | (uint32_t)s.size << 8);
  }
  schat__write_raw(w, s.data, s.size);
  schat__write_raw(w, zeros, (4 - (head_size + s.size) % 4) % 4);
}

#endif
