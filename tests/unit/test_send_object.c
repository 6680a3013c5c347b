/* SPDX-License-Identifier: BSL-1.0
 * test_send_object.c - objects that the host encoded itself: what is lawful arrives, in a form that the peer reads; all else is refused and
 * changes nothing. And sends whose size no policy allows. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "manager/manager.h"
#include "puppet.h"
#include "tl/model.h"

static world *w;
static puppet *p;
static int32_t chat;

static int set_up(void **state) {
  (void)state;
  w = world_new(94, 3);
  chat = world_chat(w, 0, 1);
  p = puppet_new(w->peers[0].manager, chat);
  world_forget(w);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  puppet_free(p);
  world_free(w);
  return 0;
}

static schat_manager *alice(void) {
  return w->peers[0].manager;
}

static int send_object(schat_bytes object, const schat_input_file *file, int64_t *random_id) {
  return schat_send_object(alice(), chat, object, file, w->now, random_id);
}

/* A refusal has made no message. */
static void is_refused(int status, schat_bytes object, const schat_input_file *file) {
  int64_t random_id = -1;
  const int32_t next = puppet_slot(alice(), chat)->chat.out_seq;
  assert_int_equal(send_object(object, file, &random_id), status);
  assert_true(random_id == -1);
  assert_int_equal(puppet_slot(alice(), chat)->chat.out_seq, next);
}

static void an_encoded_text_arrives_as_it_is(void **state) {
  int64_t random_id = 0;
  (void)state;
  assert_int_equal(send_object(puppet_text(p, 501, "by the host", 9), NULL, &random_id), SCHAT_OK);
  assert_true(random_id == 501);
  assert_int_equal(send_object(puppet_text(p, 502, "nobody asks for its number", 0), NULL, NULL), SCHAT_OK);
  world_run(w);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 2);
  assert_string_equal(world_nth(w, 1, SCHAT_EVENT_MESSAGE, 0)->text, "by the host");
  assert_int_equal(world_nth(w, 1, SCHAT_EVENT_MESSAGE, 0)->ttl, 9);
  assert_int_equal(world_count(w, 0, SCHAT_EVENT_SENT), 2);
}

static void an_object_that_is_none_is_refused(void **state) {
  static const uint8_t words[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  uint8_t copy[100];
  schat_input_file wrong;
  schat_bytes object = {words, sizeof words};
  (void)state;
  is_refused(SCHAT_E_MALFORMED, object, NULL);
  object.size = 0;
  is_refused(SCHAT_E_INVALID, object, NULL);
  object.data = NULL;
  is_refused(SCHAT_E_INVALID, object, NULL);
  memset(&wrong, 0, sizeof wrong);
  wrong.type = SCHAT_INPUT_FILE_EXISTING + 1;
  is_refused(SCHAT_E_INVALID, puppet_text(p, 503, "with what is no file", 0), &wrong);
  object = puppet_text(p, 7, "without a number", 0);
  assert_true(object.size <= sizeof copy);
  memcpy(copy, object.data, object.size);
  memset(copy + 8, 0, 8); /* behind constructor and flags */
  object.data = copy;
  is_refused(SCHAT_E_INVALID, object, NULL);
}

static void a_number_is_used_once(void **state) {
  (void)state;
  assert_int_equal(send_object(puppet_text(p, 504, "first", 0), NULL, NULL), SCHAT_OK);
  is_refused(SCHAT_E_EXISTS, puppet_text(p, 504, "second", 0), NULL);
}

static void an_object_needs_a_chat_that_is_open(void **state) {
  (void)state;
  assert_int_equal(schat_chat_discard(alice(), chat, 0, w->now), SCHAT_OK);
  is_refused(SCHAT_E_STATE, puppet_text(p, 505, "too late", 0), NULL);
}

static void an_action_may_be_sent_without_asking_for_its_number(void **state) {
  schat__action action;
  (void)state;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_SET_TTL;
  action.random_id = 506;
  action.ttl = 30;
  assert_int_equal(send_object(puppet_action(p, &action), NULL, NULL), SCHAT_OK);
  world_run(w);
  assert_int_equal(world_info(w, 1, chat).ttl, 30);
}

static void typing_in_an_object_is_the_servers_typing(void **state) {
  schat__action action;
  (void)state;
  memset(&action, 0, sizeof action);
  action.type = SCHAT__ACTION_TYPING;
  action.random_id = 507;
  action.typing = 1;
  assert_int_equal(send_object(puppet_action(p, &action), NULL, NULL), SCHAT_OK);
  world_run(w);
  assert_int_equal(world_requests(w, 0, SCHAT_REQUEST_SET_TYPING), 1);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_TYPING), 1);
}

