/* SPDX-License-Identifier: BSL-1.0
 * host.c - see host.h. */
#define _POSIX_C_SOURCE 200809L

#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/engine.h"
#include "report.h"

#define START INT64_C(1790000000000)

void host_need(int condition, const char *text) {
  if (condition) return;
  (void)write(2, text, strlen(text));
  (void)write(2, "\n", 1);
  _exit(8);
}
#define NEED(condition) host_need(condition, #condition)

/* The parts that the library calls ------------------------------------------------------------------------------------------- */

static int is_on_stack(const uint8_t *p) {
  uint8_t here;
  const uintptr_t at = (uintptr_t)p, near = (uintptr_t)&here;
  return at > near && at - near < ((uintptr_t)1 << 20);
}

static int give_random(void *user_data, uint8_t *out, size_t size) {
  host_account *a = user_data;
  for (size_t i = 0; i < size; i++) {
    a->random_state = a->random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    out[i] = (uint8_t)(a->random_state >> 56);
  }
  if (size == SCHAT__DH_SIZE && is_on_stack(out)) report(REPORT_RANDOM, 0, out, size); /* padding of that size stands on the heap */
  return 0;
}

static void *allocate(void *user_data, size_t size) {
  host *h = user_data;
  if (h->long_allocate == 0) {
    h->failed = 1;
    return NULL;
  }
  if (h->long_allocate > 0) h->long_allocate--;
  return malloc(size);
}

static void release_memory(void *user_data, void *memory) {
  (void)user_data;
  free(memory);
}

static void on_request(void *user_data, const schat_request *request) {
  host_account *a = user_data;
  (void)relay_request(a->h->server, a->device, request, a->h->now);
}

static void on_event(void *user_data, const schat_event *event) {
  host_account *a = user_data;
  a->h->events++;
  if (event->message != NULL && event->message->text.size > 0)
    report(REPORT_DELIVERED, a->index, event->message->text.data, event->message->text.size);
}

static int on_commit(void *user_data, const schat_batch *batch) {
  host_account *a = user_data;
  int status = a->inner->commit(a->inner->user_data, batch);
  if (status >= 0) {
    for (size_t i = 0; i < batch->record_count; i++) report_record(a->index, &batch->records[i]);
  }
  host_tell(a->h);
  report_commit(a->index, status);
  return status;
}

static int on_scan(void *user_data, schat_record_fn fn, void *arg) {
  host_account *a = user_data;
  return a->inner->scan(a->inner->user_data, fn, arg);
}

static void on_sent(void *user_data, const relay_sent *sent) {
  const host *h = user_data;
  if (!sent->repeated) report(REPORT_PACKET, sent->device == h->accounts[0].device, sent->bytes.data, sent->bytes.size);
}

/* Telling -------------------------------------------------------------------------------------------------------------------- */

/* Byte by byte: what looks at many at once leaves them in registers. */
static int is_zero(const volatile uint8_t *p, size_t size) {
  uint8_t any = 0;
  for (size_t i = 0; i < size; i++) any = (uint8_t)(any | p[i]);
  return any == 0;
}

static void tell_key(report_type type, const uint8_t *key) {
  if (!is_zero(key, SCHAT__DH_SIZE)) report(type, 0, key, SCHAT__DH_SIZE);
}

static void tell_slot(const schat__slot *slot) {
  const schat__secrets *s = slot->secrets;
  tell_key(REPORT_KEY, slot->chat.key);
  if (s == NULL) return;
  if (s->has & SCHAT__HAS_EXPONENT) tell_key(REPORT_EXPONENT, s->exponent);
  if (s->has & SCHAT__HAS_NEXT) tell_key(REPORT_KEY, s->next);
  if (s->has & SCHAT__HAS_PREVIOUS) tell_key(REPORT_KEY, s->previous);
}

static void tell_manager(const host_account *a) {
  const schat__env *env = &a->manager->env;
  const schat__slot *slot;
  size_t at = 0;
  while ((slot = schat__table_next(&env->table, &at)) != NULL) tell_slot(slot);
  const schat__pool *pool = &env->crypto->pool;
  report(REPORT_POOL, a->index, pool->bytes + pool->at, pool->seeded ? SCHAT__POOL_SIZE - pool->at : 0);
  report(REPORT_STORAGE_KEY, (int64_t)a->storage_key, NULL, 0);
}

void host_tell(host *h) {
  for (int i = 0; i < ACCOUNTS; i++) {
    if (h->accounts[i].manager != NULL) tell_manager(&h->accounts[i]);
  }
}

/* A text is in use while the outbox of who sent it holds it. */
static int is_kept(const host *h, const host_text *text) {
  const host_account *a = &h->accounts[text->account];
  if (a->manager == NULL) return 0;
  const schat__slot *slot = schat__table_find(&a->manager->env.table, text->chat_id);
  const schat__item *item = slot != NULL ? schat__out_by_random_id(slot, text->random_id) : NULL;
  return item != NULL && !item->u.out.erased;
}

