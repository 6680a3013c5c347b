/* SPDX-License-Identifier: BSL-1.0
 * test_inbound.c - what becomes of a message of the peer: refused without a trace, dropped as a repeat, put in its place, or the end of
 * the chat. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/buf.h"
#include "manager/manager.h"
#include "stage.h"
#include "tl/wire.h"

/* Objects by hand -------------------------------------------------------------------------------------------------------- */

typedef struct {
  uint8_t data[512];
  schat__writer w;
} object;

static void begin(object *o, unsigned constructor) {
  memset(o, 0, sizeof *o);
  o->w.data = o->data;
  o->w.capacity = sizeof o->data;
  schat__write32(&o->w, schat__tl_constructor_at(constructor)->id);
}

static void put_string(object *o, const char *text) {
  schat_bytes s;
  s.data = (const uint8_t *)text;
  s.size = strlen(text);
  schat__tl_write_string(&o->w, s);
}

static void put_constructor(object *o, unsigned constructor) {
  schat__write32(&o->w, schat__tl_constructor_at(constructor)->id);
}

static schat_bytes whole(const object *o) {
  schat_bytes b = {o->data, o->w.size};
  assert_true(schat__writer_fits(&o->w));
  return b;
}

/* The service message of layer 8 around NotifyLayer. */
static void begin_old_notify(object *o, int32_t layer) {
  begin(o, SCHAT__TL_decryptedMessageService8);
  schat__write64(&o->w, 99);
  put_string(o, "fifteen bytes..");
  put_constructor(o, SCHAT__TL_decryptedMessageActionNotifyLayer);
  schat__write32(&o->w, (uint32_t)layer);
}

static int feed_object(stage *s, schat_bytes bare) {
  size_t size;
  uint8_t *sealed = puppet_seal_object(s->p, bare, &size);
  int status = puppet_feed(stage_manager(s), s->chat_id, sealed, size, s->w->now);
  free(sealed);
  world_run(s->w);
  return status;
}

/* A message of that object under the puppet's next numbers. */
static int feed_message(stage *s, schat_bytes message) {
  int status = puppet_send(s->p, stage_manager(s), message, s->w->now);
  world_run(s->w);
  return status;
}

/* Order ------------------------------------------------------------------------------------------------------------------ */

#define DEALT 8

typedef struct {
  stage *s;
  uint8_t *packets[DEALT];
  size_t sizes[DEALT];
  size_t orders, repeats;
  int32_t first;
} deal;

/* The texts among the effects of this group, in order: 1, 2, 3 … */
static void all_have_come_in_order(deal *d, const schat__effect *before) {
  schat__env *env = &stage_manager(d->s)->env;
  const schat__effect *effect = before == NULL ? env->first_effect : before->next;
  const schat__slot *slot = stage_slot(d->s);
  int64_t next = 1;
  for (; effect != NULL; effect = effect->next) {
    if (effect->is_request || effect->type != SCHAT_EVENT_MESSAGE) continue;
    assert_int_equal(effect->ref, next);
    next++;
  }
  assert_int_equal(next, DEALT + 1);
  assert_int_equal(slot->chat.in_seq, d->first + DEALT);
  assert_int_equal(schat__count(slot, SCHAT__WAITING), 0);
  d->orders++;
}

/* Every message that is not yet there comes next, and is taken back after all that may follow it has been tried. */
static void deal_rest(deal *d, unsigned there, const schat__effect *before) {
  schat_manager *m = stage_manager(d->s);
  const schat__slot *slot = stage_slot(d->s);
  unsigned i;
  if (there == (1u << DEALT) - 1) {
    all_have_come_in_order(d, before);
    return;
  }
  for (i = 0; i < DEALT; i++) {
    schat__mark mark;
    int status, due = slot->chat.in_seq == d->first + (int32_t)i;
    if (there & (1u << i)) continue;
    schat__mark_set(&m->env, &mark);
    status = puppet_feed(m, d->s->chat_id, d->packets[i], d->sizes[i], d->s->w->now);
    assert_int_equal(status, due ? SCHAT_OK : SCHAT_WAITING);
    assert_true(schat__chat_check(slot));
    if ((there & (there - 1)) == 0) { /* near the root only: a repeat changes nothing */
      assert_int_equal(puppet_feed(m, d->s->chat_id, d->packets[i], d->sizes[i], d->s->w->now), SCHAT_DUPLICATE);
      d->repeats++;
    }
    deal_rest(d, there | 1u << i, before);
    schat__mark_undo(&m->env, &mark);
  }
}

/* R-SEQ-01, R-SEQ-12 accept: all 40,320 orders of eight messages end in one. */
static void every_order_of_eight_messages_is_put_right(void **state) {
  deal d;
  size_t i;
  (void)state;
  memset(&d, 0, sizeof d);
  d.s = stage_new(1, 1, NULL);
  d.first = d.s->p->out_raw;
  for (i = 0; i < DEALT; i++) {
    schat_bytes text = puppet_text(d.s->p, (int64_t)i + 1, "text", 0);
    int32_t raw = d.first + (int32_t)i;
    d.packets[i] = puppet_seal(d.s->p, schat__wire_in(1, 0), schat__wire_out(raw, 0), text, &d.sizes[i]);
  }
  assert_int_equal(schat_begin(stage_manager(d.s)), SCHAT_OK);
  deal_rest(&d, 0, stage_manager(d.s)->env.last_effect);
  assert_int_equal(schat_end(stage_manager(d.s), d.s->w->now), SCHAT_OK);
  assert_int_equal(d.orders, 40320);
  assert_true(d.repeats > 8);
  assert_int_equal(stage_slot(d.s)->chat.in_seq, d.first); /* everything was taken back */
  for (i = 0; i < DEALT; i++) free(d.packets[i]);
  stage_free(d.s);
}

/* The next order of n numbers, or 0 after the last. */
static int next_order(int *order, int n) {
  int i = n - 2, j = n - 1, swap;
  while (i >= 0 && order[i] > order[i + 1]) i--;
  if (i < 0) return 0;
  while (order[j] < order[i]) j--;
  swap = order[i], order[i] = order[j], order[j] = swap;
  for (i++, j = n - 1; i < j; i++, j--) swap = order[i], order[i] = order[j], order[j] = swap;
  return 1;
}

/* The random_id of the n-th message that had not been handed over before the crash; 0: none. */
static int64_t new_message(const stage *s, size_t n) {
  const world_event *event;
  size_t i;
  for (i = 0; (event = world_nth(s->w, 0, SCHAT_EVENT_MESSAGE, i)) != NULL; i++) {
    if (!event->repeated && n-- == 0) return event->random_id;
  }
  return 0;
}

/* Deals n texts under the next numbers in this order, each in a commit of its own, with a crash in between. */
static void deal_and_check(stage *s, const int *order, int n, int crash_after) {
  int32_t first = s->p->out_raw;
  int i;
  stage_forget(s);
  for (i = 0; i < n; i++) {
    int due = stage_slot(s)->chat.in_seq == first + order[i];
    assert_int_equal(stage_text_raw(s, s->p->in_raw, first + order[i], order[i] + 1, "text"), due ? SCHAT_OK : SCHAT_WAITING);
    if (i == crash_after) world_restart(s->w, 0, 1);
  }
  s->p->out_raw += n;
  for (i = 0; i < n; i++) assert_int_equal(stage_text_raw(s, s->p->in_raw, first + i, 100 + i, "other"), SCHAT_DUPLICATE);
  for (i = 0; i < n; i++) assert_int_equal(new_message(s, (size_t)i), i + 1);
  assert_int_equal(new_message(s, (size_t)n), 0);
  assert_int_equal(stage_info(s).waiting, 0);
}

