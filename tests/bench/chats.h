/* SPDX-License-Identifier: BSL-1.0
 * chats.h - what a message, a backlog and an idle chat cost the whole library. */
#ifndef TESTS_BENCH_CHATS_H
#define TESTS_BENCH_CHATS_H

#include "measure.h"

void bench_chats(const effort *how);
/* `folder`: where a file of SQLite is made. */
void bench_sqlite(const effort *how, const char *folder);
void bench_idle(size_t chats);

#endif
