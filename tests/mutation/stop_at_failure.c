/* SPDX-License-Identifier: BSL-1.0
 * stop_at_failure.c - preloaded into a test program: the first assertion that fails ends the program, for one is enough to notice a mutant.
 * When coverage is measured (MUTATION_COVERAGE), assertions may fail, and a child that ends at once leaves its counts behind. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

void _fail(const char *file, int line);
void _exit(int code) __attribute__((noreturn));

static void end(int code) {
  for (;;) syscall(SYS_exit_group, code);
}

/* cmocka calls this when an assertion fails. */
void _fail(const char *file, int line) {
  void (*next)(const char *, int);
  if (getenv("MUTATION_COVERAGE") == NULL) end(1);
  *(void **)&next = dlsym(RTLD_NEXT, "_fail");
  next(file, line);
}

void _exit(int code) {
  void (*dump)(void);
  *(void **)&dump = dlsym(RTLD_DEFAULT, "mutation_dump_coverage");
  if (dump != NULL) dump();
  end(code);
  for (;;) {
  }
}
