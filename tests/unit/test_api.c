/* SPDX-License-Identifier: BSL-1.0
 * test_api.c - the bytes of Telegram's API, compared with the table of constructors by hand, and how broken ones are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "secretchat/secretchat.h"

#define BYTES_MAX 4096u

typedef struct {
  uint8_t data[BYTES_MAX];
  size_t size;
} buffer;

static uint8_t nibble(char c) {
  return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Hex, spaces between fields allowed. */
static buffer unhex(const char *hex) {
  buffer b = {{0}, 0};
  for (; *hex != 0; hex++) {
    if (*hex == ' ') continue;
    assert_true(b.size < BYTES_MAX);
    b.data[b.size++] = (uint8_t)(nibble(hex[0]) << 4 | nibble(hex[1]));
    hex++;
  }
  return b;
}

static schat_bytes bytes_of(const buffer *b) {
  schat_bytes s;
  s.data = b->data;
  s.size = b->size;
  return s;
}

static void assert_bytes(schat_bytes s, const char *hex) {
  buffer b = unhex(hex);
  assert_int_equal(s.size, b.size);
  assert_memory_equal(s.data, b.data, b.size);
}

/* Encoding ----------------------------------------------------------------------------------------------------------------- */

#define PEER "e1b541f1 04030201 1817161514131211 "
#define RANDOM_ID "2827262524232221 "
#define DATA "05 6162636465 0000 "

static schat_request request_of(int32_t type) {
  static const uint8_t data[] = {'a', 'b', 'c', 'd', 'e'};
  schat_request q;
  SCHAT_INIT(q);
  q.type = type;
  q.chat_id = 0x01020304;
  q.access_hash = INT64_C(0x1112131415161718);
  q.random_id = INT64_C(0x2122232425262728);
  q.data.data = data;
  q.data.size = sizeof data;
  return q;
}

/* What an encoder gives, called over no memory, over too little and over enough. */
static void check_request_of_user(const schat_request *q, int64_t hash, const char *hex) {
  buffer expected = unhex(hex);
  uint8_t out[BYTES_MAX];
  size_t size = 0;
  assert_int_equal(schat_api_encode_request(q, hash, NULL, 0, &size), SCHAT_E_BUFFER);
  assert_int_equal(size, expected.size);
  memset(out, 0xee, sizeof out);
  assert_int_equal(schat_api_encode_request(q, hash, out, size - 1, &size), SCHAT_E_BUFFER);
  assert_int_equal(size, expected.size);
  assert_int_equal(out[0], 0xee);
  assert_int_equal(schat_api_encode_request(q, hash, out, size, &size), SCHAT_OK);
  assert_int_equal(size, expected.size);
  assert_memory_equal(out, expected.data, size);
  assert_int_equal(out[size], 0xee);
}

static void check_request(const schat_request *q, const char *hex) {
  check_request_of_user(q, 0, hex);
}

static void assert_incomplete(const schat_request *q) {
  uint8_t out[64];
  size_t size = 99;
  assert_int_equal(schat_api_encode_request(q, 0, out, sizeof out, &size), SCHAT_E_INVALID);
  assert_int_equal(size, 99);
}

/* R-DH-01: getDhConfig. */
static void get_dh_config_is_encoded_as_in_the_table(void **state) {
  schat_request q = request_of(SCHAT_REQUEST_GET_DH_CONFIG);
  (void)state;
  q.version = 7;
  q.random_length = 256;
  check_request(&q, "5089cf26 07000000 00010000");
  q.version = -1;
  assert_incomplete(&q);
}

/* D-26: requestEncryption, whose id has any sign and is never 0. */
static void request_encryption_is_encoded_as_in_the_table(void **state) {
  schat_request q = request_of(SCHAT_REQUEST_REQUEST_ENCRYPTION);
  (void)state;
  q.user_id = INT64_C(0x123456789a);
  q.random_id = -2;
  check_request_of_user(&q, INT64_C(-3), "43af4df6 c65811f2 9a78563412000000 fdffffffffffffff feffffff " DATA);
  q.random_id = INT64_C(0x80000000);
  assert_incomplete(&q);
  q.random_id = -INT64_C(0x80000001);
  assert_incomplete(&q);
  q.random_id = 0;
  assert_incomplete(&q);
  q.random_id = 1;
  q.user_id = 0;
  assert_incomplete(&q);
}

/* D-14: acceptEncryption, with 256 bytes of g_b in the long form of strings. */
static void accept_encryption_is_encoded_as_in_the_table(void **state) {
  schat_request q = request_of(SCHAT_REQUEST_ACCEPT_ENCRYPTION);
  uint8_t g_b[256], out[512];
  buffer head = unhex("1504bc3d " PEER "fe000100"), tail = unhex("0807060504030201");
  size_t size, i;
  (void)state;
  q.key_fingerprint = INT64_C(0x0102030405060708);
  check_request(&q, "1504bc3d " PEER DATA "0807060504030201");
  for (i = 0; i < sizeof g_b; i++) g_b[i] = (uint8_t)(i ^ 0x5a);
  q.data.data = g_b;
  q.data.size = sizeof g_b;
  assert_int_equal(schat_api_encode_request(&q, 0, out, sizeof out, &size), SCHAT_OK);
  assert_int_equal(size, head.size + 256 + tail.size);
  assert_memory_equal(out, head.data, head.size);
  assert_memory_equal(out + head.size, g_b, 256);
  assert_memory_equal(out + head.size + 256, tail.data, tail.size);
  q.chat_id = 0;
  assert_incomplete(&q);
}

/* R-LIFE-02: discardEncryption names no access hash. */
static void discard_encryption_is_encoded_as_in_the_table(void **state) {
  schat_request q = request_of(SCHAT_REQUEST_DISCARD_ENCRYPTION);
  (void)state;
  q.chat_id = -2;
  check_request(&q, "a0ae93f3 00000000 feffffff");
  q.delete_history = 1;
  check_request(&q, "a0ae93f3 01000000 feffffff");
  q.chat_id = 0;
  assert_incomplete(&q);
}

/* R-SEQ-07, D-25: the three methods that send. */
static void sends_are_encoded_as_in_the_table(void **state) {
  schat_request q = request_of(SCHAT_REQUEST_SEND_ENCRYPTED);
  (void)state;
  check_request(&q, "157afa44 00000000 " PEER RANDOM_ID DATA);
  q.silent = 1;
  check_request(&q, "157afa44 01000000 " PEER RANDOM_ID DATA);
  q.type = SCHAT_REQUEST_SEND_SERVICE;
  check_request(&q, "a439d432 " PEER RANDOM_ID DATA);
  q.data.size = 0;
  assert_incomplete(&q);
  q = request_of(SCHAT_REQUEST_SEND_SERVICE);
  q.random_id = 0;
  assert_incomplete(&q);
  q = request_of(SCHAT_REQUEST_SEND_ENCRYPTED);
  q.data.data = NULL;
  assert_incomplete(&q);
  q = request_of(SCHAT_REQUEST_SEND_ENCRYPTED);
  q.chat_id = 0;
  assert_incomplete(&q);
}

