/* SPDX-License-Identifier: BSL-1.0
 * memdisk.c - see memdisk.h. Files are named blocks of bytes; every change since the last sync of its file is kept with what it replaced,
 * in the order it was made, and is undone from the end where the power goes. */
#include "memdisk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#define FILES 12
#define NAME 256

typedef struct {
  char name[NAME];
  unsigned char *bytes;
  size_t size, capacity;
  int exists;
} file;

/* A change that was not synced: what stood there before. */
typedef struct {
  file *of;
  size_t at, size, size_before;
  unsigned char *before;
} change;

typedef struct {
  sqlite3_file base;
  file *of;
  int delete_on_close;
} handle;

/* Nothing may come from nowhere. */
static void copy_bytes(void *to, const void *from, size_t size) {
  if (size > 0) memcpy(to, from, size);
}

static file files[FILES];
static change *changes;
static size_t change_count, change_capacity;
static int open_files;
static memdisk_hook hook;
static sqlite3_io_methods methods;

static void *must(void *p) {
  if (p == NULL) abort();
  return p;
}

/* Files -------------------------------------------------------------------------------------------------------------------------- */

static file *find(const char *name) {
  size_t i;
  for (i = 0; i < FILES; i++) {
    if (files[i].exists && strcmp(files[i].name, name) == 0) return &files[i];
  }
  return NULL;
}

static file *make(const char *name) {
  size_t i;
  for (i = 0; i < FILES && files[i].exists; i++) continue;
  if (i == FILES || strlen(name) >= NAME) abort();
  strcpy(files[i].name, name);
  files[i].exists = 1;
  files[i].size = 0;
  return &files[i];
}

static void resize(file *f, size_t size) {
  if (size > f->capacity) {
    f->capacity = size * 2;
    f->bytes = must(realloc(f->bytes, f->capacity));
  }
  if (size > f->size) memset(f->bytes + f->size, 0, size - f->size);
  f->size = size;
}

static void forget_changes(const file *f) {
  size_t i, kept = 0;
  for (i = 0; i < change_count; i++) {
    if (f == NULL || changes[i].of == f) {
      free(changes[i].before);
    } else {
      changes[kept++] = changes[i];
    }
  }
  change_count = kept;
}

static void note_change(file *f, size_t at, size_t size) {
  change *c;
  if (change_count == change_capacity) {
    change_capacity = change_capacity == 0 ? 64 : 2 * change_capacity;
    changes = must(realloc(changes, change_capacity * sizeof *changes));
  }
  c = &changes[change_count++];
  c->of = f;
  c->at = at < f->size ? at : f->size;
  c->size = at + size < f->size ? at + size - c->at : f->size - c->at;
  c->size_before = f->size;
  c->before = must(malloc(c->size + 1));
  copy_bytes(c->before, f->bytes + c->at, c->size);
}

static void undo(const change *c) {
  resize(c->of, c->size_before);
  copy_bytes(c->of->bytes + c->at, c->before, c->size);
}

/* A torn write: its second half never came. */
static void tear(const change *c) {
  const size_t half = c->size / 2;
  if (c->of->size > c->size_before) resize(c->of, c->size_before + (c->of->size - c->size_before) / 2);
  if (c->at + c->size <= c->of->size) copy_bytes(c->of->bytes + c->at + half, c->before + half, c->size - half);
}

static void lose(fault_mode mode) {
  const size_t keep = mode == MODE_CRASH_ALL ? change_count : mode == MODE_CRASH_HALF ? change_count / 2 : 0;
  size_t i;
  for (i = change_count; i-- > keep;) {
    if (mode == MODE_CRASH_HALF && i == keep) {
      tear(&changes[i]);
    } else {
      undo(&changes[i]);
    }
  }
}

void memdisk_crash(fault_mode mode) {
  lose(mode);
  forget_changes(NULL);
  open_files = 0;
}

void memdisk_clear(void) {
  size_t i;
  forget_changes(NULL);
  for (i = 0; i < FILES; i++) files[i].exists = 0;
}

void memdisk_remove(const char *name) {
  static const char *const ends[] = {"", "-wal", "-journal"};
  size_t i;
  for (i = 0; i < 3; i++) {
    char full[NAME];
    file *f;
    snprintf(full, sizeof full, "%s%s", name, ends[i]);
    f = find(full);
    if (f == NULL) continue;
    forget_changes(f);
    f->exists = 0;
  }
}

static void copy_one(const char *name, const char *copy, const char *end) {
  char from[NAME], to[NAME];
  file *f, *g;
  snprintf(from, sizeof from, "%s%s", name, end);
  snprintf(to, sizeof to, "%s%s", copy, end);
  f = find(from);
  if (f == NULL) return;
  g = make(to);
  resize(g, f->size);
  copy_bytes(g->bytes, f->bytes, f->size);
}

