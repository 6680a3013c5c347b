/* SPDX-License-Identifier: BSL-1.0
 * rules.h - the rules of src/chat as small numbers: two endpoints, and a server between them that may lose, keep and reorder.
 *
 * An endpoint changes in steps, as the library does: an input, all that follows from it (chat_tend), one commit. What a step has made is
 * durable before it leaves, so a crash comes between steps and takes what is volatile: as if a step had never been, or as if its messages
 * had not left. Every function is named for the one it models.
 *
 * What is abstract: a key is a number, known to whoever has taken part in its exchange; an exchange_id is a small number, and either side's
 * may be the larger; the time for a new key is any time (D-19). Time passes only when nothing is under way, for what a minute's patience
 * waits for has come by then (model_pass). Left out, because two of this library never do it to each other: values that are refused (D-22).
 *
 * BUG_...: mutants of the rules, each of which must break a claim. */
#ifndef TESTS_MODEL_RULES_H
#define TESTS_MODEL_RULES_H

#include <stdint.h>

/* Bounds. */
#ifndef MESSAGES
#define MESSAGES 1 /* texts of each side */
#endif
#ifndef REKEYS
#define REKEYS 0 /* begun by either side */
#endif
#ifndef LOSSES
#define LOSSES 0
#endif
#ifndef COPIES
#define COPIES 0 /* messages that are delivered twice */
#endif
#ifndef CRASHES
#define CRASHES 0 /* of each side */
#endif
#ifndef ANSWERS
#define ANSWERS 0 /* of the server to a send, that are lost */
#endif
#ifndef OVERTAKES
#define OVERTAKES 255 /* deliveries of a message before one with a smaller number; 255: any number */
#endif
#ifndef SAME_IDS
#define SAME_IDS 0 /* 1: both sides may draw the same exchange_id (R-PFS-23) */
#endif
#ifndef EAGER
#define EAGER 0 /* 1: what a step has made leaves before anything else happens, but for a crash */
#endif
#ifndef EARLY_DROP
#define EARLY_DROP 0 /* 1: an old key goes as soon as the new one is seen, gap or not, as with TDLib (D-06) */
#endif
/* 1: nothing may be refused for its key, not even for a while: no old key goes as long as something under it, for which there is no other, is on
 * its way (D-23). */
#ifndef READABLE
#define READABLE (!EARLY_DROP)
#endif
#define NUMBERS 16 /* messages of a side, as there are bits */
#define KEYS 5
#define PASSES (2 * LOSSES + 4) /* of time, until both must be together */

/* What was promised and is not so. */
typedef enum {
  CLAIM_NONE,
  CLAIM_TWO_CONTENTS, /* an out_seq_no carries another content than before */
  CLAIM_ORDER,        /* what is delivered is no prefix of what was sent, or something comes twice */
  CLAIM_IN_SEQ_NO,    /* an in_seq_no that ends the chat (R-SEQ-17, R-SEQ-18) */
  CLAIM_RESEND,       /* a Resend that ends the chat (R-SEQ-14), or asks for what the asker has */
  CLAIM_KEY_GONE,     /* sealed under a key that is not held, or two old keys at once */
  CLAIM_UNREADABLE,   /* READABLE: a message that is no repeat does not open, and its sender has not sealed it anew */
  CLAIM_OLD_KEY,      /* all has arrived, and both still hold an old key (R-PFS-20) */
  CLAIM_ABORT,        /* AbortKey, though nobody did wrong */
  CLAIM_PROGRESS,     /* all is quiet, nothing will be lost any more, and yet they do not come together */
  CLAIM_BOUND         /* no claim: NUMBERS or KEYS are too few */
} claim_kind;

typedef enum { GONE, TEXT, REQUEST_KEY, ACCEPT_KEY, COMMIT_KEY, NOOP, RESEND } message_kind;
enum { IDLE, REQUESTED, ACCEPTED };

typedef struct {
  uint16_t kind : 3, in : 5; /* in: in_seq_no */
  uint16_t x : 4, y : 4;     /* exchange_id and key; or first and last number of a Resend; or which text */
} content;

