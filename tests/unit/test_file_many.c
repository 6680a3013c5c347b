/* SPDX-License-Identifier: BSL-1.0
 * test_file_many.c - pieces of many files at once come to what each comes to alone: bytes, statuses, places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "crypto/ige.h"

#define FILES 70 /* more than are taken at a time */
#define MOST 700 /* bytes of one */

/* Two of each file: one goes with the others, the other alone. */
typedef struct {
  uint8_t key[32], iv[32], in[MOST + 16], together[MOST + 16], alone[MOST + 16];
  size_t size; /* of the plaintext */
  size_t at;   /* of what goes in, the next byte */
  int encrypting;
  int tail; /* what fills the last block; -1: the source fails */
  schat_file *many, *one;
} pair;

static pair pairs[FILES];
static schat_file_part parts[FILES];
static uint32_t state_of_random;

static uint32_t next_random(void) {
  state_of_random = state_of_random * 1664525u + 1013904223u;
  return state_of_random >> 8;
}

static void fill(uint8_t *p, size_t size) {
  for (size_t i = 0; i < size; i++) p[i] = (uint8_t)next_random();
}

static int fill_with(void *user_data, uint8_t *out, size_t size) {
  const int *byte = user_data;
  if (*byte < 0) return -1;
  memset(out, *byte, size);
  return 0;
}

static size_t padded(size_t size) {
  return (size + 15) / 16 * 16;
}

static size_t left(const pair *p) {
  return (p->encrypting ? p->size : padded(p->size)) - p->at;
}

static schat_file *begin(pair *p) {
  schat_file *file = NULL;
  schat_encrypted_file said = {1, 2, (int64_t)padded(p->size), 3, 0};
  if (p->encrypting) {
    assert_int_equal(schat_file_encrypt_begin(NULL, p->key, p->iv, (int64_t)p->size, fill_with, &p->tail, &file), SCHAT_OK);
    return file;
  }
  assert_int_equal(schat_file_fingerprint(p->key, p->iv, &said.key_fingerprint), SCHAT_OK);
  assert_int_equal(schat_file_decrypt_begin(NULL, p->key, p->iv, (int64_t)p->size, &said, &file), SCHAT_OK);
  return file;
}

static void pair_new(pair *p, size_t size, int encrypting) {
  memset(p, 0, sizeof *p);
  p->size = size;
  p->encrypting = encrypting;
  p->tail = (int)(next_random() % 256);
  fill(p->key, sizeof p->key);
  fill(p->iv, sizeof p->iv);
  fill(p->in, sizeof p->in);
  p->many = begin(p);
  p->one = begin(p);
}

static void pairs_free(size_t count) {
  for (size_t i = 0; i < count; i++) {
    schat_file_free(pairs[i].many);
    schat_file_free(pairs[i].one);
  }
}

static void part_of(pair *p, size_t size, schat_file_part *part) {
  SCHAT_INIT(*part);
  part->file = p->many;
  part->in = p->in + p->at;
  part->in_size = size;
  part->out = p->together + p->at;
  part->written = 4711;
  part->status = 4711;
}

/* What was done with the others against what comes of it alone. */
static void compare(pair *p, const schat_file_part *part) {
  size_t written = 4711;
  int64_t done = -1, other = -2, offset = -1, other_offset = -2;
  uint8_t point[32] = {0}, other_point[32] = {0};
  int status = schat_file_update(p->one, p->in + p->at, part->in_size, p->alone + p->at, &written);
  assert_int_equal(part->status, status);
  assert_int_equal(part->written, written);
  assert_memory_equal(p->together, p->alone, sizeof p->alone); /* and nothing beside it */
  assert_int_equal(schat_file_progress(p->many, &done), schat_file_progress(p->one, &other));
  assert_true(done == other);
  assert_int_equal(schat_file_checkpoint(p->many, point, &offset), schat_file_checkpoint(p->one, other_point, &other_offset));
  assert_memory_equal(point, other_point, sizeof point);
  if (status == SCHAT_OK) p->at += part->in_size;
}

