/* SPDX-License-Identifier: BSL-1.0
 * test_strict.c - the strict reader: what is lawful passes, and a planted violation of each rule is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "strict.h"
#include "tl/model.h"

#define WEEK INT64_C(604800000)

/* A chat of the library (who started it) and a strict peer, message by message. */
typedef struct {
  strict *s;
  schat__arena arena;
  int32_t out, in, peer_out, peer_in; /* raw numbers of the next messages */
  int32_t layer;
  size_t noise;
  int mtproto;
  size_t padding;
  int64_t random_id, now;
} talk;

static talk *talk_new(void) {
  talk *t = calloc(1, sizeof *t);
  assert_non_null(t);
  t->s = strict_new(1);
  schat__arena_init(&t->arena, NULL, SIZE_MAX);
  t->layer = 73;
  t->noise = 31;
  t->mtproto = 2;
  t->padding = 12;
  t->random_id = 1000;
  return t;
}

static void talk_free(talk *t) {
  strict_free(t->s);
  schat__arena_free(&t->arena);
  free(t);
}

static schat_bytes text_of(talk *t, int64_t random_id, const char *text) {
  schat_message m;
  schat_bytes object = {NULL, 0};
  uint8_t *out;
  schat_message_init(&m);
  m.random_id = random_id;
  m.ttl = 0;
  m.text.data = (const uint8_t *)text;
  m.text.size = strlen(text);
  assert_int_equal(schat__message_encode(&t->arena, &m, 73, NULL, 0, &object.size), SCHAT_OK);
  out = schat__arena_take(&t->arena, object.size + 4);
  assert_int_equal(schat__message_encode(&t->arena, &m, 73, out, object.size, &object.size), SCHAT_OK);
  object.data = out;
  return object;
}

static schat_bytes action_of(talk *t, schat__action action) {
  uint8_t *out = schat__arena_take(&t->arena, 1024);
  schat_bytes object = {out, 0};
  if (action.random_id == 0) action.random_id = ++t->random_id;
  assert_int_equal(schat__action_encode(&t->arena, &action, out, 1024, &object.size), SCHAT_OK);
  return object;
}

static strict_message wrapped(talk *t, int32_t wire_out, int32_t wire_in, schat_bytes message) {
  static const uint8_t noise[64] = {1};
  strict_message m = {0};
  schat__wrapper w;
  uint8_t *out;
  size_t at;
  memset(&w, 0, sizeof w);
  w.random_bytes.data = noise;
  w.random_bytes.size = t->noise;
  w.layer = t->layer;
  w.out_seq_no = wire_out;
  w.in_seq_no = wire_in;
  m.object.size = schat__wrapper_encode(&w, message.size, NULL, &at);
  out = schat__arena_take(&t->arena, m.object.size + 4);
  schat__wrapper_encode(&w, message.size, out, &at);
  memcpy(out + at, message.data, message.size);
  m.object.data = out;
  m.mtproto = t->mtproto;
  m.padding = t->padding;
  m.made = t->now;
  return m;
}

/* The library's message under given raw numbers. */
static strict_rule say_raw(talk *t, int32_t out, int32_t in, schat_bytes message) {
  strict_message m = wrapped(t, 2 * out + 1, 2 * in, message);
  return strict_library(t->s, &m);
}

static strict_rule say(talk *t, schat_bytes message) {
  return say_raw(t, t->out++, t->in, message);
}

static strict_rule say_text(talk *t) {
  return say(t, text_of(t, ++t->random_id, "text"));
}

static void peer_says(talk *t, schat_bytes message) {
  strict_message m = wrapped(t, 2 * t->peer_out++, 2 * t->peer_in + 1, message);
  strict_peer(t->s, &m);
}

static schat__action key_action(schat__action_type type, int64_t id) {
  static const uint8_t g[256] = {9};
  schat__action action;
  memset(&action, 0, sizeof action);
  action.type = type;
  action.exchange_id = id;
  action.g.data = g;
  action.g.size = sizeof g;
  return action;
}

static strict_rule say_key(talk *t, schat__action_type type, int64_t id) {
  return say(t, action_of(t, key_action(type, id)));
}

