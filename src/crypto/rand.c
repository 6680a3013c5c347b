/* SPDX-License-Identifier: BSL-1.0
 * rand.c - random bytes: the caller's source, or a pool that forgets its past with every refill. */
#include <limits.h>
#include <openssl/rand.h>
#include <string.h>

#include "engine.h"

static int openssl_private(uint8_t *out, size_t size) {
  while (size > 0) {
    int piece = size < INT_MAX ? (int)size : INT_MAX;
    if (RAND_priv_bytes(out, piece) != 1) return 0;
    out += piece;
    size -= (size_t)piece;
  }
  return 1;
}

int schat__random_source(schat_random_fn random, void *user_data, uint8_t *out, size_t size) {
  if (size == 0) return SCHAT_OK;
  int good = random != NULL ? random(user_data, out, size) == 0 : openssl_private(out, size);
  if (good) return SCHAT_OK;
  schat__wipe(out, size); /* half an answer is none */
  return SCHAT_E_RANDOM;
}

int schat__random_private(schat__crypto *crypto, uint8_t *out, size_t size) {
  crypto->deep = 1;
  return schat__random_source(crypto->random, crypto->user_data, out, size);
}

static const uint8_t first_counter[16] = {0};

static int set_pool_key(schat__pool *pool, const uint8_t key[32]) {
  return EVP_EncryptInit_ex2(pool->ctx, NULL, key, first_counter, NULL) == 1;
}

static int seed_pool(schat__pool *pool) {
  uint8_t seed[32];
  int good = RAND_bytes(seed, (int)sizeof seed) == 1 && set_pool_key(pool, seed);
  schat__wipe(seed, sizeof seed);
  pool->refills = 0;
  pool->seeded = good;
  return good;
}

/* The key makes 1,024 bytes of which the first 32 replace it at once: who reads the pool later cannot compute what it gave before. */
static int refill_pool(schat__pool *pool) {
  if (!pool->seeded || pool->refills >= SCHAT__POOL_REFILLS) {
    if (!seed_pool(pool)) return 0;
  }
  int done = 0;
  memset(pool->bytes, 0, sizeof pool->bytes);
  int good = EVP_EncryptUpdate(pool->ctx, pool->bytes, &done, pool->bytes, (int)sizeof pool->bytes) == 1 &&
             (size_t)done == sizeof pool->bytes && set_pool_key(pool, pool->bytes);
  schat__wipe(pool->bytes, good ? 32 : sizeof pool->bytes);
  pool->seeded = good;
  pool->refills++;
  pool->at = good ? 32 : sizeof pool->bytes;
  return good;
}

/* In the child of a fork the parent's bytes are forgotten, not used twice. */
static void notice_fork(schat__pool *pool, int64_t generation) {
  if (pool->generation == generation) return;
  schat__wipe(pool->bytes, sizeof pool->bytes);
  pool->at = sizeof pool->bytes;
  pool->seeded = 0;
  pool->generation = generation;
}

static int take_from_pool(schat__pool *pool, uint8_t *out, size_t size) {
  while (size > 0) {
    if (pool->at == sizeof pool->bytes && !refill_pool(pool)) return 0;
    size_t left = sizeof pool->bytes - pool->at;
    size_t piece = size < left ? size : left;
    memcpy(out, pool->bytes + pool->at, piece);
    schat__wipe(pool->bytes + pool->at, piece);
    pool->at += piece;
    out += piece;
    size -= piece;
  }
  return 1;
}

int schat__random(schat__crypto *crypto, uint8_t *out, size_t size) {
  if (crypto->random != NULL) return schat__random_private(crypto, out, size);
  if (size > sizeof crypto->pool.bytes - crypto->pool.at) crypto->deep = 1; /* a refill */
  notice_fork(&crypto->pool, schat__fork_generation(&crypto->fork));
  if (take_from_pool(&crypto->pool, out, size)) return SCHAT_OK;
  schat__wipe(out, size);
  return SCHAT_E_RANDOM;
}
