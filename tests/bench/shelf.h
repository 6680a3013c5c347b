/* SPDX-License-Identifier: BSL-1.0
 * shelf.h - a schat_store in memory that costs as little as one can: what a measurement of the library stands on. */
#ifndef TESTS_BENCH_SHELF_H
#define TESTS_BENCH_SHELF_H

#include "memstore.h"
#include "secretchat/secretchat.h"

typedef struct shelf shelf;

/* With the records of an image, which may be NULL. */
shelf *shelf_new(const memstore *image);
void shelf_free(shelf *s);
const schat_store *shelf_store(shelf *s);

#endif