/* D-25: sendEncryptedFile with each kind of input file. */
static void a_send_with_a_file_is_encoded_as_in_the_table(void **state) {
  schat_request q = request_of(SCHAT_REQUEST_SEND_ENCRYPTED_FILE);
  (void)state;
  assert_incomplete(&q);
  q.file.type = SCHAT_INPUT_FILE_UPLOADED;
  q.file.id = INT64_C(0x3132333435363738);
  q.file.parts = 2;
  q.file.key_fingerprint = -2;
  memcpy(q.file.md5_checksum, "00112233445566778899aabbccddeeff", 33);
  check_request(&q, "1d485955 00000000 " PEER RANDOM_ID DATA
                    "0603bd64 3837363534333231 02000000 20 "
                    "3030313132323333343435353636373738383939616162626363646465656666 000000 feffffff");
  q.file.md5_checksum[0] = 0;
  check_request(&q, "1d485955 00000000 " PEER RANDOM_ID DATA "0603bd64 3837363534333231 02000000 00000000 feffffff");
  q.silent = 1;
  q.file.type = SCHAT_INPUT_FILE_BIG;
  check_request(&q, "1d485955 01000000 " PEER RANDOM_ID DATA "c873c12d 3837363534333231 02000000 feffffff");
  q.file.type = SCHAT_INPUT_FILE_EXISTING;
  q.file.access_hash = 9;
  check_request(&q, "1d485955 01000000 " PEER RANDOM_ID DATA "e5b5175a 3837363534333231 0900000000000000");
  q.file.id = 0;
  assert_incomplete(&q);
  q.file.id = 1;
  q.file.type = 4;
  assert_incomplete(&q);
  q.file.type = SCHAT_INPUT_FILE_UPLOADED;
  memset(q.file.md5_checksum, 'a', sizeof q.file.md5_checksum);
  assert_incomplete(&q);
  q.file.type = SCHAT_INPUT_FILE_BIG;
  q.file.parts = 0;
  assert_incomplete(&q);
}

/* D-27, M6, D-31: the small methods. */
static void the_small_methods_are_encoded_as_in_the_table(void **state) {
  schat_request q = request_of(SCHAT_REQUEST_SET_TYPING);
  (void)state;
  q.typing = 1;
  check_request(&q, "ed511479 " PEER "b5757299");
  q.typing = 0;
  check_request(&q, "ed511479 " PEER "379779bc");
  q.type = SCHAT_REQUEST_READ_HISTORY;
  q.max_date = 0x60000001;
  check_request(&q, "0a694b7f " PEER "01000060");
  q.type = SCHAT_REQUEST_REPORT_SPAM;
  check_request(&q, "0f8c0c4b " PEER);
  q.type = SCHAT_REQUEST_RECEIVED_QUEUE;
  q.qts = 0x0a0b;
  check_request(&q, "66bba555 0b0a0000");
  q.qts = -1;
  assert_incomplete(&q);
}

/* R-Q-01: getDifference carries the host's pts. */
static void get_difference_is_encoded_as_in_the_table(void **state) {
  schat_request q = request_of(SCHAT_REQUEST_GET_DIFFERENCE);
  uint8_t out[64];
  size_t size;
  (void)state;
  q.qts = 5;
  q.date = 6;
  check_request(&q, "63f7c219 00000000 01000000 06000000 05000000");
  check_request_of_user(&q, 0x7fffffff, "63f7c219 00000000 ffffff7f 06000000 05000000");
  assert_int_equal(schat_api_encode_request(&q, INT64_C(0x80000000), out, sizeof out, &size), SCHAT_E_INVALID);
  assert_int_equal(schat_api_encode_request(&q, -1, out, sizeof out, &size), SCHAT_E_INVALID);
  q.qts = -1;
  assert_incomplete(&q);
}

/* the length of a string takes its shortest form, and zeros fill it to four bytes. */
static void strings_of_every_length_have_the_shortest_form(void **state) {
  schat_request q = request_of(SCHAT_REQUEST_SEND_SERVICE);
  uint8_t data[600], out[700];
  size_t n, size, head, i;
  (void)state;
  memset(data, 0xab, sizeof data);
  q.data.data = data;
  for (n = 1; n <= sizeof data; n++) {
    q.data.size = n;
    memset(out, 0xee, sizeof out);
    assert_int_equal(schat_api_encode_request(&q, 0, out, sizeof out, &size), SCHAT_OK);
    head = n < 254 ? 1 : 4;
    assert_int_equal(size, 28 + (head + n + 3) / 4 * 4);
    assert_int_equal(out[28], n < 254 ? n : 254);
    if (n >= 254) assert_int_equal(out[29] | out[30] << 8 | out[31] << 16, n);
    assert_memory_equal(out + 28 + head, data, n);
    for (i = 28 + head + n; i < size; i++) assert_int_equal(out[i], 0);
  }
}

/* a string that TL cannot hold is refused. */
static void a_string_over_its_limit_is_refused(void **state) {
  schat_request q = request_of(SCHAT_REQUEST_SEND_SERVICE);
  uint8_t *data = calloc(1, 0x1000000);
  size_t size;
  (void)state;
  assert_non_null(data);
  q.data.data = data;
  q.data.size = 0xffffff;
  assert_int_equal(schat_api_encode_request(&q, 0, NULL, 0, &size), SCHAT_E_BUFFER);
  assert_int_equal(size, 28 + 4 + 0x1000000);
  q.data.size = 0x1000000;
  assert_int_equal(schat_api_encode_request(&q, 0, NULL, 0, &size), SCHAT_E_INVALID);
  free(data);
}

/* Arguments that are no request. */
static void what_is_no_request_is_refused(void **state) {
  schat_request q = request_of(SCHAT_REQUEST_REPORT_SPAM);
  uint8_t out[64];
  size_t size;
  (void)state;
  assert_int_equal(schat_api_encode_request(NULL, 0, out, sizeof out, &size), SCHAT_E_INVALID);
  assert_int_equal(schat_api_encode_request(&q, 0, out, sizeof out, NULL), SCHAT_E_INVALID);
  q.size--;
  assert_int_equal(schat_api_encode_request(&q, 0, out, sizeof out, &size), SCHAT_E_ABI);
  q = request_of(0);
  assert_incomplete(&q);
  q = request_of(SCHAT_REQUEST_GET_DIFFERENCE + 1);
  assert_incomplete(&q);
  q = request_of(INT32_MIN);
  assert_incomplete(&q);
}

/* D-25: every request has the name of its method. */
static void every_request_has_its_method(void **state) {
  static const char *const names[] = {"messages.getDhConfig",          "messages.requestEncryption",   "messages.acceptEncryption",
                                      "messages.discardEncryption",    "messages.sendEncrypted",       "messages.sendEncryptedFile",
                                      "messages.sendEncryptedService", "messages.setEncryptedTyping",  "messages.readEncryptedHistory",
                                      "messages.receivedQueue",        "messages.reportEncryptedSpam", "updates.getDifference"};
  int32_t i;
  (void)state;
  for (i = 0; i < 12; i++) assert_string_equal(schat_api_method_name(SCHAT_REQUEST_GET_DH_CONFIG + i), names[i]);
  assert_null(schat_api_method_name(0));
  assert_null(schat_api_method_name(13));
  assert_null(schat_api_method_name(-1));
}

