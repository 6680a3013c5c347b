/* SPDX-License-Identifier: BSL-1.0
 * guest.c - a client of other people on the other side of an ordinary schedule: Android, iOS, TDLib or MadelineProto, with all that goes wrong at
 * the library's side. It stands in the place of device 1, which has no library of its own. */
#include <stdlib.h>
#include <string.h>

#include "foreign.h"
#include "sim.h"

#define CHATS 8u

struct sim_guest {
  foreign *f;
  foreign_profile profile;
  int device; /* at the relay */
  size_t seen; /* events */
  int32_t invited[CHATS], ready[CHATS];
  size_t invited_count, ready_count;
};

static sim_device *place(sim *s) { return &s->devices[1]; }

void sim_guest_new(sim *s, int64_t user_id) {
  dice x = sim_dice(s, 20);
  sim_guest *g = calloc(1, sizeof *g);
  if (g == NULL) abort();
  g->profile = (foreign_profile)dice_below(&x, FOREIGN_PROFILES);
  g->device = relay_add_device(s->relay, user_id);
  g->f = foreign_new(s->relay, g->device, user_id, g->profile, dice_next(&x));
  place(s)->sim = s;
  place(s)->index = 1;
  place(s)->user_id = user_id;
  s->guest = g;
}

void sim_guest_free(sim *s) {
  if (s->guest == NULL) return;
  foreign_free(s->guest->f);
  free(s->guest);
  s->guest = NULL;
}

uint32_t sim_guest_policy(const sim *s) { return foreign_policy(s->guest->profile); }
int64_t sim_guest_deadline(const sim *s) { return foreign_deadline(s->guest->f); }

/* What it shows and why it ends -------------------------------------------------------------------------------------------------------- */

static void take_text(sim *s, const foreign_event *e) {
  sim_message *m = sim_message_find(s, e->random_id);
  sim_view *v = sim_view_of(place(s), e->chat_id, 1);
  char text[SIM_TEXT_SIZE + 1];
  if (m == NULL || v == NULL || m->from != 0 || m->chat_id != e->chat_id) {
    sim_fail(s, "I2", "%s shows a message that nobody sent", foreign_name(s->guest->profile));
    return;
  }
  sim_text_of(m->text_id, text);
  if (strcmp(text, e->text) != 0) sim_fail(s, "I2", "message %d of chat %d arrives with another text", (int)m->raw, (int)e->chat_id);
  if (m->delivered[1]++ > 0) sim_fail(s, "I2", "message %d of chat %d is shown twice", (int)m->raw, (int)e->chat_id);
  if (m->raw != e->out || m->raw <= v->last_delivered) {
    sim_fail(s, "I2", "%s, chat %d: number %d is shown as %d, after %d", foreign_name(s->guest->profile), (int)e->chat_id, (int)m->raw, (int)e->out,
             (int)v->last_delivered);
  }
  v->last_delivered = m->raw;
}

/* Android gives up a chat in which more than a few messages wait behind a gap (S9): lawful, and no fault of ours. */
static void take_end(sim *s, const foreign_event *e) {
  if (e->by_us && strcmp(e->text, "too many messages behind a gap") != 0) {
    sim_fail(s, "I6", "%s ends chat %d: %s", foreign_name(s->guest->profile), (int)e->chat_id, e->text);
  }
  s->left = 1;
}

static void take_event(sim *s, const foreign_event *e) {
  sim_guest *g = s->guest;
  sim_trace(s, "1 %s: event %d chat %d random_id %llx value %d %s", foreign_name(g->profile), (int)e->type, (int)e->chat_id,
            (unsigned long long)e->random_id, (int)e->value, e->text);
  sim_note(s, (uint64_t)e->type << 32 | (uint32_t)e->value, (uint64_t)e->random_id ^ (uint32_t)e->chat_id);
  if (e->type == FOREIGN_TEXT && !sim_plants(s, SIM_PLANT_GUEST_LOST)) take_text(s, e);
  if (e->type == FOREIGN_CLOSED) take_end(s, e);
  if (e->type == FOREIGN_STUCK) sim_fail(s, "I4", "%s is stuck: %s", foreign_name(g->profile), e->text);
  if (e->type == FOREIGN_INVITED && g->invited_count < CHATS) g->invited[g->invited_count++] = e->chat_id;
  if (e->type == FOREIGN_READY && g->ready_count < CHATS) g->ready[g->ready_count++] = e->chat_id;
}

static void take_events(sim *s) {
  size_t count;
  (void)foreign_events(s->guest->f, &count);
  while (s->guest->seen < count) take_event(s, &foreign_events(s->guest->f, &count)[s->guest->seen++]);
}