static void peer_key(talk *t, schat__action_type type, int64_t id) {
  peer_says(t, action_of(t, key_action(type, id)));
}

static strict_rule ask(talk *t, int32_t wire_start, int32_t wire_end) {
  schat__action action;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_RESEND;
  action.start = wire_start;
  action.end = wire_end;
  return say(t, action_of(t, action));
}

static void peer_says_texts(talk *t, int count) {
  while (count-- > 0) peer_says(t, text_of(t, ++t->random_id, "theirs"));
}

/* Form ---------------------------------------------------------------------------------------------------------------------- */

static void lawful_messages_pass(void **state) {
  talk *t = talk_new();
  int i;
  (void)state;
  for (i = 0; i < 300; i++) {
    if (i == 100) t->layer = 101;
    if (i == 200) t->layer = 144;
    t->padding = 12 + (size_t)i * 3;
    assert_int_equal(say_text(t), STRICT_OK);
    peer_says_texts(t, i % 3);
    t->in = t->peer_out;
  }
  talk_free(t);
}

static void the_version_is_named(void **state) {
  talk *t = talk_new();
  (void)state;
  t->mtproto = 1;
  assert_int_equal(say_text(t), STRICT_VERSION);
  talk_free(t);
}

static void the_padding_is_named(void **state) {
  static const size_t bad[] = {0, 11, 1025, 4096};
  talk *t = talk_new();
  size_t i;
  (void)state;
  for (i = 0; i < 4; i++) {
    t->padding = bad[i];
    assert_int_equal(say_text(t), STRICT_PADDING);
    t->out--;
  }
  t->padding = 1024;
  assert_int_equal(say_text(t), STRICT_OK);
  talk_free(t);
}

static void few_random_bytes_are_named(void **state) {
  talk *t = talk_new();
  (void)state;
  t->noise = 14;
  assert_int_equal(say_text(t), STRICT_RANDOM_BYTES);
  t->noise = 15;
  t->out--;
  assert_int_equal(say_text(t), STRICT_OK);
  talk_free(t);
}

static void what_is_not_canonical_is_named(void **state) {
  talk *t = talk_new();
  schat_bytes text = text_of(t, 5, "text!"), unknown;
  uint8_t *broken;
  strict_message m;
  (void)state;
  text.size += 4; /* four zero bytes more */
  assert_int_equal(say_raw(t, 0, 0, text), STRICT_TL);
  text.size -= 8;
  assert_int_equal(say_raw(t, 0, 0, text), STRICT_TL);
  text.size += 4;
  broken = schat__arena_take(&t->arena, text.size);
  memcpy(broken, text.data, text.size);
  unknown.data = broken;
  unknown.size = text.size;
  schat__store32(broken, 0x12345678);
  assert_int_equal(say_raw(t, 0, 0, unknown), STRICT_TL);
  memcpy(broken, text.data, text.size);
  assert_int_equal(broken[text.size - 1], 0); /* the padding of "text!" */
  broken[text.size - 1] = 1;
  assert_int_equal(say_raw(t, 0, 0, unknown), STRICT_TL);
  m = wrapped(t, 1, 0, text);
  m.object.size = 3;
  assert_int_equal(strict_library(t->s, &m), STRICT_TL);
  m.object = text; /* without a wrapper */
  assert_int_equal(strict_library(t->s, &m), STRICT_TL);
  assert_int_equal(say_raw(t, 0, 0, text), STRICT_OK);
  talk_free(t);
}

static void a_random_id_is_there_once_and_the_same_outside(void **state) {
  talk *t = talk_new();
  schat_bytes text = text_of(t, 77, "text");
  strict_message m = wrapped(t, 1, 0, text);
  uint8_t *zero = schat__arena_take(&t->arena, text.size);
  schat_bytes nameless = {zero, text.size};
  (void)state;
  m.random_id = 78;
  assert_int_equal(strict_library(t->s, &m), STRICT_RANDOM_ID);
  m.random_id = 77;
  assert_int_equal(strict_library(t->s, &m), STRICT_OK);
  assert_int_equal(say_raw(t, 1, 0, text_of(t, 77, "another")), STRICT_RANDOM_ID);
  memcpy(zero, text.data, text.size);
  memset(zero + 8, 0, 8); /* behind constructor and flags */
  assert_int_equal(say_raw(t, 2, 0, nameless), STRICT_RANDOM_ID);
  talk_free(t);
}