/* R-SEQ-01, R-SEQ-12 accept; R-SEQ-08 reject: with a store, with crashes, for both roles */
static void every_order_is_put_right_across_crashes(void **state) {
  int n, role, crash = 0;
  (void)state;
  for (role = 0; role < 2; role++) {
    stage *s = stage_new(2, role, NULL);
    for (n = 1; n <= 4 + role; n++) {
      int order[DEALT] = {0, 1, 2, 3, 4, 5, 6, 7};
      do {
        deal_and_check(s, order, n, crash++ % n);
        stage_acknowledge(s);
      } while (next_order(order, n));
    }
    stage_free(s);
  }
}

/* R-SEQ-08 accept (the first) / reject: no repeat is looked at, be it the same bytes or other content under the same number */
static void a_repeat_is_dropped_unread(void **state) {
  stage *s = stage_new(3, 1, NULL);
  uint8_t *kept[6];
  size_t sizes[6], i;
  schat__action action;
  schat_stats stats;
  memstore *before;
  (void)state;
  SCHAT_INIT(stats);
  for (i = 0; i < 6; i++) {
    schat_bytes text = puppet_text(s->p, 10 + (int64_t)i, "first", 0);
    kept[i] = puppet_seal(s->p, schat__wire_in(1, 0), schat__wire_out(s->p->out_raw + (int32_t)i, 0), text, &sizes[i]);
  }
  for (i = 0; i < 6; i++) { /* the fourth is missing: two more wait behind it */
    if (i != 3) assert_true(puppet_feed(stage_manager(s), s->chat_id, kept[i], sizes[i], s->w->now) >= 0);
  }
  world_run(s->w);
  assert_int_equal(stage_info(s).waiting, 2);
  world_forget(s->w);
  before = world_image(s->w, 0);
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_FLUSH;
  s->p->layer = 200; /* not even the layer is noted */
  for (i = 0; i < 6; i++) {
    int32_t raw = s->p->out_raw + (int32_t)i;
    if (i == 3) continue;
    assert_int_equal(puppet_feed(stage_manager(s), s->chat_id, kept[i], sizes[i], s->w->now), SCHAT_DUPLICATE);
    assert_int_equal(stage_text_raw(s, 1, raw, 77, "altered"), SCHAT_DUPLICATE);
    assert_int_equal(stage_action_raw(s, 0, raw, &action), SCHAT_DUPLICATE);
    assert_int_equal(stage_text_raw(s, 1000, raw, 77, "altered"), SCHAT_DUPLICATE); /* an in_seq_no that would end the chat */
  }
  assert_int_equal(schat_get_stats(stage_manager(s), &stats), SCHAT_OK);
  assert_int_equal(stats.duplicates, 20);
  assert_true(stage_same(before, s->w->peers[0].store));
  assert_int_equal(s->w->peers[0].event_count, 0);
  for (i = 0; i < 6; i++) free(kept[i]);
  memstore_free(before);
  stage_free(s);
}

/* R-SEQ-02, R-SEQ-03 accept: service messages of every kind take one number each */
static void every_action_counts(void **state) {
  stage *s = stage_new(4, 1, NULL);
  static const int64_t ids[1] = {5};
  static const uint8_t value[256] = {9};
  schat__action action;
  int type;
  (void)state;
  for (type = SCHAT__ACTION_SET_TTL; type <= SCHAT__ACTION_NOOP; type++) {
    int32_t expected = s->p->out_raw + 1;
    memset(&action, 0, sizeof action);
    action.type = (schat__action_type)type;
    action.random_ids = ids;
    action.random_id_count = 1;
    action.layer = 144;
    action.exchange_id = 12;
    action.g.data = value;
    action.g.size = sizeof value;
    action.start = action.end = schat__wire_out(0, 1);
    assert_int_equal(stage_action(s, &action), SCHAT_OK);
    assert_int_equal(stage_slot(s)->chat.in_seq, expected);
    assert_int_equal(stage_info(s).state, SCHAT_STATE_READY);
  }
  assert_int_equal(stage_text(s, 1, "counts too"), SCHAT_OK);
  assert_int_equal(stage_slot(s)->chat.in_seq, 1 + SCHAT__ACTION_NOOP + 1);
  stage_free(s);
}

/* Wire numbers ----------------------------------------------------------------------------------------------------------- */

/* R-SEQ-03, R-SEQ-04 accept: the creator begins with in 0, out 1, the other with in 1, out 0 */
static void the_first_numbers_are_those_of_the_role(void **state) {
  int role;
  (void)state;
  for (role = 0; role < 2; role++) {
    stage *s = stage_new(5, role, NULL);
    size_t i;
    for (i = 0; i < 2; i++) {
      int by_creator = (i == 0) == role, was = s->p->originator;
      puppet_seen seen;
      schat_bytes bytes;
      bytes.data = s->first[i].bytes;
      bytes.size = s->first[i].size;
      s->p->originator = !by_creator; /* reads what its opposite has sent */
      assert_true(puppet_read(s->p, bytes, &seen));
      assert_int_equal(seen.wrapper.in_seq_no, by_creator ? 0 : 1);
      assert_int_equal(seen.wrapper.out_seq_no, by_creator ? 1 : 0);
      assert_int_equal(seen.wrapper.layer, 73); /* D-04: the peer's layer is not known yet */
      assert_int_equal(seen.action.type, SCHAT__ACTION_NOTIFY_LAYER);
      assert_int_equal(seen.action.layer, 144);
      s->p->originator = was;
    }
    stage_free(s);
  }
}

static void expect_closed(stage *s, int32_t reason) {
  const world_event *closed;
  world_run(s->w);
  closed = world_last(s->w, 0, SCHAT_EVENT_CLOSED);
  assert_non_null(closed);
  assert_int_equal(closed->reason, reason);
  assert_int_equal(stage_info(s).state, SCHAT_STATE_CLOSED);
  assert_int_equal(stage_info(s).close_reason, reason);
  assert_int_equal(world_requests(s->w, 0, SCHAT_REQUEST_DISCARD_ENCRYPTION), 1);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), 0);
}

/* R-SEQ-05 accept / reject: four combinations of parity, for both roles, also behind a gap and below zero */
static void a_wrong_parity_ends_the_chat(void **state) {
  static const int32_t bases[][2] = {{2, 2}, {2, 40}, {2, -2}, {-4, 2}, {-2, -2}, {2, INT_MAX - 1}, {2, INT_MIN}, {INT_MIN, 2}};
  int role;
  (void)state;
  for (role = 0; role < 2; role++) {
    stage *s = stage_new(6, role, NULL);
    int out_parity = role ? 0 : 1; /* of the peer */
    memstore *image = world_image(s->w, 0);
    size_t i;
    for (i = 0; i < 4 * sizeof bases / sizeof bases[0]; i++) {
      int in_bit = i & 1, out_bit = (i >> 1) & 1;
      int32_t wire_in = bases[i / 4][0] + in_bit, wire_out = bases[i / 4][1] + out_bit;
      int right = in_bit != out_parity && out_bit == out_parity;
      int status;
      stage_rewind(s, image);
      stage_forget(s);
      status = puppet_send_wire(s->p, stage_manager(s), wire_in, wire_out, puppet_text(s->p, 1, "text", 0), s->w->now);
      if (!right) {
        assert_int_equal(status, SCHAT_CHAT_CLOSED);
        expect_closed(s, SCHAT_CLOSE_BAD_PARITY);
      } else if (i < 4) {
        assert_int_equal(status, SCHAT_OK);
      } else {
        assert_int_not_equal(stage_info(s).close_reason, SCHAT_CLOSE_BAD_PARITY);
      }
    }
    memstore_free(image);
    stage_free(s);
  }
}

