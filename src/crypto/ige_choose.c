/* SPDX-License-Identifier: BSL-1.0
 * ige_choose.c - which of the kernels serves on this processor. */
#include <string.h>

#include "ige.h"

#ifdef SCHAT_TEST_HOOKS
#include <stdlib.h>
#endif

typedef struct {
  const schat__ige_kernel *kernel;
  unsigned needs; /* SCHAT__CPU_… */
} choice;

static const choice choices[] = {
#ifdef SCHAT__X86_VAES
    {&schat__ige_vaes512, SCHAT__CPU_AES | SCHAT__CPU_VAES | SCHAT__CPU_AVX512BW},
    {&schat__ige_vaes16, SCHAT__CPU_AES | SCHAT__CPU_VAES},
#endif
#ifdef SCHAT__X86_64
    {&schat__ige_aesni8, SCHAT__CPU_AES},
#endif
#ifdef SCHAT__X86
    {&schat__ige_aesni, SCHAT__CPU_AES},
#endif
#ifdef SCHAT__ARMV8
    {&schat__ige_armv8, SCHAT__CPU_ARM_AES},
#endif
    {&schat__ige_evp, 0},
};

static const schat__ige_kernel *forced;

const schat__ige_kernel *schat__ige_kernel_at(size_t i) {
  unsigned cpu = schat__cpu();
  for (size_t at = 0; at < sizeof choices / sizeof choices[0]; at++) {
    if ((choices[at].needs & ~cpu) != 0) continue;
    if (i == 0) return choices[at].kernel;
    i--;
  }
  return NULL;
}

static const schat__ige_kernel *find(const char *name) {
  const schat__ige_kernel *kernel;
  for (size_t i = 0; (kernel = schat__ige_kernel_at(i)) != NULL; i++) {
    if (strcmp(kernel->name, name) == 0) return kernel;
  }
  return NULL;
}

int schat__ige_force(const char *name) {
  const schat__ige_kernel *kernel = name != NULL ? find(name) : NULL;
  if (name != NULL && kernel == NULL) return SCHAT_E_INVALID;
  forced = kernel;
  return SCHAT_OK;
}

const schat__ige_kernel *schat__ige_choose(void) {
  if (forced != NULL) return forced;
#ifdef SCHAT_TEST_HOOKS
  const char *name = getenv("SECRETCHAT_KERNEL");
  if (name != NULL && name[0] != '\0') return find(name);
#endif
  return schat__ige_kernel_at(0);
}
