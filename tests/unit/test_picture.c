/* SPDX-License-Identifier: BSL-1.0
 * test_picture.c - the key picture and text that two people compare. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "crypto/crypto.h"

static const uint8_t known_hash[SCHAT_KEY_HASH_SIZE] = {0x49, 0x16, 0xd6, 0xbd, 0xb7, 0xf7, 0x8e, 0x68, 0x03, 0x69, 0x8c, 0xab,
                                                        0x32, 0xd1, 0x58, 0x6e, 0x40, 0xaf, 0xf2, 0xe9, 0xd2, 0xd8, 0x92, 0x2e,
                                                        0x47, 0xaf, 0xd4, 0x64, 0x8e, 0x69, 0x67, 0x49, 0x71, 0x58, 0x78, 0x5f};

/* R-DH-16 accept: key 00..FF. */
static void the_hash_of_the_known_key_is_the_known_one(void **state) {
  (void)state;
  schat__crypto *crypto = NULL;
  uint8_t key[256], hash[SCHAT_KEY_HASH_SIZE];
  for (size_t i = 0; i < sizeof key; i++) key[i] = (uint8_t)i;
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &crypto), SCHAT_OK);
  assert_int_equal(schat__key_hash(crypto, key, hash), SCHAT_OK);
  assert_memory_equal(hash, known_hash, sizeof hash);
  key[255] ^= 1; /* R-DH-16 reject: another key, another picture in both halves */
  assert_int_equal(schat__key_hash(crypto, key, hash), SCHAT_OK);
  assert_memory_not_equal(hash, known_hash, 16);
  assert_memory_not_equal(hash + 16, known_hash + 16, 20);
  schat__crypto_free(crypto);
}

/* R-DH-16: 49 is 01 00 10 01, so 1 2 0 1 from its least significant pair on. */
static void the_picture_takes_pairs_of_bits_from_the_lowest_on(void **state) {
  (void)state;
  uint8_t cells[SCHAT_PICTURE_SIDE * SCHAT_PICTURE_SIDE + 1];
  static const uint8_t first_row[12] = {1, 2, 0, 1, 2, 1, 1, 0, 2, 1, 1, 3}, last_four[4] = {3, 3, 1, 1};
  cells[144] = 0xee;
  schat_key_picture(known_hash, cells);
  assert_memory_equal(cells, first_row, sizeof first_row);
  assert_memory_equal(cells + 140, last_four, sizeof last_four);
  assert_int_equal(cells[144], 0xee);
}

/* R-DH-16: all 288 bits are shown; each changes one cell and no other. */
static void every_bit_of_the_hash_is_seen_in_one_cell(void **state) {
  (void)state;
  uint8_t hash[SCHAT_KEY_HASH_SIZE], before[144], after[144];
  memcpy(hash, known_hash, sizeof hash);
  schat_key_picture(hash, before);
  for (unsigned bit = 0; bit < 288; bit++) {
    hash[bit / 8] ^= (uint8_t)(1u << bit % 8);
    schat_key_picture(hash, after);
    hash[bit / 8] ^= (uint8_t)(1u << bit % 8);
    for (unsigned i = 0; i < 144; i++) assert_int_equal(before[i] ^ after[i], i == bit / 2 ? 1 << bit % 2 : 0);
  }
}

static void the_text_is_four_lines_of_eight_bytes(void **state) {
  (void)state;
  char text[SCHAT_KEY_TEXT_SIZE + 1];
  text[SCHAT_KEY_TEXT_SIZE] = '!';
  schat_key_text(known_hash, text);
  assert_string_equal(text,
                      "49 16 D6 BD   B7 F7 8E 68\n"
                      "03 69 8C AB   32 D1 58 6E\n"
                      "40 AF F2 E9   D2 D8 92 2E\n"
                      "47 AF D4 64   8E 69 67 49");
  assert_int_equal(strlen(text), SCHAT_KEY_TEXT_SIZE - 1);
  assert_int_equal(text[SCHAT_KEY_TEXT_SIZE], '!');
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_hash_of_the_known_key_is_the_known_one),
      cmocka_unit_test(the_picture_takes_pairs_of_bits_from_the_lowest_on),
      cmocka_unit_test(every_bit_of_the_hash_is_seen_in_one_cell),
      cmocka_unit_test(the_text_is_four_lines_of_eight_bytes),
  };
  return cmocka_run_group_tests_name("picture", tests, NULL, NULL);
}