/* A lawful piece: some blocks, or all that is left. */
static size_t some_of(const pair *p) {
  size_t all = left(p), some = next_random() % (MOST + 1);
  if (next_random() % 8 == 0) return 0;
  return some >= all ? all : some / 16 * 16;
}

static void run_all(size_t count) {
  for (int rounds = 0; rounds < 60; rounds++) {
    for (size_t i = 0; i < count; i++) part_of(&pairs[i], some_of(&pairs[i]), &parts[i]);
    assert_int_equal(schat_file_update_many(parts, count), SCHAT_OK);
    for (size_t i = 0; i < count; i++) {
      assert_int_equal(parts[i].status, SCHAT_OK);
      compare(&pairs[i], &parts[i]);
    }
  }
}

/* Files of random sizes, some of 0 and some of less than a block, in both directions. */
static void make_pairs(size_t count) {
  for (size_t i = 0; i < count; i++) {
    size_t size = next_random() % 4 == 0 ? next_random() % 33 : next_random() % (MOST + 1);
    pair_new(&pairs[i], size, next_random() % 2 != 0);
  }
}

/* R-FILE-01, D-30: with every kernel that this processor has. */
static void many_files_are_as_each_alone(void **state) {
  (void)state;
  const schat__ige_kernel *kernel;
  const size_t counts[] = {0, 1, 2, 3, 7, 16, 17, 31, 32, 33, FILES};
  for (size_t k = 0; (kernel = schat__ige_kernel_at(k)) != NULL; k++) {
    assert_int_equal(schat__ige_force(kernel->name), SCHAT_OK);
    state_of_random = 1;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
      make_pairs(counts[i]);
      run_all(counts[i]);
      for (size_t n = 0; n < counts[i]; n++) assert_int_equal(left(&pairs[n]), 0);
      pairs_free(counts[i]);
    }
  }
  assert_int_equal(schat__ige_force(NULL), SCHAT_OK);
}

/* What one side encrypts together the other decrypts together, in place. */
static void what_goes_in_comes_out(void **state) {
  (void)state;
  static uint8_t texts[FILES][MOST + 16];
  state_of_random = 2;
  for (size_t i = 0; i < FILES; i++) {
    pair_new(&pairs[i], i * 10, 1);
    fill(texts[i], sizeof texts[i]);
    memcpy(pairs[i].together, texts[i], pairs[i].size);
    part_of(&pairs[i], pairs[i].size, &parts[i]);
    parts[i].in = parts[i].out;
  }
  assert_int_equal(schat_file_update_many(parts, FILES), SCHAT_OK);
  for (size_t i = 0; i < FILES; i++) {
    assert_int_equal(parts[i].written, padded(pairs[i].size));
    schat_file_free(pairs[i].many);
    pairs[i].encrypting = 0;
    pairs[i].many = begin(&pairs[i]);
    part_of(&pairs[i], padded(pairs[i].size), &parts[i]);
    parts[i].in = parts[i].out;
  }
  assert_int_equal(schat_file_update_many(parts, FILES), SCHAT_OK);
  for (size_t i = 0; i < FILES; i++) {
    assert_int_equal(parts[i].status, SCHAT_OK);
    assert_int_equal(parts[i].written, pairs[i].size);
    assert_memory_equal(pairs[i].together, texts[i], pairs[i].size);
  }
  pairs_free(FILES);
}

