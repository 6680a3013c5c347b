/* SPDX-License-Identifier: BSL-1.0
 * log.c - the application's durable log on every device: what was shown, once each and in order (I2, I3), why chats ended (I6), what must be
 * gone (I7), and when messages with a clock ended (G14). Hosts that store events inside commit and hosts that get them once or again. */
#include <string.h>

#include "note.h"

/* Deleted ------------------------------------------------------------------------------------------------------------------------- */

void sim_is_gone(sim_device *d, int64_t random_id) {
  sim_message *m = sim_message_find(d->sim, random_id);
  if (m == NULL || m->gone[d->index]) return;
  m->gone[d->index] = 1;
  if (sim_plants(d->sim, SIM_PLANT_KEPT_TEXT)) {
    char text[SIM_TEXT_SIZE + 1];
    sim_text_of(random_id, text);
    sim_plant_record(d, SCHAT_RECORD_DH_CONFIG, 0, text, SIM_TEXT_SIZE);
  }
  sim_check_gone(d, random_id, 0);
}

void sim_will_be_gone(sim_device *d, int64_t random_id) {
  if (d->gone_waiting_count == sizeof d->gone_waiting / sizeof *d->gone_waiting) return;
  d->gone_waiting[d->gone_waiting_count++] = random_id;
}

/* What a command of the user has deleted is gone when its commit is durable. */
void sim_gone_settle(sim_device *d, int status) {
  size_t pending = d->store.pending_count;
  for (size_t i = 0; status >= 0 && i < d->gone_waiting_count; i++) {
    if (pending > 0) note_gone(d->store.pending[pending - 1].note, d->gone_waiting[i]);
    if (pending == 0) sim_is_gone(d, d->gone_waiting[i]);
  }
  d->gone_waiting_count = 0;
}

void sim_gone_forget(sim_device *d) {
  for (size_t i = 0; i < d->gone_waiting_count; i++) {
    sim_message *m = sim_message_find(d->sim, d->gone_waiting[i]);
    if (m != NULL) m->unsure[d->index] = 1;
  }
  d->gone_waiting_count = 0;
}

/* Messages -------------------------------------------------------------------------------------------------------------------------- */

static int may_lie_about_dates(const sim *s) { return sim_has(s, SIM_LIES) || sim_has(s, SIM_MALICE); }

static void check_text(sim_device *d, const sim_message *m, const note_logged *e) {
  char text[SIM_TEXT_SIZE + 1];
  sim_text_of(m->text_id, text);
  if (memcmp(text, e->text, SIM_TEXT_SIZE) != 0) sim_fail(d->sim, "I2", "device %d: a message arrives with another text", d->index);
}

static void log_message(sim_device *d, const note_logged *e) {
  sim *s = d->sim;
  sim_message *m = sim_message_find(s, e->random_id);
  sim_view *v = sim_view_of(d, e->chat_id, 1), *w = NULL;
  if (m == NULL || v == NULL) {
    sim_fail(s, "I2", "device %d shows a message that nobody sent", d->index);
    return;
  }
  s->result->delivered++;
  if (m->raw < 0) sim_fail(s, "I3", "a message arrives that is not stored where it comes from");
  if (m->chat_id != e->chat_id || m->from == d->index) sim_fail(s, "I2", "a message of chat %d is shown in chat %d", (int)m->chat_id, (int)e->chat_id);
  if (m->delivered[d->index]++ > 0) sim_fail(s, "I2", "device %d: message %d of chat %d is shown twice", d->index, (int)m->raw, (int)e->chat_id);
  if (m->raw <= v->last_delivered) sim_fail(s, "I2", "device %d, chat %d: message %d is shown after %d", d->index, (int)e->chat_id, (int)m->raw, (int)v->last_delivered);
  if (m->gone[d->index]) sim_fail(s, "I7", "device %d, chat %d: message %d is shown after it was deleted", d->index, (int)e->chat_id, (int)m->raw);
  v->last_delivered = m->raw;
  if (!may_lie_about_dates(s)) m->date = e->date;
  check_text(d, m, e);
  if (sim_partner(d, v, &w) != NULL && (size_t)m->raw < w->sent_count && w->sent[m->raw].in_seq != e->place) {
    sim_fail(s, "I2", "message %d of chat %d is placed after %d of ours, not %d (R-SEQ-20)", (int)m->raw, (int)e->chat_id, (int)e->place,
             (int)w->sent[m->raw].in_seq);
  }
}