/* D-30: the methods that move files. */
static void the_methods_for_files_are_encoded_as_in_the_table(void **state) {
  buffer part = unhex("616263"), b = {{0}, 0};
  schat_encrypted_file file = {0};
  schat_input_file in = {0};
  (void)state;
  assert_int_equal(schat_api_encode_save_file_part(5, 1, 0, 0, bytes_of(&part), b.data, BYTES_MAX, &b.size), SCHAT_OK);
  assert_bytes(bytes_of(&b), "21a604b3 0500000000000000 01000000 03616263");
  assert_int_equal(schat_api_encode_save_file_part(5, 1, 3, 1, bytes_of(&part), b.data, BYTES_MAX, &b.size), SCHAT_OK);
  assert_bytes(bytes_of(&b), "3d677bde 0500000000000000 01000000 03000000 03616263");
  in.type = SCHAT_INPUT_FILE_BIG;
  in.id = 5;
  in.parts = 3;
  in.key_fingerprint = 0x01020304;
  assert_int_equal(schat_api_encode_upload_encrypted_file(-2, 7, &in, b.data, BYTES_MAX, &b.size), SCHAT_OK);
  assert_bytes(bytes_of(&b), "97c45750 e1b541f1 feffffff 0700000000000000 c873c12d 0500000000000000 03000000 04030201");
  file.id = 8;
  file.access_hash = 9;
  assert_int_equal(schat_api_encode_get_file(&file, INT64_C(0x100000000), 1048576, b.data, BYTES_MAX, &b.size), SCHAT_OK);
  assert_bytes(bytes_of(&b), "be3553be 00000000 555d23f5 0800000000000000 0900000000000000 0000000001000000 00001000");
}

/* Arguments of them that make no sense, and buffers too small. */
static void the_methods_for_files_refuse_what_makes_no_sense(void **state) {
  buffer part = unhex("616263"), b = {{0}, 0};
  schat_encrypted_file file = {0};
  schat_input_file in = {0};
  schat_bytes s = bytes_of(&part), big = {part.data, 524289}, none = {NULL, 0};
  (void)state;
  assert_int_equal(schat_api_encode_save_file_part(0, 1, 3, 1, s, b.data, BYTES_MAX, &b.size), SCHAT_E_INVALID);
  assert_int_equal(schat_api_encode_save_file_part(5, -1, 3, 1, s, b.data, BYTES_MAX, &b.size), SCHAT_E_INVALID);
  assert_int_equal(schat_api_encode_save_file_part(5, 3, 3, 1, s, b.data, BYTES_MAX, &b.size), SCHAT_E_INVALID);
  assert_int_equal(schat_api_encode_save_file_part(5, 0, 3, 1, none, b.data, BYTES_MAX, &b.size), SCHAT_E_INVALID);
  assert_int_equal(schat_api_encode_save_file_part(5, 0, 3, 1, big, b.data, BYTES_MAX, &b.size), SCHAT_E_INVALID);
  assert_int_equal(schat_api_encode_save_file_part(5, 1, 3, 1, s, b.data, 23, &b.size), SCHAT_E_BUFFER);
  assert_int_equal(b.size, 24);
  assert_int_equal(schat_api_encode_upload_encrypted_file(1, 7, &in, b.data, BYTES_MAX, &b.size), SCHAT_E_INVALID);
  assert_int_equal(schat_api_encode_upload_encrypted_file(1, 7, NULL, b.data, BYTES_MAX, &b.size), SCHAT_E_INVALID);
  assert_int_equal(schat_api_encode_get_file(&file, 0, 4096, b.data, BYTES_MAX, &b.size), SCHAT_E_INVALID);
  file.id = 1;
  assert_int_equal(schat_api_encode_get_file(&file, -1, 4096, b.data, BYTES_MAX, &b.size), SCHAT_E_INVALID);
  assert_int_equal(schat_api_encode_get_file(&file, 0, 0, b.data, BYTES_MAX, &b.size), SCHAT_E_INVALID);
  assert_int_equal(schat_api_encode_get_file(&file, 0, 1048577, b.data, BYTES_MAX, &b.size), SCHAT_E_INVALID);
  assert_int_equal(schat_api_encode_get_file(NULL, 0, 4096, b.data, BYTES_MAX, &b.size), SCHAT_E_INVALID);
}

/* R-Q-01, R-Q-03: state and authorisation. */
static void state_and_authorisation_are_encoded_as_in_the_table(void **state) {
  buffer b = {{0}, 0};
  (void)state;
  assert_int_equal(schat_api_encode_get_state(b.data, BYTES_MAX, &b.size), SCHAT_OK);
  assert_bytes(bytes_of(&b), "2a88d4ed");
  assert_int_equal(schat_api_encode_accept_requests(-2, 1, b.data, BYTES_MAX, &b.size), SCHAT_OK);
  assert_bytes(bytes_of(&b), "6284f440 01000000 feffffffffffffff 379779bc");
  assert_int_equal(schat_api_encode_accept_requests(-2, 0, b.data, BYTES_MAX, &b.size), SCHAT_OK);
  assert_bytes(bytes_of(&b), "6284f440 01000000 feffffffffffffff b5757299");
  assert_int_equal(schat_api_encode_get_state(b.data, 3, &b.size), SCHAT_E_BUFFER);
  assert_int_equal(schat_api_encode_get_state(b.data, 4, NULL), SCHAT_E_INVALID);
}

/* Decoding ----------------------------------------------------------------------------------------------------------------- */

#define CHAT_HEAD "feffffff 1817161514131211 01000060 0102030405000000 0600000000000000 "
#define CHAT_EMPTY "a0c07eab feffffff "
#define CHAT_WAITING "5359b266 " CHAT_HEAD
#define CHAT_REQUESTED "4cd9f148 00000000 " CHAT_HEAD "03616263 "
#define CHAT_IN_FOLDER "4cd9f148 01000000 09000000 " CHAT_HEAD "03616263 "
#define CHAT_OPEN "c7d4f061 " CHAT_HEAD "03616263 0807060504030281 "
#define CHAT_DISCARDED "457c1c1e 00000000 feffffff "
#define CHAT_DELETED "457c1c1e 01000000 feffffff "
#define FILE_NONE "7e491fc2 "
#define FILE_FULL "d88c00a8 0100000000000000 0200000000000000 0000000001000000 04000000 ffffffff "
#define MESSAGE_HEAD "2827262524232221 feffffff 01000060 05 6162636465 0000 "
#define MESSAGE_PLAIN "18c118ed " MESSAGE_HEAD FILE_NONE
#define MESSAGE_FILE "18c118ed " MESSAGE_HEAD FILE_FULL
#define MESSAGE_SERVICE "064b7323 " MESSAGE_HEAD
#define UPDATE_MESSAGE "9abdbc12 " MESSAGE_FILE "2a000000 "
#define UPDATE_CHAT "8de8a2b4 " CHAT_OPEN "02000060 "
#define UPDATE_READ "b725fe38 feffffff 01000060 02000060 "
#define UPDATE_TYPING "56f11017 feffffff "
#define VECTOR "15c4b51c "
#define NONE VECTOR "00000000 "
#define STATE "3e2a6ca5 01000000 2b000000 03000060 04000000 05000000 "
#define DIFFERENCE_BODY                                       \
  NONE VECTOR "02000000 " MESSAGE_FILE MESSAGE_SERVICE VECTOR \
              "04000000 " UPDATE_CHAT UPDATE_READ UPDATE_MESSAGE UPDATE_TYPING NONE NONE STATE
