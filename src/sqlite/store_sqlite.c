/* SPDX-License-Identifier: BSL-1.0
 * store_sqlite.c - a schat_store in one SQLite table: opening, one transaction per commit, scanning.
 *
 * It sees sealed values only. One handle holds the file exclusively from open to close; the journal is a write-ahead log, synced by
 * each commit. A commit that fails leaves nothing behind, not even for a crash that follows (see `doubt`). */
#include "secretchat/sqlite.h"

#include <errno.h>
#include <string.h>

#include <sqlite3.h>

#include "sqlite/sqlite_file.h"

#define APPLICATION_ID 0x53434854 /* "SCHT" */
#define SCHEMA_VERSION 1
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

typedef enum { BEGIN, COMMIT, ROLLBACK, PUT, REMOVE, SCAN, STATEMENTS } statement;

static const char *const statement_text[STATEMENTS] = {
    "BEGIN IMMEDIATE",
    "COMMIT",
    "ROLLBACK",
    ("INSERT INTO record (kind, chat_id, key, value) VALUES (?1, ?2, ?3, ?4)"
     " ON CONFLICT (kind, chat_id, key) DO UPDATE SET value = excluded.value"),
    "DELETE FROM record WHERE kind = ?1 AND chat_id = ?2 AND key = ?3",
    "SELECT kind, chat_id, key, value FROM record",
};

struct schat_sqlite {
  schat_store store;
  sqlite3 *db;
  sqlite3_stmt *statements[STATEMENTS];
  schat__sqlite_file counter; /* file NULL: none */
  uint64_t generation;        /* the highest the counter has seen */
  int doubt;                  /* a commit failed after its last byte may have reached the log: nothing is stored until the log is cut */
};

/* Results ------------------------------------------------------------------------------------------------------------------ */

/* SQLite does not note the system's error on every path; run() clears errno, so that it is of this call. */
static int no_space(sqlite3 *db) {
  const int noted = db == NULL ? 0 : sqlite3_system_errno(db), error = noted != 0 ? noted : errno;
#ifdef EDQUOT
  if (error == EDQUOT) return 1;
#endif
  return error == ENOSPC || error == EFBIG;
}

static int status_of(sqlite3 *db, int rc) {
  if (rc == SQLITE_IOERR_NOMEM) return SCHAT_E_NOMEM;
  switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
      return SCHAT_OK;
    case SQLITE_NOMEM:
      return SCHAT_E_NOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return SCHAT_E_BUSY;
    case SQLITE_FULL:
      return SCHAT_E_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return SCHAT_E_CORRUPT;
    case SQLITE_TOOBIG:
      return SCHAT_E_TOO_LARGE;
    case SQLITE_IOERR:
      return no_space(db) ? SCHAT_E_FULL : SCHAT_E_STORE;
    default:
      return SCHAT_E_STORE;
  }
}

