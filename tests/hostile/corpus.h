/* SPDX-License-Identifier: BSL-1.0
 * corpus.h - what was right once: every input that a manager has had, typed and as the bytes of Telegram's API. */
#ifndef SCHAT_TESTS_HOSTILE_CORPUS_H
#define SCHAT_TESTS_HOSTILE_CORPUS_H

#include <stddef.h>
#include <stdint.h>

#include "../support/relay.h"
#include "secretchat/secretchat.h"

typedef struct {
  schat_encrypted_message message;
  int32_t qts;
} corpus_message;

typedef struct {
  uint64_t token;
  int32_t type; /* of the request */
  schat_answer answer;
} corpus_answer;

typedef struct {
  corpus_message *messages;
  schat_chat_update *chats;
  corpus_answer *answers;
  schat_bytes *tl; /* updates, answers, differences */
  size_t message_count, chat_count, answer_count, tl_count;
} corpus;

/* Keeps a copy of an input (the tap of a pair). */
void corpus_add(void *user_data, const relay_item *item);
/* Writes everything down as TL as well. */
void corpus_write_tl(corpus *c);
void corpus_free(corpus *c);

#endif
