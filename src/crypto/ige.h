/* SPDX-License-Identifier: BSL-1.0
 * ige.h - what a kernel for AES-256-IGE is: the same job for different processors. */
#ifndef SCHAT_CRYPTO_IGE_H
#define SCHAT_CRYPTO_IGE_H

#include <stddef.h>
#include <stdint.h>

#include "cpu.h"
#include "crypto.h"

/* `size` is a multiple of 16 and not 0. `iv` is changed on success only. in == out is allowed.
 * encrypt_n and decrypt_n do many jobs at once, also jobs of size 0, and cannot fail; both are NULL where that gains nothing. */
typedef struct {
  const char *name;
  int (*encrypt)(struct schat__crypto *crypto, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size);
  int (*decrypt)(struct schat__crypto *crypto, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size);
  void (*encrypt_n)(const schat__ige_job *jobs, size_t count);
  void (*decrypt_n)(const schat__ige_job *jobs, size_t count);
} schat__ige_kernel;

extern const schat__ige_kernel schat__ige_evp; /* portable */
#ifdef SCHAT__ARMV8
extern const schat__ige_kernel schat__ige_armv8; /* one stream */
#endif
#ifdef SCHAT__X86
extern const schat__ige_kernel schat__ige_aesni; /* one stream */
#endif
#ifdef SCHAT__X86_64
extern const schat__ige_kernel schat__ige_aesni8; /* the same, and 8 streams */
#endif
#ifdef SCHAT__X86_VAES
extern const schat__ige_kernel schat__ige_vaes16;  /* the same, and 16 streams */
extern const schat__ige_kernel schat__ige_vaes512; /* the same in half as many registers */
#endif

/* ige_choose.c: kernel `i` of those that this processor runs, best first; NULL after the last, which is the portable one. */
const schat__ige_kernel *schat__ige_kernel_at(size_t i);
/* The kernel for a new schat__crypto; NULL when the one that was forced does not exist here. */
const schat__ige_kernel *schat__ige_choose(void);
/* For tests: every schat__crypto made from now on uses the kernel of that name; NULL: the best again. SCHAT_OK, or SCHAT_E_INVALID
 * when this processor has none of that name. Belongs to the whole process: not while another thread makes a schat__crypto. */
int schat__ige_force(const char *name);

#endif
