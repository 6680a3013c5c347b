/* SPDX-License-Identifier: BSL-1.0
 * test_queue.c - where we stand in the server's queue: noted with what came, confirmed when that is durable, and never past a hole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "desk.h"
#include "manager/manager.h"

#define TEXTS 8

typedef struct {
  desk *d;
  uint8_t *texts[TEXTS];
  size_t sizes[TEXTS];
} line;

static line *line_new(uint64_t seed) {
  line *l = calloc(1, sizeof *l);
  int32_t i;
  assert_non_null(l);
  l->d = desk_new(seed);
  desk_begin(l->d, 1, SCHAT_STATE_READY);
  for (i = 0; i < TEXTS; i++) l->texts[i] = desk_text(l->d, i, "text", &l->sizes[i]);
  world_forget(l->d->w);
  return l;
}

static void line_free(line *l) {
  size_t i;
  for (i = 0; i < TEXTS; i++) free(l->texts[i]);
  desk_free(l->d);
  free(l);
}

static int feed(line *l, size_t text, int32_t qts) {
  return desk_message(l->d, l->texts[text], l->sizes[text], qts);
}

static int32_t position(const line *l) {
  int32_t qts = -1, date = -1;
  assert_int_equal(schat_checkpoint(desk_manager(l->d), &qts, &date), SCHAT_OK);
  return qts;
}

static size_t confirmed(const line *l) {
  return world_requests(l->d->w, 0, SCHAT_REQUEST_RECEIVED_QUEUE);
}

static int32_t last_confirmed(const line *l) {
  const world_request *r = world_last_request(l->d->w, 0, SCHAT_REQUEST_RECEIVED_QUEUE);
  return r == NULL ? 0 : r->qts;
}

/* D-31, R-Q-02 accept: the first number may be any, then each is one more; each is confirmed, once, and durable. */
static void each_position_is_noted_and_confirmed(void **state) {
  line *l = line_new(1);
  (void)state;
  assert_int_equal(position(l), 0);
  assert_int_equal(feed(l, 0, 4711), SCHAT_OK);
  assert_int_equal(position(l), 4711);
  assert_int_equal(last_confirmed(l), 4711);
  assert_int_equal(feed(l, 1, 4712), SCHAT_OK);
  assert_int_equal(last_confirmed(l), 4712);
  assert_int_equal(confirmed(l), 2);
  assert_int_equal(feed(l, 2, 0), SCHAT_OK); /* the host does not know it */
  assert_int_equal(position(l), 4712);
  assert_int_equal(confirmed(l), 2);
  world_restart(l->d->w, 0, 1);
  world_drain(l->d->w, 0);
  assert_int_equal(position(l), 4712);
  assert_int_equal(confirmed(l), 3); /* the answer was never heard */
  assert_int_equal(desk_done(l->d, SCHAT_REQUEST_RECEIVED_QUEUE), SCHAT_OK);
  world_pass(l->d->w, 100000);
  assert_int_equal(confirmed(l), 3);
  line_free(l);
}

/* D-31 reject: a number seen before moves nothing back; boundaries at -1, 0, +1, +2. */
static void only_the_next_position_is_noted(void **state) {
  static const struct {
    int32_t qts, after;
    int status;
    size_t asked;
  } cases[] = {{99, 100, SCHAT_OK, 0},
               {100, 100, SCHAT_OK, 0},
               {101, 101, SCHAT_OK, 0},
               {102, 100, SCHAT_NEED_DIFFERENCE, 1},
               {-1, 100, SCHAT_OK, 0},
               {INT32_MIN, 100, SCHAT_OK, 0},
               {INT32_MAX, 100, SCHAT_NEED_DIFFERENCE, 1}};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    line *l = line_new(2);
    assert_int_equal(feed(l, 0, 100), SCHAT_OK);
    assert_int_equal(feed(l, 1, cases[i].qts), cases[i].status);
    assert_int_equal(position(l), cases[i].after);
    assert_int_equal(last_confirmed(l), cases[i].after);
    assert_int_equal(world_requests(l->d->w, 0, SCHAT_REQUEST_GET_DIFFERENCE), cases[i].asked);
    assert_int_equal(world_count(l->d->w, 0, SCHAT_EVENT_MESSAGE), 2); /* the message itself is fine all the same */
    line_free(l);
  }
}

