/* SPDX-License-Identifier: BSL-1.0
 * foreign_out.c - what a foreign client sends: numbers, layer, sealing, one send at a time, and what a Resend gets. */
#include <stdlib.h>
#include <string.h>

#include "foreign_inner.h"

#define ANSWER_MS 15000
#define TDLIB_SPAN 1000 /* S10 */

/* Numbers and layer ----------------------------------------------------------------------------------------------------------- */

static int32_t wire_out(const foreign_chat *c, int32_t raw) {
  return 2 * raw + (c->originator ? 1 : 0);
}

static int32_t wire_in(const foreign *f, const foreign_chat *c) {
  int32_t x = c->originator ? 0 : 1, counted = 2 * c->in_seq + x;
  if (f->traits->in_seq_lags) { /* S2: the last number received, but for the first message of an acceptor */
    if (c->in_seq == 0) return x;
    return c->last_wire_out > 0 ? c->last_wire_out : c->last_wire_out + 2;
  }
  if (f->traits->negative_in_seq && c->in_seq == 0) return counted - 2; /* S6 */
  return counted;
}

static int32_t ios_layer(int32_t peer) {
  return peer == 46 || peer == 73 || peer == 101 ? peer : 144;
} /* L12 */

static void choose_layer(const foreign *f, foreign_chat *c) {
  int32_t layer = c->peer_layer < f->traits->layer ? c->peer_layer : f->traits->layer;
  if (!c->saw_peer_layer) return;
  if (f->traits->strict_layers) layer = ios_layer(c->peer_layer);
  if (layer > c->layer) c->layer = layer; /* L5 */
}

/* Sealing --------------------------------------------------------------------------------------------------------------------- */

static size_t padded_size(foreign *f, size_t size) {
  if (f->traits->pad == PAD_BUCKETS) return schat__padded_size(size, 0, 1);
  return schat__padded_size(size, f->traits->pad == PAD_BLOCKS ? 2 + (unsigned)(foreign_draw(f) % 2) : 0, 0);
}

static uint8_t *seal_v1(foreign *f, const key_slot *k, schat_bytes object, size_t *size) {
  size_t padded = (4 + object.size + 15) / 16 * 16;
  uint8_t *out = calloc(1, SCHAT__ENVELOPE_HEAD + padded), aes_key[32], aes_iv[32];
  foreign_must(out != NULL);
  schat__store32(out + 24, (uint32_t)object.size);
  memcpy(out + 28, object.data, object.size);
  schat__store64(out, (uint64_t)k->fingerprint);
  foreign_must(schat__msg_key1(f->crypto, out + 8, out + 24, 4 + object.size) == SCHAT_OK);
  foreign_must(schat__kdf1(f->crypto, aes_key, aes_iv, k->key, out + 8, 0) == SCHAT_OK);
  foreign_must(schat__ige_encrypt(f->crypto, aes_key, aes_iv, out + 24, out + 24, padded) == SCHAT_OK);
  *size = SCHAT__ENVELOPE_HEAD + padded;
  return out;
}

static uint8_t *seal_v2(foreign *f, const foreign_chat *c, schat_bytes object, size_t *size) {
  const key_slot *k = &c->keys[c->current];
  size_t padded = padded_size(f, object.size);
  uint8_t *out = calloc(1, SCHAT__ENVELOPE_HEAD + padded);
  foreign_must(out != NULL);
  memcpy(out + 28, object.data, object.size);
  foreign_must(schat__pad(f->crypto, out + 24, object.size, padded) == SCHAT_OK);
  foreign_must(schat__envelope_seal(f->crypto, k->key, k->fingerprint, c->originator, out + 24, padded, out) == SCHAT_OK);
  *size = SCHAT__ENVELOPE_HEAD + padded;
  return out;
}

static uint8_t *wrapped(foreign *f, const foreign_chat *c, const out_message *m, int32_t raw, schat_bytes message, size_t *size) {
  uint8_t noise[32], *object;
  schat__wrapper w;
  size_t at;
  foreign_must(schat__random(f->crypto, noise, sizeof noise) == SCHAT_OK);
  memset(&w, 0, sizeof w);
  w.random_bytes.data = noise;
  w.random_bytes.size = f->traits->random_bytes;
  w.layer = m->layer;
  w.in_seq_no = m->wire_in;
  w.out_seq_no = wire_out(c, raw);
  *size = schat__wrapper_encode(&w, message.size, NULL, &at);
  object = malloc(*size);
  foreign_must(object != NULL);
  schat__wrapper_encode(&w, message.size, object, &at);
  memcpy(object + at, message.data, message.size);
  return object;
}

