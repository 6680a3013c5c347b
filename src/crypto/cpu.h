/* SPDX-License-Identifier: BSL-1.0
 * cpu.h - what this processor can do that a kernel may use, and which of those kernels this compiler can build. */
#ifndef SCHAT_CRYPTO_CPU_H
#define SCHAT_CRYPTO_CPU_H

#include <stdint.h>

/* SCHAT__ARMV8: the kernel with ARM's AES instructions. SCHAT__X86: kernels with AES-NI; SCHAT__X86_64: those that need 16 registers too, and those with SHA-NI; SCHAT__X86_VAES: those with AES
 * on 256 and 512 bits. Elsewhere the portable kernels serve, and none of the others is compiled. */
#if defined(_MSC_VER) && !defined(__clang__)
#if defined(_M_ARM64)
#define SCHAT__ARMV8 1
#endif
#if defined(_M_X64) || defined(_M_IX86)
#define SCHAT__X86 1
#endif
#if defined(_M_X64)
#define SCHAT__X86_64 1
#if _MSC_VER >= 1920
#define SCHAT__X86_VAES 1
#endif
#endif
#elif defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 9)
/* Older clangs declare these instructions only where the whole file is compiled for them. */
#if defined(__aarch64__) && !defined(__AARCH64EB__) && \
    (!defined(__clang__) || __clang_major__ >= 16 || defined(__ARM_FEATURE_AES) || defined(__ARM_FEATURE_CRYPTO))
#define SCHAT__ARMV8 1
#endif
#if defined(__x86_64__) || defined(__i386__)
#define SCHAT__X86 1
#endif
#if defined(__x86_64__) && !defined(__ILP32__)
#define SCHAT__X86_64 1
#define SCHAT__X86_VAES 1
#endif
#endif

#define SCHAT__CPU_AES 1u    /* AES-NI, SSE4.1 */
#define SCHAT__CPU_VAES 2u   /* VAES and AVX2, whose registers the system saves */
#define SCHAT__CPU_AVX 4u    /* registers of 256 bits, which it saves */
#define SCHAT__CPU_AVX512 8u /* 32 registers of 512 bits, which it saves */
#define SCHAT__CPU_AVX512BW 16u /* the same with instructions for bytes */
#define SCHAT__CPU_SHA 32u      /* SHA-NI beside SCHAT__CPU_AES */
#define SCHAT__CPU_ARM_AES 64u  /* AESE, AESD and their kind */

/* A set of SCHAT__CPU_…. The processor is asked once, which takes tens of microseconds in a virtual machine; from any thread. */
unsigned schat__cpu(void);

#ifdef SCHAT__X86
/* The same out of the words of CPUID, eax to edx of its leaves 1 and 7, and of XCR0, which is 0 where the system does not use it. */
unsigned schat__cpu_of(const uint32_t one[4], const uint32_t seven[4], uint32_t saved);
/* 1 when the processor lets XCR0 be read (OSXSAVE, in leaf 1). */
int schat__cpu_tells_saved(const uint32_t one[4]);
#endif

#endif
