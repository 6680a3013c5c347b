/* SPDX-License-Identifier: BSL-1.0
 * test_flaws_rekey.c - what others did wrong while they changed keys. failures.tsv lists them all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"
#include "manager/manager.h"
#include "vault.h"

#define DAY (INT64_C(86400) * 1000)

/* tgl ffb04ca: assert(0) on RequestKey; TDLib 022d602 SecretChatActor.cpp:2073: a FATAL there. */
static void a_request_key_is_answered(void **state) {
  lab *l = lab_new(1, 1, NULL);
  (void)state;
  assert_int_equal(lab_request(l, 5), SCHAT_OK);
  assert_int_equal(lab_count(l, SCHAT__ACTION_ACCEPT_KEY), 1);
  assert_int_equal(lab_commit(l), SCHAT_OK);
  assert_true(lab_chat(l)->key_fingerprint == l->next_fingerprint);
  lab_free(l);
}

/* TDLib 022d602 (39 CHECKs and 2 FATALs in SecretChatActor.cpp), tgl ffb04ca (53 and 24 assertions), telethon-secret-chat 32e7585 (exceptions):
 * key messages out of turn end the program. All of them here, in every state of an exchange, with every id. */
static void no_key_message_out_of_turn_ends_anything(void **state) {
  static const schat__action_type types[] = {SCHAT__ACTION_REQUEST_KEY, SCHAT__ACTION_ACCEPT_KEY, SCHAT__ACTION_ABORT_KEY,
                                             SCHAT__ACTION_COMMIT_KEY};
  (void)state;
  for (int phase = 0; phase < 4; phase++) {
    lab *l = lab_new(10 + (uint64_t)phase, phase % 2, NULL);
    uint64_t x = 77;
    if (phase == 1) assert_int_equal(lab_request(l, 5), SCHAT_OK);
    if (phase == 2) lab_make_request(l);
    if (phase == 3) lab_exchange(l, 1, 5);
    for (int i = 0; i < 60; i++) {
      static const uint8_t junk[300] = {1};
      static const int64_t ids[] = {0, 5, -1, INT64_MIN, INT64_MAX};
      x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
      assert_true(lab_send_key(l, types[x >> 62], ids[(x >> 40) % 5], junk, (size_t)(x >> 32) % 300, (int64_t)x) >= 0);
      assert_int_equal(lab_chat(l)->state, SCHAT_STATE_READY);
    }
    assert_int_equal(lab_text(l, "and the chat goes on"), SCHAT_OK);
    lab_free(l);
  }
}

/* telethon-secret-chat 32e7585 complete_rekey returns when the key is known (:265), so that the first message after an exchange closes the
 * chat. */
static void the_first_message_after_an_exchange_is_read(void **state) {
  (void)state;
  for (int by_library = 0; by_library < 2; by_library++) {
    lab *l = lab_new(20 + (uint64_t)by_library, 1, NULL);
    lab_exchange(l, by_library, 5);
    lab_forget(l);
    assert_int_equal(lab_say(l, "under the new key"), SCHAT_OK);
    assert_string_equal(lab_last_event(l, SCHAT_EVENT_MESSAGE)->text, "under the new key");
    assert_int_equal(lab_text(l, "ours too"), SCHAT_OK);
    assert_true(lab_last(l, SCHAT__ACTION_NONE)->fingerprint == l->next_fingerprint);
    lab_free(l);
  }
}

/* TDLib 022d602 SecretChatActor.cpp:1854 begins the week anew at every start: a client that is started once a day never changes its key. */
static void the_week_of_a_key_goes_on_through_restarts(void **state) {
  lab *l = lab_new(30, 1, NULL);
  (void)state;
  assert_int_equal(lab_text(l, "the key is in use"), SCHAT_OK);
  for (int day = 0; day < 7; day++) {
    assert_int_equal(lab_count(l, SCHAT__ACTION_REQUEST_KEY), 0);
    lab_tick(l, DAY);
    lab_restart(l, day % 2);
  }
  lab_tick(l, 1000);
  assert_int_equal(lab_count(l, SCHAT__ACTION_REQUEST_KEY), 1);
  lab_free(l);
}

/* Android 03a6abc waits for 120 messages. */
static void a_key_does_not_live_for_120_messages(void **state) {
  lab *l = lab_new(31, 1, NULL);
  (void)state;
  for (int i = 0; i < 110; i++) assert_int_equal(i % 2 ? lab_text(l, "text") : lab_say(l, "text"), SCHAT_OK);
  assert_int_equal(lab_count(l, SCHAT__ACTION_REQUEST_KEY), 1);
  lab_free(l);
}

