/* SPDX-License-Identifier: BSL-1.0
 * peer.h - the account behind the lines: manager, store, clock, and what must outlive a crash of the manager. */
#ifndef SCHAT_TESTS_LINE_PEER_PEER_H
#define SCHAT_TESTS_LINE_PEER_PEER_H

#include <stddef.h>
#include <stdint.h>

#include "secretchat/secretchat.h"
#include "../support/memstore.h"

#define PEER_START_TIME INT64_C(1800000000000)
#define PEER_TIME_MAX (INT64_C(1) << 52)

/* A request that was printed. Tokens begin anew with every manager, QIDs do not. */
typedef struct {
  uint64_t qid;
  int32_t type; /* schat_request_type */
} peer_query;

typedef struct {
  memstore *store;
  schat_manager *manager; /* NULL when the store could not be opened again */
  int64_t now;
  int64_t user_access_hash;
  int32_t chat_id; /* the newest chat; 0: none */
  int accept_at_once;
  int owes_reason; /* an input was rejected, and its reason has not been printed */

  uint64_t qid_base; /* what is added to a token of this manager */
  uint64_t qid_highest;
  peer_query *queries; /* sorted by qid */
  size_t query_count, query_capacity;

  uint64_t *printed; /* ids of stored events, sorted: a host that keeps a table shows none twice (D-35) */
  size_t printed_count, printed_capacity;
} peer;

/* An account with an empty store. SCHAT_OK or why the library did not open. */
int peer_begin(peer *p);
/* Drops everything in memory, as a crash would, and opens again from the store. */
int peer_restart(peer *p);
/* Bounds what the store keeps of the past; to be called now and then. */
void peer_tidy(peer *p);
void peer_end(peer *p);

uint64_t peer_qid(peer *p, uint64_t token);
void peer_remember_query(peer *p, uint64_t qid, int32_t type);
/* 0 when no query had this QID. */
int peer_find_query(const peer *p, uint64_t qid, int32_t *type);
/* The token of a QID; 0 when it belongs to a manager of before a restart. */
uint64_t peer_token(const peer *p, uint64_t qid);
/* Notes the id of a stored event; 0 when it had been noted before. */
int peer_note_event(peer *p, uint64_t id);

#endif