static schat_encrypted_message wire(const line *l, size_t text) {
  schat_encrypted_message m;
  SCHAT_INIT(m);
  m.chat_id = l->d->chat_id;
  m.date = l->d->date;
  m.bytes.data = l->texts[text];
  m.bytes.size = l->sizes[text];
  return m;
}

static int give_difference(line *l, const schat_encrypted_message *messages, size_t count, int32_t qts) {
  schat_difference d;
  int status;
  SCHAT_INIT(d);
  d.messages = messages;
  d.message_count = count;
  d.qts = qts;
  d.date = l->d->date;
  status = schat_input_difference(desk_manager(l->d), &d, l->d->w->now);
  world_drain(l->d->w, 0);
  return status;
}

/* R-Q-02, D-31: a hole is asked about from the last whole position, again until it is answered; the answer closes it in one commit. */
static void a_hole_is_closed_by_the_difference(void **state) {
  line *l = line_new(3);
  schat_encrypted_message messages[3];
  size_t commits;
  (void)state;
  assert_int_equal(feed(l, 0, 10), SCHAT_OK);
  assert_int_equal(feed(l, 3, 13), SCHAT_NEED_DIFFERENCE);
  assert_int_equal(world_last_request(l->d->w, 0, SCHAT_REQUEST_GET_DIFFERENCE)->qts, 10);
  assert_int_equal(last_confirmed(l), 10);
  world_restart(l->d->w, 0, 1);
  assert_int_equal(position(l), 10);
  assert_int_equal(feed(l, 4, 14), SCHAT_NEED_DIFFERENCE);
  assert_int_equal(feed(l, 4, 14), SCHAT_NEED_DIFFERENCE);
  assert_int_equal(world_requests(l->d->w, 0, SCHAT_REQUEST_GET_DIFFERENCE), 2); /* one at a time */
  world_pass(l->d->w, 5000);
  assert_int_equal(world_requests(l->d->w, 0, SCHAT_REQUEST_GET_DIFFERENCE), 3);
  messages[0] = wire(l, 1);
  messages[1] = wire(l, 2);
  messages[2] = wire(l, 3);
  commits = memstore_commits(l->d->w->peers[0].store);
  assert_int_equal(give_difference(l, messages, 3, 14), SCHAT_OK);
  assert_int_equal(memstore_commits(l->d->w->peers[0].store), commits + 1);
  assert_int_equal(position(l), 14);
  assert_int_equal(last_confirmed(l), 14);
  assert_int_equal(world_count(l->d->w, 0, SCHAT_EVENT_MESSAGE), 5);
  world_pass(l->d->w, 60000);
  assert_int_equal(world_requests(l->d->w, 0, SCHAT_REQUEST_GET_DIFFERENCE), 3);
  line_free(l);
}

/* D-02, D-31: what is refused has a place in the queue as well, alone and among others, so that it does not come back for ever. */
static void a_refused_message_has_its_place_too(void **state) {
  line *l = line_new(4);
  schat_encrypted_message messages[3];
  uint8_t junk[96] = {1};
  (void)state;
  assert_int_equal(feed(l, 0, 20), SCHAT_OK);
  assert_int_equal(desk_message(l->d, junk, sizeof junk, 21), SCHAT_REJECTED);
  assert_int_equal(position(l), 21);
  assert_int_equal(last_confirmed(l), 21);
  messages[0] = wire(l, 1);
  messages[1] = wire(l, 1);
  messages[1].bytes.data = junk;
  messages[1].bytes.size = sizeof junk;
  messages[2] = wire(l, 2);
  messages[2].chat_id ^= 1; /* no such chat */
  assert_int_equal(give_difference(l, messages, 3, 24), SCHAT_OK);
  assert_int_equal(position(l), 24);
  assert_int_equal(world_count(l->d->w, 0, SCHAT_EVENT_MESSAGE), 2);
  assert_int_equal(world_count(l->d->w, 0, SCHAT_EVENT_REJECTED), 3);
  line_free(l);
}

