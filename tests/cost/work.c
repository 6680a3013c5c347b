/* SPDX-License-Identifier: BSL-1.0
 * work.c - see work.h. */
#include "work.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_COST 16u

static work sum;
static int counting;
static uint64_t held, peak;

void work_count(int on) {
  counting = on;
}

work work_now(void) {
  work now = sum;
  now.peak = peak;
  return now;
}

work work_since(const work *before) {
  work d = sum;
  d.aes_blocks -= before->aes_blocks;
  d.hashes -= before->hashes;
  d.hash_bytes -= before->hash_bytes;
  d.powers -= before->powers;
  d.prime_tests -= before->prime_tests;
  d.symbols -= before->symbols;
  d.allocations -= before->allocations;
  d.commits -= before->commits;
  d.records -= before->records;
  d.store_bytes -= before->store_bytes;
  d.requests -= before->requests;
  d.events -= before->events;
  d.peak = peak;
  return d;
}

work *work_sum(void) {
  return &sum;
}

/* libcrypto ------------------------------------------------------------------------------------------------------------------- */

int __real_EVP_DigestUpdate(EVP_MD_CTX *ctx, const void *data, size_t size);
int __wrap_EVP_DigestUpdate(EVP_MD_CTX *ctx, const void *data, size_t size);
int __wrap_EVP_DigestUpdate(EVP_MD_CTX *ctx, const void *data, size_t size) {
  if (counting) sum.hash_bytes += size;
  return __real_EVP_DigestUpdate(ctx, data, size);
}

int __real_EVP_DigestFinal_ex(EVP_MD_CTX *ctx, unsigned char *out, unsigned *size);
int __wrap_EVP_DigestFinal_ex(EVP_MD_CTX *ctx, unsigned char *out, unsigned *size);
int __wrap_EVP_DigestFinal_ex(EVP_MD_CTX *ctx, unsigned char *out, unsigned *size) {
  sum.hashes += (uint64_t)counting;
  return __real_EVP_DigestFinal_ex(ctx, out, size);
}

int __real_BN_mod_exp_mont_consttime(BIGNUM *r, const BIGNUM *a, const BIGNUM *p, const BIGNUM *m, BN_CTX *ctx, BN_MONT_CTX *mont);
int __wrap_BN_mod_exp_mont_consttime(BIGNUM *r, const BIGNUM *a, const BIGNUM *p, const BIGNUM *m, BN_CTX *ctx, BN_MONT_CTX *mont);
int __wrap_BN_mod_exp_mont_consttime(BIGNUM *r, const BIGNUM *a, const BIGNUM *p, const BIGNUM *m, BN_CTX *ctx, BN_MONT_CTX *mont) {
  sum.powers += (uint64_t)counting;
  return __real_BN_mod_exp_mont_consttime(r, a, p, m, ctx, mont);
}

int __real_BN_check_prime(const BIGNUM *p, BN_CTX *ctx, BN_GENCB *cb);
int __wrap_BN_check_prime(const BIGNUM *p, BN_CTX *ctx, BN_GENCB *cb);
int __wrap_BN_check_prime(const BIGNUM *p, BN_CTX *ctx, BN_GENCB *cb) {
  sum.prime_tests += (uint64_t)counting;
  return __real_BN_check_prime(p, ctx, cb);
}

int __real_BN_kronecker(const BIGNUM *a, const BIGNUM *b, BN_CTX *ctx);
int __wrap_BN_kronecker(const BIGNUM *a, const BIGNUM *b, BN_CTX *ctx);
int __wrap_BN_kronecker(const BIGNUM *a, const BIGNUM *b, BN_CTX *ctx) {
  sum.symbols += (uint64_t)counting;
  return __real_BN_kronecker(a, b, ctx);
}

/* The cipher ---------------------------------------------------------------------------------------------------------------------- */

static const schat__ige_kernel *real_kernel;
static schat__ige_kernel counting_kernel;

static int encrypt(schat__crypto *c, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size) {
  if (counting) sum.aes_blocks += size / 16;
  return real_kernel->encrypt(c, key, iv, in, out, size);
}

static int decrypt(schat__crypto *c, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size) {
  if (counting) sum.aes_blocks += size / 16;
  return real_kernel->decrypt(c, key, iv, in, out, size);
}

void work_watch(schat__crypto *crypto) {
  if (crypto->ige != &counting_kernel) real_kernel = crypto->ige;
  counting_kernel.name = "counting";
  counting_kernel.encrypt = encrypt;
  counting_kernel.decrypt = decrypt; /* none for many jobs at once: they are counted one by one */
  crypto->ige = &counting_kernel;
  crypto->sha = NULL; /* libcrypto hashes, where it is seen */
}

/* Memory -------------------------------------------------------------------------------------------------------------------------- */

static void *allocate(void *user_data, size_t size) {
  uint8_t *block = malloc(size + BLOCK_COST);
  (void)user_data;
  if (block == NULL) return NULL;
  memcpy(block, &size, sizeof size);
  held += size + BLOCK_COST;
  if (held > peak) peak = held;
  sum.allocations += (uint64_t)counting;
  return block + BLOCK_COST;
}

static void release(void *user_data, void *memory) {
  uint8_t *block = (uint8_t *)memory - BLOCK_COST;
  size_t size;
  (void)user_data;
  memcpy(&size, block, sizeof size);
  held -= size + BLOCK_COST;
  free(block);
}

const schat_allocator *work_allocator(void) {
  static const schat_allocator counted = {NULL, allocate, release};
  return &counted;
}

uint64_t work_held(void) {
  return held;
}

void work_peak_reset(void) {
  peak = held;
}
