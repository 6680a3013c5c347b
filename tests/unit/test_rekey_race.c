/* SPDX-License-Identifier: BSL-1.0
 * test_rekey_race.c - new keys when things cross: both sides ask, requests come too early or too often, messages of both keys come in any
 * order, either side stops at any moment; and a year of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "lab.h"
#include "manager/manager.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define DAY (INT64_C(86400) * SECOND)
#define REQUEST SCHAT__ACTION_REQUEST_KEY
#define ACCEPT SCHAT__ACTION_ACCEPT_KEY
#define COMMIT SCHAT__ACTION_COMMIT_KEY
#define ABORT SCHAT__ACTION_ABORT_KEY
#define NOOP SCHAT__ACTION_NOOP

/* Only what is asked for: no rekeying by age or count. */
static lab *quiet_lab(uint64_t seed, int originator) {
  schat_policy policy;
  SCHAT_INIT(policy);
  policy.flags = SCHAT_POLICY_CHAIN_SENDS;
  policy.rekey_messages = UINT32_MAX;
  policy.rekey_seconds = UINT32_MAX;
  return lab_new(seed, originator, &policy);
}

static void assert_rests_on(const lab *l, int64_t fingerprint) {
  assert_int_equal(lab_chat(l)->state, SCHAT_STATE_READY);
  assert_int_equal(lab_state(l), SCHAT__REKEY_IDLE);
  assert_null(lab_slot(l)->secrets);
  assert_true(lab_chat(l)->key_fingerprint == fingerprint);
}

static void assert_failed(const lab *l, int32_t reason) {
  const lab_event *event = lab_last_event(l, SCHAT_EVENT_REKEY_FAILED);
  assert_non_null(event);
  assert_int_equal(event->reason, reason);
}

/* Both ask ---------------------------------------------------------------------------------------------------------------------- */

/* The library has asked under `ours`, the puppet asks under `theirs` before it has heard of it. */
static lab *collide(uint64_t seed, int64_t ours, int64_t theirs) {
  lab *l = lab_new(seed, (int)(seed % 2), NULL);
  lab_make_request(l);
  lab_slot(l)->secrets->exchange_id = ours; /* as if that number had been drawn */
  l->lag = 1;
  lab_forget(l);
  assert_int_equal(lab_request(l, theirs), SCHAT_OK);
  l->lag = 0;
  return l;
}

/* R-PFS-21, D-20: ours is larger, so theirs is ignored, without a word; ours goes on. */
static void ours_wins(uint64_t seed, int64_t ours, int64_t theirs) {
  lab *l = collide(seed, ours, theirs);
  assert_int_equal(l->sent_count + l->event_count, 0);
  assert_int_equal(lab_state(l), SCHAT__REKEY_REQUESTED);
  assert_true(lab_slot(l)->secrets->exchange_id == ours);
  assert_false(lab_has(l, SCHAT__HAS_PEER));
  lab_draw(l);
  lab_derive(l, lab_slot(l)->secrets->own);
  assert_int_equal(lab_send_key(l, ACCEPT, ours, l->own, 256, l->next_fingerprint), SCHAT_OK);
  assert_int_equal(lab_count(l, COMMIT), 1);
  assert_true(lab_last(l, COMMIT)->exchange_id == ours);
  lab_take_next(l);
  assert_int_equal(lab_noop(l), SCHAT_OK);
  assert_rests_on(l, l->next_fingerprint);
  assert_int_equal(lab_count(l, ABORT), 0);
  lab_free(l);
}

/* R-PFS-22, D-20: theirs is larger, so ours is dropped and theirs accepted, with a fresh exponent. */
static void theirs_wins(uint64_t seed, int64_t ours, int64_t theirs) {
  lab *l = lab_new(seed, (int)(seed % 2), NULL);
  uint8_t exponent[256], own[256];
  lab_make_request(l);
  lab_slot(l)->secrets->exchange_id = ours;
  memcpy(exponent, lab_slot(l)->secrets->exponent, 256);
  memcpy(own, lab_slot(l)->secrets->own, 256);
  lab_forget(l);
  l->lag = 1;
  assert_int_equal(lab_request(l, theirs), SCHAT_OK);
  l->lag = 0;
  assert_int_equal(l->sent_count, 1);
  assert_int_equal(lab_count(l, ACCEPT), 1);
  assert_true(lab_last(l, ACCEPT)->exchange_id == theirs);
  assert_memory_not_equal(lab_last(l, ACCEPT)->g, own, 256);
  assert_memory_not_equal(lab_slot(l)->secrets->exponent, exponent, 256); /* gone, not kept */
  assert_false(lab_has(l, SCHAT__HAS_EXPONENT));
  assert_int_equal(lab_send_key(l, ABORT, ours, NULL, 0, 0), SCHAT_OK); /* Android and iOS do: D-20 */
  assert_int_equal(lab_state(l), SCHAT__REKEY_ACCEPTED);
  assert_int_equal(lab_commit(l), SCHAT_OK);
  assert_int_equal(lab_noop(l), SCHAT_OK);
  assert_rests_on(l, l->next_fingerprint);
  assert_int_equal(lab_events(l, SCHAT_EVENT_REKEY_FAILED), 0);
  assert_int_equal(lab_events(l, SCHAT_EVENT_REKEYED), 1);
  assert_int_equal(lab_count(l, ABORT), 0);
  lab_free(l);
}

/* R-PFS-21 accept, signed compare: the larger of ours goes on. */
static void our_larger_exchange_goes_on(void **state) {
  (void)state;
  ours_wins(1, 1000, 999);
  ours_wins(2, 0, -1);
  ours_wins(3, INT64_MAX, INT64_MAX - 1);
  ours_wins(4, 5, INT64_MIN);
  ours_wins(5, INT64_MAX, INT64_MIN);
  ours_wins(6, INT64_MIN + 1, INT64_MIN);
}

/* R-PFS-22 accept; R-PFS-21, X-12 reject. */
static void their_larger_exchange_is_accepted_with_a_fresh_exponent(void **state) {
  (void)state;
  theirs_wins(7, 999, 1000);
  theirs_wins(8, -1, 0);
  theirs_wins(9, INT64_MIN, INT64_MAX);
  theirs_wins(10, INT64_MIN, INT64_MIN + 1);
  theirs_wins(11, -5, INT64_MAX);
  theirs_wins(12, INT64_MAX - 1, INT64_MAX);
}

/* R-PFS-23: equal: both stop, without a word; then they may begin anew, with other numbers. */
static void equal_exchanges_both_stop(void **state) {
  static const int64_t ids[] = {1000, -1, INT64_MIN, INT64_MAX};
  size_t i;
  (void)state;
  for (i = 0; i < 4; i++) {
    lab *l = collide(20 + i, ids[i], ids[i]);
    assert_int_equal(lab_count(l, ACCEPT) + lab_count(l, ABORT), 0);
    assert_int_equal(l->event_count, 0);
    assert_int_equal(lab_count(l, REQUEST), 1); /* the key is still too old */
    assert_true(lab_last(l, REQUEST)->exchange_id != ids[i]);
    assert_int_equal(lab_send_key(l, ACCEPT, ids[i], l->own, 256, 1), SCHAT_OK); /* of what has stopped */
    assert_int_equal(lab_count(l, COMMIT) + lab_count(l, ABORT), 0);
    assert_int_equal(lab_answer(l), SCHAT_OK);
    lab_take_next(l);
    assert_int_equal(lab_noop(l), SCHAT_OK);
    assert_rests_on(l, l->next_fingerprint);
    lab_free(l);
  }
}

