/* SPDX-License-Identifier: BSL-1.0
 * test_chat_check.c - the invariants of a chat (chat.h) are looked at one by one: a chat in which one of them does not hold is found out. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <string.h>

#include "manager/manager.h"
#include "puppet.h"
#include "world.h"

static world *w;
static int32_t chat;
static schat__slot *slot;

static int set_up(void **state) {
  (void)state;
  w = world_new(96, 2);
  chat = world_chat(w, 0, 1);
  w->peers[0].hold = 1;
  world_text(w, 0, chat, "one", NULL);
  world_text(w, 0, chat, "two", NULL);
  slot = puppet_slot(w->peers[0].manager, chat);
  assert_true(schat__count(slot, SCHAT__OUTBOX) >= 2);
  return schat__chat_check(slot) ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  world_free(w);
  return 0;
}

/* With the value put there; as before afterwards. */
#define BREAKS(place, value) \
  do { \
    const schat__chat chat_before = slot->chat; \
    const int64_t keys[2] = {schat__item_at(slot, SCHAT__OUTBOX, 0)->key, schat__item_at(slot, SCHAT__OUTBOX, 1)->key}; \
    (place) = (value); \
    assert_false(schat__chat_check(slot)); \
    slot->chat = chat_before; \
    schat__item_at(slot, SCHAT__OUTBOX, 0)->key = keys[0]; \
    schat__item_at(slot, SCHAT__OUTBOX, 1)->key = keys[1]; \
    assert_true(schat__chat_check(slot)); \
  } while (0)

static void numbers_of_messages_are_lawful(void **state) {
  (void)state;
  BREAKS(slot->chat.peer_in_seq, -1);
  BREAKS(slot->chat.peer_in_seq, slot->chat.out_seq + 1);
  BREAKS(slot->chat.in_seq, -1);
  BREAKS(slot->chat.key_since, 0);
}

static void the_outbox_holds_what_is_not_confirmed(void **state) {
  schat__item *first = schat__item_at(slot, SCHAT__OUTBOX, 0), *second = schat__item_at(slot, SCHAT__OUTBOX, 1);
  (void)state;
  BREAKS(slot->chat.peer_in_seq, slot->chat.peer_in_seq + 1);
  BREAKS(slot->chat.out_seq, slot->chat.out_seq + 1);
  BREAKS(second->key, slot->chat.out_seq);
  BREAKS(second->key, first->key);
  BREAKS(first->key, -1);
}

/* A message that is confirmed stays only as the Noop it became (D-07). */
static void what_is_confirmed_is_kept_as_a_noop_alone(void **state) {
  schat__item *first = schat__item_at(slot, SCHAT__OUTBOX, 0);
  const uint8_t action = first->u.out.action;
  (void)state;
  slot->chat.peer_in_seq++;
  assert_false(schat__chat_check(slot));
  first->u.out.action = SCHAT__ACTION_NOOP;
  assert_true(schat__chat_check(slot));
  first->u.out.action = action;
  slot->chat.peer_in_seq--;
  assert_true(schat__chat_check(slot));
}

static void every_message_has_its_key(void **state) {
  schat__item *first = schat__item_at(slot, SCHAT__OUTBOX, 0);
  (void)state;
  first->u.out.key_fingerprint ^= 1;
  assert_false(schat__chat_check(slot));
  first->u.out.key_fingerprint ^= 1;
  assert_true(schat__chat_check(slot));
}

static void the_queue_ends_where_the_highest_message_is(void **state) {
  (void)state;
  BREAKS(slot->chat.in_highest, slot->chat.in_seq - 2);
  BREAKS(slot->chat.in_highest, slot->chat.in_seq + 1);
}

/* Of a chat that is no more nothing is left: no secret, no key, no early message; and an invitation has the value it came with. */
static void what_has_ended_holds_nothing(void **state) {
  schat__chat *c = &slot->chat;
  schat__item *early = NULL;
  uint8_t key;
  (void)state;
  assert_int_equal(schat_chat_discard(w->peers[0].manager, chat, 0, w->now), SCHAT_OK);
  assert_true(schat__chat_check(slot));
  c->state = SCHAT_STATE_INVITED;
  assert_false(schat__chat_check(slot));
  c->state = SCHAT_STATE_CLOSED;
  key = c->key[200];
  c->key[200] = 1;
  assert_false(schat__chat_check(slot));
  c->key[200] = key;
  assert_int_equal(schat__edit_secrets(&w->peers[0].manager->env, slot), SCHAT_OK);
  assert_false(schat__chat_check(slot));
  assert_int_equal(schat__drop_secrets(&w->peers[0].manager->env, slot), SCHAT_OK);
  assert_true(schat__chat_check(slot));
  assert_int_equal(schat__item_new(&w->peers[0].manager->env, slot, SCHAT__EARLY, 1, 16, &early), SCHAT_OK);
  assert_false(schat__chat_check(slot));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(numbers_of_messages_are_lawful, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_outbox_holds_what_is_not_confirmed, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_confirmed_is_kept_as_a_noop_alone, set_up, tear_down),
      cmocka_unit_test_setup_teardown(every_message_has_its_key, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_queue_ends_where_the_highest_message_is, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_has_ended_holds_nothing, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
