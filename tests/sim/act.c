/* SPDX-License-Identifier: BSL-1.0
 * act.c - what users do with their chats, and what every host does by itself: it ticks, and asks for what it has missed. */
#include <string.h>

#include "sim.h"

static int64_t new_id(sim *s) { return (int64_t)(++s->serial << 24 | 0x5a5a5a); }

/* Choosing ------------------------------------------------------------------------------------------------------------------------- */

static schat__slot *any_slot(const sim_device *d, int state, dice *x) {
  schat__slot *slot, *chosen = NULL;
  size_t at = 0, n = 0;
  while ((slot = schat__table_next(&d->m->env.table, &at)) != NULL) {
    if (slot->chat.state == state && dice_one_in(x, ++n)) chosen = slot;
  }
  return chosen;
}

/* A message that a device shows: of the peer, or also of its own. */
static sim_message *any_message(sim_device *d, int32_t chat_id, int own_too, dice *x) {
  sim *s = d->sim;
  sim_message *chosen = NULL;
  uint64_t n = 0;
  for (size_t i = s->message_count > 64 ? s->message_count - 64 : 0; i < s->message_count; i++) {
    sim_message *m = &s->messages[i];
    if (m->chat_id != chat_id || m->gone[d->index]) continue;
    if (m->from == d->index ? !own_too : !m->delivered[d->index]) continue;
    if (dice_one_in(x, ++n)) chosen = m;
  }
  return chosen;
}

/* Sending -------------------------------------------------------------------------------------------------------------------------- */

static void add_file(sim_device *d, schat_message *m, schat_input_file *file, dice *x) {
  static const uint8_t key[32] = {1}, iv[32] = {2};
  static const uint8_t bytes[64];
  schat_bytes part = {bytes, sizeof bytes};
  m->media.type = dice_one_in(x, 2) ? SCHAT_MEDIA_PHOTO : SCHAT_MEDIA_DOCUMENT;
  m->media.size = 60;
  m->media.key.data = key;
  m->media.iv.data = iv;
  m->media.key.size = m->media.iv.size = 32;
  m->media.caption = m->text;
  m->media.width = m->media.height = 90;
  memset(file, 0, sizeof *file);
  file->type = SCHAT_INPUT_FILE_UPLOADED;
  file->id = m->random_id;
  file->parts = 1 + (dice_one_in(x, 12) && !d->sim->recovering); /* one part that was never uploaded: refused for good (D-08) */
  relay_upload_part(d->sim->relay, d->at, file->id, 0, part);
}

static int32_t choose_ttl(const sim *s, dice *x) {
  static const int32_t lives[] = {1, 2, 5, 30, 60, 61, 3600, SCHAT_TTL_AT_ONCE};
  if (!sim_has(s, SIM_TIMERS) || dice_one_in(x, 3)) return SCHAT_TTL_OF_CHAT;
  return lives[dice_below(x, sizeof lives / sizeof *lives)];
}

int sim_say(sim_device *d, int32_t chat_id, dice *x) {
  sim *s = d->sim;
  const schat__slot *slot = sim_slot(d, chat_id);
  schat_message m;
  schat_input_file file;
  sim_message *known;
  char text[SIM_TEXT_SIZE + 1];
  int has_file = sim_has(s, SIM_FILES) && dice_one_in(x, 6), status;
  schat_message_init(&m);
  m.random_id = new_id(s);
  sim_text_of(m.random_id, text);
  m.text.data = (const uint8_t *)text;
  m.text.size = SIM_TEXT_SIZE;
  m.ttl = choose_ttl(s, x);
  if (dice_one_in(x, 8)) m.flags |= SCHAT_MESSAGE_SILENT;
  if (has_file) add_file(d, &m, &file, x);
  if ((known = sim_message_new(s, d, chat_id, m.random_id)) == NULL) return SCHAT_IGNORED;
  known->ttl = m.ttl == SCHAT_TTL_OF_CHAT ? (slot == NULL ? 0 : slot->chat.ttl) : m.ttl;
  m.ttl = known->ttl;
  known->on_open = schat__message_starts_on_open(&m) != 0;
  sim_begin(d, 0);
  status = schat_send(d->m, chat_id, &m, has_file ? &file : NULL, sim_clock(d), NULL);
  sim_trace(s, "%d sends %llx in chat %d ttl %d: %s", d->index, (unsigned long long)m.random_id, (int)chat_id, (int)m.ttl, schat_status_name(status));
  return sim_done(d, status, 0);
}

/* Clocks of messages (G14) ------------------------------------------------------------------------------------------------------------ */

