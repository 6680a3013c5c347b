/* SPDX-License-Identifier: BSL-1.0
 * bench.c - opening, closing, failing, and what surrounds a call; see bench.h. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "world.h"

#define EFFECTS_MAX 100000u /* of one drain: more would never end */

/* Failures ------------------------------------------------------------------------------------------------------------------ */

static int is_due(bench_fault *fault) {
  if (fault->n == 0) return 0;
  if (fault->n > 1) {
    fault->n--;
    return 0;
  }
  if (!fault->for_ever) fault->n = 0;
  fault->met = 1;
  return 1;
}

static void *allocate(void *user_data, size_t size) {
  bench *b = user_data;
  void *memory = is_due(&b->memory) ? NULL : malloc(size);
  b->blocks += memory != NULL;
  return memory;
}

static void release(void *user_data, void *memory) {
  bench *b = user_data;
  b->blocks--;
  free(memory);
}

static int random_bytes(void *user_data, uint8_t *out, size_t size) {
  bench *b = user_data;
  return is_due(&b->randomness) ? -1 : fuzz_random(&b->random, out, size);
}

/* The library may not be called from here, and is not harmed when it is (rule 6). */
static void call_back(bench *b) {
  int32_t id = 0;
  if (b->manager == NULL) return;
  schat_close(b->manager);
  FUZZ_MUST(schat_tick(b->manager, b->now) == SCHAT_E_REENTRANT);
  FUZZ_MUST(schat_chat_create(b->manager, 1, b->now, &id) == SCHAT_E_REENTRANT);
  FUZZ_MUST(schat_pop(b->manager) == SCHAT_E_REENTRANT && schat_begin(b->manager) == SCHAT_E_REENTRANT);
}

static int commit(void *user_data, const schat_batch *batch) {
  bench *b = user_data;
  const schat_store *inner = memstore_store(b->store);
  call_back(b);
  return is_due(&b->commit) ? SCHAT_E_FULL : inner->commit(inner->user_data, batch);
}

static int scan(void *user_data, schat_record_fn fn, void *arg) {
  bench *b = user_data;
  const schat_store *inner = memstore_store(b->store);
  return inner->scan(inner->user_data, fn, arg);
}

/* Opening and closing ------------------------------------------------------------------------------------------------------- */

int bench_open(bench *b) {
  schat_allocator allocator = {b, allocate, release};
  schat_store store;
  schat_config config;
  schat_policy policy;
  schat_host host;
  SCHAT_INIT(store);
  SCHAT_INIT(config);
  SCHAT_INIT(policy);
  SCHAT_INIT(host);
  store.user_data = b;
  store.commit = commit;
  store.scan = scan;
  policy.flags = b->policy_flags;
  policy.rekey_messages = b->rekey_messages;
  policy.max_waiting_messages = 20;
  policy.max_invited_chats = 4;
  if (b->host != NULL) host = *b->host;
  host.user_data = b;
  host.random = random_bytes;
  config.store = &store;
  config.host = &host;
  config.policy = &policy;
  config.allocator = &allocator;
  config.storage_key = world_storage_key();
  config.user_id = bench_user_id();
  const size_t before = b->blocks;
  b->manager = NULL;
  int status = schat_open(&config, b->now, &b->manager);
  FUZZ_MUST((status >= 0) == (b->manager != NULL));
  FUZZ_MUST(status >= 0 || b->blocks == before);
  return status;
}

static void no_faults(bench *b) {
  memset(&b->memory, 0, sizeof b->memory);
  memset(&b->randomness, 0, sizeof b->randomness);
  memset(&b->commit, 0, sizeof b->commit);
}

void bench_prepare(bench *b, uint64_t seed, int empty, uint32_t policy_flags) {
  const schat_host *host = b->host;
  memset(b, 0, sizeof *b);
  b->host = host;
  b->random.state = seed;
  b->now = image_now();
  b->policy_flags = policy_flags;
  b->store = empty ? memstore_new() : memstore_clone(image_store());
}

