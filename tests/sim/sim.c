/* SPDX-License-Identifier: BSL-1.0
 * sim.c - the simulator: runs schedules by the seed, shrinks and shows the one that fails, and says what was reached.
 *
 *   sim --schedules N --seed S [--jobs J] [--profile NAME]    schedules of the seeds S, S+1 ... S+N-1
 *   sim --room 1 ...                                          where allocations fail, memory at hand is refused as well
 *   sim --replay SEED [--steps N] [--off CLASS,...]           one schedule, told step by step */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shrink.h"
#include "sim.h"

typedef struct {
  uint64_t schedules, events, violations, digest, converged;
  uint64_t commits, crashes, rejected, rekeys, delivered, timers, rolled_back;
  int64_t key_age, key_uses;
  uint64_t with[SIM_CLASS_COUNT], of[SIM_PROFILES];
} totals;

static void add(totals *t, const sim_result *r) {
  t->schedules++;
  t->events += r->events;
  t->violations += r->failed != 0;
  t->digest ^= r->digest * UINT64_C(0x9e3779b97f4a7c15);
  t->converged += r->converged;
  t->commits += r->commits;
  t->crashes += r->crashes;
  t->rejected += r->rejected;
  t->rekeys += r->rekeys;
  t->delivered += r->delivered;
  t->timers += r->timers;
  t->rolled_back += r->rolled_back;
  if (r->key_age > t->key_age) t->key_age = r->key_age;
  if (r->key_uses > t->key_uses) t->key_uses = r->key_uses;
  for (int c = 0; c < SIM_CLASS_COUNT; c++) t->with[c] += r->used >> c & 1u;
  t->of[r->profile]++;
}

static void merge(totals *t, const totals *o) {
  t->schedules += o->schedules;
  t->events += o->events;
  t->violations += o->violations;
  t->digest ^= o->digest;
  t->converged += o->converged;
  t->commits += o->commits;
  t->crashes += o->crashes;
  t->rejected += o->rejected;
  t->rekeys += o->rekeys;
  t->delivered += o->delivered;
  t->timers += o->timers;
  t->rolled_back += o->rolled_back;
  if (o->key_age > t->key_age) t->key_age = o->key_age;
  if (o->key_uses > t->key_uses) t->key_uses = o->key_uses;
  for (int c = 0; c < SIM_CLASS_COUNT; c++) t->with[c] += o->with[c];
  for (int p = 0; p < SIM_PROFILES; p++) t->of[p] += o->of[p];
}

static void show_failure(const sim_options *options, const sim_result *result) {
  sim_options least;
  sim_result shown;
  printf("seed %" PRIu64 " (%s): %s\n", options->seed, sim_profile_name(result->profile), result->what);
  shrink(options, &least, &shown);
  printf("  shrunk: %s\n  replay: sim --replay %" PRIu64 " --steps %d", shown.what, least.seed, least.steps);
  if (least.profile >= 0) printf(" --profile %s", sim_profile_name(least.profile));
  for (int c = 0, first = 1; c < SIM_CLASS_COUNT; c++) {
    if ((least.off >> c & 1u) == 0) continue;
    printf("%s%s", first ? " --off " : ",", sim_class_name(c));
    first = 0;
  }
  putchar('\n');
  (void)fflush(stdout);
}

static void run_range(const sim_options *base, uint64_t from, uint64_t to, uint64_t stride, uint64_t most_shown, totals *t) {
  for (uint64_t seed = from; seed < to; seed += stride) {
    sim_options o = *base;
    sim_result r;
    o.seed = seed;
    sim_run(&o, &r);
    add(t, &r);
    if (r.failed && t->violations <= most_shown) show_failure(&o, &r);
  }
}

/* J processes, each with the seeds of its remainder. */
static int run_jobs(const sim_options *base, uint64_t seed, uint64_t count, int jobs, totals *t) {
  int ends[64][2], good = 1;
  pid_t pids[64];
  for (int j = 0; j < jobs; j++) {
    if (pipe(ends[j]) != 0 || (pids[j] = fork()) < 0) return 0;
    if (pids[j] == 0) {
      totals mine;
      memset(&mine, 0, sizeof mine);
      run_range(base, seed + (uint64_t)j, seed + count, (uint64_t)jobs, 5, &mine);
      (void)fflush(stdout);
      _exit(write(ends[j][1], &mine, sizeof mine) == (ssize_t)sizeof mine ? 0 : 1);
    }
    (void)close(ends[j][1]);
  }
  for (int j = 0; j < jobs; j++) {
    totals theirs;
    int status;
    memset(&theirs, 0, sizeof theirs);
    if (read(ends[j][0], &theirs, sizeof theirs) != (ssize_t)sizeof theirs) good = 0;
    (void)waitpid(pids[j], &status, 0);
    if (status != 0) good = 0;
    merge(t, &theirs);
  }
  return good;
}