/* Numbers that begin at 1 are 0 where there is none; a set of messages is one bit for each. */
typedef struct {
  /* schat__chat */
  uint8_t out_seq, in_seq, peer_in_seq;
  uint8_t seen_end, asked_end; /* in_highest + 1, asked_up_to + 1 */
  uint8_t key;                 /* key_fingerprint */
  uint8_t sealed;              /* key_sealed > 0 */
  uint8_t shown, opened;       /* while `previous` is held: SCHAT__FLAG_KEY_SHOWN, key_opened > 0 */
  uint8_t new_key_seen;        /* + 1 */
  uint8_t last_exchange;
  /* schat__secrets */
  uint8_t state, exchange, next, previous, peer_exchange;
  /* OUTBOX: from peer_in_seq on. Below sent_end SENT, from there on STORED. */
  uint8_t sent_end;
  uint8_t heard;           /* the peer, since time passed last */
  uint16_t again;          /* to be sent once more */
  uint16_t outdated;       /* sealed under `previous` */
  uint16_t late;           /* with the server since before time passed last */
  uint16_t waiting, handled;
  uint16_t left;           /* numbers that have ever left: for the claim */
  uint8_t made, delivered; /* texts: for the claim */
  content out[NUMBERS];
} endpoint;

typedef struct {
  endpoint e[2];
  uint16_t way[2][KEYS], copy[2][KEYS]; /* from side e, sealed under a key: on its way; and to stay there once more when delivered */
  uint8_t texts[2], crashes[2], ids[2];
  uint8_t rekeys, losses, copies, answers, overtakes, passes, keys, claim;
} model;

static inline unsigned bit(unsigned i) { return 1u << i; }
static inline unsigned below(unsigned i) { return (1u << i) - 1; }
static inline unsigned outbox(const endpoint *e) { return below(e->out_seq) & ~below(e->peer_in_seq); }
static inline unsigned sent(const endpoint *e) { return below(e->sent_end) & ~below(e->peer_in_seq); }

/* The key that would seal a message now; 0: none that is held. */
static inline unsigned sealer(const endpoint *e, unsigned raw) { return e->outdated & bit(raw) ? e->previous : e->key; }

static inline void fail(model *m, claim_kind claim) {
  if (m->claim == CLAIM_NONE) m->claim = (uint8_t)claim;
}

/* outbound.c ------------------------------------------------------------------------------------------------------------------ */

/* schat__out_add: its numbers are those of now, for ever (R-SEQ-06). */
static void out_add(model *m, endpoint *e, message_kind kind, unsigned x, unsigned y) {
  content *c;
  if (e->out_seq >= NUMBERS) {
    fail(m, CLAIM_BOUND);
    return;
  }
  if (e->left & bit(e->out_seq)) fail(m, CLAIM_TWO_CONTENTS);
  c = &e->out[e->out_seq++];
  c->kind = kind & 7u;
  c->x = x & 15u;
  c->y = y & 15u;
#ifdef BUG_CONFIRMS_BEHIND_GAP
  c->in = e->seen_end & 31u;
#else
  c->in = e->in_seq & 31u;
#endif
  e->sealed = 1;
  e->shown = e->previous != 0;
}

/* schat__out_again, is_outdated, for a set: a peer that has used the new key may have dropped the old one (D-06). */
static void out_again(endpoint *e, unsigned which) {
  e->again |= (uint16_t)which;
#ifndef BUG_RESEND_UNDER_OLD_KEY
  if (!e->opened || (e->outdated & which) == 0) return;
  e->outdated &= (uint16_t)~which;
  e->sealed = 1;
#endif
}

/* schat__out_acknowledge, confirm: what is confirmed is wiped. */
static void out_acknowledge(endpoint *e, unsigned in_seq) {
  static const content wiped;
  while (e->peer_in_seq < in_seq) e->out[e->peer_in_seq++] = wiped;
  if (e->sent_end < e->peer_in_seq) e->sent_end = e->peer_in_seq;
  e->again &= (uint16_t)~below(e->peer_in_seq);
  e->outdated &= (uint16_t)~below(e->peer_in_seq);
  e->late &= (uint16_t)~below(e->peer_in_seq);
}

/* schat__out_rekey (D-06) */
static void out_rekey(endpoint *e) {
#ifndef BUG_NOT_SEALED_ANEW
  if (e->outdated != 0) e->sealed = 1;
  e->outdated = 0;
#else
  (void)e;
#endif
}

/* resend.c -------------------------------------------------------------------------------------------------------------------- */

