/* SPDX-License-Identifier: BSL-1.0
 * test_relay.c - the simulated server behaves as the real one is described, and its faults do what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay.h"

#define T0 INT64_C(1700000000000)
#define DATE0 1700000000
#define DAY INT64_C(86400000)
#define CHAT_ID (-77)
#define FINGERPRINT INT64_C(0x1234)

/* Alice with one device, Bob with two. */
typedef struct {
  relay *r;
  int64_t alice, bob;
  int a, b, b2;
  uint64_t token;
  int64_t hash_a, hash_b;
} world;

static world begin(uint64_t seed) {
  world w;
  memset(&w, 0, sizeof w);
  w.r = relay_new(seed);
  w.alice = relay_add_user(w.r);
  w.bob = relay_add_user(w.r);
  w.a = relay_add_device(w.r, w.alice);
  w.b = relay_add_device(w.r, w.bob);
  w.b2 = relay_add_device(w.r, w.bob);
  return w;
}

static schat_bytes text(const char *s) {
  schat_bytes b;
  b.data = (const uint8_t *)s;
  b.size = strlen(s);
  return b;
}

static schat_request new_request(world *w, int32_t type, int64_t hash) {
  schat_request q;
  SCHAT_INIT(q);
  q.type = type;
  q.token = ++w->token;
  q.chat_id = CHAT_ID;
  q.access_hash = hash;
  return q;
}

static const relay_item *poll_at(world *w, int device, int64_t now) {
  const relay_item *item = NULL;
  return relay_poll(w->r, device, now, &item) ? item : NULL;
}

/* The next delivery must be there, and of that kind. */
static const relay_item *expect(world *w, int device, int kind) {
  const relay_item *item = poll_at(w, device, 0);
  assert_non_null(item);
  assert_int_equal(item->kind, kind);
  return item;
}

static void expect_nothing(world *w, int device) {
  assert_null(poll_at(w, device, 0));
}

static void expect_error(world *w, int device, int32_t code, const char *error) {
  const relay_item *item = expect(w, device, RELAY_ERROR);
  assert_int_equal(item->code, code);
  assert_string_equal(item->text, error);
  assert_int_equal(item->token, w->token);
}

static const relay_item *expect_answer(world *w, int device, int32_t type) {
  const relay_item *item = expect(w, device, RELAY_ANSWER);
  assert_int_equal(item->token, w->token);
  assert_int_equal(item->answer.type, type);
  assert_int_equal(item->answer.size, sizeof(schat_answer));
  return item;
}

static void ask(world *w, int device, const schat_request *q) {
  assert_int_equal(relay_request(w->r, device, q, T0), 0);
}

static void ask_for_chat(world *w) {
  schat_request q = new_request(w, SCHAT_REQUEST_REQUEST_ENCRYPTION, 0);
  q.user_id = w->bob;
  q.random_id = CHAT_ID;
  q.data = text("g_a");
  ask(w, w->a, &q);
}

static void accept_on(world *w, int device) {
  schat_request q = new_request(w, SCHAT_REQUEST_ACCEPT_ENCRYPTION, w->hash_b);
  q.data = text("g_b");
  q.key_fingerprint = FINGERPRINT;
  ask(w, device, &q);
}

/* An open chat between a and b, with nothing left to poll. */
static world open_world(uint64_t seed) {
  world w = begin(seed);
  ask_for_chat(&w);
  w.hash_a = expect_answer(&w, w.a, SCHAT_ANSWER_CHAT)->answer.chat.access_hash;
  w.hash_b = expect(&w, w.b, RELAY_CHAT)->chat.access_hash;
  (void)expect(&w, w.b2, RELAY_CHAT);
  accept_on(&w, w.b);
  (void)expect_answer(&w, w.b, SCHAT_ANSWER_CHAT);
  (void)expect(&w, w.a, RELAY_CHAT);
  (void)expect(&w, w.b2, RELAY_CHAT);
  return w;
}

static schat_request new_send(world *w, int64_t random_id, const char *data) {
  schat_request q = new_request(w, SCHAT_REQUEST_SEND_ENCRYPTED, w->hash_a);
  q.random_id = random_id;
  q.data = text(data);
  return q;
}

static void send_at(world *w, int64_t random_id, const char *data, int64_t now) {
  schat_request q = new_send(w, random_id, data);
  assert_int_equal(relay_request(w->r, w->a, &q, now), 0);
}

static void acknowledge(world *w, int device, int32_t qts) {
  schat_request q = new_request(w, SCHAT_REQUEST_RECEIVED_QUEUE, 0);
  q.qts = qts;
  ask(w, device, &q);
}

static void assert_text(schat_bytes b, const char *s) {
  assert_int_equal(b.size, strlen(s));
  assert_memory_equal(b.data, s, b.size);
}