static void log_told(sim_device *d, const note_logged *e) {
  sim_message *m = sim_message_find(d->sim, e->random_id);
  if (m == NULL || m->from != d->index) return;
  if (e->type == SCHAT_EVENT_SENT) m->sent_told++;
  if (e->type == SCHAT_EVENT_SEND_FAILED) m->failed_told++;
  if (m->sent_told + m->failed_told > 1) {
    sim_fail(d->sim, "I3", "device %d: the fate of message %d of chat %d is told %d times", d->index, (int)m->raw, (int)e->chat_id,
             m->sent_told + m->failed_told);
  }
}

/* Ends ------------------------------------------------------------------------------------------------------------------------------- */

/* G14: not before its time. */
static void check_not_early(sim_device *d, const sim_message *m) {
  sim *s = d->sim;
  sim_view *v = sim_view_of(d, m->chat_id, 0), *w = NULL;
  int64_t began = m->started[d->index];
  if (sim_has(s, SIM_CLOCK) || may_lie_about_dates(s) || m->ttl == SCHAT_TTL_AT_ONCE || v == NULL) return;
  if (m->from == d->index && !m->on_open && sim_partner(d, v, &w) != NULL && w->read_max >= relay_date(m->born)) began = m->born;
  if (began == 0 || s->now < began + (int64_t)m->ttl * 1000) {
    sim_fail(s, "G14", "device %d: message %d of chat %d ends %lld ms after it was read or opened, its ttl is %d s", d->index, (int)m->raw,
             (int)m->chat_id, (long long)(began == 0 ? -1 : s->now - began), (int)m->ttl);
  }
}

static void log_ids(sim_device *d, const note_logged *e) {
  for (size_t i = 0; i < e->id_count; i++) {
    sim_message *m = sim_message_find(d->sim, e->ids[i]);
    if (m == NULL || m->chat_id != e->chat_id) continue;
    if (e->type == SCHAT_EVENT_EXPIRED) {
      check_not_early(d, m);
      d->sim->result->timers++;
    }
    sim_is_gone(d, e->ids[i]);
  }
}

/* The peer's flush reaches what it had sent before and what it had received; ours that were under way stay. */
static void log_flush(sim_device *d, const note_logged *e) {
  sim *s = d->sim;
  sim_view *v = sim_view_of(d, e->chat_id, 0), *w = NULL;
  int32_t raw = -1;
  if (v == NULL || sim_partner(d, v, &w) == NULL) return;
  for (size_t i = 0; i < w->sent_count; i++) {
    if (w->sent[i].random_id == e->random_id) raw = (int32_t)i;
  }
  for (size_t i = 0; i < s->message_count; i++) {
    sim_message *m = &s->messages[i];
    if (m->chat_id == e->chat_id && m->from != d->index && m->raw >= 0 && m->raw < raw) sim_is_gone(d, m->random_id);
  }
}

static void all_gone(sim_device *d, int32_t chat_id) {
  sim *s = d->sim;
  for (size_t i = 0; i < s->message_count; i++) {
    if (s->messages[i].chat_id == chat_id) sim_is_gone(d, s->messages[i].random_id);
  }
}

/* I6: by what this schedule has done, may a chat end so? */
static int may_end(const sim *s, const sim_device *d, int reason) {
  int server = sim_has(s, SIM_MALICE);
  switch (reason) {
    case SCHAT_CLOSE_BY_US:
    case SCHAT_CLOSE_BY_PEER:
    case SCHAT_CLOSE_DECLINED:
      return server || s->left || sim_has(s, SIM_DISCARD) || sim_has(s, SIM_LIMITS) || sim_has(s, SIM_DEVICES);
    case SCHAT_CLOSE_TAKEN_ELSEWHERE:
      return server || sim_has(s, SIM_DEVICES) || sim_has(s, SIM_ERRORS) || sim_has(s, SIM_DISCARD);
    case SCHAT_CLOSE_REQUEST_FAILED:
    case SCHAT_CLOSE_KEY_MISMATCH:
      return server;
    case SCHAT_CLOSE_RESEND_IMPOSSIBLE:
    case SCHAT_CLOSE_QUEUE_OVERFLOW:
    case SCHAT_CLOSE_REKEY_REFUSED:
      return sim_has(s, SIM_LIMITS);
    default:
      (void)d;
      return 0;
  }
}