/* schat__resend_answer, can_answer, answer_one. What is STORED is on its way; for what is confirmed a Noop goes out, which is dropped. */
static void resend_answer(model *m, endpoint *e, const endpoint *peer, unsigned first, unsigned last) {
  if (first > last || last >= e->out_seq || peer->in_seq < e->peer_in_seq) fail(m, CLAIM_RESEND);
  out_again(e, below(last + 1) & ~below(first) & sent(e));
}

/* schat__gap_ask, next_hole, ask: a Resend for every hole that none covers (R-SEQ-10, R-SEQ-11). */
static void gap_ask(model *m, endpoint *e) {
  if (e->asked_end < e->in_seq) e->asked_end = e->in_seq;
  while (e->asked_end < e->seen_end) {
    unsigned first = e->asked_end, end;
    while (first < e->seen_end && (e->waiting & bit(first))) first++;
    if (first == e->seen_end) return;
    end = first + 1;
    while (!(e->waiting & bit(end))) end++;
    e->asked_end = (uint8_t)end;
    out_add(m, e, RESEND, first, end - 1);
    if (m->claim != CLAIM_NONE) return;
  }
}

/* schat__gap_tend, before its time has come. */
static void gap_tend(model *m, endpoint *e) {
  if (e->waiting != 0 && e->asked_end + 1 < e->seen_end) gap_ask(m, e);
}

/* schat__gap_resume, last_resend: after a restart the last Resend goes out once more, or all that is missing is asked for (D-10). */
static void gap_resume(model *m, endpoint *e) {
  unsigned n = e->out_seq;
  if (e->waiting == 0) return;
  while (n > e->peer_in_seq && e->out[n - 1].kind != RESEND) n--;
  if (n > e->peer_in_seq) {
    out_again(e, bit(n - 1) & sent(e));
  } else {
    e->asked_end = e->in_seq;
    gap_ask(m, e);
  }
}

/* covered: what the peer has by its latest message, even one behind a gap. */
static unsigned covered(const endpoint *e, const endpoint *peer) {
  unsigned n = NUMBERS, said = 0;
  while (n > 0 && !(e->waiting & bit(n - 1))) n--;
  if (n > 0) said = peer->out[n - 1].in;
  return said > e->peer_in_seq ? said : e->peer_in_seq;
}

/* schat__stuck_tend: the oldest, which the peer does not cover though it was heard since (D-36). */
static void stuck_tend(endpoint *e, const endpoint *peer) {
  unsigned oldest = bit(covered(e, peer)) & sent(e) & e->late & ~(unsigned)e->again;
#ifndef BUG_NEVER_UNASKED
  if (e->heard && oldest != 0) out_again(e, oldest);
#else
  (void)oldest;
#endif
}

/* rekey.c --------------------------------------------------------------------------------------------------------------------- */

static void end_exchange(endpoint *e) {
  e->last_exchange = e->exchange;
  e->state = IDLE;
  e->exchange = 0;
  e->next = 0;
}

/* switch_to: what the outbox holds stays sealed under the old key. */
static void switch_to(model *m, endpoint *e, unsigned key) {
  if (e->previous != 0 || e->outdated != 0) fail(m, CLAIM_KEY_GONE);
  end_exchange(e);
  e->previous = e->key;
  e->key = (uint8_t)key;
  e->outdated = (uint16_t)outbox(e);
  e->sealed = e->shown = e->opened = 0;
  e->new_key_seen = 0;
}

/* switch_accepted (R-PFS-20, D-24) */
static void switch_accepted(model *m, endpoint *e) {
  switch_to(m, e, e->next);
#ifndef BUG_NO_NOOP
  out_add(m, e, NOOP, 0, 0);
#endif
}

/* is_made_after_switch */
static int is_made_after_switch(const endpoint *e, unsigned in) {
  unsigned n = e->out_seq;
  while (n > e->peer_in_seq && e->out[n - 1].kind != ACCEPT_KEY && e->out[n - 1].kind != COMMIT_KEY) n--;
  return in >= n;
}

/* schat__rekey_evidence (R-PFS-15) */
static void rekey_evidence(model *m, endpoint *e, unsigned key, unsigned raw, unsigned in) {
  if (e->next != 0 && key == e->next) switch_accepted(m, e);
  if (e->previous == 0 || key != e->key) return;
#ifndef BUG_GAP_SHOWS_SWITCH
  if (!is_made_after_switch(e, in) && raw < e->seen_end) return;
#endif
  if (e->new_key_seen == 0 || raw + 1 < e->new_key_seen) e->new_key_seen = (uint8_t)(raw + 1);
}