/* Layers and numbers ---------------------------------------------------------------------------------------------------------- */

static void layers_that_no_table_has_are_named(void **state) {
  static const int32_t bad[] = {0, 8, 46, 66, 123, 143, 145, 151};
  talk *t = talk_new();
  size_t i;
  (void)state;
  for (i = 0; i < sizeof bad / sizeof *bad; i++) {
    t->layer = bad[i];
    assert_int_equal(say_raw(t, 0, 0, text_of(t, 5, "text")), STRICT_LAYER);
  }
  talk_free(t);
}

static void a_layer_that_falls_is_named(void **state) {
  talk *t = talk_new();
  (void)state;
  t->layer = 144;
  assert_int_equal(say_text(t), STRICT_OK);
  t->layer = 101;
  assert_int_equal(say_text(t), STRICT_LAYER_FELL);
  talk_free(t);
}

static void parity_is_named(void **state) {
  static const int32_t bad[][2] = {{0, 0}, {1, 1}, {0, 1}, {-1, 0}, {1, -2}};
  talk *t = talk_new();
  schat_bytes text = text_of(t, 5, "text");
  size_t i;
  (void)state;
  for (i = 0; i < 5; i++) {
    strict_message m = wrapped(t, bad[i][0], bad[i][1], text);
    assert_int_equal(strict_library(t->s, &m), STRICT_PARITY);
  }
  talk_free(t);
}

static void a_number_left_out_is_named(void **state) {
  talk *t = talk_new();
  (void)state;
  assert_int_equal(say_text(t), STRICT_OK);
  t->out++;
  assert_int_equal(say_text(t), STRICT_OUT_SEQ_NO);
  assert_int_equal(say_text(t), STRICT_OK);
  assert_int_equal(say_raw(t, 0x3fffffff, 0, text_of(t, 5, "far away")), STRICT_OUT_SEQ_NO);
  talk_free(t);
}

static void an_in_seq_no_that_falls_or_was_never_sent_is_named(void **state) {
  talk *t = talk_new();
  (void)state;
  peer_says_texts(t, 3);
  t->in = 2;
  assert_int_equal(say_text(t), STRICT_OK);
  t->in = 1;
  assert_int_equal(say_text(t), STRICT_IN_SEQ_NO);
  t->in = 4;
  assert_int_equal(say_text(t), STRICT_IN_SEQ_NO);
  talk_free(t);
}

/* Repeats ------------------------------------------------------------------------------------------------------------------- */

static void a_message_may_be_repeated_as_it_was(void **state) {
  talk *t = talk_new();
  schat_bytes text = text_of(t, 5, "text");
  (void)state;
  assert_int_equal(say_raw(t, 0, 0, text), STRICT_OK);
  t->noise = 15; /* random_bytes and padding are not content */
  t->padding = 28;
  assert_int_equal(say_raw(t, 0, 0, text), STRICT_OK);
  peer_says_texts(t, 1);
  assert_int_equal(say_raw(t, 0, 1, text), STRICT_REPEAT);
  t->layer = 101;
  assert_int_equal(say_raw(t, 0, 0, text), STRICT_REPEAT);
  t->layer = 73;
  assert_int_equal(say_raw(t, 0, 0, text_of(t, 5, "tent")), STRICT_REPEAT);
  assert_int_equal(say_raw(t, 0, 0, text_of(t, 6, "text")), STRICT_REPEAT);
  talk_free(t);
}

static void a_message_may_be_replaced_by_its_own_deletion(void **state) {
  talk *t = talk_new();
  int64_t own = 5, other = 6;
  schat__action action;
  schat_bytes gone;
  (void)state;
  assert_int_equal(say_raw(t, 0, 0, text_of(t, 5, "text")), STRICT_OK);
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_DELETE;
  action.random_id = own;
  action.random_ids = &other;
  action.random_id_count = 1;
  assert_int_equal(say_raw(t, 0, 0, action_of(t, action)), STRICT_REPEAT);
  action.random_ids = &own;
  gone = action_of(t, action);
  assert_int_equal(say_raw(t, 0, 0, gone), STRICT_OK);
  assert_int_equal(say_raw(t, 0, 0, gone), STRICT_OK);
  assert_int_equal(say_raw(t, 0, 0, text_of(t, 5, "text")), STRICT_REPEAT); /* it does not come back */
  talk_free(t);
}

