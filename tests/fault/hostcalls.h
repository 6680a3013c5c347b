/* SPDX-License-Identifier: BSL-1.0
 * hostcalls.h - the host and the store of the account under test: each call is a site. */
#ifndef TESTS_FAULT_HOSTCALLS_H
#define TESTS_FAULT_HOSTCALLS_H

#include "bench.h"

void hostcalls_host(bench *b, schat_host *host);
void hostcalls_store(bench *b, schat_store *store);

#endif
