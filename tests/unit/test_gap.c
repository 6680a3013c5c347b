/* SPDX-License-Identifier: BSL-1.0
 * test_gap.c - messages of the peer that are missing: what waits meanwhile and how much of it, what is asked for and how often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stage.h"

#define MINUTE INT64_C(60000)

/* The n-th Resend since stage_forget that is not a message sent once more (D-36); 0 when there are fewer. */
static int nth_resend(stage *s, size_t n, schat__action *action, int32_t *out_raw) {
  puppet_seen seen;
  int32_t highest = -1;
  size_t i;
  for (i = 0; i < s->sent_count; i++) {
    int is_new = stage_read(s, i, &seen) && seen.out_raw > highest;
    if (is_new) highest = seen.out_raw;
    if (!is_new || seen.action.type != SCHAT__ACTION_RESEND || n-- > 0) continue;
    *action = seen.action;
    if (out_raw != NULL) *out_raw = seen.out_raw;
    return 1;
  }
  return 0;
}

static size_t asked(stage *s) {
  schat__action action;
  size_t n = 0;
  while (nth_resend(s, n, &action, NULL)) n++;
  return n;
}

/* The n-th Resend asks for the raw numbers first to last, in wire numbers of the puppet's parity. */
static void expect_resend(stage *s, size_t n, int32_t first, int32_t last) {
  schat__action action;
  assert_true(nth_resend(s, n, &action, NULL));
  assert_int_equal(action.start, schat__wire_out(first, s->p->originator));
  assert_int_equal(action.end, schat__wire_out(last, s->p->originator));
}

static void fill(stage *s, int32_t from, int32_t to) {
  int32_t raw;
  for (raw = from; raw <= to; raw++) stage_text_raw(s, s->p->in_raw, raw, 1000 + raw, "text");
}

static void expect_texts(stage *s, int32_t from, int32_t to) {
  int32_t raw;
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), to - from + 1);
  for (raw = from; raw <= to; raw++) {
    assert_int_equal(world_nth(s->w, 0, SCHAT_EVENT_MESSAGE, (size_t)(raw - from))->random_id, 1000 + raw);
  }
}

/* Asking ----------------------------------------------------------------------------------------------------------------- */

/* R-SEQ-09, R-SEQ-10, R-SEQ-12, R-SEQ-22 accept: gaps of 1, 2 and 1000, for both roles: start is the last number in order + 2, end the
 * number received - 2, on the wire */
static void a_gap_is_asked_for_exactly(void **state) {
  static const int32_t gaps[] = {1, 2, 1000};
  size_t i;
  int role;
  (void)state;
  for (role = 0; role < 2; role++) {
    for (i = 0; i < 3; i++) {
      stage *s = stage_new(1, role, NULL);
      int32_t first = s->p->out_raw;
      assert_int_equal(stage_text_raw(s, 1, first + gaps[i], 1000 + first + gaps[i], "late"), SCHAT_WAITING);
      assert_int_equal(asked(s), 1);
      expect_resend(s, 0, first, first + gaps[i] - 1);
      assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_GAP), 1);
      assert_int_equal(world_last(s->w, 0, SCHAT_EVENT_GAP)->value, gaps[i]);
      assert_true(stage_info(s).flags & SCHAT_CHAT_GAP);
      assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), 0);
      if (gaps[i] <= 2) {
        fill(s, first, first + gaps[i] - 1);
        expect_texts(s, first, first + gaps[i]);
        assert_int_equal(world_last(s->w, 0, SCHAT_EVENT_GAP)->value, 0);
        assert_false(stage_info(s).flags & SCHAT_CHAT_GAP);
      }
      stage_free(s);
    }
  }
}

