/* SPDX-License-Identifier: BSL-1.0
 * negative_envelope.c - whole messages to a chat: which are taken, and what becomes of the others (R-DEC, R-SEQ). */
#include "run_vectors.h"
#include "stand.h"

static int load(run *r, const json_t *c, standing *at) {
  const json_t *role = json_object_get(c, "receiver_is_originator");
  at->key = fixed_field(r, c, "key", 256);
  at->originator = json_is_true(role);
  at->mtproto2_seen = !json_is_false(json_object_get(c, "mtproto2_seen"));
  return at->key != NULL && json_is_boolean(role) && int_field(c, "received", &at->received) && int_field(c, "sent", &at->sent) &&
         int_field(c, "confirmed", &at->confirmed);
}

static size_t events_of_content(const lab *l) {
  return lab_events(l, SCHAT_EVENT_MESSAGE) + lab_events(l, SCHAT_EVENT_UNSUPPORTED);
}

/* R-DEC-07: not a byte of state, one event, nothing sent. */
static int refused(run *r, stand *s, int status) {
  REQUIRE(status == SCHAT_REJECTED, "it is not refused");
  REQUIRE(stand_unchanged(s), "it is refused, and yet something has changed");
  REQUIRE(s->l->event_count == 1 && s->l->events[0].type == SCHAT_EVENT_REJECTED, "it is refused, and yet more is told than that");
  REQUIRE(s->l->sent_count == 0, "it is refused, and yet answered");
  return 1;
}

static int ignored(run *r, stand *s, int status) {
  REQUIRE(status == SCHAT_DUPLICATE, "it is not ignored");
  REQUIRE(stand_unchanged(s) && s->l->event_count == 0 && s->l->sent_count == 0, "it is ignored, and yet has an effect");
  return 1;
}

static int closed(run *r, const stand *s, int status) {
  const schat__chat *chat = lab_chat(s->l);
  REQUIRE(status == SCHAT_CHAT_CLOSED && chat->state == SCHAT_STATE_CLOSED, "it does not end the chat");
  REQUIRE(is_filled(chat->key, sizeof chat->key, 0), "the chat has ended, and its key is still there");
  REQUIRE((chat->flags & SCHAT_CHAT_DISCARD_PENDING) != 0, "the chat has ended, and the server is not told");
  REQUIRE(lab_events(s->l, SCHAT_EVENT_CLOSED) == 1 && events_of_content(s->l) == 0, "the chat has ended, and something else is told");
  return 1;
}

/* It has taken its place: the number after it is the next. */
static int counted(run *r, const stand *s) {
  REQUIRE(lab_chat(s->l)->state == SCHAT_STATE_READY, "the chat has ended");
  REQUIRE(lab_chat(s->l)->in_seq == s->chat.in_seq + 1, "it is not counted");
  REQUIRE(lab_events(s->l, SCHAT_EVENT_REJECTED) == 0, "it is counted, and yet refused");
  return 1;
}

static int accepted(run *r, const stand *s, int status) {
  REQUIRE(status == SCHAT_OK, "it is not accepted");
  REQUIRE(lab_events(s->l, SCHAT_EVENT_UNSUPPORTED) == 0, "it is not understood");
  return counted(r, s);
}

static int unsupported(run *r, const stand *s, int status) {
  REQUIRE(status == SCHAT_UNSUPPORTED_MESSAGE, "it is not counted as a message that cannot be read");
  REQUIRE(lab_events(s->l, SCHAT_EVENT_UNSUPPORTED) == 1 && lab_events(s->l, SCHAT_EVENT_MESSAGE) == 0, "it is not handed on unread");
  return counted(r, s);
}

static int unordered(run *r, const stand *s, int status) {
  REQUIRE(status == SCHAT_OK && lab_events(s->l, SCHAT_EVENT_REJECTED) == 0, "it is not accepted");
  REQUIRE(lab_chat(s->l)->in_seq == s->chat.in_seq && lab_chat(s->l)->in_highest == s->chat.in_highest,
          "it has taken a place in the order");
  return 1;
}

static int waits(run *r, const json_t *c, const stand *s, int status) {
  const json_t *range = json_object_get(c, "resend");
  const lab_sent *resend = lab_last(s->l, SCHAT__ACTION_RESEND);
  int32_t start = 0, end = 0;
  REQUIRE(int_value(json_array_get(range, 0), &start) && int_value(json_array_get(range, 1), &end), "resend is missing");
  REQUIRE(status == SCHAT_WAITING && events_of_content(s->l) == 0, "it does not wait");
  REQUIRE(lab_chat(s->l)->in_seq == s->chat.in_seq, "it waits, and yet it is counted");
  REQUIRE(lab_count(s->l, SCHAT__ACTION_RESEND) == 1 && s->l->sent_count == 1, "what is missing is not asked for once");
  REQUIRE(resend->start == start && resend->end == end, "something else is asked for than is missing");
  return 1;
}

int case_negative_envelope(run *r, const json_t *c) {
  standing at;
  schat_bytes message = {NULL, 0};
  const char *verdict = text_field(c, "verdict");
  REQUIRE(load(r, c, &at) && hex_field(r, c, "message", &message), "a field is missing or has a wrong size");
  stand *s = stand_take(r, &at);
  REQUIRE(s != NULL, "no chat can be in this state");
  int status = stand_feed(s, message);
  if (strcmp(verdict, "accept") == 0) return accepted(r, s, status);
  if (strcmp(verdict, "refuse") == 0) return refused(r, s, status);
  if (strcmp(verdict, "ignore") == 0) return ignored(r, s, status);
  if (strcmp(verdict, "close") == 0) return closed(r, s, status);
  if (strcmp(verdict, "unsupported") == 0) return unsupported(r, s, status);
  if (strcmp(verdict, "unordered") == 0) return unordered(r, s, status);
  if (strcmp(verdict, "wait") == 0) return waits(r, c, s, status);
  return fail(r, "a verdict that is not known");
}