/* R-PFS-22, X-11 reject: the larger exchange has a bad value: refused, and ours is not revived. */
static void a_larger_exchange_with_a_bad_value_is_refused(void **state) {
  static const uint8_t one[] = {1};
  lab *l = lab_new(25, 1, NULL);
  int64_t old = lab_chat(l)->key_fingerprint, ours;
  (void)state;
  lab_make_request(l);
  ours = lab_last(l, REQUEST)->exchange_id;
  lab_slot(l)->secrets->exchange_id = ours == INT64_MAX ? --ours : ours;
  assert_int_equal(lab_send_key(l, REQUEST, INT64_MAX, one, 1, 0), SCHAT_OK);
  assert_failed(l, SCHAT_REJECT_DH_VALUE);
  assert_int_equal(lab_count(l, ACCEPT), 0);
  assert_true(lab_last(l, ABORT)->exchange_id == INT64_MAX);
  assert_true(lab_chat(l)->key_fingerprint == old);
  lab_draw(l);
  assert_int_equal(lab_send_key(l, ACCEPT, ours, l->own, 256, 1), SCHAT_OK);
  assert_int_equal(lab_count(l, COMMIT), 0);
  lab_free(l);
}

/* X-10 reject: the id of a finished exchange, larger or smaller than ours that is open: ours goes on. */
static void a_finished_exchange_does_not_collide(void **state) {
  static const int64_t ids[] = {INT64_MAX, INT64_MIN};
  size_t i;
  (void)state;
  for (i = 0; i < 2; i++) {
    lab *l = lab_new(26 + i, 1, NULL);
    int64_t ours;
    lab_exchange(l, 0, ids[i]);
    lab_make_request(l);
    ours = lab_last(l, REQUEST)->exchange_id;
    lab_forget(l);
    assert_int_equal(lab_request(l, ids[i]), SCHAT_OK);
    assert_int_equal(l->sent_count, 0);
    assert_int_equal(lab_state(l), SCHAT__REKEY_REQUESTED);
    assert_true(lab_slot(l)->secrets->exchange_id == ours);
    lab_free(l);
  }
}

/* D-20: unanswered for seven days: dropped with the exponent, and asked anew after a pause. A peer that decides ties the other way round
 * (iOS) waits for us as we for it, and answers then. */
static void an_unanswered_exchange_is_dropped_after_seven_days(void **state) {
  lab *l = lab_new(30, 1, NULL);
  int64_t old = lab_chat(l)->key_fingerprint, id;
  (void)state;
  lab_make_request(l);
  id = lab_last(l, REQUEST)->exchange_id;
  assert_int_equal(lab_request(l, INT64_MIN), SCHAT_OK); /* it thinks that its own goes on */
  lab_restart(l, 1);
  lab_tick(l, LAB_WEEK);
  assert_int_equal(lab_say(l, "at the last moment"), SCHAT_OK);
  assert_int_equal(lab_state(l), SCHAT__REKEY_REQUESTED);
  assert_int_equal(lab_count(l, REQUEST), 1);
  lab_tick(l, 1);
  assert_failed(l, SCHAT_REJECT_EXPIRED);
  assert_rests_on(l, old);
  assert_int_equal(lab_count(l, ABORT), 0);
  lab_tick(l, MINUTE - 1);
  assert_int_equal(lab_count(l, REQUEST), 1);
  lab_tick(l, 1);
  assert_int_equal(lab_count(l, REQUEST), 2);
  assert_true(lab_last(l, REQUEST)->exchange_id != id);
  assert_int_equal(lab_answer(l), SCHAT_OK);
  lab_take_next(l);
  assert_int_equal(lab_noop(l), SCHAT_OK);
  assert_rests_on(l, l->next_fingerprint);
  lab_free(l);
}

/* D-20: a peer of the reversed rule keeps its own request as long as it is the smaller one, so that what is asked after a silence is
 * smaller than anything it can have drawn, until a key has come of it. */
static void what_is_asked_after_a_silence_wins_by_the_reversed_rule_too(void **state) {
  lab *l = lab_new(33, 1, NULL);
  uint64_t low = 0;
  int i;
  (void)state;
  lab_make_request(l);
  for (i = 0; i < 8; i++) {
    lab_tick(l, LAB_WEEK + 1);
    if (i == 4) lab_restart(l, 1);
    lab_tick(l, DAY);
    assert_int_equal(lab_count(l, REQUEST), i + 2);
    assert_true(lab_last(l, REQUEST)->exchange_id < INT64_MIN + (INT64_C(1) << 48));
    low |= (uint64_t)lab_last(l, REQUEST)->exchange_id;
  }
  assert_true((low & UINT64_C(0xffffffff)) > UINT64_C(0xff000000)); /* chance all the same */
  assert_int_equal(lab_answer(l), SCHAT_OK);
  lab_take_next(l);
  assert_int_equal(lab_noop(l), SCHAT_OK);
  lab_make_request(l);
  assert_true(lab_last(l, REQUEST)->exchange_id > INT64_MIN + (INT64_C(1) << 48));
  lab_free(l);
}

/* D-20 reject: the answer that comes after that is not taken any more. */
static void an_answer_after_seven_days_is_too_late(void **state) {
  lab *l = lab_new(31, 0, NULL);
  int64_t old = lab_chat(l)->key_fingerprint;
  (void)state;
  lab_make_request(l);
  lab_tick(l, LAB_WEEK + 1);
  assert_int_equal(lab_answer(l), SCHAT_OK);
  assert_int_equal(lab_last_event(l, SCHAT_EVENT_REJECTED)->reason, SCHAT_REJECT_EXCHANGE);
  assert_int_equal(lab_count(l, COMMIT), 0);
  assert_rests_on(l, old);
  lab_free(l);
}

/* Requests at the wrong time ------------------------------------------------------------------------------------------------------ */

/* D-21, X-10: the same id again, with the same or another value, before and after a restart: ignored. */
static void the_same_request_again_is_ignored(void **state) {
  lab *l = quiet_lab(40, 1);
  uint8_t first[256], exponent[256];
  (void)state;
  assert_int_equal(lab_request(l, 5), SCHAT_OK);
  assert_int_equal(lab_count(l, ACCEPT), 1);
  memcpy(first, l->own, 256);
  memcpy(exponent, l->exponent, 256);
  assert_int_equal(lab_send_key(l, REQUEST, 5, first, 256, 0), SCHAT_OK);
  lab_restart(l, 1);
  assert_int_equal(lab_request(l, 5), SCHAT_OK); /* draws another value */
  assert_int_equal(lab_count(l, ACCEPT), 1);
  assert_int_equal(lab_count(l, ABORT), 0);
  assert_int_equal(l->event_count, 0);
  memcpy(l->exponent, exponent, 256);
  assert_int_equal(lab_commit(l), SCHAT_OK);
  assert_true(lab_chat(l)->key_fingerprint == l->next_fingerprint);
  lab_free(l);
}

/* D-21: another id while one is accepted: AbortKey with its id; the accepted one can still be committed (R-PFS-10). */
static void another_request_while_one_is_accepted_is_aborted(void **state) {
  lab *l = quiet_lab(41, 0);
  int64_t old = lab_chat(l)->key_fingerprint;
  uint8_t exponent[256];
  (void)state;
  assert_int_equal(lab_request(l, 5), SCHAT_OK);
  memcpy(exponent, l->exponent, 256);
  assert_int_equal(lab_request(l, 6), SCHAT_OK);
  assert_int_equal(lab_count(l, ABORT), 1);
  assert_true(lab_last(l, ABORT)->exchange_id == 6);
  assert_int_equal(lab_count(l, ACCEPT), 1);
  assert_int_equal(lab_state(l), SCHAT__REKEY_ACCEPTED);
  assert_true(lab_chat(l)->key_fingerprint == old);
  memcpy(l->exponent, exponent, 256);
  l->exchange_id = 5;
  assert_int_equal(lab_commit(l), SCHAT_OK);
  assert_int_equal(lab_noop(l), SCHAT_OK);
  assert_rests_on(l, l->next_fingerprint);
  lab_free(l);
}

