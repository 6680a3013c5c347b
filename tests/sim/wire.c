/* SPDX-License-Identifier: BSL-1.0
 * wire.c - what arrives at a device: what the relay says, what a server makes of it that lies, and what it invents. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* Honest ------------------------------------------------------------------------------------------------------------------------------ */

static void answered(sim_device *d, uint64_t token) {
  for (size_t i = 0; i < d->open_count; i++) {
    if (d->open[i].token != token) continue;
    d->open_count--;
    memmove(d->open + i, d->open + i + 1, (d->open_count - i) * sizeof *d->open);
    return;
  }
}

static int give(sim_device *d, const relay_item *item) {
  int64_t now = sim_clock(d);
  switch ((relay_kind)item->kind) {
    case RELAY_ANSWER:
      return schat_request_done(d->m, item->token, &item->answer, now);
    case RELAY_ERROR:
      return schat_request_failed(d->m, item->token, item->code, item->text, now);
    case RELAY_DIFFERENCE:
      return schat_input_difference(d->m, &item->difference, now);
    case RELAY_MESSAGE:
      return schat_input_message(d->m, &item->message, item->qts, now);
    case RELAY_CHAT:
      return schat_input_chat(d->m, &item->chat, now);
    case RELAY_READ:
      return schat_input_read(d->m, item->chat_id, item->max_date, item->date, now);
    case RELAY_TYPING:
      return schat_input_typing(d->m, item->chat_id, now);
  }
  return SCHAT_OK;
}

static const char *const kinds[] = {"", "answer", "error", "difference", "message", "chat", "read", "typing"};

int sim_feed(sim_device *d, const relay_item *item) {
  int status;
  sim_begin(d, 0);
  status = give(d, item);
  sim_trace(d->sim, "%d gets %s token %llu chat %d qts %d%s%s: %s", d->index, kinds[item->kind], (unsigned long long)item->token,
            (int)(item->kind == RELAY_MESSAGE ? item->message.chat_id : item->chat_id), (int)item->qts, item->kind == RELAY_ERROR ? " " : "",
            item->kind == RELAY_ERROR ? item->text : "", schat_status_name(status));
  if (status >= 0 && (item->kind == RELAY_ANSWER || item->kind == RELAY_ERROR || item->kind == RELAY_DIFFERENCE)) answered(d, item->token);
  return sim_done(d, status, 1);
}

/* What has failed on our side may be given once more. */
static void feed_again(sim_device *d, const relay_item *item, dice *x) {
  unsigned life = d->life;
  int status = sim_feed(d, item);
  if (status < 0 && d->life == life && d->m != NULL && dice_one_in(x, 2)) (void)sim_feed(d, item);
}

/* Recorded ------------------------------------------------------------------------------------------------------------------------------ */

void sim_record(sim *s, int device, const relay_item *item) {
  sim_recorded *r;
  const schat_bytes *bytes = item->kind == RELAY_MESSAGE ? &item->message.bytes : &item->chat.g_a;
  if (item->kind != RELAY_MESSAGE && item->kind != RELAY_CHAT) return;
  r = &s->recorded[s->recorded_count++ % SIM_RECORDED];
  r->kind = item->kind;
  r->message = item->message;
  r->chat = item->chat;
  r->device = device;
  r->qts = item->qts;
  r->bytes = realloc(r->bytes, bytes->size + 1);
  if (r->bytes == NULL) abort();
  if (bytes->size > 0) memcpy(r->bytes, bytes->data, bytes->size);
  r->message.bytes.data = r->bytes;
  r->chat.g_a.data = r->bytes;
}

static const sim_recorded *any_recorded(const sim *s, int kind, dice *x) {
  uint64_t count = s->recorded_count < SIM_RECORDED ? s->recorded_count : SIM_RECORDED;
  for (int tries = 0; count > 0 && tries < 8; tries++) {
    const sim_recorded *r = &s->recorded[dice_below(x, count)];
    if (r->kind == kind) return r;
  }
  return NULL;
}