/* R-SEQ-09 accept: what we send during a gap says that we have nothing behind it, and says more afterwards */
static void in_seq_no_stands_still_during_a_gap(void **state) {
  stage *s = stage_new(2, 1, NULL);
  int32_t first = s->p->out_raw;
  puppet_seen seen;
  size_t i;
  (void)state;
  fill(s, first + 1, first + 5);
  for (i = 0; i < 3; i++) assert_true(world_text(s->w, 0, s->chat_id, "ours", NULL) >= 0);
  world_run(s->w);
  assert_int_equal(s->sent_count, 4);
  for (i = 0; i < 4; i++) {
    assert_true(stage_read(s, i, &seen));
    assert_int_equal(seen.in_raw, first);
  }
  fill(s, first, first);
  assert_true(world_text(s->w, 0, s->chat_id, "ours", NULL) >= 0);
  world_run(s->w);
  assert_true(stage_read(s, 4, &seen));
  assert_int_equal(seen.in_raw, first + 6);
  stage_free(s);
}

/* R-SEQ-11 accept: a hundred messages behind one hole, one request */
static void one_hole_is_asked_for_once(void **state) {
  stage *s = stage_new(3, 1, NULL);
  int32_t first = s->p->out_raw, raw;
  (void)state;
  for (raw = first + 101; raw-- > first + 1;) stage_text_raw(s, 1, raw + 1, 1000 + raw + 1, "text"); /* the latest first */
  assert_int_equal(stage_info(s).waiting, 100);
  assert_int_equal(asked(s), 1);
  expect_resend(s, 0, first, first + 100); /* as far as could be known when the first one came */
  fill(s, first, first + 1);
  expect_texts(s, first, first + 101);
  assert_int_equal(asked(s), 1);
  stage_free(s);

  s = stage_new(3, 1, NULL);
  fill(s, first + 1, first + 100);
  assert_int_equal(stage_info(s).waiting, 100);
  assert_int_equal(asked(s), 1);
  expect_resend(s, 0, first, first);
  fill(s, first, first);
  expect_texts(s, first, first + 100);
  assert_int_equal(asked(s), 1);
  stage_free(s);
}

/* R-SEQ-11, R-SEQ-13 accept: every further hole is asked for by itself, whichever is filled first */
static void several_holes_are_asked_for_and_filled_in_any_order(void **state) {
  static const int32_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  static const int32_t holes[3][2] = {{0, 0}, {2, 3}, {6, 8}}; /* first and last, from the first missing one */
  size_t i, j;
  (void)state;
  for (i = 0; i < 6; i++) {
    stage *s = stage_new(4, 1, NULL);
    int32_t first = s->p->out_raw;
    fill(s, first + 1, first + 1);
    fill(s, first + 4, first + 5);
    fill(s, first + 9, first + 9);
    assert_int_equal(asked(s), 3);
    for (j = 0; j < 3; j++) expect_resend(s, j, first + holes[j][0], first + holes[j][1]);
    assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_GAP), 1);
    for (j = 0; j < 3; j++) fill(s, first + holes[orders[i][j]][0], first + holes[orders[i][j]][1]);
    expect_texts(s, first, first + 9);
    assert_int_equal(asked(s), 3);
    assert_int_equal(world_last(s->w, 0, SCHAT_EVENT_GAP)->value, 0);
    stage_free(s);
  }
}

/* R-SEQ-12 accept, R-SEQ-02: service messages wait and are applied like the others */
static void what_waits_takes_effect_in_its_turn(void **state) {
  stage *s = stage_new(5, 1, NULL);
  int32_t first = s->p->out_raw;
  schat__action action;
  (void)state;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_SET_TTL;
  action.ttl = 7;
  assert_int_equal(stage_action_raw(s, 1, first + 1, &action), SCHAT_WAITING);
  action.ttl = 9;
  assert_int_equal(stage_action_raw(s, 1, first + 2, &action), SCHAT_WAITING);
  assert_int_equal(stage_info(s).ttl, 0);
  action.ttl = 5;
  assert_int_equal(stage_action_raw(s, 1, first, &action), SCHAT_OK);
  assert_int_equal(stage_info(s).ttl, 9);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_TTL), 3);
  assert_int_equal(world_nth(s->w, 0, SCHAT_EVENT_TTL, 0)->value, 5);
  assert_int_equal(world_nth(s->w, 0, SCHAT_EVENT_TTL, 1)->value, 7);
  stage_free(s);
}

