/* SPDX-License-Identifier: BSL-1.0
 * many.h - a store of many idle chats, and what it takes to open it. */
#ifndef TESTS_FOOTPRINT_MANY_H
#define TESTS_FOOTPRINT_MANY_H

#include "../hostile/pair.h"

#define REAL_CHATS 16u

/* Chats with a past, in which everything has been confirmed to the first side. */
void make_real_chats(pair *p, int32_t ids[REAL_CHATS]);
/* The records of the account, without events that have been seen. */
memstore *account_of(const memstore *store);
/* The same with `count` copies of the chats. */
memstore *many_chats(const memstore *store, const int32_t ids[REAL_CHATS], size_t count);
/* Bytes held for a store of so many chats once it is open, and the milliseconds that opening took. */
size_t measure_chats(memstore *store, size_t chats, double *took);

#endif