/* R-Q-01 reject: what a store refused is neither noted nor confirmed, and comes again. */
static void nothing_is_confirmed_that_was_not_stored(void **state) {
  line *l = line_new(5);
  (void)state;
  memstore_fail_commit(l->d->w->peers[0].store, 1, SCHAT_E_FULL, 0);
  assert_int_equal(feed(l, 0, 30), SCHAT_E_FULL);
  assert_int_equal(position(l), 0);
  assert_int_equal(confirmed(l), 0);
  assert_int_equal(world_count(l->d->w, 0, SCHAT_EVENT_MESSAGE), 0);
  assert_int_equal(feed(l, 0, 30), SCHAT_OK);
  assert_int_equal(last_confirmed(l), 30);
  assert_int_equal(confirmed(l), 1);
  assert_int_equal(world_count(l->d->w, 0, SCHAT_EVENT_MESSAGE), 1);
  line_free(l);
}

/* R-Q-01 accept and reject, with commits that take their time: each confirmation leaves with its own commit, in order, not one earlier; one
 * whose commit is lost never does. */
static void a_confirmation_waits_for_its_commit(void **state) {
  line *l = line_new(6);
  memstore *store = l->d->w->peers[0].store;
  uint64_t ticket;
  (void)state;
  memstore_set_pending(store, 1);
  assert_int_equal(feed(l, 0, 40), SCHAT_PENDING);
  assert_int_equal(feed(l, 1, 41), SCHAT_PENDING);
  assert_int_equal(feed(l, 2, 42), SCHAT_PENDING);
  assert_int_equal(confirmed(l), 0);
  assert_int_equal(world_count(l->d->w, 0, SCHAT_EVENT_MESSAGE), 0);
  ticket = memstore_complete(store, SCHAT_OK);
  assert_int_equal(schat_commit_done(desk_manager(l->d), ticket + 1, SCHAT_OK), SCHAT_E_INVALID);
  assert_int_equal(schat_commit_done(desk_manager(l->d), ticket, SCHAT_OK), SCHAT_OK);
  world_drain(l->d->w, 0);
  assert_int_equal(confirmed(l), 1);
  assert_int_equal(last_confirmed(l), 40);
  ticket = memstore_complete(store, SCHAT_OK);
  assert_int_equal(schat_commit_done(desk_manager(l->d), ticket, SCHAT_OK), SCHAT_OK);
  world_drain(l->d->w, 0);
  assert_int_equal(last_confirmed(l), 41);
  ticket = memstore_complete(store, SCHAT_E_STORE);
  assert_int_equal(schat_commit_done(desk_manager(l->d), ticket, SCHAT_E_STORE), SCHAT_E_POISONED);
  world_drain(l->d->w, 0);
  assert_int_equal(last_confirmed(l), 41);
  assert_int_equal(world_count(l->d->w, 0, SCHAT_EVENT_MESSAGE), 2);
  memstore_set_pending(store, 0);
  world_restart(l->d->w, 0, 1);
  world_drain(l->d->w, 0);
  assert_int_equal(position(l), 41);
  assert_int_equal(feed(l, 2, 42), SCHAT_OK); /* it comes again */
  assert_int_equal(last_confirmed(l), 42);
  line_free(l);
}

/* R-Q-01: through the relay: what the server may forget is what a crash of this device could not lose. */
static void the_server_keeps_what_is_not_stored(void **state) {
  world *w = world_new(7, 2);
  int32_t id = world_chat(w, 0, 1);
  size_t i, before = relay_queue_length(w->relay, w->peers[1].device);
  (void)state;
  memstore_set_pending(w->peers[1].store, 1);
  for (i = 0; i < 3; i++) assert_true(world_text(w, 0, id, "kept", NULL) >= 0);
  world_run(w);
  assert_int_equal(relay_queue_length(w->relay, w->peers[1].device), before + 3);
  world_restart(w, 1, 1); /* none of it was durable */
  world_catch_up(w, 1);
  world_run(w);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 3);
  assert_int_equal(relay_queue_length(w->relay, w->peers[1].device), 0);
  world_free(w);
}

