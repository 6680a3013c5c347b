/* SPDX-License-Identifier: BSL-1.0
 * test_kernel_choice.c - each processor gets the best kernels that it can run, and none that it cannot; and registers are wiped with the
 * instructions that it has.
 *
 * schat__cpu is defined here, so that this program's processor is whatever a test says. No kernel is run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "crypto/cpu.h"
#include "crypto/crypto.h"
#include "crypto/ige.h"
#include "crypto/sha.h"
#include "crypto/traces.h"

static unsigned processor;

unsigned schat__cpu(void) {
  return processor;
}

/* Names of the kernels that are offered, best first, divided by spaces. */
static const char *offered(void) {
  static char names[100];
  const schat__ige_kernel *kernel;
  names[0] = '\0';
  for (size_t i = 0; (kernel = schat__ige_kernel_at(i)) != NULL; i++) {
    if (i > 0) strcat(names, " ");
    strcat(names, kernel->name);
  }
  return names;
}

static void any_processor_has_the_portable_kernel(void **state) {
  (void)state;
  processor = 0;
  assert_string_equal(offered(), "evp");
  assert_string_equal(schat__ige_choose()->name, "evp");
  assert_null(schat__sha_choose());
}

/* And works with it alone. */
static void a_crypto_is_made_for_any_processor(void **state) {
  static const unsigned processors[] = {0, SCHAT__CPU_AES};
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    schat__crypto *crypto = NULL;
    processor = processors[i];
    assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &crypto), SCHAT_OK);
    schat__crypto_wipe_traces(crypto);
    schat__crypto_free(crypto);
  }
}

#if defined(SCHAT__X86_64) && defined(SCHAT__X86_VAES)
static void a_kernel_is_offered_where_all_that_it_needs_is(void **state) {
  (void)state;
  static const struct {
    unsigned cpu;
    const char *kernels;
  } cases[] = {
      {SCHAT__CPU_AES, "aesni8 aesni evp"},
      {SCHAT__CPU_AES | SCHAT__CPU_AVX | SCHAT__CPU_AVX512 | SCHAT__CPU_AVX512BW, "aesni8 aesni evp"},
      {SCHAT__CPU_AES | SCHAT__CPU_AVX | SCHAT__CPU_VAES, "vaes16 aesni8 aesni evp"},
      {SCHAT__CPU_AES | SCHAT__CPU_AVX | SCHAT__CPU_VAES | SCHAT__CPU_AVX512, "vaes16 aesni8 aesni evp"},
      {SCHAT__CPU_AES | SCHAT__CPU_AVX | SCHAT__CPU_VAES | SCHAT__CPU_AVX512 | SCHAT__CPU_AVX512BW, "vaes512 vaes16 aesni8 aesni evp"},
      {SCHAT__CPU_AVX | SCHAT__CPU_VAES | SCHAT__CPU_AVX512 | SCHAT__CPU_AVX512BW, "evp"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    processor = cases[i].cpu;
    assert_string_equal(offered(), cases[i].kernels);
  }
}

static void hashes_have_a_kernel_where_both_instructions_are(void **state) {
  (void)state;
  processor = SCHAT__CPU_SHA;
  assert_null(schat__sha_choose());
  processor = SCHAT__CPU_AES;
  assert_null(schat__sha_choose());
  processor = SCHAT__CPU_AES | SCHAT__CPU_SHA;
  assert_non_null(schat__sha_choose());
  assert_string_equal(schat__sha_choose()->name, "sha-ni");
}

static void no_name_brings_a_kernel_that_cannot_run(void **state) {
  (void)state;
  processor = SCHAT__CPU_AES;
  assert_int_equal(schat__ige_force("vaes16"), SCHAT_E_INVALID);
  assert_int_equal(schat__sha_force("sha-ni"), SCHAT_E_INVALID);
  assert_string_equal(schat__ige_choose()->name, "aesni8");
  assert_null(schat__sha_choose());
}
#endif

#if defined(__x86_64__) && defined(__GNUC__)
/* With those of SSE2 alone: a wipe must need no newer ones. */
static void registers_are_wiped_without_newer_instructions(void **state) {
  (void)state;
  uint64_t left[2] = {1, 1};
  const uint64_t secret = 0x7365637265742121u;
  processor = 0;
  __asm__ volatile("movq %0, %%xmm13" ::"r"(secret) : "xmm13");
  schat__wipe_traces();
  __asm__ volatile("movdqu %%xmm13, %0" : "=m"(left));
  assert_true(left[0] == 0 && left[1] == 0);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(any_processor_has_the_portable_kernel), cmocka_unit_test(a_crypto_is_made_for_any_processor),
#if defined(SCHAT__X86_64) && defined(SCHAT__X86_VAES)
    cmocka_unit_test(a_kernel_is_offered_where_all_that_it_needs_is),
    cmocka_unit_test(hashes_have_a_kernel_where_both_instructions_are),
    cmocka_unit_test(no_name_brings_a_kernel_that_cannot_run),
#endif
#if defined(__x86_64__) && defined(__GNUC__)
    cmocka_unit_test(registers_are_wiped_without_newer_instructions),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