static int32_t any_chat_id(const sim_device *d, dice *x) {
  if (d->view_count == 0 || dice_one_in(x, 6)) return (int32_t)(dice_next(x) | 1);
  return d->views[dice_below(x, d->view_count)].chat_id;
}

static int32_t any_date(dice *x, int64_t now) {
  static const int32_t dates[] = {0, 1, -1, INT32_MAX, INT32_MIN};
  return dice_one_in(x, 2) ? dates[dice_below(x, 5)] : (int32_t)(now / 1000) + (int32_t)dice_between(x, -100000, 100000);
}

/* Bytes as a liar returns them: some bits turned, cut off, added. In a buffer of its own. */
static schat_bytes altered(schat_bytes bytes, dice *x) {
  static uint8_t buffer[1 << 16];
  size_t size = bytes.size < sizeof buffer - 64 ? bytes.size : sizeof buffer - 64;
  if (size > 0) memcpy(buffer, bytes.data, size);
  memset(buffer + size, 0, 64);
  switch (dice_below(x, 6)) {
    case 0:
      size = size > 0 ? (size_t)dice_below(x, size) : 0;
      break;
    case 1:
      size += 1 + (size_t)dice_below(x, 48);
      break;
    case 2:
      for (size_t i = 8; i < size; i++) buffer[i] = (uint8_t)dice_next(x);
      break;
    case 3:
      if (size >= 56) memmove(buffer + 24, buffer + 40, size - 40); /* blocks moved */
      break;
    default:
      if (size > 0) buffer[dice_below(x, size)] ^= (uint8_t)(1u << dice_below(x, 8));
      if (size > 0 && dice_one_in(x, 2)) buffer[dice_below(x, size)] ^= (uint8_t)(1u << dice_below(x, 8));
  }
  bytes.data = buffer;
  bytes.size = size;
  return bytes;
}

/* Inventions: what may always be said ------------------------------------------------------------------------------------------------ */

static int lie_message(sim_device *d, dice *x) {
  sim *s = d->sim;
  const sim_recorded *r = any_recorded(s, RELAY_MESSAGE, x);
  schat_encrypted_message m;
  int32_t qts = 0;
  if (r == NULL) return SCHAT_OK;
  m = r->message;
  switch (dice_below(x, 5)) {
    case 0: /* once more, perhaps to somebody else */
      break;
    case 1: /* in another chat */
      m.chat_id = any_chat_id(d, x);
      break;
    case 2:
      m.bytes = altered(m.bytes, x);
      break;
    case 3: { /* another message's envelope */
      const sim_recorded *o = any_recorded(s, RELAY_MESSAGE, x);
      if (o != NULL) m.bytes = o->message.bytes;
      break;
    }
    default:
      m.chat_id = any_chat_id(d, x);
      m.bytes = altered(m.bytes, x);
  }
  if (dice_one_in(x, 3)) m.date = any_date(x, s->now);
  if (dice_one_in(x, 3)) m.random_id = (int64_t)dice_next(x);
  if (dice_one_in(x, 4)) m.file.id = (int64_t)dice_next(x);
  if (dice_one_in(x, 2)) qts = d->m->env.account.qts - (int32_t)dice_below(x, 5);
  if (sim_has(s, SIM_MALICE) && dice_one_in(x, 3)) qts = (int32_t)dice_next(x);
  return schat_input_message(d->m, &m, qts, sim_clock(d));
}

static void twist_chat(sim_device *d, schat_chat_update *u, dice *x) {
  switch (dice_below(x, 8)) {
    case 0:
      u->access_hash ^= (int64_t)1 << dice_below(x, 63);
      break;
    case 1:
      u->admin_id = d->user_id;
      break;
    case 2: {
      int64_t id = u->admin_id;
      u->admin_id = u->participant_id;
      u->participant_id = id;
      break;
    }
    case 3:
      u->chat_id = any_chat_id(d, x);
      break;
    case 4:
      u->participant_id = (int64_t)dice_below(x, 1000);
      break;
    case 5:
      u->date = any_date(x, d->sim->now);
      break;
    default:
      break;
  }
}

