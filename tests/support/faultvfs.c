/* SPDX-License-Identifier: BSL-1.0
 * faultvfs.c - a file system for SQLite that fails on purpose: it stands before the real one and is the default while installed. */
#include "faultvfs.h"

#include <string.h>

#include <sqlite3.h>

static struct {
  size_t in, count;
  int rc, for_ever;
} operations[FAULTVFS_OPERATIONS];

static sqlite3_vfs *real, shim;
static sqlite3_io_methods methods;

/* A file of ours: the methods, then the real file. */
typedef struct {
  sqlite3_file base;
  sqlite3_file *real;
} shim_file;

static sqlite3_file *inner(sqlite3_file *file) {
  return ((shim_file *)file)->real;
}

/* Counts an operation; what it is to answer, or SQLITE_OK when it is to be done. */
static int fate(faultvfs_operation o) {
  operations[o].count++;
  if (operations[o].in == 0) return SQLITE_OK;
  if (operations[o].in > 1) {
    operations[o].in--;
    return SQLITE_OK;
  }
  if (!operations[o].for_ever) operations[o].in = 0;
  return operations[o].rc;
}

void faultvfs_fail(faultvfs_operation operation, size_t n, int rc, int for_ever) {
  operations[operation].in = n;
  operations[operation].rc = rc;
  operations[operation].for_ever = for_ever;
}

size_t faultvfs_count(faultvfs_operation operation) {
  return operations[operation].count;
}

static int shim_close(sqlite3_file *f) {
  return inner(f)->pMethods->xClose(inner(f));
}

static int shim_read(sqlite3_file *f, void *out, int n, sqlite3_int64 at) {
  const int rc = fate(FAULTVFS_READ);
  return rc != SQLITE_OK ? rc : inner(f)->pMethods->xRead(inner(f), out, n, at);
}

static int shim_write(sqlite3_file *f, const void *in, int n, sqlite3_int64 at) {
  const int rc = fate(FAULTVFS_WRITE);
  return rc != SQLITE_OK ? rc : inner(f)->pMethods->xWrite(inner(f), in, n, at);
}

static int shim_truncate(sqlite3_file *f, sqlite3_int64 size) {
  const int rc = fate(FAULTVFS_TRUNCATE);
  return rc != SQLITE_OK ? rc : inner(f)->pMethods->xTruncate(inner(f), size);
}

static int shim_sync(sqlite3_file *f, int flags) {
  const int rc = fate(FAULTVFS_SYNC);
  return rc != SQLITE_OK ? rc : inner(f)->pMethods->xSync(inner(f), flags);
}

static int shim_size(sqlite3_file *f, sqlite3_int64 *size) {
  return inner(f)->pMethods->xFileSize(inner(f), size);
}
static int shim_lock(sqlite3_file *f, int level) {
  return inner(f)->pMethods->xLock(inner(f), level);
}
static int shim_unlock(sqlite3_file *f, int level) {
  return inner(f)->pMethods->xUnlock(inner(f), level);
}
static int shim_reserved(sqlite3_file *f, int *out) {
  return inner(f)->pMethods->xCheckReservedLock(inner(f), out);
}
static int shim_control(sqlite3_file *f, int op, void *arg) {
  return inner(f)->pMethods->xFileControl(inner(f), op, arg);
}
static int shim_sector(sqlite3_file *f) {
  return inner(f)->pMethods->xSectorSize(inner(f));
}
static int shim_device(sqlite3_file *f) {
  return inner(f)->pMethods->xDeviceCharacteristics(inner(f));
}

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
  shim_file *f = (shim_file *)file;
  int rc = fate(FAULTVFS_OPEN);
  (void)vfs;
  f->base.pMethods = NULL;
  f->real = (sqlite3_file *)(void *)(f + 1);
  if (rc == SQLITE_OK) rc = real->xOpen(real, name, f->real, flags, out);
  if (f->real->pMethods != NULL && rc == SQLITE_OK) f->base.pMethods = &methods;
  return rc;
}

static int shim_delete(sqlite3_vfs *vfs, const char *name, int sync) {
  const int rc = fate(FAULTVFS_DELETE);
  (void)vfs;
  return rc != SQLITE_OK ? rc : real->xDelete(real, name, sync);
}

static int shim_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
  (void)vfs;
  return real->xAccess(real, name, flags, out);
}

static int shim_full(sqlite3_vfs *vfs, const char *name, int n, char *out) {
  (void)vfs;
  return real->xFullPathname(real, name, n, out);
}

/* Version 1 of the methods: no shared memory, so that a log works in exclusive mode only, as the store uses it. */
static void set_methods(void) {
  memset(&methods, 0, sizeof methods);
  methods.iVersion = 1;
  methods.xClose = shim_close;
  methods.xRead = shim_read;
  methods.xWrite = shim_write;
  methods.xTruncate = shim_truncate;
  methods.xSync = shim_sync;
  methods.xFileSize = shim_size;
  methods.xLock = shim_lock;
  methods.xUnlock = shim_unlock;
  methods.xCheckReservedLock = shim_reserved;
  methods.xFileControl = shim_control;
  methods.xSectorSize = shim_sector;
  methods.xDeviceCharacteristics = shim_device;
}

void faultvfs_install(void) {
  memset(operations, 0, sizeof operations);
  real = sqlite3_vfs_find(NULL);
  shim = *real;
  shim.zName = "faultvfs";
  shim.szOsFile = real->szOsFile + (int)sizeof(shim_file);
  shim.xOpen = shim_open;
  shim.xDelete = shim_delete;
  shim.xAccess = shim_access;
  shim.xFullPathname = shim_full;
  set_methods();
  sqlite3_vfs_register(&shim, 1);
}

void faultvfs_remove(void) {
  sqlite3_vfs_unregister(&shim);
  sqlite3_vfs_register(real, 1);
}
