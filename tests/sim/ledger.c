/* SPDX-License-Identifier: BSL-1.0
 * ledger.c - what every device has made, by chat and number: noted when a batch is made, true once it is durable. I1 is kept here, and with it
 * that nothing is sent before it is stored. */
#include <stdlib.h>
#include <string.h>

#include "note.h"

/* Messages --------------------------------------------------------------------------------------------------------------------- */

static size_t bucket_of(int64_t random_id) { return (size_t)((uint64_t)random_id * UINT64_C(0x9e3779b97f4a7c15) >> 40) % (2 * SIM_MESSAGES); }

sim_message *sim_message_find(sim *s, int64_t random_id) {
  size_t at = bucket_of(random_id);
  while (s->index[at] != 0) {
    sim_message *m = &s->messages[s->index[at] - 1];
    if (m->random_id == random_id) return m;
    at = (at + 1) % (2 * SIM_MESSAGES);
  }
  return NULL;
}

sim_message *sim_message_new(sim *s, sim_device *from, int32_t chat_id, int64_t random_id) {
  sim_message *m;
  size_t at = bucket_of(random_id);
  if (s->message_count == SIM_MESSAGES) return NULL;
  m = &s->messages[s->message_count++];
  memset(m, 0, sizeof *m);
  m->random_id = m->text_id = random_id;
  m->chat_id = chat_id;
  m->from = from->index;
  m->born = s->now;
  m->raw = -1;
  while (s->index[at] != 0) at = (at + 1) % (2 * SIM_MESSAGES);
  s->index[at] = (uint16_t)s->message_count;
  return m;
}

/* What a message says: its name, in a form that is found wherever it lies. */
void sim_text_of(int64_t random_id, char text[SIM_TEXT_SIZE + 1]) {
  static const char digits[] = "0123456789abcdef";
  uint64_t v = (uint64_t)random_id * UINT64_C(0x9e3779b97f4a7c15);
  memcpy(text, "canary: ", 8);
  for (int i = 0; i < 16; i++) text[8 + i] = digits[v >> (4 * i) & 15u];
  text[SIM_TEXT_SIZE] = 0;
}

/* Views ------------------------------------------------------------------------------------------------------------------------ */

sim_view *sim_view_of(sim_device *d, int32_t chat_id, int make) {
  sim_view *v;
  for (size_t i = 0; i < d->view_count; i++) {
    if (d->views[i].chat_id == chat_id) return &d->views[i];
  }
  if (!make || d->view_count == SIM_VIEWS) return NULL;
  v = &d->views[d->view_count++];
  v->chat_id = chat_id;
  v->last_delivered = -1;
  return v;
}

sim_device *sim_partner(sim_device *d, const sim_view *v, sim_view **view) {
  static const uint8_t none[SCHAT_KEY_HASH_SIZE];
  sim *s = d->sim;
  if (memcmp(v->key_hash, none, sizeof none) == 0) return NULL;
  for (int i = 0; i < s->device_count; i++) {
    sim_device *other = &s->devices[i];
    sim_view *w = other == d ? NULL : sim_view_of(other, v->chat_id, 0);
    if (w == NULL || w->originator == v->originator || memcmp(w->key_hash, v->key_hash, sizeof none) != 0) continue;
    if (view != NULL) *view = w;
    return other;
  }
  return NULL;
}

/* A batch is noted -------------------------------------------------------------------------------------------------------------- */

static void *room(void *items, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return items;
  *capacity = *capacity * 2 + 8;
  items = realloc(items, *capacity * size);
  if (items == NULL) abort();
  return items;
}

static sim_batch_note *spare_notes;
static sim_batch_note *all_notes; /* those of a schedule that ended in the middle are lost, and found here */

static sim_batch_note *new_note(void) {
  sim_batch_note *n = spare_notes;
  if (n == NULL) {
    n = calloc(1, sizeof *n);
    if (n == NULL) abort();
    n->all = all_notes;
    all_notes = n;
    return n;
  }
  spare_notes = n->next;
  n->made_count = n->state_count = n->logged_count = n->gone_count = 0;
  return n;
}

void sim_note_free(sim_batch_note *n) {
  n->next = spare_notes;
  spare_notes = n;
}

static void add_key(note_state *state, int64_t name, const uint8_t *bytes) {
  sim_key *k = &state->keys[state->key_count++];
  k->name = name;
  k->dead = 0;
  memcpy(k->window[0], bytes, 16);
  memcpy(k->window[1], bytes + 200, 16);
}