#define DIFFERENCE "a09cf400 " DIFFERENCE_BODY
#define DIFFERENCE_SLICE "8119fba8 " DIFFERENCE_BODY
#define DIFFERENCE_EMPTY "38a1755d 03000060 04000000 "
#define DIFFERENCE_TOO_LONG "6d8ffe4a 01000000 "
#define DH_CONFIG "dd1e222c 03000000 03c71cae 07000000 04010203 04000000 "
#define DH_NOT_MODIFIED "3546e2c0 03010203 "
#define SENT "35890f56 01000060 "
#define SENT_FILE "32ff9394 01000060 " FILE_FULL
#define QUEUE VECTOR "02000000 0100000000000000 ffffffffffffffff "
#define UPLOAD_FILE "d5186a09 0efe7e00 01000060 03616263 "

static schat_chat_update chat_of(const buffer *b) {
  schat_chat_update chat;
  SCHAT_INIT(chat);
  assert_int_equal(schat_api_decode_chat(bytes_of(b), &chat), SCHAT_OK);
  assert_int_equal(chat.size, sizeof chat);
  assert_int_equal(chat.chat_id, -2);
  return chat;
}

static void assert_chat_head(const schat_chat_update *chat) {
  assert_int_equal(chat->access_hash, INT64_C(0x1112131415161718));
  assert_int_equal(chat->date, 0x60000001);
  assert_int_equal(chat->admin_id, INT64_C(0x504030201));
  assert_int_equal(chat->participant_id, 6);
}

/* every state of a chat is read with all that identifies it. */
static void every_state_of_a_chat_is_read(void **state) {
  buffer empty = unhex(CHAT_EMPTY), waiting = unhex(CHAT_WAITING), requested = unhex(CHAT_REQUESTED), folder = unhex(CHAT_IN_FOLDER);
  buffer open = unhex(CHAT_OPEN), discarded = unhex(CHAT_DISCARDED), deleted = unhex(CHAT_DELETED);
  schat_chat_update chat = chat_of(&empty);
  (void)state;
  assert_int_equal(chat.type, SCHAT_CHAT_UPDATE_EMPTY);
  chat = chat_of(&waiting);
  assert_int_equal(chat.type, SCHAT_CHAT_UPDATE_WAITING);
  assert_chat_head(&chat);
  chat = chat_of(&requested);
  assert_int_equal(chat.type, SCHAT_CHAT_UPDATE_REQUESTED);
  assert_int_equal(chat.folder_id, 0);
  assert_chat_head(&chat);
  assert_bytes(chat.g_a, "616263");
  chat = chat_of(&folder);
  assert_int_equal(chat.folder_id, 9);
  assert_chat_head(&chat);
  chat = chat_of(&open);
  assert_int_equal(chat.type, SCHAT_CHAT_UPDATE_CHAT);
  assert_chat_head(&chat);
  assert_bytes(chat.g_a, "616263");
  assert_int_equal(chat.key_fingerprint, (int64_t)UINT64_C(0x8102030405060708));
  chat = chat_of(&discarded);
  assert_int_equal(chat.type, SCHAT_CHAT_UPDATE_DISCARDED);
  assert_int_equal(chat.history_deleted, 0);
  chat = chat_of(&deleted);
  assert_int_equal(chat.history_deleted, 1);
}

static void assert_file(const schat_encrypted_file *file) {
  assert_int_equal(file->id, 1);
  assert_int_equal(file->access_hash, 2);
  assert_int_equal(file->size, INT64_C(0x100000000));
  assert_int_equal(file->dc_id, 4);
  assert_int_equal(file->key_fingerprint, -1);
}

static void assert_message(const schat_encrypted_message *m, int service) {
  assert_int_equal(m->size, sizeof *m);
  assert_int_equal(m->random_id, INT64_C(0x2122232425262728));
  assert_int_equal(m->chat_id, -2);
  assert_int_equal(m->date, 0x60000001);
  assert_bytes(m->bytes, "6162636465");
  assert_int_equal(m->service, service);
}

/* messages and files are read. */
static void messages_and_files_are_read(void **state) {
  buffer plain = unhex(MESSAGE_PLAIN), with_file = unhex(MESSAGE_FILE), service = unhex(MESSAGE_SERVICE);
  buffer none = unhex(FILE_NONE), full = unhex(FILE_FULL);
  schat_encrypted_message m;
  schat_encrypted_file file;
  (void)state;
  SCHAT_INIT(m);
  assert_int_equal(schat_api_decode_message(bytes_of(&plain), &m), SCHAT_OK);
  assert_message(&m, 0);
  assert_int_equal(m.file.id, 0);
  assert_int_equal(schat_api_decode_message(bytes_of(&with_file), &m), SCHAT_OK);
  assert_message(&m, 0);
  assert_file(&m.file);
  assert_int_equal(schat_api_decode_message(bytes_of(&service), &m), SCHAT_OK);
  assert_message(&m, 1);
  assert_int_equal(m.file.id, 0);
  assert_int_equal(schat_api_decode_file(bytes_of(&full), &file), SCHAT_OK);
  assert_file(&file);
  assert_int_equal(schat_api_decode_file(bytes_of(&none), &file), SCHAT_OK);
  assert_int_equal(file.id, 0);
}

static schat_update update_of(const buffer *b) {
  schat_update u;
  SCHAT_INIT(u);
  assert_int_equal(schat_api_decode_update(bytes_of(b), &u), SCHAT_OK);
  assert_int_equal(u.size, sizeof u);
  assert_int_equal(u.chat_id, -2);
  return u;
}

/* R-Q-01, D-17: the four updates are read, and others left to the host. */
static void the_four_updates_are_read_and_no_other(void **state) {
  buffer message = unhex(UPDATE_MESSAGE), chat = unhex(UPDATE_CHAT), read = unhex(UPDATE_READ), typing = unhex(UPDATE_TYPING);
  buffer other = unhex("b5757299 00000000");
  schat_update u = update_of(&message);
  (void)state;
  assert_int_equal(u.type, SCHAT_UPDATE_MESSAGE);
  assert_int_equal(u.qts, 42);
  assert_message(&u.message, 0);
  assert_file(&u.message.file);
  u = update_of(&chat);
  assert_int_equal(u.type, SCHAT_UPDATE_CHAT);
  assert_int_equal(u.date, 0x60000002);
  assert_int_equal(u.chat.type, SCHAT_CHAT_UPDATE_CHAT);
  assert_chat_head(&u.chat);
  u = update_of(&read);
  assert_int_equal(u.type, SCHAT_UPDATE_READ);
  assert_int_equal(u.max_date, 0x60000001);
  assert_int_equal(u.date, 0x60000002);
  u = update_of(&typing);
  assert_int_equal(u.type, SCHAT_UPDATE_TYPING);
  assert_int_equal(schat_api_decode_update(bytes_of(&other), &u), SCHAT_IGNORED);
  assert_int_equal(u.type, SCHAT_UPDATE_TYPING);
}

static int answer_of(int32_t type, const buffer *b, schat_answer *answer) {
  SCHAT_INIT(*answer);
  return schat_api_decode_answer(type, bytes_of(b), answer);
}