/* A message may have begun to end on both sides now, and on this one it has. */
static void clock_begins(sim_device *d, sim_message *m, int status) {
  const sim *s = d->sim;
  if (m->ttl <= 0 || m->from == d->index || status < 0) return;
  if (m->started[d->index] == 0) m->started[d->index] = s->now;
  if (m->started[m->from] == 0) m->started[m->from] = s->now;
  if (m->ends_by[d->index] == 0 && m->ttl != SCHAT_TTL_AT_ONCE && status == SCHAT_OK && d->depth == 0 && !d->async && m->delivered[d->index]) {
    m->ends_by[d->index] = s->now + (int64_t)m->ttl * 1000;
  }
}

static void read_up_to(sim_device *d, int32_t chat_id, int32_t max_date) {
  sim *s = d->sim;
  const schat__slot *slot = sim_slot(d, chat_id);
  sim_view *v = sim_view_of(d, chat_id, 0);
  int32_t seen = slot == NULL ? 0 : slot->chat.in_seq; /* what has come may not have been shown yet */
  int status;
  sim_begin(d, 0);
  status = schat_messages_read(d->m, chat_id, max_date, sim_clock(d));
  for (size_t i = 0; i < s->message_count; i++) {
    sim_message *m = &s->messages[i];
    if (m->chat_id != chat_id || m->on_open || m->from == d->index) continue;
    if (m->delivered[d->index] ? m->date > max_date : m->raw < 0 || m->raw >= seen) continue;
    clock_begins(d, m, status == SCHAT_IGNORED ? SCHAT_OK : status);
  }
  /* The server tells the other side no more than a date: clocks begin there even of what is still under way, or of the same second. */
  if (v != NULL && status >= 0 && v->read_max < max_date) v->read_max = max_date;
  sim_trace(s, "%d reads chat %d up to %d: %s", d->index, (int)chat_id, (int)max_date, schat_status_name(status));
  (void)sim_done(d, status, 0);
}

static void open_message(sim_device *d, int32_t chat_id, dice *x) {
  sim_message *m = any_message(d, chat_id, 0, x);
  int status;
  if (m == NULL) return;
  sim_begin(d, 0);
  status = schat_messages_opened(d->m, chat_id, &m->random_id, 1, sim_clock(d));
  clock_begins(d, m, status);
  sim_trace(d->sim, "%d opens %llx: %s", d->index, (unsigned long long)m->random_id, schat_status_name(status));
  (void)sim_done(d, status, 0);
}

static void close_message(sim_device *d, int32_t chat_id, dice *x) {
  sim_message *m = any_message(d, chat_id, 0, x);
  if (m == NULL) return;
  sim_begin(d, 0);
  (void)sim_done(d, schat_messages_closed(d->m, chat_id, &m->random_id, 1, sim_clock(d)), 0);
}

/* Deleting ---------------------------------------------------------------------------------------------------------------------------- */

static void delete_messages(sim_device *d, int32_t chat_id, dice *x) {
  int64_t ids[3];
  size_t count = 0, mark = d->gone_waiting_count;
  int status;
  for (uint64_t n = 1 + dice_below(x, 3); n > 0; n--) {
    sim_message *m = any_message(d, chat_id, 1, x);
    if (m == NULL) continue;
    ids[count++] = m->random_id;
    sim_will_be_gone(d, m->random_id);
  }
  if (count == 0) return;
  sim_begin(d, 0);
  status = schat_messages_delete(d->m, chat_id, ids, count, dice_one_in(x, 2) ? new_id(d->sim) : 0, sim_clock(d));
  if (status < 0) d->gone_waiting_count = mark;
  sim_trace(d->sim, "%d deletes %llx and %zu more: %s", d->index, (unsigned long long)ids[0], count - 1, schat_status_name(status));
  (void)sim_done(d, status, 0);
}

/* All that this side has of a chat: its own, and the peer's as far as they have come. */
static void chat_will_be_gone(sim_device *d, int32_t chat_id) {
  sim *s = d->sim;
  const schat__slot *slot = sim_slot(d, chat_id);
  for (size_t i = 0; i < s->message_count; i++) {
    const sim_message *m = &s->messages[i];
    if (m->chat_id != chat_id || m->gone[d->index]) continue;
    if (m->from == d->index || (m->raw >= 0 && slot != NULL && m->raw < slot->chat.in_seq)) sim_will_be_gone(d, m->random_id);
  }
}

static void flush(sim_device *d, int32_t chat_id, dice *x) {
  size_t mark = d->gone_waiting_count;
  int status;
  chat_will_be_gone(d, chat_id);
  sim_begin(d, 0);
  status = schat_history_flush(d->m, chat_id, dice_one_in(x, 2) ? new_id(d->sim) : 0, sim_clock(d));
  if (status < 0) d->gone_waiting_count = mark;
  sim_trace(d->sim, "%d flushes chat %d: %s", d->index, (int)chat_id, schat_status_name(status));
  (void)sim_done(d, status, 0);
}