/* R-ENC-07 reject: what was sealed for the other direction does not open, so our own messages cannot be thrown back at us */
static void our_own_message_thrown_back_is_refused(void **state) {
  int role;
  (void)state;
  for (role = 0; role < 2; role++) {
    stage *s = stage_new(7, role, NULL);
    assert_true(world_text(s->w, 0, s->chat_id, "ours", NULL) >= 0);
    world_run(s->w);
    assert_int_equal(s->sent_count, 1);
    assert_int_equal(puppet_feed(stage_manager(s), s->chat_id, s->sent[0].bytes, s->sent[0].size, s->w->now), SCHAT_REJECTED);
    s->p->originator = !s->p->originator; /* the role swapped on one side */
    assert_int_equal(stage_text(s, 1, "swapped"), SCHAT_REJECTED);
    s->p->originator = !s->p->originator;
    s->p->out_raw--;
    assert_int_equal(stage_text(s, 1, "right"), SCHAT_OK);
    stage_free(s);
  }
}

/* in_seq_no --------------------------------------------------------------------------------------------------------------------- */

/* A chat whose account has made four messages, of which the peer has confirmed two. */
static stage *with_four_sent(uint64_t seed, uint32_t flags) {
  schat_policy policy;
  stage *s;
  int i;
  SCHAT_INIT(policy);
  policy.flags = SCHAT_POLICY_CHAIN_SENDS | flags;
  s = stage_new(seed, 1, &policy);
  for (i = 0; i < 3; i++) assert_true(world_text(s->w, 0, s->chat_id, "ours", NULL) >= 0);
  world_run(s->w);
  s->p->in_raw = 2;
  assert_int_equal(stage_text(s, 1, "confirms two"), SCHAT_OK);
  assert_int_equal(stage_slot(s)->chat.out_seq, 4);
  assert_int_equal(stage_slot(s)->chat.peer_in_seq, 2);
  stage_forget(s);
  return s;
}

/* R-SEQ-17..19 accept / reject: equal and larger up to all we made; one more, one less and less than nothing end the chat */
static void in_seq_no_only_grows_and_never_beyond_what_was_sent(void **state) {
  static const struct {
    int32_t in_raw;
    int lawful;
  } cases[] = {{2, 1}, {3, 1}, {4, 1}, {5, 0}, {6, 0}, {1, 0}, {0, 0}, {-1, 0}, {-1073741824, 0}, {1073741823, 0}};
  stage *s = with_four_sent(8, 0);
  memstore *image = world_image(s->w, 0);
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    stage_rewind(s, image);
    assert_int_equal(stage_text_raw(s, 2, s->p->out_raw, 50, "after the restart"), SCHAT_OK); /* X-15 no longer asked */
    stage_forget(s);
    if (cases[i].lawful) {
      assert_int_equal(stage_text_raw(s, cases[i].in_raw, s->p->out_raw + 1, 51, "text"), SCHAT_OK);
      assert_int_equal(stage_slot(s)->chat.peer_in_seq, cases[i].in_raw);
      assert_int_equal(stage_info(s).unacknowledged, 4 - cases[i].in_raw);
    } else {
      assert_int_equal(stage_text_raw(s, cases[i].in_raw, s->p->out_raw + 1, 51, "text"), SCHAT_CHAT_CLOSED);
      expect_closed(s, SCHAT_CLOSE_BAD_IN_SEQ_NO);
    }
  }
  memstore_free(image);
  stage_free(s);
}

/* R-SEQ-17, R-SEQ-18 accept / reject behind a gap: too much is seen at once; too little is too little in the order of out_seq_no alone */
static void in_seq_no_is_judged_in_the_order_of_the_messages(void **state) {
  stage *s = with_four_sent(9, 0);
  int32_t first = s->p->out_raw;
  (void)state;
  assert_int_equal(stage_text_raw(s, 4, first + 2, 3, "third"), SCHAT_WAITING);
  assert_int_equal(stage_text_raw(s, 3, first + 1, 2, "second"), SCHAT_WAITING); /* less than the third, and rightly so */
  assert_int_equal(stage_slot(s)->chat.peer_in_seq, 2);                          /* nothing is confirmed by what waits */
  assert_int_equal(stage_text_raw(s, 2, first, 1, "first"), SCHAT_OK);
  assert_int_equal(stage_slot(s)->chat.peer_in_seq, 4);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), 3);
  stage_free(s);

  s = with_four_sent(9, 0);
  assert_int_equal(stage_text_raw(s, 2, first + 2, 3, "third"), SCHAT_WAITING);
  assert_int_equal(stage_text_raw(s, 3, first + 1, 2, "second"), SCHAT_WAITING);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_CLOSED), 0);
  assert_int_equal(stage_text_raw(s, 2, first, 1, "first"), SCHAT_CHAT_CLOSED); /* 2, 3, 2 */
  assert_int_equal(stage_info(s).close_reason, SCHAT_CLOSE_BAD_IN_SEQ_NO);
  stage_free(s);

  s = with_four_sent(9, 0);
  assert_int_equal(stage_text_raw(s, 99, first + 2, 3, "third"), SCHAT_CHAT_CLOSED);
  expect_closed(s, SCHAT_CLOSE_BAD_IN_SEQ_NO);
  stage_free(s);
}

/* R-SEQ-17 (policy): a smaller number is taken for the highest seen and reported; a larger one than we sent still ends the chat */
static void a_tolerant_policy_repairs_smaller_numbers(void **state) {
  static const int32_t smaller[] = {1, 0, -1, -1073741824};
  stage *s = with_four_sent(10, SCHAT_POLICY_TOLERATE_IN_SEQ_NO);
  size_t i;
  (void)state;
  for (i = 0; i < sizeof smaller / sizeof smaller[0]; i++) {
    stage_forget(s);
    assert_int_equal(stage_text_raw(s, smaller[i], s->p->out_raw++, 60 + (int64_t)i, "text"), SCHAT_OK);
    assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_IN_SEQ_NO_REPAIRED), 1);
    assert_int_equal(world_last(s->w, 0, SCHAT_EVENT_IN_SEQ_NO_REPAIRED)->value, 2);
    assert_int_equal(world_last(s->w, 0, SCHAT_EVENT_MESSAGE)->place, 2);
    assert_int_equal(stage_slot(s)->chat.peer_in_seq, 2);
  }
  stage_forget(s);
  assert_int_equal(stage_text_raw(s, 3, s->p->out_raw++, 70, "text"), SCHAT_OK);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_IN_SEQ_NO_REPAIRED), 0);
  stage_forget(s);
  assert_int_equal(stage_text_raw(s, 5, s->p->out_raw, 71, "text"), SCHAT_CHAT_CLOSED);
  expect_closed(s, SCHAT_CLOSE_BAD_IN_SEQ_NO);
  stage_free(s);
}

/* R-SEQ-20 accept: a message stands after the last of ours that its sender had */
static void a_message_has_its_place_among_ours(void **state) {
  static const int32_t places[] = {2, 2, 3, 4};
  stage *s = with_four_sent(11, 0);
  size_t i;
  (void)state;
  for (i = 4; i-- > 0;) stage_text_raw(s, places[i], s->p->out_raw + (int32_t)i, 10 + (int64_t)i, "text"); /* in reverse */
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), 4);
  for (i = 0; i < 4; i++) assert_int_equal(world_nth(s->w, 0, SCHAT_EVENT_MESSAGE, i)->place, places[i]);
  stage_free(s);
}

