/* SPDX-License-Identifier: BSL-1.0
 * image.h - the store that inputs begin with; made once. */
#ifndef SCHAT_TESTS_FUZZ_IMAGE_H
#define SCHAT_TESTS_FUZZ_IMAGE_H

#include "memstore.h"

const memstore *image_store(void);
int64_t image_now(void);

#endif