/* Chats --------------------------------------------------------------------------------------------------------------------------------- */

static void create(sim_device *d, dice *x) {
  sim *s = d->sim;
  const sim_device *other = &s->devices[dice_below(x, (uint64_t)s->device_count)];
  int32_t chat_id = 0;
  int status;
  if (s->guest != NULL) other = &s->devices[1];
  if (other->user_id == d->user_id || d->view_count + 4 > SIM_VIEWS) return;
  sim_begin(d, 0);
  status = schat_chat_create(d->m, other->user_id, sim_clock(d), &chat_id);
  sim_trace(s, "%d asks %d for chat %d: %s", d->index, other->index, (int)chat_id, schat_status_name(status));
  (void)sim_done(d, status, 0);
}

static int accept_any(sim_device *d, dice *x) {
  const schat__slot *slot = any_slot(d, SCHAT_STATE_INVITED, x);
  int status;
  if (slot == NULL) return 0;
  sim_begin(d, 0);
  status = schat_chat_accept(d->m, slot->chat.chat_id, sim_clock(d));
  sim_trace(d->sim, "%d accepts: %s", d->index, schat_status_name(status));
  (void)sim_done(d, status, 0);
  return 1;
}

static void discard(sim_device *d, int32_t chat_id, dice *x) {
  uint32_t flags = (uint32_t)dice_below(x, 4);
  size_t mark = d->gone_waiting_count;
  int status;
  if (flags & SCHAT_DISCARD_FLUSH_FIRST) chat_will_be_gone(d, chat_id);
  sim_begin(d, 0);
  status = schat_chat_discard(d->m, chat_id, flags, sim_clock(d));
  if (status < 0) d->gone_waiting_count = mark;
  sim_trace(d->sim, "%d ends chat %d with %u: %s", d->index, (int)chat_id, flags, schat_status_name(status));
  (void)sim_done(d, status, 0);
}

static void forget(sim_device *d, dice *x) {
  const schat__slot *slot = any_slot(d, SCHAT_STATE_CLOSED, x);
  sim_view *v = slot == NULL ? NULL : sim_view_of(d, slot->chat.chat_id, 0);
  size_t mark = d->gone_waiting_count;
  int status;
  if (slot == NULL) return;
  chat_will_be_gone(d, slot->chat.chat_id);
  sim_begin(d, 0);
  status = schat_chat_forget(d->m, slot->chat.chat_id, sim_clock(d));
  if (status < 0) d->gone_waiting_count = mark;
  if (v != NULL) v->closed_told = 0; /* what the server tells of it once more is news to one who has forgotten */
  (void)sim_done(d, status, 0);
}

static void set_ttl(sim_device *d, int32_t chat_id, dice *x) {
  static const int32_t lives[] = {0, 1, 10, 60, 86400};
  sim_begin(d, 0);
  (void)sim_done(d, schat_chat_set_ttl(d->m, chat_id, lives[dice_below(x, 5)], 0, sim_clock(d)), 0);
}

static void small_thing(sim_device *d, int32_t chat_id, dice *x) {
  sim_message *m = any_message(d, chat_id, 0, x);
  int64_t now = sim_clock(d);
  int status;
  uint64_t which = dice_below(x, 4);
  sim_begin(d, 0);
  if (which == 0) status = schat_typing(d->m, chat_id, 1, now);
  else if (which == 1) status = schat_screenshot(d->m, chat_id, m == NULL ? NULL : &m->random_id, m != NULL, 0, now);
  else if (which == 2) status = schat_chat_set_verified(d->m, chat_id, 1, now);
  else status = schat_chat_report_spam(d->m, chat_id, now);
  (void)sim_done(d, status, 0);
}

void sim_act(sim_device *d, dice *x) {
  const sim *s = d->sim;
  const schat__slot *slot;
  uint64_t roll = dice_below(x, 100);
  int32_t chat_id;
  if (dice_one_in(x, 3) && accept_any(d, x)) return;
  slot = any_slot(d, SCHAT_STATE_READY, x);
  if (slot == NULL || dice_one_in(x, 60)) {
    if (d->m->env.table.count == 0 || dice_one_in(x, sim_has(s, SIM_BOTH) ? 4 : 10)) create(d, x);
    return;
  }
  chat_id = slot->chat.chat_id;
  if (roll < 55) (void)sim_say(d, chat_id, x);
  else if (roll < 65) read_up_to(d, chat_id, relay_date(s->now) - (int32_t)(dice_one_in(x, 3) ? dice_below(x, 60) : 0));
  else if (roll < 74) open_message(d, chat_id, x);
  else if (roll < 76) close_message(d, chat_id, x);
  else if (roll < 83 && sim_has(s, SIM_DELETE)) delete_messages(d, chat_id, x);
  else if (roll < 85 && sim_has(s, SIM_DELETE)) flush(d, chat_id, x);
  else if (roll < 88 && sim_has(s, SIM_TIMERS)) set_ttl(d, chat_id, x);
  else if (roll < 90 && sim_has(s, SIM_DISCARD)) discard(d, chat_id, x);
  else if (roll < 91) forget(d, x);
  else small_thing(d, chat_id, x);
}

