/* SPDX-License-Identifier: BSL-1.0
 * vectors.h - public numbers. */
#ifndef TESTS_CT_VECTORS_H
#define TESTS_CT_VECTORS_H

#include <stdint.h>

/* The prime that Telegram publishes. */
extern const uint8_t telegram_prime[256];

#endif
