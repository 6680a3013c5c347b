/* SPDX-License-Identifier: BSL-1.0
 * op_chat.c - whole chats of two accounts: exponents and storage keys are secret from the first moment, and with them every chat key, every
 * key of a message and every record. Public is what an encrypted message or a sealed record is once it has been handed over. */
#include "manager/manager.h"

#include <string.h>

#include "crypto/engine.h"
#include "memstore.h"
#include "operations.h"
#include "relay.h"

#define ACCOUNTS 2
#define START INT64_C(1790000000000)

typedef struct {
  schat_manager *manager;
  memstore *memory;
  schat_store store; /* the memory, behind a border */
  int64_t user_id;
  int device;
  uint8_t storage_key[SCHAT_STORAGE_KEY_SIZE];
  size_t texts;
} account;

static account accounts[ACCOUNTS];
static relay *server;
static int64_t now;

/* Exponents are the only requests of that size that stand on no multiple of anything: padding is longer or shorter here. Ids, which go
 * over the wire as they are, are public. */
static int some_secret_random(void *user_data, uint8_t *out, size_t size) {
  (void)user_data;
  fill(out, size);
  make_public(out, size);
  if (size == SCHAT__DH_SIZE) make_secret(out, size);
  return 0;
}

/* A record in a store is on a disk, for whoever takes it. */
static int commit(void *user_data, const schat_batch *batch) {
  const schat_store *inner = memstore_store(((const account *)user_data)->memory);
  for (size_t i = 0; i < batch->record_count; i++) make_public(batch->records[i].value.data, batch->records[i].value.size);
  return inner->commit(inner->user_data, batch);
}

static int scan(void *user_data, schat_record_fn fn, void *arg) {
  const schat_store *inner = memstore_store(((const account *)user_data)->memory);
  return inner->scan(inner->user_data, fn, arg);
}

/* A message on its way is in the server's hands. */
static void on_request(void *user_data, const schat_request *request) {
  const account *a = user_data;
  make_public(request->data.data, request->data.size);
  (void)relay_request(server, a->device, request, now);
}

static void on_event(void *user_data, const schat_event *event) {
  account *a = user_data;
  a->texts += event->type == SCHAT_EVENT_MESSAGE;
}

static void open_account(account *a) {
  schat_host host;
  schat_config config;
  schat_policy policy;
  SCHAT_INIT(policy);
  policy.rekey_messages = 3;
  SCHAT_INIT(host);
  host.user_data = a;
  host.request = on_request;
  host.event = on_event;
  host.random = some_secret_random;
  SCHAT_INIT(config);
  config.store = &a->store;
  config.host = &host;
  config.policy = &policy;
  config.storage_key = a->storage_key;
  config.user_id = a->user_id;
  NEED(schat_open(&config, now, &a->manager) == SCHAT_OK);
}

static void begin(void) {
  now = START;
  server = relay_new(7);
  for (int i = 0; i < ACCOUNTS; i++) {
    account *a = &accounts[i];
    memset(a, 0, sizeof *a);
    a->memory = memstore_new();
    a->user_id = relay_add_user(server);
    a->device = relay_add_device(server, a->user_id);
    SCHAT_INIT(a->store);
    a->store.user_data = a;
    a->store.commit = commit;
    a->store.scan = scan;
    fill_secret(a->storage_key, sizeof a->storage_key);
    open_account(a);
  }
}

static void end(void) {
  for (int i = 0; i < ACCOUNTS; i++) {
    schat_close(accounts[i].manager);
    memstore_free(accounts[i].memory);
  }
  relay_free(server);
}

static void feed(account *a, const relay_item *item) {
  int status = SCHAT_OK;
  switch ((relay_kind)item->kind) {
    case RELAY_ANSWER:
      status = schat_request_done(a->manager, item->token, &item->answer, now);
      break;
    case RELAY_MESSAGE:
      status = schat_input_message(a->manager, &item->message, item->qts, now);
      break;
    case RELAY_CHAT:
      status = schat_input_chat(a->manager, &item->chat, now);
      break;
    case RELAY_READ:
    case RELAY_TYPING:
    case RELAY_ERROR:
    case RELAY_DIFFERENCE:
      break;
  }
  NEED(status >= 0);
}

static void run(void) {
  const relay_item *item;
  do {
    for (int i = 0; i < ACCOUNTS; i++) {
      (void)schat_tick(accounts[i].manager, now);
      while (relay_poll(server, accounts[i].device, now, &item)) feed(&accounts[i], item);
    }
  } while (relay_next(server) <= now);
}

static const schat__chat *chat_of(int i, int32_t chat_id) {
  return &schat__table_find(&accounts[i].manager->env.table, chat_id)->chat;
}

static int32_t make_chat(void) {
  int32_t chat_id = 0;
  NEED(schat_chat_create(accounts[0].manager, accounts[1].user_id, now, &chat_id) == SCHAT_OK);
  run();
  NEED(schat_chat_accept(accounts[1].manager, chat_id, now) == SCHAT_OK);
  run();
  for (int i = 0; i < ACCOUNTS; i++) {
    NEED(chat_of(i, chat_id)->state == SCHAT_STATE_READY);
    NEED(is_secret(chat_of(i, chat_id)->key, SCHAT__DH_SIZE));
  }
  return chat_id;
}

static void talk(int32_t chat_id, int count) {
  for (int i = 0; i < count; i++) {
    schat_message message;
    schat_message_init(&message);
    message.text.data = (const uint8_t *)"What is said between two.";
    message.text.size = 25;
    size_t before = accounts[1 - i % 2].texts;
    NEED(schat_send(accounts[i % 2].manager, chat_id, &message, NULL, now, NULL) == SCHAT_OK);
    run();
    NEED(accounts[1 - i % 2].texts == before + 1);
  }
}

static void handshake_and_talk(schat__crypto *crypto) {
  (void)crypto;
  begin();
  talk(make_chat(), 2);
  end();
}

/* Both get new keys, as secret as the first. */
static void rekey(schat__crypto *crypto) {
  (void)crypto;
  begin();
  int32_t chat_id = make_chat();
  int64_t first = chat_of(0, chat_id)->key_fingerprint;
  talk(chat_id, 8);
  NEED(chat_of(0, chat_id)->key_fingerprint != first);
  NEED(is_secret(chat_of(1, chat_id)->key, SCHAT__DH_SIZE));
  end();
}

/* Keys come back out of sealed records, which may be looked at once they are known to be authentic; from then on they are secret again. */
static void reopen(schat__crypto *crypto) {
  (void)crypto;
  begin();
  int32_t chat_id = make_chat();
  talk(chat_id, 1);
  for (int i = 0; i < ACCOUNTS; i++) {
    schat_close(accounts[i].manager);
    open_account(&accounts[i]);
    make_secret(chat_of(i, chat_id)->key, SCHAT__DH_SIZE);
  }
  talk(chat_id, 8);
  end();
}

static void discard_and_wipe(schat__crypto *crypto) {
  (void)crypto;
  begin();
  int32_t chat_id = make_chat();
  talk(chat_id, 2);
  NEED(schat_chat_discard(accounts[0].manager, chat_id, 0, now) == SCHAT_OK);
  run();
  NEED(chat_of(1, chat_id)->state == SCHAT_STATE_CLOSED);
  NEED(schat_wipe(accounts[1].manager, now) == SCHAT_OK);
  end();
}

const operation chat_operations[] = {{"chat_handshake_talk", handshake_and_talk},
                                     {"chat_rekey", rekey},
                                     {"chat_reopen", reopen},
                                     {"chat_discard_wipe", discard_and_wipe},
                                     {NULL, NULL}};
