/* SPDX-License-Identifier: BSL-1.0
 * packets.h - messages of one size that are refused for different reasons. */
#ifndef TESTS_TIMING_PACKETS_H
#define TESTS_TIMING_PACKETS_H

#include "envelope/envelope.h"

#define PADDED 496u
#define PACKET (SCHAT__ENVELOPE_HEAD + PADDED)

typedef enum { BAD_MSG_KEY, BAD_LENGTH, BAD_PADDING, FIXED, REASONS } reason; /* FIXED: the same bad msg_key and text, always */

extern uint8_t packet_key[256];

/* Bytes that follow from the seed. */
uint64_t draw(void);
void packets_open(schat__crypto *crypto, uint64_t seed);
void packet_make(schat__crypto *crypto, int mtproto, reason why, uint8_t packet[PACKET]);

#endif