/* tgl ffb04ca structures.c:1865 lets the smaller exchange go on; Android 03a6abc aborts the one it gives up, which kills the other for a strict
 * peer. */
static void the_larger_exchange_goes_on_and_nobody_aborts(void **state) {
  (void)state;
  for (int theirs_is_larger = 0; theirs_is_larger < 2; theirs_is_larger++) {
    lab *l = lab_new(40 + (uint64_t)theirs_is_larger, 1, NULL);
    lab_make_request(l);
    lab_forget(l);
    assert_int_equal(lab_request(l, theirs_is_larger ? INT64_MAX : INT64_MIN), SCHAT_OK);
    assert_int_equal(lab_count(l, SCHAT__ACTION_ABORT_KEY), 0);
    assert_int_equal(lab_count(l, SCHAT__ACTION_ACCEPT_KEY), theirs_is_larger);
    lab_free(l);
  }
}

/* TDLib 022d602, tgl ffb04ca and telethon-secret-chat 32e7585 never send it: the peer, which waits for a message under the new key, keeps the
 * old one. */
static void one_noop_tells_the_peer_that_the_key_is_new(void **state) {
  lab *l = lab_new(50, 1, NULL);
  (void)state;
  assert_int_equal(lab_request(l, 5), SCHAT_OK);
  size_t before = l->sent_count;
  assert_int_equal(lab_commit(l), SCHAT_OK);
  assert_int_equal(l->sent_count, before + 1);
  assert_int_equal(lab_count(l, SCHAT__ACTION_NOOP), 1);
  assert_true(lab_last(l, SCHAT__ACTION_NOOP)->fingerprint == l->next_fingerprint);
  lab_free(l);
}

/* MadelineProto 8.3.5 keeps `oldKey` until the next exchange; TDLib 022d602 gives its memory back as it is. In memory, and in no record. */
static void the_old_key_is_gone_once_the_new_one_is_proven(void **state) {
  (void)state;
  for (int by_library = 0; by_library < 2; by_library++) {
    lab *l = lab_new(60 + (uint64_t)by_library, 1, NULL);
    uint8_t old[256];
    memcpy(old, lab_chat(l)->key, sizeof old);
    assert_true(vault_find(l->w->peers[0].store, old, 16) > 0);
    lab_exchange(l, by_library, 5);
    assert_null(lab_slot(l)->secrets);
    for (size_t at = 0; at + 16 <= sizeof old; at += 16) assert_int_equal(vault_find(l->w->peers[0].store, old + at, 16), 0);
    lab_free(l);
  }
  vault_close();
}

/* DrKLO/Telegram#702: committing a key that had been aborted broke the chat. */
static void an_aborted_exchange_cannot_be_committed(void **state) {
  lab *l = lab_new(70, 1, NULL);
  int64_t old = lab_chat(l)->key_fingerprint;
  (void)state;
  assert_int_equal(lab_request(l, 5), SCHAT_OK);
  lab_derive(l, lab_last(l, SCHAT__ACTION_ACCEPT_KEY)->g);
  assert_int_equal(lab_send_key(l, SCHAT__ACTION_ABORT_KEY, 5, NULL, 0, 0), SCHAT_OK);
  assert_int_equal(lab_send_key(l, SCHAT__ACTION_COMMIT_KEY, 5, NULL, 0, l->next_fingerprint), SCHAT_OK);
  assert_true(lab_chat(l)->key_fingerprint == old);
  assert_null(lab_slot(l)->secrets);
  assert_int_equal(lab_say(l, "under the old key"), SCHAT_OK);
  assert_int_equal(lab_text(l, "and we, too"), SCHAT_OK);
  assert_true(lab_last(l, SCHAT__ACTION_NONE)->fingerprint == old);
  lab_free(l);
}

/* The same when our own was aborted, and the peer accepts it all the same. */
static void an_aborted_request_cannot_be_accepted(void **state) {
  lab *l = lab_new(71, 0, NULL);
  int64_t old = lab_chat(l)->key_fingerprint;
  (void)state;
  lab_make_request(l);
  assert_int_equal(lab_send_key(l, SCHAT__ACTION_ABORT_KEY, lab_last(l, SCHAT__ACTION_REQUEST_KEY)->exchange_id, NULL, 0, 0), SCHAT_OK);
  assert_int_equal(lab_answer(l), SCHAT_OK);
  assert_true(lab_chat(l)->key_fingerprint == old);
  assert_int_equal(lab_count(l, SCHAT__ACTION_COMMIT_KEY), 0);
  lab_free(l);
}

