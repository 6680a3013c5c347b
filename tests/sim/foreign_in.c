/* SPDX-License-Identifier: BSL-1.0
 * foreign_in.c - what a foreign client receives: the key that opens it, its place in the order, what waits, and what is asked for again. */
#include <stdlib.h>
#include <string.h>

#include "foreign_inner.h"

#define BETWEEN_STOPS_MS 20 /* in which TDLib has noted that it asked, and not yet asked (D-36) */

/* Opening ------------------------------------------------------------------------------------------------------------------- */

static int key_for(const foreign *f, const foreign_chat *c, int64_t fingerprint) {
  size_t i;
  for (i = 0; i < c->key_count; i++) {
    if (c->keys[i].fingerprint != fingerprint || !c->keys[i].usable) continue;
    if ((int)i != c->next || f->traits->opens_next) return (int)i;
  }
  return -1;
}

static void keep_unreadable(foreign_chat *c, schat_bytes bytes, int64_t random_id) {
  unreadable *u;
  c->kept = foreign_grown(c->kept, c->kept_count, sizeof *c->kept);
  u = &c->kept[c->kept_count++];
  u->bytes = foreign_copy(bytes.data, bytes.size);
  u->size = bytes.size;
  u->random_id = random_id;
}

static void drop(foreign *f, const foreign_chat *c, const char *why) {
  foreign_log(f, c, FOREIGN_DROPPED, why);
}

/* The object inside, in a new holder; 0: not readable, and dealt with. */
static int open_bytes(foreign *f, foreign_chat *c, schat_bytes bytes, holder *h, int *slot) {
  uint8_t *work = schat__arena_take(&f->arena, bytes.size);
  schat_bytes o = {NULL, 0};
  foreign_must(work != NULL);
  h->mtproto = 0;
  for (int version = 2; version >= 1 && h->mtproto == 0; version--) {
    const key_slot *k = &c->keys[*slot];
    if (version == 1 && c->heard_v2) break;
    if (schat__envelope_open(f->crypto, k->key, k->fingerprint, version, !c->originator, bytes.data, bytes.size, work, &o.data, &o.size) ==
        1) {
      h->mtproto = version;
    }
  }
  if (h->mtproto == 0) {
    drop(f, c, "msg_key");
    if (f->traits->bad_mac_closes) foreign_close(f, c, "msg_key"); /* R9 */
    return 0;
  }
  h->padding = bytes.size - SCHAT__ENVELOPE_HEAD - 4 - o.size;
  h->object = foreign_copy(o.data, o.size);
  h->object_size = o.size;
  return 1;
}

/* Reads the wrapper: 0 when the message is refused. */
static int read_wrapper(foreign *f, foreign_chat *c, holder *h) {
  schat__wrapper w;
  int x = c->originator ? 0 : 1; /* of the peer's out_seq_no */
  if (schat__wrapper_decode(h->object, h->object_size, &w) != SCHAT_OK) {
    drop(f, c, "no wrapper");
    if (f->traits->strict) foreign_close(f, c, "no wrapper");
    return 0;
  }
  if (f->traits->checks_random_bytes && w.random_bytes.size < 15) {
    drop(f, c, "random_bytes");
    return 0;
  }
  if (((uint32_t)w.out_seq_no & 1) != (uint32_t)x || ((uint32_t)w.in_seq_no & 1) == (uint32_t)x) {
    if (f->traits->strict) foreign_close(f, c, "parity");
    if (f->traits->strict || f->traits->checks_parity) {
      drop(f, c, "parity");
      return 0;
    }
  }
  h->raw = (w.out_seq_no - x) / 2;
  h->wire_in = w.in_seq_no;
  h->layer = w.layer;
  return 1;
}

/* Order --------------------------------------------------------------------------------------------------------------------- */

void foreign_forget_held(foreign_chat *c) {
  while (c->held_count != 0) free(c->held[--c->held_count].object);
}

static int is_held(const foreign_chat *c, int32_t raw) {
  size_t i;
  for (i = 0; i < c->held_count; i++) {
    if (c->held[i].raw == raw) return 1;
  }
  return 0;
}

static int32_t lowest_held(const foreign_chat *c) {
  int32_t lowest = INT32_MAX;
  size_t i;
  for (i = 0; i < c->held_count; i++) {
    if (c->held[i].raw < lowest) lowest = c->held[i].raw;
  }
  return lowest;
}