/* drop_previous (R-PFS-16, R-PFS-19, D-23) */
static void drop_previous(model *m, endpoint *e) {
  int silent = !e->shown && e->peer_exchange == 0;
  if (e->previous == 0 || e->new_key_seen == 0) return;
  if (!EARLY_DROP && e->in_seq + 1 < e->new_key_seen) return;
  out_rekey(e);
  e->previous = 0;
  e->new_key_seen = e->shown = e->opened = 0;
#ifndef BUG_NO_NOOP
  if (silent) out_add(m, e, NOOP, 0, 0);
#endif
}

/* begin */
static void begin(model *m, endpoint *e, unsigned id) {
  e->state = REQUESTED;
  e->exchange = (uint8_t)id;
  out_add(m, e, REQUEST_KEY, id, 0);
}

/* accept_now (R-PFS-10) */
static void accept_now(model *m, endpoint *e, unsigned id) {
  if (m->keys >= KEYS) {
    fail(m, CLAIM_BOUND);
    return;
  }
  e->state = ACCEPTED;
  e->exchange = (uint8_t)id;
  e->next = ++m->keys;
  out_add(m, e, ACCEPT_KEY, id, e->next);
#ifdef BUG_SWITCH_EARLY
  switch_accepted(m, e);
#endif
}

/* must_wait (D-21) */
static int must_wait(const endpoint *e) {
  return e->previous != 0 || e->waiting != 0;
}

/* schat__rekey_request, yield_to, keep_request (D-20, D-21, R-PFS-21..23) */
static void rekey_request(model *m, endpoint *e, unsigned id) {
  unsigned own = e->exchange;
  if (id == e->last_exchange || id == e->peer_exchange) return; /* */
  if (e->state == ACCEPTED) {
    if (own != id) fail(m, CLAIM_ABORT); /* send_abort */
    return;
  }
  if (e->state == REQUESTED) {
#ifdef BUG_REVERSED_TIE
    if (e == &m->e[0] ? own < id : own > id) return;
#else
    if (own > id) return;
#endif
    end_exchange(e);
    if (own == id) return;
  }
  if (must_wait(e)) {
    e->peer_exchange = (uint8_t)id;
  } else {
    accept_now(m, e, id);
  }
}

/* wrong_exchange: what is over is over; anything else is refused with AbortKey. */
static void wrong_exchange(model *m, const endpoint *e, unsigned id) {
  if ((e->state == IDLE || e->exchange != id) && id != e->last_exchange) fail(m, CLAIM_ABORT);
}

/* schat__rekey_accept: CommitKey still goes under the old key (R-PFS-13, K6). */
static void rekey_accept(model *m, endpoint *e, unsigned id, unsigned key) {
  if (e->state != REQUESTED || e->exchange != id) {
    wrong_exchange(m, e, id); /* nobody has given up an exchange here: give_up is left out */
    return;
  }
  out_add(m, e, COMMIT_KEY, id, key);
  switch_to(m, e, key);
#ifdef BUG_DROP_AT_COMMIT
  e->previous = 0;
  out_rekey(e);
#endif
}

/* schat__rekey_commit */
static void rekey_commit(model *m, endpoint *e, unsigned id, unsigned key) {
  if (e->state == ACCEPTED && e->exchange == id) {
    if (e->next != key) fail(m, CLAIM_ABORT);
    switch_accepted(m, e);
  } else if (id != e->last_exchange) { /* otherwise a message under the new key was faster */
    wrong_exchange(m, e, id);
  }
}

static int no_secrets(const endpoint *e) { return e->state == IDLE && e->next == 0 && e->previous == 0 && e->peer_exchange == 0; }

/* may_begin (R-PFS-02, R-PFS-04, D-19) */
static int may_begin(const endpoint *e) { return no_secrets(e) && e->sealed && e->waiting == 0; }

/* schat__rekey_tend, take_kept_request */
static void rekey_tend(model *m, endpoint *e) {
  unsigned id = e->peer_exchange;
  drop_previous(m, e);
  if (id == 0 || e->state != IDLE || must_wait(e)) return;
  e->peer_exchange = 0;
  accept_now(m, e, id);
}