/* R-DH-01: the configuration is given once, and confirmed by its version; 256 random bytes come each time. */
static void the_configuration_is_given_and_confirmed(void **state) {
  world w = begin(1);
  schat_request q = new_request(&w, SCHAT_REQUEST_GET_DH_CONFIG, 0);
  const relay_item *item;
  uint8_t p[256] = {9}, random[256];
  (void)state;
  ask(&w, w.a, &q);
  item = expect_answer(&w, w.a, SCHAT_ANSWER_DH_CONFIG);
  assert_int_equal(item->answer.g, 3);
  assert_int_equal(item->answer.version, 7);
  assert_int_equal(item->answer.p.size, 256);
  assert_int_equal(item->answer.p.data[0], 0xc7);
  assert_int_equal(item->answer.p.data[255], 0x5b);
  assert_int_equal(item->answer.random.size, 256);
  memcpy(random, item->answer.random.data, 256);
  q.version = 7;
  ask(&w, w.a, &q);
  item = expect_answer(&w, w.a, SCHAT_ANSWER_DH_NOT_MODIFIED);
  assert_int_equal(item->answer.random.size, 256);
  assert_memory_not_equal(item->answer.random.data, random, 256);
  relay_set_dh_config(w.r, 2, p, 8);
  ask(&w, w.a, &q);
  item = expect_answer(&w, w.a, SCHAT_ANSWER_DH_CONFIG);
  assert_int_equal(item->answer.g, 2);
  assert_int_equal(item->answer.version, 8);
  assert_memory_equal(item->answer.p.data, p, 256);
  relay_free(w.r);
}

/* D-17: creating answers the creator and invites every device of the other user. */
static void creating_invites_every_device(void **state) {
  world w = begin(2);
  const relay_item *item;
  int64_t hash;
  int i;
  (void)state;
  ask_for_chat(&w);
  item = expect_answer(&w, w.a, SCHAT_ANSWER_CHAT);
  assert_int_equal(item->answer.chat.type, SCHAT_CHAT_UPDATE_WAITING);
  assert_int_equal(item->answer.chat.chat_id, CHAT_ID);
  assert_int_equal(item->answer.chat.admin_id, w.alice);
  assert_int_equal(item->answer.chat.participant_id, w.bob);
  assert_int_equal(item->answer.chat.date, DATE0);
  hash = item->answer.chat.access_hash;
  for (i = 0; i < 2; i++) {
    item = expect(&w, i == 0 ? w.b : w.b2, RELAY_CHAT);
    assert_int_equal(item->chat.type, SCHAT_CHAT_UPDATE_REQUESTED);
    assert_int_equal(item->chat.chat_id, CHAT_ID);
    assert_int_equal(item->date, DATE0);
    assert_text(item->chat.g_a, "g_a");
    assert_int_not_equal(item->chat.access_hash, hash);
  }
  expect_nothing(&w, w.a);
  ask_for_chat(&w);
  expect_error(&w, w.a, 400, "RANDOM_ID_DUPLICATE");
  relay_free(w.r);
}

/* D-17: what cannot become a chat. */
static void a_senseless_invitation_is_refused(void **state) {
  world w = begin(3);
  schat_request q = new_request(&w, SCHAT_REQUEST_REQUEST_ENCRYPTION, 0);
  (void)state;
  q.random_id = 5;
  q.data = text("g_a");
  q.user_id = w.alice;
  ask(&w, w.a, &q);
  expect_error(&w, w.a, 400, "USER_ID_INVALID");
  q.user_id = w.bob + 1;
  ask(&w, w.a, &q);
  expect_error(&w, w.a, 400, "USER_ID_INVALID");
  q.user_id = w.bob;
  q.data.size = 0;
  ask(&w, w.a, &q);
  expect_error(&w, w.a, 400, "DH_G_A_INVALID");
  expect_nothing(&w, w.b);
  assert_int_equal(relay_add_device(w.r, 1), -1);
  assert_int_equal(relay_request(w.r, 99, &q, T0), -1);
  relay_free(w.r);
}

/* D-16, R-Q-03: the first device that accepts has the chat. */
static void the_first_device_to_accept_wins(void **state) {
  world w = begin(4);
  const relay_item *item;
  schat_request q;
  (void)state;
  ask_for_chat(&w);
  (void)expect_answer(&w, w.a, SCHAT_ANSWER_CHAT);
  w.hash_b = expect(&w, w.b, RELAY_CHAT)->chat.access_hash;
  (void)expect(&w, w.b2, RELAY_CHAT);
  w.hash_b++;
  accept_on(&w, w.b2);
  expect_error(&w, w.b2, 400, "CHAT_ID_INVALID");
  w.hash_b--;
  q = new_request(&w, SCHAT_REQUEST_ACCEPT_ENCRYPTION, w.hash_b);
  ask(&w, w.b2, &q);
  expect_error(&w, w.b2, 400, "DH_G_A_INVALID");
  accept_on(&w, w.b2);
  item = expect_answer(&w, w.b2, SCHAT_ANSWER_CHAT);
  assert_int_equal(item->answer.chat.type, SCHAT_CHAT_UPDATE_CHAT);
  assert_text(item->answer.chat.g_a, "g_a");
  item = expect(&w, w.a, RELAY_CHAT);
  assert_int_equal(item->chat.type, SCHAT_CHAT_UPDATE_CHAT);
  assert_text(item->chat.g_a, "g_b");
  assert_int_equal(item->chat.key_fingerprint, FINGERPRINT);
  assert_int_equal(expect(&w, w.b, RELAY_CHAT)->chat.type, SCHAT_CHAT_UPDATE_DISCARDED);
  accept_on(&w, w.b);
  expect_error(&w, w.b, 400, "ENCRYPTION_ALREADY_ACCEPTED");
  relay_free(w.r);
}

