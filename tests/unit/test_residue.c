/* SPDX-License-Identifier: BSL-1.0
 * test_residue.c - what passes through a function of the cryptography stays neither on its stack nor in what libcrypto frees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "crypto/crypto.h"
#include "crypto/engine.h"
#include "envelope/envelope.h"
#include "residue.h"

#define TEXT 160u

static schat__crypto *crypto;
static uint8_t key[256], text[TEXT], sealed[SCHAT__ENVELOPE_HEAD + TEXT], out[SCHAT__ENVELOPE_HEAD + TEXT + 64];

/* Bytes that stand nowhere else. */
static void fill(uint8_t *p, size_t size, uint32_t seed) {
  for (size_t i = 0; i < size; i++) {
    seed = seed * 1664525u + 1013904223u;
    p[i] = (uint8_t)(seed >> 24);
  }
}

static int prepare(void **state) {
  (void)state;
  fill(key, sizeof key, 1);
  fill(text, sizeof text, 2);
  return schat__crypto_new(NULL, NULL, NULL, &crypto);
}

static int finish(void **state) {
  (void)state;
  schat__crypto_free(crypto);
  return 0;
}

/* The functions ---------------------------------------------------------------------------------------------------------------- */

static struct {
  int status;
  uint8_t a[256], b[256], msg_key[16];
  int64_t fingerprint;
} result;

static void run_msg_key2(void *arg) {
  (void)arg;
  result.status = schat__msg_key2(crypto, result.msg_key, key, 8, text, sizeof text);
}

static void run_msg_key1(void *arg) {
  (void)arg;
  result.status = schat__msg_key1(crypto, result.msg_key, text, sizeof text);
}

static void run_msg_key1_before(void *arg) {
  (void)arg;
  result.status = schat__msg_key1_before(crypto, result.msg_key, text, sizeof text, 8);
}

static void run_kdf2(void *arg) {
  (void)arg;
  result.status = schat__kdf2(crypto, result.a, result.b, key, text, 8);
}

static void run_kdf1(void *arg) {
  (void)arg;
  result.status = schat__kdf1(crypto, result.a, result.b, key, text, 0);
}

static void run_fingerprint(void *arg) {
  (void)arg;
  result.status = schat__key_fingerprint(crypto, key, &result.fingerprint);
}

static void run_key_hash(void *arg) {
  (void)arg;
  result.status = schat__key_hash(crypto, key, result.a);
}

/* Runs one and expects that it works. The caller frees. */
static residue left_by(void (*work)(void *), void *arg) {
  residue r = residue_of(work, arg);
  assert_int_equal(result.status, SCHAT_OK);
  return r;
}

static void expect_none(const residue *r, const void *secret, size_t size) {
  if (residue_is_seen()) assert_false(residue_has(r, secret, size));
}

/* Hashes ----------------------------------------------------------------------------------------------------------------------- */

static void sha1_of(uint8_t hash[20], const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size) {
  assert_int_equal(schat__sha1(crypto, hash, a, a_size, b, b_size), SCHAT_OK);
}

static void sha256_of(uint8_t hash[32], const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size) {
  assert_int_equal(schat__sha256(crypto, hash, a, a_size, b, b_size), SCHAT_OK);
}

/* A call that no compiler sees through. */
static void *(*const volatile copy)(void *, const void *, size_t) = memcpy;

static void leaves(void *arg) {
  uint8_t kept[64];
  (void)copy(kept, arg, sizeof kept);
}

/* What looks must see: a function that wipes nothing is found out. */
static void what_is_left_is_found(void **state) {
  (void)state;
  residue r = residue_of(leaves, text);
  if (residue_is_seen()) {
    assert_true(residue_has(&r, text, 64));
    assert_true(residue_has(&r, text + 40, 16));
    assert_false(residue_has(&r, text + 64, 64));
  }
  residue_free(&r);
}

