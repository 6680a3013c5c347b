/* SPDX-License-Identifier: BSL-1.0
 * peer.c - one device: its stores, its manager, its crashes, and how requests, answers and updates travel between it and the server. */
#include "two_peers.h"

#include <stdio.h>
#include <string.h>

/* Crashes ------------------------------------------------------------------------------------------------------------------
 * A process that dies leaves what its store has committed, and nothing else. Here the process goes on, so a crash is a promise: from
 * that point every commit is refused and every effect ignored, until peer_recover() has dropped the manager and opened another. */

/* Every commit and every effect is a step; --crash-every K lets each K-th be a crash, before it and after it by turns. A device dies at
 * most three times at one moment: otherwise a small K would let it start for ever. */
static crash_point next_step(peer *p) {
  p->steps++;
  if (p->crash_every == 0 || p->steps % p->crash_every != 0) return CRASH_NONE;
  if (p->crash_moment != p->world->now) p->crashes_now = 0;
  if (p->crashes_now++ >= 3) return CRASH_NONE;
  p->crash_moment = p->world->now;
  p->crash_after_next = !p->crash_after_next;
  return p->crash_after_next ? CRASH_BEFORE : CRASH_AFTER;
}

static crash_point take_armed(peer *p) {
  const crash_point armed = p->armed;
  p->armed = CRASH_NONE;
  return armed;
}

static int store_commit(void *user_data, const schat_batch *batch) {
  peer *p = (peer *)user_data;
  const schat_store *store = schat_sqlite_store(p->db);
  crash_point crash;
  int status;
  if (p->crashed) return SCHAT_E_STORE;
  crash = take_armed(p);
  if (crash == CRASH_NONE) crash = next_step(p);
  if (crash == CRASH_BEFORE) {
    p->crashed = 1;
    return SCHAT_E_STORE;
  }
  status = store->commit(store->user_data, batch);
  if (crash == CRASH_AFTER) {
    p->crashed = 1;
    return SCHAT_E_STORE; /* to a manager that is dead already */
  }
  return status;
}

static int store_scan(void *user_data, schat_record_fn fn, void *arg) {
  const schat_store *store = schat_sqlite_store(((peer *)user_data)->db);
  return store->scan(store->user_data, fn, arg);
}

static uint64_t store_generation(void *user_data) {
  const schat_store *store = schat_sqlite_store(((peer *)user_data)->db);
  return store->generation == NULL ? 0 : store->generation(store->user_data);
}

/* The host ----------------------------------------------------------------------------------------------------------------- */

/* FOR SIMULATION ONLY: a run must be repeatable. Leave schat_host.random NULL, and keys come from OpenSSL's private generator. */
static int simulated_random(void *user_data, uint8_t *out, size_t size) {
  peer *p = (peer *)user_data;
  size_t i;
  for (i = 0; i < size; i++) out[i] = (uint8_t)(random_next(&p->random) >> 56);
  return 0;
}

static void carry_out(peer *p, const schat_request *request) {
  crash_point crash;
  if (p->crashed) return;
  crash = next_step(p);
  if (crash == CRASH_BEFORE) p->crashed = 1;
  if (p->crashed) return;
  if (relay_request(p->world->relay, p->device, request, p->world->now) != 0) fail("the server knows no device of %s", p->name);
  if (crash == CRASH_AFTER) p->crashed = 1;
}

static void tell(peer *p, const schat_event *event) {
  crash_point crash;
  if (p->crashed) return;
  crash = next_step(p);
  if (crash == CRASH_BEFORE) p->crashed = 1;
  if (p->crashed) return;
  peer_event(p, event);
  if (crash == CRASH_AFTER) p->crashed = 1;
}

/* Alice's way: callbacks. */
static void on_request(void *user_data, const schat_request *request) {
  carry_out((peer *)user_data, request);
}

static void on_event(void *user_data, const schat_event *event) {
  tell((peer *)user_data, event);
}

/* Bob's way: after every call, take what there is. An effect that was shown and not popped is shown again. */
static void take_effects(peer *p) {
  schat_effect effect;
  SCHAT_INIT(effect);
  while (!p->crashed && schat_peek(p->manager, &effect) == SCHAT_OK) {
    if (effect.request != NULL) carry_out(p, effect.request);
    if (effect.event != NULL) tell(p, effect.event);
    if (!p->crashed) schat_pop(p->manager);
  }
}

/* Opening and closing ------------------------------------------------------------------------------------------------------ */