/* D-21 reject: a peer that answers each AbortKey with a new RequestKey at once, for ever: at most one a minute, and pauses double. */
static void abort_keys_are_a_minute_apart_and_pauses_double(void **state) {
  lab *l = quiet_lab(42, 1);
  int64_t last = 0, pause = MINUTE, id = 100, began;
  size_t aborts = 0;
  (void)state;
  assert_int_equal(lab_request(l, 5), SCHAT_OK);
  began = l->w->now;
  while (l->w->now < began + 2 * 3600 * SECOND) {
    assert_int_equal(lab_send_key(l, REQUEST, ++id, l->own, 256, 0), SCHAT_OK);
    assert_int_equal(lab_send_key(l, REQUEST, ++id, l->own, 256, 0), SCHAT_OK);
    if (lab_count(l, ABORT) > aborts) {
      assert_int_equal(lab_count(l, ABORT), ++aborts);
      if (aborts > 1) {
        assert_true(l->w->now - last >= pause);
        pause *= 2;
      }
      last = l->w->now;
    }
    lab_tick(l, 20 * SECOND);
    if (id == 220) lab_restart(l, 1); /* the pause is kept */
  }
  assert_in_range(aborts, 5, 7); /* after 0, 1, 3, 7, 15, 31, 63 minutes */
  assert_int_equal(lab_state(l), SCHAT__REKEY_ACCEPTED);
  lab_free(l);
}

/* The same for requests that are refused for their value (D-22). */
static void refusals_are_a_minute_apart_too(void **state) {
  static const uint8_t one[] = {1};
  lab *l = quiet_lab(43, 0);
  int i;
  (void)state;
  for (i = 0; i < 59; i++) {
    assert_int_equal(lab_send_key(l, REQUEST, 100 + i, one, 1, 0), SCHAT_OK);
    lab_tick(l, SECOND);
  }
  assert_int_equal(lab_count(l, ABORT), 1);
  lab_tick(l, SECOND);
  assert_int_equal(lab_send_key(l, REQUEST, 200, one, 1, 0), SCHAT_OK);
  assert_int_equal(lab_count(l, ABORT), 2);
  assert_int_equal(lab_events(l, SCHAT_EVENT_REKEY_FAILED), 60);
  lab_free(l);
}

/* D-21: the peer has given up what we accepted when it asks anew more than a week later. */
static void an_accepted_exchange_gives_way_after_seven_days(void **state) {
  lab *l = quiet_lab(44, 1);
  int64_t old = lab_chat(l)->key_fingerprint;
  (void)state;
  assert_int_equal(lab_request(l, 5), SCHAT_OK);
  lab_tick(l, LAB_WEEK);
  assert_int_equal(lab_request(l, 6), SCHAT_OK);
  assert_int_equal(lab_count(l, ABORT), 1);
  assert_int_equal(lab_count(l, ACCEPT), 1);
  lab_tick(l, 1);
  assert_int_equal(lab_request(l, 7), SCHAT_OK);
  assert_failed(l, SCHAT_REJECT_EXPIRED);
  assert_int_equal(lab_count(l, ACCEPT), 2);
  assert_true(lab_last(l, ACCEPT)->exchange_id == 7);
  assert_true(lab_chat(l)->key_fingerprint == old);
  assert_int_equal(lab_commit(l), SCHAT_OK);
  assert_int_equal(lab_noop(l), SCHAT_OK);
  assert_rests_on(l, l->next_fingerprint);
  lab_free(l);
}

/* The puppet has committed, but has not used the new key yet: we hold both. */
static lab *with_previous_key(uint64_t seed) {
  lab *l = quiet_lab(seed, (int)(seed % 2));
  assert_int_equal(lab_request(l, 5), SCHAT_OK);
  assert_int_equal(lab_commit(l), SCHAT_OK);
  assert_true(lab_has(l, SCHAT__HAS_PREVIOUS));
  return l;
}

/* D-21, R-PFS-11: RequestKey under the old key while the previous key is held (the peer has not used the new one): kept over a restart,
 * and accepted when the previous key goes. Never a crash, never the end. */
static void a_request_while_the_previous_key_is_held_is_kept(void **state) {
  size_t i;
  (void)state;
  for (i = 0; i < 2; i++) {
    lab *l = with_previous_key(46 + i);
    int64_t current = lab_chat(l)->key_fingerprint;
    uint8_t key[256];
    memcpy(key, l->p->key, 256);
    puppet_use_key(l->p, l->keys[0]);
    assert_int_equal(lab_request(l, 6), SCHAT_OK);
    assert_int_equal(lab_count(l, ACCEPT), 1); /* that of the first */
    assert_int_equal(lab_count(l, ABORT), 0);
    assert_true(lab_has(l, SCHAT__HAS_PEER) && lab_has(l, SCHAT__HAS_PREVIOUS));
    if (i == 1) lab_restart(l, 1);
    puppet_use_key(l->p, key);
    assert_int_equal(lab_say(l, "the new key"), SCHAT_OK);
    assert_false(lab_has(l, SCHAT__HAS_PREVIOUS));
    assert_int_equal(lab_count(l, ACCEPT), 2);
    assert_true(lab_last(l, ACCEPT)->exchange_id == 6 && lab_last(l, ACCEPT)->fingerprint == current);
    assert_int_equal(lab_commit(l), SCHAT_OK);
    assert_int_equal(lab_noop(l), SCHAT_OK);
    assert_rests_on(l, l->next_fingerprint);
    lab_free(l);
  }
}

/* The same where we were the initiator, and the request is the first message under the new key: it drops the previous key itself. */
static void the_first_message_under_the_new_key_may_be_a_request(void **state) {
  lab *l = lab_new(48, 1, NULL);
  (void)state;
  lab_make_request(l);
  assert_int_equal(lab_answer(l), SCHAT_OK);
  lab_take_next(l);
  assert_int_equal(lab_request(l, 9), SCHAT_OK);
  assert_false(lab_has(l, SCHAT__HAS_PREVIOUS));
  assert_int_equal(lab_count(l, ACCEPT), 1);
  assert_int_equal(lab_commit(l), SCHAT_OK);
  assert_int_equal(lab_noop(l), SCHAT_OK);
  assert_rests_on(l, l->next_fingerprint);
  lab_free(l);
}

/* A request that waits: the puppet's value stands in l->own, a later message is missing. */
static lab *with_kept_request(uint64_t seed, int64_t id, uint8_t **late, size_t *size) {
  lab *l = quiet_lab(seed, 0);
  schat__action action;
  uint8_t *request;
  size_t request_size;
  lab_draw(l);
  l->exchange_id = id;
  action = lab_key_action(REQUEST, id, l->own, 256, 0);
  request = lab_hold(l, &action, &request_size);
  *late = lab_hold_text(l, "late", size);
  assert_int_equal(lab_say(l, "behind the gap"), SCHAT_WAITING);
  assert_int_equal(lab_feed(l, request, request_size), SCHAT_OK);
  assert_true(lab_has(l, SCHAT__HAS_PEER));
  assert_int_equal(lab_count(l, ACCEPT), 0);
  free(request);
  return l;
}

/* D-21: the same id again while it waits: ignored; the first value counts. The messages stand behind the gap, and take their turn. */
static void a_kept_request_is_not_replaced_by_itself(void **state) {
  uint8_t *late, exponent[256];
  size_t size;
  lab *l = with_kept_request(50, 5, &late, &size);
  schat__action action;
  uint8_t *again;
  size_t again_size;
  (void)state;
  memcpy(exponent, l->exponent, 256);
  lab_draw(l);
  action = lab_key_action(REQUEST, 5, l->own, 256, 0);
  again = lab_hold(l, &action, &again_size);
  assert_int_equal(lab_feed(l, again, again_size), SCHAT_WAITING);
  assert_int_equal(lab_feed(l, late, size), SCHAT_OK);
  assert_int_equal(lab_count(l, ACCEPT), 1);
  memcpy(l->exponent, exponent, 256);
  assert_int_equal(lab_commit(l), SCHAT_OK);
  assert_true(lab_chat(l)->key_fingerprint == l->next_fingerprint);
  assert_int_equal(lab_count(l, ABORT), 0);
  free(again);
  free(late);
  lab_free(l);
}

