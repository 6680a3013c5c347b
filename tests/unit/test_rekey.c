/* SPDX-License-Identifier: BSL-1.0
 * test_rekey.c - one exchange of a new key: when it begins, what both sides check, which key seals and opens what, what is left of
 * the old one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/crypto.h>

#include "lab.h"
#include "manager/manager.h"
#include "vault.h"

#define DAY (INT64_C(86400) * 1000)
#define YEARS_10 (INT64_C(3652) * DAY)
#define REQUEST SCHAT__ACTION_REQUEST_KEY
#define ACCEPT SCHAT__ACTION_ACCEPT_KEY
#define COMMIT SCHAT__ACTION_COMMIT_KEY
#define ABORT SCHAT__ACTION_ABORT_KEY
#define NOOP SCHAT__ACTION_NOOP

static uint64_t used(const lab *l) {
  return (uint64_t)lab_chat(l)->key_sealed + lab_chat(l)->key_opened;
}

/* Only what is asked for: no rekeying by age or count. */
static schat_policy quiet(uint32_t flags) {
  schat_policy policy;
  SCHAT_INIT(policy);
  policy.flags = SCHAT_POLICY_CHAIN_SENDS | flags;
  policy.rekey_messages = UINT32_MAX;
  policy.rekey_seconds = UINT32_MAX;
  return policy;
}

static lab *quiet_lab(uint64_t seed, int originator) {
  schat_policy policy = quiet(0);
  return lab_new(seed, originator, &policy);
}

/* Nothing of an exchange is left, and the key is that one. */
static void assert_rests_on(const lab *l, int64_t fingerprint) {
  assert_int_equal(lab_chat(l)->state, SCHAT_STATE_READY);
  assert_int_equal(lab_state(l), SCHAT__REKEY_IDLE);
  assert_null(lab_slot(l)->secrets);
  assert_true(lab_chat(l)->key_fingerprint == fingerprint);
}

static void assert_sealed_with(lab *l, int64_t fingerprint) {
  assert_int_equal(lab_text(l, "which key?"), SCHAT_OK);
  assert_true(lab_last(l, SCHAT__ACTION_NONE)->fingerprint == fingerprint);
}

static void assert_failed(const lab *l, int32_t reason) {
  const lab_event *event = lab_last_event(l, SCHAT_EVENT_REKEY_FAILED);
  assert_non_null(event);
  assert_int_equal(event->reason, reason);
}

/* When ------------------------------------------------------------------------------------------------------------------------ */

/* R-PFS-02, D-19: the sum counts, whoever spoke; `ours` of every four messages are ours. */
static void count_to_101(uint64_t seed, int originator, unsigned ours, int last_is_ours) {
  lab *l = lab_new(seed, originator, NULL);
  unsigned n = 0;
  while (used(l) < 100) {
    assert_int_equal(lab_count(l, REQUEST), 0);
    assert_int_equal(n++ % 4 < ours ? lab_text(l, "ours") : lab_say(l, "theirs"), SCHAT_OK);
  }
  assert_int_equal(used(l), 100);
  lab_tick(l, DAY);
  assert_int_equal(lab_count(l, REQUEST), 0);
  assert_int_equal(last_is_ours ? lab_text(l, "ours") : lab_say(l, "theirs"), SCHAT_OK);
  assert_int_equal(lab_count(l, REQUEST), 1);
  assert_int_equal(lab_state(l), SCHAT__REKEY_REQUESTED);
  assert_true((world_info(l->w, 0, l->chat_id).flags & SCHAT_CHAT_REKEYING) != 0);
  lab_free(l);
}

/* R-PFS-02, D-19 accept (101) and reject (100). */
static void a_key_stays_for_100_messages_and_goes_with_the_101st(void **state) {
  (void)state;
  count_to_101(1, 1, 2, 1);
  count_to_101(2, 0, 2, 0);
  count_to_101(3, 1, 4, 1);
  count_to_101(4, 0, 0, 0);
}

/* R-PFS-02, D-19 reject: a key that has sealed nothing is not replaced, however much it opened and however old; accept: with the first. */
static void a_key_that_has_sealed_nothing_stays_for_ever(void **state) {
  lab *l = lab_new(5, 1, NULL);
  int i;
  (void)state;
  lab_exchange(l, 1, 0);
  lab_slot(l)->chat.key_sealed = 0; /* as with a peer whose clients have exchanged no message at all */
  lab_forget(l);
  for (i = 0; i < 150; i++) assert_int_equal(lab_say(l, "theirs"), SCHAT_OK);
  lab_tick(l, 3 * LAB_WEEK);
  lab_restart(l, 1);
  assert_int_equal(l->sent_count, 0);
  assert_int_equal(lab_text(l, "ours"), SCHAT_OK);
  assert_int_equal(lab_count(l, REQUEST), 1);
  lab_free(l);
}

/* R-PFS-02, D-19: 604,800 s not yet, one millisecond later yes; the deadline says so. */
static void a_key_lives_a_week_and_not_a_millisecond_more(void **state) {
  lab *l = lab_new(6, 0, NULL);
  int64_t deadline = 0, since = lab_chat(l)->key_since;
  (void)state;
  lab_tick(l, since + LAB_WEEK - l->w->now);
  assert_int_equal(lab_count(l, REQUEST), 0);
  assert_int_equal(schat_next_deadline(lab_manager(l), &deadline), SCHAT_OK);
  assert_true(deadline == since + LAB_WEEK + 1);
  lab_tick(l, 1);
  assert_int_equal(lab_count(l, REQUEST), 1);
  lab_free(l);
}

/* The same through an input instead of a tick, at 604,800 s and 604,801 s. */
static void a_message_after_a_week_finds_the_key_too_old(void **state) {
  lab *l = lab_new(7, 1, NULL);
  (void)state;
  l->w->now = lab_chat(l)->key_since + LAB_WEEK;
  assert_int_equal(lab_say(l, "in time"), SCHAT_OK);
  assert_int_equal(lab_count(l, REQUEST), 0);
  l->w->now += 1000;
  assert_int_equal(lab_say(l, "too late"), SCHAT_OK);
  assert_int_equal(lab_count(l, REQUEST), 1);
  lab_free(l);
}

/* R-PFS-02: the clock survives restarts, of either kind. */
static void the_week_goes_on_through_restarts(void **state) {
  int crash;
  (void)state;
  for (crash = 0; crash < 2; crash++) {
    lab *l = lab_new(8, 1, NULL);
    int64_t since = lab_chat(l)->key_since;
    lab_tick(l, 3 * DAY);
    lab_restart(l, crash);
    lab_tick(l, 2 * DAY);
    lab_restart(l, crash);
    lab_tick(l, since + LAB_WEEK - l->w->now);
    assert_int_equal(lab_count(l, REQUEST), 0);
    lab_restart(l, crash);
    assert_int_equal(lab_count(l, REQUEST), 0);
    l->w->now += 1;
    lab_restart(l, crash);
    assert_int_equal(lab_count(l, REQUEST), 1);
    lab_free(l);
  }
}

/* R-PFS-02: a clock set back ten years does not give the key one more day, with and without restarts. */
static void a_clock_set_back_gives_a_key_no_more_time(void **state) {
  int restart, crash;
  (void)state;
  for (restart = 0; restart < 2; restart++) {
    for (crash = 0; crash < 2; crash++) {
      lab *l = lab_new(9, 0, NULL);
      int64_t since = lab_chat(l)->key_since;
      lab_tick(l, since + 3 * DAY - l->w->now);
      lab_tick(l, -YEARS_10);
      if (restart) lab_restart(l, crash);
      lab_tick(l, 4 * DAY);
      assert_int_equal(lab_count(l, REQUEST), 0);
      lab_tick(l, 1);
      assert_int_equal(lab_count(l, REQUEST), 1);
      lab_free(l);
    }
  }
}

/* R-PFS-02: a clock set forward ten years replaces the key at once, and once; set back again it goes on as usual. */
static void a_clock_set_forward_replaces_a_key_at_once(void **state) {
  lab *l = lab_new(10, 1, NULL);
  int64_t old = lab_chat(l)->key_fingerprint, since;
  (void)state;
  lab_tick(l, YEARS_10);
  assert_int_equal(lab_count(l, REQUEST), 1);
  lab_tick(l, -YEARS_10);
  lab_restart(l, 1);
  assert_int_equal(lab_count(l, REQUEST), 1);
  assert_int_equal(lab_answer(l), SCHAT_OK);
  lab_take_next(l);
  assert_int_equal(lab_noop(l), SCHAT_OK);
  assert_rests_on(l, l->next_fingerprint);
  assert_true(lab_chat(l)->key_fingerprint != old);
  assert_int_equal(lab_text(l, "under the new key"), SCHAT_OK);
  since = l->w->now;
  lab_forget(l);
  lab_tick(l, since + LAB_WEEK - l->w->now);
  assert_int_equal(lab_count(l, REQUEST), 0);
  lab_tick(l, 1);
  assert_int_equal(lab_count(l, REQUEST), 1);
  lab_free(l);
}

/* R-PFS-04, D-19 reject: not while one of ours is open, one of theirs is, the previous key is held, or messages are missing. */
static void none_begins_while_one_is_open(void **state) {
  lab *l = lab_new(11, 1, NULL);
  (void)state;
  lab_make_request(l);
  lab_forget(l);
  while (used(l) < 250) assert_int_equal(used(l) % 2 ? lab_text(l, "ours") : lab_say(l, "theirs"), SCHAT_OK);
  lab_tick(l, LAB_WEEK - 1);
  assert_int_equal(lab_count(l, REQUEST), 0);
  assert_int_equal(lab_state(l), SCHAT__REKEY_REQUESTED);
  lab_free(l);

  l = lab_new(12, 1, NULL);
  assert_int_equal(lab_request(l, 5), SCHAT_OK);
  assert_int_equal(lab_state(l), SCHAT__REKEY_ACCEPTED);
  while (used(l) < 250) assert_int_equal(used(l) % 2 ? lab_text(l, "ours") : lab_say(l, "theirs"), SCHAT_OK);
  lab_tick(l, 3 * LAB_WEEK);
  assert_int_equal(lab_count(l, REQUEST), 0);
  lab_free(l);
}

static void none_begins_while_the_previous_key_is_held(void **state) {
  lab *l = lab_new(13, 1, NULL);
  int i;
  (void)state;
  lab_make_request(l);
  assert_int_equal(lab_answer(l), SCHAT_OK);
  lab_forget(l);
  for (i = 0; i < 150; i++) assert_int_equal(lab_text(l, "ours"), SCHAT_OK);
  lab_tick(l, 3 * LAB_WEEK);
  assert_true(lab_has(l, SCHAT__HAS_PREVIOUS));
  assert_int_equal(lab_count(l, REQUEST), 0);
  lab_take_next(l);
  assert_int_equal(lab_say(l, "the new key"), SCHAT_OK); /* now it may, and must */
  assert_int_equal(lab_count(l, REQUEST), 1);
  lab_free(l);
}

