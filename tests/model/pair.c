/* SPDX-License-Identifier: BSL-1.0
 * pair.c - see pair.h. A chat of the library is made and brought to where the model begins; then every step of the model has its counterpart in
 * calls of the library, and every variable of an endpoint in fields of a chat.
 *
 * A message is sealed in the step in which the server takes it, as dispatch.c seals it when it is handed over. What time the model does not know
 * of, such as the pause between two answers to the same Resend, passes when a message waits for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/engine.h"
#include "manager/manager.h"
#include "puppet.h"
#include "pair.h"
#include "world.h"

replay_bounds bounds;
#define MESSAGES bounds.of[0]
#define REKEYS bounds.of[1]
#define LOSSES bounds.of[2]
#define COPIES bounds.of[3]
#define CRASHES bounds.of[4]
#define ANSWERS bounds.of[5]
#define OVERTAKES bounds.of[6]
#define SAME_IDS bounds.of[7]
#define EAGER bounds.of[8]
#define READABLE 0
#include "rules.h"

#define PATIENCE (INT64_C(5) * 3600 * 1000) /* more than the longest pause of D-10 and D-36 */

typedef struct {
  uint8_t *bytes; /* NULL: not on its way */
  size_t size;
} packet;

typedef struct {
  uint64_t random;
  int64_t forced; /* what is drawn next of eight bytes; 0: chance */
} source;

struct pair {
  model m;
  world *w;
  int32_t chat_id, base[2]; /* base: the number of the model's first message */
  int64_t key[KEYS + 1];    /* fingerprints of the model's keys */
  source source[2];
  packet way[2][KEYS][NUMBERS];
  unsigned delivered[2];
  int changed; /* in the last step */
  char what[160];
};

/* The library ------------------------------------------------------------------------------------------------------------------------ */

static schat_manager *manager_of(const pair *p, unsigned side) {
  return p->w->peers[side].manager;
}
static schat__slot *slot_of(const pair *p, unsigned side) {
  return puppet_slot(manager_of(p, side), p->chat_id);
}

static void must(int condition) {
  if (!condition) abort();
}

static int random_bytes(void *user_data, uint8_t *out, size_t size) {
  source *s = user_data;
  if (size == 8 && s->forced != 0) {
    schat__store64(out, (uint64_t)s->forced);
    s->forced = 0;
    return 0;
  }
  for (size_t i = 0; i < size; i++) {
    s->random = s->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    out[i] = (uint8_t)(s->random >> 40);
  }
  return 0;
}

/* Takes what waits to be handed over: sends stay where they are until a step makes them, events are counted. */
static void drain(pair *p, unsigned side) {
  schat_manager *m = manager_of(p, side);
  schat_effect effect;
  SCHAT_INIT(effect);
  while (schat_peek(m, &effect) == SCHAT_OK) {
    const schat_event *event = effect.event;
    unsigned number = 0;
    if (event != NULL && event->type == SCHAT_EVENT_MESSAGE && event->repeated == 0) {
      must(sscanf((const char *)event->message->text.data, "text %u", &number) == 1 && number == p->delivered[side]);
      p->delivered[side]++;
    }
    schat_pop(m);
  }
}

/* What is due happens, as in any input. */
static void tend(pair *p, unsigned side) {
  schat__step step;
  must(schat__step_begin(manager_of(p, side), p->w->now, &step) == SCHAT_OK);
  must(schat__step_end(manager_of(p, side), &step, SCHAT_OK, slot_of(p, side)) >= 0);
  drain(p, side);
}

static void answer(pair *p, unsigned side, uint64_t token) {
  schat_answer sent;
  SCHAT_INIT(sent);
  sent.type = SCHAT_ANSWER_SENT;
  sent.date = (int32_t)(p->w->now / 1000);
  must(schat_request_done(manager_of(p, side), token, &sent, p->w->now) >= 0);
  drain(p, side);
}