/* a part that fails, for whatever reason, is as it was; the others know nothing of it. */
static void a_part_that_fails_fails_alone(void **state) {
  (void)state;
  enum { COUNT = 40 };
  state_of_random = 3;
  for (size_t i = 0; i < COUNT; i++) pair_new(&pairs[i], 100 + i, i % 2 == 0);
  for (size_t i = 0; i < COUNT; i++) part_of(&pairs[i], left(&pairs[i]), &parts[i]);
  pairs[2].tail = -1;       /* E_RANDOM: the last block cannot be filled */
  parts[4].in_size = 17;    /* encrypting, neither blocks nor the rest */
  parts[5].in_size = 15;    /* decrypting, no blocks */
  parts[7].in_size = 1600;  /* more than there is */
  parts[36].in_size = 1600; /* in the second lot */
  assert_int_equal(schat_file_update_many(parts, COUNT), SCHAT_OK);
  for (size_t i = 0; i < COUNT; i++) {
    int bad = i == 4 || i == 5 || i == 7 || i == 36;
    assert_int_equal(parts[i].status, i == 2 ? SCHAT_E_RANDOM : bad ? SCHAT_E_INVALID : SCHAT_OK);
    compare(&pairs[i], &parts[i]);
  }
  pairs[2].tail = 5; /* the same piece again */
  part_of(&pairs[2], left(&pairs[2]), &parts[0]);
  part_of(&pairs[4], left(&pairs[4]), &parts[1]);
  part_of(&pairs[5], left(&pairs[5]), &parts[2]);
  assert_int_equal(schat_file_update_many(parts, 3), SCHAT_OK);
  for (size_t i = 0; i < 3; i++) assert_int_equal(parts[i].status, SCHAT_OK);
  compare(&pairs[2], &parts[0]);
  compare(&pairs[4], &parts[1]);
  compare(&pairs[5], &parts[2]);
  pairs_free(COUNT);
}

static void a_part_without_a_file_or_bytes_fails_alone(void **state) {
  (void)state;
  state_of_random = 4;
  for (size_t i = 0; i < 5; i++) {
    pair_new(&pairs[i], 64, 1);
    part_of(&pairs[i], 64, &parts[i]);
  }
  parts[0].file = NULL;
  parts[1].in = NULL;
  parts[2].out = NULL;
  parts[3].in = NULL;
  parts[3].out = NULL;
  parts[3].in_size = 0; /* nothing, which is fine */
  assert_int_equal(schat_file_update_many(parts, 5), SCHAT_OK);
  for (size_t i = 0; i < 5; i++) assert_int_equal(parts[i].status, i < 3 ? SCHAT_E_INVALID : SCHAT_OK);
  for (size_t i = 0; i < 3; i++) assert_int_equal(parts[i].written, 4711);
  assert_int_equal(parts[3].written, 0);
  compare(&pairs[4], &parts[4]);
  for (size_t i = 0; i < 4; i++) {
    int64_t done = -1;
    assert_int_equal(schat_file_progress(pairs[i].many, &done), 0);
    assert_true(done == 0);
  }
  pairs_free(5);
}

static void nothing_was_done(size_t count) {
  static const uint8_t untouched[sizeof pairs[0].together];
  for (size_t i = 0; i < count; i++) {
    int64_t done = -1;
    assert_int_equal(parts[i].status, 4711);
    assert_int_equal(parts[i].written, 4711);
    assert_int_equal(schat_file_progress(pairs[i].many, &done), 0);
    assert_true(done == 0);
    assert_memory_equal(pairs[i].together, untouched, sizeof untouched);
  }
}

/* Wherever the two stand, also in different lots; afterwards the files are as good as before. */
static void the_same_file_twice_is_refused(void **state) {
  (void)state;
  const size_t twins[][2] = {{0, 1}, {0, FILES - 1}, {FILES - 2, FILES - 1}, {3, 40}};
  state_of_random = 5;
  for (size_t i = 0; i < FILES; i++) pair_new(&pairs[i], 48, i % 3 != 0);
  for (size_t n = 0; n < 4; n++) {
    for (size_t i = 0; i < FILES; i++) part_of(&pairs[i], 48, &parts[i]);
    parts[twins[n][1]].file = pairs[twins[n][0]].many;
    assert_int_equal(schat_file_update_many(parts, FILES), SCHAT_E_INVALID);
    nothing_was_done(FILES);
  }
  for (size_t i = 0; i < FILES; i++) part_of(&pairs[i], 48, &parts[i]);
  assert_int_equal(schat_file_update_many(parts, FILES), SCHAT_OK);
  for (size_t i = 0; i < FILES; i++) {
    assert_int_equal(parts[i].status, SCHAT_OK);
    compare(&pairs[i], &parts[i]);
  }
  pairs_free(FILES);
}