static schat_bytes message_of(const holder *h) {
  schat__wrapper w;
  foreign_must(schat__wrapper_decode(h->object, h->object_size, &w) == SCHAT_OK);
  return w.message;
}

/* D-37: what TDLib refuses closes the chat. */
static int strict_refuses(foreign *f, foreign_chat *c, const holder *h) {
  strict_message m = {h->mtproto, h->padding, {h->object, h->object_size}, 0, f->now}; /* R12: ids inside only */
  strict_rule rule;
  if (c->strict == NULL) return 0;
  rule = strict_library(c->strict, &m);
  if (rule == STRICT_OK) return 0;
  foreign_close(f, c, strict_text(rule));
  return 1;
}

/* L3: the table of the stated layer, or nothing any more. */
static int unreadable_for_ever(foreign *f, foreign_chat *c, const holder *h) {
  schat__tl_object *object;
  schat_bytes message = message_of(h);
  size_t used;
  int known = h->layer == 46 || h->layer == 73 || h->layer == 101 || h->layer == 144;
  if (!f->traits->strict_layers) return 0;
  if (known && schat__tl_decode(&f->arena, SCHAT__TYPE_DecryptedMessage, message.data, message.size, &object, &used) == SCHAT_OK &&
      (h->layer == 46 || schat__layer_allows(object, h->layer))) {
    return 0;
  }
  c->stuck = 1;
  foreign_log(f, c, FOREIGN_STUCK, known ? "a constructor that the stated layer lacks" : "a stated layer that no table has");
  return 1;
}

static void learn_layer(foreign_chat *c, int32_t layer) {
  c->saw_peer_layer = 1;
  if (layer > c->peer_layer) c->peer_layer = layer;
}

/* The message whose turn it is; 0: the chat goes no further. */
static int take(foreign *f, foreign_chat *c, const holder *h) {
  int x = c->originator ? 1 : 0; /* of the peer's in_seq_no */
  int slot = key_for(f, c, h->fingerprint);
  if (strict_refuses(f, c, h) || unreadable_for_ever(f, c, h)) return 0;
  c->in_seq = h->raw + 1;
  c->last_wire_out = 2 * h->raw + (c->originator ? 0 : 1);
  c->used_in++;
  if (h->wire_in >= 0) foreign_acknowledged(f, c, (h->wire_in - x) / 2);
  learn_layer(c, h->layer);
  if (slot >= 0 && !f->traits->strict) foreign_key_used(f, c, slot);
  foreign_content(f, c, h, message_of(h));
  return c->state == CHAT_READY && !c->stuck;
}

static void take_held(foreign *f, foreign_chat *c) {
  size_t i = 0;
  while (i < c->held_count) {
    holder h = c->held[i];
    if (h.raw > c->in_seq) {
      i++;
      continue;
    }
    memmove(c->held + i, c->held + i + 1, (c->held_count - i - 1) * sizeof h);
    c->held_count--;
    if (h.raw == c->in_seq && !take(f, c, &h))
      i = c->held_count;
    else
      i = 0;
    free(h.object);
  }
}

/* Asking ---------------------------------------------------------------------------------------------------------------------- */

static void send_resend(foreign *f, foreign_chat *c, int32_t first, int32_t last) {
  schat__action action;
  int x = c->originator ? 0 : 1;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_RESEND;
  action.start = 2 * first + x;
  action.end = 2 * last + x;
  foreign_log(f, c, FOREIGN_GAP, "")->value = last - first + 1;
  foreign_send_action(f, c, &action);
}

void foreign_send_pending_resend(foreign *f, foreign_chat *c) {
  int32_t first = c->pending_first;
  c->pending_first = -1;
  if (first >= 0) send_resend(f, c, first, c->pending_last);
}

static int was_asked(foreign_chat *c, int32_t start) {
  size_t i;
  for (i = 0; i < c->asked_count; i++) {
    if (c->asked[i] == start) return 1;
  }
  c->asked = foreign_grown(c->asked, c->asked_count, sizeof *c->asked);
  c->asked[c->asked_count++] = start;
  return 0;
}

