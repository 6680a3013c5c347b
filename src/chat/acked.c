/* SPDX-License-Identifier: BSL-1.0
 * acked.c - the numbers of messages the peer has confirmed lately (D-07): for each the in_seq_no it carried, as one varint that says how
 * much it grew. Their content is gone. */
#include <string.h>

#include "chat.h"

/* Reads a varint; returns its length. */
static unsigned read_growth(const uint8_t *p, uint32_t *growth) {
  unsigned n = 0;
  *growth = 0;
  do {
    *growth |= (uint32_t)(p[n] & 0x7f) << (7 * n);
  } while (p[n++] & 0x80 && n < 5);
  return n;
}

static unsigned write_growth(uint8_t *p, uint32_t growth) {
  unsigned n = 0;
  while (growth > 0x7f) {
    p[n++] = (uint8_t)(growth | 0x80);
    growth >>= 7;
  }
  p[n++] = (uint8_t)growth;
  return n;
}

static void drop_oldest(schat__chat *chat) {
  uint32_t growth;
  unsigned n;
  if (--chat->acked_count == 0) return;
  n = read_growth(chat->acked, &growth);
  chat->acked_base += (int32_t)growth;
  chat->acked_size = (uint8_t)(chat->acked_size - n);
  memmove(chat->acked, chat->acked + n, chat->acked_size);
}

void schat__acked_add(schat__chat *chat, int32_t out_seq, int32_t in_seq, unsigned keep) {
  if (keep == 0) return;
  while (chat->acked_count >= keep) drop_oldest(chat);
  if (chat->acked_count == 0 || chat->acked_end != out_seq || in_seq < chat->acked_last) {
    chat->acked_count = 1;
    chat->acked_size = 0;
    chat->acked_base = in_seq;
  } else {
    uint8_t growth[5];
    const unsigned n = write_growth(growth, (uint32_t)(in_seq - chat->acked_last));
    while (chat->acked_size + n > SCHAT__ACKED_SIZE) drop_oldest(chat);
    memcpy(chat->acked + chat->acked_size, growth, n);
    chat->acked_size = (uint8_t)(chat->acked_size + n);
    chat->acked_count++;
  }
  chat->acked_last = in_seq;
  chat->acked_end = out_seq + 1;
}

int schat__acked_holds(const schat__chat *chat) {
  int64_t in_seq = chat->acked_base;
  unsigned i, read = 0;
  uint32_t growth;
  if (chat->acked_count == 0) return 1;
  if (chat->acked_count > SCHAT__KEEP_ACKED_MAX || chat->acked_size > SCHAT__ACKED_SIZE || chat->acked_base < 0) return 0;
  if (chat->acked_end < chat->acked_count || chat->acked_end > chat->out_seq) return 0;
  for (i = 1; i < chat->acked_count; i++) {
    unsigned n = 0;
    while (n < 4 && read + n < chat->acked_size && (chat->acked[read + n] & 0x80)) n++;
    if (read + n >= chat->acked_size || (chat->acked[read + n] & 0x80)) return 0;
    read += read_growth(chat->acked + read, &growth);
    in_seq += growth;
  }
  return read == chat->acked_size && in_seq == chat->acked_last;
}

int32_t schat__acked_find(const schat__chat *chat, int32_t out_seq) {
  int32_t in_seq = chat->acked_base, at = chat->acked_end - chat->acked_count;
  unsigned read = 0;
  uint32_t growth;
  if (out_seq < at || out_seq >= chat->acked_end) return -1;
  for (; at < out_seq; at++) {
    read += read_growth(chat->acked + read, &growth);
    in_seq += (int32_t)growth;
  }
  return in_seq;
}