/* A message as it goes out now, with the numbers and the layer it stands with. */
static uint8_t *seal(foreign *f, foreign_chat *c, const out_message *m, int32_t raw, int note, size_t *size) {
  schat_bytes message = {m->object, m->object_size}, object;
  uint8_t *plain = wrapped(f, c, m, raw, message, &object.size), *out;
  object.data = plain;
  if (note && c->strict != NULL) {
    strict_message told = {2, 12, object, m->random_id, f->now};
    strict_peer(c->strict, &told);
  }
  out = m->mtproto == 1 ? seal_v1(f, &c->keys[c->current], object, size) : seal_v2(f, c, object, size);
  free(plain);
  return out;
}

/* The queue ------------------------------------------------------------------------------------------------------------------- */

static void queue(foreign_chat *c, int32_t raw, int64_t random_id, uint8_t *bytes, size_t size) {
  send_item *s;
  c->sends = foreign_grown(c->sends, c->send_count, sizeof *c->sends);
  s = &c->sends[c->send_count++];
  s->raw = raw;
  s->random_id = random_id;
  s->bytes = bytes;
  s->size = size;
}

static int is_queued(const foreign_chat *c, int32_t raw) {
  size_t i;
  for (i = 0; i < c->send_count; i++) {
    if (c->sends[i].raw == raw) return 1;
  }
  return 0;
}

static void drop_first(foreign_chat *c) {
  free(c->sends[0].bytes);
  c->send_count--;
  memmove(c->sends, c->sends + 1, c->send_count * sizeof *c->sends);
}

void foreign_forget_out(foreign_chat *c) {
  while (c->send_count != 0) drop_first(c);
}

static void answered(foreign *f, foreign_chat *c, int32_t raw) {
  out_message *m = &c->out[raw];
  foreign_event *e;
  if (m->answered) return;
  m->answered = 1;
  if (!m->text) return;
  e = foreign_log(f, c, FOREIGN_SENT, "");
  e->random_id = m->random_id;
  e->out = raw;
}

void foreign_pump(foreign *f, foreign_chat *c) {
  const send_item *s;
  schat_request q;
  while (c->send_count != 0 && c->send_token == 0 && c->sends[0].bytes == NULL && c->out[c->sends[0].raw].gone) {
    answered(f, c, c->sends[0].raw); /* acknowledged meanwhile */
    drop_first(c);
  }
  if (c->state != CHAT_READY || c->send_token != 0 || c->send_count == 0 || f->now < c->send_at) return;
  s = &c->sends[0];
  SCHAT_INIT(q);
  q.type = c->out[s->raw].service ? SCHAT_REQUEST_SEND_SERVICE : SCHAT_REQUEST_SEND_ENCRYPTED;
  q.chat_id = c->chat_id;
  q.access_hash = c->access_hash;
  q.random_id = s->random_id;
  q.data.data = s->bytes != NULL ? s->bytes : c->out[s->raw].sealed;
  q.data.size = s->bytes != NULL ? s->size : c->out[s->raw].sealed_size;
  c->send_at = f->now + ANSWER_MS;
  c->send_token = foreign_ask_relay(f, &q);
}

void foreign_send_answer(foreign *f, foreign_chat *c, const relay_item *item) {
  c->send_token = 0;
  c->send_at = f->now;
  if (item->kind == RELAY_ERROR && item->code == 400 && strcmp(item->text, "RANDOM_ID_DUPLICATE") != 0) {
    foreign_end(f, c, item->text, 0);
    return;
  }
  if (item->kind == RELAY_ERROR && item->code != 400) {
    c->send_at = f->now + 1000 + (item->code == 420 ? 3000 : 0);
    return;
  }
  if (c->send_count == 0) return;
  answered(f, c, c->sends[0].raw);
  drop_first(c);
  foreign_pump(f, c);
}

/* Making ---------------------------------------------------------------------------------------------------------------------- */

void foreign_send_object(foreign *f, foreign_chat *c, schat_bytes object, int64_t random_id, int service, int text) {
  out_message *m;
  int32_t raw = c->out_count;
  choose_layer(f, c);
  c->out = foreign_grown(c->out, (size_t)c->out_count, sizeof *c->out);
  m = &c->out[c->out_count++];
  memset(m, 0, sizeof *m);
  m->random_id = random_id;
  m->service = service;
  m->text = text;
  m->layer = c->layer;
  m->mtproto = f->traits->begins_with_v1 && !(c->saw_peer_layer && c->peer_layer >= 73) ? 1 : 2; /* R7 */
  m->wire_in = wire_in(f, c);
  m->object = foreign_copy(object.data, object.size);
  m->object_size = object.size;
  m->sealed = seal(f, c, m, raw, 1, &m->sealed_size);
  c->used_out++;
  queue(c, raw, random_id, NULL, 0);
  foreign_pump(f, c);
}

