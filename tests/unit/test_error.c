/* SPDX-License-Identifier: BSL-1.0
 * test_error.c - what every error of the server means, row by row, and that no text of it can mislead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "secretchat/secretchat.h"

#define FIRST SCHAT_REQUEST_GET_DH_CONFIG
#define LAST SCHAT_REQUEST_GET_DIFFERENCE

typedef struct {
  int32_t type, code;
  const char *text;
  int expected;
} row;

static void check(int32_t type, int32_t code, const char *text, int expected) {
  int32_t seconds = -1;
  int found = schat_error_classify(type, code, text, &seconds);
  if (found != expected)
    fail_msg("type %d, %d %.40s: %d instead of %d", (int)type, (int)code, text == NULL ? "NULL" : text, found, expected);
  if (expected != SCHAT_ERROR_RETRY_AFTER) assert_int_equal(seconds, 0);
  assert_int_equal(schat_error_classify(type, code, text, NULL), expected);
}

static void check_rows(const row *rows, size_t count) {
  size_t i;
  for (i = 0; i < count; i++) check(rows[i].type, rows[i].code, rows[i].text, rows[i].expected);
}

static void check_all(int32_t code, const char *text, int expected) {
  int32_t type;
  for (type = FIRST; type <= LAST; type++) check(type, code, text, expected);
}

static void check_sends(int32_t code, const char *text, int expected) {
  check(SCHAT_REQUEST_SEND_ENCRYPTED, code, text, expected);
  check(SCHAT_REQUEST_SEND_ENCRYPTED_FILE, code, text, expected);
  check(SCHAT_REQUEST_SEND_SERVICE, code, text, expected);
}

static void check_seconds(int32_t code, const char *text, int32_t expected) {
  int32_t type, seconds;
  for (type = FIRST; type <= LAST; type++) {
    seconds = -1;
    assert_int_equal(schat_error_classify(type, code, text, &seconds), SCHAT_ERROR_RETRY_AFTER);
    assert_int_equal(seconds, expected);
  }
}

/* R-SEQ-07, D-08: what is the server's own trouble is tried again, whatever was asked. */
static void trouble_of_the_server_is_tried_again(void **state) {
  (void)state;
  check_all(500, "RPC_CALL_FAIL", SCHAT_ERROR_RETRY);
  check_all(503, "", SCHAT_ERROR_RETRY);
  check_all(-503, "Timeout", SCHAT_ERROR_RETRY);
  check_all(303, "NETWORK_MIGRATE_2", SCHAT_ERROR_RETRY);
  check_all(0, "", SCHAT_ERROR_RETRY);
  check_all(INT32_MIN, "X", SCHAT_ERROR_RETRY);
  check_all(INT32_MAX, "X", SCHAT_ERROR_RETRY);
  check_all(399, "X", SCHAT_ERROR_RETRY);
  check_all(500, "ENCRYPTION_OCCUPY_FAILED", SCHAT_ERROR_RETRY);
  check_all(400, "ENCRYPTION_OCCUPY_FAILED", SCHAT_ERROR_RETRY);
  check_all(400, "CONNECTION_NOT_INITED", SCHAT_ERROR_RETRY);
  check_all(400, "CONNECTION_LAYER_INVALID", SCHAT_ERROR_RETRY);
}

/* The account is gone with its authorisation, and only then. */
static void only_a_lost_authorisation_ends_the_account(void **state) {
  (void)state;
  check_all(401, "AUTH_KEY_UNREGISTERED", SCHAT_ERROR_ACCOUNT);
  check_all(401, "SESSION_REVOKED", SCHAT_ERROR_ACCOUNT);
  check_all(401, "USER_DEACTIVATED", SCHAT_ERROR_ACCOUNT);
  check_all(401, NULL, SCHAT_ERROR_ACCOUNT);
  check_all(406, "AUTH_KEY_DUPLICATED", SCHAT_ERROR_ACCOUNT);
  check_all(401, "AUTH_KEY_PERM_EMPTY", SCHAT_ERROR_RETRY);
  check_all(401, "SESSION_PASSWORD_NEEDED", SCHAT_ERROR_RETRY);
}

/* A pause is what the text says, between nothing and two days. */
static void a_pause_has_the_seconds_of_its_text(void **state) {
  (void)state;
  check_seconds(420, "FLOOD_WAIT_17", 17);
  check_seconds(420, "FLOOD_WAIT_0", 0);
  check_seconds(420, "FLOOD_WAIT_0000000000000017", 17);
  check_seconds(420, "FLOOD_PREMIUM_WAIT_5", 5);
  check_seconds(420, "SLOWMODE_WAIT_30", 30);
  check_seconds(420, "SOME_NEW_WAIT_9", 9);
  check_seconds(429, "FLOOD_WAIT_3", 3);
  check_seconds(429, "SOME_NEW_WAIT_9", 9);
  check_seconds(400, "FLOOD_WAIT_3", 3);
  check_seconds(420, "flood_wait_12", 12);
  check_seconds(420, "FLOOD_WAIT_172799", 172799);
  check_seconds(420, "FLOOD_WAIT_172800", 172800);
  check_seconds(420, "FLOOD_WAIT_172801", 172800);
  check_seconds(420, "FLOOD_WAIT_2147483647", 172800);
  check_seconds(420, "FROZEN_METHOD_INVALID", 3600);
  check_seconds(403, "FROZEN_METHOD_INVALID", 3600);
}