static void discard_on(world *w, int device, int delete_history) {
  schat_request q = new_request(w, SCHAT_REQUEST_DISCARD_ENCRYPTION, 0);
  q.delete_history = delete_history;
  ask(w, device, &q);
}

/* R-LIFE-01, D-18: an ended chat is ended for all. */
static void a_discarded_chat_is_closed_for_both(void **state) {
  world w = open_world(5);
  schat_request q;
  (void)state;
  discard_on(&w, w.b2, 0);
  expect_error(&w, w.b2, 400, "ENCRYPTION_ALREADY_ACCEPTED");
  q = new_request(&w, SCHAT_REQUEST_DISCARD_ENCRYPTION, 0);
  q.chat_id++;
  ask(&w, w.b, &q);
  expect_error(&w, w.b, 400, "ENCRYPTION_ID_INVALID");
  discard_on(&w, w.b, 1);
  (void)expect_answer(&w, w.b, SCHAT_ANSWER_DONE);
  assert_int_equal(expect(&w, w.a, RELAY_CHAT)->chat.history_deleted, 1);
  expect_nothing(&w, w.b2);
  discard_on(&w, w.a, 0);
  expect_error(&w, w.a, 400, "ENCRYPTION_ALREADY_DECLINED");
  q = new_send(&w, 1, "x");
  ask(&w, w.a, &q);
  expect_error(&w, w.a, 400, "ENCRYPTION_DECLINED");
  accept_on(&w, w.b);
  expect_error(&w, w.b, 400, "ENCRYPTION_ALREADY_DECLINED");
  relay_free(w.r);
}

/* D-17: the creator may end the chat as well, before it is accepted or after. */
static void the_creator_may_discard_too(void **state) {
  world w = open_world(27);
  (void)state;
  discard_on(&w, w.a, 0);
  (void)expect_answer(&w, w.a, SCHAT_ANSWER_DONE);
  assert_int_equal(expect(&w, w.b, RELAY_CHAT)->chat.type, SCHAT_CHAT_UPDATE_DISCARDED);
  expect_nothing(&w, w.b2);
  relay_free(w.r);
  w = begin(28);
  ask_for_chat(&w);
  discard_on(&w, w.a, 0);
  assert_int_equal(expect(&w, w.b, RELAY_CHAT)->chat.type, SCHAT_CHAT_UPDATE_REQUESTED);
  assert_int_equal(expect(&w, w.b, RELAY_CHAT)->chat.type, SCHAT_CHAT_UPDATE_DISCARDED);
  assert_int_equal(expect(&w, w.b2, RELAY_CHAT)->chat.type, SCHAT_CHAT_UPDATE_REQUESTED);
  assert_int_equal(expect(&w, w.b2, RELAY_CHAT)->chat.type, SCHAT_CHAT_UPDATE_DISCARDED);
  relay_free(w.r);
}

/* D-17: an invitation can be declined by any device, which all others learn. */
static void a_declined_invitation_disappears_everywhere(void **state) {
  world w = begin(6);
  (void)state;
  ask_for_chat(&w);
  (void)expect_answer(&w, w.a, SCHAT_ANSWER_CHAT);
  (void)expect(&w, w.b, RELAY_CHAT);
  (void)expect(&w, w.b2, RELAY_CHAT);
  discard_on(&w, w.b, 0);
  (void)expect_answer(&w, w.b, SCHAT_ANSWER_DONE);
  assert_int_equal(expect(&w, w.a, RELAY_CHAT)->chat.type, SCHAT_CHAT_UPDATE_DISCARDED);
  assert_int_equal(expect(&w, w.b2, RELAY_CHAT)->chat.type, SCHAT_CHAT_UPDATE_DISCARDED);
  expect_nothing(&w, w.b);
  relay_free(w.r);
}

typedef struct {
  int count;
  relay_sent last;
} taps;

static void on_tap(void *user_data, const relay_sent *sent) {
  taps *t = user_data;
  t->count++;
  t->last = *sent;
  assert_text(sent->bytes, "hello");
}

/* R-Q-01, R-Q-02: a message gets the next qts of its receiver, is pushed, and stays until it is acknowledged. */
static void a_message_is_queued_and_pushed(void **state) {
  world w = open_world(7);
  taps t = {0};
  const relay_item *item;
  (void)state;
  relay_tap(w.r, on_tap, &t);
  relay_set_qts(w.r, w.b, 40);
  send_at(&w, 11, "hello", T0 + 5000);
  item = expect_answer(&w, w.a, SCHAT_ANSWER_SENT);
  assert_int_equal(item->answer.date, DATE0 + 5);
  item = expect(&w, w.b, RELAY_MESSAGE);
  assert_int_equal(item->qts, 41);
  assert_int_equal(item->message.chat_id, CHAT_ID);
  assert_int_equal(item->message.random_id, 11);
  assert_int_equal(item->message.date, DATE0 + 5);
  assert_int_equal(item->message.service, 0);
  assert_text(item->message.bytes, "hello");
  expect_nothing(&w, w.b2);
  assert_int_equal(t.count, 1);
  assert_int_equal(t.last.device, w.a);
  assert_int_equal(t.last.to, w.b);
  assert_int_equal(t.last.random_id, 11);
  assert_int_equal(relay_qts(w.r, w.b), 41);
  assert_int_equal(relay_queue_length(w.r, w.b), 1);
  acknowledge(&w, w.b, 42);
  expect_error(&w, w.b, 400, "MAX_QTS_INVALID");
  acknowledge(&w, w.b, 40);
  (void)expect_answer(&w, w.b, SCHAT_ANSWER_DONE);
  assert_int_equal(relay_queue_length(w.r, w.b), 1);
  acknowledge(&w, w.b, 41);
  (void)expect_answer(&w, w.b, SCHAT_ANSWER_DONE);
  assert_int_equal(relay_queue_length(w.r, w.b), 0);
  relay_free(w.r);
}

