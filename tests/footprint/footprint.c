/* SPDX-License-Identifier: BSL-1.0
 * footprint.c - how much memory an idle chat takes, and how long many take to open.
 *
 * Usage: footprint [--chats N] (10,000). Goals: under 1,024 bytes a chat, under a second for 10,000. Ends with 1 when one is missed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "many.h"

#define BYTES_GOAL 1024u
#define MS_GOAL 1000.0

static int report(const pair *p, const int32_t ids[REAL_CHATS], size_t chats) {
  double took_none, took_many;
  memstore *none = account_of(p->sides[0].store), *many = many_chats(p->sides[0].store, ids, chats);
  size_t empty = measure_chats(none, 0, &took_none), full = measure_chats(many, chats, &took_many);
  size_t each = (full - empty + chats - 1) / chats;
  memstore_free(none);
  memstore_free(many);
  printf("bytes per chat: %lu\n", (unsigned long)each);
  printf("open: %.0f ms for %lu chats\n", took_many, (unsigned long)chats);
  return each < BYTES_GOAL && took_many < MS_GOAL * ((double)chats > 10000 ? (double)chats / 10000 : 1);
}

int main(int argc, char **argv) {
  pair p;
  int32_t ids[REAL_CHATS];
  unsigned long chats = 10000;
  if (argc == 3 && strcmp(argv[1], "--chats") == 0) chats = strtoul(argv[2], NULL, 10);
  if ((argc != 1 && argc != 3) || chats == 0 || chats > 1000000) {
    fprintf(stderr, "usage: %s [--chats N]\n", argv[0]);
    return 2;
  }
  pair_begin(&p, 1);
  make_real_chats(&p, ids);
  int good = report(&p, ids, chats);
  pair_end(&p);
  return good ? 0 : 1;
}
