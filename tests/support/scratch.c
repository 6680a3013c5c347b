/* SPDX-License-Identifier: BSL-1.0
 * scratch.c - a new folder for the files of a test. */
#if !defined(_XOPEN_SOURCE)
#define _XOPEN_SOURCE 700 /* mkdtemp, P_tmpdir */
#endif

#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>

int scratch_folder(char folder[SCRATCH_SIZE], const char *name) {
  const char *base = getenv("TMPDIR");
  if (base == NULL || base[0] == '\0') base = P_tmpdir;
  const int length = snprintf(folder, SCRATCH_SIZE, "%s/%s-XXXXXX", base, name);
  return length > 0 && (size_t)length < SCRATCH_SIZE && mkdtemp(folder) != NULL;
}
