/* SPDX-License-Identifier: BSL-1.0
 * strict_inner.h - what the strict reader remembers of a chat. */
#ifndef TESTS_SIM_STRICT_INNER_H
#define TESTS_SIM_STRICT_INNER_H

#include "strict.h"
#include "tl/model.h"

/* A message of the library as it was sent first, or as it was lawfully replaced since. */
typedef struct {
  int64_t random_id;
  uint64_t digest; /* of the DecryptedMessage */
  int32_t wire_in, layer;
} strict_sent;

/* One exchange of keys. */
typedef struct {
  int64_t id, since;
  int by_library, accepted, committed, aborted;
  int dropped; /* lost against another one, or given up */
  int odd;     /* the peer did with it what no strict peer does; what it gets for that is not judged */
} strict_exchange;

struct strict {
  int originator; /* the library's side */
  schat__arena arena;
  strict_sent *sent;
  size_t sent_count, sent_capacity;
  int32_t in_stated;  /* the highest raw in_seq_no of the library */
  int32_t peer_sent;  /* messages of the peer */
  int32_t peer_acked; /* how many of the library's the peer has confirmed */
  int32_t layer;
  strict_exchange *exchanges;
  size_t exchange_count, exchange_capacity;
};

void *strict_grown(void *items, size_t count, size_t *capacity, size_t size);

/* strict_rekey.c */
strict_rule strict_library_key(strict *s, const schat__action *action, int64_t now);
void strict_peer_key(strict *s, const schat__action *action, int64_t now);

#endif