/* a text that carries no lawful number gives a minute. */
static void a_pause_without_a_lawful_number_is_a_minute(void **state) {
  static const char *const texts[] = {"FLOOD_WAIT_2147483648",
                                      "FLOOD_WAIT_18446744073709551617",
                                      "FLOOD_WAIT_99999999999999999999999999999",
                                      "FLOOD_WAIT_",
                                      "FLOOD_WAIT",
                                      "FLOOD_WAIT_-5",
                                      "FLOOD_WAIT_+5",
                                      "FLOOD_WAIT_ 5",
                                      "FLOOD_WAIT_5 ",
                                      "FLOOD_WAIT_0x10",
                                      "FLOOD_WAIT_1e3",
                                      "FLOOD_WAIT_5_",
                                      "FLOOD_WAIT_\xd9\xa5",
                                      "P0NY",
                                      "17",
                                      "_",
                                      "",
                                      NULL};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof texts / sizeof texts[0]; i++) check_seconds(420, texts[i], 60);
}

/* D-25: a chained send whose predecessor failed goes on without it. */
static void a_broken_chain_is_sent_without_its_predecessor(void **state) {
  (void)state;
  check_sends(400, "MSG_WAIT_FAILED", SCHAT_ERROR_RETRY_UNCHAINED);
  check_sends(500, "MSG_WAIT_FAILED", SCHAT_ERROR_RETRY_UNCHAINED);
  check_sends(500, "MSG_WAIT_TIMEOUT", SCHAT_ERROR_RETRY_UNCHAINED);
  check_sends(-503, "MSG_WAIT_TIMEOUT", SCHAT_ERROR_RETRY_UNCHAINED);
  check(SCHAT_REQUEST_DISCARD_ENCRYPTION, 400, "MSG_WAIT_FAILED", SCHAT_ERROR_RETRY);
  check(SCHAT_REQUEST_REQUEST_ENCRYPTION, 400, "MSG_WAIT_TIMEOUT", SCHAT_ERROR_RETRY);
}

/* R-SEQ-07 (S17b): the server has the message already. */
static void a_repeated_random_id_is_success(void **state) {
  (void)state;
  check_sends(400, "RANDOM_ID_DUPLICATE", SCHAT_ERROR_DONE);
  check_sends(500, "RANDOM_ID_DUPLICATE", SCHAT_ERROR_DONE);
}

/* D-18: these say that the other side has closed the chat. */
static void a_send_learns_that_the_chat_is_closed(void **state) {
  (void)state;
  check_sends(400, "ENCRYPTION_DECLINED", SCHAT_ERROR_CHAT_CLOSED);
  check_sends(400, "ENCRYPTION_ALREADY_DECLINED", SCHAT_ERROR_CHAT_CLOSED);
  check_sends(400, "ENCRYPTION_ID_INVALID", SCHAT_ERROR_CHAT_CLOSED);
  check_sends(400, "CHAT_ID_INVALID", SCHAT_ERROR_CHAT_CLOSED);
  check_sends(400, "USER_IS_BLOCKED", SCHAT_ERROR_CHAT_CLOSED);
  check_sends(400, "USER_DELETED", SCHAT_ERROR_CHAT_CLOSED);
  check_sends(400, "INPUT_USER_DEACTIVATED", SCHAT_ERROR_CHAT_CLOSED);
  check_sends(403, "USER_IS_BLOCKED", SCHAT_ERROR_CHAT_CLOSED);
  check_sends(403, "USER_DELETED", SCHAT_ERROR_CHAT_CLOSED);
  check_sends(403, "ANYTHING_ELSE", SCHAT_ERROR_CHAT_CLOSED);
  check_sends(403, NULL, SCHAT_ERROR_CHAT_CLOSED);
}

