/* SPDX-License-Identifier: BSL-1.0
 * windows.h - a set of 16-byte strings, and the search for all of them at once in any amount of memory. */
#ifndef TESTS_REMANENCE_WINDOWS_H
#define TESTS_REMANENCE_WINDOWS_H

#include <stddef.h>
#include <stdint.h>

#define WINDOW 16u

typedef struct windows windows;

windows *windows_new(void);
void windows_free(windows *w);
void windows_clear(windows *w);
size_t windows_count(const windows *w);

/* Every window of the bytes, but those of so few different bytes that they may stand anywhere, and those that are in `except` (may be NULL).
 * `source` is given back by a search. */
void windows_add(windows *w, const windows *except, const void *bytes, size_t size, uint32_t source);
/* At every offset. Calls fn for each that is found; returns how many. */
typedef void (*windows_fn)(void *arg, size_t offset, uint32_t source);
size_t windows_search(const windows *w, const void *bytes, size_t size, windows_fn fn, void *arg);

#endif