/* The same where it can be heard while the first waits: the previous key is held. */
static void a_request_kept_for_the_previous_key_is_not_replaced_by_itself(void **state) {
  uint8_t key[256], exponent[256];
  lab *l = with_previous_key(51);
  (void)state;
  memcpy(key, l->p->key, 256);
  puppet_use_key(l->p, l->keys[0]);
  assert_int_equal(lab_request(l, 6), SCHAT_OK);
  memcpy(exponent, l->exponent, 256);
  assert_int_equal(lab_request(l, 6), SCHAT_OK); /* another value */
  puppet_use_key(l->p, key);
  assert_int_equal(lab_say(l, "the new key"), SCHAT_OK);
  assert_int_equal(lab_count(l, ACCEPT), 2);
  memcpy(l->exponent, exponent, 256);
  assert_int_equal(lab_commit(l), SCHAT_OK);
  assert_true(lab_chat(l)->key_fingerprint == l->next_fingerprint);
  lab_free(l);
}

/* D-21: a later id takes its place: the peer has given up the first. AbortKey drops it. */
static void a_kept_request_can_be_replaced_and_aborted(void **state) {
  uint8_t key[256];
  lab *l = with_previous_key(52);
  (void)state;
  memcpy(key, l->p->key, 256);
  puppet_use_key(l->p, l->keys[0]);
  assert_int_equal(lab_request(l, 6), SCHAT_OK);
  assert_int_equal(lab_request(l, 7), SCHAT_OK);
  assert_int_equal(lab_send_key(l, ABORT, 6, NULL, 0, 0), SCHAT_OK); /* of the one that was replaced */
  assert_true(lab_has(l, SCHAT__HAS_PEER));
  puppet_use_key(l->p, key);
  assert_int_equal(lab_say(l, "the new key"), SCHAT_OK);
  assert_int_equal(lab_count(l, ACCEPT), 2);
  assert_true(lab_last(l, ACCEPT)->exchange_id == 7);
  assert_int_equal(lab_commit(l), SCHAT_OK);
  memcpy(key, l->p->key, 256);
  puppet_use_key(l->p, l->keys[1]);
  assert_int_equal(lab_request(l, 8), SCHAT_OK);
  assert_true(lab_has(l, SCHAT__HAS_PEER));
  assert_int_equal(lab_send_key(l, ABORT, 8, NULL, 0, 0), SCHAT_OK);
  assert_false(lab_has(l, SCHAT__HAS_PEER));
  puppet_use_key(l->p, key);
  assert_int_equal(lab_say(l, "the newest key"), SCHAT_OK);
  assert_int_equal(lab_count(l, ACCEPT), 2);
  assert_null(lab_slot(l)->secrets);
  lab_free(l);
}

/* D-21, X-11 reject: a value that is bad is not kept at all. */
static void a_bad_request_is_not_kept(void **state) {
  static const uint8_t one[] = {1};
  uint8_t key[256];
  lab *l = with_previous_key(53);
  (void)state;
  memcpy(key, l->p->key, 256);
  puppet_use_key(l->p, l->keys[0]);
  assert_int_equal(lab_send_key(l, REQUEST, 6, one, 1, 0), SCHAT_OK);
  assert_failed(l, SCHAT_REJECT_DH_VALUE);
  assert_int_equal(lab_count(l, ABORT), 1);
  assert_false(lab_has(l, SCHAT__HAS_PEER));
  puppet_use_key(l->p, key);
  assert_int_equal(lab_noop(l), SCHAT_OK);
  assert_rests_on(l, l->next_fingerprint);
  lab_free(l);
}

/* R-PFS-04: while a request waits we begin none of our own. */
static void none_of_ours_begins_while_theirs_waits(void **state) {
  uint8_t *late;
  size_t size;
  lab *l = with_kept_request(54, 5, &late, &size);
  (void)state;
  lab_manager(l)->env.policy.rekey_messages = 1; /* from now on every message is one too many */
  assert_int_equal(lab_text(l, "ours"), SCHAT_OK);
  lab_tick(l, 3 * LAB_WEEK);
  assert_int_equal(lab_count(l, REQUEST), 0);
  assert_int_equal(lab_feed(l, late, size), SCHAT_OK);
  assert_int_equal(lab_count(l, REQUEST), 0);
  assert_int_equal(lab_count(l, ACCEPT), 1);
  free(late);
  lab_free(l);
}

/* Any order ------------------------------------------------------------------------------------------------------------------------- */

#define MESSAGES 6

typedef struct {
  uint8_t *bytes;
  size_t size;
} held;

static int next_permutation(int *at, int n) {
  int i = n - 2, j = n - 1, k;
  while (i >= 0 && at[i] > at[i + 1]) i--;
  if (i < 0) return 0;
  while (at[j] < at[i]) j--;
  k = at[i];
  at[i] = at[j];
  at[j] = k;
  for (i++, j = n - 1; i < j; i++, j--) {
    k = at[i];
    at[i] = at[j];
    at[j] = k;
  }
  return 1;
}

/* Feeds the messages in that order; the previous key must be there until the last one from before `after` has come. */
static void feed_in_order(lab *l, const held *messages, const int *order, int count, int after) {
  int i, before = 0, newer = 0;
  for (i = 0; i < count; i++) {
    int status = lab_feed(l, messages[order[i]].bytes, messages[order[i]].size);
    assert_true(status == SCHAT_OK || status == SCHAT_WAITING);
    before += order[i] < after;
    newer += order[i] >= after;
    if (before < after && newer > 0) assert_true(lab_has(l, SCHAT__HAS_PREVIOUS));
  }
}

static void assert_texts_in_order(const lab *l, int texts) {
  static const char *const names[] = {"one", "two", "three", "four", "five"};
  size_t i;
  int n = 0;
  for (i = 0; i < l->event_count; i++) {
    if (l->events[i].type != SCHAT_EVENT_MESSAGE) continue;
    assert_true(n < texts);
    assert_string_equal(l->events[i].text, names[n++]);
  }
  assert_int_equal(n, texts);
}

/* R-PFS-15, R-PFS-16, D-23: two texts under the old key, CommitKey, three texts under the new one, in all 720 orders; a restart in the
 * middle of some. */
static void messages_of_both_keys_may_come_to_the_acceptor_in_any_order(void **state) {
  static const char *const names[] = {"one", "two", NULL, "three", "four", "five"};
  int order[MESSAGES] = {0, 1, 2, 3, 4, 5}, i, rounds = 0;
  lab *l = quiet_lab(60, 1);
  memstore *image;
  held messages[MESSAGES];
  (void)state;
  l->lag = 1;
  assert_int_equal(lab_request(l, 5), SCHAT_OK);
  lab_derive(l, lab_last(l, ACCEPT)->g);
  for (i = 0; i < MESSAGES; i++) {
    schat__action commit = lab_key_action(COMMIT, 5, NULL, 0, l->next_fingerprint);
    messages[i].bytes = names[i] != NULL ? lab_hold_text(l, names[i], &messages[i].size) : lab_hold(l, &commit, &messages[i].size);
    if (names[i] == NULL) lab_take_next(l);
  }
  image = world_image(l->w, 0);
  do {
    lab_rewind(l, image);
    lab_forget(l);
    feed_in_order(l, messages, order, 3, 3);
    if (++rounds % 8 == 0) lab_restart(l, 1);
    feed_in_order(l, messages, order + 3, 3, 0);
    assert_texts_in_order(l, 5);
    assert_int_equal(lab_events(l, SCHAT_EVENT_REKEYED), 1);
    assert_int_equal(lab_events(l, SCHAT_EVENT_REJECTED), 0);
    assert_int_equal(lab_count(l, NOOP), 1);
    assert_rests_on(l, l->next_fingerprint);
  } while (next_permutation(order, MESSAGES));
  assert_int_equal(rounds, 720);
  for (i = 0; i < MESSAGES; i++) free(messages[i].bytes);
  memstore_free(image);
  lab_free(l);
}

