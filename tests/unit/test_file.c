/* SPDX-License-Identifier: BSL-1.0
 * test_file.c - files of any size, in any pieces, go in and come out the same; what does not fit is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"
#include "crypto/crypto.h"

#define MOST 1000

static uint8_t key[32], iv[32], plain[MOST];

static int prepare(void **state) {
  (void)state;
  for (size_t i = 0; i < 32; i++) {
    key[i] = (uint8_t)i;
    iv[i] = (uint8_t)(32 + i);
  }
  for (size_t i = 0; i < MOST; i++) plain[i] = (uint8_t)(i * 13 + i / 256);
  return 0;
}

/* Random bytes that can be told from others. */
static int fill_with(void *user_data, uint8_t *out, size_t size) {
  int *byte = user_data;
  if (*byte < 0) return -1;
  memset(out, *byte, size);
  return 0;
}

static int32_t known_fingerprint(void) {
  int32_t fingerprint = 0;
  assert_int_equal(schat_file_fingerprint(key, iv, &fingerprint), SCHAT_OK);
  return fingerprint;
}

static schat_file *begin_encrypt(int64_t size, int *tail) {
  schat_file *file = NULL;
  assert_int_equal(schat_file_encrypt_begin(NULL, key, iv, size, tail != NULL ? fill_with : NULL, tail, &file), SCHAT_OK);
  return file;
}

static schat_file *begin_decrypt(int64_t media_size, int64_t size) {
  const schat_encrypted_file description = {1, 2, size, 3, known_fingerprint()};
  schat_file *file = NULL;
  assert_int_equal(schat_file_decrypt_begin(NULL, key, iv, media_size, &description, &file), SCHAT_OK);
  return file;
}

/* The whole of a file at once, by the cipher below the stream. */
static void define(const uint8_t *in, size_t size, int tail, uint8_t *out) {
  schat__crypto *crypto = NULL;
  uint8_t running[32];
  size_t padded = (size + 15) / 16 * 16;
  memset(out, tail, padded);
  memcpy(out, in, size);
  memcpy(running, iv, 32);
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &crypto), SCHAT_OK);
  assert_int_equal(schat__ige_encrypt(crypto, key, running, out, out, padded), SCHAT_OK);
  schat__crypto_free(crypto);
}

/* Runs a stream over all of in, in pieces; in place when out is in. Returns what it wrote. */
static size_t run_pieces(schat_file *file, const uint8_t *in, size_t size, size_t piece, uint8_t *out) {
  size_t total = 0;
  for (size_t at = 0; at < size; at += piece) {
    size_t now = piece < size - at ? piece : size - at, written = 99999;
    assert_int_equal(schat_file_update(file, in + at, now, out + at, &written), SCHAT_OK);
    total += written;
  }
  return total;
}

/* R-FILE-02 accept: the known answer; reject: any other key. */
static void the_fingerprint_is_folded_md5(void **state) {
  (void)state;
  int32_t fingerprint = 0, other = 0;
  assert_int_equal(schat_file_fingerprint(key, iv, &fingerprint), SCHAT_OK);
  assert_true((uint32_t)fingerprint == 0xf3084473u); /* bytes 73 44 08 f3 on the wire */
  key[0] ^= 1;
  assert_int_equal(schat_file_fingerprint(key, iv, &other), SCHAT_OK);
  key[0] ^= 1;
  assert_int_not_equal(fingerprint, other);
  assert_int_equal(schat_file_fingerprint(NULL, iv, &other), SCHAT_E_INVALID);
  assert_int_equal(schat_file_fingerprint(key, iv, NULL), SCHAT_E_INVALID);
}