static void a_msg_key_leaves_nothing_of_its_hash(void **state) {
  (void)state;
  uint8_t hash[32];
  residue r = left_by(run_msg_key2, NULL);
  sha256_of(hash, key + 88 + 8, 32, text, sizeof text);
  assert_memory_equal(result.msg_key, hash + 8, 16);
  expect_none(&r, hash, 32);
  residue_free(&r);
  r = left_by(run_msg_key1, NULL);
  sha1_of(hash, text, sizeof text, NULL, 0);
  assert_memory_equal(result.msg_key, hash + 4, 16);
  expect_none(&r, hash, 20);
  residue_free(&r);
}

static void a_msg_key_of_every_end_leaves_none_of_them(void **state) {
  (void)state;
  residue r = left_by(run_msg_key1_before, NULL);
  for (size_t padding = 0; padding < 16; padding += 4) {
    uint8_t hash[20];
    sha1_of(hash, text, sizeof text - padding, NULL, 0);
    assert_int_equal(memcmp(result.msg_key, hash + 4, 16) == 0, padding == 8);
    expect_none(&r, hash, 20);
  }
  residue_free(&r);
}

static void the_keys_of_a_message_leave_nothing_of_their_hashes(void **state) {
  (void)state;
  uint8_t framed[32], hash[6][32];
  residue r = left_by(run_kdf2, NULL);
  sha256_of(hash[0], text, 16, key + 8, 36);
  sha256_of(hash[1], key + 48, 36, text, 16);
  for (size_t i = 0; i < 2; i++) expect_none(&r, hash[i], 32);
  expect_none(&r, result.a, 32);
  expect_none(&r, result.b, 32);
  residue_free(&r);
  r = left_by(run_kdf1, NULL);
  memcpy(framed, text, 16);
  memcpy(framed + 16, key + 48, 16);
  sha1_of(hash[0], text, 16, key, 32);
  sha1_of(hash[1], key + 32, 16, framed, 32);
  sha1_of(hash[2], key + 64, 32, text, 16);
  sha1_of(hash[3], text, 16, key + 96, 32);
  for (size_t i = 0; i < 4; i++) expect_none(&r, hash[i], 20);
  expect_none(&r, key + 48, 16);
  expect_none(&r, result.a, 32);
  expect_none(&r, result.b, 32);
  residue_free(&r);
}

static void what_a_key_is_known_by_leaves_nothing_of_its_hashes(void **state) {
  (void)state;
  uint8_t sha1[20], sha256[32];
  sha1_of(sha1, key, sizeof key, NULL, 0);
  sha256_of(sha256, key, sizeof key, NULL, 0);
  residue r = left_by(run_fingerprint, NULL);
  expect_none(&r, sha1, sizeof sha1);
  residue_free(&r);
  r = left_by(run_key_hash, NULL);
  expect_none(&r, sha1, sizeof sha1);
  expect_none(&r, sha256, sizeof sha256);
  residue_free(&r);
}

/* Messages --------------------------------------------------------------------------------------------------------------------- */

static void run_seal(void *arg) {
  (void)arg;
  result.status = schat__envelope_seal(crypto, key, 77, 1, text, sizeof text, sealed);
}

static void run_open(void *arg) {
  const uint8_t *object = NULL;
  size_t size = 0;
  result.status = schat__envelope_open(crypto, key, 77, *(const int *)arg, 1, sealed, sizeof sealed, out, &object, &size);
}

static void run_ige(void *arg) {
  uint8_t iv[32];
  memcpy(iv, key + 32, sizeof iv);
  result.status = *(const int *)arg ? schat__ige_decrypt(crypto, key, iv, result.b, result.a, TEXT)
                                    : schat__ige_encrypt(crypto, key, iv, text, result.b, TEXT);
  schat__wipe(iv, sizeof iv); /* it holds the last block of the text by right */
}

static void a_stream_leaves_no_text(void **state) {
  (void)state;
  static const char *const kernels[] = {"evp", NULL};
  for (size_t kernel = 0; kernel < 2; kernel++) {
    assert_int_equal(schat__ige_force(kernels[kernel]), SCHAT_OK);
    crypto->ige = schat__ige_choose();
    for (int opening = 0; opening < 2; opening++) {
      residue r = left_by(run_ige, &opening);
      expect_none(&r, text, sizeof text);
      expect_none(&r, key, 32);
      residue_free(&r);
    }
    assert_memory_equal(result.a, text, sizeof text);
  }
}

