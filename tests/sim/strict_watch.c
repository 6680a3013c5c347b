/* SPDX-License-Identifier: BSL-1.0
 * strict_watch.c - see strict_watch.h. */
#include "strict_watch.h"

#include <stdlib.h>
#include <string.h>

#define CHATS 8

typedef struct {
  int by_library;
  int32_t chat_id;
  int64_t random_id, now;
  uint8_t *bytes;
  size_t size;
} waiting;

struct strict_watch {
  const foreign *f;
  int library_device;
  const int64_t *now;
  waiting *queue;
  size_t count, capacity, seen;
  strict_rule rule;
  int32_t chat_ids[CHATS];
  strict *chats[CHATS];
  size_t chat_count;
};

strict_watch *strict_watch_new(const foreign *f, int library_device, const int64_t *now) {
  strict_watch *w = calloc(1, sizeof *w);
  if (w == NULL) abort();
  w->f = f;
  w->library_device = library_device;
  w->now = now;
  return w;
}

void strict_watch_free(strict_watch *w) {
  size_t i;
  for (i = 0; i < w->count; i++) free(w->queue[i].bytes);
  for (i = 0; i < w->chat_count; i++) strict_free(w->chats[i]);
  free(w->queue);
  free(w);
}

void strict_watch_tap(void *watch, const relay_sent *sent) {
  strict_watch *w = watch;
  waiting *x;
  if (w->count == w->capacity) {
    w->capacity = w->capacity == 0 ? 64 : 2 * w->capacity;
    w->queue = realloc(w->queue, w->capacity * sizeof *w->queue);
    if (w->queue == NULL) abort();
  }
  x = &w->queue[w->count++];
  x->by_library = sent->device == w->library_device;
  x->chat_id = sent->chat_id;
  x->random_id = sent->random_id;
  x->now = *w->now;
  x->size = sent->bytes.size;
  x->bytes = malloc(x->size);
  if (x->bytes == NULL) abort();
  memcpy(x->bytes, sent->bytes.data, x->size);
}

static strict *checker_of(strict_watch *w, int32_t chat_id) {
  foreign_chat_view view;
  size_t i;
  for (i = 0; i < w->chat_count; i++) {
    if (w->chat_ids[i] == chat_id) return w->chats[i];
  }
  if (w->chat_count == CHATS || foreign_view(w->f, chat_id, &view) != 0) abort();
  w->chat_ids[w->chat_count] = chat_id;
  w->chats[w->chat_count] = strict_new(!view.originator);
  return w->chats[w->chat_count++];
}

/* 0: it cannot be opened yet. */
static int look(strict_watch *w, const waiting *x) {
  schat_bytes bytes = {x->bytes, x->size};
  strict_message m = {0};
  strict_rule rule;
  uint8_t *object;
  size_t size;
  if (foreign_open_bytes(w->f, x->chat_id, !x->by_library, bytes, &object, &size, &m.padding, &m.mtproto) != 0) return 0;
  m.object.data = object;
  m.object.size = size;
  m.random_id = x->random_id;
  m.made = x->now;
  if (x->by_library) {
    rule = strict_library(checker_of(w, x->chat_id), &m);
    if (w->rule == STRICT_OK) w->rule = rule;
    w->seen++;
  } else {
    strict_peer(checker_of(w, x->chat_id), &m);
  }
  free(object);
  return 1;
}

strict_rule strict_watch_rule(strict_watch *w, size_t *seen) {
  size_t done = 0;
  while (done < w->count && look(w, &w->queue[done])) free(w->queue[done++].bytes);
  w->count -= done;
  if (done != 0) memmove(w->queue, w->queue + done, w->count * sizeof *w->queue);
  if (seen != NULL) *seen = w->seen;
  return w->rule;
}
