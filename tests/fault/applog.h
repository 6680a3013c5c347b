/* SPDX-License-Identifier: BSL-1.0
 * applog.h - the application's durable log of events: each exactly once, whatever is handed over again (D-35). */
#ifndef TESTS_FAULT_APPLOG_H
#define TESTS_FAULT_APPLOG_H

#include <stdio.h>

#include "bench.h"

void applog_clear(void);
/* An event as it is handed over, or committed: one that is known must be marked and the same. */
void applog_note(bench *b, const schat_event *event);
/* Whether an event of that type, or one about that message, is in the log. */
size_t applog_count(int32_t type);
int applog_has(bench *b, int32_t type, const char *name);
/* Whether the application knows what became of a message of ours: sent, or failed. */
int applog_knows_end(const char *name);
/* Messages in their order, then the rest sorted. */
void applog_print(FILE *out);

/* A line for an event as the comparison names it; 0 for events that depend on when things happen. */
int applog_line(bench *b, const schat_event *event, char *line, size_t size);

#endif
