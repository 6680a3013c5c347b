/* SPDX-License-Identifier: BSL-1.0
 * test_steady.c - what a message costs libcrypto beside its work: nothing. No algorithm is fetched, no context made, no memory taken, and no
 * random byte asked of the system but for the pool's reseed.
 *
 * The functions of libcrypto that are counted are defined here anew: the program's own definition is taken before a shared library's. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* RTLD_NEXT */
#endif
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include "../bench/traffic.h"
#include "crypto/engine.h"
#include "envelope/envelope.h"
#include "manager/manager.h"

/* What is counted --------------------------------------------------------------------------------------------------------------- */

typedef struct {
  size_t fetches, contexts, seeds, memory;
  size_t hashes; /* begun in libcrypto, which may take memory for the state of each, as 3.0 does, whoever keeps the context */
} waste;

static waste seen;

#define COUNTED(field, type, name, parameters, arguments) \
  type name parameters {                                  \
    type(*real) parameters;                               \
    void *found = dlsym(RTLD_NEXT, #name);                \
    assert_non_null(found);                               \
    memcpy(&real, &found, sizeof real);                   \
    seen.field++;                                         \
    return real arguments;                                \
  }

COUNTED(fetches, EVP_MD *, EVP_MD_fetch, (OSSL_LIB_CTX * ctx, const char *name, const char *properties), (ctx, name, properties))
COUNTED(fetches, EVP_CIPHER *, EVP_CIPHER_fetch, (OSSL_LIB_CTX * ctx, const char *name, const char *properties), (ctx, name, properties))
COUNTED(fetches, EVP_KDF *, EVP_KDF_fetch, (OSSL_LIB_CTX * ctx, const char *name, const char *properties), (ctx, name, properties))
COUNTED(fetches, EVP_MAC *, EVP_MAC_fetch, (OSSL_LIB_CTX * ctx, const char *name, const char *properties), (ctx, name, properties))
COUNTED(contexts, EVP_MD_CTX *, EVP_MD_CTX_new, (void), ())
COUNTED(contexts, EVP_CIPHER_CTX *, EVP_CIPHER_CTX_new, (void), ())
COUNTED(contexts, EVP_KDF_CTX *, EVP_KDF_CTX_new, (EVP_KDF * of), (of))
COUNTED(hashes, int, EVP_DigestInit_ex2, (EVP_MD_CTX * ctx, const EVP_MD *md, const OSSL_PARAM *parameters), (ctx, md, parameters))
COUNTED(seeds, int, RAND_bytes, (unsigned char *out, int size), (out, size))
COUNTED(seeds, int, RAND_priv_bytes, (unsigned char *out, int size), (out, size))

static void *allocate(size_t size, const char *file, int line) {
  (void)file;
  (void)line;
  seen.memory++;
  return malloc(size);
}

static void *change(void *memory, size_t size, const char *file, int line) {
  (void)file;
  (void)line;
  seen.memory++;
  return realloc(memory, size);
}

static void release(void *memory, const char *file, int line) {
  (void)file;
  (void)line;
  free(memory);
}

static waste since(const waste *before) {
  waste w = seen;
  w.fetches -= before->fetches;
  w.contexts -= before->contexts;
  w.seeds -= before->seeds;
  w.memory -= before->memory;
  w.hashes -= before->hashes;
  return w;
}

/* Where the processor hashes, libcrypto does not, and there is no exception. */
static void nothing_since(const waste *before) {
  waste w = since(before);
  assert_int_equal(w.fetches, 0);
  assert_int_equal(w.contexts, 0);
  assert_int_equal(w.seeds, 0);
  assert_true(w.memory <= w.hashes);
}

/* The eyes are open: opening fetches, makes and takes, and a private number is asked of the system. */
static void opening_is_seen(void **state) {
  (void)state;
  schat__crypto *crypto = NULL;
  schat__sealer *sealer = NULL;
  uint8_t byte, key[32] = {1};
  waste before = seen;
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &crypto), SCHAT_OK);
  waste w = since(&before);
  assert_int_equal(w.fetches, 6); /* two hashes, four modes of AES */
  assert_int_equal(w.contexts, 5);
  assert_true(w.memory > 5);
  assert_int_equal(w.seeds, 0); /* when the first bytes are wanted */
  before = seen;
  assert_int_equal(schat__sealer_new(NULL, crypto, key, &sealer), SCHAT_OK);
  w = since(&before);
  assert_int_equal(w.fetches, 1); /* HKDF */
  assert_int_equal(w.contexts, 2);
  assert_int_equal(w.seeds, 1);
  before = seen;
  assert_int_equal(schat__random_private(crypto, &byte, 1), SCHAT_OK);
  assert_int_equal(since(&before).seeds, 1);
  schat__sealer_free(sealer);
  schat__crypto_free(crypto);
}