/* R-DH-01: both answers to getDhConfig. */
static void both_answers_to_get_dh_config_are_read(void **state) {
  buffer config = unhex(DH_CONFIG), same = unhex(DH_NOT_MODIFIED);
  schat_answer a;
  (void)state;
  assert_int_equal(answer_of(SCHAT_REQUEST_GET_DH_CONFIG, &config, &a), SCHAT_OK);
  assert_int_equal(a.size, sizeof a);
  assert_int_equal(a.type, SCHAT_ANSWER_DH_CONFIG);
  assert_int_equal(a.g, 3);
  assert_int_equal(a.version, 7);
  assert_bytes(a.p, "c71cae");
  assert_bytes(a.random, "01020304");
  assert_int_equal(answer_of(SCHAT_REQUEST_GET_DH_CONFIG, &same, &a), SCHAT_OK);
  assert_int_equal(a.type, SCHAT_ANSWER_DH_NOT_MODIFIED);
  assert_bytes(a.random, "010203");
}

/* R-SEQ-07: the answers to sends. */
static void the_answers_to_sends_are_read(void **state) {
  buffer sent = unhex(SENT), with_file = unhex(SENT_FILE);
  int32_t type;
  schat_answer a;
  (void)state;
  for (type = SCHAT_REQUEST_SEND_ENCRYPTED; type <= SCHAT_REQUEST_SEND_SERVICE; type++) {
    assert_int_equal(answer_of(type, &sent, &a), SCHAT_OK);
    assert_int_equal(a.type, SCHAT_ANSWER_SENT);
    assert_int_equal(a.date, 0x60000001);
    assert_int_equal(answer_of(type, &with_file, &a), SCHAT_OK);
    assert_int_equal(a.type, SCHAT_ANSWER_SENT_FILE);
    assert_int_equal(a.date, 0x60000001);
    assert_file(&a.file);
  }
}

/* the other answers; each request takes its own alone. */
static void every_request_takes_its_own_answer_alone(void **state) {
  static const char *const answers[] = {DH_CONFIG, CHAT_WAITING, CHAT_OPEN, "b5757299", "379779bc", SENT, QUEUE, NONE};
  static const uint32_t lawful[] = {0,       1u << 0, 1u << 1 | 1u << 2, 1u << 1 | 1u << 2, 1u << 3 | 1u << 4, 1u << 5,
                                    1u << 5, 1u << 5, 1u << 3 | 1u << 4, 1u << 3 | 1u << 4, 1u << 6 | 1u << 7, 1u << 3 | 1u << 4};
  size_t type, i;
  schat_answer a;
  (void)state;
  for (type = 1; type < sizeof lawful / sizeof lawful[0]; type++) {
    for (i = 0; i < sizeof answers / sizeof answers[0]; i++) {
      buffer b = unhex(answers[i]);
      int expected = (lawful[type] >> i & 1) != 0 ? SCHAT_OK : SCHAT_E_MALFORMED;
      assert_int_equal(answer_of((int32_t)type, &b, &a), expected);
      if (expected == SCHAT_OK && i >= 6) assert_int_equal(a.type, SCHAT_ANSWER_DONE);
      if (expected == SCHAT_OK && (i == 3 || i == 4)) assert_int_equal(a.type, SCHAT_ANSWER_DONE);
      if (expected == SCHAT_OK && (i == 1 || i == 2)) assert_int_equal(a.type, SCHAT_ANSWER_CHAT);
      if (expected == SCHAT_OK && (i == 1 || i == 2)) assert_chat_head(&a.chat);
    }
  }
}

/* The functions say when they are called wrongly. */
static void decoders_refuse_wrong_arguments(void **state) {
  buffer b = unhex(CHAT_EMPTY);
  schat_answer a;
  schat_chat_update chat;
  schat_encrypted_message m;
  schat_update u;
  (void)state;
  assert_int_equal(answer_of(SCHAT_REQUEST_GET_DIFFERENCE, &b, &a), SCHAT_E_INVALID);
  assert_int_equal(answer_of(0, &b, &a), SCHAT_E_INVALID);
  assert_int_equal(answer_of(13, &b, &a), SCHAT_E_INVALID);
  memset(&a, 0, sizeof a);
  memset(&chat, 0, sizeof chat);
  memset(&m, 0, sizeof m);
  memset(&u, 0, sizeof u);
  assert_int_equal(schat_api_decode_answer(SCHAT_REQUEST_REQUEST_ENCRYPTION, bytes_of(&b), &a), SCHAT_E_ABI);
  assert_int_equal(schat_api_decode_chat(bytes_of(&b), &chat), SCHAT_E_ABI);
  assert_int_equal(schat_api_decode_message(bytes_of(&b), &m), SCHAT_E_ABI);
  assert_int_equal(schat_api_decode_update(bytes_of(&b), &u), SCHAT_E_ABI);
  assert_int_equal(schat_api_decode_answer(SCHAT_REQUEST_REQUEST_ENCRYPTION, bytes_of(&b), NULL), SCHAT_E_INVALID);
  assert_int_equal(schat_api_decode_chat(bytes_of(&b), NULL), SCHAT_E_INVALID);
  assert_int_equal(schat_api_decode_file(bytes_of(&b), NULL), SCHAT_E_INVALID);
  assert_int_equal(schat_api_decode_message(bytes_of(&b), NULL), SCHAT_E_INVALID);
  assert_int_equal(schat_api_decode_update(bytes_of(&b), NULL), SCHAT_E_INVALID);
  assert_int_equal(schat_api_decode_file_part(bytes_of(&b), NULL), SCHAT_E_INVALID);
}

/* R-Q-01: updates.State. */
static void the_servers_state_is_read(void **state) {
  buffer b = unhex(STATE);
  int32_t pts = 0, qts = 0, date = 0, seq = 0;
  (void)state;
  assert_int_equal(schat_api_decode_state(bytes_of(&b), &pts, &qts, &date, &seq), SCHAT_OK);
  assert_int_equal(pts, 1);
  assert_int_equal(qts, 43);
  assert_int_equal(date, 0x60000003);
  assert_int_equal(seq, 4);
  assert_int_equal(schat_api_decode_state(bytes_of(&b), NULL, &qts, &date, &seq), SCHAT_E_INVALID);
  assert_int_equal(schat_api_decode_state(bytes_of(&b), &pts, NULL, &date, &seq), SCHAT_E_INVALID);
  assert_int_equal(schat_api_decode_state(bytes_of(&b), &pts, &qts, NULL, &seq), SCHAT_E_INVALID);
  assert_int_equal(schat_api_decode_state(bytes_of(&b), &pts, &qts, &date, NULL), SCHAT_E_INVALID);
}

/* upload.file of every storage.FileType; a redirection to a CDN is not one. */
static void parts_of_files_are_read(void **state) {
  static const char *const types[] = {"053b96aa", "526fbc40", "0efe7e00", "dfaae1ca", "c0634f0a",
                                      "8d501eae", "77068a52", "bceb094b", "e4a0ceb3", "4c468110"};
  buffer b = unhex(UPLOAD_FILE), cdn = unhex("44da8cf1 00000000 00000000 00000000 00000000 " VECTOR "00000000");
  buffer unknown = unhex("d5186a09 0efe7e01 01000060 03616263");
  size_t i;
  schat_bytes bytes;
  (void)state;
  for (i = 0; i < sizeof types / sizeof types[0]; i++) {
    buffer type = unhex(types[i]);
    memcpy(b.data + 4, type.data, 4);
    memset(&bytes, 0, sizeof bytes);
    assert_int_equal(schat_api_decode_file_part(bytes_of(&b), &bytes), SCHAT_OK);
    assert_bytes(bytes, "616263");
  }
  assert_int_equal(schat_api_decode_file_part(bytes_of(&cdn), &bytes), SCHAT_E_MALFORMED);
  assert_int_equal(schat_api_decode_file_part(bytes_of(&unknown), &bytes), SCHAT_E_MALFORMED);
}

