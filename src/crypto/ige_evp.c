/* SPDX-License-Identifier: BSL-1.0
 * ige_evp.c - the portable kernel: AES through EVP, which picks a constant-time implementation on every processor.
 *
 * With c the ciphertext and p the plaintext, IGE is c[i] = E(p[i] ^ c[i-1]) ^ p[i-1]. Let d[i] = c[i] ^ p[i-1]; then
 * d[i] = E((p[i] ^ p[i-2]) ^ d[i-1]), which is CBC over p[i] ^ p[i-2], with c[0] as its IV and p[-1] = 0: one running CBC stream
 * encrypts any amount. The other direction, p[i] = D(c[i] ^ p[i-1]) ^ c[i-1], feeds D's output into the next D, which no mode does: a
 * call per block. */
#include <string.h>

#include "engine.h"

#define BLOCK ((size_t)16)
#define PIECE ((size_t)2048) /* on the stack; a call of EVP costs about as much as one block, so it should be many */

static const uint8_t no_key[32] = {0};
static const uint8_t no_iv[BLOCK] = {0};

static void xor_half(uint8_t *out, const uint8_t *a, const uint8_t *b) {
  uint64_t x, y; /* in registers: an array would keep them on the stack where a compiler optimises little */
  memcpy(&x, a, sizeof x);
  memcpy(&y, b, sizeof y);
  x ^= y;
  memcpy(out, &x, sizeof x);
}

static void xor_block(uint8_t *out, const uint8_t *a, const uint8_t *b) {
  xor_half(out, a, b);
  xor_half(out + BLOCK / 2, a + BLOCK / 2, b + BLOCK / 2);
}

/* By halves, for the same reason. */
static void copy_block(uint8_t *out, const uint8_t *in) {
  xor_block(out, in, no_iv);
}

/* Takes the key out of a context that is kept. A context that cannot be emptied so is emptied wholly; then it fails to work
 * until the object ends, which is a failure of libcrypto and nothing else. */
static int forget_key(EVP_CIPHER_CTX *ctx) {
  if (EVP_CipherInit_ex2(ctx, NULL, no_key, no_iv, -1, NULL) == 1) return 1;
  (void)EVP_CIPHER_CTX_reset(ctx);
  return 0;
}

/* Two ends take turns, so that no text waits in a register, which a compiler may put on the stack, while a piece is worked on. */
typedef struct {
  uint8_t ends[2][2 * BLOCK]; /* p[i-2] and p[i-1] */
  unsigned now;               /* which of the two a piece begins with */
  uint8_t work[PIECE];
} encrypt_state;

/* One piece: whitened plaintext into work, through CBC, and out. Walks backwards when writing, so that in == out still finds p[i-1]. */
static int encrypt_piece(EVP_CIPHER_CTX *ctx, encrypt_state *s, const uint8_t *in, uint8_t *out, size_t size) {
  const uint8_t *before = s->ends[s->now], *previous = before + BLOCK;
  uint8_t *next = s->ends[s->now ^ 1u];
  int done = 0;
  for (size_t i = 0; i < size; i += BLOCK) {
    const uint8_t *two_back = i >= 2 * BLOCK ? in + i - 2 * BLOCK : (i == BLOCK ? previous : before);
    xor_block(s->work + i, in + i, two_back);
  }
  if (EVP_EncryptUpdate(ctx, s->work, &done, s->work, (int)size) != 1 || (size_t)done != size) return 0;
  copy_block(next, size >= 2 * BLOCK ? in + size - 2 * BLOCK : previous);
  copy_block(next + BLOCK, in + size - BLOCK);
  for (size_t i = size - BLOCK; i > 0; i -= BLOCK) xor_block(out + i, s->work + i, in + i - BLOCK);
  xor_block(out, s->work, previous);
  s->now ^= 1u;
  return 1;
}

static int encrypt_pieces(EVP_CIPHER_CTX *ctx, encrypt_state *s, const uint8_t *in, uint8_t *out, size_t size) {
  while (size > 0) {
    size_t piece = size < PIECE ? size : PIECE;
    if (!encrypt_piece(ctx, s, in, out, piece)) return 0;
    in += piece;
    out += piece;
    size -= piece;
  }
  return 1;
}

static int evp_encrypt(schat__crypto *crypto, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size) {
  EVP_CIPHER_CTX *ctx = crypto->ige_encrypt;
  encrypt_state s;
  s.now = 0;
  memset(s.ends[0], 0, BLOCK);
  memcpy(s.ends[0] + BLOCK, iv + BLOCK, BLOCK);
  size_t used = size < PIECE ? size : PIECE;
  int good = EVP_EncryptInit_ex2(ctx, NULL, key, iv, NULL) == 1 && encrypt_pieces(ctx, &s, in, out, size);
  good = forget_key(ctx) && good;
  if (good) {
    memcpy(iv, out + size - BLOCK, BLOCK);
    memcpy(iv + BLOCK, s.ends[s.now] + BLOCK, BLOCK);
  } else {
    schat__wipe(out, size);
  }
  schat__wipe(&s, offsetof(encrypt_state, work) + used);
  return good ? SCHAT_OK : SCHAT_E_CRYPTO;
}

typedef struct {
  uint8_t pair[2 * BLOCK]; /* c[i-1] and p[i-1] */
  uint8_t block[BLOCK];
} decrypt_state;

static int decrypt_blocks(EVP_CIPHER_CTX *ctx, decrypt_state *s, const uint8_t *in, uint8_t *out, size_t size) {
  uint8_t cipher[BLOCK];
  int good = 1, done = 0;
  for (size_t i = 0; i < size && good; i += BLOCK) {
    memcpy(cipher, in + i, BLOCK);
    xor_block(s->block, cipher, s->pair + BLOCK);
    good = EVP_DecryptUpdate(ctx, s->block, &done, s->block, (int)BLOCK) == 1 && done == (int)BLOCK;
    xor_block(s->pair + BLOCK, s->block, s->pair);
    memcpy(s->pair, cipher, BLOCK);
    memcpy(out + i, s->pair + BLOCK, BLOCK);
  }
  return good;
}

static int evp_decrypt(schat__crypto *crypto, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size) {
  EVP_CIPHER_CTX *ctx = crypto->ige_decrypt;
  decrypt_state s;
  memcpy(s.pair, iv, sizeof s.pair);
  int good = EVP_DecryptInit_ex2(ctx, NULL, key, NULL, NULL) == 1 && decrypt_blocks(ctx, &s, in, out, size);
  good = forget_key(ctx) && good;
  if (good) {
    memcpy(iv, s.pair, sizeof s.pair);
  } else {
    schat__wipe(out, size);
  }
  schat__wipe(&s, sizeof s);
  return good ? SCHAT_OK : SCHAT_E_CRYPTO;
}

const schat__ige_kernel schat__ige_evp = {"evp", evp_encrypt, evp_decrypt, NULL, NULL};
