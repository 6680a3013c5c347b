/* SPDX-License-Identifier: BSL-1.0
 * puppet.h - a peer that knows the key and keeps no rule: makes authentic messages with any numbers, layer, padding and content, and reads
 * what the library sends. */
#ifndef TESTS_SUPPORT_PUPPET_H
#define TESTS_SUPPORT_PUPPET_H

#include "chat/chat.h"
#include "world.h"

typedef struct {
  schat__crypto *crypto;
  schat__arena arena;
  int originator; /* the puppet started the chat */
  int32_t chat_id;
  uint8_t key[256];
  int64_t key_fingerprint;
  int32_t out_raw, in_raw; /* of the next message; puppet_send counts out_raw up */
  int32_t layer;
  size_t random_bytes;
  int mtproto;
} puppet;

/* The slot of a chat inside a manager; NULL when there is none. */
schat__slot *puppet_slot(schat_manager *m, int32_t chat_id);

/* Takes the place of the peer of `opponent` in one of its chats (READY): the key and the next numbers are those the opponent expects. */
puppet *puppet_new(schat_manager *opponent, int32_t chat_id);
void puppet_free(puppet *p);
/* Takes the opponent's current key and numbers again. */
void puppet_follow(puppet *p, schat_manager *opponent);
/* Another key from now on. */
void puppet_use_key(puppet *p, const uint8_t key[256]);

/* The encrypted bytes of a boxed DecryptedMessage under given wire numbers; malloc'ed. */
uint8_t *puppet_seal(puppet *p, int32_t wire_in, int32_t wire_out, schat_bytes message, size_t *size);
/* Seals any object, wrapper or not, as the plaintext (MTProto p->mtproto). */
uint8_t *puppet_seal_object(puppet *p, schat_bytes object, size_t *size);

/* Feeds a message to the manager: status of schat_input_message (qts 0). */
int puppet_feed(schat_manager *m, int32_t chat_id, const uint8_t *bytes, size_t size, int64_t now);
/* Under raw numbers / wire numbers, without counting. */
int puppet_send_raw(puppet *p, schat_manager *m, int32_t in_raw, int32_t out_raw, schat_bytes message, int64_t now);
int puppet_send_wire(puppet *p, schat_manager *m, int32_t wire_in, int32_t wire_out, schat_bytes message, int64_t now);
/* Under the next numbers. */
int puppet_send(puppet *p, schat_manager *m, schat_bytes message, int64_t now);
int puppet_send_text(puppet *p, schat_manager *m, int64_t random_id, const char *text, int32_t ttl, int64_t now);
int puppet_send_action(puppet *p, schat_manager *m, const schat__action *action, int64_t now);

/* Boxed objects, in the puppet's arena (valid until puppet_forget). */
schat_bytes puppet_text(puppet *p, int64_t random_id, const char *text, int32_t ttl);
schat_bytes puppet_action(puppet *p, const schat__action *action);
void puppet_forget(puppet *p);

/* What the library sent: opens the data of a request. */
typedef struct {
  schat__wrapper wrapper;
  int32_t in_raw, out_raw;
  schat__action action; /* type NONE: a message of the user */
  schat_message message;
  size_t padding;
} puppet_seen;
/* 1 when it opens under the puppet's key and parses. Content in the puppet's arena. */
int puppet_read(puppet *p, schat_bytes data, puppet_seen *seen);

/* Pops every effect of the manager; calls fn for each send it finds (may be NULL). Returns how many sends there were. */
typedef void (*puppet_fn)(void *arg, const schat_request *request, const puppet_seen *seen);
size_t puppet_collect(puppet *p, schat_manager *m, puppet_fn fn, void *arg);

#endif
