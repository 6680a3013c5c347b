/* SPDX-License-Identifier: BSL-1.0
 * mem.h - the caller's allocator, and memory that is wiped before it is given back. */
#ifndef SCHAT_COMMON_MEM_H
#define SCHAT_COMMON_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "secretchat/secretchat.h"

/* Zeroed memory of `size` bytes (at least 1), or NULL. `mem` NULL means malloc and free. */
void *schat__alloc(const schat_allocator *mem, size_t size);

/* Wipes `size` bytes at `p` and frees them; NULL is fine. */
void schat__free(const schat_allocator *mem, void *p, size_t size);

/* Overwrites memory so that no compiler removes it. */
void schat__wipe(void *p, size_t size);

/* A scratch area that objects are cut from and that is emptied, and wiped, at once. Grows by whole blocks; pointers into it
 * stay valid until it is reset. `limit` bounds what one use may take, so that no input can make it grow without end. */
struct schat__arena_block;
typedef struct {
  const schat_allocator *mem;
  struct schat__arena_block *first;
  struct schat__arena_block *current;
  size_t taken; /* since the last reset */
  size_t limit;
} schat__arena;

void schat__arena_init(schat__arena *arena, const schat_allocator *mem, size_t limit);
void *schat__arena_take(schat__arena *arena, size_t size); /* zeroed, aligned to 16; NULL: no memory, or over the limit */
/* How far it is taken, and back to there: what was taken since is wiped. Marks nest; none outlives a reset. */
typedef struct {
  struct schat__arena_block *block; /* NULL: it was empty */
  size_t used, taken;
} schat__arena_mark;
void schat__arena_note(const schat__arena *arena, schat__arena_mark *mark);
void schat__arena_rewind(schat__arena *arena, const schat__arena_mark *mark);
void schat__arena_reset(schat__arena *arena);              /* keeps the first block, if it is not large */
void schat__arena_free(schat__arena *arena);

#endif