/* Differences -------------------------------------------------------------------------------------------------------------- */

typedef struct {
  schat_chat_update chats[4];
  schat_encrypted_message messages[4];
  schat_difference difference;
  int32_t more;
} differences;

static int difference_of(const buffer *b, differences *d) {
  memset(d, 0, sizeof *d);
  SCHAT_INIT(d->difference);
  d->more = -1;
  return schat_api_decode_difference(bytes_of(b), d->chats, 4, d->messages, 4, &d->difference, &d->more);
}

static void check_full(const char *hex, int32_t more) {
  buffer b = unhex(hex);
  differences d;
  assert_int_equal(difference_of(&b, &d), SCHAT_OK);
  assert_int_equal(d.more, more);
  assert_int_equal(d.difference.qts, 43);
  assert_int_equal(d.difference.date, 0x60000003);
  assert_int_equal(d.difference.chat_count, 1);
  assert_ptr_equal(d.difference.chats, d.chats);
  assert_chat_head(&d.chats[0]);
  assert_int_equal(d.difference.message_count, 3);
  assert_ptr_equal(d.difference.messages, d.messages);
  assert_message(&d.messages[0], 0);
  assert_message(&d.messages[1], 1);
  assert_message(&d.messages[2], 0);
}

/* R-Q-01: a difference of secret chats is read whole; messages among the updates count, reading and typing do not. */
static void a_difference_is_read_whole(void **state) {
  (void)state;
  check_full(DIFFERENCE, 0);
  check_full(DIFFERENCE_SLICE, 1);
}

/* R-Q-01: the two kinds without content. */
static void a_difference_without_content_is_read(void **state) {
  buffer empty = unhex(DIFFERENCE_EMPTY), too_long = unhex(DIFFERENCE_TOO_LONG);
  differences d;
  (void)state;
  assert_int_equal(difference_of(&empty, &d), SCHAT_OK);
  assert_int_equal(d.more, 0);
  assert_int_equal(d.difference.date, 0x60000003);
  assert_int_equal(d.difference.qts, 0);
  assert_int_equal(d.difference.message_count + d.difference.chat_count, 0);
  assert_int_equal(difference_of(&too_long, &d), SCHAT_OK);
  assert_int_equal(d.more, 2);
  assert_int_equal(d.difference.date, 0);
  assert_int_equal(d.difference.qts, 0);
}

/* The host's own parser is needed where cloud objects stand. */
static void a_difference_with_cloud_objects_is_left_to_the_host(void **state) {
  static const char *const foreign[] = {
      "a09cf400 " VECTOR "01000000 78563412 " NONE NONE NONE NONE STATE,
      "a09cf400 " NONE NONE VECTOR "01000000 78563412 " NONE NONE STATE,
      "a09cf400 " NONE NONE VECTOR "02000000 " UPDATE_TYPING "78563412 " NONE NONE STATE,
      "a09cf400 " NONE NONE NONE VECTOR "01000000 78563412 " NONE STATE,
      "8119fba8 " NONE NONE NONE NONE VECTOR "01000000 78563412 " STATE,
  };
  size_t i;
  differences d;
  (void)state;
  for (i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
    buffer b = unhex(foreign[i]);
    assert_int_equal(difference_of(&b, &d), SCHAT_E_UNSUPPORTED);
    assert_int_equal(d.more, -1);
    assert_int_equal(d.difference.qts, 0);
  }
}

/* Too little room writes what is needed, and nothing else. */
static void a_difference_says_what_room_it_needs(void **state) {
  buffer b = unhex(DIFFERENCE);
  schat_chat_update chat;
  schat_encrypted_message messages[3];
  schat_difference d;
  int32_t more = -1;
  (void)state;
  SCHAT_INIT(d);
  memset(messages, 0xee, sizeof messages);
  assert_int_equal(schat_api_decode_difference(bytes_of(&b), NULL, 0, NULL, 0, &d, &more), SCHAT_E_BUFFER);
  assert_int_equal(d.chat_count, 1);
  assert_int_equal(d.message_count, 3);
  assert_int_equal(schat_api_decode_difference(bytes_of(&b), &chat, 1, messages, 2, &d, &more), SCHAT_E_BUFFER);
  assert_int_equal(messages[0].chat_id, (int32_t)0xeeeeeeee);
  assert_int_equal(schat_api_decode_difference(bytes_of(&b), &chat, 0, messages, 3, &d, &more), SCHAT_E_BUFFER);
  assert_int_equal(d.qts, 0);
  assert_int_equal(more, -1);
  assert_int_equal(schat_api_decode_difference(bytes_of(&b), &chat, 1, messages, 3, &d, &more), SCHAT_OK);
  assert_int_equal(schat_api_decode_difference(bytes_of(&b), NULL, 1, messages, 3, &d, &more), SCHAT_E_INVALID);
  assert_int_equal(schat_api_decode_difference(bytes_of(&b), &chat, 1, NULL, 3, &d, &more), SCHAT_E_INVALID);
  assert_int_equal(schat_api_decode_difference(bytes_of(&b), &chat, 1, messages, 3, NULL, &more), SCHAT_E_INVALID);
  assert_int_equal(schat_api_decode_difference(bytes_of(&b), &chat, 1, messages, 3, &d, NULL), SCHAT_E_INVALID);
  d.size = 0;
  assert_int_equal(schat_api_decode_difference(bytes_of(&b), &chat, 1, messages, 3, &d, &more), SCHAT_E_ABI);
}

/* Hostile bytes ------------------------------------------------------------------------------------------------------------ */

/* One decoder over any bytes. What it gives is flattened, so that results can be compared. */
typedef int (*decode_fn)(schat_bytes tl, buffer *out);

static void put(buffer *out, const void *data, size_t size) {
  assert_true(out->size + size <= BYTES_MAX);
  if (size != 0) memcpy(out->data + out->size, data, size);
  out->size += size;
}

static void put_bytes(buffer *out, schat_bytes s) {
  put(out, &s.size, sizeof s.size);
  put(out, s.data, s.size);
}

static void put_file(buffer *out, const schat_encrypted_file *f) {
  put(out, &f->id, sizeof f->id);
  put(out, &f->access_hash, sizeof f->access_hash);
  put(out, &f->size, sizeof f->size);
  put(out, &f->dc_id, sizeof f->dc_id);
  put(out, &f->key_fingerprint, sizeof f->key_fingerprint);
}

static void put_chat(buffer *out, const schat_chat_update *c) {
  put(out, &c->type, sizeof c->type);
  put(out, &c->chat_id, sizeof c->chat_id);
  put(out, &c->access_hash, sizeof c->access_hash);
  put(out, &c->date, sizeof c->date);
  put(out, &c->folder_id, sizeof c->folder_id);
  put(out, &c->admin_id, sizeof c->admin_id);
  put(out, &c->participant_id, sizeof c->participant_id);
  put_bytes(out, c->g_a);
  put(out, &c->key_fingerprint, sizeof c->key_fingerprint);
  put(out, &c->history_deleted, sizeof c->history_deleted);
}

