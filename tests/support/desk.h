/* SPDX-License-Identifier: BSL-1.0
 * desk.h - the server's desk, kept by hand: one account of the library, and a test that answers each request and tells each fact itself,
 * with the numbers of an honest peer at hand.
 *
 * The account is peer 0 of a world; its requests are noted and carried out by nobody. */
#ifndef TESTS_SUPPORT_DESK_H
#define TESTS_SUPPORT_DESK_H

#include "puppet.h"

#define DESK_HASH INT64_C(0x1122334455667788)
#define DESK_FOLDER 3

typedef struct {
  world *w;
  schat__crypto *crypto;
  int32_t chat_id;
  int originator;        /* the library's account started the chat */
  int64_t own, other;    /* users */
  int32_t date;          /* of the chat */
  uint8_t exponent[256]; /* of the peer */
  uint8_t value[256];    /* its public value */
  uint8_t library[256];  /* the library's public value, once there is one */
  uint8_t key[256];      /* the key that both must come to; desk_agree */
  int64_t fingerprint;
} desk;

desk *desk_new(uint64_t seed);
void desk_free(desk *d);
schat_manager *desk_manager(const desk *d);
schat__slot *desk_slot(const desk *d);
int desk_state(const desk *d);

/* Telegram's prime. */
const uint8_t *desk_prime(void);

/* The account asks for a chat; its first request waits. */
void desk_create(desk *d);
/* The peer asks for a chat: status of the input. */
int desk_invite(desk *d);
/* Answers the configuration that is asked for. */
int desk_config(desk *d);
int desk_config_with(desk *d, int32_t g, schat_bytes p, int32_t version, schat_bytes random);
int desk_not_modified(desk *d);
/* Takes the library's public value and computes the key. */
void desk_agree(desk *d);

/* EncryptedChat of the chat as an honest server says it. */
schat_chat_update desk_view(const desk *d, int32_t type);
int desk_tell(desk *d, const schat_chat_update *update);
int desk_tell_type(desk *d, int32_t type);
/* The same as the answer to the last request of a type. */
int desk_answer(desk *d, int32_t request_type, const schat_chat_update *update);
int desk_done(desk *d, int32_t request_type);
int desk_fail(desk *d, int32_t request_type, int32_t code, const char *text);

/* Up to a state: REQUESTING (the request waits), WAITING_PEER, INVITED, ACCEPTING (the request waits), READY. */
void desk_begin(desk *d, int originator, int state);

/* A message of the peer under the agreed key: its first, when raw is 0. Free with free(). */
uint8_t *desk_text(desk *d, int32_t raw, const char *text, size_t *size);
int desk_message(desk *d, const uint8_t *bytes, size_t size, int32_t qts);

/* What is durable of the account. desk_rewind: opens the account again from an image, as after a crash. */
memstore *desk_image(const desk *d);
void desk_rewind(desk *d, const memstore *image);

/* Everything a rejected input must leave alone: 1 when nothing differs from the image and the copy. */
int desk_unchanged(const desk *d, const memstore *image, const schat__chat *before);

/* Opens the account again with functions of the test; each may be NULL. */
typedef struct {
  const schat_allocator *allocator;
  schat_random_fn random;
  void *random_data;
  void (*log)(void *user_data, int level, const char *text); /* user_data: random_data */
  int64_t user_id;                                           /* 0: not known */
} desk_parts;
int desk_reopen(desk *d, const desk_parts *parts);

#endif
