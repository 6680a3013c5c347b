/* SPDX-License-Identifier: BSL-1.0
 * test_api_input.c - every Update reaches the function for its kind, with its fields; the four functions are stood in for here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "secretchat/secretchat.h"

#define NOW INT64_C(1700000000123)

static int64_t nobody;
static schat_manager *const manager = (schat_manager *)(void *)&nobody;
static int calls;

static void note_call(const schat_manager *m, int64_t now) {
  assert_ptr_equal(m, manager);
  assert_int_equal(now, NOW);
  calls++;
}

int schat_input_message(schat_manager *m, const schat_encrypted_message *message, int32_t qts, int64_t now) {
  note_call(m, now);
  assert_int_equal(message->size, sizeof *message);
  assert_int_equal(message->chat_id, -2);
  assert_int_equal(message->bytes.size, 3);
  assert_memory_equal(message->bytes.data, "abc", 3);
  assert_int_equal(qts, 42);
  return SCHAT_WAITING;
}

int schat_input_chat(schat_manager *m, const schat_chat_update *update, int64_t now) {
  note_call(m, now);
  assert_int_equal(update->size, sizeof *update);
  assert_int_equal(update->type, SCHAT_CHAT_UPDATE_DISCARDED);
  assert_int_equal(update->chat_id, -2);
  return SCHAT_CHAT_CLOSED;
}

int schat_input_read(schat_manager *m, int32_t chat_id, int32_t max_date, int32_t date, int64_t now) {
  note_call(m, now);
  assert_int_equal(chat_id, -2);
  assert_int_equal(max_date, 5);
  assert_int_equal(date, 6);
  return SCHAT_DUPLICATE;
}

int schat_input_typing(schat_manager *m, int32_t chat_id, int64_t now) {
  note_call(m, now);
  assert_int_equal(chat_id, -2);
  return SCHAT_E_NO_CHAT;
}

static const uint8_t message[] = {0x9a, 0xbd, 0xbc, 0x12, 0x06, 0x4b, 0x73, 0x23, 1, 0,   0,   0,   0,  0, 0, 0,
                                  0xfe, 0xff, 0xff, 0xff, 1,    0,    0,    0,    3, 'a', 'b', 'c', 42, 0, 0, 0};
static const uint8_t chat[] = {0x8d, 0xe8, 0xa2, 0xb4, 0x45, 0x7c, 0x1c, 0x1e, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 7, 0, 0, 0};
static const uint8_t reading[] = {0xb7, 0x25, 0xfe, 0x38, 0xfe, 0xff, 0xff, 0xff, 5, 0, 0, 0, 6, 0, 0, 0};
static const uint8_t typing[] = {0x56, 0xf1, 0x10, 0x17, 0xfe, 0xff, 0xff, 0xff};
static const uint8_t other[] = {0xb5, 0x75, 0x72, 0x99};

static int input(schat_manager *m, const uint8_t *data, size_t size) {
  schat_bytes tl;
  tl.data = data;
  tl.size = size;
  calls = 0;
  return schat_api_input_update(m, tl, NOW);
}

/* R-Q-01, D-17: each kind goes to its function, whose status comes back. */
static void every_update_reaches_its_function(void **state) {
  (void)state;
  assert_int_equal(input(manager, message, sizeof message), SCHAT_WAITING);
  assert_int_equal(calls, 1);
  assert_int_equal(input(manager, chat, sizeof chat), SCHAT_CHAT_CLOSED);
  assert_int_equal(calls, 1);
  assert_int_equal(input(manager, reading, sizeof reading), SCHAT_DUPLICATE);
  assert_int_equal(calls, 1);
  assert_int_equal(input(manager, typing, sizeof typing), SCHAT_E_NO_CHAT);
  assert_int_equal(calls, 1);
}

/* what is no such update, or broken, reaches none. */
static void anything_else_reaches_no_function(void **state) {
  (void)state;
  assert_int_equal(input(manager, other, sizeof other), SCHAT_IGNORED);
  assert_int_equal(input(manager, message, sizeof message - 4), SCHAT_E_MALFORMED);
  assert_int_equal(input(manager, NULL, 0), SCHAT_E_MALFORMED);
  assert_int_equal(input(NULL, typing, sizeof typing), SCHAT_E_INVALID);
  assert_int_equal(calls, 0);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_update_reaches_its_function),
      cmocka_unit_test(anything_else_reaches_no_function),
  };
  return cmocka_run_group_tests_name("api_input", tests, NULL, NULL);
}