/* D-18: who may not send into a chat, and what may not be sent. */
static void a_wrong_send_is_refused(void **state) {
  world w = open_world(8);
  schat_request q = new_send(&w, 1, "x");
  uint8_t *big = calloc(1, 1048577);
  (void)state;
  assert_non_null(big);
  q.access_hash++;
  ask(&w, w.a, &q);
  expect_error(&w, w.a, 400, "CHAT_ID_INVALID");
  q.access_hash--;
  ask(&w, w.b2, &q);
  expect_error(&w, w.b2, 400, "ENCRYPTION_ID_INVALID");
  q.chat_id = 1;
  ask(&w, w.a, &q);
  expect_error(&w, w.a, 400, "CHAT_ID_INVALID");
  q.chat_id = CHAT_ID;
  q.random_id = 0;
  ask(&w, w.a, &q);
  expect_error(&w, w.a, 400, "DATA_INVALID");
  q.random_id = 1;
  q.data.data = big;
  q.data.size = 1048577;
  ask(&w, w.a, &q);
  expect_error(&w, w.a, 400, "DATA_TOO_LONG");
  q.type = 99;
  ask(&w, w.a, &q);
  expect_error(&w, w.a, 400, "METHOD_INVALID");
  assert_int_equal(relay_qts(w.r, w.b), 0);
  free(big);
  relay_free(w.r);
}

/* S17b: a repeated random_id is not queued twice while the message is in the queue, and anew once it has left. */
static void a_repeated_send_is_queued_once(void **state) {
  world w = open_world(9);
  relay_faults f = {0};
  (void)state;
  send_at(&w, 11, "hello", T0);
  (void)expect_answer(&w, w.a, SCHAT_ANSWER_SENT);
  (void)expect(&w, w.b, RELAY_MESSAGE);
  send_at(&w, 11, "hello", T0 + 9000);
  assert_int_equal(expect_answer(&w, w.a, SCHAT_ANSWER_SENT)->answer.date, DATE0);
  expect_nothing(&w, w.b);
  assert_int_equal(relay_qts(w.r, w.b), 1);
  f.duplicate_error = 1;
  relay_set_faults(w.r, &f);
  send_at(&w, 11, "hello", T0 + 9000);
  expect_error(&w, w.a, 400, "RANDOM_ID_DUPLICATE");
  acknowledge(&w, w.b, 1);
  (void)expect_answer(&w, w.b, SCHAT_ANSWER_DONE);
  send_at(&w, 11, "hello", T0 + 9000);
  assert_int_equal(expect_answer(&w, w.a, SCHAT_ANSWER_SENT)->answer.date, DATE0 + 9);
  assert_int_equal(expect(&w, w.b, RELAY_MESSAGE)->qts, 2);
  relay_free(w.r);
}

/* R-Q-02: after seven days a message leaves the queue. */
static void a_message_leaves_the_queue_after_seven_days(void **state) {
  world w = open_world(10);
  (void)state;
  send_at(&w, 11, "hello", T0);
  assert_int_equal(relay_difference(w.r, w.b, 0, DATE0, T0 + 7 * DAY)->difference.message_count, 1);
  assert_int_equal(relay_difference(w.r, w.b, 0, DATE0, T0 + 7 * DAY + 1)->difference.message_count, 0);
  assert_int_equal(relay_qts(w.r, w.b), 1);
  relay_free(w.r);
}

/* R-Q-01: a difference holds what the queue has beyond a qts, and the chat updates since a date. */
static void a_difference_holds_what_was_missed(void **state) {
  world w = open_world(11);
  const schat_difference *d;
  schat_request q;
  const relay_item *item;
  (void)state;
  send_at(&w, 11, "one", T0 + 1000);
  send_at(&w, 12, "two", T0 + 2000);
  item = relay_difference(w.r, w.b, 1, DATE0 + 1, T0 + 3000);
  d = &item->difference;
  assert_int_equal(d->size, sizeof *d);
  assert_int_equal(d->chat_count, 0);
  assert_int_equal(d->message_count, 1);
  assert_int_equal(d->messages[0].random_id, 12);
  assert_text(d->messages[0].bytes, "two");
  assert_int_equal(d->qts, 2);
  assert_int_equal(d->date, DATE0 + 3);
  assert_int_equal(item->more, 0);
  d = &relay_difference(w.r, w.a, 0, DATE0, T0)->difference;
  assert_int_equal(d->chat_count, 1);
  assert_int_equal(d->chats[0].type, SCHAT_CHAT_UPDATE_CHAT);
  assert_text(d->chats[0].g_a, "g_b");
  q = new_request(&w, SCHAT_REQUEST_GET_DIFFERENCE, 0);
  ask(&w, w.b2, &q);
  item = expect(&w, w.b2, RELAY_DIFFERENCE);
  assert_int_equal(item->token, w.token);
  assert_int_equal(item->difference.chat_count, 2);
  assert_int_equal(item->difference.chats[0].type, SCHAT_CHAT_UPDATE_REQUESTED);
  assert_int_equal(item->difference.chats[1].type, SCHAT_CHAT_UPDATE_DISCARDED);
  relay_free(w.r);
}