/* R-FILE-01 accept and reject: fresh each time, from the source; no source, no key. */
static void generated_keys_are_fresh(void **state) {
  (void)state;
  uint8_t k[2][32], v[2][32];
  int byte = 7;
  for (int i = 0; i < 2; i++) assert_int_equal(schat_file_generate(NULL, NULL, k[i], v[i]), SCHAT_OK);
  assert_memory_not_equal(k[0], k[1], 32);
  assert_memory_not_equal(v[0], v[1], 32);
  assert_memory_not_equal(k[0], v[0], 32);
  assert_int_equal(schat_file_generate(fill_with, &byte, k[0], v[0]), SCHAT_OK);
  assert_int_equal(k[0][31], 7);
  assert_int_equal(v[0][31], 7);
  byte = -1;
  memcpy(k[0], k[1], 32);
  assert_int_equal(schat_file_generate(fill_with, &byte, k[0], v[0]), SCHAT_E_RANDOM);
  assert_memory_equal(k[0], k[1], 32);
  assert_int_equal(schat_file_generate(NULL, NULL, NULL, v[0]), SCHAT_E_INVALID);
}

static void the_encrypted_size_is_the_next_multiple_of_16(void **state) {
  (void)state;
  assert_true(schat_file_encrypted_size(0) == 0);
  assert_true(schat_file_encrypted_size(1) == 16);
  assert_true(schat_file_encrypted_size(16) == 16);
  assert_true(schat_file_encrypted_size(17) == 32);
  assert_true(schat_file_encrypted_size((int64_t)5 << 30) == (int64_t)5 << 30);
  assert_true(schat_file_encrypted_size(((int64_t)5 << 30) + 1) == ((int64_t)5 << 30) + 16);
  assert_true(schat_file_encrypted_size(INT64_MAX - 15) == INT64_MAX - 15);
  assert_true(schat_file_encrypted_size(INT64_MAX) < 0);
  assert_true(schat_file_encrypted_size(-1) < 0);
}

/* R-FILE-01, D-30: every size, several cuts, apart and in place; the tail is the source's bytes. */
static void every_size_comes_back_whatever_the_pieces(void **state) {
  (void)state;
  const size_t pieces[] = {16, 48, 512, 2000};
  for (size_t size = 0; size <= 300; size++) {
    size_t padded = (size + 15) / 16 * 16;
    uint8_t expected[320], out[320], back[320];
    int tail = 0xd7;
    define(plain, size, tail, expected);
    for (size_t i = 0; i < 4; i++) {
      int64_t done = -1;
      schat_file *file = begin_encrypt((int64_t)size, &tail);
      assert_int_equal(schat_file_progress(file, &done), size == 0);
      assert_int_equal(run_pieces(file, plain, size, pieces[i], out), padded);
      assert_memory_equal(out, expected, padded);
      assert_int_equal(schat_file_progress(file, &done), 1);
      assert_true(done == (int64_t)size);
      schat_file_free(file);
      file = begin_decrypt((int64_t)size, (int64_t)padded);
      memset(back, 0xee, sizeof back);
      if (i % 2 == 0) {
        assert_int_equal(run_pieces(file, out, padded, pieces[i], back), size);
        assert_int_equal(back[size], 0xee); /* nothing beyond the plaintext is written */
      } else {
        memcpy(back, out, padded);
        assert_int_equal(run_pieces(file, back, padded, pieces[i], back), size);
      }
      assert_memory_equal(back, plain, size);
      assert_int_equal(schat_file_progress(file, &done), 1);
      schat_file_free(file);
    }
  }
}

static void encrypting_in_place_gives_the_same(void **state) {
  (void)state;
  uint8_t expected[112], bytes[112];
  int tail = 1;
  define(plain, 100, tail, expected);
  memcpy(bytes, plain, 100);
  schat_file *file = begin_encrypt(100, &tail);
  assert_int_equal(run_pieces(file, bytes, 100, 32, bytes), 112);
  assert_memory_equal(bytes, expected, 112);
  schat_file_free(file);
}

/* D-30: the tail is random. */
static void the_tail_is_filled_with_fresh_bytes(void **state) {
  (void)state;
  uint8_t a[16], b[16];
  size_t written = 0;
  schat_file *first = begin_encrypt(1, NULL), *second = begin_encrypt(1, NULL);
  assert_int_equal(schat_file_update(first, plain, 1, a, &written), SCHAT_OK);
  assert_int_equal(schat_file_update(second, plain, 1, b, &written), SCHAT_OK);
  assert_memory_not_equal(a, b, 16);
  schat_file_free(first);
  schat_file_free(second);
}

