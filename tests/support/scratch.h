/* SPDX-License-Identifier: BSL-1.0
 * scratch.h - a new folder for the files of a test: under TMPDIR, or where the system keeps what is temporary. */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

#include <stddef.h>

#define SCRATCH_SIZE 256u

/* The folder's path, which begins with `name` in its last part; the caller empties and removes it. 1, or 0 when there can be none. */
int scratch_folder(char folder[SCRATCH_SIZE], const char *name);

#endif
