/* SPDX-License-Identifier: BSL-1.0
 * mem.c - allocation through the caller's functions, wiping, and scratch areas. */
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGN 16u
#define ARENA_BLOCK_MIN 4096u
#define ARENA_BLOCK_MAX 65536u

/* The compiler cannot know what a volatile pointer points to, so it cannot drop the call. */
static void *(*const volatile wipe_memset)(void *, int, size_t) = memset;

void schat__wipe(void *p, size_t size) {
  if (p != NULL && size > 0) (void)wipe_memset(p, 0, size);
}

void *schat__alloc(const schat_allocator *mem, size_t size) {
  if (size == 0) size = 1;
  void *p = mem != NULL ? mem->allocate(mem->user_data, size) : malloc(size);
  if (p != NULL) memset(p, 0, size);
  return p;
}

void schat__free(const schat_allocator *mem, void *p, size_t size) {
  if (p == NULL) return;
  schat__wipe(p, size);
  if (mem != NULL) {
    mem->release(mem->user_data, p);
  } else {
    free(p);
  }
}

struct schat__arena_block {
  struct schat__arena_block *next;
  size_t size;    /* of `bytes` */
  size_t used;    /* of `bytes` */
  uint8_t *bytes; /* behind this head, aligned */
};

void schat__arena_init(schat__arena *arena, const schat_allocator *mem, size_t limit) {
  arena->mem = mem;
  arena->first = NULL;
  arena->current = NULL;
  arena->taken = 0;
  arena->limit = limit;
}

static size_t block_total(size_t size) {
  return sizeof(struct schat__arena_block) + (ARENA_ALIGN - 1u) + size;
}

/* Blocks double in size, so that their number stays small, up to a bound, so that little is wasted. */
static size_t next_block_size(const schat__arena *arena, size_t size) {
  size_t wanted = ARENA_BLOCK_MIN;
  if (arena->current != NULL) {
    wanted = arena->current->size < ARENA_BLOCK_MAX / 2 ? arena->current->size * 2 : ARENA_BLOCK_MAX;
  }
  return wanted > size ? wanted : size;
}

static struct schat__arena_block *add_block(schat__arena *arena, size_t size) {
  size_t block_size = next_block_size(arena, size);
  if (block_size > SIZE_MAX - block_total(0)) return NULL;
  struct schat__arena_block *block = schat__alloc(arena->mem, block_total(block_size));
  if (block == NULL) return NULL;
  uint8_t *bytes = (uint8_t *)(block + 1);
  size_t beyond = (size_t)((uintptr_t)bytes % ARENA_ALIGN);
  block->bytes = bytes + (beyond == 0 ? 0 : ARENA_ALIGN - beyond);
  block->size = block_size;
  if (arena->current != NULL) {
    arena->current->next = block;
  } else {
    arena->first = block;
  }
  arena->current = block;
  return block;
}

void *schat__arena_take(schat__arena *arena, size_t size) {
  size_t left = arena->limit - arena->taken;
  if (size > left || size > SIZE_MAX - (ARENA_ALIGN - 1u)) return NULL;
  size_t rounded = size == 0 ? ARENA_ALIGN : (size + (ARENA_ALIGN - 1u)) / ARENA_ALIGN * ARENA_ALIGN;
  if (rounded > left) return NULL;
  struct schat__arena_block *block = arena->current;
  if (block == NULL || rounded > block->size - block->used) block = add_block(arena, rounded);
  if (block == NULL) return NULL;
  void *p = block->bytes + block->used;
  block->used += rounded;
  arena->taken += rounded;
  return p;
}

static void free_blocks(schat__arena *arena, struct schat__arena_block *block) {
  while (block != NULL) {
    struct schat__arena_block *next = block->next;
    schat__free(arena->mem, block, block_total(block->size));
    block = next;
  }
}

void schat__arena_note(const schat__arena *arena, schat__arena_mark *mark) {
  mark->block = arena->current;
  mark->used = arena->current != NULL ? arena->current->used : 0;
  mark->taken = arena->taken;
}

void schat__arena_rewind(schat__arena *arena, const schat__arena_mark *mark) {
  struct schat__arena_block *block = mark->block;
  if (block == NULL) {
    schat__arena_reset(arena);
    return;
  }
  free_blocks(arena, block->next);
  block->next = NULL;
  schat__wipe(block->bytes + mark->used, block->used - mark->used);
  block->used = mark->used;
  arena->current = block;
  arena->taken = mark->taken;
}

void schat__arena_reset(schat__arena *arena) {
  struct schat__arena_block *first = arena->first;
  if (first != NULL && first->size > ARENA_BLOCK_MAX) { /* one large message must not cost its size for ever */
    free_blocks(arena, first);
    first = arena->first = NULL;
  }
  arena->taken = 0;
  arena->current = first;
  if (first == NULL) return;
  free_blocks(arena, first->next);
  first->next = NULL;
  schat__wipe(first->bytes, first->used); /* what is taken next is zero again */
  first->used = 0;
}

void schat__arena_free(schat__arena *arena) {
  free_blocks(arena, arena->first);
  schat__arena_init(arena, arena->mem, arena->limit);
}