/* R-Q-01: slices lead through the whole queue. */
static void slices_lead_through_the_whole_queue(void **state) {
  world w = open_world(12);
  relay_faults f = {0};
  const relay_item *item;
  int32_t qts = 0, i, slices = 0;
  (void)state;
  f.difference_messages = 3;
  relay_set_faults(w.r, &f);
  for (i = 1; i <= 10; i++) send_at(&w, i, "x", T0 + i * 1000);
  do {
    item = relay_difference(w.r, w.b, qts, 0, T0 + 20000);
    for (i = 0; i < (int32_t)item->difference.message_count; i++) assert_int_equal(item->difference.messages[i].random_id, qts + i + 1);
    qts = item->difference.qts;
    slices++;
    if (item->more) assert_int_equal(item->difference.date, DATE0 + qts);
  } while (item->more);
  assert_int_equal(slices, 4);
  assert_int_equal(qts, 10);
  assert_int_equal(item->difference.date, DATE0 + 20);
  relay_free(w.r);
}

/* D-27, M6: typing and reading reach the other side, and are kept for nobody. */
static void typing_and_reading_reach_the_other_side(void **state) {
  world w = open_world(13);
  schat_request q = new_request(&w, SCHAT_REQUEST_SET_TYPING, w.hash_a);
  const relay_item *item;
  (void)state;
  q.typing = 1;
  ask(&w, w.a, &q);
  (void)expect_answer(&w, w.a, SCHAT_ANSWER_DONE);
  assert_int_equal(expect(&w, w.b, RELAY_TYPING)->chat_id, CHAT_ID);
  q.typing = 0;
  ask(&w, w.a, &q);
  (void)expect_answer(&w, w.a, SCHAT_ANSWER_DONE);
  expect_nothing(&w, w.b);
  q = new_request(&w, SCHAT_REQUEST_READ_HISTORY, w.hash_b);
  q.max_date = DATE0 - 5;
  ask(&w, w.b, &q);
  (void)expect_answer(&w, w.b, SCHAT_ANSWER_DONE);
  item = expect(&w, w.a, RELAY_READ);
  assert_int_equal(item->chat_id, CHAT_ID);
  assert_int_equal(item->max_date, DATE0 - 5);
  assert_int_equal(item->date, DATE0);
  q.max_date = 0;
  ask(&w, w.b, &q);
  expect_error(&w, w.b, 400, "MAX_DATE_INVALID");
  q = new_request(&w, SCHAT_REQUEST_REPORT_SPAM, w.hash_b);
  ask(&w, w.b, &q);
  (void)expect_answer(&w, w.b, SCHAT_ANSWER_DONE);
  relay_free(w.r);
}

static void upload(world *w, int64_t id, int32_t part, const char *s) {
  relay_upload_part(w->r, w->a, id, part, text(s));
}

/* D-30: parts are joined into a file that both can name, and that can be sent again. */
static void a_file_is_joined_from_its_parts(void **state) {
  world w = open_world(14);
  schat_request q = new_send(&w, 11, "x");
  schat_encrypted_file file;
  schat_bytes bytes;
  (void)state;
  q.type = SCHAT_REQUEST_SEND_ENCRYPTED_FILE;
  ask(&w, w.a, &q);
  expect_error(&w, w.a, 400, "FILE_EMTPY");
  q.file.type = SCHAT_INPUT_FILE_BIG;
  q.file.id = 5;
  ask(&w, w.a, &q);
  expect_error(&w, w.a, 400, "FILE_PARTS_INVALID");
  q.file.parts = 2;
  q.file.key_fingerprint = -9;
  upload(&w, 5, 0, "wrong");
  upload(&w, 5, 0, "0123456789abcdef");
  ask(&w, w.a, &q);
  expect_error(&w, w.a, 400, "FILE_PART_1_MISSING");
  upload(&w, 5, 1, "ghij");
  ask(&w, w.a, &q);
  file = expect_answer(&w, w.a, SCHAT_ANSWER_SENT_FILE)->answer.file;
  assert_int_equal(file.size, 20);
  assert_int_equal(file.dc_id, 2);
  assert_int_equal(file.key_fingerprint, -9);
  assert_memory_equal(&expect(&w, w.b, RELAY_MESSAGE)->message.file, &file, sizeof file);
  assert_int_equal(relay_file(w.r, &file, &bytes), 1);
  assert_text(bytes, "0123456789abcdefghij");
  q = new_send(&w, 12, "y");
  q.type = SCHAT_REQUEST_SEND_ENCRYPTED_FILE;
  q.file.type = SCHAT_INPUT_FILE_EXISTING;
  q.file.id = file.id;
  q.file.access_hash = file.access_hash;
  ask(&w, w.a, &q);
  assert_int_equal(expect_answer(&w, w.a, SCHAT_ANSWER_SENT_FILE)->answer.file.id, file.id);
  file.access_hash++;
  assert_int_equal(relay_file(w.r, &file, &bytes), 0);
  q.random_id = 13;
  q.file.access_hash++;
  ask(&w, w.a, &q);
  expect_error(&w, w.a, 400, "FILE_EMTPY");
  relay_free(w.r);
}

