/* SPDX-License-Identifier: BSL-1.0
 * fork.h - whether this is still the process it was. */
#ifndef SCHAT_CRYPTO_FORK_H
#define SCHAT_CRYPTO_FORK_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  volatile uint8_t *page; /* 1, and 0 in a child; NULL where the system has no such page */
  int64_t generation;
} schat__fork;

/* Cannot fail: without a page the number of the process serves. */
void schat__fork_open(schat__fork *fork);
/* A number that is another one in a child than it was in its parent. */
int64_t schat__fork_generation(schat__fork *fork);
void schat__fork_close(schat__fork *fork);

#endif