static void log_closed(sim_device *d, const note_logged *e) {
  sim_view *v = sim_view_of(d, e->chat_id, 1);
  if (v != NULL && v->closed_told++ > 1) sim_fail(d->sim, "I3", "device %d: the end of chat %d is told again and again", d->index, (int)e->chat_id);
  if (!may_end(d->sim, d, sim_plants(d->sim, SIM_PLANT_ABORT) ? SCHAT_CLOSE_BAD_PARITY : e->reason)) {
    sim_fail(d->sim, "I6", "device %d ends chat %d for reason %d, which nothing here permits", d->index, (int)e->chat_id, (int)e->reason);
  }
  if (e->value) all_gone(d, e->chat_id);
}

/* The log ------------------------------------------------------------------------------------------------------------------------------ */

void sim_log(sim_device *d, const note_logged *e) {
  if (e->type == SCHAT_EVENT_MESSAGE && sim_plants(d->sim, SIM_PLANT_LOST_EVENT)) return;
  if (e->type == SCHAT_EVENT_MESSAGE && sim_plants(d->sim, SIM_PLANT_DOUBLE_EVENT)) log_message(d, e);
  switch (e->type) {
    case SCHAT_EVENT_INVITED: {
      sim_view *v = sim_view_of(d, e->chat_id, 1);
      if (v != NULL) v->want_accept = 1;
      break;
    }
    case SCHAT_EVENT_MESSAGE:
      log_message(d, e);
      break;
    case SCHAT_EVENT_UNSUPPORTED:
      sim_fail(d->sim, "I2", "device %d cannot read what the library has sent", d->index);
      break;
    case SCHAT_EVENT_SENT:
    case SCHAT_EVENT_SEND_FAILED:
      log_told(d, e);
      break;
    case SCHAT_EVENT_DELETED:
    case SCHAT_EVENT_EXPIRED:
      log_ids(d, e);
      break;
    case SCHAT_EVENT_HISTORY_FLUSHED:
      log_flush(d, e);
      break;
    case SCHAT_EVENT_CLOSED:
      log_closed(d, e);
      break;
    default:
      break;
  }
}

/* What is not stored by the library is told, not logged. */
static void told(sim_device *d, const schat_event *event) {
  sim_message *m;
  sim_view *v, *w = NULL;
  sim_device *other;
  const schat__slot *slot;
  if (event->type == SCHAT_EVENT_REKEYED) d->sim->result->rekeys++;
  if (event->type == SCHAT_EVENT_REJECTED) d->sim->result->rejected++;
  if (event->type != SCHAT_EVENT_DELIVERED) return;
  m = sim_message_find(d->sim, event->random_id);
  v = sim_view_of(d, event->chat_id, 0);
  if (m == NULL || v == NULL || (other = sim_partner(d, v, &w)) == NULL || other->m == NULL) return;
  slot = sim_slot(other, event->chat_id);
  if (slot != NULL && slot->chat.state == SCHAT_STATE_READY && slot->chat.in_seq <= m->raw) {
    sim_fail(d->sim, "I2", "message %d of chat %d is called delivered and is not", (int)m->raw, (int)event->chat_id);
  }
}

void sim_event(sim_device *d, const schat_event *event) {
  note_logged e;
  sim_trace(d->sim, "%d <- event %d chat %d id %llu%s random_id %llx reason %d value %d", d->index, (int)event->type, (int)event->chat_id,
            (unsigned long long)event->id, event->repeated ? " again" : "", (unsigned long long)event->random_id, (int)event->reason,
            (int)event->value);
  if (event->id == 0) {
    told(d, event);
    return;
  }
  if (d->policy.flags & SCHAT_POLICY_EVENTS_IN_COMMIT) return; /* it is in the log since its commit */
  if (event->id <= d->last_event) {
    if (!event->repeated) sim_fail(d->sim, "I3", "device %d gets event %llu twice, unmarked", d->index, (unsigned long long)event->id);
    return;
  }
  d->last_event = event->id;
  note_event(&e, event);
  sim_log(d, &e);
}