/* A confirmation that fails is tried again, later; one that the server finds too high makes it say how it counts now. */
static void a_confirmation_that_fails_is_repeated(void **state) {
  line *l = line_new(8);
  (void)state;
  assert_int_equal(feed(l, 0, 50), SCHAT_OK);
  assert_int_equal(desk_fail(l->d, SCHAT_REQUEST_RECEIVED_QUEUE, 500, "INTERNAL"), SCHAT_OK);
  assert_int_equal(confirmed(l), 1);
  world_pass(l->d->w, 6000);
  assert_int_equal(confirmed(l), 2);
  assert_int_equal(desk_fail(l->d, SCHAT_REQUEST_RECEIVED_QUEUE, 400, "MAX_QTS_INVALID"), SCHAT_OK);
  assert_int_equal(world_requests(l->d->w, 0, SCHAT_REQUEST_GET_DIFFERENCE), 1);
  assert_int_equal(give_difference(l, NULL, 0, 3), SCHAT_OK);
  assert_int_equal(position(l), 3); /* the only case in which it goes back */
  assert_int_equal(feed(l, 1, 4), SCHAT_OK);
  world_pass(l->d->w, 6000);
  assert_int_equal(last_confirmed(l), 4);
  assert_int_equal(give_difference(l, NULL, 0, 2), SCHAT_OK);
  assert_int_equal(position(l), 4);
  line_free(l);
}

/* D-31: the date is kept with the position. */
static void the_checkpoint_is_durable(void **state) {
  line *l = line_new(9);
  int32_t qts, date;
  (void)state;
  l->d->date += 1000;
  assert_int_equal(give_difference(l, NULL, 0, 60), SCHAT_OK);
  world_restart(l->d->w, 0, 1);
  assert_int_equal(schat_checkpoint(desk_manager(l->d), &qts, &date), SCHAT_OK);
  assert_int_equal(qts, 60);
  assert_int_equal(date, l->d->date);
  assert_int_equal(schat_checkpoint(desk_manager(l->d), NULL, &date), SCHAT_E_INVALID);
  assert_int_equal(schat_checkpoint(desk_manager(l->d), &qts, NULL), SCHAT_E_INVALID);
  line_free(l);
}

/* R-Q-02: what the server deleted after seven days only the peer can give: a resend fills the hole. */
static void the_peer_fills_what_the_server_forgot(void **state) {
  static const char *const texts[] = {"one", "two", "three", "four"};
  world *w = world_new(10, 2);
  int32_t id = world_chat(w, 0, 1);
  size_t i;
  (void)state;
  w->peers[1].deaf = 1; /* away */
  for (i = 0; i < 3; i++) assert_true(world_text(w, 0, id, texts[i], NULL) >= 0);
  world_run(w);
  world_pass(w, INT64_C(8) * 86400 * 1000);
  w->peers[1].deaf = 0;
  assert_true(world_text(w, 0, id, texts[3], NULL) >= 0);
  world_run(w);
  world_catch_up(w, 1);
  world_pass(w, 10000);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 4);
  for (i = 0; i < 4; i++) assert_string_equal(world_nth(w, 1, SCHAT_EVENT_MESSAGE, i)->text, texts[i]);
  assert_int_equal(world_info(w, 1, id).waiting, 0);
  assert_int_equal(relay_queue_length(w->relay, w->peers[1].device), 0);
  world_free(w);
}

/* A question whose commit failed was never asked: the same input asks it. */
static void a_difference_that_was_not_stored_is_asked_for_again(void **state) {
  line *l = line_new(12);
  int64_t before, after;
  (void)state;
  assert_int_equal(feed(l, 0, 100), SCHAT_OK);
  assert_int_equal(schat_next_deadline(desk_manager(l->d), &before), SCHAT_OK);
  memstore_fail_commit(l->d->w->peers[0].store, 1, SCHAT_E_FULL, 0);
  assert_int_equal(feed(l, 1, 105), SCHAT_E_FULL);
  assert_int_equal(schat_next_deadline(desk_manager(l->d), &after), SCHAT_OK);
  assert_true(after == before || after <= l->d->w->now);
  assert_int_equal(world_requests(l->d->w, 0, SCHAT_REQUEST_GET_DIFFERENCE), 0);
  assert_int_equal(feed(l, 1, 105), SCHAT_NEED_DIFFERENCE);
  assert_int_equal(world_requests(l->d->w, 0, SCHAT_REQUEST_GET_DIFFERENCE), 1);
  line_free(l);
}