/* R-SEQ-07: a chained send waits for its predecessor however late that arrives, and fails with it. */
static void chained_sends_keep_their_order(void **state) {
  uint64_t seed;
  (void)state;
  for (seed = 0; seed < 50; seed++) {
    world w = open_world(seed);
    relay_faults f = {0};
    uint64_t first = w.token + 1;
    int64_t i, got = 0;
    const relay_item *item;
    f.delay_ms_max = 100;
    f.reorder = 0.7;
    relay_set_faults(w.r, &f);
    for (i = 1; i <= 20; i++) {
      schat_request q = new_send(&w, i, "x");
      q.after = i == 1 ? 0 : first + (uint64_t)i - 2;
      ask(&w, w.a, &q);
    }
    (void)poll_at(&w, w.a, T0 + 10000);
    f.delay_ms_max = 0;
    relay_set_faults(w.r, &f);
    item = relay_difference(w.r, w.b, 0, 0, T0 + 10000);
    assert_int_equal(item->difference.message_count, 20);
    for (got = 0; got < 20; got++) assert_int_equal(item->difference.messages[got].random_id, got + 1);
    relay_free(w.r);
  }
}

/* R-SEQ-07: unchained sends do arrive out of order when the network says so. */
static void unchained_sends_may_overtake(void **state) {
  world w = open_world(15);
  relay_faults f = {0};
  const relay_item *item;
  int64_t i, swapped = 0;
  (void)state;
  f.delay_ms_max = 100;
  f.reorder = 0.5;
  relay_set_faults(w.r, &f);
  for (i = 1; i <= 50; i++) send_at(&w, i, "x", T0);
  item = relay_difference(w.r, w.b, 0, 0, T0 + 10000);
  assert_int_equal(item->difference.message_count, 50);
  for (i = 0; i < 50; i++) swapped += item->difference.messages[i].random_id != i + 1;
  assert_true(swapped > 5);
  relay_free(w.r);
}

/* D-25: a follower fails with its predecessor; one whose predecessor never came times out. */
static void a_broken_chain_fails(void **state) {
  world w = open_world(16);
  schat_request q = new_send(&w, 1, "x");
  const relay_item *item;
  (void)state;
  relay_fail_next(w.r, w.a, SCHAT_REQUEST_SEND_ENCRYPTED, 500, "RPC_CALL_FAIL");
  ask(&w, w.a, &q);
  expect_error(&w, w.a, 500, "RPC_CALL_FAIL");
  q = new_send(&w, 2, "y");
  q.after = w.token - 1;
  ask(&w, w.a, &q);
  item = expect(&w, w.a, RELAY_ERROR);
  assert_true(item->code == 400 || item->code == 500);
  assert_string_equal(item->text, "MSG_WAIT_FAILED");
  q = new_send(&w, 3, "z");
  q.after = 999;
  ask(&w, w.a, &q);
  expect_error(&w, w.a, 500, "MSG_WAIT_TIMEOUT");
  assert_int_equal(relay_qts(w.r, w.b), 0);
  relay_free(w.r);
}

/* A failure on order hits the next request of its type alone, in the order given. */
static void failures_come_on_order(void **state) {
  world w = open_world(17);
  (void)state;
  relay_fail_next(w.r, w.a, SCHAT_REQUEST_SEND_ENCRYPTED, 420, "FLOOD_WAIT_9");
  relay_fail_next(w.r, w.a, SCHAT_REQUEST_SEND_ENCRYPTED, 403, "USER_IS_BLOCKED");
  acknowledge(&w, w.a, 0);
  (void)expect_answer(&w, w.a, SCHAT_ANSWER_DONE);
  send_at(&w, 1, "x", T0);
  expect_error(&w, w.a, 420, "FLOOD_WAIT_9");
  send_at(&w, 1, "x", T0);
  expect_error(&w, w.a, 403, "USER_IS_BLOCKED");
  send_at(&w, 1, "x", T0);
  (void)expect_answer(&w, w.a, SCHAT_ANSWER_SENT);
  relay_free(w.r);
}

/* D-35: a crash loses what is on its way to the device, and nothing that is queued. */
static void a_disconnection_loses_what_is_on_its_way(void **state) {
  world w = open_world(18);
  (void)state;
  send_at(&w, 1, "x", T0);
  relay_disconnect(w.r, w.b);
  relay_disconnect(w.r, w.a);
  expect_nothing(&w, w.a);
  send_at(&w, 2, "y", T0);
  expect_nothing(&w, w.b);
  (void)expect_answer(&w, w.a, SCHAT_ANSWER_SENT);
  send_at(&w, 3, "z", T0);
  assert_int_equal(expect(&w, w.b, RELAY_MESSAGE)->qts, 3);
  assert_int_equal(relay_difference(w.r, w.b, 0, DATE0 + 1, T0)->difference.message_count, 3);
  relay_free(w.r);
}