static void put_message(buffer *out, const schat_encrypted_message *m) {
  put(out, &m->chat_id, sizeof m->chat_id);
  put(out, &m->date, sizeof m->date);
  put(out, &m->random_id, sizeof m->random_id);
  put_bytes(out, m->bytes);
  put_file(out, &m->file);
  put(out, &m->service, sizeof m->service);
}

static int flat_chat(schat_bytes tl, buffer *out) {
  schat_chat_update c;
  int status;
  SCHAT_INIT(c);
  status = schat_api_decode_chat(tl, &c);
  put_chat(out, &c);
  return status;
}

static int flat_file(schat_bytes tl, buffer *out) {
  schat_encrypted_file f = {0};
  int status = schat_api_decode_file(tl, &f);
  put_file(out, &f);
  return status;
}

static int flat_message(schat_bytes tl, buffer *out) {
  schat_encrypted_message m;
  int status;
  SCHAT_INIT(m);
  status = schat_api_decode_message(tl, &m);
  put_message(out, &m);
  return status;
}

static int flat_update(schat_bytes tl, buffer *out) {
  schat_update u;
  int status;
  SCHAT_INIT(u);
  status = schat_api_decode_update(tl, &u);
  put(out, &u.type, sizeof u.type);
  put(out, &u.chat_id, sizeof u.chat_id);
  put(out, &u.qts, sizeof u.qts);
  put(out, &u.date, sizeof u.date);
  put(out, &u.max_date, sizeof u.max_date);
  put_message(out, &u.message);
  put_chat(out, &u.chat);
  return status;
}

static int flat_answer(int32_t type, schat_bytes tl, buffer *out) {
  schat_answer a;
  int status;
  SCHAT_INIT(a);
  status = schat_api_decode_answer(type, tl, &a);
  put(out, &a.type, sizeof a.type);
  put(out, &a.g, sizeof a.g);
  put(out, &a.version, sizeof a.version);
  put(out, &a.date, sizeof a.date);
  put_bytes(out, a.p);
  put_bytes(out, a.random);
  put_chat(out, &a.chat);
  put_file(out, &a.file);
  return status;
}

static int flat_config(schat_bytes tl, buffer *out) {
  return flat_answer(SCHAT_REQUEST_GET_DH_CONFIG, tl, out);
}
static int flat_sent(schat_bytes tl, buffer *out) {
  return flat_answer(SCHAT_REQUEST_SEND_ENCRYPTED_FILE, tl, out);
}
static int flat_bool(schat_bytes tl, buffer *out) {
  return flat_answer(SCHAT_REQUEST_SET_TYPING, tl, out);
}
static int flat_queue(schat_bytes tl, buffer *out) {
  return flat_answer(SCHAT_REQUEST_RECEIVED_QUEUE, tl, out);
}

static int flat_difference(schat_bytes tl, buffer *out) {
  differences d;
  int status;
  size_t i;
  memset(&d, 0, sizeof d);
  SCHAT_INIT(d.difference);
  status = schat_api_decode_difference(tl, d.chats, 4, d.messages, 4, &d.difference, &d.more);
  for (i = 0; i < 4; i++) put_chat(out, &d.chats[i]);
  for (i = 0; i < 4; i++) put_message(out, &d.messages[i]);
  put(out, &d.difference.qts, sizeof d.difference.qts);
  put(out, &d.difference.date, sizeof d.difference.date);
  put(out, &d.more, sizeof d.more);
  return status;
}

static int flat_state(schat_bytes tl, buffer *out) {
  int32_t v[4] = {0};
  int status = schat_api_decode_state(tl, &v[0], &v[1], &v[2], &v[3]);
  put(out, v, sizeof v);
  return status;
}

static int flat_part(schat_bytes tl, buffer *out) {
  schat_bytes bytes = {NULL, 0};
  int status = schat_api_decode_file_part(tl, &bytes);
  put_bytes(out, bytes);
  return status;
}

/* `exact`: every field is kept, so that no other bytes can give the same result. */
static const struct {
  const char *hex;
  decode_fn decode;
  int exact;
} samples[] = {
    {CHAT_EMPTY, flat_chat, 1},
    {CHAT_WAITING, flat_chat, 1},
    {CHAT_REQUESTED, flat_chat, 1},
    {CHAT_IN_FOLDER, flat_chat, 1},
    {CHAT_OPEN, flat_chat, 1},
    {CHAT_DISCARDED, flat_chat, 1},
    {CHAT_DELETED, flat_chat, 1},
    {FILE_NONE, flat_file, 1},
    {FILE_FULL, flat_file, 1},
    {MESSAGE_PLAIN, flat_message, 1},
    {MESSAGE_FILE, flat_message, 1},
    {MESSAGE_SERVICE, flat_message, 1},
    {UPDATE_MESSAGE, flat_update, 1},
    {UPDATE_CHAT, flat_update, 1},
    {UPDATE_READ, flat_update, 1},
    {UPDATE_TYPING, flat_update, 1},
    {DH_CONFIG, flat_config, 1},
    {DH_NOT_MODIFIED, flat_config, 1},
    {SENT, flat_sent, 1},
    {SENT_FILE, flat_sent, 1},
    {"b5757299", flat_bool, 0},
    {QUEUE, flat_queue, 0},
    {DIFFERENCE, flat_difference, 0},
    {DIFFERENCE_SLICE, flat_difference, 0},
    {DIFFERENCE_EMPTY, flat_difference, 0},
    {DIFFERENCE_TOO_LONG, flat_difference, 0},
    {STATE, flat_state, 0},
    {UPLOAD_FILE, flat_part, 0},
};
#define SAMPLES (sizeof samples / sizeof samples[0])

/* Decodes a copy that ends where its memory ends. */
static int decode_tight(decode_fn decode, const uint8_t *data, size_t size, buffer *out) {
  uint8_t *tight = malloc(size != 0 ? size : 1);
  schat_bytes tl;
  int status;
  assert_non_null(tight);
  memcpy(tight, data, size);
  tl.data = tight;
  tl.size = size;
  out->size = 0;
  status = decode(tl, out);
  free(tight);
  return status;
}

