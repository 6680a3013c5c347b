/* SPDX-License-Identifier: BSL-1.0
 * steps.h - what the steps of the scenarios are made of: commands of the account under test, acts of its peer, and what to wait for. */
#ifndef TESTS_FAULT_STEPS_H
#define TESTS_FAULT_STEPS_H

#include "bench.h"

/* The scenarios, one table for each subject; each ends with a name NULL. */
extern const scenario scenarios_handshake[], scenarios_messages[], scenarios_rekey[], scenarios_gaps[], scenarios_lives[], scenarios_ends[],
    scenarios_opening[], scenarios_commits[];
/* All of them, in that order; NULL past the end. */
const scenario *scenario_at(size_t i);
const scenario *scenario_named(const char *name);

/* random_id of a message by its name: the application chooses it before it acts, so that it can act again after a crash. */
int64_t id_of(const char *name);

/* The account: each makes its call until it succeeds, unless the application's log says that it has. */
int was_sent(bench *b, const char *name);
void we_say(bench *b, const char *name, int32_t ttl);
void we_set_timer(bench *b, int32_t ttl, const char *name);
void we_read(bench *b, int32_t date);
void we_open(bench *b, const char *name);
void we_close(bench *b, const char *name);
void we_delete(bench *b, const char *name);
void we_flush(bench *b);
void we_shoot(bench *b, const char *name);
void we_discard(bench *b, uint32_t flags);
int status_say(bench *b, const char *name, int32_t ttl); /* without trying again */

/* The peer, once for each name. */
void peer_says(bench *b, const char *name, int32_t ttl);
void peer_deletes(bench *b, const char *name);
int32_t date_now(const bench *b);

/* Conditions. */
int is_ready(bench *b);
int key_is_new(bench *b); /* on both sides, and nothing of the change is open */
void await_message(bench *b, const char *name); /* in the account's log */
void await_heard(bench *b, const char *name);   /* by the peer */
void take_chat(bench *b);                       /* b->chat is the only chat */

/* Preparations: a chat that we, or the peer, have begun and in which all is confirmed. */
void prepare_chat(bench *b);
void prepare_chat_of_peer(bench *b);

#endif
