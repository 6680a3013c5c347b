/* SPDX-License-Identifier: BSL-1.0
 * sqlite_file.h - the files around the database: who may read them, the generation counter, overwriting. */
#ifndef SCHAT_SQLITE_SQLITE_FILE_H
#define SCHAT_SQLITE_SQLITE_FILE_H

#include <stdint.h>

#include <sqlite3.h>

/* A file opened through SQLite's own file system layer, so that locks of this process are kept and paths mean the same. */
typedef struct {
  sqlite3_vfs *vfs;
  sqlite3_file *file; /* NULL: not open */
  const char *name;
} schat__sqlite_file;

/* Makes an empty file that only its owner can read, or takes others' rights to one that is there and to its companions. Where a
 * file system has no such rights nothing happens. SCHAT_OK, E_STORE, E_FULL, E_NOMEM. */
int schat__sqlite_make_private(const char *path);

/* SCHAT_OK, E_NOMEM, E_STORE. The file must exist. */
int schat__sqlite_file_open(schat__sqlite_file *file, const char *path);
void schat__sqlite_file_close(schat__sqlite_file *file);

/* The highest generation that was counted; 0 for an empty or damaged counter. */
uint64_t schat__sqlite_counter_read(const schat__sqlite_file *file);
/* Counts a generation. It cannot fail in a way that matters: what is not written is known again after the next commit. */
void schat__sqlite_counter_write(const schat__sqlite_file *file, uint64_t generation);

/* Overwrites with zeros, syncs and removes; SCHAT_OK also when there is no such file. E_NOMEM, E_STORE. */
int schat__sqlite_file_destroy(const char *path);
/* The same for a database and its companions. */
int schat__sqlite_destroy_all(const char *path);

#endif