static void a_message_leaves_neither_keys_nor_text(void **state) {
  (void)state;
  static const char *const kernels[] = {"evp", NULL};
  uint8_t aes_key[32], aes_iv[32];
  for (size_t kernel = 0; kernel < 2; kernel++) {
    assert_int_equal(schat__ige_force(kernels[kernel]), SCHAT_OK);
    crypto->ige = schat__ige_choose();
    uint8_t padded[TEXT];
    assert_int_equal(schat__pad(crypto, text, 100, TEXT), SCHAT_OK);
    memcpy(padded, text, sizeof padded);
    residue r = left_by(run_seal, NULL);
    assert_int_equal(schat__kdf2(crypto, aes_key, aes_iv, key, sealed + 8, 0), SCHAT_OK);
    expect_none(&r, aes_key, 32);
    expect_none(&r, aes_iv, 32);
    expect_none(&r, padded, sizeof padded);
    residue_free(&r);
    for (int mtproto = 1; mtproto <= 2; mtproto++) {
      r = residue_of(run_open, &mtproto);
      assert_int_equal(result.status, mtproto == 2); /* what is not genuine goes the same way */
      if (mtproto == 1) assert_int_equal(schat__kdf1(crypto, aes_key, aes_iv, key, sealed + 8, 0), SCHAT_OK);
      if (mtproto == 2) assert_int_equal(schat__kdf2(crypto, aes_key, aes_iv, key, sealed + 8, 0), SCHAT_OK);
      if (mtproto == 2) assert_memory_equal(out, padded, sizeof padded);
      expect_none(&r, aes_key, 32);
      expect_none(&r, aes_iv, 32);
      expect_none(&r, padded, sizeof padded);
      residue_free(&r);
    }
  }
}

/* Files ------------------------------------------------------------------------------------------------------------------------ */

static uint8_t file_key[32], file_iv[32];

static int fixed_random(void *user_data, uint8_t *p, size_t size) {
  fill(p, size, *(const uint32_t *)user_data);
  return 0;
}

static void run_file_generate(void *arg) {
  result.status = schat_file_generate(fixed_random, arg, file_key, file_iv);
}

static void run_file_fingerprint(void *arg) {
  int32_t fingerprint;
  (void)arg;
  result.status = schat_file_fingerprint(file_key, file_iv, &fingerprint);
}

typedef struct {
  schat_file *file;
  const uint8_t *in;
  uint8_t *to;
  size_t size, done;
} piece;

static void run_file_update(void *arg) {
  piece *p = arg;
  result.status = schat_file_update(p->file, p->in, p->size, p->to, &p->done);
}

static schat_encrypted_file described;
static schat_file *opened_file;

static void run_file_decrypt_begin(void *arg) {
  (void)arg;
  result.status = schat_file_decrypt_begin(NULL, file_key, file_iv, 43, &described, &opened_file);
}

static void the_key_of_a_file_is_left_nowhere(void **state) {
  (void)state;
  uint32_t seed = 9;
  uint8_t both[64], digest[16];
  residue r = left_by(run_file_generate, &seed);
  fill(both, sizeof both, seed);
  assert_memory_equal(file_key, both, 32);
  expect_none(&r, both, sizeof both);
  residue_free(&r);
  r = left_by(run_file_fingerprint, NULL);
  assert_int_equal(schat__md5(crypto, digest, both, sizeof both, NULL, 0), SCHAT_OK);
  expect_none(&r, both, sizeof both);
  expect_none(&r, digest, sizeof digest);
  residue_free(&r);
  SCHAT_INIT(described);
  described.size = 48;
  assert_int_equal(schat_file_fingerprint(file_key, file_iv, &described.key_fingerprint), SCHAT_OK);
  r = left_by(run_file_decrypt_begin, NULL);
  expect_none(&r, both, sizeof both);
  expect_none(&r, digest, sizeof digest);
  residue_free(&r);
  schat_file_free(opened_file);
}

