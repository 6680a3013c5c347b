/* SPDX-License-Identifier: BSL-1.0
 * world.h - accounts of the library around one relay, driven to rest: what most tests of chats begin with.
 *
 * Everything follows from the seed. Time stands still but for world_pass and the deadlines that world_run lives through. */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include "memstore.h"
#include "relay.h"
#include "secretchat/secretchat.h"

#define WORLD_PEERS 4
#define WORLD_START INT64_C(1790000000000) /* UTC milliseconds */

/* An event as it was handed over. */
typedef struct {
  int32_t type, chat_id, reason, date, value, place, old_chat_id, error_code, repeated, notify;
  uint64_t id;
  int64_t random_id;
  int64_t random_ids[16];
  size_t random_id_count; /* 16 at most */
  schat_encrypted_file file;
  int32_t ttl, media;
  char text[256];
  size_t text_size;
} world_event;

/* A request as it was handed over. */
typedef struct {
  int32_t type, chat_id, qts, max_date, file_type;
  uint64_t token, after;
  int64_t random_id, key_fingerprint;
  uint64_t digest; /* FNV-1a of data */
  size_t size;
} world_request;

struct world;

typedef struct {
  struct world *world;
  schat_manager *manager;
  memstore *store;
  schat_policy policy;
  int64_t user_id;
  int device;
  uint64_t random_state;
  int random_fails;   /* the source of random numbers refuses */
  int hold;           /* requests are not given to the relay but wait in `requests` */
  int deaf;           /* deliveries of updates are dropped (answers arrive) */
  int last_status;    /* of the last input fed */
  world_event *events;
  size_t event_count, event_capacity;
  world_request *requests;
  size_t request_count, request_capacity;
} world_peer;

typedef struct world {
  relay *relay;
  int64_t now;
  uint64_t seed;
  size_t peer_count;
  world_peer peers[WORLD_PEERS];
} world;

/* A world with one device for each of `peers` users, each with an empty store and an open manager with default policy and
 * SCHAT_POLICY_CHAIN_SENDS. */
world *world_new(uint64_t seed, size_t peers);
void world_free(world *w);
/* Another device of the user of peer `of`; returns its index. */
size_t world_add_device(world *w, size_t of);

/* Gives everybody what has arrived and carries out what they ask until nothing is left to do now. */
void world_run(world *w);
/* Lets time pass in steps from deadline to deadline, running at each. */
void world_pass(world *w, int64_t milliseconds);
/* Opens with peers[p].policy after closing; crash: without the commit of a clean shutdown, and with the store as it stands. */
void world_restart(world *w, size_t p, int crash);
/* The device asks for the difference from its checkpoint. */
void world_catch_up(world *w, size_t p);
/* Only drains effects of one peer (events noted, requests to the relay unless held). */
void world_drain(world *w, size_t p);
/* Drains one peer's deliveries of this moment. */
void world_deliver(world *w, size_t p);

/* Alice (a) asks, Bob (b) accepts, until both are READY. Returns the chat's id. */
int32_t world_chat(world *w, size_t a, size_t b);
/* Sends a text; returns the status. *random_id may be NULL. */
int world_text(world *w, size_t p, int32_t chat_id, const char *text, int64_t *random_id);
int world_text_ttl(world *w, size_t p, int32_t chat_id, const char *text, int32_t ttl, int64_t *random_id);

schat_chat_info world_info(world *w, size_t p, int32_t chat_id);
/* Events of a type (and chat, unless 0) since the beginning, or since world_forget. */
size_t world_count(const world *w, size_t p, int32_t type);
const world_event *world_last(const world *w, size_t p, int32_t type); /* NULL: none */
const world_event *world_nth(const world *w, size_t p, int32_t type, size_t n);
void world_forget(world *w);
/* Requests handed over, of a type. */
size_t world_requests(const world *w, size_t p, int32_t type);
const world_request *world_last_request(const world *w, size_t p, int32_t type);

/* The storage key all peers use. */
const uint8_t *world_storage_key(void);
/* A copy of what would be found after a crash of peer p, for comparing with later. */
memstore *world_image(const world *w, size_t p);

#endif
