/* SPDX-License-Identifier: BSL-1.0
 * forms.c - computes them with libcrypto, and round keys with the library's own expansion where there is one. */
#include "forms.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/ige_x86.h"
#include "desk.h"
#include "envelope/envelope.h"

#define MOST 4096u

static void need(int condition) {
  if (condition) return;
  fputs("forms: libcrypto failed\n", stderr);
  exit(2);
}

static void add(const forms *f, const uint8_t *bytes, size_t size) {
  windows_add(f->into, f->except, bytes, size, f->source);
}

static void turned(const forms *f, const uint8_t *bytes, size_t size, size_t word) {
  uint8_t out[MOST];
  for (size_t shift = 0; shift < word; shift++) {
    size_t used = 0;
    for (; shift + used + word <= size; used += word) {
      for (size_t i = 0; i < word; i++) out[used + i] = bytes[shift + used + word - 1 - i];
    }
    add(f, out, used);
  }
}

void forms_bytes(const forms *f, const uint8_t *bytes, size_t size) {
  uint8_t out[MOST];
  need(size <= sizeof out);
  add(f, bytes, size);
  for (size_t i = 0; i < size; i++) out[i] = bytes[size - 1 - i];
  add(f, out, size);
  turned(f, bytes, size, 4);
}

void forms_chat_key(const forms *f, const uint8_t key[256]) {
  uint8_t out[256];
  forms_bytes(f, key, 256);
  BN_CTX *ctx = BN_CTX_new();
  BIGNUM *p = BN_bin2bn(desk_prime(), 256, NULL), *n = BN_bin2bn(key, 256, NULL);
  need(ctx != NULL && p != NULL && n != NULL && BN_lshift(n, n, 2048) == 1 && BN_mod(n, n, p, ctx) == 1 &&
       BN_bn2binpad(n, out, 256) == 256);
  BN_free(p);
  BN_free(n);
  BN_CTX_free(ctx);
  forms_bytes(f, out, sizeof out);
}

void forms_aes_key(const forms *f, const uint8_t key[32]) {
  forms_bytes(f, key, 32);
#ifdef SCHAT__X86
  if ((schat__cpu() & SCHAT__CPU_AES) == 0) return;
  __m128i keys[SCHAT__ROUND_KEYS];
  schat__aesni_expand(key, keys, 1);
  add(f, (const uint8_t *)keys, sizeof keys);
  schat__aesni_expand_inverse(key, keys, 1);
  add(f, (const uint8_t *)keys, sizeof keys);
#endif
}

static void hmac(const uint8_t *key, size_t key_size, const uint8_t *data, size_t size, uint8_t out[32]) {
  unsigned done = 0;
  need(HMAC(EVP_sha256(), key, (int)key_size, data, size, out, &done) != NULL && done == 32);
}

static void padded_key(const forms *f, const uint8_t key[32], uint8_t with) {
  uint8_t block[32];
  for (size_t i = 0; i < sizeof block; i++) block[i] = key[i] ^ with;
  forms_bytes(f, block, sizeof block);
}

static void encrypt_zero(const uint8_t key[32], uint8_t h[16]) {
  static const uint8_t zero[16];
  int done = 0;
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
  need(ctx != NULL && EVP_EncryptInit_ex(ctx, EVP_aes_256_ecb(), NULL, key, NULL) == 1 && EVP_EncryptUpdate(ctx, h, &done, zero, 16) == 1);
  EVP_CIPHER_CTX_free(ctx);
}

void forms_sealing(const forms *f, const uint8_t storage_key[32], const uint8_t salt[16]) {
  static const char info[] = "libsecretchat record 1\x01"; /* HKDF's counter behind it */
  uint8_t extracted[32], key[32], h[16];
  hmac(salt, 16, storage_key, 32, extracted);
  hmac(extracted, 32, (const uint8_t *)info, sizeof info - 1, key);
  forms_bytes(f, extracted, sizeof extracted);
  padded_key(f, extracted, 0x36);
  padded_key(f, extracted, 0x5c);
  forms_aes_key(f, key);
  encrypt_zero(key, h);
  forms_bytes(f, h, sizeof h);
  turned(f, h, sizeof h, 8);
}

static void hashes2(const forms *f, schat__crypto *crypto, const uint8_t *key, const uint8_t *msg_key, unsigned x) {
  uint8_t hash[32];
  need(schat__sha256(crypto, hash, msg_key, 16, key + x, 36) == SCHAT_OK);
  forms_bytes(f, hash, sizeof hash);
  need(schat__sha256(crypto, hash, key + 40 + x, 36, msg_key, 16) == SCHAT_OK);
  forms_bytes(f, hash, sizeof hash);
}

/* Each block of text with the block of ciphertext before it added: what goes into AES one way, and comes out the other. */
static void whitened(const forms *f, const uint8_t *iv, const uint8_t *text, const uint8_t *sealed, size_t size) {
  const uint8_t *before = iv;
  for (size_t at = 0; at < size; at += 16) {
    uint8_t block[16];
    for (size_t i = 0; i < 16; i++) block[i] = text[at + i] ^ before[i];
    add(f, block, sizeof block);
    before = sealed + at;
  }
}

void forms_message(const forms *f, schat__crypto *crypto, const uint8_t key[256], int by_originator, const uint8_t *message, size_t size) {
  const unsigned x = by_originator ? 0 : 8;
  const size_t text_size = size - SCHAT__ENVELOPE_HEAD;
  uint8_t aes_key[32], aes_iv[32], iv[32], *text = malloc(text_size);
  need(text != NULL);
  hashes2(f, crypto, key, message + 8, x);
  need(schat__kdf2(crypto, aes_key, aes_iv, key, message + 8, x) == SCHAT_OK);
  forms_aes_key(f, aes_key);
  forms_bytes(f, aes_iv, sizeof aes_iv);
  memcpy(iv, aes_iv, sizeof iv);
  need(schat__ige_decrypt(crypto, aes_key, iv, message + SCHAT__ENVELOPE_HEAD, text, text_size) == SCHAT_OK);
  whitened(f, aes_iv, text, message + SCHAT__ENVELOPE_HEAD, text_size);
  free(text);
}