static void note_keys(note_state *state, const schat__slot *slot) {
  const schat__secrets *x = slot->secrets;
  if (slot->chat.key_since != 0) add_key(state, slot->chat.key_fingerprint, slot->chat.key);
  if (x == NULL) return;
  if (x->has & SCHAT__HAS_PREVIOUS) add_key(state, x->previous_fingerprint, x->previous);
  if (x->has & SCHAT__HAS_NEXT) add_key(state, x->next_fingerprint, x->next);
  if (x->has & SCHAT__HAS_EXPONENT) add_key(state, (int64_t)sim_hash(x->exponent, sizeof x->exponent, 1), x->exponent);
}

static void note_state_of(sim_batch_note *n, const sim_device *d, int32_t chat_id) {
  const schat__slot *slot = sim_slot(d, chat_id);
  note_state *state;
  for (size_t i = 0; i < n->state_count; i++) {
    if (n->states[i].chat_id == chat_id) return;
  }
  n->states = room(n->states, n->state_count, &n->state_capacity, sizeof *n->states);
  state = &n->states[n->state_count++];
  memset(state, 0, sizeof *state);
  state->chat_id = chat_id;
  if (slot == NULL) return;
  state->state = slot->chat.state;
  state->reason = slot->chat.close_reason;
  state->originator = schat__is_originator(&slot->chat) != 0;
  state->rekeying = slot->secrets != NULL && slot->secrets->state != SCHAT__REKEY_IDLE;
  memcpy(state->key_hash, slot->chat.key_hash, sizeof state->key_hash);
  note_keys(state, slot);
}

static void note_made(sim_batch_note *n, const sim_device *d, const schat_record *r) {
  const schat__slot *slot = sim_slot(d, r->chat_id);
  const schat__item *item = slot == NULL ? NULL : schat__item_find(slot, SCHAT__OUTBOX, r->key);
  note_made_item *made;
  if (item == NULL) return;
  n->made = room(n->made, n->made_count, &n->made_capacity, sizeof *n->made);
  made = &n->made[n->made_count++];
  made->chat_id = r->chat_id;
  made->raw = (int32_t)item->key;
  made->random_id = item->u.out.random_id;
  made->at = d->sim->now;
  made->content = sim_hash(item->data, item->size, 7);
  made->in_seq = item->u.out.in_seq;
  made->erased = item->u.out.erased != 0;
  made->answers = item->u.out.action == SCHAT__ACTION_NOOP && item->key < slot->chat.peer_in_seq;
}

void note_event(note_logged *e, const schat_event *event) {
  memset(e, 0, sizeof *e);
  e->type = event->type;
  e->chat_id = event->chat_id;
  e->id = event->id;
  e->random_id = event->random_id;
  e->date = event->date;
  e->value = event->value;
  e->place = event->place;
  e->reason = event->reason;
  e->id_count = event->random_id_count < NOTE_IDS ? event->random_id_count : NOTE_IDS;
  for (size_t i = 0; i < e->id_count; i++) e->ids[i] = event->random_ids[i];
  if (event->message != NULL && event->message->text.size >= SIM_TEXT_SIZE) memcpy(e->text, event->message->text.data, SIM_TEXT_SIZE);
  if (event->message != NULL && event->message->media.type != SCHAT_MEDIA_NONE && event->message->media.caption.size >= SIM_TEXT_SIZE) {
    memcpy(e->text, event->message->media.caption.data, SIM_TEXT_SIZE);
  }
}

sim_batch_note *sim_note_batch(sim_device *d, const schat_batch *batch) {
  sim_batch_note *n = new_note();
  for (size_t i = 0; i < batch->record_count; i++) {
    const schat_record *r = &batch->records[i];
    if (r->kind == SCHAT_RECORD_CHAT || r->kind == SCHAT_RECORD_KEYS) note_state_of(n, d, r->chat_id);
    if (r->kind == SCHAT_RECORD_OUTBOX && r->value.size > 0) note_made(n, d, r);
  }
  for (size_t i = 0; i < batch->event_count; i++) {
    n->logged = room(n->logged, n->logged_count, &n->logged_capacity, sizeof *n->logged);
    note_event(&n->logged[n->logged_count++], &batch->events[i]);
  }
  return n;
}

void note_gone(sim_batch_note *n, int64_t random_id) {
  n->gone = room(n->gone, n->gone_count, &n->gone_capacity, sizeof *n->gone);
  n->gone[n->gone_count++] = random_id;
}

/* A batch is durable ------------------------------------------------------------------------------------------------------------- */

static int is_live(const note_state *state, int64_t name) {
  for (size_t i = 0; i < state->key_count; i++) {
    if (state->keys[i].name == name) return 1;
  }
  return 0;
}

