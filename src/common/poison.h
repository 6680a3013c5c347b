/* SPDX-License-Identifier: BSL-1.0
 * poison.h - where a value that was computed from secrets becomes public: a verdict that is given, a number that goes to the server.
 *
 * In the library this is nothing. The checker of constant time has a copy of the library in which every secret counts as undefined,
 * so that each branch and address that depends on one is reported; there SCHAT__PUBLIC is the only way back. */
#ifndef SCHAT_COMMON_POISON_H
#define SCHAT_COMMON_POISON_H

#ifdef SCHAT_TEST_POISON
#include <stddef.h>
void schat__test_public(const void *p, size_t size); /* of the checker */
#define SCHAT__PUBLIC(p, size) schat__test_public(p, size)
#else
#define SCHAT__PUBLIC(p, size) ((void)0)
#endif

#endif
