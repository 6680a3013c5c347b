/* SPDX-License-Identifier: BSL-1.0
 * test_ahead.c - what is opened ahead is believed for the same message under the same key, and for nothing else; a difference says what its
 * messages say one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "manager/manager.h"
#include "world.h"

#define MANY 70 /* more than two windows */

static world *w;
static int32_t chat;

static int set_up(void **state) {
  (void)state;
  w = world_new(91, 2);
  chat = world_chat(w, 0, 1);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  world_free(w);
  return 0;
}

/* Messages of the second account to the first, as they stand on the wire. */
static void seal_some(schat_encrypted_message *messages, uint8_t (*bytes)[256], size_t count) {
  const schat__env *env = &w->peers[1].manager->env;
  const schat__slot *slot = schat__table_find(&env->table, chat);
  for (size_t i = 0; i < count; i++) {
    uint8_t padded[128];
    memset(padded, (int)i, sizeof padded);
    schat__store32(padded, 64);
    SCHAT_INIT(messages[i]);
    messages[i].chat_id = chat;
    messages[i].bytes.data = bytes[i];
    messages[i].bytes.size = SCHAT__ENVELOPE_HEAD + sizeof padded;
    assert_int_equal(schat__envelope_seal(env->crypto, slot->chat.key, slot->chat.key_fingerprint, schat__is_originator(&slot->chat), padded,
                                          sizeof padded, bytes[i]),
                     SCHAT_OK);
  }
}

/* R-PFS-15: a rekeying may come between the opening and a message's turn. */
static void only_the_same_message_under_the_same_key_is_found(void **state) {
  (void)state;
  static uint8_t bytes[4][256];
  schat_encrypted_message messages[4];
  schat__env *env = &w->peers[0].manager->env;
  const schat__slot *slot = schat__table_find(&env->table, chat);
  const int from = !schat__is_originator(&slot->chat);
  uint8_t other[SCHAT__DH_SIZE];
  schat_bytes object = {NULL, 0};
  int verdict = -1;
  seal_some(messages, bytes, 4);
  bytes[2][30] ^= 1;
  memcpy(other, slot->chat.key, sizeof other);
  other[255] ^= 1;
  if (!schat__ige_gains(env->crypto)) {
    assert_int_equal(schat__ahead_open(env, messages, 3), 3);
    assert_int_equal(schat__ahead_find(env, &messages[0], slot->chat.key, slot->chat.key_fingerprint, from, &object, &verdict), 0);
    return;
  }
  assert_int_equal(schat__ahead_open(env, messages, 3), 3);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(schat__ahead_find(env, &messages[i], slot->chat.key, slot->chat.key_fingerprint, from, &object, &verdict), 1);
    assert_int_equal(verdict, i != 2);
    if (i != 2) assert_true(object.size == 64 && object.data[0] == i && object.data[63] == i);
  }
  assert_int_equal(schat__ahead_find(env, &messages[3], slot->chat.key, slot->chat.key_fingerprint, from, &object, &verdict), 0);
  assert_int_equal(schat__ahead_find(env, &messages[0], other, slot->chat.key_fingerprint, from, &object, &verdict), 0);
  assert_int_equal(schat__ahead_find(env, &messages[0], slot->chat.key, slot->chat.key_fingerprint + 1, from, &object, &verdict), 0);
  assert_int_equal(schat__ahead_find(env, &messages[0], slot->chat.key, slot->chat.key_fingerprint, !from, &object, &verdict), 0);
  schat__ahead_end(env);
  assert_int_equal(schat__ahead_find(env, &messages[0], slot->chat.key, slot->chat.key_fingerprint, from, &object, &verdict), 0);
}

/* What could not be opened, or belongs to no chat, ends no window. */
static void what_has_no_key_is_passed_over(void **state) {
  (void)state;
  static uint8_t bytes[5][256];
  schat_encrypted_message messages[5];
  schat__env *env = &w->peers[0].manager->env;
  const schat__slot *slot = schat__table_find(&env->table, chat);
  schat_bytes object = {NULL, 0};
  int verdict = -1;
  seal_some(messages, bytes, 5);
  messages[0].chat_id = chat + 1;
  messages[1].bytes.size = 12;
  messages[2].bytes.size -= 3;
  bytes[3][0] ^= 1;
  assert_int_equal(schat__ahead_open(env, messages, 5), 5);
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(schat__ahead_find(env, &messages[i], slot->chat.key, slot->chat.key_fingerprint, !schat__is_originator(&slot->chat),
                                       &object, &verdict),
                     0);
  }
  schat__ahead_end(env);
}

/* X-14, R-SEQ-08: a backlog, all of it and in order, whatever stands between. */
static void a_difference_says_what_its_messages_say(void **state) {
  (void)state;
  w->peers[0].deaf = 1;
  for (int i = 0; i < MANY; i++) {
    char text[16];
    (void)snprintf(text, sizeof text, "number %d", i);
    assert_true(world_text(w, 1, chat, text, NULL) >= 0);
    world_run(w);
  }
  w->peers[0].deaf = 0;
  assert_int_equal(world_count(w, 0, SCHAT_EVENT_MESSAGE), 0);
  world_catch_up(w, 0);
  world_run(w);
  assert_int_equal(world_count(w, 0, SCHAT_EVENT_MESSAGE), MANY);
  for (int i = 0; i < MANY; i++) {
    char text[16];
    (void)snprintf(text, sizeof text, "number %d", i);
    assert_string_equal(world_nth(w, 0, SCHAT_EVENT_MESSAGE, (size_t)i)->text, text);
  }
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      T(only_the_same_message_under_the_same_key_is_found),
      T(what_has_no_key_is_passed_over),
      T(a_difference_says_what_its_messages_say),
  };
  return cmocka_run_group_tests_name("ahead", tests, NULL, NULL);
}
