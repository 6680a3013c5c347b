/* SPDX-License-Identifier: BSL-1.0
 * sqlite_file.c - the files around the database: who may read them, the generation counter, overwriting. */
#ifndef _WIN32
#define _POSIX_C_SOURCE 200809L
#endif

#include "sqlite/sqlite_file.h"

#include <string.h>

#include "common/bytes.h"
#include "secretchat/secretchat.h"

#ifndef _WIN32
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

static const char *const companions[] = {"-wal", "-shm", "-journal"};
#define COMPANIONS (sizeof companions / sizeof companions[0])

/* "path-wal"; to be given back with sqlite3_free. NULL: no memory. */
static char *companion(const char *path, size_t i) {
  return sqlite3_mprintf("%s%s", path, companions[i]);
}

/* Rights ------------------------------------------------------------------------------------------------------------------- */

#ifdef _WIN32
int schat__sqlite_make_private(const char *path) {
  (void)path;
  return SCHAT_OK;
}
#else
/* By name, not by descriptor: closing a descriptor would drop the locks that this process holds on the file. A refusal (another
 * owner, a file system without rights) is not a reason to keep people from their chats. */
static void narrow(const char *path) {
  struct stat st;
  if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0) (void)chmod(path, st.st_mode & 0700);
}

int schat__sqlite_make_private(const char *path) {
  size_t i;
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) {
    close(fd);
    return SCHAT_OK; /* SQLite gives the companions the rights of the file */
  }
  if (errno != EEXIST) return errno == ENOSPC || errno == EDQUOT ? SCHAT_E_FULL : SCHAT_E_STORE;
  narrow(path);
  for (i = 0; i < COMPANIONS; i++) {
    char *name = companion(path, i);
    if (name == NULL) return SCHAT_E_NOMEM;
    narrow(name);
    sqlite3_free(name);
  }
  return SCHAT_OK;
}
#endif

/* Files -------------------------------------------------------------------------------------------------------------------- */

/* The absolute name in the form that SQLite's file systems demand; to be given back with free_name. */
static const char *full_name(sqlite3_vfs *vfs, const char *path) {
  const char *name = NULL;
  char *full = sqlite3_malloc(vfs->mxPathname + 1);
  if (full == NULL) return NULL;
  if (vfs->xFullPathname(vfs, path, vfs->mxPathname + 1, full) == SQLITE_OK) name = sqlite3_create_filename(full, "", "", 0, NULL);
  sqlite3_free(full);
  return name;
}

/* Its argument is char * or const char *, depending on the version of SQLite. */
static void free_name(const char *name) {
  sqlite3_free_filename((char *)(uintptr_t)name);
}

int schat__sqlite_file_open(schat__sqlite_file *file, const char *path) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MAIN_DB;
  file->file = NULL;
  file->vfs = sqlite3_vfs_find(NULL);
  if (file->vfs == NULL) return SCHAT_E_STORE;
  file->name = full_name(file->vfs, path);
  if (file->name == NULL) return SCHAT_E_NOMEM;
  file->file = sqlite3_malloc(file->vfs->szOsFile);
  if (file->file != NULL) {
    memset(file->file, 0, (size_t)file->vfs->szOsFile);
    if (file->vfs->xOpen(file->vfs, file->name, file->file, flags, NULL) == SQLITE_OK) return SCHAT_OK;
  }
  schat__sqlite_file_close(file);
  return SCHAT_E_STORE;
}

void schat__sqlite_file_close(schat__sqlite_file *file) {
  if (file->file != NULL && file->file->pMethods != NULL) file->file->pMethods->xClose(file->file);
  sqlite3_free(file->file);
  if (file->name != NULL) free_name(file->name);
  memset(file, 0, sizeof *file);
}

/* The generation counter (X-15) ----------------------------------------------------------------------------------------------
 * Two slots, written in turn, so that a torn write leaves the other: the number, and its complement to tell a whole slot. */
#define SLOT 16

static uint64_t slot_value(const uint8_t slot[SLOT]) {
  const uint64_t generation = schat__load64(slot);
  return schat__load64(slot + 8) == ~generation ? generation : 0;
}

uint64_t schat__sqlite_counter_read(const schat__sqlite_file *file) {
  uint8_t slots[2 * SLOT] = {0};
  uint64_t a, b;
  const int rc = file->file->pMethods->xRead(file->file, slots, sizeof slots, 0);
  if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ) return 0;
  a = slot_value(slots);
  b = slot_value(slots + SLOT);
  return a > b ? a : b;
}

void schat__sqlite_counter_write(const schat__sqlite_file *file, uint64_t generation) {
  uint8_t slot[SLOT];
  schat__store64(slot, generation);
  schat__store64(slot + 8, ~generation);
  (void)file->file->pMethods->xWrite(file->file, slot, SLOT, (sqlite3_int64)(generation & 1) * SLOT);
}

/* Overwriting ---------------------------------------------------------------------------------------------------------------- */

static int overwrite(const schat__sqlite_file *file) {
  static const uint8_t zeros[16384];
  const sqlite3_io_methods *io = file->file->pMethods;
  sqlite3_int64 size = 0, at;
  if (io->xFileSize(file->file, &size) != SQLITE_OK) return SCHAT_E_STORE;
  for (at = 0; at < size; at += (sqlite3_int64)sizeof zeros) {
    const sqlite3_int64 left = size - at;
    const int n = left < (sqlite3_int64)sizeof zeros ? (int)left : (int)sizeof zeros;
    if (io->xWrite(file->file, zeros, n, at) != SQLITE_OK) return SCHAT_E_STORE;
  }
  return io->xSync(file->file, SQLITE_SYNC_FULL) == SQLITE_OK ? SCHAT_OK : SCHAT_E_STORE;
}

int schat__sqlite_file_destroy(const char *path) {
  schat__sqlite_file file;
  sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
  const char *name;
  int status, rc;
  if (vfs == NULL) return SCHAT_E_STORE;
  status = schat__sqlite_file_open(&file, path);
  if (status == SCHAT_E_NOMEM) return status;
  if (status == SCHAT_OK) {
    status = overwrite(&file);
    schat__sqlite_file_close(&file);
  }
  name = full_name(vfs, path);
  if (name == NULL) return SCHAT_E_NOMEM;
  rc = vfs->xDelete(vfs, name, 1);
  free_name(name);
  if (rc == SQLITE_IOERR_DELETE_NOENT) return SCHAT_OK;
  return rc == SQLITE_OK ? status : SCHAT_E_STORE;
}

int schat__sqlite_destroy_all(const char *path) {
  int status = SCHAT_OK, one;
  size_t i;
  for (i = 0; i < COMPANIONS; i++) {
    char *name = companion(path, i);
    one = name == NULL ? SCHAT_E_NOMEM : schat__sqlite_file_destroy(name);
    sqlite3_free(name);
    if (one != SCHAT_OK) status = one;
  }
  one = schat__sqlite_file_destroy(path);
  return one == SCHAT_OK ? status : one;
}