/* R-SEQ-20 accept: a peer that had seen nothing of ours speaks before all we said */
static void a_message_before_ours_has_the_first_place(void **state) {
  world *w = world_new(12, 2);
  int32_t chat_id;
  (void)state;
  w->peers[1].deaf = 0;
  chat_id = world_chat(w, 0, 1);
  world_forget(w);
  w->peers[0].deaf = 1;
  assert_true(world_text(w, 0, chat_id, "ours", NULL) >= 0);
  assert_true(world_text(w, 1, chat_id, "theirs, at the same time", NULL) >= 0);
  w->peers[0].deaf = 0;
  world_drain(w, 1);
  world_catch_up(w, 0);
  assert_int_equal(world_count(w, 0, SCHAT_EVENT_MESSAGE), 1);
  assert_int_equal(world_last(w, 0, SCHAT_EVENT_MESSAGE)->place, 1); /* after our NotifyLayer, before our text */
  world_free(w);
}

/* Refusals without a trace ----------------------------------------------------------------------------------------------- */

typedef struct {
  memstore *image;
  schat_chat_info info;
  schat__chat chat;
  size_t events;
} snapshot;

static snapshot take_snapshot(stage *s) {
  snapshot n;
  world_run(s->w);
  n.image = world_image(s->w, 0);
  n.info = stage_info(s);
  n.chat = stage_slot(s)->chat;
  n.events = s->w->peers[0].event_count;
  return n;
}

static void expect_unchanged(stage *s, const snapshot *n) {
  schat_chat_info info = stage_info(s);
  assert_memory_equal(&info, &n->info, sizeof info);
  assert_memory_equal(&stage_slot(s)->chat, &n->chat, sizeof n->chat);
  assert_true(stage_same(n->image, s->w->peers[0].store));
}

/* One event REJECTED for that reason and nothing else. */
static void expect_refused(stage *s, snapshot *n, int status, int32_t reason) {
  world_run(s->w);
  assert_int_equal(status, SCHAT_REJECTED);
  assert_int_equal(s->w->peers[0].event_count, n->events + 1);
  assert_int_equal(s->w->peers[0].events[n->events].type, SCHAT_EVENT_REJECTED);
  assert_int_equal(s->w->peers[0].events[n->events].reason, reason);
  n->events++;
  expect_unchanged(s, n);
}

