/* SPDX-License-Identifier: BSL-1.0
 * test_cpu.c - what a processor can do is read from its words bit by bit, and is what the system says of this one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "crypto/cpu.h"
#include "crypto/ige.h"

#if defined(SCHAT__ARMV8) && defined(__linux__)
#include <sys/auxv.h>
#endif

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif
#ifndef RUNNING_ON_VALGRIND
#define RUNNING_ON_VALGRIND 0 // nothing emulates a processor of its own
#endif

#ifdef SCHAT__X86

enum { EAX, EBX, ECX, EDX };

#define SSE2 (1u << 26)
#define SSSE3 (1u << 9)
#define SSE41 (1u << 19)
#define AES (1u << 25)
#define AVX (1u << 28)
#define AVX2 (1u << 5)
#define AVX512F (1u << 16)
#define SHA (1u << 29)
#define AVX512BW (1u << 30)
#define VAES (1u << 9)
#define EVERYTHING (SCHAT__CPU_AES | SCHAT__CPU_VAES | SCHAT__CPU_AVX | SCHAT__CPU_AVX512 | SCHAT__CPU_AVX512BW | SCHAT__CPU_SHA)

typedef struct {
  uint32_t one[4], seven[4], saved;
} words;

/* Exactly what is needed for everything; all other bits are 0. */
static words best(void) {
  words w = {{0, 0, SSSE3 | SSE41 | AES | AVX, SSE2}, {0, AVX2 | AVX512F | SHA | AVX512BW, VAES, 0}, 0xe6};
  return w;
}

static unsigned judge(const words *w) {
  return schat__cpu_of(w->one, w->seven, w->saved);
}

static void every_bit_that_is_needed_is_looked_at(void **state) {
  (void)state;
  static const struct {
    int leaf, word;
    uint32_t bit;
    unsigned lost;
  } cases[] = {
      {1, EDX, SSE2, EVERYTHING},
      {1, ECX, SSSE3, SCHAT__CPU_AES | SCHAT__CPU_SHA | SCHAT__CPU_VAES},
      {1, ECX, SSE41, SCHAT__CPU_AES | SCHAT__CPU_SHA | SCHAT__CPU_VAES},
      {1, ECX, AES, SCHAT__CPU_AES | SCHAT__CPU_SHA | SCHAT__CPU_VAES},
      {1, ECX, AVX, EVERYTHING & ~(SCHAT__CPU_AES | SCHAT__CPU_SHA)},
      {7, EBX, SHA, SCHAT__CPU_SHA},
      {7, EBX, AVX2, SCHAT__CPU_VAES},
      {7, ECX, VAES, SCHAT__CPU_VAES},
      {7, EBX, AVX512F, SCHAT__CPU_AVX512 | SCHAT__CPU_AVX512BW},
      {7, EBX, AVX512BW, SCHAT__CPU_AVX512BW},
      {0, 0, 1u << 1, EVERYTHING & ~(SCHAT__CPU_AES | SCHAT__CPU_SHA)},
      {0, 0, 1u << 2, EVERYTHING & ~(SCHAT__CPU_AES | SCHAT__CPU_SHA)},
      {0, 0, 1u << 5, SCHAT__CPU_AVX512 | SCHAT__CPU_AVX512BW},
      {0, 0, 1u << 6, SCHAT__CPU_AVX512 | SCHAT__CPU_AVX512BW},
      {0, 0, 1u << 7, SCHAT__CPU_AVX512 | SCHAT__CPU_AVX512BW},
  };
  words w = best();
  assert_int_equal(judge(&w), EVERYTHING);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    w = best();
    uint32_t *word = cases[i].leaf == 1 ? &w.one[cases[i].word] : cases[i].leaf == 7 ? &w.seven[cases[i].word] : &w.saved;
    assert_true((*word & cases[i].bit) != 0);
    *word &= ~cases[i].bit;
    assert_int_equal(judge(&w), EVERYTHING & ~cases[i].lost);
  }
}