static void none_begins_while_messages_are_missing(void **state) {
  lab *l = lab_new(14, 0, NULL);
  uint8_t *late;
  size_t size;
  (void)state;
  late = lab_hold_text(l, "late", &size);
  assert_int_equal(lab_say(l, "behind the gap"), SCHAT_WAITING);
  while (used(l) < 130) assert_int_equal(lab_text(l, "ours"), SCHAT_OK);
  lab_tick(l, 2 * LAB_WEEK);
  assert_int_equal(lab_count(l, REQUEST), 0);
  assert_int_equal(lab_feed(l, late, size), SCHAT_OK);
  assert_int_equal(lab_count(l, REQUEST), 1);
  free(late);
  lab_free(l);
}

/* The initiator ----------------------------------------------------------------------------------------------------------------- */

/* R-PFS-01, R-PFS-05, R-PFS-12, R-PFS-13, R-PFS-19, D-23 accept: RequestKey, AcceptKey, CommitKey under the old key, all after it under the
 * new one; the old one stays until a message under the new key has come. */
static void we_ask_and_the_peer_accepts(void **state) {
  int originator;
  (void)state;
  for (originator = 0; originator < 2; originator++) {
    lab *l = lab_new(20, originator, NULL);
    int64_t old = lab_chat(l)->key_fingerprint;
    const lab_sent *commit;
    lab_make_request(l);
    assert_true(lab_last(l, REQUEST)->fingerprint == old);
    assert_sealed_with(l, old); /* R-PFS-09 for our side: nothing changes before CommitKey */
    assert_int_equal(lab_answer(l), SCHAT_OK);
    commit = lab_last(l, COMMIT);
    assert_non_null(commit);
    assert_true(commit->fingerprint == old && commit->exchange_id == l->exchange_id);
    assert_true(commit->key_fingerprint == l->next_fingerprint);
    assert_true(lab_chat(l)->key_fingerprint == l->next_fingerprint);
    assert_memory_equal(lab_chat(l)->key, l->next, 256);
    assert_int_equal(lab_events(l, SCHAT_EVENT_REKEYED), 1);
    assert_sealed_with(l, l->next_fingerprint);
    assert_int_equal(lab_say(l, "still the old key"), SCHAT_OK); /* sent before the peer had our CommitKey */
    assert_true(lab_has(l, SCHAT__HAS_PREVIOUS));
    lab_take_next(l);
    assert_int_equal(lab_say(l, "the new key"), SCHAT_OK);
    assert_rests_on(l, l->next_fingerprint);
    assert_int_equal(lab_events(l, SCHAT_EVENT_MESSAGE), 2);
    assert_int_equal(lab_count(l, NOOP), 0); /* D-24: the acceptor's part */
    assert_int_equal(lab_count(l, COMMIT), 1);
    lab_free(l);
  }
}

/* D-24, G25: who only listens says one Noop under the new key, or the acceptor would keep the old one, and begin no other exchange, for ever. */
static void an_initiator_who_only_listens_says_one_noop(void **state) {
  lab *l = lab_new(27, 1, NULL);
  (void)state;
  lab_make_request(l);
  assert_int_equal(lab_answer(l), SCHAT_OK);
  lab_take_next(l);
  assert_int_equal(lab_count(l, NOOP), 0);
  assert_int_equal(lab_noop(l), SCHAT_OK);
  assert_int_equal(lab_count(l, NOOP), 1);
  assert_true(lab_last(l, NOOP)->fingerprint == l->next_fingerprint);
  assert_int_equal(lab_say(l, "more"), SCHAT_OK);
  assert_int_equal(lab_count(l, NOOP), 1);
  lab_free(l);
}

/* R-PFS-19 reject: once the old key is gone, what it seals is not opened any more. */
static void the_old_key_opens_nothing_once_it_is_gone(void **state) {
  lab *l = quiet_lab(21, 1);
  uint8_t old[256];
  (void)state;
  memcpy(old, l->p->key, sizeof old);
  lab_exchange(l, 0, 77);
  puppet_use_key(l->p, old);
  assert_int_equal(lab_say(l, "from the past"), SCHAT_REJECTED);
  assert_int_equal(lab_last_event(l, SCHAT_EVENT_REJECTED)->reason, SCHAT_REJECT_UNKNOWN_KEY);
  lab_free(l);
}

/* R-PFS-06: 64 bits, of the source of randomness, and never the same. */
static void exchange_ids_are_64_random_bits(void **state) {
  enum { ROUNDS = 32 };
  lab *l = lab_new(22, 1, NULL);
  int64_t ids[ROUNDS];
  uint64_t ones = 0, zeros = 0;
  int i, j;
  (void)state;
  for (i = 0; i < ROUNDS; i++) {
    if (i == 0) {
      lab_make_request(l);
    } else {
      lab_tick(l, DAY);
    }
    assert_int_equal(lab_count(l, REQUEST), i + 1);
    ids[i] = lab_last(l, REQUEST)->exchange_id;
    ones |= (uint64_t)ids[i];
    zeros |= ~(uint64_t)ids[i];
    for (j = 0; j < i; j++) assert_true(ids[j] != ids[i]);
    assert_int_equal(lab_send_key(l, ABORT, ids[i], NULL, 0, 0), SCHAT_OK);
  }
  assert_true(ones == UINT64_MAX && zeros == UINT64_MAX);
  lab_free(l);
}

/* R-PFS-05, R-PFS-06 reject: without randomness nothing begins, and nothing changes. */
static void without_randomness_no_exchange_begins(void **state) {
  lab *l = lab_new(23, 1, NULL);
  int64_t old = lab_chat(l)->key_fingerprint;
  memstore *before;
  (void)state;
  l->w->now = lab_chat(l)->key_since + LAB_WEEK + 1;
  before = world_image(l->w, 0);
  l->w->peers[0].random_fails = 1;
  assert_int_equal(schat_tick(lab_manager(l), l->w->now), SCHAT_E_RANDOM);
  lab_drain(l);
  assert_int_equal(l->sent_count, 0);
  assert_rests_on(l, old);
  assert_true(memstore_equal(before, l->w->peers[0].store));
  assert_int_equal(lab_request(l, 9), SCHAT_E_RANDOM);
  assert_rests_on(l, old);
  l->p->out_raw--; /* it was not taken */
  l->w->peers[0].random_fails = 0;
  lab_tick(l, 1000);
  assert_int_equal(lab_count(l, REQUEST), 1);
  memstore_free(before);
  lab_free(l);
}

/* R-PFS-12, R-PFS-18, D-22 reject: the wrong fingerprint. The chat goes on with the old key, and asks anew after a pause. */
static void an_accept_key_of_another_key_is_refused(void **state) {
  lab *l = lab_new(24, 0, NULL);
  int64_t old = lab_chat(l)->key_fingerprint, id;
  (void)state;
  lab_make_request(l);
  id = lab_last(l, REQUEST)->exchange_id;
  lab_draw(l);
  lab_derive(l, lab_last(l, REQUEST)->g);
  assert_int_equal(lab_send_key(l, ACCEPT, id, l->own, 256, l->next_fingerprint ^ INT64_MIN), SCHAT_OK);
  assert_failed(l, SCHAT_REJECT_KEY_FINGERPRINT);
  assert_int_equal(lab_count(l, ABORT), 1);
  assert_true(lab_last(l, ABORT)->exchange_id == id);
  assert_int_equal(lab_count(l, COMMIT), 0);
  assert_rests_on(l, old);
  assert_int_equal(lab_send_key(l, ACCEPT, id, l->own, 256, l->next_fingerprint), SCHAT_OK); /* too late: X-10 */
  assert_rests_on(l, old);
  assert_int_equal(lab_count(l, COMMIT), 0);
  lab_tick(l, 59999);
  assert_int_equal(lab_count(l, REQUEST), 1);
  lab_tick(l, 1);
  assert_int_equal(lab_count(l, REQUEST), 2);
  assert_true(lab_last(l, REQUEST)->exchange_id != id);
  assert_int_equal(lab_answer(l), SCHAT_OK);
  assert_int_equal(lab_count(l, COMMIT), 1);
  lab_free(l);
}

/* R-PFS-12, D-22 reject: the wrong id. AbortKey names it; ours goes on, and can still be answered. */
static void an_accept_key_of_another_exchange_is_refused(void **state) {
  static const int64_t offsets[] = {1, -1, INT64_MIN};
  lab *l = lab_new(25, 1, NULL);
  int64_t old = lab_chat(l)->key_fingerprint, id;
  size_t i;
  (void)state;
  lab_make_request(l);
  id = lab_last(l, REQUEST)->exchange_id;
  lab_draw(l);
  lab_derive(l, lab_last(l, REQUEST)->g);
  for (i = 0; i < 3; i++) {
    int64_t other = schat__int64((uint64_t)id + (uint64_t)offsets[i]);
    lab_tick(l, 4 * 3600 * 1000);
    lab_forget(l);
    assert_int_equal(lab_send_key(l, ACCEPT, other, l->own, 256, l->next_fingerprint), SCHAT_OK);
    assert_failed(l, SCHAT_REJECT_EXCHANGE);
    assert_int_equal(lab_count(l, ABORT), 1);
    assert_true(lab_last(l, ABORT)->exchange_id == other);
    assert_int_equal(lab_count(l, COMMIT), 0);
    assert_int_equal(lab_state(l), SCHAT__REKEY_REQUESTED);
    assert_true(lab_chat(l)->key_fingerprint == old);
  }
  assert_int_equal(lab_send_key(l, ACCEPT, id, l->own, 256, l->next_fingerprint), SCHAT_OK);
  assert_int_equal(lab_count(l, COMMIT), 1);
  assert_true(lab_chat(l)->key_fingerprint == l->next_fingerprint);
  lab_free(l);
}

/* Values ------------------------------------------------------------------------------------------------------------------------ */

typedef struct {
  const char *name;
  uint8_t bytes[300];
  size_t size;
} value;

/* n = p - v for 256 bytes, v below p. */
static void subtract(uint8_t n[256], const uint8_t p[256], const uint8_t v[256]) {
  int i, borrow = 0;
  for (i = 255; i >= 0; i--) {
    int d = p[i] - v[i] - borrow;
    borrow = d < 0;
    n[i] = (uint8_t)(d + (borrow ? 256 : 0));
  }
}

static value make_value(const char *name, size_t size) {
  value v;
  memset(&v, 0, sizeof v);
  v.name = name;
  v.size = size;
  return v;
}

enum { BAD_VALUES = 14 };