/* Nor was one answered by a group that came to nothing. */
static void a_difference_of_a_group_that_failed_is_still_wanted(void **state) {
  line *l = line_new(13);
  schat_difference d;
  schat_manager *m = desk_manager(l->d);
  (void)state;
  assert_int_equal(feed(l, 0, 100), SCHAT_OK);
  assert_int_equal(feed(l, 1, 105), SCHAT_NEED_DIFFERENCE);
  const schat__queue before = m->env.queue;
  SCHAT_INIT(d);
  d.qts = 105;
  assert_int_equal(schat_begin(m), SCHAT_OK);
  assert_int_equal(schat_input_difference(m, &d, l->d->w->now), SCHAT_OK);
  memstore_fail_commit(l->d->w->peers[0].store, 1, SCHAT_E_FULL, 0);
  assert_int_equal(schat_end(m, l->d->w->now), SCHAT_E_FULL);
  assert_memory_equal(&m->env.queue, &before, sizeof before);
  assert_int_equal(position(l), 100);
  line_free(l);
}

/* Where a new account begins: chats have no number in the queue, only the date brings back what was missed ---------------------------- */

#define TEN_YEARS (INT64_C(3650) * 86400000)

static size_t add_device_of_clock(world *w, size_t of, int64_t ahead) {
  size_t p;
  w->now += ahead;
  p = world_add_device(w, of);
  w->now -= ahead;
  return p;
}

/* D-31, D-38: the peer has accepted, its update was lost, and the account was opened by a clock that was ahead. Until we know, an acceptor
 * who did not hear the answer either waits for our first message. */
static void an_acceptance_missed_by_a_clock_that_is_ahead_comes_with_the_difference(void **state) {
  static const int64_t aheads[] = {-TEN_YEARS, 0, 3600000, TEN_YEARS};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof aheads / sizeof *aheads; i++) {
    world *w = world_new(14 + i, 2);
    size_t p = add_device_of_clock(w, 0, aheads[i]);
    int32_t id = 0;
    assert_int_equal(schat_chat_create(w->peers[p].manager, w->peers[1].user_id, w->now, &id), SCHAT_OK);
    world_run(w);
    w->peers[p].deaf = 1;
    assert_int_equal(schat_chat_accept(w->peers[1].manager, id, w->now), SCHAT_OK);
    world_run(w);
    w->peers[p].deaf = 0;
    assert_int_equal(world_info(w, p, id).state, SCHAT_STATE_WAITING_PEER);
    world_restart(w, p, 1);
    world_catch_up(w, p);
    world_run(w);
    assert_int_equal(world_info(w, p, id).state, SCHAT_STATE_READY);
    assert_int_equal(world_info(w, 1, id).state, SCHAT_STATE_READY);
    world_free(w);
  }
}

/* D-38: an invitation that came before anything was durable, and went with a crash, is seen after it. */
static void an_invitation_lost_before_the_first_commit_comes_again(void **state) {
  world *w = world_new(18, 2);
  int32_t id = 0;
  (void)state;
  memstore_fail_commit(w->peers[1].store, 1, SCHAT_E_STORE, 0);
  assert_int_equal(schat_chat_create(w->peers[0].manager, w->peers[1].user_id, w->now, &id), SCHAT_OK);
  world_run(w);
  assert_int_equal(w->peers[1].last_status, SCHAT_E_STORE);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_INVITED), 0);
  world_pass(w, 60000);
  world_restart(w, 1, 1);
  world_catch_up(w, 1);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_INVITED), 1);
  assert_int_equal(world_info(w, 1, id).state, SCHAT_STATE_INVITED);
  world_free(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_position_is_noted_and_confirmed),
      cmocka_unit_test(only_the_next_position_is_noted),
      cmocka_unit_test(a_hole_is_closed_by_the_difference),
      cmocka_unit_test(a_refused_message_has_its_place_too),
      cmocka_unit_test(nothing_is_confirmed_that_was_not_stored),
      cmocka_unit_test(a_confirmation_waits_for_its_commit),
      cmocka_unit_test(the_server_keeps_what_is_not_stored),
      cmocka_unit_test(a_confirmation_that_fails_is_repeated),
      cmocka_unit_test(the_checkpoint_is_durable),
      cmocka_unit_test(the_peer_fills_what_the_server_forgot),
      cmocka_unit_test(a_difference_that_was_not_stored_is_asked_for_again),
      cmocka_unit_test(a_difference_of_a_group_that_failed_is_still_wanted),
      cmocka_unit_test(an_acceptance_missed_by_a_clock_that_is_ahead_comes_with_the_difference),
      cmocka_unit_test(an_invitation_lost_before_the_first_commit_comes_again),
  };
  return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
