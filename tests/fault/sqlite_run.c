/* SPDX-License-Identifier: BSL-1.0
 * sqlite_run.c - see sqlite_run.h.
 *
 * What must hold: a commit that was answered with success is there after every crash, one that was refused is not, one that was under way is
 * there whole or not at all; a call that fails says so, and going on comes to the same end; nothing leaks. */
#define _XOPEN_SOURCE 700
#include "sqlite_run.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "memdisk.h"
#include "memstore.h"
#include "scratch.h"
#include "secretchat/sqlite.h"

#define COMMITS 9
#define RECORDS 6
#define BIG 9000u

static char folder[SCRATCH_SIZE], path[300], counter[300], copy[300];
static memstore *models[COMMITS + 1]; /* what is stored after so many commits */

static struct {
  schat_sqlite *db;
  int acknowledged, under_way, watching, plant;
  sqlite3_int64 memory; /* of SQLite before the handle was opened */
  jmp_buf jump;
} now;

/* The disk ----------------------------------------------------------------------------------------------------------------------- */

static fault_mode on_disk(site_kind kind, int done, fault_mode mode) {
  if (!now.watching) return MODE_NONE;
  if (done) {
    if (mode >= MODE_CRASH_AFTER) longjmp(now.jump, (int)mode);
    return mode;
  }
  if (now.plant == SQLITE_PLANT_NO_SYNC && kind == SITE_SYNC) return MODE_SHORT;
  mode = explore_site(kind, memdisk_unsynced() > 0);
  if (mode == MODE_CRASH_BEFORE) longjmp(now.jump, (int)mode);
  return mode;
}

/* The batches -------------------------------------------------------------------------------------------------------------------- */

/* Each writes, replaces and removes; some are of keys, which cuts the log, and one is larger than a page. */
static void make_batch(int n, schat_batch *batch, schat_record *records, uint8_t *values) {
  size_t i;
  SCHAT_INIT(*batch);
  for (i = 0; i < RECORDS; i++) {
    schat_record *r = &records[i];
    uint8_t *value = values + i * BIG;
    memset(value, 'a' + n + (int)i, BIG);
    r->kind = n % 3 == 2 && i == 0 ? SCHAT_RECORD_KEYS : SCHAT_RECORD_OUTBOX;
    r->chat_id = (int32_t)(i % 2);
    r->key = (int64_t)(n * 2 + (int)i);
    r->value.data = value;
    r->value.size = n == 4 ? BIG : 20 + i;
    if (i == 5) r->value.size = 0;
  }
  batch->records = records;
  batch->record_count = RECORDS;
  batch->ticket = batch->generation = (uint64_t)n + 1;
}

static int commit_to(const schat_store *store, int n) {
  static schat_record records[RECORDS];
  static uint8_t values[RECORDS * BIG];
  schat_batch batch;
  make_batch(n, &batch, records, values);
  return store->commit(store->user_data, &batch);
}

static void make_models(void) {
  int n;
  models[0] = memstore_new();
  for (n = 0; n < COMMITS; n++) {
    models[n + 1] = memstore_clone(models[n]);
    if (commit_to(memstore_store(models[n + 1]), n) != SCHAT_OK) abort();
  }
}

/* Looking ------------------------------------------------------------------------------------------------------------------------ */

static int put(void *arg, const schat_record *record) {
  memstore_put(arg, record);
  return 0;
}

static int call_open(void) {
  schat_sqlite_options options;
  int status;
  SCHAT_INIT(options);
  options.generation_path = counter;
  now.memory = sqlite3_memory_used();
  status = schat_sqlite_open(path, &options, &now.db);
  if (status < 0) {
    MUST(sqlite3_memory_used() == now.memory, "an opening that fails leaks %lld bytes", (long long)(sqlite3_memory_used() - now.memory));
    MUST(memdisk_open_files() == 0, "an opening that fails leaves %d files open", memdisk_open_files());
  }
  return status;
}

static memstore *image;

static int call_scan(void) {
  const schat_store *store = schat_sqlite_store(now.db);
  memstore_free(image);
  image = memstore_new();
  return store->scan(store->user_data, put, image);
}

static int call_commit(void) {
  return commit_to(schat_sqlite_store(now.db), now.acknowledged);
}

