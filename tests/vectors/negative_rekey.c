/* SPDX-License-Identifier: BSL-1.0
 * negative_rekey.c - exchanges of keys step by step: what is answered, which key is in use, and what is told (R-PFS, D-20..24). */
#include "common/bytes.h"
#include "lab.h"
#include "run_vectors.h"

/* The peer of a stream: what it knows besides what the lab keeps. */
typedef struct {
  lab *l;
  uint8_t first_key[256];
  int64_t first_fingerprint;
  int64_t own, first_own, last; /* exchanges: ours, our first, the peer's last */
  uint8_t used[256];            /* the peer's value in the exchange before */
  int32_t lost;                 /* raw number of the message that was lost */
  schat_bytes value;            /* of this step */
} stream;

/* What a step names ----------------------------------------------------------------------------------------------------------- */

static int64_t plus(int64_t id, int64_t n) {
  return schat__int64((uint64_t)id + (uint64_t)n);
}

static int exchange_of(const stream *s, const json_t *step, int64_t *id) {
  const char *name = text_field(step, "exchange_id");
  *id = s->own;
  if (strcmp(name, "own") == 0) return 1;
  if (strcmp(name, "first") == 0) {
    *id = s->first_own;
  } else if (strcmp(name, "last") == 0) {
    *id = s->last;
  } else if (strcmp(name, "own+1") == 0) {
    *id = plus(s->own, 1);
  } else if (strcmp(name, "own-1") == 0) {
    *id = plus(s->own, -1);
  } else {
    return long_value(json_object_get(step, "exchange_id"), id);
  }
  return 1;
}

/* The last value that the library sent; NULL: none. */
static const uint8_t *library_value(const stream *s) {
  for (size_t i = s->l->sent_count; i-- > 0;) {
    const lab_sent *sent = &s->l->sent[i];
    if (sent->action == SCHAT__ACTION_REQUEST_KEY || sent->action == SCHAT__ACTION_ACCEPT_KEY) return sent->g;
  }
  return NULL;
}

/* The peer draws the exponent of the step, if it has one, and says what the step says instead of its power. */
static int value_of(run *r, stream *s, const json_t *step) {
  const char *name = text_field(step, "value");
  if (json_object_get(step, "exponent") != NULL) {
    const uint8_t *exponent = fixed_field(r, step, "exponent", 256);
    const schat__config *config = lab_config(s->l);
    uint8_t base[256] = {0};
    if (exponent == NULL) return 0;
    base[255] = (uint8_t)config->g;
    memcpy(s->used, s->l->own, sizeof s->used);
    memcpy(s->l->exponent, exponent, sizeof s->l->exponent);
    if (schat__dh_key(r->crypto, config->p, base, exponent, s->l->own) != SCHAT_OK) return 0;
  }
  s->value.data = s->l->own;
  s->value.size = 256;
  if (json_object_get(step, "value") == NULL) return 1;
  if (strcmp(name, "own") == 0) s->value.data = library_value(s);
  if (strcmp(name, "again") == 0) s->value.data = s->used;
  if (strcmp(name, "own") == 0 || strcmp(name, "again") == 0) return s->value.data != NULL;
  return hex_field(r, step, "value", &s->value);
}

static void derive(const stream *s) {
  const uint8_t *g = library_value(s);
  if (g != NULL) lab_derive(s->l, g);
}

static int64_t reversed(int64_t n) {
  uint64_t in = (uint64_t)n, out = 0;
  for (int i = 0; i < 8; i++) out = out << 8 | (in >> 8 * i & 0xff);
  return schat__int64(out);
}

static int fingerprint_of(const stream *s, const json_t *step, int64_t *fingerprint) {
  const char *name = text_field(step, "fingerprint");
  *fingerprint = 0;
  if (strcmp(name, "zero") == 0 || *name == 0) return 1;
  if (strcmp(name, "old") == 0) {
    *fingerprint = s->first_fingerprint;
    return 1;
  }
  derive(s);
  *fingerprint = s->l->next_fingerprint;
  if (strcmp(name, "wrong") == 0) *fingerprint ^= INT64_MIN;
  if (strcmp(name, "reversed") == 0) *fingerprint = reversed(*fingerprint);
  return strcmp(name, "right") == 0 || strcmp(name, "wrong") == 0 || strcmp(name, "reversed") == 0;
}

/* 1 when the exchange that is open is the peer's: only then a key can be new that no fingerprint of it has named yet. */
static int peer_began(const stream *s) {
  for (size_t i = s->l->sent_count; i-- > 0;) {
    if (s->l->sent[i].action == SCHAT__ACTION_REQUEST_KEY) return 0;
    if (s->l->sent[i].action == SCHAT__ACTION_ACCEPT_KEY) return 1;
  }
  return 0;
}

/* Which key seals the peer's message of this step, and those after it. */
static void seal_under(const stream *s, const json_t *step) {
  const char *name = text_field(step, "under");
  if (strcmp(name, "first") == 0) puppet_use_key(s->l->p, s->first_key);
  if (strcmp(name, "new") != 0) return;
  if (peer_began(s)) derive(s);
  lab_take_next(s->l);
}

/* Steps ------------------------------------------------------------------------------------------------------------------------- */

static int action_type(const char *name, schat__action_type *type) {
  static const struct {
    const char *name;
    schat__action_type type;
  } names[] = {{"RequestKey", SCHAT__ACTION_REQUEST_KEY},
               {"AcceptKey", SCHAT__ACTION_ACCEPT_KEY},
               {"CommitKey", SCHAT__ACTION_COMMIT_KEY},
               {"AbortKey", SCHAT__ACTION_ABORT_KEY},
               {"Noop", SCHAT__ACTION_NOOP},
               {"Resend", SCHAT__ACTION_RESEND}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    *type = names[i].type;
    if (strcmp(name, names[i].name) == 0) return 1;
  }
  return 0;
}

