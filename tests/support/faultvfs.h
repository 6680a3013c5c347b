/* SPDX-License-Identifier: BSL-1.0
 * faultvfs.h - a file system for SQLite that fails on purpose: it stands before the real one and is the default while installed. */
#ifndef SCHAT_TESTS_FAULTVFS_H
#define SCHAT_TESTS_FAULTVFS_H

#include <stddef.h>

typedef enum {
  FAULTVFS_READ,
  FAULTVFS_WRITE,
  FAULTVFS_SYNC,
  FAULTVFS_TRUNCATE,
  FAULTVFS_OPEN,
  FAULTVFS_DELETE,
  FAULTVFS_OPERATIONS
} faultvfs_operation;

void faultvfs_install(void);
void faultvfs_remove(void);

/* The n-th operation of that sort from now (1: the next) gives `rc`; all later ones too when `for_ever`. n 0: none fails. */
void faultvfs_fail(faultvfs_operation operation, size_t n, int rc, int for_ever);
/* Operations of that sort since faultvfs_install. */
size_t faultvfs_count(faultvfs_operation operation);

#endif
