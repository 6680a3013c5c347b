/* SPDX-License-Identifier: BSL-1.0
 * resend.c - repair: asking for what is missing, answering what the peer misses, and sending unasked what it must have lost. */
#include <string.h>

#include "chat.h"

#define GAP_TIMEOUT 60000   /* D-10 */
#define GAP_TRIES 8u
#define STUCK_TIMEOUT 60000 /* D-36 */
#define STUCK_TRIES 8u
#define RESEND_PAUSE 5000   /* between two answers about the same message */
#define ANSWER_PATIENCE 60000 /* for the server's answer to a send, once the peer asks for it */
#define ASKS_MAX 256u /* Resend requests of ours that the peer has not confirmed */
#define ASK_SPAN 1000       /* peers close the chat when asked for more (D-37) */

/* Answering ------------------------------------------------------------------------------------------------------------------- */

/* Every number of the range must be one we can still answer for (R-SEQ-14). */
static int can_answer(const schat__env *env, const schat__slot *slot, int32_t first, int32_t last) {
  const schat__chat *chat = &slot->chat;
  int32_t seq;
  if (first > last || last >= chat->out_seq || (uint32_t)(last - first) >= env->policy.max_resend_span) return 0;
  for (seq = first; seq <= last && seq < chat->peer_in_seq; seq++) {
    if (schat__acked_find(chat, seq) < 0) return 0;
  }
  return 1;
}

static int answer_one(schat__env *env, schat__slot *slot, int32_t seq, int64_t noop_at) {
  schat__item *item = schat__item_find(slot, SCHAT__OUTBOX, seq);
  int64_t earliest = 0;
  int status;
  if (item == NULL) return schat__out_noop(env, slot, seq, schat__acked_find(&slot->chat, seq), noop_at);
  if (item->u.out.token != 0 && env->account.clock - item->u.out.asked > ANSWER_PATIENCE) {
    return schat__out_again(env, slot, item, 0); /* nobody has said what became of it, and the peer does not have it */
  }
  if (item->u.out.state == SCHAT__STORED || item->u.out.again) return SCHAT_OK; /* it is on its way */
  if (item->u.out.resent > 0) earliest = item->u.out.confirmed + RESEND_PAUSE;
  status = schat__out_again(env, slot, item, earliest);
  if (status == SCHAT_OK && item->u.out.resent < 255) item->u.out.resent++;
  return status;
}

int schat__resend_answer(schat__env *env, schat__slot *slot, int32_t wire_start, int32_t wire_end) {
  uint32_t parity = schat__is_originator(&slot->chat) ? 1 : 0;
  int64_t noop_at = slot->chat.noop_at > env->account.clock ? slot->chat.noop_at : 0;
  int32_t seq, first, last;
  int status = SCHAT_OK;
  if (wire_start < 0 || wire_end < 0 || ((uint32_t)wire_start & 1) != parity || ((uint32_t)wire_end & 1) != parity) {
    return schat__close_for(env, slot, SCHAT_CLOSE_RESEND_IMPOSSIBLE); /* R-SEQ-22 */
  }
  first = wire_start / 2;
  last = wire_end / 2;
  if (!can_answer(env, slot, first, last)) return schat__close_for(env, slot, SCHAT_CLOSE_RESEND_IMPOSSIBLE);
  for (seq = first; status == SCHAT_OK && seq <= last; seq++) status = answer_one(env, slot, seq, noop_at);
  if (status == SCHAT_OK && noop_at == 0 && first < slot->chat.peer_in_seq) {
    status = schat__edit(env, slot);
    slot->chat.noop_at = env->account.clock + RESEND_PAUSE;
  }
  return status;
}

/* Asking ---------------------------------------------------------------------------------------------------------------------- */

/* The first hole at or above `from`: [*first, *last]; 0 when there is none. */
static int next_hole(const schat__slot *slot, int32_t from, int32_t *first, int32_t *last) {
  size_t i = schat__item_lower_bound(slot, SCHAT__WAITING, from), count = schat__count(slot, SCHAT__WAITING);
  int32_t seq = from;
  while (i < count && schat__item_at(slot, SCHAT__WAITING, i)->key == seq) {
    seq++;
    i++;
  }
  if (i == count) return 0;
  *first = seq;
  *last = (int32_t)schat__item_at(slot, SCHAT__WAITING, i)->key - 1;
  return 1;
}