/* Bounds ----------------------------------------------------------------------------------------------------------------- */

static stage *bounded(uint64_t seed, uint32_t messages, uint32_t bytes) {
  schat_policy policy;
  SCHAT_INIT(policy);
  policy.flags = SCHAT_POLICY_CHAIN_SENDS;
  policy.max_waiting_messages = messages;
  policy.max_waiting_bytes = bytes;
  return stage_new(seed, 1, &policy);
}

static void expect_overflow(stage *s, int status) {
  world_run(s->w);
  assert_int_equal(status, SCHAT_CHAT_CLOSED);
  assert_int_equal(stage_info(s).close_reason, SCHAT_CLOSE_QUEUE_OVERFLOW);
  assert_int_equal(world_requests(s->w, 0, SCHAT_REQUEST_DISCARD_ENCRYPTION), 1);
  assert_int_equal(memstore_count(s->w->peers[0].store, SCHAT_RECORD_GAP), 0);
}

/* X-13, D-11 accept / reject: as many as the policy says, and one more; also counted again after a restart */
static void the_queue_is_bounded_by_count(void **state) {
  stage *s = bounded(6, 5, 0);
  int32_t first = s->p->out_raw;
  (void)state;
  fill(s, first + 1, first + 5);
  assert_int_equal(stage_info(s).waiting, 5);
  world_restart(s->w, 0, 1);
  assert_int_equal(stage_text_raw(s, 1, first + 5, 1, "a repeat needs no room"), SCHAT_DUPLICATE);
  assert_int_equal(stage_info(s).state, SCHAT_STATE_READY);
  expect_overflow(s, stage_text_raw(s, 1, first + 6, 1, "one more"));
  stage_free(s);

  s = bounded(6, 5, 0);
  fill(s, first + 1, first + 5);
  fill(s, first, first); /* the gap is closed in time */
  expect_texts(s, first, first + 5);
  fill(s, first + 7, first + 11);
  assert_int_equal(stage_info(s).waiting, 5);
  assert_int_equal(stage_info(s).state, SCHAT_STATE_READY);
  stage_free(s);
}

/* X-13, D-11 accept / reject: to the byte */
static void the_queue_is_bounded_by_bytes(void **state) {
  stage *s = bounded(7, 0, 1000);
  int32_t first = s->p->out_raw;
  uint8_t bytes[1000] = {0};
  schat_bytes message;
  (void)state;
  message.data = bytes;
  message.size = 600;
  assert_int_equal(puppet_send_raw(s->p, stage_manager(s), 1, first + 1, message, s->w->now), SCHAT_WAITING);
  message.size = 396;
  assert_int_equal(puppet_send_raw(s->p, stage_manager(s), 1, first + 2, message, s->w->now), SCHAT_WAITING);
  message.size = 4;
  assert_int_equal(puppet_send_raw(s->p, stage_manager(s), 1, first + 3, message, s->w->now), SCHAT_WAITING); /* 1000 */
  world_run(s->w);
  assert_int_equal(stage_info(s).waiting, 3);
  expect_overflow(s, stage_text_raw(s, 1, first + 4, 1, "one more"));
  stage_free(s);

  s = bounded(7, 0, 1000);
  message.size = 1000;
  assert_int_equal(puppet_send_raw(s->p, stage_manager(s), 1, first + 1, message, s->w->now), SCHAT_WAITING);
  stage_free(s);
}

/* D-11, X-13 accept / reject: by default 1,000 messages */
static void a_thousand_messages_wait_by_default(void **state) {
  stage *s = bounded(8, 0, 0);
  int32_t first = s->p->out_raw, raw;
  schat_bytes text = puppet_text(s->p, 1, "text", 0);
  (void)state;
  for (raw = first + 1; raw <= first + 1000; raw++) {
    assert_int_equal(puppet_send_raw(s->p, stage_manager(s), 1, raw, text, s->w->now), SCHAT_WAITING);
  }
  world_run(s->w);
  assert_int_equal(stage_info(s).waiting, 1000);
  assert_int_equal(asked(s), 1);
  expect_overflow(s, stage_text_raw(s, 1, first + 1001, 1, "one more"));
  stage_free(s);
}

