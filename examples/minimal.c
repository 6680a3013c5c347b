/* SPDX-License-Identifier: BSL-1.0
 * minimal.c - a complete host in pull mode, to copy from: opens a store, asks for a chat, sends, receives, ticks.
 *
 * Two of them talk through the relay that the tests use. A real client puts its Telegram connection in the place of relay_request
 * and relay_poll, its clock in the place of `now`, and a key from the system's key store in the place of storage_key. */
#include <stdio.h>
#include <string.h>

#include "secretchat/secretchat.h"
#include "secretchat/sqlite.h"
#include "support/relay.h"

typedef struct client {
  const char *name;
  int device;
  schat_sqlite *db;
  schat_manager *manager;
  int32_t chat_id;
  int ready, received;
} client;

static relay *server;
static int64_t now = INT64_C(1767258000000); /* UTC, milliseconds */

/* Events are borrowed: what is kept has to be copied. */
static void on_event(client *c, const schat_event *event) {
  switch (event->type) {
    case SCHAT_EVENT_INVITED: /* ask the user first (R-DH-14) */
      c->chat_id = event->chat_id;
      break;
    case SCHAT_EVENT_CHAT:
      c->ready = event->info->state == SCHAT_STATE_READY;
      break;
    case SCHAT_EVENT_MESSAGE:
      printf("%s reads: %.*s\n", c->name, (int)event->message->text.size, (const char *)event->message->text.data);
      c->received = 1;
      break;
    default: /* receipts, deletions, timers …: see schat_event_type */
      break;
  }
}

/* After every call: carry out requests, show events. What is popped has been handed over. */
static void take_effects(client *c) {
  schat_effect effect;
  SCHAT_INIT(effect);
  while (schat_peek(c->manager, &effect) == SCHAT_OK) {
    if (effect.request != NULL) relay_request(server, c->device, effect.request, now);
    if (effect.event != NULL) on_event(c, effect.event);
    schat_pop(c->manager);
  }
}

/* Feeds the answers and updates that have arrived. */
static void take_inputs(client *c) {
  const relay_item *item;
  while (relay_poll(server, c->device, now, &item)) {
    if (item->kind == RELAY_ANSWER) schat_request_done(c->manager, item->token, &item->answer, now);
    if (item->kind == RELAY_ERROR) schat_request_failed(c->manager, item->token, item->code, item->text, now);
    if (item->kind == RELAY_DIFFERENCE) schat_input_difference(c->manager, &item->difference, now);
    if (item->kind == RELAY_MESSAGE) schat_input_message(c->manager, &item->message, item->qts, now);
    if (item->kind == RELAY_CHAT) schat_input_chat(c->manager, &item->chat, now);
    if (item->kind == RELAY_READ) schat_input_read(c->manager, item->chat_id, item->max_date, item->date, now);
    if (item->kind == RELAY_TYPING) schat_input_typing(c->manager, item->chat_id, now);
    take_effects(c);
  }
}

static void tick(client *c) {
  int64_t deadline;
  if (schat_next_deadline(c->manager, &deadline) == SCHAT_OK && deadline <= now) schat_tick(c->manager, now);
  take_effects(c);
  take_inputs(c);
}

static int open_client(client *c, const char *name, const char *path, int64_t user_id) {
  static const uint8_t storage_key[SCHAT_STORAGE_KEY_SIZE] = {1, 2, 3}; /* 32 random bytes, kept by the system's key store */
  schat_config config;
  int status;
  c->name = name;
  c->device = relay_add_device(server, user_id);
  status = schat_sqlite_open(path, NULL, &c->db);
  if (status != SCHAT_OK) return status;
  SCHAT_INIT(config);
  config.store = schat_sqlite_store(c->db);
  config.storage_key = storage_key;
  config.user_id = user_id;
  return schat_open(&config, now, &c->manager); /* a real host now asks for the difference since schat_checkpoint() */
}

static void close_client(client *c) {
  schat_close(c->manager);
  schat_sqlite_close(c->db);
}

static int talk(client *alice, client *bob, int64_t bob_id) {
  schat_message message;
  int i, accepted = 0, sent = 0;
  int status = schat_chat_create(alice->manager, bob_id, now, &alice->chat_id);
  for (i = 0; i < 1000 && status == SCHAT_OK && !bob->received; i++, now += 10) {
    tick(alice);
    tick(bob);
    if (bob->chat_id != 0 && !accepted++) status = schat_chat_accept(bob->manager, bob->chat_id, now);
    if (alice->ready && !sent++) {
      schat_message_init(&message);
      message.text.data = (const uint8_t *)"Hello, Bob";
      message.text.size = strlen("Hello, Bob");
      status = schat_send(alice->manager, alice->chat_id, &message, NULL, now, NULL);
    }
  }
  return status;
}

static void remove_stores(void) {
  schat_sqlite_destroy("minimal.alice.db", NULL);
  schat_sqlite_destroy("minimal.bob.db", NULL);
}

int main(void) {
  client alice = {0}, bob = {0};
  int64_t alice_id, bob_id;
  int status;
  server = relay_new(1);
  alice_id = relay_add_user(server);
  bob_id = relay_add_user(server);
  remove_stores(); /* a client keeps its store; this example begins anew, and leaves nothing behind */
  status = open_client(&alice, "Alice", "minimal.alice.db", alice_id);
  if (status == SCHAT_OK) status = open_client(&bob, "Bob", "minimal.bob.db", bob_id);
  if (status == SCHAT_OK) status = talk(&alice, &bob, bob_id);
  if (status != SCHAT_OK) fprintf(stderr, "minimal: %s\n", schat_status_text(status));
  close_client(&alice);
  close_client(&bob);
  remove_stores();
  relay_free(server);
  return status == SCHAT_OK && bob.received ? 0 : 1;
}
