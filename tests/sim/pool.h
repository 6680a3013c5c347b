/* SPDX-License-Identifier: BSL-1.0
 * pool.h - the memory of one device: an allocator that can fail on order, that knows what is held, and whose every byte can be searched. */
#ifndef TESTS_SIM_POOL_H
#define TESTS_SIM_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "secretchat/secretchat.h"

#define POOL_CLASSES 12u /* 32 bytes to 64 KiB; what is larger comes from malloc */

typedef struct pool_big {
  struct pool_big *next, *before;
  size_t size;
} pool_big;

typedef struct {
  uint8_t *memory;
  size_t size, used, peak;
  void *first;            /* what was taken first since it was empty */
  void *free[POOL_CLASSES];
  pool_big *big;
  size_t held;            /* bytes */
  unsigned fail_in;       /* the n-th allocation from now fails; 0 none */
  int for_ever;           /* and all later ones */
  unsigned failed;        /* how many did */
} pool;

void pool_open(pool *p, size_t size);
void pool_close(pool *p);
/* Everything is given back at once, and zero. */
void pool_reset(pool *p);
schat_allocator pool_allocator(pool *p);
/* Counts an allocation: whether this is one that fails. */
int pool_refuses(pool *p);
/* 1: memory that the library has at hand counts, too. */
extern int pool_counts_room;
/* How often needle stands in the memory, held or given back. */
size_t pool_find(const pool *p, const void *needle, size_t size);

#endif
