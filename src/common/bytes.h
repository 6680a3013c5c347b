/* SPDX-License-Identifier: BSL-1.0
 * bytes.h - little-endian loads and stores, whatever the byte order and alignment of the machine. */
#ifndef SCHAT_COMMON_BYTES_H
#define SCHAT_COMMON_BYTES_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t schat__load32(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t schat__load64(const uint8_t *p) {
  return (uint64_t)schat__load32(p) | (uint64_t)schat__load32(p + 4) << 32;
}

static inline void schat__store32(uint8_t *p, uint32_t v) {
  p[0] = (uint8_t)v;
  p[1] = (uint8_t)(v >> 8);
  p[2] = (uint8_t)(v >> 16);
  p[3] = (uint8_t)(v >> 24);
}

static inline void schat__store64(uint8_t *p, uint64_t v) {
  schat__store32(p, (uint32_t)v);
  schat__store32(p + 4, (uint32_t)(v >> 32));
}

/* The two's complement value of a 32- or 64-bit pattern, without implementation-defined conversion. */
static inline int32_t schat__int32(uint32_t v) {
  return v <= INT32_MAX ? (int32_t)v : -(int32_t)(UINT32_MAX - v) - 1;
}

static inline int64_t schat__int64(uint64_t v) {
  return v <= INT64_MAX ? (int64_t)v : -(int64_t)(UINT64_MAX - v) - 1;
}

#endif
