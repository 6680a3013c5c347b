/* SPDX-License-Identifier: BSL-1.0
 * explore.h - walks through every failure of a run: at each call out of the library the process forks, the child meets the failure there
 * and lives with it to the end, the parent goes on undisturbed.
 *
 * A run is named by its path: "37:for-ever" is the 37th call (counted from 0) failing for ever, "12:crash-after/3:once" a crash right after
 * the 12th call and then, in the recovery, the third call failing once. Forks share what they do in time with nobody else's: everything is
 * deterministic, so a path can be walked again, alone and under a debugger. */
#ifndef TESTS_FAULT_EXPLORE_H
#define TESTS_FAULT_EXPLORE_H

#include <stddef.h>

typedef enum {
  SITE_ALLOCATION,
  SITE_RANDOM,
  SITE_COMMIT,
  SITE_SCAN,
  SITE_GENERATION,
  SITE_REQUEST,  /* the host's callbacks */
  SITE_EVENT,
  SITE_LOG,
  SITE_COMPLETE, /* a commit that was pending is told to be durable */
  SITE_OPENSSL,  /* an allocation inside libcrypto */
  SITE_ROOM,     /* memory that the library has at hand already */
  SITE_READ,     /* operations of a disk */
  SITE_WRITE,
  SITE_SYNC,
  SITE_TRUNCATE,
  SITE_OPEN,
  SITE_DELETE,
  SITE_SIZE,
  SITE_ACCESS,
  SITE_LOCK,
  SITE_SQLITE_MEMORY, /* an allocation inside SQLite */
  SITE_KINDS
} site_kind;

typedef enum {
  MODE_NONE,
  MODE_ONCE,
  MODE_FOR_EVER,
  MODE_SHORT,        /* half of the work is done, and the call fails */
  MODE_CRASH_BEFORE, /* the process is gone before the call has done anything */
  MODE_CRASH_AFTER,  /* the call has done its work, and nobody sees it return */
  MODE_CRASH_HALF,   /* as AFTER, and the older half of what was on its way to the disk has arrived */
  MODE_CRASH_ALL,    /* as AFTER, and all of it has */
  MODES
} fault_mode;

/* How much of the product is walked. 1: all of it, n: every n-th, from the seed's remainder on. 0: none. */
typedef struct {
  unsigned failures;      /* sites that fail, once and for ever */
  unsigned crashes;       /* sites that end in a crash */
  unsigned idle_crashes;  /* the same for calls between which nothing becomes durable */
  unsigned nested;        /* crashes whose recovery is walked too */
  unsigned nested_sites;  /* sites of such a recovery */
  unsigned seed;
  site_kind alone;        /* OPENSSL, ROOM: only those sites; ALLOCATION: none of those */
  int verbose;            /* every failure is printed */
} explore_plan;

/* What was walked; shared by all processes. */
typedef struct {
  unsigned long sites[SITE_KINDS]; /* of the undisturbed run */
  unsigned long runs[MODES];       /* with one failure */
  unsigned long nested;            /* with a second one in the recovery */
  unsigned long failed;
  char first[2048];                /* what the first failure said */
  char reference[32768];           /* where the undisturbed run came to */
} explore_result;

typedef int (*explore_run)(void *arg); /* runs a scenario to its end */

/* Walks; `path` NULL: all the plan says, otherwise that one. The result lasts until the next call. */
const explore_result *explore(explore_run run, void *arg, const explore_plan *plan, const char *path);

/* For the run ----------------------------------------------------------------------------------------------------------------- */

/* Sites count from here on, or no more. */
void explore_begin(void);
void explore_end(void);
/* A call of that kind: what becomes of it. `pending`: something is on its way to the disk. */
fault_mode explore_site(site_kind kind, int pending);
/* The kind that has failed last; met: whether any has. */
site_kind explore_failing(void);
int explore_met(void);
unsigned explore_seed(void);
int explore_crashed(void); /* crashes so far */
int explore_lasting(void); /* 1: a failure for ever is on */
void explore_repair(void);
/* The recovery from a crash begins, and is over. */
void explore_recovery(int begins);

/* Compares where this run came to with the undisturbed one, which only notes it. */
void explore_arrive(const char *text);
/* The run is lost: says why, and ends the process (or the test, when nothing has failed on purpose). */
void explore_lost(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
#define MUST(condition, ...) \
  do { \
    if (!(condition)) explore_lost(__VA_ARGS__); \
  } while (0)

const char *explore_kind_name(site_kind kind);
const char *explore_mode_name(fault_mode mode);

#endif
