/* SPDX-License-Identifier: BSL-1.0
 * leaky.c - leaks on purpose: a copy of a secret on the heap, freed or not, on the stack, in a register, as a number, in a store. Each must
 * be found, or the search is blind. */
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "report.h"
#include "scenarios.h"

#define NEED(condition) host_need(condition, __FILE__ ": not so: " #condition)

static uint8_t *volatile kept;

static host *open_chat(uint64_t seed, const char *directory, int32_t *chat_id) {
  host *h = host_new(seed, directory, NULL);
  *chat_id = host_chat(h);
  host_talk(h, *chat_id, 2);
  return h;
}

static const uint8_t *key_of(const host *h, int32_t chat_id) {
  return schat__table_find(&h->accounts[0].manager->env.table, chat_id)->chat.key;
}

static void finish(host *h) {
  host_close(h, 0);
  host_close(h, 1);
  host_look(h, "closed");
  host_free(h);
}

static void leak_on_heap(uint64_t seed, const char *directory) {
  int32_t chat_id;
  host *h = open_chat(seed, directory, &chat_id);
  kept = malloc(100);
  NEED(kept != NULL);
  memcpy(kept, key_of(h, chat_id) + 100, 32);
  finish(h);
}

/* Enough of it that some is not used again. */
static void leak_in_freed_memory(uint64_t seed, const char *directory) {
  static uint8_t *pieces[64];
  int32_t chat_id;
  host *h = open_chat(seed, directory, &chat_id);
  for (size_t i = 0; i < 64; i++) {
    NEED((pieces[i] = malloc(3000)) != NULL);
    memcpy(pieces[i] + 1000, key_of(h, chat_id), 40);
  }
  for (size_t i = 0; i < 64; i += 2) free(pieces[i]);
  for (size_t i = 1; i < 64; i += 2) schat__wipe(pieces[i], 3000);
  finish(h);
}

#if defined(__GNUC__) || defined(__clang__)
#define APART __attribute__((noinline))
#else
#define APART
#endif

static APART void copy_to(volatile uint8_t *place, const uint8_t *key) {
  for (size_t i = 0; i < 32; i++) place[i] = key[i];
}

static APART void copy_to_stack(const uint8_t *key) {
  volatile uint8_t place[65536]; /* its beginning lies far below, where what follows does not reach */
  copy_to(place + 7, key);
}

static void leak_on_stack(uint64_t seed, const char *directory) {
  int32_t chat_id;
  host *h = open_chat(seed, directory, &chat_id);
  copy_to_stack(key_of(h, chat_id));
  finish(h);
}

static void leak_as_number(uint64_t seed, const char *directory) {
  int32_t chat_id;
  host *h = open_chat(seed, directory, &chat_id);
  const uint8_t *key = key_of(h, chat_id);
  kept = malloc(32);
  NEED(kept != NULL);
  for (size_t i = 0; i < 32; i++) kept[i] = key[131 - i];
  finish(h);
}

static void leak_words(uint64_t seed, const char *directory) {
  int32_t chat_id;
  host *h = open_chat(seed, directory, &chat_id);
  const uint8_t *key = key_of(h, chat_id);
  kept = malloc(32);
  NEED(kept != NULL);
  for (size_t i = 0; i < 32; i++) kept[i] = key[i ^ 3u];
  finish(h);
}

static void leak_text(uint64_t seed, const char *directory) {
  int32_t chat_id;
  static uint8_t text[CANARY_SIZE];
  host *h = open_chat(seed, directory, &chat_id);
  canary(seed, 1, text);
  finish(h);
}

static void leak_exponent(uint64_t seed, const char *directory) {
  host *h = host_new(seed, directory, NULL);
  int32_t chat_id = 0;
  NEED(schat_chat_create(h->accounts[0].manager, h->accounts[1].user_id, h->now, &chat_id) == SCHAT_OK);
  host_run(h);
  kept = malloc(64);
  NEED(kept != NULL);
  memcpy(kept, schat__table_find(&h->accounts[0].manager->env.table, chat_id)->secrets->exponent + 50, 20);
  NEED(schat_chat_accept(h->accounts[1].manager, chat_id, h->now) == SCHAT_OK);
  host_run(h);
  finish(h);
}

/* A record that holds a text as it is. */
static void leak_into_store(uint64_t seed, const char *directory) {
  int32_t chat_id;
  static uint8_t text[100];
  host *h = open_chat(seed, directory, &chat_id);
  canary(seed, 1, text + 11);
  schat_record record = {SCHAT_RECORD_OUTBOX, chat_id, 77, {text, sizeof text}};
  report_record(0, &record);
  report_commit(0, SCHAT_OK);
  schat__wipe(text, sizeof text);
  finish(h);
}

/* A store that forgets no key: the record of the first stands beside those that follow. */
static void keep_old_key(uint64_t seed, const char *directory) {
  schat_policy policy;
  schat_record record;
  SCHAT_INIT(policy);
  policy.rekey_messages = 3;
  host *h = host_new(seed, NULL, &policy);
  (void)directory;
  int32_t chat_id = host_chat(h);
  NEED(memstore_get(h->accounts[0].memory, SCHAT_RECORD_KEYS, chat_id, 0, &record));
  report_record(0, &record);
  uint8_t *old = malloc(record.value.size);
  size_t size = record.value.size;
  NEED(old != NULL);
  memcpy(old, record.value.data, size);
  host_talk(h, chat_id, 8);
  record.kind = SCHAT_RECORD_KEYS;
  record.value.data = old;
  record.value.size = size;
  record.chat_id = chat_id;
  record.key = 0;
  report_record(0, &record);
  report_commit(0, SCHAT_OK);
  host_look(h, "rekeyed");
  finish(h);
}

const scenario leaky_scenarios[] = {
    {"leak-heap", leak_on_heap},      {"leak-freed", leak_in_freed_memory},
    {"leak-stack", leak_on_stack},    {"leak-number", leak_as_number},
    {"leak-words", leak_words},       {"leak-text", leak_text},
    {"leak-exponent", leak_exponent}, {"leak-store", leak_into_store},
    {"keep-old-key", keep_old_key},   {NULL, NULL},
};
