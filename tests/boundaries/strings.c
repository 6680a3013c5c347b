/* SPDX-License-Identifier: BSL-1.0
 * strings.c - what can be judged without a chat: strings, files, layers, lives. */
#include "boundaries.h"
#include "tl/model.h"
#include "tl/wire.h"

/* the short form up to 253 bytes, the long one from 254 on, and zeros up to the next four. */
static void try_forms(book *b) {
  static uint8_t bytes[80000], content[70000];
  for (int64_t size = 0; size <= 300; size++) {
    if (size > 12 && size < 245) continue;
    schat__writer w = {bytes, sizeof bytes, 0};
    const schat_bytes s = {content, (size_t)size};
    schat__tl_write_string(&w, s);
    const int64_t head = size < edge(b, 254, 1) ? 1 : 4;
    judged(b, "X-03", "bytes of a string", size, (head + size + 3) / 4 * 4, (int64_t)w.size);
    for (int64_t step = -1; step <= 1; step++) { /* one byte less of it is refused */
      schat__reader r = {bytes, w.size + (size_t)step, 0, 0};
      (void)schat__tl_read_string(&r);
      judged(b, "X-03", "bytes there for a string of", size, step < edge(b, 0, 1), r.failed);
    }
  }
  for (int64_t size = 251; size <= 257; size++) { /* the long form for what is short */
    memset(bytes, 0, 512);
    bytes[0] = 254;
    bytes[1] = (uint8_t)size;
    bytes[2] = (uint8_t)(size >> 8);
    schat__reader r = {bytes, 512, 0, 0};
    (void)schat__tl_read_string(&r);
    judged(b, "X-03", "bytes in the long form", size, size < edge(b, 254, 1), r.failed);
  }
}

/* R-FILE-01, D-30: ciphertext is the plaintext up to the next sixteen. */
static void try_files(book *b) {
  static const int64_t blocks[] = {0, 16, 32, 1024, 65536, INT64_C(1) << 31, INT64_C(1) << 32, INT64_C(1) << 40};
  static const uint8_t key[32] = {1}, iv[32] = {2};
  schat_encrypted_file file;
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
    for (int64_t step = -1; step <= 1; step++) {
      const int64_t size = blocks[i] + step, last = edge(b, blocks[i], 1);
      if (size < 0) continue;
      judged(b, "D-30", "bytes of a file", size, size <= last ? blocks[i] : blocks[i] + 16, schat_file_encrypted_size(size));
    }
  }
  for (int64_t step = -1; step <= 1; step++) {
    judged(b, "D-30", "the largest file", step, step <= edge(b, 0, 1), schat_file_encrypted_size(INT64_MAX - 15 + step) > 0);
  }
  judged(b, "D-30", "a file of", -1, SCHAT_E_INVALID, schat_file_encrypted_size(-1));
  memset(&file, 0, sizeof file);
  if (schat_file_fingerprint(key, iv, &file.key_fingerprint) != SCHAT_OK) abort();
  for (file.size = 15; file.size <= 33; file.size++) {
    for (int64_t step = -1; step <= 1; step++) {
      schat_file *stream = NULL;
      int good = schat_file_decrypt_begin(NULL, key, iv, file.size + step, &file, &stream) == SCHAT_OK;
      schat_file_free(stream);
      judged(b, "D-30", "declared for what the server has", file.size + step, file.size % 16 == 0 && step <= edge(b, 0, 1), good);
    }
  }
}

/* D-04, L3: the layer that is stated for a peer of each layer. */
static void try_layers(book *b) {
  static const int32_t edges[] = {8, 17, 46, 73, 101, 144};
  for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
    for (int32_t layer = edges[i] - 1; layer <= edges[i] + 1; layer++) {
      int32_t expected = layer < edge(b, 101, 1) ? 73 : layer < edge(b, 144, 1) ? 101 : 144;
      judged(b, "D-04", "layer of a peer", layer, expected, schat__layer_for(layer));
    }
  }
}

static schat_message medium(int32_t type, int32_t ttl, int32_t duration) {
  schat_message m;
  schat_message_init(&m);
  m.ttl = ttl;
  m.media.type = type;
  m.media.duration = duration;
  return m;
}

/* R-TTL-07, D-28: 1 to 60 seconds on what is opened; playable media live a second longer than they last. */
static void try_lives(book *b) {
  static const int32_t ttls[] = {INT32_MIN, -1, 0, 1, 2, 59, 60, 61, 62, INT32_MAX - 1, INT32_MAX};
  static const int32_t types[] = {SCHAT_MEDIA_NONE,        SCHAT_MEDIA_PHOTO, SCHAT_MEDIA_VIDEO,
                                  SCHAT_MEDIA_ROUND_VIDEO, SCHAT_MEDIA_VOICE, SCHAT_MEDIA_DOCUMENT};
  for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
    const int opens = types[t] >= SCHAT_MEDIA_PHOTO && types[t] <= SCHAT_MEDIA_VOICE;
    for (size_t i = 0; i < sizeof ttls / sizeof *ttls; i++) {
      const schat_message m = medium(types[t], ttls[i], 0);
      const int expected = ttls[i] == INT32_MAX || (opens && ttls[i] >= edge(b, 1, 1) && ttls[i] <= edge(b, 60, 1));
      judged(b, "R-TTL-07", "begins when opened, ttl", ttls[i], expected, schat__message_starts_on_open(&m));
      judged(b, "R-TTL-07", "ttl", ttls[i], ttls[i] < edge(b, 0, 2) ? 0 : ttls[i], schat__message_ttl(&m));
    }
  }
  for (int32_t duration = 9; duration <= 11; duration++) {
    const schat_message m = medium(SCHAT_MEDIA_VOICE, 10, duration);
    judged(b, "D-28", "seconds of a voice message that lives 10", duration, duration < edge(b, 10, 1) ? 10 : duration + 1,
           schat__message_ttl(&m));
  }
  for (int32_t step = -2; step <= 0; step++) {
    const schat_message m = medium(SCHAT_MEDIA_VIDEO, 10, INT32_MAX + step);
    judged(b, "D-28", "the longest videos", step, edge(b, INT32_MAX - 1, -1), schat__message_ttl(&m));
  }
}

void try_strings(book *b) {
  try_forms(b);
  try_files(b);
  try_layers(b);
  try_lives(b);
}