static int is_harmless(const sim_device *d, const schat_chat_update *u) {
  const schat__slot *slot = sim_slot(d, u->chat_id);
  if (sim_has(d->sim, SIM_MALICE)) return 1;
  /* What would end a chat, or begin one that nobody asked for, is malice. */
  if (u->type == SCHAT_CHAT_UPDATE_DISCARDED || slot == NULL) return 0;
  return slot->chat.state == SCHAT_STATE_READY || slot->chat.state == SCHAT_STATE_CLOSED;
}

static int lie_chat(sim_device *d, dice *x) {
  const sim_recorded *r = any_recorded(d->sim, RELAY_CHAT, x);
  schat_chat_update u;
  if (r == NULL) return SCHAT_OK;
  u = r->chat;
  if (dice_one_in(x, 2)) twist_chat(d, &u, x);
  if (sim_has(d->sim, SIM_MALICE)) {
    if (dice_one_in(x, 3)) u.g_a = altered(u.g_a, x);
    if (dice_one_in(x, 4)) u.key_fingerprint ^= 1;
    if (dice_one_in(x, 4)) u.type = 1 + (int32_t)dice_below(x, 5);
    if (dice_one_in(x, 4)) u.history_deleted = 1;
  }
  return is_harmless(d, &u) ? schat_input_chat(d->m, &u, sim_clock(d)) : SCHAT_OK;
}

static int lie_answer(sim_device *d, dice *x) {
  schat_answer a;
  uint64_t token = dice_below(x, d->m->env.next_token + 3);
  int open = schat__flight_find(&d->m->env, token) != NULL;
  if (open) d->nothing_due = 0; /* a bad answer puts its question off, or an invitation back */
  if (open && !sim_has(d->sim, SIM_MALICE)) return SCHAT_OK;
  SCHAT_INIT(a);
  SCHAT_INIT(a.chat);
  a.type = (int32_t)dice_below(x, 8);
  a.date = any_date(x, d->sim->now);
  a.chat.chat_id = any_chat_id(d, x);
  a.chat.type = 1 + (int32_t)dice_below(x, 5);
  a.chat.access_hash = (int64_t)dice_next(x);
  if (open) answered(d, token);
  return schat_request_done(d->m, token, &a, sim_clock(d));
}

void sim_lie(sim_device *d, dice *x) {
  int status;
  sim_begin(d, 1);
  if (d->m == NULL || d->dead) return;
  switch (dice_below(x, 8)) {
    case 0:
      status = lie_chat(d, x);
      break;
    case 1:
      status = lie_answer(d, x);
      break;
    case 2:
      status = schat_input_typing(d->m, any_chat_id(d, x), sim_clock(d));
      break;
    case 3:
      status = schat_input_read(d->m, any_chat_id(d, x), any_date(x, d->sim->now), any_date(x, d->sim->now), sim_clock(d));
      break;
    default:
      status = lie_message(d, x);
  }
  sim_trace(d->sim, "%d is lied to: %s", d->index, schat_status_name(status));
  (void)sim_done(d, status, 1);
}

/* Malice: what was true is altered on its way ---------------------------------------------------------------------------------------- */

