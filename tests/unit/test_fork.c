/* SPDX-License-Identifier: BSL-1.0
 * test_fork.c - a child is told from its parent also where the system does not give a page that is zero in every child.
 *
 * mmap and madvise are defined here: the program's own are taken before those of the system's library. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* syscall */
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "crypto/fork.h"

#if !defined(__linux__) || defined(__SANITIZE_ADDRESS__)
#define OURS 0 /* mmap and madvise belong to the sanitizer */
#else
#define OURS 1
#endif

#if OURS
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int no_page, no_advice, any_advice;

void *mmap(void *at, size_t size, int protection, int flags, int file, off_t offset) {
  if (no_page) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  return (void *)syscall(SYS_mmap, at, size, protection, flags, file, offset);  // NOLINT
}

int madvise(void *at, size_t size, int advice) {
  if (no_advice) {
    errno = EINVAL;
    return -1;
  }
  if (any_advice) return 0;
  return (int)syscall(SYS_madvise, at, size, advice);
}

/* Runs in a child: 0 when it differs from its parent, and stays what it is. */
static int differs_in_a_child(schat__fork *fork_page) {
  const int64_t here = schat__fork_generation(fork_page);
  int outcome = -1;
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    const int64_t there = schat__fork_generation(fork_page);
    _exit(there != here && schat__fork_generation(fork_page) == there ? 0 : 1);
  }
  assert_int_equal(waitpid(child, &outcome, 0), child);
  assert_true(schat__fork_generation(fork_page) == here);
  return outcome;
}

static void a_page_tells(void **state) {
  (void)state;
  schat__fork f;
  schat__fork_open(&f);
  assert_non_null((const void *)(uintptr_t)f.page);
  assert_int_equal(differs_in_a_child(&f), 0);
  schat__fork_close(&f);
  assert_null((const void *)(uintptr_t)f.page);
}

static void without_a_page_the_number_of_the_process_tells(void **state) {
  (void)state;
  schat__fork f;
  no_page = 1;
  schat__fork_open(&f);
  no_page = 0;
  assert_null((const void *)(uintptr_t)f.page);
  assert_int_equal(differs_in_a_child(&f), 0);
  schat__fork_close(&f);
}

/* An old kernel gives the page and does not know the advice. */
static void a_page_that_a_child_would_keep_is_given_back(void **state) {
  (void)state;
  schat__fork f;
  no_advice = 1;
  schat__fork_open(&f);
  no_advice = 0;
  assert_null((const void *)(uintptr_t)f.page);
  assert_int_equal(differs_in_a_child(&f), 0);
  schat__fork_close(&f);
}

/* So does an emulator of a user's programs, which follows none of it. */
static void a_system_that_agrees_to_any_advice_is_not_believed(void **state) {
  (void)state;
  schat__fork f;
  any_advice = 1;
  schat__fork_open(&f);
  any_advice = 0;
  assert_null((const void *)(uintptr_t)f.page);
  assert_int_equal(differs_in_a_child(&f), 0);
  schat__fork_close(&f);
}
#else
static void without_a_page_the_number_of_the_process_tells(void **state) {
  (void)state;
  schat__fork f = {0};
  assert_true(schat__fork_generation(&f) == schat__fork_generation(&f));
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
#if OURS
    cmocka_unit_test(a_page_tells),
    cmocka_unit_test(a_page_that_a_child_would_keep_is_given_back),
    cmocka_unit_test(a_system_that_agrees_to_any_advice_is_not_believed),
#endif
    cmocka_unit_test(without_a_page_the_number_of_the_process_tells),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
