/* SPDX-License-Identifier: BSL-1.0
 * test_sqlite.c - the SQLite store: all or nothing, durable, private, one owner at a time, and honest about failures. */
#define _XOPEN_SOURCE 700
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "faultvfs.h"
#include "memstore.h"
#include "scratch.h"
#include "secretchat/sqlite.h"

/* A directory of its own for every test. */
static char directory[SCRATCH_SIZE], path[300], wal[310], counter[300];

static int set_up(void **state) {
  (void)state;
  if (!scratch_folder(directory, "schat-sqlite")) return -1;
  snprintf(path, sizeof path, "%s/store.db", directory);
  snprintf(wal, sizeof wal, "%s-wal", path);
  snprintf(counter, sizeof counter, "%s/counter", directory);
  return 0;
}

static int tear_down(void **state) {
  static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
  size_t i;
  char name[320];
  (void)state;
  for (i = 0; i < 4; i++) {
    snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
    unlink(name);
  }
  unlink(counter);
  return rmdir(directory);
}

static schat_sqlite *open_store(void) {
  schat_sqlite *db = NULL;
  assert_int_equal(schat_sqlite_open(path, NULL, &db), SCHAT_OK);
  return db;
}

static schat_sqlite *open_counted(void) {
  schat_sqlite *db = NULL;
  schat_sqlite_options options;
  SCHAT_INIT(options);
  options.generation_path = counter;
  assert_int_equal(schat_sqlite_open(path, &options, &db), SCHAT_OK);
  return db;
}

static schat_record record_of(uint32_t kind, int32_t chat_id, int64_t key, const char *value, size_t size) {
  schat_record r;
  r.kind = kind;
  r.chat_id = chat_id;
  r.key = key;
  r.value.data = (const uint8_t *)value;
  r.value.size = size;
  return r;
}

static int commit_batch(schat_sqlite *db, uint64_t generation, const schat_record *records, size_t count) {
  const schat_store *store = schat_sqlite_store(db);
  schat_batch batch;
  SCHAT_INIT(batch);
  batch.ticket = generation;
  batch.generation = generation;
  batch.records = records;
  batch.record_count = count;
  return store->commit(store->user_data, &batch);
}

static int commit_text(schat_sqlite *db, uint32_t kind, int64_t key, const char *text) {
  const schat_record r = record_of(kind, -5, key, text, strlen(text));
  return commit_batch(db, 1, &r, 1);
}

static int add_to(void *arg, const schat_record *record) {
  memstore_put((memstore *)arg, record);
  return 0;
}

/* What the store holds, as an image that can be compared. */
static memstore *image_of(schat_sqlite *db) {
  const schat_store *store = schat_sqlite_store(db);
  memstore *m = memstore_new();
  assert_int_equal(store->scan(store->user_data, add_to, m), SCHAT_OK);
  return m;
}

static size_t count_records(schat_sqlite *db) {
  memstore *m = image_of(db);
  const size_t n = memstore_count(m, 0);
  memstore_free(m);
  return n;
}

static void assert_text(schat_sqlite *db, uint32_t kind, int64_t key, const char *text) {
  memstore *m = image_of(db);
  schat_record r;
  if (text == NULL) {
    assert_false(memstore_get(m, kind, -5, key, &r));
  } else {
    assert_true(memstore_get(m, kind, -5, key, &r));
    assert_int_equal(r.value.size, strlen(text));
    assert_memory_equal(r.value.data, text, r.value.size);
  }
  memstore_free(m);
}

