/* SPDX-License-Identifier: BSL-1.0
 * engine.h - the inside of a schat__crypto: fetched algorithms and kept contexts, seen by src/crypto only. */
#ifndef SCHAT_CRYPTO_ENGINE_H
#define SCHAT_CRYPTO_ENGINE_H

#include <openssl/bn.h>
#include <openssl/evp.h>

#include "../common/mem.h"
#include "crypto.h"
#include "fork.h"
#include "ige.h"
#include "sha.h"

/* A digest whose context is initialised again after each use: the next hash starts at once, and nothing of the last one stays. */
typedef struct {
  EVP_MD *md;
  EVP_MD_CTX *ctx;
  int ready;
} schat__digest;

#define SCHAT__POOL_SIZE 1024u
#define SCHAT__POOL_REFILLS 1024u

/* The key of the next refill is in ctx and nowhere else; bytes before `at` are gone. */
typedef struct {
  EVP_CIPHER_CTX *ctx;
  uint8_t bytes[SCHAT__POOL_SIZE];
  size_t at;
  unsigned refills;
  int seeded;
  int64_t generation; /* of schat__fork: whose bytes these are */
} schat__pool;

#define SCHAT__PROVEN_PRIMES 4u

/* Public values only: exponents and keys never stay here. */
typedef struct {
  BN_MONT_CTX *mont; /* of mont_p */
  uint8_t mont_p[SCHAT__DH_SIZE];
  uint8_t proven[SCHAT__PROVEN_PRIMES][SCHAT__DH_SIZE]; /* safe primes that passed the long test; an unused row is zero */
  unsigned next_proven;
} schat__dh;

struct schat__crypto {
  schat_allocator allocator;
  const schat_allocator *mem; /* &allocator, or NULL */
  schat_random_fn random;
  void *user_data;
  schat__digest sha1, sha256;
  schat__digest md5; /* opened when it is first wanted: where policy forbids MD5, only file fingerprints fail */
  EVP_CIPHER *ecb, *cbc, *ctr, *gcm;
  EVP_CIPHER_CTX *ige_encrypt, *ige_decrypt; /* of the portable kernel; without a key between calls */
  const schat__ige_kernel *ige;
  const schat__sha_kernel *sha; /* NULL: libcrypto hashes */
  int deep; /* libcrypto, or the caller's source, has computed since traces were wiped */
  schat__fork fork;
  schat__pool pool;
  schat__dh dh;
};

/* Fetches what a digest lacks and makes it ready; 0: libcrypto has no such digest, or no memory. */
int schat__digest_open(schat__digest *digest, const char *name);
/* One request to a source: the caller's, or RAND_priv_bytes when `random` is NULL. */
int schat__random_source(schat_random_fn random, void *user_data, uint8_t *out, size_t size);

#endif