int sim_guest_run(sim *s) {
  int any = foreign_run(s->guest->f, s->now);
  take_events(s);
  return any;
}

/* What its user does -------------------------------------------------------------------------------------------------------------------------- */

static void accept_all(sim *s) {
  sim_guest *g = s->guest;
  while (g->invited_count > 0) (void)foreign_accept(g->f, g->invited[--g->invited_count], s->now);
}

static void say(sim *s, int32_t chat_id) {
  foreign_chat_view view;
  char text[SIM_TEXT_SIZE + 1];
  int64_t text_id = (int64_t)(++s->serial << 24 | 0x5a5a5a), random_id = 0;
  sim_message *m;
  if (s->message_count == SIM_MESSAGES || foreign_view(s->guest->f, chat_id, &view) != 0) return;
  sim_text_of(text_id, text);
  if (foreign_text(s->guest->f, chat_id, text, 0, s->now, &random_id) != 0) return;
  m = sim_message_new(s, place(s), chat_id, random_id);
  m->text_id = text_id;
  m->raw = view.sent;
  sim_trace(s, "1 sends %llx in chat %d", (unsigned long long)random_id, (int)chat_id);
}

void sim_guest_speak(sim *s) {
  accept_all(s);
  for (size_t i = 0; i < s->guest->ready_count; i++) say(s, s->guest->ready[i]);
  take_events(s);
}

static void act(sim *s, dice *x) {
  sim_guest *g = s->guest;
  int32_t chat_id = g->ready_count == 0 ? 0 : g->ready[dice_below(x, g->ready_count)];
  uint64_t roll = dice_below(x, 100);
  if (dice_one_in(x, 3)) accept_all(s);
  if (chat_id == 0) {
    if (dice_one_in(x, 10)) (void)foreign_create(g->f, s->devices[0].user_id, s->now);
  } else if (roll < 70) {
    say(s, chat_id);
  } else if (roll < 80) {
    if (sim_has(s, SIM_REKEY)) (void)foreign_rekey(g->f, chat_id, s->now);
  } else if (roll < 90) {
    (void)foreign_ask_again(g->f, chat_id, s->now);
  } else if (sim_has(s, SIM_RESTART)) {
    sim_trace(s, "1 restarts");
    foreign_restart(g->f, s->now);
  }
}

void sim_guest_step(sim *s) {
  dice x = sim_dice(s, 21);
  if (dice_below(&x, 5) < 3) (void)foreign_run(s->guest->f, s->now);
  else act(s, &x);
  take_events(s);
}

/* Together (I4, I3) -------------------------------------------------------------------------------------------------------------------------- */

/* Not one that it has asked for, and forgotten before the answer came (D-38). */
int sim_guest_knows(const sim *s, int32_t chat_id) {
  foreign_chat_view view;
  return foreign_view(s->guest->f, chat_id, &view) == 0;
}

/* iOS decides a tie the other way round: both wait for a week then, and no longer (D-20). */
static int rekeying_is_late(const sim *s, const schat__secrets *x) {
  if (x == NULL) return 0;
  return (x->has & SCHAT__HAS_PREVIOUS) != 0 || x->state != SCHAT__REKEY_REQUESTED || s->devices[0].m->env.account.clock - x->since > 8 * SIM_DAY;
}

const char *sim_guest_apart(sim *s, const schat__slot *slot) {
  foreign_chat_view view;
  if (foreign_view(s->guest->f, slot->chat.chat_id, &view) != 0 || !view.ready) return "ready, and the other side is not";
  if (view.key_fingerprint != slot->chat.key_fingerprint) return "the keys differ";
  if (rekeying_is_late(s, slot->secrets)) return "a rekeying, or an old key, does not end";
  if (schat__count(slot, SCHAT__WAITING) > 0 || view.gap) return "a gap stays open";
  return slot->chat.in_seq != view.sent || slot->chat.out_seq != view.received ? "not everything has arrived" : NULL;
}

void sim_guest_check_end(sim *s) {
  for (size_t i = 0; i < s->message_count; i++) {
    const sim_message *m = &s->messages[i];
    const schat__slot *slot = sim_slot(&s->devices[0], m->chat_id);
    if (m->raw < 0 || slot == NULL || slot->chat.state != SCHAT_STATE_READY || !sim_guest_knows(s, m->chat_id)) continue;
    if (!m->delivered[1 - m->from]) sim_fail(s, "I3", "message %d of chat %d, from %d, is lost", (int)m->raw, (int)m->chat_id, m->from);
    if (m->from == 0 && m->sent_told + m->failed_told != 1) {
      sim_fail(s, "I3", "the fate of message %d of chat %d is told %d times", (int)m->raw, (int)m->chat_id, m->sent_told + m->failed_told);
    }
  }
}