static void sql(const char *text) {
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static unsigned mode_of(const char *name) {
  struct stat st;
  return stat(name, &st) == 0 ? (unsigned)st.st_mode & 0777u : 0;
}

static int exists(const char *name) {
  return access(name, F_OK) == 0;
}

static uint8_t *read_file(const char *name, size_t *size) {
  FILE *f = fopen(name, "rb");
  uint8_t *data = NULL;
  *size = 0;
  if (f == NULL) return NULL;
  if (fseek(f, 0, SEEK_END) == 0) *size = (size_t)ftell(f);
  rewind(f);
  data = malloc(*size + 1);
  assert_non_null(data);
  assert_int_equal(fread(data, 1, *size, f), *size);
  fclose(f);
  return data;
}

static void write_file(const char *name, const uint8_t *data, size_t size) {
  FILE *f = fopen(name, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(data, 1, size, f), size);
  assert_int_equal(fclose(f), 0);
}

static size_t file_hits(const char *name, const char *needle) {
  const size_t n = strlen(needle);
  size_t size, i, hits = 0;
  uint8_t *data = read_file(name, &size);
  for (i = 0; i + n <= size; i++) hits += memcmp(data + i, needle, n) == 0;
  free(data);
  return hits;
}

/* Contents ----------------------------------------------------------------------------------------------------------------- */

static void records_survive_closing_and_opening(void **state) {
  schat_sqlite *db = open_store();
  memstore *before, *after;
  const schat_record records[] = {record_of(1, 0, 0, "account", 7), record_of(2, INT32_MIN, INT64_MIN, "low", 3),
                                  record_of(UINT32_MAX, INT32_MAX, INT64_MAX, "high\0zero", 9)};
  (void)state;
  assert_int_equal(count_records(db), 0);
  assert_int_equal(commit_batch(db, 1, records, 3), SCHAT_OK);
  before = image_of(db);
  schat_sqlite_close(db);
  db = open_store();
  after = image_of(db);
  assert_int_equal(memstore_count(after, 0), 3);
  assert_true(memstore_equal(before, after));
  memstore_free(before);
  memstore_free(after);
  schat_sqlite_close(db);
}

static void a_record_is_replaced_and_removed_by_its_name(void **state) {
  schat_sqlite *db = open_store();
  (void)state;
  assert_int_equal(commit_text(db, 2, 1, "one"), SCHAT_OK);
  assert_int_equal(commit_text(db, 2, 2, "two"), SCHAT_OK);
  assert_int_equal(commit_text(db, 2, 1, "three"), SCHAT_OK);
  assert_text(db, 2, 1, "three");
  assert_int_equal(commit_text(db, 2, 1, ""), SCHAT_OK);
  assert_int_equal(commit_text(db, 2, 9, ""), SCHAT_OK);
  assert_text(db, 2, 1, NULL);
  assert_text(db, 2, 2, "two");
  assert_int_equal(count_records(db), 1);
  schat_sqlite_close(db);
}

static int stop_at_once(void *arg, const schat_record *record) {
  (void)record;
  ++*(int *)arg;
  return 42;
}

static void a_scan_returns_what_its_caller_answers(void **state) {
  schat_sqlite *db = open_store();
  const schat_store *store = schat_sqlite_store(db);
  int calls = 0;
  (void)state;
  commit_text(db, 2, 1, "one");
  commit_text(db, 2, 2, "two");
  assert_int_equal(store->scan(store->user_data, stop_at_once, &calls), 42);
  assert_int_equal(calls, 1);
  assert_int_equal(commit_text(db, 2, 3, "three"), SCHAT_OK);
  schat_sqlite_close(db);
}

/* one transaction, however many records. */
static void a_thousand_records_are_one_transaction(void **state) {
  static schat_record records[1000];
  schat_sqlite *db;
  size_t i, syncs;
  (void)state;
  faultvfs_install();
  db = open_store();
  commit_text(db, 2, 1, "x");
  for (i = 0; i < 1000; i++) records[i] = record_of(5, 1, (int64_t)i, "a value of some length, like those of an outbox", 47);
  syncs = faultvfs_count(FAULTVFS_SYNC);
  assert_int_equal(commit_batch(db, 2, records, 1000), SCHAT_OK);
  assert_true(faultvfs_count(FAULTVFS_SYNC) - syncs >= 1);
  assert_true(faultvfs_count(FAULTVFS_SYNC) - syncs <= 3);
  assert_int_equal(count_records(db), 1001);
  schat_sqlite_close(db);
  faultvfs_remove();
}

/* nothing is durable before it is synced. */
static void every_commit_is_synced(void **state) {
  schat_sqlite *db;
  int i;
  (void)state;
  faultvfs_install();
  db = open_store();
  for (i = 0; i < 20; i++) {
    const size_t syncs = faultvfs_count(FAULTVFS_SYNC);
    assert_int_equal(commit_text(db, 2, i, "x"), SCHAT_OK);
    assert_true(faultvfs_count(FAULTVFS_SYNC) > syncs);
  }
  schat_sqlite_close(db);
  faultvfs_remove();
}

static void ten_thousand_records_are_opened_and_scanned(void **state) {
  static schat_record records[10000];
  static const char value[200] = "sealed";
  schat_sqlite *db = open_store();
  size_t i;
  (void)state;
  for (i = 0; i < 10000; i++) records[i] = record_of(5, (int32_t)(i % 100), (int64_t)i * 7919 % 10007, value, sizeof value);
  assert_int_equal(commit_batch(db, 1, records, 10000), SCHAT_OK);
  schat_sqlite_close(db);
  db = open_store();
  assert_int_equal(count_records(db), 10000);
  schat_sqlite_close(db);
}

/* Crashes ------------------------------------------------------------------------------------------------------------------ */

/* Runs `work` in a child that is killed when it returns, with everything open; 0, or the number it gave to _exit. */
static int in_child(void (*work)(void)) {
  int status = 0;
  const pid_t child = fork();
  if (child == 0) {
    work();
    raise(SIGKILL);
  }
  assert_true(child > 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void commit_and_vanish(void) {
  schat_sqlite *db = NULL;
  int64_t i;
  if (schat_sqlite_open(path, NULL, &db) != SCHAT_OK) _exit(1);
  for (i = 0; i < 50; i++) {
    if (commit_text(db, 2, i, "kept") != SCHAT_OK) _exit(2);
  }
}

/* what was committed is there after a kill at any later moment. */
static void commits_survive_a_process_that_vanishes(void **state) {
  schat_sqlite *db;
  (void)state;
  assert_int_equal(in_child(commit_and_vanish), 0);
  assert_true(exists(wal));
  db = open_store();
  assert_int_equal(count_records(db), 50);
  assert_text(db, 2, 49, "kept");
  schat_sqlite_close(db);
}

static void vanish_before_commit(void) {
  sqlite3 *db = NULL;
  if (sqlite3_open(path, &db) != SQLITE_OK) _exit(1);
  if (sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = 1; BEGIN; DELETE FROM record", NULL, NULL, NULL) != SQLITE_OK)
    _exit(2);
}

static void a_transaction_that_was_not_committed_leaves_nothing(void **state) {
  schat_sqlite *db;
  (void)state;
  assert_int_equal(in_child(commit_and_vanish), 0);
  assert_int_equal(in_child(vanish_before_commit), 0);
  db = open_store();
  assert_int_equal(count_records(db), 50);
  schat_sqlite_close(db);
}

/* A power cut tears the log at any byte: a prefix of the commits is left, and each is whole. */
static void a_torn_log_keeps_a_prefix_of_whole_commits(void **state) {
  size_t size, log_size, cut, last = 0;
  uint8_t *data, *log;
  (void)state;
  schat_sqlite_close(open_store());
  assert_int_equal(in_child(commit_and_vanish), 0);
  data = read_file(path, &size);
  log = read_file(wal, &log_size);
  for (cut = 0; cut <= log_size; cut += 1999) {
    schat_sqlite *db;
    size_t n;
    write_file(path, data, size);
    write_file(wal, log, cut);
    db = open_store();
    n = count_records(db);
    assert_true(n >= last && n <= 50);
    if (n > 0) assert_text(db, 2, (int64_t)n - 1, "kept");
    assert_text(db, 2, (int64_t)n, NULL);
    last = n;
    schat_sqlite_close(db);
  }
  assert_true(last > 40);
  free(data);
  free(log);
}

/* One owner ---------------------------------------------------------------------------------------------------------------- */

static void a_second_handle_of_the_process_is_refused(void **state) {
  schat_sqlite *db = open_store(), *second = NULL;
  (void)state;
  assert_int_equal(schat_sqlite_open(path, NULL, &second), SCHAT_E_BUSY);
  assert_null(second);
  assert_int_equal(commit_text(db, 2, 1, "mine"), SCHAT_OK);
  assert_int_equal(schat_sqlite_open(path, NULL, &second), SCHAT_E_BUSY);
  assert_int_equal(schat_sqlite_destroy(path, NULL), SCHAT_E_BUSY);
  assert_text(db, 2, 1, "mine");
  schat_sqlite_close(db);
  db = open_store();
  assert_text(db, 2, 1, "mine");
  schat_sqlite_close(db);
}

static void try_to_open(void) {
  schat_sqlite *db = NULL;
  if (schat_sqlite_open(path, NULL, &db) != SCHAT_E_BUSY) _exit(1);
}

static void a_second_process_is_refused(void **state) {
  schat_sqlite *db = open_store(), *second = NULL;
  (void)state;
  assert_int_equal(in_child(try_to_open), 0);
  /* A refused attempt of this process must not have dropped the lock against others. */
  assert_int_equal(schat_sqlite_open(path, NULL, &second), SCHAT_E_BUSY);
  commit_text(db, 2, 1, "still mine");
  assert_int_equal(in_child(try_to_open), 0);
  schat_sqlite_close(db);
}

/* Failures ----------------------------------------------------------------------------------------------------------------- */

typedef struct {
  faultvfs_operation operation;
  int rc, status;
} fault;

/* Every write, sync and truncation of a commit fails in turn, once and for ever: nothing is stored, what was there stays, and
 * afterwards commits work again. */
static void assert_faults_leave_nothing(const fault *f, int for_ever) {
  size_t n;
  for (n = 1; n < 200; n++) {
    schat_sqlite *db;
    memstore *before, *after;
    int status;
    faultvfs_install();
    db = open_store();
    assert_int_equal(commit_text(db, 2, 1, "old"), SCHAT_OK);
    before = image_of(db);
    faultvfs_fail(f->operation, n, f->rc, for_ever);
    status = commit_text(db, 2, 1, "new");
    faultvfs_fail(f->operation, 0, 0, 0);
    after = image_of(db);
    assert_int_equal(memstore_equal(before, after), status != SCHAT_OK);
    if (status != SCHAT_OK) assert_int_equal(status, f->status);
    memstore_free(before);
    memstore_free(after);
    assert_int_equal(commit_text(db, 2, 2, "later"), SCHAT_OK);
    assert_text(db, 2, 1, status == SCHAT_OK ? "new" : "old");
    schat_sqlite_close(db);
    faultvfs_remove();
    assert_int_equal(schat_sqlite_destroy(path, NULL), SCHAT_OK);
    if (status == SCHAT_OK) break;
  }
  assert_in_range(n, 2, 199);
}

static void a_full_disk_loses_nothing(void **state) {
  const fault f = {FAULTVFS_WRITE, SQLITE_FULL, SCHAT_E_FULL};
  (void)state;
  assert_faults_leave_nothing(&f, 0);
  assert_faults_leave_nothing(&f, 1);
}

static void a_failing_disk_loses_nothing(void **state) {
  const fault write = {FAULTVFS_WRITE, SQLITE_IOERR_WRITE, SCHAT_E_STORE}, sync = {FAULTVFS_SYNC, SQLITE_IOERR_FSYNC, SCHAT_E_STORE};
  (void)state;
  assert_faults_leave_nothing(&write, 0);
  assert_faults_leave_nothing(&write, 1);
  assert_faults_leave_nothing(&sync, 0);
  assert_faults_leave_nothing(&sync, 1);
}

static void fail_a_sync_and_vanish(void) {
  schat_sqlite *db = NULL;
  faultvfs_install();
  if (schat_sqlite_open(path, NULL, &db) != SCHAT_OK || commit_text(db, 2, 1, "old") != SCHAT_OK) _exit(1);
  faultvfs_fail(FAULTVFS_SYNC, 1, SQLITE_IOERR_FSYNC, 0);
  if (commit_text(db, 2, 1, "refused") != SCHAT_E_STORE) _exit(2);
}

/* A commit whose sync failed stands whole in the log. It was reported as not stored, and a crash must not bring it back. */
static void a_refused_commit_does_not_come_back_after_a_crash(void **state) {
  schat_sqlite *db;
  (void)state;
  assert_int_equal(in_child(fail_a_sync_and_vanish), 0);
  db = open_store();
  assert_text(db, 2, 1, "old");
  schat_sqlite_close(db);
}

/* While that cannot be made sure of, nothing is stored; when it can, all goes on. */
static void commits_are_refused_while_the_log_is_in_doubt(void **state) {
  schat_sqlite *db;
  (void)state;
  faultvfs_install();
  db = open_store();
  assert_int_equal(commit_text(db, 2, 1, "old"), SCHAT_OK);
  faultvfs_fail(FAULTVFS_SYNC, 1, SQLITE_IOERR_FSYNC, 1);
  faultvfs_fail(FAULTVFS_TRUNCATE, 1, SQLITE_IOERR_TRUNCATE, 1);
  assert_int_equal(commit_text(db, 2, 1, "refused"), SCHAT_E_STORE);
  faultvfs_fail(FAULTVFS_SYNC, 0, 0, 0);
  assert_int_equal(commit_text(db, 2, 1, "refused too"), SCHAT_E_STORE);
  faultvfs_fail(FAULTVFS_TRUNCATE, 0, 0, 0);
  assert_text(db, 2, 1, "old");
  assert_int_equal(commit_text(db, 2, 1, "new"), SCHAT_OK);
  assert_text(db, 2, 1, "new");
  schat_sqlite_close(db);
  faultvfs_remove();
}

/* A log that was cut, and not synced since, may be whole again after a loss of power: the doubt stays. */
static void a_cut_that_is_not_synced_settles_nothing(void **state) {
  schat_sqlite *db;
  (void)state;
  faultvfs_install();
  db = open_store();
  assert_int_equal(commit_text(db, SCHAT_RECORD_KEYS, 1, "old"), SCHAT_OK); /* the log is empty: cutting it moves nothing */
  faultvfs_fail(FAULTVFS_SYNC, 1, SQLITE_IOERR_FSYNC, 1);
  assert_int_equal(commit_text(db, 2, 1, "refused"), SCHAT_E_STORE);
  faultvfs_fail(FAULTVFS_SYNC, 0, 0, 0);
  faultvfs_fail(FAULTVFS_TRUNCATE, 1, SQLITE_IOERR_TRUNCATE, 1);
  assert_int_equal(commit_text(db, 2, 1, "refused too"), SCHAT_E_STORE);
  faultvfs_fail(FAULTVFS_TRUNCATE, 0, 0, 0);
  assert_int_equal(commit_text(db, 2, 1, "new"), SCHAT_OK);
  assert_text(db, 2, 1, "new");
  schat_sqlite_close(db);
  faultvfs_remove();
}

/* Opening fails at its every operation, and leaves a file that opens. */
static void a_failed_opening_is_a_status_and_changes_nothing(void **state) {
  static const fault faults[] = {{FAULTVFS_READ, SQLITE_IOERR_READ, 0},  {FAULTVFS_WRITE, SQLITE_IOERR_WRITE, 0},
                                 {FAULTVFS_SYNC, SQLITE_IOERR_FSYNC, 0}, {FAULTVFS_OPEN, SQLITE_CANTOPEN, 0},
                                 {FAULTVFS_WRITE, SQLITE_FULL, 0},       {FAULTVFS_READ, SQLITE_IOERR_NOMEM, 0}};
  size_t i, n;
  (void)state;
  for (i = 0; i < sizeof faults / sizeof faults[0]; i++) {
    int status = SCHAT_E_STORE;
    for (n = 1; n < 100 && status != SCHAT_OK; n++) {
      schat_sqlite *db = NULL;
      assert_int_equal(in_child(commit_and_vanish), 0);
      faultvfs_install();
      faultvfs_fail(faults[i].operation, n, faults[i].rc, 0);
      status = schat_sqlite_open(path, NULL, &db);
      assert_true(status <= 0);
      assert_int_equal(db == NULL, status != SCHAT_OK);
      schat_sqlite_close(db);
      faultvfs_remove();
      db = open_store();
      assert_int_equal(count_records(db), 50);
      schat_sqlite_close(db);
    }
    assert_int_equal(status, SCHAT_OK);
  }
}

static void fill_up_to_a_limit(void) {
  static const char big[20000] = {'x'};
  struct rlimit limit;
  schat_sqlite *db = NULL;
  int64_t i;
  int status = SCHAT_OK;
  signal(SIGXFSZ, SIG_IGN);
  limit.rlim_cur = limit.rlim_max = 300000;
  if (schat_sqlite_open(path, NULL, &db) != SCHAT_OK || setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(1);
  for (i = 0; i < 100 && status == SCHAT_OK; i++) {
    const schat_record r = record_of(5, 1, i, big, sizeof big);
    status = commit_batch(db, (uint64_t)i + 1, &r, 1);
  }
  if (status != SCHAT_E_FULL || i < 5) _exit(2);
  if (count_records(db) != (size_t)i - 1) _exit(3);
}

static void a_limit_of_the_system_on_file_size_is_a_full_disk(void **state) {
  schat_sqlite *db;
  (void)state;
  assert_int_equal(in_child(fill_up_to_a_limit), 0);
  db = open_store();
  assert_true(count_records(db) >= 4);
  assert_int_equal(commit_text(db, 2, 1, "room again"), SCHAT_OK);
  schat_sqlite_close(db);
}

static void a_scan_that_cannot_read_says_so(void **state) {
  static const char big[200000] = {'x'};
  const schat_record r = record_of(5, 1, 1, big, sizeof big);
  const schat_store *store;
  schat_sqlite *db;
  memstore *m = memstore_new();
  (void)state;
  db = open_store();
  assert_int_equal(commit_batch(db, 1, &r, 1), SCHAT_OK);
  schat_sqlite_close(db);
  faultvfs_install();
  db = open_store();
  store = schat_sqlite_store(db);
  faultvfs_fail(FAULTVFS_READ, 3, SQLITE_IOERR_READ, 0);
  assert_int_equal(store->scan(store->user_data, add_to, m), SCHAT_E_STORE);
  assert_int_equal(store->scan(store->user_data, add_to, m), SCHAT_OK);
  assert_int_equal(memstore_count(m, 0), 1);
  memstore_free(m);
  schat_sqlite_close(db);
  faultvfs_remove();
}

/* Damage ------------------------------------------------------------------------------------------------------------------- */

static int count_only(void *arg, const schat_record *record) {
  assert_true(record->value.size > 0);
  ++*(size_t *)arg;
  return 0;
}

/* Any damage is a status; no record without bytes, no crash. What stands in a value is for the seal to find. */
static void damaged_bytes_anywhere_are_a_status(void **state) {
  schat_sqlite *db = open_store();
  uint8_t *data;
  size_t size, i, refused = 0;
  schat_sqlite_options options;
  (void)state;
  for (i = 0; i < 60; i++) commit_text(db, 2, (int64_t)i, "some value that takes a little room");
  schat_sqlite_close(db);
  data = read_file(path, &size);
  SCHAT_INIT(options);
  for (i = 0; i < size; i += i < 200 ? 1 : 37) {
    size_t count = 0;
    int status;
    db = NULL;
    data[i] ^= 0xff;
    write_file(path, data, size);
    options.flags = i % 2 ? SCHAT_SQLITE_QUICK_CHECK : 0;
    status = schat_sqlite_open(path, &options, &db);
    if (status == SCHAT_OK) status = schat_sqlite_store(db)->scan(schat_sqlite_store(db)->user_data, count_only, &count);
    assert_true(status == SCHAT_OK || status == SCHAT_E_CORRUPT || status == SCHAT_E_VERSION || status == SCHAT_E_STORE ||
                status == SCHAT_E_FULL);
    refused += status != SCHAT_OK;
    schat_sqlite_close(db);
    unlink(wal);
    data[i] ^= 0xff;
  }
  assert_true(refused > 50);
  write_file(path, data, size);
  db = open_store();
  assert_int_equal(count_records(db), 60);
  schat_sqlite_close(db);
  free(data);
}

static void a_shortened_file_is_refused(void **state) {
  schat_sqlite *db = open_store(), *again = NULL;
  schat_sqlite_options options;
  uint8_t *data;
  size_t size, i;
  (void)state;
  for (i = 0; i < 500; i++) commit_text(db, 2, (int64_t)i, "some value that takes a little room");
  schat_sqlite_close(db);
  data = read_file(path, &size);
  SCHAT_INIT(options);
  options.flags = SCHAT_SQLITE_QUICK_CHECK;
  write_file(path, data, size / 2 / 4096 * 4096);
  assert_int_equal(schat_sqlite_open(path, &options, &again), SCHAT_E_CORRUPT);
  write_file(path, data, 100);
  assert_int_equal(schat_sqlite_open(path, &options, &again), SCHAT_E_CORRUPT);
  assert_null(again);
  free(data);
}

static void a_file_that_is_no_database_is_refused_and_left_alone(void **state) {
  static const uint8_t text[] = "This is a letter, not a database, and it must not be touched.";
  schat_sqlite *db = NULL;
  uint8_t *data;
  size_t size;
  (void)state;
  write_file(path, text, sizeof text);
  assert_int_equal(schat_sqlite_open(path, NULL, &db), SCHAT_E_CORRUPT);
  data = read_file(path, &size);
  assert_int_equal(size, sizeof text);
  assert_memory_equal(data, text, size);
  free(data);
}

static void a_database_of_another_program_is_refused_and_left_alone(void **state) {
  schat_sqlite *db = NULL;
  uint8_t *before, *after;
  size_t size, after_size;
  (void)state;
  sql("CREATE TABLE notes (text); INSERT INTO notes VALUES ('theirs')");
  before = read_file(path, &size);
  assert_int_equal(schat_sqlite_open(path, NULL, &db), SCHAT_E_CORRUPT);
  after = read_file(path, &after_size);
  assert_int_equal(size, after_size);
  assert_memory_equal(before, after, size);
  assert_false(exists(wal));
  free(before);
  free(after);
}

static void a_newer_schema_is_refused_and_an_impossible_one_too(void **state) {
  schat_sqlite *db = NULL;
  (void)state;
  schat_sqlite_close(open_store());
  sql("PRAGMA user_version = 2");
  assert_int_equal(schat_sqlite_open(path, NULL, &db), SCHAT_E_VERSION);
  sql("PRAGMA user_version = 0");
  assert_int_equal(schat_sqlite_open(path, NULL, &db), SCHAT_E_CORRUPT);
  sql("PRAGMA user_version = 1; DROP TABLE record; CREATE TABLE record (something)");
  assert_int_equal(schat_sqlite_open(path, NULL, &db), SCHAT_E_CORRUPT);
  assert_null(db);
}

static void a_row_this_store_cannot_have_written_is_corruption(void **state) {
  static const char *const rows[] = {"(-1, 1, 1, x'00')",          "(4294967296, 1, 1, x'00')", "(1, 2147483648, 1, x'00')",
                                     "(1, -2147483649, 1, x'00')", "(1, 1, 1, 'text')",         "(1, 1, 1, x'')",
                                     "(1, 1, 1.5, x'00')"};
  char text[200];
  size_t i;
  (void)state;
  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const schat_store *store;
    schat_sqlite *db;
    size_t count = 0;
    schat_sqlite_close(open_store());
    snprintf(text, sizeof text, "DELETE FROM record; INSERT INTO record VALUES %s", rows[i]);
    sql(text);
    db = open_store();
    store = schat_sqlite_store(db);
    assert_int_equal(store->scan(store->user_data, count_only, &count), SCHAT_E_CORRUPT);
    assert_int_equal(count, 0);
    schat_sqlite_close(db);
  }
}

/* A file is input: a trigger that someone put into it does not run. */
static void nothing_stored_in_the_schema_runs(void **state) {
  schat_sqlite *db;
  (void)state;
  schat_sqlite_close(open_store());
  sql("CREATE TRIGGER t AFTER INSERT ON record BEGIN DELETE FROM record; END");
  db = open_store();
  assert_int_equal(commit_text(db, 2, 1, "stays"), SCHAT_OK);
  assert_text(db, 2, 1, "stays");
  schat_sqlite_close(db);
}

/* Privacy ------------------------------------------------------------------------------------------------------------------ */

static void files_are_for_their_owner_only(void **state) {
  const mode_t old = umask(0);
  schat_sqlite *db = open_counted();
  (void)state;
  commit_text(db, 2, 1, "x");
  assert_int_equal(mode_of(path), 0600);
  assert_int_equal(mode_of(wal), 0600);
  assert_int_equal(mode_of(counter), 0600);
  schat_sqlite_close(db);
  umask(old);
}

static void open_modes_of_an_older_file_are_narrowed(void **state) {
  schat_sqlite *db;
  (void)state;
  assert_int_equal(in_child(commit_and_vanish), 0);
  assert_int_equal(chmod(path, 0644), 0);
  assert_int_equal(chmod(wal, 0666), 0);
  db = open_store();
  assert_int_equal(mode_of(path), 0600);
  assert_int_equal(mode_of(wal), 0600);
  assert_int_equal(count_records(db), 50);
  schat_sqlite_close(db);
}

/* R-TTL-05: a removed value is overwritten in the file, not only unlinked. */
static void removed_values_are_overwritten(void **state) {
  schat_sqlite *db = open_store();
  (void)state;
  assert_int_equal(commit_text(db, 5, 1, "canary-of-a-value"), SCHAT_OK);
  schat_sqlite_close(db);
  assert_int_equal(file_hits(path, "canary-of-a-value"), 1);
  db = open_store();
  assert_int_equal(commit_text(db, 5, 1, ""), SCHAT_OK);
  schat_sqlite_close(db);
  assert_int_equal(file_hits(path, "canary-of-a-value"), 0);
}

/* R-PFS-03, R-PFS-16: a replaced key is gone from file and log in the commit that replaces it. */
static void a_replaced_key_is_gone_with_its_commit(void **state) {
  schat_sqlite *db = open_store();
  (void)state;
  assert_int_equal(commit_text(db, 5, 1, "canary-of-a-message"), SCHAT_OK);
  assert_int_equal(commit_text(db, SCHAT_RECORD_KEYS, 1, "canary-of-a-key"), SCHAT_OK);
  assert_int_equal(file_hits(path, "canary-of-a-key") + file_hits(wal, "canary-of-a-key"), 1);
  assert_int_equal(commit_text(db, SCHAT_RECORD_KEYS, 1, "its successor"), SCHAT_OK);
  assert_int_equal(file_hits(path, "canary-of-a-key") + file_hits(wal, "canary-of-a-key"), 0);
  assert_int_equal(file_hits(path, "canary-of-a-message"), 1);
  schat_sqlite_close(db);
}

static void destroying_leaves_no_file(void **state) {
  schat_sqlite *db = open_counted();
  (void)state;
  commit_text(db, 2, 1, "x");
  schat_sqlite_close(db);
  assert_int_equal(in_child(commit_and_vanish), 0);
  assert_true(exists(path) && exists(wal) && exists(counter));
  assert_int_equal(schat_sqlite_destroy(path, counter), SCHAT_OK);
  assert_false(exists(path) || exists(wal) || exists(counter));
  assert_int_equal(schat_sqlite_destroy(path, counter), SCHAT_OK);
  db = open_store();
  assert_int_equal(count_records(db), 0);
  schat_sqlite_close(db);
}

/* A second name of the file shows what was in it when it went. */
static void destroying_overwrites_first(void **state) {
  char link_name[320];
  schat_sqlite *db = open_store();
  uint8_t *data;
  size_t size, i, left = 0;
  (void)state;
  commit_text(db, 2, 1, "canary-of-a-value");
  schat_sqlite_close(db);
  snprintf(link_name, sizeof link_name, "%s/link", directory);
  assert_int_equal(link(path, link_name), 0);
  assert_int_equal(schat_sqlite_destroy(path, NULL), SCHAT_OK);
  data = read_file(link_name, &size);
  for (i = 0; i < size; i++) left += data[i] != 0;
  assert_true(size > 0);
  assert_int_equal(left, 0);
  free(data);
  unlink(link_name);
}

static void destroying_reports_what_it_could_not_do(void **state) {
  (void)state;
  faultvfs_install();
  schat_sqlite_close(open_store());
  faultvfs_fail(FAULTVFS_WRITE, 1, SQLITE_IOERR_WRITE, 1);
  assert_int_equal(schat_sqlite_destroy(path, NULL), SCHAT_E_STORE);
  faultvfs_fail(FAULTVFS_WRITE, 0, 0, 0);
  schat_sqlite_close(open_store());
  faultvfs_fail(FAULTVFS_DELETE, 1, SQLITE_IOERR_DELETE, 1);
  assert_int_equal(schat_sqlite_destroy(path, NULL), SCHAT_E_STORE);
  faultvfs_fail(FAULTVFS_DELETE, 0, 0, 0);
  assert_int_equal(schat_sqlite_destroy(path, NULL), SCHAT_OK);
  faultvfs_remove();
}

/* Generations (X-15) --------------------------------------------------------------------------------------------------------- */

static uint64_t generation_of(schat_sqlite *db) {
  const schat_store *store = schat_sqlite_store(db);
  return store->generation(store->user_data);
}

static void commit_generation(schat_sqlite *db, uint64_t generation) {
  const schat_record r = record_of(2, 1, 1, "x", 1);
  assert_int_equal(commit_batch(db, generation, &r, 1), SCHAT_OK);
}

static void generations_are_offered_only_when_asked_for(void **state) {
  schat_sqlite *db = open_store();
  (void)state;
  assert_null(schat_sqlite_store(db)->generation);
  schat_sqlite_close(db);
  assert_false(exists(counter));
}

static void the_counter_knows_the_highest_generation(void **state) {
  schat_sqlite *db = open_counted();
  uint64_t g;
  (void)state;
  assert_int_equal(generation_of(db), 0);
  for (g = 1; g <= 9; g++) commit_generation(db, g);
  assert_int_equal(generation_of(db), 9);
  commit_generation(db, 4);
  assert_int_equal(generation_of(db), 9);
  commit_generation(db, UINT64_MAX - 1);
  schat_sqlite_close(db);
  db = open_counted();
  assert_true(generation_of(db) == UINT64_MAX - 1);
  schat_sqlite_close(db);
}

/* the counter does not go back with a store that was restored from a copy. */
static void a_restored_store_is_older_than_its_counter(void **state) {
  schat_sqlite *db = open_counted();
  uint8_t *backup;
  size_t size;
  (void)state;
  commit_generation(db, 1);
  schat_sqlite_close(db);
  backup = read_file(path, &size);
  db = open_counted();
  commit_generation(db, 2);
  commit_generation(db, 3);
  schat_sqlite_close(db);
  write_file(path, backup, size);
  db = open_counted();
  assert_int_equal(generation_of(db), 3);
  schat_sqlite_close(db);
  free(backup);
}

static void a_torn_counter_knows_the_generation_before(void **state) {
  schat_sqlite *db = open_counted();
  uint8_t *data;
  size_t size;
  (void)state;
  commit_generation(db, 6);
  commit_generation(db, 7);
  schat_sqlite_close(db);
  data = read_file(counter, &size);
  assert_int_equal(size, 32);
  data[16] ^= 1;
  write_file(counter, data, size);
  db = open_counted();
  assert_int_equal(generation_of(db), 6);
  schat_sqlite_close(db);
  data[0] ^= 1;
  write_file(counter, data, size);
  db = open_counted();
  assert_int_equal(generation_of(db), 0);
  schat_sqlite_close(db);
  free(data);
}

static void a_commit_that_fails_is_not_counted(void **state) {
  const schat_record r = record_of(2, 1, 1, "another", 7);
  schat_sqlite *db;
  (void)state;
  faultvfs_install();
  db = open_counted();
  commit_generation(db, 1);
  faultvfs_fail(FAULTVFS_WRITE, 1, SQLITE_FULL, 0);
  assert_int_equal(commit_batch(db, 2, &r, 1), SCHAT_E_FULL);
  assert_int_equal(generation_of(db), 1);
  schat_sqlite_close(db);
  faultvfs_remove();
}

/* Arguments ---------------------------------------------------------------------------------------------------------------- */

static void unlawful_arguments_are_refused(void **state) {
  schat_sqlite *db = NULL;
  schat_sqlite_options options;
  (void)state;
  assert_int_equal(schat_sqlite_open(NULL, NULL, &db), SCHAT_E_INVALID);
  assert_int_equal(schat_sqlite_open("", NULL, &db), SCHAT_E_INVALID);
  assert_int_equal(schat_sqlite_open(":memory:", NULL, &db), SCHAT_E_INVALID);
  assert_int_equal(schat_sqlite_open(path, NULL, NULL), SCHAT_E_INVALID);
  SCHAT_INIT(options);
  options.flags = 0x80;
  assert_int_equal(schat_sqlite_open(path, &options, &db), SCHAT_E_INVALID);
  options.flags = 0;
  options.size = 0;
  assert_int_equal(schat_sqlite_open(path, &options, &db), SCHAT_E_ABI);
  assert_int_equal(schat_sqlite_open(directory, NULL, &db), SCHAT_E_STORE);
  assert_int_equal(schat_sqlite_destroy("", NULL), SCHAT_E_INVALID);
  assert_null(schat_sqlite_store(NULL));
  assert_null(db);
  assert_false(exists(path));
  schat_sqlite_close(NULL);
}

static void a_place_that_does_not_exist_is_a_status(void **state) {
  schat_sqlite *db = NULL;
  schat_sqlite_options options;
  char nowhere[320];
  (void)state;
  snprintf(nowhere, sizeof nowhere, "%s/none/store.db", directory);
  assert_int_equal(schat_sqlite_open(nowhere, NULL, &db), SCHAT_E_STORE);
  SCHAT_INIT(options);
  options.generation_path = nowhere;
  assert_int_equal(schat_sqlite_open(path, &options, &db), SCHAT_E_STORE);
  assert_null(db);
  schat_sqlite_close(open_store());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(records_survive_closing_and_opening),
      TEST(a_record_is_replaced_and_removed_by_its_name),
      TEST(a_scan_returns_what_its_caller_answers),
      TEST(a_thousand_records_are_one_transaction),
      TEST(every_commit_is_synced),
      TEST(ten_thousand_records_are_opened_and_scanned),
      TEST(commits_survive_a_process_that_vanishes),
      TEST(a_transaction_that_was_not_committed_leaves_nothing),
      TEST(a_torn_log_keeps_a_prefix_of_whole_commits),
      TEST(a_second_handle_of_the_process_is_refused),
      TEST(a_second_process_is_refused),
      TEST(a_full_disk_loses_nothing),
      TEST(a_failing_disk_loses_nothing),
      TEST(a_refused_commit_does_not_come_back_after_a_crash),
      TEST(commits_are_refused_while_the_log_is_in_doubt),
      TEST(a_cut_that_is_not_synced_settles_nothing),
      TEST(a_failed_opening_is_a_status_and_changes_nothing),
      TEST(a_limit_of_the_system_on_file_size_is_a_full_disk),
      TEST(a_scan_that_cannot_read_says_so),
      TEST(damaged_bytes_anywhere_are_a_status),
      TEST(a_shortened_file_is_refused),
      TEST(a_file_that_is_no_database_is_refused_and_left_alone),
      TEST(a_database_of_another_program_is_refused_and_left_alone),
      TEST(a_newer_schema_is_refused_and_an_impossible_one_too),
      TEST(a_row_this_store_cannot_have_written_is_corruption),
      TEST(nothing_stored_in_the_schema_runs),
      TEST(files_are_for_their_owner_only),
      TEST(open_modes_of_an_older_file_are_narrowed),
      TEST(removed_values_are_overwritten),
      TEST(a_replaced_key_is_gone_with_its_commit),
      TEST(destroying_leaves_no_file),
      TEST(destroying_overwrites_first),
      TEST(destroying_reports_what_it_could_not_do),
      TEST(generations_are_offered_only_when_asked_for),
      TEST(the_counter_knows_the_highest_generation),
      TEST(a_restored_store_is_older_than_its_counter),
      TEST(a_torn_counter_knows_the_generation_before),
      TEST(a_commit_that_fails_is_not_counted),
      TEST(unlawful_arguments_are_refused),
      TEST(a_place_that_does_not_exist_is_a_status),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