static void a_struct_of_another_size_is_refused(void **state) {
  (void)state;
  const size_t sizes[] = {0, sizeof parts[0] - 1, sizeof parts[0] + 8};
  state_of_random = 6;
  for (size_t i = 0; i < 35; i++) pair_new(&pairs[i], 48, 1);
  for (size_t n = 0; n < 9; n++) {
    for (size_t i = 0; i < 35; i++) part_of(&pairs[i], 48, &parts[i]);
    parts[n % 3 * 17].size = sizes[n / 3];
    assert_int_equal(schat_file_update_many(parts, 35), SCHAT_E_ABI);
    nothing_was_done(35);
  }
  assert_int_equal(schat_file_update_many(NULL, 1), SCHAT_E_INVALID);
  assert_int_equal(schat_file_update_many(NULL, 0), SCHAT_OK);
  pairs_free(35);
}

/* Parts of one file at once: several streams that each resume at a checkpoint of it. */
static void parts_of_one_file_are_done_again_at_once(void **state) {
  (void)state;
  enum { PARTS = 10, EACH = 64 };
  uint8_t points[PARTS][32];
  int64_t offsets[PARTS];
  schat_file *files[PARTS];
  size_t written = 0;
  state_of_random = 7;
  for (int encrypting = 0; encrypting < 2; encrypting++) {
    pair *p = &pairs[0];
    const size_t size = PARTS * EACH - 9;
    pair_new(p, size, encrypting);
    for (size_t i = 0; i < PARTS; i++) {
      assert_int_equal(schat_file_checkpoint(p->one, points[i], &offsets[i]), SCHAT_OK);
      assert_int_equal(
          schat_file_update(p->one, p->in + i * EACH, i + 1 < PARTS || !encrypting ? EACH : EACH - 9, p->alone + i * EACH, &written),
          SCHAT_OK);
    }
    for (size_t n = 0; n < PARTS; n++) { /* in any order */
      size_t i = n * 7 % PARTS;
      files[n] = begin(p);
      assert_int_equal(schat_file_resume(files[n], points[i], offsets[i]), SCHAT_OK);
      SCHAT_INIT(parts[n]);
      parts[n].file = files[n];
      parts[n].in = p->in + i * EACH;
      parts[n].in_size = i + 1 < PARTS || !encrypting ? EACH : EACH - 9;
      parts[n].out = p->together + i * EACH;
    }
    assert_int_equal(schat_file_update_many(parts, PARTS), SCHAT_OK);
    for (size_t n = 0; n < PARTS; n++) {
      assert_int_equal(parts[n].status, SCHAT_OK);
      schat_file_free(files[n]);
    }
    assert_memory_equal(p->together, p->alone, sizeof p->alone);
    pairs_free(1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(many_files_are_as_each_alone),
      cmocka_unit_test(what_goes_in_comes_out),
      cmocka_unit_test(a_part_that_fails_fails_alone),
      cmocka_unit_test(a_part_without_a_file_or_bytes_fails_alone),
      cmocka_unit_test(the_same_file_twice_is_refused),
      cmocka_unit_test(a_struct_of_another_size_is_refused),
      cmocka_unit_test(parts_of_one_file_are_done_again_at_once),
  };
  return cmocka_run_group_tests_name("file_many", tests, NULL, NULL);
}
