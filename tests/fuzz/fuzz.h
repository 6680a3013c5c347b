/* SPDX-License-Identifier: BSL-1.0
 * fuzz.h - what the targets share: the entry points of libFuzzer, the input as a row of choices, and checks that end the process.
 *
 * A target is one file with LLVMFuzzerTestOneInput. What it does follows from the input alone: randomness is seeded with it. Objects that
 * are dear to make (contexts of OpenSSL, arenas, images of stores) are kept between inputs. */
#ifndef SCHAT_TESTS_FUZZ_H
#define SCHAT_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/crypto.h"
#include "secretchat/secretchat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process: the input has refuted something. */
_Noreturn void fuzz_fail(const char *what, const char *file, int line);
#define FUZZ_MUST(condition) ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))

/* What is left of an input. Past its end everything is zero. */
typedef struct {
  const uint8_t *data;
  size_t size;
} fuzz_input;

uint8_t fuzz_take8(fuzz_input *in);
uint32_t fuzz_take32(fuzz_input *in);
uint64_t fuzz_take64(fuzz_input *in);
int32_t fuzz_int(fuzz_input *in);                    /* one byte chooses: small, at an end, or four bytes */
int64_t fuzz_long(fuzz_input *in);                   /* the same for eight */
uint32_t fuzz_below(fuzz_input *in, uint32_t bound); /* 0 when bound is 0 */
/* Up to `most` bytes: their number, then they. Borrowed; data is never NULL. */
schat_bytes fuzz_bytes(fuzz_input *in, size_t most);
schat_bytes fuzz_rest(fuzz_input *in, size_t most);

/* Numbers that follow from a seed (splitmix64). fuzz_random is a schat_random_fn over a fuzz_seed. */
typedef struct {
  uint64_t state;
} fuzz_seed;
uint64_t fuzz_next(fuzz_seed *seed);
int fuzz_random(void *user_data, uint8_t *out, size_t size);
uint64_t fuzz_digest(const void *data, size_t size); /* FNV-1a by words */

/* The crypto object of this process, its randomness seeded with `seed` from now on. */
schat__crypto *fuzz_crypto(uint64_t seed);

int fuzz_same(const void *a, const void *b, size_t size);          /* memcmp that takes NULL of no bytes */
int fuzz_within(schat_bytes part, const void *whole, size_t size); /* 1: empty, or inside */

#endif
