/* SPDX-License-Identifier: BSL-1.0
 * traces.h - what functions that have returned leave behind where no allocator is: below the stack pointer, and in vector registers. */
#ifndef SCHAT_CRYPTO_TRACES_H
#define SCHAT_CRYPTO_TRACES_H

/* Overwrites both. Called where a call of the host ends, so that a core dump taken later finds no key and no text there. */
void schat__wipe_traces(void);
/* The same, as deep as an exponentiation of libcrypto goes. */
void schat__wipe_deep_traces(void);
/* The same, as deep as a message goes where libcrypto has no part in it. */
void schat__wipe_shallow_traces(void);
/* The stack as deep as the kernels for one message go, and no registers: what every message pays for. */
void schat__wipe_near_traces(void);

#endif
