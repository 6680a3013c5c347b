/* SPDX-License-Identifier: BSL-1.0
 * record.c - state as flat bytes and back. Each record begins with the version of its format; what is read is checked like any input. */
#include <string.h>

#include "journal.h"

static int version_up_to(schat__reader *r, uint8_t newest, uint8_t *version) {
  *version = schat__read8(r);
  if (r->failed || *version == 0) return SCHAT_E_CORRUPT;
  return *version > newest ? SCHAT_E_VERSION : SCHAT_OK;
}

static int version_of(schat__reader *r) {
  uint8_t version;
  return version_up_to(r, SCHAT__RECORD_VERSION, &version);
}

static int finish(const schat__reader *r) { return schat__reader_done(r) ? SCHAT_OK : SCHAT_E_CORRUPT; }

static void w32(schat__writer *w, int32_t v) { schat__write32(w, (uint32_t)v); }
static void w64(schat__writer *w, int64_t v) { schat__write64(w, (uint64_t)v); }
static int32_t r32(schat__reader *r) { return schat__int32(schat__read32(r)); }
static int64_t r64(schat__reader *r) { return schat__int64(schat__read64(r)); }

void schat__record_aad(uint8_t aad[SCHAT__AAD_SIZE], uint32_t kind, int32_t chat_id, int64_t key) {
  schat__store32(aad, kind);
  schat__store32(aad + 4, (uint32_t)chat_id);
  schat__store64(aad + 8, (uint64_t)key);
}

/* CHAT ------------------------------------------------------------------------------------------------------------------------ */

#define CHAT_FIXED 227u /* all but what acked.c keeps */

static uint8_t *put32(uint8_t *p, int32_t v) { return schat__put32(p, (uint32_t)v); }
static uint8_t *put64(uint8_t *p, int64_t v) { return schat__put64(p, (uint64_t)v); }

/* Once for each message and more: in one piece. */
static void put_chat(uint8_t *p, const schat__chat *c) {
  int i;
  p = schat__put8(p, SCHAT__RECORD_VERSION);
  p = schat__put8(p, c->state);
  p = schat__put8(p, c->close_reason);
  p = schat__put8(p, c->gap_tries);
  p = schat__put8(p, c->abort_pauses);
  p = schat__put32(p, c->flags & ~SCHAT__FLAGS_VOLATILE);
  p = put32(p, c->folder_id);
  p = put32(p, c->date);
  p = put32(p, c->ttl);
  p = put32(p, c->peer_layer);
  p = put32(p, c->stated_layer);
  p = put32(p, c->notified_layer);
  p = put32(p, c->last_date);
  p = put32(p, c->read_inbox_date);
  p = put32(p, c->read_outbox_date);
  p = put32(p, c->unread_count);
  p = put64(p, c->user_id);
  p = put64(p, c->own_id);
  p = put64(p, c->access_hash);
  p = put64(p, c->config);
  p = put32(p, c->out_seq);
  p = put32(p, c->in_seq);
  p = put32(p, c->in_highest);
  p = put32(p, c->asked_up_to);
  p = put32(p, c->peer_in_seq);
  p = put32(p, c->flush_seq);
  p = schat__put32(p, c->key_sealed);
  p = schat__put32(p, c->key_opened);
  p = put32(p, c->new_key_seen);
  p = put64(p, c->last_exchange);
  p = put64(p, c->gap_at);
  p = put64(p, c->abort_at);
  p = put64(p, c->rekey_at);
  p = put64(p, c->discard_at);
  p = put64(p, c->accept_at);
  p = put64(p, c->close_at);
  p = put64(p, c->peer_heard);
  for (i = 0; i < 4; i++) p = put64(p, c->dh_seen[i]);
  p = put32(p, c->acked_base);
  p = put32(p, c->acked_last);
  p = put32(p, c->acked_end);
  p = schat__put8(p, c->acked_count);
  *p = c->acked_size;
}

void schat__chat_write(schat__writer *w, const schat__chat *c) {
  uint8_t *p = schat__write_room(w, CHAT_FIXED);
  if (p != NULL) put_chat(p, c);
  schat__write_raw(w, c->acked, c->acked_size);
}