/* R-PFS-05, X-11: the limits of R-DH-07 and R-DH-08 and the rules X-06, D-14; `good` is a lawful value. */
static void bad_values(value v[BAD_VALUES], const uint8_t p[256], const uint8_t good[256]) {
  static const uint8_t zero[256];
  uint8_t power[256]; /* 2^1984 */
  int i, n = 0;
  memset(power, 0, sizeof power);
  power[7] = 1;
  v[n++] = make_value("nothing", 0);
  v[n++] = make_value("0", 256);
  v[n] = make_value("1", 256);
  v[n++].bytes[255] = 1;
  v[n] = make_value("2", 1);
  v[n++].bytes[0] = 2;
  v[n] = make_value("2^1984 - 1", 248);
  memset(v[n++].bytes, 0xff, 248);
  for (i = 0; i < 4; i++) {
    static const char *const names[] = {"p - 2", "p - 1", "p", "p + 1"};
    v[n] = make_value(names[i], 256);
    memcpy(v[n].bytes, p, 256);
    v[n].bytes[255] = (uint8_t)(p[255] - 2 + i); /* no borrow: the primes end in 5b and ff */
    if (p[255] == 0xff && i == 3) v[n].bytes[255] = 0xfd;
    n++;
  }
  v[n] = make_value("p - 2^1984 + 1", 256);
  subtract(v[n].bytes, p, power);
  v[n++].bytes[255]++;
  v[n] = make_value("a non-residue", 256);
  subtract(v[n++].bytes, p, good);
  v[n] = make_value("all ones", 256);
  memset(v[n++].bytes, 0xff, 256);
  v[n] = make_value("257 bytes that do not begin with 0", 257);
  v[n].bytes[0] = 1;
  memcpy(v[n++].bytes + 1, good, 256);
  v[n] = make_value("258 bytes", 258);
  memcpy(v[n++].bytes + 2, good, 256);
  memcpy(power, zero, sizeof zero);
  assert_int_equal(n, BAD_VALUES);
}

/* R-PFS-05, R-PFS-18, X-11, D-22 reject, the acceptor's side. */
static void a_bad_g_a_is_answered_with_abort_key(void **state) {
  lab *l = quiet_lab(30, 1);
  int64_t old = lab_chat(l)->key_fingerprint;
  value v[BAD_VALUES];
  int i;
  (void)state;
  lab_draw(l);
  bad_values(v, lab_config(l)->p, l->own);
  for (i = 0; i < BAD_VALUES; i++) {
    lab_tick(l, DAY);
    lab_forget(l);
    assert_int_equal(lab_send_key(l, REQUEST, 100 + i, v[i].bytes, v[i].size, 0), SCHAT_OK);
    assert_failed(l, SCHAT_REJECT_DH_VALUE);
    assert_int_equal(lab_count(l, ACCEPT), 0);
    assert_int_equal(lab_count(l, ABORT), 1);
    assert_true(lab_last(l, ABORT)->exchange_id == 100 + i);
    assert_rests_on(l, old);
  }
  assert_int_equal(lab_request(l, 99), SCHAT_OK);
  assert_int_equal(lab_count(l, ACCEPT), 1);
  lab_free(l);
}

/* The same, the initiator's side (R-PFS-12). */
static void a_bad_g_b_is_answered_with_abort_key(void **state) {
  lab *l = lab_new(31, 0, NULL);
  int64_t old = lab_chat(l)->key_fingerprint;
  value v[BAD_VALUES];
  int i;
  (void)state;
  lab_draw(l);
  bad_values(v, lab_config(l)->p, l->own);
  lab_make_request(l);
  for (i = 0; i < BAD_VALUES; i++) {
    int64_t id = lab_last(l, REQUEST)->exchange_id;
    lab_forget(l);
    assert_int_equal(lab_send_key(l, ACCEPT, id, v[i].bytes, v[i].size, 1234), SCHAT_OK);
    assert_failed(l, SCHAT_REJECT_DH_VALUE);
    assert_int_equal(lab_count(l, ABORT), 1);
    assert_true(lab_last(l, ABORT)->exchange_id == id);
    assert_int_equal(lab_count(l, COMMIT), 0);
    assert_rests_on(l, old);
    lab_tick(l, DAY);
    assert_int_equal(lab_count(l, REQUEST), 1);
  }
  assert_int_equal(lab_answer(l), SCHAT_OK);
  assert_int_equal(lab_count(l, COMMIT), 1);
  lab_free(l);
}

/* R-PFS-05, X-11 accept: the ends of the range, and every lawful width (D-14). 2^1984 is a square, so a residue. */
static void values_at_the_ends_of_the_range_are_taken(void **state) {
  uint8_t power[257];
  lab *l;
  (void)state;
  memset(power, 0, sizeof power);
  power[8] = 1; /* 257 bytes of 2^1984; from the 9th on, 249 */

  l = quiet_lab(32, 1);
  assert_int_equal(lab_send_key(l, REQUEST, 1, power + 8, 249, 0), SCHAT_OK);
  assert_int_equal(lab_count(l, ACCEPT), 1);
  lab_free(l);

  l = lab_new(33, 1, NULL);
  lab_make_request(l);
  /* The key of g_b = 2^1984, which only someone who sees our exponent can know. */
  assert_int_equal(schat__dh_key(l->p->crypto, lab_config(l)->p, power + 1, lab_slot(l)->secrets->exponent, l->next), SCHAT_OK);
  assert_int_equal(schat__key_fingerprint(l->p->crypto, l->next, &l->next_fingerprint), SCHAT_OK);
  assert_int_equal(lab_send_key(l, ACCEPT, lab_last(l, REQUEST)->exchange_id, power, 257, l->next_fingerprint), SCHAT_OK);
  assert_int_equal(lab_count(l, COMMIT), 1);
  assert_memory_equal(lab_chat(l)->key, l->next, 256);
  lab_free(l);
}

/* X-11, D-22 reject: a value of an earlier exchange, and our own sent back, on both sides. */
static void used_values_are_refused(void **state) {
  lab *l = quiet_lab(34, 1);
  uint8_t theirs[256], ours[256];
  (void)state;
  lab_exchange(l, 0, 1);
  memcpy(theirs, l->own, 256);
  memcpy(ours, lab_last(l, ACCEPT)->g, 256);
  assert_int_equal(lab_send_key(l, REQUEST, 2, theirs, 256, 0), SCHAT_OK);
  assert_failed(l, SCHAT_REJECT_DH_REUSED);
  assert_int_equal(lab_send_key(l, REQUEST, 3, ours, 256, 0), SCHAT_OK);
  assert_failed(l, SCHAT_REJECT_DH_REUSED);
  assert_int_equal(lab_count(l, ACCEPT), 1);
  assert_rests_on(l, l->next_fingerprint);
  lab_free(l);

  l = lab_new(35, 0, NULL);
  lab_make_request(l);
  assert_int_equal(lab_send_key(l, ACCEPT, lab_last(l, REQUEST)->exchange_id, lab_last(l, REQUEST)->g, 256, 1), SCHAT_OK);
  assert_failed(l, SCHAT_REJECT_DH_VALUE);
  assert_int_equal(lab_count(l, COMMIT), 0);
  lab_free(l);
}

/* R-PFS-18, D-22: policy strict_rekey closes the chat for each fault of an exchange; without it none does (tests above and below). */
static void assert_closed_for_it(lab *l) {
  assert_int_equal(lab_chat(l)->state, SCHAT_STATE_CLOSED);
  assert_int_equal(lab_chat(l)->close_reason, SCHAT_CLOSE_REKEY_REFUSED);
  assert_int_equal(lab_events(l, SCHAT_EVENT_CLOSED), 1);
  assert_int_equal(lab_count(l, ABORT), 0);
  lab_free(l);
}

static lab *strict_lab(uint64_t seed) {
  schat_policy policy;
  SCHAT_INIT(policy);
  policy.flags = SCHAT_POLICY_CHAIN_SENDS | SCHAT_POLICY_STRICT_REKEY;
  return lab_new(seed, 1, &policy);
}

static void a_strict_policy_closes_the_chat(void **state) {
  static const uint8_t one[] = {1};
  lab *l = strict_lab(36);
  (void)state;
  assert_int_equal(lab_send_key(l, REQUEST, 4, one, 1, 0), SCHAT_CHAT_CLOSED);
  assert_closed_for_it(l);

  l = strict_lab(37);
  lab_make_request(l);
  assert_int_equal(lab_send_key(l, ACCEPT, lab_last(l, REQUEST)->exchange_id, one, 1, 1), SCHAT_CHAT_CLOSED);
  assert_closed_for_it(l);

  l = strict_lab(38);
  lab_make_request(l);
  lab_draw(l);
  assert_int_equal(lab_send_key(l, ACCEPT, lab_last(l, REQUEST)->exchange_id, l->own, 256, 1), SCHAT_CHAT_CLOSED);
  assert_closed_for_it(l);

  l = strict_lab(39);
  lab_make_request(l);
  assert_int_equal(lab_send_key(l, ACCEPT, lab_last(l, REQUEST)->exchange_id ^ 1, l->own, 256, 1), SCHAT_CHAT_CLOSED);
  assert_closed_for_it(l);

  l = strict_lab(40);
  assert_int_equal(lab_request(l, 4), SCHAT_OK);
  assert_int_equal(lab_send_key(l, COMMIT, 4, NULL, 0, 1), SCHAT_CHAT_CLOSED);
  assert_closed_for_it(l);
}

/* R-PFS-01 accept: a strict policy hinders no lawful exchange. */
static void a_strict_policy_lets_lawful_exchanges_pass(void **state) {
  lab *l = strict_lab(41);
  (void)state;
  lab_exchange(l, 1, 0);
  lab_exchange(l, 0, 6);
  assert_rests_on(l, l->next_fingerprint);
  lab_free(l);
}

/* The acceptor -------------------------------------------------------------------------------------------------------------------- */