static void no_other_bit_gives_anything(void **state) {
  (void)state;
  const words nothing = {{0}, {0}, 0};
  const words needed = best();
  words w = nothing;
  assert_int_equal(judge(&w), 0);
  for (int i = 0; i < 4; i++) {
    w.one[i] = ~needed.one[i];
    w.seven[i] = ~needed.seven[i];
  }
  w.one[EDX] |= SSE2;
  w.saved = ~needed.saved;
  assert_int_equal(judge(&w), 0);
  w.saved = UINT32_MAX;
  assert_int_equal(judge(&w), 0);
}

static void xcr0_is_read_where_osxsave_says_so(void **state) {
  (void)state;
  const uint32_t osxsave = 1u << 27;
  const uint32_t yes[4] = {0, 0, osxsave, 0}, no[4] = {UINT32_MAX, UINT32_MAX, ~osxsave, UINT32_MAX};
  assert_int_equal(schat__cpu_tells_saved(yes), 1);
  assert_int_equal(schat__cpu_tells_saved(no), 0);
}

#if defined(__linux__)
static int is_said(const char *line, const char *flag) {
  const size_t size = strlen(flag);
  for (const char *p = strstr(line, flag); p != NULL; p = strstr(p + 1, flag)) {
    if (p[-1] == ' ' && (p[size] == ' ' || p[size] == '\n' || p[size] == 0)) return 1;
  }
  return 0;
}

/* An emulator's processor lacks some of what the system's has, never the other way round. */
static void is_as_said(unsigned flag, int said) {
  const int found = (schat__cpu() & flag) != 0;
  if (RUNNING_ON_VALGRIND) assert_true(!found || said);
  else assert_int_equal(found, said);
}

static void this_processor_is_what_the_system_says(void **state) {
  (void)state;
  static char line[16384];
  FILE *f = fopen("/proc/cpuinfo", "r");
  if (f == NULL) return;
  while (fgets(line, (int)sizeof line, f) != NULL && strncmp(line, "flags", 5) != 0) line[0] = 0;
  (void)fclose(f);
  if (line[0] == 0) return;
  is_as_said(SCHAT__CPU_AES, is_said(line, "aes") && is_said(line, "sse4_1") && is_said(line, "ssse3"));
  is_as_said(SCHAT__CPU_AVX, is_said(line, "avx"));
  is_as_said(SCHAT__CPU_VAES, is_said(line, "vaes") && is_said(line, "avx2"));
  is_as_said(SCHAT__CPU_SHA, is_said(line, "sha_ni") && is_said(line, "aes"));
  is_as_said(SCHAT__CPU_AVX512, is_said(line, "avx512f"));
  is_as_said(SCHAT__CPU_AVX512BW, is_said(line, "avx512bw"));
}
#endif

#elif defined(SCHAT__ARMV8) && defined(__linux__)

/* Where neither the system nor an emulator in its place says it, nothing is used. */
static void the_system_says_whether_there_are_aes_instructions(void **state) {
  (void)state;
  const unsigned long aes = 1ul << 3;
  assert_int_equal(schat__cpu(), (getauxval(AT_HWCAP) & aes) != 0 ? SCHAT__CPU_ARM_AES : 0);
  assert_string_equal(schat__ige_kernel_at(0)->name, (getauxval(AT_HWCAP) & aes) != 0 ? "armv8" : "evp");
}

#else

static void no_kernel_is_for_another_processor(void **state) {
  (void)state;
  assert_int_equal(schat__cpu(), 0);
}

#endif

static void the_answer_is_always_the_same(void **state) {
  (void)state;
  const unsigned first = schat__cpu();
  for (int i = 0; i < 10; i++) assert_int_equal(schat__cpu(), first);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#ifdef SCHAT__X86
    cmocka_unit_test(every_bit_that_is_needed_is_looked_at),
    cmocka_unit_test(no_other_bit_gives_anything),
    cmocka_unit_test(xcr0_is_read_where_osxsave_says_so),
#if defined(__linux__)
    cmocka_unit_test(this_processor_is_what_the_system_says),
#endif
#elif defined(SCHAT__ARMV8) && defined(__linux__)
    cmocka_unit_test(the_system_says_whether_there_are_aes_instructions),
#else
    cmocka_unit_test(no_kernel_is_for_another_processor),
#endif
    cmocka_unit_test(the_answer_is_always_the_same),
  };
  return cmocka_run_group_tests_name("cpu", tests, NULL, NULL);
}
