/* SPDX-License-Identifier: BSL-1.0
 * peer.c - opens the account, crashes it on order, and keeps what a host would keep in tables of its own. */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

#include "print.h"
#include "text.h"

#define UNSYNCED_MAX 1000u

static const uint8_t storage_key[SCHAT_STORAGE_KEY_SIZE] = {'l', 'i', 'n', 'e', ' ', 'p', 'e', 'e', 'r'};

static int open_manager(peer *p) {
  schat_config config;
  schat_policy policy;
  schat_host host;
  SCHAT_INIT(config);
  SCHAT_INIT(policy);
  SCHAT_INIT(host);
  policy.flags = SCHAT_POLICY_CHAIN_SENDS;
  host.log = print_log;
  config.store = memstore_store(p->store);
  config.host = &host;
  config.policy = &policy;
  config.storage_key = storage_key;
  return schat_open(&config, p->now, &p->manager);
}

int peer_begin(peer *p) {
  p->now = PEER_START_TIME;
  p->store = memstore_new();
  return open_manager(p);
}

int peer_restart(peer *p) {
  memstore *found = memstore_clone(p->store); /* closing would store what a crash loses */
  memstore_fail_commit(p->store, 1, SCHAT_E_STORE, 1);
  schat_close(p->manager);
  memstore_free(p->store);
  p->manager = NULL;
  p->store = found;
  p->qid_base = p->qid_highest;
  return open_manager(p);
}

void peer_tidy(peer *p) {
  if (memstore_unsynced(p->store) > UNSYNCED_MAX) memstore_sync(p->store);
}

void peer_end(peer *p) {
  schat_close(p->manager);
  memstore_free(p->store);
  free(p->queries);
  free(p->printed);
}

/* Queries ------------------------------------------------------------------------------------------------------------------- */

uint64_t peer_qid(peer *p, uint64_t token) {
  uint64_t qid = p->qid_base + token;
  if (qid > p->qid_highest) p->qid_highest = qid;
  return qid;
}

/* Index of the first query that is not below qid. */
static size_t query_place(const peer *p, uint64_t qid) {
  size_t low = 0, high = p->query_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (p->queries[middle].qid < qid) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

void peer_remember_query(peer *p, uint64_t qid, int32_t type) {
  size_t at = query_place(p, qid);
  if (at == p->query_count || p->queries[at].qid != qid) {
    if (p->query_count == p->query_capacity) {
      p->query_capacity = p->query_capacity == 0 ? 64 : p->query_capacity * 2;
      p->queries = text_grow(p->queries, p->query_capacity * sizeof *p->queries);
    }
    memmove(&p->queries[at + 1], &p->queries[at], (p->query_count - at) * sizeof *p->queries);
    p->query_count++;
  }
  p->queries[at].qid = qid;
  p->queries[at].type = type;
}

int peer_find_query(const peer *p, uint64_t qid, int32_t *type) {
  size_t at = query_place(p, qid);
  if (at == p->query_count || p->queries[at].qid != qid) return 0;
  *type = p->queries[at].type;
  return 1;
}

uint64_t peer_token(const peer *p, uint64_t qid) {
  return qid > p->qid_base ? qid - p->qid_base : 0;
}

/* Events -------------------------------------------------------------------------------------------------------------------- */

int peer_note_event(peer *p, uint64_t id) {
  size_t at = p->printed_count;
  while (at > 0 && p->printed[at - 1] > id) at--; /* ids grow: the end is the place */
  if (at > 0 && p->printed[at - 1] == id) return 0;
  if (p->printed_count == p->printed_capacity) {
    p->printed_capacity = p->printed_capacity == 0 ? 64 : p->printed_capacity * 2;
    p->printed = text_grow(p->printed, p->printed_capacity * sizeof *p->printed);
  }
  memmove(&p->printed[at + 1], &p->printed[at], (p->printed_count - at) * sizeof *p->printed);
  p->printed[at] = id;
  p->printed_count++;
  return 1;
}