/* R-PFS-01, R-PFS-08, R-PFS-09, R-PFS-15, R-PFS-16, R-PFS-20, D-23, D-24 accept. */
static void the_peer_asks_and_we_accept(void **state) {
  int originator;
  (void)state;
  for (originator = 0; originator < 2; originator++) {
    lab *l = quiet_lab(50, originator);
    int64_t old = lab_chat(l)->key_fingerprint;
    const lab_sent *accept;
    assert_int_equal(lab_request(l, INT64_C(-7777777777777)), SCHAT_OK);
    accept = lab_last(l, ACCEPT);
    assert_non_null(accept);
    assert_true(accept->exchange_id == INT64_C(-7777777777777) && accept->fingerprint == old);
    lab_derive(l, accept->g);
    assert_true(accept->key_fingerprint == l->next_fingerprint);
    assert_sealed_with(l, old);
    assert_int_equal(lab_events(l, SCHAT_EVENT_REKEYED), 0);
    assert_int_equal(lab_say(l, "still the old key"), SCHAT_OK);
    assert_true(lab_chat(l)->key_fingerprint == old);
    assert_int_equal(lab_commit(l), SCHAT_OK);
    assert_int_equal(lab_events(l, SCHAT_EVENT_REKEYED), 1);
    assert_true(lab_chat(l)->key_fingerprint == l->next_fingerprint);
    assert_int_equal(lab_count(l, NOOP), 1);
    assert_true(lab_last(l, NOOP)->fingerprint == l->next_fingerprint);
    assert_true(lab_has(l, SCHAT__HAS_PREVIOUS));
    assert_sealed_with(l, l->next_fingerprint);
    assert_int_equal(lab_say(l, "the new key"), SCHAT_OK);
    assert_rests_on(l, l->next_fingerprint);
    assert_int_equal(lab_count(l, NOOP), 1);
    assert_int_equal(lab_count(l, ABORT), 0);
    lab_free(l);
  }
}

/* R-PFS-08, R-PFS-11 reject: behind a hole RequestKey is not answered; accept: when the hole is filled it is, once. */
static void a_request_behind_a_hole_is_not_answered_early(void **state) {
  lab *l = quiet_lab(51, 0);
  uint8_t *late;
  size_t size;
  (void)state;
  late = lab_hold_text(l, "late", &size);
  assert_int_equal(lab_request(l, 5), SCHAT_WAITING);
  assert_int_equal(lab_count(l, ACCEPT), 0);
  lab_tick(l, 30000);
  lab_restart(l, 1);
  assert_int_equal(lab_count(l, ACCEPT), 0);
  assert_int_equal(lab_feed(l, late, size), SCHAT_OK);
  assert_int_equal(lab_count(l, ACCEPT), 1);
  assert_true(lab_last(l, ACCEPT)->exchange_id == 5);
  assert_int_equal(lab_commit(l), SCHAT_OK);
  assert_int_equal(lab_noop(l), SCHAT_OK);
  assert_rests_on(l, l->next_fingerprint);
  free(late);
  lab_free(l);
}

/* R-PFS-11, D-21: in order, but a later message is missing: kept, through restarts, and accepted in the step that closes the gap. */
static void a_request_before_a_gap_waits_until_it_is_closed(void **state) {
  lab *l = quiet_lab(52, 1);
  schat__action request;
  uint8_t *held, *late;
  size_t held_size, late_size;
  (void)state;
  lab_draw(l);
  l->exchange_id = 6;
  request = lab_key_action(REQUEST, 6, l->own, 256, 0);
  held = lab_hold(l, &request, &held_size);
  late = lab_hold_text(l, "late", &late_size);
  assert_int_equal(lab_say(l, "behind the gap"), SCHAT_WAITING);
  assert_int_equal(lab_feed(l, held, held_size), SCHAT_OK);
  assert_int_equal(lab_count(l, ACCEPT), 0);
  assert_true(lab_has(l, SCHAT__HAS_PEER));
  lab_restart(l, 1);
  lab_tick(l, DAY);
  assert_int_equal(lab_count(l, ACCEPT), 0);
  assert_int_equal(lab_feed(l, late, late_size), SCHAT_OK);
  assert_int_equal(lab_count(l, ACCEPT), 1);
  assert_int_equal(lab_commit(l), SCHAT_OK);
  assert_true(lab_chat(l)->key_fingerprint == l->next_fingerprint);
  free(held);
  free(late);
  lab_free(l);
}

/* R-PFS-14: an initiator that waits for messages holds on to the old key, and AcceptKey behind a hole makes no CommitKey before its turn;
 * what comes late under the old key is still read. */
static void accept_key_behind_a_hole_is_not_answered_early(void **state) {
  lab *l = lab_new(53, 1, NULL);
  uint8_t *late;
  size_t size;
  (void)state;
  lab_make_request(l);
  late = lab_hold_text(l, "late", &size);
  assert_int_equal(lab_answer(l), SCHAT_WAITING);
  assert_int_equal(lab_count(l, COMMIT), 0);
  assert_int_equal(lab_state(l), SCHAT__REKEY_REQUESTED);
  assert_int_equal(lab_feed(l, late, size), SCHAT_OK);
  assert_int_equal(lab_count(l, COMMIT), 1);
  assert_int_equal(lab_events(l, SCHAT_EVENT_MESSAGE), 1);
  free(late);
  lab_free(l);
}

static void the_old_key_stays_while_the_initiator_waits_for_messages(void **state) {
  lab *l = lab_new(54, 0, NULL);
  uint8_t *late;
  size_t size;
  (void)state;
  lab_make_request(l);
  assert_int_equal(lab_answer(l), SCHAT_OK);
  assert_int_equal(lab_count(l, COMMIT), 1);
  late = lab_hold_text(l, "late, under the old key", &size);
  lab_take_next(l);
  assert_int_equal(lab_say(l, "under the new key"), SCHAT_WAITING);
  lab_restart(l, 1);
  assert_true(lab_has(l, SCHAT__HAS_PREVIOUS));
  assert_int_equal(lab_feed(l, late, size), SCHAT_OK);
  assert_int_equal(lab_events(l, SCHAT_EVENT_MESSAGE), 2);
  assert_rests_on(l, l->next_fingerprint);
  free(late);
  lab_free(l);
}

/* R-PFS-15, R-PFS-16, D-23 accept: CommitKey is lost, a message under the new key comes first, then CommitKey again. */
static void a_message_under_the_new_key_switches_without_commit_key(void **state) {
  lab *l = quiet_lab(55, 1);
  schat__action action;
  uint8_t *commit;
  size_t size;
  (void)state;
  assert_int_equal(lab_request(l, 8), SCHAT_OK);
  lab_derive(l, lab_last(l, ACCEPT)->g);
  action = lab_key_action(COMMIT, 8, NULL, 0, l->next_fingerprint);
  commit = lab_hold(l, &action, &size); /* lost */
  lab_take_next(l);
  assert_int_equal(lab_say(l, "first"), SCHAT_WAITING);
  assert_true(lab_chat(l)->key_fingerprint == l->next_fingerprint); /* switched, though the message waits */
  assert_int_equal(lab_count(l, NOOP), 1);
  assert_sealed_with(l, l->next_fingerprint);
  assert_int_equal(lab_count(l, SCHAT__ACTION_RESEND), 1);
  assert_true(lab_has(l, SCHAT__HAS_PREVIOUS)); /* it may be needed: CommitKey is still missing */
  lab_restart(l, 1);
  assert_int_equal(lab_say(l, "second"), SCHAT_WAITING);
  assert_true(lab_has(l, SCHAT__HAS_PREVIOUS));
  lab_forget(l);
  assert_int_equal(lab_feed(l, commit, size), SCHAT_OK);
  assert_int_equal(lab_events(l, SCHAT_EVENT_MESSAGE), 2);
  assert_int_equal(lab_events(l, SCHAT_EVENT_REJECTED), 0);
  assert_int_equal(lab_events(l, SCHAT_EVENT_REKEYED), 0); /* only once */
  assert_int_equal(lab_count(l, NOOP), 0);
  assert_rests_on(l, l->next_fingerprint);
  assert_int_equal(lab_feed(l, commit, size), SCHAT_REJECTED); /* the old key is gone, so it is nothing any more */
  free(commit);
  lab_free(l);
}

/* The same, when the peer seals CommitKey anew with the new key, as peers do that drop the old one early. */
static void commit_key_may_come_again_under_the_new_key(void **state) {
  lab *l = quiet_lab(56, 0);
  schat__action action;
  int32_t raw;
  (void)state;
  assert_int_equal(lab_request(l, 8), SCHAT_OK);
  lab_derive(l, lab_last(l, ACCEPT)->g);
  action = lab_key_action(COMMIT, 8, NULL, 0, l->next_fingerprint);
  raw = l->p->out_raw++;
  lab_take_next(l);
  assert_int_equal(lab_say(l, "first"), SCHAT_WAITING);
  assert_int_equal(puppet_send_raw(l->p, lab_manager(l), l->p->in_raw, raw, puppet_action(l->p, &action), l->w->now), SCHAT_OK);
  lab_drain(l);
  assert_rests_on(l, l->next_fingerprint);
  assert_int_equal(lab_events(l, SCHAT_EVENT_MESSAGE), 1);
  assert_int_equal(lab_count(l, NOOP), 1);
  lab_free(l);
}

/* R-PFS-16 reject, D-23: the old key stays as long as something from before the switch is missing. */
static void the_acceptor_keeps_the_old_key_until_nothing_before_the_switch_is_missing(void **state) {
  lab *l = quiet_lab(57, 0);
  uint8_t *one, *two;
  size_t one_size, two_size;
  (void)state;
  assert_int_equal(lab_request(l, 8), SCHAT_OK);
  one = lab_hold_text(l, "one", &one_size);
  two = lab_hold_text(l, "two", &two_size);
  assert_int_equal(lab_commit(l), SCHAT_WAITING);
  assert_int_equal(lab_say(l, "new"), SCHAT_WAITING);
  assert_int_equal(lab_feed(l, two, two_size), SCHAT_WAITING);
  assert_true(lab_has(l, SCHAT__HAS_PREVIOUS));
  lab_tick(l, 1000);
  assert_true(lab_has(l, SCHAT__HAS_PREVIOUS));
  assert_int_equal(lab_feed(l, one, one_size), SCHAT_OK);
  assert_rests_on(l, l->next_fingerprint);
  assert_int_equal(lab_events(l, SCHAT_EVENT_MESSAGE), 3);
  free(one);
  free(two);
  lab_free(l);
}

/* R-PFS-16, D-23: a gap after the switch keeps nothing: only what lies before it counts, whatever came first. */
static void a_gap_after_the_switch_does_not_keep_the_old_key(void **state) {
  lab *l = quiet_lab(58, 1);
  uint8_t *first, *second;
  size_t first_size, second_size;
  (void)state;
  assert_int_equal(lab_request(l, 8), SCHAT_OK);
  assert_int_equal(lab_commit(l), SCHAT_OK);
  first = lab_hold_text(l, "first", &first_size);
  second = lab_hold_text(l, "second", &second_size);
  assert_int_equal(lab_say(l, "third"), SCHAT_WAITING);
  assert_true(lab_has(l, SCHAT__HAS_PREVIOUS));
  assert_int_equal(lab_feed(l, first, first_size), SCHAT_OK);
  assert_rests_on(l, l->next_fingerprint); /* though the second is missing */
  assert_int_equal(lab_feed(l, second, second_size), SCHAT_OK);
  assert_int_equal(lab_events(l, SCHAT_EVENT_MESSAGE), 3);
  free(first);
  free(second);
  lab_free(l);
}

