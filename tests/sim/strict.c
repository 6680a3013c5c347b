/* SPDX-License-Identifier: BSL-1.0
 * strict.c - see strict.h: form, numbers, layers, repeats and Resend. */
#include <stdlib.h>
#include <string.h>

#include "strict_inner.h"

#define SPAN 1000
#define RANDOM_BYTES 15u
#define PADDING_MIN 12u
#define PADDING_MAX 1024u

static const char *const texts[STRICT_RULES] = {
    [STRICT_OK] = "nothing",
    [STRICT_VERSION] = "MTProto 1",
    [STRICT_PADDING] = "padding",
    [STRICT_TL] = "not canonical TL",
    [STRICT_RANDOM_BYTES] = "random_bytes",
    [STRICT_LAYER] = "layer",
    [STRICT_LAYER_FELL] = "layer lower than before",
    [STRICT_PARITY] = "parity",
    [STRICT_OUT_SEQ_NO] = "out_seq_no left out",
    [STRICT_IN_SEQ_NO] = "in_seq_no",
    [STRICT_REPEAT] = "repeated with a difference",
    [STRICT_RESEND_ACKED] = "Resend of an acknowledged message",
    [STRICT_RESEND_UNSENT] = "Resend of an unsent message",
    [STRICT_RESEND_RANGE] = "Resend range",
    [STRICT_REQUEST_KEY] = "RequestKey out of turn",
    [STRICT_ACCEPT_KEY] = "AcceptKey out of turn",
    [STRICT_COMMIT_KEY] = "CommitKey out of turn",
    [STRICT_ABORT_KEY] = "AbortKey out of turn",
    [STRICT_RANDOM_ID] = "random_id",
};

const char *strict_text(strict_rule rule) {
  return rule < STRICT_RULES ? texts[rule] : "?";
}

void *strict_grown(void *items, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return items;
  *capacity = *capacity == 0 ? 16 : 2 * *capacity;
  items = realloc(items, *capacity * size);
  if (items == NULL) abort();
  return items;
}

strict *strict_new(int library_is_originator) {
  strict *s = calloc(1, sizeof *s);
  if (s == NULL) abort();
  s->originator = library_is_originator;
  schat__arena_init(&s->arena, NULL, SIZE_MAX);
  return s;
}

void strict_free(strict *s) {
  if (s == NULL) return;
  schat__arena_free(&s->arena);
  free(s->sent);
  free(s->exchanges);
  free(s);
}

/* A message as the rules see it. */
typedef struct {
  schat__wrapper wrapper;
  schat_message message;
  schat__action action; /* NONE: a message of the user */
  int64_t random_id;    /* the one inside */
  int32_t raw, in_raw;
} seen;

/* Form ---------------------------------------------------------------------------------------------------------------------- */

/* Bytes that encode to themselves again, and nothing after them. */
static int is_canonical(strict *s, schat_bytes object, schat__tl_object **inside) {
  schat__tl_object *wrapper;
  uint8_t *again = schat__arena_take(&s->arena, object.size + 1);
  size_t used, size;
  if (again == NULL) abort();
  if (schat__tl_decode(&s->arena, SCHAT__TYPE_DecryptedMessageLayer, object.data, object.size, &wrapper, &used) != SCHAT_OK) return 0;
  if (used != object.size || schat__tl_encode(wrapper, again, object.size, &size) != SCHAT_OK) return 0;
  *inside = schat__tl_get(wrapper, SCHAT__WORD_message)->object;
  return size == object.size && memcmp(again, object.data, size) == 0;
}

static strict_rule judge_form(strict *s, const strict_message *m, seen *e) {
  schat__tl_object *inside;
  if (m->mtproto != 2) return STRICT_VERSION;
  if (m->padding < PADDING_MIN || m->padding > PADDING_MAX) return STRICT_PADDING;
  SCHAT_INIT(e->message);
  if (!is_canonical(s, m->object, &inside)) return STRICT_TL;
  if (schat__wrapper_decode(m->object.data, m->object.size, &e->wrapper) != SCHAT_OK) return STRICT_TL;
  if (schat__message_decode(&s->arena, e->wrapper.message, &e->message, &e->action) != SCHAT_OK) return STRICT_TL;
  if (e->wrapper.random_bytes.size < RANDOM_BYTES) return STRICT_RANDOM_BYTES;
  if (!schat__layer_allows(inside, e->wrapper.layer)) return STRICT_LAYER;
  e->random_id = e->action.type == SCHAT__ACTION_NONE ? e->message.random_id : e->action.random_id;
  if (e->random_id == 0 || (m->random_id != 0 && m->random_id != e->random_id)) return STRICT_RANDOM_ID;
  return STRICT_OK;
}

/* Numbers --------------------------------------------------------------------------------------------------------------------- */

/* Raw numbers of a message; 0: wrong parity, or negative. */
static int read_numbers(const schat__wrapper *w, int of_originator, int32_t *raw, int32_t *in_raw) {
  int32_t x = of_originator ? 1 : 0;
  if (w->out_seq_no < 0 || w->in_seq_no < 0 || (w->out_seq_no & 1) != x || (w->in_seq_no & 1) == x) return 0;
  *raw = (w->out_seq_no - x) / 2;
  *in_raw = (w->in_seq_no - (1 - x)) / 2;
  return 1;
}

static uint64_t digest_of(schat_bytes b) {
  uint64_t h = UINT64_C(0xcbf29ce484222325);
  size_t i;
  for (i = 0; i < b.size; i++) h = (h ^ b.data[i]) * UINT64_C(0x100000001b3);
  return h;
}

