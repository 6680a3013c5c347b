/* SPDX-License-Identifier: BSL-1.0
 * strict_watch.h - the strict reader at the relay: sees every message of a chat between the library and a foreign client, opened with the
 * keys of the latter. */
#ifndef TESTS_SIM_STRICT_WATCH_H
#define TESTS_SIM_STRICT_WATCH_H

#include "foreign.h"
#include "strict.h"

typedef struct strict_watch strict_watch;

/* now: where the time is to be read. */
strict_watch *strict_watch_new(const foreign *f, int library_device, const int64_t *now);
void strict_watch_free(strict_watch *w);
/* For relay_tap; what cannot be opened yet waits, and what comes after it. */
void strict_watch_tap(void *watch, const relay_sent *sent);
/* Looks at what waited. The first rule broken so far, and the number of messages of the library it looked at. */
strict_rule strict_watch_rule(strict_watch *w, size_t *seen);

#endif
