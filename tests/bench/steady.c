/* SPDX-License-Identifier: BSL-1.0
 * steady.c - what sealing, opening, encoding and decoding allocate once they have been used before: by the caller's allocator and inside
 * libcrypto. */
#include "steady.h"

#include <stdlib.h>
#include <string.h>

#include "counted.h"
#include "envelope/envelope.h"
#include "figures.h"
#include "measure.h"
#include "tl/model.h"

#define TIMES 2000u
#define SIZE 100u
#define ROOM 512u

static size_t own;

static void *allocate(void *user_data, size_t size) {
  (void)user_data;
  own++;
  return malloc(size);
}

static void release(void *user_data, void *memory) {
  (void)user_data;
  free(memory);
}

static const schat_allocator allocator = {NULL, allocate, release};

static void seal_and_open(schat__crypto *crypto) {
  static const uint8_t key[256] = {7};
  uint8_t message[SCHAT__ENVELOPE_HEAD + ROOM], work[ROOM], *padded = message + SCHAT__ENVELOPE_HEAD;
  const uint8_t *object;
  size_t size = schat__padded_size(SIZE, 0, 0), opened;
  memset(padded, 1, SIZE + 4);
  must(schat__pad(crypto, padded, SIZE, size) == SCHAT_OK, "schat__pad");
  must(schat__envelope_seal(crypto, key, 1, 1, padded, size, message) == SCHAT_OK, "schat__envelope_seal");
  must(schat__envelope_open(crypto, key, 1, 2, 1, message, SCHAT__ENVELOPE_HEAD + size, work, &object, &opened) == 1,
       "schat__envelope_open");
}

static void encode_and_decode(schat__arena *arena) {
  static const uint8_t text[SIZE] = {'t'};
  uint8_t out[ROOM];
  schat_message message, read;
  schat__action action;
  size_t size;
  schat_message_init(&message);
  message.random_id = 1;
  message.text.data = text;
  message.text.size = SIZE;
  must(schat__message_encode(arena, &message, SCHAT_LAYER, out, sizeof out, &size) == SCHAT_OK, "schat__message_encode");
  const schat_bytes data = {out, size};
  must(schat__message_decode(arena, data, &read, &action) == SCHAT_OK && read.text.size == SIZE, "schat__message_decode");
  schat__arena_reset(arena);
}

void bench_steady(void) {
  schat__crypto *crypto = NULL;
  schat__arena arena;
  must(schat__crypto_new(&allocator, NULL, NULL, &crypto) == SCHAT_OK, "schat__crypto_new");
  schat__arena_init(&arena, &allocator, 65536);
  seal_and_open(crypto);
  encode_and_decode(&arena);
  size_t before = own + counted_libcrypto();
  for (unsigned i = 0; i < TIMES; i++) seal_and_open(crypto);
  figure_number("allocations_seal_open", (double)(own + counted_libcrypto() - before) / TIMES);
  before = own + counted_libcrypto();
  for (unsigned i = 0; i < TIMES; i++) encode_and_decode(&arena);
  figure_number("allocations_codec", (double)(own + counted_libcrypto() - before) / TIMES);
  schat__arena_free(&arena);
  schat__crypto_free(crypto);
}
