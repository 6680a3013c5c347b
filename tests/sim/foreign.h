/* SPDX-License-Identifier: BSL-1.0
 * foreign.h - clients of other people at a device of the relay: Android, iOS, TDLib and MadelineProto as far as a peer can tell them apart.
 *
 * A foreign client keeps a protocol state of its own, apart from the library's chat layer, and behaves as foreign_rules() says, rule by rule.
 * Everything follows from seed, calls and times. It stands where an account of the library would: give it every item the relay has for its
 * device (foreign_input, or foreign_run for all that is due), call foreign_tick at foreign_deadline, and give it orders. What it did and saw
 * is its list of events. */
#ifndef TESTS_SIM_FOREIGN_H
#define TESTS_SIM_FOREIGN_H

#include <stddef.h>
#include <stdint.h>

#include "relay.h"

typedef enum foreign_profile { FOREIGN_ANDROID, FOREIGN_IOS, FOREIGN_TDLIB, FOREIGN_MADELINE, FOREIGN_PROFILES } foreign_profile;

typedef struct foreign foreign;

/* A fresh client for a device of the relay. */
foreign *foreign_new(relay *r, int device, int64_t user_id, foreign_profile profile, uint64_t seed);
void foreign_free(foreign *f);

const char *foreign_name(foreign_profile profile);
/* Flags of schat_policy without which the library does not get along with such a client. */
uint32_t foreign_policy(foreign_profile profile);
/* What the client does and the rule that says so: ends with {NULL, NULL}. */
typedef struct foreign_rule {
  const char *rule, *what;
} foreign_rule;
const foreign_rule *foreign_rules(foreign_profile profile);

/* The world's side --------------------------------------------------------------------------------------------------------- */

/* Where its requests go; relay_request of its own device unless set. */
typedef void (*foreign_request_fn)(void *arg, const schat_request *request, int64_t now);
void foreign_set_output(foreign *f, foreign_request_fn fn, void *arg);

void foreign_input(foreign *f, const relay_item *item, int64_t now);
/* relay_poll and foreign_input until nothing has arrived; 1 when anything had. */
int foreign_run(foreign *f, int64_t now);
void foreign_tick(foreign *f, int64_t now);
int64_t foreign_deadline(const foreign *f); /* INT64_MAX: never */

/* Orders: 0, or -1 when the chat's state does not allow it and nothing was done ---------------------------------------------- */

int foreign_create(foreign *f, int64_t user_id, int64_t now); /* the chat's id comes with FOREIGN_ASKED */
int foreign_accept(foreign *f, int32_t chat_id, int64_t now);
int foreign_discard(foreign *f, int32_t chat_id, int64_t now);
/* *random_id may be NULL. */
int foreign_text(foreign *f, int32_t chat_id, const char *text, int32_t ttl, int64_t now, int64_t *random_id);
int foreign_delete(foreign *f, int32_t chat_id, int64_t random_id, int64_t now);
int foreign_set_ttl(foreign *f, int32_t chat_id, int32_t ttl, int64_t now);
int foreign_open_message(foreign *f, int32_t chat_id, int64_t random_id, int64_t now); /* decryptedMessageActionReadMessages */
int foreign_flush(foreign *f, int32_t chat_id, int64_t now);
int foreign_read(foreign *f, int32_t chat_id, int32_t max_date, int64_t now); /* readEncryptedHistory */
int foreign_rekey(foreign *f, int32_t chat_id, int64_t now); /* RequestKey now; -1 while an exchange is open, or there is a gap */
int foreign_ask_again(foreign *f, int32_t chat_id,
                      int64_t now);            /* one more Resend for the first hole; -1: none, or this client never does */
int foreign_catch_up(foreign *f, int64_t now); /* getDifference now */
/* The process ends and begins anew: what this client keeps in memory only is lost; the relay's connection breaks. */
void foreign_restart(foreign *f, int64_t now);
/* Android: deleting a message that the server has takes its row away, and a Resend of it gets a filler (S16, M7). Off at first. */
void foreign_fillers(foreign *f, int on);
/* Public values are drawn until they have a leading zero byte (H1); takes some hundreds of exponentiations. */
void foreign_short_values(foreign *f, int on);

/* What it did and saw ------------------------------------------------------------------------------------------------------ */

typedef enum foreign_event_type {
  FOREIGN_ASKED = 1, /* the server knows the chat it asked for */
  FOREIGN_INVITED,   /* somebody asks for a chat: foreign_accept or foreign_discard */
  FOREIGN_READY,
  FOREIGN_CLOSED,  /* text: why; by_us: its own verdict */
  FOREIGN_TEXT,    /* a message of the peer in its order: random_id, out (its number, from 0), text, value: ttl */
  FOREIGN_SENT,    /* the server has its message: random_id, out */
  FOREIGN_DELETED, /* the peer deletes random_id */
  FOREIGN_FLUSHED,
  FOREIGN_TTL,       /* value: seconds */
  FOREIGN_OPENED,    /* the peer has opened random_id */
  FOREIGN_READ,      /* value: max_date */
  FOREIGN_LAYER,     /* value: the peer's layer, from NotifyLayer */
  FOREIGN_REKEYED,   /* a new key is in use */
  FOREIGN_REKEY_OFF, /* an exchange ended without a key */
  FOREIGN_GAP,       /* value: messages it asked for once more */
  FOREIGN_DROPPED,   /* text: why a message went unread */
  FOREIGN_STUCK      /* text: why a message will never be read, nor what comes after it (iOS, L3) */
} foreign_event_type;

typedef struct foreign_event {
  foreign_event_type type;
  int32_t chat_id, value, out;
  int64_t random_id;
  int by_us;
  char text[96];
} foreign_event;

const foreign_event *foreign_events(const foreign *f, size_t *count);
size_t foreign_count(const foreign *f, foreign_event_type type);
const foreign_event *foreign_last(const foreign *f, foreign_event_type type); /* NULL: none */

typedef struct foreign_chat_view {
  int32_t chat_id, sent, received; /* numbers used, and messages processed in order */
  int32_t acknowledged;            /* of sent: as the peer's in_seq_no says */
  int ready, closed, gap, exchange_open, originator;
  size_t waiting, unsent; /* messages behind a gap; of its own not yet with the server */
  int64_t key_fingerprint;
  int32_t layer, peer_layer;
} foreign_chat_view;
/* 0, or -1 when there is no such chat. */
int foreign_view(const foreign *f, int32_t chat_id, foreign_chat_view *view);
/* Opens what the server saw in a chat of this client, sent by either side (relay_tap): the object inside, in malloc'ed memory. *mtproto: 1
 * or 2. 0, or -1: no key this client ever held opens it. */
int foreign_open_bytes(const foreign *f, int32_t chat_id, int from_us, schat_bytes bytes, uint8_t **object, size_t *size, size_t *padding,
                       int *mtproto);

#endif