/* What a crash would leave is what the changes leave when they are undone, for a moment. */
void memdisk_copy(const char *name, const char *copy, fault_mode mode) {
  unsigned char *bytes[FILES];
  size_t sizes[FILES], i;
  for (i = 0; i < FILES; i++) {
    sizes[i] = files[i].size;
    bytes[i] = must(malloc(sizes[i] + 1));
    copy_bytes(bytes[i], files[i].bytes == NULL ? (const unsigned char *)"" : files[i].bytes, sizes[i]);
  }
  lose(mode);
  copy_one(name, copy, "");
  copy_one(name, copy, "-wal");
  copy_one(name, copy, "-journal");
  for (i = 0; i < FILES; i++) {
    if (!files[i].exists || strncmp(files[i].name, copy, strlen(copy)) != 0) {
      resize(&files[i], sizes[i]);
      if (sizes[i] > 0) memcpy(files[i].bytes, bytes[i], sizes[i]);
    }
    free(bytes[i]);
  }
}

size_t memdisk_unsynced(void) { return change_count; }
int memdisk_open_files(void) { return open_files; }

/* Operations --------------------------------------------------------------------------------------------------------------------- */

static int fails(fault_mode mode) { return mode == MODE_ONCE || mode == MODE_FOR_EVER; }

static file *of(sqlite3_file *f) { return ((handle *)f)->of; }

static int disk_close(sqlite3_file *f) {
  handle *h = (handle *)f;
  if (h->delete_on_close) {
    forget_changes(h->of);
    h->of->exists = 0;
  }
  open_files--;
  return SQLITE_OK;
}

static int disk_read(sqlite3_file *f, void *out, int n, sqlite3_int64 at) {
  const fault_mode mode = hook(SITE_READ, 0, MODE_NONE);
  const file *g = of(f);
  size_t size = (size_t)n, from = (size_t)at, there = from < g->size ? g->size - from : 0;
  if (fails(mode)) return SQLITE_IOERR_READ;
  if (there > size) there = size;
  if (mode == MODE_SHORT) there /= 2;
  copy_bytes(out, g->bytes + from, there);
  if (mode == MODE_SHORT) return SQLITE_IOERR_READ;
  hook(SITE_READ, 1, mode);
  if (there == size) return SQLITE_OK;
  memset((char *)out + there, 0, size - there);
  return SQLITE_IOERR_SHORT_READ; /* the file ends here */
}

static int disk_write(sqlite3_file *f, const void *in, int n, sqlite3_int64 at) {
  const fault_mode mode = hook(SITE_WRITE, 0, MODE_NONE);
  file *g = of(f);
  size_t size = (size_t)n, from = (size_t)at;
  if (fails(mode)) return SQLITE_FULL;
  if (mode == MODE_SHORT) size /= 2;
  note_change(g, from, size);
  if (from + size > g->size) resize(g, from + size);
  copy_bytes(g->bytes + from, in, size);
  hook(SITE_WRITE, 1, mode);
  return mode == MODE_SHORT ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

static int disk_truncate(sqlite3_file *f, sqlite3_int64 size) {
  const fault_mode mode = hook(SITE_TRUNCATE, 0, MODE_NONE);
  file *g = of(f);
  if (fails(mode)) return SQLITE_IOERR_TRUNCATE;
  if ((size_t)size < g->size) {
    note_change(g, (size_t)size, g->size - (size_t)size);
    resize(g, (size_t)size);
  }
  hook(SITE_TRUNCATE, 1, mode);
  return SQLITE_OK;
}

static int disk_sync(sqlite3_file *f, int flags) {
  const fault_mode mode = hook(SITE_SYNC, 0, MODE_NONE);
  (void)flags;
  if (fails(mode)) return SQLITE_IOERR_FSYNC;
  if (mode != MODE_SHORT) forget_changes(of(f)); /* SHORT: a disk that lies */
  hook(SITE_SYNC, 1, mode);
  return SQLITE_OK;
}

static int disk_size(sqlite3_file *f, sqlite3_int64 *size) {
  const fault_mode mode = hook(SITE_SIZE, 0, MODE_NONE);
  if (fails(mode)) return SQLITE_IOERR_FSTAT;
  *size = (sqlite3_int64)of(f)->size;
  hook(SITE_SIZE, 1, mode);
  return SQLITE_OK;
}

static int disk_lock(sqlite3_file *f, int level) {
  const fault_mode mode = hook(SITE_LOCK, 0, MODE_NONE);
  (void)f, (void)level;
  if (fails(mode)) return SQLITE_BUSY;
  hook(SITE_LOCK, 1, mode);
  return SQLITE_OK;
}

static int disk_unlock(sqlite3_file *f, int level) {
  (void)f, (void)level;
  return SQLITE_OK;
}

static int disk_reserved(sqlite3_file *f, int *out) {
  (void)f;
  *out = 0;
  return SQLITE_OK;
}

static int disk_control(sqlite3_file *f, int op, void *arg) {
  (void)f, (void)op, (void)arg;
  return SQLITE_NOTFOUND;
}

static int disk_sector(sqlite3_file *f) {
  (void)f;
  return 512;
}

static int disk_device(sqlite3_file *f) {
  (void)f;
  return 0;
}

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out) {
  handle *h = (handle *)f;
  fault_mode mode;
  (void)vfs;
  h->base.pMethods = NULL;
  mode = hook(SITE_OPEN, 0, MODE_NONE);
  if (fails(mode)) return SQLITE_CANTOPEN;
  if (name == NULL) name = "unnamed";
  h->of = find(name);
  /* A file that the store has made with the rights it wants is there, though empty. */
  if (h->of == NULL) h->of = make(name);
  h->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  h->base.pMethods = &methods;
  open_files++;
  if (out != NULL) *out = flags;
  hook(SITE_OPEN, 1, mode);
  return SQLITE_OK;
}