/* D-35: a request that is on its way when its device goes down still arrives; its answer finds nobody. */
static void a_request_outlives_its_device(void **state) {
  world w = open_world(19);
  relay_faults f = {0};
  (void)state;
  f.delay_ms_max = 1000;
  relay_set_faults(w.r, &f);
  send_at(&w, 1, "x", T0);
  relay_disconnect(w.r, w.a);
  assert_null(poll_at(&w, w.a, T0 + 5000));
  assert_int_equal(relay_qts(w.r, w.b), 1);
  relay_free(w.r);
}

/* R-Q-03: an authorisation that ends takes its chats with it. */
static void logging_out_discards_the_chats(void **state) {
  world w = open_world(20);
  (void)state;
  relay_log_out(w.r, w.b, T0);
  assert_int_equal(expect(&w, w.a, RELAY_CHAT)->chat.type, SCHAT_CHAT_UPDATE_DISCARDED);
  acknowledge(&w, w.b, 0);
  expect_error(&w, w.b, 401, "AUTH_KEY_UNREGISTERED");
  relay_free(w.r);
}

/* A lost push is found again by a difference. */
static void a_lost_update_is_found_again(void **state) {
  world w = open_world(21);
  relay_faults f = {0};
  (void)state;
  f.drop_update = 1;
  relay_set_faults(w.r, &f);
  send_at(&w, 1, "x", T0);
  (void)expect_answer(&w, w.a, SCHAT_ANSWER_SENT);
  expect_nothing(&w, w.b);
  assert_int_equal(relay_difference(w.r, w.b, 0, DATE0 + 1, T0)->difference.message_count, 1);
  relay_free(w.r);
}

/* D-10: a message lost for good uses up its qts, is confirmed to its sender, and is queued anew when it is sent again. */
static void a_message_lost_for_good_can_only_be_sent_again(void **state) {
  world w = open_world(22);
  relay_faults f = {0};
  (void)state;
  f.drop_for_good = 1;
  relay_set_faults(w.r, &f);
  send_at(&w, 1, "x", T0);
  (void)expect_answer(&w, w.a, SCHAT_ANSWER_SENT);
  expect_nothing(&w, w.b);
  assert_int_equal(relay_difference(w.r, w.b, 0, DATE0 + 1, T0)->difference.message_count, 0);
  assert_int_equal(relay_difference(w.r, w.b, 0, DATE0 + 1, T0)->difference.qts, 1);
  f.drop_for_good = 0;
  relay_set_faults(w.r, &f);
  send_at(&w, 1, "x", T0);
  assert_int_equal(expect(&w, w.b, RELAY_MESSAGE)->qts, 2);
  relay_free(w.r);
}

/* R-SEQ-08: a push may come twice. */
static void a_push_may_come_twice(void **state) {
  world w = open_world(23);
  relay_faults f = {0};
  (void)state;
  f.duplicate = 1;
  relay_set_faults(w.r, &f);
  send_at(&w, 1, "x", T0);
  assert_int_equal(expect(&w, w.b, RELAY_MESSAGE)->qts, 1);
  assert_int_equal(expect(&w, w.b, RELAY_MESSAGE)->qts, 1);
  expect_nothing(&w, w.b);
  relay_free(w.r);
}

/* S17b: which failures leave an effect, and which do not. */
static void failures_have_the_effect_they_say(void **state) {
  world w = open_world(24);
  relay_faults f = {0}, none = {0};
  const relay_item *item;
  (void)state;
  f.error_420 = 1;
  relay_set_faults(w.r, &f);
  send_at(&w, 1, "x", T0);
  item = expect(&w, w.a, RELAY_ERROR);
  assert_int_equal(item->code, 420);
  assert_memory_equal(item->text, "FLOOD_WAIT_", 11);
  f = none;
  f.error_500 = 1;
  relay_set_faults(w.r, &f);
  send_at(&w, 1, "x", T0);
  item = expect(&w, w.a, RELAY_ERROR);
  assert_true(item->code == 500 || item->code == -503);
  f = none;
  f.lost_request = 1;
  relay_set_faults(w.r, &f);
  send_at(&w, 1, "x", T0);
  expect_nothing(&w, w.a);
  assert_int_equal(relay_qts(w.r, w.b), 0);
  f = none;
  f.lost_answer = 1;
  relay_set_faults(w.r, &f);
  send_at(&w, 1, "x", T0);
  expect_nothing(&w, w.a);
  assert_int_equal(relay_qts(w.r, w.b), 1);
  f = none;
  f.error_after_effect = 1;
  relay_set_faults(w.r, &f);
  send_at(&w, 2, "x", T0);
  item = expect(&w, w.a, RELAY_ERROR);
  assert_true(item->code == 500 || item->code == -503);
  assert_int_equal(relay_qts(w.r, w.b), 2);
  relay_free(w.r);
}