static schat_bytes encoded_action(foreign *f, const schat__action *action) {
  size_t capacity = 2048 + 8 * action->random_id_count;
  uint8_t *out = schat__arena_take(&f->arena, capacity);
  schat_bytes object = {out, 0};
  foreign_must(out != NULL && schat__action_encode(&f->arena, action, out, capacity, &object.size) == SCHAT_OK);
  return object;
}

void foreign_send_action(foreign *f, foreign_chat *c, schat__action *action) {
  action->random_id = foreign_draw_id(f);
  foreign_send_object(f, c, encoded_action(f, action), action->random_id, 1, 0);
}

/* Acknowledgements and Resend --------------------------------------------------------------------------------------------------- */

static void forget(out_message *m) {
  m->gone = 1;
  free(m->object);
  free(m->sealed);
  m->object = m->sealed = NULL;
}

void foreign_acknowledged(foreign *f, foreign_chat *c, int32_t count) {
  if (count > c->out_count) count = c->out_count;
  for (; c->acked < count; c->acked++) {
    if (f->traits->forgets_acked) forget(&c->out[c->acked]);
  }
}

/* S16: Android makes up what it has no row of. */
static void filler(foreign *f, foreign_chat *c, int32_t raw) {
  int64_t nobody = foreign_draw_id(f);
  schat__action action;
  out_message m;
  size_t size;
  uint8_t *bytes;
  schat_bytes object;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_DELETE;
  action.random_ids = &nobody;
  action.random_id_count = 1;
  action.random_id = foreign_draw_id(f);
  object = encoded_action(f, &action);
  memset(&m, 0, sizeof m);
  m.layer = c->layer;
  m.mtproto = 2;
  m.wire_in = wire_out(c, raw) + 1;
  m.object = foreign_copy(object.data, object.size);
  m.object_size = object.size;
  bytes = seal(f, c, &m, raw, 0, &size);
  free(m.object);
  queue(c, raw, action.random_id, bytes, size);
}

/* S13: under the key in use, S3: with its own number or today's, R12: perhaps with another id. */
static void rebuild(foreign *f, foreign_chat *c, int32_t raw) {
  out_message m = c->out[raw];
  size_t size;
  uint8_t *bytes;
  m.layer = c->layer;
  m.mtproto = 2;
  if (f->traits->in_seq_recomputed) m.wire_in = wire_in(f, c);
  if (f->traits->new_service_ids && m.service) m.random_id = foreign_draw_id(f);
  bytes = seal(f, c, &m, raw, 0, &size);
  queue(c, raw, m.random_id, bytes, size);
}

static int resend_one(foreign *f, foreign_chat *c, int32_t raw) {
  const out_message *m = raw < c->out_count ? &c->out[raw] : NULL;
  if (f->traits->strict && (m == NULL || m->gone)) {
    foreign_close(f, c, m == NULL ? "Resend of an unsent message" : "Resend of an acknowledged message");
    return 0;
  }
  if (m == NULL || is_queued(c, raw)) return 1;
  if (m->object == NULL) {
    if (f->fillers) filler(f, c, raw);
    return 1;
  }
  if (f->traits->resend == RESEND_BYTES) {
    queue(c, raw, m->random_id, NULL, 0);
  } else {
    rebuild(f, c, raw);
  }
  return 1;
}

int foreign_resend(foreign *f, foreign_chat *c, int32_t wire_start, int32_t wire_end) {
  int32_t first = wire_start / 2, last = wire_end / 2, raw;
  if (wire_start < 0 || last - first > TDLIB_SPAN || first > last) {
    if (f->traits->strict) foreign_close(f, c, "Resend range");
    return c->state != CHAT_CLOSED;
  }
  for (raw = first; raw <= last; raw++) {
    if (!resend_one(f, c, raw)) return 0;
  }
  foreign_pump(f, c);
  return 1;
}

/* Orders -------------------------------------------------------------------------------------------------------------------- */

static foreign_chat *open_chat(foreign *f, int32_t chat_id, int64_t now) {
  foreign_chat *c = foreign_find(f, chat_id);
  if (now > f->now) f->now = now;
  schat__arena_reset(&f->arena);
  return c != NULL && c->state == CHAT_READY ? c : NULL;
}

/* The text as the clients of layer 46 write it. */
static schat_bytes old_text(foreign *f, int64_t random_id, const char *text, int32_t ttl) {
  schat__tl_object *o = schat__tl_new(&f->arena, SCHAT__TL_decryptedMessage46);
  schat_bytes object = {NULL, 0};
  uint8_t *out;
  foreign_must(o != NULL);
  schat__tl_get(o, SCHAT__WORD_random_id)->l = random_id;
  schat__tl_get(o, SCHAT__WORD_ttl)->i = ttl;
  schat__tl_get(o, SCHAT__WORD_message)->s.data = (const uint8_t *)text;
  schat__tl_get(o, SCHAT__WORD_message)->s.size = strlen(text);
  schat__tl_encode(o, NULL, 0, &object.size);
  out = schat__arena_take(&f->arena, object.size);
  foreign_must(out != NULL && schat__tl_encode(o, out, object.size, &object.size) == SCHAT_OK);
  object.data = out;
  return object;
}

