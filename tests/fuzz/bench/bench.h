/* SPDX-License-Identifier: BSL-1.0
 * bench.h - one account of the library on the bench: opened from an image for every input, its memory, store and randomness failing on order,
 * and everything it holds known before and after each call.
 *
 * The image holds chats of every state. It is made once per process; so are the keys of the peers' side. */
#ifndef SCHAT_TESTS_FUZZ_BENCH_H
#define SCHAT_TESTS_FUZZ_BENCH_H

#include "fuzz.h"
#include "manager/manager.h"
#include "memstore.h"
#include "puppet.h"

#define BENCH_CHATS 8u
#define BENCH_PAIRS 4u

/* The n-th request from now fails (1: the next), and all after it when for_ever; 0: none. */
typedef struct {
  size_t n;
  int for_ever;
  int met; /* since bench_call_begin */
} bench_fault;

typedef struct {
  schat_manager *manager; /* NULL: it could not be opened */
  memstore *store;
  int64_t now;
  uint32_t policy_flags;
  uint32_t rekey_messages;
  fuzz_seed random;
  bench_fault memory, randomness, commit;
  size_t blocks;          /* of the library's memory that are in use */
  const schat_host *host; /* NULL: effects wait for peek */
  size_t shown;           /* callbacks and effects so far */
  int nested;             /* a callback runs: nothing may be closed */
  int hostile_store;      /* records that are authentic and not of the library's making: what they say is not compared */

  /* Of the call that is being made. */
  const char *what;
  uint64_t before;
  size_t commits_before, shown_before;
  int poisoned_before;
} bench;

/* Ids of the chats in the image: READY twice (we began, the peer did), READY with a gap, READY while a new key is asked for, INVITED,
 * WAITING_PEER, REQUESTING, CLOSED. */
const int32_t *bench_chat_ids(void);
int64_t bench_user_id(void);
int64_t bench_peer_id(void);
/* Public values and their exponents, for peers. */
const uint8_t *bench_value(unsigned pair);
const uint8_t *bench_exponent(unsigned pair);

/* The account as the image has it, or an empty one; randomness from `seed`. */
void bench_begin(bench *b, uint64_t seed, int empty, uint32_t policy_flags);
/* The same without opening: b->store may be changed first. */
void bench_prepare(bench *b, uint64_t seed, int empty, uint32_t policy_flags);
/* Ends it; everything must have been given back. */
void bench_end(bench *b);
/* Opens b->store; status of schat_open. With faults armed it may fail, and then nothing may be left. */
int bench_open(bench *b);
/* Closes and opens again; crash: with the store as it stood before closing, and without what was pending. Without faults this never fails. */
void bench_restart(bench *b, int crash);

/* Around every call: afterwards a negative status must have changed nothing. Returns the status. */
void bench_call_begin(bench *b, const char *what);
int bench_call_end(bench *b, int status);
#define BENCH_CALL(b, call) (bench_call_begin(b, #call), bench_call_end(b, call))
/* Told on standard error when the environment has FUZZ_TRACE: what led to a finding. */
void bench_trace(const bench *b, const char *what, int number);
/* 1 when a failure of our own side explains a negative status. */
int bench_excused(const bench *b);

/* A number that changes with anything the manager holds. */
uint64_t bench_digest(const schat_manager *m);
/* What is stored is what is held, record by record, and every chat keeps its invariants. */
void bench_check(const bench *b);

/* The next effect, shown and taken; 0: none. Copies of what requests say are in *request (data is borrowed from a buffer of the bench). */
int bench_take(bench *b, schat_request *request, schat_event *event);
void bench_drain(bench *b);

#endif