/* D-08: what is wrong with one message alone does not end the chat. */
static void a_refused_message_fails_alone(void **state) {
  (void)state;
  check_sends(400, "DATA_INVALID", SCHAT_ERROR_MESSAGE);
  check_sends(400, "DATA_TOO_LONG", SCHAT_ERROR_MESSAGE);
  check_sends(400, "FILE_EMTPY", SCHAT_ERROR_MESSAGE);
  check_sends(400, "MD5_CHECKSUM_INVALID", SCHAT_ERROR_MESSAGE);
  check_sends(400, "FILE_PART_7_MISSING", SCHAT_ERROR_MESSAGE);
  check_sends(400, "FILE_PARTS_INVALID", SCHAT_ERROR_MESSAGE);
  check_sends(400, "", SCHAT_ERROR_MESSAGE);
  check_sends(400, NULL, SCHAT_ERROR_MESSAGE);
  check_sends(406, "ANYTHING_ELSE", SCHAT_ERROR_MESSAGE);
  check_sends(400, "ENCRYPTION_DECLINED_", SCHAT_ERROR_MESSAGE);
  check_sends(400, "ENCRYPTION_DECLINE", SCHAT_ERROR_MESSAGE);
  check_sends(400, "CHAT_ID_INVALID2", SCHAT_ERROR_MESSAGE);
}

/* D-16, D-17: creating and accepting. */
static void creating_and_accepting_fail_as_the_table_says(void **state) {
  static const row rows[] = {
      {SCHAT_REQUEST_REQUEST_ENCRYPTION, 400, "DH_G_A_INVALID", SCHAT_ERROR_NEW_ID},
      {SCHAT_REQUEST_REQUEST_ENCRYPTION, 400, "RANDOM_ID_DUPLICATE", SCHAT_ERROR_NEW_ID},
      {SCHAT_REQUEST_REQUEST_ENCRYPTION, 500, "RANDOM_ID_DUPLICATE", SCHAT_ERROR_NEW_ID},
      {SCHAT_REQUEST_REQUEST_ENCRYPTION, 400, "USER_ID_INVALID", SCHAT_ERROR_CHAT_FAILED},
      {SCHAT_REQUEST_REQUEST_ENCRYPTION, 400, "INPUT_USER_DEACTIVATED", SCHAT_ERROR_CHAT_FAILED},
      {SCHAT_REQUEST_REQUEST_ENCRYPTION, 400, "USER_IS_BLOCKED", SCHAT_ERROR_CHAT_FAILED},
      {SCHAT_REQUEST_REQUEST_ENCRYPTION, 403, "USER_PRIVACY_RESTRICTED", SCHAT_ERROR_CHAT_FAILED},
      {SCHAT_REQUEST_REQUEST_ENCRYPTION, 406, "PRIVACY_PREMIUM_REQUIRED", SCHAT_ERROR_CHAT_FAILED},
      {SCHAT_REQUEST_ACCEPT_ENCRYPTION, 400, "CHAT_ID_INVALID", SCHAT_ERROR_CHAT_CLOSED},
      {SCHAT_REQUEST_ACCEPT_ENCRYPTION, 400, "ENCRYPTION_ALREADY_DECLINED", SCHAT_ERROR_CHAT_CLOSED},
      {SCHAT_REQUEST_ACCEPT_ENCRYPTION, 400, "ENCRYPTION_DECLINED", SCHAT_ERROR_CHAT_CLOSED},
      {SCHAT_REQUEST_ACCEPT_ENCRYPTION, 400, "ENCRYPTION_ALREADY_ACCEPTED", SCHAT_ERROR_ALREADY_ACCEPTED},
      {SCHAT_REQUEST_ACCEPT_ENCRYPTION, 500, "ENCRYPTION_OCCUPY_FAILED", SCHAT_ERROR_RETRY},
      {SCHAT_REQUEST_ACCEPT_ENCRYPTION, 400, "DH_G_B_INVALID", SCHAT_ERROR_CHAT_FAILED},
      {SCHAT_REQUEST_ACCEPT_ENCRYPTION, 403, "ANYTHING_ELSE", SCHAT_ERROR_CHAT_FAILED},
  };
  (void)state;
  check_rows(rows, sizeof rows / sizeof rows[0]);
}