/* Noops for what is confirmed (D-07) are no part of the model: whoever gets one has what it stands for. */
static void answer_noops(pair *p, unsigned side) {
  for (size_t i = 0; i < schat__count(slot_of(p, side), SCHAT__OUTBOX);) {
    const schat__item *item = schat__item_at(slot_of(p, side), SCHAT__OUTBOX, i);
    if (item->key >= slot_of(p, side)->chat.peer_in_seq) return;
    if (item->u.out.token == 0)
      i++;
    else
      answer(p, side, item->u.out.token);
  }
}

static void open_source(pair *p, unsigned side) {
  schat__crypto *crypto = manager_of(p, side)->env.crypto;
  crypto->random = random_bytes;
  crypto->user_data = &p->source[side];
}

/* The beginning of the model: all that was said is confirmed, and the key is as good as new. */
static void settle(pair *p, unsigned side) {
  schat_manager *m = manager_of(p, side);
  schat__slot *slot = slot_of(p, side);
  schat__step step;
  must(schat__step_begin(m, p->w->now, &step) == SCHAT_OK && schat__edit(&m->env, slot) == SCHAT_OK);
  must(schat__out_acknowledge(&m->env, slot, slot->chat.out_seq, (int32_t)(p->w->now / 1000)) == SCHAT_OK);
  slot->chat.key_sealed = slot->chat.key_opened = 0;
  must(schat__step_end(m, &step, SCHAT_OK, slot) >= 0);
  drain(p, side);
  p->base[side] = slot->chat.out_seq;
}

pair *pair_new(uint64_t seed) {
  pair *p = calloc(1, sizeof *p);
  must(p != NULL);
  model_init(&p->m);
  p->w = world_new(seed, 2);
  for (unsigned side = 0; side < 2; side++) {
    p->w->peers[side].policy.rekey_messages = UINT32_MAX;
    p->w->peers[side].policy.rekey_seconds = UINT32_MAX;
    world_restart(p->w, side, 0);
  }
  world_run(p->w);
  p->chat_id = world_chat(p->w, 0, 1);
  for (unsigned side = 0; side < 2; side++) {
    p->source[side] = (source){seed * 2 + side, 0};
    open_source(p, side);
    settle(p, side);
  }
  p->key[1] = slot_of(p, 0)->chat.key_fingerprint;
  return p;
}

void pair_free(pair *p) {
  for (unsigned side = 0; side < 2; side++) {
    for (unsigned k = 0; k < KEYS; k++) {
      for (unsigned raw = 0; raw < NUMBERS; raw++) free(p->way[side][k][raw].bytes);
    }
  }
  world_free(p->w);
  free(p);
}

/* Steps of the library ------------------------------------------------------------------------------------------------------------------ */

static int part(pair *p, const char *what, unsigned side, int64_t modelled, int64_t real) {
  snprintf(p->what, sizeof p->what, "%s of side %u is %lld in the model and %lld in the library", what, side, (long long)modelled,
           (long long)real);
  return 0;
}

/* The server has message `raw`: the bytes it would have been handed. */
static int reach_server(pair *p, unsigned side, unsigned raw, uint64_t *token) {
  schat_manager *m = manager_of(p, side);
  const schat__item *item = schat__item_find(slot_of(p, side), SCHAT__OUTBOX, p->base[side] + (int32_t)raw);
  packet *way;
  unsigned k = 1;
  if (item == NULL) return part(p, "message to be sent", side, (int64_t)raw, -1);
  if (item->u.out.token == 0 && item->u.out.retry_at > m->env.account.clock) {
    p->w->now += item->u.out.retry_at - m->env.account.clock;
    tend(p, side);
    item = schat__item_find(slot_of(p, side), SCHAT__OUTBOX, p->base[side] + (int32_t)raw);
  }
  if (item->u.out.token == 0) return part(p, "request for message", side, (int64_t)raw, -1);
  while (k <= KEYS && p->key[k] != item->u.out.key_fingerprint) k++;
  if (k > KEYS) return part(p, "key of a message", side, (int64_t)sealer(&p->m.e[side], raw), -1);
  way = &p->way[side][k - 1][raw];
  free(way->bytes);
  way->size = item->size + SCHAT__ENVELOPE_HEAD;
  way->bytes = malloc(way->size);
  must(way->bytes != NULL && schat__out_seal(&m->env, slot_of(p, side), item, way->bytes) == SCHAT_OK);
  *token = item->u.out.token;
  return 1;
}

