/* SPDX-License-Identifier: BSL-1.0
 * explore.c - see explore.h. */
#define _DEFAULT_SOURCE
#include "explore.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEPTHS 2
#define PATIENCE 30 /* seconds until a run counts as hanging */

typedef struct {
  size_t site;
  site_kind kind;
  fault_mode mode;
} step;

static explore_result *result; /* shared */
static struct {
  explore_plan plan;
  int forking;   /* this process forks at sites */
  int replaying; /* it takes the path below instead */
  int counting;  /* sites count */
  int is_child;
  size_t count;
  step path[DEPTHS];
  unsigned length; /* failures met */
  step wanted[DEPTHS];
  unsigned wanted_length;
  int lasting, crashes;
} at;

static const char *const kind_names[SITE_KINDS] = {"allocation", "random", "commit",   "scan",    "generation",
                                                   "request",    "event",  "log",      "complete", "openssl", "room",
                                                   "read",       "write",  "sync",     "truncate", "open",
                                                   "delete",     "size",   "access",   "lock",     "sqlite-memory"};
static const char *const mode_names[MODES] = {"none", "once", "for-ever", "short", "crash-before", "crash-after", "crash-half", "crash-all"};

const char *explore_kind_name(site_kind kind) { return kind_names[kind]; }
const char *explore_mode_name(fault_mode mode) { return mode_names[mode]; }

/* Saying what was lost --------------------------------------------------------------------------------------------------------- */

static void print_path(char *out, size_t size) {
  unsigned i;
  size_t used = 0;
  out[0] = '\0';
  for (i = 0; i < at.length && used < size; i++) {
    used += (size_t)snprintf(out + used, size - used, "%s%zu:%s", i == 0 ? "" : "/", at.path[i].site, mode_names[at.path[i].mode]);
  }
}

static void note_failure(const char *text) {
  char path[128], line[sizeof result->first], *c;
  print_path(path, sizeof path);
  result->failed++;
  snprintf(line, sizeof line, "path %s%s%s%s: %s", path[0] == '\0' ? "none" : path, at.length > 0 ? " (" : "",
           at.length > 0 ? kind_names[at.path[at.length - 1].kind] : "", at.length > 0 ? ")" : "", text);
  for (c = line; *c != '\0'; c++) {
    if (*c == '\n') *c = ';';
  }
  if (result->first[0] == '\0') memcpy(result->first, line, sizeof line);
  if (at.plan.verbose) fprintf(stderr, "%s\n", line);
}

void explore_lost(const char *format, ...) {
  char text[1536];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  note_failure(text);
  _exit(3); /* every run has a process of its own */
}

static void watch(pid_t child, site_kind kind, fault_mode mode) {
  int status = 0;
  char text[128];
  while (waitpid(child, &status, 0) < 0) continue;
  if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 3)) return;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
    snprintf(text, sizeof text, "no end after %d seconds", PATIENCE);
  } else {
    snprintf(text, sizeof text, "died: signal %d, exit %d", WIFSIGNALED(status) ? WTERMSIG(status) : 0,
             WIFEXITED(status) ? WEXITSTATUS(status) : 0);
  }
  if (mode != MODE_NONE) at.path[at.length++] = (step){at.count, kind, mode}; /* what the child met */
  note_failure(text);
  if (mode != MODE_NONE) at.length--;
}

/* Forking ------------------------------------------------------------------------------------------------------------------------ */

static int chosen(unsigned stride, size_t n) {
  return stride != 0 && (n + at.plan.seed) % stride == 0;
}

static int is_crash(fault_mode mode) { return mode >= MODE_CRASH_BEFORE; }

/* Whether a call of that kind can fail so. */
static int lawful(site_kind kind, fault_mode mode, int pending) {
  if (mode == MODE_SHORT) return kind == SITE_READ || kind == SITE_WRITE;
  if (kind == SITE_OPENSSL || kind == SITE_ROOM || kind == SITE_SQLITE_MEMORY) return !is_crash(mode);
  if (mode == MODE_CRASH_HALF || mode == MODE_CRASH_ALL) return pending;
  return 1;
}

/* Calls that leave nothing on the disk and tell nobody anything. */
static int is_idle(site_kind kind) {
  return kind == SITE_ALLOCATION || kind == SITE_RANDOM || kind == SITE_GENERATION || kind == SITE_READ || kind == SITE_SIZE ||
         kind == SITE_ACCESS || kind == SITE_LOCK;
}

static int belongs(site_kind kind) {
  return kind == SITE_OPENSSL || kind == SITE_ROOM ? at.plan.alone == kind : at.plan.alone == SITE_ALLOCATION;
}

static int wanted(site_kind kind, fault_mode mode) {
  if (!belongs(kind)) return 0;
  if (at.length > 0 && !chosen(at.plan.nested_sites, at.count)) return 0;
  if (!is_crash(mode)) return chosen(kind == SITE_SQLITE_MEMORY ? at.plan.idle_crashes : at.plan.failures, at.count);
  return chosen(is_idle(kind) ? at.plan.idle_crashes : at.plan.crashes, at.count);
}

static void meet(site_kind kind, fault_mode mode) {
  at.path[at.length].site = at.count;
  at.path[at.length].kind = kind;
  at.path[at.length].mode = mode;
  at.length++;
  at.lasting = mode == MODE_FOR_EVER;
  if (is_crash(mode)) at.crashes++;
  at.counting = 0;
  at.forking = 0;
}

