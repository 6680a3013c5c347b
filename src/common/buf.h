/* SPDX-License-Identifier: BSL-1.0
 * buf.h - bounded writing and reading of flat little-endian fields; errors stick, so that one check at the end is enough. */
#ifndef SCHAT_COMMON_BUF_H
#define SCHAT_COMMON_BUF_H

#include <stddef.h>
#include <stdint.h>

/* Writes into memory of the caller. Past its end nothing is written, but `size` goes on counting: a first pass over no memory
 * at all measures what a second one needs. */
typedef struct {
  uint8_t *data; /* may be NULL when capacity is 0 */
  size_t capacity;
  size_t size;
} schat__writer;

static inline int schat__writer_fits(const schat__writer *w) { return w->size <= w->capacity; }
void schat__write8(schat__writer *w, uint8_t v);
void schat__write32(schat__writer *w, uint32_t v);
void schat__write64(schat__writer *w, uint64_t v);
void schat__write_raw(schat__writer *w, const void *data, size_t size);
void schat__write_blob(schat__writer *w, const void *data, size_t size); /* 32-bit length, then the bytes */

/* Reads from memory of the caller. After the first read past the end `failed` is set and every read gives zero. */
typedef struct {
  const uint8_t *data;
  size_t size;
  size_t at;
  int failed;
} schat__reader;

uint8_t schat__read8(schat__reader *r);
uint32_t schat__read32(schat__reader *r);
uint64_t schat__read64(schat__reader *r);
void schat__read_raw(schat__reader *r, void *out, size_t size);
const uint8_t *schat__read_span(schat__reader *r, size_t size);       /* NULL when it is not there */
const uint8_t *schat__read_blob(schat__reader *r, size_t *size);      /* 32-bit length, then the bytes */
static inline int schat__reader_done(const schat__reader *r) { return !r->failed && r->at == r->size; }

#endif
