/* SPDX-License-Identifier: BSL-1.0
 * image.h - what a core dump of a stopped process would hold: every byte it could write, and its registers. */
#ifndef TESTS_REMANENCE_IMAGE_H
#define TESTS_REMANENCE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

/* Called for each part; `name` is that of the mapping or "registers". */
typedef void (*image_fn)(void *arg, const char *name, uint64_t address, const uint8_t *bytes, size_t size);
/* Of a process that is traced and stopped. 0 when it could not be read. */
int image_read(int process, image_fn fn, void *arg);
/* For the process that is to be observed, by its parent: 1 when that is possible here. */
int image_offer(void);
int image_continue(int process);

#endif