/* chat.c: schat__chat_tend, tend_ready */
static void chat_tend(model *m, endpoint *e) {
  gap_tend(m, e);
  rekey_tend(m, e);
  stuck_tend(e, &m->e[e == &m->e[0]]);
  if (e->asked_end < e->in_seq) e->asked_end = e->in_seq; /* nothing below is ever looked at */
}

/* inbound.c ------------------------------------------------------------------------------------------------------------------- */

/* content, schat__service (service.c) */
static void take_content(model *m, endpoint *e, const endpoint *peer, unsigned raw) {
  const content *c = &peer->out[raw];
  switch (c->kind) {
    case TEXT:
      if (c->x != e->delivered++) fail(m, CLAIM_ORDER);
      break;
    case RESEND: /* once only (R-SEQ-16) */
      if (!(e->handled & bit(raw))) resend_answer(m, e, peer, c->x, c->y);
      e->handled &= (uint16_t)~bit(raw);
      break;
    case REQUEST_KEY:
      rekey_request(m, e, c->x);
      break;
    case ACCEPT_KEY:
      rekey_accept(m, e, c->x, c->y);
      break;
    case COMMIT_KEY:
      rekey_commit(m, e, c->x, c->y);
      break;
    case NOOP:
      break;
    default: /* confirmed long ago */
      fail(m, CLAIM_ORDER);
  }
}

/* apply */
static void apply(model *m, endpoint *e, const endpoint *peer, unsigned raw) {
  if (peer->out[raw].in < e->peer_in_seq) fail(m, CLAIM_IN_SEQ_NO); /* R-SEQ-17 */
  out_acknowledge(e, peer->out[raw].in);
  e->in_seq = (uint8_t)(raw + 1);
  if (e->seen_end < raw + 1) e->seen_end = (uint8_t)(raw + 1);
  take_content(m, e, peer, raw);
}

/* keep_waiting, answer_at_once (R-SEQ-09, R-SEQ-15) */
static void keep_waiting(model *m, endpoint *e, const endpoint *peer, unsigned raw) {
  e->waiting |= (uint16_t)bit(raw);
  if (e->seen_end < raw + 1) e->seen_end = (uint8_t)(raw + 1);
#ifndef BUG_RESEND_WAITS
  if (peer->out[raw].kind != RESEND) return;
  e->handled |= (uint16_t)bit(raw);
  resend_answer(m, e, peer, peer->out[raw].x, peer->out[raw].y);
#else
  (void)m;
  (void)peer;
#endif
}

/* place, drain (R-SEQ-12) */
static void place(model *m, endpoint *e, const endpoint *peer, unsigned raw) {
  if (peer->out[raw].in > e->out_seq) fail(m, CLAIM_IN_SEQ_NO); /* R-SEQ-18 */
  if (raw > e->in_seq) {
    keep_waiting(m, e, peer, raw);
    return;
  }
  apply(m, e, peer, raw);
  while (m->claim == CLAIM_NONE && (e->waiting & bit(e->in_seq))) {
    e->waiting &= (uint16_t)~bit(e->in_seq);
    apply(m, e, peer, e->in_seq);
  }
}

/* is_known (R-SEQ-08) */
static int is_known(const endpoint *e, unsigned raw) {
#ifndef BUG_NO_DUPLICATE_CHECK
  if (raw < e->in_seq) return 1;
#endif
  return (e->waiting & bit(raw)) != 0;
}

/* schat__key_of (rekey.c) */
static int holds(const endpoint *e, unsigned key) {
#ifndef BUG_NEXT_OPENS_NOTHING
  if (key == e->next) return 1;
#endif
  return key == e->key || key == e->previous;
}

/* take, take_note. One that does not open is gone: the server counts it as received (D-02). */
static void take(model *m, endpoint *e, const endpoint *peer, unsigned raw, unsigned key) {
  if (!is_known(e, raw)) {
    if (holds(e, key)) {
      rekey_evidence(m, e, key, raw, peer->out[raw].in);
      e->opened |= e->previous != 0 && key == e->key;
      e->heard = 1;
      place(m, e, peer, raw);
    } else if (READABLE && key == sealer(peer, raw)) {
      fail(m, CLAIM_UNREADABLE);
    }
  }
  chat_tend(m, e);
}