static void a_piece_of_a_file_leaves_neither_text_nor_state(void **state) {
  (void)state;
  uint32_t seed = 9;
  uint8_t after[SCHAT_FILE_CHECKPOINT_SIZE], cipher[48], plain[48];
  int64_t offset;
  fill(file_key, 32, 5);
  fill(file_iv, 32, 6);
  SCHAT_INIT(described);
  described.size = 48;
  assert_int_equal(schat_file_fingerprint(file_key, file_iv, &described.key_fingerprint), SCHAT_OK);
  for (int opening = 0; opening < 2; opening++) {
    piece p = {NULL, opening ? cipher : text, opening ? plain : cipher, 32, 0};
    if (!opening) assert_int_equal(schat_file_encrypt_begin(NULL, file_key, file_iv, 43, fixed_random, &seed, &p.file), SCHAT_OK);
    if (opening) assert_int_equal(schat_file_decrypt_begin(NULL, file_key, file_iv, 43, &described, &p.file), SCHAT_OK);
    residue r = left_by(run_file_update, &p);
    assert_int_equal(schat_file_checkpoint(p.file, after, &offset), SCHAT_OK);
    expect_none(&r, after, sizeof after);
    expect_none(&r, text, 32);
    residue_free(&r);
    p.in += 32, p.to += 32, p.size = opening ? 16 : 11;
    r = left_by(run_file_update, &p);
    expect_none(&r, text + 32, 11);
    residue_free(&r);
    schat_file_free(p.file);
  }
  assert_memory_equal(plain, text, 43);
}

#define PIECES 3u

static void run_file_many(void *arg) {
  schat_file_part *parts = arg;
  result.status = schat_file_update_many(parts, PIECES);
  for (size_t i = 0; i < PIECES && result.status == SCHAT_OK; i++) result.status = parts[i].status;
}

static void pieces_of_many_files_leave_neither_text_nor_state(void **state) {
  (void)state;
  uint32_t seed = 9;
  uint8_t after[PIECES][SCHAT_FILE_CHECKPOINT_SIZE], cipher[PIECES][48];
  schat_file_part parts[PIECES];
  int64_t offset;
  for (size_t i = 0; i < PIECES; i++) {
    SCHAT_INIT(parts[i]);
    fill(file_key, 32, 5 + (uint32_t)i);
    fill(file_iv, 32, 6);
    assert_int_equal(schat_file_encrypt_begin(NULL, file_key, file_iv, 43, fixed_random, &seed, &parts[i].file), SCHAT_OK);
    parts[i].in = text;
    parts[i].in_size = 32;
    parts[i].out = cipher[i];
  }
  residue r = left_by(run_file_many, parts);
  for (size_t i = 0; i < PIECES; i++) {
    assert_int_equal(schat_file_checkpoint(parts[i].file, after[i], &offset), SCHAT_OK);
    expect_none(&r, after[i], sizeof after[i]);
    parts[i].in = text + 32;
    parts[i].in_size = 11;
    parts[i].out = cipher[i] + 32;
  }
  expect_none(&r, text, 32);
  residue_free(&r);
  r = left_by(run_file_many, parts);
  expect_none(&r, text + 32, 11);
  residue_free(&r);
  for (size_t i = 0; i < PIECES; i++) schat_file_free(parts[i].file);
}

/* What libcrypto frees --------------------------------------------------------------------------------------------------------- */

static const uint8_t *watched; /* 256 bytes, as libcrypto keeps numbers: the lowest byte first */
static size_t seen_in_freed;

static void *watch_allocate(size_t size, const char *file, int line) {
  (void)file, (void)line;
  size_t *p = malloc(16 + size);
  if (p == NULL) return NULL;
  *p = size;
  return (uint8_t *)p + 16;
}

static void watch_free(void *memory, const char *file, int line) {
  (void)file, (void)line;
  if (memory == NULL) return;
  uint8_t *p = memory;
  size_t size;
  memcpy(&size, p - 16, sizeof size);
  for (size_t at = 0; watched != NULL && at < 256; at += 16) {
    for (size_t i = 0; i + 16 <= size; i += 8) seen_in_freed += memcmp(p + i, watched + at, 16) == 0;
  }
  free(p - 16);
}

