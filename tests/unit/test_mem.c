/* SPDX-License-Identifier: BSL-1.0
 * test_mem.c - memory is zero when it comes, wiped when it goes, and scratch areas are bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"

/* An allocator that looks at what comes back. */
typedef struct {
  size_t held, dirty; /* blocks out; blocks that came back with something in them */
  size_t largest;
  long left; /* allocations that still succeed; -1: all */
} ledger;

static void *ledger_allocate(void *user_data, size_t size) {
  ledger *l = user_data;
  if (l->left == 0) return NULL;
  if (l->left > 0) l->left--;
  uint8_t *p = malloc(16 + size);
  assert_non_null(p);
  memcpy(p, &size, sizeof size);
  memset(p + 16, 0x5a, size);
  l->held++;
  if (size > l->largest) l->largest = size;
  return p + 16;
}

static void ledger_release(void *user_data, void *memory) {
  ledger *l = user_data;
  uint8_t *p = memory;
  size_t size = 0;
  memcpy(&size, p - 16, sizeof size);
  for (size_t i = 0; i < size; i++) {
    if (p[i] != 0) {
      l->dirty++;
      break;
    }
  }
  l->held--;
  free(p - 16);
}

static int is_zero(const uint8_t *p, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (p[i] != 0) return 0;
  }
  return 1;
}

/* */
static void memory_is_zero_when_it_comes_and_wiped_when_it_goes(void **state) {
  (void)state;
  ledger l = {0, 0, 0, -1};
  const schat_allocator mem = {&l, ledger_allocate, ledger_release};
  uint8_t *p = schat__alloc(&mem, 1000);
  assert_non_null(p);
  assert_true(is_zero(p, 1000));
  memset(p, 7, 1000);
  schat__free(&mem, p, 1000);
  assert_int_equal(l.held, 0);
  assert_int_equal(l.dirty, 0);
}

static void an_allocation_of_nothing_gives_memory(void **state) {
  (void)state;
  void *a = schat__alloc(NULL, 0);
  assert_non_null(a);
  schat__free(NULL, a, 0);
  schat__free(NULL, NULL, 10);
}

/* */
static void an_allocator_that_refuses_is_believed(void **state) {
  (void)state;
  ledger l = {0, 0, 0, 0};
  const schat_allocator mem = {&l, ledger_allocate, ledger_release};
  schat__arena arena;
  assert_null(schat__alloc(&mem, 10));
  schat__arena_init(&arena, &mem, 1000);
  assert_null(schat__arena_take(&arena, 10));
  assert_int_equal(arena.taken, 0);
  l.left = -1;
  assert_non_null(schat__arena_take(&arena, 10));
  schat__arena_free(&arena);
  assert_int_equal(l.held, 0);
}

/* */
static void wiping_reaches_every_byte_and_no_other(void **state) {
  (void)state;
  uint8_t bytes[40];
  memset(bytes, 9, sizeof bytes);
  schat__wipe(bytes + 3, 30);
  assert_true(is_zero(bytes + 3, 30));
  assert_int_equal(bytes[2], 9);
  assert_int_equal(bytes[33], 9);
  schat__wipe(bytes, 0);
  assert_int_equal(bytes[0], 9);
  schat__wipe(NULL, 0);
}

static void an_arena_gives_zeroed_aligned_memory_that_stays(void **state) {
  (void)state;
  schat__arena arena;
  uint8_t *pieces[600];
  schat__arena_init(&arena, NULL, SIZE_MAX);
  for (size_t i = 0; i < 600; i++) {
    pieces[i] = schat__arena_take(&arena, i);
    assert_non_null(pieces[i]);
    assert_int_equal((uintptr_t)pieces[i] % 16, 0);
    assert_true(is_zero(pieces[i], i));
    memset(pieces[i], (int)(i & 255), i);
  }
  for (size_t i = 0; i < 600; i++) {
    for (size_t j = 0; j < i; j++) assert_int_equal(pieces[i][j], i & 255);
  }
  schat__arena_free(&arena);
}

/* bounded work for hostile input. */
static void an_arena_gives_no_more_than_its_limit(void **state) {
  (void)state;
  schat__arena arena;
  schat__arena_init(&arena, NULL, 100);
  assert_null(schat__arena_take(&arena, 101));
  assert_null(schat__arena_take(&arena, 100)); /* 112 with its alignment */
  assert_null(schat__arena_take(&arena, SIZE_MAX));
  assert_null(schat__arena_take(&arena, SIZE_MAX - 20));
  for (int i = 0; i < 6; i++) assert_non_null(schat__arena_take(&arena, 0)); /* nothing is not free of charge */
  assert_null(schat__arena_take(&arena, 1));
  schat__arena_reset(&arena);
  assert_non_null(schat__arena_take(&arena, 96));
  assert_null(schat__arena_take(&arena, 1));
  schat__arena_free(&arena);
  schat__arena_init(&arena, NULL, SIZE_MAX);
  assert_null(schat__arena_take(&arena, SIZE_MAX));
  assert_null(schat__arena_take(&arena, SIZE_MAX - 15));
  schat__arena_free(&arena);
}

