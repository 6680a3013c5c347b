/* SPDX-License-Identifier: BSL-1.0
 * bench.h - one account on the bench: every call out of the library may fail or be its last, and what must hold then is looked at.
 *
 * The account is peer 0 of a world, on a store and with callbacks of the bench; peer 1 is a healthy account of the library, and the relay
 * is their server. What survives a crash is the store, the application's log (applog.h), what it has decided to do, and the world. */
#ifndef TESTS_FAULT_BENCH_H
#define TESTS_FAULT_BENCH_H

#include <setjmp.h>

#include "explore.h"
#include "manager/manager.h"
#include "world.h"

#define BENCH_NAMES 64u

typedef struct bench {
  world *w;
  memstore *store;
  schat_manager *m;
  schat_policy policy;
  int32_t chat;
  int pending;    /* commits are asynchronous */
  int old_counter; /* the store offers a counter */

  jmp_buf jump;
  int redo;       /* this step has been begun before */
  int callbacks;  /* of the host in this call */
  int refusals;   /* of requests for ever */
  unsigned calls; /* into the library, those before a crash too */
  int fail_next_commit;
  uint64_t random_state;
  int64_t refused_id;   /* a message the server refuses for good */
  int64_t first_key;    /* fingerprint of the key that was prepared */
  unsigned marks;       /* what the world has done already; survives crashes */

  /* Names of messages, for reading and comparing. */
  struct {
    int64_t random_id;
    char text[48];
  } names[BENCH_NAMES];
  size_t name_count;
  void *scratch; /* of the scenario; survives crashes */
} bench;

bench *bench_now(void);

/* Calls out of the library ------------------------------------------------------------------------------------------------------ */

/* What becomes of one; does not return when the process crashes before it. bench_crash_after: when it crashes now. */
fault_mode bench_site(bench *b, site_kind kind);
void bench_crash_after(bench *b, fault_mode mode);

/* Calls into it ------------------------------------------------------------------------------------------------------------------ */

typedef int (*bench_call)(bench *b, void *arg);
/* Makes a call until it succeeds; a failure must be the one that was ordered, and have changed nothing. One that lasts is repaired after the
 * third time. In a step done again a call may say that it was done before (E_EXISTS, E_STATE, E_NO_CHAT). */
int attempt(bench *b, bench_call call, void *arg);

/* The run ------------------------------------------------------------------------------------------------------------------------ */

/* Steps may be begun again after a crash, so each makes one call, or calls that may be repeated, and begins with what it has to wait for. */
typedef void (*bench_step)(bench *b);
typedef struct {
  const char *name;
  void (*prepare)(bench *b); /* undisturbed; may be NULL */
  bench_step steps[24];
} scenario;

/* Runs a scenario (a const scenario *) to its end: an explore_run. */
int bench_run(void *arg);

/* For steps: everybody gets what has arrived, and does what follows, until nothing is left to do now. */
void bench_settle(bench *b);
void bench_pass(bench *b, int64_t milliseconds);
/* Lets time pass until something holds; lost when it does not in an hour. */
typedef int (*bench_condition)(bench *b);
void bench_await(bench *b, bench_condition holds, const char *what);
int bench_open(bench *b);
/* As a host begins: opened, told what was missed, and whatever follows. */
void bench_begin(bench *b);
/* Asks for the difference and feeds it. */
void bench_catch_up(bench *b);
/* A clean end of the process: nothing leaks. */
void bench_close(bench *b);
void bench_reopen(bench *b);
/* 1 the first time, for what the world does in a step. */
int bench_once(bench *b, unsigned mark);
schat__slot *bench_slot(const bench *b);
schat__slot *bench_peer_slot(const bench *b);
/* What a message is called in the comparison. */
void bench_name(bench *b, int64_t random_id, const char *text);
const char *bench_name_of(const bench *b, int64_t random_id);

#endif
