/* SPDX-License-Identifier: BSL-1.0
 * fork.c - tells a process from the children it forks, so that no random byte and no nonce is used on both sides.
 *
 * Where the system offers it, a page that is zero in every child is looked at: no call of the system, and right for every kind of fork.
 * Elsewhere it is the number of the process. Where there is no fork there is nothing to tell. */
#if defined(__linux__) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE /* madvise */
#endif

#include "fork.h"

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
static int64_t process_number(void) {
  return (int64_t)getpid();
}
#else
static int64_t process_number(void) {
  return 0;
}
#endif

#if defined(__linux__)
#include <sys/mman.h>
#endif

#if defined(__linux__) && defined(MADV_WIPEONFORK)
#define PAGE 4096u /* one byte is used; the system rounds up */
#define NO_ADVICE (-1)

/* An emulator of a user's programs says yes to any advice and follows none. */
static int is_wiped_in_children(void *page) {
  return madvise(page, PAGE, NO_ADVICE) != 0 && madvise(page, PAGE, MADV_WIPEONFORK) == 0;
}

static volatile uint8_t *open_page(void) {
  void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return NULL;
  if (is_wiped_in_children(page)) return page;
  (void)munmap(page, PAGE);
  return NULL;
}

static void close_page(volatile uint8_t *page) {
  (void)munmap((void *)(uintptr_t)page, PAGE);
}
#else
static volatile uint8_t *open_page(void) {
  return NULL;
}

static void close_page(volatile uint8_t *page) {
  (void)page;
}
#endif

void schat__fork_open(schat__fork *fork) {
  fork->generation = process_number();
  fork->page = open_page();
  if (fork->page != NULL) *fork->page = 1;
}

int64_t schat__fork_generation(schat__fork *fork) {
  if (fork->page == NULL) return process_number();
  if (*fork->page == 0) {
    *fork->page = 1;
    fork->generation++;
  }
  return fork->generation;
}

void schat__fork_close(schat__fork *fork) {
  if (fork->page != NULL) close_page(fork->page);
  fork->page = NULL;
}