static void learn_key(sim_view *v, const sim_key *key) {
  for (size_t i = 0; i < v->key_count; i++) {
    if (v->keys[i].name == key->name) return;
  }
  if (v->key_count == SIM_KEYS) {
    memmove(v->keys, v->keys + 1, (SIM_KEYS - 1) * sizeof *v->keys);
    v->key_count--;
  }
  v->keys[v->key_count++] = *key;
}

/* I5: a key that a commit has dropped is in no record after it. */
static void keys_die(sim_device *d, sim_view *v, const note_state *state) {
  for (size_t i = 0; i < v->key_count; i++) {
    sim_key *k = &v->keys[i];
    if (k->dead || is_live(state, k->name)) continue;
    k->dead = 1;
    if (sim_plants(d->sim, SIM_PLANT_OLD_KEY)) sim_plant_record(d, SCHAT_RECORD_DH_CONFIG, 0, k->window[0], 16);
    if (sim_plants(d->sim, SIM_PLANT_OLD_KEY_MEMORY) && d->m != NULL) {
      schat_allocator a = pool_allocator(&d->pool);
      void *kept = a.allocate(a.user_data, 16);
      if (kept != NULL) memcpy(kept, k->window[1], 16);
    }
    if (store_find(&d->store, v->chat_id, k->window[0], 16) + store_find(&d->store, v->chat_id, k->window[1], 16) > 0) {
      sim_fail(d->sim, "I5", "device %d keeps a key of chat %d that it has dropped", d->index, (int)v->chat_id);
    }
  }
}

static void state_is_durable(sim_device *d, const note_state *state) {
  sim_view *v = sim_view_of(d, state->chat_id, 1);
  if (v == NULL) return;
  if (state->state != SCHAT_STATE_NONE) {
    v->originator = state->originator;
    v->ready |= state->state == SCHAT_STATE_READY;
    v->closed = state->state == SCHAT_STATE_CLOSED;
    v->reason = state->reason;
    memcpy(v->key_hash, state->key_hash, sizeof v->key_hash);
  }
  for (size_t i = 0; i < state->key_count; i++) learn_key(v, &state->keys[i]);
  keys_die(d, v, state);
}

static void made_is_durable(sim_device *d, const note_made_item *made) {
  sim_view *v = sim_view_of(d, made->chat_id, 1);
  sim_message *m = sim_message_find(d->sim, made->random_id);
  sim_sent *sent;
  if (v == NULL) return;
  if ((size_t)made->raw >= v->sent_count) {
    if ((size_t)made->raw != v->sent_count) sim_fail(d->sim, "I1", "chat %d skips to number %d", (int)v->chat_id, (int)made->raw);
    v->sent = room(v->sent, (size_t)made->raw, &v->sent_capacity, sizeof *v->sent);
    memset(&v->sent[v->sent_count++], 0, sizeof *v->sent);
  }
  sent = &v->sent[made->raw < (int32_t)v->sent_count ? made->raw : (int32_t)v->sent_count - 1];
  if (sent->known && sent->content != made->content && !made->erased && !made->answers) {
    sim_fail(d->sim, "I1", "device %d, chat %d: number %d has another content", d->index, (int)v->chat_id, (int)made->raw);
  }
  if (sent->known && sent->in_seq != made->in_seq) sim_fail(d->sim, "I1", "number %d changes its in_seq_no (R-SEQ-06)", (int)made->raw);
  if (sent->known && sent->random_id != made->random_id && !made->answers) sim_fail(d->sim, "I1", "number %d changes its name", (int)made->raw);
  if (!sent->known && m != NULL && m->raw < 0) m->raw = made->raw;
  if (m != NULL && made->erased) m->erased = 1;
  if (!sent->known) sent->at = made->at;
  sent->known = 1;
  if (made->erased || made->answers) sent->erased = 1;
  sent->content = made->content;
  sent->in_seq = made->in_seq;
  if (!made->answers || sent->random_id == 0) sent->random_id = made->random_id;
}

void sim_note_durable(sim_device *d, sim_batch_note *n) {
  for (size_t i = 0; i < n->state_count; i++) state_is_durable(d, &n->states[i]);
  for (size_t i = 0; i < n->made_count; i++) made_is_durable(d, &n->made[i]);
  for (size_t i = 0; i < n->logged_count; i++) sim_log(d, &n->logged[i]);
  for (size_t i = 0; i < n->gone_count; i++) sim_is_gone(d, n->gone[i]);
}

/* Requests ---------------------------------------------------------------------------------------------------------------------- */