/* How many messages a Resend of ours covers that have not come. */
static int32_t asked_and_missing(const schat__slot *slot) {
  const schat__chat *chat = &slot->chat;
  if (chat->asked_up_to < chat->in_seq) return 0;
  return chat->asked_up_to - chat->in_seq + 1 - (int32_t)schat__item_lower_bound(slot, SCHAT__WAITING, (int64_t)chat->asked_up_to + 1);
}

static int ask(schat__env *env, schat__slot *slot, int32_t first, int32_t last) {
  int peer_originator = !schat__is_originator(&slot->chat);
  schat__action action;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_RESEND;
  action.start = schat__wire_out(first, peer_originator);
  action.end = schat__wire_out(last, peer_originator);
  slot->chat.asked_up_to = last;
  env->stats.resends_asked++;
  return schat__out_action(env, slot, &action, 0);
}

static int32_t missing(const schat__slot *slot) {
  return slot->chat.in_highest - slot->chat.in_seq + 1 - (int32_t)schat__count(slot, SCHAT__WAITING);
}

static int tell_gap(schat__env *env, schat__slot *slot) {
  if (slot->chat.flags & SCHAT__FLAG_GAP_TOLD) return SCHAT_OK;
  slot->chat.flags |= SCHAT__FLAG_GAP_TOLD;
  return schat__emit_simple(env, slot, SCHAT_EVENT_GAP, missing(slot));
}

/* When patience with what has been asked for begins to run out. */
static void later(const schat__env *env, schat__slot *slot) {
  schat__chat *chat = &slot->chat;
  if (chat->gap_at == 0 && !(chat->flags & SCHAT_CHAT_GAP_STUCK)) chat->gap_at = env->account.clock + GAP_TIMEOUT;
}

int schat__gap_ask(schat__env *env, schat__slot *slot) {
  schat__chat *chat = &slot->chat;
  int32_t first, last;
  int status = schat__edit(env, slot);
  if (status == SCHAT_OK && chat->asked_up_to < chat->in_seq - 1) chat->asked_up_to = chat->in_seq - 1;
  while (status == SCHAT_OK && chat->asked_up_to < chat->in_highest && next_hole(slot, chat->asked_up_to + 1, &first, &last)) {
    int32_t room = ASK_SPAN - asked_and_missing(slot);
    if (schat__out_unconfirmed(slot, SCHAT__ACTION_RESEND, ASKS_MAX) >= ASKS_MAX) {
      later(env, slot); /* a peer that makes holes and confirms nothing */
      break;
    }
    if (last - first >= room) {
      if (room < ASK_SPAN / 2) break; /* not one more for each that comes */
      last = first + room - 1;
    }
    status = ask(env, slot, first, last);
    if (status == SCHAT_OK) later(env, slot);
  }
  return status == SCHAT_OK ? tell_gap(env, slot) : status;
}

static int gap_closed(schat__env *env, schat__slot *slot) {
  int status;
  if (slot->chat.gap_at == 0 && !(slot->chat.flags & (SCHAT__FLAG_GAP_TOLD | SCHAT_CHAT_GAP_STUCK))) return SCHAT_OK;
  status = schat__edit(env, slot);
  if (status != SCHAT_OK) return status;
  slot->chat.gap_at = 0;
  slot->chat.gap_tries = 0;
  slot->chat.flags &= ~(SCHAT__FLAG_GAP_TOLD | SCHAT_CHAT_GAP_STUCK);
  return schat__emit_simple(env, slot, SCHAT_EVENT_GAP, 0);
}

void schat__gap_progress(schat__env *env, schat__slot *slot) {
  schat__chat *chat = &slot->chat;
  if (schat__count(slot, SCHAT__WAITING) == 0) return;
  chat->gap_tries = 0;
  chat->gap_at = env->account.clock + GAP_TIMEOUT;
  chat->flags &= ~SCHAT_CHAT_GAP_STUCK;
}

/* The latest Resend of ours that the peer has not confirmed. */
static schat__item *last_resend(const schat__slot *slot) {
  size_t i;
  for (i = schat__count(slot, SCHAT__OUTBOX); i-- > 0;) {
    schat__item *item = schat__item_at(slot, SCHAT__OUTBOX, i);
    if (item->u.out.action == SCHAT__ACTION_RESEND) return item;
  }
  return NULL;
}

