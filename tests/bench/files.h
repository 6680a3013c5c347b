/* SPDX-License-Identifier: BSL-1.0
 * files.h - files: what the stream adds to the cipher, and several side by side. */
#ifndef TESTS_BENCH_FILES_H
#define TESTS_BENCH_FILES_H

#include "measure.h"

void bench_files(const effort *how);

#endif
