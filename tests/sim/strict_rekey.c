/* SPDX-License-Identifier: BSL-1.0
 * strict_rekey.c - exchanges of keys as the strict reader follows them: what each side has asked for, accepted and committed (K2..K5).
 *
 * Both sides may ask at once; the larger exchange_id goes on (R-PFS-21). A message of the peer may still be under way, so that the library
 * is only held to what it must know: what it sent itself, and what the peer cannot take back. */
#include "strict_inner.h"

#define WEEK_MS (INT64_C(604800) * 1000) /* D-20 */

static strict_exchange *find(const strict *s, int64_t id, int by_library) {
  size_t i;
  for (i = s->exchange_count; i-- > 0;) {
    if (s->exchanges[i].id == id && s->exchanges[i].by_library == by_library) return &s->exchanges[i];
  }
  return NULL;
}

static int is_over(const strict_exchange *x) {
  return x->committed || x->aborted || x->dropped;
}

/* The open exchange that a side has asked for. */
static strict_exchange *open_one(const strict *s, int by_library) {
  size_t i;
  for (i = s->exchange_count; i-- > 0;) {
    strict_exchange *x = &s->exchanges[i];
    if (x->by_library == by_library && !is_over(x)) return x;
  }
  return NULL;
}

static void add(strict *s, int64_t id, int by_library, int64_t now) {
  strict_exchange *x;
  s->exchanges = strict_grown(s->exchanges, s->exchange_count, &s->exchange_capacity, sizeof *x);
  x = &s->exchanges[s->exchange_count++];
  *x = (strict_exchange){.id = id, .since = now, .by_library = by_library};
}

/* What nobody answered for a week is given up (D-20). */
static void expire(const strict *s, int by_library, int64_t now) {
  size_t i;
  for (i = 0; i < s->exchange_count; i++) {
    if (s->exchanges[i].by_library == by_library && now - s->exchanges[i].since > WEEK_MS) s->exchanges[i].dropped = 1;
  }
}

/* An equal id ends both. */
static void settle_equal(const strict *s) {
  strict_exchange *ours = open_one(s, 1), *theirs = open_one(s, 0);
  if (ours == NULL || theirs == NULL || ours->id != theirs->id) return;
  ours->dropped = theirs->dropped = 1;
}

static strict_rule judge_request(strict *s, int64_t id, int64_t now) {
  strict_exchange *ours;
  const strict_exchange *theirs;
  strict_rule rule = find(s, id, 1) != NULL ? STRICT_REQUEST_KEY : STRICT_OK;
  expire(s, 0, now);
  expire(s, 1, now);
  ours = open_one(s, 1);
  theirs = open_one(s, 0);
  if (ours != NULL && ours->odd) {
    ours->dropped = 1;
    ours = NULL;
  }
  if (ours != NULL || (theirs != NULL && theirs->accepted)) rule = STRICT_REQUEST_KEY;
  add(s, id, 1, now);
  settle_equal(s);
  return rule;
}

static strict_rule judge_accept(strict *s, int64_t id, int64_t now) {
  strict_exchange *x = find(s, id, 0), *ours;
  if (x == NULL || x->accepted || x->committed) return STRICT_ACCEPT_KEY;
  if ((x->aborted || x->dropped) && !x->odd) return STRICT_ACCEPT_KEY;
  expire(s, 1, now);
  ours = open_one(s, 1);
  if (ours != NULL && ours->id > id) return STRICT_ACCEPT_KEY; /* the peer follows the larger one */
  if (ours != NULL) {
    ours->dropped = 1;
    ours->odd |= ours->accepted; /* accepted although its own was the larger one */
  }
  x->accepted = 1;
  return STRICT_OK;
}

static strict_rule judge_commit(strict *s, int64_t id) {
  strict_exchange *x = find(s, id, 1);
  if (x == NULL || !x->accepted || is_over(x)) return STRICT_COMMIT_KEY;
  x->committed = 1;
  return STRICT_OK;
}

static strict_rule judge_abort(strict *s, int64_t id) {
  strict_exchange *x = find(s, id, 0), *own = find(s, id, 1);
  const strict_exchange *ours = open_one(s, 1);
  if (own != NULL && own->odd) {
    own->aborted = 1;
    return STRICT_OK;
  }
  if (x == NULL || (!x->odd && (x->accepted || is_over(x)))) return STRICT_ABORT_KEY;
  x->aborted = 1;
  return ours != NULL && ours->id > id && !x->odd ? STRICT_ABORT_KEY : STRICT_OK; /* it has dropped that one for ours */
}

strict_rule strict_library_key(strict *s, const schat__action *action, int64_t now) {
  if (action->type == SCHAT__ACTION_REQUEST_KEY) return judge_request(s, action->exchange_id, now);
  if (action->type == SCHAT__ACTION_ACCEPT_KEY) return judge_accept(s, action->exchange_id, now);
  if (action->type == SCHAT__ACTION_COMMIT_KEY) return judge_commit(s, action->exchange_id);
  return judge_abort(s, action->exchange_id);
}

/* A new request of the peer while its last one is open: it has given that up, as no strict peer would. */
static void peer_requests(strict *s, int64_t id, int64_t now) {
  strict_exchange *last = open_one(s, 0);
  if (last != NULL) last->odd = last->dropped = 1;
  add(s, id, 0, now);
  settle_equal(s);
}

/* AcceptKey for an exchange that has lost against one of its own is what iOS does (K2). */
static void peer_accepts(strict *s, int64_t id) {
  strict_exchange *x = find(s, id, 1);
  strict_exchange *own = open_one(s, 0);
  if (x == NULL) return;
  if (is_over(x) || (own != NULL && own->id > id)) x->odd = 1;
  if (own != NULL && own->id < id) own->dropped = 1;
  x->accepted = 1;
}

static void peer_commits(strict *s, int64_t id) {
  strict_exchange *x = find(s, id, 0);
  if (x != NULL) x->committed = 1;
}

/* Of its own exchange or of the library's. Its own may have been the larger one, for which the library has dropped another. */
static void peer_aborts(strict *s, int64_t id) {
  strict_exchange *ours = open_one(s, 1);
  int by_library;
  if (ours != NULL && find(s, id, 0) != NULL && ours->id < id) ours->odd = 1;
  for (by_library = 0; by_library <= 1; by_library++) {
    strict_exchange *x = find(s, id, by_library);
    if (x != NULL) x->aborted = x->odd = 1;
  }
}

void strict_peer_key(strict *s, const schat__action *action, int64_t now) {
  if (action->type == SCHAT__ACTION_REQUEST_KEY) peer_requests(s, action->exchange_id, now);
  if (action->type == SCHAT__ACTION_ACCEPT_KEY) peer_accepts(s, action->exchange_id);
  if (action->type == SCHAT__ACTION_COMMIT_KEY) peer_commits(s, action->exchange_id);
  if (action->type == SCHAT__ACTION_ABORT_KEY) peer_aborts(s, action->exchange_id);
}