static schat_bytes new_text(foreign *f, int64_t random_id, const char *text, int32_t ttl, int32_t layer) {
  schat_message message;
  schat_bytes object = {NULL, 0};
  uint8_t *out;
  schat_message_init(&message);
  message.random_id = random_id;
  message.ttl = ttl;
  message.text.data = (const uint8_t *)text;
  message.text.size = strlen(text);
  foreign_must(schat__message_encode(&f->arena, &message, layer, NULL, 0, &object.size) == SCHAT_OK);
  out = schat__arena_take(&f->arena, object.size);
  foreign_must(out != NULL);
  foreign_must(schat__message_encode(&f->arena, &message, layer, out, object.size, &object.size) == SCHAT_OK);
  object.data = out;
  return object;
}

int foreign_text(foreign *f, int32_t chat_id, const char *text, int32_t ttl, int64_t now, int64_t *random_id) {
  foreign_chat *c = open_chat(f, chat_id, now);
  int64_t id;
  if (c == NULL) return -1;
  id = foreign_draw_id(f);
  choose_layer(f, c);
  foreign_send_object(f, c, c->layer < 73 ? old_text(f, id, text, ttl) : new_text(f, id, text, ttl, schat__layer_for(c->layer)), id, 0, 1);
  if (random_id != NULL) *random_id = id;
  foreign_rekey_tend(f, c);
  return 0;
}

static int send_ids(foreign *f, int32_t chat_id, schat__action_type type, int64_t random_id, int64_t now) {
  foreign_chat *c = open_chat(f, chat_id, now);
  schat__action action;
  if (c == NULL) return -1;
  memset(&action, 0, sizeof action);
  action.type = type;
  action.random_ids = &random_id;
  action.random_id_count = random_id != 0;
  foreign_send_action(f, c, &action);
  return 0;
}

/* S15: what stands under its number is DeleteMessages of itself. */
static void replace_deleted(foreign *f, foreign_chat *c, int64_t random_id) {
  int32_t raw;
  out_message *m;
  schat__action action;
  schat_bytes object;
  for (raw = 0; raw < c->out_count && (c->out[raw].random_id != random_id || !c->out[raw].text); raw++) continue;
  if (raw == c->out_count || c->out[raw].gone) return;
  m = &c->out[raw];
  if (f->fillers && m->answered) { /* M7 */
    forget(m);
    return;
  }
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_DELETE;
  action.random_id = random_id;
  action.random_ids = &random_id;
  action.random_id_count = 1;
  object = encoded_action(f, &action);
  free(m->object);
  free(m->sealed);
  m->object = foreign_copy(object.data, object.size);
  m->object_size = object.size;
  m->sealed = seal(f, c, m, raw, 0, &m->sealed_size);
}

int foreign_delete(foreign *f, int32_t chat_id, int64_t random_id, int64_t now) {
  foreign_chat *c = open_chat(f, chat_id, now);
  if (c == NULL) return -1;
  replace_deleted(f, c, random_id);
  return send_ids(f, chat_id, SCHAT__ACTION_DELETE, random_id, now);
}

int foreign_open_message(foreign *f, int32_t chat_id, int64_t random_id, int64_t now) {
  return send_ids(f, chat_id, SCHAT__ACTION_READ, random_id, now);
}

int foreign_flush(foreign *f, int32_t chat_id, int64_t now) {
  return send_ids(f, chat_id, SCHAT__ACTION_FLUSH, 0, now);
}

int foreign_set_ttl(foreign *f, int32_t chat_id, int32_t ttl, int64_t now) {
  foreign_chat *c = open_chat(f, chat_id, now);
  schat__action action;
  if (c == NULL) return -1;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_SET_TTL;
  action.ttl = ttl;
  foreign_send_action(f, c, &action);
  return 0;
}

int foreign_read(foreign *f, int32_t chat_id, int32_t max_date, int64_t now) {
  const foreign_chat *c = open_chat(f, chat_id, now);
  schat_request q;
  if (c == NULL) return -1;
  SCHAT_INIT(q);
  q.type = SCHAT_REQUEST_READ_HISTORY;
  q.chat_id = chat_id;
  q.access_hash = c->access_hash;
  q.max_date = max_date;
  foreign_ask_relay(f, &q);
  return 0;
}