static int take_send(pair *p, const pair_move *s, int answered) {
  uint64_t token = 0;
  if (!reach_server(p, s->side, s->raw, &token)) return 0;
  if (answered) answer(p, s->side, token);
  return 1;
}

/* The oldest copy on its way. */
static packet *first_packet(pair *p, const pair_move *s) {
  for (unsigned k = 0; k < KEYS; k++) {
    if (p->way[s->side][k][s->raw].bytes != NULL) return &p->way[s->side][k][s->raw];
  }
  return NULL;
}

static int take_packet(pair *p, const pair_move *s, int stays) {
  packet *way = first_packet(p, s);
  unsigned to = 1 - s->side;
  if (way == NULL) return part(p, "message under way", s->side, (int64_t)s->raw, -1);
  if (s->kind == STEP_DELIVER) {
    must(puppet_feed(manager_of(p, to), p->chat_id, way->bytes, way->size, p->w->now) >= 0);
    drain(p, to);
  }
  if (stays) return 1;
  free(way->bytes);
  way->bytes = NULL;
  return 1;
}

static int take_say(pair *p, unsigned side, unsigned number) {
  char text[32];
  snprintf(text, sizeof text, "text %u", number);
  must(world_text(p->w, side, p->chat_id, text, NULL) == SCHAT_OK);
  drain(p, side);
  return 1;
}

/* Its time has come, and the number is drawn. */
static int take_rekey(pair *p, const pair_move *s) {
  schat_policy *policy = &manager_of(p, s->side)->env.policy;
  p->source[s->side].forced = s->raw;
  policy->rekey_messages = 0;
  tend(p, s->side);
  policy->rekey_messages = UINT32_MAX;
  return p->source[s->side].forced == 0 ? 1 : part(p, "exchange_id drawn", s->side, s->raw, 0);
}

static int take_crash(pair *p, unsigned side) {
  world_restart(p->w, side, 1);
  open_source(p, side);
  drain(p, side);
  return 1;
}

static int take_pass(pair *p, const model *before) {
  p->w->now += PATIENCE;
  for (unsigned side = 0; side < 2; side++) {
    must(schat_tick(manager_of(p, side), p->w->now) >= 0);
    tend(p, side);
  }
  for (unsigned side = 0; side < 2; side++) {
    if (p->m.e[side].made > before->e[side].made) return take_say(p, side, before->e[side].made);
  }
  return 1;
}

/* p->m is the model after the step, `before` that of before. */
static int take_step(pair *p, const pair_move *s, const model *before) {
  switch (s->kind) {
    case STEP_SEND:
      return take_send(p, s, 1);
    case STEP_UNANSWERED:
      return take_send(p, s, 0);
    case STEP_DELIVER:
      return take_packet(p, s, (before->copy[s->side][sealing(before, s->side, s->raw)] & bit(s->raw)) != 0);
    case STEP_LOSE:
      return take_packet(p, s, 0);
    case STEP_SAY:
      return take_say(p, s->side, before->e[s->side].made);
    case STEP_REKEY:
      return take_rekey(p, s);
    case STEP_CRASH:
      return take_crash(p, s->side);
    case STEP_PASS:
      return take_pass(p, before);
    default:
      return 1; /* a copy is no step of the library */
  }
}

/* The model ------------------------------------------------------------------------------------------------------------------------------- */

