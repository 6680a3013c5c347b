/* SPDX-License-Identifier: BSL-1.0
 * stage.h - one chat of the library with a puppet in its peer's place, and every message the server took from the library in a list: what
 * the tests of the order of messages begin with.
 *
 * The account under test is peer 0 of the world. Its real peer has gone deaf after the chat was made, so that the puppet speaks alone. */
#ifndef TESTS_SUPPORT_STAGE_H
#define TESTS_SUPPORT_STAGE_H

#include "puppet.h"

/* A message the server took, in the order it did. */
typedef struct {
  int type; /* schat_request_type */
  int repeated, to;
  int32_t chat_id;
  int64_t random_id;
  uint8_t *bytes;
  size_t size;
} stage_sent;

typedef struct {
  world *w;
  puppet *p;
  int32_t chat_id;
  stage_sent *sent; /* of peer 0 since the chat was READY, or stage_forget */
  size_t sent_count, sent_capacity;
  stage_sent first[2]; /* the first message of peer 0, and of its peer */
} stage;

/* A chat that peer 0 has started (originator 1) or accepted (0). Rekeying is off unless `policy` says otherwise; policy may be NULL. */
stage *stage_new(uint64_t seed, int originator, const schat_policy *policy);
void stage_free(stage *s);

schat_manager *stage_manager(const stage *s);
schat__slot *stage_slot(const stage *s);
schat_chat_info stage_info(stage *s);

/* Forgets events, requests and sent messages so far. */
void stage_forget(stage *s);
/* Sends of the kind SCHAT__ACTION_… (NONE: texts) among the sent ones, as far as they open under the puppet's key. */
size_t stage_count(stage *s, int action);
/* The i-th sent message, opened; 0 when it does not open. Content lives until puppet_forget. */
int stage_read(stage *s, size_t i, puppet_seen *seen);
/* Index of the n-th sent message with that raw number; SIZE_MAX: none. */
size_t stage_find(stage *s, int32_t out_raw, size_t n);

/* The puppet says something under its next numbers, and what follows happens. Status of the input. */
int stage_text(stage *s, int64_t random_id, const char *text);
int stage_action(stage *s, const schat__action *action);
/* The same under given raw numbers, uncounted. */
int stage_text_raw(stage *s, int32_t in_raw, int32_t out_raw, int64_t random_id, const char *text);
int stage_action_raw(stage *s, int32_t in_raw, int32_t out_raw, const schat__action *action);
/* Asks for the raw numbers first to last, in a message of number out_raw. */
int stage_resend(stage *s, int32_t in_raw, int32_t out_raw, int32_t first, int32_t last);
/* The puppet confirms all that the library has made, in its next message. */
void stage_acknowledge(stage *s);

/* Back to an image taken with world_image(s->w, 0): the account is opened again from it. */
void stage_rewind(stage *s, const memstore *image);
/* 1 when both images hold the same records, but for the account's own (queue position, clock). */
int stage_same(const memstore *a, const memstore *b);
/* How often `needle` stands in the records of an image after they have been unsealed. */
size_t stage_find_plain(const memstore *image, const void *needle, size_t size);

#endif
