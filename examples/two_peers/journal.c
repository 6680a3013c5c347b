/* SPDX-License-Identifier: BSL-1.0
 * journal.c - an application's own table of messages in SQLite: every event is applied exactly once, whatever crashes when.
 *
 * Ids of stored events grow, so one number, kept in the same transaction as what the event changed, tells a repeated event from a new
 * one. The texts stand here in the clear, because this is an example: a real client encrypts its own tables too. */
#include "two_peers.h"

#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

struct journal {
  sqlite3 *db;
};

/* A crash of the process loses nothing with synchronous = NORMAL; a client that must also survive a loss of power uses FULL. */
static const char schema[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;"
    "PRAGMA secure_delete = ON;"
    "CREATE TABLE IF NOT EXISTS sent (position INTEGER PRIMARY KEY, random_id INTEGER NOT NULL UNIQUE, digest BLOB NOT NULL,"
    " state INTEGER NOT NULL, text TEXT);"
    "CREATE TABLE IF NOT EXISTS received (position INTEGER PRIMARY KEY, random_id INTEGER NOT NULL, digest BLOB NOT NULL,"
    " state INTEGER NOT NULL, text TEXT);"
    "CREATE INDEX IF NOT EXISTS received_id ON received (random_id);"
    "CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;";

static void execute(journal *j, const char *sql) {
  if (sqlite3_exec(j->db, sql, NULL, NULL, NULL) != SQLITE_OK) fail("journal: %s", sqlite3_errmsg(j->db));
}

static sqlite3_stmt *prepare(journal *j, const char *sql) {
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v2(j->db, sql, -1, &statement, NULL) != SQLITE_OK) fail("journal: %s", sqlite3_errmsg(j->db));
  return statement;
}

/* Runs a statement to its first row; 1 when there is one. */
static int step(journal *j, sqlite3_stmt *statement) {
  const int rc = sqlite3_step(statement);
  if (rc != SQLITE_ROW && rc != SQLITE_DONE) fail("journal: %s", sqlite3_errmsg(j->db));
  return rc == SQLITE_ROW;
}

static void run(journal *j, sqlite3_stmt *statement) {
  while (step(j, statement)) continue;
  sqlite3_finalize(statement);
}

/* The number a statement gives, or 0 when it gives none. */
static int64_t number(journal *j, sqlite3_stmt *statement) {
  const int64_t value = step(j, statement) ? sqlite3_column_int64(statement, 0) : 0;
  sqlite3_finalize(statement);
  return value;
}

journal *journal_open(const char *path) {
  journal *j = (journal *)calloc(1, sizeof *j);
  if (j == NULL) fail("no memory");
  if (sqlite3_open(path, &j->db) != SQLITE_OK) fail("journal: cannot open %s", path);
  execute(j, schema);
  return j;
}

void journal_close(journal *j) {
  if (j == NULL) return;
  sqlite3_close(j->db);
  free(j);
}

/* Events ------------------------------------------------------------------------------------------------------------------- */

static void set_counter(journal *j, const char *name, int64_t value) {
  sqlite3_stmt *s = prepare(j, "INSERT OR REPLACE INTO counter VALUES (?1, ?2)");
  sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
  sqlite3_bind_int64(s, 2, value);
  run(j, s);
}

int64_t journal_counter(journal *j, const char *counter) {
  sqlite3_stmt *s = prepare(j, "SELECT value FROM counter WHERE name = ?1");
  sqlite3_bind_text(s, 1, counter, -1, SQLITE_STATIC);
  return number(j, s);
}

void journal_bump(journal *j, const char *counter) {
  set_counter(j, counter, journal_counter(j, counter) + 1);
}

int journal_begin(journal *j, uint64_t event_id) {
  if (event_id != 0 && (int64_t)event_id <= journal_counter(j, "last event")) return 0;
  execute(j, "BEGIN");
  if (event_id != 0) set_counter(j, "last event", (int64_t)event_id);
  return 1;
}

void journal_commit(journal *j) {
  execute(j, "COMMIT");
}

/* Rows --------------------------------------------------------------------------------------------------------------------- */

static void insert(journal *j, const char *sql, int64_t random_id, const uint8_t *digest, const char *text) {
  sqlite3_stmt *s = prepare(j, sql);
  sqlite3_bind_int64(s, 1, random_id);
  sqlite3_bind_blob(s, 2, digest, DIGEST_SIZE, SQLITE_STATIC);
  sqlite3_bind_int(s, 3, JOURNAL_PLANNED);
  sqlite3_bind_text(s, 4, text, -1, SQLITE_STATIC);
  run(j, s);
}