static int same(const buffer *a, const buffer *b) {
  return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* every truncation is refused, and writes nothing. */
static void every_truncation_is_refused(void **state) {
  static const uint8_t nothing[4];
  size_t i, n;
  (void)state;
  for (i = 0; i < SAMPLES; i++) {
    buffer b = unhex(samples[i].hex), untouched, out;
    assert_int_equal(decode_tight(samples[i].decode, nothing, 0, &untouched), SCHAT_E_MALFORMED);
    for (n = 0; n < b.size; n++) {
      assert_int_equal(decode_tight(samples[i].decode, b.data, n, &out), SCHAT_E_MALFORMED);
      assert_true(same(&out, &untouched));
    }
    assert_int_equal(decode_tight(samples[i].decode, b.data, b.size, &out), SCHAT_OK);
  }
}

/* nothing may follow the object. */
static void nothing_may_follow_the_object(void **state) {
  size_t i, n;
  (void)state;
  for (i = 0; i < SAMPLES; i++) {
    buffer b = unhex(samples[i].hex), out;
    for (n = 1; n <= 8; n++) assert_int_equal(decode_tight(samples[i].decode, b.data, b.size + n, &out), SCHAT_E_MALFORMED);
  }
}

/* bytes with one bit changed are refused, or mean something else: no object has two forms. */
static void a_flipped_bit_never_gives_the_same_object(void **state) {
  size_t i, bit;
  (void)state;
  for (i = 0; i < SAMPLES; i++) {
    buffer b = unhex(samples[i].hex), original, out;
    assert_int_equal(decode_tight(samples[i].decode, b.data, b.size, &original), SCHAT_OK);
    for (bit = 0; bit < b.size * 8; bit++) {
      int status;
      b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
      status = decode_tight(samples[i].decode, b.data, b.size, &out);
      assert_true(status == SCHAT_OK || status == SCHAT_E_MALFORMED || status == SCHAT_IGNORED || status == SCHAT_E_UNSUPPORTED);
      if (status == SCHAT_IGNORED) assert_true(bit < 32);
      if (samples[i].exact && status == SCHAT_OK) assert_false(same(&out, &original));
      b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
  }
}

/* strings in a longer form than needed, with filling that is not zero, or with a length beyond the bytes. */
static void strings_that_are_not_canonical_are_refused(void **state) {
  static const char *const broken[] = {
      "3546e2c0 02010203",                               /* filling not zero */
      "3546e2c0 01010001", "3546e2c0 fe030000 01020300", /* long form for a short string */
      "3546e2c0 fe000000", "3546e2c0 ff010203",          "3546e2c0 ff030000 00000000 01020300",
      "3546e2c0 feffffff", "3546e2c0 04010203",          "3546e2c0 fd010203",
      "3546e2c0 fe",
  };
  size_t i;
  buffer b, out;
  (void)state;
  for (i = 0; i < sizeof broken / sizeof broken[0]; i++) {
    b = unhex(broken[i]);
    assert_int_equal(decode_tight(flat_config, b.data, b.size, &out), SCHAT_E_MALFORMED);
  }
  b = unhex("3546e2c0 fefd0000");
  b.size += 256;
  assert_int_equal(decode_tight(flat_config, b.data, b.size, &out), SCHAT_E_MALFORMED);
  b.data[5] = 0xfe;
  assert_int_equal(decode_tight(flat_config, b.data, b.size, &out), SCHAT_OK);
}

/* a vector that counts more than the bytes can hold is refused at once, without a loop over its count. */
static void vectors_that_count_too_much_are_refused(void **state) {
  static const char *const broken[] = {VECTOR "01000000",         VECTOR "ffffffff",          VECTOR "00000080 0000000000000000",
                                       VECTOR "ffffff1f",         VECTOR "01000000 00000000", "16c4b51c 00000000",
                                       VECTOR "00000000 00000000"};
  static const char *const differences_broken[] = {
      "a09cf400 " NONE VECTOR "ffffffff " NONE NONE NONE STATE,
      "a09cf400 " NONE NONE VECTOR "ffffff7f " NONE NONE STATE,
      "a09cf400 " VECTOR "ffffffff " NONE NONE NONE NONE STATE,
      "a09cf400 " NONE NONE VECTOR "01000000 " NONE NONE,
  };
  size_t i;
  buffer b, out;
  (void)state;
  for (i = 0; i < sizeof broken / sizeof broken[0]; i++) {
    b = unhex(broken[i]);
    assert_int_equal(decode_tight(flat_queue, b.data, b.size, &out), SCHAT_E_MALFORMED);
  }
  for (i = 0; i < 3; i++) {
    b = unhex(differences_broken[i]);
    assert_int_equal(decode_tight(flat_difference, b.data, b.size, &out), SCHAT_E_MALFORMED);
  }
  b = unhex(differences_broken[3]);
  assert_true(decode_tight(flat_difference, b.data, b.size, &out) < 0);
}

/* flags that would stand for fields nobody knows are refused. */
static void unknown_flags_are_refused(void **state) {
  unsigned bit;
  (void)state;
  for (bit = 1; bit < 32; bit++) {
    buffer requested = unhex(CHAT_REQUESTED), discarded = unhex(CHAT_DISCARDED), out;
    requested.data[4 + bit / 8] |= (uint8_t)(1u << bit % 8);
    discarded.data[4 + bit / 8] |= (uint8_t)(1u << bit % 8);
    assert_int_equal(decode_tight(flat_chat, requested.data, requested.size, &out), SCHAT_E_MALFORMED);
    assert_int_equal(decode_tight(flat_chat, discarded.data, discarded.size, &out), SCHAT_E_MALFORMED);
  }
}

/* No bytes at all are no object. */
static void no_bytes_are_no_object(void **state) {
  schat_bytes none = {NULL, 0}, claimed = {NULL, 64};
  size_t i;
  (void)state;
  for (i = 0; i < SAMPLES; i++) {
    buffer out = {{0}, 0};
    assert_int_equal(samples[i].decode(none, &out), SCHAT_E_MALFORMED);
    out.size = 0;
    assert_int_equal(samples[i].decode(claimed, &out), SCHAT_E_MALFORMED);
  }
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(get_dh_config_is_encoded_as_in_the_table),
      cmocka_unit_test(request_encryption_is_encoded_as_in_the_table),
      cmocka_unit_test(accept_encryption_is_encoded_as_in_the_table),
      cmocka_unit_test(discard_encryption_is_encoded_as_in_the_table),
      cmocka_unit_test(sends_are_encoded_as_in_the_table),
      cmocka_unit_test(a_send_with_a_file_is_encoded_as_in_the_table),
      cmocka_unit_test(the_small_methods_are_encoded_as_in_the_table),
      cmocka_unit_test(get_difference_is_encoded_as_in_the_table),
      cmocka_unit_test(strings_of_every_length_have_the_shortest_form),
      cmocka_unit_test(a_string_over_its_limit_is_refused),
      cmocka_unit_test(what_is_no_request_is_refused),
      cmocka_unit_test(every_request_has_its_method),
      cmocka_unit_test(the_methods_for_files_are_encoded_as_in_the_table),
      cmocka_unit_test(the_methods_for_files_refuse_what_makes_no_sense),
      cmocka_unit_test(state_and_authorisation_are_encoded_as_in_the_table),
      cmocka_unit_test(every_state_of_a_chat_is_read),
      cmocka_unit_test(messages_and_files_are_read),
      cmocka_unit_test(the_four_updates_are_read_and_no_other),
      cmocka_unit_test(both_answers_to_get_dh_config_are_read),
      cmocka_unit_test(the_answers_to_sends_are_read),
      cmocka_unit_test(every_request_takes_its_own_answer_alone),
      cmocka_unit_test(decoders_refuse_wrong_arguments),
      cmocka_unit_test(the_servers_state_is_read),
      cmocka_unit_test(parts_of_files_are_read),
      cmocka_unit_test(a_difference_is_read_whole),
      cmocka_unit_test(a_difference_without_content_is_read),
      cmocka_unit_test(a_difference_with_cloud_objects_is_left_to_the_host),
      cmocka_unit_test(a_difference_says_what_room_it_needs),
      cmocka_unit_test(every_truncation_is_refused),
      cmocka_unit_test(nothing_may_follow_the_object),
      cmocka_unit_test(a_flipped_bit_never_gives_the_same_object),
      cmocka_unit_test(strings_that_are_not_canonical_are_refused),
      cmocka_unit_test(vectors_that_count_too_much_are_refused),
      cmocka_unit_test(unknown_flags_are_refused),
      cmocka_unit_test(no_bytes_are_no_object),
  };
  return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