static void a_noop_may_stand_only_for_what_the_peer_has(void **state) {
  talk *t = talk_new();
  schat__action action;
  (void)state;
  assert_int_equal(say_text(t), STRICT_OK);
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_NOOP;
  assert_int_equal(say_raw(t, 0, 0, action_of(t, action)), STRICT_REPEAT);
  t->peer_in = 1;
  peer_says_texts(t, 1);
  assert_int_equal(say_raw(t, 0, 0, action_of(t, action)), STRICT_OK);
  talk_free(t);
}

/* Resend -------------------------------------------------------------------------------------------------------------------- */

static void resend_of_what_is_missing_passes(void **state) {
  talk *t = talk_new();
  (void)state;
  peer_says_texts(t, 1200);
  t->in = 10;
  assert_int_equal(ask(t, 20, 20), STRICT_OK);
  assert_int_equal(ask(t, 20, 2018), STRICT_OK); /* a thousand */
  talk_free(t);
}

static void resend_of_what_was_acknowledged_is_named(void **state) {
  talk *t = talk_new();
  (void)state;
  peer_says_texts(t, 20);
  t->in = 10;
  assert_int_equal(ask(t, 18, 22), STRICT_RESEND_ACKED);
  talk_free(t);
}

static void resend_of_what_was_never_sent_is_named(void **state) {
  talk *t = talk_new();
  (void)state;
  peer_says_texts(t, 20);
  t->in = 10;
  assert_int_equal(ask(t, 20, 40), STRICT_RESEND_UNSENT);
  talk_free(t);
}

static void resend_ranges_are_named(void **state) {
  static const int32_t bad[][2] = {{21, 21}, {20, 23}, {24, 22}, {-2, 20}, {20, 2020}};
  talk *t = talk_new();
  size_t i;
  (void)state;
  peer_says_texts(t, 1200);
  for (i = 0; i < 5; i++) assert_int_equal(ask(t, bad[i][0], bad[i][1]), STRICT_RESEND_RANGE);
  talk_free(t);
}

/* Keys ---------------------------------------------------------------------------------------------------------------------- */

static void exchanges_in_turn_pass(void **state) {
  talk *t = talk_new();
  (void)state;
  assert_int_equal(say_key(t, SCHAT__ACTION_REQUEST_KEY, 5), STRICT_OK);
  peer_key(t, SCHAT__ACTION_ACCEPT_KEY, 5);
  assert_int_equal(say_key(t, SCHAT__ACTION_COMMIT_KEY, 5), STRICT_OK);
  peer_key(t, SCHAT__ACTION_REQUEST_KEY, 6);
  assert_int_equal(say_key(t, SCHAT__ACTION_ACCEPT_KEY, 6), STRICT_OK);
  peer_key(t, SCHAT__ACTION_COMMIT_KEY, 6);
  peer_key(t, SCHAT__ACTION_REQUEST_KEY, 7);
  assert_int_equal(say_key(t, SCHAT__ACTION_ABORT_KEY, 7), STRICT_OK);
  assert_int_equal(say_key(t, SCHAT__ACTION_REQUEST_KEY, 8), STRICT_OK);
  peer_key(t, SCHAT__ACTION_REQUEST_KEY, 9); /* both at once: theirs goes on */
  assert_int_equal(say_key(t, SCHAT__ACTION_ACCEPT_KEY, 9), STRICT_OK);
  peer_key(t, SCHAT__ACTION_COMMIT_KEY, 9);
  assert_int_equal(say_key(t, SCHAT__ACTION_REQUEST_KEY, 20), STRICT_OK);
  peer_key(t, SCHAT__ACTION_REQUEST_KEY, 19); /* ours goes on */
  peer_key(t, SCHAT__ACTION_ACCEPT_KEY, 20);
  assert_int_equal(say_key(t, SCHAT__ACTION_COMMIT_KEY, 20), STRICT_OK);
  peer_key(t, SCHAT__ACTION_REQUEST_KEY, 21); /* the same number: neither */
  assert_int_equal(say_key(t, SCHAT__ACTION_REQUEST_KEY, 21), STRICT_OK);
  assert_int_equal(say_key(t, SCHAT__ACTION_REQUEST_KEY, 22), STRICT_OK);
  talk_free(t);
}