int pair_may(const pair *p, const pair_move *s) {
  const model *m = &p->m;
  switch (s->kind) {
    case STEP_SEND:
      return may_send(m, s->side, s->raw);
    case STEP_UNANSWERED:
      return may_go_unanswered(m, s->side, s->raw);
    case STEP_DELIVER:
      return may_deliver(m, s->side, s->raw);
    case STEP_LOSE:
      return may_lose(m, s->side, s->raw);
    case STEP_COPY:
      return may_copy(m, s->side, s->raw);
    case STEP_SAY:
      return may_say(m, s->side);
    case STEP_REKEY:
      return s->raw > 0 && may_rekey(m, s->side, s->raw);
    case STEP_CRASH:
      return may_crash(m, s->side);
    default:
      return may_pass(m);
  }
}

static void model_step(model *m, const pair_move *s) {
  switch (s->kind) {
    case STEP_SEND:
      model_send(m, s->side, s->raw);
      break;
    case STEP_UNANSWERED:
      model_send_unanswered(m, s->side, s->raw);
      break;
    case STEP_DELIVER:
      model_deliver(m, s->side, s->raw);
      break;
    case STEP_LOSE:
      model_lose(m, s->side, s->raw);
      break;
    case STEP_COPY:
      model_copy(m, s->side, s->raw);
      break;
    case STEP_SAY:
      model_say(m, s->side);
      break;
    case STEP_REKEY:
      model_rekey(m, s->side, s->raw);
      break;
    case STEP_CRASH:
      model_crash(m, s->side);
      break;
    default:
      model_pass(m);
  }
}

int pair_is_over(const pair *p) {
  return p->m.claim == CLAIM_BOUND;
}

/* Comparing --------------------------------------------------------------------------------------------------------------------------------- */

static int same(pair *p, const char *what, unsigned side, int64_t modelled, int64_t real) {
  return modelled == real || part(p, what, side, modelled, real);
}

static message_kind kind_of(const schat__out *out) {
  switch ((schat__action_type)out->action) {
    case SCHAT__ACTION_NONE:
      return TEXT;
    case SCHAT__ACTION_REQUEST_KEY:
      return REQUEST_KEY;
    case SCHAT__ACTION_ACCEPT_KEY:
      return ACCEPT_KEY;
    case SCHAT__ACTION_COMMIT_KEY:
      return COMMIT_KEY;
    case SCHAT__ACTION_NOOP:
      return NOOP;
    case SCHAT__ACTION_RESEND:
      return RESEND;
    default:
      return GONE;
  }
}

/* schat__chat */
static int same_numbers(pair *p, unsigned side) {
  const endpoint *e = &p->m.e[side];
  const schat__chat *c = &slot_of(p, side)->chat;
  int32_t out = p->base[side], in = p->base[1 - side];
  int32_t asked = c->asked_up_to + 1 - in;
  return same(p, "out_seq", side, e->out_seq, c->out_seq - out) && same(p, "in_seq", side, e->in_seq, c->in_seq - in) &&
         same(p, "peer_in_seq", side, e->peer_in_seq, c->peer_in_seq - out) &&
         same(p, "in_highest", side, e->seen_end, c->in_highest + 1 - in) &&
         same(p, "asked_up_to", side, e->asked_end, asked < e->in_seq ? e->in_seq : asked) &&
         same(p, "new_key_seen", side, e->new_key_seen, c->new_key_seen < 0 ? 0 : c->new_key_seen - in + 1) &&
         same(p, "last_exchange", side, e->last_exchange, c->last_exchange) && same(p, "key", side, p->key[e->key], c->key_fingerprint) &&
         same(p, "key_sealed", side, e->sealed, c->key_sealed > 0) && same(p, "messages shown", side, e->delivered, p->delivered[side]);
}

