/* SPDX-License-Identifier: BSL-1.0
 * envelopes.c - sizes, lengths and paddings of messages at their ends. */
#include "boundaries.h"
#include "common/bytes.h"
#include "envelope/envelope.h"

static uint8_t key[256];
static int64_t fingerprint;

/* The verdict on `total` bytes of plaintext whose length field says `length`. */
static int verdict_on(book *b, size_t total, uint32_t length) {
  static uint8_t message[8192], work[8192];
  const uint8_t *object = NULL;
  size_t size = 0;
  memset(message, 0x5a, 24 + total);
  schat__store32(message + 24, length);
  if (schat__envelope_seal(b->crypto, key, fingerprint, 1, message + 24, total, message) != SCHAT_OK) abort();
  return schat__envelope_open(b->crypto, key, fingerprint, 2, 1, message, 24 + total, work, &object, &size);
}

/* R-DEC-04: for every size the largest length leaves 12 bytes of padding, and the smallest 1,024. */
static void try_lengths(book *b) {
  for (int64_t total = 64; total <= 2560; total += 16) {
    const int64_t most = edge(b, total - 4 - 12, 4), least = edge(b, total - 4 - 1024, 4);
    for (int64_t step = -4; step <= 4; step += 4) {
      int64_t length = total - 4 - 12 + step;
      judged(b, "R-DEC-04", "length at the least padding", length, length <= most, verdict_on(b, (size_t)total, (uint32_t)length));
      length = total - 4 - 1024 + step;
      if (length < 0) continue;
      judged(b, "R-DEC-04", "length at the most padding", length, length >= least, verdict_on(b, (size_t)total, (uint32_t)length));
    }
  }
}

/* R-DEC-05: multiples of four only; and what is negative as an int32 is no length. */
static void try_multiples(book *b) {
  static const uint32_t signs[] = {0x7ffffffcu, 0x7fffffffu, 0x80000000u, 0x80000001u, 0xfffffffcu, 0xffffffffu};
  for (int64_t length = 1029; length <= 1051; length++) {
    judged(b, "R-DEC-05", "length", length, (length + b->shift) % 4 == 0, verdict_on(b, 1072, (uint32_t)length));
  }
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) judged(b, "R-DEC-05", "length", signs[i], 0, verdict_on(b, 1072, signs[i]));
}

/* R-DEC-06, X-02: 24 bytes and whole blocks; one byte less or more is refused unread. */
static void try_sizes(book *b) {
  static uint8_t message[4096], work[4096];
  const uint8_t *object = NULL;
  size_t size = 0;
  for (int64_t whole = 64; whole <= 1088; whole += 16) {
    memset(message, 0x5a, sizeof message);
    schat__store32(message + 24, (uint32_t)(whole - 4 - 12));
    if (schat__envelope_seal(b->crypto, key, fingerprint, 1, message + 24, (size_t)whole, message) != SCHAT_OK) abort();
    for (int64_t step = -1; step <= 1; step++) {
      int got = schat__envelope_open(b->crypto, key, fingerprint, 2, 1, message, (size_t)(24 + whole + step), work, &object, &size);
      judged(b, "R-DEC-06", "bytes of a message", 24 + whole + step, step == edge(b, 0, 1), got);
    }
  }
  for (int64_t n = 0; n <= 64; n++) {
    if (n >= 40 && (n - 24) % 16 == 0) continue;
    uint8_t *exact = malloc(n > 0 ? (size_t)n : 1);
    if (exact == NULL) abort();
    memset(exact, 0, (size_t)n);
    judged(b, "R-DEC-06", "bytes of a head", n, 0,
           schat__envelope_open(b->crypto, key, fingerprint, 2, 1, exact, (size_t)n, work, &object, &size));
    free(exact);
  }
}

/* R-ENC-04: around every block's end the smallest padding is 12 to 27 bytes, and what is made is lawful. */
static void try_paddings(book *b) {
  static uint8_t padded[8192];
  for (int64_t block = 32; block <= 4096; block += 16) {
    const int64_t last = edge(b, block - 4 - 12, 4); /* the largest object that ends with this block */
    for (int64_t step = -4; step <= 4; step += 4) {
      const int64_t size = block - 4 - 12 + step;
      judged(b, "R-ENC-04", "bytes of an object", size, size <= last ? block : block + 16, (int64_t)schat__padded_size((size_t)size, 0, 0));
    }
    const size_t size = (size_t)block - 16;
    judged(b, "R-ENC-04", "12 bytes of padding for", (int64_t)size, SCHAT_OK, schat__pad(b->crypto, padded, size, (size_t)block));
    judged(b, "R-ENC-04", "less padding for", (int64_t)size, SCHAT_E_INVALID, schat__pad(b->crypto, padded, size, (size_t)block - 16));
  }
  for (int64_t size = 4; size <= 64; size += 4) {
    const size_t most = (size_t)((4 + size + 1024) / 16 * 16);
    judged(b, "R-ENC-04", "the most padding for", size, SCHAT_OK, schat__pad(b->crypto, padded, (size_t)size, most));
    judged(b, "R-ENC-04", "more padding for", size, SCHAT_E_INVALID, schat__pad(b->crypto, padded, (size_t)size, most + 16));
  }
}

/* D-12: each of TDLib's sizes is used up to the last byte, and the next one from there on. */
static void try_buckets(book *b) {
  int64_t sizes[24] = {64, 128, 192, 256, 384, 512, 768, 1024, 1280};
  for (size_t i = 9; i < 24; i++) sizes[i] = sizes[i - 1] + 448;
  for (size_t i = 0; i + 1 < 24; i++) {
    const int64_t last = edge(b, sizes[i] - 16, 4);
    for (int64_t step = -4; step <= 4; step += 4) {
      const int64_t size = sizes[i] - 16 + step;
      judged(b, "D-12", "bytes of an object", size, size <= last ? sizes[i] : sizes[i + 1],
             (int64_t)schat__padded_size((size_t)size, 0, 1));
    }
  }
  for (unsigned extra = 0; extra < 18; extra++) {
    judged(b, "D-12", "blocks more", extra, 64 + 16 * (int64_t)(extra < (unsigned)edge(b, 15, 1) ? extra : (unsigned)edge(b, 15, 1)),
           (int64_t)schat__padded_size(48, extra, 0));
  }
}

void try_envelopes(book *b) {
  for (size_t i = 0; i < sizeof key; i++) key[i] = (uint8_t)(i * 5 + 1);
  if (schat__key_fingerprint(b->crypto, key, &fingerprint) != SCHAT_OK) abort();
  try_lengths(b);
  try_multiples(b);
  try_sizes(b);
  try_paddings(b);
  try_buckets(b);
}
