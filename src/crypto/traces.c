/* SPDX-License-Identifier: BSL-1.0
 * traces.c - wipes the stack as deep as this library and libcrypto go, and the registers that copies and ciphers pass through.
 *
 * Functions wipe the secrets that they name; this is for what they do not: values that a compiler kept on the stack, products of
 * libcrypto's assembly, blocks that memcpy moved through a register, and the copies of all registers that a dynamic linker makes. */
#include "traces.h"

#include <stdint.h>

#include "../common/mem.h"
#include "cpu.h"

#define DEPTH 16384u /* bytes: half as much again as was ever found to be used */
#define DEEP 32768u
#define SHALLOW 8192u /* nearly three times what a message took where the kernels do all of it */
#define NEAR 1024u /* as deep as one kernel goes */

#if defined(__GNUC__) || defined(__clang__)
#define APART __attribute__((noinline))
#elif defined(_MSC_VER)
#define APART __declspec(noinline)
#else
#define APART
#endif

static APART void wipe_stack(void) {
  uint8_t below[DEPTH];
  schat__wipe(below, sizeof below);
}

static APART void wipe_shallow_stack(void) {
  uint8_t below[SHALLOW];
  schat__wipe(below, sizeof below);
}

static APART void wipe_near_stack(void) {
  uint8_t below[NEAR];
  schat__wipe(below, sizeof below);
}

static APART void wipe_deep_stack(void) {
  uint8_t below[DEEP];
  schat__wipe(below, sizeof below);
}

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define ZERO4(op, a, b, c, d) \
  op " %%" a ",%%" a ",%%" a "\n\t" op " %%" b ",%%" b ",%%" b "\n\t" op " %%" c ",%%" c ",%%" c "\n\t" op " %%" d ",%%" d ",%%" d "\n\t"
#define XOR2(a, b) "pxor %%xmm" a ",%%xmm" a "\n\tpxor %%xmm" b ",%%xmm" b "\n\t"
#define XMM \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

/* Registers 16 to 31 exist for AVX-512 alone; code that is not compiled for it never holds anything there. */
static void wipe_registers(void) {
  const unsigned cpu = schat__cpu();
  if ((cpu & SCHAT__CPU_AVX) != 0) {
    __asm__ volatile("vzeroall" ::: XMM);
  } else {
    __asm__ volatile(XOR2("0", "1") XOR2("2", "3") XOR2("4", "5") XOR2("6", "7") XOR2("8", "9") XOR2("10", "11") XOR2("12", "13")
                         XOR2("14", "15")::
                             : XMM);
  }
  if ((cpu & SCHAT__CPU_AVX512) != 0) {
    __asm__ volatile(ZERO4("vpxord", "zmm16", "zmm17", "zmm18", "zmm19") ZERO4("vpxord", "zmm20", "zmm21", "zmm22", "zmm23")
                         ZERO4("vpxord", "zmm24", "zmm25", "zmm26", "zmm27") ZERO4("vpxord", "zmm28", "zmm29", "zmm30", "zmm31")::
                             : "memory");
  }
}
#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
#define MOVI2(a, b) "movi v" a ".16b, #0\n\tmovi v" b ".16b, #0\n\t"

/* Of v8 to v15 the lower halves belong to the callers, which get them back. */
static void wipe_registers(void) {
  __asm__ volatile(MOVI2("0", "1") MOVI2("2", "3") MOVI2("4", "5") MOVI2("6", "7") MOVI2("16", "17") MOVI2("18", "19") MOVI2("20", "21")
                       MOVI2("22", "23") MOVI2("24", "25") MOVI2("26", "27") MOVI2("28", "29") MOVI2("30", "31")::
                           : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24",
                             "v25", "v26", "v27", "v28", "v29", "v30", "v31");
}
#else
static void wipe_registers(void) {}
#endif

void schat__wipe_traces(void) {
  wipe_stack();
  wipe_registers();
}

void schat__wipe_shallow_traces(void) {
  wipe_shallow_stack();
  wipe_registers();
}

void schat__wipe_near_traces(void) {
  wipe_near_stack();
}

void schat__wipe_deep_traces(void) {
  wipe_deep_stack();
  wipe_registers();
}