int schat__chat_differs(const schat__chat *a, const schat__chat *b) {
  const size_t begin = offsetof(schat__chat, state), end = offsetof(schat__chat, key_fingerprint);
  if (((a->flags ^ b->flags) & ~SCHAT__FLAGS_VOLATILE) != 0) return 1;
  return memcmp((const uint8_t *)a + begin, (const uint8_t *)b + begin, end - begin) != 0;
}

static void read_numbers(schat__reader *r, schat__chat *c) {
  c->folder_id = r32(r);
  c->date = r32(r);
  c->ttl = r32(r);
  c->peer_layer = r32(r);
  c->stated_layer = r32(r);
  c->notified_layer = r32(r);
  c->last_date = r32(r);
  c->read_inbox_date = r32(r);
  c->read_outbox_date = r32(r);
  c->unread_count = r32(r);
  c->user_id = r64(r);
  c->own_id = r64(r);
  c->access_hash = r64(r);
  c->config = r64(r);
  c->out_seq = r32(r);
  c->in_seq = r32(r);
  c->in_highest = r32(r);
  c->asked_up_to = r32(r);
  c->peer_in_seq = r32(r);
  c->flush_seq = r32(r);
  c->key_sealed = schat__read32(r);
  c->key_opened = schat__read32(r);
  c->new_key_seen = r32(r);
}

static void read_clocks(schat__reader *r, schat__chat *c) {
  int i;
  c->last_exchange = r64(r);
  c->gap_at = r64(r);
  c->abort_at = r64(r);
  c->rekey_at = r64(r);
  c->discard_at = r64(r);
  c->accept_at = r64(r);
  c->close_at = r64(r);
  c->peer_heard = r64(r);
  for (i = 0; i < 4; i++) c->dh_seen[i] = r64(r);
}

/* Room for every pause that may be added to a clock. */
static int is_time(int64_t clock) { return clock >= 0 && clock <= 2 * SCHAT__NOW_MAX; }

static int is_raw(int32_t seq, int32_t least) { return seq >= least && seq <= SCHAT__SEQ_MAX; }

static int clocks_are_lawful(const schat__chat *c) {
  return is_time(c->gap_at) && is_time(c->abort_at) && is_time(c->rekey_at) && is_time(c->discard_at) && is_time(c->accept_at) &&
         is_time(c->close_at) && is_time(c->peer_heard);
}

static int chat_is_lawful(const schat__chat *c) {
  if (c->state == SCHAT_STATE_NONE || c->state > SCHAT_STATE_CLOSED) return 0;
  if (c->abort_pauses > 32 || c->gap_tries > 32 || !clocks_are_lawful(c)) return 0;
  if (c->out_seq < 0 || c->out_seq > SCHAT__SEQ_MAX + 1) return 0;
  if (!is_raw(c->in_seq, 0) || !is_raw(c->in_highest, -1) || !is_raw(c->asked_up_to, -1)) return 0;
  if (!is_raw(c->flush_seq, -1) || !is_raw(c->new_key_seen, -1) || !is_raw(c->unread_count, 0) || c->ttl < 0) return 0;
  return schat__layer_for(c->stated_layer) == c->stated_layer && schat__acked_holds(c);
}

int schat__chat_read(schat__reader *r, schat__chat *c) {
  int status = version_of(r);
  if (status != SCHAT_OK) return status;
  c->state = schat__read8(r);
  c->close_reason = schat__read8(r);
  c->gap_tries = schat__read8(r);
  c->abort_pauses = schat__read8(r);
  c->flags = schat__read32(r);
  read_numbers(r, c);
  read_clocks(r, c);
  c->acked_base = r32(r);
  c->acked_last = r32(r);
  c->acked_end = r32(r);
  c->acked_count = schat__read8(r);
  c->acked_size = schat__read8(r);
  if (r->failed || c->acked_size > SCHAT__ACKED_SIZE) return SCHAT_E_CORRUPT;
  schat__read_raw(r, c->acked, c->acked_size);
  status = finish(r);
  return status == SCHAT_OK && !chat_is_lawful(c) ? SCHAT_E_CORRUPT : status;
}

/* KEYS ------------------------------------------------------------------------------------------------------------------------ */

