/* SPDX-License-Identifier: BSL-1.0
 * two_peers.c - Alice and Bob talk in a secret chat: a tour of the library that checks itself. The parts stand in two_peers/. */
#define _XOPEN_SOURCE 700

#include "two_peers/two_peers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: two_peers [options]\n"
    "  --messages N       messages after the tour (300)\n"
    "  --seed S           everything follows from it (1)\n"
    "  --drop P           probability that an update is lost, from 0 to 0.9 (0); a quarter of it: that the server forgets a message\n"
    "  --crash-every K    each K-th commit, request or event of a side is a crash, before it and after it by turns (0: never)\n"
    "  --db DIR           keep the databases there (a temporary directory, removed at the end)\n"
    "  --quiet            only the summary\n"
    "  --color --no-color colours or characters (colours on a terminal)\n"
    "  --help             this text\n"
    "Ends with 0 when every message arrived once, in order and unchanged, and with 1 when not.\n";

static _Noreturn void wrong_usage(const char *argument) {
  fprintf(stderr, "two_peers: cannot understand \"%s\"\n%s", argument, usage);
  exit(2);
}

/* Settings ----------------------------------------------------------------------------------------------------------------- */

static uint64_t number_of(const char *option, const char *text, uint64_t highest) {
  char *end = NULL;
  unsigned long long value;
  if (text == NULL || *text < '0' || *text > '9') wrong_usage(option);
  errno = 0;
  value = strtoull(text, &end, 10);
  if (errno != 0 || *end != '\0' || value > highest) wrong_usage(option);
  return value;
}

static double probability_of(const char *option, const char *text) {
  char *end = NULL;
  double value;
  if (text == NULL) wrong_usage(option);
  value = strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= 0.0 && value <= 0.9)) wrong_usage(option);
  return value;
}

/* An option with a value: 1 when it is one. */
static int take_value(settings *s, const char *option, const char *value) {
  if (strcmp(option, "--messages") == 0) {
    s->messages = (uint32_t)number_of(option, value, 1000000);
  } else if (strcmp(option, "--seed") == 0) {
    s->seed = number_of(option, value, UINT64_MAX);
  } else if (strcmp(option, "--drop") == 0) {
    s->drop = probability_of(option, value);
  } else if (strcmp(option, "--crash-every") == 0) {
    s->crash_every = (uint32_t)number_of(option, value, UINT32_MAX);
  } else if (strcmp(option, "--db") == 0 && value != NULL) {
    s->directory = value;
  } else {
    return 0;
  }
  return 1;
}

static void take_flag(settings *s, const char *option) {
  if (strcmp(option, "--quiet") == 0) {
    s->quiet = 1;
  } else if (strcmp(option, "--color") == 0) {
    s->color = 1;
  } else if (strcmp(option, "--no-color") == 0) {
    s->color = 0;
  } else if (strcmp(option, "--help") == 0) {
    fputs(usage, stdout);
    exit(0);
  } else {
    wrong_usage(option);
  }
}

static settings read_settings(char **argv) {
  settings s;
  memset(&s, 0, sizeof s);
  s.messages = 300;
  s.seed = 1;
  s.color = isatty(STDOUT_FILENO);
  for (argv++; *argv != NULL; argv++) {
    if (take_value(&s, argv[0], argv[1])) {
      argv++;
    } else {
      take_flag(&s, argv[0]);
    }
  }
  return s;
}

/* The databases ------------------------------------------------------------------------------------------------------------ */

static void make_temporary(char path[256]) {
  const char *parent = getenv("TMPDIR");
  if (parent == NULL) parent = P_tmpdir;
  if (strlen(parent) > 200) fail("TMPDIR is too long");
  snprintf(path, 256, "%s/two_peers.XXXXXX", parent);
  if (mkdtemp(path) == NULL) fail("cannot make %s", path);
}

static void use_directory(const char *path) {
  if (strlen(path) > 400) fail("%s is too long", path);
  if (mkdir(path, 0700) != 0 && errno != EEXIST) fail("cannot make %s", path);
}

/* Summary ------------------------------------------------------------------------------------------------------------------ */

static void row(const char *what, uint64_t alice, uint64_t bob) {
  printf("   %-38s %10llu %10llu\n", what, (unsigned long long)alice, (unsigned long long)bob);
}

static uint64_t counted(peer *p, const char *name) {
  return (uint64_t)journal_counter(p->journal, name);
}

static void summary(world *w, uint64_t sent_by_alice, uint64_t sent_by_bob, double seconds) {
  peer *a = &w->alice, *b = &w->bob;
  const int64_t simulated = (w->now - w->start) / SECOND;
  printf("\n   %-38s %10s %10s\n", "", "Alice", "Bob");
  row("messages sent, and received once", sent_by_alice, sent_by_bob);
  row("encrypted messages received", a->totals.applied, b->totals.applied);
  row("pushes that were lost", a->accepted > a->pushes ? a->accepted - a->pushes : 0,
      b->accepted > b->pushes ? b->accepted - b->pushes : 0);
  row("messages missing, asked for again", a->totals.resends_asked, b->totals.resends_asked);
  row("messages sent again", a->totals.resent, b->totals.resent);
  row("duplicates dropped", a->totals.duplicates, b->totals.duplicates);
  row("events repeated after crashes, dropped", a->repeated_events, b->repeated_events);
  row("crashes", a->crashes, b->crashes);
  row("rekeyings", counted(a, "rekeyed"), counted(b, "rekeyed"));
  row("inputs refused", a->totals.rejected, b->totals.rejected);
  row("commits", a->totals.commits, b->totals.commits);
  printf("   simulated time: %lld days %lld hours; real time: %.1f s; seed %llu\n", (long long)(simulated / 86400),
         (long long)(simulated % 86400 / 3600), seconds, (unsigned long long)w->settings.seed);
}

static uint64_t count_sent(peer *p) {
  size_t count;
  free(journal_rows(p->journal, 1, &count));
  return count;
}

static double clock_seconds(void) {
  struct timespec t;
  return clock_gettime(CLOCK_MONOTONIC, &t) == 0 ? (double)t.tv_sec + (double)t.tv_nsec / 1e9 : 0.0;
}

static void run(world *w) {
  const double start = clock_seconds();
  uint64_t by_alice, by_bob;
  tour_begin(w);
  bulk_run(w);
  check_journals(w);
  if (counted(&w->alice, "rekeyed") < 3 || counted(&w->bob, "rekeyed") < 3) fail("there were fewer than three rekeyings");
  by_alice = count_sent(&w->alice);
  by_bob = count_sent(&w->bob);
  tour_end(w);
  peer_add_stats(&w->alice);
  peer_add_stats(&w->bob);
  summary(w, by_alice, by_bob, clock_seconds() - start);
}

int main(int argc, char **argv) {
  static world w;
  char temporary[256] = "";
  settings s;
  (void)argc;
  s = read_settings(argv);
  screen_setup(s.quiet, s.color);
  if (s.directory == NULL) {
    make_temporary(temporary);
    s.directory = temporary;
  }
  use_directory(s.directory);
  world_open(&w, &s);
  run(&w);
  world_close(&w);
  if (temporary[0] != '\0') {
    peer_erase(&w.alice);
    peer_erase(&w.bob);
    rmdir(temporary);
  }
  return 0;
}