/* Inside a callback: failures of the call around it may be those of the nested one, so that only its effect counts. */
static int nested_send(sim_device *d, int32_t chat_id) {
  schat_message m;
  sim_message *known;
  char text[SIM_TEXT_SIZE + 1];
  schat_message_init(&m);
  m.random_id = new_id(d->sim);
  m.ttl = 0;
  sim_text_of(m.random_id, text);
  m.text.data = (const uint8_t *)text;
  m.text.size = SIM_TEXT_SIZE;
  if ((known = sim_message_new(d->sim, d, chat_id, m.random_id)) == NULL) return SCHAT_IGNORED;
  return schat_send(d->m, chat_id, &m, NULL, sim_clock(d), NULL);
}

void sim_nested(sim_device *d, const schat_event *event) {
  dice x = sim_dice(d->sim, 400 + d->sim->result->events);
  sim_message *m = event->type == SCHAT_EVENT_MESSAGE ? sim_message_find(d->sim, event->random_id) : NULL;
  int64_t id = event->random_id, now = sim_clock(d);
  int32_t chat_id = event->chat_id;
  int status = SCHAT_OK;
  if (d->m == NULL || !dice_one_in(&x, 3)) return;
  if (event->type == SCHAT_EVENT_INVITED) {
    status = schat_chat_accept(d->m, chat_id, now);
  } else if (m != NULL && dice_one_in(&x, 3)) {
    status = schat_messages_opened(d->m, chat_id, &id, 1, now);
    clock_begins(d, m, status); /* a device that died in there may have had its commit before */
  } else if (event->type == SCHAT_EVENT_MESSAGE || event->type == SCHAT_EVENT_SENT) {
    status = dice_one_in(&x, 4) ? schat_typing(d->m, chat_id, 1, now) : nested_send(d, chat_id);
  } else {
    schat_chat_info info;
    SCHAT_INIT(info);
    status = schat_chat_get_info(d->m, chat_id, &info);
  }
  sim_trace(d->sim, "%d inside that: %s", d->index, schat_status_name(status));
  sim_note(d->sim, 88, (uint64_t)(int64_t)status);
}

/* Hosts ------------------------------------------------------------------------------------------------------------------------------------- */

/* G14: not a tick too late. */
static void check_not_late(sim_device *d) {
  sim *s = d->sim;
  if (sim_has(s, SIM_CLOCK) || sim_has(s, SIM_LIES) || sim_has(s, SIM_MALICE) || d->async) return;
  for (size_t i = 0; i < s->message_count; i++) {
    const sim_message *m = &s->messages[i];
    if (m->ends_by[d->index] == 0 || m->gone[d->index] || m->unsure[d->index] || s->now < m->ends_by[d->index]) continue;
    sim_fail(s, "G14", "device %d: message %d of chat %d lives %lld ms too long", d->index, (int)m->raw, (int)m->chat_id,
             (long long)(s->now - m->ends_by[d->index]));
  }
}

void sim_tick(sim_device *d) {
  unsigned life = d->life;
  int status;
  sim_begin(d, 0);
  if (sim_plants(d->sim, SIM_PLANT_NO_EXPIRY)) status = SCHAT_OK;
  else status = schat_tick(d->m, sim_clock(d) + (sim_plants(d->sim, SIM_PLANT_EARLY_EXPIRY) ? SIM_DAY : 0));
  status = sim_done(d, status, 1);
  if (d->life == life && status == SCHAT_OK && d->depth == 0) check_not_late(d);
}

void sim_catch_up(sim_device *d) {
  schat_request q;
  SCHAT_INIT(q);
  if (d->m == NULL || d->offline || schat_checkpoint(d->m, &q.qts, &q.date) != SCHAT_OK) return;
  d->more = 0;
  q.type = SCHAT_REQUEST_GET_DIFFERENCE;
  q.token = UINT64_C(0xc000000000000000) + ++d->sim->serial;
  (void)relay_request(d->sim->relay, d->at, &q, d->sim->now);
}
