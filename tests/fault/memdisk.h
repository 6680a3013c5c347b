/* SPDX-License-Identifier: BSL-1.0
 * memdisk.h - a disk in memory for SQLite, as a file system that is the default once installed: every operation may fail, come to half of
 * its work, or be the last one before the power goes; what was not synced then is lost, or torn. */
#ifndef TESTS_FAULT_MEMDISK_H
#define TESTS_FAULT_MEMDISK_H

#include <stddef.h>

#include "explore.h"

/* Asked before each operation (done 0): what becomes of it; and after it (done 1), where a crash happens. */
typedef fault_mode (*memdisk_hook)(site_kind kind, int done, fault_mode mode);

/* Installs the disk, and SQLite's memory that fails alike: before anything uses SQLite. 0: refused. */
int memdisk_install(memdisk_hook hook);
void memdisk_clear(void); /* no files */
/* The power goes. What was written and not synced: all of it is lost, the older half arrived and the next write is torn, or all arrived. */
void memdisk_crash(fault_mode mode);
/* The file as it is found after such a crash, under another name, with its companions ("-wal", "-journal"). */
void memdisk_copy(const char *name, const char *copy, fault_mode mode);
void memdisk_remove(const char *name);
size_t memdisk_unsynced(void);
int memdisk_open_files(void);

#endif
