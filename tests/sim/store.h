/* SPDX-License-Identifier: BSL-1.0
 * store.h - what a device has on its disk: records, and commits that are not durable yet. Lean, since it is written a hundred times a schedule. */
#ifndef TESTS_SIM_STORE_H
#define TESTS_SIM_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "secretchat/secretchat.h"

#define STORE_KINDS 9u

typedef struct {
  uint32_t kind;
  int32_t chat_id;
  int64_t key;
  uint8_t *value;
  size_t size, capacity;
} store_record;

/* What else happens when a batch becomes durable (ledger.c). */
typedef struct sim_batch_note sim_batch_note;

typedef struct {
  uint64_t ticket;
  store_record *records;
  size_t count;
  uint64_t generation;
  sim_batch_note *note;
} store_batch;

typedef struct {
  store_record *records; /* sorted by name */
  size_t count, capacity;
  size_t count_of[STORE_KINDS];
  size_t bytes;
  uint64_t generation;  /* of the last commit that took effect */
  uint64_t digest;      /* of all but the account's own and the events */
  store_batch *pending; /* oldest first */
  size_t pending_count, pending_capacity;
  store_record *spare; /* values to use again */
  size_t spare_count, spare_capacity;
} store;

void store_close(store *s);
/* The records of another, in their place. Nothing waits in either. */
void store_copy(store *s, const store *from);
/* Empty again; memory is kept. */
void store_clear(store *s);
/* A batch takes effect. */
void store_apply(store *s, const schat_record *records, size_t count);
/* A batch waits; the note is kept with it. */
void store_wait(store *s, const schat_batch *batch, sim_batch_note *note);
/* The oldest one takes effect, or is forgotten: its ticket; 0 when none waits. The note is handed back. */
uint64_t store_settle(store *s, int durable, sim_batch_note **note);
int store_scan(const store *s, int reverse, schat_record_fn fn, void *arg);
const store_record *store_get(const store *s, uint32_t kind, int32_t chat_id, int64_t key);
/* How often a needle stands in the records of a chat and in those of the account; chat_id 0: in all. */
size_t store_find(const store *s, int32_t chat_id, const void *needle, size_t size);

#endif
