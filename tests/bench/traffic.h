/* SPDX-License-Identifier: BSL-1.0
 * traffic.h - two accounts with one chat, whose messages go from one to the other by hand: no server between them costs anything. */
#ifndef TESTS_BENCH_TRAFFIC_H
#define TESTS_BENCH_TRAFFIC_H

#include "../hostile/pair.h"
#include "shelf.h"

#define LETTER_MOST 512u
#define TOKENS_MOST 64u

/* A message on its way. */
typedef struct {
  uint8_t bytes[LETTER_MOST];
  size_t size;
  int64_t random_id;
} letter;

typedef struct {
  schat_manager *manager;
  shelf *records;
  size_t allocations; /* since the beginning */
  int32_t qts;
  uint64_t sent[TOKENS_MOST], queued[TOKENS_MOST]; /* requests without an answer: sends, and positions of the queue */
  size_t sent_count, queued_count;
} party;

typedef struct {
  party parties[2];
  pair accounts; /* which made the chat; its managers are closed */
  int32_t chat_id;
} traffic;

/* Rekeying is off. `rekey_messages` not 0: after so many messages. */
traffic *traffic_new(uint64_t seed, uint32_t rekey_messages);
void traffic_free(traffic *t);
/* Another manager over other records in place of that of a party, for example in a file. */
void traffic_reopen(traffic *t, int who, const schat_store *store);

/* A text of 100 bytes is sent, and becomes a letter. */
void traffic_send(traffic *t, int who, letter *out);
void traffic_take(traffic *t, int who, const letter *in);
/* `count` letters in one difference. */
void traffic_take_all(traffic *t, int who, const letter *in, size_t count);
/* The server's answers to what has been asked for. */
void traffic_answer(traffic *t, int who);
/* The other one says something, which confirms all so far; nothing is measured. */
void traffic_confirm(traffic *t, int who);

#endif
