/* SPDX-License-Identifier: BSL-1.0
 * stand.h - a chat whose key and numbers are those of a case, to which messages are given one at a time. */
#ifndef SCHAT_TESTS_VECTORS_STAND_H
#define SCHAT_TESTS_VECTORS_STAND_H

#include "lab.h"
#include "run_vectors.h"

/* What a case says of the chat before its message. */
typedef struct {
  const uint8_t *key;
  int originator; /* the account under test has started the chat */
  int32_t received, sent, confirmed;
  int mtproto2_seen;
} standing;

typedef struct stand {
  lab *l;
  standing at;
  memstore *image;  /* of that state, under a key of its own */
  memstore *before; /* the store as the last message found it */
  schat__chat chat; /* the chat as the last message found it */
  int untouched;    /* the last message has changed nothing */
} stand;

/* The chat in that state: NULL when it cannot be had. */
stand *stand_take(run *r, const standing *at);
void stand_free(stand *s);
/* Gives it a message: status of the input. */
int stand_feed(stand *s, schat_bytes message);
/* 1 when nothing is different from before the message. */
int stand_unchanged(stand *s);

#endif
