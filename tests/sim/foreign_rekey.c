/* SPDX-License-Identifier: BSL-1.0
 * foreign_rekey.c - how a foreign client changes keys: when, who wins, which key seals and opens meanwhile. */
#include <string.h>

#include "foreign_inner.h"

#define WEEK_MS (INT64_C(604800) * 1000)

static void send_key_action(foreign *f, foreign_chat *c, schat__action_type type, int64_t id, int64_t fingerprint) {
  schat__action action;
  memset(&action, 0, sizeof action);
  action.type = type;
  action.exchange_id = id;
  action.key_fingerprint = fingerprint;
  action.g = foreign_trimmed(c->rekey_own); /* H1 */
  foreign_send_action(f, c, &action);
}

static void drop_key(foreign_chat *c, int slot) {
  if (slot >= 0) c->keys[slot].usable = 0;
}

static void switch_keys(foreign *f, foreign_chat *c) {
  if (f->traits->old_key == OLD_KEY_UNTIL_NEXT) drop_key(c, c->other);
  c->other = c->current;
  c->current = c->next;
  c->next = -1;
  c->exchange = EXCHANGE_NONE;
  c->used_in = c->used_out = 0;
  c->key_since = f->now;
  foreign_log(f, c, FOREIGN_REKEYED, "");
}

static void give_up(foreign *f, foreign_chat *c) {
  if (c->exchange == EXCHANGE_NONE) return;
  c->exchange = EXCHANGE_NONE;
  drop_key(c, c->next);
  c->next = -1;
  foreign_log(f, c, FOREIGN_REKEY_OFF, "");
}

/* A violation: fatal for some, dropped by others. */
static void wrong(foreign *f, foreign_chat *c, const char *what) {
  if (f->traits->strict) {
    foreign_close(f, c, what);
  } else {
    foreign_log(f, c, FOREIGN_DROPPED, what);
  }
}

/* RequestKey ---------------------------------------------------------------------------------------------------------------- */

void foreign_rekey_begin(foreign *f, foreign_chat *c) {
  foreign_must(schat__dh_generate(f->crypto, f->p, f->g, NULL, 0, c->rekey_exponent, c->rekey_own) == SCHAT_OK);
  c->exchange = EXCHANGE_REQUESTED;
  c->exchange_id = foreign_draw_id(f);
  send_key_action(f, c, SCHAT__ACTION_REQUEST_KEY, c->exchange_id, 0);
}

static int may_begin(const foreign *f, const foreign_chat *c) {
  /* Neither key is certain for the peer before it has used the new one. */
  int settled = !f->traits->strict || c->other < 0 || !c->keys[c->other].usable;
  return c->state == CHAT_READY && c->exchange == EXCHANGE_NONE && c->held_count == 0 && !c->stuck && settled;
}

void foreign_rekey_tend(foreign *f, foreign_chat *c) {
  const foreign_traits *t = f->traits;
  int due = (t->rekey_out != 0 && c->used_out >= t->rekey_out) || (t->rekey_in != 0 && c->used_in >= t->rekey_in) ||
            (t->rekey_both != 0 && c->used_in + c->used_out > t->rekey_both) || (f->now - c->key_since > WEEK_MS && c->used_out > 0);
  if (due && may_begin(f, c)) foreign_rekey_begin(f, c);
}

int foreign_rekey(foreign *f, int32_t chat_id, int64_t now) {
  foreign_chat *c = foreign_find(f, chat_id);
  if (now > f->now) f->now = now;
  schat__arena_reset(&f->arena);
  if (c == NULL || !may_begin(f, c)) return -1;
  foreign_rekey_begin(f, c);
  return 0;
}

static void accept_request(foreign *f, foreign_chat *c, const schat__action *action) {
  uint8_t value[256], key[256];
  if (schat__dh_check_public(f->crypto, f->p, NULL, action->g.data, action->g.size, value) != 1) {
    wrong(f, c, "g_a");
    return;
  }
  foreign_must(schat__dh_generate(f->crypto, f->p, f->g, NULL, 0, c->rekey_exponent, c->rekey_own) == SCHAT_OK);
  foreign_must(schat__dh_key(f->crypto, f->p, value, c->rekey_exponent, key) == SCHAT_OK);
  drop_key(c, c->next);
  c->next = foreign_add_key(f, c, key);
  c->exchange = EXCHANGE_ACCEPTED;
  c->exchange_id = action->exchange_id;
  send_key_action(f, c, SCHAT__ACTION_ACCEPT_KEY, c->exchange_id, c->keys[c->next].fingerprint);
}

