/* SPDX-License-Identifier: BSL-1.0
 * test_gone.c - what still comes for a chat that is no more, or is told of it, means nothing; and numbers that count failures stop at their
 * end instead of beginning anew. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "manager/manager.h"
#include "puppet.h"
#include "world.h"

static world *w;
static int32_t chat;

static int set_up(void **state) {
  (void)state;
  w = world_new(95, 3);
  chat = world_chat(w, 0, 1);
  world_text(w, 1, chat, "one to read", NULL);
  world_run(w);
  world_forget(w);
  w->peers[0].hold = 1; /* what it asks is answered here */
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  world_free(w);
  return 0;
}

static schat_manager *alice(void) {
  return w->peers[0].manager;
}

static uint64_t token_of(int32_t type) {
  const world_request *request = world_last_request(w, 0, type);
  assert_non_null(request);
  return request->token;
}

static int done(uint64_t token, int32_t type) {
  schat_answer answer;
  SCHAT_INIT(answer);
  answer.type = type;
  answer.date = 1;
  return schat_request_done(alice(), token, &answer, w->now);
}

static void server_discards(int32_t chat_id) {
  schat_chat_update update;
  SCHAT_INIT(update);
  update.chat_id = chat_id;
  update.type = SCHAT_CHAT_UPDATE_DISCARDED;
  assert_int_equal(schat_input_chat(alice(), &update, w->now), SCHAT_CHAT_CLOSED);
}

/* Everything a chat asks for. */
static void ask_for_all(void) {
  int32_t date = world_info(w, 0, chat).last_date;
  assert_int_equal(world_text(w, 0, chat, "on its way", NULL), SCHAT_OK);
  assert_int_equal(schat_messages_read(alice(), chat, date, w->now), SCHAT_OK);
  assert_int_equal(schat_typing(alice(), chat, 1, w->now), SCHAT_OK);
  assert_int_equal(schat_chat_report_spam(alice(), chat, w->now), SCHAT_OK);
  world_drain(w, 0);
}

static const struct {
  int32_t request, answer;
} asked[] = {{SCHAT_REQUEST_SEND_ENCRYPTED, SCHAT_ANSWER_SENT},
             {SCHAT_REQUEST_READ_HISTORY, SCHAT_ANSWER_DONE},
             {SCHAT_REQUEST_SET_TYPING, SCHAT_ANSWER_DONE},
             {SCHAT_REQUEST_REPORT_SPAM, SCHAT_ANSWER_DONE}};

static void is_quiet(void) {
  world_forget(w);
  world_drain(w, 0);
  assert_int_equal(w->peers[0].request_count + w->peers[0].event_count, 0);
}

static void answers_to_a_forgotten_chat_mean_nothing(void **state) {
  uint64_t tokens[4];
  (void)state;
  ask_for_all();
  for (size_t i = 0; i < 4; i++) tokens[i] = token_of(asked[i].request);
  server_discards(chat);
  assert_int_equal(schat_chat_forget(alice(), chat, w->now), SCHAT_OK);
  world_drain(w, 0);
  for (size_t i = 0; i < 4; i++) assert_true(done(tokens[i], asked[i].answer) >= 0);
  is_quiet();
  for (size_t i = 0; i < 4; i++) assert_int_equal(done(tokens[i], asked[i].answer), SCHAT_IGNORED); /* and are over */
}

static void errors_about_a_forgotten_chat_mean_nothing(void **state) {
  static const struct {
    int32_t code;
    const char *text;
  } errors[] = {{500, "INTERNAL"}, {400, "CHAT_ID_INVALID"}, {420, "FLOOD_WAIT_5"}, {401, "SESSION_REVOKED"}, {400, NULL}};
  for (size_t e = 0; e < sizeof errors / sizeof *errors; e++) {
    uint64_t tokens[4];
    if (e > 0) set_up(state);
    ask_for_all();
    for (size_t i = 0; i < 4; i++) tokens[i] = token_of(asked[i].request);
    server_discards(chat);
    assert_int_equal(schat_chat_forget(alice(), chat, w->now), SCHAT_OK);
    world_drain(w, 0);
    for (size_t i = 0; i < 4; i++) assert_true(schat_request_failed(alice(), tokens[i], errors[e].code, errors[e].text, w->now) >= 0);
    is_quiet();
    if (e + 1 < sizeof errors / sizeof *errors) tear_down(state);
  }
}