void host_look(host *h, const char *name) {
  report(REPORT_ALIVE, 0, NULL, 0);
  host_tell(h);
  for (size_t i = 0; i < h->text_count; i++) {
    if (h->texts[i].random_id != 0 && is_kept(h, &h->texts[i])) report(REPORT_TEXT, (int64_t)i, NULL, 0);
  }
  report_look(name);
}

/* The life of accounts -------------------------------------------------------------------------------------------------------- */

static void read_storage_key(size_t which, uint8_t out[SCHAT_STORAGE_KEY_SIZE]) {
  uint8_t order = (uint8_t)which;
  report(REPORT_STORAGE_KEY, order, "give", 4);
  NEED(read(ORDERS_FD, out, SCHAT_STORAGE_KEY_SIZE) == SCHAT_STORAGE_KEY_SIZE);
}

int host_open(host *h, int account, size_t storage_key) {
  static uint8_t key[SCHAT_STORAGE_KEY_SIZE];
  host_account *a = &h->accounts[account];
  schat_allocator allocator = {h, allocate, release_memory};
  schat_host calls;
  schat_config config;
  SCHAT_INIT(calls);
  calls.user_data = a;
  if (!h->peeking) {
    calls.request = on_request;
    calls.event = on_event;
  }
  if (!h->own_random) calls.random = give_random;
  SCHAT_INIT(config);
  config.store = &a->store;
  config.host = &calls;
  config.policy = &a->policy;
  config.allocator = &allocator;
  config.storage_key = key;
  config.user_id = a->user_id;
  read_storage_key(storage_key, key);
  int status = schat_open(&config, h->now, &a->manager);
  schat__wipe(key, sizeof key);
  if (status >= 0) a->storage_key = storage_key;
  host_tell(h);
  return status;
}

void host_close(host *h, int account) {
  host_account *a = &h->accounts[account];
  host_tell(h);
  schat_close(a->manager);
  a->manager = NULL;
}

static void open_store(host_account *a, const char *directory) {
  if (directory == NULL) {
    a->memory = memstore_new();
    a->inner = memstore_store(a->memory);
  } else {
    (void)snprintf(a->path, sizeof a->path, "%s/%d.db", directory, a->index);
    NEED(schat_sqlite_open(a->path, NULL, &a->sqlite) == SCHAT_OK);
    a->inner = schat_sqlite_store(a->sqlite);
    report(REPORT_DATABASE, a->index, a->path, strlen(a->path));
  }
  SCHAT_INIT(a->store);
  a->store.user_data = a;
  a->store.commit = on_commit;
  a->store.scan = on_scan;
}

host *host_new(uint64_t seed, const char *directory, const schat_policy *policy) {
  host *h = calloc(1, sizeof *h);
  NEED(h != NULL);
  h->seed = seed;
  h->now = START;
  h->own_random = seed % 2 == 1;
  h->peeking = seed % 3 == 0;
  h->long_allocate = -1;
  h->server = relay_new(seed);
  relay_tap(h->server, on_sent, h);
  for (int i = 0; i < ACCOUNTS; i++) {
    host_account *a = &h->accounts[i];
    a->h = h;
    a->index = i;
    a->user_id = relay_add_user(h->server);
    a->device = relay_add_device(h->server, a->user_id);
    a->random_state = seed * 77 + (uint64_t)i;
    SCHAT_INIT(a->policy);
    if (policy != NULL) a->policy = *policy;
    open_store(a, directory);
    NEED(host_open(h, i, (size_t)i) == SCHAT_OK);
  }
  return h;
}

void host_free(host *h) {
  for (int i = 0; i < ACCOUNTS; i++) {
    host_close(h, i);
    schat_sqlite_close(h->accounts[i].sqlite);
    if (h->accounts[i].memory != NULL) memstore_free(h->accounts[i].memory);
  }
  relay_free(h->server);
  h->server = NULL;
  free(h);
}

/* Running --------------------------------------------------------------------------------------------------------------------- */

static int feed(host_account *a, const relay_item *item) {
  const int64_t now = a->h->now;
  if (a->deaf && item->kind >= RELAY_MESSAGE) return SCHAT_OK;
  switch ((relay_kind)item->kind) {
    case RELAY_ANSWER:
      if (item->answer.random.size > 0) report(REPORT_SERVER_RANDOM, 0, item->answer.random.data, item->answer.random.size);
      return schat_request_done(a->manager, item->token, &item->answer, now);
    case RELAY_ERROR:
      return schat_request_failed(a->manager, item->token, item->code, item->text, now);
    case RELAY_DIFFERENCE:
      return schat_input_difference(a->manager, &item->difference, now);
    case RELAY_MESSAGE:
      return schat_input_message(a->manager, &item->message, item->qts, now);
    case RELAY_CHAT:
      return schat_input_chat(a->manager, &item->chat, now);
    case RELAY_READ:
      return schat_input_read(a->manager, item->chat_id, item->max_date, item->date, now);
    case RELAY_TYPING:
      return schat_input_typing(a->manager, item->chat_id, now);
  }
  return SCHAT_OK;
}