/* without a tail nothing is done, and the same piece can be given again. */
static void a_failing_source_leaves_the_stream_where_it_was(void **state) {
  (void)state;
  uint8_t expected[112], out[112];
  size_t written = 77;
  int tail = -1;
  int64_t done = -1;
  schat_file *file = begin_encrypt(100, &tail);
  assert_int_equal(schat_file_update(file, plain, 100, out, &written), SCHAT_E_RANDOM);
  assert_int_equal(written, 77);
  assert_int_equal(schat_file_progress(file, &done), 0);
  assert_true(done == 0);
  tail = 5;
  define(plain, 100, tail, expected);
  assert_int_equal(schat_file_update(file, plain, 100, out, &written), SCHAT_OK);
  assert_memory_equal(out, expected, 112);
  schat_file_free(file);
}

/* A part can be done again from its checkpoint, in any order. */
static void a_checkpoint_resumes_the_stream(void **state) {
  (void)state;
  uint8_t expected[1008], out[1008], points[11][32];
  int64_t offsets[11];
  int tail = 9;
  size_t written = 0;
  define(plain, MOST, tail, expected);
  schat_file *file = begin_encrypt(MOST, &tail);
  for (size_t i = 0; i < 11; i++) {
    size_t now = i < 10 ? 96 : 40;
    assert_int_equal(schat_file_checkpoint(file, points[i], &offsets[i]), SCHAT_OK);
    assert_true(offsets[i] == (int64_t)(96 * i));
    assert_int_equal(schat_file_update(file, plain + 96 * i, now, out, &written), SCHAT_OK);
  }
  assert_int_equal(schat_file_checkpoint(file, points[0], &offsets[0]), SCHAT_E_STATE);
  schat_file *other = begin_encrypt(MOST, &tail);
  for (size_t n = 0; n < 11; n++) {
    size_t i = n * 7 % 11, now = i < 10 ? 96 : 40;
    schat_file *any = n % 2 == 0 ? file : other;
    assert_int_equal(schat_file_resume(any, points[i], offsets[i]), SCHAT_OK);
    assert_int_equal(schat_file_update(any, plain + offsets[i], now, out, &written), SCHAT_OK);
    assert_memory_equal(out, expected + offsets[i], written);
  }
  schat_file_free(other);
  schat_file_free(file);
}

static void a_checkpoint_at_a_whole_end_is_one_too(void **state) {
  (void)state;
  uint8_t out[32], point[32];
  int64_t offset = 0;
  size_t written = 0;
  schat_file *file = begin_encrypt(32, NULL);
  assert_int_equal(schat_file_update(file, plain, 32, out, &written), SCHAT_OK);
  assert_int_equal(schat_file_checkpoint(file, point, &offset), SCHAT_OK);
  assert_true(offset == 32);
  assert_int_equal(schat_file_resume(file, point, offset), SCHAT_OK);
  assert_int_equal(schat_file_resume(file, point, 48), SCHAT_E_INVALID);
  assert_int_equal(schat_file_resume(file, point, -16), SCHAT_E_INVALID);
  assert_int_equal(schat_file_resume(file, point, 8), SCHAT_E_INVALID);
  assert_int_equal(schat_file_resume(file, NULL, 0), SCHAT_E_INVALID);
  schat_file_free(file);
}

