/* SPDX-License-Identifier: BSL-1.0
 * test_items.c - items under the journal: what was put in the place of what an item held is given back, once it is settled or undone; and
 * sizes that no record can name make no item. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "chat/journal.h"

static long blocks; /* not given back */

static void *take(void *user_data, size_t size) {
  (void)user_data;
  blocks++;
  return malloc(size);
}

static void give_back(void *user_data, void *memory) {
  (void)user_data;
  blocks--;
  free(memory);
}

static schat_allocator allocator = {NULL, take, give_back};
static schat__env env;
static schat__slot slot;
static schat__item *item;

static int set_up(void **state) {
  (void)state;
  memset(&env, 0, sizeof env);
  memset(&slot, 0, sizeof slot);
  blocks = 0;
  env.mem = &allocator;
  env.savepoint = 1;
  schat__arena_init(&env.journal_arena, &allocator, SIZE_MAX);
  if (schat__item_new(&env, &slot, SCHAT__OUTBOX, 1, 16, &item) != SCHAT_OK) return -1;
  schat__journal_settle(&env);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  env.savepoint++;
  assert_int_equal(schat__item_remove(&env, &slot, item), SCHAT_OK);
  schat__journal_settle(&env);
  schat__lists_forget_spare(&env);
  schat__free(env.mem, env.journal, env.journal_capacity * sizeof *env.journal);
  schat__arena_free(&env.journal_arena);
  assert_int_equal(blocks, 0);
  return 0;
}

static void replace(size_t size, uint8_t with) {
  env.savepoint++;
  assert_int_equal(schat__item_replace(&env, &slot, item, size), SCHAT_OK);
  assert_int_equal(item->size, size);
  memset(item->data, with, size);
}

static void what_is_replaced_again_and_again_is_given_back(void **state) {
  long before;
  (void)state;
  replace(32, 7); /* stands beside the item from now on */
  schat__journal_settle(&env);
  before = blocks;
  for (size_t size = 64; size < 320; size += 32) {
    replace(size, 7);
    schat__journal_settle(&env);
    assert_int_equal(blocks, before);
  }
}

static void what_is_undone_is_as_before(void **state) {
  schat__mark mark;
  long before;
  (void)state;
  replace(64, 1);
  schat__journal_settle(&env);
  before = blocks;
  schat__mark_set(&env, &mark);
  replace(48, 2);
  schat__mark_undo(&env, &mark);
  assert_int_equal(item->size, 64);
  assert_int_equal(item->data[63], 1);
  assert_true(blocks <= before + 2); /* the journal's own are kept */
}

static void no_item_has_a_size_that_a_record_cannot_name(void **state) {
  schat__item *other = NULL;
  (void)state;
  env.savepoint++;
  assert_int_equal(schat__item_replace(&env, &slot, item, 0), SCHAT_E_TOO_LARGE);
#if SIZE_MAX > UINT32_MAX
  assert_int_equal(schat__item_replace(&env, &slot, item, (size_t)UINT32_MAX + 1), SCHAT_E_TOO_LARGE);
  assert_int_equal(schat__item_new(&env, &slot, SCHAT__OUTBOX, 2, (size_t)UINT32_MAX + 1, &other), SCHAT_E_NOMEM);
#endif
  assert_null(other);
  assert_int_equal(schat__item_new(&env, &slot, SCHAT__OUTBOX, 1, 16, &other), SCHAT_E_EXISTS);
  assert_int_equal(schat__count(&slot, SCHAT__OUTBOX), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_is_replaced_again_and_again_is_given_back, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_undone_is_as_before, set_up, tear_down),
      cmocka_unit_test_setup_teardown(no_item_has_a_size_that_a_record_cannot_name, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
