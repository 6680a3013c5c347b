/* SPDX-License-Identifier: BSL-1.0
 * check.c - invariants of memory and disk: after every call, now and then at depth, and at the end, when all must have come together. */
#include <string.h>

#include "sim.h"

/* The state that a rejected or failed input may not touch (I10). ------------------------------------------------------------------ */

static uint64_t slot_digest(const schat__slot *slot) {
  uint8_t bytes[768];
  schat__writer w = {bytes, sizeof bytes, 0};
  uint64_t h;
  schat__chat_write(&w, &slot->chat);
  h = sim_hash(bytes, w.size < sizeof bytes ? w.size : sizeof bytes, 1);
  h = sim_hash(slot->chat.key, sizeof slot->chat.key, h);
  if (slot->secrets != NULL) h = sim_hash(slot->secrets, sizeof *slot->secrets, h);
  for (int kind = 0; kind < SCHAT__ITEM_KINDS; kind++) {
    for (size_t i = 0; i < schat__count(slot, (schat__item_kind)kind); i++) {
      const schat__item *item = schat__item_at(slot, (schat__item_kind)kind, i);
      schat__writer v = {bytes, sizeof bytes, 0};
      schat__item_head_write(&v, item);
      h = sim_hash(bytes, v.size, h ^ (uint64_t)item->key);
      h = sim_hash(item->data, item->size, h);
    }
  }
  return h;
}

uint64_t sim_state_digest(const sim_device *d) {
  uint64_t h = d->store.digest;
  const schat__slot *slot;
  size_t at = 0;
  if (d->m == NULL) return h;
  while ((slot = schat__table_next(&d->m->env.table, &at)) != NULL) h += slot_digest(slot);
  return h;
}

/* After every call ------------------------------------------------------------------------------------------------------------------ */

static size_t items_of(const sim_device *d, schat__item_kind kind) {
  const schat__slot *slot;
  size_t at = 0, n = 0;
  while ((slot = schat__table_next(&d->m->env.table, &at)) != NULL) n += schat__count(slot, kind);
  return n;
}

/* I8: a record for everything there is, and nothing else. */
static void check_records(sim_device *d) {
  const schat__env *env = &d->m->env;
  const size_t *of = d->store.count_of;
  size_t waiting = items_of(d, SCHAT__WAITING) + items_of(d, SCHAT__EARLY), events = 0;
  if (d->store.pending_count > 0 || d->depth > 0) return;
  if (of[SCHAT_RECORD_CHAT] != env->table.count || of[SCHAT_RECORD_KEYS] != env->table.count) {
    sim_fail(d->sim, "I8", "device %d: %zu chats, %zu records of chats, %zu of keys", d->index, env->table.count, of[SCHAT_RECORD_CHAT],
             of[SCHAT_RECORD_KEYS]);
  }
  if (of[SCHAT_RECORD_OUTBOX] != items_of(d, SCHAT__OUTBOX) || of[SCHAT_RECORD_GAP] != waiting || of[SCHAT_RECORD_TIMER] != items_of(d, SCHAT__TIMER)) {
    sim_fail(d->sim, "I8", "device %d: records of messages that are not there, or none of those that are", d->index);
  }
  if (!(d->policy.flags & SCHAT_POLICY_EVENTS_IN_COMMIT)) events = env->handed_count + env->stored_events;
  if (of[SCHAT_RECORD_EVENT] != events) {
    sim_fail(d->sim, "I8", "device %d: %zu records of events, %zu events", d->index, of[SCHAT_RECORD_EVENT], events);
  }
}

static void check_bounds(sim_device *d, const schat__slot *slot) {
  size_t noops = schat__item_lower_bound(slot, SCHAT__OUTBOX, slot->chat.peer_in_seq);
  if (schat__count(slot, SCHAT__WAITING) > d->m->env.policy.max_waiting_messages || schat__count(slot, SCHAT__EARLY) > 100 ||
      noops > SCHAT__KEEP_ACKED_MAX) {
    sim_fail(d->sim, "I8", "device %d, chat %d: over a bound", d->index, (int)slot->chat.chat_id);
  }
}