/* R-DEC-01, R-DEC-03, R-DEC-07, X-01 accept / reject: each bit of header, msg_key and ciphertext */
static void a_flipped_bit_leaves_no_trace(void **state) {
  stage *s = stage_new(13, 1, NULL);
  char text[128];
  snapshot n;
  size_t size, bit;
  uint8_t *packet;
  (void)state;
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = 0;
  packet = puppet_seal(s->p, schat__wire_in(1, 0), schat__wire_out(1, 0), puppet_text(s->p, 1, text, 0), &size);
  assert_true(size >= 256);
  n = take_snapshot(s);
  for (bit = 0; bit < 8 * size; bit++) {
    packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
    expect_refused(s, &n, puppet_feed(stage_manager(s), s->chat_id, packet, size, s->w->now),
                   bit < 64 ? SCHAT_REJECT_UNKNOWN_KEY : SCHAT_REJECT_NOT_AUTHENTIC);
    packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  assert_int_equal(puppet_feed(stage_manager(s), s->chat_id, packet, size, s->w->now), SCHAT_OK);
  memstore_free(n.image);
  free(packet);
  stage_free(s);
}

/* A packet with that length field, and padding to 24 + padded_size bytes; authentic. */
static uint8_t *with_length(stage *s, schat_bytes wrapped, uint32_t length, size_t padded_size) {
  uint8_t *out = calloc(1, 24 + padded_size);
  assert_non_null(out);
  memcpy(out + 28, wrapped.data, wrapped.size);
  schat__store32(out + 24, length);
  assert_int_equal(schat__envelope_seal(s->p->crypto, s->p->key, s->p->key_fingerprint, s->p->originator, out + 24, padded_size, out),
                   SCHAT_OK);
  return out;
}

/* A wrapped Noop: with 15 random bytes 48 bytes, the smallest lawful message there is; with 27 of them 60. */
static schat_bytes noop_message(stage *s, object *o, const char *random_bytes) {
  schat__action noop;
  schat_bytes service;
  memset(&noop, 0, sizeof noop);
  noop.type = SCHAT__ACTION_NOOP;
  service = puppet_action(s->p, &noop);
  begin(o, SCHAT__TL_decryptedMessageLayer);
  put_string(o, random_bytes);
  schat__write32(&o->w, 144);
  schat__write32(&o->w, (uint32_t)schat__wire_in(1, s->p->originator));
  schat__write32(&o->w, (uint32_t)schat__wire_out(s->p->out_raw, s->p->originator));
  schat__write_raw(&o->w, service.data, service.size);
  return whole(o);
}

static schat_bytes smallest_message(stage *s, object *o) {
  schat_bytes bytes = noop_message(s, o, "fifteen bytes..");
  assert_int_equal(bytes.size, 48);
  return bytes;
}

/* R-DEC-02..06, X-01, X-02 accept / reject: every length that lies, however authentic, ends like a failed check */
static void a_length_that_lies_leaves_no_trace(void **state) {
  static const struct {
    uint32_t length;
    size_t padded;
  } lies[] = {{52, 64},          {60, 64},          {64, 64},          {40, 1072}, {44, 1088},        {56, 1088},         {0xffffffffu, 64},
              {0x80000000u, 64}, {0x7ffffffcu, 64}, {0xfffffffcu, 64}, {45, 64},   {46, 64},          {47, 64},           {0, 64},
              {0x7fffffffu, 96}, {59, 1088},        {61, 1088},        {62, 1088}, {0x80000030u, 96}, {0x0100003cu, 1088}};
  stage *s = stage_new(14, 1, NULL);
  snapshot n = take_snapshot(s);
  uint8_t *packet;
  object o;
  size_t i;
  (void)state;
  for (i = 0; i < sizeof lies / sizeof lies[0]; i++) {
    packet = with_length(s, noop_message(s, &o, lies[i].padded == 1088 ? "twenty-seven random bytes.." : "fifteen bytes.."), lies[i].length,
                         lies[i].padded);
    if (lies[i].length == 0) {
      assert_int_equal(puppet_feed(stage_manager(s), s->chat_id, packet, 24 + lies[i].padded, s->w->now), SCHAT_REJECTED);
      world_run(s->w);
      n.events++; /* lawful padding around nothing: no wrapper */
      assert_int_equal(world_last(s->w, 0, SCHAT_EVENT_REJECTED)->reason, SCHAT_REJECT_MALFORMED);
      expect_unchanged(s, &n);
    } else {
      expect_refused(s, &n, puppet_feed(stage_manager(s), s->chat_id, packet, 24 + lies[i].padded, s->w->now), SCHAT_REJECT_NOT_AUTHENTIC);
    }
    free(packet);
  }
  packet = with_length(s, smallest_message(s, &o), 48, 64); /* 12 bytes of padding */
  assert_int_equal(puppet_feed(stage_manager(s), s->chat_id, packet, 88, s->w->now), SCHAT_OK);
  free(packet);
  s->p->out_raw++;
  packet = with_length(s, noop_message(s, &o, "twenty-seven random bytes.."), 60, 1088); /* 1024 bytes of padding */
  assert_int_equal(puppet_feed(stage_manager(s), s->chat_id, packet, 24 + 1088, s->w->now), SCHAT_OK);
  free(packet);
  memstore_free(n.image);
  stage_free(s);
}

/* R-DEC-06, X-02 accept / reject: sizes from public data alone. 88 bytes are the least, all below and all between are refused unread. */
static void sizes_that_no_message_has_are_refused(void **state) {
  stage *s = stage_new(15, 1, NULL);
  snapshot n = take_snapshot(s);
  object o;
  uint8_t *packet = with_length(s, smallest_message(s, &o), 48, 64), *exact;
  size_t size;
  (void)state;
  for (size = 0; size < 88 + 64; size++) {
    if (size >= 88 && (size - 88) % 16 == 0) continue;
    exact = calloc(1, size > 0 ? size : 1); /* of that size alone: a byte more would be seen by the sanitizers */
    assert_non_null(exact);
    memcpy(exact, packet, size < 88 ? size : 88);
    expect_refused(s, &n, puppet_feed(stage_manager(s), s->chat_id, exact, size, s->w->now), SCHAT_REJECT_NOT_AUTHENTIC);
    free(exact);
  }
  free(packet);
  for (size = 16; size <= 48; size += 16) { /* authentic, and too small to be a message */
    object tiny;
    begin(&tiny, SCHAT__TL_decryptedMessageLayer);
    packet = with_length(s, whole(&tiny), 4, size);
    expect_refused(s, &n, puppet_feed(stage_manager(s), s->chat_id, packet, 24 + size, s->w->now), SCHAT_REJECT_NOT_AUTHENTIC);
    free(packet);
  }
  packet = with_length(s, smallest_message(s, &o), 48, 64);
  assert_int_equal(puppet_feed(stage_manager(s), s->chat_id, packet, 88, s->w->now), SCHAT_OK);
  free(packet);
  memstore_free(n.image);
  stage_free(s);
}

/* D-11, X-02 accept / reject: a message of the largest size, and of one block more */
static void a_message_over_the_limit_is_refused_unread(void **state) {
  schat_policy policy;
  stage *s;
  snapshot n;
  object o;
  uint8_t *packet;
  (void)state;
  SCHAT_INIT(policy);
  policy.flags = SCHAT_POLICY_CHAIN_SENDS;
  policy.max_message_bytes = 1000; /* 24 + 976 */
  s = stage_new(16, 1, &policy);
  n = take_snapshot(s);
  packet = with_length(s, smallest_message(s, &o), 48, 992);
  expect_refused(s, &n, puppet_feed(stage_manager(s), s->chat_id, packet, 24 + 992, s->w->now), SCHAT_REJECT_TOO_LARGE);
  free(packet);
  packet = with_length(s, smallest_message(s, &o), 48, 976);
  assert_int_equal(puppet_feed(stage_manager(s), s->chat_id, packet, 1000, s->w->now), SCHAT_OK);
  free(packet);
  memstore_free(n.image);
  stage_free(s);
}

/* D-11 accept / reject: by default that is 1 MiB */
static void a_mebibyte_is_the_default_limit(void **state) {
  stage *s = stage_new(17, 1, NULL);
  snapshot n = take_snapshot(s);
  size_t size = 24 + ((1u << 20) - 24) / 16 * 16;
  uint8_t *packet = calloc(1, size + 16);
  (void)state;
  assert_non_null(packet);
  schat__store64(packet, (uint64_t)s->p->key_fingerprint);
  expect_refused(s, &n, puppet_feed(stage_manager(s), s->chat_id, packet, size + 16, s->w->now), SCHAT_REJECT_TOO_LARGE);
  expect_refused(s, &n, puppet_feed(stage_manager(s), s->chat_id, packet, size, s->w->now), SCHAT_REJECT_NOT_AUTHENTIC);
  free(packet);
  memstore_free(n.image);
  stage_free(s);
}

/* D-02 accept / reject: whatever is refused, the place in the server's queue is noted, so that it does not come again */
static void the_queue_moves_on_past_what_is_refused(void **state) {
  stage *s = stage_new(18, 1, NULL);
  schat_encrypted_message message;
  uint8_t junk[104] = {1};
  int32_t qts, date, now_at;
  size_t random_size;
  uint8_t *packet;
  (void)state;
  assert_int_equal(schat_checkpoint(stage_manager(s), &now_at, &date), SCHAT_OK);
  s->w->peers[0].hold = 1; /* the relay has never queued these */
  SCHAT_INIT(message);
  message.chat_id = s->chat_id;
  message.bytes.data = junk;
  message.bytes.size = 88; /* of a key nobody has */
  assert_int_equal(schat_input_message(stage_manager(s), &message, now_at + 1, s->w->now), SCHAT_REJECTED);
  schat__store64(junk, (uint64_t)s->p->key_fingerprint); /* a wrong msg_key */
  assert_int_equal(schat_input_message(stage_manager(s), &message, now_at + 2, s->w->now), SCHAT_REJECTED);
  message.bytes.size = 89; /* no multiple of 16 */
  assert_int_equal(schat_input_message(stage_manager(s), &message, now_at + 3, s->w->now), SCHAT_REJECTED);
  s->p->random_bytes = 14;
  packet = puppet_seal(s->p, schat__wire_in(1, 0), schat__wire_out(1, 0), puppet_text(s->p, 1, "text", 0), &random_size);
  message.bytes.data = packet;
  message.bytes.size = random_size;
  assert_int_equal(schat_input_message(stage_manager(s), &message, now_at + 4, s->w->now), SCHAT_REJECTED);
  free(packet);
  world_run(s->w);
  assert_int_equal(world_last_request(s->w, 0, SCHAT_REQUEST_RECEIVED_QUEUE)->qts, now_at + 4);
  world_restart(s->w, 0, 1);
  assert_int_equal(schat_checkpoint(stage_manager(s), &qts, &date), SCHAT_OK);
  assert_int_equal(qts, now_at + 4);
  stage_free(s);
}

/* R-DEC-08, D-02 accept / reject */
static void fewer_than_fifteen_random_bytes_are_refused(void **state) {
  static const size_t refused[] = {0, 1, 13, 14}, lawful[] = {15, 16, 31, 253, 254, 255, 256};
  stage *s = stage_new(19, 1, NULL);
  snapshot n = take_snapshot(s);
  size_t i;
  (void)state;
  for (i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    s->p->random_bytes = refused[i];
    expect_refused(s, &n, stage_text_raw(s, 1, s->p->out_raw, 1, "text"), SCHAT_REJECT_RANDOM_BYTES);
    expect_refused(s, &n, stage_text_raw(s, 1, s->p->out_raw + 5, 1, "behind a gap"), SCHAT_REJECT_RANDOM_BYTES);
    expect_refused(s, &n, stage_text_raw(s, 99, s->p->out_raw, 1, "a number that would end the chat"), SCHAT_REJECT_RANDOM_BYTES);
  }
  for (i = 0; i < sizeof lawful / sizeof lawful[0]; i++) {
    s->p->random_bytes = lawful[i];
    assert_int_equal(stage_text(s, 1 + (int64_t)i, "text"), SCHAT_OK);
  }
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), sizeof lawful / sizeof lawful[0]);
  memstore_free(n.image);
  stage_free(s);
}

/* Layers ----------------------------------------------------------------------------------------------------------------- */

/* As when nothing has been heard from the peer yet. */
static void forget_the_peer(stage *s) {
  schat__chat *chat = &stage_slot(s)->chat;
  chat->peer_layer = 46;
  chat->stated_layer = 73;
  chat->flags &= ~(SCHAT__FLAG_SEEN_V2 | SCHAT_CHAT_PEER_NEWER);
}

/* D-04 accept / reject: wrappers of layer 8 and more; we state 73, 101 or 144 */
static void wrappers_of_layer_8_and_more_are_read(void **state) {
  static const struct {
    int32_t layer, stated;
  } cases[] = {{8, 73}, {45, 73}, {46, 73}, {73, 73}, {100, 73}, {101, 101}, {143, 101}, {144, 144}, {145, 144}, {INT_MAX, 144}};
  static const int32_t refused[] = {7, 0, -1, INT_MIN};
  stage *s = stage_new(20, 1, NULL);
  size_t i;
  (void)state;
  for (i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    snapshot n = take_snapshot(s);
    s->p->layer = refused[i];
    expect_refused(s, &n, stage_text_raw(s, 1, s->p->out_raw, 1, "text"), SCHAT_REJECT_LAYER);
    memstore_free(n.image);
  }
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    forget_the_peer(s);
    stage_forget(s);
    s->p->layer = cases[i].layer;
    assert_int_equal(stage_text(s, 10 + (int64_t)i, "text"), SCHAT_OK);
    assert_int_equal(stage_info(s).peer_layer, cases[i].layer < 46 ? 46 : cases[i].layer);
    assert_int_equal(stage_info(s).layer, cases[i].stated);
    assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), 1);
    assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_PEER_NEWER_LAYER), cases[i].layer > 144);
  }
  stage_free(s);
}

