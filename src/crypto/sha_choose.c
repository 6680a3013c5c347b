/* SPDX-License-Identifier: BSL-1.0
 * sha_choose.c - whether a kernel or libcrypto hashes on this processor. */
#include <string.h>

#include "crypto.h"
#include "sha.h"

#ifdef SCHAT_TEST_HOOKS
#include <stdlib.h>
#endif

typedef struct {
  const char *name;
  const schat__sha_kernel *kernel;
  unsigned needs; /* SCHAT__CPU_… */
} choice;

static const choice choices[] = {
#ifdef SCHAT__X86_64
    {"sha-ni", &schat__sha_ni, SCHAT__CPU_AES | SCHAT__CPU_SHA},
#endif
    {"openssl", NULL, 0},
};

static const choice *forced;

/* The best of this processor, or the one of that name; NULL: it has none. */
static const choice *find(const char *name) {
  const unsigned cpu = schat__cpu();
  for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
    if ((choices[i].needs & ~cpu) == 0 && (name == NULL || strcmp(name, choices[i].name) == 0)) return &choices[i];
  }
  return NULL;
}

int schat__sha_force(const char *name) {
  const choice *found = find(name);
  if (found == NULL) return SCHAT_E_INVALID;
  forced = name != NULL ? found : NULL;
  return SCHAT_OK;
}

const schat__sha_kernel *schat__sha_choose(void) {
  const choice *found = forced;
#ifdef SCHAT_TEST_HOOKS
  const char *name = getenv("SECRETCHAT_SHA");
  if (found == NULL && name != NULL) found = find(name); /* of a name that there is none of, nothing comes */
#endif
  if (found == NULL) found = find(NULL);
  return found != NULL ? found->kernel : NULL;
}