void sim_check_step(sim_device *d) {
  const schat__slot *slot;
  size_t at = 0;
  if (d->m == NULL || d->m->poisoned) return;
  if (d->sim->step > 20 && sim_plants(d->sim, SIM_PLANT_ORPHAN)) sim_plant_record(d, SCHAT_RECORD_TIMER, 77, "orphan", 6);
  while ((slot = schat__table_next(&d->m->env.table, &at)) != NULL) {
    if (d->depth == 0 && !schat__chat_check(slot)) sim_fail(d->sim, "STATE", "device %d, chat %d: the invariants of chat.h", d->index, (int)slot->chat.chat_id);
    check_bounds(d, slot);
  }
  check_records(d);
  if (d->sim->deep) sim_check_deep(d);
}

/* At depth --------------------------------------------------------------------------------------------------------------------------- */

static int in_bytes(const void *bytes, size_t size, const uint8_t window[16]) {
  const uint8_t *p = bytes;
  for (size_t i = 0; i + 16 <= size; i++) {
    if (p[i] == window[0] && memcmp(p + i, window, 16) == 0) return 1;
  }
  return 0;
}

/* I5: keys that a durable commit has dropped are nowhere in the memory of a manager at rest, and none is when it is closed. */
void sim_check_keys(sim_device *d) {
  if (d->depth > 0 || d->store.pending_count > 0) return;
  for (size_t i = 0; i < d->view_count; i++) {
    sim_view *v = &d->views[i];
    const schat__slot *slot = sim_slot(d, v->chat_id);
    for (size_t k = 0; k < v->key_count; k++) {
      int found;
      if (d->m != NULL && !v->keys[k].dead) continue;
      found = d->sim->deep || d->m == NULL ? pool_find(&d->pool, v->keys[k].window[0], 16) + pool_find(&d->pool, v->keys[k].window[1], 16) > 0
                                           : slot != NULL && slot->secrets != NULL && in_bytes(slot->secrets, sizeof *slot->secrets, v->keys[k].window[0]);
      if (found) sim_fail(d->sim, "I5", "device %d, chat %d: %s", d->index, (int)v->chat_id, d->m == NULL ? "a key outlives the manager" : "a dropped key stays in memory");
    }
  }
}

/* I7: nowhere on the disk; everywhere: nor in memory. */
void sim_check_gone(sim_device *d, int64_t random_id, int everywhere) {
  char text[SIM_TEXT_SIZE + 1];
  const sim_message *m = sim_message_find(d->sim, random_id);
  sim_text_of(random_id, text);
  if (store_find(&d->store, m->chat_id, text, SIM_TEXT_SIZE) > 0) {
    sim_fail(d->sim, "I7", "device %d keeps message %d of chat %d on its disk", d->index, (int)m->raw, (int)m->chat_id);
  }
  if (everywhere && d->store.pending_count == 0 && d->depth == 0 && pool_find(&d->pool, text, SIM_TEXT_SIZE) > 0) {
    sim_fail(d->sim, "I7", "device %d keeps message %d of chat %d in memory", d->index, (int)m->raw, (int)m->chat_id);
  }
}

void sim_check_deep(sim_device *d) {
  sim *s = d->sim;
  sim_check_keys(d);
  for (size_t i = 0; i < s->message_count; i++) {
    if (s->messages[i].gone[d->index]) sim_check_gone(d, s->messages[i].random_id, 1);
  }
}

/* Together (I4) ------------------------------------------------------------------------------------------------------------------------ */

static int apart(sim *s, int complain, const sim_device *d, int32_t chat_id, const char *why) {
  if (complain) sim_fail(s, "I4", "device %d, chat %d: %s", d->index, (int)chat_id, why);
  return 0;
}