/* R-DEC-09 accept / reject: the user is told once that this client is out of date, with the layer */
static void a_newer_layer_is_told_once(void **state) {
  stage *s = stage_new(21, 1, NULL);
  (void)state;
  s->p->layer = 144;
  assert_int_equal(stage_text(s, 1, "text"), SCHAT_OK);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_PEER_NEWER_LAYER), 0);
  assert_int_equal(stage_info(s).flags & SCHAT_CHAT_PEER_NEWER, 0);
  s->p->layer = 145;
  assert_int_equal(stage_text(s, 2, "text"), SCHAT_OK);
  s->p->layer = 146;
  assert_int_equal(stage_text(s, 3, "text"), SCHAT_OK);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_PEER_NEWER_LAYER), 1);
  assert_int_equal(world_last(s->w, 0, SCHAT_EVENT_PEER_NEWER_LAYER)->value, 145);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), 3);
  world_restart(s->w, 0, 1);
  assert_true(stage_info(s).flags & SCHAT_CHAT_PEER_NEWER);
  stage_free(s);
}

/* D-04, L5 accept: a lower layer is tolerated; neither what we state nor what the peer can read goes down */
static void layers_never_go_down(void **state) {
  stage *s = stage_new(22, 1, NULL);
  puppet_seen seen;
  static const int32_t layers[] = {144, 101, 73, 46, 8};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof layers / sizeof layers[0]; i++) {
    s->p->layer = layers[i];
    assert_int_equal(stage_text(s, 1 + (int64_t)i, "text"), SCHAT_OK);
    assert_int_equal(stage_info(s).peer_layer, 144);
    assert_true(world_text(s->w, 0, s->chat_id, "answer", NULL) >= 0);
    world_run(s->w);
    assert_true(stage_read(s, s->sent_count - 1, &seen));
    assert_int_equal(seen.wrapper.layer, 144);
  }
  stage_free(s);
}

/* MTProto 1 -------------------------------------------------------------------------------------------------------------- */

/* D-01, R-DEC-10, X-04 accept / reject: until the peer shows that it knows better, by version or by layer */
static void mtproto_1_is_read_until_version_2_or_layer_73(void **state) {
  stage *s = stage_new(23, 1, NULL);
  snapshot n;
  (void)state;
  forget_the_peer(s);
  s->p->mtproto = 1;
  s->p->layer = 46;
  assert_int_equal(stage_text(s, 1, "old"), SCHAT_OK);
  s->p->layer = 72;
  assert_int_equal(stage_text(s, 2, "still old"), SCHAT_OK);
  s->p->mtproto = 2;
  assert_int_equal(stage_text(s, 3, "new"), SCHAT_OK);
  s->p->mtproto = 1;
  n = take_snapshot(s);
  expect_refused(s, &n, stage_text_raw(s, 1, s->p->out_raw, 4, "old again"), SCHAT_REJECT_NOT_AUTHENTIC);
  memstore_free(n.image);

  forget_the_peer(s);
  s->p->layer = 73;
  assert_int_equal(stage_text(s, 5, "old, of a layer that is not"), SCHAT_OK);
  n = take_snapshot(s);
  expect_refused(s, &n, stage_text_raw(s, 1, s->p->out_raw, 6, "old again"), SCHAT_REJECT_NOT_AUTHENTIC);
  memstore_free(n.image);
  world_restart(s->w, 0, 1);
  stage_forget(s);
  assert_int_equal(stage_text_raw(s, 1, s->p->out_raw, 7, "after a restart"), SCHAT_REJECTED);
  stage_free(s);
}

/* D-01 reject: a NotifyLayer without a wrapper is a message of version 2 as well */
static void a_bare_message_of_version_2_ends_version_1_too(void **state) {
  stage *s = stage_new(24, 1, NULL);
  object o;
  (void)state;
  forget_the_peer(s);
  begin_old_notify(&o, 46);
  assert_int_equal(feed_object(s, whole(&o)), SCHAT_OK);
  s->p->mtproto = 1;
  s->p->layer = 46;
  assert_int_equal(stage_text(s, 1, "old"), SCHAT_REJECTED);
  stage_free(s);
}

/* D-01, X-04 reject: never under the policy, and the application hears of it once */
static void a_strict_policy_refuses_mtproto_1(void **state) {
  schat_policy policy;
  stage *s;
  (void)state;
  SCHAT_INIT(policy);
  policy.flags = SCHAT_POLICY_CHAIN_SENDS | SCHAT_POLICY_REFUSE_MTPROTO1;
  s = stage_new(25, 1, &policy);
  forget_the_peer(s);
  s->p->mtproto = 1;
  s->p->layer = 46;
  assert_int_equal(stage_text_raw(s, 1, 1, 1, "old"), SCHAT_REJECTED);
  assert_int_equal(stage_text_raw(s, 1, 1, 1, "old"), SCHAT_REJECTED);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_PEER_TOO_OLD), 1);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_REJECTED), 2);
  assert_int_equal(world_last(s->w, 0, SCHAT_EVENT_REJECTED)->reason, SCHAT_REJECT_MTPROTO1);
  assert_int_equal(stage_info(s).state, SCHAT_STATE_READY);
  s->p->mtproto = 2;
  assert_int_equal(stage_text(s, 1, "new"), SCHAT_OK);
  stage_free(s);
}

/* R-ENC-09, D-01 accept: what we send is version 2, to a peer that speaks version 1 as well */
static void answers_to_version_1_are_version_2(void **state) {
  stage *s = stage_new(26, 1, NULL);
  uint8_t work[2048];
  const uint8_t *bare;
  size_t bare_size, i;
  (void)state;
  forget_the_peer(s);
  s->p->mtproto = 1;
  s->p->layer = 46;
  assert_int_equal(stage_text(s, 1, "old"), SCHAT_OK);
  for (i = 0; i < 20; i++) assert_true(world_text(s->w, 0, s->chat_id, "answer", NULL) >= 0);
  world_run(s->w);
  assert_int_equal(s->sent_count, 20);
  for (i = 0; i < s->sent_count; i++) {
    assert_true(s->sent[i].size < sizeof work);
    assert_int_equal(schat__envelope_open(s->p->crypto, s->p->key, s->p->key_fingerprint, 2, 1, s->sent[i].bytes, s->sent[i].size, work,
                                          &bare, &bare_size),
                     1);
    assert_int_equal(schat__envelope_open(s->p->crypto, s->p->key, s->p->key_fingerprint, 1, 1, s->sent[i].bytes, s->sent[i].size, work,
                                          &bare, &bare_size),
                     0);
  }
  stage_free(s);
}

/* Without a wrapper ------------------------------------------------------------------------------------------------------ */