/* R-PFS-16, R-PFS-19, D-23: the initiator's side of it: texts under the old key that crossed CommitKey, then texts under the new. */
static void messages_of_both_keys_may_come_to_the_initiator_in_any_order(void **state) {
  static const char *const names[] = {"one", "two", "three", "four", "five"};
  int order[5] = {0, 1, 2, 3, 4}, i, rounds = 0;
  lab *l = lab_new(61, 0, NULL);
  memstore *image;
  held messages[5];
  (void)state;
  lab_make_request(l);
  assert_int_equal(lab_answer(l), SCHAT_OK);
  l->lag = 1;
  for (i = 0; i < 5; i++) {
    if (i == 2) lab_take_next(l);
    messages[i].bytes = lab_hold_text(l, names[i], &messages[i].size);
  }
  image = world_image(l->w, 0);
  do {
    lab_rewind(l, image);
    lab_forget(l);
    feed_in_order(l, messages, order, 5, 2);
    rounds++;
    assert_texts_in_order(l, 5);
    assert_rests_on(l, l->next_fingerprint);
  } while (next_permutation(order, 5));
  assert_int_equal(rounds, 120);
  for (i = 0; i < 5; i++) free(messages[i].bytes);
  memstore_free(image);
  lab_free(l);
}

/* Two lawful sides ------------------------------------------------------------------------------------------------------------------ */

/* A chat of peers 0 and 1 who replace keys after so many messages. */
static int32_t chat_of(world *w, uint32_t first, uint32_t second) {
  w->peers[0].policy.rekey_messages = first;
  w->peers[1].policy.rekey_messages = second;
  world_restart(w, 0, 0);
  world_restart(w, 1, 0);
  world_run(w);
  return world_chat(w, 0, 1);
}

static const schat__chat *chat_at(const world *w, size_t p, int32_t chat_id) {
  return &puppet_slot(w->peers[p].manager, chat_id)->chat;
}

static uint64_t used(const world *w, size_t p, int32_t chat_id) {
  return (uint64_t)chat_at(w, p, chat_id)->key_sealed + chat_at(w, p, chat_id)->key_opened;
}

static void assert_both_rest(world *w, int32_t chat_id) {
  size_t p;
  for (p = 0; p < 2; p++) {
    const schat__slot *slot = puppet_slot(w->peers[p].manager, chat_id);
    assert_int_equal(slot->chat.state, SCHAT_STATE_READY);
    assert_null(slot->secrets);
    assert_true(slot->chat.key_fingerprint == chat_at(w, 0, chat_id)->key_fingerprint);
    assert_memory_equal(slot->chat.key, chat_at(w, 0, chat_id)->key, 256);
  }
}

/* R-PFS-01, R-PFS-20..23, D-20, D-24: both reach the limit at once and ask across one another; one exchange comes of it. */
static void two_who_ask_at_once_make_one_exchange(void **state) {
  uint64_t seed;
  unsigned larger[2] = {0, 0};
  (void)state;
  for (seed = 1; seed <= 8; seed++) {
    world *w = world_new(seed, 2);
    int32_t chat = chat_of(w, 20, 20);
    int64_t first = chat_at(w, 0, chat)->key_fingerprint, ids[2];
    size_t p;
    while (used(w, 0, chat) < 20) {
      assert_int_equal(world_text(w, used(w, 0, chat) % 2, chat, "counting", NULL), SCHAT_OK);
      world_run(w);
    }
    world_forget(w);
    for (p = 0; p < 2; p++) {
      assert_int_equal(world_text(w, p, chat, "one too many", NULL), SCHAT_OK);
      assert_int_equal(puppet_slot(w->peers[p].manager, chat)->secrets->state, SCHAT__REKEY_REQUESTED);
      ids[p] = puppet_slot(w->peers[p].manager, chat)->secrets->exchange_id;
    }
    world_run(w);
    assert_int_equal(world_text(w, ids[1] > ids[0], chat, "under the new key", NULL), SCHAT_OK); /* the acceptor waits for it (D-23) */
    world_run(w);
    assert_both_rest(w, chat);
    assert_true(chat_at(w, 0, chat)->key_fingerprint != first);
    for (p = 0; p < 2; p++) {
      assert_int_equal(world_count(w, p, SCHAT_EVENT_REKEYED), 1);
      assert_int_equal(world_count(w, p, SCHAT_EVENT_REKEY_FAILED), 0);
      assert_int_equal(world_count(w, p, SCHAT_EVENT_REJECTED), 0);
    }
    larger[ids[1] > ids[0]]++;
    assert_int_equal(world_requests(w, ids[1] > ids[0], SCHAT_REQUEST_SEND_SERVICE), 3); /* RequestKey, CommitKey, Noop */
    assert_int_equal(world_requests(w, ids[1] < ids[0], SCHAT_REQUEST_SEND_SERVICE), 3); /* RequestKey, AcceptKey, Noop */
    world_free(w);
  }
  assert_true(larger[0] > 0 && larger[1] > 0);
}

/* R-PFS-04, R-PFS-22: two requests that each side accepted after it had given up its own, as when both came a week late: neither will ever be
 * committed, so both are dropped, and a later one is made. */
static void two_who_accept_each_others_dropped_exchange_begin_again(void **state) {
  lab *l = lab_new(33, 1, NULL);
  int64_t ours;
  (void)state;
  lab_make_request(l);
  lab_slot(l)->secrets->exchange_id = 5;
  assert_int_equal(lab_request(l, 9), SCHAT_OK); /* theirs is larger */
  assert_int_equal(lab_state(l), SCHAT__REKEY_ACCEPTED);
  lab_forget(l);
  assert_int_equal(lab_send_key(l, ACCEPT, 9, l->own, 256, 1), SCHAT_OK); /* the one that is open, but not ours: it stays */
  assert_int_equal(lab_state(l), SCHAT__REKEY_ACCEPTED);
  assert_int_equal(lab_send_key(l, ACCEPT, 5, l->own, 256, 1), SCHAT_OK);
  assert_int_equal(lab_state(l), SCHAT__REKEY_IDLE);
  assert_null(lab_slot(l)->secrets);
  assert_int_equal(lab_events(l, SCHAT_EVENT_REKEYED), 0);
  assert_int_equal(lab_text(l, "under the old key"), SCHAT_OK);
  lab_tick(l, 60001);
  lab_tick(l, 120001);
  ours = lab_slot(l)->secrets->exchange_id;
  assert_int_equal(lab_state(l), SCHAT__REKEY_REQUESTED);
  assert_true(ours != 5 && ours != 9);
  lab_free(l);
}

/* What the library sends under a number when it is asked for that. */
static schat__action_type resent(lab *l, int32_t raw) {
  schat__action action;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_RESEND;
  action.start = action.end = schat__wire_out(raw, schat__is_originator(lab_chat(l)));
  lab_forget(l);
  assert_int_equal(lab_act(l, &action), SCHAT_OK);
  assert_true(l->sent_count > 0 && l->sent[0].out_raw == raw);
  return l->sent[0].action;
}

/* D-20, D-37: what was given up is asked for no more, not even by a RequestKey that has not come through in all that time: a strict peer would
 * accept it, and close the chat for what we make of that. A message that deletes itself takes its place (R-SEQ-21). */