void peer_setup(peer *p, struct world *w, const char *name, const char *other, int pull) {
  const char *directory = w->settings.directory;
  size_t i;
  p->world = w;
  p->name = name;
  p->other = other;
  p->pull = pull;
  p->random = random_next(&w->random);
  for (i = 0; i < sizeof p->storage_key; i++) p->storage_key[i] = (uint8_t)(random_next(&p->random) >> 56);
  snprintf(p->store_path, sizeof p->store_path, "%s/%s.secretchat.db", directory, name);
  snprintf(p->generation_path, sizeof p->generation_path, "%s/%s.generation", directory, name);
  snprintf(p->journal_path, sizeof p->journal_path, "%s/%s.messages.db", directory, name);
}

static void remove_with(const char *path, const char *suffix) {
  char name[600];
  snprintf(name, sizeof name, "%s%s", path, suffix);
  remove(name);
}

void peer_erase(const peer *p) {
  if (schat_sqlite_destroy(p->store_path, p->generation_path) != SCHAT_OK) fail("cannot remove %s", p->store_path);
  remove_with(p->journal_path, "");
  remove_with(p->journal_path, "-wal");
  remove_with(p->journal_path, "-shm");
}

static int open_manager(peer *p) {
  schat_store store;
  schat_host host;
  schat_policy policy;
  schat_config config;
  SCHAT_INIT(store);
  store.user_data = p;
  store.commit = store_commit;
  store.scan = store_scan;
  store.generation = store_generation;
  SCHAT_INIT(host);
  host.user_data = p;
  host.request = p->pull ? NULL : on_request;
  host.event = p->pull ? NULL : on_event;
  host.random = simulated_random;
  SCHAT_INIT(policy);
  if (!p->pull) policy.flags = SCHAT_POLICY_CHAIN_SENDS; /* Alice's connection can chain requests, Bob's sends one at a time */
  SCHAT_INIT(config);
  config.store = &store;
  config.host = &host;
  config.policy = &policy;
  config.storage_key = p->storage_key;
  config.user_id = p->user_id;
  return schat_open(&config, p->world->now, &p->manager);
}

static void open_store(peer *p) {
  schat_sqlite_options options;
  int status;
  SCHAT_INIT(options);
  options.generation_path = p->generation_path;
  status = schat_sqlite_open(p->store_path, &options, &p->db);
  if (status != SCHAT_OK) fail("%s cannot open %s: %s", p->name, p->store_path, schat_status_text(status));
}

void peer_start(peer *p) {
  int status;
  open_store(p);
  if (p->journal == NULL) p->journal = journal_open(p->journal_path);
  status = open_manager(p);
  if (status != SCHAT_OK && !p->crashed) fail("%s cannot open the chats: %s", p->name, schat_status_text(status));
  p->reconnecting = 1;
}

void peer_add_stats(peer *p) {
  schat_stats stats;
  SCHAT_INIT(stats);
  if (schat_get_stats(p->manager, &stats) != SCHAT_OK) return;
  p->totals.received += stats.received;
  p->totals.applied += stats.applied;
  p->totals.duplicates += stats.duplicates;
  p->totals.rejected += stats.rejected;
  p->totals.sent += stats.sent;
  p->totals.resent += stats.resent;
  p->totals.resends_asked += stats.resends_asked;
  p->totals.commits += stats.commits;
  p->totals.records += stats.records;
}

void peer_stop(peer *p) {
  if (p->manager != NULL) peer_add_stats(p);
  schat_close(p->manager); /* after a crash: store_commit lets nothing through any more */
  p->manager = NULL;
  schat_sqlite_close(p->db);
  p->db = NULL;
  journal_close(p->journal);
  p->journal = NULL;
  relay_disconnect(p->world->relay, p->device);
}

int peer_recover(peer *p) {
  if (!p->crashed) return 0;
  do {
    p->crashes++;
    screen_line(p->name, "*** crash, and started again from the store ***");
    peer_stop(p);
    p->crashed = 0;
    peer_start(p);
  } while (p->crashed);
  return 1;
}

int peer_did(peer *p, int status, const char *what) {
  if (p->pull) take_effects(p);
  if (status < 0 && !p->crashed) {
    fail("%s: %s gave %s (state %d, close reason %d)", p->name, what, schat_status_name(status), (int)peer_info(p).state,
         (int)peer_info(p).close_reason);
  }
  return status;
}

/* What comes from the server ----------------------------------------------------------------------------------------------- */

static int deliver_difference(peer *p, const relay_item *item) {
  p->differences++;
  return schat_input_difference(p->manager, &item->difference, p->world->now);
}

