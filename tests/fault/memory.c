/* SPDX-License-Identifier: BSL-1.0
 * memory.c - see memory.h. */
#include "memory.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "explore.h"
#include "plant.h"
#include "bench.h"

typedef struct block {
  struct block *next, *previous;
  size_t size, unused; /* keeps what follows aligned */
} block;

static block *blocks;
static size_t live;

int memory_inside;

size_t memory_live(void) { return live; }

static void *allocate(void *user_data, size_t size) {
  bench *b = user_data;
  const fault_mode mode = bench_site(b, SITE_ALLOCATION);
  block *new_block;
  if (mode == MODE_ONCE || mode == MODE_FOR_EVER) return NULL;
  new_block = malloc(sizeof *new_block + size);
  if (new_block == NULL) abort();
  new_block->size = size;
  new_block->previous = NULL;
  new_block->next = blocks;
  if (blocks != NULL) blocks->previous = new_block;
  blocks = new_block;
  live++;
  bench_crash_after(b, mode);
  return new_block + 1;
}

static void unlink_block(block *old) {
  if (old->previous != NULL) old->previous->next = old->next;
  if (old->next != NULL) old->next->previous = old->previous;
  if (blocks == old) blocks = old->next;
  live--;
}

/* All of it was wiped, so whatever it held it holds no more. */
static void check_wiped(const block *old) {
  const unsigned char *bytes = (const unsigned char *)(old + 1);
  size_t i;
  for (i = 0; i < old->size; i++) MUST(bytes[i] == 0, "a block of %zu bytes came back unwiped at %zu", old->size, i);
}

static void release(void *user_data, void *memory) {
  block *old = (block *)memory - 1;
  (void)user_data;
  if (plant_is(PLANT_LEAK) && explore_met()) return;
  if (plant_is(PLANT_UNWIPED) && explore_met() && old->size > 1) ((unsigned char *)memory)[1] = 7;
  check_wiped(old);
  unlink_block(old);
  free(old);
}

const schat_allocator *memory_allocator(void) {
  static schat_allocator allocator;
  allocator.user_data = bench_now();
  allocator.allocate = allocate;
  allocator.release = release;
  return &allocator;
}

void memory_crash(void) {
  while (blocks != NULL) {
    block *old = blocks;
    unlink_block(old);
    free(old);
  }
}

/* libcrypto ---------------------------------------------------------------------------------------------------------------------- */

static int refuses(void) {
  return memory_inside > 0 && explore_site(SITE_OPENSSL, 0) != MODE_NONE;
}

static void *crypto_malloc(size_t size, const char *file, int line) {
  (void)file, (void)line;
  return refuses() ? NULL : malloc(size);
}

static void *crypto_realloc(void *p, size_t size, const char *file, int line) {
  (void)file, (void)line;
  return refuses() ? NULL : realloc(p, size);
}

static void crypto_free(void *p, const char *file, int line) {
  (void)file, (void)line;
  free(p);
}

/* libcrypto 3.0 keeps a lock of its own for ever when memory ends while it fetches an algorithm for the first time in a process: what the
 * library fetches late has been fetched before, as in a process that has used TLS. */
int memory_openssl(void) {
  EVP_MD *md5;
  if (!CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free)) return 0;
  md5 = EVP_MD_fetch(NULL, "MD5", NULL);
  EVP_MD_free(md5);
  return md5 != NULL;
}
