/* SPDX-License-Identifier: BSL-1.0
 * residue.h - what a function leaves on its stack: runs it on one of its own and looks for secrets there afterwards. */
#ifndef SCHAT_TESTS_RESIDUE_H
#define SCHAT_TESTS_RESIDUE_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint8_t *bytes;
  size_t size;
} residue;

/* 1 where a stack can be judged: without optimisation a compiler keeps every value on it for a moment, sanitizers and valgrind move and
 * keep what is there. */
int residue_is_seen(void);

/* Begins the program again with every function bound: the loader, when it binds one at its first call, saves the registers on the stack,
 * and what stands in them. */
void residue_bind_now(char *const argv[]);

/* Runs `work(arg)`, which must not assert, and keeps the stack it had. */
residue residue_of(void (*work)(void *), void *arg);

/* 1 when any 16 bytes of a secret stand there (or the whole of a shorter one). */
int residue_has(const residue *r, const void *secret, size_t size);

void residue_free(residue *r);

/* Leave a pattern on the stack: no deeper than kernels go, than libcrypto, than its exponentiations. */
void residue_leave_little(const uint8_t pattern[16]);
void residue_leave_much(const uint8_t pattern[16]);
void residue_leave_very_much(const uint8_t pattern[16]);

#endif