static int peer_says(run *r, stream *s, const json_t *step) {
  schat__action_type type;
  int64_t id = 0, fingerprint = 0;
  if (!action_type(text_field(step, "action"), &type)) return 0;
  seal_under(s, step);
  if (type == SCHAT__ACTION_NOOP) return lab_noop(s->l) >= 0;
  if (!exchange_of(s, step, &id) || !value_of(r, s, step) || !fingerprint_of(s, step, &fingerprint)) return 0;
  if (type == SCHAT__ACTION_REQUEST_KEY) s->last = id;
  return lab_send_key(s->l, type, id, s->value.data, s->value.size, fingerprint) >= 0;
}

/* The message that was lost comes after all. */
static int fill(const stream *s) {
  schat__action noop;
  memset(&noop, 0, sizeof noop);
  noop.type = SCHAT__ACTION_NOOP;
  int status = puppet_send_raw(s->l->p, lab_manager(s->l), s->l->p->in_raw, s->lost, puppet_action(s->l->p, &noop), s->l->w->now);
  lab_drain(s->l);
  return status >= 0;
}

static int carry_out(run *r, stream *s, const json_t *step) {
  const char *what = text_field(step, "do");
  int32_t seconds = 0;
  if (strcmp(what, "peer") == 0) return peer_says(r, s, step);
  if (strcmp(what, "fill") == 0) return fill(s);
  if (strcmp(what, "begin") == 0) {
    lab_make_request(s->l);
    s->own = s->first_own = lab_last(s->l, SCHAT__ACTION_REQUEST_KEY)->exchange_id;
  } else if (strcmp(what, "lose") == 0) {
    s->lost = s->l->p->out_raw++;
    s->l->lag = 1; /* the peer's later numbers must not tell what it cannot know yet */
    s->l->p->in_raw = lab_chat(s->l)->out_seq;
  } else {
    if (strcmp(what, "wait") != 0 || !int_field(step, "seconds", &seconds)) return 0;
    lab_tick(s->l, (int64_t)seconds * 1000);
  }
  return 1;
}

/* What came of a step ------------------------------------------------------------------------------------------------------------- */

static int sends_match(const lab *l, size_t from, const json_t *step) {
  const json_t *sends = json_object_get(step, "sends");
  size_t count = l->sent_count - from, must = json_array_size(sends);
  schat__action_type type, may;
  if (count == must + 1 && action_type(text_field(step, "may"), &may) && l->sent[l->sent_count - 1].action == may) count--;
  if (!json_is_array(sends) || must != count) return 0;
  for (size_t i = 0; i < count; i++) {
    const char *name = json_string_value(json_array_get(sends, i));
    if (name == NULL || !action_type(name, &type) || l->sent[from + i].action != type) return 0;
  }
  return 1;
}

static size_t events_from(const lab *l, size_t from, int32_t type) {
  size_t count = 0;
  for (size_t i = from; i < l->event_count; i++) count += l->events[i].type == type;
  return count;
}

static int tells_match(const lab *l, size_t from, const char *tells) {
  return events_from(l, from, SCHAT_EVENT_REJECTED) == (strcmp(tells, "rejected") == 0) &&
         events_from(l, from, SCHAT_EVENT_REKEY_FAILED) == (strcmp(tells, "failed") == 0) &&
         events_from(l, from, SCHAT_EVENT_REKEYED) == (strcmp(tells, "rekeyed") == 0);
}

static int key_matches(const stream *s, const char *key) {
  if (strcmp(key, "old") == 0) return lab_chat(s->l)->key_fingerprint == s->first_fingerprint;
  if (strcmp(key, "new") != 0) return 0;
  return lab_chat(s->l)->key_fingerprint == s->l->next_fingerprint && memcmp(lab_chat(s->l)->key, s->l->next, 256) == 0;
}

static int explain(run *r, size_t number, const char *what, const char *why) {
  char text[256];
  snprintf(text, sizeof text, "%s: step %zu: %s", what, number + 1, why);
  return fail(r, text);
}

static int run_stream(run *r, stream *s, const json_t *c) {
  const json_t *steps = json_object_get(c, "steps");
  const char *what = text_field(c, "what");
  for (size_t i = 0; i < json_array_size(steps); i++) {
    const json_t *step = json_array_get(steps, i);
    size_t sent = s->l->sent_count, events = s->l->event_count;
    if (!carry_out(r, s, step)) return explain(r, i, what, "it cannot be carried out");
    if (lab_chat(s->l)->state != SCHAT_STATE_READY) return explain(r, i, what, "the chat has ended");
    if (!sends_match(s->l, sent, step)) return explain(r, i, what, "it is answered otherwise");
    if (!key_matches(s, text_field(step, "key"))) return explain(r, i, what, "another key is in use");
    if (!tells_match(s->l, events, text_field(step, "tells"))) return explain(r, i, what, "something else is told");
  }
  return json_array_size(steps) > 0;
}

int case_negative_rekey(run *r, const json_t *c) {
  const json_t *role = json_object_get(c, "receiver_is_originator");
  stream s;
  REQUIRE(json_is_boolean(role), "receiver_is_originator is missing");
  memset(&s, 0, sizeof s);
  s.l = lab_new(r->number, json_is_true(role), NULL);
  s.first_fingerprint = lab_chat(s.l)->key_fingerprint;
  memcpy(s.first_key, lab_chat(s.l)->key, sizeof s.first_key);
  int good = run_stream(r, &s, c);
  lab_free(s.l);
  return good;
}
