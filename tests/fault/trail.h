/* SPDX-License-Identifier: BSL-1.0
 * trail.h - everything that has left the account, crashes or not: what leaves again is the same, and no number carries two contents. */
#ifndef TESTS_FAULT_TRAIL_H
#define TESTS_FAULT_TRAIL_H

#include "bench.h"

void trail_clear(void);
/* A request as it leaves. */
void trail_note(bench *b, const schat_request *request);

#endif