/* D-11, X-13 accept / reject: by default 4 MiB */
static void four_mebibytes_wait_by_default(void **state) {
  stage *s = bounded(9, 0, 0);
  int32_t first = s->p->out_raw, raw;
  schat_bytes message;
  uint8_t *bytes = calloc(1, 1u << 19);
  (void)state;
  assert_non_null(bytes);
  message.data = bytes;
  message.size = 1u << 19;
  for (raw = first + 1; raw <= first + 8; raw++) {
    assert_int_equal(puppet_send_raw(s->p, stage_manager(s), 1, raw, message, s->w->now), SCHAT_WAITING);
  }
  world_run(s->w);
  message.size = 4;
  expect_overflow(s, puppet_send_raw(s->p, stage_manager(s), 1, first + 9, message, s->w->now));
  free(bytes);
  stage_free(s);
}

/* X-13, D-37 accept: a gap of a million costs one request of at most a thousand messages at a time, and one message of memory */
static void a_gap_of_a_million_costs_little(void **state) {
  stage *s = bounded(10, 0, 0);
  int32_t first = s->p->out_raw, raw;
  schat_stats stats;
  uint64_t memory;
  size_t commits;
  (void)state;
  SCHAT_INIT(stats);
  assert_int_equal(schat_get_stats(stage_manager(s), &stats), SCHAT_OK);
  memory = stats.memory;
  assert_int_equal(stage_text_raw(s, 1, first + 1000000, 1, "far ahead"), SCHAT_WAITING);
  assert_int_equal(world_last(s->w, 0, SCHAT_EVENT_GAP)->value, 1000000);
  assert_int_equal(asked(s), 1);
  expect_resend(s, 0, first, first + 999);
  assert_int_equal(schat_get_stats(stage_manager(s), &stats), SCHAT_OK);
  assert_true(stats.memory < memory + 8192);
  commits = memstore_commits(s->w->peers[0].store);
  for (raw = first + 999999; raw > first + 999979; raw--) { /* a hostile peer that leaves a hole before each */
    assert_int_equal(stage_text_raw(s, 1, raw - (first + 999999 - raw) * 1000, 1, "holes"), SCHAT_WAITING);
  }
  assert_int_equal(asked(s), 1);
  assert_true(memstore_commits(s->w->peers[0].store) <= commits + 60);
  stage_forget(s);
  for (raw = first; raw < first + 500; raw++) {
    schat_bytes text = puppet_text(s->p, 1, "text", 0);
    assert_int_equal(puppet_send_raw(s->p, stage_manager(s), 1, raw, text, s->w->now), SCHAT_OK);
  }
  world_run(s->w);
  assert_int_equal(asked(s), 1); /* not one for each that comes */
  expect_resend(s, 0, first + 1000, first + 1499);
  stage_free(s);
}

/* D-37 accept: never more than a thousand are asked for that have not come; the rest follows as they do */
static void a_large_gap_is_asked_for_in_parts(void **state) {
  stage *s = bounded(11, 0, 0);
  int32_t first = s->p->out_raw, raw, next = first;
  size_t n;
  schat__action action;
  (void)state;
  assert_int_equal(stage_text_raw(s, 1, first + 1500, 1000 + first + 1500, "far ahead"), SCHAT_WAITING);
  for (raw = first; raw < first + 1500; raw++) {
    schat_bytes text = puppet_text(s->p, 1000 + raw, "text", 0);
    assert_int_equal(puppet_send_raw(s->p, stage_manager(s), 1, raw, text, s->w->now), SCHAT_OK);
    puppet_forget(s->p);
  }
  world_run(s->w);
  expect_texts(s, first, first + 1500);
  for (n = 0; nth_resend(s, n, &action, NULL); n++) { /* one after the other, without holes or overlaps */
    assert_int_equal(action.start, schat__wire_out(next, s->p->originator));
    next = (action.end - schat__wire_out(0, s->p->originator)) / 2 + 1;
    assert_true(next - (action.start - schat__wire_out(0, s->p->originator)) / 2 <= 1000);
  }
  assert_int_equal(next, first + 1500);
  assert_int_equal(n, 2);
  assert_int_equal(stage_info(s).waiting, 0);
  stage_free(s);
}

