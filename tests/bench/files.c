/* SPDX-License-Identifier: BSL-1.0
 * files.c - files: what the stream adds to the cipher, and several side by side. */
#include "files.h"

#include <stdlib.h>
#include <string.h>

#include "ciphers.h"
#include "figures.h"
#include "secretchat/secretchat.h"

#define FILES 8u
#define PIECE 65536u
#define APART (PIECE + 256u) /* from one piece to the next: at a power of two all would stand in the same places of the cache */

static const other nothing = {NULL, 0};

typedef struct {
  size_t count;
  int together;
  schat_file *files[FILES];
  uint8_t *bytes;                            /* each piece is encrypted in place, again and again */
  uint8_t start[SCHAT_FILE_CHECKPOINT_SIZE]; /* where all files begin */
} shelf;

static shelf *shelf_new(size_t count, int together) {
  shelf *s = calloc(1, sizeof *s);
  uint8_t key[SCHAT_FILE_KEY_SIZE] = {0};
  must(s != NULL && count <= FILES, "memory");
  s->count = count;
  s->together = together;
  s->bytes = calloc(count, APART);
  must(s->bytes != NULL, "memory");
  for (size_t i = 0; i < count; i++) {
    key[0] = (uint8_t)i;
    must(schat_file_encrypt_begin(NULL, key, s->start, PIECE, NULL, NULL, &s->files[i]) == SCHAT_OK, "schat_file_encrypt_begin");
  }
  return s;
}

static void shelf_free(shelf *s) {
  for (size_t i = 0; i < s->count; i++) schat_file_free(s->files[i]);
  free(s->bytes);
  free(s);
}

static void one_by_one(shelf *s) {
  size_t written = 0;
  for (size_t i = 0; i < s->count; i++) {
    uint8_t *piece = s->bytes + i * APART;
    must(schat_file_update(s->files[i], piece, PIECE, piece, &written) == SCHAT_OK && written == PIECE, "schat_file_update");
  }
}

static void together(shelf *s) {
  schat_file_part parts[FILES];
  for (size_t i = 0; i < s->count; i++) {
    SCHAT_INIT(parts[i]);
    parts[i].file = s->files[i];
    parts[i].in = parts[i].out = s->bytes + i * APART;
    parts[i].in_size = PIECE;
  }
  must(schat_file_update_many(parts, s->count) == SCHAT_OK, "schat_file_update_many");
  for (size_t i = 0; i < s->count; i++) must(parts[i].status == SCHAT_OK && parts[i].written == PIECE, "a part");
}

static void run_shelf(void *arg, size_t times) {
  shelf *s = arg;
  for (size_t n = 0; n < times; n++) {
    for (size_t i = 0; i < s->count; i++) must(schat_file_resume(s->files[i], s->start, 0) == SCHAT_OK, "schat_file_resume");
    if (s->together)
      together(s);
    else
      one_by_one(s);
  }
}

/* Both ways give the same, or their times say nothing. */
static void check_alike(shelf *single, shelf *all) {
  for (int i = 0; i < 2; i++) {
    run_shelf(single, 1);
    run_shelf(all, 1);
    must(memcmp(single->bytes, all->bytes, single->count * APART) == 0, "files together are as each alone");
  }
}

void bench_files(const effort *how) {
  shelf *single = shelf_new(FILES, 0), *all = shelf_new(FILES, 1), *one = shelf_new(1, 0);
  void *bare = ciphers_bare(PIECE, 0);
  candidate c[4] = {{run_shelf, all, FILES, 0, NULL, 0, NULL},
                    {run_shelf, single, FILES, 0, NULL, 0, NULL},
                    {run_shelf, one, 1, 0, NULL, 0, NULL},
                    {ciphers_run, bare, 1, 0, NULL, 0, NULL}};
  const effort few = {how->rounds / 4 + 5, how->sample_ns * 4}; /* a sample holds one round of eight files */
  check_alike(single, all);
  measure(c, 4, &few);
  const other rival = {"one by one", c[1].median}, cipher = {"bare IGE", c[3].median};
  figure_set("file_many_vs_single_64k", measure_ratio(&c[1], &c[0], &few), c[0].median, nothing, rival);
  figure_set("file_64k_vs_bare_ige", measure_ratio(&c[2], &c[3], &few), c[2].median, cipher, nothing);
  measure_end(c, 4);
  ciphers_bare_end(bare);
  shelf_free(single);
  shelf_free(all);
  shelf_free(one);
}