static void a_request_that_was_given_up_does_not_leave_any_more(void **state) {
  lab *l = lab_new(35, 1, NULL);
  int32_t raw;
  (void)state;
  l->lag = l->mute = 1;
  lab_make_request(l);
  raw = lab_last(l, REQUEST)->out_raw;
  lab_tick(l, LAB_WEEK + 1);
  assert_failed(l, SCHAT_REJECT_EXPIRED);
  l->mute = 0;
  assert_int_equal(resent(l, raw), SCHAT__ACTION_DELETE);
  lab_restart(l, 1);
  lab_tick(l, MINUTE);
  assert_int_equal(resent(l, raw), SCHAT__ACTION_DELETE);
  lab_free(l);
}

/* The same of an AcceptKey, for which the peer has asked anew. */
static void an_answer_that_was_given_up_does_not_leave_any_more(void **state) {
  lab *l = quiet_lab(36, 0);
  int32_t raw;
  (void)state;
  l->lag = l->mute = 1;
  assert_int_equal(lab_request(l, 5), SCHAT_OK);
  raw = lab_last(l, ACCEPT)->out_raw;
  lab_tick(l, LAB_WEEK + 1);
  assert_int_equal(lab_request(l, 7), SCHAT_OK);
  assert_failed(l, SCHAT_REJECT_EXPIRED);
  l->mute = 0;
  assert_int_equal(resent(l, raw), SCHAT__ACTION_DELETE);
  lab_free(l);
}

/* The same when the peer accepts not the last one we have given up but one before it: its clock or ours has jumped over weeks. */
static void an_older_dropped_exchange_that_is_accepted_ends_what_we_accepted(void **state) {
  lab *l = lab_new(34, 0, NULL);
  int64_t first;
  (void)state;
  lab_make_request(l);
  first = lab_last(l, REQUEST)->exchange_id;
  lab_tick(l, LAB_WEEK + 1);
  assert_failed(l, SCHAT_REJECT_EXPIRED);
  lab_tick(l, MINUTE);
  assert_int_equal(lab_count(l, REQUEST), 2);
  lab_slot(l)->secrets->exchange_id = 5;
  assert_int_equal(lab_request(l, INT64_MAX), SCHAT_OK);
  assert_int_equal(lab_state(l), SCHAT__REKEY_ACCEPTED);
  lab_forget(l);
  assert_int_equal(lab_send_key(l, ACCEPT, first, l->own, 256, 1), SCHAT_OK);
  assert_failed(l, SCHAT_REJECT_EXCHANGE);
  assert_int_equal(lab_state(l), SCHAT__REKEY_IDLE);
  assert_null(lab_slot(l)->secrets);
  assert_int_equal(lab_count(l, ABORT), 0); /* the peer has our AcceptKey, which says the same, and no AbortKey follows an AcceptKey (D-37) */
  lab_free(l);
}

/* What the peer asked for before it accepted something else is not answered any more, or we would accept what it has given up. */
static void a_kept_request_goes_when_the_peer_accepts_another(void **state) {
  lab *l = with_previous_key(55);
  uint8_t key[256];
  (void)state;
  memcpy(key, l->p->key, 256);
  puppet_use_key(l->p, l->keys[0]);
  assert_int_equal(lab_request(l, 6), SCHAT_OK);
  assert_true(lab_has(l, SCHAT__HAS_PEER));
  assert_int_equal(lab_send_key(l, ACCEPT, 4, l->own, 256, 1), SCHAT_OK);
  assert_false(lab_has(l, SCHAT__HAS_PEER));
  puppet_use_key(l->p, key);
  assert_int_equal(lab_say(l, "the new key"), SCHAT_OK);
  assert_null(lab_slot(l)->secrets);
  assert_int_equal(lab_count(l, ACCEPT), 1); /* that of the first */
  lab_free(l);
}

/* R-PFS-17: and the peer is told, when it accepts what we had dropped for a request that we have not answered yet: it has dropped that in its turn,
 * nobody will commit, and nothing else would say so. */
static void a_peer_that_accepts_what_we_dropped_for_a_kept_request_is_told(void **state) {
  lab *l = lab_new(37, 1, NULL);
  schat__action action;
  uint8_t *request, *late, *accept;
  size_t request_size, late_size, accept_size;
  (void)state;
  lab_make_request(l);
  lab_slot(l)->secrets->exchange_id = 5;
  l->lag = 1;
  lab_draw(l);
  action = lab_key_action(REQUEST, 9, l->own, 256, 0);
  request = lab_hold(l, &action, &request_size);
  late = lab_hold_text(l, "late", &late_size);
  action = lab_key_action(ACCEPT, 5, l->own, 256, 1);
  accept = lab_hold(l, &action, &accept_size);
  assert_int_equal(lab_feed(l, accept, accept_size), SCHAT_WAITING);
  assert_int_equal(lab_feed(l, request, request_size), SCHAT_OK);
  assert_int_equal(lab_state(l), SCHAT__REKEY_IDLE);
  assert_true(lab_has(l, SCHAT__HAS_PEER));
  lab_forget(l);
  assert_int_equal(lab_feed(l, late, late_size), SCHAT_OK);
  assert_null(lab_slot(l)->secrets);
  assert_int_equal(lab_count(l, ACCEPT), 0);
  assert_int_equal(lab_count(l, ABORT), 1);
  assert_true(lab_last(l, ABORT)->exchange_id == 5);
  assert_failed(l, SCHAT_REJECT_EXCHANGE);
  free(request);
  free(late);
  free(accept);
  lab_free(l);
}

/* G25: in a chat where one side only listens keys are replaced every week all the same, whoever began. */
static void a_chat_of_one_voice_gets_a_new_key_every_week(void **state) {
  size_t speaker;
  (void)state;
  for (speaker = 0; speaker < 2; speaker++) {
    world *w = world_new(3 + speaker, 2);
    int32_t chat = world_chat(w, 0, 1);
    int week;
    for (week = 0; week < 6; week++) {
      int64_t before = chat_at(w, speaker, chat)->key_fingerprint;
      assert_int_equal(world_text(w, speaker, chat, "anybody there?", NULL), SCHAT_OK);
      world_run(w);
      world_pass(w, INT64_C(604800) * 1000 + 60000);
      assert_both_rest(w, chat);
      assert_true(chat_at(w, speaker, chat)->key_fingerprint != before);
    }
    world_free(w);
  }
}

/* One peer stops at its n-th commit after the exchange became due: before it was durable, or after it but before anything left. */
typedef struct {
  world *w;
  size_t victim, n, seen;
  int after, stopped;
} stop;

static void on_commit(void *arg, memstore *m, const schat_batch *batch, int stored) {
  stop *s = arg;
  (void)batch;
  if (s->stopped || stored != s->after || ++s->seen < s->n) return;
  s->stopped = 1;
  s->w->peers[s->victim].hold = 1; /* nothing leaves any more */
  if (s->after) memstore_fail_commit(m, 1, SCHAT_E_STORE, 1);
}

static void revive(stop *s) {
  s->w->peers[s->victim].hold = 0;
  world_restart(s->w, s->victim, 1);
  world_catch_up(s->w, s->victim);
  world_run(s->w);
}

/* The texts in order, each once, but for events that a crash has repeated. */
static void assert_heard(const world *w, size_t p, const char *const *texts, size_t count) {
  size_t i, n = 0;
  for (i = 0; i < w->peers[p].event_count; i++) {
    const world_event *e = &w->peers[p].events[i];
    if (e->type != SCHAT_EVENT_MESSAGE || (e->repeated && (n == count || strcmp(e->text, texts[n]) != 0))) continue;
    assert_true(n < count);
    assert_string_equal(e->text, texts[n++]);
  }
  assert_int_equal(n, count);
}

/* Says it until it is taken: a store that fails says so. */
static void insist(stop *s, size_t p, int32_t chat, const char *text) {
  if (world_text(s->w, p, chat, text, NULL) == SCHAT_OK) return;
  assert_true(s->stopped && p == s->victim);
  revive(s);
  assert_int_equal(world_text(s->w, p, chat, text, NULL), SCHAT_OK);
}