/* The configuration that a chat asked for, when the user has thought otherwise. */
static void the_answer_to_a_chat_that_was_given_up_means_nothing(void **state) {
  (void)state;
  for (int fails = 0; fails < 2; fails++) {
    int32_t id = 0;
    uint64_t token;
    assert_int_equal(schat_chat_create(alice(), w->peers[2].user_id, w->now, &id), SCHAT_OK);
    world_drain(w, 0);
    token = token_of(SCHAT_REQUEST_GET_DH_CONFIG);
    assert_int_equal(schat_chat_discard(alice(), id, 0, w->now), SCHAT_OK);
    assert_int_equal(schat_chat_forget(alice(), id, w->now), SCHAT_OK);
    world_drain(w, 0);
    if (fails) {
      assert_true(schat_request_failed(alice(), token, 500, "INTERNAL", w->now) >= 0);
    } else {
      assert_true(done(token, SCHAT_ANSWER_DH_NOT_MODIFIED) >= 0);
    }
    is_quiet();
  }
}

/* What has not left yet never does. */
static void nothing_leaves_for_a_chat_that_ended_in_the_same_batch(void **state) {
  (void)state;
  assert_int_equal(schat_begin(alice()), SCHAT_OK);
  assert_int_equal(schat_typing(alice(), chat, 1, w->now), SCHAT_OK);
  server_discards(chat);
  assert_int_equal(schat_end(alice(), w->now), SCHAT_OK);
  world_drain(w, 0);
  assert_int_equal(world_requests(w, 0, SCHAT_REQUEST_SET_TYPING), 0);
  assert_int_equal(world_count(w, 0, SCHAT_EVENT_CLOSED), 1);
}

static void a_chat_that_ended_and_was_forgotten_at_once_is_told_as_closed(void **state) {
  (void)state;
  assert_int_equal(schat_begin(alice()), SCHAT_OK);
  assert_int_equal(schat_chat_report_spam(alice(), chat, w->now), SCHAT_OK);
  assert_int_equal(schat_chat_set_verified(alice(), chat, 1, w->now), SCHAT_OK);
  server_discards(chat);
  assert_int_equal(schat_chat_forget(alice(), chat, w->now), SCHAT_OK);
  assert_int_equal(schat_end(alice(), w->now), SCHAT_OK);
  world_drain(w, 0);
  assert_int_equal(world_requests(w, 0, SCHAT_REQUEST_REPORT_SPAM), 0);
  assert_int_equal(world_count(w, 0, SCHAT_EVENT_CHAT), 0); /* there is nothing to tell of it */
  assert_int_equal(world_count(w, 0, SCHAT_EVENT_CLOSED), 1);
}

/* An effect that is being looked at is not taken away inside a batch. */
static void effects_wait_for_the_end_of_a_batch(void **state) {
  schat_effect effect;
  (void)state;
  SCHAT_INIT(effect);
  assert_int_equal(schat_typing(alice(), chat, 1, w->now), SCHAT_OK);
  assert_int_equal(schat_peek(alice(), &effect), SCHAT_OK);
  assert_int_equal(schat_begin(alice()), SCHAT_OK);
  assert_int_equal(schat_pop(alice()), SCHAT_EMPTY);
  assert_int_equal(schat_peek(alice(), &effect), SCHAT_EMPTY);
  assert_int_equal(schat_end(alice(), w->now), SCHAT_OK);
  assert_int_equal(schat_peek(alice(), &effect), SCHAT_OK);
  assert_int_equal(effect.request->type, SCHAT_REQUEST_SET_TYPING);
  assert_int_equal(schat_pop(alice()), SCHAT_OK);
}