/* R-PFS-16, D-23: a peer may seal anew, with the new key, a message whose place lies before the switch: TDLib does so when it is deleted (S15),
 * and sends everything else of that time as it was. */
static void a_message_deleted_before_the_switch_does_not_end_the_old_key(void **state) {
  int by_library;
  (void)state;
  for (by_library = 0; by_library <= 1; by_library++) {
    lab *l = lab_new(62, by_library, NULL);
    int64_t ids[1] = {4321};
    schat__action action;
    uint8_t *kept;
    size_t size;
    int32_t raw;
    if (by_library) {
      lab_make_request(l);
      assert_int_equal(lab_answer(l), SCHAT_OK);
    } else {
      assert_int_equal(lab_request(l, 8), SCHAT_OK);
    }
    l->lag = 1; /* what follows was sent before our key message came */
    raw = l->p->out_raw++;
    kept = lab_hold_text(l, "under the old key, for ever", &size);
    if (!by_library) {
      lab_derive(l, lab_last(l, ACCEPT)->g);
      l->p->out_raw++; /* CommitKey is lost as well */
    }
    lab_take_next(l);
    memset(&action, 0, sizeof action);
    action.type = SCHAT__ACTION_DELETE;
    action.random_id = 4321;
    action.random_ids = ids;
    action.random_id_count = 1;
    assert_int_equal(puppet_send_raw(l->p, lab_manager(l), l->p->in_raw, raw, puppet_action(l->p, &action), l->w->now), SCHAT_OK);
    lab_drain(l);
    lab_restart(l, 1);
    assert_int_equal(lab_feed(l, kept, size), SCHAT_OK);
    assert_true(lab_has(l, SCHAT__HAS_PREVIOUS));
    l->lag = 0;
    if (!by_library) {
      action = lab_key_action(COMMIT, 8, NULL, 0, l->next_fingerprint);
      assert_int_equal(puppet_send_raw(l->p, lab_manager(l), l->p->in_raw, l->p->out_raw - 1, puppet_action(l->p, &action), l->w->now), SCHAT_OK);
    }
    assert_int_equal(lab_say(l, "behind the switch"), SCHAT_OK);
    assert_rests_on(l, l->next_fingerprint);
    free(kept);
    lab_free(l);
  }
}

/* R-PFS-16, D-23: nor does a message that was lost, and sealed anew when we asked for it: others of before the switch may still be under way. */
static void a_message_sealed_anew_does_not_end_the_old_key(void **state) {
  int by_library;
  (void)state;
  for (by_library = 0; by_library <= 1; by_library++) {
    lab *l = lab_new(65, by_library, NULL);
    uint8_t *seen, *late, *commit = NULL;
    size_t seen_size, late_size, commit_size = 0;
    int32_t lost, in_raw;
    if (by_library) {
      lab_make_request(l);
      assert_int_equal(lab_answer(l), SCHAT_OK);
    } else {
      assert_int_equal(lab_request(l, 8), SCHAT_OK);
      lab_derive(l, lab_last(l, ACCEPT)->g);
    }
    l->lag = 1; /* what follows was sent before our key message came */
    in_raw = l->p->in_raw;
    lost = l->p->out_raw++;
    seen = lab_hold_text(l, "seen", &seen_size);
    late = lab_hold_text(l, "late", &late_size);
    assert_int_equal(lab_feed(l, seen, seen_size), SCHAT_WAITING);
    if (!by_library) {
      schat__action action = lab_key_action(COMMIT, 8, NULL, 0, l->next_fingerprint);
      l->lag = 0;
      commit = lab_hold(l, &action, &commit_size);
    }
    lab_take_next(l);
    if (!by_library) assert_int_equal(lab_say(l, "the first under the new key"), SCHAT_WAITING); /* from which both know that both have it */
    assert_int_equal(puppet_send_raw(l->p, lab_manager(l), in_raw, lost, puppet_text(l->p, 4321, "lost", 0), l->w->now), SCHAT_OK);
    lab_drain(l);
    assert_true(lab_has(l, SCHAT__HAS_PREVIOUS));
    lab_restart(l, 1);
    assert_int_equal(lab_feed(l, late, late_size), SCHAT_OK);
    if (!by_library) assert_int_equal(lab_feed(l, commit, commit_size), SCHAT_OK);
    l->lag = 0;
    assert_int_equal(lab_say(l, "behind the switch"), SCHAT_OK);
    assert_rests_on(l, l->next_fingerprint);
    free(seen);
    free(late);
    free(commit);
    lab_free(l);
  }
}

/* R-PFS-20, D-24: exactly one Noop in each exchange we accept, whatever follows; the peer learns the new key from it. */
static void each_exchange_brings_one_noop(void **state) {
  lab *l = quiet_lab(59, 1);
  int i;
  (void)state;
  for (i = 0; i < 4; i++) {
    assert_int_equal(lab_request(l, 10 + i), SCHAT_OK);
    if (i % 2) lab_restart(l, 0);
    assert_int_equal(lab_commit(l), SCHAT_OK);
    assert_int_equal(lab_count(l, NOOP), i + 1);
    assert_true(lab_last(l, NOOP)->fingerprint == l->next_fingerprint);
    assert_int_equal(lab_say(l, "new"), SCHAT_OK);
    lab_tick(l, DAY);
    assert_int_equal(lab_count(l, NOOP), i + 1);
  }
  lab_free(l);
}

/* R-PFS-20, D-24: what waits for the server was sealed with the old key and shows the peer nothing, so the Noop goes out all the same. */
static void what_is_in_flight_under_the_old_key_does_not_replace_the_noop(void **state) {
  lab *l = quiet_lab(60, 0);
  int64_t old = lab_chat(l)->key_fingerprint;
  (void)state;
  assert_int_equal(lab_request(l, 8), SCHAT_OK);
  l->mute = 1;
  assert_sealed_with(l, old);
  l->lag = 1;
  assert_int_equal(lab_commit(l), SCHAT_OK);
  assert_int_equal(lab_count(l, NOOP), 1);
  assert_true(lab_last(l, NOOP)->fingerprint == l->next_fingerprint);
  lab_free(l);
}

/* D-23, D-09: a message deleted while the exchange is under way keeps its key, so that the new one is not seen before CommitKey. */
static void a_deleted_message_keeps_the_key_of_its_place(void **state) {
  lab *l = lab_new(61, 1, NULL);
  int64_t old = lab_chat(l)->key_fingerprint, random_id;
  schat__action resend;
  const lab_sent *again;
  int32_t raw;
  (void)state;
  lab_make_request(l);
  l->p->in_raw = lab_chat(l)->out_seq;
  l->lag = 1; /* the peer has nothing after RequestKey */
  assert_int_equal(lab_text(l, "regretted"), SCHAT_OK);
  random_id = lab_last(l, SCHAT__ACTION_NONE)->random_id;
  raw = lab_last(l, SCHAT__ACTION_NONE)->out_raw;
  assert_int_equal(lab_answer(l), SCHAT_OK);
  assert_int_equal(schat_messages_delete(lab_manager(l), l->chat_id, &random_id, 1, 0, l->w->now), SCHAT_OK);
  lab_drain(l);
  memset(&resend, 0, sizeof resend);
  resend.type = SCHAT__ACTION_RESEND;
  resend.start = resend.end = schat__wire_out(raw, !l->p->originator);
  assert_int_equal(lab_act(l, &resend), SCHAT_OK);
  again = &l->sent[l->sent_count - 1];
  assert_int_equal(again->out_raw, raw);
  assert_int_equal(again->action, SCHAT__ACTION_DELETE);
  assert_true(again->fingerprint == old);
  lab_free(l);
}

/* Out of turn --------------------------------------------------------------------------------------------------------------------- */

/* X-10, R-PFS-17 reject: nothing that comes without an exchange does anything. */
static void key_messages_without_an_exchange_have_no_effect(void **state) {
  lab *l = quiet_lab(70, 1);
  int64_t old = lab_chat(l)->key_fingerprint;
  (void)state;
  lab_draw(l);
  assert_int_equal(lab_send_key(l, ACCEPT, 5, l->own, 256, 1), SCHAT_OK);
  assert_failed(l, SCHAT_REJECT_EXCHANGE);
  lab_tick(l, DAY);
  lab_forget(l);
  assert_int_equal(lab_send_key(l, COMMIT, 5, NULL, 0, old), SCHAT_OK);
  assert_failed(l, SCHAT_REJECT_EXCHANGE);
  lab_forget(l);
  assert_int_equal(lab_send_key(l, ABORT, 5, NULL, 0, 0), SCHAT_OK);
  assert_int_equal(l->sent_count + l->event_count, 0);
  assert_rests_on(l, old);
  lab_free(l);
}

/* X-10, D-22: CommitKey to the side that asked, AcceptKey to the side that accepted. */
static void key_messages_of_the_wrong_role_have_no_effect(void **state) {
  lab *l = lab_new(71, 1, NULL);
  int64_t old = lab_chat(l)->key_fingerprint, id;
  (void)state;
  lab_make_request(l);
  id = lab_last(l, REQUEST)->exchange_id;
  assert_int_equal(lab_send_key(l, COMMIT, id, NULL, 0, old), SCHAT_OK);
  assert_int_equal(lab_last_event(l, SCHAT_EVENT_REJECTED)->reason, SCHAT_REJECT_EXCHANGE);
  assert_int_equal(lab_state(l), SCHAT__REKEY_REQUESTED);
  assert_int_equal(lab_count(l, ABORT), 0);
  assert_int_equal(lab_answer(l), SCHAT_OK);
  assert_int_equal(lab_count(l, COMMIT), 1);
  lab_free(l);

  l = quiet_lab(72, 0);
  old = lab_chat(l)->key_fingerprint;
  assert_int_equal(lab_request(l, 8), SCHAT_OK);
  assert_int_equal(lab_send_key(l, ACCEPT, 8, l->own, 256, 1), SCHAT_OK);
  assert_int_equal(lab_state(l), SCHAT__REKEY_ACCEPTED);
  assert_int_equal(lab_count(l, ABORT), 0); /* R-PFS-17: what we have accepted we do not abort */
  assert_true(lab_chat(l)->key_fingerprint == old);
  assert_int_equal(lab_commit(l), SCHAT_OK);
  assert_true(lab_chat(l)->key_fingerprint == l->next_fingerprint);
  lab_free(l);
}