static int is_send(int32_t type) { return type >= SCHAT_REQUEST_SEND_ENCRYPTED && type <= SCHAT_REQUEST_SEND_SERVICE; }

/* The oldest key and the most used one that ever sealed a message for the first time (G25). */
static void note_use(sim_device *d, const schat__slot *slot, const schat__item *item, const sim_sent *sent) {
  sim_result *r = d->sim->result;
  int64_t age = d->m->env.account.clock - slot->chat.key_since, uses = (int64_t)slot->chat.key_sealed + slot->chat.key_opened;
  if (sent->wire != 0 || !item->u.out.content || item->u.out.key_fingerprint != slot->chat.key_fingerprint) return;
  if (age > r->key_age) r->key_age = age;
  if (uses > r->key_uses) r->key_uses = uses;
}

/* The other side, which may not know the key yet when the first message of who accepted is made for it. */
static sim_view *other_side(sim_device *d, const sim_view *v) {
  sim_view *w = NULL;
  if (sim_partner(d, v, &w) != NULL || v->originator) return w;
  for (int i = 0; w == NULL && i < d->sim->device_count; i++) {
    if (i != d->index) w = sim_view_of(&d->sim->devices[i], v->chat_id, 0);
    if (w != NULL && !w->originator) w = NULL;
  }
  return w;
}

/* D-37: the object as it stands in the store, told to the reader of this side and to that of the other. */
static void watch(sim_device *d, sim_view *v, const schat__item *item) {
  sim_view *w = NULL;
  strict_message m;
  strict_rule rule;
  memset(&m, 0, sizeof m);
  m.mtproto = sim_plants(d->sim, SIM_PLANT_UNRULY) ? 1 : 2;
  m.object.data = item->data + 4;
  m.object.size = schat__load32(item->data);
  m.padding = item->size - 4 - m.object.size;
  m.random_id = item->u.out.random_id;
  m.made = v->sent[item->key].at;
  if (v->strict == NULL) v->strict = strict_new(v->originator);
  rule = strict_library(v->strict, &m);
  if (rule != STRICT_OK) sim_fail(d->sim, "D-37", "device %d, chat %d, number %d: %s", d->index, (int)v->chat_id, (int)item->key, strict_text(rule));
  if ((w = other_side(d, v)) == NULL) return;
  if (w->strict == NULL) w->strict = strict_new(w->originator);
  strict_peer(w->strict, &m);
}

void sim_unwatch(sim *s) {
  for (int i = 0; i < s->device_count; i++) {
    for (size_t k = 0; k < s->devices[i].view_count; k++) {
      strict_free(s->devices[i].views[k].strict);
      s->devices[i].views[k].strict = NULL;
    }
  }
}

/* I1 on the wire, and X-14: what leaves is what is stored. */
static void check_send(sim_device *d, const schat_request *request) {
  const schat__flight *flight = schat__flight_find(&d->m->env, request->token);
  const schat__slot *slot = sim_slot(d, request->chat_id);
  const schat__item *item = flight == NULL || slot == NULL ? NULL : schat__item_find(slot, SCHAT__OUTBOX, flight->ref);
  sim_view *v = sim_view_of(d, request->chat_id, 0);
  uint64_t wire = sim_hash(request->data.data, request->data.size, 3);
  sim_sent *sent;
  if (item == NULL) return;
  if (v == NULL || (size_t)item->key >= v->sent_count || store_get(&d->store, SCHAT_RECORD_OUTBOX, request->chat_id, item->key) == NULL) {
    sim_fail(d->sim, "I3", "device %d sends number %d of chat %d before it is stored", d->index, (int)item->key, (int)request->chat_id);
    return;
  }
  sent = &v->sent[item->key];
  sim_trace(d->sim, "    number %d, after %d of the peer, action %d, key %016llx", (int)item->key, (int)item->u.out.in_seq, item->u.out.action,
            (unsigned long long)item->u.out.key_fingerprint);
  note_use(d, slot, item, sent);
  if (d->sim->watched) watch(d, v, item);
  if (sent->wire != 0 && sent->wire != wire && sent->wire_fingerprint == item->u.out.key_fingerprint && sent->wire_content == sent->content) {
    sim_fail(d->sim, "I1", "number %d of chat %d leaves in other bytes under the same key", (int)item->key, (int)request->chat_id);
  }
  sent->wire = wire;
  sent->wire_fingerprint = item->u.out.key_fingerprint;
  sent->wire_content = sent->content;
}

void sim_request(sim_device *d, const schat_request *request) {
  if (is_send(request->type)) check_send(d, request);
}