/* What a crash now would leave: a commit that was refused never comes back. */
static void check_refused(void) {
  static const fault_mode modes[] = {MODE_CRASH_BEFORE, MODE_CRASH_HALF, MODE_CRASH_ALL};
  schat_sqlite *real = now.db;
  size_t i;
  now.watching = 0;
  for (i = 0; i < 3; i++) {
    int status;
    memdisk_copy(path, copy, modes[i]);
    status = schat_sqlite_open(copy, NULL, &now.db);
    MUST(status == SCHAT_OK, "after a commit that was refused, and a crash, opening fails with %s", schat_status_name(status));
    status = call_scan();
    MUST(status == SCHAT_OK, "after a commit that was refused, and a crash, a scan fails with %s", schat_status_name(status));
    MUST(!memstore_equal(image, models[now.acknowledged + 1]), "commit %d that was refused comes back after a crash (%s)", now.acknowledged,
         explore_mode_name(modes[i]));
    MUST(memstore_equal(image, models[now.acknowledged]), "commit %d that was refused leaves something else behind for a crash (%s)",
         now.acknowledged, explore_mode_name(modes[i]));
    schat_sqlite_close(now.db);
    memdisk_remove(copy);
  }
  now.db = real;
  now.watching = 1;
}

static int try_until(int (*call)(void)) {
  int failures = 0, status;
  while ((status = call()) < 0) {
    MUST(explore_met(), "a call fails with %s, and nothing was to fail", schat_status_name(status));
    MUST(status == SCHAT_E_NOMEM || status == SCHAT_E_STORE || status == SCHAT_E_FULL || status == SCHAT_E_BUSY, "a call fails with %s",
         schat_status_name(status));
    if (call == call_commit && !explore_lasting()) check_refused();
    if (++failures == 3) explore_repair();
    MUST(failures < 6, "a call goes on failing with %s after the repair", schat_status_name(status));
  }
  return status;
}

/* The run ------------------------------------------------------------------------------------------------------------------------ */

static void open_and_look(void) {
  const schat_store *store;
  try_until(call_open);
  try_until(call_scan);
  if (now.under_way && memstore_equal(image, models[now.acknowledged + 1])) now.acknowledged++;
  now.under_way = 0;
  MUST(memstore_equal(image, models[now.acknowledged]), "after %d commits %zu records are there instead of %zu", now.acknowledged,
       memstore_count(image, 0), memstore_count(models[now.acknowledged], 0));
  store = schat_sqlite_store(now.db);
  MUST(store->generation == NULL || store->generation(store->user_data) <= (uint64_t)now.acknowledged, "the counter knows more than the store");
}

static void close_it(void) {
  schat_sqlite_close(now.db);
  if (now.plant == SQLITE_PLANT_LEAK && explore_met()) (void)sqlite3_malloc(10);
  now.db = NULL;
  MUST(sqlite3_memory_used() == now.memory, "%lld bytes of SQLite's are not given back", (long long)(sqlite3_memory_used() - now.memory));
  MUST(memdisk_open_files() == 0, "%d files are left open", memdisk_open_files());
}

static void live(void) {
  while (now.acknowledged < COMMITS) {
    now.under_way = 1;
    try_until(call_commit);
    now.under_way = 0;
    now.acknowledged++;
    if (now.acknowledged % 4 == 0) {
      close_it();
      open_and_look();
    }
  }
  close_it();
  open_and_look();
  close_it();
}

int sqlite_run(void *arg) {
  volatile int falls = 0;
  int how;
  memset(&now, 0, sizeof now);
  if (arg != NULL) now.plant = *(const int *)arg;
  memdisk_clear();
  now.watching = 1;
  explore_begin();
  how = setjmp(now.jump);
  if (how != 0) {
    MUST(++falls < 4, "the power goes again and again");
    memdisk_crash((fault_mode)how); /* and what the process had is gone */
    now.db = NULL;
  }
  explore_recovery(1);
  open_and_look();
  explore_recovery(0);
  live();
  explore_end();
  MUST(now.acknowledged == COMMITS, "only %d commits", now.acknowledged);
  explore_arrive("all is stored\n");
  return 0;
}

const char *sqlite_finds(int plant) {
  static const char *const says[SQLITE_PLANTS] = {NULL, "records are there instead of", "not given back"};
  static const explore_plan plan = {7, 5, 0, 0, 0, 0, 0, 0};
  const explore_result *r = explore(sqlite_run, &plant, &plan, NULL);
  if (says[plant] == NULL) return r->failed == 0 ? "nothing" : NULL;
  return r->failed > 0 && strstr(r->first, says[plant]) != NULL ? r->first : NULL;
}

int sqlite_set_up(void) {
  if (!scratch_folder(folder, "fault-sqlite")) return 0;
  snprintf(path, sizeof path, "%s/store", folder);
  snprintf(counter, sizeof counter, "%s/counter", folder);
  snprintf(copy, sizeof copy, "%s/copy", folder);
  make_models();
  return memdisk_install(on_disk);
}

void sqlite_tear_down(void) {
  int n;
  unlink(path);
  unlink(counter);
  unlink(copy);
  rmdir(folder);
  for (n = 0; n <= COMMITS; n++) memstore_free(models[n]);
  memstore_free(image);
}