/* Messages ---------------------------------------------------------------------------------------------------------------------- */

#define ROOM 2048u

static void seal_and_open(schat__crypto *crypto, size_t size) {
  static const uint8_t key[256] = {7};
  static uint8_t message[SCHAT__ENVELOPE_HEAD + ROOM], work[ROOM];
  uint8_t *padded = message + SCHAT__ENVELOPE_HEAD;
  const uint8_t *object;
  size_t padded_size = schat__padded_size(size, 0, 1), opened;
  memset(padded, 1, size + 4);
  assert_int_equal(schat__pad(crypto, padded, size, padded_size), SCHAT_OK);
  assert_int_equal(schat__envelope_seal(crypto, key, 1, 1, padded, padded_size, message), SCHAT_OK);
  assert_int_equal(schat__envelope_open(crypto, key, 1, 2, 1, message, SCHAT__ENVELOPE_HEAD + padded_size, work, &object, &opened), 1);
  message[SCHAT__ENVELOPE_HEAD]++; /* and one that is refused */
  assert_int_equal(schat__envelope_open(crypto, key, 1, 2, 1, message, SCHAT__ENVELOPE_HEAD + padded_size, work, &object, &opened), 0);
}

static void keep_and_find(schat__sealer *sealer, size_t size) {
  static uint8_t record[ROOM], sealed[ROOM + SCHAT__SEAL_OVERHEAD];
  const uint8_t aad[16] = {3};
  assert_int_equal(schat__seal(sealer, aad, sizeof aad, record, size, sealed), SCHAT_OK);
  assert_int_equal(schat__unseal(sealer, aad, sizeof aad, sealed, size + SCHAT__SEAL_OVERHEAD, record), 1);
}

/* Fewer messages than the pool has refills between two seeds. */
static void with_the_kernels_of(const char *ige, const char *sha) {
  schat__crypto *crypto = NULL;
  schat__sealer *sealer = NULL;
  const uint8_t key[32] = {1};
  assert_int_equal(schat__ige_force(ige), SCHAT_OK);
  if (schat__sha_force(sha) != SCHAT_OK) return; /* this processor has libcrypto alone */
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &crypto), SCHAT_OK);
  assert_int_equal(schat__sealer_new(NULL, crypto, key, &sealer), SCHAT_OK);
  seal_and_open(crypto, 100);
  keep_and_find(sealer, 100);
  const waste before = seen;
  for (size_t i = 0; i < 500; i++) {
    seal_and_open(crypto, i * 36 % 1200);
    keep_and_find(sealer, i * 53 % 1200);
  }
  nothing_since(&before);
  assert_int_equal(since(&before).hashes, crypto->sha != NULL ? 0 : 500 * 9); /* three for each of the three messages */
  schat__sealer_free(sealer);
  schat__crypto_free(crypto);
}

static void sealing_and_opening_cost_nothing_but_themselves(void **state) {
  (void)state;
  const schat__ige_kernel *kernel;
  for (size_t i = 0; (kernel = schat__ige_kernel_at(i)) != NULL; i++) {
    with_the_kernels_of(kernel->name, "openssl");
    with_the_kernels_of(kernel->name, "sha-ni");
  }
  assert_int_equal(schat__ige_force(NULL), SCHAT_OK);
  assert_int_equal(schat__sha_force(NULL), SCHAT_OK);
}

static void one_exchange(traffic *t, int who) {
  letter in;
  traffic_send(t, who, &in);
  traffic_answer(t, who);
  traffic_take(t, 1 - who, &in);
  traffic_answer(t, 1 - who);
  traffic_confirm(t, who);
}

static schat__pool *pool_of(const traffic *t, int who) {
  return &t->parties[who].manager->env.crypto->pool;
}

/* Whole managers, with a store, both ways. */
static void sending_and_taking_cost_libcrypto_nothing_more(void **state) {
  (void)state;
  traffic *t = traffic_new(1, 0);
  for (int i = 0; i < 20; i++) one_exchange(t, i % 2);
  const waste before = seen;
  for (int i = 0; i < 300; i++) one_exchange(t, i % 2);
  nothing_since(&before);
  traffic_free(t);
}

/* The exception: each manager's pool is seeded anew when it has been refilled often enough, and then once. */
static void sending_reseeds_the_pool_when_it_is_due(void **state) {
  (void)state;
  traffic *t = traffic_new(2, 0);
  for (int i = 0; i < 20; i++) one_exchange(t, i % 2);
  for (int i = 0; i < 2; i++) pool_of(t, i)->refills = SCHAT__POOL_REFILLS;
  const waste before = seen;
  for (int i = 0; i < 300; i++) one_exchange(t, i % 2);
  const waste w = since(&before);
  assert_int_equal(w.seeds, 2);
  assert_int_equal(w.fetches, 0);
  assert_int_equal(w.contexts, 0);
  for (int i = 0; i < 2; i++) assert_true(pool_of(t, i)->refills > 0 && pool_of(t, i)->refills < 300);
  traffic_free(t);
}