/* R-SEQ-21: the message deletes itself. D-07: a Noop stands for what the peer has. */
static int replaces(const strict *s, const seen *e, const strict_sent *first) {
  if (e->action.type == SCHAT__ACTION_DELETE) {
    return e->random_id == first->random_id && e->action.random_id_count == 1 && e->action.random_ids[0] == first->random_id;
  }
  return e->action.type == SCHAT__ACTION_NOOP && e->raw < s->peer_acked;
}

static strict_rule judge_repeat(strict *s, const seen *e) {
  strict_sent *first = &s->sent[e->raw];
  uint64_t digest = digest_of(e->wrapper.message);
  if (e->wrapper.in_seq_no != first->wire_in) return STRICT_REPEAT;
  if (digest == first->digest) return e->wrapper.layer == first->layer ? STRICT_OK : STRICT_REPEAT;
  if (!replaces(s, e, first)) return STRICT_REPEAT;
  if (e->action.type == SCHAT__ACTION_DELETE) first->digest = digest;
  first->layer = e->action.type == SCHAT__ACTION_DELETE ? e->wrapper.layer : first->layer;
  return STRICT_OK;
}

static int is_known(const strict *s, int64_t random_id) {
  size_t i;
  for (i = 0; i < s->sent_count; i++) {
    if (s->sent[i].random_id == random_id) return 1;
  }
  return 0;
}

static void note_sent(strict *s, const seen *e) {
  strict_sent *first;
  s->sent = strict_grown(s->sent, s->sent_count, &s->sent_capacity, sizeof *s->sent);
  first = &s->sent[s->sent_count++];
  first->random_id = e->random_id;
  first->digest = digest_of(e->wrapper.message);
  first->wire_in = e->wrapper.in_seq_no;
  first->layer = e->wrapper.layer;
}

/* Places for numbers that were left out, so that what follows can be judged. */
static void note_missing(strict *s, int32_t raw) {
  seen nothing;
  memset(&nothing, 0, sizeof nothing);
  while (s->sent_count < (size_t)raw) note_sent(s, &nothing);
}

static strict_rule judge_place(strict *s, const seen *e) {
  strict_rule rule = STRICT_OK;
  if (is_known(s, e->random_id)) rule = STRICT_RANDOM_ID;
  if (e->wrapper.layer < s->layer) rule = STRICT_LAYER_FELL;
  if (e->in_raw < s->in_stated || e->in_raw > s->peer_sent) rule = STRICT_IN_SEQ_NO;
  if ((size_t)e->raw > s->sent_count) rule = STRICT_OUT_SEQ_NO;
  if (e->raw < s->peer_sent + (int32_t)s->sent_count + SPAN) note_missing(s, e->raw); /* not for an absurd number */
  if ((size_t)e->raw == s->sent_count) note_sent(s, e);
  if (e->in_raw > s->in_stated) s->in_stated = e->in_raw;
  if (e->wrapper.layer > s->layer) s->layer = e->wrapper.layer;
  return rule;
}

static strict_rule judge_resend(const strict *s, const schat__action *action) {
  int32_t x = s->originator ? 0 : 1, first, last; /* the peer's numbers */
  if (action->start < 0 || action->end < action->start || (action->start & 1) != x || (action->end & 1) != x) return STRICT_RESEND_RANGE;
  first = (action->start - x) / 2;
  last = (action->end - x) / 2;
  if (last - first >= SPAN) return STRICT_RESEND_RANGE;
  if (first < s->in_stated) return STRICT_RESEND_ACKED;
  return last >= s->peer_sent ? STRICT_RESEND_UNSENT : STRICT_OK;
}

static strict_rule judge_action(strict *s, const schat__action *action, int64_t now) {
  switch (action->type) {
    case SCHAT__ACTION_RESEND:
      return judge_resend(s, action);
    case SCHAT__ACTION_REQUEST_KEY:
    case SCHAT__ACTION_ACCEPT_KEY:
    case SCHAT__ACTION_ABORT_KEY:
    case SCHAT__ACTION_COMMIT_KEY:
      return strict_library_key(s, action, now);
    default:
      return STRICT_OK;
  }
}

strict_rule strict_library(strict *s, const strict_message *m) {
  seen e;
  strict_rule rule, second;
  memset(&e, 0, sizeof e);
  rule = judge_form(s, m, &e);
  if (rule == STRICT_OK && !read_numbers(&e.wrapper, s->originator, &e.raw, &e.in_raw)) rule = STRICT_PARITY;
  if (rule == STRICT_OK && (size_t)e.raw < s->sent_count) {
    rule = judge_repeat(s, &e);
  } else if (rule == STRICT_OK) {
    rule = judge_place(s, &e);
    second = judge_action(s, &e.action, m->made);
    if (rule == STRICT_OK) rule = second;
  }
  schat__arena_reset(&s->arena);
  return rule;
}

/* The peer -------------------------------------------------------------------------------------------------------------------- */

void strict_peer(strict *s, const strict_message *m) {
  schat__wrapper w;
  schat_message message;
  schat__action action;
  int32_t raw, in_raw;
  SCHAT_INIT(message);
  if (schat__wrapper_decode(m->object.data, m->object.size, &w) != SCHAT_OK) return;
  raw = (w.out_seq_no - (s->originator ? 0 : 1)) / 2;
  in_raw = (w.in_seq_no - (s->originator ? 1 : 0)) / 2;
  if (in_raw > s->peer_acked && (size_t)in_raw <= s->sent_count) s->peer_acked = in_raw;
  if (raw < s->peer_sent) return; /* again */
  s->peer_sent = raw + 1;
  if (schat__message_decode(&s->arena, w.message, &message, &action) == SCHAT_OK) strict_peer_key(s, &action, m->made);
  schat__arena_reset(&s->arena);
}
