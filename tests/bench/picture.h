/* SPDX-License-Identifier: BSL-1.0
 * picture.h - cycles per byte over size, drawn as SVG. */
#ifndef TESTS_BENCH_PICTURE_H
#define TESTS_BENCH_PICTURE_H

#include <stdio.h>

#include "ciphers.h"

void picture(FILE *out, const char *machine, const curve *curves, size_t count);

#endif