/* Again ------------------------------------------------------------------------------------------------------------------ */

/* D-10 accept: after 60 s, then 120, doubling, eight times; then GAP_STUCK, once, and the chat stays */
static void a_request_is_repeated_with_doubling_pauses(void **state) {
  stage *s = stage_new(12, 1, NULL);
  int32_t first = s->p->out_raw, raw, last_raw = -1;
  int64_t pause = MINUTE;
  schat__action action;
  size_t tries;
  (void)state;
  fill(s, first + 3, first + 3);
  for (tries = 1; tries <= 8; tries++, pause *= 2) {
    world_pass(s->w, pause - 1);
    assert_int_equal(asked(s), tries);
    world_pass(s->w, 1);
    assert_int_equal(asked(s), tries + 1);
    expect_resend(s, tries, first, first + 2);
    assert_true(nth_resend(s, tries, &action, &raw));
    assert_true(raw > last_raw); /* a new message, under a number of its own */
    last_raw = raw;
    assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_GAP_STUCK), 0);
  }
  world_pass(s->w, pause - 1);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_GAP_STUCK), 0);
  world_pass(s->w, 1);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_GAP_STUCK), 1);
  assert_true(stage_info(s).flags & SCHAT_CHAT_GAP_STUCK);
  world_pass(s->w, 1000 * MINUTE);
  assert_int_equal(asked(s), 9);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_GAP_STUCK), 1);
  assert_int_equal(stage_info(s).state, SCHAT_STATE_READY);
  assert_true(world_text(s->w, 0, s->chat_id, "we can still speak", NULL) >= 0);

  stage_forget(s); /* and it can still be healed */
  fill(s, first, first + 2);
  expect_texts(s, first, first + 3);
  assert_int_equal(world_last(s->w, 0, SCHAT_EVENT_GAP)->value, 0);
  assert_false(stage_info(s).flags & (SCHAT_CHAT_GAP | SCHAT_CHAT_GAP_STUCK));
  s->p->out_raw = first + 4;
  stage_acknowledge(s);
  stage_forget(s);
  fill(s, first + 6, first + 6); /* the next gap begins anew */
  assert_int_equal(asked(s), 1);
  world_pass(s->w, MINUTE);
  assert_int_equal(asked(s), 2);
  stage_free(s);
}

/* D-10 accept / reject: what has come meanwhile is not asked for again, and nothing is when all has come */
static void a_repetition_asks_for_what_is_still_missing(void **state) {
  stage *s = stage_new(13, 1, NULL);
  int32_t first = s->p->out_raw;
  (void)state;
  fill(s, first + 6, first + 6);
  fill(s, first, first + 1);
  fill(s, first + 4, first + 4);
  assert_int_equal(asked(s), 1);
  world_pass(s->w, MINUTE);
  assert_int_equal(asked(s), 3);
  expect_resend(s, 1, first + 2, first + 3);
  expect_resend(s, 2, first + 5, first + 5);
  fill(s, first + 2, first + 5);
  expect_texts(s, first, first + 6);
  world_pass(s->w, 1000 * MINUTE);
  assert_int_equal(asked(s), 3);
  stage_free(s);
}

/* The message that carries the first Resend has been sent `times` times. */
static void expect_first_resend(stage *s, size_t times) {
  schat__action action;
  int32_t raw = -1;
  assert_true(nth_resend(s, 0, &action, &raw));
  assert_true(stage_find(s, raw, times - 1) != SIZE_MAX);
  assert_true(stage_find(s, raw, times) == SIZE_MAX);
}