static void a_second_request_key_is_named(void **state) {
  talk *t = talk_new();
  (void)state;
  assert_int_equal(say_key(t, SCHAT__ACTION_REQUEST_KEY, 5), STRICT_OK);
  assert_int_equal(say_key(t, SCHAT__ACTION_REQUEST_KEY, 6), STRICT_REQUEST_KEY);
  talk_free(t);
  t = talk_new();
  peer_key(t, SCHAT__ACTION_REQUEST_KEY, 6);
  assert_int_equal(say_key(t, SCHAT__ACTION_ACCEPT_KEY, 6), STRICT_OK);
  assert_int_equal(say_key(t, SCHAT__ACTION_REQUEST_KEY, 7), STRICT_REQUEST_KEY); /* before its CommitKey */
  talk_free(t);
  t = talk_new();
  assert_int_equal(say_key(t, SCHAT__ACTION_REQUEST_KEY, 5), STRICT_OK);
  t->now = WEEK;
  assert_int_equal(say_key(t, SCHAT__ACTION_REQUEST_KEY, 6), STRICT_REQUEST_KEY);
  talk_free(t);
  t = talk_new();
  assert_int_equal(say_key(t, SCHAT__ACTION_REQUEST_KEY, 5), STRICT_OK);
  t->now = WEEK + 1; /* D-20 */
  assert_int_equal(say_key(t, SCHAT__ACTION_REQUEST_KEY, 6), STRICT_OK);
  t->now = 3 * WEEK;
  assert_int_equal(say_key(t, SCHAT__ACTION_REQUEST_KEY, 5), STRICT_REQUEST_KEY); /* a number used before */
  talk_free(t);
}

static void accept_key_out_of_turn_is_named(void **state) {
  talk *t = talk_new();
  (void)state;
  assert_int_equal(say_key(t, SCHAT__ACTION_ACCEPT_KEY, 5), STRICT_ACCEPT_KEY);
  peer_key(t, SCHAT__ACTION_REQUEST_KEY, 5);
  assert_int_equal(say_key(t, SCHAT__ACTION_ACCEPT_KEY, 5), STRICT_OK);
  assert_int_equal(say_key(t, SCHAT__ACTION_ACCEPT_KEY, 5), STRICT_ACCEPT_KEY);
  peer_key(t, SCHAT__ACTION_COMMIT_KEY, 5);
  assert_int_equal(say_key(t, SCHAT__ACTION_ACCEPT_KEY, 5), STRICT_ACCEPT_KEY);
  assert_int_equal(say_key(t, SCHAT__ACTION_REQUEST_KEY, 9), STRICT_OK);
  peer_key(t, SCHAT__ACTION_REQUEST_KEY, 8);
  t->now = WEEK;
  assert_int_equal(say_key(t, SCHAT__ACTION_ACCEPT_KEY, 8), STRICT_ACCEPT_KEY); /* the smaller one */
  t->now = WEEK + 1;
  assert_int_equal(say_key(t, SCHAT__ACTION_ACCEPT_KEY, 8), STRICT_OK); /* D-20: its own is over */
  talk_free(t);
  t = talk_new();
  peer_key(t, SCHAT__ACTION_REQUEST_KEY, 5);
  peer_key(t, SCHAT__ACTION_REQUEST_KEY, 6); /* under way: no strict peer gives up what it has asked for */
  assert_int_equal(say_key(t, SCHAT__ACTION_ACCEPT_KEY, 5), STRICT_OK);
  talk_free(t);
}