int schat__gap_resume(schat__env *env, schat__slot *slot) {
  schat__item *asked;
  int status;
  if (schat__count(slot, SCHAT__WAITING) == 0) return SCHAT_OK;
  if (slot->chat.gap_at > env->account.clock && (asked = last_resend(slot)) != NULL) {
    /* The same once more: restarts in a row must not make a new one each, with a number that can be lost in its turn. */
    return asked->u.out.state == SCHAT__SENT ? schat__out_again(env, slot, asked, 0) : SCHAT_OK;
  }
  status = schat__edit(env, slot);
  if (status != SCHAT_OK) return status;
  slot->chat.asked_up_to = slot->chat.in_seq - 1;
  return schat__gap_ask(env, slot);
}

static int gap_is_stuck(schat__env *env, schat__slot *slot) {
  slot->chat.gap_at = 0;
  slot->chat.flags |= SCHAT_CHAT_GAP_STUCK;
  return schat__emit_simple(env, slot, SCHAT_EVENT_GAP_STUCK, missing(slot));
}

int schat__gap_tend(schat__env *env, schat__slot *slot) {
  schat__chat *chat = &slot->chat;
  if (schat__count(slot, SCHAT__WAITING) == 0) return gap_closed(env, slot);
  if (chat->gap_at > 0 && chat->gap_at <= env->account.clock) {
    int status = schat__edit(env, slot);
    if (status != SCHAT_OK) return status;
    if (chat->gap_tries >= GAP_TRIES) return gap_is_stuck(env, slot);
    chat->gap_tries++;
    chat->gap_at = env->account.clock + ((int64_t)GAP_TIMEOUT << chat->gap_tries);
    chat->asked_up_to = chat->in_seq - 1; /* ask for all of it again */
    return schat__gap_ask(env, slot);
  }
  return chat->asked_up_to < chat->in_highest - 1 ? schat__gap_ask(env, slot) : SCHAT_OK;
}

/* Unasked --------------------------------------------------------------------------------------------------------------------- */

static int peer_is_stuck(schat__env *env, schat__slot *slot, const schat__item *item) {
  schat__event event;
  int status = schat__edit(env, slot);
  if (status != SCHAT_OK || (slot->chat.flags & SCHAT_CHAT_PEER_STUCK)) return status;
  if (item->key == slot->chat.out_seq - 1) return SCHAT_OK; /* some peers confirm one message late, always (S2) */
  slot->chat.flags |= SCHAT_CHAT_PEER_STUCK;
  memset(&event, 0, sizeof event);
  event.type = SCHAT_EVENT_PEER_STUCK;
  event.chat_id = slot->chat.chat_id;
  event.random_id = item->u.out.random_id;
  return schat__emit(env, &event);
}

/* How many of ours the peer has received by its latest message, one behind a gap too: not yet confirmed by that, but not lost. */
static int32_t covered(const schat__slot *slot) {
  size_t waiting = schat__count(slot, SCHAT__WAITING);
  int32_t said = waiting == 0 ? 0 : schat__item_at(slot, SCHAT__WAITING, waiting - 1)->u.held.in_seq;
  return said > slot->chat.peer_in_seq ? said : slot->chat.peer_in_seq;
}

int schat__stuck_tend(schat__env *env, schat__slot *slot) {
  size_t oldest = schat__item_lower_bound(slot, SCHAT__OUTBOX, covered(slot));
  schat__item *item;
  int status;
  if (oldest >= schat__count(slot, SCHAT__OUTBOX)) return SCHAT_OK;
  item = schat__item_at(slot, SCHAT__OUTBOX, oldest);
  if (item->u.out.state != SCHAT__SENT || item->u.out.again) return SCHAT_OK;
  if (slot->chat.peer_heard < item->u.out.confirmed + ((int64_t)STUCK_TIMEOUT << item->u.out.unasked)) return SCHAT_OK;
  if (item->u.out.unasked >= STUCK_TRIES) return peer_is_stuck(env, slot, item);
  status = schat__out_again(env, slot, item, 0);
  if (status == SCHAT_OK) item->u.out.unasked++;
  return status;
}
