/* SPDX-License-Identifier: BSL-1.0
 * test_libcrypto_refuses.c - every call into libcrypto fails once, in everything the library makes of it: the failure is told, nothing of
 * a result stays, and the object serves again.
 *
 * The functions of libcrypto that src/ calls are defined here anew: the program's own definition is taken before a shared library's. */
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

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include "crypto/engine.h"
#include "desk.h"
#include "envelope/envelope.h"

static long calls, fails_at; /* calls so far; the one that fails, counted from 1; 0: none */
static int shortens;         /* the failing call says that it has done its work, and has done less */
static int inside;           /* the library is at work, not this program */
static const char *refused;  /* name of the function that failed */

static int is_its_turn(const char *name) {
  if (!inside || ++calls != fails_at) return 0;
  refused = name;
  return 1;
}

static int refuses(const char *name) {
  return is_its_turn(name) && !shortens;
}

static void find(const char *name, void *real, size_t size) {
  void *found = dlsym(RTLD_NEXT, name);
  assert_non_null(found);
  memcpy(real, &found, size);
}

#define REFUSING(type, name, failure, parameters, arguments) \
  type name parameters {                                     \
    static type(*real) parameters;                           \
    if (real == NULL) find(#name, &real, sizeof real);       \
    return refuses(#name) ? failure : real arguments;        \
  }

/* What gives a number of bytes may give fewer. */
#define SHORTENING(name, count, parameters, arguments) \
  int name parameters {                                \
    static int(*real) parameters;                      \
    if (real == NULL) find(#name, &real, sizeof real); \
    if (!is_its_turn(#name)) return real arguments;    \
    if (!shortens) return 0;                           \
    const int good = real arguments;                   \
    *count = *count > 0 ? *count - 1 : *count;         \
    return good;                                       \
  }

REFUSING(BN_CTX *, BN_CTX_new, NULL, (void), ())
REFUSING(BIGNUM *, BN_new, NULL, (void), ())
REFUSING(BN_MONT_CTX *, BN_MONT_CTX_new, NULL, (void), ())
REFUSING(int, BN_MONT_CTX_set, 0, (BN_MONT_CTX * mont, const BIGNUM *n, BN_CTX *ctx), (mont, n, ctx))
REFUSING(BIGNUM *, BN_bin2bn, NULL, (const unsigned char *in, int size, BIGNUM *n), (in, size, n))
REFUSING(int, BN_bn2binpad, -1, (const BIGNUM *n, unsigned char *out, int size), (n, out, size))
REFUSING(int, BN_kronecker, -2, (const BIGNUM *a, const BIGNUM *b, BN_CTX *ctx), (a, b, ctx))
REFUSING(int, BN_mod_exp_mont_consttime, 0, (BIGNUM * r, const BIGNUM *a, const BIGNUM *e, const BIGNUM *m, BN_CTX *ctx, BN_MONT_CTX *mont),
         (r, a, e, m, ctx, mont))
REFUSING(int, BN_mod_exp_mont_consttime_x2, 0,
         (BIGNUM * r, const BIGNUM *a, const BIGNUM *e, const BIGNUM *m, BN_MONT_CTX *mont, BIGNUM *r2, const BIGNUM *a2, const BIGNUM *e2,
          const BIGNUM *m2, BN_MONT_CTX *mont2, BN_CTX *ctx),
         (r, a, e, m, mont, r2, a2, e2, m2, mont2, ctx))
REFUSING(BIGNUM *, BN_copy, NULL, (BIGNUM * to, const BIGNUM *from), (to, from))
REFUSING(int, BN_add_word, 0, (BIGNUM * n, BN_ULONG w), (n, w))
REFUSING(int, BN_sub, 0, (BIGNUM * r, const BIGNUM *a, const BIGNUM *b), (r, a, b))
REFUSING(EVP_CIPHER *, EVP_CIPHER_fetch, NULL, (OSSL_LIB_CTX * ctx, const char *name, const char *properties), (ctx, name, properties))
REFUSING(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_new, NULL, (void), ())
REFUSING(int, EVP_CIPHER_CTX_set_padding, 0, (EVP_CIPHER_CTX * ctx, int padding), (ctx, padding))
REFUSING(int, EVP_CIPHER_CTX_ctrl, 0, (EVP_CIPHER_CTX * ctx, int type, int value, void *p), (ctx, type, value, p))
REFUSING(int, EVP_CipherInit_ex2, 0,
         (EVP_CIPHER_CTX * ctx, const EVP_CIPHER *cipher, const unsigned char *key, const unsigned char *iv, int enc,
          const OSSL_PARAM *params),
         (ctx, cipher, key, iv, enc, params))
REFUSING(int, EVP_EncryptInit_ex2, 0,
         (EVP_CIPHER_CTX * ctx, const EVP_CIPHER *cipher, const unsigned char *key, const unsigned char *iv, const OSSL_PARAM *params),
         (ctx, cipher, key, iv, params))
REFUSING(int, EVP_DecryptInit_ex2, 0,
         (EVP_CIPHER_CTX * ctx, const EVP_CIPHER *cipher, const unsigned char *key, const unsigned char *iv, const OSSL_PARAM *params),
         (ctx, cipher, key, iv, params))
SHORTENING(EVP_CipherUpdate, done, (EVP_CIPHER_CTX * ctx, unsigned char *out, int *done, const unsigned char *in, int size),
           (ctx, out, done, in, size))
SHORTENING(EVP_EncryptUpdate, done, (EVP_CIPHER_CTX * ctx, unsigned char *out, int *done, const unsigned char *in, int size),
           (ctx, out, done, in, size))
SHORTENING(EVP_DecryptUpdate, done, (EVP_CIPHER_CTX * ctx, unsigned char *out, int *done, const unsigned char *in, int size),
           (ctx, out, done, in, size))
REFUSING(int, EVP_CipherFinal_ex, 0, (EVP_CIPHER_CTX * ctx, unsigned char *out, int *done), (ctx, out, done))
REFUSING(EVP_MD *, EVP_MD_fetch, NULL, (OSSL_LIB_CTX * ctx, const char *name, const char *properties), (ctx, name, properties))
REFUSING(EVP_MD_CTX *, EVP_MD_CTX_new, NULL, (void), ())
REFUSING(int, EVP_MD_CTX_copy_ex, 0, (EVP_MD_CTX * to, const EVP_MD_CTX *from), (to, from))
REFUSING(int, EVP_DigestInit_ex2, 0, (EVP_MD_CTX * ctx, const EVP_MD *md, const OSSL_PARAM *params), (ctx, md, params))
REFUSING(int, EVP_DigestUpdate, 0, (EVP_MD_CTX * ctx, const void *data, size_t size), (ctx, data, size))
REFUSING(int, EVP_DigestFinal_ex, 0, (EVP_MD_CTX * ctx, unsigned char *out, unsigned *size), (ctx, out, size))
REFUSING(int, EVP_Digest, 0, (const void *data, size_t count, unsigned char *out, unsigned *size, const EVP_MD *md, ENGINE *engine),
         (data, count, out, size, md, engine))
REFUSING(EVP_KDF *, EVP_KDF_fetch, NULL, (OSSL_LIB_CTX * ctx, const char *name, const char *properties), (ctx, name, properties))
REFUSING(EVP_KDF_CTX *, EVP_KDF_CTX_new, NULL, (EVP_KDF * kdf), (kdf))
REFUSING(int, EVP_KDF_derive, 0, (EVP_KDF_CTX * ctx, unsigned char *key, size_t size, const OSSL_PARAM params[]), (ctx, key, size, params))
REFUSING(int, RAND_bytes, 0, (unsigned char *out, int size), (out, size))
REFUSING(int, RAND_priv_bytes, 0, (unsigned char *out, int size), (out, size))

/* What is done -------------------------------------------------------------------------------------------------------------------- */

#define SIZE ((size_t)4112) /* more than two pieces of the portable kernel, and no whole number of them */

typedef struct {
  schat__crypto *crypto;
  schat__sealer *sealer, *reader; /* reader: opened what it opens for the first time */
  uint8_t key[256], p[256];
  uint8_t plain[SIZE], cipher[SIZE], sealed[SIZE + SCHAT__SEAL_OVERHEAD];
  uint8_t message1[24 + 64], message2[24 + 64];
  uint8_t out[SIZE + SCHAT__SEAL_OVERHEAD]; /* results come here and nowhere else */
  size_t result;                            /* bytes of out that hold one; what a failure leaves of them must be zero or as before */
} bench;

typedef int (*act)(bench *b);

static int make_crypto(bench *b) {
  schat__crypto *made = NULL;
  (void)b;
  int status = schat__crypto_new(NULL, NULL, NULL, &made);
  assert_true((status == SCHAT_OK) == (made != NULL));
  schat__crypto_free(made);
  return status;
}

static int encrypt(bench *b) {
  uint8_t iv[32] = {3};
  b->result = SIZE;
  return schat__ige_encrypt(b->crypto, b->key, iv, b->plain, b->out, SIZE);
}

static int decrypt(bench *b) {
  uint8_t iv[32] = {3};
  b->result = SIZE;
  return schat__ige_decrypt(b->crypto, b->key, iv, b->cipher, b->out, SIZE);
}

static int open_and_hash(bench *b) {
  uint8_t iv[32] = {3};
  return schat__ige_open(b->crypto, b->key, iv, b->cipher, b->out + 16, 64, b->out, b->key, 8);
}

static int hash(bench *b) {
  b->result = 72;
  int status = schat__sha1(b->crypto, b->out, b->plain, 100, b->key, 20);
  if (status == SCHAT_OK) status = schat__sha256(b->crypto, b->out + 20, b->plain, 100, NULL, 0);
  if (status == SCHAT_OK) status = schat__md5(b->crypto, b->out + 52, b->plain, 100, NULL, 0);
  if (status != SCHAT_OK) memset(b->out, 0, 72); /* the earlier ones were good */
  return status;
}

static int hash_every_end(bench *b) {
  uint8_t ends[SCHAT__ENDS][20];
  b->result = sizeof ends;
  int status = schat__sha1_ends(b->crypto, ends, b->plain, 100);
  memcpy(b->out, ends, status == SCHAT_OK ? sizeof ends : 0);
  return status;
}

static int msg_key_of_1(bench *b) {
  b->result = 16;
  return schat__msg_key1(b->crypto, b->out, b->plain, 100);
}

static int msg_key_of_1_before(bench *b) {
  b->result = 16;
  return schat__msg_key1_before(b->crypto, b->out, b->plain, 100, 8);
}

static int msg_key_of_2(bench *b) {
  b->result = 16;
  return schat__msg_key2(b->crypto, b->out, b->key, 8, b->plain, 112);
}

static int keys_of_1(bench *b) {
  b->result = 64;
  return schat__kdf1(b->crypto, b->out, b->out + 32, b->key, b->plain, 0);
}

static int keys_of_2(bench *b) {
  b->result = 64;
  return schat__kdf2(b->crypto, b->out, b->out + 32, b->key, b->plain, 8);
}

static int picture(bench *b) {
  b->result = 36;
  return schat__key_hash(b->crypto, b->key, b->out);
}

static int fingerprint(bench *b) {
  int64_t number = 0;
  b->result = sizeof number;
  int status = schat__key_fingerprint(b->crypto, b->key, &number);
  memcpy(b->out, &number, sizeof number);
  return status;
}

static int random_bytes(bench *b) {
  b->crypto->pool.seeded = 0; /* as at first */
  b->crypto->pool.at = SCHAT__POOL_SIZE;
  return schat__random(b->crypto, b->out, 40);
}

static int private_bytes(bench *b) {
  return schat__random_private(b->crypto, b->out, 256);
}

static int exponent(bench *b) {
  return schat__dh_generate(b->crypto, b->p, 3, NULL, 0, b->out, b->out + 256);
}

static int key_of_dh(bench *b) {
  b->result = 256;
  BN_MONT_CTX_free(b->crypto->dh.mont);
  b->crypto->dh.mont = NULL;
  return schat__dh_key(b->crypto, b->p, b->key, b->plain, b->out);
}

static int same_exponent(void *user_data, uint8_t *out, size_t size) {
  (void)user_data;
  memset(out, 0x42, size);
  return 0;
}

static int accept_dh(bench *b) {
  b->result = 512;
  b->crypto->random = same_exponent;
  BN_MONT_CTX_free(b->crypto->dh.mont);
  b->crypto->dh.mont = NULL;
  int status = schat__dh_accept(b->crypto, b->p, 3, b->key, NULL, 0, b->out, b->out + 256);
  b->crypto->random = NULL;
  return status;
}

static int check_value(bench *b) {
  uint8_t value[256];
  memcpy(value, b->p, sizeof value);
  value[0] = 1; /* far from both ends */
  int verdict = schat__dh_check_public(b->crypto, b->p, NULL, value, sizeof value, b->out);
  return verdict >= 0 ? SCHAT_OK : verdict;
}

static int make_sealer(bench *b) {
  schat__sealer *made = NULL;
  int status = schat__sealer_new(NULL, b->crypto, b->key, &made);
  assert_true((status == SCHAT_OK) == (made != NULL));
  schat__sealer_free(made);
  return status;
}

static int seal(bench *b) {
  return schat__seal(b->sealer, b->key, 20, b->plain, 100, b->out);
}

static int unseal(bench *b) {
  b->result = 100;
  schat__sealer_free(b->reader);
  b->reader = NULL;
  inside = 0;
  assert_int_equal(schat__sealer_new(NULL, b->crypto, b->key, &b->reader), SCHAT_OK);
  inside = 1;
  int verdict = schat__unseal(b->reader, b->key, 20, b->sealed, 100 + SCHAT__SEAL_OVERHEAD, b->out);
  return verdict == 1 ? SCHAT_OK : verdict == 0 ? SCHAT_E_CORRUPT : verdict;
}

static int seal_envelope(bench *b) {
  b->result = 24 + 64;
  int status = schat__envelope_seal(b->crypto, b->key, 77, 1, b->plain, 64, b->out);
  if (status != SCHAT_OK) memset(b->out + 24, 0, 64); /* what is there is not said to be anything */
  return status;
}

static int open_envelope(bench *b, const uint8_t *message, int mtproto) {
  const uint8_t *object = NULL;
  size_t size = 0;
  b->result = 64;
  int verdict = schat__envelope_open(b->crypto, b->key, 77, mtproto, 1, message, 24 + 64, b->out, &object, &size);
  return verdict == 1 ? SCHAT_OK : verdict == 0 ? SCHAT_E_CORRUPT : verdict;
}

static int open_envelope_1(bench *b) {
  return open_envelope(b, b->message1, 1);
}
static int open_envelope_2(bench *b) {
  return open_envelope(b, b->message2, 2);
}

static int file_fingerprint(bench *b) {
  int32_t number = 0;
  b->result = sizeof number;
  int status = schat_file_fingerprint(b->key, b->key + 32, &number);
  memcpy(b->out, &number, sizeof number);
  return status;
}

/* A file of 100 bytes, in two pieces; `from` NULL encrypts. */
static int run_file(bench *b, const uint8_t *from) {
  schat_file *file = NULL;
  schat_encrypted_file description = {.size = 112};
  size_t first = 0, second = 0;
  inside = 0;
  assert_int_equal(schat_file_fingerprint(b->key, b->key + 32, &description.key_fingerprint), SCHAT_OK);
  inside = 1;
  int status = from == NULL ? schat_file_encrypt_begin(NULL, b->key, b->key + 32, 100, NULL, NULL, &file)
                            : schat_file_decrypt_begin(NULL, b->key, b->key + 32, 100, &description, &file);
  if (status != SCHAT_OK) {
    assert_null(file);
    return status;
  }
  status = schat_file_update(file, from == NULL ? b->plain : from, 32, b->out, &first);
  if (status == SCHAT_OK)
    status = schat_file_update(file, (from == NULL ? b->plain : from) + 32, from == NULL ? 68 : 80, b->out + 32, &second);
  inside = 0;
  if (status == SCHAT_OK) assert_int_equal(first + second, from == NULL ? 112 : 100);
  schat_file_free(file);
  inside = 1;
  return status;
}

static int encrypt_file(bench *b) {
  return run_file(b, NULL);
}
static int decrypt_file(bench *b) {
  return run_file(b, b->cipher);
}

static int zeros(void *user_data, uint8_t *out, size_t size) {
  (void)user_data;
  memset(out, 0, size);
  return 0;
}

/* Two files side by side, of which one ends within a block. What fails leaves its own piece, and nothing of the other's. */
static int files_together(bench *b) {
  const size_t sizes[] = {112, 100};
  schat_file_part parts[2];
  int status = SCHAT_OK;
  b->result = 224;
  for (size_t i = 0; i < 2; i++) {
    SCHAT_INIT(parts[i]);
    inside = 0;
    assert_int_equal(schat_file_encrypt_begin(NULL, b->key, b->key + 32, (int64_t)sizes[i], zeros, NULL, &parts[i].file), SCHAT_OK);
    inside = 1;
    parts[i].in = b->plain;
    parts[i].in_size = sizes[i];
    parts[i].out = b->out + 112 * i;
  }
  assert_int_equal(schat_file_update_many(parts, 2), SCHAT_OK);
  inside = 0;
  for (size_t i = 0; i < 2; i++) {
    int64_t done = -1;
    (void)schat_file_progress(parts[i].file, &done);
    assert_true(done == (parts[i].status == SCHAT_OK ? (int64_t)sizes[i] : 0));
    if (parts[i].status == SCHAT_OK) assert_int_equal(parts[i].written, 112);
    if (status == SCHAT_OK) status = parts[i].status;
    schat_file_free(parts[i].file);
  }
  if (status != SCHAT_OK) memset(b->out, 0, b->result); /* the other's was good */
  inside = 1;
  return status;
}

static const act acts[] = {
    make_crypto,      encrypt,      decrypt,      open_and_hash, hash,          hash_every_end, msg_key_of_1,    msg_key_of_1_before,
    msg_key_of_2,     keys_of_1,    keys_of_2,    picture,       fingerprint,   random_bytes,   private_bytes,   exponent,
    key_of_dh,        check_value,  make_sealer,  seal,          unseal,        seal_envelope,  open_envelope_1, open_envelope_2,
    file_fingerprint, encrypt_file, decrypt_file, accept_dh,     files_together};

/* The bench ------------------------------------------------------------------------------------------------------------------------ */

static void fill(uint8_t *out, size_t size, unsigned seed) {
  for (size_t i = 0; i < size; i++) out[i] = (uint8_t)(seed = seed * 1103515245u + 12345u, seed >> 16);
}

/* MTProto 1 is only read by this library: sealed here as its rules say. */
static void seal_1(bench *b) {
  uint8_t key[32], iv[32], work[64];
  memcpy(work, b->plain, sizeof work);
  assert_int_equal(schat__msg_key1(b->crypto, b->message1 + 8, work, 52), SCHAT_OK);
  assert_int_equal(schat__kdf1(b->crypto, key, iv, b->key, b->message1 + 8, 0), SCHAT_OK);
  assert_int_equal(schat__ige_encrypt(b->crypto, key, iv, work, b->message1 + 24, sizeof work), SCHAT_OK);
  b->message1[0] = 77;
}

static bench *make(void) {
  bench *b = calloc(1, sizeof *b);
  uint8_t iv[32] = {3};
  assert_non_null(b);
  fill(b->key, sizeof b->key, 1);
  fill(b->plain, sizeof b->plain, 2);
  memset(b->plain, 0, 4);
  b->plain[0] = 48; /* the length of an object that an envelope can hold */
  memcpy(b->p, desk_prime(), sizeof b->p);
  assert_int_equal(schat__crypto_new(NULL, NULL, NULL, &b->crypto), SCHAT_OK);
  assert_int_equal(schat__ige_encrypt(b->crypto, b->key, iv, b->plain, b->cipher, SIZE), SCHAT_OK);
  assert_int_equal(schat__sealer_new(NULL, b->crypto, b->key, &b->sealer), SCHAT_OK);
  assert_int_equal(schat__seal(b->sealer, b->key, 20, b->plain, 100, b->sealed), SCHAT_OK);
  assert_int_equal(schat__envelope_seal(b->crypto, b->key, 77, 1, b->plain, 64, b->message2), SCHAT_OK);
  seal_1(b);
  return b;
}

static void drop(bench *b) {
  schat__sealer_free(b->sealer);
  schat__sealer_free(b->reader);
  schat__crypto_free(b->crypto);
  free(b);
}

static int try(bench *b, act what, long failing, int short_of) {
  calls = 0;
  fails_at = failing;
  shortens = short_of;
  memset(b->out, 0, sizeof b->out);
  b->result = 0;
  inside = 1;
  int status = what(b);
  inside = 0;
  fails_at = 0;
  return status;
}

static void refuse_each_call(act what) {
  bench *b = make();
  uint8_t *good = malloc(sizeof b->out);
  assert_non_null(good);
  assert_int_equal(try(b, what, 0, 0), SCHAT_OK);
  memcpy(good, b->out, sizeof b->out);
  const size_t result = b->result;
  const long all = calls;
  for (long n = 1; n <= all; n++) {
    int status = try(b, what, n, 0);
    assert_true(calls >= n);
    if (status == SCHAT_OK) { /* a digest is made ready for its next use when it has given its value */
      assert_string_equal(refused, "EVP_DigestInit_ex2");
      assert_memory_equal(b->out, good, result);
    } else {
      assert_true(status == SCHAT_E_CRYPTO || status == SCHAT_E_RANDOM || status == SCHAT_E_CORRUPT);
      for (size_t i = 0; i < result; i++) assert_int_equal(b->out[i], 0);
    }
    status = try(b, what, 0, 0);
    if (status == SCHAT_OK) {
      assert_memory_equal(b->out, good, result);
    } else { /* a context that did not let go of its key was emptied wholly */
      assert_int_equal(status, SCHAT_E_CRYPTO);
      assert_string_equal(refused, "EVP_CipherInit_ex2");
    }
    drop(b);
    b = make();
  }
  free(good);
  drop(b);
}

static void each_act(void) {
  for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) refuse_each_call(acts[i]);
}

static void a_refusal_of_libcrypto_is_told_and_leaves_nothing(void **state) {
  (void)state;
  assert_int_equal(schat__ige_force("evp"), SCHAT_OK);
  assert_int_equal(schat__sha_force("openssl"), SCHAT_OK);
  each_act();
  assert_int_equal(schat__ige_force(NULL), SCHAT_OK);
  assert_int_equal(schat__sha_force(NULL), SCHAT_OK);
}

static void with_the_kernels_of_this_processor_too(void **state) {
  (void)state;
  each_act();
}

static int counts_shortened(act what) {
  bench *b = make();
  int met = 0;
  assert_int_equal(try(b, what, 0, 0), SCHAT_OK);
  const size_t result = b->result;
  const long all = calls;
  for (long n = 1; n <= all; n++) {
    if (try(b, what, n, 1) == SCHAT_OK) continue;
    for (size_t i = 0; i < result; i++) assert_int_equal(b->out[i], 0);
    met++;
    drop(b);
    b = make();
  }
  drop(b);
  return met;
}

static void less_than_was_asked_for_is_no_success(void **state) {
  (void)state;
  assert_int_equal(schat__ige_force("evp"), SCHAT_OK);
  assert_int_equal(counts_shortened(encrypt), (int)((SIZE + 2047) / 2048));
  assert_int_equal(counts_shortened(decrypt), (int)(SIZE / 16));
  assert_int_equal(counts_shortened(seal), 1);
  assert_int_equal(counts_shortened(unseal), 1);
  assert_int_equal(counts_shortened(random_bytes), 1);
  assert_int_equal(schat__ige_force(NULL), SCHAT_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_refusal_of_libcrypto_is_told_and_leaves_nothing),
      cmocka_unit_test(with_the_kernels_of_this_processor_too),
      cmocka_unit_test(less_than_was_asked_for_is_no_success),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
