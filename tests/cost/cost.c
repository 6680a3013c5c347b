/* SPDX-License-Identifier: BSL-1.0
 * cost.c - what hostile input costs (X-13, G15): each attack as a row with the work it caused and the memory it took, counted and never timed.
 *
 * Usage: hostile_cost [--only NAME] [--share N] [--strict N]. --share divides the number of inputs (1), --strict what may be spent (1). Ends with 1
 * when an attack cost more than it may. */
#include "cost.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  uint64_t attacks, failed, worst_peak;
  const char *worst_work;
  double worst_share; /* of what an attack may cost */
  char worst_text[64];
} summary;

/* Resident pages, in KiB; 0 where the system does not tell. */
static uint64_t resident(void) {
  unsigned long size = 0, pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f == NULL) return 0;
  if (fscanf(f, "%lu %lu", &size, &pages) != 2) pages = 0;
  (void)fclose(f);
  return (uint64_t)pages * 4;
}

static double strictness = 1; /* a test of this program divides what is allowed */

static int within(summary *s, const attack *a, const char *what, double used, double each, double once, double inputs) {
  double allowed = (each * inputs + once) / strictness;
  if (used > 0 && allowed > 0 && used / allowed > s->worst_share && used <= allowed) {
    s->worst_share = used / allowed;
    s->worst_work = a->name;
    (void)snprintf(s->worst_text, sizeof s->worst_text, "%.0f of %.0f %s", used, allowed, what);
  }
  if (used <= allowed) return 1;
  printf("      over: %.0f %s, %.0f allowed\n", used, what, allowed);
  return 0;
}

static int check(summary *s, const attack *a, const work *w, double n) {
  int good = within(s, a, "AES blocks", (double)w->aes_blocks, a->each.aes_blocks, a->once.aes_blocks, n);
  good &= within(s, a, "hashed bytes", (double)w->hash_bytes, a->each.hash_bytes, a->once.hash_bytes, n);
  good &= within(s, a, "powers", (double)w->powers, a->each.powers, a->once.powers, n);
  good &= within(s, a, "tests of primes", (double)w->prime_tests, a->each.prime_tests, a->once.prime_tests, n);
  good &= within(s, a, "allocations", (double)w->allocations, a->each.allocations, a->once.allocations, n);
  good &= within(s, a, "stored bytes", (double)w->store_bytes, a->each.store_bytes, a->once.store_bytes, n);
  return good & within(s, a, "requests", (double)w->requests, a->each.requests, a->once.requests, n);
}

static int check_memory(const attack *a, uint64_t before, uint64_t after, uint64_t peak) {
  uint64_t stays = after > before ? after - before : 0, most = peak > before ? peak - before : 0;
  uint64_t may_stay = (uint64_t)((double)a->stays / strictness), may_take = (uint64_t)((double)a->peak / strictness);
  if (stays > may_stay) printf("      over: %" PRIu64 " bytes stay, %" PRIu64 " allowed\n", stays, may_stay);
  if (most > may_take) printf("      over: %" PRIu64 " bytes at once, %" PRIu64 " allowed\n", most, may_take);
  return stays <= may_stay && most <= may_take;
}

static void run_attack(summary *s, const attack *a, uint64_t share) {
  target *t = target_new(7);
  uint64_t inputs = a->inputs / share > 0 ? a->inputs / share : 1, held = work_held(), pages = resident();
  work before = work_now();
  work_peak_reset();
  attacked done = a->run(t, inputs);
  work w = work_since(&before);
  uint64_t after = work_held(), most = w.peak > held ? w.peak - held : 0;
  printf("%-44s %8" PRIu64 " inputs%s | aes %" PRIu64 ", hashed %" PRIu64 ", powers %" PRIu64 ", primes %" PRIu64 " | allocations %" PRIu64
         " | stored %" PRIu64 " in %" PRIu64 " | requests %" PRIu64 ", events %" PRIu64 " | stays %" PRId64 ", most %" PRIu64
         ", resident %+" PRId64 " KiB\n",
         a->name, done.inputs, done.closed ? ", closed" : "", w.aes_blocks, w.hash_bytes, w.powers, w.prime_tests, w.allocations,
         w.store_bytes, w.commits, w.requests, w.events, (int64_t)after - (int64_t)held, most, (int64_t)resident() - (int64_t)pages);
  int good = check(s, a, &w, (double)done.inputs);
  good &= check_memory(a, held, after, w.peak);
  s->attacks++;
  s->failed += !good;
  if (most > s->worst_peak) s->worst_peak = most;
  target_free(t);
}

static void run_all(summary *s, const attack *attacks, size_t count, const char *only, uint64_t share) {
  for (size_t i = 0; i < count; i++) {
    if (only == NULL || strstr(attacks[i].name, only) != NULL) run_attack(s, &attacks[i], share);
  }
}

int main(int argc, char **argv) {
  const char *only = NULL;
  uint64_t share = 1;
  summary s;
  memset(&s, 0, sizeof s);
  s.worst_work = "none";
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--only") == 0) only = argv[i + 1];
    if (strcmp(argv[i], "--share") == 0) share = strtoull(argv[i + 1], NULL, 10);
    if (strcmp(argv[i], "--strict") == 0) strictness = strtod(argv[i + 1], NULL);
  }
  if (share == 0) share = 1;
  run_all(&s, message_attacks, message_attack_count, only, share);
  run_all(&s, peer_attacks, peer_attack_count, only, share);
  run_all(&s, server_attacks, server_attack_count, only, share);
  printf("figure hostile-cost: %" PRIu64 " attacks, %" PRIu64 " over their bound, worst memory %" PRIu64 " KiB, worst work %s (%s)\n",
         s.attacks, s.failed, (s.worst_peak + 1023) / 1024, s.worst_text, s.worst_work);
  return s.failed == 0 && s.attacks > 0 ? 0 : 1;
}
