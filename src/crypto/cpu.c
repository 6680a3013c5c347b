/* SPDX-License-Identifier: BSL-1.0
 * cpu.c - asks the processor what it can do (CPUID), and the system which registers it saves (XGETBV); on ARM the system alone. */
#include "cpu.h"

#ifdef SCHAT__X86

#include <stdint.h>

#if !defined(__STDC_NO_ATOMICS__) && (!defined(_MSC_VER) || defined(__clang__))
#include <stdatomic.h>
#define HAVE_ATOMICS 1
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#define TARGET_XSAVE

static void cpuid(uint32_t leaf, uint32_t out[4]) {
  int words[4];
  __cpuid(words, 0);
  if ((uint32_t)words[0] < leaf) return;
  __cpuidex(words, (int)leaf, 0);
  for (unsigned i = 0; i < 4; i++) out[i] = (uint32_t)words[i];
}
#else
#include <cpuid.h>
#include <immintrin.h>
#define TARGET_XSAVE __attribute__((target("xsave")))

static void cpuid(uint32_t leaf, uint32_t out[4]) {
  (void)__get_cpuid_count(leaf, 0, &out[0], &out[1], &out[2], &out[3]);
}
#endif

enum { EAX, EBX, ECX, EDX };

static int has(uint32_t word, uint32_t bits) {
  return (word & bits) == bits;
}

/* Only where CPUID says OSXSAVE. */
static TARGET_XSAVE uint32_t saved_registers(void) {
  return (uint32_t)_xgetbv(0);
}

unsigned schat__cpu_of(const uint32_t one[4], const uint32_t seven[4], uint32_t saved) {
  const uint32_t sse2 = 1u << 26, ssse3 = 1u << 9, sse41 = 1u << 19, aes = 1u << 25, avx = 1u << 28;      /* leaf 1 */
  const uint32_t avx2 = 1u << 5, avx512f = 1u << 16, sha = 1u << 29, avx512bw = 1u << 30, vaes = 1u << 9; /* leaf 7 */
  const uint32_t xmm_and_ymm = 6u, zmm = 0xe0u;                                                           /* XCR0 */
  unsigned found = 0;
  if (!has(one[EDX], sse2)) return 0;
  if (has(one[ECX], ssse3 | sse41 | aes)) found |= has(seven[EBX], sha) ? SCHAT__CPU_AES | SCHAT__CPU_SHA : SCHAT__CPU_AES;
  if (!has(one[ECX], avx) || !has(saved, xmm_and_ymm)) return found;
  found |= SCHAT__CPU_AVX;
  if (has(seven[EBX], avx2) && has(seven[ECX], vaes) && (found & SCHAT__CPU_AES) != 0) found |= SCHAT__CPU_VAES;
  if (has(seven[EBX], avx512f) && has(saved, zmm)) found |= SCHAT__CPU_AVX512;
  if (has(seven[EBX], avx512bw) && (found & SCHAT__CPU_AVX512) != 0) found |= SCHAT__CPU_AVX512BW;
  return found;
}

int schat__cpu_tells_saved(const uint32_t one[4]) {
  const uint32_t osxsave = 1u << 27;
  return has(one[ECX], osxsave);
}

static unsigned ask(void) {
  uint32_t one[4] = {0}, seven[4] = {0}; /* a leaf that there is not says nothing */
  cpuid(1, one);
  cpuid(7, seven);
  return schat__cpu_of(one, seven, schat__cpu_tells_saved(one) ? saved_registers() : 0);
}

#ifdef HAVE_ATOMICS
unsigned schat__cpu(void) {
  static atomic_uint answer; /* threads that come first together write the same */
  const unsigned asked = 1u << 31;
  unsigned known = atomic_load_explicit(&answer, memory_order_relaxed);
  if (known == 0) {
    known = ask() | asked;
    atomic_store_explicit(&answer, known, memory_order_relaxed);
  }
  return known & ~asked;
}
#else
unsigned schat__cpu(void) {
  return ask();
}
#endif

#elif defined(SCHAT__ARMV8)

#if defined(__linux__)
#include <sys/auxv.h>

#ifndef HWCAP_AES
#define HWCAP_AES (1ul << 3)
#endif

static int has_aes(void) {
  return (getauxval(AT_HWCAP) & HWCAP_AES) != 0;
}
#elif defined(__FreeBSD__) || defined(__OpenBSD__)
#include <sys/auxv.h>

static int has_aes(void) {
  unsigned long words = 0;
  return elf_aux_info(AT_HWCAP, &words, (int)sizeof words) == 0 && (words & (1ul << 3)) != 0;
}
#elif defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

static int has_aes(void) {
  return IsProcessorFeaturePresent(PF_ARM_V8_CRYPTO_INSTRUCTIONS_AVAILABLE) != 0;
}
#else
/* Every processor of Apple has them; elsewhere what the compiler was told decides. */
static int has_aes(void) {
#if defined(__APPLE__) || defined(__ARM_FEATURE_AES) || defined(__ARM_FEATURE_CRYPTO)
  return 1;
#else
  return 0;
#endif
}
#endif

unsigned schat__cpu(void) {
  return has_aes() ? SCHAT__CPU_ARM_AES : 0;
}

#else

unsigned schat__cpu(void) {
  return 0;
}

#endif
