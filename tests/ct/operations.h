/* SPDX-License-Identifier: BSL-1.0
 * operations.h - everything in the library that touches a secret, one operation after the other. */
#ifndef TESTS_CT_OPERATIONS_H
#define TESTS_CT_OPERATIONS_H

#include "poison.h"

typedef struct {
  const char *name;
  void (*run)(schat__crypto *crypto);
} operation;

/* Lists that end with a NULL name. Those of the first run under every kernel for AES-IGE, for their work goes through one. */
extern const operation ige_operations[], envelope_operations[], file_operations[];
extern const operation key_operations[], hash_operations[], store_operations[], chat_operations[];
/* What must be reported, and in the end what must not. */
extern const operation leaky_operations[], harmless_operations[];

#endif
