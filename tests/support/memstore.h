/* SPDX-License-Identifier: BSL-1.0
 * memstore.h - a schat_store in memory, deterministic, that can fail, delay, crash and be damaged on purpose.
 *
 * What it holds is an image: the records that are durable. Every commit is kept in a journal since the last memstore_sync, so
 * that a test can go back to any earlier image. A test program that runs out of memory ends. */
#ifndef SCHAT_TESTS_MEMSTORE_H
#define SCHAT_TESTS_MEMSTORE_H

#include <stddef.h>
#include <stdint.h>

#include "secretchat/secretchat.h"

typedef struct memstore memstore;

memstore *memstore_new(void);
void memstore_free(memstore *m);
/* The vtable to give to schat_open; it lives as long as the store. */
const schat_store *memstore_store(memstore *m);

/* Failures ----------------------------------------------------------------------------------------------------------------- */

/* The n-th commit from now (1: the next) answers `status` and stores nothing; all later ones too when `for_ever`. n 0: none fails. */
void memstore_fail_commit(memstore *m, size_t n, int status, int for_ever);
/* The same for scans: the n-th answers `status`, after half of the records when there are two and more. */
void memstore_fail_scan(memstore *m, size_t n, int status, int for_ever);

/* Answers SCHAT_PENDING from now on (1) or commits at once (0). */
void memstore_set_pending(memstore *m, int pending);
size_t memstore_pending(const memstore *m);
/* Settles the oldest pending batch: makes it durable when status is SCHAT_OK, forgets it otherwise. Returns its ticket, for
 * schat_commit_done; 0 when nothing is pending. */
uint64_t memstore_complete(memstore *m, int status);

/* Called inside commit, before anything is stored (0) and after it is (1). With it a test takes a clone at every crash
 * point, looks at batches, or calls the library where it must not (X-14, E_REENTRANT). */
typedef void (*memstore_hook)(void *arg, memstore *m, const schat_batch *batch, int stored);
void memstore_on_commit(memstore *m, memstore_hook hook, void *arg);

/* Crashes ------------------------------------------------------------------------------------------------------------------ */

/* The image as it stands, as a store of its own without failures, hooks, journal and pending batches: what is found after a crash now. */
memstore *memstore_clone(const memstore *m);
/* Commits since the last memstore_sync (or the beginning). */
size_t memstore_unsynced(const memstore *m);
/* What a loss of power keeps of them from now on: all. */
void memstore_sync(memstore *m);
/* Goes back to the image, and the events, after the first `keep` unsynced commits; later and pending ones are lost. */
void memstore_drop_unsynced(memstore *m, size_t keep);

/* The image ---------------------------------------------------------------------------------------------------------------- */

/* Records of a kind; 0: of all kinds. */
size_t memstore_count(const memstore *m, uint32_t kind);
/* Record `i` in the order (kind, chat_id, key), borrowed until the next change; 0 past the end. */
int memstore_record(const memstore *m, size_t i, schat_record *record);
/* The record of that name; 0 when there is none. */
int memstore_get(const memstore *m, uint32_t kind, int32_t chat_id, int64_t key, schat_record *record);
/* Sets or, with an empty value, removes a record behind the library's back. */
void memstore_put(memstore *m, const schat_record *record);
/* 1 when both images hold the same records with the same bytes. */
int memstore_equal(const memstore *a, const memstore *b);
/* How often `needle` stands in the values of the image and of pending batches. */
size_t memstore_find(const memstore *m, const void *needle, size_t size);
/* Damage to record `i`. */
void memstore_flip_bit(memstore *m, size_t i, size_t bit);
void memstore_truncate(memstore *m, size_t i, size_t size);

/* Scans give the records in reverse order from now on (1): any order is lawful. */
void memstore_reverse(memstore *m, int reverse);
/* Offers the highest generation committed as the counter of X-15, which survives memstore_drop_unsynced and is cloned. Before
 * memstore_store is given to schat_open, as the vtable is copied there. */
void memstore_count_generations(memstore *m);

/* Counts and events -------------------------------------------------------------------------------------------------------- */

size_t memstore_commits(const memstore *m); /* that were stored */
size_t memstore_refused(const memstore *m);
size_t memstore_scans(const memstore *m);

/* The events of the batches that were stored, in order (policy events_in_commit, D-35). */
typedef struct {
  int32_t type, chat_id;
  uint64_t id;
  int32_t repeated, reason, date, value, place;
  int64_t random_id;
  size_t text_size;
  char *text; /* of the message; terminated */
} memstore_event;
size_t memstore_event_count(const memstore *m);
const memstore_event *memstore_event_at(const memstore *m, size_t i);

#endif