/* D-10, R-SEQ-11 accept: the hole, what waits behind it and what has been asked for are durable; a restart repeats the request under its
 * own number */
static void a_gap_survives_a_restart(void **state) {
  int crash;
  (void)state;
  for (crash = 0; crash < 2; crash++) {
    stage *s = stage_new(14, 1, NULL);
    int32_t first = s->p->out_raw;
    size_t i;
    fill(s, first + 2, first + 4);
    assert_int_equal(asked(s), 1);
    world_restart(s->w, 0, crash);
    assert_int_equal(stage_info(s).waiting, 3);
    assert_true(stage_info(s).flags & SCHAT_CHAT_GAP);
    schat_tick(stage_manager(s), s->w->now);
    world_run(s->w);
    assert_int_equal(asked(s), 1);
    expect_first_resend(s, 2);
    fill(s, first + 5, first + 6);
    assert_int_equal(asked(s), 1);
    world_forget(s->w);
    fill(s, first, first + 1);
    expect_texts(s, first, first + 6);
    for (i = 0; i < s->w->peers[0].event_count; i++) assert_false(s->w->peers[0].events[i].repeated);
    stage_free(s);
  }
}

/* D-10 accept: each restart repeats the request once, with no new number that could be lost in its turn, and shortens no pause; a gap
 * that is stuck stays so */
static void a_restart_asks_once(void **state) {
  stage *s = stage_new(15, 1, NULL);
  int32_t first = s->p->out_raw;
  size_t i;
  (void)state;
  fill(s, first + 1, first + 1);
  for (i = 1; i <= 5; i++) {
    world_restart(s->w, 0, 1);
    schat_tick(stage_manager(s), s->w->now);
    world_run(s->w);
    schat_tick(stage_manager(s), s->w->now);
    world_run(s->w);
    assert_int_equal(asked(s), 1);
    expect_first_resend(s, i + 1);
  }
  world_pass(s->w, MINUTE - 1);
  assert_int_equal(asked(s), 1);
  world_pass(s->w, 1);
  assert_int_equal(asked(s), 2);
  world_pass(s->w, 1000 * MINUTE);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_GAP_STUCK), 1);
  stage_forget(s);
  world_restart(s->w, 0, 0);
  schat_tick(stage_manager(s), s->w->now);
  world_run(s->w);
  world_pass(s->w, 1000 * MINUTE);
  assert_int_equal(asked(s), 1);
  assert_true(stage_info(s).flags & SCHAT_CHAT_GAP_STUCK);
  assert_int_equal(stage_info(s).state, SCHAT_STATE_READY);
  stage_free(s);
}

/* D-10 accept: a message that closes a part of the gap shows that the peer is there: the pauses begin anew */
static void patience_begins_anew_with_every_part(void **state) {
  stage *s = stage_new(17, 1, NULL);
  int32_t first = s->p->out_raw;
  size_t before;
  (void)state;
  fill(s, first + 4, first + 4);
  world_pass(s->w, 1000 * MINUTE);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_GAP_STUCK), 1);
  fill(s, first, first);
  assert_false(stage_info(s).flags & SCHAT_CHAT_GAP_STUCK);
  assert_true(stage_info(s).flags & SCHAT_CHAT_GAP);
  before = asked(s);
  world_pass(s->w, MINUTE - 1);
  assert_int_equal(asked(s), before);
  world_pass(s->w, 1);
  assert_int_equal(asked(s), before + 1);
  expect_resend(s, before, first + 1, first + 3);
  fill(s, first + 1, first + 3);
  expect_texts(s, first, first + 4);
  stage_free(s);
}

