/* SPDX-License-Identifier: BSL-1.0
 * lab.h - one account of the library against a puppet that can take every part of a rekeying: what the tests of key changes begin with.
 *
 * The account under test is peer 0 of a world; after the chat was made it has no server any more: what it sends lands in a list, and is
 * confirmed at once unless the lab is mute. The puppet confirms all it could have received with each message, unless it lags. */
#ifndef TESTS_SUPPORT_LAB_H
#define TESTS_SUPPORT_LAB_H

#include "puppet.h"

#define LAB_KEYS 16u
#define LAB_WEEK (INT64_C(604800) * 1000)

/* A message of the library. */
typedef struct {
  schat__action_type action; /* NONE: a text */
  int32_t out_raw, in_raw;
  int64_t fingerprint; /* of the key that seals it */
  int64_t exchange_id, key_fingerprint;
  int32_t start, end;
  uint8_t g[256];
  char text[64];
  int64_t random_id;
} lab_sent;

typedef struct {
  int32_t type, reason, value;
  char text[64];
} lab_event;

typedef struct {
  world *w;
  puppet *p;
  int32_t chat_id;
  int mute;                    /* sends are not confirmed by the server */
  int lag;                     /* the puppet confirms nothing new */
  uint8_t keys[LAB_KEYS][256]; /* all there have been, the puppet's next one too */
  size_t key_count;

  /* The puppet's side of an exchange. */
  int64_t exchange_id, next_fingerprint;
  uint8_t exponent[256], own[256], next[256];

  lab_sent *sent;
  size_t sent_count, sent_capacity;
  lab_event *events;
  size_t event_count, event_capacity;
} lab;

/* A chat that peer 0 has started (originator 1) or accepted (0); policy may be NULL. */
lab *lab_new(uint64_t seed, int originator, const schat_policy *policy);
void lab_free(lab *l);

schat_manager *lab_manager(const lab *l);
schat__slot *lab_slot(const lab *l);
const schat__chat *lab_chat(const lab *l);
schat__rekey_state lab_state(const lab *l);
/* SCHAT__HAS_… of the slot's secrets. */
int lab_has(const lab *l, unsigned what);
/* The configuration of the chat. */
const schat__config *lab_config(const lab *l);

/* Takes what waits to be handed over. */
void lab_drain(lab *l);
void lab_forget(lab *l);
void lab_tick(lab *l, int64_t milliseconds);
/* Closes and opens; crash: without the commit of a clean shutdown. */
void lab_restart(lab *l, int crash);
/* Back to an image taken with world_image(l->w, 0). */
void lab_rewind(lab *l, const memstore *image);

/* Among the messages and events since the beginning or lab_forget. */
size_t lab_count(const lab *l, schat__action_type action);
const lab_sent *lab_last(const lab *l, schat__action_type action); /* NULL: none */
size_t lab_events(const lab *l, int32_t type);
const lab_event *lab_last_event(const lab *l, int32_t type); /* NULL: none */

/* The library sends a text: status. */
int lab_text(lab *l, const char *text);
/* The puppet sends a text, or an action, under its key and next numbers. */
int lab_say(lab *l, const char *text);
int lab_act(lab *l, const schat__action *action);
int lab_noop(lab *l);
/* A …_KEY action; g may be NULL. */
schat__action lab_key_action(schat__action_type type, int64_t exchange_id, const uint8_t *g, size_t g_size, int64_t fingerprint);
int lab_send_key(lab *l, schat__action_type type, int64_t exchange_id, const uint8_t *g, size_t g_size, int64_t fingerprint);
/* The puppet's next message, as bytes for later: it counts, and is malloc'ed. */
uint8_t *lab_hold(lab *l, const schat__action *action, size_t *size);
uint8_t *lab_hold_text(lab *l, const char *text, size_t *size);
int lab_feed(lab *l, const uint8_t *bytes, size_t size);

/* Steps of an exchange, each as a lawful peer makes it. */
void lab_draw(lab *l);                         /* exponent and own value */
void lab_derive(lab *l, const uint8_t g[256]); /* next key */
int lab_request(lab *l, int64_t exchange_id);  /* RequestKey with a fresh value */
int lab_answer(lab *l);                        /* AcceptKey to the library's last RequestKey */
int lab_commit(lab *l);                        /* CommitKey for its last AcceptKey, and the new key from then on */
void lab_take_next(lab *l);                    /* the puppet uses the new key */
/* Makes the library begin: passes the time that a key may live. */
void lab_make_request(lab *l);
/* A whole exchange, begun by the library or the puppet, up to the moment where both have dropped the old key. */
void lab_exchange(lab *l, int by_library, int64_t exchange_id);

#endif