/* */
static void resetting_an_arena_wipes_it_and_keeps_one_block(void **state) {
  (void)state;
  ledger l = {0, 0, 0, -1};
  const schat_allocator mem = {&l, ledger_allocate, ledger_release};
  schat__arena arena;
  schat__arena_init(&arena, &mem, SIZE_MAX);
  schat__arena_reset(&arena); /* before anything was taken */
  uint8_t *first = schat__arena_take(&arena, 1000);
  memset(first, 1, 1000);
  for (int i = 0; i < 100; i++) memset(schat__arena_take(&arena, 5000), 2, 5000);
  assert_true(l.held > 2);
  schat__arena_reset(&arena);
  assert_int_equal(l.held, 1);
  assert_true(is_zero(first, 1000));
  assert_ptr_equal(schat__arena_take(&arena, 1000), first);
  schat__arena_free(&arena);
  assert_int_equal(l.held, 0);
  assert_int_equal(l.dirty, 0);
  assert_non_null(schat__arena_take(&arena, 1)); /* and it can be used again */
  schat__arena_free(&arena);
}

/* what was taken since the mark is zero again, what was taken before stays, and no block of it is held any more. */
static void an_arena_goes_back_to_a_mark(void **state) {
  (void)state;
  ledger l = {0, 0, 0, -1};
  const schat_allocator mem = {&l, ledger_allocate, ledger_release};
  schat__arena arena;
  schat__arena_mark outer, inner;
  schat__arena_init(&arena, &mem, SIZE_MAX);
  schat__arena_note(&arena, &outer); /* before anything was taken */
  uint8_t *first = schat__arena_take(&arena, 100);
  memset(first, 1, 100);
  schat__arena_note(&arena, &inner);
  uint8_t *second = schat__arena_take(&arena, 200);
  memset(second, 2, 200);
  for (int i = 0; i < 20; i++) memset(schat__arena_take(&arena, 3000), 3, 3000);
  schat__arena_rewind(&arena, &inner);
  assert_int_equal(l.held, 1);
  assert_int_equal(arena.taken, 112);
  assert_true(is_zero(second, 200) && first[0] == 1 && first[99] == 1);
  assert_ptr_equal(schat__arena_take(&arena, 200), second);
  schat__arena_rewind(&arena, &outer);
  assert_int_equal(arena.taken, 0);
  assert_true(is_zero(first, 100));
  assert_ptr_equal(schat__arena_take(&arena, 100), first);
  schat__arena_free(&arena);
  assert_int_equal(l.held, 0);
  assert_int_equal(l.dirty, 0);
}

static void the_blocks_of_an_arena_grow_so_that_few_are_needed(void **state) {
  (void)state;
  ledger l = {0, 0, 0, -1};
  const schat_allocator mem = {&l, ledger_allocate, ledger_release};
  schat__arena arena;
  schat__arena_init(&arena, &mem, SIZE_MAX);
  for (int i = 0; i < 10000; i++) assert_non_null(schat__arena_take(&arena, 100));
  assert_true(l.held < 30);
  assert_true(l.largest < 70000);
  schat__arena_free(&arena);
}

/* one large message costs no memory afterwards. */
static void a_reset_arena_keeps_no_large_block(void **state) {
  (void)state;
  ledger l = {0, 0, 0, -1};
  const schat_allocator mem = {&l, ledger_allocate, ledger_release};
  schat__arena arena;
  schat__arena_init(&arena, &mem, SIZE_MAX);
  assert_non_null(schat__arena_take(&arena, 1u << 20));
  assert_int_equal(l.held, 1);
  schat__arena_reset(&arena);
  assert_int_equal(l.held, 0);
  assert_non_null(schat__arena_take(&arena, 10)); /* a small one is kept for the next time */
  assert_non_null(schat__arena_take(&arena, 1u << 20));
  schat__arena_reset(&arena);
  assert_int_equal(l.held, 1);
  assert_non_null(schat__arena_take(&arena, 10));
  assert_int_equal(l.held, 1);
  schat__arena_free(&arena);
  assert_int_equal(l.held, 0);
  assert_int_equal(l.dirty, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(memory_is_zero_when_it_comes_and_wiped_when_it_goes),
      cmocka_unit_test(an_allocation_of_nothing_gives_memory),
      cmocka_unit_test(an_allocator_that_refuses_is_believed),
      cmocka_unit_test(wiping_reaches_every_byte_and_no_other),
      cmocka_unit_test(an_arena_gives_zeroed_aligned_memory_that_stays),
      cmocka_unit_test(an_arena_gives_no_more_than_its_limit),
      cmocka_unit_test(a_reset_arena_keeps_no_large_block),
      cmocka_unit_test(resetting_an_arena_wipes_it_and_keeps_one_block),
      cmocka_unit_test(an_arena_goes_back_to_a_mark),
      cmocka_unit_test(the_blocks_of_an_arena_grow_so_that_few_are_needed),
  };
  return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
