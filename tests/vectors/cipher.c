/* SPDX-License-Identifier: BSL-1.0
 * cipher.c - known answers of AES-256-IGE and of the derivation of its keys. */
#include "run_vectors.h"

/* IGE ---------------------------------------------------------------------------------------------------------------------- */

typedef int (*ige_function)(schat__crypto *, const uint8_t *, uint8_t *, const uint8_t *, uint8_t *, size_t);

typedef struct {
  ige_function function;
  const uint8_t *key, *iv, *iv_after;
  const uint8_t *in, *expected;
  size_t size;
} ige_job;

/* Pieces of `first` bytes, then 16 more each; in place when `in_place`. */
static int run_ige(run *r, const ige_job *job, size_t first, int in_place) {
  uint8_t iv[32], *out = keep(r, job->size), *in = keep_copy(r, job->in, job->size);
  size_t piece = first;
  memcpy(iv, job->iv, sizeof iv);
  if (in_place) out = in;
  for (size_t at = 0; at < job->size; piece += 16) {
    size_t now = piece < job->size - at ? piece : job->size - at;
    if (job->function(r->crypto, job->key, iv, in + at, out + at, now) != SCHAT_OK) return 0;
    at += now;
  }
  return same(out, job->expected, job->size) && same(iv, job->iv_after, sizeof iv);
}

int case_ige(run *r, const json_t *c) {
  const uint8_t *key = fixed_field(r, c, "key", 32), *iv = fixed_field(r, c, "iv", 32), *after = fixed_field(r, c, "iv_after", 32);
  schat_bytes plain = {NULL, 0}, sealed = {NULL, 0};
  REQUIRE(key != NULL && iv != NULL && after != NULL && hex_field(r, c, "plaintext", &plain) && hex_field(r, c, "ciphertext", &sealed),
          "a field is missing or has a wrong size");
  REQUIRE(plain.size == sealed.size && plain.size % 16 == 0, "sizes differ, or are no multiple of 16");
  const ige_job there = {schat__ige_encrypt, key, iv, after, plain.data, sealed.data, plain.size};
  const ige_job back = {schat__ige_decrypt, key, iv, after, sealed.data, plain.data, plain.size};
  const size_t pieces[] = {SIZE_MAX - 15, 16, 64};
  for (int in_place = 0; in_place < 2; in_place++) {
    for (size_t i = 0; i < 3; i++) {
      REQUIRE(run_ige(r, &there, pieces[i], in_place), "encryption differs");
      REQUIRE(run_ige(r, &back, pieces[i], in_place), "decryption differs");
    }
  }
  return 1;
}

/* Key derivation ----------------------------------------------------------------------------------------------------------- */

int case_kdf(run *r, const json_t *c) {
  const uint8_t *key = fixed_field(r, c, "key", 256), *msg_key = fixed_field(r, c, "msg_key", 16);
  const uint8_t *want_key = fixed_field(r, c, "aes_key", 32), *want_iv = fixed_field(r, c, "aes_iv", 32);
  int32_t mtproto = 0, x = 0;
  REQUIRE(key != NULL && msg_key != NULL && want_key != NULL && want_iv != NULL, "a field is missing or has a wrong size");
  REQUIRE(int_value(json_object_get(c, "mtproto"), &mtproto) && (mtproto == 1 || mtproto == 2), "mtproto is neither 1 nor 2");
  REQUIRE(int_value(json_object_get(c, "x"), &x) && (x == 0 || x == 8), "x is neither 0 nor 8");
  uint8_t aes_key[32], aes_iv[32];
  int status = mtproto == 1 ? schat__kdf1(r->crypto, aes_key, aes_iv, key, msg_key, (unsigned)x)
                            : schat__kdf2(r->crypto, aes_key, aes_iv, key, msg_key, (unsigned)x);
  REQUIRE(status == SCHAT_OK, "the derivation failed");
  REQUIRE(same(aes_key, want_key, 32), "the AES key differs");
  REQUIRE(same(aes_iv, want_iv, 32), "the AES IV differs");
  return 1;
}