/* Steps ----------------------------------------------------------------------------------------------------------------------- */

static void model_init(model *m) {
  m->e[0].key = m->e[1].key = m->keys = 1;
  m->rekeys = REKEYS;
  m->losses = LOSSES;
  m->copies = COPIES;
  m->answers = ANSWERS;
  m->overtakes = OVERTAKES;
  m->passes = (uint8_t)(PASSES);
}

static unsigned on_way(const model *m, unsigned side) {
  unsigned all = 0;
  for (unsigned k = 0; k < KEYS; k++) all |= m->way[side][k];
  return all;
}

static int has_to_send(const endpoint *e) { return e->sent_end < e->out_seq || e->again != 0; }
static int is_free(const model *m) { return !EAGER || (!has_to_send(&m->e[0]) && !has_to_send(&m->e[1])); }

/* schat__out_pump: what is asked for again, and of the new ones the first (R-SEQ-07). When EAGER in the order the pump has. */
static int may_send(const model *m, unsigned side, unsigned raw) {
  const endpoint *e = &m->e[side];
  int is_again = (e->again & bit(raw)) != 0, is_first = raw == e->sent_end && raw < e->out_seq;
  if (EAGER && (e->again & below(raw))) return 0;
  if (EAGER && side == 1 && has_to_send(&m->e[0])) return 0;
  return is_again || is_first;
}

/* build_send, schat__out_seal (dispatch.c): the server has it now. */
static void model_reach_server(model *m, unsigned side, unsigned raw) {
  endpoint *e = &m->e[side];
  unsigned key = sealer(e, raw);
  if (key == 0) {
    fail(m, CLAIM_KEY_GONE);
    return;
  }
  m->way[side][key - 1] |= (uint16_t)bit(raw);
  e->left |= (uint16_t)bit(raw);
}

/* and schat__out_sent: the sender knows. */
static void model_send(model *m, unsigned side, unsigned raw) {
  endpoint *e = &m->e[side];
  model_reach_server(m, side, raw);
  e->again &= (uint16_t)~bit(raw);
  e->late &= (uint16_t)~bit(raw);
  if (raw == e->sent_end) e->sent_end++;
}

/* The server's answer to a first send is lost: it will be sent a second time. */
static int may_go_unanswered(const model *m, unsigned side, unsigned raw) {
  return m->answers > 0 && raw == m->e[side].sent_end && raw < m->e[side].out_seq && !(m->way[side][m->e[side].key - 1] & bit(raw));
}
static void model_send_unanswered(model *m, unsigned side, unsigned raw) {
  m->answers--;
  model_reach_server(m, side, raw);
}

/* The key, less one, that seals the oldest copy of a message on its way. */
static unsigned sealing(const model *m, unsigned side, unsigned raw) {
  unsigned k = 0;
  while (!(m->way[side][k] & bit(raw))) k++;
  return k;
}

static int may_deliver(const model *m, unsigned side, unsigned raw) {
  unsigned way = on_way(m, side);
  return is_free(m) && (way & bit(raw)) && (m->overtakes > 0 || !(way & below(raw)));
}

static void model_deliver(model *m, unsigned side, unsigned raw) {
  unsigned k = sealing(m, side, raw);
  if (OVERTAKES < 255 && (on_way(m, side) & below(raw))) m->overtakes--;
  if (m->copy[side][k] & bit(raw)) {
    m->copy[side][k] &= (uint16_t)~bit(raw);
  } else {
    m->way[side][k] &= (uint16_t)~bit(raw);
  }
  take(m, &m->e[1 - side], &m->e[side], raw, k + 1);
}

/* Of two copies under two keys the older may also come last, which is as if it never came: the other has made it a repeat. */
static int may_lose(const model *m, unsigned side, unsigned raw) {
  unsigned k;
  if (!is_free(m) || !(on_way(m, side) & bit(raw))) return 0;
  if (m->losses > 0) return 1;
  for (k = sealing(m, side, raw) + 1; k < KEYS; k++) {
    if (m->way[side][k] & bit(raw)) return 1;
  }
  return 0;
}

static void model_lose(model *m, unsigned side, unsigned raw) {
  unsigned k = sealing(m, side, raw), newer;
  int spare = 0;
  for (newer = k + 1; newer < KEYS; newer++) spare |= (m->way[side][newer] & bit(raw)) != 0;
  if (!spare) m->losses--;
  m->way[side][k] &= (uint16_t)~bit(raw);
  m->copy[side][k] &= (uint16_t)~bit(raw);
}

