/* SPDX-License-Identifier: BSL-1.0
 * poor.c - an allocator of the library's that has no memory once. */
#include "poor.h"

#include <stdlib.h>

static long before;
static int failed;

static void *take(void *user_data, size_t size) {
  (void)user_data;
  if (before-- != 0) return malloc(size);
  failed = 1;
  return NULL;
}

static void give(void *user_data, void *memory) {
  (void)user_data;
  free(memory);
}

const schat_allocator poor_allocator = {NULL, take, give};

void poor_begin(long left) {
  before = left;
  failed = 0;
}

int poor_failed(void) {
  return failed;
}