/* R-DEC-11, D-05 accept: the oldest NotifyLayer, without a wrapper and without a place in the order, and inside one with its number */
static void an_old_notify_layer_is_read_in_both_places(void **state) {
  stage *s = stage_new(27, 1, NULL);
  object o;
  (void)state;
  forget_the_peer(s);
  begin_old_notify(&o, 101);
  assert_int_equal(feed_object(s, whole(&o)), SCHAT_OK);
  assert_int_equal(stage_info(s).peer_layer, 101);
  assert_int_equal(stage_slot(s)->chat.in_seq, 1);
  begin_old_notify(&o, 73);
  assert_int_equal(feed_object(s, whole(&o)), SCHAT_OK);
  assert_int_equal(stage_info(s).peer_layer, 101); /* never down */
  s->p->layer = 46;
  begin_old_notify(&o, 144);
  assert_int_equal(feed_message(s, whole(&o)), SCHAT_OK);
  assert_int_equal(stage_info(s).peer_layer, 144);
  assert_int_equal(stage_slot(s)->chat.in_seq, 2);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_UNSUPPORTED) + world_count(s->w, 0, SCHAT_EVENT_REJECTED), 0);
  stage_free(s);
}

/* D-05, X-03 reject: nothing else comes without a wrapper */
static void nothing_else_comes_without_a_wrapper(void **state) {
  stage *s = stage_new(28, 1, NULL);
  schat__action action;
  snapshot n;
  object o;
  schat_bytes cut;
  (void)state;
  n = take_snapshot(s);
  begin(&o, SCHAT__TL_decryptedMessageService8); /* of layer 8, and another action */
  schat__write64(&o.w, 99);
  put_string(&o, "fifteen bytes..");
  put_constructor(&o, SCHAT__TL_decryptedMessageActionFlushHistory);
  schat__write64(&o.w, 0); /* so that its size is one a message has */
  expect_refused(s, &n, feed_object(s, whole(&o)), SCHAT_REJECT_MALFORMED);
  o.w.size -= 8;
  expect_refused(s, &n, feed_object(s, whole(&o)), SCHAT_REJECT_MALFORMED);
  begin_old_notify(&o, 144); /* with something after it */
  schat__write32(&o.w, 0);
  expect_refused(s, &n, feed_object(s, whole(&o)), SCHAT_REJECT_MALFORMED);
  begin_old_notify(&o, 144); /* with something missing */
  cut = whole(&o);
  cut.size -= 4;
  expect_refused(s, &n, feed_object(s, cut), SCHAT_REJECT_MALFORMED);
  begin(&o, SCHAT__TL_decryptedMessage8);
  schat__write64(&o.w, 99);
  put_string(&o, "fifteen bytes..");
  put_string(&o, "text");
  put_constructor(&o, SCHAT__TL_decryptedMessageMediaEmpty);
  expect_refused(s, &n, feed_object(s, whole(&o)), SCHAT_REJECT_MALFORMED);
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_NOTIFY_LAYER;
  action.layer = 144;
  expect_refused(s, &n, feed_object(s, puppet_action(s->p, &action)), SCHAT_REJECT_MALFORMED); /* 73164160 */
  expect_refused(s, &n, feed_object(s, puppet_text(s->p, 1, "a text of a good length", 0)), SCHAT_REJECT_MALFORMED);
  memstore_free(n.image);
  stage_free(s);
}

/* D-05 accept: inside a wrapper every old form is read */
static void old_messages_in_a_wrapper_are_read(void **state) {
  static const char texts[4][4] = {"8", "23", "46", "73"};
  stage *s = stage_new(29, 1, NULL);
  object o;
  size_t i;
  (void)state;
  begin(&o, SCHAT__TL_decryptedMessage8);
  schat__write64(&o.w, 1);
  put_string(&o, "fifteen bytes..");
  put_string(&o, texts[0]);
  put_constructor(&o, SCHAT__TL_decryptedMessageMediaEmpty);
  assert_int_equal(feed_message(s, whole(&o)), SCHAT_OK);
  begin(&o, SCHAT__TL_decryptedMessage23);
  schat__write64(&o.w, 2);
  schat__write32(&o.w, 0);
  put_string(&o, texts[1]);
  put_constructor(&o, SCHAT__TL_decryptedMessageMediaEmpty);
  assert_int_equal(feed_message(s, whole(&o)), SCHAT_OK);
  begin(&o, SCHAT__TL_decryptedMessage46);
  schat__write32(&o.w, 0);
  schat__write64(&o.w, 3);
  schat__write32(&o.w, 0);
  put_string(&o, texts[2]);
  assert_int_equal(feed_message(s, whole(&o)), SCHAT_OK);
  assert_int_equal(stage_text(s, 4, texts[3]), SCHAT_OK);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), 4);
  for (i = 0; i < 4; i++) {
    const world_event *event = world_nth(s->w, 0, SCHAT_EVENT_MESSAGE, i);
    assert_int_equal(event->random_id, i + 1);
    assert_string_equal(event->text, texts[i]);
  }
  stage_free(s);
}

/* What cannot be read ---------------------------------------------------------------------------------------------------- */

/* D-03, X-03 accept / reject: its number counts, the application gets it, the chat stays, and one NotifyLayer answers all of them */
static void what_cannot_be_read_counts_and_is_handed_on(void **state) {
  stage *s = stage_new(30, 1, NULL);
  schat_bytes good = puppet_text(s->p, 7, "text", 0), none = {good.data, 0};
  uint8_t bytes[256] = {0};
  schat_bytes bad[6];
  puppet_seen seen;
  size_t i;
  (void)state;
  memcpy(bytes, good.data, good.size);
  bad[0].data = bytes, bad[0].size = good.size + 4;     /* something after it */
  bad[1].data = good.data, bad[1].size = good.size - 4; /* something missing */
  bad[2].data = bytes + 100, bad[2].size = 32;          /* no constructor */
  bad[3].data = (const uint8_t *)"\x77\x66\x55\x44", bad[3].size = 4;
  bad[4].data = bytes + 100, bad[4].size = 4;
  bad[5] = none; /* nothing at all */
  for (i = 0; i < 6; i++) {
    int32_t expected = s->p->out_raw + 1;
    assert_int_equal(feed_message(s, bad[i]), SCHAT_UNSUPPORTED_MESSAGE);
    assert_int_equal(stage_slot(s)->chat.in_seq, expected);
    assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_UNSUPPORTED), i + 1);
    assert_int_equal(stage_count(s, SCHAT__ACTION_NOTIFY_LAYER), 1);
  }
  assert_int_equal(s->sent_count, 1);
  assert_true(stage_read(s, 0, &seen));
  assert_int_equal(seen.action.layer, 144);
  world_restart(s->w, 0, 1);
  assert_int_equal(feed_message(s, bad[2]), SCHAT_UNSUPPORTED_MESSAGE); /* not after a restart either */
  assert_int_equal(stage_count(s, SCHAT__ACTION_NOTIFY_LAYER), 1);
  assert_int_equal(feed_message(s, good), SCHAT_OK);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), 1);
  assert_int_equal(stage_info(s).state, SCHAT_STATE_READY);
  stage_free(s);
}

/* D-03 accept: the raw bytes are in the event */
static void the_bytes_of_what_cannot_be_read_are_in_the_event(void **state) {
  static const uint8_t unknown[12] = {0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4, 5, 6, 7, 8};
  stage *s = stage_new(31, 1, NULL);
  schat_bytes bytes = {unknown, sizeof unknown};
  schat_effect effect;
  int seen = 0;
  (void)state;
  SCHAT_INIT(effect);
  assert_int_equal(puppet_send(s->p, stage_manager(s), bytes, s->w->now), SCHAT_UNSUPPORTED_MESSAGE);
  while (schat_peek(stage_manager(s), &effect) == SCHAT_OK) {
    if (effect.event != NULL && effect.event->type == SCHAT_EVENT_UNSUPPORTED) {
      assert_int_equal(effect.event->raw.size, sizeof unknown);
      assert_memory_equal(effect.event->raw.data, unknown, sizeof unknown);
      assert_int_equal(effect.event->place, 1);
      seen++;
    }
    schat_pop(stage_manager(s));
  }
  assert_int_equal(seen, 1);
  stage_free(s);
}

