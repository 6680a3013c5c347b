/* SPDX-License-Identifier: BSL-1.0
 * print.h - what the line peer says: requests and events of the library, one line each. */
#ifndef SCHAT_TESTS_LINE_PEER_PRINT_H
#define SCHAT_TESTS_LINE_PEER_PRINT_H

#include "peer.h"

/* query QID METHOD TL [after=QID] */
void print_request(peer *p, const schat_request *request);
/* The line of an event, or several. */
void print_event(peer *p, const schat_event *event);
/* What a call returned: nothing for success, a log line otherwise. */
void print_status(peer *p, int status);
/* `rejected` for an input whose reason no event gave. */
void print_owed_reason(peer *p);
/* log TEXT, as the library's own log gives it. */
void print_log(void *user_data, int level, const char *text);

#endif
