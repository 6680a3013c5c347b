/* SPDX-License-Identifier: BSL-1.0
 * test_memstore.c - the store that other tests rely on does what it says. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <string.h>

#include "memstore.h"

static schat_record record_of(uint32_t kind, int32_t chat_id, int64_t key, const char *value) {
  schat_record r;
  r.kind = kind;
  r.chat_id = chat_id;
  r.key = key;
  r.value.data = (const uint8_t *)value;
  r.value.size = value == NULL ? 0 : strlen(value);
  return r;
}

static int commit_many(memstore *m, uint64_t ticket, const schat_record *records, size_t count) {
  schat_batch batch;
  SCHAT_INIT(batch);
  batch.ticket = ticket;
  batch.generation = ticket;
  batch.records = records;
  batch.record_count = count;
  return memstore_store(m)->commit(memstore_store(m)->user_data, &batch);
}

static int commit_one(memstore *m, uint64_t ticket, uint32_t kind, int32_t chat_id, int64_t key, const char *value) {
  const schat_record r = record_of(kind, chat_id, key, value);
  return commit_many(m, ticket, &r, 1);
}

static void assert_value(const memstore *m, uint32_t kind, int32_t chat_id, int64_t key, const char *value) {
  schat_record r;
  if (value == NULL) {
    assert_false(memstore_get(m, kind, chat_id, key, &r));
    return;
  }
  assert_true(memstore_get(m, kind, chat_id, key, &r));
  assert_int_equal(r.value.size, strlen(value));
  assert_memory_equal(r.value.data, value, r.value.size);
}

typedef struct {
  schat_record seen[8];
  size_t count, stop_at;
} seen_records;

static int see(void *arg, const schat_record *record) {
  seen_records *s = arg;
  s->seen[s->count++] = *record;
  return s->count == s->stop_at ? 42 : 0;
}

static int scan(memstore *m, seen_records *s) {
  return memstore_store(m)->scan(memstore_store(m)->user_data, see, s);
}

static void a_record_is_set_replaced_and_removed(void **state) {
  memstore *m = memstore_new();
  (void)state;
  assert_int_equal(commit_one(m, 1, 2, -7, 5, "one"), SCHAT_OK);
  assert_value(m, 2, -7, 5, "one");
  assert_int_equal(commit_one(m, 2, 2, -7, 5, "another"), SCHAT_OK);
  assert_value(m, 2, -7, 5, "another");
  assert_value(m, 2, 7, 5, NULL);
  assert_int_equal(commit_one(m, 3, 2, -7, 5, NULL), SCHAT_OK);
  assert_value(m, 2, -7, 5, NULL);
  assert_int_equal(commit_one(m, 4, 2, -7, 5, NULL), SCHAT_OK);
  assert_int_equal(memstore_count(m, 0), 0);
  assert_int_equal(memstore_commits(m), 4);
  memstore_free(m);
}

static void records_are_kept_and_scanned_in_the_order_of_their_names(void **state) {
  static const int32_t chats[] = {3, INT32_MIN, -1, INT32_MAX, 0};
  memstore *m = memstore_new();
  seen_records forward = {.count = 0}, backward = {.count = 0};
  size_t i;
  (void)state;
  for (i = 0; i < 5; i++) assert_int_equal(commit_one(m, i + 1, 2, chats[i], (int64_t)i - 2, "v"), SCHAT_OK);
  assert_int_equal(commit_one(m, 6, 1, 9, 9, "v"), SCHAT_OK);
  assert_int_equal(scan(m, &forward), SCHAT_OK);
  memstore_reverse(m, 1);
  assert_int_equal(scan(m, &backward), SCHAT_OK);
  assert_int_equal(forward.count, 6);
  assert_int_equal(forward.seen[0].kind, 1);
  for (i = 2; i < 6; i++) assert_true(forward.seen[i - 1].chat_id < forward.seen[i].chat_id);
  for (i = 0; i < 6; i++) assert_int_equal(forward.seen[i].chat_id, backward.seen[5 - i].chat_id);
  assert_int_equal(memstore_scans(m), 2);
  memstore_free(m);
}

static void a_scan_ends_where_its_caller_says(void **state) {
  memstore *m = memstore_new();
  seen_records s = {.stop_at = 2};
  int64_t i;
  (void)state;
  for (i = 0; i < 4; i++) commit_one(m, (uint64_t)i + 1, 2, 1, i, "v");
  assert_int_equal(scan(m, &s), 42);
  assert_int_equal(s.count, 2);
  memstore_free(m);
}

static void the_nth_commit_fails_once_and_stores_nothing(void **state) {
  memstore *m = memstore_new();
  (void)state;
  memstore_fail_commit(m, 2, SCHAT_E_FULL, 0);
  assert_int_equal(commit_one(m, 1, 2, 1, 1, "a"), SCHAT_OK);
  assert_int_equal(commit_one(m, 2, 2, 1, 2, "b"), SCHAT_E_FULL);
  assert_value(m, 2, 1, 2, NULL);
  assert_int_equal(commit_one(m, 3, 2, 1, 3, "c"), SCHAT_OK);
  assert_int_equal(memstore_refused(m), 1);
  assert_int_equal(memstore_count(m, 2), 2);
  memstore_free(m);
}

static void a_commit_can_fail_for_ever(void **state) {
  memstore *m = memstore_new();
  int i;
  (void)state;
  memstore_fail_commit(m, 1, SCHAT_E_STORE, 1);
  for (i = 0; i < 3; i++) assert_int_equal(commit_one(m, 1, 2, 1, 1, "a"), SCHAT_E_STORE);
  memstore_fail_commit(m, 0, 0, 0);
  assert_int_equal(commit_one(m, 1, 2, 1, 1, "a"), SCHAT_OK);
  memstore_free(m);
}

static void a_scan_can_fail_half_way(void **state) {
  memstore *m = memstore_new();
  seen_records s = {.count = 0};
  int64_t i;
  (void)state;
  for (i = 0; i < 4; i++) commit_one(m, (uint64_t)i + 1, 2, 1, i, "v");
  memstore_fail_scan(m, 1, SCHAT_E_CORRUPT, 0);
  assert_int_equal(scan(m, &s), SCHAT_E_CORRUPT);
  assert_int_equal(s.count, 2);
  s.count = 0;
  assert_int_equal(scan(m, &s), SCHAT_OK);
  assert_int_equal(s.count, 4);
  memstore_free(m);
}

static void pending_batches_take_effect_in_order_when_completed(void **state) {
  memstore *m = memstore_new();
  (void)state;
  memstore_set_pending(m, 1);
  assert_int_equal(commit_one(m, 7, 2, 1, 1, "a"), SCHAT_PENDING);
  assert_int_equal(commit_one(m, 8, 2, 1, 1, "b"), SCHAT_PENDING);
  assert_int_equal(memstore_pending(m), 2);
  assert_value(m, 2, 1, 1, NULL);
  assert_int_equal(memstore_find(m, "a", 1), 1);
  assert_int_equal(memstore_complete(m, SCHAT_OK), 7);
  assert_value(m, 2, 1, 1, "a");
  assert_int_equal(memstore_complete(m, SCHAT_E_STORE), 8);
  assert_value(m, 2, 1, 1, "a");
  assert_int_equal(memstore_complete(m, SCHAT_OK), 0);
  memstore_free(m);
}

static void a_clone_is_equal_and_independent(void **state) {
  memstore *m = memstore_new(), *clone;
  (void)state;
  commit_one(m, 1, 2, 1, 1, "a");
  memstore_set_pending(m, 1);
  commit_one(m, 2, 2, 1, 2, "lost");
  clone = memstore_clone(m);
  assert_true(memstore_equal(m, clone));
  assert_int_equal(memstore_pending(clone), 0);
  assert_int_equal(commit_one(clone, 3, 2, 1, 1, "b"), SCHAT_OK);
  assert_false(memstore_equal(m, clone));
  assert_value(m, 2, 1, 1, "a");
  memstore_free(m);
  memstore_free(clone);
}

static void a_crash_keeps_a_prefix_of_the_commits(void **state) {
  size_t keep;
  (void)state;
  for (keep = 0; keep <= 4; keep++) {
    memstore *m = memstore_new();
    commit_one(m, 1, 2, 1, 1, "synced");
    memstore_sync(m);
    commit_one(m, 2, 2, 1, 1, "second");
    commit_one(m, 3, 2, 1, 2, "third");
    commit_one(m, 4, 2, 1, 1, NULL);
    assert_int_equal(memstore_unsynced(m), 3);
    memstore_drop_unsynced(m, keep);
    assert_int_equal(memstore_unsynced(m), keep < 3 ? keep : 3);
    assert_value(m, 2, 1, 1, keep == 0 ? "synced" : keep < 3 ? "second" : NULL);
    assert_value(m, 2, 1, 2, keep < 2 ? NULL : "third");
    memstore_free(m);
  }
}

static void a_generation_counter_does_not_go_back_with_the_image(void **state) {
  memstore *m = memstore_new(), *clone;
  (void)state;
  assert_null(memstore_store(m)->generation);
  memstore_count_generations(m);
  commit_one(m, 1, 2, 1, 1, "a");
  commit_one(m, 5, 2, 1, 1, "b");
  memstore_drop_unsynced(m, 1);
  assert_int_equal(memstore_store(m)->generation(memstore_store(m)->user_data), 5);
  clone = memstore_clone(m);
  assert_int_equal(memstore_store(clone)->generation(memstore_store(clone)->user_data), 5);
  memstore_free(clone);
  memstore_free(m);
}

static void damage_changes_exactly_what_was_named(void **state) {
  memstore *m = memstore_new(), *clone;
  schat_record r;
  (void)state;
  commit_one(m, 1, 2, 1, 1, "abc");
  commit_one(m, 2, 2, 1, 2, "abc");
  clone = memstore_clone(m);
  memstore_flip_bit(m, 1, 8);
  assert_value(m, 2, 1, 1, "abc");
  assert_value(m, 2, 1, 2, "acc");
  assert_false(memstore_equal(m, clone));
  memstore_flip_bit(m, 1, 8);
  assert_true(memstore_equal(m, clone));
  memstore_truncate(m, 0, 1);
  assert_value(m, 2, 1, 1, "a");
  assert_false(memstore_equal(m, clone));
  r = record_of(2, 1, 2, NULL);
  memstore_put(m, &r);
  assert_int_equal(memstore_count(m, 0), 1);
  assert_false(memstore_record(m, 1, &r));
  memstore_free(m);
  memstore_free(clone);
}

static void bytes_are_found_wherever_they_stand_in_a_value(void **state) {
  memstore *m = memstore_new();
  (void)state;
  commit_one(m, 1, 2, 1, 1, "xxcanary");
  commit_one(m, 2, 3, 1, 1, "canarycanary");
  assert_int_equal(memstore_find(m, "canary", 6), 3);
  assert_int_equal(memstore_find(m, "Canary", 6), 0);
  assert_int_equal(memstore_find(m, "", 0), 0);
  memstore_free(m);
}

typedef struct {
  int before, after;
  size_t records_before, records_after;
} hook_log;

static void log_commit(void *arg, memstore *m, const schat_batch *batch, int stored) {
  hook_log *log = arg;
  assert_int_equal(batch->record_count, 1);
  if (stored) {
    log->after++;
    log->records_after = memstore_count(m, 0);
  } else {
    log->before++;
    log->records_before = memstore_count(m, 0);
  }
}

static void the_hook_sees_the_image_before_and_after(void **state) {
  memstore *m = memstore_new();
  hook_log log = {.before = 0};
  (void)state;
  memstore_on_commit(m, log_commit, &log);
  commit_one(m, 1, 2, 1, 1, "a");
  assert_int_equal(log.before, 1);
  assert_int_equal(log.after, 1);
  assert_int_equal(log.records_before, 0);
  assert_int_equal(log.records_after, 1);
  memstore_fail_commit(m, 1, SCHAT_E_STORE, 0);
  commit_one(m, 2, 2, 1, 2, "b");
  assert_int_equal(log.before, 2);
  assert_int_equal(log.after, 1);
  memstore_free(m);
}

static int commit_event(memstore *m, uint64_t id, const char *text) {
  schat_message message;
  schat_event event;
  schat_batch batch;
  schat_message_init(&message);
  message.text.data = (const uint8_t *)text;
  message.text.size = strlen(text);
  SCHAT_INIT(event);
  event.type = SCHAT_EVENT_MESSAGE;
  event.id = id;
  event.message = &message;
  SCHAT_INIT(batch);
  batch.ticket = id;
  batch.events = &event;
  batch.event_count = 1;
  return memstore_store(m)->commit(memstore_store(m)->user_data, &batch);
}

static void events_are_captured_with_the_commits_that_last(void **state) {
  memstore *m = memstore_new();
  (void)state;
  assert_int_equal(commit_event(m, 1, "hello"), SCHAT_OK);
  memstore_sync(m);
  assert_int_equal(commit_event(m, 2, "lost"), SCHAT_OK);
  memstore_fail_commit(m, 1, SCHAT_E_STORE, 0);
  assert_int_equal(commit_event(m, 3, "refused"), SCHAT_E_STORE);
  assert_int_equal(memstore_event_count(m), 2);
  memstore_drop_unsynced(m, 0);
  assert_int_equal(memstore_event_count(m), 1);
  assert_int_equal(memstore_event_at(m, 0)->type, SCHAT_EVENT_MESSAGE);
  assert_int_equal(memstore_event_at(m, 0)->id, 1);
  assert_string_equal(memstore_event_at(m, 0)->text, "hello");
  assert_null(memstore_event_at(m, 1));
  memstore_free(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_record_is_set_replaced_and_removed),
      cmocka_unit_test(records_are_kept_and_scanned_in_the_order_of_their_names),
      cmocka_unit_test(a_scan_ends_where_its_caller_says),
      cmocka_unit_test(the_nth_commit_fails_once_and_stores_nothing),
      cmocka_unit_test(a_commit_can_fail_for_ever),
      cmocka_unit_test(a_scan_can_fail_half_way),
      cmocka_unit_test(pending_batches_take_effect_in_order_when_completed),
      cmocka_unit_test(a_clone_is_equal_and_independent),
      cmocka_unit_test(a_crash_keeps_a_prefix_of_the_commits),
      cmocka_unit_test(a_generation_counter_does_not_go_back_with_the_image),
      cmocka_unit_test(damage_changes_exactly_what_was_named),
      cmocka_unit_test(bytes_are_found_wherever_they_stand_in_a_value),
      cmocka_unit_test(the_hook_sees_the_image_before_and_after),
      cmocka_unit_test(events_are_captured_with_the_commits_that_last),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
