/* SPDX-License-Identifier: BSL-1.0
 * fault_loops.c - every call out of the library fails, or is the last one of the process, in every scenario, and again during the recovery.
 *
 *   fault_loops [--all | --quick | --failures] [--seed N] [--only NAME] [--openssl | --room] [--verbose] [--self-test]
 *   fault_loops --only NAME --path 37:crash-after/12:once     one run again, by its path
 *   fault_loops --list
 *
 * --all walks the whole product, --failures what fails and goes on; without them every site fails once and for ever and is crashed at, and
 * recoveries are sampled by the seed, which also says how much memory a call finds ready. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "plant.h"
#include "selftest.h"
#include "sqlite_run.h"
#include "steps.h"

typedef struct {
  explore_plan plan;
  const char *only, *path;
  int self_test, sqlite;
} options;

typedef struct {
  unsigned long scenarios, sites, runs, nested, failed;
} sums;

static void usage(const char *wrong) {
  fprintf(stderr, "fault_loops: %s\nfault_loops [--all | --quick | --failures] [--seed N] [--only NAME [--path PATH]] [--openssl | --room | --sqlite] [--verbose] [--self-test] [--list]\n", wrong);
  exit(2);
}

static void list(void) {
  size_t i;
  for (i = 0; scenario_at(i) != NULL; i++) puts(scenario_at(i)->name);
  exit(0);
}

static options read_options(int argc, char **argv) {
  options o = {{1, 1, 4, 3, 5, 0, 0, 0}, NULL, NULL, 0, 0};
  int i;
  for (i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : NULL;
    if (strcmp(argv[i], "--all") == 0) {
      o.plan.idle_crashes = o.plan.nested = o.plan.nested_sites = 1;
    } else if (strcmp(argv[i], "--quick") == 0) {
      o.plan = (explore_plan){3, 3, 40, 9, 11, 0, 0, 0};
    } else if (strcmp(argv[i], "--failures") == 0) {
      o.plan = (explore_plan){1, 0, 0, 0, 0, 0, 0, 0};
    } else if (strcmp(argv[i], "--openssl") == 0) {
      o.plan.alone = SITE_OPENSSL;
    } else if (strcmp(argv[i], "--room") == 0) {
      o.plan.alone = SITE_ROOM;
    } else if (strcmp(argv[i], "--sqlite") == 0) {
      o.sqlite = 1;
    } else if (strcmp(argv[i], "--verbose") == 0) {
      o.plan.verbose = 1;
    } else if (strcmp(argv[i], "--self-test") == 0) {
      o.self_test = 1;
    } else if (strcmp(argv[i], "--list") == 0) {
      list();
    } else if (value == NULL) {
      usage(argv[i]);
    } else if (strcmp(argv[i], "--seed") == 0) {
      o.plan.seed = (unsigned)strtoul(argv[++i], NULL, 10);
    } else if (strcmp(argv[i], "--only") == 0) {
      o.only = argv[++i];
    } else if (strcmp(argv[i], "--path") == 0) {
      o.path = argv[++i];
    } else {
      usage(argv[i]);
    }
  }
  return o;
}

static void print_row(const char *name, const explore_result *r, sums *all) {
  unsigned long sites = 0, runs = 0;
  int i;
  for (i = 0; i < SITE_KINDS; i++) sites += r->sites[i];
  for (i = 0; i < MODES; i++) runs += r->runs[i];
  printf("%-28s %5lu sites (", name, sites);
  for (i = 0; i < SITE_KINDS; i++) {
    if (r->sites[i] > 0) printf("%s %lu ", explore_kind_name((site_kind)i), r->sites[i]);
  }
  printf("), %lu runs, %lu in recoveries, %lu failed\n", runs, r->nested, r->failed);
  if (r->failed > 0) printf("  %s: %s\n", name, r->first);
  fflush(stdout);
  all->scenarios++;
  all->sites += sites;
  all->runs += runs;
  all->nested += r->nested;
  all->failed += r->failed;
}

static int walk(const options *o) {
  sums all = {0, 0, 0, 0, 0};
  const scenario *s;
  const char *name;
  size_t i;
  for (i = 0; (s = scenario_at(i)) != NULL; i++) {
    if (o->only != NULL && strcmp(o->only, s->name) != 0) continue;
    print_row(s->name, explore(bench_run, (void *)(uintptr_t)s, &o->plan, o->path), &all);
  }
  if (all.scenarios == 0) usage("no such scenario");
  if (o->only != NULL) return all.failed > 0;
  name = o->plan.alone == SITE_OPENSSL ? "fault-openssl" : o->plan.alone == SITE_ROOM ? "fault-room" : "fault-sites";
  printf("figure %s: %lu scenarios, %lu sites x %d modes = %lu runs, %lu more with a second failure in the recovery, %lu failed\n", name,
         all.scenarios, all.sites, o->plan.alone != SITE_ALLOCATION ? 2 : MODES - 2, all.runs, all.nested, all.failed);
  return all.failed > 0;
}

static int walk_sqlite(const options *o) {
  sums all = {0, 0, 0, 0, 0};
  if (!sqlite_set_up()) {
    fputs("fault_loops: SQLite does not take its disk from here\n", stderr);
    return 2;
  }
  print_row("sqlite", explore(sqlite_run, NULL, &o->plan, o->path), &all);
  sqlite_tear_down();
  printf("figure fault-sqlite: %lu operations of disk and memory x %d modes = %lu runs, %lu more with a second failure in the recovery, %lu failed\n",
         all.sites, MODES - 1, all.runs, all.nested, all.failed);
  return all.failed > 0;
}

int main(int argc, char **argv) {
  const options o = read_options(argc, argv);
  if (o.sqlite) return walk_sqlite(&o);
  if (!memory_openssl()) {
    fputs("fault_loops: libcrypto does not take its memory from here\n", stderr);
    return 2;
  }
  return o.self_test ? selftest() : walk(&o);
}