void journal_plan(journal *j, int64_t random_id, const uint8_t digest[DIGEST_SIZE], const char *text) {
  insert(j, "INSERT INTO sent (random_id, digest, state, text) VALUES (?1, ?2, ?3, ?4)", random_id, digest, text);
}

void journal_receive(journal *j, int64_t random_id, const uint8_t digest[DIGEST_SIZE], const char *text) {
  insert(j, "INSERT INTO received (random_id, digest, state, text) VALUES (?1, ?2, ?3, ?4)", random_id, digest, text);
}

void journal_set_state(journal *j, int64_t random_id, journal_state state) {
  sqlite3_stmt *s = prepare(j, "UPDATE sent SET state = max(state, ?2) WHERE random_id = ?1");
  sqlite3_bind_int64(s, 1, random_id);
  sqlite3_bind_int(s, 2, (int)state);
  run(j, s);
}

/* The peer takes messages in order: who has this one has all before it. So a DELIVERED that a crash has swallowed is made up for by the
 * next one, and a message that was deleted before it was confirmed is done with as well. */
void journal_deliver(journal *j, int64_t random_id) {
  sqlite3_stmt *s = prepare(j,
                            "UPDATE sent SET state = ?2 WHERE state < ?2 AND"
                            " position <= (SELECT position FROM sent WHERE random_id = ?1)");
  sqlite3_bind_int64(s, 1, random_id);
  sqlite3_bind_int(s, 2, (int)JOURNAL_DELIVERED);
  run(j, s);
}

static void remove_text(journal *j, const char *sql, int64_t random_id) {
  sqlite3_stmt *s = prepare(j, sql);
  sqlite3_bind_int64(s, 1, random_id);
  run(j, s);
}

/* A client removes the row and its files. Here the row stays without its text, so that the check at the end can still count it. */
void journal_remove(journal *j, const int64_t *random_ids, size_t count) {
  size_t i;
  for (i = 0; i < count; i++) {
    remove_text(j, "UPDATE sent SET text = NULL WHERE random_id = ?1", random_ids[i]);
    remove_text(j, "UPDATE received SET text = NULL WHERE random_id = ?1", random_ids[i]);
  }
}

void journal_remove_all(journal *j) {
  execute(j, "UPDATE sent SET text = NULL; UPDATE received SET text = NULL;");
}

size_t journal_undelivered(journal *j) {
  sqlite3_stmt *s = prepare(j, "SELECT count(*) FROM sent WHERE state < ?1");
  sqlite3_bind_int(s, 1, JOURNAL_DELIVERED);
  return (size_t)number(j, s);
}

size_t journal_count(journal *j, int sent) {
  return (size_t)number(j, prepare(j, sent ? "SELECT count(*) FROM sent" : "SELECT count(*) FROM received"));
}

size_t journal_texts(journal *j) {
  return (size_t)number(
      j, prepare(j, "SELECT (SELECT count(*) FROM sent WHERE text IS NOT NULL) + (SELECT count(*) FROM received WHERE text IS NOT NULL)"));
}

static void read_row(sqlite3_stmt *s, journal_row *row) {
  row->random_id = sqlite3_column_int64(s, 0);
  if (sqlite3_column_bytes(s, 1) == DIGEST_SIZE) memcpy(row->digest, sqlite3_column_blob(s, 1), DIGEST_SIZE);
  row->state = sqlite3_column_int(s, 2);
  row->gone = sqlite3_column_type(s, 3) == SQLITE_NULL;
}

journal_row *journal_rows(journal *j, int sent, size_t *count) {
  const size_t capacity = journal_count(j, sent);
  journal_row *rows = (journal_row *)calloc(capacity + 1, sizeof *rows);
  sqlite3_stmt *s = prepare(j, sent ? "SELECT random_id, digest, state, text FROM sent ORDER BY position"
                                    : "SELECT random_id, digest, state, text FROM received ORDER BY position");
  if (rows == NULL) fail("no memory");
  *count = 0;
  while (*count < capacity && step(j, s)) read_row(s, &rows[(*count)++]);
  sqlite3_finalize(s);
  return rows;
}
