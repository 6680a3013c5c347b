/* SPDX-License-Identifier: BSL-1.0
 * residue.c - a thread whose stack is ours gives the function's stack; what was used of it is searched. */
#define _XOPEN_SOURCE 700 /* pthread_attr_setstack */
#include "residue.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define STACK_SIZE ((size_t)512 << 10)
#define WINDOW 16u

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || !defined(__OPTIMIZE__)
#define SANITIZED 1
#endif

int residue_is_seen(void) {
#if defined(SANITIZED)
  return 0;
#elif defined(RUNNING_ON_VALGRIND)
  return RUNNING_ON_VALGRIND == 0;
#else
  return 1;
#endif
}

void residue_bind_now(char *const argv[]) {
#if defined(__linux__)
  if (!residue_is_seen()) return; /* valgrind does not follow */
  if (getenv("LD_BIND_NOW") != NULL || setenv("LD_BIND_NOW", "1", 1) != 0) return;
  (void)execv("/proc/self/exe", argv);
#else
  (void)argv;
#endif
}

typedef struct {
  void (*work)(void *);
  void *arg;
} job;

/* A call that no compiler sees through. */
static void *(*const volatile fill)(void *, int, size_t) = memset;

/* Deep enough that the end of the thread does not write over what is looked for. */
static void *run_job(void *arg) {
  const job *j = arg;
  uint8_t above[8192];
  (void)fill(above, 1, sizeof above);
  j->work(j->arg);
  (void)fill(above, 1, sizeof above);
  return NULL;
}

residue residue_of(void (*work)(void *), void *arg) {
  pthread_attr_t attributes;
  pthread_t thread;
  job j = {work, arg};
  residue r = {aligned_alloc(4096, STACK_SIZE), STACK_SIZE};
  assert_non_null(r.bytes);
  memset(r.bytes, 0, r.size);
  assert_int_equal(pthread_attr_init(&attributes), 0);
  assert_int_equal(pthread_attr_setstack(&attributes, r.bytes, r.size), 0);
  assert_int_equal(pthread_create(&thread, &attributes, run_job, &j), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(pthread_attr_destroy(&attributes), 0);
  return r;
}

static int stands_there(const residue *r, const uint8_t *window, size_t size) {
  for (size_t i = 0; i + size <= r->size; i++) {
    if (r->bytes[i] == window[0] && memcmp(r->bytes + i, window, size) == 0) return 1;
  }
  return 0;
}

int residue_has(const residue *r, const void *secret, size_t size) {
  const uint8_t *p = secret;
  if (size <= WINDOW) return stands_there(r, p, size);
  for (size_t i = 0; i + WINDOW <= size; i += WINDOW) {
    if (stands_there(r, p + i, WINDOW)) return 1;
  }
  return stands_there(r, p + size - WINDOW, WINDOW);
}

void residue_free(residue *r) {
  free(r->bytes);
  r->bytes = NULL;
}

static void scatter(volatile uint8_t *place, size_t size, const uint8_t pattern[16]) {
  for (size_t i = 0; i < size; i++) place[i] = pattern[i % 16];
}

void residue_leave_little(const uint8_t pattern[16]) {
  volatile uint8_t place[4500];
  scatter(place, sizeof place, pattern);
}

void residue_leave_much(const uint8_t pattern[16]) {
  volatile uint8_t place[11000];
  scatter(place, sizeof place, pattern);
}

void residue_leave_very_much(const uint8_t pattern[16]) {
  volatile uint8_t place[23000];
  scatter(place, sizeof place, pattern);
}