void schat__keys_write(schat__writer *w, const schat__slot *slot) {
  const schat__chat *c = &slot->chat;
  const schat__secrets *s = slot->secrets;
  schat__write8(w, SCHAT__RECORD_VERSION);
  w64(w, c->key_since);
  w64(w, c->key_fingerprint);
  schat__write_raw(w, c->key, sizeof c->key);
  schat__write_raw(w, c->key_hash, sizeof c->key_hash);
  schat__write8(w, s != NULL);
  if (s == NULL) return;
  schat__write8(w, s->state);
  schat__write8(w, s->has);
  w64(w, s->exchange_id);
  w64(w, s->since);
  w64(w, s->peer_exchange_id);
  w64(w, s->next_fingerprint);
  w64(w, s->previous_fingerprint);
  schat__write_raw(w, s->exponent, sizeof s->exponent);
  schat__write_raw(w, s->own, sizeof s->own);
  schat__write_raw(w, s->peer, sizeof s->peer);
  schat__write_raw(w, s->next, sizeof s->next);
  schat__write_raw(w, s->previous, sizeof s->previous);
}

static int read_secrets(schat__env *env, schat__reader *r, schat__slot *slot) {
  schat__secrets *s = schat__alloc(env->mem, sizeof *s);
  if (s == NULL) return SCHAT_E_NOMEM;
  slot->secrets = s;
  s->state = schat__read8(r);
  s->has = schat__read8(r);
  s->exchange_id = r64(r);
  s->since = r64(r);
  s->peer_exchange_id = r64(r);
  s->next_fingerprint = r64(r);
  s->previous_fingerprint = r64(r);
  schat__read_raw(r, s->exponent, sizeof s->exponent);
  schat__read_raw(r, s->own, sizeof s->own);
  schat__read_raw(r, s->peer, sizeof s->peer);
  schat__read_raw(r, s->next, sizeof s->next);
  schat__read_raw(r, s->previous, sizeof s->previous);
  return r->failed || s->state > SCHAT__REKEY_ACCEPTED || !is_time(s->since) ? SCHAT_E_CORRUPT : SCHAT_OK;
}

int schat__keys_read(schat__env *env, schat__reader *r, schat__slot *slot) {
  schat__chat *c = &slot->chat;
  int status = version_of(r);
  if (status != SCHAT_OK) return status;
  c->key_since = r64(r);
  c->key_fingerprint = r64(r);
  schat__read_raw(r, c->key, sizeof c->key);
  schat__read_raw(r, c->key_hash, sizeof c->key_hash);
  if (!is_time(c->key_since)) return SCHAT_E_CORRUPT;
  if (schat__read8(r) != 0 && slot->secrets == NULL) status = read_secrets(env, r, slot);
  return status == SCHAT_OK ? finish(r) : status;
}

/* Items ----------------------------------------------------------------------------------------------------------------------- */

#define EARLY_KEY (INT64_C(1) << 32) /* above every raw number */

uint32_t schat__item_record(const schat__item *item, int64_t *key) {
  *key = item->kind == SCHAT__EARLY ? item->key + EARLY_KEY : item->key;
  switch ((schat__item_kind)item->kind) {
    case SCHAT__OUTBOX:
      return SCHAT_RECORD_OUTBOX;
    case SCHAT__TIMER:
      return SCHAT_RECORD_TIMER;
    case SCHAT__WAITING:
    case SCHAT__EARLY:
    case SCHAT__ITEM_KINDS:
      break;
  }
  return SCHAT_RECORD_GAP;
}

static void write_out(schat__writer *w, const schat__out *o) {
  w64(w, o->random_id);
  w64(w, o->key_fingerprint);
  w64(w, o->confirmed);
  w64(w, o->retry_at);
  w32(w, o->in_seq);
  schat__write8(w, o->state);
  schat__write8(w, o->method);
  schat__write8(w, o->content);
  schat__write8(w, o->report);
  schat__write8(w, o->silent);
  schat__write8(w, o->action);
  schat__write8(w, o->again);
  schat__write8(w, o->resent);
  schat__write8(w, o->unasked);
  schat__write8(w, o->erased);
  w32(w, o->file.type);
  w32(w, o->file.parts);
  w64(w, o->file.id);
  w64(w, o->file.access_hash);
  w32(w, o->file.key_fingerprint);
  schat__write_raw(w, o->file.md5_checksum, sizeof o->file.md5_checksum);
}