/* In the child: 1. In the parent, when the child is gone: 0. */
static int fork_here(site_kind kind, fault_mode mode) {
  pid_t child;
  if (at.length == 0) {
    result->runs[mode]++;
  } else {
    result->nested++;
  }
  alarm(0);
  fflush(NULL);
  child = fork();
  if (child < 0) abort();
  if (child == 0) {
    at.is_child = 1;
    meet(kind, mode);
    alarm(PATIENCE);
    return 1;
  }
  watch(child, kind, mode);
  alarm(PATIENCE);
  return 0;
}

static fault_mode replay(site_kind kind) {
  const step *next = &at.wanted[at.length];
  if (at.length >= at.wanted_length || next->site != at.count) return MODE_NONE;
  meet(kind, next->mode);
  return next->mode;
}

fault_mode explore_site(site_kind kind, int pending) {
  fault_mode mode = MODE_NONE;
  if (at.lasting && at.path[at.length - 1].kind == kind) return MODE_FOR_EVER;
  if (!at.counting) return MODE_NONE;
  if (at.replaying) {
    mode = replay(kind);
  } else if (at.forking) {
    int m;
    if (at.length == 0 && belongs(kind)) result->sites[kind]++;
    for (m = MODE_ONCE; m < MODES; m++) {
      if (!lawful(kind, (fault_mode)m, pending) || !wanted(kind, (fault_mode)m)) continue;
      if (fork_here(kind, (fault_mode)m)) return (fault_mode)m;
    }
  }
  if (mode == MODE_NONE) at.count++;
  return mode;
}

site_kind explore_failing(void) { return at.length == 0 ? SITE_KINDS : at.path[at.length - 1].kind; }
int explore_met(void) { return at.length > 0; }
unsigned explore_seed(void) { return at.plan.seed; }
int explore_crashed(void) { return at.crashes; }
int explore_lasting(void) { return at.lasting; }
void explore_repair(void) { at.lasting = 0; }

void explore_begin(void) {
  if (at.length == 0) at.counting = 1;
}

void explore_end(void) {
  if (at.length == 0) at.counting = 0;
}

/* The first crash decides whether its recovery is walked. */
void explore_recovery(int begins) {
  if (!begins) {
    if (at.length > 0) at.counting = at.forking = 0;
    return;
  }
  if (at.length != 1 || at.counting) return;
  if (!at.replaying && !chosen(at.plan.nested, at.path[0].site)) return;
  at.count = 0;
  at.counting = 1;
  at.forking = !at.replaying;
}

void explore_arrive(const char *text) {
  size_t i, line = 0;
  if (strlen(text) >= sizeof result->reference) explore_lost("the end is too long to be kept");
  if (at.length == 0 && result->reference[0] == '\0') {
    strcpy(result->reference, text);
    return;
  }
  if (strcmp(text, result->reference) == 0) return;
  for (i = 0; text[i] == result->reference[i]; i++) {
    if (text[i] == '\n') line = i + 1;
  }
  explore_lost("came to another end: \"%.120s\" instead of \"%.120s\"", text + line, result->reference + line);
}

/* Walking ------------------------------------------------------------------------------------------------------------------------ */

static int read_path(const char *path) {
  at.wanted_length = 0;
  while (*path != '\0' && at.wanted_length < DEPTHS) {
    step *s = &at.wanted[at.wanted_length++];
    char *rest;
    int m;
    s->site = (size_t)strtoull(path, &rest, 10);
    if (*rest++ != ':') return 0;
    for (m = MODE_ONCE; m < MODES; m++) {
      size_t length = strlen(mode_names[m]);
      if (strncmp(rest, mode_names[m], length) == 0 && (rest[length] == '/' || rest[length] == '\0')) break;
    }
    if (m == MODES) return 0;
    s->mode = (fault_mode)m;
    path = rest + strlen(mode_names[m]);
    if (*path == '/') path++;
  }
  return *path == '\0';
}

/* One run in a process of its own. */
static void run_apart(explore_run run, void *arg, int forking, int replaying) {
  pid_t child;
  fflush(NULL);
  child = fork();
  if (child < 0) abort();
  if (child == 0) {
    at.forking = forking;
    at.replaying = replaying;
    alarm(PATIENCE);
    run(arg);
    if (replaying && at.length < at.wanted_length) explore_lost("the path was not met");
    fflush(NULL);
    _exit(0);
  }
  watch(child, SITE_ALLOCATION, MODE_NONE);
}

const explore_result *explore(explore_run run, void *arg, const explore_plan *plan, const char *path) {
  if (result == NULL) {
    result = mmap(NULL, sizeof *result, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (result == MAP_FAILED) abort();
  }
  memset(result, 0, sizeof *result);
  memset(&at, 0, sizeof at);
  at.plan = *plan;
  run_apart(run, arg, 0, 0);
  if (result->failed > 0) return result;
  if (path != NULL) {
    if (!read_path(path)) {
      note_failure("no such path");
      return result;
    }
    run_apart(run, arg, 0, 1);
  } else {
    run_apart(run, arg, 1, 0);
  }
  return result;
}
