/* SPDX-License-Identifier: BSL-1.0
 * test_file_arguments.c - whatever argument is missing, a function says that it was called wrongly, and has done nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "secretchat/secretchat.h"

static const uint8_t key[32] = {1}, iv[32] = {2};

static schat_encrypted_file description(int64_t size) {
  schat_encrypted_file file = {.size = size};
  assert_int_equal(schat_file_fingerprint(key, iv, &file.key_fingerprint), SCHAT_OK);
  return file;
}

static void a_key_needs_both_halves_and_a_place(void **state) {
  (void)state;
  uint8_t a[32] = {0}, b[32] = {0};
  const uint8_t nothing[32] = {0};
  int32_t fingerprint = 7;
  assert_int_equal(schat_file_generate(NULL, NULL, NULL, b), SCHAT_E_INVALID);
  assert_int_equal(schat_file_generate(NULL, NULL, a, NULL), SCHAT_E_INVALID);
  assert_memory_equal(a, nothing, 32);
  assert_memory_equal(b, nothing, 32);
  assert_int_equal(schat_file_fingerprint(NULL, iv, &fingerprint), SCHAT_E_INVALID);
  assert_int_equal(schat_file_fingerprint(key, NULL, &fingerprint), SCHAT_E_INVALID);
  assert_int_equal(schat_file_fingerprint(key, iv, NULL), SCHAT_E_INVALID);
  assert_int_equal(fingerprint, 7);
}

static void a_stream_needs_all_that_it_begins_with(void **state) {
  (void)state;
  const schat_encrypted_file file = description(16);
  schat_file *made = NULL;
  assert_int_equal(schat_file_encrypt_begin(NULL, NULL, iv, 10, NULL, NULL, &made), SCHAT_E_INVALID);
  assert_int_equal(schat_file_encrypt_begin(NULL, key, NULL, 10, NULL, NULL, &made), SCHAT_E_INVALID);
  assert_int_equal(schat_file_encrypt_begin(NULL, key, iv, 10, NULL, NULL, NULL), SCHAT_E_INVALID);
  assert_int_equal(schat_file_encrypt_begin(NULL, key, iv, -1, NULL, NULL, &made), SCHAT_E_INVALID);
  assert_int_equal(schat_file_decrypt_begin(NULL, NULL, iv, 10, &file, &made), SCHAT_E_INVALID);
  assert_int_equal(schat_file_decrypt_begin(NULL, key, NULL, 10, &file, &made), SCHAT_E_INVALID);
  assert_int_equal(schat_file_decrypt_begin(NULL, key, iv, 10, NULL, &made), SCHAT_E_INVALID);
  assert_int_equal(schat_file_decrypt_begin(NULL, key, iv, 10, &file, NULL), SCHAT_E_INVALID);
  assert_null(made);
}

static void a_stream_tells_nobody_where_it_stands_but_who_asks_rightly(void **state) {
  (void)state;
  uint8_t checkpoint[SCHAT_FILE_CHECKPOINT_SIZE] = {0};
  int64_t offset = -7;
  schat_file *file = NULL;
  assert_int_equal(schat_file_encrypt_begin(NULL, key, iv, 40, NULL, NULL, &file), SCHAT_OK);
  assert_int_equal(schat_file_checkpoint(NULL, checkpoint, &offset), SCHAT_E_INVALID);
  assert_int_equal(schat_file_checkpoint(file, NULL, &offset), SCHAT_E_INVALID);
  assert_int_equal(schat_file_checkpoint(file, checkpoint, NULL), SCHAT_E_INVALID);
  assert_int_equal(schat_file_progress(NULL, &offset), SCHAT_E_INVALID);
  assert_int_equal(schat_file_progress(file, NULL), SCHAT_E_INVALID);
  assert_int_equal(offset, -7);
  assert_int_equal(schat_file_resume(NULL, checkpoint, 16), SCHAT_E_INVALID);
  assert_int_equal(schat_file_resume(file, NULL, 16), SCHAT_E_INVALID);
  assert_int_equal(schat_file_resume(file, checkpoint, -16), SCHAT_E_INVALID);
  assert_int_equal(schat_file_resume(file, checkpoint, 15), SCHAT_E_INVALID);
  assert_int_equal(schat_file_resume(file, checkpoint, 48), SCHAT_E_INVALID);
  assert_int_equal(schat_file_progress(file, &offset), 0);
  assert_int_equal(offset, 0);
  schat_file_free(file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_key_needs_both_halves_and_a_place),
      cmocka_unit_test(a_stream_needs_all_that_it_begins_with),
      cmocka_unit_test(a_stream_tells_nobody_where_it_stands_but_who_asks_rightly),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