static void read_out(schat__reader *r, schat__out *o) {
  o->random_id = r64(r);
  o->key_fingerprint = r64(r);
  o->confirmed = r64(r);
  o->retry_at = r64(r);
  o->in_seq = r32(r);
  o->state = schat__read8(r);
  o->method = schat__read8(r);
  o->content = schat__read8(r);
  o->report = schat__read8(r);
  o->silent = schat__read8(r);
  o->action = schat__read8(r);
  o->again = schat__read8(r);
  o->resent = schat__read8(r);
  o->unasked = schat__read8(r);
  o->erased = schat__read8(r);
  o->file.type = r32(r);
  o->file.parts = r32(r);
  o->file.id = r64(r);
  o->file.access_hash = r64(r);
  o->file.key_fingerprint = r32(r);
  schat__read_raw(r, o->file.md5_checksum, sizeof o->file.md5_checksum);
  o->file.md5_checksum[sizeof o->file.md5_checksum - 1] = '\0';
}

static void write_held(schat__writer *w, const schat__held *h) {
  w64(w, h->file.id);
  w64(w, h->file.access_hash);
  w64(w, h->file.size);
  w32(w, h->file.dc_id);
  w32(w, h->file.key_fingerprint);
  w32(w, h->in_seq);
  w32(w, h->date);
  schat__write8(w, h->handled);
  schat__write8(w, h->service);
}

static void read_held(schat__reader *r, schat__held *h) {
  h->file.id = r64(r);
  h->file.access_hash = r64(r);
  h->file.size = r64(r);
  h->file.dc_id = r32(r);
  h->file.key_fingerprint = r32(r);
  h->in_seq = r32(r);
  h->date = r32(r);
  h->handled = schat__read8(r);
  h->service = schat__read8(r);
}

static void write_timer(schat__writer *w, const schat__timer *t) {
  w64(w, t->deadline);
  w32(w, t->ttl);
  w32(w, t->date);
  w32(w, t->out_seq);
  schat__write8(w, t->outgoing);
  schat__write8(w, t->on_open);
  schat__write8(w, t->state);
}

static void read_timer(schat__reader *r, schat__timer *t) {
  t->deadline = r64(r);
  t->ttl = r32(r);
  t->date = r32(r);
  t->out_seq = r32(r);
  t->outgoing = schat__read8(r);
  t->on_open = schat__read8(r);
  t->state = schat__read8(r);
}

void schat__item_head_write(schat__writer *w, const schat__item *item) {
  schat__write8(w, SCHAT__RECORD_VERSION);
  switch ((schat__item_kind)item->kind) {
    case SCHAT__OUTBOX:
      write_out(w, &item->u.out);
      break;
    case SCHAT__TIMER:
      write_timer(w, &item->u.timer);
      break;
    case SCHAT__WAITING:
    case SCHAT__EARLY:
    case SCHAT__ITEM_KINDS:
      write_held(w, &item->u.held);
      break;
  }
}

void schat__item_write(schat__writer *w, const schat__item *item) {
  schat__item_head_write(w, item);
  schat__write_blob(w, item->data, item->size);
}

static int item_is_lawful(const schat__item *item) {
  if (item->kind == SCHAT__TIMER) return item->u.timer.state <= SCHAT__OPEN && item->u.timer.ttl > 0 && is_time(item->u.timer.deadline);
  if (item->size == 0) return item->kind == SCHAT__WAITING;
  if (item->kind != SCHAT__OUTBOX) return 1;
  if (item->u.out.random_id == 0 || !is_raw(item->u.out.in_seq, 0) || !is_time(item->u.out.confirmed) || !is_time(item->u.out.retry_at)) return 0;
  return item->u.out.state <= SCHAT__SENT && item->size % 16 == 0 && item->u.out.method >= SCHAT_REQUEST_SEND_ENCRYPTED &&
         item->u.out.method <= SCHAT_REQUEST_SEND_SERVICE && item->u.out.unasked <= 32;
}