/* Deliveries come at their time, in their order, and relay_next says when. */
static void deliveries_come_at_their_time(void **state) {
  world w = open_world(25);
  relay_faults f = {0};
  int64_t now = T0, last = 0, got = 0, i;
  const relay_item *item;
  (void)state;
  assert_int_equal(relay_next(w.r), INT64_MAX);
  f.delay_ms_max = 1000;
  relay_set_faults(w.r, &f);
  for (i = 1; i <= 20; i++) send_at(&w, i, "x", T0);
  while ((now = relay_next(w.r)) != INT64_MAX) {
    assert_true(now >= last && now <= T0 + 60000);
    last = now;
    while ((item = poll_at(&w, w.b, now)) != NULL) {
      assert_int_equal(item->message.random_id, ++got);
    }
    while (poll_at(&w, w.a, now) != NULL) {
    }
  }
  assert_true(last > T0);
  assert_int_equal(got, 20);
  relay_free(w.r);
}

/* Hostile input of the server's own making. */
static void a_hostile_server_can_say_anything(void **state) {
  world w = begin(26);
  schat_encrypted_message m;
  schat_chat_update chat;
  (void)state;
  SCHAT_INIT(m);
  SCHAT_INIT(chat);
  m.chat_id = 5;
  m.random_id = 0;
  m.bytes = text("junk");
  assert_int_equal(relay_inject_message(w.r, w.b, &m, T0), 1);
  assert_text(expect(&w, w.b, RELAY_MESSAGE)->message.bytes, "junk");
  chat.chat_id = 5;
  chat.type = SCHAT_CHAT_UPDATE_CHAT;
  chat.g_a = text("junk");
  relay_inject_chat(w.r, w.b, &chat, T0);
  assert_text(expect(&w, w.b, RELAY_CHAT)->chat.g_a, "junk");
  relay_free(w.r);
}

static uint64_t mixed(uint64_t h, uint64_t v) {
  return (h ^ v) * UINT64_C(0x100000001b3);
}

/* A long run under every fault at once, as one number. */
static uint64_t run_of(uint64_t seed) {
  world w = open_world(seed);
  relay_faults f = {0.1, 0.05, 0.1, 0.2, 0.05, 0.05, 0.05, 0.05, 0.05, 0.5, 300, 2};
  uint64_t h = seed == 0;
  int64_t now, i;
  int device;
  relay_set_faults(w.r, &f);
  for (i = 1, now = T0; i <= 300; i++, now += 37) {
    const relay_item *item;
    send_at(&w, i % 100 + 1, "x", now);
    if (i % 50 == 0) relay_disconnect(w.r, w.b);
    for (device = 0; device < 3; device++) {
      while ((item = poll_at(&w, device, now)) != NULL) {
        h = mixed(h, (uint64_t)item->kind);
        h = mixed(h, item->token);
        h = mixed(h, (uint64_t)item->qts);
      }
    }
    item = relay_difference(w.r, w.b, (int32_t)i / 3, 0, now);
    h = mixed(h, item->difference.message_count);
  }
  h = mixed(h, (uint64_t)relay_qts(w.r, w.b));
  relay_free(w.r);
  return h;
}

/* The same seed gives the same world, another one another. */
static void everything_follows_from_the_seed(void **state) {
  uint64_t seed, h[8];
  size_t i;
  (void)state;
  for (seed = 0; seed < 8; seed++) {
    h[seed] = run_of(seed + 100);
    assert_true(run_of(seed + 100) == h[seed]);
    for (i = 0; i < seed; i++) assert_true(h[i] != h[seed]);
  }
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_configuration_is_given_and_confirmed),
      cmocka_unit_test(creating_invites_every_device),
      cmocka_unit_test(a_senseless_invitation_is_refused),
      cmocka_unit_test(the_first_device_to_accept_wins),
      cmocka_unit_test(a_discarded_chat_is_closed_for_both),
      cmocka_unit_test(the_creator_may_discard_too),
      cmocka_unit_test(a_declined_invitation_disappears_everywhere),
      cmocka_unit_test(a_message_is_queued_and_pushed),
      cmocka_unit_test(a_wrong_send_is_refused),
      cmocka_unit_test(a_repeated_send_is_queued_once),
      cmocka_unit_test(a_message_leaves_the_queue_after_seven_days),
      cmocka_unit_test(a_difference_holds_what_was_missed),
      cmocka_unit_test(slices_lead_through_the_whole_queue),
      cmocka_unit_test(typing_and_reading_reach_the_other_side),
      cmocka_unit_test(a_file_is_joined_from_its_parts),
      cmocka_unit_test(chained_sends_keep_their_order),
      cmocka_unit_test(unchained_sends_may_overtake),
      cmocka_unit_test(a_broken_chain_fails),
      cmocka_unit_test(failures_come_on_order),
      cmocka_unit_test(a_disconnection_loses_what_is_on_its_way),
      cmocka_unit_test(a_request_outlives_its_device),
      cmocka_unit_test(logging_out_discards_the_chats),
      cmocka_unit_test(a_lost_update_is_found_again),
      cmocka_unit_test(a_message_lost_for_good_can_only_be_sent_again),
      cmocka_unit_test(a_push_may_come_twice),
      cmocka_unit_test(failures_have_the_effect_they_say),
      cmocka_unit_test(deliveries_come_at_their_time),
      cmocka_unit_test(a_hostile_server_can_say_anything),
      cmocka_unit_test(everything_follows_from_the_seed),
  };
  return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