/* K2: 1 when the peer's request goes on. */
static int yields(foreign *f, foreign_chat *c, int64_t theirs) {
  int64_t own = c->exchange_id;
  int mine = f->traits->tie == TIE_SMALLER_ABORTS ? own < theirs : own > theirs;
  if (own == theirs) give_up(f, c);
  if (mine || own == theirs) return 0;
  if (f->traits->tie != TIE_LARGER) send_key_action(f, c, SCHAT__ACTION_ABORT_KEY, own, 0);
  c->exchange = EXCHANGE_NONE;
  return 1;
}

static void on_request(foreign *f, foreign_chat *c, const schat__action *action) {
  if (c->exchange == EXCHANGE_REQUESTED && !yields(f, c, action->exchange_id)) return;
  if (c->exchange == EXCHANGE_NONE) {
    if (f->traits->strict && c->other >= 0 && c->keys[c->other].usable) {
      foreign_close(f, c, "RequestKey before the old key could be dropped"); /* K5 */
    } else {
      accept_request(f, c, action);
    }
  } else if (f->traits->busy == BUSY_REPLACES) {
    accept_request(f, c, action);
  } else if (f->traits->busy == BUSY_CLOSES) {
    foreign_close(f, c, "RequestKey while busy");
  }
}

/* AcceptKey, CommitKey, AbortKey ----------------------------------------------------------------------------------------------- */

static void on_accept(foreign *f, foreign_chat *c, const schat__action *action) {
  uint8_t value[256], key[256];
  if (c->exchange != EXCHANGE_REQUESTED || c->exchange_id != action->exchange_id) {
    wrong(f, c, "AcceptKey out of turn");
    return;
  }
  if (schat__dh_check_public(f->crypto, f->p, c->rekey_own, action->g.data, action->g.size, value) != 1) {
    wrong(f, c, "g_b");
    return;
  }
  foreign_must(schat__dh_key(f->crypto, f->p, value, c->rekey_exponent, key) == SCHAT_OK);
  c->next = foreign_add_key(f, c, key);
  if (c->keys[c->next].fingerprint != action->key_fingerprint) {
    wrong(f, c, "fingerprint of AcceptKey");
    give_up(f, c);
    return;
  }
  send_key_action(f, c, SCHAT__ACTION_COMMIT_KEY, c->exchange_id, action->key_fingerprint); /* K6: under the old key */
  if (f->traits->late_switch) {
    c->exchange = EXCHANGE_COMMITTED; /* K8 */
  } else {
    switch_keys(f, c);
  }
}

static void accepted_switch(foreign *f, foreign_chat *c) {
  schat__action noop;
  switch_keys(f, c);
  memset(&noop, 0, sizeof noop);
  noop.type = SCHAT__ACTION_NOOP;
  if (f->traits->noop) foreign_send_action(f, c, &noop); /* K10 */
  foreign_retry_unreadable(f, c);
}

static void on_commit(foreign *f, foreign_chat *c, const schat__action *action) {
  if (c->exchange != EXCHANGE_ACCEPTED || c->exchange_id != action->exchange_id) {
    wrong(f, c, "CommitKey out of turn");
  } else if (c->keys[c->next].fingerprint != action->key_fingerprint) {
    wrong(f, c, "fingerprint of CommitKey");
  } else {
    accepted_switch(f, c);
  }
}

/* K3 */
static void on_abort(foreign *f, foreign_chat *c, const schat__action *action) {
  int own = c->exchange == EXCHANGE_REQUESTED && c->exchange_id == action->exchange_id;
  if (f->traits->ignores_abort) return;
  if (own || (!f->traits->strict && c->exchange != EXCHANGE_NONE && c->exchange_id == action->exchange_id)) {
    give_up(f, c);
  } else {
    wrong(f, c, "AbortKey for no exchange of its own");
  }
}

void foreign_key_action(foreign *f, foreign_chat *c, const schat__action *action) {
  if (action->type == SCHAT__ACTION_REQUEST_KEY) on_request(f, c, action);
  if (action->type == SCHAT__ACTION_ACCEPT_KEY) on_accept(f, c, action);
  if (action->type == SCHAT__ACTION_COMMIT_KEY) on_commit(f, c, action);
  if (action->type == SCHAT__ACTION_ABORT_KEY) on_abort(f, c, action);
}

void foreign_key_used(foreign *f, foreign_chat *c, int slot) {
  if (slot == c->next && c->exchange == EXCHANGE_COMMITTED) {
    switch_keys(f, c);
  } else if (slot == c->next && c->exchange == EXCHANGE_ACCEPTED && f->traits->switches_on_use) {
    accepted_switch(f, c);
  }
  if (slot == c->current && c->other >= 0 && f->traits->old_key == OLD_KEY_UNTIL_NEW_SEEN) drop_key(c, c->other); /* K9 */
}
