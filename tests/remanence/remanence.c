/* SPDX-License-Identifier: BSL-1.0
 * remanence.c - what stays of secrets after their end, in memory and in the store.
 *
 *   remanence [--runs N] [--seed N] [--scenario NAME]   runs scenarios in turns, each with another seed, each second one over SQLite
 *   remanence --self-test                               leaks on purpose, all of which must be found
 *
 * Each run is a process of its own that tells the observer, this program, every secret as it comes into being, and stops at certain moments
 * to be looked at: every 16 bytes of its memory and registers are compared with every 16 bytes of every secret that is not in use any
 * more, in all shapes that forms.h names. Ends with 0 when nothing was found. */
#define _XOPEN_SOURCE 700

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/ige.h"
#include "image.h"

#include "observer.h"
#include "scenarios.h"
#include "scratch.h"
#include "secretchat/sqlite.h"

static int observed(int argc, char **argv) {
  const scenario *s = argc >= 5 ? scenario_find(argv[2]) : NULL;
  if (s == NULL || !image_offer()) return 7;
  uint64_t seed = strtoull(argv[3], NULL, 10);
  const schat__ige_kernel *kernel = NULL;
  for (size_t i = 0; i <= seed / 2 % 4; i++) kernel = schat__ige_kernel_at(i) != NULL ? schat__ige_kernel_at(i) : kernel;
  if (schat__ige_force(kernel->name) != SCHAT_OK) return 7;
  s->run(seed, argv[4][0] != '\0' ? argv[4] : NULL);
  return 0;
}

static void remove_databases(const char *directory) {
  char path[320];
  for (int i = 0; i < 2; i++) {
    (void)snprintf(path, sizeof path, "%s/%d.db", directory, i);
    (void)schat_sqlite_destroy(path, NULL);
  }
}

static void run_one(const char *program, const scenario *s, uint64_t seed, int quiet, findings *all) {
  char directory[SCRATCH_SIZE];
  const int sqlite = seed / 2 % 2 == 1;
  if (sqlite && !scratch_folder(directory, "remanence")) exit(2);
  observe(program, s->name, seed, sqlite ? directory : "", quiet, all);
  if (!sqlite) return;
  remove_databases(directory);
  (void)rmdir(directory);
}

static int run(const char *program, unsigned long runs, uint64_t seed, const char *only) {
  findings all;
  memset(&all, 0, sizeof all);
  size_t count = 0;
  while (scenarios[count].name != NULL) count++;
  for (unsigned long i = 0; i < runs; i++) {
    const scenario *s = only != NULL ? scenario_find(only) : &scenarios[i % count];
    if (s == NULL) return 2;
    run_one(program, s, seed + i, 0, &all);
  }
  const int broken = all.broken > 0 || (all.texts == 0 && only == NULL);
  printf("figure remanence: %zu runs, %zu looks, %.1e windows sought, %zu found%s\n", all.runs, all.looks, (double)all.windows,
         all.memory_found, broken ? ", runs failed" : "");
  printf("figure store-remanence: %zu commits, %zu windows of keys or texts found%s\n", all.commits, all.store_found,
         broken ? ", runs failed" : "");
  return broken || all.memory_found > 0 || all.store_found > 0;
}

static int self_test(const char *program) {
  size_t blind = 0, count = 0;
  for (const scenario *s = leaky_scenarios; s->name != NULL; s++) {
    for (uint64_t seed = 0; seed < 4; seed++) {
      findings all;
      memset(&all, 0, sizeof all);
      run_one(program, s, seed, 1, &all);
      count++;
      if (all.broken == 0 && all.memory_found + all.store_found > 0) continue;
      printf("not found: %s, seed %u\n", s->name, (unsigned)seed);
      blind++;
    }
  }
  printf("self-test: %zu leaks, %zu not found\n", count, blind);
  return blind != 0;
}

int main(int argc, char **argv) {
  unsigned long runs = 50;
  uint64_t seed = 1;
  const char *only = NULL;
  if (argc > 1 && strcmp(argv[1], "--observed") == 0) return observed(argc, argv);
  if (argc > 1 && strcmp(argv[1], "--self-test") == 0) return self_test(argv[0]);
  for (int i = 1; i < argc; i += 2) {
    const char *value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(argv[i], "--runs") == 0) {
      runs = strtoul(value, NULL, 10);
    } else if (strcmp(argv[i], "--seed") == 0) {
      seed = strtoull(value, NULL, 10);
    } else if (strcmp(argv[i], "--scenario") == 0 && scenario_find(value) != NULL) {
      only = value;
    } else {
      fprintf(stderr, "usage: remanence [--runs N] [--seed N] [--scenario NAME] | --self-test\n");
      return 2;
    }
  }
  return run(argv[0], runs, seed, only);
}
