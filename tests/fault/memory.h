/* SPDX-License-Identifier: BSL-1.0
 * memory.h - the allocator given to the account under test: it fails on order, knows what was not given back, and finds every block that
 * comes back unwiped. */
#ifndef TESTS_FAULT_MEMORY_H
#define TESTS_FAULT_MEMORY_H

#include "secretchat/secretchat.h"

const schat_allocator *memory_allocator(void);
size_t memory_live(void);
/* The process is gone, and all it had. */
void memory_crash(void);

/* Allocations inside libcrypto become sites while `inside` is not 0. memory_openssl: before anything uses libcrypto; 0: refused. */
int memory_openssl(void);
extern int memory_inside;

#endif