static int deliver(peer *p, const relay_item *item) {
  const int64_t now = p->world->now;
  switch (item->kind) {
    case RELAY_ANSWER:
      return schat_request_done(p->manager, item->token, &item->answer, now);
    case RELAY_ERROR:
      return schat_request_failed(p->manager, item->token, item->code, item->text, now);
    case RELAY_DIFFERENCE:
      return deliver_difference(p, item);
    case RELAY_MESSAGE:
      p->pushes++;
      return schat_input_message(p->manager, &item->message, item->qts, now);
    case RELAY_CHAT:
      return schat_input_chat(p->manager, &item->chat, now);
    case RELAY_READ:
      return schat_input_read(p->manager, item->chat_id, item->max_date, item->date, now);
    default:
      return schat_input_typing(p->manager, item->chat_id, now);
  }
}

/* Asks for what was missed since the checkpoint, until no slice is left. */
void peer_catch_up(peer *p) {
  const relay_item *item;
  int32_t qts, date, more;
  do {
    if (peer_did(p, schat_checkpoint(p->manager, &qts, &date), "the checkpoint") < 0) return;
    item = relay_difference(p->world->relay, p->device, qts, date, p->world->now);
    if (item == NULL) return;
    more = item->more;
    if (item->difference.message_count == 0 && item->difference.chat_count == 0) break;
    peer_did(p, deliver_difference(p, item), "a difference");
  } while (more && !p->crashed);
  p->next_difference = p->world->now + 30 * SECOND;
}

void peer_tick(peer *p) {
  peer_did(p, schat_tick(p->manager, p->world->now), "a tick");
}

void peer_work(peer *p) {
  const relay_item *item;
  for (;;) {
    peer_recover(p);
    if (p->reconnecting) {
      p->reconnecting = 0;
      peer_tick(p);
      if (!p->crashed) peer_catch_up(p);
    } else if (relay_poll(p->world->relay, p->device, p->world->now, &item)) {
      const int more = item->kind == RELAY_DIFFERENCE && item->more;
      peer_did(p, deliver(p, item), "an input");
      if (more && !p->crashed) peer_catch_up(p);
    } else {
      return;
    }
  }
}

/* Queries and commands ----------------------------------------------------------------------------------------------------- */

int64_t peer_deadline(peer *p) {
  int64_t deadline = INT64_MAX;
  peer_did(p, schat_next_deadline(p->manager, &deadline), "the next deadline");
  return deadline;
}

schat_chat_info peer_info(peer *p) {
  schat_chat_info info;
  SCHAT_INIT(info);
  if (p->chat_id != 0) (void)schat_chat_get_info(p->manager, p->chat_id, &info);
  return info;
}

int64_t peer_new_id(peer *p) {
  const int64_t id = (int64_t)(random_next(&p->random) >> 1);
  return id != 0 ? id : 1;
}

/* The message gets its random_id, and its place in the journal, before it goes to the library. So after a crash the same message can
 * be handed over again: E_EXISTS says that the library has it. (A real client would read it back from the journal.) */
int64_t peer_send(peer *p, const schat_message *message, const schat_input_file *file) {
  schat_message copy = *message;
  uint8_t digest[DIGEST_SIZE];
  char text[8192];
  int status;
  copy.random_id = peer_new_id(p);
  if (copy.ttl == SCHAT_TTL_OF_CHAT) copy.ttl = peer_info(p).ttl;
  content_digest(&copy, digest);
  content_render(&copy, text, sizeof text);
  journal_plan(p->journal, copy.random_id, digest, text);
  do {
    status = schat_send(p->manager, p->chat_id, &copy, file, p->world->now, NULL);
    if (status == SCHAT_E_EXISTS) status = SCHAT_OK;
    peer_did(p, status, "sending");
  } while (peer_recover(p) && status != SCHAT_OK);
  journal_set_state(p->journal, copy.random_id, JOURNAL_QUEUED);
  p->last_sent = copy.random_id;
  return copy.random_id;
}

int64_t peer_say(peer *p, const char *text, int64_t reply_to) {
  schat_message message;
  schat_message_init(&message);
  message.text.data = (const uint8_t *)text;
  message.text.size = strlen(text);
  message.reply_to_random_id = reply_to;
  screen_line(p->name, "-> \"%s\"", text);
  return peer_send(p, &message, NULL);
}

/* A receipt that a crash has swallowed is not repeated: the person looks again, or does not. */
void peer_open_message(peer *p, int64_t random_id) {
  peer_did(p, schat_messages_opened(p->manager, p->chat_id, &random_id, 1, p->world->now), "opening a message");
  peer_recover(p);
}

void peer_read(peer *p) {
  peer_did(p, schat_messages_read(p->manager, p->chat_id, p->last_date, p->world->now), "reading");
  peer_recover(p);
}