/* Logging out while a flush is on its way leaves that as it is, or ends the chat at once. */
static void discarding_all_twice_does_not_flush_twice(void **state) {
  (void)state;
  assert_int_equal(schat_discard_all(alice(), SCHAT_DISCARD_FLUSH_FIRST, w->now), SCHAT_OK);
  assert_int_equal(schat_discard_all(alice(), SCHAT_DISCARD_FLUSH_FIRST, w->now), SCHAT_OK);
  world_drain(w, 0);
  assert_int_equal(world_requests(w, 0, SCHAT_REQUEST_SEND_SERVICE), 1);
  assert_int_equal(world_info(w, 0, chat).state, SCHAT_STATE_READY);
  assert_int_equal(schat_discard_all(alice(), 0, w->now), SCHAT_OK);
  assert_int_equal(world_info(w, 0, chat).state, SCHAT_STATE_CLOSED);
}

/* Up to the request for it, which is held. */
static int32_t ask_for_a_chat(void) {
  const relay_item *item;
  int32_t id = 0;
  w->peers[0].hold = 0;
  assert_int_equal(schat_chat_create(alice(), w->peers[2].user_id, w->now, &id), SCHAT_OK);
  world_drain(w, 0);
  w->peers[0].hold = 1;
  while (relay_poll(w->relay, w->peers[0].device, w->now, &item)) {
    assert_true(schat_request_done(alice(), item->token, &item->answer, w->now) >= 0);
  }
  world_drain(w, 0);
  return id;
}

/* An answer that says nothing a chat can be leaves the question open. */
static void an_answer_of_no_known_kind_is_rejected(void **state) {
  static const int32_t types[] = {INT32_MIN, -1, 0, 77, INT32_MAX};
  schat_answer answer;
  int32_t id;
  uint64_t token;
  (void)state;
  id = ask_for_a_chat();
  token = token_of(SCHAT_REQUEST_REQUEST_ENCRYPTION);
  SCHAT_INIT(answer);
  answer.type = SCHAT_ANSWER_CHAT;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    answer.chat.type = types[i];
    answer.chat.chat_id = id;
    assert_int_equal(schat_request_done(alice(), token, &answer, w->now), SCHAT_REJECTED);
  }
  assert_int_equal(puppet_slot(alice(), id)->chat.ask.token, token);
}

static void a_configuration_without_a_prime_is_rejected(void **state) {
  schat_answer answer;
  int32_t id = 0;
  (void)state;
  assert_int_equal(schat_chat_create(alice(), w->peers[2].user_id, w->now, &id), SCHAT_OK);
  world_drain(w, 0);
  SCHAT_INIT(answer);
  answer.type = SCHAT_ANSWER_DH_CONFIG;
  answer.g = 3;
  answer.version = 8;
  answer.p = (schat_bytes){NULL, 256};
  assert_int_equal(schat_request_done(alice(), token_of(SCHAT_REQUEST_GET_DH_CONFIG), &answer, w->now), SCHAT_REJECTED);
}

/* What the update has told already, the answer need not. */
static void an_answer_may_come_after_its_update(void **state) {
  schat_answer answer;
  int32_t id;
  (void)state;
  id = ask_for_a_chat();
  SCHAT_INIT(answer);
  answer.type = SCHAT_ANSWER_CHAT;
  SCHAT_INIT(answer.chat);
  answer.chat.type = SCHAT_CHAT_UPDATE_WAITING;
  answer.chat.chat_id = id;
  answer.chat.access_hash = 9;
  answer.chat.date = 1;
  answer.chat.admin_id = w->peers[0].user_id;
  answer.chat.participant_id = w->peers[2].user_id;
  assert_true(schat_input_chat(alice(), &answer.chat, w->now) >= 0);
  assert_true(schat_request_done(alice(), token_of(SCHAT_REQUEST_REQUEST_ENCRYPTION), &answer, w->now) >= 0);
  assert_int_equal(world_info(w, 0, id).state, SCHAT_STATE_WAITING_PEER);
}