static void take_effects(host_account *a) {
  schat_effect effect;
  SCHAT_INIT(effect);
  while (a->h->peeking && schat_peek(a->manager, &effect) == SCHAT_OK) {
    if (effect.event != NULL) on_event(a, effect.event);
    if (effect.request != NULL) on_request(a, effect.request);
    NEED(schat_pop(a->manager) == SCHAT_OK);
  }
}

static void deliver(host_account *a) {
  const relay_item *item;
  if (a->manager == NULL) return;
  (void)schat_tick(a->manager, a->h->now);
  take_effects(a);
  while (relay_poll(a->h->server, a->device, a->h->now, &item)) {
    (void)feed(a, item);
    host_tell(a->h);
    take_effects(a);
  }
}

void host_run(host *h) {
  do {
    for (int i = 0; i < ACCOUNTS; i++) deliver(&h->accounts[i]);
  } while (relay_next(h->server) <= h->now);
}

static int64_t next_deadline(const host *h) {
  int64_t next = relay_next(h->server), deadline;
  for (int i = 0; i < ACCOUNTS; i++) {
    const schat_manager *m = h->accounts[i].manager;
    if (m != NULL && schat_next_deadline(m, &deadline) == SCHAT_OK && deadline < next) next = deadline;
  }
  return next;
}

void host_pass(host *h, int64_t milliseconds) {
  const int64_t until = h->now + milliseconds;
  host_run(h);
  while (h->now < until) {
    int64_t next = next_deadline(h);
    if (next <= h->now) next = h->now + 1;
    h->now = next < until ? next : until;
    host_run(h);
    host_tell(h);
  }
}

int32_t host_chat(host *h) {
  int32_t chat_id = 0;
  NEED(schat_chat_create(h->accounts[0].manager, h->accounts[1].user_id, h->now, &chat_id) == SCHAT_OK);
  host_run(h);
  NEED(schat_chat_accept(h->accounts[1].manager, chat_id, h->now) == SCHAT_OK);
  host_run(h);
  host_tell(h);
  return chat_id;
}

/* Messages -------------------------------------------------------------------------------------------------------------------- */

/* The only places where this host ever has a text, or a file's keys. */
static uint8_t text_place[CANARY_SIZE], key_place[64];

static void add_file(host *h, schat_message *message, schat_input_file *file, size_t index) {
  static const uint8_t type[] = "application/octet-stream";
  NEED(schat_file_generate(NULL, NULL, key_place, key_place + 32) == SCHAT_OK);
  report(REPORT_FILE_KEY, (int64_t)index, key_place, sizeof key_place);
  message->media.type = SCHAT_MEDIA_DOCUMENT;
  message->media.size = 64;
  message->media.key.data = key_place;
  message->media.key.size = 32;
  message->media.iv.data = key_place + 32;
  message->media.iv.size = 32;
  message->media.mime_type.data = type;
  message->media.mime_type.size = sizeof type - 1;
  file->type = SCHAT_INPUT_FILE_UPLOADED;
  file->id = (int64_t)index + 1000;
  file->parts = 1;
  NEED(schat_file_fingerprint(key_place, key_place + 32, &file->key_fingerprint) == SCHAT_OK);
  static const uint8_t part[64] = "ciphertext";
  schat_bytes bytes = {part, sizeof part};
  relay_upload_part(h->server, h->accounts[h->texts[index].account].device, file->id, 0, bytes);
}

int host_text_with(host *h, int account, int32_t chat_id, int32_t ttl, int with_file) {
  schat_message message;
  schat_input_file file;
  const size_t index = h->text_count++;
  NEED(index < TEXTS_MOST);
  host_text *text = &h->texts[index];
  text->account = account;
  text->chat_id = chat_id;
  schat_message_init(&message);
  memset(&file, 0, sizeof file);
  canary(h->seed, index, text_place);
  report(REPORT_TEXT, (int64_t)index, NULL, 0);
  message.text.data = text_place;
  message.text.size = CANARY_SIZE;
  message.ttl = ttl;
  if (with_file) add_file(h, &message, &file, index);
  int status = schat_send(h->accounts[account].manager, chat_id, &message, with_file ? &file : NULL, h->now, &text->random_id);
  schat__wipe(text_place, sizeof text_place);
  schat__wipe(key_place, sizeof key_place);
  host_tell(h);
  return status;
}

int host_say(host *h, int account, int32_t chat_id) {
  return host_text_with(h, account, chat_id, 0, h->text_count % 5 == 4);
}

void host_talk(host *h, int32_t chat_id, int count) {
  for (int i = 0; i < count; i++) {
    for (int account = 0; account < ACCOUNTS; account++) {
      NEED(host_say(h, account, chat_id) == SCHAT_OK);
      if (i % 3 != 1) host_run(h);
    }
  }
  host_run(h);
}
