/* SPDX-License-Identifier: BSL-1.0
 * state.h - everything a manager holds, as bytes, and the image of its store: what a call that fails may not change (I10). */
#ifndef TESTS_FAULT_STATE_H
#define TESTS_FAULT_STATE_H

#include "bench.h"

typedef struct state state;

state *state_look(const bench *b);
void state_free(state *s);
/* NULL when both are the same, otherwise what differs. */
const char *state_differs(const state *a, const state *b);

#endif