void bench_begin(bench *b, uint64_t seed, int empty, uint32_t policy_flags) {
  bench_prepare(b, seed, empty, policy_flags);
  FUZZ_MUST(bench_open(b) == SCHAT_OK);
}

static void close_manager(bench *b) {
  schat_close(b->manager);
  b->manager = NULL;
  FUZZ_MUST(b->blocks == 0);
}

void bench_restart(bench *b, int crash) {
  memstore *image = crash ? memstore_clone(b->store) : NULL;
  const int lost = b->manager->poisoned;
  bench_check(b);
  close_manager(b);
  no_faults(b);
  if (crash) {
    memstore_free(b->store);
    b->store = image;
  } else {
    memstore_set_pending(b->store, 0);
    while (memstore_complete(b->store, lost ? SCHAT_E_STORE : SCHAT_OK) != 0) continue; /* what came after a lost batch is lost, too */
  }
  int status = bench_open(b); /* whatever the library has stored it can read */
  FUZZ_MUST(status == SCHAT_OK);
  bench_check(b);
}

void bench_end(bench *b) {
  bench_check(b);
  close_manager(b);
  memstore_free(b->store);
  b->store = NULL;
}

/* Calls --------------------------------------------------------------------------------------------------------------------- */

void bench_trace(const bench *b, const char *what, int number) {
  static int tracing = -1;
  if (tracing < 0) tracing = getenv("FUZZ_TRACE") != NULL;
  if (!tracing) return;
  const char *name = schat_status_name(number);
  fprintf(stderr, "%-100s %4d %s depth %d events %zu faults %d%d%d pending %zu\n", what, number, name, b->manager->depth,
          b->manager->env.stored_events, b->memory.met, b->randomness.met, b->commit.met, b->manager->pending_count);
}

void bench_call_begin(bench *b, const char *what) {
  b->what = what;
  b->memory.met = b->randomness.met = b->commit.met = 0;
  b->poisoned_before = b->manager->poisoned;
  b->commits_before = memstore_commits(b->store) + memstore_pending(b->store);
  b->shown_before = b->shown;
  b->before = bench_digest(b->manager);
}

int bench_excused(const bench *b) {
  return b->memory.met || b->randomness.met || b->commit.met || b->poisoned_before;
}

int bench_call_end(bench *b, int status) {
  bench_trace(b, b->what, status);
  FUZZ_MUST(strcmp(schat_status_name(status), "SCHAT_UNKNOWN") != 0);
  if (status >= 0) return status;
  FUZZ_MUST(memstore_commits(b->store) + memstore_pending(b->store) == b->commits_before);
  FUZZ_MUST(b->shown == b->shown_before);
  FUZZ_MUST(bench_digest(b->manager) == b->before);
  return status;
}

/* Effects ------------------------------------------------------------------------------------------------------------------- */

int bench_take(bench *b, schat_request *request, schat_event *event) {
  schat_effect effect;
  SCHAT_INIT(effect);
  bench_call_begin(b, "schat_peek");
  int status = schat_peek(b->manager, &effect);
  /* What was taken back before is passed over on the way, and gone when there is no memory to show what follows: a host sees neither. */
  if (status == SCHAT_E_NOMEM) b->before = bench_digest(b->manager);
  (void)bench_call_end(b, status);
  memset(request, 0, sizeof *request);
  memset(event, 0, sizeof *event);
  FUZZ_MUST(status == SCHAT_OK || status == SCHAT_EMPTY || b->host != NULL || bench_excused(b));
  if (status != SCHAT_OK) return 0;
  FUZZ_MUST((effect.request != NULL) != (effect.event != NULL));
  if (effect.request != NULL) *request = *effect.request;
  if (effect.event != NULL) *event = *effect.event;
  request->data.data = NULL;
  b->shown++;
  FUZZ_MUST(schat_pop(b->manager) == SCHAT_OK);
  return 1;
}

void bench_drain(bench *b) {
  schat_request request;
  schat_event event;
  size_t count = 0;
  while (bench_take(b, &request, &event)) FUZZ_MUST(++count < EFFECTS_MAX);
}