/* 0 when there were fewer commits than n. */
static int stop_at(size_t victim, size_t n, int after) {
  static const char *const from_0[] = {"the 13th", "afterwards", "and more"}, *const from_1[] = {"in between", "afterwards", "and more"};
  world *w = world_new(70, 2);
  int32_t chat = chat_of(w, 12, UINT32_MAX);
  schat_chat_info info = world_info(w, 0, chat);
  stop s = {w, victim, n, 0, after, 0};
  size_t i;
  while (used(w, 0, chat) < 12) {
    assert_int_equal(world_text(w, 0, chat, "counting", NULL), SCHAT_OK);
    world_run(w);
  }
  world_forget(w);
  memstore_on_commit(w->peers[victim].store, on_commit, &s);
  if (!after) memstore_fail_commit(w->peers[victim].store, n, SCHAT_E_STORE, 1);
  insist(&s, 0, chat, "the 13th");
  insist(&s, 1, chat, "in between");
  world_run(w);
  if (s.stopped && w->peers[victim].hold) revive(&s);
  if (!s.stopped) memstore_fail_commit(w->peers[victim].store, 0, SCHAT_OK, 0);
  memstore_on_commit(w->peers[victim].store, NULL, NULL);
  world_pass(w, 10 * MINUTE);
  for (i = 1; i < 3; i++) {
    assert_int_equal(world_text(w, 0, chat, from_0[i], NULL), SCHAT_OK);
    assert_int_equal(world_text(w, 1, chat, from_1[i], NULL), SCHAT_OK);
    world_pass(w, 3 * MINUTE);
  }
  assert_both_rest(w, chat);
  assert_true(chat_at(w, 0, chat)->key_fingerprint != info.key_fingerprint);
  assert_heard(w, 1, from_0, 3);
  assert_heard(w, 0, from_1, 3);
  for (i = 0; i < 2; i++) {
    schat_chat_info now = world_info(w, i, chat);
    assert_memory_equal(now.key_hash, info.key_hash, SCHAT_KEY_HASH_SIZE);
    assert_int_equal(world_count(w, i, SCHAT_EVENT_REKEY_FAILED), 0);
    assert_int_equal(world_count(w, i, SCHAT_EVENT_CLOSED), 0);
  }
  world_free(w);
  return s.stopped;
}

static void stop_everywhere(size_t victim, int after) {
  size_t n = 1;
  while (stop_at(victim, n, after)) n++;
  assert_true(n > 5); /* at least as many commits as the exchange has steps */
}

/* R-PFS-10, R-PFS-15, R-PFS-20, D-23: whichever side stops, at whichever commit, the exchange ends well, nothing is lost. */
static void the_initiator_may_stop_before_any_commit(void **state) {
  (void)state;
  stop_everywhere(0, 0);
}

static void the_initiator_may_stop_after_any_commit(void **state) {
  (void)state;
  stop_everywhere(0, 1);
}

static void the_acceptor_may_stop_before_any_commit(void **state) {
  (void)state;
  stop_everywhere(1, 0);
}

static void the_acceptor_may_stop_after_any_commit(void **state) {
  (void)state;
  stop_everywhere(1, 1);
}

/* A network that loses, repeats and reorders: exchange after exchange, and every message arrives once. */
static void exchanges_come_to_an_end_on_a_bad_network(void **state) {
  enum { ROUNDS = 60 };
  uint64_t seed;
  (void)state;
  for (seed = 80; seed < 83; seed++) {
    world *w = world_new(seed, 2);
    int32_t chat = chat_of(w, 15, 20);
    relay_faults faults, none;
    size_t p;
    int i;
    memset(&none, 0, sizeof none);
    faults = none;
    faults.drop_update = 0.1;
    faults.drop_for_good = 0.05;
    faults.duplicate = 0.1;
    faults.reorder = 0.1;
    faults.error_500 = 0.05; /* requests and answers themselves are the host's to repeat */
    faults.error_after_effect = 0.05;
    faults.delay_ms_max = 3000;
    relay_set_faults(w->relay, &faults);
    world_forget(w);
    for (i = 0; i < ROUNDS; i++) {
      for (p = 0; p < 2; p++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        assert_int_equal(world_text(w, p, chat, text, NULL), SCHAT_OK);
      }
      world_pass(w, 7 * SECOND);
      if (i % 13 == 5) {
        world_restart(w, (size_t)i / 13 % 2, 1);
        world_catch_up(w, (size_t)i / 13 % 2);
      }
    }
    relay_set_faults(w->relay, &none);
    for (i = 0; i < 40; i++) {
      world_pass(w, 10 * MINUTE);
      for (p = 0; p < 2; p++) {
        world_catch_up(w, p);
        assert_int_equal(world_text(w, p, chat, "more", NULL), SCHAT_OK);
      }
    }
    world_pass(w, 10 * MINUTE);
    for (p = 0; p < 2; p++) {
      int heard = 0;
      size_t n;
      for (n = 0; n < w->peers[p].event_count; n++) {
        const world_event *e = &w->peers[p].events[n];
        if (e->type != SCHAT_EVENT_MESSAGE || heard == ROUNDS || (e->repeated && atoi(e->text) != heard)) continue;
        assert_int_equal(atoi(e->text), heard++);
      }
      assert_int_equal(heard, ROUNDS);
      assert_true(world_count(w, p, SCHAT_EVENT_REKEYED) > 3);
      assert_int_equal(world_count(w, p, SCHAT_EVENT_CLOSED), 0);
    }
    assert_int_equal(chat_at(w, 0, chat)->state, SCHAT_STATE_READY);
    assert_true(chat_at(w, 0, chat)->key_fingerprint == chat_at(w, 1, chat)->key_fingerprint);
    world_free(w);
  }
}

/* A year ------------------------------------------------------------------------------------------------------------------------------ */

#define BURST 5u /* messages that may be under way at once */

typedef struct {
  int64_t fingerprint, since, last;
  unsigned messages;
} key_life;

typedef struct {
  world *w;
  key_life keys[512];
  size_t count;
} year;

static void watch_key(void *user_data, const relay_sent *sent) {
  year *y = user_data;
  int64_t fingerprint = schat__int64(schat__load64(sent->bytes.data));
  size_t i = y->count;
  while (i > 0 && y->keys[i - 1].fingerprint != fingerprint) i--;
  if (i == 0) {
    assert_true(y->count < 512);
    memset(&y->keys[y->count], 0, sizeof y->keys[0]);
    y->keys[y->count].fingerprint = fingerprint;
    y->keys[y->count].since = y->w->now;
    i = ++y->count;
  }
  y->keys[i - 1].messages += !sent->repeated;
  y->keys[i - 1].last = y->w->now;
}

static uint32_t roll(uint64_t *state, uint32_t below) {
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(*state >> 33) % below;
}

/* Texts of a day: some days none, some many, from one side or both, some of them at once. */
static unsigned live_a_day(world *w, int32_t chat, uint64_t *dice) {
  static const unsigned busy[] = {0, 0, 3, 10, 30, 120};
  unsigned left = busy[roll(dice, 6)], said = 0;
  int64_t until = w->now + DAY;
  while (left > 0) {
    unsigned burst = 1 + roll(dice, 3);
    for (; burst > 0 && left > 0; burst--, left--, said++) {
      assert_int_equal(world_text(w, roll(dice, 2), chat, "another day", NULL), SCHAT_OK);
    }
    world_run(w);
    if (w->now + MINUTE < until) world_pass(w, MINUTE / 2 + roll(dice, 30) * SECOND);
  }
  if (w->now < until) world_pass(w, until - w->now);
  return said;
}