static void twist_answer(sim_device *d, relay_item *item, dice *x) {
  static const struct {
    int32_t code;
    const char *text;
  } errors[] = {{400, "RANDOM_ID_DUPLICATE"}, {400, "ENCRYPTION_DECLINED"}, {400, "ENCRYPTION_ALREADY_ACCEPTED"}, {400, "ENCRYPTION_ID_INVALID"},
                {420, "FLOOD_WAIT_2147483647"}, {500, "MSG_WAIT_FAILED"}, {400, "DATA_INVALID"}, {403, "USER_IS_BLOCKED"},
                {401, "AUTH_KEY_UNREGISTERED"}, {400, "DH_G_A_INVALID"}, {-1, ""}, {400, "MAX_QTS_INVALID"}, {420, "FLOOD_WAIT_-5"}};
  size_t i = (size_t)dice_below(x, sizeof errors / sizeof *errors);
  if (dice_one_in(x, 2)) {
    item->kind = RELAY_ERROR;
    item->code = errors[i].code;
    memcpy(item->text, errors[i].text, strlen(errors[i].text) + 1);
    return;
  }
  if (dice_one_in(x, 4)) item->answer.type = (int32_t)dice_below(x, 8);
  if (dice_one_in(x, 3)) item->answer.date = any_date(x, d->sim->now);
  if (dice_one_in(x, 4)) item->answer.g = (int32_t)dice_below(x, 10);
  if (dice_one_in(x, 4)) item->answer.p = altered(item->answer.p, x);
  if (dice_one_in(x, 3)) twist_chat(d, &item->answer.chat, x);
}

static void twist(sim_device *d, relay_item *item, dice *x) {
  switch ((relay_kind)item->kind) {
    case RELAY_ANSWER:
    case RELAY_ERROR:
      twist_answer(d, item, x);
      break;
    case RELAY_DIFFERENCE:
      if (dice_one_in(x, 2)) item->difference.qts = (int32_t)dice_next(x);
      if (dice_one_in(x, 2)) item->difference.date = any_date(x, d->sim->now);
      if (dice_one_in(x, 2)) item->difference.message_count /= 2;
      if (dice_one_in(x, 4)) item->difference.chat_count /= 2;
      break;
    case RELAY_MESSAGE:
      if (dice_one_in(x, 2)) item->message.bytes = altered(item->message.bytes, x);
      if (dice_one_in(x, 3)) item->message.date = any_date(x, d->sim->now);
      if (dice_one_in(x, 3)) item->qts = dice_one_in(x, 2) ? INT32_MAX : (int32_t)dice_next(x);
      if (dice_one_in(x, 4)) item->message.chat_id = any_chat_id(d, x);
      break;
    case RELAY_CHAT:
      twist_chat(d, &item->chat, x);
      if (dice_one_in(x, 2)) item->chat.g_a = altered(item->chat.g_a, x);
      if (dice_one_in(x, 4)) item->chat.key_fingerprint ^= 1;
      if (dice_one_in(x, 6)) item->chat.type = 1 + (int32_t)dice_below(x, 5);
      break;
    case RELAY_READ:
    case RELAY_TYPING:
      item->chat_id = any_chat_id(d, x);
      item->max_date = any_date(x, d->sim->now);
      break;
  }
}

int sim_deliver(sim_device *d) {
  const relay_item *item;
  dice x = sim_dice(d->sim, 300 + d->sim->result->events);
  relay_item copy;
  if (d->m == NULL || d->offline || !relay_poll(d->sim->relay, d->at, d->sim->now, &item)) return 0;
  copy = *item;
  if (copy.kind == RELAY_MESSAGE && d->index == 0 && sim_plants(d->sim, SIM_PLANT_DEAF)) return 1;
  if (copy.kind == RELAY_ERROR && copy.token >> 62 == 3) return 1; /* the host's own question */
  sim_record(d->sim, d->index, &copy);
  if (sim_has(d->sim, SIM_MALICE) && !d->sim->recovering && dice_one_in(&x, 8)) twist(d, &copy, &x);
  feed_again(d, &copy, &x);
  if (copy.kind == RELAY_DIFFERENCE && copy.more) d->more = 1;
  if (d->more && d->store.pending_count == 0) sim_catch_up(d); /* from where the checkpoint stands once it is durable */
  return 1;
}
