/* SPDX-License-Identifier: BSL-1.0
 * by_hand.c - what the instructions for SHA-256 compute, in words, so that memcheck can follow it: no branch, no table. */
#include <stdint.h>

#if defined(__x86_64__) && defined(__GNUC__)

/* Operands and result; words from the lowest. */
uint32_t ct_sha_state[4], ct_sha_other[4], ct_sha_words[4];

void ct_sha256rnds2(void);
void ct_sha256msg1(void);
void ct_sha256msg2(void);

/* No vector register may change: the caller has saved none. */
#define SCALAR __attribute__((target("general-regs-only"), used))

/* Saves flags and every register that a function may change. */
#define CALL(name)                                                                                                       \
  __asm__(".globl ct_call_" name "\n.type ct_call_" name ", @function\nct_call_" name                                    \
          ":\n\tpushfq\n\tpush %rax\n\tpush %rcx\n"                                                                      \
          "\tpush %rdx\n\tpush %rsi\n\tpush %rdi\n\tpush %r8\n\tpush %r9\n\tpush %r10\n\tpush %r11\n\tcall ct_" name     \
          "\n\tpop %r11\n\tpop %r10\n\tpop %r9\n\tpop %r8\n\tpop %rdi\n\tpop %rsi\n\tpop %rdx\n\tpop %rcx\n\tpop %rax\n" \
          "\tpopfq\n\tret\n")
CALL("sha256rnds2");
CALL("sha256msg1");
CALL("sha256msg2");

#define TURN(x, n) ((x) >> (n) | (x) << (32 - (n)))

/* Two rounds: state is C D G H, other A B E F, each highest first; words are the two of the message, with their constants. */
SCALAR void ct_sha256rnds2(void) {
  uint32_t a = ct_sha_other[3], b = ct_sha_other[2], e = ct_sha_other[1], f = ct_sha_other[0];
  uint32_t c = ct_sha_state[3], d = ct_sha_state[2], g = ct_sha_state[1], h = ct_sha_state[0];
  for (int i = 0; i < 2; i++) {
    uint32_t t1 = h + (TURN(e, 6) ^ TURN(e, 11) ^ TURN(e, 25)) + ((e & f) ^ (~e & g)) + ct_sha_words[i];
    uint32_t t2 = (TURN(a, 2) ^ TURN(a, 13) ^ TURN(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  ct_sha_state[3] = a, ct_sha_state[2] = b, ct_sha_state[1] = e, ct_sha_state[0] = f;
}

SCALAR void ct_sha256msg1(void) {
  const uint32_t w[5] = {ct_sha_state[0], ct_sha_state[1], ct_sha_state[2], ct_sha_state[3], ct_sha_other[0]};
  for (int i = 0; i < 4; i++) ct_sha_state[i] = w[i] + (TURN(w[i + 1], 7) ^ TURN(w[i + 1], 18) ^ w[i + 1] >> 3);
}

SCALAR void ct_sha256msg2(void) {
  uint32_t w[6] = {ct_sha_other[2], ct_sha_other[3]};
  for (int i = 0; i < 4; i++) w[i + 2] = ct_sha_state[i] + (TURN(w[i], 17) ^ TURN(w[i], 19) ^ w[i] >> 10);
  for (int i = 0; i < 4; i++) ct_sha_state[i] = w[i + 2];
}

#else
typedef int ct_nothing_here; /* a translation unit is never empty */
#endif