/* D-30: sizes over 2^32, by resuming near the end. */
static void files_over_four_gigabytes_keep_their_place(void **state) {
  (void)state;
  const int64_t size = ((int64_t)5 << 30) + 5, last = (int64_t)5 << 30;
  uint8_t out[48], back[48], point[32];
  int64_t offset = 0, done = 0;
  size_t written = 0;
  schat_file *file = begin_encrypt(size, NULL), *reader = begin_decrypt(size, schat_file_encrypted_size(size));
  memset(point, 0x21, sizeof point);
  assert_int_equal(schat_file_resume(file, point, last - 32), SCHAT_OK);
  assert_int_equal(schat_file_resume(reader, point, last - 32), SCHAT_OK);
  assert_int_equal(schat_file_update(file, plain, 38, out, &written), SCHAT_E_INVALID);
  assert_int_equal(schat_file_update(file, plain, 37, out, &written), SCHAT_OK);
  assert_int_equal(written, 48);
  assert_int_equal(schat_file_update(reader, out, 32, back, &written), SCHAT_OK);
  assert_int_equal(schat_file_checkpoint(reader, point, &offset), SCHAT_OK);
  assert_true(offset == last);
  assert_int_equal(schat_file_update(reader, out + 32, 16, back + 32, &written), SCHAT_OK);
  assert_int_equal(written, 5);
  assert_memory_equal(back, plain, 37);
  assert_int_equal(schat_file_progress(reader, &done), 1);
  assert_true(done == size);
  schat_file_free(file);
  schat_file_free(reader);
}

/* Reject: pieces that do not fit change nothing. */
static void pieces_that_do_not_fit_are_refused(void **state) {
  (void)state;
  uint8_t out[256], expected[112];
  size_t written = 77;
  int tail = 3;
  schat_file *file = begin_encrypt(100, &tail);
  const size_t bad[] = {1, 15, 17, 99, 101, 112, 160, SIZE_MAX, SIZE_MAX - 15};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(schat_file_update(file, plain, bad[i], out, &written), SCHAT_E_INVALID);
  }
  assert_int_equal(schat_file_update(file, NULL, 16, out, &written), SCHAT_E_INVALID);
  assert_int_equal(schat_file_update(file, plain, 16, NULL, &written), SCHAT_E_INVALID);
  assert_int_equal(schat_file_update(file, plain, 16, out, NULL), SCHAT_E_INVALID);
  assert_int_equal(schat_file_update(NULL, plain, 16, out, &written), SCHAT_E_INVALID);
  assert_int_equal(written, 77);
  assert_int_equal(schat_file_update(file, NULL, 0, NULL, &written), SCHAT_OK);
  assert_int_equal(written, 0);
  define(plain, 100, tail, expected);
  assert_int_equal(schat_file_update(file, plain, 100, out, &written), SCHAT_OK);
  assert_memory_equal(out, expected, 112);
  assert_int_equal(schat_file_update(file, plain, 16, out, &written), SCHAT_E_INVALID);
  schat_file_free(file);
  file = begin_decrypt(100, 112);
  const size_t bad_sealed[] = {1, 15, 17, 111, 113, 128, SIZE_MAX, SIZE_MAX - 15};
  for (size_t i = 0; i < sizeof bad_sealed / sizeof bad_sealed[0]; i++) {
    assert_int_equal(schat_file_update(file, expected, bad_sealed[i], out, &written), SCHAT_E_INVALID);
  }
  schat_file_free(file);
}

/* R-FILE-03, D-30 reject */
static void what_is_said_of_a_file_is_checked_first(void **state) {
  (void)state;
  schat_file *file = NULL;
  schat_encrypted_file said = {1, 2, 112, 3, known_fingerprint()};
  const int64_t bad_sizes[] = {113, 128, -1, INT64_MIN, INT64_MAX};
  for (size_t i = 0; i < 5; i++) {
    assert_int_equal(schat_file_decrypt_begin(NULL, key, iv, bad_sizes[i], &said, &file), SCHAT_E_CORRUPT);
  }
  const int64_t bad_stored[] = {-16, INT64_MIN, 0, 96, 104, 111};
  for (size_t i = 0; i < 6; i++) {
    said.size = bad_stored[i];
    assert_int_equal(schat_file_decrypt_begin(NULL, key, iv, 100, &said, &file), SCHAT_E_CORRUPT);
  }
  said.size = 112;
  for (unsigned bit = 0; bit < 32; bit++) {
    said.key_fingerprint = (int32_t)((uint32_t)known_fingerprint() ^ (uint32_t)1 << bit);
    assert_int_equal(schat_file_decrypt_begin(NULL, key, iv, 1000, &said, &file), SCHAT_E_FINGERPRINT);
  }
  assert_int_equal(schat_file_decrypt_begin(NULL, key, iv, 100, NULL, &file), SCHAT_E_INVALID);
  assert_int_equal(schat_file_encrypt_begin(NULL, key, iv, -1, NULL, NULL, &file), SCHAT_E_INVALID);
  assert_int_equal(schat_file_encrypt_begin(NULL, key, iv, INT64_MAX, NULL, NULL, &file), SCHAT_E_INVALID);
  assert_int_equal(schat_file_encrypt_begin(NULL, NULL, iv, 1, NULL, NULL, &file), SCHAT_E_INVALID);
  assert_null(file);
}