/* R-SEQ-10, D-10 accept: two accounts of the library heal what the server has lost, all by themselves */
static void two_accounts_heal_a_loss(void **state) {
  world *w = world_new(16, 2);
  int32_t chat_id = world_chat(w, 0, 1);
  relay_faults faults;
  char text[8];
  int i;
  (void)state;
  memset(&faults, 0, sizeof faults);
  faults.drop_for_good = 1;
  relay_set_faults(w->relay, &faults);
  for (i = 0; i < 5; i++) {
    text[0] = (char)('a' + i), text[1] = 0;
    assert_true(world_text(w, 0, chat_id, text, NULL) >= 0);
    assert_true(world_text(w, 1, chat_id, text, NULL) >= 0);
    world_run(w);
  }
  memset(&faults, 0, sizeof faults);
  relay_set_faults(w->relay, &faults);
  assert_true(world_text(w, 0, chat_id, "f", NULL) >= 0);
  assert_true(world_text(w, 1, chat_id, "f", NULL) >= 0); /* both have a hole at once (R-SEQ-15) */
  world_run(w);
  world_pass(w, 10 * MINUTE);
  for (i = 0; i < 2; i++) {
    size_t n;
    assert_int_equal(world_count(w, (size_t)i, SCHAT_EVENT_MESSAGE), 6);
    for (n = 0; n < 6; n++) assert_int_equal(world_nth(w, (size_t)i, SCHAT_EVENT_MESSAGE, n)->text[0], 'a' + (int)n);
    assert_int_equal(world_info(w, (size_t)i, chat_id).waiting, 0);
    assert_int_equal(world_info(w, (size_t)i, chat_id).state, SCHAT_STATE_READY);
  }
  world_free(w);
}

/* a peer that makes holes, fills them itself and confirms none of our requests gets 256 of them; once it confirms, the hole that is open is
 * asked for. */
static void a_peer_that_confirms_nothing_is_asked_256_times(void **state) {
  stage *s = stage_new(40, 1, NULL);
  int32_t raw = s->p->out_raw;
  int i;
  (void)state;
  for (i = 0; i < 400; i++, raw += 2) {
    fill(s, raw + 1, raw + 1);
    if (i < 399) fill(s, raw, raw);
  }
  assert_int_equal(asked(s), 256);
  assert_int_equal(stage_info(s).waiting, 1);
  fill(s, raw - 2, raw - 2); /* the last hole; what follows confirms all */
  s->p->in_raw = stage_slot(s)->chat.out_seq;
  fill(s, raw, raw);
  fill(s, raw + 2, raw + 2);
  assert_int_equal(asked(s), 257);
  fill(s, raw + 1, raw + 1);
  assert_int_equal(stage_info(s).waiting, 0);
  assert_int_equal(stage_info(s).state, SCHAT_STATE_READY);
  stage_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_gap_is_asked_for_exactly),
      cmocka_unit_test(in_seq_no_stands_still_during_a_gap),
      cmocka_unit_test(one_hole_is_asked_for_once),
      cmocka_unit_test(several_holes_are_asked_for_and_filled_in_any_order),
      cmocka_unit_test(a_peer_that_confirms_nothing_is_asked_256_times),
      cmocka_unit_test(what_waits_takes_effect_in_its_turn),
      cmocka_unit_test(the_queue_is_bounded_by_count),
      cmocka_unit_test(the_queue_is_bounded_by_bytes),
      cmocka_unit_test(a_thousand_messages_wait_by_default),
      cmocka_unit_test(four_mebibytes_wait_by_default),
      cmocka_unit_test(a_gap_of_a_million_costs_little),
      cmocka_unit_test(a_large_gap_is_asked_for_in_parts),
      cmocka_unit_test(a_request_is_repeated_with_doubling_pauses),
      cmocka_unit_test(a_repetition_asks_for_what_is_still_missing),
      cmocka_unit_test(a_gap_survives_a_restart),
      cmocka_unit_test(a_restart_asks_once),
      cmocka_unit_test(patience_begins_anew_with_every_part),
      cmocka_unit_test(two_accounts_heal_a_loss),
  };
  return cmocka_run_group_tests_name("gap", tests, NULL, NULL);
}
