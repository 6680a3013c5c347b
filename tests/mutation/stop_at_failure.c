/* SPDX-License-Identifier: BSL-1.0
 * stop_at_failure.c - preloaded into a test program: the first assertion that fails, or crash, ends the program, for one is enough to notice
 * a mutant. Tests that noticed others of the same file run first (MUTATION_FIRST, names divided by commas), and the one that runs is
 * written down (MUTATION_REPORT). When coverage is measured (MUTATION_COVERAGE), assertions may fail, and a child that ends at once leaves
 * its counts behind. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#define TESTS_MAX 1024u

typedef int run_group(const char *, const struct CMUnitTest *, size_t, CMFixtureFunction, CMFixtureFunction);

static struct CMUnitTest ordered[TESTS_MAX];
static CMUnitTestFunction original[TESTS_MAX];
static size_t next_test;
static int report = -1;

static int measuring(void) { return getenv("MUTATION_COVERAGE") != NULL; }

static void end(int code) {
  for (;;) syscall(SYS_exit_group, code);
}

/* cmocka runs the tests in their order, so the calls can be counted. */
static void run_next(void **state) {
  size_t i = next_test++;
  if (report >= 0) {
    char line[128] = {0};
    strncpy(line, ordered[i].name, sizeof line - 1);
    if (pwrite(report, line, sizeof line, 0) < 0) end(1);
  }
  original[i](state);
}

static int is_named(const char *list, const char *name, const char **behind) {
  size_t size = strlen(name);
  if (strncmp(list, name, size) != 0 || (list[size] != ',' && list[size] != 0)) return 0;
  *behind = list + size + (list[size] == ',');
  return 1;
}

/* Those of the list in its order, then the rest; "-" turns all round. A test that has fixtures may be passed over by cmocka, and then the count would be wrong. */
static void order(const struct CMUnitTest *tests, size_t count, const char *list) {
  size_t made = 0;
  static unsigned char taken[TESTS_MAX];
  memset(taken, 0, sizeof taken);
  if (list != NULL && strcmp(list, "-") == 0) {
    while (made < count) ordered[made] = tests[count - 1 - made], made++;
    return;
  }
  while (list != NULL && *list != 0) {
    const char *behind = NULL;
    for (size_t i = 0; i < count && behind == NULL; i++) {
      if (!is_named(list, tests[i].name, &behind) || taken[i]) continue;
      ordered[made++] = tests[i];
      taken[i] = 1;
    }
    if (behind == NULL) behind = strchr(list, ',') != NULL ? strchr(list, ',') + 1 : list + strlen(list);
    list = behind;
  }
  for (size_t i = 0; i < count; i++) {
    if (!taken[i]) ordered[made++] = tests[i];
  }
}

int _cmocka_run_group_tests(const char *name, const struct CMUnitTest *const tests, const size_t count, CMFixtureFunction setup,
                            CMFixtureFunction teardown) {
  run_group *next;
  const char *file = getenv("MUTATION_REPORT");
  *(void **)&next = dlsym(RTLD_NEXT, "_cmocka_run_group_tests");
  if (count > TESTS_MAX) return next(name, tests, count, setup, teardown);
  if (file != NULL) report = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  order(tests, count, getenv("MUTATION_FIRST"));
  next_test = 0;
  for (size_t i = 0; i < count; i++) {
    if (ordered[i].setup_func != NULL) return next(name, tests, count, setup, teardown);
    original[i] = ordered[i].test_func;
    ordered[i].test_func = run_next;
  }
  return next(name, ordered, count, setup, teardown);
}

/* cmocka calls this when an assertion fails. */
void _fail(const char *file, int line) {
  void (*next)(const char *, int);
  if (!measuring()) end(1);
  *(void **)&next = dlsym(RTLD_NEXT, "_fail");
  next(file, line);
  end(1);
}

/* cmocka would go on after a crash. */
sighandler_t signal(int number, sighandler_t handler) {
  sighandler_t (*next)(int, sighandler_t);
  int crash = number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL;
  if (crash && !measuring()) return SIG_DFL;
  *(void **)&next = dlsym(RTLD_NEXT, "signal");
  return next(number, handler);
}

void _exit(int code) {
  void (*dump)(void);
  *(void **)&dump = dlsym(RTLD_DEFAULT, "mutation_dump_coverage");
  if (dump != NULL) dump();
  end(code);
  abort();
}
