/* SPDX-License-Identifier: BSL-1.0
 * pool.c - see pool.h. Blocks come in powers of two from one stretch of memory; those given back wait in a list of their size. */
#define _GNU_SOURCE /* memmem */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

#define HEAD 16u
#define LEAST 32u

static unsigned class_of(size_t size) {
  unsigned c = 0;
  while (c < POOL_CLASSES && ((size_t)LEAST << c) < size) c++;
  return c;
}

void pool_open(pool *p, size_t size) {
  memset(p, 0, sizeof *p);
  p->memory = calloc(1, size);
  p->size = size;
  if (p->memory == NULL) abort();
}

static void free_big(pool *p) {
  while (p->big != NULL) {
    pool_big *next = p->big->next;
    free(p->big);
    p->big = next;
  }
}

void pool_close(pool *p) {
  free_big(p);
  free(p->memory);
  memset(p, 0, sizeof *p);
}

void pool_reset(pool *p) {
  free_big(p);
  memset(p->memory, 0, p->used);
  memset(p->free, 0, sizeof p->free);
  p->used = 0;
  p->held = 0;
  p->fail_in = 0;
  p->for_ever = 0;
}

int pool_refuses(pool *p) {
  if (p->fail_in == 0) return 0;
  if (p->fail_in > 1) {
    p->fail_in--;
    return 0;
  }
  if (!p->for_ever) p->fail_in = 0;
  p->failed++;
  return 1;
}

static void *take_big(pool *p, size_t size) {
  pool_big *b = malloc(sizeof *b + HEAD + size);
  uint8_t *head;
  if (b == NULL) abort();
  b->size = size;
  b->before = NULL;
  b->next = p->big;
  if (p->big != NULL) p->big->before = b;
  p->big = b;
  head = (uint8_t *)(b + 1);
  *(size_t *)(void *)head = POOL_CLASSES;
  return head + HEAD;
}

/* The head of a block names its class; the wiped block itself holds the list of free ones. */
static void *allocate(void *user_data, size_t size) {
  pool *p = user_data;
  unsigned c = class_of(size);
  size_t whole;
  uint8_t *head;
  if (pool_refuses(p)) return NULL;
  p->held += size;
  if (c == POOL_CLASSES) return take_big(p, size);
  whole = HEAD + ((size_t)LEAST << c);
  if (p->free[c] != NULL) {
    head = (uint8_t *)p->free[c] - HEAD;
    memcpy(&p->free[c], p->free[c], sizeof(void *));
  } else {
    if (p->used + whole > p->size) {
      return take_big(p, size);
    }
    head = p->memory + p->used;
    if (p->used == 0) p->first = head + HEAD;
    p->used += whole;
    if (p->used > p->peak) p->peak = p->used;
  }
  *(size_t *)(void *)head = c;
  *(size_t *)(void *)(head + 8) = size;
  return head + HEAD;
}

static void release(void *user_data, void *memory) {
  pool *p = user_data;
  size_t c = *(size_t *)(void *)((uint8_t *)memory - HEAD);
  if (c < POOL_CLASSES) {
    p->held -= *(size_t *)(void *)((uint8_t *)memory - HEAD + 8);
    memcpy(memory, &p->free[c], sizeof(void *));
    p->free[c] = memory;
  } else {
    pool_big *b = (pool_big *)(void *)((uint8_t *)memory - HEAD) - 1;
    p->held -= b->size;
    if (b->before != NULL) b->before->next = b->next;
    if (b->before == NULL) p->big = b->next;
    if (b->next != NULL) b->next->before = b->before;
    free(b);
  }
}

schat_allocator pool_allocator(pool *p) {
  schat_allocator a;
  a.user_data = p;
  a.allocate = allocate;
  a.release = release;
  return a;
}

static size_t hits(const uint8_t *memory, size_t length, const void *needle, size_t size) {
  size_t n = 0;
  const uint8_t *at = memory, *end = memory + length;
  while ((at = memmem(at, (size_t)(end - at), needle, size)) != NULL) {
    n++;
    at++;
  }
  return n;
}

size_t pool_find(const pool *p, const void *needle, size_t size) {
  size_t n = hits(p->memory, p->used, needle, size);
  for (const pool_big *b = p->big; b != NULL; b = b->next) n += hits((const uint8_t *)(b + 1), HEAD + b->size, needle, size);
  return n;
}