/* one seed in 1,024 refills, to the refill. */
static void the_pool_is_seeded_once_in_1024_refills(void **state) {
  (void)state;
  schat__crypto *crypto = NULL;
  uint8_t bytes[SCHAT__POOL_SIZE - 32]; /* what a refill gives */
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &crypto), SCHAT_OK);
  for (size_t refills = 0; refills < 3 * 1024 + 2; refills++) {
    const waste before = seen;
    assert_int_equal(schat__random(crypto, bytes, sizeof bytes), SCHAT_OK);
    assert_int_equal(since(&before).seeds, refills % 1024 == 0);
    if (refills % 1024 != 0) nothing_since(&before);
  }
  schat__crypto_free(crypto);
}

/* Records and files ------------------------------------------------------------------------------------------------------------- */

/* Records of many openings: a key for each, derived without a fetch; those that are kept are not derived again. */
static void old_records_open_without_a_fetch(void **state) {
  (void)state;
  enum { OPENINGS = 8 }; /* as many as are kept */
  static uint8_t sealed[OPENINGS][64 + SCHAT__SEAL_OVERHEAD];
  uint8_t record[64] = {5};
  const uint8_t key[32] = {1}, aad[4] = {2};
  schat__crypto *crypto = NULL;
  schat__sealer *sealer = NULL;
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &crypto), SCHAT_OK);
  for (size_t i = 0; i < OPENINGS; i++) {
    assert_int_equal(schat__sealer_new(NULL, crypto, key, &sealer), SCHAT_OK);
    assert_int_equal(schat__seal(sealer, aad, sizeof aad, record, sizeof record, sealed[i]), SCHAT_OK);
    schat__sealer_free(sealer);
  }
  assert_int_equal(schat__sealer_new(NULL, crypto, key, &sealer), SCHAT_OK);
  for (int round = 0; round < 3; round++) {
    const waste before = seen;
    for (size_t i = 0; i < OPENINGS; i++) {
      assert_int_equal(schat__unseal(sealer, aad, sizeof aad, sealed[i], sizeof sealed[i], record), 1);
    }
    assert_int_equal(since(&before).fetches, 0);
    if (round == 0) assert_int_equal(since(&before).contexts, 2 * OPENINGS); /* for the derivation, and to open with */
    if (round > 0) nothing_since(&before);
  }
  schat__sealer_free(sealer);
  schat__crypto_free(crypto);
}

static void pieces_of_files_cost_nothing_more(void **state) {
  (void)state;
  static uint8_t bytes[2][4096];
  const uint8_t key[SCHAT_FILE_KEY_SIZE] = {1}, iv[SCHAT_FILE_KEY_SIZE] = {2};
  schat_file *files[2];
  schat_file_part parts[2];
  size_t written;
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(schat_file_encrypt_begin(NULL, key, iv, INT64_C(1) << 30, NULL, NULL, &files[i]), SCHAT_OK);
    SCHAT_INIT(parts[i]);
    parts[i].file = files[i];
    parts[i].in = parts[i].out = bytes[i];
    parts[i].in_size = sizeof bytes[i];
  }
  const waste before = seen;
  for (int i = 0; i < 100; i++) {
    assert_int_equal(schat_file_update(files[0], bytes[0], sizeof bytes[0], bytes[0], &written), SCHAT_OK);
    assert_int_equal(schat_file_update_many(parts, 2), SCHAT_OK);
    assert_int_equal(parts[0].status, SCHAT_OK);
    assert_int_equal(parts[1].status, SCHAT_OK);
  }
  nothing_since(&before);
  for (size_t i = 0; i < 2; i++) schat_file_free(files[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(opening_is_seen),
      cmocka_unit_test(sealing_and_opening_cost_nothing_but_themselves),
      cmocka_unit_test(sending_and_taking_cost_libcrypto_nothing_more),
      cmocka_unit_test(sending_reseeds_the_pool_when_it_is_due),
      cmocka_unit_test(the_pool_is_seeded_once_in_1024_refills),
      cmocka_unit_test(old_records_open_without_a_fetch),
      cmocka_unit_test(pieces_of_files_cost_nothing_more),
  };
  if (CRYPTO_set_mem_functions(allocate, change, release) != 1) return 2; /* before libcrypto is used */
  return cmocka_run_group_tests(tests, NULL, NULL);
}
