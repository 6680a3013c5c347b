/* SPDX-License-Identifier: BSL-1.0
 * test_sqlite_refuses.c - every call into SQLite fails once, with each of its results: the store says which failure it was, holds what it
 * held before, and serves again.
 *
 * The functions of SQLite that src/sqlite calls are defined here anew: the program's own definition is taken before a shared library's. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* RTLD_NEXT, syscall */
#endif
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sqlite3.h>

#include "faultvfs.h"
#include "scratch.h"
#include "secretchat/sqlite.h"

/* Refusing ----------------------------------------------------------------------------------------------------------------------- */

static long calls, fails_at; /* calls so far; the one that fails, counted from 1; 0: none */
static const char *fails_in; /* only calls of this function count; NULL: of all that give a result */
static int result, error;    /* what it gives, and errno */
static int inside, within;   /* the store is at work; a function of SQLite is, and calls others */

static int refuses(const char *name) {
  if (!inside || within || (fails_in != NULL && strcmp(fails_in, name) != 0)) return 0;
  if (++calls != fails_at) return 0;
  errno = error;
  return 1;
}

static void find(const char *name, void *real, size_t size) {
  void *found = dlsym(RTLD_NEXT, name);
  assert_non_null(found);
  memcpy(real, &found, size);
}

#define REFUSING(type, name, failure, parameters, arguments) \
  type name parameters {                                     \
    static type(*real) parameters;                           \
    type given;                                              \
    if (real == NULL) find(#name, &real, sizeof real);       \
    if (refuses(#name)) return failure;                      \
    within++;                                                \
    given = real arguments;                                  \
    within--;                                                \
    return given;                                            \
  }
/* Without results: these fail by giving nothing, and only where a test says so. */
#define GIVING_NOTHING(type, name, parameters, arguments)              \
  type name parameters {                                               \
    static type(*real) parameters;                                     \
    if (real == NULL) find(#name, &real, sizeof real);                 \
    return fails_in != NULL && refuses(#name) ? NULL : real arguments; \
  }

typedef int (*row_fn)(void *, int, char **, char **);

REFUSING(int, sqlite3_prepare_v2, result, (sqlite3 * db, const char *sql, int size, sqlite3_stmt **s, const char **rest),
         (db, sql, size, s, rest))
REFUSING(int, sqlite3_prepare_v3, result, (sqlite3 * db, const char *sql, int size, unsigned flags, sqlite3_stmt **s, const char **rest),
         (db, sql, size, flags, s, rest))
REFUSING(int, sqlite3_step, result, (sqlite3_stmt * s), (s))
REFUSING(int, sqlite3_bind_int64, result, (sqlite3_stmt * s, int at, sqlite3_int64 value), (s, at, value))
REFUSING(int, sqlite3_bind_blob64, result, (sqlite3_stmt * s, int at, const void *data, sqlite3_uint64 size, void (*end)(void *)),
         (s, at, data, size, end))
REFUSING(int, sqlite3_exec, result, (sqlite3 * db, const char *sql, row_fn row, void *arg, char **text), (db, sql, row, arg, text))
REFUSING(int, sqlite3_wal_checkpoint_v2, result, (sqlite3 * db, const char *name, int mode, int *log, int *done),
         (db, name, mode, log, done))
REFUSING(int, sqlite3_file_control, result, (sqlite3 * db, const char *name, int what, void *arg), (db, name, what, arg))
REFUSING(int, sqlite3_open_v2, result, (const char *path, sqlite3 **db, int flags, const char *vfs), (path, db, flags, vfs))
GIVING_NOTHING(const unsigned char *, sqlite3_column_text, (sqlite3_stmt * s, int at), (s, at))
GIVING_NOTHING(void *, sqlite3_malloc, (int size), (size))
GIVING_NOTHING(sqlite3_vfs *, sqlite3_vfs_find, (const char *name), (name))

char *sqlite3_mprintf(const char *format, ...) {
  char *made;
  va_list arguments;
  if (fails_in != NULL && refuses("sqlite3_mprintf")) return NULL;
  va_start(arguments, format);
  made = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  return made;
}

/* The system's error is the one of the call that was refused. */
int sqlite3_system_errno(sqlite3 *db) {
  (void)db;
  return 0;
}

int open(const char *name, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  if (fails_in != NULL && refuses("open")) return -1;
  return (int)syscall(SYS_openat, AT_FDCWD, name, flags, mode);
}

/* The store ------------------------------------------------------------------------------------------------------------------------- */

static char directory[SCRATCH_SIZE], path[300], counter[300];

static int set_up(void **state) {
  (void)state;
  if (!scratch_folder(directory, "schat-sqlite")) return -1;
  snprintf(path, sizeof path, "%s/store.db", directory);
  snprintf(counter, sizeof counter, "%s/counter", directory);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  fails_at = 0;
  if (schat_sqlite_destroy(path, counter) != SCHAT_OK) return -1;
  return rmdir(directory);
}

static int try_open(schat_sqlite **db) {
  schat_sqlite_options options;
  int status;
  SCHAT_INIT(options);
  options.generation_path = counter;
  options.flags = SCHAT_SQLITE_QUICK_CHECK;
  *db = NULL;
  calls = 0;
  inside = 1;
  status = schat_sqlite_open(path, &options, db);
  inside = 0;
  assert_true((status == SCHAT_OK) == (*db != NULL));
  return status;
}

static int try_commit(schat_sqlite *db, uint64_t generation, const char *value) {
  const schat_record records[] = {{SCHAT_RECORD_KEYS, 2, 3, {(const uint8_t *)value, strlen(value)}},
                                  {SCHAT_RECORD_CHAT, 2, 0, {(const uint8_t *)value, strlen(value)}},
                                  {SCHAT_RECORD_EVENT, 2, 9, {NULL, 0}}};
  schat_batch batch;
  int status;
  SCHAT_INIT(batch);
  batch.ticket = batch.generation = generation;
  batch.records = records;
  batch.record_count = 3;
  calls = 0;
  inside = 1;
  status = schat_sqlite_store(db)->commit(schat_sqlite_store(db)->user_data, &batch);
  inside = 0;
  return status;
}

static int read_one(void *arg, const schat_record *record) {
  char *text = arg;
  strncat(text, (const char *)record->value.data, record->value.size);
  return SCHAT_OK;
}

static int try_scan(schat_sqlite *db, char text[64]) {
  int status;
  text[0] = '\0';
  calls = 0;
  inside = 1;
  status = schat_sqlite_store(db)->scan(schat_sqlite_store(db)->user_data, read_one, text);
  inside = 0;
  return status;
}

static void holds(schat_sqlite *db, const char *value) {
  char text[64], twice[64];
  const long later = fails_at;
  fails_at = 0;
  snprintf(twice, sizeof twice, "%s%s", value, value);
  assert_int_equal(try_scan(db, text), SCHAT_OK);
  assert_string_equal(text, twice);
  fails_at = later;
}

static schat_sqlite *open_with(const char *value) {
  schat_sqlite *db;
  fails_at = 0;
  fails_in = NULL;
  assert_int_equal(try_open(&db), SCHAT_OK);
  assert_int_equal(try_commit(db, 1, value), SCHAT_OK);
  return db;
}

static const struct {
  int result, error, status;
} failures[] = {
    {SQLITE_NOMEM, 0, SCHAT_E_NOMEM},
    {SQLITE_IOERR_NOMEM, 0, SCHAT_E_NOMEM},
    {SQLITE_BUSY, 0, SCHAT_E_BUSY},
    {SQLITE_LOCKED, 0, SCHAT_E_BUSY},
    {SQLITE_FULL, 0, SCHAT_E_FULL},
    {SQLITE_CORRUPT, 0, SCHAT_E_CORRUPT},
    {SQLITE_NOTADB, 0, SCHAT_E_CORRUPT},
    {SQLITE_TOOBIG, 0, SCHAT_E_TOO_LARGE},
    {SQLITE_IOERR_WRITE, EIO, SCHAT_E_STORE},
    {SQLITE_IOERR_WRITE, ENOSPC, SCHAT_E_FULL},
    {SQLITE_IOERR_WRITE, EDQUOT, SCHAT_E_FULL},
    {SQLITE_IOERR_WRITE, EFBIG, SCHAT_E_FULL},
    {SQLITE_CANTOPEN, 0, SCHAT_E_STORE},
};
#define FAILURES (sizeof failures / sizeof *failures)

static void choose(size_t failure) {
  result = failures[failure].result;
  error = failures[failure].error;
}

/* Tests -------------------------------------------------------------------------------------------------------------------------------- */

static void an_opening_that_fails_says_why_and_leaves_the_file(void **state) {
  schat_sqlite *db = open_with("kept");
  (void)state;
  schat_sqlite_close(db);
  assert_int_equal(try_open(&db), SCHAT_OK);
  const long all = calls;
  schat_sqlite_close(db);
  assert_true(all > 15);
  for (size_t i = 0; i < FAILURES; i++) {
    for (long n = 1; n <= all; n++) {
      choose(i);
      fails_at = n;
      assert_int_equal(try_open(&db), failures[i].status);
    }
  }
  fails_at = 0;
  assert_int_equal(try_open(&db), SCHAT_OK);
  holds(db, "kept");
  schat_sqlite_close(db);
}

/* The log is cut once the commit is durable: that it cannot be is no failure of the commit. */
static void a_commit_that_fails_says_why_and_changes_nothing(void **state) {
  schat_sqlite *db = open_with("before");
  long all;
  (void)state;
  assert_int_equal(try_commit(db, 2, "before"), SCHAT_OK);
  all = calls;
  for (size_t i = 0; i < FAILURES; i++) {
    for (long n = 1; n <= all; n++) {
      int status;
      choose(i);
      fails_at = n;
      status = try_commit(db, 3, "after");
      fails_at = 0;
      if (status == SCHAT_OK) {
        assert_true(n > all - 2);
        holds(db, "after");
      } else {
        assert_int_equal(status, failures[i].status);
        holds(db, "before");
      }
      assert_int_equal(try_commit(db, 4, "before"), SCHAT_OK);
    }
  }
  schat_sqlite_close(db);
}

static void a_scan_that_fails_says_why(void **state) {
  schat_sqlite *db = open_with("value");
  char text[64];
  (void)state;
  for (size_t i = 0; i < FAILURES; i++) {
    for (long n = 1; n <= 3; n++) {
      choose(i);
      fails_at = n;
      assert_int_equal(try_scan(db, text), failures[i].status);
      holds(db, "value");
    }
  }
  schat_sqlite_close(db);
}

/* The sync of the log, when a key has gone, needs the log's file: SQLite may have none. */
static void a_log_without_a_file_needs_no_sync(void **state) {
  schat_sqlite *db = open_with("one");
  (void)state;
  fails_in = "sqlite3_file_control";
  fails_at = 1;
  result = SQLITE_OK;
  assert_int_equal(try_commit(db, 2, "two"), SCHAT_OK);
  assert_int_equal(calls, 1);
  holds(db, "two");
  schat_sqlite_close(db);
}

static void what_gives_no_memory_or_no_answer_is_a_failure(void **state) {
  static const struct {
    const char *name;
    long most;
    int status;
  } cases[] = {{"sqlite3_malloc", 1, SCHAT_E_NOMEM},
               {"sqlite3_mprintf", 6, SCHAT_E_NOMEM},
               {"sqlite3_vfs_find", 1, SCHAT_E_STORE},
               {"sqlite3_column_text", 1, SCHAT_E_STORE}};
  schat_sqlite *db = open_with("kept");
  (void)state;
  schat_sqlite_close(db);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (long n = 1; n <= cases[i].most; n++) {
      fails_in = cases[i].name;
      fails_at = n;
      assert_int_equal(try_open(&db), cases[i].status);
      assert_true(calls >= n);
    }
  }
  fails_at = 0;
  assert_int_equal(try_open(&db), SCHAT_OK);
  holds(db, "kept");
  schat_sqlite_close(db);
}

static void memory_for_the_counters_file_may_be_missing(void **state) {
  schat_sqlite *db = open_with("kept");
  int failed = 0;
  (void)state;
  schat_sqlite_close(db);
  fails_in = "sqlite3_malloc";
  for (long n = 1; n <= 3; n++) {
    int status;
    fails_at = n;
    status = try_open(&db);
    assert_true(status == SCHAT_E_NOMEM || status == SCHAT_E_STORE);
    failed++;
  }
  assert_int_equal(failed, 3);
  fails_at = 4; /* there are no more */
  assert_int_equal(try_open(&db), SCHAT_OK);
  schat_sqlite_close(db);
}

/* A value where a pragma must give one, and gives none. */
static void a_query_without_an_answer_is_a_damaged_file(void **state) {
  schat_sqlite *db = open_with("kept");
  (void)state;
  schat_sqlite_close(db);
  fails_in = "sqlite3_step";
  fails_at = 1;
  result = SQLITE_DONE;
  assert_int_equal(try_open(&db), SCHAT_E_CORRUPT);
  fails_at = 0;
  fails_in = NULL;
}

static void a_file_system_that_is_full_is_told_from_one_that_refuses(void **state) {
  static const int errors[][2] = {{ENOSPC, SCHAT_E_FULL}, {EDQUOT, SCHAT_E_FULL}, {EACCES, SCHAT_E_STORE}};
  schat_sqlite *db;
  (void)state;
  fails_in = "open";
  for (size_t i = 0; i < 3; i++) {
    fails_at = 1;
    error = errors[i][0];
    assert_int_equal(try_open(&db), errors[i][1]);
  }
  fails_at = 0;
  assert_int_equal(try_open(&db), SCHAT_OK);
  schat_sqlite_close(db);
}

static int try_destroy(void) {
  int status;
  calls = 0;
  inside = 1;
  status = schat_sqlite_destroy(path, counter);
  inside = 0;
  return status;
}

/* Files that could not be destroyed can be later. */
static void a_destruction_that_fails_says_why(void **state) {
  static const struct {
    const char *name;
    long calls;
  } cases[] = {{"sqlite3_mprintf", 3}, {"sqlite3_vfs_find", 10}, {"sqlite3_malloc", 10}};
  schat_sqlite *db = open_with("kept");
  (void)state;
  schat_sqlite_close(db);
  for (size_t i = 0; i < FAILURES; i++) {
    choose(i);
    fails_at = 1;
    fails_in = "sqlite3_open_v2"; /* the look whether somebody holds it */
    if (failures[i].status == SCHAT_E_BUSY || failures[i].status == SCHAT_E_NOMEM) {
      assert_int_equal(try_destroy(), failures[i].status);
      assert_int_equal(access(path, F_OK), 0);
    }
  }
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (long n = 1; n <= cases[i].calls; n++) {
      int status;
      schat_sqlite_close(open_with("kept"));
      fails_in = cases[i].name;
      fails_at = n;
      status = try_destroy();
      if (status == SCHAT_OK) { /* it failed over a file that was not there */
        assert_int_equal(access(path, F_OK) + access(counter, F_OK), -2);
      } else {
        assert_true(status == SCHAT_E_NOMEM || status == SCHAT_E_STORE);
      }
    }
  }
  fails_at = 0;
  assert_int_equal(try_destroy(), SCHAT_OK);
  assert_int_equal(access(path, F_OK), -1);
  assert_int_equal(access(counter, F_OK), -1);
}

/* Every byte is overwritten, and synced, before a name goes. */
static void a_large_file_that_cannot_be_synced_says_so(void **state) {
  char large[20001];
  schat_sqlite *db = open_with("kept");
  (void)state;
  memset(large, 'x', sizeof large - 1);
  large[sizeof large - 1] = '\0';
  assert_int_equal(try_commit(db, 2, large), SCHAT_OK);
  schat_sqlite_close(db);
  faultvfs_install();
  faultvfs_fail(FAULTVFS_SYNC, 1, SQLITE_IOERR_FSYNC, 1);
  assert_int_equal(try_destroy(), SCHAT_E_STORE);
  faultvfs_remove();
}

static void a_name_that_is_too_long_is_no_file(void **state) {
  char name[2000];
  schat_sqlite *db = NULL;
  schat_sqlite_options options;
  (void)state;
  memset(name, 'x', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  assert_true(schat_sqlite_open(name, NULL, &db) < 0);
  assert_null(db);
  assert_true(schat_sqlite_destroy(name, NULL) < 0);
  SCHAT_INIT(options);
  options.generation_path = name;
  assert_true(schat_sqlite_open(path, &options, &db) < 0);
  assert_null(db);
}

/* Another program's empty database is not ours to fill. */
static void an_empty_file_of_another_version_is_refused(void **state) {
  sqlite3 *raw = NULL;
  schat_sqlite *db;
  (void)state;
  assert_int_equal(sqlite3_open_v2(path, &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_exec(raw, "PRAGMA user_version = 5", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(raw);
  fails_at = 0;
  assert_int_equal(try_open(&db), SCHAT_E_CORRUPT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(an_opening_that_fails_says_why_and_leaves_the_file, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_commit_that_fails_says_why_and_changes_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_scan_that_fails_says_why, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_log_without_a_file_needs_no_sync, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_gives_no_memory_or_no_answer_is_a_failure, set_up, tear_down),
      cmocka_unit_test_setup_teardown(memory_for_the_counters_file_may_be_missing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_query_without_an_answer_is_a_damaged_file, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_file_system_that_is_full_is_told_from_one_that_refuses, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_destruction_that_fails_says_why, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_large_file_that_cannot_be_synced_says_so, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_name_that_is_too_long_is_no_file, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_empty_file_of_another_version_is_refused, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