static void commit_key_out_of_turn_is_named(void **state) {
  talk *t = talk_new();
  (void)state;
  assert_int_equal(say_key(t, SCHAT__ACTION_COMMIT_KEY, 5), STRICT_COMMIT_KEY);
  assert_int_equal(say_key(t, SCHAT__ACTION_REQUEST_KEY, 5), STRICT_OK);
  assert_int_equal(say_key(t, SCHAT__ACTION_COMMIT_KEY, 5), STRICT_COMMIT_KEY);
  peer_key(t, SCHAT__ACTION_ACCEPT_KEY, 5);
  assert_int_equal(say_key(t, SCHAT__ACTION_COMMIT_KEY, 5), STRICT_OK);
  assert_int_equal(say_key(t, SCHAT__ACTION_COMMIT_KEY, 5), STRICT_COMMIT_KEY);
  talk_free(t);
}

static void abort_key_out_of_turn_is_named(void **state) {
  talk *t = talk_new();
  (void)state;
  assert_int_equal(say_key(t, SCHAT__ACTION_ABORT_KEY, 4), STRICT_ABORT_KEY); /* nobody has it */
  assert_int_equal(say_key(t, SCHAT__ACTION_REQUEST_KEY, 5), STRICT_OK);
  assert_int_equal(say_key(t, SCHAT__ACTION_ABORT_KEY, 5), STRICT_ABORT_KEY); /* its own */
  peer_key(t, SCHAT__ACTION_ACCEPT_KEY, 5);
  assert_int_equal(say_key(t, SCHAT__ACTION_ABORT_KEY, 5), STRICT_ABORT_KEY); /* after AcceptKey */
  assert_int_equal(say_key(t, SCHAT__ACTION_COMMIT_KEY, 5), STRICT_OK);
  peer_key(t, SCHAT__ACTION_REQUEST_KEY, 6);
  assert_int_equal(say_key(t, SCHAT__ACTION_ACCEPT_KEY, 6), STRICT_OK);
  assert_int_equal(say_key(t, SCHAT__ACTION_ABORT_KEY, 6), STRICT_ABORT_KEY); /* what it has accepted */
  peer_key(t, SCHAT__ACTION_COMMIT_KEY, 6);
  assert_int_equal(say_key(t, SCHAT__ACTION_REQUEST_KEY, 9), STRICT_OK);
  peer_key(t, SCHAT__ACTION_REQUEST_KEY, 8);
  assert_int_equal(say_key(t, SCHAT__ACTION_ABORT_KEY, 8), STRICT_ABORT_KEY); /* the peer has dropped it for ours */
  talk_free(t);
}

static void every_rule_has_a_text(void **state) {
  int i, j;
  (void)state;
  for (i = 0; i < STRICT_RULES; i++) {
    assert_non_null(strict_text((strict_rule)i));
    for (j = 0; j < i; j++) assert_string_not_equal(strict_text((strict_rule)i), strict_text((strict_rule)j));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lawful_messages_pass),
      cmocka_unit_test(the_version_is_named),
      cmocka_unit_test(the_padding_is_named),
      cmocka_unit_test(few_random_bytes_are_named),
      cmocka_unit_test(what_is_not_canonical_is_named),
      cmocka_unit_test(a_random_id_is_there_once_and_the_same_outside),
      cmocka_unit_test(layers_that_no_table_has_are_named),
      cmocka_unit_test(a_layer_that_falls_is_named),
      cmocka_unit_test(parity_is_named),
      cmocka_unit_test(a_number_left_out_is_named),
      cmocka_unit_test(an_in_seq_no_that_falls_or_was_never_sent_is_named),
      cmocka_unit_test(a_message_may_be_repeated_as_it_was),
      cmocka_unit_test(a_message_may_be_replaced_by_its_own_deletion),
      cmocka_unit_test(a_noop_may_stand_only_for_what_the_peer_has),
      cmocka_unit_test(resend_of_what_is_missing_passes),
      cmocka_unit_test(resend_of_what_was_acknowledged_is_named),
      cmocka_unit_test(resend_of_what_was_never_sent_is_named),
      cmocka_unit_test(resend_ranges_are_named),
      cmocka_unit_test(exchanges_in_turn_pass),
      cmocka_unit_test(a_second_request_key_is_named),
      cmocka_unit_test(accept_key_out_of_turn_is_named),
      cmocka_unit_test(commit_key_out_of_turn_is_named),
      cmocka_unit_test(abort_key_out_of_turn_is_named),
      cmocka_unit_test(every_rule_has_a_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