static void *watch_reallocate(void *memory, size_t size, const char *file, int line) {
  void *p = watch_allocate(size, file, line);
  if (p == NULL || memory == NULL) return p;
  size_t old;
  memcpy(&old, (uint8_t *)memory - 16, sizeof old);
  memcpy(p, memory, old < size ? old : size);
  watch_free(memory, file, line);
  return p;
}

/* Exponents -------------------------------------------------------------------------------------------------------------------- */

static uint8_t prime[256];

static void run_generate(void *arg) {
  (void)arg;
  result.status = schat__dh_generate(crypto, prime, 3, NULL, 0, result.a, result.b);
}

static void run_dh_key(void *arg) {
  result.status = schat__dh_key(crypto, prime, arg, result.a, result.b);
}

/* The exponent is nobody's to see: this source gives it, and the test knows it. */
static const uint8_t *given;

static int give(void *user_data, uint8_t *bytes, size_t size) {
  (void)user_data;
  memcpy(bytes, given, size < 256 ? size : 256);
  return 0;
}

static void run_accept(void *arg) {
  schat_random_fn before = crypto->random;
  crypto->random = give;
  result.status = schat__dh_accept(crypto, prime, 3, arg, NULL, 0, result.a, result.b);
  crypto->random = before;
}

static void an_exponent_and_the_key_it_makes_are_left_nowhere(void **state) {
  (void)state;
  uint8_t value[256];
  fill(prime, sizeof prime, 11);
  prime[0] = 0xff;
  prime[255] |= 1;
  residue r = left_by(run_generate, NULL);
  memcpy(value, result.b, sizeof value);
  expect_none(&r, result.a, sizeof result.a);
  residue_free(&r);
  r = left_by(run_dh_key, value);
  expect_none(&r, result.a, sizeof result.a);
  expect_none(&r, result.b, sizeof result.b);
  residue_free(&r);
}

static void accepting_leaves_neither_exponent_nor_key(void **state) {
  (void)state;
  uint8_t value[256], secret[256];
  fill(prime, sizeof prime, 11);
  prime[0] = 0xff;
  prime[255] |= 1;
  run_generate(NULL);
  assert_int_equal(result.status, SCHAT_OK);
  memcpy(value, result.b, sizeof value);
  fill(secret, sizeof secret, 77);
  secret[0] |= 1;
  given = secret;
  residue r = left_by(run_accept, value);
  expect_none(&r, secret, sizeof secret);
  expect_none(&r, result.b, sizeof result.b);
  residue_free(&r);
}

static size_t seen_while_making_a_key(const uint8_t value[256], const uint8_t secret[256]) {
  uint8_t reversed[256];
  for (size_t i = 0; i < 256; i++) reversed[i] = secret[255 - i];
  watched = reversed;
  seen_in_freed = 0;
  run_dh_key((void *)(uintptr_t)value);
  watched = NULL;
  return seen_in_freed;
}

static size_t seen_while_accepting(const uint8_t value[256], const uint8_t exponent[256], const uint8_t secret[256]) {
  uint8_t reversed[256];
  for (size_t i = 0; i < 256; i++) reversed[i] = secret[255 - i];
  given = exponent;
  watched = reversed;
  seen_in_freed = 0;
  run_accept((void *)(uintptr_t)value);
  watched = NULL;
  return seen_in_freed;
}

/* A number that is freed and not wiped. */
static void expect_the_watch_to_see(const uint8_t value[256]) {
  uint8_t reversed[256];
  for (size_t i = 0; i < 256; i++) reversed[i] = value[255 - i];
  BIGNUM *n = BN_bin2bn(value, 256, NULL);
  assert_non_null(n);
  watched = reversed;
  seen_in_freed = 0;
  BN_free(n);
  watched = NULL;
  assert_int_equal(seen_in_freed, 16);
}