static int ready_together(sim *s, int complain, sim_device *d, const schat__slot *slot) {
  const char *why = s->guest == NULL ? NULL : sim_guest_apart(s, slot);
  sim_view *v = sim_view_of(d, slot->chat.chat_id, 0), *w = NULL;
  sim_device *other = v == NULL ? NULL : sim_partner(d, v, &w);
  const schat__slot *theirs = other == NULL ? NULL : sim_slot(other, slot->chat.chat_id);
  int32_t id = slot->chat.chat_id;
  if (s->guest != NULL) return why == NULL || apart(s, complain, d, id, why);
  if (theirs == NULL || theirs->chat.state != SCHAT_STATE_READY) return apart(s, complain, d, id, "ready, and the other side is not");
  if (theirs->chat.key_fingerprint != slot->chat.key_fingerprint) return apart(s, complain, d, id, "the keys differ");
  if (slot->secrets != NULL && complain) {
    sim_trace(s, "device %d holds secrets %x in state %d; the new key is seen at %d, next comes %d", d->index, slot->secrets->has,
              slot->secrets->state, (int)slot->chat.new_key_seen, (int)slot->chat.in_seq);
  }
  if (slot->secrets != NULL) return apart(s, complain, d, id, "a rekeying, or an old key, does not end");
  if (schat__count(slot, SCHAT__WAITING) > 0) return apart(s, complain, d, id, "a gap stays open");
  if (slot->chat.in_seq != theirs->chat.out_seq) return apart(s, complain, d, id, "not everything has arrived");
  for (size_t i = 0; i < schat__count(slot, SCHAT__OUTBOX); i++) {
    if (schat__item_at(slot, SCHAT__OUTBOX, i)->u.out.report) return apart(s, complain, d, id, "the fate of a message is not told");
  }
  return 1;
}

static int lawfully_waiting(const schat__slot *slot) {
  return slot->chat.state == SCHAT_STATE_CLOSED || slot->chat.state == SCHAT_STATE_WAITING_PEER;
}

int sim_check_together(sim *s, int complain) {
  for (int i = 0; i < s->device_count; i++) {
    sim_device *d = &s->devices[i];
    const schat__slot *slot;
    size_t at = 0;
    if (d->m == NULL) return 0;
    while ((slot = schat__table_next(&d->m->env.table, &at)) != NULL) {
      if (s->guest != NULL && !schat__is_originator(&slot->chat) && !sim_guest_knows(s, slot->chat.chat_id)) continue;
      if (slot->chat.state == SCHAT_STATE_READY && !ready_together(s, complain, d, slot)) return 0;
      if (slot->chat.state != SCHAT_STATE_READY && !lawfully_waiting(slot)) {
        static const char *const never[] = {"", "it is asked for without end", "", "an invitation stays", "it is accepted without end", "", ""};
        return apart(s, complain, d, slot->chat.chat_id, never[slot->chat.state]);
      }
      if (slot->chat.state == SCHAT_STATE_CLOSED && (slot->chat.flags & SCHAT_CHAT_DISCARD_PENDING)) {
        return apart(s, complain, d, slot->chat.chat_id, "its end is never confirmed");
      }
    }
  }
  return 1;
}

/* I3: every message of an open chat has been shown, unless it was deleted before. */
static void check_message(sim *s, const sim_message *m) {
  sim_device *from = &s->devices[m->from], *to;
  sim_view *v = sim_view_of(from, m->chat_id, 0), *w = NULL;
  const schat__slot *slot = v == NULL ? NULL : sim_slot(from, m->chat_id);
  if (m->raw < 0 || slot == NULL || slot->chat.state != SCHAT_STATE_READY || (to = sim_partner(from, v, &w)) == NULL) return;
  if (!m->delivered[to->index] && !m->gone[to->index] && !m->unsure[to->index] && !m->erased) {
    sim_fail(s, "I3", "message %d of chat %d is lost between %d and %d", (int)m->raw, (int)m->chat_id, from->index, to->index);
  }
  if (m->sent_told + m->failed_told != 1) {
    sim_fail(s, "I3", "the fate of message %d of chat %d is told %d times", (int)m->raw, (int)m->chat_id, m->sent_told + m->failed_told);
  }
}

void sim_check_end(sim *s) {
  if (s->guest != NULL) sim_guest_check_end(s);
  for (size_t i = 0; i < s->message_count; i++) check_message(s, &s->messages[i]);
  for (int i = 0; i < s->device_count; i++) {
    if (s->devices[i].m != NULL) sim_check_deep(&s->devices[i]);
  }
}
