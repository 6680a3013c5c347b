/* SPDX-License-Identifier: BSL-1.0
 * test_rekey_mutants.c - two keys with one fingerprint, which chance makes once in 2^64: small changes to new keys that no other test would
 * notice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lab.h"

#define REQUEST SCHAT__ACTION_REQUEST_KEY
#define ACCEPT SCHAT__ACTION_ACCEPT_KEY
#define COMMIT SCHAT__ACTION_COMMIT_KEY
#define ABORT SCHAT__ACTION_ABORT_KEY

/* The current key goes by another number on both sides, and so does what it is to seal. */
static void rename_key(lab *l, int64_t from, int64_t to) {
  schat__slot *slot = lab_slot(l);
  slot->chat.key_fingerprint = to;
  l->p->key_fingerprint = to;
  for (size_t i = 0; i < schat__count(slot, SCHAT__OUTBOX); i++) {
    schat__item *item = schat__item_at(slot, SCHAT__OUTBOX, i);
    if (item->u.out.key_fingerprint == from) item->u.out.key_fingerprint = to;
  }
}

/* The puppet says it while the current key goes by that number. */
static void act_under_a_name(lab *l, int64_t name, const schat__action *action) {
  const int64_t own = lab_chat(l)->key_fingerprint;
  size_t size;
  rename_key(l, own, name);
  uint8_t *bytes = lab_hold(l, action, &size);
  assert_int_equal(puppet_feed(lab_manager(l), l->chat_id, bytes, size, l->w->now), SCHAT_OK);
  free(bytes);
  rename_key(l, name, own);
  lab_drain(l);
}

static void assert_refused_for_its_fingerprint(const lab *l) {
  assert_int_equal(lab_events(l, SCHAT_EVENT_REKEY_FAILED), 1);
  assert_int_equal(lab_last_event(l, SCHAT_EVENT_REKEY_FAILED)->reason, SCHAT_REJECT_KEY_FINGERPRINT);
  assert_int_equal(lab_count(l, ABORT), 1);
  assert_int_equal(lab_state(l), SCHAT__REKEY_IDLE);
  assert_null(lab_slot(l)->secrets);
  assert_int_equal(lab_events(l, SCHAT_EVENT_REKEYED), 0);
}

/* R-PFS-12: what names a message's key would name two. The same seed and value make the same key, which is thus known before. */
static void the_acceptor_refuses_a_key_with_the_fingerprint_of_its_current_one(void **state) {
  (void)state;
  for (int originator = 0; originator < 2; originator++) {
    lab *l = lab_new(4100, originator, NULL);
    assert_int_equal(lab_request(l, 7), SCHAT_OK);
    assert_int_equal(lab_count(l, ACCEPT), 1);
    const int64_t next = lab_slot(l)->secrets->next_fingerprint;
    uint8_t value[256];
    memcpy(value, l->own, sizeof value);
    lab_free(l);
    l = lab_new(4100, originator, NULL);
    const schat__action action = lab_key_action(REQUEST, 7, value, sizeof value, 0);
    act_under_a_name(l, next, &action);
    assert_int_equal(lab_count(l, ACCEPT), 0);
    assert_refused_for_its_fingerprint(l);
    lab_free(l);
  }
}

static void the_initiator_refuses_a_key_with_the_fingerprint_of_its_current_one(void **state) {
  (void)state;
  for (int originator = 0; originator < 2; originator++) {
    lab *l = lab_new(4200, originator, NULL);
    lab_make_request(l);
    const lab_sent *request = lab_last(l, REQUEST);
    lab_draw(l);
    lab_derive(l, request->g);
    const schat__action action = lab_key_action(ACCEPT, request->exchange_id, l->own, 256, l->next_fingerprint);
    act_under_a_name(l, l->next_fingerprint, &action);
    assert_int_equal(lab_count(l, COMMIT), 0);
    assert_refused_for_its_fingerprint(l);
    lab_free(l);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_acceptor_refuses_a_key_with_the_fingerprint_of_its_current_one),
      cmocka_unit_test(the_initiator_refuses_a_key_with_the_fingerprint_of_its_current_one),
  };
  return cmocka_run_group_tests_name("rekey-mutants", tests, NULL, NULL);
}
