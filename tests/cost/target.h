/* SPDX-License-Identifier: BSL-1.0
 * target.h - an account with one open chat, whose peer and server are hostile; what each of its calls costs is counted. */
#ifndef SCHAT_TESTS_COST_TARGET_H
#define SCHAT_TESTS_COST_TARGET_H

#include "stage.h"
#include "work.h"

typedef struct {
  stage *s; /* where the chat came from, and the puppet that is its peer */
  puppet *p;
  schat_manager *m; /* the account under attack, over a store that only counts */
  int32_t chat_id;
  int64_t now;
  memstore *image;
  schat_store store;
  int deaf;         /* the host does not take what waits to be handed over */
  uint64_t resends; /* messages sent more than once: taken from the statistics */
} target;

target *target_new(uint64_t seed);
void target_free(target *t);
schat__slot *target_slot(const target *t);

/* Everything that waits is taken, counted and, as a server would, confirmed (sends, receivedQueue). */
void target_drain(target *t);
/* Calls of the library, counted; what waits is taken afterwards unless the host is deaf. */
int target_message(target *t, int32_t chat_id, const uint8_t *bytes, size_t size, int32_t qts);
int target_say(target *t, int32_t in_raw, int32_t out_raw, schat_bytes object);
int target_act(target *t, const schat__action *action); /* under the puppet's next numbers */
int target_chat(target *t, const schat_chat_update *update);
int target_typing(target *t);
int target_read(target *t, int32_t date);
int target_difference(target *t, const schat_difference *difference);
void target_pass(target *t, int64_t milliseconds); /* time, and a tick */

#endif