/* X-10 reject: every message of a finished exchange again, on both sides: nothing is rekeyed and nothing is sent. */
static void a_finished_exchange_cannot_be_repeated(void **state) {
  lab *l = lab_new(73, 1, NULL);
  int64_t current, id;
  (void)state;
  lab_exchange(l, 1, 0);
  current = l->next_fingerprint;
  id = l->exchange_id;
  assert_int_equal(lab_text(l, "so that it may"), SCHAT_OK);
  lab_forget(l);
  lab_draw(l);
  assert_int_equal(lab_send_key(l, ACCEPT, id, l->own, 256, current), SCHAT_OK);
  assert_int_equal(lab_send_key(l, COMMIT, id, NULL, 0, current), SCHAT_OK);
  assert_int_equal(lab_send_key(l, ABORT, id, NULL, 0, 0), SCHAT_OK);
  assert_int_equal(lab_send_key(l, REQUEST, id, l->own, 256, 0), SCHAT_OK);
  assert_int_equal(l->sent_count, 0);
  assert_rests_on(l, current);
  lab_free(l);

  l = quiet_lab(74, 0);
  lab_exchange(l, 0, 8);
  current = l->next_fingerprint;
  lab_forget(l);
  assert_int_equal(lab_send_key(l, COMMIT, 8, NULL, 0, current), SCHAT_OK);
  assert_int_equal(lab_send_key(l, ACCEPT, 8, l->own, 256, current), SCHAT_OK);
  assert_int_equal(lab_send_key(l, ABORT, 8, NULL, 0, 0), SCHAT_OK);
  lab_draw(l);
  assert_int_equal(lab_send_key(l, REQUEST, 8, l->own, 256, 0), SCHAT_OK);
  assert_int_equal(l->sent_count, 0);
  assert_rests_on(l, current);
  lab_free(l);
}

/* R-PFS-17: once we have committed, an AbortKey changes nothing; once the peer has not, it ends the exchange. */
static void abort_key_after_commit_key_has_no_effect(void **state) {
  lab *l = lab_new(75, 0, NULL);
  (void)state;
  lab_make_request(l);
  assert_int_equal(lab_answer(l), SCHAT_OK);
  lab_forget(l);
  assert_int_equal(lab_send_key(l, ABORT, l->exchange_id, NULL, 0, 0), SCHAT_OK);
  assert_int_equal(l->sent_count + l->event_count, 0);
  assert_true(lab_chat(l)->key_fingerprint == l->next_fingerprint);
  assert_true(lab_has(l, SCHAT__HAS_PREVIOUS));
  lab_take_next(l);
  assert_int_equal(lab_noop(l), SCHAT_OK);
  assert_rests_on(l, l->next_fingerprint);
  lab_free(l);
}

/* R-PFS-17 accept, D-20: an AbortKey in time ends our exchange; pauses double; another id is ignored. */
static void abort_key_ends_our_exchange_and_pauses_double(void **state) {
  lab *l = lab_new(76, 1, NULL);
  int64_t old = lab_chat(l)->key_fingerprint, id, pause = 60000;
  int i;
  (void)state;
  lab_make_request(l);
  for (i = 0; i < 5; i++) {
    id = lab_last(l, REQUEST)->exchange_id;
    assert_int_equal(lab_send_key(l, ABORT, id ^ 1, NULL, 0, 0), SCHAT_OK);
    assert_int_equal(lab_state(l), SCHAT__REKEY_REQUESTED);
    assert_int_equal(lab_events(l, SCHAT_EVENT_REKEY_FAILED), i);
    assert_int_equal(lab_send_key(l, ABORT, id, NULL, 0, 0), SCHAT_OK);
    assert_int_equal(lab_events(l, SCHAT_EVENT_REKEY_FAILED), i + 1);
    assert_failed(l, SCHAT_REJECT_ABORTED);
    assert_rests_on(l, old);
    lab_tick(l, pause - 1);
    assert_int_equal(lab_count(l, REQUEST), i + 1);
    lab_tick(l, 1);
    assert_int_equal(lab_count(l, REQUEST), i + 2);
    pause *= 2;
  }
  assert_int_equal(lab_count(l, ABORT), 0); /* D-37 */
  lab_free(l);
}

/* R-PFS-17, D-22: CommitKey with another fingerprint than the one we accepted: the old key stays. */
static void a_commit_key_of_another_key_is_refused(void **state) {
  lab *l = quiet_lab(77, 1);
  int64_t old = lab_chat(l)->key_fingerprint;
  (void)state;
  assert_int_equal(lab_request(l, 8), SCHAT_OK);
  lab_derive(l, lab_last(l, ACCEPT)->g);
  assert_int_equal(lab_send_key(l, COMMIT, 8, NULL, 0, l->next_fingerprint ^ 1), SCHAT_OK);
  assert_failed(l, SCHAT_REJECT_KEY_FINGERPRINT);
  assert_int_equal(lab_count(l, ABORT), 1);
  assert_rests_on(l, old);
  assert_sealed_with(l, old);
  lab_take_next(l);
  assert_int_equal(lab_say(l, "the key we dropped"), SCHAT_REJECTED);
  lab_free(l);
}

/* D-22: CommitKey of another exchange is refused; ours goes on. */
static void a_commit_key_of_another_exchange_is_refused(void **state) {
  lab *l = quiet_lab(78, 0);
  int64_t old = lab_chat(l)->key_fingerprint;
  (void)state;
  assert_int_equal(lab_request(l, 8), SCHAT_OK);
  lab_derive(l, lab_last(l, ACCEPT)->g);
  assert_int_equal(lab_send_key(l, COMMIT, 9, NULL, 0, l->next_fingerprint), SCHAT_OK);
  assert_failed(l, SCHAT_REJECT_EXCHANGE);
  assert_int_equal(lab_count(l, ABORT), 1);
  assert_true(lab_last(l, ABORT)->exchange_id == 9);
  assert_true(lab_chat(l)->key_fingerprint == old);
  assert_int_equal(lab_state(l), SCHAT__REKEY_ACCEPTED);
  assert_int_equal(lab_commit(l), SCHAT_OK);
  assert_true(lab_chat(l)->key_fingerprint == l->next_fingerprint);
  lab_free(l);
}

/* The group ----------------------------------------------------------------------------------------------------------------------- */

