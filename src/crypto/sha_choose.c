/* SPDX-License-Identifier: BSL-1.0
 * sha_choose.c - whether a kernel or libcrypto hashes on this processor. */
#include <string.h>

#include "crypto.h"
#include "sha.h"

static const char portable[] = "openssl";

static const schat__sha_kernel *best(void) {
#ifdef SCHAT__X86_64
  const unsigned needs = SCHAT__CPU_AES | SCHAT__CPU_SHA;
  if ((schat__cpu() & needs) == needs) return &schat__sha_ni;
#endif
  return NULL;
}

static int is_forced;
static const schat__sha_kernel *forced;

int schat__sha_force(const char *name) {
  const schat__sha_kernel *kernel = best();
  if (name != NULL && strcmp(name, portable) != 0 && (kernel == NULL || strcmp(name, kernel->name) != 0)) return SCHAT_E_INVALID;
  is_forced = name != NULL;
  forced = name != NULL && strcmp(name, portable) == 0 ? NULL : kernel;
  return SCHAT_OK;
}

const schat__sha_kernel *schat__sha_choose(void) {
  return is_forced ? forced : best();
}