/* R-PFS-02, D-19: a restart a day, random traffic: no key is used for more than 101 messages and what was under way, none is older than
 * a week when it seals. The picture is that of the first day. */
static void a_year_of_restarts_and_random_traffic(void **state) {
  static year y;
  uint64_t dice = 2026;
  unsigned day, said = 0, heard = 0;
  uint8_t picture[SCHAT_KEY_HASH_SIZE];
  int32_t chat;
  size_t i, p;
  (void)state;
  memset(&y, 0, sizeof y);
  y.w = world_new(90, 2);
  relay_tap(y.w->relay, watch_key, &y);
  chat = chat_of(y.w, 0, 0);
  memcpy(picture, world_info(y.w, 0, chat).key_hash, sizeof picture);
  for (day = 0; day < 365; day++) {
    world_forget(y.w);
    said += live_a_day(y.w, chat, &dice);
    for (p = 0; p < 2; p++) {
      const schat__chat *c = chat_at(y.w, p, chat);
      heard += (unsigned)world_count(y.w, p, SCHAT_EVENT_MESSAGE);
      assert_int_equal(world_count(y.w, p, SCHAT_EVENT_REKEY_FAILED), 0);
      assert_true(c->key_sealed == 0 || y.w->now - c->key_since <= LAB_WEEK);
      assert_true((uint64_t)c->key_sealed + c->key_opened <= 100);
    }
    assert_true(chat_at(y.w, 0, chat)->key_fingerprint == chat_at(y.w, 1, chat)->key_fingerprint);
    p = roll(&dice, 2);
    memstore_sync(y.w->peers[p].store);
    world_restart(y.w, p, (int)roll(&dice, 2));
    world_catch_up(y.w, p);
    world_run(y.w);
    assert_memory_equal(world_info(y.w, p, chat).key_hash, picture, sizeof picture);
  }
  assert_int_equal(heard, said);
  assert_true(said > 5000 && y.count > said / 101);
  for (i = 0; i < y.count; i++) {
    assert_true(y.keys[i].messages <= 101 + 4 + BURST); /* both RequestKeys, AcceptKey, CommitKey */
    assert_true(y.keys[i].last - y.keys[i].since <= LAB_WEEK + 1);
  }
  world_free(y.w);
}

/* a peer that asks, ends it and confirms nothing gets sixteen answers; the next request is kept until it has confirmed some (D-21). */
static void a_peer_that_confirms_nothing_gets_sixteen_answers(void **state) {
  lab *l = quiet_lab(90, 1);
  int64_t id;
  (void)state;
  l->lag = 1;
  for (id = 1; id <= 40; id++) {
    assert_int_equal(lab_request(l, id), SCHAT_OK);
    if (id < 40) assert_int_equal(lab_send_key(l, ABORT, id, NULL, 0, 0), SCHAT_OK);
  }
  assert_int_equal(lab_count(l, ACCEPT), 16);
  assert_true(lab_has(l, SCHAT__HAS_PEER));
  l->lag = 0;
  assert_int_equal(lab_noop(l), SCHAT_OK);
  assert_int_equal(lab_count(l, ACCEPT), 17);
  assert_true(lab_last(l, ACCEPT)->exchange_id == 40);
  assert_int_equal(lab_commit(l), SCHAT_OK);
  assert_true(lab_chat(l)->key_fingerprint == l->next_fingerprint);
  lab_free(l);
}

/* the same of our own requests, each ended by one of the same number; no deadline calls for more of them meanwhile. */
static void our_requests_are_sixteen_until_they_are_confirmed(void **state) {
  static const uint8_t one[] = {1};
  lab *l = lab_new(91, 1, NULL);
  int64_t deadline = 0;
  int i;
  (void)state;
  lab_make_request(l);
  assert_int_equal(lab_noop(l), SCHAT_OK);
  l->lag = 1;
  lab_forget(l);
  for (i = 0; i < 40; i++) {
    int64_t id = lab_state(l) == SCHAT__REKEY_REQUESTED ? lab_slot(l)->secrets->exchange_id : 1;
    assert_int_equal(lab_send_key(l, REQUEST, id, one, 1, 0), SCHAT_OK);
  }
  assert_int_equal(lab_count(l, REQUEST), 16);
  assert_int_equal(lab_state(l), SCHAT__REKEY_IDLE);
  assert_int_equal(schat_next_deadline(lab_manager(l), &deadline), SCHAT_OK);
  assert_true(deadline > l->w->now);
  l->lag = 0;
  assert_int_equal(lab_noop(l), SCHAT_OK);
  assert_int_equal(lab_count(l, REQUEST), 17);
  assert_int_equal(lab_answer(l), SCHAT_OK);
  assert_true(lab_chat(l)->key_fingerprint == l->next_fingerprint);
  lab_free(l);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(our_larger_exchange_goes_on),
      cmocka_unit_test(their_larger_exchange_is_accepted_with_a_fresh_exponent),
      cmocka_unit_test(equal_exchanges_both_stop),
      cmocka_unit_test(a_peer_that_confirms_nothing_gets_sixteen_answers),
      cmocka_unit_test(our_requests_are_sixteen_until_they_are_confirmed),
      cmocka_unit_test(a_larger_exchange_with_a_bad_value_is_refused),
      cmocka_unit_test(a_finished_exchange_does_not_collide),
      cmocka_unit_test(an_unanswered_exchange_is_dropped_after_seven_days),
      cmocka_unit_test(what_is_asked_after_a_silence_wins_by_the_reversed_rule_too),
      cmocka_unit_test(an_answer_after_seven_days_is_too_late),
      cmocka_unit_test(the_same_request_again_is_ignored),
      cmocka_unit_test(another_request_while_one_is_accepted_is_aborted),
      cmocka_unit_test(abort_keys_are_a_minute_apart_and_pauses_double),
      cmocka_unit_test(refusals_are_a_minute_apart_too),
      cmocka_unit_test(an_accepted_exchange_gives_way_after_seven_days),
      cmocka_unit_test(a_request_while_the_previous_key_is_held_is_kept),
      cmocka_unit_test(the_first_message_under_the_new_key_may_be_a_request),
      cmocka_unit_test(a_kept_request_is_not_replaced_by_itself),
      cmocka_unit_test(a_request_kept_for_the_previous_key_is_not_replaced_by_itself),
      cmocka_unit_test(a_kept_request_can_be_replaced_and_aborted),
      cmocka_unit_test(a_bad_request_is_not_kept),
      cmocka_unit_test(none_of_ours_begins_while_theirs_waits),
      cmocka_unit_test(messages_of_both_keys_may_come_to_the_acceptor_in_any_order),
      cmocka_unit_test(messages_of_both_keys_may_come_to_the_initiator_in_any_order),
      cmocka_unit_test(two_who_ask_at_once_make_one_exchange),
      cmocka_unit_test(a_chat_of_one_voice_gets_a_new_key_every_week),
      cmocka_unit_test(two_who_accept_each_others_dropped_exchange_begin_again),
      cmocka_unit_test(a_request_that_was_given_up_does_not_leave_any_more),
      cmocka_unit_test(an_answer_that_was_given_up_does_not_leave_any_more),
      cmocka_unit_test(an_older_dropped_exchange_that_is_accepted_ends_what_we_accepted),
      cmocka_unit_test(a_kept_request_goes_when_the_peer_accepts_another),
      cmocka_unit_test(a_peer_that_accepts_what_we_dropped_for_a_kept_request_is_told),
      cmocka_unit_test(the_initiator_may_stop_before_any_commit),
      cmocka_unit_test(the_initiator_may_stop_after_any_commit),
      cmocka_unit_test(the_acceptor_may_stop_before_any_commit),
      cmocka_unit_test(the_acceptor_may_stop_after_any_commit),
      cmocka_unit_test(exchanges_come_to_an_end_on_a_bad_network),
      cmocka_unit_test(a_year_of_restarts_and_random_traffic),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