/* Of invitations that came to nothing as many are shown as may wait; then the oldest goes. */
static void old_invitations_are_forgotten(void **state) {
  static uint8_t value[256];
  schat_chat_update update;
  size_t count = 0;
  (void)state;
  w->peers[0].hold = 0;
  w->peers[0].policy.max_invited_chats = 3;
  world_restart(w, 0, 0);
  value[0] = 1;
  for (int32_t id = 1; id <= 6; id++) {
    w->now += 1000;
    SCHAT_INIT(update);
    update.chat_id = id;
    update.type = SCHAT_CHAT_UPDATE_REQUESTED;
    update.admin_id = 4000 + id;
    update.participant_id = w->peers[0].user_id;
    update.access_hash = 7;
    update.date = 1;
    value[255] = (uint8_t)id;
    update.g_a = (schat_bytes){value, sizeof value};
    assert_true(schat_input_chat(alice(), &update, w->now) >= 0);
    update.type = SCHAT_CHAT_UPDATE_DISCARDED;
    assert_int_equal(schat_input_chat(alice(), &update, w->now), SCHAT_CHAT_CLOSED);
  }
  assert_null(puppet_slot(alice(), 1));
  assert_non_null(puppet_slot(alice(), 6));
  schat_chat_list(alice(), NULL, 0, &count);
  assert_true(count <= 5); /* with the chat that is open, and the newest */
}

/* Counting ------------------------------------------------------------------------------------------------------------------------------ */

/* Waits until the library asks again, and refuses again. */
static void refuse_often(int32_t type, unsigned times) {
  for (unsigned i = 0; i < times; i++) {
    int64_t due = 0;
    world_forget(w);
    while (world_last_request(w, 0, type) == NULL) {
      assert_int_equal(schat_next_deadline(alice(), &due), SCHAT_OK);
      if (due > w->now) w->now = due;
      assert_true(schat_tick(alice(), w->now) >= 0);
      world_drain(w, 0);
    }
    assert_true(schat_request_failed(alice(), token_of(type), 500, "INTERNAL", w->now) >= 0);
    world_drain(w, 0);
  }
}

static void a_reading_that_fails_300_times_is_still_asked_for(void **state) {
  (void)state;
  assert_int_equal(schat_messages_read(alice(), chat, world_info(w, 0, chat).last_date, w->now), SCHAT_OK);
  world_drain(w, 0);
  assert_true(schat_request_failed(alice(), token_of(SCHAT_REQUEST_READ_HISTORY), 500, "INTERNAL", w->now) >= 0);
  refuse_often(SCHAT_REQUEST_READ_HISTORY, 300);
  assert_int_equal(puppet_slot(alice(), chat)->chat.read_tries, 255);
}

static void a_message_that_fails_300_times_is_still_sent(void **state) {
  (void)state;
  assert_int_equal(world_text(w, 0, chat, "again and again", NULL), SCHAT_OK);
  world_drain(w, 0);
  assert_true(schat_request_failed(alice(), token_of(SCHAT_REQUEST_SEND_ENCRYPTED), 500, "INTERNAL", w->now) >= 0);
  refuse_often(SCHAT_REQUEST_SEND_ENCRYPTED, 300);
}

static void a_chat_whose_beginning_fails_300_times_is_still_asked_for(void **state) {
  int32_t id = 0;
  (void)state;
  assert_int_equal(schat_chat_create(alice(), w->peers[2].user_id, w->now, &id), SCHAT_OK);
  world_drain(w, 0);
  assert_true(schat_request_failed(alice(), token_of(SCHAT_REQUEST_GET_DH_CONFIG), 500, "INTERNAL", w->now) >= 0);
  refuse_often(SCHAT_REQUEST_GET_DH_CONFIG, 300);
  assert_int_equal(puppet_slot(alice(), id)->chat.ask.tries, 255);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(answers_to_a_forgotten_chat_mean_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(errors_about_a_forgotten_chat_mean_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_answer_to_a_chat_that_was_given_up_means_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(nothing_leaves_for_a_chat_that_ended_in_the_same_batch, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_chat_that_ended_and_was_forgotten_at_once_is_told_as_closed, set_up, tear_down),
      cmocka_unit_test_setup_teardown(effects_wait_for_the_end_of_a_batch, set_up, tear_down),
      cmocka_unit_test_setup_teardown(discarding_all_twice_does_not_flush_twice, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_answer_of_no_known_kind_is_rejected, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_configuration_without_a_prime_is_rejected, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_answer_may_come_after_its_update, set_up, tear_down),
      cmocka_unit_test_setup_teardown(old_invitations_are_forgotten, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_reading_that_fails_300_times_is_still_asked_for, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_message_that_fails_300_times_is_still_sent, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_chat_whose_beginning_fails_300_times_is_still_asked_for, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