int foreign_ask_hole(foreign *f, foreign_chat *c, int again) {
  int32_t first = c->in_seq, last;
  if (c->held_count == 0 || c->stuck) return -1;
  last = lowest_held(c) - 1;
  switch (f->traits->ask) {
    case ASK_FIRST_HOLE_EVER:
      if (again || c->resend_end >= last) return -1;
      c->resend_end = c->pending_last = last;
      c->pending_first = first;
      c->pending_at = f->now + BETWEEN_STOPS_MS;
      return 0;
    case ASK_ONE_GAP:
      if (!again && c->resend_end >= first) return -1;
      c->resend_end = last;
      break;
    case ASK_EACH_START:
      if (was_asked(c, first) && !again) return -1;
      break;
    case ASK_EACH_PASS:
      break;
  }
  send_resend(f, c, first, last);
  return 0;
}

/* A Resend behind the gap is answered at once where the client does so (S12). */
static void answer_early(foreign *f, foreign_chat *c, holder *h) {
  schat_message message;
  schat__action action;
  SCHAT_INIT(message);
  if (!f->traits->resend_at_once || schat__message_decode(&f->arena, message_of(h), &message, &action) != SCHAT_OK) return;
  if (action.type != SCHAT__ACTION_RESEND) return;
  h->resent = 1;
  (void)foreign_resend(f, c, action.start, action.end);
}

static void hold(foreign *f, foreign_chat *c, holder *h) {
  if (is_held(c, h->raw)) {
    free(h->object);
    return;
  }
  if (f->traits->holders != 0 && c->held_count >= f->traits->holders) { /* S9 */
    free(h->object);
    foreign_close(f, c, "too many messages behind a gap");
    return;
  }
  answer_early(f, c, h);
  if (c->state != CHAT_READY) {
    free(h->object);
    return;
  }
  c->held = foreign_grown(c->held, c->held_count, sizeof *c->held);
  c->held[c->held_count++] = *h;
  (void)foreign_ask_hole(f, c, 0);
}

static void place(foreign *f, foreign_chat *c, holder *h) {
  if (h->raw > c->in_seq && !c->stuck) {
    hold(f, c, h);
    return;
  }
  if (h->raw == c->in_seq && !c->stuck && take(f, c, h)) take_held(f, c);
  free(h->object);
  if (c->state != CHAT_READY) return;
  if (f->traits->ask == ASK_FIRST_HOLE_EVER || f->traits->ask == ASK_ONE_GAP) (void)foreign_ask_hole(f, c, 0);
  foreign_rekey_tend(f, c);
}

void foreign_receive(foreign *f, foreign_chat *c, schat_bytes bytes, int64_t random_id) {
  holder h;
  int slot;
  memset(&h, 0, sizeof h);
  if (bytes.size < SCHAT__ENVELOPE_HEAD) return;
  h.fingerprint = schat__envelope_fingerprint(bytes.data);
  h.random_id = random_id;
  slot = key_for(f, c, h.fingerprint);
  if (slot < 0) { /* R10 */
    if (f->traits->keeps_unreadable) keep_unreadable(c, bytes, random_id);
    drop(f, c, "unknown key");
    return;
  }
  if (!open_bytes(f, c, bytes, &h, &slot)) return;
  if (h.mtproto == 2) c->heard_v2 = 1;
  if (!read_wrapper(f, c, &h)) {
    free(h.object);
    return;
  }
  if (f->traits->strict) foreign_key_used(f, c, slot);
  place(f, c, &h);
}

/* The key of some of them may be known now. */
void foreign_retry_unreadable(foreign *f, foreign_chat *c) {
  unreadable *kept = c->kept;
  size_t count = c->kept_count, i;
  c->kept = NULL;
  c->kept_count = 0;
  for (i = 0; i < count; i++) {
    schat_bytes bytes = {kept[i].bytes, kept[i].size};
    if (c->state == CHAT_READY) foreign_receive(f, c, bytes, kept[i].random_id);
    free(kept[i].bytes);
  }
  free(kept);
}

int foreign_ask_again(foreign *f, int32_t chat_id, int64_t now) {
  foreign_chat *c = foreign_find(f, chat_id);
  if (now > f->now) f->now = now;
  schat__arena_reset(&f->arena);
  return c == NULL || c->state != CHAT_READY ? -1 : foreign_ask_hole(f, c, 1);
}