/* schat__secrets */
static int same_secrets(pair *p, unsigned side) {
  static const schat__secrets none;
  const endpoint *e = &p->m.e[side];
  const schat__slot *slot = slot_of(p, side);
  const schat__secrets *x = slot->secrets == NULL ? &none : slot->secrets;
  int64_t next = x->has & SCHAT__HAS_NEXT ? x->next_fingerprint : 0, previous = x->has & SCHAT__HAS_PREVIOUS ? x->previous_fingerprint : 0;
  if (e->next != 0 && p->key[e->next] == 0) p->key[e->next] = next; /* the first that is seen of it */
  return same(p, "state of the rekeying", side, e->state, x->state) && same(p, "exchange_id", side, e->exchange, x->exchange_id) &&
         same(p, "next key", side, e->next == 0 ? 0 : p->key[e->next], next) &&
         same(p, "previous key", side, e->previous == 0 ? 0 : p->key[e->previous], previous) &&
         same(p, "request that waits", side, e->peer_exchange, x->has & SCHAT__HAS_PEER ? x->peer_exchange_id : 0) &&
         (e->previous == 0 || (same(p, "SCHAT__FLAG_KEY_SHOWN", side, e->shown, (slot->chat.flags & SCHAT__FLAG_KEY_SHOWN) != 0) &&
                               same(p, "key_opened", side, e->opened, slot->chat.key_opened > 0)));
}

static int same_outbox(pair *p, unsigned side) {
  const endpoint *e = &p->m.e[side];
  for (unsigned raw = e->peer_in_seq; raw < e->out_seq; raw++) {
    const schat__item *item = schat__item_find(slot_of(p, side), SCHAT__OUTBOX, p->base[side] + (int32_t)raw);
    const schat__out *out;
    if (item == NULL) return part(p, "message kept", side, raw, -1);
    out = &item->u.out;
    if (!same(p, "kind of a message", side, e->out[raw].kind, kind_of(out)) ||
        !same(p, "in_seq_no of a message", side, e->out[raw].in, out->in_seq - p->base[1 - side]) ||
        !same(p, "SENT", side, raw < e->sent_end, out->state == SCHAT__SENT) ||
        !same(p, "again", side, (e->again & bit(raw)) != 0, out->again) ||
        !same(p, "key of a message", side, p->key[sealer(e, raw)], out->key_fingerprint)) {
      return 0;
    }
  }
  return 1;
}

static int same_waiting(pair *p, unsigned side) {
  const endpoint *e = &p->m.e[side];
  for (unsigned raw = 0; raw < NUMBERS; raw++) {
    const schat__item *item = schat__item_find(slot_of(p, side), SCHAT__WAITING, p->base[1 - side] + (int32_t)raw);
    if (!same(p, "message behind a gap", side, (e->waiting & bit(raw)) != 0, item != NULL)) return 0;
    if (item != NULL && !same(p, "Resend answered", side, (e->handled & bit(raw)) != 0, item->u.held.handled)) return 0;
  }
  return 1;
}

const char *pair_compare(pair *p) {
  for (unsigned side = 0; side < 2; side++) {
    if (slot_of(p, side)->chat.state != SCHAT_STATE_READY) {
      part(p, "state of the chat", side, SCHAT_STATE_READY, slot_of(p, side)->chat.state);
      return p->what;
    }
    if (!same_secrets(p, side) || !same_numbers(p, side) || !same_outbox(p, side) || !same_waiting(p, side)) return p->what;
  }
  return NULL;
}

/* All but what says when, and what only the claims look at. */
static int differ(endpoint a, endpoint b) {
  a.late = b.late = a.left = b.left = 0;
  a.heard = b.heard = a.made = b.made = 0;
  return memcmp(&a, &b, sizeof a) != 0;
}

int pair_has_changed(const pair *p) {
  return p->changed;
}

const char *pair_step(pair *p, const pair_move *s, int skip) {
  model before = p->m;
  model_step(&p->m, s);
  p->changed = differ(before.e[0], p->m.e[0]) || differ(before.e[1], p->m.e[1]);
  if (p->m.claim == CLAIM_BOUND) return NULL; /* the model can follow no further */
  if (!all_holds(&p->m)) return "a claim of the model is broken";
  if (!skip && !take_step(p, s, &before)) return p->what;
  answer_noops(p, 0);
  answer_noops(p, 1);
  return pair_compare(p);
}