/* D-30: a peer may store more than it declares; the rest is passed over. */
static void blocks_beyond_the_declared_size_are_trimmed(void **state) {
  (void)state;
  uint8_t sealed[112], back[112], point[32];
  size_t written = 0;
  int64_t done = 0, offset = 0;
  define(plain, 112, 0, sealed);
  schat_file *file = begin_decrypt(20, 112);
  memset(back, 0xee, sizeof back);
  assert_int_equal(schat_file_update(file, sealed, 48, back, &written), SCHAT_OK);
  assert_int_equal(written, 20);
  assert_int_equal(back[20], 0xee);
  assert_int_equal(schat_file_progress(file, &done), 1);
  assert_int_equal(schat_file_update(file, sealed + 48, 64, back + 48, &written), SCHAT_OK);
  assert_int_equal(written, 0);
  assert_memory_equal(back, plain, 20);
  assert_int_equal(back[48], 0xee);
  assert_int_equal(schat_file_checkpoint(file, point, &offset), SCHAT_E_STATE);
  schat_file_free(file);
}

static void *count_allocate(void *user_data, size_t size) {
  long *left = user_data;
  if (*left == 0) return NULL;
  (*left)--;
  return malloc(size);
}

static void count_release(void *user_data, void *memory) {
  (void)user_data;
  free(memory);
}

/* */
static void no_memory_is_a_clear_failure(void **state) {
  (void)state;
  const schat_encrypted_file said = {1, 2, 112, 3, known_fingerprint()};
  for (long n = 0; n < 2; n++) {
    long left = n;
    const schat_allocator mem = {&left, count_allocate, count_release};
    schat_file *file = NULL;
    assert_int_equal(schat_file_encrypt_begin(&mem, key, iv, 10, NULL, NULL, &file), SCHAT_E_NOMEM);
    left = n;
    assert_int_equal(schat_file_decrypt_begin(&mem, key, iv, 10, &said, &file), SCHAT_E_NOMEM);
    assert_null(file);
  }
  long left = 2;
  const schat_allocator mem = {&left, count_allocate, count_release};
  schat_file *file = NULL;
  assert_int_equal(schat_file_encrypt_begin(&mem, key, iv, 10, NULL, NULL, &file), SCHAT_OK);
  schat_file_free(file);
  schat_file_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_fingerprint_is_folded_md5),
      cmocka_unit_test(generated_keys_are_fresh),
      cmocka_unit_test(the_encrypted_size_is_the_next_multiple_of_16),
      cmocka_unit_test(every_size_comes_back_whatever_the_pieces),
      cmocka_unit_test(encrypting_in_place_gives_the_same),
      cmocka_unit_test(the_tail_is_filled_with_fresh_bytes),
      cmocka_unit_test(a_failing_source_leaves_the_stream_where_it_was),
      cmocka_unit_test(a_checkpoint_resumes_the_stream),
      cmocka_unit_test(a_checkpoint_at_a_whole_end_is_one_too),
      cmocka_unit_test(files_over_four_gigabytes_keep_their_place),
      cmocka_unit_test(pieces_that_do_not_fit_are_refused),
      cmocka_unit_test(what_is_said_of_a_file_is_checked_first),
      cmocka_unit_test(blocks_beyond_the_declared_size_are_trimmed),
      cmocka_unit_test(no_memory_is_a_clear_failure),
  };
  return cmocka_run_group_tests_name("file", tests, prepare, NULL);
}