static int stands_in(schat_bytes bytes, unsigned constructor) {
  const uint32_t id = schat__tl_constructor_at(constructor)->id;
  for (size_t i = 0; i + 4 <= bytes.size; i += 4) {
    if (schat__load32(bytes.data + i) == id) return 1;
  }
  return 0;
}

static void look_at_form(void *arg, const schat_request *request, const puppet_seen *seen) {
  int *forms = arg;
  (void)request;
  forms[0] += stands_in(seen->wrapper.message, SCHAT__TL_decryptedMessageMediaDocument46);
  forms[1] += stands_in(seen->wrapper.message, SCHAT__TL_decryptedMessageMediaDocument);
}

/* A document of layer 144, for a peer that has said 73: the bytes are not sent as they are (L3, D-30). */
static void an_object_above_the_peers_layer_is_encoded_anew(void **state) {
  static const uint8_t key[32] = {1}, iv[32] = {2};
  uint8_t bytes[1024];
  size_t size = 0;
  schat_message document;
  schat_input_file file;
  schat__arena arena;
  int forms[2] = {0, 0};
  (void)state;
  SCHAT_INIT(document);
  memset(&file, 0, sizeof file);
  document.random_id = 508;
  document.media.type = SCHAT_MEDIA_DOCUMENT;
  document.media.key = (schat_bytes){key, 32};
  document.media.iv = (schat_bytes){iv, 32};
  document.media.size = 1000;
  schat__arena_init(&arena, NULL, 1 << 20);
  assert_int_equal(schat__message_encode(&arena, &document, 144, bytes, sizeof bytes, &size), SCHAT_OK);
  schat__arena_free(&arena);
  puppet_slot(alice(), chat)->chat.stated_layer = 73;
  file.type = SCHAT_INPUT_FILE_EXISTING;
  file.id = 1;
  assert_int_equal(send_object((schat_bytes){bytes, size}, &file, NULL), SCHAT_OK);
  assert_int_equal(puppet_collect(p, alice(), look_at_form, forms), 1);
  assert_int_equal(forms[0], 1);
  assert_int_equal(forms[1], 0);
}

/* What the host may send at most is a policy (D-11). */
static void nothing_is_sent_that_is_larger_than_the_policy_allows(void **state) {
  schat_message message;
  uint8_t *text = malloc(3000);
  (void)state;
  assert_non_null(text);
  memset(text, 'x', 3000);
  w->peers[0].policy.max_message_bytes = 1000;
  world_restart(w, 0, 0);
  SCHAT_INIT(message);
  message.text = (schat_bytes){text, 3000};
  assert_int_equal(schat_send(alice(), chat, &message, NULL, w->now, NULL), SCHAT_E_TOO_LARGE);
  text[2000] = '\0';
  is_refused(SCHAT_E_TOO_LARGE, puppet_text(p, 509, (const char *)text, 0), NULL);
  text[100] = '\0';
  assert_int_equal(send_object(puppet_text(p, 509, (const char *)text, 0), NULL, NULL), SCHAT_OK);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(an_encoded_text_arrives_as_it_is, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_object_that_is_none_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_number_is_used_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_object_needs_a_chat_that_is_open, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_action_may_be_sent_without_asking_for_its_number, set_up, tear_down),
      cmocka_unit_test_setup_teardown(typing_in_an_object_is_the_servers_typing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_object_above_the_peers_layer_is_encoded_anew, set_up, tear_down),
      cmocka_unit_test_setup_teardown(nothing_is_sent_that_is_larger_than_the_policy_allows, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