static int disk_delete(sqlite3_vfs *vfs, const char *name, int sync) {
  const fault_mode mode = hook(SITE_DELETE, 0, MODE_NONE);
  file *f = find(name);
  (void)vfs, (void)sync;
  if (fails(mode)) return SQLITE_IOERR_DELETE;
  if (f == NULL) return SQLITE_IOERR_DELETE_NOENT;
  forget_changes(f);
  f->exists = 0;
  hook(SITE_DELETE, 1, mode);
  return SQLITE_OK;
}

static int disk_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
  const fault_mode mode = hook(SITE_ACCESS, 0, MODE_NONE);
  const file *f = find(name);
  (void)vfs, (void)flags;
  if (fails(mode)) return SQLITE_IOERR_ACCESS;
  *out = f != NULL && (f->size > 0 || flags != SQLITE_ACCESS_EXISTS);
  hook(SITE_ACCESS, 1, mode);
  return SQLITE_OK;
}

static int disk_full_name(sqlite3_vfs *vfs, const char *name, int n, char *out) {
  (void)vfs;
  sqlite3_snprintf(n, out, "%s", name);
  return SQLITE_OK;
}

/* SQLite's memory ---------------------------------------------------------------------------------------------------------------- */

static sqlite3_mem_methods real_memory, memory;

static void *take(int size) {
  return hook(SITE_SQLITE_MEMORY, 0, MODE_NONE) == MODE_NONE ? real_memory.xMalloc(size) : NULL;
}

static void *retake(void *p, int size) {
  return hook(SITE_SQLITE_MEMORY, 0, MODE_NONE) == MODE_NONE ? real_memory.xRealloc(p, size) : NULL;
}

/* Installing --------------------------------------------------------------------------------------------------------------------- */

/* Version 1 of the methods: no shared memory, so that a log works in exclusive mode only, as the store uses it. */
static void set_methods(void) {
  methods.iVersion = 1;
  methods.xClose = disk_close;
  methods.xRead = disk_read;
  methods.xWrite = disk_write;
  methods.xTruncate = disk_truncate;
  methods.xSync = disk_sync;
  methods.xFileSize = disk_size;
  methods.xLock = disk_lock;
  methods.xUnlock = disk_unlock;
  methods.xCheckReservedLock = disk_reserved;
  methods.xFileControl = disk_control;
  methods.xSectorSize = disk_sector;
  methods.xDeviceCharacteristics = disk_device;
}

int memdisk_install(memdisk_hook given) {
  static sqlite3_vfs disk;
  const sqlite3_vfs *real;
  hook = given;
  if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory) != SQLITE_OK) return 0;
  memory = real_memory;
  memory.xMalloc = take;
  memory.xRealloc = retake;
  if (sqlite3_config(SQLITE_CONFIG_MALLOC, &memory) != SQLITE_OK || (real = sqlite3_vfs_find(NULL)) == NULL) return 0;
  disk = *real;
  disk.zName = "memdisk";
  disk.szOsFile = (int)sizeof(handle);
  disk.xOpen = disk_open;
  disk.xDelete = disk_delete;
  disk.xAccess = disk_access;
  disk.xFullPathname = disk_full_name;
  set_methods();
  return sqlite3_vfs_register(&disk, 1) == SQLITE_OK;
}
