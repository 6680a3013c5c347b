/* SPDX-License-Identifier: BSL-1.0
 * test_buf.c - writers and readers never leave their memory, and say so at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/buf.h"

static size_t write_everything(schat__writer *w) {
  schat__write8(w, 0xab);
  schat__write32(w, 0x01020304u);
  schat__write64(w, 0x1122334455667788u);
  schat__write_raw(w, "raw", 3);
  schat__write_raw(w, NULL, 0);
  schat__write_blob(w, "blob", 4);
  schat__write_blob(w, NULL, 0);
  return w->size;
}

static void what_is_written_is_little_endian_and_is_read_back(void **state) {
  (void)state;
  static const uint8_t expected[] = {0xab, 4,   3, 2, 1, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 'r',
                                     'a',  'w', 4, 0, 0, 0,    'b',  'l',  'o',  'b',  0,    0,    0,    0};
  uint8_t bytes[sizeof expected], raw[3];
  schat__writer w = {bytes, sizeof bytes, 0};
  assert_int_equal(write_everything(&w), sizeof expected);
  assert_true(schat__writer_fits(&w));
  assert_memory_equal(bytes, expected, sizeof expected);
  schat__reader r = {bytes, sizeof bytes, 0, 0};
  size_t size = 99;
  assert_int_equal(schat__read8(&r), 0xab);
  assert_int_equal(schat__read32(&r), 0x01020304u);
  assert_true(schat__read64(&r) == 0x1122334455667788u);
  schat__read_raw(&r, raw, 3);
  assert_memory_equal(raw, "raw", 3);
  assert_false(schat__reader_done(&r));
  assert_memory_equal(schat__read_blob(&r, &size), "blob", 4);
  assert_int_equal(size, 4);
  assert_non_null(schat__read_blob(&r, &size));
  assert_int_equal(size, 0);
  assert_true(schat__reader_done(&r));
}

static void a_writer_measures_without_memory(void **state) {
  (void)state;
  schat__writer w = {NULL, 0, 0};
  assert_int_equal(write_everything(&w), 28);
  assert_false(schat__writer_fits(&w));
}

/* R-DEC-06: the same for writing. */
static void a_writer_that_is_full_writes_nothing_more_and_goes_on_counting(void **state) {
  (void)state;
  for (size_t capacity = 0; capacity < 28; capacity++) {
    uint8_t *bytes = malloc(capacity + 1);
    schat__writer w = {bytes, capacity, 0};
    assert_non_null(bytes);
    memset(bytes, 0xee, capacity + 1);
    assert_int_equal(write_everything(&w), 28);
    assert_false(schat__writer_fits(&w));
    assert_int_equal(bytes[capacity], 0xee);
    free(bytes);
  }
}

static void a_count_that_would_wrap_stays_over_every_capacity(void **state) {
  (void)state;
  uint8_t bytes[8];
  schat__writer w = {bytes, sizeof bytes, SIZE_MAX - 3};
  schat__write64(&w, 1);
  assert_true(w.size == SIZE_MAX);
  schat__write8(&w, 1);
  assert_true(w.size == SIZE_MAX);
  assert_false(schat__writer_fits(&w));
#if SIZE_MAX > UINT32_MAX
  schat__writer long_blob = {bytes, sizeof bytes, 0};
  schat__write_blob(&long_blob, bytes, (size_t)UINT32_MAX + 1); /* has no length field */
  assert_false(schat__writer_fits(&long_blob));
#endif
}

/* R-DEC-06 */
static void reading_past_the_end_fails_for_good_and_gives_zero(void **state) {
  (void)state;
  for (size_t size = 0; size < 8; size++) {
    uint8_t *bytes = malloc(size + 1); /* exact for a memory checker when size is not 0 */
    assert_non_null(bytes);
    memset(bytes, 0xff, size + 1);
    schat__reader r = {bytes, size, 0, 0};
    uint8_t raw[4] = {1, 1, 1, 1};
    assert_true(schat__read64(&r) == 0);
    assert_true(r.failed);
    assert_int_equal(schat__read8(&r), 0);
    assert_int_equal(schat__read32(&r), 0);
    schat__read_raw(&r, raw, sizeof raw);
    assert_memory_equal(raw, "\0\0\0\0", 4);
    assert_null(schat__read_span(&r, 0));
    assert_false(schat__reader_done(&r));
    free(bytes);
  }
}

/* R-DEC-06 */
static void a_blob_longer_than_what_is_left_is_not_there(void **state) {
  (void)state;
  const uint32_t lengths[] = {5, 6, 0x7fffffffu, 0x80000000u, 0xffffffffu};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    uint8_t bytes[8] = {0};
    schat__writer w = {bytes, sizeof bytes, 0};
    schat__write32(&w, lengths[i]);
    schat__reader r = {bytes, sizeof bytes, 0, 0};
    size_t size = 99;
    assert_null(schat__read_blob(&r, &size));
    assert_int_equal(size, 0);
    assert_true(r.failed);
  }
}

static void an_empty_span_is_there_even_in_no_memory(void **state) {
  (void)state;
  schat__reader r = {NULL, 0, 0, 0};
  assert_non_null(schat__read_span(&r, 0));
  schat__read_raw(&r, NULL, 0);
  assert_true(schat__reader_done(&r));
  assert_null(schat__read_span(&r, 1));
  r = (schat__reader){NULL, 4, 0, 0}; /* nothing is there, whatever is said of its size */
  assert_null(schat__read_span(&r, 4));
  assert_true(r.failed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_written_is_little_endian_and_is_read_back),
      cmocka_unit_test(a_writer_measures_without_memory),
      cmocka_unit_test(a_writer_that_is_full_writes_nothing_more_and_goes_on_counting),
      cmocka_unit_test(a_count_that_would_wrap_stays_over_every_capacity),
      cmocka_unit_test(reading_past_the_end_fails_for_good_and_gives_zero),
      cmocka_unit_test(a_blob_longer_than_what_is_left_is_not_there),
      cmocka_unit_test(an_empty_span_is_there_even_in_no_memory),
  };
  return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
