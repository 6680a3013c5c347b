/* SPDX-License-Identifier: BSL-1.0
 * manager.h - many chats of one account behind the public handle: the step, its commit, and what leaves afterwards.
 *
 *  input ─▶ schat__step_begin ─▶ handlers of chat/ change state under the journal ─▶ schat__step_end
 *                                        │ negative: undone                          │ outermost: schat__commit
 *                                                                                    ▼
 *                              store.commit ── negative: the group is undone     durable or pending: settled
 *                                                                                    ▼
 *                              schat__dispatch: effects whose group is durable, oldest first
 */
#ifndef SCHAT_MANAGER_MANAGER_H
#define SCHAT_MANAGER_MANAGER_H

#include "../chat/chat.h"
#include "../crypto/traces.h"

typedef struct {
  uint64_t ticket;
  int done;
  int32_t qts, date; /* where it leaves the account */
} schat__pending;

struct schat_manager {
  schat__env env;
  schat_store store;
  schat__sealer *sealer;

  int depth;       /* schat_begin without schat_end */
  int in_store;    /* a store callback runs */
  int dispatching; /* a host callback runs */
  int poisoned;
  schat__mark group; /* where the commit that is being made began */

  schat__pending *pending; /* commits that are not known to be durable, oldest first */
  size_t pending_count, pending_capacity;

  int64_t stored_clock; /* account.clock of the last commit */
  int32_t durable_qts, durable_date; /* of the last commit that is durable: all that a server may be told (R-Q-01) */


  schat__arena commit_arena, out_arena;

  /* What schat_peek shows. */
  int showing;
  schat_request request;
  schat_event event;
  schat_message message;
  schat_chat_info info;
};

/* step.c */
int schat__enter(const schat_manager *m);
typedef struct {
  schat__mark mark;
} schat__step;
/* Begins an input at `now`: E_INVALID, E_REENTRANT, E_POISONED. */
int schat__step_begin(schat_manager *m, int64_t now, schat__step *step);
/* Ends it with the handler's status: tends `slot` (may be NULL), then undoes or commits, and hands effects over. */
int schat__step_end(schat_manager *m, const schat__step *step, int status, schat__slot *slot);
/* Without handing over and without tending: for parts of an input and for opening. */
int schat__commit(schat_manager *m);
/* Its parts: room to wait for the store, the store's answer (SCHAT_OK, SCHAT_PENDING or negative), and what follows a batch that was taken.
 * `handed` events were removed by it. */
int schat__reserve_pending(schat_manager *m);
int schat__store_commit(schat_manager *m, const schat_batch *batch);
void schat__settle(schat_manager *m, size_t handed, int durable);
int schat__group_open(schat_manager *m);
int schat__group_close(schat_manager *m, int status);

/* batch.c: the records of what the journal says has changed. */
int schat__batch_build(schat_manager *m, schat_batch *batch);
int schat__batch_wipe(schat_manager *m, schat_batch *batch);

/* dispatch.c */
void schat__dispatch(schat_manager *m);
int schat__event_show(schat__env *env, schat__arena *arena, const schat__effect *effect, schat_event *event, schat_message *message,
                      schat_chat_info *info);

/* load.c */
int schat__load(schat_manager *m);
int schat__resume(schat_manager *m);

/* tick.c */
int schat__queue_ask(schat_manager *m);      /* receivedQueue, when there is more to acknowledge (R-Q-01) */
int schat__difference_ask(schat_manager *m); /* getDifference, when something is missing */
/* 1 when time that has passed is to be stored for its own sake: a life that runs must not begin again when the clock is set back while we
 * are closed (R-TTL-08). While open a quarter of what is left is let go by, so that long lives cost few commits. */
int schat__clock_counts(const schat_manager *m, int closing);

/* input.c */
/* What the server may call not modified: held, and tested by today's rules; or NULL. Chats that exist go on in their group: their key has
 * come of it. */
const schat__config *schat__current_config(const schat__env *env);
int schat__add_config(schat__env *env, const schat_answer *answer, const schat__config **config);

#endif