/* R-LIFE-02, D-31, M6: what is left to do after the other methods fail. */
static void the_other_methods_fail_as_the_table_says(void **state) {
  static const row rows[] = {
      {SCHAT_REQUEST_DISCARD_ENCRYPTION, 400, "ENCRYPTION_ALREADY_DECLINED", SCHAT_ERROR_DONE},
      {SCHAT_REQUEST_DISCARD_ENCRYPTION, 400, "ENCRYPTION_ALREADY_ACCEPTED", SCHAT_ERROR_DONE},
      {SCHAT_REQUEST_DISCARD_ENCRYPTION, 500, "ENCRYPTION_ALREADY_DECLINED", SCHAT_ERROR_DONE},
      {SCHAT_REQUEST_DISCARD_ENCRYPTION, 400, "ENCRYPTION_ID_INVALID", SCHAT_ERROR_DONE},
      {SCHAT_REQUEST_DISCARD_ENCRYPTION, 400, "CHAT_ID_EMPTY", SCHAT_ERROR_DONE},
      {SCHAT_REQUEST_DISCARD_ENCRYPTION, 400, "ANYTHING_ELSE", SCHAT_ERROR_DONE},
      {SCHAT_REQUEST_DISCARD_ENCRYPTION, 403, "ANYTHING_ELSE", SCHAT_ERROR_DONE},
      {SCHAT_REQUEST_RECEIVED_QUEUE, 400, "MAX_QTS_INVALID", SCHAT_ERROR_STATE},
      {SCHAT_REQUEST_RECEIVED_QUEUE, 400, "ANYTHING_ELSE", SCHAT_ERROR_IGNORE},
      {SCHAT_REQUEST_READ_HISTORY, 400, "MAX_DATE_INVALID", SCHAT_ERROR_IGNORE},
      {SCHAT_REQUEST_READ_HISTORY, 400, "CHAT_ID_INVALID", SCHAT_ERROR_IGNORE},
      {SCHAT_REQUEST_READ_HISTORY, 400, "ENCRYPTION_DECLINED", SCHAT_ERROR_IGNORE},
      {SCHAT_REQUEST_SET_TYPING, 400, "CHAT_ID_INVALID", SCHAT_ERROR_IGNORE},
      {SCHAT_REQUEST_SET_TYPING, 403, "USER_IS_BLOCKED", SCHAT_ERROR_IGNORE},
      {SCHAT_REQUEST_REPORT_SPAM, 400, "CHAT_ID_INVALID", SCHAT_ERROR_IGNORE},
      {SCHAT_REQUEST_GET_DH_CONFIG, 400, "RANDOM_LENGTH_INVALID", SCHAT_ERROR_RETRY},
      {SCHAT_REQUEST_GET_DIFFERENCE, 400, "PERSISTENT_TIMESTAMP_INVALID", SCHAT_ERROR_RETRY},
      {SCHAT_REQUEST_GET_DIFFERENCE, 400, "MAX_QTS_INVALID", SCHAT_ERROR_RETRY},
  };
  (void)state;
  check_rows(rows, sizeof rows / sizeof rows[0]);
}

/* Hosts spell texts in their own way. */
static void case_does_not_matter(void **state) {
  (void)state;
  check_sends(400, "encryption_declined", SCHAT_ERROR_CHAT_CLOSED);
  check_sends(400, "Random_Id_Duplicate", SCHAT_ERROR_DONE);
  check(SCHAT_REQUEST_RECEIVED_QUEUE, 400, "max_qts_invalid", SCHAT_ERROR_STATE);
}

/* a text of any length is judged without harm; only its end in memory is its end. */
static void a_very_long_text_is_judged_too(void **state) {
  size_t size = 1u << 20;
  char *text = malloc(size + 1);
  (void)state;
  assert_non_null(text);
  memset(text, 'A', size);
  text[size] = 0;
  check_sends(400, text, SCHAT_ERROR_MESSAGE);
  check_seconds(420, text, 60);
  memcpy(text, "FLOOD_WAIT_", 11);
  memset(text + 11, '9', size - 11);
  check_seconds(420, text, 60);
  memset(text, '_', size);
  check_seconds(420, text, 60);
  free(text);
}

/* A number that is no request has no answer. */
static void an_unknown_request_is_an_invalid_argument(void **state) {
  static const int32_t types[] = {FIRST - 1, LAST + 1, -1, 31, 32, 33, INT32_MIN, INT32_MAX};
  int32_t seconds = 77;
  size_t i;
  (void)state;
  for (i = 0; i < sizeof types / sizeof types[0]; i++) {
    assert_int_equal(schat_error_classify(types[i], 420, "FLOOD_WAIT_1", &seconds), SCHAT_E_INVALID);
    assert_int_equal(seconds, 77);
  }
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(trouble_of_the_server_is_tried_again),
      cmocka_unit_test(only_a_lost_authorisation_ends_the_account),
      cmocka_unit_test(a_pause_has_the_seconds_of_its_text),
      cmocka_unit_test(a_pause_without_a_lawful_number_is_a_minute),
      cmocka_unit_test(a_broken_chain_is_sent_without_its_predecessor),
      cmocka_unit_test(a_repeated_random_id_is_success),
      cmocka_unit_test(a_send_learns_that_the_chat_is_closed),
      cmocka_unit_test(a_refused_message_fails_alone),
      cmocka_unit_test(creating_and_accepting_fail_as_the_table_says),
      cmocka_unit_test(the_other_methods_fail_as_the_table_says),
      cmocka_unit_test(case_does_not_matter),
      cmocka_unit_test(a_very_long_text_is_judged_too),
      cmocka_unit_test(an_unknown_request_is_an_invalid_argument),
  };
  return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