/* TDLib 022d602 answers each AbortKey with a new RequestKey at once, and so do two such peers for ever. */
static void aborts_and_requests_do_not_chase_each_other(void **state) {
  lab *l = lab_new(72, 1, NULL);
  static const uint8_t one[] = {1};
  (void)state;
  for (int64_t i = 0; i < 200; i++) assert_int_equal(lab_send_key(l, SCHAT__ACTION_REQUEST_KEY, 10 + i, one, 1, 0), SCHAT_OK);
  assert_int_equal(lab_count(l, SCHAT__ACTION_ABORT_KEY), 1);
  lab_free(l);
}

/* Miculan and Vitacolonna, rekeying-authentication-failure: a peer hands on the values of an exchange to a third. It has a price: the value it
 * hands on may not be one of any live chat of ours, and each exchange has a fresh one. */
static void a_value_of_another_exchange_is_not_taken(void **state) {
  lab *l = lab_new(80, 1, NULL);
  uint8_t theirs[256], ours[256];
  (void)state;
  lab_exchange(l, 0, 5);
  memcpy(theirs, l->own, sizeof theirs);
  memcpy(ours, lab_last(l, SCHAT__ACTION_ACCEPT_KEY)->g, sizeof ours);
  lab_forget(l);
  assert_int_equal(lab_send_key(l, SCHAT__ACTION_REQUEST_KEY, 6, theirs, 256, 0), SCHAT_OK);
  assert_int_equal(lab_last_event(l, SCHAT_EVENT_REKEY_FAILED)->reason, SCHAT_REJECT_DH_REUSED);
  assert_int_equal(lab_send_key(l, SCHAT__ACTION_REQUEST_KEY, 7, ours, 256, 0), SCHAT_OK);
  assert_int_equal(lab_last_event(l, SCHAT_EVENT_REKEY_FAILED)->reason, SCHAT_REJECT_DH_REUSED);
  assert_int_equal(lab_count(l, SCHAT__ACTION_ACCEPT_KEY), 0);
  lab_free(l);
}

/* The same model: what people compare must be the first key, and the fingerprint of the one in use stands beside it (R-DH-17). */
static void the_picture_stays_and_the_fingerprint_follows(void **state) {
  lab *l = lab_new(81, 1, NULL);
  schat_chat_info before = world_info(l->w, 0, l->chat_id), after;
  (void)state;
  lab_exchange(l, 1, 0);
  after = world_info(l->w, 0, l->chat_id);
  assert_memory_equal(after.key_hash, before.key_hash, sizeof before.key_hash);
  assert_true(after.key_fingerprint != before.key_fingerprint && after.key_fingerprint == l->next_fingerprint);
  lab_free(l);
}

/* Android 03a6abc takes the group that the server gave last for every exchange of every chat. */
static void an_exchange_uses_the_group_of_its_chat(void **state) {
  lab *l = lab_new(82, 1, NULL);
  const schat__config *config = lab_config(l);
  int64_t key = lab_chat(l)->config;
  (void)state;
  lab_manager(l)->env.account.current_config = key + 1; /* whatever is newest now */
  assert_int_equal(lab_request(l, 5), SCHAT_OK);
  assert_int_equal(lab_commit(l), SCHAT_OK); /* both sides came to one key in it */
  assert_true(lab_chat(l)->key_fingerprint == l->next_fingerprint && lab_chat(l)->config == key && lab_config(l) == config);
  lab_free(l);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_request_key_is_answered),
      cmocka_unit_test(no_key_message_out_of_turn_ends_anything),
      cmocka_unit_test(the_first_message_after_an_exchange_is_read),
      cmocka_unit_test(the_week_of_a_key_goes_on_through_restarts),
      cmocka_unit_test(a_key_does_not_live_for_120_messages),
      cmocka_unit_test(the_larger_exchange_goes_on_and_nobody_aborts),
      cmocka_unit_test(one_noop_tells_the_peer_that_the_key_is_new),
      cmocka_unit_test(the_old_key_is_gone_once_the_new_one_is_proven),
      cmocka_unit_test(an_aborted_exchange_cannot_be_committed),
      cmocka_unit_test(an_aborted_request_cannot_be_accepted),
      cmocka_unit_test(aborts_and_requests_do_not_chase_each_other),
      cmocka_unit_test(a_value_of_another_exchange_is_not_taken),
      cmocka_unit_test(the_picture_stays_and_the_fingerprint_follows),
      cmocka_unit_test(an_exchange_uses_the_group_of_its_chat),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
