/* SPDX-License-Identifier: BSL-1.0
 * sqlite.h - a store in one SQLite file, for hosts that have none of their own (library secretchat-sqlite).
 *
 * The values it keeps are sealed by the library before they come here; the file shows how many records there are, of which kind, of
 * which chat and how long, and nothing else. Every commit is one transaction with fsync. The file and its companions ("-wal", "-journal")
 * are readable by their owner only. One handle at a time can have a file open, in this process or any other.
 *
 * Example:
 *   schat_sqlite *db = NULL;
 *   schat_sqlite_options options;
 *   SCHAT_INIT(options);
 *   options.generation_path = "secretchat.generation";
 *   if (schat_sqlite_open("secretchat.db", &options, &db) == SCHAT_OK) {
 *     schat_config config;
 *     SCHAT_INIT(config);
 *     config.store = schat_sqlite_store(db);
 *     schat_sqlite_close(db);
 *   }
 */
#ifndef SECRETCHAT_SQLITE_H
#define SECRETCHAT_SQLITE_H

#include "secretchat.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct schat_sqlite schat_sqlite;

#define SCHAT_SQLITE_QUICK_CHECK 1u /* look through the whole file for damage at open; takes time in proportion to its size */

typedef struct schat_sqlite_options {
  size_t size;
  uint32_t flags; /* SCHAT_SQLITE_… */
  /* Optional: a file that counts commits. Where backups do not reach it, a store that was restored from one is recognised and
   * refused (SCHAT_E_ROLLED_BACK from schat_open, X-15). It is not synced, so that after a loss of power it may know less, never more. */
  const char *generation_path;
} schat_sqlite_options;

/* Opens the store at `path` (UTF-8), which is made when it does not exist. `options` may be NULL.
 * SCHAT_OK; E_INVALID, E_ABI, E_NOMEM; E_BUSY (open elsewhere), E_CORRUPT (damaged, or not a store), E_VERSION (of a newer version),
 * E_FULL, E_STORE (it cannot be read or written). */
SCHAT_API int schat_sqlite_open(const char *path, const schat_sqlite_options *options, schat_sqlite **db);

/* The store to give to schat_open; it lives as long as the handle. */
SCHAT_API const schat_store *schat_sqlite_store(const schat_sqlite *db);

/* Closes the file, after schat_close. NULL is fine. */
SCHAT_API void schat_sqlite_close(schat_sqlite *db);

/* Overwrites and removes a store that is not open, its companions and the generation file (may be NULL). What is not there is fine.
 * Overwriting reaches the blocks of the file as the file system shows them; what a disk keeps beyond is sealed.
 * SCHAT_OK; E_INVALID, E_NOMEM, E_BUSY, E_STORE. */
SCHAT_API int schat_sqlite_destroy(const char *path, const char *generation_path);

#ifdef __cplusplus
}
#endif

#endif