static int execute(sqlite3 *db, const char *sql) {
  return status_of(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

/* Runs a statement that gives no rows, and makes it ready for the next time. */
static int run(schat_sqlite *db, statement which) {
  sqlite3_stmt *s = db->statements[which];
  int status;
  errno = 0;
  status = status_of(db->db, sqlite3_step(s));
  sqlite3_reset(s);
  sqlite3_clear_bindings(s);
  return status;
}

/* Committing --------------------------------------------------------------------------------------------------------------- */

static int write_record(schat_sqlite *db, const schat_record *record) {
  const statement which = record->value.size == 0 ? REMOVE : PUT;
  sqlite3_stmt *s = db->statements[which];
  int rc = sqlite3_bind_int64(s, 1, record->kind);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(s, 2, record->chat_id);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(s, 3, record->key);
  if (rc == SQLITE_OK && which == PUT) rc = sqlite3_bind_blob64(s, 4, record->value.data, record->value.size, SQLITE_STATIC);
  if (rc != SQLITE_OK) {
    sqlite3_clear_bindings(s);
    return status_of(db->db, rc);
  }
  return run(db, which);
}

/* SQLite cuts its log without a sync, after which a loss of power may show the old one again. */
static int sync_log(schat_sqlite *db) {
  sqlite3_file *log = NULL;
  int rc = sqlite3_file_control(db->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, (void *)&log);
  if (rc == SQLITE_OK && log != NULL && log->pMethods != NULL) rc = log->pMethods->xSync(log, SQLITE_SYNC_FULL);
  return status_of(db->db, rc);
}

/* Moves the log into the file and cuts it to nothing, for good. */
static int cut_log(schat_sqlite *db) {
  const int status = status_of(db->db, sqlite3_wal_checkpoint_v2(db->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));
  return status == SCHAT_OK ? sync_log(db) : status;
}

/* When the sync of a commit fails, its frames may stand whole in the log; recovery after a crash would take them for durable
 * although the caller was told that nothing is stored. Cutting the log settles it; until that succeeds, commits are refused. */
static void undo(schat_sqlite *db, int committing) {
  if (!sqlite3_get_autocommit(db->db)) (void)run(db, ROLLBACK);
  if (committing) db->doubt = cut_log(db) != SCHAT_OK;
}

/* A key that was replaced or removed still stands, sealed, in older frames of the log: cut it (R-PFS-03, R-PFS-16). What was
 * committed is durable whether this succeeds or not. */
static void forget_keys(schat_sqlite *db, const schat_batch *batch) {
  size_t i;
  for (i = 0; i < batch->record_count; i++) {
    if (batch->records[i].kind == SCHAT_RECORD_KEYS) {
      (void)cut_log(db);
      return;
    }
  }
}

static void count_generation(schat_sqlite *db, uint64_t generation) {
  if (db->counter.file == NULL || generation <= db->generation) return;
  schat__sqlite_counter_write(&db->counter, generation);
  db->generation = generation;
}

static int commit(void *user_data, const schat_batch *batch) {
  schat_sqlite *db = (schat_sqlite *)user_data;
  int committing = 0, status;
  size_t i;
  if (db->doubt) {
    if ((status = cut_log(db)) != SCHAT_OK) return status;
    db->doubt = 0;
  }
  status = run(db, BEGIN);
  for (i = 0; status == SCHAT_OK && i < batch->record_count; i++) status = write_record(db, &batch->records[i]);
  if (status == SCHAT_OK) {
    committing = 1;
    status = run(db, COMMIT);
  }
  if (status != SCHAT_OK) {
    undo(db, committing);
    return status;
  }
  forget_keys(db, batch);
  count_generation(db, batch->generation);
  return SCHAT_OK;
}

/* Scanning ----------------------------------------------------------------------------------------------------------------- */

/* Writes one row to `record`, which borrows from the statement. Returns 0 for a row that this store cannot have written. */
static int read_row(sqlite3_stmt *s, schat_record *record) {
  const sqlite3_int64 kind = sqlite3_column_int64(s, 0), chat_id = sqlite3_column_int64(s, 1);
  int i;
  for (i = 0; i < 3; i++) {
    if (sqlite3_column_type(s, i) != SQLITE_INTEGER) return 0;
  }
  if (sqlite3_column_type(s, 3) != SQLITE_BLOB) return 0;
  if (kind < 0 || kind > UINT32_MAX || chat_id < INT32_MIN || chat_id > INT32_MAX) return 0;
  record->kind = (uint32_t)kind;
  record->chat_id = (int32_t)chat_id;
  record->key = sqlite3_column_int64(s, 2);
  record->value.data = (const uint8_t *)sqlite3_column_blob(s, 3);
  record->value.size = (size_t)sqlite3_column_bytes(s, 3);
  return record->value.size > 0;
}

static int scan(void *user_data, schat_record_fn fn, void *arg) {
  schat_sqlite *db = (schat_sqlite *)user_data;
  sqlite3_stmt *s = db->statements[SCAN];
  int status = SCHAT_OK, rc;
  while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
    schat_record record;
    status = read_row(s, &record) ? fn(arg, &record) : SCHAT_E_CORRUPT;
    if (status != SCHAT_OK) break;
  }
  if (rc != SQLITE_ROW) status = status_of(db->db, rc);
  sqlite3_reset(s);
  return status;
}

static uint64_t generation(void *user_data) {
  return ((const schat_sqlite *)user_data)->generation;
}

/* Opening ------------------------------------------------------------------------------------------------------------------ */

/* The number a one-value query gives. */
static int query(sqlite3 *db, const char *sql, sqlite3_int64 *value) {
  sqlite3_stmt *s = NULL;
  int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_step(s);
  if (rc == SQLITE_ROW) *value = sqlite3_column_int64(s, 0);
  sqlite3_finalize(s);
  return rc == SQLITE_ROW ? SCHAT_OK : status_of(db, rc == SQLITE_DONE ? SQLITE_CORRUPT : rc);
}

/* 1 when a one-value query gives the text; 0 or a negative status otherwise. */
static int query_is(sqlite3 *db, const char *sql, const char *text) {
  sqlite3_stmt *s = NULL;
  int is = 0, rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_step(s);
  if (rc == SQLITE_ROW) {
    const unsigned char *value = sqlite3_column_text(s, 0);
    is = value != NULL && strcmp((const char *)value, text) == 0;
  }
  sqlite3_finalize(s);
  return rc == SQLITE_ROW ? is : status_of(db, rc);
}

static int create_schema(sqlite3 *db) {
  return execute(db,
                 "CREATE TABLE record (kind INTEGER NOT NULL, chat_id INTEGER NOT NULL, key INTEGER NOT NULL, value BLOB NOT NULL,"
                 " PRIMARY KEY (kind, chat_id, key)) WITHOUT ROWID;"
                 "PRAGMA application_id = " TEXT(APPLICATION_ID) ";"
                 "PRAGMA user_version = " TEXT(SCHEMA_VERSION));
}

/* Whose file is it? An empty one becomes a store of this version. */
static int identify(sqlite3 *db) {
  sqlite3_int64 application = 0, version = 0, objects = 0;
  int status = query(db, "PRAGMA application_id", &application);
  if (status == SCHAT_OK) status = query(db, "PRAGMA user_version", &version);
  if (status == SCHAT_OK) status = query(db, "SELECT count(*) FROM sqlite_master", &objects);
  if (status != SCHAT_OK) return status;
  if (application == 0 && version == 0 && objects == 0) return create_schema(db);
  if (application != APPLICATION_ID) return SCHAT_E_CORRUPT;
  if (version > SCHEMA_VERSION) return SCHAT_E_VERSION;
  return version == SCHEMA_VERSION ? SCHAT_OK : SCHAT_E_CORRUPT;
}

/* A file is input: whatever its schema holds, nothing in it is run. */
static int distrust(sqlite3 *db) {
  sqlite3_extended_result_codes(db, 1);
  (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
  (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
  return execute(db, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0");
}

/* Takes the file for this handle alone, checks whose it is, and only then changes anything about it. */
static int take(sqlite3 *db) {
  int status = execute(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA secure_delete = ON; PRAGMA synchronous = FULL; BEGIN EXCLUSIVE");
  if (status != SCHAT_OK) return status;
  status = identify(db);
  if (status == SCHAT_OK) status = execute(db, "COMMIT");
  if (status == SCHAT_OK) {
    status = query_is(db, "PRAGMA journal_mode = WAL", "wal");
    if (status >= 0) status = status == 1 ? SCHAT_OK : SCHAT_E_STORE;
  }
  if (status == SCHAT_OK) status = execute(db, "PRAGMA wal_autocheckpoint = 256");
  return status;
}

static int prepare_all(schat_sqlite *db) {
  int i;
  for (i = 0; i < STATEMENTS; i++) {
    const int rc = sqlite3_prepare_v3(db->db, statement_text[i], -1, SQLITE_PREPARE_PERSISTENT, &db->statements[i], NULL);
    if (rc == SQLITE_ERROR) return SCHAT_E_CORRUPT; /* the table is not as we make it */
    if (rc != SQLITE_OK) return status_of(db->db, rc);
  }
  return SCHAT_OK;
}

static int check_whole(sqlite3 *db) {
  const int status = query_is(db, "PRAGMA quick_check(1)", "ok");
  if (status < 0) return status;
  return status == 1 ? SCHAT_OK : SCHAT_E_CORRUPT;
}

static int open_counter(schat_sqlite *db, const char *path) {
  int status = schat__sqlite_make_private(path);
  if (status == SCHAT_OK) status = schat__sqlite_file_open(&db->counter, path);
  if (status == SCHAT_OK) {
    db->generation = schat__sqlite_counter_read(&db->counter);
    db->store.generation = generation;
  }
  return status;
}

static int open_database(schat_sqlite *db, const char *path, const schat_sqlite_options *options) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  int status = schat__sqlite_make_private(path);
  if (status == SCHAT_OK) status = status_of(db->db, sqlite3_open_v2(path, &db->db, flags, NULL));
  if (status == SCHAT_OK) status = distrust(db->db);
  if (status == SCHAT_OK) status = take(db->db);
  if (status == SCHAT_OK && options != NULL && (options->flags & SCHAT_SQLITE_QUICK_CHECK) != 0) status = check_whole(db->db);
  if (status == SCHAT_OK) status = prepare_all(db);
  if (status == SCHAT_OK && options != NULL && options->generation_path != NULL) status = open_counter(db, options->generation_path);
  return status;
}

static int is_file_name(const char *path) {
  return path != NULL && path[0] != '\0' && strcmp(path, ":memory:") != 0;
}

int schat_sqlite_open(const char *path, const schat_sqlite_options *options, schat_sqlite **db) {
  schat_sqlite *made;
  int status;
  if (!is_file_name(path) || db == NULL) return SCHAT_E_INVALID;
  if (options != NULL && options->size != sizeof *options) return SCHAT_E_ABI;
  if (options != NULL && (options->flags & ~SCHAT_SQLITE_QUICK_CHECK) != 0) return SCHAT_E_INVALID;
  made = (schat_sqlite *)sqlite3_malloc((int)sizeof *made);
  if (made == NULL) return SCHAT_E_NOMEM;
  memset(made, 0, sizeof *made);
  made->store.size = sizeof made->store;
  made->store.user_data = made;
  made->store.commit = commit;
  made->store.scan = scan;
  status = open_database(made, path, options);
  if (status == SCHAT_OK) {
    *db = made;
  } else {
    schat_sqlite_close(made);
  }
  return status;
}

const schat_store *schat_sqlite_store(const schat_sqlite *db) {
  return db == NULL ? NULL : &db->store;
}

void schat_sqlite_close(schat_sqlite *db) {
  int i;
  if (db == NULL) return;
  for (i = 0; i < STATEMENTS; i++) sqlite3_finalize(db->statements[i]);
  schat__sqlite_file_close(&db->counter);
  sqlite3_close(db->db);
  sqlite3_free(db);
}

/* Destroying --------------------------------------------------------------------------------------------------------------- */

/* E_BUSY when a handle holds the file; SCHAT_OK for anything else, a file that is no database too. */
static int is_free(const char *path) {
  sqlite3 *db = NULL;
  int status = status_of(NULL, sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL));
  if (status == SCHAT_OK) status = execute(db, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  sqlite3_close(db);
  return status == SCHAT_E_BUSY || status == SCHAT_E_NOMEM ? status : SCHAT_OK;
}

int schat_sqlite_destroy(const char *path, const char *generation_path) {
  int status, counter = SCHAT_OK;
  if (!is_file_name(path)) return SCHAT_E_INVALID;
  status = is_free(path);
  if (status != SCHAT_OK) return status;
  status = schat__sqlite_destroy_all(path);
  if (generation_path != NULL) counter = schat__sqlite_file_destroy(generation_path);
  return status == SCHAT_OK ? counter : status;
}