static void libcrypto_frees_no_exponent_and_no_key(void **state) {
  (void)state;
  uint8_t value[256], secret[256];
  run_generate(NULL);
  assert_int_equal(result.status, SCHAT_OK);
  memcpy(value, result.b, sizeof value);
  assert_int_equal(seen_while_making_a_key(value, result.a), 0);
  memcpy(secret, result.b, sizeof secret);
  assert_int_equal(seen_while_making_a_key(value, secret), 0);
  uint8_t exponent[256];
  memcpy(exponent, result.a, sizeof exponent);
  exponent[0] |= 1; /* none that is drawn begins with a zero byte */
  assert_int_equal(seen_while_accepting(value, exponent, exponent), 0);
  assert_int_equal(result.status, SCHAT_OK);
  memcpy(secret, result.b, sizeof secret);
  assert_int_equal(seen_while_accepting(value, exponent, secret), 0);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  expect_the_watch_to_see(value);
#endif
}

/* Records ---------------------------------------------------------------------------------------------------------------------- */

static uint8_t storage_key[32];
static schat__sealer *sealer;

static void run_sealer_new(void *arg) {
  (void)arg;
  result.status = schat__sealer_new(NULL, crypto, storage_key, &sealer);
}

static void run_seal_record(void *arg) {
  (void)arg;
  result.status = schat__seal(sealer, NULL, 0, text, 64, out);
}

static void run_unseal_record(void *arg) {
  (void)arg;
  result.status = schat__unseal(sealer, NULL, 0, out, 64 + SCHAT__SEAL_OVERHEAD, result.a) == 1 ? SCHAT_OK : SCHAT_E_CRYPTO;
}

/* HKDF-SHA256, by libcrypto alone. */
static void derive_record_key(const uint8_t salt[16], uint8_t derived[32]) {
  char digest[] = "SHA256", info[] = "libsecretchat record 1";
  uint8_t from[32], with[16];
  memcpy(from, storage_key, 32);
  memcpy(with, salt, 16);
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                         OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, from, 32),
                         OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, with, 16),
                         OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof info - 1), OSSL_PARAM_construct_end()};
  EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
  EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
  assert_int_equal(EVP_KDF_derive(ctx, derived, 32, params), 1);
  EVP_KDF_CTX_free(ctx);
  EVP_KDF_free(kdf);
}

static void a_record_leaves_no_key_and_no_text(void **state) {
  (void)state;
  uint8_t derived[32];
  fill(storage_key, sizeof storage_key, 21);
  residue opened = left_by(run_sealer_new, NULL);
  residue r = left_by(run_seal_record, NULL);
  derive_record_key(out + 1, derived); /* the salt stands behind the version */
  expect_none(&opened, storage_key, 32);
  expect_none(&opened, derived, 32);
  expect_none(&r, text, 64);
  residue_free(&opened);
  residue_free(&r);
  r = left_by(run_unseal_record, NULL);
  assert_memory_equal(result.a, text, 64);
  expect_none(&r, storage_key, 32);
  expect_none(&r, derived, 32);
  expect_none(&r, text, 64);
  residue_free(&r);
  schat__sealer_free(sealer);
}

int main(int argc, char **argv) {
  (void)argc;
  residue_bind_now(argv);
  if (CRYPTO_set_mem_functions(watch_allocate, watch_reallocate, watch_free) != 1) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_left_is_found),
      cmocka_unit_test(a_msg_key_leaves_nothing_of_its_hash),
      cmocka_unit_test(a_msg_key_of_every_end_leaves_none_of_them),
      cmocka_unit_test(the_keys_of_a_message_leave_nothing_of_their_hashes),
      cmocka_unit_test(what_a_key_is_known_by_leaves_nothing_of_its_hashes),
      cmocka_unit_test(a_stream_leaves_no_text),
      cmocka_unit_test(a_message_leaves_neither_keys_nor_text),
      cmocka_unit_test(the_key_of_a_file_is_left_nowhere),
      cmocka_unit_test(a_piece_of_a_file_leaves_neither_text_nor_state),
      cmocka_unit_test(pieces_of_many_files_leave_neither_text_nor_state),
      cmocka_unit_test(an_exponent_and_the_key_it_makes_are_left_nowhere),
      cmocka_unit_test(accepting_leaves_neither_exponent_nor_key),
      cmocka_unit_test(libcrypto_frees_no_exponent_and_no_key),
      cmocka_unit_test(a_record_leaves_no_key_and_no_text),
  };
  return cmocka_run_group_tests_name("residue", tests, prepare, finish);
}