static int may_copy(const model *m, unsigned side, unsigned raw) {
  return is_free(m) && m->copies > 0 && (on_way(m, side) & bit(raw)) && !(m->copy[side][sealing(m, side, raw)] & bit(raw));
}
static void model_copy(model *m, unsigned side, unsigned raw) {
  m->copies--;
  m->copy[side][sealing(m, side, raw)] |= (uint16_t)bit(raw);
}

static int may_say(const model *m, unsigned side) { return is_free(m) && m->texts[side] < MESSAGES; }
static void say(model *m, unsigned side) { out_add(m, &m->e[side], TEXT, m->e[side].made++, 0); }
static void model_say(model *m, unsigned side) {
  m->texts[side]++;
  say(m, side);
}

/* must_begin, when the time has come. */
static int may_rekey(const model *m, unsigned side, unsigned id) {
  unsigned taken = SAME_IDS ? m->ids[side] : m->ids[0] | m->ids[1];
  return is_free(m) && m->rekeys > 0 && id <= REKEYS && may_begin(&m->e[side]) && !(taken & bit(id)) && id != m->e[side].last_exchange;
}
static void model_rekey(model *m, unsigned side, unsigned id) {
  m->rekeys--;
  m->ids[side] |= (uint8_t)bit(id);
  begin(m, &m->e[side], id);
}

/* A restart with what was durable: resume_chat (load.c). */
static int may_crash(const model *m, unsigned side) { return m->crashes[side] < CRASHES; }
static void model_crash(model *m, unsigned side) {
  endpoint *e = &m->e[side];
  m->crashes[side]++;
#ifdef BUG_ACT_BEFORE_PERSIST
  if (e->out_seq > e->peer_in_seq && e->sent_end == e->out_seq) e->sent_end = --e->out_seq;
#endif
#ifdef BUG_NEXT_KEY_NOT_DURABLE
  e->next = 0;
#endif
#ifdef BUG_WAITING_NOT_DURABLE
  e->waiting = 0;
#endif
  gap_resume(m, e);
  chat_tend(m, e);
}

static int is_quiet(const model *m) {
  return on_way(m, 0) == 0 && on_way(m, 1) == 0 && !has_to_send(&m->e[0]) && !has_to_send(&m->e[1]);
}

static int has_arrived(const model *m) {
  const endpoint *a = &m->e[0], *b = &m->e[1];
  return a->in_seq == b->out_seq && b->in_seq == a->out_seq && a->delivered == b->made && b->delivered == a->made;
}

/* Both have everything, under one key, with no other left and nothing begun. */
static int is_together(const model *m) {
  return has_arrived(m) && m->e[0].key == m->e[1].key && no_secrets(&m->e[0]) && no_secrets(&m->e[1]);
}

/* No claim is broken; and a state that is looked for has not been found. */
static inline int all_holds(const model *m) {
#ifdef WITNESS
  const endpoint *a = &m->e[0], *b = &m->e[1];
  if (WITNESS) return 0;
#endif
  return m->claim == CLAIM_NONE;
}

/* schat_tick (tick.c) after a minute and more: what was patient asks again (D-10). */
static void tick(model *m, endpoint *e) {
  e->late = (uint16_t)sent(e);
  e->heard = 0;
#ifndef BUG_ASKS_ONCE
  if (e->waiting != 0) {
    e->asked_end = e->in_seq;
    gap_ask(m, e);
  }
#endif
  chat_tend(m, e);
}

/* Time passes for both; and they go on talking, because from a silent peer nobody learns what is missing (D-36). */
static int may_pass(const model *m) { return is_quiet(m) && !is_together(m); }
static void model_pass(model *m) {
  if (has_arrived(m) && m->e[0].previous != 0 && m->e[1].previous != 0) fail(m, CLAIM_OLD_KEY);
  if (m->passes == 0) {
    fail(m, CLAIM_PROGRESS);
    return;
  }
  m->passes--;
  tick(m, &m->e[0]);
  tick(m, &m->e[1]);
  if (!has_to_send(&m->e[0]) && !has_to_send(&m->e[1])) say(m, m->passes & 1);
}

#endif