static uint8_t nibble(char c) {
  return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* A lawful prime that is not Telegram's. */
static void other_prime(uint8_t p[256]) {
  json_t *rows = json_load_file(SCHAT_VECTORS_DIR "/dh_config.json", 0, NULL), *row;
  size_t i, n;
  int found = 0;
  json_array_foreach(rows, i, row) {
    const char *hex = json_string_value(json_object_get(row, "p"));
    if (found || strcmp(json_string_value(json_object_get(row, "prime")), "rfc3526-group14") != 0) continue;
    for (n = 0; n < 256; n++) p[n] = (uint8_t)(nibble(hex[2 * n]) << 4 | nibble(hex[2 * n + 1]));
    found = 1;
  }
  assert_true(found);
  json_decref(rows);
}

/* The server now gives another group, and the library has taken it for another chat. */
static void change_config(lab *l) {
  uint8_t p[256];
  int64_t first = lab_chat(l)->config;
  int32_t second;
  other_prime(p);
  relay_set_dh_config(l->w->relay, 2, p, 8);
  second = world_chat(l->w, 0, 1);
  assert_int_equal(world_info(l->w, 0, second).state, SCHAT_STATE_READY);
  assert_true(puppet_slot(lab_manager(l), second)->chat.config != first);
  assert_true(lab_manager(l)->env.account.current_config != first);
  lab_forget(l);
}

/* R-PFS-07: the group of the chat's first exchange, whatever the server has said since; both roles, and after a restart. */
static void the_group_of_the_first_exchange_is_used(void **state) {
  lab *l = lab_new(80, 1, NULL);
  uint8_t g[256], expected[256];
  (void)state;
  change_config(l);
  assert_int_equal(lab_config(l)->g, 3);
  lab_make_request(l);
  memset(g, 0, sizeof g);
  g[255] = 3;
  assert_int_equal(schat__dh_key(l->p->crypto, lab_config(l)->p, g, lab_slot(l)->secrets->exponent, expected), SCHAT_OK);
  assert_memory_equal(lab_last(l, REQUEST)->g, expected, 256);
  assert_int_equal(lab_answer(l), SCHAT_OK);
  lab_take_next(l);
  assert_int_equal(lab_noop(l), SCHAT_OK);
  assert_rests_on(l, l->next_fingerprint);
  lab_restart(l, 0);
  lab_exchange(l, 0, 4);
  assert_rests_on(l, l->next_fingerprint);
  lab_free(l);
}

/* R-PFS-07 reject: a value that is lawful in the new group only is not taken. */
static void a_value_of_another_group_is_refused(void **state) {
  lab *l = lab_new(81, 0, NULL);
  uint8_t p[256], exponent[256], own[256];
  (void)state;
  change_config(l);
  other_prime(p);
  do { /* above our prime: the other one is larger */
    assert_int_equal(schat__dh_generate(l->p->crypto, p, 2, NULL, 0, exponent, own), SCHAT_OK);
  } while (memcmp(own, lab_config(l)->p, 256) <= 0);
  assert_int_equal(lab_send_key(l, REQUEST, 4, own, 256, 0), SCHAT_OK);
  assert_failed(l, SCHAT_REJECT_DH_VALUE);
  assert_int_equal(lab_count(l, ACCEPT), 0);
  lab_free(l);
}

/* What is left -------------------------------------------------------------------------------------------------------------------- */

/* 256 secret bytes, with an index of where each byte value stands in them. */
typedef struct {
  uint8_t bytes[256];
  int16_t first[256], next[256];
} needle;

static void sharpen(needle *n, const uint8_t bytes[256], int backwards) {
  int i;
  memset(n->first, -1, sizeof n->first);
  for (i = 0; i < 256; i++) n->bytes[i] = bytes[backwards ? 255 - i : i];
  for (i = 0; i + 16 <= 256; i++) {
    n->next[i] = n->first[n->bytes[i]];
    n->first[n->bytes[i]] = (int16_t)i;
  }
}

/* How many places of the data hold any 16-byte window of the secret. */
static size_t windows(const needle *n, const uint8_t *data, size_t size) {
  size_t at, hits = 0;
  for (at = 0; at + 16 <= size; at++) {
    int16_t i;
    for (i = n->first[data[at]]; i >= 0; i = n->next[i]) hits += memcmp(data + at, n->bytes + i, 16) == 0;
  }
  return hits;
}

static size_t windows_in_store(const needle *n, const memstore *m) {
  schat_record record;
  size_t i, hits = 0;
  for (i = 0; memstore_record(m, i, &record); i++) {
    size_t size = 0;
    uint8_t *plain = vault_open(&record, &size);
    assert_non_null(plain);
    hits += windows(n, plain, size) + windows(n, record.value.data, record.value.size);
    free(plain);
  }
  return hits;
}

static size_t secret_in_store(const uint8_t secret[256], const memstore *m) {
  needle n;
  sharpen(&n, secret, 0);
  return windows_in_store(&n, m);
}

/* Memory that is watched: every block of the library's allocator, and of OpenSSL's. */
typedef struct block {
  struct block *before, *after;
  size_t size;
  size_t unused;
} block;

static block watched = {&watched, &watched, 0, 0}, watched_openssl = {&watched_openssl, &watched_openssl, 0, 0};
static size_t released_dirty;

static void *watch(block *list, size_t size) {
  block *b = calloc(1, sizeof *b + size); /* defined, as all of it is searched */
  if (b == NULL) return NULL;
  b->size = size;
  b->before = list;
  b->after = list->after;
  list->after->before = b;
  list->after = b;
  return b + 1;
}

static void unwatch(void *memory) {
  block *b = (block *)memory - 1;
  b->before->after = b->after;
  b->after->before = b->before;
  free(b);
}

static void *watched_allocate(void *user_data, size_t size) {
  (void)user_data;
  return watch(&watched, size);
}

static void watched_release(void *user_data, void *memory) {
  const uint8_t *bytes = memory;
  size_t i, size = ((block *)memory - 1)->size;
  (void)user_data;
  for (i = 0; i < size && bytes[i] == 0; i++) continue;
  released_dirty += i < size;
  unwatch(memory);
}

static void *openssl_malloc(size_t size, const char *file, int line) {
  (void)file;
  (void)line;
  return watch(&watched_openssl, size);
}

/* While it is set, what OpenSSL gives back is searched for it, as bytes and as a big number. */
static const uint8_t *guarded;
static size_t guarded_hits, guarded_frees;

static void openssl_free(void *memory, const char *file, int line) {
  (void)file;
  (void)line;
  if (memory == NULL) return;
  if (guarded != NULL) {
    needle n;
    int backwards;
    guarded_frees++;
    for (backwards = 0; backwards < 2; backwards++) {
      sharpen(&n, guarded, backwards);
      guarded_hits += windows(&n, memory, ((block *)memory - 1)->size);
    }
  }
  unwatch(memory);
}

static void *openssl_realloc(void *memory, size_t size, const char *file, int line) {
  void *grown;
  size_t old;
  if (memory == NULL) return openssl_malloc(size, file, line);
  if (size == 0) {
    openssl_free(memory, file, line);
    return NULL;
  }
  old = ((block *)memory - 1)->size;
  grown = watch(&watched_openssl, size);
  if (grown == NULL) return NULL;
  memcpy(grown, memory, old < size ? old : size);
  unwatch(memory);
  return grown;
}

static size_t windows_in_list(const needle *n, const block *list) {
  const block *b;
  size_t hits = 0;
  for (b = list->after; b != list; b = b->after) hits += windows(n, (const uint8_t *)(b + 1), b->size);
  return hits;
}

static size_t secret_in_memory(const uint8_t secret[256]) {
  needle n;
  size_t hits;
  sharpen(&n, secret, 0);
  hits = windows_in_list(&n, &watched) + windows_in_list(&n, &watched_openssl);
  sharpen(&n, secret, 1); /* as big numbers stand in memory */
  return hits + windows_in_list(&n, &watched) + windows_in_list(&n, &watched_openssl);
}

static int free_random(void *user_data, uint8_t *out, size_t size) {
  uint64_t *x = user_data;
  size_t i;
  for (i = 0; i < size; i++) {
    *x = *x * UINT64_C(6364136223846793005) + 1442695040888963407u;
    out[i] = (uint8_t)(*x >> 33);
  }
  return 0;
}

/* The account opened again, in memory that is watched. */
static void reopen_watched(lab *l) {
  static const schat_allocator allocator = {NULL, watched_allocate, watched_release};
  static uint64_t random_state = 99;
  schat_config config;
  schat_host host;
  schat_close(lab_manager(l));
  SCHAT_INIT(host);
  host.random = free_random;
  host.user_data = &random_state;
  SCHAT_INIT(config);
  config.store = memstore_store(l->w->peers[0].store);
  config.host = &host;
  config.policy = &l->w->peers[0].policy;
  config.storage_key = world_storage_key();
  config.user_id = l->w->peers[0].user_id;
  config.allocator = &allocator;
  assert_int_equal(schat_open(&config, l->w->now, &l->w->peers[0].manager), SCHAT_OK);
  lab_tick(l, 0);
}

/* The puppet's knowledge is ours, and stands outside the watched memory but for its own crypto: it is asked for nothing in between. */

/* R-PFS-03, R-PFS-16, R-PFS-19, D-23: as initiator. The key goes from memory and store in the very commit of the message under the new key;
 * the exponent goes with CommitKey. */
static void nothing_is_left_of_the_key_the_initiator_replaced(void **state) {
  lab *l = lab_new(90, 1, NULL);
  uint8_t old[256], exponent[256], *noop;
  memstore *store;
  schat__action action;
  size_t size, commits;
  (void)state;
  reopen_watched(l);
  store = l->w->peers[0].store;
  memcpy(old, lab_chat(l)->key, 256);
  assert_true(secret_in_memory(old) > 0 && secret_in_store(old, store) > 0); /* the search can find it */
  lab_make_request(l);
  memcpy(exponent, lab_slot(l)->secrets->exponent, 256);
  assert_true(secret_in_memory(exponent) > 0 && secret_in_store(exponent, store) > 0);
  guarded = exponent;
  assert_int_equal(lab_answer(l), SCHAT_OK);
  guarded = NULL;
  assert_true(guarded_frees > 0);
  assert_int_equal(guarded_hits, 0);
  assert_int_equal(secret_in_memory(exponent), 0);
  assert_int_equal(secret_in_store(exponent, store), 0);
  assert_int_equal(lab_text(l, "not yet"), SCHAT_OK);
  assert_true(secret_in_memory(old) > 0 && secret_in_store(old, store) > 0);
  lab_take_next(l);
  memset(&action, 0, sizeof action);
  action.type = NOOP;
  noop = lab_hold(l, &action, &size);
  commits = memstore_commits(store);
  assert_int_equal(puppet_feed(lab_manager(l), l->chat_id, noop, size, l->w->now), SCHAT_OK);
  assert_int_equal(memstore_commits(store), commits + 1);
  assert_int_equal(secret_in_memory(old), 0);
  assert_int_equal(secret_in_store(old, store), 0);
  lab_drain(l);
  assert_int_equal(released_dirty, 0);
  free(noop);
  lab_free(l);
}

/* The same as acceptor, behind a gap: the key goes in the commit that closes it. The exponent is never stored at all. */
static void nothing_is_left_of_the_key_the_acceptor_replaced(void **state) {
  lab *l = quiet_lab(91, 0);
  uint8_t old[256], *late;
  memstore *store;
  size_t size, commits;
  (void)state;
  reopen_watched(l);
  store = l->w->peers[0].store;
  memcpy(old, lab_chat(l)->key, 256);
  l->lag = 1; /* messages of ours stay in the outbox, sealed with the old key */
  assert_int_equal(lab_text(l, "kept"), SCHAT_OK);
  assert_int_equal(lab_request(l, 3), SCHAT_OK);
  late = lab_hold_text(l, "late", &size);
  assert_int_equal(lab_commit(l), SCHAT_WAITING);
  assert_int_equal(lab_say(l, "new"), SCHAT_WAITING);
  assert_true(secret_in_memory(old) > 0 && secret_in_store(old, store) > 0);
  commits = memstore_commits(store);
  assert_int_equal(puppet_feed(lab_manager(l), l->chat_id, late, size, l->w->now), SCHAT_OK);
  assert_int_equal(memstore_commits(store), commits + 1);
  assert_int_equal(secret_in_memory(old), 0);
  assert_int_equal(secret_in_store(old, store), 0);
  assert_true(schat__count(lab_slot(l), SCHAT__OUTBOX) > 0);
  lab_drain(l);
  assert_int_equal(released_dirty, 0);
  free(late);
  lab_free(l);
}

/* R-PFS-03: every random byte that was drawn for the acceptor's exponent is gone with AcceptKey; nothing like it reaches the store. */
static uint8_t drawn[4096];
static size_t drawn_size;

static int noted_random(void *user_data, uint8_t *out, size_t size) {
  free_random(user_data, out, size);
  if (size == 256 && drawn_size + size <= sizeof drawn) {
    memcpy(drawn + drawn_size, out, size);
    drawn_size += size;
  }
  return 0;
}

static void the_exponent_of_the_acceptor_is_never_kept(void **state) {
  lab *l = quiet_lab(92, 1);
  memstore *store;
  (void)state;
  reopen_watched(l);
  store = l->w->peers[0].store;
  lab_manager(l)->env.host.random = noted_random;
  schat__crypto_free(lab_manager(l)->env.crypto);
  assert_int_equal(
      schat__crypto_new(lab_manager(l)->env.mem, noted_random, lab_manager(l)->env.host.user_data, &lab_manager(l)->env.crypto), SCHAT_OK);
  schat__sealer_free(lab_manager(l)->sealer); /* it names the crypto that has just gone */
  assert_int_equal(schat__sealer_new(lab_manager(l)->env.mem, lab_manager(l)->env.crypto, world_storage_key(), &lab_manager(l)->sealer),
                   SCHAT_OK);
  drawn_size = 0;
  assert_int_equal(lab_request(l, 3), SCHAT_OK);
  assert_int_equal(drawn_size, 256);
  assert_int_equal(secret_in_memory(drawn), 0);
  assert_int_equal(secret_in_store(drawn, store), 0);
  assert_int_equal(lab_commit(l), SCHAT_OK);
  lab_free(l);
}

/* R-PFS-03, D-06: a message that was sealed with the old key and is asked for after the switch is sealed with the new one. */
static void what_the_old_key_sealed_is_sealed_anew_when_it_is_gone(void **state) {
  lab *l = lab_new(93, 1, NULL);
  int64_t old = lab_chat(l)->key_fingerprint;
  schat__action resend;
  const lab_sent *again;
  int32_t raw;
  (void)state;
  lab_make_request(l);
  l->p->in_raw = lab_chat(l)->out_seq;
  l->lag = 1;
  assert_int_equal(lab_text(l, "lost on its way"), SCHAT_OK);
  raw = lab_last(l, SCHAT__ACTION_NONE)->out_raw;
  assert_true(lab_last(l, SCHAT__ACTION_NONE)->fingerprint == old);
  assert_int_equal(lab_answer(l), SCHAT_OK);
  lab_take_next(l);
  assert_int_equal(lab_noop(l), SCHAT_OK);
  assert_rests_on(l, l->next_fingerprint);
  lab_restart(l, 1);
  memset(&resend, 0, sizeof resend);
  resend.type = SCHAT__ACTION_RESEND;
  resend.start = schat__wire_out(raw, !l->p->originator);
  resend.end = schat__wire_out(raw + 1, !l->p->originator);
  assert_int_equal(lab_act(l, &resend), SCHAT_OK);
  again = &l->sent[l->sent_count - 2];
  assert_string_equal(again->text, "lost on its way");
  assert_true(again->out_raw == raw && again->fingerprint == l->next_fingerprint);
  assert_int_equal(again[1].action, COMMIT);
  assert_true(again[1].fingerprint == l->next_fingerprint);
  lab_free(l);
}

/* Durable before shown -------------------------------------------------------------------------------------------------------------- */

/* R-PFS-10 accept: what a crash finds at the moment AcceptKey leaves can open what the peer seals with the new key; reject: AcceptKey does
 * not leave before. */
static void the_next_key_is_durable_before_accept_key_leaves(void **state) {
  lab *l = quiet_lab(94, 1);
  int64_t old = lab_chat(l)->key_fingerprint;
  memstore *before;
  uint64_t ticket;
  (void)state;
  memstore_set_pending(l->w->peers[0].store, 1);
  assert_int_equal(lab_request(l, 12), SCHAT_PENDING);
  assert_int_equal(l->sent_count, 0);
  before = world_image(l->w, 0);
  ticket = memstore_complete(l->w->peers[0].store, SCHAT_OK);
  assert_int_equal(schat_commit_done(lab_manager(l), ticket, SCHAT_OK), SCHAT_OK);
  memstore_set_pending(l->w->peers[0].store, 0);
  lab_drain(l);
  assert_int_equal(lab_count(l, ACCEPT), 1);
  lab_derive(l, lab_last(l, ACCEPT)->g);
  assert_int_equal(secret_in_store(l->next, before), 0);
  assert_true(secret_in_store(l->next, l->w->peers[0].store) > 0);
  lab_restart(l, 1);
  assert_true(lab_chat(l)->key_fingerprint == old);
  lab_take_next(l);
  assert_int_equal(lab_say(l, "at once"), SCHAT_OK); /* ready to switch, without CommitKey even */
  assert_true(lab_chat(l)->key_fingerprint == l->next_fingerprint);
  memstore_free(before);
  lab_free(l);
}

/* R-PFS-10: a commit that fails leaves no trace; the same message is taken later. */
static void a_failed_commit_accepts_nothing(void **state) {
  lab *l = quiet_lab(95, 0);
  int64_t old = lab_chat(l)->key_fingerprint;
  schat__action action;
  uint8_t *request, *commit;
  size_t size, commit_size;
  (void)state;
  lab_draw(l);
  action = lab_key_action(REQUEST, 12, l->own, 256, 0);
  request = lab_hold(l, &action, &size);
  memstore_fail_commit(l->w->peers[0].store, 1, SCHAT_E_STORE, 0);
  assert_int_equal(lab_feed(l, request, size), SCHAT_E_STORE);
  assert_rests_on(l, old);
  assert_int_equal(l->sent_count, 0);
  assert_int_equal(lab_feed(l, request, size), SCHAT_OK);
  assert_int_equal(lab_count(l, ACCEPT), 1);
  lab_derive(l, lab_last(l, ACCEPT)->g);
  action = lab_key_action(COMMIT, 12, NULL, 0, l->next_fingerprint);
  commit = lab_hold(l, &action, &commit_size);
  memstore_fail_commit(l->w->peers[0].store, 1, SCHAT_E_STORE, 0);
  assert_int_equal(lab_feed(l, commit, commit_size), SCHAT_E_STORE);
  assert_true(lab_chat(l)->key_fingerprint == old && lab_state(l) == SCHAT__REKEY_ACCEPTED);
  assert_int_equal(lab_feed(l, commit, commit_size), SCHAT_OK);
  assert_true(lab_chat(l)->key_fingerprint == l->next_fingerprint);
  free(request);
  free(commit);
  lab_free(l);
}

/* R-PFS-02, R-PFS-10, R-PFS-15: a restart after every step, both roles, both ways to stop. */
static void an_exchange_survives_a_restart_after_every_step(void **state) {
  int crash;
  (void)state;
  for (crash = 0; crash < 2; crash++) {
    lab *l = lab_new(96, 1, NULL);
    lab_make_request(l);
    lab_restart(l, crash);
    assert_int_equal(lab_answer(l), SCHAT_OK);
    lab_restart(l, crash);
    lab_take_next(l);
    assert_int_equal(lab_say(l, "new"), SCHAT_OK);
    lab_restart(l, crash);
    assert_rests_on(l, l->next_fingerprint);
    assert_int_equal(lab_request(l, 4), SCHAT_OK);
    lab_restart(l, crash);
    assert_int_equal(lab_commit(l), SCHAT_OK);
    lab_restart(l, crash);
    assert_true(lab_has(l, SCHAT__HAS_PREVIOUS));
    assert_int_equal(lab_say(l, "newer"), SCHAT_OK);
    lab_restart(l, crash);
    assert_rests_on(l, l->next_fingerprint);
    assert_sealed_with(l, l->next_fingerprint);
    lab_free(l);
  }
}

/* R-PFS-01, R-PFS-03: the picture of the first key, through many keys and restarts (R-DH-17), and the user's word for it. */
static void the_picture_and_its_verification_outlive_every_key(void **state) {
  lab *l = lab_new(97, 1, NULL);
  schat_chat_info first, now;
  uint8_t picture[36];
  int i;
  (void)state;
  assert_int_equal(schat__key_hash(l->p->crypto, lab_chat(l)->key, picture), SCHAT_OK);
  assert_int_equal(schat_chat_set_verified(lab_manager(l), l->chat_id, 1, l->w->now), SCHAT_OK);
  first = world_info(l->w, 0, l->chat_id);
  assert_memory_equal(first.key_hash, picture, 36);
  for (i = 0; i < 20; i++) {
    lab_exchange(l, i % 2, 1000 + i);
    if (i % 3 == 0) lab_restart(l, i % 2);
    now = world_info(l->w, 0, l->chat_id);
    assert_memory_equal(now.key_hash, picture, 36);
    assert_true(now.key_fingerprint == l->next_fingerprint && now.key_fingerprint != first.key_fingerprint);
    assert_true((now.flags & SCHAT_CHAT_VERIFIED) != 0);
    assert_true(now.key_date > first.key_date || i == 0);
  }
  lab_free(l);
}

static int close_vault(void **state) {
  (void)state;
  vault_close();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_key_stays_for_100_messages_and_goes_with_the_101st),
      cmocka_unit_test(a_key_that_has_sealed_nothing_stays_for_ever),
      cmocka_unit_test(an_initiator_who_only_listens_says_one_noop),
      cmocka_unit_test(a_key_lives_a_week_and_not_a_millisecond_more),
      cmocka_unit_test(a_message_after_a_week_finds_the_key_too_old),
      cmocka_unit_test(the_week_goes_on_through_restarts),
      cmocka_unit_test(a_clock_set_back_gives_a_key_no_more_time),
      cmocka_unit_test(a_clock_set_forward_replaces_a_key_at_once),
      cmocka_unit_test(none_begins_while_one_is_open),
      cmocka_unit_test(none_begins_while_the_previous_key_is_held),
      cmocka_unit_test(none_begins_while_messages_are_missing),
      cmocka_unit_test(we_ask_and_the_peer_accepts),
      cmocka_unit_test(the_old_key_opens_nothing_once_it_is_gone),
      cmocka_unit_test(exchange_ids_are_64_random_bits),
      cmocka_unit_test(without_randomness_no_exchange_begins),
      cmocka_unit_test(an_accept_key_of_another_key_is_refused),
      cmocka_unit_test(an_accept_key_of_another_exchange_is_refused),
      cmocka_unit_test(a_bad_g_a_is_answered_with_abort_key),
      cmocka_unit_test(a_bad_g_b_is_answered_with_abort_key),
      cmocka_unit_test(values_at_the_ends_of_the_range_are_taken),
      cmocka_unit_test(used_values_are_refused),
      cmocka_unit_test(a_strict_policy_closes_the_chat),
      cmocka_unit_test(a_strict_policy_lets_lawful_exchanges_pass),
      cmocka_unit_test(the_peer_asks_and_we_accept),
      cmocka_unit_test(a_request_behind_a_hole_is_not_answered_early),
      cmocka_unit_test(a_request_before_a_gap_waits_until_it_is_closed),
      cmocka_unit_test(accept_key_behind_a_hole_is_not_answered_early),
      cmocka_unit_test(the_old_key_stays_while_the_initiator_waits_for_messages),
      cmocka_unit_test(a_message_under_the_new_key_switches_without_commit_key),
      cmocka_unit_test(commit_key_may_come_again_under_the_new_key),
      cmocka_unit_test(the_acceptor_keeps_the_old_key_until_nothing_before_the_switch_is_missing),
      cmocka_unit_test(a_gap_after_the_switch_does_not_keep_the_old_key),
      cmocka_unit_test(a_message_deleted_before_the_switch_does_not_end_the_old_key),
      cmocka_unit_test(a_message_sealed_anew_does_not_end_the_old_key),
      cmocka_unit_test(each_exchange_brings_one_noop),
      cmocka_unit_test(what_is_in_flight_under_the_old_key_does_not_replace_the_noop),
      cmocka_unit_test(a_deleted_message_keeps_the_key_of_its_place),
      cmocka_unit_test(key_messages_without_an_exchange_have_no_effect),
      cmocka_unit_test(key_messages_of_the_wrong_role_have_no_effect),
      cmocka_unit_test(a_finished_exchange_cannot_be_repeated),
      cmocka_unit_test(abort_key_after_commit_key_has_no_effect),
      cmocka_unit_test(abort_key_ends_our_exchange_and_pauses_double),
      cmocka_unit_test(a_commit_key_of_another_key_is_refused),
      cmocka_unit_test(a_commit_key_of_another_exchange_is_refused),
      cmocka_unit_test(the_group_of_the_first_exchange_is_used),
      cmocka_unit_test(a_value_of_another_group_is_refused),
      cmocka_unit_test(nothing_is_left_of_the_key_the_initiator_replaced),
      cmocka_unit_test(nothing_is_left_of_the_key_the_acceptor_replaced),
      cmocka_unit_test(the_exponent_of_the_acceptor_is_never_kept),
      cmocka_unit_test(what_the_old_key_sealed_is_sealed_anew_when_it_is_gone),
      cmocka_unit_test(the_next_key_is_durable_before_accept_key_leaves),
      cmocka_unit_test(a_failed_commit_accepts_nothing),
      cmocka_unit_test(an_exchange_survives_a_restart_after_every_step),
      cmocka_unit_test(the_picture_and_its_verification_outlive_every_key),
  };
  if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1) return 1;
  return cmocka_run_group_tests(tests, NULL, close_vault);
}