static void report(const sim_options *base, const totals *t) {
  for (int p = 0; p < SIM_PROFILES; p++) {
    if (t->of[p] > 0) printf("profile %-8s %" PRIu64 "\n", sim_profile_name(p), t->of[p]);
  }
  for (int c = 0; c < SIM_CLASS_COUNT; c++) {
    if (t->with[c] > 0) printf("class %-8s in %" PRIu64 "\n", sim_class_name(c), t->with[c]);
  }
  printf("%" PRIu64 " commits, %" PRIu64 " crashes inside callbacks, %" PRIu64 " rejected inputs, %" PRIu64 " rekeyings, %" PRIu64
         " messages shown, %" PRIu64 " messages expired, %" PRIu64 " old disks refused, %" PRIu64 " schedules came together\n",
         t->commits, t->crashes, t->rejected, t->rekeys, t->delivered, t->timers, t->rolled_back, t->converged);
  printf("digest %016" PRIx64 "\n", t->digest);
  printf("%" PRIu64 " schedules, %" PRIu64 " events, %" PRIu64 " violations\n", t->schedules, t->events, t->violations);
  if (base->profile == SIM_YEAR) {
    printf("figure year: %" PRIu64 " years of %d restarts a side, oldest key that sealed %.2f days, most used one %" PRId64 " messages, %" PRIu64
           " violations\n",
           t->schedules, 365, (double)t->key_age / (double)SIM_DAY, t->key_uses, t->violations);
  } else if (base->profile == SIM_TIMED) {
    printf("figure timers: %" PRIu64 " schedules, %" PRIu64 " timers ended, %" PRIu64 " violations\n", t->schedules, t->timers, t->violations);
  } else {
    printf("figure schedules: %" PRIu64 " schedules, %.3g events, %" PRIu64 " violations\n", t->schedules, (double)t->events, t->violations);
  }
}

static int profile_of(const char *name) {
  for (int p = 0; p < SIM_PROFILES; p++) {
    if (strcmp(name, sim_profile_name(p)) == 0) return p;
  }
  return -1;
}

/* The classes of a list with commas, as bits. */
static uint32_t classes_of(const char *list) {
  uint32_t bits = 0;
  while (*list != 0) {
    size_t size = strcspn(list, ",");
    for (int c = 0; c < SIM_CLASS_COUNT; c++) {
      if (strlen(sim_class_name(c)) == size && strncmp(list, sim_class_name(c), size) == 0) bits |= UINT32_C(1) << c;
    }
    list += size + (list[size] == ',');
  }
  return bits;
}

static int replay(sim_options *options) {
  sim_result r;
  options->trace = 1;
  sim_run(options, &r);
  printf("classes:");
  for (int c = 0; c < SIM_CLASS_COUNT; c++) {
    if (r.used >> c & 1u) printf(" %s", sim_class_name(c));
  }
  printf("\n%s, %d steps, %" PRIu64 " events, digest %016" PRIx64 ": %s\n", sim_profile_name(r.profile), r.steps, r.events, r.digest,
         r.failed ? r.what : "no violation");
  return r.failed;
}

int main(int argc, char **argv) {
  sim_options base;
  uint64_t count = 1000, seed = 1;
  int jobs = 1, replays = 0, good = 1;
  totals t;
  memset(&base, 0, sizeof base);
  memset(&t, 0, sizeof t);
  base.profile = -1;
  for (int i = 1; i + 1 < argc; i += 2) {
    const char *value = argv[i + 1];
    if (strcmp(argv[i], "--schedules") == 0) count = strtoull(value, NULL, 10);
    else if (strcmp(argv[i], "--seed") == 0) seed = strtoull(value, NULL, 10);
    else if (strcmp(argv[i], "--jobs") == 0) jobs = atoi(value);
    else if (strcmp(argv[i], "--profile") == 0) base.profile = profile_of(value);
    else if (strcmp(argv[i], "--room") == 0) pool_counts_room = atoi(value);
    else if (strcmp(argv[i], "--steps") == 0) base.steps = atoi(value);
    else if (strcmp(argv[i], "--off") == 0) base.off = classes_of(value);
    else if (strcmp(argv[i], "--replay") == 0) {
      base.seed = strtoull(value, NULL, 10);
      replays = 1;
    }
  }
  if (replays) return replay(&base);
  if (jobs < 1 || jobs > 64) jobs = 1;
  if (jobs == 1) run_range(&base, seed, seed + count, 1, 5, &t);
  else good = run_jobs(&base, seed, count, jobs, &t);
  report(&base, &t);
  return good && t.violations == 0 && t.schedules == count ? 0 : 1;
}