int schat__item_read(schat__env *env, schat__reader *r, uint32_t record, int64_t key, schat__item **item) {
  schat__item read, *made;
  const uint8_t *data;
  size_t size = 0;
  int status = version_of(r);
  if (status != SCHAT_OK) return status;
  memset(&read, 0, sizeof read);
  if (record == SCHAT_RECORD_OUTBOX) {
    read.kind = SCHAT__OUTBOX;
    read_out(r, &read.u.out);
  } else if (record == SCHAT_RECORD_TIMER) {
    read.kind = SCHAT__TIMER;
    read_timer(r, &read.u.timer);
  } else {
    read.kind = key >= EARLY_KEY ? SCHAT__EARLY : SCHAT__WAITING;
    if (read.kind == SCHAT__EARLY) key -= EARLY_KEY;
    read_held(r, &read.u.held);
  }
  data = schat__read_blob(r, &size);
  status = finish(r);
  if (status != SCHAT_OK) return status;
  read.size = (uint32_t)size;
  if (!item_is_lawful(&read)) return SCHAT_E_CORRUPT;
  made = schat__item_alloc(env, (schat__item_kind)read.kind, key, size);
  if (made == NULL) return SCHAT_E_NOMEM;
  if (size > 0) memcpy(made->data, data, size);
  made->u = read.u;
  *item = made;
  return SCHAT_OK;
}

/* EVENT ----------------------------------------------------------------------------------------------------------------------- */

void schat__event_write(schat__writer *w, const uint8_t *data, size_t size) {
  schat__write8(w, SCHAT__RECORD_VERSION);
  schat__write_raw(w, data, size);
}

int schat__event_read(const uint8_t *record, size_t record_size, const uint8_t **data, size_t *size) {
  schat__reader r = {record, record_size, 0, 0};
  int status = version_of(&r);
  *size = record_size - r.at;
  *data = schat__read_span(&r, *size);
  return status;
}

/* ACCOUNT, DHCONFIG ----------------------------------------------------------------------------------------------------------- */

void schat__account_write(schat__writer *w, const schat__account *a) {
  schat__write8(w, SCHAT__RECORD_VERSION);
  w32(w, a->qts);
  w32(w, a->date);
  schat__write64(w, a->generation);
  schat__write64(w, a->next_event);
  w64(w, a->clock);
  w64(w, a->wall);
  w64(w, a->current_config);
}

int schat__account_read(schat__reader *r, schat__account *a) {
  int status = version_of(r);
  if (status != SCHAT_OK) return status;
  a->qts = r32(r);
  a->date = r32(r);
  a->generation = schat__read64(r);
  a->next_event = schat__read64(r);
  a->clock = r64(r);
  a->wall = r64(r);
  a->current_config = r64(r);
  if (a->clock <= 0 || a->clock > SCHAT__NOW_MAX || a->wall <= 0 || a->wall > SCHAT__NOW_MAX) return SCHAT_E_CORRUPT;
  return finish(r);
}

/* Version 1 tells nothing of the test its prime has passed. */
void schat__config_write(schat__writer *w, const schat__config *c) {
  schat__write8(w, c->rules == 0 ? SCHAT__RECORD_VERSION : SCHAT__CONFIG_VERSION);
  w32(w, c->version);
  w32(w, c->g);
  schat__write_raw(w, c->p, sizeof c->p);
  if (c->rules != 0) schat__write32(w, c->rules);
}

/* What can be seen without the long test (R-DH-02); the library writes no other. */
static int group_is_lawful(const schat__config *c) {
  return c->g >= 2 && c->g <= 7 && (c->p[0] & 0x80u) != 0 && (c->p[SCHAT__DH_SIZE - 1] & 1u) != 0;
}

int schat__config_read(schat__reader *r, schat__config *c) {
  uint8_t version;
  int status = version_up_to(r, SCHAT__CONFIG_VERSION, &version);
  if (status != SCHAT_OK) return status;
  c->version = r32(r);
  c->g = r32(r);
  schat__read_raw(r, c->p, sizeof c->p);
  c->rules = 0;
  if (!group_is_lawful(c)) return SCHAT_E_CORRUPT;
  if (version < SCHAT__CONFIG_VERSION) return finish(r);
  c->rules = schat__read32(r);
  return c->rules == 0 ? SCHAT_E_CORRUPT : finish(r);
}
