/* SPDX-License-Identifier: BSL-1.0
 * poor.h - an allocator of the library's that has no memory once. */
#ifndef TESTS_SUPPORT_POOR_H
#define TESTS_SUPPORT_POOR_H

#include "secretchat/secretchat.h"

extern const schat_allocator poor_allocator;

/* The allocation behind `left` others fails; a negative number: none. */
void poor_begin(long left);
/* 1 when it has failed since. */
int poor_failed(void);

#endif