/* D-03 accept: the same behind a gap, where its number counts in its turn */
static void what_cannot_be_read_waits_like_anything_else(void **state) {
  stage *s = stage_new(32, 1, NULL);
  static const uint8_t unknown[4] = {1, 2, 3, 4};
  schat_bytes bytes = {unknown, sizeof unknown}, none = {unknown, 0};
  int32_t first = s->p->out_raw;
  (void)state;
  assert_int_equal(puppet_send_raw(s->p, stage_manager(s), 1, first + 1, bytes, s->w->now), SCHAT_WAITING);
  assert_int_equal(puppet_send_raw(s->p, stage_manager(s), 1, first + 2, none, s->w->now), SCHAT_WAITING);
  world_restart(s->w, 0, 1);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_UNSUPPORTED), 0);
  assert_int_equal(stage_text_raw(s, 1, first, 1, "text"), SCHAT_UNSUPPORTED_MESSAGE);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_UNSUPPORTED), 2);
  assert_int_equal(stage_slot(s)->chat.in_seq, first + 3);
  stage_free(s);
}

/* D-26 accept / reject: the inner random_id counts; two messages of one name are two; one without a name cannot be shown */
static void the_inner_random_id_counts(void **state) {
  stage *s = stage_new(33, 1, NULL);
  schat_encrypted_message message;
  object o;
  size_t size, i;
  (void)state;
  for (i = 0; i < 2; i++) {
    schat_bytes text = puppet_text(s->p, 7, "text", 0);
    uint8_t *packet = puppet_seal(s->p, schat__wire_in(1, 0), schat__wire_out(s->p->out_raw++, 0), text, &size);
    SCHAT_INIT(message);
    message.chat_id = s->chat_id;
    message.random_id = 12345 + (int64_t)i; /* what the server says */
    message.bytes.data = packet;
    message.bytes.size = size;
    assert_int_equal(schat_input_message(stage_manager(s), &message, 0, s->w->now), SCHAT_OK);
    free(packet);
  }
  world_run(s->w);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), 2);
  assert_int_equal(world_nth(s->w, 0, SCHAT_EVENT_MESSAGE, 0)->random_id, 7);
  assert_int_equal(world_nth(s->w, 0, SCHAT_EVENT_MESSAGE, 1)->random_id, 7);
  begin(&o, SCHAT__TL_decryptedMessage23);
  schat__write64(&o.w, 0);
  schat__write32(&o.w, 0);
  put_string(&o, "no name");
  put_constructor(&o, SCHAT__TL_decryptedMessageMediaEmpty);
  assert_int_equal(feed_message(s, whole(&o)), SCHAT_UNSUPPORTED_MESSAGE);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_UNSUPPORTED), 1);
  assert_int_equal(s->sent_count, 0); /* it is no question of layers */
  stage_free(s);
}

/* Counters --------------------------------------------------------------------------------------------------------------- */

static void set_in_seq(stage *s, int32_t in_seq) {
  schat__chat *chat = &stage_slot(s)->chat;
  chat->in_seq = in_seq;
  chat->in_highest = in_seq - 1;
  s->p->out_raw = in_seq;
}

/* R-SEQ-23 accept / reject: the last number whose answer can still be written, and the one after it */
static void the_last_number_of_the_peer_ends_the_chat(void **state) {
  int role;
  (void)state;
  for (role = 0; role < 2; role++) {
    stage *s = stage_new(34, role, NULL);
    puppet_seen seen;
    set_in_seq(s, SCHAT__SEQ_MAX - 2);
    assert_int_equal(stage_text(s, 1, "two before"), SCHAT_OK);
    assert_int_equal(stage_text(s, 2, "one before"), SCHAT_OK);
    assert_int_equal(stage_slot(s)->chat.in_seq, SCHAT__SEQ_MAX);
    assert_true(world_text(s->w, 0, s->chat_id, "its in_seq_no can be written", NULL) >= 0);
    world_run(s->w);
    assert_true(stage_read(s, s->sent_count - 1, &seen));
    assert_int_equal(seen.wrapper.in_seq_no, schat__wire_in(SCHAT__SEQ_MAX, role));
    assert_true(seen.wrapper.in_seq_no > 0);
    stage_forget(s);
    assert_int_equal(stage_text(s, 3, "the last"), SCHAT_CHAT_CLOSED);
    expect_closed(s, SCHAT_CLOSE_COUNTER_EXHAUSTED);
    stage_free(s);
  }
}

/* R-SEQ-23, X-13 reject: the highest number of all, far ahead, is a gap like any other */
static void a_number_far_ahead_only_waits(void **state) {
  int role;
  (void)state;
  for (role = 0; role < 2; role++) {
    stage *s = stage_new(35, role, NULL);
    assert_int_equal(stage_text_raw(s, 1, SCHAT__SEQ_MAX, 1, "text"), SCHAT_WAITING);
    assert_int_equal(stage_info(s).waiting, 1);
    assert_int_equal(stage_count(s, SCHAT__ACTION_RESEND), 1);
    assert_true(schat__chat_check(stage_slot(s)));
    assert_int_equal(stage_text(s, 2, "goes on"), SCHAT_OK);
    stage_free(s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_order_of_eight_messages_is_put_right),
      cmocka_unit_test(every_order_is_put_right_across_crashes),
      cmocka_unit_test(a_repeat_is_dropped_unread),
      cmocka_unit_test(every_action_counts),
      cmocka_unit_test(the_first_numbers_are_those_of_the_role),
      cmocka_unit_test(a_wrong_parity_ends_the_chat),
      cmocka_unit_test(our_own_message_thrown_back_is_refused),
      cmocka_unit_test(in_seq_no_only_grows_and_never_beyond_what_was_sent),
      cmocka_unit_test(in_seq_no_is_judged_in_the_order_of_the_messages),
      cmocka_unit_test(a_tolerant_policy_repairs_smaller_numbers),
      cmocka_unit_test(a_message_has_its_place_among_ours),
      cmocka_unit_test(a_message_before_ours_has_the_first_place),
      cmocka_unit_test(a_flipped_bit_leaves_no_trace),
      cmocka_unit_test(a_length_that_lies_leaves_no_trace),
      cmocka_unit_test(sizes_that_no_message_has_are_refused),
      cmocka_unit_test(a_message_over_the_limit_is_refused_unread),
      cmocka_unit_test(a_mebibyte_is_the_default_limit),
      cmocka_unit_test(the_queue_moves_on_past_what_is_refused),
      cmocka_unit_test(fewer_than_fifteen_random_bytes_are_refused),
      cmocka_unit_test(wrappers_of_layer_8_and_more_are_read),
      cmocka_unit_test(a_newer_layer_is_told_once),
      cmocka_unit_test(layers_never_go_down),
      cmocka_unit_test(mtproto_1_is_read_until_version_2_or_layer_73),
      cmocka_unit_test(a_bare_message_of_version_2_ends_version_1_too),
      cmocka_unit_test(a_strict_policy_refuses_mtproto_1),
      cmocka_unit_test(answers_to_version_1_are_version_2),
      cmocka_unit_test(an_old_notify_layer_is_read_in_both_places),
      cmocka_unit_test(nothing_else_comes_without_a_wrapper),
      cmocka_unit_test(old_messages_in_a_wrapper_are_read),
      cmocka_unit_test(what_cannot_be_read_counts_and_is_handed_on),
      cmocka_unit_test(the_bytes_of_what_cannot_be_read_are_in_the_event),
      cmocka_unit_test(what_cannot_be_read_waits_like_anything_else),
      cmocka_unit_test(the_inner_random_id_counts),
      cmocka_unit_test(the_last_number_of_the_peer_ends_the_chat),
      cmocka_unit_test(a_number_far_ahead_only_waits),
  };
  return cmocka_run_group_tests_name("inbound", tests, NULL, NULL);
}
